/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/keys.h"

#include "../support/api-envelope.h"
#include "../support/token.h"

#define KEYS "/accounts/acc/stream/keys"

static JsonObject *
make_key (AppFixture *fixture)
{
  g_autoptr (JsonObject) envelope = api_call (fixture, fixture->token, "POST", KEYS, "{}", 200, 0);

  return json_object_ref (api_get_result (envelope));
}

static void
a_key_is_told_once_listed_and_deleted (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) key = make_key (fixture);
  const gchar *id = json_object_get_string_member (key, "id");
  g_autofree gchar *path = g_strconcat (KEYS "/", id, NULL);
  g_autofree gchar *database = g_build_filename (fixture->folder, "weir.db", NULL);
  gsize size;
  g_autofree gchar *pem =
      (gchar *) g_base64_decode (json_object_get_string_member (key, "pem"), &size);
  g_autofree gchar *jwk =
      (gchar *) g_base64_decode (json_object_get_string_member (key, "jwk"), &size);
  g_autoptr (JsonObject) listed = api_call (fixture, fixture->token, "GET", KEYS, NULL, 200, 0);
  g_autoptr (JsonObject) got = api_call (fixture, fixture->token, "GET", path, NULL, 200, 0);
  g_autoptr (JsonObject) deleted = NULL;
  JsonArray *keys = json_object_get_array_member (listed, "result");
  JsonObject *only = json_array_get_object_element (keys, 0);
  GStatBuf status;

  g_assert_cmpuint (json_object_get_size (key), ==, 4);
  EVP_PKEY_free (token_load_key (pem));
  g_assert_nonnull (strstr (jwk, id));
  g_assert_cmpuint (json_array_get_length (keys), ==, 1);
  g_assert_cmpuint (json_object_get_size (only), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (only, "id"), ==, id);
  g_assert_cmpstr (json_object_get_string_member (only, "created"), ==,
      json_object_get_string_member (key, "created"));
  g_assert_cmpuint (json_object_get_size (api_get_result (got)), ==, 2);
  g_assert_cmpint (g_stat (database, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  deleted = api_call (fixture, fixture->token, "DELETE", path, NULL, 200, 0);
  g_assert_cmpstr (json_object_get_string_member (deleted, "result"), ==, "Revoked");
  api_expect (fixture, fixture->token, "GET", path, NULL, 404, 10003);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 404, 10003);
}

static void
document_got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(WeirDocument **) user_data = weir_store_get_document_finish (WEIR_STORE (source), result, NULL);
}

static void
the_private_half_is_not_kept (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) key = make_key (fixture);
  WeirDocument *document = NULL;

  weir_store_get_document (fixture->store, WEIR_DOCUMENT_SIGNING_KEY,
      json_object_get_string_member (key, "id"), document_got, &document);
  while (document == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (strstr (document->json, "BEGIN PUBLIC KEY"));
  g_assert_null (strstr (document->json, "PRIVATE"));
  weir_document_free (document);
}

static gchar *
make_token (AppFixture *fixture, const gchar *account, const gchar *access)
{
  g_autofree gchar *path = g_strdup_printf ("/accounts/%s/tokens", account);
  g_autofree gchar *body = g_strdup_printf ("{\"name\":\"t\",\"access\":\"%s\"}", access);
  g_autoptr (JsonObject) envelope = api_call (fixture, fixture->token, "POST", path, body, 200, 0);

  return g_strdup (json_object_get_string_member (api_get_result (envelope), "value"));
}

static void
a_token_that_reads_sees_keys_and_makes_none (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) key = make_key (fixture);
  g_autofree gchar *path = g_strconcat (KEYS "/", json_object_get_string_member (key, "id"), NULL);
  g_autofree gchar *token = make_token (fixture, "acc", "read");

  api_expect (fixture, token, "GET", KEYS, NULL, 200, 0);
  api_expect (fixture, token, "GET", path, NULL, 200, 0);
  api_expect (fixture, token, "POST", KEYS, NULL, 403, 10000);
  api_expect (fixture, token, "DELETE", path, NULL, 403, 10000);
}

static void
a_key_belongs_to_its_account_and_goes_with_it (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) key = make_key (fixture), listed = NULL, again = NULL;
  g_autofree gchar *path =
      g_strconcat ("/accounts/two/stream/keys/", json_object_get_string_member (key, "id"), NULL);

  api_expect (
      fixture, fixture->token, "POST", "/accounts", "{\"name\":\"2\",\"id\":\"two\"}", 200, 0);
  listed = api_call (fixture, fixture->token, "GET", "/accounts/two/stream/keys", NULL, 200, 0);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (listed, "result")), ==, 0);
  api_expect (fixture, fixture->token, "GET", path, NULL, 404, 10003);
  api_expect (fixture, fixture->token, "DELETE", path, NULL, 404, 10003);
  api_expect (fixture, fixture->token, "POST", "/accounts/two/stream/keys", NULL, 200, 0);
  api_expect (fixture, fixture->token, "DELETE", "/accounts/two", NULL, 200, 0);
  api_expect (
      fixture, fixture->token, "POST", "/accounts", "{\"name\":\"2\",\"id\":\"two\"}", 200, 0);
  again = api_call (fixture, fixture->token, "GET", "/accounts/two/stream/keys", NULL, 200, 0);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (again, "result")), ==, 0);
}

static void
an_account_has_as_many_keys_as_the_limit (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->config->limits.signing_keys_per_account = 1;
  api_expect (fixture, fixture->token, "POST", KEYS, NULL, 200, 0);
  api_expect (fixture, fixture->token, "POST", KEYS, NULL, 409, 20007);
}

static void
a_key_has_no_fields (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (JsonObject) envelope =
      api_call (fixture, fixture->token, "POST", KEYS, "{\"id\":\"mine\"}", 400, 10060);

  g_assert_cmpstr (api_get_pointer (envelope), ==, "/id");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                \
  g_test_add ("/api/keys/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (a_key_is_told_once_listed_and_deleted);
  TEST (the_private_half_is_not_kept);
  TEST (a_token_that_reads_sees_keys_and_makes_none);
  TEST (a_key_belongs_to_its_account_and_goes_with_it);
  TEST (an_account_has_as_many_keys_as_the_limit);
  TEST (a_key_has_no_fields);
  return g_test_run ();
}
