/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/session.h"

#include "hex.h"
#include "rtmpclient.h"

#include <stdarg.h>

#define SECOND G_USEC_PER_SEC

static const guint8 random_bytes[1528] = {1, 2, 3};

/* An encoder of our own: what it says goes through the session in pieces; what comes back and what
 * happens is written down, "<" a message of the session, "!" an event. */
typedef struct {
  WeirRtmpSession *session;
  gint64 now_us;
  gsize piece; /* bytes given at once, 0: random */
  WeirRtmpChunkWriter writer;
  WeirWriter input;
  gsize input_position; /* of what the session has not taken yet */
  WeirRtmpChunkReader *reader;
  gsize handshake_left;
  GString *log;
  gboolean closed;
  const gchar *limit; /* of the end */
  guint media_count;
  guint32 acknowledged;
} Peer;

static Peer *
peer_new_full (const WeirRtmpSessionSettings *settings, gsize piece)
{
  Peer *self = g_new0 (Peer, 1);

  self->now_us = 1000 * SECOND;
  self->session = weir_rtmp_session_new (settings, random_bytes, self->now_us);
  self->piece = piece;
  weir_rtmp_chunk_writer_init (&self->writer);
  self->reader = weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);
  self->handshake_left = 3073;
  self->log = g_string_new (NULL);
  return self;
}

static Peer *
peer_new (void)
{
  WeirRtmpSessionSettings settings;

  weir_rtmp_session_settings_init (&settings);
  return peer_new_full (&settings, G_MAXSIZE);
}

static void
peer_free (Peer *self)
{
  weir_rtmp_session_free (self->session);
  weir_rtmp_chunk_reader_free (self->reader);
  weir_writer_clear (&self->input);
  g_string_free (self->log, TRUE);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

static void
describe_value (GString *log, const WeirAmfValue *value)
{
  switch (weir_amf_value_get_type (value)) {
  case WEIR_AMF_NUMBER:
    g_string_append_printf (log, " %g", weir_amf_value_get_number (value));
    return;
  case WEIR_AMF_STRING:
    g_string_append_printf (log, " \"%s\"", weir_amf_value_get_string (value, NULL));
    return;
  case WEIR_AMF_NULL:
    g_string_append (log, " null");
    return;
  case WEIR_AMF_UNDEFINED:
    g_string_append (log, " undefined");
    return;
  default:
    g_string_append (log, " {");
    for (guint i = 0; i < weir_amf_value_get_size (value); i++) {
      const gchar *name;
      const WeirAmfValue *member = weir_amf_value_get_nth (value, i, &name);

      /* the words are free, the codes are not */
      if (g_strcmp0 (name, "description") == 0 || g_strcmp0 (name, "fmsVer") == 0)
        continue;
      if (name != NULL)
        g_string_append_printf (log, " %s", name);
      describe_value (log, member);
    }
    g_string_append (log, " }");
  }
}

static void
describe_answer (Peer *self, const WeirRtmpMessage *message)
{
  guint values_left = 100;
  WeirReader reader;

  weir_reader_init (&reader, message->payload, message->size);
  if (message->type == WEIR_RTMP_ACKNOWLEDGEMENT) {
    self->acknowledged = weir_reader_u32 (&reader);
    return;
  }
  g_string_append_printf (self->log, "< %u:%u", message->chunk_stream_id, message->stream_id);
  if (message->type != WEIR_RTMP_COMMAND) {
    g_string_append_printf (self->log, " %s ", weir_rtmp_message_type_get_name (message->type));
    for (gsize i = 0; i < message->size; i++)
      g_string_append_printf (self->log, "%02x", message->payload[i]);
  }
  while (message->type == WEIR_RTMP_COMMAND && weir_reader_remaining (&reader) > 0) {
    g_autoptr (WeirAmfValue) value =
        weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);

    g_assert_nonnull (value);
    describe_value (self->log, value);
  }
  g_string_append_c (self->log, '\n');
}

/* reads what the session has to send */
static void
peer_listen (Peer *self)
{
  WeirWriter *output = weir_rtmp_session_get_output (self->session);
  const guint8 *data = output->data;
  gsize size = output->size;
  gsize skip = MIN (size, self->handshake_left);
  WeirRtmpMessage message;
  WeirRtmpChunkResult result = WEIR_RTMP_CHUNK_MORE;

  if (size == 0)
    return;
  self->handshake_left -= skip;
  data += skip;
  size -= skip;
  while (size > 0 && (result = weir_rtmp_chunk_reader_input (self->reader, &data, &size, 0,
                          &message, NULL)) == WEIR_RTMP_CHUNK_MESSAGE) {
    describe_answer (self, &message);
    g_free (message.payload);
  }
  g_assert_cmpint (result, !=, WEIR_RTMP_CHUNK_ERROR);
  weir_writer_reset (output);
}

static void
peer_note_event (Peer *self, WeirRtmpEvent *event)
{
  switch (event->type) {
  case WEIR_RTMP_EVENT_PUBLISH:
    g_string_append_printf (self->log, "! publish app=%s key=%s query=%s\n", event->app, event->key,
        event->query != NULL ? event->query : "-");
    break;
  case WEIR_RTMP_EVENT_MESSAGE:
    self->media_count++;
    g_string_append_printf (self->log, "! %s@%u %" G_GSIZE_FORMAT,
        weir_rtmp_message_type_get_name (event->message.type), event->message.timestamp,
        event->message.size);
    if (event->message.size > 0 && event->message.size <= 16)
      g_string_append_printf (self->log, " %02x", event->message.payload[0]);
    g_string_append_c (self->log, '\n');
    break;
  case WEIR_RTMP_EVENT_UNPUBLISH:
    g_string_append (self->log, "! unpublish\n");
    break;
  case WEIR_RTMP_EVENT_CLOSE:
    g_string_append_printf (
        self->log, "! close %s\n", event->protocol_error ? "their fault" : "in order");
    g_test_message ("closed: %s", event->reason);
    g_assert_nonnull (event->reason);
    g_assert_true (event->limit == NULL || g_strv_contains (weir_rtmp_get_limits (), event->limit));
    self->closed = TRUE;
    self->limit = event->limit;
    break;
  }
  weir_rtmp_event_clear (event);
}

/* gives the session all that was said, until it takes no more */
static void
peer_speak (Peer *self)
{
  while (self->input_position < self->input.size) {
    gsize count = self->piece > 0 ? self->piece : (gsize) g_test_rand_int_range (1, 400);
    gsize size = MIN (count, self->input.size - self->input_position);
    g_autofree guint8 *copy = g_memdup2 (self->input.data + self->input_position, size);
    const guint8 *data = copy;
    gsize before = size;
    WeirRtmpEvent event;

    while (weir_rtmp_session_input (self->session, &data, &size, self->now_us, &event)) {
      peer_listen (self);
      peer_note_event (self, &event);
    }
    peer_listen (self);
    self->input_position += before - size;
    if (size > 0)
      return;
  }
  weir_writer_reset (&self->input);
  self->input_position = 0;
}

static void
peer_advance (Peer *self, gint64 us)
{
  WeirRtmpEvent event;

  self->now_us += us;
  while (weir_rtmp_session_advance (self->session, self->now_us, &event)) {
    peer_listen (self);
    peer_note_event (self, &event);
  }
  peer_listen (self);
}

static void
peer_accept (Peer *self)
{
  weir_rtmp_session_accept (self->session, self->now_us);
  peer_listen (self);
  peer_speak (self);
}

static void
peer_handshake (Peer *self, gint schema)
{
  test_write_c0_c1 (&self->input, schema, 5);
  weir_writer_zeros (&self->input, 1536);
}

static void
peer_message (Peer *self, guint32 chunk_stream_id, guint8 type, guint32 stream_id,
    guint32 timestamp, const guint8 *payload, gsize size)
{
  weir_rtmp_chunk_writer_message (
      &self->writer, &self->input, chunk_stream_id, type, stream_id, timestamp, payload, size);
}

static void
peer_hex (Peer *self, guint8 type, guint32 stream_id, guint32 timestamp, const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  peer_message (self, type < 8 ? 2 : 4, type, stream_id, timestamp, data, size);
}

static void
peer_set_chunk_size (Peer *self, guint32 size)
{
  guint8 payload[4] = {0, (guint8) (size >> 16), (guint8) (size >> 8), (guint8) size};

  peer_message (self, 2, WEIR_RTMP_SET_CHUNK_SIZE, 0, 0, payload, 4);
  self->writer.chunk_size = size;
}

/* @format: s string, n number, b boolean, N null, { } object, m member's name, a strict array */
static void
write_values (WeirWriter *writer, const gchar *format, va_list arguments)
{
  for (; *format != '\0'; format++) {
    switch (*format) {
    case 's':
      weir_amf_write_string (writer, va_arg (arguments, const gchar *));
      break;
    case 'n':
      weir_amf_write_number (writer, va_arg (arguments, gdouble));
      break;
    case 'b':
      weir_amf_write_boolean (writer, va_arg (arguments, gboolean));
      break;
    case 'N':
      weir_amf_write_null (writer);
      break;
    case '{':
      weir_amf_write_object_begin (writer);
      break;
    case '}':
      weir_amf_write_object_end (writer);
      break;
    case 'a':
      weir_amf_write_strict_array (writer, va_arg (arguments, guint));
      break;
    case 'm':
      weir_amf_write_name (writer, va_arg (arguments, const gchar *));
      break;
    default:
      g_assert_not_reached ();
    }
  }
}

static void
peer_command (Peer *self, guint32 stream_id, const gchar *format, ...)
{
  g_auto (WeirWriter) payload = {0};
  va_list arguments;

  va_start (arguments, format);
  write_values (&payload, format, arguments);
  va_end (arguments);
  peer_message (
      self, stream_id == 0 ? 3 : 8, WEIR_RTMP_COMMAND, stream_id, 0, payload.data, payload.size);
}

static void
peer_connect (Peer *self, const gchar *app)
{
  peer_command (self, 0, "sn{msmsms}", "connect", 1.0, "app", app, "flashVer", "test/1.0", "tcUrl",
      "rtmp://server/live");
}

#define REJECTED \
  "< 5:1 \"onStatus\" 0 null { level \"error\" code \"NetStream.Publish.Rejected\" }\n"

/* the publisher is told that it is at its end, and for what limit comes a little later */
static void
peer_assert_rejected (Peer *self, const gchar *limit)
{
  peer_speak (self);
  g_assert_false (self->closed);
  g_assert_true (g_str_has_suffix (self->log->str, REJECTED));
  /* nobody listens any more */
  peer_hex (self, WEIR_RTMP_AUDIO, 1, 0, "af01");
  peer_advance (self, SECOND / 4);
  peer_speak (self);
  g_assert_true (g_str_has_suffix (self->log->str, REJECTED "! close their fault\n"));
  g_assert_cmpstr (self->limit, ==, limit);
}

static void
peer_forget (Peer *self)
{
  peer_speak (self);
  g_string_truncate (self->log, 0);
}

/* handshake, connect, createStream */
static Peer *
peer_new_connected (void)
{
  Peer *self = peer_new ();

  peer_handshake (self, -1);
  peer_connect (self, "live");
  peer_command (self, 0, "snN", "createStream", 2.0);
  peer_forget (self);
  return self;
}

/* and publish, accepted */
static Peer *
peer_new_publishing (void)
{
  Peer *self = peer_new_connected ();

  peer_command (self, 1, "snNss", "publish", 3.0, "key", "live");
  peer_speak (self);
  peer_accept (self);
  peer_forget (self);
  return self;
}

#define assert_log(self, expected)                      \
  G_STMT_START                                          \
  {                                                     \
    peer_speak (self);                                  \
    g_assert_cmpstr ((self)->log->str, ==, (expected)); \
    g_string_truncate ((self)->log, 0);                 \
  }                                                     \
  G_STMT_END

/* "name count, …" of what was dropped by a limit since the last time */
static gchar *
peer_take_drops (Peer *self)
{
  GString *text = g_string_new (NULL);
  const gchar *limit;
  guint64 count;

  while ((limit = weir_rtmp_session_take_drops (self->session, &count)) != NULL)
    g_string_append_printf (
        text, "%s%s %" G_GUINT64_FORMAT, text->len > 0 ? ", " : "", limit, count);
  return g_string_free (text, FALSE);
}

#define assert_drops(self, expected)                  \
  G_STMT_START                                        \
  {                                                   \
    g_autofree gchar *drops = peer_take_drops (self); \
    g_assert_cmpstr (drops, ==, (expected));          \
  }                                                   \
  G_STMT_END

#define CAPABILITIES                                                                        \
  " fourCcList { \"avc1\" \"hvc1\" \"av01\" \"vp08\" \"vp09\" \"mp4a\" \"Opus\" \"fLaC\" "  \
  "\"ac-3\" \"ec-3\" \".mp3\" } videoFourCcInfoMap { avc1 4 hvc1 4 av01 4 vp08 4 vp09 4 } " \
  "audioFourCcInfoMap { mp4a 4 Opus 4 fLaC 4 ac-3 4 ec-3 4 .mp3 4 } capsEx 15"
#define CONNECT_ANSWER_START                                         \
  "< 2:0 window acknowledgement size 002625a0\n"                     \
  "< 2:0 set peer bandwidth 002625a002\n"                            \
  "< 2:0 set chunk size 0000ea60\n"                                  \
  "< 2:0 user control 000000000000\n"                                \
  "< 3:0 \"_result\" 1 { capabilities 31 } { level \"status\" code " \
  "\"NetConnection.Connect.Success\" objectEncoding 0"
#define CONNECT_ANSWER CONNECT_ANSWER_START CAPABILITIES " }\n"
#define PUBLISH_START                 \
  "< 2:0 user control 000000000001\n" \
  "< 5:1 \"onStatus\" 0 null { level \"status\" code \"NetStream.Publish.Start\" }\n"
#define UNPUBLISH_SUCCESS \
  "< 5:1 \"onStatus\" 0 null { level \"status\" code \"NetStream.Unpublish.Success\" }\n"
#define DENIED(id) \
  "< 5:" id " \"onStatus\" 0 null { level \"error\" code \"NetStream.Publish.Denied\" }\n"
#define CALL_FAILED(transaction) \
  "< 3:0 \"_error\" " transaction " null { level \"error\" code \"NetConnection.Call.Failed\" }\n"

/* ---- Enhanced RTMP ---- */

static void
what_is_understood_is_said_in_exactly_these_bytes (void)
{
  g_autoptr (Peer) peer = peer_new ();
  g_autoptr (GBytes) expected =
      test_hex ("000a 666f757243634c697374 0a 0000000b"
                "020004 61766331 020004 68766331 020004 61763031 020004 76703038 020004 76703039"
                "020004 6d703461 020004 4f707573 020004 664c6143 020004 61632d33 020004 65632d33"
                "020004 2e6d7033"
                "0012 766964656f466f75724363496e666f4d6170 03"
                "0004 61766331 00 4010000000000000 0004 68766331 00 4010000000000000"
                "0004 61763031 00 4010000000000000 0004 76703038 00 4010000000000000"
                "0004 76703039 00 4010000000000000 000009"
                "0012 617564696f466f75724363496e666f4d6170 03"
                "0004 6d703461 00 4010000000000000 0004 4f707573 00 4010000000000000"
                "0004 664c6143 00 4010000000000000 0004 61632d33 00 4010000000000000"
                "0004 65632d33 00 4010000000000000 0004 2e6d7033 00 4010000000000000 000009"
                "0006 636170734578 00 402e000000000000 000009");
  WeirWriter *output;
  gsize size;
  const guint8 *end = g_bytes_get_data (expected, &size);
  const guint8 *data;
  WeirRtmpEvent event;

  peer_handshake (peer, -1);
  peer_connect (peer, "live");
  data = peer->input.data;
  g_assert_false (weir_rtmp_session_input (
      peer->session, &data, &(gsize){peer->input.size}, peer->now_us, &event));
  output = weir_rtmp_session_get_output (peer->session);
  g_assert_cmpuint (output->size, >, size);
  g_assert_cmpmem (output->data + output->size - size, size, end, size);
}

static void
nothing_is_known_of_an_encoder_that_says_nothing (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  g_assert_cmpuint (weir_rtmp_session_get_capabilities (peer->session), ==, 0);
}

static void
what_an_encoder_understands_is_known (void)
{
  g_autoptr (Peer) peer = peer_new ();
  WeirRtmpSession *session = peer->session;

  peer_handshake (peer, -1);
  /* FFmpeg's spelling of the list, the maps of version 2, and what is none of it */
  peer_command (peer, 0, "sn{msmassnm{mnmnmn}m{mnms}mn}", "connect", 1.0, "app", "live",
      "fourCcList", 3u, "av01", "xyz", 5.0, "videoFourCcInfoMap", "*", 4.0, "hvc1", 3.0, "Opus",
      2.0, "audioFourCcInfoMap", "Opus", 258.0, "mp4a", "4", "capsEx", 261.0);
  peer_forget (peer);
  g_assert_cmpuint (weir_rtmp_session_get_capabilities (session), ==,
      WEIR_RTMP_CAPABILITY_RECONNECT | WEIR_RTMP_CAPABILITY_MODIFIERS);
}

static void
capabilities_of_other_types_are_none (void)
{
  g_autoptr (Peer) peer = peer_new ();

  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn{msmsmnmNms}", "connect", 1.0, "app", "live", "capsEx", "15",
      "fourCcList", 4.0, "videoFourCcInfoMap", "audioFourCcInfoMap", "*");
  assert_log (peer, CONNECT_ANSWER);
  g_assert_cmpuint (weir_rtmp_session_get_capabilities (peer->session), ==, 0);
}

static void
an_encoder_that_understands_it_is_asked_to_reconnect (void)
{
  g_autoptr (Peer) peer = peer_new ();

  g_assert_false (weir_rtmp_session_request_reconnect (peer->session, NULL, NULL));
  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn{msmn}", "connect", 1.0, "app", "live", "capsEx", 1.0);
  peer_command (peer, 0, "snN", "createStream", 2.0);
  peer_command (peer, 1, "snNss", "publish", 3.0, "key", "live");
  peer_speak (peer);
  peer_accept (peer);
  peer_forget (peer);
  g_assert_true (weir_rtmp_session_request_reconnect (
      peer->session, "rtmp://other/live", "The server is updated."));
  peer_listen (peer);
  assert_log (peer, "< 3:0 \"onStatus\" 0 null { level \"status\" code "
                    "\"NetConnection.Connect.ReconnectRequest\" tcUrl \"rtmp://other/live\" }\n");
  g_assert_true (weir_rtmp_session_request_reconnect (peer->session, NULL, NULL));
  peer_listen (peer);
  assert_log (peer, "< 3:0 \"onStatus\" 0 null { level \"status\" code "
                    "\"NetConnection.Connect.ReconnectRequest\" }\n");
  /* it goes on until it leaves */
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 33, "170100000000");
  assert_log (peer, "! video@33 6 17\n");
  weir_rtmp_session_close (peer->session, "The end.", peer->now_us);
  g_assert_false (weir_rtmp_session_request_reconnect (peer->session, NULL, NULL));
}

static void
an_encoder_that_does_not_understand_it_is_not_asked (void)
{
  g_autoptr (Peer) peer = peer_new ();

  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn{msmn}", "connect", 1.0, "app", "live", "capsEx", 14.0);
  peer_forget (peer);
  g_assert_false (weir_rtmp_session_request_reconnect (peer->session, NULL, "Go."));
  peer_listen (peer);
  assert_log (peer, "");
}

#define WARNING \
  "< 5:1 \"onStatus\" 0 null { level \"warning\" code \"NetStream.Publish.Warning\" }\n"

static gboolean
peer_warn (Peer *self)
{
  gboolean told = weir_rtmp_session_tell (self->session, WEIR_RTMP_LEVEL_WARNING,
      "NetStream.Publish.Warning", "Keyframes come every 10 s.", self->now_us);

  peer_listen (self);
  return told;
}

static void
a_publisher_is_told_what_is_wrong_and_goes_on (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  g_assert_true (peer_warn (peer));
  g_assert_true (weir_rtmp_session_tell (peer->session, WEIR_RTMP_LEVEL_STATUS,
      "NetStream.Publish.Healthy", "All is well.", peer->now_us));
  peer_listen (peer);
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "af001190");
  assert_log (peer,
      WARNING "< 5:1 \"onStatus\" 0 null { level \"status\" code \"NetStream.Publish.Healthy\" }\n"
              "! audio@0 4 af\n");
}

static void
a_publisher_is_not_told_too_much (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  for (guint i = 0; i < 4; i++)
    g_assert_true (peer_warn (peer));
  g_assert_false (peer_warn (peer));
  peer_advance (peer, 9 * SECOND);
  g_assert_false (peer_warn (peer));
  peer->now_us += 7 * SECOND;
  g_assert_true (peer_warn (peer));
  g_assert_false (peer_warn (peer));
}

static void
who_does_not_publish_is_not_told (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  g_assert_false (peer_warn (peer));
  assert_log (peer, "");
}

/* ---- whole conversations ---- */

static void
obs (Peer *peer)
{
  peer_handshake (peer, -1);
  peer_set_chunk_size (peer, 4096);
  peer_command (peer, 0, "sn{msmsmsmsms}", "connect", 1.0, "app", "live", "type", "nonprivate",
      "flashVer", "FMLE/3.0 (compatible; FMSc/1.0)", "swfUrl", "rtmp://server/live", "tcUrl",
      "rtmp://server/live");
  assert_log (peer, CONNECT_ANSWER);
  peer_command (peer, 0, "snNs", "releaseStream", 2.0, "key");
  peer_command (peer, 0, "snNs", "FCPublish", 3.0, "key");
  peer_command (peer, 0, "snN", "createStream", 4.0);
  assert_log (peer,
      "< 3:0 \"_result\" 2 null undefined\n"
      "< 3:0 \"_result\" 3 null undefined\n"
      "< 3:0 \"onFCPublish\" 3 null { level \"status\" code \"NetStream.Publish.Start\" }\n"
      "< 3:0 \"_result\" 4 null 1\n");
  peer_command (peer, 1, "snNss", "publish", 5.0, "key?a=b", "live");
  assert_log (peer, "! publish app=live key=key query=a=b\n");
  peer_accept (peer);
  assert_log (peer, PUBLISH_START);
  peer_hex (peer, WEIR_RTMP_DATA, 1, 0, "02 0001 61");
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "af001190");
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 0, "1700000000");
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 33, "170100000000");
  assert_log (peer, "! data@0 4 02\n! audio@0 4 af\n! video@0 5 17\n! video@33 6 17\n");
  peer_command (peer, 0, "snNs", "FCUnpublish", 6.0, "key");
  peer_command (peer, 0, "snNn", "deleteStream", 7.0, 1.0);
  assert_log (peer,
      "< 3:0 \"_result\" 6 null undefined\n" UNPUBLISH_SUCCESS
      "< 3:0 \"onFCUnpublish\" 6 null { level \"status\" code \"NetStream.Unpublish.Success\" }\n"
      "! unpublish\n");
}

static void
ffmpeg (Peer *peer)
{
  peer_handshake (peer, 1);
  peer_command (peer, 0, "sn{msmsmsms}", "connect", 1.0, "app", "live", "type", "nonprivate",
      "flashVer", "FMLE/3.0 (compatible; Lavf59.27.100)", "tcUrl", "rtmp://127.0.0.1:1935/live");
  assert_log (peer, CONNECT_ANSWER);
  /* it echoes our size */
  peer_set_chunk_size (peer, 60000);
  peer_command (peer, 0, "snNs", "releaseStream", 2.0, "key");
  peer_command (peer, 0, "snNs", "FCPublish", 3.0, "key");
  peer_command (peer, 0, "snN", "createStream", 4.0);
  peer_command (peer, 0, "snN", "_checkbw", 5.0);
  assert_log (peer,
      "< 3:0 \"_result\" 2 null undefined\n"
      "< 3:0 \"_result\" 3 null undefined\n"
      "< 3:0 \"onFCPublish\" 3 null { level \"status\" code \"NetStream.Publish.Start\" }\n"
      "< 3:0 \"_result\" 4 null 1\n"
      "< 3:0 \"_result\" 5 null undefined\n");
  peer_command (peer, 1, "snNss", "publish", 6.0, "key", "live");
  assert_log (peer, "! publish app=live key=key query=-\n");
  peer_accept (peer);
  assert_log (peer, PUBLISH_START);
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 40, "170100000000");
  assert_log (peer, "! video@40 6 17\n");
  peer_command (peer, 0, "snNs", "FCUnpublish", 7.0, "key");
  peer_command (peer, 0, "snNn", "deleteStream", 8.0, 1.0);
  assert_log (peer,
      "< 3:0 \"_result\" 7 null undefined\n" UNPUBLISH_SUCCESS
      "< 3:0 \"onFCUnpublish\" 7 null { level \"status\" code \"NetStream.Unpublish.Success\" }\n"
      "! unpublish\n");
}

static void
rtmp2sink (Peer *peer)
{
  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn{msmsmsms}", "connect", 1.0, "app", "live", "type", "nonprivate",
      "tcUrl", "rtmp://127.0.0.1:1935/live", "flashVer", "LNX 10,0,32,18");
  assert_log (peer, CONNECT_ANSWER);
  peer_hex (peer, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, "002625a0");
  peer_command (peer, 0, "snNs", "releaseStream", 2.0, "key?t=1");
  peer_command (peer, 0, "snNs", "FCPublish", 3.0, "key?t=1");
  peer_command (peer, 0, "snN", "createStream", 4.0);
  peer_forget (peer);
  peer_command (peer, 1, "snNss", "publish", 0.0, "key?t=1", "live");
  assert_log (peer, "! publish app=live key=key query=t=1\n");
  peer_accept (peer);
  assert_log (peer, PUBLISH_START);
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 10, "af01aa");
  assert_log (peer, "! audio@10 3 af\n");
  peer_command (peer, 0, "snNn", "deleteStream", 0.0, 1.0);
  assert_log (peer, UNPUBLISH_SUCCESS "! unpublish\n");
}

static void
fmle (Peer *peer)
{
  peer_handshake (peer, 0);
  peer_command (peer, 0, "sn{msmsmsmsms}", "connect", 1.0, "app", "live", "flashVer",
      "FMLE/3.0 (compatible; FMSc/1.0)", "swfUrl", "rtmp://server/live", "tcUrl",
      "rtmp://server/live", "type", "nonprivate");
  assert_log (peer, CONNECT_ANSWER);
  /* in an order of its own, and createStream without the two others answered */
  peer_command (peer, 0, "snN", "createStream", 2.0);
  peer_command (peer, 0, "snNs", "FCPublish", 3.0, "key");
  peer_command (peer, 1, "snNss", "publish", 0.0, "key", "live");
  assert_log (peer,
      "< 3:0 \"_result\" 2 null 1\n"
      "< 3:0 \"_result\" 3 null undefined\n"
      "< 3:0 \"onFCPublish\" 3 null { level \"status\" code \"NetStream.Publish.Start\" }\n"
      "! publish app=live key=key query=-\n");
  peer_accept (peer);
  assert_log (peer, PUBLISH_START);
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "af01aa");
  assert_log (peer, "! audio@0 3 af\n");
  peer_command (peer, 1, "snN", "closeStream", 0.0);
  assert_log (peer, UNPUBLISH_SUCCESS "! unpublish\n");
}

static void
whole_key_in_the_url (Peer *peer)
{
  peer_handshake (peer, -1);
  peer_connect (peer, "live/key");
  peer_command (peer, 0, "snN", "createStream", 2.0);
  peer_command (peer, 1, "snNss", "publish", 3.0, "", "live");
  assert_log (
      peer, CONNECT_ANSWER "< 3:0 \"_result\" 2 null 1\n! publish app=live/key key=key query=-\n");
  peer_accept (peer);
  assert_log (peer, PUBLISH_START);
}

static void
in_pieces_of_each_size (gconstpointer data)
{
  void (*conversation) (Peer * peer) = data;
  WeirRtmpSessionSettings settings;

  weir_rtmp_session_settings_init (&settings);
  for (gsize i = 0; i < 8; i++) {
    static const gsize pieces[8] = {G_MAXSIZE, 1, 2, 3, 17, 0, 0, 0};
    g_autoptr (Peer) peer = peer_new_full (&settings, pieces[i]);

    conversation (peer);
    g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 0);
    g_assert_false (peer->closed);
  }
}

/* ---- connect ---- */

static void
an_application_that_is_not_served_is_refused_by_name (void)
{
  static const gchar *const apps[] = {"other", "", "lively", "Live", "live2/key", "a/live"};

  for (gsize i = 0; i < G_N_ELEMENTS (apps); i++) {
    g_autoptr (Peer) peer = peer_new ();

    peer_handshake (peer, -1);
    peer_command (peer, 0, "sn{ms}", "connect", 1.0, "app", apps[i]);
    assert_log (peer,
        "< 3:0 \"_error\" 1 null { level \"error\" code \"NetConnection.Connect.InvalidApp\" }\n");
    /* what still comes is not answered */
    peer_command (peer, 0, "snN", "createStream", 2.0);
    peer_advance (peer, 249 * 1000);
    assert_log (peer, "");
    g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, peer->now_us + 1000);
    peer_advance (peer, 1000);
    assert_log (peer, "! close their fault\n");
    g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, G_MAXINT64);
  }
}

static void
the_application_is_found_however_it_is_written (void)
{
  static const struct {
    const gchar *member, *value, *url_member, *url;
  } table[] = {
      {"app", "live", NULL, NULL},
      {"app", "live/", "tcUrl", "rtmp://server/other"},
      {"app", "/live", NULL, NULL},
      {"app", "'live'", NULL, NULL},
      {"app", " live ", NULL, NULL},
      {"APP", "live", NULL, NULL},
      {"app", "live?token=1", NULL, NULL},
      {"app", "live/?token=1", NULL, NULL},
      {"app", "", "tcUrl", "rtmp://server/live"},
      {"type", "nonprivate", "tcurl", "rtmp://server:1935/live"},
      {"type", "nonprivate", "tcUrl", "'rtmp://server/live/'"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new ();

    peer_handshake (peer, -1);
    if (table[i].url != NULL)
      peer_command (peer, 0, "sn{msms}", "connect", 1.0, table[i].member, table[i].value,
          table[i].url_member, table[i].url);
    else
      peer_command (peer, 0, "sn{ms}", "connect", 1.0, table[i].member, table[i].value);
    assert_log (peer, CONNECT_ANSWER);
  }
}

static void
connect_without_any_object_asks_for_no_application (void)
{
  WeirRtmpSessionSettings settings;
  g_autoptr (Peer) any = NULL;
  g_autoptr (Peer) peer = peer_new ();

  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn", "connect", 1.0);
  assert_log (peer,
      "< 3:0 \"_error\" 1 null { level \"error\" code \"NetConnection.Connect.InvalidApp\" }\n");

  weir_rtmp_session_settings_init (&settings);
  settings.app = NULL;
  any = peer_new_full (&settings, G_MAXSIZE);
  peer_handshake (any, -1);
  peer_command (any, 0, "sn", "connect", 1.0);
  assert_log (any, CONNECT_ANSWER);
}

static void
connect_twice_fails_the_second_time (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  peer_command (peer, 0, "sn{ms}", "connect", 7.0, "app", "live");
  assert_log (peer, CALL_FAILED ("7"));
}

static void
connect_by_the_amf_3_command_message (void)
{
  g_autoptr (Peer) peer = peer_new ();
  g_auto (WeirWriter) payload = {0};

  weir_writer_u8 (&payload, 0);
  weir_amf_write_string (&payload, "connect");
  weir_amf_write_number (&payload, 1);
  weir_amf_write_object_begin (&payload);
  weir_amf_write_name (&payload, "app");
  weir_amf_write_string (&payload, "live");
  weir_amf_write_name (&payload, "objectEncoding");
  weir_amf_write_number (&payload, 3);
  weir_amf_write_object_end (&payload);
  peer_handshake (peer, -1);
  peer_message (peer, 3, WEIR_RTMP_COMMAND_AMF3, 0, 0, payload.data, payload.size);
  assert_log (peer, CONNECT_ANSWER);
}

/* ---- publish ---- */

static void
keys_are_found_wherever_encoders_put_them (void)
{
  static const struct {
    const gchar *app, *name, *event;
  } table[] = {
      {"live", "key", "! publish app=live key=key query=-\n"},
      {"live/", "key", "! publish app=live key=key query=-\n"},
      {"live", " key ", "! publish app=live key=key query=-\n"},
      {"live", "/key/", "! publish app=live key=key query=-\n"},
      {"live", "live/key", "! publish app=live key=key query=-\n"},
      {"live", "a/key", "! publish app=live key=key query=-\n"},
      {"live", "a//key", "! publish app=live key=key query=-\n"},
      {"live/key", "", "! publish app=live/key key=key query=-\n"},
      {"live/key/", "", "! publish app=live/key key=key query=-\n"},
      {"live/a", "key", "! publish app=live/a key=key query=-\n"},
      {"live/key?a=b", "", "! publish app=live/key key=key query=a=b\n"},
      {"live?a=b", "key?c=d", "! publish app=live key=key query=a=b&c=d\n"},
      {"live", "key?c=d&e=f", "! publish app=live key=key query=c=d&e=f\n"},
      {"live", "key?", "! publish app=live key=key query=-\n"},
      {"live", "k%65y", "! publish app=live key=key query=-\n"},
      {"live", "A-z_0.9~", "! publish app=live key=A-z_0.9~ query=-\n"},
      {"live", "../key", "! publish app=live key=key query=-\n"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new ();

    g_test_message ("%s %s", table[i].app, table[i].name);
    peer_handshake (peer, -1);
    peer_connect (peer, table[i].app);
    peer_forget (peer);
    peer_command (peer, 1, "snNss", "publish", 0.0, table[i].name, "live");
    assert_log (peer, table[i].event);
  }
}

static void
without_an_application_of_ours_any_is_taken (void)
{
  static const struct {
    const gchar *app, *name, *event;
  } table[] = {
      {"any", "key", "! publish app=any key=key query=-\n"},
      {"", "key", "! publish app= key=key query=-\n"},
      {"key", "", "! publish app=key key=key query=-\n"},
      {"a/b", "key", "! publish app=a/b key=key query=-\n"},
  };
  WeirRtmpSessionSettings settings;

  weir_rtmp_session_settings_init (&settings);
  settings.app = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new_full (&settings, G_MAXSIZE);

    peer_handshake (peer, -1);
    peer_command (peer, 0, "sn{ms}", "connect", 1.0, "app", table[i].app);
    peer_forget (peer);
    peer_command (peer, 1, "snNss", "publish", 0.0, table[i].name, "live");
    assert_log (peer, table[i].event);
  }
}

static void
names_that_hold_no_key_are_denied (void)
{
  static const gchar *const names[] = {"", "/", "?a=b", ".", "..", "a/..", "%2e%2e%2f", "..\\",
      "a b", "key%00", "key%", "key%2", "key%zz", "key%2fother", "k%2565y", "key\r\nX: y",
      "key\033[31m", "k\xe2\x80\xaey", "key;rm", "key\"", "a:b"};
  g_autofree gchar *long_name = g_strnfill (129, 'k');
  g_autofree gchar *longest = g_strnfill (128, 'k');
  g_autofree gchar *huge = g_strnfill (50000, '/');

  for (gsize i = 0; i < G_N_ELEMENTS (names) + 2; i++) {
    g_autoptr (Peer) peer = peer_new_connected ();
    const gchar *name = i < G_N_ELEMENTS (names)    ? names[i]
                        : i == G_N_ELEMENTS (names) ? long_name
                                                    : huge;

    g_test_message ("%.200s", name);
    peer_command (peer, 1, "snNss", "publish", 3.0, name, "live");
    assert_log (peer, DENIED ("1"));
    peer_advance (peer, 250 * 1000);
    assert_log (peer, "! close their fault\n");
  }
  {
    g_autoptr (Peer) peer = peer_new_connected ();

    peer_command (peer, 1, "snNss", "publish", 3.0, longest, "live");
    peer_speak (peer);
    g_assert_true (g_str_has_prefix (peer->log->str, "! publish app=live key=kkk"));
  }
}

static void
a_name_that_is_no_string_is_denied (void)
{
  /* after "publish", 0, null: a number, TRUE, an object, a string with a NUL */
  static const gchar *const values[] = {
      "00 4045000000000000", "0101", "03 000009", "02 0005 6b6579 00 78"};

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (Peer) peer = peer_new_connected ();
    g_autofree gchar *hex =
        g_strdup_printf ("02 0007 7075626c697368 00 0000000000000000 05 %s", values[i]);

    peer_hex (peer, WEIR_RTMP_COMMAND, 1, 0, hex);
    assert_log (peer, DENIED ("1"));
  }
}

static void
publish_before_connect_is_denied (void)
{
  g_autoptr (Peer) peer = peer_new ();

  peer_handshake (peer, -1);
  peer_command (peer, 0, "snN", "createStream", 1.0);
  peer_command (peer, 0, "snNss", "publish", 2.0, "key", "live");
  assert_log (peer, CALL_FAILED ("1") DENIED ("0"));
  peer_advance (peer, SECOND);
  assert_log (peer, "! close their fault\n");
}

static void
publish_twice_leaves_the_first_one_alone (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_command (peer, 1, "snNss", "publish", 4.0, "other", "live");
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 5, "af01");
  assert_log (peer,
      "< 5:1 \"onStatus\" 0 null { level \"error\" code \"NetStream.Publish.BadName\" }\n"
      "! audio@5 2 af\n");
}

static void
publish_without_create_stream_and_type_is_taken (void)
{
  g_autoptr (Peer) peer = peer_new ();

  peer_handshake (peer, -1);
  peer_connect (peer, "live");
  peer_forget (peer);
  peer_command (peer, 0, "snNs", "publish", 2.0, "key");
  assert_log (peer, "! publish app=live key=key query=-\n");
  peer_accept (peer);
  assert_log (peer,
      "< 2:0 user control 000000000000\n"
      "< 5:0 \"onStatus\" 0 null { level \"status\" code \"NetStream.Publish.Start\" }\n");
}

static void
nothing_is_taken_while_the_decision_is_open (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();
  WeirRtmpEvent event;

  peer_command (peer, 1, "snNss", "publish", 3.0, "key", "live");
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 1, "1700");
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 2, "1701");
  assert_log (peer, "! publish app=live key=key query=-\n");
  g_assert_cmpuint (peer->input_position, <, peer->input.size);
  g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, G_MAXINT64);
  g_assert_false (weir_rtmp_session_advance (peer->session, G_MAXINT64 - 1, &event));
  g_assert_false (weir_rtmp_session_is_publishing (peer->session));
  assert_log (peer, "");
  peer_accept (peer);
  g_assert_true (weir_rtmp_session_is_publishing (peer->session));
  assert_log (peer, PUBLISH_START "! video@1 2 17\n! video@2 2 17\n");
}

static void
the_wait_for_a_decision_is_no_silence_of_the_encoder (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  peer_command (peer, 1, "snNss", "publish", 3.0, "key", "live");
  peer_forget (peer);
  peer_advance (peer, 4 * SECOND);
  peer_accept (peer);
  g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, peer->now_us + 5 * SECOND);
}

static void
a_refusal_is_said_and_then_the_connection_closed (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  peer_command (peer, 1, "snNss", "publish", 3.0, "key", "live");
  peer_forget (peer);
  weir_rtmp_session_refuse (
      peer->session, "NetStream.Publish.BadName", "already publishing", peer->now_us);
  peer_listen (peer);
  assert_log (
      peer, "< 5:1 \"onStatus\" 0 null { level \"error\" code \"NetStream.Publish.BadName\" }\n");
  peer_advance (peer, 250 * 1000);
  assert_log (peer, "! close in order\n");
}

static void
a_publication_is_ended_from_our_side (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  weir_rtmp_session_close (peer->session, "server stops", peer->now_us);
  peer_listen (peer);
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 1, "1700");
  assert_log (peer, UNPUBLISH_SUCCESS);
  peer_advance (peer, 250 * 1000);
  assert_log (peer, "! close in order\n");
}

static void
a_publication_that_cannot_be_taken_is_rejected (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  weir_rtmp_session_reject (peer->session, "no such codec", peer->now_us);
  weir_rtmp_session_reject (peer->session, "again", peer->now_us);
  peer_listen (peer);
  assert_log (
      peer, "< 5:1 \"onStatus\" 0 null { level \"error\" code \"NetStream.Publish.Rejected\" }\n");
  peer_advance (peer, 250 * 1000);
  assert_log (peer, "! close in order\n");
}

static void
decisions_at_the_wrong_time_change_nothing (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  weir_rtmp_session_accept (peer->session, peer->now_us);
  weir_rtmp_session_refuse (peer->session, "NetStream.Publish.Denied", "no", peer->now_us);
  peer_listen (peer);
  assert_log (peer, "");
  g_assert_false (weir_rtmp_session_is_publishing (peer->session));
}

/* ---- after publish ---- */

static void
each_way_of_unpublishing_ends_once_and_a_new_publish_may_follow (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  for (guint i = 0; i < 4; i++) {
    if (i == 0)
      peer_command (peer, 1, "snN", "closeStream", 0.0);
    else if (i == 1)
      peer_command (peer, 0, "snNn", "deleteStream", 0.0, 1.0);
    else if (i == 2)
      peer_command (peer, 1, "snNb", "publish", 0.0, FALSE);
    else
      peer_command (peer, 0, "snN", "deleteStream", 0.0);
    /* what comes late is dropped */
    peer_command (peer, 0, "snNn", "deleteStream", 0.0, 1.0);
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, 1, "1700");
    assert_log (peer, UNPUBLISH_SUCCESS "! unpublish\n");
    g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, i + 1);

    peer_command (peer, 0, "snN", "createStream", 9.0);
    peer_command (peer, 1, "snNss", "publish", 0.0, "key", "live");
    assert_log (peer, "< 3:0 \"_result\" 9 null 1\n! publish app=live key=key query=-\n");
    peer_accept (peer);
    assert_log (peer, PUBLISH_START);
  }
}

static void
other_streams_are_deleted_without_an_end (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_command (peer, 0, "snNn", "deleteStream", 0.0, 2.0);
  peer_command (peer, 0, "snNn", "deleteStream", 0.0, 1e300);
  peer_command (peer, 0, "snNn", "deleteStream", 0.0, -1.0);
  peer_command (peer, 3, "snN", "closeStream", 0.0);
  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 1, "1700");
  assert_log (peer, "! video@1 2 17\n");
}

static void
streams_are_limited_but_can_be_given_back (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  for (guint i = 2; i <= 8; i++) {
    g_autofree gchar *answer = g_strdup_printf ("< 3:0 \"_result\" 5 null %u\n", i);

    peer_command (peer, 0, "snN", "createStream", 5.0);
    assert_log (peer, answer);
  }
  peer_command (peer, 0, "snN", "createStream", 5.0);
  assert_log (peer, CALL_FAILED ("5"));
  peer_command (peer, 0, "snNn", "deleteStream", 0.0, 4.0);
  peer_command (peer, 0, "snN", "createStream", 5.0);
  assert_log (peer, "< 3:0 \"_result\" 5 null 4\n");
}

static void
unknown_commands_fail_when_they_want_an_answer (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  peer_command (peer, 0, "snN", "checkBandwidth", 6.0);
  peer_command (peer, 0, "snNs", "getStreamLength", 7.0, "key");
  assert_log (peer, CALL_FAILED ("6") CALL_FAILED ("7"));
  peer_command (peer, 0, "snN", "ping", 0.0);
  peer_command (peer, 0, "snN", "_result", 8.0);
  peer_command (peer, 0, "snN", "onStatus", 8.0);
  assert_log (peer, "");
  peer_command (peer, 1, "snNs", "play", 0.0, "key");
  assert_log (peer,
      "< 5:1 \"onStatus\" 0 null { level \"error\" code \"NetStream.Play.StreamNotFound\" }\n");
}

static void
commands_that_cannot_be_read_are_dropped (void)
{
  static const struct {
    const gchar *hex, *answer;
  } table[] = {
      {"", ""}, {"00 4045000000000000", ""}, {"ff", ""},
      {"02 0004 63616c6c", ""}, /* "call" alone: no transaction id */
      {"02 0004 63616c6c 00 401c000000000000 11 01", CALL_FAILED ("7")},
      {"02 0004 63616c6c 00 7ff8000000000000 05", ""}, /* transaction id NaN */
  };
  g_autoptr (Peer) peer = peer_new_connected ();

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    peer_hex (peer, WEIR_RTMP_COMMAND, 0, 0, table[i].hex);
    assert_log (peer, table[i].answer);
  }
  g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 4);
}

static void
media_before_publish_is_dropped (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();

  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 1, "1700");
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 1, "af00");
  peer_hex (peer, WEIR_RTMP_DATA, 1, 1, "05");
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 1, "08 000000 000000 00 000000 0000000b");
  assert_log (peer, "");
  g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 4);
  g_assert_cmpstr (weir_rtmp_session_get_last_message (peer->session), ==, "aggregate");
}

static void
data_of_either_encoding_is_handed_out_as_amf_0 (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_hex (peer, WEIR_RTMP_DATA_AMF3, 1, 1, "00 02 0001 61");
  peer_hex (peer, WEIR_RTMP_DATA_AMF3, 1, 2, "02 0001 61");
  peer_hex (peer, WEIR_RTMP_DATA_AMF3, 1, 3, "");
  peer_hex (peer, WEIR_RTMP_DATA, 1, 4, "02 0001 61");
  peer_hex (peer, WEIR_RTMP_SHARED_OBJECT, 1, 5, "00");
  assert_log (peer, "! data@1 4 02\n! data@2 4 02\n! data@3 0\n! data@4 4 02\n");
}

static void
data_messages_are_limited_in_number (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  for (guint i = 0; i < 200; i++)
    peer_hex (peer, WEIR_RTMP_DATA, 1, i, "05");
  peer_speak (peer);
  g_assert_cmpuint (peer->media_count, ==, 50);
  g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 150);
  assert_drops (peer, "rtmp-metadata-rate 150");
  assert_drops (peer, "");
  /* the end is heard all the same */
  g_string_truncate (peer->log, 0);
  peer_command (peer, 1, "snN", "closeStream", 0.0);
  assert_log (peer, UNPUBLISH_SUCCESS "! unpublish\n");
}

static void
commands_are_limited_in_number (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  guint count = 0;

  peer_advance (peer, SECOND);

  for (guint i = 0; i < 200; i++)
    peer_command (peer, 0, "snN", "unknown", 1.0);
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "af");
  peer_speak (peer);
  for (const gchar *line = peer->log->str; (line = strstr (line, "_error")) != NULL; line++)
    count++;
  g_assert_cmpuint (count, ==, 50);
  g_assert_true (g_str_has_suffix (peer->log->str, "! audio@0 1 af\n"));
  assert_drops (peer, "rtmp-commands-rate 150");
}

static void
commands_before_publish_are_limited_too (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();
  guint created = 0, refused = 0;

  for (guint i = 0; i < 1000; i++)
    peer_command (peer, 0, "snN", "createStream", 1.0);
  peer_speak (peer);
  for (const gchar *line = peer->log->str; (line = strstr (line, "_result")) != NULL; line++)
    created++;
  for (const gchar *line = peer->log->str; (line = strstr (line, "_error")) != NULL; line++)
    refused++;
  /* one was there before, two commands were */
  g_assert_cmpuint (created, ==, 7);
  g_assert_cmpuint (refused, ==, 41);
  assert_drops (peer, "rtmp-streams 41, rtmp-commands-rate 952");
}

static void
messages_of_no_bytes_are_limited_in_number (void)
{
  static const guint8 types[] = {WEIR_RTMP_AUDIO, WEIR_RTMP_VIDEO, WEIR_RTMP_DATA,
      WEIR_RTMP_AGGREGATE, WEIR_RTMP_ABORT, WEIR_RTMP_ACKNOWLEDGEMENT, WEIR_RTMP_USER_CONTROL, 99};

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (Peer) peer = peer_new_publishing ();
    guint64 handled;

    peer_message (peer, 4, types[i], 1, 0, NULL, 0);
    /* each is one byte: a header of type 3 */
    for (guint j = 0; j < 50000; j++)
      weir_writer_u8 (&peer->input, 0xc4);
    peer_assert_rejected (peer, "rtmp-messages-rate");
    handled = peer->media_count + weir_rtmp_session_get_dropped (peer->session);
    g_assert_cmpuint (handled, <=, 10000);
  }
}

static void
what_an_encoder_has_held_back_may_come_at_once (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  /* 55 s of 60 frames and 94 blocks of sound a second */
  for (guint i = 0; i < 55 * 154; i++)
    peer_hex (peer, WEIR_RTMP_AUDIO, 1, (guint32) (i * 6.49), "af01");
  peer_speak (peer);
  g_assert_cmpuint (peer->media_count, ==, 55 * 154);
  /* and at the usual pace from then on */
  for (guint i = 0; i < 1000; i++) {
    peer->now_us += 40000;
    peer_hex (peer, WEIR_RTMP_AUDIO, 1, 55000 + i * 40, "af01");
    peer_speak (peer);
  }
  g_assert_cmpuint (peer->media_count, ==, 55 * 154 + 1000);
  g_assert_null (strstr (peer->log->str, "onStatus"));
}

static void
media_more_than_a_minute_ahead_of_the_clock_is_held_back (void)
{
  static const struct {
    guint step_ms, every_ms, count; /* of frames until it is enough */
  } table[] = {
      {2000, 0, 31},
      {40, 0, 1501},
      {40, 20, 3158},
      /* an hour of silence is worth a minute */
      {1000, 0, 121},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new_publishing ();
    g_autofree gchar *drops = NULL;
    guint32 stamp = 0;

    peer_hex (peer, WEIR_RTMP_VIDEO, 1, stamp, "2701000000");
    for (guint j = 0; i == 3 && j < 3600 / 10; j++) {
      peer->now_us += 10 * SECOND;
      peer_hex (peer, WEIR_RTMP_VIDEO, 1, stamp, "2701000000");
      peer_speak (peer);
    }
    peer_forget (peer);
    for (guint j = 1; j < table[i].count; j++) {
      peer->now_us += table[i].every_ms * 1000;
      stamp += table[i].step_ms;
      peer_hex (peer, WEIR_RTMP_VIDEO, 1, stamp, "2701000000");
      peer_speak (peer);
      g_assert_null (strstr (peer->log->str, "onStatus"));
      g_string_truncate (peer->log, 0);
    }
    g_assert_false (weir_rtmp_session_is_held_back (peer->session));
    stamp += table[i].step_ms;
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, stamp, "2701000000");
    peer_speak (peer);
    g_assert_true (weir_rtmp_session_is_held_back (peer->session));
    drops = peer_take_drops (peer);
    g_assert_cmpstr (drops, ==, "rtmp-lead 1");
  }
}

static void
who_sends_a_file_at_once_is_read_at_the_pace_of_the_clock_and_loses_nothing (void)
{
  const guint seconds = 300;
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_autofree gchar *drops = NULL;
  gint64 begin_us = peer->now_us;
  guint64 before = peer->media_count;

  for (guint i = 0; i < seconds * 25; i++)
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, i * 40, "2701000000");
  peer_speak (peer);
  g_assert_cmpuint (peer->media_count - before, ==, 60 * 25 + 2);
  while (weir_rtmp_session_is_held_back (peer->session)) {
    gint64 deadline_us = weir_rtmp_session_get_deadline (peer->session);
    guint64 got = peer->media_count - before;

    /* half a second's worth at a time */
    g_assert_cmpint (deadline_us - peer->now_us, <=, 541 * 1000);
    g_assert_cmpint (got * 40000, <=, (peer->now_us - begin_us) * 21 / 20 + 61 * SECOND);
    peer_speak (peer);
    g_assert_cmpuint (peer->media_count - before, ==, got);
    peer_advance (peer, deadline_us - peer->now_us);
    peer_speak (peer);
  }
  g_assert_cmpuint (peer->media_count - before, ==, seconds * 25);
  g_assert_cmpint (peer->now_us - begin_us, >=, (gint64) (seconds - 75) * SECOND);
  g_assert_null (strstr (peer->log->str, "onStatus"));
  /* counted once, however often it is held back */
  drops = peer_take_drops (peer);
  g_assert_cmpstr (drops, ==, "rtmp-lead 1");
}

static void
an_encoder_whose_clock_is_a_little_fast_goes_on_for_ever (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  /* 3 % for eight hours */
  for (guint i = 0; i < 8 * 3600; i += 2) {
    peer->now_us += 2 * SECOND * 100 / 103;
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, i * 1000, "2701000000");
    peer_forget (peer);
  }
  g_assert_cmpuint (peer->media_count, ==, 4 * 3600);
}

static void
stamps_may_jump_now_and_then (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_autoptr (Peer) wild = peer_new_publishing ();

  /* every two seconds another clock: not ahead of anything */
  for (guint i = 0; i < 500; i++) {
    peer->now_us += 2 * SECOND;
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, i * 0x7fff0000u, "2701000000");
    peer_speak (peer);
  }
  g_assert_cmpuint (peer->media_count, ==, 500);

  for (guint i = 0; i < 1000; i++)
    peer_hex (wild, i % 2 ? WEIR_RTMP_VIDEO : WEIR_RTMP_AUDIO, 1, i * 0x7fff0000u, "2701000000");
  peer_assert_rejected (wild, "rtmp-clock-jumps");
  g_assert_cmpuint (wild->media_count, ==, 62);
}

static void
too_long_a_message_is_said_to_a_publisher (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_autofree guint8 *payload = g_malloc0 (70000);

  peer_message (peer, 4, WEIR_RTMP_DATA, 1, 0, payload, 70000);
  peer_assert_rejected (peer, "rtmp-data-message");
}

/* of @tracks tracks of one byte each, in one message */
static void
peer_message_of_tracks (Peer *peer, guint8 type, guint tracks)
{
  g_auto (WeirWriter) payload = {0};

  weir_writer_u8 (&payload, type == WEIR_RTMP_VIDEO ? 0x96 : 0x95);
  weir_writer_u8 (&payload, 0x11); /* many tracks of one codec, frames */
  weir_writer_bytes (&payload, (const guint8 *) (type == WEIR_RTMP_VIDEO ? "av01" : "mp4a"), 4);
  for (guint i = 0; i < tracks; i++) {
    weir_writer_u8 (&payload, (guint8) i);
    weir_writer_u24 (&payload, 1);
    weir_writer_u8 (&payload, 0);
  }
  peer_message (peer, 4, type, 1, 0, payload.data, payload.size);
}

static void
tracks_of_one_message_count_like_messages (void)
{
  static const guint8 types[] = {WEIR_RTMP_VIDEO, WEIR_RTMP_AUDIO};

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (Peer) peer = peer_new_publishing ();

    /* twice 5000 at once */
    for (guint n = 0; n < 1200; n++)
      peer_message_of_tracks (peer, types[i], 8);
    peer_speak (peer);
    g_assert_cmpuint (peer->media_count, ==, 1200);
    for (guint n = 0; n < 100; n++)
      peer_message_of_tracks (peer, types[i], 8);
    peer_assert_rejected (peer, "rtmp-messages-rate");
    g_assert_cmpuint (peer->media_count, <=, 1250);
  }
}

static void
messages_within_an_aggregate_count_like_others (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_auto (WeirWriter) payload = {0};

  for (guint i = 0; i < 50000; i++) {
    weir_writer_u8 (&payload, i % 2 ? WEIR_RTMP_AUDIO : WEIR_RTMP_AGGREGATE);
    weir_writer_zeros (&payload, 10);
    weir_writer_u32 (&payload, 11);
  }
  peer_set_chunk_size (peer, 65536);
  peer_message (peer, 4, WEIR_RTMP_AGGREGATE, 1, 0, payload.data, payload.size);
  peer_assert_rejected (peer, "rtmp-messages-rate");
  g_assert_cmpuint (peer->media_count, <, 5000);
}

static void
an_empty_message_is_no_media (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  for (guint i = 0; i < 10; i++) {
    g_assert_false (peer->closed);
    peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "");
    peer_hex (peer, WEIR_RTMP_VIDEO, 1, 0, "");
    peer_forget (peer);
    peer_advance (peer, SECOND);
  }
  g_assert_true (peer->closed);
  g_assert_cmpstr (peer->limit, ==, "rtmp-first-media");
}

static void
a_connection_has_so_much_memory_in_all (void)
{
  WeirRtmpSessionSettings settings;
  g_autoptr (Peer) peer = NULL;
  g_autofree guint8 *payload = g_malloc0 (512 * 1024);

  weir_rtmp_session_settings_init (&settings);
  settings.memory_max = 1024 * 1024;
  peer = peer_new_full (&settings, 65536);
  peer_handshake (peer, -1);
  peer_set_chunk_size (peer, 65536);
  peer_connect (peer, "live");
  peer_command (peer, 1, "snNss", "publish", 0.0, "key", "live");
  peer_speak (peer);
  peer_accept (peer);
  /* whole ones are the consumer's */
  for (guint i = 0; i < 10; i++)
    peer_message (peer, 4, WEIR_RTMP_VIDEO, 1, 0, payload, 512 * 1024);
  peer_forget (peer);
  g_assert_false (peer->closed);
  for (guint i = 0; i < 3; i++) {
    gsize whole = peer->input.size;

    peer_message (peer, 10 + i, WEIR_RTMP_VIDEO, 1, 0, payload, 512 * 1024);
    /* the header, seven of eight chunks, six small headers */
    peer->input.size = whole + 12 + 7 * 65536 + 6;
  }
  peer_assert_rejected (peer, "rtmp-memory");
}

static void
long_texts_are_refused_before_they_are_read (void)
{
  g_autofree gchar *text = g_strnfill (60000, 'a');
  g_autoptr (Peer) application = peer_new ();
  g_autoptr (Peer) address = peer_new ();
  g_autoptr (Peer) name = peer_new_connected ();

  peer_handshake (application, -1);
  peer_connect (application, text);
  assert_log (application,
      "< 3:0 \"_error\" 1 null { level \"error\" code \"NetConnection.Connect.InvalidApp\" }\n");
  peer_advance (application, SECOND);
  g_assert_cmpstr (application->limit, ==, "rtmp-denied");

  /* an address is looked at only where the application is missing */
  peer_handshake (address, -1);
  peer_command (address, 0, "sn{msms}", "connect", 1.0, "app", "live", "tcUrl", text);
  assert_log (address, CONNECT_ANSWER);

  peer_command (name, 1, "snNss", "publish", 0.0, text, "live");
  assert_log (name, DENIED ("1"));
  peer_advance (name, SECOND);
  g_assert_cmpstr (name->limit, ==, "rtmp-denied");
}

static void
values_beyond_their_limits_are_dropped_by_name (void)
{
  g_autoptr (Peer) peer = peer_new_connected ();
  GString *deep = g_string_new ("02 0001 61 00 4010000000000000");
  GString *many = g_string_new ("02 0001 61 00 4014000000000000 0a 00010000");

  for (guint i = 0; i < 100; i++)
    g_string_append (deep, "03 0001 61");
  for (guint i = 0; i < 5000; i++)
    g_string_append (many, "05");
  peer_hex (peer, WEIR_RTMP_COMMAND, 0, 0, deep->str);
  peer_hex (peer, WEIR_RTMP_COMMAND, 0, 0, many->str);
  peer_hex (peer, WEIR_RTMP_COMMAND, 0, 0, "02 0001 61 00 4018000000000000 03 0001");
  assert_log (peer, CALL_FAILED ("4") CALL_FAILED ("5") CALL_FAILED ("6"));
  assert_drops (peer, "amf-depth 1, amf-values 1, rtmp-unreadable 1");
  g_string_free (deep, TRUE);
  g_string_free (many, TRUE);
}

static void
an_empty_message_is_handed_out (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 7, "");
  assert_log (peer, "! audio@7 0\n");
}

static void
aggregates_are_unpacked_and_rebased (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  /* first sub-message at 5000, aggregate at 1000: sub-messages at 1000, 1023, 992 */
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 1000,
      "08 000002 001388 00 000000 af01 0000000d"
      "09 000003 00139f 00 000000 270100 ffffffff" /* its back pointer is not believed */
      "16 000001 001380 00 000000 00 0000000c"     /* an aggregate within is dropped */
      "12 000001 001380 00 000000 05 0000000c"
      "09 000000 001380 00 000000 0000000b");
  assert_log (peer, "! audio@1000 2 af\n! video@1023 3 27\n! data@992 1 05\n! video@992 0\n");
  g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 1);
  /* upper eight bits in the fourth byte, mod 2^32 */
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 10,
      "08 000001 fffff0 ff 000000 aa 0000000c 08 000001 000010 00 000000 bb 0000000c");
  assert_log (peer, "! audio@10 1 aa\n! audio@42 1 bb\n");
  /* the last back pointer may be missing */
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 10, "08 000001 000000 00 000000 aa");
  assert_log (peer, "! audio@10 1 aa\n");
}

static void
what_is_cut_off_in_an_aggregate_is_dropped (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 10,
      "08 000001 000000 00 000000 aa 0000000c 09 ffffff 000000 00 000000 aabbcc");
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 20, "09 0000");
  peer_hex (peer, WEIR_RTMP_AGGREGATE, 1, 20, "");
  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 30, "af");
  assert_log (peer, "! audio@10 1 aa\n! audio@30 1 af\n");
  g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), ==, 2);
}

/* ---- control ---- */

static void
pings_are_answered_twice_a_second_at_most (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  for (guint i = 0; i < 100; i++)
    peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "0006 0a0b0c0d");
  assert_log (peer, "< 2:0 user control 00070a0b0c0d\n< 2:0 user control 00070a0b0c0d\n");
  assert_drops (peer, "rtmp-pings-rate 98");
  peer->now_us += SECOND / 2;
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "0006 00000001");
  assert_log (peer, "< 2:0 user control 000700000001\n");
  /* others and cut-off ones are ignored */
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "0006 00");
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "");
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "001a 00000001");
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "001f 00000001");
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "0003 00000001 00000bb8");
  peer_hex (peer, WEIR_RTMP_SET_PEER_BANDWIDTH, 0, 0, "002625a0 02");
  peer_hex (peer, WEIR_RTMP_SET_PEER_BANDWIDTH, 0, 0, "00");
  peer_hex (peer, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, "00");
  peer_hex (peer, WEIR_RTMP_ACKNOWLEDGEMENT, 0, 0, "00");
  assert_log (peer, "");
}

static void
silence_is_asked_about (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_hex (peer, WEIR_RTMP_VIDEO, 1, 0, "1700");
  peer_forget (peer);
  g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, peer->now_us + 5 * SECOND);
  peer_advance (peer, 5 * SECOND - 1);
  assert_log (peer, "");
  peer_advance (peer, 1);
  assert_log (peer, "< 2:0 user control 0006000f55c8\n");
  peer_advance (peer, 1 * SECOND);
  assert_log (peer, "");
  peer_advance (peer, 4 * SECOND);
  assert_log (peer, "< 2:0 user control 0006000f6950\n");
  /* an answer is no media */
  peer_hex (peer, WEIR_RTMP_USER_CONTROL, 0, 0, "0007 000f6950");
  assert_log (peer, "");
  peer_advance (peer, 5 * SECOND);
  assert_log (peer, "! close in order\n");
}

static void
bytes_are_acknowledged_within_the_window (void)
{
  static const struct {
    const gchar *window;
    guint32 window_size; /* what may be sent without an acknowledgement */
  } table[] = {
      {"002625a0", 2500000},
      {"00004000", 16384},
      {"00000001", 2500},
      {"00000000", 2500},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new_publishing ();
    g_autofree guint8 *payload = g_malloc0 (1000);
    guint32 last = 0;
    guint count = 0;
    guint64 sent = 0;

    peer_hex (peer, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, table[i].window);
    peer_set_chunk_size (peer, 4096);
    peer_speak (peer);
    last = peer->acknowledged;
    while (sent < 10 * (guint64) table[i].window_size) {
      peer_message (peer, 4, WEIR_RTMP_VIDEO, 1, 0, payload, 1000);
      sent += peer->input.size;
      peer->now_us += 1000;
      peer_forget (peer);
      if (peer->acknowledged != last) {
        count++;
        if (last != 0)
          g_assert_cmpuint (peer->acknowledged - last, <=, table[i].window_size + 1012);
        last = peer->acknowledged;
      }
    }
    g_assert_cmpuint (count, >=, i < 2 ? 10 : 7);
  }
}

static void
the_count_of_bytes_goes_on_past_4_gibibytes (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_autofree guint8 *payload = g_malloc0 (8 * 1024 * 1024);
  g_auto (WeirWriter) message = {0};
  guint64 sent;
  guint wraps = 0;

  peer_set_chunk_size (peer, 0xffffff);
  peer_hex (peer, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, "00000001");
  /* as many as have been said up to here */
  peer_message (peer, 4, WEIR_RTMP_VIDEO, 1, 0, payload, 4096);
  peer_forget (peer);
  sent = peer->acknowledged;
  g_assert_cmpuint (sent, >, 4096);
  weir_rtmp_chunk_writer_message (
      &peer->writer, &message, 4, WEIR_RTMP_VIDEO, 1, 0, payload, 8 * 1024 * 1024);
  while (sent < G_GUINT64_CONSTANT (0x100000000) + 20 * message.size) {
    const guint8 *data = message.data;
    gsize size = message.size;
    guint32 before = peer->acknowledged;
    WeirRtmpEvent event;

    while (weir_rtmp_session_input (peer->session, &data, &size, peer->now_us, &event))
      weir_rtmp_event_clear (&event);
    sent += message.size;
    peer_listen (peer);
    g_assert_cmpuint (peer->acknowledged, ==, (guint32) sent);
    wraps += peer->acknowledged < before;
  }
  g_assert_cmpuint (wraps, ==, 1);
}

/* ---- limits ---- */

static void
who_does_not_publish_in_time_is_closed (void)
{
  for (guint stage = 0; stage < 4; stage++) {
    g_autoptr (Peer) peer = peer_new ();

    if (stage >= 1)
      test_write_c0_c1 (&peer->input, -1, 1);
    if (stage >= 2)
      weir_writer_zeros (&peer->input, 1536);
    if (stage >= 3)
      peer_connect (peer, "live");
    peer_forget (peer);
    /* for all of it, however steadily it comes */
    for (guint i = 0; i < 9; i++)
      peer_advance (peer, SECOND);
    g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, peer->now_us + SECOND);
    assert_log (peer, "");
    peer_advance (peer, SECOND);
    assert_log (peer, "! close their fault\n");
    g_assert_cmpstr (peer->limit, ==, "rtmp-handshake");
  }
}

static void
media_must_come_after_publish_and_go_on (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();
  g_autoptr (Peer) other = peer_new_publishing ();

  /* data is no media */
  peer_hex (peer, WEIR_RTMP_DATA, 1, 0, "05");
  peer_forget (peer);
  peer_advance (peer, 10 * SECOND - 1);
  g_string_truncate (peer->log, 0);
  peer_advance (peer, 1);
  assert_log (peer, "! close in order\n");
  g_assert_cmpstr (peer->limit, ==, "rtmp-first-media");

  for (guint i = 0; i < 10; i++) {
    peer_advance (other, 9 * SECOND);
    peer_hex (other, WEIR_RTMP_AUDIO, 1, i, "af01");
    peer_forget (other);
  }
  g_assert_false (other->closed);
  peer_advance (other, 15 * SECOND);
  g_assert_true (other->closed);
  g_assert_cmpstr (other->limit, ==, "rtmp-media-silence");
}

static void
who_stops_without_publishing_again_is_closed (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_command (peer, 1, "snN", "closeStream", 0.0);
  peer_forget (peer);
  peer_advance (peer, 15 * SECOND - 1);
  assert_log (peer, "");
  peer_advance (peer, 1);
  assert_log (peer, "! close in order\n");
}

static void
bytes_before_publish_are_limited (void)
{
  for (guint piece = 0; piece < 2; piece++) {
    WeirRtmpSessionSettings settings;
    g_autoptr (Peer) peer = NULL;
    guint8 payload[1000] = {0};

    weir_rtmp_session_settings_init (&settings);
    peer = peer_new_full (&settings, piece == 0 ? G_MAXSIZE : 999);
    peer_handshake (peer, -1);
    peer_connect (peer, "live");
    peer_forget (peer);
    for (guint i = 0; i < 55; i++)
      peer_message (peer, 4, WEIR_RTMP_VIDEO, 1, 0, payload, sizeof payload);
    assert_log (peer, "");
    for (guint i = 0; i < 55; i++)
      peer_message (peer, 4, WEIR_RTMP_VIDEO, 1, 0, payload, sizeof payload);
    assert_log (peer, "! close their fault\n");
    g_assert_cmpstr (peer->limit, ==, "rtmp-early-bytes");
    g_assert_cmpuint (weir_rtmp_session_get_dropped (peer->session), <, 65);
  }
}

static void
tiny_chunks_are_refused (void)
{
  g_autoptr (Peer) before = peer_new_connected ();
  g_autoptr (Peer) after = peer_new_publishing ();

  peer_set_chunk_size (before, 63);
  peer_command (before, 1, "snNss", "publish", 3.0, "key", "live");
  assert_log (before, DENIED ("1"));

  peer_set_chunk_size (after, 64);
  peer_hex (after, WEIR_RTMP_AUDIO, 1, 0, "af");
  assert_log (after, "! audio@0 1 af\n");
  peer_set_chunk_size (after, 63);
  peer_assert_rejected (after, "rtmp-chunk-size");
}

static void
what_is_not_rtmp_is_closed_without_a_word (void)
{
  static const gchar *const table[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "\x06", "\xff"};

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (Peer) peer = peer_new ();

    weir_writer_bytes (&peer->input, table[i], strlen (table[i]));
    assert_log (peer, "! close their fault\n");
    g_assert_cmpstr (peer->limit, ==, "rtmp-protocol-error");
    weir_writer_zeros (&peer->input, 5000);
    assert_log (peer, "");
  }
}

static void
a_protocol_error_closes_at_once (void)
{
  g_autoptr (Peer) peer = peer_new_publishing ();

  peer_hex (peer, WEIR_RTMP_AUDIO, 1, 0, "af");
  weir_writer_u8 (&peer->input, 0xc0 | 33);
  weir_writer_zeros (&peer->input, 100);
  assert_log (peer, "! audio@0 1 af\n! close their fault\n");
  g_assert_cmpstr (peer->limit, ==, "rtmp-protocol-error");
  g_assert_cmpint (weir_rtmp_session_get_deadline (peer->session), ==, G_MAXINT64);
}

static void
the_encoders_name_and_application_are_fit_for_a_log (void)
{
  WeirRtmpSessionSettings settings;
  g_autoptr (Peer) peer = NULL;
  const guint8 *data;
  gsize size;
  WeirRtmpEvent event;

  weir_rtmp_session_settings_init (&settings);
  settings.app = NULL;
  peer = peer_new_full (&settings, G_MAXSIZE);
  peer_handshake (peer, -1);
  peer_command (peer, 0, "sn{msms}", "connect", 1.0, "app", "a\nb", "flashVer", "x\033[31m\n");
  peer_forget (peer);
  peer_command (peer, 1, "snNss", "publish", 0.0, "key", "live");
  data = peer->input.data;
  size = peer->input.size;
  g_assert_true (weir_rtmp_session_input (peer->session, &data, &size, peer->now_us, &event));
  g_assert_cmpint (event.type, ==, WEIR_RTMP_EVENT_PUBLISH);
  g_assert_cmpstr (event.encoder, ==, "x\\x1b[31m\\x0a");
  g_assert_cmpstr (event.app, ==, "a\\x0ab");
  weir_rtmp_event_clear (&event);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define CONVERSATION(name) \
  g_test_add_data_func ("/rtmp/session/conversation/" #name, name, in_pieces_of_each_size)
  CONVERSATION (obs);
  CONVERSATION (ffmpeg);
  CONVERSATION (rtmp2sink);
  CONVERSATION (fmle);
  CONVERSATION (whole_key_in_the_url);
#define TEST(name) g_test_add_func ("/rtmp/session/" #name, name)
  TEST (what_is_understood_is_said_in_exactly_these_bytes);
  TEST (nothing_is_known_of_an_encoder_that_says_nothing);
  TEST (what_an_encoder_understands_is_known);
  TEST (capabilities_of_other_types_are_none);
  TEST (an_encoder_that_understands_it_is_asked_to_reconnect);
  TEST (an_encoder_that_does_not_understand_it_is_not_asked);
  TEST (a_publisher_is_told_what_is_wrong_and_goes_on);
  TEST (a_publisher_is_not_told_too_much);
  TEST (who_does_not_publish_is_not_told);
  TEST (an_application_that_is_not_served_is_refused_by_name);
  TEST (the_application_is_found_however_it_is_written);
  TEST (connect_without_any_object_asks_for_no_application);
  TEST (connect_twice_fails_the_second_time);
  TEST (connect_by_the_amf_3_command_message);
  TEST (keys_are_found_wherever_encoders_put_them);
  TEST (without_an_application_of_ours_any_is_taken);
  TEST (names_that_hold_no_key_are_denied);
  TEST (a_name_that_is_no_string_is_denied);
  TEST (publish_before_connect_is_denied);
  TEST (publish_twice_leaves_the_first_one_alone);
  TEST (publish_without_create_stream_and_type_is_taken);
  TEST (nothing_is_taken_while_the_decision_is_open);
  TEST (the_wait_for_a_decision_is_no_silence_of_the_encoder);
  TEST (a_refusal_is_said_and_then_the_connection_closed);
  TEST (a_publication_is_ended_from_our_side);
  TEST (a_publication_that_cannot_be_taken_is_rejected);
  TEST (decisions_at_the_wrong_time_change_nothing);
  TEST (each_way_of_unpublishing_ends_once_and_a_new_publish_may_follow);
  TEST (other_streams_are_deleted_without_an_end);
  TEST (streams_are_limited_but_can_be_given_back);
  TEST (unknown_commands_fail_when_they_want_an_answer);
  TEST (commands_that_cannot_be_read_are_dropped);
  TEST (media_before_publish_is_dropped);
  TEST (data_of_either_encoding_is_handed_out_as_amf_0);
  TEST (data_messages_are_limited_in_number);
  TEST (commands_are_limited_in_number);
  TEST (commands_before_publish_are_limited_too);
  TEST (messages_of_no_bytes_are_limited_in_number);
  TEST (what_an_encoder_has_held_back_may_come_at_once);
  TEST (media_more_than_a_minute_ahead_of_the_clock_is_held_back);
  TEST (who_sends_a_file_at_once_is_read_at_the_pace_of_the_clock_and_loses_nothing);
  TEST (an_encoder_whose_clock_is_a_little_fast_goes_on_for_ever);
  TEST (stamps_may_jump_now_and_then);
  TEST (too_long_a_message_is_said_to_a_publisher);
  TEST (tracks_of_one_message_count_like_messages);
  TEST (messages_within_an_aggregate_count_like_others);
  TEST (an_empty_message_is_no_media);
  TEST (a_connection_has_so_much_memory_in_all);
  TEST (long_texts_are_refused_before_they_are_read);
  TEST (values_beyond_their_limits_are_dropped_by_name);
  TEST (an_empty_message_is_handed_out);
  TEST (aggregates_are_unpacked_and_rebased);
  TEST (what_is_cut_off_in_an_aggregate_is_dropped);
  TEST (pings_are_answered_twice_a_second_at_most);
  TEST (silence_is_asked_about);
  TEST (bytes_are_acknowledged_within_the_window);
  TEST (the_count_of_bytes_goes_on_past_4_gibibytes);
  TEST (who_does_not_publish_in_time_is_closed);
  TEST (media_must_come_after_publish_and_go_on);
  TEST (who_stops_without_publishing_again_is_closed);
  TEST (bytes_before_publish_are_limited);
  TEST (tiny_chunks_are_refused);
  TEST (what_is_not_rtmp_is_closed_without_a_word);
  TEST (a_protocol_error_closes_at_once);
  TEST (the_encoders_name_and_application_are_fit_for_a_log);
  return g_test_run ();
}
