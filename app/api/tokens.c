/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/tokens.h"

#include "api/call.h"
#include "api/keys.h"
#include "auth/signing.h"

#include <string.h>

#define HOUR 3600
#define LATEST G_GINT64_CONSTANT (253402300799) /* end of 9999; milliseconds are beyond it */
#define ID_SIZE_MAX 64
#define PEM_SIZE_MIN 64
#define RULES_MAX 20
#define ADDRESSES_MAX 100
#define ADDRESS_SIZE_MAX 64
/* it becomes part of a URL */
#define TOKEN_SIZE_MAX 4096

/* ---- what is asked for ---- */

void
weir_viewer_token_clear (WeirViewerToken *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->pem, g_free);
  g_clear_pointer (&self->rules, g_free);
}

static gboolean
read_id (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_string (
      node, pointer, 1, ID_SIZE_MAX, &((WeirViewerToken *) data)->id, fault);
}

/* in base64, as it was told; PEM by itself is taken as well */
static gboolean
read_pem (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirViewerToken *self = data;
  g_autofree gchar *text = NULL;
  gsize size;

  if (!weir_field_read_string (node, pointer, PEM_SIZE_MIN, WEIR_SIGNING_PEM_MAX, &text, fault))
    return FALSE;
  if (!g_str_has_prefix (text, "-----")) {
    g_base64_decode_inplace (text, &size);
    text[size] = '\0';
  }
  g_free (self->pem);
  self->pem = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
read_exp (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_number (node, pointer, 1, LATEST, &((WeirViewerToken *) data)->exp, fault);
}

static gboolean
read_nbf (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_number (node, pointer, 1, LATEST, &((WeirViewerToken *) data)->nbf, fault);
}

static gboolean
read_downloadable (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (node, pointer, &((WeirViewerToken *) data)->downloadable, fault);
}

typedef struct {
  gboolean type, action, by_address, addresses;
} Rule;

static gboolean
read_type (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const gchar *const types[] = {"any", "ip.src", "ip.geoip.country", NULL};
  guint type;

  if (!weir_field_read_choice (node, pointer, types, &type, fault))
    return FALSE;
  if (type == 2)
    return weir_fault_refuse_as_missing (fault, pointer, "Weir does not know countries");
  ((Rule *) data)->type = TRUE;
  ((Rule *) data)->by_address = type == 1;
  return TRUE;
}

static gboolean
read_action (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const gchar *const actions[] = {"allow", "block", NULL};
  guint action;

  if (!weir_field_read_choice (node, pointer, actions, &action, fault))
    return FALSE;
  ((Rule *) data)->action = TRUE;
  return TRUE;
}

static gboolean
read_addresses (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  g_autofree gchar *text = NULL;
  JsonArray *array;

  if (!weir_field_read_strings (node, pointer, ADDRESSES_MAX, ADDRESS_SIZE_MAX, &text, fault))
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    g_autoptr (GInetAddressMask) mask =
        g_inet_address_mask_new_from_string (json_array_get_string_element (array, i), NULL);
    g_autofree gchar *at = g_strdup_printf ("%s/%u", pointer, i);

    if (mask == NULL)
      return weir_fault_refuse (
          fault, at, "must be an address, or a network like 192.0.2.0/24 or 2001:db8::/32");
  }
  ((Rule *) data)->addresses = json_array_get_length (array) > 0;
  return TRUE;
}

static gboolean
read_rule (JsonNode *node, const gchar *pointer, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"type", read_type, NULL},
      {"action", read_action, NULL},
      {"ip", read_addresses, NULL},
      {"country", NULL, "Weir does not know countries"},
      {NULL, NULL, NULL},
  };
  Rule rule = {0};

  if (!weir_fields_read (node, pointer, fields, "a rule", &rule, fault))
    return FALSE;
  if (!rule.type || !rule.action)
    return weir_fault_refuse (fault, pointer, "needs a type and an action");
  if (rule.by_address != rule.addresses)
    return weir_fault_refuse (
        fault, pointer, "has a list of addresses, ip, if its type is ip.src, and only then");
  return TRUE;
}

static gboolean
read_rules (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirViewerToken *self = data;
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return weir_fault_refuse (fault, pointer, "must be a list of rules");
  array = json_node_get_array (node);
  if (json_array_get_length (array) > RULES_MAX)
    return weir_fault_set (
        fault, 400, WEIR_API_INVALID, pointer, "has more than %u entries", RULES_MAX);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    g_autofree gchar *at = g_strdup_printf ("%s/%u", pointer, i);

    if (!read_rule (json_array_get_element (array, i), at, fault))
      return FALSE;
  }
  g_free (self->rules);
  self->rules = weir_json_from_node (node);
  return TRUE;
}

gboolean
weir_viewer_token_read (WeirViewerToken *self, JsonNode *root, gint64 now, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"id", read_id, NULL},
      {"pem", read_pem, NULL},
      {"exp", read_exp, NULL},
      {"nbf", read_nbf, NULL},
      {"downloadable", read_downloadable, NULL},
      {"accessRules", read_rules, NULL},
      {"flags", NULL, "Tokens have no flags"},
      {NULL, NULL, NULL},
  };

  self->downloadable = -1;
  if (!weir_fields_read (root, "", fields, "a token", self, fault))
    return FALSE;
  if ((self->id == NULL) != (self->pem == NULL))
    return weir_fault_refuse (
        fault, self->id == NULL ? "/id" : "/pem", "is needed: id and pem are of one key");
  if (self->exp == 0)
    self->exp = now + HOUR;
  if (self->exp <= now)
    return weir_fault_refuse (fault, "/exp", "must be later than now");
  if (self->nbf == 0)
    self->nbf = now - HOUR;
  if (self->nbf >= self->exp)
    return weir_fault_refuse (fault, "/nbf", "must be before exp");
  return TRUE;
}

gchar *
weir_viewer_token_make_claims (const WeirViewerToken *self, const gchar *subject, const gchar *kid)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "sub", subject);
  weir_json_add_string (json, "kid", kid);
  weir_json_add_int (json, "exp", self->exp);
  weir_json_add_int (json, "nbf", self->nbf);
  if (self->downloadable >= 0)
    weir_json_add_boolean (json, "downloadable", self->downloadable);
  if (self->rules != NULL)
    weir_json_add_text (json, "accessRules", self->rules);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

/* ---- the call ---- */

/* what steps share; the call's id is of what is to be seen */
typedef struct {
  gchar *kid;
  WeirViewerToken token;
  WeirKey key;
  gchar *claims;
} Own;

static void
own_free (gpointer data)
{
  Own *self = data;

  weir_viewer_token_clear (&self->token);
  weir_key_clear (&self->key);
  g_free (self->kid);
  g_free (self->claims);
  g_free (self);
}

static gboolean
is_own (const Own *own)
{
  return own->token.pem == NULL;
}

/* what is wrong with a key that came with the request is said, what is wrong with ours is not */
static void
fail_for_key (WeirCall *call, const GError *error)
{
  const Own *own = call->own;
  g_autofree gchar *message = NULL;

  if (is_own (own)) {
    g_warning ("Signing key %s: %s", own->kid, error->message);
    weir_call_fail (call, 500, WEIR_API_INTERNAL, "Internal error", NULL);
    return;
  }
  g_info ("Signing key %s: %s", own->kid, error->message);
  message =
      g_strdup_printf ("pem %s", error->code == G_IO_ERROR_FAILED ? "cannot sign" : error->message);
  weir_call_fail (call, 400, WEIR_API_INVALID, message, "/pem");
}

/* ---- third: it is signed ---- */

static void
sign_in_thread (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  const Own *own = data;
  GError *error = NULL;
  gchar *token = weir_signing_sign (is_own (own) ? own->key.private_key : own->token.pem,
      own->key.public_key, own->kid, own->claims, &error);

  if (token != NULL)
    g_task_return_pointer (task, token, g_free);
  else
    g_task_return_error (task, error);
}

static void
token_signed (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *token = g_task_propagate_pointer (G_TASK (result), &error);
  g_autoptr (GString) json = g_string_new (NULL);

  if (token == NULL) {
    fail_for_key (call, error);
    return;
  }
  if (strlen (token) > TOKEN_SIZE_MAX) {
    weir_call_fail (
        call, 400, WEIR_API_INVALID, "The token would be too long for a URL", "/accessRules");
    return;
  }
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "token", token);
  weir_json_end_object (json);
  weir_call_add_message (
      call, WEIR_API_NO_EFFECT, "Tokens are issued, but nothing asks for them yet");
  weir_call_succeed (call, json->str);
}

/* its key is known */
static void
sign (WeirCall *call)
{
  Own *own = call->own;
  g_autoptr (GTask) task = g_task_new (call->api->store, NULL, token_signed, call);

  own->claims = weir_viewer_token_make_claims (&own->token, call->id, own->kid);
  g_task_set_source_tag (task, sign);
  g_task_set_task_data (task, own, NULL);
  g_task_run_in_thread (task, sign_in_thread);
}

/* ---- second: the key ---- */

static void find_key (WeirCall *call);

static void
own_key_made (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  Own *own = call->own;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *private_key = NULL;

  call->document = weir_key_make_finish (result, &private_key, &error);
  if (call->document == NULL) {
    fail_for_key (call, error);
    return;
  }
  weir_key_from_document (&own->key, call->document);
  /* it may have been made by another call meanwhile */
  weir_api_add_document (
      call->api, call->document, 0, weir_call_done, weir_call_then (call, find_key, sign));
}

static void
got_key (WeirCall *call)
{
  Own *own = call->own;

  if (call->document == NULL && is_own (own)) {
    weir_key_make (call->api->store, call->account, own->kid, TRUE, own_key_made, call);
    return;
  }
  if (call->document == NULL || strcmp (call->document->account, call->account) != 0) {
    weir_call_fail (
        call, 400, WEIR_API_INVALID, "The account has no signing key of this id", "/id");
    return;
  }
  weir_key_clear (&own->key);
  if (!weir_key_from_document (&own->key, call->document) ||
      (is_own (own) && own->key.private_key == NULL)) {
    g_warning ("Signing key %s is damaged", own->kid);
    weir_call_fail (call, 500, WEIR_API_INTERNAL, "Internal error", NULL);
    return;
  }
  sign (call);
}

static void
find_key (WeirCall *call)
{
  weir_call_find_document (
      call, WEIR_DOCUMENT_SIGNING_KEY, ((const Own *) call->own)->kid, got_key);
}

/* ---- first: what is to be seen ---- */

static void
got_record (WeirCall *call)
{
  if (call->record == NULL)
    weir_call_get_input (call, call->id, find_key);
  else if (strcmp (call->record->account, call->account) != 0)
    weir_call_fail_as_missing (call);
  else
    find_key (call);
}

static void
create (WeirCall *call)
{
  Own *own = g_new0 (Own, 1);
  g_auto (WeirFault) fault = {0};
  g_autoptr (JsonNode) root = weir_call_parse (call, &fault);

  weir_call_set_own (call, own, own_free);
  if (root == NULL ||
      !weir_viewer_token_read (&own->token, root, g_get_real_time () / G_USEC_PER_SEC, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  own->kid =
      own->token.id != NULL ? g_strdup (own->token.id) : weir_key_make_own_id (call->account);
  weir_call_find_record (call, call->id, got_record);
}

void
weir_tokens_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"POST", WEIR_API_STREAM "/{id}/token", WEIR_ACCESS_WRITE, create},
  };

  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
