/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/av1.h"

#include "codecassert.h"

static void
records_of_real_encoders (void)
{
  static const struct {
    const gchar *record, *codecs, *caps;
    guint width, height;
    const gchar *colour;
  } cases[] = {
      /* the strings are those that ffmpeg writes into DASH manifests, with what it leaves out of
       * 4:4:4 and grey */
      {RECORD_AV1_RGB_360P30, "av01.1.01M.08.0.000.01.13.00.1",
          "high, chroma-format=(string)4:4:4, bit-depth-luma=(uint)8", 640, 360, "1:13:0:1"},
      {RECORD_AV1_10_HDR_720P30, "av01.0.05M.10.0.110.09.16.09.0",
          "main, chroma-format=(string)4:2:0, bit-depth-luma=(uint)10", 1280, 720, "9:16:9:0"},
      {RECORD_AV1_444_320X180, "av01.1.00M.08.0.000.02.02.02.0",
          "high, chroma-format=(string)4:4:4, bit-depth-luma=(uint)8", 320, 180, NULL},
      {RECORD_AV1_GREY_320X180, "av01.0.00M.08.1.110.02.02.02.1",
          "main, chroma-format=(string)4:0:0, bit-depth-luma=(uint)8", 320, 180, "2:2:2:1"},
      {RECORD_AV1_STILL_320X180, "av01.0.00M.08",
          "main, chroma-format=(string)4:2:0, bit-depth-luma=(uint)8", 320, 180, NULL},
      {RECORD_AV1_SVT_360P30, "av01.0.01M.08",
          "main, chroma-format=(string)4:2:0, bit-depth-luma=(uint)8", 640, 360, NULL},
      /* a record need not have a sequence header: no size then */
      {"810d4c00", "av01.0.13M.10", "main, chroma-format=(string)4:2:0, bit-depth-luma=(uint)10", 0,
          0, NULL},
      {"814de800", "av01.2.13H.12.0.100.02.02.02.0",
          "professional, chroma-format=(string)4:2:2, bit-depth-luma=(uint)12", 0, 0, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AV1, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);
    g_autofree gchar *begin = g_strconcat (
        "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu, profile=(string)",
        cases[i].caps, NULL);

    g_test_message ("%s", cases[i].codecs);
    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
    g_assert_cmpuint (config->width, ==, cases[i].width);
    g_assert_cmpuint (config->height, ==, cases[i].height);
    g_assert_cmpint (config->reorder, ==, -1);
    g_assert_true (g_str_has_prefix (caps, begin));
    assert_colour (config, cases[i].colour);
  }
}

static void
metadata_beside_the_sequence_header_is_colour (void)
{
  /* METADATA_TYPE_HDR_CLL, then METADATA_TYPE_HDR_MDCV: 0.68, 0.32 and so on in 0.16 fixed point,
   * 1000 in 24.8, 0.005 in 18.14 */
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AV1, RECORD_AV1_10_HDR_720P30
      "2a06 01 03e8 0190 80 2a1a 02 ae14 51ec 43d7 b0a4 2666 0f5c 500d 5439 "
      "0003e800 00000052 80");
  g_autofree gchar *colour = weir_colour_to_text (config->colour);

  g_assert_cmpstr (
      colour, ==, "9:16:9:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50/1000:400");
}

static void
the_frame_rate_of_equal_intervals_is_taken (void)
{
  /* RECORD_AV1_SVT_360P30's picture with timing_info: 1001 of 60000, two ticks a picture */
  g_autoptr (WeirCodecConfig) config =
      test_config (WEIR_CODEC_AV1, "81010c000a140400000fa40003a9828000006627fb3805f00080");

  g_assert_cmpuint (config->frame_rate_n, ==, 30000);
  g_assert_cmpuint (config->frame_rate_d, ==, 1001);
}

static void
records_that_are_refused (void)
{
  static const struct {
    const gchar *what, *record;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"no marker", "01010c00", WEIR_CODEC_ERROR_MALFORMED},
      {"version 2", "82010c00", WEIR_CODEC_ERROR_MALFORMED},
      {"three bytes", "81010c", WEIR_CODEC_ERROR_MALFORMED},
      {"profile 3", "81610c00", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"OBU beyond the end", "81010c000a0c0000000cc4ff6700be0010", WEIR_CODEC_ERROR_MALFORMED},
      {"OBU size that never ends", "81010c000affffffffffffffffff", WEIR_CODEC_ERROR_MALFORMED},
      {"OBU size beyond 32 bits", "81010c000affffffff7f00", WEIR_CODEC_ERROR_MALFORMED},
      {"forbidden bit", "81010c008a0b0000000cc4ff6700be0010", WEIR_CODEC_ERROR_MALFORMED},
      {"empty sequence header", "81010c000a00", WEIR_CODEC_ERROR_MALFORMED},
      {"sequence header cut short", "81010c000a060000000cc4ff", WEIR_CODEC_ERROR_MALFORMED},
      {"sequence header of profile 7", "81010c000a0be000000cc4ff6700be0010",
          WEIR_CODEC_ERROR_UNSUPPORTED},
      {"65536 pixels a side", "81000c000a0a 183f ffff ffff c000 0000",
          WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_AV1, cases[i].what, cases[i].record, cases[i].code);
}

static void
every_cut_of_a_record_is_refused_or_has_no_size (void)
{
  g_autoptr (GBytes) whole = test_hex (RECORD_AV1_10_HDR_720P30);

  for (gsize size = 0; size < g_bytes_get_size (whole); size++) {
    g_autoptr (GBytes) part = g_bytes_new (g_bytes_get_data (whole, NULL), size);
    g_autoptr (WeirCodecConfig) config = weir_codec_config_parse (WEIR_CODEC_AV1, part, NULL);

    g_assert_cmpint (config != NULL, ==, size == 4);
    g_assert_true (config == NULL || config->width == 0);
  }
}

static void
samples_say_what_they_are (void)
{
#define SEQUENCE "0a0b0000000cc4ff6700be0010"
  static const SampleRow cases[] = {
      {"nothing", "", TRUE, TRUE, FALSE},
      {"key frame with sequence header", SEQUENCE "320210ff", TRUE, FALSE, TRUE},
      {"key frame header with sequence header", SEQUENCE "1a0110220100", TRUE, FALSE, TRUE},
      {"key frame without sequence header", "320210ff", TRUE, FALSE, FALSE},
      {"key frame before the sequence header", "320210ff" SEQUENCE, TRUE, FALSE, FALSE},
      {"key frame that is not shown", SEQUENCE "320200ff", TRUE, FALSE, FALSE},
      {"inter frame with sequence header", SEQUENCE "320230ff", TRUE, FALSE, FALSE},
      {"intra-only frame", SEQUENCE "320250ff", TRUE, FALSE, FALSE},
      {"existing frame is shown", "1a01a8", TRUE, FALSE, FALSE},
      {"existing frame with sequence header", SEQUENCE "1a0180", TRUE, FALSE, FALSE},
      {"still picture", "0a071821e7f66d00403202ff00", TRUE, FALSE, TRUE},
      {"inter frame before a key frame", SEQUENCE "320230ff320210ff", TRUE, FALSE, FALSE},
      {"sequence header only", SEQUENCE, TRUE, TRUE, FALSE},
      {"padding only", "7a0100", TRUE, TRUE, FALSE},
      {"last OBU without size", SEQUENCE "3010ff", TRUE, FALSE, TRUE},
      {"OBU with an extension", SEQUENCE "36000210ff", TRUE, FALSE, TRUE},
      {"frame without a byte", SEQUENCE "3200", TRUE, FALSE, FALSE},
      {"size beyond the end", SEQUENCE "320310ff", FALSE, FALSE, FALSE},
      {"size that is cut short", SEQUENCE "32ff", FALSE, FALSE, FALSE},
      {"extension that is not there", "36", FALSE, FALSE, FALSE},
      {"forbidden bit", "b20210ff", FALSE, FALSE, FALSE},
  };
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AV1, RECORD_AV1_SVT_360P30);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_sample (config, &cases[i]);
}

static void
a_record_made_of_a_sequence_header_is_the_encoders (void)
{
  static const gchar *const records[] = {RECORD_AV1_RGB_360P30, RECORD_AV1_10_HDR_720P30,
      RECORD_AV1_444_320X180, RECORD_AV1_GREY_320X180, RECORD_AV1_STILL_320X180,
      RECORD_AV1_SVT_360P30};

  for (guint i = 0; i < G_N_ELEMENTS (records); i++) {
    g_autoptr (GBytes) record = test_hex (records[i]);
    g_autoptr (GBytes) made = NULL;
    g_autoptr (GError) error = NULL;
    WeirObu sequence;

    g_test_message ("%s", records[i]);
    g_assert_true (weir_av1_find_sequence (record, &sequence));
    made = weir_av1_make_record (&sequence, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (g_bytes_get_data (made, NULL), g_bytes_get_size (made),
        g_bytes_get_data (record, NULL), g_bytes_get_size (record));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/av1/" #name, name)
  ADD (records_of_real_encoders);
  ADD (metadata_beside_the_sequence_header_is_colour);
  ADD (the_frame_rate_of_equal_intervals_is_taken);
  ADD (records_that_are_refused);
  ADD (every_cut_of_a_record_is_refused_or_has_no_size);
  ADD (samples_say_what_they_are);
  ADD (a_record_made_of_a_sequence_header_is_the_encoders);
  return g_test_run ();
}
