/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/avc.h"

#include "codecassert.h"

/* what makes parameter sets that no encoder at hand makes */
typedef struct {
  guint8 data[512];
  gsize bits;
} Bits;

static void
put (Bits *bits, guint32 value, guint count)
{
  while (count-- > 0) {
    if (value >> count & 1)
      bits->data[bits->bits / 8] |= (guint8) (0x80 >> bits->bits % 8);
    bits->bits++;
  }
}

static void
put_ue (Bits *bits, guint32 value)
{
  guint length = g_bit_storage (value + 1);

  put (bits, 0, length - 1);
  put (bits, value + 1, length);
}

static void
put_se (Bits *bits, gint32 value)
{
  put_ue (bits, value > 0 ? (guint32) (2 * value - 1) : (guint32) (-2 * value));
}

static void
put_start (Bits *bits, guint profile)
{
  put (bits, 0x67, 8);
  put (bits, profile, 8);
  put (bits, 0, 8);
  put (bits, 31, 8);
  put_ue (bits, 0);
}

/* from log2_max_frame_num to the reference frames, with the simplest picture order */
static void
put_middle (Bits *bits)
{
  put_ue (bits, 0);
  put_ue (bits, 2);
  put_ue (bits, 1);
  put (bits, 0, 1);
}

static gboolean
parse (const Bits *bits, WeirAvcInfo *info, GError **error)
{
  return weir_avc_parse_sps (bits->data, (bits->bits + 7) / 8, info, error);
}

static void
records_of_real_encoders (void)
{
  static const struct {
    const gchar *record;
    const gchar *codecs;
    guint width, height, par_n, par_d, rate_n, rate_d;
    guint chroma, depth;
    gboolean interlaced;
    guint colour; /* code point of all three; 0: none */
    gboolean full_range;
    gint reorder;
  } cases[] = {
      {RECORD_BASELINE_720P30, "avc1.42c01f", 1280, 720, 1, 1, 30, 1, 1, 8, FALSE, 0, FALSE, 0},
      {RECORD_MAIN_480P25, "avc1.4d401e", 854, 480, 1, 1, 25, 1, 1, 8, FALSE, 0, FALSE, 2},
      {RECORD_HIGH_1080P2997_BT709, "avc1.640028", 1920, 1080, 1, 1, 30000, 1001, 1, 8, FALSE, 1,
          FALSE, 2},
      {RECORD_HIGH_576P25_SAR_64_45, "avc1.64001e", 720, 576, 64, 45, 25, 1, 1, 8, FALSE, 0, FALSE,
          2},
      {RECORD_HIGH_1080I25, "avc1.640028", 1920, 1080, 1, 1, 25, 1, 1, 8, TRUE, 0, FALSE, 2},
      {RECORD_HIGH_422_10_1080P50, "avc1.7a002a", 1920, 1080, 1, 1, 50, 1, 2, 10, FALSE, 0, FALSE,
          2},
      {RECORD_HIGH_444_360P24, "avc1.f4001e", 640, 360, 1, 1, 24, 1, 3, 8, FALSE, 0, FALSE, 2},
      {RECORD_HIGH_GREY_322X182, "avc1.64000d", 322, 182, 1, 1, 24, 1, 0, 8, FALSE, 2, TRUE, 2},
      {RECORD_HIGH_360P60_CUSTOM_MATRICES, "avc1.64001f", 640, 360, 1, 1, 60, 1, 1, 8, FALSE, 0,
          FALSE, 2},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AVC, cases[i].record);
    g_autoptr (GError) error = NULL;
    WeirAvcInfo info;
    gsize size;
    const guint8 *data = g_bytes_get_data (config->record, &size);

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

    g_assert_true (weir_avc_parse_record (data, size, &info, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (info.picture.chroma_format, ==, cases[i].chroma);
    g_assert_cmpuint (info.picture.bit_depth_luma, ==, cases[i].depth);
    g_assert_cmpuint (info.picture.bit_depth_chroma, ==, cases[i].depth);
    g_assert_cmpint (info.interlaced, ==, cases[i].interlaced);
    g_assert_cmpint (config->reorder, ==, cases[i].reorder);
    g_assert_cmpint (config->colour != NULL, ==, cases[i].colour != 0);
    if (config->colour != NULL) {
      g_assert_cmpuint (config->colour->primaries, ==, cases[i].colour);
      g_assert_cmpuint (config->colour->transfer, ==, cases[i].colour);
      g_assert_cmpuint (config->colour->matrix, ==, cases[i].colour);
      g_assert_cmpint (config->colour->full_range, ==, cases[i].full_range);
      g_assert_false (config->colour->has_mastering || config->colour->has_light_level);
    }
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
      {"another version",
          "0242c01fffe100196742c01fd9005005bb0110000003001000000303c0f183248001000568"
          "cb83cb20",
          WEIR_CODEC_ERROR_MALFORMED},
      {"lengths of three bytes",
          "0142c01ffee100196742c01fd9005005bb0110000003001000000303c0f18324800"
          "1000568cb83cb20",
          WEIR_CODEC_ERROR_MALFORMED},
      {"no SPS", "0142c01fffe001000568cb83cb20", WEIR_CODEC_ERROR_MALFORMED},
      {"no PPS", "014d401effe10018674d401eeca06c1ef37808800000030080000019078b16cb00",
          WEIR_CODEC_ERROR_MALFORMED},
      {"SPS beyond the end", "014d401effe1ffff674d401eeca06c1ef3780880",
          WEIR_CODEC_ERROR_MALFORMED},
      {"SPS of length 0", "014d401effe1000001000568ebe3cb20", WEIR_CODEC_ERROR_MALFORMED},
      {"a PPS where the SPS should be", "014d401effe1000568ebe3cb2001000568ebe3cb20",
          WEIR_CODEC_ERROR_MALFORMED},
      {"PPS cut short",
          "014d401effe10018674d401eeca06c1ef37808800000030080000019078b16cb010005"
          "68ebe3cb",
          WEIR_CODEC_ERROR_MALFORMED},
      {"SPS that ends after its profile", "014d401effe10004674d401e01000568ebe3cb20",
          WEIR_CODEC_ERROR_MALFORMED},
      {"SPS extension beyond the end",
          "01640028ffe1001a67640028acd94078044fde0220000003002000000643e"
          "2c5b2c001000668fba3cb22c0fdf8f801ffff",
          WEIR_CODEC_ERROR_MALFORMED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (WEIR_CODEC_AVC, cases[i].what, cases[i].record, cases[i].code);
}

static void
a_record_without_the_high_profile_extension_is_taken (void)
{
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AVC,
      "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0");

  g_assert_cmpuint (config->height, ==, 1080);
}

static void
every_cut_of_a_record_is_refused_or_taken_cleanly (void)
{
  g_autoptr (GBytes) whole = test_hex (RECORD_HIGH_1080P2997_BT709);

  for (gsize size = 0; size < g_bytes_get_size (whole); size++) {
    /* copied, so that memory checkers see a read beyond the end */
    g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (whole, NULL), size);
    g_autoptr (GError) error = NULL;
    WeirAvcInfo info = {.picture = {.width = 7}};

    if (!weir_avc_parse_record (copy, size, &info, &error)) {
      g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
      g_assert_cmpuint (info.picture.width, ==, 7);
    } else {
      /* only the extension at its end may be missing */
      g_assert_cmpuint (size, >=, g_bytes_get_size (whole) - 4);
    }
  }
}

static void
scaling_lists_are_skipped (void)
{
  Bits bits = {0};
  WeirAvcInfo info = {0};
  g_autoptr (GError) error = NULL;

  put_start (&bits, 100);
  put_ue (&bits, 1);
  put_ue (&bits, 0);
  put_ue (&bits, 0);
  put (&bits, 0, 1);
  put (&bits, 1, 1);
  /* a list of equal values, one that ends early, absent ones, one of 64 that falls and rises */
  put (&bits, 1, 1);
  for (guint i = 0; i < 16; i++)
    put_se (&bits, i == 0 ? 8 : 0);
  put (&bits, 1, 1);
  put_se (&bits, 4);
  put_se (&bits, -12);
  put (&bits, 0, 4);
  put (&bits, 1, 1);
  for (guint i = 0; i < 64; i++)
    put_se (&bits, i % 2 == 0 ? 100 : -100);
  put (&bits, 1, 1);
  put_se (&bits, -8); /* the default list */
  put_middle (&bits);
  put_ue (&bits, 39);
  put_ue (&bits, 22);
  put (&bits, 1, 1); /* frames only */
  put (&bits, 1, 1);
  put (&bits, 1, 1); /* cropping */
  put_ue (&bits, 0);
  put_ue (&bits, 0);
  put_ue (&bits, 0);
  put_ue (&bits, 4);
  put (&bits, 0, 1);
  put (&bits, 1, 1);
  g_assert_true (parse (&bits, &info, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (info.picture.width, ==, 640);
  g_assert_cmpuint (info.picture.height, ==, 360);
  g_assert_cmpuint (info.picture.frame_rate_n, ==, 0);
  g_assert_cmpuint (info.picture.frame_rate_d, ==, 1);
}

static void
cropping_counts_in_units_of_the_chroma_format (void)
{
  static const struct {
    guint chroma;
    gboolean separate, frames_only;
    guint width, height;
  } cases[] = {
      {0, FALSE, TRUE, 63, 30},
      {0, FALSE, FALSE, 63, 60},
      {1, FALSE, TRUE, 62, 28},
      {1, FALSE, FALSE, 62, 56},
      {2, FALSE, TRUE, 62, 30},
      {2, FALSE, FALSE, 62, 60},
      {3, FALSE, TRUE, 63, 30},
      {3, TRUE, TRUE, 63, 30},
      {3, TRUE, FALSE, 63, 60},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Bits bits = {0};
    WeirAvcInfo info = {0};

    put_start (&bits, 244);
    put_ue (&bits, cases[i].chroma);
    if (cases[i].chroma == 3)
      put (&bits, cases[i].separate, 1);
    put_ue (&bits, 2);
    put_ue (&bits, 0);
    put (&bits, 0, 2);
    put_middle (&bits);
    put_ue (&bits, 3);
    put_ue (&bits, 1);
    put (&bits, cases[i].frames_only, 1);
    put (&bits, 1, cases[i].frames_only ? 1 : 2);
    put (&bits, 1, 1);
    put_ue (&bits, 0);
    put_ue (&bits, 1);
    put_ue (&bits, 1);
    put_ue (&bits, 1);
    put (&bits, 0, 1);
    put (&bits, 1, 1);
    g_assert_true (parse (&bits, &info, NULL));
    g_assert_cmpuint (info.picture.width, ==, cases[i].width);
    g_assert_cmpuint (info.picture.height, ==, cases[i].height);
    g_assert_cmpuint (info.picture.bit_depth_luma, ==, 10);
    g_assert_cmpuint (info.picture.bit_depth_chroma, ==, 8);
  }
}

static void
picture_order_by_a_cycle_is_skipped (void)
{
  Bits bits = {0};
  WeirAvcInfo info = {0};

  put_start (&bits, 77);
  put_ue (&bits, 0);
  put_ue (&bits, 1);
  put (&bits, 0, 1);
  put_se (&bits, -70000);
  put_se (&bits, 3);
  put_ue (&bits, 5);
  for (gint i = 0; i < 5; i++)
    put_se (&bits, i * 1000 - 2000);
  put_ue (&bits, 4);
  put (&bits, 0, 1);
  put_ue (&bits, 19);
  put_ue (&bits, 14);
  put (&bits, 3, 2);
  put (&bits, 0, 2);
  put (&bits, 1, 1);
  g_assert_true (parse (&bits, &info, NULL));
  g_assert_cmpuint (info.picture.width, ==, 320);
  g_assert_cmpuint (info.picture.height, ==, 240);
}

static void
assert_bits_refused (Bits *bits, gint code)
{
  WeirAvcInfo info = {0};
  g_autoptr (GError) error = NULL;

  g_assert_false (parse (bits, &info, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, code);
}

static void
put_picture (Bits *bits, guint width_mbs, guint height_mbs)
{
  put_start (bits, 66);
  put_middle (bits);
  put_ue (bits, width_mbs - 1);
  put_ue (bits, height_mbs - 1);
  put (bits, 3, 2);
}

static void
absurd_values_are_refused (void)
{
  Bits bits = {0};

  put_picture (&bits, 1025, 2);
  put (&bits, 0, 2);
  put (&bits, 1, 1);
  assert_bits_refused (&bits, WEIR_CODEC_ERROR_UNSUPPORTED);

  bits = (Bits){0};
  put_picture (&bits, 0x7fffffff, 0x7fffffff);
  put (&bits, 0, 2);
  put (&bits, 1, 1);
  assert_bits_refused (&bits, WEIR_CODEC_ERROR_UNSUPPORTED);

  /* all of 16 lines cut away */
  bits = (Bits){0};
  put_picture (&bits, 1, 1);
  put (&bits, 1, 1);
  put_ue (&bits, 0);
  put_ue (&bits, 0);
  put_ue (&bits, 4);
  put_ue (&bits, 4);
  put (&bits, 1, 2);
  assert_bits_refused (&bits, WEIR_CODEC_ERROR_MALFORMED);

  /* cropping whose sum would wrap in 32 bits */
  bits = (Bits){0};
  put_picture (&bits, 1, 1);
  put (&bits, 1, 1);
  put_ue (&bits, 0x7fffffff);
  put_ue (&bits, 0x7fffffff);
  put_ue (&bits, 0);
  put_ue (&bits, 0);
  put (&bits, 1, 2);
  assert_bits_refused (&bits, WEIR_CODEC_ERROR_MALFORMED);
}

static void
put_vui (Bits *bits, guint sar_n, guint sar_d, guint32 units, guint32 scale, gboolean fixed)
{
  put_picture (bits, 40, 22);
  put (bits, 0, 1);
  put (bits, 1, 1);
  put (bits, 1, 1);
  put (bits, 255, 8);
  put (bits, sar_n, 16);
  put (bits, sar_d, 16);
  put (bits, 0, 3);
  put (bits, 1, 1);
  put (bits, units, 32);
  put (bits, scale, 32);
  put (bits, fixed, 1);
  put (bits, 1, 8);
}

static void
implausible_timing_and_aspect_are_unknown (void)
{
  static const struct {
    guint sar_n, sar_d;
    guint32 units, scale;
    guint par_n, par_d, rate_n, rate_d;
  } cases[] = {
      {0, 1, 1, 60, 1, 1, 30, 1},
      {1, 0, 0, 60, 1, 1, 0, 1},
      {40, 30, 1, 0, 4, 3, 0, 1},
      {1, 1, 1, 180000, 1, 1, 0, 1},              /* 90 kHz ticks, not frames */
      {1, 1, 0xffffffff, 0xffffffff, 1, 1, 0, 1}, /* half a frame per second, and beyond 32 bits */
      {65535, 1, 1001, 120000, 65535, 1, 60000, 1001},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Bits bits = {0};
    WeirAvcInfo info = {0};

    put_vui (&bits, cases[i].sar_n, cases[i].sar_d, cases[i].units, cases[i].scale, TRUE);
    /* no zeros in a row may stay as they are: put the prevention bytes in */
    {
      Bits escaped = {0};
      guint zeros = 0;

      for (gsize k = 0; k < (bits.bits + 7) / 8; k++) {
        if (zeros >= 2 && bits.data[k] <= 3) {
          put (&escaped, 3, 8);
          zeros = 0;
        }
        put (&escaped, bits.data[k], 8);
        zeros = bits.data[k] == 0 ? zeros + 1 : 0;
      }
      g_assert_true (parse (&escaped, &info, NULL));
    }
    g_assert_cmpuint (info.picture.par_n, ==, cases[i].par_n);
    g_assert_cmpuint (info.picture.par_d, ==, cases[i].par_d);
    g_assert_cmpuint (info.picture.frame_rate_n, ==, cases[i].rate_n);
    g_assert_cmpuint (info.picture.frame_rate_d, ==, cases[i].rate_d);
    g_assert_cmpint (info.fixed_frame_rate, ==, cases[i].rate_n > 0);
  }
}

static void
broken_vui_leaves_the_picture (void)
{
  Bits bits = {0};
  WeirAvcInfo info = {0};

  put_vui (&bits, 4, 3, 1, 60, FALSE);
  bits.bits -= 64; /* in the timing */
  bits.bits -= bits.bits % 8;
  g_assert_true (parse (&bits, &info, NULL));
  g_assert_cmpuint (info.picture.width, ==, 640);
  g_assert_cmpuint (info.picture.par_n, ==, 4);
  g_assert_cmpuint (info.picture.frame_rate_n, ==, 0);
}

static void
samples_say_what_they_are (void)
{
  static const SampleRow cases[] = {
      {"nothing", "", TRUE, TRUE, FALSE},
      {"IDR", "00000003 658884", TRUE, FALSE, TRUE},
      {"IDR behind delimiter, SEI and parameter sets",
          "00000002 09f0 00000004 06050180 00000002 6764 00000002 68ee 00000002 6588", TRUE, FALSE,
          TRUE},
      {"P slices", "00000002 419a 00000002 419b", TRUE, FALSE, FALSE},
      {"B slice that nothing refers to", "00000002 019e", TRUE, FALSE, FALSE},
      {"I slice that is not IDR", "00000002 6188", TRUE, FALSE, FALSE},
      {"data partition", "00000002 4288", TRUE, FALSE, FALSE},
      {"delimiter only", "00000002 09f0", TRUE, TRUE, FALSE},
      {"parameter sets only", "00000002 6764 00000002 68ee", TRUE, TRUE, FALSE},
      {"length beyond the end", "00000003 6588", FALSE, FALSE, FALSE},
      {"huge length", "ffffffff 6588", FALSE, FALSE, FALSE},
      {"length of 0", "00000000 00000002 6588", FALSE, FALSE, FALSE},
      {"half a length behind a slice", "00000002 6588 0000", FALSE, FALSE, FALSE},
      {"Annex B start codes", "00000001 65888400", FALSE, FALSE, FALSE},
  };
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_AVC, RECORD_HIGH_1080I25);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_sample (config, &cases[i]);
}

static void
lengths_of_one_and_two_bytes (void)
{
  g_autoptr (WeirCodecConfig) one = test_config (WEIR_CODEC_AVC,
      "014d401efce10018674d401eeca06c1ef37808800000030080000019078b16cb01000568ebe3cb20");
  g_autoptr (WeirCodecConfig) two = test_config (WEIR_CODEC_AVC,
      "014d401efde10018674d401eeca06c1ef37808800000030080000019078b16cb01000568ebe3cb20");
  g_autoptr (GBytes) short_lengths = test_hex ("02 09f0 03 658884");
  g_autoptr (GBytes) middle_lengths = test_hex ("0002 09f0 0003 658884");
  gsize size;
  const guint8 *data = g_bytes_get_data (short_lengths, &size);
  WeirSampleInfo info = weir_codec_config_inspect_sample (one, data, size);

  g_assert_true (info.valid && info.keyframe);
  g_assert_false (weir_codec_config_inspect_sample (two, data, size).valid);
  data = g_bytes_get_data (middle_lengths, &size);
  info = weir_codec_config_inspect_sample (two, data, size);
  g_assert_true (info.valid && info.keyframe);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/avc/" #name, name)
  ADD (records_of_real_encoders);
  ADD (records_that_are_refused);
  ADD (a_record_without_the_high_profile_extension_is_taken);
  ADD (every_cut_of_a_record_is_refused_or_taken_cleanly);
  ADD (scaling_lists_are_skipped);
  ADD (cropping_counts_in_units_of_the_chroma_format);
  ADD (picture_order_by_a_cycle_is_skipped);
  ADD (absurd_values_are_refused);
  ADD (implausible_timing_and_aspect_are_unknown);
  ADD (broken_vui_leaves_the_picture);
  ADD (samples_say_what_they_are);
  ADD (lengths_of_one_and_two_bytes);
  return g_test_run ();
}
