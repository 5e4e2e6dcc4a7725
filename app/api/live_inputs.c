/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/live_inputs.h"

#include "api/envelope.h"
#include "api/health.h"
#include "api/jsonguard.h"

#include <string.h>

#define BASE "/client/v4/accounts/{account}/stream"
#define TIMEOUT_MAX_S 86400
#define DELETE_AFTER_MAX_DAYS 36500
#define CREATOR_SIZE_MAX 256
#define ORIGINS_MAX 100
#define ORIGIN_SIZE_MAX 253

/* what a create request says */

typedef struct {
  guint status;
  gint code;
  gchar *message;
  gchar *pointer;
} Fault;

static gboolean
refuse (Fault *fault, const gchar *pointer, const gchar *message)
{
  fault->status = 400;
  fault->code = WEIR_API_INVALID;
  fault->pointer = g_strdup (pointer);
  fault->message = g_strdup (message);
  return FALSE;
}

static gboolean
refuse_as_missing (Fault *fault, const gchar *pointer, const gchar *message)
{
  refuse (fault, pointer, message);
  fault->status = 501;
  fault->code = WEIR_API_NOT_IMPLEMENTED;
  return FALSE;
}

static gboolean
is_boolean (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN;
}

static gboolean
is_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
read_boolean (JsonNode *node, const gchar *pointer, gboolean *value, Fault *fault)
{
  if (!is_boolean (node))
    return refuse (fault, pointer, "must be true or false");
  *value = json_node_get_boolean (node);
  return TRUE;
}

/* null is 0 */
static gboolean
read_number (
    JsonNode *node, const gchar *pointer, gint minimum, gint maximum, gint *value, Fault *fault)
{
  g_autofree gchar *message = NULL;

  if (JSON_NODE_HOLDS_NULL (node)) {
    *value = 0;
    return TRUE;
  }
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64) {
    gint64 number = json_node_get_int (node);

    if (number >= minimum && number <= maximum) {
      *value = number;
      return TRUE;
    }
  }
  message = g_strdup_printf ("must be a whole number from %d to %d, or null", minimum, maximum);
  return refuse (fault, pointer, message);
}

static gboolean
read_mode (JsonNode *node, const gchar *pointer, WeirLiveInput *input, Fault *fault)
{
  const gchar *mode = is_string (node) ? json_node_get_string (node) : "";

  if (strcmp (mode, "off") == 0)
    input->recording_mode = WEIR_RECORDING_OFF;
  else if (strcmp (mode, "automatic") == 0)
    input->recording_mode = WEIR_RECORDING_AUTOMATIC;
  else
    return refuse (fault, pointer, "must be \"off\" or \"automatic\"");
  return TRUE;
}

static gboolean
read_origins (JsonNode *node, const gchar *pointer, WeirLiveInput *input, Fault *fault)
{
  JsonArray *array;

  if (JSON_NODE_HOLDS_NULL (node)) {
    g_clear_pointer (&input->allowed_origins, g_free);
    return TRUE;
  }
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return refuse (fault, pointer, "must be a list of host names, or null");
  array = json_node_get_array (node);
  if (json_array_get_length (array) > ORIGINS_MAX)
    return refuse (fault, pointer, "has too many entries");
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    const gchar *origin = is_string (element) ? json_node_get_string (element) : "";
    g_autofree gchar *at = g_strdup_printf ("%s/%u", pointer, i);

    if (*origin == '\0' || strlen (origin) > ORIGIN_SIZE_MAX || strpbrk (origin, "/ \"'\\") != NULL)
      return refuse (fault, at, "must be a host name without scheme and path");
  }
  g_free (input->allowed_origins);
  input->allowed_origins = json_to_string (node, FALSE);
  return TRUE;
}

static gboolean
read_recording_member (
    const gchar *name, JsonNode *node, const gchar *pointer, WeirLiveInput *input, Fault *fault)
{
  if (strcmp (name, "mode") == 0)
    return read_mode (node, pointer, input, fault);
  if (strcmp (name, "timeoutSeconds") == 0)
    return read_number (node, pointer, 0, TIMEOUT_MAX_S, &input->recording_timeout_s, fault);
  if (strcmp (name, "hideLiveViewerCount") == 0)
    return read_boolean (node, pointer, &input->hide_live_viewer_count, fault);
  if (strcmp (name, "allowedOrigins") == 0)
    return read_origins (node, pointer, input, fault);
  if (strcmp (name, "requireSignedURLs") == 0) {
    if (!read_boolean (node, pointer, &input->require_signed_urls, fault))
      return FALSE;
    /* a stream that was to be private must not be served to everyone */
    if (input->require_signed_urls)
      return refuse_as_missing (fault, pointer, "Signed URLs are not there yet");
    return TRUE;
  }
  return refuse (fault, pointer, "is not a field of recording");
}

static gchar *
make_pointer (const gchar *prefix, const gchar *name)
{
  g_auto (GStrv) tildes = g_strsplit (name, "~", -1);
  g_autofree gchar *escaped = g_strjoinv ("~0", tildes);
  g_auto (GStrv) slashes = g_strsplit (escaped, "/", -1);
  g_autofree gchar *token = g_strjoinv ("~1", slashes);

  return g_strdup_printf ("%s/%s", prefix, token);
}

static gboolean
read_recording (JsonNode *node, WeirLiveInput *input, Fault *fault)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (fault, "/recording", "must be an object");
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &member)) {
    g_autofree gchar *pointer = make_pointer ("/recording", name);

    if (!read_recording_member (name, member, pointer, input, fault))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_creator (JsonNode *node, const gchar *pointer, WeirLiveInput *input, Fault *fault)
{
  if (!JSON_NODE_HOLDS_NULL (node) &&
      (!is_string (node) || strlen (json_node_get_string (node)) > CREATOR_SIZE_MAX))
    return refuse (fault, pointer, "must be a string of at most 256 bytes, or null");
  g_free (input->default_creator);
  input->default_creator = g_strdup (is_string (node) ? json_node_get_string (node) : NULL);
  return TRUE;
}

static gboolean
read_member (
    const gchar *name, JsonNode *node, const gchar *pointer, WeirLiveInput *input, Fault *fault)
{
  if (strcmp (name, "meta") == 0) {
    if (!JSON_NODE_HOLDS_OBJECT (node))
      return refuse (fault, pointer, "must be an object");
    g_free (input->meta);
    input->meta = json_to_string (node, FALSE);
    return TRUE;
  }
  if (strcmp (name, "defaultCreator") == 0)
    return read_creator (node, pointer, input, fault);
  if (strcmp (name, "enabled") == 0)
    return read_boolean (node, pointer, &input->enabled, fault);
  if (strcmp (name, "preferLowLatency") == 0)
    return read_boolean (node, pointer, &input->prefer_low_latency, fault);
  if (strcmp (name, "deleteRecordingAfterDays") == 0)
    return read_number (
        node, pointer, 1, DELETE_AFTER_MAX_DAYS, &input->delete_recording_after_days, fault);
  if (strcmp (name, "recording") == 0)
    return read_recording (node, input, fault);
  return refuse (fault, pointer, "is not a field of a live input");
}

static gboolean
read_input (JsonNode *root, WeirLiveInput *input, Fault *fault)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (root))
    return refuse (fault, "", "The body must be a JSON object");
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &member)) {
    g_autofree gchar *pointer = make_pointer ("", name);

    if (!read_member (name, member, pointer, input, fault))
      return FALSE;
  }
  return TRUE;
}

WeirLiveInput *
weir_live_input_from_json (GBytes *body, guint depth_max, const gchar **limit, guint *status,
    gint *code, gchar **message, gchar **pointer)
{
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  Fault fault = {0};

  input->enabled = TRUE;
  input->prefer_low_latency = -1;
  if (input->meta == NULL)
    input->meta = g_strdup ("{}");
  if (body == NULL || g_bytes_get_size (body) == 0)
    return g_steal_pointer (&input);

  root = weir_json_parse (body, depth_max, &error);
  if (root == NULL)
    refuse (&fault, "", error->message);
  else if (read_input (root, input, &fault))
    return g_steal_pointer (&input);
  *limit = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE) ? WEIR_LIMIT_JSON_DEPTH : NULL;
  *status = fault.status;
  *code = fault.code;
  *message = fault.message;
  *pointer = fault.pointer;
  return NULL;
}

/* what the API says about an input */

static void
add_json (JsonBuilder *builder, const gchar *name, const gchar *text)
{
  g_autoptr (JsonNode) node = text ? json_from_string (text, NULL) : NULL;

  json_builder_set_member_name (builder, name);
  if (node != NULL)
    json_builder_add_value (builder, g_steal_pointer (&node));
  else
    json_builder_add_null_value (builder);
}

static void
add_boolean (JsonBuilder *builder, const gchar *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

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
  add_boolean (builder, "requireSignedURLs", input->require_signed_urls);
  add_json (builder, "allowedOrigins", input->allowed_origins);
  add_boolean (builder, "hideLiveViewerCount", input->hide_live_viewer_count);
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
  add_boolean (builder, "enabled", input->enabled);
  add_json (builder, "meta", input->meta);
  weir_api_add_string (builder, "defaultCreator", input->default_creator);
  if (input->prefer_low_latency >= 0)
    add_boolean (builder, "preferLowLatency", input->prefer_low_latency);
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
fail_for_store (WeirHttpRequest *request, const GError *error)
{
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail (request, 404, WEIR_API_NOT_FOUND,
        "Not Found: The requested resource or operation was not found.", NULL);
    return;
  }
  g_info ("The store refused an API call: %s", error->message);
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE))
    weir_api_fail (request, 503, WEIR_API_UNAVAILABLE, "The store is unavailable", NULL);
  else
    weir_api_fail (request, 500, WEIR_API_INTERNAL, "Internal error", NULL);
}

gboolean
weir_api_has_token (WeirApi *self, WeirHttpRequest *request)
{
  return weir_auth_check (self->auth, weir_http_request_get_header (request, "Authorization"));
}

gboolean
weir_api_accept (WeirApi *self, WeirHttpRequest *request, const WeirRouteParameters *parameters)
{
  const gchar *account = weir_route_parameters_get (parameters, "account");

  if (!weir_links_is_host_allowed (self->config, weir_http_request_get_host (request))) {
    weir_api_fail (request, 403, WEIR_API_HOST_REFUSED,
        "API calls need a Host that is http.public-url's, server.public-host, a numeric address or "
        "localhost",
        NULL);
    return FALSE;
  }
  if (!weir_api_has_token (self, request)) {
    WeirHttpResponse *response =
        weir_api_failure (401, WEIR_API_UNAUTHORISED, "Authentication error", NULL);

    weir_http_response_set_header (response, "WWW-Authenticate", "Bearer");
    weir_http_request_respond (request, response);
    return FALSE;
  }
  if (account != NULL && strcmp (account, weir_auth_get_account (self->auth)) != 0) {
    weir_api_fail (
        request, 403, WEIR_API_UNAUTHORISED, "The token does not belong to this account", NULL);
    return FALSE;
  }
  return TRUE;
}

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
    fail_for_store (call->request, error);
    return;
  }
  weir_api_succeed (call->request, input_to_json (call->api, call->request, call->input));
}

static void
create (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_autoptr (WeirLiveInput) input = NULL;
  g_autofree gchar *message = NULL, *pointer = NULL;
  const gchar *limit;
  guint status;
  gint code;
  Call *call;

  if (!weir_api_accept (self, request, parameters))
    return;
  input = weir_live_input_from_json (weir_http_request_get_body (request),
      self->config->limits.json_depth, &limit, &status, &code, &message, &pointer);
  if (input == NULL) {
    if (limit != NULL)
      weir_counters_add (self->counters, limit);
    weir_api_fail (request, status, code, message, pointer);
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
    fail_for_store (call->request, error);
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
    add_json (builder, "meta", input->meta);
    add_boolean (builder, "enabled", input->enabled);
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

  if (weir_api_accept (self, request, parameters))
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
    fail_for_store (call->request, error);
  else
    weir_api_succeed (call->request, input_to_json (call->api, call->request, input));
}

static void
get (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *id = weir_route_parameters_get (parameters, "id");

  if (weir_api_accept (self, request, parameters))
    weir_store_get_input (self->store, id, got, call_new (self, request, id));
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  JsonNode *node;

  if (!weir_store_delete_input_finish (WEIR_STORE (source), result, &error)) {
    fail_for_store (call->request, error);
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

  if (weir_api_accept (self, request, parameters))
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
    {"GET", BASE "/events", "There is no event log yet"},
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

  if (weir_api_accept (self->api, request, parameters))
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
