/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/**
 * WeirElementaryStream:
 *
 * One track's access units as a protocol delivers them, brought into the one form in which Weir
 * keeps them (see weir_codec_config_inspect_sample()), and its configuration from wherever it
 * stands: a record beside the stream (FLV), parameter sets in the stream (Annex B, ADTS, OBUs,
 * frame headers). Pure; bytes from outside; one thread at a time.
 *
 * - AVC, HEVC: length-prefixed NAL units, or Annex B where the lengths do not add up and a start
 *   code stands first, or always where no record was given: converted to 4-byte lengths. Empty NAL
 *   units and access unit delimiters of Annex B are left out. Parameter sets that differ from the
 *   record's win: a new record is made of them (the old one's where they say nothing) and begins
 *   with the keyframe that they stand in or before. They stay in the stream where they stood.
 *   Mastering display and content light level in the SEI of keyframes become part of the colour.
 *   Records with lengths of 1 or 2 bytes are taken; the lengths become 4 bytes in both.
 * - AV1: temporal delimiters are removed, and the last OBU gets a size where it has none; a
 *   keyframe's sequence header that differs from the record's makes a new one. The Annex B of AV1
 *   is not recognised.
 * - AAC: an ADTS header is removed; it gives the configuration where there is none. (LATM is the
 *   transport's matter.)
 * - AC-3, E-AC-3, MP3, VP8, VP9: the first frame gives the configuration where there is none, and a
 *   frame that contradicts it a new one.
 * - Opus, FLAC: without a record nothing is known, but Opus has a default (mono or stereo, family
 *   0) that is assumed on request.
 */
typedef struct _WeirElementaryStream WeirElementaryStream;

typedef enum {
  WEIR_UNIT_OK,
  WEIR_UNIT_EMPTY,       /* nothing in it that decodes: skip it */
  WEIR_UNIT_NO_CONFIG,   /* nobody knows the configuration yet: skip it */
  WEIR_UNIT_INVALID,     /* its framing does not add up, or its configuration is broken: skip it */
  WEIR_UNIT_UNSUPPORTED, /* AAC in ADTS of a kind that is not handled: skip it */
  WEIR_UNIT_NO_MEMORY,
} WeirUnitStatus;

/* what an encoder does wrong and is put right here; counted by whoever shows it to the sender */
typedef enum {
  WEIR_QUIRK_ANNEX_B = 1 << 0,        /* start codes where lengths belong */
  WEIR_QUIRK_ADTS = 1 << 1,           /* ADTS headers where raw frames belong */
  WEIR_QUIRK_EMPTY_NAL = 1 << 2,      /* NAL units of no bytes */
  WEIR_QUIRK_IN_BAND_CONFIG = 1 << 3, /* parameter sets in the stream differ from the record */
  WEIR_QUIRK_NO_RECORD = 1 << 4,      /* no record was sent; it was made of the stream */
} WeirQuirks;

typedef struct {
  WeirUnitStatus status;
  gboolean keyframe;
  WeirQuirks quirks;
  /* OK: the access unit is @size bytes at @offset of the input, or of @converted */
  guint8 *converted; /* (nullable) (transfer full): g_free() */
  gsize offset, size;
} WeirAccessUnit;

WeirElementaryStream *weir_elementary_stream_new (WeirCodec codec);
/* @self: (nullable) */
void weir_elementary_stream_free (WeirElementaryStream *self);

/**
 * weir_elementary_stream_set_record:
 * @data: (array length=size): a configuration record from beside the stream; the same one again
 *   changes nothing. Copied; the copy may fail.
 *
 * An AVC or HEVC record in Annex B (start codes and parameter sets) is taken too, and one of VP8 or
 * VP9 without the version and flags of its box. A record that does not say the size (VP8, VP9)
 * becomes a configuration with the next keyframe only.
 *
 * Returns: FALSE with %WEIR_CODEC_ERROR; then everything is as before
 */
gboolean weir_elementary_stream_set_record (
    WeirElementaryStream *self, const guint8 *data, gsize size, GError **error);
/* for Opus: what to assume when no record comes (RFC 7845, 5.1.1.1): 1 or 2 channels, 0: nothing;
 * of no effect for other codecs */
void weir_elementary_stream_assume_channels (WeirElementaryStream *self, guint channels);
/* @colour: (nullable): what the sender says of it beside the stream, for the configuration from the
 * next keyframe on; NULL: as the headers say. Copied; of no effect for audio */
void weir_elementary_stream_set_colour (WeirElementaryStream *self, const WeirColour *colour);
/* Returns: (transfer none) (nullable): NULL as long as it is not known. Records and access units
 * may bring another one; as long as they do not, it is the same object. */
WeirCodecConfig *weir_elementary_stream_get_config (WeirElementaryStream *self);
/* one access unit; all of @unit is set, @unit->converted is then the caller's */
void weir_elementary_stream_take (
    WeirElementaryStream *self, const guint8 *data, gsize size, WeirAccessUnit *unit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirElementaryStream, weir_elementary_stream_free)

G_END_DECLS
