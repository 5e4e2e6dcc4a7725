/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/box.h"

gsize
weir_box_begin (WeirWriter *writer, const gchar *type)
{
  gsize position = writer->size;

  weir_writer_u32 (writer, 0);
  weir_writer_fourcc (writer, type);
  return position;
}

gsize
weir_full_box_begin (WeirWriter *writer, const gchar *type, guint8 version, guint32 flags)
{
  gsize position = weir_box_begin (writer, type);

  weir_writer_u8 (writer, version);
  weir_writer_u24 (writer, flags);
  return position;
}

void
weir_box_end (WeirWriter *writer, gsize position)
{
  g_assert (position + 8 <= writer->size);
  g_assert (writer->size - position <= G_MAXUINT32);
  weir_writer_patch_u32 (writer, position, (guint32) (writer->size - position));
}

gboolean
weir_box_read (WeirReader *reader, WeirBox *box)
{
  WeirReader ahead = *reader;
  WeirBox read = {0};
  guint64 size;

  if (reader->failed || weir_reader_remaining (reader) == 0)
    return FALSE;

  read.offset = reader->position;
  size = weir_reader_u32 (&ahead);
  read.type = weir_reader_u32 (&ahead);
  if (size == 1)
    size = weir_reader_u64 (&ahead);
  else if (size == 0)
    size = weir_reader_remaining (reader);
  if (read.type == WEIR_BOX_TYPE ('u', 'u', 'i', 'd'))
    weir_reader_skip (&ahead, 16);
  read.header_size = ahead.position - reader->position;

  if (ahead.failed || size < read.header_size || size > weir_reader_remaining (reader)) {
    reader->failed = TRUE;
    return FALSE;
  }
  read.size = (gsize) size;
  weir_reader_sub (&ahead, read.size - read.header_size, &read.payload);
  *reader = ahead;
  *box = read;
  return TRUE;
}

gboolean
weir_box_find (const WeirReader *container, guint32 type, WeirBox *box)
{
  WeirReader reader = *container;
  WeirBox found;

  while (weir_box_read (&reader, &found)) {
    if (found.type == type) {
      *box = found;
      return TRUE;
    }
  }
  return FALSE;
}
