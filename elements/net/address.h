/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Internet addresses, pure; any thread. */

/* Returns: (transfer full): "192.0.2.1:4711", "[2001:db8::1]:4711" */
gchar *weir_address_to_string (GInetSocketAddress *address);
/* Returns: (transfer full): an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) as the IPv4 address that
 * it is, any other as itself */
GInetAddress *weir_address_unmap (GInetAddress *address);
/* Returns: what is the same for addresses that limits count as one client: those of an IPv6 /64, as
 * a client can choose the rest; an IPv4 address, mapped or not, is alone */
guint64 weir_address_get_network_key (GInetAddress *address);

G_END_DECLS
