/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordfuzz.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  fuzz_record (WEIR_CODEC_HEVC, data, size);
  return 0;
}
