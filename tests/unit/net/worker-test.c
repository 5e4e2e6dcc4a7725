/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/worker.h"
#include "onworker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ── posted functions ── */

typedef struct {
  WeirWorker *worker;
  GArray *numbers;
  Counter done;
} Log;

typedef struct {
  Log *log;
  guint number;
} Entry;

static void
append (gpointer data)
{
  Entry *entry = data;

  g_assert_true (weir_worker_is_current (entry->log->worker));
  g_array_append_val (entry->log->numbers, entry->number);
}

static void
count_done (gpointer data)
{
  counter_add (data);
}

static void
posted_functions_run_in_order (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Log log = {.worker = worker, .numbers = g_array_new (FALSE, FALSE, sizeof (guint))};
  Entry entries[1000];

  g_assert_false (weir_worker_is_current (worker));
  for (guint i = 0; i < 1000; i++) {
    entries[i] = (Entry){&log, i};
    weir_worker_invoke (worker, append, &entries[i], NULL);
  }
  weir_worker_stop (worker);
  g_assert_cmpuint (log.numbers->len, ==, 1000);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (g_array_index (log.numbers, guint, i), ==, i);
  g_array_unref (log.numbers);
}

typedef struct {
  WeirWorker *worker;
  gboolean inside;
  Counter done;
} Nesting;

static void
nested (gpointer data)
{
  g_assert_false (((Nesting *) data)->inside);
  counter_add (&((Nesting *) data)->done);
}

static void
nest (gpointer data)
{
  Nesting *self = data;

  self->inside = TRUE;
  weir_worker_invoke (self->worker, nested, self, NULL);
  self->inside = FALSE;
}

static void
a_function_posted_on_the_worker_runs_later (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Nesting nesting = {.worker = worker};

  weir_worker_invoke (worker, nest, &nesting, NULL);
  counter_await (&nesting.done, 1);
}

static void
data_is_released_whether_the_worker_runs_or_not (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Counter ran = {0}, released = {0};

  weir_worker_invoke (worker, count_done, &ran, NULL);
  weir_worker_invoke (worker, count_done, &released, count_done);
  counter_await (&released, 2);
  weir_worker_stop (worker);
  weir_worker_invoke (worker, count_done, &ran, NULL);
  weir_worker_invoke (worker, count_done, &released, count_done);
  g_assert_cmpuint (counter_get (&ran), ==, 1);
  g_assert_cmpuint (counter_get (&released), ==, 3);
}

static gpointer
post_many (gpointer data)
{
  Nesting *self = data;

  for (guint i = 0; i < 5000; i++)
    weir_worker_invoke (self->worker, nested, self, NULL);
  return NULL;
}

static void
no_function_is_lost_when_threads_post_at_once (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Nesting nesting = {.worker = worker};
  GThread *threads[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("poster", post_many, &nesting);
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  counter_await (&nesting.done, 20000);
}

static void
drop_worker (gpointer data)
{
  weir_worker_unref (data);
}

static void
the_last_reference_may_go_on_the_worker_itself (void)
{
  WeirWorker *worker = weir_worker_new ("test");
  /* the thread is not joined */
  static Counter gone;
  GSource *source = g_timeout_source_new_seconds (3600);

  /* goes with the context, which goes with the worker */
  g_source_set_callback (source, G_SOURCE_FUNC (count_done), &gone, count_done);
  g_source_attach (source, weir_worker_get_context (worker));
  g_source_unref (source);
  weir_worker_invoke (worker, drop_worker, worker, NULL);
  counter_await (&gone, 1);
}

typedef struct {
  WeirWorker *worker;
  WeirStopHook *hooks[2];
  Counter told;
} Hooks;

static void
told_of_stop (gpointer data)
{
  Hooks *self = data;

  g_assert_true (weir_worker_is_current (self->worker));
  counter_add (&self->told);
}

static void
hook_twice (gpointer data)
{
  Hooks *self = data;

  self->hooks[0] = weir_worker_stop_hook (self->worker, told_of_stop, self);
  self->hooks[1] = weir_worker_stop_hook (self->worker, told_of_stop, self);
  weir_stop_hook_free (self->hooks[0]);
}

static void
who_asked_is_told_of_the_stop (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Hooks hooks = {.worker = worker};

  on_worker (worker, hook_twice, &hooks);
  g_assert_cmpuint (counter_get (&hooks.told), ==, 0);
  weir_worker_stop (worker);
  g_assert_cmpuint (counter_get (&hooks.told), ==, 1);
}

/* ── timers ── */

typedef struct {
  WeirWorker *worker;
  WeirTimer *timers[4];
  gint64 start_us;
  GString *order;
  Counter done;
} Timers;

static void
timer_a (gpointer data)
{
  Timers *self = data;

  g_string_append_c (self->order, 'a');
  counter_add (&self->done);
}

static void
timer_b (gpointer data)
{
  Timers *self = data;

  g_string_append_c (self->order, 'b');
  counter_add (&self->done);
}

static void
timer_c (gpointer data)
{
  Timers *self = data;

  g_string_append_c (self->order, 'c');
  counter_add (&self->done);
}

static void
free_timers (gpointer data)
{
  Timers *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (self->timers); i++)
    g_clear_pointer (&self->timers[i], weir_timer_free);
}

static void
arm_three (gpointer data)
{
  Timers *self = data;

  self->start_us = g_get_monotonic_time ();
  self->timers[0] = weir_worker_timer (self->worker, timer_a, self);
  self->timers[1] = weir_worker_timer (self->worker, timer_b, self);
  self->timers[2] = weir_worker_timer (self->worker, timer_c, self);
  self->timers[3] = weir_worker_timer (self->worker, timer_c, self);
  weir_timer_arm (self->timers[0], self->start_us + 30000);
  weir_timer_arm (self->timers[1], self->start_us + 1);
  weir_timer_arm (self->timers[2], self->start_us + 20000);
  weir_timer_arm (self->timers[3], self->start_us + 10000);
  /* replaced, and disarmed */
  weir_timer_arm (self->timers[1], self->start_us + 25000);
  weir_timer_arm (self->timers[3], G_MAXINT64);
}

static void
timers_run_in_the_order_of_their_deadlines (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Timers timers = {.worker = worker, .order = g_string_new (NULL)};

  on_worker (worker, arm_three, &timers);
  counter_await (&timers.done, 3);
  g_assert_cmpint (g_get_monotonic_time () - timers.start_us, >=, 30000);
  on_worker (worker, free_timers, &timers);
  g_assert_cmpstr (timers.order->str, ==, "cba");
  g_string_free (timers.order, TRUE);
}

static void
rearm (gpointer data)
{
  Timers *self = data;

  g_string_append_c (self->order, 'r');
  if (self->order->len < 5)
    weir_timer_arm (self->timers[0], g_get_monotonic_time () + 1000);
  else
    g_clear_pointer (&self->timers[0], weir_timer_free);
  counter_add (&self->done);
}

static void
start_rearming (gpointer data)
{
  Timers *self = data;

  self->timers[0] = weir_worker_timer (self->worker, rearm, self);
  weir_timer_arm (self->timers[0], 0);
}

static void
a_timer_is_armed_again_and_freed_by_its_own_function (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Timers timers = {.worker = worker, .order = g_string_new (NULL)};

  on_worker (worker, start_rearming, &timers);
  counter_await (&timers.done, 5);
  weir_worker_stop (worker);
  g_assert_cmpstr (timers.order->str, ==, "rrrrr");
  g_assert_null (timers.timers[0]);
  g_string_free (timers.order, TRUE);
}

static void
free_the_others (gpointer data)
{
  Timers *self = data;

  timer_a (self);
  g_clear_pointer (&self->timers[1], weir_timer_free);
  weir_timer_arm (self->timers[2], G_MAXINT64);
}

static void
arm_three_at_once (gpointer data)
{
  Timers *self = data;

  self->timers[0] = weir_worker_timer (self->worker, free_the_others, self);
  self->timers[1] = weir_worker_timer (self->worker, timer_b, self);
  self->timers[2] = weir_worker_timer (self->worker, timer_b, self);
  self->timers[3] = weir_worker_timer (self->worker, timer_c, self);
  for (guint i = 0; i < 4; i++)
    weir_timer_arm (self->timers[i], 1);
}

static void
a_due_timer_can_be_freed_or_disarmed_by_another (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Timers timers = {.worker = worker, .order = g_string_new (NULL)};

  on_worker (worker, arm_three_at_once, &timers);
  counter_await (&timers.done, 2);
  on_worker (worker, free_timers, &timers);
  g_assert_cmpstr (timers.order->str, ==, "ac");
  g_string_free (timers.order, TRUE);
}

typedef struct {
  WeirWorker *worker;
  GRand *random;
  WeirTimer *timers[500];
  gint64 last_us;
  gint64 deadlines[500];
  Counter done;
} ManyTimers;

typedef struct {
  ManyTimers *many;
  guint number;
} ManyTimer;

static void
check_order (gpointer data)
{
  ManyTimer *self = data;

  g_assert_cmpint (self->many->deadlines[self->number], >=, self->many->last_us);
  self->many->last_us = self->many->deadlines[self->number];
  g_clear_pointer (&self->many->timers[self->number], weir_timer_free);
  counter_add (&self->many->done);
  g_free (self);
}

static void
arm_many (gpointer data)
{
  ManyTimers *self = data;
  gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < 500; i++) {
    ManyTimer *timer = g_new (ManyTimer, 1);

    *timer = (ManyTimer){self, i};
    self->deadlines[i] = now_us - g_rand_int_range (self->random, 0, 200);
    self->timers[i] = weir_worker_timer (self->worker, check_order, timer);
    weir_timer_arm (self->timers[i], self->deadlines[i]);
  }
  /* moved within the heap, up and down */
  for (guint i = 0; i < 500; i += 3) {
    self->deadlines[i] = now_us - g_rand_int_range (self->random, 0, 200);
    weir_timer_arm (self->timers[i], self->deadlines[i]);
  }
}

static void
many_timers_keep_their_order_while_they_move (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  ManyTimers many = {.worker = worker, .random = g_rand_new_with_seed (4711)};

  on_worker (worker, arm_many, &many);
  counter_await (&many.done, 500);
  g_rand_free (many.random);
}

/* ── watches ── */

typedef struct {
  WeirWorker *worker;
  gint fds[2];
  WeirWatch *watches[2];
  guint calls;
  Counter done;
} Watches;

static void
remove_both (G_GNUC_UNUSED guint32 events, gpointer data)
{
  Watches *self = data;

  self->calls++;
  for (guint i = 0; i < 2; i++) {
    weir_watch_remove (self->watches[i]);
    close (self->fds[i]);
  }
  counter_add (&self->done);
}

static void
watch_two_ready_ones (gpointer data)
{
  Watches *self = data;

  for (guint i = 0; i < 2; i++) {
    self->fds[i] = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);
    self->watches[i] = weir_worker_watch (self->worker, self->fds[i], EPOLLIN, remove_both, self);
  }
}

static void
a_watch_removed_by_another_in_the_same_wake_up_is_not_called (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Watches watches = {.worker = worker};

  on_worker (worker, watch_two_ready_ones, &watches);
  counter_await (&watches.done, 1);
  weir_worker_stop (worker);
  g_assert_cmpuint (watches.calls, ==, 1);
}

static void
stop_watching (guint32 events, gpointer data)
{
  Watches *self = data;

  g_assert_cmphex (events & EPOLLIN, ==, EPOLLIN);
  self->calls++;
  weir_watch_modify (self->watches[0], 0);
  counter_add (&self->done);
}

static void
watch_one (gpointer data)
{
  Watches *self = data;

  self->fds[0] = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);
  self->watches[0] = weir_worker_watch (self->worker, self->fds[0], EPOLLIN, stop_watching, self);
}

static void
watch_again (gpointer data)
{
  Watches *self = data;

  g_assert_cmpuint (self->calls, ==, 1);
  weir_watch_modify (self->watches[0], EPOLLIN);
}

static void
unwatch (gpointer data)
{
  Watches *self = data;

  weir_watch_remove (self->watches[0]);
  close (self->fds[0]);
}

static void
a_watch_can_be_switched_off_and_on (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Watches watches = {.worker = worker};

  on_worker (worker, watch_one, &watches);
  counter_await (&watches.done, 1);
  on_worker (worker, watch_again, &watches);
  counter_await (&watches.done, 2);
  on_worker (worker, unwatch, &watches);
  g_assert_cmpuint (watches.calls, ==, 2);
}

/* ── rounds ── */

typedef struct {
  WeirWorker *worker;
  WeirRound *rounds[4];
  gint64 times[4][3];
  guint calls[4];
  GString *order;
  Counter done;
} Rounds;

static void
note_time (Rounds *self, guint number)
{
  if (self->calls[number] == 3)
    return;
  self->times[number][self->calls[number]] = g_get_monotonic_time ();
  if (++self->calls[number] == 3)
    counter_add (&self->done);
}

static gboolean
round_0 (gpointer data)
{
  note_time (data, 0);
  return FALSE;
}

static gboolean
round_1 (gpointer data)
{
  note_time (data, 1);
  return FALSE;
}

#define INTERVAL_US 40000

static void
join_rounds (gpointer data)
{
  Rounds *self = data;

  self->rounds[0] = weir_worker_round (self->worker, INTERVAL_US, round_0, self);
}

static void
join_rounds_late (gpointer data)
{
  Rounds *self = data;

  self->rounds[1] = weir_worker_round (self->worker, INTERVAL_US, round_1, self);
}

static void
leave_rounds (gpointer data)
{
  Rounds *self = data;

  for (guint i = 0; i < 4; i++)
    g_clear_pointer (&self->rounds[i], weir_round_free);
}

static void
rounds_of_one_interval_coincide (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Rounds rounds = {.worker = worker};
  guint coincide = 0;

  on_worker (worker, join_rounds, &rounds);
  on_worker (worker, join_rounds_late, &rounds);
  counter_await (&rounds.done, 2);
  on_worker (worker, leave_rounds, &rounds);
  /* the second may have missed the first one's beginning */
  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < 3; j++) {
      gint64 lateness_us = rounds.times[0][i] % INTERVAL_US;

      if (rounds.times[1][j] / INTERVAL_US == rounds.times[0][i] / INTERVAL_US &&
          rounds.times[1][j] % INTERVAL_US >= lateness_us)
        coincide++;
    }
  }
  g_assert_cmpuint (coincide, >=, 2);
}

static gboolean
greedy (gpointer data)
{
  Rounds *self = data;

  g_string_append_c (self->order, 'g');
  if (++self->calls[0] == 4) {
    counter_add (&self->done);
    return FALSE;
  }
  return self->calls[0] < 4;
}

static gboolean
modest (gpointer data)
{
  Rounds *self = data;

  g_string_append_c (self->order, 'm');
  return FALSE;
}

static gboolean
greedy_too (gpointer data)
{
  Rounds *self = data;

  g_string_append_c (self->order, 'h');
  return ++self->calls[1] < 3;
}

static void
join_with_greedy_ones (gpointer data)
{
  Rounds *self = data;

  self->rounds[0] = weir_worker_round (self->worker, 500000, greedy, self);
  self->rounds[1] = weir_worker_round (self->worker, 500000, modest, self);
  self->rounds[2] = weir_worker_round (self->worker, 500000, greedy_too, self);
  self->rounds[3] = weir_worker_round (self->worker, 500000, modest, self);
}

static void
another_turn_comes_after_everyone_elses (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Rounds rounds = {.worker = worker, .order = g_string_new (NULL)};

  on_worker (worker, join_with_greedy_ones, &rounds);
  counter_await (&rounds.done, 1);
  on_worker (worker, leave_rounds, &rounds);
  g_assert_true (g_str_has_prefix (rounds.order->str, "gmhmghghg"));
  g_string_free (rounds.order, TRUE);
}

static gboolean
leave_all (gpointer data)
{
  Rounds *self = data;

  g_string_append_c (self->order, 'l');
  leave_rounds (self);
  self->rounds[0] = weir_worker_round (self->worker, 1000, round_0, self);
  counter_add (&self->done);
  /* no other turn for one that is gone */
  return TRUE;
}

static void
join_with_one_that_leaves (gpointer data)
{
  Rounds *self = data;

  self->rounds[0] = weir_worker_round (self->worker, 1000, modest, self);
  self->rounds[1] = weir_worker_round (self->worker, 1000, leave_all, self);
  self->rounds[2] = weir_worker_round (self->worker, 1000, modest, self);
}

static void
a_round_can_be_left_from_within (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");
  Rounds rounds = {.worker = worker, .order = g_string_new (NULL)};

  on_worker (worker, join_with_one_that_leaves, &rounds);
  /* the one that left, and the three rounds of the one that joined within */
  counter_await (&rounds.done, 2);
  on_worker (worker, leave_rounds, &rounds);
  g_assert_cmpstr (rounds.order->str, ==, "ml");
  g_string_free (rounds.order, TRUE);
}

/* ── the rest ── */

static void
record (gpointer data)
{
  weir_worker_record_push (data, "identity", 7000);
  weir_worker_record_push (data, "identity", 90000);
  weir_worker_record_push (data, "identity", 3000);
}

static void
the_longest_push_is_kept (void)
{
  g_autoptr (WeirWorker) worker = weir_worker_new ("test");

  g_assert_cmpint (weir_worker_get_longest_push (worker), ==, 0);
  on_worker (worker, record, worker);
  g_assert_cmpint (weir_worker_get_longest_push (worker), ==, 90000);
}

static void
the_pool_spreads_the_load (void)
{
  g_autoptr (WeirWorkerPool) pool = weir_worker_pool_new (2);
  WeirWorker *first = weir_worker_pool_acquire (pool);
  WeirWorker *second = weir_worker_pool_acquire (pool);

  g_assert_cmpuint (weir_worker_pool_get_size (pool), ==, 2);
  g_assert_true (first != second);
  weir_worker_pool_release (pool, second);
  second = weir_worker_pool_acquire (pool);
  g_assert_true (first != second);
  weir_worker_pool_release (pool, first);
  weir_worker_pool_release (pool, second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/net/worker/" #name, name)
  TEST (posted_functions_run_in_order);
  TEST (a_function_posted_on_the_worker_runs_later);
  TEST (data_is_released_whether_the_worker_runs_or_not);
  TEST (no_function_is_lost_when_threads_post_at_once);
  TEST (the_last_reference_may_go_on_the_worker_itself);
  TEST (who_asked_is_told_of_the_stop);
  TEST (timers_run_in_the_order_of_their_deadlines);
  TEST (a_timer_is_armed_again_and_freed_by_its_own_function);
  TEST (a_due_timer_can_be_freed_or_disarmed_by_another);
  TEST (many_timers_keep_their_order_while_they_move);
  TEST (a_watch_removed_by_another_in_the_same_wake_up_is_not_called);
  TEST (a_watch_can_be_switched_off_and_on);
  TEST (rounds_of_one_interval_coincide);
  TEST (another_turn_comes_after_everyone_elses);
  TEST (a_round_can_be_left_from_within);
  TEST (the_longest_push_is_kept);
  TEST (the_pool_spreads_the_load);
  return g_test_run ();
}
