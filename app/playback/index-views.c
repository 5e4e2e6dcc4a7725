/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ---- views: what they list, and which bytes have to stay ----
 *
 * The rule, of which window, recording and retention are three sides:
 *
 *   - The window lists the newest segments and gaps: `window_segments` of them at least, three
 *     target durations at least (6.2.2), and what closed within three target durations before the
 *     newest, by a clock that goes on by one target duration at most from one to the next: many
 *     close at once when a disk was stuck or the machine stood still, and nobody had the time to
 *     see them, nor those right before. Media are among it, as long as those gaps are not too many:
 * who comes sees the last that there was, and who waits may come to an end. What it once leaves out
 * never comes back, so that its media sequence never goes back.
 *   - The whole lists what is stored, from the first on; never a gap, never what is in memory only.
 *     There is one of a broadcast that is recorded. What it lists stays listed.
 *   - The bytes of what a view lists stay, and those of the newest that a caller says, for viewers
 *     who are behind. All other bytes may go: count_unlisted().
 *
 * Bytes in memory are the exception: they go when there are too many, and leave a gap behind.
 */
#include "playback/index-private.h"

/* gaps in a row that a window is made of anew: more than it ever lists */
#define GAPS_MAX 4096
/* segments that are no gaps: the very last one may have nothing of a track */
#define WINDOW_MEDIA 2
/* that the window lists before it lets go of the media before them */
#define WINDOW_GAPS_MAX 256

WeirIndexSegment *
weir_index_last_of (const GPtrArray *segments)
{
  return segments->len > 0 ? g_ptr_array_index (segments, segments->len - 1) : NULL;
}

gint64
weir_index_tick (WeirIndex *self, gint64 now_us)
{
  const gint64 most_us = (gint64) weir_index_get_target_duration (self) * G_USEC_PER_SEC;

  self->listing_us += self->listing_us == 0 ? 1 : CLAMP (now_us - self->now_us, 0, most_us);
  self->now_us = now_us;
  return self->listing_us;
}

/* Returns: how many of @self->window are listed */
static guint
count_listed (WeirIndex *self)
{
  guint count = 0;

  while (count < self->window->len &&
         ((WeirIndexSegment *) g_ptr_array_index (self->window, count))->closed)
    count++;
  return count;
}

void
weir_index_advance_window (WeirIndex *self)
{
  const gint64 least_ns = 3 * (gint64) self->target_duration * G_GINT64_CONSTANT (1000000000);
  const guint listed = count_listed (self);
  guint start = listed;
  gint64 listed_ns = 0, since_us = 0;
  guint media = 0;

  if (self->window_segments == 0 || listed == 0)
    return;
  since_us = ((WeirIndexSegment *) g_ptr_array_index (self->window, listed - 1))->listed_us -
             least_ns / 1000;
  while (start > 0) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->window, start - 1);

    if (listed - start >= self->window_segments && listed_ns >= least_ns &&
        (media >= WINDOW_MEDIA || listed - start >= WINDOW_GAPS_MAX) &&
        (segment->listed_us <= since_us || segment->listed_us == 0))
      break;
    start--;
    media += segment->missing ? 0 : 1;
    listed_ns += segment->duration_ns;
  }
  if (start > 0)
    g_ptr_array_remove_range (self->window, 0, start);
}

guint
weir_index_count_unlisted (WeirIndex *self, guint keep)
{
  const guint most = self->closed > keep ? self->closed - keep : 0;

  for (guint i = 0; i < self->window->len; i++) {
    const WeirIndexSegment *segment = g_ptr_array_index (self->window, i);

    if (!segment->missing)
      return MIN (most, weir_index_find_first (self, segment->number));
  }
  return most;
}

gboolean
weir_index_is_in_whole (const WeirIndexSegment *segment)
{
  return segment->closed && !segment->in_memory && !segment->missing;
}

GPtrArray *
weir_index_list_window (WeirIndex *self)
{
  const guint count = count_listed (self);
  GPtrArray *listed = g_ptr_array_sized_new (count);

  for (guint i = 0; i < count; i++)
    g_ptr_array_add (listed, g_ptr_array_index (self->window, i));
  return listed;
}

void
weir_index_append_to_window (WeirIndex *self, WeirIndexSegment *segment)
{
  const WeirIndexSegment *last = weir_index_last_of (self->window);

  if (last != NULL) {
    segment->media_sequence = last->media_sequence + 1;
    segment->discontinuity_sequence =
        last->discontinuity_sequence + (segment->discontinuity ? 1 : 0);
  } else {
    /* a stored one has its own; a salvaged one does not */
    if (segment->media_sequence == 0)
      segment->media_sequence = segment->number;
    if (segment->discontinuity && segment->discontinuity_sequence == 0)
      segment->discontinuity_sequence = 1;
  }
  g_ptr_array_add (self->window, weir_index_segment_ref (segment));
}

void
weir_index_append_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us)
{
  g_autoptr (WeirIndexSegment) gap = weir_index_segment_new (0, 0);

  gap->missing = TRUE;
  gap->closed = TRUE;
  gap->start_ns = start_ns;
  gap->duration_ns = duration_ns;
  gap->program_date_us = date_us;
  if (self->listing_us != 0)
    gap->listed_us = weir_index_tick (self, self->now_us + duration_ns / 1000);
  weir_index_append_to_window (self, gap);
}

void
weir_index_append_missing (WeirIndex *self, guint64 next)
{
  const gint64 duration_ns =
      (gint64) weir_index_get_target_duration (self) * G_GINT64_CONSTANT (1000000000);
  const WeirIndexSegment *last = weir_index_last_of (self->window);

  if (last == NULL || next <= last->media_sequence || next - last->media_sequence > GAPS_MAX)
    return;
  while (last->media_sequence + 1 < next) {
    weir_index_append_gap (self, last->start_ns + last->duration_ns, duration_ns,
        last->program_date_us + last->duration_ns / 1000);
    last = weir_index_last_of (self->window);
  }
}
