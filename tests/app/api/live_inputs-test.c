/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../support/app-fixture.h"

#define UID_PATTERN "^[0-9a-f]{32}$"

/* Returns: (transfer full): the envelope, checked */
static JsonObject *
open_envelope (const AppAnswer *answer, guint status, gint code)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *envelope;
  gsize size;
  const gchar *text = g_bytes_get_data (answer->body, &size);

  if (soup_message_get_status (answer->message) != status)
    g_error ("expected %u, got %u: %.*s", status, soup_message_get_status (answer->message),
        (gint) size, text);
  g_assert_cmpstr (app_answer_header (answer, "Content-Type"), ==, "application/json");
  g_assert_true (json_parser_load_from_data (parser, text, size, NULL));
  envelope = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpint (json_object_get_boolean_member (envelope, "success"), ==, status == 200);
  if (status == 200) {
    g_assert_cmpuint (
        json_array_get_length (json_object_get_array_member (envelope, "errors")), ==, 0);
    g_assert_cmpuint (
        json_array_get_length (json_object_get_array_member (envelope, "messages")), ==, 0);
  } else {
    JsonObject *error =
        json_array_get_object_element (json_object_get_array_member (envelope, "errors"), 0);

    g_assert_true (json_object_get_null_member (envelope, "result"));
    g_assert_true (json_object_get_null_member (envelope, "messages"));
    g_assert_cmpint (json_object_get_int_member (error, "code"), ==, code);
    g_assert_cmpstr (json_object_get_string_member (error, "message"), !=, "");
  }
  return json_object_ref (envelope);
}

static const gchar *
get_pointer (JsonObject *envelope)
{
  JsonObject *error =
      json_array_get_object_element (json_object_get_array_member (envelope, "errors"), 0);

  if (!json_object_has_member (error, "source"))
    return NULL;
  return json_object_get_string_member (json_object_get_object_member (error, "source"), "pointer");
}

static AppAnswer
call (AppFixture *fixture, const gchar *method, const gchar *path, const gchar *body)
{
  g_autofree gchar *whole = g_strconcat (fixture->account, path, NULL);

  return app_fixture_call (fixture, method, whole, body, fixture->token, NULL);
}

static gchar *
create (AppFixture *fixture, const gchar *body)
{
  g_auto (AppAnswer) answer = call (fixture, "POST", "/live_inputs", body);
  g_autoptr (JsonObject) envelope = open_envelope (&answer, 200, 0);
  JsonObject *result = json_object_get_object_member (envelope, "result");

  return g_strdup (json_object_get_string_member (result, "uid"));
}

static const gchar *
get_string (JsonObject *object, const gchar *member, const gchar *name)
{
  JsonNode *node = json_object_get_member (json_object_get_object_member (object, member), name);

  return JSON_NODE_HOLDS_NULL (node) ? NULL : json_node_get_string (node);
}

static void
a_created_input_has_urls_and_different_secrets (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (AppAnswer) answer = call (fixture, "POST", "/live_inputs",
      "{\"meta\":{\"name\":\"t\"},\"defaultCreator\":\"u\",\"deleteRecordingAfterDays\":45,"
      "\"recording\":{\"mode\":\"off\",\"timeoutSeconds\":180,\"allowedOrigins\":[\"a.example\"]}"
      "}");
  g_autoptr (JsonObject) envelope = open_envelope (&answer, 200, 0);
  JsonObject *result = json_object_get_object_member (envelope, "result");
  const gchar *uid = json_object_get_string_member (result, "uid");
  g_autofree gchar *secret_pattern = g_strdup_printf ("^[0-9a-f]{32}k%s$", uid);
  g_autofree gchar *hls = g_strdup_printf ("%s/%s/manifest/video.m3u8", fixture->base, uid);
  const gchar *secrets[] = {get_string (result, "rtmp", "streamKey"),
      get_string (result, "rtmpsPlayback", "streamKey"), get_string (result, "srt", "passphrase"),
      get_string (result, "srtPlayback", "passphrase")};

  g_assert_true (g_regex_match_simple (UID_PATTERN, uid, 0, 0));
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++) {
    g_assert_true (g_regex_match_simple (secret_pattern, secrets[i], 0, 0));
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (secrets[i], !=, secrets[j]);
  }
  g_assert_cmpstr (get_string (result, "rtmp", "url"), ==, "rtmp://127.0.0.1:1935/live/");
  g_assert_null (get_string (result, "rtmps", "url"));
  g_assert_cmpstr (get_string (result, "rtmps", "streamKey"), ==, secrets[0]);
  g_assert_cmpstr (get_string (result, "srt", "streamId"), ==, uid);
  g_assert_cmpstr (get_string (result, "playback", "hls"), ==, hls);
  g_assert_cmpstr (get_string (result, "meta", "name"), ==, "t");
  g_assert_cmpstr (get_string (result, "recording", "mode"), ==, "off");
  g_assert_cmpint (json_object_get_int_member (result, "deleteRecordingAfterDays"), ==, 45);
  g_assert_true (json_object_get_boolean_member (result, "enabled"));
  g_assert_true (json_object_get_null_member (result, "status"));
  g_assert_false (json_object_has_member (result, "keysRotatedAt"));
  g_assert_false (json_object_has_member (result, "preferLowLatency"));
  g_assert_true (g_regex_match_simple ("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$",
      json_object_get_string_member (result, "created"), 0, 0));
}

static void
what_was_created_is_read_back_and_listed_without_secrets (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (AppAnswer) created = call (fixture, "POST", "/live_inputs", "{\"meta\":{\"a\":[1]}}");
  g_autoptr (JsonObject) envelope = open_envelope (&created, 200, 0);
  JsonObject *result = json_object_get_object_member (envelope, "result");
  g_autofree gchar *path =
      g_strconcat ("/live_inputs/", json_object_get_string_member (result, "uid"), NULL);
  g_auto (AppAnswer) read = call (fixture, "GET", path, NULL);
  g_autofree gchar *second = create (fixture, NULL);
  g_auto (AppAnswer) listed = call (fixture, "GET", "/live_inputs?include_counts=true", NULL);
  g_autoptr (JsonObject) list_envelope = open_envelope (&listed, 200, 0);
  JsonObject *list = json_object_get_object_member (list_envelope, "result");
  JsonArray *inputs = json_object_get_array_member (list, "liveInputs");
  JsonObject *newest = json_array_get_object_element (inputs, 0);

  g_assert_true (g_bytes_equal (created.body, read.body));
  g_assert_cmpuint (json_array_get_length (inputs), ==, 2);
  g_assert_cmpint (json_object_get_int_member (list, "total"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (list, "range"), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (newest, "uid"), ==, second);
  g_assert_cmpuint (json_object_get_size (newest), ==, 6);
  g_assert_null (g_strstr_len (g_bytes_get_data (listed.body, NULL), g_bytes_get_size (listed.body),
      get_string (result, "rtmp", "streamKey")));
}

static void
a_deleted_input_is_gone_and_cut_off (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, "{}");
  g_autofree gchar *path = g_strconcat ("/live_inputs/", uid, NULL);
  g_auto (AppAnswer) deleted = call (fixture, "DELETE", path, NULL);
  g_auto (AppAnswer) read = call (fixture, "GET", path, NULL);
  g_auto (AppAnswer) again = call (fixture, "DELETE", path, NULL);
  g_autoptr (JsonObject) envelope = open_envelope (&deleted, 200, 0);

  g_assert_cmpstr (json_object_get_string_member (envelope, "result"), ==, "");
  g_assert_cmpstr (fixture->manager->revoked, ==, uid);
  json_object_unref (open_envelope (&read, 404, 10003));
  json_object_unref (open_envelope (&again, 404, 10003));
}

static const struct {
  const gchar *name, *body;
  guint status;
  gint code;
  const gchar *pointer;
} refusals[] = {
    {"unknown_field", "{\"nonsense\":1}", 400, 10060, "/nonsense"},
    {"escaped_pointer", "{\"a/b~c\":1}", 400, 10060, "/a~1b~0c"},
    {"misplaced_field", "{\"recording\":{\"deleteRecordingAfterDays\":30}}", 400, 10060,
        "/recording/deleteRecordingAfterDays"},
    {"field_of_recording_outside", "{\"timeoutSeconds\":5}", 400, 10060, "/timeoutSeconds"},
    {"wrong_type", "{\"enabled\":\"yes\"}", 400, 10060, "/enabled"},
    {"meta_not_an_object", "{\"meta\":[]}", 400, 10060, "/meta"},
    {"mode", "{\"recording\":{\"mode\":\"on\"}}", 400, 10060, "/recording/mode"},
    {"timeout_too_long", "{\"recording\":{\"timeoutSeconds\":86401}}", 400, 10060,
        "/recording/timeoutSeconds"},
    {"timeout_not_whole", "{\"recording\":{\"timeoutSeconds\":1.5}}", 400, 10060,
        "/recording/timeoutSeconds"},
    {"days", "{\"deleteRecordingAfterDays\":0}", 400, 10060, "/deleteRecordingAfterDays"},
    {"origin_with_path", "{\"recording\":{\"allowedOrigins\":[\"a\",\"b/c\"]}}", 400, 10060,
        "/recording/allowedOrigins/1"},
    {"signed_urls", "{\"recording\":{\"requireSignedURLs\":true}}", 501, 20001,
        "/recording/requireSignedURLs"},
    {"array", "[]", 400, 10060, ""},
    {"not_json", "name=x", 400, 10060, ""},
    {"trailing_data", "{}{}", 400, 10060, ""},
    {"key_twice", "{\"enabled\":true,\"enabled\":false}", 400, 10060, ""},
    {"invalid_utf8", "{\"meta\":{\"name\":\"\xff\"}}", 400, 10060, ""},
};

static void
one_refusal (AppFixture *fixture, gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data) - 1;
  g_auto (AppAnswer) answer = call (fixture, "POST", "/live_inputs", refusals[index].body);
  g_autoptr (JsonObject) envelope =
      open_envelope (&answer, refusals[index].status, refusals[index].code);
  g_auto (AppAnswer) listed = call (fixture, "GET", "/live_inputs", NULL);
  g_autoptr (JsonObject) list = open_envelope (&listed, 200, 0);

  g_assert_cmpstr (get_pointer (envelope), ==, refusals[index].pointer);
  g_assert_cmpint (
      json_object_get_int_member (json_object_get_object_member (list, "result"), "total"), ==, 0);
}

static void
a_body_over_64_kib_is_413 (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *blanks = g_strnfill (64 * 1024, ' ');
  g_autofree gchar *body = g_strconcat ("{}", blanks, NULL);
  g_auto (AppAnswer) answer = call (fixture, "POST", "/live_inputs", body);

  g_assert_cmpuint (soup_message_get_status (answer.message), ==, 413);
}

static void
access_needs_token_account_and_host (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar mine[] = "/client/v4/accounts/acc/stream/live_inputs";
  static const gchar other[] = "/client/v4/accounts/other/stream/live_inputs";
  const struct {
    const gchar *path, *token, *host;
    guint status;
    gint code;
  } calls[] = {
      {mine, fixture->token, NULL, 200, 0},
      {mine, NULL, NULL, 401, 10000},
      {mine, "", NULL, 401, 10000},
      {mine, "wrong", NULL, 401, 10000},
      {other, "wrong", NULL, 401, 10000},
      {other, fixture->token, NULL, 403, 10000},
      {mine, fixture->token, "localhost", 200, 0},
      {mine, fixture->token, "LOCALHOST:8080", 200, 0},
      {mine, fixture->token, "192.0.2.1:80", 200, 0},
      {mine, fixture->token, "[::1]:80", 200, 0},
      {mine, fixture->token, "evil.example", 403, 20002},
      {mine, fixture->token, "127.0.0.1.evil.example:80", 403, 20002},
  };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++) {
    g_auto (AppAnswer) answer =
        app_fixture_call (fixture, "GET", calls[i].path, NULL, calls[i].token, calls[i].host);

    json_object_unref (open_envelope (&answer, calls[i].status, calls[i].code));
    if (calls[i].status == 401)
      g_assert_cmpstr (app_answer_header (&answer, "WWW-Authenticate"), ==, "Bearer");
  }
}

static void
what_is_not_there_says_so (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *method, *path;
    guint status;
    gint code;
  } calls[] = {
      {"PUT", "/live_inputs/0", 404, 10003},
      {"POST", "/live_inputs/0/rotate_keys", 404, 10003},
      {"POST", "/live_inputs/0/end", 404, 10003},
      {"GET", "/live_inputs/0/outputs", 404, 10003},
      {"GET", "/live_inputs/0/videos", 404, 10003},
      {"GET", "", 501, 20001},
      {"GET", "/keys", 501, 20001},
      {"GET", "/live_inputs/0/nothing/at/all", 404, 7003},
      {"PATCH", "/live_inputs", 405, 20004},
      {"GET", "/live_inputs/0123", 404, 10003},
  };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++) {
    g_auto (AppAnswer) answer = call (fixture, calls[i].method, calls[i].path, NULL);

    json_object_unref (open_envelope (&answer, calls[i].status, calls[i].code));
  }
}

static void
a_running_broadcast_shows_in_the_status (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);
  g_autofree gchar *path = g_strconcat ("/live_inputs/", uid, NULL);
  WeirBroadcastStatus *status = g_new0 (WeirBroadcastStatus, 1);
  g_auto (AppAnswer) answer = {0};
  g_autoptr (JsonObject) envelope = NULL;
  JsonObject *current;

  status->state = WEIR_LIFECYCLE_LIVE;
  status->protocol = g_strdup ("rtmp");
  status->state_since_us = 1;
  g_hash_table_insert (fixture->manager->statuses, g_strdup (uid), status);
  answer = call (fixture, "GET", path, NULL);
  envelope = open_envelope (&answer, 200, 0);
  current = json_object_get_object_member (
      json_object_get_object_member (json_object_get_object_member (envelope, "result"), "status"),
      "current");
  g_assert_cmpstr (json_object_get_string_member (current, "state"), ==, "connected");
  g_assert_cmpstr (json_object_get_string_member (current, "ingestProtocol"), ==, "rtmp");
  g_assert_cmpstr (json_object_get_string_member (current, "statusEnteredAt"), ==,
      "1970-01-01T00:00:00.000001Z");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                       \
  g_test_add ("/api/live_inputs/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (a_created_input_has_urls_and_different_secrets);
  TEST (what_was_created_is_read_back_and_listed_without_secrets);
  TEST (a_deleted_input_is_gone_and_cut_off);
  TEST (a_body_over_64_kib_is_413);
  TEST (access_needs_token_account_and_host);
  TEST (what_is_not_there_says_so);
  TEST (a_running_broadcast_shows_in_the_status);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree gchar *path = g_strdup_printf ("/api/live_inputs/refusal/%s", refusals[i].name);

    g_test_add (path, AppFixture, GUINT_TO_POINTER (i + 1), app_fixture_set_up, one_refusal,
        app_fixture_tear_down);
  }
  return g_test_run ();
}
