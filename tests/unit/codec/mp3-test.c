/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/mp3.h"

#include "codecassert.h"

/* headers of ffmpeg -f lavfi -i sine=r=RATE -af aformat=channel_layouts=LAYOUT -c:a libmp3lame
 * -b:a BITS -write_xing 0 -id3v2_version 0 x.mp3, and the sizes that ffprobe tells of the frames */
#define HEADER_44100_STEREO_128K "fffb9064"
#define HEADER_48000_MONO_64K "fffb54c4"
#define HEADER_22050_STEREO_64K "fff38064"
#define HEADER_8000_MONO_16K "ffe328c4"

static void
headers_that_are_understood (void)
{
  static const struct {
    const gchar *header;
    guint version, rate, channels, bit_rate, samples, size;
  } cases[] = {
      {HEADER_44100_STEREO_128K, 1, 44100, 2, 128000, 1152, 417},
      {"fffb9264", 1, 44100, 2, 128000, 1152, 418}, /* padded */
      {HEADER_48000_MONO_64K, 1, 48000, 1, 64000, 1152, 192},
      {HEADER_22050_STEREO_64K, 2, 22050, 2, 64000, 576, 208},
      {HEADER_8000_MONO_16K, 3, 8000, 1, 16000, 576, 144},
      {"fffbe800", 1, 32000, 2, 320000, 1152, 1440},
      {"fffa9064", 1, 44100, 2, 128000, 1152, 417}, /* with CRC */
      {"fffb0064", 1, 44100, 2, 0, 1152, 0},        /* free format */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GError) error = NULL;
    WeirMp3Header header;

    g_test_message ("%s", cases[i].header);
    g_assert_true (weir_mp3_parse_header (g_bytes_get_data (bytes, NULL), 4, &header, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (header.version, ==, cases[i].version);
    g_assert_cmpuint (header.rate, ==, cases[i].rate);
    g_assert_cmpuint (header.channels, ==, cases[i].channels);
    g_assert_cmpuint (header.bit_rate, ==, cases[i].bit_rate);
    g_assert_cmpuint (header.samples, ==, cases[i].samples);
    g_assert_cmpuint (header.size, ==, cases[i].size);
  }
}

static void
records_that_are_refused (void)
{
  static const struct {
    const gchar *what, *record;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"three bytes", "fffb90", WEIR_CODEC_ERROR_MALFORMED},
      {"no sync word", "ffdb9064", WEIR_CODEC_ERROR_MALFORMED},
      {"reserved version", "ffeb9064", WEIR_CODEC_ERROR_MALFORMED},
      {"reserved layer", "fff99064", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"layer II", "fffd9064", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"layer I", "ffff9064", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"forbidden bit rate", "fffbf064", WEIR_CODEC_ERROR_MALFORMED},
      {"reserved sample rate", "fffb9c64", WEIR_CODEC_ERROR_MALFORMED},
      {"more than a header", "fffb906400", WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_MP3, cases[i].what, cases[i].record, cases[i].code);
}

static void
a_record_says_what_all_frames_have_in_common (void)
{
  static const struct {
    const gchar *header, *record;
  } cases[] = {
      {HEADER_44100_STEREO_128K, RECORD_MP3_44100_STEREO},
      {"fffbb2a4", RECORD_MP3_44100_STEREO}, /* another bit rate, padding, dual channel */
      {"fffa9000", RECORD_MP3_44100_STEREO}, /* CRC, stereo that is not joint */
      {"fffb916c", RECORD_MP3_44100_STEREO}, /* private, copyright */
      {HEADER_48000_MONO_64K, RECORD_MP3_48000_MONO},
      {HEADER_22050_STEREO_64K, "fff30000"},
      {HEADER_8000_MONO_16K, "ffe308c0"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GBytes) expected = test_hex (cases[i].record);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) record =
        weir_mp3_make_record (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);

    g_test_message ("%s", cases[i].header);
    g_assert_no_error (error);
    g_assert_true (g_bytes_equal (record, expected));
  }
}

static void
configurations_name_the_object_type (void)
{
  static const struct {
    const gchar *record;
    guint rate, channels, frame;
    const gchar *caps, *entry;
  } cases[] = {
      {RECORD_MP3_44100_STEREO, 44100, 2, 1152,
          "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, "
          "mpegaudioversion=(int)1, rate=(int)44100, channels=(int)2",
          "00000047 6d703461 000000000000 0001 0000000000000000 0002 0010 00000000 ac440000"
          "00000023 65736473 00000000 03 15 0000 00 04 0d 6b 15 000000 00000000 00000000 06 01 02"},
      {"fff30000", 22050, 2, 576,
          "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, "
          "mpegaudioversion=(int)2, rate=(int)22050, channels=(int)2",
          "00000047 6d703461 000000000000 0001 0000000000000000 0002 0010 00000000 56220000"
          "00000023 65736473 00000000 03 15 0000 00 04 0d 69 15 000000 00000000 00000000 06 01 02"},
      {"ffe308c0", 8000, 1, 576,
          "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, "
          "mpegaudioversion=(int)3, rate=(int)8000, channels=(int)1",
          "00000047 6d703461 000000000000 0001 0000000000000000 0001 0010 00000000 1f400000"
          "00000023 65736473 00000000 03 15 0000 00 04 0d 69 15 000000 00000000 00000000 06 01 02"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_MP3, cases[i].record);
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_assert_cmpstr (config->codecs, ==, "mp4a.40.34");
    g_assert_cmpuint (config->rate, ==, cases[i].rate);
    g_assert_cmpuint (config->timescale, ==, cases[i].rate);
    g_assert_cmpuint (config->channels, ==, cases[i].channels);
    g_assert_cmpuint (config->samples_per_frame, ==, cases[i].frame);
    g_assert_cmpstr (caps, ==, cases[i].caps);
    assert_sample_entry (config, cases[i].entry);
    g_assert_null (weir_codec_config_make_silence (config));
  }
}

static void
frames_are_as_long_as_they_say (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_MP3, RECORD_MP3_48000_MONO);
  guint8 frame[192] = {0xff, 0xfb, 0x54, 0xc4};
  WeirSampleInfo info = weir_codec_config_inspect_sample (config, frame, 192);

  g_assert_true (info.valid && info.keyframe && !info.empty);
  g_assert_false (weir_codec_config_inspect_sample (config, frame, 191).valid);
  g_assert_true (weir_codec_config_inspect_sample (config, NULL, 0).empty);
  frame[2] = 0x04; /* the free format does not say */
  g_assert_true (weir_codec_config_inspect_sample (config, frame, 191).valid);
  frame[0] = 0;
  g_assert_false (weir_codec_config_inspect_sample (config, frame, 192).valid);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/mp3/" #name, name)
  ADD (headers_that_are_understood);
  ADD (records_that_are_refused);
  ADD (a_record_says_what_all_frames_have_in_common);
  ADD (configurations_name_the_object_type);
  ADD (frames_are_as_long_as_they_say);
  return g_test_run ();
}
