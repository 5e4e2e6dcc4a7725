/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/counters.h"
#include "http/http.h"
#include "net/certificates.h"
#include "net/proxy.h"

G_BEGIN_DECLS

/**
 * WeirHttpServer: libmicrohttpd behind the handlers of http.h (epoll, a pool of threads,
 * suspend and resume for answers that come later)
 */
typedef struct _WeirHttpServer WeirHttpServer;

/* times are microseconds, sizes bytes; defaults in brackets */
typedef struct {
  guint threads;                     /* 0: number of cores */
  guint connections_max;             /* 4096 */
  guint connections_per_address_max; /* 512; 0: no limit */
  gint64 header_time_us;             /* 10 s: from connecting, or the request line, to the head */
  gint64 body_time_us;               /* 10 s: from the head to the end of the body */
  gint64 idle_us;                    /* 30 s: from an answer to the next request */
  gint64 write_stall_us;             /* 10 s: in which a client takes ... */
  guint64 write_progress;            /* ... 64 KiB */
  gsize header_max;                  /* 16 KiB: request line and headers */
  guint headers_max;                 /* 100 */
  gsize target_max;                  /* 8 KiB */
  gsize body_max;                    /* 64 KiB */
  guint parked_per_stream_max;       /* 2048: parked requests below one first segment of the path */
  guint parked_per_address_max;      /* 256 */
  gint64 answer_max_us;              /* 30 s: a parked request is answered 503 then */
  WeirCounters *counters;            /* (transfer none) (nullable): of refusals */
  /* (transfer none) (nullable): proxies, whose X-Forwarded-For says who the client is; outlives
   * the server */
  const WeirNetworks *trusted_proxies;
  /* (transfer none) (nullable): with these HTTPS is spoken. When they are reloaded, connections
   * that are there go on, new ones get the new certificates. */
  WeirCertificates *certificates;
} WeirHttpServerSettings;

/* what is counted: the limits' names in weir.conf(5) here and in clients.h, and these words */
#define WEIR_LIMIT_HTTP_HEADER "http-header"
#define WEIR_LIMIT_HTTP_HEADERS "http-headers"
#define WEIR_LIMIT_HTTP_TARGET "http-target"
#define WEIR_LIMIT_HTTP_BODY "http-body"
#define WEIR_LIMIT_HTTP_PARKED_PER_STREAM "http-parked-per-stream"
#define WEIR_LIMIT_HTTP_PARKED_PER_ADDRESS "http-parked-per-address"
#define WEIR_LIMIT_HTTP_ANSWER "http-answer"
#define WEIR_HTTP_REFUSED_MALFORMED "http-malformed"   /* or ambiguous */
#define WEIR_HTTP_REFUSED_TARGET "http-bad-target"     /* of no path that could be meant */
#define WEIR_HTTP_REFUSED_ENCODING "http-encoded-body" /* with a Content-Encoding */
#define WEIR_HTTP_REFUSED_PROTOCOL                                                               \
  "http-wrong-protocol"                                  /* HTTP on the HTTPS port or vice versa \
                                                          */
#define WEIR_HTTP_REFUSED_DESCRIPTORS "http-descriptors" /* no file descriptor was left */

void weir_http_server_settings_init (WeirHttpServerSettings *settings);

/**
 * weir_http_server_new:
 * @listen: as weir_parse_listen(); several addresses are served alike
 *
 * Returns: NULL with a #GIOError; a busy port is G_IO_ERROR_ADDRESS_IN_USE and named
 */
WeirHttpServer *weir_http_server_new (const gchar *listen, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error);
/* answers what is parked with 503, stops, frees */
void weir_http_server_free (WeirHttpServer *self);
/* Returns: (transfer none): what is bound, "[::]:8080;127.0.0.1:9000" with the real ports */
const gchar *weir_http_server_get_addresses (WeirHttpServer *self);

typedef struct {
  guint64 requests;
  guint64 responses_by_class[6]; /* index 2 for 2xx, … */
  guint64 bytes_sent;
  guint connections;
  guint parked;
} WeirHttpServerStatistics;
void weir_http_server_get_statistics (WeirHttpServer *self, WeirHttpServerStatistics *statistics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpServer, weir_http_server_free)

G_END_DECLS
