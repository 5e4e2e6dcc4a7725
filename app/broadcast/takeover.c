/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/takeover.h"

void
weir_takeover_init (WeirTakeover *self, const WeirTakeoverPolicy *policy)
{
  *self = (WeirTakeover){.policy = *policy};
}

static void
set_newcomer (WeirTakeover *self, WeirTakeoverNewcomer newcomer, gint64 now_us)
{
  self->newcomer = newcomer;
  self->since_us = now_us;
}

gboolean
weir_takeover_arrive (WeirTakeover *self, gint64 now_us)
{
  if (self->newcomer != WEIR_TAKEOVER_NONE)
    return FALSE;
  set_newcomer (self, WEIR_TAKEOVER_HELD, now_us);
  return TRUE;
}

/* Returns: from when on a healthy incumbent may be replaced; G_MAXINT64: it may not */
static gint64
get_forced_us (const WeirTakeover *self, gint64 now_us)
{
  gint64 wait_us = WEIR_TAKEOVER_DAMPING_US;

  if (!self->policy.always)
    return G_MAXINT64;
  if (self->swaps == 0 || now_us - self->swapped_us >= WEIR_TAKEOVER_CALM_US)
    return now_us;
  for (guint i = 1; i < self->swaps && wait_us < WEIR_TAKEOVER_DAMPING_MAX_US; i++)
    wait_us *= 2;
  return self->swapped_us + MIN (wait_us, WEIR_TAKEOVER_DAMPING_MAX_US);
}

static WeirTakeoverVerdict
judge_held (
    WeirTakeover *self, const WeirTakeoverIncumbent *incumbent, gint64 now_us, gint64 *next_us)
{
  const gint64 active_us = MAX (incumbent->connected_us, incumbent->last_media_us);
  const gint64 over_us = self->since_us + self->policy.hold_us;
  const gint64 forced_us = get_forced_us (self, now_us);
  const gboolean sends = incumbent->last_media_us > self->since_us;
  gint64 accept_us = forced_us;

  if (!sends || now_us - active_us >= self->policy.silence_us)
    accept_us = MIN (forced_us, active_us + self->policy.silence_us);
  if (now_us >= accept_us)
    return WEIR_TAKEOVER_ACCEPT;
  if (now_us >= over_us || (sends && accept_us > over_us))
    return self->policy.always ? WEIR_TAKEOVER_DAMPED : WEIR_TAKEOVER_IN_USE;
  *next_us = MIN (accept_us, over_us);
  return WEIR_TAKEOVER_WAIT;
}

static WeirTakeoverVerdict
judge_trial (const WeirTakeover *self, const WeirTakeoverIncumbent *incumbent, gint64 now_us,
    gint64 *next_us)
{
  const gint64 over_us = self->since_us + self->policy.trial_us;

  if (now_us >= over_us && incumbent->last_media_us > self->since_us)
    return WEIR_TAKEOVER_GIVE_UP;
  *next_us = now_us < over_us ? over_us : G_MAXINT64;
  return WEIR_TAKEOVER_WAIT;
}

WeirTakeoverVerdict
weir_takeover_judge (
    WeirTakeover *self, const WeirTakeoverIncumbent *incumbent, gint64 now_us, gint64 *next_us)
{
  WeirTakeoverVerdict verdict = WEIR_TAKEOVER_WAIT;

  *next_us = G_MAXINT64;
  if (self->newcomer == WEIR_TAKEOVER_HELD)
    verdict =
        incumbent->present ? judge_held (self, incumbent, now_us, next_us) : WEIR_TAKEOVER_ACCEPT;
  else if (self->newcomer == WEIR_TAKEOVER_ON_TRIAL && incumbent->present)
    verdict = judge_trial (self, incumbent, now_us, next_us);
  if (verdict == WEIR_TAKEOVER_ACCEPT)
    set_newcomer (self, WEIR_TAKEOVER_ON_TRIAL, now_us);
  else if (verdict != WEIR_TAKEOVER_WAIT)
    set_newcomer (self, WEIR_TAKEOVER_NONE, now_us);
  return verdict;
}

void
weir_takeover_leave (WeirTakeover *self)
{
  self->newcomer = WEIR_TAKEOVER_NONE;
}

void
weir_takeover_complete (WeirTakeover *self, gboolean present, gint64 now_us)
{
  self->newcomer = WEIR_TAKEOVER_NONE;
  if (!present)
    return;
  if (now_us - self->swapped_us >= WEIR_TAKEOVER_CALM_US)
    self->swaps = 0;
  self->swaps++;
  self->swapped_us = now_us;
}
