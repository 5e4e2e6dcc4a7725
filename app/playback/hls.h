/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Texts of HLS playlists (RFC 8216bis). Pure; no threads.
 *
 * Media playlists lie beside the multivariant one, as `track<t>.m3u8` and `muxed.m3u8`. What they
 * list has absolute paths that hold the owner's epoch and never mean anything else:
 * `/<broadcast>/segments/<epoch>-<number>/track<t>.m4s`, `/<broadcast>/inits/<epoch>-<generation>/
 * track<t>.mp4`; whole objects `/<broadcast>/segments/<epoch>-<number>.m4s` and
 * `/<broadcast>/inits/<epoch>-<generation>.mp4`.
 */

/**
 * WeirHlsSegment: one segment as one media playlist lists it
 * @has_map: there is an init of this track for its generation
 * @gap: holds nothing of this track
 * @duration_us: of the track in this segment
 * @date_ms: wall time of its first sample, ms since 1970
 */
typedef struct {
  guint64 epoch;
  guint64 number;
  guint generation;
  gboolean has_map;
  gboolean discontinuity;
  gboolean gap;
  guint64 duration_us;
  gint64 date_ms;
} WeirHlsSegment;

/**
 * WeirHlsMedia: a media playlist
 * @broadcast: uid, safe in a URL
 * @track: its index, -1 for whole objects
 * @target_duration: seconds
 * @media_sequence: of the first segment
 * @discontinuity_sequence: discontinuities before the first segment, its own not counted
 * @ended: nothing will be added
 * @whole: nothing is left out either
 */
typedef struct {
  const gchar *broadcast;
  gint track;
  guint target_duration;
  guint64 media_sequence;
  guint64 discontinuity_sequence;
  gboolean ended;
  gboolean whole;
  const WeirHlsSegment *segments;
  guint n_segments;
} WeirHlsMedia;

/* Returns: (transfer full): the text */
GBytes *weir_hls_write_media (const WeirHlsMedia *media);

/**
 * WeirHlsTrack: one track as the multivariant playlist describes it
 * @codecs: RFC 6381
 * @peak_rate: measured peak segment bit rate, bits per second, rounded up
 * @average_rate: likewise
 * @width: (video) in square pixels
 * @frame_rate: (video) per second, 0 when not known
 */
typedef struct {
  guint track;
  gboolean video;
  gchar *codecs;
  guint64 peak_rate;
  guint64 average_rate;
  guint width, height;
  gdouble frame_rate;
  guint channels;
} WeirHlsTrack;

/**
 * weir_hls_write_multivariant:
 * @tracks: (array length=n_tracks): at least one
 * @independent: every video segment starts with a keyframe
 *
 * One variant for each video track, with all audio tracks as renditions; without video one variant,
 * the first audio track.
 *
 * Returns: (transfer full): the text
 */
GBytes *weir_hls_write_multivariant (
    const WeirHlsTrack *tracks, guint n_tracks, gboolean independent);

G_END_DECLS
