/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "playback/index-private.h"

WeirIndex *
weir_index_new (const gchar *broadcast_uid, guint window_segments)
{
  WeirIndex *self = g_new0 (WeirIndex, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->broadcast = g_strdup (broadcast_uid);
  self->window_segments = window_segments;
  self->inits = g_ptr_array_new_with_free_func (weir_index_init_free);
  self->segments = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  self->totals = weir_index_totals_new ();
  self->window = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  self->window_media = weir_index_bytes_new ();
  self->whole_media = weir_index_wholes_new ();
  return self;
}

WeirIndex *
weir_index_ref (WeirIndex *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_index_unref (WeirIndex *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->inits);
  g_ptr_array_unref (self->segments);
  g_ptr_array_unref (self->window);
  g_array_unref (self->totals);
  weir_index_forget_playlists (self);
  g_ptr_array_unref (self->window_media);
  g_ptr_array_unref (self->whole_media);
  g_mutex_clear (&self->lock);
  g_free (self->broadcast);
  g_free (self);
}

const gchar *
weir_index_get_broadcast (WeirIndex *self)
{
  return self->broadcast;
}

void
weir_index_set_recorded (WeirIndex *self)
{
  g_mutex_lock (&self->lock);
  self->recorded = TRUE;
  g_mutex_unlock (&self->lock);
}

void
weir_index_set_changed (
    WeirIndex *self, void (*changed) (WeirIndex *self, gpointer data), gpointer data)
{
  g_mutex_lock (&self->lock);
  self->changed = changed;
  self->changed_data = data;
  g_mutex_unlock (&self->lock);
}

void
weir_index_unlock_changed (WeirIndex *self)
{
  void (*changed) (WeirIndex *, gpointer) = self->changed;
  gpointer data = self->changed_data;
  G_GNUC_UNUSED g_autoptr (GPtrArray) stale = g_steal_pointer (&self->stale);

  g_mutex_unlock (&self->lock);
  if (changed != NULL)
    changed (self, data);
}

guint
weir_index_find_first (WeirIndex *self, guint64 number)
{
  guint low = 0, high = self->segments->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    const WeirIndexSegment *segment = g_ptr_array_index (self->segments, middle);

    if (segment->number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Returns: its place among the segments, -1 when there is none of that number */
static gint
find_place (WeirIndex *self, guint64 number)
{
  guint place = weir_index_find_first (self, number);

  if (place == self->segments->len ||
      ((WeirIndexSegment *) g_ptr_array_index (self->segments, place))->number != number)
    return -1;
  return (gint) place;
}

static WeirIndexSegment *
find_segment_of (WeirIndex *self, guint64 epoch, guint64 number)
{
  gint place = find_place (self, number);
  WeirIndexSegment *segment = place >= 0 ? g_ptr_array_index (self->segments, place) : NULL;

  return segment != NULL && segment->epoch == epoch ? segment : NULL;
}

/* a broadcast that is not recorded has these numbers too: nobody sees them. What is open may still
 * move to memory, and those after it get others then. */
static void
number_in_whole (WeirIndex *self, guint place)
{
  WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);
  const WeirIndexSegment *before = place > 0 ? g_ptr_array_index (self->segments, place - 1) : NULL;

  if (before != NULL)
    segment->whole_sequence = before->whole_sequence + (before->in_memory ? 0 : 1);
}

static gboolean
follows (WeirIndex *self, const WeirIndexSegment *segment)
{
  const WeirIndexSegment *last;

  if (self->ended)
    return FALSE;
  if (self->segments->len == 0)
    return TRUE;
  last = g_ptr_array_index (self->segments, self->segments->len - 1);
  return segment->number > last->number;
}

void
weir_index_open_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  g_mutex_lock (&self->lock);
  if (!follows (self, segment)) {
    g_mutex_unlock (&self->lock);
    g_warning ("segment %" G_GUINT64_FORMAT " of %s does not follow the others", segment->number,
        self->broadcast);
    weir_index_segment_unref (segment);
    return;
  }
  segment->closed = FALSE;
  weir_index_append_to_window (self, segment);
  g_ptr_array_add (self->segments, segment);
  number_in_whole (self, self->segments->len - 1);
  weir_index_unlock_changed (self);
}

void
weir_index_add_part (WeirIndex *self, guint64 number, guint track, const WeirIndexPart *part)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_place (self, number);
  if (place >= 0 && (guint) place >= self->closed)
    weir_index_segment_add_part (g_ptr_array_index (self->segments, place), track, part);
  weir_index_unlock_changed (self);
}

static void
closed_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  if (self->target_duration == 0)
    self->target_duration = segment->target_duration;
  if (!segment->independent)
    self->dependent = TRUE;
  for (guint track = 0; track < segment->tracks->len; track++) {
    if (!weir_index_is_independent (self, segment, track))
      self->dependent = TRUE;
  }
  number_in_whole (self, self->closed);
  self->closed++;
  self->longest_ns = MAX (self->longest_ns, segment->duration_ns);
  weir_index_count_closing (self);
  weir_index_measure (self, segment);
  weir_index_advance_window (self);
  weir_index_forget_playlists (self);
}

void
weir_index_close_segment (
    WeirIndex *self, guint64 number, gint64 duration_ns, guint target_duration, gint64 now_us)
{
  WeirIndexSegment *segment;
  gint place;

  g_mutex_lock (&self->lock);
  place = find_place (self, number);
  if (place >= 0 && (guint) place == self->closed) {
    segment = g_ptr_array_index (self->segments, place);
    segment->duration_ns = MAX (0, duration_ns);
    segment->target_duration = self->target_duration > 0 ? self->target_duration : target_duration;
    segment->closed = TRUE;
    segment->listed_us = weir_index_tick (self, now_us);
    closed_segment (self, segment);
  }
  weir_index_unlock_changed (self);
}

void
weir_index_add_closed_segment (WeirIndex *self, WeirIndexSegment *segment)
{
  g_mutex_lock (&self->lock);
  if (!follows (self, segment) || self->closed < self->segments->len) {
    g_mutex_unlock (&self->lock);
    g_warning ("stored segment %" G_GUINT64_FORMAT " of %s does not follow the others",
        segment->number, self->broadcast);
    weir_index_segment_unref (segment);
    return;
  }
  segment->closed = TRUE;
  weir_index_append_missing (self, segment->media_sequence);
  weir_index_append_to_window (self, segment);
  g_ptr_array_add (self->segments, segment);
  closed_segment (self, segment);
  weir_index_unlock_changed (self);
}

void
weir_index_set_name (WeirIndex *self, guint64 number, const gchar *name)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_place (self, number);
  if (place >= 0) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);

    g_free (segment->name);
    segment->name = g_strdup (name);
  }
  weir_index_unlock_changed (self);
}

void
weir_index_release_blobs (WeirIndex *self, guint keep)
{
  g_autoptr (GPtrArray) released =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_blob_unref);

  g_mutex_lock (&self->lock);
  for (guint i = self->blob_start; i + keep < self->closed; i++) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    if (segment->name != NULL && segment->blob != NULL)
      g_ptr_array_add (released, g_steal_pointer (&segment->blob));
    if (i == self->blob_start && segment->blob == NULL)
      self->blob_start++;
  }
  g_mutex_unlock (&self->lock);
}

void
weir_index_add_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us)
{
  g_mutex_lock (&self->lock);
  /* before there is anything there is no gap in it */
  if (!self->ended && self->window->len > 0) {
    weir_index_append_gap (self, start_ns, MAX (0, duration_ns), date_us);
    weir_index_advance_window (self);
    weir_index_count_closing (self);
    weir_index_forget_playlists (self);
  }
  weir_index_unlock_changed (self);
}

void
weir_index_restore_gaps (WeirIndex *self, guint count)
{
  const WeirIndexSegment *last;

  g_mutex_lock (&self->lock);
  last = weir_index_last_of (self->window);
  if (last != NULL && !self->ended) {
    weir_index_append_missing (self, last->media_sequence + 1 + count);
    weir_index_advance_window (self);
    weir_index_forget_playlists (self);
  }
  weir_index_unlock_changed (self);
}

void
weir_index_end (WeirIndex *self)
{
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  weir_index_forget_playlists (self);
  weir_index_unlock_changed (self);
}

void
weir_index_move_to_memory (WeirIndex *self, guint64 number, WeirBlob *blob)
{
  gint place;

  g_mutex_lock (&self->lock);
  place = find_place (self, number);
  if (place >= 0) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, place);
    WeirBlob *before = segment->blob;

    segment->in_memory = TRUE;
    segment->blob = blob;
    blob = before;
  }
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&blob, weir_blob_unref);
}

gsize
weir_index_forget_memory (WeirIndex *self, guint keep, gsize excess)
{
  g_autoptr (GPtrArray) released =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_blob_unref);
  gsize bytes = 0;
  guint listed;

  g_mutex_lock (&self->lock);
  listed = weir_index_count_unlisted (self, keep);
  for (guint i = self->memory_start; i < self->closed; i++) {
    WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    if (i >= listed && bytes >= excess)
      break;
    self->memory_start = i + 1;
    if (!segment->in_memory || segment->blob == NULL)
      continue;
    bytes += segment->size;
    g_ptr_array_add (released, g_steal_pointer (&segment->blob));
  }
  if (released->len > 0)
    weir_index_forget_playlists (self);
  weir_index_unlock_changed (self);
  return bytes;
}

gsize
weir_index_get_memory (WeirIndex *self)
{
  gsize bytes = 0;

  g_mutex_lock (&self->lock);
  for (guint i = self->memory_start; i < self->closed; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->segments, i);

    if (segment->in_memory && segment->blob != NULL)
      bytes += segment->size;
  }
  g_mutex_unlock (&self->lock);
  return bytes;
}

GPtrArray *
weir_index_trim (WeirIndex *self, guint keep)
{
  GPtrArray *forgotten = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  guint count;

  g_mutex_lock (&self->lock);
  count = weir_index_count_unlisted (self, keep);
  for (guint i = 0; i < count; i++)
    g_ptr_array_add (forgotten, weir_index_segment_ref (g_ptr_array_index (self->segments, i)));
  if (count > 0) {
    g_ptr_array_remove_range (self->segments, 0, count);
    self->closed -= count;
    self->memory_start -= MIN (self->memory_start, count);
    self->blob_start -= MIN (self->blob_start, count);
    weir_index_restart_whole (self);
    weir_index_unlock_changed (self);
  } else {
    g_mutex_unlock (&self->lock);
  }
  return forgotten;
}

/* reading */

gboolean
weir_index_is_playable (WeirIndex *self)
{
  gboolean playable;

  g_mutex_lock (&self->lock);
  playable = self->closed > 0;
  g_mutex_unlock (&self->lock);
  return playable;
}

gboolean
weir_index_has_ended (WeirIndex *self)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

WeirIndexSegment *
weir_index_find (WeirIndex *self, guint64 epoch, guint64 number)
{
  WeirIndexSegment *segment;

  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL)
    weir_index_segment_ref (segment);
  g_mutex_unlock (&self->lock);
  return segment;
}

GArray *
weir_index_get_track_parts (WeirIndex *self, guint64 epoch, guint64 number, guint track)
{
  WeirIndexSegment *segment;
  GArray *parts = NULL;

  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL && weir_index_segment_get_parts (segment, track) != NULL)
    parts = g_array_copy (weir_index_segment_get_parts (segment, track));
  g_mutex_unlock (&self->lock);
  return parts;
}

WeirBlob *
weir_index_open_blob (WeirIndex *self, guint64 epoch, guint64 number, gchar **name)
{
  WeirIndexSegment *segment;
  WeirBlob *blob = NULL;

  if (name != NULL)
    *name = NULL;
  g_mutex_lock (&self->lock);
  segment = find_segment_of (self, epoch, number);
  if (segment != NULL && segment->blob != NULL)
    blob = weir_blob_ref (segment->blob);
  else if (segment != NULL && name != NULL)
    *name = g_strdup (segment->name);
  g_mutex_unlock (&self->lock);
  return blob;
}
