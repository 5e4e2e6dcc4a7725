/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/videos.h"

#include "api/json.h"
#include "api/jsonguard.h"
#include "recordings/settings.h"

#include <string.h>

#define BASE WEIR_API_STREAM

/* ---- what the API says of one ---- */

/* the newest configuration of a picture that the record knows; 0 without */
static void
find_size (const WeirBroadcastRecord *record, gint64 *width, gint64 *height)
{
  const gchar *inits = record->inits != NULL ? record->inits : "";
  const gchar *init, *track;

  *width = *height = 0;
  while ((init = weir_json_next_element (&inits)) != NULL) {
    const gchar *tracks = weir_json_find_member (init, "tracks", NULL);

    while (tracks != NULL && (track = weir_json_next_element (&tracks)) != NULL) {
      const gchar *across = weir_json_find_member (track, "width", NULL);
      const gchar *down = weir_json_find_member (track, "height", NULL);

      if (across == NULL)
        continue;
      *width = g_ascii_strtoll (across, NULL, 10);
      *height = down != NULL ? g_ascii_strtoll (down, NULL, 10) : 0;
      break;
    }
  }
}

static void
add_status (GString *json, const WeirBroadcastRecord *record)
{
  static const gchar *const states[] = {
      [WEIR_BROADCAST_LIVE] = "live-inprogress",
      [WEIR_BROADCAST_ENDED] = "inprogress",
      [WEIR_BROADCAST_READY] = "ready",
  };

  weir_json_begin_object (json, "status");
  weir_json_add_string (json, "state", states[record->state]);
  weir_json_add_string (
      json, "pctComplete", record->state == WEIR_BROADCAST_READY ? "100.000000" : "");
  weir_json_add_string (json, "errorReasonCode", "");
  weir_json_add_string (json, "errorReasonText", "");
  weir_json_end_object (json);
}

static void
add_media (GString *json, const WeirBroadcastRecord *record)
{
  gint64 width, height;

  /* the hosted product says -1 until the end; what is there can be played now */
  if (record->segments == 0)
    weir_json_add_int (json, "duration", -1);
  else
    weir_json_add_double (json, "duration", (gdouble) record->duration_us / G_USEC_PER_SEC);
  weir_json_add_int (json, "size", (gint64) record->size);
  find_size (record, &width, &height);
  weir_json_begin_object (json, "input");
  weir_json_add_int (json, "width", width);
  weir_json_add_int (json, "height", height);
  weir_json_end_object (json);
}

/* members of the settings, or what stands for them when they are not set */
static void
add_settings (GString *json, const WeirBroadcastRecord *record)
{
  static const struct {
    const gchar *name, *absent;
  } members[] = {
      {WEIR_RECORDING_META, "{}"},
      {WEIR_RECORDING_ALLOWED_ORIGINS, "[]"},
      {WEIR_RECORDING_REQUIRE_SIGNED_URLS, "false"},
      {WEIR_RECORDING_THUMBNAIL_PCT, "0"},
      {WEIR_RECORDING_PUBLIC_DETAILS, "null"},
  };
  const gchar *settings = record->settings;

  if (settings == NULL || !weir_json_check (settings, strlen (settings), WEIR_JSON_DEPTH_MAX, NULL))
    settings = "{}";
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    gsize size = strlen (members[i].absent);
    const gchar *value = weir_json_find_member (settings, members[i].name, &size);

    weir_json_add_piece (json, members[i].name, value != NULL ? value : members[i].absent, size);
  }
}

static void
add_links (GString *json, WeirApi *api, WeirHttpRequest *request, const gchar *uid)
{
  g_autofree gchar *base = weir_links_get_base (api->config, request);
  g_autofree gchar *preview = g_strdup_printf ("%s/%s/watch", base, uid);
  g_autofree gchar *hls = g_strdup_printf ("%s/%s/manifest/video.m3u8", base, uid);

  weir_json_add_string (json, "preview", preview);
  /* null is what is not there yet */
  weir_json_add_string (json, "thumbnail", NULL);
  weir_json_begin_object (json, "playback");
  weir_json_add_string (json, "hls", hls);
  weir_json_add_string (json, "dash", NULL);
  weir_json_end_object (json);
}

void
weir_api_add_video (
    GString *json, WeirApi *api, WeirHttpRequest *request, const WeirBroadcastRecord *record)
{
  static const gchar *const absent[] = {
      "clippedFrom", "uploadExpiry", "maxSizeBytes", "maxDurationSeconds", "watermark"};

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "uid", record->uid);
  weir_json_add_string (json, "creator", record->creator);
  weir_json_add_string (json, "liveInput", record->input);
  add_status (json, record);
  weir_json_add_boolean (json, "readyToStream", record->segments > 0);
  weir_json_add_time (json, "readyToStreamAt", record->segments > 0 ? record->created_us : 0);
  add_media (json, record);
  add_settings (json, record);
  weir_json_add_time (json, "created", record->created_us);
  weir_json_add_time (json, "modified", MAX (record->modified_us, record->created_us));
  weir_json_add_time (json, "uploaded", record->created_us);
  weir_json_add_time (json, "scheduledDeletion", record->delete_at_us);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    weir_json_add_string (json, absent[i], NULL);
  add_links (json, api, request, record->uid);
  weir_json_end_object (json);
}

/* ---- which ones are asked for ---- */

/* @states: (out): 0: nothing can be so */
static gboolean
read_query_states (WeirHttpRequest *request, guint *states, WeirFault *fault)
{
  static const struct {
    const gchar *name;
    guint states;
  } statuses[] = {
      {"pendingupload", 0},
      {"downloading", 0},
      {"queued", 0},
      {"inprogress", 1u << WEIR_BROADCAST_ENDED},
      {"ready", 1u << WEIR_BROADCAST_READY},
      {"error", 0},
      {"live-inprogress", 1u << WEIR_BROADCAST_LIVE},
  };
  const gchar *status = weir_http_request_get_query (request, "status");
  const gchar *type = weir_http_request_get_query (request, "type");

  *states = (1u << (WEIR_BROADCAST_READY + 1)) - 1;
  if (status != NULL) {
    guint i = 0;

    while (i < G_N_ELEMENTS (statuses) && !g_str_equal (status, statuses[i].name))
      i++;
    if (i == G_N_ELEMENTS (statuses))
      return weir_fault_refuse (fault, "/status",
          "must be pendingupload, downloading, queued, inprogress, ready, error or "
          "live-inprogress");
    *states = statuses[i].states;
  }
  if (type != NULL && !g_str_equal (type, "live") && !g_str_equal (type, "vod"))
    return weir_fault_refuse (fault, "/type", "must be live or vod");
  if (g_strcmp0 (type, "live") == 0)
    *states &= 1u << WEIR_BROADCAST_LIVE;
  if (g_strcmp0 (type, "vod") == 0)
    *states &= ~(1u << WEIR_BROADCAST_LIVE);
  return TRUE;
}

gboolean
weir_video_query_read (
    WeirHttpRequest *request, const gchar *account, WeirVideoQuery *query, WeirFault *fault)
{
  WeirVideoQuery read = {.filter = {.account = account, .recorded = TRUE}};
  WeirBroadcastFilter *filter = &read.filter;

  filter->creator = weir_http_request_get_query (request, "creator");
  filter->search = weir_http_request_get_query (request, "search");
  filter->name = weir_http_request_get_query (request, "video_name");
  if (filter->name == NULL)
    filter->name = weir_http_request_get_query (request, "name");
  filter->uid = weir_http_request_get_query (request, "id");
  filter->input = weir_http_request_get_query (request, "live_input_id");
  if (!read_query_states (request, &filter->states, fault) ||
      !weir_query_read_boolean (request, "asc", &filter->ascending, fault) ||
      !weir_query_read_boolean (request, "include_counts", &read.include_counts, fault) ||
      !weir_query_read_time (request, "start", "after", &filter->created_from_us, fault) ||
      !weir_query_read_time (request, "end", "before", &filter->created_before_us, fault) ||
      !weir_query_read_limit (request, WEIR_QUERY_LIMIT_MAX, &read.limit, fault))
    return FALSE;
  read.none = filter->states == 0;
  /* how many there are is known when all have been looked at */
  filter->limit = read.include_counts ? 0 : read.limit;
  *query = read;
  return TRUE;
}

/* ---- edits ---- */

#define CREATOR_SIZE_MAX 256
#define DETAIL_SIZE_MAX 2048

typedef struct {
  WeirBroadcastRecord *record;
  JsonObject *settings;
} Edit;

static gboolean
read_meta (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return weir_fault_refuse (fault, pointer, "must be an object");
  json_object_set_member (((Edit *) data)->settings, WEIR_RECORDING_META, json_node_copy (node));
  return TRUE;
}

static gboolean
read_allowed_origins (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  g_autofree gchar *text = NULL;

  if (!weir_field_read_origins (node, pointer, &text, fault))
    return FALSE;
  json_object_remove_member (((Edit *) data)->settings, WEIR_RECORDING_ALLOWED_ORIGINS);
  if (text != NULL)
    json_object_set_member (
        ((Edit *) data)->settings, WEIR_RECORDING_ALLOWED_ORIGINS, json_node_copy (node));
  return TRUE;
}

static gboolean
read_require_signed_urls (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  gboolean value = FALSE;

  if (!weir_field_read_boolean (node, pointer, &value, fault))
    return FALSE;
  /* a recording that was to be private must not be served to everyone */
  if (value)
    return weir_fault_refuse_as_missing (fault, pointer, "Signed URLs are not there yet");
  json_object_remove_member (((Edit *) data)->settings, WEIR_RECORDING_REQUIRE_SIGNED_URLS);
  return TRUE;
}

static gboolean
read_creator (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  return weir_field_read_nullable_string (
      node, pointer, 0, CREATOR_SIZE_MAX, &((Edit *) data)->record->creator, fault);
}

static gboolean
read_scheduled_deletion (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  Edit *edit = data;
  gint64 time_us = 0;

  if (!weir_field_read_time (node, pointer, &time_us, fault))
    return FALSE;
  if (time_us != 0 && time_us <= g_get_real_time ())
    return weir_fault_refuse (fault, pointer, "must be a time that is still to come, or null");
  edit->record->delete_at_us = time_us;
  /* what was said first does not count any more */
  json_object_remove_member (edit->settings, WEIR_RECORDING_DELETE_AFTER);
  return TRUE;
}

static gboolean
read_thumbnail_pct (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  gdouble value = 0;

  if (!weir_field_read_double (node, pointer, 0, 1, &value, fault))
    return FALSE;
  json_object_set_double_member (((Edit *) data)->settings, WEIR_RECORDING_THUMBNAIL_PCT, value);
  return TRUE;
}

static gboolean
read_detail (JsonNode *node, const gchar *pointer, G_GNUC_UNUSED gpointer data, WeirFault *fault)
{
  g_autofree gchar *text = NULL;

  return weir_field_read_nullable_string (node, pointer, 0, DETAIL_SIZE_MAX, &text, fault);
}

static gboolean
read_public_details (JsonNode *node, const gchar *pointer, gpointer data, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"title", read_detail, NULL},
      {"share_link", read_detail, NULL},
      {"channel_link", read_detail, NULL},
      {"logo", read_detail, NULL},
      {NULL, NULL, NULL},
  };
  JsonObject *settings = ((Edit *) data)->settings;

  if (JSON_NODE_HOLDS_NULL (node)) {
    json_object_remove_member (settings, WEIR_RECORDING_PUBLIC_DETAILS);
    return TRUE;
  }
  if (!weir_fields_read (node, pointer, fields, "publicDetails", NULL, fault))
    return FALSE;
  json_object_set_member (settings, WEIR_RECORDING_PUBLIC_DETAILS, json_node_copy (node));
  return TRUE;
}

gboolean
weir_video_edit_from_json (
    GBytes *body, guint depth_max, WeirBroadcastRecord *record, WeirFault *fault)
{
  static const WeirField fields[] = {
      {"meta", read_meta, NULL},
      {"allowedOrigins", read_allowed_origins, NULL},
      {"requireSignedURLs", read_require_signed_urls, NULL},
      {"creator", read_creator, NULL},
      {"scheduledDeletion", read_scheduled_deletion, NULL},
      {"thumbnailTimestampPct", read_thumbnail_pct, NULL},
      {"publicDetails", read_public_details, NULL},
      {"maxDurationSeconds", NULL, "There are no uploads: Weir is for live streams"},
      {"uploadExpiry", NULL, "There are no uploads: Weir is for live streams"},
      {NULL, NULL, NULL},
  };
  g_autoptr (JsonNode) root = weir_fields_parse (body, depth_max, fault);
  g_autoptr (WeirBroadcastRecord) edited = weir_broadcast_record_copy (record);
  g_autoptr (JsonObject) settings = weir_recording_parse_settings (record->settings);
  Edit edit = {edited, settings};
  WeirBroadcastRecord before = *record;

  if (root == NULL || !weir_fields_read (root, "", fields, "a video", &edit, fault))
    return FALSE;
  weir_recording_set_settings (edited, settings);
  *record = *edited;
  *edited = before;
  return TRUE;
}

/* ---- lists ---- */

/* Returns: (transfer full): the first @count of the call's rows at most */
static GString *
describe_rows (const WeirCall *call, guint count)
{
  GString *json = g_string_new (NULL);

  weir_json_begin_array (json, NULL);
  for (guint i = 0; i < MIN (call->rows->len, count); i++)
    weir_api_add_video (json, call->api, call->request, call->rows->pdata[i]);
  weir_json_end_array (json);
  return json;
}

void
weir_api_answer_videos (WeirCall *call)
{
  g_autoptr (GString) json = describe_rows (call, call->rows->len);

  weir_call_succeed (call, json->str);
}

static void
listed (WeirCall *call)
{
  const WeirVideoQuery *query = call->own;
  guint total = query->none ? 0 : call->rows->len;
  guint count = MIN (total, query->limit);
  g_autoptr (GString) json = describe_rows (call, count);
  g_autoptr (GString) counts = g_string_new (NULL);

  /* beside the result, as the hosted product has it */
  weir_json_add_int (counts, "range", count);
  weir_json_add_int (counts, "total", total);
  weir_call_succeed_with (call, json->str, query->include_counts ? counts->str : NULL);
}

static void
list (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};
  WeirVideoQuery query;
  WeirBroadcastFilter filter;

  if (!weir_video_query_read (call->request, call->account, &query, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  weir_call_set_own (call, g_memdup2 (&query, sizeof query), g_free);
  filter = query.filter;
  /* still asked, for the sake of one path: it costs one row */
  if (query.none)
    filter.limit = 1;
  weir_call_list_records (call, filter, listed);
}

/* ---- one video ---- */

static void
answer_video (WeirCall *call)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_api_add_video (json, call->api, call->request, call->record);
  weir_call_succeed (call, json->str);
}

static void
get (WeirCall *call)
{
  weir_call_get_record (call, call->id, answer_video);
}

/* edit: read, change, write; again when someone else came between */

static void edit (WeirCall *call);

static void
got_to_edit (WeirCall *call)
{
  WeirBroadcastRecord *record = call->record;
  g_auto (WeirFault) fault = {0};
  gint64 modified_us = record->modified_us;

  if (!weir_video_edit_from_json (weir_http_request_get_body (call->request),
          call->api->config->limits.json_depth, record, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  record->modified_us = MAX (g_get_real_time (), modified_us + 1);
  weir_store_edit_broadcast (
      call->api->store, record, modified_us, weir_call_done, weir_call_then (call, edit, get));
}

static void
edit (WeirCall *call)
{
  weir_call_get_record (call, call->id, got_to_edit);
}

static void
deleted (WeirCall *call)
{
  weir_call_succeed (call, "\"\"");
}

static void delete (WeirCall *call)
{
  weir_recordings_delete (call->api->recordings, call->account, call->id, weir_call_done,
      weir_call_then (call, NULL, deleted));
}

/* ---- usage ---- */

static const gchar *
get_creator (const WeirCall *call)
{
  return weir_http_request_get_query (call->request, "creator");
}

static void
usage_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) json = g_string_new (NULL);
  WeirStoreUsage usage;

  if (!weir_store_get_usage_finish (WEIR_STORE (source), result, &usage, &error)) {
    weir_call_fail_for_store (call, error);
    return;
  }
  weir_json_begin_object (json, NULL);
  if (get_creator (call) != NULL)
    weir_json_add_string (json, "creator", get_creator (call));
  weir_json_add_double (
      json, "totalStorageMinutes", (gdouble) usage.duration_us / G_USEC_PER_SEC / 60);
  weir_json_add_null (json, "totalStorageMinutesLimit");
  weir_json_add_int (json, "videoCount", (gint64) usage.broadcasts);
  weir_json_add_int (json, "totalStorageBytes", (gint64) usage.size);
  weir_json_end_object (json);
  weir_call_succeed (call, json->str);
}

static void
get_usage (WeirCall *call)
{
  weir_store_get_usage (call->api->store, call->account, get_creator (call), usage_known, call);
}

void
weir_videos_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"GET", BASE, WEIR_ACCESS_READ, list},
      {"GET", BASE "/storage-usage", WEIR_ACCESS_READ, get_usage},
      {"GET", BASE "/{id}", WEIR_ACCESS_READ, get},
      {"POST", BASE "/{id}", WEIR_ACCESS_WRITE, edit},
      {"DELETE", BASE "/{id}", WEIR_ACCESS_WRITE, delete},
  };

  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
