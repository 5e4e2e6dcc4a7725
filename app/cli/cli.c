/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/command.h"

#include <string.h>

#ifndef WEIR_VERSION
#define WEIR_VERSION "0.1.0"
#endif

static gboolean
asks_for_help (int argc, char **argv)
{
  for (gint i = 1; i < argc && strcmp (argv[i], "--") != 0; i++) {
    if (strcmp (argv[i], "--help") == 0 || (i == 1 && strcmp (argv[i], "help") == 0))
      return TRUE;
  }
  return FALSE;
}

/* Returns: (nullable): of a command that there is */
static const gchar *
find_noun (const gchar *word)
{
  guint count;
  const WeirCommand *commands = weir_commands_get (&count);

  for (guint i = 0; i < count; i++) {
    if (strcmp (commands[i].noun, word) == 0)
      return commands[i].noun;
  }
  return NULL;
}

int
weir_cli_run (int argc, char **argv)
{
  g_auto (WeirInvocation) invocation = {0};
  WeirExit status;

  if (argc < 2)
    return weir_misuse ("a command is needed");
  if (asks_for_help (argc, argv)) {
    g_autofree gchar *help = weir_commands_make_help (find_noun (argv[1]));

    g_print ("%s", help);
    return WEIR_EXIT_DONE;
  }
  if (strcmp (argv[1], "--version") == 0) {
    g_print ("weir %s\n", WEIR_VERSION);
    return WEIR_EXIT_DONE;
  }
  if (!weir_invocation_parse (&invocation, argc, argv, &status))
    return status;
  /* `serve` is run by who knows the daemon */
  if (invocation.command->run == NULL)
    return weir_misuse ("%s is not a command here", invocation.command->noun);
  return invocation.command->run (&invocation);
}
