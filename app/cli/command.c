/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include <string.h>

#define BIT(option) (1u << WEIR_OPTION_##option)
/* what every client of the API takes */
#define CLIENT_OPTIONS (BIT (JSON) | BIT (URL) | BIT (TOKEN) | BIT (ACCOUNT) | BIT (CONFIG))
#define USAGE_WIDTH 96

const WeirOption weir_options[WEIR_OPTION_LAST] = {
    [WEIR_OPTION_JSON] = {"json", 0, NULL, NULL, "print what the API answered"},
    [WEIR_OPTION_URL] = {"url", 0, "URL", NULL, "of the daemon (WEIR_URL; else the local one's)"},
    [WEIR_OPTION_TOKEN] = {"token", 0, "TOKEN", NULL,
        "of the API (WEIR_TOKEN; else the local daemon's)"},
    [WEIR_OPTION_ACCOUNT] = {"account", 0, "ACCOUNT", NULL,
        "of the API (WEIR_ACCOUNT; else the local daemon's)"},
    [WEIR_OPTION_CONFIG] = {"config", 'c', "FILE", NULL, "configuration that the local daemon has"},
    [WEIR_OPTION_OVERRIDE] = {"override", 'o', "SECTION.KEY=VALUE", NULL, "in place of the file's"},
    [WEIR_OPTION_NAME] = {"name", 0, "NAME", NULL, "what people see"},
    [WEIR_OPTION_RECORDING] = {"recording", 0, "off|automatic", "off automatic",
        "whether broadcasts are recorded"},
    [WEIR_OPTION_TIMEOUT] = {"timeout", 0, "SECONDS", NULL,
        "how long a lost encoder may return to the same broadcast"},
    [WEIR_OPTION_DELETE_AFTER] = {"delete-after", 0, "DAYS|never", "never",
        "how long recordings are kept"},
    [WEIR_OPTION_CREATOR] = {"creator", 0, "TEXT", NULL, "of recordings"},
    [WEIR_OPTION_SIGNED] = {"signed", 0, "yes|no", "yes no", "viewers need signed addresses"},
    [WEIR_OPTION_ENABLED] = {"enabled", 0, NULL, NULL, "encoders may send"},
    [WEIR_OPTION_DISABLED] = {"disabled", 0, NULL, NULL, "it is kept, but not used"},
    [WEIR_OPTION_INPUT] = {"input", 0, "ID", NULL, "of this live input only"},
    [WEIR_OPTION_SEARCH] = {"search", 0, "TEXT", NULL, "whose name has it"},
    [WEIR_OPTION_LIMIT] = {"limit", 0, "NUMBER", NULL, "the newest so many"},
    [WEIR_OPTION_FORCE] = {"force", 0, NULL, NULL, "over a file that is there"},
    [WEIR_OPTION_FOLLOW] = {"follow", 0, NULL, NULL, "and what comes from now on"},
    [WEIR_OPTION_AFTER] = {"after", 0, "SEQUENCE", NULL, "what came after this one"},
    [WEIR_OPTION_TYPE] = {"type", 0, "TYPE,...", NULL, "types, or beginnings of them and a *"},
    [WEIR_OPTION_EVENTS] = {"events", 0, "TYPE,...", NULL, "which it is told of (all)"},
    [WEIR_OPTION_SECRET] = {"secret", 0, "TEXT", NULL, "what deliveries are signed with"},
    [WEIR_OPTION_FORMAT] = {"format", 0, "weir|hosted", "weir hosted", "what deliveries look like"},
    [WEIR_OPTION_ACCESS] = {"access", 0, "read|write", "read write", "what it may do (write)"},
    [WEIR_OPTION_ID] = {"id", 0, "ID", NULL, "one of your own"},
    [WEIR_OPTION_WATCH] = {"watch", 0, NULL, NULL, "stay, and show what changes"},
};

#define INPUT_OPTIONS                                                                  \
  (BIT (NAME) | BIT (RECORDING) | BIT (TIMEOUT) | BIT (DELETE_AFTER) | BIT (CREATOR) | \
      BIT (SIGNED) | BIT (DISABLED))

static const WeirCommand commands[] = {
    {"serve", NULL, NULL, 0, 0, BIT (CONFIG) | BIT (OVERRIDE), TRUE,
        "the daemon, in the foreground", NULL},
    {"input", "create", NULL, 0, 0, INPUT_OPTIONS, FALSE,
        "make a live input: one broadcaster's credentials", weir_input_create},
    {"input", "list", NULL, 0, 0, 0, FALSE, "the live inputs, newest first", weir_input_list},
    {"input", "show", "ID", 1, 1, 0, FALSE, "what its encoder has to be told, and how it does",
        weir_input_show},
    {"input", "update", "ID", 1, 1, INPUT_OPTIONS | BIT (ENABLED), FALSE, "change what is given",
        weir_input_update},
    {"input", "delete", "ID", 1, 1, 0, FALSE, "and cut its encoder off; recordings stay",
        weir_input_delete},
    {"input", "rotate-keys", "ID", 1, 1, 0, FALSE, "replace its credentials",
        weir_input_rotate_keys},
    {"input", "import", "FILE|-", 1, 1, 0, FALSE,
        "make it as another server's API has described it, with its credentials",
        weir_input_import},
    {"output", "create", "INPUT URL [KEY|-]", 2, 3, BIT (DISABLED), FALSE,
        "relay an input's broadcasts; -: the key comes on stdin", weir_output_create},
    {"output", "list", "INPUT", 1, 1, 0, FALSE, "an input's outputs", weir_output_list},
    {"output", "enable", "INPUT ID", 2, 2, 0, FALSE, "begin to relay", weir_output_enable},
    {"output", "disable", "INPUT ID", 2, 2, 0, FALSE, "stop relaying", weir_output_disable},
    {"output", "delete", "INPUT ID", 2, 2, 0, FALSE, "forget an output", weir_output_delete},
    {"recording", "list", NULL, 0, 0, BIT (INPUT) | BIT (SEARCH) | BIT (LIMIT), FALSE,
        "recordings, newest first", weir_recording_list},
    {"recording", "show", "ID", 1, 1, 0, FALSE, "one of them", weir_recording_show},
    {"recording", "delete", "ID", 1, 1, 0, FALSE, "for good", weir_recording_delete},
    {"recording", "download", "ID [FILE|-]", 1, 2, BIT (FORCE), FALSE,
        "as one fragmented MP4 (ID.mp4); goes on where one was broken off",
        weir_recording_download},
    {"broadcast", "list", NULL, 0, 0, 0, FALSE, "what is running", weir_broadcast_list},
    {"broadcast", "show", "ID", 1, 1, 0, FALSE, "a broadcast's or live input's state",
        weir_broadcast_show},
    {"broadcast", "end", "ID", 1, 1, 0, FALSE, "end it in order; ID of it or of its live input",
        weir_broadcast_end_running},
    {"events", NULL, NULL, 0, 0, BIT (FOLLOW) | BIT (AFTER) | BIT (TYPE) | BIT (LIMIT), FALSE,
        "what happened, oldest first", weir_events_print},
    {"webhook", "create", "URL", 1, 1, BIT (EVENTS) | BIT (SECRET) | BIT (FORMAT) | BIT (DISABLED),
        FALSE, "tell an endpoint of events", weir_webhook_create},
    {"webhook", "list", NULL, 0, 0, 0, FALSE, "and how deliveries go", weir_webhook_list},
    {"webhook", "delete", "ID", 1, 1, 0, FALSE, "forget an endpoint", weir_webhook_delete_one},
    {"token", "create", "NAME", 1, 1, BIT (ACCESS), FALSE, "a token of the account",
        weir_token_create},
    {"token", "list", NULL, 0, 0, 0, FALSE, "the account's tokens", weir_token_list},
    {"token", "delete", "ID", 1, 1, 0, FALSE, "it is refused from now on", weir_token_delete},
    {"key", "create", NULL, 0, 0, 0, FALSE, "a key that signs viewers' addresses; told once",
        weir_key_create},
    {"key", "list", NULL, 0, 0, 0, FALSE, "the signing keys", weir_key_list},
    {"key", "delete", "ID", 1, 1, 0, FALSE, "what it has signed is refused from now on",
        weir_key_delete},
    {"account", "create", "NAME", 1, 1, BIT (ID), FALSE, "an account beside the home account",
        weir_account_create},
    {"account", "list", NULL, 0, 0, 0, FALSE, "the accounts", weir_account_list},
    {"account", "delete", "ID", 1, 1, 0, FALSE, "one that has nothing left", weir_account_delete},
    {"status", NULL, NULL, 0, 0, BIT (WATCH), FALSE, "what is on", weir_status_print},
    {"backup", NULL, "FILE", 1, 1, BIT (FORCE), FALSE, "a copy of the database", weir_backup_fetch},
    {"check", NULL, "FILE|URL...", 1, G_MAXUINT, 0, TRUE, "check CMAF segments strictly",
        weir_check_files},
    {"config", "check", NULL, 0, 0, BIT (CONFIG) | BIT (OVERRIDE), TRUE,
        "print the configuration in force, or what is wrong with it", weir_config_print},
};

const WeirCommand *
weir_commands_get (guint *count)
{
  *count = G_N_ELEMENTS (commands);
  return commands;
}

static guint32
get_options (const WeirCommand *command)
{
  return command->options | (command->local ? 0 : CLIENT_OPTIONS);
}

/* ---- help ---- */

static gchar *
make_option_text (WeirOptionId id)
{
  const WeirOption *option = &weir_options[id];
  g_autofree gchar *name = option->letter != 0 ? g_strdup_printf ("-%c", option->letter)
                                               : g_strconcat ("--", option->name, NULL);

  return option->argument != NULL ? g_strconcat (name, " ", option->argument, NULL)
                                  : g_steal_pointer (&name);
}

/* one more word of a line that is broken where it gets too long */
static void
add_word (GString *text, gsize *column, const gchar *word)
{
  gsize size = strlen (word) + 1;

  if (*column + size > USAGE_WIDTH) {
    g_string_append (text, "\n       ");
    *column = 7;
  }
  g_string_append_printf (text, " %s", word);
  *column += size;
}

static void
add_usage (GString *text, const WeirCommand *command)
{
  gsize start = text->len, column;

  g_string_append_printf (text, "  %s%s%s", command->noun, command->verb != NULL ? " " : "",
      command->verb != NULL ? command->verb : "");
  column = text->len - start;
  if (command->operands != NULL)
    add_word (text, &column, command->operands);
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    g_autofree gchar *option = NULL, *word = NULL;

    if ((command->options & (1u << i)) == 0)
      continue;
    option = make_option_text (i);
    word = g_strdup_printf ("[%s]%s", option, i == WEIR_OPTION_OVERRIDE ? "..." : "");
    add_word (text, &column, word);
  }
  g_string_append_printf (text, "\n      %s\n", command->help);
}

static void
add_options (GString *text, const gchar *title, guint32 options)
{
  if (options == 0)
    return;
  g_string_append_printf (text, "\n%s\n", title);
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    g_autofree gchar *option = NULL;

    if ((options & (1u << i)) == 0)
      continue;
    option = make_option_text (i);
    g_string_append_printf (text, "  %-26s %s\n", option, weir_options[i].help);
  }
}

gchar *
weir_commands_make_help (const gchar *noun)
{
  GString *text = g_string_new ("Usage: weir COMMAND [OPTION...]\n\n");
  guint32 own = 0;
  gboolean client = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (noun != NULL && strcmp (commands[i].noun, noun) != 0)
      continue;
    add_usage (text, &commands[i]);
    own |= commands[i].options;
    client = client || !commands[i].local;
  }
  if (noun != NULL)
    add_options (text, "Options", own);
  if (client)
    add_options (text, "Options of all commands that ask the daemon", CLIENT_OPTIONS);
  g_string_append (text,
      "\n  --help, --version          also after a command: help about it\n"
      "\n"
      "WEIR_CA_FILE names whom to trust when the URL is https.\n"
      "Exit status: 0 done, 1 failed, 2 usage, 3 not found or refused. See weir(1).\n");
  return g_string_free (text, FALSE);
}

/* ---- completion ---- */

/* what a command's words may be once it is known */
static void
add_completion_case (GString *text, const WeirCommand *command)
{
  g_string_append_printf (text, "    '%s%s%s') options='", command->noun,
      command->verb != NULL ? " " : "", command->verb != NULL ? command->verb : "");
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    if ((command->options & (1u << i)) == 0)
      continue;
    if (weir_options[i].letter != 0)
      g_string_append_printf (text, "-%c ", weir_options[i].letter);
    else
      g_string_append_printf (text, "--%s ", weir_options[i].name);
  }
  g_string_append (text, command->local ? "'" : "'\"$api\"");
  if (command->operands != NULL && strstr (command->operands, "FILE") != NULL)
    g_string_append (text, " operands=files");
  else if (command->operands != NULL)
    g_string_append_printf (text, " operands=%s",
        g_str_has_prefix (command->operands, "INPUT") ? "input" : command->noun);
  g_string_append (text, " ;;\n");
}

static void
add_completion_values (GString *text)
{
  g_string_append (text, "  case $previous in\n"
                         "    -c|--config) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    const WeirOption *option = &weir_options[i];

    if (option->argument == NULL || i == WEIR_OPTION_CONFIG)
      continue;
    if (option->letter != 0)
      g_string_append_printf (text, "    -%c|--%s) return ;;\n", option->letter, option->name);
    else if (option->choices != NULL)
      g_string_append_printf (text,
          "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", option->name,
          option->choices);
    else
      g_string_append_printf (text, "    --%s) return ;;\n", option->name);
  }
  g_string_append (text, "  esac\n");
}

/* @noun: (nullable): its verbs, else the nouns */
static void
add_names (GString *text, const gchar *noun)
{
  const gchar *last = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    const gchar *name = noun != NULL ? commands[i].verb : commands[i].noun;

    if (noun != NULL ? strcmp (commands[i].noun, noun) != 0 : g_strcmp0 (last, name) == 0)
      continue;
    g_string_append_printf (text, "%s%s", last != NULL ? " " : "", name);
    last = name;
  }
}

static void
add_completion_verbs (GString *text)
{
  const gchar *last = NULL;

  g_string_append (text, "  if ((COMP_CWORD == 2)); then\n    case ${COMP_WORDS[1]} in\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (commands[i].verb == NULL || g_strcmp0 (commands[i].noun, last) == 0)
      continue;
    last = commands[i].noun;
    g_string_append_printf (text, "      %s) COMPREPLY=($(compgen -W '", last);
    add_names (text, last);
    g_string_append (text, "' -- \"$word\")); return ;;\n");
  }
  g_string_append (text, "    esac\n  fi\n");
}

gchar *
weir_commands_make_completion (void)
{
  GString *text = g_string_new ("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                                "# bash completion of weir(1); made of the table of commands in "
                                "app/cli/command.c\n\n"
                                "_weir()\n{\n"
                                "  local word=${COMP_WORDS[COMP_CWORD]}\n"
                                "  local previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                                "  local api='--json --url --token --account -c'\n"
                                "  local command options= operands=\n\n"
                                "  COMPREPLY=()\n");

  add_completion_values (text);
  g_string_append (text, "  if ((COMP_CWORD == 1)); then\n    COMPREPLY=($(compgen -W '");
  add_names (text, NULL);
  g_string_append (text, " --help --version' -- \"$word\"))\n    return\n  fi\n");
  add_completion_verbs (text);
  g_string_append (text, "  command=${COMP_WORDS[1]}\n"
                         "  case $command in\n    ");
  for (guint i = 0, told = 0; i < G_N_ELEMENTS (commands); i++) {
    if (commands[i].verb == NULL)
      g_string_append_printf (text, "%s%s", told++ > 0 ? "|" : "", commands[i].noun);
  }
  g_string_append (text, ") ;;\n    *) command+=\" ${COMP_WORDS[2]}\" ;;\n  esac\n"
                         "  case $command in\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    add_completion_case (text, &commands[i]);
  g_string_append (text, "  esac\n"
                         "  if [[ $word == -* ]]; then\n"
                         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                         "    return\n"
                         "  fi\n"
                         "  case $operands in\n"
                         "    files) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                         "    input|recording|broadcast|webhook|token|key|account)\n"
                         "      COMPREPLY=($(compgen -W \"$(weir \"$operands\" list 2>/dev/null | "
                         "awk 'NR>1{print $1}')\" "
                         "-- \"$word\")) ;;\n"
                         "    '') COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
                         "  esac\n"
                         "}\n"
                         "complete -F _weir weir\n");
  return g_string_free (text, FALSE);
}

/* ---- command lines ---- */

WeirExit
weir_misuse (const gchar *format, ...)
{
  va_list arguments;
  g_autofree gchar *message = NULL;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("weir: %s; see weir --help\n", message);
  return WEIR_EXIT_USAGE;
}

void
weir_complain (const gchar *problem)
{
  g_auto (GStrv) lines = g_strsplit (problem, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    g_printerr ("weir: %s\n", lines[i]);
}

/* @verb: (nullable). Returns: (nullable): NULL with what is wrong said */
static const WeirCommand *
find_command (const gchar *noun, const gchar *verb)
{
  g_autoptr (GString) verbs = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (strcmp (commands[i].noun, noun) != 0)
      continue;
    if (commands[i].verb == NULL || g_strcmp0 (commands[i].verb, verb) == 0)
      return &commands[i];
  }
  add_names (verbs, noun);
  for (gchar *blank = verbs->str; (blank = strchr (blank, ' ')) != NULL;)
    *blank = '|';
  if (verbs->len == 0)
    weir_misuse ("unknown command %s", noun);
  else if (verb == NULL)
    weir_misuse ("%s needs %s", noun, verbs->str);
  else
    weir_misuse ("%s knows %s", noun, verbs->str);
  return NULL;
}

/* those that @command takes, each to where its value goes; ends with an empty one */
static GOptionEntry *
make_entries (WeirInvocation *self, gboolean *flags)
{
  GArray *entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  const GOptionEntry rest = {
      G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->operands, NULL, NULL};

  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    const WeirOption *option = &weir_options[i];
    GOptionEntry entry = {
        option->name, option->letter, 0, G_OPTION_ARG_STRING, &self->values[i], NULL, NULL};

    if ((get_options (self->command) & (1u << i)) == 0)
      continue;
    if (i == WEIR_OPTION_OVERRIDE) {
      entry.arg = G_OPTION_ARG_STRING_ARRAY;
      entry.arg_data = &self->overrides;
    } else if (option->argument == NULL) {
      entry.arg = G_OPTION_ARG_NONE;
      entry.arg_data = &flags[i];
    } else if (i == WEIR_OPTION_CONFIG) {
      entry.arg = G_OPTION_ARG_FILENAME;
    }
    g_array_append_val (entries, entry);
  }
  g_array_append_val (entries, rest);
  return (GOptionEntry *) (gpointer) g_array_free (entries, FALSE);
}

static gboolean
parse_options (WeirInvocation *self, gchar ***arguments, GError **error)
{
  gboolean flags[WEIR_OPTION_LAST] = {FALSE};
  g_autofree GOptionEntry *entries = make_entries (self, flags);
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse_strv (context, arguments, error))
    return FALSE;
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    if (flags[i])
      self->values[i] = g_strdup ("");
  }
  return TRUE;
}

static gboolean
check_operands (const WeirInvocation *self)
{
  const WeirCommand *command = self->command;
  const gchar *blank = command->verb != NULL ? " " : "";
  const gchar *verb = command->verb != NULL ? command->verb : "";

  if (self->n_operands > command->operands_max && command->operands == NULL)
    weir_misuse ("%s%s%s takes no %s", command->noun, blank, verb, self->operands[0]);
  else if (self->n_operands < command->operands_min || self->n_operands > command->operands_max)
    weir_misuse ("%s%s%s needs %s", command->noun, blank, verb, command->operands);
  else
    return TRUE;
  return FALSE;
}

gboolean
weir_invocation_parse (WeirInvocation *self, int argc, char **argv, WeirExit *status)
{
  /* a verb, if any, comes before options */
  const gchar *verb = argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GError) error = NULL;
  gint skipped;

  *status = WEIR_EXIT_USAGE;
  self->command = find_command (argv[1], verb);
  if (self->command == NULL)
    return FALSE;
  /* what is left of them stands for the program's name */
  skipped = self->command->verb != NULL ? 2 : 1;
  arguments = g_new0 (gchar *, argc + 1);
  for (gint i = skipped; i < argc; i++)
    arguments[i - skipped] = g_strdup (argv[i]);
  if (!parse_options (self, &arguments, &error)) {
    weir_misuse ("%s", error->message);
    return FALSE;
  }
  self->n_operands = self->operands != NULL ? g_strv_length (self->operands) : 0;
  if (!check_operands (self))
    return FALSE;
  if (self->command->local)
    return TRUE;
  self->client = weir_client_new (self->values[WEIR_OPTION_URL], self->values[WEIR_OPTION_TOKEN],
      self->values[WEIR_OPTION_ACCOUNT], self->values[WEIR_OPTION_CONFIG]);
  *status = WEIR_EXIT_FAILED;
  return self->client != NULL;
}

void
weir_invocation_clear (WeirInvocation *self)
{
  for (guint i = 0; i < WEIR_OPTION_LAST; i++)
    g_clear_pointer (&self->values[i], g_free);
  g_clear_pointer (&self->overrides, g_strfreev);
  g_clear_pointer (&self->operands, g_strfreev);
  g_clear_pointer (&self->client, weir_client_free);
}

gboolean
weir_invocation_has (const WeirInvocation *self, WeirOptionId option)
{
  return self->values[option] != NULL;
}

gboolean
weir_invocation_is_json (const WeirInvocation *self)
{
  return weir_invocation_has (self, WEIR_OPTION_JSON);
}

gboolean
weir_invocation_read_number (
    const WeirInvocation *self, WeirOptionId option, gint64 min, gint64 max, gint64 *value)
{
  const gchar *text = self->values[option];

  if (text == NULL || g_ascii_string_to_signed (text, 10, min, max, value, NULL))
    return TRUE;
  weir_misuse ("--%s must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
      weir_options[option].name, min, max);
  return FALSE;
}

/* ---- calls ---- */

/* each %s of @format is the next argument, escaped */
static gchar *
make_path (WeirInvocation *self, const gchar *format, va_list arguments)
{
  g_autofree gchar *account =
      g_uri_escape_string (weir_client_get_account (self->client), NULL, FALSE);
  GString *path = g_string_new (NULL);

  g_string_append_printf (path, "/accounts/%s", account);
  for (const gchar *c = format; *c != '\0'; c++) {
    if (c[0] != '%' || c[1] != 's') {
      g_string_append_c (path, *c);
      continue;
    }
    g_string_append_uri_escaped (path, va_arg (arguments, const gchar *), NULL, FALSE);
    c++;
  }
  return g_string_free (path, FALSE);
}

gchar *
weir_invocation_make_path (WeirInvocation *self, const gchar *path, ...)
{
  va_list arguments;
  gchar *whole;

  va_start (arguments, path);
  whole = make_path (self, path, arguments);
  va_end (arguments);
  return whole;
}

WeirExit
weir_invocation_call (WeirInvocation *self, WeirAnswer *answer, const gchar *method,
    const gchar *body, const gchar *path, ...)
{
  g_autofree gchar *whole = NULL, *problem = NULL;
  va_list arguments;
  WeirExit status;

  va_start (arguments, path);
  whole = make_path (self, path, arguments);
  va_end (arguments);
  status = weir_client_call (self->client, method, whole, body, answer, &problem);
  if (status != WEIR_EXIT_DONE)
    weir_complain (problem);
  else if (weir_invocation_is_json (self))
    g_print ("%s\n", answer->text);
  return status;
}
