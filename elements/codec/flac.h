/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * FLAC (internal to codec/): the STREAMINFO block of RFC 9639, 8.2, frames of 9.1, and `dfLa` of
 * "Encapsulation of FLAC in ISO Base Media File Format". Blocks behind STREAMINFO (comments,
 * pictures) are not passed on.
 */

/* fills @config, whose record is set; samples_per_frame is known when all blocks are equally long
 */
gboolean weir_flac_config_parse (WeirCodecConfig *config, GError **error);
void weir_flac_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_flac_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
