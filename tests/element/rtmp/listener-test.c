/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/listener.h"

#include "net/door.h"
#include "onworker.h"
#include "rtmppublisher.h"

/* where messages end up */
typedef struct {
  WeirWorker *worker;
  guint32 next;
  gint cleared; /* atomic */
  gboolean steal;
  Counter messages;
  Counter ended;
} Sink;

static void
sink_message (WeirRtmpMessage *message, gpointer data)
{
  Sink *self = data;

  g_assert_true (weir_worker_is_current (self->worker));
  g_assert_false (g_atomic_int_get (&self->cleared));
  g_assert_cmpuint (counter_get (&self->ended), ==, 0);
  g_assert_cmpint (message->type, ==, WEIR_RTMP_VIDEO);
  g_assert_cmpuint (publisher_frame_number (message), ==, self->next);
  g_assert_cmpuint (message->timestamp, ==, self->next * 40);
  self->next++;
  if (self->steal)
    g_clear_pointer (&message->payload, g_free);
  counter_add (&self->messages);
}

static void
sink_ended (gpointer data)
{
  Sink *self = data;

  g_assert_false (g_atomic_int_get (&self->cleared));
  counter_add (&self->ended);
}

static const WeirRtmpConsumer consumer = {sink_message, sink_ended};

typedef enum {
  ACCEPT,
  ACCEPT_WITHOUT_CONSUMER,
  REFUSE_IN_USE,
  LATER,
  NOT_MINE,
} Decision;

/* a listener with an accept thread, and the worker of its broadcasts */
typedef struct {
  WeirWorker *accept;
  WeirWorker *worker;
  WeirRtmpListenerSettings settings;
  WeirRtmpListener *listener;
  Decision decision;
  WeirRtmpConnection *connection; /* the last one that asked */
  Sink sink;
  Counter asked;
  Counter ended;
  Counter known;
  Counter disposed;
} Fixture;

static void
count_ended (WeirConnection *connection, gpointer data)
{
  Fixture *self = data;
  WeirConnectionSummary summary;

  weir_connection_get_summary (connection, &summary);
  g_assert_nonnull (summary.reason);
  weir_connection_summary_clear (&summary);
  counter_add (&self->ended);
}

static void
count_disposed (gpointer data, G_GNUC_UNUSED GObject *object)
{
  counter_add (&((Fixture *) data)->disposed);
}

static gboolean
decide (G_GNUC_UNUSED WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  Fixture *self = data;

  g_assert_true (weir_worker_is_current (self->accept));
  g_assert_cmpstr (weir_connection_get_protocol (connection), ==, "rtmp");
  g_assert_true (g_str_has_prefix (weir_connection_get_peer (connection), "127.0.0.1:"));
  g_assert_cmpstr (weir_connection_get_secret (connection), ==, "key-1");
  g_assert_cmpstr (weir_rtmp_connection_get_app (WEIR_RTMP_CONNECTION (connection)), ==, "live");
  g_assert_cmpstr (
      weir_rtmp_connection_get_encoder (WEIR_RTMP_CONNECTION (connection)), ==, "test/1.0");
  g_signal_connect (connection, "ended", G_CALLBACK (count_ended), self);
  g_object_weak_ref (G_OBJECT (connection), count_disposed, self);
  counter_add (&self->known);
  g_set_object (&self->connection, WEIR_RTMP_CONNECTION (connection));
  switch (self->decision) {
  case ACCEPT:
    weir_rtmp_connection_set_consumer (self->connection, &consumer, &self->sink);
    weir_connection_accept (connection, self->worker);
    break;
  case ACCEPT_WITHOUT_CONSUMER:
    weir_connection_accept (connection, self->worker);
    break;
  case REFUSE_IN_USE:
    weir_connection_refuse (connection, WEIR_REFUSAL_IN_USE, "Someone else is live.");
    break;
  case LATER:
    break;
  case NOT_MINE:
    return FALSE;
  }
  counter_add (&self->asked);
  return TRUE;
}

static void
fixture_init (Fixture *self)
{
  weir_rtmp_listener_settings_init (&self->settings);
  self->settings.read_interval_us = 2000;
  /* these encoders have no clock */
  self->settings.session.messages_rate = 1000000;
  self->settings.session.lead_us = 1000000 * (gint64) G_USEC_PER_SEC;
  self->accept = weir_worker_new ("accept");
  self->worker = weir_worker_new ("worker");
  self->sink.worker = self->worker;
}

static void
fixture_listen (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->listener = weir_rtmp_listener_new ("127.0.0.1:0", &self->settings, self->accept, &error);
  g_assert_no_error (error);
  g_signal_connect (self->listener, "authorise", G_CALLBACK (decide), self);
}

static void
fixture_clear (Fixture *self)
{
  if (self->listener != NULL)
    weir_rtmp_listener_stop (self->listener);
  g_clear_object (&self->connection);
  /* whatever has ended is let go of by everyone */
  counter_await (&self->disposed, counter_get (&self->known));
  weir_worker_stop (self->accept);
  weir_worker_stop (self->worker);
  if (self->listener != NULL) {
    g_object_add_weak_pointer (G_OBJECT (self->listener), (gpointer *) &self->listener);
    g_object_unref (self->listener);
    g_assert_null (self->listener);
  }
  weir_worker_unref (self->accept);
  weir_worker_unref (self->worker);
}

static void
fixture_publish (Fixture *self, Publisher *publisher)
{
  publisher_connect (publisher, weir_rtmp_listener_get_addresses (self->listener));
  publisher_write_publish (publisher, "key-1");
  publisher_flush (publisher);
}

static void
write_frames (Publisher *publisher, guint count)
{
  for (guint i = 0; i < count; i++)
    publisher_write_video (publisher, 9 + (i * 37) % 3000);
  publisher_flush (publisher);
}

static void
an_accepted_publisher_reaches_its_consumer_in_order (void)
{
  Fixture fixture = {.decision = ACCEPT, .sink.steal = TRUE};
  Publisher publisher;
  WeirConnectionSummary summary;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  g_assert_cmpint (weir_connection_get_last_media_us (WEIR_CONNECTION (fixture.connection)), ==, 0);
  write_frames (&publisher, 500);
  counter_await (&fixture.sink.messages, 500);
  g_assert_cmpint (weir_connection_get_last_media_us (WEIR_CONNECTION (fixture.connection)), >, 0);
  g_assert_cmpuint (
      weir_connection_get_bytes_received (WEIR_CONNECTION (fixture.connection)), >, 500 * 1000);

  publisher_command (&publisher, 0, "FCUnpublish", 6, "key-1");
  publisher_command (&publisher, 0, "deleteStream", 7, NULL);
  publisher_flush (&publisher);
  publisher_assert_status (&publisher, "NetStream.Unpublish.Success");
  counter_await (&fixture.ended, 1);
  g_assert_cmpuint (counter_get (&fixture.sink.ended), ==, 1);
  weir_connection_get_summary (WEIR_CONNECTION (fixture.connection), &summary);
  g_assert_true (summary.clean);
  g_assert_true (summary.closed_by_peer);
  g_assert_cmpstr (summary.codecs, ==, "H.264");
  g_assert_cmpstr (summary.last_message, ==, "command");
  g_assert_cmpuint (summary.bytes_received, >, 500 * 1000);
  g_assert_cmpuint (summary.bytes_sent, >, 3073);
  g_assert_cmpint (summary.media_us, >, 0);
  g_assert_cmpint (summary.duration_us, >=, summary.media_us);
  g_assert_cmpuint (summary.dropped, ==, 0);
  weir_connection_summary_clear (&summary);
  /* the server closes */
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 1);
  g_assert_cmpuint (counter_get (&fixture.sink.ended), ==, 1);
}

static void
nobody_to_authorise_is_a_denial (gconstpointer data)
{
  Fixture fixture = {.decision = NOT_MINE};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  if (GPOINTER_TO_INT (data) == 0)
    g_signal_handlers_disconnect_by_func (fixture.listener, decide, &fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Denied");
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
a_key_in_use_is_a_bad_name (void)
{
  Fixture fixture = {.decision = REFUSE_IN_USE};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  publisher_connect (&publisher, weir_rtmp_listener_get_addresses (fixture.listener));
  publisher_write_publish (&publisher, "key-1");
  /* media that nobody reads must not turn the answer into a reset */
  write_frames (&publisher, 20);
  publisher_assert_status (&publisher, "NetStream.Publish.BadName");
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 0);
}

static void
the_decision_may_come_from_another_thread (gconstpointer data)
{
  gboolean accepted = GPOINTER_TO_INT (data);
  Fixture fixture = {.decision = LATER};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.asked, 1);
  if (accepted) {
    g_assert_true (weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker));
    weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &fixture.sink);
    publisher_assert_status (&publisher, "NetStream.Publish.Start");
    write_frames (&publisher, 3);
    counter_await (&fixture.sink.messages, 3);
  } else {
    weir_connection_refuse (WEIR_CONNECTION (fixture.connection), WEIR_REFUSAL_NOT_ALLOWED, "no");
    publisher_assert_status (&publisher, "NetStream.Publish.Denied");
  }
  publisher_clear (&publisher);
  if (accepted)
    counter_await (&fixture.ended, 1);
  fixture_clear (&fixture);
}

static void
one_that_is_gone_cannot_be_accepted (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publisher;
  g_autoptr (WeirConnection) connection = NULL;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.asked, 1);
  connection = WEIR_CONNECTION (g_object_ref (fixture.connection));
  weir_rtmp_listener_stop (fixture.listener);
  publisher_assert_status (&publisher, NULL);
  g_assert_false (weir_connection_accept (connection, fixture.worker));
  g_clear_object (&connection);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 0);
}

static void
no_decision_in_time_is_a_denial (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publisher;
  g_autoptr (WeirCounters) counters = weir_counters_new ();

  fixture_init (&fixture);
  fixture.settings.authorise_us = 20000;
  fixture.settings.counters = counters;
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Denied");
  /* too late */
  g_assert_false (weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker));
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 0);
  g_assert_cmpuint (weir_counters_get (counters, "authorise"), ==, 1);
  g_assert_cmpuint (weir_counters_get (counters, "authorisations"), ==, 0);
}

static void
media_before_the_decision_and_the_consumer_is_kept (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  publisher_connect (&publisher, weir_rtmp_listener_get_addresses (fixture.listener));
  publisher_write_publish (&publisher, "key-1");
  /* with publish in one piece */
  write_frames (&publisher, 10);
  counter_await (&fixture.asked, 1);
  weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  write_frames (&publisher, 60);
  g_assert_cmpuint (counter_get (&fixture.sink.messages), ==, 0);
  weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &fixture.sink);
  counter_await (&fixture.sink.messages, 70);
  publisher_clear (&publisher);
  counter_await (&fixture.sink.ended, 1);
  counter_await (&fixture.ended, 1);
  fixture_clear (&fixture);
}

static gpointer
write_until_closed (gpointer data)
{
  Publisher *publisher = data;

  while (publisher->next < 100000) {
    publisher_write_video (publisher, 200);
    if (send (publisher->fd, publisher->output.data, publisher->output.size, MSG_NOSIGNAL) < 0)
      break;
    weir_writer_reset (&publisher->output);
  }
  return NULL;
}

static void
a_cleared_consumer_is_not_called_and_the_next_one_misses_nothing (void)
{
  Fixture fixture = {.decision = ACCEPT_WITHOUT_CONSUMER};
  Publisher publisher;
  GThread *thread;
  static Sink sinks[40];
  guint32 next = 0;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  thread = g_thread_new ("encoder", write_until_closed, &publisher);
  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++) {
    sinks[i].worker = fixture.worker;
    sinks[i].next = next;
    weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &sinks[i]);
    counter_await (&sinks[i].messages, 20);
    weir_rtmp_connection_set_consumer (fixture.connection, NULL, NULL);
    g_atomic_int_set (&sinks[i].cleared, TRUE);
    next = sinks[i].next;
  }
  weir_connection_close (WEIR_CONNECTION (fixture.connection), "The test is over.");
  g_thread_join (thread);
  counter_await (&fixture.ended, 1);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

typedef struct {
  Counter begun;
  Counter over;
} Stall;

static void
stall (gpointer data)
{
  counter_add (&((Stall *) data)->begun);
  counter_await (&((Stall *) data)->over, 1);
}

/* what was sent while the worker stood still waits to be read when time has run out */
static void
a_worker_that_stood_still_reads_before_it_calls_an_encoder_silent (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Stall stalled = {0};
  Publisher publisher;

  fixture_init (&fixture);
  fixture.settings.session.media_silence_us = 300 * 1000;
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  write_frames (&publisher, 3);
  counter_await (&fixture.sink.messages, 3);
  /* nothing is read in rounds any more */
  g_usleep (50 * 1000);
  weir_worker_invoke (fixture.worker, stall, &stalled, NULL);
  counter_await (&stalled.begun, 1);
  write_frames (&publisher, 3);
  g_usleep (400 * 1000);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 0);
  counter_add (&stalled.over);
  counter_await (&fixture.sink.messages, 6);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 0);
  /* and one that is silent is closed */
  publisher_assert_status (&publisher, NULL);
  counter_await (&fixture.ended, 1);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
a_peer_that_resets_ends_the_connection_once (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher publisher;
  WeirConnectionSummary summary;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  write_frames (&publisher, 5);
  counter_await (&fixture.sink.messages, 5);
  tcp_reset (publisher.fd);
  publisher.fd = -1;
  counter_await (&fixture.ended, 1);
  g_assert_cmpuint (counter_get (&fixture.sink.ended), ==, 1);
  weir_connection_get_summary (WEIR_CONNECTION (fixture.connection), &summary);
  g_assert_false (summary.clean);
  g_assert_true (summary.closed_by_peer);
  g_assert_true (g_str_has_prefix (summary.reason, "the connection broke"));
  g_assert_cmpstr (summary.last_message, ==, "video");
  weir_connection_summary_clear (&summary);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 1);
}

static void
a_consumer_that_comes_after_the_end_is_told (void)
{
  Fixture fixture = {.decision = ACCEPT_WITHOUT_CONSUMER};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  tcp_reset (publisher.fd);
  publisher.fd = -1;
  counter_await (&fixture.ended, 1);
  weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &fixture.sink);
  counter_await (&fixture.sink.ended, 1);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
closing_from_our_side_is_said_to_the_encoder (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher publisher;
  WeirConnectionSummary summary;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  write_frames (&publisher, 5);
  counter_await (&fixture.sink.messages, 5);
  weir_connection_close (WEIR_CONNECTION (fixture.connection), "The input was \"deleted\".");
  publisher_assert_status (&publisher, "NetStream.Unpublish.Success");
  publisher_assert_status (&publisher, NULL);
  counter_await (&fixture.ended, 1);
  weir_connection_get_summary (WEIR_CONNECTION (fixture.connection), &summary);
  g_assert_false (summary.closed_by_peer);
  g_assert_cmpstr (summary.reason, ==, "The input was \\x22deleted\\x22.");
  weir_connection_summary_clear (&summary);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.sink.ended), ==, 1);
}

static void
rejecting_is_said_to_the_encoder (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  weir_connection_reject (WEIR_CONNECTION (fixture.connection), "The codec is not supported.");
  publisher_assert_status (&publisher, "NetStream.Publish.Rejected");
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
an_encoder_is_told_what_is_wrong_and_asked_to_reconnect_while_it_goes_on (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher publisher;
  WeirConnection *connection;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  publisher_connect (&publisher, weir_rtmp_listener_get_addresses (fixture.listener));
  publisher.capabilities = WEIR_RTMP_CAPABILITY_RECONNECT | WEIR_RTMP_CAPABILITY_MULTITRACK;
  publisher_write_publish (&publisher, "key-1");
  publisher_flush (&publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  connection = WEIR_CONNECTION (fixture.connection);
  weir_connection_tell (connection, WEIR_NOTICE_WARNING, "NetStream.Publish.Warning", "Slow.");
  g_assert_true (weir_connection_request_reconnect (connection, "/live", "Come back."));
  publisher_assert_status (&publisher, "NetStream.Publish.Warning");
  publisher_assert_status (&publisher, "NetConnection.Connect.ReconnectRequest");
  write_frames (&publisher, 5);
  counter_await (&fixture.sink.messages, 5);
  publisher_clear (&publisher);
  counter_await (&fixture.ended, 1);
  /* it is gone: nobody is told, nothing happens */
  g_assert_true (weir_connection_request_reconnect (connection, NULL, NULL));
  weir_connection_tell (connection, WEIR_NOTICE_STATUS, "NetStream.Publish.Healthy", "Fine.");
  fixture_clear (&fixture);
}

static void
what_is_to_be_said_before_the_decision_is_said_after_it (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.asked, 1);
  /* more than anyone reads */
  for (guint i = 0; i < 100; i++)
    weir_connection_tell (WEIR_CONNECTION (fixture.connection), WEIR_NOTICE_STATUS,
        "NetStream.Publish.Healthy", "Fine.");
  g_assert_false (
      weir_connection_request_reconnect (WEIR_CONNECTION (fixture.connection), NULL, "Go."));
  weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &fixture.sink);
  weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  for (guint i = 0; i < 4; i++)
    publisher_assert_status (&publisher, "NetStream.Publish.Healthy");
  weir_connection_close (WEIR_CONNECTION (fixture.connection), "The end.");
  publisher_assert_status (&publisher, "NetStream.Unpublish.Success");
  publisher_assert_status (&publisher, NULL);
  counter_await (&fixture.ended, 1);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
two_connections_share_a_worker (void)
{
  Fixture fixture = {.decision = ACCEPT_WITHOUT_CONSUMER};
  Publisher publishers[2];
  WeirRtmpConnection *connections[2];
  Sink sinks[2] = {0};

  fixture_init (&fixture);
  fixture_listen (&fixture);
  for (guint i = 0; i < 2; i++) {
    fixture_publish (&fixture, &publishers[i]);
    publisher_assert_status (&publishers[i], "NetStream.Publish.Start");
    connections[i] = g_object_ref (fixture.connection);
    sinks[i].worker = fixture.worker;
    weir_rtmp_connection_set_consumer (connections[i], &consumer, &sinks[i]);
  }
  for (guint i = 0; i < 50; i++) {
    write_frames (&publishers[0], 3);
    write_frames (&publishers[1], 2);
  }
  counter_await (&sinks[0].messages, 150);
  counter_await (&sinks[1].messages, 100);
  for (guint i = 0; i < 2; i++) {
    publisher_clear (&publishers[i]);
    counter_await (&sinks[i].ended, 1);
  }
  counter_await (&fixture.ended, 2);
  g_clear_object (&connections[0]);
  g_clear_object (&connections[1]);
  fixture_clear (&fixture);
}

static void
acceptance_on_a_worker_that_has_stopped_ends_the_connection (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher publisher;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  weir_worker_stop (fixture.worker);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.ended, 1);
  publisher_assert_status (&publisher, NULL);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.sink.ended), ==, 1);
}

static void
a_worker_that_stops_ends_its_connections (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher live, leaving;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  fixture_publish (&fixture, &live);
  publisher_assert_status (&live, "NetStream.Publish.Start");
  fixture_publish (&fixture, &leaving);
  publisher_assert_status (&leaving, "NetStream.Publish.Start");
  /* its last words are on their way still */
  publisher_command (&leaving, 0, "deleteStream", 7, NULL);
  publisher_flush (&leaving);
  counter_await (&fixture.ended, 1);
  weir_worker_stop (fixture.worker);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 2);
  publisher_assert_status (&live, NULL);
  publisher_clear (&live);
  publisher_clear (&leaving);
  fixture_clear (&fixture);
}

static void
too_many_that_wait_are_closed_at_once (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publisher;
  gint fd;
  gchar byte;
  WeirDoorSettings door;
  g_autoptr (WeirDoor) shared = NULL;

  fixture_init (&fixture);
  weir_door_settings_init (&door);
  door.admission.connections_max = 1;
  shared = weir_door_new (&door);
  fixture.settings.door = shared;
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.asked, 1);
  fd = tcp_connect (weir_rtmp_listener_get_addresses (fixture.listener));
  g_assert_cmpint (recv (fd, &byte, 1, 0), ==, 0);
  close (fd);
  /* and once the first is accepted there is room again */
  weir_rtmp_connection_set_consumer (fixture.connection, &consumer, &fixture.sink);
  weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  publisher_clear (&publisher);
  counter_await (&fixture.ended, 1);
  fixture_publish (&fixture, &publisher);
  counter_await (&fixture.asked, 2);
  publisher_clear (&publisher);
  weir_rtmp_listener_stop (fixture.listener);
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.ended), ==, 1);
}

static void
do_nothing (G_GNUC_UNUSED gpointer data)
{
}

static void
decisions_are_asked_for_a_few_at_a_time_in_order (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publishers[4];
  gint late;

  fixture_init (&fixture);
  fixture.settings.authorisations_max = 1;
  fixture_listen (&fixture);
  /* before accepting pauses, which it does with the first that asks */
  for (guint i = 0; i < 4; i++)
    publisher_connect (&publishers[i], weir_rtmp_listener_get_addresses (fixture.listener));
  for (guint i = 0; i < 4; i++) {
    publisher_write_publish (&publishers[i], "key-1");
    publisher_flush (&publishers[i]);
    if (i == 0)
      counter_await (&fixture.asked, 1);
  }
  late = tcp_connect (weir_rtmp_listener_get_addresses (fixture.listener));
  /* who leaves the line takes nobody's turn */
  tcp_reset (publishers[2].fd);
  publishers[2].fd = -1;
  on_worker (fixture.accept, do_nothing, NULL);
  g_assert_cmpuint (counter_get (&fixture.asked), ==, 1);
  for (guint i = 0; i < 3; i++) {
    Publisher *publisher = &publishers[i < 2 ? i : 3];

    counter_await (&fixture.asked, i + 1);
    if (i == 1) {
      weir_connection_refuse (WEIR_CONNECTION (fixture.connection), WEIR_REFUSAL_IN_USE, "no");
      publisher_assert_status (publisher, "NetStream.Publish.BadName");
    } else {
      weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker);
      publisher_assert_status (publisher, "NetStream.Publish.Start");
    }
  }
  close (late);
  for (guint i = 0; i < 4; i++)
    publisher_clear (&publishers[i]);
  fixture_clear (&fixture);
}

static void
who_waits_in_line_has_its_whole_time_when_it_is_asked_for (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publishers[2];

  fixture_init (&fixture);
  fixture.settings.authorisations_max = 1;
  fixture.settings.authorise_us = 150000;
  fixture_listen (&fixture);
  for (guint i = 0; i < 2; i++)
    publisher_connect (&publishers[i], weir_rtmp_listener_get_addresses (fixture.listener));
  for (guint i = 0; i < 2; i++) {
    publisher_write_publish (&publishers[i], "key-1");
    publisher_flush (&publishers[i]);
  }
  /* nobody decides about the first */
  counter_await (&fixture.asked, 2);
  g_assert_true (weir_connection_accept (WEIR_CONNECTION (fixture.connection), fixture.worker));
  for (guint i = 0; i < 2; i++)
    publisher_clear (&publishers[i]);
  counter_await (&fixture.ended, 1);
  fixture_clear (&fixture);
}

static void
who_waits_in_line_too_long_is_denied (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publishers[2];
  g_autoptr (WeirCounters) counters = weir_counters_new ();

  fixture_init (&fixture);
  fixture.settings.authorisations_max = 1;
  fixture.settings.line_us = 50000;
  fixture.settings.counters = counters;
  fixture_listen (&fixture);
  for (guint i = 0; i < 2; i++)
    publisher_connect (&publishers[i], weir_rtmp_listener_get_addresses (fixture.listener));
  publisher_write_publish (&publishers[0], "key-1");
  publisher_flush (&publishers[0]);
  counter_await (&fixture.asked, 1);
  publisher_write_publish (&publishers[1], "key-1");
  publisher_flush (&publishers[1]);
  publisher_assert_status (&publishers[1], "NetStream.Publish.Denied");
  g_assert_cmpuint (counter_get (&fixture.asked), ==, 1);
  for (guint i = 0; i < 2; i++)
    publisher_clear (&publishers[i]);
  fixture_clear (&fixture);
  g_assert_cmpuint (weir_counters_get (counters, "authorisations"), ==, 1);
}

static void
stopping_asks_for_nobody_who_is_in_line (void)
{
  Fixture fixture = {.decision = LATER};
  Publisher publishers[3];

  fixture_init (&fixture);
  fixture.settings.authorisations_max = 1;
  fixture_listen (&fixture);
  for (guint i = 0; i < 3; i++)
    publisher_connect (&publishers[i], weir_rtmp_listener_get_addresses (fixture.listener));
  for (guint i = 0; i < 3; i++) {
    publisher_write_publish (&publishers[i], "key-1");
    publisher_flush (&publishers[i]);
  }
  counter_await (&fixture.asked, 1);
  weir_rtmp_listener_stop (fixture.listener);
  for (guint i = 0; i < 3; i++) {
    publisher_assert_status (&publishers[i], NULL);
    publisher_clear (&publishers[i]);
  }
  g_assert_cmpuint (counter_get (&fixture.asked), ==, 1);
  fixture_clear (&fixture);
}

static void
stopping_closes_those_that_wait_and_leaves_the_accepted (void)
{
  Fixture fixture = {.decision = ACCEPT};
  Publisher accepted, talking;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  publisher_connect (&talking, weir_rtmp_listener_get_addresses (fixture.listener));
  fixture_publish (&fixture, &accepted);
  publisher_assert_status (&accepted, "NetStream.Publish.Start");
  weir_rtmp_listener_stop (fixture.listener);
  publisher_assert_status (&talking, NULL);
  write_frames (&accepted, 10);
  counter_await (&fixture.sink.messages, 10);
  publisher_clear (&accepted);
  publisher_clear (&talking);
  counter_await (&fixture.ended, 1);
  fixture_clear (&fixture);
}

static void
who_speaks_something_else_is_closed (void)
{
  static const struct {
    const gchar *said;
    const gchar *answer;
  } table[] = {
      {"GET / HTTP/1.1\r\nX: \033[31m\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"\x16\x03\x01\x02", "\x15\x03\x03"},
      {"\xff", ""},
  };
  Fixture fixture = {.decision = ACCEPT};
  g_autoptr (WeirCounters) counters = weir_counters_new ();

  fixture_init (&fixture);
  fixture.settings.counters = counters;
  fixture_listen (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    gint fd = tcp_connect (weir_rtmp_listener_get_addresses (fixture.listener));
    gchar answer[512] = {0};
    gsize size = 0;
    gssize count;

    tcp_write (fd, table[i].said, strlen (table[i].said));
    while ((count = recv (fd, answer + size, sizeof answer - size, 0)) > 0)
      size += (gsize) count;
    g_assert_cmpint (count, ==, 0);
    g_assert_true (g_str_has_prefix (answer, table[i].answer));
    g_assert_cmpint (size > 0, ==, table[i].answer[0] != '\0');
    close (fd);
  }
  fixture_clear (&fixture);
  g_assert_cmpuint (counter_get (&fixture.asked), ==, 0);
  g_assert_cmpuint (
      weir_counters_get (counters, WEIR_RTMP_PROTOCOL_ERROR), ==, G_N_ELEMENTS (table));
}

/* what is dropped, and what ends a publisher who is told before */
static void
what_reaches_a_limit_is_counted_by_its_name (void)
{
  Fixture fixture = {.decision = ACCEPT};
  g_autoptr (WeirCounters) counters = weir_counters_new ();
  WeirConnectionSummary summary;
  Publisher publisher;
  guint8 long_message[20] = {0};

  fixture_init (&fixture);
  fixture.settings.counters = counters;
  fixture_listen (&fixture);
  fixture_publish (&fixture, &publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Start");
  for (guint i = 0; i < 60; i++)
    publisher_command (&publisher, 0, "createStream", 0, NULL);
  write_frames (&publisher, 5);
  counter_await (&fixture.sink.messages, 5);

  weir_rtmp_chunk_writer_message (&publisher.chunks, &publisher.output, 2,
      WEIR_RTMP_ACKNOWLEDGEMENT, 0, 0, long_message, sizeof long_message);
  publisher_flush (&publisher);
  publisher_assert_status (&publisher, "NetStream.Publish.Rejected");
  counter_await (&fixture.ended, 1);
  g_assert_cmpuint (weir_counters_get (counters, WEIR_LIMIT_RTMP_STREAMS), >, 30);
  g_assert_cmpuint (weir_counters_get (counters, WEIR_LIMIT_RTMP_COMMANDS_RATE), >=, 10);
  g_assert_cmpuint (weir_counters_get (counters, WEIR_LIMIT_RTMP_CONTROL_MESSAGE), ==, 1);
  weir_connection_get_summary (WEIR_CONNECTION (fixture.connection), &summary);
  g_assert_nonnull (strstr (summary.reason, "(rtmp-control-message)"));
  weir_connection_summary_clear (&summary);
  publisher_clear (&publisher);
  fixture_clear (&fixture);
}

static void
who_says_nothing_is_closed_in_time (void)
{
  Fixture fixture = {.decision = ACCEPT};
  gint fd;
  gchar byte;

  fixture_init (&fixture);
  fixture.settings.session.handshake_us = 30000;
  fixture_listen (&fixture);
  fd = tcp_connect (weir_rtmp_listener_get_addresses (fixture.listener));
  g_assert_cmpint (recv (fd, &byte, 1, 0), ==, 0);
  close (fd);
  fixture_clear (&fixture);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (directory) != NULL)
    count++;
  return count;
}

static void
two_hundred_connections_leave_no_descriptor (void)
{
  guint before = count_descriptors ();
  Fixture fixture = {.decision = ACCEPT};
  guint published = 0;

  fixture_init (&fixture);
  fixture_listen (&fixture);
  for (guint i = 0; i < 200; i++) {
    Publisher publisher;

    if (i % 4 == 0) {
      close (tcp_connect (weir_rtmp_listener_get_addresses (fixture.listener)));
      continue;
    }
    if (i % 4 == 1) {
      publisher_connect (&publisher, weir_rtmp_listener_get_addresses (fixture.listener));
      publisher_clear (&publisher);
      continue;
    }
    fixture.sink.next = 0;
    fixture_publish (&fixture, &publisher);
    publisher_assert_status (&publisher, "NetStream.Publish.Start");
    write_frames (&publisher, 2);
    counter_await (&fixture.sink.messages, 2 * ++published);
    if (i % 4 == 2) {
      tcp_reset (publisher.fd);
      publisher.fd = -1;
    }
    publisher_clear (&publisher);
    counter_await (&fixture.ended, published);
    fixture.sink.ended.count = 0;
  }
  fixture_clear (&fixture);
  g_assert_cmpuint (count_descriptors (), ==, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/listener/" #name, name)
#define TEST_WITH(name, what, value) \
  g_test_add_data_func ("/rtmp/listener/" #name "/" what, GINT_TO_POINTER (value), name)
  TEST (an_accepted_publisher_reaches_its_consumer_in_order);
  TEST_WITH (nobody_to_authorise_is_a_denial, "no handler", 0);
  TEST_WITH (nobody_to_authorise_is_a_denial, "handler says no", 1);
  TEST (a_key_in_use_is_a_bad_name);
  TEST_WITH (the_decision_may_come_from_another_thread, "accept", TRUE);
  TEST_WITH (the_decision_may_come_from_another_thread, "refuse", FALSE);
  TEST (one_that_is_gone_cannot_be_accepted);
  TEST (no_decision_in_time_is_a_denial);
  TEST (media_before_the_decision_and_the_consumer_is_kept);
  TEST (a_cleared_consumer_is_not_called_and_the_next_one_misses_nothing);
  TEST (a_worker_that_stood_still_reads_before_it_calls_an_encoder_silent);
  TEST (a_peer_that_resets_ends_the_connection_once);
  TEST (a_consumer_that_comes_after_the_end_is_told);
  TEST (closing_from_our_side_is_said_to_the_encoder);
  TEST (rejecting_is_said_to_the_encoder);
  TEST (an_encoder_is_told_what_is_wrong_and_asked_to_reconnect_while_it_goes_on);
  TEST (what_is_to_be_said_before_the_decision_is_said_after_it);
  TEST (two_connections_share_a_worker);
  TEST (acceptance_on_a_worker_that_has_stopped_ends_the_connection);
  TEST (a_worker_that_stops_ends_its_connections);
  TEST (too_many_that_wait_are_closed_at_once);
  TEST (decisions_are_asked_for_a_few_at_a_time_in_order);
  TEST (who_waits_in_line_has_its_whole_time_when_it_is_asked_for);
  TEST (who_waits_in_line_too_long_is_denied);
  TEST (stopping_asks_for_nobody_who_is_in_line);
  TEST (stopping_closes_those_that_wait_and_leaves_the_accepted);
  TEST (who_speaks_something_else_is_closed);
  TEST (what_reaches_a_limit_is_counted_by_its_name);
  TEST (who_says_nothing_is_closed_in_time);
  TEST (two_hundred_connections_leave_no_descriptor);
  return g_test_run ();
}
