/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/reader.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/**
 * Bodies of FLV audio and video tags (the payload of RTMP messages 8 and 9), pure: Adobe FLV 10.1,
 * E.4.2 and E.4.3, and the extended headers of Enhanced RTMP v2, "Enhanced Audio" and "Enhanced
 * Video". Both fill the same structure.
 *
 * - FourCC of every codec of #WeirCodec; legacy CodecID 7, and 12 (HEVC) and 13 (AV1), which are
 *   not Adobe's but sent by cameras, in the layout of 7; legacy SoundFormat 10, 2 and 14 (MP3).
 *   All others are UNSUPPORTED under their names.
 * - ModEx: TimestampOffsetNano; other types are skipped by their size; at most 8 in a chain.
 * - Multitrack: all three forms, a tag for each track. A message whose sizes do not add up to its
 *   end, or that has a track twice, is MALFORMED as a whole.
 * - Reserved values of frame type, packet type, multitrack type and channel order, and multitrack
 *   or ModEx within multitrack, are MALFORMED. Nothing of such a message is handed out, so that
 *   nobody reads on at the wrong place.
 */
typedef enum {
  WEIR_FLV_CONFIG,      /* a configuration record */
  WEIR_FLV_FRAME,       /* one access unit */
  WEIR_FLV_END,         /* end of sequence, or silence: nobody has to wait for that track */
  WEIR_FLV_METADATA,    /* (video) AMF: names and values in turn ("colorInfo", object) */
  WEIR_FLV_CHANNELS,    /* (audio) which speakers the channels are for */
  WEIR_FLV_IGNORE,      /* nothing that concerns media: command frames, an empty body */
  WEIR_FLV_UNSUPPORTED, /* a codec that is not handled; its name is in @name */
  WEIR_FLV_MALFORMED,
} WeirFlvPacket;

/* Enhanced RTMP v2, AudioChannelOrder */
typedef enum {
  WEIR_FLV_CHANNELS_UNSPECIFIED, /* only their number is known */
  WEIR_FLV_CHANNELS_NATIVE,      /* those of @channel_mask, in the order of its bits */
  WEIR_FLV_CHANNELS_CUSTOM,      /* @size bytes at @offset, one AudioChannel for each channel */
} WeirFlvChannelOrder;

/**
 * WeirFlvTag:
 * @codec: %WEIR_CODEC_LAST when it is not known: UNSUPPORTED, IGNORE and MALFORMED, and the END of
 *   an audio message of no bytes, which is the silence of track 0 whatever its codec
 * @track_id: 0 to 255; 0 but for multitrack. FFmpeg 8 sends the METADATA of every track as that of
 *   track 0: it concerns those whose codec is @codec.
 * @keyframe: FRAME: as the header claims; TRUE for audio
 * @composition_time: FRAME: ms, sign-extended: presentation minus decoding; H.264 and HEVC only
 *   (and what stands in its place with legacy AV1)
 * @nanoseconds: FRAME: 0 to 999999, belong to the presentation time of this frame, not to the RTMP
 *   clock. What is not in this range has been left out.
 * @descriptor: CONFIG: the four bytes are not the codec's record but those of an AV1 video
 *   descriptor (MPEG2TSSequenceStart) after its tag and length;
 *   weir_flv_descriptor_to_record() makes a record of them
 * @channel_order: CHANNELS: with the next two
 * @channels: CHANNELS: 1 to 255
 * @channel_mask: CHANNELS, native order: bits of AudioChannelMask; it may have more or fewer than
 *   @channels
 * @offset: CONFIG, FRAME, METADATA, CHANNELS: where in the message the record, the access unit, the
 *   AMF values or the mapping begin
 * @size: their length; never 0 but for the CONFIG of Opus (no ID header: its channels are those of
 *   CHANNELS, else one or two) and for CHANNELS in another order than custom
 * @last: no other tag of the message follows
 * @name: (nullable) static: the codec's, also when unsupported: "Sorenson H.263", "VVC"
 */
typedef struct {
  WeirFlvPacket packet;
  WeirMediaKind kind;
  WeirCodec codec;
  guint track_id;
  gboolean keyframe;
  gint32 composition_time;
  guint32 nanoseconds;
  gboolean descriptor;
  WeirFlvChannelOrder channel_order;
  guint channels;
  guint32 channel_mask;
  gsize offset;
  gsize size;
  gboolean last;
  const gchar *name;
} WeirFlvTag;

/* On the stack of whoever reads; its fields are its own. */
typedef struct {
  WeirReader reader;
  WeirFlvTag common; /* what all tracks of the message share */
  guint frame_type, packet_type, multitrack;
  const guint8 *fourcc; /* (nullable): of all tracks */
  gint state;
} WeirFlvReader;

/**
 * weir_flv_reader_init:
 * @data: (transfer none) (nullable) (array length=size): a message's payload, any bytes; must
 *   outlive the reader
 */
void weir_flv_reader_init (WeirFlvReader *self, WeirMediaKind kind, const guint8 *data, gsize size);
/**
 * weir_flv_reader_next:
 * @tag: (out caller-allocates): all of it is set when TRUE is returned
 *
 * No byte beyond the message is read. There is at least one tag in any message; one of several
 * tracks has a tag for each. A record or access unit of no bytes is IGNORE (but see
 * #WeirFlvTag.size), a header cut short MALFORMED.
 *
 * Returns: FALSE after the last one
 */
gboolean weir_flv_reader_next (WeirFlvReader *self, WeirFlvTag *tag);
/* @data: as of weir_flv_reader_init(). Returns: how many tags the message has, from 1 to 256; next
 * to nothing for one that is not of several tracks */
guint weir_flv_count_tags (WeirMediaKind kind, const guint8 *data, gsize size);

/**
 * weir_flv_descriptor_to_record:
 * @descriptor: (array fixed-size=4): of a tag that has @descriptor set
 * @record: (out) (array fixed-size=4): AV1CodecConfigurationRecord without OBUs; its sequence
 *   header is in the stream
 *
 * They differ in the three bits of hdr_wcg_idc and its neighbour, which are zero in the record (AV1
 * in MPEG-2 TS, 2.2; AV1 in ISOBMFF, 2.3.3).
 */
void weir_flv_descriptor_to_record (const guint8 *descriptor, guint8 *record);

/* Returns: (nullable): static: the FourCC of Enhanced RTMP, as it is written there: "hvc1", ".mp3"
 */
const gchar *weir_flv_codec_get_fourcc (WeirCodec codec);
/* @fourcc: (array fixed-size=4): any bytes. Returns: FALSE when it is none of ours */
gboolean weir_flv_codec_from_fourcc (const guint8 *fourcc, WeirCodec *codec);

G_END_DECLS
