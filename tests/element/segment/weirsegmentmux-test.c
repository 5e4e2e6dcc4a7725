/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media.h"
#include "segment/check.h"
#include "segment/weirsegmentmux.h"

typedef struct {
  GstElement *mux;
  GstHarness *video, *audio;
  GByteArray *bytes;
} Fixture;

static void
set_up (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  f->mux = gst_element_factory_make ("weirsegmentmux", NULL);
  g_assert_nonnull (f->mux);
  gst_object_ref_sink (f->mux);
  f->video = gst_harness_new_with_element (f->mux, "video_0", "src");
  f->audio = gst_harness_new_with_element (f->mux, "audio_0", NULL);
  media_set_caps (f->video, WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
  media_set_caps (f->audio, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
  f->bytes = g_byte_array_new ();
}

static void
tear_down (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  gst_harness_teardown (f->audio);
  gst_harness_teardown (f->video);
  gst_object_unref (f->mux);
  g_byte_array_unref (f->bytes);
}

static void
take_bytes (Fixture *f)
{
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (f->video)) != NULL) {
    GstMapInfo map;

    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (f->bytes, map.data, (guint) map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
}

static void
check_bytes (Fixture *f, guint64 video_samples, guint64 audio_samples)
{
  g_autoptr (WeirCheck) check = weir_check_new ();
  GPtrArray *faults;
  GArray *tracks;

  weir_check_any (check, "output", f->bytes->data, f->bytes->len);
  faults = weir_check_get_faults (check);
  if (faults->len > 0)
    g_error ("%s", (const gchar *) g_ptr_array_index (faults, 0));
  tracks = weir_check_get_tracks (check);
  g_assert_cmpuint (tracks->len, ==, 2);
  g_assert_cmpuint (g_array_index (tracks, WeirCheckTrack, 0).samples, ==, video_samples);
  g_assert_cmpuint (g_array_index (tracks, WeirCheckTrack, 1).samples, ==, audio_samples);
}

static void
what_comes_out_is_one_valid_file (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  media_push (f->video, f->audio, 0, 7 * GST_SECOND);
  g_assert_true (gst_harness_push_event (f->video, gst_event_new_eos ()));
  g_assert_true (gst_harness_push_event (f->audio, gst_event_new_eos ()));
  take_bytes (f);
  check_bytes (f, 7 * 25, 7 * 50);
}

static void
a_language_of_the_tags_is_in_the_init (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstTagList *tags = gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "ger", GST_TAG_TITLE, "Ton", NULL);
  GstTagList *others = gst_tag_list_new (GST_TAG_BITRATE, 128000, NULL);
  GstTagList *global = gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "fr", NULL);
  gboolean found = FALSE;

  gst_tag_list_set_scope (global, GST_TAG_SCOPE_GLOBAL);
  g_assert_true (gst_harness_push_event (f->audio, gst_event_new_tag (tags)));
  /* neither says something of the track's language */
  g_assert_true (gst_harness_push_event (f->audio, gst_event_new_tag (others)));
  g_assert_true (gst_harness_push_event (f->audio, gst_event_new_tag (global)));
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  g_assert_true (gst_harness_push_event (f->video, gst_event_new_eos ()));
  g_assert_true (gst_harness_push_event (f->audio, gst_event_new_eos ()));
  take_bytes (f);
  for (guint i = 0; i + 11 <= MIN (f->bytes->len, 2048) && !found; i++)
    found = memcmp (f->bytes->data + i, "elng\0\0\0\0de", 11) == 0;
  g_assert_true (found);
  check_bytes (f, 3 * 25, 3 * 50);
}

static void
the_end_goes_on_when_all_pads_are_at_theirs (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstEvent *event;
  gboolean eos = FALSE;

  media_push (f->video, f->audio, 0, 1 * GST_SECOND);
  gst_harness_push_event (f->audio, gst_event_new_eos ());
  while ((event = gst_harness_try_pull_event (f->video)) != NULL) {
    g_assert_cmpint (GST_EVENT_TYPE (event), !=, GST_EVENT_EOS);
    gst_event_unref (event);
  }
  gst_harness_push_event (f->video, gst_event_new_eos ());
  while ((event = gst_harness_try_pull_event (f->video)) != NULL) {
    eos = eos || GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  g_assert_true (eos);
}

static void
buffers_are_flagged_and_hold_what_came_in (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstBuffer *input = media_make (TRUE, 0, TRUE);
  GstBuffer *buffer;
  g_autofree gpointer data_in = NULL;
  gsize size_in;

  gst_buffer_extract_dup (input, 0, gst_buffer_get_size (input), &data_in, &size_in);
  gst_harness_push (f->video, input);
  media_push (f->video, NULL, 40 * GST_MSECOND, 1000 * GST_MSECOND);
  buffer = gst_harness_pull (f->video); /* the init segment */
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT));
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (f->video); /* styp, moof, mdat */
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER));
  g_assert_false (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, 0);
  g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==, 480 * GST_MSECOND);
  gst_buffer_unref (buffer);
  for (guint i = 0; i < 12; i++) {
    buffer = gst_harness_pull (f->video);
    g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));
    g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER), ==, i == 11);
    if (i == 0) {
      g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size_in);
      g_assert_cmpint (gst_buffer_memcmp (buffer, 0, data_in, size_in), ==, 0);
    }
    gst_buffer_unref (buffer);
  }
  buffer = gst_harness_pull (f->video); /* the next chunk's header */
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (buffer);
}

static void
a_changed_configuration_brings_a_new_init (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstBuffer *buffer;
  guint inits = 0;

  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  media_set_caps (f->video, WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  media_push (f->video, f->audio, 3 * GST_SECOND, 5 * GST_SECOND);
  while ((buffer = gst_harness_try_pull (f->video)) != NULL) {
    inits += GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    gst_buffer_unref (buffer);
  }
  g_assert_cmpuint (inits, ==, 2);
}

static void
a_buffer_of_several_memories_comes_out_whole (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  for (guint i = 0; i < 30; i++) {
    GstBuffer *buffer = media_make (TRUE, i * 40 * GST_MSECOND, i == 0);
    GstBuffer *rest = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 20, -1);

    gst_buffer_resize (buffer, 0, 20);
    buffer = gst_buffer_append (buffer, rest);
    g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, 2);
    g_assert_cmpint (gst_harness_push (f->video, buffer), ==, GST_FLOW_OK);
    gst_harness_push (f->audio, media_make (FALSE, i * 40 * GST_MSECOND, TRUE));
  }
  gst_harness_push_event (f->video, gst_event_new_eos ());
  gst_harness_push_event (f->audio, gst_event_new_eos ());
  take_bytes (f);
  check_bytes (f, 30, 30);
}

static void
tracks_that_are_not_live_are_put_in_order (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstHarness *harnesses[2] = {f->video, f->audio};

  /* the harness says that it is live unless the query is answered by someone else */
  for (guint i = 0; i < 2; i++)
    gst_pad_set_query_function (harnesses[i]->srcpad, gst_pad_query_default);
  media_push (f->video, NULL, 0, 6 * GST_SECOND);
  for (guint i = 0; i < 300; i++)
    gst_harness_push (f->audio, media_make (FALSE, i * 20 * GST_MSECOND, TRUE));
  gst_harness_push_event (f->video, gst_event_new_eos ());
  gst_harness_push_event (f->audio, gst_event_new_eos ());
  take_bytes (f);
  check_bytes (f, 150, 300);
  {
    g_autoptr (GstStructure) stats = NULL;
    guint64 late;

    g_object_get (f->mux, "stats", &stats, NULL);
    g_assert_true (gst_structure_get_uint64 (stats, "late-samples", &late));
    g_assert_cmpuint (late, ==, 0);
  }
}

static void
it_goes_up_and_down_through_all_states_twice (void)
{
  g_autoptr (GstElement) mux =
      gst_object_ref_sink (gst_element_factory_make ("weirsegmentmux", NULL));
  static const GstState states[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (states); i++)
    g_assert_cmpint (gst_element_set_state (mux, states[i % G_N_ELEMENTS (states)]), ==,
        GST_STATE_CHANGE_SUCCESS);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/weirsegmentmux/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (what_comes_out_is_one_valid_file);
  ADD (a_language_of_the_tags_is_in_the_init);
  ADD (the_end_goes_on_when_all_pads_are_at_theirs);
  ADD (buffers_are_flagged_and_hold_what_came_in);
  ADD (a_changed_configuration_brings_a_new_init);
  ADD (a_buffer_of_several_memories_comes_out_whole);
  ADD (tracks_that_are_not_live_are_put_in_order);
  g_test_add_func ("/weirsegmentmux/it_goes_up_and_down_through_all_states_twice",
      it_goes_up_and_down_through_all_states_twice);
  return g_test_run ();
}
