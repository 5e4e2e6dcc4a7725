/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline/timeline.h"

#include <stdio.h>
#include <string.h>

#define MS (G_GINT64_CONSTANT (1000000))

/*
 * Situations are written as text. Input tokens, separated by blanks:
 *   v40k@45     video sample, decode time 40 ms, keyframe, arrived at 45 ms
 *   a21@30      audio sample; without "@" it arrives at its decode time begin@100
 * begin+2000@100 end@100   a connection begins (after 2000 ms of nothing), ends video audio     the
 * track is configured; video* audio*: with another configuration promise-audio promise-video,
 * gone-video gone-audio, paused-video paused-audio, @500 (time passes) Output tokens: v40  v40!
 * v41:duplicate-dts  v5000!gap -v40:before-keyframe  (dropped) where "!" is a discontinuity.
 */
typedef struct {
  WeirTimeline *timeline;
  guint tracks[2];
  gint64 now_us;
  gsize size;
} Situation;

static void
situation_init (Situation *self, const WeirTimelineSettings *settings)
{
  WeirTimelineSettings defaults;

  weir_timeline_settings_init (&defaults);
  self->timeline = weir_timeline_new (settings != NULL ? settings : &defaults);
  self->tracks[WEIR_MEDIA_VIDEO] = weir_timeline_add_track (self->timeline, WEIR_MEDIA_VIDEO);
  self->tracks[WEIR_MEDIA_AUDIO] = weir_timeline_add_track (self->timeline, WEIR_MEDIA_AUDIO);
  self->now_us = 0;
  self->size = 100;
}

static void
situation_clear (Situation *self)
{
  weir_timeline_free (self->timeline, NULL);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Situation, situation_clear)

static gboolean
control (Situation *self, const gchar *token)
{
  long gap = 0, now = 0;

  if (sscanf (token, "begin+%ld@%ld", &gap, &now) == 2 || sscanf (token, "begin@%ld", &now) == 1) {
    self->now_us = now * 1000;
    weir_timeline_begin_connection (self->timeline, gap * MS, self->now_us);
    return TRUE;
  }
  if (sscanf (token, "end@%ld", &now) == 1) {
    self->now_us = now * 1000;
    weir_timeline_end_connection (self->timeline, self->now_us);
    return TRUE;
  }
  if (sscanf (token, "@%ld", &now) == 1) {
    self->now_us = now * 1000;
    weir_timeline_advance (self->timeline, self->now_us);
    return TRUE;
  }
  if (g_str_has_prefix (token, "promise-")) {
    weir_timeline_promise_track (
        self->timeline, token[8] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO);
    return TRUE;
  }
  if (g_str_has_prefix (token, "gone-")) {
    weir_timeline_remove_track (
        self->timeline, self->tracks[token[5] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO]);
    return TRUE;
  }
  if (g_str_has_prefix (token, "paused-")) {
    weir_timeline_pause_track (self->timeline,
        self->tracks[token[7] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO], self->now_us);
    return TRUE;
  }
  if (g_str_has_prefix (token, "video") || g_str_has_prefix (token, "audio")) {
    weir_timeline_configured (self->timeline,
        self->tracks[token[0] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO],
        g_str_has_suffix (token, "*"));
    return TRUE;
  }
  return FALSE;
}

static void
run_input (Situation *self, const gchar *input)
{
  g_auto (GStrv) tokens = g_strsplit (input, " ", -1);
  guint i;

  for (i = 0; tokens[i] != NULL; i++) {
    WeirTimelineSample sample = {.size = self->size};
    gchar *rest;
    gdouble dts;

    if (tokens[i][0] == '\0' || control (self, tokens[i]))
      continue;
    g_assert_true (tokens[i][0] == 'v' || tokens[i][0] == 'a');
    dts = g_ascii_strtod (tokens[i] + 1, &rest);
    sample.dts = (gint64) (dts * MS);
    sample.pts = sample.dts;
    sample.arrival_us = (gint64) (dts * 1000);
    sample.keyframe = tokens[i][0] == 'a';
    if (*rest == 'c') {
      sample.pts += (gint64) (g_ascii_strtod (rest + 1, &rest) * MS);
    }
    if (*rest == 'k') {
      sample.keyframe = TRUE;
      rest++;
    }
    if (*rest == '@')
      sample.arrival_us = (gint64) (g_ascii_strtod (rest + 1, &rest) * 1000);
    g_assert_cmpstr (rest, ==, "");
    self->now_us = MAX (self->now_us, sample.arrival_us);
    weir_timeline_push (self->timeline,
        self->tracks[tokens[i][0] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO], &sample);
  }
}

static gchar *
take_output (Situation *self)
{
  GString *text = g_string_new (NULL);
  WeirTimelineDecision decision;

  while (weir_timeline_pull (self->timeline, &decision)) {
    gchar track = decision.track == self->tracks[WEIR_MEDIA_VIDEO] ? 'v' : 'a';

    if (text->len > 0)
      g_string_append_c (text, ' ');
    if (decision.action == WEIR_DECISION_DROP) {
      g_string_append_printf (
          text, "-%c:%s", track, weir_decision_reason_get_name (decision.reason));
      continue;
    }
    g_string_append_printf (text, "%c%.10g", track, decision.dts / (gdouble) MS);
    if (decision.pts != decision.dts)
      g_string_append_printf (text, "c%.10g", (decision.pts - decision.dts) / (gdouble) MS);
    if (decision.discontinuity)
      g_string_append_c (text, '!');
    if (decision.reason != WEIR_REASON_NONE)
      g_string_append_printf (text, ":%s", weir_decision_reason_get_name (decision.reason));
  }
  return g_string_free (text, FALSE);
}

typedef struct {
  const gchar *name;
  const gchar *input;
  const gchar *output;
} Case;

#define STEADY_IN "begin@0 video audio v0k@0 a0@1 v40 a21 v80 a43 "
#define STEADY_OUT "v0 a0 v40 a21 v80 a43 "

static const Case cases[] = {
    /* R8, R4: the start */
    {"video_and_audio_start_when_both_are_there", "begin@0 video audio v0k a0", "v0 a0"},
    {"nothing_starts_without_audio_before_the_probe_is_over",
        "begin@0 video v0k v40 v80 v1480@1499", ""},
    {"video_only_starts_after_the_probe", "begin@0 video v0k v40 @1500", "v0 v40"},
    {"audio_only_starts_after_the_probe", "begin@0 audio a0 a21 @1499 @1500", "a0 a21"},
    {"a_promised_track_is_waited_for_longer", "begin@0 promise-audio video v0k v40 @2999", ""},
    {"a_promised_track_is_not_waited_for_for_ever", "begin@0 promise-audio video v0k v40 @3000",
        "v0 v40"},
    {"a_promise_that_was_kept_delays_nothing",
        "begin@0 promise-audio promise-video video audio v0k a0", "v0 a0"},
    {"a_promise_is_forgotten_with_its_connection",
        "begin@0 promise-audio end@10 begin@20 video v0k@20 @1520", "v0"},
    {"a_configured_track_without_samples_is_waited_for", "begin@0 video audio v0k v40 @1499", ""},
    {"a_configured_track_that_stays_silent_does_not_stop_the_start",
        "begin@0 video audio v0k v40 @1500", "v0 v40"},
    {"a_removed_track_is_not_waited_for", "begin@0 video audio gone-audio v0k v40 @1500", "v0 v40"},
    {"a_paused_track_is_not_waited_for", "begin@0 video audio paused-video a0", "a0"},
    {"a_track_that_pauses_lets_the_start_go",
        "begin@0 promise-audio video audio v0k v40 paused-audio", "v0 v40"},
    {"what_a_paused_track_had_before_the_start_is_kept",
        "begin@0 video audio v0k v40 paused-video a0 a21", "v0 v40 a0 a21"},
    {"a_track_that_paused_and_comes_again_is_waited_for",
        "begin@0 video audio paused-video v20 a0 a21 v40k", "-v:before-keyframe a0 a21 v40"},
    {"a_pause_settles_what_was_suspected", STEADY_IN "v9000@120 paused-video",
        STEADY_OUT "v120:reset"},
    {"stamps_start_at_zero_wherever_the_sender_starts",
        "begin@0 video audio v1234567k@0 a1234570@3 v1234607@40", "v0 a3 v40"},
    {"stamps_before_zero_are_as_good_as_any", "begin@0 video audio v-70k@0 a-50@3 v-30@40",
        "v0 a20 v40"},
    {"the_earliest_sample_is_at_zero_not_the_first_one",
        "begin@0 video audio v100k@0 a80@3 v140@40 a101@41", "v20 a0 v60 a21"},
    {"an_early_presentation_time_does_not_become_negative",
        "begin@0 video audio v0c-80k@0 a0@3 v40@40", "v0:negative-composition a80 v40c80"},
    {"samples_before_the_first_keyframe_are_dropped", "begin@0 video audio v0 a0 v40 v80k",
        "-v:before-keyframe -v:before-keyframe a0 v80"},
    {"samples_without_configuration_are_dropped", "begin@0 a0 video v0k audio a21",
        "-a:before-keyframe v0 a21"},
    {"audio_far_ahead_of_the_first_keyframe_is_dropped",
        "begin@0 video audio a0 a400 a520 a800 a1000 v1000k",
        "-a:leading-audio -a:leading-audio a0 a280 a480 v480"},
    {"a_video_keyframe_after_3_seconds_is_waited_for",
        "begin@0 audio video a0 a1000 a2000 v2900 a2980 v3000k",
        "-v:before-keyframe -a:leading-audio -a:leading-audio -a:leading-audio a0 v20"},
    {"a_video_keyframe_that_never_comes_is_not",
        "begin@0 audio video a0 a1000 v2900 a2980 @9999 a10000",
        "-v:before-keyframe a0 a1000 a2980 a10000"},
    {"video_that_was_announced_and_never_comes_is_not",
        "begin@0 audio video a0 a1000 a2000 @3999 @4000", "a0 a1000 a2000"},
    {"nothing_starts_before_the_wait_for_a_picture_is_over",
        "begin@0 audio video a0 a1000 a2000 @3999", ""},
    {"nothing_starts_before_the_wait_for_a_keyframe_is_over",
        "begin@0 audio video a0 v1000 a2000 @9999", "-v:before-keyframe"},
    {"what_joins_in_the_middle_of_a_long_gop_starts_with_its_picture",
        "begin@0 audio video a0 v40 a4100 v9000k a9010@9010",
        "-v:before-keyframe -a:leading-audio -a:leading-audio v0 a10"},
    {"video_whose_keyframe_comes_after_the_start_joins_there",
        "begin@0 audio video a0 a2000 @4000 a4021 v6000 v6040k a6050@6050",
        "a0 a2000 a4021 -v:before-keyframe v6040 a6050"},
    {"video_that_joins_late_begins_at_its_keyframe",
        "begin@0 audio a0 a21 @1500 video v4000 v4040k a4060@4060",
        "a0 a21 -v:before-keyframe v4040 a4060!:gap"},
    {"audio_that_joins_1_second_late_keeps_its_own_stamps",
        "begin@0 video v0k v40 v1000 v1500 audio a1510 v1540", "v0 v40 v1000 v1500 a1510 v1540"},
    {"audio_within_the_probe_but_1_second_late", "begin@0 video v0k v960 v1000 audio a1000 v1040",
        "v0 v960 v1000 a1000 v1040"},
    {"audio_that_joins_late_from_another_clock_goes_by_arrival",
        "begin@0 video v1000k@0 v1040@40 @1500 v9000@8000 audio a77777@8010",
        "v0 v40 v8000!:gap a8010"},
    {"a_joining_sample_from_before_the_beginning_is_dropped",
        "begin@0 video v1000k@0 v1040@40 @1500 audio a990@1600 a1011@1621",
        "v0 v40 -a:leading-audio a11"},
    {"clocks_that_differ_by_less_than_5_seconds_are_the_senders_own",
        "begin@0 video audio v0k@0 a400@10", "v0 a400"},
    {"clocks_that_differ_by_more_than_5_seconds_are_aligned_by_arrival",
        "begin@0 video audio v1700000000000k@0 a0@10 v1700000000040@40 a21@31", "v0 a10 v40 a31"},
    {"two_clocks_that_both_start_at_zero_are_aligned_by_arrival",
        "begin@0 video v0k@0 v40@40 audio a0@900 a21@921 v920@920", "v0 v40 a900 a921 v920"},
    {"two_tracks_at_zero_that_arrive_together_keep_their_stamps",
        "begin@0 video v0k@0 v40@40 audio a0@390 a21@411", "v0 v40 a0 a21"},
    {"a_burst_at_the_start_keeps_its_spacing",
        "begin@0 video audio v0k@0 v40@0 v80@0 a0@1 a21@1 a43@1", "v0 v40 v80 a0 a21 a43"},

    /* R2: order */
    {"an_equal_stamp_is_raised_by_a_millisecond", STEADY_IN "v80@81 v120",
        STEADY_OUT "v81:duplicate-dts v120"},
    {"a_small_step_back_is_raised_and_moves_nothing", STEADY_IN "v60@81 v120",
        STEADY_OUT "v81:backward-dts v120"},
    {"a_raised_decode_time_keeps_the_presentation_time", STEADY_IN "v80c40@81 v120c10@120",
        STEADY_OUT "v81c39:duplicate-dts v120c10"},
    {"a_frozen_clock_goes_on_in_ticks", STEADY_IN "v80@120 v80@160 v80@200",
        STEADY_OUT "v81:duplicate-dts v82:duplicate-dts v83:duplicate-dts"},
    {"a_step_of_half_a_second_back_is_clamped",
        "begin@0 video audio v1000k@0 a1000@0 v2000@1000 v1500@1001 v2040@1040",
        "v0 a0 v1000 v1001:backward-dts v1040"},
    {"jitter_of_the_senders_rounding_is_kept", "begin@0 video audio v0k a0 v33 v67 v100 v133",
        "v0 a0 v33 v67 v100 v133"},

    /* R3: jumps */
    {"a_pause_as_long_on_the_clock_is_a_gap", STEADY_IN "v5080 v5120",
        STEADY_OUT "v5080!:gap v5120"},
    {"each_track_marks_the_gap_once", STEADY_IN "v5080 a5043@5081 v5120 a5064@5121",
        STEADY_OUT "v5080!:gap a5043!:gap v5120 a5064"},
    {"a_gap_may_differ_from_the_clock_by_a_tenth", STEADY_IN "v20080@18100",
        STEADY_OUT "v20080!:gap"},
    {"a_pause_of_less_than_2_seconds_is_nothing_special", STEADY_IN "v2080 v2120",
        STEADY_OUT "v2080 v2120"},
    {"one_frame_a_second_is_nothing_special",
        "begin@0 video v0k v1000 v2000 v3000 v5000 v11000 v12000",
        "v0 v1000 v2000 v3000 v5000 v11000 v12000"},
    {"one_frame_in_3_seconds_is_a_rate_once_it_is_known",
        "begin@0 video v0k @1500 v3000 v6000@6010 v9000 v12000 v15000k v21000",
        "v0 v3000!:gap v6000!:gap v9000 v12000 v15000 v21000"},
    {"one_frame_in_8_seconds_likewise",
        "begin@0 video v0k @1500 v7500 v15000 v23000 v30500 v38000k",
        "v0 v7500!:gap v15000!:gap v23000 v30500 v38000"},
    {"one_frame_in_10_seconds_is_none", "begin@0 video v0k @1500 v10000 v20000 v30000 v40000k",
        "v0 v10000!:gap v20000!:gap v30000!:gap v40000!:gap"},
    {"pauses_of_different_lengths_are_no_rate",
        "begin@0 video v0k @1500 v3000 v6000 v10000 v13000 v19000",
        "v0 v3000!:gap v6000!:gap v10000!:gap v13000!:gap v19000!:gap"},
    {"pauses_between_pictures_that_move_are_no_rate",
        "begin@0 video v0k @1500 v3000 v3040 v6040 v6080 v9080 v9120 v12120",
        "v0 v3000!:gap v3040 v6040!:gap v6080 v9080!:gap v9120 v12120!:gap"},
    {"a_slow_rate_is_forgotten_when_most_steps_are_others",
        "begin@0 video v0k @1500 v3000 v6000 v9000 v12000 v12040 v12080 v12120 v15120 v15160",
        "v0 v3000!:gap v6000!:gap v9000 v12000 v12040 v12080 v12120 v15120!:gap v15160"},
    {"pauses_of_audio_are_no_rate", "begin@0 audio a0 @1500 a3000 a6000 a9000 a12000",
        "a0 a3000!:gap a6000!:gap a9000!:gap a12000!:gap"},
    {"a_jump_at_a_slow_rate_is_a_new_timebase",
        "begin@0 video v0k @1500 v3000 v6000 v9000 v12000 v900000@15000 v903000@18000 "
        "v906000@21000",
        "v0 v3000!:gap v6000!:gap v9000 v12000 v15000:reset v18000 v21000"},
    {"a_spike_is_put_between_its_neighbours", STEADY_IN "v9000@120 v160",
        STEADY_OUT "v120:spike v160"},
    {"a_spike_to_zero_as_well", "begin@0 video audio v10000k@0 a10000@0 v10040@40 v0@80 v10120@120",
        "v0 a0 v40 v80:spike v120"},
    {"two_spikes_in_a_row", STEADY_IN "v9000@120 v9040@160 v200",
        STEADY_OUT "v120:spike v160:spike v200"},
    {"two_spikes_that_do_not_agree", STEADY_IN "v9000@120 v-7000@160 v200",
        STEADY_OUT "v120:spike v160:spike v200"},
    {"the_other_track_flows_while_one_is_suspected", STEADY_IN "v9000@120 a64@121 a85@122",
        STEADY_OUT "a64 a85"},
    {"three_samples_that_agree_are_a_new_timebase",
        STEADY_IN "v9000@120 v9040@160 v9080@200 v9120@240",
        STEADY_OUT "v120:reset v160 v200 v240"},
    {"a_timebase_may_go_back",
        "begin@0 video audio v10000k@0 a10000@0 v10040@40 a10021@21 v3@80 v43@120 v83@160 v123@200",
        "v0 a0 v40 a21 v80:reset v120 v160 v200"},
    {"a_track_that_did_not_jump_keeps_its_offset",
        STEADY_IN "v9000@120 v9040@160 v9080@200 a203@203", STEADY_OUT "v120:reset v160 v200 a203"},
    {"both_tracks_reset_by_the_same_amount",
        STEADY_IN "v9000@120 a8944@121 v9040@160 a8965@161 v9080@200 a8986@201 v9120@240",
        STEADY_OUT "v120:reset v160 v200 a64:reset a85 a106 v240"},
    {"the_second_track_follows_a_reset_later",
        STEADY_IN "v9000@120 v9040@160 v9080@200 a8944@201 a8965@202",
        STEADY_OUT "v120:reset v160 v200 a64:reset a85"},
    {"a_pause_with_a_new_timebase_is_a_gap", STEADY_IN "v500000@5080 v500040@5120 v500080@5160",
        STEADY_OUT "v5080!:reset v5120 v5160"},
    {"a_suspect_is_not_held_for_more_than_250_ms", STEADY_IN "v9000@120 @369 @370",
        STEADY_OUT "v120:reset"},

    {"time_lost_with_a_timebase_is_marked_at_the_next_keyframe",
        STEADY_IN "v9000@620 v9040@660 v9080@700 a700@701 v9120k@740 a730@741 a751@762 v9160@780",
        STEADY_OUT "v620:reset v660 v700 a700 v740! a730 a751! v780"},
    {"a_timebase_is_placed_by_the_least_delayed_sample", STEADY_IN "v9000@135 v9040@160 v9080@215",
        STEADY_OUT "v120:reset v160 v200"},

    /* R7: composition */
    {"a_presentation_far_from_decoding_is_not_believed", STEADY_IN "v120c5000 v160c-5000 v200c40",
        STEADY_OUT "v120:impossible-composition v160:impossible-composition v200c40"},
    {"decode_times_are_lowered_until_the_first_gop_is_over",
        "begin@0 video audio v0k a0 v40c80 v80c-40 v120c-40 v160k v200c-80 v240",
        "v0 a0 v40c80 v41:negative-composition v80 v120c40 v160c-40 v200c40"},

    /* R10: leading pictures */
    {"pictures_that_lead_the_first_keyframe_are_dropped",
        "begin@0 video audio v0c200k v40 a0@41 v60c10 v120c80 v160",
        "v0c200 -v:leading-picture a0 -v:leading-picture v120c80 v160"},
    {"what_is_shown_with_the_keyframe_or_behind_it_does_not_lead",
        "begin@0 video audio v0c80k a0 v40c40 v50c60 v80c40", "v0c80 a0 v40c40 v50c60 v80c40"},
    {"pictures_that_are_decoded_before_the_keyframe_do_not_lead",
        "begin@0 video audio v100k@0 a100@1 v90@40 v140@80", "v0 a0 v1:backward-dts v40"},
    {"a_composition_that_is_not_believed_leads_nothing", "begin@0 video audio v0c3000k a0 v40 v80",
        "v0:impossible-composition a0 v40 v80"},
    {"a_first_keyframe_far_ahead_costs_nothing_behind_it",
        "begin@0 video audio v9000k@0 a0@1 v0@40 v40@80 v80@120 v120@160",
        "v0 a1 v40:reset v80 v120 v160"},
    {"those_that_lead_a_later_one_are_not", STEADY_IN "v120c80k v160 v200c80",
        STEADY_OUT "v120c80 v160 v200c80"},
    {"those_behind_a_gap_are", STEADY_IN "v5080c80k v5120 v5160c40 v5200c80k v5240",
        STEADY_OUT "v5080c80!:gap -v:leading-picture v5160c40 v5200c80 v5240"},
    {"those_of_the_first_keyframe_behind_a_gap_are",
        STEADY_IN "v5080 v5120 v5160c80k v5200 v5240c40",
        STEADY_OUT "v5080!:gap v5120 v5160c80 -v:leading-picture v5240c40"},
    {"those_of_a_new_configuration_are", STEADY_IN "video* v120c80k v160 v200c40",
        STEADY_OUT "v120c80! -v:leading-picture v200c40"},
    {"those_of_a_new_connection_are",
        STEADY_IN "end@100 begin+2000@2080 video audio v0c80k@2080 a0@2081 v40@2120 v80c40@2160",
        STEADY_OUT "v2120c80! a2120! -v:leading-picture v2200c40"},

    /* R9: configuration */
    {"a_changed_configuration_waits_for_its_keyframe", STEADY_IN "video* v120 v160 v200k v240",
        STEADY_OUT "-v:old-config -v:old-config v200! v240"},
    {"a_changed_audio_configuration_is_due_at_once", STEADY_IN "audio* a64 a85",
        STEADY_OUT "a64! a85"},
    {"an_unchanged_configuration_is_nothing", STEADY_IN "video v120", STEADY_OUT "v120"},
    {"a_configuration_changed_before_the_start_is_no_discontinuity",
        "begin@0 video v0k v40 video* v80 v120k audio a120 v160",
        "-v:old-config -v:old-config -v:old-config v0 a0 v40"},
    {"a_suspect_belongs_to_the_configuration_before", STEADY_IN "v9000@120 video* v9040k@160",
        STEADY_OUT "v120:reset v160!"},

    /* connections */
    {"a_second_connection_goes_on_behind_the_first",
        STEADY_IN "end@100 begin+2000@2080 video audio v0k@2080 a0@2081 v40@2120 a21@2121",
        STEADY_OUT "v2120! a2120! v2160 a2141"},
    {"a_second_connection_is_at_least_one_frame_behind",
        STEADY_IN "end@100 begin@100 video audio v7k@100 a7@101", STEADY_OUT "v160! a160!"},
    {"each_track_of_a_second_connection_marks_it_once_even_when_late",
        STEADY_IN "end@100 begin+1000@1080 video v0k@1080 @2580 v1540@2620 audio a1550@2630 "
                  "a1571@2631 v1580@2660",
        STEADY_OUT "v1120! v2660 a2670! a2691 v2700"},
    {"the_second_connections_audio_may_be_the_earlier",
        STEADY_IN "end@100 begin+1000@1080 video audio v50k@1080 a30@1081",
        STEADY_OUT "v1140! a1120!"},
    {"a_changed_configuration_in_a_new_connection_is_not_marked_twice",
        STEADY_IN "end@100 begin+1000@1080 video* audio v0k@1080 a0@1081 v40@1120",
        STEADY_OUT "v1120! a1120! v1160"},
    {"a_connection_that_ends_early_is_put_out", "begin@0 video v0k v40 end@100", "v0 v40"},
    {"a_connection_without_a_keyframe_gives_nothing", "begin@0 video v0 v40 end@100",
        "-v:before-keyframe -v:before-keyframe"},
    {"a_first_connection_without_output_leaves_no_trace",
        "begin@0 video v0 end@100 begin+500@600 video audio v9k@600 a9@600",
        "-v:before-keyframe v0 a0"},
    {"suspects_are_put_out_at_the_end", STEADY_IN "v9000@120 v9040@160 end@170",
        STEADY_OUT "v120:reset v160"},
    {"samples_between_connections_are_dropped", STEADY_IN "end@100 v120", STEADY_OUT "-v:ended"},
    {"a_new_connection_ends_the_one_before",
        "begin@0 video v0k begin+100@200 video audio v0k@200 a0@200",
        "v0 v133.333333! a133.333333!"},
    {"a_stamp_that_is_none_is_a_spike", STEADY_IN "v9000000000000@120 v160",
        STEADY_OUT "v120:spike v160"},
};

static void
run_case (gconstpointer data)
{
  const Case *test = data;
  g_auto (Situation) situation = {0};
  g_autofree gchar *output = NULL, *expected = g_strchomp (g_strdup (test->output));

  situation_init (&situation, NULL);
  run_input (&situation, test->input);
  output = take_output (&situation);
  g_assert_cmpstr (output, ==, expected);
}

static void
too_much_held_forces_the_start (void)
{
  g_auto (Situation) situation = {0};
  g_autofree gchar *before = NULL, *after = NULL;

  situation_init (&situation, NULL);
  situation.size = 1024 * 1024;
  run_input (&situation, "begin@0 video v0k v40 v80");
  before = take_output (&situation);
  g_assert_cmpstr (before, ==, "");
  run_input (&situation, "v120");
  after = take_output (&situation);
  g_assert_cmpstr (after, ==, "v0 v40 v80 v120");
  g_assert_true (weir_timeline_has_started (situation.timeline));
}

static void
the_deadline_says_when_time_matters (void)
{
  g_auto (Situation) situation = {0};

  situation_init (&situation, NULL);
  g_assert_cmpint (weir_timeline_get_deadline (situation.timeline), ==, G_MAXINT64);
  run_input (&situation, "begin@0 video v0k@10");
  g_assert_cmpint (weir_timeline_get_deadline (situation.timeline), ==, 1510000);
  run_input (&situation, "@1510 v1500@1520");
  g_assert_cmpint (weir_timeline_get_deadline (situation.timeline), ==, G_MAXINT64);
  run_input (&situation, "v90000@1560");
  g_assert_cmpint (weir_timeline_get_deadline (situation.timeline), ==, 1560000 + 250000);
}

static void
a_gap_says_how_much_is_missing (void)
{
  g_auto (Situation) situation = {0};
  g_autofree gchar *output = NULL;
  WeirTimelineDecision decision;

  situation_init (&situation, NULL);
  run_input (&situation, STEADY_IN);
  output = take_output (&situation);
  run_input (&situation, "v5080");
  g_assert_true (weir_timeline_pull (situation.timeline, &decision));
  g_assert_cmpint (decision.gap_ns, ==, 4960 * MS);
  g_assert_cmpint (weir_timeline_get_end (situation.timeline), ==, 5120 * MS);
  run_input (&situation, "end@5100 begin+1000@6100 video audio v0k@6100 a0@6100");
  g_assert_true (weir_timeline_pull (situation.timeline, &decision));
  g_assert_cmpint (decision.dts, ==, 6120 * MS);
  g_assert_cmpint (decision.gap_ns, ==, 1000 * MS);
}

static void
tracks_are_limited_and_serve_again (void)
{
  WeirTimelineSettings settings;
  WeirTimeline *timeline;
  gint i;

  weir_timeline_settings_init (&settings);
  timeline = weir_timeline_new (&settings);
  for (i = 0; i < WEIR_TIMELINE_TRACKS_MAX; i++)
    g_assert_cmpint (weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO), ==, i);
  g_assert_cmpint (weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO), ==, -1);
  weir_timeline_remove_track (timeline, 5);
  g_assert_cmpint (weir_timeline_add_track (timeline, WEIR_MEDIA_VIDEO), ==, -1);
  g_assert_cmpint (weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO), ==, 5);
  weir_timeline_free (timeline, NULL);
}

/* @count video frames of 40 ms from @from ms on, stamped @offset ms further, with a keyframe every
 * second; their sound, whose stamps are right */
static void
run_frames (Situation *situation, gint from, gint count, gint offset, gint delay)
{
  GString *input = g_string_new (NULL);

  for (gint i = 0; i < count; i++) {
    gint at = from + i * 40;

    g_string_append_printf (input, "v%d%s@%d a%d@%d ", at + offset, at % 1000 == 0 ? "k" : "",
        at + delay, at, at + delay);
  }
  run_input (situation, input->str);
  g_string_free (input, TRUE);
}

static void
a_clock_that_stands_still_is_replaced_by_arrival_until_it_goes_again (void)
{
  g_auto (Situation) situation = {0};
  g_autoptr (GString) input = g_string_new (NULL);
  g_autofree gchar *before = NULL, *still = NULL, *moving = NULL;
  gint i;

  situation_init (&situation, NULL);
  run_input (&situation, "begin@0 video audio ");
  run_frames (&situation, 0, 25, 0, 0);
  before = take_output (&situation);
  for (i = 0; i < 11; i++)
    g_string_append_printf (input, "v960@%d ", 1000 + i * 40);
  run_input (&situation, input->str);
  still = take_output (&situation);
  g_assert_true (g_str_has_suffix (still,
      "v967:duplicate-dts v968:duplicate-dts v1320:frozen-clock v1360:frozen-clock "
      "v1400:frozen-clock"));

  /* 50 steps later it is believed, from another time on: it goes on where arrival led */
  g_string_set_size (input, 0);
  for (i = 0; i < 52; i++)
    g_string_append_printf (input, "v%d@%d ", 1000 + i * 40, 1440 + i * 40);
  run_input (&situation, input->str);
  moving = take_output (&situation);
  g_assert_true (g_str_has_suffix (moving, "v3360:frozen-clock v3400:reset v3440 v3480"));
}

static void
a_clock_that_stood_still_and_is_right_again_keeps_its_line (void)
{
  g_auto (Situation) situation = {0};
  g_autoptr (GString) input = g_string_new (NULL);
  g_autofree gchar *output = NULL;
  gint i;

  situation_init (&situation, NULL);
  run_input (&situation, "begin@0 video audio ");
  run_frames (&situation, 0, 25, 0, 0);
  for (i = 0; i < 11; i++)
    g_string_append_printf (input, "v960@%d ", 1000 + i * 40);
  for (i = 0; i < 53; i++)
    g_string_append_printf (input, "v%d@%d ", 1440 + i * 40, 1440 + i * 40);
  run_input (&situation, input->str);
  output = take_output (&situation);
  /* the step out of the standstill counts for one */
  g_assert_true (g_str_has_suffix (output, "v3360:frozen-clock v3400 v3440 v3480 v3520"));
}

static void
a_delay_that_stays_moves_the_timeline_at_a_keyframe (void)
{
  g_auto (Situation) situation = {0};
  g_autofree gchar *before = NULL, *after = NULL;

  situation_init (&situation, NULL);
  run_input (&situation, "begin@0 video audio ");
  run_frames (&situation, 0, 500, 0, 0);
  /* a minute of sleep */
  run_frames (&situation, 20000, 240, 0, 60000);
  before = take_output (&situation);
  g_assert_null (strchr (before, '!'));
  run_frames (&situation, 29600, 60, 0, 60000);
  after = take_output (&situation);
  g_assert_nonnull (strstr (after, "v30960 a30960 v91000!:lag a91000!:lag v91040 a91040"));
}

static void
a_delay_that_goes_moves_nothing (void)
{
  g_auto (Situation) situation = {0};
  g_autofree gchar *output = NULL;

  situation_init (&situation, NULL);
  run_input (&situation, "begin@0 video audio ");
  run_frames (&situation, 0, 500, 0, 0);
  run_frames (&situation, 20000, 100, 0, 15000);
  run_frames (&situation, 24000, 275, 0, 11000);
  run_frames (&situation, 35000, 25, 0, 0);
  run_frames (&situation, 36000, 1000, 0, 9000);
  output = take_output (&situation);
  g_assert_null (strchr (output, '!'));
  g_assert_null (strchr (output, ':'));
}

static void
what_drifts_is_measured (void)
{
  g_auto (Situation) situation = {0};
  WeirTimelineDrift drift;
  WeirTimelineDecision decision;

  situation_init (&situation, NULL);
  weir_timeline_set_audio_frame (
      situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], 1024, 48000);
  run_input (&situation, "begin@0 audio ");
  for (gint64 i = 0; i < 30000; i++) {
    WeirTimelineSample sample = {.dts = i * 64 * MS / 3, .keyframe = TRUE, .size = 1};

    /* 100 ppm slower than the clock, 50 ppm faster than its samples */
    sample.dts += sample.dts / 20000;
    sample.pts = sample.dts;
    sample.arrival_us = (sample.dts + sample.dts / 10000) / 1000 + i * 7919 % 15000;
    if (i == 1000) {
      weir_timeline_get_drift (situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], &drift);
      g_assert_false (drift.rate_known);
    }
    weir_timeline_push (situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], &sample);
    while (weir_timeline_pull (situation.timeline, &decision))
      g_assert_cmpint (decision.reason, ==, WEIR_REASON_NONE);
  }
  weir_timeline_get_drift (situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], &drift);
  g_assert_true (drift.rate_known);
  g_assert_cmpfloat (ABS (drift.rate_ppm + 100), <, 2);
  g_assert_cmpint (ABS (drift.lag_ns - 64 * MS), <, 2 * MS);
  g_assert_cmpint (ABS (drift.count_error_ns - 32 * MS), <, MS);
  weir_timeline_get_drift (situation.timeline, 99, &drift);
  g_assert_false (drift.rate_known);
}

/* one track with @settings, already begun */
static void
correct (Situation *situation, WeirTimelineSettings *settings, WeirMediaKind kind)
{
  situation_init (situation, settings);
  run_input (situation, kind == WEIR_MEDIA_VIDEO ? "begin@0 video" : "begin@0 audio");
}

/* Returns: FALSE when nothing came out */
static gboolean
push_one (Situation *situation, WeirMediaKind kind, gint64 dts, gint64 pts,
    WeirTimelineDecision *decision)
{
  WeirTimelineSample sample = {
      .dts = dts,
      .pts = pts,
      .arrival_us = dts / 1000,
      .keyframe = kind == WEIR_MEDIA_AUDIO || dts == 0,
      .size = 1,
  };

  weir_timeline_push (situation->timeline, situation->tracks[kind], &sample);
  return weir_timeline_pull (situation->timeline, decision);
}

static void
a_grid_is_found_under_rounded_stamps (void)
{
  g_auto (Situation) situation = {0};
  WeirTimelineSettings settings;
  WeirTimelineDecision decision;
  gint64 last = 0;

  weir_timeline_settings_init (&settings);
  settings.snap_to_grid = TRUE;
  settings.probe_us = 0;
  correct (&situation, &settings, WEIR_MEDIA_VIDEO);
  for (gint64 i = 0; i < 3000; i++) {
    gint64 dts = i * 1000 / 30 * MS;

    g_assert_true (push_one (&situation, WEIR_MEDIA_VIDEO, dts, dts, &decision));
    if (i > 300) {
      g_assert_cmpint (decision.reason, ==, WEIR_REASON_GRID);
      g_assert_cmpint (ABS (decision.dts - last - 33333333), <, MS / 10);
    }
    g_assert_cmpint (ABS (decision.dts - dts), <=, 2 * MS);
    last = decision.dts;
  }
  /* a frame that is missing is believed */
  g_assert_true (push_one (&situation, WEIR_MEDIA_VIDEO, 100066 * MS, 100066 * MS, &decision));
  g_assert_cmpint (decision.dts, ==, 100066 * MS);
  g_assert_cmpint (decision.reason, ==, WEIR_REASON_NONE);
}

static void
audio_is_counted_while_its_stamps_agree (void)
{
  g_auto (Situation) situation = {0};
  WeirTimelineSettings settings;
  WeirTimelineDecision decision;

  weir_timeline_settings_init (&settings);
  settings.count_audio_samples = TRUE;
  settings.probe_us = 0;
  correct (&situation, &settings, WEIR_MEDIA_AUDIO);
  weir_timeline_set_audio_frame (
      situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], 1024, 48000);
  for (gint64 i = 0; i < 3000; i++) {
    gint64 exact = i * 64 * MS / 3, rounded = exact / MS * MS;

    g_assert_true (push_one (&situation, WEIR_MEDIA_AUDIO, rounded, rounded, &decision));
    g_assert_cmpint (ABS (decision.dts - exact), <=, 1);
  }
  /* 100 ms more, for good: approached by 200 ppm */
  for (gint64 i = 3000; i < 6000; i++) {
    gint64 rounded = i * 64 * MS / 3 / MS * MS + 100 * MS;

    g_assert_true (push_one (&situation, WEIR_MEDIA_AUDIO, rounded, rounded, &decision));
    if (i == 3000)
      g_assert_cmpint (decision.dts, ==, 64000 * MS + 64 * MS / 3 / 5000);
    if (i == 5999)
      g_assert_cmpint (ABS (rounded - decision.dts - 87 * MS), <, 2 * MS);
  }
  /* a second and a half more: at once */
  g_assert_true (push_one (&situation, WEIR_MEDIA_AUDIO, 129600 * MS, 129600 * MS, &decision));
  g_assert_cmpint (decision.dts, ==, 129600 * MS);
}

static void
silence_is_asked_for_where_audio_is_missing (void)
{
  static const struct {
    gint missing;
    guint silent;
  } gaps[] = {{0, 0}, {1, 0}, {3, 0}, {4, 4}, {20, 20}, {92, 92}, {93, 0}};
  WeirTimelineSettings settings;

  weir_timeline_settings_init (&settings);
  settings.probe_us = 0;
  for (guint g = 0; g < 2 * G_N_ELEMENTS (gaps); g++) {
    g_auto (Situation) situation = {0};
    WeirTimelineDecision decision;
    guint gap = g / 2;

    settings.fill_audio_gaps = g % 2 == 0;
    correct (&situation, &settings, WEIR_MEDIA_AUDIO);
    weir_timeline_set_audio_frame (
        situation.timeline, situation.tracks[WEIR_MEDIA_AUDIO], 1024, 48000);
    for (gint64 i = 0; i < 100; i++) {
      gint64 dts = (i + (i >= 50 ? gaps[gap].missing : 0)) * 64 * MS / 3;

      g_assert_true (push_one (&situation, WEIR_MEDIA_AUDIO, dts, dts, &decision));
      g_assert_cmpint (decision.dts, ==, dts);
      g_assert_cmpuint (
          decision.silent_frames, ==, i == 50 && settings.fill_audio_gaps ? gaps[gap].silent : 0);
      if (decision.silent_frames > 0)
        g_assert_cmpint (ABS (decision.silent_ns - 64 * MS / 3), <=, 1);
    }
  }
}

static void
decode_times_are_made_of_presentation_times (void)
{
  static const gint order[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
  WeirTimelineSettings settings;

  weir_timeline_settings_init (&settings);
  settings.probe_us = 0;
  for (guint on = 0; on < 2; on++) {
    g_auto (Situation) situation = {0};
    WeirTimelineDecision decision;
    gint64 first_pts = 0, last_dts = -1;

    settings.derive_decode_times = on == 1;
    correct (&situation, &settings, WEIR_MEDIA_VIDEO);
    weir_timeline_set_reorder (situation.timeline, situation.tracks[WEIR_MEDIA_VIDEO], 1);
    for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
      gint64 pts = order[i] * 40 * MS;

      g_assert_true (push_one (&situation, WEIR_MEDIA_VIDEO, pts, pts, &decision));
      if (i == 0)
        first_pts = decision.pts;
      g_assert_cmpint (decision.dts, >, last_dts);
      if (on == 0) {
        g_assert_cmpint (decision.reason, !=, WEIR_REASON_DERIVED);
      } else {
        g_assert_cmpint (decision.reason, ==, WEIR_REASON_DERIVED);
        g_assert_cmpint (decision.pts, >=, decision.dts);
        g_assert_cmpint (decision.pts - first_pts, ==, pts);
        if (i > 1)
          g_assert_cmpint (decision.dts - last_dts, ==, 40 * MS);
      }
      last_dts = decision.dts;
    }
  }
}

static void
every_reason_has_a_name_of_its_own (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  guint i;

  for (i = 0; i < WEIR_REASON_LAST; i++)
    g_assert_true (g_hash_table_add (
        names, (gpointer) weir_decision_reason_get_name ((WeirDecisionReason) i)));
}

static void
held_samples_are_released_with_the_timeline (void)
{
  WeirTimelineSettings settings;
  WeirTimeline *timeline;
  guint i;

  /* leaks show under the address sanitizer */
  weir_timeline_settings_init (&settings);
  timeline = weir_timeline_new (&settings);
  weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO);
  weir_timeline_begin_connection (timeline, 0, 0);
  weir_timeline_configured (timeline, 0, FALSE);
  for (i = 0; i < 100; i++) {
    WeirTimelineSample sample = {.dts = i * 20 * MS,
        .pts = i * 20 * MS,
        .arrival_us = i * 20000,
        .keyframe = TRUE,
        .size = 1,
        .data = g_malloc (1)};

    if (i == 99)
      sample.dts += 100000 * MS;
    weir_timeline_push (timeline, 0, &sample);
  }
  weir_timeline_free (timeline, g_free);
}

typedef struct {
  const gchar *name;
  gboolean keyframes;
  gint64 jump_ms;    /* of the picture's stamps, at each one … */
  gboolean two_ways; /* … to and fro */
  gint64 sound_ms;   /* how far the sound is from the picture */
  gboolean promised; /* sound is promised and never comes */
  gsize size;
} Flood;

static const Flood floods[] = {
    {"no keyframe", FALSE, 0, FALSE, 0, FALSE, 3000},
    {"no keyframe, tiny", FALSE, 0, FALSE, 0, FALSE, 1},
    {"no keyframe, empty", FALSE, 0, FALSE, 0, FALSE, 0},
    {"promised", TRUE, 0, FALSE, 0, TRUE, 3000},
    {"jumps", TRUE, 10000, FALSE, 0, FALSE, 3000},
    {"to and fro", TRUE, 100000, TRUE, 0, FALSE, 3000},
    {"to and fro, tiny", TRUE, 100000, TRUE, 0, FALSE, 1},
    {"sound far ahead", TRUE, 0, FALSE, 3600000, FALSE, 3000},
    {"sound far behind", TRUE, 0, FALSE, -3600000, FALSE, 3000},
};

/* at full speed, so that no wait on the clock ends: only bytes bound what is held */
static void
what_is_held_is_bounded_in_bytes (void)
{
  for (guint f = 0; f < G_N_ELEMENTS (floods); f++) {
    const Flood *flood = &floods[f];
    WeirTimelineSettings settings;
    WeirTimeline *timeline;
    WeirTimelineDecision decision;
    guint pushed = 0, pulled = 0, most = 0;

    weir_timeline_settings_init (&settings);
    settings.hold_bytes_max = 256 * 1024;
    timeline = weir_timeline_new (&settings);
    weir_timeline_add_track (timeline, WEIR_MEDIA_VIDEO);
    weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO);
    weir_timeline_begin_connection (timeline, 0, 0);
    weir_timeline_configured (timeline, 0, FALSE);
    if (flood->promised)
      weir_timeline_promise_track (timeline, WEIR_MEDIA_AUDIO);
    else
      weir_timeline_configured (timeline, 1, FALSE);
    for (guint i = 0; i < 20000; i++) {
      guint track = flood->promised ? 0 : i % 2;
      gint64 jump = flood->two_ways ? (i % 4 < 2 ? flood->jump_ms : 0) : i * flood->jump_ms;
      WeirTimelineSample sample = {
          .dts = (i * 20 + (track == 0 ? jump : flood->sound_ms)) * MS,
          .arrival_us = i,
          .keyframe = track == 1 || flood->keyframes,
          .size = flood->size,
      };

      sample.pts = sample.dts;
      weir_timeline_push (timeline, track, &sample);
      pushed++;
      while (weir_timeline_pull (timeline, &decision))
        pulled++;
      most = MAX (most, pushed - pulled);
    }
    g_test_message ("%s: %u of %u held at most", flood->name, most, pushed);
    g_assert_cmpuint (
        most * (flood->size + 1024), <=, settings.hold_bytes_max + 2 * (flood->size + 1024));
    g_assert_cmpuint (pulled, >, pushed / 2);
    weir_timeline_free (timeline, NULL);
  }
}

/* whatever the stamps: each sample comes out once, in order, decode times increase */
static void
random_stamps_come_out_once_in_order_and_increasing (void)
{
  guint round;

  for (round = 0; round < 300; round++) {
    WeirTimelineSettings settings;
    WeirTimeline *timeline;
    gint64 last_dts[2] = {-1, -1}, now = 0, stamp[2] = {0, 0};
    guint pushed[2] = {0, 0}, pulled[2] = {0, 0};
    guint64 total = 0;
    WeirTimelineDecision decision;
    guint i, n;

    weir_timeline_settings_init (&settings);
    settings.hold_bytes_max = 1 << g_test_rand_int_range (10, 22);
    settings.snap_to_grid = g_test_rand_bit ();
    settings.count_audio_samples = g_test_rand_bit ();
    settings.fill_audio_gaps = g_test_rand_bit ();
    settings.derive_decode_times = g_test_rand_bit ();
    timeline = weir_timeline_new (&settings);
    weir_timeline_add_track (timeline, WEIR_MEDIA_VIDEO);
    weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO);
    weir_timeline_set_reorder (timeline, 0, g_test_rand_int_range (-1, 20));
    weir_timeline_set_audio_frame (timeline, 1, (guint) g_test_rand_int_range (0, 2000),
        (guint) g_test_rand_int_range (0, 96000));
    weir_timeline_begin_connection (timeline, 0, 0);
    for (i = 0; i < 1000; i++) {
      guint track = g_test_rand_bit () ? 1 : 0;
      WeirTimelineSample sample = {0};

      switch (g_test_rand_int_range (0, 40)) {
      case 0:
        stamp[track] = ((gint64) g_test_rand_int () * (G_GINT64_CONSTANT (1) << 31) +
                           (guint32) g_test_rand_int ()) >>
                       g_test_rand_int_range (0, 40);
        break;
      case 1:
        stamp[track] += g_test_rand_int_range (-5000, 20000) * MS;
        break;
      case 2:
        now += g_test_rand_int_range (0, 6000000);
        break;
      case 3:
        if (g_test_rand_int_range (0, 10) == 0)
          weir_timeline_end_connection (timeline, now);
        break;
      case 4:
        if (g_test_rand_int_range (0, 10) == 0)
          weir_timeline_begin_connection (timeline, g_test_rand_int_range (0, 10000) * MS, now);
        break;
      case 5:
      case 6:
        weir_timeline_configured (timeline, track, g_test_rand_int_range (0, 4) == 0);
        break;
      default:
        stamp[track] += g_test_rand_int_range (-2, 80) * MS / 2;
        now += g_test_rand_int_range (0, 40000);
        break;
      }
      sample.dts = stamp[track];
      if (g_test_rand_int_range (0, 100) == 0)
        stamp[track] -= stamp[track] % (40 * MS);
      sample.pts = sample.dts;
      if (round % 2 == 0)
        sample.pts += g_test_rand_int_range (-200, 200) * MS;
      sample.arrival_us = now;
      sample.keyframe = track == 1 || g_test_rand_int_range (0, 5) == 0;
      sample.size = (gsize) g_test_rand_int_range (0, 3000);
      sample.data = GUINT_TO_POINTER (++pushed[track]);
      weir_timeline_push (timeline, track, &sample);
      if (i == 999)
        weir_timeline_end_connection (timeline, now);
      while (weir_timeline_pull (timeline, &decision)) {
        g_assert_cmpuint (GPOINTER_TO_UINT (decision.data), ==, ++pulled[decision.track]);
        if (decision.action == WEIR_DECISION_DROP)
          continue;
        g_assert_cmpint (decision.dts, >, last_dts[decision.track]);
        last_dts[decision.track] = decision.dts;
        g_assert_cmpint (decision.dts, <, weir_timeline_get_end (timeline));
      }
    }
    for (n = 0; n < WEIR_REASON_LAST; n++)
      total += weir_timeline_get_counts (timeline)[n];
    g_assert_cmpuint (total, ==, 1000);
    g_assert_cmpuint (pulled[0], ==, pushed[0]);
    g_assert_cmpuint (pulled[1], ==, pushed[1]);
    weir_timeline_free (timeline, NULL);
  }
}

/* samples with which nothing is the matter go a shorter way */
static void
the_short_way_decides_what_the_long_one_does (void)
{
  for (guint round = 0; round < 200; round++) {
    WeirTimelineSettings settings;
    WeirTimeline *timelines[2];
    gint64 now = 0, stamp[2] = {0, 0};

    weir_timeline_settings_init (&settings);
    for (guint n = 0; n < 2; n++) {
      /* without knowing audio's frames this alters nothing, but it is looked at */
      settings.fill_audio_gaps = n == 1;
      timelines[n] = weir_timeline_new (&settings);
      weir_timeline_add_track (timelines[n], WEIR_MEDIA_VIDEO);
      weir_timeline_add_track (timelines[n], WEIR_MEDIA_AUDIO);
      weir_timeline_begin_connection (timelines[n], 0, 0);
      weir_timeline_configured (timelines[n], 0, FALSE);
      weir_timeline_configured (timelines[n], 1, FALSE);
    }
    for (guint i = 0; i < 2000; i++) {
      guint track = g_test_rand_bit () ? 1 : 0;
      gint event = g_test_rand_int_range (0, 300);
      WeirTimelineSample sample = {0};

      stamp[track] += g_test_rand_int_range (1, 60) * MS;
      if (event == 0)
        stamp[track] = (gint64) g_test_rand_int () * MS;
      else if (event < 4)
        stamp[track] += g_test_rand_int_range (-600, 3000) * MS;
      now += g_test_rand_int_range (0, 30000);
      if (event == 5)
        now += 20000000;
      sample.dts = stamp[track];
      sample.pts = sample.dts;
      if (track == 0)
        sample.pts += g_test_rand_int_range (event == 6 ? -3000 : 0, 100) * MS;
      sample.arrival_us = now;
      sample.keyframe = track == 1 || g_test_rand_int_range (0, 30) == 0;
      sample.size = 10;
      for (guint n = 0; n < 2; n++) {
        if (event == 7)
          weir_timeline_configured (timelines[n], track, TRUE);
        if (event == 8) {
          weir_timeline_begin_connection (timelines[n], 5000 * MS, now);
          weir_timeline_configured (timelines[n], 0, FALSE);
          weir_timeline_configured (timelines[n], 1, FALSE);
        }
        weir_timeline_push (timelines[n], track, &sample);
      }
      while (TRUE) {
        WeirTimelineDecision decisions[2];
        gboolean more = weir_timeline_pull (timelines[0], &decisions[0]);

        g_assert_cmpint (weir_timeline_pull (timelines[1], &decisions[1]), ==, more);
        if (!more)
          break;
        g_assert_cmpuint (decisions[0].track, ==, decisions[1].track);
        g_assert_cmpint (decisions[0].action, ==, decisions[1].action);
        g_assert_cmpint (decisions[0].reason, ==, decisions[1].reason);
        g_assert_cmpint (decisions[0].dts, ==, decisions[1].dts);
        g_assert_cmpint (decisions[0].pts, ==, decisions[1].pts);
        g_assert_cmpint (decisions[0].gap_ns, ==, decisions[1].gap_ns);
        g_assert_cmpint (decisions[0].discontinuity, ==, decisions[1].discontinuity);
      }
    }
    weir_timeline_free (timelines[0], NULL);
    weir_timeline_free (timelines[1], NULL);
  }
}

static const struct {
  guint bits;
  guint64 stamps[4];
  gint64 steps[3];
} wraps[] = {
    {32, {0xfffffff0, 0x10, 0x38, 0x60}, {32, 40, 40}},
    {32, {0x7ffffff0, 0x10, 0x38, 0x60}, {32, 40, 40}},
    {32, {0x7ffffff0, 0x80000018, 0x80000040, 0x80000041}, {40, 40, 1}},
    {32, {0xfffffff0, 0x10, 0xfffffff8, 0x20}, {32, -24, 40}},
    {32, {5000, 0, 40, 80}, {-5000, 40, 40}},
    {32, {0x70000000, 0, 40, 80}, {-0x70000000, 40, 40}},
    {33, {G_GUINT64_CONSTANT (0x1fffffff0), 0x5, 0x10, 0x20}, {21, 11, 16}},
    {33, {0x7ffffff0, 0x10, 0x20, 0x30}, {0x10 - 0x7ffffff0, 16, 16}},
};

static void
wraps_are_undone (void)
{
  guint i, n;

  for (i = 0; i < G_N_ELEMENTS (wraps); i++) {
    WeirUnwrap unwrap;
    gint64 last, value;

    weir_unwrap_init (&unwrap, wraps[i].bits);
    last = weir_unwrap (&unwrap, wraps[i].stamps[0]);
    g_assert_cmpint (last, ==, (gint64) wraps[i].stamps[0]);
    for (n = 1; n < 4; n++) {
      value = weir_unwrap (&unwrap, wraps[i].stamps[n]);
      g_assert_cmpint (value - last, ==, wraps[i].steps[n - 1]);
      last = value;
    }
  }
}

static void
a_clock_that_always_runs_ahead_stays_within_bounds (void)
{
  WeirUnwrap unwrap;
  gint64 value = 0;
  guint64 i;

  weir_unwrap_init (&unwrap, 62);
  for (i = 1; i < 100; i++)
    value = weir_unwrap (&unwrap, i * (G_GUINT64_CONSTANT (1) << 60));
  g_assert_cmpint (value, ==, G_GINT64_CONSTANT (1) << 61);
}

int
main (int argc, char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = g_strconcat ("/timeline/", cases[i].name, NULL);

    g_test_add_data_func (path, &cases[i], run_case);
  }
#define ADD(name) g_test_add_func ("/timeline/" #name, name)
  ADD (a_clock_that_stands_still_is_replaced_by_arrival_until_it_goes_again);
  ADD (a_clock_that_stood_still_and_is_right_again_keeps_its_line);
  ADD (a_delay_that_stays_moves_the_timeline_at_a_keyframe);
  ADD (a_delay_that_goes_moves_nothing);
  ADD (what_drifts_is_measured);
  ADD (a_grid_is_found_under_rounded_stamps);
  ADD (audio_is_counted_while_its_stamps_agree);
  ADD (silence_is_asked_for_where_audio_is_missing);
  ADD (decode_times_are_made_of_presentation_times);
  ADD (the_short_way_decides_what_the_long_one_does);
#undef ADD
  g_test_add_func ("/timeline/too_much_held_forces_the_start", too_much_held_forces_the_start);
  g_test_add_func (
      "/timeline/the_deadline_says_when_time_matters", the_deadline_says_when_time_matters);
  g_test_add_func ("/timeline/a_gap_says_how_much_is_missing", a_gap_says_how_much_is_missing);
  g_test_add_func (
      "/timeline/tracks_are_limited_and_serve_again", tracks_are_limited_and_serve_again);
  g_test_add_func (
      "/timeline/every_reason_has_a_name_of_its_own", every_reason_has_a_name_of_its_own);
  g_test_add_func ("/timeline/held_samples_are_released_with_the_timeline",
      held_samples_are_released_with_the_timeline);
  g_test_add_func ("/timeline/what_is_held_is_bounded_in_bytes", what_is_held_is_bounded_in_bytes);
  g_test_add_func ("/timeline/random_stamps_come_out_once_in_order_and_increasing",
      random_stamps_come_out_once_in_order_and_increasing);
  g_test_add_func ("/unwrap/wraps_are_undone", wraps_are_undone);
  g_test_add_func ("/unwrap/a_clock_that_always_runs_ahead_stays_within_bounds",
      a_clock_that_always_runs_ahead_stays_within_bounds);
  return g_test_run ();
}
