/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../support/api-envelope.h"

#define UID_PATTERN "^[0-9a-f]{32}$"

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
  g_autoptr (JsonObject) envelope = api_open_envelope (&answer, 200, 0);
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
  g_autoptr (JsonObject) envelope = api_open_envelope (&answer, 200, 0);
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
  g_autoptr (JsonObject) envelope = api_open_envelope (&created, 200, 0);
  JsonObject *result = json_object_get_object_member (envelope, "result");
  g_autofree gchar *path =
      g_strconcat ("/live_inputs/", json_object_get_string_member (result, "uid"), NULL);
  g_auto (AppAnswer) read = call (fixture, "GET", path, NULL);
  g_autofree gchar *second = create (fixture, NULL);
  g_auto (AppAnswer) listed = call (fixture, "GET", "/live_inputs?include_counts=true", NULL);
  g_autoptr (JsonObject) list_envelope = api_open_envelope (&listed, 200, 0);
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

/* page by page, from the newest: each begins before the last of the one before it */
static void
lists_come_in_pages (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  gchar *uids[5];
  g_autofree gchar *before = g_strdup ("");
  gint next = G_N_ELEMENTS (uids) - 1;

  for (guint i = 0; i < G_N_ELEMENTS (uids); i++)
    uids[i] = create (fixture, NULL);
  while (next >= 0) {
    g_autofree gchar *path = g_strconcat ("/live_inputs?limit=2", before, NULL);
    g_auto (AppAnswer) answer = call (fixture, "GET", path, NULL);
    g_autoptr (JsonObject) envelope = api_open_envelope (&answer, 200, 0);
    JsonObject *list = json_object_get_object_member (envelope, "result");
    JsonArray *inputs = json_object_get_array_member (list, "liveInputs");
    guint length = json_array_get_length (inputs);

    g_assert_cmpint (json_object_get_int_member (list, "total"), ==, next + 1);
    g_assert_cmpuint (length, ==, MIN (2, next + 1));
    g_assert_cmpint (json_object_get_int_member (list, "range"), ==, length);
    for (guint i = 0; i < length; i++) {
      JsonObject *input = json_array_get_object_element (inputs, i);

      g_assert_cmpstr (json_object_get_string_member (input, "uid"), ==, uids[next--]);
      g_free (before);
      before = g_strconcat ("&before=", json_object_get_string_member (input, "created"), NULL);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS (uids); i++)
    g_free (uids[i]);
}

static void
a_list_that_cannot_be_asked_for_is_pointed_at (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const queries[] = {"limit=0", "limit=1001", "limit=x", "asc=1",
      "start=yesterday", "after=2026", "end=never", "before=-"};

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    g_autofree gchar *path = g_strconcat ("/live_inputs?", queries[i], NULL);
    g_autofree gchar *name = g_strndup (queries[i], strcspn (queries[i], "="));
    g_autofree gchar *pointer = g_strconcat ("\"pointer\":\"/", name, "\"", NULL);
    g_auto (AppAnswer) answer = call (fixture, "GET", path, NULL);

    g_test_message ("%s", queries[i]);
    g_assert_cmpuint (soup_message_get_status (answer.message), ==, 400);
    g_assert_nonnull (g_strstr_len (
        g_bytes_get_data (answer.body, NULL), g_bytes_get_size (answer.body), pointer));
  }
}

static void
a_deleted_input_is_gone (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, "{}");
  g_autofree gchar *path = g_strconcat ("/live_inputs/", uid, NULL);
  g_auto (AppAnswer) deleted = call (fixture, "DELETE", path, NULL);
  g_auto (AppAnswer) read = call (fixture, "GET", path, NULL);
  g_auto (AppAnswer) again = call (fixture, "DELETE", path, NULL);
  g_autoptr (JsonObject) envelope = api_open_envelope (&deleted, 200, 0);

  g_assert_cmpstr (json_object_get_string_member (envelope, "result"), ==, "");
  json_object_unref (api_open_envelope (&read, 404, 10003));
  json_object_unref (api_open_envelope (&again, 404, 10003));
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
      api_open_envelope (&answer, refusals[index].status, refusals[index].code);
  g_auto (AppAnswer) listed = call (fixture, "GET", "/live_inputs", NULL);
  g_autoptr (JsonObject) list = api_open_envelope (&listed, 200, 0);

  g_assert_cmpstr (api_get_pointer (envelope), ==, refusals[index].pointer);
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

    json_object_unref (api_open_envelope (&answer, calls[i].status, calls[i].code));
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
      {"GET", "/watermarks", 501, 20001},
      {"GET", "/live_inputs/0/nothing/at/all", 404, 7003},
      {"PATCH", "/live_inputs", 405, 20004},
      {"GET", "/live_inputs/0123", 404, 10003},
  };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++) {
    g_auto (AppAnswer) answer = call (fixture, calls[i].method, calls[i].path, NULL);

    json_object_unref (api_open_envelope (&answer, calls[i].status, calls[i].code));
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
  envelope = api_open_envelope (&answer, 200, 0);
  current = json_object_get_object_member (
      json_object_get_object_member (json_object_get_object_member (envelope, "result"), "status"),
      "current");
  g_assert_cmpstr (json_object_get_string_member (current, "state"), ==, "connected");
  g_assert_cmpstr (json_object_get_string_member (current, "ingestProtocol"), ==, "rtmp");
  g_assert_cmpstr (json_object_get_string_member (current, "statusEnteredAt"), ==,
      "1970-01-01T00:00:00.000001Z");
}

/* ---- changes ---- */

#define INPUTS "/accounts/acc/stream/live_inputs"

/* Returns: (transfer full): the envelope of a change of the input */
static JsonObject *
change (AppFixture *fixture, const gchar *uid, const gchar *method, const gchar *what,
    const gchar *body, guint status, gint code)
{
  g_autofree gchar *path = g_strdup_printf (INPUTS "/%s%s", uid, what);

  return api_call (fixture, fixture->token, method, path, body, status, code);
}

static void
set_running (AppFixture *fixture, const gchar *input)
{
  WeirBroadcastStatus *status = g_new0 (WeirBroadcastStatus, 1);

  status->state = WEIR_LIFECYCLE_LIVE;
  status->state_since_us = 1;
  status->uid = g_strdup ("0123456789abcdef0123456789abcdef");
  status->input = g_strdup (input);
  g_hash_table_insert (fixture->manager->statuses, g_strdup (input), status);
}

static void
a_change_keeps_what_it_does_not_name (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture,
      "{\"meta\":{\"name\":\"a\"},\"defaultCreator\":\"c\",\"preferLowLatency\":true,"
      "\"deleteRecordingAfterDays\":40,\"recording\":{\"mode\":\"off\",\"timeoutSeconds\":5,"
      "\"allowedOrigins\":[\"a.example\"],\"hideLiveViewerCount\":true}}");
  g_autoptr (JsonObject) before = change (fixture, uid, "GET", "", NULL, 200, 0);
  g_autoptr (JsonObject) changed =
      change (fixture, uid, "PUT", "", "{\"recording\":{\"timeoutSeconds\":7}}", 200, 0);
  g_autoptr (JsonObject) nothing = change (fixture, uid, "PUT", "", NULL, 200, 0);
  g_autoptr (JsonObject) cleared = change (fixture, uid, "PUT", "",
      "{\"defaultCreator\":null,\"deleteRecordingAfterDays\":null,"
      "\"recording\":{\"allowedOrigins\":null}}",
      200, 0);
  JsonObject *old = api_get_result (before), *now = api_get_result (changed);
  JsonObject *recording = json_object_get_object_member (now, "recording");

  g_assert_cmpstr (get_string (now, "meta", "name"), ==, "a");
  g_assert_cmpstr (json_object_get_string_member (now, "defaultCreator"), ==, "c");
  g_assert_true (json_object_get_boolean_member (now, "preferLowLatency"));
  g_assert_cmpint (json_object_get_int_member (now, "deleteRecordingAfterDays"), ==, 40);
  g_assert_cmpstr (json_object_get_string_member (recording, "mode"), ==, "off");
  g_assert_cmpint (json_object_get_int_member (recording, "timeoutSeconds"), ==, 7);
  g_assert_true (json_object_get_boolean_member (recording, "hideLiveViewerCount"));
  g_assert_cmpstr (
      get_string (now, "rtmp", "streamKey"), ==, get_string (old, "rtmp", "streamKey"));
  g_assert_cmpstr (json_object_get_string_member (now, "created"), ==,
      json_object_get_string_member (old, "created"));
  g_assert_cmpstr (json_object_get_string_member (now, "modified"), >,
      json_object_get_string_member (old, "modified"));
  g_assert_cmpint (
      json_object_get_int_member (
          json_object_get_object_member (api_get_result (nothing), "recording"), "timeoutSeconds"),
      ==, 7);
  g_assert_true (json_object_get_null_member (api_get_result (cleared), "defaultCreator"));
  g_assert_true (
      json_object_get_null_member (api_get_result (cleared), "deleteRecordingAfterDays"));
  g_assert_false (api_has_message (changed, 20008));
}

static void
a_refused_change_changes_nothing (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);
  g_autoptr (JsonObject) refused =
      change (fixture, uid, "PUT", "", "{\"enabled\":false,\"uid\":\"x\"}", 400, 10060);
  g_autoptr (JsonObject) after = change (fixture, uid, "GET", "", NULL, 200, 0);

  g_assert_cmpstr (api_get_pointer (refused), ==, "/uid");
  g_assert_true (json_object_get_boolean_member (api_get_result (after), "enabled"));
}

static void
what_cannot_change_while_live_is_said_to_come_later (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, "{\"recording\":{\"mode\":\"automatic\"}}");
  g_autoptr (JsonObject) later = NULL, same = NULL;

  set_running (fixture, uid);
  later = change (fixture, uid, "PUT", "", "{\"recording\":{\"mode\":\"off\"}}", 200, 0);
  same = change (fixture, uid, "PUT", "", "{\"recording\":{\"mode\":\"off\"}}", 200, 0);
  g_assert_true (api_has_message (later, 20008));
  g_assert_false (api_has_message (same, 20008));
}

static void
an_input_is_disabled_and_enabled (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);

  for (guint i = 0; i < 2; i++) {
    const gboolean enabled = i == 1;
    g_autoptr (JsonObject) changed = change (
        fixture, uid, "PUT", "", enabled ? "{\"enabled\":true}" : "{\"enabled\":false}", 200, 0);

    g_assert_cmpint (
        json_object_get_boolean_member (api_get_result (changed), "enabled"), ==, enabled);
  }
}

static void
rotated_keys_are_all_new (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const paths[] = {"/rotate_keys", "/rotate-keys"};
  static const gchar *const secrets[][2] = {{"rtmp", "streamKey"}, {"rtmpsPlayback", "streamKey"},
      {"srt", "passphrase"}, {"srtPlayback", "passphrase"}};
  g_autofree gchar *uid = create (fixture, NULL);
  g_autoptr (JsonObject) old = change (fixture, uid, "GET", "", NULL, 200, 0);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (JsonObject) new = change (fixture, uid, "POST", paths[i], NULL, 200, 0);

    for (guint j = 0; j < G_N_ELEMENTS (secrets); j++)
      g_assert_cmpstr (get_string (api_get_result (new), secrets[j][0], secrets[j][1]), !=,
          get_string (api_get_result (old), secrets[j][0], secrets[j][1]));
    g_assert_true (json_object_has_member (api_get_result (new), "keysRotatedAt"));
    json_object_unref (g_steal_pointer (&old));
    old = g_steal_pointer (&new);
  }
}

static void
a_running_broadcast_is_ended_another_time_it_is_a_conflict (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);
  g_autoptr (JsonObject) ended = NULL;

  json_object_unref (change (fixture, uid, "POST", "/end", NULL, 409, 20007));
  set_running (fixture, uid);
  ended = change (fixture, uid, "POST", "/end", NULL, 200, 0);
  g_assert_cmpstr (json_object_get_string_member (api_get_result (ended), "videoUID"), ==,
      "0123456789abcdef0123456789abcdef");
}

static void
take_record (GObject *source, GAsyncResult *result, gpointer data)
{
  *(WeirBroadcastRecord **) data =
      weir_store_begin_broadcast_finish (WEIR_STORE (source), result, NULL);
}

static void
take_end (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (weir_store_end_broadcast_finish (WEIR_STORE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

/* a broadcast of @input that was and has ended */
static void
make_past (AppFixture *fixture, const gchar *input, const gchar *uid, gint64 created_us)
{
  WeirBroadcastRecord *record = NULL;
  WeirBroadcastRecord begun = {.uid = (gchar *) uid,
      .input = (gchar *) input,
      .account = (gchar *) "acc",
      .recorded = TRUE,
      .created_us = created_us};
  gboolean ended = FALSE;

  weir_store_begin_broadcast (fixture->store, &begun, take_record, &record);
  while (record == NULL)
    g_main_context_iteration (NULL, TRUE);
  weir_store_end_broadcast (
      fixture->store, uid, record->epoch, WEIR_BROADCAST_READY, NULL, take_end, &ended);
  while (!ended)
    g_main_context_iteration (NULL, TRUE);
  weir_broadcast_record_free (record);
}

static void
past_broadcasts_are_the_history_of_the_status_and_its_videos (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);
  g_autofree gchar *other = create (fixture, NULL);
  g_autoptr (JsonObject) read = NULL, videos = NULL, none = NULL;
  JsonObject *status, *current;
  JsonArray *history, *list;

  make_past (fixture, uid, "11111111111111111111111111111111", 1000000);
  make_past (fixture, uid, "22222222222222222222222222222222", 2000000);
  read = change (fixture, uid, "GET", "", NULL, 200, 0);
  status = json_object_get_object_member (api_get_result (read), "status");
  current = json_object_get_object_member (status, "current");
  history = json_object_get_array_member (status, "history");
  g_assert_cmpstr (json_object_get_string_member (current, "state"), ==, "disconnected");
  g_assert_cmpuint (json_array_get_length (history), ==, 3);
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (history, 0), "statusEnteredAt"),
      ==, "1970-01-01T00:00:02.000000Z");
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (history, 1), "state"), ==,
      "disconnected");
  videos = change (fixture, uid, "GET", "/videos", NULL, 200, 0);
  list = json_object_get_array_member (videos, "result");
  g_assert_cmpuint (json_array_get_length (list), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (list, 0), "uid"),
      ==, "22222222222222222222222222222222");
  none = change (fixture, other, "GET", "/videos", NULL, 200, 0);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (none, "result")), ==, 0);
}

static void
recordings_go_with_their_input_when_that_is_asked_for (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = create (fixture, NULL);
  g_autofree gchar *other = create (fixture, NULL);

  make_past (fixture, uid, "11111111111111111111111111111111", 1000000);
  make_past (fixture, other, "22222222222222222222222222222222", 2000000);
  json_object_unref (change (fixture, uid, "DELETE", "?recordings=all", NULL, 400, 10060));
  json_object_unref (change (fixture, uid, "DELETE", "?recordings=delete", NULL, 200, 0));
  json_object_unref (change (fixture, other, "DELETE", "", NULL, 200, 0));
  api_expect (fixture, fixture->token, "GET",
      "/accounts/acc/stream/11111111111111111111111111111111", NULL, 404, 10003);
  api_expect (fixture, fixture->token, "GET",
      "/accounts/acc/stream/22222222222222222222222222222222", NULL, 200, 0);
}

static void
count_events (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GPtrArray **) data = weir_store_list_events_finish (WEIR_STORE (source), result, NULL);
}

static void
what_happens_to_an_input_is_in_the_event_log (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const types[] = {WEIR_EVENT_INPUT_CREATED, WEIR_EVENT_INPUT_UPDATED,
      WEIR_EVENT_INPUT_KEYS_ROTATED, WEIR_EVENT_INPUT_DELETED};
  g_autofree gchar *uid = create (fixture, NULL);
  GPtrArray *events = NULL;

  json_object_unref (change (fixture, uid, "PUT", "", "{}", 200, 0));
  json_object_unref (change (fixture, uid, "POST", "/rotate_keys", NULL, 200, 0));
  json_object_unref (change (fixture, uid, "DELETE", "", NULL, 200, 0));
  while (events == NULL || events->len < G_N_ELEMENTS (types)) {
    g_clear_pointer (&events, g_ptr_array_unref);
    weir_store_list_events (fixture->store, "acc", 0, 10, count_events, &events);
    while (events == NULL)
      g_main_context_iteration (NULL, TRUE);
  }
  g_assert_cmpuint (events->len, ==, G_N_ELEMENTS (types));
  for (guint i = 0; i < events->len; i++) {
    const WeirEvent *event = events->pdata[i];

    g_assert_cmpstr (event->type, ==, types[i]);
    g_assert_cmpstr (event->input, ==, uid);
  }
  g_ptr_array_unref (events);
}

/* ---- import ---- */

#define UID "0123456789abcdef0123456789abcdef"
#define SECRET(digit)                                                                             \
  digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit \
      digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit   \
          digit "k" UID
#define VENDOR                                                                                   \
  "{\"uid\":\"" UID "\",\"rtmps\":{\"url\":\"rtmps://live.vendor.example:443/live/\","           \
  "\"streamKey\":\"" SECRET (                                                                    \
      "1") "\"},\"rtmpsPlayback\":{\"url\":\"rtmps://x:443/live/\","                             \
           "\"streamKey\":\"" SECRET (                                                           \
               "2") "\"},\"srt\":{\"url\":\"srt://live.vendor.example:778\","                    \
                    "\"streamId\":\"" UID "\",\"passphrase\":\"" SECRET (                        \
                        "3") "\"},"                                                              \
                             "\"srtPlayback\":{\"url\":\"srt://x:778\",\"streamId\":\"play" UID  \
                             "\","                                                               \
                             "\"passphrase\":\"" SECRET (                                        \
                                 "4") "\"},"                                                     \
                                      "\"webRTC\":{\"url\":\"https://c.vendor.example/" SECRET ( \
                                          "5") "/webRTC/publish\"},"                             \
                                               "\"webRTCPlayback\":{\"url\":\"https://"          \
                                               "c.vendor.example/" UID "/webRTC/play\"},"        \
                                               "\"created\":\"2024-01-02T03:04:05.678901Z\","    \
                                               "\"modified\":\"2024-01-02T03:04:05.678901Z\","   \
                                               "\"meta\":{\"name\":\"there\"},\"status\":null,"  \
                                               "\"enabled\":false,"                              \
                                               "\"recording\":{\"mode\":\"automatic\","          \
                                               "\"requireSignedURLs\":false,\"allowedOrigins\":" \
                                               "null,"                                           \
                                               "\"timeoutSeconds\":180,\"hideLiveViewerCount\":" \
                                               "false},\"deleteRecordingAfterDays\":45}"

static void
an_import_keeps_uid_keys_and_settings (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar envelope[] =
      "{\"result\":" VENDOR ",\"success\":true,\"errors\":[],\"messages\":[]}";
  g_autoptr (JsonObject) made =
      api_call (fixture, fixture->token, "POST", INPUTS "/import", envelope, 200, 0);
  JsonObject *input = api_get_result (made);
  g_autoptr (JsonObject) again =
      api_call (fixture, fixture->token, "POST", INPUTS "/import", VENDOR, 409, 20007);
  g_autoptr (JsonObject) read = change (fixture, UID, "GET", "", NULL, 200, 0);

  g_assert_cmpstr (json_object_get_string_member (input, "uid"), ==, UID);
  g_assert_cmpstr (get_string (input, "rtmps", "streamKey"), ==, SECRET ("1"));
  g_assert_cmpstr (get_string (input, "rtmp", "streamKey"), ==, SECRET ("1"));
  g_assert_cmpstr (get_string (input, "rtmpsPlayback", "streamKey"), ==, SECRET ("2"));
  g_assert_cmpstr (get_string (input, "srt", "passphrase"), ==, SECRET ("3"));
  g_assert_cmpstr (get_string (input, "srtPlayback", "passphrase"), ==, SECRET ("4"));
  g_assert_cmpstr (
      json_object_get_string_member (input, "created"), ==, "2024-01-02T03:04:05.678901Z");
  g_assert_false (json_object_get_boolean_member (input, "enabled"));
  g_assert_cmpint (json_object_get_int_member (input, "deleteRecordingAfterDays"), ==, 45);
  g_assert_cmpint (json_object_get_int_member (
                       json_object_get_object_member (input, "recording"), "timeoutSeconds"),
      ==, 180);
  g_assert_false (api_has_message (made, 20010));
  g_assert_cmpstr (api_get_pointer (again), ==, "/uid");
  g_assert_cmpstr (get_string (api_get_result (read), "srt", "passphrase"), ==, SECRET ("3"));
}

static void
credentials_that_an_import_lacks_are_made (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) made =
      api_call (fixture, fixture->token, "POST", INPUTS "/import", "{\"uid\":\"" UID "\"}", 200, 0);

  g_assert_true (api_has_message (made, 20010));
  g_assert_true (
      g_str_has_suffix (get_string (api_get_result (made), "rtmp", "streamKey"), "k" UID));
}

static const struct {
  const gchar *body, *pointer;
} import_refusals[] = {
    {"{}", "/uid"},
    {"{\"uid\":\"0123456789ABCDEF0123456789ABCDEF\"}", "/uid"},
    {"{\"uid\":\"0123\"}", "/uid"},
    {"{\"uid\":\"" UID "\",\"rtmps\":{\"streamKey\":\"short\"}}", "/rtmps/streamKey"},
    {"{\"uid\":\"" UID "\",\"rtmps\":{\"streamKey\":\"x" SECRET ("1") "\"}}", "/rtmps/streamKey"},
    {"{\"uid\":\"1123456789abcdef0123456789abcdef\",\"rtmps\":{\"streamKey\":\"" SECRET (
         "1") "\"}}",
        "/rtmps/streamKey"},
    {"{\"uid\":\"" UID "\",\"rtmp\":{\"streamKey\":\"" SECRET (
         "1") "\"},\"rtmps\":{\"streamKey\":\"" SECRET ("2") "\"}}",
        "/rtmps/streamKey"},
    {"{\"uid\":\"" UID "\",\"srt\":{\"streamId\":\"x\"}}", "/srt/streamId"},
    {"{\"uid\":\"" UID "\",\"srtPlayback\":{\"streamId\":\"" UID "\"}}", "/srtPlayback/streamId"},
    {"{\"uid\":\"" UID "\",\"webRTC\":{\"url\":\"https://x/webRTC/play\"}}", "/webRTC/url"},
    {"{\"uid\":\"" UID "\",\"webRTC\":{\"url\":\"https://x/" UID "/webRTC/publish\"}}",
        "/webRTC/url"},
    {"{\"uid\":\"" UID "\",\"srt\":[]}", "/srt"},
    {"{\"uid\":\"" UID "\",\"colour\":1}", "/colour"},
    {"{\"uid\":\"" UID "\",\"created\":\"yesterday\"}", "/created"},
    {"{\"result\":{\"uid\":1}}", "/result/uid"},
    {"{\"result\":[]}", "/result"},
};

static void
what_is_not_a_live_input_is_not_imported (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) list = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (import_refusals); i++) {
    g_autoptr (JsonObject) envelope = NULL;

    g_test_message ("%s", import_refusals[i].body);
    envelope = api_call (
        fixture, fixture->token, "POST", INPUTS "/import", import_refusals[i].body, 400, 10060);
    g_assert_cmpstr (api_get_pointer (envelope), ==, import_refusals[i].pointer);
  }
  list = api_call (fixture, fixture->token, "GET", INPUTS, NULL, 200, 0);
  g_assert_cmpint (json_object_get_int_member (api_get_result (list), "total"), ==, 0);
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
  TEST (lists_come_in_pages);
  TEST (a_list_that_cannot_be_asked_for_is_pointed_at);
  TEST (a_deleted_input_is_gone);
  TEST (a_body_over_64_kib_is_413);
  TEST (access_needs_token_account_and_host);
  TEST (what_is_not_there_says_so);
  TEST (a_running_broadcast_shows_in_the_status);
  TEST (a_change_keeps_what_it_does_not_name);
  TEST (a_refused_change_changes_nothing);
  TEST (what_cannot_change_while_live_is_said_to_come_later);
  TEST (an_input_is_disabled_and_enabled);
  TEST (rotated_keys_are_all_new);
  TEST (a_running_broadcast_is_ended_another_time_it_is_a_conflict);
  TEST (past_broadcasts_are_the_history_of_the_status_and_its_videos);
  TEST (recordings_go_with_their_input_when_that_is_asked_for);
  TEST (what_happens_to_an_input_is_in_the_event_log);
  TEST (an_import_keeps_uid_keys_and_settings);
  TEST (credentials_that_an_import_lacks_are_made);
  TEST (what_is_not_a_live_input_is_not_imported);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree gchar *path = g_strdup_printf ("/api/live_inputs/refusal/%s", refusals[i].name);

    g_test_add (path, AppFixture, GUINT_TO_POINTER (i + 1), app_fixture_set_up, one_refusal,
        app_fixture_tear_down);
  }
  return g_test_run ();
}
