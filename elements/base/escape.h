/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* what one field of a log line may hold */
#define WEIR_ESCAPE_MAX 256

/**
 * weir_escape_for_log:
 * @bytes: (nullable): anything, from outside
 * @size: number of bytes; -1 when it ends with a NUL
 *
 * Makes bytes from outside fit to be logged: quote, backslash and everything outside 0x20–0x7E
 * become \xNN. The result has at most WEIR_ESCAPE_MAX characters; what was cut off is shown by
 * "..." at its end.
 *
 * Returns: (transfer full): never NULL
 */
gchar *weir_escape_for_log (const gchar *bytes, gssize size);

G_END_DECLS
