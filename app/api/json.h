/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * JSON that is written, as text at once: each function appends one value to @json, with a comma
 * where one is due. What is written is what json-glib would write, without blanks.
 *
 * @name: (nullable): of a member of an object; NULL in an array and of the outermost value
 */
void weir_json_begin_object (GString *json, const gchar *name);
void weir_json_end_object (GString *json);
void weir_json_begin_array (GString *json, const gchar *name);
void weir_json_end_array (GString *json);
void weir_json_add_null (GString *json, const gchar *name);
/* @value: (nullable): valid UTF-8 */
void weir_json_add_string (GString *json, const gchar *name, const gchar *value);
void weir_json_add_boolean (GString *json, const gchar *name, gboolean value);
void weir_json_add_int (GString *json, const gchar *name, gint64 value);
/* what is not finite is null */
void weir_json_add_double (GString *json, const gchar *name, gdouble value);
/* Returns: (transfer full) (nullable): RFC 3339, UTC, microseconds; NULL beyond the year 9999 */
gchar *weir_json_format_time (gint64 wall_us);
/* the same; a time of 0 is null */
void weir_json_add_time (GString *json, const gchar *name, gint64 wall_us);
/* @text: (nullable): a value as it is; null when it is not JSON */
void weir_json_add_text (GString *json, const gchar *name, const gchar *text);
/* @node: (nullable): nested as deep as weir_json_check() allows */
void weir_json_add_node (GString *json, const gchar *name, JsonNode *node);

G_END_DECLS
