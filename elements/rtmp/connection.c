/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "rtmp/connection.h"

#include "base/escape.h"
#include "net/socket.h"
#include "rtmp/connectioninternal.h"
#include "rtmp/flvtag.h"
#include "rtmp/listener.h"
#include "rtmp/session.h"

#include <string.h>
#include <sys/random.h>

#define RANDOM_SIZE 1528
#define WORDS_MAX 8
#define READ_FIRST_US (50 * 1000)

typedef enum {
  STATE_TALKING,   /* up to publish, on the accept thread */
  STATE_ASKING,    /* no decision yet */
  STATE_MIGRATING, /* between two threads; nobody touches the socket */
  STATE_LIVE,      /* accepted, on the broadcast's worker */
  STATE_CLOSING,   /* our last words are on their way; what comes is thrown away */
  STATE_ENDED,     /* without socket and session */
} State;

typedef enum {
  DECISION_NONE,
  DECISION_ACCEPT,
  DECISION_REFUSE,
} Decision;

/* something that the encoder is to be told while it publishes: a notice, or to connect anew */
typedef struct {
  gboolean reconnect;
  WeirNotice notice;  /* unless @reconnect */
  gchar *code;        /* unless @reconnect */
  gchar *address;     /* (nullable): with @reconnect */
  gchar *description; /* (nullable) */
} Words;

/* Everything happens on the connection's current worker. Other threads leave what they want in the
 * fields under @lock and post update() to that worker, which sees to it. */
struct _WeirRtmpConnection {
  WeirConnection parent;

  GMutex lock;
  WeirWorker *worker; /* changed on the current worker only, under @lock */
  Decision decision;
  WeirWorker *target;
  WeirRefusal refusal;
  gchar *refusal_description;
  gchar *close_description; /* wanted */
  gint rejected;            /* atomic: as what cannot be taken */
  GQueue words;             /* of Words, WORDS_MAX at most */
  WeirConnectionSummary summary;

  /* Held while messages are handed over, so that whoever clears the consumer waits for that. It is
   * recursive: a consumer that clears itself from within a callback does no harm. */
  GRecMutex consumer_lock;
  WeirRtmpConsumer consumer;
  gpointer consumer_data;
  gboolean has_consumer;
  gboolean consumer_ended; /* nobody is told a second time */

  guint64 bytes_received; /* atomic */
  gint64 last_media_us;   /* atomic */

  /* fixed when `authorise` is emitted */
  gchar *app;
  gchar *encoder;
  WeirRtmpCapabilities capabilities;

  /* on the current worker */
  State state;
  WeirSocket *socket;
  WeirRtmpSession *session;
  WeirTimer *timer;
  WeirStopHook *stop_hook;
  gint64 armed_us;
  gboolean read_first; /* time has run out, but for what waits to be read */
  WeirRtmpConnectionOwner owner;
  gpointer owner_data;
  gboolean owned;
  gint64 read_interval_us;
  gint64 authorise_us;
  gint64 line_us;
  gboolean in_line; /* the decision is not asked for yet */
  gint64 authorise_deadline_us;
  WeirCounters *counters; /* (nullable) */
  WeirRtmpSessionSettings settings;
  GByteArray *held; /* (nullable): came after publish was asked for, or without a consumer */
  gint64 accepted_us;
  gint64 published_us;
  const gchar *video_codec;
  const gchar *audio_codec;
  gchar *codecs; /* (nullable): the consumer knows better */
  gchar *reason;
  gboolean closed_by_peer;
  gboolean clean;
  gboolean end_told;
  gboolean has_clear; /* bytes have come that TLS is not concerned with */
};

G_DEFINE_FINAL_TYPE (WeirRtmpConnection, weir_rtmp_connection, WEIR_TYPE_CONNECTION)

static void update (gpointer data);
static void update_reading (WeirRtmpConnection *self);

/* ── the end ── */

static void
set_reason (WeirRtmpConnection *self, const gchar *reason)
{
  if (self->reason == NULL)
    self->reason = weir_escape_for_log (reason, -1);
}

static void
write_summary (WeirRtmpConnection *self)
{
  WeirConnectionSummary summary = {0};
  gint64 now_us = g_get_monotonic_time ();
  const gchar *codecs[3] = {0};
  guint count = 0;

  if (self->video_codec != NULL)
    codecs[count++] = self->video_codec;
  if (self->audio_codec != NULL)
    codecs[count++] = self->audio_codec;
  summary.closed_by_peer = self->closed_by_peer;
  summary.clean = self->clean;
  summary.reason = g_strdup (self->reason);
  summary.bytes_received = weir_socket_get_bytes_received (self->socket);
  summary.bytes_sent = weir_socket_get_bytes_sent (self->socket);
  summary.duration_us = now_us - self->accepted_us;
  summary.media_us = self->published_us != 0 ? now_us - self->published_us : 0;
  summary.last_message = g_strdup (weir_rtmp_session_get_last_message (self->session));
  summary.codecs =
      self->codecs != NULL ? g_strdup (self->codecs) : g_strjoinv (" ", (gchar **) codecs);
  summary.dropped = weir_rtmp_session_get_dropped (self->session);

  g_mutex_lock (&self->lock);
  weir_connection_summary_clear (&self->summary);
  self->summary = summary;
  g_mutex_unlock (&self->lock);
}

static void
tell_consumer_end (WeirRtmpConnection *self)
{
  g_rec_mutex_lock (&self->consumer_lock);
  if (self->has_consumer && !self->consumer_ended) {
    self->consumer_ended = TRUE;
    self->consumer.ended (self->consumer_data);
  }
  g_rec_mutex_unlock (&self->consumer_lock);
}

/* No media comes any more. Not under the consumer's lock: whoever listens may take locks. */
static void
tell_end (WeirRtmpConnection *self)
{
  if (self->end_told)
    return;
  self->end_told = TRUE;
  write_summary (self);
  tell_consumer_end (self);
  weir_connection_end (WEIR_CONNECTION (self));
}

/* from STATE_ASKING to another */
static void
leave_asking (WeirRtmpConnection *self, State state)
{
  gboolean asking = self->state == STATE_ASKING;

  self->state = state;
  if (asking && self->owned)
    self->owner.decided (self, self->owner_data);
}

static void
leave_owner (WeirRtmpConnection *self, gboolean accepted)
{
  if (!self->owned)
    return;
  self->owned = FALSE;
  self->owner.left (self, accepted, self->owner_data);
}

/* Afterwards the caller needs a reference of its own. */
static void
finish (WeirRtmpConnection *self)
{
  if (self->state == STATE_ENDED)
    return;
  leave_asking (self, STATE_ENDED);
  tell_end (self);
  leave_owner (self, FALSE);
  g_clear_pointer (&self->timer, weir_timer_free);
  g_clear_pointer (&self->stop_hook, weir_stop_hook_free);
  g_clear_pointer (&self->socket, weir_socket_free);
  g_clear_pointer (&self->session, weir_rtmp_session_free);
  g_clear_pointer (&self->held, g_byte_array_unref);
  g_object_unref (self);
}

/* ── the session ── */

/* what the session has dropped since the last time */
static void
count_drops (WeirRtmpConnection *self)
{
  const gchar *limit;
  guint64 count;

  while ((limit = weir_rtmp_session_take_drops (self->session, &count)) != NULL)
    weir_counters_add_many (self->counters, limit, count);
}

static void
send_output (WeirRtmpConnection *self)
{
  WeirWriter *output = weir_rtmp_session_get_output (self->session);

  if (output->size == 0)
    return;
  weir_socket_send (self->socket, output->data, output->size);
  weir_writer_reset (output);
}

/* A timer that fires too early is armed again: cheaper than arming it with each read. */
static void
arm_timer (WeirRtmpConnection *self)
{
  gint64 deadline_us = weir_rtmp_session_get_deadline (self->session);

  if (self->state == STATE_ASKING)
    deadline_us = MIN (deadline_us, self->authorise_deadline_us);
  if (deadline_us >= self->armed_us)
    return;
  self->armed_us = deadline_us;
  weir_timer_arm (self->timer, deadline_us);
}

/* of the first of its tracks that says it; NULL for none */
static const gchar *
find_codec (WeirMediaKind kind, const WeirRtmpMessage *message)
{
  WeirFlvReader reader;
  WeirFlvTag tag = {0};

  weir_flv_reader_init (&reader, kind, message->payload, message->size);
  while (tag.name == NULL && weir_flv_reader_next (&reader, &tag))
    continue;
  return tag.name;
}

static void
note_media (WeirRtmpConnection *self, const WeirRtmpMessage *message, gint64 now_us)
{
  if ((message->type != WEIR_RTMP_VIDEO && message->type != WEIR_RTMP_AUDIO) || message->size == 0)
    return;
  __atomic_store_n (&self->last_media_us, now_us, __ATOMIC_RELAXED);
  if (message->type == WEIR_RTMP_VIDEO && self->video_codec == NULL)
    self->video_codec = find_codec (WEIR_MEDIA_VIDEO, message);
  else if (message->type == WEIR_RTMP_AUDIO && self->audio_codec == NULL)
    self->audio_codec = find_codec (WEIR_MEDIA_AUDIO, message);
}

/* what is left to do when an event has been handled and no lock is held any more */
typedef enum {
  THEN_NOTHING,
  THEN_ASK,
  THEN_TELL_END,
  THEN_FINISH,
} Then;

static Then
handle_event (WeirRtmpConnection *self, WeirRtmpEvent *event, gint64 now_us)
{
  switch (event->type) {
  case WEIR_RTMP_EVENT_PUBLISH:
    self->state = STATE_ASKING;
    self->in_line = TRUE;
    self->authorise_deadline_us = now_us + self->line_us;
    self->app = g_steal_pointer (&event->app);
    self->encoder = g_steal_pointer (&event->encoder);
    self->capabilities = weir_rtmp_session_get_capabilities (self->session);
    weir_connection_set_secret (WEIR_CONNECTION (self), event->key);
    weir_socket_set_paused (self->socket, TRUE);
    return THEN_ASK;
  case WEIR_RTMP_EVENT_MESSAGE:
    note_media (self, &event->message, now_us);
    self->consumer.message (&event->message, self->consumer_data);
    return THEN_NOTHING;
  case WEIR_RTMP_EVENT_UNPUBLISH:
    self->clean = TRUE;
    self->closed_by_peer = TRUE;
    set_reason (self, "the encoder stopped publishing");
    /* what waits goes out, then it is closed */
    weir_rtmp_session_close (self->session, self->reason, now_us);
    self->state = STATE_CLOSING;
    return THEN_TELL_END;
  case WEIR_RTMP_EVENT_CLOSE: {
    g_autofree gchar *reason = g_strconcat (event->protocol_error ? "protocol error: " : "",
        event->reason, event->limit != NULL ? " (" : NULL, event->limit, ")", NULL);

    if (event->limit != NULL)
      weir_counters_add (self->counters, event->limit);
    set_reason (self, reason);
    return THEN_FINISH;
  }
  }
  return THEN_NOTHING;
}

static void
do_then (WeirRtmpConnection *self, Then then)
{
  switch (then) {
  case THEN_NOTHING:
    break;
  case THEN_ASK:
    self->owner.publish (self, self->owner_data);
    break;
  case THEN_TELL_END:
    tell_end (self);
    break;
  case THEN_FINISH:
    finish (self);
    break;
  }
}

static gboolean
takes_input (WeirRtmpConnection *self)
{
  return self->state == STATE_TALKING || self->state == STATE_CLOSING ||
         (self->state == STATE_LIVE && self->has_consumer &&
             !weir_rtmp_session_is_held_back (self->session));
}

static void
hold (WeirRtmpConnection *self, const guint8 *data, gsize size)
{
  /* Bounded: one read at most, as the socket is paused before the next one. */
  if (size == 0)
    return;
  if (self->held == NULL)
    self->held = g_byte_array_new ();
  g_byte_array_append (self->held, data, (guint) size);
}

static void
input (WeirRtmpConnection *self, const guint8 *data, gsize size)
{
  gint64 now_us = g_get_monotonic_time ();
  Then then = THEN_NOTHING;

  g_rec_mutex_lock (&self->consumer_lock);
  while (then != THEN_FINISH && takes_input (self)) {
    g_auto (WeirRtmpEvent) event = {0};
    Then next;

    if (!weir_rtmp_session_input (self->session, &data, &size, now_us, &event))
      break;
    next = handle_event (self, &event, now_us);
    then = MAX (then, next);
  }
  if (!takes_input (self)) {
    hold (self, data, size);
    weir_socket_set_paused (self->socket, TRUE);
  }
  g_rec_mutex_unlock (&self->consumer_lock);
  count_drops (self);
  send_output (self);
  arm_timer (self);
  do_then (self, then);
}

static void
on_received (G_GNUC_UNUSED WeirSocket *socket, const guint8 *data, gsize size, gpointer user_data)
{
  g_autoptr (WeirRtmpConnection) self = g_object_ref (user_data);

  __atomic_store_n (
      &self->bytes_received, weir_socket_get_bytes_received (self->socket), __ATOMIC_RELAXED);
  self->has_clear = TRUE;
  input (self, data, size);
}

/* what was spoken instead of TLS */
static const gchar *
explain_no_tls (WeirTls *tls)
{
  gsize size;
  const guint8 *first = weir_tls_get_first_bytes (tls, &size);

  if (size >= 1 && first[0] == 3)
    return "RTMP without TLS on the RTMPS port (use rtmps:// with this port, or rtmp:// with the "
           "other)";
  if ((size >= 6 && memcmp (first, "PROXY ", 6) == 0) || (size >= 1 && first[0] == '\r'))
    return "PROXY header on the RTMPS port";
  if (size >= 1 && g_ascii_isalpha ((gchar) first[0]))
    return "HTTP on the RTMPS port";
  return "no TLS on the RTMPS port";
}

/* Returns: (transfer full): a sentence for who runs the server */
static gchar *
explain_tls (WeirTls *tls, const GError *error)
{
  if (g_error_matches (error, WEIR_TLS_ERROR, WEIR_TLS_ERROR_NOT_TLS))
    return g_strdup_printf ("no TLS handshake: %s", explain_no_tls (tls));
  if (g_error_matches (error, WEIR_TLS_ERROR, WEIR_TLS_ERROR_CERTIFICATE))
    return g_strdup_printf ("the encoder does not accept our certificate: %s", error->message);
  if (g_error_matches (error, WEIR_TLS_ERROR, WEIR_TLS_ERROR_ALERT))
    return g_strdup_printf ("the encoder ended %s: %s",
        weir_tls_is_established (tls) ? "TLS" : "the TLS handshake", error->message);
  return g_strdup_printf (
      "%s: %s", weir_tls_is_established (tls) ? "TLS error" : "no TLS handshake", error->message);
}

/* Encoders that check the certificate when all is done, or do not say what they dislike, just
 * leave. */
static const gchar *
explain_eof (WeirRtmpConnection *self)
{
  WeirTls *tls = weir_socket_get_tls (self->socket);

  if (tls == NULL || self->has_clear || weir_socket_get_bytes_received (self->socket) == 0)
    return "closed by the encoder";
  if (weir_tls_is_established (tls))
    return "closed by the encoder right after the TLS handshake; it may not accept our certificate";
  return "closed by the encoder in the TLS handshake; it may not accept our certificate";
}

static void
on_closed (
    G_GNUC_UNUSED WeirSocket *socket, WeirSocketState state, gint error_number, gpointer user_data)
{
  g_autoptr (WeirRtmpConnection) self = g_object_ref (user_data);
  g_autofree gchar *broken = NULL;

  switch (state) {
  case WEIR_SOCKET_SLOW:
    weir_counters_add (self->counters, WEIR_LIMIT_RTMP_OUTPUT);
    set_reason (self, "the encoder does not read what it is sent");
    break;
  case WEIR_SOCKET_RESET:
    broken = g_strdup_printf ("the connection broke: %s", g_strerror (error_number));
    self->closed_by_peer |= self->reason == NULL;
    set_reason (self, broken);
    break;
  case WEIR_SOCKET_TLS:
    broken = explain_tls (weir_socket_get_tls (self->socket), weir_socket_get_error (self->socket));
    set_reason (self, broken);
    weir_counters_add (self->counters, WEIR_RTMPS_HANDSHAKE);
    break;
  default:
    self->closed_by_peer |= self->reason == NULL;
    set_reason (self, explain_eof (self));
    break;
  }
  finish (self);
}

static const WeirSocketCallbacks socket_callbacks = {on_received, on_closed};

/* time has run out */
static void
note_deadline (WeirRtmpConnection *self)
{
  WeirTls *tls = weir_socket_get_tls (self->socket);

  if (tls != NULL && !weir_tls_is_established (tls))
    set_reason (self, "no TLS handshake in time");
}

/* A process that stood still knows nothing of what was sent meanwhile: before time runs out for an
 * encoder, what waits is read. Two rounds and what a busy worker takes for them. */
static gboolean
read_first (WeirRtmpConnection *self, gint64 now_us)
{
  if (self->state != STATE_LIVE || self->read_first ||
      weir_rtmp_session_is_held_back (self->session) ||
      now_us < weir_rtmp_session_get_deadline (self->session)) {
    self->read_first = FALSE;
    return FALSE;
  }
  self->read_first = TRUE;
  self->armed_us = now_us + 2 * self->read_interval_us + READ_FIRST_US;
  weir_timer_arm (self->timer, self->armed_us);
  return TRUE;
}

static void
on_timer (gpointer data)
{
  g_autoptr (WeirRtmpConnection) self = g_object_ref (data);
  g_auto (WeirRtmpEvent) event = {0};
  gint64 now_us = g_get_monotonic_time ();
  gboolean held_back = weir_rtmp_session_is_held_back (self->session);
  Then then = THEN_NOTHING;

  if (read_first (self, now_us))
    return;
  self->armed_us = G_MAXINT64;
  if (weir_rtmp_session_advance (self->session, now_us, &event)) {
    note_deadline (self);
    then = handle_event (self, &event, now_us);
  }
  send_output (self);
  if (self->state == STATE_ASKING && now_us >= self->authorise_deadline_us) {
    self->authorise_deadline_us = G_MAXINT64;
    weir_counters_add (
        self->counters, self->in_line ? WEIR_LIMIT_AUTHORISATIONS : WEIR_LIMIT_AUTHORISE);
    if (self->in_line)
      weir_connection_refuse (WEIR_CONNECTION (self), WEIR_REFUSAL_OVERLOAD,
          "Too many encoders connect at the moment, try again.");
    else
      weir_connection_refuse (WEIR_CONNECTION (self), WEIR_REFUSAL_UNAVAILABLE,
          "The publisher could not be checked in time.");
  }
  arm_timer (self);
  if (held_back && then == THEN_NOTHING && self->state == STATE_LIVE &&
      !weir_rtmp_session_is_held_back (self->session))
    update_reading (self);
  do_then (self, then);
}

static void
on_worker_stop (gpointer data)
{
  g_autoptr (WeirRtmpConnection) self = g_object_ref (data);

  self->stop_hook = NULL;
  set_reason (self, "its worker has stopped");
  finish (self);
}

static void
attach (WeirRtmpConnection *self)
{
  self->stop_hook = weir_worker_stop_hook (self->worker, on_worker_stop, self);
  self->timer = weir_worker_timer (self->worker, on_timer, self);
  self->armed_us = G_MAXINT64;
  weir_socket_attach (self->socket, self->worker, &socket_callbacks, self);
}

/* ── what other threads want ── */

static void
request_update (WeirRtmpConnection *self)
{
  g_autoptr (WeirWorker) worker = NULL;

  g_mutex_lock (&self->lock);
  worker = weir_worker_ref (self->worker);
  g_mutex_unlock (&self->lock);
  weir_worker_invoke (worker, update, g_object_ref (self), g_object_unref);
}

static void
arrive (gpointer data)
{
  WeirRtmpConnection *self = data;
  gint64 now_us = g_get_monotonic_time ();

  self->state = STATE_LIVE;
  self->published_us = now_us;
  weir_socket_set_read_interval (self->socket, self->read_interval_us);
  attach (self);
  weir_rtmp_session_accept (self->session, now_us);
  send_output (self);
  arm_timer (self);
  update (self);
}

/* After arrive(), or instead of it when the worker has stopped; then nobody else has the socket. */
static void
arrived (gpointer data)
{
  g_autoptr (WeirRtmpConnection) self = data;

  if (self->state == STATE_MIGRATING) {
    set_reason (self, "its worker has stopped");
    finish (self);
  }
}

static void
migrate (WeirRtmpConnection *self, WeirWorker *target)
{
  WeirWorker *old = self->worker;

  weir_socket_detach (self->socket);
  g_clear_pointer (&self->timer, weir_timer_free);
  g_clear_pointer (&self->stop_hook, weir_stop_hook_free);
  leave_asking (self, STATE_MIGRATING);
  leave_owner (self, TRUE);
  g_mutex_lock (&self->lock);
  self->worker = weir_worker_ref (target);
  g_mutex_unlock (&self->lock);
  weir_worker_invoke (target, arrive, g_object_ref (self), arrived);
  weir_worker_unref (old);
}

static void
refuse_now (WeirRtmpConnection *self, WeirRefusal refusal, const gchar *description)
{
  const gchar *code =
      refusal == WEIR_REFUSAL_IN_USE ? "NetStream.Publish.BadName" : "NetStream.Publish.Denied";
  g_autofree gchar *reason = g_strdup_printf ("refused: %s", description);

  set_reason (self, reason);
  weir_rtmp_session_refuse (self->session, code, description, g_get_monotonic_time ());
  leave_asking (self, STATE_CLOSING);
}

static void
close_now (WeirRtmpConnection *self, const gchar *description)
{
  if (self->state == STATE_ASKING) {
    refuse_now (self, WEIR_REFUSAL_UNAVAILABLE, description);
    return;
  }
  set_reason (self, description);
  if (g_atomic_int_get (&self->rejected))
    weir_rtmp_session_reject (self->session, description, g_get_monotonic_time ());
  else
    weir_rtmp_session_close (self->session, description, g_get_monotonic_time ());
  self->state = STATE_CLOSING;
}

static void
words_free (gpointer data)
{
  Words *words = data;

  g_free (words->code);
  g_free (words->address);
  g_free (words->description);
  g_free (words);
}

/* any thread. @words: (transfer full): what is too much is left out */
static void
add_words (WeirRtmpConnection *self, Words *words)
{
  gboolean room;

  g_mutex_lock (&self->lock);
  room = self->words.length < WORDS_MAX;
  if (room)
    g_queue_push_tail (&self->words, words);
  g_mutex_unlock (&self->lock);
  if (room)
    request_update (self);
  else
    words_free (words);
}

static Words *
take_words (WeirRtmpConnection *self)
{
  Words *words;

  g_mutex_lock (&self->lock);
  words = g_queue_pop_head (&self->words);
  g_mutex_unlock (&self->lock);
  return words;
}

static void
say_words (WeirRtmpConnection *self)
{
  gint64 now_us = g_get_monotonic_time ();
  Words *words;

  while ((words = take_words (self)) != NULL) {
    if (words->reconnect)
      weir_rtmp_session_request_reconnect (self->session, words->address, words->description);
    else
      weir_rtmp_session_tell (self->session,
          words->notice == WEIR_NOTICE_WARNING ? WEIR_RTMP_LEVEL_WARNING : WEIR_RTMP_LEVEL_STATUS,
          words->code, words->description, now_us);
    words_free (words);
  }
  send_output (self);
}

/* Our last words go out; what the encoder still sends is read, as unread bytes would turn the
 * closing into a reset that overtakes them. */
static void
begin_closing (WeirRtmpConnection *self)
{
  g_clear_pointer (&self->held, g_byte_array_unref);
  weir_socket_set_paused (self->socket, FALSE);
  send_output (self);
  arm_timer (self);
}

static void
update_reading (WeirRtmpConnection *self)
{
  g_autoptr (GByteArray) held = NULL;
  gboolean takes;

  g_rec_mutex_lock (&self->consumer_lock);
  takes = takes_input (self);
  g_rec_mutex_unlock (&self->consumer_lock);
  weir_socket_set_paused (self->socket, !takes);
  if (!takes || self->held == NULL)
    return;
  held = g_steal_pointer (&self->held);
  input (self, held->data, held->len);
}

static void
update (gpointer data)
{
  g_autoptr (WeirRtmpConnection) self = g_object_ref (data);
  g_autofree gchar *close_description = NULL, *refusal_description = NULL;
  g_autoptr (WeirWorker) target = NULL;
  Decision decision;

  g_mutex_lock (&self->lock);
  /* it has moved on since this was posted, where it sees to it */
  if (!weir_worker_is_current (self->worker)) {
    g_mutex_unlock (&self->lock);
    request_update (self);
    return;
  }
  close_description = g_strdup (self->close_description);
  refusal_description = g_strdup (self->refusal_description);
  decision = self->decision;
  if (self->target != NULL)
    target = weir_worker_ref (self->target);
  g_mutex_unlock (&self->lock);

  switch (self->state) {
  case STATE_MIGRATING:
    return;
  case STATE_TALKING:
    if (close_description == NULL)
      return;
    close_now (self, close_description);
    begin_closing (self);
    return;
  case STATE_ASKING:
    if (close_description != NULL)
      close_now (self, close_description);
    else if (decision == DECISION_REFUSE)
      refuse_now (self, self->refusal, refusal_description);
    if (self->state == STATE_CLOSING)
      begin_closing (self);
    else if (decision == DECISION_ACCEPT)
      migrate (self, target);
    return;
  case STATE_LIVE:
    if (close_description == NULL) {
      say_words (self);
      update_reading (self);
      return;
    }
    close_now (self, close_description);
    begin_closing (self);
    tell_end (self);
    return;
  case STATE_CLOSING:
  case STATE_ENDED:
    /* a consumer that came too late */
    if (self->end_told)
      tell_consumer_end (self);
    return;
  }
}

static void
weir_rtmp_connection_accept (WeirConnection *connection, WeirWorker *worker)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (connection);

  g_mutex_lock (&self->lock);
  self->decision = DECISION_ACCEPT;
  self->target = weir_worker_ref (worker);
  g_mutex_unlock (&self->lock);
  request_update (self);
}

static void
weir_rtmp_connection_refuse (
    WeirConnection *connection, WeirRefusal refusal, const gchar *description)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (connection);

  g_mutex_lock (&self->lock);
  self->decision = DECISION_REFUSE;
  self->refusal = refusal;
  self->refusal_description = g_strdup (description);
  g_mutex_unlock (&self->lock);
  request_update (self);
}

static void
weir_rtmp_connection_close (WeirConnection *connection, const gchar *description)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (connection);

  g_mutex_lock (&self->lock);
  if (self->close_description == NULL)
    self->close_description = g_strdup (description);
  g_mutex_unlock (&self->lock);
  request_update (self);
}

static void
weir_rtmp_connection_reject (WeirConnection *connection, const gchar *description)
{
  g_atomic_int_set (&WEIR_RTMP_CONNECTION (connection)->rejected, TRUE);
  weir_rtmp_connection_close (connection, description);
}

static gboolean
weir_rtmp_connection_request_reconnect (
    WeirConnection *connection, const gchar *address, const gchar *description)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (connection);
  Words *words;

  if ((self->capabilities & WEIR_RTMP_CAPABILITY_RECONNECT) == 0)
    return FALSE;
  words = g_new0 (Words, 1);
  words->reconnect = TRUE;
  words->address = g_strdup (address);
  words->description = g_strdup (description);
  add_words (self, words);
  return TRUE;
}

static void
weir_rtmp_connection_tell (
    WeirConnection *connection, WeirNotice notice, const gchar *code, const gchar *description)
{
  Words *words = g_new0 (Words, 1);

  words->notice = notice;
  words->code = g_strdup (code);
  words->description = g_strdup (description);
  add_words (WEIR_RTMP_CONNECTION (connection), words);
}

void
weir_rtmp_connection_set_consumer (
    WeirRtmpConnection *self, const WeirRtmpConsumer *consumer, gpointer data)
{
  g_rec_mutex_lock (&self->consumer_lock);
  self->has_consumer = consumer != NULL;
  if (consumer != NULL)
    self->consumer = *consumer;
  self->consumer_data = data;
  g_rec_mutex_unlock (&self->consumer_lock);
  request_update (self);
}

/* ── what it tells ── */

static void
weir_rtmp_connection_get_summary (WeirConnection *connection, WeirConnectionSummary *summary)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (connection);

  g_mutex_lock (&self->lock);
  *summary = self->summary;
  summary->reason = g_strdup (self->summary.reason);
  summary->last_message = g_strdup (self->summary.last_message);
  summary->codecs = g_strdup (self->summary.codecs);
  g_mutex_unlock (&self->lock);
}

static gint64
weir_rtmp_connection_get_last_media_us (WeirConnection *connection)
{
  return __atomic_load_n (&WEIR_RTMP_CONNECTION (connection)->last_media_us, __ATOMIC_RELAXED);
}

static guint64
weir_rtmp_connection_get_bytes_received (WeirConnection *connection)
{
  return __atomic_load_n (&WEIR_RTMP_CONNECTION (connection)->bytes_received, __ATOMIC_RELAXED);
}

WeirWorker *
weir_rtmp_connection_get_worker (WeirRtmpConnection *self)
{
  return self->worker;
}

const WeirRtmpSessionSettings *
weir_rtmp_connection_get_settings (WeirRtmpConnection *self)
{
  return &self->settings;
}

void
weir_rtmp_connection_exceed (WeirRtmpConnection *self, const gchar *limit, const gchar *description)
{
  g_autofree gchar *reason = g_strdup_printf ("%s (%s)", description, limit);

  weir_counters_add (self->counters, limit);
  set_reason (self, reason);
  weir_connection_close (WEIR_CONNECTION (self), description);
}

void
weir_rtmp_connection_count (WeirRtmpConnection *self, const gchar *limit)
{
  weir_counters_add (self->counters, limit);
}

void
weir_rtmp_connection_set_codecs (WeirRtmpConnection *self, const gchar *codecs)
{
  g_free (self->codecs);
  self->codecs = g_strdup (codecs);
}

const gchar *
weir_rtmp_connection_get_app (WeirRtmpConnection *self)
{
  return self->app;
}

const gchar *
weir_rtmp_connection_get_encoder (WeirRtmpConnection *self)
{
  return self->encoder;
}

/* ── life ── */

static void
weir_rtmp_connection_finalize (GObject *object)
{
  WeirRtmpConnection *self = WEIR_RTMP_CONNECTION (object);

  g_clear_pointer (&self->worker, weir_worker_unref);
  g_clear_pointer (&self->target, weir_worker_unref);
  g_clear_pointer (&self->counters, weir_counters_unref);
  g_free (self->refusal_description);
  g_free (self->close_description);
  g_queue_clear_full (&self->words, words_free);
  weir_connection_summary_clear (&self->summary);
  g_free (self->app);
  g_free (self->codecs);
  g_free (self->encoder);
  g_free (self->reason);
  g_mutex_clear (&self->lock);
  g_rec_mutex_clear (&self->consumer_lock);
  G_OBJECT_CLASS (weir_rtmp_connection_parent_class)->finalize (object);
}

static void
weir_rtmp_connection_class_init (WeirRtmpConnectionClass *class)
{
  WeirConnectionClass *connection_class = WEIR_CONNECTION_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = weir_rtmp_connection_finalize;
  connection_class->accept = weir_rtmp_connection_accept;
  connection_class->refuse = weir_rtmp_connection_refuse;
  connection_class->close = weir_rtmp_connection_close;
  connection_class->get_summary = weir_rtmp_connection_get_summary;
  connection_class->get_last_media_us = weir_rtmp_connection_get_last_media_us;
  connection_class->get_bytes_received = weir_rtmp_connection_get_bytes_received;
  connection_class->request_reconnect = weir_rtmp_connection_request_reconnect;
  connection_class->tell = weir_rtmp_connection_tell;
  connection_class->reject = weir_rtmp_connection_reject;
}

static void
weir_rtmp_connection_init (WeirRtmpConnection *self)
{
  g_mutex_init (&self->lock);
  g_rec_mutex_init (&self->consumer_lock);
}

static void
fill_random (guint8 *bytes, gsize size)
{
  gsize filled = 0;

  while (filled < size) {
    gssize count = getrandom (bytes + filled, size - filled, 0);

    /* interrupted; there is no other failure for a buffer that exists */
    if (count > 0)
      filled += (gsize) count;
  }
}

WeirRtmpConnection *
weir_rtmp_connection_new (gint fd, const gchar *peer, const WeirRtmpConnectionSettings *settings,
    WeirWorker *worker, const WeirRtmpConnectionOwner *owner, gpointer data)
{
  WeirSocket *socket = weir_socket_new (fd, settings->output_max);
  WeirRtmpConnection *self = g_object_new (WEIR_TYPE_RTMP_CONNECTION, "protocol",
      settings->certificates != NULL ? "rtmps" : "rtmp", "peer", peer, NULL);
  guint8 random[RANDOM_SIZE];

  if (settings->certificates != NULL)
    weir_socket_set_tls (socket, settings->certificates);
  fill_random (random, sizeof random);
  self->socket = socket;
  self->worker = weir_worker_ref (worker);
  self->owner = *owner;
  self->owner_data = data;
  self->owned = TRUE;
  self->read_interval_us = settings->read_interval_us;
  self->authorise_us = settings->authorise_us;
  self->counters = settings->counters != NULL ? weir_counters_ref (settings->counters) : NULL;
  self->settings = *settings->session;
  self->settings.app = NULL;
  self->line_us = settings->line_us;
  self->accepted_us = g_get_monotonic_time ();
  self->session = weir_rtmp_session_new (settings->session, random, self->accepted_us);
  g_object_ref (self);
  attach (self);
  arm_timer (self);
  return self;
}

WeirRtmpTlsState
weir_rtmp_connection_get_tls_state (WeirRtmpConnection *self)
{
  WeirTls *tls = weir_socket_get_tls (self->socket);

  if (tls == NULL || weir_socket_get_bytes_received (self->socket) == 0)
    return WEIR_RTMP_TLS_NONE;
  return weir_tls_is_established (tls) ? WEIR_RTMP_TLS_ESTABLISHED : WEIR_RTMP_TLS_NOT_ESTABLISHED;
}

void
weir_rtmp_connection_ask (WeirRtmpConnection *self)
{
  self->in_line = FALSE;
  self->authorise_deadline_us = g_get_monotonic_time () + self->authorise_us;
  arm_timer (self);
}

void
weir_rtmp_connection_abort (WeirRtmpConnection *self, const gchar *reason)
{
  set_reason (self, reason);
  finish (self);
}
