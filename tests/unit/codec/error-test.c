/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/error.h"

static void
a_refusal_says_of_what_and_why (void)
{
  g_autoptr (GError) malformed = NULL;
  g_autoptr (GError) unsupported = NULL;
  g_autoptr (GError) memory = NULL;

  g_assert_false (weir_codec_malformed (&malformed, "AAC", "100 % wrong"));
  g_assert_error (malformed, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED);
  g_assert_cmpstr (malformed->message, ==, "AAC: 100 % wrong");

  g_assert_false (weir_codec_unsupported (&unsupported, "Opus", "version %u", 17u));
  g_assert_error (unsupported, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED);
  g_assert_cmpstr (unsupported->message, ==, "Opus: version 17");

  g_assert_false (weir_codec_out_of_memory (&memory));
  g_assert_error (memory, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY);
}

static void
nobody_has_to_want_the_reason (void)
{
  g_assert_false (weir_codec_malformed (NULL, "AAC", "too short"));
  g_assert_false (weir_codec_unsupported (NULL, "AAC", "channels: %u", 17u));
  g_assert_false (weir_codec_out_of_memory (NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/codec/error/" #name, name)
  TEST (a_refusal_says_of_what_and_why);
  TEST (nobody_has_to_want_the_reason);
  return g_test_run ();
}
