/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-publisher [--one-address] [--spread SECONDS] [--tls] FILE.flv HOST PORT SECONDS APP/KEY...
 *
 * Sends one recorded FLV file in real time to an RTMP server, once for every key, from one thread,
 * for load measurements: the sender must cost little beside the server. Copies begin spread over
 * the first two seconds (or as many as are asked for), each from an address of its own when the
 * server is on the loopback network (127.1.0.1 and so on, as so many encoders would have); or, with
 * --one-address, all from one and at once, as those of a studio do; the file is repeated with its
 * timestamps going on. Prints one line of JSON at the end: what was sent, how late the latest
 * message was, and how long it took until publishing was allowed. Fails when someone was not let
 * in. */

#include "rtmp/amf.h"
#include "rtmp/chunk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_SIZE 4096
#define HANDSHAKE_SIZE 1536
#define SPREAD_US (2 * G_USEC_PER_SEC)
#define BACKLOG_MAX (8 * 1024 * 1024)
#define HOSTS_PER_NETWORK 250

typedef struct {
  guint8 type;
  guint32 timestamp;
  const guint8 *data;
  gsize size;
} Tag;

typedef enum { HANDSHAKE, CONNECTING, CREATING, PUBLISHING, SENDING, GONE } State;

typedef struct {
  gint fd;
  SSL *ssl; /* NULL without TLS */
  gchar *app;
  gchar *key;
  gchar *url;
  State state;
  guint handshake_left; /* bytes of S0, S1, S2 still to come */
  WeirRtmpChunkReader *reader;
  WeirRtmpChunkWriter chunks;
  WeirWriter output;
  gsize sent;          /* of @output */
  gint64 connected_us; /* when connecting began */
  gint64 begin_us;
  guint tag;
  guint round;
} Stream;

static GArray *tags;
static guint32 file_ms;
static gint64 latest_us;
static guint64 bytes_sent;
static guint64 messages_sent;

static gboolean
read_file (const gchar *name, gchar **content)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  WeirReader reader;

  if (!g_file_get_contents (name, content, &size, &error)) {
    g_printerr ("%s\n", error->message);
    return FALSE;
  }
  tags = g_array_new (FALSE, FALSE, sizeof (Tag));
  weir_reader_init (&reader, (const guint8 *) *content, size);
  weir_reader_skip (&reader, 9 + 4);
  while (weir_reader_remaining (&reader) > 11) {
    Tag tag = {.type = weir_reader_u8 (&reader)};

    tag.size = weir_reader_u24 (&reader);
    tag.timestamp = weir_reader_u24 (&reader);
    tag.timestamp |= (guint32) weir_reader_u8 (&reader) << 24;
    weir_reader_skip (&reader, 3);
    tag.data = weir_reader_bytes (&reader, tag.size);
    weir_reader_skip (&reader, 4);
    if (reader.failed)
      break;
    if (tag.type == WEIR_RTMP_AUDIO || tag.type == WEIR_RTMP_VIDEO) {
      g_array_append_val (tags, tag);
      file_ms = MAX (file_ms, tag.timestamp);
    }
  }
  file_ms += 40;
  return tags->len > 0;
}

static void
send_message (Stream *stream, guint chunk_stream, guint8 type, guint32 message_stream,
    guint32 timestamp, const guint8 *data, gsize size)
{
  weir_rtmp_chunk_writer_message (
      &stream->chunks, &stream->output, chunk_stream, type, message_stream, timestamp, data, size);
}

static void
send_command (Stream *stream, guint32 message_stream, WeirWriter *command)
{
  send_message (stream, 3, WEIR_RTMP_COMMAND, message_stream, 0, command->data, command->size);
  weir_writer_clear (command);
}

static void
write_connect (Stream *stream)
{
  WeirWriter body;

  weir_writer_init (&body, 4);
  weir_writer_u32 (&body, CHUNK_SIZE);
  send_message (stream, 2, WEIR_RTMP_SET_CHUNK_SIZE, 0, 0, body.data, body.size);
  stream->chunks.chunk_size = CHUNK_SIZE;
  weir_writer_clear (&body);

  weir_writer_init (&body, 256);
  weir_amf_write_string (&body, "connect");
  weir_amf_write_number (&body, 1);
  weir_amf_write_object_begin (&body);
  weir_amf_write_name (&body, "app");
  weir_amf_write_string (&body, stream->app);
  weir_amf_write_name (&body, "type");
  weir_amf_write_string (&body, "nonprivate");
  weir_amf_write_name (&body, "tcUrl");
  weir_amf_write_string (&body, stream->url);
  weir_amf_write_object_end (&body);
  send_command (stream, 0, &body);
}

static void
write_create_stream (Stream *stream)
{
  WeirWriter body;

  weir_writer_init (&body, 64);
  weir_amf_write_string (&body, "createStream");
  weir_amf_write_number (&body, 2);
  weir_amf_write_null (&body);
  send_command (stream, 0, &body);
}

static void
write_publish (Stream *stream)
{
  WeirWriter body;

  weir_writer_init (&body, 128);
  weir_amf_write_string (&body, "publish");
  weir_amf_write_number (&body, 3);
  weir_amf_write_null (&body);
  weir_amf_write_string (&body, stream->key);
  weir_amf_write_string (&body, "live");
  send_command (stream, 1, &body);
}

/* whether the information of an onStatus is of level "error" */
static gboolean
is_error (WeirReader *reader)
{
  guint left = weir_amf_limits_default.values_max;
  G_GNUC_UNUSED g_autoptr (WeirAmfValue) transaction =
      weir_amf_parse (reader, &weir_amf_limits_default, &left);
  G_GNUC_UNUSED g_autoptr (WeirAmfValue) null =
      weir_amf_parse (reader, &weir_amf_limits_default, &left);
  g_autoptr (WeirAmfValue) information = weir_amf_parse (reader, &weir_amf_limits_default, &left);

  return information != NULL &&
         g_strcmp0 (
             weir_amf_value_get_string (weir_amf_value_get_member (information, "level"), NULL),
             "error") == 0;
}

/* the answers are taken in their order; whatever is not a command is left alone */
static gboolean
take_message (Stream *stream, WeirRtmpMessage *message, gint64 now_us)
{
  WeirReader reader;
  guint left = weir_amf_limits_default.values_max;
  g_autoptr (WeirAmfValue) name = NULL;
  const gchar *text;

  if (message->type != WEIR_RTMP_COMMAND)
    return TRUE;
  weir_reader_init (&reader, message->payload, message->size);
  name = weir_amf_parse (&reader, &weir_amf_limits_default, &left);
  text = name != NULL ? weir_amf_value_get_string (name, NULL) : NULL;
  if (g_strcmp0 (text, "_error") == 0 || (g_strcmp0 (text, "onStatus") == 0 && is_error (&reader)))
    return FALSE;
  if (g_strcmp0 (text, "_result") == 0 && stream->state == CONNECTING) {
    stream->state = CREATING;
    write_create_stream (stream);
  } else if (g_strcmp0 (text, "_result") == 0 && stream->state == CREATING) {
    stream->state = PUBLISHING;
    write_publish (stream);
  } else if (g_strcmp0 (text, "onStatus") == 0 && stream->state == PUBLISHING) {
    stream->state = SENDING;
    stream->begin_us = now_us;
  }
  return TRUE;
}

/* Returns: as recv() and send() do */
static gssize
tls_result (Stream *stream, gint result)
{
  if (result > 0)
    return result;
  switch (SSL_get_error (stream->ssl, result)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    errno = EAGAIN;
    return -1;
  case SSL_ERROR_ZERO_RETURN:
    return 0;
  default:
    errno = EPROTO;
    return -1;
  }
}

static gssize
receive_some (Stream *stream, guint8 *data, gsize size)
{
  if (stream->ssl == NULL)
    return recv (stream->fd, data, size, MSG_DONTWAIT);
  ERR_clear_error ();
  return tls_result (stream, SSL_read (stream->ssl, data, (gint) size));
}

static gssize
send_some (Stream *stream, const guint8 *data, gsize size)
{
  if (stream->ssl == NULL)
    return send (stream->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  ERR_clear_error ();
  return tls_result (stream, SSL_write (stream->ssl, data, (gint) MIN (size, 65536)));
}

static gboolean
take_input (Stream *stream, gint64 now_us)
{
  guint8 buffer[16384];
  gssize size;

  while ((size = receive_some (stream, buffer, sizeof (buffer))) > 0) {
    const guint8 *data = buffer;
    gsize left = (gsize) size;

    if (stream->state == HANDSHAKE) {
      gsize taken = MIN (left, stream->handshake_left);

      data += taken;
      left -= taken;
      stream->handshake_left -= (guint) taken;
      if (stream->handshake_left > 0)
        continue;
      weir_writer_zeros (&stream->output, HANDSHAKE_SIZE);
      write_connect (stream);
      stream->state = CONNECTING;
    }
    while (left > 0) {
      g_autoptr (GError) error = NULL;
      WeirRtmpMessage message = {0};
      WeirRtmpChunkResult result =
          weir_rtmp_chunk_reader_input (stream->reader, &data, &left, now_us, &message, &error);

      if (result == WEIR_RTMP_CHUNK_ERROR) {
        g_printerr ("%s: %s\n", stream->key, error->message);
        return FALSE;
      }
      if (result == WEIR_RTMP_CHUNK_MESSAGE) {
        gboolean fine = take_message (stream, &message, now_us);

        g_free (message.payload);
        if (!fine) {
          g_printerr ("%s: refused\n", stream->key);
          return FALSE;
        }
      }
    }
  }
  if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    g_printerr ("%s: the server closed the connection\n", stream->key);
    return FALSE;
  }
  return TRUE;
}

static gboolean
flush (Stream *stream)
{
  while (stream->sent < stream->output.size) {
    gssize size =
        send_some (stream, stream->output.data + stream->sent, stream->output.size - stream->sent);

    if (size < 0)
      return (errno == EAGAIN || errno == EINTR) && stream->output.size < BACKLOG_MAX;
    stream->sent += (gsize) size;
    bytes_sent += (guint64) size;
  }
  stream->sent = 0;
  weir_writer_reset (&stream->output);
  return TRUE;
}

/* puts out what is due; returns when the next message is */
static gint64
send_due (Stream *stream, gint64 now_us)
{
  for (;;) {
    const Tag *tag = &g_array_index (tags, Tag, stream->tag);
    guint32 timestamp = stream->round * file_ms + tag->timestamp;
    gint64 due = stream->begin_us + (gint64) timestamp * 1000;
    /* sequence headers come once */
    gboolean header = stream->round > 0 && tag->size > 1 && tag->data[1] == 0 &&
                      (tag->type == WEIR_RTMP_VIDEO || tag->data[0] >> 4 == 10);

    if (due > now_us)
      return due;
    if (!header) {
      send_message (stream, tag->type == WEIR_RTMP_AUDIO ? 4 : 6, tag->type, 1, timestamp,
          tag->data, tag->size);
      messages_sent++;
      latest_us = MAX (latest_us, now_us - due);
    }
    if (++stream->tag == tags->len) {
      stream->tag = 0;
      stream->round++;
    }
  }
}

/* @index: of the stream. Returns: FALSE when the system has no such address */
static gboolean
bind_own_address (gint fd, guint index)
{
  struct sockaddr_in own = {.sin_family = AF_INET};
  gint one = 1;

  own.sin_addr.s_addr =
      htonl (0x7f010001 + (index / HOSTS_PER_NETWORK << 8) + index % HOSTS_PER_NETWORK);
  setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof (one));
  return bind (fd, (struct sockaddr *) &own, sizeof (own)) == 0;
}

static gboolean
open_stream (Stream *stream, const struct sockaddr_in *address, SSL_CTX *tls, gboolean own_address,
    guint index, const gchar *app_and_key, gint epoll)
{
  const gchar *slash = strchr (app_and_key, '/');
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
  gint one = 1;

  if (slash == NULL) {
    g_printerr ("%s: not APP/KEY\n", app_and_key);
    return FALSE;
  }
  stream->app = g_strndup (app_and_key, (gsize) (slash - app_and_key));
  stream->key = g_strdup (slash + 1);
  stream->url = g_strdup_printf ("rtmp://localhost/%s", stream->app);
  stream->state = HANDSHAKE;
  stream->handshake_left = 1 + 2 * HANDSHAKE_SIZE;
  stream->reader = weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);
  weir_rtmp_chunk_writer_init (&stream->chunks);
  weir_writer_init (&stream->output, 65536);
  weir_writer_u8 (&stream->output, 3);
  weir_writer_zeros (&stream->output, HANDSHAKE_SIZE);

  stream->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stream->connected_us = g_get_monotonic_time ();
  if (stream->fd < 0 || (own_address && !bind_own_address (stream->fd, index)) ||
      connect (stream->fd, (const struct sockaddr *) address, sizeof (*address)) < 0) {
    g_printerr ("cannot connect: %s\n", g_strerror (errno));
    return FALSE;
  }
  setsockopt (stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  fcntl (stream->fd, F_SETFL, O_NONBLOCK);
  if (tls != NULL) {
    stream->ssl = SSL_new (tls);
    SSL_set_fd (stream->ssl, stream->fd);
    SSL_set_connect_state (stream->ssl);
  }
  return epoll_ctl (epoll, EPOLL_CTL_ADD, stream->fd, &event) == 0;
}

static void
leave (Stream *stream)
{
  close (stream->fd);
  stream->fd = -1;
  stream->state = GONE;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

/* @share: 0 to 1. Returns: milliseconds; 0 when there are none */
static gdouble
get_quantile (GArray *times, gdouble share)
{
  if (times->len == 0)
    return 0;
  return (gdouble) g_array_index (times, gint64, (guint) (share * (times->len - 1))) / 1000;
}

static void
close_stream (Stream *stream)
{
  if (stream->fd >= 0)
    close (stream->fd);
  g_clear_pointer (&stream->ssl, SSL_free);
  g_free (stream->app);
  g_free (stream->key);
  g_free (stream->url);
  g_clear_pointer (&stream->reader, weir_rtmp_chunk_reader_free);
  weir_writer_clear (&stream->output);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *content = NULL;
  g_autofree Stream *streams = NULL;
  struct sockaddr_in address = {.sin_family = AF_INET};
  gint epoll = epoll_create1 (EPOLL_CLOEXEC);
  gint64 begin, end;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean own_addresses = TRUE;
  gint64 spread_us = SPREAD_US;
  SSL_CTX *tls = NULL;
  guint count, opened = 0, sending = 0;

  for (; argc > 1 && g_str_has_prefix (argv[1], "--"); argc--, argv++) {
    if (g_str_equal (argv[1], "--one-address")) {
      own_addresses = FALSE;
      spread_us = 0;
    } else if (g_str_equal (argv[1], "--spread") && argc > 2) {
      spread_us = (gint64) (g_ascii_strtod (argv[2], NULL) * G_USEC_PER_SEC);
      argc--;
      argv++;
    } else if (g_str_equal (argv[1], "--tls")) {
      /* whoever the server is */
      tls = SSL_CTX_new (TLS_client_method ());
      SSL_CTX_set_mode (tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
  }
  if (argc < 6) {
    g_printerr ("usage: bench-publisher [--one-address] [--spread SECONDS] [--tls] FILE.flv HOST "
                "PORT SECONDS APP/KEY...\n");
    return 2;
  }
  address.sin_port = htons ((guint16) g_ascii_strtoull (argv[3], NULL, 10));
  if (inet_pton (AF_INET, argv[2], &address.sin_addr) != 1 || !read_file (argv[1], &content))
    return 1;
  own_addresses = own_addresses && g_str_has_prefix (argv[2], "127.");
  count = (guint) argc - 5;
  streams = g_new0 (Stream, count);
  begin = g_get_monotonic_time ();
  end = begin + (gint64) g_ascii_strtoull (argv[4], NULL, 10) * G_USEC_PER_SEC;

  for (;;) {
    struct epoll_event events[64];
    gint64 now = g_get_monotonic_time ();
    gint64 next = end;
    gint ready;

    if (now >= end)
      break;
    while (opened < count && now >= begin + opened * spread_us / count) {
      if (!open_stream (
              &streams[opened], &address, tls, own_addresses, opened, argv[5 + opened], epoll))
        return 1;
      opened++;
    }
    if (opened < count)
      next = MIN (next, begin + opened * spread_us / count);
    for (guint i = 0; i < opened; i++) {
      if (streams[i].state == SENDING)
        next = MIN (next, send_due (&streams[i], now));
      if (streams[i].state != GONE && !flush (&streams[i])) {
        g_printerr ("%s: the server does not read, or has closed\n", streams[i].key);
        leave (&streams[i]);
      }
    }
    ready = epoll_wait (epoll, events, G_N_ELEMENTS (events),
        (gint) CLAMP ((next - g_get_monotonic_time () + 999) / 1000, 0, 100));
    now = g_get_monotonic_time ();
    for (gint i = 0; i < ready; i++) {
      Stream *stream = events[i].data.ptr;

      if (stream->state != GONE && !take_input (stream, now))
        leave (stream);
    }
  }
  for (guint i = 0; i < opened; i++) {
    gint64 time_us = streams[i].begin_us - streams[i].connected_us;

    if (streams[i].begin_us != 0)
      g_array_append_val (times, time_us);
    if (streams[i].state != SENDING && streams[i].state != GONE)
      g_printerr ("%s: not let in yet\n", streams[i].key);
    if (streams[i].state == SENDING)
      sending++;
    close_stream (&streams[i]);
  }
  g_array_sort (times, compare_times);
  g_print ("{\"streams\":%u,\"sending\":%u,\"bytes\":%" G_GUINT64_FORMAT
           ",\"messages\":%" G_GUINT64_FORMAT ",\"latest_ms\":%.1f,\"let_in\":%u"
           ",\"let_in_median_ms\":%.1f,\"let_in_99_ms\":%.1f,\"let_in_longest_ms\":%.1f}\n",
      opened, sending, bytes_sent, messages_sent, (gdouble) latest_us / 1000, times->len,
      get_quantile (times, 0.5), get_quantile (times, 0.99), get_quantile (times, 1));
  g_clear_pointer (&tls, SSL_CTX_free);
  close (epoll);
  g_array_unref (tags);
  return sending == count ? 0 : 1;
}
