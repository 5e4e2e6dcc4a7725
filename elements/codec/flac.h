/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * FLAC (internal to codec/): the STREAMINFO block of RFC 9639, 8.2, frames of 9.1, and `dfLa` of
 * "Encapsulation of FLAC in ISO Base Media File Format". Blocks behind STREAMINFO (comments,
 * pictures) are not passed on.
 */

#define WEIR_FLAC_STREAMINFO_SIZE 34

/* Returns: (transfer full): the record of a bare STREAMINFO block, without marker and header, as
 * FFmpeg sends it over RTMP. @block: (array fixed-size=34) */
GBytes *weir_flac_make_record (const guint8 *block);

/* fills @config, whose record is set; samples_per_frame is known when all blocks are equally long
 */
gboolean weir_flac_config_parse (WeirCodecConfig *config, GError **error);
void weir_flac_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_flac_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
