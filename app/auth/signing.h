/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * RSA keys that sign what a viewer may see: JSON Web Tokens (RFC 7519) by RS256 (RFC 7518, 3.3).
 * Pure but for the random numbers of a new key. Any thread; making a key takes some 100 ms, signing
 * a millisecond: neither is for the main thread or a worker. Keys are PEM (RFC 7468), from outside
 * at most WEIR_SIGNING_PEM_MAX bytes. Errors are #GIOError: INVALID_DATA for what is no RSA key of
 * 2048 to 4096 bits, PERMISSION_DENIED for one that is not the other's half, else FAILED.
 */
#define WEIR_SIGNING_PEM_MAX 8192

/* Returns: (transfer full): a new private key of 2048 bits (PKCS #1); FAILED */
gchar *weir_signing_make_key (GError **error);

/* Returns: (transfer full): the public half of a private key (SubjectPublicKeyInfo) */
gchar *weir_signing_get_public (const gchar *private_key, GError **error);

/* Returns: (transfer full): the private key as JSON Web Key (RFC 7517), all of it; @id: its `kid`
 */
gchar *weir_signing_make_jwk (const gchar *private_key, const gchar *id, GError **error);

/**
 * weir_signing_sign:
 * @public_key: what the private key has to be the half of
 * @id: `kid` of the header
 * @claims: a JSON object, as it is signed
 *
 * Returns: (transfer full): the token (RFC 7515, compact)
 */
gchar *weir_signing_sign (const gchar *private_key, const gchar *public_key, const gchar *id,
    const gchar *claims, GError **error);

G_END_DECLS
