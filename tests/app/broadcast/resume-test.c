/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/resume.h"
#include "broadcast/walldate.h"

#include "records.h"

#define SECOND_NS G_GINT64_CONSTANT (1000000000)
#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define WALL (G_GINT64_CONSTANT (1700000000) * SECOND_US)

static void
what_is_committed_is_what_is_read (void)
{
  g_auto (WeirResume) written = {
      .next_segment = 7,
      .next_sequence = 70,
      .next_generation = 2,
      .target_duration = 4,
      .end_ns = 28 * SECOND_NS + 1,
      .end_us = WALL,
      .media_us = WALL + 3,
      .stopped = TRUE,
      .gaps = 5,
      .dated = TRUE,
      .date_zero_us = WALL - 28 * SECOND_US,
      .end_date_us = WALL - 4 * SECOND_US,
  };
  g_auto (WeirResume) read = {0};
  g_autoptr (GError) error = NULL;
  g_autofree gchar *json = NULL, *again = NULL;

  weir_resume_add_tail (&written, weir_index_segment_new (6, 3), FALSE);
  weir_resume_add_tail (&written, weir_index_segment_new (8, 3), FALSE);
  weir_resume_add_tail (&written, weir_index_segment_new (7, 3), FALSE);
  weir_resume_add_tail (&written, weir_index_segment_new (7, 4), TRUE);
  json = weir_resume_to_json (&written);

  g_assert_true (weir_resume_from_json (&read, json, &error));
  g_assert_no_error (error);
  again = weir_resume_to_json (&read);
  g_assert_cmpstr (again, ==, json);
  g_assert_cmpuint (read.next_segment, ==, 7);
  g_assert_cmpint (read.end_ns, ==, 28 * SECOND_NS + 1);
  g_assert_true (read.stopped && read.dated);
  g_assert_cmpuint (read.tail->len, ==, 2);
  g_assert_cmpuint (((WeirIndexSegment *) read.tail->pdata[0])->number, ==, 7);
  g_assert_cmpuint (((WeirIndexSegment *) read.tail->pdata[0])->epoch, ==, 4);
  g_assert_cmpuint (((WeirIndexSegment *) read.tail->pdata[1])->number, ==, 8);
  weir_resume_cut_tail (&read, 7);
  g_assert_cmpuint (read.tail->len, ==, 1);
}

static void
what_is_damaged_or_of_another_version_is_refused (void)
{
  static const gchar *const cases[] = {
      "",
      "[]",
      "7",
      "{}",
      /* of a daemon that could not go on */
      "{\"nextSegment\":3,\"endNs\":6000000000}",
      "{\"version\":2,\"nextSegment\":3}",
      "{\"version\":1,\"nextSegment\":-1,\"nextSequence\":1,\"nextGeneration\":0,\"target\":2,"
      "\"endNs\":0,\"endUs\":0,\"mediaUs\":0,\"gaps\":0,\"dateZeroUs\":0,\"endDateUs\":0}",
      "{\"version\":1,\"nextSegment\":1,\"nextSequence\":1,\"nextGeneration\":0,\"target\":2,"
      "\"endNs\":9223372036854775807,\"endUs\":0,\"mediaUs\":0,\"gaps\":0,\"dateZeroUs\":0,"
      "\"endDateUs\":0}",
      "{\"version\":1,\"nextSegment\":\"1\",\"nextSequence\":1,\"nextGeneration\":0,\"target\":2,"
      "\"endNs\":0,\"endUs\":0,\"mediaUs\":0,\"gaps\":0,\"dateZeroUs\":0,\"endDateUs\":0}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirResume resume = {.next_segment = 99};
    g_autoptr (GError) error = NULL;

    g_assert_false (weir_resume_from_json (&resume, cases[i], &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    g_assert_cmpuint (resume.next_segment, ==, 99);
  }
}

static void
time_that_passed_makes_gaps_and_ends_the_window (void)
{
  static const struct {
    gint64 passed_us; /* since the end of the timeline */
    guint told;
    guint target;
    gint64 lost_us;
    guint gaps;
    gint64 gap_wait_us;
    gint64 wait_us; /* of a window of 60 s; media came a second after the timeline's end */
    gint64 stopped_wait_us;
  } cases[] = {
      {0, 0, 2, 0, 0, 2 * SECOND_US, 60 * SECOND_US, 5 * SECOND_US},
      {1999999, 0, 2, 1999999, 0, 1, 59000001, 4000001},
      {2 * SECOND_US, 0, 2, 2 * SECOND_US, 1, 2 * SECOND_US, 59 * SECOND_US, 4 * SECOND_US},
      {7 * SECOND_US, 0, 2, 7 * SECOND_US, 3, 1 * SECOND_US, 54 * SECOND_US, 0},
      {7 * SECOND_US, 2, 2, 7 * SECOND_US, 3, 1 * SECOND_US, 54 * SECOND_US, 0},
      {61 * SECOND_US, 30, 2, 61 * SECOND_US, 30, 1 * SECOND_US, 0, 0},
      {100 * SECOND_US, 0, 60, 100 * SECOND_US, 1, 20 * SECOND_US, 0, 0},
      /* the clock was set back: nothing that was told is taken back */
      {-3600 * SECOND_US, 0, 2, 0, 0, 2 * SECOND_US, 60 * SECOND_US, 5 * SECOND_US},
      {1 * SECOND_US, 3, 2, 6 * SECOND_US, 3, 2 * SECOND_US, 60 * SECOND_US, 5 * SECOND_US},
      {-3600 * SECOND_US, 3, 2, 6 * SECOND_US, 3, 2 * SECOND_US, 60 * SECOND_US, 5 * SECOND_US},
      /* nothing has been published */
      {9 * SECOND_US, 0, 0, 9 * SECOND_US, 0, G_MAXINT64, 52 * SECOND_US, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirResume resume = {
        .target_duration = cases[i].target,
        .end_ns = 100 * SECOND_NS,
        .end_us = WALL,
        .media_us = WALL + SECOND_US,
        .gaps = cases[i].told,
    };
    gint64 now = WALL + cases[i].passed_us;
    gint64 lost = weir_resume_get_lost (&resume, now);

    g_assert_cmpint (lost, ==, cases[i].lost_us);
    g_assert_cmpuint (weir_resume_count_gaps (&resume, lost), ==, cases[i].gaps);
    g_assert_cmpint (weir_resume_get_gap_wait (&resume, lost), ==, cases[i].gap_wait_us);
    g_assert_cmpint (
        weir_resume_get_wait (&resume, 60 * SECOND_US, 5 * SECOND_US, now), ==, cases[i].wait_us);
    resume.stopped = TRUE;
    g_assert_cmpint (weir_resume_get_wait (&resume, 60 * SECOND_US, 5 * SECOND_US, now), ==,
        cases[i].stopped_wait_us);
    /* it makes a short window no longer */
    g_assert_cmpint (weir_resume_get_wait (&resume, SECOND_US, 5 * SECOND_US, WALL), ==, SECOND_US);
  }
}

static void
gaps_stand_one_behind_the_other_and_end_before_what_comes_next (void)
{
  WeirResume resume = {.target_duration = 3, .end_ns = 10 * SECOND_NS + 5, .end_us = WALL};

  for (gint64 lost = 0; lost < 100 * SECOND_US; lost += 333333) {
    guint gaps = weir_resume_count_gaps (&resume, lost);

    g_assert_cmpuint (gaps, >=, resume.gaps);
    resume.gaps = gaps;
    /* where the timeline goes on */
    g_assert_cmpint (weir_resume_get_gap_start (&resume, gaps), <=, resume.end_ns + lost * 1000);
    g_assert_cmpint (
        weir_resume_get_gap_start (&resume, gaps) + weir_resume_get_gap_duration (&resume), >,
        resume.end_ns + lost * 1000);
  }
  g_assert_cmpint (weir_resume_get_gap_start (&resume, 0), ==, resume.end_ns);
  /* nothing is a gap before there is anything */
  resume.end_ns = resume.gaps = 0;
  g_assert_cmpuint (weir_resume_count_gaps (&resume, 100 * SECOND_US), ==, 0);
}

static WeirIndexSegment *
salvaged (guint64 number)
{
  WeirIndexSegment *segment = weir_index_segment_new (number, 3);
  WeirIndexPart video = {.decode_time = 900000, .duration = 90000};
  WeirIndexPart audio = {.decode_time = 480000, .duration = 52801};

  weir_index_segment_add_part (segment, 0, &video);
  weir_index_segment_add_part (segment, 1, &audio);
  segment->init_generation = 1;
  segment->start_ns = 10 * SECOND_NS;
  segment->duration_ns = 1 * SECOND_NS;
  segment->program_date_us = WALL;
  return segment;
}

static void
what_was_salvaged_moves_the_end (void)
{
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
  g_autoptr (WeirIndexSegment) segment = salvaged (5);
  WeirResume resume = {.next_segment = 5,
      .next_sequence = 10,
      .next_generation = 1,
      .target_duration = 2,
      .end_ns = 10 * SECOND_NS,
      .end_us = WALL,
      .media_us = WALL,
      .gaps = 2,
      .stopped = TRUE};

  g_ptr_array_add (configs, test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30));
  g_ptr_array_add (configs, test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO));
  weir_resume_add_segment (&resume, segment, configs, WALL + SECOND_US, 4);
  g_assert_cmpuint (resume.next_segment, ==, 6);
  g_assert_cmpuint (resume.next_sequence, >, 10 + 1000);
  g_assert_cmpuint (resume.next_generation, ==, 2);
  g_assert_cmpuint (resume.target_duration, ==, 2);
  g_assert_cmpuint (segment->target_duration, ==, 2);
  /* audio ends last, and no tick of it is used again */
  g_assert_cmpint (resume.end_ns * 48 / 1000000, >=, 480000 + 52801);
  g_assert_cmpint (resume.end_ns, <, 11 * SECOND_NS + SECOND_NS / 5);
  g_assert_cmpint (resume.end_us, ==, WALL + SECOND_US);
  g_assert_cmpint (resume.media_us, ==, WALL + SECOND_US);
  g_assert_cmpuint (resume.gaps, ==, 0);
  g_assert_false (resume.stopped);
  g_assert_cmpint (resume.date_zero_us, ==, WALL - 10 * SECOND_US);
}

static void
a_first_segment_that_never_closed_has_a_target_duration (void)
{
  g_autoptr (GPtrArray) configs = g_ptr_array_new ();
  g_autoptr (WeirIndexSegment) segment = salvaged (0), longer = salvaged (0);
  WeirResume resume, other;

  weir_resume_init (&resume, WALL);
  weir_resume_add_segment (&resume, segment, configs, 0, 4);
  g_assert_cmpuint (resume.target_duration, ==, 4);
  g_assert_cmpint (resume.end_us, ==, WALL);
  weir_resume_init (&other, WALL);
  longer->duration_ns = 6 * SECOND_NS + 1;
  weir_resume_add_segment (&other, longer, configs, 0, 4);
  g_assert_cmpuint (other.target_duration, ==, 7);
}

static WeirIndexSegment *
opened (guint64 number, gint64 start_ns, gint64 date_us)
{
  WeirIndexSegment *segment = weir_index_segment_new (number, 3);

  segment->start_ns = start_ns;
  segment->program_date_us = date_us;
  return segment;
}

static void
what_was_open_lasts_as_long_as_it_can_have_lasted (void)
{
  static const struct {
    gint64 passed_us; /* since the last one opened */
    gint64 first_ns, last_ns;
    gint64 lost_us;
  } cases[] = {
      {3 * SECOND_US, 1500000000, 2 * SECOND_NS, 1 * SECOND_US},
      {2 * SECOND_US, 1500000000, 2 * SECOND_NS, 0},
      {SECOND_US / 2, 1500000000, SECOND_NS / 2, 0},
      /* the clock was set back */
      {-3600 * SECOND_US, 1500000000, SECOND_NS / 1000, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (WeirResume) resume = {
        .next_segment = 5,
        .next_sequence = 1,
        .target_duration = 2,
        .end_ns = 10 * SECOND_NS,
        .end_us = WALL - 6 * SECOND_US,
        .gaps = 2,
        .dated = TRUE,
        .end_date_us = WALL - 2 * SECOND_US,
    };
    gint64 now = WALL + 1500 * 1000 + cases[i].passed_us;
    const WeirIndexSegment *first, *last;

    weir_resume_open_segment (&resume, opened (5, 16 * SECOND_NS, WALL), WALL);
    g_assert_cmpuint (resume.gaps, ==, 0);
    weir_resume_open_segment (
        &resume, opened (6, 17500000000, WALL + 1500 * 1000), WALL + 1500 * 1000);
    weir_resume_complete_tail (&resume, 4, now);
    first = resume.tail->pdata[0];
    last = resume.tail->pdata[1];
    g_assert_cmpint (first->duration_ns, ==, cases[i].first_ns);
    g_assert_cmpint (last->duration_ns, ==, cases[i].last_ns);
    g_assert_cmpuint (last->target_duration, ==, 2);
    g_assert_cmpuint (resume.next_segment, ==, 7);
    g_assert_cmpint (resume.end_ns, ==, last->start_ns + last->duration_ns);
    g_assert_cmpint (resume.end_date_us, ==, last->program_date_us + last->duration_ns / 1000);
    g_assert_cmpint (MAX (weir_resume_get_lost (&resume, now), 0), ==, cases[i].lost_us);
    /* a start that comes to no end, and one after it, say the same */
    weir_resume_complete_tail (&resume, 4, now + 9 * SECOND_US);
    g_assert_cmpint (last->duration_ns, ==, cases[i].last_ns);
    g_assert_cmpint (resume.end_ns, ==, last->start_ns + last->duration_ns);
  }
}

static void
what_was_open_before_anything_closed_has_a_target_duration_and_a_date (void)
{
  g_auto (WeirResume) resume = {0};

  weir_resume_init (&resume, WALL);
  weir_resume_complete_tail (&resume, 4, WALL + SECOND_US);
  g_assert_cmpuint (resume.target_duration, ==, 0);
  weir_resume_open_segment (&resume, opened (0, 0, WALL + SECOND_US), WALL + SECOND_US);
  weir_resume_complete_tail (&resume, 4, WALL + 4 * SECOND_US);
  g_assert_cmpuint (resume.target_duration, ==, 4);
  g_assert_cmpint (resume.end_ns, ==, 3 * SECOND_NS);
  g_assert_true (resume.dated);
  g_assert_cmpint (resume.date_zero_us, ==, WALL + SECOND_US);
}

/* the newest date that viewers know */
static void
tell_date (gint64 *told_us, gint64 date_us)
{
  /* a track's may be before its segment's by a frame or two */
  g_assert_cmpint (date_us, >, *told_us + 100000);
  *told_us = date_us;
}

/* gaps as long as nobody sends, then a segment that opens: all of it as of a daemon that is killed
 * while it is open */
static void
live_and_die (WeirResume *resume, guint64 number, gint64 now_us, gint64 *told_us)
{
  g_autofree gchar *state = weir_resume_to_json (resume);
  gint64 lost_us, start_ns, date_us;
  WeirWallDate date;

  weir_resume_clear (resume);
  g_assert_true (weir_resume_from_json (resume, state, NULL));
  weir_wall_date_resume (&date, resume->date_zero_us, resume->end_date_us);
  lost_us = MAX (weir_resume_get_lost (resume, now_us), 0);
  resume->gaps = weir_resume_count_gaps (resume, lost_us);
  for (guint i = 0; i < resume->gaps; i++) {
    date_us = weir_resume_get_gap_date (resume, i);
    tell_date (told_us, date_us);
    weir_wall_date_tell (&date, date_us, date_us + weir_resume_get_gap_duration (resume) / 1000);
  }
  start_ns = resume->end_ns + lost_us * 1000;
  weir_wall_date_observe (&date, start_ns, now_us);
  date_us = weir_wall_date_begin_segment (&date, start_ns, TRUE, now_us);
  tell_date (told_us, date_us);
  /* neither timeline nor dates run away */
  g_assert_cmpint (start_ns / 1000, <=, now_us - WALL + 100000);
  g_assert_cmpint (ABS (date_us - now_us), <=, 100000);
  weir_resume_open_segment (resume, opened (number, start_ns, date_us), now_us);
  resume->date_zero_us = date.zero_us;
}

static void
kills_in_a_row_take_no_date_back (void)
{
  /* from a start to the first media, and from there to the kill, ms */
  static const struct {
    gint64 media, kill;
  } cases[] = {{300, 200}, {700, 1}, {700, 630}, {2100, 630}, {5300, 400}, {300, 1999}, {1, 3500}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (WeirResume) resume = {
        .next_segment = 1,
        .next_sequence = 1,
        .target_duration = 2,
        .end_ns = 2 * SECOND_NS,
        .end_us = WALL + 2 * SECOND_US,
        .dated = TRUE,
        .date_zero_us = WALL,
        .end_date_us = WALL + 2 * SECOND_US,
    };
    gint64 now = WALL + 2 * SECOND_US, told = WALL;

    for (guint64 number = 1; number < 20; number++) {
      now += cases[i].media * 1000;
      live_and_die (&resume, number, now, &told);
      now += cases[i].kill * 1000;
      weir_resume_complete_tail (&resume, 4, now);
      now += 100000;
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/broadcast/resume/" #name, name)
  ADD (what_is_committed_is_what_is_read);
  ADD (what_is_damaged_or_of_another_version_is_refused);
  ADD (time_that_passed_makes_gaps_and_ends_the_window);
  ADD (gaps_stand_one_behind_the_other_and_end_before_what_comes_next);
  ADD (what_was_salvaged_moves_the_end);
  ADD (a_first_segment_that_never_closed_has_a_target_duration);
  ADD (what_was_open_lasts_as_long_as_it_can_have_lasted);
  ADD (what_was_open_before_anything_closed_has_a_target_duration_and_a_date);
  ADD (kills_in_a_row_take_no_date_back);
  return g_test_run ();
}
