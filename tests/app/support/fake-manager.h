/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcast/manager.h"

/**
 * A broadcast manager that runs what the test says: its functions stand in for the real ones, which
 * are then not taken from the library. To be included by one source of a test.
 */
struct _WeirBroadcastManager {
  GHashTable *indexes;  /* id → WeirIndex, of what runs */
  GHashTable *recorded; /* uid → WeirIndex, to be loaded */
  GHashTable *statuses; /* id → WeirBroadcastStatus */
  gchar *ended;
  gchar *forgotten;
  gboolean full;
};

static inline WeirBroadcastManager *
fake_manager_new (void)
{
  WeirBroadcastManager *self = g_new0 (WeirBroadcastManager, 1);

  self->indexes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) weir_index_unref);
  self->recorded =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) weir_index_unref);
  self->statuses = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify) weir_broadcast_status_free);
  return self;
}

static inline void
fake_manager_free (WeirBroadcastManager *self)
{
  g_hash_table_unref (self->indexes);
  g_hash_table_unref (self->recorded);
  g_hash_table_unref (self->statuses);
  g_free (self->ended);
  g_free (self->forgotten);
  g_free (self);
}

WeirBroadcastStatus *
weir_broadcast_manager_get_status (WeirBroadcastManager *self, const gchar *id)
{
  const WeirBroadcastStatus *status = g_hash_table_lookup (self->statuses, id);
  WeirBroadcastStatus *copy;

  if (status == NULL)
    return NULL;
  copy = g_memdup2 (status, sizeof *status);
  copy->uid = g_strdup (status->uid);
  copy->input = g_strdup (status->input);
  copy->protocol = g_strdup (status->protocol);
  copy->peer = g_strdup (status->peer);
  copy->codecs = g_strdup (status->codecs);
  if (status->health != NULL)
    copy->health = weir_broadcast_health_copy (status->health);
  return copy;
}

WeirIndex *
weir_broadcast_manager_find_index (WeirBroadcastManager *self, const gchar *id)
{
  WeirIndex *index = g_hash_table_lookup (self->indexes, id);

  return index ? weir_index_ref (index) : NULL;
}

void
weir_broadcast_manager_load_index (WeirBroadcastManager *self, const gchar *uid,
    void (*done) (WeirIndex *index, gpointer data), gpointer data)
{
  done (g_hash_table_lookup (self->recorded, uid), data);
}

/* it ends at once */
gboolean
weir_broadcast_manager_end_recording (
    WeirBroadcastManager *self, const gchar *uid, G_GNUC_UNUSED const gchar *description)
{
  g_free (self->ended);
  self->ended = g_strdup (uid);
  return g_hash_table_remove (self->statuses, uid);
}

void
weir_broadcast_manager_forget (WeirBroadcastManager *self, const gchar *uid)
{
  g_free (self->forgotten);
  self->forgotten = g_strdup (uid);
  g_hash_table_remove (self->recorded, uid);
}

void
weir_broadcast_manager_set_full (WeirBroadcastManager *self, gboolean full)
{
  self->full = full;
}

gchar *
weir_broadcast_manager_end (
    WeirBroadcastManager *self, const gchar *input, G_GNUC_UNUSED const gchar *description)
{
  const WeirBroadcastStatus *status = g_hash_table_lookup (self->statuses, input);

  return status != NULL ? g_strdup (status->uid) : NULL;
}

void
weir_broadcast_manager_get_totals (
    G_GNUC_UNUSED WeirBroadcastManager *self, WeirBroadcastTotals *totals)
{
  *totals = (WeirBroadcastTotals){.live = 7};
}
