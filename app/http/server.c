/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/server.h"

#include "http/private.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * One MHD daemon per listen address, each with its own epoll threads. What 0.9.75 does not do by
 * itself and is done here:
 *  - the request target is taken raw from the log callback and decoded once (http.c);
 *  - ambiguous framing (Content-Length beside Transfer-Encoding, repeated fields) is refused;
 *  - bodies of many parts go through a reading callback, never through an iovec response, which
 *    aborts the process beyond some 2,000 entries;
 *  - parked (suspended) requests have a deadline, for MHD notices nothing about them, and are all
 *    resumed before a daemon is stopped, which would abort otherwise;
 *  - its strict mode, which answers a missing Host header twice, stays off: such checks are ours;
 *  - a client that sends a byte now and then keeps its connection alive as far as MHD is concerned:
 *    the keeper thread shuts down connections that have no complete request for too long.
 */

#define BACKLOG 1024
#define READ_BLOCK (64 * 1024)
#define SWALLOW_FACTOR 16
#define KEEPER_INTERVAL_US G_USEC_PER_SEC
#define STOP_MAX_US (2 * G_USEC_PER_SEC)

typedef struct {
  struct MHD_Daemon *daemon;
} Listener;

/* a client's connection; owned by MHD's socket context, guarded by the server's lock */
typedef struct {
  gint fd;
  gint64 waiting_since_us; /* for a complete request; 0 while one is being answered */
} Client;

struct _WeirHttpServer {
  gatomicrefcount ref_count;
  WeirHttpServerSettings settings;
  WeirHttpHandler handler;
  gpointer user_data;
  gchar *addresses;
  GArray *listeners;
  GThread *keeper;

  GMutex lock;
  GCond changed;
  gboolean stopping;
  gboolean keeper_stops;
  GHashTable *clients; /* of Client, a set */
  GQueue parked;       /* of Exchange, oldest deadline first */
  guint active;        /* exchanges that MHD still knows */
  WeirHttpServerStatistics statistics;
};

/* a request and its answer; one reference is MHD's, one the handler's */
typedef struct {
  gatomicrefcount ref_count;
  WeirHttpServer *server;
  WeirHttpRequest *request;
  gchar *target; /* raw */
  guintptr target_end;
  GByteArray *body;
  gsize swallowed;
  gboolean begun;
  gboolean dispatched;
  gint64 started_us;
  guint status;
  guint64 size;

  /* guarded by the server's lock */
  struct MHD_Connection *connection; /* while parked */
  GList link;                        /* in parked */
  gint64 deadline_us;
  WeirHttpResponse *response;
  gboolean answered;
} Exchange;

static void
server_unref (WeirHttpServer *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_hash_table_unref (self->clients);
  g_array_unref (self->listeners);
  g_free (self->addresses);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

static void
exchange_unref (Exchange *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->request, weir_http_request_free);
  g_clear_pointer (&self->response, weir_http_response_free);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_free (self->target);
  server_unref (self->server);
  g_free (self);
}

static WeirHttpResponse *
text_response (guint status, const gchar *text)
{
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_text (response, "text/plain; charset=utf-8", text);
  return response;
}

/* parked requests; with the server's lock held */

static void
unpark (Exchange *self)
{
  g_queue_unlink (&self->server->parked, &self->link);
  self->server->statistics.parked--;
  MHD_resume_connection (g_steal_pointer (&self->connection));
}

static void
unpark_busy (Exchange *self)
{
  self->response = text_response (503, "No answer in time\n");
  weir_http_response_set_header (self->response, "Retry-After", "1");
  self->answered = TRUE;
  unpark (self);
}

/* the handler's answer, on any thread */
static void
exchange_answered (
    G_GNUC_UNUSED WeirHttpRequest *request, WeirHttpResponse *response, gpointer transport)
{
  Exchange *self = transport;
  WeirHttpServer *server = self->server;

  g_mutex_lock (&server->lock);
  if (!self->answered) {
    self->answered = TRUE;
    self->response = g_steal_pointer (&response);
    if (self->connection != NULL)
      unpark (self);
  }
  g_mutex_unlock (&server->lock);

  g_clear_pointer (&response, weir_http_response_free);
  exchange_unref (self);
}

static gpointer
keep (gpointer data)
{
  WeirHttpServer *self = data;
  /* MHD's own timeout ends connections that are silent; this one those that only pretend */
  gint64 waiting_max_us = 2 * self->settings.idle_timeout_s * G_USEC_PER_SEC;

  g_mutex_lock (&self->lock);
  while (!self->keeper_stops) {
    gint64 now = g_get_monotonic_time ();
    gint64 wake = G_MAXINT64;
    Exchange *oldest;
    GHashTableIter iter;
    gpointer key;

    while ((oldest = g_queue_peek_head (&self->parked)) != NULL && oldest->deadline_us <= now)
      unpark_busy (oldest);
    if (oldest != NULL)
      wake = oldest->deadline_us;

    g_hash_table_iter_init (&iter, self->clients);
    while (g_hash_table_iter_next (&iter, &key, NULL)) {
      Client *client = key;

      wake = MIN (wake, now + KEEPER_INTERVAL_US);
      if (client->waiting_since_us != 0 && now - client->waiting_since_us > waiting_max_us) {
        shutdown (client->fd, SHUT_RDWR);
        client->waiting_since_us = 0;
      }
    }

    if (wake == G_MAXINT64)
      g_cond_wait (&self->changed, &self->lock);
    else
      g_cond_wait_until (&self->changed, &self->lock, wake);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* answers */

static gssize
read_body (void *cls, uint64_t position, char *buffer, size_t size)
{
  WeirHttpResponse *response = cls;
  gssize got = weir_http_response_read (response, position, (guint8 *) buffer, size);

  if (got < 0)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  return got > 0 ? got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void
free_body (void *cls)
{
  weir_http_response_free (cls);
}

typedef struct {
  WeirHttpResponse *response;
  guint64 offset;
} Slice;

static gssize
read_slice (void *cls, uint64_t position, char *buffer, size_t size)
{
  Slice *slice = cls;

  return read_body (slice->response, slice->offset + position, buffer, size);
}

static void
free_slice (void *cls)
{
  Slice *slice = cls;

  weir_http_response_free (slice->response);
  g_free (slice);
}

/* @response: (transfer full); Returns: (nullable) */
static struct MHD_Response *
make_body (WeirHttpResponse *response, guint64 offset, guint64 size)
{
  const WeirHttpPart *part =
      response->parts->len == 1 ? &g_array_index (response->parts, WeirHttpPart, 0) : NULL;
  struct MHD_Response *result;

  if (size == 0) {
    weir_http_response_free (response);
    return MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  }
  if (part != NULL && part->bytes != NULL) {
    guint8 *data = (guint8 *) g_bytes_get_data (part->bytes, NULL) + offset;

    result =
        MHD_create_response_from_buffer_with_free_callback_cls (size, data, free_body, response);
  } else if (part != NULL) {
    /* one range of one file: sendfile. MHD closes the descriptor it is given. */
    gint fd = fcntl (part->fd, F_DUPFD_CLOEXEC, 0);

    result =
        fd < 0 ? NULL : MHD_create_response_from_fd_at_offset64 (size, fd, part->offset + offset);
    if (result == NULL && fd >= 0)
      close (fd);
    weir_http_response_free (response);
    return result;
  } else {
    Slice *slice = g_new0 (Slice, 1);

    slice->response = response;
    slice->offset = offset;
    result = MHD_create_response_from_callback (
        size, MIN (size, READ_BLOCK), read_slice, slice, free_slice);
    if (result == NULL)
      g_free (slice);
  }
  if (result == NULL)
    weir_http_response_free (response);
  return result;
}

/* what of the body is sent, after conditions and ranges; may change status and headers */
static void
select_range (Exchange *self, WeirHttpResponse *response, guint64 *offset, guint64 *size)
{
  const gchar *etag = weir_http_response_get_header (response, "ETag");
  const gchar *if_none_match = weir_http_request_get_header (self->request, "If-None-Match");
  const gchar *if_range = weir_http_request_get_header (self->request, "If-Range");
  const gchar *range = weir_http_request_get_header (self->request, "Range");
  g_autofree gchar *content_range = NULL;

  *offset = 0;
  *size = response->size;
  if (response->status != 200 ||
      (strcmp (self->request->method, "GET") != 0 && strcmp (self->request->method, "HEAD") != 0))
    return;
  if (etag != NULL && if_none_match != NULL && weir_http_etag_matches (if_none_match, etag)) {
    response->status = 304;
    *size = 0;
    return;
  }

  weir_http_response_set_header (response, "Accept-Ranges", "bytes");
  if (strcmp (self->request->method, "GET") != 0 ||
      (if_range != NULL && g_strcmp0 (if_range, etag) != 0))
    return;
  switch (weir_http_parse_range (range, response->size, offset, size)) {
  case WEIR_HTTP_RANGE_NONE:
    break;
  case WEIR_HTTP_RANGE_PARTIAL:
    response->status = 206;
    content_range =
        g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
            *offset, *offset + *size - 1, response->size);
    weir_http_response_set_header (response, "Content-Range", content_range);
    break;
  case WEIR_HTTP_RANGE_UNSATISFIABLE:
    response->status = 416;
    *size = 0;
    content_range = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, response->size);
    weir_http_response_set_header (response, "Content-Range", content_range);
    break;
  }
}

/* on MHD's thread. @response: (transfer full) */
static enum MHD_Result
send_response (Exchange *self, struct MHD_Connection *connection, WeirHttpResponse *response)
{
  g_autoptr (GArray) headers = NULL;
  struct MHD_Response *made;
  enum MHD_Result result;
  guint64 offset, size;

  select_range (self, response, &offset, &size);
  self->status = response->status;
  self->size = strcmp (self->request->method, "HEAD") == 0 ? 0 : size;
  headers = g_array_ref (response->headers);
  made = make_body (response, offset, size);
  if (made == NULL)
    return MHD_NO;
  for (guint i = 0; i < headers->len; i++) {
    const WeirHttpField *field = &g_array_index (headers, WeirHttpField, i);

    MHD_add_response_header (made, field->name, field->value);
  }
  result = MHD_queue_response (connection, self->status, made);
  MHD_destroy_response (made);
  return result;
}

/* an answer before the body was read: MHD closes the connection after it */
static enum MHD_Result
refuse (Exchange *self, struct MHD_Connection *connection, guint status, const gchar *text)
{
  WeirHttpResponse *response = text_response (status, text);

  weir_http_response_set_header (response, "Connection", "close");
  return send_response (self, connection, response);
}

/* requests */

typedef struct {
  WeirHttpRequest *request;
  guint hosts;
  guint lengths;
  guint encodings;
  gboolean malformed;
} HeaderCheck;

static enum MHD_Result
take_header (void *cls, G_GNUC_UNUSED enum MHD_ValueKind kind, const char *name, size_t name_size,
    const char *value, size_t value_size)
{
  HeaderCheck *check = cls;

  if (value == NULL)
    value = "";
  if (strlen (name) != name_size || strlen (value) != value_size || !weir_http_is_token (name))
    check->malformed = TRUE;
  for (const gchar *c = value; *c != '\0'; c++)
    if ((guchar) *c < 0x20 ? *c != '\t' : *c == 0x7f)
      check->malformed = TRUE;
  if (g_ascii_strcasecmp (name, "Host") == 0)
    check->hosts++;
  if (g_ascii_strcasecmp (name, "Content-Length") == 0) {
    check->lengths++;
    if (*value == '\0' || strspn (value, "0123456789") != value_size)
      check->malformed = TRUE;
  }
  if (g_ascii_strcasecmp (name, "Transfer-Encoding") == 0) {
    check->encodings++;
    if (g_ascii_strcasecmp (value, "chunked") != 0)
      check->malformed = TRUE;
  }
  weir_http_request_add_header (check->request, name, value);
  return MHD_YES;
}

static gchar *
format_address (GSocketAddress *address, gboolean with_port)
{
  GInetAddress *inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  g_autofree gchar *text = g_inet_address_to_string (inet);
  guint16 port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));

  /* an IPv4 client of a dual-stack socket is an IPv4 client */
  if (g_ascii_strncasecmp (text, "::ffff:", 7) == 0 && strchr (text, '.') != NULL) {
    gchar *mapped = g_strdup (text + 7);

    g_free (text);
    text = mapped;
  }
  if (!with_port)
    return g_steal_pointer (&text);
  return g_strdup_printf (strchr (text, ':') ? "[%s]:%u" : "%s:%u", text, port);
}

static void
take_addresses (Exchange *self, struct MHD_Connection *connection)
{
  WeirHttpRequest *request = self->request;
  const union MHD_ConnectionInfo *info;
  struct sockaddr_storage local;
  socklen_t local_size = sizeof local;
  g_autoptr (GSocketAddress) peer = NULL;

  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info != NULL && info->client_addr != NULL)
    peer = g_socket_address_new_from_native (info->client_addr, sizeof (struct sockaddr_in6));
  if (G_IS_INET_SOCKET_ADDRESS (peer)) {
    request->peer = format_address (peer, FALSE);
    request->loopback =
        strcmp (request->peer, "::1") == 0 || g_str_has_prefix (request->peer, "127.");
  }
  if (request->peer == NULL)
    request->peer = g_strdup ("");

  if (request->host != NULL)
    return;
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL &&
      getsockname (info->connect_fd, (struct sockaddr *) &local, &local_size) == 0) {
    g_autoptr (GSocketAddress) address = g_socket_address_new_from_native (&local, local_size);

    if (G_IS_INET_SOCKET_ADDRESS (address))
      request->host = format_address (address, TRUE);
  }
  if (request->host == NULL)
    request->host = g_strdup ("localhost");
}

/* MHD hands the target out as a string; between it and the version there was one blank, unless a
 * NUL cut the target short */
static gboolean
is_target_cut (Exchange *self, const char *version)
{
  guintptr start = (guintptr) version;

  return start > self->target_end + 1 &&
         start - self->target_end < self->server->settings.header_max;
}

/* the headers have been read */
static enum MHD_Result
begin (Exchange *self, struct MHD_Connection *connection, const char *method, const char *version)
{
  WeirHttpServerSettings *settings = &self->server->settings;
  HeaderCheck check = {0};
  const gchar *host, *length;
  const union MHD_ConnectionInfo *info;
  gboolean valid_target;

  self->request = check.request = weir_http_request_new (method);
  self->request->answered = exchange_answered;
  self->request->transport = self;
  MHD_get_connection_values_n (connection, MHD_HEADER_KIND, take_header, &check);
  valid_target = self->target != NULL && weir_http_request_set_target (self->request, self->target);
  host = weir_http_request_get_header (self->request, "Host");
  if (self->request->host == NULL)
    self->request->host = g_strdup (host);
  if (self->request->host != NULL && !weir_http_host_is_valid (self->request->host))
    return refuse (self, connection, 400, "Bad Host header\n");
  take_addresses (self, connection);

  if (strcmp (version, "HTTP/1.1") != 0 && strcmp (version, "HTTP/1.0") != 0)
    return refuse (self, connection, 505, "HTTP version not supported\n");
  if (!valid_target || is_target_cut (self, version))
    return refuse (self, connection, 400, "Bad request target\n");
  if (!weir_http_is_token (method) || check.malformed || check.hosts > 1 || check.lengths > 1 ||
      check.encodings > 1 || (check.lengths > 0 && check.encodings > 0) ||
      (check.encodings > 0 && strcmp (version, "HTTP/1.0") == 0))
    return refuse (self, connection, 400, "Ambiguous or malformed request\n");
  if (check.hosts == 0 && strcmp (version, "HTTP/1.1") == 0)
    return refuse (self, connection, 400, "Host header missing\n");
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (info != NULL && info->header_size > settings->header_max)
    return refuse (self, connection, 431, "Request headers too large\n");
  if (weir_http_request_get_header (self->request, "Content-Encoding") != NULL)
    return refuse (self, connection, 415, "Encoded request bodies are not taken\n");
  /* a body that is a little too large is read first: an early answer often gets lost in the reset
   */
  length = weir_http_request_get_header (self->request, "Content-Length");
  if (length != NULL && (strlen (length) > 18 || g_ascii_strtoull (length, NULL, 10) >
                                                     (guint64) settings->body_max * SWALLOW_FACTOR))
    return refuse (self, connection, 413, "Request body too large\n");
  return MHD_YES;
}

/* the request is complete, or answered now: send the answer, else park */
static enum MHD_Result
answer_or_park (Exchange *self, struct MHD_Connection *connection)
{
  WeirHttpServer *server = self->server;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&server->lock);
  WeirHttpResponse *response;

  if (!self->answered && server->stopping) {
    self->answered = TRUE;
    self->response = text_response (503, "Going away\n");
    weir_http_response_set_header (self->response, "Connection", "close");
  }
  if (!self->answered) {
    self->connection = connection;
    self->deadline_us = g_get_monotonic_time () + server->settings.answer_max_us;
    self->link.data = self;
    g_queue_push_tail_link (&server->parked, &self->link);
    server->statistics.parked++;
    if (server->parked.length == 1)
      g_cond_broadcast (&server->changed);
    /* under the lock, so that nobody resumes what is not suspended yet */
    MHD_suspend_connection (connection);
    return MHD_YES;
  }
  response = g_steal_pointer (&self->response);
  g_clear_pointer (&locker, g_mutex_locker_free);
  /* MHD calls again while an answer could not be queued: only once here */
  return response != NULL ? send_response (self, connection, response) : MHD_NO;
}

static enum MHD_Result
dispatch (Exchange *self, struct MHD_Connection *connection)
{
  if (self->swallowed > self->server->settings.body_max)
    return refuse (self, connection, 413, "Request body too large\n");
  if (self->body != NULL)
    self->request->body = g_byte_array_free_to_bytes (g_steal_pointer (&self->body));
  g_atomic_ref_count_inc (&self->ref_count);
  self->server->handler (self->request, self->server->user_data);
  return answer_or_park (self, connection);
}

static enum MHD_Result
handle_access (G_GNUC_UNUSED void *cls, struct MHD_Connection *connection,
    G_GNUC_UNUSED const char *url, const char *method, const char *version, const char *data,
    size_t *data_size, void **context)
{
  Exchange *self = *context;

  if (self == NULL)
    return MHD_NO;
  if (!self->begun) {
    self->begun = TRUE;
    return begin (self, connection, method, version);
  }
  if (*data_size > 0) {
    gsize limit = self->server->settings.body_max;

    self->swallowed += *data_size;
    if (self->swallowed > limit * SWALLOW_FACTOR)
      return MHD_NO;
    if (self->body == NULL)
      self->body = g_byte_array_new ();
    if (self->swallowed <= limit)
      g_byte_array_append (self->body, (const guint8 *) data, *data_size);
    *data_size = 0;
    return MHD_YES;
  }
  if (!self->dispatched) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    Client *client = info ? info->socket_context : NULL;

    self->dispatched = TRUE;
    if (client != NULL) {
      g_mutex_lock (&self->server->lock);
      client->waiting_since_us = 0;
      g_mutex_unlock (&self->server->lock);
    }
    return dispatch (self, connection);
  }
  return answer_or_park (self, connection);
}

/* a request line has been read */
static void *
begin_exchange (void *cls, const char *target, G_GNUC_UNUSED struct MHD_Connection *connection)
{
  WeirHttpServer *server = cls;
  Exchange *self = g_new0 (Exchange, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_atomic_ref_count_inc (&server->ref_count);
  self->server = server;
  self->target = g_strdup (target);
  self->target_end = target ? (guintptr) target + strlen (target) : 0;
  self->started_us = g_get_monotonic_time ();
  g_mutex_lock (&server->lock);
  server->active++;
  g_mutex_unlock (&server->lock);
  return self;
}

static void
log_access (Exchange *self)
{
  g_autofree gchar *target = NULL;

  if (self->request == NULL)
    return;
  target = weir_http_escape_for_log (self->target ? self->target : "");
  g_debug ("http %s %s %s %u %" G_GUINT64_FORMAT " bytes %" G_GINT64_FORMAT " us",
      self->request->peer ? self->request->peer : "-", self->request->method, target, self->status,
      self->size, g_get_monotonic_time () - self->started_us);
}

static void
end_exchange (G_GNUC_UNUSED void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode code)
{
  Exchange *self = *context;
  WeirHttpServer *server;
  const union MHD_ConnectionInfo *info;
  Client *client;

  if (self == NULL)
    return;
  *context = NULL;
  server = self->server;
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  client = info ? info->socket_context : NULL;
  log_access (self);

  g_mutex_lock (&server->lock);
  /* an answer that still comes finds nobody */
  self->answered = TRUE;
  if (client != NULL)
    client->waiting_since_us = g_get_monotonic_time ();
  server->statistics.requests++;
  if (self->status >= 100 && self->status < 600)
    server->statistics.responses_by_class[self->status / 100]++;
  if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
    server->statistics.bytes_sent += self->size;
  server->active--;
  if (server->stopping)
    g_cond_broadcast (&server->changed);
  g_mutex_unlock (&server->lock);
  exchange_unref (self);
}

static void
connection_changed (void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
  WeirHttpServer *self = cls;
  const union MHD_ConnectionInfo *info;
  Client *client;

  g_mutex_lock (&self->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    client = g_new0 (Client, 1);
    client->fd = info->connect_fd;
    client->waiting_since_us = g_get_monotonic_time ();
    g_hash_table_add (self->clients, client);
    if (g_hash_table_size (self->clients) == 1)
      g_cond_broadcast (&self->changed);
    *context = client;
  } else if (*context != NULL) {
    g_hash_table_remove (self->clients, *context);
    *context = NULL;
  }
  g_mutex_unlock (&self->lock);
}

static size_t
leave_escaped (G_GNUC_UNUSED void *cls, G_GNUC_UNUSED struct MHD_Connection *connection, char *text)
{
  return strlen (text);
}

static void
log_error (G_GNUC_UNUSED void *cls, const char *format, va_list arguments)
{
  g_autofree gchar *text = g_strdup_vprintf (format, arguments);
  g_autofree gchar *escaped = weir_http_escape_for_log (g_strchomp (text));

  g_debug ("http: %s", escaped);
}

/* listening */

static gboolean
fail_listen (const gchar *address, gint error_number, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (error_number),
      "Cannot listen for HTTP on %s: %s", address, g_strerror (error_number));
  return FALSE;
}

/* Returns: a listening descriptor or -1 */
static gint
open_listener (GInetSocketAddress *address, guint idle_timeout_s, gchar **bound, GError **error)
{
  g_autofree gchar *name = format_address (G_SOCKET_ADDRESS (address), TRUE);
  gint family = g_socket_address_get_family (G_SOCKET_ADDRESS (address));
  gssize size = g_socket_address_get_native_size (G_SOCKET_ADDRESS (address));
  struct sockaddr_storage native;
  socklen_t native_size = sizeof native;
  g_autoptr (GSocketAddress) real = NULL;
  guint send_timeout_ms = idle_timeout_s * 1000;
  gint off = 0, on = 1;
  gint fd;

  if (size > (gssize) sizeof native ||
      !g_socket_address_to_native (G_SOCKET_ADDRESS (address), &native, sizeof native, error))
    return -1;
  fd = socket (family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    fail_listen (name, errno, error);
    return -1;
  }
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  /* accepted sockets inherit it: a client that takes nothing is cut by the kernel */
  setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &send_timeout_ms, sizeof send_timeout_ms);
  if (bind (fd, (struct sockaddr *) &native, size) < 0 || listen (fd, BACKLOG) < 0 ||
      getsockname (fd, (struct sockaddr *) &native, &native_size) < 0) {
    fail_listen (name, errno, error);
    close (fd);
    return -1;
  }
  real = g_socket_address_new_from_native (&native, native_size);
  *bound = format_address (real, TRUE);
  return fd;
}

/* @fd: (transfer full) */
static gboolean
start_daemon (WeirHttpServer *self, gint fd, GError **error)
{
  const WeirHttpServerSettings *settings = &self->settings;
  guint threads = settings->threads ? settings->threads : g_get_num_processors ();
  struct MHD_OptionItem pool[2] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
  Listener listener;

  /* a pool of one is refused by MHD: no pool is that */
  if (threads > 1)
    pool[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
  listener.daemon = MHD_start_daemon (
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
      handle_access, self, MHD_OPTION_EXTERNAL_LOGGER, log_error, NULL, MHD_OPTION_LISTEN_SOCKET,
      fd, MHD_OPTION_CONNECTION_LIMIT, MAX (settings->connections_max, threads),
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, settings->connections_per_address_max,
      MHD_OPTION_CONNECTION_TIMEOUT, settings->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      settings->header_max * 2, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
      MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, self, MHD_OPTION_NOTIFY_COMPLETED, end_exchange,
      self, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, self, MHD_OPTION_ARRAY, pool,
      MHD_OPTION_END);
  if (listener.daemon == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Cannot start the HTTP server");
    close (fd);
    return FALSE;
  }
  g_array_append_val (self->listeners, listener);
  return TRUE;
}

void
weir_http_server_settings_init (WeirHttpServerSettings *settings)
{
  *settings = (WeirHttpServerSettings){
      .threads = 0,
      .connections_max = 4096,
      .connections_per_address_max = 0,
      .idle_timeout_s = 30,
      .header_max = 16 * 1024,
      .body_max = 64 * 1024,
      .answer_max_us = 30 * G_USEC_PER_SEC,
  };
}

static void
stop (WeirHttpServer *self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_MAX_US;
  Exchange *parked;

  /* not MHD_quiesce_daemon(): it races with the daemon's threads for the listening descriptor and
   * the loser aborts. Who comes while we stop is answered 503. */
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  while ((parked = g_queue_peek_head (&self->parked)) != NULL)
    unpark_busy (parked);
  while (self->active > 0 && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  self->keeper_stops = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < self->listeners->len; i++)
    MHD_stop_daemon (g_array_index (self->listeners, Listener, i).daemon);
  if (self->keeper != NULL)
    g_thread_join (self->keeper);
}

WeirHttpServer *
weir_http_server_new (const gchar *listen, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error)
{
  g_autoptr (WeirHttpServer) self = NULL;
  g_autoptr (GPtrArray) addresses = weir_parse_listen (listen, error);
  g_autoptr (GString) bound = g_string_new (NULL);

  if (addresses == NULL)
    return NULL;
  self = g_new0 (WeirHttpServer, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->settings = *settings;
  self->handler = handler;
  self->user_data = user_data;
  self->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  self->clients = g_hash_table_new_full (NULL, NULL, g_free, NULL);
  g_queue_init (&self->parked);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);

  for (guint i = 0; i < addresses->len; i++) {
    g_autofree gchar *name = NULL;
    gint fd = open_listener (addresses->pdata[i], settings->idle_timeout_s, &name, error);

    if (fd < 0 || !start_daemon (self, fd, error))
      return NULL;
    g_string_append_printf (bound, "%s%s", bound->len > 0 ? ";" : "", name);
  }
  self->addresses = g_strdup (bound->str);
  self->keeper = g_thread_new ("http-keeper", keep, self);
  return g_steal_pointer (&self);
}

void
weir_http_server_free (WeirHttpServer *self)
{
  stop (self);
  server_unref (self);
}

const gchar *
weir_http_server_get_addresses (WeirHttpServer *self)
{
  return self->addresses;
}

void
weir_http_server_get_statistics (WeirHttpServer *self, WeirHttpServerStatistics *statistics)
{
  g_mutex_lock (&self->lock);
  *statistics = self->statistics;
  statistics->connections = g_hash_table_size (self->clients);
  g_mutex_unlock (&self->lock);
}
