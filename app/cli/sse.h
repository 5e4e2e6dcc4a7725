/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirSse: server-sent events (WHATWG HTML 9.2.6) out of bytes as they come. Pure.
 */
typedef struct _WeirSse WeirSse;

#define WEIR_SSE_EVENT_MAX (1024 * 1024)

/* @id: of this event or the last that had one, "" without; @data: its lines */
typedef void (*WeirSseFunc) (const gchar *id, const gchar *data, gpointer user_data);

WeirSse *weir_sse_new (WeirSseFunc func, gpointer user_data);
void weir_sse_free (WeirSse *self);
/* another connection begins: what was not complete is forgotten, the last id is not */
void weir_sse_restart (WeirSse *self);
/* Returns: FALSE: an event is larger than %WEIR_SSE_EVENT_MAX */
gboolean weir_sse_feed (WeirSse *self, const gchar *bytes, gsize size);
/* Returns: (transfer none): what the next connection says as Last-Event-ID, "" without */
const gchar *weir_sse_get_last_id (const WeirSse *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSse, weir_sse_free)

G_END_DECLS
