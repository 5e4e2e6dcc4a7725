/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api/api.h"

G_BEGIN_DECLS

/**
 * Outputs of live inputs: where a broadcast is to be relayed to. They are documents of the store,
 * %WEIR_DOCUMENT_OUTPUT with the input as parent and `{"url":…,"streamKey":…,"enabled":…}`.
 */
void weir_outputs_add_routes (WeirApi *self, WeirHttpRouter *router);

/* the limit's name in weir.conf(5) */
#define WEIR_LIMIT_OUTPUTS "outputs-per-input"

/**
 * weir_output_is_url:
 *
 * Returns: whether @url is one that a broadcast can be relayed to: rtmp, rtmps or srt, a host, a
 *   port that can be, no user name, no fragment
 */
gboolean weir_output_is_url (const gchar *url);

G_END_DECLS
