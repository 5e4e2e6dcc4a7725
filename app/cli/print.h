/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * What the API says, for people: words, numbers and tables. Text of others is made printable, and
 * what is not of the expected type is as if it were not there.
 */

/* Returns: (transfer none): "" for what is not there or no string; @path: members, separated by /
 */
const gchar *weir_json_get_text (JsonObject *object, const gchar *path);
/* Returns: (transfer none) (nullable) */
JsonNode *weir_json_get_node (JsonObject *object, const gchar *path);
JsonObject *weir_json_get_object (JsonNode *node);
/* Returns: (transfer none) (nullable): of @object, NULL for itself */
JsonArray *weir_json_get_array (JsonNode *node, const gchar *path);
/* Returns: (transfer none) (nullable): NULL too when it is no object */
JsonObject *weir_json_get_element (JsonArray *array, guint index);
/* Returns: @absent for what is not there or no number */
gdouble weir_json_get_number (JsonObject *object, const gchar *path, gdouble absent);
gboolean weir_json_get_boolean (JsonObject *object, const gchar *path);

/* Returns: (transfer full): control characters are not for a terminal */
gchar *weir_print_clean (const gchar *text);
/* Returns: (transfer full): "1 h 02 min", "4 min 05 s", "3.2 s"; "" below 0 */
gchar *weir_print_duration (gdouble seconds);
/* Returns: (transfer full): "1.2 GiB" */
gchar *weir_print_size (gdouble bytes);
/* Returns: (transfer full): "2.5 Mbit/s"; "" for 0 */
gchar *weir_print_rate (gdouble bits_per_second);
/* @time: RFC 3339. Returns: (transfer full): local, to the second; "" for what is none */
gchar *weir_print_time (const gchar *time);
/* Returns: seconds from @time to @now_us, wall; below 0 when it lies ahead, or NAN for what is none
 */
gdouble weir_print_age (const gchar *time, gint64 now_us);

typedef enum {
  WEIR_COLOUR_NONE,
  WEIR_COLOUR_GOOD,
  WEIR_COLOUR_WARN,
  WEIR_COLOUR_BAD,
  WEIR_COLOUR_QUIET,
  WEIR_COLOUR_BOLD,
} WeirColour;

/* Returns: TRUE when stdout is a terminal that wants them (NO_COLOR, TERM) */
gboolean weir_print_has_colours (void);

/**
 * WeirTable: rows of cells, columns aligned
 */
typedef struct _WeirTable WeirTable;

/* @titles: separated by |; a column whose title begins with > is aligned to the right */
WeirTable *weir_table_new (const gchar *titles);
void weir_table_free (WeirTable *self);
/* @text: made printable */
void weir_table_add (WeirTable *self, const gchar *text, WeirColour colour);
/* @text: (transfer full): likewise */
void weir_table_take (WeirTable *self, gchar *text, WeirColour colour);
/* a line of its own below the row */
void weir_table_add_note (WeirTable *self, const gchar *text, WeirColour colour);
/**
 * weir_table_to_text:
 * @columns: of the terminal, 0: lines are as long as they are
 *
 * Returns: (transfer full): its lines
 */
gchar *weir_table_to_text (WeirTable *self, guint columns, gboolean colours);
/* the text, or @nothing when there are no rows; for stdout */
void weir_table_print (WeirTable *self, const gchar *nothing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTable, weir_table_free)

G_END_DECLS
