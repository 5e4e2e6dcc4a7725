/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"
#include "daemon.h"

#include <string.h>

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "serve") == 0)
    return weir_daemon_run (argc - 1, argv + 1);
  return weir_cli_run (argc, argv);
}
