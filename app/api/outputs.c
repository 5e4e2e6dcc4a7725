/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/outputs.h"

#include "api/call.h"
#include "events/webhook.h"

#include <string.h>

#define BASE WEIR_API_STREAM "/live_inputs/{parent}/outputs"
#define URL_SIZE_MAX 2048
#define KEY_SIZE_MAX 1024

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
read_new (WeirCall *call, Output *output, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"url", read_url, NULL},
      {"streamKey", read_key, NULL},
      {"enabled", read_enabled, NULL},
      {NULL, NULL, NULL},
  };

  output->enabled = TRUE;
  if (!weir_call_read (call, fields, "an output", output, fault))
    return FALSE;
  if (output->url == NULL)
    return weir_fault_refuse (fault, "/url", "is needed");
  if (!is_srt (output->url) && (output->stream_key == NULL || *output->stream_key == '\0'))
    return weir_fault_refuse (fault, "/streamKey", "is needed");
  return TRUE;
}

static gboolean
read_change (WeirCall *call, Output *output, WeirFault *fault)
{
  static const gchar reason[] = "Only enabled can be changed: delete the output and make another";
  static const WeirField fields[] = {
      {"enabled", read_enabled, NULL},
      {"url", NULL, reason},
      {"streamKey", NULL, reason},
      {NULL, NULL, NULL},
  };

  return weir_call_read (call, fields, "an output", output, fault);
}

static gchar *
output_to_document (const Output *output)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "url", output->url);
  weir_json_add_string (json, "streamKey", output->stream_key);
  weir_json_add_boolean (json, "enabled", output->enabled);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
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
add_output (GString *json, const gchar *uid, const Output *output)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "uid", uid);
  weir_json_add_string (json, "url", output->url);
  weir_json_add_string (json, "streamKey", output->stream_key);
  weir_json_add_boolean (json, "enabled", output->enabled);
  weir_json_end_object (json);
}

/* ---- calls ---- */

/* what steps share */
static void
own_free (gpointer data)
{
  output_clear (data);
  g_free (data);
}

static Output *
get_own (WeirCall *call)
{
  if (call->own == NULL)
    weir_call_set_own (call, g_new0 (Output, 1), own_free);
  return call->own;
}

/* the answer, and that nothing is relayed yet */
static void
answer (WeirCall *call, const gchar *result)
{
  weir_call_add_message (
      call, WEIR_API_NO_EFFECT, "Outputs are kept, but nothing is relayed to them yet");
  weir_call_succeed (call, result);
}

static void
emit (WeirCall *call, const gchar *type)
{
  const gchar *url = get_own (call)->url;
  g_autofree gchar *masked = weir_webhook_mask_url (url != NULL ? url : "");
  g_autofree gchar *data = weir_event_make_data ("id", call->id, "url", masked, NULL);

  weir_call_emit (call, type, call->parent, data);
}

static void
answer_output (WeirCall *call, const gchar *type)
{
  g_autoptr (GString) json = g_string_new (NULL);

  emit (call, type);
  add_output (json, call->id, get_own (call));
  answer (call, json->str);
}

/* ---- create ---- */

static void
created (WeirCall *call)
{
  answer_output (call, WEIR_EVENT_OUTPUT_CREATED);
}

static void
input_to_create_for (WeirCall *call)
{
  WeirDocument *document;

  call->id = weir_random_hex (16);
  document = call->document = weir_document_new (WEIR_DOCUMENT_OUTPUT, call->account, call->id);
  document->parent = g_strdup (call->parent);
  g_free (document->json);
  document->json = output_to_document (get_own (call));
  document->created_us = document->modified_us = g_get_real_time ();
  weir_call_add_document (call, call->api->config->limits.outputs_per_input, WEIR_LIMIT_OUTPUTS,
      "A live input has at most %u outputs", created);
}

static void
create (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};

  if (read_new (call, get_own (call), &fault))
    weir_call_get_input (call, call->parent, input_to_create_for);
  else
    weir_call_refuse (call, &fault);
}

/* ---- list ---- */

static void
listed (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  for (guint i = 0; i < call->rows->len; i++) {
    const WeirDocument *document = call->rows->pdata[i];
    g_auto (Output) output = {0};

    output_from_document (&output, document);
    add_output (json, document->id, &output);
  }
  weir_json_end_array (json);
  answer (call, json->str);
}

static void
input_to_list (WeirCall *call)
{
  weir_call_list_documents (call, WEIR_DOCUMENT_OUTPUT, call->parent, listed);
}

static void
list (WeirCall *call)
{
  weir_call_get_input (call, call->parent, input_to_list);
}

/* ---- one output ---- */

/* Returns: whether the output is the input's, and known; else it was answered */
static gboolean
take_output (WeirCall *call)
{
  if (g_strcmp0 (call->document->parent, call->parent) == 0) {
    output_from_document (get_own (call), call->document);
    return TRUE;
  }
  weir_call_fail_as_missing (call);
  return FALSE;
}

static void
changed (WeirCall *call)
{
  answer_output (call, WEIR_EVENT_OUTPUT_UPDATED);
}

static void input_to_change (WeirCall *call);

static void
output_to_change (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};

  if (!take_output (call))
    return;
  if (!read_change (call, get_own (call), &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  g_free (call->document->json);
  call->document->json = output_to_document (get_own (call));
  call->document->modified_us = g_get_real_time ();
  weir_call_put_document (call, input_to_change, changed);
}

static void
input_to_change (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_OUTPUT, call->id, output_to_change);
}

static void
change (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};

  if (read_change (call, get_own (call), &fault))
    weir_call_get_input (call, call->parent, input_to_change);
  else
    weir_call_refuse (call, &fault);
}

static void
deleted (WeirCall *call)
{
  emit (call, WEIR_EVENT_OUTPUT_DELETED);
  weir_call_succeed (call, "{}");
}

static void
output_to_delete (WeirCall *call)
{
  if (take_output (call))
    weir_call_delete_document (call, WEIR_DOCUMENT_OUTPUT, call->id, deleted);
}

static void
input_to_delete_from (WeirCall *call)
{
  weir_call_get_document (call, WEIR_DOCUMENT_OUTPUT, call->id, output_to_delete);
}

static void delete (WeirCall *call)
{
  weir_call_get_input (call, call->parent, input_to_delete_from);
}

void
weir_outputs_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"POST", BASE, WEIR_ACCESS_WRITE, create},
      {"GET", BASE, WEIR_ACCESS_READ, list},
      {"PUT", BASE "/{id}", WEIR_ACCESS_WRITE, change},
      {"DELETE", BASE "/{id}", WEIR_ACCESS_WRITE, delete},
  };

  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_OUTPUTS);
  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
