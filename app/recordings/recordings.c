/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "recordings/recordings.h"

#include "auth/auth.h"
#include "events/events.h"
#include "recordings/retention.h"
#include "recordings/sweep.h"

#include <string.h>
#include <sys/statvfs.h>

#define MARKS WEIR_SWEEP_MARKS
/* of a recording's, that are removed at a time: those who store segments do not wait longer */
#define OBJECTS_MAX 500
/* how long a broadcast may take to end before its owner is fenced off instead */
#define END_US (10 * G_USEC_PER_SEC)
#define END_CHECK_MS 50
#define RETRY_S 5
/* times further away are looked at later */
#define HORIZON_US (60 * G_USEC_PER_SEC)
#define WATER_MARK_CHECK_S 2
/* of a look at the oldest recordings */
#define OLDEST_MAX 100
/* edits by others that come between reading and writing */
#define ATTEMPTS_MAX 8

struct _WeirRecordings {
  const WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirBroadcastManager *manager;

  gulong changed;        /* handler */
  GHashTable *deletions; /* uid → Deletion that has not been answered yet */
  GHashTable *timers;    /* of GSource that wait */
  GSource *due_timer;    /* also in @timers */
  guint64 doomed;        /* bytes of objects that are still there, of recordings that are not */
  gboolean full;
  gboolean look_soon; /* something came due while it was looked for */
  guint making_room;  /* deletions under way that make room */
  WeirSweep *sweep;   /* once started */
};

/* ---- timers, which end with the module ---- */

static void
set_timer (WeirRecordings *self, GSource **slot, guint delay_ms, GSourceFunc run, gpointer data,
    GDestroyNotify destroy)
{
  GSource *source = g_timeout_source_new (delay_ms);

  g_source_set_callback (source, run, data, destroy);
  g_source_attach (source, NULL);
  g_hash_table_add (self->timers, source);
  if (slot != NULL)
    *slot = source;
}

static void
timer_free (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static guint
to_ms (gint64 us)
{
  return (guint) CLAMP (us / 1000, 0, G_MAXINT);
}

/* ---- objects of what is gone ---- */

typedef struct {
  WeirRecordings *recordings;
  gchar *uid;
  guint64 size; /* what the store said */
} Removal;

static void
removal_free (Removal *self)
{
  g_free (self->uid);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Removal, removal_free)

static void
removal_destroy (gpointer data)
{
  removal_free (data);
}

static gboolean remove_objects (gpointer data);

static void
wait_for_removal (Removal *removal, gint64 delay_us)
{
  set_timer (removal->recordings, NULL, to_ms (delay_us), remove_objects, removal, removal_destroy);
}

static void list_objects (Removal *the_removal);

static void
mark_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  g_autoptr (GError) error = NULL;

  if (!weir_blobs_remove_finish (WEIR_BLOBS (source), result, &error))
    g_message ("broadcast %s: it is still marked as deleted: %s", removal->uid, error->message);
  removal->recordings->doomed -= MIN (removal->recordings->doomed, removal->size);
}

static void
objects_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  g_autoptr (GError) error = NULL;

  if (weir_blobs_remove_finish (WEIR_BLOBS (source), result, &error)) {
    list_objects (g_steal_pointer (&removal));
    return;
  }
  g_message ("broadcast %s: its objects cannot be removed yet: %s", removal->uid, error->message);
  wait_for_removal (g_steal_pointer (&removal), RETRY_S * G_USEC_PER_SEC);
}

static gchar *
make_mark_name (const gchar *uid)
{
  return g_strconcat (MARKS "/", uid, NULL);
}

static void
objects_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  g_autoptr (GError) error = NULL;
  GPtrArray *names = weir_blobs_list_finish (WEIR_BLOBS (source), result, &error);
  WeirBlobs *blobs = WEIR_BLOBS (source);

  if (names == NULL) {
    g_message ("broadcast %s: its objects cannot be listed yet: %s", removal->uid, error->message);
    wait_for_removal (g_steal_pointer (&removal), RETRY_S * G_USEC_PER_SEC);
    return;
  }
  if (names->len > 0) {
    weir_blobs_remove (blobs, names, objects_removed, g_steal_pointer (&removal));
    return;
  }
  /* the mark goes last */
  g_ptr_array_add (names, make_mark_name (removal->uid));
  weir_blobs_remove (blobs, names, mark_removed, g_steal_pointer (&removal));
}

/* @the_removal: (transfer full) */
static void
list_objects (Removal *the_removal)
{
  weir_blobs_list (
      the_removal->recordings->blobs, the_removal->uid, OBJECTS_MAX, objects_listed, the_removal);
}

static gboolean
remove_objects (gpointer data)
{
  const Removal *waiting = data;
  Removal *removal = g_new0 (Removal, 1);

  /* the timer's own goes with the timer */
  removal->recordings = waiting->recordings;
  removal->uid = g_strdup (waiting->uid);
  removal->size = waiting->size;
  list_objects (removal);
  g_hash_table_remove (removal->recordings->timers, g_main_current_source ());
  return G_SOURCE_REMOVE;
}

/* ---- one recording ---- */

typedef struct {
  WeirRecordings *recordings;
  gchar *uid;
  gchar *account; /* (nullable): any */
  GPtrArray *tasks;
  WeirBroadcastRecord *record;
  gint64 end_until_us;
  gint64 grace_us;
} Deletion;

static void
deletion_free (Deletion *self)
{
  g_free (self->uid);
  g_free (self->account);
  g_ptr_array_unref (self->tasks);
  g_clear_pointer (&self->record, weir_broadcast_record_free);
  g_free (self);
}

/* @error: (nullable) */
static void
deletion_answer (Deletion *self, const GError *error)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_ref (self->tasks);

  g_hash_table_remove (self->recordings->deletions, self->uid);
  for (guint i = 0; i < tasks->len; i++) {
    if (error != NULL)
      g_task_return_error (tasks->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (tasks->pdata[i], TRUE);
  }
}

/* the store does not know it (any more) */
static void
deletion_bury (Deletion *self)
{
  Removal *removal = g_new0 (Removal, 1);

  weir_broadcast_manager_forget (self->recordings->manager, self->uid);
  removal->recordings = self->recordings;
  removal->uid = g_strdup (self->uid);
  removal->size = self->record != NULL ? self->record->size : 0;
  self->recordings->doomed += removal->size;
  wait_for_removal (removal, self->grace_us);
  deletion_answer (self, NULL);
}

static void
store_deleted (GObject *source, GAsyncResult *result, gpointer data)
{
  Deletion *self = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_broadcast_finish (WEIR_STORE (source), result, &error) &&
      !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    deletion_answer (self, error);
    return;
  }
  g_message ("broadcast %s: its recording was deleted", self->uid);
  deletion_bury (self);
}

static void
mark_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  Deletion *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirEvent) event = NULL;
  g_autofree gchar *text = NULL;

  if (!weir_blobs_put_finish (WEIR_BLOBS (source), result, &error)) {
    g_autoptr (GError) unavailable = g_error_new (WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE,
        "the segment store refuses: %s", error->message);

    deletion_answer (self, unavailable);
    return;
  }
  text = weir_event_make_data ("name", self->record->name, NULL);
  event = weir_event_new (
      WEIR_EVENT_RECORDING_DELETED, self->record->account, self->record->input, self->uid, text);
  weir_store_delete_broadcast (self->recordings->store, self->uid, event, store_deleted, self);
}

static void
mark_written (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  Deletion *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = g_task_propagate_pointer (G_TASK (result), &error);
  g_autofree gchar *name = make_mark_name (self->uid);

  if (path == NULL) {
    g_autoptr (GError) unavailable = g_error_new (WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE,
        "the segment store refuses: %s", error->message);

    deletion_answer (self, unavailable);
    return;
  }
  weir_blobs_put (self->recordings->blobs, name, path, TRUE, mark_stored, self);
}

/* a thread of its own: it waits for the disk */
static void
write_mark (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  GError *error = NULL;

  if (g_file_set_contents (data, "", 0, &error))
    g_task_return_pointer (task, g_strdup (data), g_free);
  else
    g_task_return_error (task, error);
}

static void
segment_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Deletion *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *entry =
      weir_store_get_newest_segment_finish (WEIR_STORE (source), result, &error);
  g_autofree gchar *file = g_strconcat (self->uid, ".deleted", NULL);
  g_autoptr (GTask) task = NULL;

  /* one without segments can be deleted, too */
  if (entry == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    deletion_answer (self, error);
    return;
  }
  self->grace_us = weir_retention_get_grace (entry, self->recordings->config->segments.duration);
  task = g_task_new (NULL, NULL, mark_written, self);
  g_task_set_task_data (
      task, g_build_filename (weir_blobs_get_spool (self->recordings->blobs), file, NULL), g_free);
  g_task_run_in_thread (task, write_mark);
}

static gboolean
check_ended (gpointer data)
{
  Deletion *self = data;
  WeirRecordings *recordings = self->recordings;
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (recordings->manager, self->uid);
  gboolean runs = status != NULL;

  g_clear_pointer (&status, weir_broadcast_status_free);
  if (runs && g_get_monotonic_time () < self->end_until_us)
    return G_SOURCE_CONTINUE;
  g_hash_table_remove (recordings->timers, g_main_current_source ());
  weir_store_get_newest_segment (recordings->store, self->uid, segment_found, self);
  return G_SOURCE_REMOVE;
}

static void
record_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Deletion *self = data;
  WeirRecordings *recordings = self->recordings;
  g_autoptr (GError) error = NULL;

  self->record = weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);
  if (self->record != NULL &&
      (!self->record->recorded ||
          (self->account != NULL && !g_str_equal (self->account, self->record->account))))
    g_set_error (&error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "no such recording");
  /* with a mark only the objects are left to be removed */
  if (self->account == NULL &&
      g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    deletion_bury (self);
    return;
  }
  if (error != NULL) {
    deletion_answer (self, error);
    return;
  }
  if (weir_broadcast_manager_end_recording (
          recordings->manager, self->uid, "The recording was deleted.")) {
    self->end_until_us = g_get_monotonic_time () + END_US;
    set_timer (recordings, NULL, END_CHECK_MS, check_ended, self, NULL);
    return;
  }
  weir_store_get_newest_segment (recordings->store, self->uid, segment_found, self);
}

/* @account: (nullable). @task: (transfer full) */
static void
begin_deletion (WeirRecordings *self, const gchar *account, const gchar *uid, GTask *task)
{
  Deletion *deletion = g_hash_table_lookup (self->deletions, uid);

  if (deletion != NULL && (account == NULL || g_strcmp0 (deletion->account, account) == 0)) {
    g_ptr_array_add (deletion->tasks, task);
    return;
  }
  if (deletion != NULL) {
    g_task_return_new_error (
        task, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "being deleted already");
    g_object_unref (task);
    return;
  }
  deletion = g_new0 (Deletion, 1);
  deletion->recordings = self;
  deletion->uid = g_strdup (uid);
  deletion->account = g_strdup (account);
  deletion->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (deletion->tasks, task);
  g_hash_table_insert (self->deletions, deletion->uid, deletion);
  weir_store_get_broadcast (self->store, uid, record_found, deletion);
}

void
weir_recordings_delete (WeirRecordings *self, const gchar *account, const gchar *uid,
    GAsyncReadyCallback callback, gpointer user_data)
{
  begin_deletion (self, account, uid, g_task_new (NULL, NULL, callback, user_data));
}

gboolean
weir_recordings_delete_finish (
    G_GNUC_UNUSED WeirRecordings *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- those of an input, one after the other ---- */

typedef struct {
  WeirRecordings *recordings;
  gchar *account;
  GPtrArray *uids;
} Batch;

static void
batch_free (gpointer data)
{
  Batch *self = data;

  g_free (self->account);
  g_ptr_array_unref (self->uids);
  g_free (self);
}

static void batch_continue (GTask *task);

static void
batch_deleted (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) &&
      !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    g_task_return_error (task, error);
    return;
  }
  g_clear_error (&error);
  batch_continue (g_steal_pointer (&task));
}

/* @task: (transfer full) */
static void
batch_continue (GTask *task)
{
  Batch *batch = g_task_get_task_data (task);
  g_autofree gchar *uid = NULL;

  if (batch->uids->len == 0) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  uid = g_ptr_array_steal_index (batch->uids, batch->uids->len - 1);
  weir_recordings_delete (batch->recordings, batch->account, uid, batch_deleted, task);
}

static void
batch_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Batch *batch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  if (records == NULL) {
    g_task_return_error (task, error);
    return;
  }
  for (guint i = 0; i < records->len; i++)
    g_ptr_array_add (batch->uids, g_strdup (((WeirBroadcastRecord *) records->pdata[i])->uid));
  batch_continue (g_steal_pointer (&task));
}

void
weir_recordings_delete_of_input (WeirRecordings *self, const gchar *account, const gchar *input,
    GAsyncReadyCallback callback, gpointer user_data)
{
  WeirBroadcastFilter filter = {.account = account, .input = input, .recorded = TRUE};
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Batch *batch = g_new0 (Batch, 1);

  batch->recordings = self;
  batch->account = g_strdup (account);
  batch->uids = g_ptr_array_new_with_free_func (g_free);
  g_task_set_task_data (task, batch, batch_free);
  weir_store_list_broadcasts (self->store, &filter, batch_listed, task);
}

gboolean
weir_recordings_delete_of_input_finish (WeirRecordings *self, GAsyncResult *result, GError **error)
{
  return weir_recordings_delete_finish (self, result, error);
}

/* ---- those whose time has come ---- */

static void
went_by_itself (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  WeirRecordings *self = data;

  if (!g_task_propagate_boolean (G_TASK (result), &error) &&
      !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    g_message ("a recording could not be deleted yet: %s", error->message);
  self->making_room -= MIN (self->making_room, 1);
}

static void
let_go (WeirRecordings *self, const WeirBroadcastRecord *record)
{
  GTask *task = g_task_new (NULL, NULL, went_by_itself, self);

  begin_deletion (self, record->account, record->uid, task);
}

static gboolean look_for_due (gpointer data);

static void
look_again (WeirRecordings *self, gint64 delay_us)
{
  if (self->due_timer != NULL)
    g_hash_table_remove (self->timers, self->due_timer);
  set_timer (self, &self->due_timer, to_ms (delay_us), look_for_due, self, NULL);
}

/* something may be due now */
static void
look_now (WeirRecordings *self)
{
  if (self->due_timer != NULL)
    look_again (self, 0);
  else
    self->look_soon = TRUE;
}

static void
due_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirRecordings *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);
  gint64 now = g_get_real_time (), next = HORIZON_US;

  for (guint i = 0; records != NULL && i < records->len; i++) {
    const WeirBroadcastRecord *record = records->pdata[i];

    if (record->delete_at_us <= now)
      let_go (self, record);
    else
      next = MIN (next, record->delete_at_us - now + 1000);
  }
  if (self->look_soon)
    next = 0;
  self->look_soon = FALSE;
  look_again (self, records != NULL ? next : RETRY_S * G_USEC_PER_SEC);
}

static gboolean
look_for_due (gpointer data)
{
  WeirRecordings *self = data;
  WeirBroadcastFilter filter = {
      .recorded = TRUE, .delete_before_us = g_get_real_time () + HORIZON_US};

  g_hash_table_remove (self->timers, self->due_timer);
  self->due_timer = NULL;
  weir_store_list_broadcasts (self->store, &filter, due_listed, self);
  return G_SOURCE_REMOVE;
}

/* one that has ended gets its time */

typedef struct {
  WeirRecordings *recordings;
  gchar *uid;
  guint attempts;
} Scheduling;

static void
scheduling_free (Scheduling *self)
{
  g_free (self->uid);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scheduling, scheduling_free)

static void scheduling_read (Scheduling *the_scheduling);

static void
scheduling_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Scheduling) scheduling = data;
  g_autoptr (GError) error = NULL;

  if (weir_store_edit_broadcast_finish (WEIR_STORE (source), result, &error)) {
    look_now (scheduling->recordings);
  } else if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED) &&
             scheduling->attempts < ATTEMPTS_MAX) {
    scheduling_read (g_steal_pointer (&scheduling));
  } else if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    g_message ("broadcast %s: when it is to be deleted is not known until the next start: %s",
        scheduling->uid, error->message);
  }
}

static void
schedule (Scheduling *the_scheduling, WeirBroadcastRecord *record)
{
  g_autoptr (Scheduling) scheduling = the_scheduling;
  WeirRecordings *self = scheduling->recordings;
  gint64 modified_us = record->modified_us;

  if (weir_retention_schedule (record)) {
    record->modified_us = MAX (g_get_real_time (), modified_us + 1);
    weir_store_edit_broadcast (
        self->store, record, modified_us, scheduling_written, g_steal_pointer (&scheduling));
  } else if (record->delete_at_us > 0 && record->delete_at_us < g_get_real_time () + HORIZON_US) {
    look_now (self);
  }
}

static void
scheduling_found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Scheduling) scheduling = data;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_get_broadcast_finish (WEIR_STORE (source), result, NULL);

  if (record != NULL)
    schedule (g_steal_pointer (&scheduling), record);
}

/* @the_scheduling: (transfer full) */
static void
scheduling_read (Scheduling *the_scheduling)
{
  the_scheduling->attempts++;
  weir_store_get_broadcast (
      the_scheduling->recordings->store, the_scheduling->uid, scheduling_found, the_scheduling);
}

static Scheduling *
scheduling_new (WeirRecordings *self, const gchar *uid)
{
  Scheduling *scheduling = g_new0 (Scheduling, 1);

  scheduling->recordings = self;
  scheduling->uid = g_strdup (uid);
  return scheduling;
}

static void
on_changed (G_GNUC_UNUSED WeirStore *store, WeirStoreChange change, const gchar *id, gpointer data)
{
  if (change == WEIR_STORE_CHANGE_BROADCAST &&
      !g_hash_table_contains (((WeirRecordings *) data)->deletions, id))
    scheduling_read (scheduling_new (data, id));
}

/* ---- those that are too many ---- */

static guint64
count_missing_space (WeirRecordings *self)
{
  struct statvfs status;
  guint64 needed, available;

  if (self->config->recording.min_free == 0 ||
      statvfs (weir_blobs_get_spool (self->blobs), &status) < 0)
    return 0;
  needed = status.f_blocks / 100 * self->config->recording.min_free;
  if (status.f_bavail >= needed)
    return 0;
  /* what lets segments go to the disk again, see the segment sink */
  needed = (needed + needed / 10 - status.f_bavail) * status.f_frsize;
  available = MIN (needed, self->doomed);
  return needed - available;
}

typedef struct {
  WeirRecordings *recordings;
  guint64 used, max;
} Room;

static void
oldest_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Room *room = data;
  WeirRecordings *self = room->recordings;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, NULL);
  guint count = records != NULL ? weir_retention_choose_oldest (records, room->used, room->max) : 0;

  self->making_room = count;
  for (guint i = 0; i < count; i++)
    let_go (self, records->pdata[i]);
}

/* @max: what @used has to fall below the low mark of */
static void
make_room (WeirRecordings *self, guint64 used, guint64 max)
{
  WeirBroadcastFilter filter = {.recorded = TRUE,
      .states = 1u << WEIR_BROADCAST_READY,
      .ascending = TRUE,
      .limit = OLDEST_MAX};
  Room *room;

  if (self->making_room > 0)
    return;
  room = g_new0 (Room, 1);
  room->recordings = self;
  room->used = used;
  room->max = max;
  weir_store_list_broadcasts (self->store, &filter, oldest_listed, room);
}

static void
usage_known (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirRecordings *self = data;
  const guint64 max = (guint64) self->config->recording.max_size;
  WeirStoreUsage usage;
  gboolean full;

  if (!weir_store_get_usage_finish (WEIR_STORE (source), result, &usage, NULL))
    return;
  full = weir_retention_is_full (usage.size, max, self->full);
  if (full != self->full) {
    if (full)
      g_message ("recordings take %" G_GUINT64_FORMAT
                 " bytes, as much as recording.max-size allows: nothing more is recorded%s",
          usage.size, self->config->recording.delete_oldest ? " until the oldest are deleted" : "");
    else
      g_message ("recordings take less than recording.max-size again");
    self->full = full;
    weir_broadcast_manager_set_full (self->manager, full);
  }
  if (full && self->config->recording.delete_oldest)
    make_room (self, usage.size, max);
}

static gboolean
check_water_marks (gpointer data)
{
  WeirRecordings *self = data;
  guint64 missing = self->config->recording.delete_oldest ? count_missing_space (self) : 0;

  if (missing > 0)
    make_room (self, missing, 0);
  else if (self->config->recording.max_size > 0)
    weir_store_get_usage (self->store, NULL, NULL, usage_known, self);
  return G_SOURCE_CONTINUE;
}

/* ---- start and end ---- */

static void
marks_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirRecordings *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = weir_blobs_list_finish (WEIR_BLOBS (source), result, &error);

  if (names == NULL)
    g_message ("what was being deleted is not known: %s", error->message);
  for (guint i = 0; names != NULL && i < names->len; i++) {
    const gchar *uid = (const gchar *) names->pdata[i] + strlen (MARKS "/");

    begin_deletion (self, NULL, uid, g_task_new (NULL, NULL, went_by_itself, self));
  }
}

/* those that ended while nobody was there to give them their time */
static void
finished_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, NULL);

  for (guint i = 0; records != NULL && i < records->len; i++) {
    WeirBroadcastRecord *record = records->pdata[i];

    schedule (scheduling_new (data, record->uid), record);
  }
}

WeirRecordings *
weir_recordings_new (
    const WeirConfig *config, WeirStore *store, WeirBlobs *blobs, WeirBroadcastManager *manager)
{
  WeirRecordings *self = g_new0 (WeirRecordings, 1);

  self->config = config;
  self->store = g_object_ref (store);
  self->blobs = g_object_ref (blobs);
  self->manager = manager;
  self->deletions =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) deletion_free);
  self->timers = g_hash_table_new_full (NULL, NULL, timer_free, NULL);
  return self;
}

void
weir_recordings_start (WeirRecordings *self)
{
  WeirBroadcastFilter finished = {.recorded = TRUE, .states = 1u << WEIR_BROADCAST_READY};
  WeirSweepSettings sweep;

  weir_sweep_settings_init (&sweep);
  sweep.removes = self->config->recording.sweep_orphans;
  self->sweep = weir_sweep_new (&sweep, self->store, self->blobs);
  self->changed = g_signal_connect (self->store, "changed", G_CALLBACK (on_changed), self);
  weir_blobs_list (self->blobs, MARKS, 0, marks_listed, self);
  weir_store_list_broadcasts (self->store, &finished, finished_listed, self);
  look_again (self, 0);
  if (self->config->recording.max_size > 0 || self->config->recording.delete_oldest)
    set_timer (self, NULL, WATER_MARK_CHECK_S * 1000, check_water_marks, self, NULL);
}

void
weir_recordings_free (WeirRecordings *self)
{
  if (self->changed != 0)
    g_signal_handler_disconnect (self->store, self->changed);
  weir_sweep_free (self->sweep);
  g_hash_table_unref (self->timers);
  g_hash_table_unref (self->deletions);
  g_object_unref (self->store);
  g_object_unref (self->blobs);
  g_free (self);
}
