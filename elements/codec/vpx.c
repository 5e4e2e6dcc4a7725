/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vpx.h"

#include "base/bitreader.h"
#include "base/reader.h"
#include "codec/entry.h"
#include "codec/error.h"

#define NAME "VP8, VP9" /* in messages */
#define DIMENSION_MAX 16384
/* what a level is made for when nobody says the frame rate */
#define FRAME_RATE_ASSUMED 30

enum {
  COLOUR_UNSPECIFIED = 2,
  COLOUR_SPACE_RGB = 7,
  SUBSAMPLING_420_VERTICAL = 0,
  SUBSAMPLING_420 = 1,
  SUBSAMPLING_422 = 2,
  SUBSAMPLING_444 = 3,
};

typedef struct {
  guint profile, level, bit_depth, subsampling;
  WeirColour colour;
} Record;

/* RFC 6386, 9.1. A first partition that reaches beyond the end is the decoder's matter. */
static gboolean
parse_vp8 (const guint8 *data, gsize size, WeirVpxFrame *out)
{
  WeirVpxFrame frame = {.bit_depth = 8, .subsampling = SUBSAMPLING_420};
  WeirReader reader;
  guint8 tag;

  weir_reader_init (&reader, data, size);
  tag = weir_reader_u8 (&reader);
  weir_reader_skip (&reader, 2); /* first_part_size */
  frame.keyframe = (tag & 1) == 0;
  frame.profile = tag >> 1 & 7;
  frame.colour = (WeirColour){.primaries = COLOUR_UNSPECIFIED,
      .transfer = COLOUR_UNSPECIFIED,
      .matrix = COLOUR_UNSPECIFIED};
  if (reader.failed || frame.profile > 3)
    return FALSE;
  if (frame.keyframe) {
    guint32 code = weir_reader_u24 (&reader);
    guint low = weir_reader_u8 (&reader);

    /* 14 bits, little-endian; two of scaling, which nobody heeds */
    frame.width = low | (weir_reader_u8 (&reader) & 0x3fu) << 8;
    low = weir_reader_u8 (&reader);
    frame.height = low | (weir_reader_u8 (&reader) & 0x3fu) << 8;
    if (reader.failed || code != 0x9d012a || frame.width == 0 || frame.height == 0)
      return FALSE;
  }
  *out = frame;
  return TRUE;
}

/* color_config() (6.2.2) */
static gboolean
parse_vp9_colour (WeirBitReader *bits, WeirVpxFrame *frame)
{
  /* color_space (7.2.2) as code points of ITU-T H.273 */
  static const guint8 spaces[8][3] = {
      {2, 2, 2}, {5, 6, 5}, {1, 1, 1}, {6, 6, 6}, {7, 7, 7}, {9, 2, 9}, {2, 2, 2}, {1, 13, 0}};
  gboolean odd = (frame->profile & 1) != 0;
  gboolean x = TRUE, y = TRUE;
  guint space;

  frame->bit_depth = 8;
  if (frame->profile >= 2)
    frame->bit_depth = weir_bit_reader_bit (bits) ? 12 : 10;
  space = weir_bit_reader_bits (bits, 3);
  frame->colour.primaries = spaces[space][0];
  frame->colour.transfer = spaces[space][1];
  frame->colour.matrix = spaces[space][2];
  if (space == COLOUR_SPACE_RGB) {
    if (!odd)
      return FALSE;
    frame->colour.full_range = TRUE;
    x = y = FALSE;
    weir_bit_reader_skip (bits, 1);
  } else {
    frame->colour.full_range = weir_bit_reader_bit (bits);
    if (odd) {
      x = weir_bit_reader_bit (bits);
      y = weir_bit_reader_bit (bits);
      weir_bit_reader_skip (bits, 1);
    }
  }
  /* a record has no value for 4:4:0 */
  frame->subsampling = x && y ? SUBSAMPLING_420 : x ? SUBSAMPLING_422 : SUBSAMPLING_444;
  return TRUE;
}

/* uncompressed_header() (6.2); the index of a superframe stands at its end */
static gboolean
parse_vp9 (const guint8 *data, gsize size, WeirVpxFrame *out)
{
  WeirVpxFrame frame = {0};
  WeirBitReader bits;
  guint marker;

  weir_bit_reader_init (&bits, data, size);
  marker = weir_bit_reader_bits (&bits, 2);
  frame.profile = weir_bit_reader_bits (&bits, 1);
  frame.profile |= weir_bit_reader_bits (&bits, 1) << 1;
  if (marker != 2 || (frame.profile == 3 && weir_bit_reader_bit (&bits)))
    return FALSE;
  if (!weir_bit_reader_bit (&bits)) {              /* show_existing_frame */
    frame.keyframe = !weir_bit_reader_bit (&bits); /* frame_type */
    weir_bit_reader_skip (&bits, 2);               /* show_frame, error_resilient_mode */
  }
  if (frame.keyframe) {
    if (weir_bit_reader_bits (&bits, 24) != 0x498342 || !parse_vp9_colour (&bits, &frame))
      return FALSE;
    frame.width = weir_bit_reader_bits (&bits, 16) + 1;
    frame.height = weir_bit_reader_bits (&bits, 16) + 1;
    if (frame.width > DIMENSION_MAX || frame.height > DIMENSION_MAX)
      return FALSE;
  }
  if (bits.failed)
    return FALSE;
  *out = frame;
  return TRUE;
}

gboolean
weir_vpx_parse_frame (WeirCodec codec, const guint8 *data, gsize size, WeirVpxFrame *frame)
{
  return codec == WEIR_CODEC_VP8 ? parse_vp8 (data, size, frame) : parse_vp9 (data, size, frame);
}

/* the levels of VP9 (annex A), which the record uses for VP8 too */
static guint8
find_level (guint width, guint height)
{
  static const struct {
    guint8 level;
    guint breadth;
    guint64 picture, rate;
  } levels[] = {
      {10, 512, 36864, 829440},
      {11, 768, 73728, 2764800},
      {20, 960, 122880, 4608000},
      {21, 1344, 245760, 9216000},
      {30, 2048, 552960, 20736000},
      {31, 2752, 983040, 36864000},
      {40, 4160, 2228224, 83558400},
      {41, 4160, 2228224, 160432128},
      {50, 8384, 8912896, 311951360},
      {51, 8384, 8912896, 588251136},
      {60, 16832, 35651584, 1176502272},
      {61, 16832, 35651584, 2353004544},
  };
  guint64 picture = (guint64) width * height;

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++) {
    if (MAX (width, height) <= levels[i].breadth && picture <= levels[i].picture &&
        picture * FRAME_RATE_ASSUMED <= levels[i].rate)
      return levels[i].level;
  }
  return 62;
}

GBytes *
weir_vpx_make_record (const WeirVpxFrame *frame)
{
  g_auto (WeirWriter) writer = {0};

  weir_writer_init (&writer, 12);
  weir_writer_u32 (&writer, 0x01000000); /* version, flags */
  weir_writer_u8 (&writer, (guint8) frame->profile);
  weir_writer_u8 (&writer, find_level (frame->width, frame->height));
  weir_writer_u8 (&writer, (guint8) (frame->bit_depth << 4 | frame->subsampling << 1 |
                                     (frame->colour.full_range ? 1 : 0)));
  weir_writer_u8 (&writer, frame->colour.primaries);
  weir_writer_u8 (&writer, frame->colour.transfer);
  weir_writer_u8 (&writer, frame->colour.matrix);
  weir_writer_u16 (&writer, 0); /* codecIntializationDataSize */
  return weir_writer_steal (&writer);
}

static gboolean
parse_record (WeirCodec codec, GBytes *bytes, Record *record, GError **error)
{
  WeirReader reader;
  guint8 byte;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  weir_reader_init (&reader, data, size);
  if (weir_reader_u8 (&reader) != 1)
    return weir_codec_malformed (error, NAME, "version of the configuration record is not 1");
  weir_reader_skip (&reader, 3);
  record->profile = weir_reader_u8 (&reader);
  record->level = weir_reader_u8 (&reader);
  byte = weir_reader_u8 (&reader);
  record->bit_depth = byte >> 4;
  record->subsampling = byte >> 1 & 7;
  record->colour = (WeirColour){.full_range = byte & 1};
  record->colour.primaries = weir_reader_u8 (&reader);
  record->colour.transfer = weir_reader_u8 (&reader);
  record->colour.matrix = weir_reader_u8 (&reader);
  weir_reader_skip (&reader, weir_reader_u16 (&reader));
  if (reader.failed)
    return weir_codec_malformed (error, NAME, "configuration record too short");
  if (record->profile > 3 || record->subsampling > SUBSAMPLING_444)
    return weir_codec_malformed (error, NAME, "profile or chroma format beyond 3");
  if (record->bit_depth != 8 &&
      (codec == WEIR_CODEC_VP8 || (record->bit_depth != 10 && record->bit_depth != 12)))
    return weir_codec_malformed (error, NAME, "no such bit depth");
  return TRUE;
}

static gboolean
is_all (const WeirColour *colour, guint8 point)
{
  return colour->primaries == point && colour->transfer == point && colour->matrix == point;
}

gboolean
weir_vpx_config_parse (WeirCodecConfig *config, GError **error)
{
  const WeirColour *colour;
  Record record;
  GString *text;

  if (!parse_record (config->codec, config->record, &record, error))
    return FALSE;
  colour = &record.colour;
  text = g_string_new (config->codec == WEIR_CODEC_VP8 ? "vp08" : "vp09");
  g_string_append_printf (text, ".%02u.%02u.%02u", record.profile,
      record.level > 0 ? record.level : 10, record.bit_depth);
  /* the rest is left out where it is as assumed or not known */
  if (record.subsampling > SUBSAMPLING_420 || colour->full_range ||
      !(is_all (colour, COLOUR_UNSPECIFIED) || is_all (colour, 1)))
    g_string_append_printf (text, ".%02u.%02u.%02u.%02u.%02u", record.subsampling,
        colour->primaries, colour->transfer, colour->matrix, colour->full_range ? 1 : 0);
  config->codecs = g_string_free (text, FALSE);
  config->timescale = 90000;
  if (colour->full_range || !is_all (colour, COLOUR_UNSPECIFIED))
    config->colour = g_memdup2 (colour, sizeof *colour);
  return TRUE;
}

gboolean
weir_vpx_matches_record (const WeirCodecConfig *config, const WeirVpxFrame *frame)
{
  Record record;

  return parse_record (config->codec, config->record, &record, NULL) &&
         record.profile == frame->profile && record.bit_depth == frame->bit_depth &&
         MAX (record.subsampling, SUBSAMPLING_420) == frame->subsampling;
}

void
weir_vpx_append_caps (const WeirCodecConfig *config, GString *caps)
{
  static const gchar *const chroma[] = {"4:2:0", "4:2:0", "4:2:2", "4:4:4"};
  Record record;

  if (!parse_record (config->codec, config->record, &record, NULL))
    return;
  g_string_append_printf (caps, ", profile=(string)%u", record.profile);
  if (config->codec == WEIR_CODEC_VP9)
    g_string_append_printf (caps,
        ", chroma-format=(string)%s, bit-depth-luma=(uint)%u, bit-depth-chroma=(uint)%u",
        chroma[record.subsampling], record.bit_depth, record.bit_depth);
}

void
weir_vpx_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  weir_entry_write_video (
      config, config->codec == WEIR_CODEC_VP8 ? "vp08" : "vp09", "vpcC", writer);
}

WeirSampleInfo
weir_vpx_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirVpxFrame frame = {0};
  gboolean valid = size == 0 || weir_vpx_parse_frame (config->codec, data, size, &frame);

  return (WeirSampleInfo){.valid = valid, .empty = size == 0, .keyframe = frame.keyframe};
}
