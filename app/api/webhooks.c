/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/webhooks.h"

#include "api/envelope.h"

#include <string.h>

#define EVENTS_MAX 32
#define EVENT_SIZE_MAX 64
#define ID_SIZE 32

/* what a request says */

typedef struct {
  WeirWebhook *webhook;
  const WeirEgress *egress;
} Reading;

static gboolean
read_url (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  Reading *reading = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *url = NULL;

  if (!weir_field_read_string (node, pointer, 1, WEIR_WEBHOOK_URL_MAX, &url, fault))
    return FALSE;
  if (!weir_webhook_check_url (url, reading->egress, &error))
    return weir_fault_refuse (fault, pointer, error->message);
  g_free (reading->webhook->url);
  reading->webhook->url = g_steal_pointer (&url);
  return TRUE;
}

/* it goes into a header, and into an HMAC: printable ASCII */
static gboolean
read_secret (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirWebhook *webhook = ((Reading *) data)->webhook;
  g_autofree gchar *secret = NULL;

  if (!weir_field_read_string (
          node, pointer, WEIR_WEBHOOK_SECRET_MIN, WEIR_WEBHOOK_SECRET_MAX, &secret, fault))
    return FALSE;
  for (const gchar *c = secret; *c != '\0'; c++) {
    if (!g_ascii_isgraph (*c))
      return weir_fault_refuse (fault, pointer, "must be printable ASCII without blanks");
  }
  g_free (webhook->secret);
  webhook->secret = g_steal_pointer (&secret);
  return TRUE;
}

static gboolean
is_pattern (const gchar *text)
{
  gsize size = strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789_.");

  return size > 0 || *text == '*' ? text[size] == '\0' || strcmp (text + size, "*") == 0 : FALSE;
}

static gboolean
read_events (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirWebhook *webhook = ((Reading *) data)->webhook;
  g_autofree gchar *text = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array;

  if (JSON_NODE_HOLDS_NULL (node)) {
    g_clear_pointer (&webhook->events, g_strfreev);
    return TRUE;
  }
  if (!weir_field_read_strings (node, pointer, EVENTS_MAX, EVENT_SIZE_MAX, &text, fault))
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    const gchar *pattern = json_array_get_string_element (array, i);

    if (!is_pattern (pattern))
      return weir_fault_refuse (
          fault, pointer, "must be types of events, or beginnings of them and a *");
    g_strv_builder_add (builder, pattern);
  }
  g_strfreev (webhook->events);
  webhook->events = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
read_format (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const gchar *const formats[] = {"weir", "hosted", NULL};
  guint format;

  if (!weir_field_read_choice (node, pointer, formats, &format, fault))
    return FALSE;
  ((Reading *) data)->webhook->format = format == 0 ? WEIR_WEBHOOK_WEIR : WEIR_WEBHOOK_HOSTED;
  return TRUE;
}

static gboolean
read_enabled (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (node, pointer, &((Reading *) data)->webhook->enabled, fault);
}

static const WeirField own_fields[] = {
    {"url", read_url, NULL},
    {"secret", read_secret, NULL},
    {"events", read_events, NULL},
    {"format", read_format, NULL},
    {"enabled", read_enabled, NULL},
    {NULL},
};

/* it is documented in both spellings */
static const WeirField hosted_fields[] = {
    {"notificationUrl", read_url, NULL},
    {"notification_url", read_url, NULL},
    {NULL},
};

static gboolean
read_body (
    GBytes *body, guint depth_max, const WeirField *fields, Reading *reading, WeirFault *fault)
{
  g_autoptr (JsonNode) root = weir_fields_parse (body, depth_max, fault);

  if (root == NULL || !weir_fields_read (root, "", fields, "a webhook", reading, fault))
    return FALSE;
  if (reading->webhook->url == NULL)
    return weir_fault_refuse (
        fault, fields == own_fields ? "/url" : "/notificationUrl", "must be there");
  return TRUE;
}

gboolean
weir_webhook_from_json (
    GBytes *body, guint depth_max, const WeirEgress *egress, WeirWebhook *webhook, WeirFault *fault)
{
  Reading reading = {webhook, egress};

  return read_body (body, depth_max, own_fields, &reading, fault);
}

/* what the API says */

static void
add_delivery (JsonBuilder *builder, const WeirDocument *document)
{
  g_auto (WeirDelivery) delivery = {0};

  if (document != NULL)
    weir_delivery_from_json (&delivery, document->json);
  json_builder_set_member_name (builder, "delivery");
  json_builder_begin_object (builder);
  weir_api_add_int (builder, "cursor", (gint64) delivery.cursor);
  weir_api_add_int (builder, "delivered", (gint64) delivery.delivered);
  weir_api_add_int (builder, "givenUp", (gint64) delivery.given_up);
  weir_api_add_int (builder, "attempts", delivery.attempts);
  weir_api_add_time (builder, "nextAttempt", delivery.next_attempt_us);
  weir_api_add_time (builder, "lastSuccess", delivery.last_success_us);
  weir_api_add_time (builder, "lastFailure", delivery.last_failure_us);
  weir_api_add_string (builder, "lastError", delivery.last_error);
  json_builder_end_object (builder);
}

/* @delivery: (nullable) */
static void
add_webhook (JsonBuilder *builder, const WeirWebhook *webhook, const WeirDocument *delivery)
{
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "id", webhook->id);
  weir_api_add_string (builder, "url", webhook->url);
  weir_api_add_string (builder, "secret", webhook->secret);
  json_builder_set_member_name (builder, "events");
  if (webhook->events == NULL) {
    json_builder_add_null_value (builder);
  } else {
    json_builder_begin_array (builder);
    for (guint i = 0; webhook->events[i] != NULL; i++)
      json_builder_add_string_value (builder, webhook->events[i]);
    json_builder_end_array (builder);
  }
  weir_api_add_string (builder, "format", weir_webhook_format_get_name (webhook->format));
  weir_api_add_boolean (builder, "enabled", webhook->enabled);
  weir_api_add_time (builder, "created", webhook->created_us);
  weir_api_add_time (builder, "modified", webhook->modified_us);
  add_delivery (builder, delivery);
  json_builder_end_object (builder);
}

static void
add_hosted_webhook (JsonBuilder *builder, const WeirWebhook *webhook)
{
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "notificationUrl", webhook->url);
  weir_api_add_time (builder, "modified", webhook->modified_us);
  weir_api_add_string (builder, "secret", webhook->secret);
  json_builder_end_object (builder);
}

/* calls */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *id;
  gboolean hosted; /* by the hosted product's path */
  WeirWebhook *webhook;
  gboolean was_enabled;
  GPtrArray *documents; /* of a list */
} Call;

static void
call_free (Call *self)
{
  g_free (self->account);
  g_free (self->id);
  g_clear_pointer (&self->webhook, weir_webhook_free);
  g_clear_pointer (&self->documents, g_ptr_array_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* the hosted product has one of an account: its id is made of that. Returns: (transfer full) */
static gchar *
make_hosted_id (const gchar *account)
{
  g_autofree gchar *text = g_strconcat ("webhook/", account, NULL);
  g_autofree gchar *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strndup (digest, ID_SIZE);
}

/* a route without {id} is the hosted product's, or of them all */
static Call *
call_new (
    WeirApi *api, WeirHttpRequest *request, const WeirRouteParameters *parameters, gboolean hosted)
{
  Call *self = g_new0 (Call, 1);

  self->api = api;
  self->request = request;
  self->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  self->hosted = hosted;
  self->id = hosted ? make_hosted_id (self->account)
                    : g_strdup (weir_route_parameters_get (parameters, "id"));
  return self;
}

/* Returns: FALSE when it was answered with a failure */
static gboolean
call_read (Call *self)
{
  g_auto (WeirFault) fault = {0};
  Reading reading = {self->webhook, self->api->egress};

  if (read_body (weir_http_request_get_body (self->request), self->api->config->limits.json_depth,
          self->hosted ? hosted_fields : own_fields, &reading, &fault))
    return TRUE;
  weir_fault_answer (&fault, self->request, self->api->counters);
  return FALSE;
}

/* @delivery: (nullable) */
static void
call_answer (Call *self, const WeirDocument *delivery)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (self->hosted)
    add_hosted_webhook (builder, self->webhook);
  else
    add_webhook (builder, self->webhook, delivery);
  weir_api_succeed (self->request, json_builder_get_root (builder));
}

static void
got_delivery (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (WeirDocument) delivery =
      weir_store_get_document_finish (WEIR_STORE (source), result, NULL);

  /* one that has none has delivered nothing */
  call_answer (self, delivery);
}

/* @self: (transfer full) */
static void
call_answer_with_delivery (Call *self)
{
  weir_store_get_document (self->api->store, WEIR_DOCUMENT_DELIVERY, self->id, got_delivery, self);
}

static WeirEvent *
make_event (Call *self, const gchar *type)
{
  g_autofree gchar *url = weir_webhook_mask_url (self->webhook->url);
  g_autofree gchar *data = weir_event_make_data ("id", self->id, "url", url, NULL);

  return weir_event_new (type, self->account, NULL, NULL, data);
}

static void
put (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_store_put_document_finish (WEIR_STORE (source), result, &error) == 0)
    weir_api_fail_for_store (self->request, error);
  else
    call_answer_with_delivery (g_steal_pointer (&self));
}

/* the event that tells of the change is where deliveries begin: nothing older is sent */
static void
told (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document = NULL;
  guint64 sequence = weir_store_append_event_finish (WEIR_STORE (source), result, &error);
  guint64 revision = self->webhook->revision;

  if (sequence == 0) {
    weir_api_fail_for_store (self->request, error);
    return;
  }
  if (revision == 0 || (self->webhook->enabled && !self->was_enabled))
    self->webhook->since = sequence;
  self->webhook->modified_us = g_get_real_time ();
  if (revision == 0)
    self->webhook->created_us = self->webhook->modified_us;
  document = weir_webhook_to_document (self->webhook);
  weir_store_put_document (WEIR_STORE (source), document, revision, put, g_steal_pointer (&self));
}

/* @self: (transfer full) */
static void
call_keep (Call *self)
{
  g_autoptr (WeirEvent) event = make_event (
      self, self->webhook->revision == 0 ? WEIR_EVENT_WEBHOOK_CREATED : WEIR_EVENT_WEBHOOK_UPDATED);

  weir_store_append_event (self->api->store, event, told, self);
}

static void
counted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);

  if (documents == NULL)
    weir_api_fail_for_store (self->request, error);
  else if (documents->len >= WEIR_WEBHOOKS_MAX)
    weir_api_fail (self->request, 400, WEIR_API_INVALID, "There are 100 webhooks already", NULL);
  else
    call_keep (g_steal_pointer (&self));
}

/* @self: (transfer full): with a webhook that is to be new */
static void
call_create (Call *self)
{
  self->webhook->secret =
      self->webhook->secret != NULL ? self->webhook->secret : weir_random_hex (32);
  weir_store_list_documents (
      self->api->store, WEIR_DOCUMENT_WEBHOOK, self->account, NULL, counted, self);
}

static void
post_webhook (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  g_autoptr (Call) self = NULL;

  if (!weir_api_accept (user_data, request, parameters, WEIR_ACCESS_WRITE))
    return;
  self = call_new (user_data, request, parameters, FALSE);
  self->id = weir_random_hex (ID_SIZE / 2);
  self->webhook = weir_webhook_new (self->account, self->id);
  if (call_read (self))
    call_create (g_steal_pointer (&self));
}

/* Returns: FALSE when it was answered with a failure; else there is the call's webhook */
static gboolean
call_take (Call *self, WeirStore *store, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document = weir_store_get_document_finish (store, result, &error);

  if (document != NULL && strcmp (document->account, self->account) == 0)
    self->webhook = weir_webhook_from_document (document);
  else if (document == NULL &&
           !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail_for_store (self->request, error);
    return FALSE;
  }
  if (self->webhook == NULL)
    weir_api_fail_as_missing (self->request);
  return self->webhook != NULL;
}

static void
got_to_show (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;

  if (call_take (self, WEIR_STORE (source), result))
    call_answer_with_delivery (g_steal_pointer (&self));
}

static void
got_to_change (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;

  if (!call_take (self, WEIR_STORE (source), result))
    return;
  self->was_enabled = self->webhook->enabled;
  if (call_read (self))
    call_keep (g_steal_pointer (&self));
}

/* PUT of the hosted product's only one makes it when it is not there */
static void
got_to_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  if (document == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail_for_store (self->request, error);
    return;
  }
  if (document != NULL)
    self->webhook = weir_webhook_from_document (document);
  if (self->webhook != NULL) {
    self->was_enabled = self->webhook->enabled;
    if (call_read (self))
      call_keep (g_steal_pointer (&self));
    return;
  }
  self->webhook = weir_webhook_new (self->account, self->id);
  self->webhook->format = WEIR_WEBHOOK_HOSTED;
  self->webhook->events = g_strsplit (WEIR_EVENT_RECORDING_READY, ",", -1);
  if (call_read (self))
    call_create (g_steal_pointer (&self));
}

static void
forgotten (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  JsonNode *node = json_node_init_string (json_node_alloc (), "");

  /* one that had delivered nothing has none */
  weir_store_delete_document_finish (WEIR_STORE (source), result, NULL);
  if (self->api->events != NULL)
    weir_events_emit (self->api->events, make_event (self, WEIR_EVENT_WEBHOOK_DELETED));
  weir_api_succeed (self->request, node);
}

/* @self: (transfer full) */
static void
call_delete (Call *self, WeirDocumentKind kind, GAsyncReadyCallback done)
{
  weir_store_delete_document (self->api->store, kind, self->id, done, self);
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_document_finish (WEIR_STORE (source), result, &error))
    weir_api_fail_for_store (self->request, error);
  else
    call_delete (g_steal_pointer (&self), WEIR_DOCUMENT_DELIVERY, forgotten);
}

static void
got_to_delete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;

  if (call_take (self, WEIR_STORE (source), result))
    call_delete (g_steal_pointer (&self), WEIR_DOCUMENT_WEBHOOK, deleted);
}

/* secrets are shown, with which deliveries could be forged: so even to look needs WRITE */
static void
begin (WeirApi *api, WeirHttpRequest *request, const WeirRouteParameters *parameters,
    gboolean hosted, GAsyncReadyCallback got)
{
  Call *self;

  if (!weir_api_accept (api, request, parameters, WEIR_ACCESS_WRITE))
    return;
  self = call_new (api, request, parameters, hosted);
  weir_store_get_document (api->store, WEIR_DOCUMENT_WEBHOOK, self->id, got, self);
}

static void
get_webhook (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, FALSE, got_to_show);
}

static void
put_webhook (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, FALSE, got_to_change);
}

static void
delete_webhook (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, FALSE, got_to_delete);
}

static void
get_hosted (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, TRUE, got_to_show);
}

static void
put_hosted (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, TRUE, got_to_set);
}

static void
delete_hosted (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (user_data, request, parameters, TRUE, got_to_delete);
}

/* lists */

static void
listed_deliveries (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) deliveries =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);
  g_autoptr (GHashTable) by_id = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (deliveries == NULL) {
    weir_api_fail_for_store (self->request, error);
    return;
  }
  for (guint i = 0; i < deliveries->len; i++) {
    WeirDocument *document = deliveries->pdata[i];

    g_hash_table_insert (by_id, document->id, document);
  }
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->documents->len; i++) {
    g_autoptr (WeirWebhook) webhook = weir_webhook_from_document (self->documents->pdata[i]);

    if (webhook != NULL)
      add_webhook (builder, webhook, g_hash_table_lookup (by_id, webhook->id));
  }
  json_builder_end_array (builder);
  weir_api_succeed (self->request, json_builder_get_root (builder));
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;

  self->documents = weir_store_list_documents_finish (WEIR_STORE (source), result, &error);
  if (self->documents == NULL) {
    weir_api_fail_for_store (self->request, error);
    return;
  }
  weir_store_list_documents (
      WEIR_STORE (source), WEIR_DOCUMENT_DELIVERY, self->account, NULL, listed_deliveries, self);
  g_steal_pointer (&self);
}

static void
list_webhooks (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *api = user_data;
  Call *self;

  if (!weir_api_accept (api, request, parameters, WEIR_ACCESS_WRITE))
    return;
  self = call_new (api, request, parameters, FALSE);
  weir_store_list_documents (api->store, WEIR_DOCUMENT_WEBHOOK, self->account, NULL, listed, self);
}

void
weir_api_webhooks_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const struct {
    const gchar *method, *pattern;
    WeirRouteHandler handler;
  } routes[] = {
      {"GET", WEIR_API_STREAM "/webhooks", list_webhooks},
      {"POST", WEIR_API_STREAM "/webhooks", post_webhook},
      {"GET", WEIR_API_STREAM "/webhooks/{id}", get_webhook},
      {"PUT", WEIR_API_STREAM "/webhooks/{id}", put_webhook},
      {"DELETE", WEIR_API_STREAM "/webhooks/{id}", delete_webhook},
      {"GET", WEIR_API_STREAM "/webhook", get_hosted},
      {"PUT", WEIR_API_STREAM "/webhook", put_hosted},
      {"DELETE", WEIR_API_STREAM "/webhook", delete_hosted},
  };

  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    weir_http_router_add (
        router, routes[i].method, routes[i].pattern, routes[i].handler, self, NULL);
}
