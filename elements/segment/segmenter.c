/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/segmenter.h"

#include "base/tokenbucket.h"

#define SECOND_NS G_GINT64_CONSTANT (1000000000)

/* a sender's stamps may be rounded to milliseconds: a keyframe this much early is on time */
#define ROUNDING_NS G_GINT64_CONSTANT (1000000)
/* how far a segment may go beyond the target duration: EXTINF is rounded to it */
#define TARGET_SLACK_NS (SECOND_NS / 4)
/* after a wall wait, a gap up to this is bridged by the sample behind it; of video, which is shown
 * when it should be all the same, up to the time at which it counts as silent: a picture in some
 * seconds is a rate, too */
#define BRIDGE_NS (2 * SECOND_NS)
#define BRIDGE_VIDEO_NS (10 * SECOND_NS)
/* a flag of the same change that comes this much later on another track is no second change */
#define SAME_CHANGE_US (10 * G_USEC_PER_SEC)
/* stamps that hardly move would make chunks of any number of samples */
#define CHUNK_SAMPLES_MAX 4096
/* what a sample takes in an object beside its bytes */
#define ENTRY_SIZE 16
/* a keyframe may be this much older than another track's first sample of the new run */
#define CHANGE_SLACK_NS (SECOND_NS / 20)

typedef struct {
  guint64 number;
  gint64 start_ns;     /* T */
  gint64 cut_dts;      /* decode time of the sample that opened it */
  gint64 successor_ns; /* T of the next one in the same run, once that opened */
  gint64 successor_us; /* when it opened */
  gint64 successor_dts;
  gboolean independent;
  gboolean discontinuity;
  gboolean keyframe_due; /* the next keyframe cuts at once */
  gboolean has_styp;
  guint init_generation;
  guint reference; /* track that opened it */
  gboolean reference_changed;
  guint32 sequence;       /* next chunk's */
  guint32 sequence_limit; /* chunks of the older segment must stay below the newer one's */
  gsize bytes;
  GArray *totals; /* of WeirSegmentTrackTotal */
} Segment;

typedef struct {
  guint track;
  WeirSample sample;
} Held;

/* What each sample needs stands first: with many broadcasts it is memory that makes one expensive.
 */
typedef struct {
  WeirMediaKind kind;
  gboolean ended;
  gboolean in_run;
  gboolean moved;       /* the next run has begun for this track: samples are held */
  gboolean has_pending; /* the newest sample, whose duration is not known yet */
  gboolean anchored;    /* @shift holds */
  gboolean quiet;       /* nothing came since the last cut */
  gboolean absent;      /* had nothing when it was last waited for */
  gboolean forced;      /* was moved to its segment by a bounded wait */
  gint64 last_push_us;
  GQueue ahead; /* of WeirSample*: may belong behind a cut that is not known yet */
  Segment *segment;

  guint32 timescale;
  gint32 pending_offset; /* ticks */
  gint64 pending_dts;    /* ticks */
  gint64 shift;          /* ticks added to decode times in this run */
  gint64 end;            /* ticks: end of the last appended sample; tfdt stays >= it */
  gint64 last_duration;  /* ticks; 0: none yet */
  gint64 chunk_start;    /* ticks */
  gsize chunk_bytes;
  WeirBlocks *payload; /* the data of @samples, @chunk_bytes of it, then that of @pending */
  GArray *samples;     /* open chunk: of WeirChunkSample */
  WeirSample pending;

  WeirTrackLabel *label;        /* (nullable) */
  WeirCodecConfig *config;      /* of the current run */
  WeirCodecConfig *next_config; /* set for the next one */
  gboolean was_in_run;          /* in the run before */
  gboolean unflagged;           /* its flag of the current run is still to come */

  guint held;      /* entries of the hold queue */
  gint64 held_pts; /* of the first of them */
  gint64 held_dts, held_last_dts;
} Track;

struct _WeirSegmenter {
  WeirSegmenterSettings settings;
  WeirSegmenterStatistics statistics;
  GPtrArray *tracks; /* of Track */
  GQueue events;     /* of WeirSegmenterEvent */
  gint64 now_us;

  /* waiting for a run */
  GQueue hold;      /* of Held, in the order of arrival */
  gsize hold_bytes; /* of hold and ahead together */
  gboolean waiting; /* a run is to be started */
  gint64 waiting_since_us;

  /* the run */
  gboolean running;
  gboolean ever_ran;
  gboolean draining;
  gint64 run_started_us;
  WeirTokenBucket cuts, runs;
  gint64 origin_ns;
  guint generation;
  GPtrArray *generation_configs; /* of WeirCodecConfig or NULL */
  guint reference;
  gint64 reference_dts; /* ns, of its newest sample */
  gint64 last_keyframe_pts;
  gboolean has_keyframe_pts;
  gint64 gop_ns;
  Segment *older;
  Segment *newest;
  guint64 next_number;
  guint32 next_sequence;
  guint target_s; /* 0: not fixed yet */
};

/* ---- small things ---- */

static gint64
to_ticks (gint64 ns, guint32 timescale)
{
  __int128 scaled = (__int128) ns * timescale + SECOND_NS / 2;
  __int128 ticks = scaled / SECOND_NS;

  if (scaled < 0 && scaled % SECOND_NS != 0)
    ticks--;
  return (gint64) CLAMP (ticks, -((__int128) 1 << 62), (__int128) 1 << 62);
}

static gint64
to_ns (gint64 ticks, guint32 timescale)
{
  return (gint64) (((__int128) ticks * SECOND_NS + timescale / 2) / timescale);
}

static void
release_sample (WeirSample *sample)
{
  if (sample->release != NULL)
    sample->release (sample->owner);
  sample->data = NULL;
  sample->owner = NULL;
  sample->release = NULL;
}

/* what it costs to keep it */
static gsize
cost_of (const WeirSample *sample)
{
  return sample->size + WEIR_SAMPLE_OVERHEAD;
}

static void
drop_sample (WeirSegmenter *self, const WeirSample *sample)
{
  WeirSample copy = *sample;

  self->statistics.dropped_samples++;
  release_sample (&copy);
}

static Track *
get_track (WeirSegmenter *self, guint index)
{
  return g_ptr_array_index (self->tracks, index);
}

static void
track_free (gpointer data)
{
  Track *track = data;
  WeirSample *sample;

  g_array_unref (track->samples);
  weir_blocks_free (track->payload);
  while ((sample = g_queue_pop_head (&track->ahead)) != NULL) {
    release_sample (sample);
    g_free (sample);
  }
  g_clear_pointer (&track->config, weir_codec_config_unref);
  g_clear_pointer (&track->next_config, weir_codec_config_unref);
  weir_track_label_free (track->label);
  g_free (track);
}

static void
segment_free (Segment *segment)
{
  g_array_unref (segment->totals);
  g_free (segment);
}

static void
config_unref (gpointer config)
{
  if (config != NULL)
    weir_codec_config_unref (config);
}

void
weir_chunk_free (WeirChunk *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->samples);
  g_bytes_unref (self->header);
  weir_blocks_free (self->payload);
  g_free (self);
}

void
weir_segmenter_event_free (WeirSegmenterEvent *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->tracks, g_ptr_array_unref);
  g_clear_pointer (&self->labels, g_ptr_array_unref);
  g_clear_pointer (&self->chunk, weir_chunk_free);
  g_clear_pointer (&self->totals, g_array_unref);
  g_free (self);
}

static WeirSegmenterEvent *
add_event (WeirSegmenter *self, WeirSegmenterEventType type, const Segment *segment)
{
  WeirSegmenterEvent *event = g_new0 (WeirSegmenterEvent, 1);

  event->type = type;
  if (segment != NULL) {
    event->segment = segment->number;
    event->init_generation = segment->init_generation;
    event->discontinuity = segment->discontinuity;
    event->independent = segment->independent;
    event->start_ns = segment->start_ns;
  }
  g_queue_push_tail (&self->events, event);
  return event;
}

static WeirCodecConfig *
coming_config (const Track *track)
{
  return track->next_config != NULL ? track->next_config : track->config;
}

/* whether the next run has it */
static gboolean
takes_part (const Track *track)
{
  return coming_config (track) != NULL && (!track->ended || track->held > 0);
}

/* the first video track, else the first audio track, of those that take part */
static gint
choose_reference (WeirSegmenter *self, gboolean next_run)
{
  gint audio = -1;

  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *track = get_track (self, i);

    if (next_run ? !takes_part (track) : track->ended || !track->in_run)
      continue;
    if (track->kind == WEIR_MEDIA_VIDEO)
      return (gint) i;
    if (audio < 0)
      audio = (gint) i;
  }
  return audio;
}

static gint64
default_duration (const Track *track)
{
  const WeirCodecConfig *config = track->config;
  gint64 ticks = 0;

  if (track->last_duration > 0)
    return track->last_duration;
  if (track->kind == WEIR_MEDIA_AUDIO && config->rate > 0)
    ticks = (gint64) config->samples_per_frame * track->timescale / config->rate;
  else if (track->kind == WEIR_MEDIA_VIDEO && config->frame_rate_n > 0)
    ticks = (gint64) config->frame_rate_d * track->timescale / config->frame_rate_n;
  if (ticks <= 0 || ticks > (gint64) track->timescale * 10)
    ticks = track->timescale / 25;
  return MAX (ticks, 1);
}

/* Whether it belongs behind a cut, or change, at @start_ns. Encoders give the keyframes of one
 * picture in several resolutions stamps that are rounded apart: they stay together. */
static gboolean
is_behind (const Track *track, const WeirSample *sample, gint64 start_ns)
{
  if (track->kind == WEIR_MEDIA_VIDEO && sample->keyframe)
    start_ns -= ROUNDING_NS;
  return sample->pts >= start_ns;
}

/* Whether all that a segment holds can be said to begin with a keyframe when its first chunk is
 * written. Of a second video track that is not known yet. */
static gboolean
is_independent (WeirSegmenter *self, const Segment *segment)
{
  guint videos = 0;

  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *track = get_track (self, i);

    videos += track->in_run && !track->ended && track->kind == WEIR_MEDIA_VIDEO;
  }
  return segment->independent && videos <= 1;
}

/* ---- target duration ---- */

static guint
round_target (gint64 duration_ns)
{
  gint64 seconds = (duration_ns - TARGET_SLACK_NS + SECOND_NS - 1) / SECOND_NS;

  return (guint) CLAMP (seconds, 1, G_MAXINT32);
}

/* the smallest multiple of the GOP that is at least the wanted duration; 0 when no GOP is known */
static gint64
planned_duration (WeirSegmenter *self)
{
  gint64 gop = self->settings.known_gop_ns > 0 ? self->settings.known_gop_ns : self->gop_ns;
  gint64 wanted = self->settings.segment_duration_ns;

  if (gop <= 0)
    return 0;
  return gop * MAX (1, (wanted - ROUNDING_NS + gop - 1) / gop);
}

/* a segment must not become longer than this */
static gint64
segment_limit (WeirSegmenter *self)
{
  gint64 planned;

  if (self->target_s != 0)
    return self->target_s * SECOND_NS + TARGET_SLACK_NS;
  planned = planned_duration (self);
  if (planned != 0)
    return MAX (round_target (planned), round_target (self->settings.segment_duration_ns)) *
               SECOND_NS +
           TARGET_SLACK_NS;
  return MAX (self->settings.target_wait_ns, self->settings.segment_duration_ns);
}

/* @duration_ns: what to take when no GOP is known */
static void
fix_target (WeirSegmenter *self, gint64 duration_ns)
{
  gint64 planned = planned_duration (self);

  if (self->target_s != 0)
    return;
  self->target_s = MAX (round_target (planned != 0 ? planned : duration_ns),
      round_target (self->settings.segment_duration_ns));
}

/* ---- chunks ---- */

/* the open chunk's payload; that of the pending sample stays */
static WeirBlocks *
take_payload (Track *track)
{
  WeirBlocks *payload = track->payload;

  track->payload = weir_blocks_split (payload, track->chunk_bytes);
  track->chunk_bytes = 0;
  return payload;
}

static GBytes *
write_header (WeirSegmenter *self, guint index, WeirFragmentStart start, WeirChunk *chunk)
{
  GArray *samples = get_track (self, index)->samples;
  g_autofree WeirFragmentSample *entries = g_new (WeirFragmentSample, samples->len);

  for (guint i = 0; i < samples->len; i++)
    entries[i] = g_array_index (samples, WeirChunkSample, i).entry;
  return weir_fragment_write_header (start, chunk->sequence, index + 1, chunk->decode_time, entries,
      samples->len, &chunk->styp_size);
}

static void
close_chunk (WeirSegmenter *self, guint index)
{
  Track *track = get_track (self, index);
  Segment *segment = track->segment;
  WeirSegmentTrackTotal *total;
  WeirFragmentStart start = WEIR_FRAGMENT_CHUNK;
  WeirChunk *chunk;

  if (track->samples->len == 0)
    return;

  if (!segment->has_styp)
    start = is_independent (self, segment) ? WEIR_FRAGMENT_SEGMENT
                                           : WEIR_FRAGMENT_SEGMENT_NOT_INDEPENDENT;
  segment->has_styp = TRUE;
  total = &g_array_index (segment->totals, WeirSegmentTrackTotal, index);

  chunk = g_new0 (WeirChunk, 1);
  chunk->track = index;
  chunk->segment = segment->number;
  chunk->part = total->parts;
  chunk->sequence = segment->sequence++;
  chunk->decode_time = (guint64) track->chunk_start;
  chunk->duration = (guint64) (track->end - track->chunk_start);
  chunk->independent = g_array_index (track->samples, WeirChunkSample, 0).entry.keyframe;
  chunk->sample_count = track->samples->len;
  chunk->header = write_header (self, index, start, chunk);
  chunk->size = g_bytes_get_size (chunk->header) + track->chunk_bytes;
  chunk->payload = take_payload (track);
  chunk->samples = track->samples;
  track->samples =
      g_array_sized_new (FALSE, FALSE, sizeof (WeirChunkSample), chunk->sample_count + 1);

  if (total->parts++ == 0)
    total->decode_time = chunk->decode_time;
  total->duration += chunk->duration;
  total->sample_count += chunk->sample_count;
  total->bytes += chunk->size;
  add_event (self, WEIR_SEGMENTER_CHUNK, segment)->chunk = chunk;
}

/* the newest sample's duration is known: it joins the open chunk of its segment */
static void
append_pending (WeirSegmenter *self, guint index, gint64 duration)
{
  Track *track = get_track (self, index);
  gint64 part = to_ticks (self->settings.part_duration_ns, track->timescale);
  WeirChunkSample sample = {
      .entry =
          {
              .size = (guint32) track->pending.size,
              .duration = (guint32) duration,
              .composition_offset = track->pending_offset,
              .keyframe = track->pending.keyframe,
          },
      .dts = track->pending.dts,
      .pts = track->pending.pts,
  };

  if (track->samples->len > 0 &&
      (track->pending_dts + duration - track->chunk_start > part ||
          track->end != track->pending_dts || track->samples->len >= CHUNK_SAMPLES_MAX ||
          track->chunk_bytes + track->pending.size > self->settings.part_bytes_max))
    close_chunk (self, index);
  if (track->samples->len == 0)
    track->chunk_start = track->pending_dts;
  g_array_append_val (track->samples, sample);
  track->chunk_bytes += track->pending.size;
  track->end = track->pending_dts + duration;
  track->last_duration = duration;
  track->has_pending = FALSE;

  /* when the next sample is as good as sure to cross the target, nothing is gained by waiting */
  if ((track->end - track->chunk_start) * 10 + duration * 9 > part * 10)
    close_chunk (self, index);
}

static void
flush_pending (WeirSegmenter *self, guint index)
{
  Track *track = get_track (self, index);

  if (track->has_pending)
    append_pending (self, index, default_duration (track));
}

/* ---- segments ---- */

static gint64
get_total_ns (WeirSegmenter *self, const Segment *segment, guint index)
{
  const Track *track = get_track (self, index);
  guint64 ticks = g_array_index (segment->totals, WeirSegmentTrackTotal, index).duration;

  return ticks > 0 ? to_ns ((gint64) ticks, track->timescale) : 0;
}

static void
close_segment (WeirSegmenter *self, Segment *segment)
{
  gint64 duration = 0, longest = 0;
  WeirSegmenterEvent *event;

  if (segment->successor_us != 0 && segment->reference_changed)
    duration = segment->successor_ns - segment->start_ns;
  if (duration <= 0)
    duration = get_total_ns (self, segment, segment->reference);
  if (segment->successor_us == 0 && segment->reference_changed) {
    /* the reference stopped on the way and others went on */
    for (guint i = 0; i < self->tracks->len; i++)
      longest = MAX (longest, get_total_ns (self, segment, i));
    if (longest > duration + TARGET_SLACK_NS)
      duration = longest;
  }
  if (duration <= 0 && segment->successor_us != 0)
    duration = segment->successor_ns - segment->start_ns;

  if (self->target_s == 0) {
    gint64 known = MAX (duration, self->settings.segment_duration_ns);
    fix_target (self, self->draining ? known : MAX (known, self->settings.target_wait_ns));
  }
  event = add_event (self, WEIR_SEGMENTER_CLOSE, segment);
  event->duration_ns = MAX (duration, 0);
  event->target_duration = self->target_s;
  event->totals = g_array_ref (segment->totals);
  segment_free (segment);
}

static void
open_segment (WeirSegmenter *self, gint64 start_ns, gint64 dts, gboolean independent,
    gboolean discontinuity, guint reference)
{
  Segment *segment = g_new0 (Segment, 1);

  segment->number = self->next_number++;
  segment->start_ns = start_ns;
  segment->cut_dts = dts;
  segment->independent = independent;
  segment->keyframe_due = !independent;
  segment->discontinuity = discontinuity;
  segment->init_generation = self->generation;
  segment->reference = reference;
  segment->sequence = self->next_sequence;
  segment->sequence_limit = G_MAXUINT32;
  segment->totals = g_array_new (FALSE, TRUE, sizeof (WeirSegmentTrackTotal));
  g_array_set_size (segment->totals, self->tracks->len);
  for (guint i = 0; i < self->tracks->len; i++)
    g_array_index (segment->totals, WeirSegmentTrackTotal, i).track = i;
  self->newest = segment;
  add_event (self, WEIR_SEGMENTER_OPEN, segment);
}

static void
move_track (WeirSegmenter *self, guint index)
{
  close_chunk (self, index);
  get_track (self, index)->segment = self->newest;
}

/* the older segment waits no longer for those tracks that are still in it */
static void
close_older (WeirSegmenter *self)
{
  gboolean bounded = FALSE;

  if (self->older == NULL)
    return;
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    if (!track->in_run || track->segment != self->older)
      continue;
    flush_pending (self, i);
    move_track (self, i);
    track->forced = TRUE;
    if (track->ended || track->absent)
      continue;
    bounded = TRUE;
    track->absent = track->quiet;
  }
  if (bounded)
    self->statistics.bounded_closes++;
  close_segment (self, g_steal_pointer (&self->older));
}

static void
close_older_when_passed (WeirSegmenter *self)
{
  if (self->older == NULL)
    return;
  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *track = get_track (self, i);

    if (track->in_run && track->segment == self->older && !track->ended && !track->absent)
      return;
  }
  close_older (self);
}

/* begins the next segment with @sample of @index, whose predecessor has been appended */
static void
cut (WeirSegmenter *self, guint index, const WeirSample *sample, gboolean independent)
{
  Segment *segment;
  /* a sample that goes back cuts when the segment is full: T still grows */
  gint64 start_ns = MAX (sample->pts, self->newest->start_ns + 1);
  guint waiting = 0;
  guint64 chunks;

  if (self->older != NULL && get_track (self, index)->segment == self->older)
    move_track (self, index);
  close_older (self);
  close_chunk (self, index);
  segment = self->older = self->newest;
  if (index != segment->reference)
    segment->reference_changed = TRUE;
  fix_target (self, MAX (self->settings.target_wait_ns, self->settings.segment_duration_ns));

  /* the numbers of what may still come for the older segment are set aside, so that they grow
   * through the objects, too, when these are read one after the other */
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    track->quiet = TRUE;
    if (i != index && track->in_run && (!track->ended || track->has_pending))
      waiting++;
  }
  get_track (self, index)->quiet = FALSE;
  chunks = (guint64) MAX (self->settings.late_wall_us, 0) * 1000 /
               (guint64) MAX (self->settings.part_duration_ns, SECOND_NS / 100) * 2 +
           4;
  segment->sequence_limit = segment->sequence;
  if (waiting > 0)
    segment->sequence_limit += waiting * (guint32) MIN (chunks, 1024) + self->tracks->len;
  self->next_sequence = segment->sequence_limit;

  segment->successor_ns = start_ns;
  segment->successor_us = MAX (self->now_us, 1);
  segment->successor_dts = sample->dts;
  if (!independent)
    self->statistics.forced_cuts++;
  open_segment (self, start_ns, sample->dts, independent, FALSE, index);
  get_track (self, index)->segment = self->newest;
}

/* ---- samples of a run ---- */

static gboolean
is_silent (WeirSegmenter *self, guint index, gint64 for_us)
{
  const Track *track = get_track (self, index);

  return track->ended || self->now_us - track->last_push_us >= for_us;
}

static gboolean
is_reference_silent (WeirSegmenter *self, gint64 for_us)
{
  return is_silent (self, self->reference, for_us);
}

static gboolean
cut_is_due (WeirSegmenter *self, guint index, const WeirSample *sample)
{
  const Segment *segment = self->newest;
  const Track *track = get_track (self, index);
  gint64 duration = to_ns (default_duration (track), track->timescale);

  if (segment->bytes + sample->size > self->settings.segment_bytes_max && segment->bytes > 0)
    return TRUE;
  if (sample->pts <= segment->start_ns)
    return FALSE;
  if (index == self->reference && sample->keyframe &&
      (segment->keyframe_due ||
          (index == segment->reference &&
              sample->pts - segment->start_ns >= self->settings.segment_duration_ns - ROUNDING_NS)))
    return TRUE;
  /* on decode times, as the segment's duration is; they are those of the sample that opened it */
  if (index == segment->reference)
    return sample->dts + duration - segment->cut_dts > segment_limit (self) + ROUNDING_NS;
  return sample->pts + duration - segment->start_ns > segment_limit (self) + ROUNDING_NS;
}

/* stamps may run as fast as they like, but segments cost files and entries */
static gboolean
may_cut_now (WeirSegmenter *self, const WeirSample *sample)
{
  return self->now_us == 0 ||
         self->newest->bytes + sample->size > self->settings.segment_bytes_max ||
         weir_token_bucket_take (&self->cuts, 1, self->now_us);
}

static void
take (WeirSegmenter *self, guint index, const WeirSample *sample, gboolean may_cut)
{
  Track *track = get_track (self, index);
  gint64 dts = to_ticks (sample->dts + self->origin_ns, track->timescale);
  gint64 pts = to_ticks (sample->pts + self->origin_ns, track->timescale);
  gint64 offset = pts - dts;

  if (!track->anchored) {
    gint64 first = MAX (pts, track->end);

    if (first > pts)
      self->statistics.moved_samples++;
    track->shift = first - dts;
    track->anchored = TRUE;
    dts = first;
    offset = pts - first;
  } else {
    gint64 least = track->has_pending ? track->pending_dts + 1 : track->end;
    gint64 bridge = track->kind == WEIR_MEDIA_VIDEO ? BRIDGE_VIDEO_NS : BRIDGE_NS;
    gint64 step = sample->dts - track->pending.dts;

    /* what was guessed when nothing came is not guessed again */
    if (track->kind == WEIR_MEDIA_VIDEO && !track->has_pending && step > 0 && step <= bridge)
      track->last_duration = MAX (to_ticks (step, track->timescale), 1);
    dts += track->shift;
    offset = pts - dts;
    if (dts < least) {
      self->statistics.moved_samples++;
      if (track->kind == WEIR_MEDIA_VIDEO)
        offset = pts - least;
      dts = least;
    } else if (!track->has_pending && dts - least <= to_ticks (bridge, track->timescale)) {
      /* its predecessor was given a guessed duration when nothing came: it begins where that
       * ends, and lasts until the next one comes, so that the decode times have no hole; a picture
       * is shown when it should be all the same */
      if (track->kind == WEIR_MEDIA_VIDEO)
        offset = pts - least;
      dts = least;
    }
  }

  if (track->has_pending) {
    if (dts - track->pending_dts > G_MAXINT32)
      flush_pending (self, index);
    else
      append_pending (self, index, dts - track->pending_dts);
  }

  if (may_cut && cut_is_due (self, index, sample) && may_cut_now (self, sample))
    cut (self, index, sample, sample->keyframe && index == self->reference);
  else if (self->older != NULL && track->segment == self->older &&
           (is_behind (track, sample, self->newest->start_ns) ||
               self->older->sequence + self->tracks->len >= self->older->sequence_limit))
    move_track (self, index);

  if (track->forced) {
    if (sample->pts < track->segment->start_ns)
      self->statistics.late_samples++;
    else
      track->forced = FALSE;
  }
  track->has_pending = TRUE;
  track->pending = *sample;
  weir_blocks_append (track->payload, sample->data, sample->size);
  release_sample (&track->pending);
  track->pending_dts = dts;
  track->pending_offset = (gint32) CLAMP (offset, G_MININT32, G_MAXINT32);
  track->segment->bytes += sample->size + ENTRY_SIZE;
  close_older_when_passed (self);
}

/* whether no cut can come any more that puts @pts behind it */
static gboolean
is_placed (WeirSegmenter *self, gint64 pts)
{
  if (pts < self->newest->start_ns || pts <= self->reference_dts)
    return TRUE;
  if (!self->newest->keyframe_due &&
      pts < self->newest->start_ns + self->settings.segment_duration_ns - ROUNDING_NS)
    return TRUE;
  return self->hold_bytes > self->settings.hold_bytes_max ||
         is_reference_silent (self, self->settings.late_wall_us);
}

static void
release_ahead (WeirSegmenter *self, gboolean all)
{
  while (TRUE) {
    WeirSample *first = NULL;
    guint index = 0;

    for (guint i = 0; i < self->tracks->len; i++) {
      WeirSample *sample = g_queue_peek_head (&get_track (self, i)->ahead);

      if (sample != NULL && (first == NULL || sample->dts < first->dts)) {
        first = sample;
        index = i;
      }
    }
    if (first == NULL)
      return;
    /* the first in decode order may be one of a video track that waits with its presentation */
    if (!all && !is_placed (self, first->pts))
      return;
    g_queue_pop_head (&get_track (self, index)->ahead);
    self->hold_bytes -= cost_of (first);
    take (self, index, first,
        all || is_reference_silent (self, self->settings.late_wall_us) ||
            self->hold_bytes + cost_of (first) > self->settings.hold_bytes_max);
    g_free (first);
  }
}

static void
set_reference (WeirSegmenter *self, guint index)
{
  if (self->reference == index)
    return;
  self->reference = index;
  self->has_keyframe_pts = FALSE;
  if (self->newest != NULL) {
    self->newest->reference_changed = TRUE;
    if (get_track (self, index)->kind == WEIR_MEDIA_VIDEO)
      self->newest->keyframe_due = TRUE;
  }
  if (self->older != NULL)
    self->older->reference_changed = TRUE;
}

/* a sample of the current run */
static void
feed (WeirSegmenter *self, guint index, const WeirSample *sample)
{
  Track *track = get_track (self, index);
  gint primary = choose_reference (self, FALSE);

  if (track->kind == WEIR_MEDIA_VIDEO && !track->anchored && !sample->keyframe) {
    drop_sample (self, sample);
    return;
  }
  track->quiet = FALSE;
  track->absent = FALSE;

  if (primary >= 0 && self->reference != (guint) primary) {
    const Track *reference = get_track (self, self->reference);

    if (index == (guint) primary && sample->keyframe)
      set_reference (self, index);
    else if (reference->ended)
      set_reference (self, (guint) primary);
  }
  if (index != self->reference && track->kind == WEIR_MEDIA_AUDIO &&
      get_track (self, self->reference)->kind == WEIR_MEDIA_VIDEO &&
      is_reference_silent (self, self->settings.reference_silent_us)) {
    set_reference (self, index);
  }

  if (index != self->reference) {
    g_queue_push_tail (&track->ahead, g_memdup2 (sample, sizeof *sample));
    self->hold_bytes += cost_of (sample);
    release_ahead (self, FALSE);
    return;
  }

  /* what was kept back of it while it was not the reference comes before */
  if (!g_queue_is_empty (&track->ahead))
    release_ahead (self, TRUE);
  if (sample->keyframe) {
    if (self->has_keyframe_pts && sample->pts > self->last_keyframe_pts)
      self->gop_ns = sample->pts - self->last_keyframe_pts;
    self->has_keyframe_pts = TRUE;
    self->last_keyframe_pts = sample->pts;
  }
  take (self, index, sample, TRUE);
  self->reference_dts = sample->dts;
  if (self->older != NULL &&
      sample->dts - self->older->successor_dts >= self->settings.late_media_ns)
    close_older (self);
  release_ahead (self, FALSE);
}

/* ---- runs ---- */

static void
finish_run (WeirSegmenter *self)
{
  if (!self->running)
    return;
  release_ahead (self, TRUE);
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    if (!track->in_run)
      continue;
    flush_pending (self, i);
    close_chunk (self, i);
  }
  if (self->older != NULL)
    close_segment (self, g_steal_pointer (&self->older));
  self->next_sequence = self->newest->sequence;
  close_segment (self, g_steal_pointer (&self->newest));
  for (guint i = 0; i < self->tracks->len; i++)
    get_track (self, i)->segment = NULL;
  self->running = FALSE;
}

static void
drop_held (WeirSegmenter *self, gint only_track)
{
  GQueue kept = G_QUEUE_INIT;
  Held *held;

  while ((held = g_queue_pop_head (&self->hold)) != NULL) {
    if (only_track >= 0 && held->track != (guint) only_track) {
      g_queue_push_tail (&kept, held);
      continue;
    }
    self->hold_bytes -= cost_of (&held->sample);
    get_track (self, held->track)->held = 0;
    drop_sample (self, &held->sample);
    g_free (held);
  }
  self->hold = kept;
}

/* takes over the configurations of the tracks for a new run; TRUE when they need a new init */
static gboolean
apply_configs (WeirSegmenter *self)
{
  gboolean changed = self->generation_configs == NULL;
  GPtrArray *configs = g_ptr_array_new_with_free_func (config_unref);

  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);
    const WeirCodecConfig *before = NULL;
    WeirCodecConfig *config = NULL;

    if (track->next_config != NULL) {
      g_clear_pointer (&track->config, weir_codec_config_unref);
      track->config = g_steal_pointer (&track->next_config);
    }
    track->was_in_run = track->in_run;
    track->in_run = takes_part (track);
    track->moved = FALSE;
    if (track->in_run) {
      config = weir_codec_config_ref (track->config);
      if (track->timescale != 0 && track->timescale != config->timescale)
        track->end = (gint64) (((__int128) track->end * config->timescale + track->timescale - 1) /
                               track->timescale);
      track->timescale = config->timescale;
      track->anchored = FALSE;
      track->last_duration = 0;
      track->absent = FALSE;
      track->forced = FALSE;
      track->quiet = TRUE;
    }
    g_ptr_array_add (configs, config);
    if (!changed) {
      if (i < self->generation_configs->len)
        before = g_ptr_array_index (self->generation_configs, i);
      changed = (before == NULL) != (config == NULL) ||
                (config != NULL && !weir_codec_config_equal (before, config));
    }
  }
  if (!changed) {
    g_ptr_array_unref (configs);
    return FALSE;
  }
  if (self->generation_configs != NULL) {
    g_ptr_array_unref (self->generation_configs);
    self->generation++;
  }
  self->generation_configs = configs;
  return TRUE;
}

static void
label_free (gpointer label)
{
  weir_track_label_free (label);
}

static void
add_init (WeirSegmenter *self)
{
  WeirSegmenterEvent *event = add_event (self, WEIR_SEGMENTER_INIT, NULL);

  event->init_generation = self->generation;
  event->tracks = g_ptr_array_ref (self->generation_configs);
  event->labels = g_ptr_array_new_with_free_func (label_free);
  for (guint i = 0; i < self->tracks->len; i++)
    g_ptr_array_add (event->labels, weir_track_label_copy (get_track (self, i)->label));
}

static void
start_run (WeirSegmenter *self, guint reference)
{
  gboolean was_running = self->running;
  gboolean new_init;
  gint64 start_ns = get_track (self, reference)->held_pts;
  gint64 start_dts = get_track (self, reference)->held_dts;
  GQueue held_samples;
  Held *held;

  weir_token_bucket_take (&self->runs, 1, self->now_us);
  finish_run (self);
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    track->unflagged = was_running && track->in_run && !track->moved && !track->ended;
  }
  new_init = apply_configs (self);
  if (!self->ever_ran) {
    gint64 least = 0;

    for (guint i = 0; i < self->tracks->len; i++) {
      const Track *track = get_track (self, i);

      if (track->in_run && track->held > 0)
        least = MIN (least, track->held_pts);
    }
    self->origin_ns = -least;
  }
  if (new_init)
    add_init (self);

  self->reference = reference;
  self->reference_dts = start_dts;
  self->has_keyframe_pts = FALSE;
  self->waiting = FALSE;
  self->run_started_us = self->now_us;
  open_segment (
      self, start_ns, start_dts, TRUE, self->ever_ran || self->settings.resumes, reference);
  self->ever_ran = TRUE;
  self->running = TRUE;
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    track->segment = track->in_run ? self->newest : NULL;
    track->held = 0;
  }
  /* the reference counts as heard from, or what was held of others would not wait for it */
  get_track (self, reference)->last_push_us = self->now_us;

  held_samples = self->hold;
  g_queue_init (&self->hold);
  while ((held = g_queue_pop_head (&held_samples)) != NULL) {
    const Track *track = get_track (self, held->track);
    /* a track that begins in mid-stream begins where the others are cut for it */
    gboolean early =
        was_running && !track->was_in_run && !is_behind (track, &held->sample, start_ns);

    self->hold_bytes -= cost_of (&held->sample);
    if (!track->in_run || early)
      drop_sample (self, &held->sample);
    else
      feed (self, held->track, &held->sample);
    g_free (held);
  }
}

static void
hold (WeirSegmenter *self, guint index, const WeirSample *sample)
{
  Track *track = get_track (self, index);
  Held *held;

  if (track->kind == WEIR_MEDIA_VIDEO && track->held == 0 && !sample->keyframe) {
    drop_sample (self, sample);
    return;
  }
  if (!self->waiting) {
    self->waiting = TRUE;
    self->waiting_since_us = self->now_us;
  }
  if (track->held++ == 0) {
    track->held_pts = sample->pts;
    track->held_dts = sample->dts;
  }
  track->held_last_dts = sample->dts;
  held = g_new (Held, 1);
  held->track = index;
  held->sample = *sample;
  g_queue_push_tail (&self->hold, held);
  self->hold_bytes += cost_of (sample);
}

static void
begin_change (WeirSegmenter *self, guint index)
{
  if (self->running && !self->waiting) {
    self->waiting = TRUE;
    self->waiting_since_us = self->now_us;
  }
  get_track (self, index)->moved = TRUE;
}

/* the next run's reference has its keyframe at @pts: other tracks' samples from there on belong
 * to that run, flagged or not */
static void
move_from (WeirSegmenter *self, gint64 pts)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);
    GList *link = track->ahead.head;

    if (!track->in_run || track->moved)
      continue;
    while (link != NULL && !is_behind (track, link->data, pts))
      link = link->next;
    if (link == NULL)
      continue;
    track->moved = TRUE;
    while (link != NULL) {
      GList *next = link->next;
      WeirSample *sample = link->data;

      g_queue_delete_link (&track->ahead, link);
      self->hold_bytes -= cost_of (sample);
      hold (self, i, sample);
      g_free (sample);
      link = next;
    }
  }
}

/* whoever changes its mind with every frame gets a run a second */
static gboolean
may_run_again (WeirSegmenter *self)
{
  if (!self->running || self->now_us == 0)
    return TRUE;
  weir_token_bucket_take (&self->runs, 0, self->now_us);
  return self->runs.tokens >= 1;
}

/* after a drain: whether what the next run's reference has waited for is there */
static gboolean
have_tracks_returned (WeirSegmenter *self, const Track *reference, gint64 waited)
{
  if (waited >= self->settings.late_wall_us ||
      reference->held_last_dts - reference->held_dts >= self->settings.late_media_ns)
    return TRUE;
  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *other = get_track (self, i);

    if (other->in_run && !other->ended && !other->absent && other->held == 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
may_start (WeirSegmenter *self, guint reference)
{
  const Track *track = get_track (self, reference);
  gint64 waited = self->now_us - self->waiting_since_us;

  if (!self->running && self->ever_ran)
    return have_tracks_returned (self, track, waited);
  if (!self->running) {
    if (waited >= self->settings.config_wait_us)
      return TRUE;
    for (guint i = 0; i < self->tracks->len; i++) {
      const Track *other = get_track (self, i);

      if (!other->ended && coming_config (other) == NULL)
        return FALSE;
    }
    return TRUE;
  }

  if (!may_run_again (self))
    return FALSE;
  if (waited >= self->settings.late_wall_us ||
      track->held_last_dts - track->held_dts >= self->settings.late_media_ns)
    return TRUE;
  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *other = get_track (self, i);

    if (other->in_run && !other->ended && !other->absent && !other->moved)
      return FALSE;
  }
  return TRUE;
}

/* whether the next run goes without the keyframe of its reference, of which there is nothing */
static gboolean
may_start_without (WeirSegmenter *self, guint reference)
{
  gint64 waited = self->now_us - self->waiting_since_us;

  if (!self->ever_ran)
    return waited >= self->settings.config_wait_us;
  return waited >= self->settings.late_wall_us &&
         is_silent (self, reference, self->settings.reference_silent_us);
}

static void
start_when_due (WeirSegmenter *self, gboolean force)
{
  gint reference;

  if (!self->waiting)
    return;
  reference = choose_reference (self, TRUE);
  force = force || self->hold_bytes > self->settings.hold_bytes_max;
  if (self->now_us - self->waiting_since_us >= self->settings.reference_silent_us)
    /* a reference that goes on in the old run decides when its next keyframe comes */
    force = force || !self->running || get_track (self, (guint) MAX (reference, 0))->moved ||
            is_reference_silent (self, self->settings.reference_silent_us);
  if (reference >= 0 && get_track (self, (guint) reference)->held > 0) {
    if (force || may_start (self, (guint) reference))
      start_run (self, (guint) reference);
    return;
  }
  if (!force && (reference < 0 || !may_start_without (self, (guint) reference)))
    return;

  /* without the reference's keyframe: whatever there is decides until that comes */
  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *track = get_track (self, i);

    if (track->held > 0 && takes_part (track)) {
      start_run (self, i);
      return;
    }
  }
  if (self->hold_bytes > self->settings.hold_bytes_max) {
    drop_held (self, -1);
    self->waiting = self->running;
    self->waiting_since_us = self->now_us;
  }
}

/* whether @sample is the first of its track in the next run */
static gboolean
moves_on (WeirSegmenter *self, guint index, const WeirSample *sample)
{
  const Track *track = get_track (self, index);
  gint reference = choose_reference (self, TRUE);

  if (!self->waiting || !track->in_run || reference < 0)
    return FALSE;
  if (index == (guint) reference) {
    if (!sample->keyframe)
      return FALSE;
    for (guint i = 0; i < self->tracks->len; i++) {
      const Track *other = get_track (self, i);

      if (other->moved && other->in_run && other->held > 0 &&
          sample->pts + CHANGE_SLACK_NS < other->held_pts)
        return FALSE;
    }
    return TRUE;
  }
  return get_track (self, (guint) reference)->held > 0 &&
         is_behind (track, sample, get_track (self, (guint) reference)->held_pts);
}

/* ---- public ---- */

void
weir_segmenter_settings_init (WeirSegmenterSettings *settings)
{
  *settings = (WeirSegmenterSettings){
      .segment_duration_ns = 2 * SECOND_NS,
      .part_duration_ns = SECOND_NS / 2,
      .target_wait_ns = 4 * SECOND_NS,
      .late_media_ns = SECOND_NS,
      .late_wall_us = 2 * G_USEC_PER_SEC,
      .reference_silent_us = 10 * G_USEC_PER_SEC,
      .config_wait_us = 2 * G_USEC_PER_SEC,
      .segment_bytes_max = 64 * 1024 * 1024,
      .runs_per_second = 1,
      .runs_burst = 8,
      .segments_per_second = 8,
      .segments_burst = 512,
      .part_bytes_max = 16 * 1024 * 1024,
      .hold_bytes_max = 16 * 1024 * 1024,
      .first_sequence = 1,
  };
}

WeirSegmenter *
weir_segmenter_new (const WeirSegmenterSettings *settings)
{
  WeirSegmenter *self = g_new0 (WeirSegmenter, 1);

  self->settings = *settings;
  weir_token_bucket_init (&self->cuts, settings->segments_per_second, settings->segments_burst, 0);
  weir_token_bucket_init (&self->runs, settings->runs_per_second, settings->runs_burst, 0);
  self->tracks = g_ptr_array_new_with_free_func (track_free);
  self->next_number = settings->first_number;
  self->next_sequence = MAX (settings->first_sequence, 1);
  self->generation = settings->first_generation;
  self->target_s = settings->first_target_s;
  return self;
}

void
weir_segmenter_free (WeirSegmenter *self)
{
  WeirSegmenterEvent *event;
  Held *held;

  if (self == NULL)
    return;
  while ((held = g_queue_pop_head (&self->hold)) != NULL) {
    release_sample (&held->sample);
    g_free (held);
  }
  while ((event = g_queue_pop_head (&self->events)) != NULL)
    weir_segmenter_event_free (event);
  g_clear_pointer (&self->older, segment_free);
  g_clear_pointer (&self->newest, segment_free);
  g_clear_pointer (&self->generation_configs, g_ptr_array_unref);
  g_ptr_array_unref (self->tracks);
  g_free (self);
}

guint
weir_segmenter_add_track (WeirSegmenter *self, WeirMediaKind kind)
{
  Track *track = g_new0 (Track, 1);

  track->kind = kind;
  track->samples = g_array_new (FALSE, FALSE, sizeof (WeirChunkSample));
  track->payload = weir_blocks_new ();
  g_queue_init (&track->ahead);
  g_ptr_array_add (self->tracks, track);

  /* totals of open segments cover every track */
  for (guint i = 0; i < 2; i++) {
    Segment *segment = i == 0 ? self->older : self->newest;

    if (segment != NULL) {
      g_array_set_size (segment->totals, self->tracks->len);
      g_array_index (segment->totals, WeirSegmentTrackTotal, self->tracks->len - 1).track =
          self->tracks->len - 1;
    }
  }
  return self->tracks->len - 1;
}

void
weir_segmenter_end_track (WeirSegmenter *self, guint index)
{
  Track *track = get_track (self, index);

  if (track->ended)
    return;
  /* what it has for the next run takes part in that as the track that it was */
  if (track->held > 0)
    start_when_due (self, TRUE);
  track->ended = TRUE;
  if (self->running && track->in_run) {
    gint next;

    if (self->reference == index) {
      next = choose_reference (self, FALSE);
      if (next >= 0)
        set_reference (self, (guint) next);
      release_ahead (self, TRUE);
    } else {
      release_ahead (self, FALSE);
    }
    if (g_queue_is_empty (&track->ahead)) {
      flush_pending (self, index);
      close_chunk (self, index);
    }
    close_older_when_passed (self);
  }
  start_when_due (self, FALSE);
}

void
weir_segmenter_set_config (WeirSegmenter *self, guint index, WeirCodecConfig *config)
{
  Track *track = get_track (self, index);
  WeirCodecConfig *current = coming_config (track);

  if (current != NULL && weir_codec_config_equal (current, config))
    return;
  if (track->held > 0 && current != NULL)
    drop_held (self, (gint) index);
  if (self->running) {
    g_clear_pointer (&track->next_config, weir_codec_config_unref);
    track->next_config = weir_codec_config_ref (config);
    begin_change (self, index);
    return;
  }
  g_clear_pointer (&track->next_config, weir_codec_config_unref);
  g_clear_pointer (&track->config, weir_codec_config_unref);
  track->config = weir_codec_config_ref (config);
}

void
weir_segmenter_set_label (
    WeirSegmenter *self, guint index, const gchar *label, const gchar *language)
{
  Track *track = get_track (self, index);

  weir_track_label_free (track->label);
  track->label = weir_track_label_new (label, language);
}

void
weir_segmenter_push (WeirSegmenter *self, guint index, const WeirSample *sample, gint64 now_us)
{
  Track *track = get_track (self, index);

  self->now_us = now_us;
  self->statistics.samples++;
  if (sample->size > G_MAXINT32 / 2) {
    drop_sample (self, sample);
    return;
  }
  track->ended = FALSE;

  if (coming_config (track) == NULL && (self->ever_ran || self->running)) {
    drop_sample (self, sample);
    return;
  }
  if (self->running) {
    if (!track->in_run && !track->moved)
      begin_change (self, index);
    if (sample->discontinuity && track->in_run && !track->moved) {
      if (track->unflagged && index != self->reference &&
          now_us - self->run_started_us <= SAME_CHANGE_US) {
        /* this flag belongs to the change that has already been made */
        release_ahead (self, TRUE);
        flush_pending (self, index);
        close_chunk (self, index);
        track->anchored = FALSE;
      } else {
        begin_change (self, index);
      }
      track->unflagged = FALSE;
    } else if (sample->discontinuity && track->moved && track->held > 0 && !may_run_again (self)) {
      /* a break again, before what follows the last one could begin a run */
      drop_held (self, (gint) index);
    } else if (sample->discontinuity && track->moved && track->held > 0) {
      start_when_due (self, TRUE);
      if (self->running && track->in_run && !track->moved && !self->waiting)
        begin_change (self, index);
    } else if (!track->moved && moves_on (self, index, sample)) {
      track->moved = TRUE;
    }
  }

  if (self->running && !track->moved) {
    track->last_push_us = now_us;
    feed (self, index, sample);
  } else {
    hold (self, index, sample);
    track->last_push_us = now_us;
    if (self->running && choose_reference (self, TRUE) == (gint) index && track->held > 0)
      move_from (self, track->held_pts);
  }
  weir_segmenter_advance (self, now_us);
}

void
weir_segmenter_advance (WeirSegmenter *self, gint64 now_us)
{
  self->now_us = now_us;
  if (self->running) {
    release_ahead (self, FALSE);
    for (guint i = 0; i < self->tracks->len; i++) {
      Track *track = get_track (self, i);

      if (track->has_pending && g_queue_is_empty (&track->ahead) &&
          (track->ended || now_us - track->last_push_us >= self->settings.late_wall_us)) {
        flush_pending (self, i);
        close_chunk (self, i);
      }
    }
    if (self->older != NULL && now_us - self->older->successor_us >= self->settings.late_wall_us)
      close_older (self);
  }
  start_when_due (self, FALSE);
}

gint64
weir_segmenter_get_deadline (WeirSegmenter *self)
{
  gint64 deadline = G_MAXINT64;

  if (self->running) {
    for (guint i = 0; i < self->tracks->len; i++) {
      const Track *track = get_track (self, i);

      if (track->has_pending && g_queue_is_empty ((GQueue *) &track->ahead))
        deadline = MIN (deadline, track->last_push_us + self->settings.late_wall_us);
      if (!g_queue_is_empty ((GQueue *) &track->ahead))
        deadline = MIN (deadline,
            get_track (self, self->reference)->last_push_us + self->settings.late_wall_us);
    }
    if (self->older != NULL)
      deadline = MIN (deadline, self->older->successor_us + self->settings.late_wall_us);
  }
  if (self->waiting) {
    gint64 short_wait = self->running ? self->settings.late_wall_us : self->settings.config_wait_us;
    gint64 due = self->waiting_since_us + short_wait;

    if (due <= self->now_us)
      due = self->waiting_since_us + self->settings.reference_silent_us;
    if (due > self->now_us)
      deadline = MIN (deadline, due);
  }
  return deadline;
}

void
weir_segmenter_drain (WeirSegmenter *self, gint64 now_us)
{
  self->now_us = now_us;
  self->draining = TRUE;
  if (self->waiting && !g_queue_is_empty (&self->hold))
    start_when_due (self, TRUE);
  finish_run (self);
  drop_held (self, -1);
  self->draining = FALSE;
  self->waiting = FALSE;
  for (guint i = 0; i < self->tracks->len; i++) {
    Track *track = get_track (self, i);

    track->moved = FALSE;
    if (track->next_config != NULL) {
      g_clear_pointer (&track->config, weir_codec_config_unref);
      track->config = g_steal_pointer (&track->next_config);
    }
  }
}

WeirSegmenterEvent *
weir_segmenter_pull (WeirSegmenter *self)
{
  return g_queue_pop_head (&self->events);
}

void
weir_segmenter_get_statistics (WeirSegmenter *self, WeirSegmenterStatistics *statistics)
{
  *statistics = self->statistics;
}

gsize
weir_segmenter_get_held (WeirSegmenter *self)
{
  gsize held = self->hold_bytes;

  for (guint i = 0; i < self->tracks->len; i++) {
    const Track *track = get_track (self, i);

    held += track->payload->size + track->samples->len * sizeof (WeirChunkSample);
  }
  return held;
}

gint64
weir_segmenter_get_gop (WeirSegmenter *self)
{
  return self->gop_ns;
}
