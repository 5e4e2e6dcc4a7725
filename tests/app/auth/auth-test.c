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

/* ---- accounts and tokens of the store ---- */

static void
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
take_put (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_cmpuint (weir_store_put_document_finish (WEIR_STORE (source), result, NULL), >, 0);
  set_flag (data);
}

static void
take_delete (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (weir_store_delete_document_finish (WEIR_STORE (source), result, NULL));
  set_flag (data);
}

static void
wait_for (const gboolean *flag)
{
  while (!*flag)
    g_main_context_iteration (NULL, TRUE);
}

static void
put (WeirStore *store, WeirDocumentKind kind, const gchar *account, const gchar *id,
    const gchar *token, const gchar *json)
{
  g_autoptr (WeirDocument) document = weir_document_new (kind, account, id);
  gboolean done = FALSE;

  g_free (document->json);
  document->json = g_strdup (json);
  g_free (document->digest);
  document->digest = token != NULL ? weir_store_digest_secret (token) : NULL;
  weir_store_put_document (store, document, 0, take_put, &done);
  wait_for (&done);
}

static void
drop (WeirStore *store, WeirDocumentKind kind, const gchar *id)
{
  gboolean done = FALSE;

  weir_store_delete_document (store, kind, id, take_delete, &done);
  wait_for (&done);
}

/* waits until the table says so: a change that is not taken ends in the test's timeout */
static void
expect (WeirAuth *auth, const gchar *token, const gchar *account, WeirAccess access)
{
  g_autofree gchar *authorization = g_strconcat ("Bearer ", token, NULL);

  while (weir_auth_get_access (auth, authorization, account) != access)
    g_main_context_iteration (NULL, TRUE);
}

static void
tokens_are_those_of_the_store_whoever_changes_them (Fixture *fixture, gconstpointer data)
{
  static const gchar old[] = "a-token-that-was-there-before", fresh[] = "a-token-of-another-node";
  static const gchar odd[] = "a-token-that-says-nothing";
  g_autoptr (WeirAuth) auth = load (fixture, "home", NULL);
  g_autofree gchar *database = g_build_filename (fixture->state_dir, "weir.db", NULL);
  g_autofree gchar *administrator = read_token (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) store = weir_store_sqlite_new (database, &error);
  gboolean ready = FALSE;

  (void) data;
  g_assert_no_error (error);
  put (store, WEIR_DOCUMENT_ACCOUNT, "", "two", NULL, "{}");
  put (store, WEIR_DOCUMENT_TOKEN, "two", "1", old, "{\"access\":\"read\"}");
  expect (auth, old, NULL, WEIR_ACCESS_NONE);
  weir_auth_follow (auth, store, set_flag, &ready);
  wait_for (&ready);
  /* no waiting: they were there at the start */
  g_assert_true (weir_auth_has_account (auth, "two"));
  g_assert_true (weir_auth_has_account (auth, "home"));
  expect (auth, old, "two", WEIR_ACCESS_READ);
  g_assert_cmpint (weir_auth_get_access (auth, "Bearer a-token-that-was-there-before", "home"), ==,
      WEIR_ACCESS_NONE);
  expect (auth, administrator, "two", WEIR_ACCESS_ADMINISTRATOR);
  expect (auth, administrator, "three", WEIR_ACCESS_NONE);

  put (store, WEIR_DOCUMENT_TOKEN, "home", "2", fresh, "{\"access\":\"write\"}");
  expect (auth, fresh, "home", WEIR_ACCESS_WRITE);
  drop (store, WEIR_DOCUMENT_TOKEN, "2");
  expect (auth, fresh, NULL, WEIR_ACCESS_NONE);
  put (store, WEIR_DOCUMENT_TOKEN, "home", "3", odd, "[]");
  put (store, WEIR_DOCUMENT_TOKEN, "home", "4", fresh, "{\"access\":\"write\"}");
  expect (auth, fresh, "home", WEIR_ACCESS_WRITE);
  expect (auth, odd, "home", WEIR_ACCESS_NONE);
  /* a token without its account is none */
  drop (store, WEIR_DOCUMENT_ACCOUNT, "two");
  expect (auth, old, NULL, WEIR_ACCESS_NONE);
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
  ADD (tokens_are_those_of_the_store_whoever_changes_them);
  g_test_add_func ("/auth/auth/random_texts_have_their_form_and_differ",
      random_texts_have_their_form_and_differ);
  return g_test_run ();
}
