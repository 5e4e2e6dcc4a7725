/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/ticketkeys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

struct _WeirTicketKeys {
  gint references;
  GMutex lock;
  /* [0] seals and opens, [1] opens */
  WeirTicketKey keys[2];
  gboolean valid[2];
  gint64 since_us; /* [0] was made */
};

WeirTicketKeys *
weir_ticket_keys_new (void)
{
  WeirTicketKeys *self = g_new0 (WeirTicketKeys, 1);

  self->references = 1;
  g_mutex_init (&self->lock);
  return self;
}

WeirTicketKeys *
weir_ticket_keys_ref (WeirTicketKeys *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

void
weir_ticket_keys_unref (WeirTicketKeys *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->references))
    return;
  OPENSSL_cleanse (self->keys, sizeof self->keys);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
forget (WeirTicketKeys *self, guint index)
{
  OPENSSL_cleanse (&self->keys[index], sizeof self->keys[index]);
  self->valid[index] = FALSE;
}

static void
expire (WeirTicketKeys *self, gint64 now_us)
{
  gint64 age_us = now_us - self->since_us;

  if (self->valid[0] && age_us >= WEIR_TICKET_KEYS_SEALS_US) {
    self->keys[1] = self->keys[0];
    self->valid[1] = TRUE;
    forget (self, 0);
    self->since_us += WEIR_TICKET_KEYS_SEALS_US;
    age_us -= WEIR_TICKET_KEYS_SEALS_US;
  }
  /* the key at [1] stopped sealing when [0] was made, or would have been */
  if (self->valid[1] && age_us >= WEIR_TICKET_KEYS_SEALS_US)
    forget (self, 1);
}

void
weir_ticket_keys_expire (WeirTicketKeys *self, gint64 now_us)
{
  g_mutex_lock (&self->lock);
  expire (self, now_us);
  g_mutex_unlock (&self->lock);
}

static gboolean
make_key (WeirTicketKeys *self, gint64 now_us)
{
  WeirTicketKey key;

  if (RAND_bytes (key.name, sizeof key.name) != 1 ||
      RAND_bytes (key.cipher, sizeof key.cipher) != 1 || RAND_bytes (key.mac, sizeof key.mac) != 1)
    return FALSE;
  self->keys[0] = key;
  self->valid[0] = TRUE;
  /* while an old key still opens, its time ends with this one's */
  if (!self->valid[1])
    self->since_us = now_us;
  OPENSSL_cleanse (&key, sizeof key);
  return TRUE;
}

gboolean
weir_ticket_keys_get (WeirTicketKeys *self, gint64 now_us, WeirTicketKey *key)
{
  gboolean valid;

  g_mutex_lock (&self->lock);
  expire (self, now_us);
  valid = self->valid[0] || make_key (self, now_us);
  if (valid)
    *key = self->keys[0];
  g_mutex_unlock (&self->lock);
  return valid;
}

gboolean
weir_ticket_keys_find (
    WeirTicketKeys *self, gint64 now_us, const guint8 *name, WeirTicketKey *key, gboolean *renew)
{
  gboolean found = FALSE;

  g_mutex_lock (&self->lock);
  expire (self, now_us);
  for (guint i = 0; i < G_N_ELEMENTS (self->keys) && !found; i++) {
    if (!self->valid[i] || memcmp (self->keys[i].name, name, sizeof self->keys[i].name) != 0)
      continue;
    *key = self->keys[i];
    *renew = i > 0;
    found = TRUE;
  }
  g_mutex_unlock (&self->lock);
  return found;
}
