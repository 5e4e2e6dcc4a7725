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
      {WEIR_CODEC_AAC, RECORD_HE_AAC_V2_48000, WEIR_AUDIO_CAPS},
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
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i].caps);
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_codec_config_from_caps (caps, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, cases[i].code);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/gst/mediacaps/" #name, name)
  ADD (a_configuration_survives_the_way_through_caps);
  ADD (caps_that_tell_no_configuration_are_refused);
  return g_test_run ();
}
