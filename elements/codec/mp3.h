/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * MP3: MPEG-1 Layer III (ISO/IEC 11172-3), its lower rates (ISO/IEC 13818-3) and the still lower
 * ones of "MPEG-2.5".
 *
 * There is no configuration beside the stream, so the record is a frame header from which all that
 * may differ from frame to frame is cleared: bit rate, padding, CRC, the kind of stereo, the flags
 * for copies.
 */
#define WEIR_MP3_HEADER_SIZE 4

/**
 * WeirMp3Header:
 * @version: 1, 2; 3 for MPEG-2.5 (as `mpegaudioversion` in caps)
 * @bit_rate: bits per second; 0: the free format
 * @samples: in this frame
 * @size: bytes of the frame, its header included; 0: the free format, which tells no size
 */
typedef struct {
  guint version;
  guint rate, channels;
  guint bit_rate;
  guint samples;
  gsize size;
} WeirMp3Header;

/* @data may go on behind the header; @header is untouched on failure */
gboolean weir_mp3_parse_header (
    const guint8 *data, gsize size, WeirMp3Header *header, GError **error);
/* Returns: (transfer full): the record for frames like the one at @data, or NULL with
 * %WEIR_CODEC_ERROR */
GBytes *weir_mp3_make_record (const guint8 *data, gsize size, GError **error);
/* whether @record can stay as it is with the frame at @data. FALSE, too, for what is no frame.
 * Costs no allocation. */
gboolean weir_mp3_continues (GBytes *record, const guint8 *data, gsize size);

/* fills @config, whose record is set */
gboolean weir_mp3_config_parse (WeirCodecConfig *config, GError **error);
void weir_mp3_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_mp3_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_mp3_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
