/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcast/manager.h"

G_BEGIN_DECLS

/**
 * WeirRecovery: goes on with what an earlier daemon left open
 *
 * A restart is a reconnect: what was being written is salvaged, and the manager adopts the
 * broadcasts, which wait for their encoders as long as they would have; those whose window is over
 * end. What the disk or the store refuse for now stays where it is, and is tried again from time to
 * time while the daemon runs. Main thread.
 */
typedef struct _WeirRecovery WeirRecovery;

/* at start, before anyone may publish; @manager outlives the recovery; @done, once, when everything
 * has been tried: the daemon may begin */
WeirRecovery *weir_recovery_new (const WeirConfig *config, WeirStore *store, WeirBlobs *blobs,
    WeirBroadcastManager *manager, void (*done) (gpointer data), gpointer data);
/* what is under way is finished, what is left waits for the next start */
void weir_recovery_free (WeirRecovery *self);

G_END_DECLS
