/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/counters.h"
#include "broadcast/manager.h"
#include "http/server.h"
#include "net/worker.h"
#include "rtmps.h"

G_BEGIN_DECLS

typedef struct {
  gint64 started_us; /* wall */
  WeirBroadcastTotals broadcasts;
  const WeirHttpServerStatistics *http; /* (nullable) */
  WeirCounters *refusals;               /* (nullable) */
  guint talking;                        /* encoders' connections that are not let in yet */
  guint waiting;                        /* likewise, held back */
  guint open_files;
  guint open_files_max;
  const WeirRtmpsStatistics *rtmps; /* (nullable) */
  const gint64 *longest_pushes_us;  /* of each worker */
  guint workers;
} WeirMetrics;

/**
 * weir_metrics_format:
 *
 * Pure: numbers in, the text exposition format 0.0.4 of Prometheus out. Names are
 * `weir_<noun>_<unit>[_total]`.
 */
gchar *weir_metrics_format (const WeirMetrics *metrics);

G_END_DECLS
