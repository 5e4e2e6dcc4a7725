/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/server.h"

#include "descriptors.h"
#include "http/acceptor.h"
#include "http/clients.h"
#include "http/private.h"
#include "http/probe.h"
#include "http/tls.h"
#include "base/strangers.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/*
 * One MHD daemon with its epoll threads behind an acceptor of our own. What 0.9.75 does not do by
 * itself and is done here:
 *  - accepting: it spins when descriptors run out, and knows no proxies and no IPv6 networks;
 *  - the request target is taken raw from the log callback and decoded once (http.c);
 *  - lines that end without CR, folded lines, NULs, and more than one blank in the request line are
 *    accepted by it; here each token of a head has to stand where it belongs, and they do not;
 *  - ambiguous framing (Content-Length beside Transfer-Encoding, repeated fields) is refused;
 *  - it takes line ends and extensions of chunks lightly: after a request in chunks the connection
 *    is closed, so that nothing can be taken for a next request, and what can be seen is refused;
 *  - bodies of many parts go through a reading callback, never through an iovec response, which
 *    aborts the process beyond some 2,000 entries;
 *  - parked (suspended) requests have a deadline, for MHD notices nothing about them, and are all
 *    resumed before a daemon is stopped, which would abort otherwise;
 *  - streams: their connections are suspended while there is nothing to send, and resumed likewise;
 *  - its strict mode, which answers a missing Host header twice, stays off: such checks are ours;
 *  - a client that sends, or takes, a byte now and then keeps its connection alive as far as MHD is
 *    concerned: a timer looks for connections that are too slow and shuts them down.
 */

#define READ_BLOCK (64 * 1024)
#define SWALLOW_FACTOR 16
#define SWEEP_INTERVAL_US G_USEC_PER_SEC
#define STOP_MAX_US (2 * G_USEC_PER_SEC)
/* connections that we have cut and MHD has not closed yet */
#define SPARE_CONNECTIONS 2048

/* the version whose handling of heads and chunks is known; later ones are strict by themselves */
#define MHD_LAX_VERSION "0.9.75"

struct _WeirHttpServer {
  gatomicrefcount ref_count;
  WeirHttpServerSettings settings;
  WeirHttpHandler handler;
  gpointer user_data;
  WeirHttpAcceptor *acceptor;
  struct MHD_Daemon *daemon;
  WeirHttpTls *tls; /* NULL: plain HTTP */
  gchar *addresses;
  WeirWorker *worker; /* accepts, and looks after who is slow */
  WeirTimer *timer;
  gboolean lax; /* MHD is */

  GMutex lock;
  GCond changed;
  gboolean stopping;
  gint64 wake_us;  /* when the timer is due, G_MAXINT64 for never */
  gint64 swept_us; /* when the clients' deadlines were looked after */
  WeirHttpClients *clients;
  GQueue parked;              /* of Exchange, oldest deadline first */
  GQueue streaming;           /* of Exchange: suspended until there is more to send */
  GHashTable *parked_peers;   /* address → number */
  GHashTable *parked_streams; /* first segment of the path → number */
  guint active;               /* exchanges that MHD still knows */
  WeirHttpServerStatistics statistics;

  GMutex log_lock;
  WeirStrangerLog log;
};

/* a request and its answer; one reference is MHD's, one the handler's */
typedef struct {
  gatomicrefcount ref_count;
  WeirHttpServer *server;
  WeirHttpRequest *request;
  gchar *target;           /* raw */
  const gchar *raw_target; /* in MHD's buffer, valid until the headers have been read */
  gint fd;
  GByteArray *body;
  gsize swallowed;
  gboolean begun;
  gboolean dispatched;
  gboolean chunked;
  gboolean bad_chunks;
  const gchar *body_start; /* in MHD's buffer */
  const gchar *chunk_end;  /* of the last piece that was seen */
  gint64 started_us;
  guint status;
  guint64 size;

  /* guarded by the server's lock */
  struct MHD_Connection *connection; /* while parked, or suspended while streaming */
  GList link;                        /* in parked, or streaming */
  gchar *stream;                     /* likewise: what it is counted under */
  gint64 deadline_us;
  WeirHttpResponse *response;
  gboolean answered;
  struct MHD_Connection *streaming; /* that a stream goes to */
  gboolean streams;                 /* is counted among the parked, for as long as it lasts */
} Exchange;

static void
server_unref (WeirHttpServer *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->worker, weir_worker_unref);
  g_free (self->addresses);
  g_clear_pointer (&self->tls, weir_http_tls_free);
  weir_http_clients_free (self->clients);
  g_hash_table_unref (self->parked_peers);
  g_hash_table_unref (self->parked_streams);
  g_clear_pointer (&self->settings.counters, weir_counters_unref);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->log_lock);
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
  g_free (self->stream);
  server_unref (self->server);
  g_free (self);
}

/* a stranger was refused. @peer, @text: (nullable): from outside */
static void
count_refusal (WeirHttpServer *self, const gchar *reason, const gchar *peer, const gchar *text)
{
  g_autofree gchar *escaped = weir_http_escape_for_log (text ? text : "");
  const gchar *quote = *escaped != '\0' ? "\"" : "";

  weir_counters_add (self->settings.counters, reason);
  g_mutex_lock (&self->log_lock);
  weir_stranger_log (&self->log, g_get_monotonic_time (), "http: refused %s: %s%s%s%s%s",
      peer != NULL ? peer : "a connection", reason, *quote != '\0' ? " " : "", quote, escaped,
      quote);
  g_mutex_unlock (&self->log_lock);
}

/* with the server's lock held. Returns: (transfer full) (nullable) */
static gchar *
get_peer (WeirHttpServer *self, gint fd)
{
  WeirHttpClient *client = weir_http_clients_find (self->clients, fd);

  return client != NULL ? g_inet_address_to_string (weir_http_client_get_address (client)) : NULL;
}

/* with the server's lock held; MHD, or the acceptor, notices and closes the descriptor */
static void
cut (gint fd, const gchar *limit, gpointer data)
{
  WeirHttpServer *self = data;
  g_autofree gchar *peer = get_peer (self, fd);

  /* who has nothing more to ask does nothing wrong */
  if (strcmp (limit, WEIR_LIMIT_HTTP_IDLE) == 0)
    weir_counters_add (self->settings.counters, limit);
  else
    count_refusal (self, limit, peer, NULL);
  shutdown (fd, SHUT_RDWR);
}

static void
set_phase_locked (WeirHttpServer *self, gint fd, WeirHttpClientPhase phase)
{
  WeirHttpClient *client = weir_http_clients_find (self->clients, fd);

  if (client != NULL)
    weir_http_clients_set_phase (self->clients, client, phase, g_get_monotonic_time ());
}

static void
set_phase (Exchange *self, WeirHttpClientPhase phase)
{
  g_mutex_lock (&self->server->lock);
  set_phase_locked (self->server, self->fd, phase);
  g_mutex_unlock (&self->server->lock);
}

static WeirHttpResponse *
text_response (guint status, const gchar *text)
{
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_text (response, "text/plain; charset=utf-8", text);
  return response;
}

static void
arm_timer (gpointer data)
{
  WeirHttpServer *self = data;

  g_mutex_lock (&self->lock);
  weir_timer_arm (self->timer, self->wake_us);
  g_mutex_unlock (&self->lock);
}

/* with the server's lock held */
static void
wake_by (WeirHttpServer *self, gint64 deadline_us)
{
  if (deadline_us >= self->wake_us)
    return;
  self->wake_us = deadline_us;
  weir_worker_invoke (self->worker, arm_timer, self, NULL);
}

/* parked requests; with the server's lock held */

/* Returns: FALSE when @max of them are there already */
static gboolean
count_up (GHashTable *counts, const gchar *key, guint max)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, key));

  if (count >= max)
    return FALSE;
  g_hash_table_insert (counts, g_strdup (key), GUINT_TO_POINTER (count + 1));
  return TRUE;
}

static void
count_down (GHashTable *counts, const gchar *key)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, key));

  if (count > 1)
    g_hash_table_insert (counts, g_strdup (key), GUINT_TO_POINTER (count - 1));
  else
    g_hash_table_remove (counts, key);
}

static WeirHttpResponse *
busy_response (const gchar *text)
{
  WeirHttpResponse *response = text_response (503, text);

  weir_http_response_set_header (response, "Retry-After", "1");
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "Access-Control-Allow-Origin", "*");
  return response;
}

static void
respond_busy (Exchange *self, const gchar *text)
{
  self->response = busy_response (text);
  self->answered = TRUE;
}

/* Returns: FALSE when there are too many already */
static gboolean
count_parked (Exchange *self)
{
  WeirHttpServer *server = self->server;
  const gchar *path = self->request->path;
  const gchar *limit = NULL;

  g_free (self->stream);
  self->stream = g_strndup (path, 1 + strcspn (path + 1, "/"));
  if (!count_up (
          server->parked_peers, self->request->peer, server->settings.parked_per_address_max)) {
    limit = WEIR_LIMIT_HTTP_PARKED_PER_ADDRESS;
  } else if (!count_up (
                 server->parked_streams, self->stream, server->settings.parked_per_stream_max)) {
    count_down (server->parked_peers, self->request->peer);
    limit = WEIR_LIMIT_HTTP_PARKED_PER_STREAM;
  }
  if (limit != NULL)
    count_refusal (server, limit, self->request->peer, self->target);
  return limit == NULL;
}

static void
uncount_parked (Exchange *self)
{
  count_down (self->server->parked_peers, self->request->peer);
  count_down (self->server->parked_streams, self->stream);
}

/* Returns: FALSE when there are too many already: the request is answered then */
static gboolean
park (Exchange *self, struct MHD_Connection *connection)
{
  WeirHttpServer *server = self->server;

  if (!count_parked (self)) {
    respond_busy (self, "Too many requests are waiting\n");
    return FALSE;
  }

  self->connection = connection;
  self->deadline_us = g_get_monotonic_time () + server->settings.answer_max_us;
  self->link.data = self;
  g_queue_push_tail_link (&server->parked, &self->link);
  server->statistics.parked++;
  wake_by (server, self->deadline_us);
  set_phase_locked (server, self->fd, WEIR_HTTP_CLIENT_ANSWERING);
  /* under the lock, so that nobody resumes what is not suspended yet */
  MHD_suspend_connection (connection);
  return TRUE;
}

static void
unpark (Exchange *self)
{
  WeirHttpServer *server = self->server;

  uncount_parked (self);
  g_queue_unlink (&server->parked, &self->link);
  server->statistics.parked--;
  MHD_resume_connection (g_steal_pointer (&self->connection));
}

static void
unpark_busy (Exchange *self)
{
  respond_busy (self, "No answer in time\n");
  unpark (self);
}

/* with the server's lock held: it is the last to be looked at again */
static void
park_on (Exchange *self, gint64 now_us)
{
  WeirHttpServer *server = self->server;

  g_queue_unlink (&server->parked, &self->link);
  self->deadline_us = now_us + server->settings.answer_max_us;
  g_queue_push_tail_link (&server->parked, &self->link);
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

static gboolean
probe (gint fd, guint64 *acknowledged, gboolean *waiting, G_GNUC_UNUSED gpointer data)
{
  return weir_http_probe_socket (fd, acknowledged, waiting);
}

/* on the worker: answers who has waited too long, shuts down who is too slow */
static void
look_after_clients (gpointer data)
{
  static const WeirHttpClientsCallbacks callbacks = {.probe = probe, .cut = cut};
  WeirHttpServer *self = data;
  gint64 now_us = g_get_monotonic_time ();
  Exchange *oldest;

  g_mutex_lock (&self->lock);
  self->wake_us = G_MAXINT64;
  while ((oldest = g_queue_peek_head (&self->parked)) != NULL && oldest->deadline_us <= now_us) {
    if (g_atomic_int_get (&oldest->request->takes_time)) {
      park_on (oldest, now_us);
      continue;
    }
    weir_counters_add (self->settings.counters, WEIR_LIMIT_HTTP_ANSWER);
    unpark_busy (oldest);
  }
  if (oldest != NULL)
    wake_by (self, oldest->deadline_us);
  if (now_us - self->swept_us >= SWEEP_INTERVAL_US) {
    weir_http_clients_sweep (self->clients, now_us, &callbacks, self);
    self->swept_us = now_us;
  }
  /* nobody there, nothing to wake up for */
  if (weir_http_clients_get_count (self->clients) > 0)
    wake_by (self, self->swept_us + SWEEP_INTERVAL_US);
  g_mutex_unlock (&self->lock);
}

static void
make_timer (gpointer data)
{
  WeirHttpServer *self = data;

  self->timer = weir_worker_timer (self->worker, look_after_clients, self);
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

/* bodies that are made while they are sent; MHD would call for more and more while there is
 * nothing, so the connection is suspended meanwhile */

typedef struct {
  Exchange *exchange; /* outlives the response */
  WeirHttpResponse *response;
} Streaming;

/* with the server's lock held */
static void
resume_stream (Exchange *self)
{
  g_queue_unlink (&self->server->streaming, &self->link);
  set_phase_locked (self->server, self->fd, WEIR_HTTP_CLIENT_SENDING);
  MHD_resume_connection (g_steal_pointer (&self->connection));
}

static void
wake_stream (gpointer transport)
{
  Exchange *self = transport;

  g_mutex_lock (&self->server->lock);
  if (self->streams && self->connection != NULL)
    resume_stream (self);
  g_mutex_unlock (&self->server->lock);
}

static gpointer
exchange_ref (gpointer transport)
{
  g_atomic_ref_count_inc (&((Exchange *) transport)->ref_count);
  return transport;
}

static void
release_exchange (gpointer transport)
{
  exchange_unref (transport);
}

static gssize
read_stream (void *cls, G_GNUC_UNUSED uint64_t position, char *buffer, size_t size)
{
  Streaming *streaming = cls;
  Exchange *self = streaming->exchange;
  WeirHttpStream *stream = streaming->response->stream;
  gssize got = weir_http_stream_read (stream, (guint8 *) buffer, size);

  if (got < 0)
    return MHD_CONTENT_READER_END_OF_STREAM;
  self->size += (gsize) got;
  if (got > 0)
    return got;
  g_mutex_lock (&self->server->lock);
  if (self->server->stopping) {
    got = MHD_CONTENT_READER_END_OF_STREAM;
  } else if (weir_http_stream_is_idle (stream)) {
    self->connection = self->streaming;
    self->link.data = self;
    g_queue_push_tail_link (&self->server->streaming, &self->link);
    set_phase_locked (self->server, self->fd, WEIR_HTTP_CLIENT_ANSWERING);
    MHD_suspend_connection (self->connection);
  }
  g_mutex_unlock (&self->server->lock);
  return got;
}

static void
free_stream (void *cls)
{
  Streaming *streaming = cls;

  weir_http_response_free (streaming->response);
  g_free (streaming);
}

/* @response: (transfer full). Returns: (nullable) */
static struct MHD_Response *
make_stream (Exchange *self, struct MHD_Connection *connection, WeirHttpResponse *response)
{
  static const WeirHttpStreamTransport transport = {
      .reference = exchange_ref, .release = release_exchange, .wake = wake_stream};
  Streaming *streaming = g_new0 (Streaming, 1);
  struct MHD_Response *result;

  streaming->exchange = self;
  streaming->response = response;
  self->streaming = connection;
  result = MHD_create_response_from_callback (
      MHD_SIZE_UNKNOWN, READ_BLOCK, read_stream, streaming, free_stream);
  if (result == NULL)
    free_stream (streaming);
  else
    weir_http_stream_attach (response->stream, &transport, self);
  return result;
}

/* @response: (transfer full). Returns: (transfer full): it, or that there are too many */
static WeirHttpResponse *
admit_stream (Exchange *self, WeirHttpResponse *response)
{
  gboolean admitted;

  g_mutex_lock (&self->server->lock);
  admitted = self->streams = count_parked (self);
  g_mutex_unlock (&self->server->lock);
  if (admitted)
    return response;
  weir_http_response_free (response);
  return busy_response ("Too many streams are open\n");
}

/* @response: (transfer full). @send_files: whether the kernel may send from a file
 * Returns: (nullable) */
static struct MHD_Response *
make_body (WeirHttpResponse *response, guint64 offset, guint64 size, gboolean send_files)
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
  } else if (part != NULL && send_files) {
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
  guint64 offset = 0, size = 0;

  if (response->stream != NULL)
    response = admit_stream (self, response);
  if (response->stream == NULL)
    select_range (self, response, &offset, &size);
  if (self->chunked)
    weir_http_response_set_header (response, "Connection", "close");
  self->status = response->status;
  self->size = strcmp (self->request->method, "HEAD") == 0 ? 0 : size;
  headers = g_array_ref (response->headers);
  made = response->stream != NULL ? make_stream (self, connection, response)
                                  : make_body (response, offset, size, self->server->tls == NULL);
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

/* an answer before the body was read: MHD closes the connection after it.
 * @reason: static: what is counted */
static enum MHD_Result
refuse (Exchange *self, struct MHD_Connection *connection, guint status, const gchar *reason,
    const gchar *text)
{
  WeirHttpResponse *response = text_response (status, text);

  count_refusal (self->server, reason, self->request->peer, self->target);
  weir_http_response_set_header (response, "Connection", "close");
  set_phase (self, WEIR_HTTP_CLIENT_SENDING);
  return send_response (self, connection, response);
}

/* requests */

typedef struct {
  WeirHttpRequest *request;
  const gchar *next; /* where the next field has to begin in MHD's buffer */
  guint fields;
  guint hosts;
  guint lengths;
  guint encodings;
  gboolean malformed;
  gboolean misplaced;
} HeaderCheck;

static enum MHD_Result
take_header (void *cls, G_GNUC_UNUSED enum MHD_ValueKind kind, const char *name, size_t name_size,
    const char *value, size_t value_size)
{
  HeaderCheck *check = cls;

  /* MHD has replaced CR and LF: what is between two fields shows how a line ended */
  if (name != check->next)
    check->misplaced = TRUE;
  if (value == NULL) {
    check->misplaced = TRUE;
    value = "";
  }
  check->next = value + value_size + 2;
  check->fields++;
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

static gboolean
was_forwarded (WeirHttpRequest *request)
{
  static const gchar *const headers[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++)
    if (weir_http_request_get_header (request, headers[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* Returns: (transfer full): all fields of that name in their order */
static gchar *
join_headers (WeirHttpRequest *request, const gchar *name)
{
  GString *joined = g_string_new (NULL);

  for (guint i = 0; i < request->headers->len; i++) {
    const WeirHttpField *field = &g_array_index (request->headers, WeirHttpField, i);

    if (g_ascii_strcasecmp (field->name, name) == 0)
      g_string_append_printf (joined, "%s%s", joined->len > 0 ? "," : "", field->value);
  }
  return g_string_free (joined, FALSE);
}

/* who asks, and how; what proxies say is believed when they are trusted */
static void
take_client (Exchange *self, GInetAddress *peer)
{
  WeirHttpRequest *request = self->request;
  const WeirNetworks *trusted = self->server->settings.trusted_proxies;

  request->secure = self->server->tls != NULL;
  if (trusted != NULL && weir_networks_contain (trusted, peer)) {
    g_autofree gchar *forwarded_for = join_headers (request, "X-Forwarded-For");
    g_autoptr (GInetAddress) client = weir_http_find_client (trusted, peer, forwarded_for);
    const gchar *scheme = weir_http_request_get_header (request, "X-Forwarded-Proto");

    request->peer = g_inet_address_to_string (client);
    if (scheme != NULL)
      request->secure = g_ascii_strcasecmp (scheme, "https") == 0;
  } else {
    request->peer = g_inet_address_to_string (peer);
  }
  /* who passes requests on from the same host is not who asks */
  request->loopback =
      (strcmp (request->peer, "::1") == 0 || g_str_has_prefix (request->peer, "127.")) &&
      !was_forwarded (request);
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
  if (G_IS_INET_SOCKET_ADDRESS (peer))
    take_client (self, g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (peer)));
  if (request->peer == NULL)
    request->peer = g_strdup ("");

  if (request->host != NULL)
    return;
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL &&
      getsockname (info->connect_fd, (struct sockaddr *) &local, &local_size) == 0) {
    g_autoptr (GSocketAddress) address = g_socket_address_new_from_native (&local, local_size);

    if (G_IS_INET_SOCKET_ADDRESS (address))
      request->host = weir_address_to_string (G_INET_SOCKET_ADDRESS (address));
  }
  if (request->host == NULL)
    request->host = g_strdup ("localhost");
}

/* whether the request line is its three parts with a blank between them, as @version tells, and
 * @end_of_fields the end of the head */
static gboolean
is_in_place (Exchange *self, const char *method, const char *version, const char *end_of_fields,
    gsize head_size)
{
  return self->raw_target == method + strlen (method) + 1 &&
         version == self->raw_target + strlen (self->target) + 1 &&
         end_of_fields + 2 == method + head_size;
}

/* Returns: (nullable): what is wrong with the head */
static const gchar *
check_framing (const HeaderCheck *check, const char *method, const char *version)
{
  if (check->misplaced || check->malformed || !weir_http_is_token (method))
    return "Malformed request\n";
  if (check->hosts > 1 || check->lengths > 1 || check->encodings > 1 ||
      (check->lengths > 0 && check->encodings > 0) ||
      (check->encodings > 0 && strcmp (version, "HTTP/1.0") == 0))
    return "Ambiguous request\n";
  if (check->hosts == 0 && strcmp (version, "HTTP/1.1") == 0)
    return "Host header missing\n";
  return NULL;
}

/* the headers have been read */
static enum MHD_Result
begin (Exchange *self, struct MHD_Connection *connection, const char *method, const char *version)
{
  WeirHttpServerSettings *settings = &self->server->settings;
  HeaderCheck check = {.next = version + strlen (version) + 2};
  const gchar *host, *length, *expect, *problem;
  const union MHD_ConnectionInfo *info;
  gboolean valid_target;
  gsize head_size;

  self->request = check.request = weir_http_request_new (method);
  self->request->answered = exchange_answered;
  self->request->transport = self;
  MHD_get_connection_values_n (connection, MHD_HEADER_KIND, take_header, &check);
  valid_target = self->target != NULL && weir_http_request_set_target (self->request, self->target);
  host = weir_http_request_get_header (self->request, "Host");
  if (self->request->host == NULL)
    self->request->host = g_strdup (host);
  take_addresses (self, connection);
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  head_size = info != NULL ? info->header_size : 0;
  if (!self->server->lax)
    check.misplaced = FALSE;
  else if (self->target == NULL || !is_in_place (self, method, version, check.next, head_size))
    check.misplaced = TRUE;

  if (strcmp (version, "HTTP/1.1") != 0 && strcmp (version, "HTTP/1.0") != 0)
    return refuse (
        self, connection, 505, WEIR_HTTP_REFUSED_MALFORMED, "HTTP version not supported\n");
  if ((problem = check_framing (&check, method, version)) != NULL)
    return refuse (self, connection, 400, WEIR_HTTP_REFUSED_MALFORMED, problem);
  if (!weir_http_host_is_valid (self->request->host))
    return refuse (self, connection, 400, WEIR_HTTP_REFUSED_MALFORMED, "Bad Host header\n");
  if (strlen (self->target) > settings->target_max)
    return refuse (
        self, connection, 414, WEIR_LIMIT_HTTP_TARGET, "The request target is too long\n");
  if (!valid_target)
    return refuse (self, connection, 400, WEIR_HTTP_REFUSED_TARGET, "Bad request target\n");
  if (head_size > settings->header_max)
    return refuse (self, connection, 431, WEIR_LIMIT_HTTP_HEADER, "Request headers too large\n");
  if (check.fields > settings->headers_max)
    return refuse (self, connection, 431, WEIR_LIMIT_HTTP_HEADERS, "Too many request headers\n");
  if (weir_http_request_get_header (self->request, "Content-Encoding") != NULL)
    return refuse (self, connection, 415, WEIR_HTTP_REFUSED_ENCODING,
        "Encoded request bodies are not taken\n");
  expect = weir_http_request_get_header (self->request, "Expect");
  if (expect != NULL && g_ascii_strcasecmp (expect, "100-continue") != 0)
    return refuse (
        self, connection, 417, WEIR_HTTP_REFUSED_MALFORMED, "There is no such expectation\n");
  /* a body that is a little too large is read first: an early answer often gets lost in the reset
   */
  length = weir_http_request_get_header (self->request, "Content-Length");
  if (length != NULL && (strlen (length) > 18 || g_ascii_strtoull (length, NULL, 10) >
                                                     (guint64) settings->body_max * SWALLOW_FACTOR))
    return refuse (self, connection, 413, WEIR_LIMIT_HTTP_BODY, "Request body too large\n");
  self->chunked = check.encodings > 0;
  self->body_start = method + head_size;
  if (self->chunked || length != NULL)
    set_phase (self, WEIR_HTTP_CLIENT_BODY);
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
  if (!self->answered && park (self, connection))
    return MHD_YES;
  set_phase_locked (server, self->fd, WEIR_HTTP_CLIENT_SENDING);
  response = g_steal_pointer (&self->response);
  g_clear_pointer (&locker, g_mutex_locker_free);
  /* MHD calls again while an answer could not be queued: only once here */
  return response != NULL ? send_response (self, connection, response) : MHD_NO;
}

static enum MHD_Result
take_footer (G_GNUC_UNUSED void *cls, G_GNUC_UNUSED enum MHD_ValueKind kind,
    G_GNUC_UNUSED const char *name, G_GNUC_UNUSED const char *value)
{
  return MHD_YES;
}

static enum MHD_Result
dispatch (Exchange *self, struct MHD_Connection *connection)
{
  if (self->bad_chunks || (self->chunked && MHD_get_connection_values (connection, MHD_FOOTER_KIND,
                                                take_footer, NULL) > 0))
    return refuse (
        self, connection, 400, WEIR_HTTP_REFUSED_MALFORMED, "Malformed or extended chunks\n");
  if (self->swallowed > self->server->settings.body_max)
    return refuse (self, connection, 413, WEIR_LIMIT_HTTP_BODY, "Request body too large\n");
  if (self->body != NULL)
    self->request->body = g_byte_array_free_to_bytes (g_steal_pointer (&self->body));
  g_atomic_ref_count_inc (&self->ref_count);
  self->server->handler (self->request, self->server->user_data);
  return answer_or_park (self, connection);
}

/* "1f\r\n", after another chunk "\r\n1f\r\n" */
static gboolean
is_chunk_head (const gchar *text, gsize size, gboolean first)
{
  gsize digits = 0;

  if (size >= 2 && memcmp (text, "\r\n", 2) == 0 && !first) {
    text += 2;
    size -= 2;
  }
  while (digits < size && g_ascii_isxdigit (text[digits]))
    digits++;
  return digits > 0 && size == digits + 2 && memcmp (text + digits, "\r\n", 2) == 0;
}

/* @data is a piece of a chunk in MHD's buffer: what is before it, back to the piece before or to
 * the beginning of what was read last, is the chunk's head, if it has not been overwritten */
static void
check_chunk (Exchange *self, const gchar *data, gsize size)
{
  gboolean follows = self->chunk_end != NULL && data > self->chunk_end &&
                     is_chunk_head (self->chunk_end, data - self->chunk_end, FALSE);

  if (self->server->lax && data > self->body_start && data != self->chunk_end && !follows &&
      !is_chunk_head (self->body_start, data - self->body_start, self->chunk_end == NULL))
    self->bad_chunks = TRUE;
  self->chunk_end = data + size;
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

    if (self->chunked)
      check_chunk (self, data, *data_size);
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
    self->dispatched = TRUE;
    return dispatch (self, connection);
  }
  return answer_or_park (self, connection);
}

/* a request line has been read */
static void *
begin_exchange (void *cls, const char *target, struct MHD_Connection *connection)
{
  WeirHttpServer *server = cls;
  Exchange *self = g_new0 (Exchange, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_atomic_ref_count_inc (&server->ref_count);
  self->server = server;
  self->target = g_strdup (target);
  self->raw_target = target;
  self->started_us = g_get_monotonic_time ();
  self->fd = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  g_mutex_lock (&server->lock);
  server->active++;
  set_phase_locked (server, self->fd, WEIR_HTTP_CLIENT_HEAD);
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
end_exchange (G_GNUC_UNUSED void *cls, G_GNUC_UNUSED struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code)
{
  Exchange *self = *context;
  WeirHttpServer *server;

  if (self == NULL)
    return;
  *context = NULL;
  server = self->server;
  log_access (self);

  g_mutex_lock (&server->lock);
  /* an answer that still comes finds nobody */
  self->answered = TRUE;
  if (self->streams)
    uncount_parked (self);
  set_phase_locked (server, self->fd, WEIR_HTTP_CLIENT_IDLE);
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

/* @context: with TLS, the connection's session */
static void
connection_changed (void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
  WeirHttpServer *self = cls;
  gint fd = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

  if (code != MHD_CONNECTION_NOTIFY_CLOSED) {
    if (self->tls != NULL)
      *context = weir_http_tls_begin (self->tls,
          MHD_get_connection_info (connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    return;
  }
  if (*context != NULL)
    weir_http_tls_end (g_steal_pointer (context));
  g_mutex_lock (&self->lock);
  weir_http_clients_leave (self->clients, fd);
  g_mutex_unlock (&self->lock);
}

static size_t
leave_escaped (G_GNUC_UNUSED void *cls, G_GNUC_UNUSED struct MHD_Connection *connection, char *text)
{
  return strlen (text);
}

/* the requests that MHD refuses by itself, before there is one for us */
static const gchar *
get_reason (const gchar *text)
{
  static const gchar mark[] = "HTTP response code is ";
  const gchar *code = strstr (text, mark);

  switch (code != NULL ? g_ascii_strtoull (code + strlen (mark), NULL, 10) : 0) {
  case 0:
    return NULL;
  case 413:
    return WEIR_LIMIT_HTTP_BODY;
  case 414:
    return WEIR_LIMIT_HTTP_TARGET;
  case 431:
    return WEIR_LIMIT_HTTP_HEADER;
  default:
    return WEIR_HTTP_REFUSED_MALFORMED;
  }
}

static void
log_error (void *cls, const char *format, va_list arguments)
{
  g_autofree gchar *text = g_strdup_vprintf (format, arguments);
  g_autofree gchar *escaped = weir_http_escape_for_log (g_strchomp (text));
  const gchar *reason = get_reason (text);

  g_debug ("http: %s", escaped);
  if (reason != NULL)
    count_refusal (cls, reason, NULL, NULL);
}

/* accepting, on the worker */

static gboolean
admit (gint fd, GInetAddress *address, gpointer data)
{
  WeirHttpServer *self = data;
  const gchar *limit, *evicted_limit;
  const WeirNetworks *trusted = self->settings.trusted_proxies;
  gboolean is_proxy = trusted != NULL && weir_networks_contain (trusted, address);
  gint evicted;

  g_mutex_lock (&self->lock);
  limit = weir_http_clients_enter (
      self->clients, fd, address, is_proxy, g_get_monotonic_time (), &evicted, &evicted_limit);
  if (evicted >= 0)
    cut (evicted, evicted_limit, self);
  wake_by (self, g_get_monotonic_time () + SWEEP_INTERVAL_US);
  g_mutex_unlock (&self->lock);
  if (limit != NULL) {
    g_autofree gchar *peer = g_inet_address_to_string (address);

    count_refusal (self, limit, peer, NULL);
  }
  return limit == NULL;
}

static void
hand_on (gint fd, GInetSocketAddress *peer, gpointer data)
{
  WeirHttpServer *self = data;
  GSocketAddress *address = G_SOCKET_ADDRESS (peer);
  struct sockaddr_storage native = {0};
  socklen_t size = (socklen_t) g_socket_address_get_native_size (address);

  g_socket_address_to_native (address, &native, sizeof native, NULL);
  if (MHD_add_connection (self->daemon, fd, (struct sockaddr *) &native, size) == MHD_YES)
    return;
  /* it has closed the descriptor */
  count_refusal (self, WEIR_LIMIT_HTTP_CONNECTIONS, NULL, NULL);
  g_mutex_lock (&self->lock);
  weir_http_clients_leave (self->clients, fd);
  g_mutex_unlock (&self->lock);
}

static void
newcomer_gone (gint fd, gboolean wrong_protocol, gpointer data)
{
  WeirHttpServer *self = data;
  g_autofree gchar *peer = NULL;

  g_mutex_lock (&self->lock);
  if (wrong_protocol)
    peer = get_peer (self, fd);
  weir_http_clients_leave (self->clients, fd);
  g_mutex_unlock (&self->lock);
  if (wrong_protocol)
    count_refusal (self, WEIR_HTTP_REFUSED_PROTOCOL, peer, NULL);
}

static void
out_of_descriptors (gint error_number, gpointer data)
{
  WeirHttpServer *self = data;
  gint evicted;

  g_mutex_lock (&self->lock);
  evicted = weir_http_clients_evict (self->clients);
  if (evicted >= 0)
    shutdown (evicted, SHUT_RDWR);
  g_mutex_unlock (&self->lock);
  count_refusal (self, WEIR_HTTP_REFUSED_DESCRIPTORS, NULL, g_strerror (error_number));
}

static gboolean
start_daemon (WeirHttpServer *self, GError **error)
{
  const WeirHttpServerSettings *settings = &self->settings;
  guint threads = settings->threads ? settings->threads : g_get_num_processors ();
  struct MHD_OptionItem pool[2] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (gpointer) weir_http_tls_choose},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, (gpointer) WEIR_HTTP_TLS_PRIORITIES},
      {MHD_OPTION_END, 0, NULL},
  };
  guint flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;

  /* a pool of one is refused by MHD: no pool is that */
  if (threads > 1)
    pool[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
  /* its limits and timeout are only there in case that ours fail */
  self->daemon = MHD_start_daemon (self->tls != NULL ? flags | MHD_USE_TLS : flags, 0, NULL, NULL,
      handle_access, self, MHD_OPTION_EXTERNAL_LOGGER, log_error, self, MHD_OPTION_CONNECTION_LIMIT,
      threads * (settings->connections_max + SPARE_CONNECTIONS), MHD_OPTION_CONNECTION_TIMEOUT,
      (guint) (2 * settings->idle_us / G_USEC_PER_SEC + 60), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      settings->header_max * 2, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
      MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, self, MHD_OPTION_NOTIFY_COMPLETED, end_exchange,
      self, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, self, MHD_OPTION_ARRAY, pool,
      MHD_OPTION_ARRAY, self->tls != NULL ? tls : &pool[1], MHD_OPTION_END);
  if (self->daemon == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Cannot start the HTTP server");
    return FALSE;
  }
  return TRUE;
}

void
weir_http_server_settings_init (WeirHttpServerSettings *settings)
{
  *settings = (WeirHttpServerSettings){
      .threads = 0,
      .connections_max = 4096,
      .connections_per_address_max = 512,
      .header_time_us = 10 * G_USEC_PER_SEC,
      .body_time_us = 10 * G_USEC_PER_SEC,
      .idle_us = 30 * G_USEC_PER_SEC,
      .write_stall_us = 10 * G_USEC_PER_SEC,
      .write_progress = 64 * 1024,
      .header_max = 16 * 1024,
      .headers_max = 100,
      .target_max = 8 * 1024,
      .body_max = 64 * 1024,
      .parked_per_stream_max = 2048,
      .parked_per_address_max = 256,
      .answer_max_us = 30 * G_USEC_PER_SEC,
  };
}

static void
stop (WeirHttpServer *self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_MAX_US;
  Exchange *parked;

  g_clear_pointer (&self->acceptor, weir_http_acceptor_free);
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  while ((parked = g_queue_peek_head (&self->parked)) != NULL)
    unpark_busy (parked);
  while ((parked = g_queue_peek_head (&self->streaming)) != NULL)
    resume_stream (parked);
  while (self->active > 0 && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  g_mutex_unlock (&self->lock);

  weir_worker_stop (self->worker);
  g_clear_pointer (&self->timer, weir_timer_free);
  if (self->daemon != NULL)
    MHD_stop_daemon (self->daemon);
}

static void
declare_reasons (WeirCounters *counters)
{
  static const gchar *const reasons[] = {WEIR_LIMIT_HTTP_CONNECTIONS,
      WEIR_LIMIT_HTTP_CONNECTIONS_PER_ADDRESS, WEIR_LIMIT_HTTP_HEADER_TIME,
      WEIR_LIMIT_HTTP_BODY_TIME, WEIR_LIMIT_HTTP_IDLE, WEIR_LIMIT_HTTP_WRITE_STALL,
      WEIR_LIMIT_HTTP_HEADER, WEIR_LIMIT_HTTP_HEADERS, WEIR_LIMIT_HTTP_TARGET, WEIR_LIMIT_HTTP_BODY,
      WEIR_LIMIT_HTTP_PARKED_PER_STREAM, WEIR_LIMIT_HTTP_PARKED_PER_ADDRESS, WEIR_LIMIT_HTTP_ANSWER,
      WEIR_HTTP_REFUSED_MALFORMED, WEIR_HTTP_REFUSED_TARGET, WEIR_HTTP_REFUSED_ENCODING,
      WEIR_HTTP_REFUSED_PROTOCOL, WEIR_HTTP_REFUSED_DESCRIPTORS};

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    weir_counters_declare (counters, reasons[i]);
}

/* what the process may open leaves room for encoders and files */
static guint
limit_connections (guint wanted)
{
  guint limit = weir_descriptors_get_limit ();
  guint room = limit / 2;

  if (wanted <= room)
    return wanted;
  g_message ("limits.http-connections is %u, but this process may have %u files open: %u it is",
      wanted, limit, room);
  return room;
}

static WeirHttpServer *
server_new (const WeirHttpServerSettings *settings, WeirHttpHandler handler, gpointer user_data)
{
  WeirHttpServer *self = g_new0 (WeirHttpServer, 1);
  WeirHttpClientLimits limits = {
      .connections_max = limit_connections (settings->connections_max),
      .connections_per_address_max = settings->connections_per_address_max,
      .header_time_us = settings->header_time_us,
      .body_time_us = settings->body_time_us,
      .idle_us = settings->idle_us,
      .write_stall_us = settings->write_stall_us,
      .write_progress = settings->write_progress,
  };

  g_atomic_ref_count_init (&self->ref_count);
  self->settings = *settings;
  if (settings->counters != NULL) {
    weir_counters_ref (settings->counters);
    declare_reasons (settings->counters);
  }
  self->handler = handler;
  self->user_data = user_data;
  if (settings->certificates != NULL)
    self->tls = weir_http_tls_new (settings->certificates);
  self->lax = strcmp (MHD_get_version (), MHD_LAX_VERSION) == 0;
  self->clients = weir_http_clients_new (&limits);
  self->parked_peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->parked_streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->parked);
  g_queue_init (&self->streaming);
  self->wake_us = G_MAXINT64;
  self->worker = weir_worker_new ("weir-http");
  weir_worker_call (self->worker, make_timer, self);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->log_lock);
  g_cond_init (&self->changed);
  weir_stranger_log_init (&self->log, g_get_monotonic_time ());
  return self;
}

WeirHttpServer *
weir_http_server_new (const gchar *listen, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error)
{
  static const WeirHttpAcceptorCallbacks callbacks = {
      .admit = admit, .ready = hand_on, .gone = newcomer_gone, .exhausted = out_of_descriptors};
  WeirHttpServer *self = server_new (settings, handler, user_data);

  if (start_daemon (self, error))
    self->acceptor = weir_http_acceptor_new (self->worker, listen, settings->certificates != NULL,
        (guint) (settings->idle_us / 1000), &callbacks, self, error);
  if (self->acceptor == NULL) {
    weir_http_server_free (self);
    return NULL;
  }
  self->addresses = g_strdup (weir_http_acceptor_get_addresses (self->acceptor));
  return self;
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
  statistics->connections = weir_http_clients_get_count (self->clients);
  g_mutex_unlock (&self->lock);
}
