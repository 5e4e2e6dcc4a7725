/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/adts.h"

#include "record.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* access units with two bytes of length each */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WeirAdtsHeader header;
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  fuzz_stream (WEIR_CODEC_AAC, &reader);
  if (weir_adts_parse (data, size, &header, NULL)) {
    g_autoptr (GBytes) record = weir_adts_make_record (&header);
    g_autoptr (WeirCodecConfig) config =
        record != NULL ? weir_codec_config_parse (WEIR_CODEC_AAC, record, NULL) : NULL;

    g_assert (weir_adts_is_header (data, size));
    g_assert (header.frame_size > header.header_size);
    g_assert ((record != NULL) == (header.layout != 0));
    g_assert (record == NULL || (config != NULL && config->rate == header.rate));
  }
  return 0;
}
