/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/live_input_json.h"

#include "api/envelope.h"
#include "api/json.h"
#include "api/health.h"

#include <string.h>

#define UID_SIZE 32
#define TIMEOUT_MAX_S 86400
#define DELETE_AFTER_MAX_DAYS 36500
#define CREATOR_SIZE_MAX 256

/* ---- what a request says ---- */

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

/* what a request to make, change or import an input may set */
#define SETTINGS                                                                     \
  {"meta", read_meta, NULL}, {"defaultCreator", read_creator, NULL},                 \
      {"enabled", read_enabled, NULL}, {"preferLowLatency", read_low_latency, NULL}, \
      {"deleteRecordingAfterDays", read_days, NULL},                                 \
  {                                                                                  \
    "recording", read_recording, NULL                                                \
  }

gboolean
weir_live_input_from_json (GBytes *body, guint depth_max, WeirLiveInput *input, WeirFault *fault)
{
  static const WeirField fields[] = {
      SETTINGS,
      {NULL, NULL, NULL},
  };
  g_autoptr (JsonNode) root = weir_fields_parse (body, depth_max, fault);

  return root != NULL &&
         weir_fields_read (root, "", fields, "a live input that can be set", input, fault);
}

/* ---- import ---- */

/* where the secret is in what the API says of an input */
static const gchar *const secret_pointers[WEIR_SECRET_LAST] = {
    [WEIR_SECRET_RTMP] = "/rtmps/streamKey",
    [WEIR_SECRET_RTMP_PLAYBACK] = "/rtmpsPlayback/streamKey",
    [WEIR_SECRET_SRT] = "/srt/passphrase",
    [WEIR_SECRET_SRT_PLAYBACK] = "/srtPlayback/passphrase",
    [WEIR_SECRET_WEBRTC] = "/webRTC/url",
};

static gboolean
is_hex (const gchar *text, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isdigit (text[i]) && (text[i] < 'a' || text[i] > 'f'))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_uid (const gchar *text)
{
  return strlen (text) == UID_SIZE && is_hex (text, UID_SIZE);
}

static gboolean
is_secret (const gchar *text)
{
  return strlen (text) == 2 * UID_SIZE + 1 && is_hex (text, UID_SIZE) && text[UID_SIZE] == 'k' &&
         is_uid (text + UID_SIZE + 1);
}

static gboolean
keep_secret (WeirLiveInput *input, WeirSecret kind, const gchar *text, const gchar *pointer,
    WeirFault *fault)
{
  if (!is_secret (text))
    return weir_fault_refuse (
        fault, pointer, "must have 32 hexadecimal digits, a k and the uid, in lower case");
  if (input->secrets[kind] != NULL && strcmp (input->secrets[kind], text) != 0)
    return weir_fault_refuse (fault, pointer, "is another one than that of rtmp or rtmps");
  g_free (input->secrets[kind]);
  input->secrets[kind] = g_strdup (text);
  return TRUE;
}

static gboolean
import_secret (
    JsonNode *node, const gchar *pointer, WeirLiveInput *input, WeirSecret kind, WeirFault *fault)
{
  return keep_secret (
      input, kind, weir_field_is_string (node) ? json_node_get_string (node) : "", pointer, fault);
}

static gboolean
import_key (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return import_secret (node, pointer, data, WEIR_SECRET_RTMP, fault);
}

static gboolean
import_playback_key (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return import_secret (node, pointer, data, WEIR_SECRET_RTMP_PLAYBACK, fault);
}

static gboolean
import_passphrase (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return import_secret (node, pointer, data, WEIR_SECRET_SRT, fault);
}

static gboolean
import_playback_passphrase (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return import_secret (node, pointer, data, WEIR_SECRET_SRT_PLAYBACK, fault);
}

/* the secret is a part of the path: https://HOST/SECRET/webRTC/publish */
static gboolean
import_publish_url (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  g_auto (GStrv) parts = NULL;
  guint count;

  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  parts = g_strsplit (weir_field_is_string (node) ? json_node_get_string (node) : "", "/", 32);
  count = g_strv_length (parts);
  if (count < 3 || strcmp (parts[count - 1], "publish") != 0 ||
      strcmp (parts[count - 2], "webRTC") != 0)
    return weir_fault_refuse (fault, pointer, "must end with /SECRET/webRTC/publish");
  return keep_secret (data, WEIR_SECRET_WEBRTC, parts[count - 3], pointer, fault);
}

/* what is about an address or a state of there */
static gboolean
leave_out (G_GNUC_UNUSED JsonNode *node, G_GNUC_UNUSED const gchar *pointer,
    G_GNUC_UNUSED gpointer data, G_GNUC_UNUSED WeirFault *fault)
{
  return TRUE;
}

#define IMPORT_OBJECT(name, what, ...)                                                             \
  static gboolean name (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)     \
  {                                                                                                \
    static const WeirField fields[] = {{"url", leave_out, NULL}, __VA_ARGS__, {NULL, NULL, NULL}}; \
                                                                                                   \
    return weir_fields_read (node, pointer, fields, what, data, fault);                            \
  }

IMPORT_OBJECT (import_rtmp, "rtmp", {"streamKey", import_key, NULL})
IMPORT_OBJECT (import_rtmp_playback, "rtmpsPlayback", {"streamKey", import_playback_key, NULL})
IMPORT_OBJECT (
    import_srt, "srt", {"streamId", leave_out, NULL}, {"passphrase", import_passphrase, NULL})
IMPORT_OBJECT (import_srt_playback, "srtPlayback", {"streamId", leave_out, NULL},
    {"passphrase", import_playback_passphrase, NULL})

static gboolean
import_web (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const WeirField fields[] = {{"url", import_publish_url, NULL}, {NULL, NULL, NULL}};

  return weir_fields_read (node, pointer, fields, "webRTC", data, fault);
}

static gboolean
import_uid (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  WeirLiveInput *input = data;

  if (!weir_field_is_string (node) || !is_uid (json_node_get_string (node)))
    return weir_fault_refuse (fault, pointer, "must have 32 hexadecimal digits, in lower case");
  return weir_field_read_string (node, pointer, UID_SIZE, UID_SIZE, &input->uid, fault);
}

static gboolean
import_created (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_time (node, pointer, &((WeirLiveInput *) data)->created_us, fault);
}

static gboolean
import_rotated (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_time (node, pointer, &((WeirLiveInput *) data)->keys_rotated_us, fault);
}

/* the stream id of @member, when it says one, is @prefix and the uid */
static gboolean
check_stream_id (JsonObject *object, const gchar *pointer, const gchar *member, const gchar *prefix,
    const gchar *uid, WeirFault *fault)
{
  JsonNode *node = json_object_get_member (object, member);
  JsonNode *id =
      node != NULL ? json_object_get_member (json_node_get_object (node), "streamId") : NULL;
  g_autofree gchar *expected = g_strconcat (prefix, uid, NULL);
  g_autofree gchar *at = g_strdup_printf ("%s/%s/streamId", pointer, member);

  if (id == NULL ||
      (weir_field_is_string (id) && strcmp (json_node_get_string (id), expected) == 0))
    return TRUE;
  return weir_fault_set (fault, 400, WEIR_API_INVALID, at, "must be %s", expected);
}

/* that all of it is of one input; its object has been read, so it is of the right types */
static gboolean
check_import (
    JsonObject *object, const gchar *pointer, const WeirLiveInput *input, WeirFault *fault)
{
  if (input->uid == NULL) {
    g_autofree gchar *at = g_strconcat (pointer, "/uid", NULL);

    return weir_fault_refuse (fault, at, "is needed");
  }
  for (guint i = 0; i < WEIR_SECRET_LAST; i++) {
    g_autofree gchar *at = g_strconcat (pointer, secret_pointers[i], NULL);

    if (input->secrets[i] != NULL && !g_str_has_suffix (input->secrets[i], input->uid))
      return weir_fault_refuse (fault, at, "must end with the uid");
  }
  return check_stream_id (object, pointer, "srt", "", input->uid, fault) &&
         check_stream_id (object, pointer, "srtPlayback", "play", input->uid, fault);
}

/* Returns: (transfer none): what the envelope holds, or @root itself. @pointer: (out): of it */
static JsonNode *
open_envelope (JsonNode *root, const gchar **pointer)
{
  JsonNode *result = NULL;

  *pointer = "";
  if (JSON_NODE_HOLDS_OBJECT (root) && !json_object_has_member (json_node_get_object (root), "uid"))
    result = json_object_get_member (json_node_get_object (root), "result");
  if (result == NULL)
    return root;
  *pointer = "/result";
  return result;
}

WeirLiveInput *
weir_live_input_import_from_json (GBytes *body, guint depth_max, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"uid", import_uid, NULL},
      {"rtmp", import_rtmp, NULL},
      {"rtmps", import_rtmp, NULL},
      {"rtmpsPlayback", import_rtmp_playback, NULL},
      {"srt", import_srt, NULL},
      {"srtPlayback", import_srt_playback, NULL},
      {"webRTC", import_web, NULL},
      {"webRTCPlayback", leave_out, NULL},
      {"playback", leave_out, NULL},
      {"created", import_created, NULL},
      {"modified", leave_out, NULL},
      {"keysRotatedAt", import_rotated, NULL},
      {"status", leave_out, NULL},
      {"health", leave_out, NULL},
      SETTINGS,
      {NULL, NULL, NULL},
  };
  g_autoptr (JsonNode) root = weir_fields_parse (body, depth_max, fault);
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  const gchar *pointer;
  JsonNode *node;

  if (root == NULL)
    return NULL;
  node = open_envelope (root, &pointer);
  if (weir_fields_read (node, pointer, fields, "a live input", input, fault) &&
      check_import (json_node_get_object (node), pointer, input, fault))
    return g_steal_pointer (&input);
  return NULL;
}

/* ---- what the API says about an input ---- */

static void
add_days (GString *json, const WeirLiveInput *input)
{
  if (input->delete_recording_after_days > 0)
    weir_json_add_int (json, "deleteRecordingAfterDays", input->delete_recording_after_days);
  else
    weir_json_add_null (json, "deleteRecordingAfterDays");
}

static void
add_key (GString *json, const gchar *name, const gchar *url, const gchar *key)
{
  weir_json_begin_object (json, name);
  weir_json_add_string (json, "url", url);
  weir_json_add_string (json, "streamKey", key);
  weir_json_end_object (json);
}

static void
add_srt (GString *json, const gchar *name, const gchar *prefix, const WeirLiveInput *input,
    const gchar *passphrase)
{
  g_autofree gchar *id = g_strconcat (prefix, input->uid, NULL);

  weir_json_begin_object (json, name);
  weir_json_add_string (json, "url", NULL);
  weir_json_add_string (json, "streamId", id);
  weir_json_add_string (json, "passphrase", passphrase);
  weir_json_end_object (json);
}

static void
add_url (GString *json, const gchar *name, const gchar *url)
{
  weir_json_begin_object (json, name);
  weir_json_add_string (json, "url", url);
  weir_json_end_object (json);
}

/* @last_seen_us: 0: as @entered_us */
static void
add_state (GString *json, const gchar *protocol, const gchar *state, const gchar *reason,
    gint64 entered_us, gint64 last_seen_us)
{
  weir_json_add_string (json, "ingestProtocol", protocol);
  weir_json_add_string (json, "state", state);
  weir_json_add_string (json, "reason", reason);
  weir_json_add_time (json, "statusEnteredAt", entered_us);
  weir_json_add_time (json, "statusLastSeen", MAX (last_seen_us, entered_us));
}

/* of a broadcast that runs */
static void
add_current (GString *json, const WeirBroadcastStatus *status)
{
  const gchar *state = "disconnected", *reason = "waiting_for_input";

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
  weir_json_begin_object (json, "current");
  add_state (json, status->protocol, state, reason, status->state_since_us, status->last_media_us);
  weir_json_add_time (json, "recordingPausedAt", status->paused_us);
  weir_json_add_string (json, "videoUID", status->uid);
  weir_json_add_time (json, "deadline", status->deadline_us);
  weir_json_end_object (json);
}

static void
add_past (GString *json, const gchar *name, const gchar *state, const gchar *reason,
    gint64 entered_us, gint64 last_seen_us)
{
  weir_json_begin_object (json, name);
  add_state (json, NULL, state, reason, entered_us, last_seen_us);
  weir_json_end_object (json);
}

/* newest first; with nothing running, the newest end is what is now */
static void
add_history (GString *json, const GPtrArray *broadcasts, gboolean running)
{
  gboolean told = running;

  for (guint i = 0; broadcasts != NULL && i < broadcasts->len; i++) {
    const WeirBroadcastRecord *record = broadcasts->pdata[i];

    if (record->ended_us == 0)
      continue;
    if (told)
      add_past (json, NULL, "disconnected", "waiting_for_input", record->ended_us, 0);
    told = TRUE;
    add_past (
        json, NULL, "connected", "connected_to_live_input", record->created_us, record->ended_us);
  }
}

/* Returns: when the last broadcast has ended; 0: there was none */
static gint64
find_last_end (const GPtrArray *broadcasts)
{
  for (guint i = 0; broadcasts != NULL && i < broadcasts->len; i++) {
    const WeirBroadcastRecord *record = broadcasts->pdata[i];

    if (record->ended_us > 0)
      return record->ended_us;
  }
  return 0;
}

/* null before the first broadcast */
static void
add_status (GString *json, const WeirBroadcastStatus *status, const GPtrArray *broadcasts)
{
  gint64 ended_us = find_last_end (broadcasts);

  if (status == NULL && ended_us == 0) {
    weir_json_add_null (json, "status");
    return;
  }
  weir_json_begin_object (json, "status");
  if (status != NULL)
    add_current (json, status);
  else
    add_past (json, "current", "disconnected", "waiting_for_input", ended_us, 0);
  weir_json_begin_array (json, "history");
  add_history (json, broadcasts, status != NULL);
  weir_json_end_array (json);
  weir_json_end_object (json);
}

static void
add_recording (GString *json, WeirApi *self, const WeirLiveInput *input)
{
  gboolean automatic = input->recording_mode == WEIR_RECORDING_DEFAULT
                           ? self->config->recording.automatic
                           : input->recording_mode == WEIR_RECORDING_AUTOMATIC;

  weir_json_begin_object (json, "recording");
  weir_json_add_string (json, "mode", automatic ? "automatic" : "off");
  if (input->recording_timeout_s > 0)
    weir_json_add_int (json, "timeoutSeconds", input->recording_timeout_s);
  else
    weir_json_add_null (json, "timeoutSeconds");
  weir_json_add_boolean (json, "requireSignedURLs", input->require_signed_urls);
  weir_json_add_text (json, "allowedOrigins", input->allowed_origins);
  weir_json_add_boolean (json, "hideLiveViewerCount", input->hide_live_viewer_count);
  weir_json_end_object (json);
}

static void
add_links (GString *json, WeirApi *self, WeirHttpRequest *request, const WeirLiveInput *input)
{
  const WeirListeners *listeners = self->listeners;
  g_autofree gchar *base = weir_links_get_base (self->config, request);
  g_autofree gchar *rtmp = weir_links_get_ingest (self->config, request, "rtmp", listeners->rtmp);
  g_autofree gchar *addresses = self->rtmps != NULL ? weir_rtmps_get_addresses (self->rtmps) : NULL;
  g_autofree gchar *rtmps = weir_links_get_ingest (self->config, request, "rtmps", addresses);
  g_autofree gchar *hls = g_strdup_printf ("%s/%s/manifest/video.m3u8", base, input->uid);

  add_key (json, "rtmp", rtmp, input->secrets[WEIR_SECRET_RTMP]);
  add_key (json, "rtmps", rtmps, input->secrets[WEIR_SECRET_RTMP]);
  /* null marks what there are credentials for, but no service yet */
  add_key (json, "rtmpsPlayback", NULL, input->secrets[WEIR_SECRET_RTMP_PLAYBACK]);
  add_srt (json, "srt", "", input, input->secrets[WEIR_SECRET_SRT]);
  add_srt (json, "srtPlayback", "play", input, input->secrets[WEIR_SECRET_SRT_PLAYBACK]);
  add_url (json, "webRTC", NULL);
  add_url (json, "webRTCPlayback", NULL);
  weir_json_begin_object (json, "playback");
  weir_json_add_string (json, "hls", hls);
  weir_json_add_string (json, "dash", NULL);
  weir_json_end_object (json);
}

gchar *
weir_live_input_to_json (WeirApi *self, WeirHttpRequest *request, const WeirLiveInput *input,
    const GPtrArray *broadcasts)
{
  g_autoptr (GString) json = g_string_new (NULL);
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (self->manager, input->uid);

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "uid", input->uid);
  add_links (json, self, request, input);
  weir_json_add_time (json, "created", input->created_us);
  weir_json_add_time (json, "modified", input->modified_us);
  weir_json_add_boolean (json, "enabled", input->enabled);
  weir_json_add_text (json, "meta", input->meta);
  weir_json_add_string (json, "defaultCreator", input->default_creator);
  if (input->prefer_low_latency >= 0)
    weir_json_add_boolean (json, "preferLowLatency", input->prefer_low_latency);
  add_status (json, status, broadcasts);
  weir_api_add_health (json, status != NULL ? status->health : NULL);
  add_recording (json, self, input);
  add_days (json, input);
  if (input->keys_rotated_us > 0)
    weir_json_add_time (json, "keysRotatedAt", input->keys_rotated_us);
  weir_json_end_object (json);
  g_clear_pointer (&status, weir_broadcast_status_free);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

gchar *
weir_live_inputs_to_json (const GPtrArray *inputs, guint64 total)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_json_begin_array (json, "liveInputs");
  for (guint i = 0; i < inputs->len; i++) {
    const WeirLiveInput *input = inputs->pdata[i];

    weir_json_begin_object (json, NULL);
    weir_json_add_string (json, "uid", input->uid);
    weir_json_add_time (json, "created", input->created_us);
    weir_json_add_time (json, "modified", input->modified_us);
    weir_json_add_text (json, "meta", input->meta);
    weir_json_add_boolean (json, "enabled", input->enabled);
    add_days (json, input);
    weir_json_end_object (json);
  }
  weir_json_end_array (json);
  weir_json_add_int (json, "range", inputs->len);
  weir_json_add_int (json, "total", (gint64) total);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}
