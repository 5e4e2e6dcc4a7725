/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * weir_set_file_error:
 * @error_number: an errno
 * @what: what failed, such as "Cannot open"
 * @name: the file or object that it failed for
 *
 * Sets @error to a #GIOError whose message is "WHAT NAME: REASON". Any thread.
 *
 * Returns: FALSE, so that a failing function can return it
 */
gboolean weir_set_file_error (
    GError **error, gint error_number, const gchar *what, const gchar *name);

G_END_DECLS
