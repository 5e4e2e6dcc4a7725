/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirAdmission:
 *
 * Whom listeners let in the door before anyone has shown a key, pure: addresses and time in, yes or
 * the limit that says no out. Shared by the listeners of an accept thread. An IPv6 client is its
 * /64, as it can choose the rest; memory is bounded by the connections that are counted and the
 * addresses of the last seconds.
 *
 * Not locked: one thread at a time.
 */
typedef struct _WeirAdmission WeirAdmission;

typedef struct {
  guint connections_max;             /* not let in yet, from all addresses */
  guint connections_per_address_max; /* 20: likewise, from one address */
  gdouble per_address_rate;          /* 10 new connections a second from one address */
  guint per_address_burst;           /* 20 at once */
} WeirAdmissionSettings;

/* the limits' names in weir.conf(5), as answered */
#define WEIR_LIMIT_PENDING_CONNECTIONS "pending-connections"
#define WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS "pending-connections-per-address"
#define WEIR_LIMIT_CONNECTION_RATE_PER_ADDRESS "connection-rate-per-address"

WeirAdmission *weir_admission_new (const WeirAdmissionSettings *settings);
WeirAdmission *weir_admission_ref (WeirAdmission *self);
void weir_admission_unref (WeirAdmission *self);
/* Returns: NULL when @address may come in, weir_admission_leave() then takes it off again; else the
 * static name of the limit */
const gchar *weir_admission_enter (WeirAdmission *self, GInetAddress *address, gint64 now_us);
/* let in, or gone */
void weir_admission_leave (WeirAdmission *self, GInetAddress *address);
guint weir_admission_get_count (WeirAdmission *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirAdmission, weir_admission_unref)

G_END_DECLS
