/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writer's thread: what the segment sink has written fills index and journal. */
#include "broadcast/private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* without recording only what viewers may still ask for is kept */
void
weir_broadcast_forget (WeirBroadcast *self, guint keep)
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
  weir_broadcast_pending_done (self);
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
  self->resume.next_generation = event->init_generation + 1;
  g_mutex_unlock (&self->lock);

  if (event->init_generation >= self->context.config->limits.broadcast_configurations)
    weir_broadcast_post (self, end_on_main, NULL);
  inits = weir_index_inits_to_json (self->index);
  self->journal_has_inits = FALSE;
  weir_broadcast_hand_over_inits (self, inits);
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
  if (self->record->recorded)
    weir_broadcast_tell (self, WEIR_EVENT_RECORDING_PAUSED, written->refusal);
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
  if (self->record->recorded)
    weir_broadcast_tell (self, WEIR_EVENT_RECORDING_RESUMED, NULL);
  g_message ("broadcast %s: the disk takes segments again after %.1f s%s", self->record->uid,
      (gdouble) (event->start_ns - self->refused_start_ns) / 1e9,
      self->record->recorded ? ", which are missing in the recording" : "");
}

/* lets go of what is in memory and nobody is offered any more */
static void
broadcast_forget_memory (WeirBroadcast *self)
{
  WeirSegmentSink *sink = WEIR_SEGMENT_SINK (self->sink);
  gsize bytes = weir_index_forget_memory (
      self->index, WEIR_BROADCAST_KEEP_SEGMENTS, weir_segment_sink_get_excess (sink));

  if (bytes > 0)
    weir_segment_sink_release_memory (sink, bytes);
}

/* Returns: (transfer full): what is known of a segment when it opens */
static WeirIndexSegment *
copy_head (const WeirIndexSegment *segment)
{
  WeirIndexSegment *head = weir_index_segment_new (segment->number, segment->epoch);

  head->init_generation = segment->init_generation;
  head->discontinuity = segment->discontinuity;
  head->independent = segment->independent;
  head->media_sequence = segment->media_sequence;
  head->discontinuity_sequence = segment->discontinuity_sequence;
  head->start_ns = segment->start_ns;
  head->program_date_us = segment->program_date_us;
  return head;
}

static void
commit_state_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  if (!self->fenced)
    weir_broadcast_commit_state (self);
  weir_broadcast_pending_done (self);
}

/* By the time at which it closes, and is listed, the store knows that it is there: nothing else
 * would tell of it. */
static void
broadcast_note_open (WeirBroadcast *self, const WeirIndexSegment *segment)
{
  g_mutex_lock (&self->lock);
  weir_resume_open_segment (&self->resume, copy_head (segment), g_get_real_time ());
  self->gaps_listed = 0;
  g_mutex_unlock (&self->lock);
  weir_broadcast_post (self, commit_state_on_main, NULL);
}

/* somebody sees dates from now on: what had one already has its last */
static void
broadcast_fix_dates (WeirBroadcast *self)
{
  if (self->date_fixed)
    return;
  g_mutex_lock (&self->lock);
  weir_wall_date_fix (&self->wall_date);
  self->date_fixed = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (self->open_segments); i++)
    if (self->open_segments[i] != NULL)
      self->open_segments[i]->program_date_us =
          weir_wall_date_get (&self->wall_date, self->open_segments[i]->start_ns);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < G_N_ELEMENTS (self->open_segments); i++) {
    g_autoptr (WeirIndexSegment) segment = g_steal_pointer (&self->open_segments[i]);
    g_autoptr (WeirIndexSegment) head = segment != NULL ? copy_head (segment) : NULL;

    /* of the journal's lines on a segment the last one counts */
    if (head != NULL && self->record->recorded && !segment->in_memory)
      broadcast_journal (self, head);
    else if (head != NULL)
      broadcast_note_open (self, head);
  }
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
  else
    broadcast_note_open (self, segment);
}

/* Chunk by chunk: one closes when what follows it comes, which tells the wall time of its end;
 * dates follow that from the first segment on. */
static void
broadcast_observe (WeirBroadcast *self, const WeirChunk *chunk)
{
  const WeirChunkSample *last =
      &g_array_index (chunk->samples, WeirChunkSample, chunk->sample_count - 1);
  gint64 now_us = g_get_real_time ();
  guint timescale = 0;

  if (chunk->track < self->timescales->len)
    timescale = g_array_index (self->timescales, guint32, chunk->track);
  if (timescale == 0)
    return;
  g_mutex_lock (&self->lock);
  if (self->date_fixed)
    weir_wall_date_observe (&self->wall_date,
        last->dts + (gint64) ((guint64) last->entry.duration * GST_SECOND / timescale), now_us);
  /* media have come, so that what was listed in their place has become part of the past */
  self->resume.end_ns =
      MAX (self->resume.end_ns, (gint64) gst_util_uint64_scale_ceil (
                                    chunk->decode_time + chunk->duration, GST_SECOND, timescale));
  self->resume.end_us = self->resume.media_us = now_us;
  self->resume.next_sequence = MAX (self->resume.next_sequence, chunk->sequence + 1);
  self->resume.stopped = FALSE;
  self->resume.gaps = self->gaps_listed = 0;
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

/* where the broadcast stands after a segment; @stored: it is going to be */
static void
broadcast_note_segment (WeirBroadcast *self, const WeirSegmenterEvent *event, gboolean stored)
{
  g_autoptr (WeirIndexSegment) segment = NULL;
  WeirIndexSegment *closed = NULL;

  segment = weir_index_find (self->index, self->record->epoch, event->segment);
  if (segment != NULL && !stored) {
    g_autofree gchar *entry = weir_index_segment_to_json (segment);

    closed = weir_index_segment_from_json (entry, NULL);
  }
  g_mutex_lock (&self->lock);
  self->resume.next_segment = event->segment + 1;
  if (self->resume.target_duration == 0)
    self->resume.target_duration = event->target_duration;
  if (segment != NULL) {
    self->resume.end_date_us = segment->program_date_us + segment->duration_ns / 1000;
    weir_wall_date_tell (&self->wall_date, segment->program_date_us, self->resume.end_date_us);
  }
  if (closed != NULL)
    weir_resume_add_tail (&self->resume, closed, TRUE);
  else
    weir_resume_cut_tail (&self->resume, event->segment);
  g_mutex_unlock (&self->lock);
}

static void
broadcast_written_close (WeirBroadcast *self, const WeirSegmentWritten *written)
{
  const WeirSegmenterEvent *event = written->event;
  guint64 bytes = 0;

  /* Until the first segment closes nothing is listed: by then the least delayed sample has told
   * the wall time of the timeline's zero best. */
  broadcast_fix_dates (self);
  weir_index_close_segment (self->index, event->segment, event->duration_ns, event->target_duration,
      g_get_monotonic_time ());
  for (guint i = 0; i < event->totals->len; i++)
    bytes += g_array_index (event->totals, WeirSegmentTrackTotal, i).bytes;
  g_mutex_lock (&self->lock);
  self->segments++;
  self->segment_bytes += bytes;
  g_mutex_unlock (&self->lock);

  broadcast_note_segment (self, event, self->record->recorded && written->path != NULL);
  broadcast_forget_memory (self);
  if (!self->record->recorded)
    weir_broadcast_forget (self, WEIR_BROADCAST_KEEP_SEGMENTS);
  if (written->path != NULL)
    broadcast_resume (self, event);
  weir_broadcast_hand_over_segment (self, event->segment, written->path);
}

/* writer's thread */
void
weir_broadcast_on_written (G_GNUC_UNUSED WeirSegmentSink *sink, gpointer data, WeirBroadcast *self)
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
