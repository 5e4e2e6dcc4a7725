/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "../support/app-fixture.h"
#include "cli/client.h"

/* the command in a thread, the daemon's main thread here */
typedef struct {
  gchar **arguments;
  gint status;
  gint done;
} Run;

static gpointer
run_in_thread (gpointer data)
{
  Run *run = data;

  run->status = weir_cli_run (g_strv_length (run->arguments), run->arguments);
  g_atomic_int_set (&run->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static GString *printed;

static void
print_to_memory (const gchar *text)
{
  g_string_append (printed, text);
}

static gint
run (AppFixture *fixture, const gchar *line)
{
  g_autoptr (GError) error = NULL;
  Run command = {0};
  GPrintFunc old = g_set_print_handler (print_to_memory);
  GPrintFunc old_errors = g_set_printerr_handler (print_to_memory);
  GThread *thread;

  g_assert_true (g_shell_parse_argv (line, NULL, &command.arguments, &error));
  if (fixture != NULL) {
    g_setenv ("WEIR_URL", fixture->base, TRUE);
    g_setenv ("WEIR_TOKEN", fixture->token, TRUE);
    g_setenv ("WEIR_ACCOUNT", "acc", TRUE);
  }
  g_string_truncate (printed, 0);
  thread = g_thread_new ("cli", run_in_thread, &command);
  while (!g_atomic_int_get (&command.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  g_set_print_handler (old);
  g_set_printerr_handler (old_errors);
  g_strfreev (command.arguments);
  return command.status;
}

static gchar *
get_only_uid (AppFixture *fixture)
{
  const gchar *uid;

  g_assert_cmpint (run (fixture, "weir input list"), ==, 0);
  uid = strchr (printed->str, '\n');
  g_assert_nonnull (uid);
  g_assert_cmpuint (strlen (uid), >, 33);
  return g_strndup (uid + 1, 32);
}

static void
an_input_is_made_shown_and_deleted (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = NULL, *line = NULL, *watch = NULL, *show = NULL;

  g_assert_cmpint (
      run (fixture, "weir input create --name 'a \"b\"\033' --timeout 5 --recording off"), ==, 0);
  g_assert_nonnull (strstr (printed->str, "Server      rtmp://127.0.0.1:1935/live/\n"));
  g_assert_nonnull (strstr (printed->str, "ffmpeg "));
  uid = get_only_uid (fixture);
  watch = g_strdup_printf ("%s/%s/watch\n", fixture->base, uid);
  show = g_strdup_printf ("weir input show %s", uid);
  g_assert_cmpint (run (fixture, show), ==, 0);
  g_assert_nonnull (strstr (printed->str, watch));
  g_assert_cmpint (run (fixture, "weir status"), ==, 0);
  g_assert_nonnull (strstr (printed->str, uid));
  g_assert_nonnull (strstr (printed->str, "idle"));

  line = g_strdup_printf ("weir input delete %s", uid);
  g_assert_cmpint (run (fixture, line), ==, 0);
  g_assert_cmpint (run (fixture, line), ==, 3);
  g_assert_nonnull (strstr (printed->str, "10003"));
}

static void
json_is_what_the_api_answered (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const lines[] = {"weir input create --json", "weir input list --json",
      "weir status --json", "weir recording list --json", "weir broadcast list --json",
      "weir token create a --access read --json", "weir token list --json",
      "weir account create b --json", "weir account list --json",
      "weir webhook create https://a.example --json", "weir webhook list --json"};

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (JsonParser) parser = json_parser_new ();

    g_assert_cmpint (run (fixture, lines[i]), ==, 0);
    g_assert_true (json_parser_load_from_data (parser, printed->str, -1, NULL));
  }
}

static void
exit_statuses_tell_what_went_wrong (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *line;
    gint status;
    const gchar *said;
  } cases[] = {
      {"weir --help", 0, "Usage: weir"},
      {"weir input --help", 0, "Usage: weir"},
      {"weir --version", 0, "weir "},
      {"weir", 2, "a command is needed"},
      {"weir nonsense", 2, "unknown command nonsense"},
      {"weir input", 2, "input needs"},
      {"weir input nonsense", 2, "input knows"},
      {"weir input show", 2, "input show needs ID"},
      {"weir input list more", 2, "input list takes no more"},
      {"weir input create --signed maybe", 2, "--signed"},
      {"weir input create --delete-after x", 2, "--delete-after"},
      {"weir input update 0123", 2, "something to change"},
      {"weir input update 0123 --disabled", 3, "10003"},
      {"weir input update 0123 --disabled --enabled", 2, "contradict"},
      {"weir output list 0123", 3, "10003"},
      {"weir output create 0123", 2, "needs INPUT URL"},
      {"weir recording show 0123", 3, ""},
      {"weir recording download ../0123", 2, "no recording"},
      {"weir recording download 0123", 3, ""},
      {"weir recording list --limit 0", 2, "--limit"},
      {"weir broadcast show 0123", 3, ""},
      {"weir broadcast end 0123", 3, "0123"},
      {"weir webhook create ftp://a.example", 3, "/url"},
      {"weir webhook delete 0123", 3, ""},
      {"weir token delete 0123", 3, ""},
      {"weir account delete acc", 3, "home account"},
      {"weir events --after x", 2, "--after"},
      {"weir status --watch --json", 2, "--watch"},
      {"weir backup", 2, "needs FILE"},
      {"weir backup /dev/null", 1, "--force"},
      {"weir serve", 2, ""},
      {"weir input list --nonsense", 2, "nonsense"},
      {"weir input create --timeout x", 2, ""},
      {"weir input create --timeout 86401", 3, "/recording/timeoutSeconds"},
      {"weir input show 0123", 3, "10003"},
      {"weir input show ../..", 3, ""},
      {"weir input list --token wrong", 3, "10000"},
      {"weir input list --account other", 3, "10000"},
      {"weir input list --url http://127.0.0.1:1", 1, "127.0.0.1:1"},
      {"weir config check -c /dev/null", 0, "[http]"},
      {"weir config check -c /dev/null -o http.nonsense=1", 1, "nonsense"},
      {"weir input import", 2, "FILE"},
      {"weir input import /nonexistent", 1, "/nonexistent"},
      {"weir input import /dev/null", 1, ""},
      {"weir input rotate-keys 0123", 3, "10003"},
      {"weir check", 2, "needs FILE"},
      {"weir check /nonexistent", 1, "/nonexistent"},
      {"weir check /etc/passwd", 1, "fault"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint status = run (fixture, cases[i].line);

    if (status != cases[i].status || strstr (printed->str, cases[i].said) == NULL)
      g_error ("'%s': %d: %s", cases[i].line, status, printed->str);
  }
}

static void
keys_are_rotated_and_shown (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = NULL, *line = NULL, *before = NULL;

  g_assert_cmpint (run (fixture, "weir input create"), ==, 0);
  before = g_strdup (printed->str);
  uid = get_only_uid (fixture);
  line = g_strconcat ("weir input rotate-keys ", uid, NULL);
  g_assert_cmpint (run (fixture, line), ==, 0);
  g_assert_nonnull (strstr (printed->str, uid));
  g_assert_cmpstr (printed->str, !=, before);
}

#define UID "0123456789abcdef0123456789abcdef"
#define KEY "fedcba9876543210fedcba9876543210k" UID

/* one that is good, one that is not, and the first again */
static void
what_can_be_imported_is_and_the_rest_is_named (
    AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar content[] =
      "[{\"result\":{\"uid\":\"" UID "\",\"rtmps\":{\"url\":\"\",\"streamKey\":\"" KEY "\"}},"
      "\"success\":true,\"errors\":[],\"messages\":[]},{\"uid\":\"short\"},{\"uid\":\"" UID "\"}]";
  g_autofree gchar *file = g_build_filename (fixture->folder, "inputs.json", NULL);
  g_autofree gchar *line = g_strdup_printf ("weir input import %s", file);
  g_autofree gchar *uid = NULL;

  g_assert_true (g_file_set_contents (file, content, -1, NULL));
  g_assert_cmpint (run (fixture, line), ==, 3);
  g_assert_nonnull (strstr (printed->str, UID "\n"));
  g_assert_nonnull (strstr (printed->str, "1 of 3 imported"));
  g_assert_nonnull (strstr (printed->str, "/uid"));
  g_assert_nonnull (strstr (printed->str, "number 2 was not imported"));
  g_assert_nonnull (strstr (printed->str, "20007"));
  g_assert_nonnull (strstr (printed->str, "number 3 was not imported"));
  uid = get_only_uid (fixture);
  g_assert_cmpstr (uid, ==, UID);
  g_assert_cmpint (run (fixture, "weir input show " UID), ==, 0);
  g_assert_nonnull (strstr (printed->str, KEY));
}

static void
things_are_made_listed_and_deleted (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *create, *list, *said, *delete;
  } cases[] = {
      {"weir token create 'a token' --access read", "weir token list", "a token",
          "weir token delete %s"},
      {"weir webhook create https://a.example/x --events broadcast.*,recording.ready",
          "weir webhook list", "broadcast.*,recording.ready", "weir webhook delete %s"},
      {"weir input create --name 'an input' --disabled", "weir input list", "an input  (disabled)",
          "weir input delete %s"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *uid = NULL, *line = NULL;

    g_assert_cmpint (run (fixture, cases[i].create), ==, 0);
    g_assert_cmpint (run (fixture, cases[i].list), ==, 0);
    g_test_message ("%s", printed->str);
    g_assert_nonnull (strstr (printed->str, cases[i].said));
    uid = g_strndup (strchr (printed->str, '\n') + 1, 32);
    line = g_strdup_printf (cases[i].delete, uid);
    g_assert_cmpint (run (fixture, line), ==, 0);
    g_assert_cmpint (run (fixture, cases[i].list), ==, 0);
    g_assert_null (strstr (printed->str, uid));
  }
}

static void
what_is_not_said_does_not_change (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *uid = NULL, *update = NULL, *show = NULL, *off = NULL;

  g_assert_cmpint (run (fixture, "weir input create --name first --timeout 5 --creator me"), ==, 0);
  uid = get_only_uid (fixture);
  update = g_strdup_printf ("weir input update %s --name second --delete-after 7", uid);
  off = g_strdup_printf ("weir input update %s --disabled --delete-after never", uid);
  show = g_strdup_printf ("weir input show %s --json", uid);
  g_assert_cmpint (run (fixture, update), ==, 0);
  g_assert_cmpint (run (fixture, show), ==, 0);
  g_assert_nonnull (strstr (printed->str, "\"name\":\"second\""));
  g_assert_nonnull (strstr (printed->str, "\"timeoutSeconds\":5"));
  g_assert_nonnull (strstr (printed->str, "\"defaultCreator\":\"me\""));
  g_assert_nonnull (strstr (printed->str, "\"deleteRecordingAfterDays\":7"));
  g_assert_nonnull (strstr (printed->str, "\"enabled\":true"));
  g_assert_cmpint (run (fixture, off), ==, 0);
  g_assert_cmpint (run (fixture, show), ==, 0);
  g_assert_nonnull (strstr (printed->str, "\"name\":\"second\""));
  g_assert_nonnull (strstr (printed->str, "\"deleteRecordingAfterDays\":null"));
  g_assert_nonnull (strstr (printed->str, "\"enabled\":false"));
}

static void
outputs_are_switched (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const verbs[] = {"disable", "enable", "delete"};
  g_autofree gchar *uid = NULL, *create = NULL, *list = NULL, *output = NULL;

  g_assert_cmpint (run (fixture, "weir input create"), ==, 0);
  uid = get_only_uid (fixture);
  create = g_strdup_printf ("weir output create %s rtmp://a.example/live key", uid);
  list = g_strdup_printf ("weir output list %s", uid);
  g_assert_cmpint (run (fixture, create), ==, 0);
  g_assert_cmpint (run (fixture, list), ==, 0);
  output = g_strndup (strchr (printed->str, '\n') + 1, 32);
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_autofree gchar *line = g_strdup_printf ("weir output %s %s %s", verbs[i], uid, output);
    g_autofree gchar *said = g_strdup_printf ("  %sd  ", verbs[i]);

    g_assert_cmpint (run (fixture, line), ==, 0);
    g_assert_cmpint (run (fixture, list), ==, 0);
    g_assert_true ((strstr (printed->str, said) != NULL) == (i < 2));
  }
}

static void
events_are_told_oldest_first (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const gchar *created, *deleted;

  g_assert_cmpint (run (fixture, "weir webhook create https://a.example"), ==, 0);
  g_assert_cmpint (run (fixture, "weir webhook create https://b.example"), ==, 0);
  g_assert_cmpint (run (fixture, "weir events"), ==, 0);
  created = strstr (printed->str, "url=https://a.example");
  deleted = strstr (printed->str, "url=https://b.example");
  g_assert_true (created != NULL && deleted != NULL && created < deleted);
  g_assert_cmpint (run (fixture, "weir events --limit 1"), ==, 0);
  g_assert_null (strstr (printed->str, "a.example"));
  g_assert_nonnull (strstr (printed->str, "b.example"));
  g_assert_cmpint (run (fixture, "weir events --type broadcast.*"), ==, 0);
  g_assert_cmpstr (printed->str, ==, "");
}

static void
a_backup_is_written_once (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "kept.db", NULL);
  g_autofree gchar *line = g_strdup_printf ("weir backup %s", path);
  g_autofree gchar *forced = g_strdup_printf ("weir backup --force %s", path);
  g_autofree gchar *content = NULL;
  GStatBuf status;

  g_assert_cmpint (run (fixture, line), ==, 0);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, "SQLite format 3"));
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0600);
  g_assert_cmpint (run (fixture, line), ==, 1);
  g_assert_nonnull (strstr (printed->str, "--force"));
  g_assert_cmpint (run (fixture, forced), ==, 0);
}

static void
the_ready_line_tells_where_to_connect (void)
{
  static const gchar line[] =
      "ready http=[::]:8080;192.0.2.1:81 rtmp=0.0.0.0:1935 rtmps=192.0.2.1:1936\n";
  static const struct {
    const gchar *name, *address;
  } cases[] = {{"http", "127.0.0.1:8080"}, {"rtmp", "127.0.0.1:1935"}, {"rtmps", "192.0.2.1:1936"},
      {"srt", NULL}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *address = weir_client_find_listener (line, cases[i].name);

    g_assert_cmpstr (address, ==, cases[i].address);
  }
}

int
main (int argc, char **argv)
{
  gint result;

  g_test_init (&argc, &argv, NULL);
  printed = g_string_new (NULL);
#define TEST(function) \
  g_test_add (         \
      "/cli/" #function, AppFixture, NULL, app_fixture_set_up, function, app_fixture_tear_down)
  TEST (an_input_is_made_shown_and_deleted);
  TEST (json_is_what_the_api_answered);
  TEST (exit_statuses_tell_what_went_wrong);
  TEST (things_are_made_listed_and_deleted);
  TEST (what_is_not_said_does_not_change);
  TEST (outputs_are_switched);
  TEST (events_are_told_oldest_first);
  TEST (a_backup_is_written_once);
  TEST (keys_are_rotated_and_shown);
  TEST (what_can_be_imported_is_and_the_rest_is_named);
  g_test_add_func (
      "/cli/the_ready_line_tells_where_to_connect", the_ready_line_tells_where_to_connect);
  result = g_test_run ();
  g_string_free (printed, TRUE);
  return result;
}
