/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementaryaudio.h"

#include "records.h"

/* of ffmpeg -f lavfi -i anullsrc=r=48000:cl=stereo -c:a aac x.aac */
#define ADTS_STEREO "fff14c8001bffc211004608c1c"
/* the header altered: channelConfiguration 0; number_of_raw_data_blocks_in_frame 1 */
#define ADTS_CHANNELS_IN_STREAM "fff14c0001bffc211004608c1c"
#define ADTS_TWO_BLOCKS "fff14c8001bffd211004608c1c"
/* the same, cl=mono; cl=5.1 */
#define ADTS_MONO "fff14c40017ffc01182007"
#define ADTS_5_1 "fff14d80035ffc011820010880230460231004608c0c230000e0"
#define RAW_STEREO "211004608c1c"
/* ffmpeg -f lavfi -i anullsrc=r=8000:cl=mono -c:a libmp3lame -b:a 8k -write_xing 0 x.mp3, cut */
#define MP3_8000_MONO "ffe318c43b0000034800000000"
/* headers of the free format, which needs no more */
#define MP3_44100_STEREO "fffb0064"
#define MP3_44100_STEREO_NOT_JOINT "fffa0204"
#define MP3_48000_STEREO "fffb0464"
/* syncframes of 32 bytes, as of AC-3 tests */
#define EAC3_5_1 "0b77000f3f800000000000000000000000000000000000000000000000000000"
#define EAC3_STEREO "0b77000f34800000000000000000000000000000000000000000000000000000"
/* of 34 bytes: another bit rate */
#define EAC3_STEREO_MORE "0b770010348000000000000000000000000000000000000000000000000000000000"

typedef struct {
  const gchar *data;
  WeirUnitStatus status;
  gboolean changed;
  WeirQuirks quirks;
  gsize offset; /* of an OK unit, which reaches to the end */
} Step;

/* @record: (nullable); @channels: assumed */
static void
take_all (WeirCodec codec, const gchar *record, guint channels, const Step *steps, guint count)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (codec);

  if (record != NULL) {
    g_autoptr (GBytes) bytes = test_hex (record);
    g_autoptr (GError) error = NULL;
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    g_assert_true (weir_elementary_stream_set_record (stream, data, size, &error));
    g_assert_no_error (error);
    g_assert_nonnull (weir_elementary_stream_get_config (stream));
  }
  weir_elementary_stream_assume_channels (stream, channels);
  for (guint i = 0; i < count; i++) {
    g_autoptr (GBytes) bytes = test_hex (steps[i].data);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    WeirCodecConfig *before = weir_elementary_stream_get_config (stream);
    WeirAccessUnit unit;

    if (before != NULL)
      weir_codec_config_ref (before);
    g_test_message ("unit %u", i);
    weir_elementary_stream_take (stream, data, size, &unit);
    g_assert_cmpint (unit.status, ==, steps[i].status);
    g_assert_cmpint (before != weir_elementary_stream_get_config (stream), ==, steps[i].changed);
    g_assert_cmphex (unit.quirks, ==, steps[i].quirks);
    g_assert_null (unit.converted);
    if (unit.status == WEIR_UNIT_OK) {
      g_assert_true (unit.keyframe);
      g_assert_cmpuint (unit.offset, ==, steps[i].offset);
      g_assert_cmpuint (unit.offset + unit.size, ==, size);
    }
    g_clear_pointer (&before, weir_codec_config_unref);
  }
}

#define TAKE_ALL(codec, record, channels, ...)                       \
  do {                                                               \
    static const Step steps[] = {__VA_ARGS__};                       \
    take_all (codec, record, channels, steps, G_N_ELEMENTS (steps)); \
  } while (0)

static void
raw_frames_need_a_record (void)
{
  TAKE_ALL (WEIR_CODEC_AAC, NULL, 2, {RAW_STEREO, WEIR_UNIT_NO_CONFIG, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, 0, {RAW_STEREO, WEIR_UNIT_OK, FALSE, 0, 0},
      {"", WEIR_UNIT_EMPTY, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_FLAC, NULL, 0, {"fff87908", WEIR_UNIT_NO_CONFIG, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_FLAC, RECORD_FLAC_44100_MONO, 0, {"fff87908", WEIR_UNIT_OK, FALSE, 0, 0},
      {"00f87908", WEIR_UNIT_INVALID, FALSE, 0, 0});
}

static void
adts_headers_are_taken_off_and_give_the_configuration (void)
{
  TAKE_ALL (WEIR_CODEC_AAC, NULL, 0,
      {ADTS_STEREO, WEIR_UNIT_OK, TRUE, WEIR_QUIRK_ADTS | WEIR_QUIRK_NO_RECORD, 7},
      {ADTS_STEREO, WEIR_UNIT_OK, FALSE, WEIR_QUIRK_ADTS, 7},
      {RAW_STEREO, WEIR_UNIT_OK, FALSE, 0, 0}, {ADTS_5_1, WEIR_UNIT_OK, TRUE, WEIR_QUIRK_ADTS, 7},
      {ADTS_MONO, WEIR_UNIT_OK, TRUE, WEIR_QUIRK_ADTS, 7});
}

static void
a_record_says_more_than_adts_headers (void)
{
  TAKE_ALL (WEIR_CODEC_AAC, RECORD_HE_AAC_48000_STEREO, 0,
      {ADTS_STEREO, WEIR_UNIT_OK, FALSE, WEIR_QUIRK_ADTS, 7});
}

static void
channels_that_only_adts_frames_tell_are_not_supported (void)
{
  TAKE_ALL (WEIR_CODEC_AAC, NULL, 0,
      {ADTS_CHANNELS_IN_STREAM, WEIR_UNIT_UNSUPPORTED, FALSE, WEIR_QUIRK_ADTS, 0},
      {ADTS_TWO_BLOCKS, WEIR_UNIT_UNSUPPORTED, FALSE, WEIR_QUIRK_ADTS, 0},
      {ADTS_STEREO, WEIR_UNIT_OK, TRUE, WEIR_QUIRK_ADTS | WEIR_QUIRK_NO_RECORD, 7},
      {ADTS_CHANNELS_IN_STREAM, WEIR_UNIT_UNSUPPORTED, FALSE, WEIR_QUIRK_ADTS, 0});
  /* a record tells them */
  TAKE_ALL (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, 0,
      {ADTS_CHANNELS_IN_STREAM, WEIR_UNIT_OK, FALSE, WEIR_QUIRK_ADTS, 7});
}

static void
broken_adts_is_not_passed_on (void)
{
  TAKE_ALL (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, 0,
      {"fff14c8001bffc211004608c", WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_ADTS, 0},
      {ADTS_STEREO ADTS_STEREO, WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_ADTS, 0},
      {"fff14c8000fffc", WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_ADTS, 0},
      {"fff1", WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_ADTS, 0},
      {ADTS_STEREO, WEIR_UNIT_OK, FALSE, WEIR_QUIRK_ADTS, 7});
  TAKE_ALL (WEIR_CODEC_AAC, NULL, 0,
      {"fff14c8001bffc211004608c", WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_ADTS, 0});
}

static void
the_first_frame_of_mp3_gives_the_configuration (void)
{
  TAKE_ALL (WEIR_CODEC_MP3, NULL, 0, {"", WEIR_UNIT_EMPTY, FALSE, 0, 0},
      {"00000000", WEIR_UNIT_INVALID, FALSE, 0, 0}, {MP3_44100_STEREO, WEIR_UNIT_OK, TRUE, 0, 0},
      {MP3_44100_STEREO_NOT_JOINT, WEIR_UNIT_OK, FALSE, 0, 0},
      {MP3_8000_MONO, WEIR_UNIT_INVALID, FALSE, 0, 0}, /* cut short: no reason to change */
      {MP3_48000_STEREO, WEIR_UNIT_OK, TRUE, 0, 0});
}

static void
frames_overrule_a_record (void)
{
  TAKE_ALL (WEIR_CODEC_MP3, RECORD_MP3_44100_STEREO, 0,
      {MP3_44100_STEREO, WEIR_UNIT_OK, FALSE, 0, 0},
      {MP3_48000_STEREO, WEIR_UNIT_OK, TRUE, WEIR_QUIRK_IN_BAND_CONFIG, 0});
}

static void
syncframes_give_the_configuration_and_may_change_their_bit_rate (void)
{
  TAKE_ALL (WEIR_CODEC_EAC3, NULL, 0, {EAC3_5_1, WEIR_UNIT_OK, TRUE, 0, 0},
      {EAC3_5_1, WEIR_UNIT_OK, FALSE, 0, 0}, {EAC3_STEREO, WEIR_UNIT_OK, TRUE, 0, 0},
      {EAC3_STEREO_MORE, WEIR_UNIT_OK, FALSE, 0, 0},
      {"0b77000f3480000000", WEIR_UNIT_INVALID, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_AC3, NULL, 0,
      /* a header whose frame is not all there */
      {"0b77fe95144043e106f46370", WEIR_UNIT_INVALID, FALSE, 0, 0},
      {EAC3_5_1, WEIR_UNIT_INVALID, FALSE, 0, 0});
}

static void
opus_is_assumed_on_request (void)
{
  TAKE_ALL (WEIR_CODEC_OPUS, NULL, 0, {"f8fffe", WEIR_UNIT_NO_CONFIG, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_OPUS, NULL, 2, {"fb", WEIR_UNIT_INVALID, FALSE, WEIR_QUIRK_NO_RECORD, 0},
      {"f8fffe", WEIR_UNIT_OK, TRUE, WEIR_QUIRK_NO_RECORD, 0},
      {"f8fffe", WEIR_UNIT_OK, FALSE, 0, 0});
  TAKE_ALL (WEIR_CODEC_OPUS, RECORD_OPUS_MONO, 2, {"f8fffe", WEIR_UNIT_OK, FALSE, 0, 0});
}

/* gives the first @size bytes of @record. Returns: whether the configuration is another one now */
static gboolean
give (WeirElementaryStream *stream, GBytes *record, gsize size)
{
  WeirCodecConfig *before = weir_elementary_stream_get_config (stream);
  gboolean changed;

  if (before != NULL)
    weir_codec_config_ref (before); /* so that no other one gets its address */
  g_assert_true (
      weir_elementary_stream_set_record (stream, g_bytes_get_data (record, NULL), size, NULL));
  changed = weir_elementary_stream_get_config (stream) != before;
  g_clear_pointer (&before, weir_codec_config_unref);
  return changed;
}

static void
a_record_again_changes_nothing (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_MP3);
  g_autoptr (GBytes) record = test_hex (RECORD_MP3_44100_STEREO);
  g_autoptr (GBytes) other = test_hex (RECORD_MP3_48000_MONO);
  g_autoptr (GBytes) frame = test_hex (MP3_48000_STEREO);
  WeirAccessUnit unit;

  g_assert_true (give (stream, record, 4));
  g_assert_false (give (stream, record, 4));
  /* nor when the stream knows better by now */
  weir_elementary_stream_take (stream, g_bytes_get_data (frame, NULL), 4, &unit);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->rate, ==, 48000);
  g_assert_false (give (stream, record, 4));
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->rate, ==, 48000);
  g_assert_true (give (stream, other, 4));
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->channels, ==, 1);
}

static void
a_broken_record_changes_nothing (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_AAC);
  g_autoptr (GBytes) record = test_hex (RECORD_AAC_LC_48000_STEREO);
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_elementary_stream_set_record (stream, NULL, 0, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_clear_error (&error);
  g_assert_null (weir_elementary_stream_get_config (stream));
  g_assert_true (give (stream, record, 2));
  g_assert_false (
      weir_elementary_stream_set_record (stream, g_bytes_get_data (record, NULL), 1, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_assert_cmpuint (weir_elementary_stream_get_config (stream)->channels, ==, 2);
}

static void
a_bare_block_of_flac_is_taken_too (void)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (WEIR_CODEC_FLAC);
  g_autoptr (GBytes) block = test_hex (STREAMINFO_44100_MONO);
  g_autoptr (GBytes) expected = test_hex (RECORD_FLAC_44100_MONO);

  g_assert_true (give (stream, block, 34));
  g_assert_true (g_bytes_equal (weir_elementary_stream_get_config (stream)->record, expected));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/elementaryaudio/" #name, name)
  ADD (raw_frames_need_a_record);
  ADD (adts_headers_are_taken_off_and_give_the_configuration);
  ADD (a_record_says_more_than_adts_headers);
  ADD (channels_that_only_adts_frames_tell_are_not_supported);
  ADD (broken_adts_is_not_passed_on);
  ADD (the_first_frame_of_mp3_gives_the_configuration);
  ADD (frames_overrule_a_record);
  ADD (syncframes_give_the_configuration_and_may_change_their_bit_rate);
  ADD (opus_is_assumed_on_request);
  ADD (a_record_again_changes_nothing);
  ADD (a_broken_record_changes_nothing);
  ADD (a_bare_block_of_flac_is_taken_too);
  return g_test_run ();
}
