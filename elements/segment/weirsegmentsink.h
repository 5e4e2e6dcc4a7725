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
 * @path: (nullable) OPEN, CHUNK, CLOSE: the spool file; NULL when the segment is in memory, for
 *   want of a disk
 * @refusal: (nullable) when it is in memory: what the disk said
 * @moved: CHUNK: the segment has just been moved from its spool file, which is gone, into memory:
 *   all of it is at the same offsets of the new @fd
 * @fd: OPEN, CHUNK: its descriptor, readable; to be duplicated if it is kept
 * @offset: CHUNK: where its header begins in the file (behind `styp` for the first one)
 *
 * The signal `written (WeirSegmentSink *sink, gpointer written)` is emitted on the writer's thread,
 * in the segmenter's order, a CHUNK after its write returned.
 */
typedef struct {
  const WeirSegmenterEvent *event;
  const gchar *path;
  const gchar *refusal;
  gboolean moved;
  gint fd;
  guint64 offset;
} WeirSegmentWritten;

/**
 * WeirSegmentSpool: where an embedded sink writes
 * @writer: (transfer none): instead of a thread of its own
 * @folder: where spool files are made, see weir_segment_spool_make_path()
 * @bytes_max: how much media may wait for the disk, or be in memory because the disk refuses it
 * @free_min: 0 to 99, percent of the folder's file system: with less space free no spool file is
 *   begun
 * @full: (nullable): atomic; outlives the sink: while it is not 0 none is begun either
 */
typedef struct {
  WeirSpoolWriter *writer;
  const gchar *folder;
  const gchar *prefix;
  gsize bytes_max;
  guint free_min;
  const gint *full;
} WeirSegmentSpool;

/* Returns: (transfer full): where a segment is written: `<folder>/<prefix><number>.open` */
gchar *weir_segment_spool_make_path (const gchar *folder, const gchar *prefix, guint64 number);

/**
 * weir_segment_sink_set_embedded:
 * @settings: (transfer none): instead of the properties
 * @spool: (transfer none)
 *
 * For programs that keep the segments themselves: no final files and no playlist are made, spool
 * files stay after CLOSE; everything is learned from `written`. Before READY.
 *
 * A segment that the disk refuses (no space, no inode, an I/O error, or less free than @free_min)
 * goes into memory, from its first byte on; each new segment tries the disk first. What is in
 * memory counts against the bounds until it is given back.
 */
void weir_segment_sink_set_embedded (
    WeirSegmentSink *self, const WeirSegmenterSettings *settings, const WeirSegmentSpool *spool);
/**
 * weir_segment_sink_drain:
 * @drained: called on the writer's thread when all that has come is in closed segments, and
 *   `written` has told of them; before anything that comes later is written
 *
 * Nothing more will come for a while: nobody is to wait for the rest of a segment. What comes later
 * begins behind a discontinuity. Any thread.
 *
 * Returns: FALSE below PAUSED: @drained will not be called
 */
gboolean weir_segment_sink_drain (
    WeirSegmentSink *self, void (*drained) (gpointer data), gpointer data);
/* Returns: how many bytes of segments in memory should be let go of; during `written` */
gsize weir_segment_sink_get_excess (WeirSegmentSink *self);
/* @bytes of segments in memory have been let go of; during `written` */
void weir_segment_sink_release_memory (WeirSegmentSink *self, gsize bytes);

G_END_DECLS
