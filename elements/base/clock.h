/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirClock:
 *
 * Where a shell (an element, a connection, the daemon) gets its time from. Cores never hold one:
 * they are given numbers. Both functions may be called from any thread.
 */
typedef struct {
  /* microseconds that never go back, arbitrary origin; all deadlines use it */
  gint64 (*monotonic) (gpointer data);
  /* microseconds since 1970-01-01 UTC; only for what people or playlists read */
  gint64 (*wall) (gpointer data);
  gpointer data;
} WeirClock;

/* Returns: (transfer none): the system's clock */
const WeirClock *weir_clock_system (void);

static inline gint64
weir_clock_monotonic (const WeirClock *self)
{
  return self->monotonic (self->data);
}

static inline gint64
weir_clock_wall (const WeirClock *self)
{
  return self->wall (self->data);
}

/**
 * WeirManualClock:
 *
 * A clock for tests; advances only when told to.
 */
typedef struct {
  WeirClock clock;
  gint64 monotonic_us;
  gint64 wall_us;
} WeirManualClock;

void weir_manual_clock_init (WeirManualClock *self, gint64 wall_us);
/* moves both times */
void weir_manual_clock_advance (WeirManualClock *self, gint64 us);

G_END_DECLS
