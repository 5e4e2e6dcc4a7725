/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `weir serve`: runs the daemon in the foreground until SIGTERM or SIGINT.
 * Returns: the exit status: 0 done, 1 failed, 2 usage */
int weir_daemon_run (int argc, char **argv);

G_END_DECLS
