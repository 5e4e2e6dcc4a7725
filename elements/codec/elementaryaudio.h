/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/elementary.h"

G_BEGIN_DECLS

/*
 * The audio half of WeirElementaryStream (internal to codec/): as the public functions of the same
 * names unless said otherwise, for codecs of that kind only.
 */
typedef struct _WeirElementaryAudio WeirElementaryAudio;

WeirElementaryAudio *weir_elementary_audio_new (WeirCodec codec);
void weir_elementary_audio_free (WeirElementaryAudio *self);
/* @record: not the one that was given last, of WEIR_CODEC_RECORD_SIZE_MAX at most. */
gboolean weir_elementary_audio_set_record (
    WeirElementaryAudio *self, GBytes *record, GError **error);
void weir_elementary_audio_assume_channels (WeirElementaryAudio *self, guint channels);
WeirCodecConfig *weir_elementary_audio_get_config (WeirElementaryAudio *self);
/* @unit is all zero */
void weir_elementary_audio_take (
    WeirElementaryAudio *self, const guint8 *data, gsize size, WeirAccessUnit *unit);

G_END_DECLS
