/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/adts.h"

#include "records.h"

static void
headers_that_are_understood (void)
{
  /* the first three: ffmpeg -f lavfi -i anullsrc=r=RATE:cl=LAYOUT -c:a aac x.aac */
  static const struct {
    const gchar *what, *header, *record;
    guint rate, header_size, frame_size;
  } cases[] = {
      {"stereo", "fff14c8001bffc", RECORD_AAC_LC_48000_STEREO, 48000, 7, 13},
      {"mono", "fff150400fbffc", "1208", 44100, 7, 125},
      {"5.1", "fff15d8035dffc", "13b0", 22050, 7, 430},
      {"MPEG-2", "fff94c8001bffc", RECORD_AAC_LC_48000_STEREO, 48000, 7, 13},
      {"CRC", "fff04c80015ffc", RECORD_AAC_LC_48000_STEREO, 48000, 9, 10},
      {"Main at 96000", "fff1008001bffc", "0810", 96000, 7, 13},
      {"7.1 at 7350", "fff171c001bffc", "1638", 7350, 7, 13},
      {"a byte of content", "fff14c80011ffc", RECORD_AAC_LC_48000_STEREO, 48000, 7, 8},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GBytes) expected = test_hex (cases[i].record);
    g_autoptr (GBytes) record = NULL;
    g_autoptr (WeirCodecConfig) config = NULL;
    g_autoptr (GError) error = NULL;
    const guint8 *data = g_bytes_get_data (bytes, NULL);
    WeirAdtsHeader header;

    g_test_message ("%s", cases[i].what);
    g_assert_true (weir_adts_is_header (data, 7));
    g_assert_true (weir_adts_parse (data, 7, &header, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (header.rate, ==, cases[i].rate);
    g_assert_cmpuint (header.header_size, ==, cases[i].header_size);
    g_assert_cmpuint (header.frame_size, ==, cases[i].frame_size);
    record = weir_adts_make_record (&header);
    g_assert_true (g_bytes_equal (record, expected));
    config = weir_codec_config_parse (WEIR_CODEC_AAC, record, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (config->rate, ==, header.rate);
  }
}

static void
headers_that_are_refused (void)
{
  static const struct {
    const gchar *what, *header;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"six bytes", "fff14c8001bf", WEIR_CODEC_ERROR_MALFORMED},
      {"no sync word", "ffe14c8001bffc", WEIR_CODEC_ERROR_MALFORMED},
      {"MP3", "fffb906400bffc", WEIR_CODEC_ERROR_MALFORMED},
      {"reserved sample rate", "fff1748001bffc", WEIR_CODEC_ERROR_MALFORMED},
      {"no content", "fff14c8000fffc", WEIR_CODEC_ERROR_MALFORMED},
      {"no content behind the CRC", "fff04c80013ffc", WEIR_CODEC_ERROR_MALFORMED},
      {"a frame of no size", "fff14c80001ffc", WEIR_CODEC_ERROR_MALFORMED},
      {"two raw data blocks", "fff14c8001bffd", WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GError) error = NULL;
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    WeirAdtsHeader header = {.rate = 1};

    g_test_message ("%s", cases[i].what);
    g_assert_false (weir_adts_parse (data, size, &header, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, cases[i].code);
    g_assert_cmpuint (header.rate, ==, 1);
  }
}

static void
channels_in_the_stream_make_no_record (void)
{
  g_autoptr (GBytes) bytes = test_hex ("fff14c0001bffc");
  g_autoptr (GError) error = NULL;
  WeirAdtsHeader header;

  g_assert_true (weir_adts_parse (g_bytes_get_data (bytes, NULL), 7, &header, &error));
  g_assert_cmpuint (header.layout, ==, 0);
  g_assert_null (weir_adts_make_record (&header));
}

static void
raw_frames_and_other_sync_words_are_no_headers (void)
{
  static const gchar *cases[] = {"", "ff", "21100460", "e0ff", "fffb9064", "0b77"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i]);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    g_assert_false (weir_adts_is_header (data, size));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/adts/" #name, name)
  ADD (headers_that_are_understood);
  ADD (headers_that_are_refused);
  ADD (channels_in_the_stream_make_no_record);
  ADD (raw_frames_and_other_sync_words_are_no_headers);
  return g_test_run ();
}
