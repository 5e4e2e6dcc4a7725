/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/fields.h"

#include "api/envelope.h"
#include "api/jsonguard.h"

#include <string.h>

/* everything that a field can be */
typedef struct {
  gboolean boolean;
  gint64 number;
  gdouble real;
  gchar *string, *nullable;
  guint choice;
  gint64 time_us;
  gchar *object, *strings, *origins;
} Thing;

static void
thing_clear (Thing *self)
{
  g_free (self->string);
  g_free (self->nullable);
  g_free (self->object);
  g_free (self->strings);
  g_free (self->origins);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Thing, thing_clear)

#define READER(name, call)                                                   \
  static gboolean read_##name (                                              \
      JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault) \
  {                                                                          \
    Thing *thing = data;                                                     \
                                                                             \
    return call;                                                             \
  }

static const gchar *const choices[] = {"one", "two", NULL};

READER (boolean, weir_field_read_boolean (node, pointer, &thing->boolean, fault))
READER (number, weir_field_read_number (node, pointer, -5, 7, &thing->number, fault))
READER (real, weir_field_read_double (node, pointer, 0, 1, &thing->real, fault))
READER (string, weir_field_read_string (node, pointer, 1, 4, &thing->string, fault))
READER (nullable, weir_field_read_nullable_string (node, pointer, 0, 4, &thing->nullable, fault))
READER (choice, weir_field_read_choice (node, pointer, choices, &thing->choice, fault))
READER (time, weir_field_read_time (node, pointer, &thing->time_us, fault))
READER (object, weir_field_read_object (node, pointer, &thing->object, fault))
READER (strings, weir_field_read_strings (node, pointer, 2, 3, &thing->strings, fault))
READER (origins, weir_field_read_origins (node, pointer, &thing->origins, fault))

static const WeirField inner_fields[] = {
    {"number", read_number, NULL},
    {NULL, NULL, NULL},
};

READER (inner, weir_fields_read (node, pointer, inner_fields, "inner", thing, fault))

static const WeirField fields[] = {
    {"boolean", read_boolean, NULL},
    {"number", read_number, NULL},
    {"real", read_real, NULL},
    {"string", read_string, NULL},
    {"nullable", read_nullable, NULL},
    {"choice", read_choice, NULL},
    {"time", read_time, NULL},
    {"object", read_object, NULL},
    {"strings", read_strings, NULL},
    {"origins", read_origins, NULL},
    {"inner", read_inner, NULL},
    {"watermark", NULL, "There are no watermarks"},
    {NULL, NULL, NULL},
};

static gboolean
read_thing (const gchar *text, Thing *thing, WeirFault *fault)
{
  g_autoptr (GBytes) body = text != NULL ? g_bytes_new (text, strlen (text)) : NULL;
  g_autoptr (JsonNode) root = weir_fields_parse (body, 4, fault);

  return root != NULL && weir_fields_read (root, "", fields, "a thing", thing, fault);
}

static void
every_kind_of_value_is_read (void)
{
  g_auto (Thing) thing = {0};
  g_auto (WeirFault) fault = {0};

  g_assert_true (read_thing ("{\"boolean\":true,\"number\":-5,\"real\":1,\"string\":\"abcd\","
                             "\"nullable\":\"\",\"choice\":\"two\","
                             "\"time\":\"1970-01-01T01:00:01.000002+01:00\","
                             "\"object\":{\"a\":[1]},\"strings\":[\"a\",\"bcd\"],"
                             "\"origins\":[\"*.example.com\",\"localhost:80\"]}",
      &thing, &fault));
  g_assert_cmpuint (fault.status, ==, 0);
  g_assert_true (thing.boolean);
  g_assert_cmpint (thing.number, ==, -5);
  g_assert_cmpfloat (thing.real, ==, 1);
  g_assert_cmpstr (thing.string, ==, "abcd");
  g_assert_cmpstr (thing.nullable, ==, "");
  g_assert_cmpuint (thing.choice, ==, 1);
  g_assert_cmpint (thing.time_us, ==, G_USEC_PER_SEC + 2);
  g_assert_cmpstr (thing.object, ==, "{\"a\":[1]}");
  g_assert_cmpstr (thing.strings, ==, "[\"a\",\"bcd\"]");
  g_assert_cmpstr (thing.origins, ==, "[\"*.example.com\",\"localhost:80\"]");
}

static void
null_is_nothing_where_that_is_allowed (void)
{
  g_auto (Thing) thing = {.number = 3, .time_us = 3, .nullable = g_strdup ("x")};
  g_auto (WeirFault) fault = {0};

  thing.origins = g_strdup ("[]");
  g_assert_true (read_thing (
      "{\"number\":null,\"nullable\":null,\"time\":null,\"origins\":null}", &thing, &fault));
  g_assert_cmpint (thing.number, ==, 0);
  g_assert_cmpint (thing.time_us, ==, 0);
  g_assert_null (thing.nullable);
  g_assert_null (thing.origins);
}

static void
no_body_is_an_object_without_fields (void)
{
  g_auto (Thing) thing = {.number = 3};
  g_auto (WeirFault) fault = {0};

  g_assert_true (read_thing (NULL, &thing, &fault));
  g_assert_true (read_thing ("", &thing, &fault));
  g_assert_cmpint (thing.number, ==, 3);
}

static const struct {
  const gchar *body;
  guint status;
  gint code;
  const gchar *pointer, *words;
} refusals[] = {
    {"{\"boolean\":1}", 400, WEIR_API_INVALID, "/boolean", "true or false"},
    {"{\"boolean\":null}", 400, WEIR_API_INVALID, "/boolean", "true or false"},
    {"{\"number\":8}", 400, WEIR_API_INVALID, "/number", "from -5 to 7"},
    {"{\"number\":-6}", 400, WEIR_API_INVALID, "/number", "from -5 to 7"},
    {"{\"number\":1.5}", 400, WEIR_API_INVALID, "/number", "whole"},
    {"{\"number\":\"1\"}", 400, WEIR_API_INVALID, "/number", "whole"},
    {"{\"number\":true}", 400, WEIR_API_INVALID, "/number", "whole"},
    {"{\"real\":1.01}", 400, WEIR_API_INVALID, "/real", "from 0 to 1"},
    {"{\"real\":null}", 400, WEIR_API_INVALID, "/real", "number"},
    {"{\"string\":\"\"}", 400, WEIR_API_INVALID, "/string", "1 to 4"},
    {"{\"string\":\"abcde\"}", 400, WEIR_API_INVALID, "/string", "1 to 4"},
    {"{\"string\":null}", 400, WEIR_API_INVALID, "/string", "1 to 4"},
    {"{\"nullable\":\"abcde\"}", 400, WEIR_API_INVALID, "/nullable", "or null"},
    {"{\"nullable\":[]}", 400, WEIR_API_INVALID, "/nullable", "or null"},
    {"{\"choice\":\"three\"}", 400, WEIR_API_INVALID, "/choice", "\"one\" or \"two\""},
    {"{\"choice\":1}", 400, WEIR_API_INVALID, "/choice", "\"one\" or \"two\""},
    {"{\"time\":\"2030-01-31\"}", 400, WEIR_API_INVALID, "/time", "RFC 3339"},
    {"{\"time\":\"2030-01-31T12:00:00\"}", 400, WEIR_API_INVALID, "/time", "RFC 3339"},
    {"{\"time\":\"1969-12-31T00:00:00Z\"}", 400, WEIR_API_INVALID, "/time", "RFC 3339"},
    {"{\"time\":5}", 400, WEIR_API_INVALID, "/time", "RFC 3339"},
    {"{\"object\":[]}", 400, WEIR_API_INVALID, "/object", "object"},
    {"{\"strings\":[\"a\",\"\"]}", 400, WEIR_API_INVALID, "/strings/1", "1 to 3"},
    {"{\"strings\":[\"abcd\"]}", 400, WEIR_API_INVALID, "/strings/0", "1 to 3"},
    {"{\"strings\":[\"a\",\"b\",\"c\"]}", 400, WEIR_API_INVALID, "/strings", "more than 2"},
    {"{\"strings\":{}}", 400, WEIR_API_INVALID, "/strings", "list"},
    {"{\"origins\":[\"http://a\"]}", 400, WEIR_API_INVALID, "/origins/0", "host name"},
    {"{\"origins\":[null]}", 400, WEIR_API_INVALID, "/origins/0", "host name"},
    {"{\"origins\":\"a\"}", 400, WEIR_API_INVALID, "/origins", "or null"},
    {"{\"inner\":{\"number\":8}}", 400, WEIR_API_INVALID, "/inner/number", "whole"},
    {"{\"inner\":{\"a/b~c\":8}}", 400, WEIR_API_INVALID, "/inner/a~1b~0c", "of inner"},
    {"{\"inner\":5}", 400, WEIR_API_INVALID, "/inner", "object"},
    {"{\"nonsense\":5}", 400, WEIR_API_INVALID, "/nonsense", "not a field of a thing"},
    {"{\"watermark\":{}}", 501, WEIR_API_NOT_IMPLEMENTED, "/watermark", "no watermarks"},
    {"[]", 400, WEIR_API_INVALID, "", "must be a JSON object"},
    {"{\"boolean\":true,\"boolean\":true}", 400, WEIR_API_INVALID, "", ""},
    {"{\"boolean\":", 400, WEIR_API_INVALID, "", ""},
};

static void
what_is_wrong_is_pointed_at (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_auto (Thing) thing = {0};
    g_auto (WeirFault) fault = {0};

    g_test_message ("%s", refusals[i].body);
    g_assert_false (read_thing (refusals[i].body, &thing, &fault));
    g_assert_cmpuint (fault.status, ==, refusals[i].status);
    g_assert_cmpint (fault.code, ==, refusals[i].code);
    g_assert_cmpstr (fault.pointer, ==, refusals[i].pointer);
    g_assert_nonnull (strstr (fault.message, refusals[i].words));
    g_assert_null (fault.limit);
    g_assert_null (thing.string);
    g_assert_null (thing.strings);
    g_assert_null (thing.origins);
  }
}

static void
what_is_nested_too_deep_names_its_limit (void)
{
  g_auto (Thing) thing = {0};
  g_auto (WeirFault) fault = {0};

  g_assert_false (read_thing ("{\"object\":{\"a\":{\"b\":{\"c\":{}}}}}", &thing, &fault));
  g_assert_cmpuint (fault.status, ==, 400);
  g_assert_cmpstr (fault.limit, ==, WEIR_LIMIT_JSON_DEPTH);
}

static void
the_first_fault_stays (void)
{
  g_auto (WeirFault) fault = {0};

  g_assert_false (weir_fault_refuse (&fault, "/a", "first"));
  g_assert_false (weir_fault_refuse_as_missing (&fault, "/b", "second"));
  g_assert_cmpuint (fault.status, ==, 400);
  g_assert_cmpstr (fault.pointer, ==, "/a");
  g_assert_cmpstr (fault.message, ==, "first");
}

#define ADD(test) g_test_add_func ("/api/fields/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_kind_of_value_is_read);
  ADD (null_is_nothing_where_that_is_allowed);
  ADD (no_body_is_an_object_without_fields);
  ADD (what_is_wrong_is_pointed_at);
  ADD (what_is_nested_too_deep_names_its_limit);
  ADD (the_first_fault_stays);
  return g_test_run ();
}
