/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/events.h"

#include "../support/app-fixture.h"

static void
cursors_are_decimal_numbers (void)
{
  static const struct {
    const gchar *text;
    gboolean passes;
    guint64 cursor;
  } rows[] = {
      {NULL, TRUE, 0},
      {"0", TRUE, 0},
      {"42", TRUE, 42},
      {"999999999999999999", TRUE, G_GUINT64_CONSTANT (999999999999999999)},
      {"1000000000000000000", FALSE, 0},
      {"now", TRUE, WEIR_STORE_NEWEST},
      {"", FALSE, 0},
      {"nowhere", FALSE, 0},
      {"-1", FALSE, 0},
      {"+1", FALSE, 0},
      {" 1", FALSE, 0},
      {"1.5", FALSE, 0},
      {"0x10", FALSE, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    guint64 cursor = 7;

    g_assert_cmpint (weir_api_read_cursor (rows[i].text, &cursor), ==, rows[i].passes);
    g_assert_cmpuint (cursor, ==, rows[i].passes ? rows[i].cursor : 7);
  }
}

static void
a_server_sent_event_is_three_lines (void)
{
  g_autoptr (WeirEvent) event =
      weir_event_new ("broadcast.ended", "acc", NULL, NULL, "{\"reason\":\"a\\nb\"}");
  g_autofree gchar *json = NULL, *text = NULL, *expected = NULL;

  event->sequence = 12;
  json = weir_event_to_json (event);
  text = weir_api_event_to_text (event);
  expected = g_strdup_printf ("id: 12\nevent: broadcast.ended\ndata: %s\n\n", json);
  g_assert_cmpstr (text, ==, expected);
  g_assert_null (strchr (json, '\n'));
}

static void
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
emit (AppFixture *fixture, const gchar *type, const gchar *account)
{
  gboolean drained = FALSE;

  weir_events_emit (fixture->events, weir_event_new (type, account, NULL, NULL, NULL));
  weir_events_drain (fixture->events, set_flag, &drained);
  while (!drained)
    g_main_context_iteration (NULL, TRUE);
}

/* Returns: (transfer full): the types in the answer, and what it says of cursor and rest */
static gchar *
list (AppFixture *fixture, const gchar *query)
{
  g_autofree gchar *path = g_strdup_printf ("%s/events%s", fixture->account, query);
  g_auto (AppAnswer) answer = app_fixture_call (fixture, "GET", path, NULL, fixture->token, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  JsonObject *result;
  JsonArray *events;

  if (soup_message_get_status (answer.message) != 200)
    return g_strdup_printf ("%u", soup_message_get_status (answer.message));
  g_assert_true (json_parser_load_from_data (
      parser, g_bytes_get_data (answer.body, NULL), (gssize) g_bytes_get_size (answer.body), NULL));
  result = json_object_get_object_member (
      json_node_get_object (json_parser_get_root (parser)), "result");
  events = json_object_get_array_member (result, "events");
  for (guint i = 0; i < json_array_get_length (events); i++)
    g_string_append_printf (text, "%s ",
        json_object_get_string_member (json_array_get_object_element (events, i), "type"));
  g_string_append_printf (text, "%" G_GINT64_FORMAT "%s",
      json_object_get_int_member (result, "cursor"),
      json_object_get_boolean_member (result, "more") ? "+" : "");
  return g_strdup (text->str);
}

static void
lists_go_on_from_their_cursor (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *query, *expected;
  } rows[] = {
      {"", "a.one b.two a.three 4"},
      {"?limit=2", "a.one b.two 2+"},
      {"?after=2", "a.three 4"},
      {"?after=2&limit=1", "a.three 4"},
      {"?after=4", "4"},
      {"?after=now", "4"},
      {"?after=now&type=b.*", "4"},
      {"?type=a.*", "a.one a.three 4"},
      {"?type=a.*&limit=1", "a.one 1+"},
      {"?type=b.two,a.three", "b.two a.three 4"},
      {"?type=nothing", "4"},
      {"?limit=0", "400"},
      {"?limit=1001", "400"},
      {"?limit=x", "400"},
      {"?limit=now", "400"},
      {"?after=x", "400"},
  };

  emit (fixture, "a.one", "");
  emit (fixture, "b.two", "acc");
  emit (fixture, "of.another", "other");
  emit (fixture, "a.three", "acc");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *text = list (fixture, rows[i].query);

    g_test_message ("%s", rows[i].query);
    g_assert_cmpstr (text, ==, rows[i].expected);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/events/cursors_are_decimal_numbers", cursors_are_decimal_numbers);
  g_test_add_func (
      "/api/events/a_server_sent_event_is_three_lines", a_server_sent_event_is_three_lines);
  g_test_add ("/api/events/lists_go_on_from_their_cursor", AppFixture, NULL, app_fixture_set_up,
      lists_go_on_from_their_cursor, app_fixture_tear_down);
  return g_test_run ();
}
