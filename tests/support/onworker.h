/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/worker.h"

/* Awaiting what happens on other threads. */
typedef struct {
  GMutex mutex;
  GCond cond;
  guint count;
} Counter;

static inline void
counter_add (Counter *self)
{
  g_mutex_lock (&self->mutex);
  self->count++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static inline guint
counter_get (Counter *self)
{
  guint count;

  g_mutex_lock (&self->mutex);
  count = self->count;
  g_mutex_unlock (&self->mutex);
  return count;
}

/* fails the test when it takes more than 20 s */
static inline void
counter_await (Counter *self, guint count)
{
  gint64 deadline_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  g_mutex_lock (&self->mutex);
  while (self->count < count) {
    if (!g_cond_wait_until (&self->cond, &self->mutex, deadline_us))
      g_error ("waited for %u, %u came", count, self->count);
  }
  g_mutex_unlock (&self->mutex);
}

typedef struct {
  void (*func) (gpointer data);
  gpointer data;
  Counter done;
} OnWorker;

static inline void
on_worker_run (gpointer data)
{
  OnWorker *self = data;

  self->func (self->data);
  counter_add (&self->done);
}

/* runs @func on the worker and waits for it */
static inline void
on_worker (WeirWorker *worker, void (*func) (gpointer data), gpointer data)
{
  OnWorker call = {.func = func, .data = data};

  weir_worker_invoke (worker, on_worker_run, &call, NULL);
  counter_await (&call.done, 1);
  /* the other thread may be inside counter_add() still */
  g_mutex_lock (&call.done.mutex);
  g_mutex_unlock (&call.done.mutex);
  g_mutex_clear (&call.done.mutex);
  g_cond_clear (&call.done.cond);
}
