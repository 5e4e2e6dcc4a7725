/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/sweep.h"

#include "folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#define KNOWN "0123456789abcdef0123456789abcdef"
#define UNKNOWN "11111111111111111111111111111111"
#define YOUNG "22222222222222222222222222222222"
#define MARKED "33333333333333333333333333333333"
#define LARGE "44444444444444444444444444444444"
#define EMPTY "55555555555555555555555555555555"

typedef struct {
  gchar *folder, *segments;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirSweepSettings settings;
  WeirBlobsUsage found, removed; /* in the last look */
  guint looks;
} Fixture;

static void
looked (const WeirBlobsUsage *found, const WeirBlobsUsage *removed, gpointer data)
{
  Fixture *self = data;

  self->found = *found;
  self->removed = *removed;
  self->looks++;
}

static void
set_up (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *database = NULL;
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp (NULL, &error);
  g_assert_no_error (error);
  database = g_build_filename (self->folder, "weir.db", NULL);
  self->segments = g_build_filename (self->folder, "segments", NULL);
  self->store = weir_store_sqlite_new (database, &error);
  g_assert_no_error (error);
  self->blobs = weir_blobs_file_new (self->segments, &error);
  g_assert_no_error (error);
  weir_sweep_settings_init (&self->settings);
  self->settings.removes = TRUE;
  self->settings.wait_us = 0;
  self->settings.pause_us = 0;
  self->settings.page = 2;
  self->settings.done = looked;
  self->settings.data = self;
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_object (&self->blobs);
  g_clear_object (&self->store);
  remove_folder (self->folder);
  g_free (self->segments);
  g_free (self->folder);
}

static gchar *
make_path (Fixture *self, const gchar *folder, const gchar *file)
{
  return g_build_filename (self->segments, folder, file, NULL);
}

/* as if it had been written to @hours ago */
static void
make_object (Fixture *self, const gchar *folder, const gchar *file, guint hours)
{
  g_autofree gchar *parent = make_path (self, folder, NULL);
  g_autofree gchar *path = make_path (self, folder, file);
  const time_t time = (time_t) (g_get_real_time () / G_USEC_PER_SEC) - hours * 3600;
  const struct utimbuf times = {time, time};

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  if (file != NULL)
    g_assert_true (g_file_set_contents (path, "segment", -1, NULL));
  g_assert_cmpint (utime (path, &times), ==, 0);
}

static gboolean
is_there (Fixture *self, const gchar *folder)
{
  g_autofree gchar *path = make_path (self, folder, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
keep_result (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
know (Fixture *self, const gchar *uid)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (WeirBroadcastRecord) begun = NULL;
  WeirBroadcastRecord record = {
      .uid = (gchar *) uid, .input = (gchar *) "in", .account = (gchar *) "acc"};

  weir_store_begin_broadcast (self->store, &record, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  begun = weir_store_begin_broadcast_finish (self->store, result, NULL);
  g_assert_nonnull (begun);
}

static void
make_all (Fixture *self)
{
  know (self, KNOWN);
  make_object (self, KNOWN, "1-0.m4s", 48);
  make_object (self, UNKNOWN, "1-0.m4s", 48);
  make_object (self, YOUNG, "1-0.m4s", 48);
  make_object (self, YOUNG, "1-1.m4s", 2);
  make_object (self, MARKED, "1-0.m4s", 48);
  make_object (self, "deleted", MARKED, 48);
  make_object (self, EMPTY, NULL, 48);
  make_object (self, "lost+found", "1-0.m4s", 48);
  for (guint i = 0; i < 5; i++) {
    g_autofree gchar *file = g_strdup_printf ("1-%u.m4s", i);

    make_object (self, LARGE, file, 48);
  }
}

static void
wait_for_looks (Fixture *self, guint looks)
{
  while (self->looks < looks)
    g_main_context_iteration (NULL, TRUE);
}

static void
only_what_is_old_and_unknown_and_not_marked_goes (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const stay[] = {KNOWN, YOUNG, MARKED, "deleted", "lost+found", "spool"};
  static const gchar *const go[] = {UNKNOWN, LARGE, EMPTY};
  g_autoptr (WeirSweep) sweep = NULL;

  make_all (self);
  sweep = weir_sweep_new (&self->settings, self->store, self->blobs);
  /* the first look says what the second will do */
  wait_for_looks (self, 1);
  g_assert_cmpuint (self->found.objects, ==, 6);
  g_assert_cmpuint (self->removed.objects, ==, 0);
  g_assert_true (is_there (self, UNKNOWN));
  wait_for_looks (self, 2);
  g_assert_cmpuint (self->removed.objects, ==, 6);
  g_assert_cmpuint (self->removed.size, ==, 6 * strlen ("segment"));
  for (guint i = 0; i < G_N_ELEMENTS (stay); i++)
    g_assert_true (is_there (self, stay[i]));
  for (guint i = 0; i < G_N_ELEMENTS (go); i++)
    g_assert_false (is_there (self, go[i]));
}

static void
without_leave_it_is_only_said (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSweep) sweep = NULL;

  make_all (self);
  self->settings.removes = FALSE;
  sweep = weir_sweep_new (&self->settings, self->store, self->blobs);
  wait_for_looks (self, 2);
  g_assert_cmpuint (self->found.objects, ==, 6);
  g_assert_cmpuint (self->removed.objects, ==, 0);
  g_assert_true (is_there (self, UNKNOWN));
}

static void
a_store_that_knows_nothing_has_nothing_removed (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSweep) sweep = NULL;

  make_object (self, UNKNOWN, "1-0.m4s", 48);
  sweep = weir_sweep_new (&self->settings, self->store, self->blobs);
  wait_for_looks (self, 2);
  g_assert_cmpuint (self->found.objects, ==, 1);
  g_assert_cmpuint (self->removed.objects, ==, 0);
  g_assert_true (is_there (self, UNKNOWN));
}

/* a store that answers nothing but an error when it is asked for one broadcast */
static void (*get_broadcast) (WeirStore *self, const gchar *uid, GTask *task);

static void
refuse_broadcast (G_GNUC_UNUSED WeirStore *self, G_GNUC_UNUSED const gchar *uid, GTask *task)
{
  g_task_return_new_error (task, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "away");
  g_object_unref (task);
}

static void
while_the_store_cannot_be_asked_nothing_goes (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  WeirStoreInterface *interface = WEIR_STORE_GET_IFACE (self->store);
  g_autoptr (WeirSweep) sweep = NULL;

  make_all (self);
  get_broadcast = interface->get_broadcast;
  interface->get_broadcast = refuse_broadcast;
  sweep = weir_sweep_new (&self->settings, self->store, self->blobs);
  wait_for_looks (self, 2);
  interface->get_broadcast = get_broadcast;
  g_assert_cmpuint (self->found.objects, ==, 0);
  g_assert_cmpuint (self->removed.objects, ==, 0);
  g_assert_true (is_there (self, UNKNOWN));
}

static void
it_may_be_freed_in_the_middle (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  make_all (self);
  weir_sweep_free (weir_sweep_new (&self->settings, self->store, self->blobs));
  know (self, UNKNOWN);
  g_assert_true (is_there (self, LARGE));
  g_assert_cmpuint (self->looks, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/recordings/sweep/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (only_what_is_old_and_unknown_and_not_marked_goes);
  ADD (without_leave_it_is_only_said);
  ADD (a_store_that_knows_nothing_has_nothing_removed);
  ADD (while_the_store_cannot_be_asked_nothing_goes);
  ADD (it_may_be_freed_in_the_middle);
  return g_test_run ();
}
