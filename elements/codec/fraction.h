/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Fractions from headers (internal to codec/).
 */

/* lowest terms of @n : @d, which must fit; @d > 0 */
static inline void
weir_fraction_reduce (guint64 n, guint64 d, guint *out_n, guint *out_d)
{
  guint64 a = n, b = d;

  while (b != 0) {
    guint64 rest = a % b;
    a = b;
    b = rest;
  }
  *out_n = (guint) (n / a);
  *out_d = (guint) (d / a);
}

/* @scale : @units where that makes sense as frames per second, from 1 to 300, and fits in the
 * integers of caps; else FALSE, and both are left as they are. @units: less than 2^48 */
static inline gboolean
weir_fraction_set_frame_rate (guint64 scale, guint64 units, guint *rate_n, guint *rate_d)
{
  guint n, d;

  if (units == 0 || scale > G_MAXUINT || scale < units || scale > units * 300)
    return FALSE;
  weir_fraction_reduce (scale, units, &n, &d);
  if (n > G_MAXINT)
    return FALSE;
  *rate_n = n;
  *rate_d = d;
  return TRUE;
}

G_END_DECLS
