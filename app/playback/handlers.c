/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/handlers.h"

#include "api/json.h"
#include "weir-web.h"

#include <string.h>

#define UID_SIZE 32
#define TRACKS_MAX 64
#define IMMUTABLE "public, max-age=31536000, immutable"
#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"

typedef enum {
  KIND_MULTIVARIANT,
  KIND_MEDIA,
  KIND_MUXED,
  KIND_SEGMENT, /* one track of it, or all with track -1 */
  KIND_PART,
  KIND_INIT,
  KIND_LIFECYCLE,
} Kind;

typedef struct {
  WeirPlayback *playback;
  WeirHttpRequest *request;
  Kind kind;
  gchar *id;
  guint64 epoch;
  guint64 number; /* of a segment, or the generation of an init */
  gint track;     /* -1: all */
  guint64 part;
  gboolean whole; /* the whole is asked for */
} Call;

static void
call_free (Call *call)
{
  g_free (call->id);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static WeirHttpResponse *
make_response (guint status, const gchar *cache_control)
{
  WeirHttpResponse *response = weir_http_response_new (status);

  weir_http_response_set_header (response, "Access-Control-Allow-Origin", "*");
  weir_http_response_set_header (
      response, "Access-Control-Expose-Headers", "Content-Length, Content-Range, Date");
  weir_http_response_set_header (response, "Cache-Control", cache_control);
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  return response;
}

static void
respond_short (WeirHttpRequest *request, guint status, const gchar *text)
{
  WeirHttpResponse *response = make_response (status, "max-age=1");

  weir_http_response_set_text (response, "text/plain; charset=utf-8", text);
  if (status == 503)
    weir_http_response_set_header (response, "Retry-After", "1");
  weir_http_request_respond (request, response);
}

static void
respond_missing (WeirHttpRequest *request)
{
  respond_short (request, 404, "Not found\n");
}

/* the input is known, but nothing is on: what the hosted product answers */
static void
respond_not_started (WeirHttpRequest *request)
{
  WeirHttpResponse *response = make_response (204, "max-age=1");

  weir_http_response_set_header (response, "Retry-After", "2");
  weir_http_request_respond (request, response);
}

/* playlists */

static guint
get_target_duration (GBytes *playlist)
{
  static const gchar tag[] = "#EXT-X-TARGETDURATION:";
  gsize size;
  const gchar *text = g_bytes_get_data (playlist, &size);
  const gchar *found = g_strstr_len (text, size, tag);
  guint value = 0;

  if (found == NULL)
    return 0;
  for (found += sizeof tag - 1; found < text + size && g_ascii_isdigit (*found); found++)
    value = MIN (value * 10 + (*found - '0'), 3600);
  return value;
}

static WeirIndexView
get_view (gboolean whole)
{
  return whole ? WEIR_INDEX_WHOLE : WEIR_INDEX_WINDOW;
}

/* What is live is shown at its edge, unless the viewer wants to go back (?dvrEnabled=true); what
 * has ended and is asked for by its own name is a recording. Whoever watches by the input's name
 * sees the end of what was live. What was not recorded has its window only. */
static GBytes *
get_multivariant_for (Call *call, WeirIndex *index)
{
  const gchar *dvr = weir_http_request_get_query (call->request, "dvrEnabled");
  gboolean whole =
      g_strcmp0 (dvr, "true") == 0 ||
      (weir_index_has_ended (index) && g_str_equal (call->id, weir_index_get_broadcast (index)));
  GBytes *playlist = weir_index_get_multivariant (index, get_view (whole));

  return playlist == NULL && whole ? weir_index_get_multivariant (index, WEIR_INDEX_WINDOW)
                                   : playlist;
}

/* Returns: (transfer full) (nullable) (element-type GBytes): in pieces */
static GPtrArray *
get_playlist (Call *call, WeirIndex *index)
{
  GBytes *multivariant;
  GPtrArray *pieces;

  if (call->kind == KIND_MEDIA)
    return weir_index_get_media (index, get_view (call->whole), call->track);
  if (call->kind == KIND_MUXED)
    return weir_index_get_muxed (index, get_view (call->whole));
  multivariant = get_multivariant_for (call, index);
  if (multivariant == NULL)
    return NULL;
  pieces = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (pieces, multivariant);
  return pieces;
}

static void
serve_playlist (Call *call, WeirIndex *index)
{
  g_autoptr (GPtrArray) playlist = get_playlist (call, index);
  g_autofree gchar *cache = NULL;
  WeirHttpResponse *response;

  if (playlist == NULL) {
    if (weir_index_is_playable (index) || weir_index_has_ended (index))
      respond_missing (call->request);
    else
      respond_not_started (call->request);
    return;
  }
  cache = g_strdup_printf ("max-age=%u", MAX (1, get_target_duration (playlist->pdata[0]) / 2));
  response = make_response (200, cache);
  weir_http_response_set_header (response, "Content-Type", PLAYLIST_TYPE);
  for (guint i = 0; i < playlist->len; i++)
    weir_http_response_add_bytes (response, playlist->pdata[i]);
  weir_http_request_respond (call->request, response);
}

/* segments, parts, inits */

static const gchar *
get_type (WeirIndex *index, guint64 epoch, guint generation, gint track)
{
  g_autoptr (GPtrArray) configs = NULL;
  const WeirCodecConfig *config;

  if (track < 0)
    return "video/mp4";
  configs = weir_index_get_configs (index, epoch, generation);
  if (configs == NULL || (guint) track >= configs->len)
    return "video/mp4";
  config = configs->pdata[track];
  return config != NULL && config->kind == WEIR_MEDIA_AUDIO ? "audio/mp4" : "video/mp4";
}

static void
release_blob (gpointer data)
{
  weir_blob_unref (data);
}

static void
add_range (WeirHttpResponse *response, WeirBlob *blob, guint64 offset, guint64 size)
{
  if (size > 0)
    weir_http_response_add_file (
        response, blob->fd, offset, size, weir_blob_ref (blob), release_blob);
}

/* the head of the object and the track's chunks, adjacent ones as one range */
static void
add_track (WeirHttpResponse *response, WeirBlob *blob, guint64 styp_size, GArray *parts)
{
  guint64 start = 0, end = styp_size;

  for (guint i = 0; i < parts->len; i++) {
    const WeirIndexPart *part = &g_array_index (parts, WeirIndexPart, i);

    if (part->offset != end) {
      add_range (response, blob, start, end - start);
      start = part->offset;
    }
    end = part->offset + part->size;
  }
  add_range (response, blob, start, end - start);
}

/* Returns: (nullable): the object's bytes, open */
static WeirBlob *
open_object (Call *call, WeirIndex *index)
{
  g_autofree gchar *name = NULL;
  g_autoptr (GError) error = NULL;
  WeirBlob *blob = weir_index_open_blob (index, call->epoch, call->number, &name);
  gint fd;

  if (blob != NULL || name == NULL)
    return blob;
  fd = weir_blobs_open (call->playback->blobs, name, &error);
  if (fd < 0) {
    g_info ("A listed segment cannot be opened: %s", error->message);
    return NULL;
  }
  return weir_blob_new (fd);
}

static void
serve_segment (Call *call, WeirIndex *index)
{
  g_autoptr (WeirIndexSegment) segment = weir_index_find (index, call->epoch, call->number);
  g_autoptr (WeirBlob) blob = NULL;
  g_autoptr (GArray) parts = NULL;
  g_autofree gchar *etag = NULL;
  WeirHttpResponse *response;

  /* what still grows has no URL as a whole; its parts have */
  if (segment != NULL && (call->kind == KIND_PART || segment->closed))
    blob = open_object (call, index);
  if (blob != NULL && call->track >= 0)
    parts = weir_index_get_track_parts (index, call->epoch, call->number, call->track);
  if (blob == NULL || (call->track >= 0 && (parts == NULL || parts->len == 0)) ||
      (call->kind == KIND_PART && call->part >= parts->len)) {
    respond_missing (call->request);
    return;
  }

  response = make_response (200, IMMUTABLE);
  weir_http_response_set_header (response, "Content-Type",
      get_type (index, call->epoch, segment->init_generation, call->track));
  if (call->kind == KIND_PART) {
    const WeirIndexPart *part = &g_array_index (parts, WeirIndexPart, call->part);

    add_range (response, blob, part->offset, part->size);
    etag =
        g_strdup_printf ("\"%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "-%d.%" G_GUINT64_FORMAT "\"",
            call->epoch, call->number, call->track, call->part);
  } else {
    if (call->track >= 0)
      add_track (response, blob, segment->styp_size, parts);
    else
      add_range (response, blob, 0, segment->size);
    etag =
        g_strdup_printf ("\"%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "-%d-%" G_GUINT64_FORMAT "\"",
            call->epoch, call->number, call->track, segment->size);
  }
  weir_http_response_set_header (response, "ETag", etag);
  weir_http_request_respond (call->request, response);
}

static void
serve_init (Call *call, WeirIndex *index)
{
  g_autoptr (GBytes) init = NULL;
  WeirHttpResponse *response;

  if (call->number <= G_MAXUINT)
    init = weir_index_get_init (index, call->epoch, call->number, call->track);
  if (init == NULL) {
    respond_missing (call->request);
    return;
  }
  response = make_response (200, IMMUTABLE);
  weir_http_response_set_body (
      response, get_type (index, call->epoch, call->number, call->track), init);
  weir_http_request_respond (call->request, response);
}

static void
serve (Call *call, WeirIndex *index)
{
  switch (call->kind) {
  case KIND_MULTIVARIANT:
  case KIND_MEDIA:
  case KIND_MUXED:
    serve_playlist (call, index);
    break;
  case KIND_SEGMENT:
  case KIND_PART:
    serve_segment (call, index);
    break;
  case KIND_INIT:
    serve_init (call, index);
    break;
  case KIND_LIFECYCLE:
    g_assert_not_reached ();
  }
}

/* lifecycle */

static void
serve_lifecycle (
    Call *call, gboolean is_input, const gchar *uid, WeirLifecycle state, gint64 deadline_us)
{
  g_autoptr (GString) json = g_string_new (NULL);
  WeirHttpResponse *response = make_response (200, "no-cache");

  weir_json_begin_object (json, NULL);
  weir_json_add_boolean (json, "isInput", is_input);
  weir_json_add_string (json, "videoUID", uid);
  weir_json_add_boolean (
      json, "live", state == WEIR_LIFECYCLE_LIVE || state == WEIR_LIFECYCLE_RECONNECTING);
  weir_json_add_string (json, "state", weir_lifecycle_get_name (state));
  if (state == WEIR_LIFECYCLE_RECONNECTING)
    weir_json_add_time (json, "deadline", deadline_us);
  weir_json_end_object (json);
  weir_http_response_set_text (response, "application/json", json->str);
  weir_http_request_respond (call->request, response);
}

/* what does not run: the store knows; on the main thread */

static void
fail_for_store (Call *call, const GError *error)
{
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    respond_missing (call->request);
  else
    respond_short (call->request, 503, "The store is unavailable\n");
}

static void
index_loaded (WeirIndex *index, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (index != NULL)
    serve (call, index);
  else
    respond_missing (call->request);
}

static void
broadcast_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);
  WeirPlayback *self = call->playback;

  if (record == NULL) {
    fail_for_store (call, error);
    return;
  }
  if (call->kind == KIND_LIFECYCLE) {
    serve_lifecycle (call, FALSE, record->uid,
        record->state == WEIR_BROADCAST_READY ? WEIR_LIFECYCLE_READY : WEIR_LIFECYCLE_ENDED, 0);
    return;
  }
  if (record->state == WEIR_BROADCAST_LIVE) {
    /* neither running here nor ended yet: being recovered */
    respond_short (call->request, 503, "Not recovered yet\n");
    return;
  }
  weir_broadcast_manager_load_index (
      self->manager, record->uid, index_loaded, g_steal_pointer (&call));
}

static void
input_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input =
      weir_store_get_input_finish (WEIR_STORE (source), result, &error);
  WeirPlayback *self;
  const gchar *id;

  if (input != NULL) {
    if (call->kind == KIND_LIFECYCLE)
      serve_lifecycle (call, TRUE, NULL, WEIR_LIFECYCLE_IDLE, 0);
    else if (call->kind <= KIND_MUXED)
      respond_not_started (call->request);
    else
      respond_missing (call->request);
    return;
  }
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    fail_for_store (call, error);
    return;
  }
  self = call->playback;
  id = call->id;
  weir_store_get_broadcast (self->store, id, broadcast_found, g_steal_pointer (&call));
}

/* on the server's thread */

static gboolean
is_uid (const gchar *text)
{
  return strlen (text) == UID_SIZE && strspn (text, "0123456789abcdef") == UID_SIZE;
}

static void
begin_lifecycle (Call *taken)
{
  g_autoptr (Call) call = taken;
  WeirPlayback *self = call->playback;
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (self->manager, call->id);

  if (status == NULL) {
    const gchar *id = call->id;

    weir_store_get_input (self->store, id, input_found, g_steal_pointer (&call));
    return;
  }
  serve_lifecycle (call, g_strcmp0 (status->input, call->id) == 0, status->uid, status->state,
      status->deadline_us);
  weir_broadcast_status_free (status);
}

static void
begin (WeirPlayback *self, WeirHttpRequest *request, const WeirRouteParameters *parameters,
    Kind kind, gboolean whole)
{
  const gchar *id = weir_route_parameters_get (parameters, "id");
  g_autoptr (Call) call = g_new0 (Call, 1);
  g_autoptr (WeirIndex) index = NULL;
  guint64 track = 0;

  call->playback = self;
  call->request = request;
  call->kind = kind;
  call->whole = whole;
  call->id = g_strdup (id);
  call->track = -1;
  if (!is_uid (id) ||
      (weir_route_parameters_get (parameters, "epoch") &&
          !weir_route_parameters_get_number (parameters, "epoch", &call->epoch)) ||
      (weir_route_parameters_get (parameters, "number") &&
          !weir_route_parameters_get_number (parameters, "number", &call->number)) ||
      (weir_route_parameters_get (parameters, "part") &&
          !weir_route_parameters_get_number (parameters, "part", &call->part)) ||
      (weir_route_parameters_get (parameters, "track") &&
          (!weir_route_parameters_get_number (parameters, "track", &track) ||
              track >= TRACKS_MAX))) {
    respond_missing (request);
    return;
  }
  if (weir_route_parameters_get (parameters, "track"))
    call->track = track;

  if (kind == KIND_LIFECYCLE) {
    begin_lifecycle (g_steal_pointer (&call));
    return;
  }
  index = weir_broadcast_manager_find_index (self->manager, id);
  if (index != NULL)
    serve (call, index);
  else
    weir_store_get_input (self->store, id, input_found, g_steal_pointer (&call));
}

#define HANDLER(name, kind, whole)                                                         \
  static void name (                                                                       \
      WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data) \
  {                                                                                        \
    begin (user_data, request, parameters, kind, whole);                                   \
  }

HANDLER (get_multivariant, KIND_MULTIVARIANT, FALSE)
HANDLER (get_media, KIND_MEDIA, FALSE)
HANDLER (get_whole_media, KIND_MEDIA, TRUE)
HANDLER (get_muxed, KIND_MUXED, FALSE)
HANDLER (get_whole_muxed, KIND_MUXED, TRUE)
HANDLER (get_segment, KIND_SEGMENT, FALSE)
HANDLER (get_part, KIND_PART, FALSE)
HANDLER (get_init, KIND_INIT, FALSE)
HANDLER (get_lifecycle, KIND_LIFECYCLE, FALSE)

static void
answer_preflight (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  WeirHttpResponse *response = make_response (204, "max-age=86400");

  weir_http_response_set_header (response, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  weir_http_response_set_header (response, "Access-Control-Allow-Headers", "Range, If-None-Match");
  weir_http_response_set_header (response, "Access-Control-Max-Age", "86400");
  weir_http_response_set_header (response, "Allow", "GET, HEAD, OPTIONS");
  weir_http_request_respond (request, response);
}

/* pages */

static const gchar *
get_page_type (const gchar *name)
{
  if (g_str_has_suffix (name, ".html"))
    return "text/html; charset=utf-8";
  if (g_str_has_suffix (name, ".css"))
    return "text/css; charset=utf-8";
  if (g_str_has_suffix (name, ".js"))
    return "text/javascript; charset=utf-8";
  if (g_str_has_suffix (name, ".svg"))
    return "image/svg+xml";
  if (g_str_has_suffix (name, ".json"))
    return "application/json";
  return "application/octet-stream";
}

void
weir_playback_respond_page (WeirHttpRequest *request, const gchar *name, guint max_age_s)
{
  g_autofree gchar *path = g_strconcat ("/weir/web/", name, NULL);
  g_autofree gchar *cache = g_strdup_printf ("max-age=%u", max_age_s);
  g_autoptr (GBytes) page =
      g_resource_lookup_data (weir_web_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  WeirHttpResponse *response;

  if (page == NULL) {
    respond_missing (request);
    return;
  }
  response = make_response (200, cache);
  weir_http_response_set_header (response, "Referrer-Policy", "no-referrer");
  weir_http_response_set_body (response, get_page_type (name), page);
  weir_http_request_respond (request, response);
}

static void
get_watch (WeirHttpRequest *request, const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  if (is_uid (weir_route_parameters_get (parameters, "id")))
    weir_playback_respond_page (request, "watch.html", 60);
  else
    respond_missing (request);
}

static void
get_page (WeirHttpRequest *request, const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  weir_playback_respond_page (request, weir_route_parameters_get (parameters, "name"), 300);
}

static const struct {
  const gchar *method, *pattern, *reason;
} missing[] = {
    {"GET", "/{id}/manifest/video.mpd", "There is no DASH yet\n"},
    {"GET", "/{id}/manifest/clip.m3u8", "There are no clips yet\n"},
    {"GET", "/{id}/clip.mp4", "There are no clips yet\n"},
    {"GET", "/{id}/iframe", "There is no embedded player yet: use /watch\n"},
    {"GET", "/{id}/views", "Viewers are not counted yet\n"},
    {"GET", "/{id}/thumbnails/{name}", "There are no thumbnails yet\n"},
    {"GET", "/{id}/downloads/{name}", "There are no downloads yet\n"},
    {"POST", "/{id}/webRTC/play", "There is no WHEP yet\n"},
    {"POST", "/{id}/webRTC/publish", "There is no WHIP yet\n"},
};

static void
say_missing (WeirHttpRequest *request, G_GNUC_UNUSED const WeirRouteParameters *parameters,
    gpointer user_data)
{
  respond_short (request, 501, user_data);
}

void
weir_playback_add_routes (WeirPlayback *self, WeirHttpRouter *router)
{
  static const struct {
    const gchar *pattern;
    WeirRouteHandler handler;
  } routes[] = {
      {"/{id}/manifest/video.m3u8", get_multivariant},
      {"/{id}/manifest/track{track}-all.m3u8", get_whole_media},
      {"/{id}/manifest/track{track}.m3u8", get_media},
      {"/{id}/manifest/muxed-all.m3u8", get_whole_muxed},
      {"/{id}/manifest/muxed.m3u8", get_muxed},
      {"/{id}/segments/{epoch}-{number}/track{track}.m4s", get_segment},
      {"/{id}/segments/{epoch}-{number}/track{track}.{part}.m4s", get_part},
      {"/{id}/segments/{epoch}-{number}.m4s", get_segment},
      {"/{id}/inits/{epoch}-{number}/track{track}.mp4", get_init},
      {"/{id}/inits/{epoch}-{number}.mp4", get_init},
      {"/{id}/lifecycle", get_lifecycle},
  };

  for (guint i = 0; i < G_N_ELEMENTS (routes); i++) {
    weir_http_router_add (router, "GET", routes[i].pattern, routes[i].handler, self, NULL);
    weir_http_router_add (router, "OPTIONS", routes[i].pattern, answer_preflight, self, NULL);
  }
  weir_http_router_add (router, "GET", "/{id}/watch", get_watch, self, NULL);
  weir_http_router_add (router, "GET", "/web/{name}", get_page, self, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (missing); i++)
    weir_http_router_add (router, missing[i].method, missing[i].pattern, say_missing,
        (gpointer) missing[i].reason, NULL);
}
