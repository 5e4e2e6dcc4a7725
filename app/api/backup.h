/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * A copy of the store, for the administrator: made in the state directory, sent, gone. What an
 * earlier daemon has left there of one is removed when the route is added.
 */
void weir_backup_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
