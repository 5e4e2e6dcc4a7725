/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/segmenter.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * WeirSegmentInputs:
 *
 * What weirsegmentmux and weirsegmentsink share: their request pads and the segmenter behind them.
 * Buffers are mapped for as long as the segmenter holds them, stamps are running times. Live input
 * goes in as it arrives; input that is not live comes from threads that run as fast as they can, so
 * it is put in the order of its decode times first (bounded in bytes), and no clock is looked at.
 * Behind a GAP event without a duration nothing is waited for on its pad before the next buffer.
 *
 * One lock around all; @handle and @ended are called with it held, on whatever thread pushed.
 */
typedef struct _WeirSegmentInputs WeirSegmentInputs;

typedef struct {
  /* @event: (transfer full) */
  void (*handle) (GstElement *element, WeirSegmenterEvent *event);
  /* all pads are at their end and the segmenter has been drained */
  void (*ended) (GstElement *element, guint32 seqnum);
  /* TRUE once after something was lost: everything is closed, and a new run begins */
  gboolean (*take_loss) (GstElement *element);
  /* TRUE while nothing more can be taken: everything is closed, buffers are dropped and counted,
   * and a new run begins afterwards */
  gboolean (*is_full) (GstElement *element);
  /* what a pad answers; NULL: always OK */
  GstFlowReturn (*get_flow) (GstElement *element);
} WeirSegmentInputsFunctions;

WeirSegmentInputs *weir_segment_inputs_new (
    GstElement *element, const WeirSegmentInputsFunctions *functions);
void weir_segment_inputs_free (WeirSegmentInputs *self);

/* adds the pad templates `video_%u` and `audio_%u` */
void weir_segment_inputs_add_templates (GstElementClass *klass);
/* the element's request_new_pad and release_pad */
GstPad *weir_segment_inputs_request (
    WeirSegmentInputs *self, GstPadTemplate *template, const gchar *name);
void weir_segment_inputs_release (WeirSegmentInputs *self, GstPad *pad);

/* before the pads are activated */
void weir_segment_inputs_start (
    WeirSegmentInputs *self, const WeirSegmenterSettings *settings, gboolean always_live);
/* after they were deactivated: what has come is segmented to its end */
void weir_segment_inputs_stop (WeirSegmentInputs *self);
/* what has come is segmented to its end; @handled is called behind the last event of it, with the
 * lock held. Any thread, between start and stop; else FALSE, and nothing is called. */
gboolean weir_segment_inputs_drain (
    WeirSegmentInputs *self, void (*handled) (gpointer data), gpointer data);
/* does what is due; any thread */
void weir_segment_inputs_tick (WeirSegmentInputs *self);

/* Returns: TRUE when @query was a latency query and has been answered from upstream */
gboolean weir_segment_inputs_query_latency (
    WeirSegmentInputs *self, GstQuery *query, GstClockTime own);
/* gives an upstream event to all pads. @event: (transfer full) */
gboolean weir_segment_inputs_push_event (WeirSegmentInputs *self, GstEvent *event);

/**
 * weir_segment_inputs_make_statistics:
 *
 * What the segmenter has counted since the last start, zeros before it; `gop` is the last complete
 * GOP's duration in nanoseconds. Any thread.
 *
 * Returns: (transfer full): a structure of that name
 */
GstStructure *weir_segment_inputs_make_statistics (WeirSegmentInputs *self, const gchar *name);

G_END_DECLS
