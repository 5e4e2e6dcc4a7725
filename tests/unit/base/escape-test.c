/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"

#include <string.h>

static void
bytes_are_escaped (void)
{
  static const struct {
    const gchar *bytes;
    gssize size;
    const gchar *escaped;
  } table[] = {
      {"OBS 30 ~", -1, "OBS 30 ~"},
      {NULL, -1, ""},
      {"", 0, ""},
      {"a\nb\r\tc", -1, "a\\x0ab\\x0d\\x09c"},
      {"\033[31m", -1, "\\x1b[31m"},
      {"say \"no\"", -1, "say \\x22no\\x22"},
      {"\\n", -1, "\\x5cn"},
      {"a\0b", 3, "a\\x00b"},
      {"\x7f\x80\xff", 3, "\\x7f\\x80\\xff"},
      {"%s%n", -1, "%s%n"},
      {"abc", 2, "ab"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autofree gchar *escaped = weir_escape_for_log (table[i].bytes, table[i].size);

    g_assert_cmpstr (escaped, ==, table[i].escaped);
  }
}

static void
what_is_too_long_is_cut_between_two_escapes (void)
{
  g_autofree gchar *exact = g_strnfill (WEIR_ESCAPE_MAX, 'a');
  g_autofree gchar *longer = g_strnfill (WEIR_ESCAPE_MAX + 1, 'a');
  g_autofree gchar *binary = g_strnfill (1000, '\n');
  g_autofree gchar *of_exact = weir_escape_for_log (exact, -1);
  g_autofree gchar *of_longer = weir_escape_for_log (longer, -1);
  g_autofree gchar *of_binary = weir_escape_for_log (binary, -1);

  g_assert_cmpstr (of_exact, ==, exact);
  g_assert_cmpuint (strlen (of_longer), ==, WEIR_ESCAPE_MAX);
  g_assert_true (g_str_has_suffix (of_longer, "aaa..."));
  g_assert_cmpuint (strlen (of_binary), <=, WEIR_ESCAPE_MAX);
  g_assert_true (g_str_has_suffix (of_binary, "\\x0a..."));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/escape/bytes_are_escaped", bytes_are_escaped);
  g_test_add_func ("/base/escape/what_is_too_long_is_cut_between_two_escapes",
      what_is_too_long_is_cut_between_two_escapes);
  return g_test_run ();
}
