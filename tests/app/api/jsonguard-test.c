/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/jsonguard.h"

#include <string.h>

#define DEPTH 16

static const struct {
  const gchar *text;
  const gchar *fault; /* NULL: valid */
} cases[] = {
    {"{}", NULL},
    {" [ ] ", NULL},
    {"null", NULL},
    {"true", NULL},
    {"\"a\"", NULL},
    {"-0.5e-3", NULL},
    {"{\"a\":[1,2,{\"b\":null}],\"c\":\"\\u00e4\\ud83d\\ude00\\n\"}", NULL},
    {"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", NULL},
    {"123456789012345678", NULL},
    {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", NULL},
    {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "Nested too deep"},
    {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
     "\"a\":{\"a\":{\"a\":{\"a\":",
        "Nested too deep"},
    {"", "Bad number"},
    {"  ", "Bad number"},
    {"{", "String expected"},
    {"[", "Bad number"},
    {"[1", "Comma or closing bracket expected"},
    {"[1}", "Comma or closing bracket expected"},
    {"[1,]", "Bad number"},
    {"{\"a\":1,}", "String expected"},
    {"{\"a\"}", "Colon expected"},
    {"{a:1}", "String expected"},
    {"{} {}", "Something after the value"},
    {"{}x", "Something after the value"},
    {"1 2", "Something after the value"},
    {"nul", "Value expected"},
    {"01", "Bad number"},
    {"+1", "Bad number"},
    {"1.", "Bad number"},
    {".5", "Bad number"},
    {"1e", "Bad number"},
    {"1e309", "Number too large"},
    {"1234567890123456789", "Number too large"},
    {"NaN", "Bad number"},
    {"\"a", "Unterminated string"},
    {"\"\\", "Bad escape"},
    {"\"\\x\"", "Bad escape"},
    {"\"\\u12\"", "Incomplete escape"},
    {"\"\\u12g4\"", "Bad escape"},
    {"\"\\u0000\"", "NUL in a string"},
    {"\"\\ud800\"", "Lone surrogate"},
    {"\"\\udc00\"", "Lone surrogate"},
    {"\"\\ud800\\u0041\"", "Lone surrogate"},
    {"\"a\nb\"", "Control character in a string"},
    {"{\"a\":1,\"a\":2}", "Key given twice"},
    {"{\"a\":1,\"\\u0061\":2}", "Key given twice"},
    {"\"\xff\"", "Invalid UTF-8"},
    {"\"\xc0\xae\"", "Invalid UTF-8"},
    {"\xef\xbb\xbf{}", "Bad number"},
    {"// a\n{}", "Bad number"},
};

static void
texts_are_judged (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    /* an exact copy, so that a sanitizer sees a read beyond it */
    gsize size = strlen (cases[i].text);
    g_autofree gchar *copy = size > 0 ? g_memdup2 (cases[i].text, size) : g_new0 (gchar, 1);
    gboolean valid = weir_json_check (copy, size, DEPTH, &error);

    g_autofree gchar *escaped = g_strescape (cases[i].text, NULL);

    g_test_message ("%s", escaped);
    g_assert_cmpint (valid, ==, cases[i].fault == NULL);
    if (!valid) {
      gint code = g_str_has_prefix (cases[i].fault, "Nested") ? G_IO_ERROR_NO_SPACE
                                                              : G_IO_ERROR_INVALID_DATA;

      g_assert_error (error, G_IO_ERROR, code);
      if (!g_str_has_prefix (error->message, cases[i].fault))
        g_error ("'%s': expected '%s', got '%s'", cases[i].text, cases[i].fault, error->message);
    }
  }
}

static void
every_prefix_of_a_text_ends_in_order (void)
{
  static const gchar text[] = "{\"a\":[1,-2.5e3,{\"b\":null}],\"c\":\"\\u00e4\\ud83d\\ude00\"}";

  for (gsize size = 0; size < sizeof text - 1; size++) {
    g_autofree gchar *copy = g_malloc (size + (size == 0));

    memcpy (copy, text, size);
    g_assert_false (weir_json_check (copy, size, DEPTH, NULL));
  }
}

static void
a_hundred_thousand_brackets_do_not_recurse (void)
{
  g_autofree gchar *text = g_strnfill (100000, '[');
  g_autoptr (GBytes) bytes = g_bytes_new (text, 100000);
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_json_parse (bytes, DEPTH, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/jsonguard/texts_are_judged", texts_are_judged);
  g_test_add_func (
      "/api/jsonguard/every_prefix_of_a_text_ends_in_order", every_prefix_of_a_text_ends_in_order);
  g_test_add_func ("/api/jsonguard/a_hundred_thousand_brackets_do_not_recurse",
      a_hundred_thousand_brackets_do_not_recurse);
  return g_test_run ();
}
