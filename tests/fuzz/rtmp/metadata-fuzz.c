/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/amf.h"
#include "rtmp/metadata.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_track (const WeirRtmpTrackInfo *track)
{
  g_assert (track->track_id < 256);
  g_assert (track->language == NULL ||
            (track->language[0] != '\0' && strlen (track->language) <= WEIR_RTMP_LANGUAGE_MAX));
  g_assert (track->label == NULL ||
            (track->label[0] != '\0' && g_utf8_validate (track->label, -1, NULL) &&
                g_utf8_strlen (track->label, -1) <= WEIR_RTMP_LABEL_MAX));
}

static void
check_metadata (const guint8 *data, gsize size)
{
  g_autoptr (WeirRtmpMetadata) metadata =
      weir_rtmp_metadata_parse (data, size, &weir_amf_limits_default);

  if (metadata == NULL)
    return;
  for (guint kind = WEIR_MEDIA_VIDEO; kind <= WEIR_MEDIA_AUDIO; kind++) {
    g_assert (metadata->counts[kind] >= 1 && metadata->counts[kind] <= 256);
    for (guint i = 0; i < metadata->counts[kind]; i++) {
      const WeirRtmpTrackInfo *track = &metadata->tracks[kind][i];

      check_track (track);
      g_assert (
          weir_rtmp_metadata_get_track (metadata, (WeirMediaKind) kind, track->track_id) == track);
    }
  }
}

static void
check_colour (const guint8 *data, gsize size)
{
  WeirColour colour = {0};

  if (weir_rtmp_colour_parse (data, size, &weir_amf_limits_default, &colour) !=
      WEIR_RTMP_COLOUR_SET)
    return;
  g_assert (colour.primaries != 0 && colour.transfer != 0);
  if (colour.has_mastering)
    g_assert (colour.luminance_max >= colour.luminance_min && colour.white_point[0] <= 50000);
  if (colour.has_light_level)
    g_assert (colour.content_light_max > 0 || colour.picture_average_light_max > 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  check_metadata (data, size);
  check_colour (data, size);
  return 0;
}
