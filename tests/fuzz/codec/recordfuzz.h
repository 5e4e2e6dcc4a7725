/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

#include "base/reader.h"

/* two bytes of length, a configuration record, an access unit */
static inline void
fuzz_record (WeirCodec codec, const guint8 *data, gsize size)
{
  g_autoptr (WeirCodecConfig) config = NULL;
  g_autoptr (GBytes) record = NULL;
  g_autofree gchar *caps = NULL;
  g_auto (WeirWriter) writer = {0};
  WeirReader reader;
  gsize length;

  weir_reader_init (&reader, data, size);
  length = weir_reader_u16 (&reader);
  length = MIN (length, weir_reader_remaining (&reader));
  record = g_bytes_new (weir_reader_bytes (&reader, length), reader.failed ? 0 : length);
  config = weir_codec_config_parse (codec, record, NULL);
  if (config == NULL)
    return;
  g_assert ((config->width > 0) == (config->height > 0));
  g_assert (config->width <= G_MAXUINT16 && config->height <= G_MAXUINT16);
  g_assert (config->par_n > 0 && config->par_d > 0 && config->frame_rate_d > 0);
  g_assert (config->frame_rate_n <= G_MAXINT && config->frame_rate_d <= G_MAXINT);
  if (config->colour != NULL) {
    g_autofree gchar *text = weir_colour_to_text (config->colour);
    WeirColour colour;

    g_assert (weir_colour_from_text (text, &colour));
  }
  caps = weir_codec_config_get_caps_string (config);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  weir_codec_config_inspect_sample (
      config, data + reader.position, weir_reader_remaining (&reader));
}
