/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

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

/* ISO/IEC 14496-12, 12.1.3: a whole visual sample entry with the record as payload of the box
 * @record_type, and `colr`, `mdcv`, `clli`, `pasp` where they say something (12.1.4 to 12.1.8) */
void weir_entry_write_video (const WeirCodecConfig *config, const gchar *entry_type,
    const gchar *record_type, WeirWriter *writer);

G_END_DECLS
