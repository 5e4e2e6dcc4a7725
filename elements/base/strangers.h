/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/tokenbucket.h"

G_BEGIN_DECLS

/**
 * WeirStrangerLog:
 *
 * Lines in the log about those who have shown nothing that entitles them to fill a disk. Two a
 * second, after 20 at once; the next line that is written says how many were left out.
 *
 * Not locked: one thread at a time.
 */
typedef struct {
  WeirTokenBucket lines;
  guint64 left_out;
} WeirStrangerLog;

void weir_stranger_log_init (WeirStrangerLog *self, gint64 now_us);
/* @format: of a sentence without its full stop; what came from outside is escaped by the caller */
void weir_stranger_log (WeirStrangerLog *self, gint64 now_us, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

G_END_DECLS
