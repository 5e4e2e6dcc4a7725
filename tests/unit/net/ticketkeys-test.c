/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/ticketkeys.h"

#include <string.h>

#define HOUR_US (3600 * (gint64) G_USEC_PER_SEC)

static void
a_key_seals_for_six_hours (void)
{
  g_autoptr (WeirTicketKeys) keys = weir_ticket_keys_new ();
  WeirTicketKey first, second;

  g_assert_true (weir_ticket_keys_get (keys, HOUR_US, &first));
  g_assert_true (weir_ticket_keys_get (keys, 7 * HOUR_US - 1, &second));
  g_assert_cmpmem (&first, sizeof first, &second, sizeof second);
  g_assert_true (weir_ticket_keys_get (keys, 7 * HOUR_US, &second));
  g_assert_cmpint (memcmp (&first, &second, sizeof first), !=, 0);
}

static void
a_key_opens_for_six_more_and_is_to_be_renewed_then (void)
{
  g_autoptr (WeirTicketKeys) keys = weir_ticket_keys_new ();
  WeirTicketKey first, other;
  gboolean renew = TRUE;

  g_assert_true (weir_ticket_keys_get (keys, 0, &first));
  g_assert_true (weir_ticket_keys_find (keys, HOUR_US, first.name, &other, &renew));
  g_assert_false (renew);
  g_assert_true (weir_ticket_keys_find (keys, 6 * HOUR_US, first.name, &other, &renew));
  g_assert_true (renew);
  g_assert_cmpmem (&first, sizeof first, &other, sizeof other);
  g_assert_true (weir_ticket_keys_find (keys, 12 * HOUR_US - 1, first.name, &other, &renew));
  g_assert_false (weir_ticket_keys_find (keys, 12 * HOUR_US, first.name, &other, &renew));
}

static void
a_key_is_gone_after_twelve_hours_though_others_came_late (void)
{
  g_autoptr (WeirTicketKeys) keys = weir_ticket_keys_new ();
  WeirTicketKey first, second, other;
  gboolean renew;

  g_assert_true (weir_ticket_keys_get (keys, 0, &first));
  g_assert_true (weir_ticket_keys_get (keys, 11 * HOUR_US, &second));
  g_assert_true (weir_ticket_keys_find (keys, 12 * HOUR_US - 1, first.name, &other, &renew));
  g_assert_false (weir_ticket_keys_find (keys, 12 * HOUR_US, first.name, &other, &renew));
  g_assert_true (weir_ticket_keys_find (keys, 12 * HOUR_US, second.name, &other, &renew));
  g_assert_false (weir_ticket_keys_find (keys, 23 * HOUR_US, second.name, &other, &renew));
}

static void
after_days_without_a_client_no_key_is_left (void)
{
  g_autoptr (WeirTicketKeys) keys = weir_ticket_keys_new ();
  WeirTicketKey first, other;
  gboolean renew;

  g_assert_true (weir_ticket_keys_get (keys, 0, &first));
  weir_ticket_keys_expire (keys, 100 * HOUR_US);
  g_assert_false (weir_ticket_keys_find (keys, 100 * HOUR_US, first.name, &other, &renew));
  g_assert_true (weir_ticket_keys_get (keys, 100 * HOUR_US, &other));
  g_assert_true (weir_ticket_keys_find (keys, 105 * HOUR_US, other.name, &other, &renew));
  g_assert_false (renew);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/ticketkeys/a_key_seals_for_six_hours", a_key_seals_for_six_hours);
  g_test_add_func ("/net/ticketkeys/a_key_opens_for_six_more_and_is_to_be_renewed_then",
      a_key_opens_for_six_more_and_is_to_be_renewed_then);
  g_test_add_func ("/net/ticketkeys/a_key_is_gone_after_twelve_hours_though_others_came_late",
      a_key_is_gone_after_twelve_hours_though_others_came_late);
  g_test_add_func ("/net/ticketkeys/after_days_without_a_client_no_key_is_left",
      after_days_without_a_client_no_key_is_left);
  return g_test_run ();
}
