/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/videos.h"

#include "api/envelope.h"
#include "recordings/settings.h"

#include <string.h>

#define BASE WEIR_API_STREAM

/* ---- what the API says of one ---- */

/* the newest configuration of a picture that the record knows; 0 without */
static void
find_size (const WeirBroadcastRecord *record, gint64 *width, gint64 *height)
{
  g_autoptr (JsonNode) root = record->inits != NULL ? json_from_string (record->inits, NULL) : NULL;
  JsonArray *inits =
      root != NULL && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;

  *width = *height = 0;
  for (guint i = inits != NULL ? json_array_get_length (inits) : 0; i-- > 0;) {
    JsonNode *init = json_array_get_element (inits, i);
    JsonNode *tracks = JSON_NODE_HOLDS_OBJECT (init)
                           ? json_object_get_member (json_node_get_object (init), "tracks")
                           : NULL;
    guint length = tracks != NULL && JSON_NODE_HOLDS_ARRAY (tracks)
                       ? json_array_get_length (json_node_get_array (tracks))
                       : 0;

    for (guint k = 0; k < length; k++) {
      JsonNode *track = json_array_get_element (json_node_get_array (tracks), k);

      if (!JSON_NODE_HOLDS_OBJECT (track) ||
          !json_object_has_member (json_node_get_object (track), "width"))
        continue;
      *width = json_object_get_int_member_with_default (json_node_get_object (track), "width", 0);
      *height = json_object_get_int_member_with_default (json_node_get_object (track), "height", 0);
      return;
    }
  }
}

static void
add_status (JsonBuilder *builder, const WeirBroadcastRecord *record)
{
  static const gchar *const states[] = {
      [WEIR_BROADCAST_LIVE] = "live-inprogress",
      [WEIR_BROADCAST_ENDED] = "inprogress",
      [WEIR_BROADCAST_READY] = "ready",
  };

  json_builder_set_member_name (builder, "status");
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "state", states[record->state]);
  weir_api_add_string (
      builder, "pctComplete", record->state == WEIR_BROADCAST_READY ? "100.000000" : "");
  weir_api_add_string (builder, "errorReasonCode", "");
  weir_api_add_string (builder, "errorReasonText", "");
  json_builder_end_object (builder);
}

static void
add_media (JsonBuilder *builder, const WeirBroadcastRecord *record)
{
  gint64 width, height;

  /* the hosted product says -1 until the end; what is there can be played now */
  json_builder_set_member_name (builder, "duration");
  if (record->segments == 0)
    json_builder_add_int_value (builder, -1);
  else
    json_builder_add_double_value (builder, (gdouble) record->duration_us / G_USEC_PER_SEC);
  weir_api_add_int (builder, "size", (gint64) record->size);
  find_size (record, &width, &height);
  json_builder_set_member_name (builder, "input");
  json_builder_begin_object (builder);
  weir_api_add_int (builder, "width", width);
  weir_api_add_int (builder, "height", height);
  json_builder_end_object (builder);
}

/* a member of the settings, or what stands for it when it is not set */
static void
add_setting (JsonBuilder *builder, JsonObject *settings, const gchar *name, const gchar *absent)
{
  JsonNode *node = json_object_get_member (settings, name);
  g_autofree gchar *text = node != NULL ? json_to_string (node, FALSE) : NULL;

  weir_api_add_json (builder, name, text != NULL ? text : absent);
}

static void
add_settings (JsonBuilder *builder, const WeirBroadcastRecord *record)
{
  g_autoptr (JsonObject) settings = weir_recording_parse_settings (record->settings);

  add_setting (builder, settings, WEIR_RECORDING_META, "{}");
  add_setting (builder, settings, WEIR_RECORDING_ALLOWED_ORIGINS, "[]");
  add_setting (builder, settings, WEIR_RECORDING_REQUIRE_SIGNED_URLS, "false");
  add_setting (builder, settings, WEIR_RECORDING_THUMBNAIL_PCT, "0");
  add_setting (builder, settings, WEIR_RECORDING_PUBLIC_DETAILS, "null");
}

static void
add_links (JsonBuilder *builder, WeirApi *api, WeirHttpRequest *request, const gchar *uid)
{
  g_autofree gchar *base = weir_links_get_base (api->config, request);
  g_autofree gchar *preview = g_strdup_printf ("%s/%s/watch", base, uid);
  g_autofree gchar *hls = g_strdup_printf ("%s/%s/manifest/video.m3u8", base, uid);

  weir_api_add_string (builder, "preview", preview);
  /* null is what is not there yet */
  weir_api_add_string (builder, "thumbnail", NULL);
  json_builder_set_member_name (builder, "playback");
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "hls", hls);
  weir_api_add_string (builder, "dash", NULL);
  json_builder_end_object (builder);
}

void
weir_api_add_video (
    JsonBuilder *builder, WeirApi *api, WeirHttpRequest *request, const WeirBroadcastRecord *record)
{
  static const gchar *const absent[] = {
      "clippedFrom", "uploadExpiry", "maxSizeBytes", "maxDurationSeconds", "watermark"};

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "uid", record->uid);
  weir_api_add_string (builder, "creator", record->creator);
  weir_api_add_string (builder, "liveInput", record->input);
  add_status (builder, record);
  weir_api_add_boolean (builder, "readyToStream", record->segments > 0);
  weir_api_add_time (builder, "readyToStreamAt", record->segments > 0 ? record->created_us : 0);
  add_media (builder, record);
  add_settings (builder, record);
  weir_api_add_time (builder, "created", record->created_us);
  weir_api_add_time (builder, "modified", MAX (record->modified_us, record->created_us));
  weir_api_add_time (builder, "uploaded", record->created_us);
  weir_api_add_time (builder, "scheduledDeletion", record->delete_at_us);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    weir_api_add_string (builder, absent[i], NULL);
  add_links (builder, api, request, record->uid);
  json_builder_end_object (builder);
}
