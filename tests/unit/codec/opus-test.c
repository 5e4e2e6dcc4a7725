/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/opus.h"

#include "codecassert.h"

/* packets of ffmpeg -f lavfi -i sine=r=48000 -c:a libopus -frames:a 1 -f data x.bin with: */
/* -b:a 6k */
#define PACKET_20_MS "08836dbed013a9de5c03222be200f4"
/* -b:a 6k -frame_duration 60 */
#define PACKET_60_MS                                                   \
  "18e0db60b4073f66b755b1d0db5568fa222a98d2eadbcb97a6e1ac0ead367b8b4e" \
  "0ddf7cee2fa55844b1569dd8"
/* -b:a 6k -frame_duration 100 */
#define PACKET_100_MS                                                    \
  "0b850c151110836d82d01cfdea49fe013fc0a71a5d8a982e5f6f05cb4a1aedb7f3c8" \
  "d6054efa40a12f10e45dfbdc527ebdedd9075ed02380a14cc03deb71b02e5ce65d73" \
  "c5d7f4c0a138d07732aa5c4f92a76e0eb8"
/* -vbr off -b:a 6k -frame_duration 40 -application lowdelay: two of 20 ms, padded by one byte */
#define PACKET_40_MS_PADDED "9b4201b537b2a14358e99d2a693c456cafe7af2984e68ab5baf56c01ae00"
/* -af aformat=channel_layouts=5.1 -b:a 12k: of four streams */
#define PACKET_5_1 "08060bf1f91685e008060bf1f91685e0080a847b29baa38d26a0b94d080bf1f91685e0"

static void
id_headers_that_are_understood (void)
{
  static const struct {
    const gchar *what, *record;
    guint channels;
  } cases[] = {
      {"mono", RECORD_OPUS_MONO, 1},
      {"stereo", RECORD_OPUS_STEREO, 2},
      {"5.1", RECORD_OPUS_5_1, 6},
      {"input rate 0", "4f70757348656164 01 02 3801 00000000 0000 00", 2},
      {"a later minor version, and more behind",
          "4f70757348656164 0f 02 3801 80bb0000 0000 00 aabb", 2},
      {"family 1 with a silent channel",
          "4f70757348656164 01 03 3801 80bb0000 0000 01 01 01 00ff01", 3},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = NULL;

    g_test_message ("%s", cases[i].what);
    config = test_config (WEIR_CODEC_OPUS, cases[i].record);
    g_assert_cmpint (config->kind, ==, WEIR_MEDIA_AUDIO);
    g_assert_cmpstr (config->codecs, ==, "opus");
    g_assert_cmpuint (config->rate, ==, 48000);
    g_assert_cmpuint (config->timescale, ==, 48000);
    g_assert_cmpuint (config->channels, ==, cases[i].channels);
    g_assert_cmpuint (config->samples_per_frame, ==, 0);
  }
}

static void
id_headers_that_are_refused (void)
{
  static const struct {
    const gchar *what, *record;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"another magic", "4f70757354616773 01 02 3801 80bb0000 0000 00", WEIR_CODEC_ERROR_MALFORMED},
      {"no mapping family", "4f70757348656164 01 02 3801 80bb0000 0000",
          WEIR_CODEC_ERROR_MALFORMED},
      {"the next major version", "4f70757348656164 10 02 3801 80bb0000 0000 00",
          WEIR_CODEC_ERROR_UNSUPPORTED},
      {"no channels", "4f70757348656164 01 00 3801 80bb0000 0000 00", WEIR_CODEC_ERROR_MALFORMED},
      {"three channels without a table", "4f70757348656164 01 03 3801 80bb0000 0000 00",
          WEIR_CODEC_ERROR_MALFORMED},
      {"nine channels", "4f70757348656164 01 09 3801 80bb0000 0000 01 09 00 000102030405060708",
          WEIR_CODEC_ERROR_MALFORMED},
      {"channels of no meaning", "4f70757348656164 01 02 3801 80bb0000 0000 ff 02 00 0001",
          WEIR_CODEC_ERROR_UNSUPPORTED},
      {"ambisonics", "4f70757348656164 01 04 3801 80bb0000 0000 02 04 00 00010203",
          WEIR_CODEC_ERROR_UNSUPPORTED},
      {"no table", "4f70757348656164 01 02 3801 80bb0000 0000 01", WEIR_CODEC_ERROR_MALFORMED},
      {"a table cut short", "4f70757348656164 01 02 3801 80bb0000 0000 01 01 01 00",
          WEIR_CODEC_ERROR_MALFORMED},
      {"no streams", "4f70757348656164 01 02 3801 80bb0000 0000 01 00 00 0001",
          WEIR_CODEC_ERROR_MALFORMED},
      {"more coupled streams than streams",
          "4f70757348656164 01 02 3801 80bb0000 0000 01 01 02 0001", WEIR_CODEC_ERROR_MALFORMED},
      {"a channel of no stream", "4f70757348656164 01 02 3801 80bb0000 0000 01 01 01 0002",
          WEIR_CODEC_ERROR_MALFORMED},
      {"255 streams", "4f70757348656164 01 02 3801 80bb0000 0000 01 ff 00 0001",
          WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_OPUS, cases[i].what, cases[i].record, cases[i].code);
}

static void
the_sample_entry_has_the_header_in_the_other_byte_order (void)
{
  static const struct {
    const gchar *record, *entry;
  } cases[] = {
      {RECORD_OPUS_STEREO,
          "00000037 4f707573 000000000000 0001 0000000000000000 0002 0010 00000000 bb800000"
          "00000013 644f7073 00 02 0138 0000bb80 0000 00"},
      {RECORD_OPUS_5_1,
          "0000003f 4f707573 000000000000 0001 0000000000000000 0006 0010 00000000 bb800000"
          "0000001b 644f7073 00 06 0138 0000bb80 0000 01 04 02 000401020305"},
      {"4f70757348656164 01 01 0102 44ac0000 00ff 00",
          "00000037 4f707573 000000000000 0001 0000000000000000 0001 0010 00000000 bb800000"
          "00000013 644f7073 00 01 0201 0000ac44 ff00 00"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_OPUS, cases[i].record);

    assert_sample_entry (config, cases[i].entry);
  }
}

static void
caps_tell_how_channels_are_mapped (void)
{
  static const struct {
    const gchar *record, *caps;
  } cases[] = {
      {RECORD_OPUS_MONO, "audio/x-opus, channel-mapping-family=(int)0, stream-count=(int)1, "
                         "coupled-count=(int)0, rate=(int)48000, channels=(int)1"},
      {RECORD_OPUS_STEREO, "audio/x-opus, channel-mapping-family=(int)0, stream-count=(int)1, "
                           "coupled-count=(int)1, rate=(int)48000, channels=(int)2"},
      {RECORD_OPUS_5_1,
          "audio/x-opus, channel-mapping-family=(int)1, stream-count=(int)4, "
          "coupled-count=(int)2, channel-mapping=(int)< 0, 4, 1, 2, 3, 5 >, rate=(int)48000, "
          "channels=(int)6"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_OPUS, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_assert_cmpstr (caps, ==, cases[i].caps);
  }
}

static void
packets_whose_framing_adds_up_are_valid (void)
{
  static const struct {
    const gchar *what, *record, *packet;
    gboolean valid;
  } cases[] = {
      {"one frame", RECORD_OPUS_MONO, PACKET_20_MS, TRUE},
      {"a frame of 60 ms", RECORD_OPUS_MONO, PACKET_60_MS, TRUE},
      {"five frames of several sizes", RECORD_OPUS_MONO, PACKET_100_MS, TRUE},
      {"two frames of one size, padded", RECORD_OPUS_MONO, PACKET_40_MS_PADDED, TRUE},
      {"mono in stereo", RECORD_OPUS_STEREO, PACKET_20_MS, TRUE},
      {"nothing but a TOC", RECORD_OPUS_STEREO, "f8", TRUE},
      {"four streams", RECORD_OPUS_5_1, PACKET_5_1, TRUE},
      {"two frames of one size", RECORD_OPUS_STEREO, "f9 aabb", TRUE},
      {"two frames of one size in an odd number of bytes", RECORD_OPUS_STEREO, "f9 aabbcc", FALSE},
      {"two frames", RECORD_OPUS_STEREO, "fa 01 aa bbcc", TRUE},
      {"two frames, the second of nothing", RECORD_OPUS_STEREO, "fa 01 aa", TRUE},
      {"two frames, the first beyond the end", RECORD_OPUS_STEREO, "fa 02 aa", FALSE},
      {"two frames without a length", RECORD_OPUS_STEREO, "fa", FALSE},
      {"two frames with half a length", RECORD_OPUS_STEREO, "fa fc", FALSE},
      {"many frames without their number", RECORD_OPUS_STEREO, "fb", FALSE},
      {"no frames", RECORD_OPUS_STEREO, "fb 00", FALSE},
      {"121 ms", RECORD_OPUS_STEREO, "83 31", FALSE},
      {"three frames of one size", RECORD_OPUS_STEREO, "fb 03 aabbcc", TRUE},
      {"three frames of one size in four bytes", RECORD_OPUS_STEREO, "fb 03 aabbccdd", FALSE},
      {"padding", RECORD_OPUS_STEREO, "fb 41 02 aa 0000", TRUE},
      {"padding beyond the end", RECORD_OPUS_STEREO, "fb 41 04 aa 0000", FALSE},
      {"padding without end", RECORD_OPUS_STEREO, "fb 41 ffffff", FALSE},
      {"frames beyond the end", RECORD_OPUS_STEREO, "fb 82 05 aabbcc", FALSE},
      {"frames beyond the padding", RECORD_OPUS_STEREO, "fb c2 02 02 aabb 00", FALSE},
      {"four streams of which one is missing", RECORD_OPUS_5_1,
          "08060bf1f91685e008060bf1f91685e0080a847b29baa38d26a0b94d", FALSE},
      {"streams of different durations", RECORD_OPUS_5_1, "f801aa f801aa f001aa f8aa", FALSE},
      {"streams of two frames of one size", RECORD_OPUS_5_1, "f901aaaa f901bbbb f901cccc f9dddd",
          TRUE},
      {"streams of two frames", RECORD_OPUS_5_1, "fa0102aabbbb fa0100aa fa0000 fa01aabb", TRUE},
      {"streams of many frames", RECORD_OPUS_5_1,
          "fb8201 02aabbbb fb0201aabb fb420201aabb0000 fb02aabb", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_OPUS, cases[i].record);
    g_autoptr (GBytes) packet = test_hex (cases[i].packet);
    gsize size;
    const guint8 *data = g_bytes_get_data (packet, &size);
    WeirSampleInfo info = weir_codec_config_inspect_sample (config, data, size);

    g_test_message ("%s", cases[i].what);
    g_assert_cmpint (info.valid, ==, cases[i].valid);
    g_assert_true (info.keyframe && !info.empty);
  }
}

static void
a_frame_is_not_beyond_1275_bytes (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_OPUS, RECORD_OPUS_STEREO);
  guint8 packet[2600] = {0xf8};

  g_assert_true (weir_codec_config_inspect_sample (config, packet, 1276).valid);
  g_assert_false (weir_codec_config_inspect_sample (config, packet, 1277).valid);
  packet[0] = 0xf9;
  g_assert_true (weir_codec_config_inspect_sample (config, packet, 2551).valid);
  g_assert_false (weir_codec_config_inspect_sample (config, packet, 2553).valid);
  packet[0] = 0xfb;
  packet[1] = 2;
  g_assert_true (weir_codec_config_inspect_sample (config, packet, 2552).valid);
  g_assert_false (weir_codec_config_inspect_sample (config, packet, 2554).valid);
}

static void
silence_is_a_packet_of_20_ms_for_each_stream (void)
{
  static const struct {
    const gchar *record, *silence;
  } cases[] = {
      {RECORD_OPUS_MONO, "f8fffe"},
      {RECORD_OPUS_STEREO, "f8fffe"},
      {RECORD_OPUS_5_1, "f802fffe f802fffe f802fffe f8fffe"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_OPUS, cases[i].record);
    g_autoptr (GBytes) expected = test_hex (cases[i].silence);
    g_autoptr (GBytes) silence = weir_codec_config_make_silence (config);
    gsize size;
    const guint8 *data = g_bytes_get_data (silence, &size);

    g_assert_true (g_bytes_equal (silence, expected));
    g_assert_true (weir_codec_config_inspect_sample (config, data, size).valid);
  }
}

static void
what_is_assumed_skips_nothing (void)
{
  g_autoptr (GBytes) record = weir_opus_make_record (2);
  g_autoptr (GBytes) expected = test_hex ("4f70757348656164 01 02 0000 80bb0000 0000 00");

  g_assert_true (g_bytes_equal (record, expected));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/opus/" #name, name)
  ADD (id_headers_that_are_understood);
  ADD (id_headers_that_are_refused);
  ADD (the_sample_entry_has_the_header_in_the_other_byte_order);
  ADD (caps_tell_how_channels_are_mapped);
  ADD (packets_whose_framing_adds_up_are_valid);
  ADD (a_frame_is_not_beyond_1275_bytes);
  ADD (silence_is_a_packet_of_20_ms_for_each_stream);
  ADD (what_is_assumed_skips_nothing);
  return g_test_run ();
}
