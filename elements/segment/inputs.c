/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/inputs.h"

#include "base/clock.h"
#include "gst/mediacaps.h"

/* what may wait while input that is not live is put in order */
#define ORDER_BYTES_MAX (64 * 1024 * 1024)
/* how long a new run's keyframe is waited for, when media could be taken again */
#define KEYFRAME_WAIT_NS (10 * (gint64) GST_SECOND)

GST_DEBUG_CATEGORY_STATIC (segment_inputs_debug);
#define GST_CAT_DEFAULT segment_inputs_debug

/* a buffer, mapped for reading for as long as its sample is in use */
typedef struct {
  GstBuffer *buffer;
  GstMapInfo map;
} Payload;

/* what one pad was given, in order */
typedef struct {
  WeirSample sample;
  WeirCodecConfig *config; /* a configuration instead of a sample */
  GstTagList *tags;        /* tags instead of a sample */
  gboolean end;            /* EOS, or a gap of unknown length, instead of a sample */
} Item;

typedef struct {
  WeirSegmentInputs *inputs;
  GstPad *pad;
  WeirMediaKind kind;
  guint track;
  GstSegment segment;
  gboolean asked_live; /* by the pad's streaming thread alone */
  gboolean begun;      /* a buffer has come */
  gboolean break_next; /* flushed: the next buffer does not continue */
  gboolean eos;
  gboolean silent; /* nothing is waited for before its next buffer */
  gint64 last_dts;
  gchar *title, *language; /* (nullable): as the tags say */
  GQueue items;
} Input;

struct _WeirSegmentInputs {
  GstElement *element;
  WeirSegmentInputsFunctions functions;
  GMutex lock;
  WeirSegmenter *segmenter; /* from start to stop */
  GPtrArray *inputs;        /* of Input */
  gboolean live;
  gsize ordered_bytes;
  gboolean ended;
  guint32 seqnum;
  guint next_video, next_audio;

  WeirSegmenterStatistics counted; /* when it was stopped */
  gint64 gop_ns;

  gboolean shut;          /* what comes is dropped: it cannot be taken, or could not */
  gint64 open_ns;         /* when it could be taken again, G_MAXINT64: not yet */
  guint64 lost, lost_now; /* buffers: so far, since it was shut */
};

static void
payload_free (gpointer data)
{
  Payload *payload = data;

  gst_buffer_unmap (payload->buffer, &payload->map);
  gst_buffer_unref (payload->buffer);
  g_free (payload);
}

static void
item_free (Item *item)
{
  if (item->sample.release != NULL)
    item->sample.release (item->sample.owner);
  g_clear_pointer (&item->config, weir_codec_config_unref);
  gst_clear_tag_list (&item->tags);
  g_free (item);
}

static void
input_free (gpointer data)
{
  Input *input = data;

  g_queue_clear_full (&input->items, (GDestroyNotify) item_free);
  g_free (input->title);
  g_free (input->language);
  g_free (input);
}

static gint64
get_now (WeirSegmentInputs *self)
{
  return self->live ? weir_clock_monotonic (weir_clock_system ()) : 0;
}

static void
handle_events (WeirSegmentInputs *self)
{
  WeirSegmenterEvent *event;

  while ((event = weir_segmenter_pull (self->segmenter)) != NULL)
    self->functions.handle (self->element, event);
}

static void
feed_tags (WeirSegmentInputs *self, Input *input, const GstTagList *tags)
{
  gchar *value;

  /* what a list does not mention stays as it is */
  if (gst_tag_list_get_string_index (tags, GST_TAG_TITLE, 0, &value)) {
    g_free (input->title);
    input->title = value;
  }
  if (gst_tag_list_get_string_index (tags, GST_TAG_LANGUAGE_CODE, 0, &value)) {
    g_free (input->language);
    input->language = value;
  }
  weir_segmenter_set_label (self->segmenter, input->track, input->title, input->language);
}

/* what @item holds is given to the segmenter */
static void
feed (WeirSegmentInputs *self, Input *input, Item *item)
{
  if (item->config != NULL)
    weir_segmenter_set_config (self->segmenter, input->track, item->config);
  else if (item->tags != NULL)
    feed_tags (self, input, item->tags);
  else if (item->end)
    weir_segmenter_end_track (self->segmenter, input->track);
  else
    weir_segmenter_push (self->segmenter, input->track, &item->sample, get_now (self));
  g_clear_pointer (&item->config, weir_codec_config_unref);
  gst_clear_tag_list (&item->tags);
  item->sample.release = NULL;
  handle_events (self);
}

/* gives the segmenter what has its turn; @all: everything */
static void
feed_in_order (WeirSegmentInputs *self, gboolean all)
{
  while (TRUE) {
    Input *first = NULL;
    gboolean complete = TRUE;
    Item *item;

    for (guint i = 0; i < self->inputs->len; i++) {
      Input *input = g_ptr_array_index (self->inputs, i);
      const Item *head = g_queue_peek_head (&input->items);

      if (head == NULL) {
        complete = complete && (input->eos || input->silent);
        continue;
      }
      if (head->config != NULL || head->tags != NULL || head->end) {
        first = input;
        complete = TRUE;
        break;
      }
      if (first == NULL ||
          head->sample.dts < ((Item *) g_queue_peek_head (&first->items))->sample.dts)
        first = input;
    }
    if (first == NULL || !(all || complete || self->live || self->ordered_bytes > ORDER_BYTES_MAX))
      return;
    item = g_queue_pop_head (&first->items);
    self->ordered_bytes -= item->sample.size + WEIR_SAMPLE_OVERHEAD;
    feed (self, first, item);
    item_free (item);
  }
}

static gboolean
is_any_waiting (WeirSegmentInputs *self)
{
  for (guint i = 0; i < self->inputs->len; i++)
    if (!g_queue_is_empty (&((Input *) g_ptr_array_index (self->inputs, i))->items))
      return TRUE;
  return FALSE;
}

/* @item: what it holds is taken */
static void
add_item (Input *input, Item *item)
{
  WeirSegmentInputs *self = input->inputs;

  if (self->live && !is_any_waiting (self)) {
    feed (self, input, item);
    return;
  }
  g_queue_push_tail (&input->items, g_memdup2 (item, sizeof *item));
  self->ordered_bytes += item->sample.size + WEIR_SAMPLE_OVERHEAD;
  feed_in_order (self, FALSE);
}

/* lock held: what has come is segmented to its end */
static void
drain (WeirSegmentInputs *self)
{
  feed_in_order (self, TRUE);
  weir_segmenter_drain (self->segmenter, get_now (self));
  handle_events (self);
}

static void
finish_when_all_ended (WeirSegmentInputs *self)
{
  if (self->ended || self->inputs->len == 0 || self->segmenter == NULL)
    return;
  for (guint i = 0; i < self->inputs->len; i++)
    if (!((Input *) g_ptr_array_index (self->inputs, i))->eos)
      return;
  drain (self);
  self->ended = TRUE;
  self->functions.ended (self->element, self->seqnum);
}

/* signed running time; FALSE when there is none */
static gboolean
to_running_time (const Input *input, GstClockTime time, gint64 *running)
{
  guint64 result;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return FALSE;
  sign = gst_segment_to_running_time_full (&input->segment, GST_FORMAT_TIME, time, &result);
  if (sign == 0 || result > G_MAXINT64)
    return FALSE;
  *running = sign > 0 ? (gint64) result : -(gint64) result;
  return TRUE;
}

static gboolean
is_live (Input *input)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (!gst_pad_peer_query (input->pad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, NULL, NULL);
  return live;
}

static gboolean
has_video (WeirSegmentInputs *self)
{
  for (guint i = 0; i < self->inputs->len; i++) {
    const Input *input = g_ptr_array_index (self->inputs, i);

    if (input->kind == WEIR_MEDIA_VIDEO && input->begun && !input->eos && !input->silent)
      return TRUE;
  }
  return FALSE;
}

/* lock held: a buffer of @input comes. Returns: FALSE when it is to be dropped */
static gboolean
admit (WeirSegmentInputs *self, const Input *input, gint64 dts, gboolean keyframe)
{
  gboolean full = self->functions.is_full != NULL && self->functions.is_full (self->element);
  gboolean lost = self->functions.take_loss != NULL && self->functions.take_loss (self->element);

  if ((full || lost) && !self->shut) {
    self->shut = TRUE;
    self->lost_now = 0;
    /* what is open is whole up to here; what comes later is a run of its own */
    drain (self);
    if (full)
      GST_ELEMENT_WARNING (
          self->element, RESOURCE, WRITE, ("Media is being lost: the disk is too slow."), (NULL));
  }
  if (!self->shut)
    return TRUE;
  if (full)
    self->open_ns = G_MAXINT64;
  else if (self->open_ns == G_MAXINT64)
    self->open_ns = dts;
  if (!full && (!has_video (self) || (input->kind == WEIR_MEDIA_VIDEO && keyframe) ||
                   dts - self->open_ns > KEYFRAME_WAIT_NS)) {
    self->shut = FALSE;
    GST_ELEMENT_INFO (self->element, RESOURCE, WRITE,
        ("Media goes on, %" G_GUINT64_FORMAT " buffers are lost.", self->lost_now), (NULL));
    return TRUE;
  }
  self->lost++;
  self->lost_now++;
  return FALSE;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Input *input = gst_pad_get_element_private (pad);
  WeirSegmentInputs *self = input->inputs;
  Item item = {0};
  Payload *payload;
  gint64 pts, dts;
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean live = FALSE, discontinuity;

  if (!input->asked_live)
    live = is_live (input);

  g_mutex_lock (&self->lock);
  self->live = self->live || live;
  input->asked_live = TRUE;
  discontinuity = (GST_BUFFER_IS_DISCONT (buffer) && input->begun) || input->break_next;

  if (input->eos || self->segmenter == NULL) {
    g_mutex_unlock (&self->lock);
    gst_buffer_unref (buffer);
    return GST_FLOW_EOS;
  }
  if (!to_running_time (input, GST_BUFFER_DTS_OR_PTS (buffer), &dts)) {
    if (!input->begun) {
      g_mutex_unlock (&self->lock);
      GST_WARNING_OBJECT (pad, "dropped a buffer without a time: %" GST_PTR_FORMAT, buffer);
      gst_buffer_unref (buffer);
      return GST_FLOW_OK;
    }
    dts = input->last_dts;
  }
  if (!to_running_time (input, GST_BUFFER_PTS (buffer), &pts))
    pts = dts;
  input->last_dts = dts;
  input->silent = FALSE;

  if (!admit (self, input, dts, !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))) {
    g_mutex_unlock (&self->lock);
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }

  payload = g_new (Payload, 1);
  payload->buffer = buffer;
  if (!gst_buffer_map (buffer, &payload->map, GST_MAP_READ)) {
    g_mutex_unlock (&self->lock);
    GST_WARNING_OBJECT (parent, "dropped a buffer that cannot be read");
    gst_buffer_unref (buffer);
    g_free (payload);
    return GST_FLOW_OK;
  }
  input->begun = TRUE;
  input->break_next = FALSE;
  item.sample = (WeirSample){
      .dts = dts,
      .pts = pts,
      .keyframe = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
      .discontinuity = discontinuity,
      .data = payload->map.data,
      .size = payload->map.size,
      .owner = payload,
      .release = payload_free,
  };
  GST_LOG_OBJECT (pad, "dts %" GST_STIME_FORMAT " pts %" GST_STIME_FORMAT "%s%s",
      GST_STIME_ARGS (dts), GST_STIME_ARGS (pts), item.sample.keyframe ? " key" : "",
      discontinuity ? " discontinuity" : "");
  add_item (input, &item);
  if (self->functions.get_flow != NULL)
    flow = self->functions.get_flow (self->element);
  g_mutex_unlock (&self->lock);
  return flow;
}

static gboolean
take_caps (Input *input, const GstCaps *caps)
{
  WeirSegmentInputs *self = input->inputs;
  g_autoptr (GError) error = NULL;
  Item item = {0};

  item.config = weir_codec_config_from_caps (caps, &error);
  if (item.config == NULL) {
    GST_ELEMENT_WARNING (self->element, STREAM, FORMAT, (NULL),
        ("%s: %s", GST_PAD_NAME (input->pad), error->message));
    return self->functions.get_flow == NULL;
  }
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL)
    add_item (input, &item);
  else
    weir_codec_config_unref (item.config);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
take_tags (Input *input, GstTagList *tags)
{
  WeirSegmentInputs *self = input->inputs;
  Item item = {0};

  if (gst_tag_list_get_scope (tags) != GST_TAG_SCOPE_STREAM)
    return;
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL) {
    item.tags = gst_tag_list_ref (tags);
    add_item (input, &item);
  }
  g_mutex_unlock (&self->lock);
}

/* one whose end is known is over by itself when what follows it comes */
static void
take_gap (Input *input, GstEvent *event)
{
  WeirSegmentInputs *self = input->inputs;
  GstClockTime duration;
  Item end = {.end = TRUE};

  gst_event_parse_gap (event, NULL, &duration);
  if (GST_CLOCK_TIME_IS_VALID (duration))
    return;
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL && !input->eos && !input->silent) {
    input->silent = TRUE;
    add_item (input, &end);
  }
  g_mutex_unlock (&self->lock);
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Input *input = gst_pad_get_element_private (pad);
  WeirSegmentInputs *self = input->inputs;
  gboolean result = TRUE;
  Item end = {.end = TRUE};
  GstTagList *tags;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    result = take_caps (input, caps);
    break;
  case GST_EVENT_TAG:
    gst_event_parse_tag (event, &tags);
    take_tags (input, tags);
    break;
  case GST_EVENT_GAP:
    take_gap (input, event);
    break;
  case GST_EVENT_SEGMENT:
    g_mutex_lock (&self->lock);
    gst_event_copy_segment (event, &input->segment);
    g_mutex_unlock (&self->lock);
    break;
  case GST_EVENT_STREAM_START:
  case GST_EVENT_FLUSH_STOP:
    g_mutex_lock (&self->lock);
    if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) {
      input->break_next = input->begun;
      gst_segment_init (&input->segment, GST_FORMAT_TIME);
    }
    input->eos = FALSE;
    input->silent = FALSE;
    self->ended = FALSE;
    g_mutex_unlock (&self->lock);
    break;
  case GST_EVENT_EOS:
    g_mutex_lock (&self->lock);
    if (!input->eos && self->segmenter != NULL) {
      input->eos = TRUE;
      self->seqnum = gst_event_get_seqnum (event);
      add_item (input, &end);
      finish_when_all_ended (self);
    }
    g_mutex_unlock (&self->lock);
    break;
  default:
    if (GST_EVENT_IS_SERIALIZED (event) || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
      break;
    return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return result;
}

WeirSegmentInputs *
weir_segment_inputs_new (GstElement *element, const WeirSegmentInputsFunctions *functions)
{
  static gsize once = 0;
  WeirSegmentInputs *self = g_new0 (WeirSegmentInputs, 1);

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (
        segment_inputs_debug, "weirsegmentinputs", 0, "pads of weirsegmentmux and weirsegmentsink");
    g_once_init_leave (&once, 1);
  }
  self->element = element;
  self->functions = *functions;
  g_mutex_init (&self->lock);
  self->inputs = g_ptr_array_new_with_free_func (input_free);
  return self;
}

void
weir_segment_inputs_free (WeirSegmentInputs *self)
{
  g_clear_pointer (&self->segmenter, weir_segmenter_free);
  g_ptr_array_unref (self->inputs);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE (
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (WEIR_VIDEO_CAPS));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE (
    "audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (WEIR_AUDIO_CAPS));

void
weir_segment_inputs_add_templates (GstElementClass *klass)
{
  gst_element_class_add_static_pad_template (klass, &video_template);
  gst_element_class_add_static_pad_template (klass, &audio_template);
}

GstPad *
weir_segment_inputs_request (WeirSegmentInputs *self, GstPadTemplate *template, const gchar *name)
{
  Input *input = g_new0 (Input, 1);
  g_autofree gchar *own_name = NULL;
  gboolean video = g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "video");
  guint *next = video ? &self->next_video : &self->next_audio;
  const gchar *prefix = video ? "video_" : "audio_";
  guint64 number;

  g_mutex_lock (&self->lock);
  if (name == NULL || !g_str_has_prefix (name, prefix) ||
      !g_ascii_string_to_unsigned (name + strlen (prefix), 10, 0, G_MAXINT, &number, NULL))
    number = *next;
  own_name = g_strdup_printf ("%s%u", prefix, (guint) number);
  *next = MAX (*next, (guint) number + 1);
  input->inputs = self;
  input->kind = video ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO;
  gst_segment_init (&input->segment, GST_FORMAT_TIME);
  input->pad = gst_pad_new_from_template (template, own_name);
  gst_pad_set_element_private (input->pad, input);
  gst_pad_set_chain_function (input->pad, chain);
  gst_pad_set_event_function (input->pad, take_event);
  g_ptr_array_add (self->inputs, input);
  self->ended = FALSE;
  if (self->segmenter != NULL)
    input->track = weir_segmenter_add_track (self->segmenter, input->kind);
  g_mutex_unlock (&self->lock);

  if (GST_STATE (self->element) > GST_STATE_READY ||
      GST_STATE_PENDING (self->element) > GST_STATE_READY)
    gst_pad_set_active (input->pad, TRUE);
  gst_element_add_pad (self->element, input->pad);
  return input->pad;
}

void
weir_segment_inputs_release (WeirSegmentInputs *self, GstPad *pad)
{
  Input *input = gst_pad_get_element_private (pad);

  gst_object_ref (pad);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (self->element, pad);
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL) {
    while (!g_queue_is_empty (&input->items)) {
      Item *item = g_queue_pop_head (&input->items);

      self->ordered_bytes -= item->sample.size + WEIR_SAMPLE_OVERHEAD;
      feed (self, input, item);
      item_free (item);
    }
    weir_segmenter_end_track (self->segmenter, input->track);
    handle_events (self);
  }
  gst_pad_set_element_private (pad, NULL);
  g_ptr_array_remove (self->inputs, input);
  finish_when_all_ended (self);
  g_mutex_unlock (&self->lock);
  gst_object_unref (pad);
}

void
weir_segment_inputs_start (
    WeirSegmentInputs *self, const WeirSegmenterSettings *settings, gboolean always_live)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->segmenter, weir_segmenter_free);
  self->segmenter = weir_segmenter_new (settings);
  self->live = always_live;
  self->ended = FALSE;
  self->shut = FALSE;
  self->open_ns = G_MAXINT64;
  self->lost = self->lost_now = 0;
  self->counted = (WeirSegmenterStatistics){0};
  self->gop_ns = 0;
  for (guint i = 0; i < self->inputs->len; i++) {
    Input *input = g_ptr_array_index (self->inputs, i);

    input->track = weir_segmenter_add_track (self->segmenter, input->kind);
    input->asked_live = always_live;
    input->begun = FALSE;
    input->break_next = FALSE;
    input->eos = FALSE;
    input->silent = FALSE;
    g_clear_pointer (&input->title, g_free);
    g_clear_pointer (&input->language, g_free);
    gst_segment_init (&input->segment, GST_FORMAT_TIME);
  }
  g_mutex_unlock (&self->lock);
}

void
weir_segment_inputs_stop (WeirSegmentInputs *self)
{
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL) {
    drain (self);
    weir_segmenter_get_statistics (self->segmenter, &self->counted);
    self->gop_ns = weir_segmenter_get_gop (self->segmenter);
    g_clear_pointer (&self->segmenter, weir_segmenter_free);
  }
  g_mutex_unlock (&self->lock);
}

gboolean
weir_segment_inputs_drain (WeirSegmentInputs *self, void (*handled) (gpointer data), gpointer data)
{
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->segmenter != NULL;
  if (running) {
    drain (self);
    handled (data);
  }
  g_mutex_unlock (&self->lock);
  return running;
}

void
weir_segment_inputs_tick (WeirSegmentInputs *self)
{
  g_mutex_lock (&self->lock);
  if (self->segmenter != NULL && self->live) {
    weir_segmenter_advance (self->segmenter, get_now (self));
    handle_events (self);
  }
  g_mutex_unlock (&self->lock);
}

gboolean
weir_segment_inputs_query_latency (WeirSegmentInputs *self, GstQuery *query, GstClockTime own)
{
  GstClockTime minimum = 0, maximum = GST_CLOCK_TIME_NONE;
  gboolean live = FALSE;
  g_autoptr (GstIterator) pads = gst_element_iterate_sink_pads (self->element);
  g_auto (GValue) value = G_VALUE_INIT;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return FALSE;
  while (gst_iterator_next (pads, &value) == GST_ITERATOR_OK) {
    g_autoptr (GstQuery) upstream = gst_query_new_latency ();
    GstClockTime pad_minimum, pad_maximum;
    gboolean pad_live;

    if (gst_pad_peer_query (g_value_get_object (&value), upstream)) {
      gst_query_parse_latency (upstream, &pad_live, &pad_minimum, &pad_maximum);
      if (pad_live) {
        live = TRUE;
        minimum = MAX (minimum, pad_minimum);
        maximum = MIN (maximum, pad_maximum);
      }
    }
    g_value_reset (&value);
  }
  if (GST_CLOCK_TIME_IS_VALID (maximum))
    maximum = MAX (maximum, minimum) + own;
  gst_query_set_latency (query, live, live ? minimum + own : 0, maximum);
  return TRUE;
}

static gboolean
push_to_pad (G_GNUC_UNUSED GstElement *element, GstPad *pad, gpointer event)
{
  gst_pad_push_event (pad, gst_event_ref (event));
  return TRUE;
}

gboolean
weir_segment_inputs_push_event (WeirSegmentInputs *self, GstEvent *event)
{
  gst_element_foreach_sink_pad (self->element, push_to_pad, event);
  gst_event_unref (event);
  return TRUE;
}

GstStructure *
weir_segment_inputs_make_statistics (WeirSegmentInputs *self, const gchar *name)
{
  WeirSegmenterStatistics statistics;
  gint64 gop_ns;
  guint64 lost;

  g_mutex_lock (&self->lock);
  statistics = self->counted;
  gop_ns = self->gop_ns;
  if (self->segmenter != NULL) {
    weir_segmenter_get_statistics (self->segmenter, &statistics);
    gop_ns = weir_segmenter_get_gop (self->segmenter);
  }
  lost = self->lost;
  g_mutex_unlock (&self->lock);
  return gst_structure_new (name, "samples", G_TYPE_UINT64, statistics.samples, "late-samples",
      G_TYPE_UINT64, statistics.late_samples, "moved-samples", G_TYPE_UINT64,
      statistics.moved_samples, "dropped-samples", G_TYPE_UINT64, statistics.dropped_samples,
      "forced-cuts", G_TYPE_UINT64, statistics.forced_cuts, "bounded-closes", G_TYPE_UINT64,
      statistics.bounded_closes, "lost-buffers", G_TYPE_UINT64, lost, "gop", G_TYPE_UINT64,
      (guint64) gop_ns, NULL);
}
