/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/http.h"

G_BEGIN_DECLS

/**
 * WeirHttpServer: libmicrohttpd behind the handlers of http.h (epoll, a pool of threads,
 * suspend and resume for answers that come later)
 */
typedef struct _WeirHttpServer WeirHttpServer;

typedef struct {
  guint threads;                     /* 0: number of cores */
  guint connections_max;             /* 4096 */
  guint connections_per_address_max; /* 0: no limit */
  guint idle_timeout_s;              /* 30: no byte either way */
  gsize header_max;                  /* 16 KiB: request line and headers */
  gsize body_max;                    /* 64 KiB */
  gint64 answer_max_us;              /* 30 s: a parked request is answered 503 then */
} WeirHttpServerSettings;

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
