/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-weirsanitizer
 * @title: weirsanitizer
 *
 * One timeline for a broadcast, whatever its sources do: they may stop and be replaced, start
 * anywhere, jump, pause. Decode times that come out start at 0 and strictly increase per track, the
 * sender's spacing is kept, and exactly one buffer per track carries `DISCONT` where time was lost.
 *
 * Each request pad `video_%u` or `audio_%u` brings its source pad `video_src_%u` or `audio_src_%u`.
 * A connection begins with its first STREAM_START and ends with EOS on (or the unlinking of) all
 * its pads; STREAM_START, SEGMENT, EOS and flushes of a connection do not pass. Of its stream tags
 * the title and the language do. The element sends its own, on every configured pad before the
 * first buffer on any. Used alone, `forward-eos` (the default) lets the end of the connection be
 * the end of the stream.
 *
 * A GAP event on a sink pad, of whatever time, says that nobody has to wait for that track until
 * its next buffer: the start of a connection does not, either. It comes out where the track ends,
 * once what came before it has.
 *
 * Nothing that was sent is altered beyond what has to be: decisions and their reasons are counted
 * in `stats`. `snap-to-grid`, `count-audio-samples`, `fill-audio-gaps` and `derive-decode-times`
 * ask for more.
 *
 * The event `weir-track-promised` (custom, downstream) with a string `kind` of `audio` or `video`
 * says that such a track is to be expected.
 *
 * What an encoder does wrong is measured. When an issue is raised or cleared, an element message
 * `weir-health` says so, with the strings `code` (such as `gop_too_long`), `state` (`raised` or
 * `cleared`), `severity` (`info`, `warning`, `error`) and `text`, and the numbers `value` and
 * `limit`. That nothing comes any more is noticed when something does, or when the application asks
 * from time to time.
 *
 * ## Example
 * |[
 * mkdir -p site
 * gst-launch-1.0 weirrtmpsrc port=1935 stream-key=k keep-listening=true name=s \
 *   weirsanitizer forward-eos=false name=c \
 *   weirsegmentsink location=site/%05d.m4s playlist-location=site/playlist.m3u8 name=m \
 *   s.video_0 ! c.video_0 s.audio_0 ! c.audio_0 \
 *   c.video_src_0 ! m.video_0 c.audio_src_0 ! m.audio_0
 * ]|
 *
 * writes live HLS whose playlist goes on when the publisher comes back.
 */
#include "timeline/weirsanitizer.h"

#include "gst/mediacaps.h"

#include <stdio.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (weir_sanitizer_debug);
#define GST_CAT_DEFAULT weir_sanitizer_debug

/* What a frame needs stands first: with many broadcasts it is memory that makes a frame expensive.
 */
typedef struct {
  WeirMediaKind kind;
  gint index;            /* in the timeline, -1 while there is none */
  GQueue output;         /* of Item */
  gboolean pushing;      /* a thread is pushing on the source pad */
  gboolean removed;      /* its pads were released; whoever is pushing frees it */
  gboolean announced;    /* STREAM_START and SEGMENT were sent */
  gboolean first;        /* no buffer was sent yet */
  GstFlowReturn flow;    /* of the last push */
  GstPad *srcpad;        /* the element's */
  GstCaps *next_caps;    /* for the next buffer that comes */
  GstCaps *dropped_caps; /* of a buffer that was dropped, for the next one that is not */
  GstTagList *tags;      /* (nullable): title and language, as of the last word on each */
  gboolean tags_due;     /* they have not been sent yet */
  gboolean gap_due;      /* a GAP came behind the last buffer */
  gint64 end;            /* decode time of the last buffer that came out, -1: none */

  /* used with the sink pad's stream lock held only */
  GstSegment segment;

  GstPad *sinkpad;
  guint connection; /* number of the connection that it takes part in */
  gchar *stream_id;
  guint group_id;
  gboolean ended; /* EOS came, or it was unlinked */
  WeirCodecConfig *config;
  GstCaps *caps; /* that belong to the configuration */

  GstCaps *sent_caps; /* used by the thread that is pushing only */
} Track;

/* what is put on a source pad, in order */
typedef struct {
  GList link; /* in its track's output */
  Track *track;
  guint64 sequence;
  GstBuffer *buffer; /* NULL: end of stream, or a gap */
  gboolean gap;
  GstCaps *caps; /* (nullable): to be sent before the buffer */
  gint64 dts, pts;
  gint64 arrival_us;
  gsize size;
  gboolean keyframe;
  gboolean discontinuity;
} Item;

struct _WeirSanitizer {
  GstElement parent_instance;

  const WeirClock *clock;

  GMutex lock; /* protects what follows; never held while pushing, or calling a pad's functions */
  WeirTimelineSettings settings;
  gboolean forward_eos;
  WeirTimeline *timeline; /* NULL below PAUSED */
  WeirHealthSettings health_settings;
  WeirHealth *health;                    /* as the timeline */
  guint64 last_counts[WEIR_REASON_LAST]; /* of the timeline that was before */
  GPtrArray *tracks;                     /* of Track */
  guint group_id;
  guint connection; /* number of the current connection, from 1 */
  gboolean connected;
  gint64 last_arrival_us; /* of media, 0 for none */
  gboolean released;      /* the first buffer of all was sent */
  guint64 next_sequence;
};

G_DEFINE_TYPE (WeirSanitizer, weir_sanitizer, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (weirsanitizer, "weirsanitizer", GST_RANK_NONE, WEIR_TYPE_SANITIZER)

/* a property that is a field of WeirTimelineSettings */
typedef struct {
  const gchar *name, *nick, *blurb;
  gsize offset;
  guint unit; /* times: nanoseconds of the field's unit */
} Setting;

#define FIELD(field) G_STRUCT_OFFSET (WeirTimelineSettings, field), 0
#define NANOSECONDS(field) G_STRUCT_OFFSET (WeirTimelineSettings, field), 1
#define MICROSECONDS(field) G_STRUCT_OFFSET (WeirTimelineSettings, field), 1000

/* all times are properties in nanoseconds */
static const Setting times[] = {
    {"jump-forward", "Jump forward",
        "Step ahead beyond which a sample is suspicious: a gap, a spike or a new timebase, in "
        "nanoseconds",
        NANOSECONDS (jump_forward_ns)},
    {"jump-back", "Jump back",
        "Step back beyond which a sample is suspicious: a spike or a new timebase, in nanoseconds",
        NANOSECONDS (jump_back_ns)},
    {"confirm-wait", "Confirm wait", "How long a suspicious sample is held at most, in nanoseconds",
        MICROSECONDS (confirm_wait_us)},
    {"audio-video-bind", "Audio video bind",
        "Starts of audio and video further apart than this are aligned by arrival, in nanoseconds",
        NANOSECONDS (audio_video_bind_ns)},
    {"probe", "Probe", "How long the start waits for a further track, in nanoseconds",
        MICROSECONDS (probe_us)},
    {"probe-promised", "Probe promised",
        "How long the start waits for a track that was promised, in nanoseconds",
        MICROSECONDS (probe_promised_us)},
    {"picture-wait", "Picture wait",
        "How long the start waits for the first picture of configured video, in nanoseconds",
        MICROSECONDS (picture_wait_us)},
    {"keyframe-wait", "Keyframe wait",
        "How long the start waits for the first keyframe while pictures come, in nanoseconds",
        MICROSECONDS (keyframe_wait_us)},
    {"leading-audio", "Leading audio",
        "Audio further ahead of the first keyframe than this is dropped, in nanoseconds",
        NANOSECONDS (leading_audio_ns)},
    {"composition-max", "Composition maximum",
        "Presentation further from decoding than this is not believed, in nanoseconds",
        NANOSECONDS (composition_max_ns)},
    {"lag-max", "Lag maximum",
        "A delay that grew by more than this and stays moves the timeline at a keyframe, in "
        "nanoseconds",
        NANOSECONDS (lag_max_ns)},
};

static const Setting counts[] = {
    {"confirm-samples", "Confirm samples",
        "How many suspicious samples that agree are a new timebase", FIELD (confirm_samples)},
    {"frozen-samples", "Frozen samples",
        "More equal stamps in a row than this are a clock that stands still: arrival decides",
        FIELD (frozen_samples)},
    {"sane-samples", "Sane samples",
        "So many steps forward in a row, and a clock that stood still is believed again",
        FIELD (sane_samples)},
};

/* what alters or invents something */
static const Setting corrections[] = {
    {"snap-to-grid", "Snap to grid",
        "Whether decode times of a steady frame rate are freed from the sender's rounding",
        FIELD (snap_to_grid)},
    {"count-audio-samples", "Count audio samples",
        "Whether audio is stamped by counting its samples, as long as its own stamps agree",
        FIELD (count_audio_samples)},
    {"fill-audio-gaps", "Fill audio gaps",
        "Whether frames of silence are put where up to two seconds of audio are missing",
        FIELD (fill_audio_gaps)},
    {"derive-decode-times", "Derive decode times",
        "Whether decode times are made of presentation times when the sender gives no others",
        FIELD (derive_decode_times)},
};

#undef FIELD
#undef NANOSECONDS
#undef MICROSECONDS

enum {
  PROP_TIMES = 1,
  PROP_COUNTS = PROP_TIMES + G_N_ELEMENTS (times),
  PROP_CORRECTIONS = PROP_COUNTS + G_N_ELEMENTS (counts),
  PROP_HOLD_BYTES = PROP_CORRECTIONS + G_N_ELEMENTS (corrections),
  PROP_FORWARD_EOS,
  PROP_STATS,
};

static GstStaticPadTemplate video_sink_template = GST_STATIC_PAD_TEMPLATE (
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (WEIR_VIDEO_CAPS));
static GstStaticPadTemplate audio_sink_template = GST_STATIC_PAD_TEMPLATE (
    "audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (WEIR_AUDIO_CAPS));
static GstStaticPadTemplate video_src_template = GST_STATIC_PAD_TEMPLATE (
    "video_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (WEIR_VIDEO_CAPS));
static GstStaticPadTemplate audio_src_template = GST_STATIC_PAD_TEMPLATE (
    "audio_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (WEIR_AUDIO_CAPS));

static void
item_free (Item *item)
{
  if (item->buffer != NULL)
    gst_buffer_unref (item->buffer);
  gst_clear_caps (&item->caps);
  g_free (item);
}

static Item *
item_new (Track *track, GstBuffer *buffer, GstCaps *caps)
{
  Item *item = g_new (Item, 1);

  *item = (Item){.link.data = item, .track = track, .buffer = buffer, .caps = caps};
  return item;
}

static void
clear_output (Track *track)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&track->output)) != NULL)
    item_free (link->data);
}

static void
track_free (Track *track)
{
  clear_output (track);
  g_clear_pointer (&track->config, weir_codec_config_unref);
  gst_clear_caps (&track->caps);
  gst_clear_caps (&track->next_caps);
  gst_clear_caps (&track->dropped_caps);
  gst_clear_caps (&track->sent_caps);
  gst_clear_tag_list (&track->tags);
  g_free (track->stream_id);
  gst_object_unref (track->sinkpad);
  gst_object_unref (track->srcpad);
  g_free (track);
}

/* back to what it was before PAUSED; lock held, or nobody else there */
static void
track_reset (Track *track)
{
  clear_output (track);
  track->index = -1;
  track->connection = 0;
  track->ended = FALSE;
  g_clear_pointer (&track->stream_id, g_free);
  g_clear_pointer (&track->config, weir_codec_config_unref);
  gst_clear_caps (&track->caps);
  gst_clear_caps (&track->next_caps);
  gst_clear_caps (&track->dropped_caps);
  gst_clear_caps (&track->sent_caps);
  gst_clear_tag_list (&track->tags);
  track->tags_due = FALSE;
  track->gap_due = FALSE;
  track->end = -1;
  track->announced = FALSE;
  track->first = TRUE;
  track->flow = GST_FLOW_OK;
  gst_segment_init (&track->segment, GST_FORMAT_UNDEFINED);
}

static gint64
now (const WeirSanitizer *self)
{
  return weir_clock_monotonic (self->clock);
}

/* lock held: what `fill-audio-gaps` puts before the sample of @decision */
static void
insert_silence (WeirSanitizer *self, Track *track, const WeirTimelineDecision *decision)
{
  GBytes *frame = track->config != NULL ? weir_codec_config_make_silence (track->config) : NULL;
  guint i;

  for (i = 0; frame != NULL && i < decision->silent_frames; i++) {
    Item *item = item_new (track, gst_buffer_new_wrapped_bytes (frame), NULL);

    item->dts = decision->dts - (decision->silent_frames - i) * decision->silent_ns;
    item->pts = item->dts;
    item->sequence = self->next_sequence++;
    g_queue_push_tail_link (&track->output, &item->link);
  }
  g_clear_pointer (&frame, g_bytes_unref);
}

/* lock held. Returns: (transfer full) (nullable): messages about what has changed */
static GPtrArray *
take_health_messages (WeirSanitizer *self)
{
  GPtrArray *messages = NULL;
  WeirHealthChange change;

  while (self->health != NULL && weir_health_pull (self->health, &change)) {
    GstStructure *structure = gst_structure_new ("weir-health", "code", G_TYPE_STRING,
        weir_health_code_get_name (change.code), "state", G_TYPE_STRING,
        change.raised ? "raised" : "cleared", "severity", G_TYPE_STRING,
        weir_health_severity_get_name (change.severity), "value", G_TYPE_DOUBLE, change.value,
        "limit", G_TYPE_DOUBLE, change.limit, "text", G_TYPE_STRING, change.text, NULL);

    GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, structure);
    if (messages == NULL)
      messages = g_ptr_array_new ();
    g_ptr_array_add (messages, gst_message_new_element (GST_OBJECT (self), structure));
    weir_health_change_clear (&change);
  }
  return messages;
}

/* lock held, and let go of: a bus may call into the application */
static void
unlock_and_post (WeirSanitizer *self)
{
  g_autoptr (GPtrArray) messages = take_health_messages (self);

  g_mutex_unlock (&self->lock);
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    gst_element_post_message (GST_ELEMENT (self), messages->pdata[i]);
}

/* lock held */
static void
advance_health (WeirSanitizer *self, gint64 now_us)
{
  guint i;

  if (!weir_health_advance (self->health, now_us))
    return;
  for (i = 0; i < self->tracks->len; i++) {
    const Track *track = g_ptr_array_index (self->tracks, i);
    WeirTimelineDrift drift;

    if (track->index < 0)
      continue;
    weir_timeline_get_drift (self->timeline, (guint) track->index, &drift);
    weir_health_set_drift (self->health, (guint) track->index, &drift);
  }
}

/* lock held: moves decisions to the source pads' queues */
static void
collect (WeirSanitizer *self)
{
  WeirTimelineDecision decision;

  while (self->timeline != NULL && weir_timeline_pull (self->timeline, &decision)) {
    Item *item = decision.data;
    Track *track = item->track;

    if (decision.reason != WEIR_REASON_NONE || decision.discontinuity)
      GST_DEBUG_OBJECT (track->srcpad, "%s at %" GST_STIME_FORMAT ", gap %" GST_STIME_FORMAT "%s",
          weir_decision_reason_get_name (decision.reason), GST_STIME_ARGS (decision.dts),
          GST_STIME_ARGS (decision.gap_ns), decision.discontinuity ? ", discontinuity" : "");
    weir_health_decide (self->health, &decision, item->keyframe, item->size, item->arrival_us);
    if (decision.action == WEIR_DECISION_DROP) {
      if (item->caps != NULL)
        gst_caps_replace (&track->dropped_caps, item->caps);
      item_free (item);
      continue;
    }
    if (item->caps == NULL)
      item->caps = g_steal_pointer (&track->dropped_caps);
    gst_clear_caps (&track->dropped_caps);
    if (decision.silent_frames > 0)
      insert_silence (self, track, &decision);
    item->dts = track->end = decision.dts;
    item->pts = decision.pts;
    item->discontinuity = decision.discontinuity;
    item->sequence = self->next_sequence++;
    g_queue_push_tail_link (&track->output, &item->link);
  }
}

/* lock held. Returns: the track on whose source pad something is to be done next; @announce: send
 * the first events, else its first item */
static Track *
choose (WeirSanitizer *self, gboolean *announce)
{
  Track *next = NULL;
  gboolean any = FALSE;
  guint i;

  *announce = FALSE;
  for (i = 0; i < self->tracks->len; i++) {
    Track *track = g_ptr_array_index (self->tracks, i);
    const Item *item = g_queue_peek_head (&track->output);

    if (item == NULL)
      continue;
    any = TRUE;
    if (!track->pushing &&
        (next == NULL || item->sequence < ((Item *) g_queue_peek_head (&next->output))->sequence))
      next = track;
  }
  if (!any)
    return NULL;
  for (i = 0; !self->released && i < self->tracks->len; i++) {
    Track *track = g_ptr_array_index (self->tracks, i);

    if (track->announced || (track->caps == NULL && track->output.length == 0))
      continue;
    /* whoever is announcing it will go on with the rest */
    if (track->pushing)
      return NULL;
    *announce = TRUE;
    return track;
  }
  if (next != NULL)
    *announce = !next->announced;
  return next;
}

static void
send_caps (Track *track, GstCaps *caps)
{
  if (track->sent_caps != NULL && gst_caps_is_equal (track->sent_caps, caps))
    return;
  gst_caps_replace (&track->sent_caps, caps);
  gst_pad_push_event (track->srcpad, gst_event_new_caps (caps));
}

static void
send_first_events (WeirSanitizer *self, Track *track, GstCaps *caps)
{
  g_autofree gchar *element = gst_object_get_name (GST_OBJECT (self));
  g_autofree gchar *pad = gst_object_get_name (GST_OBJECT (track->sinkpad));
  g_autofree gchar *stream_id = g_strconcat (element, "/", pad, NULL);
  GstEvent *event = gst_event_new_stream_start (stream_id);
  GstSegment segment;

  gst_clear_caps (&track->sent_caps);
  gst_event_set_group_id (event, self->group_id);
  gst_pad_push_event (track->srcpad, event);
  if (caps != NULL)
    send_caps (track, caps);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (track->srcpad, gst_event_new_segment (&segment));
}

/* Returns: how it went */
static GstFlowReturn
send_item (Track *track, Item *item, gboolean first)
{
  GstBuffer *buffer;

  if (item->gap) {
    gst_pad_push_event (
        track->srcpad, gst_event_new_gap ((guint64) MAX (item->dts, 0), GST_CLOCK_TIME_NONE));
    return track->flow;
  }
  if (item->buffer == NULL) {
    gst_pad_push_event (track->srcpad, gst_event_new_eos ());
    return GST_FLOW_EOS;
  }
  if (item->caps != NULL)
    send_caps (track, item->caps);
  buffer = gst_buffer_make_writable (g_steal_pointer (&item->buffer));
  /* the format knows no time before 0; only a presentation time of a broken sender gets there */
  GST_BUFFER_DTS (buffer) = (guint64) MAX (item->dts, 0);
  GST_BUFFER_PTS (buffer) = (guint64) MAX (item->pts, 0);
  if (item->discontinuity || first)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
  return gst_pad_push (track->srcpad, buffer);
}

/* lock held: tells of gaps as soon as what came before them is out */
static void
queue_gaps (WeirSanitizer *self)
{
  guint i;

  if (self->timeline == NULL || !weir_timeline_has_started (self->timeline))
    return;
  for (i = 0; i < self->tracks->len; i++) {
    Track *track = g_ptr_array_index (self->tracks, i);
    Item *item;

    if (!track->gap_due || track->output.length > 0)
      continue;
    item = item_new (track, NULL, NULL);
    item->gap = TRUE;
    item->dts = track->end;
    item->sequence = self->next_sequence++;
    g_queue_push_tail_link (&track->output, &item->link);
    track->gap_due = FALSE;
  }
}

/*
 * Pushes what was decided. Threads of several pads may be here at once: each takes the oldest item
 * of a pad on which nobody else pushes, so that order holds per pad and a pad that blocks holds
 * nothing but itself. Lock held, and let go of while pushing.
 */
static void
release (WeirSanitizer *self)
{
  Track *track;
  gboolean announce;

  while (collect (self), queue_gaps (self), (track = choose (self, &announce)) != NULL) {
    Item *item = NULL;
    g_autoptr (GstCaps) caps = NULL;
    g_autoptr (GstTagList) tags = NULL;
    GstFlowReturn flow = GST_FLOW_OK;
    gboolean first = FALSE;

    if (announce) {
      const GList *head = track->output.head;

      if (head != NULL && ((const Item *) head->data)->caps != NULL)
        caps = gst_caps_ref (((const Item *) head->data)->caps);
      else if (track->caps != NULL)
        caps = gst_caps_ref (track->caps);
    } else {
      item = g_queue_pop_head_link (&track->output)->data;
      first = track->first && item->buffer != NULL;
      track->first = track->first && !first;
      self->released = TRUE;
    }
    if (track->tags_due)
      tags = gst_tag_list_ref (track->tags);
    track->tags_due = FALSE;
    track->pushing = TRUE;
    g_mutex_unlock (&self->lock);

    if (announce)
      send_first_events (self, track, caps);
    if (tags != NULL)
      gst_pad_push_event (track->srcpad, gst_event_new_tag (g_steal_pointer (&tags)));
    if (!announce)
      flow = send_item (track, item, first);
    g_clear_pointer (&item, item_free);

    g_mutex_lock (&self->lock);
    track->announced = TRUE;
    track->pushing = FALSE;
    if (flow != track->flow && flow < GST_FLOW_EOS)
      GST_WARNING_OBJECT (track->srcpad, "buffers are lost: %s", gst_flow_get_name (flow));
    track->flow = flow;
    if (track->removed) {
      g_mutex_unlock (&self->lock);
      track_free (track);
      g_mutex_lock (&self->lock);
    }
  }
}

/* lock held */
static void
begin_connection (WeirSanitizer *self)
{
  gint64 now_us = now (self);
  gint64 lost = self->last_arrival_us > 0 ? (now_us - self->last_arrival_us) * 1000 : 0;
  guint i;

  self->connection++;
  self->connected = TRUE;
  GST_INFO_OBJECT (self, "connection %u begins after %" GST_TIME_FORMAT, self->connection,
      GST_TIME_ARGS ((guint64) MAX (lost, 0)));
  weir_timeline_begin_connection (self->timeline, lost, now_us);
  weir_health_begin_connection (self->health, now_us);
  for (i = 0; i < self->tracks->len; i++) {
    Track *track = g_ptr_array_index (self->tracks, i);

    track->gap_due = FALSE;
    /* if the last connection's end was passed on, downstream needs a new beginning */
    if (track->flow != GST_FLOW_EOS)
      continue;
    track->announced = FALSE;
    track->tags_due = track->tags != NULL;
    track->flow = GST_FLOW_OK;
    self->released = FALSE;
  }
}

/* lock held. Returns: TRUE when that was the end of the connection */
static gboolean
end_track (WeirSanitizer *self, Track *track)
{
  guint i;

  track->ended = TRUE;
  if (!self->connected || track->connection != self->connection)
    return FALSE;
  for (i = 0; i < self->tracks->len; i++) {
    const Track *other = g_ptr_array_index (self->tracks, i);

    if (other->connection == self->connection && !other->ended)
      return FALSE;
  }
  GST_INFO_OBJECT (self, "connection %u ended", self->connection);
  self->connected = FALSE;
  weir_timeline_end_connection (self->timeline, now (self));
  weir_health_end_connection (self->health);
  return TRUE;
}

static void
receive_stream_start (WeirSanitizer *self, Track *track, GstEvent *event)
{
  const gchar *stream_id;
  guint group_id = GST_GROUP_ID_INVALID;
  gboolean same;

  gst_event_parse_stream_start (event, &stream_id);
  gst_event_parse_group_id (event, &group_id);
  g_mutex_lock (&self->lock);
  if (self->timeline == NULL) {
    g_mutex_unlock (&self->lock);
    return;
  }
  same = self->connected && track->connection == self->connection && !track->ended &&
         track->group_id == group_id && g_strcmp0 (track->stream_id, stream_id) == 0;
  if (!same) {
    if (!self->connected || track->connection == self->connection)
      begin_connection (self);
    track->connection = self->connection;
    track->ended = FALSE;
    track->group_id = group_id;
    g_free (track->stream_id);
    track->stream_id = g_strdup (stream_id);
    /* caps that did not change need not be sent again */
    if (track->config != NULL)
      weir_timeline_configured (self->timeline, (guint) track->index, FALSE);
  }
  release (self);
  unlock_and_post (self);
}

static gboolean
receive_caps (WeirSanitizer *self, Track *track, GstEvent *event)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirCodecConfig) config = NULL;
  GstCaps *caps;
  gboolean known;

  gst_event_parse_caps (event, &caps);
  config = weir_codec_config_from_caps (caps, &error);
  if (config == NULL) {
    GST_WARNING_OBJECT (track->sinkpad, "configuration refused: %s", error->message);
    return FALSE;
  }
  g_mutex_lock (&self->lock);
  if (self->timeline == NULL) {
    g_mutex_unlock (&self->lock);
    return FALSE;
  }
  known = track->config != NULL && weir_codec_config_equal (track->config, config);
  if (!known) {
    weir_timeline_configured (self->timeline, (guint) track->index, track->config != NULL);
    GST_INFO_OBJECT (track->sinkpad, "configured: %s", config->codecs);
    g_clear_pointer (&track->config, weir_codec_config_unref);
    track->config = g_steal_pointer (&config);
    weir_timeline_set_audio_frame (self->timeline, (guint) track->index,
        track->config->samples_per_frame, track->config->rate);
    weir_timeline_set_reorder (self->timeline, (guint) track->index, track->config->reorder);
    gst_caps_replace (&track->caps, caps);
    gst_caps_replace (&track->next_caps, caps);
  }
  release (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* lock held */
static void
merge_tag (Track *track, const GstTagList *tags, const gchar *tag)
{
  const GValue *value = gst_tag_list_get_value_index (tags, tag, 0);
  const GValue *before = NULL;

  if (value == NULL)
    return;
  if (track->tags == NULL)
    track->tags = gst_tag_list_new_empty ();
  before = gst_tag_list_get_value_index (track->tags, tag, 0);
  if (before != NULL && gst_value_compare (before, value) == GST_VALUE_EQUAL)
    return;
  track->tags = gst_tag_list_make_writable (track->tags);
  gst_tag_list_add_value (track->tags, GST_TAG_MERGE_REPLACE, tag, value);
  track->tags_due = TRUE;
}

/* what a track is called is about the broadcast, too; it goes with the next buffer */
static void
receive_tags (WeirSanitizer *self, Track *track, GstEvent *event)
{
  GstTagList *tags;

  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_get_scope (tags) != GST_TAG_SCOPE_STREAM)
    return;
  g_mutex_lock (&self->lock);
  if (self->timeline != NULL) {
    merge_tag (track, tags, GST_TAG_TITLE);
    merge_tag (track, tags, GST_TAG_LANGUAGE_CODE);
  }
  g_mutex_unlock (&self->lock);
}

static void
receive_eos (WeirSanitizer *self, Track *track)
{
  guint i;

  g_mutex_lock (&self->lock);
  if (self->timeline != NULL && end_track (self, track) && self->forward_eos) {
    collect (self);
    for (i = 0; i < self->tracks->len; i++) {
      Track *other = g_ptr_array_index (self->tracks, i);
      Item *item = item_new (other, NULL, NULL);

      item->sequence = self->next_sequence++;
      g_queue_push_tail_link (&other->output, &item->link);
    }
  }
  release (self);
  g_mutex_unlock (&self->lock);
}

static void
receive_promise (WeirSanitizer *self, GstEvent *event)
{
  const gchar *kind = gst_structure_get_string (gst_event_get_structure (event), "kind");

  g_mutex_lock (&self->lock);
  if (self->timeline != NULL && kind != NULL) {
    WeirMediaKind promised = g_str_equal (kind, "video") ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO;

    weir_timeline_promise_track (self->timeline, promised);
    weir_health_promise (self->health, promised, now (self));
  }
  g_mutex_unlock (&self->lock);
}

/* nothing more will come for a while */
static void
receive_gap (WeirSanitizer *self, Track *track)
{
  g_mutex_lock (&self->lock);
  if (self->timeline != NULL && track->index >= 0) {
    weir_timeline_pause_track (self->timeline, (guint) track->index, now (self));
    track->gap_due = TRUE;
  }
  release (self);
  g_mutex_unlock (&self->lock);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  WeirSanitizer *self = WEIR_SANITIZER (parent);
  Track *track = gst_pad_get_element_private (pad);
  const GstSegment *segment;
  gboolean handled = TRUE;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_STREAM_START:
    receive_stream_start (self, track, event);
    break;
  case GST_EVENT_CAPS:
    handled = receive_caps (self, track, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    handled = segment->format == GST_FORMAT_TIME;
    if (handled)
      gst_segment_copy_into (segment, &track->segment);
    else
      GST_WARNING_OBJECT (pad, "a segment in %s is no use", gst_format_get_name (segment->format));
    break;
  case GST_EVENT_TAG:
    receive_tags (self, track, event);
    break;
  case GST_EVENT_GAP:
    receive_gap (self, track);
    break;
  case GST_EVENT_EOS:
    receive_eos (self, track);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    if (gst_event_has_name (event, "weir-track-promised"))
      receive_promise (self, event);
    break;
  default:
    /* the rest is about a connection, not about the broadcast */
    break;
  }
  gst_event_unref (event);
  return handled;
}

/* Returns: FALSE when there is none */
static gboolean
running_time (const GstSegment *segment, GstClockTime stamp, gint64 *result)
{
  guint64 value;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (stamp) || segment->format != GST_FORMAT_TIME)
    return FALSE;
  sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, stamp, &value);
  if (sign == 0 || value > G_MAXINT64)
    return FALSE;
  *result = sign * (gint64) value;
  return TRUE;
}

/* lock held. Returns: what upstream is told */
static GstFlowReturn
combine_flows (WeirSanitizer *self, const Track *track)
{
  guint i;

  if (track->flow == GST_FLOW_FLUSHING)
    return GST_FLOW_FLUSHING;
  for (i = 0; i < self->tracks->len; i++)
    if (((const Track *) g_ptr_array_index (self->tracks, i))->flow != GST_FLOW_EOS)
      return GST_FLOW_OK;
  return GST_FLOW_EOS;
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  WeirSanitizer *self = WEIR_SANITIZER (parent);
  Track *track = gst_pad_get_element_private (pad);
  WeirTimelineSample sample = {0};
  gboolean has_dts = running_time (&track->segment, GST_BUFFER_DTS (buffer), &sample.dts);
  gboolean has_pts = running_time (&track->segment, GST_BUFFER_PTS (buffer), &sample.pts);
  GstFlowReturn flow;
  Item *item;

  if (!has_dts && !has_pts) {
    GST_WARNING_OBJECT (pad, "dropped a buffer without a time");
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (!has_dts)
    sample.dts = sample.pts;
  if (!has_pts)
    sample.pts = sample.dts;
  sample.keyframe = track->kind == WEIR_MEDIA_AUDIO ||
                    !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  sample.size = gst_buffer_get_size (buffer);

  g_mutex_lock (&self->lock);
  if (self->timeline == NULL || track->index < 0) {
    g_mutex_unlock (&self->lock);
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  sample.arrival_us = now (self);
  self->last_arrival_us = sample.arrival_us;
  track->gap_due = FALSE;
  item = item_new (track, buffer, g_steal_pointer (&track->next_caps));
  item->arrival_us = sample.arrival_us;
  item->size = sample.size;
  item->keyframe = sample.keyframe;
  sample.data = item;
  advance_health (self, sample.arrival_us);
  weir_health_receive (self->health, (guint) track->index, track->kind, sample.arrival_us);
  weir_timeline_push (self->timeline, (guint) track->index, &sample);
  release (self);
  flow = combine_flows (self, track);
  unlock_and_post (self);
  return flow;
}

/* called with both pads' object locks: nothing of a pad may be called */
static void
sink_unlink (GstPad *pad, GstObject *parent)
{
  WeirSanitizer *self = WEIR_SANITIZER (parent);
  Track *track = gst_pad_get_element_private (pad);

  if (self == NULL || track == NULL)
    return;
  g_mutex_lock (&self->lock);
  if (self->timeline != NULL)
    end_track (self, track);
  g_mutex_unlock (&self->lock);
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Track *track = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  /* between two sources it is what it will be with the next one */
  if (!gst_pad_peer_query (track->sinkpad, query))
    gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static GstIterator *
iterate_internal_links (GstPad *pad, G_GNUC_UNUSED GstObject *parent)
{
  Track *track = gst_pad_get_element_private (pad);
  GstIterator *iterator;
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_PAD);
  g_value_set_object (&value, pad == track->sinkpad ? track->srcpad : track->sinkpad);
  iterator = gst_iterator_new_single (GST_TYPE_PAD, &value);
  g_value_unset (&value);
  return iterator;
}

/* Returns: FALSE when the timeline takes no more tracks; lock held */
static gboolean
enter_timeline (WeirSanitizer *self, Track *track)
{
  if (self->timeline == NULL)
    return TRUE;
  track->index = weir_timeline_add_track (self->timeline, track->kind);
  return track->index >= 0;
}

static gboolean
number_is_free (WeirSanitizer *self, WeirMediaKind kind, guint number)
{
  g_autofree gchar *name =
      g_strdup_printf ("%s_%u", kind == WEIR_MEDIA_VIDEO ? "video" : "audio", number);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (GST_ELEMENT (self), name);

  return pad == NULL;
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const gchar *name,
    G_GNUC_UNUSED const GstCaps *caps)
{
  WeirSanitizer *self = WEIR_SANITIZER (element);
  gboolean video = g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "video");
  g_autofree gchar *sink_name = NULL, *src_name = NULL;
  g_autoptr (GstPadTemplate) src_template = NULL;
  Track *track;
  guint number = 0;
  gboolean entered;

  if (name != NULL && sscanf (name, video ? "video_%u" : "audio_%u", &number) == 1) {
    if (!number_is_free (self, video ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO, number))
      return NULL;
  } else {
    while (!number_is_free (self, video ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO, number))
      number++;
  }
  sink_name = g_strdup_printf ("%s_%u", video ? "video" : "audio", number);
  src_name = g_strdup_printf ("%s_src_%u", video ? "video" : "audio", number);

  track = g_new0 (Track, 1);
  track->kind = video ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO;
  track->sinkpad = gst_object_ref_sink (gst_pad_new_from_template (template, sink_name));
  src_template = gst_static_pad_template_get (video ? &video_src_template : &audio_src_template);
  track->srcpad = gst_object_ref_sink (gst_pad_new_from_template (src_template, src_name));
  track_reset (track);
  gst_pad_set_element_private (track->sinkpad, track);
  gst_pad_set_element_private (track->srcpad, track);
  gst_pad_set_chain_function (track->sinkpad, sink_chain);
  gst_pad_set_event_function (track->sinkpad, sink_event);
  gst_pad_set_unlink_function (track->sinkpad, sink_unlink);
  gst_pad_set_iterate_internal_links_function (track->sinkpad, iterate_internal_links);
  gst_pad_set_query_function (track->srcpad, src_query);
  gst_pad_set_iterate_internal_links_function (track->srcpad, iterate_internal_links);
  gst_pad_use_fixed_caps (track->srcpad);

  g_mutex_lock (&self->lock);
  entered = enter_timeline (self, track);
  if (entered)
    g_ptr_array_add (self->tracks, track);
  g_mutex_unlock (&self->lock);
  if (!entered) {
    GST_WARNING_OBJECT (self, "no room for %s", sink_name);
    track_free (track);
    return NULL;
  }
  gst_pad_set_active (track->srcpad, GST_STATE (self) > GST_STATE_READY);
  gst_pad_set_active (track->sinkpad, GST_STATE (self) > GST_STATE_READY);
  gst_element_add_pad (element, track->srcpad);
  gst_element_add_pad (element, track->sinkpad);
  return track->sinkpad;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  WeirSanitizer *self = WEIR_SANITIZER (element);
  Track *track = gst_pad_get_element_private (pad);
  gboolean pushing;

  /* the source pad first: a push that blocks there comes back */
  gst_pad_set_active (track->srcpad, FALSE);
  gst_pad_set_active (track->sinkpad, FALSE);
  g_mutex_lock (&self->lock);
  if (self->timeline != NULL && track->index >= 0) {
    weir_timeline_remove_track (self->timeline, (guint) track->index);
    collect (self);
    end_track (self, track);
  }
  g_ptr_array_remove (self->tracks, track);
  track->index = -1;
  g_mutex_unlock (&self->lock);
  gst_element_remove_pad (element, track->sinkpad);
  gst_element_remove_pad (element, track->srcpad);
  g_mutex_lock (&self->lock);
  track->removed = TRUE;
  pushing = track->pushing;
  g_mutex_unlock (&self->lock);
  if (!pushing)
    track_free (track);
}

static void
prepare (WeirSanitizer *self)
{
  guint i;

  g_mutex_lock (&self->lock);
  self->timeline = weir_timeline_new (&self->settings);
  self->health = weir_health_new (&self->health_settings);
  self->group_id = gst_util_group_id_next ();
  self->connection = 0;
  self->connected = FALSE;
  self->last_arrival_us = 0;
  self->released = FALSE;
  for (i = 0; i < self->tracks->len; i++) {
    track_reset (g_ptr_array_index (self->tracks, i));
    enter_timeline (self, g_ptr_array_index (self->tracks, i));
  }
  g_mutex_unlock (&self->lock);
}

static void
discard (WeirSanitizer *self)
{
  guint i;

  g_mutex_lock (&self->lock);
  memcpy (self->last_counts, weir_timeline_get_counts (self->timeline), sizeof self->last_counts);
  weir_timeline_free (g_steal_pointer (&self->timeline), (GDestroyNotify) item_free);
  g_clear_pointer (&self->health, weir_health_free);
  for (i = 0; i < self->tracks->len; i++)
    track_reset (g_ptr_array_index (self->tracks, i));
  g_mutex_unlock (&self->lock);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  WeirSanitizer *self = WEIR_SANITIZER (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    prepare (self);
  result = GST_ELEMENT_CLASS (weir_sanitizer_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    discard (self);
  return result;
}

/* lock held, so that no lock of a pad may be taken: what was measured of a track, under the name of
 * its pad */
static void
add_drift (WeirSanitizer *self, Track *track, GstStructure *stats)
{
  g_autofree gchar *lag = g_strconcat (GST_PAD_NAME (track->sinkpad), "-lag", NULL);
  g_autofree gchar *rate = g_strconcat (GST_PAD_NAME (track->sinkpad), "-rate", NULL);
  WeirTimelineDrift drift;

  if (track->index < 0)
    return;
  weir_timeline_get_drift (self->timeline, (guint) track->index, &drift);
  gst_structure_set (stats, lag, G_TYPE_INT64, drift.lag_ns, NULL);
  if (drift.rate_known)
    gst_structure_set (stats, rate, G_TYPE_DOUBLE, drift.rate_ppm, NULL);
}

/* lock held. Returns: (array fixed-size=WEIR_REASON_LAST): what there was to decide lasts */
static const guint64 *
get_counts (WeirSanitizer *self)
{
  return self->timeline != NULL ? weir_timeline_get_counts (self->timeline) : self->last_counts;
}

static GstStructure *
make_stats (WeirSanitizer *self)
{
  GstStructure *stats = gst_structure_new_empty ("weir-sanitizer-stats");
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < WEIR_REASON_LAST; i++)
    gst_structure_set (stats, weir_decision_reason_get_name ((WeirDecisionReason) i), G_TYPE_UINT64,
        get_counts (self)[i], NULL);
  for (i = 0; self->timeline != NULL && i < self->tracks->len; i++)
    add_drift (self, g_ptr_array_index (self->tracks, i), stats);
  gst_structure_set (stats, "connections", G_TYPE_UINT, self->connection, "end", G_TYPE_UINT64,
      (guint64) (self->timeline != NULL ? weir_timeline_get_end (self->timeline) : 0), NULL);
  g_mutex_unlock (&self->lock);
  return stats;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  WeirSanitizer *self = WEIR_SANITIZER (object);

  g_mutex_lock (&self->lock);
  if (id < PROP_COUNTS)
    G_STRUCT_MEMBER (gint64, &self->settings, times[id - PROP_TIMES].offset) =
        (gint64) (g_value_get_uint64 (value) / times[id - PROP_TIMES].unit);
  else if (id < PROP_CORRECTIONS)
    G_STRUCT_MEMBER (guint, &self->settings, counts[id - PROP_COUNTS].offset) =
        g_value_get_uint (value);
  else if (id < PROP_HOLD_BYTES)
    G_STRUCT_MEMBER (gboolean, &self->settings, corrections[id - PROP_CORRECTIONS].offset) =
        g_value_get_boolean (value);
  else if (id == PROP_HOLD_BYTES)
    self->settings.hold_bytes_max = g_value_get_uint (value);
  else if (id == PROP_FORWARD_EOS)
    self->forward_eos = g_value_get_boolean (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  g_mutex_unlock (&self->lock);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  WeirSanitizer *self = WEIR_SANITIZER (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  g_mutex_lock (&self->lock);
  if (id < PROP_COUNTS)
    g_value_set_uint64 (
        value, (guint64) G_STRUCT_MEMBER (gint64, &self->settings, times[id - PROP_TIMES].offset) *
                   times[id - PROP_TIMES].unit);
  else if (id < PROP_CORRECTIONS)
    g_value_set_uint (
        value, G_STRUCT_MEMBER (guint, &self->settings, counts[id - PROP_COUNTS].offset));
  else if (id < PROP_HOLD_BYTES)
    g_value_set_boolean (value,
        G_STRUCT_MEMBER (gboolean, &self->settings, corrections[id - PROP_CORRECTIONS].offset));
  else if (id == PROP_HOLD_BYTES)
    g_value_set_uint (value, (guint) self->settings.hold_bytes_max);
  else if (id == PROP_FORWARD_EOS)
    g_value_set_boolean (value, self->forward_eos);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  g_mutex_unlock (&self->lock);
}

static void
finalize (GObject *object)
{
  WeirSanitizer *self = WEIR_SANITIZER (object);

  g_ptr_array_unref (self->tracks);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (weir_sanitizer_parent_class)->finalize (object);
}

/* pads that were never released are removed by the base class: nobody is there any more */
static void
dispose (GObject *object)
{
  WeirSanitizer *self = WEIR_SANITIZER (object);
  guint i;

  for (i = 0; i < self->tracks->len; i++) {
    Track *track = g_ptr_array_index (self->tracks, i);

    gst_pad_set_unlink_function (track->sinkpad, NULL);
  }
  G_OBJECT_CLASS (weir_sanitizer_parent_class)->dispose (object);
  for (i = 0; i < self->tracks->len; i++)
    track_free (g_ptr_array_index (self->tracks, i));
  g_ptr_array_set_size (self->tracks, 0);
}

static void
weir_sanitizer_class_init (WeirSanitizerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  WeirTimelineSettings settings;
  guint i;

  GST_DEBUG_CATEGORY_INIT (weir_sanitizer_debug, "weirsanitizer", 0, "one timeline per broadcast");
  weir_timeline_settings_init (&settings);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  element_class->change_state = change_state;

  for (i = 0; i < G_N_ELEMENTS (times); i++)
    g_object_class_install_property (object_class, PROP_TIMES + i,
        g_param_spec_uint64 (times[i].name, times[i].nick, times[i].blurb, 0, 3600 * GST_SECOND,
            (guint64) G_STRUCT_MEMBER (gint64, &settings, times[i].offset) * times[i].unit, flags));
  for (i = 0; i < G_N_ELEMENTS (counts); i++)
    g_object_class_install_property (object_class, PROP_COUNTS + i,
        g_param_spec_uint (counts[i].name, counts[i].nick, counts[i].blurb, 1, 1000,
            G_STRUCT_MEMBER (guint, &settings, counts[i].offset), flags));
  for (i = 0; i < G_N_ELEMENTS (corrections); i++)
    g_object_class_install_property (object_class, PROP_CORRECTIONS + i,
        g_param_spec_boolean (
            corrections[i].name, corrections[i].nick, corrections[i].blurb, FALSE, flags));
  g_object_class_install_property (object_class, PROP_HOLD_BYTES,
      g_param_spec_uint ("hold-bytes", "Hold bytes",
          "Most bytes held before the start is forced and suspicious samples are let go", 0,
          1 << 30, (guint) settings.hold_bytes_max, flags));
  g_object_class_install_property (object_class, PROP_FORWARD_EOS,
      g_param_spec_boolean ("forward-eos", "Forward EOS",
          "Whether the end of a connection is the end of the stream; if not, the next one goes on",
          TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "How often each decision was taken, connections so far, end of the timeline in "
          "nanoseconds; of each pad, as PAD-lag, how many nanoseconds later than at first its "
          "media come now, and as PAD-rate, how many ppm faster than the clock they go",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &video_sink_template);
  gst_element_class_add_static_pad_template (element_class, &audio_sink_template);
  gst_element_class_add_static_pad_template (element_class, &video_src_template);
  gst_element_class_add_static_pad_template (element_class, &audio_src_template);
  gst_element_class_set_static_metadata (element_class, "Broadcast Timeline Sanitizer",
      "Filter/Audio/Video",
      "Keeps one continuous timeline over the sources of a broadcast, whatever they do",
      "The Weir authors");
}

static void
weir_sanitizer_init (WeirSanitizer *self)
{
  g_mutex_init (&self->lock);
  self->clock = weir_clock_system ();
  self->tracks = g_ptr_array_new ();
  self->forward_eos = TRUE;
  weir_timeline_settings_init (&self->settings);
  weir_health_settings_init (&self->health_settings);
}

void
weir_sanitizer_set_clock (WeirSanitizer *self, const WeirClock *clock)
{
  self->clock = clock;
}

void
weir_sanitizer_set_health_settings (WeirSanitizer *self, const WeirHealthSettings *settings)
{
  g_mutex_lock (&self->lock);
  self->health_settings = *settings;
  g_mutex_unlock (&self->lock);
}

void
weir_sanitizer_check_health (WeirSanitizer *self)
{
  g_mutex_lock (&self->lock);
  if (self->health != NULL)
    advance_health (self, now (self));
  unlock_and_post (self);
}

void
weir_sanitizer_health_clear (WeirSanitizerHealth *self)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->configs); i++)
    g_clear_pointer (&self->configs[i], weir_codec_config_unref);
  for (i = 0; i < G_N_ELEMENTS (self->texts); i++)
    g_clear_pointer (&self->texts[i], g_free);
}

void
weir_sanitizer_get_health (WeirSanitizer *self, WeirSanitizerHealth *health)
{
  guint i;

  memset (health, 0, sizeof *health);
  g_mutex_lock (&self->lock);
  memcpy (health->decisions, get_counts (self), sizeof health->decisions);
  if (self->health != NULL)
    weir_health_get_report (self->health, &health->report);
  for (i = 0; self->health != NULL && i < self->tracks->len; i++) {
    const Track *track = g_ptr_array_index (self->tracks, i);

    if (track->index >= 0 && track->config != NULL)
      health->configs[track->index] = weir_codec_config_ref (track->config);
  }
  for (i = 0; i < WEIR_HEALTH_MEASURED_LAST; i++)
    if (health->report.issues[i].raised)
      health->texts[i] = weir_health_describe (self->health, (WeirHealthCode) i);
  g_mutex_unlock (&self->lock);
}

void
weir_sanitizer_get_decisions (WeirSanitizer *self, guint64 *decisions)
{
  g_mutex_lock (&self->lock);
  memcpy (decisions, get_counts (self), WEIR_REASON_LAST * sizeof *decisions);
  g_mutex_unlock (&self->lock);
}
