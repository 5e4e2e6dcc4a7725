/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/salvage.h"

#include "records.h"
#include "segment/fragment.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

enum { VIDEO, AUDIO, TRACKS };

typedef struct {
  gchar *folder;
  gchar *path;
  GPtrArray *configs;
  GByteArray *content;
  WeirIndexSegment *segment;
  gsize styp_size;
  gsize chunks[8]; /* where each ends */
  guint count;
} Fixture;

/* one sample: a NAL unit for video, anything for audio; neither is decoded */
static void
append_sample (GByteArray *content, guint track, gsize size, gboolean keyframe)
{
  gsize start = content->len;

  g_byte_array_set_size (content, (guint) (start + size));
  memset (content->data + start, 0x5a, size);
  if (track == VIDEO) {
    content->data[start] = content->data[start + 1] = content->data[start + 2] = 0;
    content->data[start + 3] = (guint8) (size - 4);
    content->data[start + 4] = keyframe ? 0x65 : 0x41;
  }
}

static void
append_chunk (Fixture *fixture, guint track, guint64 decode_time, const WeirFragmentSample *samples,
    guint count)
{
  WeirFragmentStart start = fixture->count == 0 ? WEIR_FRAGMENT_SEGMENT : WEIR_FRAGMENT_CHUNK;
  gsize styp_size;
  g_autoptr (GBytes) header = weir_fragment_write_header (
      start, fixture->count + 1, track + 1, decode_time, samples, count, &styp_size);

  if (fixture->count == 0)
    fixture->styp_size = styp_size;
  g_byte_array_append (
      fixture->content, g_bytes_get_data (header, NULL), (guint) g_bytes_get_size (header));
  for (guint i = 0; i < count; i++)
    append_sample (fixture->content, track, samples[i].size, samples[i].keyframe);
  fixture->chunks[fixture->count++] = fixture->content->len;
}

/* video, audio, video: 3 + 2 + 2 samples */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  const WeirFragmentSample first[] = {
      {100, 3000, 3000, TRUE}, {50, 3000, 6000, FALSE}, {60, 3003, 0, FALSE}};
  const WeirFragmentSample audio[] = {{30, 1024, 0, TRUE}, {30, 1024, 0, TRUE}};
  const WeirFragmentSample second[] = {{70, 3000, 0, FALSE}, {80, 3000, 0, FALSE}};

  (void) data;
  fixture->folder = g_dir_make_tmp ("weir-salvage-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "b-7.open", NULL);
  fixture->configs = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
  g_ptr_array_add (fixture->configs, test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30));
  g_ptr_array_add (fixture->configs, test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO));
  fixture->content = g_byte_array_new ();
  append_chunk (fixture, VIDEO, 900000, first, G_N_ELEMENTS (first));
  append_chunk (fixture, AUDIO, 480000, audio, G_N_ELEMENTS (audio));
  append_chunk (fixture, VIDEO, 909003, second, G_N_ELEMENTS (second));
  fixture->segment = weir_index_segment_new (7, 3);
  fixture->segment->start_ns = 11;
  fixture->segment->program_date_us = 12;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
  g_ptr_array_unref (fixture->configs);
  g_byte_array_unref (fixture->content);
  weir_index_segment_unref (fixture->segment);
}

static void
write_spool (Fixture *fixture, gsize size)
{
  g_assert_true (g_file_set_contents (
      fixture->path, (const gchar *) fixture->content->data, (gssize) size, NULL));
}

static const WeirIndexPart *
get_part (Fixture *fixture, guint track, guint part)
{
  const WeirIndexTrack *entry = fixture->segment->tracks->pdata[track];

  g_assert_cmpuint (part, <, entry->parts->len);
  return &g_array_index (entry->parts, WeirIndexPart, part);
}

static guint
count_parts (Fixture *fixture, guint track)
{
  const WeirIndexTrack *entry;

  if (track >= fixture->segment->tracks->len)
    return 0;
  entry = fixture->segment->tracks->pdata[track];
  return entry->parts->len;
}

/* salvages what @size bytes of the file hold and expects the first @chunks chunks of it */
static void
assert_salvaged (Fixture *fixture, gsize size, guint chunks)
{
  g_autofree gchar *salvaged = NULL;
  g_autofree gchar *content = NULL;
  g_autofree gchar *expected_path = g_build_filename (fixture->folder, "b-7.salvaged", NULL);
  g_autofree gchar *spool = NULL;
  g_autoptr (GError) error = NULL;
  gsize expected = fixture->chunks[chunks - 1];
  gsize salvaged_size, spool_size;

  write_spool (fixture, size);
  g_assert_true (
      weir_salvage_segment (fixture->path, fixture->configs, fixture->segment, &salvaged, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (salvaged, ==, expected_path);
  g_assert_true (g_file_get_contents (salvaged, &content, &salvaged_size, NULL));
  g_assert_cmpmem (content, salvaged_size, fixture->content->data, expected);
  /* never truncated in place */
  g_assert_true (g_file_get_contents (fixture->path, &spool, &spool_size, NULL));
  g_assert_cmpuint (spool_size, ==, size);
  g_assert_cmpuint (fixture->segment->size, ==, expected);
  g_assert_cmpuint (fixture->segment->styp_size, ==, fixture->styp_size);
  g_assert_true (fixture->segment->salvaged);
  g_assert_true (fixture->segment->closed);
  g_assert_cmpuint (count_parts (fixture, VIDEO), ==, (chunks + 1) / 2);
  g_assert_cmpuint (count_parts (fixture, AUDIO), ==, chunks / 2);
  g_unlink (salvaged);
}

static void
assert_refused (Fixture *fixture, gsize size)
{
  g_autofree gchar *expected_path = g_build_filename (fixture->folder, "b-7.salvaged", NULL);
  g_autoptr (GError) error = NULL;
  gchar *salvaged = NULL;

  write_spool (fixture, size);
  g_assert_false (
      weir_salvage_segment (fixture->path, fixture->configs, fixture->segment, &salvaged, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_null (salvaged);
  g_assert_false (g_file_test (expected_path, G_FILE_TEST_EXISTS));
  g_assert_false (fixture->segment->salvaged);
  g_assert_false (fixture->segment->closed);
  g_assert_cmpuint (fixture->segment->size, ==, 0);
  g_assert_cmpuint (fixture->segment->tracks->len, ==, 0);
}

static void
a_whole_file_gives_all_parts (Fixture *fixture, gconstpointer data)
{
  const WeirIndexPart *part;

  (void) data;
  assert_salvaged (fixture, fixture->content->len, 3);
  part = get_part (fixture, VIDEO, 0);
  g_assert_cmpuint (part->offset, ==, fixture->styp_size);
  g_assert_cmpuint (part->size, ==, fixture->chunks[0] - fixture->styp_size);
  g_assert_cmpuint (part->decode_time, ==, 900000);
  g_assert_cmpuint (part->duration, ==, 9003);
  g_assert_cmpuint (part->sample_count, ==, 3);
  g_assert_true (part->independent);
  part = get_part (fixture, AUDIO, 0);
  g_assert_cmpuint (part->offset, ==, fixture->chunks[0]);
  g_assert_cmpuint (part->size, ==, fixture->chunks[1] - fixture->chunks[0]);
  g_assert_cmpuint (part->decode_time, ==, 480000);
  g_assert_cmpuint (part->duration, ==, 2048);
  g_assert_true (part->independent);
  part = get_part (fixture, VIDEO, 1);
  g_assert_cmpuint (part->offset, ==, fixture->chunks[1]);
  g_assert_cmpuint (part->decode_time, ==, 909003);
  g_assert_cmpuint (part->duration, ==, 6000);
  g_assert_cmpuint (part->sample_count, ==, 2);
  g_assert_false (part->independent);
  g_assert_true (fixture->segment->independent);
  /* 15003 of 90000 ticks a second */
  g_assert_cmpint (fixture->segment->duration_ns, ==, 166700000);
  g_assert_cmpuint (fixture->segment->number, ==, 7);
  g_assert_cmpuint (fixture->segment->epoch, ==, 3);
  g_assert_cmpint (fixture->segment->start_ns, ==, 11);
  g_assert_cmpint (fixture->segment->program_date_us, ==, 12);
}

static void
tracks_of_other_codecs_are_salvaged_too (Fixture *fixture, gconstpointer data)
{
  const WeirFragmentSample key[] = {{40, 3600, 0, TRUE}};
  const WeirFragmentSample other[] = {{50, 3600, 0, FALSE}};
  const WeirFragmentSample sound[] = {{128, 1536, 0, TRUE}};
  const guint8 hevc[] = {0, 0, 0, 36, 19 << 1, 1}; /* IDR_W_RADL */
  const guint8 avc[] = {0, 0, 0, 46, 0x41};
  const guint8 ac3[] = {0x0b, 0x77, 0, 0, 0, 8 << 3, 2 << 5}; /* 32 kbit/s at 48 kHz */
  const WeirIndexTrack *track;

  (void) data;
  g_ptr_array_set_size (fixture->configs, 0);
  g_ptr_array_add (fixture->configs, test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_180P25));
  g_ptr_array_add (fixture->configs, test_config (WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K));
  g_ptr_array_add (fixture->configs, test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25));
  g_byte_array_set_size (fixture->content, 0);
  fixture->count = 0;
  /* the second video track first, without a keyframe: the first one is the segment's reference */
  append_chunk (fixture, 2, 903600, other, 1);
  memcpy (fixture->content->data + fixture->content->len - 50, avc, sizeof avc);
  append_chunk (fixture, 1, 480000, sound, 1);
  memcpy (fixture->content->data + fixture->content->len - 128, ac3, sizeof ac3);
  append_chunk (fixture, 0, 900000, key, 1);
  memcpy (fixture->content->data + fixture->content->len - 40, hevc, sizeof hevc);
  g_assert_cmpuint (weir_salvage_scan (fixture->content->data, fixture->content->len,
                        fixture->configs, fixture->segment),
      ==, fixture->content->len);
  g_assert_true (fixture->segment->independent);
  g_assert_cmpint (fixture->segment->duration_ns, ==, 40000000);
  g_assert_cmpuint (fixture->segment->tracks->len, ==, 3);
  track = fixture->segment->tracks->pdata[2];
  g_assert_false (g_array_index (track->parts, WeirIndexPart, 0).independent);
  track = fixture->segment->tracks->pdata[1];
  g_assert_cmpuint (g_array_index (track->parts, WeirIndexPart, 0).duration, ==, 1536);
}

static void
a_file_torn_anywhere_gives_the_chunks_before (Fixture *fixture, gconstpointer data)
{
  (void) data;
  /* a prime step goes through headers and media alike; each success costs a sync */
  for (gsize size = 0; size < fixture->content->len; size += 5) {
    guint chunks = size >= fixture->chunks[1] ? 2 : size >= fixture->chunks[0] ? 1 : 0;

    weir_index_segment_unref (fixture->segment);
    fixture->segment = weir_index_segment_new (7, 3);
    if (chunks == 0)
      assert_refused (fixture, size);
    else
      assert_salvaged (fixture, size, chunks);
  }
}

static void
the_byte_before_an_end_decides (Fixture *fixture, gconstpointer data)
{
  (void) data;
  assert_refused (fixture, 0);
  assert_refused (fixture, fixture->chunks[0] - 1);
  assert_salvaged (fixture, fixture->chunks[0], 1);
  weir_index_segment_unref (fixture->segment);
  fixture->segment = weir_index_segment_new (7, 3);
  assert_salvaged (fixture, fixture->chunks[1] - 1, 1);
  weir_index_segment_unref (fixture->segment);
  fixture->segment = weir_index_segment_new (7, 3);
  assert_salvaged (fixture, fixture->chunks[1], 2);
}

static void
media_that_never_reached_the_disk_is_left_out (Fixture *fixture, gconstpointer data)
{
  /* the last chunk's payload: both samples as zeros */
  (void) data;
  memset (fixture->content->data + fixture->content->len - 150, 0, 150);
  assert_salvaged (fixture, fixture->content->len, 2);
}

static void
zeros_behind_the_last_chunk_are_left_out (Fixture *fixture, gconstpointer data)
{
  (void) data;
  g_byte_array_set_size (fixture->content, fixture->content->len + 4096);
  memset (fixture->content->data + fixture->chunks[2], 0, 4096);
  assert_salvaged (fixture, fixture->content->len, 3);
}

static void
a_sample_whose_framing_is_broken_ends_the_salvage (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->content->data[fixture->content->len - 80 + 2] = 0xff; /* the NAL unit's length */
  assert_salvaged (fixture, fixture->content->len, 2);
}

static void
a_chunk_of_a_track_without_configuration_ends_the_salvage (Fixture *fixture, gconstpointer data)
{
  (void) data;
  g_clear_pointer (&fixture->configs->pdata[AUDIO], weir_codec_config_unref);
  g_ptr_array_set_free_func (fixture->configs, NULL);
  assert_salvaged (fixture, fixture->content->len, 1);
  weir_codec_config_unref (fixture->configs->pdata[VIDEO]);
}

static void
flipped_bits_never_lead_beyond_the_file (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *salvaged = NULL;

  (void) data;
  for (gsize position = 0; position < fixture->content->len * 8; position++) {
    guint8 *byte = &fixture->content->data[position / 8];
    g_autoptr (WeirIndexSegment) segment = weir_index_segment_new (7, 3);

    *byte ^= (guint8) (1 << position % 8);
    write_spool (fixture, fixture->content->len);
    *byte ^= (guint8) (1 << position % 8);
    g_clear_pointer (&salvaged, g_free);
    if (weir_salvage_segment (fixture->path, fixture->configs, segment, &salvaged, NULL)) {
      g_assert_cmpuint (segment->size, <=, fixture->content->len);
      g_unlink (salvaged);
    }
    position += 28; /* each success costs a sync; coprime to 8 with the loop's own step */
  }
}

static void
a_leftover_of_an_interrupted_start_is_replaced (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *leftover = g_build_filename (fixture->folder, "b-7.salvaged", NULL);

  (void) data;
  g_assert_true (g_file_set_contents (leftover, "half", -1, NULL));
  assert_salvaged (fixture, fixture->content->len, 3);
}

static void
a_missing_file_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gchar *salvaged = NULL;

  (void) data;
  g_assert_false (
      weir_salvage_segment (fixture->path, fixture->configs, fixture->segment, &salvaged, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
an_object_is_taken_whole_or_not_at_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
  write_spool (fixture, fixture->chunks[2]);
  g_assert_true (weir_salvage_object (open (fixture->path, O_RDONLY | O_CLOEXEC), "b/3-7.m4s",
      fixture->configs, fixture->segment, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->segment->size, ==, fixture->chunks[2]);
  g_assert_cmpuint (count_parts (fixture, VIDEO), ==, 2);
  write_spool (fixture, fixture->chunks[2] - 1);
  g_assert_false (weir_salvage_object (open (fixture->path, O_RDONLY | O_CLOEXEC), "b/3-7.m4s",
      fixture->configs, fixture->segment, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
the_journal_is_read_as_far_as_it_is_whole (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *entry = weir_index_segment_to_json (fixture->segment);
  g_autofree gchar *deep = g_strnfill (5000, '[');
  g_autofree gchar *text = g_strdup_printf ("{\"inits\":[1]}\n%s\n{\"segment\":%s}\n{\"segment\":{}"
                                            "}\n\n{\"inits\":[2]}\n{\"segment\":%s}\n{"
                                            "\"inits\":[3",
      deep, entry, entry);
  g_autoptr (WeirJournal) journal = NULL;
  g_autoptr (WeirJournal) none = weir_journal_parse (NULL, 0);

  (void) data;
  journal = weir_journal_parse (text, strlen (text));
  g_assert_cmpstr (journal->inits, ==, "[2]");
  g_assert_cmpuint (journal->segments->len, ==, 2);
  g_assert_cmpuint (((WeirIndexSegment *) journal->segments->pdata[1])->number, ==, 7);
  g_assert_null (none->inits);
  g_assert_cmpuint (none->segments->len, ==, 0);
}

#define UID_A "0123456789abcdef0123456789abcdef"
#define UID_B "fedcba9876543210fedcba9876543210"

static void
names_that_are_not_ours_are_left_alone (Fixture *fixture, gconstpointer data)
{
  static const gchar *const others[] = {"", UID_A, UID_A ".open", UID_A "-1.open", UID_A "-1-.open",
      UID_A "-1-2.m4s", UID_A "-1-2.open.bak", UID_A "-x-2.open", "A" UID_A "-1-2.open",
      UID_A "-1-99999999999999999999.open", UID_A "-1-2-3.open", "../" UID_A ".journal"};
  WeirSpoolName parts;

  (void) fixture;
  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (weir_spool_name_parse (others[i], &parts));
  g_assert_true (weir_spool_name_parse (UID_A "-12-345.open", &parts));
  g_assert_cmpint (parts.kind, ==, WEIR_SPOOL_OPEN);
  g_assert_cmpstr (parts.uid, ==, UID_A);
  g_assert_cmpuint (parts.epoch, ==, 12);
  g_assert_cmpuint (parts.number, ==, 345);
  g_assert_true (weir_spool_name_parse (UID_A "-12-345.salvaged", &parts));
  g_assert_cmpint (parts.kind, ==, WEIR_SPOOL_SALVAGED);
  g_assert_true (weir_spool_name_parse (UID_A ".journal", &parts));
  g_assert_cmpint (parts.kind, ==, WEIR_SPOOL_JOURNAL);
}

static void
files_of_broadcasts_that_are_over_are_removed (Fixture *fixture, gconstpointer data)
{
  static const gchar *const names[] = {UID_A "-1-2.open", UID_A "-1-3.salvaged", UID_A ".journal",
      UID_B "-1-2.open", UID_B ".journal", "notes.txt"};
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) left = g_string_new (NULL);

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (fixture->folder, names[i], NULL);

    g_assert_true (g_file_set_contents (path, "x", 1, NULL));
  }
  g_hash_table_add (known, (gpointer) UID_B);
  g_assert_cmpuint (weir_spool_remove_others (fixture->folder, known), ==, 3);
  g_assert_cmpuint (weir_spool_remove_others (fixture->folder, known), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (fixture->folder, names[i], NULL);

    g_string_append_c (left, g_file_test (path, G_FILE_TEST_EXISTS) ? 'x' : '-');
  }
  g_assert_cmpstr (left->str, ==, "---xxx");
  weir_spool_remove (fixture->folder, UID_B);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (fixture->folder, names[i], NULL);

    g_assert_cmpint (g_unlink (path) == 0, ==, i == 5);
  }
}

#define ADD(test) g_test_add ("/broadcast/salvage/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_whole_file_gives_all_parts);
  ADD (tracks_of_other_codecs_are_salvaged_too);
  ADD (a_file_torn_anywhere_gives_the_chunks_before);
  ADD (the_byte_before_an_end_decides);
  ADD (media_that_never_reached_the_disk_is_left_out);
  ADD (zeros_behind_the_last_chunk_are_left_out);
  ADD (a_sample_whose_framing_is_broken_ends_the_salvage);
  ADD (a_chunk_of_a_track_without_configuration_ends_the_salvage);
  ADD (flipped_bits_never_lead_beyond_the_file);
  ADD (a_leftover_of_an_interrupted_start_is_replaced);
  ADD (a_missing_file_is_an_error);
  ADD (an_object_is_taken_whole_or_not_at_all);
  ADD (the_journal_is_read_as_far_as_it_is_whole);
  ADD (names_that_are_not_ours_are_left_alone);
  ADD (files_of_broadcasts_that_are_over_are_removed);
  return g_test_run ();
}
