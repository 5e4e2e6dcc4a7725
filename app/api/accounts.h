/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * Accounts and their tokens: the hosted product's operations, as far as they are about who may do
 * what with whose streams. All but the verification of a token need the administrator's.
 *
 * An account that still has live inputs or recordings is not deleted (409), the home account never.
 */
void weir_accounts_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
