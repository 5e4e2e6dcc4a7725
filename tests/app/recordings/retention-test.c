/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/retention.h"

#define SECOND G_USEC_PER_SEC

static void
free_record (gpointer record)
{
  weir_broadcast_record_free (record);
}

static WeirBroadcastRecord *
record_new (WeirBroadcastState state, const gchar *settings)
{
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);

  record->state = state;
  record->ended_us = state == WEIR_BROADCAST_LIVE ? 0 : 1000 * SECOND;
  record->settings = g_strdup (settings);
  return record;
}

static void
what_has_ended_gets_its_time_once (void)
{
  g_autoptr (WeirBroadcastRecord) record =
      record_new (WEIR_BROADCAST_READY, "{\"meta\":{\"name\":\"n\"},\"deleteAfterSeconds\":60}");

  g_assert_true (weir_retention_schedule (record));
  g_assert_cmpint (record->delete_at_us, ==, 1060 * SECOND);
  g_assert_cmpstr (record->name, ==, "n");
  g_assert_null (strstr (record->settings, "deleteAfter"));
  record->delete_at_us = 0; /* somebody wants to keep it */
  g_assert_false (weir_retention_schedule (record));
  g_assert_cmpint (record->delete_at_us, ==, 0);
}

static void
what_runs_or_is_kept_for_ever_gets_none (void)
{
  static const struct {
    WeirBroadcastState state;
    const gchar *settings;
  } cases[] = {
      {WEIR_BROADCAST_LIVE, "{\"deleteAfterSeconds\":60}"},
      {WEIR_BROADCAST_ENDED, "{\"deleteAfterSeconds\":60}"},
      {WEIR_BROADCAST_READY, "{}"},
      {WEIR_BROADCAST_READY, "{\"deleteAfterSeconds\":0}"},
      {WEIR_BROADCAST_READY, "{\"deleteAfterSeconds\":-5}"},
      {WEIR_BROADCAST_READY, NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirBroadcastRecord) record = record_new (cases[i].state, cases[i].settings);

    g_assert_false (weir_retention_schedule (record));
    g_assert_cmpint (record->delete_at_us, ==, 0);
  }
}

static void
objects_stay_for_three_target_durations (void)
{
  static const struct {
    const gchar *entry;
    gint64 seconds;
  } cases[] = {{NULL, 6}, {"{\"target\":4}", 12}, {"{\"target\":1}", 6}, {"[", 6},
      {"{\"target\":99999999}", 10800}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (
        weir_retention_get_grace (cases[i].entry, 2 * SECOND), ==, cases[i].seconds * SECOND);
}

static void
what_is_full_stays_so_until_there_is_room (void)
{
  static const struct {
    guint64 used, max;
    gboolean was, is;
  } cases[] = {
      {0, 0, FALSE, FALSE},
      {G_MAXUINT64, 0, TRUE, FALSE},
      {99, 100, FALSE, FALSE},
      {100, 100, FALSE, TRUE},
      {90, 100, TRUE, TRUE},
      {89, 100, TRUE, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (
        weir_retention_is_full (cases[i].used, cases[i].max, cases[i].was), ==, cases[i].is);
}

static void
no_more_of_the_oldest_go_than_is_needed (void)
{
  static const struct {
    guint64 used, max;
    guint count;
  } cases[] = {{100, 100, 2}, {95, 100, 1}, {89, 100, 0}, {1000, 100, 3},
      /* to make room for so many bytes */
      {11, 0, 2}, {10, 0, 1}, {0, 0, 0}};
  g_autoptr (GPtrArray) records = g_ptr_array_new_with_free_func (free_record);

  for (guint i = 0; i < 3; i++) {
    WeirBroadcastRecord *record = record_new (WEIR_BROADCAST_READY, "{}");

    record->size = 10;
    g_ptr_array_add (records, record);
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (
        weir_retention_choose_oldest (records, cases[i].used, cases[i].max), ==, cases[i].count);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/recordings/retention/" #name, name)
  ADD (what_has_ended_gets_its_time_once);
  ADD (what_runs_or_is_kept_for_ever_gets_none);
  ADD (objects_stay_for_three_target_durations);
  ADD (what_is_full_stays_so_until_there_is_room);
  ADD (no_more_of_the_oldest_go_than_is_needed);
  return g_test_run ();
}
