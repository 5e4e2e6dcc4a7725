/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker.h"

G_BEGIN_DECLS

#define WEIR_TYPE_CONNECTION (weir_connection_get_type ())
G_DECLARE_DERIVABLE_TYPE (WeirConnection, weir_connection, WEIR, CONNECTION, GObject)

/**
 * WeirRefusal: why a publisher is not taken; each protocol says it in its own words
 */
typedef enum {
  WEIR_REFUSAL_NOT_ALLOWED, /* unknown key, disabled input */
  WEIR_REFUSAL_IN_USE,      /* someone else publishes with this key */
  WEIR_REFUSAL_OVERLOAD,    /* not now */
  WEIR_REFUSAL_UNAVAILABLE, /* the store cannot be asked */
  WEIR_REFUSAL_MALFORMED,   /* the key is no key */
} WeirRefusal;

/* Names of limits in weir.conf(5): too many decisions at a time for too long, no decision in time.
 * Beside them whoever authorises counts why it refuses. */
#define WEIR_LIMIT_AUTHORISATIONS "authorisations"
#define WEIR_LIMIT_AUTHORISE "authorise"

/**
 * WeirConnectionSummary: what the log line of an ended connection says
 */
typedef struct {
  gboolean closed_by_peer;
  gboolean clean; /* the encoder said that it ends (its user pressed Stop) */
  gchar *reason;  /* in words; escaped */
  guint64 bytes_received;
  guint64 bytes_sent;
  gint64 duration_us;  /* since accepted */
  gint64 media_us;     /* since publish began; 0 when it never did */
  gchar *last_message; /* kind of the last message that came, protocol's word */
  gchar *codecs;       /* "H.264 AAC" or empty */
  guint64 dropped;     /* messages that were thrown away */
} WeirConnectionSummary;

void weir_connection_summary_clear (WeirConnectionSummary *self);

/**
 * WeirNotice: how serious it is what an encoder is told that may go on
 */
typedef enum {
  WEIR_NOTICE_STATUS,
  WEIR_NOTICE_WARNING,
} WeirNotice;

/**
 * WeirConnection:
 *
 * One encoder's connection, from the moment it asks to publish; abstract, protocols derive. Its
 * listener emits `authorise` for it; whoever took the decision calls accept or refuse, once, from
 * any thread. Accepted, it migrates to the given worker and delivers to the source element that has
 * it as its `connection`; until one does, nothing more is read from it.
 *
 * Signal `ended (connection)`: of an accepted connection, on the connection's thread, once, after
 * the last media; read the summary then.
 */
struct _WeirConnectionClass {
  GObjectClass parent_class;

  void (*accept) (WeirConnection *self, WeirWorker *worker);
  void (*refuse) (WeirConnection *self, WeirRefusal refusal, const gchar *description);
  void (*close) (WeirConnection *self, const gchar *description);
  void (*get_summary) (WeirConnection *self, WeirConnectionSummary *summary);
  gint64 (*get_last_media_us) (WeirConnection *self);
  guint64 (*get_bytes_received) (WeirConnection *self);
  /* (nullable): of protocols that have no words for it */
  gboolean (*request_reconnect) (
      WeirConnection *self, const gchar *address, const gchar *description);
  void (*tell) (
      WeirConnection *self, WeirNotice notice, const gchar *code, const gchar *description);
  void (*reject) (WeirConnection *self, const gchar *description);
};

/* any thread; the first call of either decides, later ones do nothing.
 * Returns: FALSE when it has been decided before, or the encoder is gone: `ended` never comes */
gboolean weir_connection_accept (WeirConnection *self, WeirWorker *worker);
/* Returns: FALSE when it has been decided, or the encoder is gone; any thread */
gboolean weir_connection_is_undecided (WeirConnection *self);
/* @description: one sentence for the encoder's user; no secrets */
void weir_connection_refuse (WeirConnection *self, WeirRefusal refusal, const gchar *description);
/* any thread, any time; ends it from our side, politely in the protocol's words */
void weir_connection_close (WeirConnection *self, const gchar *description);
/* as weir_connection_close(), and says in the protocol's words that what the encoder sends cannot
 * be taken: most encoders do not come back by themselves then */
void weir_connection_reject (WeirConnection *self, const gchar *description);

/**
 * weir_connection_request_reconnect:
 * @address: (nullable): where to, in the protocol's words (RTMP: a tcUrl, absolute or relative);
 *   NULL: there again
 * @description: (nullable): one sentence for the encoder's user; no secrets
 *
 * Asks an accepted encoder to leave and to come back, at a moment that suits it; until then it goes
 * on, and it may come back before it leaves. Any thread, any time.
 *
 * Returns: FALSE when this protocol or this encoder does not know that: nothing is sent. TRUE does
 *   not mean that it will do it.
 */
gboolean weir_connection_request_reconnect (
    WeirConnection *self, const gchar *address, const gchar *description);
/**
 * weir_connection_tell:
 * @code: what it is about in a dotted word, such as `NetStream.Publish.Warning`: RTMP sends it as
 *   it is, so it must be none that encoders take for the end of their publication
 * @description: one sentence for the encoder's user; no secrets
 *
 * Tells an accepted encoder something without ending anything; in protocols that have no words for
 * that, nothing happens. Any thread, any time. What is too much for the encoder to be told is left
 * out: it is for its user's eyes, once in a while.
 */
void weir_connection_tell (
    WeirConnection *self, WeirNotice notice, const gchar *code, const gchar *description);

/* after `ended`; clear with weir_connection_summary_clear() */
void weir_connection_get_summary (WeirConnection *self, WeirConnectionSummary *summary);
/* Returns: monotonic time of the last media, 0 for none; any thread */
gint64 weir_connection_get_last_media_us (WeirConnection *self);
/* Returns: bytes that have come so far; any thread */
guint64 weir_connection_get_bytes_received (WeirConnection *self);

/* for protocols: no media comes any more. Emits `ended` when the connection was accepted; otherwise
 * nobody can accept it any more. On the connection's thread, once, without a lock. */
void weir_connection_end (WeirConnection *self);
/* for protocols that learn the secret after construction: once, before anyone else knows @self */
void weir_connection_set_secret (WeirConnection *self, const gchar *secret);

/* Returns: (transfer none): fixed at construction: "rtmp", "192.0.2.1:4711" */
const gchar *weir_connection_get_protocol (WeirConnection *self);
const gchar *weir_connection_get_peer (WeirConnection *self);
/* Returns: (transfer none): the secret that the encoder showed, for the one who authorises; never
 * to be logged */
const gchar *weir_connection_get_secret (WeirConnection *self);
/* Returns: a number that is unique in this process, for log lines */
guint64 weir_connection_get_id (WeirConnection *self);

G_END_DECLS
