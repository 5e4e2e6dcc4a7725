/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * Live inputs: the hosted product's operations, and `end` and `import`, which are ours.
 */
void weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
