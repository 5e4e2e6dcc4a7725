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

/**
 * weir_live_input_import_from_json:
 * @body: (nullable): a live input as the API tells one, the hosted product's or ours, by itself or
 *   in its envelope
 *
 * With uid, credentials and time of its creation; what it says of addresses and its state is left
 * out. Credentials have to be of the form `<32 hex>k<uid>`; those that it does not have stay NULL.
 *
 * Returns: (transfer full) (nullable): NULL with a fault
 */
WeirLiveInput *weir_live_input_import_from_json (GBytes *body, guint depth_max, WeirFault *fault);

/* Returns: (transfer full): JSON: all of it, credentials included. @broadcasts: (nullable)
 * (element-type WeirBroadcastRecord): its latest, newest first, for the history of its status */
gchar *weir_live_input_to_json (WeirApi *self, WeirHttpRequest *request, const WeirLiveInput *input,
    const GPtrArray *broadcasts);
/* Returns: (transfer full): JSON: a list without credentials */
gchar *weir_live_inputs_to_json (const GPtrArray *inputs, guint64 total);

G_END_DECLS
