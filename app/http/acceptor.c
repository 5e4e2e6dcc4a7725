/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/acceptor.h"

#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BACKLOG 1024
#define EVENTS_MAX 64
/* so that those who wait for being handed on get their turn in a storm */
#define ACCEPTS_IN_A_ROW 64
#define PAUSE_MS 200
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
  gint fd;
  struct sockaddr_storage address;
  socklen_t size;
} Newcomer;

struct _WeirHttpAcceptor {
  GArray *listeners; /* of gint */
  gchar *addresses;
  gboolean tls;
  gint epoll;
  gint stop; /* eventfd */
  GThread *thread;
  WeirHttpAcceptorCallbacks callbacks;
  gpointer data;
  GHashTable *newcomers; /* fd → Newcomer */
  gint64 resume_us;      /* while paused, else 0 */
};

gchar *
weir_http_format_inet_address (GInetAddress *address)
{
  gchar *text = g_inet_address_to_string (address);
  gchar *mapped;

  if (g_ascii_strncasecmp (text, "::ffff:", 7) != 0 || strchr (text, '.') == NULL)
    return text;
  mapped = g_strdup (text + 7);
  g_free (text);
  return mapped;
}

gchar *
weir_http_format_address (GSocketAddress *address, gboolean with_port)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
  g_autofree gchar *text = weir_http_format_inet_address (g_inet_socket_address_get_address (inet));

  if (!with_port)
    return g_steal_pointer (&text);
  return g_strdup_printf (
      strchr (text, ':') ? "[%s]:%u" : "%s:%u", text, g_inet_socket_address_get_port (inet));
}

static void
watch (WeirHttpAcceptor *self, gint fd)
{
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

  epoll_ctl (self->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
unwatch (WeirHttpAcceptor *self, gint fd)
{
  epoll_ctl (self->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void
pause_listening (WeirHttpAcceptor *self)
{
  self->resume_us = g_get_monotonic_time () + PAUSE_MS * 1000;
  for (guint i = 0; i < self->listeners->len; i++)
    unwatch (self, g_array_index (self->listeners, gint, i));
}

static void
resume_listening (WeirHttpAcceptor *self)
{
  self->resume_us = 0;
  for (guint i = 0; i < self->listeners->len; i++)
    watch (self, g_array_index (self->listeners, gint, i));
}

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

static void
close_newcomer (WeirHttpAcceptor *self, gint fd, gboolean wrong_protocol)
{
  self->callbacks.gone (fd, wrong_protocol, self->data);
  if (wrong_protocol)
    correct (self, fd);
  g_hash_table_remove (self->newcomers, GINT_TO_POINTER (fd));
  close (fd);
}

static void
greet (WeirHttpAcceptor *self, gint fd)
{
  Newcomer *newcomer = g_hash_table_lookup (self->newcomers, GINT_TO_POINTER (fd));
  Newcomer copy;
  guint8 first;
  gssize got;

  if (newcomer == NULL)
    return;
  got = recv (fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    close_newcomer (self, fd, FALSE);
    return;
  }
  if ((first == TLS_HANDSHAKE) != self->tls) {
    close_newcomer (self, fd, TRUE);
    return;
  }
  unwatch (self, fd);
  copy = *newcomer;
  g_hash_table_remove (self->newcomers, GINT_TO_POINTER (fd));
  self->callbacks.ready (fd, (const struct sockaddr *) &copy.address, copy.size, self->data);
}

static void
take_in (WeirHttpAcceptor *self, Newcomer *newcomer)
{
  g_autoptr (GSocketAddress) address =
      g_socket_address_new_from_native (&newcomer->address, newcomer->size);
  Newcomer *kept;

  if (!G_IS_INET_SOCKET_ADDRESS (address) ||
      !self->callbacks.admit (newcomer->fd,
          g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)), self->data)) {
    close (newcomer->fd);
    return;
  }
  kept = g_new (Newcomer, 1);
  *kept = *newcomer;
  g_hash_table_insert (self->newcomers, GINT_TO_POINTER (kept->fd), kept);
  /* told at once when the first byte is there already */
  watch (self, kept->fd);
}

static void
accept_some (WeirHttpAcceptor *self, gint listener)
{
  for (guint i = 0; i < ACCEPTS_IN_A_ROW; i++) {
    Newcomer newcomer = {.size = sizeof newcomer.address};

    newcomer.fd = accept4 (listener, (struct sockaddr *) &newcomer.address, &newcomer.size,
        SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (newcomer.fd >= 0) {
      take_in (self, &newcomer);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      self->callbacks.exhausted (errno, self->data);
      pause_listening (self);
      return;
    }
    if (errno != EINTR && errno != ECONNABORTED)
      return;
  }
}

static gboolean
is_listener (WeirHttpAcceptor *self, gint fd)
{
  for (guint i = 0; i < self->listeners->len; i++)
    if (g_array_index (self->listeners, gint, i) == fd)
      return TRUE;
  return FALSE;
}

static gpointer
run (gpointer data)
{
  WeirHttpAcceptor *self = data;
  struct epoll_event events[EVENTS_MAX];

  for (;;) {
    gint count = epoll_wait (self->epoll, events, EVENTS_MAX, self->resume_us ? PAUSE_MS : -1);

    for (gint i = 0; i < count; i++) {
      gint fd = events[i].data.fd;

      if (fd == self->stop)
        return NULL;
      if (is_listener (self, fd)) {
        if (self->resume_us == 0)
          accept_some (self, fd);
      } else {
        greet (self, fd);
      }
    }
    if (self->resume_us != 0 && g_get_monotonic_time () >= self->resume_us)
      resume_listening (self);
  }
}

static gboolean
fail_listen (const gchar *address, gint error_number, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (error_number),
      "Cannot listen for HTTP on %s: %s", address, g_strerror (error_number));
  return FALSE;
}

static gboolean
open_listener (WeirHttpAcceptor *self, GSocketAddress *address, guint user_timeout_ms,
    GString *bound, GError **error)
{
  g_autofree gchar *name = weir_http_format_address (address, TRUE);
  g_autofree gchar *real_name = NULL;
  gint family = g_socket_address_get_family (address);
  gssize size = g_socket_address_get_native_size (address);
  struct sockaddr_storage native;
  socklen_t native_size = sizeof native;
  g_autoptr (GSocketAddress) real = NULL;
  gint off = 0, on = 1;
  gint fd;

  if (size > (gssize) sizeof native ||
      !g_socket_address_to_native (address, &native, sizeof native, error))
    return FALSE;
  fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return fail_listen (name, errno, error);
  g_array_append_val (self->listeners, fd);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  /* accepted sockets inherit it */
  setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
  if (bind (fd, (struct sockaddr *) &native, size) < 0 || listen (fd, BACKLOG) < 0 ||
      getsockname (fd, (struct sockaddr *) &native, &native_size) < 0)
    return fail_listen (name, errno, error);
  real = g_socket_address_new_from_native (&native, native_size);
  real_name = weir_http_format_address (real, TRUE);
  g_string_append_printf (bound, "%s%s", bound->len > 0 ? ";" : "", real_name);
  return TRUE;
}

WeirHttpAcceptor *
weir_http_acceptor_new (const gchar *listen, gboolean tls, guint user_timeout_ms, GError **error)
{
  g_autoptr (GPtrArray) addresses = weir_parse_listen (listen, error);
  g_autoptr (WeirHttpAcceptor) self = NULL;
  g_autoptr (GString) bound = g_string_new (NULL);

  if (addresses == NULL)
    return NULL;
  self = g_new0 (WeirHttpAcceptor, 1);
  self->tls = tls;
  self->listeners = g_array_new (FALSE, FALSE, sizeof (gint));
  self->newcomers = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  self->stop = eventfd (0, EFD_CLOEXEC);
  if (self->epoll < 0 || self->stop < 0) {
    fail_listen (listen, errno, error);
    return NULL;
  }
  watch (self, self->stop);
  for (guint i = 0; i < addresses->len; i++)
    if (!open_listener (self, addresses->pdata[i], user_timeout_ms, bound, error))
      return NULL;
  self->addresses = g_strdup (bound->str);
  return g_steal_pointer (&self);
}

void
weir_http_acceptor_start (
    WeirHttpAcceptor *self, const WeirHttpAcceptorCallbacks *callbacks, gpointer data)
{
  self->callbacks = *callbacks;
  self->data = data;
  resume_listening (self);
  self->thread = g_thread_new ("http-accept", run, self);
}

static void
close_listeners (WeirHttpAcceptor *self)
{
  for (guint i = 0; i < self->listeners->len; i++)
    close (g_array_index (self->listeners, gint, i));
  g_array_set_size (self->listeners, 0);
}

void
weir_http_acceptor_stop (WeirHttpAcceptor *self)
{
  g_autoptr (GList) left = NULL;
  guint64 one = 1;

  if (self->thread == NULL)
    return;
  while (write (self->stop, &one, sizeof one) < 0 && errno == EINTR)
    ;
  g_thread_join (g_steal_pointer (&self->thread));
  close_listeners (self);
  left = g_hash_table_get_keys (self->newcomers);
  for (GList *item = left; item != NULL; item = item->next)
    close_newcomer (self, GPOINTER_TO_INT (item->data), FALSE);
}

void
weir_http_acceptor_free (WeirHttpAcceptor *self)
{
  close_listeners (self);
  g_array_unref (self->listeners);
  g_hash_table_unref (self->newcomers);
  if (self->epoll >= 0)
    close (self->epoll);
  if (self->stop >= 0)
    close (self->stop);
  g_free (self->addresses);
  g_free (self);
}

const gchar *
weir_http_acceptor_get_addresses (WeirHttpAcceptor *self)
{
  return self->addresses;
}
