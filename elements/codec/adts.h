/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * ADTS, the framing of AAC in transport streams (ISO/IEC 14496-3, 1.A.3).
 */
#define WEIR_ADTS_HEADER_SIZE 7

/**
 * WeirAdtsHeader:
 * @object_type: audio object type, 1 to 4
 * @rate_index: samplingFrequencyIndex (ISO/IEC 14496-3, 1.6.3.3), 0 to 12
 * @layout: channelConfiguration, 1 to 7; 0: a program configuration in the frames tells the
 * channels
 * @rate: samples per second, before SBR that is not signalled
 * @header_size: bytes, with the CRC where there is one
 * @frame_size: bytes, the header included; more than @header_size
 */
typedef struct {
  guint object_type;
  guint rate_index;
  guint layout;
  guint rate;
  gsize header_size;
  gsize frame_size;
} WeirAdtsHeader;

/* whether a frame begins with the sync word of ADTS; a raw frame never does: it would end before
 * its first element */
gboolean weir_adts_is_header (const guint8 *data, gsize size);
/**
 * weir_adts_parse:
 * @data: (array length=size): begins with a header; may go on behind the frame, or end in it
 * @header: (out): untouched on failure
 *
 * Several raw data blocks in a frame are not supported. The CRC is not looked at: it is of a few
 * bits of the frame only.
 */
gboolean weir_adts_parse (const guint8 *data, gsize size, WeirAdtsHeader *header, GError **error);
/* Returns: (transfer full) (nullable): the AudioSpecificConfig of such frames; NULL when only the
 * frames tell their channels, which is not supported */
GBytes *weir_adts_make_record (const WeirAdtsHeader *header);
/* whether that is @record. Costs no allocation. */
gboolean weir_adts_continues (GBytes *record, const WeirAdtsHeader *header);

G_END_DECLS
