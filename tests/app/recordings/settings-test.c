/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/settings.h"

#define CREATED G_GINT64_CONSTANT (1790142240000000) /* 2026-09-23T05:44:00Z */

static WeirBroadcastRecord *
describe (const gchar *meta, const gchar *origins, gint days, gint64 delete_after_us)
{
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);

  g_free (input->meta);
  input->meta = g_strdup (meta);
  input->allowed_origins = g_strdup (origins);
  input->default_creator = g_strdup ("someone");
  input->delete_recording_after_days = days;
  record->created_us = CREATED;
  weir_recording_describe (record, input, delete_after_us);
  return record;
}

static void
a_recording_is_called_after_its_input_and_its_beginning (void)
{
  g_autoptr (WeirBroadcastRecord) record =
      describe ("{\"name\":\"Concert\",\"a\":[1]}", NULL, 0, 0);
  g_autoptr (JsonObject) settings = weir_recording_parse_settings (record->settings);

  g_assert_cmpstr (record->name, ==, "Concert 23 Sep 26 05:44 UTC");
  g_assert_cmpstr (record->creator, ==, "someone");
  g_assert_cmpstr (
      json_object_get_string_member (json_object_get_object_member (settings, "meta"), "name"), ==,
      record->name);
  g_assert_true (json_object_has_member (json_object_get_object_member (settings, "meta"), "a"));
  g_assert_false (json_object_has_member (settings, WEIR_RECORDING_DELETE_AFTER));
}

static void
an_input_without_a_name_gives_none (void)
{
  static const gchar *const metas[] = {"{}", "{\"name\":7}", "[]", "{"};

  for (guint i = 0; i < G_N_ELEMENTS (metas); i++) {
    g_autoptr (WeirBroadcastRecord) record = describe (metas[i], "[\"a.example\"]", 0, 0);

    g_assert_null (record->name);
    g_assert_nonnull (strstr (record->settings, "\"allowedOrigins\":[\"a.example\"]"));
  }
}

static void
days_of_the_input_go_before_the_configuration (void)
{
  static const struct {
    gint days;
    gint64 delete_after_us, seconds;
  } cases[] = {
      {0, 0, 0}, {0, 90 * G_USEC_PER_SEC, 90}, {2, 90 * G_USEC_PER_SEC, 172800}, {3, 0, 259200}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WeirBroadcastRecord) record =
        describe ("{}", NULL, cases[i].days, cases[i].delete_after_us);
    g_autoptr (JsonObject) settings = weir_recording_parse_settings (record->settings);

    g_assert_cmpint (
        json_object_get_int_member_with_default (settings, WEIR_RECORDING_DELETE_AFTER, 0), ==,
        cases[i].seconds);
  }
}

static void
damaged_settings_are_none (void)
{
  static const gchar *const texts[] = {NULL, "", "[]", "{", "7"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (JsonObject) settings = weir_recording_parse_settings (texts[i]);

    g_assert_cmpuint (json_object_get_size (settings), ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/recordings/settings/" #name, name)
  ADD (a_recording_is_called_after_its_input_and_its_beginning);
  ADD (an_input_without_a_name_gives_none);
  ADD (days_of_the_input_go_before_the_configuration);
  ADD (damaged_settings_are_none);
  return g_test_run ();
}
