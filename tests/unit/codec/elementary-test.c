/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementary.h"

#include "records.h"

#include <string.h>

#define MP3_48000_STEREO "fffb0464"

static gboolean
set_record (WeirElementaryStream *stream, const gchar *hex, GError **error)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  /* of exactly this size, and gone afterwards */
  g_autofree guint8 *copy = g_memdup2 (data, size);

  return weir_elementary_stream_set_record (stream, copy, size, error);
}

/* takes @hex and zeros up to @size. Returns: the status of the unit, of which all is set */
static WeirUnitStatus
take_padded (WeirElementaryStream *stream, const gchar *hex, gsize size)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize given = g_bytes_get_size (bytes);
  g_autofree guint8 *data = g_malloc0 (MAX (size, given));
  WeirAccessUnit unit;

  memcpy (data, g_bytes_get_data (bytes, NULL), given);
  memset (&unit, 0xaa, sizeof unit);
  weir_elementary_stream_take (stream, data, MAX (size, given), &unit);
  g_free (unit.converted);
  g_assert_cmpuint (unit.offset, <=, 7);
  g_assert_cmpuint (unit.quirks, <, 1 << 5);
  g_assert_true (unit.keyframe == TRUE || unit.keyframe == FALSE);
  return unit.status;
}

static WeirUnitStatus
take (WeirElementaryStream *stream, const gchar *hex)
{
  return take_padded (stream, hex, 0);
}

static void
every_codec_goes_through (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record, *unit;
    WeirUnitStatus early; /* of the unit without a record */
    gsize size;           /* of the unit, with zeros behind; 0: as it is */
  } cases[] = {
      {WEIR_CODEC_AVC, RECORD_BASELINE_720P30, "00000003 658884", WEIR_UNIT_INVALID},
      {WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30, "00000003 2601af", WEIR_UNIT_INVALID},
      {WEIR_CODEC_AV1, RECORD_AV1_SVT_360P30, "320230ff", WEIR_UNIT_NO_CONFIG},
      {WEIR_CODEC_VP8, RECORD_VP8, "3059009d012a4201b600", WEIR_UNIT_OK},
      {WEIR_CODEC_VP9, RECORD_VP9_360P30, "824983420027f01676", WEIR_UNIT_OK},
      {WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, "211004608c1c", WEIR_UNIT_NO_CONFIG},
      {WEIR_CODEC_OPUS, RECORD_OPUS_STEREO, "fcfffe", WEIR_UNIT_NO_CONFIG},
      {WEIR_CODEC_FLAC, RECORD_FLAC_48000_STEREO, "fff8c91800e7", WEIR_UNIT_NO_CONFIG, 13},
      {WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K, "0b770000144043e1", WEIR_UNIT_OK, 768},
      {WEIR_CODEC_EAC3, RECORD_EAC3_48000_STEREO_192K, "0b77000f3480", WEIR_UNIT_OK, 32},
      {WEIR_CODEC_MP3, RECORD_MP3_44100_STEREO, MP3_48000_STEREO, WEIR_UNIT_OK},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirElementaryStream) early = weir_elementary_stream_new (cases[i].codec);
    g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (cases[i].codec);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", weir_codec_get_name (cases[i].codec));
    g_assert_null (weir_elementary_stream_get_config (early));
    g_assert_cmpint (
        (gint) take_padded (early, cases[i].unit, cases[i].size), ==, (gint) cases[i].early);
    g_assert_cmpint (
        weir_elementary_stream_get_config (early) != NULL, ==, cases[i].early == WEIR_UNIT_OK);

    g_assert_true (set_record (stream, cases[i].record, &error));
    g_assert_no_error (error);
    g_assert_cmpint ((gint) take_padded (stream, cases[i].unit, cases[i].size), ==, WEIR_UNIT_OK);
    g_assert_cmpint (weir_elementary_stream_get_config (stream)->codec, ==, cases[i].codec);
  }
}

static void
a_record_is_bounded (void)
{
  g_autofree guint8 *data = g_malloc0 (WEIR_CODEC_RECORD_SIZE_MAX + 1);

  for (WeirCodec codec = WEIR_CODEC_AVC; codec < WEIR_CODEC_LAST; codec++) {
    g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (codec);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", weir_codec_get_name (codec));
    g_assert_false (
        weir_elementary_stream_set_record (stream, data, WEIR_CODEC_RECORD_SIZE_MAX + 1, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "configuration record of 65537 bytes");
    g_clear_error (&error);
    g_assert_false (
        weir_elementary_stream_set_record (stream, data, WEIR_CODEC_RECORD_SIZE_MAX, &error));
    g_assert_cmpstr (error->message, !=, "configuration record of 65536 bytes");
    g_clear_error (&error);
    g_assert_false (weir_elementary_stream_set_record (stream, NULL, 0, &error));
    g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
    g_assert_null (weir_elementary_stream_get_config (stream));
  }
}

static guint
rate_of (WeirElementaryStream *stream)
{
  return weir_elementary_stream_get_config (stream)->rate;
}

static void
the_record_that_was_given_last_is_known_again (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_MP3);
  g_autoptr (GError) error = NULL;

  g_assert_true (set_record (stream, RECORD_MP3_44100_STEREO, NULL));
  g_assert_cmpint ((gint) take (stream, MP3_48000_STEREO), ==, WEIR_UNIT_OK);
  g_assert_cmpuint (rate_of (stream), ==, 48000);
  /* it says what it said; the stream knows better */
  g_assert_true (set_record (stream, RECORD_MP3_44100_STEREO, NULL));
  g_assert_cmpuint (rate_of (stream), ==, 48000);
  /* as does it after broken ones, which may begin as it does */
  g_assert_false (set_record (stream, RECORD_MP3_44100_STEREO "00", &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_false (set_record (stream, "fffb00", &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_assert_true (set_record (stream, RECORD_MP3_44100_STEREO, NULL));
  g_assert_cmpuint (rate_of (stream), ==, 48000);
  /* another one counts, and then the first one again */
  g_assert_true (set_record (stream, RECORD_MP3_48000_MONO, NULL));
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->channels, ==, 1);
  g_assert_true (set_record (stream, RECORD_MP3_44100_STEREO, NULL));
  g_assert_cmpuint (rate_of (stream), ==, 44100);
}

static void
what_is_of_the_other_kind_has_no_effect (void)
{
  static const WeirColour colour = {.primaries = 9, .transfer = 16, .matrix = 9};
  g_autoptr (WeirElementaryStream) video = weir_elementary_stream_new (WEIR_CODEC_AVC);
  g_autoptr (WeirElementaryStream) audio = weir_elementary_stream_new (WEIR_CODEC_OPUS);

  weir_elementary_stream_assume_channels (video, 2);
  g_assert_true (set_record (video, RECORD_BASELINE_720P30, NULL));
  g_assert_cmpuint (weir_elementary_stream_get_config (video)->channels, ==, 0);
  weir_elementary_stream_set_colour (audio, &colour);
  g_assert_true (set_record (audio, RECORD_OPUS_STEREO, NULL));
  g_assert_null (weir_elementary_stream_get_config (audio)->colour);
}

static void
what_is_of_the_kind_has (void)
{
  static const WeirColour colour = {.primaries = 9, .transfer = 16, .matrix = 9};
  g_autoptr (WeirElementaryStream) video = weir_elementary_stream_new (WEIR_CODEC_AVC);
  g_autoptr (WeirElementaryStream) audio = weir_elementary_stream_new (WEIR_CODEC_OPUS);

  weir_elementary_stream_set_colour (video, &colour);
  g_assert_true (set_record (video, RECORD_BASELINE_720P30, NULL));
  g_assert_cmpuint (weir_elementary_stream_get_config (video)->colour->primaries, ==, 9);
  weir_elementary_stream_assume_channels (audio, 1);
  g_assert_cmpint ((gint) take (audio, "f8fffe"), ==, WEIR_UNIT_OK);
  g_assert_cmpuint (weir_elementary_stream_get_config (audio)->channels, ==, 1);
}

static void
nothing_may_be_freed (void)
{
  weir_elementary_stream_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/elementary/" #name, name)
  ADD (every_codec_goes_through);
  ADD (a_record_is_bounded);
  ADD (the_record_that_was_given_last_is_known_again);
  ADD (what_is_of_the_other_kind_has_no_effect);
  ADD (what_is_of_the_kind_has);
  ADD (nothing_may_be_freed);
  return g_test_run ();
}
