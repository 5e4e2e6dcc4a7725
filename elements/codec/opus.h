/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * Opus: the ID header of RFC 7845, 5.1, packets of RFC 6716, 3, and `dOps` of "Encapsulation of
 * Opus in ISO Base Media File Format". Mapping families 0 and 1; others say nothing of where the
 * channels belong.
 */

/* Returns: (transfer full): the ID header that is assumed where none was sent (RFC 7845, 5.1.1.1);
 * nothing is skipped. @channels: 1 or 2 */
GBytes *weir_opus_make_record (guint channels);

/* fills @config, whose record is set */
gboolean weir_opus_config_parse (WeirCodecConfig *config, GError **error);
void weir_opus_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_opus_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_opus_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);
/* 20 ms (960 samples) */
GBytes *weir_opus_make_silence (const WeirCodecConfig *config);

G_END_DECLS
