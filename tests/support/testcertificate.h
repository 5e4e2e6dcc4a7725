/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* Certificates that are made when a test runs: self-signed, or by an issuer that is. */
typedef struct {
  const gchar *names;   /* (nullable): "DNS:a.example,DNS:*.b.example" */
  gint64 valid_from_s;  /* seconds from now */
  gint64 valid_for_s;   /* 0: an hour */
  guint rsa_bits;       /* 0: ECDSA with P-256 */
  gboolean authority;   /* may sign others */
  X509 *issuer;         /* (nullable) */
  EVP_PKEY *issuer_key; /* (nullable) */
} TestCertificateSettings;

static inline EVP_PKEY *
test_key_new (guint rsa_bits)
{
  EVP_PKEY *key = rsa_bits > 0 ? EVP_RSA_gen (rsa_bits) : EVP_EC_gen ("P-256");

  g_assert_nonnull (key);
  return key;
}

static inline void
test_certificate_extend (X509 *certificate, X509 *issuer, gint nid, const gchar *value)
{
  X509V3_CTX context;
  X509_EXTENSION *extension;

  X509V3_set_ctx (&context, issuer, certificate, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid (NULL, &context, nid, value);
  g_assert_nonnull (extension);
  g_assert_cmpint (X509_add_ext (certificate, extension, -1), ==, 1);
  X509_EXTENSION_free (extension);
}

/* Returns: (transfer full) */
static inline X509 *
test_certificate_new (EVP_PKEY *key, const TestCertificateSettings *settings)
{
  X509 *certificate = X509_new ();
  X509 *issuer = settings->issuer != NULL ? settings->issuer : certificate;
  gint64 valid_for_s = settings->valid_for_s > 0 ? settings->valid_for_s : 3600;

  X509_set_version (certificate, X509_VERSION_3);
  ASN1_INTEGER_set_int64 (X509_get_serialNumber (certificate), g_random_int () | 1);
  X509_gmtime_adj (X509_getm_notBefore (certificate), settings->valid_from_s - 60);
  X509_gmtime_adj (X509_getm_notAfter (certificate), settings->valid_from_s - 60 + valid_for_s);
  X509_set_pubkey (certificate, key);
  X509_NAME_add_entry_by_txt (X509_get_subject_name (certificate), "CN", MBSTRING_ASC,
      (const guint8 *) (settings->authority ? "Test authority" : "test"), -1, -1, 0);
  X509_set_issuer_name (certificate, X509_get_subject_name (issuer));
  if (settings->authority)
    test_certificate_extend (certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
  if (settings->names != NULL)
    test_certificate_extend (certificate, issuer, NID_subject_alt_name, settings->names);
  g_assert_cmpint (X509_sign (certificate,
                       settings->issuer_key != NULL ? settings->issuer_key : key, EVP_sha256 ()),
      >, 0);
  return certificate;
}

/* Returns: (transfer full): PEM text */
static inline gchar *
test_certificate_to_pem (X509 *certificate)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  gchar *data, *pem;
  glong size;

  g_assert_cmpint (PEM_write_bio_X509 (bio, certificate), ==, 1);
  size = BIO_get_mem_data (bio, &data);
  pem = g_strndup (data, (gsize) size);
  BIO_free (bio);
  return pem;
}

/* @passphrase: (nullable) */
static inline gchar *
test_key_to_pem (EVP_PKEY *key, const gchar *passphrase)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  gchar *data, *pem;
  glong size;

  g_assert_cmpint (
      PEM_write_bio_PKCS8PrivateKey (bio, key, passphrase != NULL ? EVP_aes_128_cbc () : NULL,
          passphrase, passphrase != NULL ? (gint) strlen (passphrase) : 0, NULL, NULL),
      ==, 1);
  size = BIO_get_mem_data (bio, &data);
  pem = g_strndup (data, (gsize) size);
  BIO_free (bio);
  return pem;
}

static inline void
test_file_write (const gchar *folder, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* writes NAME.crt and NAME.key, with a key of their own */
static inline void
test_pair_write (const gchar *folder, const gchar *name, const TestCertificateSettings *settings)
{
  EVP_PKEY *key = test_key_new (settings->rsa_bits);
  X509 *certificate = test_certificate_new (key, settings);
  g_autofree gchar *certificate_pem = test_certificate_to_pem (certificate);
  g_autofree gchar *key_pem = test_key_to_pem (key, NULL);
  g_autofree gchar *certificate_name = g_strconcat (name, ".crt", NULL);
  g_autofree gchar *key_name = g_strconcat (name, ".key", NULL);

  test_file_write (folder, certificate_name, certificate_pem);
  test_file_write (folder, key_name, key_pem);
  X509_free (certificate);
  EVP_PKEY_free (key);
}
