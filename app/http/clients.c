/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/clients.h"

#include "net/address.h"

/* connections that were cut, but are still there: more of them, and nobody else comes in */
#define LEAVING_MAX 1024

typedef struct {
  guint64 key;
  guint count;
  GQueue waiting; /* of WeirHttpClient by address_link, longest first */
} Address;

struct _WeirHttpClient {
  gint fd;
  GInetAddress *inet;
  Address *address; /* NULL when it is not limited by address */
  WeirHttpClientPhase phase;
  gint64 since_us; /* in this phase; of SENDING: since progress was made last */
  guint64 acknowledged;
  gboolean cut;
  GList link; /* in waiting, of those that wait for a request */
  GList address_link;
};

struct _WeirHttpClients {
  WeirHttpClientLimits limits;
  GHashTable *clients;   /* fd → WeirHttpClient */
  GHashTable *addresses; /* key → Address */
  GQueue waiting;        /* of WeirHttpClient by link, longest first */
  guint leaving;         /* were cut, but are still there */
};

static gboolean
is_waiting (const WeirHttpClient *client)
{
  return (client->phase == WEIR_HTTP_CLIENT_NEW || client->phase == WEIR_HTTP_CLIENT_IDLE) &&
         !client->cut;
}

static Address *
address_enter (WeirHttpClients *self, guint64 key)
{
  Address *address = g_hash_table_lookup (self->addresses, &key);

  if (address == NULL) {
    address = g_new0 (Address, 1);
    address->key = key;
    g_hash_table_insert (self->addresses, &address->key, address);
  }
  address->count++;
  return address;
}

static void
address_leave (WeirHttpClients *self, Address *address)
{
  if (--address->count == 0)
    g_hash_table_remove (self->addresses, &address->key);
}

static void
stop_waiting (WeirHttpClients *self, WeirHttpClient *client)
{
  g_queue_unlink (&self->waiting, &client->link);
  if (client->address != NULL)
    g_queue_unlink (&client->address->waiting, &client->address_link);
}

static void
begin_waiting (WeirHttpClients *self, WeirHttpClient *client)
{
  g_queue_push_tail_link (&self->waiting, &client->link);
  if (client->address != NULL)
    g_queue_push_tail_link (&client->address->waiting, &client->address_link);
}

/* one that was cut no longer counts, though its descriptor may be open a little longer */
static void
mark_cut (WeirHttpClients *self, WeirHttpClient *client)
{
  if (is_waiting (client))
    stop_waiting (self, client);
  client->cut = TRUE;
  self->leaving++;
  if (client->address != NULL)
    address_leave (self, g_steal_pointer (&client->address));
}

static void
client_free (gpointer data)
{
  WeirHttpClient *self = data;

  g_object_unref (self->inet);
  g_free (self);
}

WeirHttpClients *
weir_http_clients_new (const WeirHttpClientLimits *limits)
{
  WeirHttpClients *self = g_new0 (WeirHttpClients, 1);

  self->limits = *limits;
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, client_free);
  self->addresses = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  g_queue_init (&self->waiting);
  return self;
}

void
weir_http_clients_free (WeirHttpClients *self)
{
  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->addresses);
  g_free (self);
}

/* Returns: whether there is room now */
static gboolean
make_room (WeirHttpClients *self, GQueue *waiting, gint *evicted)
{
  WeirHttpClient *oldest = g_queue_peek_head (waiting);

  if (oldest == NULL)
    return FALSE;
  *evicted = oldest->fd;
  mark_cut (self, oldest);
  return TRUE;
}

const gchar *
weir_http_clients_enter (WeirHttpClients *self, gint fd, GInetAddress *inet, gboolean exempt,
    gint64 now_us, gint *evicted, const gchar **evicted_limit)
{
  const WeirHttpClientLimits *limits = &self->limits;
  guint64 key = weir_address_get_network_key (inet);
  Address *address = exempt ? NULL : g_hash_table_lookup (self->addresses, &key);
  guint count = g_hash_table_size (self->clients) - self->leaving;
  WeirHttpClient *client;

  *evicted = -1;
  *evicted_limit = NULL;
  if (address != NULL && limits->connections_per_address_max > 0 &&
      address->count >= limits->connections_per_address_max) {
    if (!make_room (self, &address->waiting, evicted))
      return WEIR_LIMIT_HTTP_CONNECTIONS_PER_ADDRESS;
    *evicted_limit = WEIR_LIMIT_HTTP_CONNECTIONS_PER_ADDRESS;
  } else if (count >= limits->connections_max) {
    if (self->leaving >= LEAVING_MAX || !make_room (self, &self->waiting, evicted))
      return WEIR_LIMIT_HTTP_CONNECTIONS;
    *evicted_limit = WEIR_LIMIT_HTTP_CONNECTIONS;
  }

  client = g_new0 (WeirHttpClient, 1);
  client->fd = fd;
  client->inet = g_object_ref (inet);
  client->address = exempt ? NULL : address_enter (self, key);
  client->phase = WEIR_HTTP_CLIENT_NEW;
  client->since_us = now_us;
  client->link.data = client->address_link.data = client;
  /* a descriptor of this number that never left was closed behind our back */
  weir_http_clients_leave (self, fd);
  g_hash_table_insert (self->clients, GINT_TO_POINTER (fd), client);
  begin_waiting (self, client);
  return NULL;
}

gint
weir_http_clients_evict (WeirHttpClients *self)
{
  gint evicted = -1;

  make_room (self, &self->waiting, &evicted);
  return evicted;
}

void
weir_http_clients_leave (WeirHttpClients *self, gint fd)
{
  WeirHttpClient *client = weir_http_clients_find (self, fd);

  if (client == NULL)
    return;
  if (client->cut)
    self->leaving--;
  else if (is_waiting (client))
    stop_waiting (self, client);
  if (client->address != NULL)
    address_leave (self, client->address);
  g_hash_table_remove (self->clients, GINT_TO_POINTER (fd));
}

WeirHttpClient *
weir_http_clients_find (WeirHttpClients *self, gint fd)
{
  return g_hash_table_lookup (self->clients, GINT_TO_POINTER (fd));
}

GInetAddress *
weir_http_client_get_address (WeirHttpClient *client)
{
  return client->inet;
}

void
weir_http_clients_set_phase (
    WeirHttpClients *self, WeirHttpClient *client, WeirHttpClientPhase phase, gint64 now_us)
{
  if (client->cut)
    return;
  if (is_waiting (client))
    stop_waiting (self, client);
  /* the time for the first head runs from the connection, whatever comes in between */
  if (client->phase != WEIR_HTTP_CLIENT_NEW || phase != WEIR_HTTP_CLIENT_HEAD)
    client->since_us = now_us;
  client->phase = phase;
  client->acknowledged = 0;
  if (is_waiting (client))
    begin_waiting (self, client);
}

guint
weir_http_clients_get_count (WeirHttpClients *self)
{
  return g_hash_table_size (self->clients);
}

/* Returns: (nullable): the limit that @client has reached */
static const gchar *
check_sending (WeirHttpClients *self, WeirHttpClient *client, gint64 now_us,
    const WeirHttpClientsCallbacks *callbacks, gpointer data)
{
  guint64 acknowledged;
  gboolean waiting;

  if (!callbacks->probe (client->fd, &acknowledged, &waiting, data))
    return NULL;
  if (client->acknowledged == 0)
    client->acknowledged = acknowledged;
  if (!waiting || acknowledged - client->acknowledged >= self->limits.write_progress) {
    client->acknowledged = acknowledged;
    client->since_us = now_us;
    return NULL;
  }
  return now_us - client->since_us > self->limits.write_stall_us ? WEIR_LIMIT_HTTP_WRITE_STALL
                                                                 : NULL;
}

static const gchar *
check (WeirHttpClients *self, WeirHttpClient *client, gint64 now_us,
    const WeirHttpClientsCallbacks *callbacks, gpointer data)
{
  gint64 age = now_us - client->since_us;

  switch (client->phase) {
  case WEIR_HTTP_CLIENT_NEW:
  case WEIR_HTTP_CLIENT_HEAD:
    return age > self->limits.header_time_us ? WEIR_LIMIT_HTTP_HEADER_TIME : NULL;
  case WEIR_HTTP_CLIENT_IDLE:
    return age > self->limits.idle_us ? WEIR_LIMIT_HTTP_IDLE : NULL;
  case WEIR_HTTP_CLIENT_BODY:
    return age > self->limits.body_time_us ? WEIR_LIMIT_HTTP_BODY_TIME : NULL;
  case WEIR_HTTP_CLIENT_SENDING:
    return check_sending (self, client, now_us, callbacks, data);
  case WEIR_HTTP_CLIENT_ANSWERING:
    break;
  }
  return NULL;
}

void
weir_http_clients_sweep (
    WeirHttpClients *self, gint64 now_us, const WeirHttpClientsCallbacks *callbacks, gpointer data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    WeirHttpClient *client = value;
    const gchar *limit = client->cut ? NULL : check (self, client, now_us, callbacks, data);

    if (limit != NULL) {
      mark_cut (self, client);
      callbacks->cut (client->fd, limit, data);
    }
  }
}
