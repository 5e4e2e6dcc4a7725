/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/events.h"

#include "api/call.h"

#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
/* events that one request looks at for those that it wants */
#define SCAN_MAX 10000
#define SCAN_STEP 500
#define CURSOR_DIGITS_MAX 18
#define NOW "now"

#define FOLLOW_STEP 100
/* what is written at a time; far below what a stream holds */
#define FOLLOW_BYTES (64 * 1024)
#define KEEPALIVE_S 15

gboolean
weir_api_read_cursor (const gchar *text, guint64 *cursor)
{
  gsize size = text != NULL ? strlen (text) : 0;

  if (text != NULL && strcmp (text, NOW) == 0) {
    *cursor = WEIR_STORE_NEWEST;
    return TRUE;
  }
  if (text != NULL &&
      (size == 0 || size > CURSOR_DIGITS_MAX || strspn (text, "0123456789") != size))
    return FALSE;
  *cursor = text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
  return TRUE;
}

gchar *
weir_api_event_to_text (const WeirEvent *event)
{
  g_autofree gchar *json = weir_event_to_json (event);

  return g_strdup_printf (
      "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n", event->sequence, event->type, json);
}

/* (nullable): NULL matches all */
static gboolean
is_wanted (const WeirEvent *event, GStrv patterns)
{
  return patterns == NULL || weir_event_type_matches (event->type, (const gchar *const *) patterns);
}

/* @events: of WEIR_STORE_NEWEST. Returns: where to go on from */
static guint64
get_newest (GPtrArray *events)
{
  return events->len > 0 ? ((const WeirEvent *) events->pdata[0])->sequence : 0;
}

/* lists */

/* what steps share */
typedef struct {
  GStrv patterns; /* (nullable) */
  guint64 cursor; /* what has been looked at */
  guint limit;
  guint asked;
  guint scanned;
  guint found;
  GString *json; /* of those found */
} Listing;

static void
listing_free (gpointer data)
{
  Listing *self = data;

  g_strfreev (self->patterns);
  g_string_free (self->json, TRUE);
  g_free (self);
}

static void ask (WeirCall *call);

static void
answer (WeirCall *call, gboolean more)
{
  const Listing *self = call->own;

  weir_json_end_array (self->json);
  weir_json_add_int (self->json, "cursor", (gint64) self->cursor);
  weir_json_add_boolean (self->json, "more", more);
  weir_json_end_object (self->json);
  weir_call_succeed (call, self->json->str);
}

/* Returns: whether there are more */
static gboolean
look_at (Listing *self, const GPtrArray *events)
{
  guint i;

  for (i = 0; i < events->len && self->found < self->limit; i++) {
    const WeirEvent *event = events->pdata[i];

    self->cursor = event->sequence;
    self->scanned++;
    if (!is_wanted (event, self->patterns))
      continue;
    weir_event_add_json (self->json, event);
    self->found++;
  }
  return i < events->len || events->len == self->asked;
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *call = user_data;
  Listing *self = call->own;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events =
      weir_store_list_events_finish (WEIR_STORE (source), result, &error);
  gboolean more;

  if (events == NULL) {
    weir_call_fail_for_store (call, error);
    return;
  }
  if (self->cursor == WEIR_STORE_NEWEST) {
    self->cursor = get_newest (events);
    answer (call, FALSE);
    return;
  }
  more = look_at (self, events);
  if (more && self->found < self->limit && self->scanned < SCAN_MAX)
    ask (call);
  else
    answer (call, more);
}

static void
ask (WeirCall *call)
{
  Listing *self = call->own;

  /* one more than is wanted tells whether there are more */
  self->asked = self->patterns != NULL ? SCAN_STEP : self->limit + 1;
  weir_store_list_events (call->api->store, call->account, self->cursor, self->asked, listed, call);
}

/* @patterns: (transfer full) (nullable) */
static void
list (WeirCall *call, GStrv patterns, guint64 cursor, guint limit)
{
  Listing *self = g_new0 (Listing, 1);

  self->patterns = patterns;
  self->cursor = cursor;
  self->limit = limit;
  self->json = g_string_new (NULL);
  weir_json_begin_object (self->json, NULL);
  weir_json_begin_array (self->json, "events");
  weir_call_set_own (call, self, listing_free);
  ask (call);
}

/* followers */

typedef struct {
  WeirApi *api;
  gchar *account;
  gchar *authorization;
  GStrv patterns; /* (nullable) */
  WeirHttpStream *stream;

  /* main thread */
  guint64 cursor;
  gboolean stopped;
  gboolean fetching;
  gboolean taken; /* what was written */
  gboolean more;  /* there may be more in the store */
  gulong changed_handler;
  guint keepalive_source;
} Follower;

static void
follower_clear (gpointer data)
{
  Follower *self = data;

  g_free (self->account);
  g_free (self->authorization);
  g_strfreev (self->patterns);
  g_clear_pointer (&self->stream, weir_http_stream_unref);
}

static void
follower_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, follower_clear);
}

static void follower_fetch (Follower *self);

/* @func: on the main thread, even when this is it, as an idle: in order */
static void
follower_invoke (Follower *self, GSourceFunc func)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, g_atomic_rc_box_acquire (self), follower_unref);
  g_source_attach (source, NULL);
}

static void
follower_write (Follower *self, const gchar *text, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, size);

  if (weir_http_stream_write (self->stream, bytes))
    self->taken = FALSE;
}

/* Returns: how many of @events were looked at */
static guint
follower_tell (Follower *self, GPtrArray *events)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint i;

  for (i = 0; i < events->len && text->len < FOLLOW_BYTES; i++) {
    const WeirEvent *event = events->pdata[i];
    g_autofree gchar *one =
        is_wanted (event, self->patterns) ? weir_api_event_to_text (event) : NULL;

    self->cursor = event->sequence;
    g_string_append (text, one != NULL ? one : "");
  }
  if (text->len > 0)
    follower_write (self, text->str, text->len);
  return i;
}

static void
fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Follower *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events =
      weir_store_list_events_finish (WEIR_STORE (source), result, &error);

  self->fetching = FALSE;
  if (events == NULL) {
    /* looked for again with the next keepalive */
    g_info ("events cannot be read for now: %s", error->message);
    self->more = TRUE;
  } else if (!self->stopped && self->cursor == WEIR_STORE_NEWEST) {
    self->cursor = get_newest (events);
    self->more = TRUE;
    follower_fetch (self);
  } else if (!self->stopped) {
    if (events->len == FOLLOW_STEP)
      self->more = TRUE;
    if (follower_tell (self, events) < events->len)
      self->more = TRUE;
    follower_fetch (self);
  }
  follower_unref (self);
}

static void
follower_fetch (Follower *self)
{
  if (self->stopped || self->fetching || !self->taken || !self->more)
    return;
  self->fetching = TRUE;
  self->more = FALSE;
  weir_store_list_events (self->api->store, self->account, self->cursor, FOLLOW_STEP, fetched,
      g_atomic_rc_box_acquire (self));
}

static gboolean
follower_drained (gpointer data)
{
  Follower *self = data;

  self->taken = TRUE;
  follower_fetch (self);
  return G_SOURCE_REMOVE;
}

static gboolean
follower_stop (gpointer data)
{
  Follower *self = data;

  self->stopped = TRUE;
  if (self->changed_handler != 0)
    g_clear_signal_handler (&self->changed_handler, self->api->store);
  g_clear_handle_id (&self->keepalive_source, g_source_remove);
  return G_SOURCE_REMOVE;
}

static void
on_changed (
    G_GNUC_UNUSED WeirStore *store, guint change, G_GNUC_UNUSED const gchar *id, gpointer user_data)
{
  Follower *self = user_data;

  if (change != WEIR_STORE_CHANGE_EVENT)
    return;
  self->more = TRUE;
  follower_fetch (self);
}

/* keeps proxies from closing the connection, and finds out who has gone */
static gboolean
keep_alive (gpointer data)
{
  Follower *self = data;

  if (weir_auth_get_access (self->api->auth, self->authorization, self->account) <
      WEIR_ACCESS_READ) {
    weir_http_stream_end (self->stream);
    return G_SOURCE_CONTINUE;
  }
  if (self->taken)
    follower_write (self, ":\n\n", 3);
  return G_SOURCE_CONTINUE;
}

static gboolean
follower_start (gpointer data)
{
  Follower *self = data;

  self->changed_handler =
      g_signal_connect (self->api->store, "changed", G_CALLBACK (on_changed), self);
  self->keepalive_source = g_timeout_add_seconds (KEEPALIVE_S, keep_alive, self);
  self->taken = self->more = TRUE;
  follower_fetch (self);
  return G_SOURCE_REMOVE;
}

/* on the server's threads */

static void
on_drained (G_GNUC_UNUSED WeirHttpStream *stream, gpointer data)
{
  follower_invoke (data, follower_drained);
}

static void
on_closed (G_GNUC_UNUSED WeirHttpStream *stream, gpointer data)
{
  follower_invoke (data, follower_stop);
  follower_unref (data);
}

/* @patterns: (transfer full) (nullable) */
static void
follow (WeirCall *call, GStrv patterns, guint64 cursor)
{
  static const WeirHttpStreamCallbacks callbacks = {.drained = on_drained, .closed = on_closed};
  WeirHttpResponse *response = weir_http_response_new (200);
  Follower *self = g_atomic_rc_box_new0 (Follower);

  self->api = call->api;
  self->account = g_strdup (call->account);
  self->authorization = g_strdup (weir_http_request_get_header (call->request, "Authorization"));
  self->patterns = patterns;
  self->cursor = cursor;
  self->stream = weir_http_response_set_stream (response, "text/event-stream", &callbacks, self);
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  /* nginx would wait for more of it */
  weir_http_response_set_header (response, "X-Accel-Buffering", "no");
  follower_invoke (self, follower_start);
  weir_call_respond (call, response);
}

/* the route */

static gboolean
read_query (
    WeirHttpRequest *request, gboolean follows, guint64 *cursor, guint *limit, WeirFault *fault)
{
  const gchar *last = weir_http_request_get_header (request, "Last-Event-ID");
  const gchar *after = weir_http_request_get_query (request, "after");
  const gchar *text = weir_http_request_get_query (request, "limit");
  guint64 number = LIMIT_DEFAULT;

  /* a browser that connects again repeats the address, and says what it has seen */
  if (!weir_api_read_cursor (follows && last != NULL ? last : after, cursor))
    return weir_fault_refuse (
        fault, NULL, "after, or Last-Event-ID, must be a sequence, a whole number, or now");
  if (text != NULL && (!weir_api_read_cursor (text, &number) || number < 1 || number > LIMIT_MAX))
    return weir_fault_refuse (fault, NULL, "limit must be a whole number from 1 to 1000");
  *limit = (guint) number;
  return TRUE;
}

static void
get_events (WeirCall *call)
{
  const gchar *accept = weir_http_request_get_header (call->request, "Accept");
  const gchar *type = weir_http_request_get_query (call->request, "type");
  gboolean follows = accept != NULL && strstr (accept, "text/event-stream") != NULL;
  g_auto (WeirFault) fault = {0};
  guint64 cursor = 0;
  guint limit = LIMIT_DEFAULT;
  GStrv patterns;

  if (!read_query (call->request, follows, &cursor, &limit, &fault)) {
    weir_call_refuse (call, &fault);
    return;
  }
  patterns = type != NULL && *type != '\0' ? g_strsplit (type, ",", -1) : NULL;
  if (follows)
    follow (call, patterns, cursor);
  else
    list (call, patterns, cursor, limit);
}

void
weir_api_events_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"GET", WEIR_API_STREAM "/events", WEIR_ACCESS_READ, get_events},
  };

  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
