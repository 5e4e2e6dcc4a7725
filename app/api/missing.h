/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * WeirMissing: an operation of the hosted product's API that Weir does not have
 *
 * It answers 501, code 20001, with the reason. data/doc/migration.md and the OpenAPI file
 * (`x-not-implemented`) have the same table; a test compares them.
 */
typedef struct {
  const gchar *method;
  const gchar *pattern; /* below /client/v4/accounts/{account}/stream */
  const gchar *reason;
} WeirMissing;

/* Returns: (transfer none) (array length=count) */
const WeirMissing *weir_missing_get (guint *count);

/* after those of all operations that there are: the first route wins */
void weir_missing_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
