/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* an AudioSpecificConfig */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) record = g_bytes_new (data, size);
  g_autoptr (WeirCodecConfig) config = weir_codec_config_parse (WEIR_CODEC_AAC, record, NULL);
  g_autofree gchar *caps = NULL;
  g_auto (WeirWriter) writer = {0};

  if (config == NULL)
    return 0;
  g_assert (config->rate > 0 && config->channels > 0 && config->samples_per_frame > 0);
  g_assert (config->timescale == config->rate);
  caps = weir_codec_config_get_caps_string (config);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  return 0;
}
