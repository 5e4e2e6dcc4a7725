/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "blobs/blobs.h"
#include "store/store.h"

G_BEGIN_DECLS

/* Main thread, at start: salvages and ends what an earlier daemon left open; @done on the main
 * thread when all of it is committed. What fails is logged and stays where it is. */
void weir_recover (WeirStore *store, WeirBlobs *blobs, void (*done) (gpointer data), gpointer data);

G_END_DECLS
