/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * WeirEvents:
 *
 * What happens, told to those who were not there: a log in the store that can be read from any
 * cursor, as JSON and as server-sent events, and pushed to webhooks.
 *
 * What a commit tells of is written with that commit (#WeirSegmentCommit, weir_store_end_broadcast
 * (), weir_store_delete_broadcast()); all else goes through weir_events_emit(), which keeps a
 * bounded number of events while the store is away: those beyond are counted and told of by
 * one `events.lost`.
 */
typedef struct _WeirEvents WeirEvents;

/* types; the data that each carries is listed in the OpenAPI file */
#define WEIR_EVENT_INPUT_CREATED "live_input.created"
#define WEIR_EVENT_INPUT_UPDATED "live_input.updated"
#define WEIR_EVENT_INPUT_DELETED "live_input.deleted"
#define WEIR_EVENT_INPUT_KEYS_ROTATED "live_input.keys_rotated"
/* the hosted product's three */
#define WEIR_EVENT_INPUT_CONNECTED "live_input.connected"
#define WEIR_EVENT_INPUT_DISCONNECTED "live_input.disconnected"
#define WEIR_EVENT_INPUT_ERRORED "live_input.errored"
#define WEIR_EVENT_PUBLISH_REFUSED "publish.refused" /* reason, protocol, address, masked key */
#define WEIR_EVENT_OUTPUT_CREATED "output.created"   /* id, url without what is secret in it */
#define WEIR_EVENT_OUTPUT_UPDATED "output.updated"
#define WEIR_EVENT_OUTPUT_DELETED "output.deleted"
#define WEIR_EVENT_BROADCAST_STARTED "broadcast.started"
#define WEIR_EVENT_BROADCAST_LIVE "broadcast.live"
#define WEIR_EVENT_BROADCAST_RECONNECTING "broadcast.reconnecting" /* reason, deadline */
#define WEIR_EVENT_BROADCAST_TAKEN_OVER "broadcast.taken_over"
#define WEIR_EVENT_BROADCAST_RESUMED "broadcast.resumed" /* by a restart of the daemon */
#define WEIR_EVENT_BROADCAST_ENDED "broadcast.ended"
#define WEIR_EVENT_SEGMENT_COMMITTED "segment.committed" /* epoch, number, name, size, duration */
#define WEIR_EVENT_RECORDING_PAUSED "recording.paused"
#define WEIR_EVENT_RECORDING_RESUMED "recording.resumed"
#define WEIR_EVENT_RECORDING_READY "recording.ready"
#define WEIR_EVENT_RECORDING_DELETED "recording.deleted"
#define WEIR_EVENT_HEALTH_PREFIX "health." /* and the code; data: state raised or cleared, … */
#define WEIR_EVENT_WEBHOOK_CREATED "webhook.created" /* id, url without what is secret in it */
#define WEIR_EVENT_WEBHOOK_UPDATED "webhook.updated"
#define WEIR_EVENT_WEBHOOK_DELETED "webhook.deleted"
#define WEIR_EVENT_LOST "events.lost" /* count */

/* how many wait for the store at most */
#define WEIR_EVENTS_WAITING_MAX 10000

/* @account: the home account: gets what belongs to no other. Main thread */
WeirEvents *weir_events_new (WeirStore *store, const gchar *account);
/* waits for nothing: what the store has not taken yet is its own business */
void weir_events_free (WeirEvents *self);

/* forgets events older than @keep_us and all but the newest @max, now and every minute. Main
 * thread; so is the next */
void weir_events_set_retention (WeirEvents *self, gint64 keep_us, guint64 max);
/* @done: once, when all that was emitted so far has been written, or the store does not take it */
void weir_events_drain (WeirEvents *self, void (*done) (gpointer data), gpointer data);

/**
 * weir_events_emit:
 * @event: (transfer full): its account may be empty: the home account
 *
 * Any thread; never blocks. Events of one thread keep their order.
 */
void weir_events_emit (WeirEvents *self, WeirEvent *event);

/* Returns: (transfer full): `{"sequence":…,"time":…,"type":…,"input":…,"broadcast":…,"data":{…}}`,
 * on one line, as the API and webhooks say it */
gchar *weir_event_to_json (const WeirEvent *event);
/* the same as one value of an array: see api/json.h */
void weir_event_add_json (GString *json, const WeirEvent *event);

/* Returns: (transfer full): JSON object as text; @first_name: then pairs of name and value, NULL
 * ends. Values are strings, (nullable) */
gchar *weir_event_make_data (const gchar *first_name, ...) G_GNUC_NULL_TERMINATED;

/* Returns: whether @type is one of @patterns: a type, or the beginning of types and a `*` */
gboolean weir_event_type_matches (const gchar *type, const gchar *const *patterns);

/* Returns: (transfer full): the first 4 characters and the uid behind the last 'k', the rest as
 * stars: what may be told of a secret that was refused */
gchar *weir_event_mask_key (const gchar *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirEvents, weir_events_free)

G_END_DECLS
