/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any thread: what happens to a broadcast, as events. */
#include "broadcast/private.h"

static void
add_string (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const gchar *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_double (JsonBuilder *builder, const gchar *name, gdouble value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static JsonBuilder *
begin_data (void)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  return builder;
}

/* @builder: (transfer full) */
static gchar *
end_data (JsonBuilder *the_builder)
{
  g_autoptr (JsonBuilder) builder = the_builder;
  g_autoptr (JsonNode) root = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

WeirEvent *
weir_broadcast_make_event (const WeirBroadcastRecord *record, const gchar *type, const gchar *data)
{
  return weir_event_new (type, record->account, record->input, record->uid, data);
}

/* @data: (transfer full) */
static void
tell (WeirBroadcast *self, const gchar *type, gchar *data)
{
  if (self->context.events != NULL)
    weir_events_emit (self->context.events, weir_broadcast_make_event (self->record, type, data));
  g_free (data);
}

void
weir_broadcast_tell (WeirBroadcast *self, const gchar *type, const gchar *reason)
{
  JsonBuilder *data = begin_data ();

  if (reason != NULL)
    add_string (data, "reason", reason);
  tell (self, type, end_data (data));
}

void
weir_broadcast_tell_started (WeirBroadcast *self)
{
  JsonBuilder *data = begin_data ();

  json_builder_set_member_name (data, "recorded");
  json_builder_add_boolean_value (data, self->record->recorded);
  tell (self, WEIR_EVENT_BROADCAST_STARTED, end_data (data));
}

void
weir_broadcast_tell_waiting (
    WeirBroadcast *self, const gchar *type, const gchar *reason, gint64 deadline_us)
{
  JsonBuilder *data = begin_data ();
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (deadline_us / G_USEC_PER_SEC);
  g_autofree gchar *deadline = time != NULL ? g_date_time_format_iso8601 (time) : NULL;

  if (reason != NULL)
    add_string (data, "reason", reason);
  if (deadline != NULL)
    add_string (data, "deadline", deadline);
  tell (self, type, end_data (data));
}

void
weir_broadcast_tell_connection (
    WeirBroadcast *self, const gchar *type, WeirConnection *connection, const gchar *reason)
{
  JsonBuilder *data = begin_data ();

  add_string (data, "protocol", weir_connection_get_protocol (connection));
  add_string (data, "address", weir_connection_get_peer (connection));
  if (reason != NULL)
    add_string (data, "reason", reason);
  tell (self, type, end_data (data));
}

static void
tell_errored (WeirBroadcast *self, const WeirBroadcastIssue *issue, const gchar *vendor_code,
    const gchar *video, const gchar *audio)
{
  JsonBuilder *data = begin_data ();

  add_string (data, "code", issue->name);
  add_string (data, "vendorCode", vendor_code);
  add_string (data, "message", issue->text != NULL ? issue->text : "");
  add_string (data, "videoCodec", video);
  add_string (data, "audioCodec", audio);
  tell (self, WEIR_EVENT_INPUT_ERRORED, end_data (data));
}

void
weir_broadcast_tell_health (WeirBroadcast *self, const WeirBroadcastIssue *issue, gboolean raised,
    const gchar *video, const gchar *audio)
{
  g_autofree gchar *type = g_strconcat (WEIR_EVENT_HEALTH_PREFIX, issue->name, NULL);
  const gchar *vendor_code = weir_health_code_get_vendor_code (issue->code);
  JsonBuilder *data = begin_data ();

  add_string (data, "state", raised ? "raised" : "cleared");
  add_string (data, "severity", weir_health_severity_get_name (issue->severity));
  if (issue->measured) {
    add_double (data, "value", issue->value);
    add_double (data, "limit", issue->limit);
  }
  add_string (data, "message", issue->text != NULL ? issue->text : "");
  tell (self, type, end_data (data));
  if (raised && vendor_code != NULL)
    tell_errored (self, issue, vendor_code, video, audio);
}

WeirEvent *
weir_broadcast_make_segment_event (
    const WeirBroadcastRecord *record, const WeirIndexSegment *segment, const gchar *name)
{
  JsonBuilder *builder = begin_data ();
  g_autofree gchar *data = NULL;

  add_int (builder, "epoch", (gint64) segment->epoch);
  add_int (builder, "number", (gint64) segment->number);
  add_string (builder, "name", name);
  add_int (builder, "size", (gint64) segment->size);
  add_int (builder, "durationUs", segment->duration_ns / 1000);
  add_int (builder, "mediaSequence", (gint64) segment->media_sequence);
  json_builder_set_member_name (builder, "discontinuity");
  json_builder_add_boolean_value (builder, segment->discontinuity);
  data = end_data (builder);
  return weir_broadcast_make_event (record, WEIR_EVENT_SEGMENT_COMMITTED, data);
}
