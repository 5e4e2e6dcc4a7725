/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/envelope.h"

#include "api/json.h"

#include <string.h>

/* what is around a result, about */
#define ENVELOPE_SIZE 256

static WeirHttpResponse *
make_response (guint status, const GString *json)
{
  g_autoptr (GBytes) body = g_bytes_new (json->str, json->len);
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_body (response, "application/json", body);
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  return response;
}

void
weir_api_succeed_with (
    WeirHttpRequest *request, const gchar *result, const gchar *messages, const gchar *more)
{
  g_autoptr (GString) json = g_string_sized_new (strlen (result) + ENVELOPE_SIZE);

  g_string_append (json, "{\"result\":");
  g_string_append (json, result);
  g_string_append (json, ",\"success\":true,\"errors\":[],\"messages\":[");
  g_string_append (json, messages != NULL ? messages : "");
  g_string_append_c (json, ']');
  if (more != NULL) {
    g_string_append_c (json, ',');
    g_string_append (json, more);
  }
  g_string_append_c (json, '}');
  weir_http_request_respond (request, make_response (200, json));
}

void
weir_api_add_message (GString *messages, gint code, const gchar *message)
{
  weir_json_begin_object (messages, NULL);
  weir_json_add_int (messages, "code", code);
  weir_json_add_string (messages, "message", message);
  weir_json_end_object (messages);
}

gboolean
weir_api_page_has (const WeirApiPage *self, guint64 index)
{
  guint64 first = (guint64) (self->page - 1) * self->per_page;

  return index >= first && index - first < self->per_page;
}

gchar *
weir_api_page_describe (const WeirApiPage *self, guint64 total)
{
  g_autoptr (GString) json = g_string_new (NULL);
  guint64 first = (guint64) (self->page - 1) * self->per_page;

  weir_json_begin_object (json, "result_info");
  weir_json_add_int (json, "page", self->page);
  weir_json_add_int (json, "per_page", self->per_page);
  weir_json_add_int (
      json, "count", total > first ? (gint64) MIN (total - first, self->per_page) : 0);
  weir_json_add_int (json, "total_count", (gint64) total);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

WeirHttpResponse *
weir_api_failure (guint status, gint code, const gchar *message, const gchar *pointer)
{
  g_autoptr (GString) json = g_string_sized_new (ENVELOPE_SIZE);

  weir_json_begin_object (json, NULL);
  weir_json_add_null (json, "result");
  weir_json_add_boolean (json, "success", FALSE);
  weir_json_begin_array (json, "errors");
  weir_json_begin_object (json, NULL);
  weir_json_add_int (json, "code", code);
  weir_json_add_string (json, "message", message);
  if (pointer != NULL) {
    weir_json_begin_object (json, "source");
    weir_json_add_string (json, "pointer", pointer);
    weir_json_end_object (json);
  }
  weir_json_end_object (json);
  weir_json_end_array (json);
  weir_json_add_null (json, "messages");
  weir_json_end_object (json);
  return make_response (status, json);
}

void
weir_api_fail (
    WeirHttpRequest *request, guint status, gint code, const gchar *message, const gchar *pointer)
{
  weir_http_request_respond (request, weir_api_failure (status, code, message, pointer));
}
