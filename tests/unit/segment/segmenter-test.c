/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "records.h"
#include "segment/box.h"
#include "segment/check.h"
#include "segment/init.h"
#include "segment/segmenter.h"

#define MS G_GINT64_CONSTANT (1000000)
#define S (1000 * MS)

/* what owns a sample that was pushed; the bytes follow */
typedef struct {
  gint *alive;
  gsize size;
} Payload;

/* the bytes of a sample: one NAL unit (of audio they mean nothing here), which, unless it is too
 * small, says which one it is */
#define ID_OFFSET 8
#define SAMPLE_SIZE_MIN (ID_OFFSET + sizeof (guint32))

typedef struct {
  guint track;
  guint64 segment;
  guint part;
  guint32 sequence;
  guint64 decode_time, duration;
  gboolean independent;
  guint samples;
  gint64 first_pts, last_pts; /* as pushed */
  gint64 presentation;        /* of the first sample, ticks, as written */
} Chunk;

typedef struct {
  guint64 number;
  guint generation;
  gboolean discontinuity, independent, closed;
  gint64 start, duration;
  guint target;
  GByteArray *object;
  WeirSegmentTrackTotal totals[4];
} Segment;

/* A segmenter, what came out of it, and what must always hold of that. */
typedef struct {
  WeirSegmenterSettings settings;
  WeirSegmenter *segmenter;
  WeirCodecConfig *video, *audio;
  guint tracks;
  gboolean hevc;    /* samples of the first track are such */
  GArray *chunks;   /* of Chunk */
  GArray *segments; /* of Segment */
  guint inits;
  gchar *labels; /* of the last init: "label/language " of each track */
  guint closed;
  gint alive;
  guint pushed, next_id[4], expected_id[4];
  guint64 end[4];
  guint64 segment_of_end[4];
  gboolean jumps_allowed;
  gint64 shown_tolerance; /* ticks */
  WeirCheck *check;
} Harness;

static void
clear_segment (gpointer data)
{
  g_clear_pointer (&((Segment *) data)->object, g_byte_array_unref);
}

static void
set_up (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  weir_segmenter_settings_init (&h->settings);
  h->video = test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
  h->audio = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
  h->chunks = g_array_new (FALSE, TRUE, sizeof (Chunk));
  h->segments = g_array_new (FALSE, TRUE, sizeof (Segment));
  g_array_set_clear_func (h->segments, clear_segment);
  h->shown_tolerance = 1;
}

static void
begin (Harness *h, gboolean video, gboolean audio)
{
  h->segmenter = weir_segmenter_new (&h->settings);
  h->check = weir_check_new ();
  if (video)
    weir_segmenter_set_config (
        h->segmenter, weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_VIDEO), h->video);
  if (audio)
    weir_segmenter_set_config (
        h->segmenter, weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_AUDIO), h->audio);
  h->tracks = (guint) video + (guint) audio;
}

/* the checker has seen every object, and finds nothing wrong */
static void
end (Harness *h)
{
  GPtrArray *faults = weir_check_get_faults (h->check);

  if (!h->jumps_allowed && faults->len > 0)
    g_error ("%s", (const gchar *) g_ptr_array_index (faults, 0));
  g_clear_pointer (&h->check, weir_check_free);
  g_clear_pointer (&h->segmenter, weir_segmenter_free);
  g_assert_cmpint (g_atomic_int_get (&h->alive), ==, 0);
}

static void
begin_again (Harness *h)
{
  end (h);
  h->pushed = h->closed = h->inits = 0;
  memset (h->next_id, 0, sizeof h->next_id);
  memset (h->expected_id, 0, sizeof h->expected_id);
  memset (h->end, 0, sizeof h->end);
  g_array_set_size (h->chunks, 0);
  g_array_set_size (h->segments, 0);
}

static void
tear_down (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  if (h->segmenter != NULL)
    end (h);
  weir_codec_config_unref (h->video);
  weir_codec_config_unref (h->audio);
  g_array_unref (h->chunks);
  g_array_unref (h->segments);
  g_free (h->labels);
}

static Segment *
segment_at (Harness *h, guint index)
{
  g_assert_cmpuint (index, <, h->segments->len);
  return &g_array_index (h->segments, Segment, index);
}

static void
release (gpointer owner)
{
  Payload *payload = owner;

  g_atomic_int_add (payload->alive, -1);
  memset (payload + 1, 0xff, payload->size);
  g_free (payload);
}

/* reads the header back: durations and presentation times as a player sees them */
static void
read_back (Harness *h, const WeirChunk *chunk, Chunk *seen)
{
  WeirReader reader, tfhd, trun;
  WeirBox moof, traf, box;
  guint32 flags, default_duration = 0, default_size = 0;
  guint64 time = chunk->decode_time;
  guint timescale = chunk->track == 0 && h->tracks > 1 ? 90000 : 0;
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk->header, &size);

  weir_reader_init (&reader, data, size);
  g_assert_true (weir_box_find (&reader, WEIR_BOX_TYPE ('m', 'o', 'o', 'f'), &moof));
  g_assert_true (weir_box_find (&moof.payload, WEIR_BOX_TYPE ('t', 'r', 'a', 'f'), &traf));
  g_assert_true (weir_box_find (&traf.payload, WEIR_BOX_TYPE ('t', 'f', 'h', 'd'), &box));
  tfhd = box.payload;
  flags = weir_reader_u32 (&tfhd);
  g_assert_cmpuint (weir_reader_u32 (&tfhd), ==, chunk->track + 1);
  if (flags & 8)
    default_duration = weir_reader_u32 (&tfhd);
  if (flags & 16)
    default_size = weir_reader_u32 (&tfhd);
  g_assert_true (weir_box_find (&traf.payload, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'), &box));
  trun = box.payload;
  flags = weir_reader_u32 (&trun);
  g_assert_cmpuint (weir_reader_u32 (&trun), ==, chunk->sample_count);
  weir_reader_skip (&trun, flags & 4 ? 8 : 4);
  for (guint i = 0; i < chunk->sample_count; i++) {
    const WeirChunkSample *sample = &g_array_index (chunk->samples, WeirChunkSample, i);
    guint32 duration = flags & 0x100 ? weir_reader_u32 (&trun) : default_duration;
    gint32 offset;

    g_assert_cmpuint (
        flags & 0x200 ? weir_reader_u32 (&trun) : default_size, ==, sample->entry.size);
    if (flags & 0x400)
      weir_reader_skip (&trun, 4);
    offset = flags & 0x800 ? (gint32) weir_reader_u32 (&trun) : 0;
    if (i == 0)
      seen->presentation = (gint64) time + offset;
    if (timescale != 0 && h->shown_tolerance >= 0) {
      gint64 wanted = sample->pts * timescale / S;

      g_assert_cmpint (ABS ((gint64) time + offset - wanted), <=, h->shown_tolerance);
    }
    g_assert_cmpuint (duration, >, 0);
    time += duration;
  }
  g_assert_false (trun.failed);
  g_assert_cmpuint (weir_reader_remaining (&trun), ==, 0);
  g_assert_cmpuint (time, ==, chunk->decode_time + chunk->duration);
}

static void
take_chunk (Harness *h, const WeirChunk *chunk)
{
  Segment *segment = NULL;
  Chunk seen = {chunk->track, chunk->segment, chunk->part, chunk->sequence, chunk->decode_time,
      chunk->duration, chunk->independent, chunk->sample_count};
  guint32 timescale = chunk->track == 0 && h->video != NULL ? 90000 : 48000;
  gsize payload_size = chunk->payload->size;
  /* a pointer even when there is nothing */
  g_autofree guint8 *content = g_malloc (MAX (payload_size, 1));
  const guint8 *payload = content;
  guint parts = 0;

  for (guint i = 0; i < h->segments->len; i++)
    if (segment_at (h, i)->number == chunk->segment)
      segment = segment_at (h, i);
  g_assert_nonnull (segment);
  g_assert_false (segment->closed);
  g_assert_cmpuint (chunk->sample_count, ==, chunk->samples->len);
  g_assert_cmpuint (chunk->sample_count, >, 0);
  weir_blocks_copy (chunk->payload, 0, payload_size, content);
  for (guint i = 0; i < chunk->samples->len; i++) {
    const WeirChunkSample *sample = &g_array_index (chunk->samples, WeirChunkSample, i);
    const guint8 *data = payload;
    guint32 id;

    if (i == 0)
      seen.first_pts = sample->pts;
    seen.last_pts = sample->pts;
    payload += sample->entry.size;
    if (sample->entry.size < SAMPLE_SIZE_MIN)
      continue;
    memcpy (&id, data + ID_OFFSET, sizeof id);
    g_assert_cmpuint (id >> 24, ==, chunk->track);
    id &= 0xffffff;
    /* once, in order; what was dropped leaves a hole that a test counts */
    g_assert_cmpuint (id, >=, h->expected_id[chunk->track]);
    h->expected_id[chunk->track] = id + 1;
  }
  g_byte_array_append (segment->object, g_bytes_get_data (chunk->header, NULL),
      (guint) g_bytes_get_size (chunk->header));
  g_byte_array_append (segment->object, content, (guint) payload_size);
  g_assert_true (payload == content + payload_size);
  g_assert_cmpuint (g_bytes_get_size (chunk->header) + payload_size, ==, chunk->size);
  for (guint i = 0; i < h->chunks->len; i++) {
    const Chunk *other = &g_array_index (h->chunks, Chunk, i);

    if (other->segment == chunk->segment) {
      g_assert_cmpuint (other->sequence, <, chunk->sequence);
      parts += other->track == chunk->track;
    } else {
      g_assert_true ((other->segment < chunk->segment) == (other->sequence < chunk->sequence));
    }
  }
  g_assert_cmpuint (parts, ==, chunk->part);
  g_assert_true ((chunk->styp_size > 0) == (segment->totals[3].parts == 0));
  segment->totals[3].parts++; /* a slot no test's track uses */

  if (chunk->sample_count > 1 && timescale == 90000)
    g_assert_cmpuint (chunk->duration, <=, (guint64) h->settings.part_duration_ns * 90 / 1000000);
  if (h->end[chunk->track] != 0) {
    g_assert_cmpuint (chunk->decode_time, >=, h->end[chunk->track]);
    if (!h->jumps_allowed && !segment->discontinuity)
      g_assert_cmpuint (chunk->decode_time, ==, h->end[chunk->track]);
  }
  h->end[chunk->track] = chunk->decode_time + chunk->duration;
  read_back (h, chunk, &seen);
  g_array_append_val (h->chunks, seen);
}

static void
take_close (Harness *h, const WeirSegmenterEvent *event)
{
  Segment *segment = segment_at (h, h->closed++);
  WeirSegmentTrackTotal sums[4] = {0};

  g_assert_cmpuint (segment->number, ==, event->segment);
  segment->closed = TRUE;
  segment->duration = event->duration_ns;
  segment->target = event->target_duration;
  g_assert_cmpuint (event->target_duration, ==, segment_at (h, 0)->target);
  for (guint i = 0; i < h->chunks->len; i++) {
    const Chunk *chunk = &g_array_index (h->chunks, Chunk, i);

    if (chunk->segment != event->segment)
      continue;
    if (sums[chunk->track].parts++ == 0)
      sums[chunk->track].decode_time = chunk->decode_time;
    sums[chunk->track].duration += chunk->duration;
    sums[chunk->track].sample_count += chunk->samples;
  }
  weir_check_segment (
      h->check, "segment", segment->object->data, segment->object->len, segment->discontinuity);
  g_assert_cmpuint (event->totals->len, ==, h->tracks);
  g_assert_cmpuint (sums[0].parts + sums[1].parts + sums[2].parts, >, 0);
  for (guint i = 0; i < event->totals->len; i++) {
    const WeirSegmentTrackTotal *total = &g_array_index (event->totals, WeirSegmentTrackTotal, i);

    g_assert_cmpuint (total->track, ==, i);
    g_assert_cmpuint (total->parts, ==, sums[i].parts);
    g_assert_cmpuint (total->duration, ==, sums[i].duration);
    g_assert_cmpuint (total->sample_count, ==, sums[i].sample_count);
    g_assert_cmpuint (total->decode_time, ==, sums[i].decode_time);
    segment->totals[i] = *total;
  }
}

static void
note_labels (Harness *h, const WeirSegmenterEvent *event)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_cmpuint (event->labels->len, ==, event->tracks->len);
  for (guint i = 0; i < event->labels->len; i++) {
    const WeirTrackLabel *label = g_ptr_array_index (event->labels, i);

    g_string_append_printf (text, "%s/%s ", label != NULL && label->label ? label->label : "",
        label != NULL && label->language ? label->language : "");
  }
  g_free (h->labels);
  h->labels = g_strdup (text->str);
}

static void
pull (Harness *h)
{
  while (TRUE) {
    g_autoptr (WeirSegmenterEvent) event = weir_segmenter_pull (h->segmenter);
    g_autoptr (GBytes) init = NULL;
    Segment segment = {0};

    if (event == NULL)
      break;
    switch (event->type) {
    case WEIR_SEGMENTER_INIT:
      g_assert_cmpuint (event->init_generation, ==, h->settings.first_generation + h->inits++);
      note_labels (h, event);
      init = weir_init_segment_write (
          (WeirCodecConfig *const *) event->tracks->pdata, event->tracks->len, -1);
      weir_check_init_segment (
          h->check, "init", g_bytes_get_data (init, NULL), g_bytes_get_size (init));
      break;
    case WEIR_SEGMENTER_OPEN:
      segment.number = event->segment;
      segment.generation = event->init_generation;
      segment.discontinuity = event->discontinuity;
      segment.independent = event->independent;
      segment.object = g_byte_array_new ();
      segment.start = event->start_ns;
      g_assert_cmpuint (segment.number, ==, h->settings.first_number + h->segments->len);
      g_assert_cmpuint (segment.generation, ==, h->settings.first_generation + h->inits - 1);
      g_array_append_val (h->segments, segment);
      g_assert_cmpuint (h->segments->len - h->closed, <=, 2);
      break;
    case WEIR_SEGMENTER_CHUNK:
      take_chunk (h, event->chunk);
      break;
    case WEIR_SEGMENTER_CLOSE:
      take_close (h, event);
      break;
    default:
      g_assert_not_reached ();
    }
  }
}

static void
push_sized (Harness *h, guint track, gint64 dts, gint64 pts, gboolean keyframe,
    gboolean discontinuity, gint64 now_us, gsize size)
{
  Payload *payload = g_malloc0 (sizeof *payload + MAX (size, SAMPLE_SIZE_MIN));
  guint8 *bytes = (guint8 *) (payload + 1);
  WeirSample sample = {dts, pts, keyframe, discontinuity, bytes, size, payload, release};
  guint32 id = track << 24 | h->next_id[track]++;

  *payload = (Payload){&h->alive, size};
  bytes[2] = (guint8) ((size - 4) >> 8);
  bytes[3] = (guint8) (size - 4);
  bytes[4] = keyframe ? 0x65 : 0x41;
  if (h->hevc && track == 0) {
    bytes[4] = keyframe ? 19 << 1 : 1 << 1; /* IDR_W_RADL, TRAIL_R */
    bytes[5] = 1;
  }
  memcpy (bytes + ID_OFFSET, &id, sizeof id);
  g_atomic_int_inc (&h->alive);
  h->pushed++;
  weir_segmenter_push (h->segmenter, track, &sample, now_us);
  pull (h);
}

static void
push (Harness *h, guint track, gint64 dts, gint64 pts, gboolean keyframe, gint64 now_us)
{
  push_sized (h, track, dts, pts, keyframe, FALSE, now_us, 100 + (h->pushed * 37) % 400);
}

typedef struct {
  gint64 from, to; /* decode time, ns; of the rest zero means: as usual */
  guint fps_n, fps_d;
  guint gop;             /* frames */
  guint rate;            /* of audio */
  gint64 audio_delay;    /* it arrives so much later */
  gboolean milliseconds; /* stamps rounded to them */
  gboolean no_video, no_audio;
  gboolean flag_video, flag_audio; /* the first sample is flagged */
} Media;

static gint64
stamp (const Media *media, gint64 ns)
{
  return media->milliseconds ? (ns + MS / 2) / MS * MS : ns;
}

/* arrival is the decode time */
static void
play (Harness *h, const Media *wanted)
{
  Media usual = *wanted;
  const Media *media = &usual;
  gint64 video = 0, audio = 0;
  guint n = 0, m = 0;

  usual.fps_n = usual.fps_n == 0 ? 25 : usual.fps_n;
  usual.fps_d = usual.fps_d == 0 ? 1 : usual.fps_d;
  usual.gop = usual.gop == 0 ? 50 : usual.gop;
  usual.rate = usual.rate == 0 ? 48000 : usual.rate;
  while (TRUE) {
    video = media->from + (gint64) n * S * media->fps_d / media->fps_n;
    audio = media->from + (gint64) m * S * 1024 / media->rate;
    if (!media->no_video && video < media->to &&
        (media->no_audio || audio >= media->to || video <= audio + media->audio_delay)) {
      push_sized (h, 0, stamp (media, video), stamp (media, video), n % media->gop == 0,
          media->flag_video && n == 0, video / 1000, 100 + n % 77);
      n++;
    } else if (!media->no_audio && audio < media->to) {
      push_sized (h, h->tracks - 1, stamp (media, audio), stamp (media, audio), TRUE,
          media->flag_audio && m == 0, (audio + media->audio_delay) / 1000, 20 + m % 9);
      m++;
    } else {
      break;
    }
  }
}

#define MEDIA(...) \
  &(Media)         \
  {                \
    __VA_ARGS__    \
  }

static void
drain (Harness *h, gint64 now_us)
{
  weir_segmenter_drain (h->segmenter, now_us);
  pull (h);
  g_assert_cmpuint (h->closed, ==, h->segments->len);
}

static WeirSegmenterStatistics
statistics (Harness *h)
{
  WeirSegmenterStatistics result;

  weir_segmenter_get_statistics (h->segmenter, &result);
  return result;
}

/* every sample that was pushed has come out */
static void
check_all_out (Harness *h)
{
  guint out = 0;

  for (guint i = 0; i < h->chunks->len; i++)
    out += g_array_index (h->chunks, Chunk, i).samples;
  g_assert_cmpuint (statistics (h).dropped_samples, ==, 0);
  g_assert_cmpuint (out, ==, h->pushed);
  g_assert_cmpint (h->alive, ==, 0);
}

/* every chunk of @track lies on its side of the cuts */
static void
check_sides (Harness *h, guint track)
{
  for (guint i = 0; i < h->chunks->len; i++) {
    const Chunk *chunk = &g_array_index (h->chunks, Chunk, i);
    guint index = (guint) (chunk->segment - h->settings.first_number);

    if (chunk->track != track)
      continue;
    if (index > 0)
      g_assert_cmpint (chunk->first_pts, >=, segment_at (h, index)->start);
    if (index + 1 < h->segments->len)
      g_assert_cmpint (chunk->last_pts, <, segment_at (h, index + 1)->start);
  }
}

static void
segments_begin_at_keyframes_and_all_tracks_are_cut_there (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.first_number = 7;
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 10 * S));
  drain (h, 10 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 5);
  for (guint i = 0; i < 5; i++) {
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    g_assert_cmpint (segment_at (h, i)->duration, ==, 2 * S);
    g_assert_true (segment_at (h, i)->independent);
    g_assert_false (segment_at (h, i)->discontinuity);
    g_assert_cmpuint (segment_at (h, i)->target, ==, 2);
  }
  check_sides (h, 1);
  check_all_out (h);
  g_assert_cmpuint (h->inits, ==, 1);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 0);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 0);
  g_assert_cmpint (weir_segmenter_get_gop (h->segmenter), ==, 2 * S);
}

static void
short_gops_are_gathered_to_the_segment_duration (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 9 * S, .gop = 19)); /* 0.76 s: three make 2.28 s */
  drain (h, 9 * S / 1000);
  g_assert_cmpint (segment_at (h, 1)->start, ==, 2280 * MS);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 3);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 0);
  check_all_out (h);
}

static void
audio_800_ms_late_at_a_cut_is_in_its_right_segment (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 8 * S, .audio_delay = 800 * MS));
  drain (h, 9 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 4);
  check_sides (h, 1);
  check_all_out (h);
  g_assert_cmpuint (statistics (h).late_samples, ==, 0);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 0);
}

static void
audio_that_is_ahead_of_a_cut_is_in_its_right_segment (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 8 * S, .audio_delay = -700 * MS));
  drain (h, 9 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 4);
  check_sides (h, 1);
  check_all_out (h);
}

static void
audio_that_is_later_than_the_bound_goes_into_the_next_segment (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 8 * S, .audio_delay = 1300 * MS));
  drain (h, 10 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 4);
  check_all_out (h);
  g_assert_cmpuint (statistics (h).late_samples, >, 3 * 10);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 3);
}

static void
audio_that_stops_closes_after_the_bounded_wait_of_media (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 1000 * MS));
  for (guint i = 25; i < 75; i++)
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, 1);
  g_assert_cmpuint (h->closed, ==, 0);
  push (h, 0, 3 * S, 3 * S, FALSE, 1);
  g_assert_cmpuint (h->closed, ==, 1);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 1);
  /* known to be away now: not waited for at the next cut */
  for (guint i = 76; i <= 100; i++)
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, 1);
  g_assert_cmpuint (h->closed, ==, 2);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 1);
  g_assert_cmpuint (segment_at (h, 1)->totals[1].parts, ==, 0);
  drain (h, 2);
  check_all_out (h);
}

static void
audio_that_stops_closes_after_the_bounded_wait_of_the_clock (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  gint64 deadline;

  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 1000 * MS));
  for (guint i = 25; i <= 50; i++)
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, i * 40000);
  g_assert_cmpuint (h->segments->len, ==, 2);
  while ((deadline = weir_segmenter_get_deadline (h->segmenter)) < 4000000) {
    weir_segmenter_advance (h->segmenter, deadline);
    pull (h);
    g_assert_cmpuint (h->closed, ==, 0);
  }
  g_assert_cmpint (deadline, ==, 4000000);
  weir_segmenter_advance (h->segmenter, deadline);
  pull (h);
  g_assert_cmpuint (h->closed, ==, 1);
  drain (h, deadline);
  check_all_out (h);
}

static void
b_frames_are_cut_by_presentation_time (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    gint decode, shown;
    gboolean keyframe;
  } frames[] = {{0, 2, TRUE}, {1, 5, FALSE}, {2, 3, FALSE}, {3, 4, FALSE}, {4, 8, FALSE},
      {5, 6, FALSE}, {6, 7, FALSE}};

  h->settings.segment_duration_ns = 280 * MS;
  begin (h, TRUE, TRUE);
  for (guint gop = 0; gop < 10; gop++) {
    for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
      gint64 base = (gint64) gop * 280 * MS;

      push (h, 0, base + frames[i].decode * 40 * MS, base + frames[i].shown * 40 * MS,
          frames[i].keyframe, base / 1000);
    }
    for (guint i = 0; i < 14; i++)
      push (h, 1, gop * 280 * MS + i * 20 * MS, gop * 280 * MS + i * 20 * MS, TRUE, gop * 280000);
  }
  drain (h, 3000000);
  g_assert_cmpuint (h->segments->len, ==, 10);
  /* the keyframe's presentation time, and decode times moved so that the first one equals it */
  g_assert_cmpint (segment_at (h, 3)->start, ==, 3 * 280 * MS + 80 * MS);
  g_assert_cmpuint (segment_at (h, 3)->totals[0].decode_time, ==, (3 * 280 + 80) * 90);
  check_sides (h, 1);
  check_all_out (h);
}

static void
the_first_presentation_time_equals_its_decode_time (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  const Chunk *first;

  begin (h, TRUE, FALSE);
  push (h, 0, -80 * MS, 33 * MS, TRUE, 0);
  push (h, 0, -40 * MS, 113 * MS, FALSE, 0);
  push (h, 0, 0, 73 * MS, FALSE, 0);
  drain (h, 0);
  first = &g_array_index (h->chunks, Chunk, 0);
  g_assert_cmpuint (first->decode_time, ==, 33 * 90);
  g_assert_cmpint (first->presentation, ==, 33 * 90);
  g_assert_cmpuint (segment_at (h, 0)->totals[0].duration, ==, 120 * 90);
}

static void
a_timeline_that_begins_below_zero_is_moved_to_zero (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->shown_tolerance = -1;
  begin (h, TRUE, TRUE);
  push (h, 1, -100 * MS, -100 * MS, TRUE, 0);
  push (h, 0, -40 * MS, -40 * MS, TRUE, 0);
  push (h, 0, 0, 0, FALSE, 0);
  drain (h, 0);
  g_assert_cmpuint (segment_at (h, 0)->totals[1].decode_time, ==, 0);
  g_assert_cmpuint (segment_at (h, 0)->totals[0].decode_time, ==, 60 * 90);
  g_assert_cmpuint (statistics (h).moved_samples, ==, 0);
}

static void
no_keyframe_for_25_s (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 4 * S));
  play (h, MEDIA (.from = 4 * S, .to = 29 * S, .gop = 1000));
  play (h, MEDIA (.from = 29 * S, .to = 31 * S));
  drain (h, 31 * S / 1000);
  for (guint i = 0; i < h->segments->len; i++)
    g_assert_cmpint (segment_at (h, i)->duration, <=, 2250 * MS);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 2);
  g_assert_true (segment_at (h, 2)->independent);
  g_assert_false (segment_at (h, 3)->independent);
  g_assert_cmpint (segment_at (h, 3)->start, ==, 6240 * MS);
  g_assert_cmpint (segment_at (h, h->segments->len - 1)->start, ==, 29 * S);
  g_assert_true (segment_at (h, h->segments->len - 1)->independent);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 11);
  check_sides (h, 1);
  check_all_out (h);
}

static void
gop_10_s_unknown_is_cut_at_4_s (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 21 * S, .gop = 250));
  drain (h, 21 * S / 1000);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 4);
  g_assert_cmpint (segment_at (h, 1)->start, ==, 4 * S);
  g_assert_false (segment_at (h, 1)->independent);
  g_assert_cmpint (segment_at (h, 2)->start, ==, 8240 * MS);
  g_assert_cmpint (segment_at (h, 3)->start, ==, 10 * S);
  g_assert_true (segment_at (h, 3)->independent);
  check_all_out (h);
}

static void
known_gop_10_s (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.known_gop_ns = 10 * S;
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 30 * S, .gop = 250));
  drain (h, 30 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 3);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 10);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 0);
  check_all_out (h);
}

static void
audio_only (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_clear_pointer (&h->video, weir_codec_config_unref);
  begin (h, FALSE, TRUE);
  play (h, MEDIA (.to = 10 * S, .no_video = TRUE));
  drain (h, 10 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 5);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 2);
  g_assert_cmpint (segment_at (h, 0)->duration, >=, 1999 * MS);
  g_assert_cmpint (segment_at (h, 0)->duration, <=, 2022 * MS);
  check_all_out (h);
  h->video = test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
}

static void
video_only (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, FALSE);
  play (h, MEDIA (.to = 10 * S, .no_audio = TRUE));
  drain (h, 10 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 5);
  /* nobody is waited for, so that no sequence numbers are set aside */
  g_assert_cmpuint (
      g_array_index (h->chunks, Chunk, h->chunks->len - 1).sequence, ==, h->chunks->len);
  check_all_out (h);
}

static void
video_silent_then_returns (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  guint before;

  h->jumps_allowed = TRUE;
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 5 * S));
  play (h, MEDIA (.from = 5 * S, .to = 20 * S, .no_video = TRUE));
  before = h->segments->len;
  g_assert_cmpuint (before, >=, 8);
  g_assert_true (segment_at (h, before - 1)->independent);
  play (h, MEDIA (.from = 20 * S, .to = 24 * S));
  drain (h, 24 * S / 1000);
  for (guint i = 0; i < h->segments->len; i++) {
    g_assert_cmpint (segment_at (h, i)->duration, <=, 2300 * MS);
    g_assert_false (segment_at (h, i)->discontinuity);
    if (segment_at (h, i)->start == 20 * S)
      before = i;
  }
  g_assert_cmpint (segment_at (h, before)->start, ==, 20 * S);
  g_assert_true (segment_at (h, before)->independent);
  g_assert_cmpuint (segment_at (h, before)->totals[0].decode_time, ==, 20 * 90000);
  check_all_out (h);
}

static void
durations_sum_to_the_next_decode_time (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  static const guint rates[][2] = {{25, 1}, {30000, 1001}, {60, 1}};
  g_autoptr (WeirCodecConfig) mono = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_44100_MONO_NO_SBR);

  /* the harness asserts it at every chunk; here come the stamps that make it hard */
  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    for (guint j = 0; j < 2; j++) {
      begin (h, TRUE, TRUE);
      if (j == 0)
        weir_segmenter_set_config (h->segmenter, 1, mono);
      play (h, MEDIA (.to = 20 * S, .fps_n = rates[i][0], .fps_d = rates[i][1],
                   .gop = (rates[i][0] / rates[i][1] + 1) * 2, .milliseconds = TRUE,
                   .rate = j == 0 ? 44100 : 48000));
      drain (h, 20 * S / 1000);
      check_all_out (h);
      check_sides (h, 1);
      g_assert_cmpuint (statistics (h).moved_samples, ==, 0);
      begin_again (h);
    }
  }
}

static void
decode_times_never_go_back_whatever_the_stamps (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->jumps_allowed = TRUE;
  h->shown_tolerance = -1;
  for (guint round = 0; round < 300; round++) {
    g_autoptr (GRand) random = g_rand_new_with_seed (round);
    gint64 at[2] = {0, 0}, now = 0;
    guint out = 0;

    h->settings.hold_bytes_max = 1 << g_rand_int_range (random, 8, 20);
    h->settings.segment_bytes_max = 1 << g_rand_int_range (random, 10, 20);
    begin (h, TRUE, TRUE);
    for (guint i = 0; i < 400; i++) {
      guint track = (guint) g_rand_int_range (random, 0, 2);

      at[track] += g_rand_int_range (random, 0, 60) * MS;
      if (g_rand_int_range (random, 0, 40) == 0)
        at[track] += (gint64) g_rand_int_range (random, -3000, 12000) * MS;
      now += g_rand_int_range (random, 0, 60) * 1000;
      if (g_rand_int_range (random, 0, 100) == 0)
        now += g_rand_int_range (random, 0, 15000) * 1000;
      push_sized (h, track, at[track],
          at[track] + (track == 0 ? g_rand_int_range (random, -100, 200) * MS : 0),
          track == 1 || g_rand_int_range (random, 0, 20) == 0,
          g_rand_int_range (random, 0, 50) == 0, now, (gsize) g_rand_int_range (random, 0, 500));
      if (g_rand_int_range (random, 0, 200) == 0) {
        weir_segmenter_drain (h->segmenter, now);
        pull (h);
      }
      if (g_rand_int_range (random, 0, 200) == 0)
        weir_segmenter_end_track (h->segmenter, track);
      weir_segmenter_advance (h->segmenter, now);
      pull (h);
    }
    drain (h, now);
    for (guint i = 0; i < h->chunks->len; i++)
      out += g_array_index (h->chunks, Chunk, i).samples;
    g_assert_cmpuint (out + statistics (h).dropped_samples, ==, h->pushed);
    g_assert_cmpuint (statistics (h).samples, ==, h->pushed);
    g_assert_cmpint (h->alive, ==, 0);
    begin_again (h);
  }
}

static void
a_late_track_begins_at_the_next_keyframe (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, FALSE);
  play (h, MEDIA (.to = 3 * S, .no_audio = TRUE));
  g_assert_cmpuint (weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_AUDIO), ==, 1);
  h->tracks = 2;
  weir_segmenter_set_config (h->segmenter, 1, h->audio);
  for (guint i = 75; i < 200; i++) {
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, i * 40000);
    push (h, 1, i * 40 * MS, i * 40 * MS, TRUE, i * 40000);
    push (h, 1, i * 40 * MS + 20 * MS, i * 40 * MS + 20 * MS, TRUE, i * 40000);
  }
  drain (h, 8000000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpuint (h->segments->len, ==, 4);
  g_assert_cmpint (segment_at (h, 2)->start, ==, 4 * S);
  g_assert_true (segment_at (h, 2)->discontinuity);
  g_assert_cmpuint (segment_at (h, 2)->generation, ==, 1);
  g_assert_cmpuint (segment_at (h, 2)->totals[1].decode_time, ==, 4 * 48000);
  g_assert_false (segment_at (h, 3)->discontinuity);
}

static void
a_label_is_used_from_the_next_init_on_and_begins_none (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);

  begin (h, TRUE, TRUE);
  weir_segmenter_set_label (h->segmenter, 1, "Commentary", "eng");
  play (h, MEDIA (.to = 5 * S));
  g_assert_cmpstr (h->labels, ==, "/ Commentary/en ");
  weir_segmenter_set_label (h->segmenter, 0, "Stage", NULL);
  weir_segmenter_set_label (h->segmenter, 1, NULL, "fr");
  play (h, MEDIA (.from = 5 * S, .to = 9 * S));
  g_assert_cmpuint (h->inits, ==, 1);
  weir_segmenter_set_config (h->segmenter, 0, other);
  play (h, MEDIA (.from = 9 * S, .to = 12 * S));
  drain (h, 12 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpstr (h->labels, ==, "Stage/ /fr ");
  check_all_out (h);
}

static void
a_changed_configuration_begins_at_its_keyframe (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);

  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 5 * S));
  weir_segmenter_set_config (h->segmenter, 0, h->video); /* repeated: nothing */
  weir_segmenter_set_config (h->segmenter, 0, other);
  play (h, MEDIA (.from = 5 * S, .to = 9 * S, .flag_video = TRUE));
  drain (h, 9 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpint (segment_at (h, 3)->start, ==, 5 * S);
  g_assert_true (segment_at (h, 3)->discontinuity);
  g_assert_true (segment_at (h, 3)->independent);
  for (guint i = 4; i < h->segments->len; i++)
    g_assert_false (segment_at (h, i)->discontinuity);
  check_sides (h, 1);
  check_all_out (h);
}

/* ---- several video tracks, and tracks that come, change and go ---- */

static guint
add_video (Harness *h, WeirCodecConfig *config)
{
  guint track = weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_VIDEO);

  weir_segmenter_set_config (h->segmenter, track, config);
  h->tracks = track + 1;
  return track;
}

static guint
add_audio (Harness *h)
{
  guint track = weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_AUDIO);

  weir_segmenter_set_config (h->segmenter, track, h->audio);
  h->tracks = track + 1;
  return track;
}

typedef struct {
  guint track;
  guint gop;      /* frames; 0: audio, 50 a second */
  gint64 from;    /* the first sample that comes */
  gint64 to;      /* 0: to the end */
  gint64 advance; /* its stamps are so much earlier */
} Source;

/* 25 frames a second of each source that has some, in the order of time */
static void
play_sources (Harness *h, const Source *sources, guint n_sources, gint64 from, gint64 to)
{
  for (gint64 time = from; time < to; time += 20 * MS) {
    for (guint i = 0; i < n_sources; i++) {
      const Source *source = &sources[i];
      gint64 frame = time / (40 * MS), at = time - source->advance;

      if (time < source->from || (source->to != 0 && time >= source->to) ||
          (source->gop != 0 && time % (40 * MS) != 0))
        continue;
      push (h, source->track, at, at, source->gop == 0 || frame % source->gop == 0, time / 1000);
    }
  }
}

/* Returns: whether what segment @index holds of @track begins with a keyframe */
static gboolean
begins_with_keyframe (Harness *h, guint index, guint track)
{
  for (guint i = 0; i < h->chunks->len; i++) {
    const Chunk *chunk = &g_array_index (h->chunks, Chunk, i);

    if (chunk->segment == segment_at (h, index)->number && chunk->track == track)
      return chunk->independent;
  }
  g_assert_not_reached ();
}

static guint
count_discontinuities (Harness *h)
{
  guint flagged = 0;

  for (guint i = 0; i < h->segments->len; i++)
    flagged += segment_at (h, i)->discontinuity;
  return flagged;
}

static const gchar *
brand_of (Harness *h, guint index)
{
  return (const gchar *) segment_at (h, index)->object->data + 8;
}

static void
a_video_track_with_other_keyframes_is_cut_by_presentation_time (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1, .gop = 75}, {.track = 2}};

  begin (h, TRUE, FALSE);
  add_video (h, other);
  add_audio (h);
  play_sources (h, sources, 3, 0, 14 * S);
  drain (h, 14 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 7);
  g_assert_cmpuint (h->inits, ==, 1);
  for (guint i = 0; i < 7; i++) {
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    g_assert_true (segment_at (h, i)->independent);
    g_assert_true (begins_with_keyframe (h, i, 0));
    g_assert_true (begins_with_keyframe (h, i, 2));
    /* every six seconds both have one */
    g_assert_cmpint (begins_with_keyframe (h, i, 1), ==, i % 3 == 0);
    g_assert_cmpuint (segment_at (h, i)->totals[1].sample_count, ==, 50);
    g_assert_true (memcmp (brand_of (h, i), "cmfl", 4) == 0);
  }
  check_sides (h, 1);
  check_sides (h, 2);
  check_all_out (h);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 0);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 0);
}

static void
keyframes_that_rounding_has_parted_stay_together (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  g_autoptr (WeirCodecConfig) third = test_config (WEIR_CODEC_AVC, RECORD_HIGH_1080I25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1, .gop = 50, .advance = MS}};

  begin (h, TRUE, FALSE);
  add_video (h, other);
  play_sources (h, sources, 2, 0, 6 * S);
  /* … in a new run, too */
  weir_segmenter_set_config (h->segmenter, 0, third);
  play_sources (h, sources, 2, 6 * S, 12 * S);
  drain (h, 12 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 6);
  for (guint i = 0; i < 6; i++) {
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    g_assert_true (begins_with_keyframe (h, i, 1));
    g_assert_cmpuint (segment_at (h, i)->totals[1].sample_count, ==, 50);
  }
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  g_assert_true (segment_at (h, 3)->discontinuity);
  check_all_out (h);
}

static void
another_codec_on_the_same_track_is_one_discontinuity (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) hevc = test_config (WEIR_CODEC_HEVC, RECORD_HEVC_MAIN_180P25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1}};
  guint32 sequence = 0;

  begin (h, TRUE, TRUE);
  play_sources (h, sources, 2, 0, 6 * S);
  weir_segmenter_set_config (h->segmenter, 0, hevc);
  h->hevc = TRUE;
  play_sources (h, sources, 2, 6 * S, 12 * S);
  drain (h, 12 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpuint (h->segments->len, ==, 6);
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  for (guint i = 0; i < 6; i++) {
    g_assert_cmpuint (segment_at (h, i)->generation, ==, i < 3 ? 0 : 1);
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    g_assert_cmpuint (segment_at (h, i)->totals[0].decode_time, ==, i * 180000);
    g_assert_cmpuint (segment_at (h, i)->totals[1].decode_time, ==, i * 96000);
    g_assert_true (memcmp (brand_of (h, i), "cmfs", 4) == 0);
  }
  g_assert_true (segment_at (h, 3)->discontinuity);
  for (guint i = 0; i < h->chunks->len; i++) {
    const Chunk *chunk = &g_array_index (h->chunks, Chunk, i);

    if (chunk->segment == 3)
      sequence = sequence == 0 ? chunk->sequence : MIN (sequence, chunk->sequence);
  }
  g_assert_cmpuint (sequence, >, 1);
  check_all_out (h);
}

static void
another_configuration_of_the_second_video_track_waits_for_the_firsts_keyframe (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  g_autoptr (WeirCodecConfig) third = test_config (WEIR_CODEC_AVC, RECORD_HIGH_1080I25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1, .gop = 25}};

  begin (h, TRUE, FALSE);
  add_video (h, other);
  play_sources (h, sources, 2, 0, 5 * S);
  weir_segmenter_set_config (h->segmenter, 1, third);
  play_sources (h, sources, 2, 5 * S, 10 * S);
  drain (h, 10 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  g_assert_true (segment_at (h, 3)->discontinuity);
  g_assert_cmpint (segment_at (h, 3)->start, ==, 6 * S);
  for (guint i = 0; i < h->segments->len; i++)
    g_assert_true (segment_at (h, i)->independent && begins_with_keyframe (h, i, 1));
  /* what came of it until then is not lost */
  g_assert_cmpuint (segment_at (h, 3)->totals[1].decode_time, ==, 5 * 90000);
  check_all_out (h);
}

/* sound alone from @from to @to, 25 a second; @out_us: when a segment of it began, -1: not yet */
static void
play_sound (Harness *h, gint64 from, gint64 to, gboolean flagged, gint64 *out_us)
{
  guint before = h->segments->len;

  *out_us = -1;
  for (gint64 time = from; time < to; time += 40 * MS) {
    push_sized (h, 1, time, time, TRUE, flagged && time == from, time / 1000, 50);
    if (*out_us < 0 && h->segments->len > before)
      *out_us = time / 1000;
  }
}

static void
sound_begins_without_video_that_was_announced (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  gint64 out_us;

  h->jumps_allowed = TRUE;
  begin (h, TRUE, TRUE);
  play_sound (h, 0, 6 * S, FALSE, &out_us);
  g_assert_cmpint (out_us, ==, 2 * S / 1000);
  g_assert_cmpint (segment_at (h, 0)->start, ==, 0);
  /* the picture joins at its keyframe, which is no break for the sound */
  play (h, MEDIA (.from = 6 * S, .to = 12 * S));
  drain (h, 12 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 1);
  g_assert_cmpuint (count_discontinuities (h), ==, 0);
  for (guint i = 0; i < h->segments->len; i++) {
    g_assert_true (segment_at (h, i)->independent);
    g_assert_cmpint (segment_at (h, i)->totals[0].parts > 0, ==, segment_at (h, i)->start >= 6 * S);
  }
  check_all_out (h);
}

static void
sound_that_comes_again_waits_for_video_until_that_is_silent_for_10_seconds (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  gint64 out_us;

  h->jumps_allowed = TRUE;
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 4 * S));
  play_sound (h, 9 * S, 20 * S, TRUE, &out_us);
  /* the last picture was at 3.96 s */
  g_assert_cmpint (out_us, >=, 13960 * 1000);
  g_assert_cmpint (out_us, <=, 14000 * 1000);
  drain (h, 20 * S / 1000);
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  check_all_out (h);
}

/* players begin anew at a discontinuity: what refers to pictures before it cannot be decoded */
static void
behind_a_break_a_second_video_track_begins_at_its_own_keyframe (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  g_autoptr (WeirCodecConfig) third = test_config (WEIR_CODEC_AVC, RECORD_HIGH_1080I25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1, .gop = 75}, {.track = 2}};

  h->jumps_allowed = TRUE;
  begin (h, TRUE, FALSE);
  add_video (h, other);
  add_audio (h);
  play_sources (h, sources, 3, 0, 8 * S);
  weir_segmenter_set_config (h->segmenter, 0, third);
  play_sources (h, sources, 3, 8 * S, 14 * S);
  drain (h, 14 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 7);
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  g_assert_true (segment_at (h, 4)->discontinuity);
  g_assert_true (begins_with_keyframe (h, 4, 0));
  g_assert_cmpuint (segment_at (h, 4)->totals[0].decode_time, ==, 8 * 90000);
  g_assert_cmpuint (segment_at (h, 4)->totals[2].decode_time, ==, 8 * 48000);
  /* its keyframes are at 6 and 9 s; where it begins is told by its decode time, and its date */
  g_assert_true (begins_with_keyframe (h, 4, 1));
  g_assert_cmpuint (segment_at (h, 4)->totals[1].decode_time, ==, 9 * 90000);
  g_assert_cmpuint (segment_at (h, 4)->totals[1].sample_count, ==, 25);
  g_assert_cmpuint (statistics (h).dropped_samples, ==, 25);
  check_sides (h, 1);
}

static void
late_tracks_begin_together_where_the_first_has_its_keyframe (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  const Source sources[] = {{.track = 0, .gop = 50}, {.track = 1, .gop = 50, .from = 4400 * MS},
      {.track = 2, .from = 5 * S}};

  begin (h, TRUE, FALSE);
  play_sources (h, sources, 1, 0, 4400 * MS);
  add_video (h, other);
  play_sources (h, sources, 2, 4400 * MS, 5 * S);
  add_audio (h);
  play_sources (h, sources, 3, 5 * S, 12 * S);
  drain (h, 12 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 2);
  g_assert_cmpuint (h->segments->len, ==, 6);
  g_assert_cmpuint (count_discontinuities (h), ==, 1);
  g_assert_true (segment_at (h, 3)->discontinuity);
  for (guint i = 0; i < 6; i++) {
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    for (guint track = 0; track < 3; track++)
      g_assert_cmpint (segment_at (h, i)->totals[track].sample_count, ==,
          track > 0 && i < 3 ? 0
          : track == 2       ? 100
                             : 50);
  }
  g_assert_true (begins_with_keyframe (h, 3, 1));
}

static void
a_track_that_vanishes_leaves_the_others_as_they_are (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  const Source sources[] = {
      {.track = 0, .gop = 50}, {.track = 1, .gop = 50, .to = 3 * S}, {.track = 2, .to = 7 * S}};

  begin (h, TRUE, FALSE);
  add_video (h, other);
  add_audio (h);
  play_sources (h, sources, 3, 0, 3 * S);
  weir_segmenter_end_track (h->segmenter, 1);  /* says so */
  play_sources (h, sources, 3, 3 * S, 14 * S); /* just stops */
  drain (h, 14 * S / 1000);
  g_assert_cmpuint (h->inits, ==, 1);
  g_assert_cmpuint (h->segments->len, ==, 7);
  g_assert_cmpuint (count_discontinuities (h), ==, 0);
  for (guint i = 0; i < 7; i++) {
    g_assert_cmpint (segment_at (h, i)->start, ==, i * 2 * S);
    g_assert_true (segment_at (h, i)->independent);
    g_assert_cmpuint (segment_at (h, i)->totals[0].sample_count, ==, 50);
    g_assert_cmpint (segment_at (h, i)->totals[1].parts > 0, ==, i < 2);
    g_assert_cmpint (segment_at (h, i)->totals[2].parts > 0, ==, i < 4);
  }
  check_all_out (h);
  /* it is waited for once */
  g_assert_cmpuint (statistics (h).bounded_closes, <=, 1);
}

static void
a_discontinuity_on_audio_first_is_one_for_all_tracks (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  guint flagged = 0;

  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 5 * S));
  push_sized (h, 1, 20 * S - 30 * MS, 20 * S - 30 * MS, TRUE, TRUE, 20000000, 50);
  push_sized (h, 1, 20 * S - 10 * MS, 20 * S - 10 * MS, TRUE, FALSE, 20000000, 50);
  g_assert_false (segment_at (h, h->segments->len - 1)->discontinuity);
  for (guint i = 0; i < 100; i++) {
    gint64 at = 20 * S + i * 40 * MS;

    push_sized (h, 0, at, at, i % 50 == 0, i == 0, at / 1000, 50);
    push_sized (h, 1, at + 10 * MS, at + 10 * MS, TRUE, FALSE, at / 1000, 50);
    push_sized (h, 1, at + 30 * MS, at + 30 * MS, TRUE, FALSE, at / 1000, 50);
  }
  drain (h, 24 * S / 1000);
  for (guint i = 0; i < h->segments->len; i++)
    flagged += segment_at (h, i)->discontinuity;
  g_assert_cmpuint (flagged, ==, 1);
  g_assert_cmpint (segment_at (h, 3)->start, ==, 20 * S);
  g_assert_true (segment_at (h, 3)->discontinuity);
  g_assert_cmpuint (segment_at (h, 3)->totals[1].decode_time, ==, 19970 * 48);
  g_assert_cmpuint (h->inits, ==, 1);
  check_all_out (h);
}

static void
a_discontinuity_on_video_first_waits_for_the_old_audio (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  guint flagged = 0;

  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 5 * S));
  push_sized (h, 0, 20 * S, 20 * S, TRUE, TRUE, 20000000, 50);
  push_sized (h, 1, 5010 * MS, 5010 * MS, TRUE, FALSE, 20000000, 50);
  push_sized (h, 0, 20040 * MS, 20040 * MS, FALSE, FALSE, 20040000, 50);
  push_sized (h, 1, 20 * S, 20 * S, TRUE, TRUE, 20040000, 50);
  push_sized (h, 0, 20080 * MS, 20080 * MS, FALSE, FALSE, 20080000, 50);
  drain (h, 24 * S / 1000);
  for (guint i = 0; i < h->segments->len; i++)
    flagged += segment_at (h, i)->discontinuity;
  g_assert_cmpuint (flagged, ==, 1);
  g_assert_cmpuint (segment_at (h, 3)->totals[1].decode_time, ==, 20 * 48000);
  g_assert_cmpuint (segment_at (h, 3)->totals[0].sample_count, ==, 3);
  check_all_out (h);
}

static void
after_a_drain_it_goes_on_with_a_discontinuity (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 3 * S));
  drain (h, 3 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 2);
  play (h, MEDIA (.from = 10 * S, .to = 13 * S));
  drain (h, 13 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 4);
  g_assert_true (segment_at (h, 2)->discontinuity);
  g_assert_cmpuint (segment_at (h, 2)->totals[0].decode_time, ==, 10 * 90000);
  g_assert_cmpuint (h->inits, ==, 1);
  check_all_out (h);
  drain (h, 14 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 4);
}

static void
a_resumed_broadcast_goes_on_with_numbers_generation_and_target (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.first_number = 41;
  h->settings.first_sequence = 900;
  h->settings.first_generation = 3;
  h->settings.first_target_s = 5;
  h->settings.resumes = TRUE;
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.from = 100 * S, .to = 105 * S));
  drain (h, 105 * S / 1000);
  g_assert_cmpuint (h->segments->len, ==, 3);
  g_assert_cmpuint (segment_at (h, 0)->number, ==, 41);
  g_assert_true (segment_at (h, 0)->discontinuity);
  g_assert_false (segment_at (h, 1)->discontinuity);
  g_assert_cmpuint (segment_at (h, 0)->generation, ==, 3);
  g_assert_cmpuint (segment_at (h, 0)->target, ==, 5);
  g_assert_cmpint (segment_at (h, 0)->start, ==, 100 * S);
  g_assert_cmpuint (segment_at (h, 0)->totals[0].decode_time, ==, 100 * 90000);
  g_assert_cmpuint (segment_at (h, 0)->totals[1].decode_time, ==, 100 * 48000);
  g_assert_cmpuint (g_array_index (h->chunks, Chunk, 0).sequence, ==, 900);
  check_all_out (h);
}

/* an encoder that comes back with other audio brings its tracks one after the other */
static void
after_a_drain_what_all_tracks_bring_is_one_change (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_44100_MONO_NO_SBR);

  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 3 * S));
  drain (h, 3 * S / 1000);
  h->jumps_allowed = TRUE;
  for (guint i = 0; i < 10; i++)
    push (h, 0, 10 * S + i * 40 * MS, 10 * S + i * 40 * MS, i == 0, 10000000 + i * 40000);
  g_assert_cmpuint (h->segments->len, ==, 2);
  weir_segmenter_set_config (h->segmenter, 1, other);
  push (h, 1, 10 * S, 10 * S, TRUE, 10400000);
  g_assert_cmpuint (h->segments->len, ==, 3);
  g_assert_cmpuint (h->inits, ==, 2);
  drain (h, 12000000);
  g_assert_cmpuint (h->segments->len, ==, 3);
  g_assert_cmpuint (segment_at (h, 2)->totals[1].sample_count, ==, 1);
}

static void
after_a_drain_a_track_that_stays_away_is_waited_for_a_while (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 3 * S));
  drain (h, 3 * S / 1000);
  push (h, 0, 10 * S, 10 * S, TRUE, 10000000);
  weir_segmenter_advance (h->segmenter, 11999999);
  pull (h);
  g_assert_cmpuint (h->segments->len, ==, 2);
  g_assert_cmpint (weir_segmenter_get_deadline (h->segmenter), ==, 12000000);
  weir_segmenter_advance (h->segmenter, 12000000);
  pull (h);
  g_assert_cmpuint (h->segments->len, ==, 3);
  drain (h, 12000000);
  check_all_out (h);
}

static void
a_segment_is_cut_at_the_byte_limit (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.segment_bytes_max = 10160; /* ten samples, with what they take in the object */
  begin (h, TRUE, TRUE);
  for (guint i = 0; i < 100; i++)
    push_sized (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, FALSE, i * 40000, 1000);
  drain (h, 4000000);
  g_assert_cmpint (segment_at (h, 1)->start, ==, 400 * MS);
  g_assert_false (segment_at (h, 1)->independent);
  g_assert_cmpuint (h->segments->len, ==, 10);
  g_assert_cmpuint (statistics (h).forced_cuts, ==, 8);
  check_all_out (h);
}

static void
the_start_waits_for_each_announced_track (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, FALSE, FALSE);
  weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_VIDEO);
  weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_AUDIO);
  h->tracks = 2;
  weir_segmenter_set_config (h->segmenter, 1, h->audio);
  push (h, 1, 0, 0, TRUE, 1000000);
  push (h, 1, 20 * MS, 20 * MS, TRUE, 1020000);
  g_assert_cmpint (weir_segmenter_get_deadline (h->segmenter), ==, 3000000);
  weir_segmenter_set_config (h->segmenter, 0, h->video);
  push (h, 0, 5 * MS, 5 * MS, FALSE, 1030000); /* not a keyframe: nothing to decode it with */
  g_assert_cmpuint (h->segments->len, ==, 0);
  push (h, 0, 45 * MS, 45 * MS, TRUE, 1040000);
  g_assert_cmpuint (h->segments->len, ==, 1);
  drain (h, 1050000);
  g_assert_cmpint (segment_at (h, 0)->start, ==, 45 * MS);
  /* audio from before the keyframe is kept */
  g_assert_cmpuint (segment_at (h, 0)->totals[1].sample_count, ==, 2);
  g_assert_cmpuint (segment_at (h, 0)->totals[1].decode_time, ==, 0);
  g_assert_cmpuint (statistics (h).dropped_samples, ==, 1);
}

static void
the_wait_for_a_configuration_is_bounded (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, FALSE, FALSE);
  weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_VIDEO);
  weir_segmenter_add_track (h->segmenter, WEIR_MEDIA_AUDIO);
  h->tracks = 2;
  weir_segmenter_set_config (h->segmenter, 1, h->audio);
  push (h, 1, 0, 0, TRUE, 1000000);
  weir_segmenter_advance (h->segmenter, 2999999);
  pull (h);
  g_assert_cmpuint (h->segments->len, ==, 0);
  weir_segmenter_advance (h->segmenter, 3000000);
  pull (h);
  g_assert_cmpuint (h->segments->len, ==, 1);
  drain (h, 3000000);
  check_all_out (h);
}

static void
what_is_held_before_the_start_is_bounded (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.hold_bytes_max = 1000;
  begin (h, TRUE, TRUE);
  for (guint i = 0; i < 11; i++)
    push_sized (h, 1, i * 20 * MS, i * 20 * MS, TRUE, FALSE, 1, 100);
  /* without video: audio decides */
  g_assert_cmpuint (h->segments->len, ==, 1);
  push_sized (h, 0, 220 * MS, 220 * MS, TRUE, FALSE, 1, 100);
  drain (h, 2);
  g_assert_cmpuint (h->segments->len, ==, 2);
  g_assert_cmpint (segment_at (h, 1)->start, ==, 220 * MS);
  check_all_out (h);
}

static void
a_stall_of_the_clock_without_a_gap_leaves_no_hole (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  h->shown_tolerance = 90;
  play (h, MEDIA (.to = 1 * S, .milliseconds = TRUE, .fps_n = 30));
  weir_segmenter_advance (h->segmenter, 4000000);
  pull (h);
  g_assert_cmpint (h->alive, ==, 0); /* everything is published */
  for (guint i = 30; i < 60; i++)
    push (h, 0, (i * 1000 / 30 + 1) * MS, (i * 1000 / 30 + 1) * MS, FALSE, 4000000);
  drain (h, 4000000);
  /* the harness has checked that tfdt goes on exactly */
  g_assert_cmpuint (h->segments->len, ==, 1);
  check_all_out (h);
}

static void
the_duration_is_the_references_though_audio_ends_a_little_later (
    Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, &(Media){.to = 2 * S});
  weir_segmenter_end_track (h->segmenter, 0);
  push (h, 1, 2005 * MS, 2005 * MS, TRUE, 2005000);
  weir_segmenter_end_track (h->segmenter, 1);
  drain (h, 2010000);
  g_assert_cmpuint (h->segments->len, ==, 1);
  g_assert_cmpint (segment_at (h, 0)->duration, ==, 2 * S);
  check_all_out (h);
}

static void
a_track_that_ended_is_not_waited_for (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 1 * S));
  weir_segmenter_end_track (h->segmenter, 1);
  for (guint i = 25; i <= 50; i++)
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, i * 40000);
  g_assert_cmpuint (h->closed, ==, 1);
  weir_segmenter_end_track (h->segmenter, 0);
  drain (h, 3000000);
  check_all_out (h);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 0);
}

static void
a_track_that_ended_and_is_back_is_waited_for_again (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  begin (h, TRUE, TRUE);
  play (h, MEDIA (.to = 1 * S));
  weir_segmenter_end_track (h->segmenter, 1);
  for (guint i = 25; i <= 60; i++)
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, i * 40000);
  g_assert_cmpuint (h->closed, ==, 1);
  for (guint i = 61; i <= 100; i++) {
    push (h, 1, i * 40 * MS - 20 * MS, i * 40 * MS - 20 * MS, TRUE, i * 40000);
    push (h, 0, i * 40 * MS, i * 40 * MS, i % 50 == 0, i * 40000);
  }
  g_assert_cmpuint (h->closed, ==, 1);
  push (h, 1, 4020 * MS, 4020 * MS, TRUE, 4020000);
  g_assert_cmpuint (h->closed, ==, 2);
  drain (h, 5000000);
  check_all_out (h);
  g_assert_cmpuint (statistics (h).bounded_closes, ==, 0);
  g_assert_cmpuint (statistics (h).dropped_samples, ==, 0);
  for (guint i = 1; i < h->segments->len; i++)
    g_assert_false (segment_at (h, i)->discontinuity);
}

/* a second break that must wait: everything behind it is held until the clock allows it, or the end
 */
static void
a_change_that_has_to_wait_begins_with_its_keyframe (Harness *h, G_GNUC_UNUSED gconstpointer data)
{
  h->settings.runs_burst = 1;
  h->settings.segment_duration_ns = S;
  begin (h, TRUE, TRUE);
  for (guint i = 0; i < 250; i++) {
    gint64 time = i * 40 * MS;

    push_sized (h, 0, time, time, i % 25 == 0, i == 75, 1, 100);
    push_sized (h, 1, time, time, TRUE, FALSE, 1, 100);
  }
  weir_segmenter_end_track (h->segmenter, 0);
  weir_segmenter_end_track (h->segmenter, 1);
  drain (h, 1);
  check_all_out (h);
  g_assert_cmpuint (h->segments->len, ==, 10);
  for (guint i = 0; i < h->segments->len; i++)
    g_assert_true (segment_at (h, i)->independent);
}

/* ---- whatever is sent, what is held is bounded ---- */

#define HELD_SAMPLES 8000
#define BIG 6000 /* bytes */

typedef struct {
  gint64 dts, pts;
  gboolean keyframe, discontinuity;
  gsize size;
} Sent;

typedef struct {
  const gchar *name;
  gboolean video, audio; /* configured */
  /* fills in what the track sends at @time; FALSE: nothing */
  gboolean (*send_video) (guint index, gint64 time, Sent *sent);
  gboolean (*send_audio) (guint index, gint64 time, Sent *sent);
  guint changes;   /* of the video configuration: at every so manieth frame; 0: never */
  gboolean silent; /* nothing need come out */
} Sender;

static gboolean
sends (guint index, gint64 time, Sent *sent)
{
  *sent = (Sent){time, time, index % 50 == 0, FALSE, BIG};
  return TRUE;
}

static gboolean
sends_no_keyframe (guint index, gint64 time, Sent *sent)
{
  (void) index;
  *sent = (Sent){time, time, FALSE, FALSE, BIG};
  return TRUE;
}

static gboolean
sends_one_keyframe (guint index, gint64 time, Sent *sent)
{
  *sent = (Sent){time, time, index == 0, FALSE, BIG};
  return TRUE;
}

static gboolean
sends_sound (guint index, gint64 time, Sent *sent)
{
  (void) index;
  *sent = (Sent){time, time, TRUE, FALSE, 200};
  return TRUE;
}

static gboolean
sends_nothing (guint index, gint64 time, Sent *sent)
{
  (void) index;
  (void) time;
  (void) sent;
  return FALSE;
}

static gboolean
sends_for_a_second (guint index, gint64 time, Sent *sent)
{
  return time < S && sends (index, time, sent);
}

static gboolean
sends_an_hour_ahead (guint index, gint64 time, Sent *sent)
{
  return sends_sound (index, time + 3600 * S, sent);
}

static gboolean
sends_an_hour_behind (guint index, gint64 time, Sent *sent)
{
  return sends_sound (index, time - 3600 * S, sent);
}

static gboolean
sends_ever_further_ahead (guint index, gint64 time, Sent *sent)
{
  return sends_sound (index, time + index * S, sent);
}

static gboolean
sends_at_one_moment (guint index, gint64 time, Sent *sent)
{
  (void) time;
  return sends (index, 0, sent);
}

static gboolean
sends_tiny_ones_at_one_moment (guint index, gint64 time, Sent *sent)
{
  (void) index;
  (void) time;
  *sent = (Sent){0, 0, TRUE, FALSE, 1};
  return TRUE;
}

static gboolean
sends_tiny_ones_a_microsecond_apart (guint index, gint64 time, Sent *sent)
{
  (void) time;
  *sent = (Sent){index * 1000, index * 1000, TRUE, FALSE, 1};
  return TRUE;
}

static gboolean
sends_ever_later_presentation (guint index, gint64 time, Sent *sent)
{
  *sent = (Sent){time, time + index * S, index % 50 == 0, FALSE, BIG};
  return TRUE;
}

static gboolean
sends_ever_earlier_presentation (guint index, gint64 time, Sent *sent)
{
  *sent = (Sent){time, time - index * S, index % 50 == 0, FALSE, BIG};
  return TRUE;
}

static gboolean
sends_back_in_time (guint index, gint64 time, Sent *sent)
{
  return sends (index, -time, sent);
}

static gboolean
sends_breaks (guint index, gint64 time, Sent *sent)
{
  *sent = (Sent){time + index * 3 * S, time + index * 3 * S, TRUE, TRUE, BIG};
  return TRUE;
}

static gboolean
sends_broken_sound (guint index, gint64 time, Sent *sent)
{
  (void) index;
  *sent = (Sent){time, time, TRUE, TRUE, 200};
  return TRUE;
}

static gboolean
sends_keyframes (guint index, gint64 time, Sent *sent)
{
  (void) index;
  *sent = (Sent){time, time, TRUE, FALSE, BIG};
  return TRUE;
}

static const Sender senders[] = {
    {"as_they_should", TRUE, TRUE, sends, sends_sound, 0, FALSE},
    {"no_keyframe_ever", TRUE, FALSE, sends_no_keyframe, sends_nothing, 0, TRUE},
    {"no_keyframe_ever_and_sound", TRUE, TRUE, sends_no_keyframe, sends_sound, 0, FALSE},
    {"one_keyframe", TRUE, TRUE, sends_one_keyframe, sends_sound, 0, FALSE},
    {"sound_announced_and_never_configured", TRUE, FALSE, sends, sends_nothing, 0, FALSE},
    {"sound_never_configured", TRUE, FALSE, sends, sends_sound, 0, FALSE},
    {"sound_configured_and_never_there", TRUE, TRUE, sends, sends_nothing, 0, FALSE},
    {"pictures_configured_and_never_there", TRUE, TRUE, sends_nothing, sends_sound, 0, FALSE},
    {"pictures_that_stop", TRUE, TRUE, sends_for_a_second, sends_sound, 0, FALSE},
    {"sound_an_hour_ahead", TRUE, TRUE, sends, sends_an_hour_ahead, 0, FALSE},
    {"sound_an_hour_behind", TRUE, TRUE, sends, sends_an_hour_behind, 0, FALSE},
    {"sound_ever_further_ahead", TRUE, TRUE, sends, sends_ever_further_ahead, 0, FALSE},
    {"pictures_ever_further_ahead", TRUE, TRUE, sends_ever_further_ahead, sends_sound, 0, FALSE},
    {"stamps_that_do_not_move", TRUE, TRUE, sends_at_one_moment, sends_sound, 0, FALSE},
    {"no_stamps_that_move", TRUE, TRUE, sends_at_one_moment, sends_tiny_ones_at_one_moment, 0,
        FALSE},
    {"tiny_samples_at_one_moment", FALSE, TRUE, sends_nothing, sends_tiny_ones_at_one_moment, 0,
        FALSE},
    {"tiny_samples_beside_pictures", TRUE, TRUE, sends, sends_tiny_ones_a_microsecond_apart, 0,
        FALSE},
    {"presentation_ever_later", TRUE, TRUE, sends_ever_later_presentation, sends_sound, 0, FALSE},
    {"presentation_ever_earlier", TRUE, TRUE, sends_ever_earlier_presentation, sends_sound, 0,
        FALSE},
    {"stamps_that_go_back", TRUE, TRUE, sends_back_in_time, sends_sound, 0, FALSE},
    {"a_break_at_every_frame", TRUE, TRUE, sends_breaks, sends_sound, 0, FALSE},
    {"breaks_everywhere", TRUE, TRUE, sends_breaks, sends_broken_sound, 0, FALSE},
    {"a_configuration_for_every_frame", TRUE, TRUE, sends_keyframes, sends_sound, 1, FALSE},
    {"a_configuration_for_every_frame_alone", TRUE, FALSE, sends_keyframes, sends_nothing, 1, TRUE},
    {"a_configuration_for_every_third_frame", TRUE, TRUE, sends_keyframes, sends_sound, 3, FALSE},
};

static void
send_one (WeirSegmenter *segmenter, guint track, const Sent *sent, gint64 now_us, gint *alive)
{
  Payload *payload = g_malloc0 (sizeof *payload + sent->size);
  WeirSample sample = {sent->dts, sent->pts, sent->keyframe, sent->discontinuity,
      (guint8 *) (payload + 1), sent->size, payload, release};

  *payload = (Payload){alive, sent->size};
  g_atomic_int_inc (alive);
  weir_segmenter_push (segmenter, track, &sample, now_us);
}

/* 40 ms of pictures and sound a step, for 5 minutes; the clock goes on as they should, or stands
 * still as it does for what is no live source */
static void
what_is_held_is_bounded (Harness *h, gconstpointer data)
{
  const Sender *sender = data;

  for (guint live = 0; live < 2; live++) {
    g_autoptr (WeirCodecConfig) other = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
    g_autoptr (WeirSegmenter) segmenter = NULL;
    guint video, audio, inits = 0, opened = 0, closed = 0, samples = 0, written = 0;
    gsize bound, most = 0;

    h->settings.hold_bytes_max = 256 * 1024;
    h->settings.part_bytes_max = 64 * 1024;
    h->settings.segment_bytes_max = 512 * 1024;
    h->settings.segments_per_second = 1;
    h->settings.segments_burst = 16;
    h->settings.runs_burst = 1;
    bound = h->settings.hold_bytes_max + BIG + WEIR_SAMPLE_OVERHEAD +
            2 * (h->settings.part_bytes_max + 4096 * 128 + 2 * BIG);
    segmenter = weir_segmenter_new (&h->settings);
    video = weir_segmenter_add_track (segmenter, WEIR_MEDIA_VIDEO);
    audio = weir_segmenter_add_track (segmenter, WEIR_MEDIA_AUDIO);
    if (sender->video)
      weir_segmenter_set_config (segmenter, video, h->video);
    if (sender->audio)
      weir_segmenter_set_config (segmenter, audio, h->audio);
    for (guint i = 0; i < HELD_SAMPLES; i++) {
      gint64 time = i * 40 * MS, now_us = live ? 1 + time / 1000 : 0;
      Sent sent;

      if (sender->changes != 0 && i % sender->changes == 0)
        weir_segmenter_set_config (segmenter, video, i / sender->changes % 2 ? other : h->video);
      if (sender->send_video (i, time, &sent)) {
        send_one (segmenter, video, &sent, now_us, &h->alive);
        samples++;
      }
      most = MAX (most, weir_segmenter_get_held (segmenter));
      if (sender->send_audio (i, time, &sent)) {
        send_one (segmenter, audio, &sent, now_us, &h->alive);
        samples++;
      }
      most = MAX (most, weir_segmenter_get_held (segmenter));
      for (;;) {
        g_autoptr (WeirSegmenterEvent) event = weir_segmenter_pull (segmenter);

        if (event == NULL)
          break;
        inits += event->type == WEIR_SEGMENTER_INIT;
        opened += event->type == WEIR_SEGMENTER_OPEN;
        closed += event->type == WEIR_SEGMENTER_CLOSE;
        if (event->type != WEIR_SEGMENTER_CHUNK)
          continue;
        g_assert_cmpuint (event->chunk->sample_count, <=, 4096);
        g_assert_cmpuint (event->chunk->payload->size, <=, MAX (h->settings.part_bytes_max, BIG));
        written += event->chunk->sample_count;
      }
      g_assert_cmpuint (opened - closed, <=, 2);
    }
    g_test_message ("%s: %u samples, %u of them written, %u segments, %u inits, %" G_GSIZE_FORMAT
                    " bytes held at most",
        live ? "live" : "file", samples, written, opened, inits, most);
    g_assert_cmpuint (most, <=, bound);
    /* every sample is in one place only */
    g_assert_cmpint (h->alive, <=, (gint) (bound / WEIR_SAMPLE_OVERHEAD));
    if (!sender->silent)
      g_assert_cmpuint (written, >, 0);
    if (live) {
      /* a run a second at most, a segment a second, and those that are full */
      g_assert_cmpuint (inits, <=, HELD_SAMPLES / 25 + 1);
      g_assert_cmpuint (opened, <=, 2 * HELD_SAMPLES / 25 + 16 + samples * BIG / (512 * 1024));
    }
    weir_segmenter_drain (segmenter, 0);
    g_clear_pointer (&segmenter, weir_segmenter_free);
    g_assert_cmpint (h->alive, ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/segmenter/" #name, Harness, NULL, set_up, name, tear_down)
  ADD (segments_begin_at_keyframes_and_all_tracks_are_cut_there);
  ADD (short_gops_are_gathered_to_the_segment_duration);
  ADD (audio_800_ms_late_at_a_cut_is_in_its_right_segment);
  ADD (audio_that_is_ahead_of_a_cut_is_in_its_right_segment);
  ADD (audio_that_is_later_than_the_bound_goes_into_the_next_segment);
  ADD (audio_that_stops_closes_after_the_bounded_wait_of_media);
  ADD (audio_that_stops_closes_after_the_bounded_wait_of_the_clock);
  ADD (b_frames_are_cut_by_presentation_time);
  ADD (the_first_presentation_time_equals_its_decode_time);
  ADD (a_timeline_that_begins_below_zero_is_moved_to_zero);
  ADD (no_keyframe_for_25_s);
  ADD (gop_10_s_unknown_is_cut_at_4_s);
  ADD (known_gop_10_s);
  ADD (audio_only);
  ADD (video_only);
  ADD (video_silent_then_returns);
  ADD (durations_sum_to_the_next_decode_time);
  ADD (decode_times_never_go_back_whatever_the_stamps);
  ADD (a_late_track_begins_at_the_next_keyframe);
  ADD (a_label_is_used_from_the_next_init_on_and_begins_none);
  ADD (a_changed_configuration_begins_at_its_keyframe);
  ADD (a_video_track_with_other_keyframes_is_cut_by_presentation_time);
  ADD (keyframes_that_rounding_has_parted_stay_together);
  ADD (another_codec_on_the_same_track_is_one_discontinuity);
  ADD (another_configuration_of_the_second_video_track_waits_for_the_firsts_keyframe);
  ADD (sound_begins_without_video_that_was_announced);
  ADD (sound_that_comes_again_waits_for_video_until_that_is_silent_for_10_seconds);
  ADD (behind_a_break_a_second_video_track_begins_at_its_own_keyframe);
  ADD (late_tracks_begin_together_where_the_first_has_its_keyframe);
  ADD (a_track_that_vanishes_leaves_the_others_as_they_are);
  ADD (a_discontinuity_on_audio_first_is_one_for_all_tracks);
  ADD (a_discontinuity_on_video_first_waits_for_the_old_audio);
  ADD (after_a_drain_it_goes_on_with_a_discontinuity);
  ADD (a_resumed_broadcast_goes_on_with_numbers_generation_and_target);
  ADD (after_a_drain_what_all_tracks_bring_is_one_change);
  ADD (after_a_drain_a_track_that_stays_away_is_waited_for_a_while);
  ADD (a_segment_is_cut_at_the_byte_limit);
  ADD (the_start_waits_for_each_announced_track);
  ADD (the_wait_for_a_configuration_is_bounded);
  ADD (what_is_held_before_the_start_is_bounded);
  ADD (a_stall_of_the_clock_without_a_gap_leaves_no_hole);
  ADD (the_duration_is_the_references_though_audio_ends_a_little_later);
  ADD (a_track_that_ended_is_not_waited_for);
  ADD (a_track_that_ended_and_is_back_is_waited_for_again);
  ADD (a_change_that_has_to_wait_begins_with_its_keyframe);
  for (guint i = 0; i < G_N_ELEMENTS (senders); i++) {
    g_autofree gchar *path = g_strdup_printf ("/segmenter/held/%s", senders[i].name);

    g_test_add (path, Harness, &senders[i], set_up, what_is_held_is_bounded, tear_down);
  }
  return g_test_run ();
}
