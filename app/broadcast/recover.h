/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "blobs/blobs.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirRecovery: salvages and ends what an earlier daemon left open
 *
 * What the disk or the store refuse for now stays where it is, and is tried again from time to time
 * while the daemon runs. Main thread.
 */
typedef struct _WeirRecovery WeirRecovery;

/* at start, before any broadcast; @done, once, when everything has been tried: the daemon may begin
 */
WeirRecovery *weir_recovery_new (
    WeirStore *store, WeirBlobs *blobs, void (*done) (gpointer data), gpointer data);
/* what is under way is finished, what is left waits for the next start */
void weir_recovery_free (WeirRecovery *self);

G_END_DECLS
