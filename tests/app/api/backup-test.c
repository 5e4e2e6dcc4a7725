/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/backup.h"

#include "../support/app-fixture.h"

#define PATH "/client/v4/accounts/acc/stream/backup"

static guint
count_leftovers (AppFixture *fixture)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const gchar *name;
  guint count = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    count += g_str_has_prefix (name, "backup-");
  return count;
}

static void
a_backup_is_a_database_with_what_there_is (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *inputs = g_strconcat (fixture->account, "/live_inputs", NULL);
  g_autofree gchar *path = g_build_filename (fixture->folder, "copy.db", NULL);
  g_auto (AppAnswer) created =
      app_fixture_call (fixture, "POST", inputs, NULL, fixture->token, NULL);
  g_auto (AppAnswer) answer = app_fixture_call (fixture, "GET", PATH, NULL, fixture->token, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) copy = NULL;

  g_assert_cmpuint (soup_message_get_status (created.message), ==, 200);
  g_assert_cmpuint (soup_message_get_status (answer.message), ==, 200);
  g_assert_cmpstr (app_answer_header (&answer, "Cache-Control"), ==, "no-store");
  g_file_set_contents (
      path, g_bytes_get_data (answer.body, NULL), (gssize) g_bytes_get_size (answer.body), &error);
  g_assert_no_error (error);
  copy = weir_store_sqlite_new (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_leftovers (fixture), ==, 0);
}

static void
a_backup_needs_the_administrators_token (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (AppAnswer) made = app_fixture_call (fixture, "POST", "/client/v4/accounts/acc/tokens",
      "{\"name\":\"all but that\",\"access\":\"write\"}", fixture->token, NULL);
  g_autofree gchar *text =
      g_strndup (g_bytes_get_data (made.body, NULL), g_bytes_get_size (made.body));
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  const gchar *token = json_object_get_string_member (
      json_object_get_object_member (json_node_get_object (root), "result"), "value");
  g_auto (AppAnswer) refused = app_fixture_call (fixture, "GET", PATH, NULL, token, NULL);
  g_auto (AppAnswer) unknown = app_fixture_get (fixture, PATH);

  g_assert_cmpuint (soup_message_get_status (refused.message), ==, 403);
  g_assert_cmpuint (soup_message_get_status (unknown.message), ==, 401);
}

static void
what_an_earlier_daemon_has_left_goes (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "backup-0123.partial", NULL);
  WeirHttpRouter *router = weir_http_router_new ();
  WeirApi api = {.config = fixture->config};

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  weir_backup_add_routes (&api, router);
  g_assert_cmpuint (count_leftovers (fixture), ==, 0);
  weir_http_router_free (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) \
  g_test_add (         \
      "/backup/" #function, AppFixture, NULL, app_fixture_set_up, function, app_fixture_tear_down)
  TEST (a_backup_is_a_database_with_what_there_is);
  TEST (a_backup_needs_the_administrators_token);
  TEST (what_an_earlier_daemon_has_left_goes);
  return g_test_run ();
}
