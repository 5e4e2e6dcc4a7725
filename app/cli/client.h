/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * WeirClient: calls of the API; where the daemon is comes from options, environment, or the local
 * daemon's state directory, in this order
 */
typedef struct _WeirClient WeirClient;

/**
 * weir_client_new:
 * @url, @token, @account, @config: (nullable): options
 *
 * Returns: (nullable): NULL with a message on stderr
 */
WeirClient *weir_client_new (
    const gchar *url, const gchar *token, const gchar *account, const gchar *config);
void weir_client_free (WeirClient *self);
const gchar *weir_client_get_url (WeirClient *self);

/**
 * weir_client_call:
 * @path: below /client/v4/accounts/ACCOUNT/stream
 * @body: (nullable): JSON
 * @answer: (out) (transfer full): the whole envelope as text
 * @result: (out) (transfer full): its `result`
 *
 * Returns: WEIR_EXIT_DONE, else what it is, with a message on stderr and nothing in the outputs
 */
WeirExit weir_client_call (WeirClient *self, const gchar *method, const gchar *path,
    const gchar *body, gchar **answer, JsonNode **result);

/* Returns: (transfer full) (nullable): what @url answers, NULL with an error */
GBytes *weir_client_fetch (const gchar *url, GError **error);

/**
 * weir_client_find_listener:
 * @ready: the line that the daemon prints when it is ready: "ready http=… rtmp=…"
 *
 * Returns: (transfer full) (nullable): "host:port" to connect to from the same host: the first
 *   address of @name, a wildcard made loopback
 */
gchar *weir_client_find_listener (const gchar *ready, const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirClient, weir_client_free)

G_END_DECLS
