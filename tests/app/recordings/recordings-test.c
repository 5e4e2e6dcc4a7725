/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/recordings.h"

#include "events/events.h"
#include "../support/fake-manager.h"
#include "folder.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define UID "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

typedef struct {
  gchar *folder;
  WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirBroadcastManager *manager;
  WeirRecordings *recordings;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  const gchar *const *overrides = data;
  g_autofree gchar *database = NULL, *segments = NULL;
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp (NULL, &error);
  g_assert_no_error (error);
  database = g_build_filename (self->folder, "weir.db", NULL);
  segments = g_build_filename (self->folder, "segments", NULL);
  self->config = weir_config_load ("/dev/null", overrides, &error);
  g_assert_no_error (error);
  self->store = weir_store_sqlite_new (database, &error);
  g_assert_no_error (error);
  self->blobs = weir_blobs_file_new (segments, &error);
  g_assert_no_error (error);
  self->manager = fake_manager_new ();
  self->recordings = weir_recordings_new (self->config, self->store, self->blobs, self->manager);
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_pointer (&self->recordings, weir_recordings_free);
  fake_manager_free (self->manager);
  g_object_unref (self->blobs);
  g_object_unref (self->store);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->folder);
}

static void
keep_result (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* a broadcast with one segment, whose object is there */
static void
make_recording (Fixture *self, const gchar *uid, WeirBroadcastState state, const gchar *settings)
{
  g_autoptr (GAsyncResult) begun = NULL, committed = NULL, ended = NULL, put = NULL;
  g_autoptr (GError) error = NULL;
  WeirBroadcastRecord record = {.uid = (gchar *) uid,
      .input = (gchar *) OTHER,
      .account = (gchar *) "acc",
      .recorded = TRUE,
      .created_us = g_get_real_time (),
      .settings = (gchar *) settings};
  WeirSegmentCommit commit = {
      .number = 0, .entry = "{\"target\":0}", .committed = "{}", .size = 1000, .duration_us = 1};
  g_autoptr (WeirBroadcastRecord) owned = NULL;
  g_autofree gchar *name = g_strconcat (uid, "/1-0.m4s", NULL);
  g_autofree gchar *path = g_build_filename (weir_blobs_get_spool (self->blobs), "x.open", NULL);

  record.modified_us = record.created_us;
  weir_store_begin_broadcast (self->store, &record, keep_result, &begun);
  wait_for (&begun);
  owned = weir_store_begin_broadcast_finish (self->store, begun, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (path, "segment", -1, NULL));
  weir_blobs_put (self->blobs, name, path, TRUE, keep_result, &put);
  wait_for (&put);
  g_assert_true (weir_blobs_put_finish (self->blobs, put, &error));
  weir_store_commit_segment (self->store, uid, owned->epoch, &commit, keep_result, &committed);
  wait_for (&committed);
  g_assert_true (weir_store_commit_segment_finish (self->store, committed, &error));
  if (state == WEIR_BROADCAST_LIVE)
    return;
  weir_store_end_broadcast (self->store, uid, owned->epoch, state, NULL, keep_result, &ended);
  wait_for (&ended);
  g_assert_true (weir_store_end_broadcast_finish (self->store, ended, &error));
}

static gboolean
is_stored (Fixture *self, const gchar *uid)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (WeirBroadcastRecord) record = NULL;

  weir_store_get_broadcast (self->store, uid, keep_result, &result);
  wait_for (&result);
  record = weir_store_get_broadcast_finish (self->store, result, NULL);
  return record != NULL;
}

static guint
count_objects (Fixture *self, const gchar *folder)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) names = NULL;

  weir_blobs_list (self->blobs, folder, 0, keep_result, &result);
  wait_for (&result);
  names = weir_blobs_list_finish (self->blobs, result, NULL);
  g_assert_nonnull (names);
  return names->len;
}

static gboolean
delete_it (Fixture *self, const gchar *account, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  weir_recordings_delete (self->recordings, account, UID, keep_result, &result);
  wait_for (&result);
  return weir_recordings_delete_finish (self->recordings, result, error);
}

static void
the_store_forgets_first_and_objects_go_later (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) listed = NULL;
  g_autoptr (GPtrArray) events = NULL;
  const WeirEvent *event;

  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  g_assert_true (delete_it (self, "acc", &error));
  g_assert_no_error (error);
  g_assert_false (is_stored (self, UID));
  g_assert_cmpstr (self->manager->forgotten, ==, UID);
  g_assert_cmpuint (count_objects (self, UID), ==, 1);
  g_assert_cmpuint (count_objects (self, "deleted"), ==, 1);
  weir_store_list_events (self->store, "acc", 0, 10, keep_result, &listed);
  wait_for (&listed);
  events = weir_store_list_events_finish (self->store, listed, NULL);
  g_assert_cmpuint (events->len, ==, 1);
  event = events->pdata[0];
  g_assert_cmpstr (event->type, ==, WEIR_EVENT_RECORDING_DELETED);
  g_assert_cmpstr (event->broadcast, ==, UID);
  while (count_objects (self, "deleted") > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count_objects (self, UID), ==, 0);
}

static void
of_another_account_there_is_none (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  g_assert_false (delete_it (self, "other", &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
  g_assert_true (is_stored (self, UID));
  g_assert_cmpuint (count_objects (self, "deleted"), ==, 0);
}

static void
one_that_runs_is_ended_first (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  WeirBroadcastStatus *status = g_new0 (WeirBroadcastStatus, 1);

  status->uid = g_strdup (UID);
  g_hash_table_insert (self->manager->statuses, g_strdup (UID), status);
  make_recording (self, UID, WEIR_BROADCAST_LIVE, "{}");
  g_assert_true (delete_it (self, "acc", NULL));
  g_assert_cmpstr (self->manager->ended, ==, UID);
  g_assert_false (is_stored (self, UID));
}

static void
two_who_delete_it_at_once_are_both_answered (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL, second = NULL;

  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  weir_recordings_delete (self->recordings, "acc", UID, keep_result, &first);
  weir_recordings_delete (self->recordings, "acc", UID, keep_result, &second);
  wait_for (&first);
  wait_for (&second);
  g_assert_true (weir_recordings_delete_finish (self->recordings, first, NULL));
  g_assert_true (weir_recordings_delete_finish (self->recordings, second, NULL));
}

static void
a_start_goes_on_with_what_has_a_mark (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  make_recording (self, OTHER, WEIR_BROADCAST_READY, "{}");
  g_assert_true (delete_it (self, "acc", NULL));
  /* it crashes before the objects are removed */
  weir_recordings_free (self->recordings);
  g_assert_cmpuint (count_objects (self, UID), ==, 1);
  self->recordings = weir_recordings_new (self->config, self->store, self->blobs, self->manager);
  weir_recordings_start (self->recordings);
  while (count_objects (self, "deleted") > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count_objects (self, UID), ==, 0);
  g_assert_cmpuint (count_objects (self, OTHER), ==, 1);
  g_assert_true (is_stored (self, OTHER));
}

static void
the_recordings_of_an_input_go_together (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  make_recording (self, OTHER, WEIR_BROADCAST_READY, "{}");
  weir_recordings_delete_of_input (self->recordings, "acc", OTHER, keep_result, &result);
  wait_for (&result);
  g_assert_true (weir_recordings_delete_of_input_finish (self->recordings, result, NULL));
  g_assert_false (is_stored (self, UID));
  g_assert_false (is_stored (self, OTHER));
}

static void
what_has_its_time_goes_by_itself (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  weir_recordings_start (self->recordings);
  make_recording (self, UID, WEIR_BROADCAST_READY, "{\"deleteAfterSeconds\":1}");
  make_recording (self, OTHER, WEIR_BROADCAST_READY, "{}");
  while (is_stored (self, UID))
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (is_stored (self, OTHER));
}

static void
too_much_stops_recording (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  weir_recordings_start (self->recordings);
  while (!self->manager->full)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (is_stored (self, UID));
  g_assert_true (delete_it (self, "acc", NULL));
  while (self->manager->full)
    g_main_context_iteration (NULL, TRUE);
}

static void
the_oldest_make_room_where_that_is_wanted (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  make_recording (self, UID, WEIR_BROADCAST_READY, "{}");
  make_recording (self, OTHER, WEIR_BROADCAST_READY, "{}");
  weir_recordings_start (self->recordings);
  while (is_stored (self, UID))
    g_main_context_iteration (NULL, TRUE);
  while (self->manager->full)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (is_stored (self, OTHER));
}

int
main (int argc, char **argv)
{
  static const gchar *const plain[] = {"segments.duration=500ms", NULL};
  static const gchar *const small[] = {"recording.max-size=1000B", NULL};
  static const gchar *const turning[] = {
      "recording.max-size=2000B", "recording.delete-oldest=true", NULL};

  g_test_init (&argc, &argv, NULL);
#define ADD(name, options) \
  g_test_add ("/recordings/recordings/" #name, Fixture, options, set_up, name, tear_down)
  ADD (the_store_forgets_first_and_objects_go_later, plain);
  ADD (of_another_account_there_is_none, plain);
  ADD (one_that_runs_is_ended_first, plain);
  ADD (two_who_delete_it_at_once_are_both_answered, plain);
  ADD (a_start_goes_on_with_what_has_a_mark, plain);
  ADD (the_recordings_of_an_input_go_together, plain);
  ADD (what_has_its_time_goes_by_itself, plain);
  ADD (too_much_stops_recording, small);
  ADD (the_oldest_make_room_where_that_is_wanted, turning);
  return g_test_run ();
}
