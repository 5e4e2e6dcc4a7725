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
/* @text: a piece of what weir_json_check() has found good */
void weir_json_add_piece (GString *json, const gchar *name, const gchar *text, gsize size);
/* @node: (nullable): nested as deep as weir_json_check() allows */
void weir_json_add_node (GString *json, const gchar *name, JsonNode *node);
/* Returns: (transfer full): json_to_string() escapes U+001F not, and writes 1e22 so that nobody can
 * read it */
gchar *weir_json_from_node (JsonNode *node);

/*
 * JSON that is read where it stands, without a tree: what was written without blanks. Text that is
 * malformed ends early.
 */

/* @at: (inout): an array; then what the next call needs. Returns: (nullable): where an element
 * begins */
const gchar *weir_json_next_element (const gchar **at);
/* @object: where it begins. @size: (out) (optional): of the value. Returns: (nullable): where the
 * member's value begins */
const gchar *weir_json_find_member (const gchar *object, const gchar *name, gsize *size);

G_END_DECLS
