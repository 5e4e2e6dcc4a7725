/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/private.h"

static void
the_client_is_who_the_last_trusted_proxy_saw (void)
{
  static const struct {
    const gchar *trusted, *peer, *forwarded_for, *client;
  } cases[] = {
      {"", "192.0.2.1", "198.51.100.7", "192.0.2.1"},
      {"10.0.0.0/8", "192.0.2.1", "198.51.100.7", "192.0.2.1"},
      {"10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7", "198.51.100.7"},
      {"10.0.0.0/8", "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"},
      {"10.0.0.0/8", "::ffff:10.0.0.1", NULL, "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "[::ffff:198.51.100.7]:4711", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", " 198.51.100.7\t", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7:4711", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "2001:db8::7", "2001:db8::7"},
      {"10.0.0.0/8", "10.0.0.1", "[2001:db8::7]", "2001:db8::7"},
      {"10.0.0.0/8", "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"},
      /* what the client wrote itself is before what the proxy saw */
      {"10.0.0.0/8", "10.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "10.0.0.9,198.51.100.7", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.3, 10.0.0.2", "198.51.100.7"},
      {"10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
      /* as far as it can be read */
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2"},
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7,", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", ",,,", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "[2001:db8::7", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "[2001:db8::7]x", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1", "198.51.100.7%eth0", "10.0.0.1"},
      {"10.0.0.0/8", "10.0.0.1",
          "1111111111111111111111111111111111111111111111111111111111111111111111111", "10.0.0.1"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirNetworks) trusted = weir_networks_parse (cases[i].trusted, &error);
    g_autoptr (GInetAddress) peer = g_inet_address_new_from_string (cases[i].peer);
    g_autoptr (GInetAddress) client = NULL;
    g_autofree gchar *text = NULL;

    g_assert_no_error (error);
    client = weir_http_find_client (trusted, peer, cases[i].forwarded_for);
    text = g_inet_address_to_string (client);
    g_test_message ("%s", cases[i].forwarded_for);
    g_assert_cmpstr (text, ==, cases[i].client);
  }
}

static void
an_etag_is_found_in_a_list (void)
{
  g_autoptr (GString) many = g_string_new (NULL);

  g_assert_true (weir_http_etag_matches ("\"a\"", "\"a\""));
  g_assert_true (weir_http_etag_matches ("W/\"a\", \"b\"", "\"b\""));
  g_assert_true (weir_http_etag_matches ("*", "\"a\""));
  g_assert_false (weir_http_etag_matches ("\"ab\"", "\"a\""));
  g_assert_false (weir_http_etag_matches ("", "\"a\""));
  g_assert_false (weir_http_etag_matches (",,,", "\"a\""));
  /* a list without end is not searched to its end */
  for (guint i = 0; i < 10000; i++)
    g_string_append (many, "\"x\",");
  g_string_append (many, "\"a\"");
  g_assert_false (weir_http_etag_matches (many->str, "\"a\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/http/the_client_is_who_the_last_trusted_proxy_saw",
      the_client_is_who_the_last_trusted_proxy_saw);
  g_test_add_func ("/http/http/an_etag_is_found_in_a_list", an_etag_is_found_in_a_list);
  return g_test_run ();
}
