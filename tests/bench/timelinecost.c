/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the timeline costs for a sample: `bench-timeline-cost [SECONDS [CASE]]` pushes so many
 * seconds of 30 pictures and 47 sounds each. To be counted by callgrind, see tests/README.md.
 */
#include "timeline/timeline.h"

#include <stdlib.h>
#include <string.h>

#define MS G_GINT64_CONSTANT (1000000)

static void
push (WeirTimeline *timeline, guint track, gint64 dts, gint64 pts, gint64 arrival_us,
    gboolean keyframe, guint64 *pulled)
{
  WeirTimelineSample sample = {
      .dts = dts,
      .pts = pts,
      .arrival_us = arrival_us,
      .keyframe = keyframe,
      .size = 4000,
  };
  WeirTimelineDecision decision;

  weir_timeline_push (timeline, track, &sample);
  while (weir_timeline_pull (timeline, &decision))
    ++*pulled;
}

int
main (int argc, char **argv)
{
  gint64 seconds = argc > 1 ? atol (argv[1]) : 100;
  const gchar *name = argc > 2 ? argv[2] : "steady";
  WeirTimelineSettings settings;
  WeirTimeline *timeline;
  guint64 pulled = 0;
  gint64 sound = 0;

  weir_timeline_settings_init (&settings);
  settings.snap_to_grid = settings.count_audio_samples = settings.fill_audio_gaps =
      settings.derive_decode_times = g_str_equal (name, "corrected");
  timeline = weir_timeline_new (&settings);
  weir_timeline_add_track (timeline, WEIR_MEDIA_VIDEO);
  weir_timeline_add_track (timeline, WEIR_MEDIA_AUDIO);
  weir_timeline_begin_connection (timeline, 0, 0);
  weir_timeline_configured (timeline, 0, FALSE);
  weir_timeline_configured (timeline, 1, FALSE);
  weir_timeline_set_audio_frame (timeline, 1, 1024, 48000);
  for (gint64 i = 0; i < seconds * 30; i++) {
    gint64 dts = i * 1000 / 30;
    gint64 stamp = dts * MS;

    if (g_str_equal (name, "spikes") && i % 10 == 5)
      stamp += 3600 * 1000 * MS;
    if (g_str_equal (name, "frozen") && i > 300)
      stamp = 10000 * MS;
    push (timeline, 0, stamp, stamp + i % 3 * 33 * MS, dts * 1000 + i * 7919 % 15000, i % 60 == 0,
        &pulled);
    for (; sound * 64 / 3 <= dts; sound++)
      push (timeline, 1, sound * 64 / 3 * MS, sound * 64 / 3 * MS,
          sound * 64000 / 3 + sound * 7919 % 15000, TRUE, &pulled);
  }
  g_print ("%" G_GUINT64_FORMAT "\n", pulled);
  weir_timeline_free (timeline, NULL);
  return 0;
}
