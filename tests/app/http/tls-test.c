/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/tls.h"

#include "folder.h"
#include "http/server.h"
#include "testcertificate.h"

#include <openssl/ssl.h>
#include <string.h>

#define BODY_SIZE (24 * 1024 * 1024)

/* an HTTPS server with two certificates, default (default.example) and other (other.example) */
typedef struct {
  gchar *folder;
  WeirCertificates *certificates;
  WeirCounters *counters;
  WeirHttpServer *server;
  gchar *address;
  GBytes *body;
} Fixture;

static void
answer (WeirHttpRequest *request, gpointer data)
{
  Fixture *fixture = data;
  WeirHttpResponse *response;

  if (strcmp (weir_http_request_get_path (request), "/body") != 0) {
    weir_http_request_respond_text (
        request, 200, weir_http_request_is_secure (request) ? "secure" : "plain");
    return;
  }
  response = weir_http_response_new (200);
  weir_http_response_set_body (response, "application/octet-stream", fixture->body);
  weir_http_request_respond (request, response);
}

static void
set_up (Fixture *fixture, gconstpointer plain)
{
  WeirHttpServerSettings settings;
  g_autoptr (GError) error = NULL;
  guint8 *bytes = g_malloc (BODY_SIZE);

  for (gsize i = 0; i < BODY_SIZE; i++)
    bytes[i] = (guint8) (i >> 8 ^ i);
  fixture->body = g_bytes_new_take (bytes, BODY_SIZE);
  fixture->folder = g_dir_make_tmp (NULL, &error);
  g_assert_no_error (error);
  test_pair_write (
      fixture->folder, "default", &(TestCertificateSettings){.names = "DNS:default.example"});
  test_pair_write (fixture->folder, "second",
      &(TestCertificateSettings){.names = "DNS:other.example", .rsa_bits = 2048});
  fixture->certificates = weir_certificates_new (fixture->folder, NULL, &error);
  g_assert_no_error (error);
  fixture->counters = weir_counters_new ();
  weir_http_server_settings_init (&settings);
  settings.threads = 2;
  settings.counters = fixture->counters;
  settings.certificates = plain ? NULL : fixture->certificates;
  fixture->server = weir_http_server_new ("127.0.0.1:0", &settings, answer, fixture, &error);
  g_assert_no_error (error);
  fixture->address = g_strdup (weir_http_server_get_addresses (fixture->server));
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  weir_http_server_free (fixture->server);
  weir_certificates_unref (fixture->certificates);
  weir_counters_unref (fixture->counters);
  remove_folder (fixture->folder);
  g_bytes_unref (fixture->body);
  g_free (fixture->folder);
  g_free (fixture->address);
}

/* @session: (inout) (nullable): to be resumed. Returns: (nullable): NULL when the handshake fails
 */
static BIO *
connect_tls (Fixture *fixture, const gchar *name, int version, SSL_SESSION *session)
{
  SSL_CTX *context = SSL_CTX_new (TLS_client_method ());
  BIO *bio;
  SSL *ssl;

  SSL_CTX_set_security_level (context, 0);
  SSL_CTX_set_min_proto_version (context, version);
  SSL_CTX_set_max_proto_version (context, version);
  bio = BIO_new_ssl_connect (context);
  BIO_get_ssl (bio, &ssl);
  SSL_set_mode (ssl, SSL_MODE_AUTO_RETRY);
  if (name != NULL)
    SSL_set_tlsext_host_name (ssl, name);
  if (session != NULL)
    SSL_set_session (ssl, session);
  BIO_set_conn_hostname (bio, fixture->address);
  SSL_CTX_free (context);
  if (BIO_do_connect (bio) == 1)
    return bio;
  BIO_free_all (bio);
  return NULL;
}

static SSL *
get_ssl (BIO *bio)
{
  SSL *ssl;

  BIO_get_ssl (bio, &ssl);
  return ssl;
}

/* Returns: (transfer full): the DNS name that the server's certificate is for */
static gchar *
get_name (BIO *bio)
{
  X509 *certificate = SSL_get1_peer_certificate (get_ssl (bio));
  GENERAL_NAMES *names = X509_get_ext_d2i (certificate, NID_subject_alt_name, NULL, NULL);
  gchar *name = g_strdup (
      (const gchar *) ASN1_STRING_get0_data (sk_GENERAL_NAME_value (names, 0)->d.dNSName));

  GENERAL_NAMES_free (names);
  X509_free (certificate);
  return name;
}

static void
send_request (BIO *bio, const gchar *path)
{
  g_autofree gchar *request =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);

  g_assert_cmpint (BIO_write (bio, request, strlen (request)), ==, strlen (request));
}

/* Returns: (transfer full): all that comes until the server closes */
static GByteArray *
read_all (BIO *bio)
{
  GByteArray *answer = g_byte_array_new ();
  guint8 buffer[16384];
  gint got;

  while ((got = BIO_read (bio, buffer, sizeof buffer)) > 0)
    g_byte_array_append (answer, buffer, (guint) got);
  g_byte_array_append (answer, (const guint8 *) "", 1);
  return answer;
}

static void
assert_name_for (Fixture *fixture, const gchar *asked, const gchar *name)
{
  BIO *bio = connect_tls (fixture, asked, TLS1_3_VERSION, NULL);
  g_autofree gchar *found = NULL;

  g_assert_nonnull (bio);
  found = get_name (bio);
  g_assert_cmpstr (found, ==, name);
  BIO_free_all (bio);
}

static void
the_name_that_is_asked_for_chooses (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  assert_name_for (fixture, NULL, "default.example");
  assert_name_for (fixture, "default.example", "default.example");
  assert_name_for (fixture, "other.example", "other.example");
  assert_name_for (fixture, "OTHER.example", "other.example");
  assert_name_for (fixture, "unknown.example", "default.example");
}

static void
tls_1_2_and_1_3_are_spoken_and_nothing_older (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    int version;
    gboolean spoken;
  } cases[] = {{TLS1_VERSION, FALSE}, {TLS1_1_VERSION, FALSE}, {TLS1_2_VERSION, TRUE},
      {TLS1_3_VERSION, TRUE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    BIO *bio = connect_tls (fixture, "other.example", cases[i].version, NULL);
    g_autoptr (GByteArray) got = NULL;

    g_assert_cmpint (bio != NULL, ==, cases[i].spoken);
    if (bio == NULL)
      continue;
    send_request (bio, "/");
    got = read_all (bio);
    g_assert_true (g_str_has_suffix ((const gchar *) got->data, "\r\n\r\nsecure"));
    BIO_free_all (bio);
  }
}

static void
a_session_is_resumed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  BIO *first = connect_tls (fixture, NULL, TLS1_3_VERSION, NULL);
  SSL_SESSION *session;
  BIO *second;

  g_assert_nonnull (first);
  send_request (first, "/");
  /* the ticket comes with the first answer */
  g_byte_array_unref (read_all (first));
  session = SSL_get1_session (get_ssl (first));
  second = connect_tls (fixture, NULL, TLS1_3_VERSION, session);
  g_assert_nonnull (second);
  g_assert_true (SSL_session_reused (get_ssl (second)));
  SSL_SESSION_free (session);
  BIO_free_all (first);
  BIO_free_all (second);
}

static void
a_reload_in_the_middle_of_a_download (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  BIO *bio = connect_tls (fixture, NULL, TLS1_3_VERSION, NULL);
  g_autoptr (GByteArray) got = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *expected = g_bytes_get_data (fixture->body, &size);
  const guint8 *body;

  g_assert_nonnull (bio);
  send_request (bio, "/body");
  test_pair_write (
      fixture->folder, "default", &(TestCertificateSettings){.names = "DNS:renewed.example"});
  g_assert_true (weir_certificates_reload (fixture->certificates, NULL, &error));
  assert_name_for (fixture, NULL, "renewed.example");
  got = read_all (bio);
  body = memmem (got->data, got->len, "\r\n\r\n", 4);
  g_assert_nonnull (body);
  g_assert_cmpmem (body + 4, got->data + got->len - 1 - body - 4, expected, size);
  BIO_free_all (bio);
}

static void
plain_http_on_the_https_port_is_told_so (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  BIO *bio = BIO_new_connect (fixture->address);
  g_autoptr (GByteArray) got = NULL;

  send_request (bio, "/");
  got = read_all (bio);
  g_assert_true (g_str_has_prefix ((const gchar *) got->data, "HTTP/1.1 400 "));
  g_assert_true (g_str_has_suffix (
      (const gchar *) got->data, "\r\n\r\nThis port speaks HTTPS: use https:// URLs\n"));
  g_assert_cmpuint (weir_counters_get (fixture->counters, WEIR_HTTP_REFUSED_PROTOCOL), ==, 1);
  BIO_free_all (bio);
}

static void
tls_on_the_http_port_fails_at_once (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  gint64 started = g_get_monotonic_time ();

  g_assert_null (connect_tls (fixture, NULL, TLS1_3_VERSION, NULL));
  g_assert_cmpint (g_get_monotonic_time () - started, <, 5 * G_USEC_PER_SEC);
  g_assert_cmpuint (weir_counters_get (fixture->counters, WEIR_HTTP_REFUSED_PROTOCOL), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function, plain) \
  g_test_add ("/http/tls/" #function, Fixture, plain, set_up, function, tear_down)
  TEST (the_name_that_is_asked_for_chooses, NULL);
  TEST (tls_1_2_and_1_3_are_spoken_and_nothing_older, NULL);
  TEST (a_session_is_resumed, NULL);
  TEST (a_reload_in_the_middle_of_a_download, NULL);
  TEST (plain_http_on_the_https_port_is_told_so, NULL);
  TEST (tls_on_the_http_port_fails_at_once, GINT_TO_POINTER (1));
  return g_test_run ();
}
