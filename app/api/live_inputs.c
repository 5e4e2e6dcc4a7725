/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/live_inputs.h"

#include "api/envelope.h"
#include "api/health.h"
#include "api/jsonguard.h"

#include <string.h>

#define BASE WEIR_API_STREAM
#define TIMEOUT_MAX_S 86400
#define DELETE_AFTER_MAX_DAYS 36500
#define CREATOR_SIZE_MAX 256

/* what a request says */

static gboolean
read_mode (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const gchar *const modes[] = {"off", "automatic", NULL};
  WeirLiveInput *input = data;
  guint mode;

  if (!weir_field_read_choice (node, pointer, modes, &mode, fault))
    return FALSE;
  input->recording_mode = mode == 0 ? WEIR_RECORDING_OFF : WEIR_RECORDING_AUTOMATIC;
  return TRUE;
}

static gboolean
read_timeout (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirLiveInput *input = data;
  gint64 seconds;

  if (!weir_field_read_number (node, pointer, 0, TIMEOUT_MAX_S, &seconds, fault))
    return FALSE;
  input->recording_timeout_s = (gint) seconds;
  return TRUE;
}

static gboolean
read_hide_count (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (
      node, pointer, &((WeirLiveInput *) data)->hide_live_viewer_count, fault);
}

static gboolean
read_origins (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_origins (node, pointer, &((WeirLiveInput *) data)->allowed_origins, fault);
}

static gboolean
read_signed (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirLiveInput *input = data;

  if (!weir_field_read_boolean (node, pointer, &input->require_signed_urls, fault))
    return FALSE;
  /* a stream that was to be private must not be served to everyone */
  if (input->require_signed_urls)
    return weir_fault_refuse_as_missing (fault, pointer, "Signed URLs are not there yet");
  return TRUE;
}

static gboolean
read_recording (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"mode", read_mode, NULL},
      {"timeoutSeconds", read_timeout, NULL},
      {"hideLiveViewerCount", read_hide_count, NULL},
      {"allowedOrigins", read_origins, NULL},
      {"requireSignedURLs", read_signed, NULL},
      {NULL, NULL, NULL},
  };

  return weir_fields_read (node, pointer, fields, "recording", data, fault);
}

static gboolean
read_meta (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_object (node, pointer, &((WeirLiveInput *) data)->meta, fault);
}

static gboolean
read_creator (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_nullable_string (
      node, pointer, 0, CREATOR_SIZE_MAX, &((WeirLiveInput *) data)->default_creator, fault);
}

static gboolean
read_enabled (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (node, pointer, &((WeirLiveInput *) data)->enabled, fault);
}

static gboolean
read_low_latency (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_boolean (
      node, pointer, &((WeirLiveInput *) data)->prefer_low_latency, fault);
}

static gboolean
read_days (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirLiveInput *input = data;
  gint64 days;

  if (!weir_field_read_number (node, pointer, 1, DELETE_AFTER_MAX_DAYS, &days, fault))
    return FALSE;
  input->delete_recording_after_days = (gint) days;
  return TRUE;
}

gboolean
weir_live_input_from_json (GBytes *body, guint depth_max, WeirLiveInput *input, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"meta", read_meta, NULL},
      {"defaultCreator", read_creator, NULL},
      {"enabled", read_enabled, NULL},
      {"preferLowLatency", read_low_latency, NULL},
      {"deleteRecordingAfterDays", read_days, NULL},
      {"recording", read_recording, NULL},
      {NULL, NULL, NULL},
  };
  g_autoptr (JsonNode) root = weir_fields_parse (body, depth_max, fault);

  return root != NULL && weir_fields_read (root, "", fields, "a live input", input, fault);
}

/* what the API says about an input */

static void
add_days (JsonBuilder *builder, const WeirLiveInput *input)
{
  json_builder_set_member_name (builder, "deleteRecordingAfterDays");
  if (input->delete_recording_after_days > 0)
    json_builder_add_int_value (builder, input->delete_recording_after_days);
  else
    json_builder_add_null_value (builder);
}

static void
add_key (JsonBuilder *builder, const gchar *name, const gchar *url, const gchar *key)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "url", url);
  weir_api_add_string (builder, "streamKey", key);
  json_builder_end_object (builder);
}

static void
add_srt (JsonBuilder *builder, const gchar *name, const gchar *prefix, const WeirLiveInput *input,
    const gchar *passphrase)
{
  g_autofree gchar *id = g_strconcat (prefix, input->uid, NULL);

  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "url", NULL);
  weir_api_add_string (builder, "streamId", id);
  weir_api_add_string (builder, "passphrase", passphrase);
  json_builder_end_object (builder);
}

static void
add_url (JsonBuilder *builder, const gchar *name, const gchar *url)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "url", url);
  json_builder_end_object (builder);
}

static void
add_status (JsonBuilder *builder, const WeirBroadcastStatus *status)
{
  const gchar *state = "disconnected", *reason = "waiting_for_input";

  json_builder_set_member_name (builder, "status");
  if (status == NULL) {
    json_builder_add_null_value (builder);
    return;
  }
  switch (status->state) {
  case WEIR_LIFECYCLE_CONNECTING:
    state = "connecting";
    reason = NULL;
    break;
  case WEIR_LIFECYCLE_LIVE:
    state = "connected";
    reason = "connected_to_live_input";
    break;
  case WEIR_LIFECYCLE_RECONNECTING:
    state = "reconnecting";
    reason = "client_disconnect";
    break;
  case WEIR_LIFECYCLE_IDLE:
  case WEIR_LIFECYCLE_ENDED:
  case WEIR_LIFECYCLE_READY:
    break;
  }
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "current");
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "ingestProtocol", status->protocol);
  weir_api_add_string (builder, "state", state);
  weir_api_add_string (builder, "reason", reason);
  weir_api_add_time (builder, "statusEnteredAt", status->state_since_us);
  weir_api_add_time (
      builder, "statusLastSeen", MAX (status->last_media_us, status->state_since_us));
  weir_api_add_time (builder, "recordingPausedAt", status->paused_us);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "history");
  json_builder_begin_array (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_recording (JsonBuilder *builder, WeirApi *self, const WeirLiveInput *input)
{
  gboolean automatic = input->recording_mode == WEIR_RECORDING_DEFAULT
                           ? self->config->recording.automatic
                           : input->recording_mode == WEIR_RECORDING_AUTOMATIC;

  json_builder_set_member_name (builder, "recording");
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "mode", automatic ? "automatic" : "off");
  json_builder_set_member_name (builder, "timeoutSeconds");
  if (input->recording_timeout_s > 0)
    json_builder_add_int_value (builder, input->recording_timeout_s);
  else
    json_builder_add_null_value (builder);
  weir_api_add_boolean (builder, "requireSignedURLs", input->require_signed_urls);
  weir_api_add_json (builder, "allowedOrigins", input->allowed_origins);
  weir_api_add_boolean (builder, "hideLiveViewerCount", input->hide_live_viewer_count);
  json_builder_end_object (builder);
}

static void
add_links (
    JsonBuilder *builder, WeirApi *self, WeirHttpRequest *request, const WeirLiveInput *input)
{
  const WeirListeners *listeners = self->listeners;
  g_autofree gchar *base = weir_links_get_base (self->config, request);
  g_autofree gchar *rtmp = weir_links_get_ingest (self->config, request, "rtmp", listeners->rtmp);
  g_autofree gchar *addresses = self->rtmps != NULL ? weir_rtmps_get_addresses (self->rtmps) : NULL;
  g_autofree gchar *rtmps = weir_links_get_ingest (self->config, request, "rtmps", addresses);
  g_autofree gchar *hls = g_strdup_printf ("%s/%s/manifest/video.m3u8", base, input->uid);

  add_key (builder, "rtmp", rtmp, input->secrets[WEIR_SECRET_RTMP]);
  add_key (builder, "rtmps", rtmps, input->secrets[WEIR_SECRET_RTMP]);
  /* null marks what there are credentials for, but no service yet */
  add_key (builder, "rtmpsPlayback", NULL, input->secrets[WEIR_SECRET_RTMP_PLAYBACK]);
  add_srt (builder, "srt", "", input, input->secrets[WEIR_SECRET_SRT]);
  add_srt (builder, "srtPlayback", "play", input, input->secrets[WEIR_SECRET_SRT_PLAYBACK]);
  add_url (builder, "webRTC", NULL);
  add_url (builder, "webRTCPlayback", NULL);
  json_builder_set_member_name (builder, "playback");
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "hls", hls);
  weir_api_add_string (builder, "dash", NULL);
  json_builder_end_object (builder);
}

static JsonNode *
input_to_json (WeirApi *self, WeirHttpRequest *request, const WeirLiveInput *input)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (self->manager, input->uid);

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "uid", input->uid);
  add_links (builder, self, request, input);
  weir_api_add_time (builder, "created", input->created_us);
  weir_api_add_time (builder, "modified", input->modified_us);
  weir_api_add_boolean (builder, "enabled", input->enabled);
  weir_api_add_json (builder, "meta", input->meta);
  weir_api_add_string (builder, "defaultCreator", input->default_creator);
  if (input->prefer_low_latency >= 0)
    weir_api_add_boolean (builder, "preferLowLatency", input->prefer_low_latency);
  add_status (builder, status);
  weir_api_add_health (builder, status != NULL ? status->health : NULL);
  add_recording (builder, self, input);
  add_days (builder, input);
  if (input->keys_rotated_us > 0)
    weir_api_add_time (builder, "keysRotatedAt", input->keys_rotated_us);
  json_builder_end_object (builder);
  g_clear_pointer (&status, weir_broadcast_status_free);
  return json_builder_get_root (builder);
}

/* calls */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  WeirLiveInput *input; /* of a create call */
  gchar *id;
} Call;

static Call *
call_new (WeirApi *api, WeirHttpRequest *request, const gchar *id)
{
  Call *call = g_new0 (Call, 1);

  call->api = api;
  call->request = request;
  call->id = g_strdup (id);
  return call;
}

static void
call_free (Call *call)
{
  g_clear_pointer (&call->input, weir_live_input_free);
  g_free (call->id);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static void
make_credentials (WeirLiveInput *input)
{
  g_free (input->uid);
  input->uid = weir_random_hex (16);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++) {
    g_autofree gchar *secret = weir_random_hex (16);

    g_free (input->secrets[i]);
    input->secrets[i] = g_strdup_printf ("%sk%s", secret, input->uid);
  }
}

static void
created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_create_input_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_api_succeed (call->request, input_to_json (call->api, call->request, call->input));
}

static void
create (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  g_auto (WeirFault) fault = {0};
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  if (!weir_live_input_from_json (
          weir_http_request_get_body (request), self->config->limits.json_depth, input, &fault)) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  make_credentials (input);
  input->account = g_strdup (weir_auth_get_account (self->auth));
  input->created_us = input->modified_us = g_get_real_time ();
  call = call_new (self, request, input->uid);
  call->input = g_steal_pointer (&input);
  weir_store_create_input (self->store, call->input, created, call);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) inputs =
      weir_store_list_inputs_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree gchar *hint = NULL;

  if (inputs == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "liveInputs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < inputs->len; i++) {
    const WeirLiveInput *input = inputs->pdata[i];

    json_builder_begin_object (builder);
    weir_api_add_string (builder, "uid", input->uid);
    weir_api_add_time (builder, "created", input->created_us);
    weir_api_add_time (builder, "modified", input->modified_us);
    weir_api_add_json (builder, "meta", input->meta);
    weir_api_add_boolean (builder, "enabled", input->enabled);
    add_days (builder, input);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "range");
  json_builder_add_int_value (builder, inputs->len);
  json_builder_set_member_name (builder, "total");
  json_builder_add_int_value (builder, inputs->len);
  json_builder_end_object (builder);
  hint = call->api->rtmps != NULL ? weir_rtmps_get_hint (call->api->rtmps) : NULL;
  weir_api_succeed_with (call->request, json_builder_get_root (builder), WEIR_API_RTMPS_OFF, hint);
}

static void
list (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_READ))
    weir_store_list_inputs (
        self->store, weir_auth_get_account (self->auth), listed, call_new (self, request, NULL));
}

static void
got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input =
      weir_store_get_input_finish (WEIR_STORE (source), result, &error);

  if (input != NULL && strcmp (input->account, weir_auth_get_account (call->api->auth)) != 0)
    g_set_error (&error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "of another account");
  if (error != NULL)
    weir_api_fail_for_store (call->request, error);
  else
    weir_api_succeed (call->request, input_to_json (call->api, call->request, input));
}

static void
get (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *id = weir_route_parameters_get (parameters, "id");

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_READ))
    weir_store_get_input (self->store, id, got, call_new (self, request, id));
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  JsonNode *node;

  if (!weir_store_delete_input_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_broadcast_manager_revoke (call->api->manager, call->id, "The live input was deleted");
  node = json_node_init_string (json_node_alloc (), "");
  weir_api_succeed (call->request, node);
}

static void delete (
    WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *id = weir_route_parameters_get (parameters, "id");

  if (weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    weir_store_delete_input (
        self->store, weir_auth_get_account (self->auth), id, deleted, call_new (self, request, id));
}

/* operations of the hosted product's API that are not there */
static const struct {
  const gchar *method, *pattern, *reason;
} missing[] = {
    {"PUT", BASE "/live_inputs/{id}", "Live inputs cannot be changed yet"},
    {"POST", BASE "/live_inputs/{id}/rotate_keys", "Keys cannot be rotated yet"},
    {"POST", BASE "/live_inputs/{id}/end", "Broadcasts cannot be ended by the API yet"},
    {"GET", BASE "/live_inputs/{id}/videos", "Recordings are not listed yet"},
    {"GET", BASE "/live_inputs/{id}/outputs", "There are no outputs yet"},
    {"POST", BASE "/live_inputs/{id}/outputs", "There are no outputs yet"},
    {"PUT", BASE "/live_inputs/{id}/outputs/{output}", "There are no outputs yet"},
    {"DELETE", BASE "/live_inputs/{id}/outputs/{output}", "There are no outputs yet"},
    {"GET", BASE, "Recordings are not listed yet"},
    {"POST", BASE, "There are no uploads: Weir is for live streams"},
    {"POST", BASE "/copy", "There are no uploads: Weir is for live streams"},
    {"POST", BASE "/direct_upload", "There are no uploads: Weir is for live streams"},
    {"POST", BASE "/clip", "There are no clips yet"},
    {"GET", BASE "/storage-usage", "Storage is not accounted yet"},
    {"GET", BASE "/webhooks", "There are no webhooks yet"},
    {"POST", BASE "/webhooks", "There are no webhooks yet"},
    {"GET", BASE "/webhook", "There are no webhooks yet"},
    {"PUT", BASE "/webhook", "There are no webhooks yet"},
    {"DELETE", BASE "/webhook", "There are no webhooks yet"},
    {"GET", BASE "/keys", "There are no signing keys yet"},
    {"POST", BASE "/keys", "There are no signing keys yet"},
    {"DELETE", BASE "/keys/{key}", "There are no signing keys yet"},
    {"GET", BASE "/{video}", "Recordings are not managed by the API yet"},
    {"POST", BASE "/{video}", "Recordings are not managed by the API yet"},
    {"DELETE", BASE "/{video}", "Recordings are not managed by the API yet"},
    {"POST", BASE "/{video}/token", "There are no signing keys yet"},
    {"GET", BASE "/{video}/downloads", "There are no downloads yet"},
    {"POST", BASE "/{video}/downloads", "There are no downloads yet"},
    {"DELETE", BASE "/{video}/downloads", "There are no downloads yet"},
    {"GET", BASE "/{video}/captions", "There are no captions"},
    {"GET", BASE "/{video}/embed", "There is no embed code yet"},
};

typedef struct {
  WeirApi *api;
  const gchar *reason;
} Missing;

static void
say_missing (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  Missing *self = user_data;

  if (weir_api_accept (self->api, request, parameters, WEIR_ACCESS_READ))
    weir_api_fail (request, 501, WEIR_API_NOT_IMPLEMENTED, self->reason, NULL);
}

void
weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_JSON_DEPTH);
  weir_http_router_add (router, "POST", BASE "/live_inputs", create, self, NULL);
  weir_http_router_add (router, "GET", BASE "/live_inputs", list, self, NULL);
  weir_http_router_add (router, "GET", BASE "/live_inputs/{id}", get, self, NULL);
  weir_http_router_add (router, "DELETE", BASE "/live_inputs/{id}", delete, self, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (missing); i++) {
    Missing *entry = g_new0 (Missing, 1);

    entry->api = self;
    entry->reason = missing[i].reason;
    weir_http_router_add (
        router, missing[i].method, missing[i].pattern, say_missing, entry, g_free);
  }
}
