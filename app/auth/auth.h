/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirAuth: who may use the API. The home account and the administrator's token are there from the
 * start; other accounts and their tokens are documents of the store, of which this keeps a table
 * that follows the store's changes. Any thread may ask.
 *
 * Of a token the store has the digest only (#WeirDocument.digest, weir_store_digest_secret()), and
 * `{"name":…,"access":"read"|"write"}`.
 */
typedef struct _WeirAuth WeirAuth;

/**
 * weir_auth_load:
 * @state_dir: made with mode 0700 when missing; keeps `account`
 * @account: (nullable): the configured one; NULL or "": 32 hex digits, made at the first start
 * @token_file: holds the token; made at the first start with mode 0600
 *
 * Blocks on the disk; at start-up. A token file that others can read is refused, so is one with
 * less than 32 characters.
 *
 * Returns: NULL with a #GIOError
 */
WeirAuth *weir_auth_load (
    const gchar *state_dir, const gchar *account, const gchar *token_file, GError **error);
void weir_auth_free (WeirAuth *self);
/* Returns: (transfer none) */
const gchar *weir_auth_get_account (WeirAuth *self);
/* each may what the one before may */
typedef enum {
  WEIR_ACCESS_NONE,
  WEIR_ACCESS_READ,
  WEIR_ACCESS_WRITE,
  WEIR_ACCESS_ADMINISTRATOR, /* every account; accounts and tokens themselves */
} WeirAccess;

/**
 * weir_auth_follow:
 * @ready: (nullable): called once, on the main thread: what the store has is known, or the store
 *   is away; it is asked again until it answers
 *
 * Main thread, once. Accounts and tokens are those of @store from then on.
 */
void weir_auth_follow (
    WeirAuth *self, WeirStore *store, void (*ready) (gpointer data), gpointer data);
/* main thread: an account or a token that is known to be in the store, or not any more: whoever
 * has just put it there need not wait for the store to tell */
void weir_auth_add (WeirAuth *self, const WeirDocument *document);
void weir_auth_remove (WeirAuth *self, WeirDocumentKind kind, const gchar *id);

/* any thread. Returns: whether there is such an account, the home account included */
gboolean weir_auth_has_account (WeirAuth *self, const gchar *account);
/* Returns: whether it could be one: [A-Za-z0-9_-]{1,64} */
gboolean weir_auth_is_account (const gchar *text);
/**
 * weir_auth_get_access:
 * @authorization: (nullable): value of the Authorization header, from outside
 * @account: (nullable): NULL: to whatever the token is for
 *
 * Returns: what `Bearer <token>` (RFC 6750, 2.1) may do with @account. Any thread. The time it
 *   takes tells nothing of a token: SHA-256 digests are compared.
 */
WeirAccess weir_auth_get_access (WeirAuth *self, const gchar *authorization, const gchar *account);
/* any thread. Returns: (transfer full) (nullable): id of the token, "administrator" for that one's
 */
gchar *weir_auth_get_token_id (WeirAuth *self, const gchar *authorization);

/* Returns: TRUE for the administrator's token by itself */
gboolean weir_auth_check_token (WeirAuth *self, const gchar *token);

/* from the system's random source. Returns: (transfer full): 2 × @bytes lowercase hex digits */
gchar *weir_random_hex (gsize bytes);
/* Returns: (transfer full): one that nobody will guess */
gchar *weir_auth_make_token (void);
/* Returns: (transfer full): @length characters of [A-Za-z0-9_-], 6 random bits each */
gchar *weir_random_token (gsize length);
/* Returns: whether both are the same text; its time depends on their lengths only */
gboolean weir_equal_constant_time (const gchar *a, const gchar *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirAuth, weir_auth_free)

G_END_DECLS
