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
const gchar *weir_client_get_account (WeirClient *self);
/* what it is asked for from now on may take long: up to an hour without a byte */
void weir_client_take_time (WeirClient *self);
/* @cancellable: (nullable): ends calls from another thread */
void weir_client_set_cancellable (WeirClient *self, GCancellable *cancellable);

/**
 * WeirAnswer: what the API answered
 */
typedef struct {
  gchar *text;      /* the whole envelope, as it came */
  JsonNode *result; /* its `result` */
  JsonNode *envelope;
} WeirAnswer;

void weir_answer_clear (WeirAnswer *self);

/**
 * weir_client_call:
 * @path: below /client/v4
 * @body: (nullable): JSON
 * @answer: filled when it is done
 * @problem: (out) (transfer full): what went wrong, lines for people; set when it is not done
 *
 * Returns: WEIR_EXIT_DONE, else what it is
 */
WeirExit weir_client_call (WeirClient *self, const gchar *method, const gchar *path,
    const gchar *body, WeirAnswer *answer, gchar **problem);

/**
 * weir_client_open:
 * @path: below /client/v4
 * @accept, @last_event_id: (nullable): headers
 * @size: (out) (optional): what Content-Length says, 0 without
 * @problem: (out) (transfer full)
 *
 * Returns: (transfer full) (nullable): the body of an answer 200; NULL with @status and @problem
 */
GInputStream *weir_client_open (WeirClient *self, const gchar *path, const gchar *accept,
    const gchar *last_event_id, guint64 *size, WeirExit *status, gchar **problem);
/* a page or file of the same server, any other path, without the token;
 * @from: (inout): asks for what comes from there on; 0 when all of it comes all the same */
GInputStream *weir_client_open_page (WeirClient *self, const gchar *path, guint64 *from,
    guint64 *size, WeirExit *status, gchar **problem);

/* @text: (out) (transfer full): such a page, its first 16 MiB. Returns: as weir_client_call() */
WeirExit weir_client_get_page (WeirClient *self, const gchar *path, gchar **text, gchar **problem);

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
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirAnswer, weir_answer_clear)

G_END_DECLS
