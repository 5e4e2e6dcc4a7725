/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* how many are kept */
#define WEIR_DUMPS_MAX 10

/**
 * weir_dump_write:
 * @folder: made if it is not there, mode 0700
 * @name: what the file's name says beside the time; fit for one
 * @dot: the pipeline in Graphviz's language
 * @now_us: wall time
 *
 * Writes how a pipeline was when it failed as `<time>-<name>.dot`, mode 0600, and deletes what is
 * older than the newest %WEIR_DUMPS_MAX. Waits for the disk; several threads may do this at once.
 *
 * Returns: (transfer full): where it is; NULL with an error
 */
gchar *weir_dump_write (
    const gchar *folder, const gchar *name, const gchar *dot, gint64 now_us, GError **error);

G_END_DECLS
