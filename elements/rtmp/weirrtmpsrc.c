/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-weirrtmpsrc
 * @title: weirrtmpsrc
 *
 * Receives what an RTMP encoder publishes. Either it is given a connection that a listener has
 * accepted (`connection`), or it listens itself on `address` and `port` and takes the first
 * publisher that shows `stream-key` (any publisher when there is none); elements of one process
 * with the same address and port share one listener. With `certificates`, a folder that holds
 * `default.crt` and `default.key` in PEM (and further pairs for other names, chosen by SNI), it
 * speaks RTMPS; the folder is read when the element starts to listen. When the publisher leaves,
 * the stream ends, or with `keep-listening` waits for the next one, whose first buffers carry
 * `DISCONT`.
 *
 * There is a pad for each track, with the sender's number for it in its name, added when its
 * configuration is known: from a record, or from the stream where that says it. All codecs of
 * Enhanced RTMP come out in one form each, whatever was sent: `avc`, `hvc1`, `obu-stream`, raw AAC.
 * A track's codec may change; its pad has new caps then. Labels and languages are tags of their
 * pads. A GAP event follows the end of a track that the encoder announces.
 *
 * Buffers are stamped with
 * the running time at which the first one came plus the sender's own distance from that one. The
 * sender's clock is made continuous where its 31 or 32 bits wrap and is left alone otherwise; use
 * weirsanitizer behind this element. A stamp before running time 0 is possible after a sender's
 * clock went back; such a track gets a segment that starts later, so that it can be expressed.
 *
 * What an encoder does wrong is said once each for a publisher, in an element message `weir-health`
 * with the strings `code` and `detail`: `unsupported-video-codec`, `unsupported-audio-codec`,
 * `annex-b` (start codes where lengths belong), `adts` (headers where raw frames belong),
 * `in-band-configuration` (parameter sets differ from the record), `empty-nal`, `no-configuration`
 * (there is no record; it is made of the stream where that is possible), `malformed-media`. Counted
 * are they all in `stats`.
 *
 * The element has no thread and works on the connection's worker; it must not be blocked when it
 * shares that with others.
 *
 * ## Example
 * |[
 * gst-launch-1.0 weirrtmpsrc port=1935 stream-key=k name=s weirsanitizer name=c \
 *   weirsegmentmux name=m ! filesink location=a.mp4 \
 *   s.video_0 ! c.video_0 s.audio_0 ! c.audio_0 \
 *   c.video_src_0 ! m.video_0 c.audio_src_0 ! m.audio_0
 * ]|
 *
 * makes a fragmented MP4 file of what a publisher sends to `rtmp://localhost:1935/live/k`; it is
 * complete when the publisher leaves.
 */
#include "rtmp/weirrtmpsrc.h"

#include "base/tokenbucket.h"
#include "codec/elementary.h"
#include "gst/mediacaps.h"
#include "rtmp/flvtag.h"
#include "rtmp/connectioninternal.h"
#include "rtmp/listener.h"
#include "rtmp/metadata.h"
#include "timeline/timeline.h"

#include <gst/base/gstflowcombiner.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (weir_rtmp_src_debug);
#define GST_CAT_DEFAULT weir_rtmp_src_debug

#define NO_MORE_PADS_US (2 * G_USEC_PER_SEC)
#define NO_MORE_PADS_MS 2000
/* two tracks whose clocks first show within a minute of each other are on one clock */
#define SAME_CLOCK_MS 60000
/* 69 years: what the sender's clock may be away from its first stamp */
#define DISTANCE_MAX_MS (G_GINT64_CONSTANT (1) << 41)
/* where running time 0 is in the segment of a track with stamps before it; 32 bits of ms are 50 */
#define SEGMENT_SHIFT (100 * 24 * 3600 * GST_SECOND)

/* of one kind */
#define TRACKS_MAX 8
/* so many frames may come before a track's configuration until something is said about it */
#define FRAMES_BEFORE_CONFIG 50
/* names of codecs that are remembered, of a sender who makes them up */
#define UNSUPPORTED_MAX 8

/* a listener that the elements of this process share; everything under shared_lock */
typedef struct {
  gchar *key;          /* address and port */
  gchar *certificates; /* folder; NULL: RTMP */
  WeirWorker *worker;  /* the accept thread */
  WeirRtmpListener *listener;
  GList *elements; /* of WeirRtmpSrc, those that may be offered a publisher */
} SharedListener;

typedef enum {
  COUNT_BYTES,
  COUNT_MESSAGES,
  COUNT_FRAMES,
  COUNT_CONNECTIONS,
  COUNT_BEFORE_CONFIG,
  COUNT_INVALID,
  COUNT_EMPTY,
  COUNT_MALFORMED,
  COUNT_UNSUPPORTED,
  COUNT_NOT_PLAYING,
  COUNT_TRACKS,
  /* frames that were put right */
  COUNT_ANNEX_B,
  COUNT_ADTS,
  COUNT_EMPTY_NAL,
  COUNT_IN_BAND_CONFIG,
  COUNT_NO_RECORD,
  COUNT_LAST
} Count;

static const gchar *const count_names[COUNT_LAST] = {
    [COUNT_BYTES] = "bytes",
    [COUNT_MESSAGES] = "messages",
    [COUNT_FRAMES] = "frames",
    [COUNT_CONNECTIONS] = "connections",
    [COUNT_BEFORE_CONFIG] = "dropped-before-config",
    [COUNT_INVALID] = "dropped-invalid",
    [COUNT_EMPTY] = "dropped-empty",
    [COUNT_MALFORMED] = "dropped-malformed",
    [COUNT_UNSUPPORTED] = "dropped-unsupported",
    [COUNT_NOT_PLAYING] = "dropped-not-playing",
    [COUNT_TRACKS] = "dropped-tracks",
    [COUNT_ANNEX_B] = "annex-b",
    [COUNT_ADTS] = "adts",
    [COUNT_EMPTY_NAL] = "empty-nal",
    [COUNT_IN_BAND_CONFIG] = "in-band-configuration",
    [COUNT_NO_RECORD] = "no-record",
};

/* what is said once for a publisher */
typedef enum {
  HEALTH_ANNEX_B,
  HEALTH_ADTS,
  HEALTH_EMPTY_NAL,
  HEALTH_IN_BAND_CONFIG,
  HEALTH_NO_CONFIG,
  HEALTH_MALFORMED,
  HEALTH_LAST
} Health;

static const gchar *const health_codes[HEALTH_LAST] = {
    [HEALTH_ANNEX_B] = "annex-b",
    [HEALTH_ADTS] = "adts",
    [HEALTH_EMPTY_NAL] = "empty-nal",
    [HEALTH_IN_BAND_CONFIG] = "in-band-configuration",
    [HEALTH_NO_CONFIG] = "no-configuration",
    [HEALTH_MALFORMED] = "malformed-media",
};

static const struct {
  WeirQuirks quirk;
  Count count;
  Health health;
} quirks[] = {
    {WEIR_QUIRK_ANNEX_B, COUNT_ANNEX_B, HEALTH_ANNEX_B},
    {WEIR_QUIRK_ADTS, COUNT_ADTS, HEALTH_ADTS},
    {WEIR_QUIRK_EMPTY_NAL, COUNT_EMPTY_NAL, HEALTH_EMPTY_NAL},
    {WEIR_QUIRK_IN_BAND_CONFIG, COUNT_IN_BAND_CONFIG, HEALTH_IN_BAND_CONFIG},
    {WEIR_QUIRK_NO_RECORD, COUNT_NO_RECORD, HEALTH_NO_CONFIG},
};

typedef struct {
  WeirMediaKind kind;
  guint id;    /* the sender's */
  GstPad *pad; /* NULL until the first configuration */
  /* of the current publisher */
  WeirElementaryStream *stream; /* (nullable): nothing of it has come */
  WeirCodec codec;              /* of the stream */
  WeirCodecConfig *config;      /* (nullable): what was said on the pad */
  GstTagList *tags;             /* (nullable): the same */
  guint channels;               /* (Opus) as the sender says beside the stream; 0: nothing */
  guint early;                  /* frames that came before the configuration */
  WeirUnwrap unwrap;
  gboolean discontinuity; /* due on the next buffer */
  gboolean wait_keyframe; /* what came while not playing is missing */
  GstClockTime shift;     /* where running time 0 is in the segment */
} Track;

struct _WeirRtmpSrc {
  GstElement parent_instance;

  GMutex lock; /* protects the following; no connection's callback is waited for with it */
  WeirRtmpConnection *connection; /* property */
  gchar *address, *stream_key;
  gchar *certificates; /* NULL: RTMP */
  guint port;
  gboolean keep_listening;
  SharedListener *shared;      /* NULL: given a connection, or not started */
  WeirWorker *worker;          /* of publishers of our own listener */
  WeirRtmpConnection *current; /* whose messages are taken */
  /* written under the lock, read by the worker without it, atomic */
  gint playing;
  gint done; /* EOS or an error was sent */

  guint64 counts[COUNT_LAST]; /* atomic */

  /* on the current connection's worker, in its callbacks; otherwise when there is no consumer */
  Track *tracks[2][TRACKS_MAX];
  guint track_counts[2];
  GstFlowCombiner *combiner;
  guint group_id;
  guint number;       /* of the connection, from 1 */
  gboolean has_first; /* the stamps below are set */
  gint64 first_ms;
  gint64 anchor;                             /* running time of the first frame, ns */
  gint64 first_arrival_us;                   /* of any message, 0 for none */
  WeirRtmpMetadata *metadata;                /* (nullable) */
  const gchar *unsupported[UNSUPPORTED_MAX]; /* names of codecs, static */
  guint unsupported_count;
  guint told;        /* bits of Health */
  gboolean has_many; /* more than one track of a kind */
  gboolean no_more_pads;
  WeirTokenBucket config_changes; /* of the current publisher; not begun at rate 0 */
  gboolean refused;               /* the current publisher is on its way out */
};

G_DEFINE_TYPE (WeirRtmpSrc, weir_rtmp_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (weirrtmpsrc, "weirrtmpsrc", GST_RANK_NONE, WEIR_TYPE_RTMP_SRC)

enum {
  PROP_CONNECTION = 1,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_STREAM_KEY,
  PROP_KEEP_LISTENING,
  PROP_CERTIFICATES,
  PROP_STATS,
};

static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE (
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (WEIR_VIDEO_CAPS));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE (
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (WEIR_AUDIO_CAPS));

/* The one thing that is global: who listens on a port is a matter of the process. */
static GMutex shared_lock;
static GList *shared_listeners; /* of SharedListener, under shared_lock */

/* Each of them is counted by one thread at a time: what other threads read is never torn, and no
 * locked instruction is needed. */
static void
count (WeirRtmpSrc *self, Count which, guint64 by)
{
  guint64 value = __atomic_load_n (&self->counts[which], __ATOMIC_RELAXED);

  __atomic_store_n (&self->counts[which], value + by, __ATOMIC_RELAXED);
}

/* Returns: the track at that place, video first; NULL behind the last one */
static Track *
get_nth_track (WeirRtmpSrc *self, guint place)
{
  guint videos = self->track_counts[WEIR_MEDIA_VIDEO];

  if (place < videos)
    return self->tracks[WEIR_MEDIA_VIDEO][place];
  if (place - videos < self->track_counts[WEIR_MEDIA_AUDIO])
    return self->tracks[WEIR_MEDIA_AUDIO][place - videos];
  return NULL;
}

static const gchar *
get_kind_name (WeirMediaKind kind)
{
  return kind == WEIR_MEDIA_VIDEO ? "video" : "audio";
}

static void
lock (WeirRtmpSrc *self)
{
  g_mutex_lock (&self->lock);
}

static void
unlock (WeirRtmpSrc *self)
{
  g_mutex_unlock (&self->lock);
}

/* ── the way out ── */

static gboolean
is_done (WeirRtmpSrc *self)
{
  return g_atomic_int_get (&self->done);
}

/* lock held */
static void
set_done (WeirRtmpSrc *self, gboolean done)
{
  g_atomic_int_set (&self->done, done);
}

/* nothing more is sent; the publisher is told to go */
static void
stop_taking (WeirRtmpSrc *self, const gchar *description)
{
  g_autoptr (WeirRtmpConnection) current = NULL;

  lock (self);
  set_done (self, TRUE);
  if (self->current != NULL)
    current = g_object_ref (self->current);
  unlock (self);
  if (current != NULL)
    weir_connection_close (WEIR_CONNECTION (current), description);
}

static void
push_event (Track *track, GstEvent *event)
{
  GST_PAD_STREAM_LOCK (track->pad);
  gst_pad_push_event (track->pad, event);
  GST_PAD_STREAM_UNLOCK (track->pad);
}

static void
push_buffer (WeirRtmpSrc *self, Track *track, GstBuffer *buffer)
{
  gint64 start_us = g_get_monotonic_time ();
  GstFlowReturn flow;

  GST_PAD_STREAM_LOCK (track->pad);
  flow = gst_pad_push (track->pad, buffer);
  GST_PAD_STREAM_UNLOCK (track->pad);
  weir_worker_record_push (weir_rtmp_connection_get_worker (self->current), GST_OBJECT_NAME (self),
      g_get_monotonic_time () - start_us);

  flow = gst_flow_combiner_update_pad_flow (self->combiner, track->pad, flow);
  if (flow == GST_FLOW_EOS) {
    GST_INFO_OBJECT (self, "nobody wants more");
    stop_taking (self, "The stream has ended.");
  } else if (flow < GST_FLOW_EOS && !is_done (self)) {
    stop_taking (self, "The stream cannot be taken.");
    GST_ELEMENT_FLOW_ERROR (self, flow);
  }
}

static void
push_segment (Track *track)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = track->shift;
  push_event (track, gst_event_new_segment (&segment));
}

static void
push_caps (Track *track)
{
  g_autoptr (GstCaps) caps = weir_codec_config_to_caps (track->config);

  push_event (track, gst_event_new_caps (caps));
}

/* what the metadata calls it, where that is not known downstream */
static void
push_tags (WeirRtmpSrc *self, Track *track)
{
  const WeirRtmpTrackInfo *info = NULL;
  g_autoptr (GstTagList) tags = NULL;

  if (self->metadata != NULL && track->config != NULL)
    info = weir_rtmp_metadata_get_track (self->metadata, track->kind, track->id);
  if (info == NULL || (info->label == NULL && info->language == NULL))
    return;
  tags = gst_tag_list_new_empty ();
  if (info->label != NULL)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, info->label, NULL);
  if (info->language != NULL)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_LANGUAGE_CODE, info->language, NULL);
  if (track->tags != NULL && gst_tag_list_is_equal (track->tags, tags))
    return;
  gst_clear_tag_list (&track->tags);
  track->tags = gst_tag_list_ref (tags);
  push_event (track, gst_event_new_tag (g_steal_pointer (&tags)));
}

/* Returns: whether such a track has been started */
static gboolean
has_started (WeirRtmpSrc *self, WeirMediaKind kind)
{
  for (guint i = 0; i < self->track_counts[kind]; i++)
    if (self->tracks[kind][i]->config != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
is_promised (WeirRtmpSrc *self, WeirMediaKind kind)
{
  if (self->metadata == NULL)
    return FALSE;
  for (guint i = 0; i < self->metadata->counts[kind]; i++)
    if (self->metadata->tracks[kind][i].promised)
      return TRUE;
  return FALSE;
}

/* tells of the kinds that are promised and have not come: @track, or all that have when NULL */
static void
push_promises (WeirRtmpSrc *self, Track *only)
{
  Track *track;

  for (guint kind = 0; kind < G_N_ELEMENTS (self->tracks); kind++) {
    if (!is_promised (self, kind) || has_started (self, kind))
      continue;
    for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++)
      if (track->config != NULL && (only == NULL || track == only))
        push_event (track, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                               gst_structure_new ("weir-track-promised", "kind", G_TYPE_STRING,
                                   get_kind_name (kind), NULL)));
  }
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* the first configuration of a track from the current publisher */
static void
start_track (WeirRtmpSrc *self, Track *track)
{
  gboolean new = track->pad == NULL;
  g_autofree gchar *name = new ? g_strdup_printf ("%s_%u", get_kind_name (track->kind), track->id)
                               : gst_pad_get_name (track->pad);
  g_autofree gchar *stream_id =
      g_strdup_printf ("%s/%s/%u", GST_OBJECT_NAME (self), name, self->number);
  GstEvent *event = gst_event_new_stream_start (stream_id);

  if (new) {
    g_autoptr (GstPadTemplate) template = gst_static_pad_template_get (
        track->kind == WEIR_MEDIA_VIDEO ? &video_template : &audio_template);

    track->pad = gst_object_ref_sink (gst_pad_new_from_template (template, name));
    gst_pad_set_query_function (track->pad, src_query);
    gst_pad_use_fixed_caps (track->pad);
    gst_pad_set_active (track->pad, TRUE);
  }
  track->discontinuity = TRUE;
  track->shift = 0;
  gst_event_set_group_id (event, self->group_id);
  push_event (track, event);
  push_caps (track);
  push_segment (track);
  push_tags (self, track);
  if (!new)
    return;
  gst_flow_combiner_add_pad (self->combiner, track->pad);
  gst_element_add_pad (GST_ELEMENT (self), track->pad);
}

/* ── what an encoder does wrong ── */

static void
post_health (WeirRtmpSrc *self, const gchar *code, const gchar *detail)
{
  GST_INFO_OBJECT (self, "%s: %s", code, detail);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                              gst_structure_new ("weir-health", "code", G_TYPE_STRING, code,
                                  "detail", G_TYPE_STRING, detail, NULL)));
}

/* @format: of what is shown beside it */
static void tell_health (WeirRtmpSrc *self, Health health, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
tell_health (WeirRtmpSrc *self, Health health, const gchar *format, ...)
{
  g_autofree gchar *detail = NULL;
  va_list arguments;

  if ((self->told & (1U << health)) != 0)
    return;
  self->told |= 1U << health;
  va_start (arguments, format);
  detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  post_health (self, health_codes[health], detail);
}

/* in the connection's summary: "2xH.264 AAC Opus" */
static void
note_codecs (WeirRtmpSrc *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint counts[WEIR_CODEC_LAST] = {0};
  const Track *track;

  for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++)
    if (track->config != NULL)
      counts[track->config->codec]++;
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    if (counts[i] == 0)
      continue;
    if (text->len > 0)
      g_string_append_c (text, ' ');
    if (counts[i] > 1)
      g_string_append_printf (text, "%ux", counts[i]);
    g_string_append (text, weir_codec_get_name ((WeirCodec) i));
  }
  for (guint i = 0; i < self->unsupported_count; i++)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", self->unsupported[i]);
  weir_rtmp_connection_set_codecs (self->current, text->str);
}

/* @name: static. @detail: (nullable): more than the name */
static void
tell_unsupported (WeirRtmpSrc *self, WeirMediaKind kind, const gchar *name, const gchar *detail)
{
  count (self, COUNT_UNSUPPORTED, 1);
  for (guint i = 0; i < self->unsupported_count; i++)
    if (g_str_equal (self->unsupported[i], name))
      return;
  if (self->unsupported_count == UNSUPPORTED_MAX)
    return;
  self->unsupported[self->unsupported_count++] = name;
  note_codecs (self);
  post_health (self,
      kind == WEIR_MEDIA_VIDEO ? "unsupported-video-codec" : "unsupported-audio-codec",
      detail != NULL ? detail : name);
}

static void
tell_malformed (WeirRtmpSrc *self, WeirMediaKind kind, const gchar *detail)
{
  count (self, COUNT_MALFORMED, 1);
  tell_health (self, HEALTH_MALFORMED, "%s: %s", get_kind_name (kind), detail);
}

static void
tell_quirks (WeirRtmpSrc *self, const Track *track, WeirQuirks found)
{
  for (guint i = 0; i < G_N_ELEMENTS (quirks); i++) {
    if ((found & quirks[i].quirk) == 0)
      continue;
    count (self, quirks[i].count, 1);
    tell_health (self, quirks[i].health, "%s track %u, %s", get_kind_name (track->kind), track->id,
        weir_codec_get_name (track->codec));
  }
}

/* ── messages ── */

static Track *
find_track (WeirRtmpSrc *self, WeirMediaKind kind, guint id)
{
  for (guint i = 0; i < self->track_counts[kind]; i++)
    if (self->tracks[kind][i]->id == id)
      return self->tracks[kind][i];
  return NULL;
}

/* Returns: (nullable): NULL when there are too many */
static Track *
add_track (WeirRtmpSrc *self, WeirMediaKind kind, guint id)
{
  guint max = (weir_rtmp_connection_get_settings (self->current)->tracks_max + 1) / 2;
  Track *track;

  if (self->track_counts[kind] < MIN (max, TRACKS_MAX)) {
    track = g_new0 (Track, 1);
    track->kind = kind;
    weir_unwrap_init (&track->unwrap, 32);
    self->tracks[kind][self->track_counts[kind]++] = track;
    track->id = id;
    return track;
  }
  /* one of a former publisher, with a pad of another number */
  for (guint i = 0; i < self->track_counts[kind]; i++) {
    track = self->tracks[kind][i];
    if (track->stream != NULL)
      continue;
    track->id = id;
    return track;
  }
  return NULL;
}

static void
clear_stream (Track *track)
{
  g_clear_pointer (&track->stream, weir_elementary_stream_free);
  track->channels = 0;
  track->early = 0;
}

/* Returns: (nullable): the track that the tag is for, with a stream of its codec */
static Track *
get_track (WeirRtmpSrc *self, const WeirFlvTag *tag)
{
  Track *track = find_track (self, tag->kind, tag->track_id);

  if (G_LIKELY (track != NULL && track->stream != NULL && track->codec == tag->codec))
    return track;
  if (track == NULL)
    track = add_track (self, tag->kind, tag->track_id);
  if (track == NULL) {
    count (self, COUNT_TRACKS, 1);
    weir_rtmp_connection_count (self->current, WEIR_LIMIT_RTMP_TRACKS);
    return NULL;
  }
  clear_stream (track);
  track->codec = tag->codec;
  track->stream = weir_elementary_stream_new (tag->codec);
  self->has_many = self->has_many || tag->track_id != 0;
  return track;
}

static gboolean
may_change_config (WeirRtmpSrc *self)
{
  guint per_minute = weir_rtmp_connection_get_settings (self->current)->configurations;
  gint64 now_us = g_get_monotonic_time ();

  if (self->config_changes.rate == 0)
    weir_token_bucket_init (&self->config_changes, per_minute / 60.0, per_minute, now_us);
  return weir_token_bucket_take (&self->config_changes, 1, now_us);
}

/* Says on the pad what the stream's configuration is, if it is another one.
 * Returns: FALSE when nothing more is taken of the publisher */
static gboolean
apply_config (WeirRtmpSrc *self, Track *track)
{
  WeirCodecConfig *config = weir_elementary_stream_get_config (track->stream);
  gboolean first = track->config == NULL;

  if (config == NULL || (!first && weir_codec_config_equal (track->config, config)))
    return TRUE;
  /* each is a new init segment, a cut and a discontinuity */
  if (!first && !may_change_config (self)) {
    self->refused = TRUE;
    weir_rtmp_connection_exceed (self->current, WEIR_LIMIT_RTMP_CONFIGURATIONS,
        "The configuration of a track changes too often.");
    return FALSE;
  }
  GST_INFO_OBJECT (self, "%s track %u: configuration: %s", get_kind_name (track->kind), track->id,
      config->codecs);
  g_clear_pointer (&track->config, weir_codec_config_unref);
  track->config = weir_codec_config_ref (config);
  note_codecs (self);
  if (!first) {
    push_caps (track);
    return TRUE;
  }
  start_track (self, track);
  push_promises (self, track);
  return TRUE;
}

/* as many channels of Opus as the sender says; there is no default for more than two */
static void
assume_channels (Track *track)
{
  if (track->codec == WEIR_CODEC_OPUS && track->channels <= 2)
    weir_elementary_stream_assume_channels (
        track->stream, track->channels != 0 ? track->channels : 2);
}

static void
take_config (WeirRtmpSrc *self, const guint8 *payload, const WeirFlvTag *tag)
{
  Track *track = get_track (self, tag);
  g_autoptr (GError) error = NULL;
  const guint8 *data = payload + tag->offset;
  guint8 record[4];

  if (track == NULL)
    return;
  if (tag->size == 0) {
    assume_channels (track);
    return;
  }
  if (tag->descriptor) {
    weir_flv_descriptor_to_record (data, record);
    data = record;
  }
  if (weir_elementary_stream_set_record (track->stream, data, tag->size, &error)) {
    apply_config (self, track);
    return;
  }
  GST_WARNING_OBJECT (self, "%s configuration refused: %s", tag->name, error->message);
  if (g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED)) {
    g_autofree gchar *detail = g_strdup_printf ("%s: %s", tag->name, error->message);

    tell_unsupported (self, tag->kind, tag->name, detail);
    return;
  }
  if (g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY))
    stop_taking (self, "There is no memory.");
  tell_malformed (self, tag->kind, error->message);
}

/* the message's time on the sender's clock made continuous */
static gint64
unwrap (WeirRtmpSrc *self, Track *track, guint32 stamp)
{
  gboolean first = !track->unwrap.valid;
  gint64 value = weir_unwrap (&track->unwrap, stamp);
  const Track *other;

  if (!first)
    return value;
  /* another track's clock may have wrapped just before */
  for (guint i = 0; (other = get_nth_track (self, i)) != NULL; i++) {
    gint32 distance = (gint32) (stamp - (guint32) other->unwrap.last);

    if (other == track || !other->unwrap.valid || ABS ((gint64) distance) > SAME_CLOCK_MS)
      continue;
    track->unwrap.value = other->unwrap.value + distance;
    break;
  }
  return track->unwrap.value;
}

/* Returns: running time of a stamp, which may be before 0 */
static gint64
to_running_time (WeirRtmpSrc *self, gint64 value)
{
  gint64 distance = CLAMP (value - self->first_ms, -DISTANCE_MAX_MS, DISTANCE_MAX_MS);

  return self->anchor + distance * (gint64) GST_MSECOND;
}

static void
stamp_buffer (
    WeirRtmpSrc *self, Track *track, GstBuffer *buffer, gint64 value, const WeirFlvTag *tag)
{
  gint64 dts, pts;

  if (!self->has_first) {
    GstClockTime running_time = gst_element_get_current_running_time (GST_ELEMENT (self));

    self->has_first = TRUE;
    self->first_ms = value;
    self->anchor = GST_CLOCK_TIME_IS_VALID (running_time) ? (gint64) running_time : 0;
  }
  dts = to_running_time (self, value);
  pts = dts + tag->composition_time * (gint64) GST_MSECOND + tag->nanoseconds;
  if (MIN (dts, pts) < 0 && track->shift == 0) {
    GST_INFO_OBJECT (track->pad, "stamps before running time 0: the segment starts later");
    track->shift = SEGMENT_SHIFT;
    push_segment (track);
  }
  GST_BUFFER_DTS (buffer) = (GstClockTime) MAX (dts + (gint64) track->shift, 0);
  GST_BUFFER_PTS (buffer) = (GstClockTime) MAX (pts + (gint64) track->shift, 0);
}

/* the bytes of a message on their way into buffers */
typedef struct {
  WeirRtmpMessage *message; /* whose payload is taken away */
  const guint8 *data;
  GstMemory *memory; /* (nullable): of the whole, when several buffers share it */
} Payload;

/* @last: nobody else needs the payload */
static GstBuffer *
make_buffer (Payload *payload, gsize offset, gsize size, gboolean last)
{
  WeirRtmpMessage *message = payload->message;
  GstBuffer *buffer;

  if (payload->memory == NULL && last) {
    buffer = gst_buffer_new_wrapped_full (
        0, message->payload, message->size, offset, size, message->payload, g_free);
    message->payload = NULL;
    return buffer;
  }
  if (payload->memory == NULL) {
    payload->memory = gst_memory_new_wrapped (
        0, message->payload, message->size, 0, message->size, message->payload, g_free);
    message->payload = NULL;
  }
  buffer = gst_buffer_new ();
  gst_buffer_append_memory (
      buffer, gst_memory_share (payload->memory, (gssize) offset, (gssize) size));
  return buffer;
}

/* whether every track is there: of both kinds, and all that the metadata promises; when there are
 * several of a kind, time tells */
static gboolean
has_all_tracks (WeirRtmpSrc *self)
{
  if (self->has_many)
    return FALSE;
  for (guint kind = 0; kind < G_N_ELEMENTS (self->tracks); kind++) {
    if (!has_started (self, kind))
      return FALSE;
    for (guint i = 0; self->metadata != NULL && i < self->metadata->counts[kind]; i++)
      if (self->metadata->tracks[kind][i].promised && i > 0)
        return FALSE;
  }
  return TRUE;
}

/* before a frame, so that configurations that come together are told together */
static void
check_no_more_pads (WeirRtmpSrc *self, const WeirRtmpMessage *message)
{
  gint64 media_ms = 0;

  if (self->no_more_pads)
    return;
  if (self->has_first)
    media_ms = (gint64) (gint32) (message->timestamp - (guint32) self->first_ms);
  if (media_ms < NO_MORE_PADS_MS &&
      message->arrival_us - self->first_arrival_us < NO_MORE_PADS_US && !has_all_tracks (self))
    return;
  self->no_more_pads = TRUE;
  gst_element_no_more_pads (GST_ELEMENT (self));
}

/* what becomes of an access unit that is not passed on */
static void
drop_unit (WeirRtmpSrc *self, Track *track, WeirUnitStatus status)
{
  if (status == WEIR_UNIT_NO_MEMORY) {
    stop_taking (self, "There is no memory.");
    return;
  }
  if (status == WEIR_UNIT_UNSUPPORTED) {
    tell_unsupported (self, track->kind, weir_codec_get_name (track->codec),
        "AAC in ADTS frames of several blocks, or that alone tell their channels");
    return;
  }
  if (weir_elementary_stream_get_config (track->stream) == NULL) {
    count (self, COUNT_BEFORE_CONFIG, 1);
    if (++track->early == FRAMES_BEFORE_CONFIG)
      tell_health (self, HEALTH_NO_CONFIG, "%s track %u, %s: nobody knows how to decode it",
          get_kind_name (track->kind), track->id, weir_codec_get_name (track->codec));
    return;
  }
  if (status == WEIR_UNIT_EMPTY) {
    count (self, COUNT_EMPTY, 1);
    return;
  }
  count (self, COUNT_INVALID, 1);
  tell_health (self, HEALTH_MALFORMED, "%s track %u, %s: a frame does not add up",
      get_kind_name (track->kind), track->id, weir_codec_get_name (track->codec));
}

/* Returns: whether the track's frame may be passed on */
static gboolean
is_passed_on (WeirRtmpSrc *self, Track *track, gboolean keyframe)
{
  if (!g_atomic_int_get (&self->playing)) {
    count (self, COUNT_NOT_PLAYING, 1);
    track->wait_keyframe = TRUE;
    track->discontinuity = TRUE;
    return FALSE;
  }
  if (track->wait_keyframe && !keyframe) {
    count (self, COUNT_NOT_PLAYING, 1);
    return FALSE;
  }
  track->wait_keyframe = FALSE;
  return TRUE;
}

static void
take_frame (WeirRtmpSrc *self, Payload *payload, const WeirFlvTag *tag)
{
  Track *track = get_track (self, tag);
  g_autofree guint8 *converted = NULL;
  WeirAccessUnit unit;
  GstBuffer *buffer;

  if (track == NULL)
    return;
  weir_elementary_stream_take (track->stream, payload->data + tag->offset, tag->size, &unit);
  converted = unit.converted;
  if (G_UNLIKELY (unit.quirks != 0))
    tell_quirks (self, track, unit.quirks);
  if (unit.status != WEIR_UNIT_OK) {
    drop_unit (self, track, unit.status);
    return;
  }
  /* also when it is known from a frame that was dropped, or the pad says that of another codec */
  if (!apply_config (self, track) || !is_passed_on (self, track, unit.keyframe))
    return;
  check_no_more_pads (self, payload->message);
  count (self, COUNT_FRAMES, 1);
  if (converted == NULL)
    buffer = make_buffer (payload, tag->offset + unit.offset, unit.size, tag->last);
  else
    buffer = gst_buffer_new_wrapped_full (
        0, converted, unit.offset + unit.size, unit.offset, unit.size, converted, g_free);
  converted = NULL;
  stamp_buffer (self, track, buffer, unwrap (self, track, payload->message->timestamp), tag);
  if (track->kind == WEIR_MEDIA_VIDEO && !unit.keyframe)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (track->discontinuity)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  track->discontinuity = FALSE;
  push_buffer (self, track, buffer);
}

/* the track ends here, or is silent from here on: nobody has to wait for it */
static void
take_end (WeirRtmpSrc *self, guint32 timestamp, const WeirFlvTag *tag)
{
  Track *track = find_track (self, tag->kind, tag->track_id);
  gint64 time;

  if (track == NULL || track->config == NULL || !track->unwrap.valid || !self->has_first ||
      (tag->codec != WEIR_CODEC_LAST && tag->codec != track->codec))
    return;
  /* the stamp of what is no frame is not held against the clock */
  time = to_running_time (
      self, track->unwrap.value + (gint32) (timestamp - (guint32) track->unwrap.last));
  push_event (track, gst_event_new_gap ((GstClockTime) MAX (time + (gint64) track->shift, 0),
                         GST_CLOCK_TIME_NONE));
}

/* FFmpeg names no track: all of that codec are meant */
static void
take_colour (WeirRtmpSrc *self, const guint8 *payload, const WeirFlvTag *tag)
{
  const WeirAmfLimits *limits = &weir_rtmp_connection_get_settings (self->current)->amf;
  WeirColour colour;
  WeirRtmpColourChange change =
      weir_rtmp_colour_parse (payload + tag->offset, tag->size, limits, &colour);

  if (change == WEIR_RTMP_COLOUR_NOTHING)
    return;
  /* it may come before the track's first frame */
  if (find_track (self, tag->kind, tag->track_id) == NULL)
    get_track (self, tag);
  for (guint i = 0; i < self->track_counts[tag->kind]; i++) {
    Track *track = self->tracks[tag->kind][i];

    if (track->stream != NULL && track->codec == tag->codec &&
        (tag->track_id == 0 || track->id == tag->track_id))
      weir_elementary_stream_set_colour (
          track->stream, change == WEIR_RTMP_COLOUR_SET ? &colour : NULL);
  }
}

static void
take_channels (WeirRtmpSrc *self, const WeirFlvTag *tag)
{
  Track *track = tag->codec == WEIR_CODEC_OPUS ? get_track (self, tag) : NULL;

  if (track == NULL)
    return;
  track->channels = tag->channels;
  assume_channels (track);
}

static void
take_tag (WeirRtmpSrc *self, Payload *payload, const WeirFlvTag *tag)
{
  switch (tag->packet) {
  case WEIR_FLV_CONFIG:
    take_config (self, payload->data, tag);
    break;
  case WEIR_FLV_FRAME:
    take_frame (self, payload, tag);
    break;
  case WEIR_FLV_END:
    take_end (self, payload->message->timestamp, tag);
    break;
  case WEIR_FLV_METADATA:
    take_colour (self, payload->data, tag);
    break;
  case WEIR_FLV_CHANNELS:
    take_channels (self, tag);
    break;
  case WEIR_FLV_UNSUPPORTED:
    tell_unsupported (self, tag->kind, tag->name, NULL);
    break;
  case WEIR_FLV_MALFORMED:
    tell_malformed (self, tag->kind, "a message cannot be read");
    break;
  case WEIR_FLV_IGNORE:
    break;
  }
}

static void
take_media (WeirRtmpSrc *self, WeirRtmpMessage *message)
{
  Payload payload = {.message = message, .data = message->payload};
  WeirFlvReader reader;
  WeirFlvTag tag;

  weir_flv_reader_init (&reader,
      message->type == WEIR_RTMP_VIDEO ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO, message->payload,
      message->size);
  while (!self->refused && !is_done (self) && weir_flv_reader_next (&reader, &tag))
    take_tag (self, &payload, &tag);
  if (payload.memory != NULL)
    gst_memory_unref (payload.memory);
}

/* onMetaData is believed in what tracks there will be, and what they are called */
static void
take_metadata (WeirRtmpSrc *self, const WeirRtmpMessage *message)
{
  const WeirAmfLimits *limits = &weir_rtmp_connection_get_settings (self->current)->amf;
  WeirRtmpMetadata *metadata = weir_rtmp_metadata_parse (message->payload, message->size, limits);
  Track *track;

  if (metadata == NULL)
    return;
  g_clear_pointer (&self->metadata, weir_rtmp_metadata_free);
  self->metadata = metadata;
  for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++)
    push_tags (self, track);
  push_promises (self, NULL);
}

static void
on_message (WeirRtmpMessage *message, gpointer data)
{
  WeirRtmpSrc *self = data;

  count (self, COUNT_BYTES, message->size);
  count (self, COUNT_MESSAGES, 1);
  if (self->refused || is_done (self))
    return;
  if (self->first_arrival_us == 0)
    self->first_arrival_us = message->arrival_us;
  if (message->type == WEIR_RTMP_DATA) {
    take_metadata (self, message);
    return;
  }
  if (message->type == WEIR_RTMP_VIDEO || message->type == WEIR_RTMP_AUDIO)
    take_media (self, message);
}

/* ready for the next publisher; pads stay */
static void
forget_publisher (WeirRtmpSrc *self)
{
  Track *track;

  for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++) {
    clear_stream (track);
    g_clear_pointer (&track->config, weir_codec_config_unref);
    gst_clear_tag_list (&track->tags);
    weir_unwrap_init (&track->unwrap, 32);
    track->wait_keyframe = FALSE;
  }
  g_clear_pointer (&self->metadata, weir_rtmp_metadata_free);
  self->unsupported_count = 0;
  self->told = 0;
  self->has_many = FALSE;
  self->has_first = FALSE;
  self->refused = FALSE;
  self->config_changes.rate = 0;
  self->first_arrival_us = 0;
  self->number++;
  self->group_id = gst_util_group_id_next ();
}

static void
on_ended (gpointer data)
{
  WeirRtmpSrc *self = data;
  g_autoptr (WeirRtmpConnection) old = NULL;
  gboolean wait, done, any = FALSE;
  Track *track;

  lock (self);
  wait = self->keep_listening && self->shared != NULL;
  done = self->done;
  if (!wait)
    set_done (self, TRUE);
  unlock (self);
  GST_INFO_OBJECT (self, "the publisher has left");
  if (wait && !done) {
    forget_publisher (self);
    /* only now another one may be taken */
    lock (self);
    old = g_steal_pointer (&self->current);
    unlock (self);
    return;
  }
  for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++) {
    if (track->pad == NULL)
      continue;
    any = TRUE;
    push_event (track, gst_event_new_eos ());
  }
  if (!any && !done && self->shared != NULL)
    GST_ELEMENT_ERROR_WITH_DETAILS (self, STREAM, WRONG_TYPE, ("Nothing usable was published."),
        ("the publisher left without the configuration of a track"),
        ("reason", G_TYPE_STRING, "no-media", NULL));
}

static const WeirRtmpConsumer consumer = {on_message, on_ended};

/* ── listening ── */

/* by digest: how long it takes does not tell how much of a guess was right */
static gboolean
is_same_secret (const gchar *a, const gchar *b)
{
  g_autofree gchar *digest_a = g_compute_checksum_for_string (G_CHECKSUM_SHA256, a, -1);
  g_autofree gchar *digest_b = g_compute_checksum_for_string (G_CHECKSUM_SHA256, b, -1);

  return g_str_equal (digest_a, digest_b);
}

/* on the accept thread. Returns: TRUE when the publisher was taken */
static gboolean
offer (WeirRtmpSrc *self, WeirConnection *connection)
{
  const gchar *secret = weir_connection_get_secret (connection);
  gboolean taken = FALSE;

  lock (self);
  if (self->current == NULL && !self->done &&
      (self->stream_key == NULL || is_same_secret (self->stream_key, secret))) {
    taken = TRUE;
    self->current = g_object_ref (WEIR_RTMP_CONNECTION (connection));
    count (self, COUNT_CONNECTIONS, 1);
    weir_connection_accept (connection, self->worker);
    if (self->playing)
      weir_rtmp_connection_set_consumer (self->current, &consumer, self);
  }
  unlock (self);
  return taken;
}

static gboolean
on_authorise (G_GNUC_UNUSED WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  SharedListener *shared = data;
  gboolean taken = FALSE;
  GList *item;

  g_mutex_lock (&shared_lock);
  for (item = shared->elements; item != NULL && !taken; item = item->next)
    taken = offer (item->data, connection);
  g_mutex_unlock (&shared_lock);
  return taken;
}

static SharedListener *
shared_listener_new (
    const gchar *address, guint port, const gchar *key, const gchar *folder, GError **error)
{
  g_autofree gchar *listen = strchr (address, ':') != NULL
                                 ? g_strdup_printf ("[%s]:%u", address, port)
                                 : g_strdup_printf ("%s:%u", address, port);
  g_autoptr (WeirCertificates) certificates = NULL;
  g_auto (GStrv) warnings = NULL;
  g_autoptr (WeirWorker) worker = NULL;
  WeirRtmpListenerSettings settings;
  g_autoptr (WeirRtmpListener) listener = NULL;
  SharedListener *shared;

  if (folder != NULL) {
    certificates = weir_certificates_new (folder, &warnings, error);
    if (certificates == NULL)
      return NULL;
    for (guint i = 0; warnings[i] != NULL; i++)
      GST_WARNING ("%s", warnings[i]);
  }
  worker = weir_worker_new ("rtmp-accept");
  weir_rtmp_listener_settings_init (&settings);
  settings.session.app = NULL;
  settings.certificates = certificates;
  listener = weir_rtmp_listener_new (listen, &settings, worker, error);
  if (listener == NULL)
    return NULL;
  shared = g_new0 (SharedListener, 1);
  shared->key = g_strdup (key);
  shared->certificates = g_strdup (folder);
  shared->worker = g_steal_pointer (&worker);
  shared->listener = g_steal_pointer (&listener);
  g_signal_connect (shared->listener, "authorise", G_CALLBACK (on_authorise), shared);
  shared_listeners = g_list_prepend (shared_listeners, shared);
  return shared;
}

/* Returns: the listener of that address and port, made if need be; the element is on its list */
static SharedListener *
join_listener (
    WeirRtmpSrc *self, const gchar *address, guint port, const gchar *certificates, GError **error)
{
  g_autofree gchar *key = g_strdup_printf ("%s %u", address, port);
  SharedListener *shared = NULL;
  GList *item;

  g_mutex_lock (&shared_lock);
  /* port 0 is another one each time */
  for (item = shared_listeners; item != NULL && port != 0 && shared == NULL; item = item->next)
    if (g_str_equal (((SharedListener *) item->data)->key, key))
      shared = item->data;
  if (shared == NULL) {
    shared = shared_listener_new (address, port, key, certificates, error);
  } else if (g_strcmp0 (shared->certificates, certificates) != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
        "another element listens on %s port %u, with other certificates or without", address, port);
    shared = NULL;
  }
  if (shared != NULL)
    shared->elements = g_list_append (shared->elements, self);
  g_mutex_unlock (&shared_lock);
  return shared;
}

static void
leave_listener (WeirRtmpSrc *self, SharedListener *shared)
{
  gboolean last;

  g_mutex_lock (&shared_lock);
  shared->elements = g_list_remove (shared->elements, self);
  last = shared->elements == NULL;
  if (last)
    shared_listeners = g_list_remove (shared_listeners, shared);
  g_mutex_unlock (&shared_lock);
  if (!last)
    return;
  weir_rtmp_listener_stop (shared->listener);
  weir_worker_stop (shared->worker);
  g_signal_handlers_disconnect_by_data (shared->listener, shared);
  g_object_unref (shared->listener);
  weir_worker_unref (shared->worker);
  g_free (shared->key);
  g_free (shared->certificates);
  g_free (shared);
}

/* ── states ── */

static gboolean
start (WeirRtmpSrc *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *address = NULL, *certificates = NULL;
  SharedListener *shared;
  gboolean given, busy;
  guint port;

  memset (self->counts, 0, sizeof self->counts);
  self->number = 0;
  self->no_more_pads = FALSE;
  forget_publisher (self);
  self->combiner = gst_flow_combiner_new ();
  lock (self);
  set_done (self, FALSE);
  given = self->connection != NULL;
  if (given) {
    self->current = g_object_ref (self->connection);
    count (self, COUNT_CONNECTIONS, 1);
  } else {
    self->worker = weir_worker_new ("rtmp-source");
  }
  address = g_strdup (self->address);
  certificates = g_strdup (self->certificates);
  port = self->port;
  unlock (self);
  if (given)
    return TRUE;

  shared = join_listener (self, address, port, certificates, &error);
  lock (self);
  self->shared = shared;
  unlock (self);
  if (shared != NULL)
    return TRUE;
  busy = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  if (busy)
    GST_ELEMENT_ERROR_WITH_DETAILS (self, RESOURCE, BUSY, ("%s", error->message), (NULL),
        ("reason", G_TYPE_STRING, "port-busy", NULL));
  else
    GST_ELEMENT_ERROR_WITH_DETAILS (self, RESOURCE, OPEN_READ, ("%s", error->message), (NULL),
        ("reason", G_TYPE_STRING,
            error->domain == WEIR_CERTIFICATES_ERROR ? "no-certificates" : "cannot-listen", NULL));
  return FALSE;
}

/* after the pads were deactivated, so that no push blocks any more */
static void
stop (WeirRtmpSrc *self)
{
  SharedListener *shared;
  WeirWorker *worker;
  WeirRtmpConnection *current;
  Track *track;

  lock (self);
  set_done (self, TRUE);
  shared = g_steal_pointer (&self->shared);
  unlock (self);
  if (shared != NULL)
    leave_listener (self, shared);

  /* nobody is offered any more */
  lock (self);
  current = self->current != NULL ? g_object_ref (self->current) : NULL;
  unlock (self);
  if (current != NULL) {
    weir_rtmp_connection_set_consumer (current, NULL, NULL);
    if (shared != NULL)
      weir_connection_close (WEIR_CONNECTION (current), "The stream has ended.");
    g_object_unref (current);
  }
  lock (self);
  g_clear_object (&self->current);
  worker = g_steal_pointer (&self->worker);
  unlock (self);
  /* connections that are still taking their leave hold it */
  g_clear_pointer (&worker, weir_worker_unref);

  forget_publisher (self);
  for (guint i = 0; (track = get_nth_track (self, i)) != NULL; i++) {
    if (track->pad != NULL) {
      gst_pad_set_active (track->pad, FALSE);
      gst_element_remove_pad (GST_ELEMENT (self), track->pad);
      gst_object_unref (track->pad);
    }
    g_free (track);
  }
  memset (self->track_counts, 0, sizeof self->track_counts);
  g_clear_pointer (&self->combiner, gst_flow_combiner_unref);
}

static void
set_playing (WeirRtmpSrc *self, gboolean playing)
{
  g_autoptr (WeirRtmpConnection) current = NULL;

  lock (self);
  g_atomic_int_set (&self->playing, playing);
  if (playing && self->current != NULL)
    current = g_object_ref (self->current);
  unlock (self);
  /* a second time it does no harm */
  if (current != NULL)
    weir_rtmp_connection_set_consumer (current, &consumer, self);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  WeirRtmpSrc *self = WEIR_RTMP_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self)) {
    stop (self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    set_playing (self, FALSE);
  result = GST_ELEMENT_CLASS (weir_rtmp_src_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE)
    set_playing (self, TRUE);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  if (result != GST_STATE_CHANGE_FAILURE && (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                                                transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    result = GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

/* ── properties ── */

static GstStructure *
make_stats (WeirRtmpSrc *self)
{
  GstStructure *stats = gst_structure_new_empty ("weir-rtmp-src-stats");
  guint i;

  for (i = 0; i < COUNT_LAST; i++)
    gst_structure_set (stats, count_names[i], G_TYPE_UINT64,
        __atomic_load_n (&self->counts[i], __ATOMIC_RELAXED), NULL);
  lock (self);
  gst_structure_set (stats, "listening", G_TYPE_STRING,
      self->shared != NULL ? weir_rtmp_listener_get_addresses (self->shared->listener) : NULL,
      "publishing", G_TYPE_BOOLEAN, self->current != NULL && !self->done, NULL);
  unlock (self);
  return stats;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  WeirRtmpSrc *self = WEIR_RTMP_SRC (object);

  lock (self);
  switch (id) {
  case PROP_CONNECTION:
    g_clear_object (&self->connection);
    self->connection = g_value_dup_object (value);
    break;
  case PROP_ADDRESS:
    g_free (self->address);
    self->address =
        g_value_get_string (value) != NULL ? g_value_dup_string (value) : g_strdup ("::");
    break;
  case PROP_PORT:
    self->port = g_value_get_uint (value);
    break;
  case PROP_STREAM_KEY:
    g_free (self->stream_key);
    self->stream_key = g_value_dup_string (value);
    break;
  case PROP_KEEP_LISTENING:
    self->keep_listening = g_value_get_boolean (value);
    break;
  case PROP_CERTIFICATES:
    g_free (self->certificates);
    self->certificates = g_value_dup_string (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    break;
  }
  unlock (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  WeirRtmpSrc *self = WEIR_RTMP_SRC (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  lock (self);
  switch (id) {
  case PROP_CONNECTION:
    g_value_set_object (value, self->connection);
    break;
  case PROP_ADDRESS:
    g_value_set_string (value, self->address);
    break;
  case PROP_PORT:
    g_value_set_uint (value, self->port);
    break;
  case PROP_STREAM_KEY:
    g_value_set_string (value, self->stream_key);
    break;
  case PROP_KEEP_LISTENING:
    g_value_set_boolean (value, self->keep_listening);
    break;
  case PROP_CERTIFICATES:
    g_value_set_string (value, self->certificates);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    break;
  }
  unlock (self);
}

static void
finalize (GObject *object)
{
  WeirRtmpSrc *self = WEIR_RTMP_SRC (object);

  g_clear_object (&self->connection);
  g_free (self->address);
  g_free (self->stream_key);
  g_free (self->certificates);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (weir_rtmp_src_parent_class)->finalize (object);
}

static void
weir_rtmp_src_class_init (WeirRtmpSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  GST_DEBUG_CATEGORY_INIT (weir_rtmp_src_debug, "weirrtmpsrc", 0, "RTMP publishers");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;

  g_object_class_install_property (object_class, PROP_CONNECTION,
      g_param_spec_object ("connection", "Connection",
          "Accepted connection of a listener to take the media from, instead of listening: "
          "address, "
          "port, stream-key and keep-listening mean nothing then",
          WEIR_TYPE_RTMP_CONNECTION, flags));
  g_object_class_install_property (object_class, PROP_ADDRESS,
      g_param_spec_string (
          "address", "Address", "IP address to listen on; :: takes IPv4 too", "::", flags));
  g_object_class_install_property (object_class, PROP_PORT,
      g_param_spec_uint ("port", "Port",
          "TCP port to listen on; 0 takes any free one, which stats names", 0, 65535, 1935, flags));
  g_object_class_install_property (object_class, PROP_STREAM_KEY,
      g_param_spec_string ("stream-key", "Stream key",
          "Key that a publisher must show; without it any publisher is taken", NULL, flags));
  g_object_class_install_property (object_class, PROP_KEEP_LISTENING,
      g_param_spec_boolean ("keep-listening", "Keep listening",
          "Wait for the next publisher when one leaves, instead of ending the stream", FALSE,
          flags));
  g_object_class_install_property (object_class, PROP_CERTIFICATES,
      g_param_spec_string ("certificates", "Certificates",
          "Folder of default.crt and default.key, and of such pairs for further names, to speak "
          "RTMPS with; without it RTMP is spoken",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start: bytes, messages, frames and connections that came, what was "
          "dropped, put right and why; addresses that are listened on; whether somebody publishes",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_set_static_metadata (element_class, "RTMP Publisher Source", "Source/Network",
      "Receives what an RTMP encoder publishes, a pad for each track, with the sender's timing",
      "The Weir authors");
  gst_type_mark_as_plugin_api (WEIR_TYPE_RTMP_CONNECTION, 0);
}

static void
weir_rtmp_src_init (WeirRtmpSrc *self)
{
  g_mutex_init (&self->lock);
  self->address = g_strdup ("::");
  self->port = 1935;
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
