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

/* @info: (nullable) (transfer full): result_info */
static void
succeed (WeirHttpRequest *request, JsonNode *result, JsonArray *messages, JsonNode *info)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  JsonNode *list = json_node_new (JSON_NODE_ARRAY);

  if (messages != NULL)
    json_node_set_array (list, messages);
  else
    json_node_take_array (list, json_array_new ());
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "result");
  json_builder_add_value (builder, result);
  weir_api_add_boolean (builder, "success", TRUE);
  json_builder_set_member_name (builder, "errors");
  json_builder_begin_array (builder);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "messages");
  json_builder_add_value (builder, list);
  if (info != NULL) {
    json_builder_set_member_name (builder, "result_info");
    json_builder_add_value (builder, info);
  }
  json_builder_end_object (builder);
  weir_http_request_respond (request, make_response (200, builder));
}

void
weir_api_add_message (JsonArray *messages, gint code, const gchar *message)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "code", code);
  json_object_set_string_member (object, "message", message);
  json_array_add_object_element (messages, object);
}

void
weir_api_succeed (WeirHttpRequest *request, JsonNode *result)
{
  succeed (request, result, NULL, NULL);
}

void
weir_api_succeed_with (WeirHttpRequest *request, JsonNode *result, gint code, const gchar *message)
{
  g_autoptr (JsonArray) messages = json_array_new ();

  if (message != NULL)
    weir_api_add_message (messages, code, message);
  succeed (request, result, messages, NULL);
}

void
weir_api_succeed_with_messages (WeirHttpRequest *request, JsonNode *result, JsonArray *messages)
{
  succeed (request, result, messages, NULL);
}

/* Returns: FALSE when it is there, but not a number from 1 to @maximum */
static gboolean
read_query_number (WeirHttpRequest *request, const gchar *name, guint maximum, guint *value)
{
  const gchar *text = weir_http_request_get_query (request, name);
  guint64 number;

  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 1, maximum, &number, NULL))
    return FALSE;
  *value = (guint) number;
  return TRUE;
}

gboolean
weir_api_read_page (WeirHttpRequest *request, WeirApiPage *page)
{
  *page = (WeirApiPage){.page = 1, .per_page = 20};
  if (read_query_number (request, "page", G_MAXINT, &page->page) &&
      read_query_number (request, "per_page", WEIR_API_PAGE_SIZE_MAX, &page->per_page))
    return TRUE;
  weir_api_fail (request, 400, WEIR_API_INVALID,
      "page must be a number from 1 on, per_page one from 1 to 1000", NULL);
  return FALSE;
}

void
weir_api_succeed_with_page (WeirHttpRequest *request, JsonNode *the_items, const WeirApiPage *page)
{
  g_autoptr (JsonNode) items = the_items;
  JsonArray *all = json_node_get_array (items);
  guint64 total = json_array_get_length (all);
  guint64 first = (guint64) (page->page - 1) * page->per_page;
  g_autoptr (JsonArray) told = json_array_new ();
  JsonObject *info = json_object_new ();
  JsonNode *result = json_node_new (JSON_NODE_ARRAY), *info_node = json_node_new (JSON_NODE_OBJECT);

  for (guint64 i = first; i < MIN (total, first + page->per_page); i++)
    json_array_add_element (told, json_array_dup_element (all, (guint) i));
  json_object_set_int_member (info, "page", page->page);
  json_object_set_int_member (info, "per_page", page->per_page);
  json_object_set_int_member (info, "count", json_array_get_length (told));
  json_object_set_int_member (info, "total_count", (gint64) total);
  json_node_take_object (info_node, info);
  json_node_set_array (result, told);
  succeed (request, result, NULL, info_node);
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
