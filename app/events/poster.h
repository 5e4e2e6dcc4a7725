/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/egress.h"

G_BEGIN_DECLS

/**
 * WeirPoster:
 *
 * Posts JSON to one address that somebody else has chosen: connects only to what #WeirEgress lets
 * through, verifies TLS, follows no redirect, answers no challenge, keeps no cookie, unpacks
 * nothing, reads of an answer little more than its status, and waits for a bounded time. Main
 * thread.
 */
typedef struct _WeirPoster WeirPoster;

/* what is read of an answer's body, for the connection to be used again */
#define WEIR_POSTER_BODY_MAX (64 * 1024)

/* @url: has passed weir_webhook_check_url(); @trust: (nullable): instead of the system's
 * authorities */
WeirPoster *weir_poster_new (
    const gchar *url, WeirEgress *egress, gint64 timeout_us, GTlsDatabase *trust);
/* what is under way is not called back any more */
void weir_poster_free (WeirPoster *self);

/* @done: once, unless the poster is freed before. @error: (nullable): NULL: it was taken, the
 * status is 2xx */
typedef void (*WeirPosterDone) (const GError *error, gpointer data);
/* one at a time. @headers: name, value, …. Never calls @done from within */
void weir_poster_send (WeirPoster *self, const gchar *const *headers, const gchar *body,
    WeirPosterDone done, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirPoster, weir_poster_free)

G_END_DECLS
