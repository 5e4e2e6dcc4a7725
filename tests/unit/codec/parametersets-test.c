/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/parametersets.h"

#include "records.h"

#include <string.h>

/* ids 1 and 0 */
#define PPS_1 "6840"
#define PPS_0 "6880"
#define SPS_1080I25 "67640028acd94078044fde0220000003002000000643e2c5b2c0"
#define PPS_1080I25 "68fba3cb22c0"
#define SPS_422_10 "677a002ab6cd940780227e270110000003001000000640f1831960"
#define PPS_422_10 "68ebe3cb22c0"
/* of 16x16 pixels, 10 bits of luma and 8 of chroma */
#define SPS_10_8 "67640028a72d3c80"
/* HEVC_PPS with another end */
#define HEVC_PPS_OTHER "4401c172b46248"

/* RECORD_HEVC_MAIN_720P30 up to its PPS */
#define HEVC_RECORD_HEAD                                                                     \
  "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003" \
  "000003005d959809a10001002b42010101600000030090000003000003005da00280802d165959a4932bc05a" \
  "020000030002000003003c10a200010007"

static gboolean
take (WeirParameterSets *sets, const gchar *hex, GError **error)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  /* of exactly this size, and gone afterwards */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  WeirNal nal = {.data = copy, .size = size};

  return weir_parameter_sets_take (sets, &nal, error);
}

/* @hex: units with blanks between them */
static void
take_all (WeirParameterSets *sets, const gchar *hex)
{
  g_auto (GStrv) units = g_strsplit (hex, " ", -1);

  for (guint i = 0; units[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (take (sets, units[i], &error));
    g_assert_no_error (error);
  }
}

static void
load (WeirParameterSets *sets, const gchar *hex)
{
  g_autoptr (GBytes) record = test_hex (hex);

  weir_parameter_sets_load (sets, record);
}

/* @hex: (nullable): NULL: there is none to be made */
static void
assert_record (WeirParameterSets *sets, const gchar *hex)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) record = weir_parameter_sets_make_record (sets, &error);
  g_autoptr (GBytes) expected = NULL;

  if (hex == NULL) {
    g_assert_null (record);
    g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
    return;
  }
  g_assert_no_error (error);
  expected = test_hex (hex);
  g_assert_cmpmem (g_bytes_get_data (record, NULL), g_bytes_get_size (record),
      g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
a_record_is_made_of_what_waits_and_what_goes_on (void)
{
  static const struct {
    const gchar *what;
    WeirCodec codec;
    const gchar *old; /* (nullable) */
    const gchar *taken;
    gboolean waiting;
    const gchar *made; /* (nullable) */
  } cases[] = {
      {"nothing", WEIR_CODEC_AVC, NULL, "", FALSE, NULL},
      {"no PPS", WEIR_CODEC_AVC, NULL, SPS_720, TRUE, NULL},
      {"no SPS", WEIR_CODEC_AVC, NULL, PPS_720, TRUE, NULL},
      {"both", WEIR_CODEC_AVC, NULL, SPS_720 " " PPS_720, TRUE, RECORD_BASELINE_720P30},
      {"in another order", WEIR_CODEC_AVC, NULL, PPS_720 " " SPS_720, TRUE, RECORD_BASELINE_720P30},
      {"twice", WEIR_CODEC_AVC, NULL, SPS_720 " " PPS_720 " " SPS_720 " " PPS_720, TRUE,
          RECORD_BASELINE_720P30},
      {"the later one of an identifier", WEIR_CODEC_AVC, NULL, SPS_480 " " PPS_720 " " SPS_720,
          TRUE, RECORD_BASELINE_720P30},
      {"interlaced", WEIR_CODEC_AVC, NULL, SPS_1080I25 " " PPS_1080I25, TRUE, RECORD_HIGH_1080I25},
      {"of other format", WEIR_CODEC_AVC, NULL, SPS_422_10 " " PPS_422_10, TRUE,
          RECORD_HIGH_422_10_1080P50},
      {"of two bit depths", WEIR_CODEC_AVC, NULL, SPS_10_8 " " PPS_0, TRUE,
          "01640028ffe10008" SPS_10_8 "010002" PPS_0 "fdfaf800"},
      {"what the record has", WEIR_CODEC_AVC, RECORD_BASELINE_720P30, PPS_720 " " SPS_720, FALSE,
          RECORD_BASELINE_720P30},
      {"another SPS", WEIR_CODEC_AVC, RECORD_BASELINE_720P30, SPS_480, TRUE,
          "014d401effe10018" SPS_480 "010005" PPS_720},
      {"another SPS and back", WEIR_CODEC_AVC, RECORD_BASELINE_720P30, SPS_480 " " SPS_720, FALSE,
          RECORD_BASELINE_720P30},
      {"another identifier", WEIR_CODEC_AVC, RECORD_BASELINE_720P30, PPS_1, TRUE,
          "0142c01fffe10019" SPS_720 "02 0002" PPS_1 "0005" PPS_720},
      {"two, and one of them back", WEIR_CODEC_AVC, RECORD_BASELINE_720P30,
          PPS_1 " " PPS_0 " " PPS_720, TRUE,
          "0142c01fffe10019" SPS_720 "02 0002" PPS_1 "0005" PPS_720},
      {"HEVC without VPS", WEIR_CODEC_HEVC, NULL, HEVC_SPS " " HEVC_PPS, TRUE, NULL},
      {"HEVC without SPS", WEIR_CODEC_HEVC, NULL, HEVC_VPS " " HEVC_PPS, TRUE, NULL},
      {"HEVC without PPS", WEIR_CODEC_HEVC, NULL, HEVC_VPS " " HEVC_SPS, TRUE, NULL},
      {"HEVC", WEIR_CODEC_HEVC, NULL, HEVC_VPS " " HEVC_SPS " " HEVC_PPS, TRUE,
          RECORD_HEVC_MAIN_720P30},
      {"what the record of HEVC has", WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30,
          HEVC_PPS " " HEVC_SPS " " HEVC_VPS, FALSE, RECORD_HEVC_MAIN_720P30},
      {"another PPS of HEVC", WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30, HEVC_PPS_OTHER, TRUE,
          HEVC_RECORD_HEAD HEVC_PPS_OTHER},
      {"messages of a record go on", WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_10_HDR_1080P2997, HEVC_PPS,
          FALSE, RECORD_HEVC_MAIN_10_HDR_1080P2997},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (cases[i].codec);

    g_test_message ("%s", cases[i].what);
    if (cases[i].old != NULL)
      load (sets, cases[i].old);
    take_all (sets, cases[i].taken);
    g_assert_cmpint (weir_parameter_sets_are_waiting (sets), ==, cases[i].waiting);
    assert_record (sets, cases[i].made);
  }
}

static void
what_is_forgotten_waits_no_longer (void)
{
  g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (WEIR_CODEC_AVC);

  load (sets, RECORD_BASELINE_720P30);
  take_all (sets, SPS_480);
  weir_parameter_sets_forget (sets);
  g_assert_false (weir_parameter_sets_are_waiting (sets));
  assert_record (sets, RECORD_BASELINE_720P30);
}

static void
a_record_takes_the_place_of_everything (void)
{
  g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (WEIR_CODEC_AVC);

  load (sets, RECORD_BASELINE_720P30);
  take_all (sets, PPS_1);
  load (sets, RECORD_MAIN_480P25);
  g_assert_false (weir_parameter_sets_are_waiting (sets));
  assert_record (sets, RECORD_MAIN_480P25);
}

static void
parameter_sets_are_told_by_type_and_layer (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *nal;
    gboolean is_one;
  } cases[] = {
      {WEIR_CODEC_AVC, "67", TRUE},
      {WEIR_CODEC_AVC, "27", TRUE},
      {WEIR_CODEC_AVC, "68", TRUE},
      {WEIR_CODEC_AVC, "65", FALSE},
      {WEIR_CODEC_AVC, "06", FALSE},
      {WEIR_CODEC_AVC, "09", FALSE},
      {WEIR_CODEC_HEVC, "4001", TRUE},
      {WEIR_CODEC_HEVC, "4201", TRUE},
      {WEIR_CODEC_HEVC, "4401", TRUE},
      {WEIR_CODEC_HEVC, "3e01", FALSE},
      {WEIR_CODEC_HEVC, "4601", FALSE},
      {WEIR_CODEC_HEVC, "2601", FALSE},
      {WEIR_CODEC_HEVC, "4e01", FALSE},
      {WEIR_CODEC_HEVC, "4209", FALSE},
      {WEIR_CODEC_HEVC, "4301", FALSE},
      {WEIR_CODEC_HEVC, "42", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].nal);
    WeirNal nal;

    g_test_message ("%s %s", weir_codec_get_name (cases[i].codec), cases[i].nal);
    nal.data = g_bytes_get_data (bytes, &nal.size);
    g_assert_cmpint (weir_parameter_sets_is_one (cases[i].codec, &nal), ==, cases[i].is_one);
  }
}

static void
a_set_without_a_possible_identifier_is_refused (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *nal;
    gboolean taken;
  } cases[] = {
      {WEIR_CODEC_AVC, "67", FALSE}, {WEIR_CODEC_AVC, "6742c01f", FALSE},
      {WEIR_CODEC_AVC, "6742c01f0400", TRUE},  /* 31 */
      {WEIR_CODEC_AVC, "6742c01f0420", FALSE}, /* 32 */
      {WEIR_CODEC_AVC, "68", FALSE}, {WEIR_CODEC_AVC, "6800", FALSE},
      {WEIR_CODEC_AVC, "68008000", TRUE},                                    /* 255 */
      {WEIR_CODEC_AVC, "68008080", FALSE},                                   /* 256 */
      {WEIR_CODEC_HEVC, "4001", FALSE}, {WEIR_CODEC_HEVC, "4001f0", TRUE},   /* 15 */
      {WEIR_CODEC_HEVC, "42010101", FALSE},                                  /* is read whole */
      {WEIR_CODEC_HEVC, "4401", FALSE}, {WEIR_CODEC_HEVC, "44010200", TRUE}, /* 63 */
      {WEIR_CODEC_HEVC, "44010208", FALSE},                                  /* 64 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (cases[i].codec);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", cases[i].nal);
    g_assert_cmpint (take (sets, cases[i].nal, &error), ==, cases[i].taken);
    if (!cases[i].taken)
      g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
    g_assert_cmpint (weir_parameter_sets_are_waiting (sets), ==, cases[i].taken);
  }
}

/* a PPS of @size with the identifier @id, 0 to 2 */
static gboolean
take_long (WeirParameterSets *sets, gsize size, guint id, GError **error)
{
  static const guint8 heads[] = {0x80, 0x40, 0x60};
  g_autofree guint8 *data = g_malloc (size);
  WeirNal nal = {.data = data, .size = size};

  memset (data, 0x55, size);
  data[0] = 0x68;
  data[1] = heads[id];
  return weir_parameter_sets_take (sets, &nal, error);
}

static void
no_more_waits_than_a_record_holds (void)
{
  g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (WEIR_CODEC_AVC);
  gsize half = WEIR_CODEC_RECORD_SIZE_MAX / 2;
  g_autoptr (GError) error = NULL;

  /* of a size that no record has room for */
  g_assert_false (take_long (sets, G_MAXUINT16 + 1, 0, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_clear_error (&error);
  g_assert_false (weir_parameter_sets_are_waiting (sets));

  g_assert_true (take_long (sets, half, 0, NULL));
  g_assert_true (take_long (sets, half, 1, NULL));
  g_assert_false (take_long (sets, 2, 2, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  /* what is forgotten leaves its room */
  weir_parameter_sets_forget (sets);
  g_assert_true (take_long (sets, half, 0, NULL));
  g_assert_true (take_long (sets, half, 1, NULL));
}

static void
what_is_replaced_or_goes_back_leaves_its_room (void)
{
  g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (WEIR_CODEC_AVC);
  gsize third = WEIR_CODEC_RECORD_SIZE_MAX / 3;

  load (sets, RECORD_BASELINE_720P30);
  for (guint i = 0; i < 10; i++) {
    g_assert_true (take_long (sets, third + i % 2, 0, NULL));
    take_all (sets, PPS_720 " " PPS_1);
    g_assert_true (take_long (sets, third - i % 2, 0, NULL));
    g_assert_true (take_long (sets, third + i % 2, 0, NULL));
  }
}

static void
a_broken_record_is_taken_as_far_as_it_goes (void)
{
  static const WeirCodec codecs[] = {WEIR_CODEC_AVC, WEIR_CODEC_HEVC};
  static const gchar *const records[] = {RECORD_BASELINE_720P30, RECORD_HEVC_MAIN_720P30};

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    g_autoptr (GBytes) whole = test_hex (records[i]);
    gsize size = g_bytes_get_size (whole);

    for (gsize cut = 0; cut < size; cut++) {
      g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (codecs[i]);
      g_autoptr (GBytes) record = g_bytes_new (g_bytes_get_data (whole, NULL), cut);

      weir_parameter_sets_load (sets, record);
      assert_record (sets, NULL);
      /* the rest of it from the stream */
      take_all (sets,
          codecs[i] == WEIR_CODEC_AVC ? SPS_720 " " PPS_720 : HEVC_VPS " " HEVC_SPS " " HEVC_PPS);
      assert_record (sets, records[i]);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/parametersets/" #name, name)
  ADD (a_record_is_made_of_what_waits_and_what_goes_on);
  ADD (what_is_forgotten_waits_no_longer);
  ADD (a_record_takes_the_place_of_everything);
  ADD (parameter_sets_are_told_by_type_and_layer);
  ADD (a_set_without_a_possible_identifier_is_refused);
  ADD (no_more_waits_than_a_record_holds);
  ADD (what_is_replaced_or_goes_back_leaves_its_room);
  ADD (a_broken_record_is_taken_as_far_as_it_goes);
  return g_test_run ();
}
