/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/outputs.h"

#include "api/documents.h"
#include "api/envelope.h"
#include "api/fields.h"
#include "events/webhook.h"

#include <string.h>

#define BASE WEIR_API_STREAM "/live_inputs/{id}/outputs"
#define URL_SIZE_MAX 2048
#define KEY_SIZE_MAX 1024
#define ATTEMPTS_MAX 5

/* ---- what an output is ---- */

typedef struct {
  gchar *url;
  gchar *stream_key; /* (nullable): of SRT, whose URL may say all */
  gboolean enabled;
} Output;

static void
output_clear (Output *self)
{
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->stream_key, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

gboolean
weir_output_is_url (const gchar *url)
{
  static const gchar *const schemes[] = {"rtmp", "rtmps", "srt", NULL};
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_strv_contains (schemes, g_uri_get_scheme (uri)) &&
         g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0' &&
         g_uri_get_port (uri) != 0 && g_uri_get_userinfo (uri) == NULL &&
         g_uri_get_fragment (uri) == NULL;
}

static gboolean
is_srt (const gchar *url)
{
  return g_ascii_strncasecmp (url, "srt:", 4) == 0;
}

/* no blanks and controls: it goes into a command of a protocol */
static gboolean
is_key (const gchar *text)
{
  for (; *text != '\0'; text++) {
    if ((guchar) *text <= ' ' || *text == 0x7f)
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_url (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  if (!weir_field_read_string (node, pointer, 1, URL_SIZE_MAX, &((Output *) data)->url, fault))
    return FALSE;
  if (!weir_output_is_url (((Output *) data)->url))
    return weir_fault_refuse (
        fault, pointer, "must be an rtmp, rtmps or srt URL with a host and without a user name");
  return TRUE;
}

static gboolean
read_key (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  if (!weir_field_read_string (
          node, pointer, 0, KEY_SIZE_MAX, &((Output *) data)->stream_key, fault))
    return FALSE;
  if (!is_key (((Output *) data)->stream_key))
    return weir_fault_refuse (fault, pointer, "must be without blanks and control characters");
  return TRUE;
}

static gboolean
read_enabled (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (node, pointer, &((Output *) data)->enabled, fault);
}

static gboolean
read_new (JsonNode *root, Output *output, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"url", read_url, NULL},
      {"streamKey", read_key, NULL},
      {"enabled", read_enabled, NULL},
      {NULL, NULL, NULL},
  };

  output->enabled = TRUE;
  if (!weir_fields_read (root, "", fields, "an output", output, fault))
    return FALSE;
  if (output->url == NULL)
    return weir_fault_refuse (fault, "/url", "is needed");
  if (!is_srt (output->url) && (output->stream_key == NULL || *output->stream_key == '\0'))
    return weir_fault_refuse (fault, "/streamKey", "is needed");
  return TRUE;
}

static gboolean
read_change (JsonNode *root, Output *output, WeirFault *fault)
{
  static const gchar reason[] = "Only enabled can be changed: delete the output and make another";
  static const WeirField fields[] = {
      {"enabled", read_enabled, NULL},
      {"url", NULL, reason},
      {"streamKey", NULL, reason},
      {NULL, NULL, NULL},
  };

  return weir_fields_read (root, "", fields, "an output", output, fault);
}

static gchar *
output_to_document (const Output *output)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "url", output->url);
  weir_api_add_string (builder, "streamKey", output->stream_key);
  weir_api_add_boolean (builder, "enabled", output->enabled);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* of a document that output_to_document() has made */
static void
output_from_document (Output *output, const WeirDocument *document)
{
  g_autoptr (JsonNode) root = json_from_string (document->json, NULL);
  JsonObject *object;

  output_clear (output);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  output->url = g_strdup (json_object_get_string_member_with_default (object, "url", ""));
  output->stream_key =
      g_strdup (json_object_get_string_member_with_default (object, "streamKey", NULL));
  output->enabled = json_object_get_boolean_member_with_default (object, "enabled", FALSE);
}

static void
add_output (JsonBuilder *builder, const gchar *uid, const Output *output)
{
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "uid", uid);
  weir_api_add_string (builder, "url", output->url);
  weir_api_add_string (builder, "streamKey", output->stream_key);
  weir_api_add_boolean (builder, "enabled", output->enabled);
  json_builder_end_object (builder);
}

/* ---- calls ---- */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *id; /* of the input */
  gchar *uid;
  JsonNode *body; /* (nullable) */
  Output output;
  WeirDocument *document;
  guint attempts;
} Call;

static void
call_free (Call *call)
{
  output_clear (&call->output);
  g_clear_pointer (&call->document, weir_document_free);
  g_clear_pointer (&call->body, json_node_unref);
  g_free (call->account);
  g_free (call->id);
  g_free (call->uid);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* the answer, and that nothing is relayed yet */
static void
answer (Call *call, JsonBuilder *builder)
{
  weir_api_succeed_with (call->request, json_builder_get_root (builder), WEIR_API_NO_EFFECT,
      "Outputs are kept, but nothing is relayed to them yet");
}

static void
answer_output (Call *call)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  add_output (builder, call->uid, &call->output);
  answer (call, builder);
}

static void
emit (Call *call, const gchar *type)
{
  g_autofree gchar *url = weir_webhook_mask_url (call->output.url != NULL ? call->output.url : "");
  g_autofree gchar *data = weir_event_make_data ("id", call->uid, "url", url, NULL);

  weir_api_emit (call->api, type, call->account, call->id, NULL, data);
}

/* Accepts, and asks for the input, whose answer @callback has to check with finish_input(). */
static void
begin (WeirHttpRequest *request, const WeirRouteParameters *parameters, WeirApi *self,
    WeirAccess needed, gboolean (*read) (JsonNode *root, Output *output, WeirFault *fault),
    GAsyncReadyCallback callback)
{
  g_autoptr (Call) call = NULL;
  g_auto (WeirFault) fault = {0};

  if (!weir_api_accept (self, request, parameters, needed))
    return;
  call = g_new0 (Call, 1);
  call->api = self;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->id = g_strdup (weir_route_parameters_get (parameters, "id"));
  call->uid = g_strdup (weir_route_parameters_get (parameters, "output"));
  if (read != NULL) {
    call->body = weir_fields_parse (
        weir_http_request_get_body (request), self->config->limits.json_depth, &fault);
    if (call->body == NULL || !read (call->body, &call->output, &fault)) {
      weir_fault_answer (&fault, request, self->counters);
      return;
    }
  }
  weir_store_get_input (self->store, call->id, callback, call);
  g_steal_pointer (&call);
}

/* Returns: whether the input is the account's; else the request was answered */
static gboolean
finish_input (Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input =
      weir_store_get_input_finish (WEIR_STORE (source), result, &error);

  if (input == NULL)
    weir_api_fail_for_store (call->request, error);
  else if (strcmp (input->account, call->account) != 0)
    weir_api_fail_as_missing (call->request);
  else
    return TRUE;
  return FALSE;
}

/* ---- create ---- */

static void
created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *message = NULL;

  if (weir_api_add_document_finish (WEIR_STORE (source), result, &error)) {
    emit (call, WEIR_EVENT_OUTPUT_CREATED);
    answer_output (call);
    return;
  }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  message = g_strdup_printf (
      "A live input has at most %u outputs", call->api->config->limits.outputs_per_input);
  weir_counters_add (call->api->counters, WEIR_LIMIT_OUTPUTS);
  weir_api_fail (call->request, 409, WEIR_API_CONFLICT, message, NULL);
}

static void
input_to_create_for (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_input (call, source, result))
    return;
  call->uid = weir_random_hex (16);
  call->document = weir_document_new (WEIR_DOCUMENT_OUTPUT, call->account, call->uid);
  g_free (call->document->parent);
  call->document->parent = g_strdup (call->id);
  g_free (call->document->json);
  call->document->json = output_to_document (&call->output);
  call->document->created_us = call->document->modified_us = g_get_real_time ();
  weir_api_add_document (WEIR_STORE (source), call->document,
      call->api->config->limits.outputs_per_input, created, call);
  g_steal_pointer (&call);
}

static void
create (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_WRITE, read_new, input_to_create_for);
}

/* ---- list ---- */

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
    const WeirDocument *document = documents->pdata[i];
    g_auto (Output) output = {0};

    output_from_document (&output, document);
    add_output (builder, document->id, &output);
  }
  json_builder_end_array (builder);
  answer (call, builder);
}

static void
input_to_list (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_input (call, source, result))
    return;
  weir_store_list_documents (
      WEIR_STORE (source), WEIR_DOCUMENT_OUTPUT, call->account, call->id, listed, call);
  g_steal_pointer (&call);
}

static void
list (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_READ, NULL, input_to_list);
}

/* ---- one output ---- */

/* Returns: whether the output is the input's, and is @call's document; else it was answered */
static gboolean
finish_output (Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  if (document == NULL) {
    weir_api_fail_for_store (call->request, error);
    return FALSE;
  }
  if (g_strcmp0 (document->parent, call->id) != 0 ||
      strcmp (document->account, call->account) != 0) {
    weir_api_fail_as_missing (call->request);
    return FALSE;
  }
  g_clear_pointer (&call->document, weir_document_free);
  call->document = g_steal_pointer (&document);
  return TRUE;
}

static void change_output (GObject *source, GAsyncResult *result, gpointer user_data);

static void
changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;

  if (weir_store_put_document_finish (store, result, &error) > 0) {
    emit (call, WEIR_EVENT_OUTPUT_UPDATED);
    answer_output (call);
    return;
  }
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED) ||
      ++call->attempts >= ATTEMPTS_MAX) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_store_get_document (store, WEIR_DOCUMENT_OUTPUT, call->uid, change_output, call);
  g_steal_pointer (&call);
}

static void
change_output (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_auto (WeirFault) fault = {0};
  guint64 revision;

  if (!finish_output (call, source, result))
    return;
  output_from_document (&call->output, call->document);
  if (!read_change (call->body, &call->output, &fault)) {
    weir_fault_answer (&fault, call->request, call->api->counters);
    return;
  }
  g_free (call->document->json);
  call->document->json = output_to_document (&call->output);
  call->document->modified_us = g_get_real_time ();
  revision = call->document->revision;
  weir_store_put_document (WEIR_STORE (source), call->document, revision, changed, call);
  g_steal_pointer (&call);
}

static void
input_to_change (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_input (call, source, result))
    return;
  weir_store_get_document (
      WEIR_STORE (source), WEIR_DOCUMENT_OUTPUT, call->uid, change_output, call);
  g_steal_pointer (&call);
}

static void
change (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_WRITE, read_change, input_to_change);
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  JsonNode *nothing;

  if (!weir_store_delete_document_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  emit (call, WEIR_EVENT_OUTPUT_DELETED);
  nothing = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (nothing, json_object_new ());
  weir_api_succeed (call->request, nothing);
}

static void
output_to_delete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_output (call, source, result))
    return;
  output_from_document (&call->output, call->document);
  weir_store_delete_document (WEIR_STORE (source), WEIR_DOCUMENT_OUTPUT, call->uid, deleted, call);
  g_steal_pointer (&call);
}

static void
input_to_delete_from (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (!finish_input (call, source, result))
    return;
  weir_store_get_document (
      WEIR_STORE (source), WEIR_DOCUMENT_OUTPUT, call->uid, output_to_delete, call);
  g_steal_pointer (&call);
}

static void delete (
    WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  begin (request, parameters, user_data, WEIR_ACCESS_WRITE, NULL, input_to_delete_from);
}

void
weir_outputs_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_OUTPUTS);
  weir_http_router_add (router, "POST", BASE, create, self, NULL);
  weir_http_router_add (router, "GET", BASE, list, self, NULL);
  weir_http_router_add (router, "PUT", BASE "/{output}", change, self, NULL);
  weir_http_router_add (router, "DELETE", BASE "/{output}", delete, self, NULL);
}
