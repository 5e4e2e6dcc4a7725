/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * The command `weir` but for `serve`: a client of the API, see weir(1). Blocks.
 */
typedef enum {
  WEIR_EXIT_DONE = 0,
  WEIR_EXIT_FAILED = 1,
  WEIR_EXIT_USAGE = 2,
  WEIR_EXIT_REFUSED = 3, /* or not found */
} WeirExit;

/* @argv: the whole command line. Returns: a WeirExit */
int weir_cli_run (int argc, char **argv);

G_END_DECLS
