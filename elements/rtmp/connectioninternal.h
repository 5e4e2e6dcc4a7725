/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/certificates.h"
#include "base/counters.h"
#include "rtmp/connection.h"
#include "rtmp/settings.h"

G_BEGIN_DECLS

/* What only the listener and the element need of a connection. */

typedef struct {
  /* wants to publish, on the accept thread: weir_rtmp_connection_ask() when its turn has come */
  void (*publish) (WeirRtmpConnection *connection, gpointer data);
  /* after publish: it is decided, or gone; on the accept thread, before `left` */
  void (*decided) (WeirRtmpConnection *connection, gpointer data);
  /* accepted and about to migrate, or ended without; the last call, on the accept thread */
  void (*left) (WeirRtmpConnection *connection, gboolean accepted, gpointer data);
} WeirRtmpConnectionOwner;

typedef struct {
  const WeirRtmpSessionSettings *session;
  gint64 read_interval_us;
  gint64 authorise_us;
  gint64 line_us;
  gsize output_max;
  WeirCounters *counters;         /* (nullable) */
  WeirCertificates *certificates; /* (transfer none) NULL: RTMP without TLS */
} WeirRtmpConnectionSettings;

/* what holds for the messages that the connection hands out, without the application; any thread */
const WeirRtmpSessionSettings *weir_rtmp_connection_get_settings (WeirRtmpConnection *self);
/* from within the consumer's callbacks: counts, and ends the connection as weir_connection_close()
 * @limit: static: its name
 * @description: a sentence for the encoder's user */
void weir_rtmp_connection_exceed (
    WeirRtmpConnection *self, const gchar *limit, const gchar *description);
/* from within the consumer's callbacks: something was dropped because of that limit */
void weir_rtmp_connection_count (WeirRtmpConnection *self, const gchar *limit);
/* from within the consumer's callbacks: what is published, for the summary, in the place of what
 * the first messages of either kind tell */
void weir_rtmp_connection_set_codecs (WeirRtmpConnection *self, const gchar *codecs);

/**
 * weir_rtmp_connection_new: on the accept thread
 * @fd: (transfer full): an accepted socket
 * @peer: the encoder's address
 * @owner: copied
 *
 * Begins the conversation. The connection keeps a reference to itself until it has ended.
 */
WeirRtmpConnection *weir_rtmp_connection_new (gint fd, const gchar *peer,
    const WeirRtmpConnectionSettings *settings, WeirWorker *worker,
    const WeirRtmpConnectionOwner *owner, gpointer data);
/* on the accept thread, after `publish`: the time for the decision begins */
void weir_rtmp_connection_ask (WeirRtmpConnection *self);

typedef enum {
  WEIR_RTMP_TLS_NONE, /* it is without, or nothing has come */
  WEIR_RTMP_TLS_NOT_ESTABLISHED,
  WEIR_RTMP_TLS_ESTABLISHED,
} WeirRtmpTlsState;

/* in `left` */
WeirRtmpTlsState weir_rtmp_connection_get_tls_state (WeirRtmpConnection *self);
/* on the accept thread, before it was accepted: ends it at once */
void weir_rtmp_connection_abort (WeirRtmpConnection *self, const gchar *reason);

G_END_DECLS
