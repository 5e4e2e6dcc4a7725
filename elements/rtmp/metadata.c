/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/metadata.h"

#include "rtmp/amf.h"

#include <math.h>
#include <string.h>

#define TRACK_ID_MAX 255
/* "@setDataFrame", "onMetaData", the object */
#define VALUES_MAX 3
/* of a metadata frame; only one name is defined */
#define PAIRS_MAX 16

#define UNSPECIFIED 2 /* ITU-T H.273 */
#define LUMINANCE_MAX 10000

/* ---- values ---- */

/* 0 when it is none, or not within 0 to @max */
static gdouble
get_number (const WeirAmfValue *object, const gchar *name, gdouble max)
{
  const WeirAmfValue *value = weir_amf_value_get_member (object, name);
  gdouble number;

  if (value == NULL || weir_amf_value_get_type (value) != WEIR_AMF_NUMBER)
    return 0;
  number = weir_amf_value_get_number (value);
  return number >= 0 && number <= max ? number : 0;
}

static gboolean
has_control_characters (const gchar *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return TRUE;
  }
  return FALSE;
}

/* Returns: (transfer full) (nullable) */
static gchar *
get_text (const WeirAmfValue *object, const gchar *name, gsize characters_max)
{
  gsize size;
  const gchar *string = weir_amf_value_get_string (weir_amf_value_get_member (object, name), &size);
  g_autofree gchar *text = NULL;

  if (string == NULL || !g_utf8_validate (string, (gssize) size, NULL) ||
      has_control_characters (string))
    return NULL;
  text = g_utf8_substring (
      string, 0, MIN (g_utf8_strlen (string, (gssize) size), (glong) characters_max));
  g_strstrip (text);
  return text[0] != '\0' ? g_steal_pointer (&text) : NULL;
}

/* RFC 5646, 2.1: subtags of 1 to 8 letters and digits; the first has 2 to 8 letters, or is one
 * letter for private use (x) or from the time before the registry (i) */
static gboolean
is_language (const gchar *text)
{
  guint length = 0, first = 0;
  gboolean is_first = TRUE;

  if (strlen (text) > WEIR_RTMP_LANGUAGE_MAX)
    return FALSE;
  for (const gchar *c = text;; c++) {
    if (*c == '-' || *c == '\0') {
      if (length == 0 || length > 8)
        return FALSE;
      if (is_first)
        first = length;
      is_first = FALSE;
      length = 0;
      if (*c == '\0')
        break;
      continue;
    }
    if (!g_ascii_isalpha (*c) && (is_first || !g_ascii_isdigit (*c)))
      return FALSE;
    length++;
  }
  return first >= 2 || (strchr ("xXiI", text[0]) != NULL && text[1] == '-');
}

static gchar *
get_language (const WeirAmfValue *object)
{
  g_autofree gchar *text = get_text (object, "language", WEIR_RTMP_LANGUAGE_MAX + 1);

  return text != NULL && is_language (text) ? g_steal_pointer (&text) : NULL;
}

/* The specification leaves the name of that property open. */
static gchar *
get_label (const WeirAmfValue *object)
{
  static const gchar *const names[] = {"trackName", "label", "title", "name"};
  gchar *label = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names) && label == NULL; i++)
    label = get_text (object, names[i], WEIR_RTMP_LABEL_MAX);
  return label;
}

/* ---- tracks ---- */

/* Whether it names a codec: by its number, its FourCC as a number, or its FourCC. 0 and nothing
 * mean that there is none. */
static gboolean
names_codec (const WeirAmfValue *object, WeirMediaKind kind)
{
  const WeirAmfValue *value = weir_amf_value_get_member (
      object, kind == WEIR_MEDIA_VIDEO ? "videocodecid" : "audiocodecid");
  gsize size = 0;

  if (weir_amf_value_get_string (value, &size) != NULL)
    return size > 0;
  return weir_amf_value_get_number (value) != 0;
}

/* "1" to "255", and "0" for what is said of the default track there; -1 for anything else */
static gint
parse_track_id (const gchar *name)
{
  guint64 id;

  if (name == NULL || !g_ascii_string_to_unsigned (name, 10, 0, TRACK_ID_MAX, &id, NULL))
    return -1;
  return (gint) id;
}

static WeirRtmpTrackInfo *
find_track (const WeirRtmpMetadata *self, WeirMediaKind kind, guint track_id)
{
  for (guint i = 0; i < self->counts[kind]; i++) {
    if (self->tracks[kind][i].track_id == track_id)
      return &self->tracks[kind][i];
  }
  return NULL;
}

static void
take_texts (WeirRtmpTrackInfo *track, const WeirAmfValue *object)
{
  gchar *language = get_language (object);

  if (language != NULL) {
    g_free (track->language);
    track->language = language;
  }
  g_free (track->label);
  track->label = get_label (object);
}

static gboolean
has_members (const WeirAmfValue *value)
{
  return value != NULL && (weir_amf_value_get_type (value) == WEIR_AMF_OBJECT ||
                              weir_amf_value_get_type (value) == WEIR_AMF_ECMA_ARRAY);
}

/* the first entry of each number counts */
static void
take_map (WeirRtmpMetadata *self, WeirMediaKind kind, const WeirAmfValue *map)
{
  guint size = has_members (map) ? weir_amf_value_get_size (map) : 0;
  gboolean seen[TRACK_ID_MAX + 1] = {FALSE};

  for (guint i = 0; i < size; i++) {
    const gchar *name = NULL;
    const WeirAmfValue *object = weir_amf_value_get_nth (map, i, &name);
    gint id = parse_track_id (name);
    WeirRtmpTrackInfo *track;

    if (id < 0 || !has_members (object) || seen[id])
      continue;
    seen[id] = TRUE;
    track = &self->tracks[kind][0];
    if (id > 0) {
      track = &self->tracks[kind][self->counts[kind]++];
      track->track_id = (guint) id;
    }
    track->promised |= id > 0 || names_codec (object, kind);
    take_texts (track, object);
  }
}

/* all the room that it can need at once, as there are few of them */
static WeirRtmpMetadata *
metadata_new (const WeirAmfValue *object)
{
  WeirRtmpMetadata *self = g_new0 (WeirRtmpMetadata, 1);

  for (guint kind = WEIR_MEDIA_VIDEO; kind <= WEIR_MEDIA_AUDIO; kind++) {
    const WeirAmfValue *map = weir_amf_value_get_member (
        object, kind == WEIR_MEDIA_VIDEO ? "videoTrackIdInfoMap" : "audioTrackIdInfoMap");
    guint room = 1 + MIN (weir_amf_value_get_size (map), TRACK_ID_MAX);
    WeirRtmpTrackInfo *top;

    self->tracks[kind] = g_new0 (WeirRtmpTrackInfo, room);
    self->counts[kind] = 1;
    top = &self->tracks[kind][0];
    top->promised = names_codec (object, (WeirMediaKind) kind);
    /* a name at the top is not the track's but the stream's; a language is what is spoken */
    if (kind == WEIR_MEDIA_AUDIO)
      top->language = get_language (object);
    take_map (self, (WeirMediaKind) kind, map);
  }
  return self;
}

WeirRtmpMetadata *
weir_rtmp_metadata_parse (const guint8 *data, gsize size, const WeirAmfLimits *limits)
{
  guint values_left = limits->values_max;
  gboolean named = FALSE;
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  for (guint i = 0; i < VALUES_MAX && weir_reader_remaining (&reader) > 0; i++) {
    g_autoptr (WeirAmfValue) value = weir_amf_parse (&reader, limits, &values_left);

    if (value == NULL)
      return NULL;
    if (named)
      return has_members (value) ? metadata_new (value) : NULL;
    named = g_strcmp0 (weir_amf_value_get_string (value, NULL), "onMetaData") == 0;
    if (!named && g_strcmp0 (weir_amf_value_get_string (value, NULL), "@setDataFrame") != 0)
      return NULL;
  }
  return NULL;
}

void
weir_rtmp_metadata_free (WeirRtmpMetadata *self)
{
  if (self == NULL)
    return;
  for (guint kind = 0; kind < G_N_ELEMENTS (self->tracks); kind++) {
    for (guint i = 0; i < self->counts[kind]; i++) {
      g_free (self->tracks[kind][i].language);
      g_free (self->tracks[kind][i].label);
    }
    g_free (self->tracks[kind]);
  }
  g_free (self);
}

const WeirRtmpTrackInfo *
weir_rtmp_metadata_get_track (const WeirRtmpMetadata *self, WeirMediaKind kind, guint track_id)
{
  return find_track (self, kind, track_id);
}

/* ---- colours ---- */

/* a code point of H.273; what is none, or reserved, is unspecified */
static guint8
get_code_point (const WeirAmfValue *object, const gchar *name, guint first)
{
  const WeirAmfValue *value = weir_amf_value_get_member (object, name);
  gdouble number;

  if (value == NULL || weir_amf_value_get_type (value) != WEIR_AMF_NUMBER)
    return UNSPECIFIED;
  number = weir_amf_value_get_number (value);
  return number >= first && number <= 255 ? (guint8) number : UNSPECIFIED;
}

static gboolean
get_chromaticity (const WeirAmfValue *object, const gchar *name, guint16 *coordinate)
{
  gdouble number = get_number (object, name, 1);

  *coordinate = (guint16) round (number * 50000);
  return number > 0;
}

static void
take_mastering (WeirColour *colour, const WeirAmfValue *object)
{
  static const gchar *const names[3][2] = {
      {"redX", "redY"}, {"greenX", "greenY"}, {"blueX", "blueY"}};
  gdouble max = get_number (object, "maxLuminance", LUMINANCE_MAX);
  gdouble min = get_number (object, "minLuminance", LUMINANCE_MAX);
  gboolean valid = max > min;

  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < 2; j++)
      valid &= get_chromaticity (object, names[i][j], &colour->display_primaries[i][j]);
  }
  valid &= get_chromaticity (object, "whitePointX", &colour->white_point[0]);
  valid &= get_chromaticity (object, "whitePointY", &colour->white_point[1]);
  colour->luminance_max = (guint32) round (max * 10000);
  colour->luminance_min = (guint32) round (min * 10000);
  colour->has_mastering = valid;
  if (!valid) {
    memset (colour->display_primaries, 0, sizeof colour->display_primaries);
    memset (colour->white_point, 0, sizeof colour->white_point);
    colour->luminance_max = colour->luminance_min = 0;
  }
}

/* a level that is there, but below one half, is not none */
static guint16
get_light_level (const WeirAmfValue *object, const gchar *name)
{
  gdouble number = get_number (object, name, LUMINANCE_MAX);

  return number > 0 ? (guint16) MAX (round (number), 1) : 0;
}

static void
take_light_level (WeirColour *colour, const WeirAmfValue *object)
{
  colour->content_light_max = get_light_level (object, "maxCLL");
  colour->picture_average_light_max = get_light_level (object, "maxFall");
  colour->has_light_level = colour->content_light_max > 0 || colour->picture_average_light_max > 0;
}

static WeirRtmpColourChange
read_colour (const WeirAmfValue *value, WeirColour *result)
{
  WeirColour colour = {0};
  const WeirAmfValue *config, *mastering, *light_level;

  if (weir_amf_value_get_type (value) == WEIR_AMF_UNDEFINED ||
      weir_amf_value_get_type (value) == WEIR_AMF_NULL)
    return WEIR_RTMP_COLOUR_RESET;
  if (!has_members (value))
    return WEIR_RTMP_COLOUR_NOTHING;
  config = weir_amf_value_get_member (value, "colorConfig");
  mastering = weir_amf_value_get_member (value, "hdrMdcv");
  light_level = weir_amf_value_get_member (value, "hdrCll");
  colour.primaries = get_code_point (config, "colorPrimaries", 1);
  colour.transfer = get_code_point (config, "transferCharacteristics", 1);
  colour.matrix = get_code_point (config, "matrixCoefficients", 0);
  take_mastering (&colour, mastering);
  take_light_level (&colour, light_level);
  if (colour.primaries == UNSPECIFIED && colour.transfer == UNSPECIFIED &&
      colour.matrix == UNSPECIFIED && !colour.has_mastering && !colour.has_light_level)
    return WEIR_RTMP_COLOUR_RESET;
  *result = colour;
  return WEIR_RTMP_COLOUR_SET;
}

WeirRtmpColourChange
weir_rtmp_colour_parse (
    const guint8 *data, gsize size, const WeirAmfLimits *limits, WeirColour *colour)
{
  WeirRtmpColourChange change = WEIR_RTMP_COLOUR_NOTHING;
  guint values_left = limits->values_max;
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  for (guint i = 0; i < PAIRS_MAX && weir_reader_remaining (&reader) > 0; i++) {
    g_autoptr (WeirAmfValue) name = weir_amf_parse (&reader, limits, &values_left);
    g_autoptr (WeirAmfValue) value = NULL;
    WeirRtmpColourChange next = WEIR_RTMP_COLOUR_NOTHING;

    if (name != NULL)
      value = weir_amf_parse (&reader, limits, &values_left);
    if (value == NULL)
      break;
    if (g_strcmp0 (weir_amf_value_get_string (name, NULL), "colorInfo") == 0)
      next = read_colour (value, colour);
    if (next != WEIR_RTMP_COLOUR_NOTHING)
      change = next;
  }
  return change;
}
