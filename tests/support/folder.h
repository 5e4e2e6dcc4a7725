/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>

/* a temporary folder with all that is in it; links are not followed. What goes by itself meanwhile
 * (a database's files when it is closed) may be gone. */
static inline void
remove_folder (const gchar *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const gchar *name;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);

    if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
      remove_folder (child);
    else
      g_assert_true (g_unlink (child) == 0 || errno == ENOENT);
  }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}
