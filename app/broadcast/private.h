/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/tokenbucket.h"
#include "broadcast/broadcast.h"
#include "broadcast/health.h"
#include "broadcast/resume.h"
#include "broadcast/takeover.h"
#include "broadcast/walldate.h"
#include "segment/weirsegmentsink.h"
#include "timeline/weirsanitizer.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * What the files of a broadcast share:
 *
 * broadcast.c: its life: pipeline, connections, end
 * tracks.c: the worker: pads of a source meet the broadcast's tracks
 * written.c: the writer's thread: what has been written fills index and journal
 * commits.c: the main thread: closed segments go to segment store and store
 * newcomer.c: a second encoder, until it has the place of the first one
 * reconnect.c: the main thread: what goes on while nobody sends, and where that stands
 * reports.c: health, status, totals
 * tell.c: events
 */

/* closed segments whose objects stay open (and, without recording, exist), beyond the window for
 * the sake of viewers who are behind */
#define WEIR_BROADCAST_KEEP_SEGMENTS (WEIR_INDEX_WINDOW_SEGMENTS + 6)

struct _WeirBroadcast {
  WeirBroadcastContext context;
  WeirBroadcastRecord *record;
  gint64 reconnect_window_us;

  /* main thread */
  GstElement *pipeline;
  GstElement *sanitizer;
  GstElement *sink;
  GstElement *source; /* NULL between connections */
  gint64 seat_us;     /* monotonic; since when it is the broadcast's */
  WeirWorker *worker;
  GSource *reconnect_timer;
  WeirTakeover takeover;
  WeirConnection *newcomer; /* (nullable): who has the place in the line */
  GstElement *trial;        /* its source, while it is on trial; so are the next two */
  WeirConnection *trial_connection;
  GSource *trial_timer;
  gboolean ending;
  gchar *leaving;       /* (nullable): why it ends as soon as the encoder has left, or … */
  GSource *leave_timer; /* … has not in time */
  gboolean stopped;     /* the pipeline is down, everything has been written */
  guint pending;        /* puts and commits that have not been answered */
  gboolean fenced;      /* someone else owns the broadcast: nothing is committed any more */
  gint64 last_media_us; /* monotonic; of connections that have ended */
  gint64 gop_ns;
  GQueue uncommitted;     /* of ClosedSegment: to be tried again */
  guint missing;          /* segments that were given up */
  gchar *inits;           /* JSON, the last word */
  gboolean inits_missing; /* and the store has not taken it */
  GSource *end_timer;
  gboolean tried_again; /* since the pipeline is down, or the timer */
  gboolean finishing;   /* everything is committed but the end, or given up */
  gboolean given_up;    /* what is not committed now is left to the next start */
  gboolean end_told;

  gboolean suspending;    /* it is not to end: the next start goes on with it */
  gboolean drained;       /* nobody sends, and all that came is in closed segments */
  GSource *gap_timer;     /* while it is drained */
  gboolean state_waiting; /* for the store's answer; … */
  gboolean state_changed; /* … and what was asked for is old already */
  gboolean state_told;    /* that the store has not taken it */

  GSource *health_timer; /* while there is a source */
  guint health_checks;   /* since the connection came */
  guint32 told;          /* what this connection's encoder was told of; bit = code */
  WeirTokenBucket health_lines;
  guint health_lines_left_out;
  gint health_waiting; /* atomic */

  /* atomic; GstElement, only compared: whose pads lead on, ... */
  gpointer linked;
  gpointer candidate; /* … whose first keyframe is waited for */
  gint promoted;      /* the next buffer of that one will do */
  gint complete;      /* all its pads are there */

  gint dumped; /* atomic: the pipeline has failed since the last connection came */

  gint journal_fd; /* (writer's thread) -1 without */
  /* writer's thread */
  gboolean journal_torn;
  gboolean journal_has_inits; /* all of them */
  GHashTable *spool_paths;    /* guint64 number → path, of what is not recorded */
  WeirIndexSegment *open_segments[2];
  GArray *timescales; /* of guint32, index = track; 0: not known */
  gboolean date_fixed;
  gboolean refused;        /* the disk refuses: segments are in memory */
  gint64 refused_start_ns; /* T of the first one of them */

  WeirIndex *index; /* locked inside */

  GMutex lock; /* what follows */
  WeirLifecycle state;
  gint64 state_since_us;
  gint64 deadline_us;
  WeirConnection *connection;
  gint64 connected_us;
  WeirWallDate wall_date;
  WeirResume resume; /* but for the date of zero, which is @wall_date's */
  guint gaps_listed; /* of those that it counts, how many the index has */
  gchar *codecs;
  guint64 segments;
  guint64 segments_before; /* by other processes */
  guint64 segment_bytes;
  guint64 bytes_received; /* by connections that are gone */
  gint64 paused_us;       /* wall time since when the disk refuses; 0: it does not */
  guint pauses;
  guint takeovers;
  WeirBroadcastHealth *health; /* the issues */
  guint64 issues_total[WEIR_HEALTH_CODE_LAST];
};

/* ---- broadcast.c ---- */

/* main thread; tells whoever waits for changes */
void weir_broadcast_set_state (WeirBroadcast *self, WeirLifecycle state, gint64 deadline_us);
/* any thread */
WeirLifecycle weir_broadcast_get_state (WeirBroadcast *self);
/**
 * weir_broadcast_post:
 *
 * Has @run called on the main thread, counted in @pending until it, or who it hands that on to,
 * says weir_broadcast_pending_done(). Only while something that the end waits for keeps the
 * broadcast alive (the sink is not down yet).
 */
void weir_broadcast_post (
    WeirBroadcast *self, void (*run) (WeirBroadcast *self, gpointer data), gpointer data);
/* main thread: it may have been the last: the broadcast may be gone */
void weir_broadcast_pending_done (WeirBroadcast *self);

/* main thread: @source, with that connection, is the broadcast's from now on; it had none.
 * @state: CONNECTING, or LIVE when it was that before */
void weir_broadcast_take_seat (
    WeirBroadcast *self, GstElement *source, WeirConnection *connection, WeirLifecycle state);
/* main thread: the source's callbacks have ended when this returns: nothing of it runs on the
 * worker any more. The seat is free, unless it is free already. @reason: in words */
void weir_broadcast_clear_seat (WeirBroadcast *self, const gchar *reason);
/* likewise; it is of no seat */
void weir_broadcast_remove_element (WeirBroadcast *self, GstElement *source);

/* ---- newcomer.c: main thread, where nothing else is said ---- */

void weir_broadcast_init_newcomer (WeirBroadcast *self);
/* someone else has the seat. Returns: CONNECTED: accept it, then weir_broadcast_begin_trial () */
WeirBroadcastAnswer weir_broadcast_judge_newcomer (WeirBroadcast *self, WeirConnection *connection);
/* before @source is in the pipeline */
void weir_broadcast_begin_trial (
    WeirBroadcast *self, GstElement *source, WeirConnection *connection);
/* the seat is free: a newcomer on trial gets it without a keyframe. Returns: whether there was one
 */
gboolean weir_broadcast_promote_newcomer (WeirBroadcast *self);
/* a newcomer that is on trial is closed. @description: for its user */
void weir_broadcast_dismiss_newcomer (WeirBroadcast *self, const gchar *description);
/* a newcomer's connection has ended. Returns: whether it was one's */
gboolean weir_broadcast_forget_newcomer (WeirBroadcast *self, WeirConnection *connection);
/* worker: a pad of a source that is not, or not yet, the broadcast's */
void weir_broadcast_on_foreign_pad (WeirBroadcast *self, GstPad *pad);

/* ---- tracks.c ---- */

/* worker: the sanitizer brought the source pad of a track: a tee, and the segments behind it */
void weir_broadcast_on_sanitizer_pad_added (
    GstElement *sanitizer, GstPad *pad, WeirBroadcast *self);
/* worker: the source brought a pad: tracks are matched by kind and codec, never by order */
void weir_broadcast_on_source_pad_added (GstElement *source, GstPad *pad, WeirBroadcast *self);
/* worker: the pad goes on with a track that no pad is linked to */
void weir_broadcast_link_pad (WeirBroadcast *self, GstPad *pad);

/* ---- written.c ---- */

/* writer's thread; @data: WeirSegmentWritten */
void weir_broadcast_on_written (WeirSegmentSink *sink, gpointer data, WeirBroadcast *self);
/* writer's thread, or none: without recording only what viewers may still ask for is kept */
void weir_broadcast_forget (WeirBroadcast *self, guint keep);

/* ---- commits.c ---- */

/* any thread, as weir_broadcast_post(). @inits: (transfer full) */
void weir_broadcast_hand_over_inits (WeirBroadcast *self, gchar *inits);
/* likewise: a segment that has closed. @path: (nullable): NULL: it is in memory */
void weir_broadcast_hand_over_segment (WeirBroadcast *self, guint64 number, const gchar *path);
/* main thread: what failed to be committed is tried again, each once */
void weir_broadcast_retry_commits (WeirBroadcast *self);
/* lets go when @error says that someone else owns the broadcast. Returns: whether it does */
gboolean weir_broadcast_check_fenced (WeirBroadcast *self, const GError *error);
/* whether @error says nothing about what was to be written, only about the place */
gboolean weir_broadcast_is_refusal (const GError *error);
void weir_broadcast_clear_commits (WeirBroadcast *self);

/* ---- reconnect.c: main thread, where nothing else is said ---- */

/* @resume, @index: (nullable): of a broadcast that goes on. Before the pipeline is there */
void weir_broadcast_init_resume (WeirBroadcast *self, const WeirResume *resume);
/* the connection is gone, and it is not the end: its encoder is waited for. @media_us: monotonic;
 * when media came last; @clean: the encoder has said that it stops; @reason: in words */
void weir_broadcast_begin_waiting (
    WeirBroadcast *self, gint64 media_us, gboolean clean, const gchar *reason);
/* likewise for a broadcast that goes on after a restart: nothing has come yet */
void weir_broadcast_go_on_waiting (WeirBroadcast *self);
void weir_broadcast_stop_waiting (WeirBroadcast *self);
/* notes where it stands, as long as the pipeline is there. @media_us: as above */
void weir_broadcast_note_end (WeirBroadcast *self, gint64 media_us);
/* any thread. Returns: (transfer full): the state that is to be committed */
gchar *weir_broadcast_make_state (WeirBroadcast *self);
/* commits that state, soon */
void weir_broadcast_commit_state (WeirBroadcast *self);
/* Returns: when the window is over, wall */
gint64 weir_broadcast_get_deadline (WeirBroadcast *self);

/* ---- reports.c ---- */

/* main thread: a source has come, it is gone. @fresh: what was wrong with another one is forgotten
 */
void weir_broadcast_begin_health (WeirBroadcast *self, gboolean fresh);
void weir_broadcast_end_health (WeirBroadcast *self);
/* any thread */
GstBusSyncReply weir_broadcast_on_bus_message (GstBus *bus, GstMessage *message, gpointer data);

/* ---- tell.c: any thread; @reason: (nullable) ---- */

void weir_broadcast_tell (WeirBroadcast *self, const gchar *type, const gchar *reason);
void weir_broadcast_tell_started (WeirBroadcast *self);
/* @deadline_us: wall */
void weir_broadcast_tell_waiting (
    WeirBroadcast *self, const gchar *type, const gchar *reason, gint64 deadline_us);
void weir_broadcast_tell_connection (
    WeirBroadcast *self, const gchar *type, WeirConnection *connection, const gchar *reason);
/* and that the live input has an error, when the hosted product would say so. @video, @audio: names
 * of the encoder's codecs, as far as they are known; else "" */
void weir_broadcast_tell_health (WeirBroadcast *self, const WeirBroadcastIssue *issue,
    gboolean raised, const gchar *video, const gchar *audio);

G_END_DECLS
