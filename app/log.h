/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * Log lines on stderr, one a message whatever it holds: a writer for g_log_set_writer_func().
 *
 * - text: `2026-11-22T10:49:00.123456Z WARNING message` (UTC)
 * - JSON: `{"time":"…","level":"warning","domain":"weir","message":"…"}`
 * - to the journal (stderr is the journal's stream): `<4>message`, priorities of sd-daemon(3); JSON
 *   keeps its form behind the priority
 *
 * What is logged has been escaped by the caller already (base/escape.h); control characters and
 * broken UTF-8 that are left are escaped here again, so that no message can look like two.
 */
typedef struct {
  GLogLevelFlags level; /* the least important that is written: G_LOG_LEVEL_INFO, … */
  gboolean json;
  gboolean journal; /* with priorities instead of time and level */
} WeirLogSettings;

/* @level: error, warning, info, debug; @format: text, json (as the configuration has them) */
void weir_log_settings_init (WeirLogSettings *self, const gchar *level, const gchar *format);

/* makes this the process's writer; once, at the start, before there are threads
 * Returns: (transfer none): what it goes by, for weir_log_set_level() */
WeirLogSettings *weir_log_install (const WeirLogSettings *settings);
/* any thread; @level: as above */
void weir_log_set_level (WeirLogSettings *installed, const gchar *level);

/**
 * weir_log_format:
 * @wall_us: time of the message
 *
 * Returns: (transfer full) (nullable): the line with its end; NULL when @level is not to be written
 */
gchar *weir_log_format (const WeirLogSettings *settings, GLogLevelFlags level, const gchar *domain,
    const gchar *message, gint64 wall_us);

G_END_DECLS
