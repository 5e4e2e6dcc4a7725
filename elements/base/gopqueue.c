/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/gopqueue.h"

/* Items of no size are bounded too; a power of two, as the ring's size always is. */
#define ITEMS_MAX 65536u
#define ITEMS_AT_FIRST 64u

/* Items are numbered from 0 as they are pushed: @first is the oldest that is kept, @end the number
 * that the next one will get. */
struct _WeirGopQueue {
  gatomicrefcount ref_count;
  gpointer (*ref) (gpointer item);
  void (*unref) (gpointer item);
  gsize bytes_max;
  gint64 time_max_ns;

  GMutex mutex;
  WeirGopItem *ring;
  guint ring_size;
  guint64 first;
  guint64 end;
  guint64 newest_keyframe; /* meaningful with @has_keyframe and when not below @first */
  gboolean has_keyframe;
  gsize bytes;
  gboolean ended;
  GList *readers;
};

struct _WeirGopReader {
  WeirGopQueue *queue;
  GList link;
  void (*wake) (gpointer data);
  gpointer data;

  guint64 next;
  gboolean wants_keyframe; /* nothing but a keyframe can follow */
  gboolean fresh;          /* has read nothing yet, so that it cannot have missed anything */
  gboolean dry;
  guint64 missed;
};

static WeirGopItem *
item_at (WeirGopQueue *self, guint64 number)
{
  return &self->ring[number & (self->ring_size - 1)];
}

static gboolean
keyframe_is_kept (WeirGopQueue *self)
{
  return self->has_keyframe && self->newest_keyframe >= self->first;
}

WeirGopQueue *
weir_gop_queue_new (gsize bytes_max, gint64 time_max_ns, gpointer (*ref) (gpointer item),
    void (*unref) (gpointer item))
{
  WeirGopQueue *self = g_new0 (WeirGopQueue, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->bytes_max = bytes_max;
  self->time_max_ns = time_max_ns;
  self->ref = ref;
  self->unref = unref;
  self->ring_size = ITEMS_AT_FIRST;
  self->ring = g_new (WeirGopItem, self->ring_size);
  return self;
}

WeirGopQueue *
weir_gop_queue_ref (WeirGopQueue *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_gop_queue_unref (WeirGopQueue *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  for (; self->first < self->end; self->first++)
    self->unref (item_at (self, self->first)->item);
  g_free (self->ring);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static void
grow (WeirGopQueue *self)
{
  WeirGopItem *ring = g_new (WeirGopItem, 2 * self->ring_size);

  for (guint64 i = self->first; i < self->end; i++)
    ring[i & (2 * self->ring_size - 1)] = *item_at (self, i);
  g_free (self->ring);
  self->ring = ring;
  self->ring_size *= 2;
}

/* The newest item always stays, however large. */
static gboolean
exceeds_limits (WeirGopQueue *self)
{
  guint64 count = self->end - self->first;

  if (count <= 1)
    return FALSE;
  return self->bytes > self->bytes_max || count > ITEMS_MAX ||
         item_at (self, self->end - 1)->time_ns - item_at (self, self->first)->time_ns >
             self->time_max_ns;
}

static void
wake_readers (WeirGopQueue *self)
{
  for (GList *l = self->readers; l != NULL; l = l->next) {
    WeirGopReader *reader = l->data;

    if (!reader->dry || (reader->wants_keyframe && !keyframe_is_kept (self) && !self->ended))
      continue;
    reader->dry = FALSE;
    if (reader->wake != NULL)
      reader->wake (reader->data);
  }
}

void
weir_gop_queue_push (WeirGopQueue *self, const WeirGopItem *item)
{
  WeirGopItem kept = *item;

  kept.item = self->ref (item->item);
  g_mutex_lock (&self->mutex);
  if (self->end - self->first == self->ring_size)
    grow (self);
  *item_at (self, self->end) = kept;
  if (kept.keyframe) {
    self->newest_keyframe = self->end;
    self->has_keyframe = TRUE;
  }
  self->end++;
  self->bytes += kept.size;
  while (exceeds_limits (self)) {
    WeirGopItem *oldest = item_at (self, self->first);
    gpointer leaving = oldest->item;

    self->bytes -= oldest->size;
    self->first++;
    /* what an item's end sets off must not happen under the lock */
    g_mutex_unlock (&self->mutex);
    self->unref (leaving);
    g_mutex_lock (&self->mutex);
  }
  wake_readers (self);
  g_mutex_unlock (&self->mutex);
}

void
weir_gop_queue_end (WeirGopQueue *self)
{
  g_mutex_lock (&self->mutex);
  self->ended = TRUE;
  wake_readers (self);
  g_mutex_unlock (&self->mutex);
}

gsize
weir_gop_queue_get_bytes (WeirGopQueue *self)
{
  gsize bytes;

  g_mutex_lock (&self->mutex);
  bytes = self->bytes;
  g_mutex_unlock (&self->mutex);
  return bytes;
}

WeirGopReader *
weir_gop_reader_new (WeirGopQueue *queue, void (*wake) (gpointer data), gpointer data)
{
  WeirGopReader *self = g_new0 (WeirGopReader, 1);

  self->queue = weir_gop_queue_ref (queue);
  self->wake = wake;
  self->data = data;
  self->wants_keyframe = TRUE;
  self->fresh = TRUE;
  self->link.data = self;
  g_mutex_lock (&queue->mutex);
  self->next = keyframe_is_kept (queue) ? queue->newest_keyframe : queue->end;
  queue->readers = g_list_concat (&self->link, queue->readers);
  g_mutex_unlock (&queue->mutex);
  return self;
}

void
weir_gop_reader_free (WeirGopReader *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->queue->mutex);
  self->queue->readers = g_list_remove_link (self->queue->readers, &self->link);
  g_mutex_unlock (&self->queue->mutex);
  weir_gop_queue_unref (self->queue);
  g_free (self);
}

/* Moves to @number and returns how many items that skips. */
static guint64
jump (WeirGopReader *self, guint64 number)
{
  guint64 skipped = self->fresh ? 0 : number - self->next;

  self->next = number;
  self->missed += skipped;
  return skipped;
}

WeirGopRead
weir_gop_reader_next (WeirGopReader *self, WeirGopItem *item, guint64 *missed)
{
  WeirGopQueue *queue = self->queue;
  guint64 skipped = 0;
  gboolean has_next;

  g_mutex_lock (&queue->mutex);
  if (self->next < queue->first)
    self->wants_keyframe = TRUE;
  if (self->wants_keyframe) {
    has_next = keyframe_is_kept (queue);
    if (has_next)
      skipped = jump (self, queue->newest_keyframe);
    else if (queue->ended)
      skipped = jump (self, queue->end);
  } else {
    has_next = self->next < queue->end;
  }
  if (!has_next) {
    WeirGopRead result = queue->ended ? WEIR_GOP_READ_END : WEIR_GOP_READ_EMPTY;

    self->dry = TRUE;
    g_mutex_unlock (&queue->mutex);
    return result;
  }
  self->wants_keyframe = FALSE;
  self->fresh = FALSE;
  *item = *item_at (queue, self->next);
  item->item = queue->ref (item->item);
  self->next++;
  g_mutex_unlock (&queue->mutex);
  *missed = skipped;
  return WEIR_GOP_READ_ITEM;
}

guint64
weir_gop_reader_get_missed (WeirGopReader *self)
{
  guint64 missed;

  g_mutex_lock (&self->queue->mutex);
  missed = self->missed;
  g_mutex_unlock (&self->queue->mutex);
  return missed;
}
