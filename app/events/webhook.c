/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/webhook.h"

#include "api/json.h"

#include <string.h>

#define DELAY_FIRST_US ((gint64) G_USEC_PER_SEC)
#define DELAY_LAST_US (300 * (gint64) G_USEC_PER_SEC)

static const gchar *const all_but_segments[] = {WEIR_EVENT_SEGMENT_COMMITTED, NULL};
/* what the hosted product tells of */
static const gchar *const hosted_events[] = {WEIR_EVENT_INPUT_CONNECTED,
    WEIR_EVENT_INPUT_DISCONNECTED, WEIR_EVENT_INPUT_ERRORED, WEIR_EVENT_RECORDING_READY, NULL};

WeirWebhook *
weir_webhook_new (const gchar *account, const gchar *id)
{
  WeirWebhook *self = g_new0 (WeirWebhook, 1);

  self->account = g_strdup (account);
  self->id = g_strdup (id);
  self->enabled = TRUE;
  return self;
}

void
weir_webhook_free (WeirWebhook *self)
{
  g_free (self->id);
  g_free (self->account);
  g_free (self->url);
  g_free (self->secret);
  g_strfreev (self->events);
  g_free (self);
}

const gchar *
weir_webhook_format_get_name (WeirWebhookFormat format)
{
  return format == WEIR_WEBHOOK_HOSTED ? "hosted" : "weir";
}

static const gchar *
get_string (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                 json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gint64
get_int (JsonObject *object, const gchar *name)
{
  return json_object_get_int_member_with_default (object, name, 0);
}

static GStrv
get_strings (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);
  g_autoptr (GStrvBuilder) builder = NULL;
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;
  builder = g_strv_builder_new ();
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    const gchar *text = json_array_get_string_element (array, i);

    if (text != NULL)
      g_strv_builder_add (builder, text);
  }
  return g_strv_builder_end (builder);
}

WeirWebhook *
weir_webhook_from_document (const WeirDocument *document)
{
  g_autoptr (JsonNode) root = json_from_string (document->json, NULL);
  g_autoptr (WeirWebhook) self = NULL;
  JsonObject *object;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  object = json_node_get_object (root);
  if (get_string (object, "url") == NULL || get_string (object, "secret") == NULL)
    return NULL;
  self = weir_webhook_new (document->account, document->id);
  self->url = g_strdup (get_string (object, "url"));
  self->secret = g_strdup (get_string (object, "secret"));
  self->events = get_strings (object, "events");
  self->format = g_strcmp0 (get_string (object, "format"), "hosted") == 0 ? WEIR_WEBHOOK_HOSTED
                                                                          : WEIR_WEBHOOK_WEIR;
  self->enabled = json_object_get_boolean_member_with_default (object, "enabled", TRUE);
  self->since = (guint64) get_int (object, "since");
  self->created_us = document->created_us;
  self->modified_us = document->modified_us;
  self->revision = document->revision;
  return g_steal_pointer (&self);
}

WeirDocument *
weir_webhook_to_document (const WeirWebhook *self)
{
  WeirDocument *document = weir_document_new (WEIR_DOCUMENT_WEBHOOK, self->account, self->id);
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "url", self->url);
  weir_json_add_string (json, "secret", self->secret);
  if (self->events != NULL) {
    weir_json_begin_array (json, "events");
    for (guint i = 0; self->events[i] != NULL; i++)
      weir_json_add_string (json, NULL, self->events[i]);
    weir_json_end_array (json);
  }
  weir_json_add_string (json, "format", weir_webhook_format_get_name (self->format));
  weir_json_add_boolean (json, "enabled", self->enabled);
  weir_json_add_int (json, "since", (gint64) self->since);
  weir_json_end_object (json);
  g_free (document->json);
  document->json = g_string_free (g_steal_pointer (&json), FALSE);
  document->created_us = self->created_us;
  document->modified_us = self->modified_us;
  return document;
}

gboolean
weir_webhook_wants (const WeirWebhook *self, const gchar *type)
{
  if (self->format == WEIR_WEBHOOK_HOSTED && !weir_event_type_matches (type, hosted_events))
    return FALSE;
  if (self->events != NULL)
    return weir_event_type_matches (type, (const gchar *const *) self->events);
  return !weir_event_type_matches (type, all_but_segments);
}

/* addresses */

static gboolean
set_invalid (GError **error, const gchar *message)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

gboolean
weir_webhook_check_url (const gchar *url, const WeirEgress *egress, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GInetAddress) address = NULL;
  gint port;

  if (strlen (url) > WEIR_WEBHOOK_URL_MAX)
    return set_invalid (error, "is longer than 2048 bytes");
  for (const gchar *c = url; *c != '\0'; c++) {
    if ((guchar) *c <= 0x20 || (guchar) *c >= 0x7f)
      return set_invalid (error, "must not hold blanks, control or non-ASCII characters");
  }
  uri = g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' ||
      !g_strv_contains ((const gchar *const[]){"http", "https", NULL}, g_uri_get_scheme (uri)))
    return set_invalid (error, "must be an address such as https://example.org/hook");
  if (g_uri_get_fragment (uri) != NULL)
    return set_invalid (error, "must not have a fragment");
  if (g_uri_get_userinfo (uri) != NULL)
    return set_invalid (error, "must not have a user name or password in front of the host");
  port = g_uri_get_port (uri);
  if (port == 0)
    return set_invalid (error, "must not have port 0");
  address = g_inet_address_new_from_string (g_uri_get_host (uri));
  return address == NULL || egress == NULL ||
         weir_egress_check (egress, address, (guint16) port, error);
}

gchar *
weir_webhook_mask_url (const gchar *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);
  const gchar *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  gboolean numeric = host != NULL && strchr (host, ':') != NULL;
  g_autofree gchar *port = NULL;

  if (host == NULL)
    return g_strdup ("?");
  port = g_uri_get_port (uri) >= 0 ? g_strdup_printf (":%d", g_uri_get_port (uri)) : g_strdup ("");
  return g_strdup_printf (
      "%s://%s%s%s%s", g_uri_get_scheme (uri), numeric ? "[" : "", host, numeric ? "]" : "", port);
}

/* signatures */

gchar *
weir_webhook_sign (const gchar *secret, gint64 seconds, const gchar *body)
{
  g_autofree gchar *signed_text = g_strdup_printf ("%" G_GINT64_FORMAT ".%s", seconds, body);

  return g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) secret, strlen (secret),
      signed_text, (gssize) strlen (signed_text));
}

static void
add_header (GStrvBuilder *builder, const gchar *name, gchar *value)
{
  g_strv_builder_add (builder, name);
  g_strv_builder_add (builder, value);
  g_free (value);
}

GStrv
weir_webhook_make_headers (
    const WeirWebhook *self, const gchar *type, guint64 sequence, gint64 seconds, const gchar *body)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree gchar *signature = weir_webhook_sign (self->secret, seconds, body);

  if (self->format == WEIR_WEBHOOK_HOSTED && strcmp (type, WEIR_EVENT_RECORDING_READY) == 0) {
    add_header (builder, "Webhook-Signature",
        g_strdup_printf ("time=%" G_GINT64_FORMAT ",sig1=%s", seconds, signature));
  } else if (self->format == WEIR_WEBHOOK_HOSTED) {
    add_header (builder, "cf-webhook-auth", g_strdup (self->secret));
  } else {
    add_header (builder, "Weir-Signature",
        g_strdup_printf ("t=%" G_GINT64_FORMAT ",v1=%s", seconds, signature));
    add_header (builder, "Weir-Event", g_strdup (type));
    add_header (builder, "Weir-Sequence", g_strdup_printf ("%" G_GUINT64_FORMAT, sequence));
  }
  return g_strv_builder_end (builder);
}

/* bodies */

static const gchar *
get_data (JsonObject *data, const gchar *name)
{
  const gchar *text = data != NULL ? get_string (data, name) : NULL;

  return text != NULL ? text : "";
}

static void
add_hosted_error (GString *json, JsonObject *data)
{
  weir_json_begin_object (json, "live_input_errored");
  weir_json_begin_object (json, "error");
  weir_json_add_string (json, "code", get_data (data, "vendorCode"));
  weir_json_add_string (json, "message", get_data (data, "message"));
  weir_json_end_object (json);
  weir_json_add_string (json, "video_codec", get_data (data, "videoCodec"));
  weir_json_add_string (json, "audio_codec", get_data (data, "audioCodec"));
  weir_json_end_object (json);
}

/* what people read in a chat */
static gchar *
make_hosted_text (const WeirEvent *event, const gchar *time, JsonObject *data)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
      "Notification type: Stream Live Input\nInput ID: %s\nEvent type: %s\nUpdated at: %s",
      event->input != NULL ? event->input : "", event->type, time);
  if (strcmp (event->type, WEIR_EVENT_INPUT_ERRORED) == 0)
    g_string_append_printf (text,
        "\nError Code: %s\nError Message: %s\nVideo Codec: %s\nAudio Codec: %s",
        get_data (data, "vendorCode"), get_data (data, "message"), get_data (data, "videoCodec"),
        get_data (data, "audioCodec"));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gchar *
make_hosted_live (const WeirEvent *event)
{
  g_autoptr (JsonNode) parsed = json_from_string (event->data, NULL);
  JsonObject *data =
      parsed != NULL && JSON_NODE_HOLDS_OBJECT (parsed) ? json_node_get_object (parsed) : NULL;
  g_autofree gchar *time = weir_json_format_time (event->time_us);
  g_autofree gchar *text = make_hosted_text (event, time, data);
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "name", "Weir");
  weir_json_add_string (json, "text", text);
  weir_json_begin_object (json, "data");
  weir_json_add_string (json, "notification_name", "Stream Live Input");
  weir_json_add_string (json, "input_id", event->input);
  weir_json_add_string (json, "event_type", event->type);
  weir_json_add_string (json, "updated_at", time);
  if (strcmp (event->type, WEIR_EVENT_INPUT_ERRORED) == 0)
    add_hosted_error (json, data);
  weir_json_end_object (json);
  weir_json_add_int (json, "ts", event->time_us / G_USEC_PER_SEC);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

gchar *
weir_webhook_make_body (const WeirWebhook *self, const WeirEvent *event, const gchar *recording)
{
  if (self->format == WEIR_WEBHOOK_WEIR)
    return weir_event_to_json (event);
  if (strcmp (event->type, WEIR_EVENT_RECORDING_READY) == 0)
    return g_strdup (recording);
  return make_hosted_live (event);
}

/* deliveries */

gint64
weir_webhook_get_delay (guint attempts, gdouble random)
{
  guint doublings = MIN (MAX (attempts, 1) - 1, 10);
  gint64 delay = MIN (DELAY_FIRST_US << doublings, DELAY_LAST_US);

  return delay - (gint64) ((gdouble) delay / 2 * random);
}

void
weir_delivery_clear (WeirDelivery *self)
{
  g_free (self->last_error);
  *self = (WeirDelivery){0};
}

void
weir_delivery_from_json (WeirDelivery *self, const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *object;

  weir_delivery_clear (self);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  self->cursor = (guint64) get_int (object, "cursor");
  self->delivered = (guint64) get_int (object, "delivered");
  self->given_up = (guint64) get_int (object, "givenUp");
  self->attempts = (guint) get_int (object, "attempts");
  self->first_attempt_us = get_int (object, "firstAttempt");
  self->next_attempt_us = get_int (object, "nextAttempt");
  self->last_success_us = get_int (object, "lastSuccess");
  self->last_failure_us = get_int (object, "lastFailure");
  self->last_error = g_strdup (get_string (object, "lastError"));
}

gchar *
weir_delivery_to_json (const WeirDelivery *self)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_int (json, "cursor", (gint64) self->cursor);
  weir_json_add_int (json, "delivered", (gint64) self->delivered);
  weir_json_add_int (json, "givenUp", (gint64) self->given_up);
  weir_json_add_int (json, "attempts", self->attempts);
  weir_json_add_int (json, "firstAttempt", self->first_attempt_us);
  weir_json_add_int (json, "nextAttempt", self->next_attempt_us);
  weir_json_add_int (json, "lastSuccess", self->last_success_us);
  weir_json_add_int (json, "lastFailure", self->last_failure_us);
  weir_json_add_string (json, "lastError", self->last_error);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static void
go_on (WeirDelivery *self, guint64 sequence)
{
  self->cursor = sequence;
  self->attempts = 0;
  self->first_attempt_us = self->next_attempt_us = 0;
}

void
weir_delivery_succeed (WeirDelivery *self, guint64 sequence, gint64 now_us)
{
  self->delivered++;
  self->last_success_us = now_us;
  go_on (self, sequence);
}

gboolean
weir_delivery_fail (
    WeirDelivery *self, guint64 sequence, const gchar *reason, gint64 now_us, gdouble random)
{
  g_free (self->last_error);
  self->last_error = g_strdup (reason);
  self->last_failure_us = now_us;
  if (self->attempts++ == 0)
    self->first_attempt_us = now_us;
  if (now_us - self->first_attempt_us >= WEIR_WEBHOOK_GIVE_UP_US) {
    self->given_up++;
    go_on (self, sequence);
    return TRUE;
  }
  self->next_attempt_us = now_us + weir_webhook_get_delay (self->attempts, random);
  return FALSE;
}
