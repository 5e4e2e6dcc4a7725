/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/writer.h"

G_BEGIN_DECLS

/*
 * The frame of a box, for sample entries (internal to codec/, which knows nothing of segment/).
 */
static inline gsize
weir_entry_begin (WeirWriter *writer, const gchar *type)
{
  gsize position = writer->size;

  weir_writer_u32 (writer, 0);
  weir_writer_fourcc (writer, type);
  return position;
}

static inline void
weir_entry_end (WeirWriter *writer, gsize position)
{
  weir_writer_patch_u32 (writer, position, (guint32) (writer->size - position));
}

G_END_DECLS
