/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/missing.h"

#include "../support/app-fixture.h"

/* What the OpenAPI file says, tried on the server, operation by operation. */

static const gchar *const methods[] = {"get", "put", "post", "delete", "patch", NULL};

/* what paths are made of: an input and an output that are there */
typedef struct {
  gchar *input;
  gchar *output;
} Things;

static void
things_clear (Things *self)
{
  g_free (self->input);
  g_free (self->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Things, things_clear)

static JsonNode *
parse (const AppAnswer *answer)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (!json_parser_load_from_data (
          parser, g_bytes_get_data (answer->body, NULL), g_bytes_get_size (answer->body), NULL))
    return NULL;
  return json_parser_steal_root (parser);
}

static JsonNode *
get_description (AppFixture *fixture)
{
  g_auto (AppAnswer) answer = app_fixture_get (fixture, "/openapi.json");
  JsonNode *root = parse (&answer);

  g_assert_nonnull (root);
  return root;
}

static gchar *
create (AppFixture *fixture, const gchar *path, const gchar *body)
{
  g_autofree gchar *whole = g_strconcat (fixture->account, path, NULL);
  g_auto (AppAnswer) answer = app_fixture_call (fixture, "POST", whole, body, fixture->token, NULL);
  g_autoptr (JsonNode) root = parse (&answer);

  g_assert_cmpuint (soup_message_get_status (answer.message), ==, 200);
  return g_strdup (json_object_get_string_member (
      json_object_get_object_member (json_node_get_object (root), "result"), "uid"));
}

static void
make_things (AppFixture *fixture, Things *things)
{
  g_autofree gchar *outputs = NULL;

  things->input = create (fixture, "/live_inputs", NULL);
  outputs = g_strdup_printf ("/live_inputs/%s/outputs", things->input);
  things->output =
      create (fixture, outputs, "{\"url\":\"rtmp://a.example/live\",\"streamKey\":\"k\"}");
}

/* the parameters of @path filled in */
static gchar *
make_target (const gchar *path, const Things *things)
{
  g_autoptr (GString) target = g_string_new (path);

  g_string_replace (target, "{account}", "acc", 0);
  g_string_replace (target, "{id}", things->input, 0);
  g_string_replace (target, "{output}", things->output, 0);
  return g_string_free (g_steal_pointer (&target), FALSE);
}

typedef void (*Visit) (AppFixture *fixture, const Things *things, const gchar *method,
    const gchar *path, JsonObject *operation);

static void
visit_operations (AppFixture *fixture, Visit visit)
{
  g_autoptr (JsonNode) description = get_description (fixture);
  JsonObject *paths = json_object_get_object_member (json_node_get_object (description), "paths");
  g_autoptr (GList) names = json_object_get_members (paths);

  for (GList *name = names; name != NULL; name = name->next) {
    JsonObject *path = json_object_get_object_member (paths, name->data);

    for (guint i = 0; methods[i] != NULL; i++) {
      g_auto (Things) things = {0};
      g_autofree gchar *method = g_ascii_strup (methods[i], -1);

      if (!json_object_has_member (path, methods[i]))
        continue;
      g_test_message ("%s %s", method, (gchar *) name->data);
      make_things (fixture, &things);
      visit (
          fixture, &things, method, name->data, json_object_get_object_member (path, methods[i]));
    }
  }
}

static void
try_operation (AppFixture *fixture, const Things *things, const gchar *method, const gchar *path,
    JsonObject *operation)
{
  g_autofree gchar *target = make_target (path, things);
  g_auto (AppAnswer) answer =
      app_fixture_call (fixture, method, target, NULL, fixture->token, NULL);
  g_autofree gchar *status = g_strdup_printf ("%u", soup_message_get_status (answer.message));

  g_test_message ("  %s", status);
  g_assert_true (
      json_object_has_member (json_object_get_object_member (operation, "responses"), status));
  /* what is described as an operation is one, and not missing by another name */
  g_assert_cmpstr (status, !=, "501");
  g_assert_cmpstr (status, !=, "405");
}

static void
every_operation_is_there_and_answers_as_described (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  visit_operations (fixture, try_operation);
}

static void
try_without_token (AppFixture *fixture, const Things *things, const gchar *method,
    const gchar *path, G_GNUC_UNUSED JsonObject *operation)
{
  g_autofree gchar *target = make_target (path, things);
  g_auto (AppAnswer) answer = {0};

  if (!g_str_has_prefix (path, "/client/"))
    return;
  answer = app_fixture_call (fixture, method, target, NULL, NULL, NULL);
  g_assert_cmpuint (soup_message_get_status (answer.message), ==, 401);
}

static void
no_operation_of_the_api_goes_without_token (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  visit_operations (fixture, try_without_token);
}

/* ---- hostile bodies ---- */

static const struct {
  const gchar *name, *body;
} hostile[] = {
    {"nothing but blanks", "  "},
    {"null", "null"},
    {"a number", "1"},
    {"a text", "\"text\""},
    {"a list", "[]"},
    {"cut off", "{\"meta\":{"},
    {"two values", "{}{}"},
    {"a key twice", "{\"name\":\"a\",\"name\":\"b\"}"},
    {"a key twice by escapes", "{\"name\":\"a\",\"n\\u0061me\":\"b\"}"},
    {"a field of nobody", "{\"__proto__\":{}}"},
    {"a lone surrogate", "{\"meta\":{\"name\":\"\\ud800\"}}"},
    {"a lone surrogate as key", "{\"\\udc00\":1}"},
    {"NUL", "{\"meta\":{\"name\":\"a\\u0000b\"}}"},
    {"invalid UTF-8", "{\"meta\":{\"name\":\"\xff\"}}"},
    {"overlong UTF-8", "{\"meta\":{\"name\":\"\xc0\xaf\"}}"},
    {"a byte order mark", "\xef\xbb\xbf{}"},
    {"an integer too long", "{\"meta\":{\"n\":9999999999999999999}}"},
    {"NaN", "{\"meta\":NaN}"},
    {"a comment", "{/**/}"},
    {"single quotes", "{'meta':{}}"},
    {"a control character", "{\"meta\":{\"name\":\"a\nb\"}}"},
    {"a form", "meta=x&enabled=true"},
};

static gchar *
make_deep (gchar open, gchar close, const gchar *before, guint depth)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < depth; i++) {
    g_string_append_c (text, open);
    g_string_append (text, before);
  }
  g_string_append (text, "1");
  for (guint i = 0; i < depth; i++)
    g_string_append_c (text, close);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
send_hostile (AppFixture *fixture, const Things *things, const gchar *method, const gchar *path,
    const gchar *name, const gchar *body, guint expected)
{
  g_autofree gchar *target = make_target (path, things);
  g_auto (AppAnswer) answer =
      app_fixture_call (fixture, method, target, body, fixture->token, NULL);
  guint status = soup_message_get_status (answer.message);
  g_autoptr (JsonNode) root = status == 413 ? NULL : parse (&answer);

  /* elsewhere {id} is another thing's, which may not be there */
  if (status == 404 && strstr (path, "/live_inputs") == NULL && strstr (path, "{id}") != NULL)
    return;
  if (status != expected)
    g_error ("%s %s, %s: %u", method, path, name, status);
  if (status == 413)
    return;
  g_assert_nonnull (root);
  g_assert_false (json_object_get_boolean_member (json_node_get_object (root), "success"));
}

static void
try_hostile (AppFixture *fixture, const Things *things, const gchar *method, const gchar *path,
    JsonObject *operation)
{
  g_autofree gchar *objects = make_deep ('{', '}', "\"a\":", 1000);
  g_autofree gchar *lists = make_deep ('[', ']', "", 30000);
  g_autofree gchar *blanks = g_strnfill (64 * 1024, ' ');
  g_autofree gchar *huge = g_strconcat ("{}", blanks, NULL);

  if (!json_object_has_member (operation, "requestBody"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    send_hostile (fixture, things, method, path, hostile[i].name, hostile[i].body, 400);
  send_hostile (fixture, things, method, path, "deep objects", objects, 400);
  send_hostile (fixture, things, method, path, "deep lists", lists, 400);
  send_hostile (fixture, things, method, path, "huge", huge, 413);
}

static void
hostile_bodies_are_refused_by_every_operation (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  visit_operations (fixture, try_hostile);
}

/* ---- what is not there ---- */

static void
what_is_missing_says_so_as_it_is_described (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonNode) description = get_description (fixture);
  JsonArray *described =
      json_object_get_array_member (json_node_get_object (description), "x-not-implemented");
  guint count;
  const WeirMissing *missing = weir_missing_get (&count);

  g_assert_cmpuint (json_array_get_length (described), ==, count);
  for (guint i = 0; i < count; i++) {
    JsonObject *row = json_array_get_object_element (described, i);
    g_autofree gchar *path = g_strconcat (fixture->account, missing[i].pattern, NULL);
    g_auto (AppAnswer) answer =
        app_fixture_call (fixture, missing[i].method, path, NULL, fixture->token, NULL);
    g_autoptr (JsonNode) root = parse (&answer);
    JsonObject *error = json_array_get_object_element (
        json_object_get_array_member (json_node_get_object (root), "errors"), 0);

    g_test_message ("%s %s", missing[i].method, missing[i].pattern);
    g_assert_cmpstr (json_object_get_string_member (row, "method"), ==, missing[i].method);
    g_assert_cmpstr (json_object_get_string_member (row, "path"), ==, missing[i].pattern);
    g_assert_cmpstr (json_object_get_string_member (row, "reason"), ==, missing[i].reason);
    g_assert_cmpuint (soup_message_get_status (answer.message), ==, 501);
    g_assert_cmpint (json_object_get_int_member (error, "code"), ==, 20001);
    g_assert_cmpstr (json_object_get_string_member (error, "message"), ==, missing[i].reason);
  }
}

static void
the_document_has_the_same_table (void)
{
  g_autofree gchar *path =
      g_test_build_filename (G_TEST_DIST, "..", "data", "doc", "migration.md", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GString) table = g_string_new ("| Method | Path | Reason |\n|---|---|---|\n");
  guint count;
  const WeirMissing *missing = weir_missing_get (&count);
  const gchar *start;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  for (guint i = 0; i < count; i++)
    g_string_append_printf (table, "| %s | `%s` | %s |\n", missing[i].method,
        *missing[i].pattern != '\0' ? missing[i].pattern : "/", missing[i].reason);
  start = strstr (text, "| Method | Path |");
  g_assert_nonnull (start);
  g_assert_cmpstr (start, ==, table->str);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                       \
  g_test_add ("/api/description/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (every_operation_is_there_and_answers_as_described);
  TEST (no_operation_of_the_api_goes_without_token);
  TEST (hostile_bodies_are_refused_by_every_operation);
  TEST (what_is_missing_says_so_as_it_is_described);
  g_test_add_func (
      "/api/description/the_document_has_the_same_table", the_document_has_the_same_table);
  return g_test_run ();
}
