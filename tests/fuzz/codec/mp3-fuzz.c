/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* two bytes of length, a record; access units with two bytes of length each */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WeirCodecConfig) config = NULL;
  WeirReader rest;

  config = fuzz_record (WEIR_CODEC_MP3, data, size, &rest);
  if (config != NULL)
    weir_codec_config_inspect_sample (config, rest.data, weir_reader_remaining (&rest));
  fuzz_stream (WEIR_CODEC_MP3, &rest);
  return 0;
}
