/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVELS                                                                            \
  (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | \
      G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)

/* the journal tells by JOURNAL_STREAM which file its stream is (systemd.exec(5)) */
static gboolean
is_journal (gint fd)
{
  const gchar *stream = g_getenv ("JOURNAL_STREAM");
  guint64 device, inode;
  struct stat status;
  gchar *end;

  if (stream == NULL || fstat (fd, &status) != 0)
    return FALSE;
  device = g_ascii_strtoull (stream, &end, 10);
  if (*end != ':')
    return FALSE;
  inode = g_ascii_strtoull (end + 1, &end, 10);
  return *end == '\0' && device == (guint64) status.st_dev && inode == (guint64) status.st_ino;
}

void
weir_log_set_level (WeirLogSettings *installed, const gchar *level)
{
  GLogLevelFlags flag = G_LOG_LEVEL_INFO;

  if (strcmp (level, "error") == 0)
    flag = G_LOG_LEVEL_CRITICAL;
  else if (strcmp (level, "warning") == 0)
    flag = G_LOG_LEVEL_WARNING;
  else if (strcmp (level, "debug") == 0)
    flag = G_LOG_LEVEL_DEBUG;
  /* whoever writes a line meanwhile goes by either */
  __atomic_store_n (&installed->level, flag, __ATOMIC_RELAXED);
}

void
weir_log_settings_init (WeirLogSettings *self, const gchar *level, const gchar *format)
{
  weir_log_set_level (self, level);
  self->json = strcmp (format, "json") == 0;
  self->journal = is_journal (STDERR_FILENO);
}

static const gchar *
get_level_name (GLogLevelFlags level)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return "error";
  if (level & G_LOG_LEVEL_WARNING)
    return "warning";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "notice";
  return level & G_LOG_LEVEL_INFO ? "info" : "debug";
}

static guint
get_priority (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return 2;
  if (level & G_LOG_LEVEL_CRITICAL)
    return 3;
  if (level & G_LOG_LEVEL_WARNING)
    return 4;
  if (level & G_LOG_LEVEL_MESSAGE)
    return 5;
  return level & G_LOG_LEVEL_INFO ? 6 : 7;
}

static gboolean
is_plain (gunichar character)
{
  GUnicodeType type = g_unichar_type (character);

  return g_unichar_isprint (character) && type != G_UNICODE_LINE_SEPARATOR &&
         type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* in text, \xNN as base/escape.h writes it; in JSON, its own escapes */
static void
append_escaped (GString *line, const gchar *message, gboolean json)
{
  g_autofree gchar *valid = g_utf8_make_valid (message, -1);

  for (const gchar *c = valid; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    if (json && (*c == '"' || *c == '\\'))
      g_string_append_printf (line, "\\%c", *c);
    else if (character > 0xffff && !is_plain (character))
      g_string_append (line, "\xef\xbf\xbd");
    else if (!is_plain (character))
      g_string_append_printf (line, json || character > 0xff ? "\\u%04x" : "\\x%02x", character);
    else
      g_string_append_unichar (line, character);
  }
}

gchar *
weir_log_format (const WeirLogSettings *settings, GLogLevelFlags level, const gchar *domain,
    const gchar *message, gint64 wall_us)
{
  g_autoptr (GDateTime) seconds = NULL;
  g_autofree gchar *time = NULL;
  g_autofree gchar *stamp = NULL;
  GString *line;

  /* smaller is more important */
  if ((level & LEVELS) > settings->level)
    return NULL;
  seconds = g_date_time_new_from_unix_utc (wall_us / G_USEC_PER_SEC);
  time = seconds != NULL ? g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S") : g_strdup ("-");
  stamp = g_strdup_printf ("%s.%06dZ", time, (gint) (wall_us % G_USEC_PER_SEC));

  line = g_string_new (NULL);
  if (settings->journal)
    g_string_append_printf (line, "<%u>", get_priority (level));
  if (settings->json) {
    g_string_append_printf (
        line, "{\"time\":\"%s\",\"level\":\"%s\",\"domain\":\"", stamp, get_level_name (level));
    append_escaped (line, domain != NULL ? domain : "", TRUE);
    g_string_append (line, "\",\"message\":\"");
    append_escaped (line, message, TRUE);
    g_string_append (line, "\"}\n");
    return g_string_free (line, FALSE);
  }
  if (!settings->journal) {
    g_autofree gchar *name = g_ascii_strup (get_level_name (level), -1);

    g_string_append_printf (line, "%s %s ", stamp, name);
  }
  if (domain != NULL && strcmp (domain, "weir") != 0) {
    append_escaped (line, domain, FALSE);
    g_string_append (line, ": ");
  }
  append_escaped (line, message, FALSE);
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

/* one write a line, so that lines of several threads do not mix */
static void
write_line (const gchar *line)
{
  gsize size = strlen (line);

  while (size > 0) {
    gssize count = write (STDERR_FILENO, line, size);

    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    line += count;
    size -= (gsize) count;
  }
}

static GLogWriterOutput
write_message (GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
  const gchar *message = "";
  const gchar *domain = NULL;
  g_autofree gchar *line = NULL;

  for (gsize i = 0; i < count; i++) {
    /* others may be of any length without an end; these two GLib makes itself */
    if (fields[i].length >= 0)
      continue;
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;
    else if (strcmp (fields[i].key, "GLIB_DOMAIN") == 0)
      domain = fields[i].value;
  }
  line = weir_log_format (data, level, domain, message, g_get_real_time ());
  if (line != NULL)
    write_line (line);
  return G_LOG_WRITER_HANDLED;
}

WeirLogSettings *
weir_log_install (const WeirLogSettings *settings)
{
  /* lives as long as the process: the writer cannot be taken back */
  WeirLogSettings *copy = g_new (WeirLogSettings, 1);

  *copy = *settings;
  g_log_set_writer_func (write_message, copy, NULL);
  return copy;
}
