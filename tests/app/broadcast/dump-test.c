/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/dump.h"

#include "folder.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define NOON_US (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC)

typedef struct {
  gchar *top;
  gchar *folder;
} Fixture;

static void
set_up (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  self->top = g_dir_make_tmp ("weir-dump-XXXXXX", NULL);
  self->folder = g_build_filename (self->top, "dumps", NULL);
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  remove_folder (self->top);
  g_free (self->folder);
  g_free (self->top);
}

static gchar *
write_dump (Fixture *self, const gchar *name, const gchar *dot, gint64 now_us)
{
  g_autoptr (GError) error = NULL;
  gchar *path = weir_dump_write (self->folder, name, dot, now_us, &error);

  g_assert_no_error (error);
  g_assert_nonnull (path);
  return path;
}

static guint
count_files (const gchar *folder)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  guint count = 0;

  g_assert_nonnull (directory);
  while (g_dir_read_name (directory) != NULL)
    count++;
  return count;
}

static void
a_dump_can_be_read_by_its_owner_only (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = write_dump (self, "b1", "digraph pipeline {}", NOON_US + 42);
  g_autofree gchar *base = g_path_get_basename (path), *content = NULL;
  GStatBuf information;

  g_assert_cmpstr (base, ==, "20231114T221320.000042Z-b1.dot");
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "digraph pipeline {}");
  g_assert_cmpint (g_stat (path, &information), ==, 0);
  g_assert_cmpint (information.st_mode & 0777, ==, 0600);
  g_assert_cmpint (g_stat (self->folder, &information), ==, 0);
  g_assert_cmpint (information.st_mode & 0777, ==, 0700);
}

static void
the_newest_ten_are_kept (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *other = g_build_filename (self->folder, "notes.txt", NULL);
  gchar *paths[25];

  /* names of broadcasts say nothing about their age */
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree gchar *name = g_strdup_printf ("%c", 'z' - (gchar) i);

    paths[i] = write_dump (self, name, "digraph pipeline {}", NOON_US + i * G_USEC_PER_SEC / 2);
    if (i == 0)
      g_assert_true (g_file_set_contents (other, "not ours", -1, NULL));
  }
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_assert_cmpint (
        g_file_test (paths[i], G_FILE_TEST_EXISTS), ==, i >= G_N_ELEMENTS (paths) - WEIR_DUMPS_MAX);
    g_free (paths[i]);
  }
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_files (self->folder), ==, WEIR_DUMPS_MAX + 1);
}

static void
a_folder_that_cannot_be_is_an_error (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  /* root may do anything but make a folder of a file */
  g_assert_true (g_file_set_contents (self->folder, "a file", -1, NULL));
  g_assert_null (weir_dump_write (self->folder, "b1", "digraph pipeline {}", NOON_US, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, self->folder));
  g_unlink (self->folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/broadcast/dump/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (a_dump_can_be_read_by_its_owner_only);
  ADD (the_newest_ten_are_kept);
  ADD (a_folder_that_cannot_be_is_an_error);
  return g_test_run ();
}
