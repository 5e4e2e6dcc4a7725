/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/links.h"
#include "auth/auth.h"
#include "broadcast/manager.h"
#include "http/router.h"
#include "rtmps.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirApi: what the management API's handlers need. The fields are the owner's and outlive the
 * server that calls the handlers.
 */
typedef struct {
  const WeirConfig *config;
  WeirStore *store;
  WeirBroadcastManager *manager;
  const WeirListeners *listeners;
  WeirAuth *auth;
  WeirRtmps *rtmps;       /* (nullable) */
  WeirCounters *counters; /* (nullable) */
} WeirApi;

/**
 * weir_api_accept:
 *
 * The checks that every API call has to pass: Host, bearer token, account.
 *
 * Returns: FALSE when the request was answered with a failure
 */
gboolean weir_api_accept (
    WeirApi *self, WeirHttpRequest *request, const WeirRouteParameters *parameters);
/* Returns: TRUE for the bearer token of @request */
gboolean weir_api_has_token (WeirApi *self, WeirHttpRequest *request);

/**
 * weir_live_input_from_json:
 * @body: of a create request; NULL or empty means all defaults
 * @depth_max: how deep it may nest
 * @limit: (out) (nullable): of a refusal: static name of the limit that was reached, to be counted
 * @status, @code, @message, @pointer: (out): of a refusal, message and pointer (transfer full)
 *
 * Strict: a field that is unknown, misplaced, of a wrong type or out of range is refused and
 * pointed at; a documented one that is not there yet is refused by name with 501.
 *
 * Returns: (transfer full) (nullable): an input without uid, account, times and secrets
 */
WeirLiveInput *weir_live_input_from_json (GBytes *body, guint depth_max, const gchar **limit,
    guint *status, gint *code, gchar **message, gchar **pointer);

void weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
