/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * What the sample entries of audio codecs share (internal to codec/).
 */

/**
 * weir_audio_entry_begin:
 * @type: four characters
 * @sample_size: bits
 * @rate: samples per second; one that does not fit into 16 bits is left to the configuration
 *
 * Appends an AudioSampleEntry (ISO/IEC 14496-12, 12.2.3) without the boxes in it.
 *
 * Returns: what weir_entry_end() takes
 */
gsize weir_audio_entry_begin (const WeirCodecConfig *config, const gchar *type, guint sample_size,
    guint rate, WeirWriter *writer);
/* appends `esds` (ISO/IEC 14496-14, 5.6). @object_type: ISO/IEC 14496-1, table 5; @record:
 * (nullable) (array length=record_size): the DecoderSpecificInfo */
void weir_audio_entry_write_esds (
    guint8 object_type, const guint8 *record, gsize record_size, WeirWriter *writer);

G_END_DECLS
