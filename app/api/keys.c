/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/keys.h"

#include "api/call.h"
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
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "public", public_key);
  weir_json_add_string (json, "private", private_key);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
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

static void
add_key (GString *json, const WeirDocument *document)
{
  weir_json_add_string (json, "id", document->id);
  weir_json_add_time (json, "created", document->created_us);
}

static void
add_base64 (GString *json, const gchar *name, const gchar *text)
{
  g_autofree gchar *encoded = g_base64_encode ((const guint8 *) text, strlen (text));

  weir_json_add_string (json, name, encoded);
}

static void
fail_for_key (WeirCall *call, const GError *error)
{
  g_warning ("Signing key: %s", error->message);
  weir_call_fail (call, 500, WEIR_API_INTERNAL, "Internal error", NULL);
}

static void
created (WeirCall *call)
{
  const gchar *private_key = call->own;
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *jwk = weir_signing_make_jwk (private_key, call->document->id, &error);

  if (jwk == NULL) {
    fail_for_key (call, error);
    return;
  }
  weir_json_begin_object (json, NULL);
  add_key (json, call->document);
  add_base64 (json, "pem", private_key);
  add_base64 (json, "jwk", jwk);
  weir_json_end_object (json);
  weir_call_succeed (call, json->str);
}

static void
made (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  g_autoptr (GError) error = NULL;
  gchar *private_key = NULL;

  call->document = weir_key_make_finish (result, &private_key, &error);
  if (call->document == NULL) {
    fail_for_key (call, error);
    return;
  }
  weir_call_set_own (call, private_key, g_free);
  weir_call_add_document (call, call->api->config->limits.signing_keys_per_account,
      WEIR_LIMIT_SIGNING_KEYS, "An account has at most %u signing keys", created);
}

static void
create (WeirCall *call)
{
  static const WeirField fields[] = {{NULL, NULL, NULL}};
  g_auto (WeirFault) fault = {0};
  g_autofree gchar *id = NULL;

  if (!weir_call_read (call, fields, "a signing key", NULL, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  id = weir_random_hex (ID_SIZE / 2);
  weir_key_make (call->api->store, call->account, id, FALSE, made, call);
}

static void
listed (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  for (guint i = 0; i < call->rows->len; i++) {
    weir_json_begin_object (json, NULL);
    add_key (json, call->rows->pdata[i]);
    weir_json_end_object (json);
  }
  weir_json_end_array (json);
  weir_call_succeed (call, json->str);
}

static void
list (WeirCall *call)
{
  weir_call_list_documents (call, WEIR_DOCUMENT_SIGNING_KEY, NULL, listed);
}

static void
got_to_show (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  add_key (json, call->document);
  weir_json_end_object (json);
  weir_call_succeed (call, json->str);
}

static void
show (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_SIGNING_KEY, call->id, got_to_show);
}

static void
deleted (WeirCall *call)
{
  weir_call_succeed (call, "\"Revoked\"");
}

static void
got_to_delete (WeirCall *call)
{
  weir_call_delete_document (call, WEIR_DOCUMENT_SIGNING_KEY, call->id, deleted);
}

static void
delete_key (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_SIGNING_KEY, call->id, got_to_delete);
}

void
weir_keys_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"GET", BASE, WEIR_ACCESS_READ, list},
      {"POST", BASE, WEIR_ACCESS_WRITE, create},
      {"GET", BASE "/{id}", WEIR_ACCESS_READ, show},
      {"DELETE", BASE "/{id}", WEIR_ACCESS_WRITE, delete_key},
  };

  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_SIGNING_KEYS);
  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
