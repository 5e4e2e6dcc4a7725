/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirHttpClients:
 *
 * Who is connected, what each connection is at and since when, and what is done about it: pure,
 * descriptors are only names here. A connection may wait for a request or do something with one,
 * and each of these has its time. When the room is full, the connection that has waited longest
 * for a request makes room for the newcomer, first among those of its own address: whoever hoards
 * connections loses them, and viewers behind the same address stay in.
 *
 * An IPv6 client is its /64, as it can choose the rest. Not locked: one thread at a time.
 */
typedef struct _WeirHttpClients WeirHttpClients;

typedef enum {
  WEIR_HTTP_CLIENT_NEW,       /* has not sent a whole request head yet */
  WEIR_HTTP_CLIENT_IDLE,      /* was answered, may ask for more */
  WEIR_HTTP_CLIENT_HEAD,      /* has sent a request line, but not all headers */
  WEIR_HTTP_CLIENT_BODY,      /* has sent the head, but not all of the body */
  WEIR_HTTP_CLIENT_ANSWERING, /* waits for the answer: our time, not its */
  WEIR_HTTP_CLIENT_SENDING,   /* is being sent the answer */
} WeirHttpClientPhase;

typedef struct {
  guint connections_max;
  guint connections_per_address_max;
  gint64 header_time_us;
  gint64 body_time_us;
  gint64 idle_us;
  gint64 write_stall_us;
  guint64 write_progress; /* bytes that a client takes at least in write_stall_us */
} WeirHttpClientLimits;

/* names of limits in weir.conf(5), as answered */
#define WEIR_LIMIT_HTTP_CONNECTIONS "http-connections"
#define WEIR_LIMIT_HTTP_CONNECTIONS_PER_ADDRESS "http-connections-per-address"
#define WEIR_LIMIT_HTTP_HEADER_TIME "http-header-time"
#define WEIR_LIMIT_HTTP_BODY_TIME "http-body-time"
#define WEIR_LIMIT_HTTP_IDLE "http-idle"
#define WEIR_LIMIT_HTTP_WRITE_STALL "http-write-stall"

typedef struct _WeirHttpClient WeirHttpClient;

WeirHttpClients *weir_http_clients_new (const WeirHttpClientLimits *limits);
void weir_http_clients_free (WeirHttpClients *self);

/**
 * weir_http_clients_enter:
 * @exempt: a proxy: many clients in one, so not limited by address
 * @evicted: (out): descriptor of a connection that is to be shut down to make room, or -1
 * @evicted_limit: (out): the static name of the limit that asked for it
 *
 * Returns: NULL when the connection is in, else the static name of the limit that keeps it out
 */
const gchar *weir_http_clients_enter (WeirHttpClients *self, gint fd, GInetAddress *address,
    gboolean exempt, gint64 now_us, gint *evicted, const gchar **evicted_limit);
/* Returns: the descriptor of the connection that waits longest for a request, to be shut down, or
 * -1
 */
gint weir_http_clients_evict (WeirHttpClients *self);
/* before @fd is closed; one that is not known does nothing */
void weir_http_clients_leave (WeirHttpClients *self, gint fd);
/* Returns: (nullable) (transfer none): valid until it leaves */
WeirHttpClient *weir_http_clients_find (WeirHttpClients *self, gint fd);
/* Returns: (transfer none): as it came in with */
GInetAddress *weir_http_client_get_address (WeirHttpClient *client);
void weir_http_clients_set_phase (
    WeirHttpClients *self, WeirHttpClient *client, WeirHttpClientPhase phase, gint64 now_us);
guint weir_http_clients_get_count (WeirHttpClients *self);

typedef struct {
  /* what the network knows: bytes that @fd has acknowledged since it connected, and whether any
   * wait for it; FALSE when that cannot be told */
  gboolean (*probe) (gint fd, guint64 *acknowledged, gboolean *waiting, gpointer data);
  /* @fd is to be shut down: @limit, a static name, was reached */
  void (*cut) (gint fd, const gchar *limit, gpointer data);
} WeirHttpClientsCallbacks;

/* looks after the deadlines; to be called about once a second */
void weir_http_clients_sweep (
    WeirHttpClients *self, gint64 now_us, const WeirHttpClientsCallbacks *callbacks, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpClients, weir_http_clients_free)

G_END_DECLS
