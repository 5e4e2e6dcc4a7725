/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordfuzz.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* a byte says which */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  fuzz_record (data[0] & 1 ? WEIR_CODEC_VP9 : WEIR_CODEC_VP8, data + 1, size - 1);
  return 0;
}
