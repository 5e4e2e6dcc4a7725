/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/tokens.h"

#include "../support/api-envelope.h"
#include "../support/token.h"
#include "api/keys.h"

#define STREAM "/accounts/acc/stream"
#define NOW 1000000

/* Returns: (transfer full): uid of a new live input */
static gchar *
make_input (AppFixture *fixture)
{
  g_autoptr (JsonObject) envelope =
      api_call (fixture, fixture->token, "POST", STREAM "/live_inputs", NULL, 200, 0);

  return g_strdup (json_object_get_string_member (api_get_result (envelope), "uid"));
}

static gchar *
make_token (AppFixture *fixture, const gchar *uid, const gchar *body)
{
  g_autofree gchar *path = g_strdup_printf (STREAM "/%s/token", uid);
  g_autoptr (JsonObject) envelope = api_call (fixture, fixture->token, "POST", path, body, 200, 0);

  g_assert_true (api_has_message (envelope, 20009));
  return g_strdup (json_object_get_string_member (api_get_result (envelope), "token"));
}

static void
document_got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(WeirDocument **) user_data = weir_store_get_document_finish (WEIR_STORE (source), result, NULL);
}

/* Returns: (transfer full): the public half of what is stored */
static EVP_PKEY *
get_stored_key (AppFixture *fixture, const gchar *kid)
{
  WeirDocument *document = NULL;
  g_auto (WeirKey) key = {0};

  weir_store_get_document (fixture->store, WEIR_DOCUMENT_SIGNING_KEY, kid, document_got, &document);
  while (document == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (weir_key_from_document (&key, document));
  weir_document_free (document);
  return token_load_key (key.public_key);
}

static void
without_a_key_the_accounts_own_signs (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture), *own = weir_key_make_own_id ("acc");
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree gchar *token = make_token (fixture, uid, NULL), *next = NULL;
  g_autoptr (JsonObject) header = token_get_part (token, 0), claims = token_get_part (token, 1);
  EVP_PKEY *key = get_stored_key (fixture, own);

  g_assert_true (token_is_signed_by (token, key));
  g_assert_cmpstr (json_object_get_string_member (header, "kid"), ==, own);
  g_assert_cmpuint (json_object_get_size (claims), ==, 4);
  g_assert_cmpstr (json_object_get_string_member (claims, "sub"), ==, uid);
  g_assert_cmpstr (json_object_get_string_member (claims, "kid"), ==, own);
  g_assert_cmpint (json_object_get_int_member (claims, "exp") - now, >=, 3600);
  g_assert_cmpint (json_object_get_int_member (claims, "exp") - now, <=, 3660);
  g_assert_cmpint (json_object_get_int_member (claims, "exp"), ==,
      json_object_get_int_member (claims, "nbf") + 7200);
  /* the second is signed by the same */
  next = make_token (fixture, uid, "{\"exp\":9999999999}");
  g_assert_true (token_is_signed_by (next, key));
  EVP_PKEY_free (key);
}

static void
its_deletion_takes_back_what_the_own_key_signed (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture), *own = weir_key_make_own_id ("acc");
  g_autofree gchar *token = make_token (fixture, uid, NULL), *next = NULL;
  g_autofree gchar *path = g_strconcat (STREAM "/keys/", own, NULL);
  EVP_PKEY *key;

  api_expect (fixture, fixture->token, "DELETE", path, NULL, 200, 0);
  next = make_token (fixture, uid, NULL);
  key = get_stored_key (fixture, own);
  g_assert_false (token_is_signed_by (token, key));
  g_assert_true (token_is_signed_by (next, key));
  EVP_PKEY_free (key);
}

static void
a_key_that_is_brought_signs_what_is_asked_for (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture);
  g_autoptr (JsonObject) made =
      api_call (fixture, fixture->token, "POST", STREAM "/keys", NULL, 200, 0);
  JsonObject *key = api_get_result (made);
  const gchar *id = json_object_get_string_member (key, "id");
  g_autofree gchar *body = g_strdup_printf (
      "{\"id\":\"%s\",\"pem\":\"%s\",\"exp\":9999999999,\"nbf\":5,\"downloadable\":true,"
      "\"accessRules\":[{\"type\":\"ip.src\",\"action\":\"allow\",\"ip\":[\"192.0.2.0/24\"]},"
      "{\"type\":\"any\",\"action\":\"block\"}]}",
      id, json_object_get_string_member (key, "pem"));
  g_autofree gchar *token = make_token (fixture, uid, body);
  g_autoptr (JsonObject) header = token_get_part (token, 0), claims = token_get_part (token, 1);
  JsonArray *rules = json_object_get_array_member (claims, "accessRules");
  EVP_PKEY *stored = get_stored_key (fixture, id);

  g_assert_true (token_is_signed_by (token, stored));
  EVP_PKEY_free (stored);
  g_assert_cmpstr (json_object_get_string_member (header, "kid"), ==, id);
  g_assert_cmpint (json_object_get_int_member (claims, "exp"), ==, 9999999999);
  g_assert_cmpint (json_object_get_int_member (claims, "nbf"), ==, 5);
  g_assert_true (json_object_get_boolean_member (claims, "downloadable"));
  g_assert_cmpuint (json_array_get_length (rules), ==, 2);
}

static void
a_key_that_is_not_the_accounts_does_not_sign (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture);
  g_autofree gchar *path = g_strdup_printf (STREAM "/%s/token", uid);
  g_autoptr (JsonObject) mine =
      api_call (fixture, fixture->token, "POST", STREAM "/keys", NULL, 200, 0);
  g_autoptr (JsonObject) other =
      api_call (fixture, fixture->token, "POST", STREAM "/keys", NULL, 200, 0);
  const gchar *pem = json_object_get_string_member (api_get_result (other), "pem");
  const gchar *ids[] = {"unknown", json_object_get_string_member (api_get_result (mine), "id")};
  const gchar *pointers[] = {"/id", "/pem"};

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autofree gchar *body = g_strdup_printf ("{\"id\":\"%s\",\"pem\":\"%s\"}", ids[i], pem);
    g_autoptr (JsonObject) envelope =
        api_call (fixture, fixture->token, "POST", path, body, 400, 10060);

    g_assert_cmpstr (api_get_pointer (envelope), ==, pointers[i]);
  }
}

static void
what_is_not_there_has_no_token (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture);
  g_autofree gchar *path = g_strdup_printf ("/accounts/two/stream/%s/token", uid);

  api_expect (fixture, fixture->token, "POST", STREAM "/00000000000000000000000000000000/token",
      NULL, 404, 10003);
  api_expect (
      fixture, fixture->token, "POST", "/accounts", "{\"name\":\"2\",\"id\":\"two\"}", 200, 0);
  api_expect (fixture, fixture->token, "POST", path, NULL, 404, 10003);
}

static void
a_token_too_long_for_a_url_is_refused (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = make_input (fixture);
  g_autofree gchar *path = g_strdup_printf (STREAM "/%s/token", uid);
  g_autoptr (GString) body =
      g_string_new ("{\"accessRules\":[{\"type\":\"ip.src\",\"action\":\"block\",\"ip\":[");
  g_autoptr (JsonObject) envelope = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append_printf (
        body, "%s\"2001:db8:1111:2222:3333:4444:5555:%x\"", i > 0 ? "," : "", 0x1000 + i);
  g_string_append (body, "]}]}");
  envelope = api_call (fixture, fixture->token, "POST", path, body->str, 400, 10060);
  g_assert_cmpstr (api_get_pointer (envelope), ==, "/accessRules");
}

static void
what_cannot_be_signed_is_refused_and_pointed_at (void)
{
#define RULE(text) "{\"accessRules\":[{" text "}]}"
  static const struct {
    const gchar *body, *pointer;
    guint status;
  } cases[] = {
      {"{\"id\":\"a\"}", "/pem", 400},
      {"{\"pem\":\"0123456789012345678901234567890123456789012345678901234567890123\"}", "/id",
          400},
      {"{\"id\":\"a\",\"pem\":\"a\"}", "/pem", 400},
      {"{\"id\":5}", "/id", 400},
      {"{\"exp\":1000000}", "/exp", 400},
      {"{\"exp\":-1}", "/exp", 400},
      {"{\"exp\":1.5}", "/exp", 400},
      {"{\"exp\":1700000000000}", "/exp", 400},
      {"{\"exp\":\"1700000000\"}", "/exp", 400},
      {"{\"nbf\":1003600}", "/nbf", 400},
      {"{\"nbf\":true}", "/nbf", 400},
      {"{\"downloadable\":1}", "/downloadable", 400},
      {"{\"flags\":{\"original\":true}}", "/flags", 501},
      {"{\"sub\":\"x\"}", "/sub", 400},
      {"{\"accessRules\":{}}", "/accessRules", 400},
      {"{\"accessRules\":[1]}", "/accessRules/0", 400},
      {"{\"accessRules\":[{}]}", "/accessRules/0", 400},
      {RULE ("\"type\":\"any\""), "/accessRules/0", 400},
      {RULE ("\"type\":\"none\",\"action\":\"allow\""), "/accessRules/0/type", 400},
      {RULE ("\"type\":\"any\",\"action\":\"deny\""), "/accessRules/0/action", 400},
      {RULE ("\"type\":\"ip.src\",\"action\":\"allow\""), "/accessRules/0", 400},
      {RULE ("\"type\":\"ip.src\",\"action\":\"allow\",\"ip\":[]"), "/accessRules/0", 400},
      {RULE ("\"type\":\"any\",\"action\":\"allow\",\"ip\":[\"192.0.2.1\"]"), "/accessRules/0",
          400},
      {RULE ("\"type\":\"ip.src\",\"action\":\"allow\",\"ip\":[\"192.0.2.1\",\"x\"]"),
          "/accessRules/0/ip/1", 400},
      {RULE ("\"type\":\"ip.src\",\"action\":\"allow\",\"ip\":[\"192.0.2.0/33\"]"),
          "/accessRules/0/ip/0", 400},
      {RULE ("\"type\":\"ip.geoip.country\",\"action\":\"allow\",\"country\":[\"CH\"]"),
          "/accessRules/0/type", 501},
      {RULE ("\"type\":\"any\",\"action\":\"allow\",\"x\":1"), "/accessRules/0/x", 400},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (WeirViewerToken) token = {0};
    g_auto (WeirFault) fault = {0};
    g_autoptr (JsonNode) root = json_from_string (cases[i].body, NULL);

    g_test_message ("%s", cases[i].body);
    g_assert_false (weir_viewer_token_read (&token, root, NOW, &fault));
    g_assert_cmpuint (fault.status, ==, cases[i].status);
    g_assert_cmpstr (fault.pointer, ==, cases[i].pointer);
  }
}

static void
the_defaults_are_an_hour_around_now (void)
{
  g_auto (WeirViewerToken) token = {0};
  g_auto (WeirFault) fault = {0};
  g_autoptr (JsonNode) root = json_from_string ("{\"nbf\":null}", NULL);
  g_autofree gchar *claims = NULL;

  g_assert_true (weir_viewer_token_read (&token, root, NOW, &fault));
  claims = weir_viewer_token_make_claims (&token, "s", "k");
  g_assert_cmpstr (claims, ==, "{\"sub\":\"s\",\"kid\":\"k\",\"exp\":1003600,\"nbf\":996400}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                  \
  g_test_add ("/api/tokens/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (without_a_key_the_accounts_own_signs);
  TEST (its_deletion_takes_back_what_the_own_key_signed);
  TEST (a_key_that_is_brought_signs_what_is_asked_for);
  TEST (a_key_that_is_not_the_accounts_does_not_sign);
  TEST (what_is_not_there_has_no_token);
  TEST (a_token_too_long_for_a_url_is_refused);
  g_test_add_func ("/api/tokens/what_cannot_be_signed_is_refused_and_pointed_at",
      what_cannot_be_signed_is_refused_and_pointed_at);
  g_test_add_func (
      "/api/tokens/the_defaults_are_an_hour_around_now", the_defaults_are_an_hour_around_now);
  return g_test_run ();
}
