/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirCheck:
 *
 * A strict checker of CMAF segments (pure). It is given an init and the segments of one
 * presentation in order, and collects what is wrong in words: box sizes that do not add up, boxes
 * that CMAF does not allow or misses, `tfdt` that does not continue exactly (unless the segment was
 * announced as following a discontinuity, when it may jump forward), a sequence number that does
 * not grow, data offsets and sample sizes that do not cover `mdat` exactly, a segment of brand
 * `cmfs` in which a video track's first sample is not a sync sample, NAL unit lengths that do not
 * add up. Works for whole objects (several tracks) and for per-track views alike.
 */
typedef struct _WeirCheck WeirCheck;

typedef struct {
  guint track_id;
  guint32 timescale;
  gboolean video;
  guint64 samples;
  guint64 first_decode_time; /* ticks */
  guint64 end_decode_time;   /* ticks */
  guint64 duration;          /* ticks: sum of the sample durations */
  guint64 gaps;              /* jumps of tfdt at announced discontinuities */
} WeirCheckTrack;

WeirCheck *weir_check_new (void);
void weir_check_free (WeirCheck *self);
/* @name: what messages call these bytes */
void weir_check_init_segment (WeirCheck *self, const gchar *name, const guint8 *data, gsize size);
void weir_check_segment (WeirCheck *self, const gchar *name, const guint8 *data, gsize size,
    gboolean after_discontinuity);
/* a file that is either, or both one after the other (an init followed by segments) */
void weir_check_any (WeirCheck *self, const gchar *name, const guint8 *data, gsize size);
/* Returns: (transfer none) (element-type utf8): one line per fault, at most 100 */
GPtrArray *weir_check_get_faults (WeirCheck *self);
/* Returns: (transfer none) (element-type WeirCheckTrack): what was seen */
GArray *weir_check_get_tracks (WeirCheck *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCheck, weir_check_free)

G_END_DECLS
