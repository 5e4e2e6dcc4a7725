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

/**
 * weir_nal_get_payload:
 * @header_size: of the NAL unit, which is longer
 *
 * Returns: (transfer full): the @size bytes behind the header without emulation prevention; NULL
 * with %WEIR_CODEC_ERROR_MEMORY
 */
guint8 *weir_nal_get_payload (const WeirNal *nal, gsize header_size, gsize *size, GError **error);

/**
 * WeirNalPicture: what sequence parameter sets of both codecs say of the pictures
 * @frame_rate_n: 0:1 when absent or beyond 1 to 300 per second
 * @colour: valid with @has_colour
 * @reorder: -1: not known
 */
typedef struct {
  guint chroma_format;
  guint bit_depth_luma, bit_depth_chroma;
  guint width, height; /* after cropping */
  guint par_n, par_d;
  guint frame_rate_n, frame_rate_d;
  gboolean has_colour;
  WeirColour colour;
  gint reorder;
} WeirNalPicture;

/**
 * WeirNalFrame: what both crop in their ways
 * @name: of the codec, for messages
 * @dimension_max: what is larger after cropping is not supported
 * @separate_planes: chroma is coded as luma is
 * @fields: that a frame is made of, 1 or 2
 * @width: as coded, in luma samples
 * @height: as @width
 */
typedef struct {
  const gchar *name;
  guint dimension_max;
  gboolean separate_planes;
  guint fields;
  guint64 width, height;
} WeirNalFrame;

/* as it is when nothing is said, of 4:2:0 with 8 bits */
void weir_nal_picture_init (WeirNalPicture *picture);
/**
 * weir_nal_parse_cropping: frame_cropping_flag (ITU-T H.264, 7.3.2.1.1), conformance_window_flag
 * (ITU-T H.265, 7.3.2.2.1) and what follows of it
 * @picture: whose chroma format is known, and whose size is set
 *
 * Returns: FALSE with %WEIR_CODEC_ERROR, also when @bits failed before
 */
gboolean weir_nal_parse_cropping (
    WeirBitReader *bits, const WeirNalFrame *frame, WeirNalPicture *picture, GError **error);
/* vui_parameters(), from the aspect ratio to the location of chroma samples; fills what is said */
void weir_nal_parse_vui_start (WeirBitReader *bits, WeirNalPicture *picture);
/* all but the colour */
void weir_nal_picture_apply (const WeirNalPicture *picture, WeirCodecConfig *config);
/* `, level=(string)4.1`; whole levels have no point */
void weir_nal_append_level (guint tenths, GString *caps);

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
  gboolean recovery_point; /* (AVC) of 0 frames */
} WeirNalSummary;

/* @nal: of the header's size at least */
typedef void (*WeirNalSummarise) (WeirNalSummary *summary, const WeirNal *nal);

/* Runs for every access unit: hops from length to length and has the first bytes of each NAL unit
 * looked at. */
WeirSampleInfo weir_nal_inspect_sample (const WeirCodecConfig *config, gsize header_size,
    WeirNalSummarise summarise, const guint8 *data, gsize size);

G_END_DECLS
