/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirBitReader:
 *
 * A bounds-checked cursor over bits, most significant first, with the same rules as #WeirReader:
 * a read that does not fit returns zero and sets @failed for good.
 */
typedef struct {
  const guint8 *data;
  gsize size;     /* bytes */
  gsize position; /* bits */
  gboolean failed;
} WeirBitReader;

void weir_bit_reader_init (WeirBitReader *self, const guint8 *data, gsize size);
/* bits that have not been read yet */
gsize weir_bit_reader_remaining (const WeirBitReader *self);
/* @count: 0 to 32 */
guint32 weir_bit_reader_bits (WeirBitReader *self, guint count);
gboolean weir_bit_reader_bit (WeirBitReader *self);
void weir_bit_reader_skip (WeirBitReader *self, gsize count);
/* Exp-Golomb codes, ITU-T H.264 (08/2021) 9.1: ue(v), se(v); a code longer than 32 bits fails */
guint32 weir_bit_reader_ue (WeirBitReader *self);
gint32 weir_bit_reader_se (WeirBitReader *self);

G_END_DECLS
