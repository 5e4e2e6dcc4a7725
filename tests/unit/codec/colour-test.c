/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

#include "records.h"

static void
text_says_all_of_it (void)
{
  static const gchar *const texts[] = {
      "1:1:1:0",
      "2:2:2:1",
      "255:255:255:1",
      "9:16:9:0//1000:400",
      "9:16:9:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50",
      "9:16:9:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50/0:0",
      "0:0:0:0/65535:65535:65535:65535:65535:65535:65535:65535:4294967295:0/65535:65535",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree gchar *again = NULL;
    WeirColour colour;

    g_assert_true (weir_colour_from_text (texts[i], &colour));
    again = weir_colour_to_text (&colour);
    g_assert_cmpstr (again, ==, texts[i]);
  }
}

static void
other_text_is_refused (void)
{
  static const gchar *const texts[] = {"", "/", "1:1:1", "1:1:1:0:0", "1:1:1:2", "1:1:256:0",
      "1:1:-1:0", "1:1: 1:0", "1:1:1:0/", "1:1:1:0//", "1:1:1:0//1", "1:1:1:0//1:65536",
      "1:1:1:0/1:2:3:4:5:6:7:8:9", "1:1:1:0/1:2:3:4:5:6:7:8:9:10:11",
      "1:1:1:0/65536:2:3:4:5:6:7:8:9:10", "1:1:1:0//1:1/"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    WeirColour colour = {.primaries = 77};

    g_test_message ("%s", texts[i]);
    g_assert_false (weir_colour_from_text (texts[i], &colour));
    g_assert_cmpuint (colour.primaries, ==, 77);
  }
}

static void
a_configuration_takes_colour_and_gives_it_back (void)
{
  g_autoptr (WeirCodecConfig) plain = test_config (WEIR_CODEC_AVC, RECORD_HIGH_1080P2997_BT709);
  g_autoptr (WeirCodecConfig) other = NULL;
  g_autoptr (WeirCodecConfig) again = NULL;
  WeirColour colour;

  g_assert_true (weir_colour_from_text ("9:18:9:0//1000:400", &colour));
  other = weir_codec_config_with_colour (plain, &colour);
  g_assert_false (weir_codec_config_equal (plain, other));
  g_assert_cmpuint (other->colour->transfer, ==, 18);
  g_assert_cmpstr (other->codecs, ==, plain->codecs);
  again = weir_codec_config_with_colour (other, NULL);
  g_assert_true (weir_codec_config_equal (plain, again));
}

static void
a_configuration_takes_a_size (void)
{
  g_autoptr (WeirCodecConfig) plain = test_config (WEIR_CODEC_VP9, RECORD_VP9_BT709);
  g_autoptr (WeirCodecConfig) sized = weir_codec_config_with_size (plain, 320, 180);
  g_autoptr (WeirCodecConfig) same = weir_codec_config_with_size (plain, 320, 180);
  g_autoptr (WeirCodecConfig) coloured = weir_codec_config_with_colour (sized, NULL);

  g_assert_cmpuint (sized->width, ==, 320);
  g_assert_cmpuint (sized->height, ==, 180);
  g_assert_cmpuint (sized->colour->primaries, ==, 1);
  g_assert_false (weir_codec_config_equal (plain, sized));
  g_assert_true (weir_codec_config_equal (same, sized));
  g_assert_true (weir_codec_config_equal (coloured, sized));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/colour/" #name, name)
  ADD (text_says_all_of_it);
  ADD (other_text_is_refused);
  ADD (a_configuration_takes_colour_and_gives_it_back);
  ADD (a_configuration_takes_a_size);
  return g_test_run ();
}
