/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/json.h"

#include <math.h>

static void
members_and_elements_are_set_apart_by_commas (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "text", "{[");
  weir_json_begin_array (json, "list");
  weir_json_add_int (json, NULL, -1);
  weir_json_begin_object (json, NULL);
  weir_json_end_object (json);
  weir_json_begin_array (json, NULL);
  weir_json_end_array (json);
  weir_json_add_boolean (json, NULL, TRUE);
  weir_json_end_array (json);
  weir_json_add_null (json, "nothing");
  weir_json_add_string (json, "absent", NULL);
  weir_json_end_object (json);
  g_assert_cmpstr (
      json->str, ==, "{\"text\":\"{[\",\"list\":[-1,{},[],true],\"nothing\":null,\"absent\":null}");
}

/* what json-glib says of one value */
static gchar *
expect (JsonNode *the_node)
{
  g_autoptr (JsonNode) node = the_node;

  return json_to_string (node, FALSE);
}

static void
a_text_is_escaped_as_json_glib_does (void)
{
  static const gchar *const texts[] = {"", "plain", "\"quoted\" \\ /", "\b\f\n\r\t", "\x01\x1e\x7f",
      "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xa5", "\\u0041", "ends with \\"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GString) json = g_string_new (NULL);
    g_autofree gchar *expected = expect (json_node_init_string (json_node_alloc (), texts[i]));

    weir_json_add_string (json, NULL, texts[i]);
    g_assert_cmpstr (json->str, ==, expected);
  }
}

static void
a_number_is_written_as_json_glib_does (void)
{
  static const gdouble numbers[] = {
      0, -0.0, 1, -1, 0.1, 12.04, 1e15, 1.0 / 3, 4.000001, -1.5e-7, 123456789012.25};

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autoptr (GString) json = g_string_new (NULL);
    g_autofree gchar *expected = expect (json_node_init_double (json_node_alloc (), numbers[i]));

    weir_json_add_double (json, NULL, numbers[i]);
    g_assert_cmpstr (json->str, ==, expected);
  }
}

static void
a_number_with_an_exponent_is_json (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  weir_json_add_double (json, NULL, 1e22);
  weir_json_add_double (json, NULL, -1e-7);
  weir_json_end_array (json);
  g_assert_cmpstr (json->str, ==, "[1e+22,-9.9999999999999995e-08]");
}

static void
what_is_no_number_is_null (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  weir_json_add_double (json, NULL, NAN);
  weir_json_add_double (json, NULL, -INFINITY);
  weir_json_add_int (json, NULL, G_MININT64);
  weir_json_end_array (json);
  g_assert_cmpstr (json->str, ==, "[null,null,-9223372036854775808]");
}

static void
a_time_has_microseconds_and_0_is_null (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  weir_json_add_time (json, NULL, 1709210096000007);
  weir_json_add_time (json, NULL, 0);
  weir_json_add_time (json, NULL, G_MAXINT64);
  weir_json_end_array (json);
  g_assert_cmpstr (json->str, ==, "[\"2024-02-29T12:34:56.000007Z\",null,null]");
}

static void
what_is_not_json_is_null (void)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
      {NULL, "null"},
      {"", "null"},
      {"{\"a\":1", "null"},
      {"1},\"success\":true,{", "null"},
      {"\"\xff\"", "null"},
      {"{\"a\":[1,2.50,\"\\u00e9\"]}", "{\"a\":[1,2.50,\"\\u00e9\"]}"},
      {"false", "false"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) json = g_string_new (NULL);

    weir_json_add_text (json, NULL, cases[i].text);
    g_assert_cmpstr (json->str, ==, cases[i].expected);
  }
}

static void
a_tree_is_written_as_json_glib_does (void)
{
  static const gchar text[] =
      "{\"z\":[],\"a\":{\"b\":[null,true,false,-7,2.5,1e3,\"\\n\\u20ac\"],\"\":{}},\"m\":\"\"}";
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  g_autofree gchar *expected = json_to_string (node, FALSE);
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_add_node (json, NULL, node);
  g_assert_cmpstr (json->str, ==, expected);
}

static void
what_json_glib_writes_wrong_is_written_right (void)
{
  g_autoptr (JsonNode) node = json_from_string ("[1e22,\"\\u001f\"]", NULL);
  g_autofree gchar *text = weir_json_from_node (node);

  g_assert_cmpstr (text, ==, "[1e+22,\"\\u001f\"]");
}

static void
elements_are_found_where_they_stand (void)
{
  static const gchar text[] = "[1,\"a,]\\\"\",{\"b\":[2,3]},[],null]";
  static const gchar *const expected[] = {"1,", "\"a,]", "{\"b\":[2", "[],", "null]"};
  const gchar *at = text;

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    const gchar *element = weir_json_next_element (&at);

    g_assert_nonnull (element);
    g_assert_true (g_str_has_prefix (element, expected[i]));
  }
  g_assert_null (weir_json_next_element (&at));
}

static void
a_member_is_found_where_it_stands (void)
{
  static const struct {
    const gchar *object, *name, *expected;
  } cases[] = {
      {"{\"a\":1,\"b\":2}", "b", "2"},
      {"{\"a\":{\"b\":1},\"b\":{\"c\":[1,2]}}", "b", "{\"c\":[1,2]}"},
      {"{\"ab\":1,\"b\":\"},\\\"\"}", "b", "\"},\\\"\""},
      {"{\"a\":\"b\",\"c\":1}", "b", NULL},
      {"{}", "b", NULL},
      {"", "b", NULL},
      {"null", "b", NULL},
      {"[\"b\"]", "b", NULL},
      {"{\"b\"", "b", NULL},
      {"{\"b\":", "b", ""},
      {"{\"b\":[1", "b", NULL},
      {"{\"b\":\"\\", "b", NULL},
      {"{\"a\":1}{\"b\":1}", "b", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize size = 0;
    const gchar *value = weir_json_find_member (cases[i].object, cases[i].name, &size);
    g_autofree gchar *found = value != NULL ? g_strndup (value, size) : NULL;

    g_test_message ("%s", cases[i].object);
    g_assert_cmpstr (found, ==, cases[i].expected);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/json/" #name, name)
  ADD (members_and_elements_are_set_apart_by_commas);
  ADD (a_text_is_escaped_as_json_glib_does);
  ADD (a_number_is_written_as_json_glib_does);
  ADD (a_number_with_an_exponent_is_json);
  ADD (what_is_no_number_is_null);
  ADD (a_time_has_microseconds_and_0_is_null);
  ADD (what_is_not_json_is_null);
  ADD (a_tree_is_written_as_json_glib_does);
  ADD (what_json_glib_writes_wrong_is_written_right);
  ADD (elements_are_found_where_they_stand);
  ADD (a_member_is_found_where_it_stands);
  return g_test_run ();
}
