/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/tls.h"

#include "folder.h"
#include "testcertificate.h"
#include "tlsclient.h"

#include <string.h>

#define CLEAR_SIZE (64 * 1024)

/* Both ends of a connection, and what the server has said so far. */
typedef struct {
  gchar *folder;
  WeirCertificates *certificates;
  WeirTls *tls;
  TlsClient client;
  gsize piece; /* bytes that the server is given at once; 0: all */
  GByteArray *clear;
  WeirTlsResult result;
  GError *error;
  gint client_reason;
} Fixture;

static WeirCertificates *
load (const gchar *folder)
{
  g_autoptr (GError) error = NULL;
  WeirCertificates *certificates = weir_certificates_new (folder, NULL, &error);

  g_assert_no_error (error);
  return certificates;
}

static void
fixture_init (Fixture *self, gint version)
{
  self->folder = g_dir_make_tmp ("weir-tls-XXXXXX", NULL);
  test_pair_write (self->folder, "default", &(TestCertificateSettings){0});
  self->certificates = load (self->folder);
  self->tls = weir_tls_new (self->certificates);
  self->clear = g_byte_array_new ();
  tls_client_init (&self->client, version);
}

/* another connection to the same server */
static void
fixture_reconnect (Fixture *self, gint version)
{
  SSL_SESSION *session = g_steal_pointer (&self->client.session);

  weir_tls_free (self->tls);
  tls_client_clear (&self->client);
  g_byte_array_set_size (self->clear, 0);
  g_clear_error (&self->error);
  self->tls = weir_tls_new (self->certificates);
  tls_client_init (&self->client, version);
  if (session != NULL)
    SSL_set_session (self->client.ssl, session);
  SSL_SESSION_free (session);
}

static void
fixture_clear (Fixture *self)
{
  weir_tls_free (self->tls);
  tls_client_clear (&self->client);
  weir_certificates_unref (self->certificates);
  g_byte_array_unref (self->clear);
  g_clear_error (&self->error);
  remove_folder (self->folder);
  g_free (self->folder);
}

/* reads until more is wanted or it has ended */
static void
server_read (Fixture *self)
{
  g_autofree guint8 *clear = g_malloc (CLEAR_SIZE);

  do {
    gsize size = 0;

    g_clear_error (&self->error);
    self->result = weir_tls_read (self->tls, clear, CLEAR_SIZE, &size, &self->error);
    g_assert_true ((self->result == WEIR_TLS_FAILED) == (self->error != NULL));
    if (self->result == WEIR_TLS_CLEAR) {
      g_assert_cmpuint (size, >, 0);
      g_byte_array_append (self->clear, clear, (guint) size);
    }
  } while (self->result == WEIR_TLS_CLEAR);
}

static void
server_input (Fixture *self, const guint8 *data, gsize size)
{
  gsize piece = self->piece > 0 ? self->piece : size;

  for (gsize position = 0; position < size; position += piece) {
    gsize count = MIN (piece, size - position);
    /* so that reading beyond it is noticed */
    g_autofree guint8 *copy = g_memdup2 (data + position, count);

    weir_tls_input (self->tls, copy, count);
    server_read (self);
  }
}

static void
server_to_client (Fixture *self)
{
  WeirWriter *output = weir_tls_get_output (self->tls);

  tls_client_input (&self->client, output->data, output->size);
  weir_writer_reset (output);
}

/* carries bytes until neither side has any */
static void
pump (Fixture *self)
{
  for (;;) {
    gint reason = tls_client_advance (&self->client);
    g_autoptr (GByteArray) bytes = tls_client_take_output (&self->client);

    if (self->client_reason == 0)
      self->client_reason = reason;
    server_input (self, bytes->data, bytes->len);
    if (bytes->len == 0 && weir_tls_get_output (self->tls)->size == 0)
      return;
    server_to_client (self);
  }
}

static void
assert_handshake (Fixture *self)
{
  pump (self);
  g_assert_no_error (self->error);
  g_assert_true (weir_tls_is_established (self->tls));
  g_assert_true (SSL_is_init_finished (self->client.ssl));
}

static void
assert_failed (Fixture *self, WeirTlsError code, const gchar *words)
{
  guint8 clear[WEIR_TLS_HELLO_MAX];
  gsize size = 77;

  g_assert_cmpint (self->result, ==, WEIR_TLS_FAILED);
  g_assert_error (self->error, WEIR_TLS_ERROR, (gint) code);
  if (strstr (self->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", self->error->message, words);
  /* for good */
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    weir_tls_input (self->tls, (const guint8 *) "more", 4);
    g_assert_cmpint (
        weir_tls_read (self->tls, clear, sizeof clear, &size, &error), ==, WEIR_TLS_FAILED);
    g_assert_error (error, WEIR_TLS_ERROR, (gint) code);
    g_assert_cmpuint (size, ==, 77);
  }
}

static const gint versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void
bytes_go_both_ways (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture, versions[i]);
    g_assert_cmpstr (weir_tls_get_description (fixture.tls), ==, "");
    assert_handshake (&fixture);
    tls_client_write (&fixture.client, "hello", 5);
    pump (&fixture);
    g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "hello", 5);
    weir_tls_write (fixture.tls, (const guint8 *) "answer", 6);
    pump (&fixture);
    g_assert_cmpmem (fixture.client.clear->data, fixture.client.clear->len, "answer", 6);
    g_assert_cmpint (fixture.result, ==, WEIR_TLS_MORE);
    g_assert_cmpstr (weir_tls_get_description (fixture.tls), ==,
        versions[i] == TLS1_3_VERSION ? "TLSv1.3 TLS_AES_128_GCM_SHA256"
                                      : "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
    fixture_clear (&fixture);
  }
}

static void
what_is_written_early_waits_for_the_handshake (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, 0);
  weir_tls_write (fixture.tls, (const guint8 *) "early", 5);
  g_assert_cmpuint (weir_tls_get_waiting (fixture.tls), ==, 5);
  g_assert_cmpuint (weir_tls_get_output (fixture.tls)->size, ==, 0);
  assert_handshake (&fixture);
  g_assert_cmpuint (weir_tls_get_waiting (fixture.tls), ==, 0);
  g_assert_cmpmem (fixture.client.clear->data, fixture.client.clear->len, "early", 5);
  fixture_clear (&fixture);
}

static void
pieces_of_any_size_make_the_same (void)
{
  static const gsize pieces[] = {1, 2, 5, 6, 7, 100, 1400, 16384, 20000, 65536};
  g_autofree guint8 *sent = g_malloc (100000);

  for (guint i = 0; i < 100000; i++)
    sent[i] = (guint8) (i * 7 + i / 256);
  for (guint v = 0; v < G_N_ELEMENTS (versions); v++) {
    for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
      Fixture fixture = {.piece = pieces[i]};

      fixture_init (&fixture, versions[v]);
      assert_handshake (&fixture);
      /* records of 16 KiB, of one byte, of 200 */
      tls_client_write (&fixture.client, sent, 90000);
      for (guint n = 90000; n < 90100; n++)
        tls_client_write (&fixture.client, sent + n, 1);
      for (guint n = 90100; n < 100000; n += 100)
        tls_client_write (&fixture.client, sent + n, 100);
      pump (&fixture);
      g_assert_cmpmem (fixture.clear->data, fixture.clear->len, sent, 100000);
      fixture_clear (&fixture);
    }
  }
}

static void
small_records_come_out_together (void)
{
  Fixture fixture = {0};
  g_autoptr (GByteArray) records = NULL;
  g_autofree guint8 *clear = g_malloc (CLEAR_SIZE);
  gsize size = 0;

  fixture_init (&fixture, TLS1_3_VERSION);
  assert_handshake (&fixture);
  for (guint i = 0; i < 1000; i++)
    tls_client_write (&fixture.client, "0123456789", 10);
  records = tls_client_take_output (&fixture.client);
  weir_tls_input (fixture.tls, records->data, records->len);
  g_assert_cmpint (weir_tls_read (fixture.tls, clear, CLEAR_SIZE, &size, NULL), ==, WEIR_TLS_CLEAR);
  g_assert_cmpuint (size, ==, 10000);
  g_assert_cmpint (weir_tls_read (fixture.tls, clear, CLEAR_SIZE, &size, NULL), ==, WEIR_TLS_MORE);
  fixture_clear (&fixture);
}

static void
input_that_is_kept_may_be_read_later (void)
{
  Fixture fixture = {0};
  g_autofree guint8 *sent = g_malloc (150000);
  gsize written = 0;

  for (guint i = 0; i < 150000; i++)
    sent[i] = (guint8) (i * 11 + i / 256);
  fixture_init (&fixture, TLS1_3_VERSION);
  assert_handshake (&fixture);
  while (written < 150000) {
    gsize part = MIN (50000, 150000 - written);
    g_autoptr (GByteArray) records = NULL;
    guint8 clear[WEIR_TLS_HELLO_MAX];
    gsize size = 0;

    tls_client_write (&fixture.client, sent + written, part);
    written += part;
    records = tls_client_take_output (&fixture.client);
    /* three inputs, of each a part is read, and its memory goes away */
    weir_tls_input (fixture.tls, records->data, records->len);
    g_assert_cmpint (
        weir_tls_read (fixture.tls, clear, sizeof clear, &size, NULL), ==, WEIR_TLS_CLEAR);
    g_byte_array_append (fixture.clear, clear, (guint) size);
    weir_tls_keep_input (fixture.tls);
    memset (records->data, 0xff, records->len);
  }
  g_assert_cmpuint (fixture.clear->len, ==, 3 * WEIR_TLS_HELLO_MAX);
  server_read (&fixture);
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, sent, 150000);
  g_assert_cmpint (fixture.result, ==, WEIR_TLS_MORE);
  fixture_clear (&fixture);
}

static void
the_name_that_was_asked_for_is_told_when_it_is_one (void)
{
  static const struct {
    const gchar *asked;
    const gchar *told;
  } table[] = {
      {"Live.Example.org", "live.example.org"},
      {"a/../b", NULL},
      {"evil\nname", NULL},
      {NULL, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture, 0);
    if (table[i].asked != NULL)
      SSL_set_tlsext_host_name (fixture.client.ssl, table[i].asked);
    assert_handshake (&fixture);
    g_assert_cmpstr (weir_tls_get_server_name (fixture.tls), ==, table[i].told);
    fixture_clear (&fixture);
  }
}

static void
old_versions_and_suites_are_refused (void)
{
  static const struct {
    gint version;
    const gchar *ciphers;
    const gchar *words;
  } table[] = {
      {TLS1_1_VERSION, "ALL:@SECLEVEL=0", "TLS 1.2 or later is wanted"},
      {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", "no cipher suite"},
      {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", "no cipher suite"},
      {TLS1_2_VERSION, "AES128-GCM-SHA256", "no cipher suite"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture, table[i].version);
    if (table[i].version == TLS1_1_VERSION)
      SSL_set_security_level (fixture.client.ssl, 0);
    g_assert_cmpint (SSL_set_cipher_list (fixture.client.ssl, table[i].ciphers), ==, 1);
    pump (&fixture);
    assert_failed (&fixture, WEIR_TLS_ERROR_PROTOCOL, table[i].words);
    /* the client heard an alert, it was not just cut off */
    g_assert_cmpint (fixture.client_reason, >=, SSL_AD_REASON_OFFSET);
    fixture_clear (&fixture);
  }
}

static void
what_is_no_tls_is_told_with_its_first_bytes (void)
{
  static const gchar *const table[] = {"\003abcdefghij", "GET / HTTP/1.1\r\n\r\n", "\xff"};

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    for (gsize piece = 0; piece < 2; piece++) {
      Fixture fixture = {.piece = piece};
      const guint8 *first;
      gsize size;

      fixture_init (&fixture, 0);
      server_input (&fixture, (const guint8 *) table[i], strlen (table[i]));
      assert_failed (&fixture, WEIR_TLS_ERROR_NOT_TLS, "no TLS");
      first = weir_tls_get_first_bytes (fixture.tls, &size);
      g_assert_cmpuint (size, >=, 1);
      g_assert_cmpmem (first, 1, table[i], 1);
      fixture_clear (&fixture);
    }
  }
}

static void
a_hello_of_more_than_16_kib_is_refused (void)
{
  Fixture fixture = {0};
  /* the header of a hello of 60000 bytes, in records of 1000 */
  static const guint8 message[] = {1, 0, 0xea, 0x60};
  static const guint8 record[] = {0x16, 3, 1, 0x03, 0xe8};
  guint8 zeros[1000] = {0};
  guint records = 0;

  fixture_init (&fixture, 0);
  do {
    memcpy (zeros, message, records == 0 ? sizeof message : 0);
    server_input (&fixture, record, sizeof record);
    server_input (&fixture, zeros, sizeof zeros);
    memset (zeros, 0, sizeof zeros);
  } while (fixture.result == WEIR_TLS_MORE && ++records < 100);
  g_assert_cmpuint (records, <=, 16);
  assert_failed (&fixture, WEIR_TLS_ERROR_LIMIT, "");
  fixture_clear (&fixture);
}

static void
a_hello_in_records_of_one_byte_is_refused_beyond_16_kib (void)
{
  Fixture fixture = {0};
  static const guint8 header[] = {
      0x16, 3, 1, 0, 1, 1, 0x16, 3, 1, 0, 1, 0, 0x16, 3, 1, 0, 1, 0x3f, 0x16, 3, 1, 0, 1, 0xf0};
  static const guint8 byte[] = {0x16, 3, 1, 0, 1, 0};
  gsize sent = sizeof header;

  /* announced are 16368 bytes, which would be allowed; on the wire they are six times as many */
  fixture_init (&fixture, 0);
  server_input (&fixture, header, sizeof header);
  while (fixture.result == WEIR_TLS_MORE && sent < 200000) {
    server_input (&fixture, byte, sizeof byte);
    sent += sizeof byte;
  }
  g_assert_cmpuint (sent, <=, WEIR_TLS_HELLO_MAX + sizeof byte);
  assert_failed (&fixture, WEIR_TLS_ERROR_LIMIT, "16 KiB");
  g_assert_cmpuint (weir_tls_get_output (fixture.tls)->size, ==, 7);
  fixture_clear (&fixture);
}

static void
a_hello_in_pieces_and_small_records_is_taken (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    Fixture fixture = {.piece = 1};
    g_autoptr (GByteArray) hello = NULL;
    g_autoptr (GByteArray) split = g_byte_array_new ();

    fixture_init (&fixture, versions[i]);
    tls_client_advance (&fixture.client);
    hello = tls_client_take_output (&fixture.client);
    /* the same handshake message, one byte a record */
    for (guint n = 5; n < hello->len; n++) {
      const guint8 record[] = {0x16, 3, 1, 0, 1, hello->data[n]};

      g_byte_array_append (split, record, sizeof record);
    }
    server_input (&fixture, split->data, split->len);
    g_assert_cmpint (fixture.result, ==, WEIR_TLS_MORE);
    server_to_client (&fixture);
    assert_handshake (&fixture);
    fixture_clear (&fixture);
  }
}

static void
garbage_after_the_handshake_ends_it (void)
{
  static const gchar *const table[] = {
      "GET / HTTP/1.1\r\n\r\n", "\x03\x03\x03\x03\x03", /* a kind of record that there is none */
      "\x17\x03\x03\x01\x01",                           /* sealed by nobody */
      "\x17\x03\x03\xff\xff",                           /* too long */
      "\x17\x09\x09\x01\x01",                           /* another version */
      "\x16\x03\x03\x01\x01\x01",                       /* a hello in the clear */
  };

  for (guint v = 0; v < G_N_ELEMENTS (versions); v++) {
    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
      Fixture fixture = {0};
      guint8 garbage[1000];

      memset (garbage, 'x', sizeof garbage);
      memcpy (garbage, table[i], strlen (table[i]));
      fixture_init (&fixture, versions[v]);
      assert_handshake (&fixture);
      tls_client_write (&fixture.client, "before", 6);
      pump (&fixture);
      server_input (&fixture, garbage, sizeof garbage);
      assert_failed (&fixture, WEIR_TLS_ERROR_PROTOCOL, "");
      g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "before", 6);
      fixture_clear (&fixture);
    }
  }
}

/* Returns: (transfer full): a record with @text, which the client has not sent yet */
static GByteArray *
fixture_init_and_say (Fixture *self, const gchar *text)
{
  fixture_init (self, TLS1_3_VERSION);
  assert_handshake (self);
  tls_client_write (&self->client, text, strlen (text));
  return tls_client_take_output (&self->client);
}

static void
what_comes_before_garbage_in_one_input_is_handed_over (void)
{
  Fixture fixture = {0};
  g_autoptr (GByteArray) records = fixture_init_and_say (&fixture, "good");

  g_byte_array_append (records, (const guint8 *) "garbage garbage", 15);
  server_input (&fixture, records->data, records->len);
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "good", 4);
  assert_failed (&fixture, WEIR_TLS_ERROR_PROTOCOL, "");
  fixture_clear (&fixture);
}

static void
a_record_that_was_changed_ends_it (void)
{
  Fixture fixture = {0};
  g_autoptr (GByteArray) records = fixture_init_and_say (&fixture, "good");

  records->data[records->len - 1] ^= 1;
  server_input (&fixture, records->data, records->len);
  g_assert_cmpuint (fixture.clear->len, ==, 0);
  assert_failed (&fixture, WEIR_TLS_ERROR_PROTOCOL, "");
  fixture_clear (&fixture);
}

static void
renegotiation_is_refused_and_the_rest_goes_on (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, TLS1_2_VERSION);
  assert_handshake (&fixture);
  for (guint i = 0; i < 3; i++) {
    SSL_renegotiate (fixture.client.ssl);
    SSL_do_handshake (fixture.client.ssl);
    pump (&fixture);
  }
  /* a client that insists gives up by itself (no_renegotiation), or we end it */
  g_assert_cmpint (fixture.client_reason, ==, SSL_R_NO_RENEGOTIATION);
  g_assert_true (fixture.result == WEIR_TLS_MORE || fixture.result == WEIR_TLS_FAILED);
  fixture_clear (&fixture);
}

static void
renegotiations_without_end_do_not_go_on_for_ever (void)
{
  Fixture fixture = {0};
  guint rounds = 0;

  fixture_init (&fixture, TLS1_2_VERSION);
  assert_handshake (&fixture);
  /* a client that does not care for our alerts: the same attempt over and over */
  SSL_renegotiate (fixture.client.ssl);
  SSL_do_handshake (fixture.client.ssl);
  while (fixture.result == WEIR_TLS_MORE && rounds++ < 100) {
    g_autoptr (GByteArray) records = tls_client_take_output (&fixture.client);

    server_input (&fixture, records->data, records->len);
    tls_client_clear (&fixture.client);
    tls_client_init (&fixture.client, TLS1_2_VERSION);
    tls_client_advance (&fixture.client);
  }
  g_assert_cmpint (fixture.result, ==, WEIR_TLS_FAILED);
  g_assert_cmpuint (rounds, <, 20);
  fixture_clear (&fixture);
}

static void
key_updates_are_followed_but_not_without_end (void)
{
  Fixture fixture = {0};
  guint updates = 0;

  fixture_init (&fixture, TLS1_3_VERSION);
  assert_handshake (&fixture);
  for (guint i = 0; i < 10; i++) {
    g_assert_cmpint (SSL_key_update (fixture.client.ssl, SSL_KEY_UPDATE_REQUESTED), ==, 1);
    tls_client_write (&fixture.client, "x", 1);
    pump (&fixture);
    weir_tls_write (fixture.tls, (const guint8 *) "y", 1);
    pump (&fixture);
  }
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "xxxxxxxxxx", 10);
  g_assert_cmpmem (fixture.client.clear->data, fixture.client.clear->len, "yyyyyyyyyy", 10);

  while (fixture.result == WEIR_TLS_MORE && updates++ < 10000) {
    g_autoptr (GByteArray) records = NULL;

    SSL_key_update (fixture.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake (fixture.client.ssl);
    records = tls_client_take_output (&fixture.client);
    server_input (&fixture, records->data, records->len);
  }
  assert_failed (&fixture, WEIR_TLS_ERROR_LIMIT, "without content");
  g_assert_cmpuint (updates, <, 5000);
  fixture_clear (&fixture);
}

static void
empty_records_without_end_are_refused (void)
{
  Fixture fixture = {0};
  static const guint8 record[] = {0x14, 3, 3, 0, 1, 1};
  guint records = 0;

  /* change_cipher_spec is ignored in the middle of a TLS 1.3 handshake, but not for ever */
  fixture_init (&fixture, TLS1_3_VERSION);
  tls_client_advance (&fixture.client);
  {
    g_autoptr (GByteArray) hello = tls_client_take_output (&fixture.client);

    server_input (&fixture, hello->data, hello->len);
  }
  while (fixture.result == WEIR_TLS_MORE && records++ < 100000)
    server_input (&fixture, record, sizeof record);
  g_assert_cmpint (fixture.result, ==, WEIR_TLS_FAILED);
  g_assert_cmpuint (records * sizeof record, <=, WEIR_TLS_SILENCE_MAX + sizeof record);
  fixture_clear (&fixture);
}

static void
close_notify_is_the_end_of_one_direction (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture, versions[i]);
    assert_handshake (&fixture);
    tls_client_write (&fixture.client, "last", 4);
    SSL_shutdown (fixture.client.ssl);
    pump (&fixture);
    g_assert_cmpint (fixture.result, ==, WEIR_TLS_END);
    g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "last", 4);
    server_read (&fixture);
    g_assert_cmpint (fixture.result, ==, WEIR_TLS_END);
    fixture_clear (&fixture);
  }
}

static void
closing_says_close_notify_and_reads_on (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, TLS1_3_VERSION);
  assert_handshake (&fixture);
  weir_tls_write (fixture.tls, (const guint8 *) "bye", 3);
  weir_tls_close (fixture.tls);
  weir_tls_close (fixture.tls);
  weir_tls_write (fixture.tls, (const guint8 *) "too late", 8);
  server_to_client (&fixture);
  tls_client_advance (&fixture.client);
  g_assert_cmpint (SSL_get_shutdown (fixture.client.ssl), ==, SSL_RECEIVED_SHUTDOWN);
  g_assert_cmpmem (fixture.client.clear->data, fixture.client.clear->len, "bye", 3);
  tls_client_write (&fixture.client, "still here", 10);
  pump (&fixture);
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "still here", 10);
  fixture_clear (&fixture);
}

static void
closing_in_the_handshake_says_nothing (void)
{
  Fixture fixture = {0};

  fixture_init (&fixture, 0);
  weir_tls_write (fixture.tls, (const guint8 *) "early", 5);
  weir_tls_close (fixture.tls);
  g_assert_cmpuint (weir_tls_get_output (fixture.tls)->size, ==, 0);
  fixture_clear (&fixture);
}

typedef struct {
  gint verify_error; /* what the client does not like */
  const gchar *words;
} Dislike;

static int
dislike (G_GNUC_UNUSED int ok, X509_STORE_CTX *context)
{
  SSL *ssl = X509_STORE_CTX_get_ex_data (context, SSL_get_ex_data_X509_STORE_CTX_idx ());
  const Dislike *what = SSL_CTX_get_app_data (SSL_get_SSL_CTX (ssl));

  X509_STORE_CTX_set_error (context, what->verify_error);
  return 0;
}

static void
a_client_that_does_not_accept_the_certificate_says_why (void)
{
  static const Dislike table[] = {
      {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown authority"},
      {X509_V_ERR_CERT_HAS_EXPIRED, "certificate expired"},
      {X509_V_ERR_HOSTNAME_MISMATCH, "another name"},
      {X509_V_ERR_CERT_REVOKED, "certificate revoked"},
      {X509_V_ERR_INVALID_PURPOSE, "unsupported certificate"},
  };

  for (guint v = 0; v < G_N_ELEMENTS (versions); v++) {
    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
      Fixture fixture = {0};

      fixture_init (&fixture, versions[v]);
      SSL_CTX_set_app_data (fixture.client.context, (gpointer) &table[i]);
      SSL_set_verify (fixture.client.ssl, SSL_VERIFY_PEER, dislike);
      pump (&fixture);
      assert_failed (&fixture, WEIR_TLS_ERROR_CERTIFICATE, table[i].words);
      fixture_clear (&fixture);
    }
  }
}

static void
another_alert_is_told_by_its_name (void)
{
  Fixture fixture = {0};
  static const guint8 alert[] = {0x15, 3, 3, 0, 2, 2, 40};
  g_autoptr (GByteArray) hello = NULL;

  fixture_init (&fixture, TLS1_2_VERSION);
  tls_client_advance (&fixture.client);
  hello = tls_client_take_output (&fixture.client);
  server_input (&fixture, hello->data, hello->len);
  server_input (&fixture, alert, sizeof alert);
  assert_failed (&fixture, WEIR_TLS_ERROR_ALERT, "handshake failure");
  fixture_clear (&fixture);
}

static void
a_session_is_resumed_by_its_ticket (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    Fixture fixture = {0};
    g_autoptr (GError) error = NULL;

    fixture_init (&fixture, versions[i]);
    assert_handshake (&fixture);
    g_assert_false (SSL_session_reused (fixture.client.ssl));
    g_assert_nonnull (fixture.client.session);
    fixture_reconnect (&fixture, versions[i]);
    assert_handshake (&fixture);
    g_assert_true (SSL_session_reused (fixture.client.ssl));

    /* after a reload too, with another certificate */
    if (versions[i] == TLS1_3_VERSION)
      g_assert_nonnull (fixture.client.session); /* a fresh one, as they are used once */
    else
      fixture.client.session = SSL_get1_session (fixture.client.ssl);
    test_pair_write (fixture.folder, "default", &(TestCertificateSettings){0});
    g_assert_true (weir_certificates_reload (fixture.certificates, NULL, &error));
    fixture_reconnect (&fixture, versions[i]);
    assert_handshake (&fixture);
    g_assert_true (SSL_session_reused (fixture.client.ssl));
    tls_client_write (&fixture.client, "hello", 5);
    pump (&fixture);
    g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "hello", 5);
    fixture_clear (&fixture);
  }
}

static void
a_foreign_ticket_means_a_whole_handshake (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    Fixture fixture = {0};

    fixture_init (&fixture, versions[i]);
    assert_handshake (&fixture);
    weir_certificates_unref (fixture.certificates);
    /* another process: other keys */
    fixture.certificates = load (fixture.folder);
    fixture_reconnect (&fixture, versions[i]);
    assert_handshake (&fixture);
    g_assert_false (SSL_session_reused (fixture.client.ssl));
    fixture_clear (&fixture);
  }
}

static void
early_data_is_not_taken (void)
{
  Fixture fixture = {0};
  g_autoptr (GByteArray) bytes = NULL;
  gsize written = 0;

  fixture_init (&fixture, TLS1_3_VERSION);
  assert_handshake (&fixture);
  g_assert_nonnull (fixture.client.session);
  g_assert_cmpuint (SSL_SESSION_get_max_early_data (fixture.client.session), ==, 0);
  /* a client that sends some all the same */
  SSL_SESSION_set_max_early_data (fixture.client.session, 16384);
  fixture_reconnect (&fixture, TLS1_3_VERSION);
  g_assert_cmpint (SSL_write_early_data (fixture.client.ssl, "replayed", 8, &written), ==, 1);
  bytes = tls_client_take_output (&fixture.client);
  server_input (&fixture, bytes->data, bytes->len);
  server_to_client (&fixture);
  assert_handshake (&fixture);
  g_assert_cmpint (SSL_get_early_data_status (fixture.client.ssl), ==, SSL_EARLY_DATA_REJECTED);
  tls_client_write (&fixture.client, "fresh", 5);
  pump (&fixture);
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "fresh", 5);
  fixture_clear (&fixture);
}

static void
a_connection_outlives_the_reload_of_its_certificate (void)
{
  Fixture fixture = {0};
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, TLS1_3_VERSION);
  tls_client_advance (&fixture.client);
  /* between the server's hello and the client's end */
  {
    g_autoptr (GByteArray) hello = tls_client_take_output (&fixture.client);

    server_input (&fixture, hello->data, hello->len);
  }
  test_pair_write (fixture.folder, "default", &(TestCertificateSettings){0});
  g_assert_true (weir_certificates_reload (fixture.certificates, NULL, &error));
  server_to_client (&fixture);
  assert_handshake (&fixture);
  g_assert_true (weir_certificates_reload (fixture.certificates, NULL, &error));
  tls_client_write (&fixture.client, "hello", 5);
  pump (&fixture);
  g_assert_cmpmem (fixture.clear->data, fixture.clear->len, "hello", 5);
  fixture_clear (&fixture);
}

#define ADD(name) g_test_add_func ("/net/tls/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (bytes_go_both_ways);
  ADD (what_is_written_early_waits_for_the_handshake);
  ADD (pieces_of_any_size_make_the_same);
  ADD (small_records_come_out_together);
  ADD (input_that_is_kept_may_be_read_later);
  ADD (the_name_that_was_asked_for_is_told_when_it_is_one);
  ADD (old_versions_and_suites_are_refused);
  ADD (what_is_no_tls_is_told_with_its_first_bytes);
  ADD (a_hello_of_more_than_16_kib_is_refused);
  ADD (a_hello_in_records_of_one_byte_is_refused_beyond_16_kib);
  ADD (a_hello_in_pieces_and_small_records_is_taken);
  ADD (garbage_after_the_handshake_ends_it);
  ADD (what_comes_before_garbage_in_one_input_is_handed_over);
  ADD (a_record_that_was_changed_ends_it);
  ADD (renegotiation_is_refused_and_the_rest_goes_on);
  ADD (renegotiations_without_end_do_not_go_on_for_ever);
  ADD (key_updates_are_followed_but_not_without_end);
  ADD (empty_records_without_end_are_refused);
  ADD (close_notify_is_the_end_of_one_direction);
  ADD (closing_says_close_notify_and_reads_on);
  ADD (closing_in_the_handshake_says_nothing);
  ADD (a_client_that_does_not_accept_the_certificate_says_why);
  ADD (another_alert_is_told_by_its_name);
  ADD (a_session_is_resumed_by_its_ticket);
  ADD (a_foreign_ticket_means_a_whole_handshake);
  ADD (early_data_is_not_taken);
  ADD (a_connection_outlives_the_reload_of_its_certificate);
  return g_test_run ();
}
