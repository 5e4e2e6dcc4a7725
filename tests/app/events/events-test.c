/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/events.h"

#include <stdio.h>
#include <string.h>

/* a store that takes events, or is away */
#define TYPE_FAKE_STORE (fake_store_get_type ())
G_DECLARE_FINAL_TYPE (FakeStore, fake_store, FAKE, STORE, GObject)

struct _FakeStore {
  GObject parent;
  GPtrArray *events; /* of WeirEvent */
  gboolean away;
  gboolean broken;
  guint asked;
  gint64 trimmed_before_us;
  guint64 trimmed_to;
};

static void
fake_append_event (WeirStore *store, const WeirEvent *event, GTask *task)
{
  FakeStore *self = FAKE_STORE (store);

  self->asked++;
  if (self->away) {
    g_task_return_new_error (task, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "away");
  } else if (self->broken) {
    g_task_return_new_error (task, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE, "broken");
  } else {
    WeirEvent *copy = weir_event_copy (event);
    guint64 *sequence = g_new0 (guint64, 1);

    g_ptr_array_add (self->events, copy);
    copy->sequence = *sequence = self->events->len;
    g_task_return_pointer (task, sequence, g_free);
  }
  g_object_unref (task);
}

static void
fake_trim_events (WeirStore *store, gint64 before_us, guint64 keep, GTask *task)
{
  FakeStore *self = FAKE_STORE (store);

  self->trimmed_before_us = before_us;
  self->trimmed_to = keep;
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
fake_store_implement (WeirStoreInterface *iface)
{
  iface->append_event = fake_append_event;
  iface->trim_events = fake_trim_events;
}

G_DEFINE_TYPE_WITH_CODE (FakeStore, fake_store, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (WEIR_TYPE_STORE, fake_store_implement))

static void
fake_store_finalize (GObject *object)
{
  g_ptr_array_unref (FAKE_STORE (object)->events);
  G_OBJECT_CLASS (fake_store_parent_class)->finalize (object);
}

static void
fake_store_class_init (FakeStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_store_finalize;
}

static void
fake_store_init (FakeStore *self)
{
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_event_free);
}

typedef struct {
  FakeStore *store;
  WeirEvents *events;
} Fixture;

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->store = g_object_new (TYPE_FAKE_STORE, NULL);
  fixture->events = weir_events_new (WEIR_STORE (fixture->store), "home");
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_pointer (&fixture->events, weir_events_free);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (fixture->store);
}

static void
emit (Fixture *fixture, const gchar *type, const gchar *account, guint number)
{
  g_autofree gchar *data = g_strdup_printf ("{\"n\":%u}", number);

  weir_events_emit (fixture->events, weir_event_new (type, account, NULL, NULL, data));
}

static void
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
drain (Fixture *fixture)
{
  gboolean drained = FALSE;

  weir_events_drain (fixture->events, set_flag, &drained);
  while (!drained)
    g_main_context_iteration (NULL, TRUE);
}

static const WeirEvent *
get (Fixture *fixture, guint index)
{
  g_assert_cmpuint (index, <, fixture->store->events->len);
  return fixture->store->events->pdata[index];
}

static guint
get_number (Fixture *fixture, guint index)
{
  guint number = 0;

  g_assert_cmpint (sscanf (get (fixture, index)->data, "{\"n\":%u}", &number), ==, 1);
  return number;
}

static void
events_are_written_in_order_to_their_accounts (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  emit (fixture, WEIR_EVENT_INPUT_CREATED, "", 0);
  emit (fixture, WEIR_EVENT_INPUT_DELETED, "other", 1);
  g_assert_cmpuint (fixture->store->asked, ==, 0);
  drain (fixture);
  g_assert_cmpuint (fixture->store->events->len, ==, 2);
  g_assert_cmpstr (get (fixture, 0)->type, ==, "live_input.created");
  g_assert_cmpstr (get (fixture, 0)->account, ==, "home");
  g_assert_cmpstr (get (fixture, 1)->type, ==, "live_input.deleted");
  g_assert_cmpstr (get (fixture, 1)->account, ==, "other");
}

static gpointer
emit_many (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    emit (data, "health.x", "thread", i);
  return NULL;
}

static void
events_of_a_thread_keep_their_order (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  GThread *thread = g_thread_new ("emit", emit_many, fixture);
  guint next = 0, own = 0;

  for (guint i = 0; i < 1000; i++)
    emit (fixture, "health.x", "main", i);
  g_thread_join (thread);
  drain (fixture);
  g_assert_cmpuint (fixture->store->events->len, ==, 2000);
  for (guint i = 0; i < 2000; i++) {
    guint *expected = strcmp (get (fixture, i)->account, "main") == 0 ? &own : &next;

    g_assert_cmpuint (get_number (fixture, i), ==, (*expected)++);
  }
}

static void
what_was_emitted_while_the_store_was_away_follows (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->store->away = TRUE;
  for (guint i = 0; i < 5; i++)
    emit (fixture, "health.x", "", i);
  drain (fixture);
  g_assert_cmpuint (fixture->store->events->len, ==, 0);
  fixture->store->away = FALSE;
  while (fixture->store->events->len < 5)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (get_number (fixture, i), ==, i);
}

static void
those_beyond_the_bound_are_counted_and_told_of (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->store->away = TRUE;
  emit (fixture, "health.x", "", 0);
  drain (fixture);
  for (guint i = 1; i < WEIR_EVENTS_WAITING_MAX + 3; i++)
    emit (fixture, "health.x", "", i);
  fixture->store->away = FALSE;
  while (fixture->store->events->len <= WEIR_EVENTS_WAITING_MAX)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (get (fixture, WEIR_EVENTS_WAITING_MAX)->type, ==, WEIR_EVENT_LOST);
  g_assert_cmpstr (get (fixture, WEIR_EVENTS_WAITING_MAX)->data, ==, "{\"count\":3}");
  g_assert_cmpuint (
      get_number (fixture, WEIR_EVENTS_WAITING_MAX - 1), ==, WEIR_EVENTS_WAITING_MAX - 1);
}

static void
an_event_that_the_store_cannot_keep_stops_no_other (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->store->broken = TRUE;
  emit (fixture, "health.x", "", 0);
  drain (fixture);
  fixture->store->broken = FALSE;
  emit (fixture, "health.x", "", 1);
  drain (fixture);
  g_assert_cmpuint (get_number (fixture, fixture->store->events->len - 1), ==, 1);
}

static void
freeing_hands_on_what_still_waits (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    emit (fixture, "health.x", "", i);
  g_clear_pointer (&fixture->events, weir_events_free);
  g_assert_cmpuint (fixture->store->events->len, ==, 3);
}

static void
old_events_are_forgotten (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  gint64 now_us = g_get_real_time ();

  weir_events_set_retention (fixture->events, 3600 * (gint64) G_USEC_PER_SEC, 500);
  g_assert_cmpuint (fixture->store->trimmed_to, ==, 500);
  g_assert_cmpint (
      ABS (now_us - 3600 * (gint64) G_USEC_PER_SEC - fixture->store->trimmed_before_us), <,
      G_USEC_PER_SEC);
}

static void
an_event_is_one_line_of_json (void)
{
  g_autoptr (WeirEvent) event = weir_event_new ("health.gop_too_long", "acc", "i", NULL,
      "{\"state\":\"raised\",\"text\":\"a\\nb\",\"value\":1.5}");
  g_autofree gchar *text = NULL;

  event->sequence = 42;
  event->time_us = G_GINT64_CONSTANT (1700000000123456);
  text = weir_event_to_json (event);
  g_assert_cmpstr (text, ==,
      "{\"sequence\":42,\"time\":\"2023-11-14T22:13:20.123456Z\",\"type\":\"health.gop_too_long\","
      "\"input\":\"i\",\"broadcast\":null,"
      "\"data\":{\"state\":\"raised\",\"text\":\"a\\nb\",\"value\":1.5}}");
}

static void
data_is_made_of_pairs (void)
{
  g_autofree gchar *text = weir_event_make_data ("a", "x\"\n", "b", NULL, NULL);
  g_autofree gchar *empty = weir_event_make_data (NULL, NULL);

  g_assert_cmpstr (text, ==, "{\"a\":\"x\\\"\\n\",\"b\":null}");
  g_assert_cmpstr (empty, ==, "{}");
}

static void
patterns_match_types (void)
{
  static const struct {
    const gchar *type, *pattern;
    gboolean matches;
  } rows[] = {
      {"health.gop_too_long", "health.*", TRUE},
      {"health.gop_too_long", "health.gop_too_long", TRUE},
      {"health.gop_too_long", "health.", FALSE},
      {"health.gop_too_long", "health", FALSE},
      {"health.gop_too_long", "*", TRUE},
      {"health.gop_too_long", "", FALSE},
      {"broadcast.live", "broadcast.live.more", FALSE},
      {"broadcast.live", "live*", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const gchar *patterns[] = {"none", rows[i].pattern, NULL};

    g_test_message ("%s %s", rows[i].type, rows[i].pattern);
    g_assert_cmpint (weir_event_type_matches (rows[i].type, patterns), ==, rows[i].matches);
  }
}

static void
a_masked_key_does_not_tell_its_secret (void)
{
  static const struct {
    const gchar *key, *masked;
  } rows[] = {
      {"0123456789abcdef0123456789abcdefkfedcba9876543210fedcba9876543210",
          "0123****************************kfedcba9876543210fedcba9876543210"},
      {"mysecretkey", "myse*******"},
      {"short", "*****"},
      {"", ""},
      {"aaaaaaaakbbbb", "aaaa*********"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *masked = weir_event_mask_key (rows[i].key);

    g_assert_cmpstr (masked, ==, rows[i].masked);
  }
}

#define TEST(name) g_test_add ("/events/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (events_are_written_in_order_to_their_accounts);
  TEST (events_of_a_thread_keep_their_order);
  TEST (what_was_emitted_while_the_store_was_away_follows);
  TEST (those_beyond_the_bound_are_counted_and_told_of);
  TEST (an_event_that_the_store_cannot_keep_stops_no_other);
  TEST (freeing_hands_on_what_still_waits);
  TEST (old_events_are_forgotten);
  g_test_add_func ("/events/an_event_is_one_line_of_json", an_event_is_one_line_of_json);
  g_test_add_func ("/events/data_is_made_of_pairs", data_is_made_of_pairs);
  g_test_add_func ("/events/patterns_match_types", patterns_match_types);
  g_test_add_func (
      "/events/a_masked_key_does_not_tell_its_secret", a_masked_key_does_not_tell_its_secret);
  return g_test_run ();
}
