/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/certificates.h"

#include "folder.h"
#include "net/certificatesinternal.h"
#include "testcertificate.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gchar *
folder_new (void)
{
  g_autoptr (GError) error = NULL;
  gchar *folder = g_dir_make_tmp ("weir-certificates-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static WeirCertificates *
load (const gchar *folder)
{
  g_autoptr (GError) error = NULL;
  WeirCertificates *certificates = weir_certificates_new (folder, NULL, &error);

  g_assert_no_error (error);
  return certificates;
}

/* Returns: (transfer full): the alternative names of the certificate that a client gets that asks
 * for @name */
static gchar *
names_for (WeirCertificates *certificates, const gchar *name)
{
  g_autoptr (WeirCertificateSet) set = weir_certificates_get_set (certificates);
  SSL_CTX *context = SSL_CTX_new (TLS_client_method ());
  SSL *client = SSL_new (context);
  SSL *server = weir_certificate_set_new_ssl (set);
  GString *names = g_string_new (NULL);
  BIO *client_bio, *server_bio;
  X509 *certificate;
  GENERAL_NAMES *list;

  g_assert_cmpint (BIO_new_bio_pair (&client_bio, 0, &server_bio, 0), ==, 1);
  SSL_set_bio (client, client_bio, client_bio);
  SSL_set_bio (server, server_bio, server_bio);
  SSL_set_connect_state (client);
  if (name != NULL)
    SSL_set_tlsext_host_name (client, name);
  for (guint i = 0; i < 10; i++) {
    SSL_do_handshake (client);
    SSL_do_handshake (server);
  }
  g_assert_true (SSL_is_init_finished (client));
  g_assert_true (SSL_is_init_finished (server));
  certificate = SSL_get1_peer_certificate (client);
  list = X509_get_ext_d2i (certificate, NID_subject_alt_name, NULL, NULL);
  for (gint i = 0; list != NULL && i < sk_GENERAL_NAME_num (list); i++) {
    if (i > 0)
      g_string_append_c (names, ' ');
    g_string_append (
        names, (gchar *) ASN1_STRING_get0_data (sk_GENERAL_NAME_value (list, i)->d.dNSName));
  }
  GENERAL_NAMES_free (list);
  X509_free (certificate);
  SSL_free (client);
  SSL_free (server);
  SSL_CTX_free (context);
  return g_string_free (names, FALSE);
}

static void
assert_names_for (WeirCertificates *certificates, const gchar *name, const gchar *names)
{
  g_autofree gchar *found = names_for (certificates, name);

  g_assert_cmpstr (found, ==, names);
}

static void
the_name_that_is_asked_for_chooses (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autoptr (WeirCertificates) certificates = NULL;
  const struct {
    const gchar *asked;
    const gchar *names;
  } rows[] = {
      {NULL, "default.example"},
      {"default.example", "default.example"},
      {"a.example", "a.example"},
      {"A.Example", "a.example"},
      {"live.b.example", "live.b.example"},
      {"other.b.example", "*.b.example"},
      {"b.example", "default.example"},
      {"deep.other.b.example", "default.example"},
      {"byfile.example", ""},
      {"*.b.example", "default.example"},
      {"unknown.example", "default.example"},
      {"localhost", "default.example"},
  };

  test_pair_write (folder, "default", &(TestCertificateSettings){.names = "DNS:default.example"});
  test_pair_write (folder, "first", &(TestCertificateSettings){.names = "DNS:a.example"});
  test_pair_write (folder, "second", &(TestCertificateSettings){.names = "DNS:*.b.example"});
  test_pair_write (folder, "third", &(TestCertificateSettings){.names = "DNS:live.b.example"});
  test_pair_write (folder, "byfile.example", &(TestCertificateSettings){0});
  certificates = load (folder);
  g_assert_cmpuint (weir_certificates_get_count (certificates), ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_names_for (certificates, rows[i].asked, rows[i].names);
  remove_folder (folder);
}

static void
of_two_for_a_name_the_one_that_lasts_longer_is_taken (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autoptr (WeirCertificates) certificates = NULL;

  test_pair_write (folder, "default", &(TestCertificateSettings){0});
  test_pair_write (folder, "a",
      &(TestCertificateSettings){.names = "DNS:x.example,DNS:a.example", .valid_for_s = 500});
  test_pair_write (folder, "b",
      &(TestCertificateSettings){.names = "DNS:x.example,DNS:b.example", .valid_for_s = 900});
  test_pair_write (folder, "c",
      &(TestCertificateSettings){.names = "DNS:x.example,DNS:c.example", .valid_for_s = 700});
  certificates = load (folder);
  assert_names_for (certificates, "x.example", "x.example b.example");
  remove_folder (folder);
}

static void
rsa_and_ecdsa_are_taken (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autoptr (WeirCertificates) certificates = NULL;

  test_pair_write (
      folder, "default", &(TestCertificateSettings){.names = "DNS:rsa.example", .rsa_bits = 2048});
  test_pair_write (folder, "other", &(TestCertificateSettings){.names = "DNS:ec.example"});
  certificates = load (folder);
  assert_names_for (certificates, NULL, "rsa.example");
  assert_names_for (certificates, "ec.example", "ec.example");
  remove_folder (folder);
}

static void
assert_fails (const gchar *folder, WeirCertificatesError code, const gchar *words)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;

  g_assert_null (weir_certificates_new (folder, &warnings, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_null (warnings);
}

static void
no_folder_and_an_empty_one_say_what_to_put_there (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *missing = g_build_filename (folder, "missing", NULL);

  assert_fails (missing, WEIR_CERTIFICATES_ERROR_NONE_THERE, "put default.crt");
  assert_fails (folder, WEIR_CERTIFICATES_ERROR_NONE_THERE, "put default.crt");
  test_pair_write (folder, "other", &(TestCertificateSettings){0});
  assert_fails (folder, WEIR_CERTIFICATES_ERROR_NONE_THERE, "put default.crt");
  remove_folder (folder);
}

static void
a_file_in_place_of_the_folder_is_an_error (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *file = g_build_filename (folder, "file", NULL);

  test_file_write (folder, "file", "");
  assert_fails (file, WEIR_CERTIFICATES_ERROR_UNUSABLE, "Not a directory");
  remove_folder (folder);
}

static void
what_is_wrong_with_a_pair_is_said (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *key_path = g_build_filename (folder, "default.key", NULL);
  EVP_PKEY *key = test_key_new (0), *other_key = test_key_new (0), *weak_key = test_key_new (1024);
  X509 *certificate = test_certificate_new (key, &(TestCertificateSettings){0});
  X509 *weak = test_certificate_new (weak_key, &(TestCertificateSettings){0});
  g_autofree gchar *pem = test_certificate_to_pem (certificate);
  g_autofree gchar *weak_pem = test_certificate_to_pem (weak);
  g_autofree gchar *torn = g_strndup (pem, strlen (pem) / 2);
  g_autofree gchar *torn_chain = g_strconcat (pem, torn, NULL);
  g_autofree gchar *key_pem = test_key_to_pem (key, NULL);
  g_autofree gchar *torn_key = g_strndup (key_pem, strlen (key_pem) / 2);
  g_autofree gchar *other_pem = test_key_to_pem (other_key, NULL);
  g_autofree gchar *weak_key_pem = test_key_to_pem (weak_key, NULL);
  g_autofree gchar *locked = test_key_to_pem (key, "secret");
  const struct {
    const gchar *certificate;
    const gchar *key;
    const gchar *words;
  } rows[] = {
      {"", key_pem, "default.crt holds no certificate"},
      {"what?", key_pem, "default.crt holds no certificate"},
      {key_pem, key_pem, "default.crt holds no certificate"},
      {torn, key_pem, "default.crt holds no certificate"},
      {torn_chain, key_pem, "default.crt holds a broken certificate in its chain"},
      {pem, "", "default.key holds no private key"},
      {pem, torn_key, "default.key holds no private key"},
      {pem, pem, "default.key holds no private key"},
      {pem, locked, "default.key has a passphrase"},
      {pem, other_pem, "default.key is not the key of the first certificate in default.crt"},
      {weak_pem, weak_key_pem, "key too small"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    test_file_write (folder, "default.crt", rows[i].certificate);
    test_file_write (folder, "default.key", rows[i].key);
    assert_fails (folder, WEIR_CERTIFICATES_ERROR_UNUSABLE, rows[i].words);
  }
  test_file_write (folder, "default.crt", pem);
  g_assert_cmpint (g_unlink (key_path), ==, 0);
  assert_fails (folder, WEIR_CERTIFICATES_ERROR_UNUSABLE, "default.key cannot be read: No such");
  g_assert_cmpint (mkfifo (key_path, 0600), ==, 0);
  assert_fails (folder, WEIR_CERTIFICATES_ERROR_UNUSABLE, "default.key is no file of PEM text");
  X509_free (certificate);
  X509_free (weak);
  EVP_PKEY_free (key);
  EVP_PKEY_free (other_key);
  EVP_PKEY_free (weak_key);
  remove_folder (folder);
}

static void
a_key_that_may_not_be_read_says_by_whom (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *key_path = g_build_filename (folder, "default.key", NULL);

  test_pair_write (folder, "default", &(TestCertificateSettings){0});
  g_assert_cmpint (g_chmod (key_path, 0), ==, 0);
  if (geteuid () == 0)
    g_test_skip ("root may read everything");
  else
    assert_fails (folder, WEIR_CERTIFICATES_ERROR_UNUSABLE, "by the user that runs Weir");
  remove_folder (folder);
}

static void
a_pair_that_cannot_be_used_is_left_out_and_named (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;
  g_autoptr (WeirCertificates) certificates = NULL;

  test_pair_write (folder, "default", &(TestCertificateSettings){.names = "DNS:default.example"});
  test_pair_write (folder, "broken", &(TestCertificateSettings){.names = "DNS:a.example"});
  test_file_write (folder, "broken.key", "no key");
  certificates = weir_certificates_new (folder, &warnings, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weir_certificates_get_count (certificates), ==, 1);
  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], "broken.key holds no private key"));
  g_assert_nonnull (strstr (warnings[0], "left out"));
  assert_names_for (certificates, "a.example", "default.example");
  remove_folder (folder);
}

static void
an_expired_certificate_is_used_and_named (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;
  g_autoptr (WeirCertificates) certificates = NULL;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  test_pair_write (folder, "default", &(TestCertificateSettings){.valid_for_s = 30});
  test_pair_write (folder, "early", &(TestCertificateSettings){.valid_from_s = 600});
  test_pair_write (folder, "good", &(TestCertificateSettings){0});
  certificates = weir_certificates_new (folder, &warnings, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (warnings), ==, 2);
  g_assert_nonnull (strstr (warnings[0], "default.crt expired at "));
  g_assert_nonnull (strstr (warnings[1], "early.crt is not valid before "));
  g_assert_cmpint (weir_certificates_get_expiry (certificates), >=, now - 31);
  g_assert_cmpint (weir_certificates_get_expiry (certificates), <, now);
  remove_folder (folder);
}

static void
assert_reloads (WeirCertificates *certificates)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_certificates_reload (certificates, NULL, &error));
  g_assert_no_error (error);
}

static void
assert_change_is_read (WeirCertificates *certificates)
{
  g_assert_true (weir_certificates_has_changed (certificates));
  g_assert_true (weir_certificates_has_changed (certificates));
  assert_reloads (certificates);
  g_assert_false (weir_certificates_has_changed (certificates));
}

static void
a_change_is_noticed_until_it_is_read (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *elsewhere = folder_new ();
  g_autofree gchar *link = g_build_filename (folder, "linked.crt", NULL);
  g_autofree gchar *target = g_build_filename (elsewhere, "linked.crt", NULL);
  g_autofree gchar *other_key = g_build_filename (folder, "other.key", NULL);
  g_autoptr (WeirCertificates) certificates = NULL;

  test_pair_write (folder, "default", &(TestCertificateSettings){0});
  test_pair_write (elsewhere, "linked", &(TestCertificateSettings){0});
  certificates = load (folder);
  g_assert_false (weir_certificates_has_changed (certificates));

  test_pair_write (folder, "other", &(TestCertificateSettings){0});
  assert_change_is_read (certificates);

  g_assert_cmpint (g_unlink (other_key), ==, 0);
  assert_change_is_read (certificates);

  g_assert_cmpint (symlink (target, link), ==, 0);
  assert_change_is_read (certificates);
  test_pair_write (elsewhere, "linked", &(TestCertificateSettings){0});
  g_assert_true (weir_certificates_has_changed (certificates));

  test_file_write (folder, "notes.txt", "");
  assert_reloads (certificates);
  test_file_write (folder, "notes.txt", "more");
  g_assert_false (weir_certificates_has_changed (certificates));
  remove_folder (folder);
  remove_folder (elsewhere);
}

static void
a_reload_that_fails_keeps_what_there_was (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder, "default.crt", NULL);
  g_autoptr (WeirCertificates) certificates = NULL;
  g_autoptr (GError) error = NULL;

  test_pair_write (folder, "default", &(TestCertificateSettings){.names = "DNS:old.example"});
  certificates = load (folder);
  test_file_write (folder, "default.key", "half");
  g_assert_false (weir_certificates_reload (certificates, NULL, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_UNUSABLE);
  g_assert_false (weir_certificates_has_changed (certificates));
  assert_names_for (certificates, NULL, "old.example");
  g_clear_error (&error);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_false (weir_certificates_reload (certificates, NULL, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE);
  assert_names_for (certificates, NULL, "old.example");
  g_clear_error (&error);

  test_pair_write (folder, "default", &(TestCertificateSettings){.names = "DNS:new.example"});
  assert_reloads (certificates);
  assert_names_for (certificates, NULL, "new.example");
  remove_folder (folder);
}

static void
a_pair_of_which_one_file_is_written_keeps_the_one_before (void)
{
  g_autofree gchar *folder = folder_new ();
  g_autofree gchar *elsewhere = folder_new ();
  g_autofree gchar *new_certificate = g_build_filename (elsewhere, "other.crt", NULL);
  g_autofree gchar *new_key = g_build_filename (elsewhere, "other.key", NULL);
  g_autofree gchar *old_certificate = g_build_filename (folder, "other.crt", NULL);
  g_autofree gchar *old_key = g_build_filename (folder, "other.key", NULL);
  g_autoptr (WeirCertificates) certificates = NULL;
  g_auto (GStrv) warnings = NULL;
  g_autoptr (GError) error = NULL;

  test_pair_write (folder, "default", &(TestCertificateSettings){0});
  test_pair_write (
      folder, "other", &(TestCertificateSettings){.names = "DNS:a.example,DNS:old.example"});
  test_pair_write (
      elsewhere, "other", &(TestCertificateSettings){.names = "DNS:a.example,DNS:new.example"});
  certificates = load (folder);
  g_assert_cmpint (g_rename (new_certificate, old_certificate), ==, 0);
  g_assert_true (weir_certificates_reload (certificates, &warnings, &error));
  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], "stays in use"));
  assert_names_for (certificates, "a.example", "a.example old.example");

  g_assert_cmpint (g_rename (new_key, old_key), ==, 0);
  assert_change_is_read (certificates);
  assert_names_for (certificates, "a.example", "a.example new.example");

  /* what is taken away on purpose is gone */
  g_assert_cmpint (g_unlink (old_certificate), ==, 0);
  assert_reloads (certificates);
  assert_names_for (certificates, "a.example", "");
  remove_folder (folder);
  remove_folder (elsewhere);
}

static void
only_host_names_are_host_names (void)
{
  g_autofree gchar *longest = g_strnfill (253, 'a');
  g_autofree gchar *too_long = g_strnfill (254, 'a');

  g_assert_true (weir_certificates_is_host_name ("live.example.org"));
  g_assert_true (weir_certificates_is_host_name ("xn--bcher-kva.example"));
  g_assert_true (weir_certificates_is_host_name ("my_host"));
  g_assert_true (weir_certificates_is_host_name ("192.0.2.1"));
  g_assert_true (weir_certificates_is_host_name (longest));
  g_assert_false (weir_certificates_is_host_name (too_long));
  g_assert_false (weir_certificates_is_host_name (""));
  g_assert_false (weir_certificates_is_host_name (".example"));
  g_assert_false (weir_certificates_is_host_name ("../etc/passwd"));
  g_assert_false (weir_certificates_is_host_name ("a\nb"));
  g_assert_false (weir_certificates_is_host_name ("b\303\274cher.example"));
}

#define ADD(name) g_test_add_func ("/net/certificates/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (the_name_that_is_asked_for_chooses);
  ADD (of_two_for_a_name_the_one_that_lasts_longer_is_taken);
  ADD (rsa_and_ecdsa_are_taken);
  ADD (no_folder_and_an_empty_one_say_what_to_put_there);
  ADD (a_file_in_place_of_the_folder_is_an_error);
  ADD (what_is_wrong_with_a_pair_is_said);
  ADD (a_key_that_may_not_be_read_says_by_whom);
  ADD (a_pair_that_cannot_be_used_is_left_out_and_named);
  ADD (an_expired_certificate_is_used_and_named);
  ADD (a_change_is_noticed_until_it_is_read);
  ADD (a_reload_that_fails_keeps_what_there_was);
  ADD (a_pair_of_which_one_file_is_written_keeps_the_one_before);
  ADD (only_host_names_are_host_names);
  return g_test_run ();
}
