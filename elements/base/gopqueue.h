/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirGopQueue:
 *
 * One ring of media items that many readers share, each with a cursor of its own: for everything
 * that can lag behind a broadcast. Bounded in bytes and in time; the writer never waits and never
 * fails: the oldest items leave. A reader whose next item has left jumps to the newest keyframe and
 * is told how many items it missed; a new reader begins at the newest keyframe.
 *
 * Locked inside: one writer and any number of readers on any threads.
 */
typedef struct _WeirGopQueue WeirGopQueue;
typedef struct _WeirGopReader WeirGopReader;

typedef struct {
  gpointer item;     /* (transfer none) for push; see weir_gop_reader_next() */
  gsize size;        /* bytes it counts for */
  gint64 time_ns;    /* decode time; grows */
  gboolean keyframe; /* a reader can begin here */
} WeirGopItem;

/* @ref, @unref: of the items */
WeirGopQueue *weir_gop_queue_new (gsize bytes_max, gint64 time_max_ns,
    gpointer (*ref) (gpointer item), void (*unref) (gpointer item));
WeirGopQueue *weir_gop_queue_ref (WeirGopQueue *self);
void weir_gop_queue_unref (WeirGopQueue *self);
/* takes a reference of its own; then calls every reader's wake function, on this thread */
void weir_gop_queue_push (WeirGopQueue *self, const WeirGopItem *item);
/* no more items: readers get what is left, then the end */
void weir_gop_queue_end (WeirGopQueue *self);

/* @wake: (nullable) called by the writer when an item came for a reader that had run dry, or the
 * end; must not call the queue */
WeirGopReader *weir_gop_reader_new (
    WeirGopQueue *queue, void (*wake) (gpointer data), gpointer data);
void weir_gop_reader_free (WeirGopReader *self);

typedef enum {
  WEIR_GOP_READ_ITEM,
  WEIR_GOP_READ_EMPTY, /* nothing now; wake will be called */
  WEIR_GOP_READ_END,
} WeirGopRead;

/**
 * weir_gop_reader_next:
 * @item: (out): with a reference that the caller owns
 * @missed: (out): items that were skipped right before this one by a jump; 0 without one
 */
WeirGopRead weir_gop_reader_next (WeirGopReader *self, WeirGopItem *item, guint64 *missed);
/* all items that this reader has missed */
guint64 weir_gop_reader_get_missed (WeirGopReader *self);
gsize weir_gop_queue_get_bytes (WeirGopQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirGopQueue, weir_gop_queue_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirGopReader, weir_gop_reader_free)

G_END_DECLS
