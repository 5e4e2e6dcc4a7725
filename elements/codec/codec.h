/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/writer.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WEIR_MEDIA_VIDEO,
  WEIR_MEDIA_AUDIO,
} WeirMediaKind;

typedef enum {
  WEIR_CODEC_AVC,
  WEIR_CODEC_HEVC,
  WEIR_CODEC_AV1,
  WEIR_CODEC_VP8,
  WEIR_CODEC_VP9,
  WEIR_CODEC_AAC,
  WEIR_CODEC_OPUS,
  WEIR_CODEC_FLAC,
  WEIR_CODEC_AC3,
  WEIR_CODEC_EAC3,
  WEIR_CODEC_MP3,
  WEIR_CODEC_LAST
} WeirCodec;

#define WEIR_CODEC_ERROR (weir_codec_error_quark ())
GQuark weir_codec_error_quark (void);

typedef enum {
  WEIR_CODEC_ERROR_MALFORMED,   /* the bytes do not follow the codec's specification */
  WEIR_CODEC_ERROR_UNSUPPORTED, /* they do, but this is not handled */
  WEIR_CODEC_ERROR_MEMORY,      /* nobody's fault */
} WeirCodecError;

/**
 * WeirColour: how the values of a video's samples are meant
 * @primaries: with the next two, code points of ITU-T H.273; 2: unspecified
 * @has_mastering: the next are valid (SMPTE ST 2086), in the units of the `mdcv` box (ISO/IEC
 *   14496-12, 12.1.7): 0.00002 and 0.0001 cd/m²; red, green, blue
 * @has_light_level: the last two are valid (CTA-861.3), cd/m²
 */
typedef struct {
  guint8 primaries, transfer, matrix;
  gboolean full_range;
  gboolean has_mastering;
  guint16 display_primaries[3][2];
  guint16 white_point[2];
  guint32 luminance_max, luminance_min;
  gboolean has_light_level;
  guint16 content_light_max, picture_average_light_max;
} WeirColour;

/**
 * WeirCodecConfig:
 * @kind: video or audio
 * @codec: which codec
 * @record: what decoders need before the first sample, as it stands in the sample entry unless said
 *   otherwise:
 *   - AVC, HEVC: AVCDecoderConfigurationRecord, HEVCDecoderConfigurationRecord (ISO/IEC 14496-15,
 *     5.3.3.1, 8.3.3.1)
 *   - AV1: AV1CodecConfigurationRecord (AV1 in ISOBMFF 1.2, 2.3)
 *   - VP8, VP9: VPCodecConfigurationRecord with version and flags (VP Codec ISO Media, 1.0)
 *   - AAC: AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
 *   - Opus: the ID header with its magic (RFC 7845, 5.1); `dOps` is made of it
 *   - FLAC: `fLaC` and the STREAMINFO block with its header (RFC 9639, 8); `dfLa` is made of it
 *   - AC-3, E-AC-3: the payload of `dac3`, `dec3` (ETSI TS 102 366, F.4, F.6)
 *   - MP3: the four bytes of a frame header (ISO/IEC 11172-3, 2.4.1.3), of which only version,
 *     layer, sample rate and whether it is mono say something
 * @colour: (video) (nullable): from the record's headers, or what the sender said beside them
 * @codecs: the CODECS string (RFC 6381), such as `avc1.64001f`, `mp4a.40.2`
 * @timescale: ticks per second of the track's media timeline: 90000 for video, the output sample
 *   rate for audio (48000 for Opus)
 * @width: (video) pixels after cropping; 0 when @record does not say (VP8, VP9, and AV1 without a
 *   sequence header) and nobody said it beside, see weir_codec_config_with_size()
 * @height: (video) as @width
 * @par_n: (video) pixel aspect ratio, 1:1 when unknown
 * @frame_rate_n: (video) frames per second as the headers say; 0:1 when they do not
 * @rate: (audio) output samples per second (doubled by explicit or implicit SBR)
 * @channels: (audio) output channels
 * @samples_per_frame: (audio) output samples in one coded frame; 0 when it varies
 * @nal_length_size: (AVC, HEVC) 1, 2 or 4
 * @reorder: (AVC, HEVC) how many pictures may precede one in decoding and follow it in output, as
 *   the headers say; -1 when they do not
 *
 * What is known about a track from its configuration record. Immutable after parsing, reference
 * counted, may be shared by threads.
 */
typedef struct {
  gatomicrefcount ref_count;
  WeirMediaKind kind;
  WeirCodec codec;
  GBytes *record;
  gchar *codecs;
  guint32 timescale;
  guint width, height;
  guint par_n, par_d;
  guint frame_rate_n, frame_rate_d;
  WeirColour *colour;
  guint nal_length_size;
  gint reorder;
  guint rate, channels, samples_per_frame;
} WeirCodecConfig;

/**
 * weir_colour_to_text:
 *
 * Returns: (transfer full): all of it on one line, for caps and stores: the code points and the
 *   range, `9:16:9:0`; then where they are known, after a slash each, what has @has_mastering in
 *   the order of the structure, and what has @has_light_level: `9:16:9:0//1000:400`
 */
gchar *weir_colour_to_text (const WeirColour *colour);
/* Returns: FALSE when @text is none of weir_colour_to_text() */
gboolean weir_colour_from_text (const gchar *text, WeirColour *colour);

/* a record beyond this is no configuration but an attack on the memory of every init */
#define WEIR_CODEC_RECORD_SIZE_MAX (64 * 1024)

/**
 * weir_codec_config_parse:
 * @codec: what @record is of
 * @record: the configuration record, bytes from outside
 *
 * Returns: (transfer full): the parsed configuration, or NULL with %WEIR_CODEC_ERROR
 */
WeirCodecConfig *weir_codec_config_parse (WeirCodec codec, GBytes *record, GError **error);
WeirCodecConfig *weir_codec_config_ref (WeirCodecConfig *self);
void weir_codec_config_unref (WeirCodecConfig *self);
/* Returns: (transfer full): the same but for its colour. @colour: (nullable): NULL: as the record
 * says */
WeirCodecConfig *weir_codec_config_with_colour (
    const WeirCodecConfig *self, const WeirColour *colour);
/* Returns: (transfer full): the same but for its size in pixels, for records that do not say it.
 * Both are 1 to 65535. */
WeirCodecConfig *weir_codec_config_with_size (
    const WeirCodecConfig *self, guint width, guint height);
/* same codec, byte-identical record, same size and colour */
gboolean weir_codec_config_equal (const WeirCodecConfig *a, const WeirCodecConfig *b);

/* short name for logs, the API and the store: "H.264", "HEVC", "AV1", "VP8", "VP9", "AAC", "Opus",
 * "FLAC", "AC-3", "E-AC-3", "MP3" */
const gchar *weir_codec_get_name (WeirCodec codec);
/* Returns: FALSE when no codec has that name */
gboolean weir_codec_from_name (const gchar *name, WeirCodec *codec);
/* @codec: not %WEIR_CODEC_LAST */
WeirMediaKind weir_codec_get_kind (WeirCodec codec);

/**
 * weir_codec_config_get_caps_string:
 *
 * Returns: (transfer full): the GStreamer caps of the track without `codec_data`, as text, such as
 *   `video/x-h264, stream-format=(string)avc, alignment=(string)au, width=(int)1280, …`
 */
gchar *weir_codec_config_get_caps_string (const WeirCodecConfig *self);

/* appends the sample entry box (`avc1`, `hvc1`, `av01`, `vp08`, `vp09`, `mp4a`, `Opus`, `fLaC`,
 * `ac-3`, `ec-3`, `mp4a` with object type 0x6b for MP3) with its configuration box, and `colr`,
 * `mdcv`, `clli`, `pasp` where they say something */
void weir_codec_config_write_sample_entry (const WeirCodecConfig *self, WeirWriter *writer);

/**
 * WeirSampleInfo: what one access unit says of itself
 */
typedef struct {
  gboolean valid;    /* its framing (NAL lengths, OBU sizes) adds up; an invalid one must not be
                        stored */
  gboolean empty;    /* nothing in it that decodes (no slice, no frame) */
  gboolean keyframe; /* decoding can start here (AVC: IDR, or an intra picture with a recovery point
                        of 0 frames; HEVC: IRAP; AV1: key frame with its sequence header; VP8, VP9:
                        key frame; any audio frame) */
} WeirSampleInfo;

/* looks at one access unit in the framing of @self as it is stored (AVC, HEVC: length-prefixed NAL
 * units; AV1: OBUs with sizes, no temporal delimiter; AAC, MP3: raw frames) */
WeirSampleInfo weir_codec_config_inspect_sample (
    const WeirCodecConfig *self, const guint8 *data, gsize size);

/**
 * weir_codec_config_make_silence:
 *
 * A frame that decodes to silence, of `samples_per_frame` samples; Opus: of 20 ms.
 *
 * Returns: (transfer full) (nullable): NULL when none is known for that codec and layout
 */
GBytes *weir_codec_config_make_silence (const WeirCodecConfig *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCodecConfig, weir_codec_config_unref)

G_END_DECLS
