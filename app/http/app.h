/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/links.h"
#include "auth/auth.h"
#include "blobs/blobs.h"
#include "broadcast/manager.h"
#include "events/events.h"
#include "http/server.h"
#include "net/door.h"
#include "recordings/recordings.h"
#include "rtmps.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirHttpApp: all that the daemon answers by HTTP, ready to be given to servers
 */
typedef struct _WeirHttpApp WeirHttpApp;

/* everything is (transfer none) and outlives the app; strings of @listeners are copied */
typedef struct {
  const WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirAuth *auth;
  WeirBroadcastManager *manager;
  WeirRecordings *recordings;
  WeirWorkerPool *workers; /* (nullable): for metrics; so are the next two */
  WeirCounters *counters;
  WeirDoor *door;
  WeirListeners listeners;
  WeirRtmps *rtmps;   /* (nullable) */
  WeirEvents *events; /* (nullable) */
} WeirHttpAppSettings;

WeirHttpApp *weir_http_app_new (const WeirHttpAppSettings *settings);
/* after its servers, and after the main context has run what still waits for the store */
void weir_http_app_free (WeirHttpApp *self);

/* handlers for weir_http_server_new(), user_data the app: everything, or with `http.admin-listen`
 * what viewers need on the public addresses */
void weir_http_app_handle (WeirHttpRequest *request, gpointer app);
void weir_http_app_handle_public (WeirHttpRequest *request, gpointer app);

/* Returns: (transfer full): what the API says of a recording, as JSON */
gchar *weir_http_app_describe (const WeirBroadcastRecord *record, gpointer app);

/* one more whose numbers /metrics sums up. Any thread; so is the next. */
void weir_http_app_add_server (WeirHttpApp *self, WeirHttpServer *server);
/* before any of them is freed */
void weir_http_app_remove_servers (WeirHttpApp *self);
/* whether /readyz says yes; FALSE at first. Any thread. */
void weir_http_app_set_ready (WeirHttpApp *self, gboolean ready);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpApp, weir_http_app_free)

G_END_DECLS
