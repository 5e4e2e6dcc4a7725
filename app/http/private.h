/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/http.h"
#include "net/proxy.h"

G_BEGIN_DECLS

/**
 * What the server and http.c share; handlers see http.h only.
 */
typedef struct {
  gchar *name;
  gchar *value;
} WeirHttpField;

struct _WeirHttpRequest {
  gchar *method;
  gchar *path;
  GArray *query;   /* of WeirHttpField */
  GArray *headers; /* of WeirHttpField */
  gchar *host;
  gchar *peer;
  gboolean loopback;
  gboolean secure;
  GBytes *body;
  gint takes_time; /* atomic */
  /* takes the handler's answer: (transfer full) */
  void (*answered) (WeirHttpRequest *self, WeirHttpResponse *response, gpointer transport);
  gpointer transport;
};

struct _WeirHttpResponse {
  guint status;
  GArray *headers; /* of WeirHttpField */
  GArray *parts;   /* of WeirHttpPart */
  guint64 size;
  WeirHttpStream *stream; /* NULL: the parts are the body */
};

#define WEIR_HTTP_QUERY_MAX 64

WeirHttpRequest *weir_http_request_new (const gchar *method);
void weir_http_request_free (WeirHttpRequest *self);
void weir_http_request_add_header (WeirHttpRequest *self, const gchar *name, const gchar *value);

/**
 * weir_http_request_set_target:
 * @raw: the request target as it was sent
 *
 * Decodes path and query, once. For an absolute target (RFC 9112 3.2.2) the authority replaces the
 * Host header and is to be checked as one.
 *
 * Returns: FALSE for a target that no handler may see: bad percent encoding, NUL or other control
 *   characters, a "." or ".." segment, invalid UTF-8, too many parameters
 */
gboolean weir_http_request_set_target (WeirHttpRequest *self, const gchar *raw);

/**
 * weir_http_find_client:
 * @peer: who has connected
 * @forwarded_for: (nullable): X-Forwarded-For, fields joined by commas in the order they came in
 *
 * Of the addresses that each proxy has added to the end, the last that is not one of @trusted; the
 * header is believed as far as it was written by them.
 *
 * Returns: (transfer full): not IPv4-mapped
 */
GInetAddress *weir_http_find_client (
    const WeirNetworks *trusted, GInetAddress *peer, const gchar *forwarded_for);

/* Returns: TRUE for "host" or "host:port" of the characters that a host may have */
gboolean weir_http_host_is_valid (const gchar *host);
/* Returns: TRUE for a token of RFC 9110 5.6.2 */
gboolean weir_http_is_token (const gchar *text);

typedef enum {
  WEIR_HTTP_RANGE_NONE, /* absent, several, or not understood: the whole body */
  WEIR_HTTP_RANGE_PARTIAL,
  WEIR_HTTP_RANGE_UNSATISFIABLE,
} WeirHttpRange;

/**
 * weir_http_parse_range:
 * @header: (nullable): the Range header
 * @size: of the whole body
 * @offset, @length: (out): of a PARTIAL one
 *
 * A single range of RFC 9110 14.1.2.
 */
WeirHttpRange weir_http_parse_range (
    const gchar *header, guint64 size, guint64 *offset, guint64 *length);
/* Returns: whether @header (If-None-Match) names @etag, by weak comparison */
gboolean weir_http_etag_matches (const gchar *header, const gchar *etag);

/* Returns: (nullable) (transfer none) */
const gchar *weir_http_response_get_header (WeirHttpResponse *self, const gchar *name);

/**
 * weir_http_response_read:
 * @position: in the body
 *
 * Returns: how many bytes were copied to @data; 0 at the end, -1 when a file is shorter than its
 *   part or cannot be read
 */
gssize weir_http_response_read (WeirHttpResponse *self, guint64 position, guint8 *data, gsize size);

/**
 * WeirHttpStreamTransport: the transport's side of a stream
 */
typedef struct {
  gpointer (*reference) (gpointer transport);
  void (*release) (gpointer transport);
  /* there is something to read, or the end; no lock of the stream is held */
  void (*wake) (gpointer transport);
} WeirHttpStreamTransport;

WeirHttpStream *weir_http_stream_new (const WeirHttpStreamCallbacks *callbacks, gpointer data);
/* @functions: static; @transport: referenced until weir_http_stream_close() */
void weir_http_stream_attach (
    WeirHttpStream *self, const WeirHttpStreamTransport *functions, gpointer transport);
/* Returns: how many bytes were taken; 0: none are there yet; -1: the end */
gssize weir_http_stream_read (WeirHttpStream *self, guint8 *data, gsize size);
/* Returns: TRUE while nothing waits to be taken and the end has not come */
gboolean weir_http_stream_is_idle (WeirHttpStream *self);
/* the transport has gone; calls `closed`, once */
void weir_http_stream_close (WeirHttpStream *self);

/* Returns: (transfer full): as weir_escape_for_log(), secrets of the form `<32 hex>k<32 hex>` left
 * out */
gchar *weir_http_escape_for_log (const gchar *text);

G_END_DECLS
