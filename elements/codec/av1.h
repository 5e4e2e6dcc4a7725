/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/reader.h"
#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * AV1 (internal to codec/): AV1 Bitstream & Decoding Process Specification 1.0, AV1 Codec ISO Media
 * File Format Binding 1.2.
 */

/* obu_type (6.2.2) */
enum {
  WEIR_OBU_SEQUENCE_HEADER = 1,
  WEIR_OBU_TEMPORAL_DELIMITER = 2,
  WEIR_OBU_FRAME_HEADER = 3,
  WEIR_OBU_METADATA = 5,
  WEIR_OBU_FRAME = 6,
};

/**
 * WeirObu: an open bitstream unit in somebody else's memory
 * @data: from its header on
 * @size: with its header
 * @has_size: it says its own size; without, it reaches to the end
 * @payload: what stands behind header and size
 */
typedef struct {
  const guint8 *data;
  gsize size;
  guint type;
  gboolean has_size;
  gboolean has_extension;
  const guint8 *payload;
  gsize payload_size;
} WeirObu;

/* @reader: over OBUs in the low-overhead format (5.2). Returns: FALSE at the end, and with @reader
 * failed where a size does not add up */
gboolean weir_obu_next (WeirReader *reader, WeirObu *obu);
/* obu_size, or any leb128() (4.10.5). Returns: how many bytes of @out were written, at most 5 */
guint weir_obu_write_size (guint32 size, guint8 out[5]);

/* what a temporal unit says of itself */
typedef struct {
  gboolean frame;
  gboolean keyframe; /* with its sequence header */
  WeirObu sequence;  /* the first sequence header; @data is NULL when there is none */
} WeirAv1Summary;

/* adds the next OBU of a temporal unit */
void weir_av1_summarise (WeirAv1Summary *summary, const WeirObu *obu);

/**
 * weir_av1_make_record:
 * @sequence: a sequence header OBU
 *
 * Returns: (transfer full): NULL with %WEIR_CODEC_ERROR
 */
GBytes *weir_av1_make_record (const WeirObu *sequence, GError **error);
/* Returns: FALSE when @record has no sequence header; @sequence is then untouched */
gboolean weir_av1_find_sequence (GBytes *record, WeirObu *sequence);

/* fills @config, whose record is set */
gboolean weir_av1_config_parse (WeirCodecConfig *config, GError **error);
void weir_av1_append_caps (const WeirCodecConfig *config, GString *caps);
void weir_av1_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer);
WeirSampleInfo weir_av1_inspect_sample (
    const WeirCodecConfig *config, const guint8 *data, gsize size);

G_END_DECLS
