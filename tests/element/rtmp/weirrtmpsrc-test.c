/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/weirrtmpsrc.h"
#include "rtmp/amf.h"
#include "rtmp/chunk.h"
#include "rtmp/listener.h"
#include "records.h"
#include "rtmpclient.h"

/*
 * A scripted publisher on loopback and the element with pads of our own behind it. What comes out
 * is noted as text, in order over both tracks: "V:stream-start V:caps V:segment v0k! v40 A:eos";
 * "!" is DISCONT, "k" a keyframe, "c40" a presentation time 40 ms later. Further tracks have their
 * number behind the letter: "V2:caps v2@0k!". Without a clock, running time begins at 0 with the
 * first frame.
 */
typedef struct {
  WeirRtmpSrc *source;
  GstBus *bus;
  GMutex lock;
  GCond cond;
  GString *text;
  GPtrArray *pads;    /* of GstPad: ours, linked */
  GPtrArray *buffers; /* of GstBuffer */
  gboolean link[2];
} Bench;

static GstStaticPadTemplate out_template =
    GST_STATIC_PAD_TEMPLATE ("out", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void note (Bench *self, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (Bench *self, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_mutex_lock (&self->lock);
  if (self->text->len > 0)
    g_string_append_c (self->text, ' ');
  g_string_append_vprintf (self->text, format, arguments);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  va_end (arguments);
}

/* @letters: for video and for audio. Returns: (transfer full): one, with the number beyond 0 */
static gchar *
track_name (GstPad *pad, const gchar *letters, const gchar *behind)
{
  const gchar *track = g_object_get_data (G_OBJECT (pad), "track");
  gchar letter = letters[g_str_has_prefix (track, "audio")];

  if (g_str_has_suffix (track, "_0"))
    return g_strdup_printf ("%c", letter);
  return g_strdup_printf ("%c%s%s", letter, strchr (track, '_') + 1, behind);
}

static GstFlowReturn
out_chain (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  guint64 dts, pts;
  gint dts_sign, pts_sign;
  gdouble composition;
  g_autofree gchar *offset = NULL;
  g_autofree gchar *name = track_name (pad, "va", "@");
  Bench *self = gst_pad_get_element_private (pad);

  gst_event_parse_segment (event, &segment);
  dts_sign =
      gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, GST_BUFFER_DTS (buffer), &dts);
  pts_sign =
      gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer), &pts);
  composition = pts_sign * (gdouble) pts - dts_sign * (gdouble) dts;
  offset = composition != 0 ? g_strdup_printf ("c%g", composition / 1e6) : g_strdup ("");
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->buffers, buffer);
  g_mutex_unlock (&self->lock);
  note (self, "%s%.10g%s%s%s", name, dts_sign * (gdouble) dts / 1e6, offset,
      name[0] == 'v' && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT) ? "k" : "",
      GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT) ? "!" : "");
  return GST_FLOW_OK;
}

static gboolean
out_event (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstEvent *event)
{
  g_autofree gchar *track = track_name (pad, "VA", "");
  g_autofree gchar *title = NULL, *language = NULL, *more = NULL;
  const gchar *name = GST_EVENT_TYPE_NAME (event);
  GstClockTime time;
  GstTagList *tags;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    name = gst_structure_get_string (gst_event_get_structure (event), "kind");
    break;
  case GST_EVENT_GAP:
    gst_event_parse_gap (event, &time, NULL);
    more = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) (time / GST_MSECOND));
    break;
  case GST_EVENT_TAG:
    gst_event_parse_tag (event, &tags);
    gst_tag_list_get_string (tags, GST_TAG_TITLE, &title);
    gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language);
    more = g_strdup_printf ("(%s,%s)", title, language);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
    name = g_str_equal (name, "video/x-h264") || g_str_equal (name, "audio/mpeg")
               ? "caps"
               : strrchr (name, '-') + 1;
    break;
  default:
    break;
  }
  note (gst_pad_get_element_private (pad), "%s:%s%s", track, name, more != NULL ? more : "");
  /* the segment is looked at when a buffer comes */
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_pad_store_sticky_event (pad, event);
  gst_event_unref (event);
  return TRUE;
}

static void
pad_added (G_GNUC_UNUSED GstElement *element, GstPad *srcpad, gpointer data)
{
  Bench *self = data;
  g_autofree gchar *name = gst_pad_get_name (srcpad);
  GstPad *pad;

  if (!self->link[g_str_has_prefix (name, "audio")])
    return;
  pad = gst_object_ref_sink (gst_pad_new_from_static_template (&out_template, "out"));
  g_object_set_data_full (G_OBJECT (pad), "track", g_steal_pointer (&name), g_free);
  gst_pad_set_element_private (pad, self);
  gst_pad_set_chain_function (pad, out_chain);
  gst_pad_set_event_function (pad, out_event);
  gst_pad_set_active (pad, TRUE);
  g_assert_cmpint (gst_pad_link (srcpad, pad), ==, GST_PAD_LINK_OK);
  g_ptr_array_add (self->pads, pad);
}

static void
no_more_pads (G_GNUC_UNUSED GstElement *element, gpointer data)
{
  note (data, "no-more-pads");
}

static void
bench_init (Bench *self, const gchar *key)
{
  *self = (Bench){.link = {TRUE, TRUE}};
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->text = g_string_new (NULL);
  self->pads = g_ptr_array_new_with_free_func (gst_object_unref);
  self->buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  self->bus = gst_bus_new ();
  self->source = gst_object_ref_sink (g_object_new (
      WEIR_TYPE_RTMP_SRC, "address", "127.0.0.1", "port", 0, "stream-key", key, NULL));
  gst_element_set_bus (GST_ELEMENT (self->source), self->bus);
  g_signal_connect (self->source, "pad-added", G_CALLBACK (pad_added), self);
  g_signal_connect (self->source, "no-more-pads", G_CALLBACK (no_more_pads), self);
}

static guint
bench_play (Bench *self)
{
  g_autoptr (GstStructure) stats = NULL;
  const gchar *listening;

  g_assert_cmpint (gst_element_set_state (GST_ELEMENT (self->source), GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (GST_ELEMENT (self->source), GST_STATE_PLAYING);
  g_object_get (self->source, "stats", &stats, NULL);
  listening = gst_structure_get_string (stats, "listening");
  if (listening == NULL)
    return 0;
  return (guint) g_ascii_strtoull (strrchr (listening, ':') + 1, NULL, 10);
}

static void
bench_clear (Bench *self)
{
  gst_element_set_state (GST_ELEMENT (self->source), GST_STATE_NULL);
  gst_element_set_bus (GST_ELEMENT (self->source), NULL);
  gst_object_unref (self->source);
  gst_object_unref (self->bus);
  g_ptr_array_unref (self->pads);
  g_ptr_array_unref (self->buffers);
  g_string_free (self->text, TRUE);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/* what came out, once what @expected ends with has; taken away */
static gchar *
await (Bench *self, const gchar *expected)
{
  const gchar *space = strrchr (expected, ' ');
  const gchar *last = space != NULL ? space + 1 : expected;
  gint64 deadline_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  gchar *text;

  g_mutex_lock (&self->lock);
  while (!g_str_has_suffix (self->text->str, last))
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline_us))
      g_error ("waited for %s after %s", last, self->text->str);
  text = g_strdup (self->text->str);
  g_string_truncate (self->text, 0);
  g_mutex_unlock (&self->lock);
  return text;
}

static void
await_anything (Bench *self)
{
  gint64 deadline_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  g_mutex_lock (&self->lock);
  while (self->text->len == 0)
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline_us))
      g_error ("nothing came");
  g_mutex_unlock (&self->lock);
}

#define assert_output(bench, expected)                  \
  G_STMT_START                                          \
  {                                                     \
    g_autofree gchar *output = await (bench, expected); \
    g_assert_cmpstr (output, ==, expected);             \
  }                                                     \
  G_STMT_END

static guint64
get_count (Bench *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = G_MAXUINT64;

  g_object_get (self->source, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

/* the bytes of a buffer that came out, from 0 */
static void
assert_bytes (Bench *self, guint number, const gchar *hex)
{
  g_autoptr (GBytes) expected = test_hex (hex);
  GstBuffer *buffer;
  GstMapInfo map;

  g_mutex_lock (&self->lock);
  g_assert_cmpuint (number, <, self->buffers->len);
  buffer = gst_buffer_ref (self->buffers->pdata[number]);
  g_mutex_unlock (&self->lock);
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_cmpmem (
      map.data, map.size, g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
}

/* what was said of the encoder so far, "code (detail)" each; taken away */
static gchar *
take_health (Bench *self)
{
  GString *text = g_string_new (NULL);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (self->bus, GST_MESSAGE_ELEMENT)) != NULL) {
    const GstStructure *structure = gst_message_get_structure (message);

    if (gst_structure_has_name (structure, "weir-health"))
      g_string_append_printf (text, "%s%s (%s)", text->len > 0 ? "; " : "",
          gst_structure_get_string (structure, "code"),
          gst_structure_get_string (structure, "detail"));
    gst_message_unref (message);
  }
  return g_string_free (text, FALSE);
}

#define assert_health(bench, expected)              \
  G_STMT_START                                      \
  {                                                 \
    g_autofree gchar *health = take_health (bench); \
    g_assert_cmpstr (health, ==, expected);         \
  }                                                 \
  G_STMT_END

/* ── the publisher ── */

typedef struct {
  GSocketConnection *connection;
  WeirRtmpChunkWriter chunks;
} Publisher;

static void
publisher_send (Publisher *self, WeirWriter *writer)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (self->connection)),
      writer->data, writer->size, NULL, NULL, &error);
  g_assert_no_error (error);
  weir_writer_clear (writer);
}

static void
publisher_message (Publisher *self, guint8 type, guint32 timestamp, const guint8 *data, gsize size)
{
  WeirWriter writer;

  weir_writer_init (&writer, 0);
  weir_rtmp_chunk_writer_message (
      &self->chunks, &writer, 4, type, type == WEIR_RTMP_COMMAND ? 0 : 1, timestamp, data, size);
  publisher_send (self, &writer);
}

static void
publisher_hex (Publisher *self, guint8 type, guint32 timestamp, const gchar *text)
{
  g_autoptr (GBytes) bytes = test_hex (text);

  publisher_message (
      self, type, timestamp, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
publisher_read (Publisher *self, gsize size)
{
  g_autofree guint8 *data = g_malloc (size);
  g_autoptr (GError) error = NULL;
  gsize count;

  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (self->connection)), data,
      size, &count, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count, ==, size);
}

static void
publisher_open (Publisher *self, guint port, const gchar *key)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  guint8 reply[1536] = {0};
  WeirWriter writer;
  guint i;

  weir_rtmp_chunk_writer_init (&self->chunks);
  self->connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) port, NULL, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (g_socket_connection_get_socket (self->connection), 20);
  weir_writer_init (&writer, 0);
  test_write_c0_c1 (&writer, -1, 1);
  publisher_send (self, &writer);
  publisher_read (self, 1 + 1536 + 1536);
  weir_writer_init (&writer, 0);
  weir_writer_bytes (&writer, reply, sizeof reply);
  publisher_send (self, &writer);
  for (i = 0; i < 3; i++) {
    static const gchar *const names[] = {"connect", "createStream", "publish"};
    WeirWriter body;
    g_autofree guint8 *data = NULL;
    gsize size;

    weir_writer_init (&body, 0);
    weir_amf_write_string (&body, names[i]);
    weir_amf_write_number (&body, i + 1);
    if (i == 0) {
      weir_amf_write_object_begin (&body);
      weir_amf_write_name (&body, "app");
      weir_amf_write_string (&body, "live");
      weir_amf_write_object_end (&body);
    } else {
      weir_amf_write_null (&body);
    }
    if (i == 2) {
      weir_amf_write_string (&body, key);
      weir_amf_write_string (&body, "live");
    }
    size = body.size;
    data = g_memdup2 (body.data, size);
    weir_writer_clear (&body);
    weir_writer_init (&writer, 0);
    weir_rtmp_chunk_writer_message (
        &self->chunks, &writer, 3, WEIR_RTMP_COMMAND, i == 2 ? 1 : 0, 0, data, size);
    publisher_send (self, &writer);
  }
}

/* reads until the other side closes */
static void
publisher_await_end (Publisher *self)
{
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (self->connection));
  guint8 data[1024];

  while (g_input_stream_read (stream, data, sizeof data, NULL, NULL) > 0)
    ;
}

/* in order: closing with answers unread would be a reset, which overtakes what was sent */
static void
publisher_close (Publisher *self)
{
  if (self->connection == NULL)
    return;
  g_socket_shutdown (g_socket_connection_get_socket (self->connection), FALSE, TRUE, NULL);
  publisher_await_end (self);
  g_clear_object (&self->connection);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Publisher, publisher_close)

#define IDR "0000000565888400ff"
#define SLICE "0000000541888400ff"

static void
video_config (Publisher *self, const gchar *record)
{
  g_autofree gchar *text = g_strconcat ("1700000000", record, NULL);

  publisher_hex (self, WEIR_RTMP_VIDEO, 0, text);
}

static void
audio_config (Publisher *self)
{
  publisher_hex (self, WEIR_RTMP_AUDIO, 0, "af00" RECORD_AAC_LC_48000_STEREO);
}

static void
video (Publisher *self, guint32 timestamp, const gchar *composition, const gchar *sample)
{
  g_autofree gchar *text =
      g_strconcat (g_str_equal (sample, IDR) ? "17" : "27", "01", composition, sample, NULL);

  publisher_hex (self, WEIR_RTMP_VIDEO, timestamp, text);
}

static void
audio (Publisher *self, guint32 timestamp)
{
  publisher_hex (self, WEIR_RTMP_AUDIO, timestamp, "af01deadbeef");
}

/* ── Enhanced RTMP ── */

#define AVC "61766331"
#define HEVC "68766331"
#define AV1 "61763031"
#define MP4A "6d703461"
#define OPUS "4f707573"

#define HEVC_IDR "000000042601af08"
#define OPUS_FRAME "f8fffe"

typedef struct {
  const gchar *fourcc; /* where each track has its own */
  guint id;
  const gchar *body;
} Part;

/* several tracks in one message. @head: up to where they begin; @parts: ended by one without body
 */
static void
publisher_tracks (
    Publisher *self, guint8 type, guint32 timestamp, const gchar *head, const Part *parts)
{
  g_autoptr (GString) text = g_string_new (head);

  for (; parts->body != NULL; parts++)
    g_string_append_printf (text, "%s%02x%06x%s", parts->fourcc != NULL ? parts->fourcc : "",
        parts->id, (guint) strlen (parts->body) / 2, parts->body);
  publisher_hex (self, type, timestamp, text->str);
}

#define PARTS(...) ((const Part[]){__VA_ARGS__, {0}})

/* what came before a pad was linked is seen with its first buffer */
#define VIDEO_EVENTS "V:stream-start V:caps V:segment"
#define AUDIO_EVENTS "A:stream-start A:caps A:segment"

/* @tracks: whose configurations it sends first, in this order: "va" */
static void
publish (Bench *self, Publisher *publisher, const gchar *tracks)
{
  bench_init (self, "k");
  publisher_open (publisher, bench_play (self), "k");
  for (; *tracks != '\0'; tracks++) {
    if (*tracks == 'v')
      video_config (publisher, RECORD_MAIN_480P25);
    else
      audio_config (publisher);
  }
}

#define assert_whole_output(bench, publisher, expected) \
  G_STMT_START                                          \
  {                                                     \
    publisher_close (publisher);                        \
    assert_output (bench, expected);                    \
  }                                                     \
  G_STMT_END

/* ── situations ── */

static void
what_is_published_comes_out_with_its_spacing (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "va");
  video (&publisher, 1000, "000028", IDR);
  audio (&publisher, 1007);
  video (&publisher, 1033, "000000", SLICE);
  video (&publisher, 1067, "ffffec", SLICE);
  audio (&publisher, 1028);
  assert_whole_output (&bench, &publisher,
      "no-more-pads " VIDEO_EVENTS " v0c40k! " AUDIO_EVENTS " a7! v33 v67c-20 a28 V:eos A:eos");
  g_assert_cmpuint (get_count (&bench, "frames"), ==, 5);
}

static void
the_wraps_of_the_senders_clock_are_undone (void)
{
  static const guint32 wraps[] = {0, 0x80000000};
  guint i;

  for (i = 0; i < G_N_ELEMENTS (wraps); i++) {
    g_auto (Bench) bench = {0};
    g_auto (Publisher) publisher = {0};

    publish (&bench, &publisher, "va");
    video (&publisher, wraps[i] - 20, "000000", IDR);
    /* its first one is behind the wrap already; only a wrap at 32 bits can be told then */
    audio (&publisher, wraps[i] == 0 ? 1 : wraps[i] + 1);
    video (&publisher, 20, "000000", SLICE);
    assert_whole_output (&bench, &publisher,
        "no-more-pads " VIDEO_EVENTS " v0k! " AUDIO_EVENTS " a21! v40 V:eos A:eos");
  }
}

static void
only_the_right_key_is_taken (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) wrong = {0}, publisher = {0}, second = {0};
  guint port;

  bench_init (&bench, "k");
  port = bench_play (&bench);
  publisher_open (&wrong, port, "x");
  publisher_await_end (&wrong);
  publisher_open (&publisher, port, "k");
  audio_config (&publisher);
  audio (&publisher, 5);
  assert_output (&bench, AUDIO_EVENTS " a0!");
  publisher_open (&second, port, "k");
  publisher_await_end (&second);
  g_assert_cmpuint (get_count (&bench, "connections"), ==, 1);
}

static void
the_next_publisher_is_waited_for (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) first = {0}, second = {0};
  guint port;

  bench_init (&bench, NULL);
  g_object_set (bench.source, "keep-listening", TRUE, NULL);
  port = bench_play (&bench);
  publisher_open (&first, port, "whatever");
  video_config (&first, RECORD_MAIN_480P25);
  audio_config (&first);
  video (&first, 1000, "000000", IDR);
  audio (&first, 1000);
  video (&first, 1040, "000000", SLICE);
  assert_output (&bench, "no-more-pads " VIDEO_EVENTS " v0k! " AUDIO_EVENTS " a0! v40");
  publisher_close (&first);
  /* refused as long as the first one's end has not been noticed */
  for (;;) {
    g_autoptr (GstStructure) stats = NULL;
    gboolean publishing = TRUE;

    g_object_get (bench.source, "stats", &stats, NULL);
    g_assert_true (gst_structure_get_boolean (stats, "publishing", &publishing));
    if (!publishing)
      break;
    g_thread_yield ();
  }
  publisher_open (&second, port, "another");
  video (&second, 0, "000000", IDR);
  video_config (&second, RECORD_MAIN_480P25);
  audio_config (&second);
  video (&second, 7, "000000", IDR);
  audio (&second, 7);
  video (&second, 47, "000000", SLICE);
  assert_output (&bench, VIDEO_EVENTS " " AUDIO_EVENTS " v0k! a0! v40");
  g_assert_cmpuint (get_count (&bench, "dropped-before-config"), ==, 1);
}

static void
only_a_changed_configuration_is_passed_on (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "v");
  video (&publisher, 0, "000000", IDR);
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 40, "000000", SLICE);
  video_config (&publisher, RECORD_BASELINE_720P30);
  video (&publisher, 80, "000000", IDR);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0k! v40 V:caps v80k V:eos");
}

static void
a_configuration_that_keeps_changing_ends_the_publisher (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  g_autoptr (GString) expected = g_string_new (VIDEO_EVENTS " v0k!");

  publish (&bench, &publisher, "");
  for (guint i = 0; i <= 12; i++) {
    video_config (&publisher, i % 2 ? RECORD_BASELINE_720P30 : RECORD_MAIN_480P25);
    video (&publisher, i * 40, "000000", IDR);
    /* ten changes; nothing of what comes after them until it is closed */
    if (i >= 1 && i <= 10)
      g_string_append_printf (expected, " V:caps v%uk", i * 40);
  }
  publisher_close (&publisher);
  g_string_append (expected, " V:eos");
  assert_output (&bench, expected->str);
}

static void
what_cannot_be_used_is_dropped_and_counted (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  video (&publisher, 0, "000000", IDR);
  audio (&publisher, 0);
  video_config (&publisher, "00");
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 0, "000000", "000000ff65888400ff");
  video (&publisher, 0, "000000", "0000000106");
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "2201aabbcc");
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "");
  publisher_hex (&publisher, WEIR_RTMP_DATA, 0, "ff");
  video (&publisher, 40, "000000", IDR);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0k! V:eos");
  g_assert_cmpuint (get_count (&bench, "dropped-before-config"), ==, 2);
  g_assert_cmpuint (get_count (&bench, "dropped-invalid"), ==, 1);
  g_assert_cmpuint (get_count (&bench, "dropped-empty"), ==, 1);
  g_assert_cmpuint (get_count (&bench, "dropped-unsupported"), ==, 1);
  g_assert_cmpuint (get_count (&bench, "dropped-malformed"), ==, 1);
}

static void
stamps_before_the_beginning_get_a_segment_that_allows_them (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "va");
  video (&publisher, 3600000, "000000", IDR);
  audio (&publisher, 3599990);
  video (&publisher, 3600040, "000000", SLICE);
  video (&publisher, 0, "000000", IDR);
  video (&publisher, 40, "000000", SLICE);
  assert_whole_output (&bench, &publisher,
      "no-more-pads " VIDEO_EVENTS " v0k! " AUDIO_EVENTS
      " a-10! v40 V:segment v-3600000k v-3599960 V:eos A:eos");
}

static void
a_track_that_nobody_wants_does_not_stop_the_other (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  bench_init (&bench, "k");
  bench.link[WEIR_MEDIA_VIDEO] = FALSE;
  publisher_open (&publisher, bench_play (&bench), "k");
  video_config (&publisher, RECORD_MAIN_480P25);
  audio_config (&publisher);
  video (&publisher, 0, "000000", IDR);
  audio (&publisher, 0);
  video (&publisher, 40, "000000", SLICE);
  audio (&publisher, 21);
  assert_whole_output (&bench, &publisher, "no-more-pads " AUDIO_EVENTS " a0! a21 A:eos");
}

static void
metadata_promises_tracks (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  WeirWriter body;

  publish (&bench, &publisher, "");
  weir_writer_init (&body, 0);
  weir_amf_write_string (&body, "@setDataFrame");
  weir_amf_write_string (&body, "onMetaData");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "videocodecid");
  weir_amf_write_number (&body, 7);
  weir_amf_write_name (&body, "audiocodecid");
  weir_amf_write_string (&body, "mp4a");
  weir_amf_write_object_end (&body);
  publisher_message (&publisher, WEIR_RTMP_DATA, 0, body.data, body.size);
  weir_writer_clear (&body);
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 0, "000000", IDR);
  assert_output (&bench, VIDEO_EVENTS " V:audio v0k!");
  video (&publisher, 2000, "000000", SLICE);
  assert_output (&bench, "no-more-pads v2000");
}

/* ── codecs and tracks ── */

#define TRACK_EVENTS(track, caps) track ":stream-start " track ":" caps " " track ":segment"

static void
tracks_in_one_message_share_its_memory (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  const GstMemory *memory[3];

  publish (&bench, &publisher, "");
  /* one codec for all, a codec for each, and one track alone */
  publisher_tracks (&publisher, WEIR_RTMP_VIDEO, 0, "9610" AVC,
      PARTS ({NULL, 0, RECORD_MAIN_480P25}, {NULL, 7, RECORD_BASELINE_720P30}));
  publisher_tracks (&publisher, WEIR_RTMP_AUDIO, 0, "9520",
      PARTS ({MP4A, 0, RECORD_AAC_LC_48000_STEREO}, {OPUS, 1, RECORD_OPUS_STEREO}));
  publisher_tracks (
      &publisher, WEIR_RTMP_VIDEO, 0, "9613" AVC, PARTS ({NULL, 0, IDR}, {NULL, 7, IDR}));
  publisher_tracks (
      &publisher, WEIR_RTMP_AUDIO, 5, "9521", PARTS ({MP4A, 0, "deadbeef"}, {OPUS, 1, OPUS_FRAME}));
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 40, "a603" AVC "07" SLICE);
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 25, "9501" OPUS "01" OPUS_FRAME);
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 2005, "af01deadbeef");
  assert_whole_output (&bench, &publisher,
      VIDEO_EVENTS
      " v0k! " TRACK_EVENTS ("V7", "caps") " v7@0k! " AUDIO_EVENTS " a5! " TRACK_EVENTS (
          "A1", "opus") " a1@5! v7@40 a1@25 no-more-pads a2005 "
                        "V:eos V7:eos A:eos A1:eos");
  for (guint i = 0; i < G_N_ELEMENTS (memory); i++)
    memory[i] = gst_buffer_peek_memory (bench.buffers->pdata[i], 0)->parent;
  g_assert_nonnull (memory[0]);
  g_assert_true (memory[0] == memory[1]);
  g_assert_true (memory[1] != memory[2]);
  assert_bytes (&bench, 1, IDR);
  assert_bytes (&bench, 3, OPUS_FRAME);
  assert_bytes (&bench, 4, SLICE);
  assert_health (&bench, "");
}

static void
tracks_beyond_the_limit_are_dropped_and_counted (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  for (guint i = 0; i < 10; i++) {
    g_autofree gchar *text =
        g_strdup_printf ("9600" AVC "%02x" RECORD_MAIN_480P25, i == 0 ? 0 : 200 + i);

    publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, text);
  }
  video (&publisher, 0, "000000", IDR);
  assert_output (&bench, VIDEO_EVENTS " v0k!");
  g_assert_cmpuint (get_count (&bench, "dropped-tracks"), ==, 2);
  g_assert_cmpuint (bench.pads->len, ==, 8);
}

static void
a_track_may_change_its_codec (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "v");
  video (&publisher, 0, "000000", IDR);
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 40, "90" HEVC RECORD_HEVC_MAIN_720P30);
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 40, "91" HEVC "000028" HEVC_IDR);
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 80, "000000", IDR);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0k! V:h265 v40c40k V:caps v80k V:eos");
}

static void
nanoseconds_belong_to_the_presentation (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "90" AVC RECORD_MAIN_480P25);
  /* ModEx of three bytes, TimestampOffsetNano: 500000 ns; then coded frames */
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "97 02 07a120 01" AVC "000000" IDR);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0c0.5k! V:eos");
}

#define SPS_720 "6742c01fd9005005bb0110000003001000000303c0f1832480"
#define PPS_720 "68cb83cb20"
#define SPS_480 "674d401eeca06c1ef37808800000030080000019078b16cb"
#define PPS_480 "68ebe3cb20"
#define CODE "00000001"

static void
what_encoders_do_wrong_is_put_right_and_said_once (void)
{
  static const struct {
    const gchar *config, *frame, *data, *count, *health;
    guint8 type;
    guint64 counted; /* of two frames */
  } rows[] = {
      {"1700000000" RECORD_MAIN_480P25, "1701000000" CODE "65888400ff", IDR, "annex-b",
          "annex-b (video track 0, H.264)", WEIR_RTMP_VIDEO, 2},
      {"1700000000" RECORD_MAIN_480P25,
          "1701000000"
          "00000000" IDR,
          IDR, "empty-nal", "empty-nal (video track 0, H.264)", WEIR_RTMP_VIDEO, 2},
      {NULL, "1701000000" CODE SPS_720 CODE PPS_720 CODE "65888400ff",
          "00000019" SPS_720 "00000005" PPS_720 IDR, "no-record",
          "no-configuration (video track 0, H.264)", WEIR_RTMP_VIDEO, 1},
      {"af00" RECORD_AAC_LC_48000_STEREO,
          "af01"
          "fff14c8001bffc211004608c1c",
          "211004608c1c", "adts", "adts (audio track 0, AAC)", WEIR_RTMP_AUDIO, 2},
      {NULL,
          "af01"
          "fff14c8001bffc211004608c1c",
          "211004608c1c", "no-record",
          "adts (audio track 0, AAC); no-configuration (audio track 0, AAC)", WEIR_RTMP_AUDIO, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Bench) bench = {0};
    g_auto (Publisher) publisher = {0};
    gboolean is_video = rows[i].type == WEIR_RTMP_VIDEO;

    publish (&bench, &publisher, "");
    if (rows[i].config != NULL)
      publisher_hex (&publisher, rows[i].type, 0, rows[i].config);
    publisher_hex (&publisher, rows[i].type, 0, rows[i].frame);
    publisher_hex (&publisher, rows[i].type, 40, rows[i].frame);
    publisher_close (&publisher);
    if (is_video)
      assert_output (&bench, VIDEO_EVENTS " v0k! v40k V:eos");
    else
      assert_output (&bench, AUDIO_EVENTS " a0! a40 A:eos");
    assert_bytes (&bench, 0, rows[i].data);
    assert_bytes (&bench, 1, rows[i].data);
    assert_health (&bench, rows[i].health);
    g_assert_cmpuint (get_count (&bench, rows[i].count), ==, rows[i].counted);
  }
}

static void
parameter_sets_in_the_stream_change_the_configuration (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "v");
  video (&publisher, 0, "000000", IDR);
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 40,
      "1701000000"
      "00000019" SPS_720 "00000005" PPS_720 IDR);
  /* the old record again is what was overtaken */
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 80, "000000", SLICE);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0k! V:caps v40k v80 V:eos");
  assert_health (&bench, "in-band-configuration (video track 0, H.264)");
}

static void
parameter_sets_that_keep_changing_end_the_publisher (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  g_autoptr (GString) expected = g_string_new (VIDEO_EVENTS " v0k!");

  publish (&bench, &publisher, "v");
  for (guint i = 0; i <= 12; i++) {
    publisher_hex (&publisher, WEIR_RTMP_VIDEO, i * 40,
        i % 2 ? "170100000000000019" SPS_720 "00000005" PPS_720 IDR
              : "170100000000000018" SPS_480 "00000005" PPS_480 IDR);
    /* as with records */
    if (i >= 1 && i <= 10)
      g_string_append_printf (expected, " V:caps v%uk", i * 40);
  }
  publisher_close (&publisher);
  g_string_append (expected, " V:eos");
  assert_output (&bench, expected->str);
}

static void
codecs_that_are_not_supported_are_said_once (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  for (guint i = 0; i < 3; i++) {
    publisher_hex (&publisher, WEIR_RTMP_VIDEO, i, "2200aabbcc");
    publisher_hex (&publisher, WEIR_RTMP_AUDIO, i, "b2aabbcc");
    publisher_hex (&publisher, WEIR_RTMP_VIDEO, i,
        "90"
        "76766331"
        "00");
  }
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "9f");
  for (guint i = 0; i < 60; i++)
    audio (&publisher, i);
  audio_config (&publisher);
  audio (&publisher, 70);
  assert_output (&bench, AUDIO_EVENTS " a0!");
  assert_health (&bench,
      "unsupported-video-codec (Sorenson H.263); unsupported-audio-codec (Speex); "
      "unsupported-video-codec (VVC); malformed-media (video: a message cannot be read); "
      "no-configuration (audio track 0, AAC: nobody knows how to decode it)");
  g_assert_cmpuint (get_count (&bench, "dropped-unsupported"), ==, 9);
  g_assert_cmpuint (get_count (&bench, "dropped-before-config"), ==, 60);
}

static void
adts_whose_channels_are_in_the_stream_is_not_supported (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  for (guint i = 0; i < 60; i++)
    publisher_hex (&publisher, WEIR_RTMP_AUDIO, i,
        "af01"
        "fff14c0001bffc211004608c1c");
  audio_config (&publisher);
  audio (&publisher, 70);
  assert_output (&bench, AUDIO_EVENTS " a0!");
  assert_health (&bench,
      "adts (audio track 0, AAC); unsupported-audio-codec (AAC in ADTS frames of several blocks, "
      "or that alone tell their channels)");
  g_assert_cmpuint (get_count (&bench, "dropped-unsupported"), ==, 60);
}

static void
opus_without_a_header_is_as_the_sender_says_or_stereo (void)
{
  static const struct {
    const gchar *channels;
    gint expected;
  } rows[] = {{NULL, 2}, {"94" OPUS "0101"
                          "00000004",
                             1}};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Bench) bench = {0};
    g_auto (Publisher) publisher = {0};
    g_autoptr (GstPad) pad = NULL;
    g_autoptr (GstCaps) caps = NULL;
    gint channels = 0;

    publish (&bench, &publisher, "");
    publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0, "90" OPUS);
    if (rows[i].channels != NULL)
      publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0, rows[i].channels);
    publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0, "91" OPUS OPUS_FRAME);
    assert_output (&bench, TRACK_EVENTS ("A", "opus") " a0!");
    pad = gst_element_get_static_pad (GST_ELEMENT (bench.source), "audio_0");
    caps = gst_pad_get_current_caps (pad);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "channels", &channels);
    g_assert_cmpint (channels, ==, rows[i].expected);
  }
}

static void
the_end_of_a_track_is_a_gap (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0, "");
  audio_config (&publisher);
  video_config (&publisher, RECORD_MAIN_480P25);
  audio (&publisher, 1000);
  video (&publisher, 1000, "000000", IDR);
  /* silence, and an end of sequence */
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 1021, "");
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 1040, "1702000000");
  /* of another codec than the track has */
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 1040, "92" HEVC);
  audio (&publisher, 1500);
  assert_whole_output (&bench, &publisher,
      "no-more-pads " AUDIO_EVENTS " a0! " VIDEO_EVENTS " v0k! A:gap21 V:gap40 a500 V:eos A:eos");
}

static void
metadata_names_tracks_and_promises_them (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  WeirWriter body;

  publish (&bench, &publisher, "");
  weir_writer_init (&body, 0);
  weir_amf_write_string (&body, "onMetaData");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "audiocodecid");
  weir_amf_write_number (&body, 10);
  weir_amf_write_name (&body, "language");
  weir_amf_write_string (&body, "en");
  weir_amf_write_name (&body, "audioTrackIdInfoMap");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "1");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "language");
  weir_amf_write_string (&body, "de");
  weir_amf_write_name (&body, "label");
  weir_amf_write_string (&body, "Kommentar");
  weir_amf_write_object_end (&body);
  weir_amf_write_object_end (&body);
  weir_amf_write_object_end (&body);
  publisher_message (&publisher, WEIR_RTMP_DATA, 0, body.data, body.size);
  audio_config (&publisher);
  video_config (&publisher, RECORD_MAIN_480P25);
  video (&publisher, 0, "000000", IDR);
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0, "9500" MP4A "01" RECORD_AAC_LC_48000_STEREO);
  publisher_hex (&publisher, WEIR_RTMP_AUDIO, 0,
      "9501" MP4A "01"
      "deadbeef");
  /* the same again says nothing new */
  publisher_message (&publisher, WEIR_RTMP_DATA, 0, body.data, body.size);
  weir_writer_clear (&body);
  audio (&publisher, 0);
  assert_output (&bench,
      VIDEO_EVENTS " v0k! " TRACK_EVENTS ("A1", "caps") " A1:tag(Kommentar,de) a1@0! " AUDIO_EVENTS
                                                        " A:tag((null),en) a0!");
}

static void
a_colour_that_is_said_beside_the_stream_is_in_the_caps (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autofree gchar *text = NULL;
  WeirWriter body;

  publish (&bench, &publisher, "");
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "90" AVC RECORD_MAIN_480P25);
  weir_writer_init (&body, 0);
  weir_writer_u8 (&body, 0xd4);
  weir_writer_fourcc (&body, "avc1");
  weir_amf_write_string (&body, "colorInfo");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "colorConfig");
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "colorPrimaries");
  weir_amf_write_number (&body, 9);
  weir_amf_write_name (&body, "transferCharacteristics");
  weir_amf_write_number (&body, 16);
  weir_amf_write_name (&body, "matrixCoefficients");
  weir_amf_write_number (&body, 9);
  weir_amf_write_object_end (&body);
  weir_amf_write_object_end (&body);
  publisher_message (&publisher, WEIR_RTMP_VIDEO, 0, body.data, body.size);
  weir_writer_clear (&body);
  publisher_hex (&publisher, WEIR_RTMP_VIDEO, 0, "91" AVC "000000" IDR);
  assert_whole_output (&bench, &publisher, VIDEO_EVENTS " v0k! V:eos");
  pad = gst_element_get_static_pad (GST_ELEMENT (bench.source), "video_0");
  caps = gst_pad_get_current_caps (pad);
  text = gst_caps_to_string (caps);
  g_assert_nonnull (strstr (text, "9:16:9:0"));
}

static void
assert_error (Bench *self, GQuark domain, gint code)
{
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (self->bus, 20 * GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
}

static void
a_busy_port_fails_the_state_change (void)
{
  g_auto (Bench) bench = {0};
  g_autoptr (GSocketListener) other = g_socket_listener_new ();
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  g_socket_listener_add_address (
      other, any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
  g_assert_no_error (error);
  bench_init (&bench, "k");
  g_object_set (
      bench.source, "port", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)), NULL);
  g_assert_cmpint (gst_element_set_state (GST_ELEMENT (bench.source), GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  assert_error (&bench, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY);
}

static void
a_publisher_without_media_is_an_error (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};

  publish (&bench, &publisher, "");
  video (&publisher, 0, "000000", IDR);
  publisher_close (&publisher);
  assert_error (&bench, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
}

static void
elements_with_the_same_port_share_it (void)
{
  g_auto (Bench) first = {0}, second = {0};
  g_auto (Publisher) a = {0}, b = {0};
  guint port;

  /* a port that was free a moment ago */
  bench_init (&first, "a");
  port = bench_play (&first);
  gst_element_set_state (GST_ELEMENT (first.source), GST_STATE_NULL);
  g_object_set (first.source, "port", port, NULL);
  g_assert_cmpuint (bench_play (&first), ==, port);
  bench_init (&second, "b");
  g_object_set (second.source, "port", port, NULL);
  g_assert_cmpuint (bench_play (&second), ==, port);
  publisher_open (&b, port, "b");
  audio_config (&b);
  audio (&b, 0);
  assert_output (&second, AUDIO_EVENTS " a0!");
  /* the other one's end does not close it */
  gst_element_set_state (GST_ELEMENT (second.source), GST_STATE_NULL);
  publisher_open (&a, port, "a");
  audio_config (&a);
  audio (&a, 0);
  assert_output (&first, AUDIO_EVENTS " a0!");
}

static void
it_stops_while_someone_publishes (void)
{
  guint round;

  for (round = 0; round < 10; round++) {
    g_auto (Bench) bench = {0};
    g_auto (Publisher) publisher = {0};
    guint i;

    publish (&bench, &publisher, "v");
    for (i = 0; i < 50; i++)
      video (&publisher, i * 40, "000000", IDR);
    await_anything (&bench);
    gst_element_set_state (GST_ELEMENT (bench.source), GST_STATE_NULL);
    publisher_await_end (&publisher);
    g_assert_cmpuint (GST_ELEMENT (bench.source)->numpads, ==, 0);
  }
}

static gboolean
give_to_element (
    G_GNUC_UNUSED WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  gpointer *arguments = data;
  Bench *bench = arguments[0];

  g_object_set (bench->source, "connection", connection, NULL);
  weir_connection_accept (connection, arguments[1]);
  note (bench, "accepted");
  return TRUE;
}

static void
a_given_connection_is_taken (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  g_autoptr (WeirRtmpListener) listener = NULL;
  g_autoptr (GError) error = NULL;
  WeirRtmpListenerSettings settings;
  gpointer arguments[] = {&bench, worker};

  bench_init (&bench, NULL);
  weir_rtmp_listener_settings_init (&settings);
  listener = weir_rtmp_listener_new ("127.0.0.1:0", &settings, worker, &error);
  g_assert_no_error (error);
  g_signal_connect (listener, "authorise", G_CALLBACK (give_to_element), arguments);
  publisher_open (&publisher,
      (guint) g_ascii_strtoull (
          strrchr (weir_rtmp_listener_get_addresses (listener), ':') + 1, NULL, 10),
      "k");
  audio_config (&publisher);
  audio (&publisher, 0);
  assert_output (&bench, "accepted");
  g_assert_cmpuint (bench_play (&bench), ==, 0);
  assert_whole_output (&bench, &publisher, AUDIO_EVENTS " a0! A:eos");
  gst_element_set_state (GST_ELEMENT (bench.source), GST_STATE_NULL);
  g_object_set (bench.source, "connection", NULL, NULL);
  weir_rtmp_listener_stop (listener);
  weir_worker_stop (worker);
}

static void
every_property_keeps_what_it_is_given (void)
{
  g_autoptr (WeirRtmpSrc) source = gst_object_ref_sink (g_object_new (WEIR_TYPE_RTMP_SRC, NULL));
  g_autoptr (WeirRtmpConnection) connection =
      g_object_new (WEIR_TYPE_RTMP_CONNECTION, "protocol", "rtmp", "peer", "192.0.2.1:4711", NULL);
  g_autoptr (WeirRtmpConnection) got = NULL;
  g_autofree gchar *address = NULL, *key = NULL;
  gboolean keep;
  guint port;

  g_object_set (source, "address", "192.0.2.1", "port", 4711, "stream-key", "secret",
      "keep-listening", TRUE, "connection", connection, NULL);
  g_object_get (source, "address", &address, "port", &port, "stream-key", &key, "keep-listening",
      &keep, "connection", &got, NULL);
  g_assert_cmpstr (address, ==, "192.0.2.1");
  g_assert_cmpuint (port, ==, 4711);
  g_assert_cmpstr (key, ==, "secret");
  g_assert_true (keep);
  g_assert_true (got == connection);
}

static void
it_answers_latency (void)
{
  g_auto (Bench) bench = {0};
  g_auto (Publisher) publisher = {0};
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime minimum = 1;
  gboolean live = FALSE;

  publish (&bench, &publisher, "a");
  audio (&publisher, 0);
  assert_output (&bench, AUDIO_EVENTS " a0!");
  g_assert_true (gst_pad_peer_query (g_ptr_array_index (bench.pads, 0), query));
  gst_query_parse_latency (query, &live, &minimum, NULL);
  g_assert_true (live);
  g_assert_cmpuint (minimum, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
#define ADD(name) g_test_add_func ("/weirrtmpsrc/" #name, name)
  ADD (what_is_published_comes_out_with_its_spacing);
  ADD (the_wraps_of_the_senders_clock_are_undone);
  ADD (only_the_right_key_is_taken);
  ADD (the_next_publisher_is_waited_for);
  ADD (only_a_changed_configuration_is_passed_on);
  ADD (a_configuration_that_keeps_changing_ends_the_publisher);
  ADD (what_cannot_be_used_is_dropped_and_counted);
  ADD (stamps_before_the_beginning_get_a_segment_that_allows_them);
  ADD (a_track_that_nobody_wants_does_not_stop_the_other);
  ADD (metadata_promises_tracks);
  ADD (tracks_in_one_message_share_its_memory);
  ADD (tracks_beyond_the_limit_are_dropped_and_counted);
  ADD (a_track_may_change_its_codec);
  ADD (nanoseconds_belong_to_the_presentation);
  ADD (what_encoders_do_wrong_is_put_right_and_said_once);
  ADD (parameter_sets_in_the_stream_change_the_configuration);
  ADD (parameter_sets_that_keep_changing_end_the_publisher);
  ADD (codecs_that_are_not_supported_are_said_once);
  ADD (adts_whose_channels_are_in_the_stream_is_not_supported);
  ADD (opus_without_a_header_is_as_the_sender_says_or_stereo);
  ADD (the_end_of_a_track_is_a_gap);
  ADD (metadata_names_tracks_and_promises_them);
  ADD (a_colour_that_is_said_beside_the_stream_is_in_the_caps);
  ADD (a_busy_port_fails_the_state_change);
  ADD (a_publisher_without_media_is_an_error);
  ADD (elements_with_the_same_port_share_it);
  ADD (it_stops_while_someone_publishes);
  ADD (a_given_connection_is_taken);
  ADD (every_property_keeps_what_it_is_given);
  ADD (it_answers_latency);
  return g_test_run ();
}
