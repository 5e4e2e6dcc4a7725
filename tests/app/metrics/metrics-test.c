/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics/metrics.h"

#include "config.h"
#include "folder.h"
#include "http/app.h"
#include "net/door.h"
#include "rtmp/listener.h"

#include <string.h>

static void
refusals_are_shown_by_reason (void)
{
  g_autoptr (WeirCounters) counters = weir_counters_new ();
  WeirMetrics metrics = {
      .refusals = counters, .talking = 3, .waiting = 4, .open_files = 17, .open_files_max = 1024};
  g_autofree gchar *text = NULL;

  weir_counters_declare (counters, "unknown-key");
  weir_counters_add (counters, "rtmp-handshake");
  weir_counters_add (counters, "rtmp-handshake");
  text = weir_metrics_format (&metrics);
  g_assert_nonnull (strstr (text, "# TYPE weir_refusals_total counter\n"
                                  "weir_refusals_total{reason=\"rtmp-handshake\"} 2\n"
                                  "weir_refusals_total{reason=\"unknown-key\"} 0\n"));
  g_assert_nonnull (strstr (text, "\nweir_pending_connections{state=\"talking\"} 3\n"
                                  "weir_pending_connections{state=\"waiting\"} 4\n"));
  g_assert_nonnull (strstr (text, "\nweir_open_files 17\n"));
  g_assert_nonnull (strstr (text, "\nweir_open_files_limit 1024\n"));
}

static void
health_and_decisions_are_shown_by_code_and_reason (void)
{
  WeirMetrics metrics = {0};
  g_autofree gchar *text = NULL;

  metrics.broadcasts.health_issues[WEIR_HEALTH_STARVING] = 2;
  metrics.broadcasts.health_issues_total[WEIR_HEALTH_GOP_TOO_LONG] = 3;
  metrics.broadcasts.decisions_total[WEIR_REASON_NONE] = 1000;
  metrics.broadcasts.decisions_total[WEIR_REASON_SPIKE] = 4;
  text = weir_metrics_format (&metrics);
  g_assert_nonnull (strstr (text, "# TYPE weir_health_issues gauge\n"));
  g_assert_nonnull (strstr (text, "\nweir_health_issues{code=\"starving\"} 2\n"));
  g_assert_nonnull (strstr (text, "# TYPE weir_health_issues_total counter\n"));
  g_assert_nonnull (strstr (text, "\nweir_health_issues_total{code=\"gop_too_long\"} 3\n"));
  g_assert_nonnull (strstr (text, "\nweir_health_issues_total{code=\"other\"} 0\n"));
  g_assert_nonnull (strstr (text, "\nweir_timeline_decisions_total{reason=\"spike\"} 4\n"));
  g_assert_null (strstr (text, "1000"));
}

/* what the daemon is made of declares its reasons; whoever adds a limit says how it is counted */
static void
every_limit_has_a_reason_from_the_start (void)
{
  const gchar *const others[] = {
      "rtmp-window",         /* smaller windows are treated as this */
      "http-write-progress", /* counted as http-write-stall */
      "disk-queue",          /* counted as weir_disk_lost_buffers_total */
      "disk-queue-total",    /* likewise */
      "segment-size",        /* counted as weir_segments_forced_total */
      "part-size",           /* ends a part, nothing else */
      "held-media",          /* media goes where it can, counted as weir_late_samples_total */
      NULL,
  };
  g_autoptr (WeirCounters) counters = weir_counters_new ();
  g_autoptr (WeirWorker) worker = weir_worker_new ("accept");
  g_autoptr (WeirWorkerPool) workers = weir_worker_pool_new (1);
  g_autofree const gchar **keys = weir_config_get_keys ("limits");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *folder = g_dir_make_tmp (NULL, NULL);
  g_autofree gchar *database = g_build_filename (folder, "weir.db", NULL);
  g_autofree gchar *token = g_build_filename (folder, "token", NULL);
  g_autofree gchar *segments = g_build_filename (folder, "segments", NULL);
  g_autoptr (WeirConfig) config = weir_config_load ("/dev/null", NULL, &error);
  WeirStore *store = weir_store_sqlite_new (database, &error);
  WeirBlobs *blobs = weir_blobs_file_new (segments, &error);
  WeirBroadcastManager *manager;
  WeirDoorSettings door_settings;
  WeirRtmpListenerSettings rtmp_settings;
  WeirHttpServerSettings http_settings;
  g_autoptr (WeirDoor) door = NULL;
  g_autoptr (WeirRtmpListener) rtmp = NULL;
  WeirHttpAppSettings app_settings = {0};
  g_autoptr (WeirHttpApp) app = NULL;
  WeirAuth *auth;
  WeirHttpServer *http;
  g_autofree gchar *text = NULL;
  WeirMetrics metrics = {.refusals = counters};

  g_assert_no_error (error);
  weir_door_settings_init (&door_settings);
  door_settings.counters = counters;
  door = weir_door_new (&door_settings);
  weir_rtmp_listener_settings_init (&rtmp_settings);
  rtmp_settings.counters = counters;
  rtmp_settings.door = door;
  rtmp = weir_rtmp_listener_new ("127.0.0.1:0", &rtmp_settings, worker, &error);
  g_assert_no_error (error);
  manager = weir_broadcast_manager_new (config, store, blobs, workers);
  weir_broadcast_manager_set_counters (manager, counters);
  auth = weir_auth_load (folder, "", token, &error);
  g_assert_no_error (error);
  app_settings.config = config;
  app_settings.store = store;
  app_settings.blobs = blobs;
  app_settings.auth = auth;
  app_settings.manager = manager;
  app_settings.counters = counters;
  app = weir_http_app_new (&app_settings);
  weir_http_server_settings_init (&http_settings);
  http_settings.counters = counters;
  http = weir_http_server_new ("127.0.0.1:0", &http_settings, weir_http_app_handle, app, &error);
  g_assert_no_error (error);

  text = weir_metrics_format (&metrics);
  g_assert_cmpuint (g_strv_length ((gchar **) keys), >, 20);
  for (guint i = 0; keys[i] != NULL; i++) {
    g_autofree gchar *line = g_strdup_printf ("\nweir_refusals_total{reason=\"%s\"} 0\n", keys[i]);

    if ((strstr (text, line) != NULL) == g_strv_contains (others, keys[i]))
      g_error ("limits.%s is no declared reason, or one that was not expected", keys[i]);
  }
  g_assert_nonnull (strstr (text, "\nweir_refusals_total{reason=\"unknown-key\"} 0\n"));

  weir_rtmp_listener_stop (rtmp);
  weir_http_server_free (http);
  g_clear_pointer (&app, weir_http_app_free);
  weir_broadcast_manager_free (manager);
  weir_auth_free (auth);
  g_object_unref (blobs);
  g_object_unref (store);
  remove_folder (folder);
}

static void
rtmps_has_its_handshakes_and_the_end_of_its_certificate_while_it_is_on (void)
{
  WeirRtmpsStatistics rtmps = {.expiry = 1800000000, .handshakes = {.completed = 5, .failed = 2}};
  WeirMetrics metrics = {.rtmps = &rtmps};
  g_autofree gchar *on = weir_metrics_format (&metrics);
  g_autofree gchar *off = NULL;

  g_assert_nonnull (
      strstr (on, "\n# TYPE weir_certificate_expiry_timestamp_seconds gauge\n"
                  "weir_certificate_expiry_timestamp_seconds{listener=\"rtmps\"} 1800000000\n"));
  g_assert_nonnull (strstr (on, "\n# TYPE weir_rtmps_handshakes_total counter\n"
                                "weir_rtmps_handshakes_total{result=\"completed\"} 5\n"
                                "weir_rtmps_handshakes_total{result=\"failed\"} 2\n"));
  rtmps = (WeirRtmpsStatistics){0};
  off = weir_metrics_format (&metrics);
  g_assert_null (strstr (off, "weir_certificate_expiry"));
  g_assert_nonnull (strstr (off, "weir_rtmps_handshakes_total{result=\"completed\"} 0\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/metrics/" #name, name)
  TEST (refusals_are_shown_by_reason);
  TEST (health_and_decisions_are_shown_by_code_and_reason);
  TEST (every_limit_has_a_reason_from_the_start);
  TEST (rtmps_has_its_handshakes_and_the_end_of_its_certificate_while_it_is_on);
  return g_test_run ();
}
