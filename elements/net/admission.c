/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/admission.h"

#include "base/tokenbucket.h"
#include "net/address.h"

/* how often addresses that are of no interest any more are looked for */
#define SWEEP_US G_USEC_PER_SEC
/* who waits for another to leave looks so often, without a rate that says when */
#define DEFAULT_RATE 10.0
/* a line of waiting connections looks so often at most, together and per turn of the rate */
#define LOOKS_PER_TURN 10

typedef struct {
  guint64 key;
  guint talking;
  guint waiting;
  WeirTokenBucket rate;
} Address;

struct _WeirAdmission {
  gatomicrefcount ref_count;
  WeirAdmissionSettings settings;
  GHashTable *addresses; /* Address by its key */
  gint64 swept_us;
  guint talking; /* atomic */
  guint waiting; /* atomic */
};

WeirAdmission *
weir_admission_new (const WeirAdmissionSettings *settings)
{
  WeirAdmission *self = g_new0 (WeirAdmission, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->settings = *settings;
  self->addresses = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->swept_us = G_MININT64;
  return self;
}

WeirAdmission *
weir_admission_ref (WeirAdmission *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_admission_unref (WeirAdmission *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_hash_table_unref (self->addresses);
  g_free (self);
}

static gdouble
get_rate (WeirAdmission *self)
{
  return self->settings.per_address_rate > 0 ? self->settings.per_address_rate : DEFAULT_RATE;
}

static Address *
find_address (WeirAdmission *self, GInetAddress *address)
{
  guint64 key = weir_address_get_network_key (address);

  return g_hash_table_lookup (self->addresses, &key);
}

static Address *
make_address (WeirAdmission *self, GInetAddress *inet, gint64 now_us)
{
  Address *address = find_address (self, inet);

  if (address != NULL)
    return address;
  address = g_new0 (Address, 1);
  address->key = weir_address_get_network_key (inet);
  weir_token_bucket_init (
      &address->rate, get_rate (self), MAX (1, self->settings.per_address_burst), now_us);
  g_hash_table_insert (self->addresses, &address->key, address);
  return address;
}

/* Who has nobody here and its whole burst again is as good as unknown. */
static void
sweep (WeirAdmission *self, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  if (self->swept_us != G_MININT64 && now_us - self->swept_us < SWEEP_US)
    return;
  self->swept_us = now_us;
  g_hash_table_iter_init (&iter, self->addresses);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Address *address = value;

    if (address->talking == 0 && address->waiting == 0 &&
        weir_token_bucket_take (&address->rate, address->rate.burst, now_us))
      g_hash_table_iter_remove (&iter);
  }
}

static void
add (guint *count, gint change)
{
  __atomic_add_fetch (count, (guint) change, __ATOMIC_RELAXED);
}

static gboolean
is_crowded (WeirAdmission *self, const Address *address)
{
  guint max = self->settings.connections_per_address_max;

  return max > 0 && address->talking >= max;
}

static gboolean
let_talk (WeirAdmission *self, Address *address, gint64 now_us)
{
  if (is_crowded (self, address))
    return FALSE;
  if (self->settings.per_address_rate > 0 && !weir_token_bucket_take (&address->rate, 1, now_us))
    return FALSE;
  address->talking++;
  add (&self->talking, 1);
  return TRUE;
}

static const gchar *
get_obstacle (WeirAdmission *self, const Address *address)
{
  return is_crowded (self, address) ? WEIR_LIMIT_PENDING_CONNECTIONS_PER_ADDRESS
                                    : WEIR_LIMIT_CONNECTION_RATE_PER_ADDRESS;
}

/* @turns: of the rate. Returns: at least 1 */
static gint64
turns_to_us (WeirAdmission *self, gdouble turns)
{
  return 1 + (gint64) (MAX (turns, 0) * G_USEC_PER_SEC / get_rate (self));
}

const gchar *
weir_admission_enter (WeirAdmission *self, GInetAddress *inet, gint64 now_us, gint64 *wait_us)
{
  Address *address;

  sweep (self, now_us);
  if (weir_admission_get_talking (self) + weir_admission_get_waiting (self) >=
      self->settings.connections_max)
    return WEIR_LIMIT_PENDING_CONNECTIONS;
  if (inet == NULL) {
    add (&self->talking, 1);
    *wait_us = 0;
    return NULL;
  }
  address = make_address (self, inet, now_us);
  /* nobody overtakes those who wait */
  if (address->waiting == 0 && let_talk (self, address, now_us)) {
    *wait_us = 0;
    return NULL;
  }
  if (address->waiting >= self->settings.waiting_per_address_max)
    return get_obstacle (self, address);
  address->waiting++;
  add (&self->waiting, 1);
  /* when the rate comes to it, if all before it get in at their first try */
  *wait_us = turns_to_us (
      self, address->waiting - (is_crowded (self, address) ? 0 : address->rate.tokens));
  return NULL;
}

gint64
weir_admission_ask_again (WeirAdmission *self, GInetAddress *inet, gint64 now_us)
{
  Address *address = find_address (self, inet);

  if (!let_talk (self, address, now_us))
    return turns_to_us (self, MAX (1, address->waiting / LOOKS_PER_TURN));
  address->waiting--;
  add (&self->waiting, -1);
  return 0;
}

const gchar *
weir_admission_give_up (WeirAdmission *self, GInetAddress *inet)
{
  Address *address = find_address (self, inet);

  address->waiting--;
  add (&self->waiting, -1);
  return get_obstacle (self, address);
}

void
weir_admission_leave (WeirAdmission *self, GInetAddress *inet)
{
  if (inet != NULL)
    find_address (self, inet)->talking--;
  add (&self->talking, -1);
}

guint
weir_admission_get_talking (WeirAdmission *self)
{
  return __atomic_load_n (&self->talking, __ATOMIC_RELAXED);
}

guint
weir_admission_get_waiting (WeirAdmission *self)
{
  return __atomic_load_n (&self->waiting, __ATOMIC_RELAXED);
}
