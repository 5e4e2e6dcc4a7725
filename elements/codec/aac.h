/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * AAC (internal to codec/): ISO/IEC 14496-3 AudioSpecificConfig, ISO/IEC 14496-1 descriptors.
 */

/* fills @config, whose record is set */
gboolean weir_aac_config_parse (WeirCodecConfig *config, GError **error);
void weir_aac_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
/* AAC-LC without SBR, of the channel configurations 1 to 7 */
GBytes *weir_aac_make_silence (const WeirCodecConfig *config);

G_END_DECLS
