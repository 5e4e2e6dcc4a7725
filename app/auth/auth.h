/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirAuth: who may use the API: one account, one bearer token; immutable after loading, so any
 * thread may ask
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
 * weir_auth_get_access:
 * @authorization: (nullable): value of the Authorization header, from outside
 * @account: (nullable): NULL: to whatever the token is for
 *
 * Returns: what `Bearer <token>` may do with @account. Any thread. Its time tells nothing of a
 *   token: only digests are compared.
 */
WeirAccess weir_auth_get_access (WeirAuth *self, const gchar *authorization, const gchar *account);
/**
 * weir_auth_check:
 * @authorization: (nullable): value of the Authorization header, from outside
 *
 * Returns: TRUE for `Bearer <token>` (RFC 6750, 2.1). The time it takes tells nothing of the token:
 *   SHA-256 digests are compared, all bytes of them.
 */
gboolean weir_auth_check (WeirAuth *self, const gchar *authorization);
/* the same for a token by itself */
gboolean weir_auth_check_token (WeirAuth *self, const gchar *token);

/* from the system's random source. Returns: (transfer full): 2 × @bytes lowercase hex digits */
gchar *weir_random_hex (gsize bytes);
/* Returns: (transfer full): @length characters of [A-Za-z0-9_-], 6 random bits each */
gchar *weir_random_token (gsize length);
/* Returns: whether both are the same text; its time depends on their lengths only */
gboolean weir_equal_constant_time (const gchar *a, const gchar *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirAuth, weir_auth_free)

G_END_DECLS
