/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include "auth/auth.h"
#include "blobs/blobs.h"
#include "broadcast/manager.h"
#include "broadcast/recover.h"
#include "config.h"
#include "descriptors.h"
#include "events/webhooks.h"
#include "fileerror.h"
#include "http/app.h"
#include "http/server.h"
#include "https.h"
#include "log.h"
#include "net/door.h"
#include "notify.h"
#include "recordings/recordings.h"
#include "rtmp/listener.h"
#include "rtmps.h"
#include "store/store.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

typedef struct {
  WeirConfig *config;
  GMainLoop *loop;
  WeirAuth *auth;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirEvents *events;
  WeirRecovery *recovery;
  WeirWorkerPool *workers;
  WeirWorker *accept;
  WeirCounters *counters;
  WeirDoor *door;
  WeirBroadcastManager *manager;
  gboolean recovered; /* the manager has all broadcasts that were left open */
  WeirRecordings *recordings;
  WeirRtmpListener *rtmp;
  WeirRtmps *rtmps;
  WeirHttpApp *app;
  WeirWebhooks *webhooks;
  WeirHttpServer *http;  /* NULL when it is off; so below */
  WeirHttpServer *admin; /* NULL: everything is on @http and @https */
  WeirHttps *https;
  WeirNetworks *proxies;
  gchar *ready_path;
  gboolean ready;
  gboolean stopping;
  gchar *config_file; /* NULL: looked for where it usually is */
  GStrv overrides;
  WeirLogSettings *log; /* in force */
  int status;
} Daemon;

static void on_rtmps_changed (gpointer data);

static void
notify (const gchar *state)
{
  g_autoptr (GError) error = NULL;

  if (!weir_notify (state, &error))
    g_message ("the service manager cannot be told: %s", error->message);
}

static void
daemon_quit (gpointer data)
{
  Daemon *self = data;

  g_main_loop_quit (self->loop);
}

/* the last that happened is told of too */
static void
daemon_drained (gpointer data)
{
  Daemon *self = data;

  weir_events_drain (self->events, daemon_quit, self);
}

static gboolean
on_terminate (gpointer data)
{
  Daemon *self = data;

  if (self->stopping)
    return G_SOURCE_CONTINUE;
  self->stopping = TRUE;
  g_message ("stopping");
  notify ("STOPPING=1");
  if (self->app != NULL)
    weir_http_app_set_ready (self->app, FALSE);
  if (self->rtmp != NULL)
    weir_rtmp_listener_stop (self->rtmp);
  if (self->rtmps != NULL)
    weir_rtmps_stop (self->rtmps);
  if (self->recovered)
    weir_broadcast_manager_drain (self->manager, daemon_drained, self);
  return G_SOURCE_CONTINUE;
}

/* What can be changed while it runs is; of the rest it says that it is not. */
static void
daemon_reload_config (Daemon *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config =
      weir_config_load (self->config_file, (const gchar *const *) self->overrides, &error);
  g_auto (GStrv) changed = NULL;
  g_autoptr (GStrvBuilder) restart = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;
  g_autofree gchar *text = NULL;

  if (config == NULL) {
    g_warning ("the configuration is as before: %s", error->message);
    return;
  }
  weir_log_set_level (self->log, config->server.log_level);
  changed = weir_config_compare (self->config, config);
  for (guint i = 0; changed[i] != NULL; i++) {
    if (strcmp (changed[i], "server.log-level") != 0)
      g_strv_builder_add (restart, changed[i]);
  }
  names = g_strv_builder_end (restart);
  text = g_strjoinv (", ", names);
  if (names[0] != NULL)
    g_warning ("changed, but in force only after a restart: %s", text);
}

static gboolean
on_hangup (gpointer data)
{
  Daemon *self = data;
  g_autoptr (GError) error = NULL;

  if (self->stopping)
    return G_SOURCE_CONTINUE;
  g_message ("reloading");
  if (!weir_notify_reloading (&error))
    g_message ("the service manager cannot be told: %s", error->message);
  daemon_reload_config (self);
  if (self->rtmps != NULL)
    weir_rtmps_reload (self->rtmps);
  if (self->https != NULL)
    weir_https_reload (self->https);
  /* at the start there is still more to come */
  if (self->ready)
    notify ("READY=1");
  return G_SOURCE_CONTINUE;
}

static gboolean
on_authorise (G_GNUC_UNUSED WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  return weir_broadcast_manager_authorise (((Daemon *) data)->manager, connection);
}

/* the limits of every connection with an encoder */
static void
set_rtmp_limits (WeirRtmpListenerSettings *settings, const WeirConfig *config)
{
  settings->session.handshake_us = config->limits.rtmp_handshake;
  settings->session.first_media_us = config->limits.rtmp_first_media;
  settings->session.media_silence_us = config->limits.rtmp_media_silence;
  settings->session.early_bytes_max = (gsize) config->limits.rtmp_early_bytes;
  settings->session.streams_max = config->limits.rtmp_streams;
  settings->session.chunk_size_min = (guint32) config->limits.rtmp_chunk_size;
  settings->session.window_min = (guint32) config->limits.rtmp_window;
  settings->session.messages_rate = config->limits.rtmp_messages_rate;
  settings->session.commands_rate = config->limits.rtmp_commands_rate;
  settings->session.data_rate = config->limits.rtmp_metadata_rate;
  settings->session.pings_rate = config->limits.rtmp_pings_rate;
  settings->session.lead_us = config->limits.rtmp_lead;
  settings->session.clock_jumps = config->limits.rtmp_clock_jumps;
  settings->session.configurations = config->limits.rtmp_configurations;
  settings->session.tracks_max = config->limits.rtmp_tracks;
  settings->session.memory_max = (gsize) config->limits.rtmp_memory;
  settings->session.chunk.chunk_streams_max = config->limits.rtmp_chunk_streams;
  settings->session.chunk.video_max = (gsize) config->limits.rtmp_video_message;
  settings->session.chunk.audio_max = (gsize) config->limits.rtmp_audio_message;
  settings->session.chunk.data_max = (gsize) config->limits.rtmp_data_message;
  settings->session.chunk.control_max = (gsize) config->limits.rtmp_control_message;
  settings->session.chunk.partial_max = (gsize) config->limits.rtmp_partial_messages;
  settings->session.chunk.broken_per_minute = config->limits.rtmp_cut_off_messages;
  settings->session.amf.depth_max = config->limits.amf_depth;
  settings->session.amf.values_max = config->limits.amf_values;
  settings->authorise_us = config->limits.authorise;
  settings->authorisations_max = config->limits.authorisations;
  settings->output_max = (gsize) config->limits.rtmp_output;
}

/* a quarter of the descriptors, unless it is said; as many as fit into 1 GiB of first bytes */
#define PENDING_CONNECTIONS_MAX 16384
/* those who wait for their turn, for each that may talk */
#define WAITING_PER_TALKING 5

static guint
get_pending_connections (const WeirConfig *config)
{
  if (config->limits.pending_connections > 0)
    return config->limits.pending_connections;
  return CLAMP (weir_descriptors_get_limit () / 4, 1, PENDING_CONNECTIONS_MAX);
}

static void
daemon_make_door (Daemon *self)
{
  const WeirConfig *config = self->config;
  guint per_address = config->limits.pending_connections_per_address;
  guint rate = config->limits.connection_rate_per_address;
  WeirDoorSettings settings;

  weir_door_settings_init (&settings);
  settings.admission.connections_max = get_pending_connections (config);
  settings.admission.connections_per_address_max = per_address;
  settings.admission.waiting_per_address_max =
      per_address > 0 ? WAITING_PER_TALKING * per_address : G_MAXUINT;
  settings.admission.per_address_rate = rate;
  settings.admission.per_address_burst = 2 * rate;
  settings.patience_us = config->limits.rtmp_handshake;
  settings.counters = self->counters;
  /* it was read when the configuration was checked */
  if (config->rtmp.trusted_proxies[0] != '\0')
    settings.trusted = weir_networks_parse (config->rtmp.trusted_proxies, NULL);
  self->door = weir_door_new (&settings);
}

static void
daemon_warn_of_shortage (Daemon *self)
{
  const WeirConfig *config = self->config;
  guint servers = 1 + (config->http.admin_listen[0] != '\0') + (config->https.listen[0] != '\0');
  g_autofree gchar *text = weir_descriptors_explain_shortage (weir_descriptors_get_limit (),
      get_pending_connections (config),
      (guint) MIN ((guint64) servers * config->limits.http_connections, G_MAXINT));

  if (text != NULL)
    g_warning ("%s", text);
}

static void
make_rtmp_settings (Daemon *self, WeirRtmpListenerSettings *settings)
{
  weir_rtmp_listener_settings_init (settings);
  settings->session.app = self->config->rtmp.app;
  settings->read_interval_us = self->config->rtmp.read_interval;
  settings->door = self->door;
  settings->counters = self->counters;
  set_rtmp_limits (settings, self->config);
}

static gboolean
daemon_listen_rtmps (Daemon *self, GError **error)
{
  WeirRtmpListenerSettings settings;

  make_rtmp_settings (self, &settings);
  self->rtmps = weir_rtmps_new (
      self->config, &settings, self->accept, on_authorise, on_rtmps_changed, self, error);
  return self->rtmps != NULL;
}

static gboolean
daemon_listen_rtmp (Daemon *self, GError **error)
{
  WeirRtmpListenerSettings settings;
  const WeirConfig *config = self->config;

  if (config->rtmp.listen[0] == '\0')
    return TRUE;
  make_rtmp_settings (self, &settings);
  self->rtmp = weir_rtmp_listener_new (config->rtmp.listen, &settings, self->accept, error);
  if (self->rtmp == NULL) {
    g_prefix_error (error, "rtmp.listen: ");
    return FALSE;
  }
  g_signal_connect (self->rtmp, "authorise", G_CALLBACK (on_authorise), self);
  return TRUE;
}

static void
make_http_settings (Daemon *self, WeirHttpServerSettings *settings)
{
  const typeof (self->config->limits) *limits = &self->config->limits;

  weir_http_server_settings_init (settings);
  settings->counters = self->counters;
  settings->trusted_proxies = self->proxies;
  settings->connections_max = limits->http_connections;
  settings->connections_per_address_max = limits->http_connections_per_address;
  settings->header_time_us = limits->http_header_time;
  settings->body_time_us = limits->http_body_time;
  settings->idle_us = limits->http_idle;
  settings->write_stall_us = limits->http_write_stall;
  settings->write_progress = (guint64) limits->http_write_progress;
  settings->body_max = (gsize) limits->http_body;
  settings->header_max = (gsize) limits->http_header;
  settings->headers_max = limits->http_headers;
  settings->target_max = (gsize) limits->http_target;
  settings->parked_per_stream_max = limits->http_parked_per_stream;
  settings->parked_per_address_max = limits->http_parked_per_address;
  settings->answer_max_us = limits->http_answer;
}

/* @server: (out): stays NULL when @listen is empty */
static gboolean
daemon_serve (Daemon *self, const gchar *key, const gchar *listen, WeirHttpHandler handler,
    WeirHttpServer **server, GError **error)
{
  WeirHttpServerSettings settings;

  if (listen[0] == '\0')
    return TRUE;
  make_http_settings (self, &settings);
  *server = weir_http_server_new (listen, &settings, handler, self->app, error);
  if (*server == NULL) {
    g_prefix_error (error, "%s: ", key);
    return FALSE;
  }
  weir_http_app_add_server (self->app, *server);
  return TRUE;
}

static gboolean
daemon_serve_tls (Daemon *self, WeirHttpHandler handler, GError **error)
{
  WeirHttpServerSettings settings;

  if (self->config->https.listen[0] == '\0')
    return TRUE;
  make_http_settings (self, &settings);
  self->https = weir_https_new (self->config, &settings, handler, self->app, error);
  if (self->https == NULL)
    return FALSE;
  weir_http_app_add_server (self->app, weir_https_get_server (self->https));
  return TRUE;
}

static gboolean
daemon_listen_http (Daemon *self, GError **error)
{
  const WeirConfig *config = self->config;
  WeirHttpHandler on_public =
      config->http.admin_listen[0] != '\0' ? weir_http_app_handle_public : weir_http_app_handle;
  WeirHttpAppSettings settings = {
      .config = config,
      .store = self->store,
      .blobs = self->blobs,
      .auth = self->auth,
      .manager = self->manager,
      .events = self->events,
      .recordings = self->recordings,
      .workers = self->workers,
      .rtmps = self->rtmps,
      .counters = self->counters,
      .door = self->door,
  };

  if (self->rtmp != NULL)
    settings.listeners.rtmp = (gchar *) weir_rtmp_listener_get_addresses (self->rtmp);
  self->app = weir_http_app_new (&settings);
  if (config->http.trusted_proxies[0] != '\0')
    self->proxies = weir_networks_parse (config->http.trusted_proxies, NULL);
  return daemon_serve (self, "http.listen", config->http.listen, on_public, &self->http, error) &&
         daemon_serve_tls (self, on_public, error) &&
         daemon_serve (self, "http.admin-listen", config->http.admin_listen, weir_http_app_handle,
             &self->admin, error);
}

static gboolean
daemon_open_state (Daemon *self, GError **error)
{
  const gchar *folder = self->config->server.state_dir;
  g_autofree gchar *database = g_build_filename (folder, "weir.db", NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0) {
    return weir_set_file_error (error, errno, "Cannot make", folder);
  }
  self->auth =
      weir_auth_load (folder, self->config->api.account, self->config->api.token_file, error);
  if (self->auth == NULL)
    return FALSE;
  self->store = weir_store_sqlite_new (database, error);
  if (self->store == NULL)
    return FALSE;
  self->events = weir_events_new (self->store, weir_auth_get_account (self->auth));
  weir_events_set_retention (self->events, self->config->events.keep, self->config->events.max);
  self->blobs = weir_blobs_file_new (self->config->blobs.path, error);
  return self->blobs != NULL;
}

/* Returns: (transfer full): the ready line */
static gchar *
daemon_describe (Daemon *self)
{
  g_autoptr (GString) line = g_string_new ("ready");
  g_autofree gchar *rtmps = weir_rtmps_get_addresses (self->rtmps);

  if (self->http != NULL)
    g_string_append_printf (line, " http=%s", weir_http_server_get_addresses (self->http));
  if (self->https != NULL)
    g_string_append_printf (
        line, " https=%s", weir_http_server_get_addresses (weir_https_get_server (self->https)));
  if (self->admin != NULL)
    g_string_append_printf (line, " admin=%s", weir_http_server_get_addresses (self->admin));
  if (self->rtmp != NULL)
    g_string_append_printf (line, " rtmp=%s", weir_rtmp_listener_get_addresses (self->rtmp));
  if (rtmps != NULL)
    g_string_append_printf (line, " rtmps=%s", rtmps);
  g_string_append_c (line, '\n');
  return g_string_free (g_steal_pointer (&line), FALSE);
}

static void
daemon_write_ready (Daemon *self, const gchar *line)
{
  g_autoptr (GError) error = NULL;

  if (g_file_set_contents_full (
          self->ready_path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
    return;
  /* what an earlier one says is wrong */
  g_unlink (self->ready_path);
  g_message ("the command cannot find the daemon by itself, it needs --url: %s", error->message);
}

/* what is on changes in the file; standard output has one line only */
static void
on_rtmps_changed (gpointer data)
{
  Daemon *self = data;
  g_autofree gchar *line = daemon_describe (self);

  daemon_write_ready (self, line);
}

static void
daemon_tell_ready (Daemon *self)
{
  g_autofree gchar *line = daemon_describe (self);

  daemon_write_ready (self, line);
  weir_http_app_set_ready (self->app, TRUE);
  fputs (line, stdout);
  fflush (stdout);
  self->ready = TRUE;
  notify ("READY=1");
}

static void
daemon_make_webhooks (Daemon *self)
{
  WeirWebhooksSettings settings;
  /* it was read when the configuration was checked */
  g_autoptr (WeirEgress) egress = weir_egress_new (self->config->egress.allow, NULL);

  weir_webhooks_settings_init (&settings);
  settings.store = self->store;
  settings.egress = egress;
  settings.counters = self->counters;
  settings.describe = weir_http_app_describe;
  settings.describe_data = self->app;
  self->webhooks = weir_webhooks_new (&settings);
}

static gboolean
daemon_start (Daemon *self, GError **error)
{
  self->accept = weir_worker_new ("weir-accept");
  daemon_make_door (self);
  if (!daemon_listen_rtmp (self, error) || !daemon_listen_rtmps (self, error) ||
      !daemon_listen_http (self, error))
    return FALSE;
  daemon_make_webhooks (self);
  weir_recordings_start (self->recordings);
  daemon_tell_ready (self);
  return TRUE;
}

static void
daemon_fail (Daemon *self, const GError *error)
{
  g_critical ("%s", error->message);
  self->status = 1;
  g_main_loop_quit (self->loop);
}

static void
daemon_accounts_known (gpointer data)
{
  Daemon *self = data;
  g_autoptr (GError) error = NULL;

  self->recovered = TRUE;
  if (!self->stopping && daemon_start (self, &error))
    return;
  if (!self->stopping) {
    g_critical ("%s", error->message);
    self->status = 1;
  }
  weir_broadcast_manager_drain (self->manager, daemon_drained, self);
}

static void
daemon_recovered (gpointer data)
{
  Daemon *self = data;

  weir_auth_follow (self->auth, self->store, daemon_accounts_known, self);
}

static void
daemon_recover (Daemon *self)
{
  self->workers = weir_worker_pool_new (self->config->server.workers);
  self->manager =
      weir_broadcast_manager_new (self->config, self->store, self->blobs, self->workers);
  weir_broadcast_manager_set_counters (self->manager, self->counters);
  weir_broadcast_manager_set_events (self->manager, self->events);
  self->recordings = weir_recordings_new (self->config, self->store, self->blobs, self->manager);
  self->recovery = weir_recovery_new (
      self->config, self->store, self->blobs, self->manager, daemon_recovered, self);
}

static void
daemon_clear (Daemon *self)
{
  if (self->ready_path != NULL)
    g_unlink (self->ready_path);
  g_clear_pointer (&self->ready_path, g_free);
  if (self->app != NULL)
    weir_http_app_remove_servers (self->app);
  g_clear_pointer (&self->admin, weir_http_server_free);
  g_clear_pointer (&self->https, weir_https_free);
  g_clear_pointer (&self->http, weir_http_server_free);
  g_clear_pointer (&self->proxies, weir_networks_free);
  g_clear_pointer (&self->recovery, weir_recovery_free);
  g_clear_pointer (&self->webhooks, weir_webhooks_free);
  while (g_main_context_iteration (NULL, FALSE))
    ; /* answers that waited for the store */
  g_clear_pointer (&self->app, weir_http_app_free);
  g_clear_object (&self->rtmp);
  g_clear_pointer (&self->rtmps, weir_rtmps_free);
  if (self->accept != NULL)
    weir_worker_stop (self->accept);
  g_clear_pointer (&self->accept, weir_worker_unref);
  g_clear_pointer (&self->door, weir_door_unref);
  g_clear_pointer (&self->workers, weir_worker_pool_free);
  g_clear_pointer (&self->recordings, weir_recordings_free);
  g_clear_pointer (&self->manager, weir_broadcast_manager_free);
  g_clear_pointer (&self->events, weir_events_free);
  g_clear_object (&self->blobs);
  g_clear_object (&self->store);
  g_clear_pointer (&self->auth, weir_auth_free);
  g_clear_pointer (&self->counters, weir_counters_unref);
  g_clear_pointer (&self->config, weir_config_free);
  g_clear_pointer (&self->config_file, g_free);
  g_clear_pointer (&self->overrides, g_strfreev);
  g_clear_pointer (&self->loop, g_main_loop_unref);
}

int
weir_daemon_run (int argc, char **argv)
{
  g_autofree gchar *file = NULL;
  g_auto (GStrv) overrides = NULL;
  const GOptionEntry entries[] = {
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &file, "Configuration file", "FILE"},
      {"option", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &overrides, "Override a key",
          "SECTION.KEY=VALUE"},
      G_OPTION_ENTRY_NULL};
  g_autoptr (GOptionContext) context = g_option_context_new ("- run the daemon");
  g_autoptr (GError) error = NULL;
  WeirLogSettings log;
  Daemon self = {0};

  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname ("weir serve");
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1) {
    g_printerr ("weir serve: %s\n", error != NULL ? error->message : "too many arguments");
    return 2;
  }
  self.config = weir_config_load (file, (const gchar *const *) overrides, &error);
  if (self.config == NULL) {
    g_printerr ("weir serve: %s\n", error->message);
    return 2;
  }
  weir_log_settings_init (&log, self.config->server.log_level, self.config->server.log_format);
  self.log = weir_log_install (&log);
  self.config_file = g_steal_pointer (&file);
  self.overrides = g_steal_pointer (&overrides);
  weir_descriptors_raise_limit ();
  umask (077);

  daemon_warn_of_shortage (&self);

  self.counters = weir_counters_new ();
  self.loop = g_main_loop_new (NULL, FALSE);
  self.ready_path = g_build_filename (self.config->server.state_dir, "ready", NULL);
  g_unix_signal_add (SIGTERM, on_terminate, &self);
  g_unix_signal_add (SIGINT, on_terminate, &self);
  g_unix_signal_add (SIGHUP, on_hangup, &self);
  if (daemon_open_state (&self, &error))
    daemon_recover (&self);
  else
    daemon_fail (&self, error);
  if (self.status == 0)
    g_main_loop_run (self.loop);
  daemon_clear (&self);
  return self.status;
}
