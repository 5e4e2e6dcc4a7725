/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirRtmpMessage:
 * @payload: (array length=size) (nullable): allocated with g_malloc() to exactly the message's
 *   size; steal it by setting it to NULL
 */
typedef struct {
  guint32 chunk_stream_id;
  guint8 type;
  guint32 stream_id;
  guint32 timestamp; /* ms, absolute, mod 2^32 */
  gint64 arrival_us; /* `now` when its first byte came */
  guint8 *payload;
  gsize size;
} WeirRtmpMessage;

/* types of messages */
enum {
  WEIR_RTMP_SET_CHUNK_SIZE = 1,
  WEIR_RTMP_ABORT = 2,
  WEIR_RTMP_ACKNOWLEDGEMENT = 3,
  WEIR_RTMP_USER_CONTROL = 4,
  WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE = 5,
  WEIR_RTMP_SET_PEER_BANDWIDTH = 6,
  WEIR_RTMP_AUDIO = 8,
  WEIR_RTMP_VIDEO = 9,
  WEIR_RTMP_DATA_AMF3 = 15,
  WEIR_RTMP_SHARED_OBJECT_AMF3 = 16,
  WEIR_RTMP_COMMAND_AMF3 = 17,
  WEIR_RTMP_DATA = 18,
  WEIR_RTMP_SHARED_OBJECT = 19,
  WEIR_RTMP_COMMAND = 20,
  WEIR_RTMP_AGGREGATE = 22,
};

/* What an encoder understands beyond RTMP 1.0 (Enhanced RTMP v2, CapsExMask) */
typedef enum {
  WEIR_RTMP_CAPABILITY_RECONNECT = 0x01,   /* goes elsewhere when asked to */
  WEIR_RTMP_CAPABILITY_MULTITRACK = 0x02,  /* several tracks of a kind */
  WEIR_RTMP_CAPABILITY_MODIFIERS = 0x04,   /* ModEx */
  WEIR_RTMP_CAPABILITY_NANOSECONDS = 0x08, /* TimestampOffsetNano */
} WeirRtmpCapabilities;

/* Returns: (transfer none): "video", "command", …; "type N" style names are not made: "unknown" */
const gchar *weir_rtmp_message_type_get_name (guint8 type);

G_END_DECLS
