/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include <string.h>

/* webhooks, tokens, signing keys, accounts: small things that are made, listed and deleted */

/* @words: separated by commas */
static void
add_list (JsonObject *object, const gchar *name, const gchar *words)
{
  g_auto (GStrv) parts = words != NULL ? g_strsplit (words, ",", -1) : NULL;
  JsonArray *array;

  if (parts == NULL)
    return;
  array = json_array_new ();
  for (guint i = 0; parts[i] != NULL; i++)
    json_array_add_string_element (array, parts[i]);
  json_object_set_array_member (object, name, array);
}

static void
add_option (const WeirInvocation *self, JsonObject *object, const gchar *name, WeirOptionId option)
{
  if (self->values[option] != NULL)
    json_object_set_string_member (object, name, self->values[option]);
}

/* @object: (transfer full) */
static gchar *
make_body (JsonObject *object)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (root, object);
  return json_to_string (root, FALSE);
}

typedef void (*AddRow) (WeirTable *table, JsonObject *object);

static WeirExit
print_list (
    WeirInvocation *self, const gchar *path, const gchar *titles, AddRow add, const gchar *nothing)
{
  g_auto (WeirAnswer) answer = {0};
  g_autoptr (WeirTable) table = weir_table_new (titles);
  WeirExit status = weir_invocation_call (self, &answer, "GET", NULL, path);
  JsonArray *array = weir_json_get_array (answer.result, NULL);

  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    add (table, weir_json_get_element (array, i));
  weir_table_print (table, nothing);
  return WEIR_EXIT_DONE;
}

/* @path: below /client/v4 */
static WeirExit
call (WeirInvocation *self, const gchar *method, const gchar *path, const gchar *body,
    WeirAnswer *answer)
{
  g_autofree gchar *problem = NULL;
  WeirExit status = weir_client_call (self->client, method, path, body, answer, &problem);

  if (status != WEIR_EXIT_DONE)
    weir_complain (problem);
  else if (weir_invocation_is_json (self))
    g_print ("%s\n", answer->text);
  return status;
}

/* a list that comes in pages; with --json one answer after another. @path: as of call() */
static WeirExit
print_pages (
    WeirInvocation *self, const gchar *path, const gchar *titles, AddRow add, const gchar *nothing)
{
  g_autoptr (WeirTable) table = weir_table_new (titles);
  gdouble told = 0, total = 1;

  for (guint page = 1; told < total; page++) {
    g_autofree gchar *paged = g_strdup_printf ("%s?per_page=1000&page=%u", path, page);
    g_auto (WeirAnswer) answer = {0};
    WeirExit status = call (self, "GET", paged, NULL, &answer);
    JsonArray *array = weir_json_get_array (answer.result, NULL);
    guint length = array != NULL ? json_array_get_length (array) : 0;

    if (status != WEIR_EXIT_DONE)
      return status;
    for (guint i = 0; i < length; i++)
      add (table, weir_json_get_element (array, i));
    told += length;
    total = length == 0 ? 0
                        : weir_json_get_number (weir_json_get_object (answer.envelope),
                              "result_info/total_count", told);
  }
  if (!weir_invocation_is_json (self))
    weir_table_print (table, nothing);
  return WEIR_EXIT_DONE;
}

/* ---- webhooks ---- */

WeirExit
weir_webhook_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  JsonObject *object = json_object_new ();
  g_autofree gchar *body = NULL;
  WeirExit status;
  JsonObject *made;

  json_object_set_string_member (object, "url", self->operands[0]);
  add_list (object, "events", self->values[WEIR_OPTION_EVENTS]);
  add_option (self, object, "secret", WEIR_OPTION_SECRET);
  add_option (self, object, "format", WEIR_OPTION_FORMAT);
  if (weir_invocation_has (self, WEIR_OPTION_DISABLED))
    json_object_set_boolean_member (object, "enabled", FALSE);
  body = make_body (object);
  status = weir_invocation_call (self, &answer, "POST", body, "/stream/webhooks");
  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  made = weir_json_get_object (answer.result);
  g_print ("Webhook  %s\nSecret   %s\n", weir_json_get_text (made, "id"),
      weir_json_get_text (made, "secret"));
  return WEIR_EXIT_DONE;
}

static void
add_webhook (WeirTable *table, JsonObject *webhook)
{
  JsonArray *events = weir_json_get_array (weir_json_get_node (webhook, "events"), NULL);
  g_autoptr (GString) patterns = g_string_new (events == NULL ? "all" : NULL);
  const gchar *error = weir_json_get_text (webhook, "delivery/lastError");
  gboolean enabled = weir_json_get_boolean (webhook, "enabled");

  for (guint i = 0; events != NULL && i < json_array_get_length (events); i++) {
    JsonNode *event = json_array_get_element (events, i);

    if (json_node_get_value_type (event) == G_TYPE_STRING)
      g_string_append_printf (patterns, "%s%s", i > 0 ? "," : "", json_node_get_string (event));
  }
  weir_table_add (table, weir_json_get_text (webhook, "id"), WEIR_COLOUR_NONE);
  weir_table_add (
      table, enabled ? "enabled" : "disabled", enabled ? WEIR_COLOUR_NONE : WEIR_COLOUR_QUIET);
  weir_table_take (table,
      g_strdup_printf ("%.0f", weir_json_get_number (webhook, "delivery/delivered", 0)),
      WEIR_COLOUR_NONE);
  weir_table_take (table,
      g_strdup_printf ("%.0f", weir_json_get_number (webhook, "delivery/givenUp", 0)),
      WEIR_COLOUR_NONE);
  weir_table_add (table, patterns->str, WEIR_COLOUR_NONE);
  weir_table_add (table, weir_json_get_text (webhook, "url"), WEIR_COLOUR_NONE);
  if (*error != '\0')
    weir_table_add_note (table, error, WEIR_COLOUR_WARN);
}

WeirExit
weir_webhook_list (WeirInvocation *self)
{
  return print_list (self, "/stream/webhooks", "ID|ENABLED|>DELIVERED|>GIVEN UP|EVENTS|URL",
      add_webhook, "There are no webhooks\n");
}

WeirExit
weir_webhook_delete_one (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return weir_invocation_call (
      self, &answer, "DELETE", NULL, "/stream/webhooks/%s", self->operands[0]);
}

/* ---- tokens ---- */

WeirExit
weir_token_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  JsonObject *object = json_object_new ();
  g_autofree gchar *body = NULL;
  WeirExit status;
  JsonObject *made;

  json_object_set_string_member (object, "name", self->operands[0]);
  add_option (self, object, "access", WEIR_OPTION_ACCESS);
  body = make_body (object);
  status = weir_invocation_call (self, &answer, "POST", body, "/tokens");
  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  made = weir_json_get_object (answer.result);
  g_print ("ID     %s\nToken  %s\n\nIt is told only now.\n", weir_json_get_text (made, "id"),
      weir_json_get_text (made, "value"));
  return WEIR_EXIT_DONE;
}

static void
add_token (WeirTable *table, JsonObject *token)
{
  weir_table_add (table, weir_json_get_text (token, "id"), WEIR_COLOUR_NONE);
  weir_table_add (table, weir_json_get_text (token, "access"), WEIR_COLOUR_NONE);
  weir_table_take (
      table, weir_print_time (weir_json_get_text (token, "issued_on")), WEIR_COLOUR_QUIET);
  weir_table_add (table, weir_json_get_text (token, "name"), WEIR_COLOUR_NONE);
}

WeirExit
weir_token_list (WeirInvocation *self)
{
  g_autofree gchar *path = weir_invocation_make_path (self, "/tokens");

  return print_pages (self, path, "ID|ACCESS|MADE|NAME", add_token,
      "There are no tokens beside the administrator's\n");
}

WeirExit
weir_token_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return weir_invocation_call (self, &answer, "DELETE", NULL, "/tokens/%s", self->operands[0]);
}

/* ---- signing keys ---- */

WeirExit
weir_key_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  WeirExit status = weir_invocation_call (self, &answer, "POST", NULL, "/stream/keys");
  JsonObject *made = weir_json_get_object (answer.result);

  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  g_print ("ID   %s\nPEM  %s\nJWK  %s\n\nThe last two are base64, and told only now.\n",
      weir_json_get_text (made, "id"), weir_json_get_text (made, "pem"),
      weir_json_get_text (made, "jwk"));
  return WEIR_EXIT_DONE;
}

static void
add_key (WeirTable *table, JsonObject *key)
{
  weir_table_add (table, weir_json_get_text (key, "id"), WEIR_COLOUR_NONE);
  weir_table_take (table, weir_print_time (weir_json_get_text (key, "created")), WEIR_COLOUR_QUIET);
}

WeirExit
weir_key_list (WeirInvocation *self)
{
  return print_list (self, "/stream/keys", "ID|MADE", add_key, "There are no signing keys\n");
}

WeirExit
weir_key_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};

  return weir_invocation_call (self, &answer, "DELETE", NULL, "/stream/keys/%s", self->operands[0]);
}

/* ---- accounts ---- */

static void
add_account (WeirTable *table, JsonObject *account)
{
  weir_table_add (table, weir_json_get_text (account, "id"), WEIR_COLOUR_NONE);
  weir_table_take (
      table, weir_print_time (weir_json_get_text (account, "created_on")), WEIR_COLOUR_QUIET);
  weir_table_add (table, weir_json_get_text (account, "name"), WEIR_COLOUR_NONE);
}

WeirExit
weir_account_create (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autoptr (WeirTable) table = weir_table_new ("ID|MADE|NAME");
  JsonObject *object = json_object_new ();
  g_autofree gchar *body = NULL;
  WeirExit status;

  json_object_set_string_member (object, "name", self->operands[0]);
  add_option (self, object, "id", WEIR_OPTION_ID);
  body = make_body (object);
  status = call (self, "POST", "/accounts", body, &answer);
  if (status != WEIR_EXIT_DONE || weir_invocation_is_json (self))
    return status;
  add_account (table, weir_json_get_object (answer.result));
  weir_table_print (table, "");
  return WEIR_EXIT_DONE;
}

WeirExit
weir_account_list (WeirInvocation *self)
{
  return print_pages (self, "/accounts", "ID|MADE|NAME", add_account, "");
}

WeirExit
weir_account_delete (WeirInvocation *self)
{
  g_auto (WeirAnswer) answer = {0};
  g_autofree gchar *id = g_uri_escape_string (self->operands[0], NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("/accounts/", id, NULL);

  return call (self, "DELETE", path, NULL, &answer);
}
