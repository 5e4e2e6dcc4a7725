/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/chunk.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* what came out, as one number, and the end */
static guint64
read_all (const guint8 *data, gsize size, gsize piece)
{
  WeirRtmpChunkLimits limits = weir_rtmp_chunk_limits_default;
  g_autoptr (WeirRtmpChunkReader) reader = NULL;
  guint64 sum = 0;

  limits.video_max = 256 * 1024;
  reader = weir_rtmp_chunk_reader_new (&limits);
  while (size > 0) {
    gsize count = MIN (piece, size);
    const guint8 *input = data;
    WeirRtmpMessage message;
    WeirRtmpChunkResult result;

    data += count;
    size -= count;
    while ((result = weir_rtmp_chunk_reader_input (reader, &input, &count, 0, &message, NULL)) ==
           WEIR_RTMP_CHUNK_MESSAGE) {
      sum = sum * 31 + message.timestamp;
      sum = sum * 31 + message.type + ((guint64) message.stream_id << 8);
      sum = sum * 31 + message.chunk_stream_id;
      for (gsize i = 0; i < message.size; i++)
        sum = sum * 31 + message.payload[i];
      g_free (message.payload);
    }
    if (result == WEIR_RTMP_CHUNK_ERROR)
      return sum * 31 + 1;
    g_assert (count == 0);
  }
  return sum * 31 + weir_rtmp_chunk_reader_get_discarded (reader);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint64 whole = read_all (data, size, G_MAXSIZE);

  g_assert (read_all (data, size, 1) == whole);
  g_assert (read_all (data, size, 7) == whole);
  return 0;
}
