/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/takeover.h"

#define MS G_GINT64_CONSTANT (1000)
#define SECOND ((gint64) G_USEC_PER_SEC)
/* when the newcomer of the tables comes: long after whatever stands before */
#define ARRIVAL (1000 * SECOND)

static const WeirTakeoverPolicy by_silence = {FALSE, 2 * SECOND, 2 * SECOND, 5 * SECOND};
static const WeirTakeoverPolicy always = {TRUE, 2 * SECOND, 2 * SECOND, 5 * SECOND};

static void
a_held_newcomer_is_judged_by_what_the_incumbent_sends (void)
{
  /* times from the newcomer's arrival, ms */
  static const struct {
    const gchar *situation;
    gboolean gone;
    gint64 connected, media; /* media 1 is none */
    gint64 now;
    WeirTakeoverVerdict verdict;
    gint64 next; /* 0: none */
  } cases[] = {
      {"healthy, just arrived", FALSE, -60000, -20, 0, WEIR_TAKEOVER_WAIT, 1980},
      {"healthy, sends again", FALSE, -60000, 20, 20, WEIR_TAKEOVER_IN_USE, 0},
      {"silent for long", FALSE, -60000, -7000, 0, WEIR_TAKEOVER_ACCEPT, 0},
      {"silent for exactly long enough", FALSE, -60000, -2000, 0, WEIR_TAKEOVER_ACCEPT, 0},
      {"silent, but for too short a time", FALSE, -60000, -1999, 0, WEIR_TAKEOVER_WAIT, 1},
      {"fell silent a second ago", FALSE, -60000, -1000, 0, WEIR_TAKEOVER_WAIT, 1000},
      {"the silence shows within the hold", FALSE, -60000, -1000, 1000, WEIR_TAKEOVER_ACCEPT, 0},
      {"comes back within the hold", FALSE, -60000, 900, 950, WEIR_TAKEOVER_IN_USE, 0},
      {"comes back in the hold's last moment", FALSE, -60000, 1990, 2000, WEIR_TAKEOVER_IN_USE, 0},
      {"died in the moment of the arrival", FALSE, -60000, 0, 1999, WEIR_TAKEOVER_WAIT, 2000},
      {"and that shows", FALSE, -60000, 0, 2000, WEIR_TAKEOVER_ACCEPT, 0},
      {"has just connected", FALSE, -500, 1, 0, WEIR_TAKEOVER_WAIT, 1500},
      {"connected and sends nothing", FALSE, -500, 1, 1500, WEIR_TAKEOVER_ACCEPT, 0},
      {"leaves", TRUE, -60000, 20, 21, WEIR_TAKEOVER_ACCEPT, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirTakeover takeover;
    const WeirTakeoverIncumbent incumbent = {!cases[i].gone, ARRIVAL + cases[i].connected * MS,
        cases[i].media == 1 ? 0 : ARRIVAL + cases[i].media * MS};
    gint64 next_us;

    g_test_message ("%s", cases[i].situation);
    weir_takeover_init (&takeover, &by_silence);
    g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL));
    g_assert_cmpint (
        weir_takeover_judge (&takeover, &incumbent, ARRIVAL + cases[i].now * MS, &next_us), ==,
        cases[i].verdict);
    if (cases[i].verdict == WEIR_TAKEOVER_WAIT)
      g_assert_cmpint (next_us, ==, ARRIVAL + cases[i].next * MS);
    g_assert_cmpint (takeover.newcomer, ==,
        cases[i].verdict == WEIR_TAKEOVER_WAIT     ? WEIR_TAKEOVER_HELD
        : cases[i].verdict == WEIR_TAKEOVER_ACCEPT ? WEIR_TAKEOVER_ON_TRIAL
                                                   : WEIR_TAKEOVER_NONE);
  }
}

static void
no_answer_is_held_for_longer_than_the_policy_says (void)
{
  static const WeirTakeoverPolicy patient = {FALSE, 10 * SECOND, 3 * SECOND, 5 * SECOND};
  const WeirTakeoverIncumbent incumbent = {TRUE, SECOND, ARRIVAL - SECOND};
  WeirTakeover takeover;
  gint64 next_us;

  weir_takeover_init (&takeover, &patient);
  g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL));
  g_assert_cmpint (
      weir_takeover_judge (&takeover, &incumbent, ARRIVAL, &next_us), ==, WEIR_TAKEOVER_WAIT);
  g_assert_cmpint (next_us, ==, ARRIVAL + 3 * SECOND);
  g_assert_cmpint (
      weir_takeover_judge (&takeover, &incumbent, next_us, &next_us), ==, WEIR_TAKEOVER_IN_USE);
}

static void
the_first_newcomer_keeps_the_place_in_the_line (void)
{
  const WeirTakeoverIncumbent incumbent = {TRUE, SECOND, ARRIVAL - SECOND};
  WeirTakeover takeover;
  gint64 next_us;

  weir_takeover_init (&takeover, &by_silence);
  g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL));
  g_assert_false (weir_takeover_arrive (&takeover, ARRIVAL + 500 * MS));
  /* the second one's coming makes the first one's time no longer, nor on trial */
  g_assert_cmpint (weir_takeover_judge (&takeover, &incumbent, ARRIVAL + SECOND, &next_us), ==,
      WEIR_TAKEOVER_ACCEPT);
  g_assert_false (weir_takeover_arrive (&takeover, ARRIVAL + SECOND));
}

static void
a_newcomer_that_leaves_while_it_is_held_makes_room (void)
{
  const WeirTakeoverIncumbent incumbent = {TRUE, SECOND, ARRIVAL - SECOND};
  WeirTakeover takeover;
  gint64 next_us;

  weir_takeover_init (&takeover, &by_silence);
  g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL));
  weir_takeover_leave (&takeover);
  g_assert_cmpint (weir_takeover_judge (&takeover, &incumbent, ARRIVAL + SECOND, &next_us), ==,
      WEIR_TAKEOVER_WAIT);
  g_assert_cmpint (next_us, ==, G_MAXINT64);
  g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL + SECOND));
}

static void
a_newcomer_without_a_keyframe_loses_to_an_incumbent_that_sends (void)
{
  /* from its acceptance, ms */
  static const struct {
    const gchar *situation;
    gboolean gone;
    gint64 media, now;
    WeirTakeoverVerdict verdict;
    gint64 next; /* -1: never */
  } cases[] = {
      {"both are silent", FALSE, -5000, 100, WEIR_TAKEOVER_WAIT, 5000},
      {"the incumbent sends, in time", FALSE, 90, 100, WEIR_TAKEOVER_WAIT, 5000},
      {"the incumbent sends, and the time is over", FALSE, 90, 5000, WEIR_TAKEOVER_GIVE_UP, 0},
      {"both are silent when the time is over", FALSE, -5000, 5000, WEIR_TAKEOVER_WAIT, -1},
      {"and then the incumbent sends", FALSE, 8000, 8001, WEIR_TAKEOVER_GIVE_UP, 0},
      {"the incumbent has left", TRUE, 90, 9000, WEIR_TAKEOVER_WAIT, -1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirTakeover takeover;
    WeirTakeoverIncumbent incumbent = {TRUE, SECOND, ARRIVAL - 5 * SECOND};
    gint64 next_us;

    g_test_message ("%s", cases[i].situation);
    weir_takeover_init (&takeover, &by_silence);
    g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL));
    g_assert_cmpint (
        weir_takeover_judge (&takeover, &incumbent, ARRIVAL, &next_us), ==, WEIR_TAKEOVER_ACCEPT);
    incumbent.present = !cases[i].gone;
    incumbent.last_media_us = ARRIVAL + cases[i].media * MS;
    g_assert_cmpint (
        weir_takeover_judge (&takeover, &incumbent, ARRIVAL + cases[i].now * MS, &next_us), ==,
        cases[i].verdict);
    if (cases[i].verdict == WEIR_TAKEOVER_WAIT)
      g_assert_cmpint (next_us, ==, cases[i].next < 0 ? G_MAXINT64 : ARRIVAL + cases[i].next * MS);
  }
}

/* Returns: when a newcomer that comes each second, while the incumbent sends, is accepted; 0: not
 * before @until_us */
static gint64
fight (WeirTakeover *takeover, gint64 from_us, gint64 until_us)
{
  gint64 now_us, next_us;

  for (now_us = from_us; now_us < until_us; now_us += SECOND / 10) {
    const WeirTakeoverIncumbent incumbent = {TRUE, from_us, now_us};
    WeirTakeoverVerdict verdict;

    if (now_us % SECOND == 0)
      weir_takeover_arrive (takeover, now_us);
    verdict = weir_takeover_judge (takeover, &incumbent, now_us, &next_us);
    g_assert_cmpint (verdict, !=, WEIR_TAKEOVER_IN_USE);
    if (verdict != WEIR_TAKEOVER_ACCEPT)
      continue;
    weir_takeover_complete (takeover, TRUE, now_us);
    return now_us;
  }
  return 0;
}

static void
two_that_fight_are_damped (void)
{
  static const gint64 waits[] = {0, 10, 20, 40, 80, 160, 300, 300, 300};
  gint64 swapped_us = ARRIVAL;
  WeirTakeover takeover;

  weir_takeover_init (&takeover, &always);
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++) {
    gint64 next_us = fight (&takeover, swapped_us, swapped_us + 1000 * SECOND);

    g_assert_cmpint (next_us - swapped_us, ==, waits[i] * SECOND);
    swapped_us = next_us;
  }
  /* and calm is rewarded */
  g_assert_cmpint (
      fight (&takeover, swapped_us + 600 * SECOND, G_MAXINT64), ==, swapped_us + 600 * SECOND);
  g_assert_cmpuint (takeover.swaps, ==, 1);
}

static void
silence_counts_whatever_is_damped (void)
{
  WeirTakeover takeover;
  const WeirTakeoverIncumbent incumbent = {TRUE, ARRIVAL, ARRIVAL + 100 * MS};
  gint64 next_us;

  weir_takeover_init (&takeover, &always);
  g_assert_cmpint (fight (&takeover, ARRIVAL, ARRIVAL + SECOND), ==, ARRIVAL);
  g_assert_true (weir_takeover_arrive (&takeover, ARRIVAL + SECOND));
  g_assert_cmpint (weir_takeover_judge (&takeover, &incumbent, ARRIVAL + SECOND, &next_us), ==,
      WEIR_TAKEOVER_WAIT);
  g_assert_cmpint (next_us, ==, ARRIVAL + 2100 * MS);
  g_assert_cmpint (
      weir_takeover_judge (&takeover, &incumbent, next_us, &next_us), ==, WEIR_TAKEOVER_ACCEPT);
}

static void
a_free_place_is_no_swap (void)
{
  WeirTakeover takeover;

  weir_takeover_init (&takeover, &always);
  weir_takeover_complete (&takeover, FALSE, ARRIVAL);
  g_assert_cmpint (fight (&takeover, ARRIVAL + SECOND, ARRIVAL + 2 * SECOND), ==, ARRIVAL + SECOND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/broadcast/takeover/" #name, name)
  ADD (a_held_newcomer_is_judged_by_what_the_incumbent_sends);
  ADD (no_answer_is_held_for_longer_than_the_policy_says);
  ADD (the_first_newcomer_keeps_the_place_in_the_line);
  ADD (a_newcomer_that_leaves_while_it_is_held_makes_room);
  ADD (a_newcomer_without_a_keyframe_loses_to_an_incumbent_that_sends);
  ADD (two_that_fight_are_damped);
  ADD (silence_counts_whatever_is_damped);
  ADD (a_free_place_is_no_swap);
#undef ADD
  return g_test_run ();
}
