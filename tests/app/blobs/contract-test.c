/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blobs/blobs.h"

#include "folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* what every backend keeps to; each test runs once per backend */
typedef struct {
  const gchar *name;
  WeirBlobs *(*open) (const gchar *folder, GError **error);
} Backend;

typedef struct {
  const Backend *backend;
  gchar *folder;
  WeirBlobs *blobs;
} Fixture;

static const Backend backends[] = {{"file", weir_blobs_file_new}};

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = NULL;
  g_autoptr (GError) error = NULL;

  fixture->backend = data;
  fixture->folder = g_dir_make_tmp ("weir-blobs-XXXXXX", &error);
  path = g_build_filename (fixture->folder, "a", "segments", NULL);
  fixture->blobs = fixture->backend->open (path, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  g_clear_object (&fixture->blobs);
  remove_folder (fixture->folder);
  g_free (fixture->folder);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  *(GAsyncResult **) data = g_object_ref (result);
}

static gchar *
make_spool (Fixture *fixture, const gchar *content)
{
  static const gchar *const template = "part-XXXXXX";
  g_autofree gchar *path = g_build_filename (weir_blobs_get_spool (fixture->blobs), template, NULL);
  gint fd = g_mkstemp (path);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, strlen (content)), ==, strlen (content));
  close (fd);
  return g_steal_pointer (&path);
}

static gboolean
put_path (Fixture *fixture, const gchar *name, const gchar *path, gboolean durable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  weir_blobs_put (fixture->blobs, name, path, durable, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return weir_blobs_put_finish (fixture->blobs, result, error);
}

static void
put (Fixture *fixture, const gchar *name, const gchar *content)
{
  g_autofree gchar *path = make_spool (fixture, content);
  g_autoptr (GError) error = NULL;

  g_assert_true (put_path (fixture, name, path, TRUE, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static gboolean
remove_names (Fixture *fixture, const gchar *const *names, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GPtrArray *array = g_ptr_array_new_with_free_func (g_free);

  for (; *names != NULL; names++)
    g_ptr_array_add (array, g_strdup (*names));
  weir_blobs_remove (fixture->blobs, array, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return weir_blobs_remove_finish (fixture->blobs, result, error);
}

static void
assert_content (Fixture *fixture, const gchar *name, const gchar *content)
{
  g_autoptr (GError) error = NULL;
  gint fd = weir_blobs_open (fixture->blobs, name, &error);
  gchar data[256];
  gssize size;

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  size = read (fd, data, sizeof data);
  g_assert_cmpmem (data, size, content, strlen (content));
  close (fd);
}

static void
assert_missing (Fixture *fixture, const gchar *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (weir_blobs_open (fixture->blobs, name, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
what_is_put_can_be_opened (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = make_spool (fixture, "quick");
  g_autoptr (GError) error = NULL;

  (void) data;
  assert_missing (fixture, "b1/0-1.m4s");
  put (fixture, "b1/0-1.m4s", "first");
  put (fixture, "b1/0-2.m4s", "second");
  put (fixture, "b2/0-1.m4s", "other");
  g_assert_true (put_path (fixture, "b2/0-2.m4s", path, FALSE, &error));
  assert_content (fixture, "b1/0-1.m4s", "first");
  assert_content (fixture, "b1/0-2.m4s", "second");
  assert_content (fixture, "b2/0-1.m4s", "other");
  assert_content (fixture, "b2/0-2.m4s", "quick");
  assert_missing (fixture, "b1/0-3.m4s");
}

static void
the_same_put_again_succeeds (Fixture *fixture, gconstpointer data)
{
  (void) data;
  put (fixture, "b/1.m4s", "content");
  put (fixture, "b/1.m4s", "content");
  assert_content (fixture, "b/1.m4s", "content");
}

static void
other_content_under_a_taken_name_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = make_spool (fixture, "contents");
  g_autoptr (GError) error = NULL;

  (void) data;
  put (fixture, "b/1.m4s", "content");
  g_assert_false (put_path (fixture, "b/1.m4s", path, TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  assert_content (fixture, "b/1.m4s", "content");
  /* not consumed */
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
a_spool_file_that_is_missing_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_false (put_path (fixture, "b/1.m4s", "/nonexistent/file", TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_missing (fixture, "b/1.m4s");
}

static void
removed_objects_are_gone_and_missing_ones_no_error (Fixture *fixture, gconstpointer data)
{
  const gchar *const some[] = {"b/1.m4s", "b/9.m4s", "none/1.m4s", NULL};
  const gchar *const rest[] = {"b/2.m4s", NULL};
  g_autoptr (GError) error = NULL;

  (void) data;
  put (fixture, "b/1.m4s", "one");
  put (fixture, "b/2.m4s", "two");
  g_assert_true (remove_names (fixture, some, &error));
  g_assert_no_error (error);
  assert_missing (fixture, "b/1.m4s");
  assert_content (fixture, "b/2.m4s", "two");
  g_assert_true (remove_names (fixture, rest, &error));
  assert_missing (fixture, "b/2.m4s");
  put (fixture, "b/1.m4s", "new");
  assert_content (fixture, "b/1.m4s", "new");
}

static void
an_open_object_stays_readable_after_its_removal (Fixture *fixture, gconstpointer data)
{
  const gchar *const names[] = {"b/1.m4s", NULL};
  g_autoptr (GError) error = NULL;
  gchar content[8];
  gint fd;

  (void) data;
  put (fixture, "b/1.m4s", "one");
  fd = weir_blobs_open (fixture->blobs, "b/1.m4s", &error);
  g_assert_true (remove_names (fixture, names, &error));
  g_assert_cmpint (read (fd, content, sizeof content), ==, 3);
  close (fd);
}

static void
names_that_lead_elsewhere_are_refused (Fixture *fixture, gconstpointer data)
{
  const gchar *const names[] = {"", "/", "b", "b/", "/b", "../b", "b/..", "b/.", "./b", "b/.hidden",
      "b//c", "b/c/d", "/etc/passwd", "b/c\n", "b/c d", "b/%2e", "b/\xc3\xa4", "b\\c/d", "spool/x"};

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const gchar *const list[] = {names[i], NULL};
    g_autofree gchar *path = make_spool (fixture, "content");
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (weir_blobs_open (fixture->blobs, names[i], &error), ==, -1);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
    g_clear_error (&error);
    g_assert_false (put_path (fixture, names[i], path, TRUE, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
    g_clear_error (&error);
    g_assert_false (remove_names (fixture, list, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
  }
}

typedef struct {
  guint waiting;
  guint failed;
} Count;

static void
count_put (GObject *source, GAsyncResult *result, gpointer data)
{
  Count *count = data;

  count->failed += weir_blobs_put_finish (WEIR_BLOBS (source), result, NULL) ? 0 : 1;
  count->waiting--;
}

static void
count_remove (GObject *source, GAsyncResult *result, gpointer data)
{
  Count *count = data;

  count->failed += weir_blobs_remove_finish (WEIR_BLOBS (source), result, NULL) ? 0 : 1;
  count->waiting--;
}

static void
puts_and_removals_in_one_folder_do_not_disturb_each_other (Fixture *fixture, gconstpointer data)
{
  Count count = {0, 0};

  (void) data;
  for (guint i = 0; i < 200; i++) {
    g_autofree gchar *name = g_strdup_printf ("b/%u", i);
    g_autofree gchar *path = make_spool (fixture, name);
    GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

    g_ptr_array_add (names, g_strdup ("b/none"));
    count.waiting += 2;
    weir_blobs_put (fixture->blobs, name, path, FALSE, count_put, &count);
    weir_blobs_remove (fixture->blobs, names, count_remove, &count);
    if (i % 4 == 3) {
      names = g_ptr_array_new_with_free_func (g_free);
      while (count.waiting > 0)
        g_main_context_iteration (NULL, TRUE);
      for (guint j = i - 3; j <= i; j++)
        g_ptr_array_add (names, g_strdup_printf ("b/%u", j));
      count.waiting++;
      weir_blobs_remove (fixture->blobs, names, count_remove, &count);
    }
  }
  while (count.waiting > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count.failed, ==, 0);
}

/* what only this backend has */

static void
file_a_symbolic_link_is_not_followed (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *secret = g_build_filename (fixture->folder, "secret", NULL);
  g_autofree gchar *link = g_build_filename (fixture->folder, "a/segments/b/link", NULL);
  g_autofree gchar *folder = g_build_filename (fixture->folder, "a/segments/c", NULL);
  g_autoptr (GError) error = NULL;

  (void) data;
  put (fixture, "b/1", "one");
  g_assert_true (g_file_set_contents (secret, "secret", -1, NULL));
  g_assert_cmpint (symlink (secret, link), ==, 0);
  g_assert_cmpint (symlink (fixture->folder, folder), ==, 0);
  g_assert_cmpint (weir_blobs_open (fixture->blobs, "b/link", &error), ==, -1);
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_cmpint (weir_blobs_open (fixture->blobs, "c/secret", &error), ==, -1);
  g_assert_nonnull (error);
}

static void
file_the_last_object_takes_its_folder_along (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *folder = g_build_filename (fixture->folder, "a/segments/b", NULL);
  const gchar *const one[] = {"b/1", NULL};
  const gchar *const two[] = {"b/2", NULL};

  (void) data;
  put (fixture, "b/1", "one");
  put (fixture, "b/2", "two");
  g_assert_true (remove_names (fixture, one, NULL));
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
  g_assert_true (remove_names (fixture, two, NULL));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

static void
file_a_place_that_is_no_folder_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "file", NULL);
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_null (weir_blobs_file_new (path, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, path));
}

static void
add (const Backend *backend, const gchar *name, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_autofree gchar *path = g_strdup_printf ("/blobs/%s/%s", backend->name, name);

  g_test_add (path, Fixture, backend, set_up, test, tear_down);
}

#define ADD(backend, test) add (backend, #test, test)

static void
a_folder_lists_its_objects_and_no_other (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const folders[] = {"a", "b", "none", "../a", "a/b", ""};
  static const gint counts[] = {2, 1, 0, -1, -1, -1};

  put (fixture, "a/1.m4s", "x");
  put (fixture, "a/2.m4s", "y");
  put (fixture, "b/1.m4s", "z");
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GPtrArray) names = NULL;
    g_autoptr (GError) error = NULL;

    weir_blobs_list (fixture->blobs, folders[i], 0, keep_result, &result);
    while (result == NULL)
      g_main_context_iteration (NULL, TRUE);
    names = weir_blobs_list_finish (fixture->blobs, result, &error);
    if (counts[i] < 0) {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
      continue;
    }
    g_assert_no_error (error);
    g_assert_cmpint ((gint) names->len, ==, counts[i]);
    if (i == 1)
      g_assert_cmpstr (names->pdata[0], ==, "b/1.m4s");
  }
}

static void
a_list_may_be_of_some_objects (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) names = NULL;

  put (fixture, "a/1.m4s", "x");
  put (fixture, "a/2.m4s", "y");
  put (fixture, "a/3.m4s", "y");
  weir_blobs_list (fixture->blobs, "a", 2, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  names = weir_blobs_list_finish (fixture->blobs, result, NULL);
  g_assert_cmpuint (names->len, ==, 2);
}

/* Returns: (transfer full): joined by blanks */
static gchar *
list_folders (Fixture *fixture, const gchar *after, guint limit)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) error = NULL;

  weir_blobs_list_folders (fixture->blobs, after, limit, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  names = weir_blobs_list_folders_finish (fixture->blobs, result, &error);
  g_assert_no_error (error);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (gchar **) names->pdata);
}

static void
folders_come_in_pages_and_in_order (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *after;
    guint limit;
    const gchar *folders;
  } cases[] = {
      {NULL, 10, "a b c d"},
      {NULL, 2, "a b"},
      {"b", 2, "c d"},
      {"bb", 1, "c"},
      {"d", 2, ""},
  };

  put (fixture, "c/1.m4s", "x");
  put (fixture, "a/1.m4s", "x");
  put (fixture, "d/1.m4s", "x");
  put (fixture, "b/1.m4s", "x");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *folders = list_folders (fixture, cases[i].after, cases[i].limit);

    g_assert_cmpstr (folders, ==, cases[i].folders);
  }
}

static WeirBlobsUsage
measure (Fixture *fixture, const gchar *folder)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  WeirBlobsUsage usage = {0};

  weir_blobs_measure (fixture->blobs, folder, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  weir_blobs_measure_finish (fixture->blobs, result, &usage, &error);
  g_assert_no_error (error);
  return usage;
}

static void
a_folder_is_as_large_as_its_objects_and_as_old_as_the_newest (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  gint64 before_us = g_get_real_time () - 10 * G_USEC_PER_SEC;
  WeirBlobsUsage usage, missing;

  put (fixture, "a/1.m4s", "x");
  put (fixture, "a/2.m4s", "four");
  usage = measure (fixture, "a");
  g_assert_cmpuint (usage.objects, ==, 2);
  g_assert_cmpuint (usage.size, ==, 5);
  g_assert_cmpint (usage.newest_us, >, before_us);
  missing = measure (fixture, "none");
  g_assert_cmpuint (missing.objects, ==, 0);
  g_assert_cmpint (missing.newest_us, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (backends); i++) {
    ADD (&backends[i], what_is_put_can_be_opened);
    ADD (&backends[i], the_same_put_again_succeeds);
    ADD (&backends[i], other_content_under_a_taken_name_is_refused);
    ADD (&backends[i], a_spool_file_that_is_missing_is_an_error);
    ADD (&backends[i], removed_objects_are_gone_and_missing_ones_no_error);
    ADD (&backends[i], an_open_object_stays_readable_after_its_removal);
    ADD (&backends[i], names_that_lead_elsewhere_are_refused);
    ADD (&backends[i], a_folder_lists_its_objects_and_no_other);
    ADD (&backends[i], a_list_may_be_of_some_objects);
    ADD (&backends[i], folders_come_in_pages_and_in_order);
    ADD (&backends[i], a_folder_is_as_large_as_its_objects_and_as_old_as_the_newest);
    ADD (&backends[i], puts_and_removals_in_one_folder_do_not_disturb_each_other);
  }
  ADD (&backends[0], file_a_symbolic_link_is_not_followed);
  ADD (&backends[0], file_the_last_object_takes_its_folder_along);
  ADD (&backends[0], file_a_place_that_is_no_folder_is_an_error);
  return g_test_run ();
}
