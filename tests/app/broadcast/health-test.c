/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/health.h"

static gboolean
raise_issue (WeirBroadcastHealth *self, const gchar *name, gboolean measured)
{
  WeirBroadcastIssue issue = {.name = (gchar *) name,
      .code = weir_health_code_from_name (name),
      .measured = measured,
      .text = (gchar *) "text"};

  issue.severity = weir_health_code_get_severity (issue.code);
  return weir_broadcast_health_raise (self, &issue);
}

static void
the_worst_issue_is_the_state (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();

  g_assert_cmpstr (weir_broadcast_health_get_state (health), ==, "ok");
  g_assert_true (raise_issue (health, "annex_b", FALSE));
  g_assert_cmpstr (weir_broadcast_health_get_state (health), ==, "ok");
  g_assert_true (raise_issue (health, "starving", TRUE));
  g_assert_cmpstr (weir_broadcast_health_get_state (health), ==, "error");
  g_assert_true (raise_issue (health, "gop_too_short", TRUE));
  g_assert_cmpstr (weir_broadcast_health_get_state (health), ==, "error");
  g_assert_true (weir_broadcast_health_clear (health, "starving"));
  g_assert_cmpstr (weir_broadcast_health_get_state (health), ==, "warning");
  g_assert_false (weir_broadcast_health_clear (health, "starving"));
}

static void
an_issue_is_there_once_and_issues_are_bounded (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();

  g_assert_true (raise_issue (health, "starving", TRUE));
  g_assert_false (raise_issue (health, "starving", TRUE));
  for (guint i = 0; i < 2 * WEIR_BROADCAST_ISSUES_MAX; i++) {
    g_autofree gchar *name = g_strdup_printf ("oddity_%u", i);

    raise_issue (health, name, FALSE);
  }
  g_assert_cmpuint (health->issues->len, ==, WEIR_BROADCAST_ISSUES_MAX);
}

static void
what_sources_said_is_forgotten_what_was_measured_is_not (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();
  g_autoptr (WeirBroadcastHealth) copy = NULL;

  raise_issue (health, "annex_b", FALSE);
  raise_issue (health, "starving", TRUE);
  raise_issue (health, "adts", FALSE);
  copy = weir_broadcast_health_copy (health);
  weir_broadcast_health_forget_sources (health);
  g_assert_cmpuint (health->issues->len, ==, 1);
  g_assert_nonnull (weir_broadcast_health_find (health, WEIR_HEALTH_STARVING));
  g_assert_cmpuint (copy->issues->len, ==, 3);
}

static void
a_value_is_refreshed_where_there_is_an_issue (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();

  raise_issue (health, "gop_too_long", TRUE);
  weir_broadcast_health_refresh (health, WEIR_HEALTH_GOP_TOO_LONG, 12, "twelve");
  weir_broadcast_health_refresh (health, WEIR_HEALTH_STARVING, 0.5, "half");
  g_assert_cmpuint (health->issues->len, ==, 1);
  g_assert_cmpfloat (weir_broadcast_health_find (health, WEIR_HEALTH_GOP_TOO_LONG)->value, ==, 12);
  g_assert_cmpstr (
      weir_broadcast_health_find (health, WEIR_HEALTH_GOP_TOO_LONG)->text, ==, "twelve");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/broadcast/health/" #name, name)
  ADD (the_worst_issue_is_the_state);
  ADD (an_issue_is_there_once_and_issues_are_bounded);
  ADD (what_sources_said_is_forgotten_what_was_measured_is_not);
  ADD (a_value_is_refreshed_where_there_is_an_issue);
  return g_test_run ();
}
