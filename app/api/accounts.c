/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/accounts.h"

#include "api/call.h"

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
add_account (GString *json, const gchar *id, const gchar *name, gint64 created_us)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "id", id);
  weir_json_add_string (json, "name", name);
  weir_json_add_string (json, "type", "standard");
  weir_json_add_time (json, "created_on", created_us);
  weir_json_end_object (json);
}

static void
add_account_document (GString *json, const WeirDocument *document)
{
  g_autofree gchar *name = get_member (document, "name");

  add_account (json, document->id, name, document->created_us);
}

/* @value: (nullable): the token itself, told once */
static void
add_token (GString *json, const WeirDocument *document, const gchar *value)
{
  g_autofree gchar *name = get_member (document, "name");
  g_autofree gchar *access = get_member (document, "access");

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "id", document->id);
  weir_json_add_string (json, "name", name);
  weir_json_add_string (json, "status", "active");
  weir_json_add_string (json, "access", access);
  weir_json_add_time (json, "issued_on", document->created_us);
  weir_json_add_time (json, "modified_on", document->modified_us);
  if (value != NULL)
    weir_json_add_string (json, "value", value);
  weir_json_end_object (json);
}

static void
answer_deleted (WeirCall *call, const gchar *id)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "id", id);
  weir_json_end_object (json);
  weir_call_succeed (call, json->str);
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

/* Returns: FALSE when the call was answered */
static gboolean
read_body (WeirCall *call, const WeirField *fields, const gchar *what, Wanted *wanted)
{
  g_auto (WeirFault) fault = {0};

  if (weir_call_read (call, fields, what, wanted, &fault)) {
    if (wanted->name != NULL)
      return TRUE;
    weir_fault_refuse (&fault, "/name", "is needed");
  }
  weir_call_refuse (call, &fault);
  return FALSE;
}

static gchar *
make_json (const gchar *name, const gchar *access)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "name", name);
  if (access != NULL)
    weir_json_add_string (json, "access", access);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
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
taken (WeirCall *call)
{
  weir_call_fail (call, 409, WEIR_API_CONFLICT, "This id is taken", "/id");
}

static void
stored (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  /* it may be used as soon as it is told */
  weir_auth_add (call->api->auth, call->document);
  if (call->document->kind == WEIR_DOCUMENT_TOKEN)
    add_token (json, call->document, call->own);
  else
    add_account_document (json, call->document);
  weir_call_succeed (call, json->str);
}

static void
create_account (WeirCall *call)
{
  static const WeirField fields[] = {
      {"name", read_name, NULL},
      {"id", read_id, NULL},
      {"type", read_type, NULL},
      {"unit", NULL, "There are no units of accounts"},
      {NULL, NULL, NULL},
  };
  g_auto (Wanted) wanted = {0};

  if (!read_body (call, fields, "an account", &wanted))
    return;
  if (wanted.id == NULL)
    wanted.id = weir_random_hex (16);
  if (weir_auth_has_account (call->api->auth, wanted.id)) {
    taken (call);
    return;
  }
  call->document = make_document (WEIR_DOCUMENT_ACCOUNT, "", wanted.id, &wanted);
  weir_call_put_document (call, taken, stored);
}

static void
answer_page (WeirCall *call, const GString *items, const WeirApiPage *page, guint64 total)
{
  g_autofree gchar *info = weir_api_page_describe (page, total);

  weir_call_succeed_with (call, items->str, info);
}

static void
accounts_listed (WeirCall *call)
{
  const WeirApiPage *page = call->own;
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  if (weir_api_page_has (page, 0))
    add_account (json, weir_auth_get_account (call->api->auth), HOME_NAME, 0);
  for (guint i = 0; i < call->rows->len; i++) {
    if (weir_api_page_has (page, (guint64) i + 1))
      add_account_document (json, call->rows->pdata[i]);
  }
  weir_json_end_array (json);
  answer_page (call, json, page, (guint64) call->rows->len + 1);
}

static void
list_page (WeirCall *call, WeirDocumentKind kind, WeirCallStep listed)
{
  g_auto (WeirFault) fault = {0};
  WeirApiPage page;

  if (!weir_query_read_page (call->request, &page, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  weir_call_set_own (call, g_memdup2 (&page, sizeof page), g_free);
  weir_call_list_documents (call, kind, NULL, listed);
}

static void
list_accounts (WeirCall *call)
{
  list_page (call, WEIR_DOCUMENT_ACCOUNT, accounts_listed);
}

static void
account_got (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  if (call->document == NULL) {
    weir_call_fail_as_missing (call);
    return;
  }
  add_account_document (json, call->document);
  weir_call_succeed (call, json->str);
}

static gboolean
is_home (const WeirCall *call)
{
  return strcmp (call->account, weir_auth_get_account (call->api->auth)) == 0;
}

static void
get_account (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  if (!is_home (call)) {
    weir_call_find_document (call, WEIR_DOCUMENT_ACCOUNT, call->account, account_got);
    return;
  }
  add_account (json, call->account, HOME_NAME, 0);
  weir_call_succeed (call, json->str);
}

/* An account is deleted when it has no inputs and no recordings; all else that is its goes with it
 * in one transaction, so that nothing outlives it for an account of the same id. */

static void
account_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_store_delete_account_finish (WEIR_STORE (source), result, &error)) {
    answer_deleted (call, call->account);
    return;
  }
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    g_autoptr (WeirDocument) account = weir_document_new (WEIR_DOCUMENT_ACCOUNT, "", call->account);

    weir_auth_add (call->api->auth, account);
  }
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_IN_USE))
    weir_call_fail (call, 409, WEIR_API_CONFLICT, error->message, NULL);
  else
    weir_call_fail_for_store (call, error);
}

static void
records_counted (WeirCall *call)
{
  if (call->rows->len > 0) {
    weir_call_fail (call, 409, WEIR_API_CONFLICT, "The account still has recordings", NULL);
    return;
  }
  /* from now on nobody is let in who could add something to it */
  weir_auth_remove (call->api->auth, WEIR_DOCUMENT_ACCOUNT, call->account);
  weir_store_delete_account (call->api->store, call->account, account_deleted, call);
}

static void
inputs_counted (WeirCall *call)
{
  if (call->rows->len > 0)
    weir_call_fail (call, 409, WEIR_API_CONFLICT, "The account still has live inputs", NULL);
  else
    weir_call_list_records (
        call, (WeirBroadcastFilter){.recorded = TRUE, .limit = 1}, records_counted);
}

static void
delete_account (WeirCall *call)
{
  if (is_home (call))
    weir_call_fail (
        call, 409, WEIR_API_CONFLICT, "The home account is the server's and stays", NULL);
  else
    weir_call_list_inputs (call, (WeirLiveInputFilter){.limit = 1}, inputs_counted);
}

/* ---- tokens ---- */

static void
create_token (WeirCall *call)
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
  g_auto (Wanted) wanted = {0};
  gchar *value;

  if (!read_body (call, fields, "a token", &wanted))
    return;
  if (wanted.access == NULL)
    wanted.access = g_strdup ("write");
  wanted.id = weir_random_hex (16);
  value = weir_auth_make_token ();
  weir_call_set_own (call, value, g_free);
  call->document = make_document (WEIR_DOCUMENT_TOKEN, call->account, wanted.id, &wanted);
  call->document->digest = weir_store_digest_secret (value);
  weir_call_put_document (call, taken, stored);
}

static void
tokens_listed (WeirCall *call)
{
  const WeirApiPage *page = call->own;
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  for (guint i = 0; i < call->rows->len; i++) {
    if (weir_api_page_has (page, i))
      add_token (json, call->rows->pdata[i], NULL);
  }
  weir_json_end_array (json);
  answer_page (call, json, page, call->rows->len);
}

static void
list_tokens (WeirCall *call)
{
  list_page (call, WEIR_DOCUMENT_TOKEN, tokens_listed);
}

static void
token_got (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  add_token (json, call->document, NULL);
  weir_call_succeed (call, json->str);
}

static void
get_token (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_TOKEN, call->id, token_got);
}

static void
token_deleted (WeirCall *call)
{
  weir_auth_remove (call->api->auth, WEIR_DOCUMENT_TOKEN, call->id);
  answer_deleted (call, call->id);
}

static void
token_to_delete (WeirCall *call)
{
  weir_call_delete_document (call, WEIR_DOCUMENT_TOKEN, call->id, token_deleted);
}

static void
delete_token (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_TOKEN, call->id, token_to_delete);
}

/* as the hosted product says it, code included */
static void
verify_token (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree gchar *id = weir_auth_get_token_id (
      call->api->auth, weir_http_request_get_header (call->request, "Authorization"));

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "id", id);
  weir_json_add_string (json, "status", "active");
  weir_json_end_object (json);
  weir_call_add_message (call, WEIR_API_UNAUTHORISED, "This API Token is valid and active");
  weir_call_succeed (call, json->str);
}

void
weir_accounts_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"GET", "/client/v4/user/tokens/verify", WEIR_ACCESS_READ, verify_token},
      {"GET", WEIR_API_ACCOUNTS, WEIR_ACCESS_ADMINISTRATOR, list_accounts},
      {"POST", WEIR_API_ACCOUNTS, WEIR_ACCESS_ADMINISTRATOR, create_account},
      {"GET", WEIR_API_ACCOUNT, WEIR_ACCESS_ADMINISTRATOR, get_account},
      {"DELETE", WEIR_API_ACCOUNT, WEIR_ACCESS_ADMINISTRATOR, delete_account},
      {"GET", WEIR_API_ACCOUNT "/tokens", WEIR_ACCESS_ADMINISTRATOR, list_tokens},
      {"POST", WEIR_API_ACCOUNT "/tokens", WEIR_ACCESS_ADMINISTRATOR, create_token},
      {"GET", WEIR_API_ACCOUNT "/tokens/verify", WEIR_ACCESS_READ, verify_token},
      {"GET", WEIR_API_ACCOUNT "/tokens/{id}", WEIR_ACCESS_ADMINISTRATOR, get_token},
      {"DELETE", WEIR_API_ACCOUNT "/tokens/{id}", WEIR_ACCESS_ADMINISTRATOR, delete_token},
  };

  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
