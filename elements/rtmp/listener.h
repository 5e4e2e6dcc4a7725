/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/counters.h"
#include "connection.h"
#include "settings.h"

G_BEGIN_DECLS

#define WEIR_TYPE_RTMP_LISTENER (weir_rtmp_listener_get_type ())
G_DECLARE_FINAL_TYPE (WeirRtmpListener, weir_rtmp_listener, WEIR, RTMP_LISTENER, GObject)

typedef struct {
  WeirRtmpSessionSettings session;
  gint64 read_interval_us; /* 20 ms: rounds in which a publisher is read; 0: by event */
  gint64 authorise_us;     /* 5 s: no decision by then is a refusal */
  guint connections_max;   /* 1024 that have not been accepted yet */
  gsize output_max;        /* 64 KiB waiting to be sent to one peer */
  WeirCounters *counters;  /* (nullable) (transfer none): counts by weir_rtmp_get_limits() */
} WeirRtmpListenerSettings;

/* the defaults that stand beside the fields, and the session's */
void weir_rtmp_listener_settings_init (WeirRtmpListenerSettings *settings);

/**
 * weir_rtmp_listener_new:
 * @addresses: as weir_tcp_listener_new()
 * @worker: the accept thread
 *
 * Accepts publishers up to `publish`. Signal `authorise (connection) → gboolean`, on the accept
 * thread: a handler that returns TRUE has taken the decision upon itself and will call
 * weir_connection_accept() or weir_connection_refuse(), now or within `authorise_us`. Nobody
 * connected, or FALSE, is a refusal.
 *
 * Returns: NULL with a #GIOError
 */
WeirRtmpListener *weir_rtmp_listener_new (const gchar *addresses,
    const WeirRtmpListenerSettings *settings, WeirWorker *worker, GError **error);
/* Returns: (transfer none): as weir_tcp_listener_get_addresses(); any thread */
const gchar *weir_rtmp_listener_get_addresses (WeirRtmpListener *self);
/* any thread but from within `authorise`; stops listening; connections that were accepted go on,
 * the others are closed. To be called before the last reference is dropped: connections that are
 * not accepted yet keep the listener. */
void weir_rtmp_listener_stop (WeirRtmpListener *self);

G_END_DECLS
