/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* Returns: (transfer full): what base64url without padding stands for, with a NUL after it */
static inline gchar *
token_decode (const gchar *text, gsize *size)
{
  g_autoptr (GString) whole = g_string_new (text);

  g_string_replace (whole, "-", "+", 0);
  g_string_replace (whole, "_", "/", 0);
  while (whole->len % 4 != 0)
    g_string_append_c (whole, '=');
  g_base64_decode_inplace (whole->str, size);
  whole->str[*size] = '\0';
  return g_string_free (g_steal_pointer (&whole), FALSE);
}

/* Returns: whether @token is signed by the private half of @key, RS256 */
static inline gboolean
token_is_signed_by (const gchar *token, EVP_PKEY *key)
{
  const gchar *dot = strrchr (token, '.');
  gsize size;
  g_autofree gchar *signature = token_decode (dot + 1, &size);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  gint verified;

  g_assert_cmpint (EVP_DigestVerifyInit (context, NULL, EVP_sha256 (), NULL, key), ==, 1);
  verified = EVP_DigestVerify (
      context, (const guint8 *) signature, size, (const guint8 *) token, (gsize) (dot - token));
  EVP_MD_CTX_free (context);
  return verified == 1;
}

/* Returns: (transfer full): of a PEM of either half */
static inline EVP_PKEY *
token_load_key (const gchar *pem)
{
  BIO *bio = BIO_new_mem_buf (pem, -1);
  EVP_PKEY *key = strstr (pem, "PRIVATE") != NULL ? PEM_read_bio_PrivateKey (bio, NULL, NULL, NULL)
                                                  : PEM_read_bio_PUBKEY (bio, NULL, NULL, NULL);

  BIO_free (bio);
  g_assert_nonnull (key);
  return key;
}

/* Returns: (transfer full): 0: the header, 1: the claims */
static inline JsonObject *
token_get_part (const gchar *token, guint part)
{
  g_auto (GStrv) parts = g_strsplit (token, ".", -1);
  gsize size;
  g_autofree gchar *text = NULL;
  g_autoptr (JsonNode) root = NULL;

  g_assert_cmpuint (g_strv_length (parts), ==, 3);
  text = token_decode (parts[part], &size);
  root = json_from_string (text, NULL);
  g_assert_nonnull (root);
  return json_object_ref (json_node_get_object (root));
}
