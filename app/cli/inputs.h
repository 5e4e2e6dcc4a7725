/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "cli/print.h"

G_BEGIN_DECLS

/* what the API says of a live input, as tables and `weir status` need it */

/* Returns: (transfer full) (nullable): an issue's severity, code and words; NULL: no issue */
gchar *weir_issue_to_text (JsonObject *issue, WeirColour *colour);
/* what the API says beside its result, one line each; nothing with --json */
void weir_print_messages (const WeirInvocation *self, const WeirAnswer *answer);
/* Returns: (transfer none): "idle" before the first broadcast */
const gchar *weir_input_get_state (JsonObject *input);
WeirColour weir_state_get_colour (const gchar *state);

/**
 * WeirSnapshot: all live inputs as they are now
 */
typedef struct {
  WeirAnswer list;
  GPtrArray *inputs; /* of WeirAnswer, newest first */
  gint64 taken_us;   /* wall */
} WeirSnapshot;

/* Returns: WEIR_EXIT_DONE with @snapshot, else what it is with @problem */
WeirExit weir_snapshot_take (WeirInvocation *self, WeirSnapshot **snapshot, gchar **problem);
void weir_snapshot_free (WeirSnapshot *self);
/* Returns: (nullable) (transfer none) */
JsonObject *weir_snapshot_get_input (const WeirSnapshot *self, guint index);
/* a list of answers; @running: of those that have a broadcast */
void weir_snapshot_print_json (const WeirSnapshot *self, gboolean running);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSnapshot, weir_snapshot_free)

G_END_DECLS
