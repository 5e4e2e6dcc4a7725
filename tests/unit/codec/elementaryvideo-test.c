/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementaryaudio.h"
#include "codec/elementaryvideo.h"
#include "codec/parametersets.h"

#include "records.h"

#include <string.h>

#define LENGTH_SPS_720 "00000019" SPS_720
#define LENGTH_PPS_720 "00000005" PPS_720
#define LENGTH_SPS_480 "00000018" SPS_480
#define LENGTH_PPS_480 "00000005" PPS_480
#define CODE "00000001"
#define IDR "00000003 658884"
#define SLICE "00000003 419a24"

#define VP9_KEY_640X360 "824983420027f016760638241c184a1007505f7e97e6fcdf"
#define VP9_KEY_320X180 "824983420013f00b361038241c186c0004c07fd1fa34fcef"
#define VP9_KEY_422_10 "b124c1a106009f8059b031c120e0c2c00050805f5ff93f27"
#define VP9_INTER "860040929c485001000b007d234a3a2948a4af8a4a16775e"
#define VP8_KEY_322X182 "3059009d012a4201b600000708858588858488020203117c"
#define VP8_INTER "1107000610ac00188c2183ec408bf8e1c07e3dddb769f6c4"

#define AV1_SEQUENCE "0a0b0000000cc4ff6700be0010" /* RECORD_AV1_SVT_360P30 */
#define AV1_SEQUENCE_RGB "0a0d2000000cc4ff6736be48086801"
#define AV1_KEY "320210ff"
#define AV1_INTER "320230ff"

/* takes @hex and compares the unit with what is expected */
#define TAKE(stream, hex, ...) take (stream, hex, (Expected){__VA_ARGS__}, __LINE__)

typedef struct {
  WeirUnitStatus status;
  gboolean keyframe, changed, copied;
  guint quirks;
  const gchar *out; /* (nullable): as it came */
} Expected;

/* Returns: (transfer full) (nullable): the configuration, which lives on to be compared */
static WeirCodecConfig *
ref_config (WeirElementaryStream *stream)
{
  WeirCodecConfig *config = weir_elementary_stream_get_config (stream);

  return config != NULL ? weir_codec_config_ref (config) : NULL;
}

static void
take (WeirElementaryStream *stream, const gchar *hex, Expected expected, gint line)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  g_autoptr (GBytes) out = test_hex (expected.out != NULL ? expected.out : hex);
  g_autoptr (WeirCodecConfig) before = ref_config (stream);
  g_autofree guint8 *converted = NULL;
  WeirAccessUnit unit;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_test_message ("line %d", line);
  memset (&unit, 0xaa, sizeof unit);
  weir_elementary_stream_take (stream, data, size, &unit);
  converted = unit.converted;
  g_assert_cmpint ((gint) unit.status, ==, (gint) expected.status);
  g_assert_cmpuint (unit.quirks, ==, expected.quirks);
  g_assert_cmpint (weir_elementary_stream_get_config (stream) != before, ==, expected.changed);
  if (unit.status != WEIR_UNIT_OK) {
    g_assert_null (converted);
    return;
  }
  g_assert_cmpint (unit.keyframe, ==, expected.keyframe);
  g_assert_cmpint (converted != NULL, ==, expected.copied);
  g_assert_nonnull (weir_elementary_stream_get_config (stream));
  g_assert_cmpmem ((converted != NULL ? converted : data) + unit.offset, unit.size,
      g_bytes_get_data (out, NULL), g_bytes_get_size (out));
  if (unit.size > 0) {
    WeirSampleInfo info =
        weir_codec_config_inspect_sample (weir_elementary_stream_get_config (stream),
            (converted != NULL ? converted : data) + unit.offset, unit.size);

    g_assert_true (info.valid && !info.empty);
    g_assert_cmpint (info.keyframe, ==, expected.keyframe);
  }
}

/* Returns: whether the configuration is another one now */
static gboolean
set_record (WeirElementaryStream *stream, const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  g_autoptr (WeirCodecConfig) before = ref_config (stream);
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_true (weir_elementary_stream_set_record (stream, data, size, &error));
  g_assert_no_error (error);
  return weir_elementary_stream_get_config (stream) != before;
}

static void
assert_record (WeirElementaryStream *stream, const gchar *hex)
{
  WeirCodecConfig *config = weir_elementary_stream_get_config (stream);
  g_autoptr (GBytes) expected = test_hex (hex);

  g_assert_nonnull (config);
  g_assert_cmpmem (g_bytes_get_data (config->record, NULL), g_bytes_get_size (config->record),
      g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
a_record_beside_the_stream_is_the_configuration (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);
  WeirCodecConfig *config;

  g_assert_null (weir_elementary_stream_get_config (stream));
  g_assert_true (set_record (stream, RECORD_BASELINE_720P30));
  config = weir_elementary_stream_get_config (stream);
  g_assert_cmpuint (config->width, ==, 1280);
  g_assert_false (set_record (stream, RECORD_BASELINE_720P30));
  g_assert_true (weir_elementary_stream_get_config (stream) == config);
  TAKE (stream, IDR, .keyframe = TRUE);
  TAKE (stream, SLICE);
  TAKE (stream, "", .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "00000002 09f0", .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "00000004 658884", .status = WEIR_UNIT_INVALID);
  g_assert_true (set_record (stream, RECORD_MAIN_480P25));
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->width, ==, 854);
}

static void
a_broken_record_changes_nothing (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);
  g_autofree guint8 *huge = g_malloc0 (WEIR_CODEC_RECORD_SIZE_MAX + 1);
  g_autoptr (GError) error = NULL;

  set_record (stream, RECORD_BASELINE_720P30);
  g_assert_false (weir_elementary_stream_set_record (stream, (const guint8 *) "\1\2", 2, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_clear_error (&error);
  g_assert_false (
      weir_elementary_stream_set_record (stream, huge, WEIR_CODEC_RECORD_SIZE_MAX + 1, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED);
  assert_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, IDR, .keyframe = TRUE);
}

static void
an_open_group_of_pictures_begins_with_a_keyframe (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  /* x264 with open-gop=1, cut short */
  set_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, "00000005 060601c480 00000008 4188cd00effef74e", .keyframe = TRUE);
  /* the recovery takes a frame; no recovery point; a P slice; a slice before the point */
  TAKE (stream, "00000005 0606014480 00000008 4188cd00effef74e");
  TAKE (stream, "00000005 060101c480 00000008 4188cd00effef74e");
  TAKE (stream, "00000005 060601c480 00000008 419acd00effef74e");
  TAKE (stream, "00000008 4188cd00effef74e 00000005 060601c480");
  /* behind another message */
  TAKE (stream, "0000000a 0605030102030601c480 00000008 4188cd00effef74e", .keyframe = TRUE);
}

static void
start_codes_where_lengths_belong_are_converted (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  set_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, CODE "09f0" CODE SPS_720 CODE PPS_720 "000001 658884", .keyframe = TRUE,
      .copied = TRUE, .quirks = WEIR_QUIRK_ANNEX_B, .out = LENGTH_SPS_720 LENGTH_PPS_720 IDR);
  TAKE (stream, "000001 419a24 0000", .copied = TRUE, .quirks = WEIR_QUIRK_ANNEX_B, .out = SLICE);
  TAKE (stream, CODE "09f0", .status = WEIR_UNIT_EMPTY, .quirks = WEIR_QUIRK_ANNEX_B);
  /* lengths that begin like a start code */
  TAKE (stream, "00000001 09 00000003 419a24");
  TAKE (stream, SLICE);
}

static void
empty_units_are_left_out (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  set_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, "00000000" IDR "00000000", .keyframe = TRUE, .copied = TRUE,
      .quirks = WEIR_QUIRK_EMPTY_NAL, .out = IDR);
  TAKE (stream, "00000000", .status = WEIR_UNIT_EMPTY, .quirks = WEIR_QUIRK_EMPTY_NAL);
}

static void
lengths_of_other_sizes_become_four_bytes (void)
{
  static const struct {
    const gchar *record, *idr, *broken;
  } cases[] = {
      {"0142c01ffce100196742c01fd9005005bb0110000003001000000303c0f183248001000568cb83cb20",
          "03 658884", "04 658884"},
      {"0142c01ffde100196742c01fd9005005bb0110000003001000000303c0f183248001000568cb83cb20",
          "0003 658884", "0004 658884"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

    g_assert_true (set_record (stream, cases[i].record));
    assert_record (stream, RECORD_BASELINE_720P30);
    g_assert_false (set_record (stream, cases[i].record));
    TAKE (stream, cases[i].idr, .keyframe = TRUE, .copied = TRUE, .out = IDR);
    TAKE (stream, cases[i].broken, .status = WEIR_UNIT_INVALID);
  }
}

static void
other_parameter_sets_begin_with_their_keyframe (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  set_record (stream, RECORD_BASELINE_720P30);
  /* the same ones cost nothing */
  TAKE (stream, LENGTH_SPS_720 LENGTH_PPS_720 IDR, .keyframe = TRUE);
  TAKE (stream, LENGTH_SPS_480 LENGTH_PPS_480 IDR, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  assert_record (stream, RECORD_MAIN_480P25);
  TAKE (stream, LENGTH_SPS_480 LENGTH_PPS_480 IDR, .keyframe = TRUE);
  /* the encoder's own record again is no news, in the stream it is */
  g_assert_false (set_record (stream, RECORD_BASELINE_720P30));
  TAKE (stream, LENGTH_SPS_720 LENGTH_PPS_720 IDR, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  assert_record (stream, RECORD_BASELINE_720P30);
}

static void
parameter_sets_before_a_keyframe_wait_for_it (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  set_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, LENGTH_SPS_480, .status = WEIR_UNIT_EMPTY);
  TAKE (stream, LENGTH_PPS_480 SLICE);
  TAKE (stream, SLICE);
  assert_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, IDR, .keyframe = TRUE, .changed = TRUE, .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  assert_record (stream, RECORD_MAIN_480P25);
  /* there and back again within a group of pictures is no news */
  TAKE (stream, LENGTH_PPS_720 SLICE);
  TAKE (stream, LENGTH_PPS_480 IDR, .keyframe = TRUE);
  assert_record (stream, RECORD_MAIN_480P25);
}

static void
broken_parameter_sets_cost_their_unit (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  set_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, "00000005 674d401eec" IDR, .status = WEIR_UNIT_INVALID);
  TAKE (stream, "00000001 67" IDR, .status = WEIR_UNIT_INVALID);
  TAKE (stream, "00000002 6700" IDR, .status = WEIR_UNIT_INVALID);
  assert_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, LENGTH_SPS_720 IDR, .keyframe = TRUE);
}

static void
a_flood_of_parameter_sets_is_refused (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);
  GString *text = g_string_new (NULL);
  g_autofree gchar *flood = NULL;

  set_record (stream, RECORD_BASELINE_720P30);
  for (guint i = 0; i < 10000; i++)
    g_string_append_printf (text, "00000003 68%04x", 0x8000 + i);
  g_string_append (text, IDR);
  flood = g_string_free (text, FALSE);
  TAKE (stream, flood, .status = WEIR_UNIT_INVALID);
  TAKE (stream, IDR, .keyframe = TRUE);
}

static void
of_a_record_full_of_messages_few_are_kept (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_HEVC);
  GString *text = g_string_new (RECORD_HEVC_MAIN_720P30 "272710");
  g_autofree gchar *record = NULL;

  memcpy (strstr (text->str, "0f03"), "0f04", 4); /* arrays */
  for (guint i = 0; i < 10000; i++)
    g_string_append (text, "00034e01ff");
  record = g_string_free (text, FALSE);
  g_assert_true (set_record (stream, record));
  /* another PPS */
  TAKE (stream, "00000007 4401c172b46241 00000003 2801af", .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  g_assert_cmpuint (
      g_bytes_get_size (weir_elementary_stream_get_config (stream)->record), <, 5 * 512 + 200);
}

static void
a_stream_without_a_record_says_it_itself (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);

  TAKE (stream, CODE "419a24", .status = WEIR_UNIT_NO_CONFIG);
  TAKE (stream, CODE PPS_720 CODE "658884", .status = WEIR_UNIT_NO_CONFIG);
  g_assert_null (weir_elementary_stream_get_config (stream));
  TAKE (stream, CODE "09f0" CODE SPS_720 CODE "658884", .keyframe = TRUE, .copied = TRUE,
      .changed = TRUE, .quirks = WEIR_QUIRK_NO_RECORD, .out = LENGTH_SPS_720 IDR);
  assert_record (stream, RECORD_BASELINE_720P30);
  TAKE (stream, CODE "419a24", .copied = TRUE, .out = SLICE);
  TAKE (stream, SLICE, .status = WEIR_UNIT_INVALID);
  TAKE (stream, CODE SPS_480 CODE PPS_480 CODE "658884", .keyframe = TRUE, .copied = TRUE,
      .changed = TRUE, .quirks = WEIR_QUIRK_NO_RECORD, .out = LENGTH_SPS_480 LENGTH_PPS_480 IDR);
  assert_record (stream, RECORD_MAIN_480P25);
}

static void
a_record_in_annex_b_is_taken (void)
{
  g_autoptr (WeirElementaryStream) avc = weir_elementary_stream_new (WEIR_CODEC_AVC);
  g_autoptr (WeirElementaryStream) hevc = weir_elementary_stream_new (WEIR_CODEC_HEVC);
  g_autoptr (GError) error = NULL;

  g_assert_true (set_record (avc, CODE SPS_720 CODE PPS_720));
  assert_record (avc, RECORD_BASELINE_720P30);
  TAKE (avc, CODE "658884", .keyframe = TRUE, .copied = TRUE, .quirks = WEIR_QUIRK_ANNEX_B,
      .out = IDR);
  TAKE (avc, IDR, .keyframe = TRUE);
  g_assert_true (set_record (hevc, CODE HEVC_VPS CODE HEVC_SPS CODE HEVC_PPS));
  g_assert_cmpstr (weir_elementary_stream_get_config (hevc)->codecs, ==, "hvc1.1.6.L93.90");
  g_assert_false (
      weir_elementary_stream_set_record (hevc, (const guint8 *) "\0\0\0\1\x40\1", 6, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
}

static void
hevc_in_annex_b_becomes_what_the_encoder_writes_into_files (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_HEVC);
  g_autoptr (WeirCodecConfig) file = test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30);
  WeirCodecConfig *config;

  TAKE (stream, CODE HEVC_VPS CODE HEVC_SPS CODE HEVC_PPS, .status = WEIR_UNIT_EMPTY);
  TAKE (stream, CODE "460110" CODE "2801af", .keyframe = TRUE, .copied = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_NO_RECORD, .out = "00000003 2801af");
  TAKE (stream, CODE "1001e2", .copied = TRUE, .out = "00000003 1001e2");
  config = weir_elementary_stream_get_config (stream);
  g_assert_cmpstr (config->codecs, ==, file->codecs);
  g_assert_cmpuint (config->width, ==, file->width);
  g_assert_cmpuint (config->frame_rate_n, ==, file->frame_rate_n);
  g_assert_cmpuint (g_bytes_get_size (config->record), ==, g_bytes_get_size (file->record));
  assert_record (stream, RECORD_HEVC_MAIN_720P30);
}

static void
colour_that_the_sender_says_begins_with_a_keyframe (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AVC);
  WeirColour colour;

  set_record (stream, RECORD_HIGH_1080P2997_BT709);
  g_assert_true (weir_colour_from_text ("9:16:9:0//1000:400", &colour));
  weir_elementary_stream_set_colour (stream, &colour);
  TAKE (stream, SLICE);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->colour->primaries, ==, 1);
  TAKE (stream, IDR, .keyframe = TRUE, .changed = TRUE);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->colour->primaries, ==, 9);
  weir_elementary_stream_set_colour (stream, &colour);
  TAKE (stream, IDR, .keyframe = TRUE);
  weir_elementary_stream_set_colour (stream, NULL);
  TAKE (stream, IDR, .keyframe = TRUE, .changed = TRUE);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->colour->primaries, ==, 1);
}

static void
mastering_display_and_light_level_of_keyframes_are_colour (void)
{
#define MASTERING "0000001e 4e01891833c286c41d4c0bb884d03e803d13404200989680000003003280"
#define LIGHT_LEVEL "00000009 4e01900403e8019080"
  static const gchar both[] =
      "2:2:2:0/34000:16000:13250:34500:7500:3000:15635:16450:10000000:50/1000:400";
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_HEVC);
  g_autofree gchar *text = NULL;

  set_record (stream, RECORD_HEVC_MAIN_720P30);
  /* x265 with hdr10=1 */
  TAKE (stream, MASTERING LIGHT_LEVEL "00000003 0201d0");
  g_assert_null (weir_elementary_stream_get_config (stream)->colour);
  TAKE (stream, MASTERING LIGHT_LEVEL "00000003 2801af", .keyframe = TRUE, .changed = TRUE);
  text = weir_colour_to_text (weir_elementary_stream_get_config (stream)->colour);
  g_assert_cmpstr (text, ==, both);
  assert_record (stream, RECORD_HEVC_MAIN_720P30);
  TAKE (stream, MASTERING LIGHT_LEVEL "00000003 2801af", .keyframe = TRUE);
  /* what one does not repeat goes on */
  TAKE (stream, LIGHT_LEVEL "00000003 2801af", .keyframe = TRUE);
  TAKE (stream, "00000003 2801af", .keyframe = TRUE);
  g_assert_nonnull (weir_elementary_stream_get_config (stream)->colour);
  g_assert_true (set_record (stream, RECORD_HEVC_444_360P24));
  g_assert_null (weir_elementary_stream_get_config (stream)->colour);
}

static void
temporal_delimiters_are_left_out (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AV1);

  g_assert_true (set_record (stream, RECORD_AV1_SVT_360P30));
  TAKE (stream, "1200" AV1_SEQUENCE AV1_KEY, .keyframe = TRUE, .out = AV1_SEQUENCE AV1_KEY);
  TAKE (stream, "1200 1200" AV1_INTER, .out = AV1_INTER);
  TAKE (stream, AV1_INTER);
  TAKE (stream, AV1_INTER "1200" AV1_INTER, .copied = TRUE, .out = AV1_INTER AV1_INTER);
  TAKE (stream, "1200", .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "", .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "1200" AV1_SEQUENCE, .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "1200 320330ff", .status = WEIR_UNIT_INVALID);
  TAKE (stream, "32ffffffff", .status = WEIR_UNIT_INVALID);
}

static void
an_obu_without_a_size_gets_one (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AV1);

  set_record (stream, RECORD_AV1_SVT_360P30);
  TAKE (stream, "1200" AV1_SEQUENCE "30 10ff", .keyframe = TRUE, .copied = TRUE,
      .out = AV1_SEQUENCE AV1_KEY);
  TAKE (stream, "3408 30ff", .copied = TRUE, .out = "36080230ff");
  TAKE (stream, "30", .copied = TRUE, .out = "3200");
}

static void
a_sequence_header_in_the_stream_is_the_configuration (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AV1);

  TAKE (stream, AV1_INTER, .status = WEIR_UNIT_NO_CONFIG);
  TAKE (stream, AV1_KEY, .status = WEIR_UNIT_NO_CONFIG);
  TAKE (stream, AV1_SEQUENCE AV1_KEY, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_NO_RECORD);
  assert_record (stream, RECORD_AV1_SVT_360P30);
  TAKE (stream, AV1_SEQUENCE AV1_KEY, .keyframe = TRUE);
  TAKE (stream, AV1_SEQUENCE_RGB AV1_KEY, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_NO_RECORD);
  assert_record (stream, RECORD_AV1_RGB_360P30);
  TAKE (stream, "0a0200ff" AV1_KEY, .status = WEIR_UNIT_INVALID);
  assert_record (stream, RECORD_AV1_RGB_360P30);
}

static void
an_av1_record_without_a_sequence_header_waits_for_it (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AV1);

  g_assert_false (set_record (stream, "81010c00"));
  g_assert_null (weir_elementary_stream_get_config (stream));
  TAKE (stream, AV1_INTER, .status = WEIR_UNIT_NO_CONFIG);
  TAKE (stream, AV1_SEQUENCE AV1_KEY, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->width, ==, 640);
}

static void
key_frames_of_vp9_say_the_size (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_VP9);

  g_assert_false (set_record (stream, RECORD_VP9_360P30));
  TAKE (stream, VP9_INTER, .status = WEIR_UNIT_NO_CONFIG);
  TAKE (stream, VP9_KEY_640X360, .keyframe = TRUE, .changed = TRUE);
  assert_record (stream, RECORD_VP9_360P30);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->width, ==, 640);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->height, ==, 360);
  TAKE (stream, VP9_INTER);
  TAKE (stream, VP9_KEY_640X360, .keyframe = TRUE);
  TAKE (stream, VP9_KEY_320X180, .keyframe = TRUE, .changed = TRUE);
  assert_record (stream, RECORD_VP9_360P30);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->width, ==, 320);
  TAKE (stream, VP9_KEY_422_10, .keyframe = TRUE, .changed = TRUE,
      .quirks = WEIR_QUIRK_IN_BAND_CONFIG);
  assert_record (stream, RECORD_VP9_422_10_FULL);
  TAKE (stream, "", .status = WEIR_UNIT_EMPTY);
  TAKE (stream, "42", .status = WEIR_UNIT_INVALID);
}

static void
vpx_without_a_record_or_without_its_version (void)
{
  g_autoptr (WeirElementaryStream) vp8 = weir_elementary_stream_new (WEIR_CODEC_VP8);
  g_autoptr (WeirElementaryStream) vp9 = weir_elementary_stream_new (WEIR_CODEC_VP9);

  TAKE (vp8, VP8_INTER, .status = WEIR_UNIT_NO_CONFIG);
  TAKE (vp8, VP8_KEY_322X182, .keyframe = TRUE, .changed = TRUE, .quirks = WEIR_QUIRK_NO_RECORD);
  TAKE (vp8, VP8_INTER);
  g_assert_cmpuint (weir_elementary_stream_get_config (vp8)->width, ==, 322);
  g_assert_cmpuint (weir_elementary_stream_get_config (vp8)->height, ==, 182);
  g_assert_false (set_record (vp9, "0015820202020000"));
  TAKE (vp9, VP9_KEY_640X360, .keyframe = TRUE, .changed = TRUE);
  assert_record (vp9, RECORD_VP9_360P30);
}

static void
nothing_can_be_freed (void)
{
  weir_elementary_stream_free (NULL);
  weir_elementary_video_free (NULL);
  weir_elementary_audio_free (NULL);
  weir_parameter_sets_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/elementaryvideo/" #name, name)
  ADD (a_record_beside_the_stream_is_the_configuration);
  ADD (a_broken_record_changes_nothing);
  ADD (an_open_group_of_pictures_begins_with_a_keyframe);
  ADD (start_codes_where_lengths_belong_are_converted);
  ADD (empty_units_are_left_out);
  ADD (lengths_of_other_sizes_become_four_bytes);
  ADD (other_parameter_sets_begin_with_their_keyframe);
  ADD (parameter_sets_before_a_keyframe_wait_for_it);
  ADD (broken_parameter_sets_cost_their_unit);
  ADD (a_flood_of_parameter_sets_is_refused);
  ADD (of_a_record_full_of_messages_few_are_kept);
  ADD (a_stream_without_a_record_says_it_itself);
  ADD (a_record_in_annex_b_is_taken);
  ADD (hevc_in_annex_b_becomes_what_the_encoder_writes_into_files);
  ADD (colour_that_the_sender_says_begins_with_a_keyframe);
  ADD (mastering_display_and_light_level_of_keyframes_are_colour);
  ADD (temporal_delimiters_are_left_out);
  ADD (an_obu_without_a_size_gets_one);
  ADD (a_sequence_header_in_the_stream_is_the_configuration);
  ADD (an_av1_record_without_a_sequence_header_waits_for_it);
  ADD (key_frames_of_vp9_say_the_size);
  ADD (vpx_without_a_record_or_without_its_version);
  ADD (nothing_can_be_freed);
  return g_test_run ();
}
