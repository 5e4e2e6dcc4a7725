/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recordings/retention.h"

#include "recordings/settings.h"

/* of one target duration, should an entry be damaged */
#define TARGET_MAX_S 3600

gboolean
weir_retention_schedule (WeirBroadcastRecord *record)
{
  g_autoptr (JsonObject) settings = weir_recording_parse_settings (record->settings);
  gint64 seconds =
      json_object_get_int_member_with_default (settings, WEIR_RECORDING_DELETE_AFTER, 0);

  if (record->state != WEIR_BROADCAST_READY || record->ended_us == 0 || seconds <= 0)
    return FALSE;
  json_object_remove_member (settings, WEIR_RECORDING_DELETE_AFTER);
  weir_recording_set_settings (record, settings);
  record->delete_at_us = record->ended_us + MIN (seconds, G_MAXINT32) * G_USEC_PER_SEC;
  return TRUE;
}

gint64
weir_retention_get_grace (const gchar *entry, gint64 segment_duration_us)
{
  gint64 target_s = (segment_duration_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;

  if (entry != NULL) {
    g_autoptr (JsonNode) root = json_from_string (entry, NULL);

    if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
      target_s = MAX (target_s,
          json_object_get_int_member_with_default (json_node_get_object (root), "target", 0));
  }
  return 3 * MIN (target_s, TARGET_MAX_S) * G_USEC_PER_SEC;
}

static guint64
get_low_mark (guint64 max)
{
  return max / 100 * WEIR_RETENTION_LOW_PERCENT + max % 100 * WEIR_RETENTION_LOW_PERCENT / 100;
}

gboolean
weir_retention_is_full (guint64 used, guint64 max, gboolean was_full)
{
  return max > 0 && used >= (was_full ? get_low_mark (max) : max);
}

guint
weir_retention_choose_oldest (GPtrArray *records, guint64 used, guint64 max)
{
  guint count = 0;

  while (count < records->len && used > 0 && used >= get_low_mark (max)) {
    const WeirBroadcastRecord *record = records->pdata[count++];

    used -= MIN (used, record->size);
  }
  return count;
}
