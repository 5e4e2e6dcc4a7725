/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline/health.h"

#include <string.h>

#define MS (G_GINT64_CONSTANT (1000000))
#define VIDEO 0
#define AUDIO 1

/* An encoder and its time, in milliseconds; what changes is noted as "+gop_too_long -starving". */
typedef struct {
  WeirHealth *health;
  gint64 now_ms;
  gint64 offset_ms; /* of the stamps, so that 0 is no special value */
  GString *changes;
} Bench;

static void
note_changes (Bench *self)
{
  WeirHealthChange change;

  while (weir_health_pull (self->health, &change)) {
    g_assert_nonnull (change.text);
    if (change.raised)
      g_assert_cmpuint (strlen (change.text), >, 10);
    g_string_append_printf (self->changes, "%s%c%s", self->changes->len > 0 ? " " : "",
        change.raised ? '+' : '-', weir_health_code_get_name (change.code));
    weir_health_change_clear (&change);
  }
}

static void
bench_init (Bench *self)
{
  WeirHealthSettings settings;

  weir_health_settings_init (&settings);
  *self = (Bench){weir_health_new (&settings), 5000, 700, g_string_new (NULL)};
  weir_health_begin_connection (self->health, self->now_ms * 1000);
}

static void
bench_clear (Bench *self)
{
  weir_health_free (self->health);
  g_string_free (self->changes, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

#define assert_changes(bench, expected)                    \
  G_STMT_START                                             \
  {                                                        \
    g_assert_cmpstr ((bench)->changes->str, ==, expected); \
    g_string_truncate ((bench)->changes, 0);               \
  }                                                        \
  G_STMT_END

static void
at (Bench *self, gint64 now_ms)
{
  self->now_ms = now_ms;
  weir_health_advance (self->health, now_ms * 1000);
  note_changes (self);
}

static void
wait_ms (Bench *self, gint64 ms)
{
  for (gint64 end = self->now_ms + ms; self->now_ms < end;)
    at (self, MIN (self->now_ms + 1000, end));
}

static void
decide (Bench *self, guint track, WeirTimelineDecision decision, gboolean keyframe)
{
  decision.track = track;
  decision.dts += self->offset_ms * MS;
  weir_health_advance (self->health, self->now_ms * 1000);
  weir_health_receive (self->health, track, track == AUDIO ? WEIR_MEDIA_AUDIO : WEIR_MEDIA_VIDEO,
      self->now_ms * 1000);
  weir_health_decide (self->health, &decision, keyframe, 1000, self->now_ms * 1000);
  note_changes (self);
}

static void
sample (Bench *self, guint track, gint64 dts_ms, gboolean keyframe)
{
  decide (self, track, (WeirTimelineDecision){.dts = dts_ms * MS}, keyframe);
}

/* a GOP in real time, a frame each 40 ms. Returns: where the next one begins */
static gint64
gop (Bench *self, gint64 start_ms, gint64 length_ms)
{
  gint64 begin_ms = self->now_ms;

  for (gint64 ms = 0; ms < length_ms; ms += 40) {
    self->now_ms = begin_ms + ms;
    sample (self, VIDEO, start_ms + ms, ms == 0);
  }
  self->now_ms = begin_ms + length_ms;
  return start_ms + length_ms;
}

static void
gops_are_judged_at_their_limits (void)
{
  static const struct {
    gint64 ms;
    const gchar *expected;
  } table[] = {
      {10000, ""},
      {10050, ""},
      {10051, "+gop_too_long"},
      {12000, "+gop_too_long"},
      {2000, ""},
      {1000, ""},
      {950, ""},
      {949, "+gop_too_short"},
      {40, "+gop_too_short"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    g_auto (Bench) bench = {0};
    gint64 dts = 0;

    bench_init (&bench);
    for (guint j = 0; j < 3; j++)
      dts = gop (&bench, dts, table[i].ms);
    sample (&bench, VIDEO, dts, TRUE);
    assert_changes (&bench, table[i].expected);
  }
}

static void
a_gop_is_too_long_before_it_has_ended_until_two_are_good (void)
{
  g_auto (Bench) bench = {0};
  WeirHealthReport report;
  gint64 dts;

  bench_init (&bench);
  gop (&bench, 0, 10041);
  assert_changes (&bench, "");
  sample (&bench, VIDEO, 10080, FALSE);
  assert_changes (&bench, "+gop_too_long");
  weir_health_get_report (bench.health, &report);
  g_assert_cmpfloat (report.issues[WEIR_HEALTH_GOP_TOO_LONG].value, ==, 10.08);
  g_assert_cmpfloat (report.issues[WEIR_HEALTH_GOP_TOO_LONG].limit, ==, 10);
  dts = gop (&bench, 12000, 2000);
  weir_health_get_report (bench.health, &report);
  g_assert_cmpfloat (report.issues[WEIR_HEALTH_GOP_TOO_LONG].value, ==, 12);
  dts = gop (&bench, dts, 2000);
  assert_changes (&bench, "");
  sample (&bench, VIDEO, dts, TRUE);
  assert_changes (&bench, "-gop_too_long");
}

static void
one_or_two_short_gops_are_cuts_of_scenes (void)
{
  g_auto (Bench) bench = {0};
  gint64 dts;

  bench_init (&bench);
  dts = gop (&bench, 0, 2000);
  dts = gop (&bench, dts, 520);
  dts = gop (&bench, dts, 520);
  dts = gop (&bench, dts, 2000);
  dts = gop (&bench, dts, 520);
  sample (&bench, VIDEO, dts, TRUE);
  g_assert_null (strstr (bench.changes->str, "gop_too_short"));
  dts = gop (&bench, dts, 520);
  dts = gop (&bench, dts, 520);
  sample (&bench, VIDEO, dts, TRUE);
  g_assert_nonnull (strstr (bench.changes->str, "+gop_too_short"));
}

static void
gops_vary_beyond_twice_the_shortest (void)
{
  g_auto (Bench) bench = {0};
  gint64 dts = 0;

  bench_init (&bench);
  for (guint i = 0; i < 3; i++)
    dts = gop (&bench, dts, 2000);
  dts = gop (&bench, dts, 4000);
  sample (&bench, VIDEO, dts, TRUE);
  assert_changes (&bench, "");
  dts = gop (&bench, dts, 4040);
  sample (&bench, VIDEO, dts, TRUE);
  assert_changes (&bench, "+gop_varies");
  for (guint i = 0; i < 8; i++) {
    assert_changes (&bench, "");
    dts = gop (&bench, dts, 2000);
  }
  sample (&bench, VIDEO, dts, TRUE);
  assert_changes (&bench, "-gop_varies");
}

static void
a_gop_over_a_gap_is_not_measured (void)
{
  g_auto (Bench) bench = {0};
  WeirHealthReport report;

  bench_init (&bench);
  gop (&bench, 0, 2000);
  decide (&bench, VIDEO,
      (WeirTimelineDecision){.dts = 30000 * MS,
          .gap_ns = 28000 * MS,
          .reason = WEIR_REASON_GAP,
          .discontinuity = TRUE},
      FALSE);
  gop (&bench, 31000, 2000);
  sample (&bench, VIDEO, 33000, TRUE);
  assert_changes (&bench, "");
  weir_health_get_report (bench.health, &report);
  g_assert_cmpint (report.tracks[VIDEO].gop_max_ns, ==, 2000 * MS);
}

static void
frozen_stamps_are_known_until_ten_seconds_after_the_last_one (void)
{
  g_auto (Bench) bench = {0};
  const WeirTimelineDecision frozen = {.dts = 40 * MS, .reason = WEIR_REASON_FROZEN_CLOCK};

  bench_init (&bench);
  sample (&bench, VIDEO, 0, TRUE);
  decide (&bench, VIDEO, frozen, FALSE);
  assert_changes (&bench, "+timestamps_frozen");
  for (guint i = 1; i < 10; i++) {
    bench.now_ms += 1000;
    sample (&bench, VIDEO, 40 + i * 1000, FALSE);
  }
  assert_changes (&bench, "");
  bench.now_ms += 1000;
  sample (&bench, VIDEO, 10040, FALSE);
  assert_changes (&bench, "-timestamps_frozen");
}

/* media of @seconds of wall time at a speed, sound of 20 ms; changes are noted with their second */
static void
play (Bench *self, gdouble *media_ms, gdouble speed, guint seconds)
{
  for (guint i = 0; i < seconds * 50; i++) {
    sample (self, AUDIO, (gint64) *media_ms, TRUE);
    *media_ms += 20 * speed;
    self->now_ms += 20;
  }
}

static void
media_that_are_too_fast_for_a_minute_are_known (void)
{
  g_auto (Bench) bench = {0};
  gdouble media_ms = 0;

  bench_init (&bench);
  play (&bench, &media_ms, 1.19, 90);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 1.5, 60);
  assert_changes (&bench, "+faster_than_realtime");
  /* 1.1 of the last 30 s is reached after 24 s */
  play (&bench, &media_ms, 1, 23);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 1, 3);
  assert_changes (&bench, "-faster_than_realtime");
}

static void
too_fast_is_not_said_before_the_minute_is_over (void)
{
  g_auto (Bench) bench = {0};
  gdouble media_ms = 0;

  bench_init (&bench);
  play (&bench, &media_ms, 1.25, 60);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 1.25, 1);
  assert_changes (&bench, "+faster_than_realtime");
}

static void
media_that_are_too_slow_for_half_a_minute_starve (void)
{
  g_auto (Bench) bench = {0};
  gdouble media_ms = 0;

  bench_init (&bench);
  play (&bench, &media_ms, 0.91, 60);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 0.85, 31);
  assert_changes (&bench, "+starving");
  /* 0.95 of the last 10 s is reached after 7 s */
  play (&bench, &media_ms, 1, 6);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 1, 3);
  assert_changes (&bench, "-starving");
}

static void
nothing_for_three_seconds_starves (void)
{
  g_auto (Bench) bench = {0};
  gdouble media_ms = 0;

  bench_init (&bench);
  play (&bench, &media_ms, 1, 5);
  at (&bench, bench.now_ms - 20 + 2999);
  assert_changes (&bench, "");
  wait_ms (&bench, 1000);
  assert_changes (&bench, "+starving");
  /* what was held up comes at once */
  play (&bench, &media_ms, 20, 1);
  play (&bench, &media_ms, 1, 10);
  assert_changes (&bench, "-starving");
}

static void
a_gap_is_no_media (void)
{
  g_auto (Bench) bench = {0};
  WeirHealthReport report;
  gdouble media_ms = 0;

  bench_init (&bench);
  play (&bench, &media_ms, 1, 30);
  media_ms += 20000;
  decide (&bench, AUDIO,
      (WeirTimelineDecision){.dts = (gint64) media_ms * MS,
          .gap_ns = 20000 * MS,
          .reason = WEIR_REASON_GAP,
          .discontinuity = TRUE},
      TRUE);
  bench.now_ms += 20;
  media_ms += 20;
  play (&bench, &media_ms, 1, 2);
  weir_health_get_report (bench.health, &report);
  g_assert_cmpfloat_with_epsilon (report.ratio, 1, 0.01);
}

static void
set_lag (Bench *self, guint track, gint64 lag_ms, gdouble ppm)
{
  const WeirTimelineDrift drift = {.rate_ppm = ppm, .rate_known = ppm != 0, .lag_ns = lag_ms * MS};

  weir_health_set_drift (self->health, track, &drift);
}

static void
play_both (Bench *self, gint64 *media_ms, guint seconds)
{
  for (guint i = 0; i < seconds * 25; i++) {
    sample (self, VIDEO, *media_ms, i % 50 == 0);
    sample (self, AUDIO, *media_ms, TRUE);
    *media_ms += 40;
    self->now_ms += 40;
  }
}

static void
audio_and_video_that_stay_apart_drift (void)
{
  g_auto (Bench) bench = {0};
  gint64 media_ms = 0;

  bench_init (&bench);
  play_both (&bench, &media_ms, 2);
  set_lag (&bench, AUDIO, 100, 0);
  play_both (&bench, &media_ms, 60);
  assert_changes (&bench, "");
  set_lag (&bench, AUDIO, -101, 0);
  play_both (&bench, &media_ms, 29);
  assert_changes (&bench, "");
  play_both (&bench, &media_ms, 2);
  assert_changes (&bench, "+clock_drift");
  set_lag (&bench, AUDIO, -71, 0);
  play_both (&bench, &media_ms, 2);
  assert_changes (&bench, "");
  set_lag (&bench, AUDIO, -70, 0);
  play_both (&bench, &media_ms, 2);
  assert_changes (&bench, "-clock_drift");
}

static void
a_clock_that_runs_differently_drifts (void)
{
  g_auto (Bench) bench = {0};
  WeirHealthReport report;
  gint64 media_ms = 0;

  bench_init (&bench);
  play_both (&bench, &media_ms, 2);
  set_lag (&bench, VIDEO, 0, 1000);
  play_both (&bench, &media_ms, 60);
  assert_changes (&bench, "");
  set_lag (&bench, VIDEO, 0, -1001);
  play_both (&bench, &media_ms, 32);
  assert_changes (&bench, "+clock_drift");
  weir_health_get_report (bench.health, &report);
  g_assert_cmpfloat_with_epsilon (report.issues[WEIR_HEALTH_CLOCK_DRIFT].limit, 3.6, 1e-9);
}

static void
a_promised_track_is_missing_after_ten_seconds (void)
{
  g_auto (Bench) bench = {0};
  gdouble media_ms = 0;

  bench_init (&bench);
  weir_health_promise (bench.health, WEIR_MEDIA_VIDEO, bench.now_ms * 1000);
  play (&bench, &media_ms, 1, 10);
  assert_changes (&bench, "");
  play (&bench, &media_ms, 1, 1);
  assert_changes (&bench, "+video_missing");
  sample (&bench, VIDEO, (gint64) media_ms, TRUE);
  play (&bench, &media_ms, 1, 2);
  assert_changes (&bench, "-video_missing");
}

static void
a_track_that_was_there_is_missing_after_ten_seconds (void)
{
  g_auto (Bench) bench = {0};
  gint64 media_ms = 0;

  bench_init (&bench);
  play_both (&bench, &media_ms, 4);
  for (guint i = 0; i < 10 * 25; i++) {
    sample (&bench, VIDEO, media_ms, i % 50 == 0);
    media_ms += 40;
    bench.now_ms += 40;
  }
  assert_changes (&bench, "");
  for (guint i = 0; i < 25; i++) {
    sample (&bench, VIDEO, media_ms, i == 0);
    media_ms += 40;
    bench.now_ms += 40;
  }
  assert_changes (&bench, "+audio_missing");
}

static void
a_track_is_not_missing_while_nothing_comes (void)
{
  g_auto (Bench) bench = {0};
  gint64 media_ms = 0;

  bench_init (&bench);
  play_both (&bench, &media_ms, 4);
  wait_ms (&bench, 20000);
  assert_changes (&bench, "+starving");
}

static void
undecodable (Bench *self, WeirDecisionReason reason, guint seconds)
{
  for (guint i = 0; i < seconds * 2; i++) {
    decide (
        self, VIDEO, (WeirTimelineDecision){.action = WEIR_DECISION_DROP, .reason = reason}, FALSE);
    self->now_ms += 500;
  }
}

static void
a_keyframe_is_missing_after_ten_seconds (void)
{
  static const WeirDecisionReason reasons[] = {WEIR_REASON_BEFORE_KEYFRAME, WEIR_REASON_OLD_CONFIG};

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    g_auto (Bench) bench = {0};

    bench_init (&bench);
    if (i == 1)
      sample (&bench, VIDEO, 0, TRUE);
    undecodable (&bench, reasons[i], 10);
    assert_changes (&bench, "");
    undecodable (&bench, reasons[i], 1);
    assert_changes (&bench, "+no_keyframe");
    undecodable (&bench, reasons[i], 5);
    assert_changes (&bench, "");
    decide (&bench, VIDEO, (WeirTimelineDecision){.dts = 16000 * MS, .discontinuity = TRUE}, TRUE);
    assert_changes (&bench, "-no_keyframe");
    /* it begins anew */
    undecodable (&bench, reasons[i], 10);
    assert_changes (&bench, "");
  }
}

static void
a_keyframe_in_time_is_nothing (void)
{
  g_auto (Bench) bench = {0};

  bench_init (&bench);
  undecodable (&bench, WEIR_REASON_BEFORE_KEYFRAME, 9);
  sample (&bench, VIDEO, 9000, TRUE);
  undecodable (&bench, WEIR_REASON_OLD_CONFIG, 9);
  sample (&bench, VIDEO, 18000, TRUE);
  assert_changes (&bench, "");
}

static void
a_picture_in_some_seconds_is_not_silence (void)
{
  g_auto (Bench) bench = {0};

  bench_init (&bench);
  for (gint64 ms = 0; ms < 60000; ms += 3100) {
    sample (&bench, VIDEO, ms, TRUE);
    if (ms == 6200)
      g_string_truncate (bench.changes, 0); /* not known yet */
    wait_ms (&bench, 3100);
  }
  assert_changes (&bench, "");
  wait_ms (&bench, 3100);
  assert_changes (&bench, "+starving");
}

static void
sixty_corrections_in_a_minute_are_not_many (void)
{
  g_auto (Bench) bench = {0};
  const WeirTimelineDecision late = {
      .action = WEIR_DECISION_DROP, .reason = WEIR_REASON_OLD_CONFIG};
  const WeirTimelineDecision first = {
      .action = WEIR_DECISION_DROP, .reason = WEIR_REASON_BEFORE_KEYFRAME};
  gdouble media_ms = 0;

  bench_init (&bench);
  for (guint i = 0; i < 200; i++)
    decide (&bench, VIDEO, first, FALSE);
  for (guint i = 0; i < 60; i++)
    decide (&bench, VIDEO, late, FALSE);
  play (&bench, &media_ms, 1, 9);
  assert_changes (&bench, "");
  decide (&bench, VIDEO, late, FALSE);
  play (&bench, &media_ms, 1, 2);
  g_assert_nonnull (strstr (bench.changes->str, "+many_corrections"));
  play (&bench, &media_ms, 1, 48);
  g_assert_null (strstr (bench.changes->str, "-many_corrections"));
  play (&bench, &media_ms, 1, 2);
  g_assert_nonnull (strstr (bench.changes->str, "-many_corrections"));
}

static void
issues_stay_after_the_connection_and_leave_with_the_next (void)
{
  g_auto (Bench) bench = {0};

  bench_init (&bench);
  gop (&bench, 0, 11000);
  assert_changes (&bench, "+gop_too_long");
  weir_health_end_connection (bench.health);
  wait_ms (&bench, 60000);
  assert_changes (&bench, "");
  weir_health_begin_connection (bench.health, bench.now_ms * 1000);
  note_changes (&bench);
  assert_changes (&bench, "-gop_too_long");
}

static void
a_track_is_measured (void)
{
  g_auto (Bench) bench = {0};
  WeirHealthReport report;
  gint64 dts = 0;

  bench_init (&bench);
  for (guint i = 0; i < 5; i++)
    dts = gop (&bench, dts, i == 3 ? 1600 : 2000);
  sample (&bench, VIDEO, dts, TRUE);
  weir_health_get_report (bench.health, &report);
  g_assert_true (report.tracks[VIDEO].present);
  g_assert_cmpfloat_with_epsilon (report.tracks[VIDEO].frame_rate, 25, 0.001);
  g_assert_cmpfloat_with_epsilon (report.tracks[VIDEO].bit_rate, 25 * 8000, 1);
  g_assert_cmpint (report.tracks[VIDEO].gop_ns, ==, 2000 * MS);
  g_assert_cmpuint (report.tracks[VIDEO].gop_frames, ==, 50);
  g_assert_cmpint (report.tracks[VIDEO].gop_min_ns, ==, 1600 * MS);
  g_assert_cmpuint (report.tracks[VIDEO].gop_min_frames, ==, 40);
  g_assert_cmpint (report.tracks[VIDEO].gop_max_ns, ==, 2000 * MS);
  g_assert_cmpfloat_with_epsilon (report.ratio, 1, 0.02);
  g_assert_false (report.tracks[AUDIO].present);
}

static void
a_clock_that_leaps_costs_no_more_than_a_minute (void)
{
  g_auto (Bench) bench = {0};

  bench_init (&bench);
  at (&bench, G_MAXINT64 / 2000);
  assert_changes (&bench, "+starving");
}

static void
codes_have_names (void)
{
  WeirHealthSeverity severity = WEIR_HEALTH_INFO;

  for (guint i = 0; i < WEIR_HEALTH_CODE_LAST; i++)
    g_assert_cmpint (
        weir_health_code_from_name (weir_health_code_get_name ((WeirHealthCode) i)), ==, i);
  g_assert_cmpint (weir_health_code_from_name ("unsupported-video-codec"), ==,
      WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC);
  g_assert_cmpint (weir_health_code_from_name ("no such thing"), ==, WEIR_HEALTH_OTHER);
  g_assert_cmpstr (
      weir_health_code_get_vendor_code (WEIR_HEALTH_GOP_TOO_SHORT), ==, "ERR_GOP_OUT_OF_RANGE");
  g_assert_null (weir_health_code_get_vendor_code (WEIR_HEALTH_STARVING));
  g_assert_true (weir_health_severity_from_name ("error", &severity));
  g_assert_cmpint (severity, ==, WEIR_HEALTH_ERROR);
  g_assert_false (weir_health_severity_from_name ("bad", &severity));
}

static void
a_source_is_quoted (void)
{
  g_autofree gchar *text = weir_health_describe_code (WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC, "VP6");
  g_autofree gchar *bare = weir_health_describe_code (WEIR_HEALTH_ADTS, NULL);
  g_autofree gchar *other = weir_health_describe_code (WEIR_HEALTH_OTHER, "It smells.");

  g_assert_cmpstr (text, ==, "The video codec is not supported: VP6.");
  g_assert_true (g_str_has_suffix (bare, "removed."));
  g_assert_cmpstr (other, ==, "It smells.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/timeline/health/" #name, name)
  ADD (gops_are_judged_at_their_limits);
  ADD (a_gop_is_too_long_before_it_has_ended_until_two_are_good);
  ADD (one_or_two_short_gops_are_cuts_of_scenes);
  ADD (gops_vary_beyond_twice_the_shortest);
  ADD (a_gop_over_a_gap_is_not_measured);
  ADD (frozen_stamps_are_known_until_ten_seconds_after_the_last_one);
  ADD (media_that_are_too_fast_for_a_minute_are_known);
  ADD (too_fast_is_not_said_before_the_minute_is_over);
  ADD (media_that_are_too_slow_for_half_a_minute_starve);
  ADD (nothing_for_three_seconds_starves);
  ADD (a_gap_is_no_media);
  ADD (audio_and_video_that_stay_apart_drift);
  ADD (a_clock_that_runs_differently_drifts);
  ADD (a_promised_track_is_missing_after_ten_seconds);
  ADD (a_track_that_was_there_is_missing_after_ten_seconds);
  ADD (a_track_is_not_missing_while_nothing_comes);
  ADD (a_keyframe_is_missing_after_ten_seconds);
  ADD (a_keyframe_in_time_is_nothing);
  ADD (a_picture_in_some_seconds_is_not_silence);
  ADD (sixty_corrections_in_a_minute_are_not_many);
  ADD (issues_stay_after_the_connection_and_leave_with_the_next);
  ADD (a_track_is_measured);
  ADD (a_clock_that_leaps_costs_no_more_than_a_minute);
  ADD (codes_have_names);
  ADD (a_source_is_quoted);
  return g_test_run ();
}
