/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/private.h"
#include "http/server.h"

#include <string.h>

/* a server that answers each request with a stream, which the test writes to */
typedef struct {
  WeirHttpServer *server;
  guint16 port;
  GMutex lock;
  GCond changed;
  GPtrArray *streams;
  guint opened;
  guint drained;
  guint closed;
} Fixture;

static void
count (Fixture *fixture, guint *counter)
{
  g_mutex_lock (&fixture->lock);
  (*counter)++;
  g_cond_broadcast (&fixture->changed);
  g_mutex_unlock (&fixture->lock);
}

static void
on_drained (G_GNUC_UNUSED WeirHttpStream *stream, gpointer data)
{
  count (data, &((Fixture *) data)->drained);
}

static void
on_closed (G_GNUC_UNUSED WeirHttpStream *stream, gpointer data)
{
  count (data, &((Fixture *) data)->closed);
}

static const WeirHttpStreamCallbacks callbacks = {.drained = on_drained, .closed = on_closed};

static void
handle (WeirHttpRequest *request, gpointer data)
{
  Fixture *fixture = data;
  WeirHttpResponse *response = weir_http_response_new (200);
  WeirHttpStream *stream =
      weir_http_response_set_stream (response, "text/event-stream", &callbacks, fixture);

  g_mutex_lock (&fixture->lock);
  g_ptr_array_add (fixture->streams, stream);
  g_mutex_unlock (&fixture->lock);
  weir_http_request_respond (request, response);
  count (fixture, &fixture->opened);
}

static void
await (Fixture *fixture, const guint *counter, guint value)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  g_mutex_lock (&fixture->lock);
  while (*counter < value)
    g_assert_true (g_cond_wait_until (&fixture->changed, &fixture->lock, deadline));
  g_mutex_unlock (&fixture->lock);
}

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  WeirHttpServerSettings settings;
  g_autoptr (GError) error = NULL;

  fixture->streams = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_http_stream_unref);
  weir_http_server_settings_init (&settings);
  settings.threads = 2;
  settings.parked_per_address_max = 3;
  settings.write_stall_us = 500 * 1000;
  fixture->server = weir_http_server_new ("127.0.0.1:0", &settings, handle, fixture, &error);
  g_assert_no_error (error);
  fixture->port = (guint16) g_ascii_strtoull (
      strrchr (weir_http_server_get_addresses (fixture->server), ':') + 1, NULL, 10);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_pointer (&fixture->server, weir_http_server_free);
  g_ptr_array_unref (fixture->streams);
}

static GSocketConnection *
ask (Fixture *fixture, const gchar *method)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *request = g_strdup_printf ("%s /x HTTP/1.1\r\nHost: a.example\r\n\r\n", method);
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, 20);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1", fixture->port, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
          strlen (request), NULL, NULL, NULL));
  return connection;
}

/* Returns: (transfer full): what came until @end was there, or the server closed */
static gchar *
read_until (GSocketConnection *connection, const gchar *end)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  gchar buffer[1024];

  while (end == NULL || strstr (text->str, end) == NULL) {
    gssize got = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL);

    if (got <= 0)
      break;
    g_string_append_len (text, buffer, got);
  }
  return g_string_free (text, FALSE);
}

static gboolean
write_text (WeirHttpStream *stream, const gchar *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return weir_http_stream_write (stream, bytes);
}

static void
what_is_written_arrives_while_the_stream_stays_open (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = ask (fixture, "GET");
  g_autofree gchar *head = NULL, *first = NULL, *second = NULL, *last = NULL;
  WeirHttpStream *stream;

  await (fixture, &fixture->opened, 1);
  stream = fixture->streams->pdata[0];
  head = read_until (connection, "\r\n\r\n");
  g_assert_nonnull (strstr (head, "HTTP/1.1 200"));
  g_assert_nonnull (strstr (head, "text/event-stream"));
  g_assert_true (write_text (stream, "first"));
  first = read_until (connection, "first");
  g_assert_nonnull (strstr (first, "first"));
  await (fixture, &fixture->drained, 1);
  g_assert_true (write_text (stream, "second"));
  second = read_until (connection, "second");
  g_assert_nonnull (strstr (second, "second"));
  g_assert_cmpuint (fixture->closed, ==, 0);

  g_assert_true (write_text (stream, "last"));
  weir_http_stream_end (stream);
  last = read_until (connection, "\r\n0\r\n\r\n");
  g_assert_nonnull (strstr (last, "last\r\n0\r\n\r\n"));
  await (fixture, &fixture->closed, 1);
  g_assert_false (write_text (stream, "nobody"));
}

static void
more_than_its_bound_is_not_held (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  WeirHttpStream *stream = weir_http_stream_new (&callbacks, fixture);
  g_autoptr (GBytes) all =
      g_bytes_new_take (g_malloc0 (WEIR_HTTP_STREAM_MAX), WEIR_HTTP_STREAM_MAX);
  guint8 byte;

  g_assert_true (weir_http_stream_is_idle (stream));
  g_assert_true (weir_http_stream_write (stream, all));
  g_assert_false (write_text (stream, "x"));
  g_assert_false (weir_http_stream_is_idle (stream));
  g_assert_cmpint (weir_http_stream_read (stream, &byte, 1), ==, 1);
  g_assert_true (write_text (stream, "x"));
  g_assert_cmpuint (fixture->drained, ==, 0);
  weir_http_stream_close (stream);
  weir_http_stream_close (stream);
  g_assert_cmpuint (fixture->closed, ==, 1);
  weir_http_stream_unref (stream);
}

static void
a_client_that_leaves_is_noticed_at_the_next_write (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  GSocketConnection *connection = ask (fixture, "GET");
  G_GNUC_UNUSED g_autofree gchar *head = read_until (connection, "\r\n\r\n");

  await (fixture, &fixture->opened, 1);
  g_object_unref (connection);
  while (write_text (fixture->streams->pdata[0], ":\n\n"))
    g_usleep (1000); /* until the reset has come back */
  await (fixture, &fixture->closed, 1);
}

static void
a_client_that_takes_nothing_is_cut_off (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  G_GNUC_UNUSED g_autoptr (GSocketConnection) connection = ask (fixture, "GET");
  g_autoptr (GBytes) much = g_bytes_new_take (g_malloc0 (64 * 1024), 64 * 1024);
  WeirHttpStream *stream;

  await (fixture, &fixture->opened, 1);
  stream = fixture->streams->pdata[0];
  for (guint i = 0; weir_http_stream_write (stream, much) || !fixture->closed; i++)
    g_usleep (100);
  await (fixture, &fixture->closed, 1);
}

static void
streams_beyond_the_limit_are_refused (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree gchar *refused = NULL;

  for (guint i = 0; i < 4; i++) {
    g_ptr_array_add (connections, ask (fixture, "GET"));
    await (fixture, &fixture->opened, i + 1);
    if (i < 3) {
      g_autofree gchar *head = read_until (connections->pdata[i], "\r\n\r\n");

      g_assert_nonnull (strstr (head, " 200 "));
    }
  }
  refused = read_until (connections->pdata[3], "open\n");
  g_assert_nonnull (strstr (refused, " 503 "));
  await (fixture, &fixture->closed, 1);
}

static void
the_head_of_a_stream_has_no_body (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = ask (fixture, "HEAD");
  g_autofree gchar *head = read_until (connection, "\r\n\r\n");

  g_assert_nonnull (strstr (head, " 200 "));
  await (fixture, &fixture->closed, 1);
}

static void
stopping_ends_open_streams (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = ask (fixture, "GET");
  G_GNUC_UNUSED g_autofree gchar *head = read_until (connection, "\r\n\r\n");
  g_autofree gchar *rest = NULL;
  gint64 before_us = g_get_monotonic_time ();

  await (fixture, &fixture->opened, 1);
  g_clear_pointer (&fixture->server, weir_http_server_free);
  g_assert_cmpint (g_get_monotonic_time () - before_us, <, 1500 * 1000);
  g_assert_cmpuint (fixture->closed, ==, 1);
  rest = read_until (connection, NULL);
  g_assert_cmpstr (rest, ==, "0\r\n\r\n");
}

#define TEST(name) g_test_add ("/http/stream/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (what_is_written_arrives_while_the_stream_stays_open);
  TEST (more_than_its_bound_is_not_held);
  TEST (a_client_that_leaves_is_noticed_at_the_next_write);
  TEST (a_client_that_takes_nothing_is_cut_off);
  TEST (streams_beyond_the_limit_are_refused);
  TEST (the_head_of_a_stream_has_no_body);
  TEST (stopping_ends_open_streams);
  return g_test_run ();
}
