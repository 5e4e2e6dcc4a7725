/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What media playlists say of segments.
 *
 * Those of the window are short: made under the lock when somebody asks for the first time after a
 * change, then shared. Those of the whole grow for as long as the broadcast lasts, so what is
 * written is kept, as long as somebody asks, and what has closed since is written behind it. That
 * is done by those who ask, and not under the index's lock, which is only taken for a few segments
 * at a time: whoever fills the index never waits for a long text.
 */
#include "playback/hls-text.h"
#include "playback/index-private.h"

/* segments that are looked at under the lock in one go */
#define BATCH 128
/* closings, of segments and gaps, after which a text of the whole goes that nobody has asked for */
#define LATELY 30

/* a media playlist of the whole. All but @ref_count and @asked under its own lock, which is taken
 * before the index's */
typedef struct {
  gatomicrefcount ref_count;
  guint64 asked; /* under the index's lock: its closings when it was asked for last */
  gint track;
  GMutex lock;
  WeirHlsText *text;    /* (nullable): nobody has asked for it yet */
  guint64 version;      /* of the index's whole, that it is of */
  guint next;           /* place of the first segment that was not looked at */
  gboolean filled;      /* there are some in it */
  guint64 first, last;  /* of those: whole_sequence of the first, number of the last */
  gboolean independent; /* all of them are */
} Whole;

static Whole *
whole_new (gint track)
{
  Whole *self = g_new0 (Whole, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->track = track;
  return self;
}

static void
whole_unref (Whole *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->text, weir_hls_text_free);
  g_mutex_clear (&self->lock);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Whole, whole_unref)

static void
whole_free (gpointer data)
{
  if (data != NULL)
    whole_unref (data);
}

GPtrArray *
weir_index_wholes_new (void)
{
  return g_ptr_array_new_with_free_func (whole_free);
}

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
  if (self->target_duration > 0)
    return self->target_duration;
  return (guint) MAX (1, (self->longest_ns + 999999999) / 1000000000);
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

/* Returns: (nullable) */
static GBytes *
make_window (WeirIndex *self, gint track)
{
  g_autoptr (GPtrArray) listed = weir_index_list_window (self);
  const WeirIndexSegment *first = listed->len > 0 ? g_ptr_array_index (listed, 0) : NULL;
  g_autoptr (GArray) segments =
      g_array_sized_new (FALSE, TRUE, sizeof (WeirHlsSegment), listed->len);
  WeirHlsMedia media = {
      .broadcast = self->broadcast,
      .track = track,
      .target_duration = weir_index_get_target_duration (self),
      .ended = self->ended,
      /* said here of each track only when the multivariant playlist cannot say it of all */
      .independent = track >= 0 && self->dependent,
  };

  if (first == NULL)
    return NULL;
  media.media_sequence = first->media_sequence;
  media.discontinuity_sequence = first->discontinuity_sequence - (first->discontinuity ? 1 : 0);
  g_array_set_size (segments, listed->len);
  for (guint i = 0; i < segments->len; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (listed, i);

    describe_segment (
        self, segment, track, media.target_duration, &g_array_index (segments, WeirHlsSegment, i));
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

/* Returns: (transfer full) (nullable) */
static GPtrArray *
wrap (GBytes *text)
{
  GPtrArray *pieces;

  if (text == NULL)
    return NULL;
  pieces = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (pieces, g_bytes_ref (text));
  return pieces;
}

/* @track: -1 for whole objects */
static GPtrArray *
get_window (WeirIndex *self, gint track)
{
  const guint place = (guint) (track + 1);
  GPtrArray *pieces = NULL;

  g_mutex_lock (&self->lock);
  if (track < 0 || has_track (self, (guint) track)) {
    GBytes **text;

    if (self->window_media->len <= place)
      g_ptr_array_set_size (self->window_media, (gint) place + 1);
    text = (GBytes **) &g_ptr_array_index (self->window_media, place);
    if (*text == NULL)
      *text = make_window (self, track);
    pieces = wrap (*text);
  }
  g_mutex_unlock (&self->lock);
  return pieces;
}

/* Returns: (transfer full) (nullable) */
static Whole *
find_whole (WeirIndex *self, gint track)
{
  const guint place = (guint) (track + 1);
  Whole *whole = NULL;

  g_mutex_lock (&self->lock);
  if (self->recorded && self->closed > 0 && (track < 0 || has_track (self, (guint) track))) {
    Whole **kept;

    if (self->whole_media->len <= place)
      g_ptr_array_set_size (self->whole_media, (gint) place + 1);
    kept = (Whole **) &g_ptr_array_index (self->whole_media, place);
    if (*kept == NULL)
      *kept = whole_new (track);
    (*kept)->asked = self->closings;
    whole = *kept;
    g_atomic_ref_count_inc (&whole->ref_count);
  }
  g_mutex_unlock (&self->lock);
  return whole;
}

/* the index's lock is held. @listed: (element-type WeirHlsSegment) */
static void
whole_take (Whole *self, WeirIndex *index, const WeirIndexSegment *segment, GArray *listed)
{
  WeirHlsSegment out = {0};

  describe_segment (
      index, segment, self->track, weir_hls_text_get_target_duration (self->text), &out);
  if (!self->filled)
    self->first = segment->whole_sequence;
  else if (segment->number != self->last + 1)
    out.discontinuity = TRUE; /* something was not recorded */
  self->filled = TRUE;
  self->last = segment->number;
  if (self->track >= 0 && !weir_index_is_independent (index, segment, (guint) self->track))
    self->independent = FALSE;
  g_array_append_val (listed, out);
}

/* the index's lock is held */
static void
whole_begin (Whole *self, WeirIndex *index)
{
  const guint target_duration = weir_index_get_target_duration (index);

  if (self->text != NULL && self->version == index->whole_version &&
      weir_hls_text_get_target_duration (self->text) == target_duration)
    return;
  g_clear_pointer (&self->text, weir_hls_text_free);
  self->text = weir_hls_text_new (index->broadcast, self->track, target_duration);
  self->version = index->whole_version;
  self->next = 0;
  self->filled = FALSE;
  self->independent = self->track >= 0;
}

/* what the head and the end of a text say, which stand for all that is in it */
typedef struct {
  gboolean independent, ended;
} Ends;

/* some more of what has closed. Returns: FALSE when that is all, with @ends */
static gboolean
whole_grow (Whole *self, WeirIndex *index, GArray *listed, Ends *ends)
{
  gboolean more;

  g_array_set_size (listed, 0);
  g_mutex_lock (&index->lock);
  self->asked = index->closings;
  whole_begin (self, index);
  while (self->next < index->closed && listed->len < BATCH) {
    const WeirIndexSegment *segment = g_ptr_array_index (index->segments, self->next++);

    if (weir_index_is_in_whole (segment))
      whole_take (self, index, segment, listed);
  }
  more = self->next < index->closed;
  ends->independent = self->independent && index->dependent;
  ends->ended = index->ended;
  g_mutex_unlock (&index->lock);
  weir_hls_text_add (self->text, (const WeirHlsSegment *) listed->data, listed->len);
  return more;
}

static GPtrArray *
get_whole (WeirIndex *self, gint track)
{
  g_autoptr (GArray) listed = g_array_sized_new (FALSE, FALSE, sizeof (WeirHlsSegment), BATCH);
  g_autoptr (Whole) whole = find_whole (self, track);
  GPtrArray *pieces = NULL;
  Ends ends;

  if (whole == NULL)
    return NULL;
  g_mutex_lock (&whole->lock);
  while (whole_grow (whole, self, listed, &ends))
    ;
  if (whole->filled)
    pieces = weir_hls_text_get (whole->text, whole->first, ends.independent, ends.ended);
  g_mutex_unlock (&whole->lock);
  return pieces;
}

GPtrArray *
weir_index_get_media (WeirIndex *self, WeirIndexView view, guint track)
{
  if (track >= WEIR_INDEX_TRACKS_MAX)
    return NULL;
  return view == WEIR_INDEX_WHOLE ? get_whole (self, (gint) track)
                                  : get_window (self, (gint) track);
}

GPtrArray *
weir_index_get_muxed (WeirIndex *self, WeirIndexView view)
{
  return view == WEIR_INDEX_WHOLE ? get_whole (self, -1) : get_window (self, -1);
}

void
weir_index_forget_playlists (WeirIndex *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->multivariant); i++)
    g_clear_pointer (&self->multivariant[i], g_bytes_unref);
  g_ptr_array_set_size (self->window_media, 0);
}

void
weir_index_count_closing (WeirIndex *self)
{
  self->closings++;
  for (guint i = 0; i < self->whole_media->len; i++) {
    Whole *whole = g_ptr_array_index (self->whole_media, i);

    if (whole == NULL || self->closings - whole->asked <= LATELY)
      continue;
    if (self->stale == NULL)
      self->stale = weir_index_wholes_new ();
    g_ptr_array_add (self->stale, whole);
    g_ptr_array_index (self->whole_media, i) = NULL;
  }
}
