/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics/metrics.h"

#include <string.h>

static void
describe (GString *text, const gchar *name, const gchar *help)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
      g_str_has_suffix (name, "_total") ? "counter" : "gauge");
}

static void
add (GString *text, const gchar *name, guint64 value, const gchar *help)
{
  describe (text, name, help);
  g_string_append_printf (text, "%s %" G_GUINT64_FORMAT "\n", name, value);
}

static void
add_seconds (GString *text, gint64 us)
{
  g_string_append_printf (
      text, "%" G_GINT64_FORMAT ".%06u\n", us / G_USEC_PER_SEC, (guint) (us % G_USEC_PER_SEC));
}

static void
add_http (GString *text, const WeirHttpServerStatistics *http)
{
  add (text, "weir_http_requests_total", http->requests, "HTTP requests answered.");
  describe (text, "weir_http_responses_total", "HTTP responses by class of status.");
  for (guint i = 1; i < G_N_ELEMENTS (http->responses_by_class); i++)
    g_string_append_printf (text,
        "weir_http_responses_total{class=\"%uxx\"} %" G_GUINT64_FORMAT "\n", i,
        http->responses_by_class[i]);
  add (text, "weir_http_sent_bytes_total", http->bytes_sent, "Bytes of response bodies sent.");
  add (text, "weir_http_connections", http->connections, "Open HTTP connections.");
  add (text, "weir_http_parked_requests", http->parked, "Requests that wait for their answer.");
}

static void
add_refusal (const gchar *reason, guint64 count, gpointer text)
{
  g_string_append_printf (
      text, "weir_refusals_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n", reason, count);
}

static void
add_door (GString *text, const WeirMetrics *metrics)
{
  describe (text, "weir_pending_connections",
      "Encoders' connections that have not been let in yet: those that talk, those that wait for "
      "their turn.");
  g_string_append_printf (text,
      "weir_pending_connections{state=\"talking\"} %u\n"
      "weir_pending_connections{state=\"waiting\"} %u\n",
      metrics->talking, metrics->waiting);
  add (text, "weir_open_files", metrics->open_files, "Open file descriptors of the process.");
  add (text, "weir_open_files_limit", metrics->open_files_max,
      "File descriptors that the process may have.");
  if (metrics->refusals == NULL)
    return;
  describe (text, "weir_refusals_total",
      "What was refused, cut off or thrown away: by the limit in weir.conf that was reached, or by "
      "a word.");
  weir_counters_foreach (metrics->refusals, add_refusal, text);
}

static void
add_rtmps (GString *text, const WeirRtmpsStatistics *rtmps)
{
  const gchar *name = "weir_rtmps_handshakes_total";

  if (rtmps->expiry != 0) {
    describe (text, "weir_certificate_expiry_timestamp_seconds",
        "When the first certificate of a listener expires, Unix time.");
    g_string_append_printf (text,
        "weir_certificate_expiry_timestamp_seconds{listener=\"rtmps\"} %" G_GINT64_FORMAT "\n",
        rtmps->expiry);
  }
  describe (text, name, "TLS handshakes of encoders.");
  g_string_append_printf (text,
      "%s{result=\"completed\"} %" G_GUINT64_FORMAT "\n%s{result=\"failed\"} %" G_GUINT64_FORMAT
      "\n",
      name, rtmps->handshakes.completed, name, rtmps->handshakes.failed);
}

static void
add_health (GString *text, const WeirBroadcastTotals *totals)
{
  describe (text, "weir_health_issues",
      "Broadcasts whose encoder does something wrong now, by what it is.");
  for (guint i = 0; i < WEIR_HEALTH_CODE_LAST; i++)
    g_string_append_printf (text, "weir_health_issues{code=\"%s\"} %u\n",
        weir_health_code_get_name ((WeirHealthCode) i), totals->health_issues[i]);
  describe (text, "weir_health_issues_total", "How often an encoder began to do something wrong.");
  for (guint i = 0; i < WEIR_HEALTH_CODE_LAST; i++)
    g_string_append_printf (text, "weir_health_issues_total{code=\"%s\"} %" G_GUINT64_FORMAT "\n",
        weir_health_code_get_name ((WeirHealthCode) i), totals->health_issues_total[i]);
  describe (text, "weir_timeline_decisions_total",
      "Frames and sounds that were given other times, or dropped, or are marked, by reason.");
  for (guint i = WEIR_REASON_NONE + 1; i < WEIR_REASON_LAST; i++)
    g_string_append_printf (text,
        "weir_timeline_decisions_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
        weir_decision_reason_get_name ((WeirDecisionReason) i), totals->decisions_total[i]);
}

gchar *
weir_metrics_format (const WeirMetrics *metrics)
{
  const WeirBroadcastTotals *totals = &metrics->broadcasts;
  GString *text = g_string_new (NULL);

  describe (text, "weir_process_start_time_seconds", "When the process started, Unix time.");
  g_string_append (text, "weir_process_start_time_seconds ");
  add_seconds (text, metrics->started_us);

  add (text, "weir_live_broadcasts", totals->live, "Broadcasts that are running.");
  add (text, "weir_ingest_connections_total", totals->connections_total,
      "Encoders' connections that were authorised.");
  add (text, "weir_ingest_refused_total", totals->refused_total,
      "Encoders' connections that were refused.");
  add (text, "weir_ingest_held_total", totals->held_total,
      "Encoders whose answer was held until it showed whether another one with their key is "
      "alive.");
  add (text, "weir_ingest_takeovers_total", totals->takeovers_total,
      "Encoders that were replaced by another one with the same key.");
  add (text, "weir_ingest_received_bytes_total", totals->bytes_received_total,
      "Bytes received from encoders.");
  add (text, "weir_segments_written_total", totals->segments_total, "Segments closed.");
  add (text, "weir_segments_written_bytes_total", totals->segment_bytes_total,
      "Bytes of the segments closed.");

  add (text, "weir_segments_forced_total", totals->segments_forced_total,
      "Segments that begin without a keyframe, as none came in time or the last one was full.");
  add (text, "weir_late_samples_total", totals->late_samples_total,
      "Frames and sounds that came after their segment had closed and went into the next one.");
  add (text, "weir_disk_refusals_total", totals->disk_refusals_total,
      "How often a broadcast's segments had to go to memory, since the disk refused them.");
  add (text, "weir_disk_refused_broadcasts", totals->refused,
      "Broadcasts whose segments are in memory only, and whose recording is paused.");
  add (text, "weir_disk_lost_buffers_total", totals->lost_buffers_total,
      "Frames and sounds lost because the disk was too slow for too long.");

  add_health (text, totals);
  add_door (text, metrics);
  if (metrics->rtmps != NULL)
    add_rtmps (text, metrics->rtmps);
  if (metrics->http != NULL)
    add_http (text, metrics->http);

  describe (text, "weir_worker_longest_push_seconds",
      "Longest time that one push of a buffer kept a worker.");
  for (guint i = 0; i < metrics->workers; i++) {
    g_string_append_printf (text, "weir_worker_longest_push_seconds{worker=\"%u\"} ", i);
    add_seconds (text, metrics->longest_pushes_us[i]);
  }
  return g_string_free (text, FALSE);
}
