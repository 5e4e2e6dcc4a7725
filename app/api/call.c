/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/call.h"

#include <string.h>

/* how often something is tried that others come between of */
#define ATTEMPTS_MAX 8

static void
call_free (WeirCall *self)
{
  if (self->own != NULL)
    self->own_free (self->own);
  if (self->messages != NULL)
    g_string_free (self->messages, TRUE);
  weir_live_input_free (self->input);
  weir_broadcast_record_free (self->record);
  weir_document_free (self->document);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_free (self->account);
  g_free (self->parent);
  g_free (self->id);
  g_free (self->limit_message);
  g_clear_error (&self->error);
  g_free (self);
}

/* ---- routes ---- */

typedef struct {
  WeirApi *api;
  const WeirCallRoute *route;
} Route;

static void
begin (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  const Route *self = user_data;
  WeirCall *call;

  if (!weir_api_accept (self->api, request, parameters, self->route->needed))
    return;
  call = g_new0 (WeirCall, 1);
  call->api = self->api;
  call->request = request;
  call->account = g_strdup (weir_route_parameters_get (parameters, "account"));
  call->parent = g_strdup (weir_route_parameters_get (parameters, "parent"));
  call->id = g_strdup (weir_route_parameters_get (parameters, "id"));
  self->route->begin (call);
}

void
weir_call_add_routes (
    WeirApi *api, WeirHttpRouter *router, const WeirCallRoute *routes, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    Route *route = g_new (Route, 1);

    *route = (Route){api, &routes[i]};
    weir_http_router_add (router, routes[i].method, routes[i].pattern, begin, route, g_free);
  }
}

void
weir_call_set_own (WeirCall *self, gpointer own, GDestroyNotify own_free)
{
  if (self->own != NULL)
    self->own_free (self->own);
  self->own = own;
  self->own_free = own_free;
}

/* ---- answers ---- */

void
weir_call_succeed_with (WeirCall *self, const gchar *result, const gchar *more)
{
  weir_api_succeed_with (
      self->request, result, self->messages != NULL ? self->messages->str : NULL, more);
  call_free (self);
}

void
weir_call_succeed (WeirCall *self, const gchar *result)
{
  weir_call_succeed_with (self, result, NULL);
}

void
weir_call_respond (WeirCall *self, WeirHttpResponse *response)
{
  weir_http_request_respond (self->request, response);
  call_free (self);
}

void
weir_call_fail (WeirCall *self, guint status, gint code, const gchar *message, const gchar *pointer)
{
  weir_api_fail (self->request, status, code, message, pointer);
  call_free (self);
}

void
weir_call_fail_as_missing (WeirCall *self)
{
  weir_api_fail_as_missing (self->request);
  call_free (self);
}

void
weir_call_fail_for_store (WeirCall *self, const GError *error)
{
  weir_api_fail_for_store (self->request, error);
  call_free (self);
}

void
weir_call_refuse (WeirCall *self, const WeirFault *fault)
{
  weir_fault_answer (fault, self->request, self->api->counters);
  call_free (self);
}

void
weir_call_add_message (WeirCall *self, gint code, const gchar *message)
{
  if (self->messages == NULL)
    self->messages = g_string_new (NULL);
  weir_api_add_message (self->messages, code, message);
}

void
weir_call_emit (WeirCall *self, const gchar *type, const gchar *input, const gchar *data)
{
  weir_api_emit (self->api, type, self->account, input, NULL, data);
}

/* ---- the body ---- */

JsonNode *
weir_call_parse (WeirCall *self, WeirFault *fault)
{
  return weir_fields_parse (
      weir_http_request_get_body (self->request), self->api->config->limits.json_depth, fault);
}

gboolean
weir_call_read (
    WeirCall *self, const WeirField *fields, const gchar *what, gpointer data, WeirFault *fault)
{
  g_autoptr (JsonNode) root = weir_call_parse (self, fault);

  return root != NULL && weir_fields_read (root, "", fields, what, data, fault);
}

/* ---- steps ---- */

gpointer
weir_call_then (WeirCall *self, WeirCallStep otherwise, WeirCallStep next)
{
  self->otherwise = otherwise;
  self->next = next;
  self->may_miss = FALSE;
  return self;
}

/* the same of what need not be there */
static gpointer
then_or_missing (WeirCall *self, WeirCallStep next)
{
  weir_call_then (self, NULL, next);
  self->may_miss = TRUE;
  return self;
}

static gboolean
is_unexpected (const GError *error)
{
  return g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS) ||
         g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED);
}

/* @error: (nullable): why there is no answer; @account: (nullable): whose it is */
static void
go_on (WeirCall *self, const GError *error, const gchar *account)
{
  gboolean missing = g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);

  if (error == NULL && account != NULL && !self->may_miss && strcmp (account, self->account) != 0)
    weir_call_fail_as_missing (self);
  else if (error == NULL || (missing && self->may_miss))
    self->next (self);
  else if (self->otherwise != NULL && is_unexpected (error) && ++self->attempts < ATTEMPTS_MAX)
    self->otherwise (self);
  else
    weir_call_fail_for_store (self, error);
}

void
weir_call_done (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer call)
{
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  go_on (call, error, NULL);
}

/* ---- what is asked for ---- */

static void
got_input (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->input, weir_live_input_free);
  self->input = weir_store_get_input_finish (WEIR_STORE (source), result, &error);
  go_on (self, error, self->input != NULL ? self->input->account : NULL);
}

void
weir_call_get_input (WeirCall *self, const gchar *uid, WeirCallStep next)
{
  weir_store_get_input (self->api->store, uid, got_input, weir_call_then (self, NULL, next));
}

static void
got_record (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->record, weir_broadcast_record_free);
  self->record = weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);
  if (self->record != NULL && !self->record->recorded && !self->may_miss)
    weir_call_fail_as_missing (self);
  else
    go_on (self, error, self->record != NULL ? self->record->account : NULL);
}

void
weir_call_get_record (WeirCall *self, const gchar *uid, WeirCallStep next)
{
  weir_store_get_broadcast (self->api->store, uid, got_record, weir_call_then (self, NULL, next));
}

void
weir_call_find_record (WeirCall *self, const gchar *uid, WeirCallStep next)
{
  weir_store_get_broadcast (self->api->store, uid, got_record, then_or_missing (self, next));
}

static void
got_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->document, weir_document_free);
  self->document = weir_store_get_document_finish (WEIR_STORE (source), result, &error);
  go_on (self, error, self->document != NULL ? self->document->account : NULL);
}

void
weir_call_get_document (WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next)
{
  weir_store_get_document (
      self->api->store, kind, id, got_document, weir_call_then (self, NULL, next));
}

void
weir_call_find_document (WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next)
{
  weir_store_get_document (self->api->store, kind, id, got_document, then_or_missing (self, next));
}

/* ---- lists ---- */

/* @rows: (transfer full) (nullable) */
static void
take_rows (WeirCall *self, GPtrArray *rows, const GError *error)
{
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  self->rows = rows;
  go_on (self, error, NULL);
}

static void
listed_documents (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = weir_store_list_documents_finish (WEIR_STORE (source), result, &error);

  take_rows (user_data, rows, error);
}

void
weir_call_list_documents (
    WeirCall *self, WeirDocumentKind kind, const gchar *parent, WeirCallStep next)
{
  weir_store_list_documents (self->api->store, kind, self->account, parent, listed_documents,
      weir_call_then (self, NULL, next));
}

static void
listed_inputs (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  g_autoptr (GError) error = NULL;
  GPtrArray *rows =
      weir_store_list_inputs_finish (WEIR_STORE (source), result, &self->total, &error);

  take_rows (self, rows, error);
}

void
weir_call_list_inputs (WeirCall *self, WeirLiveInputFilter filter, WeirCallStep next)
{
  filter.account = self->account;
  weir_store_list_inputs (
      self->api->store, &filter, listed_inputs, weir_call_then (self, NULL, next));
}

static void
listed_records (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  take_rows (user_data, rows, error);
}

void
weir_call_list_records (WeirCall *self, WeirBroadcastFilter filter, WeirCallStep next)
{
  filter.account = self->account;
  weir_store_list_broadcasts (
      self->api->store, &filter, listed_records, weir_call_then (self, NULL, next));
}

/* ---- both at once ---- */

/* @error: (transfer full) (nullable) */
static void
got_one_of_two (WeirCall *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_clear_error (&error);
  if (--self->waiting == 0)
    go_on (self, self->error, self->input != NULL ? self->input->account : NULL);
}

static void
got_input_of_two (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  GError *error = NULL;

  g_clear_pointer (&self->input, weir_live_input_free);
  self->input = weir_store_get_input_finish (WEIR_STORE (source), result, &error);
  got_one_of_two (self, error);
}

static void
listed_records_of_two (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  GError *error = NULL;

  g_clear_pointer (&self->rows, g_ptr_array_unref);
  self->rows = weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);
  got_one_of_two (self, error);
}

void
weir_call_get_input_and_records (WeirCall *self, const gchar *uid, guint limit, WeirCallStep next)
{
  WeirStore *store = self->api->store;
  const WeirBroadcastFilter filter = {.account = self->account, .input = uid, .limit = limit};

  weir_call_then (self, NULL, next);
  self->waiting = 2;
  weir_store_get_input (store, uid, got_input_of_two, self);
  /* not before this is answered, too, does it go on */
  weir_store_list_broadcasts (store, &filter, listed_records_of_two, self);
}

/* ---- changes of documents ---- */

static void
put_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  weir_store_put_document_finish (WEIR_STORE (source), result, &error);
  go_on (user_data, error, NULL);
}

void
weir_call_put_document (WeirCall *self, WeirCallStep otherwise, WeirCallStep next)
{
  weir_store_put_document (self->api->store, self->document, self->document->revision, put_document,
      weir_call_then (self, otherwise, next));
}

static void
added_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirCall *self = user_data;
  g_autoptr (GError) error = NULL;

  weir_store_add_document_finish (WEIR_STORE (source), result, &error);
  if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FULL)) {
    go_on (self, error, NULL);
    return;
  }
  if (self->limit_name == NULL) {
    weir_call_fail (self, 400, WEIR_API_INVALID, self->limit_message, NULL);
    return;
  }
  weir_counters_add (self->api->counters, self->limit_name);
  weir_call_fail (self, 409, WEIR_API_CONFLICT, self->limit_message, NULL);
}

void
weir_call_add_document (
    WeirCall *self, guint limit, const gchar *limit_name, const gchar *format, WeirCallStep next)
{
  self->limit_name = limit_name;
  self->limit_message = g_strdup_printf (format, limit);
  weir_api_add_document (
      self->api, self->document, limit, added_document, weir_call_then (self, NULL, next));
}

void
weir_call_delete_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next)
{
  weir_store_delete_document (
      self->api->store, kind, id, weir_call_done, weir_call_then (self, NULL, next));
}

void
weir_call_forget_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next)
{
  weir_store_delete_document (
      self->api->store, kind, id, weir_call_done, then_or_missing (self, next));
}
