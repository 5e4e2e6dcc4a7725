/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/blocks.h"

#include <string.h>

WeirBlocks *
weir_blocks_new (void)
{
  WeirBlocks *self = g_new0 (WeirBlocks, 1);

  self->blocks = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
weir_blocks_free (WeirBlocks *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->blocks);
  g_free (self);
}

void
weir_blocks_append (WeirBlocks *self, gconstpointer data, gsize size)
{
  const guint8 *from = data;

  while (size > 0) {
    gsize used = self->size % WEIR_BLOCK_SIZE;
    gsize count = MIN (size, WEIR_BLOCK_SIZE - used);
    guint8 *block;

    if (used == 0)
      g_ptr_array_add (self->blocks, g_malloc (WEIR_BLOCK_SIZE));
    block = g_ptr_array_index (self->blocks, self->blocks->len - 1);
    memcpy (block + used, from, count);
    self->size += count;
    from += count;
    size -= count;
  }
}

WeirBlocks *
weir_blocks_split (WeirBlocks *self, gsize offset)
{
  WeirBlocks *rest = weir_blocks_new ();

  g_assert (offset <= self->size);
  for (gsize at = offset; at < self->size;) {
    gsize size;
    gconstpointer data = weir_blocks_get (self, at, &size);

    weir_blocks_append (rest, data, size);
    at += size;
  }
  self->size = offset;
  g_ptr_array_set_size (self->blocks, (gint) ((offset + WEIR_BLOCK_SIZE - 1) / WEIR_BLOCK_SIZE));
  return rest;
}

gconstpointer
weir_blocks_get (const WeirBlocks *self, gsize offset, gsize *size)
{
  const guint8 *block;

  g_assert (offset < self->size);
  block = g_ptr_array_index (self->blocks, offset / WEIR_BLOCK_SIZE);
  *size = MIN (WEIR_BLOCK_SIZE - offset % WEIR_BLOCK_SIZE, self->size - offset);
  return block + offset % WEIR_BLOCK_SIZE;
}

void
weir_blocks_copy (const WeirBlocks *self, gsize offset, gsize size, gpointer destination)
{
  guint8 *to = destination;

  while (size > 0) {
    gsize available;
    gconstpointer data = weir_blocks_get (self, offset, &available);
    gsize count = MIN (available, size);

    memcpy (to, data, count);
    offset += count;
    to += count;
    size -= count;
  }
}
