/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "https.h"

#include "folder.h"
#include "said.h"
#include "testcertificate.h"

#define DAY_S (24 * 3600)

typedef struct {
  gchar *folder;
  WeirConfig *config;
  WeirHttps *https;
} Fixture;

static void
handle (G_GNUC_UNUSED WeirHttpRequest *request, G_GNUC_UNUSED gpointer data)
{
  g_assert_not_reached ();
}

static void
fixture_init (Fixture *self, const gchar *listen)
{
  g_autofree gchar *folder = g_dir_make_tmp ("weir-https-XXXXXX", NULL);
  g_autofree gchar *certificates = g_strconcat ("https.certificates=", folder, NULL);
  g_autofree gchar *address = g_strconcat ("https.listen=", listen, NULL);
  const gchar *const overrides[] = {certificates, address, NULL};
  g_autoptr (GError) error = NULL;

  self->folder = g_steal_pointer (&folder);
  self->config = weir_config_load ("/dev/null", overrides, &error);
  g_assert_no_error (error);
}

static gboolean
fixture_start (Fixture *self, GError **error)
{
  WeirHttpServerSettings settings;

  weir_http_server_settings_init (&settings);
  self->https = weir_https_new (self->config, &settings, handle, NULL, error);
  return self->https != NULL;
}

static void
fixture_clear (Fixture *self)
{
  g_clear_pointer (&self->https, weir_https_free);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->folder);
}

static void
without_a_certificate_or_a_port_it_does_not_start (void)
{
  Fixture first = {0}, second = {0};
  g_autoptr (GError) error = NULL;

  fixture_init (&first, "127.0.0.1:0");
  g_assert_false (fixture_start (&first, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE);
  g_assert_true (
      g_str_has_prefix (error->message, "https.listen is set, but there is no certificate: "));
  g_clear_error (&error);

  test_pair_write (first.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * DAY_S});
  g_assert_true (fixture_start (&first, &error));
  fixture_init (&second, weir_http_server_get_addresses (weir_https_get_server (first.https)));
  test_pair_write (second.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * DAY_S});
  g_assert_false (fixture_start (&second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_true (g_str_has_prefix (error->message, "https.listen: "));
  assert_said ("https: 1 certificate from *", "https: 1 certificate from *");
  fixture_clear (&second);
  fixture_clear (&first);
}

static void
a_certificate_that_expires_soon_is_said (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, "127.0.0.1:0");
  test_pair_write (
      fixture.folder, "default", &(TestCertificateSettings){.valid_for_s = 13 * DAY_S});
  g_assert_true (fixture_start (&fixture, NULL));
  assert_said ("https: 1 certificate from *", "warning: https: a certificate expires soon, at *");
  fixture_clear (&fixture);
}

static void
what_cannot_be_used_is_said_at_each_reload (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, "127.0.0.1:0");
  test_pair_write (
      fixture.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * DAY_S});
  g_assert_true (fixture_start (&fixture, NULL));
  assert_said ("https: 1 certificate from *");
  test_file_write (fixture.folder, "default.key", "half");
  for (guint i = 0; i < 2; i++) {
    weir_https_reload (fixture.https);
    assert_said ("warning: https: *default.key holds no private key*; the certificates of before "
                 "stay in use",
        NULL);
  }
  fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  said_init ();
#define TEST(name) g_test_add_func ("/https/" #name, name)
  TEST (without_a_certificate_or_a_port_it_does_not_start);
  TEST (a_certificate_that_expires_soon_is_said);
  TEST (what_cannot_be_used_is_said_at_each_reload);
  return g_test_run ();
}
