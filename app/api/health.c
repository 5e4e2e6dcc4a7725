/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/health.h"

#include "api/json.h"

/* @digits: after the point, 2 or 3: what means something */
static void
add_number (GString *json, const gchar *name, gdouble value, gboolean known, gint digits)
{
  const gdouble scale = digits == 2 ? 100 : 1000;
  const gdouble scaled = CLAMP (value * scale, -1e15, 1e15);

  if (known)
    weir_json_add_double (
        json, name, (gdouble) (gint64) (scaled + (scaled < 0 ? -0.5 : 0.5)) / scale);
  else
    weir_json_add_null (json, name);
}

static void
add_count (GString *json, const gchar *name, guint64 value)
{
  if (value > 0)
    weir_json_add_int (json, name, (gint64) value);
  else
    weir_json_add_null (json, name);
}

static void
add_issue (GString *json, const WeirBroadcastIssue *issue)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "code", issue->name);
  weir_json_add_string (json, "vendorCode", weir_health_code_get_vendor_code (issue->code));
  weir_json_add_string (json, "severity", weir_health_severity_get_name (issue->severity));
  weir_json_add_time (json, "since", issue->since_us);
  add_number (json, "value", issue->value, issue->measured, 3);
  add_number (json, "limit", issue->limit, issue->measured, 3);
  weir_json_add_string (json, "message", issue->text);
  weir_json_end_object (json);
}

static void
add_track (GString *json, const WeirBroadcastTrack *track)
{
  const WeirHealthTrack *measured = &track->measured;

  weir_json_begin_object (json, NULL);
  weir_json_add_string (json, "codec", track->codec);
  if (track->kind == WEIR_MEDIA_VIDEO) {
    gboolean has_gop = measured->gop_ns > 0;

    add_count (json, "width", track->width);
    add_count (json, "height", track->height);
    add_number (json, "frameRate", measured->frame_rate, measured->frame_rate > 0, 2);
    add_number (json, "gopSeconds", (gdouble) measured->gop_ns / 1e9, has_gop, 3);
    add_number (json, "gopMinSeconds", (gdouble) measured->gop_min_ns / 1e9, has_gop, 3);
    add_number (json, "gopMaxSeconds", (gdouble) measured->gop_max_ns / 1e9, has_gop, 3);
    add_count (json, "gopFrames", measured->gop_frames);
  } else {
    add_count (json, "sampleRate", track->sample_rate);
    add_count (json, "channels", track->channels);
  }
  add_count (json, "bitrate", (guint64) measured->bit_rate);
  add_number (json, "lagSeconds", (gdouble) measured->lag_ns / 1e9, TRUE, 3);
  weir_json_end_object (json);
}

static void
add_tracks (GString *json, const gchar *name, const WeirBroadcastHealth *health, WeirMediaKind kind)
{
  weir_json_begin_array (json, name);
  for (guint i = 0; i < health->tracks->len; i++)
    if (((const WeirBroadcastTrack *) health->tracks->pdata[i])->kind == kind)
      add_track (json, health->tracks->pdata[i]);
  weir_json_end_array (json);
}

void
weir_api_add_health (GString *json, const WeirBroadcastHealth *health)
{
  if (health == NULL) {
    weir_json_add_null (json, "health");
    return;
  }
  weir_json_begin_object (json, "health");
  weir_json_add_string (json, "state", weir_broadcast_health_get_state (health));
  weir_json_begin_array (json, "issues");
  for (guint i = 0; i < health->issues->len; i++)
    add_issue (json, health->issues->pdata[i]);
  weir_json_end_array (json);
  add_tracks (json, "video", health, WEIR_MEDIA_VIDEO);
  add_tracks (json, "audio", health, WEIR_MEDIA_AUDIO);
  add_number (json, "uploadRatio", health->ratio, health->ratio > 0, 3);
  weir_json_begin_object (json, "corrections");
  for (guint i = WEIR_REASON_NONE + 1; i < WEIR_REASON_LAST; i++)
    if (health->decisions[i] > 0)
      add_count (
          json, weir_decision_reason_get_name ((WeirDecisionReason) i), health->decisions[i]);
  weir_json_end_object (json);
  weir_json_end_object (json);
}
