/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/mediacaps.h"

#include "records.h"

static void
a_configuration_survives_the_way_through_caps (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *template;
  } cases[] = {
      {WEIR_CODEC_AVC, RECORD_HIGH_576P25_SAR_64_45, WEIR_VIDEO_CAPS},
      {WEIR_CODEC_AVC, RECORD_HIGH_1080P2997_BT709, WEIR_VIDEO_CAPS},
      {WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_10_HDR_1080P2997, WEIR_VIDEO_CAPS},
      {WEIR_CODEC_AV1, RECORD_AV1_10_HDR_720P30, WEIR_VIDEO_CAPS},
      {WEIR_CODEC_AAC, RECORD_HE_AAC_V2_48000, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_OPUS, RECORD_OPUS_STEREO, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_OPUS, RECORD_OPUS_5_1, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_FLAC, RECORD_FLAC_48000_STEREO, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_AC3, RECORD_AC3_32000_5_1_448K, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_EAC3, RECORD_EAC3_32000_5_1_448K, WEIR_AUDIO_CAPS},
      {WEIR_CODEC_MP3, RECORD_MP3_44100_STEREO, WEIR_AUDIO_CAPS},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);
    g_autoptr (GstCaps) caps = weir_codec_config_to_caps (config);
    g_autoptr (GstCaps) template = gst_caps_from_string (cases[i].template);
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirCodecConfig) again = NULL;

    g_assert_true (gst_caps_is_fixed (caps));
    g_assert_true (gst_caps_is_subset (caps, template));
    again = weir_codec_config_from_caps (caps, &error);
    g_assert_no_error (error);
    g_assert_true (weir_codec_config_equal (config, again));
  }
}

static void
size_and_colour_beside_the_record_survive_too (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *colour;
  } cases[] = {
      {WEIR_CODEC_VP8, RECORD_VP8, NULL},
      {WEIR_CODEC_VP9, RECORD_VP9_360P30, "9:16:9:0//1000:400"},
      {WEIR_CODEC_VP9, RECORD_VP9_BT709, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) plain = test_config (cases[i].codec, cases[i].record);
    g_autoptr (WeirCodecConfig) sized = weir_codec_config_with_size (plain, 640, 360);
    g_autoptr (WeirCodecConfig) config = NULL;
    g_autoptr (GstCaps) caps = NULL;
    g_autoptr (GstCaps) template = gst_caps_from_string (WEIR_VIDEO_CAPS);
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirCodecConfig) again = NULL;
    WeirColour colour;

    if (cases[i].colour != NULL)
      g_assert_true (weir_colour_from_text (cases[i].colour, &colour));
    config = weir_codec_config_with_colour (sized, cases[i].colour != NULL ? &colour : NULL);
    caps = weir_codec_config_to_caps (config);
    g_assert_true (gst_caps_is_fixed (caps));
    g_assert_true (gst_caps_is_subset (caps, template));
    again = weir_codec_config_from_caps (caps, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (again->width, ==, 640);
    g_assert_true (weir_codec_config_equal (config, again));
  }
}

static void
caps_that_tell_no_configuration_are_refused (void)
{
  static const struct {
    const gchar *caps;
    gint code;
  } cases[] = {
      {"ANY", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"EMPTY", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"video/x-theora", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"audio/mpeg, mpegversion=(int)1", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"video/x-h264, stream-format=(string)avc", WEIR_CODEC_ERROR_MALFORMED},
      {"video/x-h264, codec_data=(string)nothing", WEIR_CODEC_ERROR_MALFORMED},
      {"audio/mpeg, mpegversion=(int)4, codec_data=(buffer)11", WEIR_CODEC_ERROR_MALFORMED},
      {"video/x-vp8", WEIR_CODEC_ERROR_MALFORMED},
      {"video/x-vp9, codec_data=(buffer)" RECORD_VP9_360P30, WEIR_CODEC_ERROR_MALFORMED},
      {"video/x-vp9, width=(int)0, height=(int)0, codec_data=(buffer)" RECORD_VP9_360P30,
          WEIR_CODEC_ERROR_MALFORMED},
      {"video/x-vp9, width=(int)-5, height=(int)70000, codec_data=(buffer)" RECORD_VP9_360P30,
          WEIR_CODEC_ERROR_MALFORMED},
      {"audio/mpeg, mpegversion=(int)1, layer=(int)2, codec_data=(buffer)fffd9064",
          WEIR_CODEC_ERROR_UNSUPPORTED},
      {"audio/mpeg, mpegversion=(int)1, layer=(int)3", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"audio/x-ac3, framed=(boolean)true", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"audio/x-eac3, framed=(boolean)true", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"audio/x-opus, channel-mapping-family=(int)0", WEIR_CODEC_ERROR_MALFORMED},
      {"audio/x-opus, streamheader=(buffer)< >", WEIR_CODEC_ERROR_MALFORMED},
      {"audio/x-opus, streamheader=(buffer)< 4f70 >", WEIR_CODEC_ERROR_MALFORMED},
      {"audio/x-flac, framed=(boolean)true", WEIR_CODEC_ERROR_MALFORMED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i].caps);
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_codec_config_from_caps (caps, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, cases[i].code);
  }
}

static void
the_header_of_opus_is_taken_from_where_other_elements_have_it (void)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "audio/x-opus, streamheader=(buffer)< " RECORD_OPUS_5_1 ", 4f70757354616773 >");
  g_autoptr (GBytes) record = test_hex (RECORD_OPUS_5_1);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirCodecConfig) config = weir_codec_config_from_caps (caps, &error);

  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (config->record, record));
}

static void
decoders_find_their_headers (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *headers;
  } cases[] = {
      {WEIR_CODEC_OPUS, RECORD_OPUS_STEREO,
          "< (buffer)" RECORD_OPUS_STEREO ", (buffer)4f707573546167730000000000000000 >"},
      {WEIR_CODEC_FLAC, "664c6143 00000022" STREAMINFO_44100_MONO "84000000",
          "< (buffer)664c6143, (buffer)80000022" STREAMINFO_44100_MONO " >"},
      {WEIR_CODEC_AC3, RECORD_AC3_44100_MONO_96K, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);
    g_autoptr (GstCaps) caps = weir_codec_config_to_caps (config);
    const GValue *value =
        gst_structure_get_value (gst_caps_get_structure (caps, 0), "streamheader");
    g_autofree gchar *headers = value != NULL ? gst_value_serialize (value) : NULL;

    g_assert_cmpstr (headers, ==, cases[i].headers);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/gst/mediacaps/" #name, name)
  ADD (a_configuration_survives_the_way_through_caps);
  ADD (size_and_colour_beside_the_record_survive_too);
  ADD (the_header_of_opus_is_taken_from_where_other_elements_have_it);
  ADD (decoders_find_their_headers);
  ADD (caps_that_tell_no_configuration_are_refused);
  return g_test_run ();
}
