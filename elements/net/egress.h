/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirEgress:
 *
 * Where connections that others have asked for may go: to addresses of the public Internet, and to
 * networks that whoever runs this host has allowed. Any thread; immutable.
 */
typedef struct _WeirEgress WeirEgress;

#define WEIR_EGRESS_ERROR (weir_egress_error_quark ())
GQuark weir_egress_error_quark (void);
typedef enum {
  WEIR_EGRESS_ERROR_REFUSED, /* by these rules; the message says which address and why */
} WeirEgressError;

/* @allow: as weir_networks_parse(). Returns: (transfer full): NULL with
 * G_IO_ERROR_INVALID_ARGUMENT */
WeirEgress *weir_egress_new (const gchar *allow, GError **error);
WeirEgress *weir_egress_ref (WeirEgress *self);
void weir_egress_unref (WeirEgress *self);

/**
 * weir_egress_check:
 *
 * Pure. Refused unless allowed: this host, private, link-local, carrier-grade NAT, multicast,
 * documentation and reserved addresses (RFC 6890), in IPv6 all that is no global unicast address;
 * addresses that stand for an IPv4 address (mapped, NAT64, 6to4) are what that one is; and ports
 * below 1024 but 80 and 443, behind which services may be that take a request for something else.
 *
 * Returns: FALSE with %WEIR_EGRESS_ERROR_REFUSED
 */
gboolean weir_egress_check (
    const WeirEgress *self, GInetAddress *address, guint16 port, GError **error);

/**
 * weir_egress_connectable_new:
 * @host: a name or a numeric address, without brackets
 *
 * What a #GSocketClient, or a SoupSession as its `remote-connectable`, connects to: resolves @host
 * each time, gives the addresses only when all of them pass weir_egress_check(), and is the only
 * one that resolves. A TLS client that gets it as server identity verifies @host.
 *
 * Returns: (transfer full): a #GNetworkAddress
 */
GSocketConnectable *weir_egress_connectable_new (WeirEgress *self, const gchar *host, guint16 port);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirEgress, weir_egress_unref)

G_END_DECLS
