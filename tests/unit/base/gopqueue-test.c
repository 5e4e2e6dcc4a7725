/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/gopqueue.h"

#define UNLIMITED G_MAXINT64

/* items of the tests: a number, counted while they live */
typedef struct {
  gatomicrefcount ref_count;
  guint number;
} Item;

static gint items_alive;

static Item *
item_new (guint number)
{
  Item *self = g_new0 (Item, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->number = number;
  g_atomic_int_inc (&items_alive);
  return self;
}

static gpointer
item_ref (gpointer item)
{
  g_atomic_ref_count_inc (&((Item *) item)->ref_count);
  return item;
}

static void
item_unref (gpointer item)
{
  if (!g_atomic_ref_count_dec (&((Item *) item)->ref_count))
    return;
  g_atomic_int_add (&items_alive, -1);
  g_free (item);
}

static void
push (WeirGopQueue *queue, guint number, gboolean keyframe)
{
  Item *item = item_new (number);

  weir_gop_queue_push (
      queue, &(WeirGopItem){.item = item, .size = 10, .time_ns = number, .keyframe = keyframe});
  item_unref (item);
}

static void
assert_next (WeirGopReader *reader, guint number, guint64 missed)
{
  WeirGopItem item;
  guint64 skipped;

  g_assert_cmpint (weir_gop_reader_next (reader, &item, &skipped), ==, WEIR_GOP_READ_ITEM);
  g_assert_cmpuint (((Item *) item.item)->number, ==, number);
  g_assert_cmpuint (item.time_ns, ==, number);
  g_assert_cmpuint (skipped, ==, missed);
  item_unref (item.item);
}

static void
assert_no_next (WeirGopReader *reader, WeirGopRead expected)
{
  WeirGopItem item;
  guint64 skipped;

  g_assert_cmpint (weir_gop_reader_next (reader, &item, &skipped), ==, expected);
}

static void
count_wake (gpointer data)
{
  (*(guint *) data)++;
}

static void
a_new_reader_begins_at_the_newest_keyframe (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (1000, UNLIMITED, item_ref, item_unref);
  g_autoptr (WeirGopReader) reader = NULL;

  push (queue, 0, TRUE);
  push (queue, 1, FALSE);
  push (queue, 2, TRUE);
  push (queue, 3, FALSE);
  reader = weir_gop_reader_new (queue, NULL, NULL);
  assert_next (reader, 2, 0);
  assert_next (reader, 3, 0);
  assert_no_next (reader, WEIR_GOP_READ_EMPTY);
  g_assert_cmpuint (weir_gop_reader_get_missed (reader), ==, 0);
}

static void
without_a_keyframe_a_new_reader_waits_for_one (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (1000, UNLIMITED, item_ref, item_unref);
  guint wakes = 0;
  g_autoptr (WeirGopReader) reader = NULL;

  push (queue, 0, FALSE);
  reader = weir_gop_reader_new (queue, count_wake, &wakes);
  assert_no_next (reader, WEIR_GOP_READ_EMPTY);
  push (queue, 1, FALSE);
  g_assert_cmpuint (wakes, ==, 0);
  push (queue, 2, TRUE);
  g_assert_cmpuint (wakes, ==, 1);
  push (queue, 3, FALSE);
  g_assert_cmpuint (wakes, ==, 1);
  assert_next (reader, 2, 0);
  assert_next (reader, 3, 0);
}

static void
a_late_reader_jumps_to_the_newest_keyframe_and_is_told (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (50, UNLIMITED, item_ref, item_unref);
  g_autoptr (WeirGopReader) reader = NULL;

  push (queue, 0, TRUE);
  reader = weir_gop_reader_new (queue, NULL, NULL);
  assert_next (reader, 0, 0);
  for (guint i = 1; i < 10; i++)
    push (queue, i, i == 6 || i == 8);
  g_assert_cmpuint (weir_gop_queue_get_bytes (queue), ==, 50);
  assert_next (reader, 8, 7);
  assert_next (reader, 9, 0);
  g_assert_cmpuint (weir_gop_reader_get_missed (reader), ==, 7);
}

static void
a_late_reader_waits_when_no_keyframe_is_left (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (30, UNLIMITED, item_ref, item_unref);
  guint wakes = 0;
  g_autoptr (WeirGopReader) reader = NULL;

  push (queue, 0, TRUE);
  reader = weir_gop_reader_new (queue, count_wake, &wakes);
  assert_next (reader, 0, 0);
  for (guint i = 1; i < 6; i++)
    push (queue, i, FALSE);
  assert_no_next (reader, WEIR_GOP_READ_EMPTY);
  push (queue, 6, FALSE);
  g_assert_cmpuint (wakes, ==, 0);
  push (queue, 7, TRUE);
  g_assert_cmpuint (wakes, ==, 1);
  assert_next (reader, 7, 6);
}

static void
the_queue_is_bounded_in_time (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (G_MAXSIZE, 20, item_ref, item_unref);

  for (guint i = 0; i < 100; i++)
    push (queue, i, TRUE);
  g_assert_cmpuint (weir_gop_queue_get_bytes (queue), ==, 210);
  g_assert_cmpint (g_atomic_int_get (&items_alive), ==, 21);
}

static void
an_item_beyond_the_limit_stays_alone (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (5, UNLIMITED, item_ref, item_unref);
  g_autoptr (WeirGopReader) reader = weir_gop_reader_new (queue, NULL, NULL);

  push (queue, 0, TRUE);
  push (queue, 1, TRUE);
  g_assert_cmpuint (weir_gop_queue_get_bytes (queue), ==, 10);
  assert_next (reader, 1, 0);
}

static void
items_without_size_are_bounded_too (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (5, UNLIMITED, item_ref, item_unref);

  for (guint i = 0; i < 200000; i++) {
    Item *item = item_new (i);

    weir_gop_queue_push (queue, &(WeirGopItem){.item = item, .time_ns = i});
    item_unref (item);
  }
  g_assert_cmpint (g_atomic_int_get (&items_alive), ==, 65536);
}

static void
after_the_end_readers_get_what_is_left (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (1000, UNLIMITED, item_ref, item_unref);
  guint wakes = 0;
  g_autoptr (WeirGopReader) reader = weir_gop_reader_new (queue, count_wake, &wakes);
  g_autoptr (WeirGopReader) dry = NULL;

  push (queue, 0, TRUE);
  dry = weir_gop_reader_new (queue, count_wake, &wakes);
  assert_next (dry, 0, 0);
  assert_no_next (dry, WEIR_GOP_READ_EMPTY);
  weir_gop_queue_end (queue);
  g_assert_cmpuint (wakes, ==, 1);
  assert_no_next (dry, WEIR_GOP_READ_END);
  assert_next (reader, 0, 0);
  assert_no_next (reader, WEIR_GOP_READ_END);
  assert_no_next (reader, WEIR_GOP_READ_END);
}

static void
a_reader_outlives_the_owner_of_the_queue (void)
{
  WeirGopQueue *queue = weir_gop_queue_new (1000, UNLIMITED, item_ref, item_unref);
  WeirGopReader *reader = weir_gop_reader_new (queue, NULL, NULL);

  push (queue, 0, TRUE);
  weir_gop_queue_unref (queue);
  assert_next (reader, 0, 0);
  g_assert_cmpint (g_atomic_int_get (&items_alive), ==, 1);
  weir_gop_reader_free (reader);
  g_assert_cmpint (g_atomic_int_get (&items_alive), ==, 0);
}

/* one reader thread of the test below */
#define ITEMS 20000

typedef struct {
  WeirGopReader *reader;
  GMutex mutex;
  GCond cond;
  gboolean woken;
  guint64 read;
  guint64 missed;
} Consumer;

static void
wake_consumer (gpointer data)
{
  Consumer *self = data;

  g_mutex_lock (&self->mutex);
  self->woken = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gpointer
consume (gpointer data)
{
  Consumer *self = data;
  gint64 last = -1;

  for (;;) {
    WeirGopItem item;
    guint64 missed;
    guint number;

    switch (weir_gop_reader_next (self->reader, &item, &missed)) {
    case WEIR_GOP_READ_ITEM:
      number = ((Item *) item.item)->number;
      /* a new reader may begin at any keyframe */
      if (last < 0)
        g_assert_true (item.keyframe);
      else
        g_assert_cmpint (number, ==, last + 1 + (gint64) missed);
      if (missed > 0)
        g_assert_true (item.keyframe);
      last = number;
      self->read++;
      self->missed += missed;
      item_unref (item.item);
      break;
    case WEIR_GOP_READ_EMPTY:
      g_mutex_lock (&self->mutex);
      while (!self->woken)
        g_cond_wait (&self->cond, &self->mutex);
      self->woken = FALSE;
      g_mutex_unlock (&self->mutex);
      break;
    case WEIR_GOP_READ_END:
      return NULL;
    }
  }
}

static void
readers_on_threads_see_every_item_or_are_told (void)
{
  g_autoptr (WeirGopQueue) queue = weir_gop_queue_new (2000, UNLIMITED, item_ref, item_unref);
  Consumer consumers[4] = {0};
  GThread *threads[4];

  for (guint i = 0; i < 4; i++) {
    g_mutex_init (&consumers[i].mutex);
    g_cond_init (&consumers[i].cond);
    consumers[i].reader = weir_gop_reader_new (queue, wake_consumer, &consumers[i]);
  }
  push (queue, 0, TRUE);
  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("consumer", consume, &consumers[i]);
  for (guint i = 1; i < ITEMS; i++) {
    push (queue, i, i % 50 == 0);
    if (i % 64 == 0)
      g_thread_yield ();
  }
  weir_gop_queue_end (queue);
  for (guint i = 0; i < 4; i++) {
    g_thread_join (threads[i]);
    g_assert_cmpuint (consumers[i].missed, <=, weir_gop_reader_get_missed (consumers[i].reader));
    g_assert_cmpuint (consumers[i].read + consumers[i].missed, <=, ITEMS);
    g_assert_cmpuint (consumers[i].read, >, 0);
    weir_gop_reader_free (consumers[i].reader);
    g_mutex_clear (&consumers[i].mutex);
    g_cond_clear (&consumers[i].cond);
  }
}

static void
nothing_is_leaked (void)
{
  g_assert_cmpint (g_atomic_int_get (&items_alive), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/base/gopqueue/" #name, name)
  TEST (a_new_reader_begins_at_the_newest_keyframe);
  TEST (without_a_keyframe_a_new_reader_waits_for_one);
  TEST (a_late_reader_jumps_to_the_newest_keyframe_and_is_told);
  TEST (a_late_reader_waits_when_no_keyframe_is_left);
  TEST (the_queue_is_bounded_in_time);
  TEST (an_item_beyond_the_limit_stays_alone);
  TEST (items_without_size_are_bounded_too);
  TEST (after_the_end_readers_get_what_is_left);
  TEST (a_reader_outlives_the_owner_of_the_queue);
  TEST (readers_on_threads_see_every_item_or_are_told);
  TEST (nothing_is_leaked);
  return g_test_run ();
}
