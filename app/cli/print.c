/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/print.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define GAP 2

/* ---- what the API says ---- */

JsonNode *
weir_json_get_node (JsonObject *object, const gchar *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  JsonNode *node = NULL;

  for (guint i = 0; names[i] != NULL; i++) {
    node = object != NULL ? json_object_get_member (object, names[i]) : NULL;
    object = weir_json_get_object (node);
  }
  return node;
}

JsonObject *
weir_json_get_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
weir_json_get_array (JsonNode *node, const gchar *path)
{
  if (path != NULL)
    node = weir_json_get_node (weir_json_get_object (node), path);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

JsonObject *
weir_json_get_element (JsonArray *array, guint index)
{
  return weir_json_get_object (json_array_get_element (array, index));
}

static JsonNode *
get_value (JsonObject *object, const gchar *path)
{
  JsonNode *node = weir_json_get_node (object, path);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

const gchar *
weir_json_get_text (JsonObject *object, const gchar *path)
{
  JsonNode *node = get_value (object, path);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

gdouble
weir_json_get_number (JsonObject *object, const gchar *path, gdouble absent)
{
  JsonNode *node = get_value (object, path);
  GType type = node != NULL ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : absent;
}

gboolean
weir_json_get_boolean (JsonObject *object, const gchar *path)
{
  JsonNode *node = get_value (object, path);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN &&
         json_node_get_boolean (node);
}

/* ---- words ---- */

gchar *
weir_print_clean (const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  GString *clean = g_string_new (NULL);

  for (const gchar *c = valid; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    g_string_append_unichar (clean, g_unichar_isprint (character) ? character : 0xfffd);
  }
  return g_string_free (clean, FALSE);
}

gchar *
weir_print_duration (gdouble seconds)
{
  gint64 whole;

  /* not a number too */
  if (!(seconds >= 0) || seconds > 1e12)
    return g_strdup ("");
  whole = (gint64) seconds;
  if (seconds < 10)
    return g_strdup_printf ("%.1f s", seconds);
  if (whole < 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", whole);
  if (whole < 3600)
    return g_strdup_printf (
        "%" G_GINT64_FORMAT " min %02" G_GINT64_FORMAT " s", whole / 60, whole % 60);
  if (whole < 86400)
    return g_strdup_printf (
        "%" G_GINT64_FORMAT " h %02" G_GINT64_FORMAT " min", whole / 3600, whole / 60 % 60);
  return g_strdup_printf (
      "%" G_GINT64_FORMAT " d %02" G_GINT64_FORMAT " h", whole / 86400, whole / 3600 % 24);
}

gchar *
weir_print_size (gdouble bytes)
{
  static const gchar *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  guint unit = 0;

  while (bytes >= 1024 && unit + 1 < G_N_ELEMENTS (units)) {
    bytes /= 1024;
    unit++;
  }
  return g_strdup_printf (unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

gchar *
weir_print_rate (gdouble bits_per_second)
{
  if (!(bits_per_second > 0))
    return g_strdup ("");
  if (bits_per_second < 1e6)
    return g_strdup_printf ("%.0f kbit/s", bits_per_second / 1e3);
  return g_strdup_printf ("%.1f Mbit/s", bits_per_second / 1e6);
}

gchar *
weir_print_time (const gchar *time)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_iso8601 (time, NULL);
  g_autoptr (GDateTime) local = date != NULL ? g_date_time_to_local (date) : NULL;

  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M:%S") : g_strdup ("");
}

gdouble
weir_print_age (const gchar *time, gint64 now_us)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_iso8601 (time, NULL);

  if (date == NULL)
    return NAN;
  return (gdouble) (now_us - g_date_time_to_unix (date) * G_USEC_PER_SEC -
                    g_date_time_get_microsecond (date)) /
         G_USEC_PER_SEC;
}

gboolean
weir_print_has_colours (void)
{
  const gchar *none = g_getenv ("NO_COLOR");

  return (none == NULL || *none == '\0') && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0 &&
         isatty (STDOUT_FILENO);
}

/* ---- tables ---- */

typedef struct {
  gchar *text;
  WeirColour colour;
} Cell;

struct _WeirTable {
  GStrv titles;
  guint columns;
  GPtrArray *cells; /* of Cell, row by row */
  GPtrArray *notes; /* of GPtrArray of Cell: below the row of that index */
};

static void
cell_free (gpointer data)
{
  g_free (((Cell *) data)->text);
  g_free (data);
}

WeirTable *
weir_table_new (const gchar *titles)
{
  WeirTable *self = g_new0 (WeirTable, 1);

  self->titles = g_strsplit (titles, "|", -1);
  self->columns = g_strv_length (self->titles);
  self->cells = g_ptr_array_new_with_free_func (cell_free);
  self->notes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
weir_table_free (WeirTable *self)
{
  g_strfreev (self->titles);
  g_ptr_array_unref (self->cells);
  g_ptr_array_unref (self->notes);
  g_free (self);
}

static Cell *
cell_new (const gchar *text, WeirColour colour)
{
  Cell *cell = g_new (Cell, 1);

  cell->text = weir_print_clean (text);
  cell->colour = colour;
  return cell;
}

void
weir_table_add (WeirTable *self, const gchar *text, WeirColour colour)
{
  g_ptr_array_add (self->cells, cell_new (text, colour));
  if (self->cells->len % self->columns == 1 || self->columns == 1)
    g_ptr_array_add (self->notes, g_ptr_array_new_with_free_func (cell_free));
}

void
weir_table_take (WeirTable *self, gchar *text, WeirColour colour)
{
  g_autofree gchar *own = text;

  weir_table_add (self, own, colour);
}

void
weir_table_add_note (WeirTable *self, const gchar *text, WeirColour colour)
{
  if (self->notes->len > 0)
    g_ptr_array_add (self->notes->pdata[self->notes->len - 1], cell_new (text, colour));
}

/* of a terminal */
static guint
get_width (const gchar *text)
{
  guint width = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    gunichar character = g_utf8_get_char (text);

    if (!g_unichar_iszerowidth (character))
      width += g_unichar_iswide (character) ? 2 : 1;
  }
  return width;
}

/* what fits in @columns; 0: all. Returns: how wide that is */
static guint
append_cut (GString *line, const gchar *text, guint columns)
{
  guint width = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    gunichar character = g_utf8_get_char (text);
    guint more = g_unichar_iszerowidth (character) ? 0 : g_unichar_iswide (character) ? 2 : 1;

    if (columns > 0 && width + more > columns)
      break;
    g_string_append_unichar (line, character);
    width += more;
  }
  return width;
}

static const gchar *
get_sequence (WeirColour colour)
{
  static const gchar *const sequences[] = {
      [WEIR_COLOUR_NONE] = "",
      [WEIR_COLOUR_GOOD] = "\033[32m",
      [WEIR_COLOUR_WARN] = "\033[33m",
      [WEIR_COLOUR_BAD] = "\033[31m",
      [WEIR_COLOUR_QUIET] = "\033[2m",
      [WEIR_COLOUR_BOLD] = "\033[1m",
  };

  return sequences[colour];
}

/* @at: (inout): how wide the line is; @columns: as of weir_table_to_text() */
static void
append_cell (GString *text, guint *at, const gchar *content, WeirColour colour, guint columns,
    gboolean colours)
{
  gboolean coloured = colours && colour != WEIR_COLOUR_NONE;

  if (columns > 0 && *at >= columns)
    return;
  if (coloured)
    g_string_append (text, get_sequence (colour));
  *at += append_cut (text, content, columns > 0 ? columns - *at : 0);
  if (coloured)
    g_string_append (text, "\033[0m");
}

static void
append_blanks (GString *text, guint *at, guint count, guint columns)
{
  for (; count > 0 && (columns == 0 || *at < columns); count--, (*at)++)
    g_string_append_c (text, ' ');
}

static gboolean
is_right (const WeirTable *self, guint column)
{
  return self->titles[column][0] == '>';
}

static const gchar *
get_title (const WeirTable *self, guint column)
{
  return self->titles[column] + is_right (self, column);
}

static guint
get_column_width (const WeirTable *self, guint column)
{
  guint width = get_width (get_title (self, column));

  for (guint i = column; i < self->cells->len; i += self->columns)
    width = MAX (width, get_width (((const Cell *) self->cells->pdata[i])->text));
  return width;
}

/* @row: -1: the titles */
static void
append_row (const WeirTable *self, GString *text, gint row, const guint *widths, guint columns,
    gboolean colours)
{
  guint at = 0;

  for (guint i = 0; i < self->columns; i++) {
    const Cell *cell = row >= 0 ? self->cells->pdata[(guint) row * self->columns + i] : NULL;
    const gchar *content = cell != NULL ? cell->text : get_title (self, i);
    guint blanks = widths[i] - get_width (content);

    if (is_right (self, i))
      append_blanks (text, &at, blanks, columns);
    append_cell (
        text, &at, content, cell != NULL ? cell->colour : WEIR_COLOUR_BOLD, columns, colours);
    if (i + 1 == self->columns)
      break;
    append_blanks (text, &at, (is_right (self, i) ? 0 : blanks) + GAP, columns);
  }
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

gchar *
weir_table_to_text (WeirTable *self, guint columns, gboolean colours)
{
  GString *text = g_string_new (NULL);
  g_autofree guint *widths = g_new (guint, self->columns);

  for (guint i = 0; i < self->columns; i++)
    widths[i] = get_column_width (self, i);
  append_row (self, text, -1, widths, columns, colours);
  for (guint i = 0; i < self->cells->len / self->columns; i++) {
    const GPtrArray *notes = self->notes->pdata[i];

    append_row (self, text, (gint) i, widths, columns, colours);
    for (guint k = 0; k < notes->len; k++) {
      const Cell *note = notes->pdata[k];
      guint at = 0;

      append_blanks (text, &at, GAP, columns);
      append_cell (text, &at, note->text, note->colour, columns, colours);
      g_string_append_c (text, '\n');
    }
  }
  return g_string_free (text, FALSE);
}

void
weir_table_print (WeirTable *self, const gchar *nothing)
{
  g_autofree gchar *text = weir_table_to_text (self, 0, weir_print_has_colours ());

  g_print ("%s", self->cells->len > 0 ? text : nothing);
}
