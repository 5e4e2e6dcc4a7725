/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/clients.h"

#define SECOND G_USEC_PER_SEC

typedef struct {
  guint64 acknowledged;
  gboolean waiting;
  GString *cuts; /* "FD LIMIT;" each */
} World;

static gboolean
probe (G_GNUC_UNUSED gint fd, guint64 *acknowledged, gboolean *waiting, gpointer data)
{
  World *world = data;

  *acknowledged = world->acknowledged;
  *waiting = world->waiting;
  return TRUE;
}

static void
cut (gint fd, const gchar *limit, gpointer data)
{
  World *world = data;

  g_string_append_printf (world->cuts, "%d %s;", fd, limit);
}

static const WeirHttpClientsCallbacks callbacks = {.probe = probe, .cut = cut};

/* @cuts: all that there have been when @now has been swept */
static void
assert_cuts (WeirHttpClients *clients, gint64 now, World *world, const gchar *cuts)
{
  weir_http_clients_sweep (clients, now, &callbacks, world);
  g_assert_cmpstr (world->cuts->str, ==, cuts);
}

static WeirHttpClients *
make (guint connections, guint per_address)
{
  const WeirHttpClientLimits limits = {
      .connections_max = connections,
      .connections_per_address_max = per_address,
      .header_time_us = 10 * SECOND,
      .body_time_us = 5 * SECOND,
      .idle_us = 30 * SECOND,
      .write_stall_us = 10 * SECOND,
      .write_progress = 65536,
  };

  return weir_http_clients_new (&limits);
}

static const gchar *
enter (WeirHttpClients *clients, gint fd, const gchar *text, gint64 now, gint *evicted)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  const gchar *limit;

  return weir_http_clients_enter (clients, fd, address, FALSE, now, evicted, &limit);
}

static void
set_phase (WeirHttpClients *clients, gint fd, WeirHttpClientPhase phase, gint64 now)
{
  weir_http_clients_set_phase (clients, weir_http_clients_find (clients, fd), phase, now);
}

static void
the_oldest_of_an_address_makes_room_for_its_newcomer (void)
{
  g_autoptr (WeirHttpClients) clients = make (100, 2);
  gint evicted;

  g_assert_null (enter (clients, 1, "192.0.2.9", 0, &evicted));
  g_assert_null (enter (clients, 2, "192.0.2.1", 1, &evicted));
  g_assert_null (enter (clients, 3, "::ffff:192.0.2.1", 2, &evicted));
  g_assert_cmpint (evicted, ==, -1);
  g_assert_null (enter (clients, 4, "192.0.2.1", 3, &evicted));
  g_assert_cmpint (evicted, ==, 2);
  /* it has been cut, but is there until its descriptor is closed */
  g_assert_cmpuint (weir_http_clients_get_count (clients), ==, 4);
  weir_http_clients_leave (clients, 2);
  g_assert_cmpuint (weir_http_clients_get_count (clients), ==, 3);
  g_assert_null (enter (clients, 5, "192.0.2.1", 4, &evicted));
  g_assert_cmpint (evicted, ==, 3);
}

static void
who_does_something_is_not_pushed_out (void)
{
  g_autoptr (WeirHttpClients) clients = make (100, 2);
  gint evicted;

  enter (clients, 1, "192.0.2.1", 0, &evicted);
  enter (clients, 2, "192.0.2.1", 0, &evicted);
  set_phase (clients, 1, WEIR_HTTP_CLIENT_HEAD, 1);
  set_phase (clients, 2, WEIR_HTTP_CLIENT_SENDING, 1);
  g_assert_cmpstr (
      enter (clients, 3, "192.0.2.1", 2, &evicted), ==, "http-connections-per-address");
  g_assert_cmpint (evicted, ==, -1);
  g_assert_null (weir_http_clients_find (clients, 3));
  set_phase (clients, 2, WEIR_HTTP_CLIENT_IDLE, 3);
  g_assert_null (enter (clients, 3, "192.0.2.1", 4, &evicted));
  g_assert_cmpint (evicted, ==, 2);
}

static void
an_ipv6_network_is_one_client (void)
{
  g_autoptr (WeirHttpClients) clients = make (100, 1);
  gint evicted;

  g_assert_null (enter (clients, 1, "2001:db8:0:1::1", 0, &evicted));
  g_assert_null (enter (clients, 2, "2001:db8:0:2::1", 0, &evicted));
  g_assert_cmpint (evicted, ==, -1);
  g_assert_null (enter (clients, 3, "2001:db8:0:1:ffff::2", 0, &evicted));
  g_assert_cmpint (evicted, ==, 1);
}

static void
one_that_was_cut_has_its_address_until_it_leaves (void)
{
  g_autoptr (WeirHttpClients) clients = make (1, 10);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string ("2001:db8:0:1::2");
  gint evicted;

  enter (clients, 1, "2001:db8:0:1::2", 0, &evicted);
  enter (clients, 2, "192.0.2.1", 0, &evicted);
  g_assert_cmpint (evicted, ==, 1);
  g_assert_true (g_inet_address_equal (
      weir_http_client_get_address (weir_http_clients_find (clients, 1)), address));
  weir_http_clients_leave (clients, 1);
  g_assert_null (weir_http_clients_find (clients, 1));
}

static void
a_proxy_is_limited_by_the_total_only (void)
{
  g_autoptr (WeirHttpClients) clients = make (3, 1);
  g_autoptr (GInetAddress) proxy = g_inet_address_new_from_string ("10.0.0.1");
  const gchar *limit;
  gint evicted;

  for (gint fd = 1; fd <= 3; fd++) {
    g_assert_null (weir_http_clients_enter (clients, fd, proxy, TRUE, fd, &evicted, &limit));
    g_assert_cmpint (evicted, ==, -1);
  }
  g_assert_null (weir_http_clients_enter (clients, 4, proxy, TRUE, 4, &evicted, &limit));
  g_assert_cmpint (evicted, ==, 1);
  g_assert_cmpstr (limit, ==, "http-connections");
}

static void
each_phase_has_its_time (void)
{
  static const struct {
    WeirHttpClientPhase phase;
    gint64 lasts;
    const gchar *cut;
  } cases[] = {
      {WEIR_HTTP_CLIENT_IDLE, 30 * SECOND, "1 http-idle;"},
      {WEIR_HTTP_CLIENT_HEAD, 10 * SECOND, "1 http-header-time;"},
      {WEIR_HTTP_CLIENT_BODY, 5 * SECOND, "1 http-body-time;"},
      {WEIR_HTTP_CLIENT_SENDING, 10 * SECOND, "1 http-write-stall;"},
      {WEIR_HTTP_CLIENT_ANSWERING, 0, ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirHttpClients) clients = make (10, 10);
    World world = {.acknowledged = 1, .waiting = TRUE, .cuts = g_string_new (NULL)};
    gint evicted;

    enter (clients, 1, "192.0.2.1", 0, &evicted);
    set_phase (clients, 1, WEIR_HTTP_CLIENT_IDLE, SECOND);
    set_phase (clients, 1, cases[i].phase, 2 * SECOND);
    assert_cuts (clients, 2 * SECOND + cases[i].lasts, &world, "");
    weir_http_clients_sweep (clients, 2 * SECOND + cases[i].lasts + 1, &callbacks, &world);
    assert_cuts (clients, 1000 * SECOND, &world, cases[i].cut);
    g_string_free (world.cuts, TRUE);
  }
}

static void
the_first_head_has_its_time_from_connecting (void)
{
  g_autoptr (WeirHttpClients) clients = make (10, 10);
  World world = {.cuts = g_string_new (NULL)};
  gint evicted;

  enter (clients, 1, "192.0.2.1", 0, &evicted);
  set_phase (clients, 1, WEIR_HTTP_CLIENT_HEAD, 9 * SECOND);
  assert_cuts (clients, 11 * SECOND, &world, "1 http-header-time;");
  g_string_free (world.cuts, TRUE);
}

static void
progress_of_64_kib_gives_more_time (void)
{
  g_autoptr (WeirHttpClients) clients = make (10, 10);
  World world = {.acknowledged = 1000, .waiting = TRUE, .cuts = g_string_new (NULL)};
  gint evicted;

  enter (clients, 1, "192.0.2.1", 0, &evicted);
  set_phase (clients, 1, WEIR_HTTP_CLIENT_SENDING, 0);
  weir_http_clients_sweep (clients, SECOND, &callbacks, &world);
  world.acknowledged += 65536;
  weir_http_clients_sweep (clients, 9 * SECOND, &callbacks, &world);
  world.acknowledged += 65535;
  assert_cuts (clients, 19 * SECOND, &world, "");
  assert_cuts (clients, 19 * SECOND + 1, &world, "1 http-write-stall;");
  g_string_free (world.cuts, TRUE);
}

static void
nothing_to_take_is_no_stall (void)
{
  g_autoptr (WeirHttpClients) clients = make (10, 10);
  World world = {.acknowledged = 1000, .waiting = FALSE, .cuts = g_string_new (NULL)};
  gint evicted;

  enter (clients, 1, "192.0.2.1", 0, &evicted);
  set_phase (clients, 1, WEIR_HTTP_CLIENT_SENDING, 0);
  weir_http_clients_sweep (clients, 60 * SECOND, &callbacks, &world);
  world.waiting = TRUE;
  assert_cuts (clients, 70 * SECOND, &world, "");
  g_string_free (world.cuts, TRUE);
}

static void
a_descriptor_that_comes_again_replaces_the_lost_one (void)
{
  g_autoptr (WeirHttpClients) clients = make (10, 1);
  gint evicted;

  g_assert_null (enter (clients, 1, "192.0.2.1", 0, &evicted));
  g_assert_null (enter (clients, 1, "192.0.2.2", 0, &evicted));
  g_assert_cmpuint (weir_http_clients_get_count (clients), ==, 1);
  weir_http_clients_leave (clients, 1);
  weir_http_clients_leave (clients, 1);
  g_assert_cmpuint (weir_http_clients_get_count (clients), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/http/clients/" #function, function)
  TEST (the_oldest_of_an_address_makes_room_for_its_newcomer);
  TEST (who_does_something_is_not_pushed_out);
  TEST (an_ipv6_network_is_one_client);
  TEST (one_that_was_cut_has_its_address_until_it_leaves);
  TEST (a_proxy_is_limited_by_the_total_only);
  TEST (each_phase_has_its_time);
  TEST (the_first_head_has_its_time_from_connecting);
  TEST (progress_of_64_kib_gives_more_time);
  TEST (nothing_to_take_is_no_stall);
  TEST (a_descriptor_that_comes_again_replaces_the_lost_one);
  return g_test_run ();
}
