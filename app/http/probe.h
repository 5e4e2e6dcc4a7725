/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * weir_http_probe_socket:
 * @acknowledged: (out): bytes that the other side has acknowledged since it connected
 * @waiting: (out): whether bytes were sent, or are to be sent, that it has not acknowledged
 *
 * Returns: FALSE when the kernel does not tell
 */
gboolean weir_http_probe_socket (gint fd, guint64 *acknowledged, gboolean *waiting);

G_END_DECLS
