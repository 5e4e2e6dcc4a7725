/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

enum {
  MASTERING_NUMBERS = 10,
};

/* in the order of the structure; the last two are the luminances */
static guint16 *
chromaticity (WeirColour *colour, guint index)
{
  return index < 6 ? &colour->display_primaries[index / 2][index % 2]
                   : &colour->white_point[index - 6];
}

gchar *
weir_colour_to_text (const WeirColour *colour)
{
  WeirColour copy = *colour;
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%u:%u:%u:%u", colour->primaries, colour->transfer, colour->matrix,
      colour->full_range ? 1 : 0);
  if (colour->has_mastering || colour->has_light_level)
    g_string_append_c (text, '/');
  if (colour->has_mastering) {
    for (guint i = 0; i < MASTERING_NUMBERS - 2; i++)
      g_string_append_printf (text, "%u:", *chromaticity (&copy, i));
    g_string_append_printf (text, "%u:%u", colour->luminance_max, colour->luminance_min);
  }
  if (colour->has_light_level)
    g_string_append_printf (
        text, "/%u:%u", colour->content_light_max, colour->picture_average_light_max);
  return g_string_free (text, FALSE);
}

/* exactly @count numbers */
static gboolean
read_numbers (const gchar *text, const guint64 *most, guint count, guint64 *numbers)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", (gint) count + 1);

  if (g_strv_length (parts) != count)
    return FALSE;
  for (guint i = 0; i < count; i++) {
    if (!g_ascii_string_to_unsigned (parts[i], 10, 0, most[i], &numbers[i], NULL))
      return FALSE;
  }
  return TRUE;
}

gboolean
weir_colour_from_text (const gchar *text, WeirColour *out)
{
  static const guint64 most_points[] = {255, 255, 255, 1};
  static const guint64 most_mastering[MASTERING_NUMBERS] = {G_MAXUINT16, G_MAXUINT16, G_MAXUINT16,
      G_MAXUINT16, G_MAXUINT16, G_MAXUINT16, G_MAXUINT16, G_MAXUINT16, G_MAXUINT32, G_MAXUINT32};
  static const guint64 most_light[] = {G_MAXUINT16, G_MAXUINT16};
  g_auto (GStrv) parts = g_strsplit (text, "/", 4);
  guint length = g_strv_length (parts);
  guint64 numbers[MASTERING_NUMBERS];
  WeirColour colour = {0};

  if (length < 1 || length > 3 || !read_numbers (parts[0], most_points, 4, numbers))
    return FALSE;
  colour.primaries = (guint8) numbers[0];
  colour.transfer = (guint8) numbers[1];
  colour.matrix = (guint8) numbers[2];
  colour.full_range = numbers[3] != 0;
  if (length == 2 || (length > 2 && *parts[1] != '\0')) {
    if (!read_numbers (parts[1], most_mastering, MASTERING_NUMBERS, numbers))
      return FALSE;
    colour.has_mastering = TRUE;
    for (guint i = 0; i < MASTERING_NUMBERS - 2; i++)
      *chromaticity (&colour, i) = (guint16) numbers[i];
    colour.luminance_max = (guint32) numbers[8];
    colour.luminance_min = (guint32) numbers[9];
  }
  if (length > 2) {
    if (!read_numbers (parts[2], most_light, 2, numbers))
      return FALSE;
    colour.has_light_level = TRUE;
    colour.content_light_max = (guint16) numbers[0];
    colour.picture_average_light_max = (guint16) numbers[1];
  }
  *out = colour;
  return TRUE;
}
