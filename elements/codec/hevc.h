/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/nal.h"

G_BEGIN_DECLS

/*
 * H.265 (internal to codec/): ISO/IEC 14496-15 records, ITU-T H.265 parameter sets.
 */

/* nal_unit_type (table 7-1) */
enum {
  WEIR_HEVC_IRAP_FIRST = 16,
  WEIR_HEVC_IRAP_LAST = 23,
  WEIR_HEVC_SLICE_LAST = 31,
  WEIR_HEVC_VPS = 32,
  WEIR_HEVC_SPS = 33,
  WEIR_HEVC_PPS = 34,
  WEIR_HEVC_DELIMITER = 35,
  WEIR_HEVC_SEI_PREFIX = 39,
};

#define WEIR_HEVC_NAL_HEADER_SIZE 2

/**
 * WeirHevcProfile: profile_tier_level() (7.3.3), as far as it is of all layers
 * @constraints: the 48 bits from general_progressive_source_flag on
 */
typedef struct {
  guint8 space, tier, idc;
  guint32 compatibility; /* general_profile_compatibility_flag[0] is the highest bit */
  guint64 constraints;
  guint8 level;
} WeirHevcProfile;

/**
 * WeirHevcInfo: what a sequence parameter set and the video parameter set beside it say
 * @sub_layers: sps_max_sub_layers_minus1 + 1
 * @picture: its frame rate is vui_time_scale : vui_num_units_in_tick, or the video parameter set's;
 *   @reorder is sps_max_num_reorder_pics of all sub-layers
 */
typedef struct {
  guint id;
  WeirHevcProfile profile;
  guint sub_layers;
  gboolean temporal_id_nested;
  WeirNalPicture picture;
} WeirHevcInfo;

/* nal_unit_type of a NAL unit that is not empty */
static inline guint
weir_hevc_nal_type (const WeirNal *nal)
{
  return nal->data[0] >> 1 & 0x3f;
}

/* nuh_layer_id; @nal: of WEIR_HEVC_NAL_HEADER_SIZE at least */
static inline guint
weir_hevc_nal_layer (const WeirNal *nal)
{
  return (nal->data[0] & 1u) << 5 | nal->data[1] >> 3;
}

/* one SPS NAL unit, its header included; @info is untouched on failure */
gboolean weir_hevc_parse_sps (const WeirNal *nal, WeirHevcInfo *info, GError **error);

/* fills @config, whose record is set */
gboolean weir_hevc_config_parse (WeirCodecConfig *config, GError **error);
/* appends profile, tier and level */
void weir_hevc_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_hevc_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_hevc_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);
/* @nal: of WEIR_HEVC_NAL_HEADER_SIZE at least */
void weir_hevc_summarise (WeirNalSummary *summary, const WeirNal *nal);

G_END_DECLS
