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

/* ---- calls ---- */

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *uid;           /* (nullable) */
  WeirVideoQuery query; /* of a list */
  gchar *creator;       /* (nullable) of usage */
  guint attempts;
} Call;

static void
call_free (Call *call)
{
  g_free (call->account);
  g_free (call->uid);
  g_free (call->creator);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* Returns: (nullable): NULL when the request was answered with a failure */
static Call *
begin_call (WeirApi *self, WeirHttpRequest *request, const WeirRouteParameters *parameters,
    WeirAccess access)
{
  Call *call;

  if (!weir_api_accept (self, request, parameters, access))
    return NULL;
  call = g_new0 (Call, 1);
  call->api = self;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->uid = g_strdup (weir_route_parameters_get (parameters, "video"));
  return call;
}

static void
answer_video (const Call *call, const WeirBroadcastRecord *record)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  weir_api_add_video (builder, call->api, call->request, record);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

/* of the envelope: beside the result, as the hosted product has it */
static void
answer_list (const Call *call, JsonNode *videos, guint range, guint total)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;
  WeirHttpResponse *response = weir_http_response_new (200);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "result");
  json_builder_add_value (builder, videos);
  weir_api_add_boolean (builder, "success", TRUE);
  weir_api_add_json (builder, "errors", "[]");
  weir_api_add_json (builder, "messages", "[]");
  weir_api_add_int (builder, "range", range);
  weir_api_add_int (builder, "total", total);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  weir_http_response_set_text (response, "application/json", text);
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  weir_http_request_respond (call->request, response);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;
  guint count;

  if (records == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  count = call->query.none ? 0 : MIN (records->len, call->query.limit);
  json_builder_begin_array (builder);
  for (guint i = 0; i < count; i++)
    weir_api_add_video (builder, call->api, call->request, records->pdata[i]);
  json_builder_end_array (builder);
  if (call->query.include_counts)
    answer_list (call, json_builder_get_root (builder), count, call->query.none ? 0 : records->len);
  else
    weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
list (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_autoptr (Call) call = begin_call (self, request, parameters, WEIR_ACCESS_READ);
  g_auto (WeirFault) fault = {0};
  WeirBroadcastFilter filter;

  if (call == NULL)
    return;
  if (!weir_video_query_read (request, call->account, &call->query, &fault)) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  filter = call->query.filter;
  /* still asked, for the sake of one path: it costs one row */
  if (call->query.none)
    filter.limit = 1;
  weir_store_list_broadcasts (self->store, &filter, listed, g_steal_pointer (&call));
}

/* Returns: (transfer full) (nullable): NULL when the call was answered with a failure */
static WeirBroadcastRecord *
take_record (const Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);

  if (record == NULL) {
    weir_api_fail_for_store (call->request, error);
    return NULL;
  }
  if (!record->recorded || !g_str_equal (record->account, call->account)) {
    weir_api_fail_as_missing (call->request);
    return NULL;
  }
  return g_steal_pointer (&record);
}

static void
got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (WeirBroadcastRecord) record = take_record (call, source, result);

  if (record != NULL)
    answer_video (call, record);
}

static void
get (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  Call *call = begin_call (self, request, parameters, WEIR_ACCESS_READ);

  if (call != NULL)
    weir_store_get_broadcast (self->store, call->uid, got, call);
}

/* ---- edit: read, change, write; again when someone else came between ---- */

#define ATTEMPTS_MAX 8

static void edit_found (GObject *source, GAsyncResult *result, gpointer user_data);

static void
edited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirStore *store = WEIR_STORE (source);
  g_autoptr (GError) error = NULL;
  const gchar *uid = call->uid;

  if (weir_store_edit_broadcast_finish (store, result, &error))
    weir_store_get_broadcast (store, uid, got, g_steal_pointer (&call));
  else if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED) &&
           ++call->attempts < ATTEMPTS_MAX)
    weir_store_get_broadcast (store, uid, edit_found, g_steal_pointer (&call));
  else
    weir_api_fail_for_store (call->request, error);
}

static void
edit_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirApi *self = call->api;
  g_autoptr (WeirBroadcastRecord) record = take_record (call, source, result);
  g_auto (WeirFault) fault = {0};
  gint64 modified_us;

  if (record == NULL)
    return;
  modified_us = record->modified_us;
  if (!weir_video_edit_from_json (weir_http_request_get_body (call->request),
          self->config->limits.json_depth, record, &fault)) {
    weir_fault_answer (&fault, call->request, self->counters);
    return;
  }
  record->modified_us = MAX (g_get_real_time (), modified_us + 1);
  weir_store_edit_broadcast (self->store, record, modified_us, edited, g_steal_pointer (&call));
}

static void
edit (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  Call *call = begin_call (self, request, parameters, WEIR_ACCESS_WRITE);

  if (call != NULL)
    weir_store_get_broadcast (self->store, call->uid, edit_found, call);
}

/* ---- the others ---- */

static void
deleted (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_recordings_delete_finish (call->api->recordings, result, &error))
    weir_api_succeed (call->request, json_node_init_string (json_node_alloc (), ""));
  else
    weir_api_fail_for_store (call->request, error);
}

static void delete (
    WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  Call *call = begin_call (self, request, parameters, WEIR_ACCESS_WRITE);

  if (call != NULL)
    weir_recordings_delete (self->recordings, call->account, call->uid, deleted, call);
}

static void
usage_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  WeirStoreUsage usage;

  if (!weir_store_get_usage_finish (WEIR_STORE (source), result, &usage, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  if (call->creator != NULL)
    weir_api_add_string (builder, "creator", call->creator);
  json_builder_set_member_name (builder, "totalStorageMinutes");
  json_builder_add_double_value (builder, (gdouble) usage.duration_us / G_USEC_PER_SEC / 60);
  weir_api_add_json (builder, "totalStorageMinutesLimit", NULL);
  weir_api_add_int (builder, "videoCount", (gint64) usage.broadcasts);
  weir_api_add_int (builder, "totalStorageBytes", (gint64) usage.size);
  json_builder_end_object (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
get_usage (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  Call *call = begin_call (self, request, parameters, WEIR_ACCESS_READ);

  if (call == NULL)
    return;
  call->creator = g_strdup (weir_http_request_get_query (request, "creator"));
  weir_store_get_usage (self->store, call->account, call->creator, usage_known, call);
}

void
weir_videos_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  weir_http_router_add (router, "GET", BASE, list, self, NULL);
  weir_http_router_add (router, "GET", BASE "/storage-usage", get_usage, self, NULL);
  weir_http_router_add (router, "GET", BASE "/{video}", get, self, NULL);
  weir_http_router_add (router, "POST", BASE "/{video}", edit, self, NULL);
  weir_http_router_add (router, "DELETE", BASE "/{video}", delete, self, NULL);
}
