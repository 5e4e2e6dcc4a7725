/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/socket.h"

#include "folder.h"
#include "onworker.h"
#include "tcppair.h"
#include "testcertificate.h"
#include "tlsclient.h"

typedef enum {
  STAY,
  PAUSE,
  DETACH,
  FREE,
} Then;

/* A socket with TLS on a worker, its client in memory, and what happened to it. */
typedef struct {
  gchar *folder;
  WeirCertificates *certificates;
  WeirWorker *worker;
  WeirSocket *socket;
  gint peer;
  TlsClient client;
  gsize output_limit;
  gint64 read_interval_us;
  Then then; /* when bytes come, once */
  GByteArray *received;
  guint reads;
  WeirSocketState state;
  gchar *message;
  Counter came;
  Counter closed;
} End;

static void
received (WeirSocket *socket, const guint8 *data, gsize size, gpointer user_data)
{
  End *self = user_data;
  Then then = self->then;

  g_assert_true (weir_worker_is_current (self->worker));
  g_assert_cmpuint (size, >, 0);
  g_byte_array_append (self->received, data, (guint) size);
  self->reads++;
  self->then = STAY;
  if (then == PAUSE)
    weir_socket_set_paused (socket, TRUE);
  else if (then == DETACH)
    weir_socket_detach (socket);
  else if (then == FREE)
    g_clear_pointer (&self->socket, weir_socket_free);
  counter_add (&self->came);
}

static void
closed (
    WeirSocket *socket, WeirSocketState state, G_GNUC_UNUSED gint error_number, gpointer user_data)
{
  End *self = user_data;
  const GError *error = weir_socket_get_error (socket);

  g_assert_cmpint (self->state, ==, WEIR_SOCKET_OPEN);
  g_assert_true ((state == WEIR_SOCKET_TLS) == (error != NULL));
  self->state = state;
  if (error != NULL)
    self->message = g_strdup (error->message);
  counter_add (&self->closed);
}

static const WeirSocketCallbacks callbacks = {received, closed};

static void
end_init (End *self, WeirWorker *worker)
{
  g_autoptr (GError) error = NULL;
  gint fds[2], size = 4 * 1024 * 1024;

  tcp_pair (fds);
  self->folder = g_dir_make_tmp ("weir-socket-XXXXXX", NULL);
  test_pair_write (self->folder, "default", &(TestCertificateSettings){0});
  self->certificates = weir_certificates_new (self->folder, NULL, &error);
  g_assert_no_error (error);
  self->worker = worker;
  if (self->output_limit == 0)
    self->output_limit = 64 * 1024;
  self->socket = weir_socket_new (fds[0], self->output_limit);
  weir_socket_set_tls (self->socket, self->certificates);
  g_assert_nonnull (weir_socket_get_tls (self->socket));
  self->peer = fds[1];
  g_assert_cmpint (setsockopt (self->peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
  self->received = g_byte_array_new ();
  tls_client_init (&self->client, TLS1_3_VERSION);
}

static void
attach (gpointer data)
{
  End *self = data;

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
  tls_client_clear (&self->client);
  weir_certificates_unref (self->certificates);
  remove_folder (self->folder);
  g_free (self->folder);
  g_free (self->message);
  g_byte_array_unref (self->received);
}

static void
client_flush (End *self)
{
  g_autoptr (GByteArray) records = tls_client_take_output (&self->client);

  tcp_write (self->peer, records->data, records->len);
}

/* Returns: FALSE at the end */
static gboolean
client_receive (End *self)
{
  guint8 buffer[16384];
  gssize size = recv (self->peer, buffer, sizeof buffer, 0);

  g_assert_cmpint (size, >=, 0);
  tls_client_input (&self->client, buffer, (gsize) size);
  tls_client_advance (&self->client);
  return size > 0;
}

static void
client_connect (End *self)
{
  tls_client_advance (&self->client);
  client_flush (self);
  while (!SSL_is_init_finished (self->client.ssl))
    g_assert_true (client_receive (self));
  client_flush (self);
  /* a ticket follows when the server is done, too */
  while (self->client.session == NULL)
    g_assert_true (client_receive (self));
}

static void
client_say (End *self, gconstpointer data, gsize size)
{
  tls_client_write (&self->client, data, size);
  client_flush (self);
}

static void
set_paused (gpointer data)
{
  weir_socket_set_paused (((End *) data)->socket, TRUE);
}

static void
unpause (gpointer data)
{
  weir_socket_set_paused (((End *) data)->socket, FALSE);
}

static void
send_hello (gpointer data)
{
  weir_socket_send (((End *) data)->socket, (const guint8 *) "hello", 5);
}

static void
users_see_clear_bytes (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.read_interval_us = GPOINTER_TO_INT (data)};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  g_assert_cmpuint (counter_get (&end.came), ==, 0);
  client_say (&end, "abc", 3);
  counter_await (&end.came, 1);
  g_assert_cmpmem (end.received->data, end.received->len, "abc", 3);
  on_worker (worker, send_hello, &end);
  while (end.client.clear->len < 5)
    g_assert_true (client_receive (&end));
  g_assert_cmpmem (end.client.clear->data, end.client.clear->len, "hello", 5);
  g_assert_cmpuint (weir_socket_get_bytes_received (end.socket), >, 100);
  g_assert_cmpuint (weir_socket_get_bytes_sent (end.socket), >, 100);
  end_clear (&end);
}

/* @data: whether the client says close_notify */
static void
the_end_is_the_end_with_and_without_close_notify (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {0};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  tls_client_write (&end.client, "last", 4);
  if (GPOINTER_TO_INT (data))
    SSL_shutdown (end.client.ssl);
  client_flush (&end);
  if (!GPOINTER_TO_INT (data)) {
    close (end.peer);
    end.peer = -1;
  }
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_EOF);
  g_assert_cmpmem (end.received->data, end.received->len, "last", 4);
  end_clear (&end);
}

/* a turn of the worker */
static void
do_nothing (G_GNUC_UNUSED gpointer data)
{
}

static void
detach (gpointer data)
{
  weir_socket_detach (((End *) data)->socket);
}

static void
await_received (End *end, gsize size)
{
  guint count = 0;

  /* the count before the size, so that none is missed */
  while (count = counter_get (&end->came), end->received->len < size)
    counter_await (&end->came, count + 1);
}

/* Brings the socket to hold clear bytes that one callback cannot take: the greater part of a
 * record, then more than one read. Returns: (transfer full): what was said */
static GByteArray *
overfill (End *end)
{
  GByteArray *said = g_byte_array_new ();
  g_autoptr (GByteArray) records = NULL;
  const gsize first = 16000, read_size = 64 * 1024;
  guint64 before;

  for (guint i = 0; i < 6 * 16384; i++)
    g_byte_array_append (said, &(guint8){(guint8) (i * 7 + i / 256)}, 1);
  tls_client_write (&end->client, said->data, 16384);
  SSL_set_max_send_fragment (end->client.ssl, 4096);
  tls_client_write (&end->client, said->data + 16384, said->len - 16384);
  records = tls_client_take_output (&end->client);
  before = weir_socket_get_bytes_received (end->socket);
  tcp_write (end->peer, records->data, first);
  while (weir_socket_get_bytes_received (end->socket) < before + first)
    on_worker (end->worker, do_nothing, NULL);
  on_worker (end->worker, set_paused, end);
  g_assert_cmpuint (end->reads, ==, 0);
  tcp_write (end->peer, records->data + first, read_size);
  /* the rest when it is wanted */
  g_byte_array_remove_range (records, 0, (guint) (first + read_size));
  BIO_write (end->client.output, records->data, (gint) records->len);
  return said;
}

static void
what_waits_in_tls_comes_though_nothing_comes_from_the_peer (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.then = PAUSE, .read_interval_us = GPOINTER_TO_INT (data)};
  g_autoptr (GByteArray) said = NULL;

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  said = overfill (&end);
  on_worker (worker, unpause, &end);
  counter_await (&end.came, 1);
  /* paused again, so nothing more comes in a whole turn of the worker */
  on_worker (worker, send_hello, &end);
  g_assert_cmpuint (counter_get (&end.came), ==, 1);
  g_assert_cmpuint (end.received->len, ==, 64 * 1024);
  on_worker (worker, unpause, &end);
  counter_await (&end.came, 2);
  g_assert_cmpuint (end.received->len, >, 64 * 1024);
  client_flush (&end);
  await_received (&end, said->len);
  g_assert_cmpmem (end.received->data, end.received->len, said->data, said->len);
  end_clear (&end);
}

static void
tls_and_what_waits_in_it_moves_to_another_worker (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  g_autoptr (WeirWorker) other = weir_worker_new ("other");
  End end = {.then = DETACH};
  g_autoptr (GByteArray) said = NULL;
  gsize before;

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  said = overfill (&end);
  on_worker (worker, unpause, &end);
  counter_await (&end.came, 1);
  before = end.received->len;
  g_assert_cmpuint (before, ==, 64 * 1024);
  end.worker = other;
  on_worker (other, attach, &end);
  counter_await (&end.came, 2);
  client_flush (&end);
  await_received (&end, said->len);
  g_assert_cmpmem (end.received->data, end.received->len, said->data, said->len);
  on_worker (other, send_hello, &end);
  while (end.client.clear->len < 5)
    g_assert_true (client_receive (&end));
  end_clear (&end);
}

static void
a_socket_may_be_freed_with_bytes_waiting_in_tls (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.then = FREE};
  g_autoptr (GByteArray) said = NULL;

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  said = overfill (&end);
  on_worker (worker, unpause, &end);
  counter_await (&end.came, 1);
  on_worker (worker, free_socket, &end);
  g_assert_cmpuint (counter_get (&end.came), ==, 1);
  end_clear (&end);
}

static void
a_handshake_may_wait_while_it_is_paused_and_move (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  g_autoptr (WeirWorker) other = weir_worker_new ("other");
  End end = {0};

  end_init (&end, worker);
  weir_socket_set_paused (end.socket, TRUE);
  on_worker (worker, attach, &end);
  tls_client_advance (&end.client);
  client_flush (&end);
  on_worker (worker, unpause, &end);
  while (!SSL_is_init_finished (end.client.ssl))
    g_assert_true (client_receive (&end));
  /* the client's last words of the handshake are read by the other one */
  on_worker (worker, detach, &end);
  end.worker = other;
  on_worker (other, attach, &end);
  client_say (&end, "abc", 3);
  counter_await (&end.came, 1);
  g_assert_cmpmem (end.received->data, end.received->len, "abc", 3);
  end_clear (&end);
}

static void
what_is_no_tls_ends_it_with_the_reason (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {0};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  tcp_write (end.peer, "\003 RTMP", 6);
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_TLS);
  g_assert_cmpstr (end.message, ==, "that is no TLS");
  g_assert_cmpuint (end.reads, ==, 0);
  end_clear (&end);
}

static void
garbage_after_the_handshake_gets_an_alert (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {0};
  guint8 garbage[64];

  memset (garbage, 'x', sizeof garbage);
  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  client_say (&end, "good", 4);
  tcp_write (end.peer, garbage, sizeof garbage);
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_TLS);
  g_assert_cmpmem (end.received->data, end.received->len, "good", 4);
  /* a fatal alert */
  g_assert_true (client_receive (&end));
  g_assert_cmpint (SSL_get_shutdown (end.client.ssl), ==, SSL_RECEIVED_SHUTDOWN);
  end_clear (&end);
}

static void
send_a_lot (gpointer data)
{
  End *end = data;
  g_autofree guint8 *bytes = g_malloc0 (100000);

  for (guint i = 0; i < 1000; i++) {
    weir_socket_send (end->socket, bytes, 100000);
    g_assert_cmpint (end->state, ==, WEIR_SOCKET_OPEN);
    g_assert_cmpuint (weir_socket_get_output_waiting (end->socket), <=, end->output_limit);
  }
}

static void
a_peer_that_does_not_read_is_slow_with_tls_too (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 200000};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  on_worker (worker, send_a_lot, &end);
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_SLOW);
  end_clear (&end);
}

static void
send_before_the_handshake (gpointer data)
{
  End *end = data;
  const guint8 bytes[600] = {0};

  weir_socket_send (end->socket, bytes, sizeof bytes);
  g_assert_cmpuint (weir_socket_get_output_waiting (end->socket), ==, 600);
  weir_socket_send (end->socket, bytes, sizeof bytes);
}

static void
what_waits_for_the_handshake_counts_as_output (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 1000};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  on_worker (worker, send_before_the_handshake, &end);
  counter_await (&end.closed, 1);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_SLOW);
  end_clear (&end);
}

static void
send_much_and_shut_down (gpointer data)
{
  End *end = data;
  g_autofree guint8 *bytes = g_malloc0 (16 * 1024 * 1024);

  weir_socket_send (end->socket, bytes, 16 * 1024 * 1024);
  g_assert_cmpuint (weir_socket_get_output_waiting (end->socket), >, 0);
  weir_socket_shutdown (end->socket);
  weir_socket_send (end->socket, bytes, 1);
}

static void
a_shutdown_says_close_notify_when_all_has_gone (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.output_limit = 32 * 1024 * 1024};

  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  on_worker (worker, send_much_and_shut_down, &end);
  while (client_receive (&end))
    ;
  g_assert_cmpuint (end.client.clear->len, ==, 16 * 1024 * 1024);
  g_assert_cmpint (SSL_get_shutdown (end.client.ssl), ==, SSL_RECEIVED_SHUTDOWN);
  g_assert_cmpint (end.state, ==, WEIR_SOCKET_OPEN);
  end_clear (&end);
}

static void
much_comes_whole_in_rounds_and_by_event (gconstpointer data)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  End end = {.read_interval_us = GPOINTER_TO_INT (data)};
  g_autofree guint8 *said = g_malloc (3000000);

  for (guint i = 0; i < 3000000; i++)
    said[i] = (guint8) (i * 7 + i / 256);
  end_init (&end, worker);
  on_worker (worker, attach, &end);
  client_connect (&end);
  client_say (&end, said, 3000000);
  await_received (&end, 3000000);
  g_assert_cmpmem (end.received->data, end.received->len, said, 3000000);
  end_clear (&end);
}

#define ADD(name) g_test_add_func ("/net/socket-tls/" #name, name)
#define ADD_DATA(name, what, number) \
  g_test_add_data_func ("/net/socket-tls/" #name "/" what, GINT_TO_POINTER (number), name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_DATA (users_see_clear_bytes, "event", 0);
  ADD_DATA (users_see_clear_bytes, "rounds", 2000);
  ADD_DATA (the_end_is_the_end_with_and_without_close_notify, "without", FALSE);
  ADD_DATA (the_end_is_the_end_with_and_without_close_notify, "with", TRUE);
  ADD_DATA (what_waits_in_tls_comes_though_nothing_comes_from_the_peer, "event", 0);
  ADD_DATA (what_waits_in_tls_comes_though_nothing_comes_from_the_peer, "rounds", 2000);
  ADD (tls_and_what_waits_in_it_moves_to_another_worker);
  ADD (a_socket_may_be_freed_with_bytes_waiting_in_tls);
  ADD (a_handshake_may_wait_while_it_is_paused_and_move);
  ADD (what_is_no_tls_ends_it_with_the_reason);
  ADD (garbage_after_the_handshake_gets_an_alert);
  ADD (a_peer_that_does_not_read_is_slow_with_tls_too);
  ADD (what_waits_for_the_handshake_counts_as_output);
  ADD (a_shutdown_says_close_notify_when_all_has_gone);
  ADD_DATA (much_comes_whole_in_rounds_and_by_event, "event", 0);
  ADD_DATA (much_comes_whole_in_rounds_and_by_event, "rounds", 2000);
  return g_test_run ();
}
