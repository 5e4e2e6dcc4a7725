/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/tokens.h"

#include "api/envelope.h"
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
  self->rules = json_to_string (node, FALSE);
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
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "sub", subject);
  weir_api_add_string (builder, "kid", kid);
  weir_api_add_int (builder, "exp", self->exp);
  weir_api_add_int (builder, "nbf", self->nbf);
  if (self->downloadable >= 0)
    weir_api_add_boolean (builder, "downloadable", self->downloadable);
  if (self->rules != NULL)
    weir_api_add_json (builder, "accessRules", self->rules);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* ---- the call ---- */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *uid; /* of what is to be seen */
  gchar *kid;
  WeirViewerToken token;
  WeirKey key;
  gchar *claims;
  gboolean again; /* the own key was made meanwhile */
} Call;

static void
call_free (Call *call)
{
  weir_viewer_token_clear (&call->token);
  weir_key_clear (&call->key);
  g_free (call->account);
  g_free (call->uid);
  g_free (call->kid);
  g_free (call->claims);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static gboolean
is_own (const Call *call)
{
  return call->token.pem == NULL;
}

/* what is wrong with a key that came with the request is said, what is wrong with ours is not */
static void
fail_for_key (Call *call, const GError *error)
{
  g_autofree gchar *message = NULL;

  if (is_own (call)) {
    g_warning ("Signing key %s: %s", call->kid, error->message);
    weir_api_fail (call->request, 500, WEIR_API_INTERNAL, "Internal error", NULL);
    return;
  }
  g_info ("Signing key %s: %s", call->kid, error->message);
  message =
      g_strdup_printf ("pem %s", error->code == G_IO_ERROR_FAILED ? "cannot sign" : error->message);
  weir_api_fail (call->request, 400, WEIR_API_INVALID, message, "/pem");
}

/* ---- third: it is signed ---- */

static void
sign_in_thread (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  const Call *call = data;
  GError *error = NULL;
  gchar *token = weir_signing_sign (is_own (call) ? call->key.private_key : call->token.pem,
      call->key.public_key, call->kid, call->claims, &error);

  if (token != NULL)
    g_task_return_pointer (task, token, g_free);
  else
    g_task_return_error (task, error);
}

static void
token_signed (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *token = g_task_propagate_pointer (G_TASK (result), &error);
  g_autoptr (JsonBuilder) builder = NULL;

  if (token == NULL) {
    fail_for_key (call, error);
    return;
  }
  if (strlen (token) > TOKEN_SIZE_MAX) {
    weir_api_fail (call->request, 400, WEIR_API_INVALID, "The token would be too long for a URL",
        "/accessRules");
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "token", token);
  json_builder_end_object (builder);
  weir_api_succeed_with (call->request, json_builder_get_root (builder), WEIR_API_NO_EFFECT,
      "Tokens are issued, but nothing asks for them yet");
}

/* @call: (transfer full): its key is known */
static void
sign (WeirStore *store, Call *call)
{
  g_autoptr (GTask) task = g_task_new (store, NULL, token_signed, call);

  call->claims = weir_viewer_token_make_claims (&call->token, call->uid, call->kid);
  g_task_set_source_tag (task, sign);
  g_task_set_task_data (task, call, NULL);
  g_task_run_in_thread (task, sign_in_thread);
}

/* ---- second: the key ---- */

static void got_key (GObject *source, GAsyncResult *result, gpointer user_data);

static void
own_key_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;

  if (weir_store_put_document_finish (store, result, &error) > 0) {
    sign (store, g_steal_pointer (&call));
    return;
  }
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS) || call->again) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  call->again = TRUE;
  weir_key_clear (&call->key);
  weir_store_get_document (store, WEIR_DOCUMENT_SIGNING_KEY, call->kid, got_key, call);
  g_steal_pointer (&call);
}

static void
own_key_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *private_key = NULL;
  g_autoptr (WeirDocument) document = weir_key_make_finish (result, &private_key, &error);

  if (document == NULL) {
    fail_for_key (call, error);
    return;
  }
  weir_key_from_document (&call->key, document);
  weir_store_put_document (WEIR_STORE (source), document, 0, own_key_stored, call);
  g_steal_pointer (&call);
}

static void
got_key (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document = weir_store_get_document_finish (store, result, &error);

  if (document == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  if (document == NULL && is_own (call)) {
    weir_key_make (store, call->account, call->kid, TRUE, own_key_made, call);
    g_steal_pointer (&call);
    return;
  }
  if (document == NULL || strcmp (document->account, call->account) != 0) {
    weir_api_fail (
        call->request, 400, WEIR_API_INVALID, "The account has no signing key of this id", "/id");
    return;
  }
  if (!weir_key_from_document (&call->key, document) ||
      (is_own (call) && call->key.private_key == NULL)) {
    g_warning ("Signing key %s is damaged", call->kid);
    weir_api_fail (call->request, 500, WEIR_API_INTERNAL, "Internal error", NULL);
    return;
  }
  sign (store, g_steal_pointer (&call));
}

/* ---- first: what is to be seen ---- */

/* @call: (transfer full); @account: (nullable): whose it is, NULL with @error */
static void
find_key (WeirStore *store, Call *call, const gchar *account, const GError *error)
{
  g_autoptr (Call) owned = call;

  if (account == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  if (strcmp (account, call->account) != 0) {
    weir_api_fail_as_missing (call->request);
    return;
  }
  weir_store_get_document (store, WEIR_DOCUMENT_SIGNING_KEY, call->kid, got_key, call);
  g_steal_pointer (&owned);
}

static void
got_input (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input = weir_store_get_input_finish (store, result, &error);

  find_key (store, user_data, input != NULL ? input->account : NULL, error);
}

static void
got_broadcast (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record = weir_store_get_broadcast_finish (store, result, &error);

  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    weir_store_get_input (store, call->uid, got_input, call);
  else
    find_key (store, call, record != NULL ? record->account : NULL, error);
}

static void
create (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_auto (WeirFault) fault = {0};
  g_auto (WeirViewerToken) token = {0};
  g_autoptr (JsonNode) root = NULL;
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  root = weir_fields_parse (
      weir_http_request_get_body (request), self->config->limits.json_depth, &fault);
  if (root == NULL ||
      !weir_viewer_token_read (&token, root, g_get_real_time () / G_USEC_PER_SEC, &fault)) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  call = g_new0 (Call, 1);
  call->api = self;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->uid = g_strdup (weir_route_parameters_get (parameters, "id"));
  call->kid = token.id != NULL ? g_strdup (token.id) : weir_key_make_own_id (call->account);
  call->token = token;
  token = (WeirViewerToken){0};
  weir_store_get_broadcast (self->store, call->uid, got_broadcast, call);
}

void
weir_tokens_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  weir_http_router_add (router, "POST", WEIR_API_STREAM "/{id}/token", create, self, NULL);
}
