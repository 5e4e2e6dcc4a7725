/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirTicketKeys:
 *
 * The keys that session tickets are sealed with (RFC 5077 4), pure: time in, keys out. A key seals
 * for six hours and opens for six more, then it is gone: who breaks in learns nothing of what was
 * resumed more than twelve hours ago.
 *
 * All functions from any thread; @now_us is monotonic and may not go back between calls.
 */
typedef struct _WeirTicketKeys WeirTicketKeys;

#define WEIR_TICKET_KEYS_SEALS_US (6 * 3600 * (gint64) G_USEC_PER_SEC)

typedef struct {
  guint8 name[16]; /* public, stands before the ticket */
  guint8 cipher[32];
  guint8 mac[32];
} WeirTicketKey;

WeirTicketKeys *weir_ticket_keys_new (void);
WeirTicketKeys *weir_ticket_keys_ref (WeirTicketKeys *self);
void weir_ticket_keys_unref (WeirTicketKeys *self);
/* the key to seal with
 * Returns: FALSE when the system has no randomness */
gboolean weir_ticket_keys_get (WeirTicketKeys *self, gint64 now_us, WeirTicketKey *key);
/**
 * weir_ticket_keys_find:
 * @name: 16 bytes, from the ticket
 * @renew: (out): the ticket should be replaced, as its key only opens by now
 *
 * Returns: FALSE when there is no such key (any more)
 */
gboolean weir_ticket_keys_find (
    WeirTicketKeys *self, gint64 now_us, const guint8 *name, WeirTicketKey *key, gboolean *renew);
/* forgets what has had its time; the other functions do so too */
void weir_ticket_keys_expire (WeirTicketKeys *self, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTicketKeys, weir_ticket_keys_unref)

G_END_DECLS
