/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/health.h"

#include "api/envelope.h"

/* @digits: after the point, 2 or 3: what means something */
static void
add_number (JsonBuilder *builder, const gchar *name, gdouble value, gboolean known, gint digits)
{
  const gdouble scale = digits == 2 ? 100 : 1000;
  const gdouble scaled = CLAMP (value * scale, -1e15, 1e15);

  json_builder_set_member_name (builder, name);
  if (known)
    json_builder_add_double_value (
        builder, (gdouble) (gint64) (scaled + (scaled < 0 ? -0.5 : 0.5)) / scale);
  else
    json_builder_add_null_value (builder);
}

static void
add_count (JsonBuilder *builder, const gchar *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  if (value > 0)
    json_builder_add_int_value (builder, (gint64) value);
  else
    json_builder_add_null_value (builder);
}

static void
add_issue (JsonBuilder *builder, const WeirBroadcastIssue *issue)
{
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "code", issue->name);
  weir_api_add_string (builder, "vendorCode", weir_health_code_get_vendor_code (issue->code));
  weir_api_add_string (builder, "severity", weir_health_severity_get_name (issue->severity));
  weir_api_add_time (builder, "since", issue->since_us);
  add_number (builder, "value", issue->value, issue->measured, 3);
  add_number (builder, "limit", issue->limit, issue->measured, 3);
  weir_api_add_string (builder, "message", issue->text);
  json_builder_end_object (builder);
}

static void
add_track (JsonBuilder *builder, const WeirBroadcastTrack *track)
{
  const WeirHealthTrack *measured = &track->measured;

  json_builder_begin_object (builder);
  weir_api_add_string (builder, "codec", track->codec);
  if (track->kind == WEIR_MEDIA_VIDEO) {
    gboolean has_gop = measured->gop_ns > 0;

    add_count (builder, "width", track->width);
    add_count (builder, "height", track->height);
    add_number (builder, "frameRate", measured->frame_rate, measured->frame_rate > 0, 2);
    add_number (builder, "gopSeconds", (gdouble) measured->gop_ns / 1e9, has_gop, 3);
    add_number (builder, "gopMinSeconds", (gdouble) measured->gop_min_ns / 1e9, has_gop, 3);
    add_number (builder, "gopMaxSeconds", (gdouble) measured->gop_max_ns / 1e9, has_gop, 3);
    add_count (builder, "gopFrames", measured->gop_frames);
  } else {
    add_count (builder, "sampleRate", track->sample_rate);
    add_count (builder, "channels", track->channels);
  }
  add_count (builder, "bitrate", (guint64) measured->bit_rate);
  add_number (builder, "lagSeconds", (gdouble) measured->lag_ns / 1e9, TRUE, 3);
  json_builder_end_object (builder);
}

static void
add_tracks (
    JsonBuilder *builder, const gchar *name, const WeirBroadcastHealth *health, WeirMediaKind kind)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < health->tracks->len; i++)
    if (((const WeirBroadcastTrack *) health->tracks->pdata[i])->kind == kind)
      add_track (builder, health->tracks->pdata[i]);
  json_builder_end_array (builder);
}

void
weir_api_add_health (JsonBuilder *builder, const WeirBroadcastHealth *health)
{
  json_builder_set_member_name (builder, "health");
  if (health == NULL) {
    json_builder_add_null_value (builder);
    return;
  }
  json_builder_begin_object (builder);
  weir_api_add_string (builder, "state", weir_broadcast_health_get_state (health));
  json_builder_set_member_name (builder, "issues");
  json_builder_begin_array (builder);
  for (guint i = 0; i < health->issues->len; i++)
    add_issue (builder, health->issues->pdata[i]);
  json_builder_end_array (builder);
  add_tracks (builder, "video", health, WEIR_MEDIA_VIDEO);
  add_tracks (builder, "audio", health, WEIR_MEDIA_AUDIO);
  add_number (builder, "uploadRatio", health->ratio, health->ratio > 0, 3);
  json_builder_set_member_name (builder, "corrections");
  json_builder_begin_object (builder);
  for (guint i = WEIR_REASON_NONE + 1; i < WEIR_REASON_LAST; i++)
    if (health->decisions[i] > 0)
      add_count (
          builder, weir_decision_reason_get_name ((WeirDecisionReason) i), health->decisions[i]);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}
