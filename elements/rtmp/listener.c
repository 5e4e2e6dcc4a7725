/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "rtmp/listener.h"

#include "net/door.h"
#include "net/socket.h"
#include "rtmp/connectioninternal.h"

struct _WeirRtmpListener {
  GObject parent;

  WeirRtmpListenerSettings settings;
  gchar *app;
  WeirWorker *worker;
  gchar *addresses;
  GMutex lock;
  WeirDoorway *doorway;          /* changed under @lock; NULL once stopped */
  WeirRtmpHandshakes handshakes; /* under @lock */

  /* on the accept thread; each of its connections has a reference to the listener */
  GHashTable *pending; /* WeirRtmpConnection, with a reference → Pending */
  GQueue line;         /* Pending: they want to publish, and nobody has been asked yet */
  guint asking;        /* decisions that are awaited */
};

/* a connection that has not been let in for good */
typedef struct {
  WeirRtmpConnection *connection;
  WeirVisit *visit;
  GList link; /* in the line */
  gboolean in_line;
  gboolean asking;
} Pending;

G_DEFINE_FINAL_TYPE (WeirRtmpListener, weir_rtmp_listener, G_TYPE_OBJECT)

enum {
  SIGNAL_AUTHORISE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

void
weir_rtmp_listener_settings_init (WeirRtmpListenerSettings *settings)
{
  *settings = (WeirRtmpListenerSettings){
      .read_interval_us = 20 * 1000,
      .authorise_us = 5 * G_USEC_PER_SEC,
      .authorisations_max = 64,
      .line_us = 20 * G_USEC_PER_SEC,
      .output_max = 64 * 1024,
  };
  weir_rtmp_session_settings_init (&settings->session);
}

static void
pending_free (Pending *self)
{
  weir_visit_end (self->visit);
  g_free (self);
}

static void
ask (WeirRtmpListener *self, Pending *pending)
{
  WeirRtmpConnection *connection = pending->connection;
  gboolean handled = FALSE;

  pending->asking = TRUE;
  self->asking++;
  weir_rtmp_connection_ask (connection);
  g_signal_emit (self, signals[SIGNAL_AUTHORISE], 0, connection, &handled);
  if (!handled)
    weir_connection_refuse (
        WEIR_CONNECTION (connection), WEIR_REFUSAL_NOT_ALLOWED, "Publishing is not allowed.");
}

/* Those in line get their turn; while nobody can, nobody new is accepted. Once stopped, nobody is
 * asked any more. */
static void
update_line (WeirRtmpListener *self)
{
  gboolean stopped;

  g_mutex_lock (&self->lock);
  stopped = self->doorway == NULL;
  g_mutex_unlock (&self->lock);
  while (!stopped && self->asking < self->settings.authorisations_max && self->line.length > 0) {
    Pending *pending = g_queue_pop_head_link (&self->line)->data;

    pending->in_line = FALSE;
    ask (self, pending);
  }
  g_mutex_lock (&self->lock);
  if (self->doorway != NULL)
    weir_doorway_set_paused (self->doorway, self->asking >= self->settings.authorisations_max);
  g_mutex_unlock (&self->lock);
}

static void
on_publish (WeirRtmpConnection *connection, gpointer data)
{
  WeirRtmpListener *self = data;
  Pending *pending = g_hash_table_lookup (self->pending, connection);

  pending->in_line = TRUE;
  g_queue_push_tail_link (&self->line, &pending->link);
  update_line (self);
}

static void
on_decided (WeirRtmpConnection *connection, gpointer data)
{
  WeirRtmpListener *self = data;
  Pending *pending = g_hash_table_lookup (self->pending, connection);

  if (pending->in_line)
    g_queue_unlink (&self->line, &pending->link);
  else if (pending->asking)
    self->asking--;
  pending->in_line = FALSE;
  pending->asking = FALSE;
  update_line (self);
}

static void
log_end (WeirRtmpListener *self, WeirConnection *connection)
{
  WeirConnectionSummary summary;

  weir_connection_get_summary (connection, &summary);
  /* who looks whether the port is open, says nothing */
  if (summary.bytes_received == 0)
    g_debug ("connection %" G_GUINT64_FORMAT " from %s: %s", weir_connection_get_id (connection),
        weir_connection_get_peer (connection), summary.reason);
  else
    weir_stranger_log (weir_door_get_log (self->settings.door), g_get_monotonic_time (),
        "connection %" G_GUINT64_FORMAT " %s from %s ended before publishing: %s",
        weir_connection_get_id (connection), weir_connection_get_protocol (connection),
        weir_connection_get_peer (connection), summary.reason);
  weir_connection_summary_clear (&summary);
}

static void
count_handshake (WeirRtmpListener *self, WeirRtmpConnection *connection)
{
  WeirRtmpTlsState state = weir_rtmp_connection_get_tls_state (connection);

  g_mutex_lock (&self->lock);
  self->handshakes.completed += state == WEIR_RTMP_TLS_ESTABLISHED;
  self->handshakes.failed += state == WEIR_RTMP_TLS_NOT_ESTABLISHED;
  g_mutex_unlock (&self->lock);
}

static void
on_left (WeirRtmpConnection *connection, gboolean accepted, gpointer data)
{
  WeirRtmpListener *self = data;

  count_handshake (self, connection);
  if (!accepted)
    log_end (self, WEIR_CONNECTION (connection));
  g_hash_table_remove (self->pending, connection);
  g_object_unref (self);
}

static const WeirRtmpConnectionOwner owner = {on_publish, on_decided, on_left};

static void
on_entered (gint fd, const gchar *peer, WeirVisit *visit, gpointer user_data)
{
  WeirRtmpListener *self = user_data;
  const WeirRtmpConnectionSettings settings = {
      .session = &self->settings.session,
      .read_interval_us = self->settings.read_interval_us,
      .authorise_us = self->settings.authorise_us,
      .line_us = self->settings.line_us,
      .output_max = self->settings.output_max,
      .counters = self->settings.counters,
      .certificates = self->settings.certificates,
  };
  Pending *pending = g_new0 (Pending, 1);

  pending->visit = visit;
  pending->link.data = pending;
  pending->connection =
      weir_rtmp_connection_new (fd, peer, &settings, self->worker, &owner, g_object_ref (self));
  g_hash_table_insert (self->pending, pending->connection, pending);
}

WeirRtmpListener *
weir_rtmp_listener_new (const gchar *addresses, const WeirRtmpListenerSettings *settings,
    WeirWorker *worker, GError **error)
{
  g_autoptr (WeirRtmpListener) self = g_object_new (WEIR_TYPE_RTMP_LISTENER, NULL);

  self->settings = *settings;
  self->app = g_strdup (settings->session.app);
  self->settings.session.app = self->app;
  if (settings->counters != NULL) {
    weir_counters_ref (settings->counters);
    for (const gchar *const *limit = weir_rtmp_get_limits (); *limit != NULL; limit++)
      weir_counters_declare (settings->counters, *limit);
    weir_counters_declare (settings->counters, WEIR_LIMIT_AUTHORISATIONS);
    weir_counters_declare (settings->counters, WEIR_LIMIT_AUTHORISE);
  }
  if (settings->certificates != NULL)
    weir_certificates_ref (settings->certificates);
  if (settings->certificates != NULL && settings->counters != NULL)
    weir_counters_declare (settings->counters, WEIR_RTMPS_HANDSHAKE);
  self->worker = weir_worker_ref (worker);
  if (settings->door != NULL) {
    weir_door_ref (settings->door);
  } else {
    WeirDoorSettings door;

    weir_door_settings_init (&door);
    self->settings.door = weir_door_new (&door);
  }
  self->doorway =
      weir_doorway_new (self->settings.door, worker, addresses, on_entered, self, error);
  if (self->doorway == NULL)
    return NULL;
  self->addresses = g_strdup (weir_doorway_get_addresses (self->doorway));
  return g_steal_pointer (&self);
}

const gchar *
weir_rtmp_listener_get_addresses (WeirRtmpListener *self)
{
  return self->addresses;
}

void
weir_rtmp_listener_get_handshakes (WeirRtmpListener *self, WeirRtmpHandshakes *handshakes)
{
  g_mutex_lock (&self->lock);
  *handshakes = self->handshakes;
  g_mutex_unlock (&self->lock);
}

static void
abort_pending (gpointer data)
{
  WeirRtmpListener *self = data;
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer connection;

  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    g_ptr_array_add (connections, g_object_ref (connection));
  for (guint i = 0; i < connections->len; i++)
    weir_rtmp_connection_abort (connections->pdata[i], "the listener was stopped");
}

void
weir_rtmp_listener_stop (WeirRtmpListener *self)
{
  WeirDoorway *doorway;

  g_mutex_lock (&self->lock);
  doorway = g_steal_pointer (&self->doorway);
  g_mutex_unlock (&self->lock);
  if (doorway == NULL)
    return;
  weir_doorway_free (doorway);
  weir_worker_invoke (self->worker, abort_pending, g_object_ref (self), g_object_unref);
}

static void
weir_rtmp_listener_finalize (GObject *object)
{
  WeirRtmpListener *self = WEIR_RTMP_LISTENER (object);

  /* Nothing is pending: each of them would have a reference. */
  weir_doorway_free (self->doorway);
  g_clear_pointer (&self->settings.door, weir_door_unref);
  g_clear_pointer (&self->worker, weir_worker_unref);
  g_hash_table_unref (self->pending);
  g_clear_pointer (&self->settings.counters, weir_counters_unref);
  weir_certificates_unref (self->settings.certificates);
  g_free (self->addresses);
  g_free (self->app);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (weir_rtmp_listener_parent_class)->finalize (object);
}

static void
weir_rtmp_listener_class_init (WeirRtmpListenerClass *class)
{
  G_OBJECT_CLASS (class)->finalize = weir_rtmp_listener_finalize;
  signals[SIGNAL_AUTHORISE] =
      g_signal_new ("authorise", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0,
          g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 1, WEIR_TYPE_CONNECTION);
}

static void
weir_rtmp_listener_init (WeirRtmpListener *self)
{
  g_mutex_init (&self->lock);
  self->pending = g_hash_table_new_full (NULL, NULL, g_object_unref, (GDestroyNotify) pending_free);
}
