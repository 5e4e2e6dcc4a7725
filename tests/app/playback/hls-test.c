/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls.h"

#include <string.h>

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
          .codec = WEIR_CODEC_AVC,
          .codecs = "avc1.640028",
          .peak_rate = 3000,
          .average_rate = 2000,
          .width = 1920,
          .height = 1080,
          .frame_rate = 30000.0 / 1001},
      {.track = 1,
          .codec = WEIR_CODEC_AAC,
          .codecs = "mp4a.40.29",
          .peak_rate = 100,
          .average_rate = 90,
          .channels = 2},
      {.track = 2,
          .codec = WEIR_CODEC_AVC,
          .codecs = "avc1.4d401e",
          .peak_rate = 1000,
          .average_rate = 800,
          .width = 640,
          .height = 360},
      {.track = 3,
          .codec = WEIR_CODEC_AAC,
          .codecs = "mp4a.40.2,mp4a.40.29",
          .peak_rate = 300,
          .average_rate = 80,
          .channels = 6},
  };

  /* the bit rates of the most demanding combination; a name inside another name is another; of two
   * that no language tells apart a player chooses one by itself */
  assert_text (weir_hls_write_multivariant (tracks, G_N_ELEMENTS (tracks), FALSE, "b1", ""),
      "#EXTM3U\n#EXT-X-VERSION:7\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 1\",DEFAULT=YES,AUTOSELECT=YES,"
      "CHANNELS=\"2\",URI=\"/b1/manifest/track1.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio 2\",DEFAULT=NO,AUTOSELECT=NO,"
      "CHANNELS=\"6\",URI=\"/b1/manifest/track3.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3300,AVERAGE-BANDWIDTH=2090,"
      "CODECS=\"avc1.640028,mp4a.40.29,mp4a.40.2\",RESOLUTION=1920x1080,FRAME-RATE=29.970,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\n/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1300,AVERAGE-BANDWIDTH=890,"
      "CODECS=\"avc1.4d401e,mp4a.40.29,mp4a.40.2\",RESOLUTION=640x360,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\n/b1/manifest/track2.m3u8\n");
}

static void
each_audio_codec_has_a_group_that_every_video_goes_with (void)
{
  static const WeirHlsTrack tracks[] = {
      {.track = 0,
          .codec = WEIR_CODEC_HEVC,
          .codecs = "hvc1.2.4.L123.b0",
          .peak_rate = 3000,
          .average_rate = 2000,
          .width = 1920,
          .height = 1080,
          .transfer = 16},
      {.track = 1,
          .codec = WEIR_CODEC_AC3,
          .codecs = "ac-3",
          .peak_rate = 400,
          .average_rate = 400,
          .channels = 6,
          .language = "en"},
      {.track = 2,
          .codec = WEIR_CODEC_AAC,
          .codecs = "mp4a.40.2",
          .peak_rate = 100,
          .average_rate = 90,
          .channels = 2,
          .language = "en"},
      {.track = 3,
          .codec = WEIR_CODEC_AVC,
          .codecs = "avc1.4d401e",
          .peak_rate = 1000,
          .average_rate = 800,
          .width = 640,
          .height = 360,
          .transfer = 1},
      {.track = 4,
          .codec = WEIR_CODEC_AAC,
          .codecs = "mp4a.40.2",
          .peak_rate = 120,
          .average_rate = 80,
          .channels = 1,
          .language = "de"},
  };

  assert_text (weir_hls_write_multivariant (tracks, G_N_ELEMENTS (tracks), TRUE, "b1", ""),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-ac-3\",NAME=\"Audio 1\",LANGUAGE=\"en\","
      "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\",URI=\"/b1/manifest/track1.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-ac-3\",NAME=\"Audio 2\",LANGUAGE=\"de\","
      "DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"1\",URI=\"/b1/manifest/track4.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-aac\",NAME=\"Audio 1\",LANGUAGE=\"en\","
      "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track2.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-aac\",NAME=\"Audio 2\",LANGUAGE=\"de\","
      "DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"1\",URI=\"/b1/manifest/track4.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3400,AVERAGE-BANDWIDTH=2400,"
      "CODECS=\"hvc1.2.4.L123.b0,ac-3,mp4a.40.2\",RESOLUTION=1920x1080,VIDEO-RANGE=PQ,CLOSED-"
      "CAPTIONS=NONE,AUDIO=\"audio-ac-3\"\n"
      "/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3120,AVERAGE-BANDWIDTH=2090,"
      "CODECS=\"hvc1.2.4.L123.b0,mp4a.40.2\",RESOLUTION=1920x1080,VIDEO-RANGE=PQ,"
      "CLOSED-CAPTIONS=NONE,AUDIO=\"audio-aac\"\n/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1400,AVERAGE-BANDWIDTH=1200,CODECS=\"avc1.4d401e,ac-3,mp4a.40."
      "2\","
      "RESOLUTION=640x360,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-ac-3\"\n"
      "/b1/manifest/track3.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1120,AVERAGE-BANDWIDTH=890,CODECS=\"avc1.4d401e,mp4a.40.2\","
      "RESOLUTION=640x360,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-aac\"\n"
      "/b1/manifest/track3.m3u8\n");
}

static void
several_audio_tracks_without_video_are_renditions_of_a_variant_each_codec (void)
{
  static const WeirHlsTrack tracks[] = {
      {.track = 0,
          .codec = WEIR_CODEC_OPUS,
          .codecs = "opus",
          .peak_rate = 100,
          .average_rate = 90,
          .channels = 2},
      {.track = 1,
          .codec = WEIR_CODEC_OPUS,
          .codecs = "opus",
          .peak_rate = 50,
          .average_rate = 40,
          .channels = 2,
          .language = "fr"},
      {.track = 2,
          .codec = WEIR_CODEC_AAC,
          .codecs = "mp4a.40.2",
          .peak_rate = 300,
          .average_rate = 280,
          .channels = 2},
  };

  assert_text (weir_hls_write_multivariant (tracks, 3, TRUE, "b1", ""),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-opus\",NAME=\"Audio 1\",DEFAULT=YES,"
      "AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track0.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-opus\",NAME=\"Audio 2\",LANGUAGE=\"fr\","
      "DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track1.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-aac\",NAME=\"Audio 1\",DEFAULT=YES,"
      "AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track2.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-aac\",NAME=\"Audio 2\",LANGUAGE=\"fr\","
      "DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"/b1/manifest/track1.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=100,AVERAGE-BANDWIDTH=90,CODECS=\"opus\","
      "AUDIO=\"audio-opus\"\n/b1/manifest/track0.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=300,AVERAGE-BANDWIDTH=280,CODECS=\"mp4a.40.2,opus\","
      "AUDIO=\"audio-aac\"\n/b1/manifest/track2.m3u8\n");
  assert_text (weir_hls_write_multivariant (tracks + 2, 1, TRUE, "b1", ""),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=300,AVERAGE-BANDWIDTH=280,CODECS=\"mp4a.40.2\"\n"
      "/b1/manifest/track2.m3u8\n");
}

typedef struct {
  const gchar *name;
  struct {
    WeirCodec codec;
    const gchar *label, *language;
  } tracks[6];
  guint n_tracks;
  /* of each group: of each rendition its track, name and language */
  const gchar *groups;
} Offered;

static const Offered offers[] = {
    {"one_codec", {{WEIR_CODEC_AAC, NULL, "en"}, {WEIR_CODEC_AAC, NULL, "de"}}, 2,
        "audio: 0 Audio 1 en, 1 Audio 2 de"},
    {"the_same_languages_in_another_order",
        {{WEIR_CODEC_AAC, NULL, "en"}, {WEIR_CODEC_AAC, NULL, "de"}, {WEIR_CODEC_OPUS, NULL, "de"},
            {WEIR_CODEC_OPUS, NULL, "en"}},
        4, "audio-aac: 0 Audio 1 en, 1 Audio 2 de; audio-opus: 3 Audio 1 en, 2 Audio 2 de"},
    {"a_language_that_the_first_codec_lacks",
        {{WEIR_CODEC_AC3, NULL, "en"}, {WEIR_CODEC_AAC, NULL, "de"}, {WEIR_CODEC_AAC, NULL, "en"}},
        3, "audio-ac-3: 0 Audio 1 en, 1 Audio 2 de; audio-aac: 2 Audio 1 en, 1 Audio 2 de"},
    {"no_language_in_common", {{WEIR_CODEC_AAC, NULL, "en"}, {WEIR_CODEC_OPUS, NULL, "de"}}, 2,
        "audio: 0 Audio 1 en, 1 Audio 2 de"},
    {"no_name_in_common", {{WEIR_CODEC_AAC, "Match", "en"}, {WEIR_CODEC_OPUS, "Stadium", "en"}}, 2,
        "audio: 0 Match en, 1 Stadium en"},
    {"what_is_known_of_one_encoding_only",
        {{WEIR_CODEC_AAC, "Match", NULL}, {WEIR_CODEC_AC3, NULL, "en"}}, 2,
        "audio-aac: 0 Match en; audio-ac-3: 1 Match en"},
    {"what_is_the_same_goes_before_what_is_not_known",
        {{WEIR_CODEC_AAC, NULL, NULL}, {WEIR_CODEC_AAC, NULL, "en"}, {WEIR_CODEC_OPUS, NULL, "en"},
            {WEIR_CODEC_OPUS, NULL, NULL}},
        4, "audio-aac: 0 Audio 1 , 1 Audio 2 en; audio-opus: 3 Audio 1 , 2 Audio 2 en"},
    {"three_codecs",
        {{WEIR_CODEC_OPUS, NULL, "fr"}, {WEIR_CODEC_AAC, NULL, "en"}, {WEIR_CODEC_AAC, NULL, "fr"},
            {WEIR_CODEC_AC3, NULL, "en"}},
        4,
        "audio-opus: 0 Audio 1 fr, 1 Audio 2 en; audio-aac: 2 Audio 1 fr, 1 Audio 2 en; "
        "audio-ac-3: 2 Audio 1 fr, 3 Audio 2 en"},
};

/* Returns: the attribute's value, "" for none */
static gchar *
get_attribute (const gchar *line, const gchar *name)
{
  g_autofree gchar *pattern = g_strdup_printf ("[:,]%s=\"?([^\",]*)", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, line, 0, &match);
  return g_match_info_matches (match) ? g_match_info_fetch (match, 1) : g_strdup ("");
}

/* 4.4.6.1.1: "each Group of the same TYPE MUST have the same set of members, and each corresponding
 * member MUST have identical attributes with the exception of the URI and CHANNELS attributes" */
static void
all_groups_have_the_same_members (gconstpointer data)
{
  const Offered *offer = data;
  WeirHlsTrack tracks[G_N_ELEMENTS (offer->tracks)] = {0};
  g_autoptr (GBytes) bytes = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree gchar *text = NULL, *last = g_strdup ("");
  g_autoptr (GString) groups = g_string_new (NULL);
  g_autoptr (GHashTable) members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < offer->n_tracks; i++)
    tracks[i] = (WeirHlsTrack){.track = i,
        .codec = offer->tracks[i].codec,
        .codecs = (gchar *) weir_codec_get_name (offer->tracks[i].codec),
        .channels = 1 + i,
        .label = offer->tracks[i].label,
        .language = offer->tracks[i].language};
  bytes = weir_hls_write_multivariant (tracks, offer->n_tracks, TRUE, "b1", "");
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree gchar *group = get_attribute (lines[i], "GROUP-ID");
    g_autofree gchar *name = get_attribute (lines[i], "NAME");
    g_autofree gchar *language = get_attribute (lines[i], "LANGUAGE");
    g_autofree gchar *standard = get_attribute (lines[i], "DEFAULT");
    g_autofree gchar *automatic = get_attribute (lines[i], "AUTOSELECT");
    g_autofree gchar *uri = get_attribute (lines[i], "URI");
    g_autofree gchar *rest = g_strjoin (" ", language, standard, automatic, NULL);
    const gchar *known = g_hash_table_lookup (members, name);

    if (!g_str_has_prefix (lines[i], "#EXT-X-MEDIA:"))
      continue;
    if (!g_str_equal (group, last))
      g_string_append_printf (groups, "%s%s:", groups->len > 0 ? "; " : "", group);
    else
      g_string_append_c (groups, ',');
    g_string_append_printf (
        groups, " %c %s %s", uri[strlen ("/b1/manifest/track")], name, language);
    if (known != NULL)
      g_assert_cmpstr (rest, ==, known);
    g_hash_table_replace (members, g_steal_pointer (&name), g_steal_pointer (&rest));
    g_free (last);
    last = g_steal_pointer (&group);
  }
  g_assert_cmpstr (groups->str, ==, offer->groups);
}

static void
names_are_one_of_a_kind_and_quoted (void)
{
  static const gchar *const labels[] = {"Main", "The \"old\"\r\nmix", "Main", "Main 2", "Main"};
  static const gchar *const names[] = {"NAME=\"Main\",", "NAME=\"The 'old'  mix\",",
      "NAME=\"Main 2\",", "NAME=\"Main 2 2\",", "NAME=\"Main 3\","};
  WeirHlsTrack tracks[G_N_ELEMENTS (labels)] = {0};
  g_autoptr (GBytes) bytes = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    tracks[i] = (WeirHlsTrack){.track = i,
        .codec = WEIR_CODEC_AAC,
        .codecs = (gchar *) "mp4a.40.2",
        .channels = 2,
        .label = labels[i]};
  bytes = weir_hls_write_multivariant (tracks, G_N_ELEMENTS (tracks), TRUE, "b1", "");
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_assert_true (g_str_has_prefix (lines[3 + i], "#EXT-X-MEDIA:"));
    g_assert_nonnull (strstr (lines[3 + i], names[i]));
  }
}

static void
video_alone_names_no_audio_group (void)
{
  const WeirHlsTrack track = {.track = 0,
      .codec = WEIR_CODEC_AVC,
      .codecs = (gchar *) "avc1.640028",
      .peak_rate = 0,
      .width = 16,
      .height = 16,
      .frame_rate = 25,
      .transfer = 18};

  assert_text (weir_hls_write_multivariant (&track, 1, TRUE, "b1", ""),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=1,CODECS=\"avc1.640028\","
      "RESOLUTION=16x16,FRAME-RATE=25.000,VIDEO-RANGE=HLG,CLOSED-CAPTIONS=NONE\n/b1/manifest/"
      "track0.m3u8\n");
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
      "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:8\n"
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
  for (guint i = 0; i < G_N_ELEMENTS (offers); i++) {
    g_autofree gchar *path =
        g_strdup_printf ("/playback/hls/all_groups_have_the_same_members/%s", offers[i].name);

    g_test_add_data_func (path, &offers[i], all_groups_have_the_same_members);
  }
  ADD (every_video_goes_with_every_audio);
  ADD (each_audio_codec_has_a_group_that_every_video_goes_with);
  ADD (several_audio_tracks_without_video_are_renditions_of_a_variant_each_codec);
  ADD (names_are_one_of_a_kind_and_quoted);
  ADD (video_alone_names_no_audio_group);
  ADD (a_map_comes_with_the_first_segment_that_has_one);
  return g_test_run ();
}
