/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/hls.h"

#include <string.h>

/* 6 would do for EXT-X-MAP; 7 is what players of fragmented MP4 expect */
#define VERSION 7
/* EXT-X-GAP asks for it */
#define VERSION_GAP 8
#define DAY_MS G_GINT64_CONSTANT (86400000)
/* 1 January 1970, and how many days behind it a date can be written of: to the end of 9999 */
#define EPOCH_JULIAN 719163
#define DAYS_MAX 2932896

static void
append_header (GString *text, guint version)
{
  g_string_append_printf (text, "#EXTM3U\n#EXT-X-VERSION:%u\n", version);
}

static gboolean
has_gaps (const WeirHlsMedia *media)
{
  for (guint i = 0; i < media->n_segments; i++) {
    if (media->segments[i].gap)
      return TRUE;
  }
  return FALSE;
}

/* long playlists are mostly numbers. @digits: at least */
static void
append_number (GString *text, guint64 number, guint digits)
{
  gchar reversed[20];
  guint count = 0;

  while (number > 0 || count < digits) {
    reversed[count++] = (gchar) ('0' + number % 10);
    number /= 10;
  }
  while (count > 0)
    g_string_append_c (text, reversed[--count]);
}

static void
append_date (GString *text, gint64 date_ms)
{
  const gint64 day = date_ms / DAY_MS;
  const guint64 second = (guint64) (date_ms % DAY_MS / 1000);
  GDate date;

  if (date_ms < 0 || day > DAYS_MAX)
    return;
  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) (EPOCH_JULIAN + day));
  g_string_append (text, "#EXT-X-PROGRAM-DATE-TIME:");
  append_number (text, g_date_get_year (&date), 4);
  g_string_append_c (text, '-');
  append_number (text, g_date_get_month (&date), 2);
  g_string_append_c (text, '-');
  append_number (text, g_date_get_day (&date), 2);
  g_string_append_c (text, 'T');
  append_number (text, second / 3600, 2);
  g_string_append_c (text, ':');
  append_number (text, second / 60 % 60, 2);
  g_string_append_c (text, ':');
  append_number (text, second % 60, 2);
  g_string_append_c (text, '.');
  append_number (text, (guint64) (date_ms % 1000), 3);
  g_string_append (text, "Z\n");
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
  g_string_append_c (text, '/');
  g_string_append (text, media->broadcast);
  g_string_append (text, "/segments/");
  if (segment->missing)
    g_string_append (text, "gap");
  else
    append_number (text, segment->epoch, 1);
  g_string_append_c (text, '-');
  append_number (text, segment->number, 1);
  if (media->track >= 0) {
    g_string_append (text, "/track");
    append_number (text, (guint64) media->track, 1);
  }
  g_string_append (text, ".m4s\n");
}

void
weir_hls_append_head (GString *text, const WeirHlsMedia *media, gboolean gaps)
{
  append_header (text, gaps ? VERSION_GAP : VERSION);
  if (media->independent)
    g_string_append (text, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  g_string_append_printf (text,
      "#EXT-X-TARGETDURATION:%u\n"
      "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GUINT64_FORMAT "\n",
      media->target_duration, media->media_sequence, media->discontinuity_sequence);
  if (media->ended && media->whole)
    g_string_append (text, "#EXT-X-PLAYLIST-TYPE:VOD\n");
}

void
weir_hls_append_segment (GString *text, const WeirHlsMedia *media, const WeirHlsSegment *segment,
    const WeirHlsSegment *before)
{
  if (segment->discontinuity)
    g_string_append (text, "#EXT-X-DISCONTINUITY\n");
  if (segment->has_map && (before == NULL || before->epoch != segment->epoch ||
                              before->generation != segment->generation))
    append_map (text, media, segment);
  append_date (text, segment->date_ms);
  if (segment->gap)
    g_string_append (text, "#EXT-X-GAP\n");
  g_string_append (text, "#EXTINF:");
  append_number (text, segment->duration_us / G_USEC_PER_SEC, 1);
  g_string_append_c (text, '.');
  append_number (text, segment->duration_us % G_USEC_PER_SEC, 6);
  g_string_append (text, ",\n");
  append_uri (text, media, segment);
}

GBytes *
weir_hls_write_media (const WeirHlsMedia *media)
{
  GString *text = g_string_sized_new (512 + 256 * (gsize) media->n_segments);
  const WeirHlsSegment *before = NULL;

  weir_hls_append_head (text, media, has_gaps (media));
  for (guint i = 0; i < media->n_segments; i++) {
    weir_hls_append_segment (text, media, &media->segments[i], before);
    if (media->segments[i].has_map)
      before = &media->segments[i];
  }
  if (media->ended)
    g_string_append (text, WEIR_HLS_END_LIST);
  return g_string_free_to_bytes (text);
}

static gboolean
is_video (const WeirHlsTrack *track)
{
  return weir_codec_get_kind (track->codec) == WEIR_MEDIA_VIDEO;
}

/* one content of sound, in one encoding or several: a member of each group (4.4.6.1.1) */
typedef struct {
  const gchar *label, *language; /* (nullable) */
  gchar *name;
  gboolean automatic;
  GPtrArray *tracks; /* of const WeirHlsTrack, each of another codec */
} Member;

typedef struct {
  WeirCodec codec;   /* of all that come in it */
  GPtrArray *tracks; /* of const WeirHlsTrack, parallel to the members */
} Group;

/* the tracks of one multivariant playlist */
typedef struct {
  const WeirHlsTrack *tracks;
  guint n_tracks;
  guint videos, audios;
  GPtrArray *members;  /* of Member */
  GPtrArray *groups;   /* of Group */
  gboolean high_range; /* there is video that is not SDR */
  const gchar *broadcast;
  const gchar *suffix;
} Offer;

static void
member_free (gpointer data)
{
  Member *member = data;

  g_ptr_array_unref (member->tracks);
  g_free (member->name);
  g_free (member);
}

static void
group_free (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->tracks);
  g_free (group);
}

static void
offer_clear (Offer *offer)
{
  g_ptr_array_unref (offer->members);
  g_ptr_array_unref (offer->groups);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Offer, offer_clear)

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

/* Returns: (nullable): what @member has of @codec */
static const WeirHlsTrack *
find_encoding (const Member *member, WeirCodec codec)
{
  for (guint i = 0; i < member->tracks->len; i++) {
    const WeirHlsTrack *track = g_ptr_array_index (member->tracks, i);

    if (track->codec == codec)
      return track;
  }
  return NULL;
}

/* @same: nothing unknown will do */
static gboolean
matches (const gchar *a, const gchar *b, gboolean same)
{
  return g_strcmp0 (a, b) == 0 || (!same && (a == NULL || b == NULL));
}

/* Returns: (nullable): what @track is another encoding of, as far as names and languages say */
static Member *
find_member (const Offer *offer, const WeirHlsTrack *track)
{
  for (guint same = 2; same-- > 0;) {
    for (guint i = 0; i < offer->members->len; i++) {
      Member *member = g_ptr_array_index (offer->members, i);

      if (find_encoding (member, track->codec) == NULL &&
          matches (member->label, track->label, same) &&
          matches (member->language, track->language, same))
        return member;
    }
  }
  return NULL;
}

static void
add_audio (Offer *offer, const WeirHlsTrack *track)
{
  Member *member = find_member (offer, track);

  if (member == NULL) {
    member = g_new0 (Member, 1);
    member->tracks = g_ptr_array_new ();
    g_ptr_array_add (offer->members, member);
  }
  if (member->label == NULL)
    member->label = track->label;
  if (member->language == NULL)
    member->language = track->language;
  g_ptr_array_add (member->tracks, (gpointer) track);
  offer->audios++;
}

/* All members in @codec. What there is in others only comes in AAC, which every player knows, or in
 * what it came first: a group must not lack a member (4.4.6.1.1). */
static Group *
make_group (const Offer *offer, WeirCodec codec)
{
  Group *group = g_new0 (Group, 1);

  group->codec = codec;
  group->tracks = g_ptr_array_new ();
  for (guint i = 0; i < offer->members->len; i++) {
    const Member *member = g_ptr_array_index (offer->members, i);
    const WeirHlsTrack *track = find_encoding (member, codec);

    if (track == NULL)
      track = find_encoding (member, WEIR_CODEC_AAC);
    if (track == NULL)
      track = g_ptr_array_index (member->tracks, 0);
    g_ptr_array_add (group->tracks, (gpointer) track);
  }
  return group;
}

static gboolean
is_same_group (gconstpointer a, gconstpointer b)
{
  const GPtrArray *one = ((const Group *) a)->tracks, *other = ((const Group *) b)->tracks;

  return memcmp (one->pdata, other->pdata, one->len * sizeof one->pdata[0]) == 0;
}

static gchar *
make_group_id (const Offer *offer, const Group *group)
{
  g_autofree gchar *codec = g_ascii_strdown (weir_codec_get_name (group->codec), -1);

  return offer->groups->len > 1 ? g_strconcat ("audio-", codec, NULL) : g_strdup ("audio");
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

/* Returns: one that no rendition in @names has; it is added to them */
static gchar *
make_name (GHashTable *names, const Member *member, guint number)
{
  g_autofree gchar *base =
      member->label != NULL ? quote (member->label) : g_strdup_printf ("Audio %u", number);
  gchar *name = g_strdup (base);

  for (guint i = 2; !g_hash_table_add (names, g_strdup (name)); i++) {
    g_free (name);
    name = g_strdup_printf ("%s %u", base, i);
  }
  return name;
}

static void
name_members (const Offer *offer)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) languages = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < offer->members->len; i++) {
    Member *member = g_ptr_array_index (offer->members, i);
    const gchar *language = member->language != NULL ? member->language : "";

    /* of those that a player cannot tell apart it chooses one by itself (4.4.6.1.1) */
    member->automatic = g_hash_table_add (languages, (gpointer) language);
    member->name = make_name (names, member, i + 1);
  }
}

static void
offer_init (Offer *offer, const WeirHlsTrack *tracks, guint n_tracks)
{
  *offer = (Offer){.tracks = tracks, .n_tracks = n_tracks};
  offer->members = g_ptr_array_new_with_free_func (member_free);
  offer->groups = g_ptr_array_new_with_free_func (group_free);
  for (guint i = 0; i < n_tracks; i++) {
    if (!is_video (&tracks[i])) {
      add_audio (offer, &tracks[i]);
      continue;
    }
    offer->videos++;
    offer->high_range |= !g_str_equal (get_range (&tracks[i]), "SDR");
  }
  name_members (offer);
  for (guint i = 0; i < n_tracks; i++) {
    Group *group;

    if (is_video (&tracks[i]))
      continue;
    group = make_group (offer, tracks[i].codec);
    if (g_ptr_array_find_with_equal_func (offer->groups, group, is_same_group, NULL))
      group_free (group);
    else
      g_ptr_array_add (offer->groups, group);
  }
}

static void
append_media_uri (GString *text, const Offer *offer, const WeirHlsTrack *track)
{
  g_string_append_printf (
      text, "/%s/manifest/track%u%s.m3u8", offer->broadcast, track->track, offer->suffix);
}

static void
append_rendition (GString *text, const Offer *offer, const WeirHlsTrack *track, const gchar *group,
    const Member *member, gboolean first)
{
  g_string_append_printf (
      text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"%s\"", group, member->name);
  if (member->language != NULL) {
    g_autofree gchar *language = quote (member->language);

    g_string_append_printf (text, ",LANGUAGE=\"%s\"", language);
  }
  g_string_append_printf (text, ",DEFAULT=%s,AUTOSELECT=%s,CHANNELS=\"%u\",URI=\"",
      first ? "YES" : "NO", member->automatic ? "YES" : "NO", track->channels);
  append_media_uri (text, offer, track);
  g_string_append (text, "\"\n");
}

static void
append_renditions (GString *text, const Offer *offer, const Group *group)
{
  g_autofree gchar *id = make_group_id (offer, group);

  for (guint i = 0; i < group->tracks->len; i++)
    append_rendition (text, offer, g_ptr_array_index (group->tracks, i), id,
        g_ptr_array_index (offer->members, i), i == 0);
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
append_variant (GString *text, const Offer *offer, const WeirHlsTrack *video, const Group *group)
{
  const WeirHlsTrack *first;
  guint64 peak = 0, average = 0;
  g_autoptr (GString) codecs = g_string_new (video != NULL ? video->codecs : NULL);

  /* the largest sum of any combination (4.4.6.2) */
  for (guint i = 0; group != NULL && i < group->tracks->len; i++) {
    const WeirHlsTrack *audio = g_ptr_array_index (group->tracks, i);

    peak = MAX (peak, audio->peak_rate);
    average = MAX (average, audio->average_rate);
    append_codecs (codecs, audio->codecs);
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
  first = video != NULL ? video : g_ptr_array_index (group->tracks, 0);
  g_string_append_c (text, '\n');
  append_media_uri (text, offer, first);
  g_string_append_c (text, '\n');
}

GBytes *
weir_hls_write_multivariant (const WeirHlsTrack *tracks, guint n_tracks, gboolean independent,
    const gchar *broadcast, const gchar *suffix)
{
  GString *text = g_string_new (NULL);
  g_auto (Offer) offer = {0};

  offer_init (&offer, tracks, n_tracks);
  offer.broadcast = broadcast;
  offer.suffix = suffix;
  append_header (text, VERSION);
  if (independent)
    g_string_append (text, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  for (guint i = 0; (offer.videos > 0 || offer.audios > 1) && i < offer.groups->len; i++)
    append_renditions (text, &offer, g_ptr_array_index (offer.groups, i));
  for (guint i = 0; i < n_tracks; i++) {
    if (!is_video (&tracks[i]))
      continue;
    for (guint k = 0; k < offer.groups->len; k++)
      append_variant (text, &offer, &tracks[i], g_ptr_array_index (offer.groups, k));
    if (offer.groups->len == 0)
      append_variant (text, &offer, &tracks[i], NULL);
  }
  for (guint i = 0; offer.videos == 0 && i < offer.groups->len; i++)
    append_variant (text, &offer, NULL, g_ptr_array_index (offer.groups, i));
  return g_string_free_to_bytes (text);
}
