/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-weirsegmentmux
 * @title: weirsegmentmux
 *
 * Makes fragmented MP4 (CMAF) of any number of tracks. It has no thread of its own and waits for no
 * pad: a chunk leaves as soon as it closes, on the thread that brought the sample that closed it.
 *
 * Each chunk is one buffer list: a header (`styp` where a segment begins, `moof`, the header of
 * `mdat`) and the samples, whose memory is shared with the input. A header that begins a segment
 * carries HEADER, a later one HEADER and DELTA_UNIT, samples DELTA_UNIT, a chunk's last one MARKER;
 * the init segment HEADER and DISCONT.
 *
 * A track's configuration is the `codec_data` of its caps (of Opus also the first `streamheader`);
 * where it changes, or the codec does, a new run begins with another init segment. Its name and
 * language are the stream tags `title` and `language-code`. Behind a GAP event without a duration
 * nothing waits for a track until its next buffer.
 *
 * ## Example
 * |[
 * gst-launch-1.0 filesrc location=a.flv ! flvdemux name=d \
 *   weirsegmentmux name=m ! filesink location=a.mp4 \
 *   d.video ! queue ! h264parse ! video/x-h264,stream-format=avc,alignment=au ! m.video_0 \
 *   d.audio ! queue ! aacparse ! audio/mpeg,stream-format=raw ! m.audio_0
 * ]|
 *
 * makes a fragmented MP4 file of an FLV file without encoding it again.
 */
#include "segment/weirsegmentmux.h"

#include "segment/init.h"
#include "segment/inputs.h"

GST_DEBUG_CATEGORY_STATIC (weir_segment_mux_debug);
#define GST_CAT_DEFAULT weir_segment_mux_debug

struct _WeirSegmentMux {
  GstElement element;

  GstPad *src;
  WeirSegmentInputs *inputs;

  /* under the object lock */
  guint64 segment_duration;
  guint64 part_duration;

  /* under the inputs' lock */
  GstFlowReturn flow;
  gboolean started;   /* stream-start has been pushed */
  GArray *timescales; /* of guint32, by track */
};

enum { PROP_0, PROP_SEGMENT_DURATION, PROP_PART_DURATION, PROP_STATS, N_PROPERTIES };

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE_WITH_CODE (WeirSegmentMux, weir_segment_mux, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT (weir_segment_mux_debug, "weirsegmentmux", 0, "fMP4 muxer"))
GST_ELEMENT_REGISTER_DEFINE (weirsegmentmux, "weirsegmentmux", GST_RANK_NONE, WEIR_TYPE_SEGMENT_MUX)

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/quicktime, variant=(string)cmaf"));

static void
push_stream_start (WeirSegmentMux *self)
{
  g_autofree gchar *id = g_uuid_string_random ();
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_group_id (event, gst_util_group_id_next ());
  gst_pad_push_event (self->src, event);
}

static void
push_init (WeirSegmentMux *self, const WeirSegmenterEvent *event)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GstCaps) caps = NULL;
  GstBuffer *buffer;
  GValue headers = G_VALUE_INIT, header = G_VALUE_INIT;
  GstSegment segment;

  bytes = weir_init_segment_write_labelled ((WeirCodecConfig *const *) event->tracks->pdata,
      (WeirTrackLabel *const *) event->labels->pdata, event->tracks->len, -1);
  g_array_set_size (self->timescales, 0);
  for (guint i = 0; i < event->tracks->len; i++) {
    const WeirCodecConfig *config = g_ptr_array_index (event->tracks, i);
    guint32 timescale = config != NULL ? config->timescale : 1;

    g_array_append_val (self->timescales, timescale);
  }

  buffer = gst_buffer_new_wrapped_bytes (bytes);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  caps = gst_caps_new_simple ("video/quicktime", "variant", G_TYPE_STRING, "cmaf", NULL);
  g_value_init (&headers, GST_TYPE_ARRAY);
  g_value_init (&header, GST_TYPE_BUFFER);
  gst_value_set_buffer (&header, buffer);
  gst_value_array_append_and_take_value (&headers, &header);
  gst_structure_take_value (gst_caps_get_structure (caps, 0), "streamheader", &headers);

  if (!self->started)
    push_stream_start (self);
  gst_pad_push_event (self->src, gst_event_new_caps (caps));
  if (!self->started) {
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (self->src, gst_event_new_segment (&segment));
  }
  self->started = TRUE;
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->flow = gst_pad_push (self->src, buffer);
}

static GstClockTime
to_time (WeirSegmentMux *self, const WeirChunk *chunk, guint64 ticks)
{
  return gst_util_uint64_scale (
      ticks, GST_SECOND, g_array_index (self->timescales, guint32, chunk->track));
}

static void
push_chunk (WeirSegmentMux *self, const WeirChunk *chunk)
{
  GstBufferList *list = gst_buffer_list_new_sized (chunk->sample_count + 1);
  GstBuffer *header = gst_buffer_new_wrapped_bytes (chunk->header);
  gsize offset = 0;

  GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
  if (chunk->styp_size == 0)
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_DELTA_UNIT);
  GST_BUFFER_DTS (header) = to_time (self, chunk, chunk->decode_time);
  GST_BUFFER_PTS (header) = GST_BUFFER_DTS (header);
  GST_BUFFER_DURATION (header) = to_time (self, chunk, chunk->duration);
  GST_BUFFER_OFFSET (header) = chunk->sequence;
  gst_buffer_list_add (list, header);

  for (guint i = 0; i < chunk->samples->len; i++) {
    const WeirChunkSample *sample = &g_array_index (chunk->samples, WeirChunkSample, i);
    GstBuffer *buffer = gst_buffer_new ();
    guint8 *data = g_malloc (sample->entry.size);

    weir_blocks_copy (chunk->payload, offset, sample->entry.size, data);
    if (data != NULL)
      gst_buffer_append_memory (buffer, gst_memory_new_wrapped (0, data, sample->entry.size, 0,
                                            sample->entry.size, data, g_free));
    offset += sample->entry.size;
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (i + 1 == chunk->samples->len)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    GST_BUFFER_PTS (buffer) = sample->pts >= 0 ? (guint64) sample->pts : GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS (buffer) = sample->dts >= 0 ? (guint64) sample->dts : GST_CLOCK_TIME_NONE;
    gst_buffer_list_add (list, buffer);
  }
  self->flow = gst_pad_push_list (self->src, list);
}

static void
handle (GstElement *element, WeirSegmenterEvent *event)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (element);

  if (self->flow == GST_FLOW_OK) {
    if (event->type == WEIR_SEGMENTER_INIT)
      push_init (self, event);
    else if (event->type == WEIR_SEGMENTER_CHUNK)
      push_chunk (self, event->chunk);
  }
  weir_segmenter_event_free (event);
}

static void
ended (GstElement *element, guint32 seqnum)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (element);
  GstEvent *event = gst_event_new_eos ();

  if (!self->started)
    push_stream_start (self);
  gst_event_set_seqnum (event, seqnum);
  gst_pad_push_event (self->src, event);
}

static GstFlowReturn
get_flow (GstElement *element)
{
  return WEIR_SEGMENT_MUX (element)->flow;
}

static gboolean
query_src (GstPad *pad, GstObject *parent, GstQuery *query)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (parent);
  guint64 part;

  GST_OBJECT_LOCK (self);
  part = self->part_duration;
  GST_OBJECT_UNLOCK (self);
  if (weir_segment_inputs_query_latency (self->inputs, query, part))
    return TRUE;
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
take_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK)
    return gst_pad_event_default (pad, parent, event);
  return weir_segment_inputs_push_event (self->inputs, event);
}

static GstPad *
request_pad (GstElement *element, GstPadTemplate *template, const gchar *name,
    G_GNUC_UNUSED const GstCaps *caps)
{
  return weir_segment_inputs_request (WEIR_SEGMENT_MUX (element)->inputs, template, name);
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  weir_segment_inputs_release (WEIR_SEGMENT_MUX (element)->inputs, pad);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (element);
  WeirSegmenterSettings settings;
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    weir_segmenter_settings_init (&settings);
    GST_OBJECT_LOCK (self);
    settings.segment_duration_ns = (gint64) self->segment_duration;
    settings.part_duration_ns = (gint64) self->part_duration;
    GST_OBJECT_UNLOCK (self);
    self->flow = GST_FLOW_OK;
    self->started = FALSE;
    weir_segment_inputs_start (self->inputs, &settings, FALSE);
  }
  result = GST_ELEMENT_CLASS (weir_segment_mux_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    self->flow = GST_FLOW_FLUSHING;
    weir_segment_inputs_stop (self->inputs);
  }
  return result;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_SEGMENT_DURATION:
    self->segment_duration = g_value_get_uint64 (value);
    break;
  case PROP_PART_DURATION:
    self->part_duration = g_value_get_uint64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (object);

  switch (id) {
  case PROP_SEGMENT_DURATION:
    GST_OBJECT_LOCK (self);
    g_value_set_uint64 (value, self->segment_duration);
    GST_OBJECT_UNLOCK (self);
    break;
  case PROP_PART_DURATION:
    GST_OBJECT_LOCK (self);
    g_value_set_uint64 (value, self->part_duration);
    GST_OBJECT_UNLOCK (self);
    break;
  case PROP_STATS:
    g_value_take_boxed (
        value, weir_segment_inputs_make_statistics (self->inputs, "weirsegmentmux-stats"));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
finalize (GObject *object)
{
  WeirSegmentMux *self = WEIR_SEGMENT_MUX (object);

  weir_segment_inputs_free (self->inputs);
  g_array_unref (self->timescales);
  G_OBJECT_CLASS (weir_segment_mux_parent_class)->finalize (object);
}

static void
weir_segment_mux_init (WeirSegmentMux *self)
{
  static const WeirSegmentInputsFunctions functions = {
      .handle = handle,
      .ended = ended,
      .get_flow = get_flow,
  };

  self->inputs = weir_segment_inputs_new (GST_ELEMENT (self), &functions);
  self->timescales = g_array_new (FALSE, TRUE, sizeof (guint32));
  self->segment_duration = 2 * GST_SECOND;
  self->part_duration = GST_SECOND / 2;
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->src, query_src);
  gst_pad_set_event_function (self->src, take_src_event);
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}

static void
weir_segment_mux_class_init (WeirSegmentMuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->request_new_pad = request_pad;
  element_class->release_pad = release_pad;
  element_class->change_state = change_state;

  properties[PROP_SEGMENT_DURATION] = g_param_spec_uint64 ("segment-duration", "Segment duration",
      "Segments begin at the first keyframe after this long, in nanoseconds", GST_MSECOND * 100,
      GST_SECOND * 60, 2 * GST_SECOND,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  properties[PROP_PART_DURATION] = g_param_spec_uint64 ("part-duration", "Part duration",
      "Chunks last at most this long, in nanoseconds", GST_MSECOND * 10, GST_SECOND * 60,
      GST_SECOND / 2, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters since the start: samples, those that came late, were moved to the next segment "
      "or dropped, cuts without a keyframe; the last GOP's duration in nanoseconds",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  weir_segment_inputs_add_templates (element_class);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Fragmented MP4 Segment Muxer",
      "Codec/Muxer",
      "Makes fragmented MP4 (CMAF) of video and audio tracks, a chunk as soon as it is complete",
      "The Weir authors");
}
