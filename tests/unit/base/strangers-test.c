/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strangers.h"

static GPtrArray *lines;

static GLogWriterOutput
keep_lines (G_GNUC_UNUSED GLogLevelFlags level, const GLogField *fields, gsize count,
    G_GNUC_UNUSED gpointer data)
{
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_ptr_array_add (lines, g_strdup (fields[i].value));
  }
  return G_LOG_WRITER_HANDLED;
}

static void
a_flood_leaves_few_lines_which_say_how_many_there_were (void)
{
  WeirStrangerLog log;
  gint64 now_us = 1000;

  weir_stranger_log_init (&log, now_us);
  for (guint i = 0; i < 1000; i++)
    weir_stranger_log (&log, now_us, "%s %u", "line", i);
  g_assert_cmpuint (lines->len, ==, 20);
  g_assert_cmpstr (lines->pdata[0], ==, "line 0");
  g_assert_cmpstr (lines->pdata[19], ==, "line 19");
  now_us += G_USEC_PER_SEC;
  for (guint i = 0; i < 3; i++)
    weir_stranger_log (&log, now_us, "later %u", i);
  g_assert_cmpuint (lines->len, ==, 22);
  g_assert_cmpstr (lines->pdata[20], ==, "later 0 (980 lines like this were left out before)");
  g_assert_cmpstr (lines->pdata[21], ==, "later 1");
  weir_stranger_log (&log, now_us + G_USEC_PER_SEC, "last");
  g_assert_cmpstr (lines->pdata[22], ==, "last (1 lines like this were left out before)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lines = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (keep_lines, NULL, NULL);
  g_test_add_func ("/base/strangers/a_flood_leaves_few_lines_which_say_how_many_there_were",
      a_flood_leaves_few_lines_which_say_how_many_there_were);
  return g_test_run ();
}
