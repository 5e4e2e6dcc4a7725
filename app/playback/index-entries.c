/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* segments and inits as the store keeps them: JSON */
#include "playback/index-private.h"

#include <json-glib/json-glib.h>

/* likewise for sums of times; centuries all the same */
#define TICKS_MAX G_GINT64_CONSTANT (1000000000000000)
#define TIME_MAX (G_MAXINT64 / 4)

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
    GArray *parts = weir_index_segment_get_parts (self, track);

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
  if (json_array_get_length (tracks) > WEIR_INDEX_TRACKS_MAX)
    return refuse (error, "too many tracks");
  weir_index_segment_extend (segment, json_array_get_length (tracks));
  for (guint track = 0; track < json_array_get_length (tracks); track++) {
    JsonNode *parts = json_array_get_element (tracks, track);

    if (!JSON_NODE_HOLDS_ARRAY (parts))
      return refuse (error, "tracks");
    for (guint i = 0; i < json_array_get_length (json_node_get_array (parts)); i++) {
      WeirIndexPart part;

      if (!parse_part (json_array_get_element (json_node_get_array (parts), i), &part, error))
        return FALSE;
      g_array_append_val (weir_index_segment_get_parts (segment, track), part);
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

/* inits */

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
  g_autoptr (GPtrArray) configs = weir_index_configs_new ();
  g_autoptr (GPtrArray) labels = weir_index_labels_new ();
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
      json_array_get_length (json_node_get_array (tracks)) > WEIR_INDEX_TRACKS_MAX)
    return refuse (error, "tracks");
  for (guint i = 0; i < json_array_get_length (json_node_get_array (tracks)); i++) {
    if (!parse_track (
            json_array_get_element (json_node_get_array (tracks), i), configs, labels, error))
      return FALSE;
  }
  g_ptr_array_add (
      inits, weir_index_init_new ((guint64) epoch, (guint) generation, configs, labels));
  return TRUE;
}

gboolean
weir_index_add_inits_from_json (WeirIndex *self, const gchar *json, GError **error)
{
  g_autoptr (GPtrArray) inits = g_ptr_array_new_with_free_func (weir_index_init_free);
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
  while (inits->len > 0)
    weir_index_take_init (self, g_ptr_array_steal_index (inits, 0));
  weir_index_unlock_changed (self);
  return TRUE;
}
