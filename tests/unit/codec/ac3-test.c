/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/ac3.h"

#include "codecassert.h"

/* headers of ffmpeg -f lavfi -i sine=r=RATE -af aformat=channel_layouts=LAYOUT -c:a ac3 -b:a BITS
 * x.ac3; and of -c:a eac3 x.eac3 */
#define AC3_48000_STEREO_192K "0b77fe95144043e106f46370"
#define AC3_44100_MONO_96K "0b771ef84c402f842be1877b"
#define AC3_32000_5_1_448K "0b77f71a9e40ebf8403e9d5f"
#define EAC3_48000_STEREO_192K "0b77017f3487c00020842108"
#define EAC3_44100_MONO_96K "0b7700cf7287c00021061870"
#define EAC3_32000_5_1_448K "0b77053fbf87c00000040000"

/* as E-AC-3 of 48000, six blocks, each of 32 bytes; type and number, acmod, lfeon */
#define INDEPENDENT_0_5_1 "0b77 000f 3f 8000 00"
#define INDEPENDENT_1_STEREO "0b77 080f 34 8000 00"
/* chanmap: Lrs/Rrs */
#define DEPENDENT_0_REAR "0b77 400f 34 8010 20 00"
#define FILL_8 "0000000000000000"
#define FILL_24 FILL_8 FILL_8 FILL_8

static GBytes *
padded (const gchar *hex, gsize size)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  guint8 *data = g_malloc0 (size);

  /* no bytes have no place, which memcpy() does not take */
  if (g_bytes_get_size (bytes) > 0)
    memcpy (data, g_bytes_get_data (bytes, NULL), MIN (size, g_bytes_get_size (bytes)));
  return g_bytes_new_take (data, size);
}

static void
frames_that_are_understood (void)
{
  static const struct {
    const gchar *what, *header;
    WeirCodec codec;
    WeirAc3Type type;
    guint substream, size, rate, channels, samples;
  } cases[] = {
      {"AC-3 stereo", AC3_48000_STEREO_192K, WEIR_CODEC_AC3, 0, 0, 768, 48000, 2, 1536},
      {"AC-3 mono", AC3_44100_MONO_96K, WEIR_CODEC_AC3, 0, 0, 416, 44100, 1, 1536},
      {"AC-3 mono, one word more", "0b771ef84d402f842be1877b", WEIR_CODEC_AC3, 0, 0, 418, 44100, 1,
          1536},
      {"AC-3 5.1", AC3_32000_5_1_448K, WEIR_CODEC_AC3, 0, 0, 2688, 32000, 6, 1536},
      {"AC-3 of half the rate", "0b77fe95144843e106f46370", WEIR_CODEC_AC3, 0, 0, 768, 24000, 2,
          1536},
      {"E-AC-3 stereo", EAC3_48000_STEREO_192K, WEIR_CODEC_EAC3, 0, 0, 768, 48000, 2, 1536},
      {"E-AC-3 mono", EAC3_44100_MONO_96K, WEIR_CODEC_EAC3, 0, 0, 416, 44100, 1, 1536},
      {"E-AC-3 5.1", EAC3_32000_5_1_448K, WEIR_CODEC_EAC3, 0, 0, 2688, 32000, 6, 1536},
      {"E-AC-3 of one block", "0b77 000f 0f 8000 00", WEIR_CODEC_EAC3, 0, 0, 32, 48000, 6, 256},
      {"another programme", INDEPENDENT_1_STEREO, WEIR_CODEC_EAC3, 0, 1, 32, 48000, 2, 1536},
      {"a dependent substream", DEPENDENT_0_REAR, WEIR_CODEC_EAC3, WEIR_AC3_DEPENDENT, 0, 32, 48000,
          2, 1536},
      {"converted from AC-3", "0b77 800f 34 8000 00", WEIR_CODEC_EAC3, WEIR_AC3_CONVERTED, 0, 32,
          48000, 2, 1536},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GError) error = NULL;
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    WeirAc3Frame frame;

    g_test_message ("%s", cases[i].what);
    g_assert_true (weir_ac3_parse_frame (data, size, &frame, &error));
    g_assert_no_error (error);
    g_assert_cmpint (frame.codec, ==, cases[i].codec);
    g_assert_cmpint (frame.type, ==, cases[i].type);
    g_assert_cmpuint (frame.substream, ==, cases[i].substream);
    g_assert_cmpuint (frame.size, ==, cases[i].size);
    g_assert_cmpuint (frame.rate, ==, cases[i].rate);
    g_assert_cmpuint (frame.channels, ==, cases[i].channels);
    g_assert_cmpuint (frame.samples, ==, cases[i].samples);
  }
}

static void
frames_that_are_refused (void)
{
  static const struct {
    const gchar *what, *header;
    gint code;
  } cases[] = {
      {"nothing", "", WEIR_CODEC_ERROR_MALFORMED},
      {"no sync word", "0b78fe95144043e1", WEIR_CODEC_ERROR_MALFORMED},
      {"bytes swapped", "770b95fe4014e143", WEIR_CODEC_ERROR_MALFORMED},
      {"a sync word alone", "0b77", WEIR_CODEC_ERROR_MALFORMED},
      {"AC-3 cut short", "0b77fe951440", WEIR_CODEC_ERROR_MALFORMED},
      {"AC-3 of a reserved sample rate", "0b77fe95d44043e1", WEIR_CODEC_ERROR_MALFORMED},
      {"AC-3 of a reserved bit rate", "0b77fe95264043e1", WEIR_CODEC_ERROR_MALFORMED},
      {"E-AC-3 cut short", "0b77000f3f80", WEIR_CODEC_ERROR_MALFORMED},
      {"E-AC-3 of a reserved type", "0b77c00f3f800000", WEIR_CODEC_ERROR_MALFORMED},
      {"E-AC-3 of a reduced rate", "0b77000fff800000", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"E-AC-3 shorter than its header", "0b7700013f800000", WEIR_CODEC_ERROR_MALFORMED},
      {"a later version", "0b77000f3f880000", WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].header);
    g_autoptr (GError) error = NULL;
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    WeirAc3Frame frame = {.rate = 1};

    g_test_message ("%s", cases[i].what);
    g_assert_false (weir_ac3_parse_frame (data, size, &frame, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, cases[i].code);
    g_assert_cmpuint (frame.rate, ==, 1);
  }
}

/* of access units, and what ffmpeg writes into MP4 for the real ones */
static void
records_are_made_of_frames (void)
{
  static const struct {
    const gchar *what;
    WeirCodec codec;
    const gchar *unit;
    guint size;
    const gchar *record;
  } cases[] = {
      {"AC-3 stereo", WEIR_CODEC_AC3, AC3_48000_STEREO_192K, 768, RECORD_AC3_48000_STEREO_192K},
      {"AC-3 mono", WEIR_CODEC_AC3, AC3_44100_MONO_96K, 416, RECORD_AC3_44100_MONO_96K},
      {"AC-3 5.1", WEIR_CODEC_AC3, AC3_32000_5_1_448K, 2688, RECORD_AC3_32000_5_1_448K},
      {"E-AC-3 stereo", WEIR_CODEC_EAC3, EAC3_48000_STEREO_192K, 768,
          RECORD_EAC3_48000_STEREO_192K},
      {"E-AC-3 mono", WEIR_CODEC_EAC3, EAC3_44100_MONO_96K, 416, RECORD_EAC3_44100_MONO_96K},
      {"E-AC-3 5.1", WEIR_CODEC_EAC3, EAC3_32000_5_1_448K, 2688, RECORD_EAC3_32000_5_1_448K},
      /* 64 bytes in 1536 samples: 16 kbit/s */
      {"7.1 in two substreams", WEIR_CODEC_EAC3, INDEPENDENT_0_5_1 FILL_24 DEPENDENT_0_REAR, 64,
          "0080 200f 02 02"},
      {"two programmes", WEIR_CODEC_EAC3, INDEPENDENT_0_5_1 FILL_24 INDEPENDENT_1_STEREO FILL_24,
          64, "0081 200f 00 2004 00"},
      {"two times six blocks", WEIR_CODEC_EAC3, INDEPENDENT_0_5_1 FILL_24 INDEPENDENT_0_5_1 FILL_24,
          64, "0040 200f 00"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) unit = padded (cases[i].unit, cases[i].size);
    g_autoptr (GBytes) expected = test_hex (cases[i].record);
    g_autoptr (GBytes) record = NULL;
    g_autoptr (WeirCodecConfig) config = NULL;
    g_autoptr (GError) error = NULL;
    const guint8 *data = g_bytes_get_data (unit, NULL);

    g_test_message ("%s", cases[i].what);
    record = weir_ac3_make_record (cases[i].codec, data, cases[i].size, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (g_bytes_get_data (record, NULL), g_bytes_get_size (record),
        g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
    config = weir_codec_config_parse (cases[i].codec, record, &error);
    g_assert_no_error (error);
    g_assert_true (weir_codec_config_inspect_sample (config, data, cases[i].size).valid);
    g_assert_false (weir_codec_config_inspect_sample (config, data, cases[i].size - 1).valid);
  }
}

static void
units_that_make_no_record (void)
{
  static const struct {
    const gchar *what;
    WeirCodec codec;
    const gchar *unit;
    guint size;
    gint code;
  } cases[] = {
      {"nothing", WEIR_CODEC_EAC3, "", 0, WEIR_CODEC_ERROR_MALFORMED},
      {"E-AC-3 as AC-3", WEIR_CODEC_AC3, EAC3_48000_STEREO_192K, 768, WEIR_CODEC_ERROR_UNSUPPORTED},
      {"AC-3 as E-AC-3", WEIR_CODEC_EAC3, AC3_48000_STEREO_192K, 768, WEIR_CODEC_ERROR_UNSUPPORTED},
      {"a syncframe cut short", WEIR_CODEC_EAC3, INDEPENDENT_0_5_1, 31, WEIR_CODEC_ERROR_MALFORMED},
      {"something behind", WEIR_CODEC_EAC3, INDEPENDENT_0_5_1, 48, WEIR_CODEC_ERROR_MALFORMED},
      {"a dependent substream in front", WEIR_CODEC_EAC3, DEPENDENT_0_REAR, 32,
          WEIR_CODEC_ERROR_MALFORMED},
      {"the second programme alone", WEIR_CODEC_EAC3, INDEPENDENT_1_STEREO, 32,
          WEIR_CODEC_ERROR_MALFORMED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) unit = padded (cases[i].unit, cases[i].size);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", cases[i].what);
    g_assert_null (weir_ac3_make_record (
        cases[i].codec, g_bytes_get_data (unit, NULL), cases[i].size, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, cases[i].code);
  }
}

/* bsmod stands behind the mixing metadata; 101 each time */
static void
metadata_in_front_of_the_mode_of_the_stream (void)
{
  static const struct {
    const gchar *what, *bits;
  } cases[] = {
  /* sync word; type, substream, size, rate, blocks, acmod, lfeon, bsid, dialnorm, compre */
#define START "0000101101110111 00 000 00000011111 00 11 "
      {"none", START "010 0 10000 00000 0  0  1 101"},
      {"compression", START "010 0 10000 00000 1 11111111  0  1 101"},
      {"dual mono", START "000 0 10000 00000 0 00000 1 11111111  0  1 101"},
      {"mixing, empty", START "010 0 10000 00000 0  1 0 0 00 0  1 101"},
      {"mixing of 5.1", START
          "111 1 10000 00000 0  1 11 111111 111111 1 11111 1 111111 1 111111 01 11111 0  1 101"},
      {"mixing of mono", START "001 0 10000 00000 0  1 0 0 10 111111111111 1 11111111111111 0  "
                               "1 101"},
      {"mixing of dual mono", START
          "000 0 10000 00000 0 00000 0  1 1 111111 1 111111 0 00 1 11111111111111 0 0  1 101"},
      {"mixing of a length", START "010 0 10000 00000 0  1 0 0 11 00000 1111111111111111 0  1 101"},
      {"mixing of each block",
          START "010 0 10000 00000 0  1 0 0 00 1 1 11111 0 1 11111 0 0 0  1 101"},
      {"mixing of the only block", "0000101101110111 00 000 00000011111 00 00 "
                                   "010 0 10000 00000 0  1 0 0 00 1 11111  1 101"},
      {"mixing of a converted one", "0000101101110111 10 000 00000011111 00 11 "
                                    "010 0 10000 00000 0  1  1 101"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint8 data[64] = {0};
    WeirAc3Frame frame;
    guint position = 0;

    g_test_message ("%s", cases[i].what);
    for (const gchar *bit = cases[i].bits; *bit != '\0'; bit++) {
      if (*bit == '1')
        data[position / 8] |= (guint8) (0x80 >> position % 8);
      position += *bit != ' ';
    }
    g_assert_true (weir_ac3_parse_frame (data, sizeof data, &frame, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (frame.bsmod, ==, 5);
  }
}

static void
configurations_that_are_understood (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *codecs;
    guint rate, channels;
    const gchar *entry;
  } cases[] = {
      {WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K, "ac-3", 48000, 2,
          "0000002f 61632d33 000000000000 0001 0000000000000000 0002 0010 00000000 bb800000"
          "0000000b 64616333 101140"},
      {WEIR_CODEC_AC3, RECORD_AC3_44100_MONO_96K, "ac-3", 44100, 1, NULL},
      {WEIR_CODEC_AC3, RECORD_AC3_32000_5_1_448K, "ac-3", 32000, 6, NULL},
      {WEIR_CODEC_AC3, "121140", "ac-3", 24000, 2, NULL},
      {WEIR_CODEC_EAC3, RECORD_EAC3_48000_STEREO_192K, "ec-3", 48000, 2,
          "00000031 65632d33 000000000000 0001 0000000000000000 0002 0010 00000000 bb800000"
          "0000000d 64656333 0600200400"},
      {WEIR_CODEC_EAC3, RECORD_EAC3_44100_MONO_96K, "ec-3", 44100, 1, NULL},
      {WEIR_CODEC_EAC3, RECORD_EAC3_32000_5_1_448K, "ec-3", 32000, 6, NULL},
      {WEIR_CODEC_EAC3, "0080 200f 02 02", "ec-3", 48000, 8, NULL},
      {WEIR_CODEC_EAC3, "0080 200f 03 ff", "ec-3", 48000, 6 + 14, NULL},
      {WEIR_CODEC_EAC3, "0081 200f 00 2004 00", "ec-3", 48000, 6, NULL},
      /* with the extension for objects behind */
      {WEIR_CODEC_EAC3, "0600 200f 00 0110", "ec-3", 48000, 6, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (cases[i].codec, cases[i].record);

    g_assert_cmpstr (config->codecs, ==, cases[i].codecs);
    g_assert_cmpuint (config->rate, ==, cases[i].rate);
    g_assert_cmpuint (config->timescale, ==, cases[i].rate);
    g_assert_cmpuint (config->channels, ==, cases[i].channels);
    g_assert_cmpuint (config->samples_per_frame, ==, 1536);
    g_assert_null (weir_codec_config_make_silence (config));
    if (cases[i].entry != NULL) {

      assert_sample_entry (config, cases[i].entry);
    }
  }
}

static void
configurations_that_are_refused (void)
{
  static const struct {
    const gchar *what;
    WeirCodec codec;
    const gchar *record;
    gint code;
  } cases[] = {
      {"no dac3", WEIR_CODEC_AC3, "", WEIR_CODEC_ERROR_MALFORMED},
      {"two bytes of dac3", WEIR_CODEC_AC3, "1011", WEIR_CODEC_ERROR_MALFORMED},
      {"dac3 of a reserved rate", WEIR_CODEC_AC3, "d01140", WEIR_CODEC_ERROR_MALFORMED},
      {"dac3 of E-AC-3", WEIR_CODEC_AC3, "201140", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"no dec3", WEIR_CODEC_EAC3, "", WEIR_CODEC_ERROR_MALFORMED},
      {"dec3 without substreams", WEIR_CODEC_EAC3, "0600", WEIR_CODEC_ERROR_MALFORMED},
      {"dec3 without its locations", WEIR_CODEC_EAC3, "0600200f02", WEIR_CODEC_ERROR_MALFORMED},
      {"dec3 without its second programme", WEIR_CODEC_EAC3, "0601200f00",
          WEIR_CODEC_ERROR_MALFORMED},
      {"dec3 of a reduced rate", WEIR_CODEC_EAC3, "0600e00400", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"dec3 of AC-3", WEIR_CODEC_EAC3, "0600100400", WEIR_CODEC_ERROR_UNSUPPORTED},
      {"dec3 of a later version", WEIR_CODEC_EAC3, "0600220400", WEIR_CODEC_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].codec, cases[i].what, cases[i].record, cases[i].code);
}

static void
units_that_go_on_with_a_record (void)
{
  static const struct {
    const gchar *what;
    WeirCodec codec;
    const gchar *record, *unit;
    guint size;
    gboolean continues;
  } cases[] = {
      {"the same", WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K, AC3_48000_STEREO_192K, 768, TRUE},
      {"another bit rate", WEIR_CODEC_AC3, "101020", AC3_48000_STEREO_192K, 768, TRUE},
      {"other channels", WEIR_CODEC_AC3, "103d40", AC3_48000_STEREO_192K, 768, FALSE},
      {"another rate", WEIR_CODEC_AC3, "501140", AC3_48000_STEREO_192K, 768, FALSE},
      {"without LFE", WEIR_CODEC_AC3, "101540", AC3_48000_STEREO_192K, 768, FALSE},
      {"E-AC-3", WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K, EAC3_48000_STEREO_192K, 768, FALSE},
      {"the same", WEIR_CODEC_EAC3, RECORD_EAC3_48000_STEREO_192K, EAC3_48000_STEREO_192K, 768,
          TRUE},
      {"another bit rate", WEIR_CODEC_EAC3, "0618 200f 00", INDEPENDENT_0_5_1, 32, TRUE},
      {"other channels", WEIR_CODEC_EAC3, "0080 2004 00", INDEPENDENT_0_5_1, 32, FALSE},
      {"cut short", WEIR_CODEC_EAC3, "0080 200f 00", INDEPENDENT_0_5_1, 31, FALSE},
      {"nothing", WEIR_CODEC_EAC3, "0080 200f 00", "", 0, FALSE},
      {"7.1", WEIR_CODEC_EAC3, "0080 200f 02 02", INDEPENDENT_0_5_1 FILL_24 DEPENDENT_0_REAR, 64,
          TRUE},
      {"other rear channels", WEIR_CODEC_EAC3, "0080 200f 02 04",
          INDEPENDENT_0_5_1 FILL_24 DEPENDENT_0_REAR, 64, FALSE},
      {"no more rear channels", WEIR_CODEC_EAC3, "0080 200f 02 02", INDEPENDENT_0_5_1, 32, FALSE},
      {"rear channels now", WEIR_CODEC_EAC3, "0080 200f 00",
          INDEPENDENT_0_5_1 FILL_24 DEPENDENT_0_REAR, 64, FALSE},
      {"one programme more", WEIR_CODEC_EAC3, "0080 200f 00",
          INDEPENDENT_0_5_1 FILL_24 INDEPENDENT_1_STEREO FILL_24, 64, FALSE},
      {"one programme less", WEIR_CODEC_EAC3, "0081 200f 00 2004 00", INDEPENDENT_0_5_1, 32, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) record = test_hex (cases[i].record);
    g_autoptr (GBytes) unit = padded (cases[i].unit, cases[i].size);

    g_test_message ("%s: %s", weir_codec_get_name (cases[i].codec), cases[i].what);
    g_assert_cmpint (
        weir_ac3_continues (cases[i].codec, record, g_bytes_get_data (unit, NULL), cases[i].size),
        ==, cases[i].continues);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/ac3/" #name, name)
  ADD (frames_that_are_understood);
  ADD (frames_that_are_refused);
  ADD (records_are_made_of_frames);
  ADD (units_that_make_no_record);
  ADD (metadata_in_front_of_the_mode_of_the_stream);
  ADD (configurations_that_are_understood);
  ADD (configurations_that_are_refused);
  ADD (units_that_go_on_with_a_record);
  return g_test_run ();
}
