/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/writer.h"

#include <string.h>

static guint8 *
weir_writer_extend (WeirWriter *self, gsize count)
{
  guint8 *place;

  g_assert (count <= G_MAXSIZE / 2 - self->size);
  if (self->size + count > self->allocated) {
    self->allocated = MAX (64, MAX (self->allocated * 2, self->size + count));
    self->data = g_realloc (self->data, self->allocated);
  }
  place = self->data + self->size;
  self->size += count;
  return place;
}

void
weir_writer_init (WeirWriter *self, gsize reserve)
{
  self->data = reserve > 0 ? g_malloc (reserve) : NULL;
  self->size = 0;
  self->allocated = reserve;
}

void
weir_writer_clear (WeirWriter *self)
{
  g_clear_pointer (&self->data, g_free);
  self->size = 0;
  self->allocated = 0;
}

void
weir_writer_reset (WeirWriter *self)
{
  self->size = 0;
}

GBytes *
weir_writer_steal (WeirWriter *self)
{
  GBytes *bytes = g_bytes_new_take (g_realloc (self->data, self->size), self->size);

  self->data = NULL;
  self->size = 0;
  self->allocated = 0;
  return bytes;
}

static void
weir_writer_number (WeirWriter *self, guint64 value, guint bytes)
{
  guint8 *place = weir_writer_extend (self, bytes);

  while (bytes-- > 0)
    *place++ = (guint8) (value >> (8 * bytes));
}

void
weir_writer_u8 (WeirWriter *self, guint8 value)
{
  weir_writer_number (self, value, 1);
}

void
weir_writer_u16 (WeirWriter *self, guint16 value)
{
  weir_writer_number (self, value, 2);
}

void
weir_writer_u24 (WeirWriter *self, guint32 value)
{
  weir_writer_number (self, value, 3);
}

void
weir_writer_u32 (WeirWriter *self, guint32 value)
{
  weir_writer_number (self, value, 4);
}

void
weir_writer_u32_le (WeirWriter *self, guint32 value)
{
  weir_writer_number (self, GUINT32_SWAP_LE_BE (value), 4);
}

void
weir_writer_u64 (WeirWriter *self, guint64 value)
{
  weir_writer_number (self, value, 8);
}

void
weir_writer_double (WeirWriter *self, gdouble value)
{
  union {
    gdouble number;
    guint64 bits;
  } u;
  u.number = value;
  weir_writer_number (self, u.bits, 8);
}

void
weir_writer_bytes (WeirWriter *self, gconstpointer data, gsize size)
{
  if (size > 0)
    memcpy (weir_writer_extend (self, size), data, size);
}

void
weir_writer_zeros (WeirWriter *self, gsize count)
{
  if (count > 0)
    memset (weir_writer_extend (self, count), 0, count);
}

void
weir_writer_fourcc (WeirWriter *self, const gchar *name)
{
  g_assert (strlen (name) == 4);
  weir_writer_bytes (self, name, 4);
}

void
weir_writer_patch_u32 (WeirWriter *self, gsize position, guint32 value)
{
  g_assert (position + 4 <= self->size);
  for (guint i = 0; i < 4; i++)
    self->data[position + i] = (guint8) (value >> (24 - 8 * i));
}
