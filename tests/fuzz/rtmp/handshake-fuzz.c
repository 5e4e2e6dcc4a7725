/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/handshake.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* the first byte says how large the pieces are */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint8 random_bytes[1528];
  g_autoptr (WeirRtmpHandshake) handshake = weir_rtmp_handshake_new (random_bytes, 1);
  g_auto (WeirWriter) output = {0};
  gsize piece;

  if (size == 0)
    return 0;
  piece = data[0] > 0 ? (gsize) data[0] * 16 : 1;
  data++;
  size--;
  while (size > 0) {
    gsize count = MIN (piece, size);
    gsize consumed = G_MAXSIZE;
    WeirRtmpHandshakeResult result =
        weir_rtmp_handshake_input (handshake, data, count, &consumed, &output);

    g_assert (consumed <= count);
    /* whoever speaks something else gets a few words of that */
    g_assert (output.size == 0 || output.size == 3073 ||
              (result == WEIR_RTMP_HANDSHAKE_FAILED && output.size < 256));
    if (result != WEIR_RTMP_HANDSHAKE_MORE) {
      g_assert (
          result == WEIR_RTMP_HANDSHAKE_DONE || weir_rtmp_handshake_get_hint (handshake) != NULL);
      return 0;
    }
    g_assert (consumed == count);
    data += count;
    size -= count;
  }
  return 0;
}
