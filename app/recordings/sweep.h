/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "blobs/blobs.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirSweep: looks for objects of broadcasts that the store does not know, and removes them, or
 * only says how much there is. Main thread.
 *
 * Such objects are left by a crash in an unlucky moment; but also by a store that was restored from
 * an older copy, whose newer recordings are there and may be wanted. So:
 *
 *   - it only removes when it was told to, and not in the first look after a start, which says what
 *     the next one will remove;
 *   - a broadcast counts as unknown only when the store has answered so; one error ends the look;
 *   - a store that knows no broadcast at all is taken for a new one in the place of one that was
 *     lost: nothing is removed;
 *   - nothing is touched that was written to in the last while, that is being deleted anyhow (it
 *     has a mark), or whose folder has no broadcast's name.
 *
 * One folder at a time, with pauses, so that nobody who writes or plays has to wait.
 */
typedef struct _WeirSweep WeirSweep;

/* folder of the marks in the segment store */
#define WEIR_SWEEP_MARKS "deleted"

typedef struct {
  gboolean removes;   /* else it only says what there is */
  gint64 age_us;      /* what is younger stays */
  gint64 wait_us;     /* from the first look to the one that removes */
  gint64 interval_us; /* from one to the next afterwards */
  gint64 pause_us;    /* between two steps */
  guint page;         /* folders, or objects of one, that are listed at a time */
  /* (nullable): after each look: what was found, and how much of it was removed */
  void (*done) (const WeirBlobsUsage *found, const WeirBlobsUsage *removed, gpointer data);
  gpointer data;
} WeirSweepSettings;

/* a day of age; an hour after the first look, then daily */
void weir_sweep_settings_init (WeirSweepSettings *settings);
/* begins the first look. @store, @blobs: referenced */
WeirSweep *weir_sweep_new (const WeirSweepSettings *settings, WeirStore *store, WeirBlobs *blobs);
void weir_sweep_free (WeirSweep *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSweep, weir_sweep_free)

G_END_DECLS
