/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmps.h"

#include "folder.h"
#include "testcertificate.h"

typedef struct {
  gchar *folder;
  WeirConfig *config;
  WeirWorker *worker;
  WeirRtmps *rtmps;
  guint changes;
} Fixture;

static gboolean
authorise (G_GNUC_UNUSED WeirRtmpListener *listener, G_GNUC_UNUSED WeirConnection *connection,
    G_GNUC_UNUSED gpointer data)
{
  return FALSE;
}

static void
changed (gpointer data)
{
  Fixture *self = data;
  g_autofree gchar *addresses = weir_rtmps_get_addresses (self->rtmps);

  g_assert_nonnull (addresses);
  self->changes++;
}

static void
fixture_init (Fixture *self, const gchar *listen)
{
  g_autofree gchar *folder = g_dir_make_tmp ("weir-rtmps-XXXXXX", NULL);
  g_autofree gchar *certificates = g_strconcat ("rtmps.certificates=", folder, NULL);
  g_autofree gchar *address = g_strconcat ("rtmps.listen=", listen, NULL);
  const gchar *const overrides[] = {
      certificates, address, "server.public-host=live.example.org", NULL};
  g_autoptr (GError) error = NULL;

  self->folder = g_steal_pointer (&folder);
  self->config = weir_config_load ("/dev/null", overrides, &error);
  g_assert_no_error (error);
  self->worker = weir_worker_new ("accept");
}

static gboolean
fixture_start (Fixture *self, GError **error)
{
  WeirRtmpListenerSettings settings;

  weir_rtmp_listener_settings_init (&settings);
  self->rtmps =
      weir_rtmps_new (self->config, &settings, self->worker, authorise, changed, self, error);
  return self->rtmps != NULL;
}

static void
fixture_clear (Fixture *self)
{
  weir_rtmps_free (self->rtmps);
  weir_worker_stop (self->worker);
  weir_worker_unref (self->worker);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->folder);
}

static void
without_a_certificate_it_says_how_it_is_switched_on_and_then_goes_on (void)
{
  Fixture fixture = {0};
  WeirRtmpsStatistics statistics;
  g_autofree gchar *hint = NULL, *later = NULL, *off = NULL, *on = NULL;

  fixture_init (&fixture, "127.0.0.1:0");
  g_assert_true (fixture_start (&fixture, NULL));
  off = weir_rtmps_get_addresses (fixture.rtmps);
  g_assert_null (off);
  hint = weir_rtmps_get_hint (fixture.rtmps);
  g_assert_nonnull (strstr (hint, fixture.folder));
  g_assert_nonnull (strstr (hint, "openssl req -x509"));
  g_assert_nonnull (strstr (hint, "certbot certonly --standalone -d live.example.org"));
  weir_rtmps_get_statistics (fixture.rtmps, &statistics);
  g_assert_cmpint (statistics.expiry, ==, 0);

  test_pair_write (
      fixture.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * 86400});
  weir_rtmps_reload (fixture.rtmps);
  g_assert_cmpuint (fixture.changes, ==, 1);
  on = weir_rtmps_get_addresses (fixture.rtmps);
  g_assert_true (g_str_has_prefix (on, "127.0.0.1:"));
  later = weir_rtmps_get_hint (fixture.rtmps);
  g_assert_null (later);
  weir_rtmps_get_statistics (fixture.rtmps, &statistics);
  g_assert_cmpint (statistics.expiry, >, g_get_real_time () / G_USEC_PER_SEC);
  weir_rtmps_reload (fixture.rtmps);
  g_assert_cmpuint (fixture.changes, ==, 1);
  fixture_clear (&fixture);
}

static void
with_a_certificate_it_is_on_from_the_start (void)
{
  Fixture fixture = {0};
  g_autofree gchar *on = NULL;

  fixture_init (&fixture, "127.0.0.1:0");
  test_pair_write (
      fixture.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * 86400});
  g_assert_true (fixture_start (&fixture, NULL));
  g_assert_cmpuint (fixture.changes, ==, 0);
  on = weir_rtmps_get_addresses (fixture.rtmps);
  g_assert_nonnull (on);
  fixture_clear (&fixture);
}

static void
off_on_purpose_it_says_nothing (void)
{
  Fixture fixture = {0};
  g_autofree gchar *hint = NULL, *on = NULL;

  fixture_init (&fixture, "");
  test_pair_write (fixture.folder, "default", &(TestCertificateSettings){0});
  g_assert_true (fixture_start (&fixture, NULL));
  weir_rtmps_reload (fixture.rtmps);
  hint = weir_rtmps_get_hint (fixture.rtmps);
  on = weir_rtmps_get_addresses (fixture.rtmps);
  g_assert_null (hint);
  g_assert_null (on);
  fixture_clear (&fixture);
}

static void
a_busy_port_is_an_error_at_the_start_and_a_hint_later (void)
{
  Fixture first = {0}, second = {0};
  g_autoptr (GError) error = NULL;
  g_autofree gchar *busy = NULL, *hint = NULL;

  fixture_init (&first, "127.0.0.1:0");
  test_pair_write (first.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * 86400});
  g_assert_true (fixture_start (&first, NULL));
  busy = weir_rtmps_get_addresses (first.rtmps);
  fixture_init (&second, busy);
  g_assert_true (fixture_start (&second, NULL));
  test_pair_write (second.folder, "default", &(TestCertificateSettings){.valid_for_s = 30 * 86400});
  g_test_expect_message ("weir", G_LOG_LEVEL_WARNING, "RTMPS is off: rtmps.listen: *in use*");
  weir_rtmps_reload (second.rtmps);
  g_test_assert_expected_messages ();
  hint = weir_rtmps_get_hint (second.rtmps);
  g_assert_nonnull (strstr (hint, busy));
  g_assert_cmpuint (second.changes, ==, 0);
  weir_rtmps_free (g_steal_pointer (&second.rtmps));
  g_assert_false (fixture_start (&second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  fixture_clear (&second);
  fixture_clear (&first);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmps/" #name, name)
  TEST (without_a_certificate_it_says_how_it_is_switched_on_and_then_goes_on);
  TEST (with_a_certificate_it_is_on_from_the_start);
  TEST (off_on_purpose_it_says_nothing);
  TEST (a_busy_port_is_an_error_at_the_start_and_a_hint_later);
  return g_test_run ();
}
