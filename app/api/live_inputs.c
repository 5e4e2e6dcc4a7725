/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/live_inputs.h"

#include "api/call.h"
#include "api/envelope.h"
#include "api/jsonguard.h"
#include "api/live_input_json.h"
#include "api/videos.h"

#include <string.h>

#define BASE WEIR_API_STREAM "/live_inputs"
/* broadcasts in the history of the status */
#define HISTORY_MAX 5
/* as many as the hosted product lists in one answer */
#define VIDEOS_MAX 1000

/* ---- answers ---- */

/* with what it has been through, if that was asked for */
static void
answer_input (WeirCall *call)
{
  g_autofree gchar *json =
      weir_live_input_to_json (call->api, call->request, call->input, call->rows);

  weir_call_succeed (call, json);
}

static void
answer_with_history (WeirCall *call)
{
  weir_call_list_records (
      call, (WeirBroadcastFilter){.input = call->input->uid, .limit = HISTORY_MAX}, answer_input);
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

/* credentials end with their input's uid: whoever has one of them has that uid */
static void
taken (WeirCall *call)
{
  weir_call_fail (call, 409, WEIR_API_CONFLICT,
      "There is a live input of this uid, or with one of these credentials", "/uid");
}

static void
created (WeirCall *call)
{
  weir_call_emit (call, WEIR_EVENT_INPUT_CREATED, call->input->uid, NULL);
  answer_input (call);
}

/* with the call's input */
static void
create_input (WeirCall *call)
{
  WeirLiveInput *input = call->input;

  make_credentials (input);
  input->account = g_strdup (call->account);
  input->modified_us = g_get_real_time ();
  if (input->created_us == 0)
    input->created_us = input->modified_us;
  weir_store_create_input (
      call->api->store, input, weir_call_done, weir_call_then (call, taken, created));
}

/* Returns: FALSE when the call was answered */
static gboolean
read_input (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};

  if (weir_live_input_from_json (weir_http_request_get_body (call->request),
          call->api->config->limits.json_depth, call->input, &fault))
    return TRUE;
  weir_call_refuse (call, &fault);
  return FALSE;
}

static void
create (WeirCall *call)
{
  call->input = weir_live_input_new ();
  if (read_input (call))
    create_input (call);
}

static void
import (WeirCall *call)
{
  g_auto (WeirFault) fault = {0};
  gboolean complete = TRUE;

  call->input = weir_live_input_import_from_json (
      weir_http_request_get_body (call->request), call->api->config->limits.json_depth, &fault);
  if (call->input == NULL) {
    weir_call_refuse (call, &fault);
    return;
  }
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    complete = complete && call->input->secrets[i] != NULL;
  if (!complete)
    weir_call_add_message (
        call, WEIR_API_MADE_ANEW, "Credentials that were not in what was imported were made anew");
  create_input (call);
}

/* ---- read ---- */

static void
listed (WeirCall *call)
{
  g_autofree gchar *hint = call->api->rtmps != NULL ? weir_rtmps_get_hint (call->api->rtmps) : NULL;
  g_autofree gchar *json = weir_live_inputs_to_json (call->rows, call->total);

  if (hint != NULL)
    weir_call_add_message (call, WEIR_API_RTMPS_OFF, hint);
  weir_call_succeed (call, json);
}

static void
list (WeirCall *call)
{
  WeirHttpRequest *request = call->request;
  WeirLiveInputFilter filter = {0};
  g_auto (WeirFault) fault = {0};

  if (weir_query_read_boolean (request, "asc", &filter.ascending, &fault) &&
      weir_query_read_time (request, "start", "after", &filter.created_from_us, &fault) &&
      weir_query_read_time (request, "end", "before", &filter.created_before_us, &fault) &&
      weir_query_read_limit (request, 0, &filter.limit, &fault))
    weir_call_list_inputs (call, filter, listed);
  else
    weir_call_refuse (call, &fault);
}

static void
get (WeirCall *call)
{
  weir_call_get_input_and_records (call, call->id, HISTORY_MAX, answer_input);
}

static void
got_for_videos (WeirCall *call)
{
  weir_call_list_records (call,
      (WeirBroadcastFilter){.input = call->id, .recorded = TRUE, .limit = VIDEOS_MAX},
      weir_api_answer_videos);
}

/* newest first, the running one included; GET …/stream?live_input_id= has all of them */
static void
list_videos (WeirCall *call)
{
  weir_call_get_input (call, call->id, got_for_videos);
}

/* ---- change ---- */

static void
add_name (GString *names, gboolean differs, const gchar *name)
{
  if (differs)
    g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* a broadcast keeps what it was begun with */
static void
tell_what_comes_later (WeirCall *call)
{
  const WeirLiveInput *before = call->own, *after = call->input;
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
  weir_call_add_message (call, WEIR_API_LATER, names->str);
}

static void
updated (WeirCall *call)
{
  weir_call_emit (call, WEIR_EVENT_INPUT_UPDATED, call->id, NULL);
  tell_what_comes_later (call);
  answer_with_history (call);
}

static void
rotated (WeirCall *call)
{
  weir_call_emit (call, WEIR_EVENT_INPUT_KEYS_ROTATED, call->id, NULL);
  answer_with_history (call);
}

/* @before_us: when it was changed before */
static void
keep_change (WeirCall *call, gint64 before_us, WeirCallStep again, WeirCallStep done)
{
  /* it has to differ: it tells changes apart */
  call->input->modified_us = MAX (g_get_real_time (), before_us + 1);
  weir_store_update_input (
      call->api->store, call->input, before_us, weir_call_done, weir_call_then (call, again, done));
}

static void update (WeirCall *call);

static void
got_to_update (WeirCall *call)
{
  gint64 before_us = call->input->modified_us;

  weir_call_set_own (
      call, weir_live_input_copy (call->input), (GDestroyNotify) weir_live_input_free);
  if (read_input (call))
    keep_change (call, before_us, update, updated);
}

static void
update (WeirCall *call)
{
  weir_call_get_input (call, call->id, got_to_update);
}

static void rotate_keys (WeirCall *call);

static void
got_to_rotate (WeirCall *call)
{
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    g_clear_pointer (&call->input->secrets[i], g_free);
  make_credentials (call->input);
  call->input->keys_rotated_us = g_get_real_time ();
  keep_change (call, call->input->modified_us, rotate_keys, rotated);
}

static void
rotate_keys (WeirCall *call)
{
  weir_call_get_input (call, call->id, got_to_rotate);
}

/* ---- end of a broadcast ---- */

static void
got_to_end (WeirCall *call)
{
  g_autofree gchar *uid = weir_broadcast_manager_end (
      call->api->manager, call->id, "The broadcast was ended by the server's operator.");
  g_autoptr (GString) json = g_string_new (NULL);

  if (uid == NULL) {
    weir_call_fail (call, 409, WEIR_API_CONFLICT, "No broadcast is running", NULL);
    return;
  }
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "videoUID", uid);
  weir_json_end_object (json);
  weir_call_succeed (call, json->str);
}

static void
end (WeirCall *call)
{
  weir_call_get_input (call, call->id, got_to_end);
}

/* ---- delete ---- */

static void
answer_deleted (WeirCall *call)
{
  weir_call_succeed (call, "\"\"");
}

static gboolean
deletes_recordings (const WeirCall *call)
{
  return g_strcmp0 (weir_http_request_get_query (call->request, "recordings"), "delete") == 0;
}

static void
deleted (WeirCall *call)
{
  weir_call_emit (call, WEIR_EVENT_INPUT_DELETED, call->id, NULL);
  if (deletes_recordings (call))
    weir_recordings_delete_of_input (call->api->recordings, call->account, call->id, weir_call_done,
        weir_call_then (call, NULL, answer_deleted));
  else
    answer_deleted (call);
}

static void delete (WeirCall *call)
{
  const gchar *recordings = weir_http_request_get_query (call->request, "recordings");

  if (recordings != NULL && strcmp (recordings, "keep") != 0 && !deletes_recordings (call))
    weir_call_fail (
        call, 400, WEIR_API_INVALID, "recordings must be keep or delete", "/recordings");
  else
    weir_store_delete_input (call->api->store, call->account, call->id, weir_call_done,
        weir_call_then (call, NULL, deleted));
}

void
weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  static const WeirCallRoute routes[] = {
      {"POST", BASE, WEIR_ACCESS_WRITE, create},
      {"GET", BASE, WEIR_ACCESS_READ, list},
      {"POST", BASE "/import", WEIR_ACCESS_WRITE, import},
      {"GET", BASE "/{id}", WEIR_ACCESS_READ, get},
      {"PUT", BASE "/{id}", WEIR_ACCESS_WRITE, update},
      {"DELETE", BASE "/{id}", WEIR_ACCESS_WRITE, delete},
      {"POST", BASE "/{id}/rotate_keys", WEIR_ACCESS_WRITE, rotate_keys},
      {"POST", BASE "/{id}/rotate-keys", WEIR_ACCESS_WRITE, rotate_keys},
      {"GET", BASE "/{id}/videos", WEIR_ACCESS_READ, list_videos},
      {"POST", BASE "/{id}/end", WEIR_ACCESS_WRITE, end},
  };

  if (self->counters != NULL)
    weir_counters_declare (self->counters, WEIR_LIMIT_JSON_DEPTH);
  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
