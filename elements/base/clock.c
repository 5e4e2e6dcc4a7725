/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

static gint64
system_monotonic (G_GNUC_UNUSED gpointer data)
{
  return g_get_monotonic_time ();
}

static gint64
system_wall (G_GNUC_UNUSED gpointer data)
{
  return g_get_real_time ();
}

const WeirClock *
weir_clock_system (void)
{
  static const WeirClock clock = {system_monotonic, system_wall, NULL};
  return &clock;
}

static gint64
manual_monotonic (gpointer data)
{
  return ((WeirManualClock *) data)->monotonic_us;
}

static gint64
manual_wall (gpointer data)
{
  return ((WeirManualClock *) data)->wall_us;
}

void
weir_manual_clock_init (WeirManualClock *self, gint64 wall_us)
{
  self->clock.monotonic = manual_monotonic;
  self->clock.wall = manual_wall;
  self->clock.data = self;
  self->monotonic_us = 0;
  self->wall_us = wall_us;
}

void
weir_manual_clock_advance (WeirManualClock *self, gint64 us)
{
  self->monotonic_us += us;
  self->wall_us += us;
}
