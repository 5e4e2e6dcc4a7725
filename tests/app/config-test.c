/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rtmp/settings.h"

#include <glib/gstdio.h>
#include <string.h>

/* a key file of this content; unlinked by the caller */
static gchar *
make_file (const gchar *content)
{
  g_autofree gchar *path = NULL;
  g_autoptr (GError) error = NULL;
  gint fd = g_file_open_tmp ("weir-XXXXXX.conf", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  return g_steal_pointer (&path);
}

static WeirConfig *
load (const gchar *content, GError **error)
{
  g_autofree gchar *path = make_file (content);
  WeirConfig *config = weir_config_load (path, NULL, error);

  g_unlink (path);
  return config;
}

static void
an_empty_file_gives_the_defaults (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = load ("", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (config->http.listen, ==, "[::]:8080");
  g_assert_cmpstr (config->http.admin_listen, ==, "");
  g_assert_cmpstr (config->rtmp.listen, ==, "[::]:1935");
  g_assert_cmpstr (config->rtmp.app, ==, "live");
  g_assert_cmpint (config->rtmp.read_interval, ==, 20000);
  g_assert_cmpint (config->segments.duration, ==, 2000000);
  g_assert_cmpint (config->segments.part_duration, ==, 500000);
  g_assert_true (config->recording.automatic);
  g_assert_cmpint (config->recording.timeout, ==, 60000000);
  g_assert_cmpstr (config->store.backend, ==, "sqlite");
  g_assert_cmpstr (config->blobs.backend, ==, "file");
  g_assert_cmpuint (config->server.workers, ==, 0);
  g_assert_cmpstr (config->server.log_level, ==, "info");
  g_assert_cmpstr (config->server.log_format, ==, "text");
  g_assert_cmpstr (config->server.node_name, !=, "");
  g_assert_cmpint (config->limits.rtmp_handshake, ==, 10000000);
  g_assert_cmpuint (config->limits.pending_connections, ==, 0);
  g_assert_cmpuint (config->limits.pending_connections_per_address, ==, 20);
  g_assert_cmpstr (config->http.trusted_proxies, ==, "");
  g_assert_cmpstr (config->rtmp.trusted_proxies, ==, "");
  g_assert_cmpint (config->limits.rtmp_video_message, ==, 8 * 1024 * 1024);
  g_assert_cmpint (config->limits.http_body, ==, 64 * 1024);
}

static void
values_with_units_are_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = load ("[segments]\nduration=4s\npart-duration = 250ms\n"
                                        "[recording]\ntimeout=2min\nmode=off\n"
                                        "[rtmp]\nread-interval=0\nlisten=127.0.0.1:0;[::1]:0\n"
                                        "trusted-proxies=10.0.0.0/8; ::1\n"
                                        "[limits]\nrtmp-video-message=1MiB\nhttp-body=2048B\n"
                                        "pending-connections=7\n"
                                        "[http]\nlisten=\npublic-url=https://[2001:db8::1]:8443/\n"
                                        "[api]\naccount=a_B-9\n",
      &error);

  g_assert_no_error (error);
  g_assert_cmpint (config->segments.duration, ==, 4000000);
  g_assert_cmpint (config->segments.part_duration, ==, 250000);
  g_assert_cmpint (config->recording.timeout, ==, 120000000);
  g_assert_false (config->recording.automatic);
  g_assert_cmpint (config->rtmp.read_interval, ==, 0);
  g_assert_cmpstr (config->rtmp.listen, ==, "127.0.0.1:0;[::1]:0");
  g_assert_cmpint (config->limits.rtmp_video_message, ==, 1024 * 1024);
  g_assert_cmpint (config->limits.http_body, ==, 2048);
  g_assert_cmpuint (config->limits.pending_connections, ==, 7);
  g_assert_cmpstr (config->http.listen, ==, "");
  g_assert_cmpstr (config->server.public_host, ==, "2001:db8::1");
  g_assert_cmpstr (config->api.account, ==, "a_B-9");
  g_assert_cmpstr (config->rtmp.trusted_proxies, ==, "10.0.0.0/8; ::1");
}

static void
what_is_wrong_is_named (void)
{
  const struct {
    const gchar *content;
    gint code;
    const gchar *mention;
  } cases[] = {
      {"[rtmp]\n\nlissten=:1\n", WEIR_CONFIG_ERROR_UNKNOWN, ":3: rtmp.lissten: unknown key"},
      {"[http]\n[rtmpx]\n", WEIR_CONFIG_ERROR_UNKNOWN, ":2: [rtmpx]: unknown section"},
      {"[http]\nlisten[de]=1\n", WEIR_CONFIG_ERROR_UNKNOWN, ":2: http.listen[de]"},
      {"[rtmp]\napp=a\n# app=b\napp=c\n", WEIR_CONFIG_ERROR_VALUE,
          ":4: rtmp.app: is there 2 times"},
      {"[segments]\nduration=2\n", WEIR_CONFIG_ERROR_VALUE, ":2: segments.duration: needs a unit"},
      {"[segments]\nduration=2 s\n", WEIR_CONFIG_ERROR_VALUE, "segments.duration"},
      {"[segments]\nduration=-2s\n", WEIR_CONFIG_ERROR_VALUE, "segments.duration"},
      {"[segments]\nduration=2S\n", WEIR_CONFIG_ERROR_VALUE, "segments.duration"},
      {"[segments]\nduration=\n", WEIR_CONFIG_ERROR_VALUE, "segments.duration"},
      {"[segments]\nduration=0\n", WEIR_CONFIG_ERROR_VALUE, "must be from 500ms to 60s"},
      {"[segments]\nduration=61s\n", WEIR_CONFIG_ERROR_VALUE, "must be from 500ms to 60s"},
      {"[segments]\nduration=99999999999999999999s\n", WEIR_CONFIG_ERROR_VALUE, "too large"},
      {"[segments]\nduration=9223372036854775807d\n", WEIR_CONFIG_ERROR_VALUE, "too large"},
      {"[segments]\nduration=1s\npart-duration=2s\n", WEIR_CONFIG_ERROR_VALUE,
          "segments.part-duration"},
      {"[limits]\nhttp-body=64K\n", WEIR_CONFIG_ERROR_VALUE, "limits.http-body: needs a unit"},
      {"[limits]\nhttp-body=65536\n", WEIR_CONFIG_ERROR_VALUE, "limits.http-body: needs a unit"},
      {"[limits]\nrtmp-video-message=16MiB\n", WEIR_CONFIG_ERROR_VALUE, "must be from 64KiB"},
      {"[limits]\nhttp-connections=1e3\n", WEIR_CONFIG_ERROR_VALUE, "is no whole number"},
      {"[limits]\nhttp-connections=0\n", WEIR_CONFIG_ERROR_VALUE, "must be from 1"},
      {"[server]\nworkers=-1\n", WEIR_CONFIG_ERROR_VALUE, "server.workers"},
      {"[http]\ntrusted-proxies=10.0.0.1/8\n", WEIR_CONFIG_ERROR_VALUE,
          ":2: http.trusted-proxies: \"10.0.0.1/8\" is no network"},
      {"[rtmp]\ntrusted-proxies=proxy.example.org\n", WEIR_CONFIG_ERROR_VALUE,
          "rtmp.trusted-proxies"},
      {"[server]\nlog-level=loud\n", WEIR_CONFIG_ERROR_VALUE, "error warning info debug"},
      {"[server]\nnode-name=a\\nb\n", WEIR_CONFIG_ERROR_VALUE, "control characters"},
      {"[rtmp]\napp=\n", WEIR_CONFIG_ERROR_VALUE, "rtmp.app: must not be empty"},
      {"[rtmp]\napp=a/b\n", WEIR_CONFIG_ERROR_VALUE, "rtmp.app"},
      {"[rtmp]\nlisten=1935\n", WEIR_CONFIG_ERROR_VALUE, "rtmp.listen: is no listen"},
      {"[http]\npublic-url=live.example.org\n", WEIR_CONFIG_ERROR_VALUE, "http.public-url"},
      {"[http]\npublic-url=ftp://live.example.org\n", WEIR_CONFIG_ERROR_VALUE, "http.public-url"},
      {"[api]\naccount=a b\n", WEIR_CONFIG_ERROR_VALUE, "api.account"},
      {"[recording]\nmode=manual\n", WEIR_CONFIG_ERROR_VALUE, "recording.mode"},
      {"[store]\nbackend=mysql\n", WEIR_CONFIG_ERROR_VALUE, "store.backend"},
      {"[store]\nbackend=(etcd)\n", WEIR_CONFIG_ERROR_VALUE, "store.backend"},
      {"[store]\nbackend=etcd\n", WEIR_CONFIG_ERROR_UNAVAILABLE, "store.backend"},
      {"[blobs]\nbackend=s3\n", WEIR_CONFIG_ERROR_UNAVAILABLE, "blobs.backend"},
      {"[rtmps]\nlisten=1936\n", WEIR_CONFIG_ERROR_VALUE, "rtmps.listen: is no listen"},
      {"[srt]\nlatency=1s\n", WEIR_CONFIG_ERROR_UNAVAILABLE,
          ":2: srt.latency: is not available in this version"},
      {"[webrtc]\nlisten=[::]:8189\n", WEIR_CONFIG_ERROR_UNAVAILABLE, "webrtc.listen"},
      {"[recording]\nmin-free=91%\n", WEIR_CONFIG_ERROR_VALUE, "0 to 90%"},
      {"[recording]\nmin-free=5\n", WEIR_CONFIG_ERROR_VALUE, "needs a unit, such as 5%"},
      {"[egress]\nallow=10.0.0.0/99\n", WEIR_CONFIG_ERROR_VALUE, "egress.allow"},
      {"listen=1\n", WEIR_CONFIG_ERROR_FILE, "weir-"},
      {"[http\n", WEIR_CONFIG_ERROR_FILE, "weir-"},
      {"[http]\nlisten\n", WEIR_CONFIG_ERROR_FILE, "weir-"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirConfig) config = load (cases[i].content, &error);

    g_test_message ("%s → %s", cases[i].content, error != NULL ? error->message : "no error");
    g_assert_error (error, WEIR_CONFIG_ERROR, cases[i].code);
    g_assert_null (config);
    g_assert_nonnull (strstr (error->message, cases[i].mention));
  }
}

static void
keys_of_later_versions_may_be_empty (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = load ("[srt]\nlisten=\n[store]\nendpoints=\n", &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
}

static void
overrides_win_over_the_file (void)
{
  g_autofree gchar *path = make_file ("[rtmp]\napp=file\n[segments]\nduration=4s\n");
  const gchar *const overrides[] = {
      "rtmp.app=first", "rtmp.app=override", "http.listen=127.0.0.1:0", NULL};
  const gchar *const wrong[][2] = {{"rtmp.nothing=1", NULL}, {"nothing.app=1", NULL},
      {"rtmp.app", NULL}, {"app=1", NULL}, {"rtmp=a.b", NULL}, {"", NULL},
      {"segments.duration=2", NULL}, {"srt.listen=[::]:8890", NULL}};
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = weir_config_load (path, overrides, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (config->rtmp.app, ==, "override");
  g_assert_cmpstr (config->http.listen, ==, "127.0.0.1:0");
  g_assert_cmpint (config->segments.duration, ==, 4000000);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_assert_null (weir_config_load (path, wrong[i], &error));
    g_assert_nonnull (error);
    g_assert_true (g_str_has_prefix (error->message, "-o "));
    g_clear_error (&error);
  }
  g_unlink (path);
}

static void
a_named_file_that_is_missing_is_an_error (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_config_load ("/nonexistent/weir.conf", NULL, &error));
  g_assert_error (error, WEIR_CONFIG_ERROR, WEIR_CONFIG_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "/nonexistent/weir.conf"));
  g_clear_error (&error);

  g_setenv ("WEIR_CONFIG", "/nonexistent/other.conf", TRUE);
  g_assert_null (weir_config_load (NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent/other.conf"));
  g_unsetenv ("WEIR_CONFIG");
}

static void
the_environment_names_a_file_and_the_option_wins (void)
{
  g_autofree gchar *one = make_file ("[rtmp]\napp=one\n");
  g_autofree gchar *two = make_file ("[rtmp]\napp=two\n");
  g_autoptr (WeirConfig) environment = NULL;
  g_autoptr (WeirConfig) option = NULL;

  g_setenv ("WEIR_CONFIG", one, TRUE);
  environment = weir_config_load (NULL, NULL, NULL);
  option = weir_config_load (two, NULL, NULL);
  g_unsetenv ("WEIR_CONFIG");
  g_assert_cmpstr (environment->rtmp.app, ==, "one");
  g_assert_cmpstr (option->rtmp.app, ==, "two");
  g_unlink (one);
  g_unlink (two);
}

static void
the_state_folder_follows_the_service_manager_and_holds_the_rest (void)
{
  const gchar *const overrides[] = {
      "server.state-dir=/tmp/a/../b", "api.token-file=/run/token", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) service = NULL;
  g_autoptr (WeirConfig) named = NULL;

  g_setenv ("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", TRUE);
  service = load ("", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (service->server.state_dir, ==, "/var/lib/one");
  g_assert_cmpstr (service->api.token_file, ==, "/var/lib/one/api-token");
  g_assert_cmpstr (service->blobs.path, ==, "/var/lib/one/segments");
  named = weir_config_load (NULL, overrides, &error);
  g_unsetenv ("STATE_DIRECTORY");
  g_assert_no_error (error);
  g_assert_cmpstr (named->server.state_dir, ==, "/tmp/b");
  g_assert_cmpstr (named->api.token_file, ==, "/run/token");
  g_assert_cmpstr (named->blobs.path, ==, "/tmp/b/segments");
}

static void
what_is_written_out_is_read_back_the_same (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = load ("[server]\nstate-dir=/tmp/with \\\\ and ü\n"
                                        "[segments]\nduration=2500ms\n[recording]\ntimeout=1h\n"
                                        "[limits]\nhttp-body=1500B\n",
      &error);
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  g_autoptr (WeirConfig) again = NULL;

  g_assert_no_error (error);
  first = weir_config_to_string (config);
  g_assert_nonnull (strstr (first, "duration=2500ms\n"));
  g_assert_nonnull (strstr (first, "timeout=60min\n"));
  g_assert_nonnull (strstr (first, "http-body=1500B\n"));
  g_assert_nonnull (strstr (first, "state-dir=/tmp/with \\\\ and ü\n"));
  again = load (first, &error);
  g_assert_no_error (error);
  second = weir_config_to_string (again);
  g_assert_cmpstr (first, ==, second);
}

/* with WEIR_UPDATE_EXPECTED set, writes the file instead of comparing it */
static void
compare_with_file (const gchar *path, const gchar *expected)
{
  g_autofree gchar *content = NULL;

  if (g_getenv ("WEIR_UPDATE_EXPECTED") != NULL)
    g_assert_true (g_file_set_contents (path, expected, -1, NULL));
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  if (strcmp (content, expected) != 0)
    g_test_message ("%s does not follow the table in app/config.c; run this test with "
                    "WEIR_UPDATE_EXPECTED=1",
        path);
  g_assert_cmpstr (content, ==, expected);
}

static void
the_example_has_every_key_with_its_default (void)
{
  g_autofree gchar *path = g_test_build_filename (G_TEST_DIST, "..", "data", "weir.conf", NULL);
  g_autofree gchar *example = weir_config_get_example ();
  g_autoptr (GRegex) commented = g_regex_new ("^#([a-z-]+=)", G_REGEX_MULTILINE, 0, NULL);
  g_autofree gchar *live = g_regex_replace (commented, example, -1, 0, "\\1", 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) defaults = load ("", NULL);
  g_autoptr (WeirConfig) config = NULL;
  g_autofree gchar *from_defaults = NULL;
  g_autofree gchar *from_example = NULL;

  compare_with_file (path, example);
  /* and uncommented it says what is so anyway */
  g_assert_nonnull (strstr (live, "\nread-interval=20ms\n"));
  config = load (live, &error);
  g_assert_no_error (error);
  from_defaults = weir_config_to_string (defaults);
  from_example = weir_config_to_string (config);
  g_assert_cmpstr (from_defaults, ==, from_example);
}

static void
the_manual_has_an_entry_for_every_key (void)
{
  static const gchar begin[] = ".\\\" keys begin\n";
  static const gchar end[] = ".\\\" keys end\n";
  g_autofree gchar *path =
      g_test_build_filename (G_TEST_DIST, "..", "data", "man", "weir.conf.5", NULL);
  g_autofree gchar *manual = weir_config_get_manual ();
  g_autofree gchar *content = NULL;
  g_autofree gchar *head = NULL;
  g_autofree gchar *expected = NULL;
  const gchar *from, *to;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  from = strstr (content, begin);
  to = strstr (content, end);
  g_assert_true (from != NULL && to > from);
  head = g_strndup (content, (gsize) (from - content) + strlen (begin));
  expected = g_strconcat (head, manual, to, NULL);
  g_assert_nonnull (strstr (manual, "read\\-interval"));
  compare_with_file (path, expected);
}

/* what is counted and logged under the name of a limit can be found by it */
static void
every_limit_of_rtmp_is_a_key (void)
{
  static const gchar *const words[] = {
      WEIR_RTMP_PROTOCOL_ERROR, WEIR_RTMP_DENIED, WEIR_RTMP_UNREADABLE, "out-of-memory", NULL};
  g_autofree gchar *example = weir_config_get_example ();

  for (const gchar *const *limit = weir_rtmp_get_limits (); *limit != NULL; limit++) {
    g_autofree gchar *line = g_strdup_printf ("\n#%s=", *limit);

    g_test_message ("%s", *limit);
    g_assert_true (g_strv_contains (words, *limit) || strstr (example, line) != NULL);
  }
}

/* those defaults that stand beside the fields and those of the file are the same */
static void
the_defaults_of_rtmp_are_those_of_the_file (void)
{
  g_autoptr (WeirConfig) config = load ("", NULL);
  WeirRtmpSessionSettings settings;

  weir_rtmp_session_settings_init (&settings);
  g_assert_cmpint (config->limits.rtmp_handshake, ==, settings.handshake_us);
  g_assert_cmpint (config->limits.rtmp_first_media, ==, settings.first_media_us);
  g_assert_cmpint (config->limits.rtmp_media_silence, ==, settings.media_silence_us);
  g_assert_cmpint (config->limits.rtmp_early_bytes, ==, settings.early_bytes_max);
  g_assert_cmpint (config->limits.rtmp_streams, ==, settings.streams_max);
  g_assert_cmpint (config->limits.rtmp_chunk_size, ==, settings.chunk_size_min);
  g_assert_cmpint (config->limits.rtmp_window, ==, settings.window_min);
  g_assert_cmpint (config->limits.rtmp_messages_rate, ==, settings.messages_rate);
  g_assert_cmpint (config->limits.rtmp_commands_rate, ==, settings.commands_rate);
  g_assert_cmpint (config->limits.rtmp_metadata_rate, ==, settings.data_rate);
  g_assert_cmpint (config->limits.rtmp_pings_rate, ==, settings.pings_rate);
  g_assert_cmpint (config->limits.rtmp_lead, ==, settings.lead_us);
  g_assert_cmpint (config->limits.rtmp_clock_jumps, ==, settings.clock_jumps);
  g_assert_cmpint (config->limits.rtmp_configurations, ==, settings.configurations);
  g_assert_cmpint (config->limits.rtmp_tracks, ==, settings.tracks_max);
  g_assert_cmpint (config->limits.rtmp_memory, ==, settings.memory_max);
  g_assert_cmpint (config->limits.rtmp_chunk_streams, ==, settings.chunk.chunk_streams_max);
  g_assert_cmpint (config->limits.rtmp_video_message, ==, settings.chunk.video_max);
  g_assert_cmpint (config->limits.rtmp_audio_message, ==, settings.chunk.audio_max);
  g_assert_cmpint (config->limits.rtmp_data_message, ==, settings.chunk.data_max);
  g_assert_cmpint (config->limits.rtmp_control_message, ==, settings.chunk.control_max);
  g_assert_cmpint (config->limits.rtmp_partial_messages, ==, settings.chunk.partial_max);
  g_assert_cmpint (config->limits.rtmp_cut_off_messages, ==, settings.chunk.broken_per_minute);
  g_assert_cmpint (config->limits.amf_depth, ==, settings.amf.depth_max);
  g_assert_cmpint (config->limits.amf_values, ==, settings.amf.values_max);
}

static void
two_configurations_differ_in_the_keys_that_were_changed (void)
{
  const gchar *const overrides[] = {
      "server.log-level=debug", "segments.duration=4s", "rtmps.listen=", "rtmp.app=live", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) one = weir_config_load ("/dev/null", NULL, &error);
  g_autoptr (WeirConfig) other = weir_config_load ("/dev/null", overrides, &error);
  g_auto (GStrv) none = NULL, changed = NULL;
  g_autofree gchar *text = NULL;

  g_assert_no_error (error);
  none = weir_config_compare (one, one);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  changed = weir_config_compare (one, other);
  text = g_strjoinv (" ", changed);
  g_assert_cmpstr (text, ==, "server.log-level rtmps.listen segments.duration");
}

int
main (int argc, char **argv)
{
  g_unsetenv ("WEIR_CONFIG");
  g_unsetenv ("STATE_DIRECTORY");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/an_empty_file_gives_the_defaults", an_empty_file_gives_the_defaults);
  g_test_add_func ("/config/values_with_units_are_read", values_with_units_are_read);
  g_test_add_func ("/config/what_is_wrong_is_named", what_is_wrong_is_named);
  g_test_add_func (
      "/config/keys_of_later_versions_may_be_empty", keys_of_later_versions_may_be_empty);
  g_test_add_func ("/config/overrides_win_over_the_file", overrides_win_over_the_file);
  g_test_add_func (
      "/config/a_named_file_that_is_missing_is_an_error", a_named_file_that_is_missing_is_an_error);
  g_test_add_func ("/config/the_environment_names_a_file_and_the_option_wins",
      the_environment_names_a_file_and_the_option_wins);
  g_test_add_func ("/config/the_state_folder_follows_the_service_manager_and_holds_the_rest",
      the_state_folder_follows_the_service_manager_and_holds_the_rest);
  g_test_add_func ("/config/what_is_written_out_is_read_back_the_same",
      what_is_written_out_is_read_back_the_same);
  g_test_add_func ("/config/the_example_has_every_key_with_its_default",
      the_example_has_every_key_with_its_default);
  g_test_add_func (
      "/config/the_manual_has_an_entry_for_every_key", the_manual_has_an_entry_for_every_key);
  g_test_add_func ("/config/every_limit_of_rtmp_is_a_key", every_limit_of_rtmp_is_a_key);
  g_test_add_func ("/config/the_defaults_of_rtmp_are_those_of_the_file",
      the_defaults_of_rtmp_are_those_of_the_file);
  g_test_add_func ("/config/two_configurations_differ_in_the_keys_that_were_changed",
      two_configurations_differ_in_the_keys_that_were_changed);
  return g_test_run ();
}
