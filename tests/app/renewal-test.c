/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renewal.h"

#include "folder.h"
#include "said.h"
#include "testcertificate.h"

#define DAY_S (24 * 3600)

typedef struct {
  gchar *folder;
  WeirRenewal *renewal;
  guint begun;
  gboolean busy; /* it cannot listen */
} Fixture;

static void
fixture_init (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("weir-renewal-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *self)
{
  g_clear_pointer (&self->renewal, weir_renewal_free);
  remove_folder (self->folder);
  g_free (self->folder);
}

static gint64
get_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* what the timer does */
static void
check (Fixture *self)
{
  weir_renewal_check (self->renewal, get_now ());
}

static void
write_default (Fixture *self, gint64 valid_for_s)
{
  test_pair_write (self->folder, "default", &(TestCertificateSettings){.valid_for_s = valid_for_s});
}

/* of a listener that needs certificates */
static void
start (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->renewal = weir_renewal_new ("https", self->folder, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
begin (WeirCertificates *certificates, gpointer data, GError **error)
{
  Fixture *self = data;

  g_assert_nonnull (certificates);
  if (self->busy) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, "the port is in use");
    return FALSE;
  }
  self->begun++;
  return TRUE;
}

static gchar *
explain (const GError *error, G_GNUC_UNUSED gpointer data)
{
  return g_strconcat ("it is off: ", error->message, NULL);
}

/* of a listener that goes on when there are certificates */
static gboolean
start_or_wait (Fixture *self, GError **error)
{
  self->renewal = weir_renewal_new ("rtmps", self->folder, begin, explain, self, error);
  return self->renewal != NULL;
}

static void
what_is_in_use_is_said (void)
{
  Fixture fixture = {0};
  g_autofree gchar *line = NULL;
  g_autofree gchar *date = NULL;
  g_autoptr (GDateTime) expiry = NULL;

  fixture_init (&fixture);
  write_default (&fixture, 30 * DAY_S);
  start (&fixture);
  expiry = g_date_time_new_from_unix_utc (
      weir_certificates_get_expiry (weir_renewal_get_certificates (fixture.renewal)));
  date = g_date_time_format (expiry, "%F %T");
  line = g_strdup_printf ("https: 1 certificate from %s, valid until %s UTC", fixture.folder, date);
  assert_said (line);

  test_pair_write (fixture.folder, "other", &(TestCertificateSettings){.valid_for_s = 30 * DAY_S});
  test_pair_write (fixture.folder, "third", &(TestCertificateSettings){.valid_for_s = 30 * DAY_S});
  test_file_write (fixture.folder, "third.key", "no key");
  weir_renewal_reload (fixture.renewal);
  assert_said ("https: 2 certificates from *",
      "warning: https: *third.key holds no private key*it is left out");
  fixture_clear (&fixture);
}

static void
without_certificates_who_needs_them_gets_an_error (void)
{
  Fixture fixture = {0};
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture);
  g_assert_null (weir_renewal_new ("https", fixture.folder, NULL, NULL, NULL, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE);
  g_clear_error (&error);
  test_file_write (fixture.folder, "default.crt", "nothing");
  g_assert_null (weir_renewal_new ("https", fixture.folder, NULL, NULL, NULL, &error));
  g_assert_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_UNUSABLE);
  assert_said (NULL);
  fixture_clear (&fixture);
}

static void
without_certificates_who_can_wait_says_why_once_and_begins_once (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture);
  g_assert_true (start_or_wait (&fixture, NULL));
  assert_said ("it is off: there is no certificate: *");
  check (&fixture);
  assert_said (NULL);
  weir_renewal_reload (fixture.renewal);
  assert_said ("it is off: there is no certificate: *");

  /* with half of it somebody has asked for it */
  test_file_write (fixture.folder, "default.crt", "nothing");
  check (&fixture);
  assert_said ("warning: it is off: *default.crt holds no certificate*");
  check (&fixture);
  assert_said (NULL);
  g_assert_null (weir_renewal_get_certificates (fixture.renewal));
  g_assert_cmpuint (fixture.begun, ==, 0);

  write_default (&fixture, 30 * DAY_S);
  check (&fixture);
  assert_said ("rtmps: 1 certificate from *");
  g_assert_nonnull (weir_renewal_get_certificates (fixture.renewal));
  write_default (&fixture, 60 * DAY_S);
  check (&fixture);
  weir_renewal_reload (fixture.renewal);
  assert_said ("rtmps: 1 certificate from *", "rtmps: 1 certificate from *");
  g_assert_cmpuint (fixture.begun, ==, 1);
  fixture_clear (&fixture);
}

static void
a_listener_that_cannot_begin_is_an_error_at_the_start_and_tried_again_later (void)
{
  Fixture fixture = {.busy = TRUE};
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture);
  g_assert_true (start_or_wait (&fixture, NULL));
  assert_said ("it is off: there is no certificate: *");
  write_default (&fixture, 30 * DAY_S);
  check (&fixture);
  check (&fixture);
  assert_said ("warning: it is off: the port is in use");
  fixture.busy = FALSE;
  check (&fixture);
  assert_said ("rtmps: 1 certificate from *");
  g_assert_cmpuint (fixture.begun, ==, 1);
  g_clear_pointer (&fixture.renewal, weir_renewal_free);

  fixture.busy = TRUE;
  g_assert_false (start_or_wait (&fixture, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  assert_said (NULL);
  fixture_clear (&fixture);
}

static void
what_has_changed_is_read_and_what_has_not_is_left (void)
{
  Fixture fixture = {0};
  WeirCertificates *certificates;
  gint64 before;

  fixture_init (&fixture);
  write_default (&fixture, 30 * DAY_S);
  start (&fixture);
  certificates = weir_renewal_get_certificates (fixture.renewal);
  before = weir_certificates_get_expiry (certificates);
  assert_said ("https: 1 certificate from *");
  check (&fixture);
  assert_said (NULL);

  write_default (&fixture, 60 * DAY_S);
  check (&fixture);
  assert_said ("https: 1 certificate from *");
  g_assert_true (weir_renewal_get_certificates (fixture.renewal) == certificates);
  g_assert_cmpint (weir_certificates_get_expiry (certificates), >, before + 29 * DAY_S);

  weir_renewal_reload (fixture.renewal);
  assert_said ("https: 1 certificate from *");
  fixture_clear (&fixture);
}

static void
what_cannot_be_used_is_said_once_and_again_to_who_asks (void)
{
  Fixture fixture = {0};
  const gchar *complaint = "warning: https: *default.key holds no private key*; the certificates "
                           "of before stay in use";
  gint64 expiry;

  fixture_init (&fixture);
  write_default (&fixture, 30 * DAY_S);
  start (&fixture);
  expiry = weir_certificates_get_expiry (weir_renewal_get_certificates (fixture.renewal));
  assert_said ("https: 1 certificate from *");
  test_file_write (fixture.folder, "default.key", "half");
  check (&fixture);
  assert_said (complaint);
  /* another change, the same complaint */
  test_file_write (fixture.folder, "default.key", "half of it");
  check (&fixture);
  assert_said (NULL);
  weir_renewal_reload (fixture.renewal);
  assert_said (complaint);
  weir_renewal_reload (fixture.renewal);
  assert_said (complaint);
  g_assert_cmpint (
      weir_certificates_get_expiry (weir_renewal_get_certificates (fixture.renewal)), ==, expiry);

  /* what was mended meanwhile is news when it breaks again */
  write_default (&fixture, 30 * DAY_S);
  check (&fixture);
  assert_said ("https: 1 certificate from *");
  test_file_write (fixture.folder, "default.key", "half");
  check (&fixture);
  assert_said (complaint);
  fixture_clear (&fixture);
}

static void
what_expires_soon_is_said_when_it_is_read (void)
{
  const struct {
    gint64 valid_for_s;
    const gchar *warning; /* (nullable) */
  } rows[] = {
      {15 * DAY_S, NULL},
      {13 * DAY_S, "warning: https: a certificate expires soon, at *"},
      {3600, "warning: https: a certificate expires soon, at *"},
      {30, "warning: https: certificate default.crt expired at *"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture);
    write_default (&fixture, rows[i].valid_for_s);
    start (&fixture);
    assert_said ("https: 1 certificate from *", rows[i].warning);
    check (&fixture);
    assert_said (NULL);
    weir_renewal_reload (fixture.renewal);
    assert_said ("https: 1 certificate from *", rows[i].warning);
    fixture_clear (&fixture);
  }
}

static void
what_nobody_renews_is_said_14_days_before_it_expires (void)
{
  Fixture fixture = {0};
  gint64 expiry;

  fixture_init (&fixture);
  write_default (&fixture, 90 * DAY_S);
  start (&fixture);
  assert_said ("https: 1 certificate from *");
  expiry = weir_certificates_get_expiry (weir_renewal_get_certificates (fixture.renewal));
  weir_renewal_check (fixture.renewal, expiry - 14 * DAY_S);
  assert_said (NULL);
  weir_renewal_check (fixture.renewal, expiry - 14 * DAY_S + 1);
  assert_said ("warning: https: a certificate expires soon, at *");
  weir_renewal_check (fixture.renewal, expiry - 1);
  assert_said (NULL);

  /* of its successor it is said anew */
  write_default (&fixture, 60 * DAY_S);
  weir_renewal_check (fixture.renewal, get_now ());
  assert_said ("https: 1 certificate from *");
  weir_renewal_check (fixture.renewal, get_now () + 50 * DAY_S);
  assert_said ("warning: https: a certificate expires soon, at *");
  fixture_clear (&fixture);
}

static void
it_looks_by_itself_until_it_is_freed (void)
{
  Fixture fixture = {0};
  gpointer freed;

  fixture_init (&fixture);
  g_assert_true (start_or_wait (&fixture, NULL));
  freed = fixture.renewal;
  write_default (&fixture, 30 * DAY_S);
  g_assert_nonnull (g_main_context_find_source_by_user_data (NULL, freed));
  while (fixture.begun == 0)
    g_main_context_iteration (NULL, TRUE);
  assert_said ("it is off: there is no certificate: *", "rtmps: 1 certificate from *");
  fixture_clear (&fixture);
  g_assert_null (g_main_context_find_source_by_user_data (NULL, freed));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  said_init ();
#define TEST(name) g_test_add_func ("/renewal/" #name, name)
  TEST (what_is_in_use_is_said);
  TEST (without_certificates_who_needs_them_gets_an_error);
  TEST (without_certificates_who_can_wait_says_why_once_and_begins_once);
  TEST (a_listener_that_cannot_begin_is_an_error_at_the_start_and_tried_again_later);
  TEST (what_has_changed_is_read_and_what_has_not_is_left);
  TEST (what_cannot_be_used_is_said_once_and_again_to_who_asks);
  TEST (what_expires_soon_is_said_when_it_is_read);
  TEST (what_nobody_renews_is_said_14_days_before_it_expires);
  TEST (it_looks_by_itself_until_it_is_freed);
  return g_test_run ();
}
