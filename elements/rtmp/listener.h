/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/counters.h"
#include "../net/certificates.h"
#include "connection.h"
#include "settings.h"

G_BEGIN_DECLS

#define WEIR_TYPE_RTMP_LISTENER (weir_rtmp_listener_get_type ())
G_DECLARE_FINAL_TYPE (WeirRtmpListener, weir_rtmp_listener, WEIR, RTMP_LISTENER, GObject)

/* net/door.h */
typedef struct _WeirDoor WeirDoor;

typedef struct {
  WeirRtmpSessionSettings session;
  gint64 read_interval_us;  /* 20 ms: rounds in which a publisher is read; 0: by event */
  gint64 authorise_us;      /* 5 s: no decision by then is a refusal */
  guint authorisations_max; /* 64 decisions at a time; whoever comes meanwhile waits in line */
  gint64 line_us;           /* 20 s: the longest time in that line */
  WeirDoor *door;           /* (nullable) (transfer none): who comes in, shared with other listeners
                               of @worker; NULL: as weir_door_settings_init() has it */
  gsize output_max;         /* 64 KiB waiting to be sent to one peer */
  WeirCounters *counters;   /* (nullable) (transfer none): counts by weir_rtmp_get_limits() */
  WeirCertificates *certificates; /* (nullable) (transfer none): TLS, with these */
} WeirRtmpListenerSettings;

/* The counters' word for a TLS handshake that failed, or TLS that broke later; beside those of
 * weir_rtmp_get_limits(). */
#define WEIR_RTMPS_HANDSHAKE "tls-handshake"

/* the defaults that stand beside the fields, and the session's */
void weir_rtmp_listener_settings_init (WeirRtmpListenerSettings *settings);

/**
 * weir_rtmp_listener_new:
 * @addresses: as weir_tcp_listener_new()
 * @worker: the accept thread
 *
 * Accepts publishers up to `publish`. While as many decisions are awaited as are allowed at a time,
 * nobody new is accepted: after a restart all encoders return at once, and each is to be let in,
 * later, rather than refused. Signal `authorise (connection) → gboolean`, on the accept
 * thread: a handler that returns TRUE has taken the decision upon itself and will call
 * weir_connection_accept() or weir_connection_refuse(), now or within `authorise_us`. Nobody
 * connected, or FALSE, is a refusal.
 *
 * With certificates it speaks RTMPS, and the connections' protocol is "rtmps". Who speaks plain
 * RTMP there, or TLS or HTTP to a listener without, gets the least that makes it fail at once, and
 * the log says what to do.
 *
 * Returns: NULL with a #GIOError
 */
WeirRtmpListener *weir_rtmp_listener_new (const gchar *addresses,
    const WeirRtmpListenerSettings *settings, WeirWorker *worker, GError **error);
/* Returns: (transfer none): as weir_tcp_listener_get_addresses(); any thread */
const gchar *weir_rtmp_listener_get_addresses (WeirRtmpListener *self);
typedef struct {
  guint64 completed;
  guint64 failed;
} WeirRtmpHandshakes;

/* TLS handshakes so far, of who sent anything at all; any thread */
void weir_rtmp_listener_get_handshakes (WeirRtmpListener *self, WeirRtmpHandshakes *handshakes);
/* any thread but from within `authorise`; stops listening; connections that were accepted go on,
 * the others are closed. To be called before the last reference is dropped: connections that are
 * not accepted yet keep the listener. */
void weir_rtmp_listener_stop (WeirRtmpListener *self);

G_END_DECLS
