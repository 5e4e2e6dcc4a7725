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
  g_assert_cmpint (run (fixture, "weir input list"), ==, 0);
  g_assert_cmpuint (printed->len, >, 32);
  return g_strndup (printed->str, 32);
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
  static const gchar *const lines[] = {
      "weir input create --json", "weir input list --json", "weir status --json"};

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
      {"weir input show", 2, "one ID"},
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
      {"weir check", 2, "files"},
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
  TEST (keys_are_rotated_and_shown);
  TEST (what_can_be_imported_is_and_the_rest_is_named);
  g_test_add_func (
      "/cli/the_ready_line_tells_where_to_connect", the_ready_line_tells_where_to_connect);
  result = g_test_run ();
  g_string_free (printed, TRUE);
  return result;
}
