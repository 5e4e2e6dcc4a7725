/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/proxy.h"

#include "hex.h"

#include <string.h>

#define SIGNATURE "0d0a0d0a 000d0a51 5549540a "

static gchar *
show (GInetSocketAddress *client)
{
  return client != NULL ? g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (client))
                        : g_strdup ("own");
}

/* the whole, and that everything shorter is a beginning; @client: NULL for none that is a header */
static void
check (const guint8 *data, gsize size, const gchar *client)
{
  g_autofree guint8 *longer = g_malloc (size + 3);

  memcpy (longer, data, size);
  memcpy (longer + size, "\x16\x03\x01", 3);
  for (gsize part = 0; part <= size + 3; part++) {
    g_autofree guint8 *exact = g_memdup2 (longer, part);
    g_autoptr (GInetSocketAddress) address = NULL;
    g_autofree gchar *text = NULL;
    gsize header_size = 0;
    WeirProxyResult result = weir_proxy_parse (exact, part, &header_size, &address);

    if (client == NULL) {
      /* once it is none it stays none */
      g_assert_cmpint (result, !=, WEIR_PROXY_DONE);
      if (part >= size)
        g_assert_cmpint (result, ==, WEIR_PROXY_INVALID);
      continue;
    }
    g_assert_cmpint (result, ==, part < size ? WEIR_PROXY_MORE : WEIR_PROXY_DONE);
    if (part < size)
      continue;
    g_assert_cmpuint (header_size, ==, size);
    text = show (address);
    g_assert_cmpstr (text, ==, client);
  }
}

static void
version_1_is_read (void)
{
  const struct {
    const gchar *line;
    const gchar *client; /* NULL: no header */
  } cases[] = {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 1935\r\n", "192.0.2.1:56324"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 7 1935\r\n", "[2001:db8::1]:7"},
      {"PROXY TCP6 ffff:f...f:ffff ::1 65535 65535\r\n", NULL},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 7 8\r\n", "192.0.2.1:7"},
      {"PROXY UNKNOWN\r\n", "own"},
      {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
          "own"},
      {"PROXY UNKNOWN  what ever\r\n", "own"},
      {"PROXY UNKNOWNX\r\n", NULL},
      {"PROXY \r\n", NULL},
      {"PROXY TCP4\r\n", NULL},
      {"PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n", NULL},
      {"PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", NULL},
      {"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", NULL},
      {"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n", NULL},
      {"PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 0x2\r\n", NULL},
      {"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 3221225985 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP4 localhost 198.51.100.2 1 2\r\n", NULL},
      {"PROXY TCP6 fe80::1%lo fe80::2 1 2\r\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n", NULL},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r \n", NULL},
      {"PROXY TCP4 192.0.2.1\t198.51.100.2 1 2\r\n", NULL},
      {"PROXY UNKNOWN \x1b[31m\r\n", NULL},
      {"GET / HTTP/1.1\r\n", NULL},
      {"PROXX", NULL},
      {"\x03", NULL},
      {"\x16\x03\x01", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].line);
    check ((const guint8 *) cases[i].line, strlen (cases[i].line), cases[i].client);
  }
}

static void
version_2_is_read (void)
{
  const struct {
    const gchar *hex;
    const gchar *client; /* NULL: no header */
  } cases[] = {
      {SIGNATURE "2111 000c c0000201 c6336402 dc04 078f", "192.0.2.1:56324"},
      {SIGNATURE "2121 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 "
                 "0001 0002",
          "[2001:db8::1]:1"},
      {SIGNATURE "2121 0024 00000000000000000000ffffc0000201 00000000000000000000000000000001 "
                 "0001 0002",
          "192.0.2.1:1"},
      {SIGNATURE "2112 000c c0000201 c6336402 dc04 078f", "192.0.2.1:56324"},
      /* with an empty value and a name (type 2) */
      {SIGNATURE "2111 0016 c0000201 c6336402 dc04 078f 040000 020004 61626364", "192.0.2.1:56324"},
      {SIGNATURE "2100 0000", "own"},
      {SIGNATURE "2100 0003 ffffff", "own"},
      {SIGNATURE "2000 0000", "own"},
      {SIGNATURE "2011 000c c0000201 c6336402 dc04 078f", "own"},
      /* values that do not end where the header ends */
      {SIGNATURE "2111 000d c0000201 c6336402 dc04 078f 04", NULL},
      {SIGNATURE "2111 0010 c0000201 c6336402 dc04 078f 04000200", NULL},
      {SIGNATURE "2111 000b c0000201 c6336402 dc04 07", NULL},
      {SIGNATURE "2121 000c c0000201 c6336402 dc04 078f", NULL},
      {SIGNATURE "2131 000c c0000201 c6336402 dc04 078f", NULL},
      {SIGNATURE "2111 0000", NULL},
      /* version 1, an unknown command, family, transport */
      {SIGNATURE "1111 000c c0000201 c6336402 dc04 078f", NULL},
      {SIGNATURE "2211 000c c0000201 c6336402 dc04 078f", NULL},
      {SIGNATURE "2141 000c c0000201 c6336402 dc04 078f", NULL},
      {SIGNATURE "2113 000c c0000201 c6336402 dc04 078f", NULL},
      /* one byte more than is read; as much as can be said */
      {SIGNATURE "2000 07f1", NULL},
      {SIGNATURE "2000 ffff", NULL},
      {"0d0a0d0a 000d0a51 5549540d", NULL},
      {"0d0a0d0a 00000a51 5549540a", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].hex);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    g_test_message ("%s", cases[i].hex);
    check (data, size, cases[i].client);
  }
}

static void
a_line_has_107_bytes_at_most (void)
{
  for (guint size = 106; size <= 108; size++) {
    guint8 line[108];

    memset (line, 'x', sizeof line);
    memcpy (line, "PROXY UNKNOWN ", 14);
    memcpy (line + size - 2, "\r\n", 2);
    check (line, size, size <= 107 ? "own" : NULL);
  }
}

static void
a_path_and_the_longest_header_are_read (void)
{
  g_autoptr (GBytes) path = test_hex (SIGNATURE "2131 00d8");
  g_autoptr (GBytes) longest = test_hex (SIGNATURE "2000 07f0");
  guint8 header[WEIR_PROXY_HEADER_MAX];

  memset (header, 'x', sizeof header);
  memcpy (header, g_bytes_get_data (path, NULL), 16);
  check (header, 16 + 216, "own");
  memcpy (header, g_bytes_get_data (longest, NULL), 16);
  check (header, sizeof header, "own");
}

static void
networks_contain_what_they_say (void)
{
  const struct {
    const gchar *networks, *address;
    gboolean contained;
  } cases[] = {
      {"127.0.0.0/8", "127.1.2.3", TRUE},
      {"127.0.0.0/8", "128.0.0.1", FALSE},
      {"127.0.0.0/8", "::ffff:127.0.0.1", TRUE},
      {"::ffff:10.0.0.0/104", "10.1.2.3", TRUE},
      {"::ffff:10.0.0.0/104", "11.1.2.3", FALSE},
      {"192.0.2.1", "192.0.2.1", TRUE},
      {"192.0.2.1", "192.0.2.2", FALSE},
      {"2001:db8::/32", "2001:db8:ffff::1", TRUE},
      {"2001:db8::/32", "2001:db9::1", FALSE},
      {"::1", "::1", TRUE},
      {"::1", "127.0.0.1", FALSE},
      {" 10.0.0.0/8 ; ::1 ;", "::1", TRUE},
      {"0.0.0.0/0", "203.0.113.7", TRUE},
      {"0.0.0.0/0", "2001:db8::1", FALSE},
      {"", "127.0.0.1", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirNetworks) networks = weir_networks_parse (cases[i].networks, &error);
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);

    g_assert_no_error (error);
    g_assert_cmpint (weir_networks_contain (networks, address), ==, cases[i].contained);
  }
}

static void
what_is_no_network_is_named (void)
{
  const gchar *const cases[] = {"proxy.example.org", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/",
      "10.0.0.0/-1", "10.0.0", "10.0.0.0/8, ::1", "::1/129", "[::1]", "fe80::1%lo", "127.0.0.1;x"};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", cases[i]);
    g_assert_null (weir_networks_parse (cases[i], &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, "is no network"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/proxy/" #name, name)
  TEST (version_1_is_read);
  TEST (version_2_is_read);
  TEST (a_line_has_107_bytes_at_most);
  TEST (a_path_and_the_longest_header_are_read);
  TEST (networks_contain_what_they_say);
  TEST (what_is_no_network_is_named);
  return g_test_run ();
}
