/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/fields.h"

#include "api/envelope.h"
#include "api/json.h"
#include "api/jsonguard.h"

#include <string.h>

#define ORIGINS_MAX 100
#define ORIGIN_SIZE_MAX 253
#define TIME_SIZE_MAX 64

void
weir_fault_clear (WeirFault *self)
{
  g_clear_pointer (&self->message, g_free);
  g_clear_pointer (&self->pointer, g_free);
}

gboolean
weir_fault_set (
    WeirFault *self, guint status, gint code, const gchar *pointer, const gchar *format, ...)
{
  va_list arguments;

  if (self->status != 0)
    return FALSE;
  self->status = status;
  self->code = code;
  self->pointer = g_strdup (pointer);
  va_start (arguments, format);
  self->message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
weir_fault_refuse (WeirFault *self, const gchar *pointer, const gchar *message)
{
  return weir_fault_set (self, 400, WEIR_API_INVALID, pointer, "%s", message);
}

gboolean
weir_fault_refuse_as_missing (WeirFault *self, const gchar *pointer, const gchar *message)
{
  return weir_fault_set (self, 501, WEIR_API_NOT_IMPLEMENTED, pointer, "%s", message);
}

void
weir_fault_answer (const WeirFault *self, WeirHttpRequest *request, WeirCounters *counters)
{
  if (self->limit != NULL)
    weir_counters_add (counters, self->limit);
  weir_api_fail (request, self->status, self->code, self->message, self->pointer);
}

JsonNode *
weir_fields_parse (GBytes *body, guint depth_max, WeirFault *fault)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root;

  if (body == NULL || g_bytes_get_size (body) == 0) {
    root = json_node_new (JSON_NODE_OBJECT);
    json_node_take_object (root, json_object_new ());
    return root;
  }
  root = weir_json_parse (body, depth_max, &error);
  if (root != NULL)
    return root;
  weir_fault_refuse (fault, "", error->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    fault->limit = WEIR_LIMIT_JSON_DEPTH;
  return NULL;
}

gchar *
weir_fields_make_pointer (const gchar *prefix, const gchar *name)
{
  g_autoptr (GString) pointer = g_string_new (name);

  g_string_replace (pointer, "~", "~0", 0);
  g_string_replace (pointer, "/", "~1", 0);
  return g_strdup_printf ("%s/%s", prefix, pointer->str);
}

static gboolean
read_member (const gchar *name, JsonNode *node, const gchar *pointer, const WeirField *fields,
    const gchar *what, gpointer data, WeirFault *fault)
{
  for (const WeirField *field = fields; field->name != NULL; field++) {
    if (strcmp (field->name, name) != 0)
      continue;
    if (field->read != NULL)
      return field->read (node, pointer, data, fault);
    return weir_fault_refuse_as_missing (fault, pointer, field->missing);
  }
  return weir_fault_set (fault, 400, WEIR_API_INVALID, pointer, "is not a field of %s", what);
}

gboolean
weir_fields_read (JsonNode *node, const gchar *pointer, const WeirField *fields, const gchar *what,
    gpointer data, WeirFault *fault)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return weir_fault_refuse (
        fault, pointer, *pointer != '\0' ? "must be an object" : "The body must be a JSON object");
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &member)) {
    g_autofree gchar *at = weir_fields_make_pointer (pointer, name);

    if (!read_member (name, member, at, fields, what, data, fault))
      return FALSE;
  }
  return TRUE;
}

/* ---- values ---- */

gboolean
weir_field_is_boolean (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN;
}

gboolean
weir_field_is_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
is_integer (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64;
}

gboolean
weir_field_read_boolean (JsonNode *node, const gchar *pointer, gboolean *value, WeirFault *fault)
{
  if (!weir_field_is_boolean (node))
    return weir_fault_refuse (fault, pointer, "must be true or false");
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
weir_field_read_number (JsonNode *node, const gchar *pointer, gint64 minimum, gint64 maximum,
    gint64 *value, WeirFault *fault)
{
  if (JSON_NODE_HOLDS_NULL (node)) {
    *value = 0;
    return TRUE;
  }
  if (is_integer (node) && json_node_get_int (node) >= minimum &&
      json_node_get_int (node) <= maximum) {
    *value = json_node_get_int (node);
    return TRUE;
  }
  return weir_fault_set (fault, 400, WEIR_API_INVALID, pointer,
      "must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", or null", minimum,
      maximum);
}

gboolean
weir_field_read_double (JsonNode *node, const gchar *pointer, gdouble minimum, gdouble maximum,
    gdouble *value, WeirFault *fault)
{
  if (is_integer (node) ||
      (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_DOUBLE)) {
    gdouble number = json_node_get_double (node);

    if (number >= minimum && number <= maximum) {
      *value = number;
      return TRUE;
    }
  }
  return weir_fault_set (
      fault, 400, WEIR_API_INVALID, pointer, "must be a number from %g to %g", minimum, maximum);
}

static gboolean
has_size (JsonNode *node, gsize size_min, gsize size_max)
{
  gsize size;

  if (!weir_field_is_string (node))
    return FALSE;
  size = strlen (json_node_get_string (node));
  return size >= size_min && size <= size_max;
}

gboolean
weir_field_read_string (JsonNode *node, const gchar *pointer, gsize size_min, gsize size_max,
    gchar **value, WeirFault *fault)
{
  if (!has_size (node, size_min, size_max))
    return weir_fault_set (fault, 400, WEIR_API_INVALID, pointer,
        "must be a string of %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT " bytes", size_min, size_max);
  g_free (*value);
  *value = g_strdup (json_node_get_string (node));
  return TRUE;
}

gboolean
weir_field_read_nullable_string (JsonNode *node, const gchar *pointer, gsize size_min,
    gsize size_max, gchar **value, WeirFault *fault)
{
  if (JSON_NODE_HOLDS_NULL (node)) {
    g_clear_pointer (value, g_free);
    return TRUE;
  }
  if (!has_size (node, size_min, size_max))
    return weir_fault_set (fault, 400, WEIR_API_INVALID, pointer,
        "must be a string of %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT " bytes, or null", size_min,
        size_max);
  return weir_field_read_string (node, pointer, size_min, size_max, value, fault);
}

gboolean
weir_field_read_choice (JsonNode *node, const gchar *pointer, const gchar *const *choices,
    guint *value, WeirFault *fault)
{
  const gchar *text = weir_field_is_string (node) ? json_node_get_string (node) : NULL;
  g_autoptr (GString) message = g_string_new ("must be");

  for (guint i = 0; choices[i] != NULL; i++) {
    if (text != NULL && strcmp (text, choices[i]) == 0) {
      *value = i;
      return TRUE;
    }
    g_string_append_printf (message, "%s \"%s\"", i > 0 ? " or" : "", choices[i]);
  }
  return weir_fault_refuse (fault, pointer, message->str);
}

gboolean
weir_field_read_time (JsonNode *node, const gchar *pointer, gint64 *value, WeirFault *fault)
{
  g_autoptr (GDateTime) time = NULL;

  if (JSON_NODE_HOLDS_NULL (node)) {
    *value = 0;
    return TRUE;
  }
  if (has_size (node, 1, TIME_SIZE_MAX))
    time = g_date_time_new_from_iso8601 (json_node_get_string (node), NULL);
  if (time == NULL || g_date_time_get_year (time) < 1970)
    return weir_fault_refuse (
        fault, pointer, "must be a time like 2030-01-31T12:00:00Z (RFC 3339), or null");
  *value =
      g_date_time_to_unix (time) * G_USEC_PER_SEC + (gint64) g_date_time_get_microsecond (time);
  return TRUE;
}

gboolean
weir_field_read_object (JsonNode *node, const gchar *pointer, gchar **value, WeirFault *fault)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return weir_fault_refuse (fault, pointer, "must be an object");
  g_free (*value);
  *value = weir_json_from_node (node);
  return TRUE;
}

/* @refused: characters that no string may have */
static gboolean
read_list (JsonNode *node, const gchar *pointer, guint length_max, gsize size_max,
    const gchar *refused, const gchar *element_message, gchar **value, WeirFault *fault)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return weir_fault_refuse (fault, pointer, "must be a list of strings");
  array = json_node_get_array (node);
  if (json_array_get_length (array) > length_max)
    return weir_fault_set (
        fault, 400, WEIR_API_INVALID, pointer, "has more than %u entries", length_max);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    g_autofree gchar *at = g_strdup_printf ("%s/%u", pointer, i);

    if (!has_size (element, 1, size_max) ||
        strpbrk (json_node_get_string (element), refused) != NULL)
      return weir_fault_refuse (fault, at, element_message);
  }
  g_free (*value);
  *value = weir_json_from_node (node);
  return TRUE;
}

gboolean
weir_field_read_strings (JsonNode *node, const gchar *pointer, guint length_max, gsize size_max,
    gchar **value, WeirFault *fault)
{
  g_autofree gchar *message =
      g_strdup_printf ("must be a string of 1 to %" G_GSIZE_FORMAT " bytes", size_max);

  return read_list (node, pointer, length_max, size_max, "", message, value, fault);
}

gboolean
weir_field_read_origins (JsonNode *node, const gchar *pointer, gchar **value, WeirFault *fault)
{
  if (JSON_NODE_HOLDS_NULL (node)) {
    g_clear_pointer (value, g_free);
    return TRUE;
  }
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return weir_fault_refuse (fault, pointer, "must be a list of host names, or null");
  return read_list (node, pointer, ORIGINS_MAX, ORIGIN_SIZE_MAX, "/ \"'\\",
      "must be a host name without scheme and path", value, fault);
}

/* ---- parameters of lists ---- */

gboolean
weir_query_read_boolean (
    WeirHttpRequest *request, const gchar *name, gboolean *value, WeirFault *fault)
{
  const gchar *text = weir_http_request_get_query (request, name);
  g_autofree gchar *pointer = weir_fields_make_pointer ("", name);

  if (text == NULL)
    return TRUE;
  if (!g_str_equal (text, "true") && !g_str_equal (text, "false"))
    return weir_fault_refuse (fault, pointer, "must be true or false");
  *value = g_str_equal (text, "true");
  return TRUE;
}

gboolean
weir_query_read_time (WeirHttpRequest *request, const gchar *name, const gchar *other,
    gint64 *value, WeirFault *fault)
{
  const gchar *used = weir_http_request_get_query (request, name) != NULL ? name : other;
  const gchar *text = weir_http_request_get_query (request, used);
  g_autofree gchar *pointer = weir_fields_make_pointer ("", used);
  g_autoptr (JsonNode) node = NULL;

  if (text == NULL)
    return TRUE;
  node = json_node_init_string (json_node_alloc (), text);
  return weir_field_read_time (node, pointer, value, fault);
}

gboolean
weir_query_read_limit (
    WeirHttpRequest *request, guint limit_default, guint *limit, WeirFault *fault)
{
  const gchar *text = weir_http_request_get_query (request, "limit");
  guint64 number;

  *limit = limit_default;
  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 1, WEIR_QUERY_LIMIT_MAX, &number, NULL))
    return weir_fault_set (fault, 400, WEIR_API_LIMIT, "/limit",
        "must be a whole number from 1 to %u: results are limited to %u entries per request",
        WEIR_QUERY_LIMIT_MAX, WEIR_QUERY_LIMIT_MAX);
  *limit = (guint) number;
  return TRUE;
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
weir_query_read_page (WeirHttpRequest *request, WeirApiPage *page, WeirFault *fault)
{
  WeirApiPage read = {.page = 1, .per_page = 20};

  if (!read_query_number (request, "page", G_MAXINT, &read.page) ||
      !read_query_number (request, "per_page", WEIR_API_PAGE_SIZE_MAX, &read.per_page))
    return weir_fault_refuse (
        fault, NULL, "page must be a number from 1 on, per_page one from 1 to 1000");
  *page = read;
  return TRUE;
}
