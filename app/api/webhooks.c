/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/webhooks.h"

#include "api/call.h"

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
add_delivery (GString *json, const WeirDocument *document)
{
  g_auto (WeirDelivery) delivery = {0};

  if (document != NULL)
    weir_delivery_from_json (&delivery, document->json);
  weir_json_begin_object (json, "delivery");
  weir_json_add_int (json, "cursor", (gint64) delivery.cursor);
  weir_json_add_int (json, "delivered", (gint64) delivery.delivered);
  weir_json_add_int (json, "givenUp", (gint64) delivery.given_up);
  weir_json_add_int (json, "attempts", delivery.attempts);
  weir_json_add_time (json, "nextAttempt", delivery.next_attempt_us);
  weir_json_add_time (json, "lastSuccess", delivery.last_success_us);
  weir_json_add_time (json, "lastFailure", delivery.last_failure_us);
  weir_json_add_string (json, "lastError", delivery.last_error);
  weir_json_end_object (json);
}

/* @delivery: (nullable) */
static void
add_webhook (GString *json, const WeirWebhook *webhook, const WeirDocument *delivery)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "id", webhook->id);
  weir_json_add_string (json, "url", webhook->url);
  weir_json_add_string (json, "secret", webhook->secret);
  if (webhook->events == NULL) {
    weir_json_add_null (json, "events");
  } else {
    weir_json_begin_array (json, "events");
    for (guint i = 0; webhook->events[i] != NULL; i++)
      weir_json_add_string (json, NULL, webhook->events[i]);
    weir_json_end_array (json);
  }
  weir_json_add_string (json, "format", weir_webhook_format_get_name (webhook->format));
  weir_json_add_boolean (json, "enabled", webhook->enabled);
  weir_json_add_time (json, "created", webhook->created_us);
  weir_json_add_time (json, "modified", webhook->modified_us);
  add_delivery (json, delivery);
  weir_json_end_object (json);
}

static void
add_hosted_webhook (GString *json, const WeirWebhook *webhook)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "notificationUrl", webhook->url);
  weir_json_add_time (json, "modified", webhook->modified_us);
  weir_json_add_string (json, "secret", webhook->secret);
  weir_json_end_object (json);
}

/* calls */

/* what steps share */
typedef struct {
  gboolean hosted; /* by the hosted product's path */
  WeirWebhook *webhook;
  gboolean was_enabled;
  GPtrArray *documents; /* of a list */
} Own;

static void
own_free (gpointer data)
{
  Own *self = data;

  g_clear_pointer (&self->webhook, weir_webhook_free);
  g_clear_pointer (&self->documents, g_ptr_array_unref);
  g_free (self);
}

static Own *
add_own (WeirCall *call, gboolean hosted)
{
  Own *own = g_new0 (Own, 1);

  own->hosted = hosted;
  weir_call_set_own (call, own, own_free);
  return own;
}

/* the hosted product has one of an account: its id is made of that. Returns: (transfer full) */
static gchar *
make_hosted_id (const gchar *account)
{
  g_autofree gchar *text = g_strconcat ("webhook/", account, NULL);
  g_autofree gchar *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strndup (digest, ID_SIZE);
}

/* Returns: FALSE when it was answered with a failure */
static gboolean
read_call (WeirCall *call)
{
  const Own *own = call->own;
  g_auto (WeirFault) fault = {0};
  Reading reading = {own->webhook, call->api->egress};

  if (read_body (weir_http_request_get_body (call->request), call->api->config->limits.json_depth,
          own->hosted ? hosted_fields : own_fields, &reading, &fault))
    return TRUE;
  weir_call_refuse (call, &fault);
  return FALSE;
}

/* one without a delivery has delivered nothing */
static void
got_delivery (WeirCall *call)
{
  const Own *own = call->own;
  g_autoptr (GString) json = g_string_new (NULL);

  if (own->hosted)
    add_hosted_webhook (json, own->webhook);
  else
    add_webhook (json, own->webhook, call->document);
  weir_call_succeed (call, json->str);
}

static void
answer_with_delivery (WeirCall *call)
{
  weir_call_find_document (call, WEIR_DOCUMENT_DELIVERY, call->id, got_delivery);
}

static WeirEvent *
make_event (WeirCall *call, const gchar *type)
{
  g_autofree gchar *url = weir_webhook_mask_url (((const Own *) call->own)->webhook->url);
  g_autofree gchar *data = weir_event_make_data ("id", call->id, "url", url, NULL);

  return weir_event_new (type, call->account, NULL, NULL, data);
}

/* the event that tells of the change is where deliveries begin: nothing older is sent */
static void
told (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  Own *own = call->own;
  g_autoptr (GError) error = NULL;
  guint64 sequence = weir_store_append_event_finish (WEIR_STORE (source), result, &error);
  guint64 revision = own->webhook->revision;

  if (sequence == 0) {
    weir_call_fail_for_store (call, error);
    return;
  }
  if (revision == 0 || (own->webhook->enabled && !own->was_enabled))
    own->webhook->since = sequence;
  own->webhook->modified_us = g_get_real_time ();
  if (revision == 0)
    own->webhook->created_us = own->webhook->modified_us;
  weir_document_free (call->document);
  call->document = weir_webhook_to_document (own->webhook);
  call->document->revision = revision;
  if (revision == 0)
    weir_call_add_document (
        call, WEIR_WEBHOOKS_MAX, NULL, "There are %u webhooks already", answer_with_delivery);
  else
    weir_call_put_document (call, NULL, answer_with_delivery);
}

static void
keep (WeirCall *call)
{
  gboolean fresh = ((const Own *) call->own)->webhook->revision == 0;
  g_autoptr (WeirEvent) event =
      make_event (call, fresh ? WEIR_EVENT_WEBHOOK_CREATED : WEIR_EVENT_WEBHOOK_UPDATED);

  weir_store_append_event (call->api->store, event, told, call);
}

/* those that are too many at this moment are not told of either; the store is who decides */
static void
counted (WeirCall *call)
{
  if (call->rows->len >= WEIR_WEBHOOKS_MAX)
    weir_call_fail (call, 400, WEIR_API_INVALID, "There are 100 webhooks already", NULL);
  else
    keep (call);
}

/* with a webhook that is to be new */
static void
create (WeirCall *call)
{
  WeirWebhook *webhook = ((Own *) call->own)->webhook;

  if (!read_call (call))
    return;
  if (webhook->secret == NULL)
    webhook->secret = weir_random_hex (32);
  weir_call_list_documents (call, WEIR_DOCUMENT_WEBHOOK, NULL, counted);
}

static void
post_webhook (WeirCall *call)
{
  call->id = weir_random_hex (ID_SIZE / 2);
  add_own (call, FALSE)->webhook = weir_webhook_new (call->account, call->id);
  create (call);
}

/* Returns: FALSE when it was answered with a failure; else there is the call's webhook */
static gboolean
take_webhook (WeirCall *call)
{
  Own *own = call->own;

  own->webhook = weir_webhook_from_document (call->document);
  if (own->webhook == NULL) {
    weir_call_fail_as_missing (call);
    return FALSE;
  }
  own->was_enabled = own->webhook->enabled;
  return TRUE;
}

static void
got_to_show (WeirCall *call)
{
  if (take_webhook (call))
    answer_with_delivery (call);
}

static void
got_to_change (WeirCall *call)
{
  if (take_webhook (call) && read_call (call))
    keep (call);
}

/* PUT of the hosted product's only one makes it when it is not there */
static void
got_to_set (WeirCall *call)
{
  Own *own = call->own;

  if (call->document != NULL)
    own->webhook = weir_webhook_from_document (call->document);
  if (own->webhook != NULL) {
    own->was_enabled = own->webhook->enabled;
    if (read_call (call))
      keep (call);
    return;
  }
  own->webhook = weir_webhook_new (call->account, call->id);
  own->webhook->format = WEIR_WEBHOOK_HOSTED;
  own->webhook->events = g_strsplit (WEIR_EVENT_RECORDING_READY, ",", -1);
  create (call);
}

static void
deleted (WeirCall *call)
{
  if (call->api->events != NULL)
    weir_events_emit (call->api->events, make_event (call, WEIR_EVENT_WEBHOOK_DELETED));
  weir_call_succeed (call, "\"\"");
}

static void
got_to_delete (WeirCall *call)
{
  if (take_webhook (call))
    weir_call_delete_document (call, WEIR_DOCUMENT_WEBHOOK, call->id, deleted);
}

static void
begin (WeirCall *call, WeirCallStep got)
{
  add_own (call, FALSE);
  weir_call_get_document (call, WEIR_DOCUMENT_WEBHOOK, call->id, got);
}

static void
begin_hosted (WeirCall *call)
{
  add_own (call, TRUE);
  call->id = make_hosted_id (call->account);
}

static void
get_webhook (WeirCall *call)
{
  begin (call, got_to_show);
}

static void
put_webhook (WeirCall *call)
{
  begin (call, got_to_change);
}

static void
delete_webhook (WeirCall *call)
{
  begin (call, got_to_delete);
}

static void
get_hosted (WeirCall *call)
{
  begin_hosted (call);
  weir_call_get_document (call, WEIR_DOCUMENT_WEBHOOK, call->id, got_to_show);
}

static void
put_hosted (WeirCall *call)
{
  begin_hosted (call);
  weir_call_find_document (call, WEIR_DOCUMENT_WEBHOOK, call->id, got_to_set);
}

static void
delete_hosted (WeirCall *call)
{
  begin_hosted (call);
  weir_call_get_document (call, WEIR_DOCUMENT_WEBHOOK, call->id, got_to_delete);
}

/* lists */

static void
listed_deliveries (WeirCall *call)
{
  const GPtrArray *documents = ((const Own *) call->own)->documents;
  g_autoptr (GHashTable) by_id = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) json = g_string_new (NULL);

  for (guint i = 0; i < call->rows->len; i++) {
    WeirDocument *document = call->rows->pdata[i];

    g_hash_table_insert (by_id, document->id, document);
  }
  weir_json_begin_array (json, NULL);
  for (guint i = 0; i < documents->len; i++) {
    g_autoptr (WeirWebhook) webhook = weir_webhook_from_document (documents->pdata[i]);

    if (webhook != NULL)
      add_webhook (json, webhook, g_hash_table_lookup (by_id, webhook->id));
  }
  weir_json_end_array (json);
  weir_call_succeed (call, json->str);
}

static void
listed (WeirCall *call)
{
  ((Own *) call->own)->documents = g_steal_pointer (&call->rows);
  weir_call_list_documents (call, WEIR_DOCUMENT_DELIVERY, NULL, listed_deliveries);
}

static void
list_webhooks (WeirCall *call)
{
  add_own (call, FALSE);
  weir_call_list_documents (call, WEIR_DOCUMENT_WEBHOOK, NULL, listed);
}

void
weir_api_webhooks_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  /* secrets are shown, with which deliveries could be forged: so even to look needs WRITE */
  static const WeirCallRoute routes[] = {
      {"GET", WEIR_API_STREAM "/webhooks", WEIR_ACCESS_WRITE, list_webhooks},
      {"POST", WEIR_API_STREAM "/webhooks", WEIR_ACCESS_WRITE, post_webhook},
      {"GET", WEIR_API_STREAM "/webhooks/{id}", WEIR_ACCESS_WRITE, get_webhook},
      {"PUT", WEIR_API_STREAM "/webhooks/{id}", WEIR_ACCESS_WRITE, put_webhook},
      {"DELETE", WEIR_API_STREAM "/webhooks/{id}", WEIR_ACCESS_WRITE, delete_webhook},
      {"GET", WEIR_API_STREAM "/webhook", WEIR_ACCESS_WRITE, get_hosted},
      {"PUT", WEIR_API_STREAM "/webhook", WEIR_ACCESS_WRITE, put_hosted},
      {"DELETE", WEIR_API_STREAM "/webhook", WEIR_ACCESS_WRITE, delete_hosted},
  };

  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
