/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/door.h"

#include "net/address.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* while the doorway is paused, those whose turn has come look again after so long, and later when
 * they are many */
#define PAUSED_LOOK_US (50 * 1000)
#define PAUSED_LOOKERS 256

struct _WeirDoor {
  gatomicrefcount ref_count;
  WeirAdmission *admission;
  gint64 patience_us;
  WeirNetworks *trusted;
  WeirCounters *counters;
  WeirStrangerLog log;
  guint64 refused;
};

struct _WeirVisit {
  WeirDoor *door;
  GInetAddress *address; /* NULL: of a proxy that speaks for itself */
};

struct _WeirDoorway {
  WeirDoor *door;
  WeirWorker *worker;
  WeirTcpListener *tcp;
  void (*entered) (gint fd, const gchar *peer, WeirVisit *visit, gpointer user_data);
  gpointer user_data;
  GQueue visitors; /* Visitor: not in yet */
  gboolean paused;
};

/* accepted, and not in: a proxy's whose header is read, or one that is held back */
typedef struct {
  WeirDoorway *doorway;
  GList link;
  gint fd;
  GInetSocketAddress *peer;
  WeirVisit *proxy; /* its header is read; NULL: held back */
  WeirWatch *watch; /* likewise */
  WeirTimer *timer;
  gint64 deadline_us;
} Visitor;

/* ── the door ── */

void
weir_door_settings_init (WeirDoorSettings *settings)
{
  *settings = (WeirDoorSettings){
      .admission = {.connections_max = 1024, .per_address_burst = 1},
      .patience_us = 10 * G_USEC_PER_SEC,
  };
}

WeirDoor *
weir_door_new (const WeirDoorSettings *settings)
{
  WeirDoor *self = g_new0 (WeirDoor, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->admission = weir_admission_new (&settings->admission);
  self->patience_us = settings->patience_us;
  self->trusted = settings->trusted;
  if (settings->counters != NULL) {
    self->counters = weir_counters_ref (settings->counters);
    weir_counters_declare (self->counters, WEIR_LIMIT_PENDING_CONNECTIONS);
    weir_counters_declare (self->counters, WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS);
    weir_counters_declare (self->counters, WEIR_LIMIT_CONNECTION_RATE_PER_ADDRESS);
    weir_counters_declare (self->counters, WEIR_REASON_PROXY_HEADER);
  }
  weir_stranger_log_init (&self->log, g_get_monotonic_time ());
  return self;
}

WeirDoor *
weir_door_ref (WeirDoor *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_door_unref (WeirDoor *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  weir_admission_unref (self->admission);
  weir_networks_free (self->trusted);
  g_clear_pointer (&self->counters, weir_counters_unref);
  g_free (self);
}

void
weir_door_get_pending (WeirDoor *self, guint *talking, guint *waiting)
{
  *talking = weir_admission_get_talking (self->admission);
  *waiting = weir_admission_get_waiting (self->admission);
}

WeirStrangerLog *
weir_door_get_log (WeirDoor *self)
{
  return &self->log;
}

static void
refuse (WeirDoor *self, const gchar *reason, GInetSocketAddress *peer)
{
  g_autofree gchar *text = weir_address_to_string (peer);

  weir_counters_add (self->counters, reason);
  self->refused++;
  weir_stranger_log (&self->log, g_get_monotonic_time (),
      "a connection from %s was closed at the door: %s, %" G_GUINT64_FORMAT " in all", text, reason,
      self->refused);
}

static WeirVisit *
visit_new (WeirDoor *door, GInetAddress *address)
{
  WeirVisit *self = g_new0 (WeirVisit, 1);

  self->door = weir_door_ref (door);
  if (address != NULL)
    self->address = g_object_ref (address);
  return self;
}

void
weir_visit_end (WeirVisit *self)
{
  weir_admission_leave (self->door->admission, self->address);
  weir_door_unref (self->door);
  g_clear_object (&self->address);
  g_free (self);
}

/* ── those who are not in yet ── */

static Visitor *
visitor_new (WeirDoorway *doorway, gint fd, GInetSocketAddress *peer)
{
  Visitor *self = g_new0 (Visitor, 1);

  self->doorway = doorway;
  self->fd = fd;
  self->peer = g_object_ref (peer);
  self->deadline_us = g_get_monotonic_time () + doorway->door->patience_us;
  self->link.data = self;
  g_queue_push_tail_link (&doorway->visitors, &self->link);
  return self;
}

/* Returns: the descriptor, which stays open */
static gint
visitor_free (Visitor *self)
{
  gint fd = self->fd;

  g_queue_unlink (&self->doorway->visitors, &self->link);
  g_clear_pointer (&self->watch, weir_watch_remove);
  g_clear_pointer (&self->timer, weir_timer_free);
  g_clear_pointer (&self->proxy, weir_visit_end);
  g_object_unref (self->peer);
  g_free (self);
  return fd;
}

static void
let_in (WeirDoorway *self, gint fd, GInetSocketAddress *peer, gboolean counts)
{
  g_autofree gchar *text = weir_address_to_string (peer);

  self->entered (fd, text,
      visit_new (self->door, counts ? g_inet_socket_address_get_address (peer) : NULL),
      self->user_data);
}

static gboolean
has_left (gint fd)
{
  guint8 byte;
  gssize size = recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void
on_turn (gpointer data)
{
  Visitor *self = data;
  WeirDoorway *doorway = self->doorway;
  WeirAdmission *admission = doorway->door->admission;
  GInetAddress *address = g_inet_socket_address_get_address (self->peer);
  gint64 now_us = g_get_monotonic_time ();
  gboolean left = has_left (self->fd);
  gint64 wait_us = PAUSED_LOOK_US * (1 + doorway->visitors.length / PAUSED_LOOKERS);

  if (!left && !doorway->paused)
    wait_us = weir_admission_ask_again (admission, address, now_us);
  if (wait_us == 0) {
    g_autoptr (GInetSocketAddress) peer = g_object_ref (self->peer);

    let_in (doorway, visitor_free (self), peer, TRUE);
    return;
  }
  if (left || (now_us >= self->deadline_us && !doorway->paused)) {
    const gchar *limit = weir_admission_give_up (admission, address);

    if (!left)
      refuse (doorway->door, limit, self->peer);
    close (visitor_free (self));
    return;
  }
  weir_timer_arm (
      self->timer, doorway->paused ? now_us + wait_us : MIN (now_us + wait_us, self->deadline_us));
}

/* @peer: the client */
static void
admit (WeirDoorway *self, gint fd, GInetSocketAddress *peer)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 wait_us = 0;
  const gchar *limit = weir_admission_enter (
      self->door->admission, g_inet_socket_address_get_address (peer), now_us, &wait_us);
  Visitor *visitor;

  if (limit != NULL) {
    refuse (self->door, limit, peer);
    close (fd);
    return;
  }
  if (wait_us == 0) {
    let_in (self, fd, peer, TRUE);
    return;
  }
  visitor = visitor_new (self, fd, peer);
  visitor->timer = weir_worker_timer (self->worker, on_turn, visitor);
  weir_timer_arm (visitor->timer, MIN (now_us + wait_us, visitor->deadline_us));
}

/* ── headers of proxies ── */

static void
refuse_header (gpointer data)
{
  Visitor *self = data;

  refuse (self->doorway->door, WEIR_REASON_PROXY_HEADER, self->peer);
  close (visitor_free (self));
}

/* The header is looked at until it is complete, and only then taken from the socket: what follows
 * it is the protocol's. */
static void
on_header (G_GNUC_UNUSED guint32 events, gpointer data)
{
  Visitor *self = data;
  WeirDoorway *doorway = self->doorway;
  guint8 header[WEIR_PROXY_HEADER_MAX];
  gssize size = recv (self->fd, header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
  g_autoptr (GInetSocketAddress) client = NULL;
  g_autoptr (GInetSocketAddress) peer = NULL;
  gsize header_size = 0;
  WeirProxyResult result;
  gint fd;

  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return;
  /* a proxy that looks whether we are there */
  if (size <= 0) {
    close (visitor_free (self));
    return;
  }
  result = weir_proxy_parse (header, (gsize) size, &header_size, &client);
  if (result == WEIR_PROXY_MORE)
    return;
  if (result == WEIR_PROXY_INVALID ||
      recv (self->fd, header, header_size, MSG_DONTWAIT) != (gssize) header_size) {
    refuse_header (self);
    return;
  }
  peer = g_object_ref (self->peer);
  if (client == NULL) {
    WeirVisit *visit = g_steal_pointer (&self->proxy);
    g_autofree gchar *text = weir_address_to_string (peer);

    fd = visitor_free (self);
    doorway->entered (fd, text, visit, doorway->user_data);
    return;
  }
  fd = visitor_free (self);
  admit (doorway, fd, client);
}

static void
await_header (WeirDoorway *self, gint fd, GInetSocketAddress *peer)
{
  WeirAdmission *admission = self->door->admission;
  gint64 wait_us = 0;
  const gchar *limit = weir_admission_enter (admission, NULL, g_get_monotonic_time (), &wait_us);
  Visitor *visitor;

  if (limit != NULL) {
    refuse (self->door, limit, peer);
    close (fd);
    return;
  }
  visitor = visitor_new (self, fd, peer);
  visitor->proxy = visit_new (self->door, NULL);
  /* edge-triggered: a beginning that was looked at is still there */
  visitor->watch =
      weir_worker_watch (self->worker, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, on_header, visitor);
  visitor->timer = weir_worker_timer (self->worker, refuse_header, visitor);
  weir_timer_arm (visitor->timer, visitor->deadline_us);
}

/* ── doorways ── */

static void
on_accepted (gint fd, GInetSocketAddress *peer, gpointer user_data)
{
  WeirDoorway *self = user_data;
  WeirNetworks *trusted = self->door->trusted;

  if (trusted != NULL && weir_networks_contain (trusted, g_inet_socket_address_get_address (peer)))
    await_header (self, fd, peer);
  else
    admit (self, fd, peer);
}

static const WeirTcpListenerCallbacks listener_callbacks = {.accepted = on_accepted};

WeirDoorway *
weir_doorway_new (WeirDoor *door, WeirWorker *worker, const gchar *addresses,
    void (*entered) (gint fd, const gchar *peer, WeirVisit *visit, gpointer user_data),
    gpointer user_data, GError **error)
{
  g_autoptr (WeirDoorway) self = g_new0 (WeirDoorway, 1);

  self->door = weir_door_ref (door);
  self->worker = weir_worker_ref (worker);
  self->entered = entered;
  self->user_data = user_data;
  self->tcp = weir_tcp_listener_new (worker, addresses, &listener_callbacks, self, error);
  if (self->tcp == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

static void
close_visitors (gpointer data)
{
  WeirDoorway *self = data;

  while (self->visitors.length > 0) {
    Visitor *visitor = self->visitors.head->data;

    if (visitor->proxy == NULL)
      weir_admission_give_up (
          self->door->admission, g_inet_socket_address_get_address (visitor->peer));
    close (visitor_free (visitor));
  }
}

void
weir_doorway_free (WeirDoorway *self)
{
  if (self == NULL)
    return;
  /* it has nobody yet without */
  if (self->tcp != NULL) {
    weir_tcp_listener_free (self->tcp);
    weir_worker_call (self->worker, close_visitors, self);
  }
  weir_worker_unref (self->worker);
  weir_door_unref (self->door);
  g_free (self);
}

void
weir_doorway_set_paused (WeirDoorway *self, gboolean paused)
{
  self->paused = paused;
  weir_tcp_listener_set_paused (self->tcp, paused);
}

const gchar *
weir_doorway_get_addresses (WeirDoorway *self)
{
  return weir_tcp_listener_get_addresses (self->tcp);
}
