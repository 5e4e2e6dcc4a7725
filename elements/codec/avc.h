/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/nal.h"

G_BEGIN_DECLS

/*
 * H.264 (internal to codec/): ISO/IEC 14496-15 records, ITU-T H.264 parameter sets.
 */

/* nal_unit_type (table 7-1) */
enum {
  WEIR_AVC_SLICE = 1,
  WEIR_AVC_IDR = 5,
  WEIR_AVC_SEI = 6,
  WEIR_AVC_SPS = 7,
  WEIR_AVC_PPS = 8,
  WEIR_AVC_DELIMITER = 9,
};

/**
 * WeirAvcInfo: what an AVCDecoderConfigurationRecord and its first SPS say
 * @picture: its frame rate is time_scale : 2 × num_units_in_tick, whether or not the rate is said
 * to be fixed; @reorder is max_num_reorder_frames, or what follows of pic_order_cnt_type
 */
typedef struct {
  guint8 profile;
  guint8 compatibility;
  guint8 level;
  guint nal_length_size;
  WeirNalPicture picture;
  gboolean interlaced; /* frame_mbs_only_flag is 0 */
  gboolean fixed_frame_rate;
} WeirAvcInfo;

/* profiles whose SPS carries chroma format, bit depths and scaling lists (7.3.2.1.1) */
gboolean weir_avc_is_high (guint profile);
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
/* @nal: not empty */
void weir_avc_summarise (WeirNalSummary *summary, const WeirNal *nal);

G_END_DECLS
