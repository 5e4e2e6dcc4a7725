/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirBlocks:
 * @size: bytes in it
 *
 * Bytes that are gathered piece by piece, in blocks of one size: nothing is moved when it grows,
 * and the allocator can use what is freed for the next one, whatever its size. Pure, no threads.
 */
typedef struct {
  GPtrArray *blocks; /* each of WEIR_BLOCK_SIZE bytes, all but the last one full */
  gsize size;
} WeirBlocks;

#define WEIR_BLOCK_SIZE ((gsize) 16 * 1024)

WeirBlocks *weir_blocks_new (void);
void weir_blocks_free (WeirBlocks *self);
void weir_blocks_append (WeirBlocks *self, gconstpointer data, gsize size);
/**
 * weir_blocks_split:
 * @offset: at most its size
 *
 * Returns: (transfer full): what stood from @offset on, which is no longer in @self
 */
WeirBlocks *weir_blocks_split (WeirBlocks *self, gsize offset);
/* Returns: the bytes of the block in which @offset stands, from there on; their number in @size.
 * @offset: below the size of all */
gconstpointer weir_blocks_get (const WeirBlocks *self, gsize offset, gsize *size);
/* @offset + @size: at most the size of all */
void weir_blocks_copy (const WeirBlocks *self, gsize offset, gsize size, gpointer destination);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBlocks, weir_blocks_free)

G_END_DECLS
