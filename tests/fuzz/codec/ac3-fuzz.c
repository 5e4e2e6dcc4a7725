/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* two bytes of length, a record; access units with two bytes of length each; of both codecs */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const WeirCodec codecs[] = {WEIR_CODEC_AC3, WEIR_CODEC_EAC3};

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    g_autoptr (WeirCodecConfig) config = NULL;
    WeirReader rest;

    config = fuzz_record (codecs[i], data, size, &rest);
    if (config != NULL)
      weir_codec_config_inspect_sample (config, rest.data, weir_reader_remaining (&rest));
    fuzz_stream (codecs[i], &rest);
  }
  return 0;
}
