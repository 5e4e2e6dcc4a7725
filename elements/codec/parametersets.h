/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/nal.h"

G_BEGIN_DECLS

/**
 * WeirParameterSets:
 *
 * The parameter sets of an H.264 or H.265 stream (internal to codec/): those of its configuration
 * record, and those of the stream that differ from them and wait to become a new record. Bytes
 * from outside; bounded by what a record may hold, and by 512 of one.
 */
typedef struct _WeirParameterSets WeirParameterSets;

/* @codec: AVC or HEVC */
WeirParameterSets *weir_parameter_sets_new (WeirCodec codec);
void weir_parameter_sets_free (WeirParameterSets *self);

/* all of @record and nothing else; nothing waits any longer. @record: one that was parsed */
void weir_parameter_sets_load (WeirParameterSets *self, GBytes *record);

/* TRUE for the NAL units that weir_parameter_sets_take() wants. @nal: not empty */
gboolean weir_parameter_sets_is_one (WeirCodec codec, const WeirNal *nal);
/**
 * weir_parameter_sets_take:
 * @nal: a parameter set of the stream
 *
 * One that the record has already costs a comparison. Another one waits; it takes the place of the
 * one with the same identifier.
 *
 * Returns: FALSE with %WEIR_CODEC_ERROR
 */
gboolean weir_parameter_sets_take (WeirParameterSets *self, const WeirNal *nal, GError **error);
gboolean weir_parameter_sets_are_waiting (const WeirParameterSets *self);
/* nothing waits any longer */
void weir_parameter_sets_forget (WeirParameterSets *self);
/**
 * weir_parameter_sets_make_record:
 *
 * A record of what waits and what of the old one goes on, with NAL unit lengths of 4 bytes. What
 * waits comes first, since a stream that changes its identifier goes on with the new one.
 *
 * Returns: (transfer full): NULL with %WEIR_CODEC_ERROR, also as long as a set is missing
 */
GBytes *weir_parameter_sets_make_record (WeirParameterSets *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirParameterSets, weir_parameter_sets_free)

G_END_DECLS
