/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/acceptor.h"

#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TLS_HANDSHAKE 0x16

static const gchar no_tls_here[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Length: 34\r\n\r\n"
                                   "This port speaks HTTP without TLS\n";
static const gchar tls_here[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                "Content-Type: text/plain; charset=utf-8\r\n"
                                "Content-Length: 42\r\n\r\n"
                                "This port speaks HTTPS: use https:// URLs\n";

/* has connected and said nothing yet */
typedef struct {
  WeirHttpAcceptor *acceptor;
  gint fd;
  GInetSocketAddress *peer;
  WeirWatch *watch;
} Newcomer;

struct _WeirHttpAcceptor {
  WeirWorker *worker;
  WeirTcpListener *tcp;
  gboolean tls;
  guint user_timeout_ms;
  const WeirHttpAcceptorCallbacks *callbacks;
  gpointer data;
  GHashTable *newcomers; /* Newcomer; on the worker */
};

/* says what is spoken here, as far as the other side is able to understand it */
static void
correct (WeirHttpAcceptor *self, gint fd)
{
  const gchar *text = self->tls ? tls_here : no_tls_here;
  gchar buffer[4096];

  /* closing with unread bytes resets the connection, and the answer would be lost */
  for (guint i = 0; i < 8; i++) {
    if (recv (fd, buffer, sizeof buffer, MSG_DONTWAIT) <= 0)
      break;
  }
  if (send (fd, text, strlen (text), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
    shutdown (fd, SHUT_WR);
}

/* the descriptor has been closed or handed on, or is about to be */
static void
newcomer_free (gpointer data)
{
  Newcomer *self = data;

  weir_watch_remove (self->watch);
  g_object_unref (self->peer);
  g_free (self);
}

static void
close_newcomer (Newcomer *newcomer, gboolean wrong_protocol)
{
  WeirHttpAcceptor *self = newcomer->acceptor;
  gint fd = newcomer->fd;

  self->callbacks->gone (fd, wrong_protocol, self->data);
  if (wrong_protocol)
    correct (self, fd);
  g_hash_table_remove (self->newcomers, newcomer);
  close (fd);
}

static void
on_first_byte (G_GNUC_UNUSED guint32 events, gpointer data)
{
  Newcomer *newcomer = data;
  WeirHttpAcceptor *self = newcomer->acceptor;
  g_autoptr (GInetSocketAddress) peer = NULL;
  gint fd = newcomer->fd;
  guint8 first;
  gssize got = recv (fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    close_newcomer (newcomer, FALSE);
    return;
  }
  if ((first == TLS_HANDSHAKE) != self->tls) {
    close_newcomer (newcomer, TRUE);
    return;
  }
  peer = g_object_ref (newcomer->peer);
  g_hash_table_remove (self->newcomers, newcomer);
  self->callbacks->ready (fd, peer, self->data);
}

static void
on_accepted (gint fd, GInetSocketAddress *peer, gpointer data)
{
  WeirHttpAcceptor *self = data;
  Newcomer *newcomer;

  if (!self->callbacks->admit (fd, g_inet_socket_address_get_address (peer), self->data)) {
    close (fd);
    return;
  }
  setsockopt (
      fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &self->user_timeout_ms, sizeof self->user_timeout_ms);
  newcomer = g_new0 (Newcomer, 1);
  newcomer->acceptor = self;
  newcomer->fd = fd;
  newcomer->peer = g_object_ref (peer);
  g_hash_table_add (self->newcomers, newcomer);
  /* told at once when the first byte is there already */
  newcomer->watch = weir_worker_watch (self->worker, fd, EPOLLIN, on_first_byte, newcomer);
}

static void
on_exhausted (gint error_number, gpointer data)
{
  WeirHttpAcceptor *self = data;

  self->callbacks->exhausted (error_number, self->data);
}

WeirHttpAcceptor *
weir_http_acceptor_new (WeirWorker *worker, const gchar *listen, gboolean tls,
    guint user_timeout_ms, const WeirHttpAcceptorCallbacks *callbacks, gpointer data,
    GError **error)
{
  static const WeirTcpListenerCallbacks listener_callbacks = {on_accepted, on_exhausted};
  WeirHttpAcceptor *self = g_new0 (WeirHttpAcceptor, 1);

  self->worker = weir_worker_ref (worker);
  self->tls = tls;
  self->user_timeout_ms = user_timeout_ms;
  self->callbacks = callbacks;
  self->data = data;
  self->newcomers = g_hash_table_new_full (NULL, NULL, newcomer_free, NULL);
  self->tcp = weir_tcp_listener_new (worker, listen, &listener_callbacks, self, error);
  if (self->tcp != NULL)
    return self;
  weir_http_acceptor_free (self);
  return NULL;
}

static void
close_newcomers (gpointer data)
{
  WeirHttpAcceptor *self = data;
  g_autoptr (GList) left = g_hash_table_get_keys (self->newcomers);

  for (GList *item = left; item != NULL; item = item->next)
    close_newcomer (item->data, FALSE);
}

void
weir_http_acceptor_free (WeirHttpAcceptor *self)
{
  weir_tcp_listener_free (self->tcp);
  weir_worker_call (self->worker, close_newcomers, self);
  g_hash_table_unref (self->newcomers);
  weir_worker_unref (self->worker);
  g_free (self);
}

const gchar *
weir_http_acceptor_get_addresses (WeirHttpAcceptor *self)
{
  return weir_tcp_listener_get_addresses (self->tcp);
}
