/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"
#include "base/counters.h"
#include "blobs/blobs.h"
#include "broadcast/health.h"
#include "events/events.h"
#include "broadcast/resume.h"
#include "playback/index.h"
#include "store/store.h"
#include "net/connection.h"

G_BEGIN_DECLS

/**
 * WeirBroadcastManager:
 *
 * The broadcasts of this node: authorises publishers, runs one pipeline per broadcast, keeps the
 * index that viewers read. Control runs on the main thread; look-ups may come from any thread.
 *
 * What becomes of live inputs it learns from the store: one that is deleted or disabled has its
 * broadcast ended; a connection whose key was replaced is cut, and its broadcast goes on with
 * whoever comes with the new one inside the reconnect window.
 */
typedef struct _WeirBroadcastManager WeirBroadcastManager;

/* the limit's name in weir.conf(5) */
#define WEIR_LIMIT_BROADCAST_CONFIGURATIONS "broadcast-configurations"

/* main thread; starts GStreamer. @config and @workers outlive the manager, the others are
 * referenced */
WeirBroadcastManager *weir_broadcast_manager_new (
    const WeirConfig *config, WeirStore *store, WeirBlobs *blobs, WeirWorkerPool *workers);
/* main thread, after weir_broadcast_manager_drain() has called back and the workers have stopped */
void weir_broadcast_manager_free (WeirBroadcastManager *self);

/* why a publisher is refused, as counted */
#define WEIR_REASON_UNKNOWN_KEY "unknown-key"
#define WEIR_REASON_INPUT_DISABLED "input-disabled"
#define WEIR_REASON_INPUT_REVOKED "input-revoked" /* disabled or deleted in that moment */
#define WEIR_REASON_IN_USE "in-use"
#define WEIR_REASON_TAKEOVER_DAMPED "takeover-damped" /* in use, and swapped too often */
#define WEIR_REASON_STORE_UNAVAILABLE "store-unavailable"
#define WEIR_REASON_SHUTTING_DOWN "shutting-down"
/* and how many refusals no event was written of, as there were too many */
#define WEIR_REASON_REFUSAL_NOT_TOLD "refusal-not-told"
/* and how many were cut because another one publishes and they sent no keyframe */
#define WEIR_REASON_NO_KEYFRAME "no-keyframe"
/* counts refusals by the reasons above; main thread, before anyone connects */
void weir_broadcast_manager_set_counters (WeirBroadcastManager *self, WeirCounters *counters);

/* tells of what happens; main thread, before anyone connects. @events: outlives the manager */
void weir_broadcast_manager_set_events (WeirBroadcastManager *self, WeirEvents *events);

/* a connection asks to publish; accept thread. Returns: TRUE, the decision is taken here */
gboolean weir_broadcast_manager_authorise (WeirBroadcastManager *self, WeirConnection *connection);
/* suspends all broadcasts in order, for the next start to go on with: encoders that know what it
 * means are asked to reconnect and have two seconds for it; segments are closed, committed; @done
 * on the main thread */
void weir_broadcast_manager_drain (
    WeirBroadcastManager *self, void (*done) (gpointer data), gpointer data);

typedef enum {
  WEIR_ADOPTION_TAKEN,
  WEIR_ADOPTION_OUTDATED, /* its input has another broadcast by now */
  WEIR_ADOPTION_STOPPING, /* the daemon stops: leave it to the next start */
} WeirAdoption;

/* goes on with a broadcast of another process, see weir_broadcast_resume(); main thread */
WeirAdoption weir_broadcast_manager_adopt (WeirBroadcastManager *self,
    const WeirBroadcastRecord *record, const WeirLiveInput *input, const WeirResume *resume,
    WeirIndex *index);

typedef enum {
  WEIR_LIFECYCLE_IDLE,
  WEIR_LIFECYCLE_CONNECTING,
  WEIR_LIFECYCLE_LIVE,
  WEIR_LIFECYCLE_RECONNECTING,
  WEIR_LIFECYCLE_ENDED,
  WEIR_LIFECYCLE_READY,
} WeirLifecycle;

/* Returns: (transfer none): "idle", "connecting", … as the lifecycle page says it */
const gchar *weir_lifecycle_get_name (WeirLifecycle state);

/**
 * WeirBroadcastStatus: for API, lifecycle page and metrics
 */
typedef struct {
  gchar *uid; /* broadcast */
  gchar *input;
  WeirLifecycle state;
  gint64 state_since_us; /* wall */
  gint64 deadline_us;    /* wall; RECONNECTING, else 0 */
  gchar *protocol;       /* of the connection, or NULL */
  gchar *peer;
  gint64 connected_us;  /* wall; 0: no connection */
  gint64 last_media_us; /* wall */
  gchar *codecs;
  guint64 bytes_received;
  guint64 segments;
  gint64 paused_us; /* wall; since when segments are in memory, as the disk refuses; 0: it does not
                     */
  WeirBroadcastHealth *health; /* (nullable) */
} WeirBroadcastStatus;

void weir_broadcast_status_free (WeirBroadcastStatus *self);
/* any thread. @id: an input's uid (its current broadcast) or a broadcast's uid. NULL: not running
 */
WeirBroadcastStatus *weir_broadcast_manager_get_status (
    WeirBroadcastManager *self, const gchar *id);
/* any thread. Returns: (transfer full) (nullable): the index of a running or recently ended
 * broadcast; others come from the store: weir_broadcast_manager_load_index() */
WeirIndex *weir_broadcast_manager_find_index (WeirBroadcastManager *self, const gchar *id);
/* main thread; @uid of an ended broadcast. @done gets (transfer none) the index or NULL */
void weir_broadcast_manager_load_index (WeirBroadcastManager *self, const gchar *uid,
    void (*done) (WeirIndex *index, gpointer data), gpointer data);
/* main thread: ends a broadcast that runs in order: its encoder is told, segments are closed and
 * committed; an encoder that comes back begins another one. @id: an input's uid or a broadcast's.
 * Returns: (transfer full) (nullable): the broadcast's uid; NULL: none is running */
gchar *weir_broadcast_manager_end (
    WeirBroadcastManager *self, const gchar *id, const gchar *description);

/* main thread: ends the broadcast of that uid, in order. Returns: FALSE when it does not run */
gboolean weir_broadcast_manager_end_recording (
    WeirBroadcastManager *self, const gchar *uid, const gchar *description);
/* main thread: the recording of the broadcast @uid is no more: nobody finds its index any longer */
void weir_broadcast_manager_forget (WeirBroadcastManager *self, const gchar *uid);
/* any thread: whether there are recordings enough: new segments are not recorded then */
void weir_broadcast_manager_set_full (WeirBroadcastManager *self, gboolean full);

typedef struct {
  guint64 connections_total;
  guint64 refused_total;
  guint64 held_total; /* that had to wait until an incumbent's silence showed, or did not */
  guint64 takeovers_total;
  guint64 bytes_received_total;
  guint64 segments_total;
  guint64 segment_bytes_total;
  guint64 segments_forced_total; /* that begin without a keyframe */
  guint64 late_samples_total;    /* in a later segment than they belong to */
  guint64 lost_buffers_total;    /* of media, because the disk was too slow for too long */
  guint64 disk_refusals_total;   /* how often segments had to go to memory */
  guint64 decisions_total[WEIR_REASON_LAST]; /* about times of samples, by reason */
  guint64 health_issues_total[WEIR_HEALTH_CODE_LAST];
  guint health_issues[WEIR_HEALTH_CODE_LAST]; /* now */
  guint live;
  guint refused; /* of them: segments go to memory now */
} WeirBroadcastTotals;
/* any thread: since the start, broadcasts that still run included */
void weir_broadcast_manager_get_totals (WeirBroadcastManager *self, WeirBroadcastTotals *totals);

G_END_DECLS
