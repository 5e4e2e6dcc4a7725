/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * The PROXY protocol's header (HAProxy, "The PROXY protocol versions 1 & 2", 2.1 and 2.2), pure:
 * who the client of a proxy is. Only to be read from proxies that are trusted.
 */

/* the longest header that is read: a version 2 header with its type-length-values beyond this is
 * refused; version 1 has 107 bytes at most */
#define WEIR_PROXY_HEADER_MAX 2048

typedef enum {
  WEIR_PROXY_MORE,    /* a beginning of a header */
  WEIR_PROXY_DONE,    /* @header_size bytes are the header */
  WEIR_PROXY_INVALID, /* this is no header, or one that says too much or the wrong thing */
} WeirProxyResult;

/**
 * weir_proxy_parse:
 * @header_size: (out): set with DONE
 * @client: (out) (nullable) (transfer full): set with DONE: the client's address; NULL when the
 *   proxy speaks for itself (LOCAL, UNKNOWN, addresses that are not IP): the connection's own is
 *   right
 */
WeirProxyResult weir_proxy_parse (
    const guint8 *data, gsize size, gsize *header_size, GInetSocketAddress **client);

/**
 * WeirNetworks: a set of networks, "127.0.0.0/8;::1;2001:db8::/32"
 */
typedef struct _WeirNetworks WeirNetworks;

/* @text: networks or addresses, separated by `;`; empty: none. Returns: NULL with
 * G_IO_ERROR_INVALID_ARGUMENT */
WeirNetworks *weir_networks_parse (const gchar *text, GError **error);
void weir_networks_free (WeirNetworks *self);
/* IPv4-mapped IPv6 addresses count as the IPv4 addresses that they are */
gboolean weir_networks_contain (const WeirNetworks *self, GInetAddress *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirNetworks, weir_networks_free)

G_END_DECLS
