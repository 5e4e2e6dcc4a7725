/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirSpoolWriter:
 *
 * The writer thread: jobs that may wait for the disk, taken off the workers. Any number of clients
 * share one; each client's jobs run in their order and are bounded in bytes. Also the timer of its
 * clients, so that bounded waits end without media.
 */
typedef struct _WeirSpoolWriter WeirSpoolWriter;
typedef struct _WeirSpoolClient WeirSpoolClient;

WeirSpoolWriter *weir_spool_writer_new (void);
WeirSpoolWriter *weir_spool_writer_ref (WeirSpoolWriter *self);
/* the last one runs what is queued and joins the thread */
void weir_spool_writer_unref (WeirSpoolWriter *self);

/**
 * weir_spool_client_new:
 * @bytes_max: how much may wait
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
 * Never blocks. Any thread; a client's calls must be serialised by the caller.
 *
 * Returns: FALSE when more than the client's bound would wait: nothing is queued and @data stays
 *   the caller's
 */
gboolean weir_spool_client_push (
    WeirSpoolClient *self, void (*run) (gpointer data), gpointer data, gsize bytes);
/* waits until everything pushed so far has run; not on the writer's thread */
void weir_spool_client_flush (WeirSpoolClient *self);
gsize weir_spool_client_get_waiting (WeirSpoolClient *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSpoolWriter, weir_spool_writer_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSpoolClient, weir_spool_client_free)

G_END_DECLS
