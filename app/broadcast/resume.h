/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "playback/index.h"

G_BEGIN_DECLS

/**
 * WeirResume:
 *
 * Where a broadcast stands, so that it goes on there when its encoder comes back, in this process
 * or in the next: numbers that go on, the end of the timeline, and since when nothing has come. It
 * is the committed state of a broadcast (weir_store_commit_state()), as JSON of a version.
 *
 * Pure. Times are microseconds since 1970, as another process has to understand them. A clock that
 * was set back meanwhile makes less of what was lost, never less than what viewers were told.
 */
typedef struct {
  guint64 next_segment;
  guint32 next_sequence; /* of mfhd */
  guint next_generation;
  guint target_duration; /* seconds, as published; 0: not yet */
  gint64 end_ns;         /* of what has been written, on the broadcast's timeline; 0: nothing */
  gint64 end_us;         /* when the newest of it came */
  gint64 media_us;       /* when media came last: what the reconnect window counts from */
  gboolean stopped;      /* the encoder has said that it stops */
  guint gaps;            /* that playlists list behind @end_ns */
  gboolean dated;        /* somebody has seen a date: */
  gint64 date_zero_us;   /* date of the timeline's zero */
  gint64 end_date_us;    /* date of the end of the newest segment */
  GPtrArray *tail;       /* (nullable): of WeirIndexSegment, by number: the newest that has closed,
                            and those that are open, of what the store gets no entries of */
} WeirResume;

/* @now_us: when the broadcast begins */
void weir_resume_init (WeirResume *self, gint64 now_us);
void weir_resume_clear (WeirResume *self);
void weir_resume_copy (const WeirResume *self, WeirResume *copy);
/* notes a segment of @tail, instead of the one of its number; with one that is @closed older ones
 * are forgotten. @segment: (transfer full): nobody changes it any more */
void weir_resume_add_tail (WeirResume *self, WeirIndexSegment *segment, gboolean closed);
/* a segment has opened of which the store gets no entry: media have come, and what was listed in
 * their place stands before it. @head: (transfer full): likewise */
void weir_resume_open_segment (WeirResume *self, WeirIndexSegment *head, gint64 now_us);
/* a segment has closed that the store gets */
void weir_resume_cut_tail (WeirResume *self, guint64 number);

/* Returns: (transfer full) */
gchar *weir_resume_to_json (const WeirResume *self);
/* Returns: FALSE with %G_IO_ERROR_INVALID_DATA when it is damaged or of another version; @self,
 * which is to be cleared, is set on success only */
gboolean weir_resume_from_json (WeirResume *self, const gchar *json, GError **error);

/**
 * weir_resume_add_segment:
 * @segment: salvaged: it stands behind all that @self knows of, or it is known already
 * @configs: (element-type WeirCodecConfig): of its generation
 * @written_us: when its newest media came; 0: not known
 * @target_least: seconds: when no target duration has been published yet
 *
 * @segment gets the target duration when it has none.
 */
void weir_resume_add_segment (WeirResume *self, WeirIndexSegment *segment, GPtrArray *configs,
    gint64 written_us, guint target_least);

/**
 * weir_resume_complete_tail:
 * @target_least: as above
 *
 * What was open when the other process died was never stored, but viewers may know of it: it keeps
 * its number and its date, and lasts until the next one began; the last one as long as it can have
 * lasted, a target duration at most. The timeline and its dates go on behind it.
 */
void weir_resume_complete_tail (WeirResume *self, guint target_least, gint64 now_us);

/* Returns: for how long nothing has come behind the timeline's end, µs: by so much it jumps when
 * media come now; never into what gaps have covered */
gint64 weir_resume_get_lost (const WeirResume *self, gint64 now_us);
/* Returns: how long the encoder is waited for yet, µs, from 0 to the window. @clean_stop_us: the
 * window when it has said that it stops; it makes none longer */
gint64 weir_resume_get_wait (
    const WeirResume *self, gint64 window_us, gint64 clean_stop_us, gint64 now_us);

/**
 * weir_resume_count_gaps:
 * @lost_us: for how long nothing has come behind the timeline's end
 *
 * The k-th gap is listed when k target durations have passed.
 *
 * Returns: how many gaps there are to be by now; never less than there are
 */
guint weir_resume_count_gaps (const WeirResume *self, gint64 lost_us);
/* Returns: how long it is until there is to be one more, µs; G_MAXINT64: never */
gint64 weir_resume_get_gap_wait (const WeirResume *self, gint64 lost_us);
/* Returns: T of the gap of that number, from 0, ns; they last a target duration each */
gint64 weir_resume_get_gap_start (const WeirResume *self, guint gap);
gint64 weir_resume_get_gap_duration (const WeirResume *self);
/* Returns: its date: what an index says of it that knows only that it is there */
gint64 weir_resume_get_gap_date (const WeirResume *self, guint gap);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirResume, weir_resume_clear)

G_END_DECLS
