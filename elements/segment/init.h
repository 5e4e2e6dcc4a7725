/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "segment/label.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * weir_init_segment_write:
 * @configs: (array length=n_configs): one per track; NULL leaves the track out
 * @only_track: index of the one track to describe, or -1 for all
 *
 * Makes a CMAF header (ISO/IEC 23000-19, 7.3.1; ISO/IEC 14496-12): `ftyp` (`iso6`, `cmfc`,
 * `cmf2`), `moov` with `mvex`, no samples, no edit list. A track's track_ID is its index + 1 in
 * every init, so that the same chunks go with the muxed and with the per-track one.
 *
 * Returns: (transfer full): the init segment
 */
GBytes *weir_init_segment_write (WeirCodecConfig *const *configs, guint n_configs, gint only_track);

/**
 * weir_init_segment_write_labelled:
 * @labels: (array length=n_configs) (nullable): NULL for a track without one
 *
 * The same with the tracks' languages: ISO 639-2/T in `mdhd` when there is such a code, and as they
 * are in `elng` (ISO/IEC 14496-12, 8.4.2 and 8.4.6).
 */
GBytes *weir_init_segment_write_labelled (WeirCodecConfig *const *configs,
    WeirTrackLabel *const *labels, guint n_configs, gint only_track);

G_END_DECLS
