/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/app.h"

#include "api/accounts.h"
#include "api/backup.h"
#include "api/envelope.h"
#include "api/events.h"
#include "api/json.h"
#include "api/keys.h"
#include "api/live_inputs.h"
#include "api/missing.h"
#include "api/outputs.h"
#include "api/tokens.h"
#include "api/videos.h"
#include "api/webhooks.h"
#include "descriptors.h"
#include "metrics/metrics.h"
#include "playback/handlers.h"
#include "weir-api.h"

#include <string.h>

struct _WeirHttpApp {
  WeirHttpRouter *all;
  WeirHttpRouter *public;
  WeirListeners listeners;
  WeirApi api;
  WeirPlayback playback;
  WeirWorkerPool *workers;
  WeirCounters *counters;
  WeirDoor *door;
  WeirEgress *egress;
  gint64 started_us;
  gint ready; /* atomic */

  GMutex lock;
  GPtrArray *servers; /* of WeirHttpServer, not owned */
};

static void
respond_resource (WeirHttpRequest *request, const gchar *path, const gchar *content_type)
{
  g_autoptr (GBytes) body =
      g_resource_lookup_data (weir_api_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  WeirHttpResponse *response = weir_http_response_new (body ? 200 : 404);

  if (body != NULL)
    weir_http_response_set_body (response, content_type, body);
  weir_http_response_set_header (response, "Cache-Control", "max-age=60");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  weir_http_request_respond (request, response);
}

static void
get_openapi (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  respond_resource (request, "/weir/api/openapi.json", "application/json");
}

/* the dashboard asks nobody but this server for anything, and runs nothing that is not its own */
#define DASHBOARD_POLICY                                                                  \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " \
  "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* the dashboard, with what whoever runs this server should know in place of a comment */
static void
get_dashboard (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    gpointer user_data)
{
  WeirHttpApp *self = user_data;
  g_autofree gchar *hint = self->api.rtmps != NULL ? weir_rtmps_get_hint (self->api.rtmps) : NULL;
  /* the hint itself names folders of this machine, which are nobody's business out there */
  const gchar *note = hint != NULL
                          ? "<p id=\"rtmps\">RTMPS is off. On the server, <code>weir status"
                            "</code> says why, and how it is switched on.</p>"
                          : "";
  g_autoptr (GBytes) page = g_resource_lookup_data (
      weir_api_get_resource (), "/weir/api/dashboard.html", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (GString) text =
      g_string_new_len (g_bytes_get_data (page, NULL), (gssize) g_bytes_get_size (page));
  WeirHttpResponse *response = weir_http_response_new (200);

  g_string_replace (text, "<!-- rtmps -->", note, 1);
  weir_http_response_set_text (response, "text/html; charset=utf-8", text->str);
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  weir_http_response_set_header (response, "Content-Security-Policy", DASHBOARD_POLICY);
  weir_http_response_set_header (response, "Referrer-Policy", "no-referrer");
  weir_http_request_respond (request, response);
}

static void
get_healthz (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  weir_http_request_respond_text (request, 200, "alive\n");
}

static void
get_readyz (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    gpointer user_data)
{
  WeirHttpApp *self = user_data;

  if (g_atomic_int_get (&self->ready))
    weir_http_request_respond_text (request, 200, "ready\n");
  else
    weir_http_request_respond_text (request, 503, "not ready\n");
}

static void
add_statistics (WeirHttpServerStatistics *sum, const WeirHttpServerStatistics *more)
{
  sum->requests += more->requests;
  for (guint i = 0; i < G_N_ELEMENTS (sum->responses_by_class); i++)
    sum->responses_by_class[i] += more->responses_by_class[i];
  sum->bytes_sent += more->bytes_sent;
  sum->connections += more->connections;
  sum->parked += more->parked;
}

/* from this host, but not by a web page in a browser here that uses a name of its own for it */
static gboolean
is_for_operator (WeirHttpApp *self, WeirHttpRequest *request)
{
  if (weir_api_has_token (&self->api, request))
    return TRUE;
  return weir_http_request_is_loopback (request) &&
         weir_links_is_host_allowed (self->api.config, weir_http_request_get_host (request));
}

static void
get_metrics (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    gpointer user_data)
{
  WeirHttpApp *self = user_data;
  WeirMetrics metrics = {.started_us = self->started_us};
  WeirHttpServerStatistics http = {0};
  g_autofree gint64 *pushes = NULL;
  g_autofree gchar *text = NULL;
  WeirRtmpsStatistics rtmps;
  WeirHttpResponse *response;

  if (!is_for_operator (self, request)) {
    weir_http_request_respond_text (request, 403, "For this host or with the API token\n");
    return;
  }
  if (self->api.rtmps != NULL) {
    weir_rtmps_get_statistics (self->api.rtmps, &rtmps);
    metrics.rtmps = &rtmps;
  }
  weir_broadcast_manager_get_totals (self->api.manager, &metrics.broadcasts);
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->servers->len; i++) {
    WeirHttpServerStatistics statistics;

    weir_http_server_get_statistics (self->servers->pdata[i], &statistics);
    add_statistics (&http, &statistics);
  }
  g_mutex_unlock (&self->lock);
  metrics.http = &http;
  if (self->workers != NULL) {
    metrics.workers = weir_worker_pool_get_size (self->workers);
    pushes = g_new0 (gint64, metrics.workers);
    for (guint i = 0; i < metrics.workers; i++)
      pushes[i] = weir_worker_get_longest_push (weir_worker_pool_get (self->workers, i));
    metrics.longest_pushes_us = pushes;
  }
  metrics.refusals = self->counters;
  if (self->door != NULL)
    weir_door_get_pending (self->door, &metrics.talking, &metrics.waiting);
  metrics.open_files = weir_descriptors_count_open ();
  metrics.open_files_max = weir_descriptors_get_limit ();
  text = weir_metrics_format (&metrics);
  response = weir_http_response_new (200);
  weir_http_response_set_text (response, "text/plain; version=0.0.4; charset=utf-8", text);
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_request_respond (request, response);
}

static void
answer_without_route (
    WeirHttpRequest *request, guint status, const gchar *allow, G_GNUC_UNUSED gpointer user_data)
{
  WeirHttpResponse *response;

  if (g_str_has_prefix (weir_http_request_get_path (request), "/client/")) {
    response =
        status == 404
            ? weir_api_failure (404, WEIR_API_NO_ROUTE, "There is no such operation", NULL)
            : weir_api_failure (405, WEIR_API_METHOD_NOT_ALLOWED, "Method not allowed", NULL);
  } else {
    response = weir_http_response_new (status);
    weir_http_response_set_text (response, "text/plain; charset=utf-8",
        status == 404 ? "Not found\n" : "Method not allowed\n");
    weir_http_response_set_header (response, "Cache-Control", "max-age=1");
    weir_http_response_set_header (response, "Access-Control-Allow-Origin", "*");
  }
  if (status == 405)
    weir_http_response_set_header (response, "Allow", allow);
  weir_http_request_respond (request, response);
}

static WeirHttpRouter *
make_router (WeirHttpApp *self, gboolean with_management)
{
  WeirHttpRouter *router = weir_http_router_new ();

  weir_http_router_add (router, "GET", "/healthz", get_healthz, self, NULL);
  weir_http_router_add (router, "GET", "/readyz", get_readyz, self, NULL);
  if (with_management) {
    weir_http_router_add (router, "GET", "/", get_dashboard, self, NULL);
    weir_http_router_add (router, "GET", "/openapi.json", get_openapi, self, NULL);
    weir_http_router_add (router, "GET", "/metrics", get_metrics, self, NULL);
    weir_api_events_add_routes (&self->api, router);
    weir_accounts_add_routes (&self->api, router);
    weir_backup_add_routes (&self->api, router);
    weir_api_webhooks_add_routes (&self->api, router);
    weir_live_inputs_add_routes (&self->api, router);
    weir_outputs_add_routes (&self->api, router);
    weir_keys_add_routes (&self->api, router);
    weir_tokens_add_routes (&self->api, router);
    weir_missing_add_routes (&self->api, router);
    /* the last: every other name is a recording's */
    weir_videos_add_routes (&self->api, router);
  }
  weir_playback_add_routes (&self->playback, router);
  weir_http_router_set_fallback (router, answer_without_route, self);
  return router;
}

WeirHttpApp *
weir_http_app_new (const WeirHttpAppSettings *settings)
{
  WeirHttpApp *self = g_new0 (WeirHttpApp, 1);

  g_mutex_init (&self->lock);
  self->servers = g_ptr_array_new ();
  self->started_us = g_get_real_time ();
  self->workers = settings->workers;
  self->counters = settings->counters;
  self->door = settings->door;
  self->listeners.http = g_strdup (settings->listeners.http);
  self->listeners.rtmp = g_strdup (settings->listeners.rtmp);
  self->listeners.srt = g_strdup (settings->listeners.srt);
  /* it was read when the configuration was checked */
  self->egress = weir_egress_new (settings->config->egress.allow, NULL);
  self->api = (WeirApi){
      .config = settings->config,
      .store = settings->store,
      .manager = settings->manager,
      .listeners = &self->listeners,
      .auth = settings->auth,
      .events = settings->events,
      .egress = self->egress,
      .recordings = settings->recordings,
      .rtmps = settings->rtmps,
      .counters = settings->counters,
  };
  self->playback = (WeirPlayback){
      .store = settings->store,
      .blobs = settings->blobs,
      .manager = settings->manager,
  };
  self->all = make_router (self, TRUE);
  self->public = make_router (self, FALSE);
  return self;
}

void
weir_http_app_free (WeirHttpApp *self)
{
  weir_http_router_free (self->all);
  weir_http_router_free (self->public);
  g_free (self->listeners.http);
  g_free (self->listeners.rtmp);
  g_free (self->listeners.srt);
  g_ptr_array_unref (self->servers);
  weir_egress_unref (self->egress);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gchar *
weir_http_app_describe (const WeirBroadcastRecord *record, gpointer app)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_api_add_video (json, &((WeirHttpApp *) app)->api, NULL, record);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

void
weir_http_app_handle (WeirHttpRequest *request, gpointer app)
{
  weir_http_router_handle (request, ((WeirHttpApp *) app)->all);
}

void
weir_http_app_handle_public (WeirHttpRequest *request, gpointer app)
{
  weir_http_router_handle (request, ((WeirHttpApp *) app)->public);
}

void
weir_http_app_add_server (WeirHttpApp *self, WeirHttpServer *server)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->servers, server);
  g_mutex_unlock (&self->lock);
}

void
weir_http_app_remove_servers (WeirHttpApp *self)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_set_size (self->servers, 0);
  g_mutex_unlock (&self->lock);
}

void
weir_http_app_set_ready (WeirHttpApp *self, gboolean ready)
{
  g_atomic_int_set (&self->ready, ready);
}
