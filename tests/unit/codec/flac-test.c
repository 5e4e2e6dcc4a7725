/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/flac.h"

#include "codecassert.h"

/* ffmpeg -f lavfi -i anullsrc=r=44100:cl=mono -t 0.1 -c:a flac -f data x.bin */
#define FRAME "fff879080011398c000000c40d"

static void
stream_informations_that_are_understood (void)
{
  static const struct {
    const gchar *what, *record;
    guint rate, channels, frame;
  } cases[] = {
      {"mono", RECORD_FLAC_44100_MONO, 44100, 1, 4608},
      {"stereo", RECORD_FLAC_48000_STEREO, 48000, 2, 4608},
      {"5.1", RECORD_FLAC_96000_5_1_24_BITS, 96000, 6, 8192},
      {"blocks of several sizes",
          "664c6143 80000022 0100 1200 000000 000000 0bb80 2f 000000000 "
          "00000000000000000000000000000000",
          48000, 2, 0},
      {"more blocks behind", "664c6143 00000022" STREAMINFO_44100_MONO "84000000", 44100, 1, 4608},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = NULL;

    g_test_message ("%s", cases[i].what);
    config = test_config (WEIR_CODEC_FLAC, cases[i].record);
    g_assert_cmpint (config->kind, ==, WEIR_MEDIA_AUDIO);
    g_assert_cmpstr (config->codecs, ==, "fLaC");
    g_assert_cmpuint (config->rate, ==, cases[i].rate);
    g_assert_cmpuint (config->timescale, ==, cases[i].rate);
    g_assert_cmpuint (config->channels, ==, cases[i].channels);
    g_assert_cmpuint (config->samples_per_frame, ==, cases[i].frame);
  }
}

static void
stream_informations_that_are_refused (void)
{
#define MD5 "00000000000000000000000000000000"
  static const struct {
    const gchar *what, *record;
  } cases[] = {
      {"nothing", ""},
      {"half a marker", "664c"},
      {"another marker", "664c6144 80000022" STREAMINFO_44100_MONO},
      {"nothing but a marker", "664c6143"},
      {"a header alone", "664c6143 80000022"},
      {"a block cut short", "664c6143 80000022 1200120000"},
      {"another block", "664c6143 81000022" STREAMINFO_44100_MONO},
      {"another length", "664c6143 80000023" STREAMINFO_44100_MONO "00"},
      {"rate 0", "664c6143 80000022 1200 1200 000000 000000 00000 2f 000000000" MD5},
      {"blocks of 15 samples", "664c6143 80000022 000f 1200 000000 000000 0bb80 2f 000000000" MD5},
      {"more at least than at most",
          "664c6143 80000022 1201 1200 000000 000000 0bb80 2f 000000000" MD5},
      {"samples of 3 bits", "664c6143 80000022 1200 1200 000000 000000 0bb80 22 000000000" MD5},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_FLAC, cases[i].what, cases[i].record, WEIR_CODEC_ERROR_MALFORMED);
}

static void
the_sample_entry_has_stream_information_alone (void)
{
  static const struct {
    const gchar *record, *entry;
  } cases[] = {
      {"664c6143 00000022" STREAMINFO_44100_MONO "84000000",
          "00000056 664c6143 000000000000 0001 0000000000000000 0001 0010 00000000 ac440000"
          "00000032 64664c61 00000000 80000022" STREAMINFO_44100_MONO},
      /* 96000 does not fit: the half of it */
      {RECORD_FLAC_96000_5_1_24_BITS,
          "00000056 664c6143 000000000000 0001 0000000000000000 0006 0018 00000000 bb800000"
          "00000032 64664c61 00000000 80000022"
          "200020000006640008aa17700b7000017700e014915c7b2fb33e16ea2d8d0a660c4e"},
      /* a prime number has no half */
      {"664c6143 80000022 1200 1200 000000 000000 ffff1 2f 000000000" MD5,
          "00000056 664c6143 000000000000 0001 0000000000000000 0002 0010 00000000 00000000"
          "00000032 64664c61 00000000 80000022"
          "1200 1200 000000 000000 ffff1 2f 000000000" MD5},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_FLAC, cases[i].record);

    assert_sample_entry (config, cases[i].entry);
  }
}

static void
frames_begin_with_a_header (void)
{
  static const struct {
    const gchar *what, *frame;
    gboolean valid, empty;
  } cases[] = {
      {"a frame", FRAME, TRUE, FALSE},
      {"a block size of its own", "fff97908", TRUE, FALSE},
      {"nothing", "", TRUE, TRUE},
      {"half a header", "fff879", FALSE, FALSE},
      {"no sync code", "7ff87908", FALSE, FALSE},
      {"reserved bit behind the sync code", "fffa7908", FALSE, FALSE},
      {"reserved block size", "fff80908", FALSE, FALSE},
      {"forbidden rate", "fff87f08", FALSE, FALSE},
      {"reserved channels", "fff879b8", FALSE, FALSE},
      {"reserved sample size", "fff87906", FALSE, FALSE},
      {"reserved bit at the end", "fff87909", FALSE, FALSE},
      {"the marker of the stream", "664c614380000022", FALSE, FALSE},
  };
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_FLAC, RECORD_FLAC_44100_MONO);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) frame = test_hex (cases[i].frame);
    gsize size;
    const guint8 *data = g_bytes_get_data (frame, &size);
    WeirSampleInfo info = weir_codec_config_inspect_sample (config, data, size);

    g_test_message ("%s", cases[i].what);
    g_assert_cmpint (info.valid, ==, cases[i].valid);
    g_assert_cmpint (info.empty, ==, cases[i].empty);
    g_assert_cmpint (info.keyframe, ==, !cases[i].empty);
  }
}

static void
a_bare_block_gets_marker_and_header (void)
{
  g_autoptr (GBytes) block = test_hex (STREAMINFO_44100_MONO);
  g_autoptr (GBytes) record = weir_flac_make_record (g_bytes_get_data (block, NULL));
  g_autoptr (GBytes) expected = test_hex (RECORD_FLAC_44100_MONO);

  g_assert_cmpuint (g_bytes_get_size (block), ==, WEIR_FLAC_STREAMINFO_SIZE);
  g_assert_true (g_bytes_equal (record, expected));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/flac/" #name, name)
  ADD (stream_informations_that_are_understood);
  ADD (stream_informations_that_are_refused);
  ADD (the_sample_entry_has_stream_information_alone);
  ADD (frames_begin_with_a_header);
  ADD (a_bare_block_gets_marker_and_header);
  return g_test_run ();
}
