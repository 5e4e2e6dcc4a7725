/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/settings.h"

#include "api/json.h"

#define SECONDS_A_DAY (24 * 60 * 60)

JsonObject *
weir_recording_parse_settings (const gchar *settings)
{
  g_autoptr (JsonNode) root = settings != NULL ? json_from_string (settings, NULL) : NULL;

  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_dup_object (root)
                                                       : json_object_new ();
}

/* Returns: (transfer none) (nullable) */
static const gchar *
get_name (JsonObject *settings)
{
  JsonNode *meta = json_object_get_member (settings, WEIR_RECORDING_META);
  JsonNode *name = meta != NULL && JSON_NODE_HOLDS_OBJECT (meta)
                       ? json_object_get_member (json_node_get_object (meta), "name")
                       : NULL;

  return name != NULL && JSON_NODE_HOLDS_VALUE (name) &&
                 json_node_get_value_type (name) == G_TYPE_STRING
             ? json_node_get_string (name)
             : NULL;
}

void
weir_recording_set_settings (WeirBroadcastRecord *record, JsonObject *settings)
{
  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), settings);

  g_free (record->settings);
  record->settings = weir_json_from_node (root);
  g_free (record->name);
  record->name = g_strdup (get_name (settings));
}

/* whatever the locale */
static gchar *
make_dated_name (const gchar *name, gint64 wall_us)
{
  static const gchar *const months[] = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (wall_us / G_USEC_PER_SEC);

  if (date == NULL)
    return g_strdup (name);
  return g_strdup_printf ("%s %02d %s %02d %02d:%02d UTC", name,
      g_date_time_get_day_of_month (date), months[g_date_time_get_month (date) - 1],
      g_date_time_get_year (date) % 100, g_date_time_get_hour (date),
      g_date_time_get_minute (date));
}

static void
copy_json (JsonObject *settings, const gchar *name, const gchar *text)
{
  g_autoptr (JsonNode) node = text != NULL ? json_from_string (text, NULL) : NULL;

  if (node != NULL)
    json_object_set_member (settings, name, g_steal_pointer (&node));
}

void
weir_recording_describe (
    WeirBroadcastRecord *record, const WeirLiveInput *input, gint64 delete_after_us)
{
  g_autoptr (JsonObject) settings = json_object_new ();
  gint64 seconds = input->delete_recording_after_days > 0
                       ? (gint64) input->delete_recording_after_days * SECONDS_A_DAY
                       : delete_after_us / G_USEC_PER_SEC;
  const gchar *name;

  copy_json (settings, WEIR_RECORDING_META, input->meta);
  name = get_name (settings);
  if (name != NULL) {
    g_autofree gchar *dated = make_dated_name (name, record->created_us);

    json_object_set_string_member (
        json_object_get_object_member (settings, WEIR_RECORDING_META), "name", dated);
  }
  copy_json (settings, WEIR_RECORDING_ALLOWED_ORIGINS, input->allowed_origins);
  if (input->require_signed_urls)
    json_object_set_boolean_member (settings, WEIR_RECORDING_REQUIRE_SIGNED_URLS, TRUE);
  if (seconds > 0)
    json_object_set_int_member (settings, WEIR_RECORDING_DELETE_AFTER, seconds);
  weir_recording_set_settings (record, settings);
  g_free (record->creator);
  record->creator = g_strdup (input->default_creator);
}
