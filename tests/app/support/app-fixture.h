/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/app.h"

#include "fake-manager.h"
#include "folder.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

/* all of the daemon's HTTP over a real store, a fake manager, and a real server on port 0 */
typedef struct {
  gchar *folder;
  WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirAuth *auth;
  WeirEvents *events;
  WeirBroadcastManager *manager;
  WeirRecordings *recordings;
  WeirHttpApp *app;
  WeirHttpServer *server;
  SoupSession *session;
  gchar *token;
  gchar *base;    /* http://127.0.0.1:PORT */
  gchar *account; /* /client/v4/accounts/ACCOUNT/stream */
} AppFixture;

static inline void
app_fixture_accounts_known (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static inline void
app_fixture_set_up (AppFixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *database = NULL, *segments = NULL, *token_file = NULL, *state_dir = NULL;
  WeirHttpServerSettings server_settings;
  WeirHttpAppSettings settings = {0};
  const gchar *overrides[] = {NULL, NULL};
  gboolean known = FALSE;

  self->folder = g_dir_make_tmp (NULL, &error);
  g_assert_no_error (error);
  database = g_build_filename (self->folder, "weir.db", NULL);
  segments = g_build_filename (self->folder, "segments", NULL);
  token_file = g_build_filename (self->folder, "token", NULL);
  state_dir = g_strdup_printf ("server.state-dir=%s", self->folder);
  overrides[0] = state_dir;
  g_setenv ("WEIR_CONFIG", "/dev/null", TRUE);
  self->config = weir_config_load ("/dev/null", overrides, &error);
  g_assert_no_error (error);
  self->store = weir_store_sqlite_new (database, &error);
  g_assert_no_error (error);
  self->blobs = weir_blobs_file_new (segments, &error);
  g_assert_no_error (error);
  self->auth = weir_auth_load (self->folder, "acc", token_file, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (token_file, &self->token, NULL, NULL));
  g_strstrip (self->token);
  self->events = weir_events_new (self->store, "acc");
  weir_auth_follow (self->auth, self->store, app_fixture_accounts_known, &known);
  while (!known)
    g_main_context_iteration (NULL, TRUE);
  self->manager = fake_manager_new ();

  settings.config = self->config;
  settings.store = self->store;
  settings.blobs = self->blobs;
  settings.auth = self->auth;
  settings.manager = self->manager;
  settings.events = self->events;
  self->recordings = weir_recordings_new (self->config, self->store, self->blobs, self->manager);
  settings.recordings = self->recordings;
  settings.listeners.rtmp = (gchar *) "[::]:1935";
  self->app = weir_http_app_new (&settings);
  weir_http_server_settings_init (&server_settings);
  server_settings.threads = 2;
  self->server = weir_http_server_new (
      "127.0.0.1:0", &server_settings, weir_http_app_handle, self->app, &error);
  g_assert_no_error (error);
  weir_http_app_add_server (self->app, self->server);
  self->base = g_strdup_printf ("http://%s", weir_http_server_get_addresses (self->server));
  self->account = g_strdup ("/client/v4/accounts/acc/stream");
  self->session = soup_session_new ();
}

static inline void
app_fixture_tear_down (AppFixture *self, G_GNUC_UNUSED gconstpointer data)
{
  weir_http_app_remove_servers (self->app);
  weir_http_server_free (self->server);
  weir_http_app_free (self->app);
  weir_recordings_free (self->recordings);
  fake_manager_free (self->manager);
  weir_events_free (self->events);
  weir_auth_free (self->auth);
  g_object_unref (self->blobs);
  g_object_unref (self->store);
  g_object_unref (self->session);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->folder);
  g_free (self->token);
  g_free (self->base);
  g_free (self->account);
}

typedef struct {
  SoupMessage *message;
  GBytes *body;
} AppAnswer;

static inline void
app_answer_clear (AppAnswer *self)
{
  g_clear_object (&self->message);
  g_clear_pointer (&self->body, g_bytes_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AppAnswer, app_answer_clear)

static inline const gchar *
app_answer_header (const AppAnswer *self, const gchar *name)
{
  return soup_message_headers_get_one (soup_message_get_response_headers (self->message), name);
}

static inline void
app_answer_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppAnswer *answer = user_data;
  g_autoptr (GError) error = NULL;

  answer->body = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  g_assert_no_error (error);
}

/* the main context runs meanwhile: it is the daemon's main thread too. @token: (nullable) */
static inline AppAnswer
app_fixture_call (AppFixture *self, const gchar *method, const gchar *path, const gchar *body,
    const gchar *token, const gchar *host)
{
  g_autofree gchar *url = g_strconcat (self->base, path, NULL);
  AppAnswer answer = {soup_message_new (method, url), NULL};
  SoupMessageHeaders *headers = soup_message_get_request_headers (answer.message);

  if (token != NULL) {
    g_autofree gchar *value = g_strconcat ("Bearer ", token, NULL);

    soup_message_headers_append (headers, "Authorization", value);
  }
  if (host != NULL)
    soup_message_headers_replace (headers, "Host", host);
  if (body != NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

    soup_message_set_request_body_from_bytes (answer.message, "application/json", bytes);
  }
  soup_session_send_and_read_async (
      self->session, answer.message, 0, NULL, app_answer_sent, &answer);
  while (answer.body == NULL)
    g_main_context_iteration (NULL, TRUE);
  return answer;
}

static inline AppAnswer
app_fixture_get (AppFixture *self, const gchar *path)
{
  return app_fixture_call (self, "GET", path, NULL, NULL, NULL);
}
