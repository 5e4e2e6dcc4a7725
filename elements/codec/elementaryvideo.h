/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/elementary.h"

G_BEGIN_DECLS

/*
 * The video half of WeirElementaryStream (internal to codec/): as the public functions of the same
 * names unless said otherwise, for codecs of that kind only.
 */
typedef struct _WeirElementaryVideo WeirElementaryVideo;

WeirElementaryVideo *weir_elementary_video_new (WeirCodec codec);
void weir_elementary_video_free (WeirElementaryVideo *self);
/* @record: not the one that was given last, of WEIR_CODEC_RECORD_SIZE_MAX at most. */
gboolean weir_elementary_video_set_record (
    WeirElementaryVideo *self, GBytes *record, GError **error);
void weir_elementary_video_set_colour (WeirElementaryVideo *self, const WeirColour *colour);
WeirCodecConfig *weir_elementary_video_get_config (WeirElementaryVideo *self);
/* @unit is all zero */
void weir_elementary_video_take (
    WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit);

G_END_DECLS
