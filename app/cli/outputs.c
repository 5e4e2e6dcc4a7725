/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE_MAX 1024

static void
add_row (WeirTable *table, JsonObject *output)
{
  const gchar *state = weir_json_get_text (output, "status/current/state");
  gboolean enabled = weir_json_get_boolean (output, "enabled");

  weir_table_add (table, weir_json_get_text (output, "uid"), WEIR_COLOUR_NONE);
  weir_table_add (
      table, enabled ? "enabled" : "disabled", enabled ? WEIR_COLOUR_NONE : WEIR_COLOUR_QUIET);
  weir_table_add (table, state, weir_state_get_colour (state));
  weir_table_add (table, weir_json_get_text (output, "url"), WEIR_COLOUR_NONE);
}

/* @answer: one, or an array of them */
static WeirExit
finish (WeirInvocation *self, WeirExit status, const WeirAnswer *answer)
{
  g_autoptr (WeirTable) table = weir_table_new ("ID|ENABLED|STATE|URL");
  JsonArray *outputs = weir_json_get_array (answer->result, NULL);

  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  if (outputs == NULL)
    add_row (table, weir_json_get_object (answer->result));
  for (guint i = 0; outputs != NULL && i < json_array_get_length (outputs); i++)
    add_row (table, weir_json_get_element (outputs, i));
  weir_table_print (table, "There are no outputs\n");
  weir_print_messages (self, answer);
  return WEIR_EXIT_DONE;
}

/* a key in an argument is seen by all users of the machine. Returns: (nullable) */
static gchar *
read_key (const WeirInvocation *self)
{
  gchar line[KEY_SIZE_MAX + 2];

  if (self->n_operands < 3)
    return g_strdup ("");
  if (strcmp (self->operands[2], "-") != 0)
    return g_strdup (self->operands[2]);
  if (fgets (line, sizeof line, stdin) == NULL) {
    g_printerr ("weir: there is no key on stdin\n");
    return NULL;
  }
  line[strcspn (line, "\r\n")] = '\0';
  return g_strdup (line);
}

WeirExit
weir_output_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autofree gchar *key = read_key (self);
  g_autofree gchar *body = NULL;
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_node_take_object (root, object);
  if (key == NULL)
    return WEIR_EXIT_FAILED;
  json_object_set_string_member (object, "url", self->operands[1]);
  if (*key != '\0')
    json_object_set_string_member (object, "streamKey", key);
  if (weir_invocation_has (self, WEIR_OPTION_DISABLED))
    json_object_set_boolean_member (object, "enabled", FALSE);
  body = json_to_string (root, FALSE);
  return finish (self,
      weir_invocation_call (
          self, &answer, "POST", body, "/stream/live_inputs/%s/outputs", self->operands[0]),
      &answer);
}

WeirExit
weir_output_list (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return finish (self,
      weir_invocation_call (
          self, &answer, "GET", NULL, "/stream/live_inputs/%s/outputs", self->operands[0]),
      &answer);
}

static WeirExit
change (WeirInvocation *self, const gchar *method, const gchar *body, WeirAnswer *answer)
{
  return weir_invocation_call (self, answer, method, body, "/stream/live_inputs/%s/outputs/%s",
      self->operands[0], self->operands[1]);
}

WeirExit
weir_output_enable (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return finish (self, change (self, "PUT", "{\"enabled\":true}", &answer), &answer);
}

WeirExit
weir_output_disable (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return finish (self, change (self, "PUT", "{\"enabled\":false}", &answer), &answer);
}

WeirExit
weir_output_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return change (self, "DELETE", NULL, &answer);
}
