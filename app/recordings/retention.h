/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/*
 * When recordings go, and how many: decisions alone. Pure; times are microseconds, sizes bytes.
 */

/* what has been reached once is over only below this part of it */
#define WEIR_RETENTION_LOW_PERCENT 90

/**
 * weir_retention_schedule:
 *
 * What has ended and is to be deleted some time after its end gets the time for it, once: from then
 * on it can be changed, or taken away.
 *
 * Returns: TRUE when @record's delete_at_us and settings have been changed
 */
gboolean weir_retention_schedule (WeirBroadcastRecord *record);

/* Returns: how long the objects of a recording stay after it is gone, for those who were told of
 * them: three target durations. @entry: (nullable): of one of its segments; it is the same in all
 */
gint64 weir_retention_get_grace (const gchar *entry, gint64 segment_duration_us);

/**
 * weir_retention_is_full:
 * @used: size of all recordings, those that are being made included
 * @max: the most there may be; 0: no limit
 * @was_full: what it was before
 */
gboolean weir_retention_is_full (guint64 used, guint64 max, gboolean was_full);

/**
 * weir_retention_choose_oldest:
 * @records: (element-type WeirBroadcastRecord): finished recordings, oldest first
 *
 * Returns: how many from the first on are to go so that @used falls below the low mark
 */
guint weir_retention_choose_oldest (GPtrArray *records, guint64 used, guint64 max);

G_END_DECLS
