/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline/weirsanitizer.h"
#include "gst/mediacaps.h"
#include "records.h"

/*
 * A sanitizer between pads of our own. What comes out is noted as text, in order over both tracks:
 * "V:stream-start V:caps V:segment v0! v40 A:eos"; "!" is DISCONT, "k" a keyframe.
 */
typedef struct {
  WeirManualClock clock;
  WeirSanitizer *sanitizer;
  GstBus *bus;
  GstPad *in[2], *out[2];
  GMutex lock;
  GString *text;
  GstFlowReturn flow[2];
  guint connection;
} Bench;

static GstStaticPadTemplate out_template =
    GST_STATIC_PAD_TEMPLATE ("out", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn
out_chain (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  Bench *self = gst_pad_get_element_private (pad);
  guint track = pad == self->out[1];

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->text, " %c%g", "va"[track], GST_BUFFER_DTS (buffer) / 1e6);
  if (GST_BUFFER_PTS (buffer) != GST_BUFFER_DTS (buffer))
    g_string_append_printf (self->text, "c%g",
        ((gdouble) GST_BUFFER_PTS (buffer) - (gdouble) GST_BUFFER_DTS (buffer)) / 1e6);
  if (track == 0 && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    g_string_append_c (self->text, 'k');
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    g_string_append_c (self->text, '!');
  g_mutex_unlock (&self->lock);
  gst_buffer_unref (buffer);
  return self->flow[track];
}

static gboolean
out_event (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstEvent *event)
{
  Bench *self = gst_pad_get_element_private (pad);
  GstClockTime time;

  g_mutex_lock (&self->lock);
  g_string_append_printf (
      self->text, " %c:%s", "VA"[pad == self->out[1]], GST_EVENT_TYPE_NAME (event));
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
    gst_event_parse_gap (event, &time, NULL);
    g_string_append_printf (self->text, "%g", time / 1e6);
  }
  g_mutex_unlock (&self->lock);
  gst_event_unref (event);
  return TRUE;
}

static void
bench_init (Bench *self)
{
  static const gchar *const names[2][2] = {{"video_0", "video_src_0"}, {"audio_0", "audio_src_0"}};
  guint i;

  *self = (Bench){0};
  g_mutex_init (&self->lock);
  self->text = g_string_new (NULL);
  weir_manual_clock_init (&self->clock, 0);
  self->clock.monotonic_us = 1000000;
  self->sanitizer = gst_object_ref_sink (g_object_new (WEIR_TYPE_SANITIZER, NULL));
  weir_sanitizer_set_clock (self->sanitizer, &self->clock.clock);
  self->bus = gst_bus_new ();
  gst_element_set_bus (GST_ELEMENT (self->sanitizer), self->bus);
  for (i = 0; i < 2; i++) {
    g_autoptr (GstPad) sinkpad =
        gst_element_request_pad_simple (GST_ELEMENT (self->sanitizer), names[i][0]);
    g_autoptr (GstPad) srcpad =
        gst_element_get_static_pad (GST_ELEMENT (self->sanitizer), names[i][1]);

    g_assert_nonnull (sinkpad);
    g_assert_nonnull (srcpad);
    self->out[i] = gst_pad_new_from_static_template (&out_template, "out");
    gst_pad_set_element_private (self->out[i], self);
    gst_pad_set_chain_function (self->out[i], out_chain);
    gst_pad_set_event_function (self->out[i], out_event);
    gst_pad_set_active (self->out[i], TRUE);
    g_assert_cmpint (gst_pad_link (srcpad, self->out[i]), ==, GST_PAD_LINK_OK);
    self->in[i] = gst_pad_new ("in", GST_PAD_SRC);
    gst_pad_set_active (self->in[i], TRUE);
    g_assert_cmpint (gst_pad_link (self->in[i], sinkpad), ==, GST_PAD_LINK_OK);
  }
  gst_element_set_state (GST_ELEMENT (self->sanitizer), GST_STATE_PLAYING);
}

static void
bench_clear (Bench *self)
{
  guint i;

  gst_element_set_state (GST_ELEMENT (self->sanitizer), GST_STATE_NULL);
  gst_element_set_bus (GST_ELEMENT (self->sanitizer), NULL);
  gst_clear_object (&self->bus);
  for (i = 0; i < 2; i++) {
    gst_clear_object (&self->in[i]);
    gst_clear_object (&self->out[i]);
  }
  gst_clear_object (&self->sanitizer);
  g_string_free (self->text, TRUE);
  g_mutex_clear (&self->lock);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/* a new source in the place of the old one */
static void
replace_source (Bench *self, guint track)
{
  g_autoptr (GstPad) sinkpad = gst_pad_get_peer (self->in[track]);

  gst_pad_unlink (self->in[track], sinkpad);
  gst_object_unref (self->in[track]);
  self->in[track] = gst_pad_new ("in", GST_PAD_SRC);
  gst_pad_set_active (self->in[track], TRUE);
  g_assert_cmpint (gst_pad_link (self->in[track], sinkpad), ==, GST_PAD_LINK_OK);
}

static void
configure (Bench *self, guint track, const gchar *record)
{
  g_autoptr (WeirCodecConfig) config =
      test_config (track == 0 ? WEIR_CODEC_AVC : WEIR_CODEC_AAC, record);
  g_autoptr (GstCaps) caps = weir_codec_config_to_caps (config);

  g_assert_true (gst_pad_push_event (self->in[track], gst_event_new_caps (caps)));
}

static void
begin_track (Bench *self, guint track, const gchar *record)
{
  g_autofree gchar *stream_id = g_strdup_printf ("source-%u-%u", self->connection, track);
  GstEvent *event = gst_event_new_stream_start (stream_id);
  GstSegment segment;

  gst_event_set_group_id (event, 100 + self->connection);
  gst_pad_push_event (self->in[track], event);
  configure (self, track, record);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (self->in[track], gst_event_new_segment (&segment));
}

static void
begin (Bench *self)
{
  self->connection++;
  begin_track (self, 0, RECORD_MAIN_480P25);
  begin_track (self, 1, RECORD_AAC_LC_48000_STEREO);
}

static GstFlowReturn
push (Bench *self, guint track, gdouble dts, gdouble composition, gboolean keyframe)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 10, NULL);

  GST_BUFFER_DTS (buffer) = (GstClockTime) (dts * 1e6);
  GST_BUFFER_PTS (buffer) = (GstClockTime) ((dts + composition) * 1e6);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (track == 0 && !keyframe)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (self->in[track], buffer);
}

static void
wait_ms (Bench *self, gint64 ms)
{
  weir_manual_clock_advance (&self->clock, ms * 1000);
}

static void
eos (Bench *self, guint track)
{
  gst_pad_push_event (self->in[track], gst_event_new_eos ());
}

#define assert_output(bench, expected)                                                      \
  G_STMT_START                                                                              \
  {                                                                                         \
    g_assert_cmpstr ((bench)->text->len > 0 ? (bench)->text->str + 1 : "", ==, (expected)); \
    g_string_truncate ((bench)->text, 0);                                                   \
  }                                                                                         \
  G_STMT_END

#define FIRST_EVENTS "V:stream-start V:caps V:segment A:stream-start A:caps A:segment"

static void
bench_begin (Bench *self)
{
  bench_init (self);
  begin (self);
}

/* a connection that has a picture only, so far */
static void
bench_begin_video (Bench *self)
{
  bench_init (self);
  self->connection++;
  begin_track (self, 0, RECORD_MAIN_480P25);
}

/* the first frames of both tracks come at @ms and are through */
static void
bench_start (Bench *self, gdouble ms)
{
  bench_begin (self);
  push (self, 0, ms, 0, TRUE);
  push (self, 1, ms, 0, TRUE);
  assert_output (self, FIRST_EVENTS " v0k! a0!");
}

static void
all_pads_are_announced_before_the_first_buffer (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  g_assert_cmpint (push (&bench, 0, 1000, 40, TRUE), ==, GST_FLOW_OK);
  assert_output (&bench, "");
  g_assert_cmpint (push (&bench, 1, 1010, 0, TRUE), ==, GST_FLOW_OK);
  push (&bench, 0, 1040, 0, FALSE);
  assert_output (&bench, FIRST_EVENTS " v0c40k! a10! v40");
}

static void
a_replaced_source_goes_on_with_one_discontinuity (void)
{
  g_auto (Bench) bench = {0};

  bench_init (&bench);
  g_object_set (bench.sanitizer, "forward-eos", FALSE, NULL);
  begin (&bench);
  push (&bench, 0, 500, 0, TRUE);
  push (&bench, 1, 500, 0, TRUE);
  wait_ms (&bench, 40);
  push (&bench, 0, 540, 0, FALSE);
  push (&bench, 1, 521, 0, FALSE);
  assert_output (&bench, FIRST_EVENTS " v0k! a0! v40 a21");
  eos (&bench, 0);
  eos (&bench, 1);
  assert_output (&bench, "");

  wait_ms (&bench, 3000);
  replace_source (&bench, 0);
  replace_source (&bench, 1);
  begin (&bench);
  push (&bench, 0, 0, 0, TRUE);
  push (&bench, 1, 0, 0, TRUE);
  wait_ms (&bench, 40);
  push (&bench, 0, 40, 0, FALSE);
  push (&bench, 1, 21, 0, FALSE);
  assert_output (&bench, "v3080k! a3080! v3120 a3101");
}

static void
a_source_that_vanishes_without_eos_is_replaced_too (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (GstStructure) stats = NULL;
  guint connections;

  bench_start (&bench, 500);
  wait_ms (&bench, 1000);
  replace_source (&bench, 0);
  replace_source (&bench, 1);
  begin (&bench);
  push (&bench, 0, 7, 0, TRUE);
  push (&bench, 1, 7, 0, TRUE);
  assert_output (&bench, "v1033.33k! a1033.33!");
  g_object_get (bench.sanitizer, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, "connections", &connections));
  g_assert_cmpuint (connections, ==, 2);
}

static void
a_new_stream_on_the_same_pads_is_a_new_connection (void)
{
  g_auto (Bench) bench = {0};

  bench_start (&bench, 500);
  wait_ms (&bench, 100);
  begin (&bench);
  push (&bench, 0, 9999, 0, TRUE);
  push (&bench, 1, 9999, 0, TRUE);
  assert_output (&bench, "v133.333k! a133.333!");
}

static void
a_connections_end_is_the_end_of_the_stream_when_used_alone (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  push (&bench, 0, 0, 0, TRUE);
  eos (&bench, 0);
  assert_output (&bench, "");
  push (&bench, 1, 0, 0, TRUE);
  eos (&bench, 1);
  assert_output (&bench, FIRST_EVENTS " v0k! a0! V:eos A:eos");
}

static void
a_track_that_never_came_ends_with_the_others (void)
{
  g_auto (Bench) bench = {0};

  bench_begin_video (&bench);
  push (&bench, 0, 0, 0, TRUE);
  push (&bench, 0, 40, 0, FALSE);
  eos (&bench, 0);
  assert_output (&bench, "V:stream-start V:caps V:segment A:stream-start A:segment "
                         "v0k! v40 V:eos A:eos");
}

static void
video_alone_starts_after_the_probe (void)
{
  g_auto (Bench) bench = {0};

  bench_begin_video (&bench);
  push (&bench, 0, 0, 0, TRUE);
  wait_ms (&bench, 1499);
  push (&bench, 0, 1480, 0, FALSE);
  assert_output (&bench, "");
  wait_ms (&bench, 1);
  push (&bench, 0, 1520, 0, FALSE);
  assert_output (&bench, "V:stream-start V:caps V:segment v0k! v1480 v1520");
  /* audio may come whenever it likes */
  wait_ms (&bench, 500);
  begin_track (&bench, 1, RECORD_AAC_LC_48000_STEREO);
  push (&bench, 1, 2000, 0, TRUE);
  assert_output (&bench, "A:stream-start A:caps A:segment a2000!");
}

static void
a_promised_track_is_waited_for (void)
{
  g_auto (Bench) bench = {0};

  bench_begin_video (&bench);
  gst_pad_push_event (bench.in[0],
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new ("weir-track-promised", "kind", G_TYPE_STRING, "audio", NULL)));
  push (&bench, 0, 0, 0, TRUE);
  wait_ms (&bench, 2999);
  push (&bench, 0, 2980, 0, FALSE);
  assert_output (&bench, "");
  wait_ms (&bench, 1);
  push (&bench, 0, 3020, 0, FALSE);
  assert_output (&bench, "V:stream-start V:caps V:segment v0k! v2980!"
                         " v3020");
}

static void
identical_caps_are_ignored_and_changed_ones_come_with_their_keyframe (void)
{
  g_auto (Bench) bench = {0};

  bench_start (&bench, 0);
  configure (&bench, 0, RECORD_MAIN_480P25);
  push (&bench, 0, 40, 0, FALSE);
  assert_output (&bench, "v40");
  configure (&bench, 0, RECORD_BASELINE_720P30);
  push (&bench, 0, 80, 0, FALSE);
  assert_output (&bench, "");
  push (&bench, 0, 120, 0, TRUE);
  assert_output (&bench, "V:caps v120k!");
}

static void
nothing_of_a_connections_events_passes (void)
{
  g_auto (Bench) bench = {0};
  GstSegment segment;

  bench_start (&bench, 0);
  /* a segment counts, but is not seen: 1000 is 40 of running time now */
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 960 * GST_MSECOND;
  gst_pad_push_event (bench.in[0], gst_event_new_segment (&segment));
  gst_pad_push_event (bench.in[0], gst_event_new_flush_start ());
  gst_pad_push_event (bench.in[0], gst_event_new_flush_stop (TRUE));
  gst_pad_push_event (bench.in[0], gst_event_new_segment (&segment));
  gst_pad_push_event (bench.in[0], gst_event_new_tag (gst_tag_list_new_empty ()));
  push (&bench, 0, 1000, 0, FALSE);
  assert_output (&bench, "v40");
}

static void
say (Bench *self, guint track, GstTagList *tags)
{
  gst_pad_push_event (self->in[track], gst_event_new_tag (tags));
}

static void
title_and_language_pass_merged_behind_our_own_events (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (GstEvent) event = NULL;
  g_autofree gchar *title = NULL, *language = NULL;
  GstTagList *tags;

  bench_begin (&bench);
  say (&bench, 1, gst_tag_list_new (GST_TAG_TITLE, "One", GST_TAG_BITRATE, 1000, NULL));
  say (&bench, 1, gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "de", NULL));
  push (&bench, 0, 0, 0, TRUE);
  push (&bench, 1, 0, 0, TRUE);
  assert_output (&bench, FIRST_EVENTS " A:tag v0k! a0!");
  /* what is known already, and what is no matter of the track, is not sent */
  say (&bench, 1, gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "de", NULL));
  say (&bench, 1, gst_tag_list_new (GST_TAG_BITRATE, 2000, NULL));
  tags = gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "it", NULL);
  gst_tag_list_set_scope (tags, GST_TAG_SCOPE_GLOBAL);
  say (&bench, 1, tags);
  push (&bench, 1, 21, 0, TRUE);
  assert_output (&bench, "a21");
  say (&bench, 1, gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "fr", NULL));
  push (&bench, 1, 43, 0, TRUE);
  assert_output (&bench, "A:tag a43");
  event = gst_pad_get_sticky_event (bench.out[1], GST_EVENT_TAG, 0);
  gst_event_parse_tag (event, &tags);
  g_assert_cmpint (gst_tag_list_n_tags (tags), ==, 2);
  g_assert_true (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title));
  g_assert_true (gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language));
  g_assert_cmpstr (title, ==, "One");
  g_assert_cmpstr (language, ==, "fr");
}

static void
a_failing_track_does_not_stop_the_other (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  bench.flow[0] = GST_FLOW_ERROR;
  g_assert_cmpint (push (&bench, 0, 0, 0, TRUE), ==, GST_FLOW_OK);
  g_assert_cmpint (push (&bench, 1, 0, 0, TRUE), ==, GST_FLOW_OK);
  g_assert_cmpint (push (&bench, 0, 40, 0, FALSE), ==, GST_FLOW_OK);
  bench.flow[0] = GST_FLOW_EOS;
  g_assert_cmpint (push (&bench, 0, 80, 0, FALSE), ==, GST_FLOW_OK);
  g_assert_cmpint (push (&bench, 1, 21, 0, TRUE), ==, GST_FLOW_OK);
  bench.flow[1] = GST_FLOW_EOS;
  g_assert_cmpint (push (&bench, 1, 43, 0, TRUE), ==, GST_FLOW_EOS);
}

static void
latency_is_answered_without_a_source (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime minimum;
  gboolean live;

  bench_init (&bench);
  g_assert_true (gst_pad_peer_query (bench.out[0], query));
  gst_query_parse_latency (query, &live, &minimum, NULL);
  g_assert_true (live);
  g_assert_cmpuint (minimum, ==, 0);
}

static gpointer
push_a_thousand (gpointer data)
{
  Bench *bench = data;
  guint i;

  for (i = 0; i < 1000; i++)
    push (bench, 1, i * 21, 0, TRUE);
  return NULL;
}

static void
tracks_may_come_from_threads_of_their_own (void)
{
  g_auto (Bench) bench = {0};
  g_auto (GStrv) tokens = NULL;
  gdouble last[2] = {-1, -1};
  guint count[2] = {0, 0}, i;
  GThread *thread;

  bench_begin (&bench);
  thread = g_thread_new ("audio", push_a_thousand, &bench);
  for (i = 0; i < 1000; i++)
    push (&bench, 0, i * 21, 0, i == 0);
  g_thread_join (thread);
  tokens = g_strsplit (bench.text->str, " ", -1);
  for (i = 0; tokens[i] != NULL; i++) {
    guint track = tokens[i][0] == 'a';
    gdouble stamp;

    if (tokens[i][0] != 'v' && tokens[i][0] != 'a')
      continue;
    stamp = g_ascii_strtod (tokens[i] + 1, NULL);
    g_assert_cmpfloat (stamp, >, last[track]);
    last[track] = stamp;
    count[track]++;
  }
  g_assert_cmpuint (count[0], ==, 1000);
  /* leading ones of a fast thread may be dropped */
  g_assert_cmpuint (count[1], >, 0);
}

static void
a_pad_takes_its_source_pad_with_it (void)
{
  g_autoptr (WeirSanitizer) sanitizer =
      gst_object_ref_sink (g_object_new (WEIR_TYPE_SANITIZER, NULL));
  g_autoptr (GstPad) first = NULL, second = NULL, third = NULL, brought = NULL;

  gst_element_set_state (GST_ELEMENT (sanitizer), GST_STATE_PLAYING);
  first = gst_element_request_pad_simple (GST_ELEMENT (sanitizer), "audio_%u");
  second = gst_element_request_pad_simple (GST_ELEMENT (sanitizer), "audio_%u");
  g_assert_cmpstr (GST_OBJECT_NAME (second), ==, "audio_1");
  brought = gst_element_get_static_pad (GST_ELEMENT (sanitizer), "audio_src_0");
  g_assert_nonnull (brought);
  g_clear_object (&brought);
  gst_element_release_request_pad (GST_ELEMENT (sanitizer), first);
  brought = gst_element_get_static_pad (GST_ELEMENT (sanitizer), "audio_src_0");
  g_assert_null (brought);
  third = gst_element_request_pad_simple (GST_ELEMENT (sanitizer), "audio_%u");
  g_assert_cmpstr (GST_OBJECT_NAME (third), ==, "audio_0");
  gst_element_set_state (GST_ELEMENT (sanitizer), GST_STATE_NULL);
}

static void
pictures_that_lead_the_first_keyframe_are_dropped (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (GstStructure) stats = NULL;
  guint64 dropped = 0;

  bench_begin (&bench);
  push (&bench, 0, 1000, 80, TRUE);
  push (&bench, 0, 1040, -20, FALSE);
  push (&bench, 1, 1000, 0, TRUE);
  push (&bench, 0, 1080, -20, FALSE);
  push (&bench, 0, 1120, 80, FALSE);
  push (&bench, 0, 1160, 80, TRUE);
  /* this keyframe was not the first: what leads it can be decoded */
  push (&bench, 0, 1200, 0, FALSE);
  assert_output (&bench, FIRST_EVENTS " v0c80k! a0! v120c80 v160c80k v200");
  g_object_get (bench.sanitizer, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "leading-picture", &dropped));
  g_assert_cmpuint (dropped, ==, 2);
}

/* it was taken for a spike at first, and is the first one of another clock, after a pause */
static void
no_picture_leads_a_keyframe_that_was_held (void)
{
  g_auto (Bench) bench = {0};

  bench_start (&bench, 3600000);
  wait_ms (&bench, 40);
  push (&bench, 0, 3600040, 0, FALSE);
  assert_output (&bench, "v40");
  wait_ms (&bench, 1000);
  for (guint i = 0; i < 5; i++) {
    push (&bench, 0, i * 40, 0, i == 0);
    wait_ms (&bench, 40);
  }
  assert_output (&bench, "v1040k! v1080 v1120 v1160 v1200");
}

static void
silence_fills_the_place_of_missing_audio (void)
{
  for (guint on = 0; on < 2; on++) {
    g_auto (Bench) bench = {0};

    bench_init (&bench);
    gst_element_set_state (GST_ELEMENT (bench.sanitizer), GST_STATE_NULL);
    g_object_set (bench.sanitizer, "fill-audio-gaps", on == 1, NULL);
    gst_element_set_state (GST_ELEMENT (bench.sanitizer), GST_STATE_PLAYING);
    begin (&bench);
    push (&bench, 0, 1000, 0, TRUE);
    push (&bench, 1, 1000, 0, TRUE);
    push (&bench, 1, 1128, 0, TRUE);
    push (&bench, 1, 1150, 0, TRUE);
    assert_output (&bench, on == 1 ? FIRST_EVENTS
                               " v0k! a0! a21.3333 a42.6667 a64 a85.3333 a106.667 a128 a150"
                                   : FIRST_EVENTS " v0k! a0! a128 a150");
  }
}

/* the messages about health so far, as "raised gop_too_long error" */
static gchar *
take_health (Bench *self)
{
  GString *text = g_string_new (NULL);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (self->bus, GST_MESSAGE_ELEMENT)) != NULL) {
    const GstStructure *structure = gst_message_get_structure (message);
    gdouble value, limit;

    g_assert_true (gst_structure_has_name (structure, "weir-health"));
    g_assert_true (gst_structure_get (
        structure, "value", G_TYPE_DOUBLE, &value, "limit", G_TYPE_DOUBLE, &limit, NULL));
    g_assert_nonnull (gst_structure_get_string (structure, "text"));
    g_string_append_printf (text, "%s%s %s %s", text->len > 0 ? ", " : "",
        gst_structure_get_string (structure, "state"), gst_structure_get_string (structure, "code"),
        gst_structure_get_string (structure, "severity"));
    gst_message_unref (message);
  }
  return g_string_free (text, FALSE);
}

#define assert_health(bench, expected)              \
  G_STMT_START                                      \
  {                                                 \
    g_autofree gchar *health = take_health (bench); \
    g_assert_cmpstr (health, ==, (expected));       \
  }                                                 \
  G_STMT_END

static void
push_second (Bench *bench, gdouble *ms, gboolean keyframe)
{
  for (guint i = 0; i < 5; i++) {
    push (bench, 0, *ms, 0, keyframe && i == 0);
    push (bench, 1, *ms, 0, TRUE);
    *ms += 200;
    wait_ms (bench, 200);
  }
}

static void
issues_are_posted_when_they_are_raised_and_when_they_are_cleared (void)
{
  g_auto (Bench) bench = {0};
  g_auto (WeirSanitizerHealth) health = {0};
  gdouble ms = 1000;

  bench_begin (&bench);
  for (guint i = 0; i < 10; i++)
    push_second (&bench, &ms, i == 0);
  assert_health (&bench, "");
  push_second (&bench, &ms, FALSE);
  assert_health (&bench, "raised gop_too_long error");
  weir_sanitizer_get_health (bench.sanitizer, &health);
  g_assert_true (health.report.issues[WEIR_HEALTH_GOP_TOO_LONG].raised);
  g_assert_nonnull (health.texts[WEIR_HEALTH_GOP_TOO_LONG]);
  g_assert_cmpint (health.configs[0]->codec, ==, WEIR_CODEC_AVC);
  g_assert_cmpint (health.configs[1]->codec, ==, WEIR_CODEC_AAC);
  g_assert_cmpuint (health.report.tracks[0].kind, ==, WEIR_MEDIA_VIDEO);
  g_assert_cmpuint (health.report.tracks[1].kind, ==, WEIR_MEDIA_AUDIO);
  g_assert_cmpfloat_with_epsilon (health.report.tracks[0].frame_rate, 5, 0.001);
  for (guint i = 0; i < 5; i++)
    push_second (&bench, &ms, i % 2 == 0);
  assert_health (&bench, "cleared gop_too_long error");
}

static void
sound_goes_on_while_another_configuration_has_no_keyframe (void)
{
  g_auto (Bench) bench = {0};
  gdouble ms = 1000;

  bench_begin (&bench);
  push_second (&bench, &ms, TRUE);
  configure (&bench, 0, RECORD_BASELINE_720P30);
  for (guint i = 0; i < 10; i++)
    push_second (&bench, &ms, FALSE);
  assert_health (&bench, "");
  g_string_truncate (bench.text, 0);
  push_second (&bench, &ms, FALSE);
  assert_health (&bench, "raised no_keyframe error");
  assert_output (&bench, "a11000 a11200 a11400 a11600 a11800");
  push_second (&bench, &ms, TRUE);
  assert_output (
      &bench, "V:caps v12000k! a12000 v12200 a12200 v12400 a12400 v12600 a12600 v12800 a12800");
  push_second (&bench, &ms, TRUE);
  assert_health (&bench, "cleared no_keyframe error");
}

static void
silence_is_noticed_by_whoever_asks (void)
{
  g_auto (Bench) bench = {0};
  gdouble ms = 1000;

  bench_begin (&bench);
  push_second (&bench, &ms, TRUE);
  wait_ms (&bench, 2000);
  weir_sanitizer_check_health (bench.sanitizer);
  assert_health (&bench, "");
  wait_ms (&bench, 1000);
  weir_sanitizer_check_health (bench.sanitizer);
  assert_health (&bench, "raised starving error");
}

static void
decisions_are_still_known_when_it_has_stopped (void)
{
  g_auto (Bench) bench = {0};
  guint64 decisions[WEIR_REASON_LAST];

  bench_begin (&bench);
  push (&bench, 0, 1000, 0, FALSE);
  push (&bench, 0, 1040, 0, TRUE);
  push (&bench, 1, 1040, 0, TRUE);
  gst_element_set_state (GST_ELEMENT (bench.sanitizer), GST_STATE_READY);
  weir_sanitizer_get_decisions (bench.sanitizer, decisions);
  g_assert_cmpuint (decisions[WEIR_REASON_BEFORE_KEYFRAME], ==, 1);
  weir_sanitizer_check_health (bench.sanitizer);
}

static void
gap (Bench *self, guint track)
{
  gst_pad_push_event (self->in[track], gst_event_new_gap (5 * GST_SECOND, GST_CLOCK_TIME_NONE));
}

static void
a_gap_is_passed_on_where_the_track_ends (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  push (&bench, 1, 1000, 0, TRUE);
  gap (&bench, 1);
  assert_output (&bench, "");
  push (&bench, 0, 1000, 0, TRUE);
  assert_output (&bench, FIRST_EVENTS " a0! v0k! A:gap0");
  push (&bench, 1, 1021, 0, TRUE);
  gap (&bench, 0);
  push (&bench, 0, 1040, 0, FALSE);
  gap (&bench, 0);
  assert_output (&bench, "a21 V:gap0 v40 V:gap40");
}

static void
a_track_that_ended_before_the_start_is_not_waited_for (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  gap (&bench, 0);
  assert_output (&bench, "");
  push (&bench, 1, 1000, 0, TRUE);
  assert_output (&bench, FIRST_EVENTS " a0! V:gap0");
  push (&bench, 0, 1040, 0, TRUE);
  assert_output (&bench, "v40k!");
}

static void
a_track_that_ends_while_the_start_waits_lets_it_go (void)
{
  g_auto (Bench) bench = {0};

  bench_begin (&bench);
  push (&bench, 1, 1000, 0, TRUE);
  assert_output (&bench, "");
  gap (&bench, 0);
  assert_output (&bench, FIRST_EVENTS " a0! V:gap0");
}

static void
a_gap_comes_behind_samples_that_were_held (void)
{
  g_auto (Bench) bench = {0};

  bench_start (&bench, 1000);
  wait_ms (&bench, 21);
  /* it may be a spike */
  push (&bench, 1, 90000, 0, TRUE);
  assert_output (&bench, "");
  gap (&bench, 1);
  assert_output (&bench, "a21 A:gap21");
  eos (&bench, 0);
  eos (&bench, 1);
  assert_output (&bench, "V:eos A:eos");

  /* those of the start of a later connection, of a track that has come out before */
  begin (&bench);
  push (&bench, 1, 7000, 0, TRUE);
  gap (&bench, 1);
  assert_output (&bench, "");
  push (&bench, 0, 7000, 0, TRUE);
  assert_output (&bench, FIRST_EVENTS " a75.6667! v75.6667k! A:gap75.6667");
}

static void
another_codec_begins_with_its_keyframe (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (WeirCodecConfig) config = test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_720P30);
  g_autoptr (GstCaps) caps = weir_codec_config_to_caps (config);

  bench_begin (&bench);
  push (&bench, 0, 1000, 0, TRUE);
  push (&bench, 1, 1000, 0, TRUE);
  g_assert_true (gst_pad_push_event (bench.in[0], gst_event_new_caps (caps)));
  push (&bench, 0, 1040, 0, FALSE);
  push (&bench, 0, 1080, 0, TRUE);
  assert_output (&bench, FIRST_EVENTS " v0k! a0! V:caps v80k!");
}

static void
every_property_keeps_what_it_is_given (void)
{
  g_autoptr (WeirSanitizer) sanitizer =
      gst_object_ref_sink (g_object_new (WEIR_TYPE_SANITIZER, NULL));
  g_autofree GParamSpec **specs = NULL;
  guint count, i, n, writable = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (sanitizer), &count);
  for (n = 0; n < 2; n++) {
    for (i = 0; i < count; i++) {
      g_auto (GValue) value = G_VALUE_INIT;

      if (specs[i]->owner_type != WEIR_TYPE_SANITIZER || !(specs[i]->flags & G_PARAM_WRITABLE))
        continue;
      g_value_init (&value, specs[i]->value_type);
      writable++;
      if (G_VALUE_HOLDS_UINT64 (&value)) {
        if (n == 0)
          g_object_set (sanitizer, specs[i]->name, (guint64) (i + 1) * GST_MSECOND, NULL);
        g_object_get_property (G_OBJECT (sanitizer), specs[i]->name, &value);
        g_assert_cmpuint (g_value_get_uint64 (&value), ==, (i + 1) * GST_MSECOND);
      } else if (G_VALUE_HOLDS_UINT (&value)) {
        if (n == 0)
          g_object_set (sanitizer, specs[i]->name, i + 1, NULL);
        g_object_get_property (G_OBJECT (sanitizer), specs[i]->name, &value);
        g_assert_cmpuint (g_value_get_uint (&value), ==, i + 1);
      } else {
        g_assert_true (G_VALUE_HOLDS_BOOLEAN (&value));
        gboolean other = !((GParamSpecBoolean *) specs[i])->default_value;

        if (n == 0)
          g_object_set (sanitizer, specs[i]->name, other, NULL);
        g_object_get_property (G_OBJECT (sanitizer), specs[i]->name, &value);
        g_assert_cmpint (g_value_get_boolean (&value), ==, other);
      }
    }
  }
  g_assert_cmpuint (writable, ==, 40);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
#define ADD(name) g_test_add_func ("/weirsanitizer/" #name, name)
  ADD (all_pads_are_announced_before_the_first_buffer);
  ADD (a_replaced_source_goes_on_with_one_discontinuity);
  ADD (a_source_that_vanishes_without_eos_is_replaced_too);
  ADD (a_new_stream_on_the_same_pads_is_a_new_connection);
  ADD (a_connections_end_is_the_end_of_the_stream_when_used_alone);
  ADD (a_track_that_never_came_ends_with_the_others);
  ADD (video_alone_starts_after_the_probe);
  ADD (a_promised_track_is_waited_for);
  ADD (identical_caps_are_ignored_and_changed_ones_come_with_their_keyframe);
  ADD (nothing_of_a_connections_events_passes);
  ADD (title_and_language_pass_merged_behind_our_own_events);
  ADD (a_failing_track_does_not_stop_the_other);
  ADD (latency_is_answered_without_a_source);
  ADD (tracks_may_come_from_threads_of_their_own);
  ADD (a_pad_takes_its_source_pad_with_it);
  ADD (pictures_that_lead_the_first_keyframe_are_dropped);
  ADD (no_picture_leads_a_keyframe_that_was_held);
  ADD (silence_fills_the_place_of_missing_audio);
  ADD (issues_are_posted_when_they_are_raised_and_when_they_are_cleared);
  ADD (sound_goes_on_while_another_configuration_has_no_keyframe);
  ADD (silence_is_noticed_by_whoever_asks);
  ADD (decisions_are_still_known_when_it_has_stopped);
  ADD (a_gap_is_passed_on_where_the_track_ends);
  ADD (a_track_that_ended_before_the_start_is_not_waited_for);
  ADD (a_track_that_ends_while_the_start_waits_lets_it_go);
  ADD (a_gap_comes_behind_samples_that_were_held);
  ADD (another_codec_begins_with_its_keyframe);
  ADD (every_property_keeps_what_it_is_given);
  return g_test_run ();
}
