/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls.h"

#define AUDIO_GROUP "audio"

static void
append_header (GString *text)
{
  /* 6 would do for EXT-X-MAP; 7 is what players of fragmented MP4 expect */
  g_string_append (text, "#EXTM3U\n#EXT-X-VERSION:7\n");
}

static void
append_date (GString *text, gint64 date_ms)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (date_ms / 1000);
  g_autofree gchar *seconds = NULL;

  if (date == NULL || date_ms < 0)
    return;
  seconds = g_date_time_format (date, "%Y-%m-%dT%H:%M:%S");
  g_string_append_printf (
      text, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n", seconds, (gint) (date_ms % 1000));
}

static void
append_map (GString *text, const WeirHlsMedia *media, const WeirHlsSegment *segment)
{
  g_string_append_printf (text, "#EXT-X-MAP:URI=\"/%s/inits/%" G_GUINT64_FORMAT "-%u",
      media->broadcast, segment->epoch, segment->generation);
  if (media->track >= 0)
    g_string_append_printf (text, "/track%d", media->track);
  g_string_append (text, ".mp4\"\n");
}

static void
append_uri (GString *text, const WeirHlsMedia *media, const WeirHlsSegment *segment)
{
  g_string_append_printf (text, "/%s/segments/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      media->broadcast, segment->epoch, segment->number);
  if (media->track >= 0)
    g_string_append_printf (text, "/track%d", media->track);
  g_string_append (text, ".m4s\n");
}

GBytes *
weir_hls_write_media (const WeirHlsMedia *media)
{
  GString *text = g_string_sized_new (512 + 256 * (gsize) media->n_segments);
  const WeirHlsSegment *mapped = NULL;

  append_header (text);
  g_string_append_printf (text,
      "#EXT-X-TARGETDURATION:%u\n"
      "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GUINT64_FORMAT "\n",
      media->target_duration, media->media_sequence, media->discontinuity_sequence);
  if (media->ended && media->whole)
    g_string_append (text, "#EXT-X-PLAYLIST-TYPE:VOD\n");

  for (guint i = 0; i < media->n_segments; i++) {
    const WeirHlsSegment *segment = &media->segments[i];

    if (segment->discontinuity)
      g_string_append (text, "#EXT-X-DISCONTINUITY\n");
    if (segment->has_map && (mapped == NULL || mapped->epoch != segment->epoch ||
                                mapped->generation != segment->generation)) {
      append_map (text, media, segment);
      mapped = segment;
    }
    append_date (text, segment->date_ms);
    if (segment->gap)
      g_string_append (text, "#EXT-X-GAP\n");
    g_string_append_printf (text, "#EXTINF:%" G_GUINT64_FORMAT ".%06u,\n",
        segment->duration_us / G_USEC_PER_SEC, (guint) (segment->duration_us % G_USEC_PER_SEC));
    append_uri (text, media, segment);
  }
  if (media->ended)
    g_string_append (text, "#EXT-X-ENDLIST\n");
  return g_string_free_to_bytes (text);
}

static const WeirHlsTrack *
find_first (const WeirHlsTrack *tracks, guint n_tracks, gboolean video)
{
  for (guint i = 0; i < n_tracks; i++) {
    if (tracks[i].video == video)
      return &tracks[i];
  }
  return NULL;
}

static void
append_renditions (GString *text, const WeirHlsTrack *tracks, guint n_tracks)
{
  guint name = 0;

  for (guint i = 0; i < n_tracks; i++) {
    if (tracks[i].video)
      continue;
    name++;
    g_string_append_printf (text,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" AUDIO_GROUP
        "\",NAME=\"Audio %u\",DEFAULT=%s,AUTOSELECT=YES,CHANNELS=\"%u\",URI=\"track%u.m3u8\"\n",
        name, name == 1 ? "YES" : "NO", tracks[i].channels, tracks[i].track);
  }
}

/* each once: @more may be a list itself */
static void
append_codecs (GString *codecs, const gchar *more)
{
  g_auto (GStrv) names = g_strsplit (more, ",", -1);

  for (guint i = 0; names[i] != NULL; i++) {
    g_auto (GStrv) known = g_strsplit (codecs->str, ",", -1);

    if (!g_strv_contains ((const gchar *const *) known, names[i]))
      g_string_append_printf (codecs, ",%s", names[i]);
  }
}

static void
append_variant (GString *text, const WeirHlsTrack *main, const WeirHlsTrack *tracks, guint n_tracks,
    gboolean with_renditions)
{
  guint64 peak = 0, average = 0;
  g_autoptr (GString) codecs = g_string_new (main->codecs);

  /* the largest sum of any combination (4.4.6.2) */
  for (guint i = 0; with_renditions && i < n_tracks; i++) {
    if (tracks[i].video)
      continue;
    peak = MAX (peak, tracks[i].peak_rate);
    average = MAX (average, tracks[i].average_rate);
    append_codecs (codecs, tracks[i].codecs);
  }
  peak += main->peak_rate;
  average += main->average_rate;

  g_string_append_printf (text,
      "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GUINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GUINT64_FORMAT
      ",CODECS=\"%s\"",
      MAX (1, peak), MAX (1, average), codecs->str);
  if (main->video) {
    g_string_append_printf (text, ",RESOLUTION=%ux%u", main->width, main->height);
    if (main->frame_rate > 0) {
      gchar number[G_ASCII_DTOSTR_BUF_SIZE];

      g_string_append_printf (text, ",FRAME-RATE=%s",
          g_ascii_formatd (number, sizeof number, "%.3f", main->frame_rate));
    }
    g_string_append (text, ",CLOSED-CAPTIONS=NONE");
  }
  if (with_renditions)
    g_string_append (text, ",AUDIO=\"" AUDIO_GROUP "\"");
  g_string_append_printf (text, "\ntrack%u.m3u8\n", main->track);
}

GBytes *
weir_hls_write_multivariant (const WeirHlsTrack *tracks, guint n_tracks, gboolean independent)
{
  GString *text = g_string_new (NULL);
  const WeirHlsTrack *audio = find_first (tracks, n_tracks, FALSE);

  append_header (text);
  if (independent)
    g_string_append (text, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  if (find_first (tracks, n_tracks, TRUE) == NULL) {
    if (audio != NULL)
      append_variant (text, audio, tracks, n_tracks, FALSE);
    return g_string_free_to_bytes (text);
  }
  append_renditions (text, tracks, n_tracks);
  for (guint i = 0; i < n_tracks; i++) {
    if (tracks[i].video)
      append_variant (text, &tracks[i], tracks, n_tracks, audio != NULL);
  }
  return g_string_free_to_bytes (text);
}
