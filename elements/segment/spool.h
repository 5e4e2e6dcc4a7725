/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirSpoolWriter:
 *
 * The writer thread: jobs that may wait for the disk, taken off the workers. Any number of clients
 * share one; each client's jobs run in their order. What waits is counted in bytes, per client and
 * for all together; a client that is full must bring no more media. Also the timer of its clients,
 * so that bounded waits end without media.
 */
typedef struct _WeirSpoolWriter WeirSpoolWriter;
typedef struct _WeirSpoolClient WeirSpoolClient;

/* @bytes_max: how much may wait for, or be held by, all clients together; G_MAXSIZE: no bound */
WeirSpoolWriter *weir_spool_writer_new (gsize bytes_max);
WeirSpoolWriter *weir_spool_writer_ref (WeirSpoolWriter *self);
/* the last one runs what is queued and joins the thread */
void weir_spool_writer_unref (WeirSpoolWriter *self);

/**
 * weir_spool_client_new:
 * @bytes_max: how much may wait and be held
 * @tick: (nullable) called on the writer's thread about every 250 ms
 */
WeirSpoolClient *weir_spool_client_new (
    WeirSpoolWriter *writer, gsize bytes_max, void (*tick) (gpointer data), gpointer data);
/* waits until the client's queued jobs have run and no tick is running; then frees it */
void weir_spool_client_free (WeirSpoolClient *self);

/**
 * weir_spool_client_push:
 * @run: called on the writer's thread, may block on the disk
 * @data: (transfer full): given to @run, which frees it
 * @bytes: what the job holds in memory
 *
 * Never blocks, never refuses: whoever makes jobs out of media asks weir_spool_client_is_full()
 * before it takes more media. Any thread; a client's calls must be serialised by the caller.
 */
void weir_spool_client_push (
    WeirSpoolClient *self, void (*run) (gpointer data), gpointer data, gsize bytes);
/**
 * weir_spool_client_is_full:
 *
 * Returns: TRUE from when more waits and is held than one of the two bounds, until it is half of it
 *   again, so that whoever stops for it does not stop at every turn. Any thread.
 */
gboolean weir_spool_client_is_full (WeirSpoolClient *self);
/* counts @bytes that are kept in memory for want of a disk, beside the jobs; negative: gives back.
 * Any thread. */
void weir_spool_client_hold (WeirSpoolClient *self, gssize bytes);
/* Returns: how much of what is held should be given up, so that nobody gets full. Any thread. */
gsize weir_spool_client_get_excess (WeirSpoolClient *self);
/* waits until everything pushed so far has run; not on the writer's thread */
void weir_spool_client_flush (WeirSpoolClient *self);
/* Returns: bytes of the jobs that have not run yet */
gsize weir_spool_client_get_waiting (WeirSpoolClient *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSpoolWriter, weir_spool_writer_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSpoolClient, weir_spool_client_free)

G_END_DECLS
