/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

G_DEFINE_INTERFACE (WeirStore, weir_store, G_TYPE_OBJECT)
G_DEFINE_QUARK (weir_store_error, weir_store_error)

static void
weir_store_default_init (WeirStoreInterface *iface)
{
  (void) iface;
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

FINISH_BOOLEAN (create_input)
FINISH_POINTER (get_input, WeirLiveInput)
FINISH_POINTER (find_input, WeirLiveInput)
FINISH_POINTER (list_inputs, GPtrArray)
FINISH_BOOLEAN (delete_input)
FINISH_POINTER (begin_broadcast, WeirBroadcastRecord)
FINISH_POINTER (claim_broadcast, WeirBroadcastRecord)
FINISH_POINTER (get_broadcast, WeirBroadcastRecord)
FINISH_POINTER (list_broadcasts, GPtrArray)
FINISH_BOOLEAN (commit_segment)
FINISH_BOOLEAN (commit_inits)
FINISH_BOOLEAN (forget_segments)
FINISH_BOOLEAN (end_broadcast)
FINISH_POINTER (list_segments, GPtrArray)

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
weir_store_list_inputs (
    WeirStore *self, const gchar *account, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_inputs, account);
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
weir_store_list_broadcasts (WeirStore *self, const gchar *input, gint state,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_broadcasts, input, state);
}

void
weir_store_commit_segment (WeirStore *self, const gchar *uid, guint64 epoch, guint64 number,
    const gchar *entry, const gchar *committed, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (commit_segment, uid, epoch, number, entry, committed);
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
    WeirBroadcastState state, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (end_broadcast, uid, epoch, state);
}

void
weir_store_list_segments (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  CALL (list_segments, uid);
}
