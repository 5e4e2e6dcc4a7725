/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirTokenBucket:
 *
 * Limits how often something may happen: @rate tokens a second are added, @burst at most are kept.
 * Time is given as a number; times that go back count as no time passed.
 */
typedef struct {
  gdouble rate;   /* tokens per second, > 0 */
  gdouble burst;  /* the bucket's size, >= 1 */
  gdouble tokens; /* what is in it at @updated_us */
  gint64 updated_us;
} WeirTokenBucket;

/* starts full */
void weir_token_bucket_init (WeirTokenBucket *self, gdouble rate, gdouble burst, gint64 now_us);
/* Returns: TRUE and takes @count tokens if they are there; FALSE and takes nothing if not */
gboolean weir_token_bucket_take (WeirTokenBucket *self, gdouble count, gint64 now_us);

G_END_DECLS
