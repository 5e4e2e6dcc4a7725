/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

#include "base/reader.h"
#include "records.h"

static void
caps_of_both_kinds (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *caps;
  } cases[] = {
      {WEIR_CODEC_AVC, RECORD_HIGH_1080P2997_BT709,
          "video/x-h264, stream-format=(string)avc, alignment=(string)au, profile=(string)high, "
          "level=(string)4, width=(int)1920, height=(int)1080, framerate=(fraction)30000/1001, "
          "pixel-aspect-ratio=(fraction)1/1, colour=(string)\"1:1:1:0\""},
      {WEIR_CODEC_AVC, RECORD_BASELINE_720P30,
          "video/x-h264, stream-format=(string)avc, alignment=(string)au, "
          "profile=(string)constrained-baseline, level=(string)3.1, width=(int)1280, "
          "height=(int)720, framerate=(fraction)30/1, pixel-aspect-ratio=(fraction)1/1"},
      {WEIR_CODEC_AAC, RECORD_HE_AAC_48000_STEREO,
          "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, framed=(boolean)true, "
          "rate=(int)48000, channels=(int)2"},
      {WEIR_CODEC_FLAC, RECORD_FLAC_48000_STEREO,
          "audio/x-flac, framed=(boolean)true, rate=(int)48000, channels=(int)2"},
      {WEIR_CODEC_AC3, RECORD_AC3_44100_MONO_96K,
          "audio/x-ac3, framed=(boolean)true, alignment=(string)frame, rate=(int)44100, "
          "channels=(int)1"},
      {WEIR_CODEC_EAC3, RECORD_EAC3_32000_5_1_448K,
          "audio/x-eac3, framed=(boolean)true, alignment=(string)frame, rate=(int)32000, "
          "channels=(int)6"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_assert_cmpstr (caps, ==, cases[i].caps);
  }
}

static void
equal_means_the_same_bytes (void)
{
  g_autoptr (WeirCodecConfig) a = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  g_autoptr (WeirCodecConfig) b = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  g_autoptr (WeirCodecConfig) c = test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
  g_autoptr (WeirCodecConfig) d = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);

  g_assert_true (weir_codec_config_equal (a, b));
  g_assert_false (weir_codec_config_equal (a, c));
  g_assert_false (weir_codec_config_equal (a, d));
}

static void
the_video_entry_holds_record_colour_and_aspect (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *entry, *box, *record, *behind;
  } cases[] = {
      {WEIR_CODEC_HEVC, "hvc1", "hvcC", RECORD_HEVC_MAIN_10_HDR_1080P2997,
          "00000013 636f6c72 6e636c78 0009 0010 0009 00 "
          /* green, blue, red (ISO/IEC 14496-12, 12.1.7) */
          "00000020 6d646376 33c2 86c4 1d4c 0bb8 84d0 3e80 3d13 4042 00989680 00000032 "
          "0000000c 636c6c69 03e8 0190"},
      {WEIR_CODEC_HEVC, "hvc1", "hvcC", RECORD_HEVC_422_10_576P25_SAR_64_45,
          "00000013 636f6c72 6e636c78 0002 0002 0002 80 00000010 70617370 00000040 0000002d"},
      {WEIR_CODEC_AV1, "av01", "av1C", RECORD_AV1_SVT_360P30, ""},
      {WEIR_CODEC_VP8, "vp08", "vpcC", RECORD_VP8, ""},
      {WEIR_CODEC_VP9, "vp09", "vpcC", RECORD_VP9_BT709,
          "00000013 636f6c72 6e636c78 0001 0001 0001 00"},
      {WEIR_CODEC_AVC, "avc1", "avcC", RECORD_MAIN_480P25, ""},
      {WEIR_CODEC_AVC, "avc1", "avcC", RECORD_HIGH_1080P2997_BT709,
          "00000013 636f6c72 6e636c78 0001 0001 0001 00"},
      {WEIR_CODEC_AVC, "avc1", "avcC", RECORD_HIGH_576P25_SAR_64_45,
          "00000010 70617370 00000040 0000002d"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);
    g_autoptr (GBytes) behind = test_hex (cases[i].behind);
    g_auto (WeirWriter) writer = {0};
    const guint8 *record;
    gsize record_size;
    WeirReader reader;

    record = g_bytes_get_data (config->record, &record_size);
    weir_writer_init (&writer, 0);
    weir_codec_config_write_sample_entry (config, &writer);
    weir_reader_init (&reader, writer.data, writer.size);
    g_assert_cmpuint (weir_reader_u32 (&reader), ==, writer.size);
    g_assert_cmpmem (weir_reader_bytes (&reader, 4), 4, cases[i].entry, 4);
    weir_reader_skip (&reader, 24);
    g_assert_cmpuint (weir_reader_u16 (&reader), ==, config->width);
    g_assert_cmpuint (weir_reader_u16 (&reader), ==, config->height);
    weir_reader_skip (&reader, 50);
    g_assert_cmpuint (weir_reader_u32 (&reader), ==, 8 + record_size);
    g_assert_cmpmem (weir_reader_bytes (&reader, 4), 4, cases[i].box, 4);
    g_assert_cmpmem (weir_reader_bytes (&reader, record_size), record_size, record, record_size);
    g_assert_cmpmem (writer.data + reader.position, weir_reader_remaining (&reader),
        g_bytes_get_data (behind, NULL), g_bytes_get_size (behind));
  }
}

static void
a_huge_record_is_refused (void)
{
  for (guint codec = 0; codec < WEIR_CODEC_LAST; codec++) {
    g_autoptr (GBytes) record = g_bytes_new_take (g_malloc0 (100000), 100000);
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_codec_config_parse ((WeirCodec) codec, record, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/codec/" #name, name)
  ADD (caps_of_both_kinds);
  ADD (equal_means_the_same_bytes);
  ADD (the_video_entry_holds_record_colour_and_aspect);
  ADD (a_huge_record_is_refused);
  return g_test_run ();
}
