/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"
#include "api/fields.h"

G_BEGIN_DECLS

/**
 * weir_live_input_from_json:
 * @body: (nullable): of a request to create or change one; NULL or empty is {}
 * @depth_max: how deep it may nest
 * @input: what it is before: weir_live_input_new(), or the one to be changed
 *
 * What @body says replaces what @input has; fields that it does not have stay. A nested `recording`
 * likewise.
 *
 * Returns: FALSE with a fault; @input may have been changed in part then
 */
gboolean weir_live_input_from_json (
    GBytes *body, guint depth_max, WeirLiveInput *input, WeirFault *fault);

void weir_live_inputs_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
