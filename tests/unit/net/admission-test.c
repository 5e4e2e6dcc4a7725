/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/admission.h"

static const WeirAdmissionSettings defaults = {
    .connections_max = 1000,
    .connections_per_address_max = 20,
    .waiting_per_address_max = 100,
    .per_address_rate = 10,
    .per_address_burst = 20,
};

#define SECOND ((gint64) G_USEC_PER_SEC)

static const gchar *
enter (WeirAdmission *admission, const gchar *text, gint64 now_us, gint64 *wait_us)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return weir_admission_enter (admission, address, now_us, wait_us);
}

/* Returns: whether it is in at once */
static gboolean
enters (WeirAdmission *admission, const gchar *text, gint64 now_us)
{
  gint64 wait_us = -1;

  return enter (admission, text, now_us, &wait_us) == NULL && wait_us == 0;
}

static gint64
ask_again (WeirAdmission *admission, const gchar *text, gint64 now_us)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return weir_admission_ask_again (admission, address, now_us);
}

static void
leave (WeirAdmission *admission, const gchar *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  weir_admission_leave (admission, address);
}

static const gchar *
give_up (WeirAdmission *admission, const gchar *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return weir_admission_give_up (admission, address);
}

static void
a_burst_comes_in_and_the_rest_waits_for_its_turn (void)
{
  g_autoptr (WeirAdmission) admission = weir_admission_new (&defaults);
  gint64 waits[10];

  for (guint i = 0; i < 20; i++) {
    g_assert_true (enters (admission, "192.0.2.1", SECOND));
    leave (admission, "192.0.2.1");
  }
  for (guint i = 0; i < 10; i++) {
    g_assert_null (enter (admission, "192.0.2.1", SECOND, &waits[i]));
    g_assert_cmpint (waits[i], >=, (i + 1) * SECOND / 10);
    g_assert_cmpint (waits[i], <=, (i + 1) * SECOND / 10 + 1000);
  }
  g_assert_cmpuint (weir_admission_get_waiting (admission), ==, 10);
  /* too early */
  g_assert_cmpint (ask_again (admission, "192.0.2.1", SECOND + waits[0] / 2), >, 0);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (ask_again (admission, "192.0.2.1", SECOND + waits[i]), ==, 0);
  g_assert_cmpuint (weir_admission_get_waiting (admission), ==, 0);
  g_assert_cmpuint (weir_admission_get_talking (admission), ==, 10);
}

static void
nobody_overtakes_those_who_wait (void)
{
  g_autoptr (WeirAdmission) admission = weir_admission_new (&defaults);
  gint64 first_us, second_us;

  for (guint i = 0; i < 20; i++) {
    g_assert_true (enters (admission, "192.0.2.1", 0));
    leave (admission, "192.0.2.1");
  }
  g_assert_null (enter (admission, "192.0.2.1", 0, &first_us));
  /* there would be a token for it, which is the other's */
  g_assert_null (enter (admission, "192.0.2.1", first_us, &second_us));
  g_assert_cmpint (second_us, >, 0);
  g_assert_cmpint (ask_again (admission, "192.0.2.1", first_us), ==, 0);
  g_assert_cmpint (ask_again (admission, "192.0.2.1", first_us + second_us), ==, 0);
}

static void
who_talks_makes_the_next_wait_until_it_leaves (void)
{
  WeirAdmissionSettings settings = defaults;
  g_autoptr (WeirAdmission) admission = NULL;
  gint64 wait_us;

  settings.connections_per_address_max = 2;
  admission = weir_admission_new (&settings);
  g_assert_true (enters (admission, "192.0.2.1", 0));
  g_assert_true (enters (admission, "192.0.2.1", 0));
  g_assert_null (enter (admission, "192.0.2.1", 0, &wait_us));
  g_assert_cmpint (wait_us, >, 0);
  g_assert_cmpint (ask_again (admission, "192.0.2.1", wait_us), >, 0);
  g_assert_cmpstr (
      give_up (admission, "192.0.2.1"), ==, WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS);
  g_assert_cmpuint (weir_admission_get_waiting (admission), ==, 0);
  leave (admission, "192.0.2.1");
  g_assert_true (enters (admission, "192.0.2.1", SECOND));
}

static void
too_many_that_wait_are_refused_with_what_keeps_them (void)
{
  WeirAdmissionSettings settings = defaults;
  gint64 wait_us = -1;

  settings.waiting_per_address_max = 0;
  settings.connections_per_address_max = 3;
  {
    g_autoptr (WeirAdmission) admission = weir_admission_new (&settings);

    for (guint i = 0; i < 3; i++)
      g_assert_true (enters (admission, "192.0.2.1", 0));
    g_assert_cmpstr (enter (admission, "192.0.2.1", 0, &wait_us), ==,
        WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS);
    g_assert_true (enters (admission, "192.0.2.2", 0));
  }
  settings.connections_per_address_max = 0;
  settings.waiting_per_address_max = 2;
  {
    g_autoptr (WeirAdmission) admission = weir_admission_new (&settings);

    for (guint i = 0; i < 20; i++)
      g_assert_true (enters (admission, "192.0.2.1", 0));
    for (guint i = 0; i < 2; i++)
      g_assert_null (enter (admission, "192.0.2.1", 0, &wait_us));
    wait_us = -1;
    g_assert_cmpstr (
        enter (admission, "192.0.2.1", 0, &wait_us), ==, WEIR_LIMIT_CONNECTION_RATE_PER_ADDRESS);
    /* untouched */
    g_assert_cmpint (wait_us, ==, -1);
    g_assert_cmpuint (weir_admission_get_talking (admission), ==, 20);
    g_assert_cmpuint (weir_admission_get_waiting (admission), ==, 2);
  }
}

static void
all_addresses_together_have_a_limit (void)
{
  WeirAdmissionSettings settings = defaults;
  g_autoptr (WeirAdmission) admission = NULL;
  gint64 wait_us;

  settings.connections_max = 4;
  settings.connections_per_address_max = 1;
  admission = weir_admission_new (&settings);
  g_assert_true (enters (admission, "192.0.2.1", 0));
  g_assert_true (enters (admission, "192.0.2.2", 0));
  /* those that wait count too, and a proxy's own */
  g_assert_null (enter (admission, "192.0.2.1", 0, &wait_us));
  g_assert_null (weir_admission_enter (admission, NULL, 0, &wait_us));
  g_assert_cmpint (wait_us, ==, 0);
  g_assert_cmpstr (enter (admission, "192.0.2.3", 0, &wait_us), ==, WEIR_LIMIT_PENDING_CONNECTIONS);
  g_assert_cmpstr (
      weir_admission_enter (admission, NULL, 0, &wait_us), ==, WEIR_LIMIT_PENDING_CONNECTIONS);
  weir_admission_leave (admission, NULL);
  g_assert_true (enters (admission, "192.0.2.3", 0));
}

static void
without_limits_an_address_may_have_all (void)
{
  WeirAdmissionSettings settings = {.connections_max = 500, .per_address_burst = 1};
  g_autoptr (WeirAdmission) admission = weir_admission_new (&settings);
  gint64 wait_us;

  for (guint i = 0; i < 500; i++)
    g_assert_true (enters (admission, "192.0.2.1", 0));
  g_assert_cmpstr (enter (admission, "192.0.2.1", 0, &wait_us), ==, WEIR_LIMIT_PENDING_CONNECTIONS);
}

static void
who_counts_as_one_address (void)
{
  const struct {
    const gchar *first, *second;
    gboolean same;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1", TRUE},
      {"192.0.2.1", "192.0.2.2", FALSE},
      {"192.0.2.1", "::ffff:192.0.2.1", TRUE},
      {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", TRUE},
      {"2001:db8:1:2::1", "2001:db8:1:3::1", FALSE},
      {"::1", "127.0.0.1", FALSE},
      {"0.0.0.1", "::1", FALSE},
  };
  WeirAdmissionSettings settings = {
      .connections_max = 10, .connections_per_address_max = 1, .per_address_burst = 1};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirAdmission) admission = weir_admission_new (&settings);
    gint64 wait_us;

    g_assert_true (enters (admission, cases[i].first, 0));
    g_assert_cmpstr (enter (admission, cases[i].second, 0, &wait_us), ==,
        cases[i].same ? WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS : NULL);
  }
}

static void
the_burst_comes_back_with_time (void)
{
  g_autoptr (WeirAdmission) admission = weir_admission_new (&defaults);

  /* also after it was forgotten, which must not be earlier than it has its burst again */
  for (gint64 now_us = 0; now_us < 60 * SECOND; now_us += 1500 * 1000) {
    guint in = 0;

    for (guint i = 0; i < 40; i++) {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string ("192.0.2.1");
      gint64 wait_us;

      g_assert_null (weir_admission_enter (admission, address, now_us, &wait_us));
      if (wait_us > 0) {
        weir_admission_give_up (admission, address);
        continue;
      }
      weir_admission_leave (admission, address);
      in++;
    }
    g_assert_cmpuint (in, ==, now_us == 0 ? 20 : 15);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/admission/" #name, name)
  TEST (a_burst_comes_in_and_the_rest_waits_for_its_turn);
  TEST (nobody_overtakes_those_who_wait);
  TEST (who_talks_makes_the_next_wait_until_it_leaves);
  TEST (too_many_that_wait_are_refused_with_what_keeps_them);
  TEST (all_addresses_together_have_a_limit);
  TEST (without_limits_an_address_may_have_all);
  TEST (who_counts_as_one_address);
  TEST (the_burst_comes_back_with_time);
  return g_test_run ();
}
