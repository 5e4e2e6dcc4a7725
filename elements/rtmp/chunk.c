/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/chunk.h"

#include "base/reader.h"
#include "base/tokenbucket.h"

#include <string.h>

#define EXTENDED 0xffffffu
#define CHUNK_SIZE_DEFAULT 128
/* 5.4.1: no message is longer, so larger sizes mean the same */
#define CHUNK_SIZE_MAX 0xffffffu
/* basic header 3, message header 11, extended timestamp 4 */
#define HEADER_MAX 18
/* up to this size a message is allocated as soon as its first byte comes */
#define ALLOCATE_AT_ONCE (64 * 1024)
/* only a small timestamp of a type 0 chunk is believed to be a delta as well, ms */
#define DELTA_OF_TYPE_0_MAX 1000

G_DEFINE_QUARK (weir_rtmp_error, weir_rtmp_error)

const WeirRtmpChunkLimits weir_rtmp_chunk_limits_default = {
    .chunk_streams_max = 64,
    .video_max = 8 * 1024 * 1024,
    .audio_max = 256 * 1024,
    .data_max = 64 * 1024,
    .control_max = 16,
    .partial_max = 16 * 1024 * 1024,
    .broken_per_minute = 3,
};

typedef struct {
  guint32 id;
  /* the last message header */
  guint32 timestamp; /* absolute, of the message that came last or is coming */
  guint32 delta;
  guint32 extended_field; /* what the extended timestamp said, when there was one */
  guint32 length;
  guint32 stream_id;
  guint8 type;
  gboolean has_extended;
  gboolean after_type_0;
  /* the message that is coming */
  gboolean active;
  guint8 *payload;
  gsize received;
  gsize allocated;
  gint64 arrival_us;
} ChunkStream;

typedef struct {
  guint format;
  guint32 id;
  gint index; /* into streams, -1 when the id is new */
  gboolean has_extended;
  guint32 field; /* timestamp or delta */
  guint32 length;
  guint8 type;
  guint32 stream_id;
  gsize size;
} ChunkHeader;

struct _WeirRtmpChunkReader {
  WeirRtmpChunkLimits limits;
  guint32 chunk_size;
  ChunkStream *streams;
  guint streams_count;
  guint streams_allocated;
  guint8 index_of[64]; /* of the ids below 64: index + 1 */
  gint current;        /* whose chunk is being read, -1 in a header */
  gsize chunk_left;
  /* the beginning of a header, cut off by the end of the input; after a comparison with an extended
   * timestamp that is not there, also the beginning of a chunk's payload */
  guint8 carry[HEADER_MAX];
  gsize carry_size;
  gint64 carry_us;
  gsize partial_bytes;
  guint64 discarded;
  WeirTokenBucket broken;
  gboolean broken_started;
  const gchar *limit; /* why it failed */
};

WeirRtmpChunkReader *
weir_rtmp_chunk_reader_new (const WeirRtmpChunkLimits *limits)
{
  WeirRtmpChunkReader *self = g_new0 (WeirRtmpChunkReader, 1);

  self->limits = *limits;
  self->limits.chunk_streams_max = MIN (limits->chunk_streams_max, G_MAXUINT8 - 1);
  self->chunk_size = CHUNK_SIZE_DEFAULT;
  self->current = -1;
  return self;
}

void
weir_rtmp_chunk_reader_free (WeirRtmpChunkReader *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->streams_count; i++)
    g_free (self->streams[i].payload);
  g_free (self->streams);
  g_free (self);
}

guint64
weir_rtmp_chunk_reader_get_discarded (WeirRtmpChunkReader *self)
{
  return self->discarded;
}

const gchar *
weir_rtmp_chunk_reader_get_limit (WeirRtmpChunkReader *self)
{
  return self->limit;
}

gsize
weir_rtmp_chunk_reader_get_partial_bytes (WeirRtmpChunkReader *self)
{
  return self->partial_bytes;
}

guint32
weir_rtmp_chunk_reader_get_chunk_size (WeirRtmpChunkReader *self)
{
  return self->chunk_size;
}

static gint
find_stream (WeirRtmpChunkReader *self, guint32 id)
{
  if (id < G_N_ELEMENTS (self->index_of))
    return (gint) self->index_of[id] - 1;
  for (guint i = 0; i < self->streams_count; i++) {
    if (self->streams[i].id == id)
      return (gint) i;
  }
  return -1;
}

/* FALSE: there is no memory; the message is the peer's size, the failure the connection's */
static gboolean
fail_for_memory (WeirRtmpChunkReader *self, GError **error)
{
  self->limit = WEIR_OUT_OF_MEMORY;
  g_set_error_literal (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_LIMIT, "out of memory");
  return FALSE;
}

/* TRUE with the new stream's @index */
static gboolean
add_stream (WeirRtmpChunkReader *self, guint32 id, gint *index, GError **error)
{
  if (self->streams_count == self->limits.chunk_streams_max) {
    self->limit = WEIR_LIMIT_RTMP_CHUNK_STREAMS;
    g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_LIMIT, "more than %u chunk streams",
        self->limits.chunk_streams_max);
    return FALSE;
  }
  if (self->streams_count == self->streams_allocated) {
    guint allocated = MAX (4, self->streams_allocated * 2);
    ChunkStream *streams = g_try_realloc_n (self->streams, allocated, sizeof (ChunkStream));

    if (streams == NULL)
      return fail_for_memory (self, error);
    self->streams = streams;
    self->streams_allocated = allocated;
  }
  self->streams[self->streams_count] = (ChunkStream){.id = id};
  self->streams_count++;
  if (id < G_N_ELEMENTS (self->index_of))
    self->index_of[id] = (guint8) self->streams_count;
  *index = (gint) self->streams_count - 1;
  return TRUE;
}

/* @name: (out): of the limit */
static gsize
message_limit (const WeirRtmpChunkLimits *limits, guint8 type, const gchar **name)
{
  switch (type) {
  case WEIR_RTMP_SET_CHUNK_SIZE:
  case WEIR_RTMP_ABORT:
  case WEIR_RTMP_ACKNOWLEDGEMENT:
  case WEIR_RTMP_USER_CONTROL:
  case WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE:
  case WEIR_RTMP_SET_PEER_BANDWIDTH:
    *name = WEIR_LIMIT_RTMP_CONTROL_MESSAGE;
    return limits->control_max;
  case WEIR_RTMP_AUDIO:
    *name = WEIR_LIMIT_RTMP_AUDIO_MESSAGE;
    return limits->audio_max;
  case WEIR_RTMP_VIDEO:
  case WEIR_RTMP_AGGREGATE:
    *name = WEIR_LIMIT_RTMP_VIDEO_MESSAGE;
    return limits->video_max;
  default:
    *name = WEIR_LIMIT_RTMP_DATA_MESSAGE;
    return limits->data_max;
  }
}

static void
drop_partial (WeirRtmpChunkReader *self, ChunkStream *stream)
{
  g_clear_pointer (&stream->payload, g_free);
  self->partial_bytes -= stream->allocated;
  stream->allocated = 0;
  stream->received = 0;
  stream->active = FALSE;
  self->discarded++;
}

/**
 * The extended timestamp of a type 3 chunk that continues a message: 5.3.1.3 wants it, many
 * encoders leave it out. It is there when the next four bytes equal the one in force; a payload
 * that differs is known for what it is by its first different byte.
 *
 * Returns: FALSE when more bytes are wanted
 */
static gboolean
skip_repeated_extended (WeirReader *reader, guint32 expected)
{
  gsize start = reader->position;

  for (guint i = 0; i < 4; i++) {
    guint8 byte = weir_reader_u8 (reader);

    if (reader->failed)
      return FALSE;
    if (byte != (guint8) (expected >> (24 - 8 * i))) {
      reader->position = start;
      return TRUE;
    }
  }
  return TRUE;
}

/* changes nothing; FALSE when more bytes are wanted, at most HEADER_MAX */
static gboolean
parse_header (WeirRtmpChunkReader *self, const guint8 *data, gsize size, ChunkHeader *header)
{
  WeirReader reader;
  const ChunkStream *stream;
  guint8 first;

  weir_reader_init (&reader, data, size);
  first = weir_reader_u8 (&reader);
  header->format = first >> 6;
  header->id = first & 0x3f;
  if (header->id == 0) {
    header->id = 64 + (guint32) weir_reader_u8 (&reader);
  } else if (header->id == 1) {
    header->id = 64 + (guint32) weir_reader_u8 (&reader);
    header->id += 256 * (guint32) weir_reader_u8 (&reader);
  }
  if (reader.failed)
    return FALSE;
  header->index = find_stream (self, header->id);
  header->has_extended = FALSE;

  if (header->format < 3) {
    header->field = weir_reader_u24 (&reader);
    if (header->format < 2) {
      header->length = weir_reader_u24 (&reader);
      header->type = weir_reader_u8 (&reader);
    }
    if (header->format == 0)
      header->stream_id = weir_reader_u32_le (&reader);
    if (header->field == EXTENDED && !reader.failed) {
      header->has_extended = TRUE;
      header->field = weir_reader_u32 (&reader);
    }
  } else if (header->index >= 0) {
    stream = &self->streams[header->index];
    if (stream->has_extended) {
      if (stream->active) {
        if (!skip_repeated_extended (&reader, stream->extended_field))
          return FALSE;
      } else {
        header->has_extended = TRUE;
        header->field = weir_reader_u32 (&reader);
      }
    }
  }
  header->size = reader.position;
  return !reader.failed;
}

static gboolean
count_broken (WeirRtmpChunkReader *self, gint64 now_us)
{
  guint limit = self->limits.broken_per_minute;

  if (limit == 0)
    return FALSE;
  if (!self->broken_started) {
    weir_token_bucket_init (&self->broken, limit / 60.0, limit, now_us);
    self->broken_started = TRUE;
  }
  return weir_token_bucket_take (&self->broken, 1, now_us);
}

/* the fields of a header that begins a message, 5.3.1.2 */
static void
apply_header (ChunkStream *stream, const ChunkHeader *header)
{
  switch (header->format) {
  case 0:
    stream->timestamp = header->field;
    /* 5.3.1.2.4: a type 3 that follows has the timestamp as its delta. Some senders mean that,
     * others mean "same time", and those have large timestamps sooner or later. */
    stream->delta = header->field < DELTA_OF_TYPE_0_MAX ? header->field : 0;
    stream->stream_id = header->stream_id;
    break;
  case 1:
  case 2:
    stream->delta = header->field;
    stream->timestamp += header->field;
    break;
  default:
    /* the repeated field may differ: a sender that compares the 24-bit fields only */
    if (header->has_extended && !stream->after_type_0)
      stream->delta = header->field;
    stream->timestamp += stream->delta;
    return;
  }
  if (header->format < 2) {
    stream->length = header->length;
    stream->type = header->type;
  }
  stream->after_type_0 = header->format == 0;
  stream->has_extended = header->has_extended;
  stream->extended_field = header->field;
}

/* a whole header has come: FALSE with @error */
static gboolean
begin_chunk (WeirRtmpChunkReader *self, const ChunkHeader *header, gint64 first_us, gint64 now_us,
    GError **error)
{
  gint index = header->index;
  ChunkStream *stream;

  if (index < 0) {
    if (header->format >= 2) {
      self->limit = WEIR_RTMP_PROTOCOL_ERROR;
      g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_PROTOCOL,
          "chunk stream %u begins with a header of type %u", header->id, header->format);
      return FALSE;
    }
    if (!add_stream (self, header->id, &index, error))
      return FALSE;
  }
  stream = &self->streams[index];

  /* old hardware repeats the whole header with each chunk: same length and type, same message */
  if (stream->active && header->format < 3 &&
      (header->format == 2 || header->length != stream->length || header->type != stream->type)) {
    drop_partial (self, stream);
    if (!count_broken (self, now_us)) {
      self->limit = WEIR_LIMIT_RTMP_CUT_OFF_MESSAGES;
      g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_PROTOCOL,
          "chunk stream %u: a header in mid-message once more", stream->id);
      return FALSE;
    }
  }
  if (!stream->active) {
    const gchar *name;
    gsize limit;

    apply_header (stream, header);
    limit = message_limit (&self->limits, stream->type, &name);
    if (stream->length > limit) {
      self->limit = name;
      g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_LIMIT,
          "%s message (type %u) of %u bytes, allowed are %" G_GSIZE_FORMAT,
          weir_rtmp_message_type_get_name (stream->type), stream->type, stream->length, limit);
      return FALSE;
    }
    stream->active = TRUE;
    stream->received = 0;
    stream->arrival_us = first_us;
  }
  self->current = index;
  self->chunk_left = MIN (self->chunk_size, stream->length - stream->received);
  return TRUE;
}

/* 1: a header has been taken; 0: wants more input; -1: @error */
static gint
take_header (
    WeirRtmpChunkReader *self, const guint8 **data, gsize *size, gint64 now_us, GError **error)
{
  ChunkHeader header;
  gint64 first_us = now_us;

  if (G_LIKELY (self->carry_size == 0)) {
    if (*size == 0)
      return 0;
    if (!parse_header (self, *data, *size, &header)) {
      memcpy (self->carry, *data, MIN (*size, HEADER_MAX));
      self->carry_size = *size;
      self->carry_us = now_us;
      *data += *size;
      *size = 0;
      return 0;
    }
    *data += header.size;
    *size -= header.size;
  } else {
    while (!parse_header (self, self->carry, self->carry_size, &header)) {
      if (*size == 0)
        return 0;
      self->carry[self->carry_size++] = **data;
      *data += 1;
      *size -= 1;
    }
    first_us = self->carry_us;
    self->carry_size -= header.size;
    memmove (self->carry, self->carry + header.size, self->carry_size);
    self->carry_us = now_us;
  }
  return begin_chunk (self, &header, first_us, now_us, error) ? 1 : -1;
}

/* room for @count more bytes; @available: bytes at hand, so that memory grows with what came */
static gboolean
reserve (
    WeirRtmpChunkReader *self, ChunkStream *stream, gsize count, gsize available, GError **error)
{
  gsize wanted = stream->length;
  guint8 *payload;

  if (G_LIKELY (stream->received + count <= stream->allocated))
    return TRUE;
  if (stream->length > ALLOCATE_AT_ONCE && available < stream->length - stream->received) {
    wanted = MAX (stream->received + count, MAX (2 * stream->allocated, ALLOCATE_AT_ONCE));
    wanted = MIN (wanted, stream->length);
  }
  if (self->partial_bytes - stream->allocated + wanted > self->limits.partial_max) {
    self->limit = WEIR_LIMIT_RTMP_PARTIAL_MESSAGES;
    g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_LIMIT,
        "partial messages of more than %" G_GSIZE_FORMAT " bytes", self->limits.partial_max);
    return FALSE;
  }
  /* most come as a whole */
  payload = G_LIKELY (stream->payload == NULL) ? g_try_malloc (wanted)
                                               : g_try_realloc (stream->payload, wanted);
  if (payload == NULL)
    return fail_for_memory (self, error);
  stream->payload = payload;
  self->partial_bytes += wanted - stream->allocated;
  stream->allocated = wanted;
  return TRUE;
}

static gboolean
take_bytes (WeirRtmpChunkReader *self, ChunkStream *stream, const guint8 *data, gsize count,
    gsize available, GError **error)
{
  if (!reserve (self, stream, count, available, error))
    return FALSE;
  memcpy (stream->payload + stream->received, data, count);
  stream->received += count;
  self->chunk_left -= count;
  return TRUE;
}

static gboolean
take_payload (WeirRtmpChunkReader *self, ChunkStream *stream, const guint8 **data, gsize *size,
    GError **error)
{
  gsize count = MIN (self->chunk_left, self->carry_size);

  if (G_UNLIKELY (count > 0)) {
    if (!take_bytes (self, stream, self->carry, count, count, error))
      return FALSE;
    self->carry_size -= count;
    memmove (self->carry, self->carry + count, self->carry_size);
  }
  count = MIN (self->chunk_left, *size);
  if (count > 0) {
    if (!take_bytes (self, stream, *data, count, *size, error))
      return FALSE;
    *data += count;
    *size -= count;
  }
  return TRUE;
}

/* what the chunk layer itself obeys, 5.4.1 and 5.4.2, before the next chunk is read */
static gboolean
obey (WeirRtmpChunkReader *self, guint8 type, const guint8 *payload, gsize size, GError **error)
{
  WeirReader reader;
  guint32 value;
  gint index;

  weir_reader_init (&reader, payload, size);
  value = weir_reader_u32 (&reader);
  if (reader.failed)
    return TRUE;
  if (type == WEIR_RTMP_ABORT) {
    index = find_stream (self, value);
    if (index >= 0 && self->streams[index].active)
      drop_partial (self, &self->streams[index]);
    return TRUE;
  }
  if (value == 0 || value > G_MAXINT32) {
    self->limit = WEIR_RTMP_PROTOCOL_ERROR;
    g_set_error (error, WEIR_RTMP_ERROR, WEIR_RTMP_ERROR_PROTOCOL, "Set Chunk Size of %u", value);
    return FALSE;
  }
  self->chunk_size = MIN (value, CHUNK_SIZE_MAX);
  return TRUE;
}

static gboolean
finish_message (
    WeirRtmpChunkReader *self, ChunkStream *stream, WeirRtmpMessage *message, GError **error)
{
  g_autofree guint8 *payload = g_steal_pointer (&stream->payload);

  /* growth stops at the length, so nothing is left over */
  self->partial_bytes -= stream->allocated;
  stream->allocated = 0;
  stream->received = 0;
  stream->active = FALSE;
  if ((stream->type == WEIR_RTMP_SET_CHUNK_SIZE || stream->type == WEIR_RTMP_ABORT) &&
      !obey (self, stream->type, payload, stream->length, error))
    return FALSE;
  message->chunk_stream_id = stream->id;
  message->type = stream->type;
  message->stream_id = stream->stream_id;
  message->timestamp = stream->timestamp;
  message->arrival_us = stream->arrival_us;
  message->payload = g_steal_pointer (&payload);
  message->size = stream->length;
  return TRUE;
}

WeirRtmpChunkResult
weir_rtmp_chunk_reader_input (WeirRtmpChunkReader *self, const guint8 **data, gsize *size,
    gint64 now_us, WeirRtmpMessage *message, GError **error)
{
  for (;;) {
    ChunkStream *stream;

    if (self->current < 0) {
      gint result = take_header (self, data, size, now_us, error);

      if (result < 0)
        return WEIR_RTMP_CHUNK_ERROR;
      if (result == 0)
        return WEIR_RTMP_CHUNK_MORE;
    }
    stream = &self->streams[self->current];
    if (!take_payload (self, stream, data, size, error))
      return WEIR_RTMP_CHUNK_ERROR;
    if (self->chunk_left > 0)
      return WEIR_RTMP_CHUNK_MORE;
    self->current = -1;
    if (stream->received == stream->length)
      return finish_message (self, stream, message, error) ? WEIR_RTMP_CHUNK_MESSAGE
                                                           : WEIR_RTMP_CHUNK_ERROR;
  }
}

void
weir_rtmp_chunk_writer_init (WeirRtmpChunkWriter *self)
{
  self->chunk_size = CHUNK_SIZE_DEFAULT;
}

static void
write_basic_header (WeirWriter *output, guint format, guint32 id)
{
  if (id < 64) {
    weir_writer_u8 (output, (guint8) (format << 6 | id));
  } else if (id < 320) {
    weir_writer_u8 (output, (guint8) (format << 6));
    weir_writer_u8 (output, (guint8) (id - 64));
  } else {
    weir_writer_u8 (output, (guint8) (format << 6 | 1));
    weir_writer_u8 (output, (guint8) ((id - 64) & 0xff));
    weir_writer_u8 (output, (guint8) ((id - 64) >> 8));
  }
}

void
weir_rtmp_chunk_writer_message (WeirRtmpChunkWriter *self, WeirWriter *output,
    guint32 chunk_stream_id, guint8 type, guint32 stream_id, guint32 timestamp,
    const guint8 *payload, gsize size)
{
  gsize position = 0;

  g_assert (chunk_stream_id >= 2 && chunk_stream_id <= 65599 && size <= 0xffffff);
  write_basic_header (output, 0, chunk_stream_id);
  weir_writer_u24 (output, MIN (timestamp, EXTENDED));
  weir_writer_u24 (output, (guint32) size);
  weir_writer_u8 (output, type);
  weir_writer_u32_le (output, stream_id);
  if (timestamp >= EXTENDED)
    weir_writer_u32 (output, timestamp);
  for (;;) {
    gsize count = MIN (size - position, self->chunk_size);

    if (count > 0)
      weir_writer_bytes (output, payload + position, count);
    position += count;
    if (position == size)
      return;
    write_basic_header (output, 3, chunk_stream_id);
    if (timestamp >= EXTENDED)
      weir_writer_u32 (output, timestamp);
  }
}

const gchar *
weir_rtmp_message_type_get_name (guint8 type)
{
  switch (type) {
  case WEIR_RTMP_SET_CHUNK_SIZE:
    return "set chunk size";
  case WEIR_RTMP_ABORT:
    return "abort";
  case WEIR_RTMP_ACKNOWLEDGEMENT:
    return "acknowledgement";
  case WEIR_RTMP_USER_CONTROL:
    return "user control";
  case WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE:
    return "window acknowledgement size";
  case WEIR_RTMP_SET_PEER_BANDWIDTH:
    return "set peer bandwidth";
  case WEIR_RTMP_AUDIO:
    return "audio";
  case WEIR_RTMP_VIDEO:
    return "video";
  case WEIR_RTMP_DATA_AMF3:
  case WEIR_RTMP_DATA:
    return "data";
  case WEIR_RTMP_SHARED_OBJECT_AMF3:
  case WEIR_RTMP_SHARED_OBJECT:
    return "shared object";
  case WEIR_RTMP_COMMAND_AMF3:
  case WEIR_RTMP_COMMAND:
    return "command";
  case WEIR_RTMP_AGGREGATE:
    return "aggregate";
  default:
    return "unknown";
  }
}
