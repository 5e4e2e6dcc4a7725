/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirWriter:
 * @data: (array length=size): the bytes written so far
 * @size: number of bytes written
 *
 * A growing byte buffer. Numbers are big-endian unless the name says otherwise. Embedded in its
 * owner: init with weir_writer_init(), release with weir_writer_clear().
 */
typedef struct {
  guint8 *data;
  gsize size;
  gsize allocated;
} WeirWriter;

void weir_writer_init (WeirWriter *self, gsize reserve);
void weir_writer_clear (WeirWriter *self);
/* forgets the content, keeps the memory */
void weir_writer_reset (WeirWriter *self);
/* Returns: (transfer full): the content; the writer is empty afterwards */
GBytes *weir_writer_steal (WeirWriter *self);

void weir_writer_u8 (WeirWriter *self, guint8 value);
void weir_writer_u16 (WeirWriter *self, guint16 value);
/* the lower 24 bits of @value */
void weir_writer_u24 (WeirWriter *self, guint32 value);
void weir_writer_u32 (WeirWriter *self, guint32 value);
void weir_writer_u32_le (WeirWriter *self, guint32 value);
void weir_writer_u64 (WeirWriter *self, guint64 value);
void weir_writer_double (WeirWriter *self, gdouble value);
void weir_writer_bytes (WeirWriter *self, gconstpointer data, gsize size);
void weir_writer_zeros (WeirWriter *self, gsize count);
/* the four characters of @name, which must have that many */
void weir_writer_fourcc (WeirWriter *self, const gchar *name);
/* overwrites four bytes written before; @position + 4 <= size */
void weir_writer_patch_u32 (WeirWriter *self, gsize position, guint32 value);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirWriter, weir_writer_clear)

G_END_DECLS
