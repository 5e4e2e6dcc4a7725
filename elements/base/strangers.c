/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "base/strangers.h"

#define LINES_PER_SECOND 2
#define LINES_BURST 20

void
weir_stranger_log_init (WeirStrangerLog *self, gint64 now_us)
{
  weir_token_bucket_init (&self->lines, LINES_PER_SECOND, LINES_BURST, now_us);
  self->left_out = 0;
}

void
weir_stranger_log (WeirStrangerLog *self, gint64 now_us, const gchar *format, ...)
{
  g_autofree gchar *line = NULL;
  va_list arguments;

  if (!weir_token_bucket_take (&self->lines, 1, now_us)) {
    self->left_out++;
    return;
  }
  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (self->left_out > 0)
    g_message (
        "%s (%" G_GUINT64_FORMAT " lines like this were left out before)", line, self->left_out);
  else
    g_message ("%s", line);
  self->left_out = 0;
}
