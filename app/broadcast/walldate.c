/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/walldate.h"

#define WINDOW_NS (30 * G_GINT64_CONSTANT (1000000000))
#define SLEW_US G_GINT64_CONSTANT (1000)
#define STEP_US (2 * (gint64) G_USEC_PER_SEC)

void
weir_wall_date_observe (WeirWallDate *self, gint64 time_ns, gint64 wall_us)
{
  gint64 zero = wall_us - time_ns / 1000;
  gint64 window = time_ns / WINDOW_NS;

  if (!self->known) {
    self->known = TRUE;
    self->window = window;
    self->zero_us = self->least_us[0] = self->least_us[1] = zero;
  } else if (window > self->window) {
    /* after a hole in the timeline what was observed before it says nothing any more */
    self->least_us[1] = window == self->window + 1 ? self->least_us[0] : zero;
    self->least_us[0] = zero;
    self->window = window;
  }
  self->least_us[0] = MIN (self->least_us[0], zero);
  if (!self->fixed)
    self->zero_us = MIN (self->least_us[0], self->least_us[1]);
}

gint64
weir_wall_date_begin_segment (
    WeirWallDate *self, gint64 start_ns, gboolean discontinuity, gint64 wall_us)
{
  gint64 newest = wall_us - start_ns / 1000;
  gint64 error, least;

  if (!self->known)
    weir_wall_date_observe (self, start_ns, wall_us);
  error = MIN (self->least_us[0], self->least_us[1]) - self->zero_us;
  if (self->fixed && discontinuity) {
    /* the timeline may just have made up for the delay of what came before */
    error = MIN (error, newest - self->zero_us);
    self->least_us[0] = self->least_us[1] = newest;
  }
  if (self->fixed && discontinuity && ABS (error) > STEP_US)
    self->zero_us += error;
  else if (self->fixed)
    self->zero_us += CLAMP (error, -SLEW_US, SLEW_US);
  least = self->last_date_us + SLEW_US;
  if (discontinuity)
    least = MAX (least, self->end_us);
  /* the mapping moves, not this date alone: those after it are as far from it as their media */
  if (self->fixed && self->last_date_us != 0)
    self->zero_us = MAX (self->zero_us, least - start_ns / 1000);
  self->last_date_us = weir_wall_date_get (self, start_ns);
  return self->last_date_us;
}

gint64
weir_wall_date_get (const WeirWallDate *self, gint64 start_ns)
{
  return self->zero_us + start_ns / 1000;
}

void
weir_wall_date_fix (WeirWallDate *self)
{
  self->fixed = TRUE;
}

void
weir_wall_date_resume (WeirWallDate *self, gint64 zero_us, gint64 end_us)
{
  *self = (WeirWallDate){
      .known = TRUE,
      .fixed = TRUE,
      .zero_us = zero_us,
      .window = G_MININT64, /* nothing has been observed in any */
      .least_us = {zero_us, zero_us},
      .last_date_us = end_us,
      .end_us = end_us,
  };
}

void
weir_wall_date_tell (WeirWallDate *self, gint64 date_us, gint64 end_us)
{
  self->last_date_us = MAX (self->last_date_us, date_us);
  self->end_us = MAX (self->end_us, end_us);
}
