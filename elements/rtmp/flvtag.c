/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/flvtag.h"

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

static const gchar fourccs[WEIR_CODEC_LAST][5] = {
    [WEIR_CODEC_AVC] = "avc1",
    [WEIR_CODEC_HEVC] = "hvc1",
    [WEIR_CODEC_AV1] = "av01",
    [WEIR_CODEC_VP8] = "vp08",
    [WEIR_CODEC_VP9] = "vp09",
    [WEIR_CODEC_AAC] = "mp4a",
    [WEIR_CODEC_OPUS] = "Opus",
    [WEIR_CODEC_FLAC] = "fLaC",
    [WEIR_CODEC_AC3] = "ac-3",
    [WEIR_CODEC_EAC3] = "ec-3",
    [WEIR_CODEC_MP3] = ".mp3",
};

enum {
  VIDEO_CODEC_AVC = 7,
  VIDEO_CODEC_HEVC = 12,
  VIDEO_CODEC_AV1 = 13,
  AUDIO_FORMAT_MP3 = 2,
  AUDIO_FORMAT_ENHANCED = 9,
  AUDIO_FORMAT_AAC = 10,
  AUDIO_FORMAT_MP3_8K = 14,
  FRAME_KEY = 1,
  FRAME_GENERATED_KEY = 4,
  FRAME_COMMAND = 5,
};

/* Enhanced RTMP v2, VideoPacketType and AudioPacketType */
enum {
  PACKET_SEQUENCE_START = 0,
  PACKET_CODED_FRAMES = 1,
  PACKET_SEQUENCE_END = 2,
  PACKET_CODED_FRAMES_X = 3,          /* video */
  PACKET_METADATA = 4,                /* video */
  PACKET_MULTICHANNEL_CONFIG = 4,     /* audio */
  PACKET_MPEG2_TS_SEQUENCE_START = 5, /* video */
  PACKET_AUDIO_MULTITRACK = 5,
  PACKET_VIDEO_MULTITRACK = 6,
  PACKET_MODIFIER_EXTENSION = 7,
};

/* AvMultitrackType */
enum {
  MULTITRACK_ONE = 0,
  MULTITRACK_MANY = 1,
  MULTITRACK_MANY_CODECS = 2,
};

enum {
  STATE_BEGIN,
  STATE_TRACKS, /* the reader stands before a track */
  STATE_END,
};

#define MODIFIERS_MAX 8
#define MODIFIER_TIMESTAMP_NANO 0
#define NANOSECONDS_MAX 999999
#define TRACKS_MAX 256
/* AV1 in MPEG-2 TS, 2.2 */
#define AV1_DESCRIPTOR_TAG 0x80
#define AV1_DESCRIPTOR_SIZE 4
#define AV1_MARKER_AND_VERSION 0x81

const gchar *
weir_flv_codec_get_fourcc (WeirCodec codec)
{
  return (guint) codec < WEIR_CODEC_LAST ? fourccs[codec] : NULL;
}

gboolean
weir_flv_codec_from_fourcc (const guint8 *fourcc, WeirCodec *codec)
{
  for (guint i = 0; i < WEIR_CODEC_LAST; i++) {
    if (memcmp (fourcc, fourccs[i], 4) == 0) {
      *codec = (WeirCodec) i;
      return TRUE;
    }
  }
  return FALSE;
}

void
weir_flv_descriptor_to_record (const guint8 *descriptor, guint8 *record)
{
  memcpy (record, descriptor, AV1_DESCRIPTOR_SIZE);
  record[AV1_DESCRIPTOR_SIZE - 1] &= 0x1f;
}

static void
set_codec (WeirFlvTag *tag, WeirCodec codec)
{
  tag->codec = codec;
  tag->name = weir_codec_get_name (codec);
}

/* Returns: FALSE when the tag is UNSUPPORTED now */
static gboolean
set_fourcc (WeirFlvTag *tag, const guint8 *fourcc)
{
  WeirCodec codec;

  if (weir_flv_codec_from_fourcc (fourcc, &codec) && weir_codec_get_kind (codec) == tag->kind) {
    set_codec (tag, codec);
    return TRUE;
  }
  tag->packet = WEIR_FLV_UNSUPPORTED;
  tag->name =
      tag->kind == WEIR_MEDIA_VIDEO && memcmp (fourcc, "vvc1", 4) == 0 ? "VVC" : "unknown codec";
  return FALSE;
}

/* what the reader has not read is the record, the access unit or the values; nothing is of no use
 */
static void
set_content (WeirFlvTag *tag, WeirFlvPacket packet, const WeirReader *body, gsize start)
{
  if (body->failed)
    return;
  tag->offset = start + body->position;
  tag->size = weir_reader_remaining (body);
  tag->packet = tag->size > 0 ? packet : WEIR_FLV_IGNORE;
}

/* ---- Enhanced RTMP: one track ---- */

static gboolean
has_composition_time (WeirCodec codec)
{
  return codec == WEIR_CODEC_AVC || codec == WEIR_CODEC_HEVC;
}

/* AV1 in MPEG-2 TS, 2.2: tag, length, four bytes; seen without the first two as well */
static void
parse_descriptor (WeirFlvTag *tag, WeirReader *body, gsize start)
{
  guint8 first = weir_reader_u8 (body);

  if (first == AV1_DESCRIPTOR_TAG) {
    if (weir_reader_u8 (body) < AV1_DESCRIPTOR_SIZE)
      return;
    tag->offset = start + body->position;
    first = weir_reader_u8 (body);
  } else {
    tag->offset = start;
  }
  weir_reader_skip (body, AV1_DESCRIPTOR_SIZE - 1);
  if (body->failed || first != AV1_MARKER_AND_VERSION)
    return;
  tag->packet = WEIR_FLV_CONFIG;
  tag->descriptor = TRUE;
  tag->size = AV1_DESCRIPTOR_SIZE;
}

/* @tag: MALFORMED, its codec is set */
static void
parse_video_body (const WeirFlvReader *self, WeirFlvTag *tag, WeirReader *body, gsize start)
{
  guint frame_type = self->frame_type;

  /* which does not count for metadata */
  if (self->packet_type != PACKET_METADATA && (frame_type == 0 || frame_type > FRAME_COMMAND))
    return;
  switch (self->packet_type) {
  case PACKET_SEQUENCE_START:
    set_content (tag, WEIR_FLV_CONFIG, body, start);
    return;
  case PACKET_CODED_FRAMES:
    if (has_composition_time (tag->codec))
      tag->composition_time = weir_reader_s24 (body);
    set_content (tag, WEIR_FLV_FRAME, body, start);
    return;
  case PACKET_CODED_FRAMES_X:
    set_content (tag, WEIR_FLV_FRAME, body, start);
    return;
  case PACKET_SEQUENCE_END:
    tag->packet = WEIR_FLV_END;
    return;
  case PACKET_METADATA:
    set_content (tag, WEIR_FLV_METADATA, body, start);
    return;
  case PACKET_MPEG2_TS_SEQUENCE_START:
    if (tag->codec == WEIR_CODEC_AV1)
      parse_descriptor (tag, body, start);
    return;
  default:
    return;
  }
}

static void
parse_channels (WeirFlvTag *tag, WeirReader *body, gsize start)
{
  guint order = weir_reader_u8 (body);
  guint channels = weir_reader_u8 (body);

  if (order > WEIR_FLV_CHANNELS_CUSTOM || channels == 0)
    return;
  tag->channel_order = (WeirFlvChannelOrder) order;
  tag->channels = channels;
  tag->offset = start + body->position;
  if (order == WEIR_FLV_CHANNELS_NATIVE)
    tag->channel_mask = weir_reader_u32 (body);
  if (order == WEIR_FLV_CHANNELS_CUSTOM && weir_reader_skip (body, channels))
    tag->size = channels;
  if (!body->failed)
    tag->packet = WEIR_FLV_CHANNELS;
}

/* for these a record beside the stream is not defined */
static gboolean
has_no_record (WeirCodec codec)
{
  return codec == WEIR_CODEC_AC3 || codec == WEIR_CODEC_EAC3 || codec == WEIR_CODEC_MP3;
}

/* @tag: MALFORMED, its codec is set */
static void
parse_audio_body (const WeirFlvReader *self, WeirFlvTag *tag, WeirReader *body, gsize start)
{
  switch (self->packet_type) {
  case PACKET_SEQUENCE_START:
    set_content (tag, WEIR_FLV_CONFIG, body, start);
    if (has_no_record (tag->codec))
      tag->packet = WEIR_FLV_IGNORE;
    else if (tag->codec == WEIR_CODEC_OPUS)
      tag->packet = WEIR_FLV_CONFIG;
    return;
  case PACKET_CODED_FRAMES:
    set_content (tag, WEIR_FLV_FRAME, body, start);
    return;
  case PACKET_SEQUENCE_END:
    tag->packet = WEIR_FLV_END;
    return;
  case PACKET_MULTICHANNEL_CONFIG:
    parse_channels (tag, body, start);
    return;
  default:
    return;
  }
}

/* @body: all that is left of the track, @start its offset in the message */
static void
parse_body (
    const WeirFlvReader *self, WeirFlvTag *tag, const guint8 *fourcc, WeirReader *body, gsize start)
{
  if (!set_fourcc (tag, fourcc))
    return;
  if (tag->kind == WEIR_MEDIA_VIDEO)
    parse_video_body (self, tag, body, start);
  else
    parse_audio_body (self, tag, body, start);
}

/* ---- Enhanced RTMP: several tracks ---- */

typedef struct {
  const guint8 *fourcc;
  guint track_id;
  gsize start;
  WeirReader body;
} FlvTrack;

/* FALSE: it does not fit */
static gboolean
read_track (const WeirFlvReader *self, WeirReader *reader, FlvTrack *track)
{
  gsize size;

  track->fourcc = self->fourcc;
  if (self->multitrack == MULTITRACK_MANY_CODECS)
    track->fourcc = weir_reader_bytes (reader, 4);
  track->track_id = weir_reader_u8 (reader);
  size = self->multitrack == MULTITRACK_ONE ? weir_reader_remaining (reader)
                                            : weir_reader_u24 (reader);
  track->start = reader->position;
  return weir_reader_sub (reader, size, &track->body);
}

/* Before the first one is handed out: the rest of a message whose sizes are wrong means nothing.
 * And a track comes once, or one message could be as much work as 256. */
static gboolean
tracks_fit (const WeirFlvReader *self)
{
  WeirReader reader = self->reader;
  guint8 seen[TRACKS_MAX] = {FALSE};
  FlvTrack track;

  do {
    if (!read_track (self, &reader, &track) || seen[track.track_id])
      return FALSE;
    seen[track.track_id] = TRUE;
  } while (weir_reader_remaining (&reader) > 0);
  return TRUE;
}

static void
parse_multitrack (WeirFlvReader *self, guint multitrack_packet)
{
  WeirReader *reader = &self->reader;
  guint8 byte = weir_reader_u8 (reader);

  self->multitrack = byte >> 4;
  self->packet_type = byte & 0x0f;
  if (self->multitrack > MULTITRACK_MANY_CODECS || self->packet_type == multitrack_packet ||
      self->packet_type == PACKET_MODIFIER_EXTENSION)
    return;
  if (self->multitrack != MULTITRACK_MANY_CODECS)
    self->fourcc = weir_reader_bytes (reader, 4);
  if (!reader->failed && tracks_fit (self))
    self->state = STATE_TRACKS;
}

static void
next_track (WeirFlvReader *self, WeirFlvTag *tag)
{
  FlvTrack track;

  *tag = self->common;
  /* cannot fail: all were walked before */
  if (!read_track (self, &self->reader, &track)) {
    self->state = STATE_END;
    return;
  }
  tag->track_id = track.track_id;
  parse_body (self, tag, track.fourcc, &track.body, track.start);
  if (weir_reader_remaining (&self->reader) == 0)
    self->state = STATE_END;
}

/* ---- headers ---- */

static void
take_modifier (WeirFlvReader *self, guint type, const guint8 *data, gsize size)
{
  WeirReader reader;
  guint32 nanoseconds;

  if (type != MODIFIER_TIMESTAMP_NANO)
    return;
  weir_reader_init (&reader, data, size);
  nanoseconds = weir_reader_u24 (&reader);
  if (!reader.failed && nanoseconds <= NANOSECONDS_MAX)
    self->common.nanoseconds = nanoseconds;
}

/* ModEx in a chain before the packet type that counts. FALSE: malformed */
static gboolean
parse_modifiers (WeirFlvReader *self)
{
  WeirReader *reader = &self->reader;

  for (guint i = 0; self->packet_type == PACKET_MODIFIER_EXTENSION; i++) {
    gsize size = (gsize) weir_reader_u8 (reader) + 1;
    const guint8 *data;
    guint8 byte;

    if (i == MODIFIERS_MAX)
      return FALSE;
    if (size == 256)
      size = (gsize) weir_reader_u16 (reader) + 1;
    data = weir_reader_bytes (reader, size);
    byte = weir_reader_u8 (reader);
    if (reader->failed)
      return FALSE;
    take_modifier (self, byte >> 4, data, size);
    self->packet_type = byte & 0x0f;
  }
  return TRUE;
}

static void
parse_enhanced (WeirFlvReader *self, guint packet_type, WeirFlvTag *tag)
{
  WeirReader *reader = &self->reader;
  gboolean video = tag->kind == WEIR_MEDIA_VIDEO;
  guint multitrack = video ? PACKET_VIDEO_MULTITRACK : PACKET_AUDIO_MULTITRACK;
  const guint8 *fourcc;
  WeirReader body;
  gsize start;

  self->packet_type = packet_type;
  if (!parse_modifiers (self))
    return;
  if (video && self->frame_type == FRAME_COMMAND && self->packet_type != PACKET_METADATA) {
    tag->packet = WEIR_FLV_IGNORE;
    return;
  }
  if (self->packet_type == multitrack) {
    parse_multitrack (self, multitrack);
    return;
  }
  fourcc = weir_reader_bytes (reader, 4);
  if (fourcc == NULL)
    return;
  tag->nanoseconds = self->common.nanoseconds;
  start = reader->position;
  weir_reader_sub (reader, weir_reader_remaining (reader), &body);
  parse_body (self, tag, fourcc, &body, start);
}

/* AVCVIDEOPACKET, E.4.3.2, and what is like it */
static void
parse_avc (WeirReader *reader, WeirCodec codec, WeirFlvTag *tag)
{
  guint8 packet_type = weir_reader_u8 (reader);

  if (reader->failed || packet_type > 2)
    return;
  set_codec (tag, codec);
  /* some senders leave the composition time out of this one */
  if (packet_type == 2) {
    tag->packet = WEIR_FLV_END;
    return;
  }
  tag->composition_time = weir_reader_s24 (reader);
  set_content (tag, packet_type == 0 ? WEIR_FLV_CONFIG : WEIR_FLV_FRAME, reader, 0);
}

static void
parse_video (WeirFlvReader *self, WeirFlvTag *tag)
{
  guint8 first = weir_reader_u8 (&self->reader);
  guint codec = first & 0x0f;

  self->frame_type = first >> 4 & 0x07;
  self->common.keyframe = self->frame_type == FRAME_KEY || self->frame_type == FRAME_GENERATED_KEY;
  tag->keyframe = self->common.keyframe;
  if ((first & 0x80) != 0) {
    parse_enhanced (self, codec, tag);
    return;
  }
  tag->name = video_names[codec];
  if (self->frame_type == FRAME_COMMAND)
    tag->packet = WEIR_FLV_IGNORE;
  else if (codec == VIDEO_CODEC_AVC)
    parse_avc (&self->reader, WEIR_CODEC_AVC, tag);
  else if (codec == VIDEO_CODEC_HEVC)
    parse_avc (&self->reader, WEIR_CODEC_HEVC, tag);
  else if (codec == VIDEO_CODEC_AV1)
    parse_avc (&self->reader, WEIR_CODEC_AV1, tag);
  else
    tag->packet = WEIR_FLV_UNSUPPORTED;
}

static void
parse_aac (WeirReader *reader, WeirFlvTag *tag)
{
  guint8 packet_type = weir_reader_u8 (reader);

  if (packet_type > 1)
    return;
  set_codec (tag, WEIR_CODEC_AAC);
  set_content (tag, packet_type == 0 ? WEIR_FLV_CONFIG : WEIR_FLV_FRAME, reader, 0);
}

static void
parse_audio (WeirFlvReader *self, WeirFlvTag *tag)
{
  guint8 first = weir_reader_u8 (&self->reader);
  guint format = first >> 4;

  if (format == AUDIO_FORMAT_ENHANCED) {
    parse_enhanced (self, first & 0x0f, tag);
    return;
  }
  tag->name = audio_names[format];
  if (format == AUDIO_FORMAT_AAC) {
    parse_aac (&self->reader, tag);
  } else if (format == AUDIO_FORMAT_MP3 || format == AUDIO_FORMAT_MP3_8K) {
    set_codec (tag, WEIR_CODEC_MP3);
    set_content (tag, WEIR_FLV_FRAME, &self->reader, 0);
  } else {
    tag->packet = WEIR_FLV_UNSUPPORTED;
  }
}

void
weir_flv_reader_init (WeirFlvReader *self, WeirMediaKind kind, const guint8 *data, gsize size)
{
  memset (self, 0, sizeof *self);
  weir_reader_init (&self->reader, data, size);
  self->common.packet = WEIR_FLV_MALFORMED;
  self->common.kind = kind;
  self->common.codec = WEIR_CODEC_LAST;
  self->common.keyframe = kind == WEIR_MEDIA_AUDIO;
  self->state = STATE_BEGIN;
}

gboolean
weir_flv_reader_next (WeirFlvReader *self, WeirFlvTag *tag)
{
  if (self->state == STATE_END)
    return FALSE;
  if (self->state == STATE_BEGIN) {
    *tag = self->common;
    self->state = STATE_END;
    if (self->reader.size == 0)
      tag->packet = tag->kind == WEIR_MEDIA_AUDIO ? WEIR_FLV_END : WEIR_FLV_IGNORE;
    else if (tag->kind == WEIR_MEDIA_VIDEO)
      parse_video (self, tag);
    else
      parse_audio (self, tag);
  }
  if (self->state == STATE_TRACKS)
    next_track (self, tag);
  if (tag->packet == WEIR_FLV_IGNORE || tag->packet == WEIR_FLV_UNSUPPORTED ||
      tag->packet == WEIR_FLV_MALFORMED) {
    tag->codec = WEIR_CODEC_LAST;
    tag->offset = tag->size = 0;
  }
  tag->last = self->state == STATE_END;
  return TRUE;
}

guint
weir_flv_count_tags (WeirMediaKind kind, const guint8 *data, gsize size)
{
  gboolean video = kind == WEIR_MEDIA_VIDEO;
  WeirFlvReader reader;
  WeirFlvTag tag;
  guint packet_type, count = 0;

  if (size == 0 || (video ? (data[0] & 0x80) == 0 : data[0] >> 4 != AUDIO_FORMAT_ENHANCED))
    return 1;
  packet_type = data[0] & 0x0f;
  if (packet_type != (video ? PACKET_VIDEO_MULTITRACK : PACKET_AUDIO_MULTITRACK) &&
      packet_type != PACKET_MODIFIER_EXTENSION)
    return 1;
  weir_flv_reader_init (&reader, kind, data, size);
  while (weir_flv_reader_next (&reader, &tag))
    count++;
  return count;
}
