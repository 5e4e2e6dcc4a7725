/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/counters.h"

static void
append (const gchar *reason, guint64 count, gpointer text)
{
  g_string_append_printf (text, "%s=%" G_GUINT64_FORMAT " ", reason, count);
}

static void
reasons_are_listed_in_order_whether_they_happened_or_not (void)
{
  g_autoptr (WeirCounters) counters = weir_counters_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  weir_counters_declare (counters, "b");
  weir_counters_add (counters, "c");
  weir_counters_add (counters, "c");
  weir_counters_declare (counters, "c");
  weir_counters_add (counters, "a");
  weir_counters_foreach (counters, append, text);
  g_assert_cmpstr (text->str, ==, "a=1 b=0 c=2 ");
  g_assert_cmpuint (weir_counters_get (counters, "c"), ==, 2);
  g_assert_cmpuint (weir_counters_get (counters, "d"), ==, 0);
}

static void
nobody_counts (void)
{
  weir_counters_add (NULL, "a");
}

static gpointer
add_many (gpointer counters)
{
  for (guint i = 0; i < 10000; i++)
    weir_counters_add (counters, "a");
  return NULL;
}

static void
no_count_of_several_threads_is_lost (void)
{
  g_autoptr (WeirCounters) counters = weir_counters_new ();
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, add_many, counters);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (weir_counters_get (counters, "a"), ==, 40000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/counters/reasons_are_listed_in_order_whether_they_happened_or_not",
      reasons_are_listed_in_order_whether_they_happened_or_not);
  g_test_add_func ("/base/counters/nobody_counts", nobody_counts);
  g_test_add_func (
      "/base/counters/no_count_of_several_threads_is_lost", no_count_of_several_threads_is_lost);
  return g_test_run ();
}
