/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/socket.h"

#include "net/address.h"
#include "onworker.h"
#include "tcppair.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>

/* A socket on a worker, and what happened to it. */
typedef struct {
  WeirWorker *worker;
  WeirSocket *socket;
  gint peer;
  gsize output_limit;
  gint64 read_interval_us;
  gboolean paused;
  gboolean free_when_received;
  gboolean free_when_closed;
  GByteArray *received;
  guint reads;
  WeirSocketState state;
  gint error_number;
  Counter came;
  Counter closed;
  GString *order; /* shared by several */
  gchar letter;
  gint watched_fd;
  guint32 events_when_received;
} End;

/* what the kernel says an epoll descriptor of this process asks for on @fd; G_MAXUINT32 without */
static guint32
epoll_events (gint fd)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fdinfo", 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *path = g_build_filename ("/proc/self/fdinfo", name, NULL);
    g_autofree gchar *text = NULL;
    g_auto (GStrv) lines = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL))
      continue;
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
      gint target;
      guint events;

      if (sscanf (lines[i], "tfd: %d events: %x", &target, &events) == 2 && target == fd)
        return events;
    }
  }
  return G_MAXUINT32;
}

static void
received (WeirSocket *socket, const guint8 *data, gsize size, gpointer user_data)
{
  End *self = user_data;

  g_assert_true (weir_worker_is_current (self->worker));
  g_assert_true (socket == self->socket);
  g_byte_array_append (self->received, data, (guint) size);
  self->reads++;
  if (self->order != NULL)
    g_string_append_c (self->order, self->letter);
  self->events_when_received = epoll_events (self->watched_fd);
  if (self->free_when_received)
    g_clear_pointer (&self->socket, weir_socket_free);
  counter_add (&self->came);
}

static void
closed (WeirSocket *socket, WeirSocketState state, gint error_number, gpointer user_data)
{
  End *self = user_data;

  g_assert_true (socket == self->socket);
  g_assert_cmpint (self->state, ==, WEIR_SOCKET_OPEN);
  self->state = state;
  self->error_number = error_number;
  if (self->free_when_closed)
    g_clear_pointer (&self->socket, weir_socket_free);
  counter_add (&self->closed);
}

static const WeirSocketCallbacks callbacks = {received, closed};

static void
end_init (End *self, WeirWorker *worker)
{
  gint fds[2];

  tcp_pair (fds);
  self->worker = worker;
  self->socket = weir_socket_new (fds[0], self->output_limit);
  self->watched_fd = fds[0];
  self->peer = fds[1];
  self->received = g_byte_array_new ();
}

static void
attach (gpointer data)
{
  End *self = data;

  weir_socket_set_paused (self->socket, self->paused);
  weir_socket_set_read_interval (self->socket, self->read_interval_us);
  weir_socket_attach (self->socket, self->worker, &callbacks, self);
}

static void
free_socket (gpointer data)
{
  End *self = data;

  g_clear_pointer (&self->socket, weir_socket_free);
}

static void
end_clear (End *self)
{
  on_worker (self->worker, free_socket, self);
  if (self->peer >= 0)
    close (self->peer);
  g_byte_array_unref (self->received);
}

static void
unpause (gpointer data)
{
  weir_socket_set_paused (((End *) data)->socket, FALSE);
}

static void
unpause_both (gpointer data)
{
  End **ends = data;

  for (guint i = 0; i < 2; i++)
    weir_socket_set_paused (ends[i]->socket, FALSE);
}

static void
send_hello (gpointer data)
{
  weir_socket_send (((End *) data)->socket, (const guint8 *) "hello", 5);
}

static void
bytes_go_both_ways_until_the_peer_closes (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 1000};
  gchar answer[5];

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  tcp_write (end.peer, "abc", 3);
  counter_await (&end.came, 1);
  g_assert_cmpmem (end.received->data, end.received->len, "abc", 3);
  on_worker (worker, send_hello, &end);
  g_assert_cmpint (recv (end.peer, answer, 5, MSG_WAITALL), ==, 5);
  g_assert_cmpmem (answer, 5, "hello", 5);
  close (end.peer);
  end.peer = -1;
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_EOF);
  g_assert_cmpuint (weir_socket_get_bytes_received (end.socket), ==, 3);
  g_assert_cmpuint (weir_socket_get_bytes_sent (end.socket), ==, 5);
  end_clear (&end);
}

static void
a_reset_is_told_with_its_error (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 1000};

  end.paused = GPOINTER_TO_INT (data) == 1;
  end.read_interval_us = GPOINTER_TO_INT (data) == 2 ? 1000 : 0;
  end_init (&end, worker);
  on_worker (worker, attach, &end);
  tcp_write (end.peer, "abc", 3);
  if (!end.paused)
    counter_await (&end.came, 1);
  tcp_reset (end.peer);
  end.peer = -1;
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_RESET);
  g_assert_cmpint (end.error_number, ==, ECONNRESET);
  g_assert_cmpuint (end.received->len, ==, end.paused ? 0 : 3);
  end_clear (&end);
}

static void
a_paused_socket_reads_nothing_and_loses_nothing (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 1000, .paused = TRUE};

  end_init (&end, worker);
  tcp_write (end.peer, "early", 5);
  on_worker (worker, attach, &end);
  g_assert_cmpuint (epoll_events (end.watched_fd) & EPOLLIN, ==, 0);
  /* a whole wake-up of the worker, with the data waiting */
  on_worker (worker, send_hello, &end);
  g_assert_cmpuint (end.reads, ==, 0);
  on_worker (worker, unpause, &end);
  counter_await (&end.came, 1);
  g_assert_cmpmem (end.received->data, end.received->len, "early", 5);
  end_clear (&end);
}

/* @data: the read interval */
static void
a_full_read_lets_the_others_have_their_turn (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  GString *order = g_string_new (NULL);
  End much = {.output_limit = 1, .order = order, .letter = 'm', .paused = TRUE};
  End little = {.output_limit = 1, .order = order, .letter = 'l', .paused = TRUE};
  g_autofree guint8 *bytes = g_malloc0 (300000);
  gint size = 4 * 1024 * 1024;

  much.read_interval_us = little.read_interval_us = GPOINTER_TO_INT (data);
  end_init (&much, worker);
  end_init (&little, worker);
  g_assert_cmpint (setsockopt (much.peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
  tcp_write (much.peer, bytes, 300000);
  tcp_write (little.peer, bytes, 10);
  on_worker (worker, attach, &much);
  on_worker (worker, attach, &little);
  on_worker (worker, unpause_both, (End *[2]){&much, &little});
  counter_await (&little.came, 1);
  counter_await (&much.came, 3);
  end_clear (&much);
  end_clear (&little);
  /* the little one waited for one read of the other at most */
  g_assert_cmpint (strchr (order->str, 'l') - order->str, <=, 1);
  g_string_free (order, TRUE);
}

static gpointer
write_until_told (gpointer data)
{
  End *end = data;

  while (counter_get (&end->came) < 8) {
    tcp_write (end->peer, "x", 1);
    g_thread_yield ();
  }
  return NULL;
}

typedef struct {
  gint fd;
  WeirTimer *timer;
  Counter armed;
} Arming;

static void
check_armed (gpointer data)
{
  Arming *self = data;

  if ((epoll_events (self->fd) & EPOLLIN) == 0) {
    weir_timer_arm (self->timer, g_get_monotonic_time () + 2000);
    return;
  }
  g_clear_pointer (&self->timer, weir_timer_free);
  counter_add (&self->armed);
}

typedef struct {
  WeirWorker *worker;
  Arming *arming;
} StartArming;

static void
start_check (gpointer data)
{
  StartArming *self = data;

  self->arming->timer = weir_worker_timer (self->worker, check_armed, self->arming);
  weir_timer_arm (self->arming->timer, 0);
}

static void
a_socket_read_in_rounds_is_out_of_epoll_until_it_falls_silent (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 1000, .read_interval_us = 3000};
  GThread *thread;
  Arming arming = {0};
  guint before;

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  thread = g_thread_new ("writer", write_until_told, &end);
  counter_await (&end.came, 8);
  g_thread_join (thread);
  g_assert_cmpuint (end.events_when_received & EPOLLIN, ==, 0);
  arming.fd = end.watched_fd;
  on_worker (worker, start_check, &(StartArming){worker, &arming});
  counter_await (&arming.armed, 1);
  /* and it still receives, and goes out of epoll again */
  before = counter_get (&end.came);
  tcp_write (end.peer, "y", 1);
  counter_await (&end.came, before + 1);
  g_assert_cmpuint (end.events_when_received & EPOLLIN, ==, 0);
  g_assert_cmpint (end.received->data[end.received->len - 1], ==, 'y');
  end_clear (&end);
}

static void
send_a_lot (gpointer data)
{
  End *end = data;
  g_autofree guint8 *bytes = g_malloc0 (100000);

  /* more than any socket buffer takes */
  for (guint i = 0; i < 1000; i++) {
    weir_socket_send (end->socket, bytes, 100000);
    g_assert_cmpint (end->state, ==, WEIR_SOCKET_OPEN);
    g_assert_cmpuint (weir_socket_get_output_waiting (end->socket), <=, end->output_limit);
  }
}

static void
a_peer_that_does_not_read_is_given_up (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 500000, .free_when_closed = TRUE};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  on_worker (worker, send_a_lot, &end);
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_SLOW);
  end_clear (&end);
}

#define OUTPUT_SIZE 8000000

static void
send_then_shut_down (gpointer data)
{
  End *end = data;
  g_autofree guint8 *bytes = g_malloc (OUTPUT_SIZE / 2);

  for (guint part = 0; part < 2; part++) {
    for (guint i = 0; i < OUTPUT_SIZE / 2; i++)
      bytes[i] = (guint8) ((part * (OUTPUT_SIZE / 2) + i) / 251);
    weir_socket_send (end->socket, bytes, OUTPUT_SIZE / 2);
  }
  g_assert_cmpuint (weir_socket_get_output_waiting (end->socket), >, 0);
  weir_socket_shutdown (end->socket);
}

static void
what_waits_is_sent_before_the_sending_side_is_shut (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = OUTPUT_SIZE};
  g_autofree guint8 *bytes = g_malloc (65536);
  gsize total = 0;
  gssize size;

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  on_worker (worker, send_then_shut_down, &end);
  while ((size = recv (end.peer, bytes, 65536, 0)) > 0) {
    for (gssize i = 0; i < size; i++)
      g_assert_cmpint (bytes[i], ==, (guint8) ((total + (gsize) i) / 251));
    total += (gsize) size;
  }
  g_assert_cmpint (size, ==, 0);
  g_assert_cmpuint (total, ==, OUTPUT_SIZE);
  end_clear (&end);
}

static void
a_callback_may_free_the_socket (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.free_when_received = TRUE, .read_interval_us = GPOINTER_TO_INT (data)};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  tcp_write (end.peer, "abc", 3);
  counter_await (&end.came, 1);
  end_clear (&end);
}

/* ── migration ── */

#define MIGRATION_SIZE 4000000

typedef struct {
  WeirWorker *workers[2];
  guint current;
  WeirSocket *socket;
  gint peer;
  gsize received;
  gsize since_moved;
  Counter done;
} Migration;

static void migration_attach (gpointer data);

static void
migration_received (WeirSocket *socket, const guint8 *data, gsize size, gpointer user_data)
{
  Migration *self = user_data;

  g_assert_true (weir_worker_is_current (self->workers[self->current]));
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (data[i], ==, (guint8) ((self->received + i) / 97));
  self->received += size;
  self->since_moved += size;
  if (self->received == MIGRATION_SIZE) {
    counter_add (&self->done);
  } else if (self->since_moved > 100000) {
    self->since_moved = 0;
    weir_socket_detach (socket);
    self->current = !self->current;
    weir_worker_invoke (self->workers[self->current], migration_attach, self, NULL);
  }
}

static const WeirSocketCallbacks migration_callbacks = {migration_received, NULL};

static void
migration_attach (gpointer data)
{
  Migration *self = data;

  weir_socket_attach (self->socket, self->workers[self->current], &migration_callbacks, self);
}

static gpointer
write_migration (gpointer data)
{
  Migration *self = data;
  g_autofree guint8 *bytes = g_malloc (MIGRATION_SIZE);

  for (gsize i = 0; i < MIGRATION_SIZE; i++)
    bytes[i] = (guint8) (i / 97);
  tcp_write (self->peer, bytes, MIGRATION_SIZE);
  return NULL;
}

static void
free_migration (gpointer data)
{
  Migration *self = data;

  g_clear_pointer (&self->socket, weir_socket_free);
}

static void
moving_between_workers_loses_no_byte (gconstpointer data)
{
  Migration self = {.workers = {weir_worker_new ("one"), weir_worker_new ("two")}};
  GThread *thread;
  gint fds[2];

  tcp_pair (fds);
  self.peer = fds[1];
  self.socket = weir_socket_new (fds[0], 1000);
  weir_socket_set_read_interval (self.socket, GPOINTER_TO_INT (data));
  weir_worker_invoke (self.workers[0], migration_attach, &self, NULL);
  thread = g_thread_new ("writer", write_migration, &self);
  counter_await (&self.done, 1);
  g_thread_join (thread);
  on_worker (self.workers[self.current], free_migration, &self);
  weir_worker_unref (self.workers[0]);
  weir_worker_unref (self.workers[1]);
  close (self.peer);
}

/* ── addresses and listener ── */

static void
addresses_are_parsed (void)
{
  static const struct {
    const gchar *text;
    const gchar *parsed; /* NULL: an error */
  } table[] = {
      {"0.0.0.0:1935", "0.0.0.0:1935"},
      {"[::]:1935", "[::]:1935"},
      {"[2001:db8::1]:80; 127.0.0.1:81 ;", "[2001:db8::1]:80 127.0.0.1:81"},
      /* GLib leaves port 0 out of the text */
      {"127.0.0.1:0", "127.0.0.1"},
      {"127.0.0.1:65535", "127.0.0.1:65535"},
      {"127.0.0.1:65536", NULL},
      {"127.0.0.1:-1", NULL},
      {"127.0.0.1:", NULL},
      {"127.0.0.1", NULL},
      {":1935", NULL},
      {"::1:1935", NULL},
      {"[::1]", NULL},
      {"[::1]1935", NULL},
      {"[::1:1935", NULL},
      {"[127.0.0.1]:1935", NULL},
      {"localhost:1935", NULL},
      {"", NULL},
      {";", NULL},
      {"127.0.0.1:80;x", NULL},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) parsed = weir_parse_listen (table[i].text, &error);
    g_autoptr (GString) text = g_string_new (NULL);

    if (table[i].parsed == NULL) {
      g_assert_null (parsed);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      continue;
    }
    g_assert_no_error (error);
    for (guint j = 0; j < parsed->len; j++) {
      g_autofree gchar *one = g_socket_connectable_to_string (parsed->pdata[j]);

      g_string_append_printf (text, "%s%s", j > 0 ? " " : "", one);
    }
    g_assert_cmpstr (text->str, ==, table[i].parsed);
  }
}

typedef struct {
  WeirTcpListener *listener;
  gboolean free_when_accepted;
  gboolean keep; /* the descriptor, in @fd */
  gint fd;
  gchar *peer;
  Counter accepted;
} Accepting;

static void
accepted (gint fd, GInetSocketAddress *peer, gpointer user_data)
{
  Accepting *self = user_data;

  if (self->keep) {
    self->fd = fd;
    counter_add (&self->accepted);
    return;
  }
  close (fd);
  g_free (self->peer);
  self->peer = weir_address_to_string (peer);
  if (self->free_when_accepted)
    g_clear_pointer (&self->listener, weir_tcp_listener_free);
  counter_add (&self->accepted);
}

static const WeirTcpListenerCallbacks listener_callbacks = {.accepted = accepted};

static gchar *
get_own_address (gint fd)
{
  struct sockaddr_storage native = {0};
  socklen_t size = sizeof native;
  g_autoptr (GSocketAddress) address = NULL;

  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &native, &size), ==, 0);
  address = g_socket_address_new_from_native (&native, size);
  return weir_address_to_string (G_INET_SOCKET_ADDRESS (address));
}

static void
assert_accepts (const gchar *addresses, const gchar *connect_to, const gchar *peer)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (GError) error = NULL;
  Accepting accepting = {0};
  g_autofree gchar *target = NULL;
  g_autofree gchar *own = NULL;
  gint fd;

  accepting.listener =
      weir_tcp_listener_new (worker, addresses, &listener_callbacks, &accepting, &error);
  g_assert_no_error (error);
  target = g_strconcat (
      connect_to, strrchr (weir_tcp_listener_get_addresses (accepting.listener), ':'), NULL);
  fd = tcp_connect (target);
  counter_await (&accepting.accepted, 1);
  g_assert_true (g_str_has_prefix (accepting.peer, peer));
  own = get_own_address (fd);
  g_assert_cmpstr (accepting.peer, ==, own);
  close (fd);
  weir_tcp_listener_free (accepting.listener);
  g_free (accepting.peer);
}

static gboolean
has_ipv6 (void)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  gint fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean has = fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0;

  if (fd >= 0)
    close (fd);
  return has;
}

static void
do_nothing (G_GNUC_UNUSED gpointer data)
{
}

/* without them a peer that has vanished stays for hours */
static void
what_is_accepted_has_keepalive_and_no_delay (void)
{
  const struct {
    gint level, name, value;
  } options[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1},
      {SOL_SOCKET, SO_KEEPALIVE, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, 10},
      {IPPROTO_TCP, TCP_KEEPINTVL, 5},
      {IPPROTO_TCP, TCP_KEEPCNT, 3},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, 15000},
  };
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  Accepting accepting = {.keep = TRUE};
  gint fd;

  accepting.listener =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, &accepting, NULL);
  fd = tcp_connect (weir_tcp_listener_get_addresses (accepting.listener));
  counter_await (&accepting.accepted, 1);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    gint value = 0;
    socklen_t size = sizeof value;

    g_assert_cmpint (
        getsockopt (accepting.fd, options[i].level, options[i].name, &value, &size), ==, 0);
    g_assert_cmpint (value, ==, options[i].value);
  }
  g_assert_cmpint (fcntl (accepting.fd, F_GETFL) & O_NONBLOCK, !=, 0);
  g_assert_cmpint (fcntl (accepting.fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  close (accepting.fd);
  close (fd);
  weir_tcp_listener_free (accepting.listener);
}

static void
set_paused (gpointer data)
{
  weir_tcp_listener_set_paused (((Accepting *) data)->listener, TRUE);
}

static void
set_unpaused (gpointer data)
{
  weir_tcp_listener_set_paused (((Accepting *) data)->listener, FALSE);
}

static void
a_paused_listener_leaves_them_in_the_backlog (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  Accepting accepting = {0};
  gint fds[3];

  accepting.listener =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, &accepting, NULL);
  on_worker (worker, set_paused, &accepting);
  for (guint i = 0; i < 3; i++)
    fds[i] = tcp_connect (weir_tcp_listener_get_addresses (accepting.listener));
  for (guint i = 0; i < 20; i++)
    on_worker (worker, do_nothing, NULL);
  g_assert_cmpuint (counter_get (&accepting.accepted), ==, 0);
  on_worker (worker, set_unpaused, &accepting);
  counter_await (&accepting.accepted, 3);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  weir_tcp_listener_free (accepting.listener);
  g_free (accepting.peer);
}

static void
the_system_chooses_a_port_for_ipv4 (void)
{
  assert_accepts ("127.0.0.1:0", "127.0.0.1", "127.0.0.1:");
}

static void
the_system_chooses_a_port_for_ipv6 (void)
{
  if (has_ipv6 ())
    assert_accepts ("[::1]:0", "[::1]", "[::1]:");
  else
    g_test_skip ("no IPv6");
}

static void
any_ipv6_takes_ipv4_too_and_shows_it_as_such (void)
{
  /* on a host without IPv6 this is the fallback to 0.0.0.0 */
  assert_accepts ("[::]:0", "127.0.0.1", "127.0.0.1:");
}

static void
any_address_of_both_kinds_can_have_one_port (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (GError) error = NULL;
  WeirTcpListener *listener;
  Accepting accepting = {0};
  g_autofree gchar *addresses = NULL;
  const gchar *port;
  gint fds[2];

  if (!has_ipv6 ()) {
    g_test_skip ("no IPv6");
    return;
  }
  /* a port that is free */
  listener = weir_tcp_listener_new (worker, "0.0.0.0:0", &listener_callbacks, &accepting, &error);
  g_assert_no_error (error);
  port = strrchr (weir_tcp_listener_get_addresses (listener), ':');
  addresses = g_strdup_printf ("[::]%s;0.0.0.0%s", port, port);
  weir_tcp_listener_free (listener);
  listener = weir_tcp_listener_new (worker, addresses, &listener_callbacks, &accepting, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (weir_tcp_listener_get_addresses (listener), ==, addresses);
  fds[0] = tcp_connect (addresses);
  fds[1] = tcp_connect (strchr (addresses, ';') + 1);
  counter_await (&accepting.accepted, 2);
  close (fds[0]);
  close (fds[1]);
  weir_tcp_listener_free (listener);
  g_free (accepting.peer);
}

static void
a_busy_port_is_an_error_that_names_it (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirTcpListener) first =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, NULL, &error);
  WeirTcpListener *second;

  g_assert_no_error (error);
  second = weir_tcp_listener_new (
      worker, weir_tcp_listener_get_addresses (first), &listener_callbacks, NULL, &error);
  g_assert_null (second);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, weir_tcp_listener_get_addresses (first)));
}

static void
the_listener_can_be_freed_while_it_accepts (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (GError) error = NULL;
  Accepting accepting = {.free_when_accepted = TRUE};
  g_autofree gchar *address = NULL;
  gint fd;

  accepting.listener =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, &accepting, &error);
  g_assert_no_error (error);
  address = g_strdup (weir_tcp_listener_get_addresses (accepting.listener));
  fd = tcp_connect (address);
  counter_await (&accepting.accepted, 1);
  close (fd);
  fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (tcp_try_connect (fd, address), ==, -1);
  close (fd);
  g_free (accepting.peer);
}

static void
the_listener_can_be_freed_after_its_worker_stopped (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  WeirTcpListener *listener =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, NULL, NULL);

  weir_worker_stop (worker);
  weir_tcp_listener_free (listener);
}

static Counter refused;

static GLogWriterOutput
count_refusals (
    GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE") &&
        strstr (fields[i].value, "no connection can be accepted") != NULL)
      counter_add (&refused);
  }
  return g_log_writer_default (level, fields, count, NULL);
}

static void
without_descriptors_accepting_pauses_and_goes_on (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (GError) error = NULL;
  Accepting accepting = {0};
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct rlimit old, tight;
  gint free_fd;

  accepting.listener =
      weir_tcp_listener_new (worker, "127.0.0.1:0", &listener_callbacks, &accepting, &error);
  g_assert_no_error (error);
  getrlimit (RLIMIT_NOFILE, &old);
  /* the lowest one that is free is the first one that is too many */
  free_fd = dup (0);
  close (free_fd);
  tight = old;
  tight.rlim_cur = (rlim_t) free_fd;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &tight), ==, 0);
  g_assert_cmpint (
      tcp_try_connect (fd, weir_tcp_listener_get_addresses (accepting.listener)), ==, 0);
  counter_await (&refused, 1);
  /* tried once a pause, not once a wake-up: one attempt in 100 is told */
  for (guint i = 0; i < 300; i++)
    on_worker (worker, do_nothing, NULL);
  g_assert_cmpuint (counter_get (&refused), ==, 1);
  g_assert_cmpuint (counter_get (&accepting.accepted), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  counter_await (&accepting.accepted, 1);
  weir_tcp_listener_free (accepting.listener);
  close (fd);
  g_free (accepting.peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_refusals, NULL, NULL);
#define TEST(name) g_test_add_func ("/net/socket/" #name, name)
#define TEST_WITH(name, what, value) \
  g_test_add_data_func ("/net/socket/" #name "/" what, GINT_TO_POINTER (value), name)
  TEST (bytes_go_both_ways_until_the_peer_closes);
  TEST_WITH (a_reset_is_told_with_its_error, "reading", 0);
  TEST_WITH (a_reset_is_told_with_its_error, "paused", 1);
  TEST_WITH (a_reset_is_told_with_its_error, "rounds", 2);
  TEST (a_paused_socket_reads_nothing_and_loses_nothing);
  TEST_WITH (a_full_read_lets_the_others_have_their_turn, "events", 0);
  TEST_WITH (a_full_read_lets_the_others_have_their_turn, "rounds", 5000);
  TEST (a_socket_read_in_rounds_is_out_of_epoll_until_it_falls_silent);
  TEST (a_peer_that_does_not_read_is_given_up);
  TEST (what_waits_is_sent_before_the_sending_side_is_shut);
  TEST_WITH (a_callback_may_free_the_socket, "events", 0);
  TEST_WITH (a_callback_may_free_the_socket, "rounds", 1000);
  TEST_WITH (moving_between_workers_loses_no_byte, "events", 0);
  TEST_WITH (moving_between_workers_loses_no_byte, "rounds", 1000);
  TEST (addresses_are_parsed);
  TEST (what_is_accepted_has_keepalive_and_no_delay);
  TEST (a_paused_listener_leaves_them_in_the_backlog);
  TEST (the_system_chooses_a_port_for_ipv4);
  TEST (the_system_chooses_a_port_for_ipv6);
  TEST (any_ipv6_takes_ipv4_too_and_shows_it_as_such);
  TEST (any_address_of_both_kinds_can_have_one_port);
  TEST (a_busy_port_is_an_error_that_names_it);
  TEST (the_listener_can_be_freed_while_it_accepts);
  TEST (the_listener_can_be_freed_after_its_worker_stopped);
  TEST (without_descriptors_accepting_pauses_and_goes_on);
  return g_test_run ();
}
