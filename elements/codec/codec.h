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
  WEIR_CODEC_AAC,
} WeirCodec;

#define WEIR_CODEC_ERROR (weir_codec_error_quark ())
GQuark weir_codec_error_quark (void);

typedef enum {
  WEIR_CODEC_ERROR_MALFORMED,   /* the bytes do not follow the codec's specification */
  WEIR_CODEC_ERROR_UNSUPPORTED, /* they do, but this is not handled */
  WEIR_CODEC_ERROR_MEMORY,      /* nobody's fault */
} WeirCodecError;

/**
 * WeirCodecConfig:
 * @kind: video or audio
 * @codec: which codec
 * @record: the configuration record as it stands in the sample entry: the
 *   AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), the AudioSpecificConfig
 *   (ISO/IEC 14496-3, 1.6.2.1)
 * @codecs: the CODECS string (RFC 6381), such as `avc1.64001f`, `mp4a.40.2`
 * @timescale: ticks per second of the track's media timeline: 90000 for video, the output sample
 *   rate for audio
 * @width: (video) pixels after cropping
 * @height: (video) pixels after cropping
 * @par_n: (video) pixel aspect ratio, 1:1 when unknown
 * @frame_rate_n: (video) frames per second as the headers say; 0:1 when they do not
 * @rate: (audio) output samples per second (doubled by explicit or implicit SBR)
 * @channels: (audio) output channels
 * @samples_per_frame: (audio) output samples in one coded frame
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
  guint nal_length_size; /* (AVC) 1, 2 or 4 */
  guint rate, channels, samples_per_frame;
} WeirCodecConfig;

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
/* same codec and byte-identical record */
gboolean weir_codec_config_equal (const WeirCodecConfig *a, const WeirCodecConfig *b);

/* short name for logs and the API: "H.264", "AAC" */
const gchar *weir_codec_get_name (WeirCodec codec);

/**
 * weir_codec_config_get_caps_string:
 *
 * Returns: (transfer full): the GStreamer caps of the track without `codec_data`, as text, such as
 *   `video/x-h264, stream-format=(string)avc, alignment=(string)au, width=(int)1280, …`
 */
gchar *weir_codec_config_get_caps_string (const WeirCodecConfig *self);

/* appends the sample entry box (`avc1`, `mp4a`) with its configuration box */
void weir_codec_config_write_sample_entry (const WeirCodecConfig *self, WeirWriter *writer);

/**
 * WeirSampleInfo: what one access unit says of itself
 */
typedef struct {
  gboolean valid;    /* its framing (NAL lengths) adds up; an invalid one must not be stored */
  gboolean empty;    /* nothing in it that decodes (no slice) */
  gboolean keyframe; /* decoding can start here (AVC: IDR; any audio frame) */
} WeirSampleInfo;

/* looks at one access unit in the framing of @self (AVC: length-prefixed NAL units) */
WeirSampleInfo weir_codec_config_inspect_sample (
    const WeirCodecConfig *self, const guint8 *data, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCodecConfig, weir_codec_config_unref)

G_END_DECLS
