/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline/timeline.h"

#include <string.h>

#define DELTAS 32
#define TICK_MAX_NS (G_GINT64_CONSTANT (1000000))
/* a longer step says nothing about the frame rate; also bounds how far one sample can lead */
#define FRAME_MAX_NS (G_GINT64_CONSTANT (4000000000)) /* fits in 32 bits */
/* R3: so many pauses of video in a row, all as long as the clock says and as each other, are its
 * rate: a shared screen has one picture in several seconds */
#define SLOW_STEPS 3
#define SLOW_MAX_NS (G_GINT64_CONSTANT (8000000000)) /* below SILENT_US, with time to arrive */
/* both tracks at exactly zero, but further apart on the clock than this: two clocks */
#define ZERO_START_US (G_GINT64_CONSTANT (400000))
/* R5: the least delay is looked for in windows of this length … */
#define WINDOW_US (G_GINT64_CONSTANT (10000000))
/* … of which so many are kept, and so many say something */
#define WINDOWS 60
#define WINDOWS_LEAST 12
/* how far the usual delay follows in a window: up for any clock that is too slow, down less, lest
 * the error of each reset stays */
#define STEADY_UP_NS (G_GINT64_CONSTANT (5000000))
#define STEADY_DOWN_NS (G_GINT64_CONSTANT (1000000))
/* a delay that differs from the usual one by this is another one, not jitter */
#define STEADY_SLACK_NS (G_GINT64_CONSTANT (50000000))
/* R3: arrival does not tell better than this how much time a reset took */
#define ARRIVAL_SLACK_NS (G_GINT64_CONSTANT (40000000))
/* senders round their stamps to this */
#define ROUNDING_NS (G_GINT64_CONSTANT (1000000))
/* video that is silent for longer decides nothing */
#define SILENT_US (G_GINT64_CONSTANT (10000000))
/* R2, snap_to_grid: how far a stamp may be off, and for how many frames before it is believed */
#define GRID_SLACK_NS (G_GINT64_CONSTANT (2000000))
#define GRID_FRAMES 30
/* R5, count_audio_samples: below, the count is right; above, something is missing */
#define COUNT_SLACK_NS (G_GINT64_CONSTANT (60000000))
#define COUNT_MAX_NS (G_GINT64_CONSTANT (1000000000))
/* R6, fill_audio_gaps: longer ones are gaps, shorter ones jitter */
#define SILENCE_MAX_NS (G_GINT64_CONSTANT (2000000000))
#define SILENCE_FRAMES 3
/* shorter frames (Opus has 2.5 ms) are no frames, and would be too many */
#define SILENCE_FRAME_LEAST_NS (G_GINT64_CONSTANT (2000000))
/* AVC and HEVC allow no more (ITU-T H.264, A.3; H.265, A.4) */
#define REORDER_MAX 16
/* what a held sample costs beside its payload, so that empty ones are bounded too */
#define HELD_OVERHEAD 1024
/* stamps beyond 73 years of nanoseconds are no stamps; keeps all sums within 64 bits */
#define STAMP_MAX (G_GINT64_CONSTANT (1) << 61)

typedef struct {
  guint track;
  gboolean leading; /* R10: is dropped as such */
  WeirTimelineSample sample;
} Held;

/* what a break in decoding means for pictures that lead their keyframe */
typedef enum {
  WHOLE,
  BROKEN,      /* until the next keyframe … */
  AT_KEYFRAME, /* … and the pictures behind it that are shown before */
} Break;

/* What each sample needs stands first. */
typedef struct {
  WeirMediaKind kind;
  gboolean removed;
  gboolean calm; /* nothing is the matter but with what a sample says itself: push_calm() */

  /* of the current connection */
  gboolean configured;
  gboolean paused;                /* nothing waits for its next sample */
  gboolean wait_keyframe;         /* nothing is accepted before a keyframe */
  WeirDecisionReason wait_reason; /* why what comes before it is dropped */
  gboolean seen;                  /* a sample came; first_* are set */
  Break broken;
  gboolean aligned;   /* offset is set */
  gboolean has_input; /* the following describe the line that the input is on */
  gint64 offset;      /* input + offset = output */
  gint64 last_in;     /* of the last sample on the line */
  gint64 high_in;     /* the furthest one on the line */
  gint64 last_arrival_us;
  GArray *suspects;    /* of WeirTimelineSample: off the line, not decided yet */
  guint equal;         /* stamps in a row that were equal to the one before */
  gboolean frozen;     /* arrival decides */
  gboolean change_due; /* a run begins with the first sample that is put out at … */
  gint64 change_from;  /* … this or later … */
  gint64 change_shift; /* … and is moved by this */
  guint keyframes;     /* accepted, up to 2 */
  gint64 lowered;      /* R7: by how much decode times are lower than the sender's */

  /* delay, arrival minus output */
  gint64 window_end_us;
  gint64 window_least; /* in this window, G_MAXINT64: none */
  gint64 last_least;   /* in the window before */
  gint64 steady;       /* the usual one */
  gint64 first_least;
  gboolean steady_known;

  /* of the broadcast */
  gboolean has_output;
  gint64 last_out;
  gint64 end;    /* of what was put out, decode or presentation time */
  gboolean mark; /* the next sample put out carries a discontinuity */
  guint delta_count;
  guint slow_count;       /* pauses in a row that were as long as … */
  gint64 frame;           /* the usual step */
  guint32 deltas[DELTAS]; /* ring of valid input steps */

  /* rarely */
  gint64 slow_step; /* … this, of the first of them */
  gint64 first_in, first_arrival_us;
  gint64 keyframe_dts, keyframe_pts; /* of the keyframe when it is AT_KEYFRAME */
  guint held;                        /* accepted samples of this track in the start's queue */
  gint64 suspects_deadline_us;
  guint reset_serial;            /* last shared reset that this track took part in */
  gint64 frozen_at, frozen_step; /* the loop that follows arrival */
  gint64 frozen_lag;
  guint sane;
  gint64 windows[WINDOWS]; /* ring of the least delays */
  guint window_count;

  guint rate;        /* of audio, samples per second; 0: not known */
  gint64 frame_ns;   /* how long one of its frames is … */
  guint frame_rest;  /* … and what is left, of a nanosecond, of rate */
  gboolean counts;   /* the following are valid */
  gint64 count_next; /* when the next sample is due, as counting says */
  guint count_rest;  /* of a nanosecond, of rate */
  gint64 count_error;

  gint64 grid_next, grid_step;
  guint grid_good;

  gint reorder;
  gboolean derives;                  /* decode times have been the presentation times so far */
  gint64 reordered[REORDER_MAX + 1]; /* presentation times that no decode time was made of yet */
  guint reordered_count;
  gint64 derived_first;
} Track;

struct _WeirTimeline {
  WeirTimelineSettings settings;
  guint track_count;
  gboolean connected;
  gboolean started;
  gboolean promised[2];
  gint64 resume_gap;
  gint64 resumed_end; /* of what another timeline has put out before this one; 0: nothing */
  gint64 origin;      /* where the current connection starts on the timeline */
  gboolean has_media;
  gint64 first_media_us;
  GArray *held;      /* of Held, in the order in which they came */
  gsize held_bytes;  /* of held samples and suspects */
  guint suspects;    /* of all tracks */
  gboolean lag_due;  /* R14: at the next keyframe the timeline makes up for a delay */
  gboolean corrects; /* a setting alters samples that nothing is the matter with */
  gboolean mark_due; /* R3: there a discontinuity is marked */

  guint reset_serial; /* the last reset, for the tracks that jumped with it */
  gint64 reset_shift;
  gint64 reset_arrival_us;

  WeirTimelineDecision *decisions; /* those from next_decision on are to be pulled */
  guint next_decision, decision_count, decisions_allocated;
  guint64 counts[WEIR_REASON_LAST];
  Track *tracks;
};

void
weir_timeline_settings_init (WeirTimelineSettings *settings)
{
  *settings = (WeirTimelineSettings){
      .jump_forward_ns = G_GINT64_CONSTANT (2000000000),
      .jump_back_ns = G_GINT64_CONSTANT (500000000),
      .confirm_samples = 3,
      .confirm_wait_us = 250000,
      .audio_video_bind_ns = G_GINT64_CONSTANT (5000000000),
      .probe_us = 1500000,
      .probe_promised_us = 3000000,
      .picture_wait_us = 4000000,
      .keyframe_wait_us = 10000000,
      .leading_audio_ns = G_GINT64_CONSTANT (500000000),
      .hold_bytes_max = 4 * 1024 * 1024,
      .frozen_samples = 8,
      .sane_samples = 50,
      .composition_max_ns = G_GINT64_CONSTANT (2000000000),
      .lag_max_ns = G_GINT64_CONSTANT (10000000000),
  };
}

const gchar *
weir_decision_reason_get_name (WeirDecisionReason reason)
{
  static const gchar *const names[WEIR_REASON_LAST] = {
      [WEIR_REASON_NONE] = "kept",
      [WEIR_REASON_DUPLICATE_DTS] = "duplicate-dts",
      [WEIR_REASON_BACKWARD_DTS] = "backward-dts",
      [WEIR_REASON_SPIKE] = "spike",
      [WEIR_REASON_RESET] = "reset",
      [WEIR_REASON_GAP] = "gap",
      [WEIR_REASON_LAG] = "lag",
      [WEIR_REASON_FROZEN_CLOCK] = "frozen-clock",
      [WEIR_REASON_NEGATIVE_COMPOSITION] = "negative-composition",
      [WEIR_REASON_IMPOSSIBLE_COMPOSITION] = "impossible-composition",
      [WEIR_REASON_GRID] = "grid",
      [WEIR_REASON_COUNTED] = "counted",
      [WEIR_REASON_SILENCE] = "silence",
      [WEIR_REASON_DERIVED] = "derived",
      [WEIR_REASON_BEFORE_KEYFRAME] = "before-keyframe",
      [WEIR_REASON_LEADING_PICTURE] = "leading-picture",
      [WEIR_REASON_LEADING_AUDIO] = "leading-audio",
      [WEIR_REASON_OLD_CONFIG] = "old-config",
      [WEIR_REASON_ENDED] = "ended",
  };

  return (guint) reason < WEIR_REASON_LAST ? names[reason] : "unknown";
}

WeirTimeline *
weir_timeline_new (const WeirTimelineSettings *settings)
{
  WeirTimeline *self = g_new0 (WeirTimeline, 1);

  self->settings = *settings;
  self->corrects = settings->snap_to_grid || settings->count_audio_samples ||
                   settings->fill_audio_gaps || settings->derive_decode_times;
  self->held = g_array_new (FALSE, FALSE, sizeof (Held));
  return self;
}

void
weir_timeline_free (WeirTimeline *self, GDestroyNotify release)
{
  guint i, n;

  if (self == NULL)
    return;
  for (i = 0; i < self->track_count; i++) {
    GArray *suspects = self->tracks[i].suspects;

    for (n = 0; release != NULL && n < suspects->len; n++)
      release (g_array_index (suspects, WeirTimelineSample, n).data);
    g_array_unref (suspects);
  }
  for (n = 0; release != NULL && n < self->held->len; n++)
    release (g_array_index (self->held, Held, n).sample.data);
  for (n = self->next_decision; release != NULL && n < self->decision_count; n++)
    release (self->decisions[n].data);
  g_array_unref (self->held);
  g_free (self->tracks);
  g_free (self->decisions);
  g_free (self);
}

/* nothing of the current connection is known of @track */
static void
reset_track (const WeirTimeline *self, Track *track)
{
  track->calm = FALSE;
  track->configured = FALSE;
  track->paused = FALSE;
  track->wait_keyframe = TRUE;
  track->wait_reason = WEIR_REASON_BEFORE_KEYFRAME;
  track->seen = FALSE;
  track->aligned = FALSE;
  track->has_input = FALSE;
  track->reset_serial = self->reset_serial;
  track->broken = track->kind == WEIR_MEDIA_VIDEO ? BROKEN : WHOLE;
  track->equal = 0;
  track->slow_count = 0;
  track->frozen = FALSE;
  track->change_due = FALSE;
  track->keyframes = 0;
  track->lowered = 0;
  track->window_end_us = G_MININT64;
  track->window_least = track->last_least = G_MAXINT64;
  track->steady_known = FALSE;
  track->window_count = 0;
  track->counts = FALSE;
  track->count_error = 0;
  track->grid_good = 0;
  track->derives = TRUE;
  track->reordered_count = 0;
  track->derived_first = G_MAXINT64;
}

gint
weir_timeline_add_track (WeirTimeline *self, WeirMediaKind kind)
{
  Track *track;
  guint i;

  for (i = 0; i < self->track_count; i++) {
    /* one that was removed serves again, so that its decode times go on increasing */
    if (self->tracks[i].removed && self->tracks[i].kind == kind)
      break;
  }
  if (i == WEIR_TIMELINE_TRACKS_MAX)
    return -1;
  if (i == self->track_count) {
    self->tracks = g_renew (Track, self->tracks, ++self->track_count);
    self->tracks[i] = (Track){.suspects = g_array_new (FALSE, FALSE, sizeof (WeirTimelineSample))};
  }
  track = &self->tracks[i];
  track->kind = kind;
  if (track->delta_count == 0)
    track->frame = kind == WEIR_MEDIA_VIDEO ? 33333333 : 21333333;
  track->removed = FALSE;
  track->reorder = -1;
  track->rate = 0;
  reset_track (self, track);
  /* a track that is new in a later connection is part of that connection's new run */
  track->mark = self->connected && self->origin > 0;
  return (gint) i;
}

/* the usual step */
static gint64
frame_duration (const Track *track)
{
  return track->frame;
}

/* the usual step is the median of the last valid ones; looked for now and then */
static void
find_median (Track *track)
{
  guint32 sorted[DELTAS];
  gint64 frame = track->frame;
  guint count = MIN (track->delta_count, DELTAS);
  guint below = 0, above = 0, i, at;

  /* the ring is full for good; keeps the count from wrapping */
  if (track->delta_count == 2 * DELTAS)
    track->delta_count = DELTAS;
  for (i = 0; i < count; i++) {
    below += track->deltas[i] < frame;
    above += track->deltas[i] > frame;
  }
  if (below <= count / 2 && above < count - count / 2)
    return;
  for (i = 0; i < count; i++) {
    for (at = i; at > 0 && sorted[at - 1] > track->deltas[i]; at--)
      sorted[at] = sorted[at - 1];
    sorted[at] = track->deltas[i];
  }
  track->frame = sorted[count / 2];
}

static void
add_step (Track *track, guint32 step)
{
  track->slow_count = 0;
  track->deltas[track->delta_count++ % DELTAS] = step;
  if (track->delta_count <= 8 || track->delta_count % (DELTAS / 2) == 0)
    find_median (track);
}

/* R2: how far a stamp is raised above its predecessor */
static gint64
tick (const Track *track)
{
  return CLAMP (frame_duration (track) / 2, 1, TICK_MAX_NS);
}

/* how far a sample may lead its predecessor without being suspicious */
static gint64
step_max (const WeirTimeline *self, const Track *track)
{
  return MAX (self->settings.jump_forward_ns, 8 * frame_duration (track));
}

static gboolean
follows (const WeirTimeline *self, const Track *track, gint64 last, gint64 high, gint64 stamp)
{
  if (stamp < high - self->settings.jump_back_ns)
    return FALSE;
  return stamp - last <= self->settings.jump_forward_ns || stamp - last <= step_max (self, track);
}

/* presentation relative to decoding, as far as it is believed (R7) */
static gint64
composition (const WeirTimeline *self, const WeirTimelineSample *sample)
{
  gint64 offset = sample->pts - sample->dts;

  return ABS (offset) <= self->settings.composition_max_ns ? offset : 0;
}

/* Returns: a decision about @sample to be filled in, of which the rest is 0; then decided() */
static WeirTimelineDecision *
decide (
    WeirTimeline *self, guint index, const WeirTimelineSample *sample, WeirDecisionReason reason)
{
  WeirTimelineDecision *decision;

  if (self->decision_count == self->decisions_allocated) {
    self->decisions_allocated = MAX (2 * self->decisions_allocated, 4);
    self->decisions = g_renew (WeirTimelineDecision, self->decisions, self->decisions_allocated);
  }
  decision = &self->decisions[self->decision_count++];
  *decision = (WeirTimelineDecision){.track = index, .reason = reason, .data = sample->data};
  return decision;
}

static void
drop (WeirTimeline *self, guint index, const WeirTimelineSample *sample, WeirDecisionReason reason)
{
  decide (self, index, sample, reason)->action = WEIR_DECISION_DROP;
  self->counts[reason]++;
}

/* the usual delay of @track. Returns: FALSE when none is known */
static gboolean
get_delay (const Track *track, gint64 *delay)
{
  gint64 recent = MIN (track->window_least, track->last_least);

  if (recent == G_MAXINT64 && !track->steady_known)
    return FALSE;
  if (track->steady_known &&
      (recent == G_MAXINT64 || ABS (recent - track->steady) <= STEADY_SLACK_NS))
    recent = track->steady;
  *delay = recent;
  return TRUE;
}

/* what was measured of delays on another line says nothing on this one */
static void
forget_delays (Track *track)
{
  track->window_least = track->last_least = G_MAXINT64;
  track->window_count = 0;
}

/* R5, R14 */
static void
close_window (WeirTimeline *self, Track *track, gint64 arrival_us)
{
  gint64 least = track->window_least;

  track->window_least = G_MAXINT64;
  track->last_least = least;
  if (track->window_end_us != G_MININT64 && arrival_us < track->window_end_us + WINDOW_US) {
    track->window_end_us += WINDOW_US;
  } else {
    track->window_end_us = arrival_us + WINDOW_US;
    track->window_count = 0;
  }
  if (least == G_MAXINT64)
    return;
  track->windows[track->window_count++ % WINDOWS] = least;
  if (!track->steady_known) {
    track->steady_known = TRUE;
    track->steady = track->first_least = least;
  } else if (least - track->steady > self->settings.lag_max_ns) {
    self->lag_due = TRUE;
  } else {
    track->steady += CLAMP (least - track->steady, -STEADY_DOWN_NS, STEADY_UP_NS);
  }
}

static void
note_delay (WeirTimeline *self, Track *track, gint64 arrival_us, gint64 out)
{
  gint64 delay = arrival_us * 1000 - out;

  if (G_UNLIKELY (arrival_us >= track->window_end_us))
    close_window (self, track, arrival_us);
  track->window_least = MIN (track->window_least, delay);
}

/* R5: how far audio's stamps are from its samples. Returns: @dts, or what counting says */
static gint64
count_audio (WeirTimeline *self, Track *track, gint64 dts, gboolean restart)
{
  gint64 frame_ns = track->frame_ns;
  gint64 error = dts - track->count_next;

  if (restart || !track->counts || ABS (error) > COUNT_MAX_NS) {
    track->counts = TRUE;
    track->count_next = dts;
    track->count_rest = 0;
    error = 0;
  }
  track->count_error = error;
  if (self->settings.count_audio_samples) {
    /* 200 ppm */
    if (ABS (error) >= COUNT_SLACK_NS)
      track->count_next += CLAMP (error, -frame_ns / 5000, frame_ns / 5000);
    dts = track->count_next;
  }
  track->count_next += frame_ns;
  track->count_rest += track->frame_rest;
  if (track->count_rest >= track->rate) {
    track->count_rest -= track->rate;
    track->count_next++;
  }
  return dts;
}

/* R2: the frame rate's grid, found by a loop that follows it. Returns: @dts or the grid's line */
static gint64
snap_to_grid (Track *track, gint64 dts)
{
  gint64 error = dts - track->grid_next;
  gint64 line = dts;

  if (track->grid_good == 0 || ABS (error) > GRID_SLACK_NS) {
    track->grid_good = 1;
    track->grid_step = frame_duration (track);
    track->grid_next = dts + track->grid_step;
    return dts;
  }
  if (track->grid_good < GRID_FRAMES)
    track->grid_good++;
  else
    line = track->grid_next;
  track->grid_step += error / 256;
  track->grid_next += track->grid_step + error / 16;
  return line;
}

/* R6. Returns: how many frames of silence are missing before @dts */
static guint
count_silence (const Track *track, gint64 dts, gint64 frame)
{
  gint64 gap = dts - track->last_out - frame;

  if (!track->has_output || frame < SILENCE_FRAME_LEAST_NS ||
      gap < SILENCE_FRAMES * frame + frame / 2 || gap > SILENCE_MAX_NS)
    return 0;
  return (guint) ((gap + frame / 2) / frame);
}

/* the corrections that may alter a sample on the line */
static gint64
correct (WeirTimeline *self, Track *track, gint64 dts, WeirTimelineDecision *decision)
{
  gboolean plain = decision->reason == WEIR_REASON_NONE;
  gint64 line = dts;

  if (track->kind == WEIR_MEDIA_AUDIO && track->rate != 0) {
    line = count_audio (self, track, dts, !plain || !track->has_input);
    if (line != dts && plain)
      decision->reason = WEIR_REASON_COUNTED;
  } else if (self->settings.snap_to_grid && track->kind == WEIR_MEDIA_VIDEO) {
    if (!plain)
      track->grid_good = 0;
    line = snap_to_grid (track, dts);
    if (line != dts && plain)
      decision->reason = WEIR_REASON_GRID;
  }
  if (self->settings.fill_audio_gaps && plain && track->rate != 0) {
    decision->silent_ns = track->frame_ns;
    decision->silent_frames = count_silence (track, line, decision->silent_ns);
    if (decision->silent_frames > 0)
      decision->reason = WEIR_REASON_SILENCE;
  }
  if (self->settings.derive_decode_times && track->derives && track->reorder > 0 &&
      decision->reason == WEIR_REASON_NONE)
    decision->reason = WEIR_REASON_DERIVED;
  return line;
}

/* R7: presentation before decoding is left as it is, but decode times are lowered until it is none
 * as long as the first GOP says by how much. Returns: by how much more */
static gint64
lower (Track *track, gint64 offset)
{
  gint64 more = -offset - track->lowered;

  if (more <= 0 || track->keyframes > 1 || track->kind != WEIR_MEDIA_VIDEO)
    return 0;
  track->lowered += more;
  track->offset -= more;
  return more;
}

/* @reason: NONE, SPIKE, RESET, GAP, LAG or FROZEN_CLOCK; the sample comes out at @dts, or above its
 * predecessor */
static void
put_out (WeirTimeline *self, guint index, const WeirTimelineSample *sample, gint64 dts,
    WeirDecisionReason reason, gboolean equal)
{
  Track *track = &self->tracks[index];
  gint64 offset = composition (self, sample);
  gint64 duration = frame_duration (track);
  gint64 lowered;
  WeirTimelineDecision *decision = decide (self, index, sample, reason);

  if (sample->keyframe && track->keyframes < 2)
    track->keyframes++;
  if (offset != sample->pts - sample->dts && reason == WEIR_REASON_NONE)
    decision->reason = WEIR_REASON_IMPOSSIBLE_COMPOSITION;
  dts = correct (self, track, dts, decision);
  lowered = lower (track, offset);
  if (lowered > 0 && decision->reason == WEIR_REASON_NONE)
    decision->reason = WEIR_REASON_NEGATIVE_COMPOSITION;
  dts -= lowered;
  offset += track->lowered;
  if (decision->reason != WEIR_REASON_NONE && decision->reason != WEIR_REASON_GAP &&
      decision->reason != WEIR_REASON_LAG && decision->reason != WEIR_REASON_SILENCE)
    decision->action = WEIR_DECISION_RESTAMP;

  decision->dts = dts;
  if (track->has_output && dts <= track->last_out) {
    decision->dts = track->last_out + tick (track);
    decision->action = WEIR_DECISION_RESTAMP;
    if (decision->reason == WEIR_REASON_NONE)
      decision->reason = equal ? WEIR_REASON_DUPLICATE_DTS : WEIR_REASON_BACKWARD_DTS;
  }
  /* a raised decode time leaves the presentation time alone as long as it stays possible */
  decision->pts = MAX (dts + offset, decision->dts + MIN (offset, 0));

  /* time that nobody can make up for */
  if (reason == WEIR_REASON_RESET && track->has_output &&
      decision->dts - track->last_out > step_max (self, track))
    track->mark = TRUE;
  decision->discontinuity = track->mark || reason == WEIR_REASON_GAP;
  if (track->has_output && (decision->discontinuity || reason == WEIR_REASON_RESET))
    decision->gap_ns = MAX (decision->dts - track->last_out - duration, 0);
  if (decision->discontinuity && track->kind == WEIR_MEDIA_VIDEO)
    track->broken = sample->keyframe ? AT_KEYFRAME : BROKEN;
  track->mark = FALSE;
  track->has_output = TRUE;
  track->last_out = decision->dts;
  track->end = MAX (track->end, decision->dts + MAX (offset, 0) + duration);
  if (reason != WEIR_REASON_SPIKE && reason != WEIR_REASON_FROZEN_CLOCK)
    note_delay (self, track, sample->arrival_us, decision->dts);
  self->counts[decision->reason]++;
}

/* the track's input is on a line that goes through this sample */
static void
set_line (Track *track, const WeirTimelineSample *sample)
{
  track->has_input = TRUE;
  track->last_in = sample->dts;
  track->high_in = sample->dts;
  track->last_arrival_us = sample->arrival_us;
}

/* R2: the sender's clock stands still */
static void
freeze (Track *track, const WeirTimelineSample *sample, gint64 delay)
{
  track->frozen = TRUE;
  track->sane = 0;
  track->frozen_lag = delay;
  track->frozen_step = frame_duration (track);
  track->frozen_at = sample->arrival_us * 1000 - delay - track->frozen_step;
  forget_delays (track);
}

/* R2: until the sender's clock goes again, the arrival's does, smoothed by a loop of second order
 */
static void
follow_arrival (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  Track *track = &self->tracks[index];
  WeirDecisionReason reason = WEIR_REASON_FROZEN_CLOCK;
  gint64 at = track->frozen_at + track->frozen_step;
  gint64 error = sample->arrival_us * 1000 - track->frozen_lag - at;
  gint64 step = sample->dts - track->last_in;
  gint64 line;

  if (ABS (error) > self->settings.jump_forward_ns) {
    at += error;
    error = 0;
    if (at - track->last_out > step_max (self, track))
      reason = WEIR_REASON_GAP;
  }
  track->frozen_at = at + error / 8;
  track->frozen_step = MAX (track->frozen_step + error / 256, tick (track));
  track->sane = step > 0 && step <= self->settings.jump_forward_ns ? track->sane + 1 : 0;
  set_line (track, sample);
  if (track->sane < self->settings.sane_samples) {
    put_out (self, index, sample, track->frozen_at, reason, FALSE);
    return;
  }
  track->frozen = FALSE;
  track->equal = 0;
  /* it may stand where it would stand now, had it never stopped; nothing tells better */
  line = sample->dts + track->offset;
  if (ABS (line - track->frozen_at) > MAX (4 * frame_duration (track), 2 * ARRIVAL_SLACK_NS)) {
    track->offset = track->frozen_at - sample->dts;
    line = track->frozen_at;
    reason = WEIR_REASON_RESET;
  } else if (reason != WEIR_REASON_GAP) {
    reason = WEIR_REASON_NONE;
  }
  put_out (self, index, sample, line, reason, FALSE);
}

/* does a new run begin with this sample, if one is due? Video's keyframes say so as long as there
 * is video. */
static gboolean
decides (const WeirTimeline *self, const Track *track, const WeirTimelineSample *sample)
{
  guint i;

  if (track->kind == WEIR_MEDIA_VIDEO)
    return sample->keyframe;
  for (i = 0; i < self->track_count; i++) {
    const Track *other = &self->tracks[i];

    if (other->kind == WEIR_MEDIA_VIDEO && !other->removed && other->has_input &&
        sample->arrival_us - other->last_arrival_us <= SILENT_US)
      return FALSE;
  }
  return TRUE;
}

/* R3, R14: all tracks begin a new run with the keyframe @sample, and make up for a delay */
static void
begin_change (WeirTimeline *self, const Track *track, const WeirTimelineSample *sample)
{
  gint64 dts = sample->dts + track->offset;
  gint64 delay = MIN (track->window_least, sample->arrival_us * 1000 - dts);
  gint64 shift = 0;
  guint i;

  if (self->lag_due && track->steady_known && delay - track->steady > self->settings.lag_max_ns)
    shift = delay - track->steady;
  self->lag_due = FALSE;
  if (shift == 0 && !self->mark_due)
    return;
  self->mark_due = FALSE;
  for (i = 0; i < self->track_count; i++) {
    Track *other = &self->tracks[i];

    if (other->removed || !other->has_input)
      continue;
    other->calm = FALSE;
    other->change_due = TRUE;
    other->change_from = other == track ? dts : dts + MAX (composition (self, sample), 0);
    other->change_shift = shift;
  }
}

static void
change (Track *track, WeirDecisionReason *reason)
{
  track->change_due = FALSE;
  track->mark = TRUE;
  if (track->change_shift == 0)
    return;
  track->offset += track->change_shift;
  forget_delays (track);
  if (*reason == WEIR_REASON_NONE)
    *reason = WEIR_REASON_LAG;
}

static void
accept (
    WeirTimeline *self, guint index, const WeirTimelineSample *sample, WeirDecisionReason reason)
{
  Track *track = &self->tracks[index];
  gint64 step = sample->dts - track->last_in;
  gboolean equal = track->has_input && step == 0;
  gint64 delay;

  if (G_UNLIKELY (track->frozen)) {
    follow_arrival (self, index, sample);
    return;
  }
  track->equal = equal ? track->equal + 1 : 0;
  if (track->equal > self->settings.frozen_samples && get_delay (track, &delay)) {
    freeze (track, sample, delay);
    follow_arrival (self, index, sample);
    return;
  }
  if (G_UNLIKELY (self->lag_due || self->mark_due) && decides (self, track, sample))
    begin_change (self, track, sample);
  if (G_UNLIKELY (track->change_due) && sample->dts + track->offset >= track->change_from)
    change (track, &reason);
  if (track->has_input && reason == WEIR_REASON_NONE && step > 0 && step <= FRAME_MAX_NS)
    add_step (track, (guint32) step);
  put_out (self, index, sample, sample->dts + track->offset, reason, equal);
  if (!track->has_input || reason == WEIR_REASON_RESET) {
    set_line (track, sample);
    return;
  }
  track->last_in = sample->dts;
  track->high_in = MAX (track->high_in, sample->dts);
  track->last_arrival_us = sample->arrival_us;
}

/* the samples of @track that are off the line, handed over; no longer counted as held */
static GArray *
take_suspects (WeirTimeline *self, Track *track)
{
  GArray *suspects = track->suspects;
  guint i;

  for (i = 0; i < suspects->len; i++)
    self->held_bytes -= g_array_index (suspects, WeirTimelineSample, i).size + HELD_OVERHEAD;
  self->suspects -= suspects->len;
  /* another track's sample, or time, may be why they are judged: what they do to it is looked at */
  track->calm = FALSE;
  track->suspects = g_array_new (FALSE, FALSE, sizeof (WeirTimelineSample));
  return suspects;
}

/* R3: the line goes on; outliers are spread between the last sample and @next_out */
static void
suspects_are_spikes (WeirTimeline *self, guint index, gint64 next_out)
{
  Track *track = &self->tracks[index];
  g_autoptr (GArray) suspects = NULL;
  gint64 first = track->last_out;
  guint i;

  if (self->suspects == 0 || track->suspects->len == 0)
    return;
  suspects = take_suspects (self, track);
  for (i = 0; i < suspects->len; i++)
    put_out (self, index, &g_array_index (suspects, WeirTimelineSample, i),
        first + (next_out - first) * (i + 1) / (suspects->len + 1), WEIR_REASON_SPIKE, FALSE);
}

static void
shift_suspects (WeirTimeline *self, guint index, gint64 shift)
{
  Track *track = &self->tracks[index];
  g_autoptr (GArray) suspects = take_suspects (self, track);
  guint i;

  track->offset += shift;
  track->window_count = 0;
  track->reset_serial = self->reset_serial;
  for (i = 0; i < suspects->len; i++)
    accept (self, index, &g_array_index (suspects, WeirTimelineSample, i),
        i == 0 ? WEIR_REASON_RESET : WEIR_REASON_NONE);
}

/* R3: did this track jump together with the one that was reset last, by the same amount? */
static gboolean
shares_reset (const WeirTimeline *self, const Track *track, const WeirTimelineSample *sample)
{
  gint64 step = sample->dts + track->offset + self->reset_shift - track->last_out;
  gint64 distance_us = sample->arrival_us - self->reset_arrival_us;

  if (track->reset_serial == self->reset_serial)
    return FALSE;
  if (ABS (distance_us) > self->settings.audio_video_bind_ns / 1000)
    return FALSE;
  return step > -self->settings.jump_back_ns && step <= step_max (self, track);
}

/* R3: how far behind the last sample the suspects begin, by the clock: the least delayed of them
 * comes as late as samples usually do */
static gint64
measure_step (const Track *track)
{
  const WeirTimelineSample *first = &g_array_index (track->suspects, WeirTimelineSample, 0);
  gint64 least = G_MAXINT64, delay;
  guint i;

  if (!get_delay (track, &delay))
    return MAX (frame_duration (track), (first->arrival_us - track->last_arrival_us) * 1000);
  for (i = 0; i < track->suspects->len; i++) {
    const WeirTimelineSample *sample = &g_array_index (track->suspects, WeirTimelineSample, i);

    least = MIN (least, sample->arrival_us * 1000 - (sample->dts - first->dts));
  }
  return MAX (least - delay - track->last_out, tick (track));
}

/* R3: the suspects are the sender's new timebase */
static void
suspects_are_reset (WeirTimeline *self, guint index)
{
  Track *track = &self->tracks[index];
  const WeirTimelineSample *first = &g_array_index (track->suspects, WeirTimelineSample, 0);
  gint64 frame = frame_duration (track);
  gint64 step = measure_step (track);
  gint64 shift = track->last_out + step - (first->dts + track->offset);
  guint i;

  /* more than a frame is missing, or nobody knows; beyond step_max() it is marked at once */
  if (step > frame + MAX (frame, ARRIVAL_SLACK_NS) && step <= step_max (self, track))
    self->mark_due = TRUE;
  self->reset_serial++;
  self->reset_shift = shift;
  self->reset_arrival_us = first->arrival_us;
  shift_suspects (self, index, shift);
  for (i = 0; i < self->track_count; i++) {
    Track *other = &self->tracks[i];

    if (other->suspects->len == 0)
      continue;
    if (shares_reset (self, other, &g_array_index (other->suspects, WeirTimelineSample, 0)))
      shift_suspects (self, i, shift);
  }
}

/* time, memory or the connection is over: the suspects are taken for what they say */
static void
settle_suspects (WeirTimeline *self, guint index)
{
  if (self->tracks[index].suspects->len > 0)
    suspects_are_reset (self, index);
}

static void
hold_suspect (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  Track *track = &self->tracks[index];

  if (track->suspects->len == 0)
    track->suspects_deadline_us = sample->arrival_us + self->settings.confirm_wait_us;
  g_array_append_val (track->suspects, *sample);
  self->suspects++;
  self->held_bytes += sample->size + HELD_OVERHEAD;
  if (track->suspects->len >= self->settings.confirm_samples ||
      self->held_bytes > self->settings.hold_bytes_max)
    settle_suspects (self, index);
}

/* R3 (a): time really passed between the two samples */
static gboolean
is_gap (const Track *track, const WeirTimelineSample *sample)
{
  gint64 step = sample->dts - track->last_in;
  gint64 arrival = (sample->arrival_us - track->last_arrival_us) * 1000;

  return step > 0 && ABS (step - arrival) <= MAX (G_GINT64_CONSTANT (500000000), step / 10);
}

/* R3: a true gap of @step; it may be what video does at each frame */
static void
learn_slow_rate (Track *track, gint64 step)
{
  if (track->kind != WEIR_MEDIA_VIDEO || step > SLOW_MAX_NS)
    return;
  if (track->slow_count == 0 || ABS (step - track->slow_step) > track->slow_step / 10) {
    track->slow_count = 0;
    track->slow_step = step;
  }
  if (++track->slow_count < SLOW_STEPS)
    return;
  track->frame = step;
  /* what was usual before has no say in when it is another one again */
  track->delta_count = 0;
}

/* R3 */
static void
test_jump (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  Track *track = &self->tracks[index];
  gint64 out = sample->dts + track->offset;

  if (!track->has_input) {
    accept (self, index, sample, WEIR_REASON_NONE);
    return;
  }
  if (follows (self, track, track->last_in, track->high_in, sample->dts)) {
    suspects_are_spikes (self, index, out);
    accept (self, index, sample, WEIR_REASON_NONE);
    return;
  }
  if (self->suspects > 0 && track->suspects->len > 0) {
    const WeirTimelineSample *last =
        &g_array_index (track->suspects, WeirTimelineSample, track->suspects->len - 1);

    if (follows (self, track, last->dts, last->dts, sample->dts)) {
      hold_suspect (self, index, sample);
      return;
    }
    /* they do not even agree with each other */
    suspects_are_spikes (
        self, index, track->last_out + frame_duration (track) * (track->suspects->len + 1));
  }
  if (is_gap (track, sample)) {
    gboolean missing;

    learn_slow_rate (track, sample->dts - track->last_in);
    /* spikes may have filled it */
    missing = out - track->last_out > step_max (self, track);
    accept (self, index, sample, missing ? WEIR_REASON_GAP : WEIR_REASON_NONE);
    return;
  }
  if (shares_reset (self, track, sample)) {
    track->offset += self->reset_shift;
    track->reset_serial = self->reset_serial;
    accept (self, index, sample, WEIR_REASON_RESET);
    return;
  }
  hold_suspect (self, index, sample);
}

/* R4: what to add to @track's stamps to bring them onto the line of @reference, of which one sample
 * had the stamp @reference_in at @reference_us */
static gint64
alignment (const WeirTimeline *self, const Track *track, const Track *reference,
    gint64 reference_in, gint64 reference_us)
{
  gint64 arrival = (track->first_arrival_us - reference_us) * 1000;
  gint64 distance = track->first_in - reference_in;
  gint64 first_us = track->first_arrival_us - reference->first_arrival_us;
  gboolean own_stamps;

  own_stamps = ABS (distance) <= self->settings.audio_video_bind_ns ||
               ABS (distance - arrival) <= self->settings.audio_video_bind_ns;
  if (track->first_in == 0 && reference->first_in == 0 && ABS (first_us) > ZERO_START_US)
    own_stamps = FALSE;
  return own_stamps ? 0 : arrival - distance;
}

/* R8: the first sample of a track after the start of the others */
static void
join (WeirTimeline *self, Track *track)
{
  Track *reference = NULL;
  guint i;

  for (i = 0; i < self->track_count; i++) {
    Track *candidate = &self->tracks[i];

    if (candidate == track || !candidate->aligned || !candidate->has_input)
      continue;
    if (reference == NULL || candidate->kind == WEIR_MEDIA_VIDEO)
      reference = candidate;
  }
  track->aligned = TRUE;
  if (reference == NULL) {
    track->offset = self->origin - track->first_in;
    return;
  }
  track->offset = reference->offset + alignment (self, track, reference, reference->last_in,
                                          reference->last_arrival_us);
}

/* a sample of a connection that has started. @leading: as of Held */
static void
process (WeirTimeline *self, guint index, const WeirTimelineSample *sample, gboolean leading)
{
  Track *track = &self->tracks[index];
  gint64 out;

  if (G_UNLIKELY (leading) && track->suspects->len == 0) {
    drop (self, index, sample, WEIR_REASON_LEADING_PICTURE);
    return;
  }
  if (!track->aligned)
    join (self, track);
  out = sample->dts + MIN (composition (self, sample), 0) + track->offset;
  if (!track->has_input && out < self->origin) {
    /* it belongs before the beginning */
    track->wait_keyframe = TRUE;
    drop (self, index, sample,
        track->kind == WEIR_MEDIA_AUDIO ? WEIR_REASON_LEADING_AUDIO : track->wait_reason);
    return;
  }
  test_jump (self, index, sample);
}

/* R8: the keyframe or, with audio alone, the sample at which everything begins */
static const Held *
find_reference (const WeirTimeline *self)
{
  guint i;

  for (i = 0; i < self->held->len; i++) {
    const Held *held = &g_array_index (self->held, Held, i);

    if (self->tracks[held->track].kind == WEIR_MEDIA_VIDEO)
      return held;
  }
  return &g_array_index (self->held, Held, 0);
}

static void
start (WeirTimeline *self)
{
  g_autoptr (GArray) held = NULL;
  WeirTimelineSample reference;
  const Held *first = find_reference (self);
  const Track *line = &self->tracks[first->track];
  gint64 earliest = G_MAXINT64, end = weir_timeline_get_end (self), audio_from = G_MININT64;
  gint64 frame = 0;
  guint i;

  reference = first->sample;
  if (line->kind == WEIR_MEDIA_VIDEO)
    audio_from = reference.dts + composition (self, &reference) - self->settings.leading_audio_ns;
  for (i = 0; i < self->track_count; i++) {
    Track *track = &self->tracks[i];

    if (track->has_output)
      frame = MAX (frame, frame_duration (track));
    if (!track->seen)
      continue;
    track->aligned = TRUE;
    track->offset = 0;
    if (track != line)
      track->offset = alignment (self, track, line, line->first_in, line->first_arrival_us);
  }

  held = g_steal_pointer (&self->held);
  self->held = g_array_new (FALSE, FALSE, sizeof (Held));
  for (i = 0; i < held->len; i++) {
    const Held *entry = &g_array_index (held, Held, i);
    const Track *track = &self->tracks[entry->track];
    gint64 dts = entry->sample.dts + track->offset;
    gint64 pts = dts + composition (self, &entry->sample);

    if (entry->leading || (track->kind == WEIR_MEDIA_AUDIO && pts < audio_from))
      continue;
    /* what jumps is judged later; it has no say in where the timeline begins */
    if (ABS (dts - reference.dts) <= self->settings.audio_video_bind_ns)
      earliest = MIN (earliest, MIN (dts, pts));
  }
  self->origin = end > 0 ? end + MAX (self->resume_gap, frame) : 0;
  self->started = TRUE;
  for (i = 0; i < self->track_count; i++) {
    self->tracks[i].held = 0;
    if (self->tracks[i].aligned)
      self->tracks[i].offset += self->origin - earliest;
  }
  for (i = 0; i < held->len; i++) {
    const Held *entry = &g_array_index (held, Held, i);
    const Track *track = &self->tracks[entry->track];
    gint64 pts = entry->sample.pts + track->offset - (self->origin - earliest);

    self->held_bytes -= entry->sample.size + HELD_OVERHEAD;
    if (track->kind == WEIR_MEDIA_AUDIO && !track->has_input && pts < audio_from)
      drop (self, entry->track, &entry->sample, WEIR_REASON_LEADING_AUDIO);
    else
      process (self, entry->track, &entry->sample, entry->leading);
  }
}

/* Returns: when the start may happen without what is still missing; 0 when nothing is */
static gint64
start_deadline (const WeirTimeline *self)
{
  gboolean complete[2] = {FALSE, FALSE}, promised = FALSE;
  gboolean picture_missing = FALSE, keyframe_missing = FALSE;
  gboolean missing = FALSE;
  gint64 wait = self->settings.probe_us;
  guint i;

  for (i = 0; i < self->track_count; i++) {
    const Track *track = &self->tracks[i];

    if (track->removed)
      continue;
    if (track->held > 0 || track->paused) {
      complete[track->kind] = TRUE;
      continue;
    }
    missing = TRUE;
    if (track->kind == WEIR_MEDIA_VIDEO && track->configured) {
      picture_missing = picture_missing || !track->seen;
      keyframe_missing = keyframe_missing || track->seen;
    }
  }
  if (!missing && complete[WEIR_MEDIA_VIDEO] && complete[WEIR_MEDIA_AUDIO])
    return 0;
  for (i = 0; i < G_N_ELEMENTS (complete); i++)
    promised = promised || (self->promised[i] && !complete[i]);
  if (promised)
    wait = self->settings.probe_promised_us;
  if (picture_missing)
    wait = self->settings.picture_wait_us;
  if (keyframe_missing)
    wait = self->settings.keyframe_wait_us;
  return self->first_media_us + wait;
}

static void
check_start (WeirTimeline *self, gint64 now_us)
{
  if (!self->connected || self->started || self->held->len == 0)
    return;
  if (now_us >= start_deadline (self) || self->held_bytes > self->settings.hold_bytes_max)
    start (self);
}

/* drops what is held of one track */
static void
drop_held (WeirTimeline *self, guint index, WeirDecisionReason reason)
{
  guint i, kept = 0;

  for (i = 0; i < self->held->len; i++) {
    Held *held = &g_array_index (self->held, Held, i);

    if (held->track != index) {
      g_array_index (self->held, Held, kept++) = *held;
      continue;
    }
    self->held_bytes -= held->sample.size + HELD_OVERHEAD;
    drop (self, index, &held->sample, reason);
  }
  g_array_set_size (self->held, kept);
  self->tracks[index].held = 0;
}

void
weir_timeline_resume (WeirTimeline *self, gint64 end_ns)
{
  self->resumed_end = CLAMP (end_ns, 0, STAMP_MAX);
}

void
weir_timeline_begin_connection (WeirTimeline *self, gint64 resume_gap_ns, gint64 now_us)
{
  gboolean resumed;
  guint i;

  if (self->connected)
    weir_timeline_end_connection (self, now_us);
  self->connected = TRUE;
  self->started = FALSE;
  self->has_media = FALSE;
  self->promised[0] = self->promised[1] = FALSE;
  self->lag_due = self->mark_due = FALSE;
  self->resume_gap = CLAMP (resume_gap_ns, 0, STAMP_MAX);
  resumed = weir_timeline_get_end (self) > 0;
  for (i = 0; i < self->track_count; i++) {
    reset_track (self, &self->tracks[i]);
    self->tracks[i].mark = resumed;
  }
  if (resumed)
    self->origin = weir_timeline_get_end (self);
}

void
weir_timeline_end_connection (WeirTimeline *self, G_GNUC_UNUSED gint64 now_us)
{
  guint i;

  if (!self->connected)
    return;
  for (i = 0; i < self->track_count; i++)
    settle_suspects (self, i);
  if (self->held->len > 0)
    start (self);
  for (i = 0; i < self->track_count; i++)
    settle_suspects (self, i);
  self->connected = FALSE;
  self->started = FALSE;
  for (i = 0; i < self->track_count; i++)
    self->tracks[i].calm = FALSE;
}

void
weir_timeline_promise_track (WeirTimeline *self, WeirMediaKind kind)
{
  self->promised[kind] = TRUE;
}

void
weir_timeline_configured (WeirTimeline *self, guint index, gboolean changed)
{
  Track *track;

  if (index >= self->track_count)
    return;
  track = &self->tracks[index];
  track->calm = FALSE;
  track->configured = TRUE;
  if (!changed)
    return;
  settle_suspects (self, index);
  drop_held (self, index, WEIR_REASON_OLD_CONFIG);
  if (track->kind == WEIR_MEDIA_VIDEO && !track->wait_keyframe) {
    track->wait_keyframe = TRUE;
    track->wait_reason = WEIR_REASON_OLD_CONFIG;
  }
  if (track->kind == WEIR_MEDIA_VIDEO)
    track->broken = BROKEN;
  /* before the start there is nothing that it could be different from */
  if (self->started && track->has_input)
    track->mark = TRUE;
}

void
weir_timeline_set_audio_frame (WeirTimeline *self, guint index, guint samples, guint rate)
{
  Track *track;

  if (index >= self->track_count)
    return;
  track = &self->tracks[index];
  track->rate = samples > 0 ? rate : 0;
  if (track->rate != 0) {
    track->frame_ns = (gint64) (samples * G_GUINT64_CONSTANT (1000000000) / rate);
    track->frame_rest = (guint) (samples * G_GUINT64_CONSTANT (1000000000) % rate);
  }
  track->counts = FALSE;
}

void
weir_timeline_set_reorder (WeirTimeline *self, guint index, gint reorder)
{
  if (index < self->track_count)
    self->tracks[index].reorder = MIN (reorder, REORDER_MAX);
}

void
weir_timeline_pause_track (WeirTimeline *self, guint index, gint64 now_us)
{
  if (index >= self->track_count)
    return;
  settle_suspects (self, index);
  self->tracks[index].paused = TRUE;
  self->tracks[index].calm = FALSE;
  check_start (self, now_us);
}

void
weir_timeline_remove_track (WeirTimeline *self, guint index)
{
  if (index >= self->track_count)
    return;
  settle_suspects (self, index);
  drop_held (self, index, WEIR_REASON_ENDED);
  self->tracks[index].removed = TRUE;
  self->tracks[index].calm = FALSE;
}

/* R10: a picture that is decoded behind the first keyframe after a break and shown before it. It
 * needs what came before that, or (RADL of HEVC) could be shown only before the beginning. */
static gboolean
leads (const WeirTimeline *self, Track *track, const WeirTimelineSample *sample)
{
  gint64 shown = sample->dts + composition (self, sample);

  if (sample->keyframe) {
    if (track->broken == BROKEN)
      track->broken = AT_KEYFRAME;
    /* even while nothing is broken: the gap in front of it is found later, in put_out() */
    track->keyframe_dts = sample->dts;
    track->keyframe_pts = shown;
    return FALSE;
  }
  if (track->broken != AT_KEYFRAME)
    return FALSE;
  /* what is not decoded behind it either is on another timebase */
  if (sample->dts > track->keyframe_dts && shown < track->keyframe_pts)
    return TRUE;
  track->broken = WHOLE;
  return FALSE;
}

/* R7: a muxer that gives presentation times as decode times: those of @reorder pictures before are
 * the decode times, in order */
static void
derive_decode_time (const WeirTimeline *self, Track *track, WeirTimelineSample *sample)
{
  guint at = track->reordered_count;
  gint64 last = at > 0 ? track->reordered[at - 1] : sample->pts;

  if (sample->dts != sample->pts)
    track->derives = FALSE;
  if (!track->derives)
    return;
  if (ABS (sample->pts - last) > self->settings.jump_forward_ns) {
    at = track->reordered_count = 0;
    track->derived_first = G_MAXINT64;
  }
  for (; at > 0 && track->reordered[at - 1] > sample->pts; at--)
    track->reordered[at] = track->reordered[at - 1];
  track->reordered[at] = sample->pts;
  track->reordered_count++;
  track->derived_first = MIN (track->derived_first, sample->pts);
  if (track->reordered_count <= (guint) track->reorder) {
    gint64 missing = track->reorder + 1 - (gint64) track->reordered_count;

    sample->dts = track->derived_first - missing * frame_duration (track);
    return;
  }
  sample->dts = track->reordered[0];
  track->reordered_count--;
  memmove (
      track->reordered, track->reordered + 1, track->reordered_count * sizeof track->reordered[0]);
}

/* what is known before the stamps are judged. @leading: (out): as of Held. Returns: FALSE when the
 * sample was dropped */
static gboolean
receive (WeirTimeline *self, guint index, WeirTimelineSample *sample, gboolean *leading)
{
  Track *track = &self->tracks[index];

  track->paused = FALSE;
  sample->dts = CLAMP (sample->dts, -STAMP_MAX, STAMP_MAX);
  sample->pts = CLAMP (sample->pts, -STAMP_MAX, STAMP_MAX);
  if (!self->has_media) {
    self->has_media = TRUE;
    self->first_media_us = sample->arrival_us;
  }
  if (!track->seen) {
    track->seen = TRUE;
    track->first_in = sample->dts;
    track->first_arrival_us = sample->arrival_us;
  }
  if (!track->configured ||
      (track->wait_keyframe && track->kind == WEIR_MEDIA_VIDEO && !sample->keyframe)) {
    drop (
        self, index, sample, track->configured ? track->wait_reason : WEIR_REASON_BEFORE_KEYFRAME);
    return FALSE;
  }
  track->wait_keyframe = FALSE;
  if (self->settings.derive_decode_times && track->reorder > 0)
    derive_decode_time (self, track, sample);
  *leading = leads (self, track, sample);
  return TRUE;
}

static void
push_with_care (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  Track *track = &self->tracks[index];
  Held held = {.track = index, .sample = *sample};

  if (!self->connected || track->removed) {
    drop (self, index, sample, WEIR_REASON_ENDED);
    return;
  }
  weir_timeline_advance (self, sample->arrival_us);
  if (!receive (self, index, &held.sample, &held.leading))
    return;
  if (self->started) {
    process (self, index, &held.sample, held.leading);
    return;
  }
  track->held++;
  self->held_bytes += sample->size + HELD_OVERHEAD;
  g_array_append_val (self->held, held);
  check_start (self, sample->arrival_us);
}

static gboolean
is_calm (const WeirTimeline *self, const Track *track)
{
  return self->started && !track->removed && track->configured && !track->wait_keyframe &&
         track->broken == WHOLE && track->has_input && track->has_output && !track->frozen &&
         !track->change_due && !track->mark &&
         (track->kind == WEIR_MEDIA_AUDIO || track->keyframes > 1);
}

/* What nearly all samples are: a step forward on a line with which nothing is the matter. Does what
 * the others' way does. Returns: FALSE when this sample is not one of them */
static gboolean
push_calm (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  Track *track = &self->tracks[index];
  /* any stamp may come */
  guint64 step = (guint64) sample->dts - (guint64) track->last_in;
  guint64 offset = (guint64) sample->pts - (guint64) sample->dts;
  guint64 offset_max = (guint64) self->settings.composition_max_ns;
  WeirTimelineDecision *decision;
  gint64 out;

  if (!track->calm || self->suspects > 0 || self->lag_due || self->mark_due || self->corrects ||
      sample->dts <= track->high_in || step > FRAME_MAX_NS ||
      (gint64) step > self->settings.jump_forward_ns || offset + offset_max > 2 * offset_max)
    return FALSE;
  out = sample->dts + track->offset;
  if (out <= track->last_out)
    return FALSE;

  track->equal = 0;
  add_step (track, (guint32) step);
  track->last_in = track->high_in = sample->dts;
  track->last_arrival_us = sample->arrival_us;
  if (track->rate != 0)
    count_audio (self, track, out, FALSE);
  track->last_out = out;
  offset += (guint64) track->lowered;
  track->end = MAX (track->end, out + MAX ((gint64) offset, 0) + track->frame);
  note_delay (self, track, sample->arrival_us, out);
  decision = decide (self, index, sample, WEIR_REASON_NONE);
  decision->dts = out;
  decision->pts = out + (gint64) offset;
  self->counts[WEIR_REASON_NONE]++;
  return TRUE;
}

void
weir_timeline_push (WeirTimeline *self, guint index, const WeirTimelineSample *sample)
{
  g_return_if_fail (index < self->track_count);
  if (G_LIKELY (push_calm (self, index, sample)))
    return;
  push_with_care (self, index, sample);
  self->tracks[index].calm = is_calm (self, &self->tracks[index]);
}

void
weir_timeline_advance (WeirTimeline *self, gint64 now_us)
{
  guint i;

  check_start (self, now_us);
  for (i = 0; self->suspects > 0 && i < self->track_count; i++)
    if (self->tracks[i].suspects->len > 0 && now_us >= self->tracks[i].suspects_deadline_us)
      settle_suspects (self, i);
}

gint64
weir_timeline_get_deadline (WeirTimeline *self)
{
  gint64 deadline = G_MAXINT64;
  guint i;

  if (self->connected && !self->started && self->held->len > 0)
    deadline = start_deadline (self);
  for (i = 0; i < self->track_count; i++)
    if (self->tracks[i].suspects->len > 0)
      deadline = MIN (deadline, self->tracks[i].suspects_deadline_us);
  return deadline;
}

gboolean
weir_timeline_pull (WeirTimeline *self, WeirTimelineDecision *decision)
{
  if (self->next_decision == self->decision_count)
    return FALSE;
  *decision = self->decisions[self->next_decision++];
  if (self->next_decision == self->decision_count)
    self->next_decision = self->decision_count = 0;
  return TRUE;
}

gboolean
weir_timeline_has_started (WeirTimeline *self)
{
  return self->started;
}

const guint64 *
weir_timeline_get_counts (WeirTimeline *self)
{
  return self->counts;
}

gint64
weir_timeline_get_end (WeirTimeline *self)
{
  gint64 end = self->resumed_end;
  guint i;

  for (i = 0; i < self->track_count; i++)
    if (self->tracks[i].has_output)
      end = MAX (end, self->tracks[i].end);
  return end;
}

void
weir_timeline_get_drift (WeirTimeline *self, guint index, WeirTimelineDrift *drift)
{
  const Track *track;
  gdouble mean_at, mean = 0, covariance = 0, variance = 0;
  gint64 delay;
  guint count, i;

  *drift = (WeirTimelineDrift){0};
  if (index >= self->track_count)
    return;
  track = &self->tracks[index];
  drift->count_error_ns = track->count_error;
  delay = MIN (track->window_least, track->last_least);
  if (track->steady_known && delay != G_MAXINT64)
    drift->lag_ns = delay - track->first_least;
  count = MIN (track->window_count, WINDOWS);
  if (count < WINDOWS_LEAST)
    return;
  /* least squares; a delay that shrinks is a clock that runs fast */
  mean_at = (count - 1) / 2.0;
  for (i = 0; i < count; i++)
    mean += (gdouble) track->windows[i] / count;
  for (i = 0; i < count; i++) {
    gdouble at = i - mean_at;
    guint place = (track->window_count - count + i) % WINDOWS;

    covariance += at * ((gdouble) track->windows[place] - mean);
    variance += at * at;
  }
  drift->rate_known = TRUE;
  drift->rate_ppm = -covariance / variance / (gdouble) (WINDOW_US * 1000) * 1e6;
}

void
weir_unwrap_init (WeirUnwrap *self, guint bits)
{
  *self = (WeirUnwrap){.bits = CLAMP (bits, 1, 63)};
}

gint64
weir_unwrap (WeirUnwrap *self, guint64 stamp)
{
  const guint64 modulus = G_GUINT64_CONSTANT (1) << self->bits;
  const guint64 half = G_GUINT64_CONSTANT (1) << 31;
  guint64 difference;
  gint64 step;

  stamp &= modulus - 1;
  if (!self->valid) {
    self->valid = TRUE;
    self->last = stamp;
    self->value = (gint64) stamp;
    return self->value;
  }
  difference = (stamp - self->last) & (modulus - 1);
  step = difference < modulus / 2 ? (gint64) difference : -(gint64) (modulus - difference);
  /* flvmux and FFmpeg keep to 31 bits: a great step back just below that is their wrap */
  if (self->bits == 32 && step < -(G_GINT64_CONSTANT (1) << 30) && self->last < half &&
      self->last >= half - 60000)
    step += (gint64) half;
  self->last = stamp;
  /* years beyond any clock: the sender plays games */
  self->value = CLAMP (self->value + step, -STAMP_MAX, STAMP_MAX);
  return self->value;
}
