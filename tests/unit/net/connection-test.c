/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/connection.h"

/* a protocol that counts its decisions */
G_DECLARE_FINAL_TYPE (TestConnection, test_connection, TEST, CONNECTION, WeirConnection)

struct _TestConnection {
  WeirConnection parent;
  gint accepted;
  gint refused;
};

G_DEFINE_TYPE (TestConnection, test_connection, WEIR_TYPE_CONNECTION)

static void
test_connection_accept (WeirConnection *connection, G_GNUC_UNUSED WeirWorker *worker)
{
  g_atomic_int_inc (&TEST_CONNECTION (connection)->accepted);
}

static void
test_connection_refuse (WeirConnection *connection, G_GNUC_UNUSED WeirRefusal refusal,
    G_GNUC_UNUSED const gchar *description)
{
  g_atomic_int_inc (&TEST_CONNECTION (connection)->refused);
}

static void
test_connection_class_init (TestConnectionClass *class)
{
  WEIR_CONNECTION_CLASS (class)->accept = test_connection_accept;
  WEIR_CONNECTION_CLASS (class)->refuse = test_connection_refuse;
}

static void
test_connection_init (G_GNUC_UNUSED TestConnection *self)
{
}

static WeirConnection *
new_connection (void)
{
  return g_object_new (test_connection_get_type (), "protocol", "test", "peer", "192.0.2.1:4711",
      "secret", "s3cret", NULL);
}

static void
what_it_was_made_with_is_kept (void)
{
  g_autoptr (WeirConnection) one = new_connection ();
  g_autoptr (WeirConnection) other = new_connection ();
  g_autofree gchar *peer = NULL;

  g_assert_cmpstr (weir_connection_get_protocol (one), ==, "test");
  g_assert_cmpstr (weir_connection_get_peer (one), ==, "192.0.2.1:4711");
  g_assert_cmpstr (weir_connection_get_secret (one), ==, "s3cret");
  g_object_get (one, "peer", &peer, NULL);
  g_assert_cmpstr (peer, ==, "192.0.2.1:4711");
  g_assert_cmpuint (weir_connection_get_id (one), !=, weir_connection_get_id (other));
}

static gpointer
decide_both_ways (gpointer data)
{
  weir_connection_refuse (data, WEIR_REFUSAL_IN_USE, "no");
  weir_connection_accept (data, NULL);
  return NULL;
}

static void
only_the_first_decision_counts (void)
{
  g_autoptr (WeirConnection) connection = new_connection ();
  GThread *threads[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("decision", decide_both_ways, connection);
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (TEST_CONNECTION (connection)->refused, ==, 1);
  g_assert_cmpint (TEST_CONNECTION (connection)->accepted, ==, 0);
}

static void
a_protocol_without_words_for_it_tells_nothing (void)
{
  g_autoptr (WeirConnection) connection = new_connection ();

  g_assert_false (weir_connection_request_reconnect (connection, NULL, "Come back."));
  weir_connection_tell (connection, WEIR_NOTICE_WARNING, "NetStream.Publish.Warning", "Slow.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/connection/" #name, name)
  TEST (what_it_was_made_with_is_kept);
  TEST (only_the_first_decision_counts);
  TEST (a_protocol_without_words_for_it_tells_nothing);
  return g_test_run ();
}
