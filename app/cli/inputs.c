/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include "cli/import.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MAX_S 86400
#define DAYS_MAX 36500

/* ---- what the API says ---- */

gchar *
weir_issue_to_text (JsonObject *issue, WeirColour *colour)
{
  const gchar *severity = weir_json_get_text (issue, "severity");

  if (issue == NULL)
    return NULL;
  *colour = strcmp (severity, "error") == 0     ? WEIR_COLOUR_BAD
            : strcmp (severity, "warning") == 0 ? WEIR_COLOUR_WARN
                                                : WEIR_COLOUR_QUIET;
  return g_strdup_printf ("%s: %s: %s", severity, weir_json_get_text (issue, "code"),
      weir_json_get_text (issue, "message"));
}

void
weir_print_messages (const WeirInvocation *self, const WeirAnswer *answer)
{
  JsonArray *messages = weir_json_get_array (answer->envelope, "messages");

  if (weir_invocation_is_json (self))
    return;
  for (guint i = 0; messages != NULL && i < json_array_get_length (messages); i++) {
    g_autofree gchar *text =
        weir_print_clean (weir_json_get_text (weir_json_get_element (messages, i), "message"));

    g_print ("%s\n", text);
  }
}

const gchar *
weir_input_get_state (JsonObject *input)
{
  const gchar *state = weir_json_get_text (input, "status/current/state");

  return *state != '\0' ? state : "idle";
}

WeirColour
weir_state_get_colour (const gchar *state)
{
  if (strcmp (state, "connected") == 0)
    return WEIR_COLOUR_GOOD;
  if (strcmp (state, "connecting") == 0 || strcmp (state, "reconnecting") == 0)
    return WEIR_COLOUR_WARN;
  return WEIR_COLOUR_QUIET;
}

/* ---- one input ---- */

static gchar *
get_watch_url (const WeirInvocation *self, JsonObject *input)
{
  const gchar *hls = weir_json_get_text (input, "playback/hls");
  const gchar *end = strstr (hls, "/manifest/");

  if (end == NULL)
    return g_strdup_printf (
        "%s/%s/watch", weir_client_get_url (self->client), weir_json_get_text (input, "uid"));
  return g_strdup_printf ("%.*s/watch", (gint) (end - hls), hls);
}

static void
print_health (JsonObject *input)
{
  JsonArray *issues = weir_json_get_array (weir_json_get_node (input, "health/issues"), NULL);
  const gchar *state = weir_json_get_text (input, "health/state");

  if (*state == '\0')
    return;
  g_print ("\nHealth       %s\n", state);
  for (guint i = 0; issues != NULL && i < json_array_get_length (issues); i++) {
    WeirColour colour;
    g_autofree gchar *text = weir_issue_to_text (weir_json_get_element (issues, i), &colour);
    g_autofree gchar *clean = text != NULL ? weir_print_clean (text) : NULL;

    if (clean != NULL)
      g_print ("  %s\n", clean);
  }
}

/* @protocol: rtmp or rtmps; nothing while its listener is off */
static void
print_server (JsonObject *input, const gchar *protocol, const gchar *title)
{
  g_autofree gchar *member = g_strconcat (protocol, "/url", NULL);
  const gchar *url = weir_json_get_text (input, member);

  if (*url != '\0')
    g_print ("  %-11s %s\n", title, url);
}

static void
print_other_protocols (JsonObject *input)
{
  const gchar *srt = weir_json_get_text (input, "srt/url");
  const gchar *whip = weir_json_get_text (input, "webRTC/url");

  if (*srt != '\0')
    g_print ("\nWith SRT\n  %s?streamid=%s&passphrase=%s\n", srt,
        weir_json_get_text (input, "srt/streamId"), weir_json_get_text (input, "srt/passphrase"));
  if (*whip != '\0')
    g_print ("\nFrom a browser (WHIP)\n  %s\n", whip);
}

static void
print_input (const WeirInvocation *self, JsonObject *input)
{
  const gchar *rtmps = weir_json_get_text (input, "rtmps/url");
  const gchar *server = *rtmps != '\0' ? rtmps : weir_json_get_text (input, "rtmp/url");
  const gchar *key = weir_json_get_text (input, "rtmp/streamKey");
  g_autofree gchar *name = weir_print_clean (weir_json_get_text (input, "meta/name"));
  g_autofree gchar *watch = get_watch_url (self, input);

  g_print ("Live input   %s%s%s%s\n", weir_json_get_text (input, "uid"), *name ? "  " : "", name,
      weir_json_get_boolean (input, "enabled") ? "" : "  (disabled)");
  g_print ("\nIn OBS: Settings, Stream, Service \"Custom...\"\n");
  if (*server == '\0')
    g_print ("  Server      (no RTMP listener is on)\n");
  print_server (input, "rtmps", "Server");
  print_server (input, "rtmp", *rtmps != '\0' ? "or, plain" : "Server");
  g_print ("  Stream key  %s\n", key);
  if (*server != '\0')
    g_print ("\nWith ffmpeg\n"
             "  ffmpeg -re -i FILE -c:v libx264 -preset veryfast -g 60 -c:a aac -f flv '%s%s'\n",
        server, key);
  print_other_protocols (input);
  g_print ("\nWatch\n  %s\n  %s\n", watch, weir_json_get_text (input, "playback/hls"));
  print_health (input);
}

static WeirExit
finish (WeirInvocation *self, WeirExit status, const WeirAnswer *answer)
{
  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  print_input (self, weir_json_get_object (answer->result));
  weir_print_messages (self, answer);
  return WEIR_EXIT_DONE;
}

/* ---- settings ---- */

static void
add_text (JsonObject *object, const gchar *name, const gchar *value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
}

/* Returns: FALSE when it is wrong, which is said */
static gboolean
add_days (const WeirInvocation *self, JsonObject *object)
{
  const gchar *text = self->values[WEIR_OPTION_DELETE_AFTER];
  gint64 days;

  if (text == NULL)
    return TRUE;
  if (strcmp (text, "never") == 0) {
    json_object_set_null_member (object, "deleteRecordingAfterDays");
    return TRUE;
  }
  if (!weir_invocation_read_number (self, WEIR_OPTION_DELETE_AFTER, 1, DAYS_MAX, &days))
    return FALSE;
  json_object_set_int_member (object, "deleteRecordingAfterDays", days);
  return TRUE;
}

/* @recording: (transfer none): an object of its own. Returns: FALSE when it is wrong */
static gboolean
add_recording (const WeirInvocation *self, JsonObject *recording)
{
  const gchar *needs_signature = self->values[WEIR_OPTION_SIGNED];
  gint64 timeout = -1;

  add_text (recording, "mode", self->values[WEIR_OPTION_RECORDING]);
  if (!weir_invocation_read_number (self, WEIR_OPTION_TIMEOUT, 0, G_MAXINT32, &timeout))
    return FALSE;
  if (timeout >= 0)
    json_object_set_int_member (recording, "timeoutSeconds", timeout);
  if (needs_signature == NULL)
    return TRUE;
  if (strcmp (needs_signature, "yes") != 0 && strcmp (needs_signature, "no") != 0) {
    weir_misuse ("--signed must be yes or no");
    return FALSE;
  }
  json_object_set_boolean_member (
      recording, "requireSignedURLs", strcmp (needs_signature, "yes") == 0);
  return TRUE;
}

/* @meta: (nullable) (transfer full): what it has beside the name.
 * Returns: (transfer full) (nullable): NULL with what is wrong said */
static gchar *
make_settings (const WeirInvocation *self, JsonObject *meta)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonObject) recording = json_object_new ();
  g_autoptr (JsonObject) own = meta != NULL ? meta : json_object_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);

  if (!add_days (self, object) || !add_recording (self, recording))
    return NULL;
  if (weir_invocation_has (self, WEIR_OPTION_ENABLED) &&
      weir_invocation_has (self, WEIR_OPTION_DISABLED)) {
    weir_misuse ("--enabled and --disabled contradict each other");
    return NULL;
  }
  if (weir_invocation_has (self, WEIR_OPTION_NAME)) {
    json_object_set_string_member (own, "name", self->values[WEIR_OPTION_NAME]);
    json_object_set_object_member (object, "meta", json_object_ref (own));
  }
  if (weir_invocation_has (self, WEIR_OPTION_ENABLED) ||
      weir_invocation_has (self, WEIR_OPTION_DISABLED))
    json_object_set_boolean_member (
        object, "enabled", weir_invocation_has (self, WEIR_OPTION_ENABLED));
  add_text (object, "defaultCreator", self->values[WEIR_OPTION_CREATOR]);
  if (json_object_get_size (recording) > 0)
    json_object_set_object_member (object, "recording", json_object_ref (recording));
  json_node_set_object (root, object);
  return json_to_string (root, FALSE);
}

/* ---- commands ---- */

WeirExit
weir_input_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autofree gchar *body = make_settings (self, NULL);

  if (body == NULL)
    return WEIR_EXIT_USAGE;
  return finish (
      self, weir_invocation_call (self, &answer, "POST", body, "/stream/live_inputs"), &answer);
}

/* the name is one of what `meta` holds, and that is replaced as a whole */
static WeirExit
get_meta (WeirInvocation *self, JsonObject **meta)
{
  g_auto (WeirAnswer) answer = {0};
  g_autofree gchar *problem = NULL;
  g_autofree gchar *path =
      weir_invocation_make_path (self, "/stream/live_inputs/%s", self->operands[0]);
  WeirExit status = weir_client_call (self->client, "GET", path, NULL, &answer, &problem);
  JsonObject *object;

  if (status != WEIR_EXIT_DONE) {
    weir_complain (problem);
    return status;
  }
  object = weir_json_get_object (weir_json_get_node (weir_json_get_object (answer.result), "meta"));
  if (object != NULL)
    *meta = json_object_ref (object);
  return WEIR_EXIT_DONE;
}

WeirExit
weir_input_update (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autofree gchar *body = NULL;
  JsonObject *meta = NULL;
  WeirExit status = WEIR_EXIT_DONE;

  if (weir_invocation_has (self, WEIR_OPTION_NAME))
    status = get_meta (self, &meta);
  if (status != WEIR_EXIT_DONE)
    return status;
  body = make_settings (self, meta);
  if (body == NULL)
    return WEIR_EXIT_USAGE;
  if (strcmp (body, "{}") == 0)
    return weir_misuse ("input update needs something to change");
  return finish (self,
      weir_invocation_call (
          self, &answer, "PUT", body, "/stream/live_inputs/%s", self->operands[0]),
      &answer);
}

WeirExit
weir_input_show (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return finish (self,
      weir_invocation_call (
          self, &answer, "GET", NULL, "/stream/live_inputs/%s", self->operands[0]),
      &answer);
}

WeirExit
weir_input_rotate_keys (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return finish (self,
      weir_invocation_call (
          self, &answer, "POST", NULL, "/stream/live_inputs/%s/rotate_keys", self->operands[0]),
      &answer);
}

WeirExit
weir_input_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return weir_invocation_call (
      self, &answer, "DELETE", NULL, "/stream/live_inputs/%s", self->operands[0]);
}

/* @name: "-" for stdin. Returns: (nullable): NULL with an error */
static gchar *
read_text (const gchar *name, gsize *size, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (name);
  g_autoptr (GInputStream) stream = strcmp (name, "-") == 0
                                        ? g_unix_input_stream_new (STDIN_FILENO, FALSE)
                                        : G_INPUT_STREAM (g_file_read (file, NULL, error));
  g_autofree gchar *text = g_malloc0 (WEIR_IMPORT_SIZE_MAX + 1);

  if (stream == NULL ||
      !g_input_stream_read_all (stream, text, WEIR_IMPORT_SIZE_MAX + 1, size, NULL, error))
    return NULL;
  if (*size > WEIR_IMPORT_SIZE_MAX) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "is larger than %d bytes",
        WEIR_IMPORT_SIZE_MAX);
    return NULL;
  }
  return g_steal_pointer (&text);
}

/* one after the other: what is refused is named, and the others go in */
WeirExit
weir_input_import (WeirInvocation *self)
{
  const gchar *name = self->operands[0];
  g_autoptr (GError) error = NULL;
  gsize size = 0;
  g_autofree gchar *text = read_text (name, &size, &error);
  g_autoptr (GPtrArray) inputs = text != NULL ? weir_import_split (text, size, &error) : NULL;
  WeirExit status = WEIR_EXIT_DONE;
  guint done = 0;

  if (inputs == NULL) {
    g_printerr ("weir: %s: %s\n", name, error->message);
    return WEIR_EXIT_FAILED;
  }
  for (guint i = 0; i < inputs->len; i++) {
    g_auto (WeirAnswer) answer = {0};
    WeirExit one = weir_invocation_call (
        self, &answer, "POST", inputs->pdata[i], "/stream/live_inputs/import");

    if (one != WEIR_EXIT_DONE) {
      g_printerr ("weir: %s: number %u was not imported\n", name, i + 1);
      status = one;
      continue;
    }
    done++;
    if (!weir_invocation_is_json (self))
      g_print ("%s\n", weir_json_get_text (weir_json_get_object (answer.result), "uid"));
  }
  if (!weir_invocation_is_json (self))
    g_print ("%u of %u imported\n", done, inputs->len);
  return status;
}

WeirExit
weir_input_list (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autoptr (WeirTable) table = weir_table_new ("ID|CREATED|NAME");
  WeirExit status = weir_invocation_call (self, &answer, "GET", NULL, "/stream/live_inputs");
  JsonArray *inputs = weir_json_get_array (answer.result, "liveInputs");

  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  for (guint i = 0; inputs != NULL && i < json_array_get_length (inputs); i++) {
    JsonObject *input = weir_json_get_element (inputs, i);
    gboolean enabled = weir_json_get_boolean (input, "enabled");
    const gchar *name = weir_json_get_text (input, "meta/name");

    weir_table_add (table, weir_json_get_text (input, "uid"), WEIR_COLOUR_NONE);
    weir_table_take (
        table, weir_print_time (weir_json_get_text (input, "created")), WEIR_COLOUR_QUIET);
    weir_table_take (table, g_strdup_printf ("%s%s", name, enabled ? "" : "  (disabled)"),
        enabled ? WEIR_COLOUR_NONE : WEIR_COLOUR_QUIET);
  }
  weir_table_print (table, "There are no live inputs: weir input create makes one\n");
  return WEIR_EXIT_DONE;
}
