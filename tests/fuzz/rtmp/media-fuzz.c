/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/reader.h"
#include "codec/elementary.h"
#include "rtmp/amf.h"
#include "rtmp/flvtag.h"
#include "rtmp/metadata.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* a few of them are enough to be mixed up */
#define TRACKS 4

typedef struct {
  WeirCodec codec;
  WeirElementaryStream *stream;
} Track;

static void
begin_track (Track *track, WeirCodec codec)
{
  if (track->stream != NULL && track->codec == codec)
    return;
  g_clear_pointer (&track->stream, weir_elementary_stream_free);
  track->codec = codec;
  track->stream = weir_elementary_stream_new (codec);
}

static void
take_config (Track *track, const WeirFlvTag *tag, const guint8 *body)
{
  g_autoptr (GError) error = NULL;
  const guint8 *record = body + tag->offset;
  guint8 converted[4];

  if (tag->descriptor) {
    weir_flv_descriptor_to_record (record, converted);
    record = converted;
  }
  if (tag->size == 0)
    weir_elementary_stream_assume_channels (track->stream, 2);
  else if (!weir_elementary_stream_set_record (track->stream, record, tag->size, &error))
    g_assert (error != NULL);
}

static void
take_frame (Track *track, const WeirFlvTag *tag, const guint8 *body)
{
  WeirCodecConfig *before = weir_elementary_stream_get_config (track->stream), *config;
  WeirAccessUnit unit;

  weir_elementary_stream_take (track->stream, body + tag->offset, tag->size, &unit);
  config = weir_elementary_stream_get_config (track->stream);
  if (unit.status == WEIR_UNIT_OK) {
    g_assert (config != NULL && config->kind == tag->kind);
    g_assert (unit.size > 0);
    if (unit.converted == NULL)
      g_assert (unit.offset <= tag->size && unit.size <= tag->size - unit.offset);
  }
  if (config != NULL && config != before) {
    g_autofree gchar *caps = weir_codec_config_get_caps_string (config);

    g_assert (caps != NULL);
  }
  g_free (unit.converted);
}

static void
take_metadata (Track *track, const WeirFlvTag *tag, const guint8 *body)
{
  WeirColour colour;
  WeirRtmpColourChange change =
      weir_rtmp_colour_parse (body + tag->offset, tag->size, &weir_amf_limits_default, &colour);

  if (change != WEIR_RTMP_COLOUR_NOTHING)
    weir_elementary_stream_set_colour (
        track->stream, change == WEIR_RTMP_COLOUR_SET ? &colour : NULL);
}

static void
take_message (Track *tracks, WeirMediaKind kind, const guint8 *body, gsize size)
{
  WeirFlvReader reader;
  WeirFlvTag tag;

  weir_flv_reader_init (&reader, kind, body, size);
  while (weir_flv_reader_next (&reader, &tag)) {
    Track *track = &tracks[tag.track_id % TRACKS];

    g_assert (tag.kind == kind);
    if (tag.packet != WEIR_FLV_CONFIG && tag.packet != WEIR_FLV_FRAME &&
        tag.packet != WEIR_FLV_METADATA)
      continue;
    begin_track (track, tag.codec);
    if (tag.packet == WEIR_FLV_CONFIG)
      take_config (track, &tag, body);
    else if (tag.packet == WEIR_FLV_FRAME)
      take_frame (track, &tag, body);
    else
      take_metadata (track, &tag, body);
  }
}

/* what becomes of a publisher's messages: bodies of tags, configurations, access units.
 * Each message: 0 for video or 1 for audio, two bytes of length, the body */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Track tracks[2][TRACKS] = {0};
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  while (weir_reader_remaining (&reader) > 0) {
    guint8 kind = weir_reader_u8 (&reader) & 1;
    gsize announced = weir_reader_u16 (&reader);
    gsize length = MIN (announced, weir_reader_remaining (&reader));
    g_autofree guint8 *body = NULL;

    if (reader.failed)
      break;
    /* of exactly this size, so that a byte read beyond it is seen */
    body = g_memdup2 (weir_reader_bytes (&reader, length), length);
    take_message (tracks[kind], kind == 0 ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO, body, length);
  }
  for (guint i = 0; i < 2; i++) {
    for (guint j = 0; j < TRACKS; j++)
      g_clear_pointer (&tracks[i][j].stream, weir_elementary_stream_free);
  }
  return 0;
}
