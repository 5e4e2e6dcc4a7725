/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirAdmission:
 *
 * Whom listeners let in the door before anyone has shown a key, pure: addresses and time in, yes,
 * not yet, or the limit that says no out. Shared by the listeners of an accept thread. An IPv6
 * client is its /64, as it can choose the rest; memory is bounded by the connections that are
 * counted and the addresses of the last seconds.
 *
 * Who comes faster than the rate, or while too many of its address are talking, is held back rather
 * than refused, up to a limit: the encoders of a studio share one address and return at the same
 * moment, and a refusal makes some of them stop for good.
 *
 * Not locked: one thread at a time.
 */
typedef struct _WeirAdmission WeirAdmission;

typedef struct {
  guint connections_max;             /* not let in yet, from all addresses, those held back too */
  guint connections_per_address_max; /* 20: talking, from one address; 0: as many as want */
  guint waiting_per_address_max; /* 100: held back, from one address; 0: none, refused at once */
  gdouble per_address_rate;      /* 10 new connections a second from one address; 0: any */
  guint per_address_burst;       /* 20 at once */
} WeirAdmissionSettings;

/* the limits' names in weir.conf(5), as answered */
#define WEIR_LIMIT_PENDING_CONNECTIONS "pending-connections"
#define WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS "pending-connections-per-address"
#define WEIR_LIMIT_CONNECTION_RATE_PER_ADDRESS "connection-rate-per-address"

WeirAdmission *weir_admission_new (const WeirAdmissionSettings *settings);
WeirAdmission *weir_admission_ref (WeirAdmission *self);
void weir_admission_unref (WeirAdmission *self);
/**
 * weir_admission_enter:
 * @address: (nullable): NULL for a trusted proxy that speaks for itself: only what all share counts
 * @wait_us: (out): set when NULL is returned: 0: it is in, weir_admission_leave() takes it off
 *   again; else it is to be held back for so long, and then to be asked for by
 *   weir_admission_ask_again(), or taken off by weir_admission_give_up()
 *
 * Returns: NULL, or the static name of the limit that refuses it
 */
const gchar *weir_admission_enter (
    WeirAdmission *self, GInetAddress *address, gint64 now_us, gint64 *wait_us);
/* for one that is held back. Returns: 0: now it is in; else how much longer it waits, at least */
gint64 weir_admission_ask_again (WeirAdmission *self, GInetAddress *address, gint64 now_us);
/* one that was held back is gone, or has waited too long. Returns: the static name of the limit
 * that kept it waiting */
const gchar *weir_admission_give_up (WeirAdmission *self, GInetAddress *address);
/* one that was in is let in for good, or gone */
void weir_admission_leave (WeirAdmission *self, GInetAddress *address);
/* those that are in, and those held back; any thread */
guint weir_admission_get_talking (WeirAdmission *self);
guint weir_admission_get_waiting (WeirAdmission *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirAdmission, weir_admission_unref)

G_END_DECLS
