/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/envelope.h"

gchar *
weir_api_format_time (gint64 wall_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (wall_us / G_USEC_PER_SEC);
  g_autofree gchar *seconds = NULL;

  if (time == NULL)
    return NULL;
  seconds = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf ("%s.%06uZ", seconds, (guint) (wall_us % G_USEC_PER_SEC));
}

void
weir_api_add_string (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
weir_api_add_boolean (JsonBuilder *builder, const gchar *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

void
weir_api_add_int (JsonBuilder *builder, const gchar *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
weir_api_add_json (JsonBuilder *builder, const gchar *name, const gchar *text)
{
  g_autoptr (JsonNode) node = text != NULL ? json_from_string (text, NULL) : NULL;

  json_builder_set_member_name (builder, name);
  if (node != NULL)
    json_builder_add_value (builder, g_steal_pointer (&node));
  else
    json_builder_add_null_value (builder);
}

void
weir_api_add_time (JsonBuilder *builder, const gchar *name, gint64 wall_us)
{
  g_autofree gchar *text = wall_us > 0 ? weir_api_format_time (wall_us) : NULL;

  weir_api_add_string (builder, name, text);
}

static WeirHttpResponse *
make_response (guint status, JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *text = json_to_string (root, FALSE);
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_text (response, "application/json", text);
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  return response;
}

void
weir_api_succeed (WeirHttpRequest *request, JsonNode *result)
{
  weir_api_succeed_with (request, result, 0, NULL);
}

void
weir_api_succeed_with (WeirHttpRequest *request, JsonNode *result, gint code, const gchar *message)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "result");
  json_builder_add_value (builder, result);
  json_builder_set_member_name (builder, "success");
  json_builder_add_boolean_value (builder, TRUE);
  json_builder_set_member_name (builder, "errors");
  json_builder_begin_array (builder);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "messages");
  json_builder_begin_array (builder);
  if (message != NULL) {
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "code");
    json_builder_add_int_value (builder, code);
    weir_api_add_string (builder, "message", message);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  weir_http_request_respond (request, make_response (200, builder));
}

WeirHttpResponse *
weir_api_failure (guint status, gint code, const gchar *message, const gchar *pointer)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "result");
  json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "success");
  json_builder_add_boolean_value (builder, FALSE);
  json_builder_set_member_name (builder, "errors");
  json_builder_begin_array (builder);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "code");
  json_builder_add_int_value (builder, code);
  weir_api_add_string (builder, "message", message);
  if (pointer != NULL) {
    json_builder_set_member_name (builder, "source");
    json_builder_begin_object (builder);
    weir_api_add_string (builder, "pointer", pointer);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "messages");
  json_builder_add_null_value (builder);
  json_builder_end_object (builder);
  return make_response (status, builder);
}

void
weir_api_fail (
    WeirHttpRequest *request, guint status, gint code, const gchar *message, const gchar *pointer)
{
  weir_http_request_respond (request, weir_api_failure (status, code, message, pointer));
}
