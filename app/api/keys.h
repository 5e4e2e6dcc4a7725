/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * Keys by which tokens of viewers are signed, by the account's owner or, as tokens.h says, by Weir.
 * They are documents of the store, %WEIR_DOCUMENT_SIGNING_KEY with
 * `{"public":PEM,"private":PEM or null}`: of a key that the owner was given, once, the private half
 * is not kept; of the account's own, it is. A token is good as long as its key is there.
 */
void weir_keys_add_routes (WeirApi *self, WeirHttpRouter *router);

/* the limit's name in weir.conf(5) */
#define WEIR_LIMIT_SIGNING_KEYS "signing-keys-per-account"

/* Returns: (transfer full): `kid` of the key that the account has for those who bring none */
gchar *weir_key_make_own_id (const gchar *account);

typedef struct {
  gchar *public_key;
  gchar *private_key; /* (nullable) */
} WeirKey;

void weir_key_clear (WeirKey *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirKey, weir_key_clear)

/* @self: starts as {0}. Returns: FALSE of a document that is damaged */
gboolean weir_key_from_document (WeirKey *self, const WeirDocument *document);

/**
 * weir_key_make:
 * @keep: whether the private half is stored, too
 *
 * Makes a key in a thread of its own, ready to be stored as @id. Returns (finish): (transfer full):
 * the document; @private_key: (out) (transfer full): PEM; #GIOError
 */
void weir_key_make (WeirStore *store, const gchar *account, const gchar *id, gboolean keep,
    GAsyncReadyCallback callback, gpointer user_data);
WeirDocument *weir_key_make_finish (GAsyncResult *result, gchar **private_key, GError **error);

G_END_DECLS
