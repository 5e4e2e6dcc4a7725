/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/opus.h"

#include "record.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* two bytes of length, an ID header, a packet */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WeirCodecConfig) config = NULL;
  g_autoptr (GBytes) silence = NULL;
  WeirSampleInfo info;
  WeirReader packet;
  gsize length;

  config = fuzz_record (WEIR_CODEC_OPUS, data, size, &packet);
  length = weir_reader_remaining (&packet);
  if (config == NULL || length == 0)
    return 0;
  g_assert (config->rate == 48000 && config->channels >= 1 && config->channels <= 8);
  info = weir_codec_config_inspect_sample (config, packet.data + packet.position, length);
  g_assert (!info.empty);
  silence = weir_codec_config_make_silence (config);
  info = weir_codec_config_inspect_sample (
      config, g_bytes_get_data (silence, NULL), g_bytes_get_size (silence));
  g_assert (info.valid && !info.empty);
  return 0;
}
