/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/call.h"

G_BEGIN_DECLS

/*
 * Recordings as the management API shows them: the hosted product's videos. A broadcast that is
 * recorded is one from its beginning on.
 */

/* adds @record as an object. @request: whose Host the links have */
void weir_api_add_video (
    GString *json, WeirApi *api, WeirHttpRequest *request, const WeirBroadcastRecord *record);

/* a step that answers with the call's rows, records, as a list */
void weir_api_answer_videos (WeirCall *call);

/**
 * WeirVideoQuery: which videos a list has
 * @filter: its texts belong to the request
 * @none: nothing can match
 * @include_counts: how many there are besides those that are listed is asked for
 * @limit: how many are listed at most
 */
typedef struct {
  WeirBroadcastFilter filter;
  gboolean none;
  gboolean include_counts;
  guint limit;
} WeirVideoQuery;

/* Returns: FALSE with a fault that points at the parameter */
gboolean weir_video_query_read (
    WeirHttpRequest *request, const gchar *account, WeirVideoQuery *query, WeirFault *fault);

/* @record: (inout): what the body of an edit says is changed in it */
gboolean weir_video_edit_from_json (
    GBytes *body, guint depth_max, WeirBroadcastRecord *record, WeirFault *fault);

void weir_videos_add_routes (WeirApi *self, WeirHttpRouter *router);

G_END_DECLS
