/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Main thread: closed segments go to the segment store, then their entries to the store. */
#include "broadcast/private.h"

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* segments that wait for disk or store to be well again */
#define UNCOMMITTED_MAX 1024
/* attempts, each after another segment was committed; a disk that is full has any number of them */
#define FAILURES_MAX 8

static void broadcast_commit_inits (WeirBroadcast *self);

typedef struct {
  WeirBroadcast *broadcast;
  guint64 number;
  gchar *path;
  gchar *name;
  gboolean stored; /* what is missing is the entry in the store */
  gboolean told;
  guint failures;
} ClosedSegment;

static void
closed_segment_free (ClosedSegment *closed)
{
  g_free (closed->path);
  g_free (closed->name);
  g_free (closed);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClosedSegment, closed_segment_free)

/* whether it says nothing about what was to be written, only about the place */
gboolean
weir_broadcast_is_refusal (const GError *error)
{
  return g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY);
}

gboolean
weir_broadcast_check_fenced (WeirBroadcast *self, const GError *error)
{
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED))
    return FALSE;
  if (!self->fenced) {
    g_message ("broadcast %s: taken over by another owner, letting go", self->record->uid);
    weir_broadcast_tell (self, WEIR_EVENT_BROADCAST_TAKEN_OVER, "another owner");
  }
  self->fenced = TRUE;
  weir_broadcast_end (self, "The broadcast goes on elsewhere.");
  return TRUE;
}

/* @closed: (transfer full) */
static void
broadcast_commit_failed (WeirBroadcast *self, ClosedSegment *the_closed, const GError *error)
{
  g_autoptr (ClosedSegment) closed = the_closed;

  if (weir_broadcast_check_fenced (self, error))
    return;
  if (!closed->told)
    g_message ("broadcast %s: segment %" G_GUINT64_FORMAT " was not committed: %s",
        self->record->uid, closed->number, error->message);
  closed->told = TRUE;
  closed->failures += !weir_broadcast_is_refusal (error);
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
    /* disk and store are well again */
    weir_broadcast_retry_commits (self);
  }
  weir_broadcast_pending_done (self);
}

/* @closed: (transfer full): its object is stored */
static void
broadcast_commit_segment (WeirBroadcast *self, ClosedSegment *the_closed)
{
  g_autoptr (ClosedSegment) closed = the_closed;
  g_autoptr (WeirIndexSegment) segment = NULL;
  g_autofree gchar *entry = NULL;
  g_autofree gchar *committed = NULL;
  g_autoptr (WeirEvent) event = NULL;
  WeirSegmentCommit commit;

  segment = weir_index_find (self->index, self->record->epoch, closed->number);
  if (segment == NULL || self->fenced) {
    weir_broadcast_pending_done (self);
    return;
  }
  /* as of now, not of when it closed: one that is late does not turn it back */
  committed = weir_broadcast_make_state (self);
  entry = weir_index_segment_to_json (segment);
  event = weir_broadcast_make_segment_event (self->record, segment, closed->name);
  commit = (WeirSegmentCommit){
      .number = closed->number,
      .entry = entry,
      .committed = committed,
      .size = segment->size,
      .duration_us = segment->duration_ns / 1000,
      .event = event,
  };
  weir_store_commit_segment (self->context.store, self->record->uid, self->record->epoch, &commit,
      segment_committed, closed);
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
    weir_broadcast_pending_done (self);
    return;
  }
  closed->stored = TRUE;
  weir_index_set_name (self->index, closed->number, closed->name);
  broadcast_commit_segment (self, g_steal_pointer (&closed));
}

/* what failed to be committed is tried again, each once */
void
weir_broadcast_retry_commits (WeirBroadcast *self)
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
  weir_broadcast_pending_done (self);
}

static void
segment_closed_on_main (WeirBroadcast *self, gpointer data)
{
  ClosedSegment *closed = data;

  if (self->record->recorded && closed->path != NULL && !self->fenced) {
    weir_index_release_blobs (self->index, WEIR_BROADCAST_KEEP_SEGMENTS);
    weir_blobs_put (self->context.blobs, closed->name, closed->path, TRUE, segment_stored, closed);
    return;
  }
  /* of one that is not recorded, or in memory, the store knows where the broadcast stands then */
  if (!self->fenced)
    weir_broadcast_commit_state (self);
  closed_segment_free (closed);
  weir_broadcast_pending_done (self);
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
  weir_broadcast_pending_done (self);
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

void
weir_broadcast_hand_over_inits (WeirBroadcast *self, gchar *inits)
{
  weir_broadcast_post (self, inits_changed_on_main, inits);
}

void
weir_broadcast_hand_over_segment (WeirBroadcast *self, guint64 number, const gchar *path)
{
  ClosedSegment *closed = g_new0 (ClosedSegment, 1);

  closed->broadcast = self;
  closed->number = number;
  closed->path = g_strdup (path);
  closed->name = weir_broadcast_make_segment_name (self->record->uid, self->record->epoch, number);
  weir_broadcast_post (self, segment_closed_on_main, closed);
}

void
weir_broadcast_clear_commits (WeirBroadcast *self)
{
  g_queue_clear_full (&self->uncommitted, (GDestroyNotify) closed_segment_free);
  g_clear_pointer (&self->inits, g_free);
}
