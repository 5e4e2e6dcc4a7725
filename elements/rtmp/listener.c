/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "rtmp/listener.h"

#include "base/tokenbucket.h"
#include "net/socket.h"
#include "rtmp/connectioninternal.h"

#include <unistd.h>

/* lines in the log about strangers; more tell nothing more */
#define LOG_LINES_PER_SECOND 2
#define LOG_LINES_BURST 20

struct _WeirRtmpListener {
  GObject parent;

  WeirRtmpListenerSettings settings;
  gchar *app;
  WeirWorker *worker;
  gchar *addresses;
  GMutex lock;
  WeirTcpListener *tcp; /* under @lock; NULL once stopped */

  /* on the accept thread; each of its connections has a reference to the listener */
  GHashTable *pending; /* WeirRtmpConnection, with a reference */
  WeirTokenBucket log_lines;
};

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
      .connections_max = 1024,
      .output_max = 64 * 1024,
  };
  weir_rtmp_session_settings_init (&settings->session);
}

static gboolean
may_log (WeirRtmpListener *self)
{
  return weir_token_bucket_take (&self->log_lines, 1, g_get_monotonic_time ());
}

static void
on_publish (WeirRtmpConnection *connection, gpointer data)
{
  WeirRtmpListener *self = data;
  gboolean handled = FALSE;

  g_signal_emit (self, signals[SIGNAL_AUTHORISE], 0, connection, &handled);
  if (!handled)
    weir_connection_refuse (
        WEIR_CONNECTION (connection), WEIR_REFUSAL_NOT_ALLOWED, "Publishing is not allowed.");
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
  else if (may_log (self))
    g_message ("connection %" G_GUINT64_FORMAT " rtmp from %s ended before publishing: %s",
        weir_connection_get_id (connection), weir_connection_get_peer (connection), summary.reason);
  weir_connection_summary_clear (&summary);
}

static void
on_left (WeirRtmpConnection *connection, gboolean accepted, gpointer data)
{
  WeirRtmpListener *self = data;

  if (!accepted)
    log_end (self, WEIR_CONNECTION (connection));
  g_hash_table_remove (self->pending, connection);
  g_object_unref (self);
}

static const WeirRtmpConnectionOwner owner = {on_publish, on_left};

static void
on_accepted (gint fd, gpointer user_data)
{
  WeirRtmpListener *self = user_data;
  const WeirRtmpConnectionSettings settings = {
      .session = &self->settings.session,
      .read_interval_us = self->settings.read_interval_us,
      .authorise_us = self->settings.authorise_us,
      .output_max = self->settings.output_max,
      .counters = self->settings.counters,
  };

  if (g_hash_table_size (self->pending) >= self->settings.connections_max) {
    if (may_log (self))
      g_message ("rtmp: %u connections wait to publish; a further one is closed",
          self->settings.connections_max);
    close (fd);
    return;
  }
  g_hash_table_add (self->pending,
      weir_rtmp_connection_new (fd, &settings, self->worker, &owner, g_object_ref (self)));
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
  }
  self->worker = weir_worker_ref (worker);
  self->tcp = weir_tcp_listener_new (worker, addresses, on_accepted, self, error);
  if (self->tcp == NULL)
    return NULL;
  self->addresses = g_strdup (weir_tcp_listener_get_addresses (self->tcp));
  return g_steal_pointer (&self);
}

const gchar *
weir_rtmp_listener_get_addresses (WeirRtmpListener *self)
{
  return self->addresses;
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
  WeirTcpListener *tcp;

  g_mutex_lock (&self->lock);
  tcp = g_steal_pointer (&self->tcp);
  g_mutex_unlock (&self->lock);
  if (tcp == NULL)
    return;
  weir_tcp_listener_free (tcp);
  weir_worker_invoke (self->worker, abort_pending, g_object_ref (self), g_object_unref);
}

static void
weir_rtmp_listener_finalize (GObject *object)
{
  WeirRtmpListener *self = WEIR_RTMP_LISTENER (object);

  /* Nothing is pending: each of them would have a reference. */
  weir_tcp_listener_free (self->tcp);
  g_clear_pointer (&self->worker, weir_worker_unref);
  g_hash_table_unref (self->pending);
  g_clear_pointer (&self->settings.counters, weir_counters_unref);
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
  self->pending = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  weir_token_bucket_init (
      &self->log_lines, LOG_LINES_PER_SECOND, LOG_LINES_BURST, g_get_monotonic_time ());
}
