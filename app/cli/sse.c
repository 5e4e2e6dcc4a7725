/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sse.h"

#include <string.h>

struct _WeirSse {
  WeirSseFunc func;
  gpointer user_data;
  GString *line;
  GString *data;
  gchar *id;      /* of the event that comes */
  gchar *last_id; /* of those that were told */
  gboolean has_data;
  gboolean after_return;
};

WeirSse *
weir_sse_new (WeirSseFunc func, gpointer user_data)
{
  WeirSse *self = g_new0 (WeirSse, 1);

  self->func = func;
  self->user_data = user_data;
  self->line = g_string_new (NULL);
  self->data = g_string_new (NULL);
  self->id = g_strdup ("");
  self->last_id = g_strdup ("");
  return self;
}

void
weir_sse_free (WeirSse *self)
{
  g_string_free (self->line, TRUE);
  g_string_free (self->data, TRUE);
  g_free (self->id);
  g_free (self->last_id);
  g_free (self);
}

void
weir_sse_restart (WeirSse *self)
{
  g_string_truncate (self->line, 0);
  g_string_truncate (self->data, 0);
  g_free (self->id);
  self->id = g_strdup (self->last_id);
  self->has_data = self->after_return = FALSE;
}

const gchar *
weir_sse_get_last_id (const WeirSse *self)
{
  return self->last_id;
}

static void
finish_event (WeirSse *self)
{
  g_free (self->last_id);
  self->last_id = g_strdup (self->id);
  if (self->has_data)
    self->func (self->last_id, self->data->str, self->user_data);
  g_string_truncate (self->data, 0);
  self->has_data = FALSE;
}

static void
finish_line (WeirSse *self)
{
  const gchar *line = self->line->str, *value;
  gsize name = strcspn (line, ":");

  if (*line == '\0') {
    finish_event (self);
    return;
  }
  value = line[name] == ':' ? line + name + 1 : line + name;
  value += *value == ' ';
  if (name == 4 && strncmp (line, "data", 4) == 0) {
    if (self->has_data)
      g_string_append_c (self->data, '\n');
    g_string_append (self->data, value);
    self->has_data = TRUE;
  } else if (name == 2 && strncmp (line, "id", 2) == 0) {
    g_free (self->id);
    self->id = g_strdup (value);
  }
}

gboolean
weir_sse_feed (WeirSse *self, const gchar *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    gboolean ends = bytes[i] == '\n' || bytes[i] == '\r';

    /* CR LF is one end of a line */
    if (bytes[i] == '\n' && self->after_return) {
      self->after_return = FALSE;
      continue;
    }
    self->after_return = bytes[i] == '\r';
    if (ends) {
      finish_line (self);
      g_string_truncate (self->line, 0);
    } else if (bytes[i] != '\0') {
      g_string_append_c (self->line, bytes[i]);
    }
    if (self->line->len + self->data->len > WEIR_SSE_EVENT_MAX)
      return FALSE;
  }
  return TRUE;
}
