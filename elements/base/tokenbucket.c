/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/tokenbucket.h"

void
weir_token_bucket_init (WeirTokenBucket *self, gdouble rate, gdouble burst, gint64 now_us)
{
  self->rate = rate;
  self->burst = burst;
  self->tokens = burst;
  self->updated_us = now_us;
}

gboolean
weir_token_bucket_take (WeirTokenBucket *self, gdouble count, gint64 now_us)
{
  if (now_us > self->updated_us) {
    gdouble added = (gdouble) (now_us - self->updated_us) * self->rate / G_USEC_PER_SEC;

    self->tokens = MIN (self->burst, self->tokens + added);
    self->updated_us = now_us;
  }
  if (self->tokens < count)
    return FALSE;
  self->tokens -= count;
  return TRUE;
}
