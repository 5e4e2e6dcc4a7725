/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/chunk.h"

#include "hex.h"

#include <string.h>

/* one line a message: "chunk stream:type:stream@timestamp payload", and the error at the end */
static void
describe (GString *text, const WeirRtmpMessage *message)
{
  g_string_append_printf (text, "%u:%u:%u@%u ", message->chunk_stream_id, message->type,
      message->stream_id, message->timestamp);
  if (message->size > 16) {
    g_autofree gchar *checksum =
        g_compute_checksum_for_data (G_CHECKSUM_MD5, message->payload, message->size);

    g_string_append_printf (text, "%" G_GSIZE_FORMAT " %s", message->size, checksum);
  }
  for (gsize i = 0; i < message->size && message->size <= 16; i++)
    g_string_append_printf (text, "%02x", message->payload[i]);
  g_string_append_c (text, '\n');
}

/* @piece: bytes given at once; 0: random */
static gchar *
read_pieces (const WeirRtmpChunkLimits *limits, const guint8 *data, gsize size, gsize piece,
    guint64 *discarded)
{
  g_autoptr (WeirRtmpChunkReader) reader = weir_rtmp_chunk_reader_new (limits);
  GString *text = g_string_new (NULL);
  gsize position = 0;

  while (position < size) {
    gsize count = piece > 0 ? piece : (gsize) g_test_rand_int_range (1, 40);
    gsize left = MIN (count, size - position);
    g_autofree guint8 *copy = g_memdup2 (data + position, left);
    const guint8 *input = copy;
    g_autoptr (GError) error = NULL;
    WeirRtmpMessage message;
    WeirRtmpChunkResult result;

    position += left;
    while ((result = weir_rtmp_chunk_reader_input (reader, &input, &left, 0, &message, &error)) ==
           WEIR_RTMP_CHUNK_MESSAGE) {
      describe (text, &message);
      g_free (message.payload);
    }
    if (result == WEIR_RTMP_CHUNK_ERROR) {
      g_string_append_printf (
          text, "%s: %s\n", weir_rtmp_chunk_reader_get_limit (reader), error->message);
      break;
    }
    g_assert_cmpuint (left, ==, 0);
  }
  if (discarded != NULL)
    *discarded = weir_rtmp_chunk_reader_get_discarded (reader);
  return g_string_free (text, FALSE);
}

/* the same whatever the pieces are */
static gchar *
read_with (const WeirRtmpChunkLimits *limits, const guint8 *data, gsize size, guint64 *discarded)
{
  gchar *whole = read_pieces (limits, data, size, G_MAXSIZE, discarded);

  for (gsize piece = 0; piece <= 8; piece++) {
    g_autofree gchar *pieces = read_pieces (limits, data, size, piece, NULL);

    g_assert_cmpstr (pieces, ==, whole);
  }
  return whole;
}

static gchar *
read_hex (const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return read_with (&weir_rtmp_chunk_limits_default, data, size, NULL);
}

typedef struct {
  const gchar *hex;
  const gchar *messages;
} Row;

static void
check (const Row *rows, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    g_autofree gchar *messages = read_hex (rows[i].hex);

    g_test_message ("%s", rows[i].hex);
    g_assert_cmpstr (messages, ==, rows[i].messages);
  }
}

static void
basic_headers_of_each_size (void)
{
  static const Row rows[] = {
      {"02 000000 000001 12 00000000 aa", "2:18:0@0 aa\n"},
      {"3f 000000 000001 12 00000000 aa", "63:18:0@0 aa\n"},
      {"00 00 000000 000001 12 00000000 aa", "64:18:0@0 aa\n"},
      {"00 ff 000000 000001 12 00000000 aa", "319:18:0@0 aa\n"},
      {"01 00 01 000000 000001 12 00000000 aa", "320:18:0@0 aa\n"},
      {"01 ff ff 000000 000001 12 00000000 aa", "65599:18:0@0 aa\n"},
      /* the long forms of a small id are the same chunk stream */
      {"01 05 00 000000 000001 12 00000000 aa c0 05 bb", "69:18:0@0 aa\n69:18:0@0 bb\n"},
      /* the stream id is little-endian, alone in the protocol */
      {"03 000000 000001 12 01020000 aa", "3:18:513@0 aa\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
headers_of_each_type (void)
{
  static const Row rows[] = {
      /* 0, 1, 2, 3: absolute, delta, delta, the same delta */
      {"04 0003e8 000002 08 01000000 a0a1  44 000014 000001 09 b0  84 000015 b1  c4 b2",
          "4:8:1@1000 a0a1\n4:9:1@1020 b0\n4:9:1@1041 b1\n4:9:1@1062 b2\n"},
      /* a message without a payload is complete with its header */
      {"04 000000 000000 08 01000000 c4 c4", "4:8:1@0 \n4:8:1@0 \n4:8:1@0 \n"},
      /* some begin a chunk stream with type 1 */
      {"42 000010 000004 03 00000001", "2:3:0@16 00000001\n"},
      {"82 000010", "rtmp-protocol-error: chunk stream 2 begins with a header of type 2\n"},
      {"c2", "rtmp-protocol-error: chunk stream 2 begins with a header of type 3\n"},
      {"c1ffff", "rtmp-protocol-error: chunk stream 65599 begins with a header of type 3\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
type_3_after_type_0_takes_a_small_timestamp_for_the_delta (void)
{
  static const Row rows[] = {
      {"04 000017 000001 08 01000000 a0 c4 a1 c4 a2", "4:8:1@23 a0\n4:8:1@46 a1\n4:8:1@69 a2\n"},
      {"04 0003e7 000001 08 01000000 a0 c4 a1", "4:8:1@999 a0\n4:8:1@1998 a1\n"},
      {"04 0003e8 000001 08 01000000 a0 c4 a1 c4 a2",
          "4:8:1@1000 a0\n4:8:1@1000 a1\n4:8:1@1000 a2\n"},
      {"04 000000 000001 08 01000000 a0 c4 a1", "4:8:1@0 a0\n4:8:1@0 a1\n"},
      /* a delta after it counts again */
      {"04 0003e8 000001 08 01000000 a0 84 000017 a1 c4 a2",
          "4:8:1@1000 a0\n4:8:1@1023 a1\n4:8:1@1046 a2\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
audio_and_video_on_one_chunk_stream_share_its_clock (void)
{
  static const Row rows[] = {
      {"04 000000 000001 12 01000000 01"
       "44 000000 000001 09 02  44 000000 000001 08 03"
       "44 000017 000001 08 04  44 00000a 000001 09 05  44 00000d 000001 08 06",
          "4:18:1@0 01\n4:9:1@0 02\n4:8:1@0 03\n4:8:1@23 04\n4:9:1@33 05\n4:8:1@46 06\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
chunk_streams_interleave_within_messages (void)
{
  static const Row rows[] = {
      /* chunk size 2 for shortness */
      {"02 000000 000004 01 00000000 00000002"
       "04 000001 000003 09 01000000 a0a1  05 000002 000003 08 01000000 b0b1  c4 a2  c5 b2",
          "2:1:0@0 00000002\n4:9:1@1 a0a1a2\n5:8:1@2 b0b1b2\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
timestamps_wrap_at_2_to_the_32 (void)
{
  static const Row rows[] = {
      /* 2^24: the escape begins at 16777215 */
      {"04 fffffe 000001 09 01000000 a0 84 000001 a1 84 000001 a2",
          "4:9:1@16777214 a0\n4:9:1@16777215 a1\n4:9:1@16777216 a2\n"},
      {"04 ffffff 000001 09 01000000 00ffffff a0 84 000021 a1",
          "4:9:1@16777215 a0\n4:9:1@16777248 a1\n"},
      /* 2^31 and 2^32 */
      {"04 ffffff 000001 09 01000000 7ffffff0 a0 84 000020 a1",
          "4:9:1@2147483632 a0\n4:9:1@2147483664 a1\n"},
      {"04 ffffff 000001 09 01000000 fffffff0 a0 84 000020 a1 c4 a2",
          "4:9:1@4294967280 a0\n4:9:1@16 a1\n4:9:1@48 a2\n"},
      /* a step back is a delta near 2^32 */
      {"04 000064 000001 09 01000000 a0 84 ffffff fffffff6 a1", "4:9:1@100 a0\n4:9:1@90 a1\n"},
      /* a delta with the escape stays a delta, all of its 32 bits */
      {"04 000064 000001 09 01000000 a0 44 ffffff 000001 09 80000000 a1",
          "4:9:1@100 a0\n4:9:1@2147483748 a1\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
extended_timestamps_are_repeated_or_not_on_continuations (void)
{
  static const Row rows[] = {
      /* repeated */
      {"02 000000 000004 01 00000000 00000002"
       "04 ffffff 000005 09 01000000 01020304 a0a1 c4 01020304 a2a3 c4 01020304 a4",
          "2:1:0@0 00000002\n4:9:1@16909060 a0a1a2a3a4\n"},
      /* left out, as librtmp did for years */
      {"02 000000 000004 01 00000000 00000002"
       "04 ffffff 000005 09 01000000 01020304 a0a1 c4 a2a3 c4 a4 04 000000 000001 08 01000000 b0",
          "2:1:0@0 00000002\n4:9:1@16909060 a0a1a2a3a4\n4:8:1@0 b0\n"},
      /* left out, and the payload begins like it: told apart at the first different byte, also when
       * that lies in the next chunk */
      {"02 000000 000004 01 00000000 00000002"
       "04 ffffff 000004 09 01000000 01020304 a0a1 c4 0102 04 000007 000001 08 01000000 b0",
          "2:1:0@0 00000002\n4:9:1@16909060 a0a10102\n4:8:1@7 b0\n"},
      {"02 000000 000004 01 00000000 00000001"
       "04 ffffff 000003 09 01000000 01c401c4 a0 c4 01 c4 02 04 000007 000001 08 01000000 b0",
          "2:1:0@0 00000001\n4:9:1@29622724 a00102\n4:8:1@7 b0\n"},
      /* repeated, and the payload that follows happens to equal it as well */
      {"02 000000 000004 01 00000000 00000004"
       "04 ffffff 000008 09 01000000 01020304 a0a1a2a3 c4 01020304 01020304",
          "2:1:0@0 00000004\n4:9:1@16909060 a0a1a2a301020304\n"},
      /* of a delta: what is repeated is the delta */
      {"02 000000 000004 01 00000000 00000002"
       "04 000064 000001 09 01000000 a0 44 ffffff 000003 09 fffffff6 b0b1 c4 fffffff6 b2",
          "2:1:0@0 00000002\n4:9:1@100 a0\n4:9:1@90 b0b1b2\n"},
      /* a type 3 that begins a message has it always: no comparison */
      {"04 000064 000001 09 01000000 a0 84 ffffff 01000000 b0 c4 01000000 c0 c4 02000000 d0",
          "4:9:1@100 a0\n4:9:1@16777316 b0\n4:9:1@33554532 c0\n4:9:1@67108964 d0\n"},
      {"04 ffffff 000001 09 01000000 01020304 a0 c4 01020304 b0",
          "4:9:1@16909060 a0\n4:9:1@16909060 b0\n"},
      /* gone with the next header that has none */
      {"04 ffffff 000001 09 01000000 01020304 a0 84 000001 b0 c4 c0",
          "4:9:1@16909060 a0\n4:9:1@16909061 b0\n4:9:1@16909062 c0\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
a_repeated_header_of_the_same_length_continues_the_message (void)
{
  static const Row rows[] = {
      {"02 000000 000004 01 00000000 00000002"
       "04 000064 000005 09 01000000 a0a1 04 000064 000005 09 01000000 a2a3"
       "44 000000 000005 09 a4 84 000001 b0b1 c4 b2b3 c4 b4",
          "2:1:0@0 00000002\n4:9:1@100 a0a1a2a3a4\n4:9:1@101 b0b1b2b3b4\n"},
      {"02 000000 000004 01 00000000 00000002"
       "04 ffffff 000003 09 01000000 01020304 a0a1 04 ffffff 000003 09 01000000 01020304 a2",
          "2:1:0@0 00000002\n4:9:1@16909060 a0a1a2\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
a_header_in_mid_message_discards_the_partial_one (void)
{
  g_autoptr (GBytes) bytes = test_hex ("02 000000 000004 01 00000000 00000002"
                                       "04 000064 000005 09 01000000 a0a1"
                                       "04 000065 000001 09 01000000 b0"
                                       "04 000064 000003 09 01000000 a0a1"
                                       "04 000066 000003 08 01000000 c0c1 c4 c2"
                                       "44 000001 000003 08 d0d1 84 000001 e0e1 c4 e2");
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint64 discarded = 0;
  g_autofree gchar *messages = read_with (&weir_rtmp_chunk_limits_default, data, size, &discarded);

  g_assert_cmpstr (
      messages, ==, "2:1:0@0 00000002\n4:9:1@101 b0\n4:8:1@102 c0c1c2\n4:8:1@104 e0e1e2\n");
  g_assert_cmpuint (discarded, ==, 3);
}

/* gives one cut-off message and the header that cuts it at @now_us */
static WeirRtmpChunkResult
cut_off_once (WeirRtmpChunkReader *reader, gint64 now_us)
{
  g_autoptr (GBytes) bytes = test_hex ("04 000000 0000ff 09 01000000 a0"
                                       "04 000000 000001 09 01000000 b0");
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint8 padded[256] = {0};
  const guint8 *input = padded;
  WeirRtmpMessage message;
  WeirRtmpChunkResult result;

  /* a chunk of 128 bytes, cut off by the next header */
  memcpy (padded, data, 13);
  memcpy (padded + 12 + 128, data + 13, 13);
  size = 12 + 128 + 13;
  result = weir_rtmp_chunk_reader_input (reader, &input, &size, now_us, &message, &error);
  if (result == WEIR_RTMP_CHUNK_MESSAGE)
    g_free (message.payload);
  else
    g_assert_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_PROTOCOL);
  return result;
}

static void
three_messages_a_minute_may_be_cut_off (void)
{
  g_autoptr (WeirRtmpChunkReader) often =
      weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);
  g_autoptr (WeirRtmpChunkReader) seldom =
      weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);

  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (cut_off_once (often, i), ==, WEIR_RTMP_CHUNK_MESSAGE);
  g_assert_cmpint (cut_off_once (often, 4), ==, WEIR_RTMP_CHUNK_ERROR);

  for (guint i = 0; i < 30; i++)
    g_assert_cmpint (cut_off_once (seldom, i * 20 * G_USEC_PER_SEC), ==, WEIR_RTMP_CHUNK_MESSAGE);
  g_assert_cmpuint (weir_rtmp_chunk_reader_get_discarded (seldom), ==, 30);
}

static void
set_chunk_size_takes_effect_with_the_next_chunk (void)
{
  static const Row rows[] = {
      /* in the midst of another message whose first chunk was 128 bytes by the old size */
      {"02 000000 000004 01 00000000 00000003 04 000000 000007 09 01000000 a0a1a2"
       "02 000000 000004 01 00000000 000000 c2 02 c4 a3a4 c4 a5a6",
          "2:1:0@0 00000003\n2:1:0@0 00000002\n4:9:1@0 a0a1a2a3a4a5a6\n"},
      /* on any chunk stream and stream id */
      {"06 000000 000004 01 05000000 00000001 04 000000 000002 09 01000000 a0 c4 a1",
          "6:1:5@0 00000001\n4:9:1@0 a0a1\n"},
      {"02 000000 000004 01 00000000 7fffffff 04 000000 000001 09 01000000 a0",
          "2:1:0@0 7fffffff\n4:9:1@0 a0\n"},
      {"02 000000 000004 01 00000000 00000000", "rtmp-protocol-error: Set Chunk Size of 0\n"},
      {"02 000000 000004 01 00000000 80000001",
          "rtmp-protocol-error: Set Chunk Size of 2147483649\n"},
      {"02 000000 000003 01 00000000 000001 04 000000 000002 09 01000000 a0a1",
          "2:1:0@0 000001\n4:9:1@0 a0a1\n"},
      {"02 000000 000000 01 00000000", "2:1:0@0 \n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
abort_discards_the_message_of_its_chunk_stream (void)
{
  static const Row rows[] = {
      {"02 000000 000004 01 00000000 00000002 04 000064 000005 09 01000000 a0a1"
       "05 000000 000003 08 01000000 b0b1"
       "02 000000 000004 02 00000000 0000 c2 0004 c5 b2 c4 c0c1 c4 c2c3 c4 c4",
          "2:1:0@0 00000002\n2:2:0@0 00000004\n5:8:1@0 b0b1b2\n4:9:1@200 c0c1c2c3c4\n"},
      /* of no message, of an unknown chunk stream, too short */
      {"02 000000 000004 02 00000000 00000002 02 000000 000004 02 00000000 ffffffff"
       "02 000000 000002 02 00000000 0002",
          "2:2:0@0 00000002\n2:2:0@0 ffffffff\n2:2:0@0 0002\n"},
  };

  check (rows, G_N_ELEMENTS (rows));
}

static void
each_type_has_its_limit (void)
{
  static const struct {
    guint8 type;
    guint32 limit;
    const gchar *name;
  } table[] = {
      {1, 16, "rtmp-control-message: "},
      {2, 16, "rtmp-control-message: "},
      {3, 16, "rtmp-control-message: "},
      {4, 16, "rtmp-control-message: "},
      {5, 16, "rtmp-control-message: "},
      {6, 16, "rtmp-control-message: "},
      {8, 256 * 1024, "rtmp-audio-message: "},
      {9, 8 * 1024 * 1024, "rtmp-video-message: "},
      {15, 64 * 1024, "rtmp-data-message: "},
      {17, 64 * 1024, "rtmp-data-message: "},
      {18, 64 * 1024, "rtmp-data-message: "},
      {20, 64 * 1024, "rtmp-data-message: "},
      {22, 8 * 1024 * 1024, "rtmp-video-message: "},
      {0, 64 * 1024, "rtmp-data-message: "},
      {99, 64 * 1024, "rtmp-data-message: "},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    for (guint over = 0; over < 2; over++) {
      g_auto (WeirWriter) writer = {0};
      g_autofree gchar *messages = NULL;

      weir_writer_u8 (&writer, 4);
      weir_writer_u24 (&writer, 0);
      weir_writer_u24 (&writer, table[i].limit + over);
      weir_writer_u8 (&writer, table[i].type);
      weir_writer_u32 (&writer, 0);
      weir_writer_u8 (&writer, 1);
      messages = read_with (&weir_rtmp_chunk_limits_default, writer.data, writer.size, NULL);
      g_assert_cmpint (g_str_has_prefix (messages, table[i].name), ==, over == 1);
    }
  }
}

static void
chunk_streams_are_limited (void)
{
  g_auto (WeirWriter) writer = {0};
  g_autofree gchar *messages = NULL;

  for (guint32 id = 0; id < 65; id++) {
    /* ids in the short and in the long form */
    weir_rtmp_chunk_writer_message (&(WeirRtmpChunkWriter){.chunk_size = 128}, &writer,
        id < 20 ? id + 2 : id * 1000, 18, 1, 0, (const guint8 *) "x", 1);
  }
  messages = read_with (&weir_rtmp_chunk_limits_default, writer.data, writer.size, NULL);
  g_assert_true (g_str_has_suffix (
      messages, "63000:18:1@0 78\nrtmp-chunk-streams: more than 64 chunk streams\n"));
}

static void
one_byte_on_every_chunk_stream_reserves_little (void)
{
  WeirRtmpChunkLimits limits = weir_rtmp_chunk_limits_default;
  g_auto (WeirWriter) writer = {0};
  g_autofree gchar *messages = NULL;

  /* 64 messages of 8 MiB begun with a chunk each: 64 KiB a message are reserved */
  limits.partial_max = 64 * 64 * 1024;
  for (guint32 id = 2; id < 66; id++) {
    weir_writer_u8 (&writer, id < 64 ? (guint8) id : 0);
    if (id >= 64)
      weir_writer_u8 (&writer, (guint8) (id - 64));
    weir_writer_u24 (&writer, 0);
    weir_writer_u24 (&writer, 8 * 1024 * 1024);
    weir_writer_u8 (&writer, 9);
    weir_writer_u32 (&writer, 0);
    weir_writer_zeros (&writer, 128);
  }
  messages = read_pieces (&limits, writer.data, writer.size, G_MAXSIZE, NULL);
  g_assert_cmpstr (messages, ==, "");
}

static void
partial_messages_are_limited_together (void)
{
  WeirRtmpChunkLimits limits = weir_rtmp_chunk_limits_default;
  g_auto (WeirWriter) writer = {0};
  g_autofree gchar *messages = NULL;

  limits.partial_max = 3 * 64 * 1024 - 1;
  for (guint8 id = 2; id < 5; id++) {
    weir_writer_u8 (&writer, id);
    weir_writer_u24 (&writer, 0);
    weir_writer_u24 (&writer, 64 * 1024);
    weir_writer_u8 (&writer, 9);
    weir_writer_u32 (&writer, 0);
    weir_writer_zeros (&writer, 128);
  }
  messages = read_with (&limits, writer.data, writer.size, NULL);
  g_assert_cmpstr (
      messages, ==, "rtmp-partial-messages: partial messages of more than 196607 bytes\n");
}

static void
memory_of_finished_messages_is_given_back (void)
{
  WeirRtmpChunkLimits limits = weir_rtmp_chunk_limits_default;
  g_autoptr (WeirRtmpChunkReader) reader = NULL;
  g_auto (WeirWriter) writer = {0};
  g_autofree guint8 *payload = g_malloc0 (300000);
  WeirRtmpChunkWriter chunks = {.chunk_size = 128};

  limits.partial_max = 300000;
  reader = weir_rtmp_chunk_reader_new (&limits);
  weir_rtmp_chunk_writer_message (&chunks, &writer, 4, 9, 1, 0, payload, 300000);
  for (guint i = 0; i < 20; i++) {
    for (gsize position = 0; position < writer.size;) {
      const guint8 *data = writer.data + position;
      gsize size = MIN (65536, writer.size - position);
      WeirRtmpMessage message;
      WeirRtmpChunkResult result;

      position += size;
      result = weir_rtmp_chunk_reader_input (reader, &data, &size, i, &message, NULL);
      g_assert_cmpint (
          result, ==, position == writer.size ? WEIR_RTMP_CHUNK_MESSAGE : WEIR_RTMP_CHUNK_MORE);
      if (result == WEIR_RTMP_CHUNK_MESSAGE) {
        g_assert_cmpuint (message.size, ==, 300000);
        g_free (message.payload);
      }
    }
  }
}

static void
a_message_arrives_with_its_first_byte (void)
{
  g_autoptr (WeirRtmpChunkReader) reader =
      weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);
  g_autoptr (GBytes) bytes = test_hex ("04 000000 000003 09 01000000 a0a1a2"
                                       "84 000000 b0b1b2");
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gint64 arrivals[2] = {-1, -1};
  guint count = 0;

  for (gsize i = 0; i < size; i++) {
    const guint8 *input = data + i;
    gsize left = 1;
    WeirRtmpMessage message;

    if (weir_rtmp_chunk_reader_input (reader, &input, &left, (gint64) i, &message, NULL) ==
        WEIR_RTMP_CHUNK_MESSAGE) {
      arrivals[count++] = message.arrival_us;
      g_free (message.payload);
    }
  }
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpint (arrivals[0], ==, 0);
  g_assert_cmpint (arrivals[1], ==, 15);
}

static void
what_is_written_is_read_back (void)
{
  static const guint32 ids[] = {2, 63, 64, 319, 320, 65599};
  static const guint32 timestamps[] = {
      0, 1000, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0xffffffff};
  static const gsize sizes[] = {0, 1, 127, 128, 129, 256, 5000};
  static const guint32 chunk_sizes[] = {128, 4096, 60000};

  for (gsize c = 0; c < G_N_ELEMENTS (chunk_sizes); c++) {
    g_auto (WeirWriter) writer = {0};
    WeirRtmpChunkWriter chunks;
    g_autoptr (GString) expected = g_string_new (NULL);
    g_autofree gchar *messages = NULL;
    guint8 size_payload[4] = {0, 0, (guint8) (chunk_sizes[c] >> 8), (guint8) chunk_sizes[c]};
    guint8 payload[5000];

    for (gsize i = 0; i < sizeof payload; i++)
      payload[i] = (guint8) (i * 31);
    weir_rtmp_chunk_writer_init (&chunks);
    weir_rtmp_chunk_writer_message (&chunks, &writer, 2, 1, 0, 0, size_payload, 4);
    chunks.chunk_size = chunk_sizes[c];
    describe (expected, &(WeirRtmpMessage){2, 1, 0, 0, 0, size_payload, 4});
    for (gsize i = 0; i < G_N_ELEMENTS (ids); i++) {
      for (gsize t = 0; t < G_N_ELEMENTS (timestamps); t++) {
        for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++) {
          weir_rtmp_chunk_writer_message (
              &chunks, &writer, ids[i], 9, 7, timestamps[t], payload, sizes[s]);
          describe (
              expected, &(WeirRtmpMessage){ids[i], 9, 7, timestamps[t], 0, payload, sizes[s]});
        }
      }
    }
    messages = read_pieces (&weir_rtmp_chunk_limits_default, writer.data, writer.size, 1, NULL);
    g_assert_cmpstr (messages, ==, expected->str);
    g_free (messages);
    messages =
        read_pieces (&weir_rtmp_chunk_limits_default, writer.data, writer.size, G_MAXSIZE, NULL);
    g_assert_cmpstr (messages, ==, expected->str);
  }
}

static void
random_bytes_in_random_pieces_are_read_alike (void)
{
  for (guint round = 0; round < 200; round++) {
    guint8 data[600];
    g_autofree gchar *messages = NULL;

    /* headers of few chunk streams and small lengths, so that many make sense */
    for (gsize i = 0; i < sizeof data; i++)
      data[i] = g_test_rand_bit () ? (guint8) g_test_rand_int_range (0, 256)
                                   : (guint8) (g_test_rand_int_range (0, 4) << 6 | 4);
    memcpy (data, "\2\0\0\0\0\0\4\1\0\0\0\0\0\0\0\5", 16);
    memcpy (data + 16, "\4\xff\xff\xff\0\0\x50\x9\1\0\0\0\4\4\4\4", 16);
    messages = read_with (&weir_rtmp_chunk_limits_default, data, sizeof data, NULL);
    g_assert_true (g_str_has_prefix (messages, "2:1:0@0 00000005\n"));
  }
}

static void
every_type_has_a_name (void)
{
  g_assert_cmpstr (weir_rtmp_message_type_get_name (WEIR_RTMP_VIDEO), ==, "video");
  g_assert_cmpstr (weir_rtmp_message_type_get_name (WEIR_RTMP_COMMAND_AMF3), ==, "command");
  g_assert_cmpstr (weir_rtmp_message_type_get_name (200), ==, "unknown");
  for (guint type = 0; type < 256; type++)
    g_assert_nonnull (weir_rtmp_message_type_get_name ((guint8) type));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/chunk/" #name, name)
  TEST (basic_headers_of_each_size);
  TEST (headers_of_each_type);
  TEST (type_3_after_type_0_takes_a_small_timestamp_for_the_delta);
  TEST (audio_and_video_on_one_chunk_stream_share_its_clock);
  TEST (chunk_streams_interleave_within_messages);
  TEST (timestamps_wrap_at_2_to_the_32);
  TEST (extended_timestamps_are_repeated_or_not_on_continuations);
  TEST (a_repeated_header_of_the_same_length_continues_the_message);
  TEST (a_header_in_mid_message_discards_the_partial_one);
  TEST (three_messages_a_minute_may_be_cut_off);
  TEST (set_chunk_size_takes_effect_with_the_next_chunk);
  TEST (abort_discards_the_message_of_its_chunk_stream);
  TEST (each_type_has_its_limit);
  TEST (chunk_streams_are_limited);
  TEST (one_byte_on_every_chunk_stream_reserves_little);
  TEST (partial_messages_are_limited_together);
  TEST (memory_of_finished_messages_is_given_back);
  TEST (a_message_arrives_with_its_first_byte);
  TEST (what_is_written_is_read_back);
  TEST (random_bytes_in_random_pieces_are_read_alike);
  TEST (every_type_has_a_name);
  return g_test_run ();
}
