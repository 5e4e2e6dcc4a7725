/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/tokenbucket.h"

static void
a_burst_passes_and_what_follows_waits_for_its_token (void)
{
  WeirTokenBucket bucket;

  weir_token_bucket_init (&bucket, 10, 3, 1000);
  for (guint i = 0; i < 3; i++)
    g_assert_true (weir_token_bucket_take (&bucket, 1, 1000));
  g_assert_false (weir_token_bucket_take (&bucket, 1, 1000));
  g_assert_false (weir_token_bucket_take (&bucket, 1, 1000 + 90000));
  g_assert_true (weir_token_bucket_take (&bucket, 1, 1000 + 100001));
  g_assert_false (weir_token_bucket_take (&bucket, 1, 1000 + 100001));
}

static void
a_long_pause_fills_it_to_the_burst_only (void)
{
  WeirTokenBucket bucket;

  weir_token_bucket_init (&bucket, 100, 2, 0);
  g_assert_true (weir_token_bucket_take (&bucket, 2, 0));
  g_assert_true (weir_token_bucket_take (&bucket, 2, G_GINT64_CONSTANT (3600000000)));
  g_assert_false (weir_token_bucket_take (&bucket, 1, G_GINT64_CONSTANT (3600000000)));
}

static void
a_refused_take_costs_nothing (void)
{
  WeirTokenBucket bucket;

  weir_token_bucket_init (&bucket, 1, 2, 0);
  g_assert_false (weir_token_bucket_take (&bucket, 3, 0));
  g_assert_true (weir_token_bucket_take (&bucket, 2, 0));
}

static void
time_that_goes_back_adds_nothing (void)
{
  WeirTokenBucket bucket;

  weir_token_bucket_init (&bucket, 1, 1, 10 * G_USEC_PER_SEC);
  g_assert_true (weir_token_bucket_take (&bucket, 1, 10 * G_USEC_PER_SEC));
  g_assert_false (weir_token_bucket_take (&bucket, 1, 0));
  g_assert_false (weir_token_bucket_take (&bucket, 1, 10 * G_USEC_PER_SEC));
  g_assert_true (weir_token_bucket_take (&bucket, 1, 11 * G_USEC_PER_SEC));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/tokenbucket/a_burst_passes_and_what_follows_waits_for_its_token",
      a_burst_passes_and_what_follows_waits_for_its_token);
  g_test_add_func ("/base/tokenbucket/a_long_pause_fills_it_to_the_burst_only",
      a_long_pause_fills_it_to_the_burst_only);
  g_test_add_func ("/base/tokenbucket/a_refused_take_costs_nothing", a_refused_take_costs_nothing);
  g_test_add_func (
      "/base/tokenbucket/time_that_goes_back_adds_nothing", time_that_goes_back_adds_nothing);
  return g_test_run ();
}
