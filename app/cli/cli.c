/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/client.h"
#include "cli/import.h"
#include "config.h"
#include "segment/check.h"

#include <glib/gstdio.h>
#include <string.h>

#ifndef WEIR_VERSION
#define WEIR_VERSION "0.1.0"
#endif

static const gchar usage[] =
    "Usage: weir COMMAND [OPTION...]\n"
    "\n"
    "  serve [-c FILE] [-o SECTION.KEY=VALUE]...\n"
    "                     the daemon, in the foreground\n"
    "  input create [--name NAME] [--recording off|automatic] [--timeout SECONDS] [--disabled]\n"
    "  input list | show ID | rotate-keys ID | delete ID\n"
    "  input import FILE  live inputs of elsewhere, with uid and keys\n"
    "  status             what is on\n"
    "  check FILE|URL...  check CMAF segments strictly\n"
    "  config check [-c FILE] [-o SECTION.KEY=VALUE]...\n"
    "\n"
    "Options of API commands:\n"
    "  --json             print what the API answered\n"
    "  --url URL          of the daemon (WEIR_URL; else the local daemon's); WEIR_CA_FILE: whom "
    "to\n"
    "                     trust when it is https\n"
    "  --token TOKEN      of the API (WEIR_TOKEN; else the local daemon's)\n"
    "  --account ACCOUNT  of the API (WEIR_ACCOUNT; else the local daemon's)\n"
    "  -c FILE            configuration that the local daemon was started with\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 not found or refused. See weir(1).\n";

typedef struct {
  gboolean json;
  gchar *url, *token, *account, *config;
  gchar **overrides;
  gchar *name, *recording;
  gint timeout; /* -1: absent */
  gboolean disabled;
  gchar **words; /* what is no option */
} Options;

static void
options_clear (Options *self)
{
  g_free (self->url);
  g_free (self->token);
  g_free (self->account);
  g_free (self->config);
  g_strfreev (self->overrides);
  g_free (self->name);
  g_free (self->recording);
  g_strfreev (self->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static WeirExit
misuse (const gchar *message)
{
  g_printerr ("weir: %s; see weir --help\n", message);
  return WEIR_EXIT_USAGE;
}

/* @more: (nullable): options of this command only */
static gboolean
parse (Options *options, int argc, char **argv, const GOptionEntry *more)
{
  const GOptionEntry common[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, NULL, NULL},
      {"url", 0, 0, G_OPTION_ARG_STRING, &options->url, NULL, NULL},
      {"token", 0, 0, G_OPTION_ARG_STRING, &options->token, NULL, NULL},
      {"account", 0, 0, G_OPTION_ARG_STRING, &options->account, NULL, NULL},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config, NULL, NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL, NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) arguments = g_new0 (gchar *, argc + 1);

  for (gint i = 0; i < argc; i++)
    arguments[i] = g_strdup (argv[i]);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, common, NULL);
  if (more != NULL)
    g_option_context_add_main_entries (context, more, NULL);
  if (g_option_context_parse_strv (context, &arguments, &error))
    return TRUE;
  misuse (error->message);
  return FALSE;
}

static guint
count_words (const Options *options)
{
  return options->words ? g_strv_length (options->words) : 0;
}

/* Returns: "" for what is not there or null */
static const gchar *
get_text (JsonObject *object, const gchar *member, const gchar *name)
{
  JsonNode *node = object ? json_object_get_member (object, member) : NULL;

  if (name != NULL) {
    if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
      return "";
    node = json_object_get_member (json_node_get_object (node), name);
  }
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_STRING)
    return "";
  return json_node_get_string (node);
}

static JsonObject *
get_object (JsonNode *node)
{
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* text of others on a terminal: control characters are not for it */
static gchar *
make_printable (const gchar *text)
{
  GString *clean = g_string_new (NULL);

  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    g_string_append_unichar (clean, g_unichar_isprint (c) ? c : 0xfffd);
  }
  return g_string_free (clean, FALSE);
}

/* input */

static gchar *
get_watch_url (WeirClient *client, JsonObject *input)
{
  const gchar *hls = get_text (input, "playback", "hls");
  const gchar *end = strstr (hls, "/manifest/");

  if (end == NULL)
    return g_strdup_printf (
        "%s/%s/watch", weir_client_get_url (client), get_text (input, "uid", NULL));
  return g_strdup_printf ("%.*s/watch", (gint) (end - hls), hls);
}

/* how the encoder does, one line each; @indent: what stands before them */
static void
print_health (JsonObject *input, const gchar *indent)
{
  JsonNode *node = json_object_get_member (input, "health");
  JsonObject *health =
      node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *issues = health != NULL ? json_object_get_member (health, "issues") : NULL;
  JsonArray *array =
      issues != NULL && JSON_NODE_HOLDS_ARRAY (issues) ? json_node_get_array (issues) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    JsonObject *issue = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
    g_autofree gchar *code = make_printable (get_text (issue, "code", NULL));
    g_autofree gchar *severity = make_printable (get_text (issue, "severity", NULL));
    g_autofree gchar *message = make_printable (get_text (issue, "message", NULL));

    g_print ("%s%s: %s: %s\n", indent, severity, code, message);
  }
}

static void
print_input (WeirClient *client, JsonObject *input)
{
  const gchar *protocol = *get_text (input, "rtmps", "url") != '\0' ? "rtmps" : "rtmp";
  const gchar *server = get_text (input, protocol, "url");
  const gchar *key = get_text (input, protocol, "streamKey");
  g_autofree gchar *name = make_printable (get_text (input, "meta", "name"));
  g_autofree gchar *watch = get_watch_url (client, input);

  g_print ("Live input   %s%s%s\n", get_text (input, "uid", NULL), *name ? "  " : "", name);
  g_print ("\nIn OBS: Settings, Stream, Service \"Custom...\"\n");
  g_print ("  Server      %s\n", *server ? server : "(no RTMP listener is on)");
  g_print ("  Stream key  %s\n", key);
  if (*server != '\0')
    g_print ("\nWith ffmpeg\n"
             "  ffmpeg -re -i FILE -c:v libx264 -preset veryfast -g 60 -c:a aac -f flv '%s%s'\n",
        server, key);
  g_print ("\nWatch\n  %s\n  %s\n", watch, get_text (input, "playback", "hls"));
  if (*get_text (input, "health", "state") != '\0') {
    g_autofree gchar *health = make_printable (get_text (input, "health", "state"));

    g_print ("\nHealth       %s\n", health);
    print_health (input, "  ");
  }
}

static WeirExit
finish_input (WeirClient *client, const Options *options, const gchar *method, const gchar *path,
    const gchar *body)
{
  g_autofree gchar *answer = NULL;
  g_autoptr (JsonNode) result = NULL;
  WeirExit status = weir_client_call (client, method, path, body, &answer, &result);

  if (status != WEIR_EXIT_DONE)
    return status;
  if (options->json)
    g_print ("%s\n", answer);
  else
    print_input (client, get_object (result));
  return WEIR_EXIT_DONE;
}

static gchar *
make_create_body (const Options *options)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  if (options->name != NULL) {
    json_builder_set_member_name (builder, "meta");
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "name");
    json_builder_add_string_value (builder, options->name);
    json_builder_end_object (builder);
  }
  if (options->disabled) {
    json_builder_set_member_name (builder, "enabled");
    json_builder_add_boolean_value (builder, FALSE);
  }
  if (options->recording != NULL || options->timeout >= 0) {
    json_builder_set_member_name (builder, "recording");
    json_builder_begin_object (builder);
    if (options->recording != NULL) {
      json_builder_set_member_name (builder, "mode");
      json_builder_add_string_value (builder, options->recording);
    }
    if (options->timeout >= 0) {
      json_builder_set_member_name (builder, "timeoutSeconds");
      json_builder_add_int_value (builder, options->timeout);
    }
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static WeirExit
list_inputs (WeirClient *client, const Options *options)
{
  g_autofree gchar *answer = NULL;
  g_autoptr (JsonNode) result = NULL;
  WeirExit status = weir_client_call (client, "GET", "/live_inputs", NULL, &answer, &result);
  JsonArray *inputs;

  if (status != WEIR_EXIT_DONE)
    return status;
  if (options->json) {
    g_print ("%s\n", answer);
    return WEIR_EXIT_DONE;
  }
  inputs = json_object_get_array_member (get_object (result), "liveInputs");
  for (guint i = 0; i < json_array_get_length (inputs); i++) {
    JsonObject *input = json_array_get_object_element (inputs, i);
    g_autofree gchar *name = make_printable (get_text (input, "meta", "name"));

    g_print ("%s  %.19sZ  %s%s\n", get_text (input, "uid", NULL), get_text (input, "created", NULL),
        name, json_object_get_boolean_member (input, "enabled") ? "" : "  (disabled)");
  }
  return WEIR_EXIT_DONE;
}

/* for a path: what could leave the segment is escaped */
static gchar *
make_input_path (const gchar *id)
{
  g_autofree gchar *escaped = g_uri_escape_string (id, NULL, FALSE);

  return g_strconcat ("/live_inputs/", escaped, NULL);
}

static WeirExit
delete_input (WeirClient *client, const Options *options, const gchar *id)
{
  g_autofree gchar *path = make_input_path (id);
  g_autofree gchar *answer = NULL;
  g_autoptr (JsonNode) result = NULL;
  WeirExit status = weir_client_call (client, "DELETE", path, NULL, &answer, &result);

  if (status == WEIR_EXIT_DONE && options->json)
    g_print ("%s\n", answer);
  return status;
}

static WeirExit
rotate_keys (WeirClient *client, const Options *options, const gchar *id)
{
  g_autofree gchar *path = make_input_path (id);
  g_autofree gchar *rotate = g_strconcat (path, "/rotate_keys", NULL);

  return finish_input (client, options, "POST", rotate, NULL);
}

/* one after the other: what is refused is named, and the others go in */
static WeirExit
import_inputs (WeirClient *client, const Options *options, const gchar *file)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  WeirExit status = WEIR_EXIT_DONE;
  guint done = 0;
  GStatBuf info;
  gsize size;

  if (g_stat (file, &info) == 0 && info.st_size > WEIR_IMPORT_SIZE_MAX) {
    g_printerr ("weir: %s is larger than %d bytes\n", file, WEIR_IMPORT_SIZE_MAX);
    return WEIR_EXIT_FAILED;
  }
  if (!g_file_get_contents (file, &text, &size, &error)) {
    g_printerr ("weir: %s\n", error->message);
    return WEIR_EXIT_FAILED;
  }
  inputs = weir_import_split (text, size, &error);
  if (inputs == NULL) {
    g_printerr ("weir: %s %s\n", file, error->message);
    return WEIR_EXIT_FAILED;
  }
  for (guint i = 0; i < inputs->len; i++) {
    g_autofree gchar *answer = NULL;
    g_autoptr (JsonNode) result = NULL;
    WeirExit one = weir_client_call (
        client, "POST", "/live_inputs/import", inputs->pdata[i], &answer, &result);

    if (one != WEIR_EXIT_DONE) {
      g_printerr ("weir: %s: number %u was not imported\n", file, i + 1);
      status = one;
      continue;
    }
    done++;
    if (options->json)
      g_print ("%s\n", answer);
    else
      g_print ("%s\n", get_text (get_object (result), "uid", NULL));
  }
  if (!options->json)
    g_print ("%u of %u imported\n", done, inputs->len);
  return status;
}

static WeirExit
run_input (int argc, char **argv)
{
  g_auto (Options) options = {.timeout = -1};
  const GOptionEntry more[] = {
      {"name", 0, 0, G_OPTION_ARG_STRING, &options.name, NULL, NULL},
      {"recording", 0, 0, G_OPTION_ARG_STRING, &options.recording, NULL, NULL},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &options.timeout, NULL, NULL},
      {"disabled", 0, 0, G_OPTION_ARG_NONE, &options.disabled, NULL, NULL},
      {NULL},
  };
  g_autoptr (WeirClient) client = NULL;
  const gchar *action, *id;
  static const gchar *const with_word[] = {"show", "delete", "rotate-keys", "import", NULL};
  gboolean wants_word;

  if (!parse (&options, argc, argv, more))
    return WEIR_EXIT_USAGE;
  if (count_words (&options) == 0)
    return misuse ("input needs create, list, show, rotate-keys, delete or import");
  action = options.words[0];
  wants_word = g_strv_contains (with_word, action);
  if (!wants_word && strcmp (action, "create") != 0 && strcmp (action, "list") != 0)
    return misuse ("input knows create, list, show, rotate-keys, delete and import");
  if (count_words (&options) != (wants_word ? 2 : 1))
    return misuse (wants_word ? "one ID, or FILE, is needed" : "too many arguments");
  client = weir_client_new (options.url, options.token, options.account, options.config);
  if (client == NULL)
    return WEIR_EXIT_FAILED;

  id = options.words[1];
  if (strcmp (action, "create") == 0) {
    g_autofree gchar *body = make_create_body (&options);

    return finish_input (client, &options, "POST", "/live_inputs", body);
  }
  if (strcmp (action, "show") == 0) {
    g_autofree gchar *path = make_input_path (id);

    return finish_input (client, &options, "GET", path, NULL);
  }
  if (strcmp (action, "delete") == 0)
    return delete_input (client, &options, id);
  if (strcmp (action, "rotate-keys") == 0)
    return rotate_keys (client, &options, id);
  if (strcmp (action, "import") == 0)
    return import_inputs (client, &options, id);
  return list_inputs (client, &options);
}

/* status */

/* what the API says beside its result, one line each */
static void
print_messages (const gchar *answer)
{
  g_autoptr (JsonNode) envelope = json_from_string (answer, NULL);
  JsonNode *node = envelope != NULL && JSON_NODE_HOLDS_OBJECT (envelope)
                       ? json_object_get_member (json_node_get_object (envelope), "messages")
                       : NULL;
  JsonArray *messages =
      node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; messages != NULL && i < json_array_get_length (messages); i++) {
    JsonNode *message = json_array_get_element (messages, i);
    g_autofree gchar *text =
        make_printable (JSON_NODE_HOLDS_OBJECT (message)
                            ? get_text (json_node_get_object (message), "message", NULL)
                            : "");

    g_print ("%s\n", text);
  }
}

static WeirExit
print_status (WeirClient *client, const Options *options, JsonArray *inputs)
{
  g_autoptr (GString) answers = g_string_new ("[");

  for (guint i = 0; i < json_array_get_length (inputs); i++) {
    JsonObject *listed = json_array_get_object_element (inputs, i);
    g_autofree gchar *path = make_input_path (get_text (listed, "uid", NULL));
    g_autofree gchar *answer = NULL, *name = NULL;
    g_autoptr (JsonNode) result = NULL;
    WeirExit status = weir_client_call (client, "GET", path, NULL, &answer, &result);
    JsonObject *input, *current = NULL;
    JsonNode *node;
    const gchar *state, *since;

    if (status != WEIR_EXIT_DONE)
      return status;
    g_string_append_printf (answers, "%s%s", i > 0 ? "," : "", answer);
    input = get_object (result);
    node = json_object_get_member (input, "status");
    if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
      current = json_object_get_object_member (json_node_get_object (node), "current");
    state = get_text (current, "state", NULL);
    name = make_printable (get_text (input, "meta", "name"));
    since = get_text (current, "statusEnteredAt", NULL);
    if (!options->json)
      g_print ("%s  %-12s  %-6s  %19.19s%s  %s%s\n", get_text (input, "uid", NULL),
          *state ? state : "idle", get_text (current, "ingestProtocol", NULL), since,
          *since ? "Z" : " ", name,
          *get_text (current, "recordingPausedAt", NULL) ? "  (recording paused: the disk)" : "");
    if (!options->json)
      print_health (input, "  ");
  }
  if (options->json)
    g_print ("%s]\n", answers->str);
  return WEIR_EXIT_DONE;
}

static WeirExit
run_status (int argc, char **argv)
{
  g_auto (Options) options = {0};
  g_autoptr (WeirClient) client = NULL;
  g_autofree gchar *answer = NULL;
  g_autoptr (JsonNode) result = NULL;
  JsonArray *inputs;
  WeirExit status;

  if (!parse (&options, argc, argv, NULL))
    return WEIR_EXIT_USAGE;
  if (count_words (&options) != 0)
    return misuse ("too many arguments");
  client = weir_client_new (options.url, options.token, options.account, options.config);
  if (client == NULL)
    return WEIR_EXIT_FAILED;
  status = weir_client_call (client, "GET", "/live_inputs", NULL, &answer, &result);
  if (status != WEIR_EXIT_DONE)
    return status;
  inputs = json_object_get_array_member (get_object (result), "liveInputs");
  if (!options.json)
    g_print ("Weir at %s, %u live input%s\n", weir_client_get_url (client),
        json_array_get_length (inputs), json_array_get_length (inputs) == 1 ? "" : "s");
  if (!options.json)
    print_messages (answer);
  return print_status (client, &options, inputs);
}

/* config */

static WeirExit
run_config (int argc, char **argv)
{
  g_auto (Options) options = {0};
  const GOptionEntry more[] = {
      {"override", 'o', 0, G_OPTION_ARG_STRING_ARRAY, &options.overrides, NULL, NULL},
      {NULL},
  };
  g_autoptr (WeirConfig) config = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;

  if (!parse (&options, argc, argv, more))
    return WEIR_EXIT_USAGE;
  if (count_words (&options) != 1 || strcmp (options.words[0], "check") != 0)
    return misuse ("config knows check");
  config = weir_config_load (options.config, (const gchar *const *) options.overrides, &error);
  if (config == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return WEIR_EXIT_FAILED;
  }
  text = weir_config_to_string (config);
  g_print ("%s", text);
  return WEIR_EXIT_DONE;
}

/* check */

static GBytes *
load (const gchar *name, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;

  if (g_str_has_prefix (name, "http://") || g_str_has_prefix (name, "https://"))
    return weir_client_fetch (name, error);
  file = g_mapped_file_new (name, FALSE, error);
  return file ? g_mapped_file_get_bytes (file) : NULL;
}

static void
print_track (const WeirCheckTrack *track)
{
  gdouble seconds = track->timescale > 0 ? (gdouble) track->duration / track->timescale : 0;

  g_print ("track %u: %s, %" G_GUINT64_FORMAT " samples, %.3f s, decode times %" G_GUINT64_FORMAT
           " to %" G_GUINT64_FORMAT " of 1/%u s, %" G_GUINT64_FORMAT " gaps\n",
      track->track_id, track->video ? "video" : "audio", track->samples, seconds,
      track->first_decode_time, track->end_decode_time, track->timescale, track->gaps);
}

static WeirExit
run_check (int argc, char **argv)
{
  g_auto (Options) options = {0};
  g_autoptr (WeirCheck) check = weir_check_new ();
  GPtrArray *faults;
  GArray *tracks;

  if (!parse (&options, argc, argv, NULL))
    return WEIR_EXIT_USAGE;
  if (count_words (&options) == 0)
    return misuse ("check needs files or URLs, an init first");
  for (guint i = 0; options.words[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = load (options.words[i], &error);
    gsize size;
    const guint8 *data;

    if (bytes == NULL) {
      g_printerr ("weir: %s: %s\n", options.words[i], error->message);
      return WEIR_EXIT_FAILED;
    }
    data = g_bytes_get_data (bytes, &size);
    weir_check_any (check, options.words[i], data, size);
  }

  faults = weir_check_get_faults (check);
  tracks = weir_check_get_tracks (check);
  for (guint i = 0; i < tracks->len; i++)
    print_track (&g_array_index (tracks, WeirCheckTrack, i));
  for (guint i = 0; i < faults->len; i++) {
    g_autofree gchar *fault = make_printable (faults->pdata[i]);

    g_print ("fault: %s\n", fault);
  }
  if (faults->len > 0)
    return WEIR_EXIT_FAILED;
  g_print ("no faults\n");
  return WEIR_EXIT_DONE;
}

int
weir_cli_run (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    WeirExit (*run) (int argc, char **argv);
  } commands[] = {
      {"input", run_input},
      {"status", run_status},
      {"config", run_config},
      {"check", run_check},
  };

  if (argc < 2)
    return misuse ("a command is needed");
  for (gint i = 1; i < argc && strcmp (argv[i], "--") != 0; i++) {
    if (strcmp (argv[i], "--help") == 0 || (i == 1 && strcmp (argv[i], "help") == 0)) {
      g_print ("%s", usage);
      return WEIR_EXIT_DONE;
    }
  }
  if (strcmp (argv[1], "--version") == 0) {
    g_print ("weir %s\n", WEIR_VERSION);
    return WEIR_EXIT_DONE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return commands[i].run (argc - 1, argv + 1);
  g_printerr ("weir: unknown command %s; see weir --help\n", argv[1]);
  return WEIR_EXIT_USAGE;
}
