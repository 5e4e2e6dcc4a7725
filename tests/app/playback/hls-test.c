/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls.h"

static void
assert_text (GBytes *bytes, const gchar *expected)
{
  g_autofree gchar *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_bytes_unref (bytes);
  g_assert_cmpstr (text, ==, expected);
}

static void
every_video_goes_with_every_audio (void)
{
  static const WeirHlsTrack tracks[] = {
      {.track = 0,
          .video = TRUE,
          .codecs = "avc1.640028",
          .peak_rate = 3000,
          .average_rate = 2000,
          .width = 1920,
          .height = 1080,
          .frame_rate = 30000.0 / 1001},
      {.track = 1, .codecs = "mp4a.40.29", .peak_rate = 100, .average_rate = 90, .channels = 2},
      {.track = 2,
          .video = TRUE,
          .codecs = "avc1.4d401e",
          .peak_rate = 1000,
          .average_rate = 800,
          .width = 640,
          .height = 360},
      {.track = 3,
          .codecs = "mp4a.40.2,mp4a.40.29",
          .peak_rate = 300,
          .average_rate = 80,
          .channels = 6},
  };

  /* the bit rates of the most demanding combination; a name inside another name is another */
  assert_text (weir_hls_write_multivariant (tracks, G_N_ELEMENTS (tracks), FALSE),
      "#EXTM3U\n#EXT-X-VERSION:7\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 1\",DEFAULT=YES,AUTOSELECT=YES,"
      "CHANNELS=\"2\",URI=\"track1.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 2\",DEFAULT=NO,AUTOSELECT=YES,"
      "CHANNELS=\"6\",URI=\"track3.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3300,AVERAGE-BANDWIDTH=2090,"
      "CODECS=\"avc1.640028,mp4a.40.29,mp4a.40.2\",RESOLUTION=1920x1080,FRAME-RATE=29.970,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\ntrack0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1300,AVERAGE-BANDWIDTH=890,"
      "CODECS=\"avc1.4d401e,mp4a.40.29,mp4a.40.2\",RESOLUTION=640x360,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\ntrack2.m3u8\n");
}

static void
video_alone_names_no_audio_group (void)
{
  const WeirHlsTrack track = {.track = 0,
      .video = TRUE,
      .codecs = "avc1.640028",
      .peak_rate = 0,
      .width = 16,
      .height = 16,
      .frame_rate = 25};

  assert_text (weir_hls_write_multivariant (&track, 1, TRUE),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=1,CODECS=\"avc1.640028\","
      "RESOLUTION=16x16,FRAME-RATE=25.000,CLOSED-CAPTIONS=NONE\ntrack0.m3u8\n");
}

static void
a_map_comes_with_the_first_segment_that_has_one (void)
{
  static const WeirHlsSegment segments[] = {
      {.epoch = 3, .number = 8, .gap = TRUE, .duration_us = 1999999, .date_ms = 999},
      {.epoch = 3, .number = 9, .has_map = TRUE, .duration_us = 5, .date_ms = 1000},
      {.epoch = 4,
          .number = 10,
          .has_map = TRUE,
          .discontinuity = TRUE,
          .duration_us = 2000000,
          .date_ms = 253402300799999},
  };
  const WeirHlsMedia media = {.broadcast = "b",
      .track = 1,
      .target_duration = 2,
      .media_sequence = 8,
      .discontinuity_sequence = 5,
      .ended = TRUE,
      .segments = segments,
      .n_segments = G_N_ELEMENTS (segments)};

  assert_text (weir_hls_write_media (&media),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:8\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:5\n"
      "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.999Z\n#EXT-X-GAP\n#EXTINF:1.999999,\n"
      "/b/segments/3-8/track1.m4s\n"
      "#EXT-X-MAP:URI=\"/b/inits/3-0/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:01.000Z\n#EXTINF:0.000005,\n"
      "/b/segments/3-9/track1.m4s\n"
      "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"/b/inits/4-0/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59.999Z\n#EXTINF:2.000000,\n"
      "/b/segments/4-10/track1.m4s\n#EXT-X-ENDLIST\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/playback/hls/" #name, name)
  ADD (every_video_goes_with_every_audio);
  ADD (video_alone_names_no_audio_group);
  ADD (a_map_comes_with_the_first_segment_that_has_one);
  return g_test_run ();
}
