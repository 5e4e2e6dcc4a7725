/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirCounters:
 *
 * How often something was refused or cut off, by reason. A reason is the name of the limit that was
 * reached, as weir.conf(5) has it in its section `limits` ("rtmp-handshake"), or one of the words
 * that a module's header lists ("rtmp-protocol-error"). Never text from outside: reasons are static
 * strings, so that there is a bounded number of them. For what is rare: adding takes a lock.
 *
 * All functions from any thread.
 */
typedef struct _WeirCounters WeirCounters;

/* the reason of whatever is given up for want of memory */
#define WEIR_OUT_OF_MEMORY "out-of-memory"

WeirCounters *weir_counters_new (void);
WeirCounters *weir_counters_ref (WeirCounters *self);
void weir_counters_unref (WeirCounters *self);
/* makes @reason known, so that it is shown with 0 before it has happened
 * @reason: static */
void weir_counters_declare (WeirCounters *self, const gchar *reason);
/* @self: (nullable): nobody counts
 * @reason: static */
void weir_counters_add (WeirCounters *self, const gchar *reason);
void weir_counters_add_many (WeirCounters *self, const gchar *reason, guint64 count);
/* Returns: 0 for what is not known */
guint64 weir_counters_get (WeirCounters *self, const gchar *reason);
/* @func: called for each reason, in alphabetical order, without a lock held */
void weir_counters_foreach (WeirCounters *self,
    void (*func) (const gchar *reason, guint64 count, gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCounters, weir_counters_unref)

G_END_DECLS
