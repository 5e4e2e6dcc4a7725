/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/hevc.h"

#include "codecassert.h"

static void
records_of_a_real_encoder (void)
{
  /* levels, sizes, aspect ratios, reordering and colour are what ffprobe says of the same files */
  static const struct {
    const gchar *record, *codecs, *caps;
    guint width, height, par_n, par_d, rate_n, rate_d;
    gint reorder;
    const gchar *colour;
  } cases[] = {
      {RECORD_HEVC_MAIN_720P30, "hvc1.1.6.L93.90",
          "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, profile=(string)main, "
          "tier=(string)main, level=(string)3.1, width=(int)1280, height=(int)720, "
          "framerate=(fraction)30/1, pixel-aspect-ratio=(fraction)1/1",
          1280, 720, 1, 1, 30, 1, 2, NULL},
      {RECORD_HEVC_MAIN_10_HDR_1080P2997, "hvc1.2.4.L120.90",
          "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, "
          "profile=(string)main-10, tier=(string)main, level=(string)4, width=(int)1920, "
          "height=(int)1080, framerate=(fraction)30000/1001, pixel-aspect-ratio=(fraction)1/1, "
          "colour=(string)\"9:16:9:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50/"
          "1000:400\", mastering-display-info=(string)\"34000:16000:13250:34500:7500:3000:15635:"
          "16450:10000000:50\", content-light-level=(string)\"1000:400\"",
          1920, 1080, 1, 1, 30000, 1001, 2,
          "9:16:9:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50/1000:400"},
      {RECORD_HEVC_422_10_576P25_SAR_64_45, "hvc1.4.10.L90.9D.8",
          "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, "
          "profile=(string)main-422-10, tier=(string)main, level=(string)3, width=(int)720, "
          "height=(int)576, framerate=(fraction)25/1, pixel-aspect-ratio=(fraction)64/45, "
          "colour=(string)\"2:2:2:1\"",
          720, 576, 64, 45, 25, 1, 2, "2:2:2:1"},
      {RECORD_HEVC_444_360P24, "hvc1.4.10.L63.9E.8",
          "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, "
          "profile=(string)main-444, tier=(string)main, level=(string)2.1, width=(int)640, "
          "height=(int)360, framerate=(fraction)24/1, pixel-aspect-ratio=(fraction)1/1",
          640, 360, 1, 1, 24, 1, 2, NULL},
      {RECORD_HEVC_LAYERS_322X182, "hvc1.1.6.L60.90",
          "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, profile=(string)main, "
          "tier=(string)main, level=(string)2, width=(int)322, height=(int)182, "
          "framerate=(fraction)24/1, pixel-aspect-ratio=(fraction)1/1",
          322, 182, 1, 1, 24, 1, 2, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_HEVC, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_test_message ("%s", cases[i].codecs);
    g_assert_cmpint (config->kind, ==, WEIR_MEDIA_VIDEO);
    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
    g_assert_cmpuint (config->timescale, ==, 90000);
    g_assert_cmpuint (config->width, ==, cases[i].width);
    g_assert_cmpuint (config->height, ==, cases[i].height);
    g_assert_cmpuint (config->par_n, ==, cases[i].par_n);
    g_assert_cmpuint (config->par_d, ==, cases[i].par_d);
    g_assert_cmpuint (config->frame_rate_n, ==, cases[i].rate_n);
    g_assert_cmpuint (config->frame_rate_d, ==, cases[i].rate_d);
    g_assert_cmpuint (config->nal_length_size, ==, 4);
    g_assert_cmpint (config->reorder, ==, cases[i].reorder);
    assert_colour (config, cases[i].colour);
    g_assert_cmpstr (caps, ==, cases[i].caps);
  }
}

/* a record whose header says this, with the sets of RECORD_HEVC_MAIN_720P30 */
static gchar *
with_header (const gchar *header)
{
  return g_strconcat (header, &RECORD_HEVC_MAIN_720P30[26], NULL);
}

static void
codecs_strings_follow_annex_e (void)
{
  static const struct {
    const gchar *header, *codecs;
  } cases[] = {
      /* the examples of ISO/IEC 14496-15, E.3 */
      {"01 01 60000000 b00000000000 5d", "hvc1.1.6.L93.B0"},
      {"01 21 60000000 900000000000 78", "hvc1.1.6.H120.90"},
      {"01 84 08000000 9d0800000001 96", "hvc1.B4.10.L150.9D.8.0.0.0.1"},
      {"01 c1 80000001 000000000000 1e", "hvc1.C1.80000001.L30"},
      {"01 42 20000000 000100000000 b4", "hvc1.A2.4.L180.0.1"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *record = with_header (cases[i].header);
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_HEVC, record);

    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
  }
}

static void
the_timing_of_the_video_parameter_set_is_taken_where_the_sequence_has_none (void)
{
  /* RECORD_HEVC_MAIN_720P30 with a VPS of 50 pictures per second, and an SPS without VUI */
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_HEVC,
      "0101600000009000000000005df000fcfdf8f800000f03a00001002340010c01ffff016000000300900000"
      "03000003005d95940c000003000400000300c940a10001001e42010101600000030090000003000003005d"
      "a00280802d165959a4932b20a2000100074401c172b46240");

  g_assert_cmpuint (config->width, ==, 1280);
  g_assert_cmpuint (config->frame_rate_n, ==, 50);
  g_assert_cmpuint (config->frame_rate_d, ==, 1);
}

static void
records_that_are_refused (void)
{
  static const struct {
    const gchar *what, *record;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"version 2", "0201600000009000000000005df000fcfdf8f800000f00", WEIR_CODEC_ERROR_MALFORMED},
      {"no arrays", "0101600000009000000000005df000fcfdf8f800000f00", WEIR_CODEC_ERROR_MALFORMED},
      {"lengths of 3 bytes", "0101600000009000000000005df000fcfdf8f800000e00",
          WEIR_CODEC_ERROR_MALFORMED},
      {"255 arrays, none there", "0101600000009000000000005df000fcfdf8f800000fff",
          WEIR_CODEC_ERROR_MALFORMED},
      {"65535 sets, none there", "0101600000009000000000005df000fcfdf8f800000f01a1ffff",
          WEIR_CODEC_ERROR_MALFORMED},
      {"an SPS of no bytes", "0101600000009000000000005df000fcfdf8f800000f01a100010000",
          WEIR_CODEC_ERROR_MALFORMED},
      {"a PPS among the SPS",
          "0101600000009000000000005df000fcfdf8f800000f01a1000100074401c172b46240",
          WEIR_CODEC_ERROR_MALFORMED},
      {"an SPS cut short",
          "0101600000009000000000005df000fcfdf8f800000f02a1000100144201010160000003009000000300"
          "0003005da002a2000100074401c172b46240",
          WEIR_CODEC_ERROR_MALFORMED},
      {"eight sub-layers",
          "0101600000009000000000005df000fcfdf8f800000f02a10001002b42010f0160000003009000000300"
          "0003005da00280802d165959a4932bc05a020000030002000003003c10a2000100074401c172b46240",
          WEIR_CODEC_ERROR_MALFORMED},
      {"log2_max_pic_order_cnt_lsb_minus4 of 2^32 - 2",
          "0101600000009000000000005df000fcfdf8f800000f02a1000100334201010160000003009000000300"
          "0003005da00280802d160000030003fffffffe566924caf0168080000003008000000f0400a200010007"
          "4401c172b46240",
          WEIR_CODEC_ERROR_MALFORMED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_HEVC, cases[i].what, cases[i].record, cases[i].code);
}

static void
every_cut_of_a_record_is_refused (void)
{
  g_autoptr (GBytes) whole = test_hex (RECORD_HEVC_MAIN_10_HDR_1080P2997);

  for (gsize size = 0; size < g_bytes_get_size (whole); size++) {
    /* copied, so that reading beyond the end shows */
    g_autoptr (GBytes) part = g_bytes_new (g_bytes_get_data (whole, NULL), size);
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_codec_config_parse (WEIR_CODEC_HEVC, part, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  }
}

static void
samples_say_what_they_are (void)
{
  static const SampleRow cases[] = {
      {"nothing", "", TRUE, TRUE, FALSE},
      {"IDR_N_LP", "00000003 2801af", TRUE, FALSE, TRUE},
      {"CRA", "00000003 2a01ac", TRUE, FALSE, TRUE},
      {"BLA behind a delimiter and sets", "00000003 460110 00000003 4001ff 00000003 2001ff", TRUE,
          FALSE, TRUE},
      {"trailing picture", "00000003 0201d0", TRUE, FALSE, FALSE},
      {"RASL_N", "00000003 1001e2", TRUE, FALSE, FALSE},
      {"RASL_R", "00000003 1201e2", TRUE, FALSE, FALSE},
      {"RADL_N", "00000003 0c01e2", TRUE, FALSE, FALSE},
      {"sets only", "00000003 4001ff 00000003 4201ff 00000003 4401ff", TRUE, TRUE, FALSE},
      {"a picture of another layer only", "00000003 2809af", TRUE, TRUE, FALSE},
      {"NAL unit of one byte", "00000001 28", FALSE, FALSE, FALSE},
      {"NAL unit of no byte", "00000000 00000003 2801af", FALSE, FALSE, FALSE},
      {"length beyond the end", "00000004 2801af", FALSE, FALSE, FALSE},
      {"huge length", "ffffffff 2801af", FALSE, FALSE, FALSE},
      {"half a length", "00000003 2801af 0000", FALSE, FALSE, FALSE},
  };
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_sample (config, &cases[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/hevc/" #name, name)
  ADD (records_of_a_real_encoder);
  ADD (codecs_strings_follow_annex_e);
  ADD (the_timing_of_the_video_parameter_set_is_taken_where_the_sequence_has_none);
  ADD (records_that_are_refused);
  ADD (every_cut_of_a_record_is_refused);
  ADD (samples_say_what_they_are);
  return g_test_run ();
}
