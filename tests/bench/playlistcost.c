/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a day's playlist costs: `bench-playlist-cost [SEGMENTS]` fills an index with segments of 2
 * s, then goes on adding while another thread asks for the whole's playlist of each track all the
 * time. Prints how long asking takes, and how long adding does, alone and beside it.
 */
#include "playback/index.h"

#include <stdlib.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
#define MORE 200
#define ADD_INTERVAL_US 5000

/* Main 3.0, 854x480; AAC-LC 48 kHz stereo */
static const guint8 video_record[] = {0x01, 0x4d, 0x40, 0x1e, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x4d,
    0x40, 0x1e, 0xec, 0xa0, 0x6c, 0x1e, 0xf3, 0x78, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00,
    0x00, 0x19, 0x07, 0x8b, 0x16, 0xcb, 0x01, 0x00, 0x05, 0x68, 0xeb, 0xe3, 0xcb, 0x20};
static const guint8 audio_record[] = {0x11, 0x90};

typedef struct {
  WeirIndex *index;
  gint stop; /* atomic */
  guint asked;
  gint64 total_us, longest_us;
} Viewer;

static void
add_config (GPtrArray *configs, WeirCodec codec, const guint8 *record, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (record, size);
  g_autoptr (GError) error = NULL;
  WeirCodecConfig *config = weir_codec_config_parse (codec, bytes, &error);

  if (config == NULL)
    g_error ("configuration: %s", error->message);
  g_ptr_array_add (configs, config);
}

/* Returns: how long the writer was busy with its end, µs */
static gint64
add_segment (WeirIndex *index, guint64 number)
{
  WeirIndexSegment *segment = weir_index_segment_new (number, 7);
  gint64 before;

  segment->independent = TRUE;
  segment->start_ns = (gint64) number * 2 * SECOND;
  segment->program_date_us = G_GINT64_CONSTANT (1700000000000000) + segment->start_ns / 1000;
  weir_index_open_segment (index, segment);
  for (guint track = 0; track < 2; track++) {
    const guint64 rate = track == 0 ? 90000 : 48000;
    WeirIndexPart part = {.offset = 24 + track * 1000,
        .size = 1000,
        .decode_time = number * 2 * rate,
        .duration = 2 * rate,
        .independent = TRUE,
        .sample_count = 50};

    weir_index_add_part (index, number, track, &part);
  }
  before = g_get_monotonic_time ();
  weir_index_close_segment (index, number, 2 * SECOND, 2, (gint64) number * 2 * G_USEC_PER_SEC);
  weir_index_forget_memory (index, 8, 0);
  weir_index_release_blobs (index, 8);
  return g_get_monotonic_time () - before;
}

static gsize
ask (WeirIndex *index, guint track)
{
  g_autoptr (GPtrArray) pieces = weir_index_get_media (index, WEIR_INDEX_WHOLE, track);
  gsize size = 0;

  for (guint i = 0; i < pieces->len; i++)
    size += g_bytes_get_size (pieces->pdata[i]);
  return size;
}

static gpointer
watch (gpointer data)
{
  Viewer *viewer = data;

  while (!g_atomic_int_get (&viewer->stop)) {
    gint64 before = g_get_monotonic_time ();
    gint64 took;

    ask (viewer->index, viewer->asked++ % 2);
    took = g_get_monotonic_time () - before;
    viewer->total_us += took;
    viewer->longest_us = MAX (viewer->longest_us, took);
  }
  return NULL;
}

static void
add_more (WeirIndex *index, guint64 from, const gchar *how)
{
  gint64 total_us = 0, longest_us = 0;

  for (guint i = 0; i < MORE; i++) {
    gint64 took = add_segment (index, from + i);

    total_us += took;
    longest_us = MAX (longest_us, took);
    g_usleep (ADD_INTERVAL_US);
  }
  g_print ("adding %s: %.1f us on average, %.1f us at most\n", how, (gdouble) total_us / MORE,
      (gdouble) longest_us);
}

static void
ask_once (WeirIndex *index, const gchar *how)
{
  gint64 before = g_get_monotonic_time ();
  gsize size = ask (index, 0);

  g_print ("asking %s: %.3f ms, %" G_GSIZE_FORMAT " bytes\n", how,
      (gdouble) (g_get_monotonic_time () - before) / 1000, size);
}

static void
offer_once (WeirIndex *index)
{
  gint64 before = g_get_monotonic_time ();
  g_autoptr (GBytes) text = weir_index_get_multivariant (index, WEIR_INDEX_WHOLE);

  g_print ("multivariant: %.3f ms, %" G_GSIZE_FORMAT " bytes\n",
      (gdouble) (g_get_monotonic_time () - before) / 1000, g_bytes_get_size (text));
}

int
main (int argc, char **argv)
{
  const guint64 count = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 43200;
  g_autoptr (WeirIndex) index = weir_index_new ("0123456789abcdef0123456789abcdef", 6);
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
  Viewer viewer = {.index = index};
  gint64 before = g_get_monotonic_time ();
  GThread *thread;

  add_config (configs, WEIR_CODEC_AVC, video_record, sizeof video_record);
  add_config (configs, WEIR_CODEC_AAC, audio_record, sizeof audio_record);
  weir_index_set_recorded (index);
  weir_index_add_init (index, 7, 0, configs, NULL);
  for (guint64 number = 0; number < count; number++)
    add_segment (index, number);
  g_print ("filled with %" G_GUINT64_FORMAT " segments: %.1f us each\n", count,
      (gdouble) (g_get_monotonic_time () - before) / (gdouble) MAX (1, count));

  add_more (index, count, "alone");
  ask_once (index, "first");
  ask_once (index, "again");
  add_segment (index, count + MORE);
  ask_once (index, "after one more");
  offer_once (index);
  thread = g_thread_new ("viewer", watch, &viewer);
  add_more (index, count + MORE + 1, "while another asks");
  g_atomic_int_set (&viewer.stop, 1);
  g_thread_join (thread);
  g_print ("asking all the time: %.3f ms on average, %.3f ms at most, %u times\n",
      (gdouble) viewer.total_us / 1000 / MAX (1, viewer.asked), (gdouble) viewer.longest_us / 1000,
      viewer.asked);
  return EXIT_SUCCESS;
}
