/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/aac.h"

#include "codecassert.h"

static void
configurations_that_are_understood (void)
{
  static const struct {
    const gchar *what, *record, *codecs;
    guint rate, channels, frame;
  } cases[] = {
      {"LC stereo", RECORD_AAC_LC_48000_STEREO, "mp4a.40.2", 48000, 2, 1024},
      {"LC stereo that says no SBR", RECORD_AAC_LC_48000_STEREO_NO_SBR, "mp4a.40.2", 48000, 2,
          1024},
      {"LC mono that says no SBR", RECORD_AAC_LC_44100_MONO_NO_SBR, "mp4a.40.2", 44100, 1, 1024},
      {"LC 5.1", RECORD_AAC_LC_48000_5_1_NO_SBR, "mp4a.40.2", 48000, 6, 1024},
      {"LC 7.1", "11b8", "mp4a.40.2", 48000, 8, 1024},
      {"Main", "0990", "mp4a.40.1", 48000, 2, 1024},
      {"frames of 960", "1194", "mp4a.40.2", 48000, 2, 960},
      {"core coder delay", "11921f40", "mp4a.40.2", 48000, 2, 1024},
      {"a rate in full", "17802b1110", "mp4a.40.2", 22050, 2, 1024},
      {"HE, hierarchical", RECORD_HE_AAC_48000_STEREO, "mp4a.40.5", 48000, 2, 2048},
      {"HE v2, hierarchical", RECORD_HE_AAC_V2_48000, "mp4a.40.29", 48000, 2, 2048},
      {"HE, backward compatible", "131056e598", "mp4a.40.2", 48000, 2, 2048},
      {"HE v2, backward compatible", "130856e59d4880", "mp4a.40.2", 48000, 2, 2048},
      {"HE at 96 kHz", "29900800", "mp4a.40.5", 96000, 2, 2048},
      {"HE with downsampled SBR", "29918800", "mp4a.40.5", 48000, 2, 1024},
      {"program configuration of 5.1", "118004c8050001088003616263", "mp4a.40.2", 48000, 6, 1024},
      {"something unknown behind", "1190ffffff", "mp4a.40.2", 48000, 2, 1024},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = NULL;

    g_test_message ("%s", cases[i].what);
    config = test_config (WEIR_CODEC_AAC, cases[i].record);
    g_assert_cmpint (config->kind, ==, WEIR_MEDIA_AUDIO);
    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
    g_assert_cmpuint (config->rate, ==, cases[i].rate);
    g_assert_cmpuint (config->timescale, ==, cases[i].rate);
    g_assert_cmpuint (config->channels, ==, cases[i].channels);
    g_assert_cmpuint (config->samples_per_frame, ==, cases[i].frame);
  }
}

static void
configurations_that_are_refused (void)
{
  static const struct {
    const gchar *what, *record;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"one byte", "11", WEIR_CODEC_ERROR_MALFORMED},
      {"rate 0", "1780000010", WEIR_CODEC_ERROR_MALFORMED},
      {"rate 0 by a reserved index", "1690", WEIR_CODEC_ERROR_MALFORMED},
      {"half a rate in full", "1780", WEIR_CODEC_ERROR_MALFORMED},
      {"16 MHz", "17ffffff90", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"1 Hz", "1780000090", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"SBR rate that is no multiple", "2b120800", WEIR_CODEC_ERROR_MALFORMED},
      {"SBR without its core", "2b11", WEIR_CODEC_ERROR_MALFORMED},
      {"xHE-AAC", "f9464000000000", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"low delay", "b99000", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"reserved channel configuration", "11c8", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"program configuration without channels", "118004c000000000", WEIR_CODEC_ERROR_MALFORMED},
      {"program configuration with a comment beyond the end", "118004c8050001088009616263",
          WEIR_CODEC_ERROR_MALFORMED},
      {"program configuration that is not there", "1180", WEIR_CODEC_ERROR_MALFORMED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_AAC, cases[i].what, cases[i].record, cases[i].code);
}

static void
every_audio_frame_is_a_keyframe (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
  const guint8 frame[] = {0x21, 0x10, 0x04};
  WeirSampleInfo info = weir_codec_config_inspect_sample (config, frame, sizeof frame);

  g_assert_true (info.valid && info.keyframe && !info.empty);
  info = weir_codec_config_inspect_sample (config, NULL, 0);
  g_assert_true (info.empty);
}

static void
the_sample_entry_has_descriptors_of_exact_length (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);

  assert_sample_entry (config,
      "0000004b 6d703461 000000000000 0001 0000000000000000 0002 0010 00000000 bb800000"
      "00000027 65736473 00000000"
      "03 19 0000 00"
      "04 11 40 15 000000 00000000 00000000"
      "05 02 1190"
      "06 01 02");
}

static void
a_rate_beyond_16_bits_is_left_to_the_configuration (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AAC, "1010");
  g_auto (WeirWriter) writer = {0};
  const guint8 zero[4] = {0};

  g_assert_cmpuint (config->rate, ==, 96000);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  g_assert_cmpmem (writer.data + 32, 4, zero, 4);
}

static void
a_long_record_gets_a_length_of_two_bytes (void)
{
  g_autoptr (GByteArray) record = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (WeirCodecConfig) config = NULL;
  g_auto (WeirWriter) writer = {0};
  const guint8 start[2] = {0x11, 0x90};
  const guint8 expected[4] = {0x05, 0x81, 0x48, 0x11}; /* 200 bytes */

  g_byte_array_append (record, start, 2);
  g_byte_array_set_size (record, 200);
  memset (record->data + 2, 0, 198);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&record));
  config = weir_codec_config_parse (WEIR_CODEC_AAC, bytes, NULL);
  g_assert_nonnull (config);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  g_assert_cmpmem (writer.data + 36 + 12 + 6 + 16, 4, expected, 4);
  g_assert_cmpuint (writer.size, ==, 36 + 12 + 6 + 16 + 3 + 200 + 3);
}

static void
silence_is_a_frame_of_empty_channels (void)
{
  static const struct {
    const gchar *what, *record, *silence;
  } cases[] = {
      /* in ADTS, ffmpeg decodes them to zeros */
      {"mono", RECORD_AAC_LC_44100_MONO_NO_SBR, "00000007"},
      {"stereo", RECORD_AAC_LC_48000_STEREO, "21000000001c"},
      {"3.0", "1198", "000000010800000000e0"},
      {"4.0", "11a0", "00000001080000000002000007"},
      {"5.0", "11a8", "00000001080000000023000000001c"},
      {"5.1", RECORD_AAC_LC_48000_5_1_NO_SBR, "00000001080000000023000000000c000000e0"},
      {"7.1", "11b8", "000000010800000000230000000004a0000000018000001c"},
      {"HE", RECORD_HE_AAC_48000_STEREO, NULL},
      {"HE, backward compatible", "131056e598", NULL},
      {"Main", "0990", NULL},
      {"channels of a program configuration", "118004c8050001088003616263", NULL},
      {"7.1 of channel configuration 12", "11e0", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AAC, cases[i].record);
    g_autoptr (GBytes) silence = weir_codec_config_make_silence (config);
    g_autoptr (GBytes) expected = NULL;

    g_test_message ("%s", cases[i].what);
    if (cases[i].silence == NULL) {
      g_assert_null (silence);
      continue;
    }
    expected = test_hex (cases[i].silence);
    g_assert_cmpmem (g_bytes_get_data (silence, NULL), g_bytes_get_size (silence),
        g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/aac/" #name, name)
  ADD (configurations_that_are_understood);
  ADD (configurations_that_are_refused);
  ADD (every_audio_frame_is_a_keyframe);
  ADD (the_sample_entry_has_descriptors_of_exact_length);
  ADD (a_rate_beyond_16_bits_is_left_to_the_configuration);
  ADD (silence_is_a_frame_of_empty_channels);
  ADD (a_long_record_gets_a_length_of_two_bytes);
  return g_test_run ();
}
