/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * AC-3 and Enhanced AC-3: ETSI TS 102 366, frames of 4.3 and E.1.2, `dac3` and `dec3` of F.4 and
 * F.6. An access unit is one syncframe of AC-3; of E-AC-3 the syncframes of all substreams for a
 * while, the independent substream 0 first. Reduced sample rates of E-AC-3 (fscod2), which `dec3`
 * does not tell, and AC-3 that E-AC-3 substreams depend on are not supported. Object audio (the
 * extension that `dec3` may have) is decoded as the channels that carry it.
 */

typedef enum {
  WEIR_AC3_INDEPENDENT, /* as all AC-3 */
  WEIR_AC3_DEPENDENT,
  WEIR_AC3_CONVERTED, /* from AC-3; independent too */
} WeirAc3Type;

/**
 * WeirAc3Frame: what the header of a syncframe says
 * @size: bytes of the whole syncframe
 * @substream: of E-AC-3, 0 to 7
 * @channels: in this substream alone
 * @locations: channels beyond 5.1 that a dependent substream adds, as `chan_loc` of F.6.2.13
 * @bit_rate_code: of AC-3: frmsizecod without its last bit
 * @samples: 256 for each block
 */
typedef struct {
  WeirCodec codec;
  WeirAc3Type type;
  guint substream;
  gsize size;
  guint rate, channels;
  guint fscod, bsid, bsmod, acmod;
  gboolean lfe;
  guint locations;
  guint bit_rate_code;
  guint samples;
} WeirAc3Frame;

/* @data: (array length=size): begins with the header of a syncframe of either codec; may go on
 * behind the frame, or end in it. @frame is untouched on failure */
gboolean weir_ac3_parse_frame (const guint8 *data, gsize size, WeirAc3Frame *frame, GError **error);
/**
 * weir_ac3_make_record:
 * @codec: AC-3 or E-AC-3
 * @data: (array length=size): an access unit
 *
 * Returns: (transfer full): the payload of `dac3` or `dec3`, or NULL with %WEIR_CODEC_ERROR
 */
GBytes *weir_ac3_make_record (WeirCodec codec, const guint8 *data, gsize size, GError **error);
/* whether @record can stay as it is with that access unit: it may say another bit rate. FALSE, too,
 * for what is no access unit. Costs no allocation. */
gboolean weir_ac3_continues (WeirCodec codec, GBytes *record, const guint8 *data, gsize size);

/* fills @config, whose record is set. E-AC-3: samples_per_frame is that of an access unit as F.5
 * wants it, of six blocks */
gboolean weir_ac3_config_parse (WeirCodecConfig *config, GError **error);
void weir_ac3_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_ac3_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
