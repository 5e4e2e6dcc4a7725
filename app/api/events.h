/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * The event log as the API shows it: `GET …/stream/events` from any cursor, as a list or, with
 * `Accept: text/event-stream`, as server-sent events for as long as the client listens. A follower
 * is given more when it has taken what there was; one that does not read is cut off by the limit
 * `http-write-stall` and goes on from its cursor when it comes back.
 */
void weir_api_events_add_routes (WeirApi *self, WeirHttpRouter *router);

/**
 * weir_api_read_cursor:
 * @text: (nullable): a sequence in decimal; NULL is 0, "now" is WEIR_STORE_NEWEST
 * @cursor: (out)
 */
gboolean weir_api_read_cursor (const gchar *text, guint64 *cursor);

/* Returns: (transfer full): "id: …\nevent: …\ndata: …\n\n" (WHATWG HTML 9.2.5) */
gchar *weir_api_event_to_text (const WeirEvent *event);

G_END_DECLS
