/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

G_DEFINE_INTERFACE (WeirStore, weir_store, G_TYPE_OBJECT)
G_DEFINE_QUARK (weir_store_error, weir_store_error)

static guint changed_signal;

static void
weir_store_default_init (WeirStoreInterface *iface)
{
  /**
   * WeirStore::changed:
   * @change: a WeirStoreChange
   * @id: of what has changed, see there
   */
  changed_signal = g_signal_new ("changed", G_TYPE_FROM_INTERFACE (iface), G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING);
}

/* what is to be told in the default main context; holds the store only weakly, so that to tell of
 * a change does not keep it open */
typedef struct {
  GWeakRef store;
  WeirStoreChange change;
  gchar *id;
} Change;

static void
change_free (gpointer data)
{
  Change *self = data;

  g_weak_ref_clear (&self->store);
  g_free (self->id);
  g_free (self);
}

static gboolean
tell_change (gpointer data)
{
  Change *self = data;
  g_autoptr (WeirStore) store = g_weak_ref_get (&self->store);

  if (store != NULL)
    g_signal_emit (store, changed_signal, 0, (guint) self->change, self->id);
  return G_SOURCE_REMOVE;
}

void
weir_store_emit_changed (WeirStore *self, WeirStoreChange change, const gchar *id)
{
  Change *told = g_new0 (Change, 1);

  g_weak_ref_init (&told->store, self);
  told->change = change;
  told->id = g_strdup (id);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_change, told, change_free);
}

WeirLiveInput *
weir_live_input_new (void)
{
  WeirLiveInput *self = g_new0 (WeirLiveInput, 1);

  self->enabled = TRUE;
  self->meta = g_strdup ("{}");
  self->prefer_low_latency = -1;
  return self;
}

WeirLiveInput *
weir_live_input_copy (const WeirLiveInput *self)
{
  WeirLiveInput *copy = g_new (WeirLiveInput, 1);

  *copy = *self;
  copy->uid = g_strdup (self->uid);
  copy->account = g_strdup (self->account);
  copy->meta = g_strdup (self->meta);
  copy->default_creator = g_strdup (self->default_creator);
  copy->allowed_origins = g_strdup (self->allowed_origins);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    copy->secrets[i] = g_strdup (self->secrets[i]);
  return copy;
}

void
weir_live_input_free (WeirLiveInput *self)
{
  if (self == NULL)
    return;
  g_free (self->uid);
  g_free (self->account);
  g_free (self->meta);
  g_free (self->default_creator);
  g_free (self->allowed_origins);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    g_free (self->secrets[i]);
  g_free (self);
}

WeirBroadcastRecord *
weir_broadcast_record_copy (const WeirBroadcastRecord *self)
{
  WeirBroadcastRecord *copy = g_new (WeirBroadcastRecord, 1);

  *copy = *self;
  copy->uid = g_strdup (self->uid);
  copy->input = g_strdup (self->input);
  copy->account = g_strdup (self->account);
  copy->committed = g_strdup (self->committed);
  copy->inits = g_strdup (self->inits);
  copy->name = g_strdup (self->name);
  copy->creator = g_strdup (self->creator);
  copy->settings = g_strdup (self->settings);
  return copy;
}

void
weir_broadcast_record_free (WeirBroadcastRecord *self)
{
  if (self == NULL)
    return;
  g_free (self->uid);
  g_free (self->input);
  g_free (self->account);
  g_free (self->committed);
  g_free (self->inits);
  g_free (self->name);
  g_free (self->creator);
  g_free (self->settings);
  g_free (self);
}

WeirDocument *
weir_document_new (WeirDocumentKind kind, const gchar *account, const gchar *id)
{
  WeirDocument *self = g_new0 (WeirDocument, 1);

  self->kind = kind;
  self->account = g_strdup (account);
  self->id = g_strdup (id);
  self->json = g_strdup ("{}");
  return self;
}

WeirDocument *
weir_document_copy (const WeirDocument *self)
{
  WeirDocument *copy = g_new (WeirDocument, 1);

  *copy = *self;
  copy->id = g_strdup (self->id);
  copy->account = g_strdup (self->account);
  copy->parent = g_strdup (self->parent);
  copy->digest = g_strdup (self->digest);
  copy->json = g_strdup (self->json);
  return copy;
}

void
weir_document_free (WeirDocument *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->account);
  g_free (self->parent);
  g_free (self->digest);
  g_free (self->json);
  g_free (self);
}

WeirEvent *
weir_event_new (const gchar *type, const gchar *account, const gchar *input, const gchar *broadcast,
    const gchar *data)
{
  WeirEvent *self = g_new0 (WeirEvent, 1);

  self->time_us = g_get_real_time ();
  self->type = g_strdup (type);
  self->account = g_strdup (account);
  self->input = g_strdup (input);
  self->broadcast = g_strdup (broadcast);
  self->data = g_strdup (data != NULL ? data : "{}");
  return self;
}

WeirEvent *
weir_event_copy (const WeirEvent *self)
{
  WeirEvent *copy = g_new (WeirEvent, 1);

  *copy = *self;
  copy->type = g_strdup (self->type);
  copy->account = g_strdup (self->account);
  copy->input = g_strdup (self->input);
  copy->broadcast = g_strdup (self->broadcast);
  copy->data = g_strdup (self->data);
  return copy;
}

void
weir_event_free (WeirEvent *self)
{
  if (self == NULL)
    return;
  g_free (self->type);
  g_free (self->account);
  g_free (self->input);
  g_free (self->broadcast);
  g_free (self->data);
  g_free (self);
}

gchar *
weir_store_digest_secret (const gchar *secret)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, secret, -1);
}

static GTask *
make_task (WeirStore *self, GAsyncReadyCallback callback, gpointer user_data, gpointer tag)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, tag);
  return task;
}

/* each call makes its task, which the backend takes over */
#define CALL(name, ...)               \
  WEIR_STORE_GET_IFACE (self)->name ( \
      self, ##__VA_ARGS__, make_task (self, callback, user_data, weir_store_##name))

#define FINISH_BOOLEAN(name)                                                                  \
  gboolean weir_store_##name##_finish (WeirStore *self, GAsyncResult *result, GError **error) \
  {                                                                                           \
    g_return_val_if_fail (g_task_is_valid (result, self), FALSE);                             \
    return g_task_propagate_boolean (G_TASK (result), error);                                 \
  }

#define FINISH_POINTER(name, Type)                                                         \
  Type *weir_store_##name##_finish (WeirStore *self, GAsyncResult *result, GError **error) \
  {                                                                                        \
    g_return_val_if_fail (g_task_is_valid (result, self), NULL);                           \
    return g_task_propagate_pointer (G_TASK (result), error);                              \
  }

/* the answer is a guint64 on the heap */
#define FINISH_NUMBER(name)                                                                  \
  guint64 weir_store_##name##_finish (WeirStore *self, GAsyncResult *result, GError **error) \
  {                                                                                          \
    g_autofree guint64 *number = NULL;                                                       \
                                                                                             \
    g_return_val_if_fail (g_task_is_valid (result, self), 0);                                \
    number = g_task_propagate_pointer (G_TASK (result), error);                              \
    return number != NULL ? *number : 0;                                                     \
  }

FINISH_BOOLEAN (create_input)
FINISH_POINTER (get_input, WeirLiveInput)
FINISH_POINTER (find_input, WeirLiveInput)
FINISH_BOOLEAN (update_input)
FINISH_BOOLEAN (delete_input)
FINISH_POINTER (begin_broadcast, WeirBroadcastRecord)
FINISH_POINTER (claim_broadcast, WeirBroadcastRecord)
FINISH_POINTER (get_broadcast, WeirBroadcastRecord)
FINISH_POINTER (list_broadcasts, GPtrArray)
FINISH_BOOLEAN (edit_broadcast)
FINISH_BOOLEAN (delete_broadcast)
FINISH_BOOLEAN (commit_segment)
FINISH_BOOLEAN (commit_state)
FINISH_BOOLEAN (commit_inits)
FINISH_BOOLEAN (forget_segments)
FINISH_BOOLEAN (end_broadcast)
FINISH_POINTER (list_segments, GPtrArray)
FINISH_POINTER (get_newest_segment, gchar)
FINISH_NUMBER (put_document)
FINISH_BOOLEAN (add_document)
FINISH_POINTER (get_document, WeirDocument)
FINISH_POINTER (find_document, WeirDocument)
FINISH_POINTER (list_documents, GPtrArray)
FINISH_BOOLEAN (delete_document)
FINISH_BOOLEAN (delete_account)
FINISH_NUMBER (append_event)
FINISH_POINTER (list_events, GPtrArray)
FINISH_BOOLEAN (trim_events)
FINISH_BOOLEAN (backup)

WeirLiveInputList *
weir_live_input_list_new (GPtrArray *inputs, guint64 total)
{
  WeirLiveInputList *self = g_new0 (WeirLiveInputList, 1);

  self->inputs = inputs;
  self->total = total;
  return self;
}

void
weir_live_input_list_free (WeirLiveInputList *self)
{
  g_clear_pointer (&self->inputs, g_ptr_array_unref);
  g_free (self);
}

GPtrArray *
weir_store_list_inputs_finish (
    WeirStore *self, GAsyncResult *result, guint64 *total, GError **error)
{
  WeirLiveInputList *list;
  GPtrArray *inputs;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  list = g_task_propagate_pointer (G_TASK (result), error);
  if (list == NULL)
    return NULL;
  if (total != NULL)
    *total = list->total;
  inputs = g_steal_pointer (&list->inputs);
  weir_live_input_list_free (list);
  return inputs;
}

gboolean
weir_store_get_usage_finish (
    WeirStore *self, GAsyncResult *result, WeirStoreUsage *usage, GError **error)
{
  g_autofree WeirStoreUsage *sums = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  sums = g_task_propagate_pointer (G_TASK (result), error);
  if (sums == NULL)
    return FALSE;
  *usage = *sums;
  return TRUE;
}

void
weir_store_create_input (
    WeirStore *self, const WeirLiveInput *input, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (create_input, input);
}

void
weir_store_get_input (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (get_input, uid);
}

void
weir_store_find_input (WeirStore *self, WeirSecret kind, const gchar *secret,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree gchar *digest = weir_store_digest_secret (secret);

  CALL (find_input, kind, digest);
}

void
weir_store_list_inputs (WeirStore *self, const WeirLiveInputFilter *filter,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_inputs, filter);
}

void
weir_store_update_input (WeirStore *self, const WeirLiveInput *input, gint64 expected_modified_us,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (update_input, input, expected_modified_us);
}

void
weir_store_delete_input (WeirStore *self, const gchar *account, const gchar *uid,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (delete_input, account, uid);
}

void
weir_store_begin_broadcast (WeirStore *self, const WeirBroadcastRecord *record,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (begin_broadcast, record);
}

void
weir_store_claim_broadcast (WeirStore *self, const gchar *uid, guint64 expected_epoch,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (claim_broadcast, uid, expected_epoch);
}

void
weir_store_get_broadcast (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (get_broadcast, uid);
}

void
weir_store_list_broadcasts (WeirStore *self, const WeirBroadcastFilter *filter,
    GAsyncReadyCallback callback, gpointer user_data)
{
  static const WeirBroadcastFilter all = {0};

  CALL (list_broadcasts, filter != NULL ? filter : &all);
}

void
weir_store_edit_broadcast (WeirStore *self, const WeirBroadcastRecord *record,
    gint64 expected_modified_us, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (edit_broadcast, record, expected_modified_us);
}

void
weir_store_delete_broadcast (WeirStore *self, const gchar *uid, const WeirEvent *event,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (delete_broadcast, uid, event);
}

void
weir_store_get_usage (WeirStore *self, const gchar *account, const gchar *creator,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (get_usage, account, creator);
}

void
weir_store_commit_segment (WeirStore *self, const gchar *uid, guint64 epoch,
    const WeirSegmentCommit *commit, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (commit_segment, uid, epoch, commit);
}

void
weir_store_commit_state (WeirStore *self, const gchar *uid, guint64 epoch, const gchar *committed,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (commit_state, uid, epoch, committed);
}

void
weir_store_commit_inits (WeirStore *self, const gchar *uid, guint64 epoch, const gchar *inits,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (commit_inits, uid, epoch, inits);
}

void
weir_store_forget_segments (WeirStore *self, const gchar *uid, guint64 epoch, guint64 before,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (forget_segments, uid, epoch, before);
}

void
weir_store_end_broadcast (WeirStore *self, const gchar *uid, guint64 epoch,
    WeirBroadcastState state, const WeirEvent *event, GAsyncReadyCallback callback,
    gpointer user_data)
{
  CALL (end_broadcast, uid, epoch, state, event);
}

void
weir_store_list_segments (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_segments, uid);
}

void
weir_store_get_newest_segment (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (get_newest_segment, uid);
}

void
weir_store_put_document (WeirStore *self, const WeirDocument *document, guint64 expected_revision,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (put_document, document, expected_revision);
}

void
weir_store_add_document (WeirStore *self, const WeirDocument *document, guint limit,
    gboolean of_account, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (add_document, document, limit, of_account);
}

void
weir_store_get_document (WeirStore *self, WeirDocumentKind kind, const gchar *id,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (get_document, kind, id);
}

void
weir_store_find_document (WeirStore *self, WeirDocumentKind kind, const gchar *digest,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (find_document, kind, digest);
}

void
weir_store_list_documents (WeirStore *self, WeirDocumentKind kind, const gchar *account,
    const gchar *parent, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_documents, kind, account, parent);
}

void
weir_store_delete_document (WeirStore *self, WeirDocumentKind kind, const gchar *id,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (delete_document, kind, id);
}

void
weir_store_delete_account (
    WeirStore *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (delete_account, id);
}

void
weir_store_append_event (
    WeirStore *self, const WeirEvent *event, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (append_event, event);
}

void
weir_store_list_events (WeirStore *self, const gchar *account, guint64 after, guint limit,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_events, account, after, limit);
}

void
weir_store_trim_events (WeirStore *self, gint64 before_us, guint64 keep,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (trim_events, before_us, keep);
}

void
weir_store_backup (
    WeirStore *self, const gchar *path, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (backup, path);
}
