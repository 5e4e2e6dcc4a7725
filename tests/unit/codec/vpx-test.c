/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vpx.h"

#include "codecassert.h"

/* the first bytes of frames of the files that the records are of, and of
 * ffmpeg -f lavfi -i testsrc=s=322x182:r=30 -frames:v 6 -c:v libvpx -g 3 */
#define VP9_KEY_360 "824983420027f016760638241c184a1007505f7e97e6fcdf"
#define VP9_INTER "860040929c485001000b007d234a3a2948a4af8a4a16775e"
#define VP9_KEY_BT709 "824983424013f00b361038241c186c0004c07fd1fa34fcef"
#define VP9_KEY_422_10 "b124c1a106009f8059b031c120e0c2c00050805f5ff93f27"
#define VP9_KEY_RGB "a2498342e013f00b360638241c184a000ef05f63fcdf93ff"
#define VP8_KEY "3059009d012a4201b600000708858588858488020203117c"
#define VP8_INTER "1107000610ac00188c2183ec408bf8e1c07e3dddb769f6c4"

static void
records_say_all_but_the_size (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *codecs, *caps, *colour;
  } cases[] = {
      {WEIR_CODEC_VP9, RECORD_VP9_360P30, "vp09.00.21.08",
          "video/x-vp9, alignment=(string)super-frame, profile=(string)0, "
          "chroma-format=(string)4:2:0, bit-depth-luma=(uint)8, bit-depth-chroma=(uint)8, "
          "pixel-aspect-ratio=(fraction)1/1",
          NULL},
      {WEIR_CODEC_VP9, RECORD_VP9_BT709, "vp09.00.11.08",
          "video/x-vp9, alignment=(string)super-frame, profile=(string)0, "
          "chroma-format=(string)4:2:0, bit-depth-luma=(uint)8, bit-depth-chroma=(uint)8, "
          "pixel-aspect-ratio=(fraction)1/1, colour=(string)\"1:1:1:0\"",
          "1:1:1:0"},
      {WEIR_CODEC_VP9, RECORD_VP9_422_10_FULL, "vp09.03.11.10.02.02.02.02.01",
          "video/x-vp9, alignment=(string)super-frame, profile=(string)3, "
          "chroma-format=(string)4:2:2, bit-depth-luma=(uint)10, bit-depth-chroma=(uint)10, "
          "pixel-aspect-ratio=(fraction)1/1, colour=(string)\"2:2:2:1\"",
          "2:2:2:1"},
      /* the example of VP Codec ISO Media, but for its level */
      {WEIR_CODEC_VP9, "01000000020aa2 09 10 09 0000", "vp09.02.10.10.01.09.16.09.00",
          "video/x-vp9, alignment=(string)super-frame, profile=(string)2, "
          "chroma-format=(string)4:2:0, bit-depth-luma=(uint)10, bit-depth-chroma=(uint)10, "
          "pixel-aspect-ratio=(fraction)1/1, colour=(string)\"9:16:9:0\"",
          "9:16:9:0"},
      {WEIR_CODEC_VP8, RECORD_VP8, "vp08.00.10.08",
          "video/x-vp8, profile=(string)0, pixel-aspect-ratio=(fraction)1/1", NULL},
      {WEIR_CODEC_VP8, "010000000000820202020000", "vp08.00.10.08",
          "video/x-vp8, profile=(string)0, pixel-aspect-ratio=(fraction)1/1", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
    g_assert_cmpstr (caps, ==, cases[i].caps);
    g_assert_cmpuint (config->width, ==, 0);
    g_assert_cmpuint (config->height, ==, 0);
    assert_colour (config, cases[i].colour);
  }
}

static void
records_that_are_refused (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *what, *record;
  } cases[] = {
      {WEIR_CODEC_VP9, "nothing", ""},
      {WEIR_CODEC_VP9, "version 0", "000000000015820202020000"},
      {WEIR_CODEC_VP9, "one byte too few", "0100000000158202020200"},
      {WEIR_CODEC_VP9, "initialization data that is not there", "010000000015820202020001"},
      {WEIR_CODEC_VP9, "profile 4", "010000000415820202020000"},
      {WEIR_CODEC_VP9, "bit depth 9", "010000000015920202020000"},
      {WEIR_CODEC_VP9, "chroma format 4", "010000000015880202020000"},
      {WEIR_CODEC_VP8, "bit depth 10", "01000000000aa20202020000"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].codec, cases[i].what, cases[i].record, WEIR_CODEC_ERROR_MALFORMED);
}

static void
key_frames_say_size_and_format (void)
{
  /* the records are what ffmpeg makes of the same frames, but for the matrices and transfers that
   * it does not derive from color_space */
  static const struct {
    WeirCodec codec;
    const gchar *data;
    guint width, height;
    const gchar *record, *match;
  } cases[] = {
      {WEIR_CODEC_VP9, VP9_KEY_360, 640, 360, RECORD_VP9_360P30, RECORD_VP9_360P30},
      {WEIR_CODEC_VP9, VP9_KEY_BT709, 320, 180, RECORD_VP9_BT709, RECORD_VP9_BT709},
      {WEIR_CODEC_VP9, VP9_KEY_422_10, 320, 180, RECORD_VP9_422_10_FULL, RECORD_VP9_422_10_FULL},
      {WEIR_CODEC_VP9, VP9_KEY_RGB, 320, 180, "01000000010b87010d000000", RECORD_VP9_RGB},
      {WEIR_CODEC_VP8, VP8_KEY, 322, 182, "01000000000b820202020000", RECORD_VP8},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].data);
    g_autoptr (GBytes) expected = test_hex (cases[i].record);
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].match);
    g_autoptr (GBytes) record = NULL;
    WeirVpxFrame frame;
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    g_test_message ("%s", cases[i].data);
    g_assert_true (weir_vpx_parse_frame (cases[i].codec, data, size, &frame));
    g_assert_true (frame.keyframe);
    g_assert_cmpuint (frame.width, ==, cases[i].width);
    g_assert_cmpuint (frame.height, ==, cases[i].height);
    record = weir_vpx_make_record (&frame);
    g_assert_cmpmem (g_bytes_get_data (record, NULL), g_bytes_get_size (record),
        g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
    g_assert_true (weir_vpx_matches_record (config, &frame));
    for (gsize cut = 0; cut < 9; cut++) {
      g_autofree guint8 *part = g_memdup2 (data, cut);

      g_assert_false (weir_vpx_parse_frame (cases[i].codec, part, cut, &frame));
    }
  }
}

static void
another_format_does_not_match_the_record (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_VP9, RECORD_VP9_360P30);
  g_autoptr (GBytes) bytes = test_hex (VP9_KEY_422_10);
  WeirVpxFrame frame;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_true (weir_vpx_parse_frame (WEIR_CODEC_VP9, data, size, &frame));
  g_assert_false (weir_vpx_matches_record (config, &frame));
}

static void
samples_say_what_they_are (void)
{
  static const struct {
    WeirCodec codec;
    SampleRow row;
  } cases[] = {
      {WEIR_CODEC_VP9, {"nothing", "", TRUE, TRUE, FALSE}},
      {WEIR_CODEC_VP9, {"key frame", VP9_KEY_360, TRUE, FALSE, TRUE}},
      {WEIR_CODEC_VP9, {"inter frame", VP9_INTER, TRUE, FALSE, FALSE}},
      {WEIR_CODEC_VP9, {"existing frame is shown", "88", TRUE, FALSE, FALSE}},
      {WEIR_CODEC_VP9,
          {"superframe with its index", VP9_KEY_360 VP9_INTER "c91700170000c9", TRUE, FALSE, TRUE}},
      {WEIR_CODEC_VP9, {"no frame marker", "42498342002700167606", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP9, {"reserved bit of profile 3", "b924c1a106009f8059b0", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP9, {"sync code that is none", "824983430027f0167606", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP9, {"RGB in profile 0", "82498342e013f00b3606", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"nothing", "", TRUE, TRUE, FALSE}},
      {WEIR_CODEC_VP8, {"key frame", VP8_KEY, TRUE, FALSE, TRUE}},
      {WEIR_CODEC_VP8, {"inter frame", VP8_INTER, TRUE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"start code that is none", "3059009d012b4201b600", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"width 0", "3059009d012a0000b600", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"width 0 but for scaling", "3059009d012a0040b600", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"version 4", "190700", FALSE, FALSE, FALSE}},
      {WEIR_CODEC_VP8, {"two bytes", "1107", FALSE, FALSE, FALSE}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (
        cases[i].codec, cases[i].codec == WEIR_CODEC_VP8 ? RECORD_VP8 : RECORD_VP9_360P30);

    assert_sample (config, &cases[i].row);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/vpx/" #name, name)
  ADD (records_say_all_but_the_size);
  ADD (records_that_are_refused);
  ADD (key_frames_say_size_and_format);
  ADD (another_format_does_not_match_the_record);
  ADD (samples_say_what_they_are);
  return g_test_run ();
}
