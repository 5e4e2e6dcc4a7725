/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"
#include "api/envelope.h"
#include "api/fields.h"
#include "api/json.h"

G_BEGIN_DECLS

/**
 * WeirCall: one call of the API, from its request to its answer
 *
 * A call is worked on in steps. Each step ends in one of two ways: it asks for something and names
 * the step that goes on with it, or it answers. It touches the call no more then: another thread
 * may be in the next step already, and the answer ends the call with all that it has. So nobody
 * holds a reference to one, and nobody frees one.
 *
 * What is asked for is kept in the call. A failure that no step is there for is answered: with 404
 * what is not there, or another account's; else as weir_api_fail_for_store() does.
 *
 * The fields are the steps' to read, and to change in place; texts are the call's.
 */
typedef struct _WeirCall WeirCall;
typedef void (*WeirCallStep) (WeirCall *self);

struct _WeirCall {
  WeirApi *api;
  WeirHttpRequest *request;

  /* (nullable): of the path */
  gchar *account;
  gchar *parent; /* of what @id belongs to */
  gchar *id;

  /* (nullable): what was asked for last, of each kind; a step may take it, or put it here */
  WeirLiveInput *input;
  WeirBroadcastRecord *record;
  WeirDocument *document;
  GPtrArray *rows;
  guint64 total; /* of live inputs: how many there are beside @rows, too */

  gpointer own; /* weir_call_set_own() */

  /* private */
  GDestroyNotify own_free;
  GString *messages;
  WeirCallStep next;
  WeirCallStep otherwise;
  gboolean may_miss;
  guint waiting; /* for how many answers */
  GError *error;
  guint attempts;
  const gchar *limit_name;
  gchar *limit_message;
};

/**
 * WeirCallRoute:
 * @needed: the access that is checked before @begin: weir_api_accept()
 * @pattern: `{account}`, `{parent}` and `{id}` become the call's
 */
typedef struct {
  const gchar *method, *pattern;
  WeirAccess needed;
  WeirCallStep begin;
} WeirCallRoute;

/* @routes: static */
void weir_call_add_routes (
    WeirApi *api, WeirHttpRouter *router, const WeirCallRoute *routes, gsize count);

/* @own: (transfer full): what the steps of one handler share; in place of what there was */
void weir_call_set_own (WeirCall *self, gpointer own, GDestroyNotify own_free);

/* ---- answers: each ends the call ---- */

/* @result: JSON */
void weir_call_succeed (WeirCall *self, const gchar *result);
/* @more: further members of the envelope, without brackets */
void weir_call_succeed_with (WeirCall *self, const gchar *result, const gchar *more);
/* @response: (transfer full) */
void weir_call_respond (WeirCall *self, WeirHttpResponse *response);
/* as weir_api_fail() */
void weir_call_fail (
    WeirCall *self, guint status, gint code, const gchar *message, const gchar *pointer);
void weir_call_fail_as_missing (WeirCall *self);
void weir_call_fail_for_store (WeirCall *self, const GError *error);
void weir_call_refuse (WeirCall *self, const WeirFault *fault);

/* no answer yet: stands beside the result of the one that comes */
void weir_call_add_message (WeirCall *self, gint code, const gchar *message);
/* nor this: weir_api_emit() of the call's account */
void weir_call_emit (WeirCall *self, const gchar *type, const gchar *input, const gchar *data);

/* ---- the body ---- */

/* weir_fields_parse() of the request's body. Returns: (transfer full) (nullable) */
JsonNode *weir_call_parse (WeirCall *self, WeirFault *fault);
/* weir_fields_read() of the whole body */
gboolean weir_call_read (
    WeirCall *self, const WeirField *fields, const gchar *what, gpointer data, WeirFault *fault);

/* ---- questions to the store: each ends the step ---- */

/* a live input or a recording of the account's */
void weir_call_get_input (WeirCall *self, const gchar *uid, WeirCallStep next);
/* an input with what it has been through: both are asked for at once. @limit: of the records */
void weir_call_get_input_and_records (
    WeirCall *self, const gchar *uid, guint limit, WeirCallStep next);
void weir_call_get_record (WeirCall *self, const gchar *uid, WeirCallStep next);
/* a document of the account's */
void weir_call_get_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next);
/* whoever's it is; without one the call's is NULL */
void weir_call_find_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next);
void weir_call_find_record (WeirCall *self, const gchar *uid, WeirCallStep next);

/* all of the account's. @parent: (nullable) */
void weir_call_list_documents (
    WeirCall *self, WeirDocumentKind kind, const gchar *parent, WeirCallStep next);
/* whose account becomes the call's */
void weir_call_list_inputs (WeirCall *self, WeirLiveInputFilter filter, WeirCallStep next);
void weir_call_list_records (WeirCall *self, WeirBroadcastFilter filter, WeirCallStep next);

/**
 * weir_call_put_document:
 * @otherwise: (nullable): goes on, a few times, when the store has something else than was
 *   expected (EXISTS, FENCED): by reading it anew, or by saying so
 *
 * Stores the call's document; one of revision 0 is new.
 */
void weir_call_put_document (WeirCall *self, WeirCallStep otherwise, WeirCallStep next);
/**
 * weir_call_add_document:
 * @limit: how many there may be; "%u" in @format, which says so
 * @limit_name: (nullable): its counter; NULL: it is not counted, and one too many is 400, not 409
 *
 * Stores the call's document, a new one, with its times set: weir_api_add_document()
 */
void weir_call_add_document (WeirCall *self, guint limit, const gchar *limit_name,
    const gchar *format, WeirCallStep next) G_GNUC_PRINTF (4, 0);
void weir_call_delete_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next);
/* the same of one that need not be there */
void weir_call_forget_document (
    WeirCall *self, WeirDocumentKind kind, const gchar *id, WeirCallStep next);

/**
 * weir_call_done: a #GAsyncReadyCallback for all else whose task answers with a boolean
 * @call: of weir_call_then(), which says how it goes on; @otherwise: as above
 *
 *   weir_store_update_input (store, input, expected_us, weir_call_done,
 *       weir_call_then (call, change, changed));
 */
void weir_call_done (GObject *source, GAsyncResult *result, gpointer call);
/* Returns: @self */
gpointer weir_call_then (WeirCall *self, WeirCallStep otherwise, WeirCallStep next);

G_END_DECLS
