/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"
#include "http/http.h"

G_BEGIN_DECLS

/**
 * WeirListeners: what the daemon has bound, as the listeners say it ("[::]:1935;…"); NULL or empty
 * for one that is off
 */
typedef struct {
  gchar *http;
  gchar *rtmp;
  gchar *srt;
} WeirListeners;

/* Returns: the port of the first address, 0 when there is none */
guint16 weir_listeners_get_port (const gchar *addresses);

/* @request: (nullable): of what nobody has asked for: by the configured names
 *
 * Returns: (transfer full): "http://host:8080": `http.public-url`, else by the request's Host; no
 * slash at the end */
gchar *weir_links_get_base (const WeirConfig *config, WeirHttpRequest *request);
/**
 * weir_links_get_ingest:
 * @scheme: "rtmp" or "rtmps"
 * @addresses: (nullable): of that listener
 *
 * Returns: (transfer full) (nullable): "rtmp://host:1935/live/"; NULL while the listener is off
 */
gchar *weir_links_get_ingest (const WeirConfig *config, WeirHttpRequest *request,
    const gchar *scheme, const gchar *addresses);

/**
 * weir_links_is_host_allowed:
 *
 * Whether API calls may come under this Host: the public names, localhost, or a numeric address.
 * A web page cannot make a browser send one of these for its own name (DNS rebinding).
 */
gboolean weir_links_is_host_allowed (const WeirConfig *config, const gchar *host);

G_END_DECLS
