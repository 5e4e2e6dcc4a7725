/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/spool.h"

typedef struct {
  GMutex lock;
  GCond changed;
  gboolean open; /* the gate that hold_up() waits at */
  gboolean at_gate;
  GString *order;
  guint ticks;
} Shared;

typedef struct {
  Shared *shared;
  gchar letter;
} Job;

static void
set_up (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_mutex_init (&shared->lock);
  g_cond_init (&shared->changed);
  shared->order = g_string_new (NULL);
}

static void
tear_down (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_string_free (shared->order, TRUE);
  g_cond_clear (&shared->changed);
  g_mutex_clear (&shared->lock);
}

static void
note (gpointer data)
{
  g_autofree Job *job = data;

  g_mutex_lock (&job->shared->lock);
  g_string_append_c (job->shared->order, job->letter);
  g_mutex_unlock (&job->shared->lock);
}

static void
hold_up (gpointer data)
{
  Shared *shared = data;

  g_mutex_lock (&shared->lock);
  shared->at_gate = TRUE;
  g_cond_broadcast (&shared->changed);
  while (!shared->open)
    g_cond_wait (&shared->changed, &shared->lock);
  g_mutex_unlock (&shared->lock);
}

static void
wait_at_gate (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  while (!shared->at_gate)
    g_cond_wait (&shared->changed, &shared->lock);
  g_mutex_unlock (&shared->lock);
}

static void
open_gate (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  shared->open = TRUE;
  g_cond_broadcast (&shared->changed);
  g_mutex_unlock (&shared->lock);
}

static void
push (WeirSpoolClient *client, Shared *shared, gchar letter, gsize bytes)
{
  Job *job = g_new (Job, 1);

  *job = (Job){shared, letter};
  weir_spool_client_push (client, note, job, bytes);
}

static void
each_clients_jobs_run_in_their_order_and_clients_take_turns (
    Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autoptr (WeirSpoolClient) gate = weir_spool_client_new (writer, 100, NULL, NULL);
  g_autoptr (WeirSpoolClient) a = weir_spool_client_new (writer, 100, NULL, NULL);
  g_autoptr (WeirSpoolClient) b = weir_spool_client_new (writer, 100, NULL, NULL);

  weir_spool_client_push (gate, hold_up, shared, 0);
  wait_at_gate (shared);
  for (guint i = 0; i < 3; i++)
    push (a, shared, (gchar) ('a' + i), 1);
  for (guint i = 0; i < 3; i++)
    push (b, shared, (gchar) ('A' + i), 1);
  open_gate (shared);
  weir_spool_client_flush (a);
  weir_spool_client_flush (b);
  g_assert_cmpstr (shared->order->str, ==, "aAbBcC");
}

static void
who_is_full_stays_so_until_half_is_written (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autoptr (WeirSpoolClient) gate = weir_spool_client_new (writer, 100, NULL, NULL);
  g_autoptr (WeirSpoolClient) client = weir_spool_client_new (writer, 100, NULL, NULL);

  weir_spool_client_push (gate, hold_up, shared, 100);
  wait_at_gate (shared);
  push (client, shared, 'a', 100);
  g_assert_false (weir_spool_client_is_full (client));
  push (client, shared, 'b', 1);
  g_assert_true (weir_spool_client_is_full (client));
  g_assert_false (weir_spool_client_is_full (gate));
  /* what its caller had in hand is taken */
  push (client, shared, 'c', 60);
  g_assert_cmpuint (weir_spool_client_get_waiting (client), ==, 161);
  open_gate (shared);
  weir_spool_client_flush (client);
  g_assert_cmpuint (weir_spool_client_get_waiting (client), ==, 0);
  g_assert_cmpstr (shared->order->str, ==, "abc");
  g_assert_false (weir_spool_client_is_full (client));
}

static void
what_is_held_counts_until_it_is_given_back (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autoptr (WeirSpoolClient) client = weir_spool_client_new (writer, 100, NULL, NULL);

  (void) shared;
  weir_spool_client_hold (client, 50);
  g_assert_cmpuint (weir_spool_client_get_excess (client), ==, 0);
  weir_spool_client_hold (client, 51);
  g_assert_true (weir_spool_client_is_full (client));
  g_assert_cmpuint (weir_spool_client_get_excess (client), ==, 51);
  weir_spool_client_hold (client, -50);
  g_assert_true (weir_spool_client_is_full (client));
  weir_spool_client_hold (client, -1);
  g_assert_false (weir_spool_client_is_full (client));
}

static void
all_together_are_bounded_too (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (200);
  g_autoptr (WeirSpoolClient) a = weir_spool_client_new (writer, 150, NULL, NULL);
  WeirSpoolClient *b = weir_spool_client_new (writer, 150, NULL, NULL);

  (void) shared;
  weir_spool_client_hold (a, 70);
  weir_spool_client_hold (b, 140);
  g_assert_true (weir_spool_client_is_full (a));
  /* each is asked for what it can give */
  g_assert_cmpuint (weir_spool_client_get_excess (a), ==, 70);
  g_assert_cmpuint (weir_spool_client_get_excess (b), ==, 110);
  /* a client that goes takes with it what it held */
  weir_spool_client_free (b);
  g_assert_false (weir_spool_client_is_full (a));
}

static void
a_freed_client_has_run_its_jobs (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  WeirSpoolClient *client = weir_spool_client_new (writer, 100000, NULL, NULL);

  for (guint i = 0; i < 1000; i++)
    push (client, shared, 'a', 1);
  weir_spool_client_free (client);
  g_assert_cmpuint (shared->order->len, ==, 1000);
}

static void
tick (gpointer data)
{
  Shared *shared = data;

  g_mutex_lock (&shared->lock);
  shared->ticks++;
  g_cond_broadcast (&shared->changed);
  g_mutex_unlock (&shared->lock);
}

static void
ticks_come_without_jobs (Shared *shared, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  WeirSpoolClient *client = weir_spool_client_new (writer, 1, tick, shared);

  g_mutex_lock (&shared->lock);
  while (shared->ticks < 2)
    g_cond_wait (&shared->changed, &shared->lock);
  g_mutex_unlock (&shared->lock);
  weir_spool_client_free (client);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/spool/" #name, Shared, NULL, set_up, name, tear_down)
  ADD (each_clients_jobs_run_in_their_order_and_clients_take_turns);
  ADD (who_is_full_stays_so_until_half_is_written);
  ADD (what_is_held_counts_until_it_is_given_back);
  ADD (all_together_are_bounded_too);
  ADD (a_freed_client_has_run_its_jobs);
  ADD (ticks_come_without_jobs);
  return g_test_run ();
}
