/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls-text.h"

#include <string.h>

#define DATE G_GINT64_CONSTANT (1700000000000)

static gchar *
join (GPtrArray *taken)
{
  g_autoptr (GPtrArray) pieces = taken;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pieces->len; i++)
    g_string_append_len (text, g_bytes_get_data (pieces->pdata[i], NULL),
        (gssize) g_bytes_get_size (pieces->pdata[i]));
  return g_string_free (text, FALSE);
}

static WeirHlsSegment
make_segment (guint64 number, guint generation, gboolean gap)
{
  return (WeirHlsSegment){.epoch = 7,
      .number = number,
      .generation = generation,
      .has_map = TRUE,
      .gap = gap,
      .duration_us = 2000000,
      .date_ms = DATE + (gint64) number * 2000};
}

/* what weir_hls_write_media() makes of the same segments */
static gchar *
write_at_once (gint track, const WeirHlsSegment *segments, guint n_segments, gboolean independent,
    gboolean ended)
{
  const WeirHlsMedia media = {.broadcast = "b1",
      .track = track,
      .target_duration = 2,
      .media_sequence = 3,
      .ended = ended,
      .whole = TRUE,
      .independent = independent,
      .segments = segments,
      .n_segments = n_segments};
  g_autoptr (GBytes) text = weir_hls_write_media (&media);

  return g_strndup (g_bytes_get_data (text, NULL), g_bytes_get_size (text));
}

static void
a_grown_text_is_that_which_is_written_at_once (void)
{
  for (guint round = 0; round < 50; round++) {
    const gint track = g_test_rand_int_range (-1, 3);
    const guint count = (guint) g_test_rand_int_range (1, 900);
    g_autoptr (GArray) segments = g_array_new (FALSE, FALSE, sizeof (WeirHlsSegment));
    g_autoptr (WeirHlsText) text = weir_hls_text_new ("b1", track, 2);
    guint generation = 0, kept = count, done = 0;
    gboolean independent = g_test_rand_bit ();
    g_autofree gchar *growing = NULL, *ended = NULL, *once = NULL, *once_ended = NULL;

    for (guint i = 0; i < count; i++) {
      WeirHlsSegment segment;

      generation += g_test_rand_int_range (0, 20) == 0;
      segment = make_segment (i, generation, g_test_rand_int_range (0, 3) == 0);
      segment.has_map = g_test_rand_int_range (0, 8) != 0;
      segment.discontinuity = g_test_rand_int_range (0, 8) == 0;
      g_array_append_val (segments, segment);
    }
    while (done < count) {
      guint some = (guint) g_test_rand_int_range (1, 100);

      some = MIN (some, count - done);
      weir_hls_text_add (text, &g_array_index (segments, WeirHlsSegment, done), some);
      done += some;
    }
    while (kept > 1 && g_array_index (segments, WeirHlsSegment, kept - 1).gap)
      kept--;
    growing = join (weir_hls_text_get (text, 3, independent, FALSE));
    ended = join (weir_hls_text_get (text, 3, independent, TRUE));
    once =
        write_at_once (track, (const WeirHlsSegment *) segments->data, count, independent, FALSE);
    once_ended =
        write_at_once (track, (const WeirHlsSegment *) segments->data, kept, independent, TRUE);
    g_assert_true (g_str_equal (growing, once));
    g_assert_true (g_str_equal (ended, once_ended));
  }
}

static void
a_day_comes_in_few_pieces_that_stay_where_they_are (void)
{
  g_autoptr (WeirHlsText) text = weir_hls_text_new ("0123456789abcdef0123456789abcdef", 0, 2);
  g_autoptr (GPtrArray) half = NULL, all = NULL;

  for (guint64 number = 0; number < 43200; number++) {
    WeirHlsSegment segment = make_segment (number, 0, FALSE);

    if (number == 21600)
      half = weir_hls_text_get (text, 0, FALSE, FALSE);
    weir_hls_text_add (text, &segment, 1);
  }
  all = weir_hls_text_get (text, 0, FALSE, TRUE);
  g_assert_cmpuint (all->len, <, 20);
  g_assert_cmpuint (half->len, <, all->len);
  for (guint i = 1; i < half->len; i++)
    g_assert_true (
        g_bytes_get_data (half->pdata[i], NULL) == g_bytes_get_data (all->pdata[i], NULL));
}

static void
what_was_given_outlives_the_text (void)
{
  WeirHlsText *text = weir_hls_text_new ("b1", 0, 2);
  WeirHlsSegment segment = make_segment (0, 0, FALSE);
  g_autofree gchar *given = NULL;
  GPtrArray *pieces;

  weir_hls_text_add (text, &segment, 1);
  pieces = weir_hls_text_get (text, 0, FALSE, FALSE);
  weir_hls_text_free (text);
  given = join (pieces);
  g_assert_true (g_str_has_suffix (given, "/b1/segments/7-0/track0.m4s\n"));
}

static void
only_gaps_end_with_the_first_of_them (void)
{
  g_autoptr (WeirHlsText) text = weir_hls_text_new ("b1", 0, 2);
  g_autofree gchar *ended = NULL;

  for (guint64 number = 0; number < 3; number++) {
    WeirHlsSegment segment = make_segment (number, 0, TRUE);

    weir_hls_text_add (text, &segment, 1);
  }
  ended = join (weir_hls_text_get (text, 0, FALSE, TRUE));
  g_assert_nonnull (strstr (ended, "#EXT-X-VERSION:8\n"));
  g_assert_true (g_str_has_suffix (ended, "/b1/segments/7-0/track0.m4s\n#EXT-X-ENDLIST\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/playback/hls-text/" #name, name)
  ADD (a_grown_text_is_that_which_is_written_at_once);
  ADD (a_day_comes_in_few_pieces_that_stay_where_they_are);
  ADD (what_was_given_outlives_the_text);
  ADD (only_gaps_end_with_the_first_of_them);
  return g_test_run ();
}
