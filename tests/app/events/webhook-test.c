/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/webhook.h"

#include <string.h>

static WeirEvent *
make_event (const gchar *type, const gchar *data)
{
  WeirEvent *event = weir_event_new (type, "acc", "input", "broadcast", data);

  event->sequence = 42;
  event->time_us = G_GINT64_CONSTANT (1720548474051077);
  return event;
}

static WeirWebhook *
make_webhook (WeirWebhookFormat format)
{
  WeirWebhook *webhook = weir_webhook_new ("acc", "id");

  webhook->url = g_strdup ("https://a.example/hook");
  webhook->secret = g_strdup ("secret");
  webhook->format = format;
  return webhook;
}

/* the expected one was made by hmac of Python */
static void
a_signature_is_over_time_and_body (void)
{
  g_autofree gchar *one = weir_webhook_sign ("secret", 1720548474, "{\"a\":1}");
  g_autofree gchar *other = weir_webhook_sign ("secret", 1720548475, "{\"a\":1}");

  g_assert_cmpstr (one, ==, "9e55e3cdca84a7e8e898352295a184a0712e2ba4951eeddadb2d48ecefc14f07");
  g_assert_cmpstr (one, !=, other);
}

static void
headers_are_those_of_the_format (void)
{
  static const struct {
    WeirWebhookFormat format;
    const gchar *type;
    const gchar *names;
  } rows[] = {
      {WEIR_WEBHOOK_WEIR, "live_input.connected", "Weir-Signature Weir-Event Weir-Sequence"},
      {WEIR_WEBHOOK_WEIR, "recording.ready", "Weir-Signature Weir-Event Weir-Sequence"},
      {WEIR_WEBHOOK_HOSTED, "live_input.connected", "cf-webhook-auth"},
      {WEIR_WEBHOOK_HOSTED, "recording.ready", "Webhook-Signature"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (WeirWebhook) webhook = make_webhook (rows[i].format);
    g_auto (GStrv) headers =
        weir_webhook_make_headers (webhook, rows[i].type, 42, 1720548474, "{\"a\":1}");
    g_autoptr (GString) names = g_string_new (NULL);

    for (guint j = 0; headers[j] != NULL; j += 2)
      g_string_append_printf (names, "%s%s", j > 0 ? " " : "", headers[j]);
    g_assert_cmpstr (names->str, ==, rows[i].names);
    if (strcmp (headers[0], "Weir-Signature") == 0)
      g_assert_cmpstr (headers[1], ==,
          "t=1720548474,v1=9e55e3cdca84a7e8e898352295a184a0712e2ba4951eeddadb2d48ecefc14f07");
    else if (strcmp (headers[0], "Webhook-Signature") == 0)
      g_assert_cmpstr (headers[1], ==,
          "time=1720548474,sig1=9e55e3cdca84a7e8e898352295a184a0712e2ba4951eeddadb2d48ecefc14f07");
    else
      g_assert_cmpstr (headers[1], ==, "secret");
  }
}

static void
bodies_are_those_of_the_format (void)
{
  g_autoptr (WeirWebhook) own = make_webhook (WEIR_WEBHOOK_WEIR);
  g_autoptr (WeirWebhook) hosted = make_webhook (WEIR_WEBHOOK_HOSTED);
  g_autoptr (WeirEvent) errored = make_event (WEIR_EVENT_INPUT_ERRORED,
      "{\"code\":\"gop_too_long\",\"vendorCode\":\"ERR_GOP_OUT_OF_RANGE\",\"message\":\"m\","
      "\"videoCodec\":\"H.264\",\"audioCodec\":\"AAC\"}");
  g_autoptr (WeirEvent) connected = make_event (WEIR_EVENT_INPUT_CONNECTED, NULL);
  g_autoptr (WeirEvent) ready = make_event (WEIR_EVENT_RECORDING_READY, NULL);
  g_autofree gchar *plain = weir_event_to_json (errored);
  g_autofree gchar *of_own = weir_webhook_make_body (own, errored, NULL);
  g_autofree gchar *of_errored = weir_webhook_make_body (hosted, errored, NULL);
  g_autofree gchar *of_connected = weir_webhook_make_body (hosted, connected, NULL);
  g_autofree gchar *of_ready = weir_webhook_make_body (hosted, ready, "{\"uid\":\"x\"}");
  g_autofree gchar *of_gone = weir_webhook_make_body (hosted, ready, NULL);

  g_assert_cmpstr (of_own, ==, plain);
  g_assert_cmpstr (of_errored, ==,
      "{\"name\":\"Weir\",\"text\":\"Notification type: Stream Live Input\\nInput ID: input\\n"
      "Event type: live_input.errored\\nUpdated at: 2024-07-09T18:07:54.051077Z\\n"
      "Error Code: ERR_GOP_OUT_OF_RANGE\\nError Message: m\\nVideo Codec: H.264\\nAudio Codec: "
      "AAC\","
      "\"data\":{\"notification_name\":\"Stream Live Input\",\"input_id\":\"input\","
      "\"event_type\":\"live_input.errored\",\"updated_at\":\"2024-07-09T18:07:54.051077Z\","
      "\"live_input_errored\":{\"error\":{\"code\":\"ERR_GOP_OUT_OF_RANGE\",\"message\":\"m\"},"
      "\"video_codec\":\"H.264\",\"audio_codec\":\"AAC\"}},\"ts\":1720548474}");
  g_assert_cmpstr (of_connected, ==,
      "{\"name\":\"Weir\",\"text\":\"Notification type: Stream Live Input\\nInput ID: input\\n"
      "Event type: live_input.connected\\nUpdated at: 2024-07-09T18:07:54.051077Z\","
      "\"data\":{\"notification_name\":\"Stream Live Input\",\"input_id\":\"input\","
      "\"event_type\":\"live_input.connected\",\"updated_at\":\"2024-07-09T18:07:54.051077Z\"},"
      "\"ts\":1720548474}");
  g_assert_cmpstr (of_ready, ==, "{\"uid\":\"x\"}");
  g_assert_null (of_gone);
}

static void
a_webhook_is_told_of_what_it_wants (void)
{
  static const struct {
    WeirWebhookFormat format;
    const gchar *events; /* separated by commas; NULL: the default */
    const gchar *type;
    gboolean wants;
  } rows[] = {
      {WEIR_WEBHOOK_WEIR, NULL, "broadcast.live", TRUE},
      {WEIR_WEBHOOK_WEIR, NULL, "segment.committed", FALSE},
      {WEIR_WEBHOOK_WEIR, "*", "segment.committed", TRUE},
      {WEIR_WEBHOOK_WEIR, "health.*,recording.ready", "health.gop_too_long", TRUE},
      {WEIR_WEBHOOK_WEIR, "health.*,recording.ready", "recording.ready", TRUE},
      {WEIR_WEBHOOK_WEIR, "health.*,recording.ready", "recording.paused", FALSE},
      {WEIR_WEBHOOK_HOSTED, NULL, "live_input.errored", TRUE},
      {WEIR_WEBHOOK_HOSTED, NULL, "recording.ready", TRUE},
      {WEIR_WEBHOOK_HOSTED, NULL, "broadcast.live", FALSE},
      {WEIR_WEBHOOK_HOSTED, "*", "broadcast.live", FALSE},
      {WEIR_WEBHOOK_HOSTED, "recording.ready", "live_input.errored", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (WeirWebhook) webhook = make_webhook (rows[i].format);

    if (rows[i].events != NULL)
      webhook->events = g_strsplit (rows[i].events, ",", -1);
    g_test_message ("%u %s", i, rows[i].type);
    g_assert_cmpint (weir_webhook_wants (webhook, rows[i].type), ==, rows[i].wants);
  }
}

static void
a_document_brings_a_webhook_back (void)
{
  g_autoptr (WeirWebhook) webhook = make_webhook (WEIR_WEBHOOK_HOSTED);
  g_autoptr (WeirDocument) document = NULL;
  g_autoptr (WeirWebhook) back = NULL;

  webhook->events = g_strsplit ("a.*,b", ",", -1);
  webhook->enabled = FALSE;
  webhook->since = 7;
  webhook->created_us = 8;
  document = weir_webhook_to_document (webhook);
  document->revision = 9;
  back = weir_webhook_from_document (document);
  g_assert_cmpstr (back->id, ==, "id");
  g_assert_cmpstr (back->account, ==, "acc");
  g_assert_cmpstr (back->url, ==, webhook->url);
  g_assert_cmpstr (back->secret, ==, "secret");
  g_assert_cmpstr (back->events[0], ==, "a.*");
  g_assert_cmpstr (back->events[1], ==, "b");
  g_assert_null (back->events[2]);
  g_assert_cmpint (back->format, ==, WEIR_WEBHOOK_HOSTED);
  g_assert_false (back->enabled);
  g_assert_cmpuint (back->since, ==, 7);
  g_assert_cmpint (back->created_us, ==, 8);
  g_assert_cmpuint (back->revision, ==, 9);
}

static void
a_document_that_is_none_brings_nothing (void)
{
  static const gchar *const texts[] = {"{}", "[]", "x", "{\"url\":1,\"secret\":\"s\"}"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (WeirDocument) document = weir_document_new (WEIR_DOCUMENT_WEBHOOK, "acc", "id");

    g_free (document->json);
    document->json = g_strdup (texts[i]);
    g_assert_null (weir_webhook_from_document (document));
  }
}

static void
only_addresses_for_webhooks_pass (void)
{
  static const struct {
    const gchar *url;
    gboolean passes;
  } rows[] = {
      {"https://a.example/hook?x=1", TRUE},
      {"HTTP://a.example", TRUE},
      {"http://a.example:8080/", TRUE},
      {"http://93.184.216.34/", TRUE},
      {"http://[2606:2800:220:1::1]/", TRUE},
      {"http://10.0.0.1/", FALSE},
      {"http://[::1]:80/", FALSE},
      {"http://[::ffff:127.0.0.1]/", FALSE},
      {"http://93.184.216.34:25/", FALSE},
      {"ftp://a.example/", FALSE},
      {"file:///etc/passwd", FALSE},
      {"gopher://a.example/", FALSE},
      {"http:///x", FALSE},
      {"http://", FALSE},
      {"//a.example/", FALSE},
      {"a.example", FALSE},
      {"", FALSE},
      {"http://u:p@a.example/", FALSE},
      {"http://a.example/#f", FALSE},
      {"http://a.example:0/", FALSE},
      {"http://a.example:99999/", FALSE},
      {"http://a.example/ b", FALSE},
      {"http://a.example/\r\nX: y", FALSE},
      {"http://\xc3\xa4.example/", FALSE},
  };
  g_autoptr (WeirEgress) egress = weir_egress_new ("", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", rows[i].url);
    g_assert_cmpint (weir_webhook_check_url (rows[i].url, egress, &error), ==, rows[i].passes);
    g_assert_cmpint (error == NULL, ==, rows[i].passes);
  }
}

static void
a_masked_address_tells_no_secret (void)
{
  static const struct {
    const gchar *url, *masked;
  } rows[] = {
      {"https://hooks.example/T0/SECRET?token=x", "https://hooks.example"},
      {"http://u:p@a.example:81/x", "http://a.example:81"},
      {"http://[2001:db8::1]:81/x", "http://[2001:db8::1]:81"},
      {"nothing", "?"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *masked = weir_webhook_mask_url (rows[i].url);

    g_assert_cmpstr (masked, ==, rows[i].masked);
  }
}

static void
attempts_are_further_and_further_apart (void)
{
  static const gint64 seconds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300};

  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++) {
    gint64 longest = seconds[i] * (gint64) G_USEC_PER_SEC;

    g_assert_cmpint (weir_webhook_get_delay (i + 1, 0), ==, longest);
    g_assert_cmpint (weir_webhook_get_delay (i + 1, 0.5), ==, longest * 3 / 4);
  }
  g_assert_cmpint (weir_webhook_get_delay (G_MAXUINT, 0), ==, 300 * (gint64) G_USEC_PER_SEC);
}

static void
an_event_that_nobody_takes_is_given_up_after_a_day (void)
{
  g_auto (WeirDelivery) delivery = {.cursor = 4};
  gint64 now_us = 1000000;

  while (!weir_delivery_fail (&delivery, 5, "down", now_us, 0)) {
    g_assert_cmpuint (delivery.cursor, ==, 4);
    g_assert_cmpint (delivery.next_attempt_us, >, now_us);
    now_us = delivery.next_attempt_us;
  }
  g_assert_cmpint (now_us, >=, 1000000 + WEIR_WEBHOOK_GIVE_UP_US);
  g_assert_cmpint (now_us, <, 1000000 + WEIR_WEBHOOK_GIVE_UP_US + 301 * (gint64) G_USEC_PER_SEC);
  g_assert_cmpuint (delivery.given_up, ==, 1);
  g_assert_cmpuint (delivery.cursor, ==, 5);
  g_assert_cmpuint (delivery.attempts, ==, 0);
  g_assert_cmpint (delivery.next_attempt_us, ==, 0);
}

static void
what_is_known_of_deliveries_comes_back (void)
{
  g_auto (WeirDelivery) delivery = {.cursor = 3};
  g_auto (WeirDelivery) back = {0};
  g_autofree gchar *text = NULL, *again = NULL;

  weir_delivery_succeed (&delivery, 4, 1000);
  weir_delivery_fail (&delivery, 5, "answered 500", 2000, 0);
  text = weir_delivery_to_json (&delivery);
  weir_delivery_from_json (&back, text);
  again = weir_delivery_to_json (&back);
  g_assert_cmpstr (again, ==, text);
  g_assert_cmpuint (back.cursor, ==, 4);
  g_assert_cmpuint (back.delivered, ==, 1);
  g_assert_cmpuint (back.attempts, ==, 1);
  g_assert_cmpint (back.first_attempt_us, ==, 2000);
  g_assert_cmpint (back.next_attempt_us, ==, 2000 + (gint64) G_USEC_PER_SEC);
  g_assert_cmpstr (back.last_error, ==, "answered 500");
  weir_delivery_from_json (&back, "nonsense");
  g_assert_cmpuint (back.cursor, ==, 0);
}

#define TEST(name) g_test_add_func ("/events/webhook/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (a_signature_is_over_time_and_body);
  TEST (headers_are_those_of_the_format);
  TEST (bodies_are_those_of_the_format);
  TEST (a_webhook_is_told_of_what_it_wants);
  TEST (a_document_brings_a_webhook_back);
  TEST (a_document_that_is_none_brings_nothing);
  TEST (only_addresses_for_webhooks_pass);
  TEST (a_masked_address_tells_no_secret);
  TEST (attempts_are_further_and_further_apart);
  TEST (an_event_that_nobody_takes_is_given_up_after_a_day);
  TEST (what_is_known_of_deliveries_comes_back);
  return g_test_run ();
}
