/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/walldate.h"

#define SECOND G_GINT64_CONSTANT (1000000000)
#define WALL G_GINT64_CONSTANT (1700000000000000)

/* segments of 2 s from @from to @to (seconds), whose media come @delay_us late, which grows by
 * @growth_us with each; returns the date's error in the last one */
static gint64
run (WeirWallDate *date, gint64 from, gint64 to, gint64 delay_us, gint64 growth_us)
{
  gint64 error = 0, last = 0;

  for (gint64 second = from; second < to; second += 2) {
    gint64 wall = WALL + second * G_USEC_PER_SEC + delay_us;
    gint64 begin = weir_wall_date_begin_segment (date, second * SECOND, FALSE, wall);

    g_assert_cmpint (begin, >, last);
    /* from one to the next by 1 ms at most */
    if (last != 0)
      g_assert_cmpint (ABS (begin - last - 2 * (gint64) G_USEC_PER_SEC), <=, 1000);
    last = begin;
    error = begin - (WALL + second * G_USEC_PER_SEC);
    for (gint64 half = 0; half < 4; half++)
      weir_wall_date_observe (date, second * SECOND + half * SECOND / 2,
          wall + half * G_USEC_PER_SEC / 2 + (half == 2 ? 0 : 30000 * (half + 1)));
    delay_us += growth_us;
    weir_wall_date_fix (date);
  }
  return error;
}

static void
the_least_delayed_media_tell_the_date_until_it_is_seen (void)
{
  WeirWallDate date = {0};

  weir_wall_date_observe (&date, 0, WALL + 500000);
  weir_wall_date_observe (&date, SECOND, WALL + G_USEC_PER_SEC + 20000);
  weir_wall_date_observe (&date, 2 * SECOND, WALL + 2 * (gint64) G_USEC_PER_SEC + 300000);
  g_assert_cmpint (
      weir_wall_date_begin_segment (&date, SECOND, FALSE, 0), ==, WALL + G_USEC_PER_SEC + 20000);
  weir_wall_date_observe (&date, 3 * SECOND, WALL + 3 * (gint64) G_USEC_PER_SEC + 10000);
  g_assert_cmpint (weir_wall_date_get (&date, SECOND), ==, WALL + G_USEC_PER_SEC + 10000);
  weir_wall_date_fix (&date);
  weir_wall_date_observe (&date, 4 * SECOND, WALL + 4 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (weir_wall_date_get (&date, SECOND), ==, WALL + G_USEC_PER_SEC + 10000);
}

static void
a_segment_that_nothing_was_observed_of_begins_now (void)
{
  WeirWallDate date = {0};

  g_assert_cmpint (weir_wall_date_begin_segment (&date, 7 * SECOND, FALSE, WALL), ==, WALL);
}

static void
drift_is_followed_by_a_millisecond_a_segment (void)
{
  WeirWallDate date = {0};
  /* 48 h with 200 us in 2 s: 100 ppm, 17 s in all */
  gint64 error = run (&date, 0, 48 * 3600, 0, 200) - 24 * 3600 * 200;

  g_assert_cmpint (ABS (error), <, 20000);
}

static void
a_delay_that_comes_and_goes_moves_nothing (void)
{
  WeirWallDate date = {0};

  run (&date, 0, 100, 0, 0);
  g_assert_cmpint (run (&date, 100, 120, 5000000, 0), ==, 0);
}

static void
more_than_two_seconds_are_corrected_at_a_discontinuity_only (void)
{
  WeirWallDate date = {0};
  gint64 error = run (&date, 0, 100, 0, 0);

  g_assert_cmpint (error, ==, 0);
  error = run (&date, 100, 300, 5000000, 0);
  g_assert_cmpint (error, <, 200000);
  g_assert_cmpint (weir_wall_date_begin_segment (
                       &date, 300 * SECOND, TRUE, WALL + 305 * (gint64) G_USEC_PER_SEC),
      ==, WALL + 305 * (gint64) G_USEC_PER_SEC);
}

static void
a_discontinuity_moves_what_is_small_no_faster (void)
{
  WeirWallDate date = {0};

  run (&date, 0, 100, 0, 0);
  g_assert_cmpint (weir_wall_date_begin_segment (
                       &date, 100 * SECOND, TRUE, WALL + 101 * (gint64) G_USEC_PER_SEC),
      ==, WALL + 100 * (gint64) G_USEC_PER_SEC);
}

static void
a_timeline_that_made_up_for_a_delay_needs_no_correction (void)
{
  WeirWallDate date = {0};
  gint64 error;

  run (&date, 0, 100, 0, 0);
  /* the laptop slept for a minute, and what came then was late all the time … */
  run (&date, 100, 200, 60 * (gint64) G_USEC_PER_SEC, 0);
  /* … until the timeline moved on by that minute */
  error = weir_wall_date_begin_segment (
              &date, 260 * SECOND, TRUE, WALL + 260 * (gint64) G_USEC_PER_SEC) -
          (WALL + 260 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (ABS (error), <=, 100000);
}

static void
a_track_behind_the_others_does_not_begin_the_last_window_again (void)
{
  WeirWallDate date = {0};

  weir_wall_date_observe (&date, 20 * SECOND, WALL + 20 * (gint64) G_USEC_PER_SEC);
  /* pictures are in the next window of 30 s, sound is not */
  weir_wall_date_observe (&date, 31 * SECOND, WALL + 31 * (gint64) G_USEC_PER_SEC + 50000);
  weir_wall_date_observe (&date, 29 * SECOND, WALL + 29 * (gint64) G_USEC_PER_SEC + 80000);
  weir_wall_date_observe (&date, 32 * SECOND, WALL + 32 * (gint64) G_USEC_PER_SEC + 60000);
  g_assert_cmpint (weir_wall_date_get (&date, 0), ==, WALL);
}

static void
dates_never_go_back (void)
{
  WeirWallDate date = {0};
  gint64 before, after;

  run (&date, 0, 100, 0, 0);
  before = weir_wall_date_begin_segment (
      &date, 100 * SECOND, FALSE, WALL + 100 * (gint64) G_USEC_PER_SEC);
  /* somebody sets the clock back by an hour */
  after = weir_wall_date_begin_segment (
      &date, 102 * SECOND, TRUE, WALL - 3500 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (after, ==, before + 1000);
}

static void
dates_go_on_after_a_restart_through_gaps_and_never_back (void)
{
  const gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  const gint64 at_21 = WALL + 21 * (gint64) G_USEC_PER_SEC;
  WeirWallDate date;
  gint64 last = WALL + 10 * (gint64) G_USEC_PER_SEC;

  weir_wall_date_resume (&date, WALL, last);
  last = WALL + 18 * (gint64) G_USEC_PER_SEC;
  weir_wall_date_tell (&date, last, last + 2 * (gint64) G_USEC_PER_SEC);
  weir_wall_date_tell (&date, last - 1, last - 1);
  /* media that come as late as before go on with the same mapping */
  weir_wall_date_observe (&date, 21 * SECOND, at_21);
  g_assert_cmpint (weir_wall_date_begin_segment (&date, 21 * SECOND, TRUE, at_21), ==, at_21);
  /* the clock was set back by an hour: dates are not */
  weir_wall_date_resume (&date, WALL, last);
  weir_wall_date_observe (&date, 21 * SECOND, at_21 - hour);
  g_assert_cmpint (weir_wall_date_begin_segment (&date, 21 * SECOND, TRUE, at_21 - hour), >, last);
}

static void
behind_a_discontinuity_dates_go_on_where_what_was_told_ends (void)
{
  const gint64 second = G_USEC_PER_SEC;
  WeirWallDate date;
  gint64 begin, next;

  /* what was told runs 5 s ahead of the wall clock: that is not taken back … */
  weir_wall_date_resume (&date, WALL, WALL + 10 * second);
  weir_wall_date_tell (&date, WALL + 10 * second, WALL + 12 * second);
  begin = weir_wall_date_begin_segment (&date, 12 * SECOND, TRUE, WALL + 7 * second);
  g_assert_cmpint (begin, ==, WALL + 12 * second);
  /* … and dates are as far from each other as the media, but for what brings them nearer */
  next = weir_wall_date_begin_segment (&date, 14 * SECOND, FALSE, WALL + 9 * second);
  g_assert_cmpint (next, ==, begin + 2 * second - 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/walldate/" #function, function)
  TEST (the_least_delayed_media_tell_the_date_until_it_is_seen);
  TEST (a_segment_that_nothing_was_observed_of_begins_now);
  TEST (dates_go_on_after_a_restart_through_gaps_and_never_back);
  TEST (behind_a_discontinuity_dates_go_on_where_what_was_told_ends);
  TEST (drift_is_followed_by_a_millisecond_a_segment);
  TEST (a_delay_that_comes_and_goes_moves_nothing);
  TEST (more_than_two_seconds_are_corrected_at_a_discontinuity_only);
  TEST (a_discontinuity_moves_what_is_small_no_faster);
  TEST (a_timeline_that_made_up_for_a_delay_needs_no_correction);
  TEST (a_track_behind_the_others_does_not_begin_the_last_window_again);
  TEST (dates_never_go_back);
#undef TEST
  return g_test_run ();
}
