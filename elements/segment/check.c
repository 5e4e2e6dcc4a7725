/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/check.h"

#include "codec/codec.h"
#include "segment/box.h"

#define FAULTS_MAX 100
#define TRACKS_MAX 64
/* of a sample entry before its boxes (ISO/IEC 14496-12, 12.1.3, 12.2.3) */
#define VIDEO_ENTRY_SIZE 78
#define AUDIO_ENTRY_SIZE 28

#define T(name) WEIR_BOX_TYPE ((name)[0], (name)[1], (name)[2], (name)[3])

enum {
  TFHD_BASE_DATA_OFFSET = 0x000001,
  TFHD_DESCRIPTION_INDEX = 0x000002,
  TFHD_DEFAULT_DURATION = 0x000008,
  TFHD_DEFAULT_SIZE = 0x000010,
  TFHD_DEFAULT_FLAGS = 0x000020,
  TFHD_DEFAULT_BASE_IS_MOOF = 0x020000,
  TRUN_DATA_OFFSET = 0x000001,
  TRUN_FIRST_FLAGS = 0x000004,
  TRUN_DURATION = 0x000100,
  TRUN_SIZE = 0x000200,
  TRUN_FLAGS = 0x000400,
  TRUN_COMPOSITION_OFFSET = 0x000800,
  SAMPLE_IS_NOT_SYNC = 0x010000,
};

typedef struct {
  guint32 duration, size, flags;
  gboolean has_duration, has_size, has_flags;
} Defaults;

/* what is needed of a track beside what is told of it; parallel to the public array */
typedef struct {
  gboolean present; /* in the newest init */
  gboolean started; /* a chunk was seen */
  gboolean begun;   /* a sample was seen in the segment that is looked at */
  gboolean may_jump;
  guint32 sequence; /* of its newest chunk */
  Defaults defaults;
  WeirCodecConfig *config; /* (nullable): not a codec that is looked into */
} TrackState;

struct _WeirCheck {
  GPtrArray *faults;
  GArray *tracks; /* of WeirCheckTrack */
  GArray *states; /* of TrackState */
  gboolean has_init;
};

/* one track fragment, without what the samples say */
typedef struct {
  guint32 track_id;
  guint32 flags;
  Defaults defaults;
  gboolean has_decode_time;
  guint64 decode_time;
} Fragment;

/* where in its segment a chunk is looked at */
typedef struct {
  const gchar *name;
  gsize offset; /* of the moof */
  gboolean starts_with_sync;
  gboolean sequence_seen;
  guint32 sequence;
} Segment;

static void
clear_state (gpointer data)
{
  TrackState *state = data;

  g_clear_pointer (&state->config, weir_codec_config_unref);
}

WeirCheck *
weir_check_new (void)
{
  WeirCheck *self = g_new0 (WeirCheck, 1);

  self->faults = g_ptr_array_new_with_free_func (g_free);
  self->tracks = g_array_new (FALSE, TRUE, sizeof (WeirCheckTrack));
  self->states = g_array_new (FALSE, TRUE, sizeof (TrackState));
  g_array_set_clear_func (self->states, clear_state);
  return self;
}

void
weir_check_free (WeirCheck *self)
{
  g_ptr_array_unref (self->faults);
  g_array_unref (self->tracks);
  g_array_unref (self->states);
  g_free (self);
}

GPtrArray *
weir_check_get_faults (WeirCheck *self)
{
  return self->faults;
}

GArray *
weir_check_get_tracks (WeirCheck *self)
{
  return self->tracks;
}

static void G_GNUC_PRINTF (4, 5)
    fault (WeirCheck *self, const gchar *name, gsize offset, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list arguments;

  if (self->faults->len >= FAULTS_MAX)
    return;
  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (
      self->faults, g_strdup_printf ("%s: at %" G_GSIZE_FORMAT ": %s", name, offset, what));
}

/* a box type as it can be printed */
static const gchar *
type_name (guint32 type, gchar name[5])
{
  for (guint i = 0; i < 4; i++) {
    gchar character = (gchar) (type >> (24 - 8 * i));

    name[i] = g_ascii_isprint (character) ? character : '?';
  }
  name[4] = '\0';
  return name;
}

static void
read_full_box (WeirReader *reader, guint *version, guint32 *flags)
{
  *version = weir_reader_u8 (reader);
  *flags = weir_reader_u24 (reader);
}

/* ---------------------------------------------------------------------------------------- init */

/* Returns: index of the track, -1 when it is not known */
static gint
find_track (WeirCheck *self, guint32 track_id)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    if (g_array_index (self->tracks, WeirCheckTrack, i).track_id == track_id)
      return (gint) i;
  }
  return -1;
}

static guint64
rescale (guint64 ticks, guint32 to, guint32 from)
{
  return ticks / from * to + ticks % from * to / from;
}

static gint
add_track (WeirCheck *self, guint32 track_id, guint32 timescale, gboolean video)
{
  gint place = find_track (self, track_id);
  WeirCheckTrack *track;

  if (place < 0) {
    g_array_set_size (self->tracks, self->tracks->len + 1);
    g_array_set_size (self->states, self->states->len + 1);
    place = (gint) self->tracks->len - 1;
  }
  track = &g_array_index (self->tracks, WeirCheckTrack, place);
  if (track->timescale != 0 && track->timescale != timescale) {
    /* the timeline goes on in other ticks */
    track->first_decode_time = rescale (track->first_decode_time, timescale, track->timescale);
    track->end_decode_time = rescale (track->end_decode_time, timescale, track->timescale);
    track->duration = rescale (track->duration, timescale, track->timescale);
  }
  track->track_id = track_id;
  track->timescale = timescale;
  track->video = video;
  return place;
}

static gboolean
find_child (
    WeirCheck *self, const gchar *name, const WeirBox *parent, const gchar *type, WeirBox *box)
{
  gchar parent_name[5];

  if (weir_box_find (&parent->payload, T (type), box))
    return TRUE;
  fault (self, name, parent->offset, "%s without %s", type_name (parent->type, parent_name), type);
  return FALSE;
}

/* dOps says the same as the ID header, in the other byte order (RFC 7845, 5.1) */
static GBytes *
make_opus_record (const WeirReader *payload)
{
  WeirReader reader = *payload;
  guint8 version = weir_reader_u8 (&reader);
  WeirWriter writer;
  gsize size;

  if (version != 0)
    return g_bytes_new (NULL, 0);
  weir_writer_init (&writer, 32);
  weir_writer_bytes (&writer, "OpusHead", 8);
  weir_writer_u8 (&writer, 1);
  weir_writer_u8 (&writer, weir_reader_u8 (&reader));
  weir_writer_u16 (&writer, weir_reader_u16_le (&reader));
  weir_writer_u32_le (&writer, weir_reader_u32 (&reader));
  weir_writer_u16 (&writer, weir_reader_u16_le (&reader));
  size = reader.failed ? 0 : weir_reader_remaining (&reader); /* the family and its table */
  weir_writer_bytes (&writer, weir_reader_bytes (&reader, size), size);
  return weir_writer_steal (&writer);
}

static GBytes *
make_flac_record (const WeirReader *payload)
{
  WeirReader reader = *payload;
  WeirWriter writer;
  gsize size;

  if (weir_reader_u32 (&reader) != 0 || reader.failed) /* version, flags */
    return g_bytes_new (NULL, 0);
  weir_writer_init (&writer, 48);
  weir_writer_fourcc (&writer, "fLaC");
  size = weir_reader_remaining (&reader);
  weir_writer_bytes (&writer, weir_reader_bytes (&reader, size), size);
  return weir_writer_steal (&writer);
}

/* into a descriptor (ISO/IEC 14496-1, 8.3.3) */
static gboolean
enter_descriptor (WeirReader *reader, guint8 tag)
{
  guint8 byte = 0x80, type = weir_reader_u8 (reader);
  WeirReader inner;
  gsize size = 0;

  for (guint i = 0; i < 4 && (byte & 0x80) != 0; i++) {
    byte = weir_reader_u8 (reader);
    size = size << 7 | (byte & 0x7f);
  }
  if (type != tag || !weir_reader_sub (reader, size, &inner))
    return FALSE;
  *reader = inner;
  return TRUE;
}

/* the AudioSpecificConfig of esds. Returns: (nullable): NULL: it is not of AAC */
static GBytes *
make_aac_record (const WeirReader *payload)
{
  WeirReader reader = *payload;
  guint8 flags, object_type;
  gsize size;

  weir_reader_skip (&reader, 4); /* version, flags */
  if (!enter_descriptor (&reader, 3))
    return g_bytes_new (NULL, 0);
  weir_reader_skip (&reader, 2);
  flags = weir_reader_u8 (&reader);
  /* dependsOn_ES_ID, URL, OCR_ES_Id do not belong into files */
  if ((flags & 0xe0) != 0 || !enter_descriptor (&reader, 4))
    return g_bytes_new (NULL, 0);
  object_type = weir_reader_u8 (&reader);
  if (!reader.failed && object_type != 0x40) /* ISO/IEC 14496-3 */
    return NULL;
  weir_reader_skip (&reader, 12);
  if (!enter_descriptor (&reader, 5))
    return g_bytes_new (NULL, 0);
  size = weir_reader_remaining (&reader);
  return g_bytes_new (weir_reader_bytes (&reader, size), size);
}

/* where a sample entry keeps the configuration record of its codec */
static const struct {
  const gchar *entry;
  const gchar *box;
  WeirCodec codec;
  /* (nullable): makes the record of the payload of @box, of no bytes when it is broken; NULL: it is
   * the record */
  GBytes *(*make_record) (const WeirReader *payload);
} entries[] = {
    {"avc1", "avcC", WEIR_CODEC_AVC, NULL},
    {"avc3", "avcC", WEIR_CODEC_AVC, NULL},
    {"hvc1", "hvcC", WEIR_CODEC_HEVC, NULL},
    {"hev1", "hvcC", WEIR_CODEC_HEVC, NULL},
    {"av01", "av1C", WEIR_CODEC_AV1, NULL},
    {"vp08", "vpcC", WEIR_CODEC_VP8, NULL},
    {"vp09", "vpcC", WEIR_CODEC_VP9, NULL},
    {"mp4a", "esds", WEIR_CODEC_AAC, make_aac_record},
    {"Opus", "dOps", WEIR_CODEC_OPUS, make_opus_record},
    {"fLaC", "dfLa", WEIR_CODEC_FLAC, make_flac_record},
    {"ac-3", "dac3", WEIR_CODEC_AC3, NULL},
    {"ec-3", "dec3", WEIR_CODEC_EAC3, NULL},
};

static WeirCodecConfig *
read_config (WeirCheck *self, const gchar *name, const WeirBox *entry, guint kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) record = NULL;
  WeirReader reader = entry->payload;
  WeirCodecConfig *config;
  WeirBox box;
  gsize size;

  if (!weir_reader_skip (&reader, weir_codec_get_kind (entries[kind].codec) == WEIR_MEDIA_VIDEO
                                      ? VIDEO_ENTRY_SIZE
                                      : AUDIO_ENTRY_SIZE) ||
      !weir_box_find (&reader, T (entries[kind].box), &box)) {
    fault (self, name, entry->offset, "%s without %s", entries[kind].entry, entries[kind].box);
    return NULL;
  }
  size = weir_reader_remaining (&box.payload);
  record = entries[kind].make_record != NULL
               ? entries[kind].make_record (&box.payload)
               : g_bytes_new (weir_reader_bytes (&box.payload, size), size);
  if (record == NULL)
    return NULL;
  config = weir_codec_config_parse (entries[kind].codec, record, &error);
  if (config == NULL)
    fault (self, name, entry->offset, "%s: %s", entries[kind].box, error->message);
  return config;
}

static void
check_sample_table (WeirCheck *self, const gchar *name, const WeirBox *table, TrackState *state)
{
  static const struct {
    const gchar *type;
    gsize count_offset;
  } tables[] = {{"stts", 4}, {"stsc", 4}, {"stsz", 8}, {"stco", 4}};
  WeirBox box, entry;

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    if (!find_child (self, name, table, tables[i].type, &box))
      continue;
    weir_reader_skip (&box.payload, tables[i].count_offset);
    if (weir_reader_u32 (&box.payload) != 0 || box.payload.failed)
      fault (self, name, box.offset, "%s is not empty", tables[i].type);
  }
  if (!find_child (self, name, table, "stsd", &box))
    return;
  weir_reader_skip (&box.payload, 4);
  if (weir_reader_u32 (&box.payload) != 1 || !weir_box_read (&box.payload, &entry)) {
    fault (self, name, box.offset, "stsd does not hold one sample entry");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    if (entry.type == T (entries[i].entry)) {
      state->config = read_config (self, name, &entry, i);
      return;
    }
  }
}

static void
check_trak (WeirCheck *self, const gchar *name, const WeirBox *trak, gboolean edits_allowed)
{
  WeirBox tkhd, mdia, mdhd, hdlr, minf, stbl, edits;
  guint32 track_id, timescale, handler, flags;
  TrackState *state;
  guint version;
  gint place;

  if (!edits_allowed && weir_box_find (&trak->payload, T ("edts"), &edits))
    fault (self, name, edits.offset, "edit list in a cmf2 track");
  if (!find_child (self, name, trak, "tkhd", &tkhd) ||
      !find_child (self, name, trak, "mdia", &mdia) ||
      !find_child (self, name, &mdia, "mdhd", &mdhd) ||
      !find_child (self, name, &mdia, "hdlr", &hdlr) ||
      !find_child (self, name, &mdia, "minf", &minf) ||
      !find_child (self, name, &minf, "stbl", &stbl))
    return;
  read_full_box (&tkhd.payload, &version, &flags);
  weir_reader_skip (&tkhd.payload, version == 1 ? 16 : 8);
  track_id = weir_reader_u32 (&tkhd.payload);
  read_full_box (&mdhd.payload, &version, &flags);
  weir_reader_skip (&mdhd.payload, version == 1 ? 16 : 8);
  timescale = weir_reader_u32 (&mdhd.payload);
  weir_reader_skip (&hdlr.payload, 8);
  handler = weir_reader_u32 (&hdlr.payload);
  if (tkhd.payload.failed || mdhd.payload.failed || hdlr.payload.failed) {
    fault (self, name, trak->offset, "header of a track cut short");
    return;
  }
  if (track_id == 0 || timescale == 0) {
    fault (self, name, trak->offset, "track_ID or timescale is 0");
    return;
  }
  if (self->tracks->len >= TRACKS_MAX && find_track (self, track_id) < 0) {
    fault (self, name, trak->offset, "more than %d tracks", TRACKS_MAX);
    return;
  }

  place = add_track (self, track_id, timescale, handler == T ("vide"));
  state = &g_array_index (self->states, TrackState, place);
  if (state->present) {
    fault (self, name, trak->offset, "track_ID %u twice", track_id);
    return;
  }
  state->present = TRUE;
  check_sample_table (self, name, &stbl, state);
}

static void
check_mvex (WeirCheck *self, const gchar *name, const WeirBox *moov)
{
  g_autofree gboolean *extended = g_new0 (gboolean, self->tracks->len + 1);
  WeirReader reader;
  WeirBox mvex, trex;

  if (!find_child (self, name, moov, "mvex", &mvex))
    return;
  reader = mvex.payload;
  while (weir_box_read (&reader, &trex)) {
    TrackState *state;
    Defaults defaults = {.has_duration = TRUE, .has_size = TRUE, .has_flags = TRUE};
    gint place;

    if (trex.type != T ("trex"))
      continue;
    weir_reader_skip (&trex.payload, 4);
    place = find_track (self, weir_reader_u32 (&trex.payload));
    weir_reader_skip (&trex.payload, 4);
    defaults.duration = weir_reader_u32 (&trex.payload);
    defaults.size = weir_reader_u32 (&trex.payload);
    defaults.flags = weir_reader_u32 (&trex.payload);
    state = place >= 0 ? &g_array_index (self->states, TrackState, place) : NULL;
    if (trex.payload.failed || state == NULL || !state->present || extended[place]) {
      fault (self, name, trex.offset, "trex is not of one track");
      continue;
    }
    state->defaults = defaults;
    extended[place] = TRUE;
  }
  if (reader.failed)
    fault (self, name, mvex.offset + reader.position, "broken box in mvex");
  for (guint i = 0; i < self->tracks->len; i++) {
    if (g_array_index (self->states, TrackState, i).present && !extended[i])
      fault (self, name, mvex.offset, "no trex for track %u",
          g_array_index (self->tracks, WeirCheckTrack, i).track_id);
  }
}

static gboolean
has_brand (const WeirBox *box, const gchar *brand)
{
  WeirReader reader = box->payload;
  guint32 read = weir_reader_u32 (&reader);

  weir_reader_skip (&reader, 4);
  while (!reader.failed) {
    if (read == T (brand))
      return TRUE;
    read = weir_reader_u32 (&reader);
  }
  return FALSE;
}

static void
check_moov (WeirCheck *self, const gchar *name, const WeirBox *moov, gboolean edits_allowed)
{
  WeirReader reader = moov->payload;
  guint tracks = 0;
  WeirBox box;

  for (guint i = 0; i < self->states->len; i++) {
    TrackState *state = &g_array_index (self->states, TrackState, i);

    state->present = FALSE;
    g_clear_pointer (&state->config, weir_codec_config_unref);
  }
  find_child (self, name, moov, "mvhd", &box);
  while (weir_box_read (&reader, &box)) {
    if (box.type != T ("trak"))
      continue;
    tracks++;
    check_trak (self, name, &box, edits_allowed);
  }
  if (reader.failed)
    fault (self, name, moov->offset + moov->header_size + reader.position, "broken box in moov");
  if (tracks == 0)
    fault (self, name, moov->offset, "moov without tracks");
  check_mvex (self, name, moov);
  self->has_init = TRUE;
}

void
weir_check_init_segment (WeirCheck *self, const gchar *name, const guint8 *data, gsize size)
{
  gboolean ftyp = FALSE, moov = FALSE, edits_allowed = TRUE;
  gchar type[5];
  WeirReader reader;
  WeirBox box;

  weir_reader_init (&reader, data, size);
  while (weir_box_read (&reader, &box)) {
    if (box.type == T ("ftyp") && !ftyp && !moov) {
      ftyp = TRUE;
      if (!has_brand (&box, "cmfc") && !has_brand (&box, "cmf2"))
        fault (self, name, box.offset, "no CMAF brand in ftyp");
      edits_allowed = !has_brand (&box, "cmf2");
    } else if (box.type == T ("moov") && !moov) {
      moov = TRUE;
      check_moov (self, name, &box, edits_allowed);
    } else {
      fault (self, name, box.offset, "%s does not belong there", type_name (box.type, type));
    }
  }
  if (reader.failed)
    fault (self, name, reader.position, "broken or incomplete box");
  if (!ftyp)
    fault (self, name, 0, "no ftyp");
  if (!moov)
    fault (self, name, 0, "no moov");
}

/* ------------------------------------------------------------------------------------ segments */

/* tfhd and tfdt. Returns: FALSE when the fragment cannot be looked into */
static gboolean
read_fragment (const WeirBox *traf, Fragment *fragment)
{
  WeirBox tfhd, tfdt;
  guint version;
  guint32 flags;

  if (!weir_box_find (&traf->payload, T ("tfhd"), &tfhd))
    return FALSE;
  read_full_box (&tfhd.payload, &version, &fragment->flags);
  fragment->track_id = weir_reader_u32 (&tfhd.payload);
  if (fragment->flags & TFHD_BASE_DATA_OFFSET)
    weir_reader_skip (&tfhd.payload, 8);
  if (fragment->flags & TFHD_DESCRIPTION_INDEX)
    weir_reader_skip (&tfhd.payload, 4);
  if (fragment->flags & TFHD_DEFAULT_DURATION) {
    fragment->defaults.has_duration = TRUE;
    fragment->defaults.duration = weir_reader_u32 (&tfhd.payload);
  }
  if (fragment->flags & TFHD_DEFAULT_SIZE) {
    fragment->defaults.has_size = TRUE;
    fragment->defaults.size = weir_reader_u32 (&tfhd.payload);
  }
  if (fragment->flags & TFHD_DEFAULT_FLAGS) {
    fragment->defaults.has_flags = TRUE;
    fragment->defaults.flags = weir_reader_u32 (&tfhd.payload);
  }
  if (tfhd.payload.failed)
    return FALSE;
  if (weir_box_find (&traf->payload, T ("tfdt"), &tfdt)) {
    read_full_box (&tfdt.payload, &version, &flags);
    fragment->decode_time =
        version == 1 ? weir_reader_u64 (&tfdt.payload) : weir_reader_u32 (&tfdt.payload);
    fragment->has_decode_time = !tfdt.payload.failed;
  }
  return TRUE;
}

typedef struct {
  guint32 flags;
  guint32 count;
  guint32 data_offset;
  guint32 first_flags;
  WeirReader samples;
} Run;

static gboolean
read_run (const WeirBox *trun, Run *run)
{
  WeirReader reader = trun->payload;
  guint fields, version;

  read_full_box (&reader, &version, &run->flags);
  run->count = weir_reader_u32 (&reader);
  run->data_offset = run->flags & TRUN_DATA_OFFSET ? weir_reader_u32 (&reader) : 0;
  run->first_flags = run->flags & TRUN_FIRST_FLAGS ? weir_reader_u32 (&reader) : 0;
  fields = ((run->flags & TRUN_DURATION) != 0) + ((run->flags & TRUN_SIZE) != 0) +
           ((run->flags & TRUN_FLAGS) != 0) + ((run->flags & TRUN_COMPOSITION_OFFSET) != 0);
  run->samples = reader;
  return !reader.failed && (guint64) run->count * fields * 4 == weir_reader_remaining (&reader);
}

static void
read_sample (Run *run, guint32 index, const Defaults *defaults, Defaults *sample)
{
  *sample = *defaults;
  if (run->flags & TRUN_DURATION)
    sample->duration = weir_reader_u32 (&run->samples);
  if (run->flags & TRUN_SIZE)
    sample->size = weir_reader_u32 (&run->samples);
  if (run->flags & TRUN_FLAGS)
    sample->flags = weir_reader_u32 (&run->samples);
  else if (index == 0 && (run->flags & TRUN_FIRST_FLAGS))
    sample->flags = run->first_flags;
  if (run->flags & TRUN_COMPOSITION_OFFSET)
    weir_reader_skip (&run->samples, 4);
}

static void
check_sample (
    WeirCheck *self, Segment *segment, gint place, const Defaults *sample, WeirReader *media)
{
  WeirCheckTrack *track = &g_array_index (self->tracks, WeirCheckTrack, place);
  TrackState *state = &g_array_index (self->states, TrackState, place);
  gboolean sync = (sample->flags & SAMPLE_IS_NOT_SYNC) == 0;
  gsize offset = segment->offset;
  const guint8 *data = weir_reader_bytes (media, sample->size);
  WeirSampleInfo info;

  if (sample->duration == 0)
    fault (self, segment->name, offset, "sample of duration 0 in track %u", track->track_id);
  if (track->video && !state->begun && segment->starts_with_sync && !sync)
    fault (self, segment->name, offset, "cmfs segment whose first video sample is no sync sample");
  state->begun = TRUE;
  track->samples++;
  track->duration += sample->duration;
  track->end_decode_time += sample->duration;
  if (data == NULL || state->config == NULL)
    return;
  info = weir_codec_config_inspect_sample (state->config, data, sample->size);
  if (!info.valid)
    fault (self, segment->name, offset, "framing of a sample in track %u does not add up",
        track->track_id);
  else if (track->video && sync && !info.keyframe)
    fault (self, segment->name, offset, "sync sample in track %u is no keyframe", track->track_id);
}

static void
check_run (WeirCheck *self, Segment *segment, gint place, const Fragment *fragment,
    const WeirBox *trun, gboolean first, gsize mdat_offset, WeirReader *media)
{
  const TrackState *state = &g_array_index (self->states, TrackState, place);
  Defaults defaults = fragment->defaults;
  Run run;

  if (!defaults.has_duration)
    defaults.duration = state->defaults.duration;
  if (!defaults.has_size)
    defaults.size = state->defaults.size;
  if (!defaults.has_flags)
    defaults.flags = state->defaults.flags;

  if (!read_run (trun, &run)) {
    fault (self, segment->name, segment->offset, "trun does not hold its samples");
    return;
  }
  if ((run.flags & TRUN_DATA_OFFSET) == 0 && first)
    fault (self, segment->name, segment->offset, "trun without data offset");
  else if ((run.flags & TRUN_DATA_OFFSET) != 0 &&
           segment->offset + run.data_offset != mdat_offset + media->position)
    fault (self, segment->name, segment->offset,
        "data offset %u does not point to the run's samples", run.data_offset);
  /* also bounds the work: without this a count alone costs nothing to send */
  if (run.count > weir_reader_remaining (media)) {
    fault (self, segment->name, segment->offset, "trun with more samples than mdat has bytes");
    weir_reader_skip (media, weir_reader_remaining (media));
    return;
  }
  for (guint32 i = 0; i < run.count; i++) {
    Defaults sample;

    read_sample (&run, i, &defaults, &sample);
    check_sample (self, segment, place, &sample, media);
  }
}

static void
check_decode_time (WeirCheck *self, Segment *segment, gint place, const Fragment *fragment)
{
  WeirCheckTrack *track = &g_array_index (self->tracks, WeirCheckTrack, place);
  TrackState *state = &g_array_index (self->states, TrackState, place);

  if (!fragment->has_decode_time) {
    fault (self, segment->name, segment->offset, "traf of track %u without tfdt", track->track_id);
    return;
  }
  if (!state->started) {
    track->first_decode_time = fragment->decode_time;
  } else if (fragment->decode_time != track->end_decode_time) {
    if (state->may_jump && fragment->decode_time > track->end_decode_time)
      track->gaps++;
    else
      fault (self, segment->name, segment->offset,
          "tfdt %" G_GUINT64_FORMAT " of track %u does not continue at %" G_GUINT64_FORMAT,
          fragment->decode_time, track->track_id, track->end_decode_time);
  }
  state->started = TRUE;
  state->may_jump = FALSE;
  track->end_decode_time = fragment->decode_time;
}

static void
check_sequence (WeirCheck *self, Segment *segment, gint place, const WeirBox *moof)
{
  TrackState *state = &g_array_index (self->states, TrackState, place);
  guint32 sequence;
  WeirBox mfhd;

  if (!find_child (self, segment->name, moof, "mfhd", &mfhd))
    return;
  weir_reader_skip (&mfhd.payload, 4);
  sequence = weir_reader_u32 (&mfhd.payload);
  /* chunks of two open segments interleave, so between objects each track counts on its own */
  if (mfhd.payload.failed || (segment->sequence_seen && sequence <= segment->sequence) ||
      (state->started && sequence <= state->sequence))
    fault (self, segment->name, segment->offset, "sequence number %u does not grow", sequence);
  segment->sequence_seen = TRUE;
  segment->sequence = sequence;
  state->sequence = sequence;
}

static void
check_chunk (WeirCheck *self, Segment *segment, const WeirBox *moof, const WeirBox *mdat)
{
  Fragment fragment = {0};
  WeirReader reader = moof->payload, media = mdat->payload;
  WeirBox box, traf;
  guint trafs = 0, runs = 0;
  gint place;

  segment->offset = moof->offset;
  while (weir_box_read (&reader, &box)) {
    if (box.type != T ("traf"))
      continue;
    trafs++;
    traf = box;
  }
  if (reader.failed)
    fault (self, segment->name, moof->offset, "broken box in moof");
  if (trafs != 1) {
    fault (self, segment->name, moof->offset, "moof with %u traf boxes", trafs);
    return;
  }
  if (!read_fragment (&traf, &fragment)) {
    fault (self, segment->name, moof->offset, "traf without a whole tfhd");
    return;
  }
  place = find_track (self, fragment.track_id);
  if (place < 0 || !g_array_index (self->states, TrackState, place).present) {
    fault (self, segment->name, moof->offset, "track %u is not in the init", fragment.track_id);
    return;
  }
  if (fragment.flags & TFHD_BASE_DATA_OFFSET)
    fault (self, segment->name, moof->offset, "tfhd with base-data-offset");
  if ((fragment.flags & TFHD_DEFAULT_BASE_IS_MOOF) == 0)
    fault (self, segment->name, moof->offset, "tfhd without default-base-is-moof");

  check_sequence (self, segment, place, moof);
  check_decode_time (self, segment, place, &fragment);
  reader = traf.payload;
  while (weir_box_read (&reader, &box)) {
    if (box.type != T ("trun"))
      continue;
    check_run (
        self, segment, place, &fragment, &box, runs == 0, mdat->offset + mdat->header_size, &media);
    runs++;
  }
  if (reader.failed)
    fault (self, segment->name, moof->offset, "broken box in traf");
  if (runs == 0)
    fault (self, segment->name, moof->offset, "traf without trun");
  else if (media.failed)
    fault (self, segment->name, moof->offset, "samples reach beyond mdat");
  else if (weir_reader_remaining (&media) > 0)
    fault (self, segment->name, moof->offset, "%" G_GSIZE_FORMAT " bytes of mdat are no sample",
        weir_reader_remaining (&media));
}

static gboolean
may_stand_before_moof (guint32 type)
{
  return type == T ("prft") || type == T ("emsg") || type == T ("sidx");
}

void
weir_check_segment (WeirCheck *self, const gchar *name, const guint8 *data, gsize size,
    gboolean after_discontinuity)
{
  Segment segment = {.name = name};
  gboolean has_moof = FALSE;
  guint chunks = 0;
  gchar type[5];
  WeirReader reader;
  WeirBox box, moof;

  if (!self->has_init)
    fault (self, name, 0, "segment before an init");
  for (guint i = 0; i < self->states->len; i++) {
    TrackState *state = &g_array_index (self->states, TrackState, i);

    state->begun = FALSE;
    state->may_jump |= after_discontinuity;
  }

  weir_reader_init (&reader, data, size);
  while (weir_box_read (&reader, &box)) {
    if (box.offset == 0) {
      if (box.type == T ("styp")) {
        segment.starts_with_sync = weir_reader_u32 (&box.payload) == T ("cmfs");
        continue;
      }
      fault (self, name, 0, "segment without styp");
    }
    if (has_moof != (box.type == T ("mdat"))) {
      fault (self, name, box.offset, "%s %s", type_name (box.type, type),
          has_moof ? "where the mdat of a moof should be" : "without its moof");
      has_moof = FALSE;
    }
    if (box.type == T ("moof")) {
      moof = box;
      has_moof = TRUE;
    } else if (box.type == T ("mdat")) {
      if (has_moof)
        check_chunk (self, &segment, &moof, &box);
      has_moof = FALSE;
      chunks++;
    } else if (!may_stand_before_moof (box.type)) {
      fault (self, name, box.offset, "%s does not belong there", type_name (box.type, type));
    }
  }
  if (reader.failed)
    fault (self, name, reader.position, "broken or incomplete box");
  else if (has_moof)
    fault (self, name, moof.offset, "moof without mdat");
  if (chunks == 0)
    fault (self, name, 0, "segment without chunks");
}

/* Returns: the size of the init or segment at the front: up to the next ftyp or styp, or, behind a
 * moov, the next box */
static gsize
measure_piece (const guint8 *data, gsize size, gboolean *is_init)
{
  WeirReader reader;
  WeirBox box;
  gboolean moov = FALSE;

  *is_init = FALSE;
  weir_reader_init (&reader, data, size);
  while (weir_box_read (&reader, &box)) {
    gboolean starts = box.type == T ("ftyp") || box.type == T ("styp");

    if (box.offset == 0)
      *is_init = box.type == T ("ftyp") || box.type == T ("moov");
    else if (starts || moov)
      return box.offset;
    moov = moov || box.type == T ("moov");
  }
  return size;
}

void
weir_check_any (WeirCheck *self, const gchar *name, const guint8 *data, gsize size)
{
  gboolean after_init = FALSE;

  if (size == 0)
    fault (self, name, 0, "empty");
  while (size > 0) {
    gboolean is_init;
    gsize piece = measure_piece (data, size, &is_init);

    if (is_init)
      weir_check_init_segment (self, name, data, piece);
    else
      weir_check_segment (self, name, data, piece, after_init);
    after_init = is_init;
    data += piece;
    size -= piece;
  }
}
