/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/signing.h"

#include "../support/token.h"

#define CLAIMS "{\"sub\":\"x\",\"exp\":1}"

static gchar *
make_key (gchar **public_key)
{
  g_autoptr (GError) error = NULL;
  gchar *private_key = weir_signing_make_key (&error);

  g_assert_no_error (error);
  *public_key = weir_signing_get_public (private_key, &error);
  g_assert_no_error (error);
  return private_key;
}

static void
a_token_is_verified_by_the_public_half_alone (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *public_key = NULL, *private_key = make_key (&public_key);
  g_autofree gchar *token = weir_signing_sign (private_key, public_key, "a\"b", CLAIMS, &error);
  g_autoptr (JsonObject) header = NULL, claims = NULL;
  EVP_PKEY *key = token_load_key (public_key);

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (private_key, "-----BEGIN RSA PRIVATE KEY-----\n"));
  g_assert_null (strstr (public_key, "PRIVATE"));
  g_assert_cmpint (EVP_PKEY_get_bits (key), ==, 2048);
  g_assert_null (strpbrk (token, "+/="));
  g_assert_true (token_is_signed_by (token, key));
  header = token_get_part (token, 0);
  claims = token_get_part (token, 1);
  g_assert_cmpuint (json_object_get_size (header), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (header, "alg"), ==, "RS256");
  g_assert_cmpstr (json_object_get_string_member (header, "kid"), ==, "a\"b");
  g_assert_cmpstr (json_object_get_string_member (claims, "sub"), ==, "x");
  token[strlen (token) / 2] ^= 1;
  g_assert_false (token_is_signed_by (token, key));
  EVP_PKEY_free (key);
}

static void
a_private_key_of_another_does_not_sign (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *mine = NULL, *others = NULL;
  g_autofree gchar *private_key = make_key (&mine), *other = make_key (&others);

  g_assert_cmpstr (private_key, !=, other);
  g_assert_null (weir_signing_sign (private_key, others, "k", CLAIMS, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* the numbers of the JWK are those of the PEM */
static void
a_key_is_the_same_as_jwk (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *public_key = NULL, *private_key = make_key (&public_key);
  g_autofree gchar *jwk = weir_signing_make_jwk (private_key, "id", &error);
  g_autoptr (JsonNode) root = NULL;
  static const struct {
    const gchar *name, *parameter;
  } numbers[] = {{"n", "n"}, {"e", "e"}, {"d", "d"}, {"p", "rsa-factor1"}, {"q", "rsa-factor2"},
      {"dp", "rsa-exponent1"}, {"dq", "rsa-exponent2"}, {"qi", "rsa-coefficient1"}};
  EVP_PKEY *key = token_load_key (private_key);

  g_assert_no_error (error);
  root = json_from_string (jwk, NULL);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (root), "kty"), ==, "RSA");
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (root), "kid"), ==, "id");
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    gsize size;
    g_autofree gchar *bytes = token_decode (
        json_object_get_string_member (json_node_get_object (root), numbers[i].name), &size);
    BIGNUM *told = BN_bin2bn ((const guint8 *) bytes, (gint) size, NULL), *real = NULL;

    g_assert_cmpint (EVP_PKEY_get_bn_param (key, numbers[i].parameter, &real), ==, 1);
    g_assert_cmpint (BN_cmp (told, real), ==, 0);
    BN_free (told);
    BN_free (real);
  }
  EVP_PKEY_free (key);
}

static gchar *
write_key (EVP_PKEY *key, const EVP_CIPHER *cipher)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  gchar *data, *text;
  glong size;

  g_assert_cmpint (
      PEM_write_bio_PrivateKey (bio, key, cipher, NULL, 0, NULL, (gpointer) "secret"), ==, 1);
  size = BIO_get_mem_data (bio, &data);
  text = g_strndup (data, (gsize) size);
  BIO_free (bio);
  EVP_PKEY_free (key);
  return text;
}

static void
what_is_no_key_for_signing_is_refused (void)
{
  g_autofree gchar *public_key = NULL, *private_key = make_key (&public_key);
  g_autofree gchar *cut = g_strndup (private_key, strlen (private_key) / 2);
  g_autofree gchar *short_key = write_key (EVP_RSA_gen (1024), NULL);
  g_autofree gchar *curve = write_key (EVP_EC_gen ("P-256"), NULL);
  g_autofree gchar *encrypted = write_key (token_load_key (private_key), EVP_aes_128_cbc ());
  g_autofree gchar *blanks = g_strnfill (WEIR_SIGNING_PEM_MAX, ' ');
  g_autofree gchar *huge = g_strconcat (blanks, private_key, NULL);
  const gchar *cases[] = {"", "text", public_key, cut, short_key, curve, encrypted, huge};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) of_public = NULL, of_jwk = NULL, of_signing = NULL;

    g_test_message ("%u: %.40s", i, cases[i]);
    g_assert_null (weir_signing_get_public (cases[i], &of_public));
    g_assert_error (of_public, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    g_assert_null (weir_signing_make_jwk (cases[i], "k", &of_jwk));
    g_assert_error (of_jwk, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    g_assert_null (weir_signing_sign (cases[i], public_key, "k", CLAIMS, &of_signing));
    g_assert_error (of_signing, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  }
}

/* PKCS #8, as other programs write it */
static void
a_key_in_another_dress_signs (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *public_key = NULL, *private_key = make_key (&public_key);
  g_autofree gchar *other = write_key (token_load_key (private_key), NULL), *token = NULL;

  g_assert_true (g_str_has_prefix (other, "-----BEGIN PRIVATE KEY-----"));
  token = weir_signing_sign (other, public_key, "k", CLAIMS, &error);
  g_assert_no_error (error);
  g_assert_nonnull (token);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/auth/signing/" #function, function)
  TEST (a_token_is_verified_by_the_public_half_alone);
  TEST (a_private_key_of_another_does_not_sign);
  TEST (a_key_is_the_same_as_jwk);
  TEST (what_is_no_key_for_signing_is_refused);
  TEST (a_key_in_another_dress_signs);
  return g_test_run ();
}
