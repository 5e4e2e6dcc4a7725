/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "timeline/timeline.h"

G_BEGIN_DECLS

/**
 * SECTION:health
 *
 * What an encoder does wrong, measured (pure: samples, decisions and time in, changes out). A
 * connection is watched from its begin to the next one's: issues stay as they were when it ended.
 *
 * An issue is raised when a measured value passes its limit and cleared when it has stayed within
 * it for a while, so that it does not come and go. What the timeline measures and decides is taken
 * from it. What a source alone can see (codecs that are not handled, quirks of the stream) is said
 * by the source; its codes stand here, too, so that there is one list of them.
 *
 * Bounded memory; a sample costs tens of instructions, the rest is done once a second. Not locked.
 */
typedef struct _WeirHealth WeirHealth;

typedef enum {
  WEIR_HEALTH_INFO,    /* worth knowing */
  WEIR_HEALTH_WARNING, /* viewers may notice */
  WEIR_HEALTH_ERROR,   /* viewers do notice */
} WeirHealthSeverity;

typedef enum {
  WEIR_HEALTH_GOP_TOO_LONG,
  WEIR_HEALTH_GOP_TOO_SHORT,
  WEIR_HEALTH_GOP_VARIES,
  WEIR_HEALTH_TIMESTAMPS_FROZEN,
  WEIR_HEALTH_FASTER_THAN_REALTIME,
  WEIR_HEALTH_STARVING,
  WEIR_HEALTH_CLOCK_DRIFT,
  WEIR_HEALTH_AUDIO_MISSING,
  WEIR_HEALTH_VIDEO_MISSING,
  WEIR_HEALTH_NO_KEYFRAME,
  WEIR_HEALTH_MANY_CORRECTIONS,
  WEIR_HEALTH_MEASURED_LAST, /* the following are said by sources */
  WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC = WEIR_HEALTH_MEASURED_LAST,
  WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC,
  WEIR_HEALTH_ANNEX_B,
  WEIR_HEALTH_ADTS,
  WEIR_HEALTH_IN_BAND_CONFIGURATION,
  WEIR_HEALTH_EMPTY_NAL,
  WEIR_HEALTH_NO_CONFIGURATION,
  WEIR_HEALTH_MALFORMED_MEDIA,
  WEIR_HEALTH_OTHER, /* whatever else a source says */
  WEIR_HEALTH_CODE_LAST
} WeirHealthCode;

/* Returns: (transfer none): `gop_too_long`, as the API, the log and metrics say it */
const gchar *weir_health_code_get_name (WeirHealthCode code);
/* Returns: the code of that name, with `-` or `_`; %WEIR_HEALTH_OTHER for one that is not known */
WeirHealthCode weir_health_code_from_name (const gchar *name);
WeirHealthSeverity weir_health_code_get_severity (WeirHealthCode code);
/* Returns: (nullable): the word that the hosted product's API has for it, such as
 * `ERR_GOP_OUT_OF_RANGE` */
const gchar *weir_health_code_get_vendor_code (WeirHealthCode code);
/* Returns: "info", "warning", "error" */
const gchar *weir_health_severity_get_name (WeirHealthSeverity severity);
/* Returns: FALSE when no severity has that name */
gboolean weir_health_severity_from_name (const gchar *name, WeirHealthSeverity *severity);

/*
 * The limits. The hosted product wants GOPs of 2 to 10 s. Up to 10 s is the limit here, too. Below
 * it goes to 1 s, since parts are cut within GOPs, so that nothing depends on short ones, and 1 s
 * is what low-latency set-ups use. A frame rate such as 29.97 makes 10 s of frames 10.01 s: the
 * tolerance.
 */
#define WEIR_HEALTH_GOP_MAX_NS (G_GINT64_CONSTANT (10000000000))
#define WEIR_HEALTH_GOP_MIN_NS (G_GINT64_CONSTANT (1000000000))
#define WEIR_HEALTH_GOP_TOLERANCE_NS (G_GINT64_CONSTANT (50000000))
/* so many too short ones in a row: cuts of scenes make one or two */
#define WEIR_HEALTH_GOP_SHORT_COUNT 3
/* so many good ones in a row clear both */
#define WEIR_HEALTH_GOP_GOOD_COUNT 2
/* longest by shortest of the last eight, when there are four at least */
#define WEIR_HEALTH_GOP_RATIO 2.0
#define WEIR_HEALTH_GOP_RATIO_CLEAR 1.5
#define WEIR_HEALTH_GOP_VARIES_COUNT 4
/* after so long without another stamp that stood still */
#define WEIR_HEALTH_FROZEN_CLEAR_US (10 * G_USEC_PER_SEC)
/* seconds of media in a second, over so many seconds */
#define WEIR_HEALTH_FAST_RATIO 1.2
#define WEIR_HEALTH_FAST_RATIO_CLEAR 1.1
#define WEIR_HEALTH_FAST_SECONDS 60
#define WEIR_HEALTH_FAST_SECONDS_CLEAR 30
#define WEIR_HEALTH_STARVING_RATIO 0.9
#define WEIR_HEALTH_STARVING_RATIO_CLEAR 0.95
#define WEIR_HEALTH_STARVING_SECONDS 30
#define WEIR_HEALTH_STARVING_SECONDS_CLEAR 10
/* nothing at all comes, for two frames at least */
#define WEIR_HEALTH_SILENT_US (3 * G_USEC_PER_SEC)
/* audio against video; media against the clock, of its rate: 3.6 s an hour */
#define WEIR_HEALTH_DRIFT_NS (G_GINT64_CONSTANT (100000000))
#define WEIR_HEALTH_DRIFT_CLEAR_NS (G_GINT64_CONSTANT (70000000))
#define WEIR_HEALTH_DRIFT_PPM 1000.0
#define WEIR_HEALTH_DRIFT_CLEAR_PPM 700.0
/* a delay of the network passes */
#define WEIR_HEALTH_DRIFT_HOLD_US (30 * G_USEC_PER_SEC)
/* a kind of track that was promised, or was there, while the other goes on */
#define WEIR_HEALTH_MISSING_US (10 * G_USEC_PER_SEC)
/* pictures come, and no keyframe that they could be decoded from */
#define WEIR_HEALTH_NO_KEYFRAME_US (10 * G_USEC_PER_SEC)
/* of samples, in a minute */
#define WEIR_HEALTH_CORRECTIONS 60
#define WEIR_HEALTH_CORRECTIONS_CLEAR 30

typedef struct {
  gint64 gop_max_ns;
  gint64 gop_min_ns;
  gint64 gop_tolerance_ns;
  guint gop_short_count;
  guint gop_good_count;
  gdouble gop_ratio, gop_ratio_clear;
  guint gop_varies_count;
  gint64 frozen_clear_us;
  gdouble fast_ratio, fast_ratio_clear;
  guint fast_seconds, fast_seconds_clear; /* 1 to 60, as all windows */
  gdouble starving_ratio, starving_ratio_clear;
  guint starving_seconds, starving_seconds_clear;
  gint64 silent_us;
  gint64 drift_ns, drift_clear_ns;
  gdouble drift_ppm, drift_clear_ppm;
  gint64 drift_hold_us;
  gint64 missing_us;
  gint64 no_keyframe_us;
  guint corrections, corrections_clear;
} WeirHealthSettings;

/* the limits above */
void weir_health_settings_init (WeirHealthSettings *settings);

WeirHealth *weir_health_new (const WeirHealthSettings *settings);
void weir_health_free (WeirHealth *self);

/* a source begins to deliver: every issue of the one before is cleared, measuring begins anew */
void weir_health_begin_connection (WeirHealth *self, gint64 now_us);
/* the source is gone: nothing is measured, issues stay as they are */
void weir_health_end_connection (WeirHealth *self);
/* the sender's metadata says there will be such a track */
void weir_health_promise (WeirHealth *self, WeirMediaKind kind, gint64 now_us);

/* @track: the timeline's index, below %WEIR_TIMELINE_TRACKS_MAX; a sample of it came */
void weir_health_receive (WeirHealth *self, guint track, WeirMediaKind kind, gint64 arrival_us);
/**
 * weir_health_decide: what the timeline made of a sample
 * @keyframe: (video) it is one
 * @size: its bytes
 * @arrival_us: when it came
 */
void weir_health_decide (WeirHealth *self, const WeirTimelineDecision *decision, gboolean keyframe,
    gsize size, gint64 arrival_us);
/* what the timeline has measured of a track; looked at by weir_health_advance() */
void weir_health_set_drift (WeirHealth *self, guint track, const WeirTimelineDrift *drift);
/**
 * weir_health_advance:
 *
 * Does what is due by @now_us, once a second. To be called with every sample, and now and then
 * when none come.
 *
 * Returns: TRUE when a second is over: a good moment for weir_health_set_drift()
 */
gboolean weir_health_advance (WeirHealth *self, gint64 now_us);

/**
 * WeirHealthIssue:
 * @value: in seconds (GOPs, missing tracks, keyframes that do not come, drift: seconds apart, or
 * seconds in an hour when it is the clock's), or a ratio, or a number; refreshed while it lasts
 * @limit: in the same unit
 */
typedef struct {
  gboolean raised;
  gdouble value, limit;
} WeirHealthIssue;

typedef struct {
  WeirHealthCode code;
  gboolean raised; /* FALSE: cleared */
  WeirHealthSeverity severity;
  gdouble value, limit;
  gchar *text; /* (transfer full): one sentence for the encoder's user */
} WeirHealthChange;

void weir_health_change_clear (WeirHealthChange *self);
/* @change: (out caller-allocates): to be cleared. Returns: FALSE when nothing has changed since */
gboolean weir_health_pull (WeirHealth *self, WeirHealthChange *change);
/* Returns: (transfer full): a sentence about what a source says. @detail: (nullable): its words */
gchar *weir_health_describe_code (WeirHealthCode code, const gchar *detail);
/* Returns: (transfer full): the sentence for a measured issue as it stands */
gchar *weir_health_describe (WeirHealth *self, WeirHealthCode code);

/**
 * WeirHealthTrack: 0 is what is not known (yet)
 */
typedef struct {
  gboolean present; /* samples came in this connection */
  WeirMediaKind kind;
  gdouble frame_rate;                    /* of media time */
  gdouble bit_rate;                      /* bits a second of media time */
  gint64 gop_ns, gop_min_ns, gop_max_ns; /* the last one; of the last eight */
  guint gop_frames, gop_min_frames, gop_max_frames;
  gint64 lag_ns; /* how much later its samples come than at the start */
} WeirHealthTrack;

typedef struct {
  WeirHealthTrack tracks[WEIR_TIMELINE_TRACKS_MAX];
  WeirHealthIssue issues[WEIR_HEALTH_MEASURED_LAST];
  gdouble ratio; /* seconds of media in a second, over the last 30 s; 0: not known yet */
} WeirHealthReport;

void weir_health_get_report (WeirHealth *self, WeirHealthReport *report);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirHealthChange, weir_health_change_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHealth, weir_health_free)

G_END_DECLS
