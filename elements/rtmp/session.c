/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/session.h"

#include "base/escape.h"
#include "base/tokenbucket.h"
#include "rtmp/flvtag.h"
#include "rtmp/handshake.h"

#include <string.h>

/* chunk streams that we send on: 5.4 wants 2 for control messages */
#define CONTROL_CHUNK_STREAM 2
#define COMMAND_CHUNK_STREAM 3
#define STATUS_CHUNK_STREAM 5

/* user control events, 7.1.7 */
enum {
  STREAM_BEGIN = 0,
  PING_REQUEST = 6,
  PING_RESPONSE = 7,
};

#define PEER_BANDWIDTH_DYNAMIC 2
#define CLOSE_DELAY_US (250 * 1000)
#define KEY_MAX 128
#define QUERY_MAX 2048
/* an application, an address, a stream name: longer ones hold no key, and are not copied about */
#define TEXT_MAX 4096
#define VALUES_MAX 8 /* of a command */
#define AGGREGATE_HEADER_SIZE 11
#define STREAMS_LIMIT 64
/* what an encoder is told that may go on */
#define TELLS_MAX 4
#define TELL_INTERVAL_SECONDS 15.0
#define ALL_CAPABILITIES                                              \
  (WEIR_RTMP_CAPABILITY_RECONNECT | WEIR_RTMP_CAPABILITY_MULTITRACK | \
      WEIR_RTMP_CAPABILITY_MODIFIERS | WEIR_RTMP_CAPABILITY_NANOSECONDS)
/* Enhanced RTMP v2, FourCcInfoMask: CanForward */
#define CODEC_FORWARDS 4
/* steps of stamps between which media is believed to go on, ms */
#define STEP_MAX 2000
#define STEP_MIN (-500)
#define HOLD_US (500 * 1000) /* media that is held back comes in portions */
#define DRIFT_DIVISOR 20     /* media may run faster than the clock by this part of it, always */

static const gchar *const limits[] = {
    WEIR_LIMIT_RTMP_HANDSHAKE,
    WEIR_LIMIT_RTMP_FIRST_MEDIA,
    WEIR_LIMIT_RTMP_MEDIA_SILENCE,
    WEIR_LIMIT_RTMP_EARLY_BYTES,
    WEIR_LIMIT_RTMP_STREAMS,
    WEIR_LIMIT_RTMP_CHUNK_SIZE,
    WEIR_LIMIT_RTMP_MESSAGES_RATE,
    WEIR_LIMIT_RTMP_COMMANDS_RATE,
    WEIR_LIMIT_RTMP_METADATA_RATE,
    WEIR_LIMIT_RTMP_PINGS_RATE,
    WEIR_LIMIT_RTMP_LEAD,
    WEIR_LIMIT_RTMP_CLOCK_JUMPS,
    WEIR_LIMIT_RTMP_CONFIGURATIONS,
    WEIR_LIMIT_RTMP_TRACKS,
    WEIR_LIMIT_RTMP_MEMORY,
    WEIR_LIMIT_RTMP_OUTPUT,
    WEIR_LIMIT_RTMP_CHUNK_STREAMS,
    WEIR_LIMIT_RTMP_VIDEO_MESSAGE,
    WEIR_LIMIT_RTMP_AUDIO_MESSAGE,
    WEIR_LIMIT_RTMP_DATA_MESSAGE,
    WEIR_LIMIT_RTMP_CONTROL_MESSAGE,
    WEIR_LIMIT_RTMP_PARTIAL_MESSAGES,
    WEIR_LIMIT_RTMP_CUT_OFF_MESSAGES,
    WEIR_LIMIT_AMF_DEPTH,
    WEIR_LIMIT_AMF_VALUES,
    WEIR_RTMP_PROTOCOL_ERROR,
    WEIR_RTMP_DENIED,
    WEIR_RTMP_UNREADABLE,
    WEIR_OUT_OF_MEMORY,
    NULL,
};

typedef enum {
  STATE_HANDSHAKE,
  STATE_UNCONNECTED,
  STATE_CONNECTED,
  STATE_ASKING, /* PUBLISH was given out; no decision yet */
  STATE_PUBLISHING,
  STATE_CLOSING, /* the last words are in the output; CLOSE at close_us */
  STATE_CLOSED,
} State;

/* the stamps of audio or of video of one publication */
typedef struct {
  gboolean begun;
  guint32 last; /* ms */
  gint64 last_us;
  gint64 lead_us; /* how far the media is ahead of the clock; negative: behind */
} Clock;

struct _WeirRtmpSession {
  WeirRtmpSessionSettings settings;
  gchar *served_app;
  State state;
  WeirRtmpHandshake *handshake;
  WeirRtmpChunkReader *reader;
  WeirRtmpChunkWriter writer;
  WeirWriter output;
  WeirWriter scratch;

  gchar *app;       /* as sent, without query */
  gchar *app_query; /* nullable */
  gchar *encoder;
  guint capabilities; /* WeirRtmpCapabilities */
  guint64 stream_ids; /* bit n: id n + 1 is in use */
  guint32 publishing_id;

  guint64 received;
  guint64 acknowledged;
  guint32 peer_window;

  gint64 start_us;
  gint64 input_us;
  gint64 ping_us;
  gint64 media_deadline_us; /* publishing: for the next media; after it: for the next publish */
  gint64 close_us;
  gchar *close_reason;
  const gchar *close_limit;
  gboolean close_protocol_error;
  gboolean has_published;
  gboolean has_media;

  WeirTokenBucket messages;
  WeirTokenBucket pings;
  WeirTokenBucket commands;
  WeirTokenBucket data_messages;
  WeirTokenBucket clock_jumps;
  WeirTokenBucket tells;
  gint64 held_until_us; /* G_MAXINT64 unless the media is held back */
  gboolean was_held;
  Clock clocks[2]; /* of video, of audio */

  guint8 *aggregate;
  WeirReader aggregate_reader;
  WeirRtmpMessage aggregate_message;
  guint32 aggregate_first;
  gboolean aggregate_begun;

  guint8 last_type;
  gboolean has_last_type;
  guint64 dropped;
  guint64 drops[G_N_ELEMENTS (limits)]; /* not taken yet */
};

/* one command: values[0] is what follows the transaction id */
typedef struct {
  const gchar *name;
  gdouble transaction;
  guint32 stream_id;
  WeirAmfValue *values[VALUES_MAX];
  guint count;
  gboolean broken; /* some value could not be read */
} Command;

void
weir_rtmp_session_settings_init (WeirRtmpSessionSettings *settings)
{
  *settings = (WeirRtmpSessionSettings){
      .app = "live",
      .chunk_size = 60000,
      .window_size = 2500000,
      .handshake_us = 10 * G_USEC_PER_SEC,
      .first_media_us = 10 * G_USEC_PER_SEC,
      .silence_ping_us = 5 * G_USEC_PER_SEC,
      .media_silence_us = 15 * G_USEC_PER_SEC,
      .early_bytes_max = 64 * 1024,
      .streams_max = 8,
      .chunk_size_min = 64,
      .window_min = 2500,
      .messages_rate = 5000,
      .commands_rate = 50,
      .data_rate = 50,
      .pings_rate = 2,
      .memory_max = 64 * 1024 * 1024,
      .lead_us = 60 * G_USEC_PER_SEC,
      .clock_jumps = 60,
      .configurations = 10,
      .tracks_max = 16,
      .chunk = weir_rtmp_chunk_limits_default,
      .amf = weir_amf_limits_default,
  };
}

void
weir_rtmp_event_clear (WeirRtmpEvent *self)
{
  g_free (self->app);
  g_free (self->key);
  g_free (self->query);
  g_free (self->encoder);
  g_free (self->message.payload);
  g_free (self->reason);
  memset (self, 0, sizeof *self);
}

static gboolean
is_blank_or_slash (gchar c)
{
  return c == ' ' || c == '\t' || c == '/';
}

/* cuts blanks and slashes off both ends. Returns: (transfer full) */
static gchar *
trim (const gchar *text, gsize size)
{
  while (size > 0 && is_blank_or_slash (text[0])) {
    text++;
    size--;
  }
  while (size > 0 && is_blank_or_slash (text[size - 1]))
    size--;
  return g_strndup (text, size);
}

static void
init_rate (WeirTokenBucket *bucket, guint rate, guint burst, gint64 now_us)
{
  weir_token_bucket_init (bucket, MAX (rate, 1), MAX (burst, 1), now_us);
}

WeirRtmpSession *
weir_rtmp_session_new (const WeirRtmpSessionSettings *settings, const guint8 *random, gint64 now_us)
{
  WeirRtmpSession *self = g_new0 (WeirRtmpSession, 1);

  self->settings = *settings;
  self->settings.app = NULL;
  self->settings.streams_max = MIN (settings->streams_max, STREAMS_LIMIT);
  self->served_app = settings->app != NULL ? trim (settings->app, strlen (settings->app)) : NULL;
  self->handshake = weir_rtmp_handshake_new (random, (guint32) (now_us / 1000));
  self->reader = weir_rtmp_chunk_reader_new (&settings->chunk);
  weir_rtmp_chunk_writer_init (&self->writer);
  weir_writer_init (&self->output, 0);
  weir_writer_init (&self->scratch, 0);
  self->peer_window = settings->window_size;
  self->start_us = now_us;
  self->input_us = now_us;
  init_rate (&self->messages, settings->messages_rate, 2 * settings->messages_rate, now_us);
  init_rate (&self->pings, settings->pings_rate, settings->pings_rate, now_us);
  init_rate (&self->commands, settings->commands_rate, settings->commands_rate, now_us);
  init_rate (&self->data_messages, settings->data_rate, settings->data_rate, now_us);
  weir_token_bucket_init (&self->tells, 1 / TELL_INTERVAL_SECONDS, TELLS_MAX, now_us);
  self->held_until_us = G_MAXINT64;
  weir_token_bucket_init (&self->clock_jumps, MAX (settings->clock_jumps, 1) / 60.0,
      MAX (settings->clock_jumps, 1), now_us);
  return self;
}

void
weir_rtmp_session_free (WeirRtmpSession *self)
{
  if (self == NULL)
    return;
  weir_rtmp_handshake_free (self->handshake);
  weir_rtmp_chunk_reader_free (self->reader);
  weir_writer_clear (&self->output);
  weir_writer_clear (&self->scratch);
  g_free (self->served_app);
  g_free (self->app);
  g_free (self->app_query);
  g_free (self->encoder);
  g_free (self->close_reason);
  g_free (self->aggregate);
  g_free (self);
}

WeirWriter *
weir_rtmp_session_get_output (WeirRtmpSession *self)
{
  return &self->output;
}

gboolean
weir_rtmp_session_is_publishing (WeirRtmpSession *self)
{
  return self->state == STATE_PUBLISHING;
}

const gchar *
weir_rtmp_session_get_last_message (WeirRtmpSession *self)
{
  return self->has_last_type ? weir_rtmp_message_type_get_name (self->last_type) : "none";
}

guint64
weir_rtmp_session_get_dropped (WeirRtmpSession *self)
{
  return self->dropped + weir_rtmp_chunk_reader_get_discarded (self->reader);
}

const gchar *const *
weir_rtmp_get_limits (void)
{
  return limits;
}

const gchar *
weir_rtmp_session_take_drops (WeirRtmpSession *self, guint64 *count)
{
  for (guint i = 0; limits[i] != NULL; i++) {
    if (self->drops[i] == 0)
      continue;
    *count = self->drops[i];
    self->drops[i] = 0;
    return limits[i];
  }
  return NULL;
}

/* something is not done for that reason; seldom, so the name may be searched */
static void
note_drop (WeirRtmpSession *self, const gchar *limit)
{
  for (guint i = 0; limits[i] != NULL; i++) {
    if (g_str_equal (limits[i], limit))
      self->drops[i]++;
  }
}

static void
drop_message (WeirRtmpSession *self, const gchar *limit)
{
  self->dropped++;
  note_drop (self, limit);
}

/* ---- what we say ---- */

static void
send_control (WeirRtmpSession *self, guint8 type)
{
  weir_rtmp_chunk_writer_message (&self->writer, &self->output, CONTROL_CHUNK_STREAM, type, 0, 0,
      self->scratch.data, self->scratch.size);
  weir_writer_reset (&self->scratch);
}

static void
send_number (WeirRtmpSession *self, guint8 type, guint32 number)
{
  weir_writer_u32 (&self->scratch, number);
  send_control (self, type);
}

static void
send_user_control (WeirRtmpSession *self, guint16 event, guint32 value)
{
  weir_writer_u16 (&self->scratch, event);
  weir_writer_u32 (&self->scratch, value);
  send_control (self, WEIR_RTMP_USER_CONTROL);
}

static void
begin_command (WeirRtmpSession *self, const gchar *name, gdouble transaction)
{
  weir_amf_write_string (&self->scratch, name);
  weir_amf_write_number (&self->scratch, transaction);
}

static void
send_command (WeirRtmpSession *self, guint32 chunk_stream_id, guint32 stream_id)
{
  weir_rtmp_chunk_writer_message (&self->writer, &self->output, chunk_stream_id, WEIR_RTMP_COMMAND,
      stream_id, 0, self->scratch.data, self->scratch.size);
  weir_writer_reset (&self->scratch);
}

static void
write_string_member (WeirRtmpSession *self, const gchar *name, const gchar *value)
{
  weir_amf_write_name (&self->scratch, name);
  weir_amf_write_string (&self->scratch, value);
}

static void
write_information (
    WeirRtmpSession *self, const gchar *level, const gchar *code, const gchar *description)
{
  weir_amf_write_object_begin (&self->scratch);
  write_string_member (self, "level", level);
  write_string_member (self, "code", code);
  write_string_member (self, "description", description);
  weir_amf_write_object_end (&self->scratch);
}

/* `_result` with nothing in it */
static void
send_empty_result (WeirRtmpSession *self, gdouble transaction)
{
  begin_command (self, "_result", transaction);
  weir_amf_write_null (&self->scratch);
  weir_amf_write_undefined (&self->scratch);
  send_command (self, COMMAND_CHUNK_STREAM, 0);
}

static void
send_error (WeirRtmpSession *self, gdouble transaction, const gchar *code, const gchar *description)
{
  begin_command (self, "_error", transaction);
  weir_amf_write_null (&self->scratch);
  write_information (self, "error", code, description);
  send_command (self, COMMAND_CHUNK_STREAM, 0);
}

static void
send_status (WeirRtmpSession *self, guint32 stream_id, const gchar *level, const gchar *code,
    const gchar *description)
{
  begin_command (self, "onStatus", 0);
  weir_amf_write_null (&self->scratch);
  write_information (self, level, code, description);
  send_command (self, STATUS_CHUNK_STREAM, stream_id);
}

/* ---- the end ---- */

static gboolean
set_close_event (WeirRtmpSession *self, gboolean protocol_error, const gchar *limit,
    const gchar *reason, WeirRtmpEvent *event)
{
  self->state = STATE_CLOSED;
  memset (event, 0, sizeof *event);
  event->type = WEIR_RTMP_EVENT_CLOSE;
  event->protocol_error = protocol_error;
  event->limit = limit;
  event->reason = g_strdup (reason);
  return TRUE;
}

static gboolean
close_for_memory (WeirRtmpSession *self, WeirRtmpEvent *event)
{
  return set_close_event (self, FALSE, WEIR_OUT_OF_MEMORY, "out of memory", event);
}

/* the peer gets time to read what was sent. @reason: (transfer full) */
static void
close_later (WeirRtmpSession *self, gboolean protocol_error, const gchar *limit, gchar *reason,
    gint64 now_us)
{
  self->state = STATE_CLOSING;
  self->close_us = now_us + CLOSE_DELAY_US;
  self->close_protocol_error = protocol_error;
  self->close_limit = limit;
  g_free (self->close_reason);
  self->close_reason = reason;
  g_clear_pointer (&self->aggregate, g_free);
}

/* A limit is reached. A publisher is told, so that its user does not look for the fault in the
 * network. @reason: without a full stop. TRUE with an event */
static gboolean
end_for_limit (WeirRtmpSession *self, const gchar *limit, const gchar *reason, gint64 now_us,
    WeirRtmpEvent *event)
{
  g_autofree gchar *sentence = NULL;

  if (self->state != STATE_PUBLISHING)
    return set_close_event (self, TRUE, limit, reason, event);
  sentence = g_strdup_printf ("%c%s.", g_ascii_toupper (reason[0]), reason + 1);
  send_status (self, self->publishing_id, "error", "NetStream.Publish.Rejected", sentence);
  close_later (self, TRUE, limit, g_strdup (reason), now_us);
  return FALSE;
}

static void
deny_publish (WeirRtmpSession *self, guint32 stream_id, const gchar *limit,
    const gchar *description, gint64 now_us)
{
  send_status (self, stream_id, "error", "NetStream.Publish.Denied", description);
  close_later (self, TRUE, limit, g_strdup_printf ("publish denied: %s", description), now_us);
}

/* ---- application, key, query ---- */

/* "a/b?c=d" → "a/b" and "c=d"; NULL for no query */
static gchar *
split_query (const gchar *text, gchar **query)
{
  const gchar *mark = strchr (text, '?');
  gchar *path = trim (text, mark != NULL ? (gsize) (mark - text) : strlen (text));
  g_autofree gchar *rest = mark != NULL ? g_strdup (mark + 1) : NULL;

  if (rest != NULL)
    g_strstrip (rest);
  *query = rest != NULL && rest[0] != '\0' ? g_steal_pointer (&rest) : NULL;
  return path;
}

/* the path of "rtmp://host[:port]/path". Returns: (transfer full) */
static gchar *
path_of_url (const gchar *url)
{
  const gchar *host = strstr (url, "://");
  const gchar *path = host != NULL ? strchr (host + 3, '/') : NULL;

  return g_strdup (path != NULL ? path + 1 : "");
}

/* what of @path lies below the application; NULL when it is not that application's */
static const gchar *
path_below (const gchar *path, const gchar *app)
{
  gsize size = strlen (app);

  if (strncmp (path, app, size) != 0)
    return NULL;
  if (path[size] == '\0')
    return path + size;
  return path[size] == '/' ? path + size + 1 : NULL;
}

static gboolean
is_key (const gchar *text)
{
  gsize size = strlen (text);

  if (size == 0 || size > KEY_MAX || g_str_equal (text, ".") || g_str_equal (text, ".."))
    return FALSE;
  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isalnum (text[i]) && strchr ("_.~-", text[i]) == NULL)
      return FALSE;
  }
  return TRUE;
}

/**
 * The key of application and stream name together: URLs are split at different slashes by different
 * encoders, joined again they are equal. Decoded once, then checked, so that what follows the
 * check is what was checked.
 *
 * Returns: (transfer full): NULL when there is none or it has other characters than a key may have
 */
static gchar *
find_key (WeirRtmpSession *self, const gchar *name)
{
  const gchar *below = self->app;
  const gchar *slash;
  g_autofree gchar *joined = NULL, *path = NULL, *component = NULL, *key = NULL;

  if (self->served_app != NULL)
    below = path_below (self->app, self->served_app);
  joined = g_strdup_printf ("%s/%s", below != NULL ? below : "", name);
  path = trim (joined, strlen (joined));
  slash = strrchr (path, '/');
  component = g_strstrip (g_strdup (slash != NULL ? slash + 1 : path));
  /* NULL also for an escaped NUL */
  key = g_uri_unescape_string (component, NULL);
  return key != NULL && is_key (key) ? g_steal_pointer (&key) : NULL;
}

/* ---- commands ---- */

static const WeirAmfValue *
command_value (const Command *command, guint n)
{
  return n < command->count ? command->values[n] : NULL;
}

/* as weir_amf_value_get_member(), in any case: "tcurl" is seen */
static const WeirAmfValue *
find_member (const WeirAmfValue *object, const gchar *name)
{
  for (guint i = 0; i < weir_amf_value_get_size (object); i++) {
    const gchar *member_name;
    const WeirAmfValue *value = weir_amf_value_get_nth (object, i, &member_name);

    if (member_name != NULL && g_ascii_strcasecmp (member_name, name) == 0)
      return value;
  }
  return NULL;
}

static const gchar *
string_member (const WeirAmfValue *object, const gchar *name, gsize *size)
{
  return weir_amf_value_get_string (find_member (object, name), size);
}

/* quotes are seen around application and URL. Returns: (transfer full) */
static gchar *
unquote (const gchar *text)
{
  gsize size = strlen (text);

  while (size > 0 && strchr ("'\" ", text[0]) != NULL) {
    text++;
    size--;
  }
  while (size > 0 && strchr ("'\" ", text[size - 1]) != NULL)
    size--;
  return g_strndup (text, size);
}

/* ---- Enhanced RTMP v2, "Enhancing NetConnection connect Command" ---- */

static void
take_capabilities (WeirRtmpSession *self, const WeirAmfValue *object)
{
  gdouble flags = weir_amf_value_get_number (find_member (object, "capsEx"));

  if (flags > 0 && flags <= G_MAXUINT32)
    self->capabilities = (guint32) flags & ALL_CAPABILITIES;
}

static void
write_codec_map (WeirRtmpSession *self, const gchar *name, WeirMediaKind kind)
{
  weir_amf_write_name (&self->scratch, name);
  weir_amf_write_object_begin (&self->scratch);
  for (guint i = 0; i < WEIR_CODEC_LAST; i++) {
    if (weir_codec_get_kind ((WeirCodec) i) != kind)
      continue;
    weir_amf_write_name (&self->scratch, weir_flv_codec_get_fourcc ((WeirCodec) i));
    weir_amf_write_number (&self->scratch, CODEC_FORWARDS);
  }
  weir_amf_write_object_end (&self->scratch);
}

/* both the list of version 1 and the maps that replace it, as servers are asked to */
static void
write_capabilities (WeirRtmpSession *self)
{
  weir_amf_write_name (&self->scratch, "fourCcList");
  weir_amf_write_strict_array (&self->scratch, WEIR_CODEC_LAST);
  for (guint i = 0; i < WEIR_CODEC_LAST; i++)
    weir_amf_write_string (&self->scratch, weir_flv_codec_get_fourcc ((WeirCodec) i));
  write_codec_map (self, "videoFourCcInfoMap", WEIR_MEDIA_VIDEO);
  write_codec_map (self, "audioFourCcInfoMap", WEIR_MEDIA_AUDIO);
  weir_amf_write_name (&self->scratch, "capsEx");
  weir_amf_write_number (&self->scratch, ALL_CAPABILITIES);
}

static void
send_connect_answer (WeirRtmpSession *self, gdouble transaction)
{
  send_number (self, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, self->settings.window_size);
  weir_writer_u32 (&self->scratch, self->settings.window_size);
  weir_writer_u8 (&self->scratch, PEER_BANDWIDTH_DYNAMIC);
  send_control (self, WEIR_RTMP_SET_PEER_BANDWIDTH);
  send_number (self, WEIR_RTMP_SET_CHUNK_SIZE, self->settings.chunk_size);
  self->writer.chunk_size = self->settings.chunk_size;
  send_user_control (self, STREAM_BEGIN, 0);

  begin_command (self, "_result", transaction);
  weir_amf_write_object_begin (&self->scratch);
  write_string_member (self, "fmsVer", "FMS/3,5,7,7009");
  weir_amf_write_name (&self->scratch, "capabilities");
  weir_amf_write_number (&self->scratch, 31);
  weir_amf_write_object_end (&self->scratch);
  weir_amf_write_object_begin (&self->scratch);
  write_string_member (self, "level", "status");
  write_string_member (self, "code", "NetConnection.Connect.Success");
  write_string_member (self, "description", "Connection succeeded.");
  /* AMF 3 objects are not read, so none is asked for */
  weir_amf_write_name (&self->scratch, "objectEncoding");
  weir_amf_write_number (&self->scratch, 0);
  write_capabilities (self);
  weir_amf_write_object_end (&self->scratch);
  send_command (self, COMMAND_CHUNK_STREAM, 0);
}

static void
refuse_app (WeirRtmpSession *self, const Command *command, const gchar *asked, gssize size,
    const gchar *description, gint64 now_us)
{
  g_autofree gchar *escaped = weir_escape_for_log (asked, size);

  send_error (self, command->transaction, "NetConnection.Connect.InvalidApp", description);
  close_later (self, TRUE, WEIR_RTMP_DENIED,
      g_strdup_printf ("connect to unknown application \"%s\"", escaped), now_us);
}

static void
handle_connect (WeirRtmpSession *self, const Command *command, gint64 now_us)
{
  const WeirAmfValue *object = command_value (command, 0);
  const gchar *app, *url, *encoder;
  gsize app_size = 0, url_size = 0, encoder_size = 0;
  g_autofree gchar *raw = NULL;

  if (self->state != STATE_UNCONNECTED) {
    send_error (self, command->transaction, "NetConnection.Call.Failed", "Already connected.");
    return;
  }
  encoder = string_member (object, "flashVer", &encoder_size);
  if (encoder != NULL)
    self->encoder = weir_escape_for_log (encoder, (gssize) encoder_size);

  app = string_member (object, "app", &app_size);
  if (app_size > TEXT_MAX) {
    refuse_app (
        self, command, app, (gssize) app_size, "The application's name is too long.", now_us);
    return;
  }
  raw = unquote (app != NULL ? app : "");
  url = string_member (object, "tcUrl", &url_size);
  /* of the address only the path counts, and only when there is no application: wherever else it
   * leads, nobody follows it */
  if (raw[0] == '\0' && url != NULL && url_size <= TEXT_MAX) {
    g_autofree gchar *bare = unquote (url);

    g_free (raw);
    raw = path_of_url (bare);
  }
  self->app = split_query (raw, &self->app_query);

  if (self->served_app != NULL && path_below (self->app, self->served_app) == NULL) {
    g_autofree gchar *description =
        g_strdup_printf ("The application here is \"%s\".", self->served_app);

    refuse_app (self, command, self->app, -1, description, now_us);
    return;
  }
  self->state = STATE_CONNECTED;
  take_capabilities (self, object);
  send_connect_answer (self, command->transaction);
}

static void
handle_create_stream (WeirRtmpSession *self, const Command *command)
{
  for (guint i = 0; i < self->settings.streams_max; i++) {
    if ((self->stream_ids >> i & 1) == 0) {
      self->stream_ids |= G_GUINT64_CONSTANT (1) << i;
      begin_command (self, "_result", command->transaction);
      weir_amf_write_null (&self->scratch);
      weir_amf_write_number (&self->scratch, i + 1);
      send_command (self, COMMAND_CHUNK_STREAM, 0);
      return;
    }
  }
  note_drop (self, WEIR_LIMIT_RTMP_STREAMS);
  send_error (self, command->transaction, "NetConnection.Call.Failed", "Too many streams.");
}

/* `onFCPublish`, `onFCUnpublish`: not in the specification; encoders wait for them, with the
 * transaction id of their call */
static void
send_fc_answer (WeirRtmpSession *self, const Command *command, const gchar *name, const gchar *code)
{
  begin_command (self, name, command->transaction);
  weir_amf_write_null (&self->scratch);
  write_information (self, "status", code, "");
  send_command (self, COMMAND_CHUNK_STREAM, 0);
}

static gboolean
unpublish (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event)
{
  if (self->state != STATE_PUBLISHING)
    return FALSE;
  send_status (self, self->publishing_id, "status", "NetStream.Unpublish.Success",
      "The stream is no longer published.");
  self->state = STATE_CONNECTED;
  self->media_deadline_us = now_us + self->settings.media_silence_us;
  g_clear_pointer (&self->aggregate, g_free);
  memset (event, 0, sizeof *event);
  event->type = WEIR_RTMP_EVENT_UNPUBLISH;
  return TRUE;
}

static gchar *
join_queries (const gchar *a, const gchar *b)
{
  if (a != NULL && b != NULL)
    return g_strdup_printf ("%s&%s", a, b);
  return g_strdup (a != NULL ? a : b);
}

/* whether a stream may be published at all. Returns: FALSE when it was refused */
static gboolean
may_publish (WeirRtmpSession *self, guint32 stream_id, gint64 now_us)
{
  if (self->state == STATE_PUBLISHING) {
    send_status (self, stream_id, "error", "NetStream.Publish.BadName",
        "This connection is already publishing.");
    return FALSE;
  }
  if (self->state == STATE_UNCONNECTED) {
    deny_publish (self, stream_id, WEIR_RTMP_PROTOCOL_ERROR, "Connect first.", now_us);
    return FALSE;
  }
  if (weir_rtmp_chunk_reader_get_chunk_size (self->reader) < self->settings.chunk_size_min) {
    deny_publish (
        self, stream_id, WEIR_LIMIT_RTMP_CHUNK_SIZE, "The chunk size is too small.", now_us);
    return FALSE;
  }
  return TRUE;
}

/* Returns: (nullable): what is wrong with the name; NULL: nothing, and it is @text ("" without) */
static const gchar *
read_stream_name (const WeirAmfValue *value, const gchar **text)
{
  gsize size = 0;
  const gchar *string = weir_amf_value_get_string (value, &size);

  if (value != NULL && weir_amf_value_get_type (value) != WEIR_AMF_STRING &&
      weir_amf_value_get_type (value) != WEIR_AMF_NULL &&
      weir_amf_value_get_type (value) != WEIR_AMF_UNDEFINED)
    return "The stream name is no string.";
  if (size > TEXT_MAX)
    return "The stream name is too long.";
  if (string != NULL && strlen (string) != size)
    return "The stream key has characters that no key has.";
  *text = string != NULL ? string : "";
  return NULL;
}

static gboolean
handle_publish (WeirRtmpSession *self, const Command *command, gint64 now_us, WeirRtmpEvent *event)
{
  const WeirAmfValue *value = command_value (command, 1);
  guint32 stream_id = command->stream_id;
  g_autofree gchar *name = NULL, *name_query = NULL, *query = NULL, *key = NULL;
  const gchar *text = "", *wrong;

  /* NetStream.publish(false) is the end of publishing */
  if (value != NULL && weir_amf_value_get_type (value) == WEIR_AMF_BOOLEAN &&
      weir_amf_value_get_number (value) == 0.0)
    return unpublish (self, now_us, event);
  if (!may_publish (self, stream_id, now_us))
    return FALSE;
  wrong = read_stream_name (value, &text);
  if (wrong == NULL) {
    name = split_query (text, &name_query);
    key = find_key (self, name);
    query = join_queries (self->app_query, name_query);
    if (key == NULL)
      wrong = name[0] == '\0' ? "There is no stream key."
                              : "The stream key has characters that no key has, or too many.";
    else if (query != NULL && strlen (query) > QUERY_MAX)
      wrong = "The query is too long.";
  }
  if (wrong != NULL) {
    deny_publish (self, stream_id, WEIR_RTMP_DENIED, wrong, now_us);
    return FALSE;
  }

  self->state = STATE_ASKING;
  self->publishing_id = stream_id;
  self->has_published = TRUE;
  memset (event, 0, sizeof *event);
  event->type = WEIR_RTMP_EVENT_PUBLISH;
  event->app = weir_escape_for_log (self->app, -1);
  event->key = g_steal_pointer (&key);
  event->query = g_steal_pointer (&query);
  event->encoder = g_strdup (self->encoder);
  return TRUE;
}

static gboolean
handle_delete_stream (
    WeirRtmpSession *self, const Command *command, gint64 now_us, WeirRtmpEvent *event)
{
  const WeirAmfValue *value = command_value (command, 1);
  gdouble id = weir_amf_value_get_number (value);

  if (id >= 1 && id <= self->settings.streams_max)
    self->stream_ids &= ~(G_GUINT64_CONSTANT (1) << ((guint) id - 1));
  if (value != NULL && id != (gdouble) self->publishing_id)
    return FALSE;
  return unpublish (self, now_us, event);
}

static void
handle_unknown_command (WeirRtmpSession *self, const Command *command)
{
  g_autofree gchar *name = NULL;
  g_autofree gchar *description = NULL;

  /* answers are not answered */
  if (command->transaction == 0 || command->name[0] == '_' ||
      g_str_has_prefix (command->name, "on"))
    return;
  name = weir_escape_for_log (command->name, -1);
  description = g_strdup_printf ("\"%s\" is not known here.", name);
  send_error (self, command->transaction, "NetConnection.Call.Failed", description);
}

static gboolean
handle_command (WeirRtmpSession *self, const Command *command, gint64 now_us, WeirRtmpEvent *event)
{
  const gchar *name = command->name;

  if (g_str_equal (name, "connect")) {
    handle_connect (self, command, now_us);
    return FALSE;
  }
  if (g_str_equal (name, "publish"))
    return handle_publish (self, command, now_us, event);
  if (self->state == STATE_UNCONNECTED) {
    if (command->transaction != 0)
      send_error (self, command->transaction, "NetConnection.Call.Failed", "Connect first.");
    return FALSE;
  }
  if (g_str_equal (name, "createStream")) {
    handle_create_stream (self, command);
  } else if (g_str_equal (name, "releaseStream") || g_str_equal (name, "_checkbw")) {
    send_empty_result (self, command->transaction);
  } else if (g_str_equal (name, "FCPublish")) {
    send_empty_result (self, command->transaction);
    send_fc_answer (self, command, "onFCPublish", "NetStream.Publish.Start");
  } else if (g_str_equal (name, "FCUnpublish")) {
    gboolean ended;

    send_empty_result (self, command->transaction);
    ended = unpublish (self, now_us, event);
    send_fc_answer (self, command, "onFCUnpublish", "NetStream.Unpublish.Success");
    return ended;
  } else if (g_str_equal (name, "closeStream")) {
    return (command->stream_id == self->publishing_id || command->stream_id == 0) &&
           unpublish (self, now_us, event);
  } else if (g_str_equal (name, "deleteStream")) {
    return handle_delete_stream (self, command, now_us, event);
  } else if (g_str_equal (name, "play") || g_str_equal (name, "play2")) {
    send_status (self, command->stream_id, "error", "NetStream.Play.StreamNotFound",
        "This address takes publishers only.");
  } else {
    handle_unknown_command (self, command);
  }
  return FALSE;
}

/* the values of one command; FALSE: nothing that has a name, or there is no memory (@limit) */
static gboolean
parse_command (WeirRtmpSession *self, WeirReader *reader, WeirAmfValue **name, Command *command,
    const gchar **limit)
{
  const WeirAmfLimits *amf = &self->settings.amf;
  guint values_left = amf->values_max;
  g_autoptr (WeirAmfValue) transaction = NULL;
  gsize size;

  *limit = NULL;
  *name = weir_amf_parse_full (reader, amf, &values_left, limit);
  if (*name == NULL || weir_amf_value_get_string (*name, &size) == NULL)
    return FALSE;
  command->name = weir_amf_value_get_string (*name, &size);
  if (weir_reader_remaining (reader) > 0)
    transaction = weir_amf_parse_full (reader, amf, &values_left, limit);
  command->transaction = weir_amf_value_get_number (transaction);
  while (transaction != NULL && command->count < VALUES_MAX && weir_reader_remaining (reader) > 0) {
    WeirAmfValue *value = weir_amf_parse_full (reader, amf, &values_left, limit);

    if (value == NULL) {
      command->broken = TRUE;
      break;
    }
    command->values[command->count++] = value;
  }
  return g_strcmp0 (*limit, WEIR_OUT_OF_MEMORY) != 0;
}

/* messages 20 and 17, 7.1.1 */
static gboolean
handle_command_message (
    WeirRtmpSession *self, const WeirRtmpMessage *message, gint64 now_us, WeirRtmpEvent *event)
{
  g_autoptr (WeirAmfValue) name = NULL;
  Command command = {.stream_id = message->stream_id};
  const gchar *limit;
  WeirReader reader;
  gboolean result = FALSE;

  if (!weir_token_bucket_take (&self->commands, 1, now_us)) {
    drop_message (self, WEIR_LIMIT_RTMP_COMMANDS_RATE);
    return FALSE;
  }
  weir_reader_init (&reader, message->payload, message->size);
  if (message->type == WEIR_RTMP_COMMAND_AMF3 && message->size > 0 && message->payload[0] == 0)
    weir_reader_skip (&reader, 1);

  if (!parse_command (self, &reader, &name, &command, &limit)) {
    if (g_strcmp0 (limit, WEIR_OUT_OF_MEMORY) == 0)
      result = close_for_memory (self, event);
    else
      drop_message (self, limit != NULL ? limit : WEIR_RTMP_UNREADABLE);
  } else if (command.broken) {
    drop_message (self, limit != NULL ? limit : WEIR_RTMP_UNREADABLE);
    if (command.transaction != 0)
      send_error (
          self, command.transaction, "NetConnection.Call.Failed", "The command could not be read.");
  } else {
    result = handle_command (self, &command, now_us, event);
  }
  for (guint i = 0; i < command.count; i++)
    weir_amf_value_free (command.values[i]);
  return result;
}

/* ---- messages ---- */

static void
handle_user_control (WeirRtmpSession *self, const WeirRtmpMessage *message, gint64 now_us)
{
  WeirReader reader;
  guint16 type;
  guint32 value;

  weir_reader_init (&reader, message->payload, message->size);
  type = weir_reader_u16 (&reader);
  value = weir_reader_u32 (&reader);
  if (reader.failed || type != PING_REQUEST)
    return;
  if (weir_token_bucket_take (&self->pings, 1, now_us))
    send_user_control (self, PING_RESPONSE, value);
  else
    note_drop (self, WEIR_LIMIT_RTMP_PINGS_RATE);
}

static void
handle_window_size (WeirRtmpSession *self, const WeirRtmpMessage *message)
{
  WeirReader reader;
  guint32 value;

  weir_reader_init (&reader, message->payload, message->size);
  value = weir_reader_u32 (&reader);
  if (!reader.failed)
    self->peer_window = value;
}

/* Whoever sends a file as fast as it can is slowed down by TCP, to the pace of the clock. */
static void
hold_back (WeirRtmpSession *self, gint64 until_us)
{
  self->held_until_us = until_us;
  if (!self->was_held)
    note_drop (self, WEIR_LIMIT_RTMP_LEAD);
  self->was_held = TRUE;
}

/* Follows the stamps of a publisher beside the clock. FALSE: that was enough, it is being closed.
 */
static gboolean
check_clock (
    WeirRtmpSession *self, const WeirRtmpMessage *message, gint64 now_us, WeirRtmpEvent *event)
{
  Clock *clock = &self->clocks[message->type == WEIR_RTMP_VIDEO ? 0 : 1];
  gint64 step = (gint32) (message->timestamp - clock->last);
  gint64 passed_us = now_us - clock->last_us;
  gboolean begun = clock->begun;

  clock->begun = TRUE;
  clock->last = message->timestamp;
  clock->last_us = now_us;
  if (!begun) {
    clock->lead_us = 0;
    return TRUE;
  }
  if (step > STEP_MAX || step < STEP_MIN) {
    /* another clock from here on; the media goes on where it was */
    if (weir_token_bucket_take (&self->clock_jumps, 1, now_us))
      return TRUE;
    return end_for_limit (
        self, WEIR_LIMIT_RTMP_CLOCK_JUMPS, "the stamps jump too often", now_us, event);
  }
  /* what was late may come faster, but not be saved up for ever; and over days no encoder's clock
   * is exactly ours */
  clock->lead_us += step * 1000 - passed_us - passed_us / DRIFT_DIVISOR;
  clock->lead_us = MAX (clock->lead_us, -self->settings.lead_us);
  if (clock->lead_us > self->settings.lead_us)
    hold_back (self, now_us + clock->lead_us - self->settings.lead_us + HOLD_US);
  return TRUE;
}

static gboolean
too_many_messages (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event)
{
  g_autofree gchar *reason =
      g_strdup_printf ("more than %u messages a second", self->settings.messages_rate);

  return end_for_limit (self, WEIR_LIMIT_RTMP_MESSAGES_RATE, reason, now_us, event);
}

/* Each further track of a message costs as much as a message. FALSE: that was enough, it is being
 * closed. */
static gboolean
take_tracks (
    WeirRtmpSession *self, const WeirRtmpMessage *message, gint64 now_us, WeirRtmpEvent *event)
{
  WeirMediaKind kind = message->type == WEIR_RTMP_VIDEO ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO;
  guint count = weir_flv_count_tags (kind, message->payload, message->size);

  if (count <= 1 || weir_token_bucket_take (&self->messages, count - 1, now_us))
    return TRUE;
  return too_many_messages (self, now_us, event);
}

/* takes the payload when it returns TRUE */
static gboolean
handle_media (WeirRtmpSession *self, WeirRtmpMessage *message, gint64 now_us, WeirRtmpEvent *event)
{
  gboolean is_data = message->type == WEIR_RTMP_DATA || message->type == WEIR_RTMP_DATA_AMF3;

  if (self->state != STATE_PUBLISHING) {
    self->dropped++;
    return FALSE;
  }
  if (is_data && !weir_token_bucket_take (&self->data_messages, 1, now_us)) {
    drop_message (self, WEIR_LIMIT_RTMP_METADATA_RATE);
    return FALSE;
  }
  if (message->type == WEIR_RTMP_DATA_AMF3) {
    /* what follows the format byte is AMF 0 */
    if (message->size > 0 && message->payload[0] == 0) {
      message->size--;
      memmove (message->payload, message->payload + 1, message->size);
    }
    message->type = WEIR_RTMP_DATA;
  }
  if (!is_data && message->size > 0) {
    if (!take_tracks (self, message, now_us, event) || !check_clock (self, message, now_us, event))
      return FALSE;
    self->media_deadline_us = now_us + self->settings.media_silence_us;
    if (weir_rtmp_session_is_held_back (self))
      self->media_deadline_us += self->held_until_us - now_us;
    self->has_media = TRUE;
  }
  memset (event, 0, sizeof *event);
  event->type = WEIR_RTMP_EVENT_MESSAGE;
  event->message = *message;
  message->payload = NULL;
  return TRUE;
}

/* 7.1.6; takes the payload */
static void
begin_aggregate (WeirRtmpSession *self, WeirRtmpMessage *message)
{
  if (self->state != STATE_PUBLISHING) {
    self->dropped++;
    return;
  }
  self->aggregate = g_steal_pointer (&message->payload);
  self->aggregate_message = *message;
  self->aggregate_begun = FALSE;
  weir_reader_init (&self->aggregate_reader, self->aggregate, message->size);
}

/* the limit that a message of an aggregate exceeds, NULL for none */
static const gchar *
find_exceeded (WeirRtmpSession *self, const WeirRtmpMessage *message)
{
  if (message->type == WEIR_RTMP_AUDIO && message->size > self->settings.chunk.audio_max)
    return WEIR_LIMIT_RTMP_AUDIO_MESSAGE;
  if (message->type == WEIR_RTMP_DATA && message->size > self->settings.chunk.data_max)
    return WEIR_LIMIT_RTMP_DATA_MESSAGE;
  return NULL;
}

/* the next message of the aggregate that is being unpacked; frees it at its end */
static gboolean
next_of_aggregate (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event)
{
  WeirReader *reader = &self->aggregate_reader;

  while (self->aggregate != NULL && weir_reader_remaining (reader) > 0) {
    WeirRtmpMessage message = self->aggregate_message;
    const gchar *exceeded;
    guint32 timestamp;
    const guint8 *payload;

    message.type = weir_reader_u8 (reader);
    message.size = weir_reader_u24 (reader);
    timestamp = weir_reader_u24 (reader);
    timestamp |= (guint32) weir_reader_u8 (reader) << 24;
    weir_reader_skip (reader, 3); /* stream id: the aggregate's counts */
    payload = weir_reader_bytes (reader, message.size);
    if (reader->failed) {
      drop_message (self, WEIR_RTMP_UNREADABLE);
      break;
    }
    /* the back pointer says nothing that is not known; the last one may be missing */
    weir_reader_skip (reader, MIN (4, weir_reader_remaining (reader)));
    /* each costs as much as one that comes alone */
    if (!weir_token_bucket_take (&self->messages, 1, now_us))
      return too_many_messages (self, now_us, event);
    if (!self->aggregate_begun) {
      self->aggregate_begun = TRUE;
      self->aggregate_first = timestamp;
    }
    message.timestamp += timestamp - self->aggregate_first;
    /* nothing else belongs in there, least of all another aggregate */
    if (message.type != WEIR_RTMP_AUDIO && message.type != WEIR_RTMP_VIDEO &&
        message.type != WEIR_RTMP_DATA) {
      drop_message (self, WEIR_RTMP_UNREADABLE);
      continue;
    }
    exceeded = find_exceeded (self, &message);
    if (exceeded != NULL) {
      drop_message (self, exceeded);
      continue;
    }
    message.payload = NULL;
    if (message.size > 0) {
      message.payload = g_try_malloc (message.size);
      if (message.payload == NULL)
        return close_for_memory (self, event);
      memcpy (message.payload, payload, message.size);
    }
    if (handle_media (self, &message, now_us, event))
      return TRUE;
    g_free (message.payload);
  }
  g_clear_pointer (&self->aggregate, g_free);
  return FALSE;
}

static gboolean
check_chunk_size (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event)
{
  guint32 size = weir_rtmp_chunk_reader_get_chunk_size (self->reader);
  g_autofree gchar *reason = NULL;

  if (self->state != STATE_PUBLISHING || size >= self->settings.chunk_size_min)
    return FALSE;
  reason = g_strdup_printf ("Set Chunk Size of %u while publishing", size);
  return end_for_limit (self, WEIR_LIMIT_RTMP_CHUNK_SIZE, reason, now_us, event);
}

/* TRUE with an event; what is left of the payload is freed by the caller */
static gboolean
handle_message (
    WeirRtmpSession *self, WeirRtmpMessage *message, gint64 now_us, WeirRtmpEvent *event)
{
  self->last_type = message->type;
  self->has_last_type = TRUE;
  if (!weir_token_bucket_take (&self->messages, 1, now_us))
    return too_many_messages (self, now_us, event);
  switch (message->type) {
  case WEIR_RTMP_AUDIO:
  case WEIR_RTMP_VIDEO:
  case WEIR_RTMP_DATA:
  case WEIR_RTMP_DATA_AMF3:
    return handle_media (self, message, now_us, event);
  case WEIR_RTMP_AGGREGATE:
    begin_aggregate (self, message);
    return next_of_aggregate (self, now_us, event);
  case WEIR_RTMP_COMMAND:
  case WEIR_RTMP_COMMAND_AMF3:
    return handle_command_message (self, message, now_us, event);
  case WEIR_RTMP_USER_CONTROL:
    handle_user_control (self, message, now_us);
    return FALSE;
  case WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE:
    handle_window_size (self, message);
    return FALSE;
  case WEIR_RTMP_SET_CHUNK_SIZE:
    return check_chunk_size (self, now_us, event);
  case WEIR_RTMP_ABORT:
  case WEIR_RTMP_ACKNOWLEDGEMENT:
  case WEIR_RTMP_SET_PEER_BANDWIDTH:
    return FALSE;
  default:
    drop_message (self, WEIR_RTMP_UNREADABLE);
    return FALSE;
  }
}

/* 5.4.3: half a window is acknowledged, so that a peer which waits at a whole one never does */
static void
acknowledge (WeirRtmpSession *self)
{
  if (self->received - self->acknowledged < MAX (self->peer_window / 2, self->settings.window_min))
    return;
  self->acknowledged = self->received;
  send_number (self, WEIR_RTMP_ACKNOWLEDGEMENT, (guint32) self->received);
}

static void
count_input (WeirRtmpSession *self, gsize count, gint64 now_us)
{
  self->received += count;
  self->input_us = now_us;
}

static gboolean
input_handshake (
    WeirRtmpSession *self, const guint8 **data, gsize *size, gint64 now_us, WeirRtmpEvent *event)
{
  gsize consumed = 0;
  WeirRtmpHandshakeResult result =
      weir_rtmp_handshake_input (self->handshake, *data, *size, &consumed, &self->output);

  count_input (self, consumed, now_us);
  *data += consumed;
  *size -= consumed;
  if (result == WEIR_RTMP_HANDSHAKE_FAILED) {
    g_autofree gchar *reason =
        g_strdup_printf ("no RTMP handshake: %s", weir_rtmp_handshake_get_hint (self->handshake));

    return set_close_event (self, TRUE, WEIR_RTMP_PROTOCOL_ERROR, reason, event);
  }
  if (result == WEIR_RTMP_HANDSHAKE_DONE) {
    g_clear_pointer (&self->handshake, weir_rtmp_handshake_free);
    self->state = STATE_UNCONNECTED;
  }
  return FALSE;
}

/* what this connection has of the process' memory, but for what is small and constant */
static gsize
get_memory (WeirRtmpSession *self)
{
  return weir_rtmp_chunk_reader_get_partial_bytes (self->reader) + self->output.size +
         (self->aggregate != NULL ? self->aggregate_reader.size : 0);
}

/* TRUE with an event; FALSE: handled, @more says whether there is more to do */
static gboolean
input_chunks (WeirRtmpSession *self, const guint8 **data, gsize *size, gint64 now_us,
    WeirRtmpEvent *event, gboolean *more)
{
  g_autoptr (GError) error = NULL;
  WeirRtmpMessage message;
  WeirRtmpChunkResult result;
  gsize held_back = 0;
  gsize before;
  gboolean has_event = FALSE;

  if (!self->has_published) {
    guint64 left;

    if (self->received >= self->settings.early_bytes_max)
      return set_close_event (
          self, TRUE, WEIR_LIMIT_RTMP_EARLY_BYTES, "too many bytes before publish", event);
    left = self->settings.early_bytes_max - self->received;
    held_back = *size > left ? *size - left : 0;
  }
  before = *size - held_back;
  *size = before;
  result = weir_rtmp_chunk_reader_input (self->reader, data, size, now_us, &message, &error);
  count_input (self, before - *size, now_us);
  *size += held_back;
  *more = *size > 0;

  if (result == WEIR_RTMP_CHUNK_ERROR) {
    const gchar *limit = weir_rtmp_chunk_reader_get_limit (self->reader);

    if (g_str_equal (limit, WEIR_OUT_OF_MEMORY))
      return close_for_memory (self, event);
    if (g_str_equal (limit, WEIR_RTMP_PROTOCOL_ERROR))
      return set_close_event (self, TRUE, limit, error->message, event);
    return end_for_limit (self, limit, error->message, now_us, event);
  }
  if (result == WEIR_RTMP_CHUNK_MESSAGE) {
    has_event = handle_message (self, &message, now_us, event);
    g_free (message.payload);
  }
  if (self->state == STATE_CLOSED || self->state == STATE_CLOSING)
    return has_event;
  acknowledge (self);
  if (has_event || get_memory (self) <= self->settings.memory_max)
    return has_event;
  return end_for_limit (
      self, WEIR_LIMIT_RTMP_MEMORY, "too much memory for one connection", now_us, event);
}

gboolean
weir_rtmp_session_input (
    WeirRtmpSession *self, const guint8 **data, gsize *size, gint64 now_us, WeirRtmpEvent *event)
{
  gboolean more = TRUE;

  while (more) {
    switch (self->state) {
    case STATE_ASKING:
      return FALSE;
    case STATE_CLOSING:
    case STATE_CLOSED:
      *data += *size;
      *size = 0;
      return FALSE;
    case STATE_HANDSHAKE:
      if (*size == 0)
        return FALSE;
      if (input_handshake (self, data, size, now_us, event))
        return TRUE;
      break;
    default:
      if (weir_rtmp_session_is_held_back (self))
        return FALSE;
      if (self->aggregate != NULL && next_of_aggregate (self, now_us, event))
        return TRUE;
      if (*size == 0)
        return FALSE;
      if (input_chunks (self, data, size, now_us, event, &more))
        return TRUE;
      break;
    }
  }
  return FALSE;
}

/* when nothing has been heard for so long that we ask */
static gint64
ping_deadline (WeirRtmpSession *self)
{
  return MAX (self->input_us, self->ping_us) + self->settings.silence_ping_us;
}

gboolean
weir_rtmp_session_is_held_back (WeirRtmpSession *self)
{
  return self->state == STATE_PUBLISHING && self->held_until_us != G_MAXINT64;
}

gint64
weir_rtmp_session_get_deadline (WeirRtmpSession *self)
{
  switch (self->state) {
  case STATE_CLOSED:
  case STATE_ASKING:
    return G_MAXINT64;
  case STATE_CLOSING:
    return self->close_us;
  case STATE_PUBLISHING:
    return MIN (self->held_until_us, MIN (self->media_deadline_us, ping_deadline (self)));
  default:
    return self->has_published ? self->media_deadline_us
                               : self->start_us + self->settings.handshake_us;
  }
}

gboolean
weir_rtmp_session_advance (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event)
{
  if (now_us < weir_rtmp_session_get_deadline (self))
    return FALSE;
  switch (self->state) {
  case STATE_CLOSED:
  case STATE_ASKING:
    return FALSE;
  case STATE_CLOSING:
    return set_close_event (
        self, self->close_protocol_error, self->close_limit, self->close_reason, event);
  case STATE_PUBLISHING:
    if (now_us >= self->held_until_us)
      self->held_until_us = G_MAXINT64;
    if (now_us < weir_rtmp_session_get_deadline (self))
      return FALSE;
    if (now_us >= self->media_deadline_us)
      return set_close_event (self, FALSE,
          self->has_media ? WEIR_LIMIT_RTMP_MEDIA_SILENCE : WEIR_LIMIT_RTMP_FIRST_MEDIA,
          self->has_media ? "no media any more" : "no media after publish", event);
    self->ping_us = now_us;
    send_user_control (self, PING_REQUEST, (guint32) (now_us / 1000));
    return FALSE;
  default:
    if (self->has_published)
      return set_close_event (self, FALSE, WEIR_LIMIT_RTMP_MEDIA_SILENCE,
          "no publish after the end of the last one", event);
    return set_close_event (self, TRUE, WEIR_LIMIT_RTMP_HANDSHAKE,
        self->state == STATE_HANDSHAKE ? "no RTMP handshake in time" : "no publish in time", event);
  }
}

void
weir_rtmp_session_accept (WeirRtmpSession *self, gint64 now_us)
{
  if (self->state != STATE_ASKING)
    return;
  self->state = STATE_PUBLISHING;
  self->has_media = FALSE;
  memset (self->clocks, 0, sizeof self->clocks);
  self->media_deadline_us = now_us + self->settings.first_media_us;
  /* the input was not read in the meantime, its silence is ours */
  self->input_us = now_us;
  send_user_control (self, STREAM_BEGIN, self->publishing_id);
  send_status (
      self, self->publishing_id, "status", "NetStream.Publish.Start", "Publishing has begun.");
}

void
weir_rtmp_session_refuse (
    WeirRtmpSession *self, const gchar *code, const gchar *description, gint64 now_us)
{
  if (self->state != STATE_ASKING)
    return;
  send_status (self, self->publishing_id, "error", code, description);
  close_later (self, FALSE, NULL, g_strdup_printf ("publish refused: %s", description), now_us);
}

void
weir_rtmp_session_close (WeirRtmpSession *self, const gchar *description, gint64 now_us)
{
  if (self->state == STATE_CLOSING || self->state == STATE_CLOSED)
    return;
  if (self->state == STATE_PUBLISHING)
    send_status (self, self->publishing_id, "status", "NetStream.Unpublish.Success", description);
  close_later (self, FALSE, NULL, g_strdup (description), now_us);
}

void
weir_rtmp_session_reject (WeirRtmpSession *self, const gchar *description, gint64 now_us)
{
  if (self->state == STATE_PUBLISHING)
    send_status (self, self->publishing_id, "error", "NetStream.Publish.Rejected", description);
  if (self->state != STATE_CLOSING && self->state != STATE_CLOSED)
    close_later (self, FALSE, NULL, g_strdup (description), now_us);
}

gboolean
weir_rtmp_session_request_reconnect (
    WeirRtmpSession *self, const gchar *url, const gchar *description)
{
  gboolean connected = self->state == STATE_CONNECTED || self->state == STATE_ASKING ||
                       self->state == STATE_PUBLISHING;

  if (!connected || (self->capabilities & WEIR_RTMP_CAPABILITY_RECONNECT) == 0)
    return FALSE;
  begin_command (self, "onStatus", 0);
  weir_amf_write_null (&self->scratch);
  weir_amf_write_object_begin (&self->scratch);
  write_string_member (self, "level", "status");
  write_string_member (self, "code", "NetConnection.Connect.ReconnectRequest");
  if (description != NULL)
    write_string_member (self, "description", description);
  if (url != NULL)
    write_string_member (self, "tcUrl", url);
  weir_amf_write_object_end (&self->scratch);
  /* the connection's, not the stream's */
  send_command (self, COMMAND_CHUNK_STREAM, 0);
  return TRUE;
}

gboolean
weir_rtmp_session_tell (WeirRtmpSession *self, WeirRtmpLevel level, const gchar *code,
    const gchar *description, gint64 now_us)
{
  if (self->state != STATE_PUBLISHING || !weir_token_bucket_take (&self->tells, 1, now_us))
    return FALSE;
  send_status (self, self->publishing_id, level == WEIR_RTMP_LEVEL_WARNING ? "warning" : "status",
      code, description);
  return TRUE;
}

WeirRtmpCapabilities
weir_rtmp_session_get_capabilities (WeirRtmpSession *self)
{
  return (WeirRtmpCapabilities) self->capabilities;
}
