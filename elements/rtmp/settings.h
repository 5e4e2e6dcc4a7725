/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a conversation with an encoder may cost and how long it may take; defaults stand beside. */

/* AMF 0 values */
typedef struct {
  guint depth_max;  /* 16: containers within each other, the outermost counts 1 */
  guint values_max; /* 4096: values in one message in all */
} WeirAmfLimits;

/* the chunk layer */
typedef struct {
  guint chunk_streams_max; /* 64 live chunk stream ids */
  gsize video_max;         /* 8 MiB a message */
  gsize audio_max;         /* 256 KiB */
  gsize data_max;          /* 64 KiB: AMF messages */
  gsize control_max;       /* 16 bytes */
  gsize partial_max;       /* 16 MiB: all partial messages of a connection */
  guint broken_per_minute; /* 3: partial messages cut off by a new header, then it is an error */
} WeirRtmpChunkLimits;

typedef struct {
  const gchar *app;        /* (transfer none) copied; "live"; NULL: any */
  guint32 chunk_size;      /* 60000: what we announce */
  guint32 window_size;     /* 2500000: Window Acknowledgement Size that we announce */
  gint64 handshake_us;     /* 10 s from the start until publish is asked for, for all of it */
  gint64 first_media_us;   /* 10 s from Publish.Start to the first media */
  gint64 silence_ping_us;  /* 5 s of silence, then we ping */
  gint64 media_silence_us; /* 15 s without media: closed */
  gsize early_bytes_max;   /* 64 KiB before publish is asked for */
  guint streams_max;       /* 8 createStream */
  WeirRtmpChunkLimits chunk;
  WeirAmfLimits amf;
} WeirRtmpSessionSettings;

/* the defaults that stand beside the fields */
void weir_rtmp_session_settings_init (WeirRtmpSessionSettings *settings);

G_END_DECLS
