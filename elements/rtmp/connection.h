/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../net/connection.h"
#include "message.h"

G_BEGIN_DECLS

#define WEIR_TYPE_RTMP_CONNECTION (weir_rtmp_connection_get_type ())
G_DECLARE_FINAL_TYPE (
    WeirRtmpConnection, weir_rtmp_connection, WEIR, RTMP_CONNECTION, WeirConnection)

/**
 * WeirRtmpConsumer: who takes a connection's messages, on the connection's worker
 */
typedef struct {
  /* an audio, video or data message; steal the payload by setting it to NULL */
  void (*message) (WeirRtmpMessage *message, gpointer data);
  /* the encoder ended in order, or the connection is gone: no more messages */
  void (*ended) (gpointer data);
} WeirRtmpConsumer;

/**
 * weir_rtmp_connection_set_consumer:
 *
 * Any thread, before or after the connection was accepted; nothing is read from the encoder until
 * both have happened. After it returned with @consumer NULL no callback of the old one runs or will
 * run (it waits for one that is running; not to be called from within one).
 */
void weir_rtmp_connection_set_consumer (
    WeirRtmpConnection *self, const WeirRtmpConsumer *consumer, gpointer data);

/* Returns: (transfer none): on which the consumer's callbacks run; to be called from within them */
WeirWorker *weir_rtmp_connection_get_worker (WeirRtmpConnection *self);
/* what the encoder's `connect` and `publish` said */
const gchar *weir_rtmp_connection_get_app (WeirRtmpConnection *self);
const gchar *weir_rtmp_connection_get_encoder (WeirRtmpConnection *self);

G_END_DECLS
