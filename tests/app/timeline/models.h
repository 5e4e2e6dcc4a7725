/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The encoders of pathology-test.c, which includes this. */

/* ---- whole clocks ---- */

/* both stamps start at @a ms */
static void
starts_at (const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  frame->dts += model->a * MS;
  frame->pts += model->a * MS;
}

static void
jump (Frame *frame, gint64 ns)
{
  frame->dts += ns;
  frame->pts += ns;
}

/* from 20 s on the clock is @a ms elsewhere; @b: the track that jumps, -1: both */
static void
jumps (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if ((model->b < 0 || model->b == track) && frame->truth >= 20 * S)
    jump (frame, model->a * MS);
}

/* a jump of @a ms every 10 s, to and fro */
static void
jumps_often (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if ((model->b < 0 || model->b == track) && frame->truth / (10 * S) % 2 == 1)
    jump (frame, model->a * MS);
}

/* single frames of @b are off by @a ms, one in 50 */
static void
spikes (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if ((model->b < 0 || model->b == track) && frame->index % 50 == 30)
    jump (frame, model->a * MS);
}

/* one frame in 50 has no stamp */
static void
spikes_to_zero (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if ((model->b < 0 || model->b == track) && frame->index % 50 == 30)
    frame->dts = frame->pts = 0;
}

/* two frames of @b in a row that do not even agree */
static void
spikes_in_pairs (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if (model->b == track && frame->index % 50 == 30)
    jump (frame, model->a * MS);
  if (model->b == track && frame->index % 50 == 31)
    jump (frame, -model->a * MS);
}

/* every other frame of @b has a clock of its own, @a ms off */
static void
alternates (const Model *model, guint track, Frame *frame)
{
  jump (frame, 7200 * S);
  if (model->b == track && frame->index % 2 == 1)
    jump (frame, model->a * MS);
}

/* every second frame has the stamp of the one before */
static void
duplicates (const Model *model, guint track, Frame *frame)
{
  gint64 duration = track_frame (model, track);

  if (model->b == track && frame->index % 2 == 1)
    jump (frame, -duration);
}

/* the clock of @b (-1: both) stands still from 20 s for @a ms (0: for ever), and then stands where
 * it should, … */
static void
freezes (const Model *model, guint track, Frame *frame)
{
  if (model->b >= 0 && model->b != track)
    return;
  if (frame->truth >= 20 * S && (model->a == 0 || frame->truth < 20 * S + model->a * MS))
    jump (frame, 20 * S - frame->truth);
}

/* … or goes on from where it stood */
static void
freezes_and_is_late (const Model *model, guint track, Frame *frame)
{
  freezes (model, track, frame);
  if ((model->b < 0 || model->b == track) && frame->truth >= 20 * S + model->a * MS)
    jump (frame, -model->a * MS);
}

/* ---- starts ---- */

/* sound is captured @a ms later than the picture, on one clock */
static void
sound_is_later (const Model *model, guint track, Frame *frame)
{
  frame->lost |= track == AUDIO && frame->truth < model->a * MS;
}

static void
picture_is_later (const Model *model, guint track, Frame *frame)
{
  frame->lost |= track == VIDEO && (frame->truth < model->a * MS || frame->index < model->b);
  /* its first frame is a keyframe */
  if (track == VIDEO && frame->truth >= model->a * MS &&
      frame->truth - track_frame (model, VIDEO) < model->a * MS)
    frame->keyframe = TRUE;
}

/* both clocks begin with their track, which begins @a ms later for sound */
static void
two_zeros (const Model *model, guint track, Frame *frame)
{
  gint64 duration = track_frame (model, AUDIO);
  gint64 first = (model->a * MS + duration - 1) / duration * duration;

  if (track != AUDIO)
    return;
  frame->lost = frame->truth < first;
  jump (frame, -first);
}

/* sound's clock is @a ms off the picture's */
static void
two_clocks (const Model *model, guint track, Frame *frame)
{
  if (track == AUDIO)
    jump (frame, model->a * MS);
}

/* nothing of @b between 20 s and @a ms later */
static void
vanishes (const Model *model, guint track, Frame *frame)
{
  frame->lost |= (model->b < 0 || model->b == track) && frame->truth >= 20 * S &&
                 frame->truth < 20 * S + model->a * MS;
}

/* a pause of all, as long by the clock as in truth; then a keyframe */
static void
pauses (const Model *model, guint track, Frame *frame)
{
  gint64 end = 20 * S + model->a * MS;

  frame->lost = frame->truth >= 20 * S && frame->truth < end;
  if (track == VIDEO && frame->truth >= end && frame->truth - track_frame (model, track) < end)
    frame->keyframe = TRUE;
}

/* sound was promised and never comes */
static void
no_picture (G_GNUC_UNUSED const Model *model, guint track, Frame *frame)
{
  frame->lost = track == VIDEO;
}

static void
no_keyframe (G_GNUC_UNUSED const Model *model, guint track, Frame *frame)
{
  if (track == VIDEO)
    frame->keyframe = FALSE;
}

static void
no_sound (G_GNUC_UNUSED const Model *model, guint track, Frame *frame)
{
  frame->lost = track == AUDIO;
}

/* ---- drift, in ppm ---- */

static gint64
scale_ppm (gint64 ns, gint64 ppm)
{
  return (gint64) ((gdouble) ns * (1.0 + (gdouble) ppm / 1e6));
}

/* sound is captured by a clock of its own, and stamped by the right one */
static void
sound_drifts (const Model *model, guint track, Frame *frame)
{
  if (track != AUDIO)
    return;
  frame->truth = frame->shown = frame->dts = frame->pts = scale_ppm (frame->truth, model->a);
  frame->arrival = frame->truth + DELAY_NS;
}

/* the same, stamped by counting */
static void
sound_drifts_away (const Model *model, guint track, Frame *frame)
{
  gint64 counted = frame->truth;

  sound_drifts (model, track, frame);
  if (track == AUDIO)
    frame->dts = frame->pts = counted;
}

/* the encoder's clock is not the wall's */
static void
encoder_drifts (const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  frame->dts = scale_ppm (frame->dts, model->a);
  frame->pts = scale_ppm (frame->pts, model->a);
}

/* ---- composition times ---- */

/* one frame in 40 is said to be shown @a ms later than it is; not a keyframe */
static void
huge_composition (const Model *model, guint track, Frame *frame)
{
  if (track == VIDEO && frame->index % 40 == 21)
    frame->pts += model->a * MS;
}

/* the encoder is joined in the midst: what follows a keyframe needs what came before it */
static void
open_gop (const Model *model, guint track, Frame *frame)
{
  gint64 gop = model->gop != 0 ? model->gop : 60;
  gint64 duration = track_frame (model, track), place = frame->index % gop;

  if (track != VIDEO)
    return;
  /* I P B B …, of which the first two B are shown before the I */
  frame->shown = frame->truth + duration;
  if (place == 0)
    frame->shown += 2 * duration;
  else if (place <= 2)
    frame->shown = frame->truth;
  frame->pts = frame->shown;
}

/* ---- rates ---- */

/* a picture only when something moves: 1 to 25 a second, as it comes */
static void
variable_rate (const Model *model, guint track, Frame *frame)
{
  gint64 second = frame->truth / S;

  if (track != VIDEO || frame->keyframe)
    return;
  frame->lost = frame->index % (1 + second * 7 % 25) != 0;
  (void) model;
}

/* ---- configurations ---- */

static void
config_again (const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  gint64 duration = track_frame (model, track);

  if (frame->truth / (2 * S) != (frame->truth - duration) / (2 * S))
    frame->config = CONFIG_AGAIN;
}

/* at 20 s, @a frames before a keyframe; @b: of which track */
static void
config_changes (const Model *model, guint track, Frame *frame)
{
  if (track != model->b)
    return;
  if (frame->index == (track == VIDEO ? 600 - model->a : 940))
    frame->config = CONFIG_CHANGED;
}

/* at 20 s the picture changes, and the next keyframe comes @a ms later only */
static void
config_without_keyframe (const Model *model, guint track, Frame *frame)
{
  if (track != VIDEO)
    return;
  if (frame->index == 590)
    frame->config = CONFIG_CHANGED;
  if (frame->index >= 590 && frame->truth < 20 * S + model->a * MS)
    frame->keyframe = FALSE;
}

/* ---- arrival ---- */

/* nothing gets through from 20 s for @a ms, then all at once */
static void
stalls (const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  gint64 end = 20 * S + model->a * MS;

  if (frame->truth >= 20 * S && frame->truth < end)
    frame->arrival = end + (frame->truth - 20 * S) / 10;
  if (frame->truth >= end)
    frame->arrival = MAX (frame->arrival, end + model->a * MS / 10);
}

/* what a restreamer had of the last @a ms comes first, at once */
static void
burst_at_start (const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  frame->arrival = MAX (frame->arrival, model->a * MS + frame->truth / 20);
}

/* the laptop sleeps at 20 s for @a ms and its clock with it */
static void
sleeps (const Model *model, guint track, Frame *frame)
{
  gint64 stamp = frame->dts;

  pauses (model, track, frame);
  if (frame->truth >= 20 * S) {
    frame->dts = stamp - model->a * MS;
    frame->pts -= model->a * MS;
  }
}

/* a pause of @a ms, behind which the clock is another one; @b: without a keyframe */
static void
pauses_and_jumps (const Model *model, guint track, Frame *frame)
{
  gboolean keyframe = frame->keyframe;

  pauses (model, track, frame);
  if (frame->truth < 20 * S)
    return;
  jump (frame, HOUR_S * S);
  if (model->b != 0)
    frame->keyframe = keyframe;
}

/* a new connection after @a ms, whose clock begins at 0 (@b: goes on) */
static void
reconnects (const Model *model, guint track, Frame *frame)
{
  gint64 end = 20 * S + model->a * MS;

  pauses (model, track, frame);
  if (frame->truth < end)
    return;
  if (track == VIDEO)
    frame->reconnect = frame->truth - track_frame (model, VIDEO) < end;
  else
    /* the picture is first */
    frame->lost = frame->truth < end + track_frame (model, VIDEO);
  if (model->b == 0)
    jump (frame, -end);
}

/* the same with the old clock, of which the last 3 s come again */
static void
reconnects_into_its_past (const Model *model, guint track, Frame *frame)
{
  reconnects (model, track, frame);
  if (frame->truth >= 20 * S + model->a * MS)
    jump (frame, -3 * S);
}

/* ---- applications and services that others build upon ---- */

/* RootEncoder, TimestampMode.CLOCK: pictures have the time at which the encoder put them out
 * (VideoEncoder.java, checkBuffer()), up to @a ms later than they were captured; none goes back */
static void
stamped_when_encoded (const Model *model, guint track, Frame *frame)
{
  if (track == VIDEO)
    jump (frame, frame->index * 7919 % (model->a + 1) * MS);
}

/* RootEncoder, TimestampMode.BUFFER: sound is stamped by counting what was read (AudioEncoder.java,
 * calculatePts()), and what the full queue did not take is not counted: a frame every 5 s; every
 * @a ms it is set right by the clock (pedroSG94/RootEncoder#1739) */
static void
counts_what_was_read (const Model *model, guint track, Frame *frame)
{
  gint64 lost_every = 5 * S / track_frame (model, AUDIO);
  gint64 right_every = model->a * MS / (5 * S) * lost_every;

  if (track != AUDIO)
    return;
  frame->lost = frame->index % lost_every == lost_every - 1;
  jump (frame, -(frame->index % right_every / lost_every) * track_frame (model, AUDIO));
}

/* a restreamer that is asked for a stream of 7 hours, in mid-GOP: its first pictures cannot be
 * decoded; the stamps are the original's, made of ticks of 90 kHz and rounded to ms by two hops */
static void
is_restreamed (G_GNUC_UNUSED const Model *model, guint track, Frame *frame)
{
  gint64 stamps[2] = {frame->dts + 7 * HOUR_S * S, frame->pts + 7 * HOUR_S * S};

  for (guint i = 0; i < 2; i++) {
    stamps[i] = stamps[i] * 9 / 100000 * 100000 / 9;
    for (guint hop = 0; hop < 2; hop++)
      stamps[i] = (stamps[i] + MS / 2) / MS * MS + MS / 3;
  }
  frame->dts = stamps[0];
  frame->pts = stamps[1];
  if (track == VIDEO)
    frame->keyframe = frame->index % 60 == 25;
}

/* ---- muxers ---- */

/* the presentation time is given as the decode time, too */
static void
decode_times_are_missing (G_GNUC_UNUSED const Model *model, G_GNUC_UNUSED guint track, Frame *frame)
{
  frame->dts = frame->pts;
}

static void
derive (WeirTimelineSettings *settings)
{
  settings->derive_decode_times = TRUE;
}

static void
correct_all (WeirTimelineSettings *settings)
{
  settings->snap_to_grid = TRUE;
  settings->count_audio_samples = TRUE;
  settings->fill_audio_gaps = TRUE;
  settings->derive_decode_times = TRUE;
}

static const Model models[] = {
    {.name = "steady", .seconds = 60, .clean = TRUE},
    {.name = "b-pictures", .seconds = 60, .reorder = 1, .clean = TRUE},
    {.name = "starts-late", .seconds = 60, .shape = starts_at, .a = 5000000, .clean = TRUE},
    {.name = "wraps-24", .seconds = 60, .shape = starts_at, .a = (1 << 24) - 20000, .clean = TRUE},
    {.name = "wraps-31",
        .seconds = 60,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 31) - 20000,
        .mask = G_MAXINT32,
        .clean = TRUE},
    {.name = "passes-31",
        .seconds = 60,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 31) - 20000,
        .clean = TRUE},
    {.name = "wraps-32",
        .seconds = 60,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 32) - 20000,
        .clean = TRUE},
    {.name = "wraps-32-at-once",
        .seconds = 60,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 32) - 10,
        .clean = TRUE},
    {.name = "starts-at-epoch",
        .seconds = 60,
        .shape = starts_at,
        .a = G_GINT64_CONSTANT (1700000000000),
        .clean = TRUE},
    {.name = "starts-before-zero", .seconds = 60, .shape = starts_at, .a = -70, .clean = TRUE},

#define SPIKES(n, function, ms, which)                                                             \
  {                                                                                                \
    .name = n, .seconds = 60, .shape = function, .a = ms, .b = which, .reason = WEIR_REASON_SPIKE, \
    .least = 20                                                                                    \
  }
    SPIKES ("spikes-of-an-hour-video", spikes, 3600000, VIDEO),
    SPIKES ("spikes-of-an-hour-back-video", spikes, -3600000, VIDEO),
    SPIKES ("spikes-of-an-hour-audio", spikes, 3600000, AUDIO),
    SPIKES ("spikes-of-an-hour-both", spikes, 3600000, -1),
    SPIKES ("spikes-of-3-seconds", spikes, 3000, VIDEO),
    SPIKES ("spikes-to-zero", spikes_to_zero, 0, -1),
    SPIKES ("spikes-in-pairs", spikes_in_pairs, 600000, VIDEO),
    SPIKES ("alternating-clocks-video", alternates, 3600000, VIDEO),
    SPIKES ("alternating-clocks-audio", alternates, -3600000, AUDIO),
#undef SPIKES
    {.name = "duplicates-video",
        .seconds = 60,
        .shape = duplicates,
        .b = VIDEO,
        .reason = WEIR_REASON_DUPLICATE_DTS,
        .least = 800},
    {.name = "duplicates-audio",
        .seconds = 60,
        .shape = duplicates,
        .b = AUDIO,
        .reason = WEIR_REASON_DUPLICATE_DTS,
        .least = 1300},

#define JUMPS(n, function, ms, which, count)                                                       \
  {                                                                                                \
    .name = n, .seconds = 60, .shape = function, .a = ms, .b = which, .reason = WEIR_REASON_RESET, \
    .least = count, .most = count                                                                  \
  }
    JUMPS ("jump-of-an-hour", jumps, 3600000, -1, 2),
    JUMPS ("jump-of-an-hour-back", jumps, -3600000, -1, 2),
    JUMPS ("jump-of-an-hour-video", jumps, 3600000, VIDEO, 1),
    JUMPS ("jump-of-an-hour-audio", jumps, 3600000, AUDIO, 1),
    JUMPS ("jump-of-an-hour-back-video", jumps, -3600000, VIDEO, 1),
    JUMPS ("jump-of-an-hour-back-audio", jumps, -3600000, AUDIO, 1),
    JUMPS ("jump-of-3-seconds", jumps, 3000, -1, 2),
    JUMPS ("jump-of-3-seconds-back", jumps, -3000, -1, 2),
    JUMPS ("jump-of-3-seconds-audio", jumps, 3000, AUDIO, 1),
    JUMPS ("jumps-to-and-fro", jumps_often, 3600000, -1, 10),
    JUMPS ("jumps-to-and-fro-video", jumps_often, 3600000, VIDEO, 5),
    JUMPS ("jumps-to-and-fro-audio", jumps_often, -5000000, AUDIO, 5),
#undef JUMPS
    {.name = "jump-back-within-reordering",
        .seconds = 60,
        .shape = jumps,
        .a = -400,
        .b = -1,
        .flagged = {{20000, 20800}},
        .slack_ms = 400,
        .reason = WEIR_REASON_BACKWARD_DTS,
        .least = 20},

#define FREEZES(n, function, ms, which)                                                            \
  {                                                                                                \
    .name = n, .seconds = 60, .shape = function, .a = ms, .b = which, .flagged = {{20000, 20350}}, \
    .reason = WEIR_REASON_FROZEN_CLOCK, .least = 100                                               \
  }
    FREEZES ("frozen-video", freezes, 10000, VIDEO),
    FREEZES ("frozen-audio", freezes, 10000, AUDIO),
    FREEZES ("frozen-both", freezes, 10000, -1),
    FREEZES ("frozen-for-ever-video", freezes, 0, VIDEO),
    FREEZES ("frozen-for-ever-both", freezes, 0, -1),
    FREEZES ("frozen-and-late-video", freezes_and_is_late, 10000, VIDEO),
    FREEZES ("frozen-and-late-both", freezes_and_is_late, 10000, -1),
#undef FREEZES

    /* a shared screen */
    {.name = "a-picture-in-3-seconds",
        .seconds = 120,
        .video_ns = 3 * S,
        .gop = 2,
        .holes = {{0, 9000}},
        .flagged = {{0, 9000}},
        .discontinuities = 1,
        .dropped = 1, /* it has no keyframe before it */
        .reason = WEIR_REASON_GAP,
        .least = 2,
        .most = 2},
    {.name = "a-picture-in-6-seconds",
        .seconds = 300,
        .video_ns = 6 * S,
        .gop = 2,
        .holes = {{0, 18000}},
        .flagged = {{0, 18000}},
        .discontinuities = 1,
        .dropped = 1, /* it has no keyframe before it */
        .reason = WEIR_REASON_GAP,
        .least = 2,
        .most = 2},
    {.name = "config-without-keyframe",
        .seconds = 90,
        .shape = config_without_keyframe,
        .a = 31000,
        .holes = {{51900, 52100}},
        .flagged = {{19000, 53000}},
        .discontinuities = 1,
        .reason = WEIR_REASON_OLD_CONFIG,
        .least = 800,
        .closes_within_ms = 5000},
    {.name = "sound-0.1-s-later", .seconds = 60, .shape = sound_is_later, .a = 100, .clean = TRUE},
    {.name = "sound-1-s-later", .seconds = 60, .shape = sound_is_later, .a = 1000, .clean = TRUE},
    {.name = "sound-1-s-later-not-announced",
        .seconds = 60,
        .shape = sound_is_later,
        .a = 1000,
        .late_config = {FALSE, TRUE},
        .clean = TRUE},
    {.name = "sound-5-s-later", .seconds = 60, .shape = sound_is_later, .a = 5000, .clean = TRUE},
    {.name = "sound-5-s-later-not-announced",
        .seconds = 60,
        .shape = sound_is_later,
        .a = 5000,
        .late_config = {FALSE, TRUE},
        .discontinuities = 1,
        .clean = TRUE,
        .dropped = 100},
    {.name = "sound-1-minute-later-not-announced",
        .seconds = 120,
        .shape = sound_is_later,
        .a = 60000,
        .late_config = {FALSE, TRUE},
        .discontinuities = 1,
        .clean = TRUE,
        .dropped = 100},
    {.name = "sound-1-hour-later",
        .seconds = 3660,
        .shape = sound_is_later,
        .a = 3600000,
        .video_ns = S,
        .gop = 2,
        .clean = TRUE},
    {.name = "picture-0.1-s-later", .seconds = 60, .shape = picture_is_later, .a = 100},
    {.name = "picture-1-s-later", .seconds = 60, .shape = picture_is_later, .a = 1000},
    {.name = "picture-5-s-later", .seconds = 60, .shape = picture_is_later, .a = 5000},
    {.name = "picture-5-s-later-not-announced",
        .seconds = 60,
        .shape = picture_is_later,
        .a = 5000,
        .late_config = {TRUE, FALSE},
        .discontinuities = 1},
    {.name = "two-zeros-0.5-s-apart", .seconds = 60, .shape = two_zeros, .a = 500},
    {.name = "two-zeros-1-s-apart", .seconds = 60, .shape = two_zeros, .a = 1000},
    {.name = "two-zeros-3-s-apart", .seconds = 60, .shape = two_zeros, .a = 3000},
    {.name = "two-zeros-1-minute-apart",
        .seconds = 120,
        .shape = two_zeros,
        .a = 60000,
        .late_config = {FALSE, TRUE},
        .discontinuities = 1,
        .dropped = 100},
    {.name = "two-zeros-1-hour-apart",
        .seconds = 3660,
        .shape = two_zeros,
        .a = 3600000,
        .video_ns = S,
        .gop = 2},
    {.name = "clocks-10-s-apart", .seconds = 60, .shape = two_clocks, .a = 10000},
    {.name = "clocks-1-hour-apart", .seconds = 60, .shape = two_clocks, .a = 3600000},
    {.name = "clocks-1-hour-apart-back", .seconds = 60, .shape = two_clocks, .a = -3600000},
    {.name = "clocks-an-epoch-apart",
        .seconds = 60,
        .shape = two_clocks,
        .a = G_GINT64_CONSTANT (1700000000000)},

    {.name = "sound-vanishes-for-1-s",
        .seconds = 60,
        .shape = vanishes,
        .a = 1000,
        /* the first frame behind it bridges the hole */ .flagged = {{20900, 21040}},
        .b = AUDIO,
        .clean = TRUE},
    {.name = "sound-vanishes-for-30-s",
        .seconds = 90,
        .shape = vanishes,
        .a = 30000,
        .b = AUDIO,
        .holes = {{50000, 50100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_GAP,
        .least = 1,
        .most = 1},
    {.name = "picture-vanishes-for-1-s",
        .seconds = 60,
        .shape = vanishes,
        .a = 1000,
        .b = VIDEO,
        .clean = TRUE},
    {.name = "picture-vanishes-for-30-s",
        .seconds = 90,
        .shape = vanishes,
        .a = 30000,
        .b = VIDEO,
        .discontinuities = 1,
        .reason = WEIR_REASON_GAP,
        .least = 1,
        .most = 1,
        .holes = {{50000, 52100}},
        .dropped = 60},
    {.name = "picture-vanishes-for-good",
        .seconds = 60,
        .shape = vanishes,
        .a = 3600000,
        .b = VIDEO,
        .clean = TRUE},
    {.name = "sound-never-comes", .seconds = 60, .shape = no_sound, .clean = TRUE},
    {.name = "picture-never-comes",
        .seconds = 60,
        .shape = no_picture,
        .clean = TRUE,
        .begins_within_ms = 6200},
    {.name = "keyframe-never-comes",
        .seconds = 60,
        .shape = no_keyframe,
        .reason = WEIR_REASON_BEFORE_KEYFRAME,
        .least = 1700,
        .begins_within_ms = 12200},
    {.name = "keyframe-after-9-s",
        .seconds = 60,
        .shape = picture_is_later,
        .a = 9000,
        .begins_within_ms = 6200},
    {.name = "sound-only", .seconds = 60, .video_ns = NEVER, .clean = TRUE},
    {.name = "picture-only", .seconds = 60, .audio_ns = NEVER, .clean = TRUE},

    {.name = "pause-of-1-s", .seconds = 60, .shape = pauses, .a = 1000, .clean = TRUE},
    {.name = "pause-of-5-s",
        .seconds = 60,
        .shape = pauses,
        .a = 5000,
        .holes = {{25000, 25100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_GAP,
        .least = 2,
        .most = 2},
    {.name = "pause-of-an-hour",
        .seconds = 3680,
        .shape = pauses,
        .a = 3600000,
        .holes = {{3620000, 3620100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_GAP,
        .least = 2,
        .most = 2},

    {.name = "pause-of-1-s-and-jump",
        .seconds = 60,
        .shape = pauses_and_jumps,
        .a = 1000,
        .holes = {{20900, 21100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_RESET,
        .least = 2,
        .most = 2},
    {.name = "pause-of-1-s-and-jump-in-mid-gop",
        .seconds = 60,
        .shape = pauses_and_jumps,
        .a = 1000,
        .b = 1,
        .holes = {{21900, 22100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_RESET,
        .least = 2,
        .most = 2},
    {.name = "pause-of-10-s-and-jump",
        .seconds = 60,
        .shape = pauses_and_jumps,
        .a = 10000,
        .holes = {{29900, 30100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_RESET,
        .least = 2,
        .most = 2},

    {.name = "sound-drifts-6-h",
        .seconds = 6 * HOUR_S,
        .shape = sound_drifts,
        .a = 40,
        .video_ns = S,
        .gop = 2,
        .rated = TRUE,
        .count_error_ms = 864,
        .clean = TRUE},
    {.name = "sound-drifts-away-6-h",
        .seconds = 6 * HOUR_S,
        .shape = sound_drifts_away,
        .a = 50,
        .video_ns = S,
        .audio_ns = S / 5,
        .gop = 2,
        .apart = TRUE,
        .slack_ms = 1200,
        .rated = TRUE,
        .rates = {0, -50},
        .clean = TRUE},
    {.name = "encoder-drifts-2-h",
        .seconds = 2 * HOUR_S,
        .shape = encoder_drifts,
        .a = 200,
        .video_ns = S,
        .audio_ns = S / 5,
        .gop = 2,
        .slack_ms = 4500,
        .rated = TRUE,
        .rates = {200, 200},
        .clean = TRUE},
    {.name = "encoder-drifts-back-2-h",
        .seconds = 2 * HOUR_S,
        .shape = encoder_drifts,
        .a = -200,
        .video_ns = S,
        .audio_ns = S / 5,
        .gop = 2,
        .slack_ms = 4500,
        .rated = TRUE,
        .rates = {-200, -200},
        .clean = TRUE},

    {.name = "encoder-drifts-48-h",
        .seconds = 48 * HOUR_S,
        .shape = encoder_drifts,
        .a = -300,
        .video_ns = 3 * S / 2,
        .audio_ns = 3 * S / 2,
        .gop = 2,
        .slack_ms = 52000,
        .rated = TRUE,
        .rates = {-300, -300},
        .clean = TRUE},

    {.name = "negative-composition",
        .seconds = 60,
        .reorder = -1,
        .reason = WEIR_REASON_NEGATIVE_COMPOSITION,
        .least = 1,
        .most = 1,
        .slack_ms = 40},
    {.name = "huge-composition",
        .seconds = 60,
        .shape = huge_composition,
        .a = 10000,
        .reason = WEIR_REASON_IMPOSSIBLE_COMPOSITION,
        .least = 40},
    {.name = "huge-composition-back",
        .seconds = 60,
        .shape = huge_composition,
        .a = -10000,
        .reason = WEIR_REASON_IMPOSSIBLE_COMPOSITION,
        .least = 40},
    {.name = "open-gop",
        .seconds = 60,
        .shape = open_gop,
        .reason = WEIR_REASON_LEADING_PICTURE,
        .least = 2,
        .most = 2},
    {.name = "gop-of-25-s", .seconds = 120, .gop = 750, .clean = TRUE},
    {.name = "no-gop", .seconds = 120, .gop = G_MAXINT64, .clean = TRUE},
    {.name = "1-fps", .seconds = 120, .video_ns = S, .gop = 2, .clean = TRUE},
    {.name = "a-frame-in-2-s", .seconds = 300, .video_ns = 2 * S, .gop = 1, .clean = TRUE},
    {.name = "120-fps", .seconds = 30, .video_ns = S / 120, .gop = 240, .clean = TRUE},
    {.name = "variable-fps",
        .seconds = 120,
        .shape = variable_rate,
        .clean = TRUE,
        .slack_ms = 500},

    {.name = "config-every-2-s", .seconds = 60, .shape = config_again, .clean = TRUE},
    {.name = "config-changes-at-a-keyframe",
        .seconds = 60,
        .shape = config_changes,
        .b = VIDEO,
        .discontinuities = 1,
        .clean = TRUE},
    {.name = "config-changes-before-a-keyframe",
        .seconds = 60,
        .shape = config_changes,
        .a = 20,
        .b = VIDEO,
        .discontinuities = 1,
        .reason = WEIR_REASON_OLD_CONFIG,
        .least = 20,
        .most = 20,
        .slack_ms = 700,
        .holes = {{19900, 20100}}},
    {.name = "audio-config-changes",
        .seconds = 60,
        .shape = config_changes,
        .b = AUDIO,
        .discontinuities = 1,
        .clean = TRUE,
        .holes = {{19900, 20100}}},

    {.name = "burst-at-start",
        .seconds = 60,
        .shape = burst_at_start,
        .a = 4000,
        .clean = TRUE,
        .late = TRUE},
    {.name = "stall-of-1-s", .seconds = 60, .shape = stalls, .a = 1000, .clean = TRUE},
    {.name = "stall-of-8-s", .seconds = 60, .shape = stalls, .a = 8000, .clean = TRUE},
    {.name = "stall-of-60-s", .seconds = 200, .shape = stalls, .a = 60000, .clean = TRUE},
    {.name = "sleep-with-a-clock-that-sleeps",
        .seconds = 200,
        .shape = sleeps,
        .a = 60000,
        .holes = {{90000, 110000}},
        .flagged = {{20000, 105000}},
        .discontinuities = 1,
        .reason = WEIR_REASON_LAG,
        .least = 2,
        .most = 2,
        .slack_ms = 60000},
    /* not long enough to be told from a delay: nothing is marked, the dates stay behind */
    {.name = "sleep-of-8-s-with-a-clock-that-sleeps",
        .seconds = 60,
        .shape = sleeps,
        .a = 8000,
        .flagged = {{20000, 60000}},
        .slack_ms = 8000,
        .clean = TRUE},
    {.name = "sleep-with-a-clock-that-goes-on",
        .seconds = 200,
        .shape = pauses,
        .a = 60000,
        .holes = {{80000, 80100}},
        .discontinuities = 1,
        .reason = WEIR_REASON_GAP,
        .least = 2,
        .most = 2},
    {.name = "reconnect-with-a-new-clock",
        .seconds = 60,
        .shape = reconnects,
        .a = 5000,
        .holes = {{25000, 25200}},
        .discontinuities = 1,
        .reason = WEIR_REASON_NONE},
    {.name = "reconnect-with-the-same-clock",
        .seconds = 60,
        .shape = reconnects,
        .a = 5000,
        .b = 1,
        .holes = {{25000, 25200}},
        .discontinuities = 1},

    {.name = "reconnect-into-its-past",
        .seconds = 60,
        .shape = reconnects_into_its_past,
        .a = 5000,
        .b = 1,
        .holes = {{25000, 25200}},
        .discontinuities = 1},

    {.name = "stamped-when-encoded",
        .seconds = 60,
        .shape = stamped_when_encoded,
        .a = 25,
        .slack_ms = 30,
        .clean = TRUE},
    {.name = "counts-what-was-read",
        .seconds = 120,
        .shape = counts_what_was_read,
        .a = 30000,
        .apart = TRUE,
        .slack_ms = 150,
        .clean = TRUE},
    {.name = "restreamed",
        .seconds = 60,
        .shape = is_restreamed,
        .reason = WEIR_REASON_BEFORE_KEYFRAME,
        .least = 25,
        .most = 25},

    {.name = "decode-times-missing",
        .seconds = 60,
        .reorder = 1,
        .shape = decode_times_are_missing,
        .apart = TRUE,
        .slack_ms = 200,
        .reason = WEIR_REASON_BACKWARD_DTS,
        .least = 500},
    {.name = "decode-times-missing-and-derived",
        .seconds = 60,
        .reorder = 1,
        .shape = decode_times_are_missing,
        .settle = derive,
        .slack_ms = 70,
        .reason = WEIR_REASON_DERIVED,
        .least = 300},
    {.name = "corrected-steady",
        .seconds = 60,
        .settle = correct_all,
        .reason = WEIR_REASON_GRID,
        .least = 1700},
    {.name = "corrected-b-pictures",
        .seconds = 60,
        .reorder = 1,
        .settle = correct_all,
        .reason = WEIR_REASON_COUNTED,
        .least = 1700},
    {.name = "corrected-drift",
        .seconds = HOUR_S,
        .shape = sound_drifts,
        .a = 50,
        .video_ns = S,
        .gop = 2,
        .settle = correct_all,
        .slack_ms = 70,
        .flagged = {{0, 3600000}},
        .reason = WEIR_REASON_COUNTED,
        .least = 100000},
    {.name = "corrected-jumps",
        .seconds = 60,
        .shape = jumps_often,
        .a = 3600000,
        .b = -1,
        .settle = correct_all,
        .reason = WEIR_REASON_RESET,
        .least = 10,
        .most = 10},

    /* thinned out: a frame a second of both */
    {.name = "48-hours",
        .seconds = 48 * HOUR_S,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 32) - 24 * HOUR_S * 1000,
        .video_ns = S,
        .audio_ns = S,
        .gop = 2,
        .clean = TRUE},
    {.name = "48-hours-31-bits",
        .seconds = 48 * HOUR_S,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 31) - 24 * HOUR_S * 1000,
        .mask = G_MAXINT32,
        .video_ns = 3 * S / 2,
        .audio_ns = 3 * S / 2,
        .gop = 2,
        .clean = TRUE},
};

static const Model long_models[] = {
    {.name = "48-hours-of-every-frame",
        .seconds = 48 * HOUR_S,
        .shape = starts_at,
        .a = (G_GINT64_CONSTANT (1) << 32) - 24 * HOUR_S * 1000,
        .clean = TRUE},
};
