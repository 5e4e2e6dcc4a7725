/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/dump.h"

#include "fileerror.h"

#include <errno.h>
#include <glib/gstdio.h>

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* names begin with the time, so that their order is that of their age */
static void
delete_old (const gchar *folder)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (g_str_has_suffix (name, ".dot"))
      g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i + WEIR_DUMPS_MAX < names->len; i++)
    g_unlink (names->pdata[i]);
}

gchar *
weir_dump_write (
    const gchar *folder, const gchar *name, const gchar *dot, gint64 now_us, GError **error)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (now_us / G_USEC_PER_SEC);
  g_autofree gchar *time = g_date_time_format (seconds, "%Y%m%dT%H%M%S");
  g_autofree gchar *file =
      g_strdup_printf ("%s.%06dZ-%s.dot", time, (gint) (now_us % G_USEC_PER_SEC), name);
  g_autofree gchar *path = g_build_filename (folder, file, NULL);

  if (g_mkdir_with_parents (folder, 0700) < 0) {
    weir_set_file_error (error, errno, "Cannot make", folder);
    return NULL;
  }
  if (!g_file_set_contents_full (path, dot, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
    return NULL;
  delete_old (folder);
  return g_steal_pointer (&path);
}
