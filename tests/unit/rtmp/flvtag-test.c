/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

#include "hex.h"

#include <string.h>

#define TAGS_MAX 300

typedef struct {
  WeirFlvTag tags[TAGS_MAX];
  guint count;
} Tags;

/* from memory of exactly its size, so that a read beyond it is seen by the sanitizer */
static void
parse_bytes (WeirMediaKind kind, const guint8 *data, gsize size, Tags *tags)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  WeirFlvReader reader;

  tags->count = 0;
  memset (&tags->tags[0], 0xaa, sizeof tags->tags[0]);
  weir_flv_reader_init (&reader, kind, copy, size);
  while (weir_flv_reader_next (&reader, &tags->tags[tags->count])) {
    tags->count++;
    g_assert_cmpuint (tags->count, <, TAGS_MAX);
    memset (&tags->tags[tags->count], 0xaa, sizeof tags->tags[0]);
  }
  g_assert_cmpuint (tags->count, >, 0);
  for (guint i = 0; i < tags->count; i++)
    g_assert_cmpint (tags->tags[i].last, ==, i + 1 == tags->count);
  g_assert_cmpuint (weir_flv_count_tags (kind, data, size), ==, tags->count);
}

static void
parse (WeirMediaKind kind, const gchar *hex, Tags *tags)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_test_message ("%s", hex);
  parse_bytes (kind, data, size, tags);
}

/* of a message with one */
static WeirFlvTag
parse_one (WeirMediaKind kind, const gchar *hex)
{
  Tags tags;

  parse (kind, hex, &tags);
  g_assert_cmpuint (tags.count, ==, 1);
  return tags.tags[0];
}

typedef struct {
  const gchar *hex;
  WeirFlvPacket packet;
  gboolean keyframe;
  gint32 composition_time;
  gsize offset;
  gsize size;
  const gchar *name; /* of the codec, when it is handled */
} Row;

static void
check (WeirMediaKind kind, const Row *rows, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    WeirFlvTag tag = parse_one (kind, rows[i].hex);

    g_assert_cmpint (tag.packet, ==, rows[i].packet);
    g_assert_cmpint (tag.kind, ==, kind);
    g_assert_cmpuint (tag.track_id, ==, 0);
    g_assert_cmpuint (tag.nanoseconds, ==, 0);
    g_assert_false (tag.descriptor);
    if (rows[i].name != NULL)
      g_assert_cmpstr (tag.name, ==, rows[i].name);
    if (tag.packet == WEIR_FLV_CONFIG || tag.packet == WEIR_FLV_FRAME) {
      g_assert_cmpstr (weir_codec_get_name (tag.codec), ==, rows[i].name);
      g_assert_cmpuint (tag.offset, ==, rows[i].offset);
      g_assert_cmpuint (tag.size, ==, rows[i].size);
    }
    if (tag.packet == WEIR_FLV_FRAME) {
      g_assert_cmpint (tag.keyframe, ==, rows[i].keyframe);
      g_assert_cmpint (tag.composition_time, ==, rows[i].composition_time);
    }
  }
}

static void
video_bodies (void)
{
  static const Row rows[] = {
      {"", WEIR_FLV_IGNORE},
      /* H.264 */
      {"17 00 000000 0142c01e", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "H.264"},
      {"17 01 000050 0000000165", WEIR_FLV_FRAME, TRUE, 80, 5, 5, "H.264"},
      {"47 01 000000 65", WEIR_FLV_FRAME, TRUE, 0, 5, 1, "H.264"},
      {"27 01 ffffb0 41", WEIR_FLV_FRAME, FALSE, -80, 5, 1, "H.264"},
      {"37 01 800000 41", WEIR_FLV_FRAME, FALSE, -8388608, 5, 1, "H.264"},
      {"17 02 000000", WEIR_FLV_END, TRUE, 0, 0, 0, "H.264"},
      {"17 02", WEIR_FLV_END},
      {"17", WEIR_FLV_MALFORMED},
      {"17 01", WEIR_FLV_MALFORMED},
      {"17 01 0000", WEIR_FLV_MALFORMED},
      {"17 03 000000 00", WEIR_FLV_MALFORMED},
      {"17 00 000000", WEIR_FLV_IGNORE},
      {"27 01 000000", WEIR_FLV_IGNORE},
      {"57 00", WEIR_FLV_IGNORE},
      {"52 00", WEIR_FLV_IGNORE},
      /* in the same layout */
      {"1c 00 000000 01016000", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "HEVC"},
      {"2c 01 000028 0000000102", WEIR_FLV_FRAME, FALSE, 40, 5, 5, "HEVC"},
      {"1c 02", WEIR_FLV_END, TRUE, 0, 0, 0, "HEVC"},
      {"1c 00 000000", WEIR_FLV_IGNORE},
      {"1c 03 000000 00", WEIR_FLV_MALFORMED},
      {"1d 00 000000 81050c00", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "AV1"},
      {"1d 01 000000 0a0b", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "AV1"},
      /* others */
      {"12 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Sorenson H.263"},
      {"13", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Screen Video"},
      {"14", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VP6"},
      {"15", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VP6 with alpha"},
      {"1f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "video codec 15"},
      /* Enhanced RTMP: a composition time stands only before frames that can have one */
      {"90 61766331 0142c01e", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "H.264"},
      {"91 61766331 ffffb0 65", WEIR_FLV_FRAME, TRUE, -80, 8, 1, "H.264"},
      {"93 61766331 65", WEIR_FLV_FRAME, TRUE, 0, 5, 1, "H.264"},
      {"a3 61766331 41", WEIR_FLV_FRAME, FALSE, 0, 5, 1, "H.264"},
      {"92 61766331", WEIR_FLV_END, TRUE, 0, 0, 0, "H.264"},
      {"90 61766331", WEIR_FLV_IGNORE},
      {"91 61766331 ffff", WEIR_FLV_MALFORMED},
      {"90 68766331 01016000", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "HEVC"},
      {"91 68766331 000021 26", WEIR_FLV_FRAME, TRUE, 33, 8, 1, "HEVC"},
      {"a3 68766331 02", WEIR_FLV_FRAME, FALSE, 0, 5, 1, "HEVC"},
      {"92 68766331", WEIR_FLV_END, TRUE, 0, 0, 0, "HEVC"},
      {"90 61763031 81050c00", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "AV1"},
      {"91 61763031 0a0b00", WEIR_FLV_FRAME, TRUE, 0, 5, 3, "AV1"},
      {"a3 61763031 32", WEIR_FLV_FRAME, FALSE, 0, 5, 1, "AV1"},
      {"92 61763031", WEIR_FLV_END, TRUE, 0, 0, 0, "AV1"},
      {"90 76703038 01000000", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "VP8"},
      {"a1 76703038 31", WEIR_FLV_FRAME, FALSE, 0, 5, 1, "VP8"},
      {"90 76703039 01000000", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "VP9"},
      {"91 76703039 824983", WEIR_FLV_FRAME, TRUE, 0, 5, 3, "VP9"},
      /* which are read no further */
      {"90 76766331 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "VVC"},
      {"91 78797a20 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "unknown codec"},
      {"91 6d703461 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "unknown codec"},
      {"91 617663", WEIR_FLV_MALFORMED},
      {"90", WEIR_FLV_MALFORMED},
      /* a command has no codec */
      {"d1 00", WEIR_FLV_IGNORE},
      {"d0", WEIR_FLV_IGNORE},
      /* reserved: frame types, packet types */
      {"81 61766331 000000 65", WEIR_FLV_MALFORMED},
      {"e1 61766331 000000 65", WEIR_FLV_MALFORMED},
      {"f1 61766331 000000 65", WEIR_FLV_MALFORMED},
      {"98 61766331 65", WEIR_FLV_MALFORMED},
      {"9f 61766331 65", WEIR_FLV_MALFORMED},
      /* the descriptor of MPEG-2 TS is AV1's */
      {"95 61766331 8004 81050c00", WEIR_FLV_MALFORMED},
  };

  check (WEIR_MEDIA_VIDEO, rows, G_N_ELEMENTS (rows));
}

static void
audio_bodies (void)
{
  static const Row rows[] = {
      {"af 00 1190", WEIR_FLV_CONFIG, TRUE, 0, 2, 2, "AAC"},
      {"af 01 2110", WEIR_FLV_FRAME, TRUE, 0, 2, 2, "AAC"},
      {"a0 01 21", WEIR_FLV_FRAME, TRUE, 0, 2, 1, "AAC"},
      {"af", WEIR_FLV_MALFORMED},
      {"af 02 00", WEIR_FLV_MALFORMED},
      {"af 00", WEIR_FLV_IGNORE},
      {"af 01", WEIR_FLV_IGNORE},
      {"2f fffb9064", WEIR_FLV_FRAME, TRUE, 0, 1, 4, "MP3"},
      {"ef ff", WEIR_FLV_FRAME, TRUE, 0, 1, 1, "MP3"},
      {"2f", WEIR_FLV_IGNORE},
      {"0f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Linear PCM"},
      {"6f", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Nellymoser"},
      {"72", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "G.711 A-law"},
      {"82", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "G.711 mu-law"},
      {"b2", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "Speex"},
      /* Enhanced RTMP */
      {"90 6d703461 1190", WEIR_FLV_CONFIG, TRUE, 0, 5, 2, "AAC"},
      {"91 6d703461 2110", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "AAC"},
      {"92 6d703461", WEIR_FLV_END, TRUE, 0, 0, 0, "AAC"},
      {"90 4f707573 4f707573", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "Opus"},
      {"91 4f707573 fc", WEIR_FLV_FRAME, TRUE, 0, 5, 1, "Opus"},
      {"90 664c6143 664c6143", WEIR_FLV_CONFIG, TRUE, 0, 5, 4, "FLAC"},
      {"91 664c6143 fff8", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "FLAC"},
      {"91 61632d33 0b77", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "AC-3"},
      {"91 65632d33 0b77", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "E-AC-3"},
      {"91 2e6d7033 fffb", WEIR_FLV_FRAME, TRUE, 0, 5, 2, "MP3"},
      {"92 2e6d7033", WEIR_FLV_END, TRUE, 0, 0, 0, "MP3"},
      /* whose first frame says it all */
      {"90 61632d33 00", WEIR_FLV_IGNORE},
      {"90 65632d33", WEIR_FLV_IGNORE},
      {"90 2e6d7033 00", WEIR_FLV_IGNORE},
      {"90 664c6143", WEIR_FLV_IGNORE},
      {"91 4f707573", WEIR_FLV_IGNORE},
      {"91 6d7034", WEIR_FLV_MALFORMED},
      {"90", WEIR_FLV_MALFORMED},
      {"91 68766331 00", WEIR_FLV_UNSUPPORTED, TRUE, 0, 0, 0, "unknown codec"},
      /* reserved packet types */
      {"93 6d703461 01", WEIR_FLV_MALFORMED},
      {"96 6d703461 01", WEIR_FLV_MALFORMED},
      {"98 6d703461 01", WEIR_FLV_MALFORMED},
      {"9f 6d703461 01", WEIR_FLV_MALFORMED},
  };

  check (WEIR_MEDIA_AUDIO, rows, G_N_ELEMENTS (rows));
}

static void
an_audio_message_of_no_bytes_is_silence (void)
{
  WeirFlvTag tag = parse_one (WEIR_MEDIA_AUDIO, "");

  g_assert_cmpint (tag.packet, ==, WEIR_FLV_END);
  g_assert_cmpint (tag.codec, ==, WEIR_CODEC_LAST);
  g_assert_cmpuint (tag.track_id, ==, 0);
  g_assert_null (tag.name);
}

static void
opus_may_begin_without_a_header (void)
{
  WeirFlvTag tag = parse_one (WEIR_MEDIA_AUDIO, "90 4f707573");

  g_assert_cmpint (tag.packet, ==, WEIR_FLV_CONFIG);
  g_assert_cmpint (tag.codec, ==, WEIR_CODEC_OPUS);
  g_assert_cmpuint (tag.size, ==, 0);
}

static void
metadata_is_handed_out_whatever_the_frame_type (void)
{
  static const gchar *const rows[] = {
      "94 68766331 0200", "84 68766331 0200", "d4 68766331 0200", "f4 68766331 0200"};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    WeirFlvTag tag = parse_one (WEIR_MEDIA_VIDEO, rows[i]);

    g_assert_cmpint (tag.packet, ==, WEIR_FLV_METADATA);
    g_assert_cmpint (tag.codec, ==, WEIR_CODEC_HEVC);
    g_assert_cmpuint (tag.offset, ==, 5);
    g_assert_cmpuint (tag.size, ==, 2);
  }
  g_assert_cmpint (parse_one (WEIR_MEDIA_VIDEO, "94 68766331").packet, ==, WEIR_FLV_IGNORE);
}

static void
a_descriptor_of_av1_becomes_a_record (void)
{
  static const struct {
    const gchar *hex;
    gsize offset; /* 0: malformed */
  } rows[] = {
      {"95 61763031 8004 81050cf2", 7},
      {"95 61763031 8006 81050cf2 0000", 7},
      {"95 61763031 81050cf2", 5},
      {"95 61763031 8004 81050c", 0},
      {"95 61763031 8003 81050cf2", 0},
      {"95 61763031 8004 01050cf2", 0},
      {"95 61763031 8104", 0},
      {"95 61763031 0504 81050cf2", 0},
      {"95 61763031", 0},
  };
  const guint8 expected[4] = {0x81, 0x05, 0x0c, 0x12};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GBytes) bytes = test_hex (rows[i].hex);
    const guint8 *data = g_bytes_get_data (bytes, NULL);
    WeirFlvTag tag = parse_one (WEIR_MEDIA_VIDEO, rows[i].hex);
    guint8 record[4];

    if (rows[i].offset == 0) {
      g_assert_cmpint (tag.packet, ==, WEIR_FLV_MALFORMED);
      continue;
    }
    g_assert_cmpint (tag.packet, ==, WEIR_FLV_CONFIG);
    g_assert_cmpint (tag.codec, ==, WEIR_CODEC_AV1);
    g_assert_true (tag.descriptor);
    g_assert_cmpuint (tag.offset, ==, rows[i].offset);
    g_assert_cmpuint (tag.size, ==, 4);
    weir_flv_descriptor_to_record (data + tag.offset, record);
    g_assert_cmpmem (record, 4, expected, 4);
  }
}

static void
channels_are_said_beside_the_stream (void)
{
  WeirFlvTag tag = parse_one (WEIR_MEDIA_AUDIO, "94 4f707573 00 06");

  g_assert_cmpint (tag.packet, ==, WEIR_FLV_CHANNELS);
  g_assert_cmpint (tag.codec, ==, WEIR_CODEC_OPUS);
  g_assert_cmpint (tag.channel_order, ==, WEIR_FLV_CHANNELS_UNSPECIFIED);
  g_assert_cmpuint (tag.channels, ==, 6);
  g_assert_cmpuint (tag.size, ==, 0);

  tag = parse_one (WEIR_MEDIA_AUDIO, "94 4f707573 01 06 0000060f");
  g_assert_cmpint (tag.packet, ==, WEIR_FLV_CHANNELS);
  g_assert_cmpint (tag.channel_order, ==, WEIR_FLV_CHANNELS_NATIVE);
  g_assert_cmpuint (tag.channels, ==, 6);
  g_assert_cmphex (tag.channel_mask, ==, 0x60f);

  tag = parse_one (WEIR_MEDIA_AUDIO, "94 664c6143 02 03 02 00 01 ff");
  g_assert_cmpint (tag.packet, ==, WEIR_FLV_CHANNELS);
  g_assert_cmpint (tag.codec, ==, WEIR_CODEC_FLAC);
  g_assert_cmpint (tag.channel_order, ==, WEIR_FLV_CHANNELS_CUSTOM);
  g_assert_cmpuint (tag.channels, ==, 3);
  g_assert_cmpuint (tag.offset, ==, 7);
  g_assert_cmpuint (tag.size, ==, 3);
}

static void
channels_that_are_not_all_there_are_malformed (void)
{
  static const gchar *const rows[] = {"94 4f707573", "94 4f707573 00", "94 4f707573 00 00",
      "94 4f707573 01 06 00060f", "94 4f707573 02 03 0200", "94 4f707573 03 02",
      "94 4f707573 ff 02"};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (parse_one (WEIR_MEDIA_AUDIO, rows[i]).packet, ==, WEIR_FLV_MALFORMED);
}

static void
modifiers_stand_before_what_they_modify (void)
{
  static const struct {
    WeirMediaKind kind;
    const gchar *hex;
    guint nanoseconds;
    gsize offset;
  } rows[] = {
      {WEIR_MEDIA_VIDEO, "97 02 0f423f 03 61766331 65", 999999, 10},
      {WEIR_MEDIA_VIDEO, "97 02 000001 01 68766331 000000 26", 1, 13},
      {WEIR_MEDIA_AUDIO, "97 02 01e240 01 4f707573 fc", 123456, 10},
      /* with more bytes than are needed */
      {WEIR_MEDIA_AUDIO, "97 04 000007aaaa 01 4f707573 fc", 7, 12},
      /* too few, too many: not believed */
      {WEIR_MEDIA_AUDIO, "97 01 0007 01 4f707573 fc", 0, 9},
      {WEIR_MEDIA_AUDIO, "97 02 0f4240 01 4f707573 fc", 0, 10},
      /* types that nobody knows yet, before and behind */
      {WEIR_MEDIA_AUDIO, "97 00 aa f7 02 000005 01 4f707573 fc", 5, 13},
      {WEIR_MEDIA_AUDIO, "97 02 000005 07 00 aa 11 4f707573 fc", 5, 13},
      /* 8 of them */
      {WEIR_MEDIA_AUDIO, "97 00aa17 00aa17 00aa17 00aa17 00aa17 00aa17 00aa17 00aa11 4f707573 fc",
          0, 29},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    WeirFlvTag tag = parse_one (rows[i].kind, rows[i].hex);

    g_assert_cmpint (tag.packet, ==, WEIR_FLV_FRAME);
    g_assert_cmpuint (tag.nanoseconds, ==, rows[i].nanoseconds);
    g_assert_cmpuint (tag.offset, ==, rows[i].offset);
    g_assert_cmpuint (tag.size, ==, 1);
  }
}

static void
a_long_modifier_has_its_size_in_16_bits (void)
{
  g_autoptr (GString) hex = g_string_new ("97 ff 0103");
  WeirFlvTag tag;

  for (guint i = 0; i < 0x104; i++)
    g_string_append (hex, "bb");
  g_string_append (hex, "11 4f707573 fc");
  tag = parse_one (WEIR_MEDIA_AUDIO, hex->str);
  g_assert_cmpint (tag.packet, ==, WEIR_FLV_FRAME);
  g_assert_cmpuint (tag.offset, ==, 4 + 0x104 + 1 + 4);
}

static void
modifiers_that_do_not_end_are_malformed (void)
{
  static const gchar *const rows[] = {"97", "97 02", "97 02 000001", "97 02 0000 01", "97 ff 01",
      "97 ff ffff 00", "97 00 aa 07",
      /* 9 of them */
      "97 00aa17 00aa17 00aa17 00aa17 00aa17 00aa17 00aa17 00aa17 00aa11 4f707573 fc"};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_assert_cmpint (parse_one (WEIR_MEDIA_AUDIO, rows[i]).packet, ==, WEIR_FLV_MALFORMED);
    g_assert_cmpint (parse_one (WEIR_MEDIA_VIDEO, rows[i]).packet, ==, WEIR_FLV_MALFORMED);
  }
}

typedef struct {
  guint track_id;
  WeirFlvPacket packet;
  const gchar *name;
  gsize offset;
  gsize size;
} TrackRow;

static void
check_tracks (WeirMediaKind kind, const gchar *hex, const TrackRow *rows, guint count)
{
  Tags tags;

  parse (kind, hex, &tags);
  g_assert_cmpuint (tags.count, ==, count);
  for (guint i = 0; i < count; i++) {
    g_assert_cmpint (tags.tags[i].packet, ==, rows[i].packet);
    g_assert_cmpint (tags.tags[i].kind, ==, kind);
    g_assert_cmpuint (tags.tags[i].track_id, ==, rows[i].track_id);
    g_assert_cmpstr (tags.tags[i].name, ==, rows[i].name);
    g_assert_cmpuint (tags.tags[i].offset, ==, rows[i].offset);
    g_assert_cmpuint (tags.tags[i].size, ==, rows[i].size);
  }
}

/* the rows, of which there are as many as tracks, come last */
#define CHECK_TRACKS(kind, hex, ...)                     \
  G_STMT_START                                           \
  {                                                      \
    static const TrackRow rows[] = {__VA_ARGS__};        \
    check_tracks (kind, hex, rows, G_N_ELEMENTS (rows)); \
  }                                                      \
  G_STMT_END

static void
one_track_has_no_size (void)
{
  CHECK_TRACKS (WEIR_MEDIA_VIDEO, "96 00 68766331 01 010160", {1, WEIR_FLV_CONFIG, "HEVC", 7, 3});
  CHECK_TRACKS (
      WEIR_MEDIA_VIDEO, "a6 01 61766331 ff 000010 4141", {255, WEIR_FLV_FRAME, "H.264", 10, 2});
  CHECK_TRACKS (WEIR_MEDIA_AUDIO, "95 01 6d703461 02 2110", {2, WEIR_FLV_FRAME, "AAC", 7, 2});
  CHECK_TRACKS (WEIR_MEDIA_AUDIO, "95 02 6d703461 02", {2, WEIR_FLV_END, "AAC", 0, 0});
  CHECK_TRACKS (WEIR_MEDIA_VIDEO, "96 01 76766331 03 41", {3, WEIR_FLV_UNSUPPORTED, "VVC", 0, 0});
}

static void
many_tracks_share_a_codec (void)
{
  CHECK_TRACKS (WEIR_MEDIA_AUDIO, "95 11 6d703461 00 000002 2110 01 000000 07 000001 21",
      {0, WEIR_FLV_FRAME, "AAC", 10, 2}, {1, WEIR_FLV_IGNORE, "AAC", 0, 0},
      {7, WEIR_FLV_FRAME, "AAC", 20, 1});
  /* one of them too short for its composition time: the others stand where they stand */
  CHECK_TRACKS (WEIR_MEDIA_VIDEO,
      "96 11 68766331 01 000004 000001 26 00 000002 0000 02 000004 000002 26",
      {1, WEIR_FLV_FRAME, "HEVC", 13, 1}, {0, WEIR_FLV_MALFORMED, "HEVC", 0, 0},
      {2, WEIR_FLV_FRAME, "HEVC", 27, 1});
}

static void
many_tracks_have_a_codec_each (void)
{
  CHECK_TRACKS (WEIR_MEDIA_VIDEO,
      "96 21 61763031 00 000002 0a0b 61626364 01 000003 aaaaaa 76703039 02 000001 82",
      {0, WEIR_FLV_FRAME, "AV1", 10, 2}, {1, WEIR_FLV_UNSUPPORTED, "unknown codec", 0, 0},
      {2, WEIR_FLV_FRAME, "VP9", 31, 1});
  CHECK_TRACKS (WEIR_MEDIA_AUDIO, "95 20 4f707573 01 000000 6d703461 02 000002 1190",
      {1, WEIR_FLV_CONFIG, "Opus", 10, 0}, {2, WEIR_FLV_CONFIG, "AAC", 18, 2});
}

static void
all_tracks_of_a_message_have_its_modifier_and_frame_type (void)
{
  Tags tags;

  parse (WEIR_MEDIA_VIDEO, "97 02 000102 06 13 61766331 00 000001 65 01 000001 65", &tags);
  g_assert_cmpuint (tags.count, ==, 2);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (tags.tags[i].packet, ==, WEIR_FLV_FRAME);
    g_assert_cmpuint (tags.tags[i].nanoseconds, ==, 0x102);
    g_assert_true (tags.tags[i].keyframe);
    g_assert_cmpint (tags.tags[i].composition_time, ==, 0);
  }
}

static void
metadata_may_be_of_one_track (void)
{
  CHECK_TRACKS (WEIR_MEDIA_VIDEO, "96 04 61763031 04 0200", {4, WEIR_FLV_METADATA, "AV1", 7, 2});
}

static void
tracks_that_do_not_fit_or_come_twice_are_malformed_as_a_whole (void)
{
  static const gchar *const rows[] = {/* nothing at all, or no track */
      "96", "96 11", "96 01 6176", "96 01 61766331", "96 11 61766331", "96 21",
      /* a size beyond the end, of the first or the last */
      "96 13 61766331 00 000002 65", "96 13 61766331 00 ffffff 65",
      "96 13 61766331 00 000001 65 01 000002 65",
      /* a header cut short */
      "96 13 61766331 00 000001 65 01", "96 13 61766331 00 000001 65 01 0000",
      "96 23 61766331 00 000001 65 617663", "96 23 61766331 00 000001 65 61766331 01 00",
      /* a track twice */
      "96 13 61766331 02 000001 65 02 000001 65",
      /* reserved */
      "96 33 61766331 00 000001 65", "96 f3 61766331 00 000001 65",
      /* nested */
      "96 06 61766331 00 65", "96 16 61766331 00 000001 65", "96 07 61766331 00 65"};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (parse_one (WEIR_MEDIA_VIDEO, rows[i]).packet, ==, WEIR_FLV_MALFORMED);
  g_assert_cmpint (
      parse_one (WEIR_MEDIA_AUDIO, "95 05 6d703461 00 21").packet, ==, WEIR_FLV_MALFORMED);
}

static void
a_message_may_have_as_many_tracks_as_there_are_numbers (void)
{
  g_autoptr (GString) hex = g_string_new ("95 11 6d703461");
  Tags tags;

  for (guint i = 0; i < 256; i++)
    g_string_append_printf (hex, "%02x 000001 21", i);
  parse (WEIR_MEDIA_AUDIO, hex->str, &tags);
  g_assert_cmpuint (tags.count, ==, 256);
  g_assert_cmpuint (tags.tags[255].track_id, ==, 255);
  g_string_append (hex, "00 000001 21");
  g_assert_cmpint (parse_one (WEIR_MEDIA_AUDIO, hex->str).packet, ==, WEIR_FLV_MALFORMED);
}

static void
every_codec_has_a_fourcc (void)
{
  for (guint i = 0; i < WEIR_CODEC_LAST; i++) {
    const gchar *fourcc = weir_flv_codec_get_fourcc ((WeirCodec) i);
    WeirCodec codec = WEIR_CODEC_LAST;

    g_assert_cmpuint (strlen (fourcc), ==, 4);
    g_assert_true (weir_flv_codec_from_fourcc ((const guint8 *) fourcc, &codec));
    g_assert_cmpuint (codec, ==, i);
  }
  g_assert_null (weir_flv_codec_get_fourcc (WEIR_CODEC_LAST));
}

static void
every_short_body_is_judged_within_its_bounds (void)
{
  Tags tags;

  for (guint first = 0; first < 256; first++) {
    for (guint second = 0; second < 48; second++) {
      const guint8 data[16] = {
          (guint8) first, (guint8) second, 'v', 'c', '1', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};

      for (gsize size = 0; size <= sizeof data; size++) {
        for (guint kind = WEIR_MEDIA_VIDEO; kind <= WEIR_MEDIA_AUDIO; kind++) {
          parse_bytes ((WeirMediaKind) kind, data, size, &tags);
          for (guint i = 0; i < tags.count; i++) {
            g_assert_cmpuint (tags.tags[i].offset, <=, size);
            g_assert_cmpuint (tags.tags[i].size, <=, size - tags.tags[i].offset);
            if (tags.tags[i].packet == WEIR_FLV_UNSUPPORTED)
              g_assert_nonnull (tags.tags[i].name);
          }
        }
      }
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/flvtag/" #name, name)
  TEST (video_bodies);
  TEST (audio_bodies);
  TEST (an_audio_message_of_no_bytes_is_silence);
  TEST (opus_may_begin_without_a_header);
  TEST (metadata_is_handed_out_whatever_the_frame_type);
  TEST (a_descriptor_of_av1_becomes_a_record);
  TEST (channels_are_said_beside_the_stream);
  TEST (channels_that_are_not_all_there_are_malformed);
  TEST (modifiers_stand_before_what_they_modify);
  TEST (a_long_modifier_has_its_size_in_16_bits);
  TEST (modifiers_that_do_not_end_are_malformed);
  TEST (one_track_has_no_size);
  TEST (many_tracks_share_a_codec);
  TEST (many_tracks_have_a_codec_each);
  TEST (all_tracks_of_a_message_have_its_modifier_and_frame_type);
  TEST (metadata_may_be_of_one_track);
  TEST (tracks_that_do_not_fit_or_come_twice_are_malformed_as_a_whole);
  TEST (a_message_may_have_as_many_tracks_as_there_are_numbers);
  TEST (every_codec_has_a_fourcc);
  TEST (every_short_body_is_judged_within_its_bounds);
  return g_test_run ();
}
