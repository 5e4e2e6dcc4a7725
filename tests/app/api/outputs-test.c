/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/outputs.h"

#include "../support/api-envelope.h"

#define INPUTS "/accounts/acc/stream/live_inputs"
#define GOOD "{\"url\":\"rtmps://a.example:443/app\",\"streamKey\":\"secret\"}"

static gchar *
make_input (AppFixture *fixture)
{
  g_autoptr (JsonObject) envelope =
      api_call (fixture, fixture->token, "POST", INPUTS, NULL, 200, 0);

  return g_strconcat (INPUTS "/", json_object_get_string_member (api_get_result (envelope), "uid"),
      "/outputs", NULL);
}

static void
an_output_is_made_listed_switched_and_deleted (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = make_input (fixture);
  g_autoptr (JsonObject) made = api_call (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  JsonObject *output = api_get_result (made);
  g_autofree gchar *own =
      g_strconcat (path, "/", json_object_get_string_member (output, "uid"), NULL);
  g_autoptr (JsonObject) changed = NULL, listed = NULL, none = NULL;
  JsonArray *outputs;

  g_assert_cmpuint (json_object_get_size (output), ==, 4);
  g_assert_cmpstr (json_object_get_string_member (output, "url"), ==, "rtmps://a.example:443/app");
  g_assert_cmpstr (json_object_get_string_member (output, "streamKey"), ==, "secret");
  g_assert_true (json_object_get_boolean_member (output, "enabled"));
  g_assert_true (api_has_message (made, 20009));
  changed = api_call (fixture, fixture->token, "PUT", own, "{\"enabled\":false}", 200, 0);
  g_assert_false (json_object_get_boolean_member (api_get_result (changed), "enabled"));
  listed = api_call (fixture, fixture->token, "GET", path, NULL, 200, 0);
  outputs = json_object_get_array_member (listed, "result");
  g_assert_cmpuint (json_array_get_length (outputs), ==, 1);
  g_assert_false (
      json_object_get_boolean_member (json_array_get_object_element (outputs, 0), "enabled"));
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (outputs, 0), "streamKey"), ==,
      "secret");
  api_expect (fixture, fixture->token, "DELETE", own, NULL, 200, 0);
  api_expect (fixture, fixture->token, "DELETE", own, NULL, 404, 10003);
  none = api_call (fixture, fixture->token, "GET", path, NULL, 200, 0);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (none, "result")), ==, 0);
}

static void
events_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GPtrArray **) data = weir_store_list_events_finish (WEIR_STORE (source), result, NULL);
}

static void
what_happens_to_an_output_is_in_the_event_log (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const types[] = {WEIR_EVENT_INPUT_CREATED, WEIR_EVENT_OUTPUT_CREATED,
      WEIR_EVENT_OUTPUT_UPDATED, WEIR_EVENT_OUTPUT_DELETED};
  g_autofree gchar *path = make_input (fixture);
  g_autoptr (JsonObject) made = api_call (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  const gchar *uid = json_object_get_string_member (api_get_result (made), "uid");
  g_autofree gchar *own = g_strconcat (path, "/", uid, NULL);
  GPtrArray *events = NULL;

  api_expect (fixture, fixture->token, "PUT", own, "{\"enabled\":false}", 200, 0);
  api_expect (fixture, fixture->token, "DELETE", own, NULL, 200, 0);
  while (events == NULL || events->len < G_N_ELEMENTS (types)) {
    g_clear_pointer (&events, g_ptr_array_unref);
    weir_store_list_events (fixture->store, "acc", 0, 10, events_listed, &events);
    while (events == NULL)
      g_main_context_iteration (NULL, TRUE);
  }
  g_assert_cmpuint (events->len, ==, G_N_ELEMENTS (types));
  for (guint i = 0; i < events->len; i++) {
    const WeirEvent *event = events->pdata[i];

    g_assert_cmpstr (event->type, ==, types[i]);
    g_assert_nonnull (strstr (path, event->input));
    if (i == 0)
      continue;
    g_assert_nonnull (strstr (event->data, uid));
    g_assert_nonnull (strstr (event->data, "rtmps://a.example:443"));
    g_assert_null (strstr (event->data, "app"));
    g_assert_null (strstr (event->data, "secret"));
  }
  g_ptr_array_unref (events);
}

static void
only_enabled_can_be_changed (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = make_input (fixture);
  g_autoptr (JsonObject) made = api_call (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  g_autofree gchar *own =
      g_strconcat (path, "/", json_object_get_string_member (api_get_result (made), "uid"), NULL);
  g_autoptr (JsonObject) url = api_call (fixture, fixture->token, "PUT", own,
      "{\"enabled\":true,\"url\":\"rtmp://b.example/x\"}", 501, 20001);
  g_autoptr (JsonObject) key =
      api_call (fixture, fixture->token, "PUT", own, "{\"streamKey\":\"x\"}", 501, 20001);

  g_assert_cmpstr (api_get_pointer (url), ==, "/url");
  g_assert_cmpstr (api_get_pointer (key), ==, "/streamKey");
  api_expect (fixture, fixture->token, "PUT", own, "{\"enabled\":1}", 400, 10060);
}

static void
an_output_belongs_to_its_input (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = make_input (fixture), *other = make_input (fixture);
  g_autoptr (JsonObject) made = api_call (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  const gchar *uid = json_object_get_string_member (api_get_result (made), "uid");
  g_autofree gchar *wrong = g_strconcat (other, "/", uid, NULL);
  g_autofree gchar *input = g_strndup (path, strlen (path) - strlen ("/outputs"));
  g_autoptr (JsonObject) none = api_call (fixture, fixture->token, "GET", other, NULL, 200, 0);

  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (none, "result")), ==, 0);
  api_expect (fixture, fixture->token, "PUT", wrong, "{}", 404, 10003);
  api_expect (fixture, fixture->token, "DELETE", wrong, NULL, 404, 10003);
  /* and goes with it */
  api_expect (fixture, fixture->token, "DELETE", input, NULL, 200, 0);
  api_expect (fixture, fixture->token, "GET", path, NULL, 404, 10003);
}

static void
what_cannot_be_relayed_to_is_refused (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *body, *pointer;
  } cases[] = {
      {"{\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://a.example/app\"}", "/streamKey"},
      {"{\"url\":\"rtmp://a.example/app\",\"streamKey\":\"\"}", "/streamKey"},
      {"{\"url\":\"rtmp://a.example/app\",\"streamKey\":\"a b\"}", "/streamKey"},
      {"{\"url\":\"rtmp://a.example/app\",\"streamKey\":\"a\\nb\"}", "/streamKey"},
      {"{\"url\":\"http://a.example/app\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"file:///etc/passwd\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp:///app\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://u:p@a.example/app\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://a.example:0/app\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://a.example:70000/app\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://a.example/app#x\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"a.example\",\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":5,\"streamKey\":\"k\"}", "/url"},
      {"{\"url\":\"rtmp://a.example/app\",\"streamKey\":\"k\",\"uid\":\"x\"}", "/uid"},
  };
  g_autofree gchar *path = make_input (fixture);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) envelope =
        api_call (fixture, fixture->token, "POST", path, cases[i].body, 400, 10060);

    g_test_message ("%s", cases[i].body);
    g_assert_cmpstr (api_get_pointer (envelope), ==, cases[i].pointer);
  }
  api_expect (fixture, fixture->token, "POST", path,
      "{\"url\":\"srt://[2001:db8::1]:778?streamid=x\"}", 200, 0);
}

static void
an_input_has_as_many_outputs_as_the_limit (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = make_input (fixture);

  fixture->config->limits.outputs_per_input = 2;
  api_expect (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  api_expect (fixture, fixture->token, "POST", path, GOOD, 200, 0);
  api_expect (fixture, fixture->token, "POST", path, GOOD, 409, 20007);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                   \
  g_test_add ("/api/outputs/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (an_output_is_made_listed_switched_and_deleted);
  TEST (what_happens_to_an_output_is_in_the_event_log);
  TEST (only_enabled_can_be_changed);
  TEST (an_output_belongs_to_its_input);
  TEST (what_cannot_be_relayed_to_is_refused);
  TEST (an_input_has_as_many_outputs_as_the_limit);
  return g_test_run ();
}
