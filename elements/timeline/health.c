/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline/health.h"

#include <math.h>
#include <string.h>

/* seconds that are remembered; a power of two beyond the longest window */
#define SECONDS 64
#define WINDOW_MAX 60
#define GOPS 8
/* of media time, over which a track's rates are measured */
#define RATE_NS (G_GINT64_CONSTANT (4000000000))
#define RATE_FIRST_NS (G_GINT64_CONSTANT (1000000000))

typedef struct {
  gint64 ns;
  guint frames;
} Gop;

typedef struct {
  gboolean present;
  WeirMediaKind kind;
  gint64 last_arrival_us;
  guint32 issues; /* bit = code */

  gboolean has_dts;
  gint64 last_dts;
  gint64 position; /* media time that has come, ns, on the connection's scale */

  gint64 rate_dts; /* where the measurement began */
  guint rate_frames;
  guint64 rate_bytes;
  gdouble frame_rate, bit_rate;

  gboolean in_gop;
  gint64 gop_dts;
  guint gop_frames;
  Gop gops[GOPS];
  guint gop_count; /* complete ones, of which the last GOPS are known */
  guint short_run, not_short_run, not_long_run;

  gint64 undecodable_us; /* (video) since when what comes has no keyframe before it; 0: it has */
  gint64 last_frozen_us;
  WeirTimelineDrift drift;
} Track;

typedef struct {
  gboolean raised, reported;
  gdouble value, limit;
} Issue;

struct _WeirHealth {
  WeirHealthSettings settings;
  gboolean connected;
  Track tracks[WEIR_TIMELINE_TRACKS_MAX];
  guint track_count; /* highest index + 1 */
  Issue issues[WEIR_HEALTH_MEASURED_LAST];
  gboolean changed; /* some issue's state has not been pulled */

  gint64 begin_us;
  gint64 next_second_us;
  guint64 second; /* number of the current one */
  gint64 last_arrival_us;
  gboolean has_media;
  gint64 media_us; /* arrival of the first sample that was put out */
  gint64 position; /* of the track that is furthest, ns */
  gint64 positions[SECONDS];
  guint corrections[SECONDS];
  guint corrections_sum; /* of the last minute */

  gint64 expected_us[2]; /* since when such a track is to be expected; 0: it is not */
  gint64 drifting_us;    /* since when; 0: it does not */
  gboolean drifts_by_rate;
  gboolean starving_silent;
};

static const struct {
  const gchar *name;
  WeirHealthSeverity severity;
  const gchar *vendor_code;
} codes[WEIR_HEALTH_CODE_LAST] = {
    [WEIR_HEALTH_GOP_TOO_LONG] = {"gop_too_long", WEIR_HEALTH_ERROR, "ERR_GOP_OUT_OF_RANGE"},
    [WEIR_HEALTH_GOP_TOO_SHORT] = {"gop_too_short", WEIR_HEALTH_WARNING, "ERR_GOP_OUT_OF_RANGE"},
    [WEIR_HEALTH_GOP_VARIES] = {"gop_varies", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_TIMESTAMPS_FROZEN] = {"timestamps_frozen", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_FASTER_THAN_REALTIME] = {"faster_than_realtime", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_STARVING] = {"starving", WEIR_HEALTH_ERROR, NULL},
    [WEIR_HEALTH_CLOCK_DRIFT] = {"clock_drift", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_AUDIO_MISSING] = {"audio_missing", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_VIDEO_MISSING] = {"video_missing", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_NO_KEYFRAME] = {"no_keyframe", WEIR_HEALTH_ERROR, NULL},
    [WEIR_HEALTH_MANY_CORRECTIONS] = {"many_corrections", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC] = {"unsupported_video_codec", WEIR_HEALTH_ERROR,
        "ERR_UNSUPPORTED_VIDEO_CODEC"},
    [WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC] = {"unsupported_audio_codec", WEIR_HEALTH_ERROR,
        "ERR_UNSUPPORTED_AUDIO_CODEC"},
    [WEIR_HEALTH_ANNEX_B] = {"annex_b", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_ADTS] = {"adts", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_IN_BAND_CONFIGURATION] = {"in_band_configuration", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_EMPTY_NAL] = {"empty_nal", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_MALFORMED_MEDIA] = {"malformed_media", WEIR_HEALTH_WARNING, NULL},
    [WEIR_HEALTH_NO_CONFIGURATION] = {"no_configuration", WEIR_HEALTH_INFO, NULL},
    [WEIR_HEALTH_OTHER] = {"other", WEIR_HEALTH_INFO, NULL},
};

static const gchar *const severities[] = {"info", "warning", "error"};

const gchar *
weir_health_code_get_name (WeirHealthCode code)
{
  return codes[(guint) code < WEIR_HEALTH_CODE_LAST ? code : WEIR_HEALTH_OTHER].name;
}

WeirHealthCode
weir_health_code_from_name (const gchar *name)
{
  g_autofree gchar *plain = g_strdelimit (g_strdup (name), "-", '_');

  for (guint i = 0; i < WEIR_HEALTH_CODE_LAST; i++)
    if (strcmp (codes[i].name, plain) == 0)
      return (WeirHealthCode) i;
  return WEIR_HEALTH_OTHER;
}

WeirHealthSeverity
weir_health_code_get_severity (WeirHealthCode code)
{
  return codes[(guint) code < WEIR_HEALTH_CODE_LAST ? code : WEIR_HEALTH_OTHER].severity;
}

const gchar *
weir_health_code_get_vendor_code (WeirHealthCode code)
{
  return codes[(guint) code < WEIR_HEALTH_CODE_LAST ? code : WEIR_HEALTH_OTHER].vendor_code;
}

const gchar *
weir_health_severity_get_name (WeirHealthSeverity severity)
{
  return severities[MIN ((guint) severity, WEIR_HEALTH_ERROR)];
}

gboolean
weir_health_severity_from_name (const gchar *name, WeirHealthSeverity *severity)
{
  for (guint i = 0; i < G_N_ELEMENTS (severities); i++) {
    if (strcmp (severities[i], name) == 0) {
      *severity = (WeirHealthSeverity) i;
      return TRUE;
    }
  }
  return FALSE;
}

void
weir_health_settings_init (WeirHealthSettings *settings)
{
  *settings = (WeirHealthSettings){
      .gop_max_ns = WEIR_HEALTH_GOP_MAX_NS,
      .gop_min_ns = WEIR_HEALTH_GOP_MIN_NS,
      .gop_tolerance_ns = WEIR_HEALTH_GOP_TOLERANCE_NS,
      .gop_short_count = WEIR_HEALTH_GOP_SHORT_COUNT,
      .gop_good_count = WEIR_HEALTH_GOP_GOOD_COUNT,
      .gop_ratio = WEIR_HEALTH_GOP_RATIO,
      .gop_ratio_clear = WEIR_HEALTH_GOP_RATIO_CLEAR,
      .gop_varies_count = WEIR_HEALTH_GOP_VARIES_COUNT,
      .frozen_clear_us = WEIR_HEALTH_FROZEN_CLEAR_US,
      .fast_ratio = WEIR_HEALTH_FAST_RATIO,
      .fast_ratio_clear = WEIR_HEALTH_FAST_RATIO_CLEAR,
      .fast_seconds = WEIR_HEALTH_FAST_SECONDS,
      .fast_seconds_clear = WEIR_HEALTH_FAST_SECONDS_CLEAR,
      .starving_ratio = WEIR_HEALTH_STARVING_RATIO,
      .starving_ratio_clear = WEIR_HEALTH_STARVING_RATIO_CLEAR,
      .starving_seconds = WEIR_HEALTH_STARVING_SECONDS,
      .starving_seconds_clear = WEIR_HEALTH_STARVING_SECONDS_CLEAR,
      .silent_us = WEIR_HEALTH_SILENT_US,
      .drift_ns = WEIR_HEALTH_DRIFT_NS,
      .drift_clear_ns = WEIR_HEALTH_DRIFT_CLEAR_NS,
      .drift_ppm = WEIR_HEALTH_DRIFT_PPM,
      .drift_clear_ppm = WEIR_HEALTH_DRIFT_CLEAR_PPM,
      .drift_hold_us = WEIR_HEALTH_DRIFT_HOLD_US,
      .missing_us = WEIR_HEALTH_MISSING_US,
      .no_keyframe_us = WEIR_HEALTH_NO_KEYFRAME_US,
      .corrections = WEIR_HEALTH_CORRECTIONS,
      .corrections_clear = WEIR_HEALTH_CORRECTIONS_CLEAR,
  };
}

WeirHealth *
weir_health_new (const WeirHealthSettings *settings)
{
  WeirHealth *self = g_new0 (WeirHealth, 1);

  self->settings = *settings;
  return self;
}

void
weir_health_free (WeirHealth *self)
{
  g_free (self);
}

/* ---- issues ---- */

static void
set_issue (WeirHealth *self, WeirHealthCode code, gboolean raised, gdouble value, gdouble limit)
{
  Issue *issue = &self->issues[code];

  if (raised) {
    issue->value = value;
    issue->limit = limit;
  }
  if (issue->raised == raised)
    return;
  issue->raised = raised;
  self->changed = TRUE;
}

/* it lasts as long as it does on any track */
static void
set_track_issue (WeirHealth *self, Track *track, WeirHealthCode code, gboolean raised,
    gdouble value, gdouble limit)
{
  const guint32 bit = 1u << code;

  if (raised) {
    track->issues |= bit;
    set_issue (self, code, TRUE, value, limit);
    return;
  }
  if ((track->issues & bit) == 0)
    return;
  track->issues &= ~bit;
  for (guint i = 0; i < self->track_count; i++)
    if ((self->tracks[i].issues & bit) != 0)
      return;
  set_issue (self, code, FALSE, 0, 0);
}

static gdouble
to_seconds (gint64 ns)
{
  return (gdouble) ns / 1e9;
}

/* ---- a track's GOPs ---- */

static void
check_gop_lengths (WeirHealth *self, Track *track, gint64 ns)
{
  const WeirHealthSettings *settings = &self->settings;
  gboolean too_long = ns > settings->gop_max_ns + settings->gop_tolerance_ns;
  gboolean too_short = ns < settings->gop_min_ns - settings->gop_tolerance_ns;

  track->not_long_run = too_long ? 0 : track->not_long_run + 1;
  track->not_short_run = too_short ? 0 : track->not_short_run + 1;
  track->short_run = too_short ? track->short_run + 1 : 0;
  if (too_long || track->not_long_run >= settings->gop_good_count)
    set_track_issue (self, track, WEIR_HEALTH_GOP_TOO_LONG, too_long, to_seconds (ns),
        to_seconds (settings->gop_max_ns));
  if (track->short_run >= settings->gop_short_count)
    set_track_issue (self, track, WEIR_HEALTH_GOP_TOO_SHORT, TRUE, to_seconds (ns),
        to_seconds (settings->gop_min_ns));
  else if (track->not_short_run >= settings->gop_good_count)
    set_track_issue (self, track, WEIR_HEALTH_GOP_TOO_SHORT, FALSE, 0, 0);
}

static void
get_gop_range (const Track *track, Gop *shortest, Gop *longest)
{
  guint count = MIN (track->gop_count, GOPS);

  *shortest = *longest = track->gops[0];
  for (guint i = 1; i < count; i++) {
    const Gop *gop = &track->gops[i];

    shortest->ns = MIN (shortest->ns, gop->ns);
    shortest->frames = MIN (shortest->frames, gop->frames);
    longest->ns = MAX (longest->ns, gop->ns);
    longest->frames = MAX (longest->frames, gop->frames);
  }
}

static void
check_gop_range (WeirHealth *self, Track *track)
{
  Gop shortest, longest;
  gdouble ratio;

  if (track->gop_count < self->settings.gop_varies_count)
    return;
  get_gop_range (track, &shortest, &longest);
  ratio = (gdouble) longest.ns / (gdouble) MAX (shortest.ns, 1);
  if (ratio > self->settings.gop_ratio)
    set_track_issue (self, track, WEIR_HEALTH_GOP_VARIES, TRUE, ratio, self->settings.gop_ratio);
  else if (ratio <= self->settings.gop_ratio_clear)
    set_track_issue (self, track, WEIR_HEALTH_GOP_VARIES, FALSE, 0, 0);
}

static void
measure_gop (WeirHealth *self, Track *track, gint64 dts, gboolean keyframe, gboolean broken)
{
  if (broken)
    track->in_gop = FALSE;
  if (keyframe) {
    if (track->in_gop) {
      track->gops[track->gop_count % GOPS] = (Gop){dts - track->gop_dts, track->gop_frames};
      track->gop_count++;
      check_gop_lengths (self, track, dts - track->gop_dts);
      check_gop_range (self, track);
    }
    track->in_gop = TRUE;
    track->gop_dts = dts;
    track->gop_frames = 0;
  } else if (track->in_gop &&
             dts - track->gop_dts > self->settings.gop_max_ns + self->settings.gop_tolerance_ns) {
    /* its end need not be waited for */
    track->not_long_run = 0;
    set_track_issue (self, track, WEIR_HEALTH_GOP_TOO_LONG, TRUE, to_seconds (dts - track->gop_dts),
        to_seconds (self->settings.gop_max_ns));
  }
  track->gop_frames++;
}

/* ---- a track's rates ---- */

static void
measure_rates (Track *track, gint64 dts, gsize size, gboolean broken)
{
  gint64 length = dts - track->rate_dts;

  if (broken || !track->has_dts) {
    track->rate_dts = dts;
    track->rate_frames = 0;
    track->rate_bytes = 0;
  } else if (length >= (track->frame_rate > 0 ? RATE_NS : RATE_FIRST_NS)) {
    track->frame_rate = track->rate_frames / to_seconds (length);
    track->bit_rate = (gdouble) track->rate_bytes * 8 / to_seconds (length);
    track->rate_dts = dts;
    track->rate_frames = 0;
    track->rate_bytes = 0;
  }
  track->rate_frames++;
  track->rate_bytes += size;
}

/* ---- what comes ---- */

void
weir_health_begin_connection (WeirHealth *self, gint64 now_us)
{
  for (guint i = 0; i < WEIR_HEALTH_MEASURED_LAST; i++)
    set_issue (self, (WeirHealthCode) i, FALSE, 0, 0);
  memset (self->tracks, 0, sizeof self->tracks);
  memset (self->positions, 0, sizeof self->positions);
  memset (self->corrections, 0, sizeof self->corrections);
  memset (self->expected_us, 0, sizeof self->expected_us);
  self->corrections_sum = 0;
  self->track_count = 0;
  self->begin_us = self->last_arrival_us = now_us;
  self->next_second_us = now_us + G_USEC_PER_SEC;
  self->second = 0;
  self->has_media = FALSE;
  self->position = 0;
  self->drifting_us = 0;
  self->connected = TRUE;
}

void
weir_health_end_connection (WeirHealth *self)
{
  self->connected = FALSE;
}

static void
expect (WeirHealth *self, WeirMediaKind kind, gint64 now_us)
{
  if (self->expected_us[kind] == 0)
    self->expected_us[kind] = MAX (now_us, 1);
}

void
weir_health_promise (WeirHealth *self, WeirMediaKind kind, gint64 now_us)
{
  if (self->connected)
    expect (self, kind, now_us);
}

void
weir_health_receive (WeirHealth *self, guint index, WeirMediaKind kind, gint64 arrival_us)
{
  Track *track;

  if (!self->connected || index >= WEIR_TIMELINE_TRACKS_MAX)
    return;
  track = &self->tracks[index];
  self->track_count = MAX (self->track_count, index + 1);
  track->present = TRUE;
  track->kind = kind;
  track->last_arrival_us = arrival_us;
  self->last_arrival_us = arrival_us;
  expect (self, kind, arrival_us);
}

/* what a sender that is in order does not cause */
static gboolean
is_correction (const WeirTimelineDecision *decision)
{
  switch (decision->reason) {
  case WEIR_REASON_DUPLICATE_DTS:
  case WEIR_REASON_BACKWARD_DTS:
  case WEIR_REASON_SPIKE:
  case WEIR_REASON_RESET:
  case WEIR_REASON_LAG:
  case WEIR_REASON_IMPOSSIBLE_COMPOSITION:
  case WEIR_REASON_OLD_CONFIG:
    return TRUE;
  case WEIR_REASON_NONE:
  case WEIR_REASON_GAP:
  case WEIR_REASON_FROZEN_CLOCK: /* has an issue of its own */
  case WEIR_REASON_NEGATIVE_COMPOSITION:
  case WEIR_REASON_GRID:
  case WEIR_REASON_COUNTED:
  case WEIR_REASON_SILENCE:
  case WEIR_REASON_DERIVED:
  case WEIR_REASON_BEFORE_KEYFRAME:
  case WEIR_REASON_LEADING_PICTURE:
  case WEIR_REASON_LEADING_AUDIO:
  case WEIR_REASON_ENDED:
  case WEIR_REASON_LAST:
    break;
  }
  return FALSE;
}

/* video, at the start or behind another configuration: what is dropped cannot be decoded */
static void
note_undecodable (WeirHealth *self, Track *track, gint64 arrival_us)
{
  const gint64 limit_us = self->settings.no_keyframe_us;

  if (track->undecodable_us == 0)
    track->undecodable_us = MAX (arrival_us, 1);
  if (arrival_us - track->undecodable_us >= limit_us)
    set_track_issue (self, track, WEIR_HEALTH_NO_KEYFRAME, TRUE,
        (gdouble) (arrival_us - track->undecodable_us) / G_USEC_PER_SEC,
        (gdouble) limit_us / G_USEC_PER_SEC);
}

static void
move_position (WeirHealth *self, Track *track, const WeirTimelineDecision *decision)
{
  gint64 step;

  if (!track->has_dts) {
    track->position = self->position;
  } else {
    step = decision->dts - track->last_dts - MAX (decision->gap_ns, 0);
    track->position += MAX (step, 0);
  }
  self->position = MAX (self->position, track->position);
}

void
weir_health_decide (WeirHealth *self, const WeirTimelineDecision *decision, gboolean keyframe,
    gsize size, gint64 arrival_us)
{
  gboolean broken = decision->discontinuity || decision->gap_ns > 0;
  Track *track;

  if (!self->connected || decision->track >= self->track_count)
    return;
  track = &self->tracks[decision->track];
  if (is_correction (decision)) {
    self->corrections[self->second % SECONDS]++;
    self->corrections_sum++;
  }
  if (decision->reason == WEIR_REASON_FROZEN_CLOCK) {
    track->last_frozen_us = arrival_us;
    set_track_issue (self, track, WEIR_HEALTH_TIMESTAMPS_FROZEN, TRUE, 0, 0);
  }
  if (track->kind == WEIR_MEDIA_VIDEO && !keyframe && decision->action == WEIR_DECISION_DROP &&
      (decision->reason == WEIR_REASON_BEFORE_KEYFRAME ||
          decision->reason == WEIR_REASON_OLD_CONFIG))
    note_undecodable (self, track, arrival_us);
  if (decision->action == WEIR_DECISION_DROP)
    return;
  if (track->undecodable_us != 0) {
    track->undecodable_us = 0;
    set_track_issue (self, track, WEIR_HEALTH_NO_KEYFRAME, FALSE, 0, 0);
  }
  if (!self->has_media)
    self->media_us = arrival_us;
  self->has_media = TRUE;
  move_position (self, track, decision);
  measure_rates (track, decision->dts, size, broken);
  if (track->kind == WEIR_MEDIA_VIDEO)
    measure_gop (self, track, decision->dts, keyframe, broken);
  track->has_dts = TRUE;
  track->last_dts = decision->dts;
}

void
weir_health_set_drift (WeirHealth *self, guint track, const WeirTimelineDrift *drift)
{
  if (track < WEIR_TIMELINE_TRACKS_MAX)
    self->tracks[track].drift = *drift;
}

/* ---- once a second ---- */

/* Returns: seconds of media in a second over the last @seconds; -1 when media have not come for so
 * long */
static gdouble
get_ratio (const WeirHealth *self, guint seconds, gint64 now_us)
{
  gint64 begin;

  if (!self->has_media || self->second < seconds ||
      now_us - self->media_us < (gint64) seconds * G_USEC_PER_SEC)
    return -1;
  begin = self->positions[(self->second - seconds) % SECONDS];
  return to_seconds (self->positions[self->second % SECONDS] - begin) / seconds;
}

static void
check_speed (WeirHealth *self, gint64 now_us)
{
  const WeirHealthSettings *settings = &self->settings;
  gdouble ratio = get_ratio (self, settings->fast_seconds, now_us);
  gdouble ratio_clear = get_ratio (self, settings->fast_seconds_clear, now_us);

  if (ratio > settings->fast_ratio && ratio_clear > settings->fast_ratio_clear)
    set_issue (self, WEIR_HEALTH_FASTER_THAN_REALTIME, TRUE, ratio, settings->fast_ratio);
  else if (ratio_clear <= settings->fast_ratio_clear)
    set_issue (self, WEIR_HEALTH_FASTER_THAN_REALTIME, FALSE, 0, 0);
}

/* a shared screen may have one picture in some seconds, and no sound */
static gint64
get_silent_us (const WeirHealth *self)
{
  gdouble fastest = 0;

  for (guint i = 0; i < self->track_count; i++)
    fastest = MAX (fastest, self->tracks[i].frame_rate);
  if (fastest <= 0)
    return self->settings.silent_us;
  return CLAMP ((gint64) (2 * G_USEC_PER_SEC / fastest), self->settings.silent_us,
      MAX (self->settings.silent_us, self->settings.missing_us));
}

static void
check_starving (WeirHealth *self, gint64 now_us)
{
  const WeirHealthSettings *settings = &self->settings;
  gboolean silent = now_us - self->last_arrival_us >= get_silent_us (self);
  gdouble ratio = get_ratio (self, settings->starving_seconds, now_us);
  gdouble ratio_clear = get_ratio (self, settings->starving_seconds_clear, now_us);

  if (silent) {
    self->starving_silent = TRUE;
    set_issue (self, WEIR_HEALTH_STARVING, TRUE, 0, settings->starving_ratio);
  } else if (ratio >= 0 && ratio < settings->starving_ratio &&
             ratio_clear < settings->starving_ratio_clear) {
    self->starving_silent = FALSE;
    set_issue (self, WEIR_HEALTH_STARVING, TRUE, ratio, settings->starving_ratio);
  } else if (ratio_clear < 0 || ratio_clear >= settings->starving_ratio_clear) {
    set_issue (self, WEIR_HEALTH_STARVING, FALSE, 0, 0);
  }
}

static const Track *
find_track (const WeirHealth *self, WeirMediaKind kind)
{
  for (guint i = 0; i < self->track_count; i++)
    if (self->tracks[i].present && self->tracks[i].kind == kind)
      return &self->tracks[i];
  return NULL;
}

static void
check_drift (WeirHealth *self, gint64 now_us)
{
  const WeirHealthSettings *settings = &self->settings;
  const Track *video = find_track (self, WEIR_MEDIA_VIDEO);
  const Track *audio = find_track (self, WEIR_MEDIA_AUDIO);
  const Track *any = video != NULL ? video : audio;
  gboolean raised = self->issues[WEIR_HEALTH_CLOCK_DRIFT].raised;
  gint64 apart =
      video != NULL && audio != NULL ? ABS (audio->drift.lag_ns - video->drift.lag_ns) : 0;
  gdouble ppm = any != NULL && any->drift.rate_known ? fabs (any->drift.rate_ppm) : 0;
  gboolean by_apart = apart > (raised ? settings->drift_clear_ns : settings->drift_ns);
  gboolean by_rate = ppm > (raised ? settings->drift_clear_ppm : settings->drift_ppm);

  if (!by_apart && !by_rate) {
    self->drifting_us = 0;
    set_issue (self, WEIR_HEALTH_CLOCK_DRIFT, FALSE, 0, 0);
    return;
  }
  if (self->drifting_us == 0)
    self->drifting_us = now_us;
  if (now_us - self->drifting_us < settings->drift_hold_us)
    return;
  self->drifts_by_rate = !by_apart;
  if (by_apart)
    set_issue (
        self, WEIR_HEALTH_CLOCK_DRIFT, TRUE, to_seconds (apart), to_seconds (settings->drift_ns));
  else
    set_issue (
        self, WEIR_HEALTH_CLOCK_DRIFT, TRUE, ppm * 3600 / 1e6, settings->drift_ppm * 3600 / 1e6);
}

static void
check_missing (WeirHealth *self, WeirMediaKind kind, gint64 now_us)
{
  const WeirHealthCode code =
      kind == WEIR_MEDIA_VIDEO ? WEIR_HEALTH_VIDEO_MISSING : WEIR_HEALTH_AUDIO_MISSING;
  gint64 since = self->expected_us[kind];

  if (since == 0)
    return;
  for (guint i = 0; i < self->track_count; i++)
    if (self->tracks[i].present && self->tracks[i].kind == kind)
      since = MAX (since, self->tracks[i].last_arrival_us);
  if (now_us - since < self->settings.missing_us)
    set_issue (self, code, FALSE, 0, 0);
  else if (now_us - self->last_arrival_us < self->settings.silent_us)
    /* with everything else it is starving */
    set_issue (self, code, TRUE, (gdouble) (now_us - since) / G_USEC_PER_SEC,
        (gdouble) self->settings.missing_us / G_USEC_PER_SEC);
}

static void
check_corrections (WeirHealth *self)
{
  guint count = self->corrections_sum;

  if (count > self->settings.corrections)
    set_issue (
        self, WEIR_HEALTH_MANY_CORRECTIONS, TRUE, count, (gdouble) self->settings.corrections);
  else if (count < self->settings.corrections_clear)
    set_issue (self, WEIR_HEALTH_MANY_CORRECTIONS, FALSE, 0, 0);
}

static void
check_frozen (WeirHealth *self, gint64 now_us)
{
  for (guint i = 0; i < self->track_count; i++)
    if (now_us - self->tracks[i].last_frozen_us >= self->settings.frozen_clear_us)
      set_track_issue (self, &self->tracks[i], WEIR_HEALTH_TIMESTAMPS_FROZEN, FALSE, 0, 0);
}

static void
begin_second (WeirHealth *self)
{
  self->next_second_us += G_USEC_PER_SEC;
  self->second++;
  self->positions[self->second % SECONDS] = self->position;
  /* what falls out of the last minute */
  if (self->second >= WINDOW_MAX)
    self->corrections_sum -= self->corrections[(self->second - WINDOW_MAX) % SECONDS];
  self->corrections[self->second % SECONDS] = 0;
}

gboolean
weir_health_advance (WeirHealth *self, gint64 now_us)
{
  gint64 second_us = self->next_second_us;

  if (!self->connected || now_us < second_us)
    return FALSE;
  /* a clock that leaps says the same of every second that it skipped */
  if (now_us - second_us > (gint64) SECONDS * G_USEC_PER_SEC)
    self->next_second_us +=
        (now_us - second_us) / G_USEC_PER_SEC * G_USEC_PER_SEC - (gint64) SECONDS * G_USEC_PER_SEC;
  while (self->next_second_us <= now_us) {
    second_us = self->next_second_us;
    begin_second (self);
  }
  check_speed (self, second_us);
  check_starving (self, now_us);
  check_drift (self, second_us);
  check_missing (self, WEIR_MEDIA_VIDEO, now_us);
  check_missing (self, WEIR_MEDIA_AUDIO, now_us);
  check_corrections (self);
  check_frozen (self, now_us);
  return TRUE;
}

/* ---- what it says ---- */

gchar *
weir_health_describe_code (WeirHealthCode code, const gchar *detail)
{
  static const gchar *const sentences[WEIR_HEALTH_CODE_LAST] = {
      [WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC] = "The video codec is not supported",
      [WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC] = "The audio codec is not supported",
      [WEIR_HEALTH_ANNEX_B] = "Video has start codes where lengths belong; they are converted",
      [WEIR_HEALTH_ADTS] = "Audio has ADTS headers where raw frames belong; they are removed",
      [WEIR_HEALTH_IN_BAND_CONFIGURATION] =
          "Parameter sets within the video differ from its configuration; they are followed",
      [WEIR_HEALTH_EMPTY_NAL] = "Video has empty units, which are left out",
      [WEIR_HEALTH_NO_CONFIGURATION] = "There is no configuration before the media",
      [WEIR_HEALTH_MALFORMED_MEDIA] = "Media do not add up and are dropped",
  };
  const gchar *sentence = (guint) code < WEIR_HEALTH_CODE_LAST ? sentences[code] : NULL;

  if (sentence == NULL)
    return g_strdup (detail != NULL ? detail : "");
  return detail != NULL && *detail != '\0' ? g_strdup_printf ("%s: %s.", sentence, detail)
                                           : g_strdup_printf ("%s.", sentence);
}

gchar *
weir_health_describe (WeirHealth *self, WeirHealthCode code)
{
  const Issue *issue;

  if ((guint) code >= WEIR_HEALTH_MEASURED_LAST)
    return g_strdup ("");
  issue = &self->issues[code];
  switch (code) {
  case WEIR_HEALTH_GOP_TOO_LONG:
    return g_strdup_printf ("Keyframes come %.1f s apart; set the keyframe interval to 2 s, %.0f s "
                            "at most.",
        issue->value, issue->limit);
  case WEIR_HEALTH_GOP_TOO_SHORT:
    return g_strdup_printf ("Keyframes come %.2f s apart; set the keyframe interval to 2 s, %.0f s "
                            "at least.",
        issue->value, issue->limit);
  case WEIR_HEALTH_GOP_VARIES:
    return g_strdup_printf (
        "The longest distance of keyframes is %.1f times the shortest; a fixed keyframe interval "
        "gives even segments.",
        issue->value);
  case WEIR_HEALTH_TIMESTAMPS_FROZEN:
    return g_strdup ("The encoder's time stamps stand still; times of arrival are used instead.");
  case WEIR_HEALTH_FASTER_THAN_REALTIME:
    return g_strdup_printf (
        "Media come %.2f times as fast as they play; send them in real time.", issue->value);
  case WEIR_HEALTH_STARVING:
    if (self->starving_silent)
      return g_strdup ("No media come, though the encoder is connected.");
    return g_strdup_printf (
        "Media come %.2f times as fast as they play; the encoder or its network is too slow.",
        issue->value);
  case WEIR_HEALTH_CLOCK_DRIFT:
    if (self->drifts_by_rate)
      return g_strdup_printf (
          "The encoder's time stamps and the clock drift apart by %.1f s an hour.", issue->value);
    return g_strdup_printf ("Audio and video have drifted apart by %.2f s.", issue->value);
  case WEIR_HEALTH_AUDIO_MISSING:
    return g_strdup_printf ("There has been no audio for %.0f s.", issue->value);
  case WEIR_HEALTH_VIDEO_MISSING:
    return g_strdup_printf ("There has been no video for %.0f s.", issue->value);
  case WEIR_HEALTH_NO_KEYFRAME:
    return g_strdup_printf (
        "No keyframe has come for %.0f s; there is no picture until one does. Set the keyframe "
        "interval to 2 s.",
        issue->value);
  case WEIR_HEALTH_MANY_CORRECTIONS:
    return g_strdup_printf (
        "The times of %.0f frames and sounds were corrected in the last minute.", issue->value);
  default:
    return g_strdup ("");
  }
}

void
weir_health_change_clear (WeirHealthChange *self)
{
  g_clear_pointer (&self->text, g_free);
}

gboolean
weir_health_pull (WeirHealth *self, WeirHealthChange *change)
{
  if (!self->changed)
    return FALSE;
  for (guint i = 0; i < WEIR_HEALTH_MEASURED_LAST; i++) {
    Issue *issue = &self->issues[i];

    if (issue->raised == issue->reported)
      continue;
    issue->reported = issue->raised;
    change->code = (WeirHealthCode) i;
    change->raised = issue->raised;
    change->severity = codes[i].severity;
    change->value = issue->value;
    change->limit = issue->limit;
    change->text = weir_health_describe (self, change->code);
    return TRUE;
  }
  self->changed = FALSE;
  return FALSE;
}

static void
report_track (const Track *track, WeirHealthTrack *report)
{
  Gop shortest, longest;

  report->present = track->present;
  report->kind = track->kind;
  report->frame_rate = track->frame_rate;
  report->bit_rate = track->bit_rate;
  report->lag_ns = track->drift.lag_ns;
  if (track->gop_count == 0)
    return;
  get_gop_range (track, &shortest, &longest);
  report->gop_ns = track->gops[(track->gop_count - 1) % GOPS].ns;
  report->gop_frames = track->gops[(track->gop_count - 1) % GOPS].frames;
  report->gop_min_ns = shortest.ns;
  report->gop_min_frames = shortest.frames;
  report->gop_max_ns = longest.ns;
  report->gop_max_frames = longest.frames;
}

void
weir_health_get_report (WeirHealth *self, WeirHealthReport *report)
{
  guint seconds = self->settings.starving_seconds;
  gint64 second_us = self->next_second_us - G_USEC_PER_SEC;

  memset (report, 0, sizeof *report);
  for (guint i = 0; i < self->track_count; i++)
    report_track (&self->tracks[i], &report->tracks[i]);
  for (guint i = 0; i < WEIR_HEALTH_MEASURED_LAST; i++)
    report->issues[i] =
        (WeirHealthIssue){self->issues[i].raised, self->issues[i].value, self->issues[i].limit};
  if (self->has_media && second_us > self->media_us)
    seconds = (guint) MIN (seconds, (second_us - self->media_us) / G_USEC_PER_SEC);
  else
    seconds = 0;
  if (seconds > 0)
    report->ratio = MAX (get_ratio (self, seconds, second_us), 0);
}
