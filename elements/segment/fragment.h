/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The header of one CMAF chunk (pure): `styp` (optional), `moof` and the header of `mdat`.
 */

typedef struct {
  guint32 size;
  guint32 duration;          /* ticks */
  gint32 composition_offset; /* ticks: presentation time less decode time */
  gboolean keyframe;
} WeirFragmentSample;

typedef enum {
  WEIR_FRAGMENT_CHUNK,                   /* no styp: a later chunk of its segment */
  WEIR_FRAGMENT_SEGMENT,                 /* styp of a segment that starts with a keyframe */
  WEIR_FRAGMENT_SEGMENT_NOT_INDEPENDENT, /* styp of one that does not */
} WeirFragmentStart;

/**
 * weir_fragment_write_header:
 * @sequence: mfhd sequence_number
 * @decode_time: tfdt, ticks
 * @samples: (array length=n_samples): at least one; their sizes sum to less than 4 GiB - 8
 * @styp_size: (out): bytes of `styp` at the front, 0 without one
 *
 * ISO/IEC 23000-19, 7.3.2 and 7.5; ISO/IEC 14496-12, 8.8. The samples' data follows it, in order.
 *
 * Returns: (transfer full): the header
 */
GBytes *weir_fragment_write_header (WeirFragmentStart start, guint32 sequence, guint32 track_id,
    guint64 decode_time, const WeirFragmentSample *samples, guint n_samples, gsize *styp_size);

G_END_DECLS
