/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"
#include "api/fields.h"
#include "events/webhook.h"

G_BEGIN_DECLS

/**
 * `…/stream/webhooks`: who is told of events, and how far their deliveries are; and the hosted
 * product's only one, `…/stream/webhook`, which is one of these: in the hosted format, for
 * recordings that are ready.
 */
void weir_api_webhooks_add_routes (WeirApi *self, WeirHttpRouter *router);

#define WEIR_WEBHOOKS_MAX 100 /* of an account */

/**
 * weir_webhook_from_json:
 * @webhook: (inout): what it is before; what @body does not say stays
 * @egress: (nullable): see weir_webhook_check_url()
 *
 * Returns: FALSE with a fault; @webhook may have been changed in part then
 */
gboolean weir_webhook_from_json (GBytes *body, guint depth_max, const WeirEgress *egress,
    WeirWebhook *webhook, WeirFault *fault);

G_END_DECLS
