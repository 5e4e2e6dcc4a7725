/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/json.h"

#include "api/jsonguard.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE sizeof "2024-02-29T12:34:56.000007Z"

static void
append_string (GString *json, const gchar *text)
{
  static const gchar escaped[] = "\"\\\b\f\n\r\t";
  static const gchar escapes[] = "\"\\bfnrt";
  const gchar *start = text;

  g_string_append_c (json, '"');
  for (; *text != '\0'; text++) {
    const guchar c = (guchar) *text;
    const gchar *found;

    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
      continue;
    g_string_append_len (json, start, text - start);
    start = text + 1;
    found = strchr (escaped, c);
    if (found != NULL) {
      g_string_append_c (json, '\\');
      g_string_append_c (json, escapes[found - escaped]);
    } else {
      g_string_append_printf (json, "\\u%04x", c);
    }
  }
  g_string_append_len (json, start, text - start);
  g_string_append_c (json, '"');
}

/* no value ends with an opening bracket: one is only the last byte before the first member */
static void
begin_value (GString *json, const gchar *name)
{
  if (json->len > 0 && json->str[json->len - 1] != '{' && json->str[json->len - 1] != '[')
    g_string_append_c (json, ',');
  if (name == NULL)
    return;
  append_string (json, name);
  g_string_append_c (json, ':');
}

static void
add_word (GString *json, const gchar *name, const gchar *word)
{
  begin_value (json, name);
  g_string_append (json, word);
}

void
weir_json_begin_object (GString *json, const gchar *name)
{
  add_word (json, name, "{");
}

void
weir_json_end_object (GString *json)
{
  g_string_append_c (json, '}');
}

void
weir_json_begin_array (GString *json, const gchar *name)
{
  add_word (json, name, "[");
}

void
weir_json_end_array (GString *json)
{
  g_string_append_c (json, ']');
}

void
weir_json_add_null (GString *json, const gchar *name)
{
  add_word (json, name, "null");
}

void
weir_json_add_string (GString *json, const gchar *name, const gchar *value)
{
  if (value == NULL) {
    weir_json_add_null (json, name);
    return;
  }
  begin_value (json, name);
  append_string (json, value);
}

void
weir_json_add_boolean (GString *json, const gchar *name, gboolean value)
{
  add_word (json, name, value ? "true" : "false");
}

void
weir_json_add_int (GString *json, const gchar *name, gint64 value)
{
  gchar text[24];

  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  add_word (json, name, text);
}

void
weir_json_add_double (GString *json, const gchar *name, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (value)) {
    weir_json_add_null (json, name);
    return;
  }
  add_word (json, name, g_ascii_dtostr (text, sizeof text, value));
  /* it stays one that is no whole number for who reads it */
  if (strpbrk (text, ".e") == NULL)
    g_string_append (json, ".0");
}

/* @size digits, from @text on */
static void
put_digits (gchar *text, guint size, gint number)
{
  for (; size > 0; number /= 10)
    text[--size] = (gchar) ('0' + number % 10);
}

/* Returns: FALSE beyond the year 9999 */
static gboolean
put_time (gchar text[TIME_SIZE], gint64 wall_us)
{
  time_t seconds = (time_t) (wall_us / G_USEC_PER_SEC);
  struct tm time;

  if (wall_us < 0 || gmtime_r (&seconds, &time) == NULL || time.tm_year > 9999 - 1900)
    return FALSE;
  memcpy (text, "0000-00-00T00:00:00.000000Z", TIME_SIZE);
  put_digits (text, 4, time.tm_year + 1900);
  put_digits (text + 5, 2, time.tm_mon + 1);
  put_digits (text + 8, 2, time.tm_mday);
  put_digits (text + 11, 2, time.tm_hour);
  put_digits (text + 14, 2, time.tm_min);
  put_digits (text + 17, 2, time.tm_sec);
  put_digits (text + 20, 6, (gint) (wall_us % G_USEC_PER_SEC));
  return TRUE;
}

gchar *
weir_json_format_time (gint64 wall_us)
{
  gchar text[TIME_SIZE];

  return put_time (text, wall_us) ? g_strdup (text) : NULL;
}

void
weir_json_add_time (GString *json, const gchar *name, gint64 wall_us)
{
  gchar text[TIME_SIZE];

  weir_json_add_string (json, name, wall_us > 0 && put_time (text, wall_us) ? text : NULL);
}

void
weir_json_add_text (GString *json, const gchar *name, const gchar *text)
{
  if (text != NULL && weir_json_check (text, strlen (text), WEIR_JSON_DEPTH_MAX, NULL))
    add_word (json, name, text);
  else
    weir_json_add_null (json, name);
}

void
weir_json_add_piece (GString *json, const gchar *name, const gchar *text, gsize size)
{
  begin_value (json, name);
  g_string_append_len (json, text, (gssize) size);
}

static void
add_value (GString *json, const gchar *name, JsonNode *node)
{
  switch (json_node_get_value_type (node)) {
  case G_TYPE_STRING:
    weir_json_add_string (json, name, json_node_get_string (node));
    break;
  case G_TYPE_BOOLEAN:
    weir_json_add_boolean (json, name, json_node_get_boolean (node));
    break;
  case G_TYPE_INT64:
    weir_json_add_int (json, name, json_node_get_int (node));
    break;
  case G_TYPE_DOUBLE:
    weir_json_add_double (json, name, json_node_get_double (node));
    break;
  default:
    weir_json_add_null (json, name);
    break;
  }
}

static void
add_members (GString *json, JsonObject *object)
{
  JsonObjectIter members;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init_ordered (&members, object);
  while (json_object_iter_next_ordered (&members, &name, &node))
    weir_json_add_node (json, name, node);
}

void
weir_json_add_node (GString *json, const gchar *name, JsonNode *node)
{
  if (node == NULL || JSON_NODE_HOLDS_NULL (node)) {
    weir_json_add_null (json, name);
  } else if (JSON_NODE_HOLDS_OBJECT (node)) {
    weir_json_begin_object (json, name);
    add_members (json, json_node_get_object (node));
    weir_json_end_object (json);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);

    weir_json_begin_array (json, name);
    for (guint i = 0; i < json_array_get_length (array); i++)
      weir_json_add_node (json, NULL, json_array_get_element (array, i));
    weir_json_end_array (json);
  } else {
    add_value (json, name, node);
  }
}

gchar *
weir_json_from_node (JsonNode *node)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_add_node (json, NULL, node);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

/* ---- reading ---- */

/* @text: at its quote. Returns: (nullable): behind it */
static const gchar *
skip_string (const gchar *text)
{
  for (text++; *text != '"'; text++) {
    if (*text == '\\')
      text++;
    if (*text == '\0')
      return NULL;
  }
  return text + 1;
}

/* Returns: (nullable): behind the value */
static const gchar *
skip_value (const gchar *text)
{
  guint depth = 0;

  while (text != NULL && *text != '\0') {
    gboolean closes = *text == '}' || *text == ']';

    if (depth == 0 && (closes || *text == ','))
      return text;
    if (*text == '{' || *text == '[')
      depth++;
    if (closes)
      depth--;
    text = *text == '"' ? skip_string (text) : text + 1;
    if (closes && depth == 0)
      return text;
  }
  return depth == 0 ? text : NULL;
}

const gchar *
weir_json_next_element (const gchar **at)
{
  const gchar *element = *at + 1;
  const gchar *end;

  if ((**at != '[' && **at != ',') || *element == ']')
    return NULL;
  end = skip_value (element);
  if (end == NULL)
    return NULL;
  *at = end;
  return element;
}

const gchar *
weir_json_find_member (const gchar *object, const gchar *name, gsize *size)
{
  const gsize name_size = strlen (name);
  const gchar *at = object;

  while (*at == (at == object ? '{' : ',') && at[1] == '"') {
    const gchar *key = at + 2;
    const gchar *colon = skip_string (at + 1);
    const gchar *end = colon != NULL && *colon == ':' ? skip_value (colon + 1) : NULL;

    if (end == NULL)
      return NULL;
    if ((gsize) (colon - key) == name_size + 1 && memcmp (key, name, name_size) == 0) {
      if (size != NULL)
        *size = (gsize) (end - colon) - 1;
      return colon + 1;
    }
    at = end;
  }
  return NULL;
}
