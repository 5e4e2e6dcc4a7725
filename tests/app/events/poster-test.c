/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/poster.h"

#include "events/webhooks.h"
#include "folder.h"
#include "testcertificate.h"

#include <libsoup/soup.h>

/* LeakSanitizer of clang 14 crashes in the thread-local storage of GIO's TLS module, which is
 * loaded at run time. (sanitizer/lsan_interface.h) */
int __lsan_is_turned_off (void);
int
__lsan_is_turned_off (void)
{
  return 1;
}

/* A receiver whose certificate is what the test says, and a poster that trusts one authority. */
typedef struct {
  gchar *folder;
  EVP_PKEY *authority_key;
  X509 *authority;
  GTlsDatabase *trust;
  WeirEgress *egress;
  SoupServer *server;
  gchar *url;
  guint requests;
  gboolean done;
  gchar *error; /* (nullable) */
} Fixture;

static void
take_request (G_GNUC_UNUSED SoupServer *server, SoupServerMessage *message,
    G_GNUC_UNUSED const char *path, G_GNUC_UNUSED GHashTable *query, gpointer data)
{
  ((Fixture *) data)->requests++;
  soup_server_message_set_status (message, 204, NULL);
}

static void
set_up (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  const TestCertificateSettings settings = {.authority = TRUE};
  g_autofree gchar *pem = NULL, *path = NULL;
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp (NULL, &error);
  g_assert_no_error (error);
  self->authority_key = test_key_new (0);
  self->authority = test_certificate_new (self->authority_key, &settings);
  pem = test_certificate_to_pem (self->authority);
  test_file_write (self->folder, "authority.crt", pem);
  path = g_build_filename (self->folder, "authority.crt", NULL);
  self->trust = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  self->egress = weir_egress_new ("127.0.0.0/8;::1", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_object (&self->server);
  weir_egress_unref (self->egress);
  g_object_unref (self->trust);
  X509_free (self->authority);
  EVP_PKEY_free (self->authority_key);
  remove_folder (self->folder);
  g_free (self->folder);
  g_free (self->url);
  g_free (self->error);
}

/* Returns: (transfer full) */
static GTlsCertificate *
make_certificate (Fixture *self, TestCertificateSettings settings, gboolean self_signed)
{
  g_autofree gchar *certificate = g_build_filename (self->folder, "receiver.crt", NULL);
  g_autofree gchar *key = g_build_filename (self->folder, "receiver.key", NULL);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *made;

  if (!self_signed) {
    settings.issuer = self->authority;
    settings.issuer_key = self->authority_key;
  }
  test_pair_write (self->folder, "receiver", &settings);
  made = g_tls_certificate_new_from_files (certificate, key, &error);
  g_assert_no_error (error);
  return made;
}

static void
listen_with (Fixture *self, GTlsCertificate *certificate)
{
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (self->server, NULL, take_request, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_HTTPS, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->url = g_strdup_printf ("https://localhost:%d/", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

static void
keep_error (const GError *error, gpointer data)
{
  Fixture *self = data;

  self->done = TRUE;
  self->error = error != NULL ? g_strdup (error->message) : NULL;
}

static void
post (Fixture *self)
{
  static const gchar *const headers[] = {NULL};
  WeirPoster *poster = weir_poster_new (self->url, self->egress, 20 * G_USEC_PER_SEC, self->trust);

  weir_poster_send (poster, headers, "{}", keep_error, self);
  while (!self->done)
    g_main_context_iteration (NULL, TRUE);
  weir_poster_free (poster);
}

typedef struct {
  TestCertificateSettings settings;
  gboolean self_signed;
  const gchar *reason; /* (nullable): of the failure */
} Case;

static void
a_certificate_is_verified_and_what_is_wrong_said (Fixture *self, gconstpointer data)
{
  const Case *row = data;
  g_autoptr (GTlsCertificate) certificate =
      make_certificate (self, row->settings, row->self_signed);

  listen_with (self, certificate);
  post (self);
  g_assert_cmpuint (self->requests, ==, row->reason == NULL ? 1 : 0);
  if (row->reason == NULL) {
    g_assert_cmpstr (self->error, ==, NULL);
    return;
  }
  g_assert_nonnull (self->error);
  g_test_message ("%s", self->error);
  g_assert_nonnull (strstr (self->error, row->reason));
}

/* ---- webhooks ---- */

static void
keep_result (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* a webhook that is told of everything, and something to tell */
static void
fill_store (Fixture *self, WeirStore *store)
{
  g_autoptr (GAsyncResult) put = NULL, appended = NULL;
  g_autoptr (WeirWebhook) webhook = weir_webhook_new ("acc", "w");
  g_autoptr (WeirEvent) event = weir_event_new (WEIR_EVENT_INPUT_CREATED, "acc", "in", NULL, NULL);
  g_autoptr (WeirDocument) document = NULL;

  webhook->url = g_strdup (self->url);
  webhook->secret = g_strdup ("0123456789abcdef");
  webhook->enabled = TRUE;
  document = weir_webhook_to_document (webhook);
  weir_store_put_document (store, document, 0, keep_result, &put);
  wait_for (&put);
  g_assert_cmpuint (weir_store_put_document_finish (store, put, NULL), ==, 1);
  weir_store_append_event (store, event, keep_result, &appended);
  wait_for (&appended);
  g_assert_cmpuint (weir_store_append_event_finish (store, appended, NULL), >, 0);
}

static void
read_delivery (WeirStore *store, WeirDelivery *delivery)
{
  g_autoptr (GAsyncResult) got = NULL;
  g_autoptr (WeirDocument) document = NULL;

  weir_store_get_document (store, WEIR_DOCUMENT_DELIVERY, "w", keep_result, &got);
  wait_for (&got);
  document = weir_store_get_document_finish (store, got, NULL);
  if (document != NULL)
    weir_delivery_from_json (delivery, document->json);
}

static void
what_was_refused_is_sent_again_when_the_certificate_is_right (
    Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  const TestCertificateSettings settings = {.names = "DNS:localhost"};
  g_autofree gchar *path = g_build_filename (self->folder, "weir.db", NULL);
  g_autoptr (GTlsCertificate) bad = make_certificate (self, settings, TRUE);
  g_autoptr (GTlsCertificate) good = make_certificate (self, settings, FALSE);
  WeirStore *store = weir_store_sqlite_new (path, NULL);
  WeirWebhooksSettings webhooks_settings;
  g_autoptr (WeirWebhooks) webhooks = NULL;
  g_auto (WeirDelivery) delivery = {0};

  g_assert_nonnull (store);
  listen_with (self, bad);
  fill_store (self, store);
  weir_webhooks_settings_init (&webhooks_settings);
  webhooks_settings.store = store;
  webhooks_settings.egress = self->egress;
  webhooks_settings.trust = self->trust;
  webhooks = weir_webhooks_new (&webhooks_settings);
  while (delivery.attempts < 2)
    read_delivery (store, &delivery);
  g_assert_nonnull (strstr (delivery.last_error, "authority"));
  g_assert_cmpuint (delivery.delivered, ==, 0);
  g_assert_cmpuint (self->requests, ==, 0);
  soup_server_set_tls_certificate (self->server, good);
  while (delivery.delivered == 0)
    read_delivery (store, &delivery);
  g_assert_cmpuint (delivery.delivered, ==, 1);
  g_assert_cmpuint (self->requests, ==, 1);
  g_clear_pointer (&webhooks, weir_webhooks_free);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (store);
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    Case row;
  } cases[] = {
      {"good", {{.names = "DNS:localhost"}, FALSE, NULL}},
      {"of_another_name", {{.names = "DNS:other.example"}, FALSE, "is not for this name"}},
      {"expired", {{.names = "DNS:localhost", .valid_from_s = -7200}, FALSE, "has expired"}},
      {"not_valid_yet",
          {{.names = "DNS:localhost", .valid_from_s = 7200}, FALSE, "is not valid yet"}},
      {"self_signed", {{.names = "DNS:localhost"}, TRUE, "is not signed by an authority"}},
      {"of_another_name_and_self_signed",
          {{.names = "DNS:other.example"}, TRUE, "is not for this name, is not signed by"}},
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/events/poster/a_certificate_is_verified_and_what_is_wrong_said/%s", cases[i].name);

    g_test_add (path, Fixture, &cases[i].row, set_up,
        a_certificate_is_verified_and_what_is_wrong_said, tear_down);
  }
  g_test_add ("/events/poster/what_was_refused_is_sent_again_when_the_certificate_is_right",
      Fixture, NULL, set_up, what_was_refused_is_sent_again_when_the_certificate_is_right,
      tear_down);
  return g_test_run ();
}
