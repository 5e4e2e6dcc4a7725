/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/counters.h"
#include "base/writer.h"
#include "rtmp/message.h"
#include "rtmp/settings.h"

G_BEGIN_DECLS

/**
 * The chunk layer of RTMP (RTMP 1.0, 5.3), pure: chunks to messages and messages to chunks.
 *
 * What is as long as the peer says is allocated so that it may fail, which is an error of this
 * connection alone.
 */

extern const WeirRtmpChunkLimits weir_rtmp_chunk_limits_default;

typedef enum {
  WEIR_RTMP_CHUNK_MORE,    /* all input taken, wants more */
  WEIR_RTMP_CHUNK_MESSAGE, /* a message is complete; call again with the rest of the input */
  WEIR_RTMP_CHUNK_ERROR,   /* protocol error or limit; see @error */
} WeirRtmpChunkResult;

typedef struct _WeirRtmpChunkReader WeirRtmpChunkReader;

#define WEIR_RTMP_ERROR (weir_rtmp_error_quark ())
GQuark weir_rtmp_error_quark (void);
typedef enum {
  WEIR_RTMP_ERROR_PROTOCOL, /* the peer does not follow the specification */
  WEIR_RTMP_ERROR_LIMIT,    /* it exceeds one of our limits, or there is no memory */
} WeirRtmpError;

WeirRtmpChunkReader *weir_rtmp_chunk_reader_new (const WeirRtmpChunkLimits *limits);
void weir_rtmp_chunk_reader_free (WeirRtmpChunkReader *self);
/**
 * weir_rtmp_chunk_reader_input:
 * @data: bytes from the peer, advanced past what was taken
 * @message: (out caller-allocates): set with MESSAGE; @message->payload is then the caller's
 *
 * Set Chunk Size and Abort (5.4.1, 5.4.2) are applied by the reader itself before the next chunk
 * and are also handed out; a size of 0 or above 2^31 - 1 is an error, one that is cut short is
 * ignored. The events do not depend on how the input is cut into pieces. Where encoders differ from
 * the specification or from each other:
 * - Timestamps (5.3.1.2) belong to the chunk stream id, whatever the messages' types; deltas are
 *   added mod 2^32, so one near 2^32 is a step back.
 * - Type 3 that begins a message right after type 0: its timestamp is the delta (5.3.1.2.4) when it
 *   is below 1000 ms; else the delta is 0.
 * - Extended timestamp (5.3.1.3) on a type 3 that continues a message: there when the next four
 *   bytes equal the one in force, else they are payload. On one that begins a message: always.
 * - Type 0 or 1 in mid-message with the same length and type continues the message; any other
 *   header there discards it. The fourth such discard within a minute is an error.
 * - A chunk stream may begin with type 1 (base 0), not with 2 or 3.
 *
 * Memory grows with the bytes received: a message beyond 64 KiB that has not come as a whole is
 * never allocated by its announced length. After ERROR the reader is not to be used again.
 */
WeirRtmpChunkResult weir_rtmp_chunk_reader_input (WeirRtmpChunkReader *self, const guint8 **data,
    gsize *size, gint64 now_us, WeirRtmpMessage *message, GError **error);
/* Returns: after ERROR: the static name of the limit, WEIR_RTMP_PROTOCOL_ERROR or
 * WEIR_OUT_OF_MEMORY; else NULL */
const gchar *weir_rtmp_chunk_reader_get_limit (WeirRtmpChunkReader *self);
/* bytes allocated for messages that have not come as a whole */
gsize weir_rtmp_chunk_reader_get_partial_bytes (WeirRtmpChunkReader *self);
/* partial messages that were discarded */
guint64 weir_rtmp_chunk_reader_get_discarded (WeirRtmpChunkReader *self);
/* what the peer has set, 128 at first */
guint32 weir_rtmp_chunk_reader_get_chunk_size (WeirRtmpChunkReader *self);

/**
 * WeirRtmpChunkWriter: embedded; zero-initialise with weir_rtmp_chunk_writer_init()
 */
typedef struct {
  guint32 chunk_size; /* what the peer was told; 128 at first */
} WeirRtmpChunkWriter;

void weir_rtmp_chunk_writer_init (WeirRtmpChunkWriter *self);
/* appends the message in chunks, header type 0 first, extended timestamps always repeated */
void weir_rtmp_chunk_writer_message (WeirRtmpChunkWriter *self, WeirWriter *output,
    guint32 chunk_stream_id, guint8 type, guint32 stream_id, guint32 timestamp,
    const guint8 *payload, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRtmpChunkReader, weir_rtmp_chunk_reader_free)

G_END_DECLS
