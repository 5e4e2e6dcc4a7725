/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls.h"

/* 6 would do for EXT-X-MAP; 7 is what players of fragmented MP4 expect */
#define VERSION 7
/* EXT-X-GAP asks for it */
#define VERSION_GAP 8

static void
append_header (GString *text, guint version)
{
  g_string_append_printf (text, "#EXTM3U\n#EXT-X-VERSION:%u\n", version);
}

static guint
get_version (const WeirHlsMedia *media)
{
  for (guint i = 0; i < media->n_segments; i++) {
    if (media->segments[i].gap)
      return VERSION_GAP;
  }
  return VERSION;
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
  g_string_append_printf (text, "/%s/segments/", media->broadcast);
  if (segment->missing)
    g_string_append (text, "gap");
  else
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, segment->epoch);
  g_string_append_printf (text, "-%" G_GUINT64_FORMAT, segment->number);
  if (media->track >= 0)
    g_string_append_printf (text, "/track%d", media->track);
  g_string_append (text, ".m4s\n");
}

GBytes *
weir_hls_write_media (const WeirHlsMedia *media)
{
  GString *text = g_string_sized_new (512 + 256 * (gsize) media->n_segments);
  const WeirHlsSegment *mapped = NULL;

  append_header (text, get_version (media));
  if (media->independent)
    g_string_append (text, "#EXT-X-INDEPENDENT-SEGMENTS\n");
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

static gboolean
is_video (const WeirHlsTrack *track)
{
  return weir_codec_get_kind (track->codec) == WEIR_MEDIA_VIDEO;
}

/* the tracks of one multivariant playlist */
typedef struct {
  const WeirHlsTrack *tracks;
  guint n_tracks;
  guint videos, audios;
  const WeirHlsTrack **groups; /* the first track of each */
  guint n_groups;
  gboolean high_range; /* there is video that is not SDR */
  const gchar *broadcast;
  const gchar *suffix;
} Offer;

static const gchar *
get_range (const WeirHlsTrack *track)
{
  switch (track->transfer) {
  case 16:
    return "PQ";
  case 18:
    return "HLG";
  default:
    return "SDR";
  }
}

static gboolean
is_in_group (const WeirHlsTrack *track, const WeirHlsTrack *group)
{
  return !is_video (track) && track->codec == group->codec;
}

static void
offer_init (Offer *offer, const WeirHlsTrack *tracks, guint n_tracks)
{
  *offer = (Offer){.tracks = tracks, .n_tracks = n_tracks};
  offer->groups = g_new (const WeirHlsTrack *, n_tracks);
  for (guint i = 0; i < n_tracks; i++) {
    gboolean known = FALSE;

    if (is_video (&tracks[i])) {
      offer->videos++;
      offer->high_range |= !g_str_equal (get_range (&tracks[i]), "SDR");
      continue;
    }
    offer->audios++;
    for (guint k = 0; k < offer->n_groups; k++)
      known |= is_in_group (&tracks[i], offer->groups[k]);
    if (!known)
      offer->groups[offer->n_groups++] = &tracks[i];
  }
}

static gchar *
make_group_id (const Offer *offer, const WeirHlsTrack *group)
{
  g_autofree gchar *codec = g_ascii_strdown (weir_codec_get_name (group->codec), -1);

  return offer->n_groups > 1 ? g_strconcat ("audio-", codec, NULL) : g_strdup ("audio");
}

/* what a quoted-string may hold (4.2) */
static gchar *
quote (const gchar *text)
{
  gchar *quoted = g_strdup (text);

  for (gchar *c = quoted; *c != '\0'; c++) {
    if (*c == '"')
      *c = '\'';
    else if (g_ascii_iscntrl (*c))
      *c = ' ';
  }
  return quoted;
}

/* Returns: one that no rendition in @names has; it is added to them. @number: in its group */
static gchar *
make_name (GHashTable *names, const WeirHlsTrack *track, guint number)
{
  g_autofree gchar *base =
      track->label != NULL ? quote (track->label) : g_strdup_printf ("Audio %u", number);
  gchar *name = g_strdup (base);

  for (guint i = 2; !g_hash_table_add (names, g_strdup (name)); i++) {
    g_free (name);
    name = g_strdup_printf ("%s %u", base, i);
  }
  return name;
}

static void
append_media_uri (GString *text, const Offer *offer, const WeirHlsTrack *track)
{
  g_string_append_printf (
      text, "/%s/manifest/track%u%s.m3u8", offer->broadcast, track->track, offer->suffix);
}

static void
append_rendition (GString *text, const Offer *offer, const WeirHlsTrack *track, const gchar *group,
    const gchar *name, gboolean first, gboolean automatic)
{
  g_string_append_printf (text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"%s\"", group, name);
  if (track->language != NULL) {
    g_autofree gchar *language = quote (track->language);

    g_string_append_printf (text, ",LANGUAGE=\"%s\"", language);
  }
  g_string_append_printf (text, ",DEFAULT=%s,AUTOSELECT=%s,CHANNELS=\"%u\",URI=\"",
      first ? "YES" : "NO", automatic ? "YES" : "NO", track->channels);
  append_media_uri (text, offer, track);
  g_string_append (text, "\"\n");
}

static void
append_renditions (GString *text, const Offer *offer, const WeirHlsTrack *group)
{
  g_autofree gchar *id = make_group_id (offer, group);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) languages = g_hash_table_new (g_str_hash, g_str_equal);
  guint number = 0;

  for (guint i = 0; i < offer->n_tracks; i++) {
    const WeirHlsTrack *track = &offer->tracks[i];
    g_autofree gchar *name = NULL;
    gboolean automatic;

    if (!is_in_group (track, group))
      continue;
    /* of those that a player cannot tell apart it chooses one by itself (4.4.6.1.1) */
    automatic =
        g_hash_table_add (languages, (gpointer) (track->language != NULL ? track->language : ""));
    name = make_name (names, track, ++number);
    append_rendition (text, offer, track, id, name, track == group, automatic);
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
      g_string_append_printf (codecs, "%s%s", codecs->len > 0 ? "," : "", names[i]);
  }
}

static void
append_video (GString *text, const Offer *offer, const WeirHlsTrack *video)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  if (video->width > 0 && video->height > 0)
    g_string_append_printf (text, ",RESOLUTION=%ux%u", video->width, video->height);
  if (video->frame_rate > 0)
    g_string_append_printf (
        text, ",FRAME-RATE=%s", g_ascii_formatd (number, sizeof number, "%.3f", video->frame_rate));
  /* its absence means SDR everywhere */
  if (offer->high_range)
    g_string_append_printf (text, ",VIDEO-RANGE=%s", get_range (video));
  g_string_append (text, ",CLOSED-CAPTIONS=NONE");
}

/* @video: (nullable), @group: (nullable): not both are NULL */
static void
append_variant (
    GString *text, const Offer *offer, const WeirHlsTrack *video, const WeirHlsTrack *group)
{
  guint64 peak = 0, average = 0;
  g_autoptr (GString) codecs = g_string_new (video != NULL ? video->codecs : NULL);

  /* the largest sum of any combination (4.4.6.2) */
  for (guint i = 0; group != NULL && i < offer->n_tracks; i++) {
    const WeirHlsTrack *track = &offer->tracks[i];

    if (!is_in_group (track, group))
      continue;
    peak = MAX (peak, track->peak_rate);
    average = MAX (average, track->average_rate);
    append_codecs (codecs, track->codecs);
  }
  if (video != NULL) {
    peak += video->peak_rate;
    average += video->average_rate;
  }

  g_string_append_printf (text,
      "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GUINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GUINT64_FORMAT
      ",CODECS=\"%s\"",
      MAX (1, peak), MAX (1, average), codecs->str);
  if (video != NULL)
    append_video (text, offer, video);
  if (group != NULL && (video != NULL || offer->audios > 1)) {
    g_autofree gchar *id = make_group_id (offer, group);

    g_string_append_printf (text, ",AUDIO=\"%s\"", id);
  }
  g_string_append_c (text, '\n');
  append_media_uri (text, offer, video != NULL ? video : group);
  g_string_append_c (text, '\n');
}

GBytes *
weir_hls_write_multivariant (const WeirHlsTrack *tracks, guint n_tracks, gboolean independent,
    const gchar *broadcast, const gchar *suffix)
{
  GString *text = g_string_new (NULL);
  g_autofree const WeirHlsTrack **groups = NULL;
  Offer offer;

  offer_init (&offer, tracks, n_tracks);
  offer.broadcast = broadcast;
  offer.suffix = suffix;
  groups = offer.groups;
  append_header (text, VERSION);
  if (independent)
    g_string_append (text, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  for (guint i = 0; (offer.videos > 0 || offer.audios > 1) && i < offer.n_groups; i++)
    append_renditions (text, &offer, offer.groups[i]);
  for (guint i = 0; i < n_tracks; i++) {
    if (!is_video (&tracks[i]))
      continue;
    for (guint k = 0; k < offer.n_groups; k++)
      append_variant (text, &offer, &tracks[i], offer.groups[k]);
    if (offer.n_groups == 0)
      append_variant (text, &offer, &tracks[i], NULL);
  }
  for (guint i = 0; offer.videos == 0 && i < offer.n_groups; i++)
    append_variant (text, &offer, NULL, offer.groups[i]);
  return g_string_free_to_bytes (text);
}
