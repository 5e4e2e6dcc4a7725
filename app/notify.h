/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * weir_notify:
 * @state: what sd_notify(3) takes: "READY=1", "STOPPING=1", "STATUS=…", several separated by
 *   newlines
 *
 * Tells the service manager, if there is one: a datagram to $NOTIFY_SOCKET (a path, or an abstract
 * name after `@`). Any thread; never blocks.
 *
 * Returns: TRUE when it was sent or there is no service manager; FALSE with a #GIOError
 */
gboolean weir_notify (const gchar *state, GError **error);
/* as weir_notify() with RELOADING=1 and the time, as Type=notify-reload wants it; followed by
 * READY=1 when the reload is done */
gboolean weir_notify_reloading (GError **error);

G_END_DECLS
