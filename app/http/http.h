/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * Transport-free HTTP: what handlers see. A handler gets a request and answers it once, at once or
 * later, from any thread. The server (server.h) knows sockets; handlers never do.
 */

typedef struct _WeirHttpRequest WeirHttpRequest;

/* Returns: (transfer none): all of these are valid as long as the request */
const gchar *weir_http_request_get_method (WeirHttpRequest *self);
/* the path, percent-decoded exactly once, checked: starts with "/", no NUL, no "." or ".."
 * segment, valid UTF-8 */
const gchar *weir_http_request_get_path (WeirHttpRequest *self);
/* (nullable) a query parameter, decoded; the first of that name */
const gchar *weir_http_request_get_query (WeirHttpRequest *self, const gchar *name);
/* (nullable) a header, @name case-insensitive */
const gchar *weir_http_request_get_header (WeirHttpRequest *self, const gchar *name);
/* the checked Host header ("host" or "host:port"), never NULL: falls back to the local address */
const gchar *weir_http_request_get_host (WeirHttpRequest *self);
/* numeric address of the client; that of a trusted proxy's client */
const gchar *weir_http_request_get_peer (WeirHttpRequest *self);
/* whether the client itself is on this host: never for what a proxy has passed on */
gboolean weir_http_request_is_loopback (WeirHttpRequest *self);
/* whether it came by HTTPS, to us or to a trusted proxy */
gboolean weir_http_request_is_secure (WeirHttpRequest *self);
/* (nullable) whole body, at most the server's limit */
GBytes *weir_http_request_get_body (WeirHttpRequest *self);

/**
 * weir_http_request_take_time:
 *
 * It will be answered, however long that takes: the limit of time for answers is not for it. For
 * few, since each holds a connection, and nobody notices when its client leaves. Any thread, until
 * it is answered.
 */
void weir_http_request_take_time (WeirHttpRequest *self);

/**
 * WeirHttpPart: a piece of a body: bytes, or a range of a file
 */
typedef struct {
  GBytes *bytes; /* or NULL */
  gint fd;       /* kept open by @owner */
  guint64 offset;
  guint64 size;
  gpointer owner; /* with @release: what keeps @fd open */
  GDestroyNotify release;
} WeirHttpPart;

typedef struct _WeirHttpResponse WeirHttpResponse;

WeirHttpResponse *weir_http_response_new (guint status);
void weir_http_response_free (WeirHttpResponse *self);
/* @value: CR and LF are not sent (replaced by blanks) */
void weir_http_response_set_header (WeirHttpResponse *self, const gchar *name, const gchar *value);
/* @body: (transfer none) */
void weir_http_response_set_body (WeirHttpResponse *self, const gchar *content_type, GBytes *body);
void weir_http_response_set_text (
    WeirHttpResponse *self, const gchar *content_type, const gchar *text);
/* appends to the list of parts; any number: the server streams what does not fit one write.
 * @owner: (transfer full) released when the response is done */
void weir_http_response_add_file (WeirHttpResponse *self, gint fd, guint64 offset, guint64 size,
    gpointer owner, GDestroyNotify release);
void weir_http_response_add_bytes (WeirHttpResponse *self, GBytes *bytes);

/**
 * WeirHttpStream: a body that is made while it is sent
 *
 * Its maker writes when what was written before has been taken: weir_http_stream_write() refuses
 * beyond a bound, and the stream asks for more by `drained`. A client that takes nothing is cut off
 * by the limit `http-write-stall`, but one that goes while nothing is written is only noticed at
 * the next write: write something now and then.
 *
 * Functions from any thread.
 */
typedef struct _WeirHttpStream WeirHttpStream;

typedef struct {
  /* all that was written has been taken. Any thread, on that of the server too: must not block;
   * so below */
  void (*drained) (WeirHttpStream *stream, gpointer data);
  /* once, the last call: nobody takes anything any more; comes even if nothing was sent at all */
  void (*closed) (WeirHttpStream *stream, gpointer data);
} WeirHttpStreamCallbacks;

/**
 * weir_http_response_set_stream:
 * @callbacks: static
 *
 * The body of @self is what will be written, of unknown length, neither for ranges nor for caches.
 *
 * Returns: (transfer full)
 */
WeirHttpStream *weir_http_response_set_stream (WeirHttpResponse *self, const gchar *content_type,
    const WeirHttpStreamCallbacks *callbacks, gpointer data);
/* what may wait to be taken */
#define WEIR_HTTP_STREAM_MAX (256 * 1024)
/* Returns: FALSE when it is closed, or would hold more than WEIR_HTTP_STREAM_MAX: nothing was
 * written */
gboolean weir_http_stream_write (WeirHttpStream *self, GBytes *bytes);
/* the body ends after what was written */
void weir_http_stream_end (WeirHttpStream *self);
WeirHttpStream *weir_http_stream_ref (WeirHttpStream *self);
void weir_http_stream_unref (WeirHttpStream *self);

/**
 * weir_http_request_respond:
 * @request: (transfer full): no longer the handler's
 * @response: (transfer full)
 *
 * The answer; once; any thread. The server adds Date, Content-Length, Accept-Ranges where the body
 * is of known size, answers HEAD without the body, single ranges with 206, `If-None-Match` against
 * an ETag header with 304.
 */
void weir_http_request_respond (WeirHttpRequest *request, WeirHttpResponse *response);
/* shorthands */
void weir_http_request_respond_text (WeirHttpRequest *request, guint status, const gchar *text);

/**
 * WeirHttpHandler:
 * @request: (transfer full): to be answered with weir_http_request_respond(), now or later
 */
typedef void (*WeirHttpHandler) (WeirHttpRequest *request, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpStream, weir_http_stream_unref)

G_END_DECLS
