/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bitreader.h"

void
weir_bit_reader_init (WeirBitReader *self, const guint8 *data, gsize size)
{
  self->data = data;
  self->size = MIN (size, G_MAXSIZE / 8);
  self->position = 0;
  self->failed = FALSE;
}

gsize
weir_bit_reader_remaining (const WeirBitReader *self)
{
  return self->size * 8 - self->position;
}

guint32
weir_bit_reader_bits (WeirBitReader *self, guint count)
{
  guint64 value = 0;
  guint i;

  if (self->failed || count > 32 || count > weir_bit_reader_remaining (self)) {
    self->failed = TRUE;
    return 0;
  }
  for (i = 0; i < count; i++) {
    gsize bit = self->position + i;
    value = value << 1 | (self->data[bit / 8] >> (7 - bit % 8) & 1);
  }
  self->position += count;
  return (guint32) value;
}

gboolean
weir_bit_reader_bit (WeirBitReader *self)
{
  return weir_bit_reader_bits (self, 1) != 0;
}

void
weir_bit_reader_skip (WeirBitReader *self, gsize count)
{
  if (self->failed || count > weir_bit_reader_remaining (self)) {
    self->failed = TRUE;
    return;
  }
  self->position += count;
}

guint32
weir_bit_reader_ue (WeirBitReader *self)
{
  guint zeros = 0;

  while (!self->failed && !weir_bit_reader_bit (self)) {
    if (++zeros > 31)
      self->failed = TRUE;
  }
  if (self->failed)
    return 0;
  return ((guint32) 1 << zeros) - 1 + weir_bit_reader_bits (self, zeros);
}

gint32
weir_bit_reader_se (WeirBitReader *self)
{
  gint64 code = weir_bit_reader_ue (self);

  return (gint32) (code & 1 ? (code + 1) / 2 : -(code / 2));
}
