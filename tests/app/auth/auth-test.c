/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/auth.h"

#include "folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
  gchar *folder;
  gchar *state_dir;
  gchar *token_file;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->folder = g_dir_make_tmp ("weir-auth-XXXXXX", NULL);
  fixture->state_dir = g_build_filename (fixture->folder, "state", NULL);
  fixture->token_file = g_build_filename (fixture->state_dir, "api-token", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  remove_folder (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->state_dir);
  g_free (fixture->token_file);
}

static WeirAuth *
load (Fixture *fixture, const gchar *account, GError **error)
{
  return weir_auth_load (fixture->state_dir, account, fixture->token_file, error);
}

static gchar *
read_token (Fixture *fixture)
{
  g_autofree gchar *token = NULL;

  g_assert_true (g_file_get_contents (fixture->token_file, &token, NULL, NULL));
  return g_steal_pointer (&token);
}

static void
the_first_start_makes_account_and_token (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirAuth) auth = load (fixture, NULL, &error);
  g_autofree gchar *token = NULL;
  GStatBuf status;

  (void) data;
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (weir_auth_get_account (auth)), ==, 32);
  g_assert_cmpuint (strspn (weir_auth_get_account (auth), "0123456789abcdef"), ==, 32);
  token = read_token (fixture);
  g_assert_cmpuint (strlen (token), >=, 40);
  g_assert_cmpint (g_stat (fixture->token_file, &status), ==, 0);
  g_assert_cmphex (status.st_mode & 0777, ==, 0600);
  g_assert_true (weir_auth_check_token (auth, token));
}

static void
the_next_start_finds_the_same (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirAuth) first = load (fixture, "", NULL);
  g_autoptr (WeirAuth) second = load (fixture, "", NULL);
  g_autoptr (WeirAuth) named = load (fixture, "my-account", NULL);
  g_autofree gchar *token = read_token (fixture);

  (void) data;
  g_assert_cmpstr (weir_auth_get_account (first), ==, weir_auth_get_account (second));
  g_assert_cmpstr (weir_auth_get_account (named), ==, "my-account");
  g_assert_true (weir_auth_check_token (first, token));
  g_assert_true (weir_auth_check_token (second, token));
}

static void
only_the_right_bearer_token_is_let_in (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirAuth) auth = load (fixture, NULL, NULL);
  g_autofree gchar *token = read_token (fixture);
  const struct {
    const gchar *before, *after;
    gboolean good;
  } cases[] = {
      {"Bearer ", "", TRUE},
      {"bearer ", "", TRUE},
      {"Bearer  ", "", TRUE},
      {"", "", FALSE},
      {"Bearer", "", FALSE},
      {"Basic ", "", FALSE},
      {"Bearer ", "x", FALSE},
      {"Bearer x", "", FALSE},
      {"Bearer ", " ", FALSE},
  };

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *header = g_strconcat (cases[i].before, token, cases[i].after, NULL);

    g_test_message ("case %u", i);
    g_assert_cmpint (weir_auth_get_access (auth, header, NULL), ==,
        cases[i].good ? WEIR_ACCESS_ADMINISTRATOR : WEIR_ACCESS_NONE);
  }
  g_assert_cmpint (weir_auth_get_access (auth, NULL, NULL), ==, WEIR_ACCESS_NONE);
  g_assert_cmpint (weir_auth_get_access (auth, "", NULL), ==, WEIR_ACCESS_NONE);
  g_assert_cmpint (weir_auth_get_access (auth, "Bearer ", NULL), ==, WEIR_ACCESS_NONE);
  token[strlen (token) - 1] ^= 1;
  g_assert_false (weir_auth_check_token (auth, token));
}

static void
a_token_that_others_can_read_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirAuth) first = load (fixture, NULL, NULL);
  g_autoptr (WeirAuth) again = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_nonnull (first);
  g_assert_cmpint (g_chmod (fixture->token_file, 0640), ==, 0);
  again = load (fixture, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_null (again);
  g_assert_nonnull (strstr (error->message, fixture->token_file));
}

static void
a_token_file_of_ones_own_may_end_with_a_newline (Fixture *fixture, gconstpointer data)
{
  static const gchar token[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  g_autofree gchar *content = g_strconcat (token, "\r\n", NULL);
  g_autoptr (WeirAuth) auth = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  g_mkdir (fixture->state_dir, 0700);
  g_assert_true (g_file_set_contents_full (
      fixture->token_file, content, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  auth = load (fixture, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (weir_auth_check_token (auth, token));
}

static void
a_short_or_empty_token_is_refused (Fixture *fixture, gconstpointer data)
{
  const gchar *const contents[] = {"", "\n", "short", "\nabcdefghijklmnopqrstuvwxyz0123456789"};

  (void) data;
  g_mkdir (fixture->state_dir, 0700);
  for (guint i = 0; i < G_N_ELEMENTS (contents); i++) {
    g_autoptr (WeirAuth) auth = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_true (g_file_set_contents_full (
        fixture->token_file, contents[i], -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    auth = load (fixture, NULL, &error);
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  }
}

static void
random_texts_have_their_form_and_differ (void)
{
  g_autofree gchar *hex = weir_random_hex (16);
  g_autofree gchar *other_hex = weir_random_hex (16);
  g_autofree gchar *token = weir_random_token (43);
  g_autofree gchar *other_token = weir_random_token (43);
  g_autofree gchar *empty = weir_random_hex (0);

  g_assert_cmpuint (strlen (hex), ==, 32);
  g_assert_cmpuint (strspn (hex, "0123456789abcdef"), ==, 32);
  g_assert_cmpstr (hex, !=, other_hex);
  g_assert_cmpuint (strlen (token), ==, 43);
  g_assert_cmpstr (token, !=, other_token);
  for (guint i = 0; i < 43; i++)
    g_assert_true (g_ascii_isalnum (token[i]) || token[i] == '-' || token[i] == '_');
  g_assert_cmpstr (empty, ==, "");
  g_assert_true (weir_equal_constant_time ("a", "a"));
  g_assert_false (weir_equal_constant_time ("a", "b"));
  g_assert_false (weir_equal_constant_time ("a", ""));
}

#define ADD(test) g_test_add ("/auth/auth/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (the_first_start_makes_account_and_token);
  ADD (the_next_start_finds_the_same);
  ADD (only_the_right_bearer_token_is_let_in);
  ADD (a_token_that_others_can_read_is_refused);
  ADD (a_token_file_of_ones_own_may_end_with_a_newline);
  ADD (a_short_or_empty_token_is_refused);
  g_test_add_func ("/auth/auth/random_texts_have_their_form_and_differ",
      random_texts_have_their_form_and_differ);
  return g_test_run ();
}
