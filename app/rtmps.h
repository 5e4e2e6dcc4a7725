/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"
#include "rtmp/listener.h"

G_BEGIN_DECLS

/**
 * WeirRtmps:
 *
 * RTMPS as the configuration wants it: certificates and listener. While there is no certificate it
 * is off and says how to switch it on; when one appears it goes on by itself. Changed files are
 * read again without touching connections; what cannot be used leaves in place what there is.
 *
 * Main thread, unless said otherwise.
 */
typedef struct _WeirRtmps WeirRtmps;

/**
 * weir_rtmps_new:
 * @config: with `rtmps.listen`, `rtmps.certificates`; outlives it
 * @settings: of the listener; its certificates are set here
 * @worker: the accept thread
 * @authorise: (scope notified): for the listener's signal of that name, on the accept thread
 * @changed: (nullable) (scope notified): it has gone on, on the main thread; not from within this
 *   call
 *
 * Returns: NULL with an error when there are certificates and the address cannot be listened on
 */
WeirRtmps *weir_rtmps_new (const WeirConfig *config, const WeirRtmpListenerSettings *settings,
    WeirWorker *worker,
    gboolean (*authorise) (WeirRtmpListener *listener, WeirConnection *connection, gpointer data),
    void (*changed) (gpointer data), gpointer data, GError **error);
/* stops listening; connections that were accepted go on */
void weir_rtmps_stop (WeirRtmps *self);
/* after the accept thread's connections have ended or its worker is stopped */
void weir_rtmps_free (WeirRtmps *self);
/* reads the certificates again, whether they have changed or not, and says so on the log */
void weir_rtmps_reload (WeirRtmps *self);

/* Returns: (transfer full) (nullable): as weir_rtmp_listener_get_addresses(), NULL while it is off;
 * any thread */
gchar *weir_rtmps_get_addresses (WeirRtmps *self);
/* Returns: (transfer full) (nullable): why it is off and how to switch it on, as a sentence or two;
 * NULL when it is on, or off on purpose; any thread */
gchar *weir_rtmps_get_hint (WeirRtmps *self);

typedef struct {
  gint64 expiry; /* Unix time; 0 while it is off */
  WeirRtmpHandshakes handshakes;
} WeirRtmpsStatistics;

/* any thread */
void weir_rtmps_get_statistics (WeirRtmps *self, WeirRtmpsStatistics *statistics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRtmps, weir_rtmps_free)

G_END_DECLS
