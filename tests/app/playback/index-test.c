/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/index.h"

#include "records.h"

#include <fcntl.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
#define DATE G_GINT64_CONSTANT (1700000000000000) /* 2023-11-14T22:13:20Z */

enum {
  VIDEO,
  AUDIO,
};

static void
free_config (gpointer config)
{
  if (config != NULL)
    weir_codec_config_unref (config);
}

static GPtrArray *
configs_new (const gchar *video, const gchar *audio)
{
  GPtrArray *configs = g_ptr_array_new_with_free_func (free_config);

  if (video != NULL)
    g_ptr_array_add (configs, test_config (WEIR_CODEC_AVC, video));
  if (audio != NULL)
    g_ptr_array_add (configs, test_config (WEIR_CODEC_AAC, audio));
  return configs;
}

static WeirIndex *
index_new (guint window)
{
  WeirIndex *index = weir_index_new ("b1", window);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);

  weir_index_set_recorded (index);
  weir_index_add_init (index, 7, 0, configs, NULL);
  return index;
}

static WeirIndexSegment *
open_segment (WeirIndex *index, guint64 number, gint64 start_ns)
{
  WeirIndexSegment *segment = weir_index_segment_new (number, 7);

  segment->independent = TRUE;
  segment->start_ns = start_ns;
  segment->program_date_us = DATE + start_ns / 1000;
  segment->styp_size = 24;
  weir_index_open_segment (index, weir_index_segment_ref (segment));
  return segment;
}

static void
add_part (WeirIndex *index, guint64 number, guint track, guint64 offset, guint64 size,
    guint64 decode_time, guint64 duration, guint samples)
{
  WeirIndexPart part = {.offset = offset,
      .size = size,
      .decode_time = decode_time,
      .duration = duration,
      .independent = TRUE,
      .sample_count = samples};

  weir_index_add_part (index, number, track, &part);
}

/* a segment of two seconds from @number × 2 s */
static void
add_segment (WeirIndex *index, guint64 number)
{
  weir_index_segment_unref (open_segment (index, number, number * 2 * SECOND));
  add_part (index, number, VIDEO, 24, 100000, number * 180000, 90000, 25);
  add_part (index, number, AUDIO, 100024, 8000, number * 96000, 49152, 48);
  add_part (index, number, VIDEO, 108024, 100000, number * 180000 + 90000, 90000, 25);
  add_part (index, number, AUDIO, 208024, 8000, number * 96000 + 49152, 47104, 46);
  weir_index_close_segment (index, number, 2 * SECOND, 2, (gint64) number * 2 * G_USEC_PER_SEC);
}

/* Returns: (transfer full) (nullable): @pieces as one; a single one itself */
static GBytes *
join (GPtrArray *pieces)
{
  g_autoptr (GPtrArray) taken = pieces;
  GByteArray *joined;

  if (taken == NULL)
    return NULL;
  if (taken->len == 1)
    return g_bytes_ref (taken->pdata[0]);
  joined = g_byte_array_new ();
  for (guint i = 0; i < taken->len; i++)
    g_byte_array_append (joined, g_bytes_get_data (taken->pdata[i], NULL),
        (guint) g_bytes_get_size (taken->pdata[i]));
  return g_byte_array_free_to_bytes (joined);
}

static GBytes *
get_media (WeirIndex *index, WeirIndexView view, guint track)
{
  return join (weir_index_get_media (index, view, track));
}

static GBytes *
get_muxed (WeirIndex *index, WeirIndexView view)
{
  return join (weir_index_get_muxed (index, view));
}

static void
assert_text (GBytes *bytes, const gchar *expected)
{
  g_autofree gchar *text = NULL;

  g_assert_nonnull (bytes);
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
  g_assert_cmpstr (text, ==, expected);
}

static gchar *
take_text (GBytes *bytes)
{
  gchar *text;

  g_assert_nonnull (bytes);
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
  return text;
}

static void
assert_view_has (WeirIndex *index, WeirIndexView view, const gchar *part)
{
  g_autofree gchar *text = take_text (weir_index_get_multivariant (index, view));

  g_assert_nonnull (strstr (text, part));
}

static void
assert_multivariant_has (WeirIndex *index, const gchar *part)
{
  assert_view_has (index, WEIR_INDEX_WINDOW, part);
}

static void
nothing_is_listed_before_the_first_segment_closes (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (WeirIndexSegment) segment = NULL;

  g_assert_false (weir_index_is_playable (index));
  segment = open_segment (index, 3, 0);
  add_part (index, 3, VIDEO, 24, 1000, 0, 180000, 50);
  g_assert_false (weir_index_is_playable (index));
  g_assert_null (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_null (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  g_assert_null (get_muxed (index, WEIR_INDEX_WINDOW));
  weir_index_close_segment (index, 3, 2 * SECOND, 2, 0);
  g_assert_true (weir_index_is_playable (index));
  g_assert_true (segment->closed);
  {
    g_autoptr (GBytes) text = get_media (index, WEIR_INDEX_WINDOW, VIDEO);
    g_assert_nonnull (text);
  }
  g_assert_null (get_media (index, WEIR_INDEX_WINDOW, 2));
  g_assert_null (get_media (index, WEIR_INDEX_WINDOW, G_MAXUINT));
}

static void
playlists_of_a_live_broadcast (void)
{
  g_autoptr (WeirIndex) index = index_new (6);

  add_segment (index, 10);
  add_segment (index, 11);
  assert_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:10\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0/track0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:40.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-10/track0.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:42.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-11/track0.m4s\n");
  assert_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:10\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:40.000Z\n#EXTINF:2.005333,\n"
      "/b1/segments/7-10/track1.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:42.000Z\n#EXTINF:2.005333,\n"
      "/b1/segments/7-11/track1.m4s\n");
  assert_text (get_muxed (index, WEIR_INDEX_WINDOW),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:10\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:40.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-10.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:42.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-11.m4s\n");
  assert_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 1\",DEFAULT=YES,AUTOSELECT=YES,"
      "CHANNELS=\"2\",URI=\"/b1/manifest/track1.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=864000,AVERAGE-BANDWIDTH=864000,"
      "CODECS=\"avc1.4d401e,mp4a.40.2\",RESOLUTION=854x480,FRAME-RATE=25.000,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\n/b1/manifest/track0.m3u8\n");
}

static void
an_ended_broadcast_has_its_window_and_the_whole (void)
{
  g_autoptr (WeirIndex) index = index_new (3);
  g_autofree gchar *window = NULL, *all = NULL, *growing = NULL, *offered = NULL;

  for (guint64 number = 0; number < 10; number++)
    add_segment (index, number);
  growing = take_text (get_media (index, WEIR_INDEX_WHOLE, VIDEO));
  g_assert_null (strstr (growing, "PLAYLIST-TYPE"));
  g_assert_null (strstr (growing, "ENDLIST"));
  g_assert_nonnull (strstr (growing, "/7-0/"));
  weir_index_end (index);
  g_assert_true (weir_index_has_ended (index));
  window = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  all = take_text (get_media (index, WEIR_INDEX_WHOLE, VIDEO));
  g_assert_true (g_str_has_suffix (window, ".m4s\n#EXT-X-ENDLIST\n"));
  g_assert_nonnull (strstr (window, "#EXT-X-MEDIA-SEQUENCE:7\n"));
  g_assert_null (strstr (window, "VOD"));
  g_assert_true (g_str_has_suffix (all, ".m4s\n#EXT-X-ENDLIST\n"));
  g_assert_nonnull (strstr (all, "#EXT-X-MEDIA-SEQUENCE:0\n"));
  g_assert_nonnull (strstr (all, "#EXT-X-PLAYLIST-TYPE:VOD\n"));
  offered = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WHOLE));
  g_assert_nonnull (strstr (offered, "\n/b1/manifest/track0-all.m3u8\n"));
  g_assert_nonnull (strstr (offered, "URI=\"/b1/manifest/track1-all.m3u8\""));
}

static void
what_is_not_recorded_has_no_whole (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 3);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);
  g_autofree gchar *window = NULL;

  weir_index_add_init (index, 7, 0, configs, NULL);
  add_segment (index, 0);
  window = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  g_assert_null (get_media (index, WEIR_INDEX_WHOLE, VIDEO));
  g_assert_null (get_muxed (index, WEIR_INDEX_WHOLE));
  g_assert_null (weir_index_get_multivariant (index, WEIR_INDEX_WHOLE));
}

static void
a_new_configuration_brings_a_new_map (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (GPtrArray) configs =
      configs_new (RECORD_HIGH_1080P2997_BT709, RECORD_AAC_LC_48000_STEREO);
  WeirIndexSegment *segment = weir_index_segment_new (1, 7);
  g_autofree gchar *multivariant = NULL;

  add_segment (index, 0);
  weir_index_add_init (index, 7, 1, configs, NULL);
  segment->init_generation = 1;
  segment->discontinuity = TRUE;
  segment->independent = TRUE;
  segment->start_ns = 9 * SECOND;
  segment->program_date_us = DATE + 9000000;
  weir_index_open_segment (index, segment);
  add_part (index, 1, VIDEO, 24, 400000, 810000, 180180, 60);
  weir_index_close_segment (index, 1, 2002000000, 2, 0);
  assert_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0/track0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-0/track0.m4s\n"
      "#EXT-X-DISCONTINUITY\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-1/track0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:29.000Z\n#EXTINF:2.002000,\n"
      "/b1/segments/7-1/track0.m4s\n");
  /* nothing of the audio: a gap as long as the reference */
  assert_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO),
      "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n#EXTINF:2.005333,\n"
      "/b1/segments/7-0/track1.m4s\n"
      "#EXT-X-DISCONTINUITY\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-1/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:29.000Z\n#EXT-X-GAP\n#EXTINF:2.002000,\n"
      "/b1/segments/7-1/track1.m4s\n");
  multivariant = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (multivariant, "CODECS=\"avc1.640028,avc1.4d401e,mp4a.40.2\""));
  g_assert_nonnull (strstr (multivariant, "RESOLUTION=1920x1080,FRAME-RATE=29.970"));
}

static void
dates_of_other_tracks_are_of_their_first_sample (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autofree gchar *video = NULL, *audio = NULL;

  weir_index_segment_unref (open_segment (index, 0, 5 * SECOND));
  add_part (index, 0, VIDEO, 24, 1000, 450000 - 7200, 180000, 50);
  add_part (index, 0, AUDIO, 1024, 1000, 5 * 48000 + 600, 96256, 94);
  weir_index_close_segment (index, 0, 2 * SECOND, 2, 0);
  video = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  audio = take_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO));
  g_assert_nonnull (strstr (video, "2023-11-14T22:13:25.000Z\n"));
  g_assert_nonnull (strstr (audio, "2023-11-14T22:13:25.013Z\n")); /* 12.5 ms later */
}

static void
audio_alone_is_a_variant (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  g_autoptr (GPtrArray) configs = configs_new (NULL, RECORD_HE_AAC_48000_STEREO);
  g_autoptr (WeirIndexSegment) segment = NULL;

  weir_index_add_init (index, 7, 0, configs, NULL);
  segment = open_segment (index, 0, 0);
  add_part (index, 0, 0, 24, 10001, 0, 96000, 47);
  weir_index_close_segment (index, 0, 2 * SECOND, 2, 0);
  assert_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=40004,AVERAGE-BANDWIDTH=40004,CODECS=\"mp4a.40.5\"\n"
      "/b1/manifest/track0.m3u8\n");
}

static void
the_multivariant_offers_only_what_came (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (WeirIndexSegment) first = open_segment (index, 0, 0);
  g_autofree gchar *before = NULL, *after = NULL;

  first->independent = FALSE;
  add_part (index, 0, VIDEO, 24, 1000, 0, 180000, 50);
  weir_index_close_segment (index, 0, 2 * SECOND, 2, 0);
  before = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_null (strstr (before, "AUDIO"));
  g_assert_nonnull (strstr (before, "CODECS=\"avc1.4d401e\""));
  add_segment (index, 1);
  after = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (after, ",AUDIO=\"audio\"\n"));
  /* the one that did not start with a keyframe is remembered */
  g_assert_null (strstr (after, "INDEPENDENT"));
}

static void
the_peak_is_not_that_of_a_splinter (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (WeirIndexSegment) segment = NULL;

  add_segment (index, 0);
  segment = open_segment (index, 1, 2 * SECOND);
  add_part (index, 1, VIDEO, 24, 100000, 180000, 3600, 1);
  weir_index_close_segment (index, 1, SECOND / 25, 2, 0);
  /* video: 300,000 bytes in 2.04 s, more than in any 1 s; audio: 16,000 in 2 s, then none */
  assert_multivariant_has (index, "BANDWIDTH=1240471,AVERAGE-BANDWIDTH=1240471,");
}

static void
the_frame_rate_is_measured_when_the_headers_do_not_say (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  /* without VUI */
  g_autoptr (GPtrArray) configs = configs_new ("0142c01effe1000a6742c01ef40a02ff9500"
                                               "01000568cb83cb20",
      NULL);
  g_autoptr (WeirIndexSegment) segment = NULL;
  const WeirCodecConfig *config = g_ptr_array_index (configs, 0);

  g_assert_cmpuint (config->frame_rate_n, ==, 0);
  weir_index_add_init (index, 7, 0, configs, NULL);
  segment = open_segment (index, 0, 0);
  add_part (index, 0, 0, 24, 10000, 0, 180180, 60);
  weir_index_close_segment (index, 0, 2002000000, 3, 0);
  assert_multivariant_has (index, ",FRAME-RATE=29.970,");
}

/* one whose record says neither size nor colour */
static void
add_sized_config (GPtrArray *configs)
{
  g_autoptr (WeirCodecConfig) plain = test_config (WEIR_CODEC_VP9, RECORD_VP9_360P30);
  g_autoptr (WeirCodecConfig) sized = weir_codec_config_with_size (plain, 640, 360);
  WeirColour colour;

  g_assert_true (weir_colour_from_text ("9:16:9:0//1000:400", &colour));
  g_ptr_array_add (configs, weir_codec_config_with_colour (sized, &colour));
}

static void
entries_survive_their_json (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (WeirIndex) again = weir_index_new ("b1", 6);
  g_autofree gchar *inits = NULL;
  g_autoptr (GError) error = NULL;
  WeirIndexSegment *odd = weir_index_segment_new (12, 8);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_HIGH_1080P2997_BT709, NULL);

  g_ptr_array_add (configs, NULL);
  add_sized_config (configs);
  add_segment (index, 10);
  weir_index_add_init (index, 8, 0, configs, NULL);
  odd->discontinuity = TRUE;
  odd->salvaged = TRUE;
  odd->start_ns = -5;
  odd->program_date_us = DATE;
  odd->name = g_strdup ("b1/8-\"12\".m4s");
  weir_index_open_segment (index, odd);
  add_part (index, 12, VIDEO, 24, 9, 1, 2, 3);
  weir_index_close_segment (index, 12, 40000000, 9, 0);
  weir_index_end (index);

  inits = weir_index_inits_to_json (index);
  g_assert_true (weir_index_add_inits_from_json (again, inits, &error));
  g_assert_no_error (error);
  g_assert_true (weir_index_add_inits_from_json (again, inits, &error)); /* known already */
  {
    g_autofree gchar *inits_again = weir_index_inits_to_json (again);
    g_assert_cmpstr (inits, ==, inits_again);
  }
  for (guint64 number = 10; number <= 12; number += 2) {
    g_autoptr (WeirIndexSegment) segment = weir_index_find (index, number == 10 ? 7 : 8, number);
    g_autofree gchar *json = weir_index_segment_to_json (segment);
    WeirIndexSegment *read = weir_index_segment_from_json (json, &error);
    g_autofree gchar *json_again = NULL;

    g_assert_no_error (error);
    json_again = weir_index_segment_to_json (read);
    g_assert_cmpstr (json, ==, json_again);
    g_assert_true (read->closed);
    g_assert_cmpstr (read->name, ==, segment->name);
    weir_index_add_closed_segment (again, read);
  }
  weir_index_end (again);
  for (guint track = 0; track < 2; track++) {
    g_autofree gchar *text = take_text (get_media (index, WEIR_INDEX_WINDOW, track));
    assert_text (get_media (again, WEIR_INDEX_WINDOW, track), text);
    g_assert_nonnull (strstr (text, "TARGETDURATION:2\n"));
  }
  {
    g_autofree gchar *text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
    assert_text (weir_index_get_multivariant (again, WEIR_INDEX_WINDOW), text);
  }
}

static void
damaged_entries_are_refused (void)
{
  static const gchar *const segments[] = {
      "",
      "[",
      "null",
      "[]",
      "{}",
      "{\"number\":\"1\"}",
  };
  static const gchar *const parts[] = {
      "[]",
      "[1,2,3,4,5]",
      "[1,2,3,4,5,6,7]",
      "[1,2,3,4,1,-1]",
      "[1,2,3,4,1,\"6\"]",
      "[1,2,3,4,1,6.5]",
      "[9223372036854775807,1,3,4,1,6]",
      "[1,2,9223372036854775807,4,1,6]",
      "{}",
  };
  static const gchar *const inits[] = {
      "",
      "{}",
      "[1]",
      "[{\"epoch\":1,\"generation\":0}]",
      "[{\"epoch\":-1,\"generation\":0,\"tracks\":[]}]",
      "[{\"epoch\":1,\"generation\":0,\"tracks\":[{}]}]",
      "[{\"epoch\":1,\"generation\":0,\"tracks\":[{\"codec\":\"VP8\",\"record\":\"\"}]}]",
      "[{\"epoch\":1,\"generation\":0,\"tracks\":[{\"codec\":\"AAC\",\"record\":\"EQ==\"}]}]",
  };
  const gchar *format =
      "{\"number\":1,\"epoch\":1,\"generation\":0,\"sequence\":1,\"discontinuities\":0,"
      "\"target\":2,\"start\":0,\"duration\":1,\"date\":0,\"styp\":24,\"size\":24,"
      "\"tracks\":[[%s]]}";
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_index_segment_from_json (segments[i], &error));
    g_assert_nonnull (error);
  }
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autofree gchar *json = g_strdup_printf (format, parts[i]);
    g_autoptr (GError) error = NULL;

    g_assert_null (weir_index_segment_from_json (json, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  }
  {
    g_autofree gchar *json = g_strdup_printf (format, "[24,2,3,4,1,6]");
    g_autoptr (WeirIndexSegment) segment = weir_index_segment_from_json (json, NULL);

    g_assert_nonnull (segment);
  }
  for (guint i = 0; i < G_N_ELEMENTS (inits); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (weir_index_add_inits_from_json (index, inits[i], &error));
    g_assert_nonnull (error);
  }
  g_assert_null (weir_index_get_init (index, 1, 0, -1));
}

static void
open_segments_are_read_as_they_grow (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (WeirIndexSegment) segment = open_segment (index, 4, 0);
  g_autoptr (GArray) parts = NULL;

  g_assert_null (weir_index_find (index, 6, 4));
  g_assert_null (weir_index_find (index, 7, 5));
  g_assert_null (weir_index_get_track_parts (index, 7, 4, VIDEO));
  add_part (index, 4, AUDIO, 24, 100, 5, 6, 7);
  parts = weir_index_get_track_parts (index, 7, 4, AUDIO);
  g_assert_cmpuint (parts->len, ==, 1);
  g_assert_cmpuint (g_array_index (parts, WeirIndexPart, 0).decode_time, ==, 5);
  g_assert_cmpuint (segment->size, ==, 124);
  /* two are open; the newer one may get its parts first */
  {
    g_autoptr (WeirIndexSegment) next = open_segment (index, 5, SECOND);
    g_autoptr (GArray) none = NULL;

    add_part (index, 5, VIDEO, 24, 100, 5, 6, 7);
    weir_index_close_segment (index, 4, SECOND, 2, 0);
    g_assert_true (segment->closed);
    g_assert_false (next->closed);
    add_part (index, 4, VIDEO, 24, 100, 5, 6, 7);
    none = weir_index_get_track_parts (index, 7, 4, VIDEO);
    g_assert_cmpuint (none->len, ==, 0); /* closed is closed */
  }
}

static void
objects_are_handed_out_open_or_by_name (void)
{
  g_autoptr (WeirIndex) index = index_new (2);
  g_autofree gchar *name = NULL;

  for (guint64 number = 0; number < 5; number++) {
    g_autoptr (WeirIndexSegment) segment = weir_index_segment_new (number, 7);

    segment->blob = weir_blob_new (open ("/dev/null", O_RDONLY | O_CLOEXEC));
    weir_index_open_segment (index, weir_index_segment_ref (segment));
    weir_index_close_segment (index, number, 2 * SECOND, 2, (gint64) number * 2 * G_USEC_PER_SEC);
    if (number != 1)
      weir_index_set_name (index, number, "x");
  }
  weir_index_release_blobs (index, 2);
  for (guint64 number = 0; number < 5; number++) {
    g_autoptr (WeirBlob) blob = NULL;

    g_clear_pointer (&name, g_free);
    blob = weir_index_open_blob (index, 7, number, &name);
    g_assert_cmpint (blob != NULL, ==, number == 1 || number >= 3);
    g_assert_cmpstr (name, ==, blob != NULL ? NULL : "x");
  }
  g_assert_null (weir_index_open_blob (index, 7, 99, &name));
}

/* closed at @closed_us, in memory */
static void
add_in_memory (WeirIndex *index, guint64 number, guint64 size, gint64 closed_us)
{
  WeirIndexSegment *segment = open_segment (index, number, (gint64) number * 2 * SECOND);

  add_part (index, number, VIDEO, 24, size - 24, number * 180000, 180000, 50);
  weir_index_move_to_memory (
      index, number, weir_blob_new (open ("/dev/null", O_RDONLY | O_CLOEXEC)));
  weir_index_close_segment (index, number, 2 * SECOND, 2, closed_us);
  weir_index_segment_unref (segment);
}

static void
what_closes_at_once_is_listed_until_it_could_be_seen (void)
{
  g_autoptr (WeirIndex) index = index_new (3);
  g_autofree gchar *burst = NULL, *later = NULL;

  for (guint64 number = 0; number < 5; number++)
    add_segment (index, number);
  /* a disk that was stuck for 20 s takes ten of them, or the whole machine stood still */
  for (guint64 number = 5; number < 15; number++) {
    WeirIndexSegment *segment = open_segment (index, number, (gint64) number * 2 * SECOND);

    add_part (index, number, VIDEO, 24, 1000, number * 180000, 180000, 50);
    weir_index_close_segment (index, number, 2 * SECOND, 2, 28 * G_USEC_PER_SEC);
    weir_index_segment_unref (segment);
  }
  burst = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  /* nor could those be seen for long that closed right before */
  g_assert_nonnull (strstr (burst, "#EXT-X-MEDIA-SEQUENCE:3\n"));
  for (guint64 number = 15; number < 20; number++)
    add_segment (index, number);
  later = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  g_assert_nonnull (strstr (later, "#EXT-X-MEDIA-SEQUENCE:17\n"));
}

static void
what_was_in_memory_becomes_a_gap (void)
{
  g_autoptr (WeirIndex) index = index_new (3);
  g_autofree gchar *text = NULL;
  g_autoptr (WeirBlob) gone = NULL;
  g_autoptr (WeirBlob) there = NULL;

  add_segment (index, 0);
  for (guint64 number = 1; number < 8; number++)
    add_in_memory (index, number, 1000 + number, (gint64) number * 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (weir_index_get_memory (index), ==, 7 * 1004);
  /* the last three are listed, one more is kept for those who are behind */
  g_assert_cmpuint (weir_index_forget_memory (index, 4, 0), ==, 1001 + 1002 + 1003);
  g_assert_cmpuint (weir_index_forget_memory (index, 4, 0), ==, 0);
  g_assert_cmpuint (weir_index_get_memory (index), ==, 1004 + 1005 + 1006 + 1007);
  gone = weir_index_open_blob (index, 7, 3, NULL);
  there = weir_index_open_blob (index, 7, 4, NULL);
  g_assert_null (gone);
  g_assert_nonnull (there);
  text = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  g_assert_null (strstr (text, "#EXT-X-GAP"));

  /* too much of it: the oldest go, listed or not */
  g_assert_cmpuint (weir_index_forget_memory (index, 4, 1005), ==, 1004 + 1005);
  g_free (text);
  text = take_text (get_media (index, WEIR_INDEX_WINDOW, VIDEO));
  g_assert_nonnull (strstr (text, "#EXT-X-MEDIA-SEQUENCE:5\n"));
  g_assert_nonnull (strstr (text, "#EXT-X-GAP"));
  g_assert_true (strstr (text, "#EXT-X-GAP") == g_strrstr (text, "#EXT-X-GAP"));
  g_free (text);
  text = take_text (get_muxed (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (text, "#EXT-X-GAP"));
}

static void
a_number_that_is_missing_is_a_discontinuity (void)
{
  g_autoptr (WeirIndex) live = index_new (0);
  g_autoptr (WeirIndex) recording = index_new (0);
  g_autofree gchar *text = NULL;

  for (guint64 number = 0; number < 6; number++)
    add_segment (live, number);
  for (guint64 number = 0; number < 6; number++) {
    g_autoptr (WeirIndexSegment) segment = weir_index_find (live, 7, number);
    g_autofree gchar *json = weir_index_segment_to_json (segment);

    if (number != 2 && number != 3)
      weir_index_add_closed_segment (recording, weir_index_segment_from_json (json, NULL));
  }
  weir_index_end (recording);
  text = take_text (get_media (recording, WEIR_INDEX_WHOLE, VIDEO));
  g_assert_nonnull (strstr (text, "7-1/track0.m4s\n#EXT-X-DISCONTINUITY\n"));
  g_assert_null (strstr (strstr (text, "#EXT-X-DISCONTINUITY\n") + 1, "#EXT-X-DISCONTINUITY\n"));
}

static guint
count (const gchar *text, const gchar *what)
{
  guint found = 0;

  while ((text = strstr (text, what)) != NULL) {
    text += strlen (what);
    found++;
  }
  return found;
}

static void
no_track_ends_with_a_gap (void)
{
  g_autoptr (WeirIndex) index = index_new (0);

  for (guint64 number = 0; number < 3; number++)
    add_segment (index, number);
  /* the sound has stopped, then everything */
  weir_index_segment_unref (open_segment (index, 3, 6 * SECOND));
  add_part (index, 3, VIDEO, 24, 100000, 540000, 180000, 50);
  weir_index_close_segment (index, 3, 2 * SECOND, 2, 6 * G_USEC_PER_SEC);
  weir_index_add_gap (index, 8 * SECOND, 2 * SECOND, DATE + 8000000);
  for (guint track = VIDEO; track <= AUDIO; track++) {
    g_autofree gchar *text = take_text (get_media (index, WEIR_INDEX_WINDOW, track));

    g_assert_cmpuint (count (text, "#EXT-X-GAP\n"), ==, track == VIDEO ? 1 : 2);
    g_assert_null (strstr (text, "#EXT-X-ENDLIST"));
  }

  weir_index_end (index);
  for (guint track = VIDEO; track <= AUDIO; track++) {
    g_autofree gchar *text = take_text (get_media (index, WEIR_INDEX_WINDOW, track));

    g_assert_null (strstr (text, "#EXT-X-GAP"));
    g_assert_true (g_str_has_suffix (text,
        track == VIDEO ? "7-3/track0.m4s\n#EXT-X-ENDLIST\n" : "7-2/track1.m4s\n#EXT-X-ENDLIST\n"));
  }
}

static void
count_change (G_GNUC_UNUSED WeirIndex *index, gpointer data)
{
  /* the reading side may be called in here */
  weir_index_is_playable (index);
  ++*(guint *) data;
}

static void
every_change_is_told_and_playlists_are_shared_between (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (GBytes) first = NULL, second = NULL, third = NULL;
  guint changes = 0;

  weir_index_set_changed (index, count_change, &changes);
  add_segment (index, 0);
  g_assert_cmpuint (changes, ==, 6);
  first = get_media (index, WEIR_INDEX_WINDOW, VIDEO);
  second = get_media (index, WEIR_INDEX_WINDOW, VIDEO);
  g_assert_true (first == second);
  add_segment (index, 1);
  third = get_media (index, WEIR_INDEX_WINDOW, VIDEO);
  g_assert_false (first == third);
  weir_index_end (index);
  g_assert_cmpuint (changes, ==, 13);
}

/* -------------------------------------------------------------- several tracks, and what changes
 */

/* adds a track to what weir_index_add_init() takes; @record NULL: none */
static void
add_track (GPtrArray *configs, GPtrArray *labels, WeirCodec codec, const gchar *record,
    const gchar *label, const gchar *language)
{
  g_ptr_array_add (configs, record != NULL ? test_config (codec, record) : NULL);
  g_ptr_array_add (labels, weir_track_label_new (label, language));
}

static void
free_label (gpointer label)
{
  weir_track_label_free (label);
}

static GPtrArray *
labels_new (void)
{
  return g_ptr_array_new_with_free_func (free_label);
}

/* A segment of two seconds; what it holds of each track as a letter: `k` begins with a keyframe,
 * `-` does not, ` ` nothing. All run at 90000. */
static void
add_mixed (
    WeirIndex *index, guint64 number, guint generation, gboolean discontinuity, const gchar *tracks)
{
  WeirIndexSegment *segment = weir_index_segment_new (number, 7);
  guint64 offset = 24;

  segment->init_generation = generation;
  segment->discontinuity = discontinuity;
  segment->independent = TRUE;
  segment->start_ns = (gint64) number * 2 * SECOND;
  segment->program_date_us = DATE + (gint64) number * 2 * G_USEC_PER_SEC;
  segment->styp_size = 24;
  weir_index_open_segment (index, segment);
  for (guint track = 0; tracks[track] != '\0'; track++) {
    guint64 second = tracks[track] == 'a' ? 48000 : 90000;
    WeirIndexPart part = {.offset = offset,
        .size = 10000 * (track + 1),
        .decode_time = number * 2 * second,
        .duration = second,
        .independent = tracks[track] != '-',
        .sample_count = 25};

    if (tracks[track] == ' ')
      continue;
    weir_index_add_part (index, number, track, &part);
    part.offset += part.size;
    part.decode_time += part.duration;
    part.independent = TRUE;
    weir_index_add_part (index, number, track, &part);
    offset = part.offset + part.size;
  }
  weir_index_close_segment (index, number, 2 * SECOND, 2, (gint64) number * 2 * G_USEC_PER_SEC);
}

/* segments of one video track, from @from to before @to */
static void
add_pictures (WeirIndex *index, guint64 from, guint64 to, guint generation)
{
  for (guint64 number = from; number < to; number++)
    add_mixed (index, number, generation, FALSE, "k");
}

/* generations 0 and 1 */
static void
add_both_inits (WeirIndex *index, GPtrArray *before, GPtrArray *after)
{
  weir_index_add_init (index, 7, 0, before, NULL);
  weir_index_add_init (index, 7, 1, after, NULL);
}

static void
labels_of_tracks_are_offered_and_survive_their_json (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6), again = weir_index_new ("b1", 6);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, NULL);
  g_autoptr (GPtrArray) labels = labels_new ();
  g_autofree gchar *text = NULL, *json = NULL, *json_again = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) init = NULL, init_again = NULL;

  g_ptr_array_add (labels, NULL);
  add_track (configs, labels, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, "Stage \"A\"", "deu");
  add_track (configs, labels, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_5_1_NO_SBR, NULL, "pt-br");
  weir_index_add_init (index, 7, 0, configs, labels);
  add_mixed (index, 0, 0, FALSE, "kaa");
  text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (text,
      "GROUP-ID=\"audio\",NAME=\"Stage 'A'\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,"
      "CHANNELS=\"2\",URI=\"/b1/manifest/track1.m3u8\"\n"));
  g_assert_nonnull (strstr (text,
      "GROUP-ID=\"audio\",NAME=\"Audio 2\",LANGUAGE=\"pt-BR\",DEFAULT=NO,AUTOSELECT=YES,"
      "CHANNELS=\"6\",URI=\"/b1/manifest/track2.m3u8\"\n"));
  json = weir_index_inits_to_json (index);
  g_assert_true (weir_index_add_inits_from_json (again, json, &error));
  g_assert_no_error (error);
  json_again = weir_index_inits_to_json (again);
  g_assert_cmpstr (json, ==, json_again);
  init = weir_index_get_init (index, 7, 0, 1);
  init_again = weir_index_get_init (again, 7, 0, 1);
  g_assert_true (g_bytes_equal (init, init_again));
  add_mixed (again, 0, 0, FALSE, "kaa");
  assert_text (weir_index_get_multivariant (again, WEIR_INDEX_WINDOW), text);
}

static void
inits_without_labels_are_read_as_before (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) init = NULL;
  g_autofree gchar *text = NULL;

  g_assert_true (weir_index_add_inits_from_json (index,
      "[{\"epoch\":7,\"generation\":0,\"tracks\":[null,{\"codec\":\"AAC\",\"record\":\"EZA=\"}]}]",
      &error));
  g_assert_no_error (error);
  init = weir_index_get_init (index, 7, 0, 1);
  g_assert_nonnull (init);
  add_mixed (index, 0, 0, FALSE, " a");
  text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (text, "CODECS=\"mp4a.40.2\"\n/b1/manifest/track1.m3u8\n"));
}

static void
video_tracks_are_variants_measured_each_on_its_own (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_HIGH_1080P2997_BT709, NULL);
  g_autoptr (GPtrArray) labels = labels_new ();

  g_ptr_array_add (labels, NULL);
  add_track (configs, labels, WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_10_180P25_PQ, NULL, NULL);
  add_track (configs, labels, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, NULL, NULL);
  add_track (configs, labels, WEIR_CODEC_AC3, RECORD_AC3_48000_STEREO_192K, NULL, "en");
  weir_index_add_init (index, 7, 0, configs, labels);
  add_mixed (index, 0, 0, FALSE, "kkaa");
  /* 20,000 bytes of the first track in two seconds, 40,000 of the second … */
  assert_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-aac\",NAME=\"Audio 1\",LANGUAGE=\"en\","
      "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track2.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-ac-3\",NAME=\"Audio 1\",LANGUAGE=\"en\","
      "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track3.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=320000,AVERAGE-BANDWIDTH=320000,"
      "CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=1920x1080,FRAME-RATE=29.970,"
      "VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-aac\"\n/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=400000,AVERAGE-BANDWIDTH=400000,"
      "CODECS=\"avc1.640028,ac-3\",RESOLUTION=1920x1080,FRAME-RATE=29.970,"
      "VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-ac-3\"\n/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=400000,AVERAGE-BANDWIDTH=400000,"
      "CODECS=\"hvc1.2.4.L60.90,mp4a.40.2\",RESOLUTION=320x180,FRAME-RATE=25.000,"
      "VIDEO-RANGE=PQ,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-aac\"\n/b1/manifest/track1.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=480000,AVERAGE-BANDWIDTH=480000,"
      "CODECS=\"hvc1.2.4.L60.90,ac-3\",RESOLUTION=320x180,FRAME-RATE=25.000,"
      "VIDEO-RANGE=PQ,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-ac-3\"\n/b1/manifest/track1.m3u8\n");
}

static void
what_is_independent_is_said_of_all_or_of_each_track (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 2);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, NULL);
  g_autoptr (GPtrArray) labels = labels_new ();
  const gchar *tag = "#EXT-X-INDEPENDENT-SEGMENTS\n";

  add_track (configs, labels, WEIR_CODEC_AVC, RECORD_BASELINE_720P30, NULL, NULL);
  add_track (configs, labels, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO, NULL, NULL);
  weir_index_add_init (index, 7, 0, configs, NULL);
  for (guint64 number = 0; number < 8; number++) {
    const gchar *expected[] = {"", "", ""};
    g_autofree gchar *multivariant = NULL;

    /* the second video track has no keyframe at the second cut, and is back in step later */
    add_mixed (index, number, 0, FALSE, number == 1 ? "k-a" : number == 2 ? "k a" : "kka");
    multivariant = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
    g_assert_cmpuint (count (multivariant, tag), ==, number == 0);
    if (number > 0)
      for (guint track = 0; track < 3; track++)
        expected[track] = tag;
    /* three are listed: as many as three target durations */
    if (number >= 1 && number <= 3)
      expected[1] = "";
    for (guint track = 0; track < 3; track++) {
      g_autofree gchar *media = take_text (get_media (index, WEIR_INDEX_WINDOW, track));

      g_assert_cmpuint (count (media, tag), ==, *expected[track] != '\0');
    }
  }
}

static void
a_codec_that_changes_is_followed_when_the_old_one_is_gone (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 2);
  g_autoptr (GPtrArray) before = configs_new (RECORD_HIGH_1080P2997_BT709, NULL);
  g_autoptr (GPtrArray) after = g_ptr_array_new_with_free_func (free_config);
  g_autofree gchar *media = NULL;

  g_ptr_array_add (after, test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_180P25));
  weir_index_set_recorded (index);
  add_both_inits (index, before, after);
  add_pictures (index, 0, 3, 0);
  add_mixed (index, 3, 1, TRUE, "k");
  /* who cannot play the one cannot play what is listed */
  assert_multivariant_has (index, "CODECS=\"hvc1.1.6.L60.90,avc1.640028\",RESOLUTION=320x180,"
                                  "FRAME-RATE=25.000,");
  media = take_text (get_media (index, WEIR_INDEX_WINDOW, 0));
  g_assert_cmpuint (count (media, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  g_assert_nonnull (strstr (media, "#EXT-X-DISCONTINUITY\n"
                                   "#EXT-X-MAP:URI=\"/b1/inits/7-1/track0.mp4\"\n"));
  add_pictures (index, 4, 7, 1);
  assert_multivariant_has (index, "CODECS=\"hvc1.1.6.L60.90\"");
  /* of a recording all is listed */
  weir_index_end (index);
  assert_view_has (index, WEIR_INDEX_WHOLE, "CODECS=\"hvc1.1.6.L60.90,avc1.640028\"");
}

static void
a_bit_rate_that_falls_with_the_resolution_is_no_longer_asked_for (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 2);
  g_autoptr (GPtrArray) before = configs_new (RECORD_HIGH_1080P2997_BT709, NULL);
  g_autoptr (GPtrArray) after = configs_new (RECORD_MAIN_480P25, NULL);

  weir_index_set_recorded (index);
  add_both_inits (index, before, after);
  for (guint64 number = 0; number < 3; number++) {
    G_GNUC_UNUSED g_autoptr (WeirIndexSegment) segment =
        open_segment (index, number, (gint64) number * 2 * SECOND);

    add_part (index, number, 0, 24, 1000000, number * 180000, 180000, 60);
    weir_index_close_segment (index, number, 2 * SECOND, 2, (gint64) number * 2 * G_USEC_PER_SEC);
  }
  add_mixed (index, 3, 1, TRUE, "k");
  assert_multivariant_has (index, "BANDWIDTH=4000000,AVERAGE-BANDWIDTH=3020000,");
  add_pictures (index, 4, 7, 1);
  assert_multivariant_has (index, "BANDWIDTH=80000,AVERAGE-BANDWIDTH=80000,");
  weir_index_end (index);
  assert_view_has (index, WEIR_INDEX_WHOLE, "BANDWIDTH=4000000,");
}

static void
a_track_that_comes_late_has_gaps_before_it (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  g_autoptr (GPtrArray) before = configs_new (RECORD_MAIN_480P25, NULL);
  g_autoptr (GPtrArray) after = configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);
  g_autofree gchar *text = NULL, *media = NULL;

  weir_index_add_init (index, 7, 0, before, NULL);
  add_mixed (index, 0, 0, FALSE, "k");
  add_mixed (index, 1, 0, FALSE, "k");
  g_assert_null (get_media (index, WEIR_INDEX_WINDOW, AUDIO));
  weir_index_add_init (index, 7, 1, after, NULL);
  text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_null (strstr (text, "AUDIO"));
  add_mixed (index, 2, 1, TRUE, "ka");
  g_free (text);
  text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (text, "URI=\"/b1/manifest/track1.m3u8\"\n"));
  /* 40,000 bytes in the two seconds in which it was there */
  g_assert_nonnull (strstr (text, "BANDWIDTH=240000,AVERAGE-BANDWIDTH=240000,"));
  media = take_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO));
  g_assert_nonnull (strstr (media, "#EXT-X-VERSION:8\n"));
  g_assert_nonnull (strstr (media, "#EXT-X-MEDIA-SEQUENCE:0\n"));
  g_assert_cmpuint (count (media, "#EXT-X-GAP\n#EXTINF:2.000000,\n"), ==, 2);
  g_assert_cmpuint (count (media, "#EXT-X-GAP\n"), ==, 2);
  g_assert_true (g_str_has_suffix (media,
      "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"/b1/inits/7-1/track1.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:24.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-2/track1.m4s\n"));
}

static void
no_track_has_segments_that_are_longer_than_the_target (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  G_GNUC_UNUSED g_autoptr (WeirIndexSegment) segment = open_segment (index, 0, 2 * SECOND);
  g_autofree gchar *audio = NULL;

  add_part (index, 0, VIDEO, 24, 1000, 180000, 180000, 50);
  /* it has changed, and waited for the picture */
  add_part (index, 0, AUDIO, 1024, 1000, 48000, 3 * 48000, 141);
  weir_index_close_segment (index, 0, 2 * SECOND, 2, 0);
  audio = take_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO));
  g_assert_nonnull (strstr (audio, "#EXTINF:2.000000,\n"));
}

static void
a_track_that_vanishes_goes_on_with_gaps_and_is_offered_no_more (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 2);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);
  g_autoptr (GPtrArray) without = configs_new (RECORD_MAIN_480P25, NULL);

  add_both_inits (index, configs, without);
  for (guint64 number = 0; number < 12; number++) {
    g_autofree gchar *text = NULL, *media = NULL, *last = NULL;

    /* first nothing of it comes, then the encoder has no such track */
    add_mixed (index, number, number < 8 ? 0 : 1, number == 8, number < 3 ? "ka" : "k");
    text = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
    /* three are listed */
    g_assert_cmpuint (count (text, "TYPE=AUDIO"), ==, number < 5);
    media = take_text (get_media (index, WEIR_INDEX_WINDOW, AUDIO));
    last = g_strdup_printf (
        "#EXTINF:2.000000,\n/b1/segments/7-%" G_GUINT64_FORMAT "/track1.m4s\n", number);
    if (number >= 3) {
      g_assert_true (g_str_has_suffix (media, last));
      g_assert_cmpuint (count (media, "#EXT-X-GAP\n"), ==, MIN (number - 2, 3));
    }
    g_assert_cmpuint (count (media, "#EXTINF"), ==, MIN (number + 1, 3));
    g_assert_cmpuint (
        count (media, "#EXT-X-DISCONTINUITY\n"), ==, number >= 8 && number < 11 ? 1 : 0);
  }
}

/* ------------------------------------------------------------------------- the whole's playlists
 */

static const gchar *
get_data (GPtrArray *pieces, guint place)
{
  g_assert_cmpuint (place, <, pieces->len);
  return g_bytes_get_data (pieces->pdata[place], NULL);
}

static void
what_is_written_of_the_whole_is_shared_and_only_added_to (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (GPtrArray) first = NULL, again = NULL, grown = NULL;
  g_autofree gchar *before = NULL, *after = NULL, *fresh = NULL;
  guint64 number = 0;

  while (number < 300)
    add_segment (index, number++);
  first = weir_index_get_media (index, WEIR_INDEX_WHOLE, VIDEO);
  before = take_text (join (g_ptr_array_ref (first)));
  again = weir_index_get_media (index, WEIR_INDEX_WHOLE, VIDEO);
  add_segment (index, number++);
  grown = weir_index_get_media (index, WEIR_INDEX_WHOLE, VIDEO);
  g_assert_cmpuint (again->len, ==, first->len);
  g_assert_cmpuint (first->len, >, 2);
  for (guint i = 1; i < first->len; i++) {
    g_assert_true (get_data (first, i) == get_data (again, i));
    g_assert_true (get_data (first, i) == get_data (grown, i));
  }
  /* who has been given it before has what it was */
  fresh = take_text (join (g_ptr_array_ref (first)));
  g_assert_cmpstr (fresh, ==, before);
  after = take_text (join (g_ptr_array_ref (grown)));
  g_assert_true (g_str_has_prefix (after, before));
  g_assert_cmpuint (count (after, "#EXTINF"), ==, 301);
}

static void
a_text_of_the_whole_goes_when_nobody_asks_for_it (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  g_autoptr (GPtrArray) first = NULL, kept = NULL, anew = NULL;
  g_autofree gchar *before = NULL, *after = NULL;
  guint64 number = 0;

  while (number < 10)
    add_segment (index, number++);
  first = weir_index_get_media (index, WEIR_INDEX_WHOLE, AUDIO);
  while (number < 40)
    add_segment (index, number++);
  kept = weir_index_get_media (index, WEIR_INDEX_WHOLE, AUDIO);
  g_assert_true (get_data (first, 1) == get_data (kept, 1));
  before = take_text (join (g_ptr_array_ref (kept)));
  while (number < 71)
    add_segment (index, number++);
  anew = weir_index_get_media (index, WEIR_INDEX_WHOLE, AUDIO);
  g_assert_true (get_data (kept, 1) != get_data (anew, 1));
  after = take_text (join (g_ptr_array_ref (anew)));
  g_assert_true (g_str_has_prefix (after, before));
}

static void
gaps_at_the_end_of_the_whole_go_with_the_end (void)
{
  g_autoptr (WeirIndex) index = index_new (0);
  g_autofree gchar *growing = NULL, *ended = NULL;

  add_segment (index, 0);
  weir_index_segment_unref (open_segment (index, 1, 2 * SECOND));
  add_part (index, 1, VIDEO, 24, 100000, 180000, 180000, 50);
  weir_index_close_segment (index, 1, 2 * SECOND, 2, 2 * G_USEC_PER_SEC);
  growing = take_text (get_media (index, WEIR_INDEX_WHOLE, AUDIO));
  g_assert_cmpuint (count (growing, "#EXT-X-GAP\n"), ==, 1);
  g_assert_nonnull (strstr (growing, "#EXT-X-VERSION:8\n"));
  weir_index_end (index);
  ended = take_text (get_media (index, WEIR_INDEX_WHOLE, AUDIO));
  g_assert_null (strstr (ended, "#EXT-X-GAP"));
  g_assert_nonnull (strstr (ended, "#EXT-X-VERSION:7\n"));
  g_assert_true (g_str_has_suffix (ended, "7-0/track1.m4s\n#EXT-X-ENDLIST\n"));
}

static void
inits_that_come_late_are_in_what_was_written_already (void)
{
  g_autoptr (WeirIndex) index = weir_index_new ("b1", 6);
  g_autoptr (GPtrArray) configs = configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);
  g_autofree gchar *before = NULL, *after = NULL;

  weir_index_set_recorded (index);
  add_segment (index, 0);
  before = take_text (get_muxed (index, WEIR_INDEX_WHOLE));
  g_assert_cmpuint (count (before, "#EXT-X-GAP\n"), ==, 1);
  g_assert_null (weir_index_get_multivariant (index, WEIR_INDEX_WHOLE));
  weir_index_add_init (index, 7, 0, configs, NULL);
  after = take_text (get_muxed (index, WEIR_INDEX_WHOLE));
  g_assert_cmpuint (count (after, "#EXT-X-MAP:"), ==, 1);
  g_assert_null (strstr (after, "#EXT-X-GAP"));
  assert_view_has (index, WEIR_INDEX_WHOLE, "CODECS=\"avc1.4d401e,mp4a.40.2\"");
}

static void
what_is_not_independent_is_said_from_then_on (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  WeirIndexPart part = {.offset = 24, .size = 1000, .duration = 180000, .sample_count = 50};
  g_autofree gchar *video = NULL, *audio = NULL;

  add_segment (index, 0);
  g_free (take_text (get_media (index, WEIR_INDEX_WHOLE, VIDEO)));
  g_free (take_text (get_media (index, WEIR_INDEX_WHOLE, AUDIO)));
  weir_index_segment_unref (open_segment (index, 1, 2 * SECOND));
  weir_index_add_part (index, 1, VIDEO, &part);
  weir_index_close_segment (index, 1, 2 * SECOND, 2, 2 * G_USEC_PER_SEC);
  video = take_text (get_media (index, WEIR_INDEX_WHOLE, VIDEO));
  audio = take_text (get_media (index, WEIR_INDEX_WHOLE, AUDIO));
  g_assert_null (strstr (video, "#EXT-X-INDEPENDENT-SEGMENTS"));
  g_assert_nonnull (strstr (audio, "#EXT-X-INDEPENDENT-SEGMENTS"));
}

typedef struct {
  WeirIndex *index;
  guint64 count;
} Filler;

static gpointer
fill (gpointer data)
{
  Filler *filler = data;

  for (guint64 number = 1; number < filler->count; number++)
    add_segment (filler->index, number);
  weir_index_end (filler->index);
  return NULL;
}

/* two ask while a third one fills: each text is a beginning of the last one */
static gpointer
ask_until_the_end (gpointer data)
{
  Filler *filler = data;
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  gboolean ended = FALSE;
  const gchar *last;

  while (!ended) {
    ended = weir_index_has_ended (filler->index);
    g_ptr_array_add (texts, take_text (get_media (filler->index, WEIR_INDEX_WHOLE, VIDEO)));
    if (texts->len > 200)
      g_ptr_array_remove_index (texts, (guint) g_random_int_range (0, 200));
  }
  last = g_ptr_array_index (texts, texts->len - 1);
  g_assert_cmpuint (count (last, "#EXTINF"), ==, filler->count);
  for (guint i = 0; i + 1 < texts->len; i++) {
    const gchar *text = g_ptr_array_index (texts, i);

    if (strstr (text, "#EXT-X-ENDLIST") == NULL)
      g_assert_true (g_str_has_prefix (strstr (last, "#EXT-X-MAP"), strstr (text, "#EXT-X-MAP")));
  }
  return NULL;
}

static void
viewers_and_the_writer_do_not_disturb_each_other (void)
{
  g_autoptr (WeirIndex) index = index_new (6);
  Filler filler = {index, 2000};
  GThread *threads[3];

  add_segment (index, 0);
  threads[0] = g_thread_new ("fill", fill, &filler);
  threads[1] = g_thread_new ("ask", ask_until_the_end, &filler);
  threads[2] = g_thread_new ("ask", ask_until_the_end, &filler);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* ------------------------------------------------------------------------ a player's view of it */

typedef struct {
  guint64 media_sequence;
  guint64 target;
  GHashTable *uris;            /* of every URI ever listed: its media sequence number */
  GHashTable *discontinuities; /* likewise: its discontinuity sequence number */
  GHashTable *dates;
} Player;

static guint64
tag_number (const gchar *text, const gchar *tag)
{
  const gchar *place = strstr (text, tag);

  g_assert_nonnull (place);
  g_assert_null (strstr (place + 1, tag));
  return g_ascii_strtoull (place + strlen (tag), NULL, 10);
}

static void
remember (GHashTable *table, const gchar *uri, const gchar *value)
{
  const gchar *known = g_hash_table_lookup (table, uri);

  if (known != NULL)
    g_assert_cmpstr (known, ==, value);
  else
    g_hash_table_insert (table, g_strdup (uri), g_strdup (value));
}

static void
player_load (Player *player, const gchar *text, guint window, gboolean everything)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GHashTable) listed = g_hash_table_new (g_str_hash, g_str_equal);
  guint64 sequence = tag_number (text, "#EXT-X-MEDIA-SEQUENCE:");
  guint64 discontinuity = tag_number (text, "#EXT-X-DISCONTINUITY-SEQUENCE:");
  guint64 target = tag_number (text, "#EXT-X-TARGETDURATION:");
  const gchar *date = NULL;
  g_autofree gchar *last_date = g_strdup ("");
  gdouble seconds = 0, listed_seconds = 0, without_first = 0;
  guint count = 0, gaps = 0;

  if (!everything)
    g_assert_cmpuint (sequence, >=, player->media_sequence);
  player->media_sequence = sequence;
  if (player->target != 0)
    g_assert_cmpuint (target, ==, player->target);
  player->target = target;

  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_strcmp0 (lines[i], "#EXT-X-DISCONTINUITY") == 0) {
      discontinuity++;
    } else if (g_str_has_prefix (lines[i], "#EXT-X-PROGRAM-DATE-TIME:")) {
      date = lines[i] + strlen ("#EXT-X-PROGRAM-DATE-TIME:");
      g_assert_cmpstr (date, >, last_date);
      g_free (last_date);
      last_date = g_strdup (date);
    } else if (g_str_equal (lines[i], "#EXT-X-GAP")) {
      gaps++;
    } else if (g_str_has_prefix (lines[i], "#EXTINF:")) {
      seconds = g_ascii_strtod (lines[i] + 8, NULL);
      g_assert_cmpfloat (seconds, >, 0);
    } else if (lines[i][0] == '/') {
      g_autofree gchar *number = g_strdup_printf ("%" G_GUINT64_FORMAT, sequence + count);
      g_autofree gchar *run = g_strdup_printf ("%" G_GUINT64_FORMAT, discontinuity);

      g_assert_nonnull (date);
      g_assert_true (g_hash_table_add (listed, lines[i]));
      remember (player->uris, lines[i], number);
      remember (player->discontinuities, lines[i], run);
      remember (player->dates, lines[i], date);
      date = NULL;
      listed_seconds += seconds;
      if (count > 0)
        without_first += seconds;
      count++;
    }
  }
  g_assert_cmpuint (count, >, 0);
  /* no more than it must; the last media are never let go of */
  if (!everything && sequence > 0 && count > window && count - gaps > 2)
    g_assert_cmpfloat (without_first, <, 3.0 * (gdouble) target + 0.2 * count);
  /* the gaps at its end are gone when it has ended */
  if (!everything && sequence > 0 && strstr (text, "#EXT-X-ENDLIST") == NULL) {
    g_assert_cmpuint (count, >=, window);
    g_assert_cmpfloat (listed_seconds, >=, 3.0 * (gdouble) target - 0.2 * count);
  }
}

static void
a_player_never_sees_the_playlist_contradict_itself (void)
{
  for (guint round = 0; round < 50; round++) {
    const guint window = (guint) g_test_rand_int_range (1, 8);
    const guint target = (guint) g_test_rand_int_range (2, 5);
    g_autoptr (WeirIndex) index = index_new (window);
    Player players[2] = {0};
    guint64 number = 0, epoch = 7;
    guint generation = 0, total = 0;
    gint64 time = 0;
    gboolean trimmed = FALSE;

    for (guint i = 0; i < 2; i++) {
      players[i].uris = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      players[i].discontinuities = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      players[i].dates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    }
    for (guint step = 0; step < 60; step++) {
      WeirIndexSegment *segment;
      gint64 duration =
          g_test_rand_int_range (1, 20) == 1
              ? SECOND / 25
              : g_test_rand_int_range (1000, (gint) target * 1000) * G_GINT64_CONSTANT (1000000);
      gboolean discontinuity = total > 0 && g_test_rand_int_range (0, 6) == 0;

      if (discontinuity) {
        time += g_test_rand_int_range (0, 60) * SECOND;
        if (g_test_rand_bit ()) {
          g_autoptr (GPtrArray) configs =
              configs_new (g_test_rand_bit () ? RECORD_MAIN_480P25 : RECORD_HIGH_1080I25,
                  RECORD_AAC_LC_48000_STEREO);

          generation++;
          if (g_test_rand_bit ()) {
            epoch++;
            generation = 0;
          }
          weir_index_add_init (index, epoch, generation, configs, NULL);
        }
        number += (guint64) g_test_rand_int_range (0, 3); /* lost in a crash */
      }
      segment = weir_index_segment_new (number, epoch);
      segment->init_generation = generation;
      segment->discontinuity = discontinuity;
      segment->start_ns = time;
      segment->program_date_us = DATE + time / 1000;
      weir_index_open_segment (index, segment);
      add_part (index, number, VIDEO, 24, 1000, (guint64) time * 9 / 100000,
          (guint64) duration * 9 / 100000, 50);
      if (g_test_rand_int_range (0, 10) != 0)
        add_part (index, number, AUDIO, 1024, 1000, (guint64) time / 1000 * 48 / 1000 + 500,
            MAX (1024, (guint64) duration / 1000 * 48 / 1000), 90);
      weir_index_close_segment (index, number, duration, target, (time + duration) / 1000);
      number++;
      total++;
      time += duration;
      if (g_test_rand_int_range (0, 4) == 0) {
        g_autoptr (GPtrArray) forgotten = weir_index_trim (index, window + 2);
        trimmed |= forgotten->len > 0;
      }
      for (guint i = 0; i < 2; i++) {
        g_autofree gchar *text = take_text (get_media (index, WEIR_INDEX_WINDOW, i));

        player_load (&players[i], text, window, FALSE);
        g_assert_null (strstr (text, "ENDLIST"));
        g_assert_cmpuint (g_hash_table_size (players[i].uris), ==, total);
      }
      g_assert_cmpuint (players[0].media_sequence, ==, players[1].media_sequence);
    }
    weir_index_end (index);
    for (guint i = 0; i < 2; i++) {
      g_autofree gchar *text = take_text (get_media (index, WEIR_INDEX_WINDOW, i));
      guint count = 0;

      player_load (&players[i], text, window, TRUE);
      for (const gchar *place = text; (place = strstr (place, "#EXTINF")) != NULL; place++)
        count++;
      if (!trimmed)
        g_assert_cmpuint (count, ==, total);
      g_hash_table_unref (players[i].uris);
      g_hash_table_unref (players[i].discontinuities);
      g_hash_table_unref (players[i].dates);
    }
  }
}

/* --------------------------------------------------------------- views: gaps, ends, and reloads */

static GBytes *
get_view (WeirIndex *index, WeirIndexView view)
{
  return get_media (index, view, VIDEO);
}

static void
gaps_count_in_the_window_and_are_none_of_the_whole (void)
{
  g_autoptr (WeirIndex) index = index_new (3);
  g_autofree gchar *window = NULL, *whole = NULL, *offered = NULL;

  weir_index_add_gap (index, 0, 2 * SECOND, DATE); /* before there is anything */
  g_assert_null (get_view (index, WEIR_INDEX_WINDOW));
  add_segment (index, 0);
  weir_index_add_gap (index, 2 * SECOND, 2 * SECOND, DATE + 2000000);
  add_segment (index, 2);
  assert_text (get_view (index, WEIR_INDEX_WINDOW),
      "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-MAP:URI=\"/b1/inits/7-0/track0.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-0/track0.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000Z\n#EXT-X-GAP\n#EXTINF:2.000000,\n"
      "/b1/segments/gap-1/track0.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:24.000Z\n#EXTINF:2.000000,\n"
      "/b1/segments/7-2/track0.m4s\n");
  add_segment (index, 3);
  for (guint i = 0; i < 4; i++)
    weir_index_add_gap (
        index, (8 + 2 * i) * SECOND, 2 * SECOND, DATE + (8 + 2 * (gint64) i) * G_USEC_PER_SEC);
  window = take_text (get_view (index, WEIR_INDEX_WINDOW));
  whole = take_text (get_view (index, WEIR_INDEX_WHOLE));
  /* three were enough, but for the last media */
  g_assert_nonnull (strstr (window, "#EXT-X-MEDIA-SEQUENCE:2\n"));
  g_assert_cmpuint (count (window, "#EXT-X-GAP\n"), ==, 4);
  g_assert_cmpuint (count (whole, "#EXT-X-GAP\n"), ==, 0);
  g_assert_cmpuint (count (whole, "#EXTINF"), ==, 3);
  /* who comes now still learns what there is */
  offered = take_text (weir_index_get_multivariant (index, WEIR_INDEX_WINDOW));
  g_assert_nonnull (strstr (offered, "CODECS=\"avc1.4d401e,mp4a.40.2\""));
}

static void
entries_of_earlier_versions_have_one_number (void)
{
  g_autoptr (WeirIndex) index = index_new (3);

  for (guint number = 4; number < 6; number++) {
    g_autofree gchar *json = g_strdup_printf (
        "{\"number\":%u,\"epoch\":7,\"generation\":0,\"sequence\":%u,\"discontinuities\":0,"
        "\"target\":2,\"start\":0,\"duration\":2000000000,\"date\":0,\"styp\":24,\"size\":24,"
        "\"tracks\":[[[24,2,3,4,1,6]]]}",
        number, number);
    g_autoptr (GError) error = NULL;
    WeirIndexSegment *segment = weir_index_segment_from_json (json, &error);

    g_assert_no_error (error);
    weir_index_add_closed_segment (index, segment);
  }
  for (guint view = WEIR_INDEX_WINDOW; view <= WEIR_INDEX_WHOLE; view++) {
    g_autofree gchar *text = take_text (get_view (index, view));

    g_assert_nonnull (strstr (text,
        view == WEIR_INDEX_WINDOW ? "#EXT-X-MEDIA-SEQUENCE:4\n" : "#EXT-X-MEDIA-SEQUENCE:0\n"));
  }
}

static Player
player_new (void)
{
  return (Player){
      .uris = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
      .discontinuities = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
      .dates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
}

static void
player_clear (Player *player)
{
  g_hash_table_unref (player->uris);
  g_hash_table_unref (player->discontinuities);
  g_hash_table_unref (player->dates);
}

/* what a store would give to the next process */
static WeirIndex *
reload (WeirIndex *index, GPtrArray *entries, guint window, guint gaps)
{
  WeirIndex *again = weir_index_new ("b1", window);
  g_autofree gchar *inits = weir_index_inits_to_json (index);

  weir_index_set_recorded (again);
  g_assert_true (weir_index_add_inits_from_json (again, inits, NULL));
  for (guint i = 0; i < entries->len; i++)
    weir_index_add_closed_segment (again, weir_index_segment_from_json (entries->pdata[i], NULL));
  weir_index_restore_gaps (again, gaps);
  return again;
}

static void
look_at_all (WeirIndex *index, Player *players, guint window)
{
  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *text =
        take_text (get_media (index, i < 2 ? WEIR_INDEX_WINDOW : WEIR_INDEX_WHOLE, i % 2));

    player_load (&players[i], text, window, i >= 2);
    if (i >= 2) {
      g_assert_cmpuint (players[i].media_sequence, ==, 0);
      g_assert_null (strstr (text, "gap-"));
    }
  }
  g_assert_cmpuint (players[0].media_sequence, ==, players[1].media_sequence);
}

static void
no_url_contradicts_itself_over_gaps_and_restarts (void)
{
  for (guint round = 0; round < 50; round++) {
    const guint window = (guint) g_test_rand_int_range (1, 8);
    WeirIndex *index = weir_index_new ("b1", window);
    g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (g_free);
    Player players[4] = {player_new (), player_new (), player_new (), player_new ()};
    guint64 number = 0, epoch = 7;
    guint gaps = 0;
    gint64 time = 0;

    weir_index_set_recorded (index);
    for (guint step = 0; step < 60; step++) {
      const guint what = number == 0 ? 0 : (guint) g_test_rand_int_range (0, 10);
      const gint64 duration = what < 6 ? g_test_rand_int_range (500, 2400) * SECOND / 1000 : 0;

      if (what < 6) {
        g_autoptr (GPtrArray) configs =
            configs_new (RECORD_MAIN_480P25, RECORD_AAC_LC_48000_STEREO);
        WeirIndexSegment *segment = weir_index_segment_new (number, epoch);
        g_autoptr (WeirIndexSegment) closed = weir_index_segment_ref (segment);

        weir_index_add_init (index, epoch, 0, configs, NULL);
        segment->discontinuity = number > 0 && (gaps > 0 || g_test_rand_int_range (0, 8) == 0);
        segment->start_ns = time;
        segment->program_date_us = DATE + time / 1000;
        weir_index_open_segment (index, segment);
        add_part (index, number, VIDEO, 24, 1000, (guint64) time * 9 / 100000,
            (guint64) duration * 9 / 100000, 50);
        add_part (index, number, AUDIO, 1024, 1000, (guint64) time / 1000 * 48 / 1000,
            (guint64) duration / 1000 * 48 / 1000, 90);
        weir_index_close_segment (index, number, duration, 3, (time + duration) / 1000);
        g_ptr_array_add (entries, weir_index_segment_to_json (closed));
        number++;
        gaps = 0;
        time += duration;
      } else if (what < 9) {
        weir_index_add_gap (index, time, 3 * SECOND, DATE + time / 1000);
        gaps++;
        time += 3 * SECOND;
      } else {
        WeirIndex *again = reload (index, entries, window, gaps);

        weir_index_unref (index);
        index = again;
        epoch++;
      }
      look_at_all (index, players, window);
    }
    weir_index_end (index);
    look_at_all (index, players, window);
    {
      g_autoptr (WeirIndex) again = reload (index, entries, window, gaps);

      weir_index_end (again);
      for (guint view = WEIR_INDEX_WINDOW; view <= WEIR_INDEX_WHOLE; view++) {
        g_autofree gchar *before = take_text (get_view (index, view));

        g_assert_true (g_str_has_suffix (before, "#EXT-X-ENDLIST\n"));
        assert_text (get_view (again, view), before);
      }
    }
    weir_index_unref (index);
    for (guint i = 0; i < 4; i++)
      player_clear (&players[i]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/playback/index/" #name, name)
  ADD (nothing_is_listed_before_the_first_segment_closes);
  ADD (playlists_of_a_live_broadcast);
  ADD (an_ended_broadcast_has_its_window_and_the_whole);
  ADD (what_is_not_recorded_has_no_whole);
  ADD (a_new_configuration_brings_a_new_map);
  ADD (dates_of_other_tracks_are_of_their_first_sample);
  ADD (audio_alone_is_a_variant);
  ADD (the_multivariant_offers_only_what_came);
  ADD (the_peak_is_not_that_of_a_splinter);
  ADD (the_frame_rate_is_measured_when_the_headers_do_not_say);
  ADD (entries_survive_their_json);
  ADD (damaged_entries_are_refused);
  ADD (open_segments_are_read_as_they_grow);
  ADD (objects_are_handed_out_open_or_by_name);
  ADD (what_closes_at_once_is_listed_until_it_could_be_seen);
  ADD (what_was_in_memory_becomes_a_gap);
  ADD (a_number_that_is_missing_is_a_discontinuity);
  ADD (no_track_ends_with_a_gap);
  ADD (every_change_is_told_and_playlists_are_shared_between);
  ADD (labels_of_tracks_are_offered_and_survive_their_json);
  ADD (inits_without_labels_are_read_as_before);
  ADD (video_tracks_are_variants_measured_each_on_its_own);
  ADD (what_is_independent_is_said_of_all_or_of_each_track);
  ADD (a_codec_that_changes_is_followed_when_the_old_one_is_gone);
  ADD (a_bit_rate_that_falls_with_the_resolution_is_no_longer_asked_for);
  ADD (a_track_that_comes_late_has_gaps_before_it);
  ADD (no_track_has_segments_that_are_longer_than_the_target);
  ADD (a_track_that_vanishes_goes_on_with_gaps_and_is_offered_no_more);
  ADD (what_is_written_of_the_whole_is_shared_and_only_added_to);
  ADD (a_text_of_the_whole_goes_when_nobody_asks_for_it);
  ADD (gaps_at_the_end_of_the_whole_go_with_the_end);
  ADD (inits_that_come_late_are_in_what_was_written_already);
  ADD (what_is_not_independent_is_said_from_then_on);
  ADD (viewers_and_the_writer_do_not_disturb_each_other);
  ADD (a_player_never_sees_the_playlist_contradict_itself);
  ADD (gaps_count_in_the_window_and_are_none_of_the_whole);
  ADD (entries_of_earlier_versions_have_one_number);
  ADD (no_url_contradicts_itself_over_gaps_and_restarts);
  return g_test_run ();
}
