/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptors.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
the_limit_is_raised_to_what_is_allowed (void)
{
  struct rlimit limit, raised;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_max = MIN (limit.rlim_max, 300);
  limit.rlim_cur = 100;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_cmpuint (weir_descriptors_get_limit (), ==, 100);
  g_assert_cmpuint (weir_descriptors_raise_limit (), ==, limit.rlim_max);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &raised), ==, 0);
  g_assert_cmpuint (raised.rlim_cur, ==, limit.rlim_max);
  /* again changes nothing */
  g_assert_cmpuint (weir_descriptors_raise_limit (), ==, limit.rlim_max);
}

static void
what_is_open_is_counted (void)
{
  guint before = weir_descriptors_count_open ();
  gint pipes[2];

  g_assert_cmpuint (before, >=, 3);
  g_assert_cmpint (pipe (pipes), ==, 0);
  g_assert_cmpuint (weir_descriptors_count_open (), ==, before + 2);
  close (pipes[0]);
  close (pipes[1]);
  g_assert_cmpuint (weir_descriptors_count_open (), ==, before);
}

static void
a_shortage_is_explained (void)
{
  g_autofree gchar *text = weir_descriptors_explain_shortage (1024, 256, 4096);

  g_assert_null (weir_descriptors_explain_shortage (65536, 16384, 4096));
  g_assert_null (weir_descriptors_explain_shortage (G_MAXUINT, 1000000, 1000000));
  g_assert_nonnull (strstr (text, "may open 1024 files"));
  g_assert_nonnull (strstr (text, "need 4816"));
  g_assert_nonnull (strstr (text, "LimitNOFILE"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/descriptors/" #name, name)
  TEST (what_is_open_is_counted);
  TEST (a_shortage_is_explained);
  TEST (the_limit_is_raised_to_what_is_allowed);
  return g_test_run ();
}
