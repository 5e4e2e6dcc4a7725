/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/client.h"

G_BEGIN_DECLS

/**
 * The commands, one table: what the command line may say, help, complaints and completion come of
 * it.
 */

typedef enum {
  WEIR_OPTION_JSON,
  WEIR_OPTION_URL,
  WEIR_OPTION_TOKEN,
  WEIR_OPTION_ACCOUNT,
  WEIR_OPTION_CONFIG,
  WEIR_OPTION_OVERRIDE,
  WEIR_OPTION_NAME,
  WEIR_OPTION_RECORDING,
  WEIR_OPTION_TIMEOUT,
  WEIR_OPTION_DELETE_AFTER,
  WEIR_OPTION_CREATOR,
  WEIR_OPTION_SIGNED,
  WEIR_OPTION_ENABLED,
  WEIR_OPTION_DISABLED,
  WEIR_OPTION_INPUT,
  WEIR_OPTION_SEARCH,
  WEIR_OPTION_LIMIT,
  WEIR_OPTION_FORCE,
  WEIR_OPTION_FOLLOW,
  WEIR_OPTION_AFTER,
  WEIR_OPTION_TYPE,
  WEIR_OPTION_EVENTS,
  WEIR_OPTION_SECRET,
  WEIR_OPTION_FORMAT,
  WEIR_OPTION_ACCESS,
  WEIR_OPTION_ID,
  WEIR_OPTION_WATCH,
  WEIR_OPTION_LAST
} WeirOptionId;

typedef struct {
  const gchar *name;
  gchar letter;          /* or 0 */
  const gchar *argument; /* (nullable): what stands for it in help; NULL: a flag */
  const gchar *choices;  /* (nullable): what it may be, for completion, separated by blanks */
  const gchar *help;
} WeirOption;

/* (array length=WEIR_OPTION_LAST) */
extern const WeirOption weir_options[];

typedef struct _WeirInvocation WeirInvocation;

typedef struct {
  const gchar *noun;
  const gchar *verb;     /* (nullable) */
  const gchar *operands; /* (nullable): for help */
  guint operands_min, operands_max;
  guint32 options; /* bits 1 << WeirOptionId, those of all API commands left out */
  gboolean local;  /* no client of the API */
  const gchar *help;
  WeirExit (*run) (WeirInvocation *invocation); /* NULL: `serve`, which is elsewhere */
} WeirCommand;

const WeirCommand *weir_commands_get (guint *count);

/**
 * WeirInvocation: a command line that was understood
 */
struct _WeirInvocation {
  const WeirCommand *command;
  gchar *values[WEIR_OPTION_LAST]; /* NULL: absent; of a flag "" */
  gchar **overrides;               /* (nullable) */
  gchar **operands;                /* (nullable) */
  guint n_operands;
  WeirClient *client; /* (nullable): of commands that are clients */
};

/* @argv: the whole command line. Returns: FALSE with @status, what was wrong is said */
gboolean weir_invocation_parse (WeirInvocation *self, int argc, char **argv, WeirExit *status);
void weir_invocation_clear (WeirInvocation *self);

/* on stderr. Returns: WEIR_EXIT_USAGE */
WeirExit weir_misuse (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
/* a problem's lines on stderr, each after the command's name */
void weir_complain (const gchar *problem);

/* Returns: (transfer full): text of `weir --help`; @noun: (nullable): of its commands only */
gchar *weir_commands_make_help (const gchar *noun);
/* Returns: (transfer full): what data/weir.bash-completion is */
gchar *weir_commands_make_completion (void);

/* Returns: TRUE: the flag was given */
gboolean weir_invocation_has (const WeirInvocation *self, WeirOptionId option);
/* @value: (out): of an option that is a whole number from @min to @max; untouched when absent.
 * Returns: FALSE when it is something else, which is said */
gboolean weir_invocation_read_number (
    const WeirInvocation *self, WeirOptionId option, gint64 min, gint64 max, gint64 *value);

/**
 * weir_invocation_call:
 * @path: below the account, a format whose arguments are strings: each is escaped for a path
 *
 * A call of the API; what goes wrong is said, and with `--json` the answer printed.
 *
 * Returns: WEIR_EXIT_DONE with @answer
 */
WeirExit weir_invocation_call (WeirInvocation *self, WeirAnswer *answer, const gchar *method,
    const gchar *body, const gchar *path, ...);
/* Returns: (transfer full): @path as above, below /client/v4/accounts */
gchar *weir_invocation_make_path (WeirInvocation *self, const gchar *path, ...);
/* Returns: TRUE when the answers are printed as they come */
gboolean weir_invocation_is_json (const WeirInvocation *self);

/* the commands themselves */
WeirExit weir_input_create (WeirInvocation *self);
WeirExit weir_input_list (WeirInvocation *self);
WeirExit weir_input_show (WeirInvocation *self);
WeirExit weir_input_update (WeirInvocation *self);
WeirExit weir_input_delete (WeirInvocation *self);
WeirExit weir_input_rotate_keys (WeirInvocation *self);
WeirExit weir_input_import (WeirInvocation *self);
WeirExit weir_output_create (WeirInvocation *self);
WeirExit weir_output_list (WeirInvocation *self);
WeirExit weir_output_enable (WeirInvocation *self);
WeirExit weir_output_disable (WeirInvocation *self);
WeirExit weir_output_delete (WeirInvocation *self);
WeirExit weir_recording_list (WeirInvocation *self);
WeirExit weir_recording_show (WeirInvocation *self);
WeirExit weir_recording_delete (WeirInvocation *self);
WeirExit weir_recording_download (WeirInvocation *self);
WeirExit weir_broadcast_list (WeirInvocation *self);
WeirExit weir_broadcast_show (WeirInvocation *self);
WeirExit weir_broadcast_end_running (WeirInvocation *self);
WeirExit weir_events_print (WeirInvocation *self);
WeirExit weir_webhook_create (WeirInvocation *self);
WeirExit weir_webhook_list (WeirInvocation *self);
WeirExit weir_webhook_delete_one (WeirInvocation *self);
WeirExit weir_token_create (WeirInvocation *self);
WeirExit weir_token_list (WeirInvocation *self);
WeirExit weir_token_delete (WeirInvocation *self);
WeirExit weir_key_create (WeirInvocation *self);
WeirExit weir_key_list (WeirInvocation *self);
WeirExit weir_key_delete (WeirInvocation *self);
WeirExit weir_account_create (WeirInvocation *self);
WeirExit weir_account_list (WeirInvocation *self);
WeirExit weir_account_delete (WeirInvocation *self);
WeirExit weir_status_print (WeirInvocation *self);
WeirExit weir_backup_fetch (WeirInvocation *self);
WeirExit weir_check_files (WeirInvocation *self);
WeirExit weir_config_print (WeirInvocation *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirInvocation, weir_invocation_clear)

G_END_DECLS
