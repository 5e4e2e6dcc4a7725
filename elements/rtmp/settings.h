/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a conversation with an encoder may cost and how long it may take; defaults stand beside. */

/* Names of the limits in weir.conf(5): why a connection was closed or something of it was dropped.
 * Static, to be counted by (#WeirCounters). */
#define WEIR_LIMIT_RTMP_HANDSHAKE "rtmp-handshake"
#define WEIR_LIMIT_RTMP_FIRST_MEDIA "rtmp-first-media"
#define WEIR_LIMIT_RTMP_MEDIA_SILENCE "rtmp-media-silence"
#define WEIR_LIMIT_RTMP_EARLY_BYTES "rtmp-early-bytes"
#define WEIR_LIMIT_RTMP_STREAMS "rtmp-streams"
#define WEIR_LIMIT_RTMP_CHUNK_SIZE "rtmp-chunk-size"
#define WEIR_LIMIT_RTMP_CHUNK_STREAMS "rtmp-chunk-streams"
#define WEIR_LIMIT_RTMP_VIDEO_MESSAGE "rtmp-video-message"
#define WEIR_LIMIT_RTMP_AUDIO_MESSAGE "rtmp-audio-message"
#define WEIR_LIMIT_RTMP_DATA_MESSAGE "rtmp-data-message"
#define WEIR_LIMIT_RTMP_CONTROL_MESSAGE "rtmp-control-message"
#define WEIR_LIMIT_RTMP_PARTIAL_MESSAGES "rtmp-partial-messages"
#define WEIR_LIMIT_RTMP_CUT_OFF_MESSAGES "rtmp-cut-off-messages"
#define WEIR_LIMIT_RTMP_MESSAGES_RATE "rtmp-messages-rate"
#define WEIR_LIMIT_RTMP_COMMANDS_RATE "rtmp-commands-rate"
#define WEIR_LIMIT_RTMP_METADATA_RATE "rtmp-metadata-rate"
#define WEIR_LIMIT_RTMP_PINGS_RATE "rtmp-pings-rate"
#define WEIR_LIMIT_RTMP_LEAD "rtmp-lead"
#define WEIR_LIMIT_RTMP_CLOCK_JUMPS "rtmp-clock-jumps"
#define WEIR_LIMIT_RTMP_CONFIGURATIONS "rtmp-configurations"
#define WEIR_LIMIT_RTMP_TRACKS "rtmp-tracks"
#define WEIR_LIMIT_RTMP_MEMORY "rtmp-memory"
#define WEIR_LIMIT_RTMP_OUTPUT "rtmp-output"
#define WEIR_LIMIT_AMF_DEPTH "amf-depth"
#define WEIR_LIMIT_AMF_VALUES "amf-values"
/* Words for what is no limit: bytes that are not RTMP; another application, or a stream name that
 * is no key; a message that cannot be read. Beside them there is WEIR_OUT_OF_MEMORY. */
#define WEIR_RTMP_PROTOCOL_ERROR "rtmp-protocol-error"
#define WEIR_RTMP_DENIED "rtmp-denied"
#define WEIR_RTMP_UNREADABLE "rtmp-unreadable"

/* Returns: (array zero-terminated=1): all of these names and words */
const gchar *const *weir_rtmp_get_limits (void);

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
  guint32 chunk_size_min;  /* 64: the peer's while publishing; smaller ones only cost CPU */
  guint32 window_min;      /* 2500: fewer bytes are not acknowledged, whatever window is set */
  guint messages_rate;     /* 5000 a second of any kind, and further tracks of one, twice as many
                              at once */
  guint commands_rate;     /* 50 a second */
  guint data_rate;         /* 50 a second */
  guint pings_rate;        /* 2 a second are answered */
  gsize memory_max;        /* 64 MiB: partial messages, aggregate and output together */
  gint64 lead_us;          /* 60 s that the media may be ahead of the clock; held back then */
  guint clock_jumps;       /* 60 a minute: steps of stamps that no frame is long enough for */
  guint configurations;    /* 10 a minute: how often a track's may change */
  guint tracks_max;        /* 16, at most half of them of video, and of audio */
  WeirRtmpChunkLimits chunk;
  WeirAmfLimits amf;
} WeirRtmpSessionSettings;

/* the defaults that stand beside the fields */
void weir_rtmp_session_settings_init (WeirRtmpSessionSettings *settings);

G_END_DECLS
