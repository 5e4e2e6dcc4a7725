/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * SECTION:timeline
 *
 * The timeline of one broadcast (pure: samples and time in, decision records out). It survives its
 * connections: the source of the samples is replaced, the output goes on.
 *
 * A connection's samples come with the sender's stamps, wraps undone (weir_unwrap()). The timeline
 * holds them until the start condition is met, maps them onto the broadcast's time (nanoseconds,
 * from 0) with one offset per connection, keeps decode times strictly increasing per track, tells
 * true gaps from spikes and resets, and marks exactly one discontinuity where one is due. Each
 * sample that was pushed comes out once, in order within its track, as a decision record, possibly
 * later (held) and possibly as `DROP`.
 */
typedef struct _WeirTimeline WeirTimeline;

#define WEIR_TIMELINE_TRACKS_MAX 16

typedef struct {
  gint64 jump_forward_ns;     /* 2 s: R3, a step beyond this (and 8 frames) is suspicious */
  gint64 jump_back_ns;        /* 500 ms: R3 */
  guint confirm_samples;      /* 3: R3, how many agreeing samples make a reset */
  gint64 confirm_wait_us;     /* 250 ms on the clock: R3, at most so long is a suspect held */
  gint64 audio_video_bind_ns; /* 5 s: R4, starts further apart are aligned by arrival */
  gint64 probe_us;            /* 1.5 s on the clock: R8, wait for a further track */
  gint64 probe_promised_us;   /* 3 s: R8, the same when metadata promises the track */
  gint64 picture_wait_us;     /* 4 s on the clock: R8, wait for a configured video's pictures */
  gint64 keyframe_wait_us;    /* 10 s: R8, the same for its first keyframe while pictures come */
  gint64 leading_audio_ns;    /* 500 ms: audio further ahead of the first keyframe is dropped */
  gsize hold_bytes_max;       /* 4 MiB: R15; then the start is forced or suspects are let go */
  guint frozen_samples;       /* 8: R2, more equal stamps in a row are a clock that stands still */
  guint sane_samples;         /* 50: R2, so many steps forward in a row and it goes again */
  gint64 composition_max_ns;  /* 2 s: R7, presentation this far from decoding is not believed */
  gint64 lag_max_ns; /* 10 s: R14, a delay that grew by this and stays moves the timeline */

  /* corrections that alter or invent what the sender said: FALSE */
  gboolean snap_to_grid;        /* R2: decode times of a steady frame rate lose their rounding */
  gboolean count_audio_samples; /* R5: audio's stamps are counted, as long as its own agree */
  gboolean fill_audio_gaps;     /* R6: decisions ask for silent frames */
  gboolean derive_decode_times; /* R7: where they are said to be presentation times */
} WeirTimelineSettings;

/* the defaults that stand beside the fields */
void weir_timeline_settings_init (WeirTimelineSettings *settings);

/**
 * WeirTimelineSample:
 * @dts: sender's decode time in ns, unwrapped; any origin
 * @pts: sender's presentation time, same origin
 * @arrival_us: monotonic clock when its first byte was read
 * @keyframe: decoding can start here (audio: always TRUE)
 * @size: bytes, for the bound on what is held
 * @data: (transfer full): the caller's buffer, handed back in the decision
 */
typedef struct {
  gint64 dts;
  gint64 pts;
  gint64 arrival_us;
  gboolean keyframe;
  gsize size;
  gpointer data;
} WeirTimelineSample;

typedef enum {
  WEIR_DECISION_KEEP,    /* sender's spacing kept */
  WEIR_DECISION_RESTAMP, /* stamp changed: see the reason */
  WEIR_DECISION_DROP,    /* must not be forwarded */
} WeirDecisionAction;

typedef enum {
  WEIR_REASON_NONE,
  WEIR_REASON_DUPLICATE_DTS, /* R2: equal, raised by one tick */
  WEIR_REASON_BACKWARD_DTS,  /* R2: small step back, raised to the predecessor's + one tick */
  WEIR_REASON_SPIKE,         /* R3: outlier, put between its neighbours */
  WEIR_REASON_RESET,         /* R3: first sample on the new timebase */
  WEIR_REASON_GAP,           /* R3: true gap before this sample */
  WEIR_REASON_LAG,           /* R14: first sample behind a delay that stayed */
  WEIR_REASON_FROZEN_CLOCK,  /* R2: the sender's clock stands still, arrival decides */
  WEIR_REASON_NEGATIVE_COMPOSITION,   /* R7: decode times are lowered, this and later ones */
  WEIR_REASON_IMPOSSIBLE_COMPOSITION, /* R7: presented when it is decoded */
  WEIR_REASON_GRID,                   /* R2: its rounding was undone (snap_to_grid) */
  WEIR_REASON_COUNTED,                /* R5: stamp made of samples so far (count_audio_samples) */
  WEIR_REASON_SILENCE,                /* R6: silent frames are due before it (fill_audio_gaps) */
  WEIR_REASON_DERIVED,                /* R7: decode time made of presentation times */
  WEIR_REASON_BEFORE_KEYFRAME,        /* dropped: nothing to decode it with */
  WEIR_REASON_LEADING_PICTURE,        /* R10, dropped: is shown before the first keyframe */
  WEIR_REASON_LEADING_AUDIO,          /* dropped: too far ahead of the first keyframe */
  WEIR_REASON_OLD_CONFIG, /* R9: dropped between a changed configuration and its keyframe */
  WEIR_REASON_ENDED,      /* dropped: its connection ended before the start */
  WEIR_REASON_LAST
} WeirDecisionReason;

const gchar *weir_decision_reason_get_name (WeirDecisionReason reason);

typedef struct {
  guint track;
  WeirDecisionAction action;
  WeirDecisionReason reason;
  gint64 dts; /* on the broadcast's timeline, ns; strictly increasing per track */
  gint64 pts;
  gint64 gap_ns;          /* GAP, RESET, discontinuity: how much time is missing before it */
  gboolean discontinuity; /* mark one here: the first sample of each track of a new run */
  guint silent_frames;    /* SILENCE: so many frames of silence are to come before it, … */
  gint64 silent_ns;       /* … each so long, the last one up to @dts */
  gpointer data;          /* (transfer full) */
} WeirTimelineDecision;

WeirTimeline *weir_timeline_new (const WeirTimelineSettings *settings);
/* @release: for the data of samples that are still held */
void weir_timeline_free (WeirTimeline *self, GDestroyNotify release);

/* Returns: the track's index, from 0; at most WEIR_TIMELINE_TRACKS_MAX, then -1 */
gint weir_timeline_add_track (WeirTimeline *self, WeirMediaKind kind);

/**
 * weir_timeline_begin_connection:
 * @resume_gap_ns: wall time lost since the last media of the previous connection ended, 0 at first
 *
 * A source begins to deliver: the next samples are held for the start condition and mapped by a
 * new offset, behind everything that was put out so far. Not to be called for tracks one by one.
 */
void weir_timeline_begin_connection (WeirTimeline *self, gint64 resume_gap_ns, gint64 now_us);
/* the source is gone: what is held and cannot start is dropped; tracks wait for the next one */
void weir_timeline_end_connection (WeirTimeline *self, gint64 now_us);
/* R8: the sender's metadata says there will be such a track */
void weir_timeline_promise_track (WeirTimeline *self, WeirMediaKind kind);
/* R9: the track's configuration is known; @changed: and differs from the one before, so that
 * samples are dropped until the track's next keyframe, which carries the discontinuity */
void weir_timeline_configured (WeirTimeline *self, guint track, gboolean changed);
/* R5: each audio frame has @samples at @rate per second; 0: varies or not known */
void weir_timeline_set_audio_frame (WeirTimeline *self, guint track, guint samples, guint rate);
/* R7: how many pictures may precede one in decoding and follow it in output; -1: not known */
void weir_timeline_set_reorder (WeirTimeline *self, guint track, gint reorder);
/* nothing of the track is to be waited for before its next sample, neither by the start nor by its
 * own suspects; decisions are then to be pulled */
void weir_timeline_pause_track (WeirTimeline *self, guint track, gint64 now_us);
/* the track is not (or no longer) part of the connection: nothing waits for it */
void weir_timeline_remove_track (WeirTimeline *self, guint track);

/* a sample of the current connection; decisions are then to be pulled */
void weir_timeline_push (WeirTimeline *self, guint track, const WeirTimelineSample *sample);
/* does what is due by @now_us (monotonic): waits that end; decisions are then to be pulled */
void weir_timeline_advance (WeirTimeline *self, gint64 now_us);
/* Returns: when weir_timeline_advance() has something to do, G_MAXINT64 for never */
gint64 weir_timeline_get_deadline (WeirTimeline *self);
/* Returns: FALSE when there is no decision */
gboolean weir_timeline_pull (WeirTimeline *self, WeirTimelineDecision *decision);
/* Returns: TRUE once the start condition of the current connection was met */
gboolean weir_timeline_has_started (WeirTimeline *self);
/* how often each reason was given; (array fixed-size=WEIR_REASON_LAST) */
const guint64 *weir_timeline_get_counts (WeirTimeline *self);
/* end of what was put out so far on all tracks, ns */
gint64 weir_timeline_get_end (WeirTimeline *self);

/**
 * WeirTimelineDrift: R5, what was measured of a track, of its least delayed samples
 * @rate_ppm: how much faster than the clock its stamps go, over the last ten minutes
 * @rate_known: after two minutes
 * @lag_ns: how much later its samples come than at the start of the connection; below 0: the sender
 *   is ahead
 * @count_error_ns: (audio) by how much its stamps have run ahead of its samples, counted since the
 *   connection or the last gap
 *
 * How much audio runs away from video is the difference of two rates. Nothing is corrected by it.
 */
typedef struct {
  gdouble rate_ppm;
  gboolean rate_known;
  gint64 lag_ns;
  gint64 count_error_ns;
} WeirTimelineDrift;

/* @drift: all of it is set, to 0 where nothing is known */
void weir_timeline_get_drift (WeirTimeline *self, guint track, WeirTimelineDrift *drift);

/**
 * WeirUnwrap: R1, the sender's clock made 64 bits wide, for sources
 * @bits: 32 for RTMP (a wrap at 31 bits is recognised too), 33 for MPEG-TS
 */
typedef struct {
  guint bits;
  gboolean valid;
  guint64 last;
  gint64 value;
} WeirUnwrap;

void weir_unwrap_init (WeirUnwrap *self, guint bits);
/* Returns: @stamp as a continuous count; the first one is returned as it is */
gint64 weir_unwrap (WeirUnwrap *self, guint64 stamp);

G_END_DECLS
