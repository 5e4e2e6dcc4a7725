/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Main thread: nobody sends. What came is put into closed segments, playlists go on with gaps, and
 * the store knows where the broadcast stands, so that a restart makes no difference.
 */
#include "broadcast/private.h"

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

static void broadcast_add_gaps (WeirBroadcast *self);

gchar *
weir_broadcast_make_state (WeirBroadcast *self)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  WeirResume state = self->resume;

  state.dated = self->wall_date.fixed;
  state.date_zero_us = self->wall_date.zero_us;
  return weir_resume_to_json (&state);
}

static void
state_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GError) error = NULL;

  self->state_waiting = FALSE;
  if (weir_store_commit_state_finish (WEIR_STORE (source), result, &error)) {
    self->state_told = FALSE;
  } else if (!weir_broadcast_check_fenced (self, error)) {
    if (!self->state_told)
      g_message (
          "broadcast %s: where it stands was not committed: %s", self->record->uid, error->message);
    self->state_told = TRUE;
  }
  if (self->state_changed && !self->fenced && !self->stopped)
    weir_broadcast_commit_state (self);
  else if (self->drained)
    broadcast_add_gaps (self);
  weir_broadcast_pending_done (self);
}

void
weir_broadcast_commit_state (WeirBroadcast *self)
{
  g_autofree gchar *state = NULL;

  self->state_changed = self->state_waiting;
  if (self->state_waiting)
    return;
  state = weir_broadcast_make_state (self);
  self->state_waiting = TRUE;
  self->pending++;
  weir_store_commit_state (
      self->context.store, self->record->uid, self->record->epoch, state, state_committed, self);
}

static void
broadcast_set_timer (WeirBroadcast *self, GSource **timer, gint64 wait_us, GSourceFunc callback)
{
  if (*timer != NULL)
    g_source_destroy (*timer);
  g_clear_pointer (timer, g_source_unref);
  /* not too early by what is less than a millisecond */
  *timer = g_timeout_source_new ((guint) MIN ((wait_us + 999) / 1000, G_MAXINT32));
  g_source_set_callback (*timer, callback, self, NULL);
  g_source_attach (*timer, NULL);
}

/* Returns: for how long nothing has come, µs: what the timeline will jump by */
static gint64
broadcast_get_lost (WeirBroadcast *self)
{
  gint64 end_ns, lost_us = 0;

  weir_sanitizer_get_end (WEIR_SANITIZER (self->sanitizer), &end_ns, &lost_us);
  return lost_us;
}

/* The store knows of a gap before viewers do: none that they have seen is missing after a restart.
 */
static gboolean
gap_due (gpointer data)
{
  WeirBroadcast *self = data;
  gint64 lost_us = broadcast_get_lost (self);

  g_clear_pointer (&self->gap_timer, g_source_unref);
  g_mutex_lock (&self->lock);
  self->resume.gaps = weir_resume_count_gaps (&self->resume, lost_us);
  g_mutex_unlock (&self->lock);
  weir_broadcast_commit_state (self);
  return G_SOURCE_REMOVE;
}

/* lists those gaps that the store knows of, and waits for the next one. Nothing is written
 * meanwhile: there is no source. */
static void
broadcast_add_gaps (WeirBroadcast *self)
{
  gint64 lost_us = broadcast_get_lost (self);
  gint64 start_ns, duration_ns, date_us, wait_us;

  g_mutex_lock (&self->lock);
  while (self->gaps_listed < self->resume.gaps) {
    start_ns = weir_resume_get_gap_start (&self->resume, self->gaps_listed);
    date_us = weir_resume_get_gap_date (&self->resume, self->gaps_listed++);
    duration_ns = weir_resume_get_gap_duration (&self->resume);
    weir_wall_date_tell (&self->wall_date, date_us, date_us + duration_ns / 1000);
    g_mutex_unlock (&self->lock);
    weir_index_add_gap (self->index, start_ns, duration_ns, date_us);
    g_mutex_lock (&self->lock);
  }
  wait_us = weir_resume_get_gap_wait (&self->resume, lost_us);
  if (weir_resume_count_gaps (&self->resume, lost_us) > self->resume.gaps)
    wait_us = 0;
  g_mutex_unlock (&self->lock);
  if (wait_us != G_MAXINT64)
    broadcast_set_timer (self, &self->gap_timer, wait_us, gap_due);
}

void
weir_broadcast_note_end (WeirBroadcast *self, gint64 media_us)
{
  gint64 now_us = g_get_real_time ();
  gint64 end_ns, lost_us;
  gboolean running = weir_sanitizer_get_end (WEIR_SANITIZER (self->sanitizer), &end_ns, &lost_us);

  g_mutex_lock (&self->lock);
  if (running && end_ns > 0) {
    self->resume.end_ns = MAX (self->resume.end_ns, end_ns);
    self->resume.end_us = now_us - lost_us;
  }
  if (media_us != 0)
    self->resume.media_us = now_us - (g_get_monotonic_time () - media_us);
  g_mutex_unlock (&self->lock);
}

/* all that came is in closed segments, and the index has them */
static void
drained_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  if (self->source == NULL && !self->ending) {
    weir_broadcast_note_end (self, self->last_media_us);
    self->drained = TRUE;
    weir_broadcast_commit_state (self);
  }
  weir_broadcast_pending_done (self);
}

/* writer's thread */
static void
drained (gpointer data)
{
  weir_broadcast_post (data, drained_on_main, NULL);
}

static gboolean
reconnect_window_over (gpointer data)
{
  WeirBroadcast *self = data;

  weir_broadcast_end (self, "The reconnect window is over.");
  return G_SOURCE_REMOVE;
}

static gint64
broadcast_get_wait (WeirBroadcast *self, gint64 now_us)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return weir_resume_get_wait (&self->resume, self->reconnect_window_us,
      self->context.config->recording.clean_stop_timeout, now_us);
}

gint64
weir_broadcast_get_deadline (WeirBroadcast *self)
{
  gint64 now_us = g_get_real_time ();

  return now_us + broadcast_get_wait (self, now_us);
}

void
weir_broadcast_begin_waiting (
    WeirBroadcast *self, gint64 media_us, gboolean clean, const gchar *reason)
{
  gint64 now_us = g_get_real_time ();
  gint64 wait_us;

  g_mutex_lock (&self->lock);
  /* a connection that brought nothing makes the window no longer */
  self->resume.stopped = clean || (self->resume.stopped && media_us <= self->last_media_us);
  g_mutex_unlock (&self->lock);
  self->last_media_us = MAX (self->last_media_us, media_us);
  weir_broadcast_note_end (self, self->last_media_us);
  wait_us = broadcast_get_wait (self, now_us);
  broadcast_set_timer (self, &self->reconnect_timer, wait_us, reconnect_window_over);
  weir_segment_sink_drain (WEIR_SEGMENT_SINK (self->sink), drained, self);
  weir_broadcast_set_state (self, WEIR_LIFECYCLE_RECONNECTING, now_us + wait_us);
  weir_broadcast_tell_waiting (self, WEIR_EVENT_BROADCAST_RECONNECTING, reason, now_us + wait_us);
}

void
weir_broadcast_go_on_waiting (WeirBroadcast *self)
{
  gint64 now_us = g_get_real_time ();
  gint64 wait_us = broadcast_get_wait (self, now_us);

  self->last_media_us = g_get_monotonic_time () - MAX (now_us - self->resume.media_us, 0);
  self->state = WEIR_LIFECYCLE_RECONNECTING;
  self->deadline_us = now_us + wait_us;
  self->drained = TRUE;
  broadcast_set_timer (self, &self->reconnect_timer, wait_us, reconnect_window_over);
  broadcast_add_gaps (self);
  weir_broadcast_tell_waiting (self, WEIR_EVENT_BROADCAST_RESUMED, NULL, self->deadline_us);
}

static void
stop_timer (GSource **timer)
{
  if (*timer != NULL)
    g_source_destroy (*timer);
  g_clear_pointer (timer, g_source_unref);
}

void
weir_broadcast_stop_waiting (WeirBroadcast *self)
{
  self->drained = FALSE;
  stop_timer (&self->reconnect_timer);
  stop_timer (&self->gap_timer);
}

void
weir_broadcast_init_resume (WeirBroadcast *self, const WeirResume *resume)
{
  if (resume == NULL) {
    weir_resume_init (&self->resume, g_get_real_time ());
    return;
  }
  weir_resume_copy (resume, &self->resume);
  self->segments_before = self->record->segments;
  if (!resume->dated)
    return;
  weir_wall_date_resume (&self->wall_date, resume->date_zero_us, resume->end_date_us);
  self->date_fixed = TRUE;
}
