/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "app-fixture.h"

/* a call of the management API and the envelope of its answer, checked */

/* Returns: (transfer full) */
static inline JsonObject *
api_open_envelope (const AppAnswer *answer, guint status, gint code)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *envelope;
  gsize size;
  const gchar *text = g_bytes_get_data (answer->body, &size);

  if (soup_message_get_status (answer->message) != status)
    g_error ("expected %u, got %u: %.*s", status, soup_message_get_status (answer->message),
        (gint) size, text);
  g_assert_cmpstr (app_answer_header (answer, "Content-Type"), ==, "application/json");
  g_assert_true (json_parser_load_from_data (parser, text, (gssize) size, NULL));
  envelope = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpint (json_object_get_boolean_member (envelope, "success"), ==, status == 200);
  if (status == 200) {
    g_assert_cmpuint (
        json_array_get_length (json_object_get_array_member (envelope, "errors")), ==, 0);
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

/* @path: below /client/v4. Returns: (transfer full): the envelope of a call */
static inline JsonObject *
api_call (AppFixture *fixture, const gchar *token, const gchar *method, const gchar *path,
    const gchar *body, guint status, gint code)
{
  g_autofree gchar *whole = g_strconcat ("/client/v4", path, NULL);
  g_auto (AppAnswer) answer = app_fixture_call (fixture, method, whole, body, token, NULL);

  g_test_message ("%s %s", method, path);
  return api_open_envelope (&answer, status, code);
}

static inline void
api_expect (AppFixture *fixture, const gchar *token, const gchar *method, const gchar *path,
    const gchar *body, guint status, gint code)
{
  json_object_unref (api_call (fixture, token, method, path, body, status, code));
}

/* Returns: (nullable): where the first error points */
static inline const gchar *
api_get_pointer (JsonObject *envelope)
{
  JsonObject *error =
      json_array_get_object_element (json_object_get_array_member (envelope, "errors"), 0);

  if (!json_object_has_member (error, "source"))
    return NULL;
  return json_object_get_string_member (json_object_get_object_member (error, "source"), "pointer");
}

static inline JsonObject *
api_get_result (JsonObject *envelope)
{
  return json_object_get_object_member (envelope, "result");
}

/* Returns: whether a message of that code is beside the result */
static inline gboolean
api_has_message (JsonObject *envelope, gint code)
{
  JsonArray *messages = json_object_get_array_member (envelope, "messages");

  for (guint i = 0; i < json_array_get_length (messages); i++) {
    if (json_object_get_int_member (json_array_get_object_element (messages, i), "code") == code)
      return TRUE;
  }
  return FALSE;
}
