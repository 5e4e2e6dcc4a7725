/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

static void
the_manual_clock_moves_only_when_told_to (void)
{
  WeirManualClock manual;

  weir_manual_clock_init (&manual, G_GINT64_CONSTANT (1700000000000000));
  g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, 0);
  g_assert_cmpint (weir_clock_wall (&manual.clock), ==, G_GINT64_CONSTANT (1700000000000000));
  weir_manual_clock_advance (&manual, 250);
  g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, 250);
  g_assert_cmpint (weir_clock_wall (&manual.clock), ==, G_GINT64_CONSTANT (1700000000000000) + 250);
}

static void
the_wall_clock_can_jump_alone (void)
{
  WeirManualClock manual;

  weir_manual_clock_init (&manual, 5000);
  weir_manual_clock_advance (&manual, 100);
  manual.wall_us -= 3000;
  g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, 100);
  g_assert_cmpint (weir_clock_wall (&manual.clock), ==, 2100);
}

static void
the_system_clock_is_that_of_glib (void)
{
  const WeirClock *clock = weir_clock_system ();
  gint64 before = g_get_monotonic_time ();
  gint64 between = weir_clock_monotonic (clock);

  g_assert_cmpint (before, <=, between);
  g_assert_cmpint (between, <=, g_get_monotonic_time ());
  g_assert_cmpint (ABS (weir_clock_wall (clock) - g_get_real_time ()), <, 60 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/clock/the_manual_clock_moves_only_when_told_to",
      the_manual_clock_moves_only_when_told_to);
  g_test_add_func ("/base/clock/the_wall_clock_can_jump_alone", the_wall_clock_can_jump_alone);
  g_test_add_func (
      "/base/clock/the_system_clock_is_that_of_glib", the_system_clock_is_that_of_glib);
  return g_test_run ();
}
