/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/egress.h"

#include <string.h>

typedef struct {
  const gchar *address;
  guint16 port;
  const gchar *allow;
  gboolean passes;
} Row;

static const Row rows[] = {
    {"93.184.216.34", 443, "", TRUE},
    {"93.184.216.34", 80, "", TRUE},
    {"93.184.216.34", 8443, "", TRUE},
    {"93.184.216.34", 25, "", FALSE},
    {"93.184.216.34", 22, "", FALSE},
    {"93.184.216.34", 25, "93.184.216.0/24", TRUE},
    {"0.0.0.0", 80, "", FALSE},
    {"10.1.2.3", 80, "", FALSE},
    {"10.1.2.3", 80, "10.1.0.0/16", TRUE},
    {"10.2.2.3", 80, "10.1.0.0/16", FALSE},
    {"9.255.255.255", 80, "", TRUE},
    {"11.0.0.0", 80, "", TRUE},
    {"100.64.0.1", 80, "", FALSE},
    {"100.100.100.200", 80, "", FALSE},
    {"100.128.0.1", 80, "", TRUE},
    {"127.0.0.1", 8080, "", FALSE},
    {"127.255.0.1", 8080, "", FALSE},
    {"127.0.0.1", 8080, "127.0.0.1", TRUE},
    {"169.254.169.254", 80, "", FALSE},
    {"172.15.0.1", 80, "", TRUE},
    {"172.16.0.1", 80, "", FALSE},
    {"172.31.255.255", 80, "", FALSE},
    {"172.32.0.1", 80, "", TRUE},
    {"192.0.0.8", 80, "", FALSE},
    {"192.0.2.1", 80, "", FALSE},
    {"192.88.99.1", 80, "", FALSE},
    {"192.168.1.1", 80, "", FALSE},
    {"198.18.0.1", 80, "", FALSE},
    {"198.19.255.255", 80, "", FALSE},
    {"198.51.100.7", 80, "", FALSE},
    {"203.0.113.7", 80, "", FALSE},
    {"224.0.0.1", 80, "", FALSE},
    {"239.255.255.250", 80, "", FALSE},
    {"240.0.0.1", 80, "", FALSE},
    {"255.255.255.255", 80, "", FALSE},
    {"2606:2800:220:1::1", 443, "", TRUE},
    {"::", 443, "", FALSE},
    {"::1", 443, "", FALSE},
    {"::1", 443, "::1", TRUE},
    {"::127.0.0.1", 443, "", FALSE},
    {"::ffff:127.0.0.1", 443, "", FALSE},
    {"::ffff:10.0.0.1", 443, "", FALSE},
    {"::ffff:10.0.0.1", 443, "10.0.0.0/8", TRUE},
    {"::ffff:93.184.216.34", 443, "", TRUE},
    {"64:ff9b::7f00:1", 443, "", FALSE},
    {"64:ff9b::5db8:d822", 443, "", TRUE},
    {"64:ff9b:1::1", 443, "", FALSE},
    {"100::1", 443, "", FALSE},
    {"2001::1", 443, "", FALSE},
    {"2001:db8::1", 443, "", FALSE},
    {"2002:7f00:1::", 443, "", FALSE},
    {"2002:5db8:d822::1", 443, "", TRUE},
    {"3fff::1", 443, "", FALSE},
    {"fc00::1", 443, "", FALSE},
    {"fd00:ec2::254", 443, "", FALSE},
    {"fd00:ec2::254", 443, "fd00::/8", TRUE},
    {"fe80::1", 443, "", FALSE},
    {"fec0::1", 443, "", FALSE},
    {"ff02::1", 443, "", FALSE},
};

static void
only_public_and_allowed_addresses_pass (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirEgress) egress = weir_egress_new (rows[i].allow, &error);
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (rows[i].address);

    g_assert_no_error (error);
    g_assert_nonnull (address);
    g_test_message ("%s port %u with %s", rows[i].address, rows[i].port, rows[i].allow);
    g_assert_cmpint (weir_egress_check (egress, address, rows[i].port, &error), ==, rows[i].passes);
    if (!rows[i].passes)
      g_assert_error (error, WEIR_EGRESS_ERROR, WEIR_EGRESS_ERROR_REFUSED);
  }
}

static void
networks_that_are_none_are_refused (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_egress_new ("10.0.0.0/99", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static gboolean
stop_listener (G_GNUC_UNUSED GThreadedSocketService *service,
    G_GNUC_UNUSED GSocketConnection *connection, G_GNUC_UNUSED GObject *source,
    G_GNUC_UNUSED gpointer data)
{
  return TRUE;
}

typedef struct {
  GSocketConnection *connection;
  GError *error;
  gboolean done;
} Outcome;

static void
connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &outcome->error);
  outcome->done = TRUE;
}

/* Returns: whether a connection to @host was made; else @error */
static gboolean
connect_to (const gchar *host, guint16 port, const gchar *allow, gboolean later, GError **error)
{
  g_autoptr (WeirEgress) egress = weir_egress_new (allow, NULL);
  g_autoptr (GSocketConnectable) connectable = weir_egress_connectable_new (egress, host, port);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  Outcome outcome = {0};

  if (!later) {
    connection = g_socket_client_connect (client, connectable, NULL, error);
    return connection != NULL;
  }
  g_socket_client_connect_async (client, connectable, NULL, connected, &outcome);
  while (!outcome.done)
    g_main_context_iteration (NULL, TRUE);
  connection = outcome.connection;
  if (outcome.error != NULL)
    g_propagate_error (error, outcome.error);
  return connection != NULL;
}

/* every way to write this host that a resolver takes ends at the same check */
static void
a_client_reaches_this_host_only_when_it_is_allowed (void)
{
  static const gchar *const names[] = {
      "127.0.0.1", "localhost", "127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1"};
  g_autoptr (GSocketService) service = g_threaded_socket_service_new (4);
  g_autoptr (GError) error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);

  g_assert_no_error (error);
  g_signal_connect (service, "run", G_CALLBACK (stop_listener), NULL);
  g_socket_service_start (service);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (names); i++) {
    const gchar *name = names[i / 2];

    g_test_message ("%s", name);
    g_assert_false (connect_to (name, port, "", i % 2, &error));
    /* some resolvers do not take the odd ones */
    if (error->domain != G_RESOLVER_ERROR || i < 4)
      g_assert_error (error, WEIR_EGRESS_ERROR, WEIR_EGRESS_ERROR_REFUSED);
    g_clear_error (&error);
  }
  g_assert_true (connect_to ("127.0.0.1", port, "127.0.0.0/8", FALSE, &error));
  g_assert_no_error (error);
  g_assert_true (connect_to ("localhost", port, "127.0.0.0/8;::1", TRUE, &error));
  g_assert_no_error (error);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (
      "/net/egress/only-public-and-allowed-addresses-pass", only_public_and_allowed_addresses_pass);
  g_test_add_func (
      "/net/egress/networks-that-are-none-are-refused", networks_that_are_none_are_refused);
  g_test_add_func ("/net/egress/a-client-reaches-this-host-only-when-it-is-allowed",
      a_client_reaches_this_host_only_when_it_is_allowed);
  return g_test_run ();
}
