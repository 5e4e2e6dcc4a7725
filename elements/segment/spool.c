/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/spool.h"

#define TICK_US (G_USEC_PER_SEC / 4)

typedef struct {
  void (*run) (gpointer data);
  gpointer data;
  gsize bytes;
} Job;

struct _WeirSpoolWriter {
  gatomicrefcount ref_count;
  GThread *thread;
  GMutex lock;     /* protects everything below, and the clients */
  GCond wake;      /* of the thread */
  GCond done;      /* a job or tick has returned */
  GQueue ready;    /* of clients with jobs, each once; the next one first */
  GQueue ticking;  /* of clients with a tick, the next one due first */
  gboolean asleep; /* the thread waits for @wake; a signal to nobody is a system call, too */
  guint waiting;   /* threads that wait for @done */
  gsize bytes_max;
  gsize used; /* by all clients */
  gint full;  /* atomic: read for each frame without the lock */
  gboolean stop;
};

struct _WeirSpoolClient {
  WeirSpoolWriter *writer;
  gsize bytes_max;
  gsize waiting;
  gsize held;
  gint full; /* atomic */
  GQueue jobs;
  gboolean busy;   /* a job or tick of it is running */
  gboolean queued; /* in the line of those with jobs, or its job is running */
  void (*tick) (gpointer data);
  gpointer data;
  gint64 next_tick_us;
};

/* the same moments for all clients: one wake-up serves them */
static gint64
next_tick (gint64 now_us)
{
  return (now_us / TICK_US + 1) * TICK_US;
}

static void
update_full (gint *full, gsize used, gsize bytes_max)
{
  g_atomic_int_set (full, used > bytes_max || (*full && used > bytes_max / 2));
}

/* with the lock held, which is let go of: who wakes up finds it free */
static void
unlock_and_wake (WeirSpoolWriter *self)
{
  gboolean asleep = self->asleep;

  self->asleep = FALSE;
  g_mutex_unlock (&self->lock);
  if (asleep)
    g_cond_signal (&self->wake);
}

/* with the lock held: a job or tick of @client has returned */
static void
finish (WeirSpoolWriter *self, WeirSpoolClient *client)
{
  client->busy = FALSE;
  if (self->waiting > 0)
    g_cond_broadcast (&self->done);
}

/* with the lock held */
static void
account (WeirSpoolClient *client)
{
  update_full (&client->full, client->waiting + client->held, client->bytes_max);
  update_full (&client->writer->full, client->writer->used, client->writer->bytes_max);
}

/* with the lock held, which is let go of meanwhile */
static void
run_tick (WeirSpoolWriter *self, WeirSpoolClient *client, gint64 now_us)
{
  g_queue_remove (&self->ticking, client);
  client->next_tick_us = next_tick (now_us);
  g_queue_push_tail (&self->ticking, client);
  client->busy = TRUE;
  g_mutex_unlock (&self->lock);
  client->tick (client->data);
  g_mutex_lock (&self->lock);
  finish (self, client);
}

static void
run_job (WeirSpoolWriter *self, WeirSpoolClient *client)
{
  Job *job = g_queue_pop_head (&client->jobs);

  client->busy = TRUE;
  g_mutex_unlock (&self->lock);
  job->run (job->data);
  g_mutex_lock (&self->lock);
  client->waiting -= job->bytes;
  self->used -= job->bytes;
  account (client);
  g_free (job);
  /* one job each in turn, so that no client holds up the others with a long queue */
  if (!g_queue_is_empty (&client->jobs))
    g_queue_push_tail (&self->ready, client);
  else
    client->queued = FALSE;
  finish (self, client);
}

static gpointer
run (gpointer data)
{
  WeirSpoolWriter *self = data;

  g_mutex_lock (&self->lock);
  while (TRUE) {
    WeirSpoolClient *ticking = g_queue_peek_head (&self->ticking);
    WeirSpoolClient *ready;
    gint64 now_us = g_get_monotonic_time ();

    if (ticking != NULL && ticking->next_tick_us <= now_us) {
      run_tick (self, ticking, now_us);
      continue;
    }
    ready = g_queue_pop_head (&self->ready);
    if (ready != NULL) {
      run_job (self, ready);
      continue;
    }
    if (self->stop)
      break;
    self->asleep = TRUE;
    if (ticking != NULL)
      g_cond_wait_until (&self->wake, &self->lock, ticking->next_tick_us);
    else
      g_cond_wait (&self->wake, &self->lock);
    self->asleep = FALSE;
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

WeirSpoolWriter *
weir_spool_writer_new (gsize bytes_max)
{
  WeirSpoolWriter *self = g_new0 (WeirSpoolWriter, 1);

  self->bytes_max = bytes_max;
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_cond_init (&self->done);
  self->thread = g_thread_new ("weir-writer", run, self);
  return self;
}

WeirSpoolWriter *
weir_spool_writer_ref (WeirSpoolWriter *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_spool_writer_unref (WeirSpoolWriter *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  unlock_and_wake (self);
  g_thread_join (self->thread);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->done);
  g_mutex_clear (&self->lock);
  g_free (self);
}

WeirSpoolClient *
weir_spool_client_new (
    WeirSpoolWriter *writer, gsize bytes_max, void (*tick) (gpointer data), gpointer data)
{
  WeirSpoolClient *self = g_new0 (WeirSpoolClient, 1);

  self->writer = weir_spool_writer_ref (writer);
  self->bytes_max = bytes_max;
  self->tick = tick;
  self->data = data;
  if (tick != NULL) {
    g_mutex_lock (&writer->lock);
    self->next_tick_us = next_tick (g_get_monotonic_time ());
    g_queue_push_tail (&writer->ticking, self);
    unlock_and_wake (writer);
  }
  return self;
}

/* with the lock held */
static void
wait_until_done (WeirSpoolWriter *self, WeirSpoolClient *client)
{
  self->waiting++;
  while (client->busy || !g_queue_is_empty (&client->jobs))
    g_cond_wait (&self->done, &self->lock);
  self->waiting--;
}

void
weir_spool_client_free (WeirSpoolClient *self)
{
  WeirSpoolWriter *writer;

  if (self == NULL)
    return;
  writer = self->writer;
  g_mutex_lock (&writer->lock);
  g_queue_remove (&writer->ticking, self);
  wait_until_done (writer, self);
  writer->used -= self->held;
  self->held = 0;
  account (self);
  g_mutex_unlock (&writer->lock);
  g_free (self);
  weir_spool_writer_unref (writer);
}

void
weir_spool_client_push (
    WeirSpoolClient *self, void (*run_it) (gpointer data), gpointer data, gsize bytes)
{
  WeirSpoolWriter *writer = self->writer;
  Job *job = g_new (Job, 1);

  *job = (Job){run_it, data, bytes};
  g_mutex_lock (&writer->lock);
  self->waiting += bytes;
  writer->used += bytes;
  account (self);
  if (!self->queued)
    g_queue_push_tail (&writer->ready, self);
  self->queued = TRUE;
  g_queue_push_tail (&self->jobs, job);
  unlock_and_wake (writer);
}

gboolean
weir_spool_client_is_full (WeirSpoolClient *self)
{
  return g_atomic_int_get (&self->full) || g_atomic_int_get (&self->writer->full);
}

void
weir_spool_client_hold (WeirSpoolClient *self, gssize bytes)
{
  g_mutex_lock (&self->writer->lock);
  self->held += (gsize) bytes;
  self->writer->used += (gsize) bytes;
  account (self);
  g_mutex_unlock (&self->writer->lock);
}

gsize
weir_spool_client_get_excess (WeirSpoolClient *self)
{
  WeirSpoolWriter *writer = self->writer;
  gsize used, all, excess = 0;

  g_mutex_lock (&writer->lock);
  used = self->waiting + self->held;
  all = writer->used;
  if (used > self->bytes_max / 2)
    excess = used - self->bytes_max / 2;
  if (all > writer->bytes_max / 2)
    excess = MAX (excess, all - writer->bytes_max / 2);
  excess = MIN (excess, self->held);
  g_mutex_unlock (&writer->lock);
  return excess;
}

void
weir_spool_client_flush (WeirSpoolClient *self)
{
  WeirSpoolWriter *writer = self->writer;

  g_mutex_lock (&writer->lock);
  wait_until_done (writer, self);
  g_mutex_unlock (&writer->lock);
}

gsize
weir_spool_client_get_waiting (WeirSpoolClient *self)
{
  gsize waiting;

  g_mutex_lock (&self->writer->lock);
  waiting = self->waiting;
  g_mutex_unlock (&self->writer->lock);
  return waiting;
}
