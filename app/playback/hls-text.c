/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls-text.h"

#include <string.h>

/* Blocks double, so that a short text takes little and a long one comes in few pieces. They are
 * never moved: readers have their addresses. */
#define BLOCK_LEAST (16 * 1024)
#define BLOCK_MOST (1024 * 1024)

typedef struct {
  gatomicrefcount ref_count;
  gsize capacity;
  gsize size;
  gchar data[];
} Block;

struct _WeirHlsText {
  gchar *broadcast;
  gint track;
  guint target_duration;
  GPtrArray *blocks;     /* of Block: all full but for the last */
  gsize size;            /* of them together */
  guint n_segments;      /* so far */
  WeirHlsSegment before; /* the last one so far that has a map; none: has_map is FALSE */
  gboolean gaps;         /* there are some */
  gsize kept_size;       /* without gaps at the end, but with the first segment */
  gboolean kept_gaps;    /* there are some in that */
  GString *line;         /* what is being written */
};

static Block *
block_new (gsize capacity)
{
  Block *self = g_malloc (sizeof (Block) + capacity);

  g_atomic_ref_count_init (&self->ref_count);
  self->capacity = capacity;
  self->size = 0;
  return self;
}

static void
block_unref (gpointer data)
{
  Block *self = data;

  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

WeirHlsText *
weir_hls_text_new (const gchar *broadcast, gint track, guint target_duration)
{
  WeirHlsText *self = g_new0 (WeirHlsText, 1);

  self->broadcast = g_strdup (broadcast);
  self->track = track;
  self->target_duration = target_duration;
  self->blocks = g_ptr_array_new_with_free_func (block_unref);
  self->line = g_string_new (NULL);
  return self;
}

void
weir_hls_text_free (WeirHlsText *self)
{
  g_free (self->broadcast);
  g_ptr_array_unref (self->blocks);
  g_string_free (self->line, TRUE);
  g_free (self);
}

guint
weir_hls_text_get_target_duration (const WeirHlsText *self)
{
  return self->target_duration;
}

/* Returns: one with room */
static Block *
get_block (WeirHlsText *self)
{
  Block *last = self->blocks->len > 0 ? self->blocks->pdata[self->blocks->len - 1] : NULL;

  if (last == NULL || last->size == last->capacity) {
    last = block_new (last == NULL ? BLOCK_LEAST : MIN (last->capacity * 2, BLOCK_MOST));
    g_ptr_array_add (self->blocks, last);
  }
  return last;
}

static void
append (WeirHlsText *self, const gchar *data, gsize size)
{
  while (size > 0) {
    Block *block = get_block (self);
    gsize some = MIN (size, block->capacity - block->size);

    memcpy (block->data + block->size, data, some);
    block->size += some;
    self->size += some;
    data += some;
    size -= some;
  }
}

void
weir_hls_text_add (WeirHlsText *self, const WeirHlsSegment *segments, guint n_segments)
{
  const WeirHlsMedia media = {.broadcast = self->broadcast, .track = self->track};

  for (guint i = 0; i < n_segments; i++) {
    const WeirHlsSegment *segment = &segments[i];

    g_string_truncate (self->line, 0);
    weir_hls_append_segment (
        self->line, &media, segment, self->before.has_map ? &self->before : NULL);
    append (self, self->line->str, self->line->len);
    if (segment->has_map)
      self->before = *segment;
    self->gaps |= segment->gap;
    if (!segment->gap || self->n_segments == 0) {
      self->kept_size = self->size;
      self->kept_gaps = self->gaps;
    }
    self->n_segments++;
  }
}

GPtrArray *
weir_hls_text_get (WeirHlsText *self, guint64 media_sequence, gboolean independent, gboolean ended)
{
  const WeirHlsMedia media = {
      .broadcast = self->broadcast,
      .track = self->track,
      .target_duration = self->target_duration,
      .media_sequence = media_sequence,
      .ended = ended,
      .whole = TRUE,
      .independent = independent,
  };
  GPtrArray *pieces = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GString *head = g_string_new (NULL);
  gsize left = ended ? self->kept_size : self->size;

  weir_hls_append_head (head, &media, ended ? self->kept_gaps : self->gaps);
  g_ptr_array_add (pieces, g_string_free_to_bytes (head));
  for (guint i = 0; i < self->blocks->len && left > 0; i++) {
    Block *block = self->blocks->pdata[i];
    gsize size = MIN (left, block->size);

    g_atomic_ref_count_inc (&block->ref_count);
    g_ptr_array_add (pieces, g_bytes_new_with_free_func (block->data, size, block_unref, block));
    left -= size;
  }
  if (ended)
    g_ptr_array_add (pieces, g_bytes_new_static (WEIR_HLS_END_LIST, strlen (WEIR_HLS_END_LIST)));
  return pieces;
}
