/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/broadcast.h"

#include "base/tokenbucket.h"
#include "broadcast/dump.h"
#include "broadcast/health.h"
#include "broadcast/salvage.h"
#include "broadcast/walldate.h"
#include "rtmp/weirrtmpsrc.h"
#include "segment/weirsegmentsink.h"
#include "timeline/weirsanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* closed segments that a live playlist lists at least */
#define WINDOW_SEGMENTS 6
/* closed segments whose objects stay open (and, without recording, exist), beyond the window for
 * the sake of viewers who are behind */
#define KEEP_SEGMENTS (WINDOW_SEGMENTS + 6)
/* segments that wait for disk or store to be well again */
#define UNCOMMITTED_MAX 1024
/* attempts, each after another segment was committed; a disk that is full has any number of them */
#define FAILURES_MAX 8
/* how often an end is tried again that disk or store refuse */
#define END_RETRY_S 5
/* a clean stop means that the broadcaster pressed Stop: the window is this short then */
#define CLEAN_STOP_WINDOW (5 * G_USEC_PER_SEC)
/* of a pad of the sanitizer: the name of the source's pad that was linked last */
#define SOURCE_NAME "weir-source-name"
/* so long a codec that is not supported may be followed by something that is */
#define UNSUPPORTED_WAIT_S 5
#define HEALTH_CHECK_S 1
/* lines about health in the log: at once, in a second */
#define HEALTH_LINES 20
#define HEALTH_LINES_RATE 0.1
/* messages about health that wait for the main thread */
#define HEALTH_WAITING_MAX 64

struct _WeirBroadcast {
  WeirBroadcastContext context;
  WeirBroadcastRecord *record;
  gint64 reconnect_window_us;

  /* main thread */
  GstElement *pipeline;
  GstElement *sanitizer;
  GstElement *sink;
  GstElement *source; /* NULL between connections */
  WeirWorker *worker;
  GSource *reconnect_timer;
  gboolean ending;
  gchar *leaving;       /* (nullable): why it ends as soon as the encoder has left, or … */
  GSource *leave_timer; /* … has not in time */
  gboolean stopped;     /* the pipeline is down, everything has been written */
  guint pending;        /* puts and commits that have not been answered */
  gboolean fenced;      /* someone else owns the broadcast: nothing is committed any more */
  gint64 last_media_us; /* monotonic; of connections that have ended */
  gint64 gop_ns;
  GQueue uncommitted;     /* of ClosedSegment: to be tried again */
  guint missing;          /* segments that were given up */
  gchar *inits;           /* JSON, the last word */
  gboolean inits_missing; /* and the store has not taken it */
  GSource *end_timer;
  gboolean tried_again; /* since the pipeline is down, or the timer */
  gboolean finishing;   /* everything is committed but the end, or given up */
  gboolean given_up;    /* what is not committed now is left to the next start */
  gboolean end_told;
  gchar *committed; /* (nullable): state as of the last segment that was committed … */
  guint64 committed_number;

  GSource *health_timer; /* while there is a source */
  guint health_checks;   /* since the connection came */
  guint32 told;          /* what this connection's encoder was told of; bit = code */
  WeirTokenBucket health_lines;
  guint health_lines_left_out;
  gint health_waiting; /* atomic */

  gint dumped; /* atomic: the pipeline has failed since the last connection came */

  gint journal_fd; /* (writer's thread) -1 without */
  /* writer's thread */
  gboolean journal_torn;
  gboolean journal_has_inits; /* all of them */
  GHashTable *spool_paths;    /* guint64 number → path, of what is not recorded */
  WeirIndexSegment *open_segments[2];
  GArray *timescales; /* of guint32, index = track; 0: not known */
  gboolean date_fixed;
  gboolean refused;        /* the disk refuses: segments are in memory */
  gint64 refused_start_ns; /* T of the first one of them */

  WeirIndex *index; /* locked inside */

  GMutex lock; /* what follows */
  WeirLifecycle state;
  gint64 state_since_us;
  gint64 deadline_us;
  WeirConnection *connection;
  gint64 connected_us;
  WeirWallDate wall_date;
  gchar *codecs;
  guint64 segments;
  guint64 segment_bytes;
  guint64 bytes_received; /* by connections that are gone */
  gint64 paused_us;       /* wall time since when the disk refuses; 0: it does not */
  guint pauses;
  WeirBroadcastHealth *health; /* the issues */
  guint64 issues_total[WEIR_HEALTH_CODE_LAST];
};

static void broadcast_check_ended (WeirBroadcast *self);

static void
broadcast_set_state (WeirBroadcast *self, WeirLifecycle state, gint64 deadline_us)
{
  g_mutex_lock (&self->lock);
  if (self->state != state)
    self->state_since_us = g_get_real_time ();
  self->state = state;
  self->deadline_us = deadline_us;
  g_mutex_unlock (&self->lock);
  self->context.changed (self, self->context.data);
}

static WeirLifecycle
broadcast_get_state (WeirBroadcast *self)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->state;
}

/* ---- what has been written: from the writer's thread to index, blobs and store ---- */

/* without recording only what viewers may still ask for is kept */
static void
broadcast_forget (WeirBroadcast *self, guint keep)
{
  g_autoptr (GPtrArray) forgotten = weir_index_trim (self->index, keep);

  for (guint i = 0; i < forgotten->len; i++) {
    const WeirIndexSegment *segment = forgotten->pdata[i];
    const gchar *path = g_hash_table_lookup (self->spool_paths, &segment->number);

    if (path != NULL)
      g_unlink (path);
    g_hash_table_remove (self->spool_paths, &segment->number);
  }
}

typedef struct {
  WeirBroadcast *broadcast;
  guint64 number;
  gchar *path;
  gchar *name;
  gchar *committed;
  gboolean stored; /* what is missing is the entry in the store */
  gboolean told;
  guint failures;
} ClosedSegment;

static void
closed_segment_free (ClosedSegment *closed)
{
  g_free (closed->path);
  g_free (closed->name);
  g_free (closed->committed);
  g_free (closed);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClosedSegment, closed_segment_free)

static void broadcast_retry_commits (WeirBroadcast *self);
static void broadcast_commit_inits (WeirBroadcast *self);

static void
broadcast_pending_done (WeirBroadcast *self)
{
  self->pending--;
  broadcast_check_ended (self);
}

/* whether it says nothing about what was to be written, only about the place */
static gboolean
is_refusal (const GError *error)
{
  return g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY);
}

/* @closed: (transfer full) */
static void
broadcast_commit_failed (WeirBroadcast *self, ClosedSegment *the_closed, const GError *error)
{
  g_autoptr (ClosedSegment) closed = the_closed;

  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED)) {
    if (!self->fenced)
      g_message ("broadcast %s: taken over by another owner, letting go", self->record->uid);
    self->fenced = TRUE;
    weir_broadcast_end (self, "The broadcast goes on elsewhere.");
    return;
  }
  if (!closed->told)
    g_message ("broadcast %s: segment %" G_GUINT64_FORMAT " was not committed: %s",
        self->record->uid, closed->number, error->message);
  closed->told = TRUE;
  closed->failures += !is_refusal (error);
  if (closed->failures >= FAILURES_MAX ||
      g_queue_get_length (&self->uncommitted) >= UNCOMMITTED_MAX)
    self->missing++;
  else
    g_queue_push_tail (&self->uncommitted, g_steal_pointer (&closed));
}

static void
segment_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ClosedSegment) closed = data;
  WeirBroadcast *self = closed->broadcast;
  g_autoptr (GError) error = NULL;

  if (!weir_store_commit_segment_finish (WEIR_STORE (source), result, &error)) {
    broadcast_commit_failed (self, g_steal_pointer (&closed), error);
  } else {
    if (self->committed == NULL || closed->number > self->committed_number) {
      g_free (self->committed);
      self->committed = g_strdup (closed->committed);
      self->committed_number = closed->number;
    }
    /* disk and store are well again */
    broadcast_retry_commits (self);
  }
  broadcast_pending_done (self);
}

/* @closed: (transfer full): its object is stored */
static void
broadcast_commit_segment (WeirBroadcast *self, ClosedSegment *the_closed)
{
  g_autoptr (ClosedSegment) closed = the_closed;
  g_autoptr (WeirIndexSegment) segment = NULL;
  g_autofree gchar *entry = NULL;
  const gchar *committed = closed->committed;

  segment = weir_index_find (self->index, self->record->epoch, closed->number);
  if (segment == NULL || self->fenced) {
    broadcast_pending_done (self);
    return;
  }
  /* one that is late does not turn the committed state back */
  if (self->committed != NULL && closed->number < self->committed_number)
    committed = self->committed;
  entry = weir_index_segment_to_json (segment);
  weir_store_commit_segment (self->context.store, self->record->uid, self->record->epoch,
      closed->number, entry, committed, segment_committed, closed);
  g_steal_pointer (&closed);
}

static void
segment_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ClosedSegment) closed = data;
  WeirBroadcast *self = closed->broadcast;
  g_autoptr (GError) error = NULL;

  if (!weir_blobs_put_finish (WEIR_BLOBS (source), result, &error)) {
    broadcast_commit_failed (self, g_steal_pointer (&closed), error);
    broadcast_pending_done (self);
    return;
  }
  closed->stored = TRUE;
  weir_index_set_name (self->index, closed->number, closed->name);
  broadcast_commit_segment (self, g_steal_pointer (&closed));
}

/* what failed to be committed is tried again, each once */
static void
broadcast_retry_commits (WeirBroadcast *self)
{
  GQueue again = self->uncommitted;
  ClosedSegment *closed;

  self->pending++;
  if (self->inits_missing) {
    self->pending++;
    broadcast_commit_inits (self);
  }
  g_queue_init (&self->uncommitted);
  while ((closed = g_queue_pop_head (&again)) != NULL) {
    self->pending++;
    if (closed->stored)
      broadcast_commit_segment (self, closed);
    else
      weir_blobs_put (
          self->context.blobs, closed->name, closed->path, TRUE, segment_stored, closed);
  }
  broadcast_pending_done (self);
}

static void
segment_closed_on_main (WeirBroadcast *self, gpointer data)
{
  ClosedSegment *closed = data;

  if (self->record->recorded && !self->fenced) {
    weir_index_release_blobs (self->index, KEEP_SEGMENTS);
    weir_blobs_put (self->context.blobs, closed->name, closed->path, TRUE, segment_stored, closed);
    return;
  }
  closed_segment_free (closed);
  broadcast_pending_done (self);
}

typedef struct {
  WeirBroadcast *broadcast;
  void (*run) (WeirBroadcast *self, gpointer data);
  gpointer data;
} Post;

static gboolean
run_post (gpointer data)
{
  g_autofree Post *post = data;

  post->broadcast->pending++;
  post->run (post->broadcast, post->data);
  return G_SOURCE_REMOVE;
}

/* Has @run called on the main thread, counted in @pending until it, or who it hands that on to,
 * says broadcast_pending_done(). Only while something that the end waits for keeps the broadcast
 * alive (the sink is not down yet). */
static void
broadcast_post (
    WeirBroadcast *self, void (*run) (WeirBroadcast *self, gpointer data), gpointer data)
{
  Post *post = g_new (Post, 1);

  *post = (Post){self, run, data};
  g_main_context_invoke (NULL, run_post, post);
}

static void
inits_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_commit_inits_finish (WEIR_STORE (source), result, &error)) {
    self->inits_missing = TRUE;
    g_message (
        "broadcast %s: init segments were not committed: %s", self->record->uid, error->message);
  }
  broadcast_pending_done (self);
}

static void
broadcast_commit_inits (WeirBroadcast *self)
{
  self->inits_missing = FALSE;
  weir_store_commit_inits (self->context.store, self->record->uid, self->record->epoch, self->inits,
      inits_committed, self);
}

/* @data: (transfer full): the JSON */
static void
inits_changed_on_main (WeirBroadcast *self, gpointer data)
{
  g_free (self->inits);
  self->inits = data;
  broadcast_commit_inits (self);
}

static gboolean
broadcast_write_journal (WeirBroadcast *self, const gchar *kind, const gchar *json)
{
  /* behind a line that a full disk has cut short begins another one */
  g_autofree gchar *line =
      g_strdup_printf ("%s{\"%s\":%s}\n", self->journal_torn ? "\n" : "", kind, json);
  gsize size = strlen (line);
  gssize written = write (self->journal_fd, line, size);

  self->journal_torn = written != (gssize) size;
  if (self->journal_torn)
    g_message ("broadcast %s: its journal cannot be written: %s", self->record->uid,
        g_strerror (written < 0 ? errno : ENOSPC));
  return !self->journal_torn;
}

/* The journal stands beside the spool files and says what they do not: a line of JSON for each set
 * of inits and each segment that opens there, written before any part of it is published. A salvage
 * after a crash needs it, and the store's answer may come later than the crash. */
static void
broadcast_journal (WeirBroadcast *self, const WeirIndexSegment *segment)
{
  g_autofree gchar *json = weir_index_segment_to_json (segment);

  if (self->journal_fd < 0) {
    g_autofree gchar *path =
        weir_broadcast_get_journal_path (self->context.blobs, self->record->uid);

    self->journal_fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (self->journal_fd < 0) {
      g_message (
          "broadcast %s: its journal cannot be made: %s", self->record->uid, g_strerror (errno));
      return;
    }
  }
  if (!self->journal_has_inits) {
    g_autofree gchar *inits = weir_index_inits_to_json (self->index);

    self->journal_has_inits = broadcast_write_journal (self, "inits", inits);
  }
  broadcast_write_journal (self, "segment", json);
}

/* each configuration is kept for as long as the broadcast, and its recording */
static void
end_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  if (!self->ending)
    weir_counters_add (self->context.counters, WEIR_LIMIT_BROADCAST_CONFIGURATIONS);
  weir_broadcast_end (self, "The configuration has changed too often.");
  broadcast_pending_done (self);
}

static void
broadcast_written_init (WeirBroadcast *self, const WeirSegmenterEvent *event)
{
  g_autoptr (GString) codecs = g_string_new (NULL);
  gchar *inits;

  weir_index_add_init (
      self->index, self->record->epoch, event->init_generation, event->tracks, event->labels);
  for (guint i = 0; i < event->tracks->len; i++) {
    const WeirCodecConfig *config = event->tracks->pdata[i];

    if (self->timescales->len <= i)
      g_array_set_size (self->timescales, i + 1);
    if (config != NULL)
      g_array_index (self->timescales, guint32, i) = config->timescale;
    if (config != NULL)
      g_string_append_printf (
          codecs, "%s%s", codecs->len > 0 ? " " : "", weir_codec_get_name (config->codec));
  }
  g_mutex_lock (&self->lock);
  g_free (self->codecs);
  self->codecs = g_strdup (codecs->str);
  g_mutex_unlock (&self->lock);

  if (event->init_generation >= self->context.config->limits.broadcast_configurations)
    broadcast_post (self, end_on_main, NULL);
  inits = weir_index_inits_to_json (self->index);
  self->journal_has_inits = FALSE;
  broadcast_post (self, inits_changed_on_main, inits);
}

/* The disk has refused the segment: what comes is kept in memory, for those who watch now. */
static void
broadcast_pause (WeirBroadcast *self, const WeirSegmentWritten *written)
{
  if (self->refused)
    return;
  self->refused = TRUE;
  self->refused_start_ns = written->event->start_ns;
  g_mutex_lock (&self->lock);
  self->paused_us = g_get_real_time ();
  self->pauses++;
  g_mutex_unlock (&self->lock);
  g_message ("broadcast %s: the disk takes no segments: %s; %s", self->record->uid,
      written->refusal,
      self->record->recorded ? "recording is paused, live goes on from memory"
                             : "live goes on from memory");
}

/* A segment has closed that is on the disk from its first byte to its last. */
static void
broadcast_resume (WeirBroadcast *self, const WeirSegmenterEvent *event)
{
  if (!self->refused)
    return;
  self->refused = FALSE;
  g_mutex_lock (&self->lock);
  self->paused_us = 0;
  g_mutex_unlock (&self->lock);
  g_message ("broadcast %s: the disk takes segments again after %.1f s%s", self->record->uid,
      (gdouble) (event->start_ns - self->refused_start_ns) / 1e9,
      self->record->recorded ? ", which are missing in the recording" : "");
}

/* lets go of what is in memory and nobody is offered any more */
static void
broadcast_forget_memory (WeirBroadcast *self)
{
  WeirSegmentSink *sink = WEIR_SEGMENT_SINK (self->sink);
  gsize bytes =
      weir_index_forget_memory (self->index, KEEP_SEGMENTS, weir_segment_sink_get_excess (sink));

  if (bytes > 0)
    weir_segment_sink_release_memory (sink, bytes);
}

static void
broadcast_written_open (WeirBroadcast *self, const WeirSegmentWritten *written)
{
  const WeirSegmenterEvent *event = written->event;
  g_autoptr (WeirIndexSegment) segment =
      weir_index_segment_new (event->segment, self->record->epoch);
  gint fd = fcntl (written->fd, F_DUPFD_CLOEXEC, 0);

  segment->init_generation = event->init_generation;
  segment->discontinuity = event->discontinuity;
  segment->independent = event->independent;
  segment->start_ns = event->start_ns;
  g_mutex_lock (&self->lock);
  segment->program_date_us = weir_wall_date_begin_segment (
      &self->wall_date, event->start_ns, event->discontinuity, g_get_real_time ());
  g_mutex_unlock (&self->lock);
  if (fd >= 0)
    segment->blob = weir_blob_new (fd);
  segment->in_memory = written->path == NULL;
  if (segment->in_memory)
    broadcast_pause (self, written);
  if (!self->date_fixed) {
    guint slot = self->open_segments[0] != NULL ? 1 : 0;
    g_clear_pointer (&self->open_segments[slot], weir_index_segment_unref);
    self->open_segments[slot] = weir_index_segment_ref (segment);
  }
  if (!self->record->recorded && !segment->in_memory) {
    guint64 *number = g_new (guint64, 1);

    *number = event->segment;
    g_hash_table_replace (self->spool_paths, number, g_strdup (written->path));
  }
  /* the index gives it its numbers in playlists, which the journal keeps */
  weir_index_open_segment (self->index, weir_index_segment_ref (segment));
  if (self->record->recorded && !segment->in_memory)
    broadcast_journal (self, segment);
}

/* From the first segment on, chunk by chunk: one closes when what follows it comes, which tells the
 * wall time of its end. */
static void
broadcast_observe (WeirBroadcast *self, const WeirChunk *chunk)
{
  const WeirChunkSample *last =
      &g_array_index (chunk->samples, WeirChunkSample, chunk->sample_count - 1);
  guint timescale = 0;

  if (chunk->track < self->timescales->len)
    timescale = g_array_index (self->timescales, guint32, chunk->track);
  if (timescale == 0 || !self->date_fixed)
    return;
  g_mutex_lock (&self->lock);
  weir_wall_date_observe (&self->wall_date,
      last->dts + (gint64) ((guint64) last->entry.duration * GST_SECOND / timescale),
      g_get_real_time ());
  g_mutex_unlock (&self->lock);
}

static void
broadcast_written_chunk (WeirBroadcast *self, const WeirSegmentWritten *written)
{
  const WeirChunk *chunk = written->event->chunk;
  WeirIndexPart part = {0};

  broadcast_observe (self, chunk);

  if (written->moved) {
    gint fd = fcntl (written->fd, F_DUPFD_CLOEXEC, 0);

    weir_index_move_to_memory (self->index, chunk->segment, weir_blob_new (fd));
    broadcast_pause (self, written);
  }
  part.offset = written->offset;
  part.size = chunk->size - chunk->styp_size;
  part.decode_time = chunk->decode_time;
  part.duration = chunk->duration;
  part.independent = chunk->independent;
  part.sample_count = chunk->sample_count;
  weir_index_add_part (self->index, chunk->segment, chunk->track, &part);
}

static gchar *
broadcast_committed_state (const WeirSegmenterEvent *event)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "nextSegment");
  json_builder_add_int_value (builder, (gint64) event->segment + 1);
  json_builder_set_member_name (builder, "endNs");
  json_builder_add_int_value (builder, event->start_ns + event->duration_ns);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static void
broadcast_written_close (WeirBroadcast *self, const WeirSegmentWritten *written)
{
  const WeirSegmenterEvent *event = written->event;
  ClosedSegment *closed;
  guint64 bytes = 0;

  /* Until the first segment closes nothing is listed: by then the least delayed sample has told
   * the wall time of the timeline's zero best. */
  if (!self->date_fixed) {
    g_mutex_lock (&self->lock);
    weir_wall_date_fix (&self->wall_date);
    self->date_fixed = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS (self->open_segments); i++) {
      WeirIndexSegment *segment = self->open_segments[i];
      if (segment != NULL)
        segment->program_date_us = weir_wall_date_get (&self->wall_date, segment->start_ns);
      g_clear_pointer (&self->open_segments[i], weir_index_segment_unref);
    }
    g_mutex_unlock (&self->lock);
  }
  weir_index_close_segment (self->index, event->segment, event->duration_ns, event->target_duration,
      g_get_monotonic_time ());
  for (guint i = 0; i < event->totals->len; i++)
    bytes += g_array_index (event->totals, WeirSegmentTrackTotal, i).bytes;
  g_mutex_lock (&self->lock);
  self->segments++;
  self->segment_bytes += bytes;
  g_mutex_unlock (&self->lock);

  broadcast_forget_memory (self);
  if (!self->record->recorded)
    broadcast_forget (self, KEEP_SEGMENTS);
  if (written->path == NULL)
    return;
  broadcast_resume (self, event);
  closed = g_new0 (ClosedSegment, 1);
  closed->broadcast = self;
  closed->number = event->segment;
  closed->path = g_strdup (written->path);
  closed->name =
      weir_broadcast_make_segment_name (self->record->uid, self->record->epoch, event->segment);
  closed->committed = broadcast_committed_state (event);
  broadcast_post (self, segment_closed_on_main, closed);
}

/* writer's thread */
static void
on_written (G_GNUC_UNUSED WeirSegmentSink *sink, gpointer data, WeirBroadcast *self)
{
  const WeirSegmentWritten *written = data;

  switch (written->event->type) {
  case WEIR_SEGMENTER_INIT:
    broadcast_written_init (self, written->event);
    break;
  case WEIR_SEGMENTER_OPEN:
    broadcast_written_open (self, written);
    break;
  case WEIR_SEGMENTER_CHUNK:
    broadcast_written_chunk (self, written);
    break;
  case WEIR_SEGMENTER_CLOSE:
    broadcast_written_close (self, written);
    break;
  }
}

/* ---- the pipeline ---- */

static const gchar *
pad_kind (GstPad *pad)
{
  return g_str_has_prefix (GST_PAD_NAME (pad), "video") ? "video" : "audio";
}

static void
live_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  if (broadcast_get_state (self) == WEIR_LIFECYCLE_CONNECTING)
    broadcast_set_state (self, WEIR_LIFECYCLE_LIVE, 0);
  broadcast_pending_done (self);
}

/* Worker: until the first segment closes each sample is observed, as it comes: what was held back
 * at the start is written all at once, and of its chunks only the last tells the wall time. */
static GstPadProbeReturn
first_media_probe (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  WeirBroadcast *self = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  gboolean fixed;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&self->lock);
  fixed = self->date_fixed;
  if (!fixed)
    weir_wall_date_observe (&self->wall_date, (gint64) time, g_get_real_time ());
  g_mutex_unlock (&self->lock);
  return fixed ? GST_PAD_PROBE_REMOVE : GST_PAD_PROBE_OK;
}

/* Worker, once per connection: media has passed the sanitizer's start condition. */
static GstPadProbeReturn
live_probe (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, gpointer data)
{
  broadcast_post (data, live_on_main, NULL);
  return GST_PAD_PROBE_REMOVE;
}

/* Worker: the sanitizer brought the source pad of a track: a tee, and the segments behind it. */
static void
on_sanitizer_pad_added (G_GNUC_UNUSED GstElement *sanitizer, GstPad *pad, WeirBroadcast *self)
{
  GstElement *tee;
  g_autoptr (GstPad) tee_sink = NULL;
  g_autoptr (GstPad) tee_branch = NULL;
  g_autoptr (GstPad) segments = NULL;
  const gchar *template = NULL;

  if (!GST_PAD_IS_SRC (pad))
    return;
  template = g_str_equal (pad_kind (pad), "video") ? "video_%u" : "audio_%u";
  tee = gst_element_factory_make ("tee", NULL);
  segments = gst_element_request_pad_simple (self->sink, template);
  if (tee == NULL || segments == NULL) {
    g_message ("broadcast %s: a track of the encoder could not be added", self->record->uid);
    if (tee != NULL)
      gst_object_unref (gst_object_ref_sink (tee));
    return;
  }
  g_object_set (tee, "allow-not-linked", TRUE, NULL);
  gst_bin_add (GST_BIN (self->pipeline), tee);
  tee_sink = gst_element_get_static_pad (tee, "sink");
  tee_branch = gst_element_request_pad_simple (tee, "src_%u");
  gst_pad_link_full (tee_branch, segments, GST_PAD_LINK_CHECK_NOTHING);
  gst_element_sync_state_with_parent (tee);
  gst_pad_link_full (pad, tee_sink, GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, first_media_probe, self, NULL);
}

/* whether the caps of both are of one codec: MP3 and AAC have their number in a field */
static gboolean
is_same_codec (GstPad *a, GstPad *b)
{
  g_autoptr (GstCaps) caps_a = gst_pad_get_current_caps (a);
  g_autoptr (GstCaps) caps_b = gst_pad_get_current_caps (b);
  const GstStructure *structure_a, *structure_b;
  gint version_a = 0, version_b = 0;

  if (caps_a == NULL || caps_b == NULL)
    return FALSE;
  structure_a = gst_caps_get_structure (caps_a, 0);
  structure_b = gst_caps_get_structure (caps_b, 0);
  gst_structure_get_int (structure_a, "mpegversion", &version_a);
  gst_structure_get_int (structure_b, "mpegversion", &version_b);
  return gst_structure_has_name (structure_a, gst_structure_get_name (structure_b)) &&
         version_a == version_b;
}

/* Worker: which free track of the broadcast goes on with the source's @pad. It is of the same kind;
 * among those the same codec counts most, then the name that the source had for it, then the order.
 * @any: another codec under another name will do. Returns: (transfer full) (nullable) */
static GstPad *
find_free_track (WeirBroadcast *self, GstPad *pad, gboolean any)
{
  const gchar *kind = pad_kind (pad);
  GstPad *best = NULL;
  gint best_score = any ? -1 : 0;

  GST_OBJECT_LOCK (self->sanitizer);
  for (GList *l = self->sanitizer->sinkpads; l != NULL; l = l->next) {
    const gchar *name = g_object_get_data (l->data, SOURCE_NAME);
    gint score = 0;

    if (gst_pad_is_linked (l->data) || !g_str_equal (pad_kind (l->data), kind))
      continue;
    if (is_same_codec (l->data, pad))
      score += 2;
    if (g_strcmp0 (name, GST_PAD_NAME (pad)) == 0)
      score += 1;
    if (score <= best_score)
      continue;
    best = l->data;
    best_score = score;
  }
  if (best != NULL)
    gst_object_ref (best);
  GST_OBJECT_UNLOCK (self->sanitizer);
  return best;
}

/* Returns: (transfer full) (nullable): the sanitizer's pad that the source's @pad goes on with */
static GstPad *
broadcast_find_sink (WeirBroadcast *self, GstPad *pad)
{
  GstPad *sink = find_free_track (self, pad, FALSE);
  g_autoptr (GstPad) taken = gst_element_get_static_pad (self->sanitizer, GST_PAD_NAME (pad));
  const gchar *template = g_str_equal (pad_kind (pad), "video") ? "video_%u" : "audio_%u";

  /* its number is the track's with sources of several tracks, whatever came first */
  if (sink == NULL)
    sink = gst_element_request_pad_simple (
        self->sanitizer, taken == NULL ? GST_PAD_NAME (pad) : template);
  if (sink == NULL)
    sink = find_free_track (self, pad, TRUE);
  return sink;
}

/* Worker: the source brought a pad: tracks are matched by kind and codec, never by order. */
static void
on_source_pad_added (G_GNUC_UNUSED GstElement *source, GstPad *pad, WeirBroadcast *self)
{
  g_autoptr (GstPad) sink = broadcast_find_sink (self, pad);
  g_autoptr (GstPad) output = NULL;
  g_autofree gchar *output_name = NULL;

  if (sink == NULL || gst_pad_link_full (pad, sink, GST_PAD_LINK_CHECK_CAPS) != GST_PAD_LINK_OK) {
    g_message ("broadcast %s: a track of the encoder could not be linked", self->record->uid);
    return;
  }
  g_object_set_data_full (G_OBJECT (sink), SOURCE_NAME, gst_pad_get_name (pad), g_free);
  output_name =
      g_strdup_printf ("%s_src_%s", pad_kind (pad), strrchr (GST_PAD_NAME (sink), '_') + 1);
  output = gst_element_get_static_pad (self->sanitizer, output_name);
  if (output != NULL)
    gst_pad_add_probe (output, GST_PAD_PROBE_TYPE_BUFFER, live_probe, self, NULL);
}

/* ---- how the pipeline was when it failed ---- */

typedef struct {
  gchar *folder;
  gchar *uid;
  gchar *dot;
} Dump;

static void
dump_free (Dump *dump)
{
  g_free (dump->folder);
  g_free (dump->uid);
  g_free (dump->dot);
  g_free (dump);
}

/* a thread of its own: it waits for the disk */
static void
write_dump (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  const Dump *dump = data;
  g_autoptr (GError) error = NULL;
  gchar *path = weir_dump_write (dump->folder, dump->uid, dump->dot, g_get_real_time (), &error);

  if (path != NULL)
    g_task_return_pointer (task, path, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
dump_written (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = g_task_propagate_pointer (G_TASK (result), &error);

  if (path != NULL)
    g_message ("broadcast %s: how its pipeline was: %s", self->record->uid, path);
  else
    g_message ("broadcast %s: how its pipeline was cannot be written: %s", self->record->uid,
        error->message);
  broadcast_pending_done (self);
}

/* Not where the error was posted: that thread may hold what the elements' statistics wait for. */
static void
dump_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  Dump *dump = g_new0 (Dump, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, dump_written, self);

  dump->folder = g_build_filename (self->context.config->server.state_dir, "dumps", NULL);
  dump->uid = g_strdup (self->record->uid);
  dump->dot = gst_debug_bin_to_dot_data (GST_BIN (self->pipeline), GST_DEBUG_GRAPH_SHOW_ALL);
  g_task_set_task_data (task, dump, (GDestroyNotify) dump_free);
  g_task_run_in_thread (task, write_dump);
}

/* ---- health ---- */

typedef struct {
  WeirBroadcastIssue issue;
  gboolean raised;
} HealthChange;

static void
health_change_free (HealthChange *change)
{
  g_free (change->issue.name);
  g_free (change->issue.text);
  g_free (change);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HealthChange, health_change_free)

static void
broadcast_log_health (WeirBroadcast *self, const HealthChange *change)
{
  if (!weir_token_bucket_take (&self->health_lines, 1, g_get_monotonic_time ())) {
    self->health_lines_left_out++;
    return;
  }
  if (self->health_lines_left_out > 0)
    g_message ("broadcast %s: %u lines about its health were left out", self->record->uid,
        self->health_lines_left_out);
  self->health_lines_left_out = 0;
  if (change->raised)
    g_message ("broadcast %s: health %s raised (%s): %s", self->record->uid, change->issue.name,
        weir_health_severity_get_name (change->issue.severity), change->issue.text);
  else
    g_message ("broadcast %s: health %s cleared", self->record->uid, change->issue.name);
}

/* what somebody at the encoder can put right, once a connection */
static void
broadcast_tell_encoder (WeirBroadcast *self, const HealthChange *change)
{
  const guint32 bit = 1u << change->issue.code;

  switch (change->issue.code) {
  case WEIR_HEALTH_GOP_TOO_LONG:
  case WEIR_HEALTH_FASTER_THAN_REALTIME:
  case WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC:
  case WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC:
    break;
  default:
    return;
  }
  if (!change->raised || self->connection == NULL || (self->told & bit) != 0)
    return;
  self->told |= bit;
  weir_connection_tell (
      self->connection, WEIR_NOTICE_WARNING, "NetStream.Publish.Warning", change->issue.text);
}

static void
health_on_main (WeirBroadcast *self, gpointer data)
{
  g_autoptr (HealthChange) change = data;
  gboolean changed;

  g_atomic_int_add (&self->health_waiting, -1);
  change->issue.since_us = g_get_real_time ();
  g_mutex_lock (&self->lock);
  if (change->raised)
    changed = weir_broadcast_health_raise (self->health, &change->issue);
  else
    changed = weir_broadcast_health_clear (self->health, change->issue.name);
  if (changed && change->raised)
    self->issues_total[change->issue.code]++;
  g_mutex_unlock (&self->lock);
  if (changed)
    broadcast_log_health (self, change);
  broadcast_tell_encoder (self, change);
  broadcast_pending_done (self);
}

/* Any thread: weirsanitizer says all fields, a source `code` and `detail`. */
static void
receive_health (WeirBroadcast *self, const GstStructure *structure)
{
  const gchar *name = gst_structure_get_string (structure, "code");
  const gchar *state = gst_structure_get_string (structure, "state");
  const gchar *severity = gst_structure_get_string (structure, "severity");
  HealthChange *change;

  if (name == NULL || g_atomic_int_get (&self->health_waiting) >= HEALTH_WAITING_MAX)
    return;
  change = g_new0 (HealthChange, 1);
  change->raised = g_strcmp0 (state, "cleared") != 0;
  change->issue.name = g_strdelimit (g_strdup (name), "-", '_');
  change->issue.code = weir_health_code_from_name (name);
  change->issue.severity = weir_health_code_get_severity (change->issue.code);
  if (severity != NULL)
    weir_health_severity_from_name (severity, &change->issue.severity);
  change->issue.measured = gst_structure_get (structure, "value", G_TYPE_DOUBLE,
      &change->issue.value, "limit", G_TYPE_DOUBLE, &change->issue.limit, NULL);
  change->issue.text = g_strdup (gst_structure_get_string (structure, "text"));
  if (change->issue.text == NULL)
    change->issue.text = weir_health_describe_code (
        change->issue.code, gst_structure_get_string (structure, "detail"));
  g_atomic_int_inc (&self->health_waiting);
  broadcast_post (self, health_on_main, change);
}

/* nothing but what is not supported: the encoder would send it for nothing */
static void
broadcast_check_unsupported (WeirBroadcast *self)
{
  g_autofree gchar *text = NULL;
  const WeirBroadcastIssue *issue;

  if (self->connection == NULL || broadcast_get_state (self) != WEIR_LIFECYCLE_CONNECTING)
    return;
  g_mutex_lock (&self->lock);
  issue = weir_broadcast_health_find (self->health, WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC);
  if (issue == NULL)
    issue = weir_broadcast_health_find (self->health, WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC);
  if (issue != NULL)
    text = g_strdup (issue->text);
  g_mutex_unlock (&self->lock);
  if (text != NULL)
    weir_connection_reject (self->connection, text);
}

static gboolean
check_health (gpointer data)
{
  WeirBroadcast *self = data;

  self->health_checks++;
  weir_sanitizer_check_health (WEIR_SANITIZER (self->sanitizer));
  if (self->health_checks == UNSUPPORTED_WAIT_S / HEALTH_CHECK_S)
    broadcast_check_unsupported (self);
  return G_SOURCE_CONTINUE;
}

static void
broadcast_begin_health (WeirBroadcast *self)
{
  self->told = 0;
  self->health_checks = 0;
  g_mutex_lock (&self->lock);
  weir_broadcast_health_forget_sources (self->health);
  g_mutex_unlock (&self->lock);
  self->health_timer = g_timeout_source_new_seconds (HEALTH_CHECK_S);
  g_source_set_callback (self->health_timer, check_health, self, NULL);
  g_source_attach (self->health_timer, NULL);
}

static void
broadcast_end_health (WeirBroadcast *self)
{
  if (self->health_timer != NULL)
    g_source_destroy (self->health_timer);
  g_clear_pointer (&self->health_timer, g_source_unref);
}

/* Returns: (transfer full): the issues, and what is measured now */
static WeirBroadcastHealth *
broadcast_get_health (WeirBroadcast *self)
{
  g_auto (WeirSanitizerHealth) measured = {0};
  WeirBroadcastHealth *health;

  g_mutex_lock (&self->lock);
  health = weir_broadcast_health_copy (self->health);
  g_mutex_unlock (&self->lock);
  weir_sanitizer_get_health (WEIR_SANITIZER (self->sanitizer), &measured);
  memcpy (health->decisions, measured.decisions, sizeof health->decisions);
  health->ratio = measured.report.ratio;
  for (guint i = 0; i < WEIR_HEALTH_MEASURED_LAST; i++)
    if (measured.report.issues[i].raised)
      weir_broadcast_health_refresh (
          health, (WeirHealthCode) i, measured.report.issues[i].value, measured.texts[i]);
  for (guint i = 0; i < G_N_ELEMENTS (measured.configs); i++) {
    const WeirCodecConfig *config = measured.configs[i];
    WeirBroadcastTrack track = {.measured = measured.report.tracks[i]};

    if (config == NULL || !track.measured.present)
      continue;
    track.kind = config->kind;
    track.codec = (gchar *) weir_codec_get_name (config->codec);
    track.width = config->width;
    track.height = config->height;
    track.sample_rate = config->rate;
    track.channels = config->channels;
    weir_broadcast_health_add_track (health, &track);
  }
  return health;
}

static GstBusSyncReply
on_bus_message (G_GNUC_UNUSED GstBus *bus, GstMessage *message, gpointer data)
{
  WeirBroadcast *self = data;

  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &error, NULL);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_INFO)
    gst_message_parse_info (message, &error, NULL);
  if (error != NULL)
    g_message (
        "broadcast %s: %s: %s", self->record->uid, GST_MESSAGE_SRC_NAME (message), error->message);
  if (gst_message_has_name (message, "weir-health"))
    receive_health (self, gst_message_get_structure (message));
  /* one a connection: an encoder whose media makes errors does not fill the folder */
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR &&
      g_atomic_int_compare_and_exchange (&self->dumped, FALSE, TRUE))
    broadcast_post (self, dump_on_main, NULL);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static gchar *
make_spool_prefix (const gchar *uid, guint64 epoch)
{
  return g_strdup_printf ("%s-%" G_GUINT64_FORMAT "-", uid, epoch);
}

static void
broadcast_make_pipeline (WeirBroadcast *self, gint64 known_gop_ns)
{
  WeirSegmenterSettings settings;
  WeirSegmentSpool spool;
  g_autoptr (GstBus) bus = NULL;
  g_autofree gchar *prefix = NULL;

  self->pipeline = gst_object_ref_sink (gst_pipeline_new (self->record->uid));
  self->sanitizer = g_object_new (WEIR_TYPE_SANITIZER, "name", "sanitizer", NULL);
  self->sink = g_object_new (WEIR_TYPE_SEGMENT_SINK, "name", "segments", NULL);
  gst_bin_add_many (GST_BIN (self->pipeline), self->sanitizer, self->sink, NULL);
  g_object_set (self->sanitizer, "forward-eos", FALSE, NULL);
  g_signal_connect (self->sanitizer, "pad-added", G_CALLBACK (on_sanitizer_pad_added), self);

  weir_segmenter_settings_init (&settings);
  settings.segment_duration_ns = self->context.config->segments.duration * 1000;
  settings.part_duration_ns = self->context.config->segments.part_duration * 1000;
  settings.known_gop_ns = known_gop_ns;
  settings.segment_bytes_max = (gsize) self->context.config->limits.segment_size;
  settings.part_bytes_max = (gsize) self->context.config->limits.part_size;
  settings.hold_bytes_max = (gsize) self->context.config->limits.held_media;
  prefix = make_spool_prefix (self->record->uid, self->record->epoch);
  spool = (WeirSegmentSpool){
      .writer = self->context.writer,
      .folder = weir_blobs_get_spool (self->context.blobs),
      .prefix = prefix,
      .bytes_max = (gsize) self->context.config->limits.disk_queue,
      .free_min = self->record->recorded ? self->context.config->recording.min_free : 0,
  };
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (self->sink), &settings, &spool);
  g_signal_connect (self->sink, "written", G_CALLBACK (on_written), self);

  /* One handler instead of a watch per pipeline, which would be a GSource each. */
  bus = gst_pipeline_get_bus (GST_PIPELINE (self->pipeline));
  gst_bus_set_sync_handler (bus, on_bus_message, self, NULL);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
}

/* ---- connections ---- */

/* The source's callbacks have ended when this returns: nothing runs on the worker any more. */
static void
broadcast_remove_source (WeirBroadcast *self)
{
  guint64 received;

  if (self->source == NULL)
    return;
  broadcast_end_health (self);
  gst_element_set_locked_state (self->source, TRUE);
  gst_element_set_state (self->source, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (self->pipeline), self->source);
  self->source = NULL;
  received = self->connection != NULL ? weir_connection_get_bytes_received (self->connection) : 0;
  g_mutex_lock (&self->lock);
  self->bytes_received += received;
  g_clear_object (&self->connection);
  self->connected_us = 0;
  g_mutex_unlock (&self->lock);
}

static gboolean
reconnect_window_over (gpointer data)
{
  WeirBroadcast *self = data;

  weir_broadcast_end (self, "The reconnect window is over.");
  return G_SOURCE_REMOVE;
}

static void
broadcast_log_summary (
    WeirBroadcast *self, WeirConnection *connection, const WeirConnectionSummary *summary)
{
  g_message ("connection %" G_GUINT64_FORMAT " %s %s ended: input=%s broadcast=%s by=%s "
             "reason=\"%s\" duration=%.3fs media=%.3fs received=%" G_GUINT64_FORMAT
             " sent=%" G_GUINT64_FORMAT " last=%s codecs=\"%s\" dropped=%" G_GUINT64_FORMAT,
      weir_connection_get_id (connection), weir_connection_get_protocol (connection),
      weir_connection_get_peer (connection), self->record->input, self->record->uid,
      summary->closed_by_peer ? "encoder" : "weir", summary->reason,
      (gdouble) summary->duration_us / G_USEC_PER_SEC, (gdouble) summary->media_us / G_USEC_PER_SEC,
      summary->bytes_received, summary->bytes_sent, summary->last_message, summary->codecs,
      summary->dropped);
}

typedef struct {
  WeirBroadcast *broadcast;
  WeirConnection *connection;
} EndedConnection;

static gboolean
connection_ended_on_main (gpointer data)
{
  g_autofree EndedConnection *ended = data;
  g_autoptr (WeirConnection) connection = ended->connection;
  WeirBroadcast *self = ended->broadcast;
  WeirConnectionSummary summary = {0};

  weir_connection_get_summary (connection, &summary);
  broadcast_log_summary (self, connection, &summary);
  if (self->connection == connection) {
    gint64 window = self->reconnect_window_us;

    if (summary.clean)
      window = MIN (window, CLEAN_STOP_WINDOW);
    broadcast_remove_source (self);
    if (self->leaving != NULL) {
      weir_broadcast_end (self, self->leaving);
    } else if (!self->ending) {
      gint64 silent, wait;

      /* one that brought none neither ends the window nor makes it longer */
      self->last_media_us =
          MAX (self->last_media_us, weir_connection_get_last_media_us (connection));
      silent = g_get_monotonic_time () - self->last_media_us;
      wait = CLAMP (window - silent, 0, window);
      broadcast_set_state (self, WEIR_LIFECYCLE_RECONNECTING, g_get_real_time () + wait);
      self->reconnect_timer = g_timeout_source_new ((guint) (wait / 1000));
      g_source_set_callback (self->reconnect_timer, reconnect_window_over, self, NULL);
      g_source_attach (self->reconnect_timer, NULL);
    }
  }
  weir_connection_summary_clear (&summary);
  broadcast_pending_done (self);
  return G_SOURCE_REMOVE;
}

/* connection's thread */
static void
on_connection_ended (WeirConnection *connection, WeirBroadcast *self)
{
  EndedConnection *ended = g_new0 (EndedConnection, 1);

  ended->broadcast = self;
  ended->connection = g_object_ref (connection);
  g_main_context_invoke (NULL, connection_ended_on_main, ended);
}

static void
stop_timer (GSource **timer)
{
  if (*timer != NULL)
    g_source_destroy (*timer);
  g_clear_pointer (timer, g_source_unref);
}

/* the source element that takes connections of a protocol */
static GType
source_type (const gchar *protocol)
{
  return g_str_equal (protocol, "rtmp") || g_str_equal (protocol, "rtmps") ? WEIR_TYPE_RTMP_SRC
                                                                           : G_TYPE_INVALID;
}

WeirBroadcastAnswer
weir_broadcast_connect (WeirBroadcast *self, WeirConnection *connection)
{
  GType type = source_type (weir_connection_get_protocol (connection));

  if (self->ending || self->leaving != NULL)
    return WEIR_BROADCAST_ENDING;
  if (self->source != NULL || type == G_TYPE_INVALID)
    return WEIR_BROADCAST_BUSY;
  g_signal_connect (connection, "ended", G_CALLBACK (on_connection_ended), self);
  /* nothing is read from it before the source is there */
  if (!weir_connection_accept (connection, self->worker)) {
    g_signal_handlers_disconnect_by_data (connection, self);
    return WEIR_BROADCAST_GONE;
  }
  self->pending++; /* until its end has been handled */
  g_atomic_int_set (&self->dumped, FALSE);
  self->source = g_object_new (type, "name", "source", NULL);
  stop_timer (&self->reconnect_timer);
  g_mutex_lock (&self->lock);
  self->connection = g_object_ref (connection);
  self->connected_us = g_get_real_time ();
  g_mutex_unlock (&self->lock);
  broadcast_begin_health (self);
  broadcast_set_state (self, WEIR_LIFECYCLE_CONNECTING, 0);

  g_object_set (self->source, "connection", connection, NULL);
  g_signal_connect (self->source, "pad-added", G_CALLBACK (on_source_pad_added), self);
  gst_bin_add (GST_BIN (self->pipeline), self->source);
  gst_element_sync_state_with_parent (self->source);
  return WEIR_BROADCAST_CONNECTED;
}

/* ---- the end ---- */

static gboolean
end_again (gpointer data)
{
  WeirBroadcast *self = data;

  g_clear_pointer (&self->end_timer, g_source_unref);
  self->tried_again = FALSE;
  self->finishing = FALSE;
  broadcast_check_ended (self);
  return G_SOURCE_REMOVE;
}

static void
broadcast_end_later (WeirBroadcast *self)
{
  self->end_timer = g_timeout_source_new_seconds (END_RETRY_S);
  g_source_set_callback (self->end_timer, end_again, self, NULL);
  g_source_attach (self->end_timer, NULL);
}

static void
spool_removed (G_GNUC_UNUSED GObject *source, G_GNUC_UNUSED GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;

  self->context.ended (self, self->context.data);
}

/* A thread of its own: it waits for the disk. */
static void
remove_spool (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  WeirBroadcast *self = data;

  weir_spool_remove (weir_blobs_get_spool (self->context.blobs), self->record->uid);
  g_task_return_boolean (task, TRUE);
}

static void
store_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  if (!weir_store_end_broadcast_finish (WEIR_STORE (source), result, &error)) {
    if (!self->end_told)
      g_message ("broadcast %s: its end was not committed: %s", self->record->uid, error->message);
    self->end_told = TRUE;
    if (is_refusal (error) && !self->given_up) {
      broadcast_end_later (self);
      return;
    }
    self->context.ended (self, self->context.data);
    return;
  }
  task = g_task_new (NULL, NULL, spool_removed, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, remove_spool);
}

static void
broadcast_check_ended (WeirBroadcast *self)
{
  gboolean left = !g_queue_is_empty (&self->uncommitted) || self->inits_missing;

  if (!self->stopped || self->pending > 0 || self->finishing || self->end_timer != NULL)
    return;
  if (left && !self->fenced && !self->tried_again) {
    self->tried_again = TRUE;
    broadcast_retry_commits (self);
    return;
  }
  if (left && !self->fenced && !self->given_up) {
    broadcast_end_later (self);
    return;
  }
  self->finishing = TRUE;
  if (left && !self->fenced) {
    /* the next start finds the broadcast live, with a journal and spool files */
    g_message ("broadcast %s: %u segment(s) are left to the next start", self->record->uid,
        g_queue_get_length (&self->uncommitted));
    self->context.ended (self, self->context.data);
    return;
  }
  if (self->missing > 0)
    g_message ("broadcast %s: %u segment(s) are missing in the recording", self->record->uid,
        self->missing);
  self->missing = 0;
  weir_store_end_broadcast (self->context.store, self->record->uid, self->record->epoch,
      self->record->recorded ? WEIR_BROADCAST_READY : WEIR_BROADCAST_ENDED, store_ended, self);
}

static void
pipeline_stopped (G_GNUC_UNUSED GObject *source, G_GNUC_UNUSED GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;

  weir_index_end (self->index, FALSE);
  self->stopped = TRUE;
  broadcast_pending_done (self);
}

/* A thread of its own: the segment sink waits for the disk. */
static void
stop_pipeline (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  WeirBroadcast *self = data;

  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_task_return_boolean (task, TRUE);
}

void
weir_broadcast_end (WeirBroadcast *self, const gchar *description)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GstStructure) statistics = NULL;

  if (self->ending)
    return;
  self->ending = TRUE;
  stop_timer (&self->reconnect_timer);
  stop_timer (&self->leave_timer);
  if (self->connection != NULL)
    weir_connection_close (self->connection, description);
  broadcast_remove_source (self);
  g_object_get (self->sink, "stats", &statistics, NULL);
  if (statistics != NULL) {
    guint64 gop = 0;
    if (gst_structure_get_uint64 (statistics, "gop", &gop))
      self->gop_ns = (gint64) gop;
  }
  self->pending++;
  broadcast_set_state (self, WEIR_LIFECYCLE_ENDED, 0);
  task = g_task_new (NULL, NULL, pipeline_stopped, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, stop_pipeline);
}

static gboolean
leave_time_over (gpointer data)
{
  WeirBroadcast *self = data;

  weir_broadcast_end (self, self->leaving);
  return G_SOURCE_REMOVE;
}

void
weir_broadcast_end_politely (WeirBroadcast *self, const gchar *description, gint64 grace_us)
{
  if (self->ending || self->leaving != NULL)
    return;
  if (self->connection == NULL ||
      !weir_connection_request_reconnect (self->connection, NULL, description)) {
    weir_broadcast_end (self, description);
    return;
  }
  self->leaving = g_strdup (description);
  self->leave_timer = g_timeout_source_new ((guint) (grace_us / 1000));
  g_source_set_callback (self->leave_timer, leave_time_over, self, NULL);
  g_source_attach (self->leave_timer, NULL);
}

void
weir_broadcast_give_up (WeirBroadcast *self)
{
  self->given_up = TRUE;
  if (self->end_timer == NULL)
    return;
  g_source_destroy (self->end_timer);
  end_again (self);
}

/* ---- */

gchar *
weir_broadcast_get_journal_path (WeirBlobs *blobs, const gchar *uid)
{
  g_autofree gchar *name = g_strconcat (uid, ".journal", NULL);

  return g_build_filename (weir_blobs_get_spool (blobs), name, NULL);
}

gchar *
weir_broadcast_make_spool_path (WeirBlobs *blobs, const gchar *uid, guint64 epoch, guint64 number)
{
  g_autofree gchar *prefix = make_spool_prefix (uid, epoch);

  return weir_segment_spool_make_path (weir_blobs_get_spool (blobs), prefix, number);
}

gchar *
weir_broadcast_make_segment_name (const gchar *uid, guint64 epoch, guint64 number)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s", uid, epoch, number);
}

WeirBroadcast *
weir_broadcast_new (const WeirBroadcastContext *context, const WeirBroadcastRecord *record,
    const WeirLiveInput *input, gint64 known_gop_ns)
{
  WeirBroadcast *self = g_new0 (WeirBroadcast, 1);

  g_mutex_init (&self->lock);
  self->context = *context;
  self->record = weir_broadcast_record_copy (record);
  self->reconnect_window_us = input->recording_timeout_s > 0
                                  ? input->recording_timeout_s * G_USEC_PER_SEC
                                  : context->config->recording.timeout;
  self->state = WEIR_LIFECYCLE_CONNECTING;
  self->state_since_us = g_get_real_time ();
  self->index = weir_index_new (record->uid, WINDOW_SEGMENTS);
  self->spool_paths = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->timescales = g_array_new (FALSE, TRUE, sizeof (guint32));
  self->journal_fd = -1;
  self->health = weir_broadcast_health_new ();
  weir_token_bucket_init (
      &self->health_lines, HEALTH_LINES_RATE, HEALTH_LINES, g_get_monotonic_time ());
  self->worker = weir_worker_pool_acquire (context->workers);
  broadcast_make_pipeline (self, known_gop_ns);
  return self;
}

void
weir_broadcast_free (WeirBroadcast *self)
{
  if (!self->record->recorded)
    broadcast_forget (self, 0);
  gst_clear_object (&self->pipeline);
  weir_worker_pool_release (self->context.workers, self->worker);
  for (guint i = 0; i < G_N_ELEMENTS (self->open_segments); i++)
    g_clear_pointer (&self->open_segments[i], weir_index_segment_unref);
  if (self->journal_fd >= 0)
    close (self->journal_fd);
  weir_index_unref (self->index);
  g_hash_table_unref (self->spool_paths);
  g_array_unref (self->timescales);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->codecs, g_free);
  g_queue_clear_full (&self->uncommitted, (GDestroyNotify) closed_segment_free);
  g_free (self->committed);
  g_free (self->leaving);
  g_free (self->inits);
  weir_broadcast_record_free (self->record);
  weir_broadcast_health_free (self->health);
  g_mutex_clear (&self->lock);
  g_free (self);
}

const gchar *
weir_broadcast_get_uid (WeirBroadcast *self)
{
  return self->record->uid;
}

gboolean
weir_broadcast_is_recorded (WeirBroadcast *self)
{
  return self->record->recorded;
}

const gchar *
weir_broadcast_get_input (WeirBroadcast *self)
{
  return self->record->input;
}

WeirIndex *
weir_broadcast_get_index (WeirBroadcast *self)
{
  return weir_index_ref (self->index);
}

gint64
weir_broadcast_get_gop (WeirBroadcast *self)
{
  return self->gop_ns;
}

void
weir_broadcast_add_to_totals (WeirBroadcast *self, WeirBroadcastTotals *totals)
{
  g_autoptr (GstStructure) statistics = NULL;
  guint64 lost = 0, forced = 0, late = 0;
  guint64 decisions[WEIR_REASON_LAST];

  g_object_get (self->sink, "stats", &statistics, NULL);
  if (statistics != NULL)
    gst_structure_get (statistics, "lost-buffers", G_TYPE_UINT64, &lost, "forced-cuts",
        G_TYPE_UINT64, &forced, "late-samples", G_TYPE_UINT64, &late, NULL);
  totals->bytes_received_total += weir_broadcast_get_bytes_received (self);
  totals->lost_buffers_total += lost;
  totals->segments_forced_total += forced;
  totals->late_samples_total += late;
  weir_sanitizer_get_decisions (WEIR_SANITIZER (self->sanitizer), decisions);
  for (guint i = 0; i < WEIR_REASON_LAST; i++)
    totals->decisions_total[i] += decisions[i];
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < WEIR_HEALTH_CODE_LAST; i++)
    totals->health_issues_total[i] += self->issues_total[i];
  for (guint i = 0; i < self->health->issues->len; i++)
    totals->health_issues[((const WeirBroadcastIssue *) self->health->issues->pdata[i])->code]++;
  totals->segments_total += self->segments;
  totals->segment_bytes_total += self->segment_bytes;
  totals->disk_refusals_total += self->pauses;
  totals->refused += self->paused_us != 0;
  g_mutex_unlock (&self->lock);
}

guint64
weir_broadcast_get_bytes_received (WeirBroadcast *self)
{
  g_autoptr (WeirConnection) connection = NULL;
  guint64 received;

  g_mutex_lock (&self->lock);
  received = self->bytes_received;
  if (self->connection != NULL)
    connection = g_object_ref (self->connection);
  g_mutex_unlock (&self->lock);
  return received + (connection != NULL ? weir_connection_get_bytes_received (connection) : 0);
}

WeirBroadcastStatus *
weir_broadcast_get_status (WeirBroadcast *self)
{
  WeirBroadcastStatus *status = g_new0 (WeirBroadcastStatus, 1);
  g_autoptr (WeirConnection) connection = NULL;

  g_mutex_lock (&self->lock);
  status->uid = g_strdup (self->record->uid);
  status->input = g_strdup (self->record->input);
  status->state = self->state;
  status->state_since_us = self->state_since_us;
  status->deadline_us = self->deadline_us;
  status->connected_us = self->connected_us;
  status->codecs = g_strdup (self->codecs);
  status->segments = self->segments;
  status->paused_us = self->paused_us;
  if (self->connection != NULL)
    connection = g_object_ref (self->connection);
  g_mutex_unlock (&self->lock);
  status->health = broadcast_get_health (self);
  if (connection != NULL) {
    gint64 media = weir_connection_get_last_media_us (connection);

    status->protocol = g_strdup (weir_connection_get_protocol (connection));
    status->peer = g_strdup (weir_connection_get_peer (connection));
    status->bytes_received = weir_connection_get_bytes_received (connection);
    if (media != 0)
      status->last_media_us = g_get_real_time () - (g_get_monotonic_time () - media);
  }
  return status;
}
