/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "playback/index.h"

G_BEGIN_DECLS

/**
 * weir_salvage_segment:
 * @path: a spool file that its writer left behind, whole or torn
 * @configs: (element-type WeirCodecConfig): its tracks' configurations, index = track, NULL for a
 *   track without one; track_ID in the file is index + 1
 * @segment: what was known when it opened (number, epoch, generation, start, date); gets its
 *   parts, `styp_size`, `size`, `independent`, `duration_ns` (of the first video track that has
 *   samples, else the first track), `salvaged` and `closed`. Untouched on failure.
 * @salvaged_path: (out) (transfer full): the new file that holds the whole chunks of @path and
 *   nothing else, made beside it, synced; @path itself is not touched
 *
 * Blocks on the disk: for start-up, or a thread of its own.
 *
 * Returns: FALSE with a #GIOError; %G_IO_ERROR_INVALID_DATA when there is not one whole chunk
 */
gboolean weir_salvage_segment (const gchar *path, GPtrArray *configs, WeirIndexSegment *segment,
    gchar **salvaged_path, GError **error);

G_END_DECLS
