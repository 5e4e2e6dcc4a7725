/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirWallDate:
 *
 * Which wall time a moment of a broadcast's timeline has: what EXT-X-PROGRAM-DATE-TIME says. Pure;
 * the caller serialises. All zero is its beginning.
 *
 * Media follow the source's clock, never ours, so the two drift apart; only the mapping is moved.
 * The least delayed media tell best: those of the last minute do. Dates follow them by a
 * millisecond per segment at most, by more than two seconds at once where there is a discontinuity,
 * and never go back: behind a discontinuity they go on where what was there before ended, or tracks
 * that begin a little before their segment would.
 */
typedef struct {
  gboolean known;
  gboolean fixed;      /* somebody has seen a date: from now on they move slowly */
  gint64 zero_us;      /* wall time of the timeline's zero, as dates have it */
  gint64 window;       /* number of the window of observations, on the timeline */
  gint64 least_us[2];  /* the least zero observed in this window and in the one before */
  gint64 last_date_us; /* 0: none */
  gint64 end_us;       /* date of the end of what has been told */
} WeirWallDate;

/* media of @time_ns on the timeline came at @wall_us, microseconds since 1970 */
void weir_wall_date_observe (WeirWallDate *self, gint64 time_ns, gint64 wall_us);
/**
 * weir_wall_date_begin_segment:
 * @start_ns: when the segment begins on the timeline
 * @discontinuity: it begins after one
 * @wall_us: when that was, microseconds since 1970: now
 *
 * Returns: its date, microseconds since 1970
 */
gint64 weir_wall_date_begin_segment (
    WeirWallDate *self, gint64 start_ns, gboolean discontinuity, gint64 wall_us);
/* Returns: the date of @start_ns as it stands, for segments that nobody has seen yet */
gint64 weir_wall_date_get (const WeirWallDate *self, gint64 start_ns);
/* goes on with dates that were seen before: @zero_us is the date of the timeline's zero, @end_us
 * that of the end of what was told */
void weir_wall_date_resume (WeirWallDate *self, gint64 zero_us, gint64 end_us);
/* a date was told, a gap's or a segment's, and until when it lasts: no later one is before it, and
 * none behind a discontinuity is before its end */
void weir_wall_date_tell (WeirWallDate *self, gint64 date_us, gint64 end_us);
/* dates are seen from now on */
void weir_wall_date_fix (WeirWallDate *self);

G_END_DECLS
