/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/check.h"

#include "records.h"
#include "segment/box.h"
#include "segment/fragment.h"
#include "segment/init.h"

#include <string.h>

enum {
  VIDEO = 1,
  AUDIO = 2,
  VIDEO_SAMPLES = 5,
  VIDEO_SAMPLE_SIZE = 12,
  VIDEO_DURATION = 3600,
  AUDIO_SAMPLES = 9,
  AUDIO_SAMPLE_SIZE = 7,
  AUDIO_DURATION = 1024,
};

/* a chunk of @track; video begins with an IDR picture when @keyframe */
static void
append_chunk (WeirWriter *writer, WeirFragmentStart start, guint32 sequence, guint32 track,
    guint64 decode_time, gboolean keyframe)
{
  WeirFragmentSample samples[AUDIO_SAMPLES] = {0};
  guint count = track == VIDEO ? VIDEO_SAMPLES : AUDIO_SAMPLES;
  g_autoptr (GBytes) header = NULL;
  gsize styp_size;

  for (guint i = 0; i < count; i++) {
    samples[i].size = track == VIDEO ? VIDEO_SAMPLE_SIZE : AUDIO_SAMPLE_SIZE;
    samples[i].duration = track == VIDEO ? VIDEO_DURATION : AUDIO_DURATION;
    samples[i].composition_offset = track == VIDEO && i % 2 == 1 ? -VIDEO_DURATION : 0;
    samples[i].keyframe = track == AUDIO || (keyframe && i == 0);
  }
  header =
      weir_fragment_write_header (start, sequence, track, decode_time, samples, count, &styp_size);
  weir_writer_bytes (writer, g_bytes_get_data (header, NULL), g_bytes_get_size (header));
  for (guint i = 0; i < count; i++) {
    gsize end = writer->size + samples[i].size;

    if (track == VIDEO) {
      weir_writer_u32 (writer, VIDEO_SAMPLE_SIZE - 4);
      weir_writer_u8 (writer, samples[i].keyframe ? 0x65 : 0x41);
    }
    while (writer->size < end)
      weir_writer_u8 (writer, 0x99);
  }
}

/* what both tracks hold between two cuts */
static void
append_segment (WeirWriter *writer, guint number, WeirFragmentStart start)
{
  guint32 sequence = 1 + number * 3;

  append_chunk (
      writer, start, sequence, VIDEO, number * 10 * VIDEO_DURATION, start == WEIR_FRAGMENT_SEGMENT);
  append_chunk (writer, WEIR_FRAGMENT_CHUNK, sequence + 1, AUDIO,
      number * AUDIO_SAMPLES * AUDIO_DURATION, TRUE);
  append_chunk (
      writer, WEIR_FRAGMENT_CHUNK, sequence + 2, VIDEO, (number * 10 + 5) * VIDEO_DURATION, FALSE);
}

typedef struct {
  WeirCheck *check;
  WeirWriter init;
  WeirWriter segments[3];
} Fixture;

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  WeirCodecConfig *configs[2] = {test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25),
      test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO)};
  g_autoptr (GBytes) init = weir_init_segment_write (configs, 2, -1);

  fixture->check = weir_check_new ();
  weir_writer_init (&fixture->init, 0);
  weir_writer_bytes (&fixture->init, g_bytes_get_data (init, NULL), g_bytes_get_size (init));
  for (guint i = 0; i < 3; i++) {
    weir_writer_init (&fixture->segments[i], 0);
    append_segment (&fixture->segments[i], i, WEIR_FRAGMENT_SEGMENT);
  }
  weir_codec_config_unref (configs[0]);
  weir_codec_config_unref (configs[1]);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  weir_check_free (fixture->check);
  weir_writer_clear (&fixture->init);
  for (guint i = 0; i < 3; i++)
    weir_writer_clear (&fixture->segments[i]);
}

static void
check_init (Fixture *fixture)
{
  weir_check_init_segment (fixture->check, "init", fixture->init.data, fixture->init.size);
}

static void
check_bytes (Fixture *fixture, const WeirWriter *bytes, gboolean discontinuity)
{
  /* copied, so that memory checkers see a read beyond the end */
  g_autofree guint8 *copy = g_memdup2 (bytes->data, bytes->size);

  weir_check_segment (fixture->check, "segment", copy, bytes->size, discontinuity);
}

static void
assert_no_fault (Fixture *fixture)
{
  GPtrArray *faults = weir_check_get_faults (fixture->check);

  if (faults->len > 0)
    g_error ("%s", (const gchar *) g_ptr_array_index (faults, 0));
}

static void
assert_fault (Fixture *fixture, const gchar *text)
{
  GPtrArray *faults = weir_check_get_faults (fixture->check);

  for (guint i = 0; i < faults->len; i++) {
    if (strstr (g_ptr_array_index (faults, i), text) != NULL)
      return;
  }
  g_error ("no fault says \"%s\", but %s", text,
      faults->len > 0 ? (const gchar *) g_ptr_array_index (faults, 0) : "there is none");
}

/* the place of the @nth box of @type */
static gsize
find (const WeirWriter *bytes, const gchar *type, guint nth)
{
  for (gsize i = 0; i + 4 <= bytes->size; i++) {
    if (memcmp (bytes->data + i, type, 4) == 0 && nth-- == 0)
      return i - 4;
  }
  g_assert_not_reached ();
}

static void
a_continuous_presentation_is_without_fault (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const WeirCheckTrack *tracks;

  check_init (fixture);
  for (guint i = 0; i < 3; i++)
    check_bytes (fixture, &fixture->segments[i], FALSE);
  assert_no_fault (fixture);
  g_assert_cmpuint (weir_check_get_tracks (fixture->check)->len, ==, 2);
  tracks = (const WeirCheckTrack *) weir_check_get_tracks (fixture->check)->data;
  g_assert_cmpuint (tracks[0].track_id, ==, VIDEO);
  g_assert_true (tracks[0].video);
  g_assert_cmpuint (tracks[0].timescale, ==, 90000);
  g_assert_cmpuint (tracks[0].samples, ==, 30);
  g_assert_cmpuint (tracks[0].first_decode_time, ==, 0);
  g_assert_cmpuint (tracks[0].end_decode_time, ==, 30 * VIDEO_DURATION);
  g_assert_cmpuint (tracks[0].duration, ==, 30 * VIDEO_DURATION);
  g_assert_cmpuint (tracks[0].gaps, ==, 0);
  g_assert_cmpuint (tracks[1].samples, ==, 3 * AUDIO_SAMPLES);
  g_assert_false (tracks[1].video);
}

static void
one_file_of_init_and_segments_is_taken_apart (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (WeirWriter) file = {0};

  weir_writer_init (&file, 0);
  weir_writer_bytes (&file, fixture->init.data, fixture->init.size);
  for (guint i = 0; i < 3; i++)
    weir_writer_bytes (&file, fixture->segments[i].data, fixture->segments[i].size);
  weir_check_any (fixture->check, "file", file.data, file.size);
  assert_no_fault (fixture);
  g_assert_cmpuint (
      g_array_index (weir_check_get_tracks (fixture->check), WeirCheckTrack, 0).samples, ==, 30);
}

static void
a_missing_segment_is_noticed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  check_init (fixture);
  check_bytes (fixture, &fixture->segments[0], FALSE);
  check_bytes (fixture, &fixture->segments[2], FALSE);
  assert_fault (fixture, "tfdt 72000 of track 1 does not continue at 36000");
  assert_fault (fixture, "of track 2 does not continue");
}

static void
an_announced_discontinuity_may_jump_forward (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  check_init (fixture);
  check_bytes (fixture, &fixture->segments[0], FALSE);
  check_bytes (fixture, &fixture->segments[2], TRUE);
  assert_no_fault (fixture);
  g_assert_cmpuint (
      g_array_index (weir_check_get_tracks (fixture->check), WeirCheckTrack, 0).gaps, ==, 1);
}

static void
no_discontinuity_may_jump_back (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  check_init (fixture);
  check_bytes (fixture, &fixture->segments[1], FALSE);
  check_bytes (fixture, &fixture->segments[0], TRUE);
  assert_fault (fixture, "tfdt 0 of track 1 does not continue");
}

static void
a_repeated_sequence_number_is_noticed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  weir_writer_patch_u32 (&fixture->segments[1], find (&fixture->segments[1], "mfhd", 0) + 12, 3);
  check_init (fixture);
  check_bytes (fixture, &fixture->segments[0], FALSE);
  check_bytes (fixture, &fixture->segments[1], FALSE);
  assert_fault (fixture, "sequence number 3 does not grow");
}

static void
chunks_of_two_open_segments_interleave (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (WeirWriter) first = {0}, second = {0};

  /* the audio of the first closes after the video of the second */
  weir_writer_init (&first, 0);
  weir_writer_init (&second, 0);
  append_chunk (&first, WEIR_FRAGMENT_SEGMENT, 1, VIDEO, 0, TRUE);
  append_chunk (&second, WEIR_FRAGMENT_SEGMENT, 2, VIDEO, 5 * VIDEO_DURATION, TRUE);
  append_chunk (&first, WEIR_FRAGMENT_CHUNK, 3, AUDIO, 0, TRUE);
  append_chunk (&second, WEIR_FRAGMENT_CHUNK, 4, AUDIO, 9 * AUDIO_DURATION, TRUE);
  check_init (fixture);
  check_bytes (fixture, &first, FALSE);
  check_bytes (fixture, &second, FALSE);
  assert_no_fault (fixture);
}

static void
only_cmfs_promises_a_keyframe (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (WeirWriter) segment = {0};
  guint8 *brand;

  weir_writer_init (&segment, 0);
  append_segment (&segment, 0, WEIR_FRAGMENT_SEGMENT_NOT_INDEPENDENT);
  check_init (fixture);
  check_bytes (fixture, &segment, FALSE);
  assert_no_fault (fixture);

  weir_writer_reset (&segment);
  append_segment (&segment, 1, WEIR_FRAGMENT_SEGMENT_NOT_INDEPENDENT);
  brand = segment.data + 8;
  memcpy (brand, "cmfs", 4);
  check_bytes (fixture, &segment, FALSE);
  assert_fault (fixture, "first video sample is no sync sample");
}

typedef struct {
  const gchar *name;
  const gchar *box; /* whose bytes are changed */
  guint nth;
  guint offset; /* in the box */
  guint32 value;
  const gchar *fault;
} Damage;

static const Damage damages[] = {
    {"a data offset that is off by one", "trun", 0, 16, 0x75,
        "does not point to the run's samples"},
    {"a sample count that does not fit its table", "trun", 0, 12, 4, "trun does not hold"},
    {"an absurd sample count", "trun", 1, 12, 0xffffffff, "more samples than mdat has bytes"},
    {"one sample too many", "trun", 1, 12, AUDIO_SAMPLES + 1, "samples reach beyond mdat"},
    {"one sample too few", "trun", 1, 12, AUDIO_SAMPLES - 1, "7 bytes of mdat are no sample"},
    {"an unknown track", "tfhd", 0, 12, 9, "track 9 is not in the init"},
    {"no default-base-is-moof", "tfhd", 0, 8, 0x38, "without default-base-is-moof"},
    {"a renamed tfdt", "tfdt", 0, 4, 0x66726565, "without tfdt"},
    {"a renamed mfhd", "mfhd", 0, 4, 0x66726565, "moof without mfhd"},
    {"a renamed traf", "traf", 0, 4, 0x66726565, "moof with 0 traf boxes"},
    {"a renamed trun", "trun", 0, 4, 0x66726565, "traf without trun"},
    {"a renamed mdat", "mdat", 0, 4, 0x66726565, "free where the mdat of a moof should be"},
    {"a renamed moof", "moof", 1, 4, 0x77696465, "wide does not belong there"},
    {"a mdat that ends early", "mdat", 0, 0, 60, "broken or incomplete box"},
    {"a mdat beyond the end", "mdat", 2, 0, 1000, "broken or incomplete box"},
    {"a traf beyond its moof", "traf", 0, 0, 1000, "broken box in moof"},
    {"a NAL unit beyond its sample", "mdat", 0, 8, 9, "does not add up"},
    {"a sync sample without IDR", "mdat", 0, 11, 0x08419999,
        "sync sample in track 1 is no keyframe"},
    {"a duration of 0", "tfhd", 0, 16, 0, "sample of duration 0"},
};

static void
damage_is_noticed (Fixture *fixture, gconstpointer data)
{
  const Damage *damage = data;
  WeirWriter *segment = &fixture->segments[0];

  weir_writer_patch_u32 (
      segment, find (segment, damage->box, damage->nth) + damage->offset, damage->value);
  check_init (fixture);
  check_bytes (fixture, segment, FALSE);
  assert_fault (fixture, damage->fault);
}

static const Damage init_damages[] = {
    {"one CMAF brand of two", "ftyp", 0, 20, 0x69736f6d, NULL},
    {"no timescale", "mdhd", 0, 20, 0, "timescale is 0"},
    {"track 0", "tkhd", 0, 20, 0, "track_ID or timescale is 0"},
    {"the same track twice", "tkhd", 1, 20, 1, "track_ID 1 twice"},
    {"trex of another track", "trex", 0, 12, 7, "no trex for track 1"},
    {"no mvex", "mvex", 0, 4, 0x66726565, "moov without mvex"},
    {"no hdlr", "hdlr", 0, 4, 0x66726565, "mdia without hdlr"},
    {"samples in the init", "stts", 0, 12, 1, "stts is not empty"},
    {"samples in the init by size", "stsz", 0, 16, 1, "stsz is not empty"},
    {"two sample entries", "stsd", 0, 12, 2, "one sample entry"},
    {"a broken configuration", "avcC", 0, 8, 0x024d401e, "configurationVersion"},
    {"no configuration", "avcC", 0, 4, 0x66726565, "avc1 without avcC"},
    {"no moov", "moov", 0, 4, 0x66726565, "no moov"},
};

static void
damage_of_the_init_is_noticed (Fixture *fixture, gconstpointer data)
{
  const Damage *damage = data;
  WeirWriter *init = &fixture->init;

  weir_writer_patch_u32 (
      init, find (init, damage->box, damage->nth) + damage->offset, damage->value);
  check_init (fixture);
  if (damage->fault != NULL)
    assert_fault (fixture, damage->fault);
  else
    assert_no_fault (fixture);
}

static void
an_edit_list_in_a_cmf2_track_is_noticed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (WeirWriter) init = {0};
  gsize place = find (&fixture->init, "mdia", 0), box;
  gsize trak = find (&fixture->init, "trak", 0), moov = find (&fixture->init, "moov", 0);
  WeirReader size;

  weir_writer_init (&init, 0);
  weir_writer_bytes (&init, fixture->init.data, place);
  box = weir_box_begin (&init, "edts");
  weir_box_end (&init, box);
  weir_writer_bytes (&init, fixture->init.data + place, fixture->init.size - place);
  weir_reader_init (&size, init.data + trak, 4);
  weir_writer_patch_u32 (&init, trak, weir_reader_u32 (&size) + 8);
  weir_reader_init (&size, init.data + moov, 4);
  weir_writer_patch_u32 (&init, moov, weir_reader_u32 (&size) + 8);
  weir_check_init_segment (fixture->check, "init", init.data, init.size);
  assert_fault (fixture, "edit list in a cmf2 track");
  g_assert_cmpuint (weir_check_get_faults (fixture->check)->len, ==, 1);
}

static void
a_segment_needs_an_init_and_a_styp (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (WeirWriter) segment = {0};

  check_bytes (fixture, &fixture->segments[0], FALSE);
  assert_fault (fixture, "segment before an init");
  check_init (fixture);
  weir_writer_init (&segment, 0);
  append_chunk (&segment, WEIR_FRAGMENT_CHUNK, 1, VIDEO, 0, TRUE);
  check_bytes (fixture, &segment, FALSE);
  assert_fault (fixture, "segment without styp");
}

static void
faults_are_bounded (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  check_init (fixture);
  for (guint i = 0; i < 200; i++)
    check_bytes (fixture, &fixture->segments[0], FALSE);
  g_assert_cmpuint (weir_check_get_faults (fixture->check)->len, ==, 100);
}

static void
every_cut_of_a_segment_is_noticed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const WeirWriter *segment = &fixture->segments[0];
  gsize ends[3] = {0}; /* of the chunks */

  ends[0] = find (segment, "moof", 1);
  ends[1] = find (segment, "moof", 2);
  ends[2] = segment->size;
  for (gsize size = 0; size <= segment->size; size++) {
    g_autoptr (WeirCheck) check = weir_check_new ();
    g_autofree guint8 *copy = g_memdup2 (segment->data, size);
    gsize complete = 0;

    for (guint i = 0; i < 3; i++) {
      if (size >= ends[i])
        complete = ends[i];
    }
    weir_check_init_segment (check, "init", fixture->init.data, fixture->init.size);
    weir_check_segment (check, "segment", copy, size, FALSE);
    g_assert_cmpint (weir_check_get_faults (check)->len == 0, ==, complete > 0 && size == complete);
  }
}

static void
inits_of_every_video_codec_are_without_fault (void)
{
  static const struct {
    WeirCodec codec;
    const gchar *record;
  } cases[] = {
      {WEIR_CODEC_AVC, RECORD_HIGH_576P25_SAR_64_45},
      {WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_10_HDR_1080P2997},
      {WEIR_CODEC_AV1, RECORD_AV1_10_HDR_720P30},
      {WEIR_CODEC_VP8, RECORD_VP8},
      {WEIR_CODEC_VP9, RECORD_VP9_BT709},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirCodecConfig) plain = test_config (cases[i].codec, cases[i].record);
    g_autoptr (WeirCodecConfig) config = weir_codec_config_with_size (plain, 640, 360);
    g_autoptr (GBytes) init = weir_init_segment_write (&config, 1, -1);
    g_autofree guint8 *copy = NULL;
    Fixture fixture = {.check = weir_check_new ()};
    gsize size, at = 0;
    const guint8 *data = g_bytes_get_data (init, &size);

    weir_check_init_segment (fixture.check, "init", data, size);
    assert_no_fault (&fixture);

    /* the first byte of a broken record is noticed */
    copy = g_memdup2 (data, size);
    while (at + 5 < size && memcmp (copy + at, "avcC", 4) != 0 &&
           memcmp (copy + at, "hvcC", 4) != 0 && memcmp (copy + at, "av1C", 4) != 0 &&
           memcmp (copy + at, "vpcC", 4) != 0)
      at++;
    copy[at + 4] = 0x7f;
    weir_check_init_segment (fixture.check, "init", copy, size);
    assert_fault (&fixture, "configuration");
    weir_check_free (fixture.check);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/segment/check/" #name, Fixture, NULL, set_up, name, tear_down)
  g_test_add_func ("/segment/check/inits_of_every_video_codec_are_without_fault",
      inits_of_every_video_codec_are_without_fault);
  ADD (a_continuous_presentation_is_without_fault);
  ADD (one_file_of_init_and_segments_is_taken_apart);
  ADD (a_missing_segment_is_noticed);
  ADD (an_announced_discontinuity_may_jump_forward);
  ADD (no_discontinuity_may_jump_back);
  ADD (a_repeated_sequence_number_is_noticed);
  ADD (chunks_of_two_open_segments_interleave);
  ADD (only_cmfs_promises_a_keyframe);
  ADD (an_edit_list_in_a_cmf2_track_is_noticed);
  ADD (a_segment_needs_an_init_and_a_styp);
  ADD (faults_are_bounded);
  ADD (every_cut_of_a_segment_is_noticed);
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_autofree gchar *path = g_strdup_printf ("/segment/check/damage/%s", damages[i].name);

    g_test_add (path, Fixture, &damages[i], set_up, damage_is_noticed, tear_down);
  }
  for (guint i = 0; i < G_N_ELEMENTS (init_damages); i++) {
    g_autofree gchar *path = g_strdup_printf ("/segment/check/init/%s", init_damages[i].name);

    g_test_add (path, Fixture, &init_damages[i], set_up, damage_of_the_init_is_noticed, tear_down);
  }
  return g_test_run ();
}
