/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/signing.h"

#include <json-glib/json-glib.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define BITS 2048
#define BITS_MAX 4096

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)

/* what OpenSSL queued is of this call, and must not be found by the thread's next one */
static gpointer
fail (GError **error, const gchar *what)
{
  gchar text[256] = "no reason given";
  gulong code = ERR_peek_last_error ();

  if (code != 0)
    ERR_error_string_n (code, text, sizeof text);
  ERR_clear_error ();
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", what, text);
  return NULL;
}

/* without it OpenSSL asks for the password of an encrypted key on the terminal */
static gint
have_no_password (G_GNUC_UNUSED gchar *buffer, G_GNUC_UNUSED gint size, G_GNUC_UNUSED gint writing,
    G_GNUC_UNUSED gpointer data)
{
  return -1;
}

typedef EVP_PKEY *(*ReadPem) (BIO *bio, EVP_PKEY **key, pem_password_cb *callback, void *data);

static EVP_PKEY *
read_key (const gchar *pem, ReadPem read, GError **error)
{
  gsize size = strlen (pem);
  g_autoptr (BIO) bio = size <= WEIR_SIGNING_PEM_MAX ? BIO_new_mem_buf (pem, (gint) size) : NULL;
  g_autoptr (EVP_PKEY) key = bio != NULL ? read (bio, NULL, have_no_password, NULL) : NULL;

  ERR_clear_error ();
  if (key != NULL && EVP_PKEY_is_a (key, "RSA") && EVP_PKEY_get_bits (key) >= BITS &&
      EVP_PKEY_get_bits (key) <= BITS_MAX)
    return g_steal_pointer (&key);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "is no RSA key of %d to %d bits in PEM",
      BITS, BITS_MAX);
  return NULL;
}

/* Returns: (transfer full): what has been written */
static gchar *
take_text (BIO *bio)
{
  gchar *data;
  glong size = BIO_get_mem_data (bio, &data);

  return g_strndup (data, (gsize) size);
}

gchar *
weir_signing_make_key (GError **error)
{
  g_autoptr (EVP_PKEY) key = EVP_RSA_gen (BITS);
  g_autoptr (BIO) bio = BIO_new (BIO_s_secmem ());

  if (key == NULL || bio == NULL ||
      PEM_write_bio_PrivateKey_traditional (bio, key, NULL, NULL, 0, NULL, NULL) != 1)
    return fail (error, "No key could be made");
  return take_text (bio);
}

gchar *
weir_signing_get_public (const gchar *private_key, GError **error)
{
  g_autoptr (EVP_PKEY) key = read_key (private_key, PEM_read_bio_PrivateKey, error);
  g_autoptr (BIO) bio = BIO_new (BIO_s_mem ());

  if (key == NULL)
    return NULL;
  if (bio == NULL || PEM_write_bio_PUBKEY (bio, key) != 1)
    return fail (error, "The public half cannot be written");
  return take_text (bio);
}

/* Returns: (transfer full): base64url without padding (RFC 7515, 2) */
static gchar *
encode (gconstpointer data, gsize size)
{
  gchar *text = g_base64_encode (data, size);
  gsize length = strlen (text);

  while (length > 0 && text[length - 1] == '=')
    text[--length] = '\0';
  g_strdelimit (text, "+", '-');
  return g_strdelimit (text, "/", '_');
}

static gboolean
add_number (JsonBuilder *builder, const gchar *name, const EVP_PKEY *key, const gchar *parameter)
{
  BIGNUM *number = NULL;
  guint8 bytes[BITS_MAX / 8];
  g_autofree gchar *text = NULL;
  gint size = 0;

  if (EVP_PKEY_get_bn_param (key, parameter, &number) != 1)
    return FALSE;
  if (BN_num_bytes (number) <= (gint) sizeof bytes)
    size = BN_bn2bin (number, bytes);
  BN_clear_free (number);
  text = encode (bytes, (gsize) size);
  OPENSSL_cleanse (bytes, sizeof bytes);
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
  return size > 0;
}

gchar *
weir_signing_make_jwk (const gchar *private_key, const gchar *id, GError **error)
{
  static const struct {
    const gchar *name, *parameter;
  } numbers[] = {
      {"n", OSSL_PKEY_PARAM_RSA_N},
      {"e", OSSL_PKEY_PARAM_RSA_E},
      {"d", OSSL_PKEY_PARAM_RSA_D},
      {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
      {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
      {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
      {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
      {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
  };
  const gchar *texts[] = {"use", "sig", "kty", "RSA", "alg", "RS256", "kid", id};
  g_autoptr (EVP_PKEY) key = read_key (private_key, PEM_read_bio_PrivateKey, error);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  if (key == NULL)
    return NULL;
  json_builder_begin_object (builder);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i += 2) {
    json_builder_set_member_name (builder, texts[i]);
    json_builder_add_string_value (builder, texts[i + 1]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    if (!add_number (builder, numbers[i].name, key, numbers[i].parameter))
      return fail (error, "The key cannot be written as JWK");
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static gchar *
make_header (const gchar *id)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "alg");
  json_builder_add_string_value (builder, "RS256");
  json_builder_set_member_name (builder, "kid");
  json_builder_add_string_value (builder, id);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return encode (text, strlen (text));
}

gchar *
weir_signing_sign (const gchar *private_key, const gchar *public_key, const gchar *id,
    const gchar *claims, GError **error)
{
  g_autoptr (EVP_PKEY) key = read_key (private_key, PEM_read_bio_PrivateKey, error);
  g_autoptr (EVP_PKEY) half =
      key != NULL ? read_key (public_key, PEM_read_bio_PUBKEY, error) : NULL;
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  g_autofree gchar *header = make_header (id), *payload = encode (claims, strlen (claims));
  g_autofree gchar *text = g_strconcat (header, ".", payload, NULL), *encoded = NULL;
  guint8 signature[BITS_MAX / 8];
  gsize size = sizeof signature;

  if (half == NULL)
    return NULL;
  if (EVP_PKEY_eq (key, half) != 1) {
    ERR_clear_error ();
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "is not the key of this id");
    return NULL;
  }
  if (context == NULL || EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key) != 1 ||
      EVP_DigestSign (context, signature, &size, (const guint8 *) text, strlen (text)) != 1)
    return fail (error, "The token cannot be signed");
  encoded = encode (signature, size);
  return g_strconcat (text, ".", encoded, NULL);
}
