/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/health.h"

#include "api/json.h"

static gchar *
format (const WeirBroadcastHealth *health)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_json_begin_object (json, NULL);
  weir_api_add_health (json, health);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static void
without_a_broadcast_it_is_null (void)
{
  g_autofree gchar *text = format (NULL);

  g_assert_cmpstr (text, ==, "{\"health\":null}");
}

static void
what_is_not_known_is_null_or_left_out (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();
  g_autofree gchar *text = format (health);

  g_assert_cmpstr (text, ==,
      "{\"health\":{\"state\":\"ok\",\"issues\":[],\"video\":[],\"audio\":[],"
      "\"uploadRatio\":null,\"corrections\":{}}}");
}

static void
issues_tracks_and_corrections_are_told (void)
{
  g_autoptr (WeirBroadcastHealth) health = weir_broadcast_health_new ();
  const WeirBroadcastIssue measured = {.name = (gchar *) "gop_too_long",
      .code = WEIR_HEALTH_GOP_TOO_LONG,
      .severity = WEIR_HEALTH_ERROR,
      .since_us = G_GINT64_CONSTANT (1700000000000000),
      .measured = TRUE,
      .value = 12,
      .limit = 10,
      .text = (gchar *) "Too long."};
  const WeirBroadcastIssue said = {.name = (gchar *) "odd",
      .code = WEIR_HEALTH_OTHER,
      .severity = WEIR_HEALTH_INFO,
      .since_us = G_GINT64_CONSTANT (1700000001000000),
      .text = (gchar *) "Odd."};
  const WeirBroadcastTrack video = {.kind = WEIR_MEDIA_VIDEO,
      .codec = (gchar *) "H.264",
      .width = 1280,
      .height = 720,
      .measured = {.present = TRUE,
          .frame_rate = 29.97002,
          .bit_rate = 2500000.4,
          .gop_ns = G_GINT64_CONSTANT (12000000000),
          .gop_min_ns = G_GINT64_CONSTANT (2000000000),
          .gop_max_ns = G_GINT64_CONSTANT (12000000000),
          .gop_frames = 360,
          .lag_ns = -12345678}};
  const WeirBroadcastTrack audio = {.kind = WEIR_MEDIA_AUDIO,
      .codec = (gchar *) "AAC",
      .sample_rate = 48000,
      .channels = 2,
      .measured = {.present = TRUE, .bit_rate = 128000}};
  g_autofree gchar *text = NULL;

  weir_broadcast_health_raise (health, &measured);
  weir_broadcast_health_raise (health, &said);
  weir_broadcast_health_add_track (health, &video);
  weir_broadcast_health_add_track (health, &audio);
  health->ratio = 1.00049;
  health->decisions[WEIR_REASON_NONE] = 1000;
  health->decisions[WEIR_REASON_BACKWARD_DTS] = 7;
  text = format (health);
  g_assert_cmpstr (text, ==,
      "{\"health\":{\"state\":\"error\",\"issues\":[{\"code\":\"gop_too_long\","
      "\"vendorCode\":\"ERR_GOP_OUT_OF_RANGE\",\"severity\":\"error\","
      "\"since\":\"2023-11-14T22:13:20.000000Z\",\"value\":12.0,\"limit\":10.0,"
      "\"message\":\"Too long.\"},{\"code\":\"odd\",\"vendorCode\":null,\"severity\":\"info\","
      "\"since\":\"2023-11-14T22:13:21.000000Z\",\"value\":null,\"limit\":null,"
      "\"message\":\"Odd.\"}],\"video\":[{\"codec\":\"H.264\",\"width\":1280,\"height\":720,"
      "\"frameRate\":29.969999999999999,\"gopSeconds\":12.0,\"gopMinSeconds\":2.0,"
      "\"gopMaxSeconds\":12.0,\"gopFrames\":360,\"bitrate\":2500000,\"lagSeconds\":-0.012}],"
      "\"audio\":[{\"codec\":\"AAC\",\"sampleRate\":48000,\"channels\":2,\"bitrate\":128000,"
      "\"lagSeconds\":0.0}],\"uploadRatio\":1.0,\"corrections\":{\"backward-dts\":7}}}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/api/health/" #name, name)
  ADD (without_a_broadcast_it_is_null);
  ADD (what_is_not_known_is_null_or_left_out);
  ADD (issues_tracks_and_corrections_are_told);
  return g_test_run ();
}
