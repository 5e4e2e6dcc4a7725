/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "playback/hls.h"

G_BEGIN_DECLS

/**
 * WeirHlsText: the text of a media playlist to which segments are only ever added
 *
 * What is written of a segment stays as it is, so that each is written once, however often the
 * playlist is asked for and however long it has become. Those who ask share the bytes; what is
 * added later stands behind what they have been given. Not locked: one thread at a time, but for
 * the bytes that were given, which any thread may read.
 */
typedef struct _WeirHlsText WeirHlsText;

/* @track: its index, -1 for whole objects. @target_duration: seconds, which never changes */
WeirHlsText *weir_hls_text_new (const gchar *broadcast, gint track, guint target_duration);
void weir_hls_text_free (WeirHlsText *self);
guint weir_hls_text_get_target_duration (const WeirHlsText *self);
/* behind those that are there already */
void weir_hls_text_add (WeirHlsText *self, const WeirHlsSegment *segments, guint n_segments);

/**
 * weir_hls_text_get:
 * @media_sequence: of the first segment
 * @independent: as in WeirHlsMedia
 * @ended: nothing will be added: there is EXT-X-ENDLIST, and nothing of the gaps behind the last
 *   media. Players wait for the last segment that is listed, and hls.js for ever when that is a gap
 *
 * The text of the whole, as weir_hls_write_media() writes it.
 *
 * Returns: (transfer full) (element-type GBytes): in pieces, the head (what stands before the first
 *   segment) in the first one; a long text has one more for each MiB
 */
GPtrArray *weir_hls_text_get (
    WeirHlsText *self, guint64 media_sequence, gboolean independent, gboolean ended);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHlsText, weir_hls_text_free)

G_END_DECLS
