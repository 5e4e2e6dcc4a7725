/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/hevc.h"

#include "codec/entry.h"
#include "codec/error.h"
#include "codec/fraction.h"

#define NAME "HEVC" /* in messages */

/* level 6.2 allows 16888 luma samples a side (ITU-T H.265, A.4.1) */
#define DIMENSION_MAX 16888
/* pictures; MaxDpbSize (A.4.2) */
#define PICTURES_MAX 16
#define SUB_LAYERS_MAX 7
#define SHORT_TERM_SETS_MAX 64

static guint64
read_constraints (WeirBitReader *bits)
{
  guint64 high = weir_bit_reader_bits (bits, 16);

  return high << 32 | weir_bit_reader_bits (bits, 32);
}

/* 7.3.3, with profilePresentFlag */
static void
parse_profile (WeirBitReader *bits, guint sub_layers, WeirHevcProfile *profile)
{
  gboolean has_profile[SUB_LAYERS_MAX] = {FALSE}, has_level[SUB_LAYERS_MAX] = {FALSE};

  profile->space = (guint8) weir_bit_reader_bits (bits, 2);
  profile->tier = (guint8) weir_bit_reader_bits (bits, 1);
  profile->idc = (guint8) weir_bit_reader_bits (bits, 5);
  profile->compatibility = weir_bit_reader_bits (bits, 32);
  profile->constraints = read_constraints (bits);
  profile->level = (guint8) weir_bit_reader_bits (bits, 8);
  for (guint i = 0; i + 1 < sub_layers; i++) {
    has_profile[i] = weir_bit_reader_bit (bits);
    has_level[i] = weir_bit_reader_bit (bits);
  }
  if (sub_layers > 1)
    weir_bit_reader_skip (bits, 2 * (8 - (sub_layers - 1)));
  for (guint i = 0; i + 1 < sub_layers; i++)
    weir_bit_reader_skip (bits, (has_profile[i] ? 88u : 0u) + (has_level[i] ? 8u : 0u));
}

/* 7.3.4 */
static void
skip_scaling_lists (WeirBitReader *bits)
{
  for (guint size = 0; size < 4; size++) {
    for (guint matrix = 0; matrix < 6 && !bits->failed; matrix += size == 3 ? 3 : 1) {
      guint count = MIN (64, 1u << (4 + 2 * size));

      if (!weir_bit_reader_bit (bits)) { /* scaling_list_pred_mode_flag */
        weir_bit_reader_ue (bits);
        continue;
      }
      if (size > 1)
        weir_bit_reader_se (bits);
      for (guint i = 0; i < count && !bits->failed; i++)
        weir_bit_reader_se (bits);
    }
  }
}

/* st_ref_pic_set() (7.3.7) in an SPS. @count: NumDeltaPocs of the set before it; of this one
 * afterwards */
static void
skip_short_term_set (WeirBitReader *bits, gboolean first, guint *count)
{
  guint negative, positive, pictures = 0;

  if (!first && weir_bit_reader_bit (bits)) { /* inter_ref_pic_set_prediction_flag */
    weir_bit_reader_skip (bits, 1);
    weir_bit_reader_ue (bits);
    for (guint i = 0; i <= *count; i++) {
      gboolean used = weir_bit_reader_bit (bits);

      if (used || weir_bit_reader_bit (bits)) /* use_delta_flag */
        pictures++;
    }
    *count = pictures;
  } else {
    negative = weir_bit_reader_ue (bits);
    positive = weir_bit_reader_ue (bits);
    if (negative > PICTURES_MAX || positive > PICTURES_MAX) {
      bits->failed = TRUE;
      return;
    }
    *count = negative + positive;
    for (guint i = 0; i < *count && !bits->failed; i++) {
      weir_bit_reader_ue (bits);
      weir_bit_reader_skip (bits, 1);
    }
  }
  if (*count > PICTURES_MAX)
    bits->failed = TRUE;
}

static void
skip_reference_sets (WeirBitReader *bits, guint order_bits)
{
  guint sets = weir_bit_reader_ue (bits);
  guint count = 0;

  if (sets > SHORT_TERM_SETS_MAX)
    bits->failed = TRUE;
  for (guint i = 0; i < sets && !bits->failed; i++)
    skip_short_term_set (bits, i == 0, &count);
  if (weir_bit_reader_bit (bits)) { /* long_term_ref_pics_present_flag */
    count = weir_bit_reader_ue (bits);
    if (count > 32)
      bits->failed = TRUE;
    weir_bit_reader_skip (bits, (gsize) count * (order_bits + 1));
  }
}

/* E.2.1, as far as the timing; what was whole counts */
static void
parse_vui (WeirBitReader *bits, WeirNalPicture *picture)
{
  weir_nal_parse_vui_start (bits, picture);
  weir_bit_reader_skip (bits, 3);   /* neutral_chroma_indication, field_seq, frame_field_info */
  if (weir_bit_reader_bit (bits)) { /* default_display_window_flag */
    for (guint i = 0; i < 4; i++)
      weir_bit_reader_ue (bits);
  }
  if (weir_bit_reader_bit (bits)) { /* vui_timing_info_present_flag */
    guint64 units = weir_bit_reader_bits (bits, 32);
    guint64 scale = weir_bit_reader_bits (bits, 32);

    if (!bits->failed)
      weir_fraction_set_frame_rate (scale, units, &picture->frame_rate_n, &picture->frame_rate_d);
  }
}

/* sps_max_dec_pic_buffering_minus1, …; the last ones are of all sub-layers */
static guint
parse_ordering (WeirBitReader *bits, guint sub_layers)
{
  gboolean all = weir_bit_reader_bit (bits);
  guint reorder = 0;

  for (guint i = all ? 0 : sub_layers - 1; i < sub_layers; i++) {
    weir_bit_reader_ue (bits);
    reorder = weir_bit_reader_ue (bits);
    weir_bit_reader_ue (bits);
  }
  return reorder;
}

/* 7.3.2.2.1 */
static gboolean
parse_sps_bits (WeirBitReader *bits, WeirHevcInfo *out, GError **error)
{
  WeirNalFrame frame = {.name = NAME, .dimension_max = DIMENSION_MAX, .fields = 1};
  guint luma, chroma, order_bits, reorder;
  WeirHevcInfo info = {0};

  weir_nal_picture_init (&info.picture);
  weir_bit_reader_skip (bits, 4); /* sps_video_parameter_set_id */
  info.sub_layers = weir_bit_reader_bits (bits, 3) + 1;
  if (info.sub_layers > SUB_LAYERS_MAX)
    return weir_codec_malformed (error, NAME, "too many sub-layers");
  info.temporal_id_nested = weir_bit_reader_bit (bits);
  parse_profile (bits, info.sub_layers, &info.profile);
  info.id = weir_bit_reader_ue (bits);
  if (info.id > 15)
    return weir_codec_malformed (error, NAME, "sps_seq_parameter_set_id beyond 15");
  info.picture.chroma_format = weir_bit_reader_ue (bits);
  if (info.picture.chroma_format > 3)
    return weir_codec_malformed (error, NAME, "chroma_format_idc beyond 3");
  if (info.picture.chroma_format == 3)
    frame.separate_planes = weir_bit_reader_bit (bits);
  frame.width = weir_bit_reader_ue (bits);
  frame.height = weir_bit_reader_ue (bits);
  if (!weir_nal_parse_cropping (bits, &frame, &info.picture, error))
    return FALSE;
  luma = weir_bit_reader_ue (bits);
  chroma = weir_bit_reader_ue (bits);
  if (luma > 8 || chroma > 8)
    return weir_codec_malformed (error, NAME, "bit depth beyond 16");
  info.picture.bit_depth_luma = 8 + luma;
  info.picture.bit_depth_chroma = 8 + chroma;
  order_bits = weir_bit_reader_ue (bits);
  if (order_bits > 12)
    return weir_codec_malformed (error, NAME, "log2_max_pic_order_cnt_lsb_minus4 beyond 12");
  order_bits += 4;
  reorder = parse_ordering (bits, info.sub_layers);
  if (reorder > PICTURES_MAX)
    return weir_codec_malformed (error, NAME, "sps_max_num_reorder_pics beyond 16");
  info.picture.reorder = (gint) reorder;

  for (guint i = 0; i < 6; i++) /* block sizes and depths */
    weir_bit_reader_ue (bits);
  if (weir_bit_reader_bit (bits) && weir_bit_reader_bit (bits))
    skip_scaling_lists (bits);
  weir_bit_reader_skip (bits, 2);   /* amp_enabled_flag, sample_adaptive_offset_enabled_flag */
  if (weir_bit_reader_bit (bits)) { /* pcm_enabled_flag */
    weir_bit_reader_skip (bits, 8);
    weir_bit_reader_ue (bits);
    weir_bit_reader_ue (bits);
    weir_bit_reader_skip (bits, 1);
  }
  skip_reference_sets (bits, order_bits);
  weir_bit_reader_skip (bits, 2); /* sps_temporal_mvp, strong_intra_smoothing */
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "SPS too short");
  if (weir_bit_reader_bit (bits)) /* vui_parameters_present_flag */
    parse_vui (bits, &info.picture);
  *out = info;
  return TRUE;
}

static gboolean
is_nal (const WeirNal *nal, guint type)
{
  return nal->size > WEIR_HEVC_NAL_HEADER_SIZE && (nal->data[0] & 0x80) == 0 &&
         weir_hevc_nal_type (nal) == type;
}

gboolean
weir_hevc_parse_sps (const WeirNal *nal, WeirHevcInfo *info, GError **error)
{
  g_autofree guint8 *payload = NULL;
  WeirBitReader bits;
  gsize size;

  if (!is_nal (nal, WEIR_HEVC_SPS))
    return weir_codec_malformed (error, NAME, "not an SPS");
  payload = weir_nal_get_payload (nal, WEIR_HEVC_NAL_HEADER_SIZE, &size, error);
  if (payload == NULL)
    return FALSE;
  weir_bit_reader_init (&bits, payload, size);
  return parse_sps_bits (&bits, info, error);
}

/* 7.3.2.1: the timing of a VPS, for an SPS that has none; broken, it says nothing */
static void
parse_vps (const WeirNal *nal, WeirNalPicture *picture)
{
  g_autofree guint8 *payload = NULL;
  guint sub_layers, layers, sets;
  WeirHevcProfile profile;
  guint64 units, scale;
  WeirBitReader bits;
  gsize size;

  payload = weir_nal_get_payload (nal, WEIR_HEVC_NAL_HEADER_SIZE, &size, NULL);
  if (payload == NULL)
    return;
  weir_bit_reader_init (&bits, payload, size);
  weir_bit_reader_skip (&bits, 4 + 2 + 6);
  sub_layers = weir_bit_reader_bits (&bits, 3) + 1;
  if (sub_layers > SUB_LAYERS_MAX)
    return;
  weir_bit_reader_skip (&bits, 1 + 16);
  parse_profile (&bits, sub_layers, &profile);
  parse_ordering (&bits, sub_layers);
  layers = weir_bit_reader_bits (&bits, 6) + 1;
  sets = weir_bit_reader_ue (&bits); /* vps_num_layer_sets_minus1 */
  if (sets > 1023)
    return;
  weir_bit_reader_skip (&bits, (gsize) sets * layers);
  if (!weir_bit_reader_bit (&bits)) /* vps_timing_info_present_flag */
    return;
  units = weir_bit_reader_bits (&bits, 32);
  scale = weir_bit_reader_bits (&bits, 32);
  if (!bits.failed)
    weir_fraction_set_frame_rate (scale, units, &picture->frame_rate_n, &picture->frame_rate_d);
}

/* what stands in the arrays of a record */
typedef struct {
  WeirHevcProfile profile; /* as its header says */
  guint nal_length_size;
  WeirNal vps, sps; /* the first of each; @vps may be empty */
  WeirColour colour;
  gboolean has_colour;
} Record;

static gboolean
parse_array (WeirReader *reader, Record *record, gboolean *pps, GError **error)
{
  guint type = weir_reader_u8 (reader) & 0x3f;
  guint count = weir_reader_u16 (reader);

  for (guint i = 0; i < count; i++) {
    WeirNal nal;

    nal.size = weir_reader_u16 (reader);
    nal.data = weir_reader_bytes (reader, nal.size);
    if (nal.data == NULL || !is_nal (&nal, type))
      return weir_codec_malformed (error, NAME, "broken NAL unit in the configuration record");
    if (type == WEIR_HEVC_VPS && record->vps.data == NULL)
      record->vps = nal;
    else if (type == WEIR_HEVC_SPS && record->sps.data == NULL)
      record->sps = nal;
    else if (type == WEIR_HEVC_PPS)
      *pps = TRUE;
    else if (type == WEIR_HEVC_SEI_PREFIX)
      record->has_colour |=
          weir_sei_parse_colour (&nal, WEIR_HEVC_NAL_HEADER_SIZE, &record->colour);
  }
  return reader->failed ? weir_codec_malformed (error, NAME, "configuration record too short")
                        : TRUE;
}

/* ISO/IEC 14496-15, 8.3.3.1.2 */
static gboolean
parse_record (const guint8 *data, gsize size, Record *record, GError **error)
{
  gboolean pps = FALSE;
  WeirReader reader;
  guint count;
  guint8 byte;

  weir_reader_init (&reader, data, size);
  /* some encoders of old leave it 0, as in drafts of the specification */
  if (weir_reader_u8 (&reader) > 1)
    return weir_codec_malformed (error, NAME, "configurationVersion is not 1");
  byte = weir_reader_u8 (&reader);
  record->profile.space = byte >> 6;
  record->profile.tier = byte >> 5 & 1;
  record->profile.idc = byte & 0x1f;
  record->profile.compatibility = weir_reader_u32 (&reader);
  record->profile.constraints = (guint64) weir_reader_u16 (&reader) << 32;
  record->profile.constraints |= weir_reader_u32 (&reader);
  record->profile.level = weir_reader_u8 (&reader);
  /* segmentation, parallelism, chroma format, bit depths, frame rate: the SPS says the same */
  weir_reader_skip (&reader, 8);
  byte = weir_reader_u8 (&reader);
  record->nal_length_size = (byte & 3) + 1;
  if (record->nal_length_size == 3)
    return weir_codec_malformed (error, NAME, "NAL unit lengths of 3 bytes");
  count = weir_reader_u8 (&reader);
  if (reader.failed)
    return weir_codec_malformed (error, NAME, "configuration record too short");
  for (guint i = 0; i < count; i++) {
    if (!parse_array (&reader, record, &pps, error))
      return FALSE;
  }
  if (record->sps.data == NULL || !pps)
    return weir_codec_malformed (error, NAME, "configuration record without SPS or PPS");
  return TRUE;
}

/* ISO/IEC 14496-15, annex E.3 */
static gchar *
make_codecs (const WeirHevcProfile *profile)
{
  GString *text = g_string_new ("hvc1.");
  guint32 reversed = 0;

  if (profile->space > 0)
    g_string_append_c (text, (gchar) ('A' + profile->space - 1));
  for (guint i = 0; i < 32; i++)
    reversed |= (profile->compatibility >> i & 1) << (31 - i);
  g_string_append_printf (
      text, "%u.%X.%c%u", profile->idc, reversed, profile->tier ? 'H' : 'L', profile->level);
  for (guint i = 0; i < 6; i++) {
    /* trailing bytes that are zero are left out */
    if ((profile->constraints & (G_GUINT64_CONSTANT (0xffffffffffff) >> (8 * i))) == 0)
      break;
    g_string_append_printf (text, ".%X", (guint) (profile->constraints >> (40 - 8 * i) & 0xff));
  }
  return g_string_free (text, FALSE);
}

gboolean
weir_hevc_config_parse (WeirCodecConfig *config, GError **error)
{
  Record record = {.colour = {.primaries = 2, .transfer = 2, .matrix = 2}};
  WeirHevcInfo info;
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);

  if (!parse_record (data, size, &record, error) ||
      !weir_hevc_parse_sps (&record.sps, &info, error))
    return FALSE;
  if (info.picture.frame_rate_n == 0 && record.vps.data != NULL)
    parse_vps (&record.vps, &info.picture);
  config->codecs = make_codecs (&record.profile);
  config->nal_length_size = record.nal_length_size;
  weir_nal_picture_apply (&info.picture, config);
  if (info.picture.has_colour) {
    record.colour.primaries = info.picture.colour.primaries;
    record.colour.transfer = info.picture.colour.transfer;
    record.colour.matrix = info.picture.colour.matrix;
    record.colour.full_range = info.picture.colour.full_range;
  }
  if (info.picture.has_colour || record.has_colour)
    config->colour = g_memdup2 (&record.colour, sizeof record.colour);
  return TRUE;
}

/* the format range extensions (A.3.5), named as GStreamer does: by what the constraint flags leave
 */
static void
append_extended_profile (guint64 constraints, GString *caps)
{
  /* from general_max_12bit_constraint_flag on; bit 43 of the 48 */
  gboolean bits_12 = constraints >> 43 & 1, bits_10 = constraints >> 42 & 1;
  gboolean bits_8 = constraints >> 41 & 1;
  gboolean at_most_422 = constraints >> 40 & 1, at_most_420 = constraints >> 39 & 1;
  gboolean monochrome = constraints >> 38 & 1, intra = constraints >> 37 & 1;
  const gchar *chroma = monochrome    ? "monochrome"
                        : at_most_420 ? "main"
                        : at_most_422 ? "main-422"
                                      : "main-444";
  /* there is no profile for 8 bits of 4:2:2, and none for 16 bits but of intra pictures */
  const gchar *depth = bits_8 && !(at_most_422 && !at_most_420) ? ""
                       : bits_10                                ? "-10"
                       : bits_12                                ? "-12"
                                                                : "-16";

  g_string_append_printf (caps, ", profile=(string)%s%s%s", chroma, depth, intra ? "-intra" : "");
}

void
weir_hevc_append_caps (const WeirCodecConfig *config, GString *caps)
{
  Record record = {0};
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  const WeirHevcProfile *profile = &record.profile;

  if (!parse_record (data, size, &record, NULL))
    return;
  if (profile->idc == 1 || profile->idc == 2 || profile->idc == 3)
    g_string_append_printf (caps, ", profile=(string)%s",
        profile->idc == 1   ? "main"
        : profile->idc == 2 ? "main-10"
                            : "main-still-picture");
  else if (profile->idc == 4)
    append_extended_profile (profile->constraints, caps);
  g_string_append_printf (caps, ", tier=(string)%s", profile->tier ? "high" : "main");
  weir_nal_append_level (profile->level / 3, caps); /* general_level_idc is 30 times the level */
}

void
weir_hevc_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  weir_entry_write_video (config, "hvc1", "hvcC", writer);
}

void
weir_hevc_summarise (WeirNalSummary *summary, const WeirNal *nal)
{
  guint type = weir_hevc_nal_type (nal);

  /* the base layer decides */
  if (type > WEIR_HEVC_SLICE_LAST || weir_hevc_nal_layer (nal) > 0)
    return;
  summary->slice = TRUE;
  if (type >= WEIR_HEVC_IRAP_FIRST && type <= WEIR_HEVC_IRAP_LAST)
    summary->keyframe = TRUE;
}

WeirSampleInfo
weir_hevc_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  return weir_nal_inspect_sample (
      config, WEIR_HEVC_NAL_HEADER_SIZE, weir_hevc_summarise, data, size);
}
