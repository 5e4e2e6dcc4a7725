/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/accounts.h"

#include "api/envelope.h"
#include "api/fields.h"

#include <string.h>

#define NAME_SIZE_MAX 120
#define HOME_NAME "Home"

/* ---- what the API says ---- */

/* Returns: (transfer full): the member @name of a document's JSON, "" when there is none */
static gchar *
get_member (const WeirDocument *document, const gchar *name)
{
  g_autoptr (JsonNode) root = json_from_string (document->json, NULL);

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return g_strdup ("");
  return g_strdup (
      json_object_get_string_member_with_default (json_node_get_object (root), name, ""));
}

/* @created_us: 0: not known */
static void
add_account (JsonBuilder *builder, const gchar *id, const gchar *name, gint64 created_us)
{
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "id", id);
  weir_api_add_string (builder, "name", name);
  weir_api_add_string (builder, "type", "standard");
  weir_api_add_time (builder, "created_on", created_us);
  json_builder_end_object (builder);
}

static void
add_account_document (JsonBuilder *builder, const WeirDocument *document)
{
  g_autofree gchar *name = get_member (document, "name");

  add_account (builder, document->id, name, document->created_us);
}

/* @value: (nullable): the token itself, told once */
static void
add_token (JsonBuilder *builder, const WeirDocument *document, const gchar *value)
{
  g_autofree gchar *name = get_member (document, "name");
  g_autofree gchar *access = get_member (document, "access");

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "id", document->id);
  weir_api_add_string (builder, "name", name);
  weir_api_add_string (builder, "status", "active");
  weir_api_add_string (builder, "access", access);
  weir_api_add_time (builder, "issued_on", document->created_us);
  weir_api_add_time (builder, "modified_on", document->modified_us);
  if (value != NULL)
    weir_api_add_string (builder, "value", value);
  json_builder_end_object (builder);
}

/* ---- calls ---- */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  WeirDocument *document; /* to be stored */
  gchar *value;           /* of a new token */
  gchar *id;
  guint step; /* of what is deleted one after the other */
  WeirApiPage page;
} Call;

static Call *
call_new (WeirApi *api, WeirHttpRequest *request, const WeirRouteParameters *parameters)
{
  Call *call = g_new0 (Call, 1);

  call->api = api;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->id = g_strdup (weir_route_parameters_get (parameters, "id"));
  return call;
}

static void
call_free (Call *call)
{
  g_clear_pointer (&call->document, weir_document_free);
  g_free (call->account);
  g_free (call->value);
  g_free (call->id);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static void
answer_deleted (const Call *call, const gchar *id)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "id", id);
  json_builder_end_object (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

/* ---- accounts ---- */

typedef struct {
  gchar *name, *id, *access;
} Wanted;

static void
wanted_clear (Wanted *self)
{
  g_free (self->name);
  g_free (self->id);
  g_free (self->access);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wanted, wanted_clear)

static gboolean
read_name (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_string (node, pointer, 1, NAME_SIZE_MAX, &((Wanted *) data)->name, fault);
}

static gboolean
read_id (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  if (!weir_field_is_string (node) || !weir_auth_is_account (json_node_get_string (node)))
    return weir_fault_refuse (
        fault, pointer, "must be 1 to 64 letters, digits, hyphens and underscores");
  return weir_field_read_string (node, pointer, 1, 64, &((Wanted *) data)->id, fault);
}

static gboolean
read_type (JsonNode *node, const gchar *pointer, G_GNUC_UNUSED gpointer data, WeirFault *fault)
{
  static const gchar *const types[] = {"standard", NULL};
  guint type;

  return weir_field_read_choice (node, pointer, types, &type, fault);
}

static gboolean
read_access (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const gchar *const kinds[] = {"read", "write", NULL};
  Wanted *wanted = data;
  guint kind;

  if (!weir_field_read_choice (node, pointer, kinds, &kind, fault))
    return FALSE;
  g_free (wanted->access);
  wanted->access = g_strdup (kinds[kind]);
  return TRUE;
}

/* Returns: FALSE when the request was answered */
static gboolean
read_body (WeirApi *self, WeirHttpRequest *request, const WeirField *fields, const gchar *what,
    Wanted *wanted)
{
  g_auto (WeirFault) fault = {0};
  g_autoptr (JsonNode) root = weir_fields_parse (
      weir_http_request_get_body (request), self->config->limits.json_depth, &fault);

  if (root != NULL && weir_fields_read (root, "", fields, what, wanted, &fault)) {
    if (wanted->name != NULL)
      return TRUE;
    weir_fault_refuse (&fault, "/name", "is needed");
  }
  weir_fault_answer (&fault, request, self->counters);
  return FALSE;
}

static gchar *
make_json (const gchar *name, const gchar *access)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "name", name);
  if (access != NULL)
    weir_api_add_string (builder, "access", access);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static WeirDocument *
make_document (WeirDocumentKind kind, const gchar *account, const gchar *id, const Wanted *wanted)
{
  WeirDocument *document = weir_document_new (kind, account, id);

  g_free (document->json);
  document->json = make_json (wanted->name, wanted->access);
  document->created_us = document->modified_us = g_get_real_time ();
  return document;
}

static void
stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonBuilder) builder = NULL;

  if (weir_store_put_document_finish (WEIR_STORE (source), result, &error) == 0) {
    if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS))
      weir_api_fail (call->request, 409, WEIR_API_CONFLICT, "This id is taken", "/id");
    else
      weir_api_fail_for_store (call->request, error);
    return;
  }
  /* it may be used as soon as it is told */
  weir_auth_add (call->api->auth, call->document);
  builder = json_builder_new ();
  if (call->document->kind == WEIR_DOCUMENT_TOKEN)
    add_token (builder, call->document, call->value);
  else
    add_account_document (builder, call->document);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
create_account (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  static const WeirField fields[] = {
      {"name", read_name, NULL},
      {"id", read_id, NULL},
      {"type", read_type, NULL},
      {"unit", NULL, "There are no units of accounts"},
      {NULL, NULL, NULL},
  };
  WeirApi *self = user_data;
  g_auto (Wanted) wanted = {0};
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR) ||
      !read_body (self, request, fields, "an account", &wanted))
    return;
  if (wanted.id == NULL)
    wanted.id = weir_random_hex (16);
  if (weir_auth_has_account (self->auth, wanted.id)) {
    weir_api_fail (request, 409, WEIR_API_CONFLICT, "This id is taken", "/id");
    return;
  }
  call = call_new (self, request, parameters);
  call->document = make_document (WEIR_DOCUMENT_ACCOUNT, "", wanted.id, &wanted);
  weir_store_put_document (self->store, call->document, 0, stored, call);
}

static void
accounts_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;

  if (documents == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  add_account (builder, weir_auth_get_account (call->api->auth), HOME_NAME, 0);
  for (guint i = 0; i < documents->len; i++)
    add_account_document (builder, documents->pdata[i]);
  json_builder_end_array (builder);
  weir_api_succeed_with_page (call->request, json_builder_get_root (builder), &call->page);
}

static void
list_accounts (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  WeirApiPage page;
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR) ||
      !weir_api_read_page (request, &page))
    return;
  call = call_new (self, request, parameters);
  call->page = page;
  weir_store_list_documents (self->store, WEIR_DOCUMENT_ACCOUNT, NULL, NULL, accounts_listed, call);
}

static void
account_got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;

  if (document == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  add_account_document (builder, document);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
get_account (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *account = weir_route_parameters_get (parameters, "account");
  g_autoptr (JsonBuilder) builder = NULL;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR))
    return;
  if (strcmp (account, weir_auth_get_account (self->auth)) != 0) {
    weir_store_get_document (self->store, WEIR_DOCUMENT_ACCOUNT, account, account_got,
        call_new (self, request, parameters));
    return;
  }
  builder = json_builder_new ();
  add_account (builder, account, HOME_NAME, 0);
  weir_api_succeed (request, json_builder_get_root (builder));
}

/* An account is deleted when nothing is its: inputs, recordings; then its tokens and signing keys
 * go, and last itself, so that none of them outlives it for an account of the same id. */
static const WeirDocumentKind credentials[] = {WEIR_DOCUMENT_TOKEN, WEIR_DOCUMENT_SIGNING_KEY};

static void
account_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_document_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_auth_remove (call->api->auth, WEIR_DOCUMENT_ACCOUNT, call->account);
  answer_deleted (call, call->account);
}

static void delete_next_credential (GObject *source, GAsyncResult *result, gpointer user_data);

static void
credentials_to_delete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents = weir_store_list_documents_finish (store, result, &error);

  if (documents == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  if (documents->len > 0) {
    g_free (call->id);
    call->id = g_strdup (((const WeirDocument *) documents->pdata[0])->id);
    weir_store_delete_document (
        store, credentials[call->step], call->id, delete_next_credential, call);
  } else if (++call->step < G_N_ELEMENTS (credentials)) {
    weir_store_list_documents (
        store, credentials[call->step], call->account, NULL, credentials_to_delete, call);
  } else {
    weir_store_delete_document (store, WEIR_DOCUMENT_ACCOUNT, call->account, account_deleted, call);
  }
  g_steal_pointer (&call);
}

static void
delete_next_credential (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_document_finish (store, result, &error) &&
      !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  if (credentials[call->step] == WEIR_DOCUMENT_TOKEN)
    weir_auth_remove (call->api->auth, WEIR_DOCUMENT_TOKEN, call->id);
  weir_store_list_documents (
      store, credentials[call->step], call->account, NULL, credentials_to_delete, call);
  g_steal_pointer (&call);
}

static void
broadcasts_counted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) broadcasts = weir_store_list_broadcasts_finish (store, result, &error);

  if (broadcasts == NULL)
    weir_api_fail_for_store (call->request, error);
  else if (broadcasts->len > 0)
    weir_api_fail (call->request, 409, WEIR_API_CONFLICT, "The account still has recordings", NULL);
  else {
    weir_store_list_documents (
        store, credentials[0], call->account, NULL, credentials_to_delete, call);
    g_steal_pointer (&call);
  }
}

static void
inputs_counted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) inputs = weir_store_list_inputs_finish (store, result, NULL, &error);
  WeirBroadcastFilter filter = {.account = call->account, .recorded = TRUE, .limit = 1};

  if (inputs == NULL)
    weir_api_fail_for_store (call->request, error);
  else if (inputs->len > 0)
    weir_api_fail (
        call->request, 409, WEIR_API_CONFLICT, "The account still has live inputs", NULL);
  else {
    weir_store_list_broadcasts (store, &filter, broadcasts_counted, call);
    g_steal_pointer (&call);
  }
}

static void
delete_account (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *account = weir_route_parameters_get (parameters, "account");
  const WeirLiveInputFilter filter = {.account = account, .limit = 1};

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR))
    return;
  if (strcmp (account, weir_auth_get_account (self->auth)) == 0) {
    weir_api_fail (
        request, 409, WEIR_API_CONFLICT, "The home account is the server's and stays", NULL);
    return;
  }
  weir_store_list_inputs (
      self->store, &filter, inputs_counted, call_new (self, request, parameters));
}

/* ---- tokens ---- */

static void
create_token (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  static const WeirField fields[] = {
      {"name", read_name, NULL},
      {"access", read_access, NULL},
      {"policies", NULL, "There are no policies: `access` is \"read\" or \"write\""},
      {"condition", NULL, "Tokens are not bound to addresses"},
      {"expires_on", NULL, "Tokens do not expire by themselves"},
      {"not_before", NULL, "Tokens are good at once"},
      {NULL, NULL, NULL},
  };
  WeirApi *self = user_data;
  const gchar *account = weir_route_parameters_get (parameters, "account");
  g_auto (Wanted) wanted = {0};
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR) ||
      !read_body (self, request, fields, "a token", &wanted))
    return;
  if (wanted.access == NULL)
    wanted.access = g_strdup ("write");
  wanted.id = weir_random_hex (16);
  call = call_new (self, request, parameters);
  call->value = weir_auth_make_token ();
  call->document = make_document (WEIR_DOCUMENT_TOKEN, account, wanted.id, &wanted);
  g_free (call->document->digest);
  call->document->digest = weir_store_digest_secret (call->value);
  weir_store_put_document (self->store, call->document, 0, stored, call);
}

static void
tokens_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;

  if (documents == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  for (guint i = 0; i < documents->len; i++)
    add_token (builder, documents->pdata[i], NULL);
  json_builder_end_array (builder);
  weir_api_succeed_with_page (call->request, json_builder_get_root (builder), &call->page);
}

static void
list_tokens (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  WeirApiPage page;
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR) ||
      !weir_api_read_page (request, &page))
    return;
  call = call_new (self, request, parameters);
  call->page = page;
  weir_store_list_documents (
      self->store, WEIR_DOCUMENT_TOKEN, call->account, NULL, tokens_listed, call);
}

/* Returns: (transfer full) (nullable): the token of this account; NULL when it was answered */
static WeirDocument *
finish_token (const Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  if (document == NULL)
    weir_api_fail_for_store (call->request, error);
  else if (strcmp (document->account, call->account) != 0)
    weir_api_fail_as_missing (call->request);
  else
    return g_steal_pointer (&document);
  return NULL;
}

static void
token_got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (WeirDocument) document = finish_token (call, source, result);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (document == NULL)
    return;
  add_token (builder, document, NULL);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
get_token (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR))
    weir_store_get_document (self->store, WEIR_DOCUMENT_TOKEN,
        weir_route_parameters_get (parameters, "id"), token_got,
        call_new (self, request, parameters));
}

static void
token_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_document_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_auth_remove (call->api->auth, WEIR_DOCUMENT_TOKEN, call->id);
  answer_deleted (call, call->id);
}

static void
token_to_delete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (WeirDocument) document = finish_token (call, source, result);

  if (document != NULL) {
    weir_store_delete_document (
        WEIR_STORE (source), WEIR_DOCUMENT_TOKEN, document->id, token_deleted, call);
    g_steal_pointer (&call);
  }
}

static void
delete_token (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_ADMINISTRATOR))
    weir_store_get_document (self->store, WEIR_DOCUMENT_TOKEN,
        weir_route_parameters_get (parameters, "id"), token_to_delete,
        call_new (self, request, parameters));
}

/* as the hosted product says it, code included */
static void
verify_token (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree gchar *id = NULL;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_READ))
    return;
  id = weir_auth_get_token_id (self->auth, weir_http_request_get_header (request, "Authorization"));
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "id", id);
  weir_api_add_string (builder, "status", "active");
  json_builder_end_object (builder);
  weir_api_succeed_with (request, json_builder_get_root (builder), WEIR_API_UNAUTHORISED,
      "This API Token is valid and active");
}

void
weir_accounts_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const struct {
    const gchar *method, *pattern;
    WeirRouteHandler handler;
  } routes[] = {
      {"GET", "/client/v4/user/tokens/verify", verify_token},
      {"GET", WEIR_API_ACCOUNTS, list_accounts},
      {"POST", WEIR_API_ACCOUNTS, create_account},
      {"GET", WEIR_API_ACCOUNT, get_account},
      {"DELETE", WEIR_API_ACCOUNT, delete_account},
      {"GET", WEIR_API_ACCOUNT "/tokens", list_tokens},
      {"POST", WEIR_API_ACCOUNT "/tokens", create_token},
      {"GET", WEIR_API_ACCOUNT "/tokens/verify", verify_token},
      {"GET", WEIR_API_ACCOUNT "/tokens/{id}", get_token},
      {"DELETE", WEIR_API_ACCOUNT "/tokens/{id}", delete_token},
  };

  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    weir_http_router_add (
        router, routes[i].method, routes[i].pattern, routes[i].handler, self, NULL);
}
