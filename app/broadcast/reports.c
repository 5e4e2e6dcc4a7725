/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a broadcast: its health, its status, what it has counted, how it failed. */
#include "broadcast/private.h"

#include "broadcast/dump.h"

#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* so long a codec that is not supported may be followed by something that is */
#define UNSUPPORTED_WAIT_S 5
#define HEALTH_CHECK_S 1
/* messages about health that wait for the main thread */
#define HEALTH_WAITING_MAX 64

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
  weir_broadcast_pending_done (self);
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
  gchar *detail; /* (nullable): a source's */
} HealthChange;

static void
health_change_free (HealthChange *change)
{
  g_free (change->issue.name);
  g_free (change->issue.text);
  g_free (change->detail);
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

static WeirBroadcastHealth *broadcast_get_health (WeirBroadcast *self);

/* @unsupported: (nullable): "NAME", or "NAME: what is the matter with it".
 * Returns: (transfer full): the names of a kind's codecs, each once */
static gchar *
describe_codecs (const WeirBroadcastHealth *health, WeirMediaKind kind, const gchar *unsupported)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (unsupported != NULL)
    g_ptr_array_add (names, g_strndup (unsupported, strcspn (unsupported, ":")));
  for (guint i = 0; i < health->tracks->len; i++) {
    const WeirBroadcastTrack *track = health->tracks->pdata[i];

    if (track->kind == kind && track->codec != NULL &&
        !g_ptr_array_find_with_equal_func (names, track->codec, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (track->codec));
  }
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (gchar **) names->pdata);
}

static void
broadcast_tell_change (WeirBroadcast *self, const HealthChange *change)
{
  const WeirHealthCode code = change->issue.code;
  g_autoptr (WeirBroadcastHealth) health = broadcast_get_health (self);
  g_autofree gchar *video = describe_codecs (health, WEIR_MEDIA_VIDEO,
      code == WEIR_HEALTH_UNSUPPORTED_VIDEO_CODEC ? change->detail : NULL);
  g_autofree gchar *audio = describe_codecs (health, WEIR_MEDIA_AUDIO,
      code == WEIR_HEALTH_UNSUPPORTED_AUDIO_CODEC ? change->detail : NULL);

  weir_broadcast_tell_health (self, &change->issue, change->raised, video, audio);
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
  if (changed) {
    broadcast_log_health (self, change);
    broadcast_tell_change (self, change);
  }
  broadcast_tell_encoder (self, change);
  weir_broadcast_pending_done (self);
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
  change->detail = g_strdup (gst_structure_get_string (structure, "detail"));
  change->issue.text = g_strdup (gst_structure_get_string (structure, "text"));
  if (change->issue.text == NULL)
    change->issue.text = weir_health_describe_code (change->issue.code, change->detail);
  g_atomic_int_inc (&self->health_waiting);
  weir_broadcast_post (self, health_on_main, change);
}

/* nothing but what is not supported: the encoder would send it for nothing */
static void
broadcast_check_unsupported (WeirBroadcast *self)
{
  g_autofree gchar *text = NULL;
  const WeirBroadcastIssue *issue;

  if (self->connection == NULL || weir_broadcast_get_state (self) != WEIR_LIFECYCLE_CONNECTING)
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

void
weir_broadcast_begin_health (WeirBroadcast *self, gboolean fresh)
{
  self->told = 0;
  self->health_checks = 0;
  g_mutex_lock (&self->lock);
  if (fresh)
    weir_broadcast_health_forget_sources (self->health);
  g_mutex_unlock (&self->lock);
  weir_broadcast_end_health (self);
  self->health_timer = g_timeout_source_new_seconds (HEALTH_CHECK_S);
  g_source_set_callback (self->health_timer, check_health, self, NULL);
  g_source_attach (self->health_timer, NULL);
}

void
weir_broadcast_end_health (WeirBroadcast *self)
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

GstBusSyncReply
weir_broadcast_on_bus_message (G_GNUC_UNUSED GstBus *bus, GstMessage *message, gpointer data)
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
    weir_broadcast_post (self, dump_on_main, NULL);
  gst_message_unref (message);
  return GST_BUS_DROP;
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
  totals->takeovers_total += self->takeovers;
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
  status->segments = self->segments_before + self->segments;
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
