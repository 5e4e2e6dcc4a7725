/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/reader.h"
#include "base/writer.h"

#include <glib.h>

G_BEGIN_DECLS

/*
 * Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2). Pure, no threads.
 */

/* the type of a box as a number: WEIR_BOX_TYPE ('m', 'o', 'o', 'f') */
#define WEIR_BOX_TYPE(a, b, c, d)                                                              \
  ((guint32) (guint8) (a) << 24 | (guint32) (guint8) (b) << 16 | (guint32) (guint8) (c) << 8 | \
      (guint32) (guint8) (d))

/**
 * weir_box_begin, weir_full_box_begin, weir_box_end:
 *
 * Writes a box's header, whose size weir_box_end() fills in. What is written between them is its
 * content; boxes nest. A box must stay below 4 GiB.
 *
 * Returns (begin): the position to give to weir_box_end()
 */
gsize weir_box_begin (WeirWriter *writer, const gchar *type);
/* @flags: 24 bits */
gsize weir_full_box_begin (WeirWriter *writer, const gchar *type, guint8 version, guint32 flags);
void weir_box_end (WeirWriter *writer, gsize position);

/**
 * WeirBox: a box inside some bytes
 * @offset: of its header, from the start of the reader's data
 * @size: of header and payload together
 * @header_size: 8, or 16 with a 64-bit size (and 16 more for a `uuid` box, its extended type)
 */
typedef struct {
  guint32 type;
  gsize offset;
  gsize size;
  gsize header_size;
  WeirReader payload;
} WeirBox;

/**
 * weir_box_read:
 *
 * Consumes the next box of @reader. A size of 1 (64-bit size follows) and of 0 (up to the end) are
 * understood. Bytes from outside.
 *
 * Returns: FALSE at the end of the data, and when what is there is not a complete box; the latter
 *   sets @reader's failed and leaves its position at that box
 */
gboolean weir_box_read (WeirReader *reader, WeirBox *box);

/**
 * weir_box_find:
 *
 * The first box of @type among those that @container still holds, which is not consumed.
 *
 * Returns: FALSE when there is none, or a box before it is broken
 */
gboolean weir_box_find (const WeirReader *container, guint32 type, WeirBox *box);

G_END_DECLS
