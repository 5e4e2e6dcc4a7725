/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "events/webhook.h"

#include "base/counters.h"

G_BEGIN_DECLS

/**
 * WeirWebhooks:
 *
 * Pushes events to the webhooks that the store has. Each has its cursor, kept as a document of the
 * kind DELIVERY with its id, and gets its events in order and at least once: one that is not taken
 * is sent again, later and later, and given up after WEIR_WEBHOOK_GIVE_UP_US. None delays another
 * but by the number of requests that may be under way. Main thread.
 */
typedef struct _WeirWebhooks WeirWebhooks;

/* counted */
#define WEIR_REASON_WEBHOOK_FAILED "webhook-failed"     /* an attempt */
#define WEIR_REASON_WEBHOOK_GIVEN_UP "webhook-given-up" /* an event */

typedef struct {
  WeirStore *store;
  WeirEgress *egress;
  WeirCounters *counters; /* (nullable) */
  guint in_flight_max;
  gint64 timeout_us;   /* of a request */
  GTlsDatabase *trust; /* (nullable): instead of the system's authorities */
  /* (nullable): (transfer full): what the API says of a recording, as JSON */
  gchar *(*describe) (const WeirBroadcastRecord *record, gpointer data);
  gpointer describe_data;
} WeirWebhooksSettings;

void weir_webhooks_settings_init (WeirWebhooksSettings *settings);
/* what @settings points to outlives the webhooks, or is referenced */
WeirWebhooks *weir_webhooks_new (const WeirWebhooksSettings *settings);
/* requests under way are broken off; they are sent again after the next start */
void weir_webhooks_free (WeirWebhooks *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirWebhooks, weir_webhooks_free)

G_END_DECLS
