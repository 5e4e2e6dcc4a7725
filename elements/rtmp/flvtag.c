/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

#include "base/reader.h"

#include <string.h>

/* E.4.3.1, CodecID; 12 and 13 are not Adobe's but seen */
static const gchar *const video_names[16] = {
    "video codec 0",
    "JPEG",
    "Sorenson H.263",
    "Screen Video",
    "VP6",
    "VP6 with alpha",
    "Screen Video 2",
    "H.264",
    "video codec 8",
    "video codec 9",
    "video codec 10",
    "video codec 11",
    "HEVC",
    "AV1",
    "video codec 14",
    "video codec 15",
};

/* E.4.2.1, SoundFormat */
static const gchar *const audio_names[16] = {
    "Linear PCM",
    "ADPCM",
    "MP3",
    "Linear PCM",
    "Nellymoser",
    "Nellymoser",
    "Nellymoser",
    "G.711 A-law",
    "G.711 mu-law",
    "Enhanced RTMP",
    "AAC",
    "Speex",
    "audio codec 12",
    "audio codec 13",
    "MP3",
    "device-specific sound",
};

static const struct {
  gchar fourcc[5];
  const gchar *name;
} fourcc_names[] = {
    {"avc1", "H.264"},
    {"hvc1", "HEVC"},
    {"vvc1", "VVC"},
    {"av01", "AV1"},
    {"vp08", "VP8"},
    {"vp09", "VP9"},
    {"mp4a", "AAC"},
    {"ac-3", "AC-3"},
    {"ec-3", "E-AC-3"},
    {"Opus", "Opus"},
    {".mp3", "MP3"},
    {"fLaC", "FLAC"},
};

enum {
  VIDEO_CODEC_AVC = 7,
  AUDIO_FORMAT_ENHANCED = 9,
  AUDIO_FORMAT_AAC = 10,
  FRAME_KEY = 1,
  FRAME_GENERATED_KEY = 4,
  FRAME_COMMAND = 5,
};

/* Enhanced RTMP v2, VideoPacketType and AudioPacketType */
enum {
  PACKET_SEQUENCE_START = 0,
  PACKET_CODED_FRAMES = 1,
  PACKET_SEQUENCE_END = 2,
  PACKET_CODED_FRAMES_X = 3,      /* video */
  PACKET_METADATA = 4,            /* video */
  PACKET_MULTICHANNEL_CONFIG = 4, /* audio */
  PACKET_VIDEO_MULTITRACK = 6,
  PACKET_AUDIO_MULTITRACK = 5,
  PACKET_MODIFIER_EXTENSION = 7,
};

static const gchar *
fourcc_name (const guint8 *fourcc)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fourcc_names); i++) {
    if (memcmp (fourcc, fourcc_names[i].fourcc, 4) == 0)
      return fourcc_names[i].name;
  }
  return "unknown codec";
}

/* what the reader has not read is the record or the access unit; an empty one is of no use */
static void
set_content (WeirFlvTag *tag, WeirFlvPacket packet, const WeirReader *reader)
{
  if (reader->failed) {
    tag->packet = WEIR_FLV_MALFORMED;
    return;
  }
  tag->offset = reader->position;
  tag->size = weir_reader_remaining (reader);
  tag->packet = tag->size > 0 ? packet : WEIR_FLV_IGNORE;
}

static void
set_unsupported (WeirFlvTag *tag, const gchar *name)
{
  tag->packet = WEIR_FLV_UNSUPPORTED;
  tag->name = name;
}

static void
parse_enhanced_video (WeirReader *reader, guint packet_type, guint frame_type, WeirFlvTag *tag)
{
  const guint8 *fourcc;

  if (packet_type == PACKET_METADATA || frame_type == FRAME_COMMAND) {
    tag->packet = WEIR_FLV_IGNORE;
    return;
  }
  if (packet_type == PACKET_VIDEO_MULTITRACK || packet_type == PACKET_MODIFIER_EXTENSION) {
    set_unsupported (tag, packet_type == PACKET_VIDEO_MULTITRACK ? "multitrack" : "ModEx");
    return;
  }
  fourcc = weir_reader_bytes (reader, 4);
  if (fourcc == NULL)
    return;
  tag->name = fourcc_name (fourcc);
  if (memcmp (fourcc, "avc1", 4) != 0) {
    tag->packet = WEIR_FLV_UNSUPPORTED;
    return;
  }
  tag->codec = WEIR_CODEC_AVC;
  switch (packet_type) {
  case PACKET_SEQUENCE_START:
    set_content (tag, WEIR_FLV_CONFIG, reader);
    return;
  case PACKET_CODED_FRAMES:
    tag->composition_time = weir_reader_s24 (reader);
    set_content (tag, WEIR_FLV_FRAME, reader);
    return;
  case PACKET_CODED_FRAMES_X:
    set_content (tag, WEIR_FLV_FRAME, reader);
    return;
  case PACKET_SEQUENCE_END:
    tag->packet = WEIR_FLV_END;
    return;
  default:
    return;
  }
}

static void
parse_avc (WeirReader *reader, WeirFlvTag *tag)
{
  guint8 packet_type = weir_reader_u8 (reader);

  if (reader->failed)
    return;
  /* some senders leave the composition time out of this one */
  if (packet_type == 2) {
    tag->packet = WEIR_FLV_END;
    return;
  }
  if (packet_type > 2)
    return;
  tag->composition_time = weir_reader_s24 (reader);
  set_content (tag, packet_type == 0 ? WEIR_FLV_CONFIG : WEIR_FLV_FRAME, reader);
}

void
weir_flv_tag_parse_video (const guint8 *data, gsize size, WeirFlvTag *tag)
{
  WeirReader reader;
  guint8 first;
  guint frame_type, codec;

  *tag = (WeirFlvTag){.packet = WEIR_FLV_MALFORMED, .kind = WEIR_MEDIA_VIDEO};
  if (size == 0) {
    tag->packet = WEIR_FLV_IGNORE;
    return;
  }
  weir_reader_init (&reader, data, size);
  first = weir_reader_u8 (&reader);
  frame_type = first >> 4 & 0x07;
  tag->keyframe = frame_type == FRAME_KEY || frame_type == FRAME_GENERATED_KEY;
  if ((first & 0x80) != 0) {
    parse_enhanced_video (&reader, first & 0x0f, frame_type, tag);
    return;
  }
  codec = first & 0x0f;
  tag->name = video_names[codec];
  if (frame_type == FRAME_COMMAND) {
    tag->packet = WEIR_FLV_IGNORE;
    return;
  }
  if (codec != VIDEO_CODEC_AVC) {
    tag->packet = WEIR_FLV_UNSUPPORTED;
    return;
  }
  tag->codec = WEIR_CODEC_AVC;
  parse_avc (&reader, tag);
}

static void
parse_enhanced_audio (WeirReader *reader, guint packet_type, WeirFlvTag *tag)
{
  const guint8 *fourcc;

  if (packet_type == PACKET_AUDIO_MULTITRACK || packet_type == PACKET_MODIFIER_EXTENSION) {
    set_unsupported (tag, packet_type == PACKET_AUDIO_MULTITRACK ? "multitrack" : "ModEx");
    return;
  }
  fourcc = weir_reader_bytes (reader, 4);
  if (fourcc == NULL)
    return;
  tag->name = fourcc_name (fourcc);
  if (memcmp (fourcc, "mp4a", 4) != 0) {
    tag->packet = WEIR_FLV_UNSUPPORTED;
    return;
  }
  tag->codec = WEIR_CODEC_AAC;
  switch (packet_type) {
  case PACKET_SEQUENCE_START:
    set_content (tag, WEIR_FLV_CONFIG, reader);
    return;
  case PACKET_CODED_FRAMES:
    set_content (tag, WEIR_FLV_FRAME, reader);
    return;
  case PACKET_SEQUENCE_END:
    tag->packet = WEIR_FLV_END;
    return;
  case PACKET_MULTICHANNEL_CONFIG:
    tag->packet = WEIR_FLV_IGNORE;
    return;
  default:
    return;
  }
}

void
weir_flv_tag_parse_audio (const guint8 *data, gsize size, WeirFlvTag *tag)
{
  WeirReader reader;
  guint8 first, packet_type;

  *tag = (WeirFlvTag){.packet = WEIR_FLV_MALFORMED, .kind = WEIR_MEDIA_AUDIO, .keyframe = TRUE};
  if (size == 0) {
    tag->packet = WEIR_FLV_IGNORE;
    return;
  }
  weir_reader_init (&reader, data, size);
  first = weir_reader_u8 (&reader);
  tag->name = audio_names[first >> 4];
  if (first >> 4 == AUDIO_FORMAT_ENHANCED) {
    parse_enhanced_audio (&reader, first & 0x0f, tag);
    return;
  }
  if (first >> 4 != AUDIO_FORMAT_AAC) {
    tag->packet = WEIR_FLV_UNSUPPORTED;
    return;
  }
  tag->codec = WEIR_CODEC_AAC;
  packet_type = weir_reader_u8 (&reader);
  if (packet_type > 1)
    return;
  set_content (tag, packet_type == 0 ? WEIR_FLV_CONFIG : WEIR_FLV_FRAME, &reader);
}
