/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/entry.h"

static void
write_colour (const WeirColour *colour, WeirWriter *writer)
{
  static const guint order[] = {1, 2, 0}; /* green, blue, red */
  gsize box;

  if (colour->primaries != 2 || colour->transfer != 2 || colour->matrix != 2 ||
      colour->full_range) {
    box = weir_entry_begin (writer, "colr");
    weir_writer_fourcc (writer, "nclx");
    weir_writer_u16 (writer, colour->primaries);
    weir_writer_u16 (writer, colour->transfer);
    weir_writer_u16 (writer, colour->matrix);
    weir_writer_u8 (writer, colour->full_range ? 0x80 : 0);
    weir_entry_end (writer, box);
  }
  if (colour->has_mastering) {
    box = weir_entry_begin (writer, "mdcv");
    for (guint i = 0; i < 3; i++) {
      weir_writer_u16 (writer, colour->display_primaries[order[i]][0]);
      weir_writer_u16 (writer, colour->display_primaries[order[i]][1]);
    }
    weir_writer_u16 (writer, colour->white_point[0]);
    weir_writer_u16 (writer, colour->white_point[1]);
    weir_writer_u32 (writer, colour->luminance_max);
    weir_writer_u32 (writer, colour->luminance_min);
    weir_entry_end (writer, box);
  }
  if (colour->has_light_level) {
    box = weir_entry_begin (writer, "clli");
    weir_writer_u16 (writer, colour->content_light_max);
    weir_writer_u16 (writer, colour->picture_average_light_max);
    weir_entry_end (writer, box);
  }
}

void
weir_entry_write_video (const WeirCodecConfig *config, const gchar *entry_type,
    const gchar *record_type, WeirWriter *writer)
{
  gsize entry = weir_entry_begin (writer, entry_type);
  gsize box, size;
  const guint8 *record = g_bytes_get_data (config->record, &size);

  weir_writer_zeros (writer, 6);
  weir_writer_u16 (writer, 1); /* data_reference_index */
  weir_writer_zeros (writer, 16);
  weir_writer_u16 (writer, (guint16) config->width);
  weir_writer_u16 (writer, (guint16) config->height);
  weir_writer_u32 (writer, 0x00480000); /* 72 dpi */
  weir_writer_u32 (writer, 0x00480000);
  weir_writer_u32 (writer, 0);
  weir_writer_u16 (writer, 1); /* frame_count */
  weir_writer_zeros (writer, 32);
  weir_writer_u16 (writer, 0x0018);
  weir_writer_u16 (writer, 0xffff);

  box = weir_entry_begin (writer, record_type);
  weir_writer_bytes (writer, record, size);
  weir_entry_end (writer, box);
  if (config->colour != NULL)
    write_colour (config->colour, writer);
  if (config->par_n != config->par_d) {
    box = weir_entry_begin (writer, "pasp");
    weir_writer_u32 (writer, config->par_n);
    weir_writer_u32 (writer, config->par_d);
    weir_entry_end (writer, box);
  }
  weir_entry_end (writer, entry);
}
