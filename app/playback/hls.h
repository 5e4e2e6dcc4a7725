/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

#include <glib.h>

G_BEGIN_DECLS

/*
 * Texts of HLS playlists (RFC 8216bis). Pure; no threads.
 *
 * Media playlists are `/<broadcast>/manifest/track<t>.m3u8` and `muxed.m3u8`, those of the whole
 * broadcast `track<t>-all.m3u8` and `muxed-all.m3u8`. What they list has paths that hold the
 * owner's epoch and never mean anything else:
 * `/<broadcast>/segments/<epoch>-<number>/track<t>.m4s`, `/<broadcast>/inits/<epoch>-<generation>/
 * track<t>.mp4`; whole objects `/<broadcast>/segments/<epoch>-<number>.m4s` and
 * `/<broadcast>/inits/<epoch>-<generation>.mp4`. What there is not has a path that is never found,
 * `/<broadcast>/segments/gap-<media sequence>.m4s` (4.4.4.7: clients should not ask for it).
 */
#define WEIR_HLS_WHOLE_SUFFIX "-all"

/**
 * WeirHlsSegment: one segment as one media playlist lists it
 * @has_map: there is an init of this track for its generation
 * @gap: holds nothing of this track
 * @missing: there is no such segment at all; @number is its media sequence number
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
  gboolean missing;
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
 * @whole: nothing is left out: with @ended it is a VOD. Until then it has no type: one that says
 *   EVENT must not be changed to say VOD (6.2.1)
 * @independent: every segment listed begins with a keyframe, which the multivariant playlist does
 *   not say for all of them
 */
typedef struct {
  const gchar *broadcast;
  gint track;
  guint target_duration;
  guint64 media_sequence;
  guint64 discontinuity_sequence;
  gboolean ended;
  gboolean whole;
  gboolean independent;
  const WeirHlsSegment *segments;
  guint n_segments;
} WeirHlsMedia;

/* Returns: (transfer full): the text */
GBytes *weir_hls_write_media (const WeirHlsMedia *media);

/*
 * Of what such a text consists, for one that grows: a head, then the segments, and
 * WEIR_HLS_END_LIST when it has ended.
 */
#define WEIR_HLS_END_LIST "#EXT-X-ENDLIST\n"
/* @media: its segments are not looked at. @gaps: there are some among them */
void weir_hls_append_head (GString *text, const WeirHlsMedia *media, gboolean gaps);
/* @media: its segments are not looked at. @before: (nullable): the last one so far that has a map
 */
void weir_hls_append_segment (GString *text, const WeirHlsMedia *media,
    const WeirHlsSegment *segment, const WeirHlsSegment *before);

/**
 * WeirHlsTrack: one track as the multivariant playlist describes it
 * @codec: of its newest segment
 * @codecs: RFC 6381, all that its segments need
 * @peak_rate: measured peak segment bit rate, bits per second, rounded up
 * @average_rate: likewise
 * @width: (video) in square pixels; 0 when not known
 * @frame_rate: (video) per second, 0 when not known
 * @transfer: (video) code point of ITU-T H.273; 0 when not known
 * @label: (audio) (nullable): UTF-8
 * @language: (audio) (nullable): BCP 47
 */
typedef struct {
  guint track;
  WeirCodec codec;
  gchar *codecs;
  guint64 peak_rate;
  guint64 average_rate;
  guint width, height;
  gdouble frame_rate;
  guint transfer;
  guint channels;
  const gchar *label;
  const gchar *language;
} WeirHlsTrack;

/**
 * weir_hls_write_multivariant:
 * @tracks: (array length=n_tracks): at least one
 * @independent: every segment of every track starts with a keyframe
 * @broadcast: uid, safe in a URL: media playlists have its paths, whoever's name this one has
 * @suffix: of the media playlists' names: %WEIR_HLS_WHOLE_SUFFIX or ""
 *
 * The audio tracks are renditions, in one group for each codec that they have: a player takes the
 * variants whose CODECS it knows (4.4.6.2.1). All groups have the same members (4.4.6.1.1): tracks
 * of different codecs are encodings of one member when label and language are the same, or not
 * known of one; what there is not in a group's codec is there in another. There is a variant for
 * each video track with each group. Without video there is one for each group, or just one for a
 * single track.
 *
 * Returns: (transfer full): the text
 */
GBytes *weir_hls_write_multivariant (const WeirHlsTrack *tracks, guint n_tracks,
    gboolean independent, const gchar *broadcast, const gchar *suffix);

G_END_DECLS
