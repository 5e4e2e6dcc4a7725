/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/segmenter.h"
#include "segment/spool.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define WEIR_TYPE_SEGMENT_SINK (weir_segment_sink_get_type ())
G_DECLARE_FINAL_TYPE (WeirSegmentSink, weir_segment_sink, WEIR, SEGMENT_SINK, GstElement)

GST_ELEMENT_REGISTER_DECLARE (weirsegmentsink);

/**
 * WeirSegmentWritten: what the signal `written` carries
 * @event: what happened, valid during the emission
 * @path: (nullable) OPEN, CHUNK, CLOSE: the spool file
 * @fd: OPEN: its descriptor, readable; to be duplicated if it is kept
 * @offset: CHUNK: where its header begins in the file (behind `styp` for the first one)
 *
 * The signal `written (WeirSegmentSink *sink, gpointer written)` is emitted on the writer's thread,
 * in the segmenter's order, a CHUNK after its write returned.
 */
typedef struct {
  const WeirSegmenterEvent *event;
  const gchar *path;
  gint fd;
  guint64 offset;
} WeirSegmentWritten;

/**
 * weir_segment_sink_set_embedded:
 * @settings: (transfer none): instead of the properties
 * @writer: (transfer none): instead of a thread of its own
 * @folder: where spool files are made, named `<prefix><number>.open`
 *
 * For programs that keep the segments themselves: no final files and no playlist are made, spool
 * files stay after CLOSE; everything is learned from `written`. Before READY.
 */
void weir_segment_sink_set_embedded (WeirSegmentSink *self, const WeirSegmenterSettings *settings,
    WeirSpoolWriter *writer, const gchar *folder, const gchar *prefix);

G_END_DECLS
