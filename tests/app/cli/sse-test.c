/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sse.h"

#include <string.h>

static void
note (const gchar *id, const gchar *data, gpointer user_data)
{
  g_string_append_printf (user_data, "%s=%s|", id, data);
}

static void
events_come_out_however_the_bytes_are_split (void)
{
  static const struct {
    const gchar *bytes, *told;
  } cases[] = {
      {"id: 1\nevent: a\ndata: {}\n\n", "1={}|"},
      {":\n\nid: 1\r\ndata:x\r\n\r\n:\r\n\r\ndata: y\r\n\r\n", "1=x|1=y|"},
      {"data: a\ndata: b\n\n", "=a\nb|"},
      {"data\n\n", "=|"},
      {"id: 7\n\n", ""},
      {"data: not complete\n", ""},
      {"dat: x\nretry: 10\n\n", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize size = strlen (cases[i].bytes);

    for (gsize step = 1; step <= size; step++) {
      g_autoptr (GString) told = g_string_new (NULL);
      g_autoptr (WeirSse) sse = weir_sse_new (note, told);

      for (gsize at = 0; at < size; at += step)
        g_assert_true (weir_sse_feed (sse, cases[i].bytes + at, MIN (step, size - at)));
      g_assert_cmpstr (told->str, ==, cases[i].told);
    }
  }
}

static void
what_broke_off_is_not_told_and_not_skipped (void)
{
  static const gchar first[] = "id: 1\ndata: a\n\nid: 2\ndata: b";
  static const gchar second[] = "data: c\n\n";
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (WeirSse) sse = weir_sse_new (note, told);

  g_assert_true (weir_sse_feed (sse, first, strlen (first)));
  g_assert_cmpstr (weir_sse_get_last_id (sse), ==, "1");
  weir_sse_restart (sse);
  g_assert_true (weir_sse_feed (sse, second, strlen (second)));
  g_assert_cmpstr (told->str, ==, "1=a|1=c|");
}

static void
an_endless_event_is_refused (void)
{
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (WeirSse) sse = weir_sse_new (note, told);
  g_autofree gchar *line = g_strnfill (1000, 'x');
  gboolean taken = TRUE;
  guint count;

  memcpy (line, "data:", 5);
  line[999] = '\n';
  for (count = 0; taken && count < 2000; count++)
    taken = weir_sse_feed (sse, line, 1000);
  g_assert_false (taken);
  g_assert_cmpuint (count, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/sse/" #function, function)
  TEST (events_come_out_however_the_bytes_are_split);
  TEST (what_broke_off_is_not_told_and_not_skipped);
  TEST (an_endless_event_is_refused);
  return g_test_run ();
}
