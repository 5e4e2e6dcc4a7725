/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/keys.h"

#include "api/documents.h"
#include "api/envelope.h"
#include "api/fields.h"
#include "auth/signing.h"

#include <string.h>

#define BASE WEIR_API_STREAM "/keys"
#define ID_SIZE 32

/* ---- what is stored ---- */

gchar *
weir_key_make_own_id (const gchar *account)
{
  g_autofree gchar *text = g_strconcat ("signing-key/", account, NULL);
  g_autofree gchar *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strndup (digest, ID_SIZE);
}

void
weir_key_clear (WeirKey *self)
{
  g_clear_pointer (&self->public_key, g_free);
  g_clear_pointer (&self->private_key, g_free);
}

gboolean
weir_key_from_document (WeirKey *self, const WeirDocument *document)
{
  g_autoptr (JsonNode) root = json_from_string (document->json, NULL);
  JsonObject *object;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  object = json_node_get_object (root);
  if (json_object_get_string_member_with_default (object, "public", NULL) == NULL)
    return FALSE;
  self->public_key = g_strdup (json_object_get_string_member (object, "public"));
  self->private_key =
      g_strdup (json_object_get_string_member_with_default (object, "private", NULL));
  return TRUE;
}

/* @private_key: (nullable) */
static gchar *
make_json (const gchar *public_key, const gchar *private_key)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "public", public_key);
  weir_api_add_string (builder, "private", private_key);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* ---- a new one ---- */

typedef struct {
  WeirDocument *document;
  gchar *private_key;
  gboolean keep;
} Making;

static void
making_free (Making *self)
{
  g_clear_pointer (&self->document, weir_document_free);
  g_free (self->private_key);
  g_free (self);
}

static void
make_in_thread (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  Making *self = data;
  GError *error = NULL;
  g_autofree gchar *public_key = NULL;

  self->private_key = weir_signing_make_key (&error);
  if (self->private_key != NULL)
    public_key = weir_signing_get_public (self->private_key, &error);
  if (public_key == NULL) {
    g_task_return_error (task, error);
    return;
  }
  g_free (self->document->json);
  self->document->json = make_json (public_key, self->keep ? self->private_key : NULL);
  self->document->created_us = self->document->modified_us = g_get_real_time ();
  g_task_return_boolean (task, TRUE);
}

void
weir_key_make (WeirStore *store, const gchar *account, const gchar *id, gboolean keep,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (store, NULL, callback, user_data);
  Making *self = g_new0 (Making, 1);

  self->document = weir_document_new (WEIR_DOCUMENT_SIGNING_KEY, account, id);
  self->keep = keep;
  g_task_set_source_tag (task, weir_key_make);
  g_task_set_task_data (task, self, (GDestroyNotify) making_free);
  g_task_run_in_thread (task, make_in_thread);
}

WeirDocument *
weir_key_make_finish (GAsyncResult *result, gchar **private_key, GError **error)
{
  Making *self = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  *private_key = g_steal_pointer (&self->private_key);
  return g_steal_pointer (&self->document);
}

/* ---- calls ---- */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *id;
  gchar *private_key;
  WeirDocument *document;
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
  g_free (call->id);
  g_free (call->private_key);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static void
add_key (JsonBuilder *builder, const WeirDocument *document)
{
  weir_api_add_string (builder, "id", document->id);
  weir_api_add_time (builder, "created", document->created_us);
}

static void
add_base64 (JsonBuilder *builder, const gchar *name, const gchar *text)
{
  g_autofree gchar *encoded = g_base64_encode ((const guint8 *) text, strlen (text));

  weir_api_add_string (builder, name, encoded);
}

static void
fail_for_key (Call *call, const GError *error)
{
  g_warning ("Signing key: %s", error->message);
  weir_api_fail (call->request, 500, WEIR_API_INTERNAL, "Internal error", NULL);
}

/* ---- create ---- */

static void
answer_created (Call *call)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *jwk = weir_signing_make_jwk (call->private_key, call->document->id, &error);

  if (jwk == NULL) {
    fail_for_key (call, error);
    return;
  }
  json_builder_begin_object (builder);
  add_key (builder, call->document);
  add_base64 (builder, "pem", call->private_key);
  add_base64 (builder, "jwk", jwk);
  json_builder_end_object (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *message = NULL;

  if (weir_api_add_document_finish (WEIR_STORE (source), result, &error)) {
    answer_created (call);
    return;
  }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  message = g_strdup_printf (
      "An account has at most %u signing keys", call->api->config->limits.signing_keys_per_account);
  weir_counters_add (call->api->counters, WEIR_LIMIT_SIGNING_KEYS);
  weir_api_fail (call->request, 409, WEIR_API_CONFLICT, message, NULL);
}

static void
made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  call->document = weir_key_make_finish (result, &call->private_key, &error);
  if (call->document == NULL) {
    fail_for_key (call, error);
    return;
  }
  weir_api_add_document (WEIR_STORE (source), call->document,
      call->api->config->limits.signing_keys_per_account, created, call);
  g_steal_pointer (&call);
}

static void
create (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  static const WeirField fields[] = {{NULL, NULL, NULL}};
  WeirApi *self = user_data;
  g_auto (WeirFault) fault = {0};
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *id = NULL;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  root = weir_fields_parse (
      weir_http_request_get_body (request), self->config->limits.json_depth, &fault);
  if (root == NULL || !weir_fields_read (root, "", fields, "a signing key", NULL, &fault)) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  id = weir_random_hex (ID_SIZE / 2);
  weir_key_make (self->store, weir_route_parameters_get (parameters, "account"), id, FALSE, made,
      call_new (self, request, parameters));
}

/* ---- look ---- */

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
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
  for (guint i = 0; i < documents->len; i++) {
    json_builder_begin_object (builder);
    add_key (builder, documents->pdata[i]);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
list (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_READ))
    weir_store_list_documents (self->store, WEIR_DOCUMENT_SIGNING_KEY,
        weir_route_parameters_get (parameters, "account"), NULL, listed,
        call_new (self, request, parameters));
}

/* Returns: whether the key is the account's, and @call's document; else it was answered */
static gboolean
finish_key (Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  call->document = weir_store_get_document_finish (WEIR_STORE (source), result, &error);
  if (call->document == NULL)
    weir_api_fail_for_store (call->request, error);
  else if (strcmp (call->document->account, call->account) != 0)
    weir_api_fail_as_missing (call->request);
  else
    return TRUE;
  return FALSE;
}

static void
begin (WeirHttpRequest *request, const WeirRouteParameters *parameters, WeirApi *self,
    WeirAccess needed, GAsyncReadyCallback callback)
{
  if (weir_api_accept (self, request, parameters, needed))
    weir_store_get_document (self->store, WEIR_DOCUMENT_SIGNING_KEY,
        weir_route_parameters_get (parameters, "id"), callback,
        call_new (self, request, parameters));
}

static void
got_to_show (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (!finish_key (call, source, result))
    return;
  json_builder_begin_object (builder);
  add_key (builder, call->document);
  json_builder_end_object (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
show (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_READ, got_to_show);
}

/* ---- delete ---- */

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_store_delete_document_finish (WEIR_STORE (source), result, &error))
    weir_api_succeed (call->request, json_node_init_string (json_node_alloc (), "Revoked"));
  else
    weir_api_fail_for_store (call->request, error);
}

static void
got_to_delete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_key (call, source, result))
    return;
  weir_store_delete_document (
      WEIR_STORE (source), WEIR_DOCUMENT_SIGNING_KEY, call->id, deleted, call);
  g_steal_pointer (&call);
}

static void
delete_key (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_WRITE, got_to_delete);
}

void
weir_keys_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_SIGNING_KEYS);
  weir_http_router_add (router, "GET", BASE, list, self, NULL);
  weir_http_router_add (router, "POST", BASE, create, self, NULL);
  weir_http_router_add (router, "GET", BASE "/{id}", show, self, NULL);
  weir_http_router_add (router, "DELETE", BASE "/{id}", delete_key, self, NULL);
}
