/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/print.h"
#include "config.h"
#include "segment/check.h"

/* commands that ask no daemon */

/* ---- config ---- */

WeirExit
weir_config_print (WeirInvocation *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = weir_config_load (
      self->values[WEIR_OPTION_CONFIG], (const gchar *const *) self->overrides, &error);
  g_autofree gchar *text = NULL;

  if (config == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return WEIR_EXIT_FAILED;
  }
  text = weir_config_to_string (config);
  g_print ("%s", text);
  return WEIR_EXIT_DONE;
}

/* ---- check ---- */

static GBytes *
load (const gchar *name, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;

  if (g_str_has_prefix (name, "http://") || g_str_has_prefix (name, "https://"))
    return weir_client_fetch (name, error);
  file = g_mapped_file_new (name, FALSE, error);
  return file ? g_mapped_file_get_bytes (file) : NULL;
}

static void
print_track (const WeirCheckTrack *track)
{
  gdouble seconds = track->timescale > 0 ? (gdouble) track->duration / track->timescale : 0;

  g_print ("track %u: %s, %" G_GUINT64_FORMAT " samples, %.3f s, decode times %" G_GUINT64_FORMAT
           " to %" G_GUINT64_FORMAT " of 1/%u s, %" G_GUINT64_FORMAT " gaps\n",
      track->track_id, track->video ? "video" : "audio", track->samples, seconds,
      track->first_decode_time, track->end_decode_time, track->timescale, track->gaps);
}

WeirExit
weir_check_files (WeirInvocation *self)
{
  g_autoptr (WeirCheck) check = weir_check_new ();
  GPtrArray *faults;
  GArray *tracks;

  for (guint i = 0; self->operands[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = load (self->operands[i], &error);
    gsize size;
    const guint8 *data;

    if (bytes == NULL) {
      g_printerr ("weir: %s: %s\n", self->operands[i], error->message);
      return WEIR_EXIT_FAILED;
    }
    data = g_bytes_get_data (bytes, &size);
    weir_check_any (check, self->operands[i], data, size);
  }

  faults = weir_check_get_faults (check);
  tracks = weir_check_get_tracks (check);
  for (guint i = 0; i < tracks->len; i++)
    print_track (&g_array_index (tracks, WeirCheckTrack, i));
  for (guint i = 0; i < faults->len; i++) {
    g_autofree gchar *fault = weir_print_clean (faults->pdata[i]);

    g_print ("fault: %s\n", fault);
  }
  if (faults->len > 0)
    return WEIR_EXIT_FAILED;
  g_print ("no faults\n");
  return WEIR_EXIT_DONE;
}
