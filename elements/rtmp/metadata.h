/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "rtmp/settings.h"

G_BEGIN_DECLS

/**
 * What an encoder says beside its media, pure: `onMetaData` (Adobe FLV 10.1, E.5; Enhanced RTMP v2,
 * "Enhancing onMetaData") and `colorInfo` ("Metadata Frame"). It is claims, often wrong, repeated
 * or missing: nothing waits for it, and configuration records count more.
 *
 * Text is UTF-8 without control characters, and bounded; other text is left out, longer text is cut
 * off.
 */

#define WEIR_RTMP_LABEL_MAX 64    /* characters */
#define WEIR_RTMP_LANGUAGE_MAX 35 /* BCP 47 (RFC 5646), 4.4.1 */

/**
 * WeirRtmpTrackInfo: one track
 * @track_id: 0 to 255; 0 is what the message says of a kind without a number
 * @promised: that there will be such a track: it has an entry, or its codec is named; 0 and nothing
 *   mean that there is none
 * @language: (nullable): shaped as BCP 47 has it, as sent
 * @label: (nullable): a name for who chooses between tracks
 */
typedef struct {
  guint track_id;
  gboolean promised;
  gchar *language;
  gchar *label;
} WeirRtmpTrackInfo;

/**
 * WeirRtmpMetadata:
 * @tracks: (array length=counts) for video and for audio (#WeirMediaKind); the first is track 0,
 *   which is there always
 */
typedef struct {
  WeirRtmpTrackInfo *tracks[2];
  guint counts[2];
} WeirRtmpMetadata;

/**
 * weir_rtmp_metadata_parse:
 * @data: (array length=size): payload of a data message (18): `onMetaData`, also in `@setDataFrame`
 *
 * Returns: (transfer full) (nullable): NULL when it is another message or cannot be read
 */
WeirRtmpMetadata *weir_rtmp_metadata_parse (
    const guint8 *data, gsize size, const WeirAmfLimits *limits);
void weir_rtmp_metadata_free (WeirRtmpMetadata *self);
/* Returns: (transfer none) (nullable): NULL when nothing was said of it */
const WeirRtmpTrackInfo *weir_rtmp_metadata_get_track (
    const WeirRtmpMetadata *self, WeirMediaKind kind, guint track_id);

typedef enum {
  WEIR_RTMP_COLOUR_NOTHING, /* there is no colorInfo, or it cannot be read: as before */
  WEIR_RTMP_COLOUR_RESET,   /* as the stream's own headers say, from now on */
  WEIR_RTMP_COLOUR_SET,
} WeirRtmpColourChange;

/**
 * weir_rtmp_colour_parse:
 * @data: (array length=size): the values of a %WEIR_FLV_METADATA
 * @colour: (out): set when %WEIR_RTMP_COLOUR_SET is returned. What was not said is unspecified (2)
 *   or not there; the range is never said, `full_range` is FALSE.
 *
 * Undefined, an empty object, and one in which nothing is said reset. Chromaticities must be within
 * 0 to 1, luminances within 0 to 10000 cd/m², all of them there; otherwise there is no mastering
 * display.
 */
WeirRtmpColourChange weir_rtmp_colour_parse (
    const guint8 *data, gsize size, const WeirAmfLimits *limits, WeirColour *colour);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRtmpMetadata, weir_rtmp_metadata_free)

G_END_DECLS
