/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/print.h"

#include <math.h>

static void
numbers_are_words (void)
{
  static const struct {
    gdouble value;
    const gchar *duration, *size, *rate;
  } cases[] = {
      {0, "0.0 s", "0 B", ""},
      {3.25, "3.2 s", "3 B", "0 kbit/s"},
      {59.9, "59 s", "60 B", "0 kbit/s"},
      {245, "4 min 05 s", "245 B", "0 kbit/s"},
      {3720, "1 h 02 min", "3.6 KiB", "4 kbit/s"},
      {180000, "2 d 02 h", "175.8 KiB", "180 kbit/s"},
      {2650000, "30 d 16 h", "2.5 MiB", "2.6 Mbit/s"},
      {-1, "", NULL, ""},
      {NAN, "", NULL, ""},
      {INFINITY, "", NULL, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *duration = weir_print_duration (cases[i].value);
    g_autofree gchar *size = cases[i].size ? weir_print_size (cases[i].value) : NULL;
    g_autofree gchar *rate = cases[i].rate ? weir_print_rate (cases[i].value) : NULL;

    g_assert_cmpstr (duration, ==, cases[i].duration);
    g_assert_cmpstr (size, ==, cases[i].size);
    g_assert_cmpstr (rate, ==, cases[i].rate);
  }
}

static WeirTable *
make_table (void)
{
  WeirTable *table = weir_table_new ("NAME|>SIZE|X");

  weir_table_add (table, "日本", WEIR_COLOUR_NONE);
  weir_table_add (table, "10", WEIR_COLOUR_BAD);
  weir_table_add (table, "a", WEIR_COLOUR_NONE);
  weir_table_add_note (table, "a note\033[31m", WEIR_COLOUR_NONE);
  weir_table_add (table, "abcdef", WEIR_COLOUR_NONE);
  weir_table_add (table, "1000", WEIR_COLOUR_NONE);
  weir_table_add (table, "", WEIR_COLOUR_NONE);
  return table;
}

static void
columns_are_aligned_as_wide_as_they_look (void)
{
  g_autoptr (WeirTable) table = make_table ();
  g_autofree gchar *text = weir_table_to_text (table, 0, FALSE);

  g_assert_cmpstr (text, ==,
      "NAME    SIZE  X\n"
      "日本      10  a\n"
      "  a note\357\277\275[31m\n"
      "abcdef  1000\n");
}

static void
lines_are_cut_to_the_terminal (void)
{
  g_autoptr (WeirTable) table = make_table ();
  g_autofree gchar *text = weir_table_to_text (table, 3, FALSE);

  g_assert_cmpstr (text, ==, "NAM\n日\n  a\nabc\n");
}

static void
colours_do_not_count_as_width (void)
{
  g_autoptr (WeirTable) table = weir_table_new ("A|B");
  g_autofree gchar *text = NULL;

  weir_table_add (table, "x", WEIR_COLOUR_BAD);
  weir_table_add (table, "y", WEIR_COLOUR_NONE);
  text = weir_table_to_text (table, 0, TRUE);
  g_assert_cmpstr (text, ==, "\033[1mA\033[0m  \033[1mB\033[0m\n\033[31mx\033[0m  y\n");
}

static void
what_is_of_another_type_is_not_there (void)
{
  g_autoptr (JsonNode) root = json_from_string (
      "{\"a\":{\"b\":\"text\",\"n\":1.5,\"t\":true,\"l\":[1,{}]},\"s\":\"x\",\"z\":null}", NULL);
  JsonObject *object = weir_json_get_object (root);
  JsonArray *list = weir_json_get_array (root, "a/l");

  g_assert_cmpstr (weir_json_get_text (object, "a/b"), ==, "text");
  g_assert_cmpstr (weir_json_get_text (object, "a/n"), ==, "");
  g_assert_cmpstr (weir_json_get_text (object, "s/b"), ==, "");
  g_assert_cmpstr (weir_json_get_text (object, "z"), ==, "");
  g_assert_cmpstr (weir_json_get_text (NULL, "a"), ==, "");
  g_assert_cmpfloat (weir_json_get_number (object, "a/n", -1), ==, 1.5);
  g_assert_cmpfloat (weir_json_get_number (object, "a/b", -1), ==, -1);
  g_assert_true (weir_json_get_boolean (object, "a/t"));
  g_assert_false (weir_json_get_boolean (object, "a"));
  g_assert_null (weir_json_get_element (list, 0));
  g_assert_nonnull (weir_json_get_element (list, 1));
}

static void
ages_count_from_a_moment (void)
{
  g_assert_cmpfloat (weir_print_age ("1970-01-01T00:00:10.500000Z", 12 * G_USEC_PER_SEC), ==, 1.5);
  g_assert_cmpfloat (weir_print_age ("1970-01-01T00:00:10Z", 0), ==, -10);
  g_assert_true (isnan (weir_print_age ("", 0)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/print/" #function, function)
  TEST (numbers_are_words);
  TEST (columns_are_aligned_as_wide_as_they_look);
  TEST (lines_are_cut_to_the_terminal);
  TEST (colours_do_not_count_as_width);
  TEST (what_is_of_another_type_is_not_there);
  TEST (ages_count_from_a_moment);
  return g_test_run ();
}
