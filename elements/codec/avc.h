/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * H.264 (internal to codec/): ISO/IEC 14496-15 records, ITU-T H.264 parameter sets.
 */

/**
 * WeirAvcInfo: what an AVCDecoderConfigurationRecord and its first SPS say
 * @frame_rate_n: time_scale : 2 × num_units_in_tick, whether or not the rate is said to be fixed;
 *   0:1 when absent or beyond 1 to 300 per second
 * @colour_primaries: with the other two, ITU-T H.273 code points; valid with @has_colour
 */
typedef struct {
  guint8 profile;
  guint8 compatibility;
  guint8 level;
  guint nal_length_size;
  guint chroma_format;
  guint bit_depth_luma, bit_depth_chroma;
  gboolean interlaced; /* frame_mbs_only_flag is 0 */
  guint width, height; /* after cropping */
  guint par_n, par_d;
  guint frame_rate_n, frame_rate_d;
  gboolean fixed_frame_rate;
  gboolean has_colour;
  guint8 colour_primaries, transfer_characteristics, matrix_coefficients;
  gboolean full_range;
} WeirAvcInfo;

/* @info is untouched on failure */
gboolean weir_avc_parse_record (const guint8 *data, gsize size, WeirAvcInfo *info, GError **error);
/* one SPS NAL unit, its header included; fills what is its own in @info */
gboolean weir_avc_parse_sps (const guint8 *data, gsize size, WeirAvcInfo *info, GError **error);

/* fills @config, whose record is set */
gboolean weir_avc_config_parse (WeirCodecConfig *config, GError **error);
/* appends profile and level, such as `, profile=(string)high, level=(string)3.1` */
void weir_avc_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_avc_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_avc_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
