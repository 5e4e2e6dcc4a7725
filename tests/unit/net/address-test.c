/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/address.h"

static void
an_ipv6_address_with_a_port_has_brackets (void)
{
  const struct {
    const gchar *host;
    guint16 port;
    const gchar *text;
  } cases[] = {
      {"192.0.2.1", 4711, "192.0.2.1:4711"},
      {"0.0.0.0", 0, "0.0.0.0:0"},
      {"2001:DB8:0::1", 65535, "[2001:db8::1]:65535"},
      {"::", 80, "[::]:80"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GSocketAddress) address =
        g_inet_socket_address_new_from_string (cases[i].host, cases[i].port);
    g_autofree gchar *text = weir_address_to_string (G_INET_SOCKET_ADDRESS (address));

    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
only_mapped_addresses_become_ipv4 (void)
{
  const struct {
    const gchar *address, *unmapped;
  } cases[] = {
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:0:0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.0.0", "255.255.0.0"},
      {"2001:db8::1", "2001:db8::1"},
      {"::", "::"},
      {"::1", "::1"},
      /* neither compatible nor translated ones are */
      {"::192.0.2.1", "::192.0.2.1"},
      {"::fffe:c000:201", "::fffe:c000:201"},
      {"::ffff:0:c000:201", "::ffff:0:c000:201"},
      {"1::ffff:c000:201", "1::ffff:c000:201"},
      {"64:ff9b::c000:201", "64:ff9b::c000:201"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);
    g_autoptr (GInetAddress) unmapped = weir_address_unmap (address);
    g_autofree gchar *text = g_inet_address_to_string (unmapped);

    g_assert_cmpstr (text, ==, cases[i].unmapped);
  }
}

static void
an_ipv6_network_and_an_ipv4_address_have_one_key (void)
{
  const struct {
    const gchar *first, *second;
    gboolean same;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1", TRUE},
      {"192.0.2.1", "192.0.2.2", FALSE},
      {"192.0.2.1", "193.0.2.1", FALSE},
      {"192.0.2.1", "::ffff:192.0.2.1", TRUE},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.2", FALSE},
      {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", TRUE},
      {"2001:db8:1:2::1", "2001:db8:1:3::1", FALSE},
      {"2001:db8:1:2::1", "2002:db8:1:2::1", FALSE},
      {"::1", "127.0.0.1", FALSE},
      {"0.0.0.1", "::1", FALSE},
      {"0.0.0.0", "::", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GInetAddress) first = g_inet_address_new_from_string (cases[i].first);
    g_autoptr (GInetAddress) second = g_inet_address_new_from_string (cases[i].second);

    g_test_message ("%s, %s", cases[i].first, cases[i].second);
    g_assert_cmpint (weir_address_get_network_key (first) == weir_address_get_network_key (second),
        ==, cases[i].same);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/address/" #name, name)
  TEST (an_ipv6_address_with_a_port_has_brackets);
  TEST (only_mapped_addresses_become_ipv4);
  TEST (an_ipv6_network_and_an_ipv4_address_have_one_key);
  return g_test_run ();
}
