/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/counters.h"

struct _WeirCounters {
  gatomicrefcount ref_count;
  GMutex lock;
  GTree *counts; /* reason → guint64 */
};

typedef struct {
  const gchar *reason;
  guint64 count;
} Entry;

static gint
compare_reasons (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return g_strcmp0 (a, b);
}

WeirCounters *
weir_counters_new (void)
{
  WeirCounters *self = g_new0 (WeirCounters, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->counts = g_tree_new_full (compare_reasons, NULL, NULL, g_free);
  return self;
}

WeirCounters *
weir_counters_ref (WeirCounters *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_counters_unref (WeirCounters *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_tree_unref (self->counts);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* with the lock held */
static guint64 *
get_count (WeirCounters *self, const gchar *reason)
{
  guint64 *count = g_tree_lookup (self->counts, reason);

  if (count == NULL) {
    count = g_new0 (guint64, 1);
    g_tree_insert (self->counts, (gpointer) reason, count);
  }
  return count;
}

void
weir_counters_declare (WeirCounters *self, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  get_count (self, reason);
  g_mutex_unlock (&self->lock);
}

void
weir_counters_add (WeirCounters *self, const gchar *reason)
{
  weir_counters_add_many (self, reason, 1);
}

void
weir_counters_add_many (WeirCounters *self, const gchar *reason, guint64 count)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  *get_count (self, reason) += count;
  g_mutex_unlock (&self->lock);
}

guint64
weir_counters_get (WeirCounters *self, const gchar *reason)
{
  const guint64 *count;
  guint64 value;

  g_mutex_lock (&self->lock);
  count = g_tree_lookup (self->counts, reason);
  value = count != NULL ? *count : 0;
  g_mutex_unlock (&self->lock);
  return value;
}

static gboolean
copy_entry (gpointer reason, gpointer count, gpointer entries)
{
  Entry entry = {reason, *(const guint64 *) count};

  g_array_append_val ((GArray *) entries, entry);
  return FALSE;
}

void
weir_counters_foreach (WeirCounters *self,
    void (*func) (const gchar *reason, guint64 count, gpointer data), gpointer data)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));

  g_mutex_lock (&self->lock);
  g_tree_foreach (self->counts, copy_entry, entries);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);

    func (entry->reason, entry->count, data);
  }
}
