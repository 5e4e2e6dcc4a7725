/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What our elements share and what needs GStreamer; the codecs themselves are in codec/.
 */

/* caps of every track that the elements pass on, for pad templates */
#define WEIR_VIDEO_CAPS                                                   \
  "video/x-h264, stream-format=(string)avc, alignment=(string)au; "       \
  "video/x-h265, stream-format=(string)hvc1, alignment=(string)au; "      \
  "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu; " \
  "video/x-vp8, width=(int)[ 1, 65535 ], height=(int)[ 1, 65535 ]; "      \
  "video/x-vp9, width=(int)[ 1, 65535 ], height=(int)[ 1, 65535 ]"
#define WEIR_AUDIO_CAPS                                         \
  "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw; " \
  "audio/x-opus, channel-mapping-family=(int)[ 0, 1 ]; "        \
  "audio/x-flac, framed=(boolean)true; "                        \
  "audio/x-ac3, framed=(boolean)true; "                         \
  "audio/x-eac3, framed=(boolean)true; "                        \
  "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true"

/* Returns: (transfer full): full caps of a track, with the record as `codec_data`, and what
 * decoders and muxers of GStreamer want beside it */
GstCaps *weir_codec_config_to_caps (const WeirCodecConfig *config);
/* Returns: (transfer full): NULL with WEIR_CODEC_ERROR when there is no `codec_data`, it is not
 * understood, or nobody says the size of a video */
WeirCodecConfig *weir_codec_config_from_caps (const GstCaps *caps, GError **error);

G_END_DECLS
