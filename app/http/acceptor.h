/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/worker.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirHttpAcceptor: listening sockets on a worker
 *
 * A connection is handed on when its first byte is there and is of the protocol that is spoken
 * here: who talks HTTP to a TLS port, or the other way round, is told so.
 */
typedef struct _WeirHttpAcceptor WeirHttpAcceptor;

/* all of them on the worker */
typedef struct {
  /* someone has connected: FALSE closes it at once, TRUE is followed by either of the next two */
  gboolean (*admit) (gint fd, GInetAddress *address, gpointer data);
  /* @fd: (transfer full): there is something to read */
  void (*ready) (gint fd, GInetSocketAddress *peer, gpointer data);
  /* @fd is about to be closed. @wrong_protocol: it began with the other protocol */
  void (*gone) (gint fd, gboolean wrong_protocol, gpointer data);
  /* no descriptor, or no memory, for one more connection */
  void (*exhausted) (gint error_number, gpointer data);
} WeirHttpAcceptorCallbacks;

/**
 * weir_http_acceptor_new:
 * @listen: as weir_tcp_listener_new()
 * @tls: whether connections are to begin with a TLS handshake
 * @user_timeout_ms: a client that acknowledges nothing for this long is cut by the kernel
 * @callbacks: (transfer none): static
 *
 * Accepts from now on.
 *
 * Returns: NULL with a #GIOError; a busy port is G_IO_ERROR_ADDRESS_IN_USE and named
 */
WeirHttpAcceptor *weir_http_acceptor_new (WeirWorker *worker, const gchar *listen, gboolean tls,
    guint user_timeout_ms, const WeirHttpAcceptorCallbacks *callbacks, gpointer data,
    GError **error);
/* stops, closes what was not handed on, frees */
void weir_http_acceptor_free (WeirHttpAcceptor *self);
/* Returns: (transfer none): what is bound, "[::]:8080;127.0.0.1:9000" with the real ports */
const gchar *weir_http_acceptor_get_addresses (WeirHttpAcceptor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpAcceptor, weir_http_acceptor_free)

G_END_DECLS
