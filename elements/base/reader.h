/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirReader:
 * @data: (transfer none) (array length=size): the bytes being read; must outlive the reader
 * @size: number of bytes at @data
 * @position: offset of the next byte to read, never beyond @size
 * @failed: TRUE once a read went beyond the end; never reset
 *
 * A bounds-checked cursor over bytes from outside. Every read that does not fit returns zero (or
 * NULL), reads nothing and sets @failed, so a parser may read a whole structure and check once.
 * Numbers are big-endian unless the name says otherwise. No integer of the wire is read in any
 * other way in this project.
 */
typedef struct {
  const guint8 *data;
  gsize size;
  gsize position;
  gboolean failed;
} WeirReader;

static inline void
weir_reader_init (WeirReader *self, const guint8 *data, gsize size)
{
  self->data = data;
  self->size = size;
  self->position = 0;
  self->failed = FALSE;
}

static inline gsize
weir_reader_remaining (const WeirReader *self)
{
  return self->size - self->position;
}

/**
 * weir_reader_bytes:
 * @size: how many bytes are wanted
 *
 * Returns: (transfer none) (nullable): the next @size bytes, which are then consumed; NULL (and
 * @failed) when fewer remain. With @size 0 the result is not NULL unless the data itself is.
 */
static inline const guint8 *
weir_reader_bytes (WeirReader *self, gsize size)
{
  const guint8 *bytes;

  if (G_UNLIKELY (self->failed || size > weir_reader_remaining (self))) {
    self->failed = TRUE;
    return NULL;
  }
  bytes = self->data + self->position;
  self->position += size;
  return bytes;
}

static inline gboolean
weir_reader_skip (WeirReader *self, gsize size)
{
  if (G_UNLIKELY (self->failed || size > weir_reader_remaining (self))) {
    self->failed = TRUE;
    return FALSE;
  }
  self->position += size;
  return TRUE;
}

/**
 * weir_reader_sub:
 * @size: length of the part
 * @part: (out caller-allocates): reader over the next @size bytes
 *
 * Consumes @size bytes and hands them out as a reader of their own, so that a nested structure
 * cannot read beyond its own end. On failure @part is empty and failed too.
 *
 * Returns: FALSE when fewer than @size bytes remain
 */
static inline gboolean
weir_reader_sub (WeirReader *self, gsize size, WeirReader *part)
{
  const guint8 *bytes = weir_reader_bytes (self, size);

  weir_reader_init (part, bytes, bytes != NULL ? size : 0);
  part->failed = self->failed;
  return !self->failed;
}

static inline guint8
weir_reader_u8 (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 1);
  return b != NULL ? b[0] : 0;
}

static inline guint16
weir_reader_u16 (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 2);
  return b != NULL ? (guint16) (b[0] << 8 | b[1]) : 0;
}

static inline guint16
weir_reader_u16_le (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 2);
  return b != NULL ? (guint16) (b[1] << 8 | b[0]) : 0;
}

static inline guint32
weir_reader_u24 (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 3);
  return b != NULL ? (guint32) b[0] << 16 | (guint32) b[1] << 8 | b[2] : 0;
}

/* signed 24 bits, sign-extended (FLV composition time) */
static inline gint32
weir_reader_s24 (WeirReader *self)
{
  return ((gint32) (weir_reader_u24 (self) << 8)) >> 8;
}

static inline guint32
weir_reader_u32 (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 4);
  return b != NULL ? (guint32) b[0] << 24 | (guint32) b[1] << 16 | (guint32) b[2] << 8 | b[3] : 0;
}

static inline guint32
weir_reader_u32_le (WeirReader *self)
{
  const guint8 *b = weir_reader_bytes (self, 4);
  return b != NULL ? (guint32) b[3] << 24 | (guint32) b[2] << 16 | (guint32) b[1] << 8 | b[0] : 0;
}

static inline guint64
weir_reader_u64 (WeirReader *self)
{
  guint64 high = weir_reader_u32 (self);
  return high << 32 | weir_reader_u32 (self);
}

/* IEEE 754 binary64, big-endian; 0.0 on failure */
static inline gdouble
weir_reader_double (WeirReader *self)
{
  union {
    guint64 bits;
    gdouble number;
  } u;
  u.bits = weir_reader_u64 (self);
  return u.number;
}

G_END_DECLS
