/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a broadcast: its pipeline, its connections, its end. */
#include "broadcast/private.h"

#include "broadcast/salvage.h"
#include "rtmp/weirrtmpsrc.h"

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* how often an end is tried again that disk or store refuse */
#define END_RETRY_S 5
/* lines about health in the log: at once, in a second */
#define HEALTH_LINES 20
#define HEALTH_LINES_RATE 0.1

static void broadcast_check_ended (WeirBroadcast *self);
static void broadcast_stop (WeirBroadcast *self, const gchar *description);

void
weir_broadcast_set_state (WeirBroadcast *self, WeirLifecycle state, gint64 deadline_us)
{
  g_mutex_lock (&self->lock);
  if (self->state != state)
    self->state_since_us = g_get_real_time ();
  self->state = state;
  self->deadline_us = deadline_us;
  g_mutex_unlock (&self->lock);
  self->context.changed (self, self->context.data);
}

WeirLifecycle
weir_broadcast_get_state (WeirBroadcast *self)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->state;
}

void
weir_broadcast_pending_done (WeirBroadcast *self)
{
  self->pending--;
  broadcast_check_ended (self);
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

void
weir_broadcast_post (
    WeirBroadcast *self, void (*run) (WeirBroadcast *self, gpointer data), gpointer data)
{
  Post *post = g_new (Post, 1);

  *post = (Post){self, run, data};
  g_main_context_invoke (NULL, run_post, post);
}

/* ---- the pipeline ---- */

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
  g_signal_connect (
      self->sanitizer, "pad-added", G_CALLBACK (weir_broadcast_on_sanitizer_pad_added), self);

  weir_segmenter_settings_init (&settings);
  settings.segment_duration_ns = self->context.config->segments.duration * 1000;
  settings.part_duration_ns = self->context.config->segments.part_duration * 1000;
  settings.known_gop_ns = known_gop_ns;
  settings.segment_bytes_max = (gsize) self->context.config->limits.segment_size;
  settings.part_bytes_max = (gsize) self->context.config->limits.part_size;
  settings.hold_bytes_max = (gsize) self->context.config->limits.held_media;
  settings.first_number = self->resume.next_segment;
  settings.first_sequence = self->resume.next_sequence;
  settings.first_generation = self->resume.next_generation;
  settings.first_target_s = self->resume.target_duration;
  settings.resumes = self->resume.end_ns > 0;
  prefix = make_spool_prefix (self->record->uid, self->record->epoch);
  spool = (WeirSegmentSpool){
      .writer = self->context.writer,
      .folder = weir_blobs_get_spool (self->context.blobs),
      .prefix = prefix,
      .bytes_max = (gsize) self->context.config->limits.disk_queue,
      .free_min = self->record->recorded ? self->context.config->recording.min_free : 0,
      .full = self->record->recorded ? self->context.full : NULL,
  };
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (self->sink), &settings, &spool);
  g_signal_connect (self->sink, "written", G_CALLBACK (weir_broadcast_on_written), self);

  /* One handler instead of a watch per pipeline, which would be a GSource each. */
  bus = gst_pipeline_get_bus (GST_PIPELINE (self->pipeline));
  gst_bus_set_sync_handler (bus, weir_broadcast_on_bus_message, self, NULL);
  if (self->resume.end_ns > 0)
    weir_sanitizer_resume (WEIR_SANITIZER (self->sanitizer), self->resume.end_ns,
        weir_resume_get_lost (&self->resume, g_get_real_time ()));
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
}

/* ---- connections ---- */

void
weir_broadcast_remove_element (WeirBroadcast *self, GstElement *source)
{
  gst_element_set_locked_state (source, TRUE);
  gst_element_set_state (source, GST_STATE_NULL);
  /* the next one may have its address */
  g_atomic_pointer_compare_and_exchange (&self->linked, source, NULL);
  gst_bin_remove (GST_BIN (self->pipeline), source);
}

void
weir_broadcast_clear_seat (WeirBroadcast *self, const gchar *reason)
{
  guint64 received;

  if (self->source == NULL)
    return;
  weir_broadcast_tell_connection (self, WEIR_EVENT_INPUT_DISCONNECTED, self->connection, reason);
  weir_broadcast_end_health (self);
  weir_broadcast_remove_element (self, g_steal_pointer (&self->source));
  received = weir_connection_get_bytes_received (self->connection);
  g_mutex_lock (&self->lock);
  self->bytes_received += received;
  g_clear_object (&self->connection);
  self->connected_us = 0;
  g_mutex_unlock (&self->lock);
}

void
weir_broadcast_take_seat (
    WeirBroadcast *self, GstElement *source, WeirConnection *connection, WeirLifecycle state)
{
  self->source = source;
  self->seat_us = g_get_monotonic_time ();
  weir_broadcast_stop_waiting (self);
  g_mutex_lock (&self->lock);
  self->connection = g_object_ref (connection);
  self->connected_us = g_get_real_time ();
  g_mutex_unlock (&self->lock);
  if (state != WEIR_LIFECYCLE_LIVE)
    weir_broadcast_set_state (self, state, 0);
  weir_broadcast_tell_connection (self, WEIR_EVENT_INPUT_CONNECTED, connection, NULL);
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
  if (!weir_broadcast_forget_newcomer (self, connection) && self->connection == connection) {
    gint64 media_us = weir_connection_get_last_media_us (connection);

    weir_broadcast_clear_seat (self, summary.reason);
    if (self->leaving != NULL) {
      self->last_media_us = MAX (self->last_media_us, media_us);
      broadcast_stop (self, self->leaving);
    } else if (!self->ending && !weir_broadcast_promote_newcomer (self)) {
      weir_broadcast_begin_waiting (self, media_us, summary.clean, summary.reason);
    }
    self->last_media_us = MAX (self->last_media_us, media_us);
  }
  weir_connection_summary_clear (&summary);
  weir_broadcast_pending_done (self);
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
  g_autofree gchar *name =
      g_strdup_printf ("source-%" G_GUINT64_FORMAT, weir_connection_get_id (connection));
  WeirBroadcastAnswer answer = WEIR_BROADCAST_CONNECTED;
  GstElement *source;

  if (self->ending || self->leaving != NULL)
    return WEIR_BROADCAST_ENDING;
  if (type == G_TYPE_INVALID)
    return WEIR_BROADCAST_BUSY;
  answer = weir_broadcast_judge_newcomer (self, connection);
  if (answer != WEIR_BROADCAST_CONNECTED)
    return answer;
  g_signal_connect (connection, "ended", G_CALLBACK (on_connection_ended), self);
  /* nothing is read from it before the source is there */
  if (!weir_connection_accept (connection, self->worker)) {
    g_signal_handlers_disconnect_by_data (connection, self);
    weir_broadcast_forget_newcomer (self, connection);
    return WEIR_BROADCAST_GONE;
  }
  self->pending++; /* until its end has been handled */
  g_atomic_int_set (&self->dumped, FALSE);
  source = g_object_new (type, "name", name, "connection", connection, NULL);
  g_signal_connect (source, "pad-added", G_CALLBACK (weir_broadcast_on_source_pad_added), self);
  weir_broadcast_begin_health (self, TRUE);
  if (self->source == NULL) {
    g_atomic_pointer_set (&self->linked, source);
    weir_broadcast_take_seat (self, source, connection, WEIR_LIFECYCLE_CONNECTING);
  } else {
    weir_broadcast_begin_trial (self, source, connection);
  }
  gst_bin_add (GST_BIN (self->pipeline), source);
  gst_element_sync_state_with_parent (source);
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

/* the last step. @left: something is left in the spool, for the next start */
static void
broadcast_leave (WeirBroadcast *self, gboolean left)
{
  g_autoptr (GTask) task = NULL;

  if (left) {
    self->context.ended (self, self->context.data);
    return;
  }
  task = g_task_new (NULL, NULL, spool_removed, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, remove_spool);
}

static void
store_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_end_broadcast_finish (WEIR_STORE (source), result, &error)) {
    if (!self->end_told)
      g_message ("broadcast %s: its end was not committed: %s", self->record->uid, error->message);
    self->end_told = TRUE;
    if (weir_broadcast_is_refusal (error) && !self->given_up) {
      broadcast_end_later (self);
      return;
    }
    broadcast_leave (self, TRUE);
    return;
  }
  broadcast_leave (self, FALSE);
}

static void
suspended (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_commit_state_finish (WEIR_STORE (source), result, &error))
    g_message (
        "broadcast %s: where it stands was not committed: %s", self->record->uid, error->message);
  broadcast_leave (self, !g_queue_is_empty (&self->uncommitted) || self->inits_missing);
}

/* everything is committed, or left to the next start */
static void
broadcast_finish (WeirBroadcast *self, gboolean left)
{
  g_autofree gchar *state = NULL;
  g_autoptr (WeirEvent) event = NULL;

  self->finishing = TRUE;
  if (left && !self->fenced)
    g_message ("broadcast %s: %u segment(s) are left to the next start", self->record->uid,
        g_queue_get_length (&self->uncommitted));
  if (self->suspending && !self->fenced) {
    state = weir_broadcast_make_state (self);
    weir_store_commit_state (
        self->context.store, self->record->uid, self->record->epoch, state, suspended, self);
    return;
  }
  if (left && !self->fenced) {
    /* the next start finds the broadcast live, with a journal and spool files */
    broadcast_leave (self, TRUE);
    return;
  }
  if (self->missing > 0)
    g_message ("broadcast %s: %u segment(s) are missing in the recording", self->record->uid,
        self->missing);
  self->missing = 0;
  if (self->record->recorded)
    event = weir_broadcast_make_event (self->record, WEIR_EVENT_RECORDING_READY, NULL);
  weir_store_end_broadcast (self->context.store, self->record->uid, self->record->epoch,
      self->record->recorded ? WEIR_BROADCAST_READY : WEIR_BROADCAST_ENDED, event, store_ended,
      self);
}

static void
broadcast_check_ended (WeirBroadcast *self)
{
  gboolean left = !g_queue_is_empty (&self->uncommitted) || self->inits_missing;

  if (!self->stopped || self->pending > 0 || self->finishing || self->end_timer != NULL)
    return;
  if (left && !self->fenced && !self->tried_again) {
    self->tried_again = TRUE;
    weir_broadcast_retry_commits (self);
    return;
  }
  if (left && !self->fenced && !self->given_up) {
    broadcast_end_later (self);
    return;
  }
  broadcast_finish (self, left);
}

static void
pipeline_stopped (G_GNUC_UNUSED GObject *source, G_GNUC_UNUSED GAsyncResult *result, gpointer data)
{
  WeirBroadcast *self = data;

  if (!self->suspending)
    weir_index_end (self->index);
  self->stopped = TRUE;
  weir_broadcast_pending_done (self);
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

WeirSecret
weir_broadcast_get_secret_kind (WeirConnection *connection)
{
  const gchar *protocol = weir_connection_get_protocol (connection);

  if (g_str_equal (protocol, "srt"))
    return WEIR_SECRET_SRT;
  return g_str_equal (protocol, "webrtc") ? WEIR_SECRET_WEBRTC : WEIR_SECRET_RTMP;
}

gboolean
weir_broadcast_is_admitted (const WeirLiveInput *input, WeirConnection *connection)
{
  return g_strcmp0 (input->secrets[weir_broadcast_get_secret_kind (connection)],
             weir_connection_get_secret (connection)) == 0;
}

void
weir_broadcast_check_secrets (
    WeirBroadcast *self, const WeirLiveInput *input, const gchar *description)
{
  if (self->trial != NULL && !weir_broadcast_is_admitted (input, self->trial_connection))
    weir_broadcast_dismiss_newcomer (self, description);
  if (self->connection != NULL && !weir_broadcast_is_admitted (input, self->connection))
    weir_connection_close (self->connection, description);
}

/* no more media: what has come is written and committed, then it ends, or is suspended */
static void
broadcast_stop (WeirBroadcast *self, const gchar *description)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GstStructure) statistics = NULL;

  if (self->ending)
    return;
  self->ending = TRUE;
  weir_broadcast_stop_waiting (self);
  weir_broadcast_dismiss_newcomer (self, description);
  if (self->leave_timer != NULL)
    g_source_destroy (self->leave_timer);
  g_clear_pointer (&self->leave_timer, g_source_unref);
  if (self->connection != NULL) {
    self->last_media_us =
        MAX (self->last_media_us, weir_connection_get_last_media_us (self->connection));
    weir_connection_close (self->connection, description);
  }
  weir_broadcast_clear_seat (self, description);
  weir_broadcast_note_end (self, self->last_media_us);
  g_object_get (self->sink, "stats", &statistics, NULL);
  if (statistics != NULL) {
    guint64 gop = 0;
    if (gst_structure_get_uint64 (statistics, "gop", &gop))
      self->gop_ns = (gint64) gop;
  }
  self->pending++;
  if (self->suspending) {
    weir_broadcast_set_state (
        self, WEIR_LIFECYCLE_RECONNECTING, weir_broadcast_get_deadline (self));
  } else {
    weir_broadcast_set_state (self, WEIR_LIFECYCLE_ENDED, 0);
    weir_broadcast_tell (self, WEIR_EVENT_BROADCAST_ENDED, description);
  }
  task = g_task_new (NULL, NULL, pipeline_stopped, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, stop_pipeline);
}

void
weir_broadcast_end (WeirBroadcast *self, const gchar *description)
{
  if (!self->ending)
    self->suspending = FALSE;
  broadcast_stop (self, description);
}

static gboolean
leave_time_over (gpointer data)
{
  WeirBroadcast *self = data;

  broadcast_stop (self, self->leaving);
  return G_SOURCE_REMOVE;
}

void
weir_broadcast_suspend (WeirBroadcast *self, const gchar *description, gint64 grace_us)
{
  if (self->ending || self->leaving != NULL)
    return;
  self->suspending = TRUE;
  weir_broadcast_dismiss_newcomer (self, description);
  if (self->connection == NULL ||
      !weir_connection_request_reconnect (self->connection, NULL, description)) {
    broadcast_stop (self, description);
    return;
  }
  self->leaving = g_strdup (description);
  self->leave_timer = g_timeout_source_new ((guint) (grace_us / 1000));
  g_source_set_callback (self->leave_timer, leave_time_over, self, NULL);
  g_source_attach (self->leave_timer, NULL);
}

gboolean
weir_broadcast_is_suspended (WeirBroadcast *self)
{
  return self->suspending;
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

/* @resume, @index: (nullable): of one that goes on */
static WeirBroadcast *
broadcast_new (const WeirBroadcastContext *context, const WeirBroadcastRecord *record,
    const WeirLiveInput *input, gint64 known_gop_ns, const WeirResume *resume, WeirIndex *index)
{
  WeirBroadcast *self = g_new0 (WeirBroadcast, 1);

  g_mutex_init (&self->lock);
  self->context = *context;
  self->record = weir_broadcast_record_copy (record);
  self->reconnect_window_us = weir_broadcast_find_window (context->config, input);
  self->state = WEIR_LIFECYCLE_CONNECTING;
  self->state_since_us = g_get_real_time ();
  self->index = index != NULL ? weir_index_ref (index)
                              : weir_index_new (record->uid, WEIR_INDEX_WINDOW_SEGMENTS);
  if (index == NULL && record->recorded)
    weir_index_set_recorded (self->index);
  self->spool_paths = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->timescales = g_array_new (FALSE, TRUE, sizeof (guint32));
  self->journal_fd = -1;
  self->health = weir_broadcast_health_new ();
  weir_token_bucket_init (
      &self->health_lines, HEALTH_LINES_RATE, HEALTH_LINES, g_get_monotonic_time ());
  self->worker = weir_worker_pool_acquire (context->workers);
  weir_broadcast_init_newcomer (self);
  weir_broadcast_init_resume (self, resume);
  broadcast_make_pipeline (self, known_gop_ns);
  return self;
}

WeirBroadcast *
weir_broadcast_new (const WeirBroadcastContext *context, const WeirBroadcastRecord *record,
    const WeirLiveInput *input, gint64 known_gop_ns)
{
  WeirBroadcast *self = broadcast_new (context, record, input, known_gop_ns, NULL, NULL);

  weir_broadcast_tell_started (self);
  return self;
}

WeirBroadcast *
weir_broadcast_resume (const WeirBroadcastContext *context, const WeirBroadcastRecord *record,
    const WeirLiveInput *input, const WeirResume *resume, WeirIndex *index)
{
  WeirBroadcast *self = broadcast_new (context, record, input, 0, resume, index);

  weir_broadcast_go_on_waiting (self);
  return self;
}

gint64
weir_broadcast_find_window (const WeirConfig *config, const WeirLiveInput *input)
{
  return input->recording_timeout_s > 0 ? input->recording_timeout_s * G_USEC_PER_SEC
                                        : config->recording.timeout;
}

void
weir_broadcast_free (WeirBroadcast *self)
{
  if (!self->record->recorded)
    weir_broadcast_forget (self, 0);
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
  g_clear_object (&self->newcomer);
  g_clear_pointer (&self->codecs, g_free);
  weir_broadcast_clear_commits (self);
  weir_resume_clear (&self->resume);
  g_free (self->leaving);
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
