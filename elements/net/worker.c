/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_WAKE_UP 128
#define LONG_PUSH_US (50 * 1000)
#define NOT_ARMED G_MAXUINT

typedef struct {
  void (*func) (gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} Posted;

struct _WeirWatch {
  WeirWorker *worker;
  gint fd;
  guint32 events;
  void (*func) (guint32 events, gpointer data);
  gpointer data;
  gboolean removed;
};

struct _WeirTimer {
  WeirWorker *worker;
  void (*func) (gpointer data);
  gpointer data;
  gint64 deadline_us;
  guint64 order;  /* of arming: ties are served in it */
  guint position; /* in the heap, or NOT_ARMED */
  GList due_link; /* in the list of those that this wake-up serves */
  gboolean due;
};

/* all rounds of one interval */
typedef struct {
  WeirWorker *worker;
  gint64 interval_us;
  WeirTimer *timer;
  GPtrArray *members; /* WeirRound; NULL where one left while the round was running */
  gboolean running;
  gboolean holes;
} RoundGroup;

struct _WeirRound {
  RoundGroup *group;
  gboolean (*func) (gpointer data);
  gpointer data;
  guint position; /* in the group's members */
  GList again_link;
  gboolean again; /* waits for another turn */
};

struct _WeirStopHook {
  WeirWorker *worker;
  void (*func) (gpointer data);
  gpointer data;
  GList link;
};

typedef struct {
  GSource source;
  gpointer tag;
  WeirWorker *worker;
} WorkerSource;

struct _WeirWorker {
  gatomicrefcount ref_count;
  gchar *name;
  GThread *thread;
  GMainContext *context;
  GSource *source;
  gint epoll_fd;
  gint event_fd;

  GMutex mutex; /* protects the two below */
  GArray *posted;
  gboolean stopped;

  gint64 longest_push_us; /* atomic */

  /* on the worker only */
  gboolean quit;
  gboolean orphaned; /* the last reference went on the worker: its thread frees it */
  gboolean dispatching;
  GArray *running;
  GPtrArray *removed_watches;
  GPtrArray *heap; /* WeirTimer, the earliest first */
  GQueue due;
  guint64 armings;
  GHashTable *groups; /* interval → RoundGroup */
  GQueue again;
  WeirRound *turn; /* whose function is running */
  GQueue stop_hooks;
  gint64 push_logged_us;
  guint8 *scratch;
  guint8 *clear_scratch; /* NULL until it is wanted */
};

/* ── timers: a binary heap that knows where each timer stands ── */

static gboolean
is_earlier (const WeirTimer *a, const WeirTimer *b)
{
  return a->deadline_us != b->deadline_us ? a->deadline_us < b->deadline_us : a->order < b->order;
}

static void
heap_put (GPtrArray *heap, guint position, WeirTimer *timer)
{
  heap->pdata[position] = timer;
  timer->position = position;
}

static void
heap_up (GPtrArray *heap, guint position)
{
  WeirTimer *timer = heap->pdata[position];

  while (position > 0) {
    guint parent = (position - 1) / 2;

    if (!is_earlier (timer, heap->pdata[parent]))
      break;
    heap_put (heap, position, heap->pdata[parent]);
    position = parent;
  }
  heap_put (heap, position, timer);
}

static void
heap_down (GPtrArray *heap, guint position)
{
  WeirTimer *timer = heap->pdata[position];

  for (;;) {
    guint child = 2 * position + 1;

    if (child >= heap->len)
      break;
    if (child + 1 < heap->len && is_earlier (heap->pdata[child + 1], heap->pdata[child]))
      child++;
    if (!is_earlier (heap->pdata[child], timer))
      break;
    heap_put (heap, position, heap->pdata[child]);
    position = child;
  }
  heap_put (heap, position, timer);
}

static void
heap_remove (GPtrArray *heap, WeirTimer *timer)
{
  guint position = timer->position;
  WeirTimer *last = heap->pdata[heap->len - 1];

  g_ptr_array_set_size (heap, (gint) heap->len - 1);
  timer->position = NOT_ARMED;
  if (last == timer)
    return;
  heap_put (heap, position, last);
  heap_up (heap, position);
  heap_down (heap, last->position);
}

static void
disarm (WeirTimer *self)
{
  if (self->due) {
    g_queue_unlink (&self->worker->due, &self->due_link);
    self->due = FALSE;
  }
  if (self->position != NOT_ARMED)
    heap_remove (self->worker->heap, self);
}

WeirTimer *
weir_worker_timer (WeirWorker *self, void (*func) (gpointer data), gpointer data)
{
  WeirTimer *timer = g_new0 (WeirTimer, 1);

  timer->worker = self;
  timer->func = func;
  timer->data = data;
  timer->position = NOT_ARMED;
  timer->due_link.data = timer;
  return timer;
}

void
weir_timer_arm (WeirTimer *self, gint64 deadline_us)
{
  WeirWorker *worker = self->worker;

  disarm (self);
  if (deadline_us != G_MAXINT64) {
    self->deadline_us = deadline_us;
    self->order = worker->armings++;
    g_ptr_array_add (worker->heap, self);
    heap_up (worker->heap, worker->heap->len - 1);
  }
}

void
weir_timer_free (WeirTimer *self)
{
  if (self == NULL)
    return;
  disarm (self);
  g_free (self);
}

/* Those that are due when this begins; one that is armed again by then waits for the next wake-up,
 * so that descriptors get their turn. */
static void
run_timers (WeirWorker *self)
{
  gint64 now_us;
  GList *link;

  if (self->heap->len == 0)
    return;
  now_us = g_get_monotonic_time ();
  while (self->heap->len > 0 && ((WeirTimer *) self->heap->pdata[0])->deadline_us <= now_us) {
    WeirTimer *timer = self->heap->pdata[0];

    heap_remove (self->heap, timer);
    g_queue_push_tail_link (&self->due, &timer->due_link);
    timer->due = TRUE;
  }
  while ((link = g_queue_pop_head_link (&self->due)) != NULL) {
    WeirTimer *timer = link->data;

    timer->due = FALSE;
    timer->func (timer->data);
  }
}

/* ── rounds ── */

/* Returns: FALSE when the round was freed by its own function */
static gboolean
take_turn (WeirWorker *self, WeirRound *round)
{
  gboolean again;

  self->turn = round;
  again = round->func (round->data);
  if (self->turn == NULL)
    return FALSE;
  self->turn = NULL;
  if (again && !round->again) {
    g_queue_push_tail_link (&self->again, &round->again_link);
    round->again = TRUE;
  }
  return TRUE;
}

static void
arm_group (RoundGroup *self)
{
  gint64 now_us = g_get_monotonic_time ();

  /* the same moments for everyone who has this interval */
  weir_timer_arm (self->timer, (now_us / self->interval_us + 1) * self->interval_us);
}

static void
compact (RoundGroup *self)
{
  guint kept = 0;

  for (guint i = 0; i < self->members->len; i++) {
    WeirRound *round = self->members->pdata[i];

    if (round == NULL)
      continue;
    round->position = kept;
    self->members->pdata[kept++] = round;
  }
  g_ptr_array_set_size (self->members, (gint) kept);
  self->holes = FALSE;
}

static void
run_group (gpointer data)
{
  RoundGroup *self = data;
  /* who joins now begins with the next one */
  guint count = self->members->len;

  self->running = TRUE;
  for (guint i = 0; i < count; i++) {
    WeirRound *round = self->members->pdata[i];

    /* one that waits for another turn gets it anyway */
    if (round != NULL && !round->again)
      take_turn (self->worker, round);
  }
  self->running = FALSE;
  if (self->holes)
    compact (self);
  if (self->members->len > 0)
    arm_group (self);
}

/* One turn each, so that timers and descriptors get theirs in between. */
static void
run_again (WeirWorker *self)
{
  guint count = self->again.length;
  GList *link;

  while (count-- > 0 && (link = g_queue_pop_head_link (&self->again)) != NULL) {
    WeirRound *round = link->data;

    round->again = FALSE;
    take_turn (self, round);
  }
}

static void
group_free (gpointer data)
{
  RoundGroup *self = data;

  weir_timer_free (self->timer);
  g_ptr_array_unref (self->members);
  g_free (self);
}

static RoundGroup *
get_group (WeirWorker *self, gint64 interval_us)
{
  RoundGroup *group = g_hash_table_lookup (self->groups, &interval_us);

  if (group != NULL)
    return group;
  group = g_new0 (RoundGroup, 1);
  group->worker = self;
  group->interval_us = interval_us;
  group->timer = weir_worker_timer (self, run_group, group);
  group->members = g_ptr_array_new ();
  g_hash_table_insert (self->groups, &group->interval_us, group);
  return group;
}

WeirRound *
weir_worker_round (
    WeirWorker *self, gint64 interval_us, gboolean (*func) (gpointer data), gpointer data)
{
  WeirRound *round = g_new0 (WeirRound, 1);
  RoundGroup *group = get_group (self, MAX (1, interval_us));

  round->group = group;
  round->func = func;
  round->data = data;
  round->again_link.data = round;
  round->position = group->members->len;
  g_ptr_array_add (group->members, round);
  if (group->members->len == 1 && !group->running)
    arm_group (group);
  return round;
}

void
weir_round_free (WeirRound *self)
{
  RoundGroup *group;

  if (self == NULL)
    return;
  group = self->group;
  if (self->again)
    g_queue_unlink (&group->worker->again, &self->again_link);
  if (group->worker->turn == self)
    group->worker->turn = NULL;
  if (group->running) {
    group->members->pdata[self->position] = NULL;
    group->holes = TRUE;
  } else {
    g_ptr_array_remove_index_fast (group->members, self->position);
    if (self->position < group->members->len)
      ((WeirRound *) group->members->pdata[self->position])->position = self->position;
    if (group->members->len == 0)
      weir_timer_arm (group->timer, G_MAXINT64);
  }
  g_free (self);
}

/* ── descriptors ── */

WeirWatch *
weir_worker_watch (WeirWorker *self, gint fd, guint32 events,
    void (*func) (guint32 events, gpointer data), gpointer data)
{
  WeirWatch *watch = g_new0 (WeirWatch, 1);
  struct epoll_event event = {.events = events, .data.ptr = watch};

  watch->worker = self;
  watch->fd = fd;
  watch->events = events;
  watch->func = func;
  watch->data = data;
  if (epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    g_critical ("descriptor %d cannot be watched: %s", fd, g_strerror (errno));
  return watch;
}

void
weir_watch_modify (WeirWatch *self, guint32 events)
{
  struct epoll_event event = {.events = events, .data.ptr = self};

  /* also when nothing changes: an edge-triggered watch is armed anew by this */
  if (epoll_ctl (self->worker->epoll_fd, EPOLL_CTL_MOD, self->fd, &event) != 0)
    g_critical ("descriptor %d is not watched: %s", self->fd, g_strerror (errno));
  self->events = events;
}

void
weir_watch_remove (WeirWatch *self)
{
  if (self == NULL)
    return;
  epoll_ctl (self->worker->epoll_fd, EPOLL_CTL_DEL, self->fd, NULL);
  if (!self->worker->dispatching) {
    g_free (self);
    return;
  }
  /* this wake-up may have an event for it still */
  self->removed = TRUE;
  g_ptr_array_add (self->worker->removed_watches, self);
}

/* ── posted functions ── */

static void
run_posted (WeirWorker *self)
{
  GArray *batch = self->running;

  g_mutex_lock (&self->mutex);
  self->running = self->posted;
  self->posted = batch;
  g_mutex_unlock (&self->mutex);
  batch = self->running;
  for (guint i = 0; i < batch->len; i++) {
    Posted posted = g_array_index (batch, Posted, i);

    posted.func (posted.data);
    if (posted.destroy != NULL)
      posted.destroy (posted.data);
  }
  g_array_set_size (batch, 0);
}

static void
wake_up (WeirWorker *self)
{
  const guint64 one = 1;

  /* fails only when the counter is full, which wakes up as well */
  while (write (self->event_fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

void
weir_worker_invoke (
    WeirWorker *self, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy)
{
  Posted posted = {func, data, destroy};
  gboolean stopped, first;

  g_mutex_lock (&self->mutex);
  stopped = self->stopped;
  first = self->posted->len == 0;
  if (!stopped) {
    g_array_append_val (self->posted, posted);
    /* under the lock: the descriptor is open as long as the worker has not stopped */
    if (first)
      wake_up (self);
  }
  g_mutex_unlock (&self->mutex);
  if (stopped && destroy != NULL)
    destroy (data);
}

/* Waiting for the worker: the function runs there, or is let go of because the worker has ended. */
typedef struct {
  void (*func) (gpointer data);
  gpointer data;
  gboolean ran;
  GMutex mutex;
  GCond cond;
  gboolean done;
} Call;

static void
run_call (gpointer data)
{
  Call *self = data;

  self->func (self->data);
  self->ran = TRUE;
}

static void
end_call (gpointer data)
{
  Call *self = data;

  g_mutex_lock (&self->mutex);
  self->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

void
weir_worker_call (WeirWorker *self, void (*func) (gpointer data), gpointer data)
{
  Call call = {.func = func, .data = data};

  if (weir_worker_is_current (self)) {
    func (data);
    return;
  }
  g_mutex_init (&call.mutex);
  g_cond_init (&call.cond);
  weir_worker_invoke (self, run_call, &call, end_call);
  g_mutex_lock (&call.mutex);
  while (!call.done)
    g_cond_wait (&call.cond, &call.mutex);
  g_mutex_unlock (&call.mutex);
  g_mutex_clear (&call.mutex);
  g_cond_clear (&call.cond);
  if (!call.ran)
    func (data);
}

/* ── the source ── */

/* Whether something is due already; if not, @timeout_ms says when. No ready time is set on the
 * source: each change of it would cost a write to the context's own eventfd and a wake-up. */
static gboolean
is_due (WeirWorker *self, gint *timeout_ms)
{
  gint64 left_us;

  *timeout_ms = -1;
  if (self->again.length > 0)
    return TRUE;
  if (self->heap->len == 0)
    return FALSE;
  left_us = ((WeirTimer *) self->heap->pdata[0])->deadline_us - g_get_monotonic_time ();
  if (left_us <= 0)
    return TRUE;
  *timeout_ms = (gint) MIN ((left_us + 999) / 1000, G_MAXINT);
  return FALSE;
}

static gboolean
prepare (GSource *source, gint *timeout_ms)
{
  return is_due (((WorkerSource *) source)->worker, timeout_ms);
}

static gboolean
check (GSource *source)
{
  WorkerSource *self = (WorkerSource *) source;
  gint ignored;

  return (g_source_query_unix_fd (source, self->tag) & G_IO_IN) != 0 ||
         is_due (self->worker, &ignored);
}

static gboolean
dispatch (GSource *source, G_GNUC_UNUSED GSourceFunc callback, G_GNUC_UNUSED gpointer user_data)
{
  WeirWorker *self = ((WorkerSource *) source)->worker;
  struct epoll_event events[EVENTS_PER_WAKE_UP];
  gboolean posted = FALSE;
  gint count = 0;

  /* a wake-up for a timer has nothing to ask for */
  if ((g_source_query_unix_fd (source, ((WorkerSource *) source)->tag) & G_IO_IN) != 0)
    count = epoll_wait (self->epoll_fd, events, EVENTS_PER_WAKE_UP, 0);

  self->dispatching = TRUE;
  for (gint i = 0; i < count; i++) {
    WeirWatch *watch = events[i].data.ptr;

    if (watch == NULL)
      posted = TRUE;
    else if (!watch->removed)
      watch->func (events[i].events, watch->data);
  }
  if (posted) {
    guint64 ignored;

    while (read (self->event_fd, &ignored, sizeof ignored) < 0 && errno == EINTR)
      continue;
    run_posted (self);
  }
  run_timers (self);
  run_again (self);
  self->dispatching = FALSE;
  for (guint i = 0; i < self->removed_watches->len; i++)
    g_free (self->removed_watches->pdata[i]);
  g_ptr_array_set_size (self->removed_watches, 0);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {prepare, check, dispatch, NULL, NULL, NULL};

/* ── life ── */

static void
worker_free (WeirWorker *self)
{
  g_hash_table_unref (self->groups);
  g_ptr_array_unref (self->heap);
  g_ptr_array_unref (self->removed_watches);
  g_array_unref (self->posted);
  g_array_unref (self->running);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_main_context_unref (self->context);
  close (self->event_fd);
  close (self->epoll_fd);
  g_mutex_clear (&self->mutex);
  g_free (self->scratch);
  g_free (self->clear_scratch);
  g_free (self->name);
  g_free (self);
}

WeirStopHook *
weir_worker_stop_hook (WeirWorker *self, void (*func) (gpointer data), gpointer data)
{
  WeirStopHook *hook = g_new0 (WeirStopHook, 1);

  hook->worker = self;
  hook->func = func;
  hook->data = data;
  hook->link.data = hook;
  g_queue_push_tail_link (&self->stop_hooks, &hook->link);
  return hook;
}

void
weir_stop_hook_free (WeirStopHook *self)
{
  if (self == NULL)
    return;
  g_queue_unlink (&self->worker->stop_hooks, &self->link);
  g_free (self);
}

static gpointer
run (gpointer data)
{
  WeirWorker *self = data;
  GList *link;

  g_main_context_push_thread_default (self->context);
  while (!self->quit)
    g_main_context_iteration (self->context, TRUE);
  while ((link = g_queue_pop_head_link (&self->stop_hooks)) != NULL) {
    g_autofree WeirStopHook *hook = link->data;

    hook->func (hook->data);
  }
  g_main_context_pop_thread_default (self->context);
  if (self->orphaned)
    worker_free (self);
  return NULL;
}

WeirWorker *
weir_worker_new (const gchar *name)
{
  WeirWorker *self = g_new0 (WeirWorker, 1);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

  g_atomic_ref_count_init (&self->ref_count);
  self->name = g_strdup (name);
  g_mutex_init (&self->mutex);
  self->posted = g_array_new (FALSE, FALSE, sizeof (Posted));
  self->running = g_array_new (FALSE, FALSE, sizeof (Posted));
  self->removed_watches = g_ptr_array_new ();
  self->heap = g_ptr_array_new ();
  self->groups = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, group_free);
  self->scratch = g_malloc (WEIR_WORKER_SCRATCH_SIZE);
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->epoll_fd < 0 || self->event_fd < 0 ||
      epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, self->event_fd, &event) != 0)
    g_error ("no descriptors for worker %s: %s", name, g_strerror (errno));

  self->context = g_main_context_new ();
  self->source = g_source_new (&source_funcs, sizeof (WorkerSource));
  ((WorkerSource *) self->source)->worker = self;
  g_source_set_static_name (self->source, "weir-worker");
  /* It never does recurse; but a source that may not is taken out of the poll and put back with
   * each dispatch, a write and a wake-up each. */
  g_source_set_can_recurse (self->source, TRUE);
  ((WorkerSource *) self->source)->tag =
      g_source_add_unix_fd (self->source, self->epoll_fd, G_IO_IN);
  g_source_attach (self->source, self->context);
  self->thread = g_thread_new (name, run, self);
  return self;
}

WeirWorker *
weir_worker_ref (WeirWorker *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
quit (gpointer data)
{
  ((WeirWorker *) data)->quit = TRUE;
}

/* Returns: FALSE when it has been stopped already */
static gboolean
post_quit (WeirWorker *self)
{
  Posted posted = {quit, self, NULL};
  gboolean was_stopped;

  g_mutex_lock (&self->mutex);
  was_stopped = self->stopped;
  if (!was_stopped) {
    g_array_append_val (self->posted, posted);
    wake_up (self);
    self->stopped = TRUE;
  }
  g_mutex_unlock (&self->mutex);
  return !was_stopped;
}

void
weir_worker_stop (WeirWorker *self)
{
  g_return_if_fail (self->thread != g_thread_self ());

  if (!post_quit (self))
    return;
  g_thread_join (self->thread);
}

void
weir_worker_unref (WeirWorker *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->thread == g_thread_self () && post_quit (self)) {
    self->orphaned = TRUE;
    g_thread_unref (self->thread);
    return;
  }
  weir_worker_stop (self);
  worker_free (self);
}

gboolean
weir_worker_is_current (WeirWorker *self)
{
  return self->thread == g_thread_self ();
}

GMainContext *
weir_worker_get_context (WeirWorker *self)
{
  return self->context;
}

guint8 *
weir_worker_get_scratch (WeirWorker *self, gsize *size)
{
  if (size != NULL)
    *size = WEIR_WORKER_SCRATCH_SIZE;
  return self->scratch;
}

guint8 *
weir_worker_get_clear_scratch (WeirWorker *self, gsize *size)
{
  if (self->clear_scratch == NULL)
    self->clear_scratch = g_malloc (WEIR_WORKER_SCRATCH_SIZE);
  *size = WEIR_WORKER_SCRATCH_SIZE;
  return self->clear_scratch;
}

void
weir_worker_record_push (WeirWorker *self, const gchar *element, gint64 duration_us)
{
  gint64 now_us;

  /* only the worker writes it */
  if (duration_us > __atomic_load_n (&self->longest_push_us, __ATOMIC_RELAXED))
    __atomic_store_n (&self->longest_push_us, duration_us, __ATOMIC_RELAXED);
  if (duration_us <= LONG_PUSH_US)
    return;
  now_us = g_get_monotonic_time ();
  if (self->push_logged_us != 0 && now_us - self->push_logged_us < G_USEC_PER_SEC)
    return;
  self->push_logged_us = now_us;
  g_message ("%s: a push through %s took %" G_GINT64_FORMAT " ms", self->name, element,
      duration_us / 1000);
}

gint64
weir_worker_get_longest_push (WeirWorker *self)
{
  return __atomic_load_n (&self->longest_push_us, __ATOMIC_RELAXED);
}

/* ── pool ── */

struct _WeirWorkerPool {
  GMutex mutex;
  guint size;
  WeirWorker **workers;
  guint *loads;
};

WeirWorkerPool *
weir_worker_pool_new (guint count)
{
  WeirWorkerPool *self = g_new0 (WeirWorkerPool, 1);

  g_mutex_init (&self->mutex);
  self->size = count > 0 ? count : g_get_num_processors ();
  self->workers = g_new0 (WeirWorker *, self->size);
  self->loads = g_new0 (guint, self->size);
  for (guint i = 0; i < self->size; i++) {
    g_autofree gchar *name = g_strdup_printf ("worker-%u", i);

    self->workers[i] = weir_worker_new (name);
  }
  return self;
}

void
weir_worker_pool_free (WeirWorkerPool *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->size; i++) {
    weir_worker_stop (self->workers[i]);
    weir_worker_unref (self->workers[i]);
  }
  g_free (self->workers);
  g_free (self->loads);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

guint
weir_worker_pool_get_size (WeirWorkerPool *self)
{
  return self->size;
}

WeirWorker *
weir_worker_pool_get (WeirWorkerPool *self, guint index)
{
  return self->workers[index];
}

WeirWorker *
weir_worker_pool_acquire (WeirWorkerPool *self)
{
  guint least = 0;

  g_mutex_lock (&self->mutex);
  for (guint i = 1; i < self->size; i++) {
    if (self->loads[i] < self->loads[least])
      least = i;
  }
  self->loads[least]++;
  g_mutex_unlock (&self->mutex);
  return weir_worker_ref (self->workers[least]);
}

void
weir_worker_pool_release (WeirWorkerPool *self, WeirWorker *worker)
{
  g_mutex_lock (&self->mutex);
  for (guint i = 0; i < self->size; i++) {
    if (self->workers[i] == worker && self->loads[i] > 0)
      self->loads[i]--;
  }
  g_mutex_unlock (&self->mutex);
  weir_worker_unref (worker);
}
