/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirWorker:
 *
 * A thread with a #GMainContext that holds one GSource around one epoll descriptor (a GSource per
 * socket costs 87 µs a wake-up at 1,000 sockets, this 2 µs at any number). Descriptors, timers and
 * functions posted from other threads are all served by that source. The same type serves as the
 * accept thread. Nothing that runs on a worker may block.
 *
 * Functions marked "on the worker" must be called on its thread; the others from any.
 */
typedef struct _WeirWorker WeirWorker;
typedef struct _WeirWatch WeirWatch;
typedef struct _WeirTimer WeirTimer;
typedef struct _WeirRound WeirRound;
typedef struct _WeirStopHook WeirStopHook;

/* starts the thread; @name is the thread's name, at most 15 characters */
WeirWorker *weir_worker_new (const gchar *name);
WeirWorker *weir_worker_ref (WeirWorker *self);
void weir_worker_unref (WeirWorker *self);
/* runs what was posted, then ends the thread and joins it; not on the worker itself. Afterwards
 * the caller's thread may do what is marked "on the worker", to release what is left. */
void weir_worker_stop (WeirWorker *self);
gboolean weir_worker_is_current (WeirWorker *self);
/* Returns: (transfer none): for what must be attached as a GSource, seldom things only */
GMainContext *weir_worker_get_context (WeirWorker *self);

/**
 * weir_worker_invoke:
 * @func: run once on the worker, always later than this call, in the order of the calls
 *
 * @destroy: (nullable) releases @data: after @func has run, or instead when the worker has stopped
 *   already (then on the caller's thread)
 */
void weir_worker_invoke (
    WeirWorker *self, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy);

/**
 * weir_worker_call:
 *
 * Runs @func on the worker and waits for it: at once when called on it, on the caller's thread when
 * the worker has stopped. Not from another worker.
 */
void weir_worker_call (WeirWorker *self, void (*func) (gpointer data), gpointer data);

/**
 * weir_worker_watch: on the worker
 * @events: EPOLLIN, EPOLLOUT, EPOLLET, 0 to be told of errors only
 * @func: called with what epoll reported; may remove any watch, its own too
 *
 * The descriptor stays the caller's, who removes the watch before closing it.
 */
WeirWatch *weir_worker_watch (WeirWorker *self, gint fd, guint32 events,
    void (*func) (guint32 events, gpointer data), gpointer data);
void weir_watch_modify (WeirWatch *self, guint32 events);
void weir_watch_remove (WeirWatch *self);

/**
 * weir_worker_timer: on the worker
 *
 * A timer that is not armed yet. @func runs on the worker, once per arming.
 */
WeirTimer *weir_worker_timer (WeirWorker *self, void (*func) (gpointer data), gpointer data);
/* @deadline_us: monotonic; replaces an earlier arming; G_MAXINT64 disarms */
void weir_timer_arm (WeirTimer *self, gint64 deadline_us);
void weir_timer_free (WeirTimer *self);

/**
 * weir_worker_round: on the worker
 * @interval_us: time between rounds; the rounds of one interval coincide
 * @func: called once a round; TRUE when it stopped for its budget and wants another turn at once,
 *   after everyone else's
 *
 * Reading in rounds: real-time media costs wake-ups, not bytes.
 */
WeirRound *weir_worker_round (
    WeirWorker *self, gint64 interval_us, gboolean (*func) (gpointer data), gpointer data);
void weir_round_free (WeirRound *self);

/**
 * weir_worker_stop_hook: on the worker
 * @func: run on the worker when it is stopped, after everything else; the hook is gone then
 *
 * For what owns itself until it has ended, so that it ends with its worker at the latest.
 */
WeirStopHook *weir_worker_stop_hook (WeirWorker *self, void (*func) (gpointer data), gpointer data);
/* before it has run */
void weir_stop_hook_free (WeirStopHook *self);

/* Returns: (transfer none): read buffer that all connections of the worker share, on the worker */
guint8 *weir_worker_get_scratch (WeirWorker *self, gsize *size);
/* Returns: (transfer none): another one, for what is made of what was read */
guint8 *weir_worker_get_clear_scratch (WeirWorker *self, gsize *size);
#define WEIR_WORKER_SCRATCH_SIZE (64 * 1024)

/* on the worker: the push that just ended took @duration_us; longer than 50 ms is logged */
void weir_worker_record_push (WeirWorker *self, const gchar *element, gint64 duration_us);
/* Returns: the longest push so far, µs */
gint64 weir_worker_get_longest_push (WeirWorker *self);

/**
 * WeirWorkerPool: the W workers; broadcasts are spread over them
 */
typedef struct _WeirWorkerPool WeirWorkerPool;

/* @count: 0 for the number of cores */
WeirWorkerPool *weir_worker_pool_new (guint count);
void weir_worker_pool_free (WeirWorkerPool *self);
guint weir_worker_pool_get_size (WeirWorkerPool *self);
WeirWorker *weir_worker_pool_get (WeirWorkerPool *self, guint index);
/* Returns: (transfer full): the least loaded one; weir_worker_pool_release() takes the load off */
WeirWorker *weir_worker_pool_acquire (WeirWorkerPool *self);
/* @worker: (transfer full) */
void weir_worker_pool_release (WeirWorkerPool *self, WeirWorker *worker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirWorker, weir_worker_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirWorkerPool, weir_worker_pool_free)

G_END_DECLS
