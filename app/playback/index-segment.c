/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/index-private.h"

#include <unistd.h>

WeirBlob *
weir_blob_new (gint fd)
{
  WeirBlob *self = g_new0 (WeirBlob, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = fd;
  return self;
}

WeirBlob *
weir_blob_ref (WeirBlob *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_blob_unref (WeirBlob *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

static void
track_free (gpointer data)
{
  WeirIndexTrack *self = data;

  if (self->parts != NULL)
    g_array_unref (self->parts);
  g_free (self);
}

WeirIndexSegment *
weir_index_segment_new (guint64 number, guint64 epoch)
{
  WeirIndexSegment *self = g_new0 (WeirIndexSegment, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->number = number;
  self->epoch = epoch;
  self->tracks = g_ptr_array_new_with_free_func (track_free);
  return self;
}

WeirIndexSegment *
weir_index_segment_ref (WeirIndexSegment *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_index_segment_unref (WeirIndexSegment *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->tracks);
  g_clear_pointer (&self->blob, weir_blob_unref);
  g_free (self->name);
  g_free (self);
}

GArray *
weir_index_segment_get_parts (const WeirIndexSegment *self, guint track)
{
  WeirIndexTrack *entry;

  if (track >= self->tracks->len)
    return NULL;
  entry = g_ptr_array_index (self->tracks, track);
  return entry != NULL ? entry->parts : NULL;
}

void
weir_index_segment_extend (WeirIndexSegment *self, guint n_tracks)
{
  while (self->tracks->len < n_tracks) {
    WeirIndexTrack *track = g_new0 (WeirIndexTrack, 1);

    track->parts = g_array_new (FALSE, FALSE, sizeof (WeirIndexPart));
    g_ptr_array_add (self->tracks, track);
  }
}

void
weir_index_segment_add_part (WeirIndexSegment *self, guint track, const WeirIndexPart *part)
{
  if (track >= WEIR_INDEX_TRACKS_MAX)
    return;
  /* what stands before the first chunk is the head of the object */
  if (self->size == 0)
    self->styp_size = part->offset;
  weir_index_segment_extend (self, track + 1);
  g_array_append_val (weir_index_segment_get_parts (self, track), *part);
  self->size = MAX (self->size, part->offset + part->size);
}
