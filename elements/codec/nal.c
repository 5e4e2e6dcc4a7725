/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/nal.h"

#include "codec/error.h"
#include "codec/fraction.h"

#include <string.h>

/* colour messages are short; what is longer is none */
#define SEI_SIZE_MAX 1024

enum {
  SAR_EXTENDED = 255,
  UNSPECIFIED = 2,
};

/* Returns: the first 00 00 01 at or behind @from, or @end */
static const guint8 *
find_start_code (const guint8 *from, const guint8 *end)
{
  const guint8 *one = from;

  if (end - from < 3)
    return end;
  one += 2;
  while (one < end && (one = memchr (one, 1, (gsize) (end - one))) != NULL) {
    if (one[-1] == 0 && one[-2] == 0)
      return one - 2;
    one++;
  }
  return end;
}

gboolean
weir_nal_is_annex_b (const guint8 *data, gsize size)
{
  const guint8 *code;

  if (size < 3)
    return FALSE;
  code = data;
  while (code + 3 < data + size && code[0] == 0 && code[2] == 0)
    code++;
  return code[0] == 0 && code[1] == 0 && code[2] == 1;
}

gboolean
weir_nal_next_annex_b (WeirReader *reader, WeirNal *nal)
{
  const guint8 *begin, *end, *next;

  if (reader->failed || weir_reader_remaining (reader) == 0)
    return FALSE;
  end = reader->data + reader->size;
  begin = reader->data + reader->position;
  while (begin < end && *begin == 0)
    begin++;
  if (begin == end) { /* trailing zeros */
    reader->position = reader->size;
    return FALSE;
  }
  if (*begin != 1 || begin - (reader->data + reader->position) < 2) {
    reader->failed = TRUE;
    return FALSE;
  }
  begin++;
  next = find_start_code (begin, end);
  reader->position = (gsize) (next - reader->data);
  while (next > begin && next[-1] == 0)
    next--;
  nal->data = begin;
  nal->size = (gsize) (next - begin);
  return TRUE;
}

gsize
weir_nal_unescape (const guint8 *data, gsize size, guint8 *out)
{
  gsize length = 0;
  guint zeros = 0;

  for (gsize i = 0; i < size; i++) {
    if (zeros >= 2 && data[i] == 3) {
      zeros = 0;
      continue;
    }
    zeros = data[i] == 0 ? zeros + 1 : 0;
    out[length++] = data[i];
  }
  return length;
}

guint8 *
weir_nal_get_payload (const WeirNal *nal, gsize header_size, gsize *size, GError **error)
{
  guint8 *payload = g_try_malloc (nal->size);

  if (payload == NULL) {
    weir_codec_out_of_memory (error);
    return NULL;
  }
  *size = weir_nal_unescape (nal->data + header_size, nal->size - header_size, payload);
  return payload;
}

void
weir_nal_picture_init (WeirNalPicture *picture)
{
  *picture = (WeirNalPicture){
      .chroma_format = 1,
      .bit_depth_luma = 8,
      .bit_depth_chroma = 8,
      .par_n = 1,
      .par_d = 1,
      .frame_rate_d = 1,
      .colour = {.primaries = UNSPECIFIED, .transfer = UNSPECIFIED, .matrix = UNSPECIFIED},
      .reorder = -1,
  };
}

gboolean
weir_nal_parse_cropping (
    WeirBitReader *bits, const WeirNalFrame *frame, WeirNalPicture *picture, GError **error)
{
  guint64 width = frame->width, height = frame->height, left = 0, right = 0, top = 0, bottom = 0;
  guint unit_x = 1, unit_y = frame->fields;

  if (weir_bit_reader_bit (bits)) {
    left = weir_bit_reader_ue (bits);
    right = weir_bit_reader_ue (bits);
    top = weir_bit_reader_ue (bits);
    bottom = weir_bit_reader_ue (bits);
  }
  if (bits->failed)
    return weir_codec_malformed (error, frame->name, "SPS too short");

  /* ITU-T H.264, 7.4.2.1.1; ITU-T H.265, 7.4.3.2.1: in chroma samples, of frames in pairs of
   * fields */
  if (!frame->separate_planes && (picture->chroma_format == 1 || picture->chroma_format == 2))
    unit_x = 2;
  if (!frame->separate_planes && picture->chroma_format == 1)
    unit_y *= 2;
  if ((left + right) * unit_x >= width || (top + bottom) * unit_y >= height)
    return weir_codec_malformed (error, frame->name, "cropping leaves no picture");
  width -= (left + right) * unit_x;
  height -= (top + bottom) * unit_y;
  if (width > frame->dimension_max || height > frame->dimension_max)
    return weir_codec_unsupported (error, frame->name, "picture too large");
  picture->width = (guint) width;
  picture->height = (guint) height;
  return TRUE;
}

/* aspect_ratio_idc and what follows of it; leaves the ratio when it is unspecified */
static void
parse_aspect_ratio (WeirBitReader *bits, WeirNalPicture *picture)
{
  /* ITU-T H.264, table E-1; ITU-T H.265, table E.1 */
  static const guint8 ratios[][2] = {{1, 1}, {1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33},
      {24, 11}, {20, 11}, {32, 11}, {80, 33}, {18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3},
      {3, 2}, {2, 1}};
  guint idc = weir_bit_reader_bits (bits, 8);

  if (idc == SAR_EXTENDED) {
    guint n = weir_bit_reader_bits (bits, 16);
    guint d = weir_bit_reader_bits (bits, 16);

    if (n > 0 && d > 0)
      weir_fraction_reduce (n, d, &picture->par_n, &picture->par_d);
  } else if (idc < G_N_ELEMENTS (ratios)) {
    picture->par_n = ratios[idc][0];
    picture->par_d = ratios[idc][1];
  }
}

/* video_format and what follows; leaves the colour when that says nothing or breaks off */
static void
parse_signal_type (WeirBitReader *bits, WeirNalPicture *picture)
{
  guint8 primaries = UNSPECIFIED, transfer = UNSPECIFIED, matrix = UNSPECIFIED;
  gboolean full_range, described;

  weir_bit_reader_skip (bits, 3); /* video_format */
  full_range = weir_bit_reader_bit (bits);
  described = weir_bit_reader_bit (bits);
  if (described) {
    primaries = (guint8) weir_bit_reader_bits (bits, 8);
    transfer = (guint8) weir_bit_reader_bits (bits, 8);
    matrix = (guint8) weir_bit_reader_bits (bits, 8);
  }
  if (bits->failed || (!described && !full_range))
    return;
  picture->has_colour = TRUE;
  picture->colour.primaries = primaries;
  picture->colour.transfer = transfer;
  picture->colour.matrix = matrix;
  picture->colour.full_range = full_range;
}

/* ITU-T H.264, E.1.1; ITU-T H.265, E.2.1 */
void
weir_nal_parse_vui_start (WeirBitReader *bits, WeirNalPicture *picture)
{
  if (weir_bit_reader_bit (bits)) /* aspect_ratio_info_present_flag */
    parse_aspect_ratio (bits, picture);
  if (weir_bit_reader_bit (bits)) /* overscan_info_present_flag */
    weir_bit_reader_skip (bits, 1);
  if (weir_bit_reader_bit (bits)) /* video_signal_type_present_flag */
    parse_signal_type (bits, picture);
  if (weir_bit_reader_bit (bits)) { /* chroma_loc_info_present_flag */
    weir_bit_reader_ue (bits);
    weir_bit_reader_ue (bits);
  }
}

void
weir_nal_picture_apply (const WeirNalPicture *picture, WeirCodecConfig *config)
{
  config->timescale = 90000;
  config->width = picture->width;
  config->height = picture->height;
  config->par_n = picture->par_n;
  config->par_d = picture->par_d;
  config->frame_rate_n = picture->frame_rate_n;
  config->frame_rate_d = picture->frame_rate_d;
  config->reorder = picture->reorder;
}

void
weir_nal_append_level (guint tenths, GString *caps)
{
  if (tenths % 10 == 0)
    g_string_append_printf (caps, ", level=(string)%u", tenths / 10);
  else
    g_string_append_printf (caps, ", level=(string)%u.%u", tenths / 10, tenths % 10);
}

static guint
read_sei_number (WeirReader *reader)
{
  guint number = 0;
  guint8 byte;

  do {
    byte = weir_reader_u8 (reader);
    /* beyond any message that fits in a NAL unit, the sum stays where it is */
    number = MIN (number, G_MAXUINT / 2) + byte;
  } while (byte == 0xff);
  return number;
}

gboolean
weir_sei_next (WeirReader *reader, guint *type, WeirReader *payload)
{
  guint size;

  /* rbsp_trailing_bits() is no message */
  if (reader->failed || weir_reader_remaining (reader) < 2)
    return FALSE;
  *type = read_sei_number (reader);
  size = read_sei_number (reader);
  return weir_reader_sub (reader, size, payload);
}

/* D.2.29, in the units of WeirColour but in the order green, blue, red */
static gboolean
parse_mastering (WeirReader *payload, WeirColour *colour)
{
  static const guint order[] = {1, 2, 0};
  WeirColour read = *colour;

  for (guint i = 0; i < 3; i++) {
    read.display_primaries[order[i]][0] = weir_reader_u16 (payload);
    read.display_primaries[order[i]][1] = weir_reader_u16 (payload);
  }
  read.white_point[0] = weir_reader_u16 (payload);
  read.white_point[1] = weir_reader_u16 (payload);
  read.luminance_max = weir_reader_u32 (payload);
  read.luminance_min = weir_reader_u32 (payload);
  if (payload->failed)
    return FALSE;
  read.has_mastering = TRUE;
  *colour = read;
  return TRUE;
}

static gboolean
parse_light_level (WeirReader *payload, WeirColour *colour)
{
  guint16 content = weir_reader_u16 (payload);
  guint16 average = weir_reader_u16 (payload);

  if (payload->failed)
    return FALSE;
  colour->has_light_level = TRUE;
  colour->content_light_max = content;
  colour->picture_average_light_max = average;
  return TRUE;
}

gboolean
weir_sei_parse_colour (const WeirNal *nal, gsize header_size, WeirColour *colour)
{
  guint8 unescaped[SEI_SIZE_MAX];
  WeirReader reader, payload;
  gboolean found = FALSE;
  guint type;

  if (nal->size < header_size || nal->size > sizeof unescaped)
    return FALSE;
  weir_reader_init (&reader, unescaped,
      weir_nal_unescape (nal->data + header_size, nal->size - header_size, unescaped));
  while (weir_sei_next (&reader, &type, &payload)) {
    if (type == WEIR_SEI_MASTERING_DISPLAY)
      found |= parse_mastering (&payload, colour);
    else if (type == WEIR_SEI_CONTENT_LIGHT_LEVEL)
      found |= parse_light_level (&payload, colour);
  }
  return found;
}

WeirSampleInfo
weir_nal_inspect_sample (const WeirCodecConfig *config, gsize header_size,
    WeirNalSummarise summarise, const guint8 *data, gsize size)
{
  WeirNalSummary summary = {0};
  WeirReader reader;
  WeirNal nal;

  weir_reader_init (&reader, data, size);
  while (weir_nal_next (&reader, config->nal_length_size, &nal)) {
    if (nal.size < header_size)
      return (WeirSampleInfo){.valid = FALSE};
    summarise (&summary, &nal);
  }
  return (WeirSampleInfo){
      .valid = !reader.failed, .empty = !summary.slice, .keyframe = summary.keyframe};
}
