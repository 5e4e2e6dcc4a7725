/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcast/manager.h"
#include "broadcast/resume.h"
#include "segment/spool.h"

G_BEGIN_DECLS

/**
 * WeirBroadcast:
 *
 * One running broadcast: a GstPipeline on one worker, its index, its commits.
 *
 *   source element (replaced at each reconnect) → weirsanitizer → tee per track → weirsegmentsink
 *
 * Threads. The functions below are called on the main thread, but for weir_broadcast_get_status()
 * and weir_broadcast_get_index(). Media flows on the worker; pads are linked there, as the source
 * brings them. What the segment sink has written arrives on the writer's thread, fills the index
 * there, and is handed to the main thread to be committed: object first, index entry second.
 */
typedef struct _WeirBroadcast WeirBroadcast;

typedef struct {
  const WeirConfig *config; /* outlives the broadcast, as the others do */
  WeirStore *store;
  WeirBlobs *blobs;
  WeirWorkerPool *workers;
  WeirSpoolWriter *writer;
  WeirCounters *counters; /* (nullable) */
  WeirEvents *events;     /* (nullable) */
  const gint *full;       /* atomic: there are recordings enough */
  /* main thread: the lifecycle state has changed; `ready` is never its own: whoever reads that
   * finds the recording, which the store has, and not the live window */
  void (*changed) (WeirBroadcast *broadcast, gpointer data);
  /* main thread, once, the last call: everything is committed and the store says so, or it is
   * suspended */
  void (*ended) (WeirBroadcast *broadcast, gpointer data);
  gpointer data;
} WeirBroadcastContext;

/* @record: as the store's claim returned it; @known_gop_ns: 0 when unknown */
WeirBroadcast *weir_broadcast_new (const WeirBroadcastContext *context,
    const WeirBroadcastRecord *record, const WeirLiveInput *input, gint64 known_gop_ns);
/**
 * weir_broadcast_resume:
 * @record: as the store's claim returned it
 * @resume: where it stood, committed
 * @index: (transfer none): with all segments and inits that there are
 *
 * Goes on with a broadcast that another process has had: it is RECONNECTING. With a window that is
 * over it ends, as usual.
 */
WeirBroadcast *weir_broadcast_resume (const WeirBroadcastContext *context,
    const WeirBroadcastRecord *record, const WeirLiveInput *input, const WeirResume *resume,
    WeirIndex *index);
/* Returns: how long an encoder of @input is waited for, µs */
gint64 weir_broadcast_find_window (const WeirConfig *config, const WeirLiveInput *input);
/* after `ended` only */
void weir_broadcast_free (WeirBroadcast *self);

typedef enum {
  WEIR_BROADCAST_CONNECTED,
  WEIR_BROADCAST_HELD,   /* it has a connection that may turn out to be dead: ask again soon */
  WEIR_BROADCAST_BUSY,   /* it has a connection that is not */
  WEIR_BROADCAST_DAMPED, /* likewise, and the newest comes first, but not so often */
  WEIR_BROADCAST_ENDING, /* `ended` will follow */
  WEIR_BROADCAST_GONE,   /* the encoder has left, or was refused, before it could be accepted */
} WeirBroadcastAnswer;

/* how soon to ask again */
#define WEIR_BROADCAST_HELD_MS 50

/**
 * weir_broadcast_connect:
 * @connection: authorised, not accepted yet
 *
 * Accepts @connection and puts a source element for it into the pipeline. Nothing has changed, and
 * @connection is undecided or gone, unless the answer is %WEIR_BROADCAST_CONNECTED.
 *
 * A broadcast goes on with one connection at a time. If it has one, #WeirTakeover decides. A
 * newcomer that is accepted beside it is listened to until its first keyframe: then it takes the
 * place of the other one, which is closed. If none comes, it is closed itself.
 */
WeirBroadcastAnswer weir_broadcast_connect (WeirBroadcast *self, WeirConnection *connection);
/* cuts those of its connections that have not shown what @input has now */
void weir_broadcast_check_secrets (
    WeirBroadcast *self, const WeirLiveInput *input, const gchar *description);
/* any thread. Returns: which of an input's secrets an encoder of that protocol shows */
WeirSecret weir_broadcast_get_secret_kind (WeirConnection *connection);
/* any thread. Returns: whether it is that */
gboolean weir_broadcast_is_admitted (const WeirLiveInput *input, WeirConnection *connection);
/* ends it now, whatever its state: the connection is closed, segments are closed and committed */
void weir_broadcast_end (WeirBroadcast *self, const gchar *description);
/* stops it without an end, for the next start to go on with: segments are closed and committed. An
 * encoder that knows what it means is asked to leave by itself first, and has @grace_us for that.
 * `ended` follows. */
void weir_broadcast_suspend (WeirBroadcast *self, const gchar *description, gint64 grace_us);
/* Returns: whether that is, or will be, why `ended` is called */
gboolean weir_broadcast_is_suspended (WeirBroadcast *self);

/* beside weir_broadcast_end() or weir_broadcast_suspend(): what disk or store refuse is not waited
 * for, but left to the next start. It may call `ended` at once. */
void weir_broadcast_give_up (WeirBroadcast *self);

/* fixed from the start */
const gchar *weir_broadcast_get_uid (WeirBroadcast *self);
const gchar *weir_broadcast_get_input (WeirBroadcast *self);
gboolean weir_broadcast_is_recorded (WeirBroadcast *self);
/* any thread */
WeirBroadcastStatus *weir_broadcast_get_status (WeirBroadcast *self);
/* any thread. Returns: (transfer full) */
WeirIndex *weir_broadcast_get_index (WeirBroadcast *self);
/* once it has ended: the GOP that the encoder was sending last, ns; 0 when unknown */
gint64 weir_broadcast_get_gop (WeirBroadcast *self);

/* Returns: (transfer full): where a recorded broadcast's journal is, for salvage: lines of JSON,
 * `{"inits":…}` and `{"segment":…}`, written when segments open */
gchar *weir_broadcast_get_journal_path (WeirBlobs *blobs, const gchar *uid);

/* Returns: (transfer full): where a segment is written: `SPOOL/<uid>-<epoch>-<number>.open` */
gchar *weir_broadcast_make_spool_path (
    WeirBlobs *blobs, const gchar *uid, guint64 epoch, guint64 number);

/* Returns: (transfer full): the name of a segment in the segment store:
 * `<uid>/<epoch>-<number>.m4s` */
gchar *weir_broadcast_make_segment_name (const gchar *uid, guint64 epoch, guint64 number);

/* Returns: (transfer full): about a broadcast. @data: JSON */
WeirEvent *weir_broadcast_make_event (
    const WeirBroadcastRecord *record, const gchar *type, const gchar *data);

/* Returns: (transfer full): `segment.committed`; @name: of its object */
WeirEvent *weir_broadcast_make_segment_event (
    const WeirBroadcastRecord *record, const WeirIndexSegment *segment, const gchar *name);

/* adds what it has counted so far; any thread */
void weir_broadcast_add_to_totals (WeirBroadcast *self, WeirBroadcastTotals *totals);
/* bytes that all its connections have brought so far; any thread */
guint64 weir_broadcast_get_bytes_received (WeirBroadcast *self);

G_END_DECLS
