/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/av1.h"

#include "base/bitreader.h"
#include "codec/entry.h"
#include "codec/error.h"
#include "codec/fraction.h"

#define NAME "AV1" /* in messages */
#define RECORD_HEADER_SIZE 4
#define DIMENSION_MAX 16384

enum {
  COLOUR_UNSPECIFIED = 2,
  COLOUR_BT709 = 1,
  TRANSFER_SRGB = 13,
  MATRIX_IDENTITY = 0,
  METADATA_LIGHT_LEVEL = 1,
  METADATA_MASTERING = 2,
};

/* sequence_header_obu() (5.5), or what the header of a record repeats of it */
typedef struct {
  guint profile, level, tier;
  gboolean reduced;
  guint bit_depth;
  gboolean monochrome;
  gboolean subsampling_x, subsampling_y;
  guint chroma_position;
  guint width, height; /* 0 when there is no sequence header */
  guint frame_rate_n, frame_rate_d;
  WeirColour colour;
} Sequence;

static guint32
read_leb128 (WeirReader *reader)
{
  guint64 value = 0;

  for (guint i = 0; i < 8; i++) {
    guint8 byte = weir_reader_u8 (reader);

    value |= (guint64) (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      if (value > G_MAXUINT32)
        break;
      return (guint32) value;
    }
  }
  reader->failed = TRUE;
  return 0;
}

guint
weir_obu_write_size (guint32 size, guint8 out[5])
{
  guint count = 0;

  do {
    out[count] = (guint8) ((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
    size >>= 7;
    count++;
  } while (size > 0);
  return count;
}

gboolean
weir_obu_next (WeirReader *reader, WeirObu *obu)
{
  gsize begin = reader->position;
  guint8 header;

  if (reader->failed || weir_reader_remaining (reader) == 0)
    return FALSE;
  header = weir_reader_u8 (reader);
  if (header & 0x80) /* obu_forbidden_bit */
    reader->failed = TRUE;
  obu->type = header >> 3 & 0xf;
  obu->has_extension = (header & 4) != 0;
  obu->has_size = (header & 2) != 0;
  if (obu->has_extension)
    weir_reader_skip (reader, 1);
  obu->payload_size = obu->has_size ? read_leb128 (reader) : weir_reader_remaining (reader);
  obu->payload = weir_reader_bytes (reader, obu->payload_size);
  if (reader->failed)
    return FALSE;
  obu->data = reader->data + begin;
  obu->size = reader->position - begin;
  return TRUE;
}

/* timing_info(), decoder_model_info() (5.5.3, 5.5.4). Returns: bits of a buffer delay; 0 when there
 * is no decoder model */
static guint
parse_timing (WeirBitReader *bits, Sequence *sequence)
{
  guint64 units = weir_bit_reader_bits (bits, 32);
  guint64 scale = weir_bit_reader_bits (bits, 32);
  guint delay_bits;

  if (weir_bit_reader_bit (bits)) { /* equal_picture_interval */
    guint64 ticks = (guint64) weir_bit_reader_ue (bits) + 1;

    /* so that nothing wraps */
    if (!bits->failed && units <= G_MAXUINT32 / ticks)
      weir_fraction_set_frame_rate (
          scale, units * ticks, &sequence->frame_rate_n, &sequence->frame_rate_d);
  }
  if (!weir_bit_reader_bit (bits)) /* decoder_model_info_present_flag */
    return 0;
  delay_bits = weir_bit_reader_bits (bits, 5) + 1;
  weir_bit_reader_skip (bits, 32 + 5 + 5);
  return delay_bits;
}

static void
parse_operating_points (WeirBitReader *bits, guint delay_bits, Sequence *sequence)
{
  gboolean display_delay = weir_bit_reader_bit (bits);
  guint count = weir_bit_reader_bits (bits, 5) + 1;

  for (guint i = 0; i < count; i++) {
    guint level, tier;

    weir_bit_reader_skip (bits, 12);
    level = weir_bit_reader_bits (bits, 5);
    tier = level > 7 ? weir_bit_reader_bits (bits, 1) : 0;
    if (i == 0) {
      sequence->level = level;
      sequence->tier = tier;
    }
    if (delay_bits > 0 && weir_bit_reader_bit (bits))
      weir_bit_reader_skip (bits, 2 * delay_bits + 1);
    if (display_delay && weir_bit_reader_bit (bits))
      weir_bit_reader_skip (bits, 4);
  }
}

static void
skip_tools (WeirBitReader *bits)
{
  gboolean order_hint, screen_content;

  weir_bit_reader_skip (bits, 4); /* interintra, masked compound, warped motion, dual filter */
  order_hint = weir_bit_reader_bit (bits);
  if (order_hint)
    weir_bit_reader_skip (bits, 2);
  /* seq_choose_screen_content_tools, seq_force_screen_content_tools */
  screen_content = weir_bit_reader_bit (bits) || weir_bit_reader_bit (bits);
  if (screen_content && !weir_bit_reader_bit (bits)) /* seq_choose_integer_mv */
    weir_bit_reader_skip (bits, 1);
  if (order_hint)
    weir_bit_reader_skip (bits, 3);
}

/* 5.5.2 */
static void
parse_colour (WeirBitReader *bits, Sequence *sequence)
{
  WeirColour *colour = &sequence->colour;
  gboolean high = weir_bit_reader_bit (bits);

  sequence->bit_depth = high ? 10 : 8;
  if (sequence->profile == 2 && high && weir_bit_reader_bit (bits))
    sequence->bit_depth = 12;
  sequence->monochrome = sequence->profile != 1 && weir_bit_reader_bit (bits);
  if (weir_bit_reader_bit (bits)) { /* color_description_present_flag */
    colour->primaries = (guint8) weir_bit_reader_bits (bits, 8);
    colour->transfer = (guint8) weir_bit_reader_bits (bits, 8);
    colour->matrix = (guint8) weir_bit_reader_bits (bits, 8);
  }
  if (sequence->monochrome) {
    colour->full_range = weir_bit_reader_bit (bits);
    sequence->subsampling_x = sequence->subsampling_y = TRUE;
    return;
  }
  if (colour->primaries == COLOUR_BT709 && colour->transfer == TRANSFER_SRGB &&
      colour->matrix == MATRIX_IDENTITY) {
    colour->full_range = TRUE;
  } else {
    colour->full_range = weir_bit_reader_bit (bits);
    if (sequence->profile == 0) {
      sequence->subsampling_x = sequence->subsampling_y = TRUE;
    } else if (sequence->profile == 2) {
      sequence->subsampling_x = sequence->bit_depth < 12 || weir_bit_reader_bit (bits);
      sequence->subsampling_y =
          sequence->bit_depth == 12 && sequence->subsampling_x && weir_bit_reader_bit (bits);
    }
    if (sequence->subsampling_x && sequence->subsampling_y)
      sequence->chroma_position = weir_bit_reader_bits (bits, 2);
  }
  weir_bit_reader_skip (bits, 1); /* separate_uv_delta_q */
}

/* 5.5.1 */
static gboolean
parse_sequence (const WeirObu *obu, Sequence *out, GError **error)
{
  Sequence sequence = {.frame_rate_d = 1,
      .colour = {.primaries = COLOUR_UNSPECIFIED,
          .transfer = COLOUR_UNSPECIFIED,
          .matrix = COLOUR_UNSPECIFIED}};
  guint width_bits, height_bits;
  WeirBitReader bits;

  weir_bit_reader_init (&bits, obu->payload, obu->payload_size);
  sequence.profile = weir_bit_reader_bits (&bits, 3);
  if (sequence.profile > 2)
    return weir_codec_unsupported (error, NAME, "profile beyond 2");
  weir_bit_reader_skip (&bits, 1); /* still_picture */
  sequence.reduced = weir_bit_reader_bit (&bits);
  if (sequence.reduced) {
    sequence.level = weir_bit_reader_bits (&bits, 5);
  } else {
    guint delay_bits = weir_bit_reader_bit (&bits) ? parse_timing (&bits, &sequence) : 0;

    parse_operating_points (&bits, delay_bits, &sequence);
  }
  width_bits = weir_bit_reader_bits (&bits, 4) + 1;
  height_bits = weir_bit_reader_bits (&bits, 4) + 1;
  sequence.width = weir_bit_reader_bits (&bits, width_bits) + 1;
  sequence.height = weir_bit_reader_bits (&bits, height_bits) + 1;
  if (!sequence.reduced && weir_bit_reader_bit (&bits)) /* frame_id_numbers_present_flag */
    weir_bit_reader_skip (&bits, 7);
  weir_bit_reader_skip (&bits, 3); /* superblocks, filter intra, intra edge filter */
  if (!sequence.reduced)
    skip_tools (&bits);
  weir_bit_reader_skip (&bits, 3); /* superres, cdef, restoration */
  parse_colour (&bits, &sequence);
  weir_bit_reader_skip (&bits, 1); /* film_grain_params_present */
  if (bits.failed)
    return weir_codec_malformed (error, NAME, "sequence header too short");
  if (sequence.width > DIMENSION_MAX || sequence.height > DIMENSION_MAX)
    return weir_codec_unsupported (error, NAME, "picture too large");
  *out = sequence;
  return TRUE;
}

/* 5.8.3, 5.8.4, into the units of WeirColour */
static gboolean
parse_metadata (const WeirObu *obu, WeirColour *colour)
{
  WeirColour read = *colour;
  guint64 most, least;
  WeirReader reader;
  guint32 type;

  weir_reader_init (&reader, obu->payload, obu->payload_size);
  type = read_leb128 (&reader);
  if (type == METADATA_LIGHT_LEVEL) {
    read.has_light_level = TRUE;
    read.content_light_max = weir_reader_u16 (&reader);
    read.picture_average_light_max = weir_reader_u16 (&reader);
  } else if (type == METADATA_MASTERING) {
    read.has_mastering = TRUE;
    /* 0.16 fixed point; 0.00002 each */
    for (guint i = 0; i < 4; i++) {
      guint16 *point = i < 3 ? read.display_primaries[i] : read.white_point;

      point[0] = (guint16) ((weir_reader_u16 (&reader) * 50000u + 32768) >> 16);
      point[1] = (guint16) ((weir_reader_u16 (&reader) * 50000u + 32768) >> 16);
    }
    /* 24.8 and 18.14 fixed point; 0.0001 cd/m² each */
    most = weir_reader_u32 (&reader);
    least = weir_reader_u32 (&reader);
    read.luminance_max = (guint32) MIN ((most * 10000 + 128) >> 8, G_MAXUINT32);
    read.luminance_min = (guint32) MIN ((least * 10000 + 8192) >> 14, G_MAXUINT32);
  } else {
    return FALSE;
  }
  if (reader.failed)
    return FALSE;
  *colour = read;
  return TRUE;
}

/* AV1 in ISOBMFF, 2.3.3 */
static gboolean
parse_record (GBytes *record, Sequence *sequence, GError **error)
{
  gboolean found = FALSE;
  WeirColour metadata = {0};
  WeirReader reader;
  guint8 byte;
  WeirObu obu;
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);

  weir_reader_init (&reader, data, size);
  if (weir_reader_u8 (&reader) != 0x81)
    return weir_codec_malformed (error, NAME, "marker and version of the configuration record");
  byte = weir_reader_u8 (&reader);
  *sequence = (Sequence){.profile = byte >> 5,
      .level = byte & 0x1f,
      .frame_rate_d = 1,
      .colour = {.primaries = COLOUR_UNSPECIFIED,
          .transfer = COLOUR_UNSPECIFIED,
          .matrix = COLOUR_UNSPECIFIED}};
  byte = weir_reader_u8 (&reader);
  sequence->tier = byte >> 7;
  sequence->bit_depth = (byte & 0x40) == 0 ? 8 : sequence->profile == 2 && (byte & 0x20) ? 12 : 10;
  sequence->monochrome = (byte & 0x10) != 0;
  sequence->subsampling_x = (byte & 8) != 0;
  sequence->subsampling_y = (byte & 4) != 0;
  sequence->chroma_position = byte & 3;
  weir_reader_skip (&reader, 1); /* initial_presentation_delay */
  if (reader.failed)
    return weir_codec_malformed (error, NAME, "configuration record too short");
  if (sequence->profile > 2)
    return weir_codec_unsupported (error, NAME, "profile beyond 2");
  while (weir_obu_next (&reader, &obu)) {
    if (obu.type == WEIR_OBU_SEQUENCE_HEADER && !found) {
      if (!parse_sequence (&obu, sequence, error))
        return FALSE;
      found = TRUE;
    } else if (obu.type == WEIR_OBU_METADATA) {
      parse_metadata (&obu, &metadata);
    }
  }
  if (reader.failed)
    return weir_codec_malformed (error, NAME, "broken OBU in the configuration record");
  metadata.primaries = sequence->colour.primaries;
  metadata.transfer = sequence->colour.transfer;
  metadata.matrix = sequence->colour.matrix;
  metadata.full_range = sequence->colour.full_range;
  sequence->colour = metadata;
  return TRUE;
}

static gboolean
has_description (const WeirColour *colour)
{
  return colour->primaries != COLOUR_UNSPECIFIED || colour->transfer != COLOUR_UNSPECIFIED ||
         colour->matrix != COLOUR_UNSPECIFIED;
}

/* AV1 in ISOBMFF, 5: what may be left out is, where it is as assumed or not known */
static gchar *
make_codecs (const Sequence *sequence)
{
  const WeirColour *colour = &sequence->colour;
  guint position =
      sequence->subsampling_x && sequence->subsampling_y ? sequence->chroma_position : 0;
  gboolean assumed = !has_description (colour) ||
                     (colour->primaries == COLOUR_BT709 && colour->transfer == COLOUR_BT709 &&
                         colour->matrix == COLOUR_BT709);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "av01.%u.%02u%c.%02u", sequence->profile, sequence->level,
      sequence->tier ? 'H' : 'M', sequence->bit_depth);
  if (!assumed || sequence->monochrome || !sequence->subsampling_x || !sequence->subsampling_y ||
      position != 0 || colour->full_range)
    g_string_append_printf (text, ".%u.%u%u%u.%02u.%02u.%02u.%u", sequence->monochrome ? 1 : 0,
        sequence->subsampling_x ? 1 : 0, sequence->subsampling_y ? 1 : 0, position,
        colour->primaries, colour->transfer, colour->matrix, colour->full_range ? 1 : 0);
  return g_string_free (text, FALSE);
}

gboolean
weir_av1_config_parse (WeirCodecConfig *config, GError **error)
{
  const WeirColour *colour;
  Sequence sequence;

  if (!parse_record (config->record, &sequence, error))
    return FALSE;
  colour = &sequence.colour;
  config->codecs = make_codecs (&sequence);
  config->timescale = 90000;
  config->width = sequence.width;
  config->height = sequence.height;
  config->frame_rate_n = sequence.frame_rate_n;
  config->frame_rate_d = sequence.frame_rate_d;
  if (has_description (colour) || colour->full_range || colour->has_mastering ||
      colour->has_light_level)
    config->colour = g_memdup2 (colour, sizeof *colour);
  return TRUE;
}

void
weir_av1_append_caps (const WeirCodecConfig *config, GString *caps)
{
  static const gchar *const profiles[] = {"main", "high", "professional"};
  const gchar *chroma;
  Sequence sequence;

  if (!parse_record (config->record, &sequence, NULL))
    return;
  chroma = sequence.monochrome      ? "4:0:0"
           : sequence.subsampling_y ? "4:2:0"
           : sequence.subsampling_x ? "4:2:2"
                                    : "4:4:4";
  g_string_append_printf (caps,
      ", profile=(string)%s, chroma-format=(string)%s, bit-depth-luma=(uint)%u, "
      "bit-depth-chroma=(uint)%u",
      profiles[sequence.profile], chroma, sequence.bit_depth, sequence.bit_depth);
}

void
weir_av1_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  weir_entry_write_video (config, "av01", "av1C", writer);
}

gboolean
weir_av1_find_sequence (GBytes *record, WeirObu *sequence)
{
  WeirReader reader;
  WeirObu obu;
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);

  weir_reader_init (&reader, data, size);
  weir_reader_skip (&reader, RECORD_HEADER_SIZE);
  while (weir_obu_next (&reader, &obu)) {
    if (obu.type == WEIR_OBU_SEQUENCE_HEADER) {
      *sequence = obu;
      return TRUE;
    }
  }
  return FALSE;
}

GBytes *
weir_av1_make_record (const WeirObu *obu, GError **error)
{
  g_auto (WeirWriter) writer = {0};
  guint8 length[5];
  Sequence sequence;

  if (obu->payload_size > WEIR_CODEC_RECORD_SIZE_MAX) {
    weir_codec_malformed (error, NAME, "sequence header too long");
    return NULL;
  }
  if (!parse_sequence (obu, &sequence, error))
    return NULL;
  weir_writer_init (&writer, 64);
  weir_writer_u8 (&writer, 0x81);
  weir_writer_u8 (&writer, (guint8) (sequence.profile << 5 | sequence.level));
  weir_writer_u8 (
      &writer, (guint8) (sequence.tier << 7 | (sequence.bit_depth > 8 ? 0x40 : 0) |
                         (sequence.bit_depth > 10 ? 0x20 : 0) | (sequence.monochrome ? 0x10 : 0) |
                         (sequence.subsampling_x ? 8 : 0) | (sequence.subsampling_y ? 4 : 0) |
                         sequence.chroma_position));
  weir_writer_u8 (&writer, 0);
  weir_writer_u8 (&writer, WEIR_OBU_SEQUENCE_HEADER << 3 | 2);
  weir_writer_bytes (&writer, length, weir_obu_write_size ((guint32) obu->payload_size, length));
  weir_writer_bytes (&writer, obu->payload, obu->payload_size);
  return weir_writer_steal (&writer);
}

static gboolean
is_reduced (const WeirObu *sequence)
{
  return sequence->payload_size > 0 && (sequence->payload[0] & 8) != 0;
}

/* 5.9.2: a key frame that is shown; a shown copy of an earlier one (show_existing_frame) needs that
 * one */
static gboolean
is_key (const WeirObu *obu)
{
  WeirBitReader bits;
  gboolean existing, shown;
  guint type;

  weir_bit_reader_init (&bits, obu->payload, obu->payload_size);
  existing = weir_bit_reader_bit (&bits);
  type = weir_bit_reader_bits (&bits, 2);
  shown = weir_bit_reader_bit (&bits);
  return !bits.failed && !existing && type == 0 && shown;
}

void
weir_av1_summarise (WeirAv1Summary *summary, const WeirObu *obu)
{
  if (obu->type == WEIR_OBU_SEQUENCE_HEADER && summary->sequence.data == NULL && !summary->frame)
    summary->sequence = *obu;
  if ((obu->type != WEIR_OBU_FRAME && obu->type != WEIR_OBU_FRAME_HEADER) || summary->frame)
    return;
  /* the first frame decides (AV1 in ISOBMFF, 2.4) */
  summary->frame = TRUE;
  if (summary->sequence.data == NULL)
    return;
  summary->keyframe = is_reduced (&summary->sequence) || is_key (obu);
}

/* Runs for every temporal unit: hops from size to size. */
WeirSampleInfo
weir_av1_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirAv1Summary summary = {0};
  WeirReader reader;
  WeirObu obu;

  (void) config;
  weir_reader_init (&reader, data, size);
  while (weir_obu_next (&reader, &obu))
    weir_av1_summarise (&summary, &obu);
  return (WeirSampleInfo){
      .valid = !reader.failed, .empty = !summary.frame, .keyframe = summary.keyframe};
}
