/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementaryvideo.h"

#include "codec/av1.h"
#include "codec/avc.h"
#include "codec/hevc.h"
#include "codec/parametersets.h"
#include "codec/vpx.h"

#include <string.h>

/* more in one access unit is no stream but work for nothing */
#define PARAMETER_SETS_MAX 512

struct _WeirElementaryVideo {
  WeirCodec codec;
  gboolean has_record;     /* one came, not in Annex B */
  guint length_size;       /* of the NAL units as they come */
  WeirCodecConfig *parsed; /* (nullable): of the newest record, perhaps without a size */
  WeirCodecConfig *config; /* (nullable): that with size and colour, as it is shown */
  WeirColour *colour;      /* (nullable): what the sender says */
  gboolean stale;          /* @config is not of the newest record and colour */
  WeirParameterSets *sets; /* (nullable): AVC, HEVC */
  /* (AVC, HEVC) what keyframes say of mastering and light level since @parsed began */
  WeirColour told;
};

/* what one look at an access unit of NAL units gives */
typedef struct {
  WeirNalSummary summary;
  gboolean broken; /* it does not add up */
  gboolean no_memory;
  gboolean has_empty;
  guint sets;
  gsize size; /* of those that stay, with 4 bytes of length each */
} Look;

static gboolean
has_nal_units (WeirCodec codec)
{
  return codec == WEIR_CODEC_AVC || codec == WEIR_CODEC_HEVC;
}

WeirElementaryVideo *
weir_elementary_video_new (WeirCodec codec)
{
  WeirElementaryVideo *self = g_new0 (WeirElementaryVideo, 1);

  self->codec = codec;
  self->length_size = 4;
  if (has_nal_units (codec))
    self->sets = weir_parameter_sets_new (codec);
  return self;
}

void
weir_elementary_video_free (WeirElementaryVideo *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->parsed, weir_codec_config_unref);
  g_clear_pointer (&self->config, weir_codec_config_unref);
  g_clear_pointer (&self->sets, weir_parameter_sets_free);
  g_free (self->colour);
  g_free (self);
}

WeirCodecConfig *
weir_elementary_video_get_config (WeirElementaryVideo *self)
{
  return self->config;
}

void
weir_elementary_video_set_colour (WeirElementaryVideo *self, const WeirColour *colour)
{
  g_free (self->colour);
  self->colour = g_memdup2 (colour, sizeof *colour);
  self->stale = TRUE;
}

static void
set_parsed (WeirElementaryVideo *self, WeirCodecConfig *parsed)
{
  g_clear_pointer (&self->parsed, weir_codec_config_unref);
  self->parsed = parsed;
  self->told = (WeirColour){0};
  self->stale = TRUE;
}

/* @parsed: of a record that was made of the stream */
static void
take_over (WeirElementaryVideo *self, WeirCodecConfig *parsed, WeirAccessUnit *unit)
{
  unit->quirks |= self->has_record ? WEIR_QUIRK_IN_BAND_CONFIG : WEIR_QUIRK_NO_RECORD;
  set_parsed (self, parsed);
}

/* The colour of @config with what the keyframes told where it says nothing.
 * Returns: FALSE when that is nothing more; @colour is then untouched */
static gboolean
add_told (const WeirElementaryVideo *self, const WeirCodecConfig *config, WeirColour *colour)
{
  WeirColour all = {.primaries = 2, .transfer = 2, .matrix = 2};
  const WeirColour *told = &self->told;
  gboolean mastering, light_level;

  if (config->colour != NULL)
    all = *config->colour;
  mastering = told->has_mastering && !all.has_mastering;
  light_level = told->has_light_level && !all.has_light_level;
  if (!mastering && !light_level)
    return FALSE;
  if (mastering) {
    all.has_mastering = TRUE;
    memcpy (all.display_primaries, told->display_primaries, sizeof all.display_primaries);
    memcpy (all.white_point, told->white_point, sizeof all.white_point);
    all.luminance_max = told->luminance_max;
    all.luminance_min = told->luminance_min;
  }
  if (light_level) {
    all.has_light_level = TRUE;
    all.content_light_max = told->content_light_max;
    all.picture_average_light_max = told->picture_average_light_max;
  }
  *colour = all;
  return TRUE;
}

/* shows what is known now, in @width and @height where the record does not say */
static void
show (WeirElementaryVideo *self, guint width, guint height)
{
  g_autoptr (WeirCodecConfig) config = weir_codec_config_ref (self->parsed);
  WeirCodecConfig *other;
  WeirColour colour;

  if (config->width == 0) {
    if (width == 0)
      return; /* until a keyframe says */
    other = weir_codec_config_with_size (config, width, height);
    weir_codec_config_unref (config);
    config = other;
  }
  if (self->colour != NULL || add_told (self, config, &colour)) {
    other = weir_codec_config_with_colour (config, self->colour != NULL ? self->colour : &colour);
    weir_codec_config_unref (config);
    config = other;
  }
  self->stale = FALSE;
  if (self->config != NULL && weir_codec_config_equal (self->config, config))
    return;
  g_clear_pointer (&self->config, weir_codec_config_unref);
  self->config = g_steal_pointer (&config);
}

/* ------------------------------------------------------------------------------------- records */

/* parameter sets with start codes */
static GBytes *
record_of_annex_b (WeirCodec codec, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (WeirParameterSets) sets = weir_parameter_sets_new (codec);
  WeirReader reader;
  guint count = 0;
  WeirNal nal;

  weir_reader_init (&reader, data, size);
  while (weir_nal_next_annex_b (&reader, &nal)) {
    if (nal.size == 0 || !weir_parameter_sets_is_one (codec, &nal) || ++count > PARAMETER_SETS_MAX)
      continue;
    if (!weir_parameter_sets_take (sets, &nal, error))
      return NULL;
  }
  return weir_parameter_sets_make_record (sets, error);
}

/* the same with lengths of 4 bytes, as the access units have them afterwards */
static GBytes *
with_long_lengths (WeirCodec codec, GBytes *record)
{
  gsize place = codec == WEIR_CODEC_AVC ? 4 : 21;
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  guint8 *copy;

  if (size <= place)
    return g_bytes_ref (record);
  copy = g_memdup2 (data, size);
  copy[place] |= 3;
  return g_bytes_new_take (copy, size);
}

/* VPCodecConfigurationRecord without the version and flags of its box */
static gboolean
is_short_vpx_record (WeirCodec codec, gsize size)
{
  return (codec == WEIR_CODEC_VP8 || codec == WEIR_CODEC_VP9) && size == 8;
}

static GBytes *
with_version (GBytes *record)
{
  g_auto (WeirWriter) writer = {0};
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);

  weir_writer_init (&writer, 4 + size);
  weir_writer_u32 (&writer, 0x01000000);
  weir_writer_bytes (&writer, data, size);
  return weir_writer_steal (&writer);
}

gboolean
weir_elementary_video_set_record (WeirElementaryVideo *self, GBytes *given, GError **error)
{
  g_autoptr (GBytes) record = NULL;
  WeirCodecConfig *parsed;
  guint length_size = 4;
  gboolean annex_b;
  gsize size;
  const guint8 *data = g_bytes_get_data (given, &size);

  annex_b = has_nal_units (self->codec) && weir_nal_is_annex_b (data, size);
  if (annex_b)
    record = record_of_annex_b (self->codec, data, size, error);
  else
    record = is_short_vpx_record (self->codec, size) ? with_version (given) : g_bytes_ref (given);
  if (record == NULL)
    return FALSE;
  parsed = weir_codec_config_parse (self->codec, record, error);
  if (parsed == NULL)
    return FALSE;
  if (has_nal_units (self->codec) && parsed->nal_length_size != 4) {
    GBytes *other = with_long_lengths (self->codec, record);

    length_size = parsed->nal_length_size;
    g_bytes_unref (record);
    record = other;
    weir_codec_config_unref (parsed);
    parsed = weir_codec_config_parse (self->codec, record, error);
    if (parsed == NULL)
      return FALSE;
  }

  self->has_record = TRUE;
  self->length_size = length_size;
  if (self->sets != NULL)
    weir_parameter_sets_load (self->sets, record);
  set_parsed (self, parsed);
  show (self, 0, 0);
  return TRUE;
}

/* --------------------------------------------------------------------------- converted units */

/* Returns: FALSE when memory is short. Up to @size the writer does not have to grow. */
static gboolean
try_writer (WeirWriter *writer, gsize size)
{
  *writer = (WeirWriter){.data = g_try_malloc (size), .allocated = size};
  return writer->data != NULL;
}

static void
set_converted (WeirAccessUnit *unit, WeirWriter *writer)
{
  unit->offset = 0;
  unit->size = writer->size;
  unit->converted = writer->data;
}

/* --------------------------------------------------------------------------------- NAL units */

static gboolean
is_delimiter (WeirCodec codec, const WeirNal *nal)
{
  return codec == WEIR_CODEC_AVC ? (nal->data[0] & 0x1f) == WEIR_AVC_DELIMITER
                                 : weir_hevc_nal_type (nal) == WEIR_HEVC_DELIMITER;
}

/* The next NAL unit in either framing. Delimiters, which Annex B alone needs, are passed over
 * there.
 */
static inline gboolean
next_nal (const WeirElementaryVideo *self, gboolean annex_b, WeirReader *reader, WeirNal *nal)
{
  if (!annex_b)
    return weir_nal_next (reader, self->length_size, nal);
  while (weir_nal_next_annex_b (reader, nal)) {
    if (nal->size == 0 || !is_delimiter (self->codec, nal))
      return TRUE;
  }
  return FALSE;
}

/* Returns: whether to go on */
static gboolean
look_at (WeirElementaryVideo *self, const WeirNal *nal, Look *look)
{
  g_autoptr (GError) error = NULL;

  if (nal->size == 0) {
    look->has_empty = TRUE;
    return TRUE;
  }
  if (self->codec == WEIR_CODEC_HEVC && nal->size < WEIR_HEVC_NAL_HEADER_SIZE) {
    look->broken = TRUE;
    return FALSE;
  }
  look->size += 4 + nal->size;
  if (self->codec == WEIR_CODEC_AVC)
    weir_avc_summarise (&look->summary, nal);
  else
    weir_hevc_summarise (&look->summary, nal);
  if (!weir_parameter_sets_is_one (self->codec, nal))
    return TRUE;
  if (++look->sets <= PARAMETER_SETS_MAX && weir_parameter_sets_take (self->sets, nal, &error))
    return TRUE;
  look->broken = TRUE;
  look->no_memory = g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY);
  return FALSE;
}

static gboolean
lengths_add_up (const WeirElementaryVideo *self, const guint8 *data, gsize size)
{
  WeirReader reader;
  WeirNal nal;

  weir_reader_init (&reader, data, size);
  while (weir_nal_next (&reader, self->length_size, &nal))
    ;
  return !reader.failed;
}

static void
look_through (
    WeirElementaryVideo *self, const guint8 *data, gsize size, gboolean annex_b, Look *look)
{
  WeirReader reader;
  WeirNal nal;

  weir_reader_init (&reader, data, size);
  while (next_nal (self, annex_b, &reader, &nal)) {
    if (!look_at (self, &nal, look))
      return;
  }
  if (reader.failed)
    look->broken = TRUE;
}

/* with lengths of 4 bytes, without what is empty */
static gboolean
convert_nal_units (WeirElementaryVideo *self, const guint8 *data, gsize size, gboolean annex_b,
    gsize converted_size, WeirAccessUnit *unit)
{
  WeirWriter writer;
  WeirReader reader;
  WeirNal nal;

  if (!try_writer (&writer, converted_size))
    return FALSE;
  weir_reader_init (&reader, data, size);
  while (next_nal (self, annex_b, &reader, &nal)) {
    if (nal.size == 0)
      continue;
    weir_writer_u32 (&writer, (guint32) nal.size);
    weir_writer_bytes (&writer, nal.data, nal.size);
  }
  set_converted (unit, &writer);
  return TRUE;
}

/* SEI of a keyframe, which encoders repeat there and seldom put into the record */
static void
look_for_colour (WeirElementaryVideo *self, const guint8 *data, gsize size, gboolean annex_b)
{
  gsize header = self->codec == WEIR_CODEC_AVC ? 1 : WEIR_HEVC_NAL_HEADER_SIZE;
  gboolean found = FALSE;
  WeirReader reader;
  WeirNal nal;

  weir_reader_init (&reader, data, size);
  while (next_nal (self, annex_b, &reader, &nal)) {
    if (nal.size <= header)
      continue;
    if (self->codec == WEIR_CODEC_AVC ? (nal.data[0] & 0x1f) == WEIR_AVC_SEI
                                      : weir_hevc_nal_type (&nal) == WEIR_HEVC_SEI_PREFIX)
      found |= weir_sei_parse_colour (&nal, header, &self->told);
  }
  self->stale |= found;
}

/* a keyframe, or the first picture, brings in what waited. Returns: FALSE with @unit's status */
static gboolean
renew_nal_config (WeirElementaryVideo *self, const guint8 *data, gsize size, gboolean annex_b,
    WeirAccessUnit *unit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) record = NULL;
  gboolean keyframe = unit->keyframe;
  WeirCodecConfig *parsed;

  if (weir_parameter_sets_are_waiting (self->sets) && (keyframe || self->parsed == NULL)) {
    record = weir_parameter_sets_make_record (self->sets, &error);
    if (record == NULL && self->parsed == NULL &&
        !g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY)) {
      unit->status = WEIR_UNIT_NO_CONFIG; /* the others may follow */
      return FALSE;
    }
    parsed = record != NULL ? weir_codec_config_parse (self->codec, record, &error) : NULL;
    if (parsed == NULL) {
      weir_parameter_sets_forget (self->sets);
      unit->status = g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY)
                         ? WEIR_UNIT_NO_MEMORY
                         : WEIR_UNIT_INVALID;
      return FALSE;
    }
    weir_parameter_sets_load (self->sets, record);
    take_over (self, parsed, unit);
  }
  if (keyframe)
    look_for_colour (self, data, size, annex_b);
  if (self->stale && self->parsed != NULL && (keyframe || self->config == NULL))
    show (self, 0, 0);
  if (self->config == NULL)
    unit->status = WEIR_UNIT_NO_CONFIG;
  return self->config != NULL;
}

static void
take_nal_units (WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  gboolean annex_b = !self->has_record;
  Look look = {0};

  if (!annex_b && weir_nal_is_annex_b (data, size) && !lengths_add_up (self, data, size))
    annex_b = TRUE;
  look_through (self, data, size, annex_b, &look);
  if (look.broken) {
    weir_parameter_sets_forget (self->sets);
    unit->status = look.no_memory ? WEIR_UNIT_NO_MEMORY : WEIR_UNIT_INVALID;
    return;
  }
  if (annex_b && self->has_record)
    unit->quirks |= WEIR_QUIRK_ANNEX_B;
  if (look.has_empty)
    unit->quirks |= WEIR_QUIRK_EMPTY_NAL;
  unit->keyframe = look.summary.keyframe;
  if (!look.summary.slice) {
    unit->status = WEIR_UNIT_EMPTY;
    return;
  }
  if (!renew_nal_config (self, data, size, annex_b, unit))
    return;
  unit->status = WEIR_UNIT_OK;
  unit->size = size;
  if ((annex_b || look.has_empty || self->length_size != 4) &&
      !convert_nal_units (self, data, size, annex_b, look.size, unit))
    unit->status = WEIR_UNIT_NO_MEMORY;
}

/* ----------------------------------------------------------------------------------------- AV1 */

/* without temporal delimiters, and every unit says its size */
static gboolean
convert_obus (const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  WeirWriter writer;
  WeirReader reader;
  guint8 length[5];
  WeirObu obu;

  /* only the last unit may not say its size */
  if (!try_writer (&writer, size + sizeof length))
    return FALSE;
  weir_reader_init (&reader, data, size);
  while (weir_obu_next (&reader, &obu)) {
    if (obu.type == WEIR_OBU_TEMPORAL_DELIMITER)
      continue;
    if (obu.has_size) {
      weir_writer_bytes (&writer, obu.data, obu.size);
      continue;
    }
    weir_writer_u8 (&writer, obu.data[0] | 2);
    if (obu.has_extension)
      weir_writer_u8 (&writer, obu.data[1]);
    weir_writer_bytes (&writer, length, weir_obu_write_size ((guint32) obu.payload_size, length));
    weir_writer_bytes (&writer, obu.payload, obu.payload_size);
  }
  set_converted (unit, &writer);
  return TRUE;
}

/* a sequence header that differs. Returns: FALSE with @unit's status */
static gboolean
renew_av1_config (WeirElementaryVideo *self, const WeirObu *sequence, WeirAccessUnit *unit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) record = NULL;
  WeirCodecConfig *parsed = NULL;
  gboolean known;
  WeirObu old;

  known = self->parsed != NULL && weir_av1_find_sequence (self->parsed->record, &old) &&
          old.payload_size == sequence->payload_size &&
          memcmp (old.payload, sequence->payload, old.payload_size) == 0;
  if (!known) {
    record = weir_av1_make_record (sequence, &error);
    if (record != NULL)
      parsed = weir_codec_config_parse (self->codec, record, &error);
    if (parsed == NULL) {
      unit->status = WEIR_UNIT_INVALID;
      return FALSE;
    }
    take_over (self, parsed, unit);
  }
  if (self->stale)
    show (self, 0, 0);
  return TRUE;
}

static void
take_obus (WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  gboolean convert = FALSE;
  WeirAv1Summary summary = {0};
  gsize begin = 0;
  WeirReader reader;
  WeirObu obu;

  weir_reader_init (&reader, data, size);
  while (weir_obu_next (&reader, &obu)) {
    if (obu.type == WEIR_OBU_TEMPORAL_DELIMITER) {
      /* where it belongs, it costs no copy */
      convert |= obu.data != data + begin;
      if (!convert)
        begin = reader.position;
      continue;
    }
    convert |= !obu.has_size;
    weir_av1_summarise (&summary, &obu);
  }
  if (reader.failed) {
    unit->status = WEIR_UNIT_INVALID;
    return;
  }
  unit->keyframe = summary.keyframe;
  if (!summary.frame) {
    unit->status = WEIR_UNIT_EMPTY;
    return;
  }
  if (summary.keyframe && !renew_av1_config (self, &summary.sequence, unit))
    return;
  if (self->config == NULL) {
    unit->status = WEIR_UNIT_NO_CONFIG;
    return;
  }
  unit->status = WEIR_UNIT_OK;
  unit->offset = begin;
  unit->size = size - begin;
  if (convert && !convert_obus (data, size, unit))
    unit->status = WEIR_UNIT_NO_MEMORY;
}

/* ------------------------------------------------------------------------------------ VP8, VP9 */

static void
take_vpx_frame (WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  WeirVpxFrame frame = {0};

  if (size == 0) {
    unit->status = WEIR_UNIT_EMPTY;
    return;
  }
  if (!weir_vpx_parse_frame (self->codec, data, size, &frame)) {
    unit->status = WEIR_UNIT_INVALID;
    return;
  }
  unit->keyframe = frame.keyframe;
  if (frame.keyframe) {
    gboolean known = self->parsed != NULL && weir_vpx_matches_record (self->parsed, &frame);

    if (!known) {
      g_autoptr (GBytes) record = weir_vpx_make_record (&frame);
      WeirCodecConfig *parsed = weir_codec_config_parse (self->codec, record, NULL);

      if (parsed == NULL) {
        unit->status = WEIR_UNIT_INVALID;
        return;
      }
      take_over (self, parsed, unit);
    }
    if (self->stale || self->config == NULL || self->config->width != frame.width ||
        self->config->height != frame.height)
      show (self, frame.width, frame.height);
  }
  if (self->config == NULL) {
    unit->status = WEIR_UNIT_NO_CONFIG;
    return;
  }
  unit->status = WEIR_UNIT_OK;
  unit->size = size;
}

void
weir_elementary_video_take (
    WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  if (has_nal_units (self->codec))
    take_nal_units (self, data, size, unit);
  else if (self->codec == WEIR_CODEC_AV1)
    take_obus (self, data, size, unit);
  else
    take_vpx_frame (self, data, size, unit);
}
