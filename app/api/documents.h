/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/**
 * weir_api_add_document:
 * @document: a new one, with its times
 * @limit: how many of its kind, account and parent there may be with it, from 1 on
 *
 * Stores @document unless there are too many. They are counted before and after: of several that
 * are added at once, here or by another node, those beyond the limit are taken back.
 *
 * Returns (finish): FALSE with NO_SPACE of #GIOError, or as weir_store_put_document()
 */
void weir_api_add_document (WeirStore *store, const WeirDocument *document, guint limit,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_api_add_document_finish (WeirStore *store, GAsyncResult *result, GError **error);

G_END_DECLS
