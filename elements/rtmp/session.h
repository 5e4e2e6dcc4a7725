/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "rtmp/amf.h"
#include "rtmp/chunk.h"

G_BEGIN_DECLS

/**
 * WeirRtmpSession:
 *
 * Server side of one publisher's RTMP connection (RTMP 1.0, 5–7), pure: bytes and time in; bytes to
 * send and events out. Handshake, chunks, `connect`, `createStream`, `releaseStream`, `FCPublish`,
 * `publish`, the end of publishing, acknowledgements, pings, aggregates.
 *
 * After the event PUBLISH the session consumes no input (weir_rtmp_session_input() takes nothing)
 * until weir_rtmp_session_accept() or _refuse().
 *
 * What it answers itself: another application (`_error`, NetConnection.Connect.InvalidApp), a
 * `publish` without a key or before `connect` (NetStream.Publish.Denied), both followed by CLOSE
 * 250 ms later; a second `publish` (NetStream.Publish.BadName, the first goes on); `play`; unknown
 * commands that have a transaction id (`_error`, NetConnection.Call.Failed). A key has 1 to 128 of
 * the characters A-Z a-z 0-9 _ . ~ - after one percent-decoding. AMF 3 is not read: objectEncoding
 * is answered 0, messages 15 and 17 are AMF 0 after their first byte.
 *
 * Enhanced RTMP v2: `connect` is answered with what is understood here: every codec of #WeirCodec
 * (fourCcList, and both maps with CanForward), and all of capsEx. Of what the encoder says of
 * itself capsEx is read, and only a reconnect request depends on it: many send what they did not
 * announce.
 *
 * Counted as dropped: media before `publish` or after its end, messages that cannot be read,
 * commands and data messages beyond their rates; pings beyond theirs are not answered. More
 * messages of any kind than their rate allows close the connection: each costs, even an empty one.
 * An empty audio or video message is no media.
 *
 * Media of a publisher that runs ahead of the clock or whose stamps jump about would be cut into
 * segments faster than anyone stores them: both are limited. What ends a publisher for a limit is
 * said to it (NetStream.Publish.Rejected), CLOSE follows 250 ms later.
 *
 * Memory: what is as long as the peer says is allocated so that it may fail, which closes the
 * connection; the rest is bounded by constants (names, keys and addresses of 4096 bytes, what is
 * answered to a second's commands) and left to GLib.
 *
 * Not locked: one thread at a time.
 */
typedef struct _WeirRtmpSession WeirRtmpSession;

typedef enum {
  WEIR_RTMP_EVENT_PUBLISH,   /* asks to publish: @app, @key */
  WEIR_RTMP_EVENT_MESSAGE,   /* audio, video or data message while publishing: @message; type is 8,
                                9 or 18: aggregates are unpacked, 15 has become 18 */
  WEIR_RTMP_EVENT_UNPUBLISH, /* the encoder ended its publishing in order; may publish again */
  WEIR_RTMP_EVENT_CLOSE,     /* send what is in the output, then close; @reason */
} WeirRtmpEventType;

typedef struct {
  WeirRtmpEventType type;
  gchar *app;              /* PUBLISH: application without query, escaped for the log; may be
                              empty */
  gchar *key;              /* PUBLISH: the last component of app + "/" + stream name, without
                              query, surrounding blanks and slashes removed */
  gchar *query;            /* PUBLISH: (nullable) the query of either, joined by "&", as sent:
                              2048 of any bytes at most */
  gchar *encoder;          /* PUBLISH: (nullable) flashVer, escaped for the log */
  WeirRtmpMessage message; /* MESSAGE: steal the payload or it is freed */
  gboolean protocol_error; /* CLOSE: the peer's fault */
  gchar *reason;           /* CLOSE: in words, for the log */
  const gchar *limit;      /* CLOSE: (nullable): static name of what was reached or went wrong
                              (rtmp/settings.h); NULL for an end that is in order */
} WeirRtmpEvent;

void weir_rtmp_event_clear (WeirRtmpEvent *self);

/* @random: (array fixed-size=1528): fresh random bytes for the handshake */
WeirRtmpSession *weir_rtmp_session_new (
    const WeirRtmpSessionSettings *settings, const guint8 *random, gint64 now_us);
void weir_rtmp_session_free (WeirRtmpSession *self);

/**
 * weir_rtmp_session_input:
 * @data: bytes from the peer; advanced past what was taken
 * @event: (out caller-allocates): set when TRUE is returned, cleared by the caller
 *
 * Call until it returns FALSE; what is then left of @data (after PUBLISH only) is to be given again
 * later.
 *
 * Returns: TRUE with one event
 */
gboolean weir_rtmp_session_input (
    WeirRtmpSession *self, const guint8 **data, gsize *size, gint64 now_us, WeirRtmpEvent *event);
/* time has passed: pings, deadlines; may produce a CLOSE event. Returns: TRUE with one event */
gboolean weir_rtmp_session_advance (WeirRtmpSession *self, gint64 now_us, WeirRtmpEvent *event);
/* Returns: when weir_rtmp_session_advance() has something to do, G_MAXINT64 for never */
gint64 weir_rtmp_session_get_deadline (WeirRtmpSession *self);
/* Returns: TRUE while a publisher's media is too far ahead of the clock: no input is consumed until
 * weir_rtmp_session_advance() at the deadline, so that the sender is slowed down by its network */
gboolean weir_rtmp_session_is_held_back (WeirRtmpSession *self);
/* Returns: (transfer none): bytes to send; the caller sends them and resets the writer */
WeirWriter *weir_rtmp_session_get_output (WeirRtmpSession *self);

/* after PUBLISH: answers NetStream.Publish.Start */
void weir_rtmp_session_accept (WeirRtmpSession *self, gint64 now_us);
/* after PUBLISH: answers @code (`NetStream.Publish.Denied`, `NetStream.Publish.BadName`); the
 * CLOSE event follows 250 ms later from weir_rtmp_session_advance() */
void weir_rtmp_session_refuse (
    WeirRtmpSession *self, const gchar *code, const gchar *description, gint64 now_us);
/* ends a running publication from our side: NetStream.Unpublish.Success with @description, then
 * CLOSE as above */
void weir_rtmp_session_close (WeirRtmpSession *self, const gchar *description, gint64 now_us);
/* the same for what cannot be taken: NetStream.Publish.Rejected, an error to the encoder */
void weir_rtmp_session_reject (WeirRtmpSession *self, const gchar *description, gint64 now_us);

/**
 * weir_rtmp_session_request_reconnect:
 * @url: (nullable): where to (tcUrl), absolute or relative to the present one; NULL: there again
 * @description: (nullable): one sentence for the encoder's user
 *
 * Sends NetConnection.Connect.ReconnectRequest (Enhanced RTMP v2, "Reconnect Request"). The session
 * goes on as before: the encoder leaves when it comes to a keyframe, having connected anew.
 *
 * Returns: FALSE when the encoder does not understand that, or is not connected (any more)
 */
gboolean weir_rtmp_session_request_reconnect (
    WeirRtmpSession *self, const gchar *url, const gchar *description);

typedef enum {
  WEIR_RTMP_LEVEL_STATUS,
  WEIR_RTMP_LEVEL_WARNING,
} WeirRtmpLevel;

/**
 * weir_rtmp_session_tell:
 * @code: such as `NetStream.Publish.Warning`; none that ends a publication (`NetStream.Failed`,
 *   `NetStream.Publish.BadName`, `.Denied`, `.Rejected`, `NetStream.Unpublish.Success`): encoders
 *   go by it, whatever the level
 * @description: one sentence for the encoder's user
 *
 * `onStatus` to a publisher that may go on: 4 at once, one in 15 s over time.
 *
 * Returns: FALSE when it was not sent: nobody publishes, or too many were sent
 */
gboolean weir_rtmp_session_tell (WeirRtmpSession *self, WeirRtmpLevel level, const gchar *code,
    const gchar *description, gint64 now_us);

/* Returns: what the encoder's `connect` said that it understands (capsEx), 0 before */
WeirRtmpCapabilities weir_rtmp_session_get_capabilities (WeirRtmpSession *self);

/**
 * weir_rtmp_session_take_drops:
 * @count: (out): how much has been dropped or left unanswered for that reason since the last call
 *
 * Returns: (nullable): static name of the limit or WEIR_RTMP_UNREADABLE; call until it is NULL
 */
const gchar *weir_rtmp_session_take_drops (WeirRtmpSession *self, guint64 *count);

gboolean weir_rtmp_session_is_publishing (WeirRtmpSession *self);
/* Returns: (transfer none): name of the last message's type, for the summary */
const gchar *weir_rtmp_session_get_last_message (WeirRtmpSession *self);
/* messages and partial messages that were thrown away */
guint64 weir_rtmp_session_get_dropped (WeirRtmpSession *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirRtmpEvent, weir_rtmp_event_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRtmpSession, weir_rtmp_session_free)

G_END_DECLS
