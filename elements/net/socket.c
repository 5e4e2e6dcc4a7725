/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/socket.h"

#include "base/writer.h"
#include "net/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* rounds without data before a socket goes back to epoll */
#define IDLE_ROUNDS_MAX 5
/* connections accepted in one wake-up */
#define ACCEPTS_PER_WAKE_UP 64
/* pause when the process has run out of descriptors: nothing but time helps */
#define ACCEPT_PAUSE_US (100 * 1000)
/* of the attempts after such pauses one in so many is logged: every 10 s */
#define ATTEMPTS_PER_LOG_LINE 100
/* as much as the kernel allows by default: a thousand encoders return after a restart */
#define BACKLOG 4096
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 15000

struct _WeirSocket {
  gint fd;
  gsize output_limit;
  guint64 bytes_received;
  guint64 bytes_sent;

  WeirWorker *worker; /* NULL while detached */
  WeirWatch *watch;
  guint32 events;
  WeirRound *round; /* while it is read in rounds; then it is not armed in epoll */
  guint idle_rounds;
  WeirTimer *turn; /* another turn from the event loop, see take_turn() */
  WeirSocketCallbacks callbacks;
  gpointer user_data;
  gboolean *left; /* set when a callback frees or detaches the socket */

  gboolean paused;
  gint64 read_interval_us;
  WeirWriter output;
  gsize output_sent; /* bytes of @output that have gone */
  gboolean shutdown; /* wanted, as soon as @output is empty */
  gboolean output_broken;
  WeirSocketState failure; /* to be reported from the event loop */
  gint error_number;
  gboolean ended; /* `closed` was called */

  WeirTls *tls;         /* NULL without */
  gboolean tls_waiting; /* it has bytes that were not handed over, as reading was stopped */
  GError *error;        /* why it failed */
};

typedef enum {
  READ_NONE,  /* nothing there */
  READ_SOME,  /* all that was there */
  READ_FULL,  /* the budget; there may be more */
  READ_ENDED, /* the socket may be gone */
} ReadResult;

WeirSocket *
weir_socket_new (gint fd, gsize output_limit)
{
  WeirSocket *self = g_new0 (WeirSocket, 1);

  self->fd = fd;
  self->output_limit = output_limit;
  weir_writer_init (&self->output, 0);
  return self;
}

void
weir_socket_set_tls (WeirSocket *self, WeirCertificates *certificates)
{
  g_return_if_fail (self->worker == NULL && self->tls == NULL);

  self->tls = weir_tls_new (certificates);
}

WeirTls *
weir_socket_get_tls (WeirSocket *self)
{
  return self->tls;
}

const GError *
weir_socket_get_error (WeirSocket *self)
{
  return self->error;
}

static gsize
output_waiting (WeirSocket *self)
{
  return self->output.size - self->output_sent;
}

static guint32
wanted_events (WeirSocket *self)
{
  guint32 output = output_waiting (self) > 0 ? EPOLLOUT : 0;

  /* A hang-up is reported even when nothing is asked for: edge-triggered, so that it is reported
   * once. Whoever reads in rounds finds it there. */
  if (self->paused || self->round != NULL)
    return output | EPOLLET;
  return output | EPOLLIN;
}

static void
update_events (WeirSocket *self)
{
  guint32 events = wanted_events (self);

  if (self->watch == NULL || events == self->events)
    return;
  self->events = events;
  weir_watch_modify (self->watch, events);
}

static void
leave_round (WeirSocket *self)
{
  g_clear_pointer (&self->round, weir_round_free);
  update_events (self);
}

/* The socket may be gone afterwards. */
static void
end (WeirSocket *self, WeirSocketState state, gint error_number)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_pointer (&self->watch, weir_watch_remove);
  g_clear_pointer (&self->round, weir_round_free);
  g_clear_pointer (&self->turn, weir_timer_free);
  self->callbacks.closed (self, state, error_number, self->user_data);
}

static void take_turn (gpointer data);

/* Callbacks come from the event loop only, never from within a call. */
static void
want_turn (WeirSocket *self)
{
  if (self->worker == NULL || self->ended)
    return;
  if (self->turn == NULL)
    self->turn = weir_worker_timer (self->worker, take_turn, self);
  weir_timer_arm (self->turn, 0);
}

static void
fail_later (WeirSocket *self, WeirSocketState state)
{
  if (self->failure == WEIR_SOCKET_OPEN)
    self->failure = state;
  want_turn (self);
}

/* What the peer sent before is still to be read: reading finds the end, unless it is paused. */
static void
break_output (WeirSocket *self, gint error_number)
{
  self->output_broken = TRUE;
  self->error_number = error_number;
  weir_writer_reset (&self->output);
  self->output_sent = 0;
  if (self->paused)
    fail_later (self, WEIR_SOCKET_RESET);
}

/* Returns: how many bytes went out; 0 when the kernel takes none, or on an error */
static gsize
send_some (WeirSocket *self, const guint8 *data, gsize size)
{
  gsize sent = 0;

  while (sent < size) {
    gssize result = send (self->fd, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (result < 0 && errno == EINTR)
      continue;
    if (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
      break_output (self, errno);
    if (result < 0)
      break;
    sent += (gsize) result;
  }
  self->bytes_sent += sent;
  return sent;
}

static void
flush (WeirSocket *self)
{
  self->output_sent +=
      send_some (self, self->output.data + self->output_sent, output_waiting (self));
  if (output_waiting (self) == 0) {
    weir_writer_reset (&self->output);
    self->output_sent = 0;
    if (self->shutdown)
      shutdown (self->fd, SHUT_WR);
  }
  update_events (self);
}

static gboolean
may_send (WeirSocket *self)
{
  return !self->ended && !self->shutdown && !self->output_broken &&
         self->failure == WEIR_SOCKET_OPEN;
}

static void
send_bytes (WeirSocket *self, const guint8 *data, gsize size)
{
  gsize sent = 0;

  if (!may_send (self))
    return;
  if (output_waiting (self) == 0)
    sent = send_some (self, data, size);
  if (sent == size || self->output_broken)
    return;
  if (size - sent > self->output_limit ||
      output_waiting (self) > self->output_limit - (size - sent)) {
    fail_later (self, WEIR_SOCKET_SLOW);
    return;
  }
  /* what has gone does not pile up in front */
  if (self->output_sent > 0 && self->output_sent >= self->output.size / 2) {
    gsize waiting = output_waiting (self);

    memmove (self->output.data, self->output.data + self->output_sent, waiting);
    self->output.size = waiting;
    self->output_sent = 0;
  }
  weir_writer_bytes (&self->output, data + sent, size - sent);
  update_events (self);
}

static void
send_tls_output (WeirSocket *self)
{
  WeirWriter *records = weir_tls_get_output (self->tls);

  if (records->size == 0)
    return;
  send_bytes (self, records->data, records->size);
  weir_writer_clear (records);
}

/* Returns: FALSE when the callback has detached the socket, which may be gone then */
static gboolean
hand_over (WeirSocket *self, const guint8 *data, gsize size)
{
  gboolean left = FALSE;

  self->left = &left;
  self->callbacks.received (self, data, size, self->user_data);
  if (left)
    return FALSE;
  self->left = NULL;
  return TRUE;
}

/* Hands over what TLS has got, unless reading is stopped in between.
 * Returns: FALSE when the socket may be gone */
static gboolean
hand_over_clear (WeirSocket *self)
{
  gsize size_max;
  guint8 *clear = weir_worker_get_clear_scratch (self->worker, &size_max);

  for (;;) {
    WeirTlsResult result;
    gsize size = 0;

    self->tls_waiting = self->paused;
    if (self->paused) {
      weir_tls_keep_input (self->tls);
      return TRUE;
    }
    result = weir_tls_read (self->tls, clear, size_max, &size, &self->error);
    send_tls_output (self);
    switch (result) {
    case WEIR_TLS_CLEAR:
      if (!hand_over (self, clear, size))
        return FALSE;
      break;
    case WEIR_TLS_MORE:
      return TRUE;
    case WEIR_TLS_END:
      end (self, WEIR_SOCKET_EOF, 0);
      return FALSE;
    case WEIR_TLS_FAILED:
      end (self, WEIR_SOCKET_TLS, 0);
      return FALSE;
    }
  }
}

/* A failure that was noticed within a call, or bytes that waited while reading was stopped. */
static void
take_turn (gpointer data)
{
  WeirSocket *self = data;

  if (self->failure != WEIR_SOCKET_OPEN)
    end (self, self->failure, self->error_number);
  else if (self->tls_waiting && !self->paused)
    hand_over_clear (self);
}

static ReadResult
read_once (WeirSocket *self)
{
  gsize budget;
  guint8 *scratch = weir_worker_get_scratch (self->worker, &budget);
  gssize size;

  /* what came before goes before */
  if (self->tls_waiting && !hand_over_clear (self))
    return READ_ENDED;
  if (self->paused)
    return READ_SOME;
  do
    size = recv (self->fd, scratch, budget, MSG_DONTWAIT);
  while (size < 0 && errno == EINTR);

  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return READ_NONE;
  if (size <= 0) {
    gint error_number = size < 0 ? errno : self->output_broken ? self->error_number : 0;

    end (self, error_number != 0 ? WEIR_SOCKET_RESET : WEIR_SOCKET_EOF, error_number);
    return READ_ENDED;
  }
  self->bytes_received += (gsize) size;
  if (self->tls != NULL) {
    weir_tls_input (self->tls, scratch, (gsize) size);
    if (!hand_over_clear (self))
      return READ_ENDED;
  } else if (!hand_over (self, scratch, (gsize) size)) {
    return READ_ENDED;
  }
  return (gsize) size == budget ? READ_FULL : READ_SOME;
}

static gboolean
read_in_round (gpointer data)
{
  WeirSocket *self = data;

  switch (read_once (self)) {
  case READ_ENDED:
    return FALSE;
  case READ_FULL:
    self->idle_rounds = 0;
    return TRUE;
  case READ_SOME:
    self->idle_rounds = 0;
    return FALSE;
  case READ_NONE:
    break;
  }
  if (++self->idle_rounds >= IDLE_ROUNDS_MAX)
    leave_round (self);
  return FALSE;
}

static void
on_paused_event (WeirSocket *self, guint32 events)
{
  gint error_number = 0;
  socklen_t size = sizeof error_number;

  if ((events & (EPOLLERR | EPOLLHUP)) == 0)
    return;
  getsockopt (self->fd, SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number == 0 && self->output_broken)
    error_number = self->error_number;
  end (self, error_number != 0 ? WEIR_SOCKET_RESET : WEIR_SOCKET_EOF, error_number);
}

static void
on_event (guint32 events, gpointer data)
{
  WeirSocket *self = data;

  if ((events & EPOLLOUT) != 0)
    flush (self);
  if (self->paused) {
    on_paused_event (self, events);
    return;
  }
  if (self->round != NULL || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
    return;
  if (self->read_interval_us == 0) {
    /* what a full read left behind is reported again, after all others */
    read_once (self);
    return;
  }
  self->idle_rounds = 0;
  self->round = weir_worker_round (self->worker, self->read_interval_us, read_in_round, self);
  update_events (self);
}

void
weir_socket_attach (
    WeirSocket *self, WeirWorker *worker, const WeirSocketCallbacks *callbacks, gpointer user_data)
{
  g_return_if_fail (self->worker == NULL);

  self->worker = weir_worker_ref (worker);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  if (self->ended)
    return;
  self->events = wanted_events (self);
  self->watch = weir_worker_watch (worker, self->fd, self->events, on_event, self);
  if (self->failure != WEIR_SOCKET_OPEN || self->tls_waiting)
    want_turn (self);
}

void
weir_socket_detach (WeirSocket *self)
{
  if (self->left != NULL) {
    *self->left = TRUE;
    self->left = NULL;
    /* from within `received`: what came with it is for whoever attaches it */
    self->tls_waiting = self->tls != NULL;
    if (self->tls_waiting)
      weir_tls_keep_input (self->tls);
  }
  g_clear_pointer (&self->watch, weir_watch_remove);
  g_clear_pointer (&self->round, weir_round_free);
  g_clear_pointer (&self->turn, weir_timer_free);
  g_clear_pointer (&self->worker, weir_worker_unref);
}

void
weir_socket_free (WeirSocket *self)
{
  if (self == NULL)
    return;
  weir_socket_detach (self);
  close (self->fd);
  weir_writer_clear (&self->output);
  weir_tls_free (self->tls);
  g_clear_error (&self->error);
  g_free (self);
}

void
weir_socket_set_paused (WeirSocket *self, gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  g_clear_pointer (&self->round, weir_round_free);
  if (paused && self->output_broken)
    fail_later (self, WEIR_SOCKET_RESET);
  else if (!paused && self->tls_waiting)
    want_turn (self);
  update_events (self);
}

void
weir_socket_set_read_interval (WeirSocket *self, gint64 interval_us)
{
  if (self->read_interval_us == interval_us)
    return;
  self->read_interval_us = interval_us;
  /* the next data makes it join a round of the new interval */
  g_clear_pointer (&self->round, weir_round_free);
  update_events (self);
}

void
weir_socket_send (WeirSocket *self, const guint8 *data, gsize size)
{
  if (self->tls == NULL) {
    send_bytes (self, data, size);
    return;
  }
  if (!may_send (self))
    return;
  weir_tls_write (self->tls, data, size);
  send_tls_output (self);
  if (weir_tls_get_waiting (self->tls) > self->output_limit)
    fail_later (self, WEIR_SOCKET_SLOW);
}

void
weir_socket_shutdown (WeirSocket *self)
{
  if (self->shutdown || self->ended)
    return;
  if (self->tls != NULL) {
    weir_tls_close (self->tls);
    send_tls_output (self);
  }
  self->shutdown = TRUE;
  if (output_waiting (self) == 0)
    shutdown (self->fd, SHUT_WR);
}

gsize
weir_socket_get_output_waiting (WeirSocket *self)
{
  return output_waiting (self) + (self->tls != NULL ? weir_tls_get_waiting (self->tls) : 0);
}

guint64
weir_socket_get_bytes_received (WeirSocket *self)
{
  return self->bytes_received;
}

guint64
weir_socket_get_bytes_sent (WeirSocket *self)
{
  return self->bytes_sent;
}

/* ── addresses ── */

static GInetSocketAddress *
parse_one (const gchar *text, GError **error)
{
  g_autofree gchar *host = NULL;
  g_autoptr (GInetAddress) address = NULL;
  const gchar *port = NULL;
  guint64 number = 0;
  gboolean bracketed = text[0] == '[';

  if (bracketed) {
    const gchar *closing = strchr (text, ']');

    if (closing != NULL && closing[1] == ':') {
      host = g_strndup (text + 1, (gsize) (closing - text - 1));
      port = closing + 2;
    }
  } else {
    const gchar *colon = strrchr (text, ':');

    if (colon != NULL) {
      host = g_strndup (text, (gsize) (colon - text));
      port = colon + 1;
    }
  }
  if (host != NULL)
    address = g_inet_address_new_from_string (host);
  if (address == NULL ||
      (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6) != bracketed ||
      !g_ascii_string_to_unsigned (port, 10, 0, G_MAXUINT16, &number, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "\"%s\" is no address to listen on; ADDR:PORT or [ADDR]:PORT is wanted", text);
    return NULL;
  }
  return G_INET_SOCKET_ADDRESS (g_inet_socket_address_new (address, (guint16) number));
}

GPtrArray *
weir_parse_listen (const gchar *listen, GError **error)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (GStrv) parts = g_strsplit (listen, ";", -1);

  for (guint i = 0; parts[i] != NULL; i++) {
    const gchar *part = g_strstrip (parts[i]);
    GInetSocketAddress *address;

    /* one `;` too many does no harm */
    if (*part == '\0')
      continue;
    address = parse_one (part, error);
    if (address == NULL)
      return NULL;
    g_ptr_array_add (addresses, address);
  }
  if (addresses->len == 0) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "there is no address to listen on");
    return NULL;
  }
  return g_steal_pointer (&addresses);
}

/* ── listener ── */

typedef struct {
  WeirTcpListener *listener;
  gint fd;
  WeirWatch *watch;
  WeirTimer *timer; /* ends a pause */
  guint failures;   /* attempts without descriptors, one after another */
  gboolean waiting; /* for descriptors: in such a pause */
} Listening;

struct _WeirTcpListener {
  WeirWorker *worker;
  GArray *sockets; /* Listening */
  gchar *addresses;
  WeirTcpListenerCallbacks callbacks;
  gpointer user_data;
  gboolean *left; /* set when a callback frees the listener */
  gboolean paused;
};

static void
set_option (gint fd, gint level, gint name, gint value)
{
  /* none of them is vital, and not every kind of socket has them */
  if (setsockopt (fd, level, name, &value, sizeof value) != 0)
    g_debug ("socket option %d/%d: %s", level, name, g_strerror (errno));
}

/* Sockets that are accepted inherit them: no system call for each of them. */
static void
prepare_listening (gint fd)
{
  set_option (fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option (fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option (fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
  set_option (fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
  set_option (fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
  set_option (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
}

static void
update_accepting (Listening *self)
{
  weir_watch_modify (self->watch, self->waiting || self->listener->paused ? 0 : EPOLLIN);
}

static void
resume_accepting (gpointer data)
{
  Listening *listening = data;

  listening->waiting = FALSE;
  update_accepting (listening);
}

static gboolean
is_out_of_resources (gint error_number)
{
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

/* @native: of an IPv4 or IPv6 socket. IPv4-mapped addresses become IPv4. */
static GInetSocketAddress *
from_native (struct sockaddr_storage *native, socklen_t size)
{
  return G_INET_SOCKET_ADDRESS (g_socket_address_new_from_native (native, size));
}

static void
on_acceptable (G_GNUC_UNUSED guint32 events, gpointer data)
{
  Listening *listening = data;
  WeirTcpListener *self = listening->listener;
  gboolean left = FALSE;

  for (guint i = 0; i < ACCEPTS_PER_WAKE_UP; i++) {
    struct sockaddr_storage native = {0};
    socklen_t size = sizeof native;
    gint fd =
        accept4 (listening->fd, (struct sockaddr *) &native, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    g_autoptr (GInetSocketAddress) peer = NULL;

    if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (fd < 0 && is_out_of_resources (errno)) {
      if (self->callbacks.exhausted != NULL)
        self->callbacks.exhausted (errno, self->user_data);
      else if (listening->failures++ % ATTEMPTS_PER_LOG_LINE == 0)
        g_message ("no connection can be accepted: %s", g_strerror (errno));
      /* who connects waits in the backlog; closing them with a descriptor kept in reserve would
       * only bring them back at once, and some encoders do not come back */
      listening->waiting = TRUE;
      update_accepting (listening);
      weir_timer_arm (listening->timer, g_get_monotonic_time () + ACCEPT_PAUSE_US);
      return;
    }
    /* an error of the connection that was to be accepted */
    if (fd < 0)
      continue;
    listening->failures = 0;
    self->left = &left;
    peer = from_native (&native, size);
    self->callbacks.accepted (fd, peer, self->user_data);
    if (left)
      return;
    self->left = NULL;
    if (self->paused)
      return;
  }
}

static gboolean
is_any_ipv6 (GInetSocketAddress *address)
{
  GInetAddress *inet = g_inet_socket_address_get_address (address);

  return g_inet_address_get_family (inet) == G_SOCKET_FAMILY_IPV6 &&
         g_inet_address_get_is_any (inet);
}

/* `[::]` takes IPv4 too, unless IPv4 has an entry of its own for that port; those that the
 * system chooses differ. */
static gboolean
takes_ipv6_only (GInetSocketAddress *address, GPtrArray *all)
{
  if (!is_any_ipv6 (address))
    return TRUE;
  if (g_inet_socket_address_get_port (address) == 0)
    return FALSE;
  for (guint i = 0; i < all->len; i++) {
    GInetSocketAddress *other = all->pdata[i];
    GInetAddress *inet = g_inet_socket_address_get_address (other);

    if (g_inet_address_get_family (inet) == G_SOCKET_FAMILY_IPV4 &&
        g_inet_socket_address_get_port (other) == g_inet_socket_address_get_port (address))
      return TRUE;
  }
  return FALSE;
}

/* Returns: a listening descriptor, or minus an errno */
static gint
listen_on (GInetSocketAddress *address, gboolean ipv6_only)
{
  struct sockaddr_storage native = {0};
  gssize size = g_socket_address_get_native_size (G_SOCKET_ADDRESS (address));
  gint family = g_socket_address_get_family (G_SOCKET_ADDRESS (address));
  gint fd, error_number;

  if (!g_socket_address_to_native (G_SOCKET_ADDRESS (address), &native, sizeof native, NULL))
    return -EAFNOSUPPORT;
  fd = socket (family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  set_option (fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6)
    set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
  prepare_listening (fd);
  if (bind (fd, (struct sockaddr *) &native, (socklen_t) size) == 0 && listen (fd, BACKLOG) == 0)
    return fd;
  error_number = errno;
  close (fd);
  return -error_number;
}

static gint
listen_on_or_fall_back (GInetSocketAddress *address, GPtrArray *all)
{
  gint fd = listen_on (address, takes_ipv6_only (address, all));

  /* a host without IPv6 */
  if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && is_any_ipv6 (address)) {
    g_autoptr (GInetAddress) any = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);
    g_autoptr (GSocketAddress) fallback =
        g_inet_socket_address_new (any, g_inet_socket_address_get_port (address));

    if (!takes_ipv6_only (address, all))
      return listen_on (G_INET_SOCKET_ADDRESS (fallback), FALSE);
  }
  return fd;
}

static void
start_accepting (gpointer data)
{
  WeirTcpListener *self = data;

  for (guint i = 0; i < self->sockets->len; i++) {
    Listening *listening = &g_array_index (self->sockets, Listening, i);

    listening->watch = weir_worker_watch (self->worker, listening->fd, 0, on_acceptable, listening);
    listening->timer = weir_worker_timer (self->worker, resume_accepting, listening);
    update_accepting (listening);
  }
}

static void
stop_accepting (gpointer data)
{
  WeirTcpListener *self = data;

  for (guint i = 0; i < self->sockets->len; i++) {
    Listening *listening = &g_array_index (self->sockets, Listening, i);

    g_clear_pointer (&listening->watch, weir_watch_remove);
    g_clear_pointer (&listening->timer, weir_timer_free);
    close (listening->fd);
  }
  g_array_set_size (self->sockets, 0);
}

static void
append_address (GString *addresses, gint fd)
{
  struct sockaddr_storage native = {0};
  socklen_t size = sizeof native;
  g_autoptr (GInetSocketAddress) address = NULL;
  g_autofree gchar *text = NULL;

  getsockname (fd, (struct sockaddr *) &native, &size);
  address = from_native (&native, size);
  text = weir_address_to_string (address);
  if (addresses->len > 0)
    g_string_append_c (addresses, ';');
  g_string_append (addresses, text);
}

WeirTcpListener *
weir_tcp_listener_new (WeirWorker *worker, const gchar *addresses,
    const WeirTcpListenerCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_autoptr (GPtrArray) parsed = weir_parse_listen (addresses, error);
  g_autoptr (GString) bound = g_string_new (NULL);
  WeirTcpListener *self;

  if (parsed == NULL)
    return NULL;
  self = g_new0 (WeirTcpListener, 1);
  self->worker = weir_worker_ref (worker);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->sockets = g_array_new (FALSE, FALSE, sizeof (Listening));
  for (guint i = 0; i < parsed->len; i++) {
    Listening listening = {
        .listener = self, .fd = listen_on_or_fall_back (parsed->pdata[i], parsed)};

    if (listening.fd < 0) {
      g_autofree gchar *text = g_socket_connectable_to_string (parsed->pdata[i]);

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-listening.fd),
          "cannot listen on %s: %s", text, g_strerror (-listening.fd));
      weir_tcp_listener_free (self);
      return NULL;
    }
    g_array_append_val (self->sockets, listening);
    append_address (bound, listening.fd);
  }
  self->addresses = g_strdup (bound->str);
  if (weir_worker_is_current (worker))
    start_accepting (self);
  else
    weir_worker_invoke (worker, start_accepting, self, NULL);
  return self;
}

void
weir_tcp_listener_free (WeirTcpListener *self)
{
  if (self == NULL)
    return;
  if (weir_worker_is_current (self->worker) && self->left != NULL)
    *self->left = TRUE;
  /* without addresses the worker was never told */
  if (self->addresses != NULL)
    weir_worker_call (self->worker, stop_accepting, self);
  else
    stop_accepting (self);
  g_array_unref (self->sockets);
  weir_worker_unref (self->worker);
  g_free (self->addresses);
  g_free (self);
}

void
weir_tcp_listener_set_paused (WeirTcpListener *self, gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  for (guint i = 0; i < self->sockets->len; i++) {
    Listening *listening = &g_array_index (self->sockets, Listening, i);

    /* else start_accepting() is still to come */
    if (listening->watch != NULL)
      update_accepting (listening);
  }
}

const gchar *
weir_tcp_listener_get_addresses (WeirTcpListener *self)
{
  return self->addresses;
}
