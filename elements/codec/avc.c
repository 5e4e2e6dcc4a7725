/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/avc.h"

#include "codec/entry.h"
#include "codec/error.h"
#include "codec/fraction.h"

#include <string.h>

#define NAME "H.264" /* in messages */

/* level 6.2 allows 1055 macroblocks a side (ITU-T H.264, A.3.1) */
#define DIMENSION_MAX 16384
/* frames; MaxDpbFrames (A.3.1) */
#define REORDER_MAX 16
/* a recovery point stands among the first messages of its SEI */
#define SEI_HEAD_SIZE 256
#define NAL_HEADER_SIZE 1

enum {
  SLICE_I = 2,
  SLICE_SI = 4,
};

gboolean
weir_avc_is_high (guint profile)
{
  static const guint8 high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};

  for (guint i = 0; i < G_N_ELEMENTS (high); i++) {
    if (high[i] == profile)
      return TRUE;
  }
  return FALSE;
}

static void
skip_scaling_list (WeirBitReader *bits, guint size)
{
  gint last = 8, next = 8;

  for (guint i = 0; i < size && !bits->failed; i++) {
    if (next != 0) {
      gint delta = weir_bit_reader_se (bits);

      if (delta < -128 || delta > 127) {
        bits->failed = TRUE;
        return;
      }
      next = (last + delta + 256) % 256;
    }
    last = next == 0 ? last : next;
  }
}

/* E.1.2 */
static void
skip_hrd (WeirBitReader *bits)
{
  guint count = weir_bit_reader_ue (bits);

  if (count > 31)
    bits->failed = TRUE;
  weir_bit_reader_skip (bits, 8);
  for (guint i = 0; i <= count && !bits->failed; i++) {
    weir_bit_reader_ue (bits);
    weir_bit_reader_ue (bits);
    weir_bit_reader_skip (bits, 1);
  }
  weir_bit_reader_skip (bits, 20);
}

/* E.1.1. Encoders are known that break off in here; what was whole counts. */
static void
parse_vui (WeirBitReader *bits, WeirAvcInfo *info)
{
  gboolean hrd;

  weir_nal_parse_vui_start (bits, &info->picture);
  if (weir_bit_reader_bit (bits)) { /* timing_info_present_flag */
    guint64 units = 2 * (guint64) weir_bit_reader_bits (bits, 32);
    guint64 scale = weir_bit_reader_bits (bits, 32);
    gboolean fixed = weir_bit_reader_bit (bits);

    if (!bits->failed && weir_fraction_set_frame_rate (scale, units, &info->picture.frame_rate_n,
                             &info->picture.frame_rate_d))
      info->fixed_frame_rate = fixed;
  }
  hrd = weir_bit_reader_bit (bits); /* nal_hrd_parameters_present_flag */
  if (hrd)
    skip_hrd (bits);
  if (weir_bit_reader_bit (bits)) { /* vcl_hrd_parameters_present_flag */
    hrd = TRUE;
    skip_hrd (bits);
  }
  weir_bit_reader_skip (bits, hrd ? 2 : 1); /* low_delay_hrd_flag, pic_struct_present_flag */
  if (weir_bit_reader_bit (bits)) {         /* bitstream_restriction_flag */
    guint reorder;

    weir_bit_reader_skip (bits, 1);
    for (guint i = 0; i < 4; i++)
      weir_bit_reader_ue (bits);
    reorder = weir_bit_reader_ue (bits); /* max_num_reorder_frames */
    if (!bits->failed && reorder <= REORDER_MAX)
      info->picture.reorder = (gint) reorder;
  }
}

static gboolean
parse_dimensions (WeirBitReader *bits, gboolean separate_planes, WeirAvcInfo *info, GError **error)
{
  WeirNalFrame frame = {.name = NAME, .dimension_max = DIMENSION_MAX, .fields = 1};

  frame.separate_planes = separate_planes;
  frame.width = 16 * ((guint64) weir_bit_reader_ue (bits) + 1);
  frame.height = 16 * ((guint64) weir_bit_reader_ue (bits) + 1);
  info->interlaced = !weir_bit_reader_bit (bits); /* frame_mbs_only_flag */
  if (info->interlaced) {
    frame.fields = 2;
    frame.height *= 2;
    weir_bit_reader_skip (bits, 1); /* mb_adaptive_frame_field_flag */
  }
  weir_bit_reader_skip (bits, 1); /* direct_8x8_inference_flag */
  return weir_nal_parse_cropping (bits, &frame, &info->picture, error);
}

/* what high profiles say between their identifier and log2_max_frame_num_minus4 */
static gboolean
parse_format (
    WeirBitReader *bits, WeirNalPicture *picture, gboolean *separate_planes, GError **error)
{
  guint luma, chroma;

  picture->chroma_format = weir_bit_reader_ue (bits);
  if (picture->chroma_format > 3)
    return weir_codec_malformed (error, NAME, "chroma_format_idc beyond 3");
  if (picture->chroma_format == 3)
    *separate_planes = weir_bit_reader_bit (bits);
  luma = weir_bit_reader_ue (bits);
  chroma = weir_bit_reader_ue (bits);
  if (luma > 6 || chroma > 6)
    return weir_codec_malformed (error, NAME, "bit depth beyond 14");
  picture->bit_depth_luma = 8 + luma;
  picture->bit_depth_chroma = 8 + chroma;
  weir_bit_reader_skip (bits, 1);   /* qpprime_y_zero_transform_bypass_flag */
  if (weir_bit_reader_bit (bits)) { /* seq_scaling_matrix_present_flag */
    for (guint i = 0; i < (picture->chroma_format == 3 ? 12u : 8u); i++) {
      if (weir_bit_reader_bit (bits))
        skip_scaling_list (bits, i < 6 ? 16 : 64);
    }
  }
  return TRUE;
}

/* log2_max_frame_num_minus4 to gaps_in_frame_num_value_allowed_flag. @type: pic_order_cnt_type */
static gboolean
parse_order (WeirBitReader *bits, guint *type, GError **error)
{
  if (weir_bit_reader_ue (bits) > 12)
    return weir_codec_malformed (error, NAME, "log2_max_frame_num_minus4 beyond 12");
  *type = weir_bit_reader_ue (bits);
  if (*type > 2)
    return weir_codec_malformed (error, NAME, "pic_order_cnt_type beyond 2");
  if (*type == 0) {
    if (weir_bit_reader_ue (bits) > 12)
      return weir_codec_malformed (error, NAME, "log2_max_pic_order_cnt_lsb_minus4 beyond 12");
  } else if (*type == 1) {
    guint cycle;

    weir_bit_reader_skip (bits, 1); /* delta_pic_order_always_zero_flag */
    weir_bit_reader_se (bits);      /* offset_for_non_ref_pic */
    weir_bit_reader_se (bits);      /* offset_for_top_to_bottom_field */
    cycle = weir_bit_reader_ue (bits);
    if (cycle > 255)
      return weir_codec_malformed (error, NAME, "num_ref_frames_in_pic_order_cnt_cycle beyond 255");
    for (guint i = 0; i < cycle; i++)
      weir_bit_reader_se (bits);
  }
  if (weir_bit_reader_ue (bits) > 16)
    return weir_codec_malformed (error, NAME, "max_num_ref_frames beyond 16");
  weir_bit_reader_skip (bits, 1); /* gaps_in_frame_num_value_allowed_flag */
  return TRUE;
}

/* 7.3.2.1.1 */
static gboolean
parse_sps_bits (WeirBitReader *bits, WeirAvcInfo *out, GError **error)
{
  WeirAvcInfo info = *out;
  gboolean separate_planes = FALSE;
  guint profile, order_type = 0;

  weir_nal_picture_init (&info.picture);
  info.fixed_frame_rate = FALSE;
  profile = weir_bit_reader_bits (bits, 8);
  weir_bit_reader_skip (bits, 16); /* constraint flags, level_idc */
  if (weir_bit_reader_ue (bits) > 31)
    return weir_codec_malformed (error, NAME, "seq_parameter_set_id beyond 31");
  if (weir_avc_is_high (profile) && !parse_format (bits, &info.picture, &separate_planes, error))
    return FALSE;
  if (!parse_order (bits, &order_type, error) ||
      !parse_dimensions (bits, separate_planes, &info, error))
    return FALSE;
  if (order_type == 2)
    info.picture.reorder = 0;     /* output order is decoding order (8.2.1) */
  if (weir_bit_reader_bit (bits)) /* vui_parameters_present_flag */
    parse_vui (bits, &info);
  *out = info;
  return TRUE;
}

gboolean
weir_avc_parse_sps (const guint8 *data, gsize size, WeirAvcInfo *info, GError **error)
{
  WeirNal nal = {.data = data, .size = size};
  g_autofree guint8 *payload = NULL;
  WeirBitReader bits;

  if (size < 4 || (data[0] & 0x80) != 0 || (data[0] & 0x1f) != WEIR_AVC_SPS)
    return weir_codec_malformed (error, NAME, "not an SPS");
  payload = weir_nal_get_payload (&nal, NAL_HEADER_SIZE, &size, error);
  if (payload == NULL)
    return FALSE;
  weir_bit_reader_init (&bits, payload, size);
  return parse_sps_bits (&bits, info, error);
}

/* a parameter set. Returns: FALSE when it is none of @type */
static gboolean
read_set (WeirReader *reader, guint type, WeirNal *nal)
{
  nal->size = weir_reader_u16 (reader);
  nal->data = weir_reader_bytes (reader, nal->size);
  return nal->data != NULL && nal->size > 0 && (nal->data[0] & 0x1f) == type;
}

gboolean
weir_avc_parse_record (const guint8 *data, gsize size, WeirAvcInfo *out, GError **error)
{
  WeirAvcInfo info = {0};
  WeirNal first_sps = {0}, nal;
  WeirReader reader;
  guint count;

  weir_reader_init (&reader, data, size);
  if (weir_reader_u8 (&reader) != 1)
    return weir_codec_malformed (error, NAME, "configurationVersion is not 1");
  info.profile = weir_reader_u8 (&reader);
  info.compatibility = weir_reader_u8 (&reader);
  info.level = weir_reader_u8 (&reader);
  /* reserved bits are not looked at: some encoders leave them zero */
  info.nal_length_size = (weir_reader_u8 (&reader) & 3) + 1;
  if (info.nal_length_size == 3)
    return weir_codec_malformed (error, NAME, "NAL unit lengths of 3 bytes");

  count = weir_reader_u8 (&reader) & 0x1f;
  for (guint i = 0; i < count; i++) {
    if (!read_set (&reader, WEIR_AVC_SPS, &nal))
      return weir_codec_malformed (error, NAME, "broken SPS in the configuration record");
    if (first_sps.data == NULL)
      first_sps = nal;
  }
  if (reader.failed || first_sps.data == NULL)
    return weir_codec_malformed (error, NAME, "configuration record without SPS");

  count = weir_reader_u8 (&reader);
  for (guint i = 0; i < count; i++) {
    if (!read_set (&reader, WEIR_AVC_PPS, &nal))
      return weir_codec_malformed (error, NAME, "broken PPS in the configuration record");
  }
  if (reader.failed || count == 0)
    return weir_codec_malformed (error, NAME, "configuration record without PPS");

  /* chroma format, bit depths, SPS extensions: required for the high profiles, but widely left
   * out; the SPS says the same */
  if (weir_avc_is_high (info.profile) && weir_reader_remaining (&reader) >= 4) {
    weir_reader_skip (&reader, 3);
    count = weir_reader_u8 (&reader);
    for (guint i = 0; i < count; i++)
      weir_reader_skip (&reader, weir_reader_u16 (&reader));
    if (reader.failed)
      return weir_codec_malformed (error, NAME, "broken SPS extension in the configuration record");
  }

  if (!weir_avc_parse_sps (first_sps.data, first_sps.size, &info, error))
    return FALSE;
  *out = info;
  return TRUE;
}

gboolean
weir_avc_config_parse (WeirCodecConfig *config, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  WeirAvcInfo info;

  if (!weir_avc_parse_record (data, size, &info, error))
    return FALSE;
  config->codecs =
      g_strdup_printf ("avc1.%02x%02x%02x", info.profile, info.compatibility, info.level);
  config->nal_length_size = info.nal_length_size;
  weir_nal_picture_apply (&info.picture, config);
  if (info.picture.has_colour)
    config->colour = g_memdup2 (&info.picture.colour, sizeof info.picture.colour);
  return TRUE;
}

/* the names that GStreamer has for profile_idc and the constraint_set flags (A.2) */
static const gchar *
profile_name (const WeirAvcInfo *info)
{
  gboolean set1 = (info->compatibility & 0x40) != 0;
  gboolean set3 = (info->compatibility & 0x10) != 0;
  gboolean set4 = (info->compatibility & 0x08) != 0;
  gboolean set5 = (info->compatibility & 0x04) != 0;

  switch (info->profile) {
  case 66:
    return set1 ? "constrained-baseline" : "baseline";
  case 77:
    return "main";
  case 88:
    return "extended";
  case 100:
    return set4 && set5 ? "constrained-high" : set4 ? "progressive-high" : "high";
  case 110:
    return set3 ? "high-10-intra" : set4 ? "progressive-high-10" : "high-10";
  case 122:
    return set3 ? "high-4:2:2-intra" : "high-4:2:2";
  case 244:
    return set3 ? "high-4:4:4-intra" : "high-4:4:4";
  case 44:
    return "cavlc-4:4:4-intra";
  default:
    return NULL;
  }
}

void
weir_avc_append_caps (const WeirCodecConfig *config, GString *caps)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  const gchar *profile;
  gboolean level_1b;
  WeirAvcInfo info;

  if (!weir_avc_parse_record (data, size, &info, NULL))
    return;
  profile = profile_name (&info);
  if (profile != NULL)
    g_string_append_printf (caps, ", profile=(string)%s", profile);
  level_1b = info.level == 9 || (info.level == 11 && !weir_avc_is_high (info.profile) &&
                                    (info.compatibility & 0x10) != 0);
  if (level_1b)
    g_string_append (caps, ", level=(string)1b");
  else
    weir_nal_append_level (info.level, caps);
}

void
weir_avc_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  weir_entry_write_video (config, "avc1", "avcC", writer);
}

/* D.2.8: a decoder that starts here shows right pictures from this one on */
static gboolean
has_recovery_point (const WeirNal *nal)
{
  guint8 unescaped[SEI_HEAD_SIZE];
  gsize size = MIN (nal->size - 1, sizeof unescaped);
  WeirReader reader, payload;
  guint type;

  /* many encoders send other messages with every picture; their type stands there as it is */
  if (memchr (nal->data + 1, WEIR_SEI_RECOVERY_POINT, size) == NULL)
    return FALSE;
  weir_reader_init (&reader, unescaped, weir_nal_unescape (nal->data + 1, size, unescaped));
  while (weir_sei_next (&reader, &type, &payload)) {
    if (type == WEIR_SEI_RECOVERY_POINT) {
      guint8 first = weir_reader_u8 (&payload);

      return !payload.failed && (first & 0x80) != 0; /* recovery_frame_cnt, ue(v): 0 */
    }
  }
  return FALSE;
}

/* slice_header() (7.3.3), as far as the type */
static gboolean
is_intra_slice (const WeirNal *nal)
{
  WeirBitReader bits;
  guint type;

  weir_bit_reader_init (&bits, nal->data + 1, nal->size - 1);
  weir_bit_reader_ue (&bits); /* first_mb_in_slice */
  type = weir_bit_reader_ue (&bits) % 5;
  return !bits.failed && (type == SLICE_I || type == SLICE_SI);
}

void
weir_avc_summarise (WeirNalSummary *summary, const WeirNal *nal)
{
  guint type = nal->data[0] & 0x1f;

  if (type == WEIR_AVC_SEI && !summary->slice)
    summary->recovery_point |= has_recovery_point (nal);
  if (type < WEIR_AVC_SLICE || type > WEIR_AVC_IDR)
    return;
  if (type == WEIR_AVC_IDR || (summary->recovery_point && !summary->slice && is_intra_slice (nal)))
    summary->keyframe = TRUE;
  summary->slice = TRUE;
}

WeirSampleInfo
weir_avc_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  return weir_nal_inspect_sample (config, NAL_HEADER_SIZE, weir_avc_summarise, data, size);
}
