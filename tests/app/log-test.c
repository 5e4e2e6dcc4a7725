/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <string.h>

#define NOON G_GINT64_CONSTANT (1763809200000042) /* 2025-11-22T11:00:00.000042Z */

static void
assert_line (gboolean json, gboolean journal, GLogLevelFlags level, const gchar *message,
    const gchar *expected)
{
  const WeirLogSettings settings = {.level = G_LOG_LEVEL_DEBUG, .json = json, .journal = journal};
  g_autofree gchar *line = weir_log_format (&settings, level, "weir", message, NOON);

  g_assert_cmpstr (line, ==, expected);
}

static void
a_text_line_has_time_and_level (void)
{
  assert_line (FALSE, FALSE, G_LOG_LEVEL_WARNING, "a message",
      "2025-11-22T11:00:00.000042Z WARNING a message\n");
  assert_line (FALSE, FALSE, G_LOG_LEVEL_CRITICAL, "x", "2025-11-22T11:00:00.000042Z ERROR x\n");
  assert_line (FALSE, FALSE, G_LOG_LEVEL_MESSAGE, "x", "2025-11-22T11:00:00.000042Z NOTICE x\n");
  assert_line (FALSE, FALSE, G_LOG_LEVEL_DEBUG, "ü", "2025-11-22T11:00:00.000042Z DEBUG ü\n");
}

static void
a_json_line_is_an_object (void)
{
  assert_line (TRUE, FALSE, G_LOG_LEVEL_INFO, "a \"message\" \\x0a",
      "{\"time\":\"2025-11-22T11:00:00.000042Z\",\"level\":\"info\",\"domain\":\"weir\","
      "\"message\":\"a \\\"message\\\" \\\\x0a\"}\n");
}

static void
the_journal_gets_priorities (void)
{
  assert_line (FALSE, TRUE, G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL, "m", "<2>m\n");
  assert_line (FALSE, TRUE, G_LOG_LEVEL_CRITICAL, "m", "<3>m\n");
  assert_line (FALSE, TRUE, G_LOG_LEVEL_WARNING, "m", "<4>m\n");
  assert_line (FALSE, TRUE, G_LOG_LEVEL_MESSAGE, "m", "<5>m\n");
  assert_line (FALSE, TRUE, G_LOG_LEVEL_INFO, "m", "<6>m\n");
  assert_line (FALSE, TRUE, G_LOG_LEVEL_DEBUG, "m", "<7>m\n");
}

static void
no_message_looks_like_two (void)
{
  assert_line (
      FALSE, TRUE, G_LOG_LEVEL_INFO, "a\n<0>b\r\x1b[31m\x7f", "<6>a\\x0a<0>b\\x0d\\x1b[31m\\x7f\n");
  /* U+202E turns what follows around, U+2028 ends a line in some readers, U+0085 too */
  assert_line (
      FALSE, TRUE, G_LOG_LEVEL_INFO, "\u202ea\u2028b\xc2\x85", "<6>\\u202ea\\u2028b\\x85\n");
  assert_line (TRUE, TRUE, G_LOG_LEVEL_INFO, "a\nb",
      "<6>{\"time\":\"2025-11-22T11:00:00.000042Z\",\"level\":\"info\",\"domain\":\"weir\","
      "\"message\":\"a\\u000ab\"}\n");
  /* not UTF-8 */
  assert_line (FALSE, TRUE, G_LOG_LEVEL_INFO, "a\xff", "<6>a\xef\xbf\xbd\n");
}

static void
other_domains_are_named (void)
{
  const WeirLogSettings settings = {.level = G_LOG_LEVEL_DEBUG, .journal = TRUE};
  g_autofree gchar *line =
      weir_log_format (&settings, G_LOG_LEVEL_INFO, "GLib-GIO", "message", NOON);
  g_autofree gchar *without = weir_log_format (&settings, G_LOG_LEVEL_INFO, NULL, "message", NOON);

  g_assert_cmpstr (line, ==, "<6>GLib-GIO: message\n");
  g_assert_cmpstr (without, ==, "<6>message\n");
}

static void
what_is_less_important_is_left_out (void)
{
  const struct {
    const gchar *name;
    GLogLevelFlags written, left_out;
  } cases[] = {
      {"error", G_LOG_LEVEL_CRITICAL, G_LOG_LEVEL_WARNING},
      {"warning", G_LOG_LEVEL_WARNING, G_LOG_LEVEL_MESSAGE},
      {"info", G_LOG_LEVEL_INFO, G_LOG_LEVEL_DEBUG},
      {"debug", G_LOG_LEVEL_DEBUG, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirLogSettings settings;
    g_autofree gchar *written = NULL;
    g_autofree gchar *left_out = NULL;

    weir_log_settings_init (&settings, cases[i].name, "json");
    g_assert_true (settings.json);
    g_assert_false (settings.journal);
    written = weir_log_format (&settings, cases[i].written, "weir", "m", NOON);
    g_assert_nonnull (written);
    if (cases[i].left_out == 0)
      continue;
    left_out = weir_log_format (&settings, cases[i].left_out, "weir", "m", NOON);
    g_assert_null (left_out);
  }
}

static void
the_installed_writer_writes_to_stderr (void)
{
  if (g_test_subprocess ()) {
    WeirLogSettings settings;

    weir_log_settings_init (&settings, "info", "text");
    weir_log_install (&settings);
    g_log_structured ("weir", G_LOG_LEVEL_DEBUG, "MESSAGE", "hidden");
    g_log_structured ("weir", G_LOG_LEVEL_INFO, "MESSAGE", "shown %d", 1);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*Z INFO shown 1\n*");
  g_test_trap_assert_stderr_unmatched ("*hidden*");
}

static void
the_level_of_the_installed_writer_can_be_changed (void)
{
  if (g_test_subprocess ()) {
    WeirLogSettings settings;
    WeirLogSettings *installed;

    weir_log_settings_init (&settings, "warning", "text");
    installed = weir_log_install (&settings);
    g_log_structured ("weir", G_LOG_LEVEL_DEBUG, "MESSAGE", "hidden");
    weir_log_set_level (installed, "debug");
    g_log_structured ("weir", G_LOG_LEVEL_DEBUG, "MESSAGE", "shown");
    weir_log_set_level (installed, "error");
    g_log_structured ("weir", G_LOG_LEVEL_MESSAGE, "MESSAGE", "hidden again");
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*Z DEBUG shown\n*");
  g_test_trap_assert_stderr_unmatched ("*hidden*");
}

int
main (int argc, char **argv)
{
  g_unsetenv ("JOURNAL_STREAM");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/a_text_line_has_time_and_level", a_text_line_has_time_and_level);
  g_test_add_func ("/log/a_json_line_is_an_object", a_json_line_is_an_object);
  g_test_add_func ("/log/the_journal_gets_priorities", the_journal_gets_priorities);
  g_test_add_func ("/log/no_message_looks_like_two", no_message_looks_like_two);
  g_test_add_func ("/log/other_domains_are_named", other_domains_are_named);
  g_test_add_func ("/log/what_is_less_important_is_left_out", what_is_less_important_is_left_out);
  g_test_add_func (
      "/log/the_installed_writer_writes_to_stderr", the_installed_writer_writes_to_stderr);
  g_test_add_func ("/log/the_level_of_the_installed_writer_can_be_changed",
      the_level_of_the_installed_writer_can_be_changed);
  return g_test_run ();
}
