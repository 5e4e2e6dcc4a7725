/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"
#include "cli/screen.h"

#include <glib-unix.h>
#include <string.h>

#define FETCH_INTERVAL_US (2 * G_USEC_PER_SEC)
#define DRAW_INTERVAL_MS 500

/* ---- snapshots ---- */

static void
answer_free (gpointer data)
{
  weir_answer_clear (data);
  g_free (data);
}

void
weir_snapshot_free (WeirSnapshot *self)
{
  weir_answer_clear (&self->list);
  g_ptr_array_unref (self->inputs);
  g_free (self);
}

JsonObject *
weir_snapshot_get_input (const WeirSnapshot *self, guint index)
{
  return weir_json_get_object (((const WeirAnswer *) self->inputs->pdata[index])->result);
}

static WeirExit
take_input (WeirInvocation *self, WeirSnapshot *snapshot, const gchar *uid, gchar **problem)
{
  g_autofree gchar *path = weir_invocation_make_path (self, "/stream/live_inputs/%s", uid);
  WeirAnswer *answer = g_new0 (WeirAnswer, 1);
  WeirExit status = weir_client_call (self->client, "GET", path, NULL, answer, problem);

  if (status == WEIR_EXIT_DONE)
    g_ptr_array_add (snapshot->inputs, answer);
  else
    answer_free (answer);
  return status;
}

WeirExit
weir_snapshot_take (WeirInvocation *self, WeirSnapshot **snapshot, gchar **problem)
{
  g_autofree gchar *path = weir_invocation_make_path (self, "/stream/live_inputs");
  g_autoptr (WeirSnapshot) taken = g_new0 (WeirSnapshot, 1);
  JsonArray *inputs;
  WeirExit status;

  taken->inputs = g_ptr_array_new_with_free_func (answer_free);
  taken->taken_us = g_get_real_time ();
  status = weir_client_call (self->client, "GET", path, NULL, &taken->list, problem);
  if (status != WEIR_EXIT_DONE)
    return status;
  inputs = weir_json_get_array (taken->list.result, "liveInputs");
  for (guint i = 0; inputs != NULL && i < json_array_get_length (inputs); i++) {
    const gchar *uid = weir_json_get_text (weir_json_get_element (inputs, i), "uid");

    status = take_input (self, taken, uid, problem);
    /* deleted meanwhile */
    if (status == WEIR_EXIT_REFUSED)
      g_clear_pointer (problem, g_free);
    else if (status != WEIR_EXIT_DONE)
      return status;
  }
  *snapshot = g_steal_pointer (&taken);
  return WEIR_EXIT_DONE;
}

void
weir_snapshot_print_json (const WeirSnapshot *self, gboolean running)
{
  g_autoptr (GString) text = g_string_new ("[");

  for (guint i = 0; i < self->inputs->len; i++) {
    const WeirAnswer *answer = self->inputs->pdata[i];
    const gchar *uid =
        weir_json_get_text (weir_snapshot_get_input (self, i), "status/current/videoUID");

    if (!running || *uid != '\0')
      g_string_append_printf (text, "%s%s", text->len > 1 ? "," : "", answer->text);
  }
  g_print ("%s]\n", text->str);
}

/* ---- the table ---- */

static gchar *
join_codecs (JsonObject *input)
{
  static const gchar *const kinds[] = {"health/video", "health/audio"};
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    JsonArray *tracks = weir_json_get_array (weir_json_get_node (input, kinds[i]), NULL);

    for (guint k = 0; tracks != NULL && k < json_array_get_length (tracks); k++) {
      JsonObject *track = weir_json_get_element (tracks, k);
      gdouble height = weir_json_get_number (track, "height", 0);

      g_string_append_printf (
          text, "%s%s", text->len > 0 ? ", " : "", weir_json_get_text (track, "codec"));
      if (height > 0)
        g_string_append_printf (text, " %.0fp", height);
    }
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gdouble
sum_bit_rates (JsonObject *input)
{
  static const gchar *const kinds[] = {"health/video", "health/audio"};
  gdouble sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    JsonArray *tracks = weir_json_get_array (weir_json_get_node (input, kinds[i]), NULL);

    for (guint k = 0; tracks != NULL && k < json_array_get_length (tracks); k++)
      sum += weir_json_get_number (weir_json_get_element (tracks, k), "bitrate", 0);
  }
  return sum;
}

static gdouble
get_gop (JsonObject *input)
{
  JsonArray *tracks = weir_json_get_array (weir_json_get_node (input, "health/video"), NULL);

  return tracks != NULL && json_array_get_length (tracks) > 0
             ? weir_json_get_number (weir_json_get_element (tracks, 0), "gopSeconds", -1)
             : -1;
}

static WeirColour
get_health_colour (const gchar *health)
{
  return strcmp (health, "ok") == 0        ? WEIR_COLOUR_GOOD
         : strcmp (health, "warning") == 0 ? WEIR_COLOUR_WARN
                                           : WEIR_COLOUR_BAD;
}

static void
add_notes (WeirTable *table, JsonObject *input)
{
  JsonArray *issues = weir_json_get_array (weir_json_get_node (input, "health/issues"), NULL);

  if (*weir_json_get_text (input, "status/current/recordingPausedAt") != '\0')
    weir_table_add_note (table, "recording paused: the disk", WEIR_COLOUR_BAD);
  for (guint i = 0; issues != NULL && i < json_array_get_length (issues); i++) {
    WeirColour colour;
    g_autofree gchar *text = weir_issue_to_text (weir_json_get_element (issues, i), &colour);

    if (text != NULL)
      weir_table_add_note (table, text, colour);
  }
}

static void
add_input (WeirTable *table, JsonObject *input, gint64 now_us)
{
  gboolean enabled = weir_json_get_boolean (input, "enabled");
  const gchar *state = weir_input_get_state (input);
  const gchar *since = weir_json_get_text (input, "status/current/statusEnteredAt");
  const gchar *deadline = weir_json_get_text (input, "status/current/deadline");
  const gchar *health = weir_json_get_text (input, "health/state");

  weir_table_add (table, enabled ? state : "disabled", weir_state_get_colour (state));
  weir_table_add (
      table, weir_json_get_text (input, "status/current/ingestProtocol"), WEIR_COLOUR_NONE);
  weir_table_take (table, weir_print_duration (weir_print_age (since, now_us)), WEIR_COLOUR_NONE);
  weir_table_take (
      table, weir_print_duration (-weir_print_age (deadline, now_us)), WEIR_COLOUR_WARN);
  weir_table_take (table, join_codecs (input), WEIR_COLOUR_NONE);
  weir_table_take (table, weir_print_rate (sum_bit_rates (input)), WEIR_COLOUR_NONE);
  weir_table_take (table, weir_print_duration (get_gop (input)), WEIR_COLOUR_NONE);
  weir_table_add (table, health, get_health_colour (health));
  weir_table_add (table, weir_json_get_text (input, "meta/name"), WEIR_COLOUR_BOLD);
  weir_table_add (table, weir_json_get_text (input, "uid"), WEIR_COLOUR_QUIET);
  add_notes (table, input);
}

/* @columns: as of weir_table_to_text() */
static gchar *
describe (
    const WeirSnapshot *self, const gchar *url, gint64 now_us, guint columns, gboolean colours)
{
  g_autoptr (WeirTable) table =
      weir_table_new ("STATE|VIA|>SINCE|>LEFT|CODECS|>BITRATE|>GOP|HEALTH|NAME|ID");
  JsonArray *messages = weir_json_get_array (self->list.envelope, "messages");
  GString *text = g_string_new (NULL);
  g_autofree gchar *rows = NULL;

  g_string_append_printf (text, "Weir at %s, %u live input%s\n", url, self->inputs->len,
      self->inputs->len == 1 ? "" : "s");
  for (guint i = 0; messages != NULL && i < json_array_get_length (messages); i++) {
    g_autofree gchar *message =
        weir_print_clean (weir_json_get_text (weir_json_get_element (messages, i), "message"));

    g_string_append_printf (text, "%s\n", message);
  }
  for (guint i = 0; i < self->inputs->len; i++)
    add_input (table, weir_snapshot_get_input (self, i), now_us);
  rows = weir_table_to_text (table, columns, colours);
  if (self->inputs->len > 0)
    g_string_append_printf (text, "\n%s", rows);
  return g_string_free (text, FALSE);
}

/* ---- watching ---- */

typedef struct {
  WeirInvocation *invocation;
  WeirScreen *screen; /* (nullable): no terminal */
  GMainLoop *loop;
  GCancellable *cancellable;
  WeirSnapshot *snapshot; /* (nullable) */
  gchar *problem;         /* (nullable): of the last attempt */
  WeirExit status;
  gboolean fetching;
  gboolean ending;
  gint64 next_us; /* monotonic */
} Watch;

static void
draw (Watch *self)
{
  guint columns = 0, rows = 0;
  g_autofree gchar *text = NULL, *page = NULL;

  if (self->screen != NULL)
    weir_screen_get_size (self->screen, &columns, &rows);
  text = describe (self->snapshot, weir_client_get_url (self->invocation->client),
      g_get_real_time (), columns, weir_print_has_colours ());
  page = self->problem != NULL ? g_strconcat (self->problem, "\n\n", text, NULL) : g_strdup (text);
  if (self->screen != NULL)
    weir_screen_draw (self->screen, page);
  else
    g_print ("%s\n", page);
}

/* what a thread has found out */
typedef struct {
  WeirSnapshot *snapshot;
  gchar *problem;
  WeirExit status;
} Found;

static void
found_free (gpointer data)
{
  Found *self = data;

  g_clear_pointer (&self->snapshot, weir_snapshot_free);
  g_free (self->problem);
  g_free (self);
}

static void
fetch_in_thread (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  Found *found = g_new0 (Found, 1);

  found->status =
      weir_snapshot_take (((Watch *) data)->invocation, &found->snapshot, &found->problem);
  g_task_return_pointer (task, found, found_free);
}

static void
fetched (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  Watch *self = user_data;
  Found *found = g_task_propagate_pointer (G_TASK (result), NULL);
  gboolean refused = found->status != WEIR_EXIT_DONE &&
                     (self->snapshot == NULL || found->status == WEIR_EXIT_REFUSED);

  self->fetching = FALSE;
  self->next_us = g_get_monotonic_time () + FETCH_INTERVAL_US;
  g_free (self->problem);
  self->problem = g_steal_pointer (&found->problem);
  if (found->snapshot != NULL) {
    g_clear_pointer (&self->snapshot, weir_snapshot_free);
    self->snapshot = g_steal_pointer (&found->snapshot);
  }
  if (refused)
    self->status = found->status;
  if (self->ending || refused)
    g_main_loop_quit (self->loop);
  else
    draw (self);
  found_free (found);
}

static void
fetch (Watch *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, fetched, self);

  self->fetching = TRUE;
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, fetch_in_thread);
}

static gboolean
tick (gpointer data)
{
  Watch *self = data;

  if (!self->fetching && g_get_monotonic_time () >= self->next_us)
    fetch (self);
  else if (self->snapshot != NULL && self->screen != NULL)
    draw (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
resized (gpointer data)
{
  Watch *self = data;

  if (self->snapshot != NULL && self->screen != NULL)
    draw (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
end (gpointer data)
{
  Watch *self = data;

  self->ending = TRUE;
  g_cancellable_cancel (self->cancellable);
  /* the thread uses what is freed afterwards */
  if (!self->fetching)
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static WeirExit
watch (WeirInvocation *invocation)
{
  static const gint ends[] = {SIGINT, SIGTERM, SIGHUP};
  Watch self = {.invocation = invocation, .status = WEIR_EXIT_DONE};

  self.loop = g_main_loop_new (NULL, FALSE);
  self.cancellable = g_cancellable_new ();
  weir_client_set_cancellable (invocation->client, self.cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    g_unix_signal_add (ends[i], end, &self);
  g_unix_signal_add (SIGWINCH, resized, &self);
  g_timeout_add (DRAW_INTERVAL_MS, tick, &self);
  self.screen = weir_screen_enter ();
  fetch (&self);
  g_main_loop_run (self.loop);
  g_clear_pointer (&self.screen, weir_screen_leave);
  if (self.status != WEIR_EXIT_DONE)
    weir_complain (self.problem);
  g_clear_pointer (&self.snapshot, weir_snapshot_free);
  g_free (self.problem);
  g_object_unref (self.cancellable);
  g_main_loop_unref (self.loop);
  return self.status;
}

WeirExit
weir_status_print (WeirInvocation *self)
{
  g_autoptr (WeirSnapshot) snapshot = NULL;
  g_autofree gchar *problem = NULL, *text = NULL;
  WeirExit status;

  if (weir_invocation_has (self, WEIR_OPTION_WATCH)) {
    if (weir_invocation_is_json (self))
      return weir_misuse ("--watch and --json do not go together: see weir events --follow --json");
    return watch (self);
  }
  status = weir_snapshot_take (self, &snapshot, &problem);
  if (status != WEIR_EXIT_DONE) {
    weir_complain (problem);
    return status;
  }
  if (weir_invocation_is_json (self)) {
    weir_snapshot_print_json (snapshot, FALSE);
    return WEIR_EXIT_DONE;
  }
  text = describe (snapshot, weir_client_get_url (self->client), snapshot->taken_us, 0,
      weir_print_has_colours ());
  g_print ("%s", text);
  return WEIR_EXIT_DONE;
}
