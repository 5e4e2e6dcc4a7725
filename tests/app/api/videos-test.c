/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/videos.h"

#include "../support/app-fixture.h"

/* uids of the recordings of a test, oldest first */
#define FIRST "11111111111111111111111111111111"
#define SECOND "22222222222222222222222222222222"
#define THIRD "33333333333333333333333333333333"
#define HIDDEN "44444444444444444444444444444444"
#define INPUT "fedcba9876543210fedcba9876543210"
/* 2026-01-01T00:00:00Z; each next one a day later */
#define CREATED G_GINT64_CONSTANT (1767225600000000)
#define DAY (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

static void
keep_result (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
make (AppFixture *fixture, const gchar *uid, guint day, const gchar *name, const gchar *creator,
    gboolean ended, gboolean recorded)
{
  g_autofree gchar *settings = g_strdup_printf ("{\"meta\":{\"name\":\"%s\"}}", name);
  WeirBroadcastRecord record = {.uid = (gchar *) uid,
      .input = (gchar *) INPUT,
      .account = (gchar *) "acc",
      .recorded = recorded,
      .created_us = CREATED + day * DAY,
      .modified_us = CREATED + day * DAY,
      .name = (gchar *) name,
      .creator = (gchar *) creator,
      .settings = settings};
  WeirSegmentCommit commit = {
      .number = 0, .entry = "{}", .committed = "{}", .size = 1000, .duration_us = 30000000};
  g_autoptr (GAsyncResult) begun = NULL, committed = NULL, over = NULL;
  g_autoptr (WeirBroadcastRecord) owned = NULL;
  g_autoptr (GError) error = NULL;

  weir_store_begin_broadcast (fixture->store, &record, keep_result, &begun);
  wait_for (&begun);
  owned = weir_store_begin_broadcast_finish (fixture->store, begun, &error);
  g_assert_no_error (error);
  weir_store_commit_segment (fixture->store, uid, owned->epoch, &commit, keep_result, &committed);
  wait_for (&committed);
  if (!ended)
    return;
  weir_store_end_broadcast (
      fixture->store, uid, owned->epoch, WEIR_BROADCAST_READY, NULL, keep_result, &over);
  wait_for (&over);
  g_assert_true (weir_store_end_broadcast_finish (fixture->store, over, &error));
}

static void
make_some (AppFixture *fixture)
{
  make (fixture, FIRST, 0, "Morning", "ann", TRUE, TRUE);
  make (fixture, SECOND, 1, "Noon show", "bob", TRUE, TRUE);
  make (fixture, THIRD, 2, "Evening show", "ann", FALSE, TRUE);
  make (fixture, HIDDEN, 3, "Night show", "ann", TRUE, FALSE);
}

/* Returns: (transfer full): the envelope */
static JsonObject *
call (AppFixture *fixture, const gchar *method, const gchar *path, const gchar *body, guint status)
{
  g_autofree gchar *whole = g_strconcat (fixture->account, path, NULL);
  g_auto (AppAnswer) answer = app_fixture_call (fixture, method, whole, body, fixture->token, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize size;
  const gchar *text = g_bytes_get_data (answer.body, &size);

  if (soup_message_get_status (answer.message) != status)
    g_error ("%s %s: expected %u, got %u: %.*s", method, path, status,
        soup_message_get_status (answer.message), (gint) size, text);
  g_assert_true (json_parser_load_from_data (parser, text, (gssize) size, NULL));
  return json_object_ref (json_node_get_object (json_parser_get_root (parser)));
}

/* the first digit of each uid that is listed */
static gchar *
list (AppFixture *fixture, const gchar *query)
{
  g_autoptr (JsonObject) envelope = call (fixture, "GET", query, NULL, 200);
  JsonArray *videos = json_object_get_array_member (envelope, "result");
  GString *digits = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (videos); i++)
    g_string_append_c (digits,
        json_object_get_string_member (json_array_get_object_element (videos, i), "uid")[0]);
  return g_string_free (digits, FALSE);
}

static const gchar *
get_pointer (JsonObject *envelope)
{
  JsonObject *error =
      json_array_get_object_element (json_object_get_array_member (envelope, "errors"), 0);

  return json_object_get_string_member (json_object_get_object_member (error, "source"), "pointer");
}

static void
lists_have_what_is_asked_for (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *query, *uids;
  } cases[] = {
      {"", "321"},
      {"?asc=true", "123"},
      {"?asc=false&limit=2", "32"},
      {"?status=live-inprogress", "3"},
      {"?status=ready", "21"},
      {"?status=inprogress", ""},
      {"?status=pendingupload", ""},
      {"?type=live", "3"},
      {"?type=vod", "21"},
      {"?type=vod&status=live-inprogress", ""},
      {"?creator=ann", "31"},
      {"?search=SHOW", "32"},
      {"?video_name=Morning", "1"},
      {"?name=Noon%20show", "2"},
      {"?id=" SECOND, "2"},
      {"?live_input_id=" INPUT, "321"},
      {"?live_input_id=" FIRST, ""},
      {"?start=2026-01-02T00:00:00Z", "32"},
      {"?after=2026-01-02T00:00:00Z", "32"},
      {"?end=2026-01-02T00:00:00Z", "1"},
      {"?before=2026-01-02T00:00:00Z&asc=true", "1"},
  };

  make_some (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *uids = list (fixture, cases[i].query);

    g_test_message ("%s", cases[i].query);
    g_assert_cmpstr (uids, ==, cases[i].uids);
  }
}

static void
what_cannot_be_asked_for_is_pointed_at (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *query, *pointer;
  } cases[] = {
      {"?limit=0", "/limit"},
      {"?limit=1001", "/limit"},
      {"?limit=x", "/limit"},
      {"?asc=1", "/asc"},
      {"?include_counts=yes", "/include_counts"},
      {"?status=live", "/status"},
      {"?type=all", "/type"},
      {"?start=yesterday", "/start"},
      {"?after=2026", "/after"},
      {"?before=never", "/before"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) envelope = call (fixture, "GET", cases[i].query, NULL, 400);

    g_assert_cmpstr (get_pointer (envelope), ==, cases[i].pointer);
  }
}

static void
counts_are_of_all_that_match (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) envelope = NULL;

  make_some (fixture);
  envelope = call (fixture, "GET", "?include_counts=true&limit=2", NULL, 200);
  g_assert_cmpint (json_object_get_int_member (envelope, "total"), ==, 3);
  g_assert_cmpint (json_object_get_int_member (envelope, "range"), ==, 2);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (envelope, "result")), ==, 2);
}

static void
an_edit_changes_what_it_says_and_nothing_else (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) edited = NULL, again = NULL;
  JsonObject *video;

  make_some (fixture);
  edited = call (fixture, "POST", "/" FIRST,
      "{\"meta\":{\"name\":\"Dawn\",\"n\":1},\"creator\":\"cy\",\"allowedOrigins\":[\"a.example\"],"
      "\"scheduledDeletion\":\"2100-01-01T00:00:00Z\",\"thumbnailTimestampPct\":0.5,"
      "\"publicDetails\":{\"title\":\"T\",\"logo\":null},\"requireSignedURLs\":false}",
      200);
  video = json_object_get_object_member (edited, "result");
  g_assert_cmpstr (json_object_get_string_member (video, "creator"), ==, "cy");
  g_assert_cmpstr (json_object_get_string_member (video, "scheduledDeletion"), ==,
      "2100-01-01T00:00:00.000000Z");
  again = call (fixture, "POST", "/" FIRST, "{\"scheduledDeletion\":null}", 200);
  video = json_object_get_object_member (again, "result");
  g_assert_true (json_object_get_null_member (video, "scheduledDeletion"));
  g_assert_cmpstr (json_object_get_string_member (video, "creator"), ==, "cy");
  g_assert_cmpfloat (json_object_get_double_member (video, "thumbnailTimestampPct"), ==, 0.5);
  g_assert_cmpstr (json_object_get_string_member (
                       json_object_get_object_member (video, "publicDetails"), "title"),
      ==, "T");
  {
    g_autofree gchar *found = list (fixture, "?video_name=Dawn");
    g_assert_cmpstr (found, ==, "1");
  }
}

static void
an_edit_that_is_wrong_is_refused_and_changes_nothing (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *body, *pointer;
    guint status;
  } cases[] = {
      {"{\"creator\":\"x\",\"meta\":7}", "/meta", 400},
      {"{\"creator\":\"x\",\"colour\":1}", "/colour", 400},
      {"{\"creator\":7}", "/creator", 400},
      {"{\"allowedOrigins\":[\"https://a/\"]}", "/allowedOrigins/0", 400},
      {"{\"requireSignedURLs\":true}", "/requireSignedURLs", 501},
      {"{\"scheduledDeletion\":\"2001-01-01T00:00:00Z\"}", "/scheduledDeletion", 400},
      {"{\"thumbnailTimestampPct\":1.5}", "/thumbnailTimestampPct", 400},
      {"{\"publicDetails\":{\"colour\":\"\"}}", "/publicDetails/colour", 400},
      {"{\"maxDurationSeconds\":1}", "/maxDurationSeconds", 501},
      {"{\"uploadExpiry\":null}", "/uploadExpiry", 501},
  };
  g_autofree gchar *found = NULL;

  make_some (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) envelope =
        call (fixture, "POST", "/" FIRST, cases[i].body, cases[i].status);

    g_assert_cmpstr (get_pointer (envelope), ==, cases[i].pointer);
  }
  found = list (fixture, "?creator=ann");
  g_assert_cmpstr (found, ==, "31");
}

static void
what_is_not_recorded_is_no_video (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar hidden[] = "/" HIDDEN;
  const gchar *const paths[] = {hidden, "/55555555555555555555555555555555", "/x"};

  make_some (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (JsonObject) got = call (fixture, "GET", paths[i], NULL, 404);
    g_autoptr (JsonObject) edited = call (fixture, "POST", paths[i], "{}", 404);
    g_autoptr (JsonObject) deleted = call (fixture, "DELETE", paths[i], NULL, 404);

    g_assert_true (got != NULL && edited != NULL && deleted != NULL);
  }
}

static void
usage_counts_what_is_live_until_it_is_deleted (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) all = NULL, creators = NULL, deleted = NULL, rest = NULL;

  make_some (fixture);
  all = json_object_ref (
      json_object_get_object_member (call (fixture, "GET", "/storage-usage", NULL, 200), "result"));
  g_assert_cmpint (json_object_get_int_member (all, "videoCount"), ==, 3);
  g_assert_cmpfloat (json_object_get_double_member (all, "totalStorageMinutes"), ==, 1.5);
  creators = call (fixture, "GET", "/storage-usage?creator=bob", NULL, 200);
  g_assert_cmpint (
      json_object_get_int_member (json_object_get_object_member (creators, "result"), "videoCount"),
      ==, 1);
  deleted = call (fixture, "DELETE", "/" THIRD, NULL, 200);
  g_assert_cmpstr (json_object_get_string_member (deleted, "result"), ==, "");
  rest = call (fixture, "GET", "/storage-usage", NULL, 200);
  g_assert_cmpint (
      json_object_get_int_member (json_object_get_object_member (rest, "result"), "videoCount"), ==,
      2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) \
  g_test_add (    \
      "/api/videos/" #name, AppFixture, NULL, app_fixture_set_up, name, app_fixture_tear_down)
  ADD (lists_have_what_is_asked_for);
  ADD (what_cannot_be_asked_for_is_pointed_at);
  ADD (counts_are_of_all_that_match);
  ADD (an_edit_changes_what_it_says_and_nothing_else);
  ADD (an_edit_that_is_wrong_is_refused_and_changes_nothing);
  ADD (what_is_not_recorded_is_no_video);
  ADD (usage_counts_what_is_live_until_it_is_deleted);
  return g_test_run ();
}
