/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/handshake.h"

#include "rtmpclient.h"

static const guint8 random_bytes[1528] = {1, 2, 3, 4, 5, [600] = 6, [1000] = 7, [1527] = 8};

static WeirRtmpHandshake *
handshake_new (void)
{
  return weir_rtmp_handshake_new (random_bytes, 0x01020304);
}

static void
the_simple_form_echoes_the_client (void)
{
  g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
  g_auto (WeirWriter) input = {0}, output = {0};
  gsize consumed;

  test_write_c0_c1 (&input, -1, 11);
  g_assert_cmpint (
      weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output), ==,
      WEIR_RTMP_HANDSHAKE_MORE);
  g_assert_cmpuint (consumed, ==, 1537);
  g_assert_cmpuint (output.size, ==, 1 + 2 * 1536);
  g_assert_cmpuint (output.data[0], ==, 3);
  g_assert_cmpmem (output.data + 1, 8, "\1\2\3\4\0\0\0\0", 8);
  g_assert_cmpmem (output.data + 9, 1528, random_bytes, 1528);
  g_assert_cmpmem (output.data + 1537, 1536, input.data + 1, 1536);
}

/* the server's long key: its text and 32 bytes that are the same in every implementation */
static const guint8 server_key_tail[32] = {0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e,
    0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93,
    0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae};

static void
the_digest_form_is_answered_in_the_clients_schema (void)
{
  for (guint schema = 0; schema < 2; schema++) {
    /* also fills that put the digest at other places */
    for (guint fill = 0; fill < 256; fill += 5) {
      g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
      g_auto (WeirWriter) input = {0}, output = {0}, key = {0};
      g_autoptr (GHmac) key_hmac = NULL, hmac = NULL;
      guint8 digest[32];
      gsize consumed, offset, size = 32;
      const guint8 *s1, *s2;

      test_write_c0_c1 (&input, (gint) schema, (guint8) fill);
      weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output);
      g_assert_cmpuint (output.size, ==, 1 + 2 * 1536);
      s1 = output.data + 1;
      s2 = s1 + 1536;

      g_assert_cmpmem (s1, 4, "\1\2\3\4", 4);
      g_assert_cmpuint (s1[4], !=, 0);
      offset = test_digest_offset (s1, schema);
      test_packet_digest (s1, offset, TEST_SERVER_KEY, digest);
      g_assert_cmpmem (s1 + offset, 32, digest, 32);

      weir_writer_bytes (&key, TEST_SERVER_KEY, strlen (TEST_SERVER_KEY));
      weir_writer_bytes (&key, server_key_tail, 32);
      key_hmac = g_hmac_new (G_CHECKSUM_SHA256, key.data, key.size);
      g_hmac_update (key_hmac, input.data + 1 + test_digest_offset (input.data + 1, schema), 32);
      g_hmac_get_digest (key_hmac, digest, &size);
      hmac = g_hmac_new (G_CHECKSUM_SHA256, digest, 32);
      g_hmac_update (hmac, s2, 1504);
      size = 32;
      g_hmac_get_digest (hmac, digest, &size);
      g_assert_cmpmem (s2 + 1504, 32, digest, 32);
    }
  }
}

static void
a_version_without_a_valid_digest_gets_the_simple_form (void)
{
  g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
  g_auto (WeirWriter) input = {0}, output = {0};
  gsize consumed;

  test_write_c0_c1 (&input, 1, 3);
  input.data[1536] ^= 1;
  weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output);
  g_assert_cmpmem (output.data + 1537, 1536, input.data + 1, 1536);
}

static void
digest_offsets_at_their_extremes_stay_within_the_packet (void)
{
  static const guint8 fills[] = {0xff, 0xb6 /* 4 × 182 = 728 */, 0xb5, 0x00};

  for (gsize i = 0; i < G_N_ELEMENTS (fills); i++) {
    g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
    g_auto (WeirWriter) input = {0}, output = {0};
    gsize consumed;

    weir_writer_u8 (&input, 3);
    for (guint n = 0; n < 1536; n++)
      weir_writer_u8 (&input, n >= 4 && n < 8 ? 1 : fills[i]);
    /* 727 in both schemas */
    if (i == 2) {
      input.data[1 + 8 + 3] = 0xb8;
      input.data[1 + 772 + 3] = 0xb8;
    }
    weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output);
    g_assert_cmpuint (output.size, ==, 1 + 2 * 1536);
  }
}

static void
nothing_is_said_before_c1_is_complete_and_c2_is_only_counted (void)
{
  g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
  g_auto (WeirWriter) input = {0}, output = {0};

  test_write_c0_c1 (&input, 0, 9);
  for (guint i = 0; i < 1536; i++)
    weir_writer_u8 (&input, (guint8) i);

  for (gsize i = 0; i < input.size; i++) {
    gsize consumed = 0;
    WeirRtmpHandshakeResult result =
        weir_rtmp_handshake_input (handshake, input.data + i, 1, &consumed, &output);

    g_assert_cmpuint (consumed, ==, 1);
    g_assert_cmpint (
        result, ==, i == input.size - 1 ? WEIR_RTMP_HANDSHAKE_DONE : WEIR_RTMP_HANDSHAKE_MORE);
    g_assert_cmpuint (output.size, ==, i < 1536 ? 0 : 3073);
  }
}

static void
what_follows_c2_in_the_same_piece_is_left (void)
{
  g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
  g_auto (WeirWriter) input = {0}, output = {0};
  gsize consumed;

  test_write_c0_c1 (&input, -1, 9);
  weir_writer_zeros (&input, 1536 + 77);
  g_assert_cmpint (
      weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output), ==,
      WEIR_RTMP_HANDSHAKE_DONE);
  g_assert_cmpuint (consumed, ==, 3073);
}

static void
other_protocols_are_recognised (void)
{
  static const struct {
    const gchar *input;
    const gchar *hint;
    const gchar *answer; /* NULL: none */
  } table[] = {
      {"\x16\x03\x01\x02", "TLS on the plain port (use rtmps://)", "\x15\x03\x03"},
      {"GET / HTTP/1.1\r\n", "HTTP on the RTMP port", "HTTP/1.1 400 Bad Request\r\n"},
      {"POST /fcs", "HTTP on the RTMP port", "HTTP/1.1 400 Bad Request\r\n"},
      {"O", "HTTP on the RTMP port", "HTTP/1.1 400 Bad Request\r\n"},
      {"PROXY TCP4 1.2.3.4", "PROXY header on the RTMP port"},
      {"\r\n\r\n", "PROXY header on the RTMP port"},
      {"\x06", "RTMPE"},
      {"\x08", "RTMPE"},
      {"\xff\xff", "version 255"},
      {"\x20", "version 32"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
    g_auto (WeirWriter) output = {0};
    gsize consumed = 0;

    for (guint n = 0; n < 2; n++) {
      g_assert_cmpint (weir_rtmp_handshake_input (handshake, (const guint8 *) table[i].input,
                           strlen (table[i].input), &consumed, &output),
          ==, WEIR_RTMP_HANDSHAKE_FAILED);
      g_assert_cmpuint (consumed, ==, strlen (table[i].input));
      g_assert_cmpstr (weir_rtmp_handshake_get_hint (handshake), ==, table[i].hint);
      if (table[i].answer == NULL)
        g_assert_cmpuint (output.size, ==, 0);
      else
        g_assert_cmpmem (output.data, MIN (output.size, strlen (table[i].answer)), table[i].answer,
            strlen (table[i].answer));
    }
  }
}

static void
tls_gets_one_fatal_alert_and_http_a_whole_response (void)
{
  static const guint8 alert[] = {0x15, 3, 3, 0, 2, 2, 40};
  g_autoptr (WeirRtmpHandshake) tls = handshake_new ();
  g_autoptr (WeirRtmpHandshake) http = handshake_new ();
  g_auto (WeirWriter) output = {0};
  g_autofree gchar *text = NULL;
  const gchar *body;
  gsize consumed;

  for (guint n = 0; n < 2; n++)
    weir_rtmp_handshake_input (tls, (const guint8 *) "\x16\x03", 2, &consumed, &output);
  g_assert_cmpmem (output.data, output.size, alert, sizeof alert);
  weir_writer_reset (&output);
  for (guint n = 0; n < 2; n++)
    weir_rtmp_handshake_input (http, (const guint8 *) "GET ", 4, &consumed, &output);
  text = g_strndup ((const gchar *) output.data, output.size);
  body = strstr (text, "\r\n\r\n") + 4;
  g_assert_nonnull (strstr (text, "\r\nContent-Length: 43\r\n"));
  g_assert_cmpuint (strlen (body), ==, 43);
}

static void
an_unknown_version_is_offered_version_3 (void)
{
  static const guint8 versions[] = {0, 2, 4, 9, 31};

  for (gsize i = 0; i < G_N_ELEMENTS (versions); i++) {
    g_autoptr (WeirRtmpHandshake) handshake = handshake_new ();
    g_auto (WeirWriter) input = {0}, output = {0};
    gsize consumed;

    test_write_c0_c1 (&input, -1, 1);
    input.data[0] = versions[i];
    g_assert_cmpint (
        weir_rtmp_handshake_input (handshake, input.data, input.size, &consumed, &output), ==,
        WEIR_RTMP_HANDSHAKE_MORE);
    g_assert_cmpuint (output.data[0], ==, 3);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/handshake/" #name, name)
  TEST (the_simple_form_echoes_the_client);
  TEST (the_digest_form_is_answered_in_the_clients_schema);
  TEST (a_version_without_a_valid_digest_gets_the_simple_form);
  TEST (digest_offsets_at_their_extremes_stay_within_the_packet);
  TEST (nothing_is_said_before_c1_is_complete_and_c2_is_only_counted);
  TEST (what_follows_c2_in_the_same_piece_is_left);
  TEST (other_protocols_are_recognised);
  TEST (tls_gets_one_fatal_alert_and_http_a_whole_response);
  TEST (an_unknown_version_is_offered_version_3);
  return g_test_run ();
}
