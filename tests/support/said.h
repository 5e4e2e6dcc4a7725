/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What is said on the log, messages and warnings, one thread's. Warnings end no test that looks at
 * them. */
static GPtrArray *said_lines; /* "TEXT" or "warning: TEXT" */

static inline GLogWriterOutput
said_keep (GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  const gchar *before = (level & G_LOG_LEVEL_WARNING) != 0 ? "warning: " : "";

  if ((level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE)) == 0)
    return g_log_writer_default (level, fields, count, NULL);
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_ptr_array_add (said_lines, g_strconcat (before, fields[i].value, NULL));
  }
  return G_LOG_WRITER_HANDLED;
}

/* once, after g_test_init() */
static inline void
said_init (void)
{
  said_lines = g_ptr_array_new_with_free_func (g_free);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_writer_func (said_keep, NULL, NULL);
}

/* ...: all that was said since this was asked, `*` for any text; NULL for nothing */
#define assert_said(...) said_check ((const gchar *const[]){__VA_ARGS__, NULL})

static inline void
said_check (const gchar *const *patterns)
{
  guint count = g_strv_length ((gchar **) patterns);

  for (guint i = 0; i < MAX (count, said_lines->len); i++) {
    const gchar *line = i < said_lines->len ? said_lines->pdata[i] : NULL;

    if (i >= count || line == NULL || !g_pattern_match_simple (patterns[i], line))
      g_assert_cmpstr (line, ==, i < count ? patterns[i] : NULL);
  }
  g_ptr_array_set_size (said_lines, 0);
}
