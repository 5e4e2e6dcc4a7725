/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirTakeover:
 *
 * Who publishes when a second encoder comes with the key of one that is connected. Pure: times are
 * microseconds of any one clock, nothing is waited for.
 *
 * Only silence counts: an incumbent that has sent no media for `silence_us` loses its place. Until
 * that shows the newcomer's answer is held, as many encoders stop for good when they are refused;
 * media of the incumbent after the newcomer's arrival settles it. With `always` a healthy incumbent
 * goes too, but two that fight are damped: after a swap the next one that silence does not justify
 * waits for 10 s, then twice as long each time up to 5 min; 10 min without a swap are forgiven.
 *
 * An accepted newcomer is on trial until its first keyframe, which is when it replaces the
 * incumbent. If none comes in `trial_us` and the incumbent sends, the newcomer goes.
 *
 * One newcomer at a time; whoever comes while there is one is refused.
 */

#define WEIR_TAKEOVER_DAMPING_US (10 * G_USEC_PER_SEC)
#define WEIR_TAKEOVER_DAMPING_MAX_US (300 * G_USEC_PER_SEC)
#define WEIR_TAKEOVER_CALM_US (600 * G_USEC_PER_SEC)

typedef struct {
  gboolean always;   /* a healthy incumbent is taken over too */
  gint64 silence_us; /* without media, then it is not healthy */
  gint64 hold_us;    /* the longest time that a newcomer has no answer */
  gint64 trial_us;   /* for an accepted newcomer's first keyframe */
} WeirTakeoverPolicy;

typedef struct {
  gboolean present;     /* it is connected; otherwise the rest means nothing */
  gint64 connected_us;  /* a connection's first media may take as long as silence may */
  gint64 last_media_us; /* 0: none has come */
} WeirTakeoverIncumbent;

typedef enum {
  WEIR_TAKEOVER_NONE,    /* nobody has come */
  WEIR_TAKEOVER_HELD,    /* waits for its answer */
  WEIR_TAKEOVER_ON_TRIAL /* is accepted, sends no keyframe yet */
} WeirTakeoverNewcomer;

typedef struct {
  WeirTakeoverPolicy policy;
  WeirTakeoverNewcomer newcomer;
  gint64 since_us; /* of the newcomer's: it came, it was accepted */
  guint swaps;     /* that are not forgotten */
  gint64 swapped_us;
} WeirTakeover;

typedef enum {
  WEIR_TAKEOVER_WAIT,    /* judge again at the time that is told, and whenever something happens */
  WEIR_TAKEOVER_ACCEPT,  /* a newcomer that is held: on trial from now on */
  WEIR_TAKEOVER_IN_USE,  /* likewise: it is refused, the incumbent sends */
  WEIR_TAKEOVER_DAMPED,  /* likewise: it would have been accepted but for the damping */
  WEIR_TAKEOVER_GIVE_UP, /* a newcomer on trial: it has failed */
} WeirTakeoverVerdict;

void weir_takeover_init (WeirTakeover *self, const WeirTakeoverPolicy *policy);

/* someone else wants to publish. Returns: FALSE: there is a newcomer already, refuse this one */
gboolean weir_takeover_arrive (WeirTakeover *self, gint64 now_us);

/**
 * weir_takeover_judge:
 * @next_us: (out): with %WEIR_TAKEOVER_WAIT: when time alone changes the verdict; G_MAXINT64: never
 *
 * Any verdict but waiting changes the state as it says. Without a newcomer it is waiting.
 */
WeirTakeoverVerdict weir_takeover_judge (
    WeirTakeover *self, const WeirTakeoverIncumbent *incumbent, gint64 now_us, gint64 *next_us);

/* the newcomer has left */
void weir_takeover_leave (WeirTakeover *self);

/* the newcomer has replaced an incumbent that was @present, or has just come into a free place */
void weir_takeover_complete (WeirTakeover *self, gboolean present, gint64 now_us);

G_END_DECLS
