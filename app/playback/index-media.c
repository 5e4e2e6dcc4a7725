/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* what media playlists say of segments */
#include "playback/index-private.h"

gboolean
weir_index_is_independent (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  const WeirCodecConfig *config = weir_index_find_config (self, segment, track);
  GArray *parts = weir_index_segment_get_parts (segment, track);

  return config == NULL || config->kind != WEIR_MEDIA_VIDEO || parts == NULL || parts->len == 0 ||
         g_array_index (parts, WeirIndexPart, 0).independent;
}

static gboolean
has_track (WeirIndex *self, guint track)
{
  for (guint i = 0; i < self->inits->len; i++) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    if (track < init->configs->len && g_ptr_array_index (init->configs, track) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* Returns: the track that decided the segment's cuts: the first video track, else the first */
static gint
reference_track (WeirIndex *self, const WeirIndexSegment *segment)
{
  WeirIndexInit *init = weir_index_find_init (self, segment->epoch, segment->init_generation);
  gint first = -1;

  for (guint i = 0; init != NULL && i < init->configs->len; i++) {
    const WeirCodecConfig *config = g_ptr_array_index (init->configs, i);

    if (config == NULL)
      continue;
    if (config->kind == WEIR_MEDIA_VIDEO)
      return (gint) i;
    if (first < 0)
      first = (gint) i;
  }
  return first;
}

guint64
weir_index_scale (guint64 ticks, guint64 to, guint64 from)
{
  return ticks / from * to + (ticks % from * to + from / 2) / from;
}

/* When the track's first sample is due. What is far from the segment's own time comes from a
 * timeline that is not known (any more): then T will do. */
static gint64
track_date_us (const WeirIndexSegment *segment, const WeirIndexPart *first, guint32 timescale)
{
  gint64 offset_us = (gint64) weir_index_scale (first->decode_time, G_USEC_PER_SEC, timescale) -
                     segment->start_ns / 1000;
  gint64 most = segment->duration_ns / 1000 + 2 * G_USEC_PER_SEC;

  return segment->program_date_us + (ABS (offset_us) <= most ? offset_us : 0);
}

/* its bytes were in memory only, and are gone */
static gboolean
is_forgotten (const WeirIndexSegment *segment)
{
  return segment->in_memory && segment->blob == NULL;
}

/* @target_duration: of the playlist, seconds */
static void
describe_segment (WeirIndex *self, const WeirIndexSegment *segment, gint track,
    guint target_duration, WeirHlsSegment *out)
{
  const WeirCodecConfig *config =
      track >= 0 ? weir_index_find_config (self, segment, (guint) track) : NULL;
  GArray *parts = track >= 0 ? weir_index_segment_get_parts (segment, (guint) track) : NULL;
  gint64 date_us = segment->program_date_us;
  guint64 ticks = 0;

  out->epoch = segment->epoch;
  out->number = segment->missing ? segment->media_sequence : segment->number;
  out->missing = segment->missing;
  out->generation = segment->init_generation;
  out->discontinuity = segment->discontinuity;
  out->duration_us = (guint64) (segment->duration_ns + 500) / 1000;
  if (segment->missing) {
    out->gap = TRUE;
  } else if (track < 0) {
    out->has_map = weir_index_find_init (self, segment->epoch, segment->init_generation) != NULL;
    out->gap = !out->has_map;
  } else {
    out->has_map = config != NULL;
    out->gap = config == NULL || parts == NULL || parts->len == 0;
  }
  out->gap |= is_forgotten (segment);
  if (track >= 0 && !out->gap) {
    for (guint i = 0; i < parts->len; i++)
      ticks += g_array_index (parts, WeirIndexPart, i).duration;
    out->duration_us = weir_index_scale (ticks, G_USEC_PER_SEC, config->timescale);
    /* What a track had before the run in which the reference has its keyframe, or frames that last
     * for seconds: no segment may be longer than the target (4.4.3.1). */
    if ((out->duration_us + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC > target_duration)
      out->duration_us = MIN (out->duration_us, (guint64) (segment->duration_ns + 500) / 1000);
    if (track != reference_track (self, segment))
      date_us =
          track_date_us (segment, &g_array_index (parts, WeirIndexPart, 0), config->timescale);
  }
  out->date_ms = (date_us + 500) / 1000;
}

guint
weir_index_get_target_duration (WeirIndex *self)
{
  gint64 longest = 0;

  if (self->target_duration > 0)
    return self->target_duration;
  for (guint i = 0; i < self->closed; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    longest = MAX (longest, segment->duration_ns);
  }
  return (guint) MAX (1, (longest + 999999999) / 1000000000);
}

/* @segments: (element-type WeirHlsSegment): keeps one at least */
static void
drop_gaps_at_end (GArray *segments)
{
  guint count = segments->len;

  while (count > 1 && g_array_index (segments, WeirHlsSegment, count - 1).gap)
    count--;
  g_array_set_size (segments, count);
}

/* @listed: (element-type WeirIndexSegment): at least one */
static GBytes *
make_media (WeirIndex *self, WeirIndexView view, const GPtrArray *listed, gint track)
{
  const WeirIndexSegment *first = g_ptr_array_index (listed, 0);
  const gboolean whole = view == WEIR_INDEX_WHOLE;
  g_autoptr (GArray) segments =
      g_array_sized_new (FALSE, TRUE, sizeof (WeirHlsSegment), listed->len);
  WeirHlsMedia media = {
      .broadcast = self->broadcast,
      .track = track,
      .target_duration = weir_index_get_target_duration (self),
      .media_sequence = whole ? first->whole_sequence : first->media_sequence,
      .discontinuity_sequence =
          whole ? 0 : first->discontinuity_sequence - (first->discontinuity ? 1 : 0),
      .ended = self->ended,
      .whole = whole,
  };

  g_array_set_size (segments, listed->len);
  /* said here of each track only when the multivariant playlist cannot say it of all */
  media.independent = track >= 0 && self->dependent;
  for (guint i = 0; i < segments->len; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (listed, i);
    WeirHlsSegment *out = &g_array_index (segments, WeirHlsSegment, i);

    describe_segment (self, segment, track, media.target_duration, out);
    /* something was not recorded */
    if (whole && i > 0 &&
        segment->number != ((WeirIndexSegment *) g_ptr_array_index (listed, i - 1))->number + 1)
      out->discontinuity = TRUE;
    if (track >= 0 && !weir_index_is_independent (self, segment, (guint) track))
      media.independent = FALSE;
  }
  /* Players wait for the last segment that is listed, and hls.js for ever when that is a gap. */
  if (self->ended)
    drop_gaps_at_end (segments);
  media.segments = (const WeirHlsSegment *) segments->data;
  media.n_segments = segments->len;
  return weir_hls_write_media (&media);
}

void
weir_index_forget_playlists (WeirIndex *self)
{
  for (guint i = 0; i < WEIR_INDEX_N_VIEWS; i++) {
    g_clear_pointer (&self->playlists[i].multivariant, g_bytes_unref);
    g_clear_pointer (&self->playlists[i].muxed, g_bytes_unref);
    g_ptr_array_set_size (self->playlists[i].media, 0);
  }
}

/* @text: (inout): as kept. Returns: (transfer full) (nullable) */
static GBytes *
share_media (WeirIndex *self, WeirIndexView view, gint track, GBytes **text)
{
  if (*text == NULL) {
    g_autoptr (GPtrArray) listed = weir_index_list_view (self, view);

    if (listed->len > 0)
      *text = make_media (self, view, listed, track);
  }
  return *text != NULL ? g_bytes_ref (*text) : NULL;
}

GBytes *
weir_index_get_media (WeirIndex *self, WeirIndexView view, guint track)
{
  GPtrArray *media = self->playlists[view].media;
  GBytes *text = NULL;

  g_mutex_lock (&self->lock);
  if (has_track (self, track)) {
    if (media->len <= track)
      g_ptr_array_set_size (media, (gint) track + 1);
    text = share_media (self, view, (gint) track, (GBytes **) &g_ptr_array_index (media, track));
  }
  g_mutex_unlock (&self->lock);
  return text;
}

GBytes *
weir_index_get_muxed (WeirIndex *self, WeirIndexView view)
{
  GBytes *text;

  g_mutex_lock (&self->lock);
  text = share_media (self, view, -1, &self->playlists[view].muxed);
  g_mutex_unlock (&self->lock);
  return text;
}
