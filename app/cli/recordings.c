/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include <string.h>

#define LIMIT_MAX 1000

/* ---- recordings ---- */

static gchar *
describe_state (JsonObject *video, WeirColour *colour)
{
  const gchar *state = weir_json_get_text (video, "status/state");

  *colour = strcmp (state, "ready") == 0             ? WEIR_COLOUR_NONE
            : strcmp (state, "live-inprogress") == 0 ? WEIR_COLOUR_GOOD
                                                     : WEIR_COLOUR_WARN;
  return g_strdup (strcmp (state, "live-inprogress") == 0 ? "running" : state);
}

static void
add_recording (WeirTable *table, JsonObject *video)
{
  WeirColour colour;
  g_autofree gchar *state = describe_state (video, &colour);

  weir_table_add (table, weir_json_get_text (video, "uid"), WEIR_COLOUR_NONE);
  weir_table_add (table, state, colour);
  weir_table_take (
      table, weir_print_time (weir_json_get_text (video, "created")), WEIR_COLOUR_QUIET);
  weir_table_take (
      table, weir_print_duration (weir_json_get_number (video, "duration", -1)), WEIR_COLOUR_NONE);
  weir_table_take (
      table, weir_print_size (weir_json_get_number (video, "size", 0)), WEIR_COLOUR_NONE);
  weir_table_add (table, weir_json_get_text (video, "meta/name"), WEIR_COLOUR_NONE);
}

WeirExit
weir_recording_list (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autoptr (WeirTable) table = weir_table_new ("ID|STATE|BEGUN|>DURATION|>SIZE|NAME");
  gint64 limit = LIMIT_MAX;
  g_autoptr (GString) path = g_string_new (NULL);
  JsonArray *videos;
  WeirExit status;

  if (!weir_invocation_read_number (self, WEIR_OPTION_LIMIT, 1, LIMIT_MAX, &limit))
    return WEIR_EXIT_USAGE;
  g_string_printf (path, "/stream?limit=%" G_GINT64_FORMAT, limit);
  if (weir_invocation_has (self, WEIR_OPTION_INPUT))
    g_string_append (path, "&live_input_id=%s");
  if (weir_invocation_has (self, WEIR_OPTION_SEARCH))
    g_string_append (path, "&search=%s");
  status = weir_invocation_call (self, &answer, "GET", NULL, path->str,
      weir_invocation_has (self, WEIR_OPTION_INPUT) ? self->values[WEIR_OPTION_INPUT]
                                                    : self->values[WEIR_OPTION_SEARCH],
      self->values[WEIR_OPTION_SEARCH]);
  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  videos = weir_json_get_array (answer.result, NULL);
  for (guint i = 0; videos != NULL && i < json_array_get_length (videos); i++)
    add_recording (table, weir_json_get_element (videos, i));
  weir_table_print (table, "There are no recordings\n");
  return WEIR_EXIT_DONE;
}

WeirExit
weir_recording_show (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  WeirExit status =
      weir_invocation_call (self, &answer, "GET", NULL, "/stream/%s", self->operands[0]);
  JsonObject *video = weir_json_get_object (answer.result);
  WeirColour colour;
  g_autofree gchar *name = NULL, *state = NULL, *begun = NULL, *duration = NULL, *size = NULL,
                   *deletion = NULL;

  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  name = weir_print_clean (weir_json_get_text (video, "meta/name"));
  state = describe_state (video, &colour);
  begun = weir_print_time (weir_json_get_text (video, "created"));
  duration = weir_print_duration (weir_json_get_number (video, "duration", -1));
  size = weir_print_size (weir_json_get_number (video, "size", 0));
  deletion = weir_print_time (weir_json_get_text (video, "scheduledDeletion"));
  g_print ("Recording    %s%s%s\n", weir_json_get_text (video, "uid"), *name ? "  " : "", name);
  g_print ("Live input   %s\nState        %s\nBegun        %s\nDuration     %s\nSize         %s\n",
      weir_json_get_text (video, "liveInput"), state, begun, duration, size);
  if (*deletion != '\0')
    g_print ("Deleted on   %s\n", deletion);
  g_print ("\nWatch\n  %s\n  %s\n", weir_json_get_text (video, "preview"),
      weir_json_get_text (video, "playback/hls"));
  return WEIR_EXIT_DONE;
}

WeirExit
weir_recording_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return weir_invocation_call (self, &answer, "DELETE", NULL, "/stream/%s", self->operands[0]);
}

/* ---- broadcasts ---- */

static void
add_broadcast (WeirTable *table, JsonObject *input, gint64 now_us)
{
  const gchar *state = weir_input_get_state (input);
  const gchar *since = weir_json_get_text (input, "status/current/statusEnteredAt");
  const gchar *deadline = weir_json_get_text (input, "status/current/deadline");

  weir_table_add (table, weir_json_get_text (input, "status/current/videoUID"), WEIR_COLOUR_NONE);
  weir_table_add (table, state, weir_state_get_colour (state));
  weir_table_take (table, weir_print_duration (weir_print_age (since, now_us)), WEIR_COLOUR_NONE);
  weir_table_take (
      table, weir_print_duration (-weir_print_age (deadline, now_us)), WEIR_COLOUR_WARN);
  weir_table_add (table, weir_json_get_text (input, "uid"), WEIR_COLOUR_NONE);
  weir_table_add (table, weir_json_get_text (input, "meta/name"), WEIR_COLOUR_NONE);
}

/* what runs, runs on an input: its broadcast is what the input says of itself */
WeirExit
weir_broadcast_list (WeirInvocation *self)
{
  g_autoptr (WeirTable) table = weir_table_new ("ID|STATE|>SINCE|>LEFT|LIVE INPUT|NAME");
  g_autoptr (WeirSnapshot) snapshot = NULL;
  g_autofree gchar *problem = NULL;
  WeirExit status = weir_snapshot_take (self, &snapshot, &problem);

  if (status != WEIR_EXIT_DONE) {
    weir_complain (problem);
    return status;
  }
  if (weir_invocation_is_json (self)) {
    weir_snapshot_print_json (snapshot, TRUE);
    return WEIR_EXIT_DONE;
  }
  for (guint i = 0; i < snapshot->inputs->len; i++) {
    JsonObject *input = weir_snapshot_get_input (snapshot, i);

    if (*weir_json_get_text (input, "status/current/videoUID") != '\0')
      add_broadcast (table, input, snapshot->taken_us);
  }
  weir_table_print (table, "Nothing is running\n");
  return WEIR_EXIT_DONE;
}

WeirExit
weir_broadcast_show (WeirInvocation *self)
{
  g_autofree gchar *id = g_uri_escape_string (self->operands[0], NULL, FALSE);
  g_autofree gchar *path = g_strdup_printf ("/%s/lifecycle", id);
  g_autofree gchar *problem = NULL, *deadline = NULL, *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *lifecycle;
  WeirExit status = weir_client_get_page (self->client, path, &text, &problem);

  if (status != WEIR_EXIT_DONE) {
    weir_complain (problem);
    return status;
  }
  if (weir_invocation_is_json (self)) {
    g_print ("%s\n", text);
    return WEIR_EXIT_DONE;
  }
  root = json_from_string (text, NULL);
  lifecycle = weir_json_get_object (root);
  deadline = weir_print_duration (
      -weir_print_age (weir_json_get_text (lifecycle, "deadline"), g_get_real_time ()));
  g_print ("Broadcast    %s\nState        %s\n",
      *weir_json_get_text (lifecycle, "videoUID") != '\0'
          ? weir_json_get_text (lifecycle, "videoUID")
          : "(none)",
      weir_json_get_text (lifecycle, "state"));
  if (*deadline != '\0')
    g_print ("Left         %s, for the encoder to come back\n", deadline);
  g_print ("\nWatch\n  %s/%s/watch\n", weir_client_get_url (self->client), id);
  return WEIR_EXIT_DONE;
}

/* Returns: (nullable): the live input that is called @id, or whose broadcast is; NULL with @status,
 * said */
static gchar *
find_input (WeirInvocation *self, const gchar *id, WeirExit *status)
{
  g_autofree gchar *input = weir_invocation_make_path (self, "/stream/live_inputs/%s", id);
  g_autofree gchar *problem = NULL;
  g_auto (WeirAnswer) answer = {0};
  g_autoptr (WeirSnapshot) snapshot = NULL;

  *status = weir_client_call (self->client, "GET", input, NULL, &answer, &problem);
  if (*status == WEIR_EXIT_DONE)
    return g_strdup (id);
  if (*status == WEIR_EXIT_REFUSED) {
    g_clear_pointer (&problem, g_free);
    *status = weir_snapshot_take (self, &snapshot, &problem);
  }
  for (guint i = 0; *status == WEIR_EXIT_DONE && i < snapshot->inputs->len; i++) {
    JsonObject *running = weir_snapshot_get_input (snapshot, i);

    if (strcmp (weir_json_get_text (running, "status/current/videoUID"), id) == 0)
      return g_strdup (weir_json_get_text (running, "uid"));
  }
  if (*status == WEIR_EXIT_DONE) {
    *status = WEIR_EXIT_REFUSED;
    problem = g_strdup_printf ("no live input and no running broadcast is called %s", id);
  }
  weir_complain (problem);
  return NULL;
}

WeirExit
weir_broadcast_end_running (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  WeirExit status;
  g_autofree gchar *input = find_input (self, self->operands[0], &status);

  if (input == NULL)
    return status;
  status = weir_invocation_call (self, &answer, "POST", NULL, "/stream/live_inputs/%s/end", input);
  if (status == WEIR_EXIT_DONE && !weir_invocation_is_json (self))
    g_print ("Ending: %s\n", weir_json_get_text (weir_json_get_object (answer.result), "videoUID"));
  return status;
}
