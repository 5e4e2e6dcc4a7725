/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/sse.h"

#include <string.h>

#define PAGE 1000
/* how many of the past --follow shows when it is not told otherwise */
#define FOLLOW_PAST 10
#define READ_SIZE 8192
#define RETRY_FIRST_S 1
#define RETRY_LAST_S 10

typedef struct {
  WeirInvocation *invocation;
  gboolean colours;
  GQueue past;    /* of JsonNode: the newest @keep */
  guint64 keep;   /* G_MAXUINT64: they are printed as they come */
  guint64 cursor; /* the last that was seen */
} Printer;

/* "name=value" of what is plain in @data */
static gchar *
describe_data (JsonObject *data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GList) names = data != NULL ? json_object_get_members (data) : NULL;

  for (GList *name = names; name != NULL; name = name->next) {
    JsonNode *node = json_object_get_member (data, name->data);
    g_autofree gchar *value = NULL;

    if (JSON_NODE_HOLDS_NULL (node))
      continue;
    value = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                ? g_strdup (json_node_get_string (node))
                : json_to_string (node, FALSE);
    g_string_append_printf (
        text, "%s%s=%s", text->len > 0 ? " " : "", (const gchar *) name->data, value);
  }
  return weir_print_clean (text->str);
}

static void
print_event (const Printer *self, JsonNode *event)
{
  JsonObject *object = weir_json_get_object (event);
  g_autofree gchar *line = json_to_string (event, FALSE);
  g_autofree gchar *time = weir_print_time (weir_json_get_text (object, "time"));
  g_autofree gchar *type = weir_print_clean (weir_json_get_text (object, "type"));
  g_autofree gchar *input = weir_print_clean (weir_json_get_text (object, "input"));
  g_autofree gchar *data =
      describe_data (weir_json_get_object (weir_json_get_node (object, "data")));

  if (weir_invocation_is_json (self->invocation))
    g_print ("%s\n", line);
  else
    g_print ("%6.0f  %s%s%s  %-24s  %-32s  %s\n", weir_json_get_number (object, "sequence", 0),
        self->colours ? "\033[2m" : "", time, self->colours ? "\033[0m" : "", type, input, data);
}

/* of a list */
static void
take_event (Printer *self, JsonNode *event)
{
  if (self->keep == G_MAXUINT64) {
    print_event (self, event);
    return;
  }
  g_queue_push_tail (&self->past, json_node_ref (event));
  if (self->past.length > self->keep)
    json_node_unref (g_queue_pop_head (&self->past));
}

static WeirExit
list_page (Printer *self, gboolean *more)
{
  WeirInvocation *invocation = self->invocation;
  const gchar *types = invocation->values[WEIR_OPTION_TYPE];
  g_autofree gchar *account = weir_invocation_make_path (invocation, "/stream/events");
  g_autofree gchar *type = g_uri_escape_string (types != NULL ? types : "", NULL, FALSE);
  g_autofree gchar *path = g_strdup_printf (
      "%s?after=%" G_GUINT64_FORMAT "&limit=%d&type=%s", account, self->cursor, PAGE, type);
  g_autofree gchar *problem = NULL;
  g_auto (WeirAnswer) answer = {0};
  WeirExit status = weir_client_call (invocation->client, "GET", path, NULL, &answer, &problem);
  JsonArray *events = weir_json_get_array (answer.result, "events");
  JsonObject *result = weir_json_get_object (answer.result);

  if (status != WEIR_EXIT_DONE) {
    weir_complain (problem);
    return status;
  }
  for (guint i = 0; events != NULL && i < json_array_get_length (events); i++)
    take_event (self, json_array_get_element (events, i));
  self->cursor = (guint64) weir_json_get_number (result, "cursor", (gdouble) self->cursor);
  *more = weir_json_get_boolean (result, "more");
  return WEIR_EXIT_DONE;
}

static void
take_told (const gchar *id, const gchar *data, gpointer user_data)
{
  Printer *self = user_data;
  g_autoptr (JsonNode) event = json_from_string (data, NULL);

  if (event != NULL)
    print_event (self, event);
  g_ascii_string_to_unsigned (id, 10, 0, G_MAXUINT64, &self->cursor, NULL);
}

/* Returns: FALSE: what came cannot be events */
static gboolean
read_stream (GInputStream *stream, WeirSse *sse)
{
  gchar bytes[READ_SIZE];
  gssize size;

  weir_sse_restart (sse);
  while ((size = g_input_stream_read (stream, bytes, sizeof bytes, NULL, NULL)) > 0) {
    if (!weir_sse_feed (sse, bytes, (gsize) size))
      return FALSE;
  }
  return TRUE;
}

/* until the server refuses; a connection that ends is followed by another one, which goes on where
 * that was */
static WeirExit
follow (Printer *self)
{
  WeirInvocation *invocation = self->invocation;
  const gchar *types = invocation->values[WEIR_OPTION_TYPE];
  g_autofree gchar *account = weir_invocation_make_path (invocation, "/stream/events");
  g_autofree gchar *type = g_uri_escape_string (types != NULL ? types : "", NULL, FALSE);
  g_autofree gchar *path = g_strdup_printf ("%s?type=%s", account, type);
  g_autoptr (WeirSse) sse = weir_sse_new (take_told, self);

  for (guint wait = RETRY_FIRST_S;; wait = MIN (wait * 2, RETRY_LAST_S)) {
    g_autofree gchar *cursor = g_strdup_printf ("%" G_GUINT64_FORMAT, self->cursor);
    g_autofree gchar *problem = NULL;
    WeirExit status;
    g_autoptr (GInputStream) stream = weir_client_open (
        invocation->client, path, "text/event-stream", cursor, NULL, &status, &problem);

    if (stream == NULL && status != WEIR_EXIT_FAILED) {
      weir_complain (problem);
      return status;
    }
    if (stream != NULL) {
      wait = RETRY_FIRST_S;
      if (!read_stream (stream, sse)) {
        weir_complain ("the server has sent what cannot be events");
        return WEIR_EXIT_FAILED;
      }
    }
    g_printerr ("weir: %s; trying again\n", problem != NULL ? problem : "the connection has ended");
    g_usleep (wait * G_USEC_PER_SEC);
  }
}

WeirExit
weir_events_print (WeirInvocation *self)
{
  gboolean follows = weir_invocation_has (self, WEIR_OPTION_FOLLOW);
  gint64 after = -1, limit = -1;
  Printer printer = {
      .invocation = self, .colours = weir_print_has_colours (), .past = G_QUEUE_INIT};
  gboolean more = TRUE;
  WeirExit status = WEIR_EXIT_DONE;

  if (!weir_invocation_read_number (self, WEIR_OPTION_AFTER, 0, G_MAXINT64, &after) ||
      !weir_invocation_read_number (self, WEIR_OPTION_LIMIT, 1, G_MAXINT32, &limit))
    return WEIR_EXIT_USAGE;
  printer.cursor = (guint64) MAX (after, 0);
  printer.keep = limit > 0 ? (guint64) limit : follows && after < 0 ? FOLLOW_PAST : G_MAXUINT64;
  while (more && status == WEIR_EXIT_DONE)
    status = list_page (&printer, &more);
  while (!g_queue_is_empty (&printer.past)) {
    g_autoptr (JsonNode) event = g_queue_pop_head (&printer.past);

    if (status == WEIR_EXIT_DONE)
      print_event (&printer, event);
  }
  return status == WEIR_EXIT_DONE && follows ? follow (&printer) : status;
}
