/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/links.h"
#include "auth/auth.h"
#include "broadcast/manager.h"
#include "events/events.h"
#include "http/router.h"
#include "net/egress.h"
#include "recordings/recordings.h"
#include "rtmps.h"
#include "store/store.h"

G_BEGIN_DECLS

/* what every path of an account's operations on streams begins with, and an account's */
#define WEIR_API_ACCOUNTS "/client/v4/accounts"
#define WEIR_API_ACCOUNT WEIR_API_ACCOUNTS "/{account}"
#define WEIR_API_STREAM WEIR_API_ACCOUNT "/stream"

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
  WeirEvents *events; /* (nullable) */
  WeirRecordings *recordings;
  const WeirEgress *egress; /* (nullable): which addresses a webhook may have */
  WeirRtmps *rtmps;         /* (nullable) */
  WeirCounters *counters;   /* (nullable) */
} WeirApi;

/**
 * weir_api_accept:
 * @needed: what the operation does: READ what only looks, WRITE what changes something or tells a
 *   secret that can be used for more, ADMINISTRATOR what is about accounts and tokens
 *
 * The checks that every API call has to pass: Host, bearer token, account, access. The account is
 * then the route's parameter `account`; of a route without one only the token is checked.
 *
 * Returns: FALSE when the request was answered with a failure
 */
gboolean weir_api_accept (WeirApi *self, WeirHttpRequest *request,
    const WeirRouteParameters *parameters, WeirAccess needed);
/* Returns: TRUE for a bearer token of the home account's */
gboolean weir_api_has_token (WeirApi *self, WeirHttpRequest *request);

/* answers what the store has refused: 404, 503 or 500. @request: (transfer full) */
void weir_api_fail_for_store (WeirHttpRequest *request, const GError *error);
/* 404, code 10003. @request: (transfer full) */
void weir_api_fail_as_missing (WeirHttpRequest *request);

/**
 * weir_api_add_document:
 * @limit: as for weir_store_add_document(); 0: any number
 *
 * weir_store_add_document(), whose finish is that one's: the account must still be there.
 */
void weir_api_add_document (WeirApi *self, const WeirDocument *document, guint limit,
    GAsyncReadyCallback callback, gpointer user_data);

/* emits an event; nothing happens without WeirApi.events. @data: (nullable): JSON object */
void weir_api_emit (WeirApi *self, const gchar *type, const gchar *account, const gchar *input,
    const gchar *broadcast, const gchar *data);

G_END_DECLS
