/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "hex.h"

/* configuration records as encoders make them */
#define RECORD_BASELINE_720P30 \
  "0142c01fffe100196742c01fd9005005bb0110000003001000000303c0f183248001000568cb83cb20"
#define RECORD_MAIN_480P25 \
  "014d401effe10018674d401eeca06c1ef37808800000030080000019078b16cb01000568ebe3cb20"
#define RECORD_HIGH_1080P2997_BT709                                            \
  "01640028ffe1001d67640028acd940780227e5c05a808080a000007d20001d4c01e30632c0" \
  "01000668ebe3cb22c0fdf8f800"
#define RECORD_HIGH_576P25_SAR_64_45                                           \
  "0164001effe1001d6764001eacd940b4126ffc010000b440000003004000000c83c58b6580" \
  "01000668ebe3cb22c0fdf8f800"
#define RECORD_HIGH_1080I25 \
  "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800"
#define RECORD_HIGH_422_10_1080P50                                         \
  "017a002affe1001b677a002ab6cd940780227e270110000003001000000640f1831960" \
  "01000668ebe3cb22c0fefafa00"
#define RECORD_HIGH_444_360P24                                             \
  "01f4001effe1001b67f4001e919b281405ff1380880000030008000003018078b16cb0" \
  "01000668ebe3c44844fff8f800"
#define RECORD_HIGH_GREY_322X182                                                                   \
  "0164000dffe1001b6764000df365054678f8bc05b2000003000200000300601e28532c01000668ebe3cb22c0fcf8f8" \
  "00"
#define RECORD_HIGH_360P60_CUSTOM_MATRICES                               \
  "0164001fffe1001a6764001facd940a02ff97011000003000100000300780f183196" \
  "01000768ebe3cb3002c0fdf8f800"

/* 320x180 at 25 frames per second */
#define RECORD_HEVC_MAIN_180P25                                                                   \
  "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff0160000003009000000300000" \
  "3003c959809a10001002b42010101600000030090000003000003003ca00a080b9f796566924caf01680800000300" \
  "0800000300c840a2000100074401c172b46240"
#define RECORD_HEVC_MAIN_10_180P25_PQ                                                             \
  "0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff0220000003009000000300000" \
  "3003c959809a10001002d42010102200000030090000003000003003ca00a080b9f6d96566924caf016a122012080" \
  "000003008000000c84a2000100074401c172b46240"

#define RECORD_AC3_48000_STEREO "101140"

#define RECORD_AAC_LC_48000_STEREO "1190"
#define RECORD_AAC_LC_48000_STEREO_NO_SBR "119056e500"
#define RECORD_AAC_LC_44100_MONO_NO_SBR "120856e500"
#define RECORD_AAC_LC_48000_5_1_NO_SBR "11b056e500"
#define RECORD_HE_AAC_48000_STEREO "2b118800"
#define RECORD_HE_AAC_V2_48000 "eb098800"

static inline WeirCodecConfig *
test_config (WeirCodec codec, const gchar *hex)
{
  g_autoptr (GBytes) record = test_hex (hex);
  g_autoptr (GError) error = NULL;
  WeirCodecConfig *config = weir_codec_config_parse (codec, record, &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  return config;
}
