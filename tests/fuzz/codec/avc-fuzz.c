/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

#include "base/reader.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* two bytes of length, a configuration record, an access unit */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
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
  config = weir_codec_config_parse (WEIR_CODEC_AVC, record, NULL);
  if (config == NULL)
    return 0;
  g_assert (config->width > 0 && config->height > 0 && config->par_n > 0 && config->par_d > 0);
  g_assert (config->frame_rate_d > 0);
  caps = weir_codec_config_get_caps_string (config);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  weir_codec_config_inspect_sample (
      config, data + reader.position, weir_reader_remaining (&reader));
  return 0;
}
