/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/tls.h"
#include "net/worker.h"

G_BEGIN_DECLS

/**
 * WeirSocket:
 *
 * A connected non-blocking stream socket on a worker, with a bounded output buffer, readable by
 * event or in rounds, with or without TLS: users see clear bytes either way.
 * All functions on the worker that it is attached to, unless said otherwise.
 */
typedef struct _WeirSocket WeirSocket;

typedef enum {
  WEIR_SOCKET_OPEN,
  WEIR_SOCKET_EOF,   /* the peer closed in order */
  WEIR_SOCKET_RESET, /* the peer or the network broke it */
  WEIR_SOCKET_SLOW,  /* the peer does not read: more than the output limit is waiting */
  WEIR_SOCKET_TLS,   /* TLS failed: weir_socket_get_error() says why */
} WeirSocketState;

typedef struct {
  /* bytes have come: at most what one read brought (64 KiB), valid during the call only */
  void (*received) (WeirSocket *socket, const guint8 *data, gsize size, gpointer user_data);
  /* no more will come; called once; @error_number: errno of a reset, else 0 */
  void (*closed) (WeirSocket *socket, WeirSocketState state, gint error_number, gpointer user_data);
} WeirSocketCallbacks;

/* @fd: (transfer full) a connected socket; any thread */
WeirSocket *weir_socket_new (gint fd, gsize output_limit);
/* before it is attached for the first time; from then on it speaks TLS, as the server. An end
 * without close_notify is WEIR_SOCKET_EOF all the same: encoders end that way. */
void weir_socket_set_tls (WeirSocket *self, WeirCertificates *certificates);
/* (nullable) NULL without TLS */
WeirTls *weir_socket_get_tls (WeirSocket *self);
/* Returns: (nullable) (transfer none): why TLS failed (#WEIR_TLS_ERROR) */
const GError *weir_socket_get_error (WeirSocket *self);
/* detaches, closes at once, frees; unsent output is lost */
void weir_socket_free (WeirSocket *self);

/**
 * weir_socket_attach:
 *
 * Begins to read on @worker, on whose thread this is called. Callbacks may free the socket.
 */
void weir_socket_attach (
    WeirSocket *self, WeirWorker *worker, const WeirSocketCallbacks *callbacks, gpointer user_data);
/* stops reading; the socket may then be attached to another worker, on that worker's thread */
void weir_socket_detach (WeirSocket *self);
/* while paused nothing is read, so the peer is held back by TCP; a reset is still noticed */
void weir_socket_set_paused (WeirSocket *self, gboolean paused);
/**
 * weir_socket_set_read_interval:
 * @interval_us: 0 reads by event (the default); else the socket is read in rounds: while data keeps
 *   coming it is out of epoll and read once a round, until rounds without data put it back
 */
void weir_socket_set_read_interval (WeirSocket *self, gint64 interval_us);
/* sends what can be sent, keeps the rest up to the output limit; beyond it the socket is closed
 * with WEIR_SOCKET_SLOW (callback from the event loop, not from within) */
void weir_socket_send (WeirSocket *self, const guint8 *data, gsize size);
/* sends what is waiting, then shuts the sending side down */
void weir_socket_shutdown (WeirSocket *self);
gsize weir_socket_get_output_waiting (WeirSocket *self);
guint64 weir_socket_get_bytes_received (WeirSocket *self);
guint64 weir_socket_get_bytes_sent (WeirSocket *self);

/**
 * WeirTcpListener: listening sockets on one worker (the accept thread); knows no protocol
 */
typedef struct _WeirTcpListener WeirTcpListener;

/* on the worker */
typedef struct {
  /* @fd: (transfer full), non-blocking, close-on-exec, no delay; @peer: (transfer none): IPv4 as
   * such, though it came by IPv6's socket */
  void (*accepted) (gint fd, GInetSocketAddress *peer, gpointer user_data);
  /* (nullable) no descriptor, or no memory, for one more connection, which waits in the kernel's
   * backlog; tried again every 100 ms. Who has none is content with a line in the log. */
  void (*exhausted) (gint error_number, gpointer user_data);
} WeirTcpListenerCallbacks;

/**
 * weir_tcp_listener_new: any thread
 * @addresses: `ADDR:PORT` or `[ADDR]:PORT`, several separated by `;`; port 0 lets the system
 * choose.
 *   `[::]:PORT` takes IPv4 too.
 * @callbacks: copied
 *
 * Returns: NULL with a #GIOError (`G_IO_ERROR_ADDRESS_IN_USE` for a busy port, whose message names
 *   the address)
 */
WeirTcpListener *weir_tcp_listener_new (WeirWorker *worker, const gchar *addresses,
    const WeirTcpListenerCallbacks *callbacks, gpointer user_data, GError **error);
/* stops accepting and closes; waits for the worker unless called on it */
void weir_tcp_listener_free (WeirTcpListener *self);
/* on the worker: while paused nothing is accepted; who connects waits in the kernel's backlog */
void weir_tcp_listener_set_paused (WeirTcpListener *self, gboolean paused);
/* Returns: (transfer none): what is bound, in the form of @addresses, with the real ports */
const gchar *weir_tcp_listener_get_addresses (WeirTcpListener *self);

/**
 * weir_parse_listen:
 * @listen: as @addresses above
 *
 * Returns: (transfer full) (element-type GInetSocketAddress): NULL with G_IO_ERROR_INVALID_ARGUMENT
 */
GPtrArray *weir_parse_listen (const gchar *listen, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSocket, weir_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTcpListener, weir_tcp_listener_free)

G_END_DECLS
