/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * VP8 (RFC 6386) and VP9 (VP9 Bitstream & Decoding Process Specification 0.6), internal to codec/;
 * VP Codec ISO Media File Format Binding 1.0 for the record.
 */

/**
 * WeirVpxFrame: what the header of a frame, or of the first one of a superframe, says
 *
 * All but @keyframe only of key frames.
 *
 * @subsampling: as in the record: 1: 4:2:0, 2: 4:2:2, 3: 4:4:4
 */
typedef struct {
  gboolean keyframe;
  guint profile;
  guint bit_depth;
  guint subsampling;
  WeirColour colour;
  guint width, height;
} WeirVpxFrame;

/* Returns: FALSE when it is no frame; @frame is then untouched */
gboolean weir_vpx_parse_frame (
    WeirCodec codec, const guint8 *data, gsize size, WeirVpxFrame *frame);
/* Returns: (transfer full): the record of a stream that begins with this key frame */
GBytes *weir_vpx_make_record (const WeirVpxFrame *frame);
/* whether the record of @config goes on with this key frame, apart from its size */
gboolean weir_vpx_matches_record (const WeirCodecConfig *config, const WeirVpxFrame *frame);

/* fills @config, whose record is set */
gboolean weir_vpx_config_parse (WeirCodecConfig *config, GError **error);
void weir_vpx_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_vpx_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_vpx_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
