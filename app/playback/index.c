/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "playback/index.h"

#include "playback/hls.h"
#include "segment/init.h"

#include <json-glib/json-glib.h>
#include <unistd.h>

/* no broadcast has more; keeps numbers from a damaged entry from growing arrays */
#define TRACKS_MAX 64
/* gaps in a row that a window is made of anew: more than it ever lists */
#define GAPS_MAX 4096
/* that the window lists before it lets go of the media before them */
#define WINDOW_GAPS_MAX 256
/* likewise for sums of times; centuries all the same */
#define TICKS_MAX G_GINT64_CONSTANT (1000000000000000)
#define TIME_MAX (G_MAXINT64 / 4)

/* what was measured of one track in closed segments that hold something of it */
typedef struct {
  guint64 bytes;
  guint64 samples;
  guint64 ticks;
  gint64 duration_ns;
  guint64 run_bytes; /* since the peak was last looked at */
  gint64 run_ns;
  guint64 peak_rate; /* bits per second */
} Measure;

typedef struct {
  Measure whole;   /* over all of them so far */
  Measure current; /* over those of @config */
  WeirCodecConfig *config;
  guint64 first_number; /* of the first segment of @config */
} TrackTotal;

/* the playlists of one view, as made since the last change */
typedef struct {
  GBytes *multivariant; /* (nullable) */
  GBytes *muxed;        /* (nullable) */
  GPtrArray *media;     /* of GBytes or NULL, index = track */
} Playlists;

#define N_VIEWS (WEIR_INDEX_WHOLE + 1)

struct _WeirIndex {
  gatomicrefcount ref_count;
  gchar *broadcast;
  guint window_segments;
  GMutex lock;

  /* below: under the lock */
  GPtrArray *inits;    /* of WeirIndexInit */
  GPtrArray *segments; /* of WeirIndexSegment, numbers grow; closed ones first */
  guint closed;        /* how many of them are closed */
  guint memory_start;  /* none before this one has its bytes in memory */
  /* of WeirIndexSegment, from the first that the window lists: gaps included, media sequence
   * numbers without a hole. What stands behind an open one is not listed yet. */
  GPtrArray *window;
  guint target_duration;
  gboolean ended, recorded;
  gboolean dependent; /* a segment has closed in which a track does not start with a keyframe */
  GArray *totals;     /* of TrackTotal, index = track */
  Playlists playlists[N_VIEWS];

  void (*changed) (WeirIndex *self, gpointer data);
  gpointer changed_data;
};

/* ------------------------------------------------------------------------------------- objects */

WeirBlob *
weir_blob_new (gint fd)
{
  WeirBlob *self = g_new0 (WeirBlob, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = fd;
  return self;
}

WeirBlob *
weir_blob_ref (WeirBlob *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_blob_unref (WeirBlob *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

/* ------------------------------------------------------------------------------------ segments */

static void
track_free (gpointer data)
{
  WeirIndexTrack *self = data;

  if (self->parts != NULL)
    g_array_unref (self->parts);
  g_free (self);
}

WeirIndexSegment *
weir_index_segment_new (guint64 number, guint64 epoch)
{
  WeirIndexSegment *self = g_new0 (WeirIndexSegment, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->number = number;
  self->epoch = epoch;
  self->tracks = g_ptr_array_new_with_free_func (track_free);
  return self;
}

WeirIndexSegment *
weir_index_segment_ref (WeirIndexSegment *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_index_segment_unref (WeirIndexSegment *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->tracks);
  g_clear_pointer (&self->blob, weir_blob_unref);
  g_free (self->name);
  g_free (self);
}

static GArray *
segment_get_parts (const WeirIndexSegment *self, guint track)
{
  WeirIndexTrack *entry;

  if (track >= self->tracks->len)
    return NULL;
  entry = g_ptr_array_index (self->tracks, track);
  return entry != NULL ? entry->parts : NULL;
}

static void
segment_extend (WeirIndexSegment *self, guint n_tracks)
{
  while (self->tracks->len < n_tracks) {
    WeirIndexTrack *track = g_new0 (WeirIndexTrack, 1);

    track->parts = g_array_new (FALSE, FALSE, sizeof (WeirIndexPart));
    g_ptr_array_add (self->tracks, track);
  }
}

void
weir_index_segment_add_part (WeirIndexSegment *self, guint track, const WeirIndexPart *part)
{
  if (track >= TRACKS_MAX)
    return;
  /* what stands before the first chunk is the head of the object */
  if (self->size == 0)
    self->styp_size = part->offset;
  segment_extend (self, track + 1);
  g_array_append_val (segment_get_parts (self, track), *part);
  self->size = MAX (self->size, part->offset + part->size);
}

/* --------------------------------------------------------------------------------------- JSON */

static void
add_number (JsonBuilder *builder, const gchar *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_flag (JsonBuilder *builder, const gchar *name, gboolean value)
{
  if (!value)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, TRUE);
}

static gchar *
builder_to_text (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);

  return json_to_string (root, FALSE);
}

static void
add_part (JsonBuilder *builder, const WeirIndexPart *part)
{
  json_builder_begin_array (builder);
  json_builder_add_int_value (builder, (gint64) part->offset);
  json_builder_add_int_value (builder, (gint64) part->size);
  json_builder_add_int_value (builder, (gint64) part->decode_time);
  json_builder_add_int_value (builder, (gint64) part->duration);
  json_builder_add_int_value (builder, part->independent ? 1 : 0);
  json_builder_add_int_value (builder, part->sample_count);
  json_builder_end_array (builder);
}

gchar *
weir_index_segment_to_json (const WeirIndexSegment *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_number (builder, "number", (gint64) self->number);
  add_number (builder, "epoch", (gint64) self->epoch);
  add_number (builder, "generation", self->init_generation);
  add_flag (builder, "discontinuity", self->discontinuity);
  add_flag (builder, "independent", self->independent);
  add_flag (builder, "salvaged", self->salvaged);
  add_number (builder, "sequence", (gint64) self->media_sequence);
  add_number (builder, "whole", (gint64) self->whole_sequence);
  add_number (builder, "discontinuities", (gint64) self->discontinuity_sequence);
  add_number (builder, "target", self->target_duration);
  add_number (builder, "start", self->start_ns);
  add_number (builder, "duration", self->duration_ns);
  add_number (builder, "date", self->program_date_us);
  add_number (builder, "styp", (gint64) self->styp_size);
  add_number (builder, "size", (gint64) self->size);
  if (self->name != NULL) {
    json_builder_set_member_name (builder, "name");
    json_builder_add_string_value (builder, self->name);
  }
  json_builder_set_member_name (builder, "tracks");
  json_builder_begin_array (builder);
  for (guint track = 0; track < self->tracks->len; track++) {
    GArray *parts = segment_get_parts (self, track);

    json_builder_begin_array (builder);
    for (guint i = 0; parts != NULL && i < parts->len; i++)
      add_part (builder, &g_array_index (parts, WeirIndexPart, i));
    json_builder_end_array (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return builder_to_text (builder);
}

static gboolean
refuse (GError **error, const gchar *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "index entry: %s", what);
  return FALSE;
}

static gboolean
node_is_number (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
         json_node_get_value_type (node) == G_TYPE_INT64;
}

/* @least: smaller ones are refused */
static gboolean
get_number (
    JsonObject *object, const gchar *name, gint64 least, gint64 most, gint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  gint64 number;

  if (!node_is_number (node))
    return refuse (error, name);
  number = json_node_get_int (node);
  if (number < least || number > most)
    return refuse (error, name);
  *value = number;
  return TRUE;
}

static gboolean
get_flag (JsonObject *object, const gchar *name)
{
  return json_object_get_boolean_member_with_default (object, name, FALSE);
}

static gboolean
parse_part (JsonNode *node, WeirIndexPart *part, GError **error)
{
  gint64 values[6];
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node) ||
      json_array_get_length (json_node_get_array (node)) != G_N_ELEMENTS (values))
    return refuse (error, "part");
  array = json_node_get_array (node);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!node_is_number (element) || json_node_get_int (element) < 0)
      return refuse (error, "part");
    values[i] = json_node_get_int (element);
  }
  if (values[0] > G_MAXINT64 - values[1] || values[2] > TICKS_MAX || values[3] > TICKS_MAX ||
      values[5] > G_MAXUINT)
    return refuse (error, "part");
  part->offset = (guint64) values[0];
  part->size = (guint64) values[1];
  part->decode_time = (guint64) values[2];
  part->duration = (guint64) values[3];
  part->independent = values[4] != 0;
  part->sample_count = (guint) values[5];
  return TRUE;
}

static gboolean
parse_tracks (JsonObject *object, WeirIndexSegment *segment, GError **error)
{
  JsonNode *node = json_object_get_member (object, "tracks");
  JsonArray *tracks;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return refuse (error, "tracks");
  tracks = json_node_get_array (node);
  if (json_array_get_length (tracks) > TRACKS_MAX)
    return refuse (error, "too many tracks");
  segment_extend (segment, json_array_get_length (tracks));
  for (guint track = 0; track < json_array_get_length (tracks); track++) {
    JsonNode *parts = json_array_get_element (tracks, track);

    if (!JSON_NODE_HOLDS_ARRAY (parts))
      return refuse (error, "tracks");
    for (guint i = 0; i < json_array_get_length (json_node_get_array (parts)); i++) {
      WeirIndexPart part;

      if (!parse_part (json_array_get_element (json_node_get_array (parts), i), &part, error))
        return FALSE;
      g_array_append_val (segment_get_parts (segment, track), part);
    }
  }
  return TRUE;
}

WeirIndexSegment *
weir_index_segment_from_json (const gchar *json, GError **error)
{
  g_autoptr (WeirIndexSegment) segment = NULL;
  g_autoptr (JsonNode) root = json_from_string (json, error);
  gint64 number, epoch, generation, sequence, discontinuities, target, start, duration, date;
  gint64 styp, size, whole = 0;
  JsonObject *object;

  if (root == NULL) {
    if (error != NULL && *error == NULL)
      refuse (error, "empty");
    return NULL;
  }
  if (!JSON_NODE_HOLDS_OBJECT (root)) {
    refuse (error, "not an object");
    return NULL;
  }
  object = json_node_get_object (root);
  if (!get_number (object, "number", 0, G_MAXINT64, &number, error) ||
      !get_number (object, "epoch", 0, G_MAXINT64, &epoch, error) ||
      !get_number (object, "generation", 0, G_MAXUINT, &generation, error) ||
      !get_number (object, "sequence", 0, G_MAXINT64, &sequence, error) ||
      !get_number (object, "discontinuities", 0, G_MAXINT64, &discontinuities, error) ||
      !get_number (object, "target", 0, G_MAXUINT, &target, error) ||
      !get_number (object, "start", -TIME_MAX, TIME_MAX, &start, error) ||
      !get_number (object, "duration", 0, TIME_MAX, &duration, error) ||
      !get_number (object, "date", -TIME_MAX, TIME_MAX, &date, error) ||
      !get_number (object, "styp", 0, G_MAXINT64, &styp, error) ||
      !get_number (object, "size", 0, G_MAXINT64, &size, error) ||
      /* earlier versions do not have it */
      (json_object_has_member (object, "whole") &&
          !get_number (object, "whole", 0, G_MAXINT64, &whole, error)))
    return NULL;

  segment = weir_index_segment_new ((guint64) number, (guint64) epoch);
  segment->init_generation = (guint) generation;
  segment->discontinuity = get_flag (object, "discontinuity");
  segment->independent = get_flag (object, "independent");
  segment->salvaged = get_flag (object, "salvaged");
  segment->closed = TRUE;
  segment->media_sequence = (guint64) sequence;
  segment->whole_sequence = (guint64) whole;
  segment->discontinuity_sequence = (guint64) discontinuities;
  segment->target_duration = (guint) target;
  segment->start_ns = start;
  segment->duration_ns = duration;
  segment->program_date_us = date;
  segment->styp_size = (guint64) styp;
  segment->size = (guint64) size;
  segment->name = g_strdup (json_object_get_string_member_with_default (object, "name", NULL));
  if (!parse_tracks (object, segment, error))
    return NULL;
  return g_steal_pointer (&segment);
}

/* --------------------------------------------------------------------------------------- inits */

static void
config_free (gpointer data)
{
  if (data != NULL)
    weir_codec_config_unref (data);
}

static void
bytes_free (gpointer data)
{
  if (data != NULL)
    g_bytes_unref (data);
}

static void
label_free (gpointer data)
{
  weir_track_label_free (data);
}

static GBytes *
init_write (const WeirIndexInit *self, gint track)
{
  return weir_init_segment_write_labelled ((WeirCodecConfig *const *) self->configs->pdata,
      (WeirTrackLabel *const *) self->labels->pdata, self->configs->len, track);
}

/* @labels: (nullable) */
static WeirIndexInit *
init_new (guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels)
{
  WeirIndexInit *self = g_new0 (WeirIndexInit, 1);

  self->epoch = epoch;
  self->generation = generation;
  self->configs = g_ptr_array_new_with_free_func (config_free);
  self->labels = g_ptr_array_new_with_free_func (label_free);
  self->segments = g_ptr_array_new_with_free_func (bytes_free);
  for (guint i = 0; i < configs->len; i++) {
    WeirCodecConfig *config = g_ptr_array_index (configs, i);

    g_ptr_array_add (self->configs, config != NULL ? weir_codec_config_ref (config) : NULL);
    g_ptr_array_add (self->labels,
        labels != NULL && i < labels->len ? weir_track_label_copy (labels->pdata[i]) : NULL);
  }
  for (guint i = 0; i < configs->len; i++)
    g_ptr_array_add (
        self->segments, configs->pdata[i] != NULL ? init_write (self, (gint) i) : NULL);
  self->muxed = init_write (self, -1);
  return self;
}

static void
init_free (gpointer data)
{
  WeirIndexInit *self = data;

  g_ptr_array_unref (self->configs);
  g_ptr_array_unref (self->labels);
  g_ptr_array_unref (self->segments);
  g_bytes_unref (self->muxed);
  g_free (self);
}

static WeirIndexInit *
find_init (WeirIndex *self, guint64 epoch, guint generation)
{
  for (guint i = self->inits->len; i-- > 0;) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    if (init->epoch == epoch && init->generation == generation)
      return init;
  }
  return NULL;
}

static WeirCodecConfig *
find_config (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  WeirIndexInit *init = find_init (self, segment->epoch, segment->init_generation);

  return init != NULL && track < init->configs->len ? g_ptr_array_index (init->configs, track)
                                                    : NULL;
}

static void
add_text (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  if (value == NULL)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

#define COLOUR_CODE_POINTS 3
#define COLOUR_MASTERING 10
#define COLOUR_LIGHT_LEVEL 2
#define COLOUR_NUMBERS (COLOUR_CODE_POINTS + COLOUR_MASTERING + COLOUR_LIGHT_LEVEL)

static void
add_track (JsonBuilder *builder, const WeirCodecConfig *config, const WeirTrackLabel *label)
{
  g_autofree gchar *record = NULL;
  gsize size;
  const guint8 *data;

  if (config == NULL) {
    json_builder_add_null_value (builder);
    return;
  }
  data = g_bytes_get_data (config->record, &size);
  record = g_base64_encode (data, size);
  json_builder_begin_object (builder);
  add_text (builder, "codec", weir_codec_get_name (config->codec));
  add_text (builder, "record", record);
  if (config->kind == WEIR_MEDIA_VIDEO) {
    /* not all records say the size, and none what the sender said of colour beside it */
    add_number (builder, "width", config->width);
    add_number (builder, "height", config->height);
  }
  if (config->colour != NULL) {
    g_autofree gchar *colour = weir_colour_to_text (config->colour);

    add_text (builder, "colour", colour);
  }
  if (label != NULL) {
    add_text (builder, "label", label->label);
    add_text (builder, "language", label->language);
  }
  json_builder_end_object (builder);
}

gchar *
weir_index_inits_to_json (WeirIndex *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->inits->len; i++) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    json_builder_begin_object (builder);
    add_number (builder, "epoch", (gint64) init->epoch);
    add_number (builder, "generation", init->generation);
    json_builder_set_member_name (builder, "tracks");
    json_builder_begin_array (builder);
    for (guint track = 0; track < init->configs->len; track++)
      add_track (builder, g_ptr_array_index (init->configs, track),
          g_ptr_array_index (init->labels, track));
    json_builder_end_array (builder);
    json_builder_end_object (builder);
  }
  g_mutex_unlock (&self->lock);
  json_builder_end_array (builder);
  return builder_to_text (builder);
}

/* what stands beside the record. Returns: (transfer full): NULL with @error */
static WeirCodecConfig *
complete_config (WeirCodecConfig *config, JsonObject *object, GError **error)
{
  g_autoptr (WeirCodecConfig) complete = config;
  const gchar *text = json_object_get_string_member_with_default (object, "colour", NULL);
  WeirCodecConfig *other;
  gint64 width, height;
  WeirColour colour;

  if (config->kind != WEIR_MEDIA_VIDEO)
    return g_steal_pointer (&complete);
  if (config->width == 0) {
    if (!get_number (object, "width", 1, G_MAXUINT16, &width, error) ||
        !get_number (object, "height", 1, G_MAXUINT16, &height, error))
      return NULL;
    other = weir_codec_config_with_size (complete, (guint) width, (guint) height);
    weir_codec_config_unref (complete);
    complete = other;
  }
  if (text != NULL) {
    if (!weir_colour_from_text (text, &colour)) {
      refuse (error, "colour");
      return NULL;
    }
    other = weir_codec_config_with_colour (complete, &colour);
    weir_codec_config_unref (complete);
    complete = other;
  }
  return g_steal_pointer (&complete);
}

static gboolean
parse_track (JsonNode *node, GPtrArray *configs, GPtrArray *labels, GError **error)
{
  const gchar *record;
  g_autoptr (GBytes) bytes = NULL;
  WeirCodecConfig *config;
  JsonObject *object;
  guchar *data;
  gsize size;
  WeirCodec codec;

  if (JSON_NODE_HOLDS_NULL (node)) {
    g_ptr_array_add (configs, NULL);
    g_ptr_array_add (labels, NULL);
    return TRUE;
  }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, "configuration");
  object = json_node_get_object (node);
  record = json_object_get_string_member_with_default (object, "record", NULL);
  if (record == NULL ||
      !weir_codec_from_name (
          json_object_get_string_member_with_default (object, "codec", NULL), &codec))
    return refuse (error, "configuration");
  data = g_base64_decode (record, &size);
  bytes = g_bytes_new_take (data, size);
  config = weir_codec_config_parse (codec, bytes, error);
  if (config == NULL)
    return FALSE;
  config = complete_config (config, object, error);
  if (config == NULL)
    return FALSE;
  g_ptr_array_add (configs, config);
  g_ptr_array_add (labels,
      weir_track_label_new (json_object_get_string_member_with_default (object, "label", NULL),
          json_object_get_string_member_with_default (object, "language", NULL)));
  return TRUE;
}

static gboolean
parse_init (JsonNode *node, GPtrArray *inits, GError **error)
{
  g_autoptr (GPtrArray) configs = g_ptr_array_new_with_free_func (config_free);
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (label_free);
  gint64 epoch, generation;
  JsonObject *object;
  JsonNode *tracks;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, "init");
  object = json_node_get_object (node);
  tracks = json_object_get_member (object, "tracks");
  if (!get_number (object, "epoch", 0, G_MAXINT64, &epoch, error) ||
      !get_number (object, "generation", 0, G_MAXUINT, &generation, error))
    return FALSE;
  if (tracks == NULL || !JSON_NODE_HOLDS_ARRAY (tracks) ||
      json_array_get_length (json_node_get_array (tracks)) > TRACKS_MAX)
    return refuse (error, "tracks");
  for (guint i = 0; i < json_array_get_length (json_node_get_array (tracks)); i++) {
    if (!parse_track (
            json_array_get_element (json_node_get_array (tracks), i), configs, labels, error))
      return FALSE;
  }
  g_ptr_array_add (inits, init_new ((guint64) epoch, (guint) generation, configs, labels));
  return TRUE;
}

/* --------------------------------------------------------------------------------------- index */

static void
track_total_clear (gpointer data)
{
  g_clear_pointer (&((TrackTotal *) data)->config, weir_codec_config_unref);
}

static void
forget_playlists (WeirIndex *self)
{
  for (guint i = 0; i < N_VIEWS; i++) {
    g_clear_pointer (&self->playlists[i].multivariant, g_bytes_unref);
    g_clear_pointer (&self->playlists[i].muxed, g_bytes_unref);
    g_ptr_array_set_size (self->playlists[i].media, 0);
  }
}

WeirIndex *
weir_index_new (const gchar *broadcast_uid, guint window_segments)
{
  WeirIndex *self = g_new0 (WeirIndex, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->broadcast = g_strdup (broadcast_uid);
  self->window_segments = window_segments;
  self->inits = g_ptr_array_new_with_free_func (init_free);
  self->segments = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  self->totals = g_array_new (FALSE, TRUE, sizeof (TrackTotal));
  g_array_set_clear_func (self->totals, track_total_clear);
  self->window = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  for (guint i = 0; i < N_VIEWS; i++)
    self->playlists[i].media = g_ptr_array_new_with_free_func (bytes_free);
  return self;
}

WeirIndex *
weir_index_ref (WeirIndex *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_index_unref (WeirIndex *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->inits);
  g_ptr_array_unref (self->segments);
  g_ptr_array_unref (self->window);
  g_array_unref (self->totals);
  forget_playlists (self);
  for (guint i = 0; i < N_VIEWS; i++)
    g_ptr_array_unref (self->playlists[i].media);
  g_mutex_clear (&self->lock);
  g_free (self->broadcast);
  g_free (self);
}

const gchar *
weir_index_get_broadcast (WeirIndex *self)
{
  return self->broadcast;
}

void
weir_index_set_recorded (WeirIndex *self)
{
  g_mutex_lock (&self->lock);
  self->recorded = TRUE;
  g_mutex_unlock (&self->lock);
}

void
weir_index_set_changed (
    WeirIndex *self, void (*changed) (WeirIndex *self, gpointer data), gpointer data)
{
  g_mutex_lock (&self->lock);
  self->changed = changed;
  self->changed_data = data;
  g_mutex_unlock (&self->lock);
}

/* releases the lock */
static void
unlock_changed (WeirIndex *self)
{
  void (*changed) (WeirIndex *, gpointer) = self->changed;
  gpointer data = self->changed_data;

  g_mutex_unlock (&self->lock);
  if (changed != NULL)
    changed (self, data);
}

/* Returns: its place among the segments, -1 when there is none of that number */
static gint
find_segment (WeirIndex *self, guint64 number)
{
  guint low = 0, high = self->segments->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    const WeirIndexSegment *segment = g_ptr_array_index (self->segments, middle);

    if (segment->number == number)
      return (gint) middle;
    if (segment->number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

static WeirIndexSegment *
find_segment_of (WeirIndex *self, guint64 epoch, guint64 number)
{
  gint place = find_segment (self, number);
  WeirIndexSegment *segment = place >= 0 ? g_ptr_array_index (self->segments, place) : NULL;

  return segment != NULL && segment->epoch == epoch ? segment : NULL;
}

void
weir_index_add_init (
    WeirIndex *self, guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels)
{
  g_mutex_lock (&self->lock);
  if (find_init (self, epoch, generation) == NULL) {
    g_ptr_array_add (self->inits, init_new (epoch, generation, configs, labels));
    forget_playlists (self);
  }
  unlock_changed (self);
}

gboolean
weir_index_add_inits_from_json (WeirIndex *self, const gchar *json, GError **error)
{
  g_autoptr (GPtrArray) inits = g_ptr_array_new_with_free_func (init_free);
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) local = NULL;
  JsonArray *array;

  root = json_from_string (json, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root))
    return refuse (error, "inits are not an array");
  array = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (!parse_init (json_array_get_element (array, i), inits, error))
      return FALSE;
  }

  g_mutex_lock (&self->lock);
  while (inits->len > 0) {
    WeirIndexInit *init = g_ptr_array_steal_index (inits, 0);

    if (find_init (self, init->epoch, init->generation) == NULL)
      g_ptr_array_add (self->inits, init);
    else
      init_free (init);
  }
  forget_playlists (self);
  unlock_changed (self);
  return TRUE;
}

/* ---- views: what they list, and which bytes have to stay ----
 *
 * The rule, of which window, recording and retention are three sides:
 *
 *   - The window lists the newest segments and gaps: `window_segments` of them at least, three
 *     target durations at least (6.2.2), and what closed within three target durations before the
 *     newest. Media are among it, as long as those gaps are not too many: who comes sees the last
 *     that there was, and who waits may come to an end. What it once leaves out never comes back,
 *     so that its media sequence never goes back.
 *   - The whole lists what is stored, from the first on; never a gap, never what is in memory only.
 *     There is one of a broadcast that is recorded. What it lists stays listed.
 *   - The bytes of what a view lists stay, and those of the newest that a caller says, for viewers
 *     who are behind. All other bytes may go: count_unlisted().
 *
 * Bytes in memory are the exception: they go when there are too many, and leave a gap behind.
 */

static WeirIndexSegment *
last_of (const GPtrArray *segments)
{
  return segments->len > 0 ? g_ptr_array_index (segments, segments->len - 1) : NULL;
}

/* Returns: how many of @self->window are listed */
static guint
count_listed (WeirIndex *self)
{
  guint count = 0;

  while (count < self->window->len &&
         ((WeirIndexSegment *) g_ptr_array_index (self->window, count))->closed)
    count++;
  return count;
}

/* lets go of what is not in the window any more */
static void
advance_window (WeirIndex *self)
{
  const gint64 least_ns = 3 * (gint64) self->target_duration * G_GINT64_CONSTANT (1000000000);
  const guint listed = count_listed (self);
  guint start = listed;
  gint64 listed_ns = 0, since_us = 0;
  gboolean media = FALSE;

  if (self->window_segments == 0 || listed == 0)
    return;
  /* many close at once when a disk that was stuck takes them: nobody had the time to see them */
  since_us = ((WeirIndexSegment *) g_ptr_array_index (self->window, listed - 1))->closed_us -
             least_ns / 1000;
  while (start > 0) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->window, start - 1);

    if (listed - start >= self->window_segments && listed_ns >= least_ns &&
        (media || listed - start >= WINDOW_GAPS_MAX) &&
        (segment->closed_us <= since_us || segment->closed_us == 0))
      break;
    start--;
    media |= !segment->missing;
    listed_ns += segment->duration_ns;
  }
  if (start > 0)
    g_ptr_array_remove_range (self->window, 0, start);
}

/* Returns: how many of the oldest closed segments the window does not list, nor are among the
 * newest @keep: see the rule above */
static guint
count_unlisted (WeirIndex *self, guint keep)
{
  const guint most = self->closed > keep ? self->closed - keep : 0;
  guint count = 0;
  guint64 first = G_MAXUINT64;

  for (guint i = 0; i < self->window->len && first == G_MAXUINT64; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->window, i);

    if (!segment->missing)
      first = segment->number;
  }
  while (count < most &&
         ((WeirIndexSegment *) g_ptr_array_index (self->segments, count))->number < first)
    count++;
  return count;
}

/* Returns: TRUE for what the whole lists */
static gboolean
is_in_whole (const WeirIndexSegment *segment)
{
  return segment->closed && !segment->in_memory && !segment->missing;
}

/* Returns: (transfer container) (element-type WeirIndexSegment): what a playlist of @view lists */
static GPtrArray *
list_view (WeirIndex *self, WeirIndexView view)
{
  const guint most = view == WEIR_INDEX_WINDOW ? count_listed (self) : self->closed;
  GPtrArray *from = view == WEIR_INDEX_WINDOW ? self->window : self->segments;
  GPtrArray *listed = g_ptr_array_sized_new (most);

  if (view == WEIR_INDEX_WHOLE && !self->recorded)
    return listed;
  for (guint i = 0; i < most; i++) {
    WeirIndexSegment *segment = g_ptr_array_index (from, i);

    if (view == WEIR_INDEX_WINDOW || is_in_whole (segment))
      g_ptr_array_add (listed, segment);
  }
  return listed;
}

/* @segment becomes the next one of the window, after the one before. Numbers of segments may leave
 * some out (one that a crash swallowed); media sequence numbers may not. */
static void
append_to_window (WeirIndex *self, WeirIndexSegment *segment)
{
  const WeirIndexSegment *last = last_of (self->window);

  if (last != NULL) {
    segment->media_sequence = last->media_sequence + 1;
    segment->discontinuity_sequence =
        last->discontinuity_sequence + (segment->discontinuity ? 1 : 0);
  } else {
    /* a stored one has its own; a salvaged one does not */
    if (segment->media_sequence == 0)
      segment->media_sequence = segment->number;
    if (segment->discontinuity && segment->discontinuity_sequence == 0)
      segment->discontinuity_sequence = 1;
  }
  g_ptr_array_add (self->window, weir_index_segment_ref (segment));
}

static void
append_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us)
{
  g_autoptr (WeirIndexSegment) gap = weir_index_segment_new (0, 0);
  const WeirIndexSegment *last = last_of (self->window);

  gap->missing = TRUE;
  gap->closed = TRUE;
  gap->start_ns = start_ns;
  gap->duration_ns = duration_ns;
  gap->program_date_us = date_us;
  /* time has passed */
  if (last != NULL && last->closed_us != 0)
    gap->closed_us = last->closed_us + duration_ns / 1000;
  append_to_window (self, gap);
}

static guint get_target_duration (WeirIndex *self);

/* Gaps are not stored: media sequence numbers of segments tell of them. @next: of what follows */
static void
append_missing (WeirIndex *self, guint64 next)
{
  const gint64 duration_ns = (gint64) get_target_duration (self) * G_GINT64_CONSTANT (1000000000);
  const WeirIndexSegment *last = last_of (self->window);

  if (last == NULL || next <= last->media_sequence || next - last->media_sequence > GAPS_MAX)
    return;
  while (last->media_sequence + 1 < next) {
    append_gap (self, last->start_ns + last->duration_ns, duration_ns,
        last->program_date_us + last->duration_ns / 1000);
    last = last_of (self->window);
  }
}

/* a broadcast that is not recorded has these numbers too: nobody sees them. What is open may still
 * move to memory, and those after it get others then. */
static void
number_in_whole (WeirIndex *self, guint place)
{
  WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);
  const WeirIndexSegment *before = place > 0 ? g_ptr_array_index (self->segments, place - 1) : NULL;

  if (before != NULL)
    segment->whole_sequence = before->whole_sequence + (before->in_memory ? 0 : 1);
}

static gboolean
follows (WeirIndex *self, const WeirIndexSegment *segment)
{
  const WeirIndexSegment *last;

  if (self->ended)
    return FALSE;
  if (self->segments->len == 0)
    return TRUE;
  last = g_ptr_array_index (self->segments, self->segments->len - 1);
  return segment->number > last->number;
}

void
weir_index_open_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  g_mutex_lock (&self->lock);
  if (!follows (self, segment)) {
    g_mutex_unlock (&self->lock);
    g_warning ("segment %" G_GUINT64_FORMAT " of %s does not follow the others", segment->number,
        self->broadcast);
    weir_index_segment_unref (segment);
    return;
  }
  segment->closed = FALSE;
  append_to_window (self, segment);
  g_ptr_array_add (self->segments, segment);
  number_in_whole (self, self->segments->len - 1);
  unlock_changed (self);
}

void
weir_index_add_part (WeirIndex *self, guint64 number, guint track, const WeirIndexPart *part)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_segment (self, number);
  if (place >= 0 && (guint) place >= self->closed)
    weir_index_segment_add_part (g_ptr_array_index (self->segments, place), track, part);
  unlock_changed (self);
}

/* bits per second, rounded up */
static guint64
bit_rate (guint64 bytes, gint64 duration_ns)
{
  gdouble rate = (gdouble) bytes * 8e9 / (gdouble) duration_ns;
  guint64 whole = (guint64) rate;

  return rate > (gdouble) whole ? whole + 1 : whole;
}

/* The peak is that of neighbouring segments that last half a target duration together (4.4.6.2),
 * lest a short last one with its keyframe counts as one. */
static void
measure_add (Measure *self, const GArray *parts, gint64 duration_ns, gint64 least_ns)
{
  for (guint i = 0; i < parts->len; i++) {
    const WeirIndexPart *part = &g_array_index (parts, WeirIndexPart, i);

    self->bytes += part->size;
    self->run_bytes += part->size;
    self->samples += part->sample_count;
    self->ticks += part->duration;
  }
  self->duration_ns += duration_ns;
  self->run_ns += duration_ns;
  if (self->run_ns == 0 || self->run_ns < least_ns)
    return;
  self->peak_rate = MAX (self->peak_rate, bit_rate (self->run_bytes, self->run_ns));
  self->run_bytes = 0;
  self->run_ns = 0;
}

static void
measure (WeirIndex *self, const WeirIndexSegment *segment)
{
  gint64 least_ns = (gint64) self->target_duration * G_GINT64_CONSTANT (500000000);

  if (self->totals->len < segment->tracks->len)
    g_array_set_size (self->totals, segment->tracks->len);
  for (guint track = 0; track < segment->tracks->len; track++) {
    TrackTotal *total = &g_array_index (self->totals, TrackTotal, track);
    WeirCodecConfig *config = find_config (self, segment, track);
    GArray *parts = segment_get_parts (segment, track);

    if (parts == NULL || parts->len == 0)
      continue;
    if (config != NULL &&
        (total->config == NULL || !weir_codec_config_equal (total->config, config))) {
      g_clear_pointer (&total->config, weir_codec_config_unref);
      total->config = weir_codec_config_ref (config);
      total->first_number = segment->number;
      total->current = (Measure){0};
    }
    measure_add (&total->whole, parts, segment->duration_ns, least_ns);
    measure_add (&total->current, parts, segment->duration_ns, least_ns);
  }
}

/* Returns: FALSE when the track's media there needs what came before */
static gboolean
is_independent (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  const WeirCodecConfig *config = find_config (self, segment, track);
  GArray *parts = segment_get_parts (segment, track);

  return config == NULL || config->kind != WEIR_MEDIA_VIDEO || parts == NULL || parts->len == 0 ||
         g_array_index (parts, WeirIndexPart, 0).independent;
}

static void
closed_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  if (self->target_duration == 0)
    self->target_duration = segment->target_duration;
  if (!segment->independent)
    self->dependent = TRUE;
  for (guint track = 0; track < segment->tracks->len; track++) {
    if (!is_independent (self, segment, track))
      self->dependent = TRUE;
  }
  number_in_whole (self, self->closed);
  self->closed++;
  measure (self, segment);
  advance_window (self);
  forget_playlists (self);
}

void
weir_index_close_segment (
    WeirIndex *self, guint64 number, gint64 duration_ns, guint target_duration, gint64 now_us)
{
  WeirIndexSegment *segment;
  gint place;

  g_mutex_lock (&self->lock);
  place = find_segment (self, number);
  if (place >= 0 && (guint) place == self->closed) {
    segment = g_ptr_array_index (self->segments, place);
    segment->duration_ns = MAX (0, duration_ns);
    segment->target_duration = self->target_duration > 0 ? self->target_duration : target_duration;
    segment->closed = TRUE;
    segment->closed_us = now_us;
    closed_segment (self, segment);
  }
  unlock_changed (self);
}

void
weir_index_add_closed_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  g_mutex_lock (&self->lock);
  if (!follows (self, segment) || self->closed < self->segments->len) {
    g_mutex_unlock (&self->lock);
    g_warning ("stored segment %" G_GUINT64_FORMAT " of %s does not follow the others",
        segment->number, self->broadcast);
    weir_index_segment_unref (segment);
    return;
  }
  segment->closed = TRUE;
  append_missing (self, segment->media_sequence);
  append_to_window (self, segment);
  g_ptr_array_add (self->segments, segment);
  closed_segment (self, segment);
  unlock_changed (self);
}

void
weir_index_set_name (WeirIndex *self, guint64 number, const gchar *name)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_segment (self, number);
  if (place >= 0) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);

    g_free (segment->name);
    segment->name = g_strdup (name);
  }
  unlock_changed (self);
}

void
weir_index_release_blobs (WeirIndex *self, guint keep)
{
  g_autoptr (GPtrArray) released =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_blob_unref);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i + keep < self->closed; i++) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    if (segment->name != NULL && segment->blob != NULL)
      g_ptr_array_add (released, g_steal_pointer (&segment->blob));
  }
  g_mutex_unlock (&self->lock);
}

void
weir_index_add_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us)
{
  g_mutex_lock (&self->lock);
  /* before there is anything there is no gap in it */
  if (!self->ended && self->window->len > 0) {
    append_gap (self, start_ns, MAX (0, duration_ns), date_us);
    advance_window (self);
    forget_playlists (self);
  }
  unlock_changed (self);
}

void
weir_index_restore_gaps (WeirIndex *self, guint count)
{
  const WeirIndexSegment *last;

  g_mutex_lock (&self->lock);
  last = last_of (self->window);
  if (last != NULL && !self->ended) {
    append_missing (self, last->media_sequence + 1 + count);
    advance_window (self);
    forget_playlists (self);
  }
  unlock_changed (self);
}

void
weir_index_end (WeirIndex *self)
{
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  forget_playlists (self);
  unlock_changed (self);
}

void
weir_index_move_to_memory (WeirIndex *self, guint64 number, WeirBlob *blob)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_segment (self, number);
  if (place >= 0) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);
    WeirBlob *before = segment->blob;

    segment->in_memory = TRUE;
    segment->blob = blob;
    blob = before;
  }
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&blob, weir_blob_unref);
}

gsize
weir_index_forget_memory (WeirIndex *self, guint keep, gsize excess)
{
  g_autoptr (GPtrArray) released =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_blob_unref);
  gsize bytes = 0;
  guint listed;

  g_mutex_lock (&self->lock);
  listed = count_unlisted (self, keep);
  for (guint i = self->memory_start; i < self->closed; i++) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    if (i >= listed && bytes >= excess)
      break;
    self->memory_start = i + 1;
    if (!segment->in_memory || segment->blob == NULL)
      continue;
    bytes += segment->size;
    g_ptr_array_add (released, g_steal_pointer (&segment->blob));
  }
  if (released->len > 0)
    forget_playlists (self);
  unlock_changed (self);
  return bytes;
}

GPtrArray *
weir_index_trim (WeirIndex *self, guint keep)
{
  GPtrArray *forgotten = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  guint count;

  g_mutex_lock (&self->lock);
  count = count_unlisted (self, keep);
  for (guint i = 0; i < count; i++)
    g_ptr_array_add (forgotten, weir_index_segment_ref (g_ptr_array_index (self->segments, i)));
  if (count > 0) {
    g_ptr_array_remove_range (self->segments, 0, count);
    self->closed -= count;
    self->memory_start -= MIN (self->memory_start, count);
    unlock_changed (self);
  } else {
    g_mutex_unlock (&self->lock);
  }
  return forgotten;
}

/* ------------------------------------------------------------------------------------- reading */

gboolean
weir_index_is_playable (WeirIndex *self)
{
  gboolean playable;

  g_mutex_lock (&self->lock);
  playable = self->closed > 0;
  g_mutex_unlock (&self->lock);
  return playable;
}

gboolean
weir_index_has_ended (WeirIndex *self)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

WeirIndexSegment *
weir_index_find (WeirIndex *self, guint64 epoch, guint64 number)
{
  WeirIndexSegment *segment;

  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL)
    weir_index_segment_ref (segment);
  g_mutex_unlock (&self->lock);
  return segment;
}

GArray *
weir_index_get_track_parts (WeirIndex *self, guint64 epoch, guint64 number, guint track)
{
  WeirIndexSegment *segment;
  GArray *parts = NULL;

  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL && segment_get_parts (segment, track) != NULL)
    parts = g_array_copy (segment_get_parts (segment, track));
  g_mutex_unlock (&self->lock);
  return parts;
}

WeirBlob *
weir_index_open_blob (WeirIndex *self, guint64 epoch, guint64 number, gchar **name)
{
  WeirIndexSegment *segment;
  WeirBlob *blob = NULL;

  if (name != NULL)
    *name = NULL;
  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL && segment->blob != NULL)
    blob = weir_blob_ref (segment->blob);
  else if (segment != NULL && name != NULL)
    *name = g_strdup (segment->name);
  g_mutex_unlock (&self->lock);
  return blob;
}

GPtrArray *
weir_index_get_configs (WeirIndex *self, guint64 epoch, guint generation)
{
  GPtrArray *configs = NULL;
  WeirIndexInit *init;

  g_mutex_lock (&self->lock);
  init = find_init (self, epoch, generation);
  if (init != NULL) {
    configs = g_ptr_array_new_with_free_func (config_free);
    for (guint i = 0; i < init->configs->len; i++) {
      WeirCodecConfig *config = g_ptr_array_index (init->configs, i);

      g_ptr_array_add (configs, config != NULL ? weir_codec_config_ref (config) : NULL);
    }
  }
  g_mutex_unlock (&self->lock);
  return configs;
}

GBytes *
weir_index_get_init (WeirIndex *self, guint64 epoch, guint generation, gint track)
{
  GBytes *bytes = NULL;
  WeirIndexInit *init;

  g_mutex_lock (&self->lock);
  init = find_init (self, epoch, generation);
  if (init != NULL && track < 0)
    bytes = init->muxed;
  else if (init != NULL && (guint) track < init->segments->len)
    bytes = g_ptr_array_index (init->segments, track);
  if (bytes != NULL)
    g_bytes_ref (bytes);
  g_mutex_unlock (&self->lock);
  return bytes;
}

/* ----------------------------------------------------------------------------------- playlists */

static guint
count_tracks (WeirIndex *self)
{
  guint count = 0;

  for (guint i = 0; i < self->inits->len; i++) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    count = MAX (count, init->configs->len);
  }
  return count;
}

static gboolean
has_track (WeirIndex *self, guint track)
{
  for (guint i = 0; i < self->inits->len; i++) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    if (track < init->configs->len && g_ptr_array_index (init->configs, track) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* Returns: the track that decided the segment's cuts: the first video track, else the first */
static gint
reference_track (WeirIndex *self, const WeirIndexSegment *segment)
{
  WeirIndexInit *init = find_init (self, segment->epoch, segment->init_generation);
  gint first = -1;

  for (guint i = 0; init != NULL && i < init->configs->len; i++) {
    const WeirCodecConfig *config = g_ptr_array_index (init->configs, i);

    if (config == NULL)
      continue;
    if (config->kind == WEIR_MEDIA_VIDEO)
      return (gint) i;
    if (first < 0)
      first = (gint) i;
  }
  return first;
}

static guint64
scale (guint64 ticks, guint64 to, guint64 from)
{
  return ticks / from * to + (ticks % from * to + from / 2) / from;
}

/* When the track's first sample is due. What is far from the segment's own time comes from a
 * timeline that is not known (any more): then T will do. */
static gint64
track_date_us (const WeirIndexSegment *segment, const WeirIndexPart *first, guint32 timescale)
{
  gint64 offset_us =
      (gint64) scale (first->decode_time, G_USEC_PER_SEC, timescale) - segment->start_ns / 1000;
  gint64 most = segment->duration_ns / 1000 + 2 * G_USEC_PER_SEC;

  return segment->program_date_us + (ABS (offset_us) <= most ? offset_us : 0);
}

/* its bytes were in memory only, and are gone */
static gboolean
is_forgotten (const WeirIndexSegment *segment)
{
  return segment->in_memory && segment->blob == NULL;
}

/* @target_duration: of the playlist, seconds */
static void
describe_segment (WeirIndex *self, const WeirIndexSegment *segment, gint track,
    guint target_duration, WeirHlsSegment *out)
{
  const WeirCodecConfig *config = track >= 0 ? find_config (self, segment, (guint) track) : NULL;
  GArray *parts = track >= 0 ? segment_get_parts (segment, (guint) track) : NULL;
  gint64 date_us = segment->program_date_us;
  guint64 ticks = 0;

  out->epoch = segment->epoch;
  out->number = segment->missing ? segment->media_sequence : segment->number;
  out->missing = segment->missing;
  out->generation = segment->init_generation;
  out->discontinuity = segment->discontinuity;
  out->duration_us = (guint64) (segment->duration_ns + 500) / 1000;
  if (segment->missing) {
    out->gap = TRUE;
  } else if (track < 0) {
    out->has_map = find_init (self, segment->epoch, segment->init_generation) != NULL;
    out->gap = !out->has_map;
  } else {
    out->has_map = config != NULL;
    out->gap = config == NULL || parts == NULL || parts->len == 0;
  }
  out->gap |= is_forgotten (segment);
  if (track >= 0 && !out->gap) {
    for (guint i = 0; i < parts->len; i++)
      ticks += g_array_index (parts, WeirIndexPart, i).duration;
    out->duration_us = scale (ticks, G_USEC_PER_SEC, config->timescale);
    /* What a track had before the run in which the reference has its keyframe, or frames that last
     * for seconds: no segment may be longer than the target (4.4.3.1). */
    if ((out->duration_us + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC > target_duration)
      out->duration_us = MIN (out->duration_us, (guint64) (segment->duration_ns + 500) / 1000);
    if (track != reference_track (self, segment))
      date_us =
          track_date_us (segment, &g_array_index (parts, WeirIndexPart, 0), config->timescale);
  }
  out->date_ms = (date_us + 500) / 1000;
}

/* a recording of segments that do not know it gets what fits them */
static guint
get_target_duration (WeirIndex *self)
{
  gint64 longest = 0;

  if (self->target_duration > 0)
    return self->target_duration;
  for (guint i = 0; i < self->closed; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    longest = MAX (longest, segment->duration_ns);
  }
  return (guint) MAX (1, (longest + 999999999) / 1000000000);
}

/* @segments: (element-type WeirHlsSegment): keeps one at least */
static void
drop_gaps_at_end (GArray *segments)
{
  guint count = segments->len;

  while (count > 1 && g_array_index (segments, WeirHlsSegment, count - 1).gap)
    count--;
  g_array_set_size (segments, count);
}

/* @listed: (element-type WeirIndexSegment): at least one */
static GBytes *
make_media (WeirIndex *self, WeirIndexView view, const GPtrArray *listed, gint track)
{
  const WeirIndexSegment *first = g_ptr_array_index (listed, 0);
  const gboolean whole = view == WEIR_INDEX_WHOLE;
  g_autoptr (GArray) segments =
      g_array_sized_new (FALSE, TRUE, sizeof (WeirHlsSegment), listed->len);
  WeirHlsMedia media = {
      .broadcast = self->broadcast,
      .track = track,
      .target_duration = get_target_duration (self),
      .media_sequence = whole ? first->whole_sequence : first->media_sequence,
      .discontinuity_sequence =
          whole ? 0 : first->discontinuity_sequence - (first->discontinuity ? 1 : 0),
      .ended = self->ended,
      .whole = whole,
  };

  g_array_set_size (segments, listed->len);
  /* said here of each track only when the multivariant playlist cannot say it of all */
  media.independent = track >= 0 && self->dependent;
  for (guint i = 0; i < segments->len; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (listed, i);
    WeirHlsSegment *out = &g_array_index (segments, WeirHlsSegment, i);

    describe_segment (self, segment, track, media.target_duration, out);
    /* something was not recorded */
    if (whole && i > 0 &&
        segment->number != ((WeirIndexSegment *) g_ptr_array_index (listed, i - 1))->number + 1)
      out->discontinuity = TRUE;
    if (track >= 0 && !is_independent (self, segment, (guint) track))
      media.independent = FALSE;
  }
  /* Players wait for the last segment that is listed, and hls.js for ever when that is a gap. */
  if (self->ended)
    drop_gaps_at_end (segments);
  media.segments = (const WeirHlsSegment *) segments->data;
  media.n_segments = segments->len;
  return weir_hls_write_media (&media);
}

/* @text: (inout): as kept. Returns: (transfer full) (nullable) */
static GBytes *
share_media (WeirIndex *self, WeirIndexView view, gint track, GBytes **text)
{
  if (*text == NULL) {
    g_autoptr (GPtrArray) listed = list_view (self, view);

    if (listed->len > 0)
      *text = make_media (self, view, listed, track);
  }
  return *text != NULL ? g_bytes_ref (*text) : NULL;
}

GBytes *
weir_index_get_media (WeirIndex *self, WeirIndexView view, guint track)
{
  GPtrArray *media = self->playlists[view].media;
  GBytes *text = NULL;

  g_mutex_lock (&self->lock);
  if (has_track (self, track)) {
    if (media->len <= track)
      g_ptr_array_set_size (media, (gint) track + 1);
    text = share_media (self, view, (gint) track, (GBytes **) &g_ptr_array_index (media, track));
  }
  g_mutex_unlock (&self->lock);
  return text;
}

GBytes *
weir_index_get_muxed (WeirIndex *self, WeirIndexView view)
{
  GBytes *text;

  g_mutex_lock (&self->lock);
  text = share_media (self, view, -1, &self->playlists[view].muxed);
  g_mutex_unlock (&self->lock);
  return text;
}

/* Returns: (nullable): the configuration of what the segment holds of the track */
static const WeirCodecConfig *
find_used_config (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  GArray *parts = segment_get_parts (segment, track);

  return parts != NULL && parts->len > 0 ? find_config (self, segment, track) : NULL;
}

/* all CODECS that the listed segments need for the track, newest first */
static gchar *
join_codecs (WeirIndex *self, const GPtrArray *listed, guint track)
{
  g_autoptr (GPtrArray) codecs = g_ptr_array_new ();

  for (guint i = listed->len; i-- > 0;) {
    const WeirCodecConfig *config = find_used_config (self, g_ptr_array_index (listed, i), track);

    if (config != NULL &&
        !g_ptr_array_find_with_equal_func (codecs, config->codecs, g_str_equal, NULL))
      g_ptr_array_add (codecs, config->codecs);
  }
  g_ptr_array_add (codecs, NULL);
  return g_strjoinv (",", (gchar **) codecs->pdata);
}

/* Returns: (nullable): the newest listed segment that holds something of the track */
static const WeirIndexSegment *
find_newest (WeirIndex *self, const GPtrArray *listed, guint track)
{
  for (guint i = listed->len; i-- > 0;) {
    const WeirIndexSegment *segment = g_ptr_array_index (listed, i);

    if (find_used_config (self, segment, track) != NULL)
      return segment;
  }
  return NULL;
}

/* Returns: FALSE when the track is not to be offered */
static gboolean
describe_track (WeirIndex *self, const GPtrArray *listed, guint track, WeirHlsTrack *out)
{
  const WeirIndexSegment *first = g_ptr_array_index (listed, 0);
  const WeirIndexSegment *newest = find_newest (self, listed, track);
  const WeirCodecConfig *config;
  const WeirTrackLabel *label;
  const TrackTotal *total;
  const Measure *measured;

  /* a track that was announced but never came, or is gone, would leave players waiting for it */
  if (newest == NULL)
    return FALSE;
  config = find_config (self, newest, track);
  label = find_init (self, newest->epoch, newest->init_generation)->labels->pdata[track];
  total = &g_array_index (self->totals, TrackTotal, track);
  /* what nobody is offered any more does not count */
  measured = first->number >= total->first_number ? &total->current : &total->whole;
  out->track = track;
  out->codec = config->codec;
  out->codecs = join_codecs (self, listed, track);
  if (measured->duration_ns > 0)
    out->average_rate = bit_rate (measured->bytes, measured->duration_ns);
  out->peak_rate = MAX (measured->peak_rate, out->average_rate);
  out->width = (guint) scale ((guint64) config->width * config->par_n, 1, config->par_d);
  out->height = config->height;
  out->transfer = config->colour != NULL ? config->colour->transfer : 0;
  out->channels = config->channels;
  out->label = label != NULL ? label->label : NULL;
  out->language = label != NULL ? label->language : NULL;
  if (config->frame_rate_n > 0)
    out->frame_rate = (gdouble) config->frame_rate_n / config->frame_rate_d;
  else if (total->current.ticks > 0)
    out->frame_rate =
        (gdouble) total->current.samples * config->timescale / (gdouble) total->current.ticks;
  return TRUE;
}

static void
hls_track_clear (gpointer data)
{
  g_free (((WeirHlsTrack *) data)->codecs);
}

/* Returns: (transfer container) (element-type WeirIndexSegment): those that tell what @view offers:
 * while there are only gaps, the last one before them */
static GPtrArray *
list_offered (WeirIndex *self, WeirIndexView view)
{
  GPtrArray *offered = list_view (self, view);

  for (guint i = offered->len; i-- > 0;) {
    if (((WeirIndexSegment *) g_ptr_array_index (offered, i))->missing)
      g_ptr_array_remove_index (offered, i);
  }
  if (offered->len == 0 && view == WEIR_INDEX_WINDOW && self->closed > 0)
    g_ptr_array_add (offered, g_ptr_array_index (self->segments, self->closed - 1));
  return offered;
}

static GBytes *
make_multivariant (WeirIndex *self, WeirIndexView view)
{
  g_autoptr (GArray) tracks = g_array_new (FALSE, TRUE, sizeof (WeirHlsTrack));
  g_autoptr (GPtrArray) offered = list_offered (self, view);
  guint count = offered->len > 0 ? count_tracks (self) : 0;

  g_array_set_clear_func (tracks, hls_track_clear);
  for (guint track = 0; track < count; track++) {
    WeirHlsTrack description = {0};

    if (describe_track (self, offered, track, &description))
      g_array_append_val (tracks, description);
  }
  if (tracks->len == 0)
    return NULL;
  return weir_hls_write_multivariant ((const WeirHlsTrack *) tracks->data, tracks->len,
      !self->dependent, self->broadcast, view == WEIR_INDEX_WHOLE ? WEIR_HLS_WHOLE_SUFFIX : "");
}

GBytes *
weir_index_get_multivariant (WeirIndex *self, WeirIndexView view)
{
  GBytes **text = &self->playlists[view].multivariant;
  GBytes *shared = NULL;

  g_mutex_lock (&self->lock);
  if (*text == NULL)
    *text = make_multivariant (self, view);
  if (*text != NULL)
    shared = g_bytes_ref (*text);
  g_mutex_unlock (&self->lock);
  return shared;
}
