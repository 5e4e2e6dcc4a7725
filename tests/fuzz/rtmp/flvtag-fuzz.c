/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (const WeirFlvTag *tag, const guint8 *data, gsize size, gsize *end)
{
  g_assert (tag->track_id < 256 && tag->nanoseconds <= 999999);
  /* the tracks of a message follow each other */
  g_assert (tag->offset <= size && tag->size <= size - tag->offset);
  g_assert (tag->size == 0 || tag->offset >= *end);
  *end = MAX (*end, tag->offset + tag->size);
  switch (tag->packet) {
  case WEIR_FLV_CONFIG:
    g_assert (tag->codec < WEIR_CODEC_LAST && weir_codec_get_kind (tag->codec) == tag->kind);
    g_assert (tag->size > 0 || tag->codec == WEIR_CODEC_OPUS);
    if (tag->descriptor) {
      guint8 record[4];

      g_assert (tag->codec == WEIR_CODEC_AV1 && tag->size == 4);
      weir_flv_descriptor_to_record (data + tag->offset, record);
    }
    break;
  case WEIR_FLV_FRAME:
  case WEIR_FLV_METADATA:
    g_assert (tag->codec < WEIR_CODEC_LAST && weir_codec_get_kind (tag->codec) == tag->kind);
    g_assert (tag->size > 0);
    break;
  case WEIR_FLV_CHANNELS:
    g_assert (tag->kind == WEIR_MEDIA_AUDIO && tag->channels > 0);
    g_assert (
        tag->size == (tag->channel_order == WEIR_FLV_CHANNELS_CUSTOM ? (gsize) tag->channels : 0));
    break;
  case WEIR_FLV_END:
    g_assert (size == 0 || tag->codec < WEIR_CODEC_LAST);
    break;
  case WEIR_FLV_UNSUPPORTED:
    g_assert (tag->name != NULL);
    g_assert (tag->codec == WEIR_CODEC_LAST);
    break;
  case WEIR_FLV_IGNORE:
  case WEIR_FLV_MALFORMED:
    g_assert (tag->codec == WEIR_CODEC_LAST);
    break;
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  for (guint kind = WEIR_MEDIA_VIDEO; kind <= WEIR_MEDIA_AUDIO; kind++) {
    gsize end = 0;
    guint count = 0;
    WeirFlvReader reader;
    WeirFlvTag tag;

    weir_flv_reader_init (&reader, (WeirMediaKind) kind, data, size);
    while (weir_flv_reader_next (&reader, &tag)) {
      g_assert (tag.kind == (WeirMediaKind) kind);
      check (&tag, data, size, &end);
      count++;
    }
    g_assert (count >= 1 && count <= 256);
    g_assert (weir_flv_count_tags ((WeirMediaKind) kind, data, size) == count);
    g_assert (!weir_flv_reader_next (&reader, &tag));
  }
  return 0;
}
