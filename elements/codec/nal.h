/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bitreader.h"
#include "base/reader.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * What H.264 and H.265 share (internal to codec/): NAL units in both framings, and the parts of
 * parameter sets and SEI messages that are written alike. Bytes from outside.
 */

/* a NAL unit with its header, in somebody else's memory */
typedef struct {
  const guint8 *data;
  gsize size;
} WeirNal;

/**
 * weir_nal_next:
 * @reader: over length-prefixed NAL units (ISO/IEC 14496-15, 5.3.4.2)
 * @length_size: 1, 2 or 4
 *
 * Returns: FALSE at the end, and with @reader failed where a length does not add up. A unit may
 *   be empty.
 */
static inline gboolean
weir_nal_next (WeirReader *reader, guint length_size, WeirNal *nal)
{
  if (weir_reader_remaining (reader) == 0)
    return FALSE;
  nal->size = length_size == 4   ? weir_reader_u32 (reader)
              : length_size == 2 ? weir_reader_u16 (reader)
                                 : weir_reader_u8 (reader);
  nal->data = weir_reader_bytes (reader, nal->size);
  return nal->data != NULL;
}

/* TRUE when a start code stands first (ITU-T H.264, B.1.1: zeros, then one) */
gboolean weir_nal_is_annex_b (const guint8 *data, gsize size);
/**
 * weir_nal_next_annex_b:
 * @reader: over a byte stream (ITU-T H.264, annex B; ITU-T H.265, annex B), at a start code or the
 *   zeros before it
 *
 * Returns: FALSE at the end, and with @reader failed where something else than a start code stands.
 *   A unit may be empty; it does not end with zeros.
 */
gboolean weir_nal_next_annex_b (WeirReader *reader, WeirNal *nal);

/* takes the emulation_prevention_three_byte out (ITU-T H.264, 7.4.1); @out has room for @size
 * bytes. Returns: how many there are */
gsize weir_nal_unescape (const guint8 *data, gsize size, guint8 *out);

/* aspect_ratio_idc and what follows of it; leaves @par_n and @par_d when they are unspecified */
void weir_nal_parse_aspect_ratio (WeirBitReader *bits, guint *par_n, guint *par_d);
/**
 * weir_nal_parse_signal_type: video_format and what follows (ITU-T H.264, E.1.1)
 *
 * Returns: FALSE when it says nothing or breaks off; then @colour is as it was
 */
gboolean weir_nal_parse_signal_type (WeirBitReader *bits, WeirColour *colour);

/* an SEI message (ITU-T H.264, 7.3.2.3.1) without emulation prevention */
enum {
  WEIR_SEI_RECOVERY_POINT = 6,
  WEIR_SEI_MASTERING_DISPLAY = 137,
  WEIR_SEI_CONTENT_LIGHT_LEVEL = 144,
};

/* Returns: FALSE at the end or where the messages break off */
gboolean weir_sei_next (WeirReader *reader, guint *type, WeirReader *payload);
/* what the messages of an SEI NAL unit say of @colour. @header_size: of the NAL unit. Returns:
 * whether they said anything */
gboolean weir_sei_parse_colour (const WeirNal *nal, gsize header_size, WeirColour *colour);

/* what a codec collects of the NAL units of one access unit, in their order */
typedef struct {
  gboolean slice; /* one was seen */
  gboolean keyframe;
  gboolean leading;
  gboolean recovery_point; /* (AVC) of 0 frames */
} WeirNalSummary;

G_END_DECLS
