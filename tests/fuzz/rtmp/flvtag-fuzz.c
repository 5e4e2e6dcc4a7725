/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (const WeirFlvTag *tag, gsize size)
{
  if (tag->packet == WEIR_FLV_CONFIG || tag->packet == WEIR_FLV_FRAME)
    g_assert (tag->size > 0 && tag->offset + tag->size == size);
  if (tag->packet == WEIR_FLV_UNSUPPORTED)
    g_assert (tag->name != NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WeirFlvTag tag;

  weir_flv_tag_parse_video (data, size, &tag);
  check (&tag, size);
  weir_flv_tag_parse_audio (data, size, &tag);
  check (&tag, size);
  return 0;
}
