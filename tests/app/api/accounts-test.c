/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../support/api-envelope.h"

#define NOT_THERE "/tokens/00000000000000000000000000000000"

static void
make_account (AppFixture *fixture, const gchar *id)
{
  g_autofree gchar *body = g_strdup_printf ("{\"name\":\"An account\",\"id\":\"%s\"}", id);

  api_expect (fixture, fixture->token, "POST", "/accounts", body, 200, 0);
}

/* Returns: (transfer full): the token. @id: (out) (optional) */
static gchar *
make_token (AppFixture *fixture, const gchar *account, const gchar *access, gchar **id)
{
  g_autofree gchar *path = g_strdup_printf ("/accounts/%s/tokens", account);
  g_autofree gchar *body = g_strdup_printf ("{\"name\":\"t\",\"access\":\"%s\"}", access);
  g_autoptr (JsonObject) envelope = api_call (fixture, fixture->token, "POST", path, body, 200, 0);
  JsonObject *result = api_get_result (envelope);

  if (id != NULL)
    *id = g_strdup (json_object_get_string_member (result, "id"));
  return g_strdup (json_object_get_string_member (result, "value"));
}

static void
the_administrator_makes_lists_and_deletes_accounts (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) made =
      api_call (fixture, fixture->token, "POST", "/accounts", "{\"name\":\"Two\"}", 200, 0);
  g_autoptr (JsonObject) listed = NULL, second = NULL, read = NULL;
  const gchar *id = json_object_get_string_member (api_get_result (made), "id");
  g_autofree gchar *path = g_strconcat ("/accounts/", id, NULL);
  JsonArray *accounts;

  g_assert_cmpuint (strlen (id), ==, 32);
  g_assert_cmpstr (json_object_get_string_member (api_get_result (made), "name"), ==, "Two");
  listed = api_call (fixture, fixture->token, "GET", "/accounts", NULL, 200, 0);
  accounts = json_object_get_array_member (listed, "result");
  g_assert_cmpuint (json_array_get_length (accounts), ==, 2);
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (accounts, 0), "id"), ==, "acc");
  /* what clients page by */
  second = api_call (fixture, fixture->token, "GET", "/accounts?page=2&per_page=1", NULL, 200, 0);
  accounts = json_object_get_array_member (second, "result");
  g_assert_cmpuint (json_array_get_length (accounts), ==, 1);
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (accounts, 0), "id"), ==, id);
  g_assert_cmpint (json_object_get_int_member (
                       json_object_get_object_member (second, "result_info"), "total_count"),
      ==, 2);
  api_expect (fixture, fixture->token, "GET", "/accounts?page=0", NULL, 400, 10060);
  read = api_call (fixture, fixture->token, "GET", path, NULL, 200, 0);
  g_assert_cmpstr (json_object_get_string_member (api_get_result (read), "id"), ==, id);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 200, 0);
  api_expect (fixture, fixture->token, "GET", path, NULL, 403, 10000);
  api_expect (fixture, fixture->token, "DELETE", "/accounts/acc", NULL, 409, 20007);
}

static void
an_account_id_is_taken_once_and_checked (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *body;
    guint status;
    gint code;
    const gchar *pointer;
  } cases[] = {
      {"{\"name\":\"x\",\"id\":\"two\"}", 409, 20007, "/id"},
      {"{\"name\":\"x\",\"id\":\"acc\"}", 409, 20007, "/id"},
      {"{\"name\":\"x\",\"id\":\"a/b\"}", 400, 10060, "/id"},
      {"{\"name\":\"x\",\"id\":\"\"}", 400, 10060, "/id"},
      {"{\"name\":\"\"}", 400, 10060, "/name"},
      {"{}", 400, 10060, "/name"},
      {"{\"name\":\"x\",\"type\":\"enterprise\"}", 400, 10060, "/type"},
      {"{\"name\":\"x\",\"unit\":{}}", 501, 20001, "/unit"},
  };

  make_account (fixture, "two");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) envelope = api_call (fixture, fixture->token, "POST", "/accounts",
        cases[i].body, cases[i].status, cases[i].code);

    g_assert_cmpstr (api_get_pointer (envelope), ==, cases[i].pointer);
  }
}

static void
accounts_see_nothing_of_each_other (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *token = NULL, *theirs = NULL, *mine = NULL;
  g_autoptr (JsonObject) made = NULL, listed = NULL;
  const gchar *uid;
  static const gchar *const pieces[] = {"", "/outputs", "/videos"};

  make_account (fixture, "two");
  token = make_token (fixture, "two", "write", NULL);
  made =
      api_call (fixture, fixture->token, "POST", "/accounts/acc/stream/live_inputs", NULL, 200, 0);
  uid = json_object_get_string_member (api_get_result (made), "uid");
  theirs = g_strconcat ("/accounts/two/stream/live_inputs/", uid, NULL);
  mine = g_strconcat ("/accounts/acc/stream/live_inputs/", uid, NULL);

  api_expect (fixture, token, "GET", mine, NULL, 403, 10000);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_autofree gchar *path = g_strconcat (theirs, pieces[i], NULL);

    api_expect (fixture, token, "GET", path, NULL, 404, 10003);
  }
  api_expect (fixture, token, "PUT", theirs, "{\"enabled\":false}", 404, 10003);
  api_expect (fixture, token, "DELETE", theirs, NULL, 404, 10003);
  listed = api_call (fixture, token, "GET", "/accounts/two/stream/live_inputs", NULL, 200, 0);
  g_assert_cmpint (json_object_get_int_member (api_get_result (listed), "total"), ==, 0);
  /* the administrator may look into both, by their own paths */
  api_expect (fixture, fixture->token, "GET", mine, NULL, 200, 0);
  api_expect (fixture, fixture->token, "GET", theirs, NULL, 404, 10003);
}

static void
an_account_that_has_inputs_is_not_deleted (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *token = NULL, *path = NULL;
  g_autoptr (JsonObject) made = NULL;

  make_account (fixture, "two");
  token = make_token (fixture, "two", "write", NULL);
  made = api_call (fixture, token, "POST", "/accounts/two/stream/live_inputs", NULL, 200, 0);
  path = g_strconcat ("/accounts/two/stream/live_inputs/",
      json_object_get_string_member (api_get_result (made), "uid"), NULL);
  api_expect (fixture, fixture->token, "DELETE", "/accounts/two", NULL, 409, 20007);
  api_expect (fixture, token, "DELETE", path, NULL, 200, 0);
  api_expect (fixture, fixture->token, "DELETE", "/accounts/two", NULL, 200, 0);
  /* its tokens went with it, also for one of the same name */
  api_expect (fixture, token, "GET", "/user/tokens/verify", NULL, 401, 10000);
  make_account (fixture, "two");
  api_expect (fixture, token, "GET", "/accounts/two/stream/live_inputs", NULL, 401, 10000);
}

static void
an_account_takes_its_webhooks_and_keys_along (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const hooks = "/accounts/two/stream/webhooks";
  static const gchar *const keys = "/accounts/two/stream/keys";
  g_autoptr (JsonObject) hooks_left = NULL, keys_left = NULL;

  make_account (fixture, "two");
  api_expect (fixture, fixture->token, "POST", hooks, "{\"url\":\"https://a.example/\"}", 200, 0);
  api_expect (fixture, fixture->token, "PUT", "/accounts/two/stream/webhook",
      "{\"notificationUrl\":\"https://b.example/\"}", 200, 0);
  api_expect (fixture, fixture->token, "POST", keys, NULL, 200, 0);
  api_expect (fixture, fixture->token, "DELETE", "/accounts/two", NULL, 200, 0);
  api_expect (fixture, fixture->token, "GET", hooks, NULL, 403, 10000);
  /* one of the same name has nothing of it */
  make_account (fixture, "two");
  hooks_left = api_call (fixture, fixture->token, "GET", hooks, NULL, 200, 0);
  keys_left = api_call (fixture, fixture->token, "GET", keys, NULL, 200, 0);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (hooks_left, "result")), ==, 0);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (keys_left, "result")), ==, 0);
}

static void
a_token_that_may_read_changes_nothing (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *token = make_token (fixture, "acc", "read", NULL);
  g_autoptr (JsonObject) made =
      api_call (fixture, fixture->token, "POST", "/accounts/acc/stream/live_inputs", NULL, 200, 0);
  g_autofree gchar *path = g_strconcat ("/accounts/acc/stream/live_inputs/",
      json_object_get_string_member (api_get_result (made), "uid"), NULL);
  g_autofree gchar *rotate = g_strconcat (path, "/rotate_keys", NULL);
  g_autofree gchar *end = g_strconcat (path, "/end", NULL);
  g_autofree gchar *outputs = g_strconcat (path, "/outputs", NULL);

  api_expect (fixture, token, "GET", path, NULL, 200, 0);
  api_expect (fixture, token, "GET", "/accounts/acc/stream/live_inputs", NULL, 200, 0);
  api_expect (fixture, token, "POST", "/accounts/acc/stream/live_inputs", NULL, 403, 10000);
  api_expect (fixture, token, "PUT", path, "{}", 403, 10000);
  api_expect (fixture, token, "DELETE", path, NULL, 403, 10000);
  api_expect (fixture, token, "POST", rotate, NULL, 403, 10000);
  api_expect (fixture, token, "POST", end, NULL, 403, 10000);
  api_expect (fixture, token, "POST", outputs, "{}", 403, 10000);
}

static void
only_the_administrator_is_asked_for_accounts_and_tokens (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *token = make_token (fixture, "acc", "write", NULL);

  api_expect (fixture, token, "GET", "/accounts", NULL, 403, 10000);
  api_expect (fixture, token, "POST", "/accounts", "{\"name\":\"x\"}", 403, 10000);
  api_expect (fixture, token, "GET", "/accounts/acc", NULL, 403, 10000);
  api_expect (fixture, token, "DELETE", "/accounts/acc", NULL, 403, 10000);
  api_expect (fixture, token, "GET", "/accounts/acc/tokens", NULL, 403, 10000);
  api_expect (fixture, token, "POST", "/accounts/acc/tokens", "{\"name\":\"x\"}", 403, 10000);
  api_expect (fixture, token, "DELETE", "/accounts/acc" NOT_THERE, NULL, 403, 10000);
}

static void
a_token_is_told_once_verified_and_revoked (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *id = NULL;
  g_autofree gchar *token = make_token (fixture, "acc", "write", &id);
  g_autofree gchar *path = g_strconcat ("/accounts/acc/tokens/", id, NULL);
  g_autoptr (JsonObject) verified =
      api_call (fixture, token, "GET", "/user/tokens/verify", NULL, 200, 0);
  g_autoptr (JsonObject) read = api_call (fixture, fixture->token, "GET", path, NULL, 200, 0);
  g_autoptr (JsonObject) listed =
      api_call (fixture, fixture->token, "GET", "/accounts/acc/tokens", NULL, 200, 0);

  g_assert_cmpstr (json_object_get_string_member (api_get_result (verified), "id"), ==, id);
  g_assert_cmpstr (
      json_object_get_string_member (api_get_result (verified), "status"), ==, "active");
  g_assert_false (json_object_has_member (api_get_result (read), "value"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (listed, "result")), ==, 1);
  g_assert_false (json_object_has_member (
      json_array_get_object_element (json_object_get_array_member (listed, "result"), 0), "value"));
  api_expect (fixture, token, "GET", "/accounts/acc/tokens/verify", NULL, 200, 0);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 200, 0);
  api_expect (fixture, token, "GET", "/user/tokens/verify", NULL, 401, 10000);
  api_expect (fixture, token, "GET", "/accounts/acc/stream/live_inputs", NULL, 401, 10000);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 404, 10003);
}

static void
a_token_of_another_account_is_not_found (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *id = NULL, *token = NULL, *path = NULL;

  make_account (fixture, "two");
  token = make_token (fixture, "acc", "write", &id);
  path = g_strconcat ("/accounts/two/tokens/", id, NULL);
  api_expect (fixture, fixture->token, "GET", path, NULL, 404, 10003);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 404, 10003);
  api_expect (fixture, token, "GET", "/user/tokens/verify", NULL, 200, 0);
}

static void
the_store_has_no_token_in_clear (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *token = make_token (fixture, "acc", "write", NULL);
  static const gchar *const files[] = {"weir.db", "weir.db-wal"};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (fixture->folder, files[i], NULL);
    g_autofree gchar *content = NULL;
    gsize size;

    g_assert_true (g_file_get_contents (path, &content, &size, NULL));
    g_assert_null (memmem (content, size, token, strlen (token)));
  }
}

static void
fields_of_tokens_that_are_not_there_are_refused_by_name (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const names[] = {"policies", "condition", "expires_on", "not_before"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *body = g_strdup_printf ("{\"name\":\"x\",\"%s\":null}", names[i]);
    g_autofree gchar *pointer = g_strconcat ("/", names[i], NULL);
    g_autoptr (JsonObject) envelope =
        api_call (fixture, fixture->token, "POST", "/accounts/acc/tokens", body, 501, 20001);

    g_assert_cmpstr (api_get_pointer (envelope), ==, pointer);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                    \
  g_test_add ("/api/accounts/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (the_administrator_makes_lists_and_deletes_accounts);
  TEST (an_account_id_is_taken_once_and_checked);
  TEST (accounts_see_nothing_of_each_other);
  TEST (an_account_that_has_inputs_is_not_deleted);
  TEST (an_account_takes_its_webhooks_and_keys_along);
  TEST (a_token_that_may_read_changes_nothing);
  TEST (only_the_administrator_is_asked_for_accounts_and_tokens);
  TEST (a_token_is_told_once_verified_and_revoked);
  TEST (a_token_of_another_account_is_not_found);
  TEST (the_store_has_no_token_in_clear);
  TEST (fields_of_tokens_that_are_not_there_are_refused_by_name);
  return g_test_run ();
}
