/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "events/events.h"
#include "net/egress.h"

G_BEGIN_DECLS

/**
 * A webhook, and what is sent to it: pure, no socket, no clock.
 */

typedef enum {
  WEIR_WEBHOOK_WEIR,   /* every event, as weir_event_to_json() has it, with Weir-Signature */
  WEIR_WEBHOOK_HOSTED, /* the hosted product's events in its forms, with its headers */
} WeirWebhookFormat;

typedef struct {
  gchar *id;
  gchar *account;
  gchar *url;
  gchar *secret;
  GStrv events; /* (nullable): see weir_event_type_matches(); NULL: all but segment.committed */
  WeirWebhookFormat format;
  gboolean enabled;
  guint64 since;     /* it gets what comes after this event */
  gint64 created_us; /* wall */
  gint64 modified_us;
  guint64 revision; /* of the document */
} WeirWebhook;

#define WEIR_WEBHOOK_URL_MAX 2048
#define WEIR_WEBHOOK_SECRET_MIN 16
#define WEIR_WEBHOOK_SECRET_MAX 128

WeirWebhook *weir_webhook_new (const gchar *account, const gchar *id);
void weir_webhook_free (WeirWebhook *self);
/* Returns: (transfer full) (nullable): NULL for a document that is none */
WeirWebhook *weir_webhook_from_document (const WeirDocument *document);
/* Returns: (transfer full): of the kind WEBHOOK */
WeirDocument *weir_webhook_to_document (const WeirWebhook *self);
/* Returns: "weir" or "hosted" */
const gchar *weir_webhook_format_get_name (WeirWebhookFormat format);

/* Returns: whether it is to be told of events of this type */
gboolean weir_webhook_wants (const WeirWebhook *self, const gchar *type);

/**
 * weir_webhook_check_url:
 * @egress: (nullable): refuses numeric addresses that may not be reached; names are looked at when
 *   they are resolved
 *
 * Returns: FALSE with G_IO_ERROR_INVALID_ARGUMENT or %WEIR_EGRESS_ERROR_REFUSED
 */
gboolean weir_webhook_check_url (const gchar *url, const WeirEgress *egress, GError **error);
/* Returns: (transfer full): scheme, host and port; whatever else is in a URL may be a secret */
gchar *weir_webhook_mask_url (const gchar *url);

/**
 * weir_webhook_sign:
 * @seconds: since 1970
 *
 * Returns: (transfer full): HMAC-SHA256 with @secret over "SECONDS.BODY", lowercase hex
 */
gchar *weir_webhook_sign (const gchar *secret, gint64 seconds, const gchar *body);

/**
 * weir_webhook_make_body:
 * @recording: (nullable): what the API says of the event's broadcast, as JSON; for
 *   `recording.ready` of the hosted form
 *
 * Returns: (transfer full) (nullable): NULL when there is nothing to be said of it in this format
 */
gchar *weir_webhook_make_body (
    const WeirWebhook *self, const WeirEvent *event, const gchar *recording);
/* Returns: (transfer full): name, value, name, value, …: the headers beside Content-Type. @type: of
 * the event */
GStrv weir_webhook_make_headers (const WeirWebhook *self, const gchar *type, guint64 sequence,
    gint64 seconds, const gchar *body);

/* an event that nobody has taken for this long is given up */
#define WEIR_WEBHOOK_GIVE_UP_US (24 * 3600 * (gint64) G_USEC_PER_SEC)
/**
 * weir_webhook_get_delay:
 * @attempts: that have failed, from 1
 * @random: in [0, 1)
 *
 * Returns: microseconds until the next one: 1 s, doubled each time up to 5 min, less up to half of
 *   it at random
 */
gint64 weir_webhook_get_delay (guint attempts, gdouble random);

/**
 * WeirDelivery: how far a webhook's deliveries are; starts as {0}
 */
typedef struct {
  guint64 cursor; /* this event, and all before, are done with */
  guint64 delivered;
  guint64 given_up;
  guint attempts;          /* failed ones of the event that is next */
  gint64 first_attempt_us; /* wall; so below */
  gint64 next_attempt_us;
  gint64 last_success_us;
  gint64 last_failure_us;
  gchar *last_error; /* (nullable) */
} WeirDelivery;

void weir_delivery_clear (WeirDelivery *self);
/* @self: what there is is replaced; what @json does not have is 0 */
void weir_delivery_from_json (WeirDelivery *self, const gchar *json);
/* Returns: (transfer full) */
gchar *weir_delivery_to_json (const WeirDelivery *self);

void weir_delivery_succeed (WeirDelivery *self, guint64 sequence, gint64 now_us);
/* @reason: in words. Returns: whether the event was given up: @sequence is the cursor then */
gboolean weir_delivery_fail (
    WeirDelivery *self, guint64 sequence, const gchar *reason, gint64 now_us, gdouble random);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirWebhook, weir_webhook_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirDelivery, weir_delivery_clear)

G_END_DECLS
