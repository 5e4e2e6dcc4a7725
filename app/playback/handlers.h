/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "blobs/blobs.h"
#include "broadcast/manager.h"
#include "http/router.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirPlayback: what viewers' requests need; the owner's, outlives the server
 *
 * Playlists, inits, segments and parts of what runs come from the manager's indexes on the server's
 * threads; recordings are looked up in the store and loaded on the main thread.
 */
typedef struct {
  WeirStore *store;
  WeirBlobs *blobs;
  WeirBroadcastManager *manager;
} WeirPlayback;

void weir_playback_add_routes (WeirPlayback *self, WeirHttpRouter *router);

/* a file of the pages that are compiled in, or 404. @max_age_s: how long it may be cached */
void weir_playback_respond_page (WeirHttpRequest *request, const gchar *name, guint max_age_s);

G_END_DECLS
