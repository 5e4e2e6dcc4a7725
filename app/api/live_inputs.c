/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/live_inputs.h"

#include "api/envelope.h"
#include "api/jsonguard.h"
#include "api/live_input_json.h"
#include "api/videos.h"

#include <string.h>

#define BASE WEIR_API_STREAM "/live_inputs"
/* how often a change is tried again when someone else has changed the input meanwhile */
#define ATTEMPTS_MAX 5
/* broadcasts in the history of the status */
#define HISTORY_MAX 5
/* as many as the hosted product lists in one answer */
#define VIDEOS_MAX 1000

typedef enum {
  CHANGE_UPDATE,
  CHANGE_ROTATE,
} Change;

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *account;
  gchar *id;
  WeirLiveInput *input;
  WeirLiveInput *before; /* of a change */
  Change change;
  guint attempts;
  JsonArray *messages; /* beside the answer */
} Call;

static Call *
call_new (WeirApi *api, WeirHttpRequest *request, const WeirRouteParameters *parameters)
{
  Call *call = g_new0 (Call, 1);

  call->api = api;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->id = g_strdup (weir_route_parameters_get (parameters, "id"));
  call->messages = json_array_new ();
  return call;
}

static void
call_free (Call *call)
{
  g_clear_pointer (&call->input, weir_live_input_free);
  g_clear_pointer (&call->before, weir_live_input_free);
  json_array_unref (call->messages);
  g_free (call->account);
  g_free (call->id);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* ---- answers ---- */

static void
answer_input (Call *call, const GPtrArray *broadcasts)
{
  weir_api_succeed_with_messages (call->request,
      weir_live_input_to_json (call->api, call->request, call->input, broadcasts), call->messages);
}

static void
history_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) broadcasts =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  if (broadcasts == NULL)
    weir_api_fail_for_store (call->request, error);
  else
    answer_input (call, broadcasts);
}

/* @call: (transfer full): answered with its input and what that has been through */
static void
answer_with_history (Call *call)
{
  WeirBroadcastFilter filter = {
      .account = call->account, .input = call->input->uid, .limit = HISTORY_MAX};

  weir_store_list_broadcasts (call->api->store, &filter, history_listed, call);
}

/* Returns: whether the account's input was got; else @call's request was answered */
static gboolean
take_input (Call *call, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input =
      weir_store_get_input_finish (WEIR_STORE (source), result, &error);

  if (input == NULL) {
    weir_api_fail_for_store (call->request, error);
    return FALSE;
  }
  if (strcmp (input->account, call->account) != 0) {
    weir_api_fail_as_missing (call->request);
    return FALSE;
  }
  g_clear_pointer (&call->input, weir_live_input_free);
  call->input = g_steal_pointer (&input);
  return TRUE;
}

/* accepts and asks for the input; @callback gets the call */
static void
get_input (WeirApi *self, WeirHttpRequest *request, const WeirRouteParameters *parameters,
    WeirAccess needed, GAsyncReadyCallback callback)
{
  Call *call;

  if (!weir_api_accept (self, request, parameters, needed))
    return;
  call = call_new (self, request, parameters);
  weir_store_get_input (self->store, call->id, callback, call);
}

/* ---- create and import ---- */

static gchar *
make_secret (const gchar *uid)
{
  g_autofree gchar *secret = weir_random_hex (16);

  return g_strdup_printf ("%sk%s", secret, uid);
}

/* those that it does not have */
static void
make_credentials (WeirLiveInput *input)
{
  if (input->uid == NULL)
    input->uid = weir_random_hex (16);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++) {
    if (input->secrets[i] == NULL)
      input->secrets[i] = make_secret (input->uid);
  }
}

static void
created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_create_input_finish (WEIR_STORE (source), result, &error)) {
    /* credentials end with their input's uid: whoever has one of them has that uid */
    if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS))
      weir_api_fail (call->request, 409, WEIR_API_CONFLICT,
          "There is a live input of this uid, or with one of these credentials", "/uid");
    else
      weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_api_emit (call->api, WEIR_EVENT_INPUT_CREATED, call->account, call->input->uid, NULL, NULL);
  answer_input (call, NULL);
}

/* @call: (transfer full) with the input */
static void
create_input (Call *call)
{
  make_credentials (call->input);
  call->input->account = g_strdup (call->account);
  call->input->modified_us = g_get_real_time ();
  if (call->input->created_us == 0)
    call->input->created_us = call->input->modified_us;
  weir_store_create_input (call->api->store, call->input, created, call);
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
  call = call_new (self, request, parameters);
  call->input = g_steal_pointer (&input);
  create_input (call);
}

static void
import (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  g_autoptr (WeirLiveInput) input = NULL;
  g_auto (WeirFault) fault = {0};
  gboolean complete = TRUE;
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  input = weir_live_input_import_from_json (
      weir_http_request_get_body (request), self->config->limits.json_depth, &fault);
  if (input == NULL) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  call = call_new (self, request, parameters);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    complete = complete && input->secrets[i] != NULL;
  if (!complete)
    weir_api_add_message (call->messages, WEIR_API_MADE_ANEW,
        "Credentials that were not in what was imported were made anew");
  call->input = g_steal_pointer (&input);
  create_input (call);
}

/* ---- read ---- */

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  guint64 total = 0;
  g_autoptr (GPtrArray) inputs =
      weir_store_list_inputs_finish (WEIR_STORE (source), result, &total, &error);
  g_autofree gchar *hint = NULL;

  if (inputs == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  hint = call->api->rtmps != NULL ? weir_rtmps_get_hint (call->api->rtmps) : NULL;
  weir_api_succeed_with (
      call->request, weir_live_inputs_to_json (inputs, total), WEIR_API_RTMPS_OFF, hint);
}

static void
list (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  WeirLiveInputFilter filter = {0};
  g_auto (WeirFault) fault = {0};
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_READ))
    return;
  if (!weir_query_read_boolean (request, "asc", &filter.ascending, &fault) ||
      !weir_query_read_time (request, "start", "after", &filter.created_from_us, &fault) ||
      !weir_query_read_time (request, "end", "before", &filter.created_before_us, &fault) ||
      !weir_query_read_limit (request, 0, &filter.limit, &fault)) {
    weir_fault_answer (&fault, request, self->counters);
    return;
  }
  call = call_new (self, request, parameters);
  filter.account = call->account;
  weir_store_list_inputs (self->store, &filter, listed, call);
}

static void
got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;

  if (take_input (call, source, result))
    answer_with_history (g_steal_pointer (&call));
}

static void
get (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  get_input (user_data, request, parameters, WEIR_ACCESS_READ, got);
}

static void
videos_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) broadcasts =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);
  g_autoptr (JsonBuilder) builder = NULL;

  if (broadcasts == NULL) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  for (guint i = 0; i < broadcasts->len; i++)
    weir_api_add_video (builder, call->api, call->request, broadcasts->pdata[i]);
  json_builder_end_array (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
got_for_videos (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirBroadcastFilter filter = {
      .account = call->account, .input = call->id, .recorded = TRUE, .limit = VIDEOS_MAX};

  if (!take_input (call, source, result))
    return;
  weir_store_list_broadcasts (call->api->store, &filter, videos_listed, call);
  g_steal_pointer (&call);
}

/* newest first, the running one included; GET …/stream?live_input_id= has all of them */
static void
list_videos (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  get_input (user_data, request, parameters, WEIR_ACCESS_READ, got_for_videos);
}

/* ---- change ---- */

static void change_input (GObject *source, GAsyncResult *result, gpointer user_data);

static void
add_name (GString *names, gboolean differs, const gchar *name)
{
  if (differs)
    g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* a broadcast keeps what it was begun with */
static void
tell_what_comes_later (Call *call)
{
  const WeirLiveInput *before = call->before, *after = call->input;
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (call->api->manager, call->id);
  g_autoptr (GString) names = g_string_new (NULL);

  if (status == NULL || !after->enabled) {
    g_clear_pointer (&status, weir_broadcast_status_free);
    return;
  }
  weir_broadcast_status_free (status);
  add_name (names, before->recording_mode != after->recording_mode, "recording.mode");
  add_name (
      names, before->recording_timeout_s != after->recording_timeout_s, "recording.timeoutSeconds");
  add_name (
      names, g_strcmp0 (before->default_creator, after->default_creator) != 0, "defaultCreator");
  add_name (names, before->delete_recording_after_days != after->delete_recording_after_days,
      "deleteRecordingAfterDays");
  if (names->len == 0)
    return;
  g_string_append (names, ": in force with the next broadcast; one is running");
  weir_api_add_message (call->messages, WEIR_API_LATER, names->str);
}

static void
changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirApi *self = call->api;
  g_autoptr (GError) error = NULL;

  if (!weir_store_update_input_finish (WEIR_STORE (source), result, &error)) {
    if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED) &&
        ++call->attempts < ATTEMPTS_MAX) {
      weir_store_get_input (self->store, call->id, change_input, call);
      g_steal_pointer (&call);
    } else {
      weir_api_fail_for_store (call->request, error);
    }
    return;
  }
  if (call->change == CHANGE_ROTATE) {
    weir_api_emit (self, WEIR_EVENT_INPUT_KEYS_ROTATED, call->account, call->id, NULL, NULL);
  } else {
    weir_api_emit (self, WEIR_EVENT_INPUT_UPDATED, call->account, call->id, NULL, NULL);
    tell_what_comes_later (call);
  }
  answer_with_history (g_steal_pointer (&call));
}

static void
replace_secrets (WeirLiveInput *input)
{
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    g_clear_pointer (&input->secrets[i], g_free);
  make_credentials (input);
  input->keys_rotated_us = g_get_real_time ();
}

static void
change_input (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  WeirApi *self = call->api;
  g_auto (WeirFault) fault = {0};

  if (!take_input (call, source, result))
    return;
  g_clear_pointer (&call->before, weir_live_input_free);
  call->before = weir_live_input_copy (call->input);
  if (call->change == CHANGE_ROTATE) {
    replace_secrets (call->input);
  } else if (!weir_live_input_from_json (weir_http_request_get_body (call->request),
                 self->config->limits.json_depth, call->input, &fault)) {
    weir_fault_answer (&fault, call->request, self->counters);
    return;
  }
  /* it has to differ: it tells changes apart */
  call->input->modified_us = MAX (g_get_real_time (), call->before->modified_us + 1);
  weir_store_update_input (self->store, call->input, call->before->modified_us, changed, call);
  g_steal_pointer (&call);
}

static void
change (WeirHttpRequest *request, const WeirRouteParameters *parameters, WeirApi *self, Change what)
{
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  call = call_new (self, request, parameters);
  call->change = what;
  weir_store_get_input (self->store, call->id, change_input, call);
}

static void
update (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  change (request, parameters, user_data, CHANGE_UPDATE);
}

static void
rotate_keys (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  change (request, parameters, user_data, CHANGE_ROTATE);
}

/* ---- end of a broadcast ---- */

static void
broadcast_to_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autofree gchar *uid = NULL;
  g_autoptr (JsonBuilder) builder = NULL;

  if (!take_input (call, source, result))
    return;
  uid = weir_broadcast_manager_end (
      call->api->manager, call->id, "The broadcast was ended by the server's operator.");
  if (uid == NULL) {
    weir_api_fail (call->request, 409, WEIR_API_CONFLICT, "No broadcast is running", NULL);
    return;
  }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "videoUID", uid);
  json_builder_end_object (builder);
  weir_api_succeed (call->request, json_builder_get_root (builder));
}

static void
end (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  get_input (user_data, request, parameters, WEIR_ACCESS_WRITE, broadcast_to_end);
}

/* ---- delete ---- */

static void
recordings_deleted (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_recordings_delete_of_input_finish (call->api->recordings, result, &error))
    weir_api_succeed (call->request, json_node_init_string (json_node_alloc (), ""));
  else
    weir_api_fail_for_store (call->request, error);
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_delete_input_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (call->request, error);
    return;
  }
  weir_api_emit (call->api, WEIR_EVENT_INPUT_DELETED, call->account, call->id, NULL, NULL);
  if (g_strcmp0 (weir_http_request_get_query (call->request, "recordings"), "delete") == 0) {
    WeirRecordings *recordings = call->api->recordings;
    const gchar *account = call->account, *id = call->id;

    weir_recordings_delete_of_input (
        recordings, account, id, recordings_deleted, g_steal_pointer (&call));
    return;
  }
  weir_api_succeed (call->request, json_node_init_string (json_node_alloc (), ""));
}

static void delete (
    WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *self = user_data;
  const gchar *recordings = weir_http_request_get_query (request, "recordings");
  Call *call;

  if (!weir_api_accept (self, request, parameters, WEIR_ACCESS_WRITE))
    return;
  if (recordings != NULL && strcmp (recordings, "keep") != 0 &&
      strcmp (recordings, "delete") != 0) {
    weir_api_fail (
        request, 400, WEIR_API_INVALID, "recordings must be keep or delete", "/recordings");
    return;
  }
  call = call_new (self, request, parameters);
  weir_store_delete_input (self->store, call->account, call->id, deleted, call);
}

void
weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const struct {
    const gchar *method, *pattern;
    WeirRouteHandler handler;
  } routes[] = {
      {"POST", BASE, create},
      {"GET", BASE, list},
      {"POST", BASE "/import", import},
      {"GET", BASE "/{id}", get},
      {"PUT", BASE "/{id}", update},
      {"DELETE", BASE "/{id}", delete},
      {"POST", BASE "/{id}/rotate_keys", rotate_keys},
      {"POST", BASE "/{id}/rotate-keys", rotate_keys},
      {"GET", BASE "/{id}/videos", list_videos},
      {"POST", BASE "/{id}/end", end},
  };

  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_JSON_DEPTH);
  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    weir_http_router_add (
        router, routes[i].method, routes[i].pattern, routes[i].handler, self, NULL);
}
