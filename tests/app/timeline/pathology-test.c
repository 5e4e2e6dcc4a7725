/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Encoders that do everything wrong, each a model in code: when a frame was captured and shown in
 * truth, what the encoder's clock said of it, when it came. What they send goes the whole way of a
 * broadcast in process, on a clock of the test: timeline, segmenter, dates, playlists. The same
 * must hold of what comes out for all of them.
 */
#include "broadcast/walldate.h"
#include "playback/index.h"
#include "segment/segmenter.h"
#include "timeline/timeline.h"

#include "records.h"

#include <malloc.h>
#include <string.h>

#define MS G_GINT64_CONSTANT (1000000)
#define S (1000 * MS)
#define HOUR_S 3600
#define WALL_US G_GINT64_CONSTANT (1700000000000000)
#define START_NS (100 * S) /* of the clock, at truth 0 */
#define DELAY_NS (50 * MS)
#define JITTER_US 20000
#define AUDIO_NS G_GINT64_CONSTANT (21333333)
#define SYNC_NS (45 * MS)
#define NEVER G_MAXINT64
/* frames that are remembered of each track, to be compared with the other's */
#define WRITTEN 512

enum {
  VIDEO,
  AUDIO,
};

typedef enum {
  CONFIG_NONE,
  CONFIG_AGAIN,
  CONFIG_CHANGED,
} Config;

/* one frame, times in ns; "truth" is when it was captured, counted from the encoder's start */
typedef struct {
  gint64 index;
  gint64 truth, shown;
  gint64 dts, pts; /* by the encoder's clock, not rounded to ms yet */
  gint64 arrival;  /* on the truth's clock */
  gboolean keyframe;
  gboolean lost;      /* it was never sent */
  gboolean reconnect; /* it is the first one of a new connection */
  Config config;
} Frame;

typedef struct {
  gint64 from_ms, to_ms; /* truth */
} Window;

typedef struct _Model Model;
struct _Model {
  const gchar *name;
  gint64 seconds;
  void (*shape) (const Model *model, guint track, Frame *frame);
  gint64 a, b; /* the shape's */

  gint64 video_ns; /* 0: 30 fps; NEVER: none */
  gint64 audio_ns; /* 0: AAC at 48 kHz; NEVER: none */
  gint64 gop;      /* frames; 0: 60 or 61 */
  gint reorder;    /* 1: two B pictures between others; -1: with composition times below 0 */
  gboolean late_config[2]; /* the track is not announced before its first frame */
  guint64 mask;            /* of the stamps in ms; 0: 32 bits */

  guint discontinuities;
  Window holes[4];   /* the decode times may leave something out before frames of these */
  Window flagged[8]; /* sound and picture, and dates, may be apart here */
  gboolean apart;    /* … and everywhere: the stamps themselves are wrong */
  gboolean late;     /* all dates are: nobody can know */
  guint dropped;     /* frames that the segmenter may drop after discontinuities */
  gint64 slack_ms;   /* by which the durations' sum may differ from the truth, beside frames */
  WeirDecisionReason reason; /* must have been given … */
  guint64 least;             /* … so often at least … */
  guint64 most;              /* … and at most, 0: any number */
  gboolean rated;            /* what must be measured, in ppm and ms: */
  gdouble rates[2];
  gint64 count_error_ms;
  gint64 closes_within_ms; /* a segment ends at least so often; 0: whenever */
  gint64 begins_within_ms; /* the first one has ended by then; 0: whenever */
  gboolean clean;          /* every frame is kept as it is */
  void (*settle) (WeirTimelineSettings *settings);
};

/* what is known of a frame behind the timeline */
typedef struct {
  gint64 truth, shown;
  gboolean keyframe;
} Payload;

typedef struct {
  gint64 next_index;
  gboolean has_next;
  Frame next;
  gint64 last_arrival;
  gint timeline, segmenter;
  gboolean configured, pending_config;
  WeirUnwrap unwrap;
  guint64 kept, stored;
  gint64 last_dts;
  /* written */
  struct {
    gint64 truth, error; /* when it is presented, against the truth */
  } written[WRITTEN];    /* ring */
  guint64 written_count;
  gboolean has_chunk;
  guint64 end;        /* ticks */
  guint64 duration;   /* ticks, of everything */
  gint64 first_truth; /* of the run */
  gint64 last_truth;
  gint64 covered; /* ns of truth, of runs that are over */
  guint runs;
} Track;

typedef struct {
  const Model *model;
  WeirTimeline *timeline;
  WeirSegmenter *segmenter;
  WeirIndex *index;
  WeirWallDate date;
  WeirCodecConfig *configs[2], *changed[2];
  gint64 now_us;
  guint random;
  Track tracks[2];
  guint64 stored_bytes;
  gboolean new_run;
  guint discontinuities;
  guint64 closed;
  gint64 closed_us, longest_us; /* when the last segment closed; how long that took at most */
  gint64 first_closed_us;
  struct {
    guint64 number;
    gboolean known;
    gint64 truth; /* when T was shown */
    gint64 start_ns;
  } open[4];
  gint64 last_date_us, worst_sync, worst_date;
  guint64 samples;
  gsize live[2]; /* bytes, at half and at the end */
} Run;

static gint64
track_frame (const Model *model, guint track)
{
  gint64 frame = track == VIDEO ? model->video_ns : model->audio_ns;

  if (frame != 0)
    return frame;
  return track == VIDEO ? S / 30 : AUDIO_NS;
}

static gboolean
within (const Window *windows, guint count, gint64 truth)
{
  for (guint i = 0; i < count; i++)
    if (truth >= windows[i].from_ms * MS && truth < windows[i].to_ms * MS)
      return TRUE;
  return FALSE;
}

static gboolean
is_flagged (const Model *model, gint64 truth)
{
  return model->apart || within (model->flagged, G_N_ELEMENTS (model->flagged), truth);
}

/* ---- the encoder ---- */

static guint
next_random (Run *run)
{
  run->random = run->random * 1664525 + 1013904223;
  return run->random >> 8;
}

/* Returns: FALSE when the encoder has stopped */
static gboolean
make_frame (Run *run, guint index)
{
  const Model *model = run->model;
  Track *track = &run->tracks[index];
  Frame *frame = &track->next;
  gint64 duration = track_frame (model, index);

  track->has_next = FALSE;
  if (duration == NEVER)
    return FALSE;
  do {
    /* with B pictures a GOP ends with one */
    gint64 gop = model->gop != 0 ? model->gop : model->reorder != 0 ? 61 : 60;
    gint64 place = 0;

    *frame = (Frame){.index = track->next_index++, .keyframe = TRUE};
    frame->truth = frame->shown = frame->index * duration;
    if (frame->truth >= model->seconds * S)
      return FALSE;
    if (index == VIDEO) {
      place = frame->index % gop;
      frame->keyframe = place == 0;
      if (model->reorder != 0 && place % 3 == 1)
        frame->shown += 2 * duration;
      else if (model->reorder != 0 && place > 0)
        frame->shown -= duration;
    }
    frame->dts = frame->truth;
    frame->pts = frame->shown;
    if (index == VIDEO && model->reorder > 0) {
      frame->shown += duration;
      frame->pts += duration;
    }
    frame->arrival = frame->truth + DELAY_NS + (gint64) (next_random (run) % JITTER_US) * 1000;
    if (model->shape != NULL)
      model->shape (model, index, frame);
  } while (frame->lost);
  track->has_next = TRUE;
  return TRUE;
}

/* ---- behind the segmenter ---- */

static void
check_playlist (Run *run, guint track)
{
  g_autoptr (GPtrArray) pieces = weir_index_get_media (run->index, WEIR_INDEX_WINDOW, track);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  gint64 last_ms = 0;
  guint discontinuities = 0;

  if (pieces == NULL)
    return;
  text = g_strndup (g_bytes_get_data (pieces->pdata[0], NULL), g_bytes_get_size (pieces->pdata[0]));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const gchar *date = lines[i] + strlen ("#EXT-X-PROGRAM-DATE-TIME:");

    if (g_str_equal (lines[i], "#EXT-X-DISCONTINUITY"))
      discontinuities++;
    if (g_str_has_prefix (lines[i], "#EXT-X-DISCONTINUITY-SEQUENCE:"))
      discontinuities += (guint) g_ascii_strtoull (strchr (lines[i], ':') + 1, NULL, 10);
    if (g_str_has_prefix (lines[i], "#EXT-X-PROGRAM-DATE-TIME:")) {
      g_autoptr (GDateTime) parsed = g_date_time_new_from_iso8601 (date, NULL);
      gint64 ms = g_date_time_to_unix (parsed) * 1000 + g_date_time_get_microsecond (parsed) / 1000;

      g_assert_cmpint (ms, >, last_ms);
      last_ms = ms;
    }
  }
  g_assert_cmpuint (discontinuities, ==, run->discontinuities);
}

/* the error of @index at @truth is the other track's there */
static void
check_sync (Run *run, guint index, gint64 truth, gint64 error)
{
  Track *track = &run->tracks[index];
  const Track *other = &run->tracks[1 - index];
  gint64 near = MAX (track_frame (run->model, VIDEO), 50 * MS);
  guint64 high = other->written_count, low = high - MIN (high, WRITTEN);
  guint place = track->written_count++ % WRITTEN;

  track->written[place].truth = truth;
  track->written[place].error = error;
  /* the last one at or before @truth */
  while (low < high) {
    guint64 middle = low + (high - low) / 2;

    if (other->written[middle % WRITTEN].truth <= truth)
      low = middle + 1;
    else
      high = middle;
  }
  if (low + WRITTEN <= other->written_count + 1 || low == 0)
    return;
  place = (guint) ((low - 1) % WRITTEN);
  if (is_flagged (run->model, truth) || is_flagged (run->model, other->written[place].truth) ||
      truth - other->written[place].truth > near)
    return;
  error -= other->written[place].error;
  run->worst_sync = MAX (run->worst_sync, ABS (error));
  if (ABS (error) > SYNC_NS)
    g_error ("%s: %c is presented %.3f s apart at %.3f s", run->model->name, "va"[index],
        (gdouble) error / 1e9, (gdouble) truth / 1e9);
}

static void
written_chunk (Run *run, const WeirChunk *chunk)
{
  guint index = (gint) chunk->track == run->tracks[VIDEO].segmenter ? VIDEO : AUDIO;
  Track *track = &run->tracks[index];
  guint32 timescale = run->configs[index]->timescale;
  const WeirChunkSample *samples = (const WeirChunkSample *) chunk->samples->data;
  WeirIndexPart part = {
      .offset = run->stored_bytes,
      .size = chunk->size,
      .decode_time = chunk->decode_time,
      .duration = chunk->duration,
      .independent = chunk->independent,
      .sample_count = chunk->sample_count,
  };
  guint64 time = chunk->decode_time;
  gboolean broken = FALSE;
  Payload payload;

  run->stored_bytes += chunk->size;
  weir_index_add_part (run->index, chunk->segment, chunk->track, &part);
  /* as the broadcast does: samples tell the date of the first segment, chunks the others' */
  if (run->closed > 0)
    weir_wall_date_observe (&run->date,
        samples[chunk->sample_count - 1].dts +
            (gint64) samples[chunk->sample_count - 1].entry.duration * S / timescale,
        WALL_US + run->now_us);
  for (guint i = 0; i < chunk->sample_count; i++) {
    gint64 written;

    weir_blocks_copy (chunk->payload, i * sizeof payload, sizeof payload, &payload);
    if (i == 0) {
      g_assert_cmpuint (chunk->decode_time, >=, track->end);
      broken = track->has_chunk && chunk->decode_time > track->end;
      if (broken && !within (run->model->holes, G_N_ELEMENTS (run->model->holes), payload.truth))
        g_error ("%s: a hole of %.3f s before %c at %.3f s", run->model->name,
            (gdouble) (chunk->decode_time - track->end) / timescale, "va"[index],
            (gdouble) payload.truth / 1e9);
      if (!track->has_chunk || broken) {
        track->covered += track->last_truth - track->first_truth;
        track->runs++;
        track->first_truth = payload.truth;
      }
    }
    written = (gint64) (((gdouble) time + samples[i].entry.composition_offset) * 1e9 / timescale) -
              payload.shown;
    check_sync (run, index, payload.truth, written);
    track->last_truth = payload.truth;
    time += samples[i].entry.duration;
  }
  g_assert_cmpuint (time, ==, chunk->decode_time + chunk->duration);
  track->has_chunk = TRUE;
  track->stored += chunk->sample_count;
  track->end = chunk->decode_time + chunk->duration;
  track->duration += chunk->duration;

  for (guint i = 0; i < G_N_ELEMENTS (run->open); i++) {
    if (run->open[i].number != chunk->segment || run->open[i].known)
      continue;
    weir_blocks_copy (chunk->payload, 0, sizeof payload, &payload);
    run->open[i].known = TRUE;
    run->open[i].truth = payload.shown + run->open[i].start_ns - samples[0].pts;
  }
}

static void
closed_segment (Run *run, const WeirSegmenterEvent *event)
{
  guint slot = event->segment % G_N_ELEMENTS (run->open);
  g_autoptr (WeirIndexSegment) segment = NULL;
  gint64 date;

  weir_wall_date_fix (&run->date);
  segment = weir_index_find (run->index, 1, event->segment);
  g_assert_nonnull (segment);
  if (run->closed == 0)
    segment->program_date_us = weir_wall_date_get (&run->date, segment->start_ns);
  date = segment->program_date_us;
  weir_index_close_segment (
      run->index, event->segment, event->duration_ns, event->target_duration, run->now_us);
  g_ptr_array_unref (weir_index_trim (run->index, 12));
  if (event->discontinuity)
    run->discontinuities++;
  if (run->closed++ > 0)
    run->longest_us = MAX (run->longest_us, run->now_us - run->closed_us);
  else
    run->first_closed_us = run->now_us;
  run->closed_us = run->now_us;

  g_assert_cmpint (date, >, run->last_date_us);
  run->last_date_us = date;
  if (run->open[slot].known && !run->model->late &&
      !is_flagged (run->model, run->open[slot].truth)) {
    gint64 error = date - (WALL_US + (START_NS + run->open[slot].truth) / 1000);

    run->worst_date = MAX (run->worst_date, ABS (error));
    if (ABS (error) > (gint64) G_USEC_PER_SEC)
      g_error ("%s: the date at %.3f s is off by %.3f s", run->model->name,
          (gdouble) run->open[slot].truth / 1e9, (gdouble) error / 1e6);
  }
  if (run->closed % 500 == 0 || run->model->seconds < 600)
    for (guint i = 0; i < 2; i++)
      if (run->tracks[i].segmenter >= 0)
        check_playlist (run, (guint) run->tracks[i].segmenter);
}

static void
take_events (Run *run)
{
  WeirSegmenterEvent *event;

  while ((event = weir_segmenter_pull (run->segmenter)) != NULL) {
    guint slot = event->segment % G_N_ELEMENTS (run->open);
    WeirIndexSegment *segment;

    switch (event->type) {
    case WEIR_SEGMENTER_INIT:
      weir_index_add_init (run->index, 1, event->init_generation, event->tracks, event->labels);
      break;
    case WEIR_SEGMENTER_OPEN:
      segment = weir_index_segment_new (event->segment, 1);
      segment->init_generation = event->init_generation;
      segment->discontinuity = event->discontinuity;
      segment->independent = event->independent;
      segment->start_ns = event->start_ns;
      segment->program_date_us = weir_wall_date_begin_segment (
          &run->date, event->start_ns, event->discontinuity, WALL_US + run->now_us);
      weir_index_open_segment (run->index, segment);
      run->open[slot].number = event->segment;
      run->open[slot].known = FALSE;
      run->open[slot].start_ns = event->start_ns;
      break;
    case WEIR_SEGMENTER_CHUNK:
      written_chunk (run, event->chunk);
      break;
    case WEIR_SEGMENTER_CLOSE:
      closed_segment (run, event);
      break;
    }
    weir_segmenter_event_free (event);
  }
}

/* ---- behind the timeline ---- */

static void
add_segmenter_track (Run *run, guint index)
{
  Track *track = &run->tracks[index];

  if (track->segmenter >= 0)
    return;
  track->segmenter = (gint) weir_segmenter_add_track (
      run->segmenter, index == VIDEO ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO);
  weir_segmenter_set_config (run->segmenter, (guint) track->segmenter, run->configs[index]);
}

static void
take_decision (Run *run, const WeirTimelineDecision *decision)
{
  guint index = (gint) decision->track == run->tracks[VIDEO].timeline ? VIDEO : AUDIO;
  Track *track = &run->tracks[index];
  Payload *payload = decision->data;
  WeirSample sample = {
      .dts = decision->dts,
      .pts = decision->pts,
      .keyframe = payload->keyframe,
      .discontinuity = decision->discontinuity,
      .data = (const guint8 *) payload,
      .size = sizeof *payload,
      .owner = payload,
      .release = g_free,
  };

  if (g_getenv ("WEIR_PATHOLOGY") != NULL &&
      (decision->reason != WEIR_REASON_NONE || decision->discontinuity))
    g_printerr ("%c %.3f -> %.3f %s%s gap %.3f\n", "va"[index], (gdouble) payload -> truth / 1e9,
        (gdouble) decision -> dts / 1e9, weir_decision_reason_get_name (decision->reason),
        decision -> discontinuity ? "!" : "", (gdouble) decision->gap_ns / 1e9);
  if (decision->action == WEIR_DECISION_DROP) {
    g_free (payload);
    return;
  }
  g_assert_cmpint (decision->dts, >, track->last_dts);
  track->last_dts = decision->dts;
  track->kept++;
  /* what is configured is announced before the first sample of all */
  for (guint i = 0; i < 2; i++)
    if (run->tracks[i].configured)
      add_segmenter_track (run, i);
  if (track->pending_config) {
    WeirCodecConfig *before = run->configs[index];

    track->pending_config = FALSE;
    run->configs[index] = run->changed[index];
    run->changed[index] = before;
    weir_segmenter_set_config (run->segmenter, (guint) track->segmenter, run->configs[index]);
  }
  if (run->closed == 0)
    weir_wall_date_observe (&run->date, decision->dts, WALL_US + run->now_us);
  weir_segmenter_push (run->segmenter, (guint) track->segmenter, &sample, run->now_us);
}

static void
take_decisions (Run *run)
{
  WeirTimelineDecision decision;

  while (weir_timeline_pull (run->timeline, &decision))
    take_decision (run, &decision);
  take_events (run);
}

/* time passes, and what is due is done when it is */
static void
pass_until (Run *run, gint64 us)
{
  while (TRUE) {
    gint64 timeline = weir_timeline_get_deadline (run->timeline);
    gint64 segmenter = weir_segmenter_get_deadline (run->segmenter);
    gint64 due = MIN (timeline, segmenter);

    if (due > us)
      break;
    run->now_us = MAX (run->now_us, due);
    if (timeline <= segmenter)
      weir_timeline_advance (run->timeline, run->now_us);
    take_decisions (run);
    weir_segmenter_advance (run->segmenter, run->now_us);
    take_events (run);
    if (MIN (weir_timeline_get_deadline (run->timeline),
            weir_segmenter_get_deadline (run->segmenter)) <= due)
      break;
  }
  run->now_us = MAX (run->now_us, us);
}

static void
configure (Run *run, guint index, gboolean changed)
{
  Track *track = &run->tracks[index];

  if (changed)
    track->pending_config = TRUE;
  track->configured = TRUE;
  weir_timeline_configured (run->timeline, (guint) track->timeline, changed);
}

static void
begin_connection (Run *run, gint64 lost_ns)
{
  weir_timeline_begin_connection (run->timeline, lost_ns, run->now_us);
  for (guint i = 0; i < 2; i++) {
    weir_unwrap_init (&run->tracks[i].unwrap, 32);
    if (run->tracks[i].configured ||
        (track_frame (run->model, i) != NEVER && !run->model->late_config[i]))
      configure (run, i, FALSE);
  }
}

static gint64
floor_ms (gint64 ns)
{
  return ns >= 0 ? ns / MS : -((-ns + MS - 1) / MS);
}

static void
send_frame (Run *run, guint index, const Frame *frame)
{
  const Model *model = run->model;
  Track *track = &run->tracks[index];
  Track *other = &run->tracks[1 - index];
  gint64 dts_ms = floor_ms (frame->dts), pts_ms = floor_ms (frame->pts);
  guint32 stamp = (guint32) ((guint64) dts_ms & (model->mask != 0 ? model->mask : G_MAXUINT32));
  gboolean first = !track->unwrap.valid;
  gint64 value, last_arrival = MAX (track->last_arrival, other->last_arrival);
  WeirTimelineSample sample = {.size = sizeof (Payload), .keyframe = frame->keyframe};
  Payload *payload;

  /* one TCP connection: nothing overtakes */
  track->last_arrival = MAX (START_NS + frame->arrival, last_arrival);
  pass_until (run, track->last_arrival / 1000);
  if (frame->reconnect) {
    weir_timeline_end_connection (run->timeline, run->now_us);
    take_decisions (run);
    begin_connection (run, track->last_arrival - last_arrival);
    first = TRUE;
  }
  if (!track->configured)
    configure (run, index, FALSE);
  else if (frame->config != CONFIG_NONE)
    configure (run, index, frame->config == CONFIG_CHANGED);
  value = weir_unwrap (&track->unwrap, stamp);
  /* as the source element does: the other track's clock may have wrapped just before */
  if (first && other->unwrap.valid) {
    gint64 distance = (gint32) (stamp - (guint32) other->unwrap.last);

    if (ABS (distance) < 60000)
      value = track->unwrap.value = other->unwrap.value + distance;
  }
  payload = g_new (Payload, 1);
  *payload = (Payload){frame->truth, frame->shown, frame->keyframe};
  sample.dts = value * MS;
  sample.pts = sample.dts + (pts_ms - dts_ms) * MS;
  sample.arrival_us = run->now_us;
  sample.data = payload;
  weir_timeline_push (run->timeline, (guint) track->timeline, &sample);
  run->samples++;
  take_decisions (run);
}

static gsize
live_bytes (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks;
}

static void
run_model (gconstpointer data)
{
  const Model *model = data;
  WeirTimelineSettings timeline_settings;
  WeirSegmenterSettings segmenter_settings;
  WeirSegmenterStatistics statistics;
  const guint64 *counts;
  gint64 half = model->seconds * S / 2;
  Run run = {.model = model, .random = 1};

  weir_timeline_settings_init (&timeline_settings);
  weir_segmenter_settings_init (&segmenter_settings);
  if (model->settle != NULL)
    model->settle (&timeline_settings);
  run.timeline = weir_timeline_new (&timeline_settings);
  run.segmenter = weir_segmenter_new (&segmenter_settings);
  run.index = weir_index_new ("b1", 6);
  run.configs[VIDEO] = test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
  run.configs[AUDIO] = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
  run.changed[VIDEO] = test_config (WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  run.changed[AUDIO] = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO_NO_SBR);
  for (guint i = 0; i < 2; i++) {
    run.tracks[i].timeline =
        weir_timeline_add_track (run.timeline, i == VIDEO ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO);
    if (i == AUDIO && model->audio_ns == 0)
      weir_timeline_set_audio_frame (run.timeline, (guint) run.tracks[i].timeline, 1024, 48000);
    if (i == VIDEO && model->reorder > 0)
      weir_timeline_set_reorder (run.timeline, (guint) run.tracks[i].timeline, 1);
    run.tracks[i].segmenter = -1;
    run.tracks[i].last_dts = -1;
    make_frame (&run, i);
  }
  run.now_us = START_NS / 1000;
  begin_connection (&run, 0);
  while (run.tracks[VIDEO].has_next || run.tracks[AUDIO].has_next) {
    guint next = VIDEO;
    gint64 truth;

    if (!run.tracks[VIDEO].has_next ||
        (run.tracks[AUDIO].has_next && run.tracks[AUDIO].next.truth < run.tracks[VIDEO].next.truth))
      next = AUDIO;
    truth = run.tracks[next].next.truth;
    if (truth >= half && run.live[0] == 0)
      run.live[0] = live_bytes ();
    send_frame (&run, next, &run.tracks[next].next);
    make_frame (&run, next);
  }
  run.live[1] = live_bytes ();
  weir_timeline_end_connection (run.timeline, run.now_us);
  take_decisions (&run);
  weir_segmenter_drain (run.segmenter, run.now_us);
  take_events (&run);

  weir_segmenter_get_statistics (run.segmenter, &statistics);
  counts = weir_timeline_get_counts (run.timeline);
  g_test_message ("%s: %" G_GUINT64_FORMAT
                  " frames, %u discontinuities, %.1f ms apart, dates %.3f s"
                  " off at most, %" G_GUINT64_FORMAT " dropped",
      model->name, run.samples, run.discontinuities, (gdouble) run.worst_sync / 1e6,
      (gdouble) run.worst_date / 1e6, statistics.dropped_samples);
  for (guint i = 1; i < WEIR_REASON_LAST; i++) {
    if (counts[i] > 0)
      g_test_message ("  %s: %" G_GUINT64_FORMAT,
          weir_decision_reason_get_name ((WeirDecisionReason) i), counts[i]);
    if (model->clean)
      g_assert_cmpuint (counts[i], ==, 0);
  }
  g_assert_cmpuint (run.discontinuities, ==, model->discontinuities);
  g_assert_cmpuint (counts[model->reason], >=, model->least);
  if (model->most > 0)
    g_assert_cmpuint (counts[model->reason], <=, model->most);
  g_assert_cmpuint (statistics.dropped_samples, <=, model->dropped);
  if (model->closes_within_ms > 0)
    g_assert_cmpint (run.longest_us, <=, model->closes_within_ms * 1000);
  g_test_message ("  the first segment ends after %.3f s",
      (gdouble) (run.first_closed_us - START_NS / 1000) / 1e6);
  if (model->begins_within_ms > 0)
    g_assert_cmpint (run.first_closed_us, <=, START_NS / 1000 + model->begins_within_ms * 1000);
  g_assert_cmpuint (run.tracks[VIDEO].kept + run.tracks[AUDIO].kept, ==,
      run.tracks[VIDEO].stored + run.tracks[AUDIO].stored + statistics.dropped_samples);
  for (guint i = 0; i < 2; i++) {
    Track *track = &run.tracks[i];
    gint64 frame = track_frame (model, i);
    gint64 sum, expected;

    if (frame == NEVER || !track->has_chunk)
      continue;
    sum = (gint64) ((gdouble) track->duration * 1e9 / run.configs[i]->timescale);
    expected = track->covered + track->last_truth - track->first_truth + frame * track->runs;
    if (ABS (sum - expected) >
        frame * (track->runs + model->discontinuities) + model->slack_ms * MS)
      g_error ("%s: %c lasts %.3f s instead of %.3f s", model->name, "va"[i], (gdouble) sum / 1e9,
          (gdouble) expected / 1e9);
  }
  for (guint i = 0; model->rated && i < 2; i++) {
    WeirTimelineDrift drift;

    weir_timeline_get_drift (run.timeline, (guint) run.tracks[i].timeline, &drift);
    g_test_message ("  %c: %.1f ppm, %.3f s late, %.3f s ahead of its samples", "va"[i],
        drift.rate_ppm, (gdouble) drift.lag_ns / 1e9, (gdouble) drift.count_error_ns / 1e9);
    g_assert_true (drift.rate_known);
    g_assert_cmpfloat (ABS (drift.rate_ppm - model->rates[i]), <, 5);
    if (i == AUDIO)
      g_assert_cmpint (ABS (drift.count_error_ns / MS - model->count_error_ms), <, 50);
  }
  g_assert_cmpuint (weir_segmenter_get_held (run.segmenter), <=, 64 * 1024);
  if (run.closed > 50)
    g_assert_cmpuint (run.live[1], <=, run.live[0] + 64 * 1024);

  weir_timeline_free (run.timeline, g_free);
  weir_segmenter_free (run.segmenter);
  weir_index_unref (run.index);
  for (guint i = 0; i < 2; i++) {
    weir_codec_config_unref (run.configs[i]);
    weir_codec_config_unref (run.changed[i]);
  }
}

#include "models.h"

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autofree gchar *path = g_strdup_printf ("/pathology/%s", models[i].name);

    g_test_add_data_func (path, &models[i], run_model);
  }
  if (g_getenv ("WEIR_LONG") != NULL) {
    for (guint i = 0; i < G_N_ELEMENTS (long_models); i++) {
      g_autofree gchar *path = g_strdup_printf ("/pathology/%s", long_models[i].name);

      g_test_add_data_func (path, &long_models[i], run_model);
    }
  }
  return g_test_run ();
}
