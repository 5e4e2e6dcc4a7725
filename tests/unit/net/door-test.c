/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/door.h"

#include "onworker.h"
#include "tcppair.h"

#include <fcntl.h>

typedef struct {
  WeirWorker *worker;
  WeirDoorSettings settings;
  WeirCounters *counters;
  WeirDoor *door;
  WeirDoorway *doorway;
  Counter entered;
  /* on the worker; read by others after `entered` was awaited */
  gint fds[100];
  gchar *peers[100];
  WeirVisit *visits[100];
} Fixture;

static void
entered (gint fd, const gchar *peer, WeirVisit *visit, gpointer user_data)
{
  Fixture *self = user_data;
  guint index = counter_get (&self->entered);

  g_assert_cmpuint (index, <, 100);
  self->fds[index] = fd;
  self->peers[index] = g_strdup (peer);
  self->visits[index] = visit;
  counter_add (&self->entered);
}

static void
do_nothing (G_GNUC_UNUSED gpointer data)
{
}

static void
fixture_init (Fixture *self)
{
  self->worker = weir_worker_new ("accept");
  self->counters = weir_counters_new ();
  weir_door_settings_init (&self->settings);
  self->settings.counters = self->counters;
}

static void
fixture_trust (Fixture *self, const gchar *networks)
{
  g_autoptr (GError) error = NULL;

  self->settings.trusted = weir_networks_parse (networks, &error);
  g_assert_no_error (error);
}

static void
fixture_open (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->door = weir_door_new (&self->settings);
  self->doorway = weir_doorway_new (self->door, self->worker, "127.0.0.1:0", entered, self, &error);
  g_assert_no_error (error);
}

static gint
fixture_connect (Fixture *self)
{
  return tcp_connect (weir_doorway_get_addresses (self->doorway));
}

static gint
fixture_connect_from (Fixture *self, const gchar *address)
{
  struct sockaddr_in own = {.sin_family = AF_INET};
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (inet_pton (AF_INET, address, &own.sin_addr), ==, 1);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &own, sizeof own), ==, 0);
  g_assert_cmpint (tcp_try_connect (fd, weir_doorway_get_addresses (self->doorway)), ==, 0);
  return fd;
}

static void
end_visits (gpointer data)
{
  Fixture *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (self->visits); i++)
    g_clear_pointer (&self->visits[i], weir_visit_end);
}

static void
fixture_assert_pending (Fixture *self, guint talking, guint waiting)
{
  guint now_talking, now_waiting;

  weir_door_get_pending (self->door, &now_talking, &now_waiting);
  g_assert_cmpuint (now_talking, ==, talking);
  g_assert_cmpuint (now_waiting, ==, waiting);
}

static void
fixture_clear (Fixture *self)
{
  on_worker (self->worker, end_visits, self);
  weir_doorway_free (self->doorway);
  fixture_assert_pending (self, 0, 0);
  for (guint i = 0; i < counter_get (&self->entered); i++) {
    close (self->fds[i]);
    g_free (self->peers[i]);
  }
  weir_door_unref (self->door);
  weir_counters_unref (self->counters);
  weir_worker_unref (self->worker);
}

static void
assert_closed (gint fd)
{
  gchar byte;

  g_assert_cmpint (recv (fd, &byte, 1, 0), <=, 0);
  close (fd);
}

static void
assert_reads (gint fd, const gchar *text)
{
  g_autofree gchar *buffer = g_malloc0 (strlen (text) + 1);

  g_assert_cmpint (fcntl (fd, F_SETFL, 0), ==, 0);
  g_assert_cmpint (recv (fd, buffer, strlen (text), MSG_WAITALL), ==, (gssize) strlen (text));
  g_assert_cmpstr (buffer, ==, text);
}

static void
who_comes_in_is_known_by_its_address_until_it_is_let_in_for_good (void)
{
  Fixture fixture = {0};
  gint fd;

  fixture_init (&fixture);
  fixture_open (&fixture);
  fd = fixture_connect_from (&fixture, "127.0.0.9");
  counter_await (&fixture.entered, 1);
  g_assert_true (g_str_has_prefix (fixture.peers[0], "127.0.0.9:"));
  fixture_assert_pending (&fixture, 1, 0);
  on_worker (fixture.worker, end_visits, &fixture);
  fixture_assert_pending (&fixture, 0, 0);
  close (fd);
  fixture_clear (&fixture);
}

static void
too_many_in_all_are_closed_and_counted (void)
{
  Fixture fixture = {0};
  gint fds[2];

  fixture_init (&fixture);
  fixture.settings.admission.connections_max = 2;
  fixture_open (&fixture);
  for (guint i = 0; i < 2; i++)
    fds[i] = fixture_connect (&fixture);
  counter_await (&fixture.entered, 2);
  for (guint i = 0; i < 3; i++)
    assert_closed (fixture_connect (&fixture));
  g_assert_cmpuint (weir_counters_get (fixture.counters, "pending-connections"), ==, 3);
  on_worker (fixture.worker, end_visits, &fixture);
  close (fds[0]);
  fds[0] = fixture_connect (&fixture);
  counter_await (&fixture.entered, 3);
  for (guint i = 0; i < 2; i++)
    close (fds[i]);
  fixture_clear (&fixture);
}

static void
a_burst_of_one_address_waits_and_others_do_not (void)
{
  Fixture fixture = {0};
  gint fds[8];

  fixture_init (&fixture);
  fixture.settings.admission.per_address_rate = 50;
  fixture.settings.admission.per_address_burst = 2;
  fixture.settings.admission.waiting_per_address_max = 3;
  fixture_open (&fixture);
  for (guint i = 0; i < 5; i++)
    fds[i] = fixture_connect (&fixture);
  fds[5] = fixture_connect_from (&fixture, "127.0.0.2");
  /* all get in, in the end */
  counter_await (&fixture.entered, 6);
  g_assert_cmpuint (weir_counters_get (fixture.counters, "connection-rate-per-address"), ==, 0);
  for (guint i = 0; i < 6; i++)
    close (fds[i]);
  fixture_clear (&fixture);
}

static void
who_waits_too_long_is_closed_with_what_kept_it (void)
{
  Fixture fixture = {0};
  gint first, second;

  fixture_init (&fixture);
  fixture.settings.admission.connections_per_address_max = 1;
  fixture.settings.admission.waiting_per_address_max = 3;
  fixture.settings.patience_us = 50000;
  fixture_open (&fixture);
  first = fixture_connect (&fixture);
  counter_await (&fixture.entered, 1);
  second = fixture_connect (&fixture);
  assert_closed (second);
  g_assert_cmpuint (weir_counters_get (fixture.counters, "pending-connections-per-address"), ==, 1);
  fixture_assert_pending (&fixture, 1, 0);
  close (first);
  fixture_clear (&fixture);
}

static void
who_left_while_waiting_takes_nobodys_turn (void)
{
  Fixture fixture = {0};
  gint fd;

  fixture_init (&fixture);
  fixture.settings.admission.per_address_rate = 20;
  fixture.settings.admission.waiting_per_address_max = 50;
  fixture_open (&fixture);
  fd = fixture_connect (&fixture);
  counter_await (&fixture.entered, 1);
  close (fd);
  for (guint i = 0; i < 5; i++)
    close (fixture_connect (&fixture));
  fd = fixture_connect (&fixture);
  counter_await (&fixture.entered, 2);
  /* the last one */
  tcp_write (fd, "x", 1);
  assert_reads (fixture.fds[1], "x");
  close (fd);
  fixture_clear (&fixture);
}

static void
pause_doorway (gpointer data)
{
  weir_doorway_set_paused (((Fixture *) data)->doorway, TRUE);
}

static void
resume_doorway (gpointer data)
{
  weir_doorway_set_paused (((Fixture *) data)->doorway, FALSE);
}

static void
while_it_is_paused_nobody_gets_in_and_nobody_is_refused (void)
{
  Fixture fixture = {0};
  gint fds[4];

  fixture_init (&fixture);
  fixture.settings.admission.per_address_rate = 20;
  fixture.settings.admission.waiting_per_address_max = 50;
  fixture.settings.patience_us = 1;
  fixture_open (&fixture);
  fds[0] = fixture_connect (&fixture);
  counter_await (&fixture.entered, 1);
  /* one that waits for its turn, by the rate, and some in the backlog */
  fds[1] = fixture_connect (&fixture);
  on_worker (fixture.worker, pause_doorway, &fixture);
  fds[2] = fixture_connect (&fixture);
  fds[3] = fixture_connect (&fixture);
  g_usleep (150000);
  on_worker (fixture.worker, do_nothing, NULL);
  g_assert_cmpuint (counter_get (&fixture.entered), ==, 1);
  on_worker (fixture.worker, resume_doorway, &fixture);
  counter_await (&fixture.entered, 2);
  for (guint i = 0; i < 4; i++)
    close (fds[i]);
  fixture_clear (&fixture);
}

static void
the_client_of_a_trusted_proxy_is_the_peer_and_what_it_sends_is_untouched (void)
{
  const struct {
    const gchar *header;
    gsize size;
    const gchar *peer;
  } cases[] = {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 1935\r\n", 46, "192.0.2.1:56324"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 1935\r\n", 47, "[2001:db8::1]:56324"},
      {"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\7\x8f", 28,
          "192.0.2.1:56324"},
      {"PROXY UNKNOWN\r\n", 15, "127.0.0.1:"},
      {"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16, "127.0.0.1:"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (guint pieces = 0; pieces < 2; pieces++) {
      Fixture fixture = {0};
      gint fd;

      fixture_init (&fixture);
      fixture_trust (&fixture, "10.0.0.0/8;127.0.0.0/8");
      fixture_open (&fixture);
      fd = fixture_connect (&fixture);
      if (pieces == 0) {
        g_autofree gchar *both = g_malloc (cases[i].size + 5);

        memcpy (both, cases[i].header, cases[i].size);
        memcpy (both + cases[i].size, "hello", 5);
        tcp_write (fd, both, cases[i].size + 5);
      } else {
        for (gsize byte = 0; byte < cases[i].size; byte++) {
          tcp_write (fd, cases[i].header + byte, 1);
          on_worker (fixture.worker, do_nothing, NULL);
        }
        tcp_write (fd, "hello", 5);
      }
      counter_await (&fixture.entered, 1);
      g_assert_true (g_str_has_prefix (fixture.peers[0], cases[i].peer));
      assert_reads (fixture.fds[0], "hello");
      fixture_assert_pending (&fixture, 1, 0);
      close (fd);
      fixture_clear (&fixture);
    }
  }
}

static void
limits_count_the_client_behind_the_proxy (void)
{
  const gchar *const clients[] = {"192.0.2.1", "192.0.2.1", "192.0.2.2"};
  Fixture fixture = {0};
  gint fds[3];

  fixture_init (&fixture);
  fixture.settings.admission.connections_per_address_max = 1;
  fixture_trust (&fixture, "127.0.0.1");
  fixture_open (&fixture);
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *header = g_strdup_printf ("PROXY TCP4 %s 198.51.100.2 1 2\r\n", clients[i]);

    fds[i] = fixture_connect (&fixture);
    tcp_write (fds[i], header, strlen (header));
    if (i == 1)
      assert_closed (fds[i]);
    else
      counter_await (&fixture.entered, i / 2 + 1);
  }
  g_assert_cmpuint (weir_counters_get (fixture.counters, "pending-connections-per-address"), ==, 1);
  close (fds[0]);
  close (fds[2]);
  fixture_clear (&fixture);
}

static void
a_proxy_without_a_header_is_closed (gconstpointer data)
{
  const gchar *bytes = data;
  Fixture fixture = {0};
  gint fd;

  fixture_init (&fixture);
  fixture.settings.patience_us = 100000;
  fixture_trust (&fixture, "127.0.0.1");
  fixture_open (&fixture);
  fd = fixture_connect (&fixture);
  tcp_write (fd, bytes, strlen (bytes));
  assert_closed (fd);
  g_assert_cmpuint (weir_counters_get (fixture.counters, "proxy-header"), ==, 1);
  /* one that only looks whether we are there is no offence */
  close (fixture_connect (&fixture));
  fd = fixture_connect (&fixture);
  tcp_write (fd, "PROXY UNKNOWN\r\n", 15);
  counter_await (&fixture.entered, 1);
  g_assert_cmpuint (weir_counters_get (fixture.counters, "proxy-header"), ==, 1);
  close (fd);
  fixture_clear (&fixture);
}

static void
a_header_from_a_stranger_is_left_to_the_protocol (void)
{
  Fixture fixture = {0};
  gint fd;

  fixture_init (&fixture);
  fixture_trust (&fixture, "10.0.0.0/8");
  fixture_open (&fixture);
  fd = fixture_connect (&fixture);
  tcp_write (fd, "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n", 39);
  counter_await (&fixture.entered, 1);
  g_assert_true (g_str_has_prefix (fixture.peers[0], "127.0.0.1:"));
  assert_reads (fixture.fds[0], "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n");
  close (fd);
  fixture_clear (&fixture);
}

static void
closing_the_doorway_closes_those_who_wait (void)
{
  Fixture fixture = {0};
  gint in, held, silent_proxy;

  fixture_init (&fixture);
  fixture.settings.admission.connections_per_address_max = 1;
  fixture.settings.admission.waiting_per_address_max = 1;
  fixture_trust (&fixture, "127.0.0.2");
  fixture_open (&fixture);
  in = fixture_connect (&fixture);
  counter_await (&fixture.entered, 1);
  held = fixture_connect (&fixture);
  silent_proxy = fixture_connect_from (&fixture, "127.0.0.2");
  weir_doorway_free (g_steal_pointer (&fixture.doorway));
  assert_closed (held);
  assert_closed (silent_proxy);
  fixture_assert_pending (&fixture, 1, 0);
  tcp_write (in, "x", 1);
  assert_reads (fixture.fds[0], "x");
  close (in);
  fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/door/" #name, name)
#define TEST_WITH(name, what, value) g_test_add_data_func ("/net/door/" #name "/" what, value, name)
  TEST (who_comes_in_is_known_by_its_address_until_it_is_let_in_for_good);
  TEST (too_many_in_all_are_closed_and_counted);
  TEST (a_burst_of_one_address_waits_and_others_do_not);
  TEST (who_waits_too_long_is_closed_with_what_kept_it);
  TEST (who_left_while_waiting_takes_nobodys_turn);
  TEST (while_it_is_paused_nobody_gets_in_and_nobody_is_refused);
  TEST (the_client_of_a_trusted_proxy_is_the_peer_and_what_it_sends_is_untouched);
  TEST (limits_count_the_client_behind_the_proxy);
  TEST_WITH (a_proxy_without_a_header_is_closed, "other protocol", "\x03\x01\x02");
  TEST_WITH (a_proxy_without_a_header_is_closed, "a beginning only", "PROXY TCP4 192.0.2.1");
  TEST_WITH (a_proxy_without_a_header_is_closed, "nothing", "");
  TEST (a_header_from_a_stranger_is_left_to_the_protocol);
  TEST (closing_the_doorway_closes_those_who_wait);
  return g_test_run ();
}
