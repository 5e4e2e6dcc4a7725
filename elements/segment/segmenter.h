/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/blocks.h"
#include "codec/codec.h"
#include "segment/fragment.h"
#include "segment/label.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * SECTION:segmenter
 *
 * Cuts the tracks of one broadcast into original segments (pure: samples and time in, chunks out).
 *
 * An original segment is one object: `styp`, then chunks (`moof` + `mdat` of one track each) in
 * the order in which they close. The reference track (the first video track, else the first audio
 * track) decides the cuts: at a keyframe once the open segment is at least `segment_duration` long.
 * T, the time of a cut, is that keyframe's presentation time. Every other track is cut at T by
 * presentation time, and because its samples before T may still be on their way, two segments may
 * be open at once; the older one closes when every live track has passed T, or after a bounded wait
 * (`late_media` of media on the reference track, `late_wall` of the clock), and what comes for it
 * later goes into the next one and is counted. So a further video track whose keyframes are
 * elsewhere has chunks at the front of segments that are not independent; its keyframes within a
 * millisecond of T count as at T. An object's `styp` says that it begins with a keyframe (`cmfs`)
 * only when there is no second video track.
 *
 * Time. Samples come in nanoseconds of the broadcast's timeline. Each is rounded to its track's
 * timescale on its own, and durations are differences of rounded stamps, so that they sum exactly.
 * A sample's duration is known when the next one of its track comes; the last one before a
 * discontinuity, a drain or `late_wall` of silence gets its predecessor's duration. Per track and
 * continuous run one constant is added to the decode times, so that the run's first sample has its
 * presentation time equal to its decode time (`tfdt`); composition offsets are then signed (`trun`
 * version 1, CMAF `cmf2`) and live inits carry no edit list. `tfdt` never goes back: a sample whose
 * stamp would make it do so is moved up to its predecessor's end.
 *
 * Runs. A sample flagged `discontinuity`, a changed configuration or a changed set of tracks ends
 * the run: everything open closes, and the next segment (from the reference track's next keyframe)
 * is flagged and, if any track's configuration changed, has a new `init_generation`.
 *
 * Threads: none of its own; the caller serialises.
 */
typedef struct _WeirSegmenter WeirSegmenter;

typedef struct {
  gint64 segment_duration_ns; /* 2 s: no cut at a keyframe before this */
  gint64 part_duration_ns;    /* 500 ms: parts close before the sample that would cross it */
  gint64 known_gop_ns;        /* the GOP that this input is known to send; 0 when unknown */
  gint64 target_wait_ns;      /* 4 s of media: how long the first complete GOP is waited for */
  gint64 late_media_ns;       /* 1 s: see above */
  gint64 late_wall_us;        /* 2 s: see above */
  gint64 reference_silent_us; /* 10 s without video on the clock: audio decides */
  gint64 config_wait_us;      /* 2 s: how long a track without configuration, or video of which no
                                 keyframe has come, delays the start */
  guint runs_per_second;      /* 1 on the clock: what changes more often waits, its samples are
                                 held or dropped … */
  guint runs_burst;           /* 8: … after this many */
  guint segments_per_second;  /* 8 on the clock: more begin only … */
  guint segments_burst;       /* 512: … up to this; then they become longer than they should */
  gsize segment_bytes_max;    /* 64 MiB: cut wherever we are */
  gsize part_bytes_max;       /* 16 MiB: parts close before the sample that would cross it */
  gsize hold_bytes_max;       /* 16 MiB: what is held until its place is known, with
                                 WEIR_SAMPLE_OVERHEAD for each; then it goes where it can */
  guint64 first_number;       /* number of the first segment */
  guint32 first_sequence;     /* mfhd sequence_number of the first chunk, >= 1 */
  guint first_generation;     /* of the first set of inits */
  guint first_target_s;       /* the target duration that is published already; 0: none */
  gboolean resumes;           /* another segmenter has begun the broadcast: the first segment is
                                 behind a discontinuity */
} WeirSegmenterSettings;

/* the defaults that stand beside the fields; numbers and sequences from 0 and 1, nothing resumed */
void weir_segmenter_settings_init (WeirSegmenterSettings *settings);

/**
 * WeirSample: one access unit as it is given to the segmenter
 * @dts: decode time, ns
 * @pts: presentation time, ns
 * @keyframe: decoding can start here
 * @discontinuity: the timeline was flagged broken before this sample
 * @data: (array length=size): the payload; stays valid until @owner is released
 * @owner: (nullable): what keeps @data alive
 * @release: (nullable): called once with @owner as soon as the payload has been copied or dropped,
 *   on the thread that calls the segmenter
 */
typedef struct {
  gint64 dts;
  gint64 pts;
  gboolean keyframe;
  gboolean discontinuity;
  const guint8 *data;
  gsize size;
  gpointer owner;
  GDestroyNotify release;
} WeirSample;

/**
 * WeirChunkSample: a sample of a closed chunk
 * @entry: what the chunk's header says
 * @dts, @pts: ns, as they were given to the segmenter
 */
typedef struct {
  WeirFragmentSample entry;
  gint64 dts;
  gint64 pts;
} WeirChunkSample;

/**
 * WeirChunk: a closed chunk, which is also a partial segment of its track
 *
 * Its bytes are @header followed by @payload. Owned by whoever took it from the segmenter. May be
 * freed on any thread.
 */
typedef struct {
  guint track;          /* as returned by weir_segmenter_add_track() */
  guint64 segment;      /* number of its segment */
  guint part;           /* index among the chunks of its track in its segment, from 0 */
  guint32 sequence;     /* mfhd sequence_number */
  guint64 decode_time;  /* tfdt, ticks of the track's timescale */
  guint64 duration;     /* ticks: sum of the sample durations */
  gboolean independent; /* starts with a keyframe */
  guint sample_count;
  GBytes *header;      /* moof and the header of mdat; a segment's first chunk: styp before */
  gsize styp_size;     /* how much of @header is styp, 0 but for a segment's first chunk */
  WeirBlocks *payload; /* the samples' data, without anything between them */
  GArray *samples;     /* of WeirChunkSample */
  gsize size;          /* bytes of header and payload together */
} WeirChunk;

/* what a sample costs in memory beside its bytes, roughly: what is held is bounded by the sum, or
 * many tiny samples would cost a thousand times what is counted */
#define WEIR_SAMPLE_OVERHEAD 1024

void weir_chunk_free (WeirChunk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirChunk, weir_chunk_free)

/**
 * WeirSegmentTrackTotal: what one closed segment holds of one track
 */
typedef struct {
  guint track;
  guint parts;         /* 0: nothing of this track (a gap in its playlist) */
  guint64 decode_time; /* tfdt of its first sample, ticks */
  guint64 duration;    /* sum of its sample durations, ticks */
  guint sample_count;
  gsize bytes;
} WeirSegmentTrackTotal;

typedef enum {
  WEIR_SEGMENTER_INIT,  /* the set of inits of a generation; comes before its first segment */
  WEIR_SEGMENTER_OPEN,  /* a segment opened */
  WEIR_SEGMENTER_CHUNK, /* a chunk closed */
  WEIR_SEGMENTER_CLOSE, /* a segment closed: no chunk of it will follow */
} WeirSegmenterEventType;

/**
 * WeirSegmenterEvent:
 *
 * Pulled with weir_segmenter_pull(), freed with weir_segmenter_event_free(). Segments close in
 * the order of their numbers; each has OPEN, its CHUNKs (those of at most two segments interleave)
 * and CLOSE.
 */
typedef struct {
  WeirSegmenterEventType type;
  guint64 segment;        /* OPEN, CHUNK, CLOSE */
  guint init_generation;  /* INIT, OPEN: from 0 */
  GPtrArray *tracks;      /* INIT: of WeirCodecConfig, NULL for a track without one;
                             index = track */
  GPtrArray *labels;      /* INIT: of WeirTrackLabel, NULL for a track without one; likewise */
  gboolean discontinuity; /* OPEN, CLOSE: flagged; never on the very first segment, unless
                             it resumes */
  gboolean independent;   /* OPEN, CLOSE: starts with a keyframe */
  gint64 start_ns;        /* OPEN, CLOSE: T, presentation time on the broadcast's timeline */
  gint64 duration_ns;     /* CLOSE: of the reference track */
  guint target_duration;  /* CLOSE: seconds, fixed from the first CLOSE on */
  WeirChunk *chunk;       /* CHUNK: (transfer full) steal it by setting it to NULL */
  GArray *totals;         /* CLOSE: of WeirSegmentTrackTotal, index = track */
} WeirSegmenterEvent;

void weir_segmenter_event_free (WeirSegmenterEvent *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSegmenterEvent, weir_segmenter_event_free)

typedef struct {
  guint64 samples;
  guint64 late_samples;    /* came after their segment had closed */
  guint64 moved_samples;   /* stamp raised so that tfdt does not go back */
  guint64 dropped_samples; /* before the first keyframe, or an unconfigured track */
  guint64 forced_cuts;     /* not at a keyframe */
  guint64 bounded_closes;  /* segments closed by the bounded wait */
} WeirSegmenterStatistics;

WeirSegmenter *weir_segmenter_new (const WeirSegmenterSettings *settings);
void weir_segmenter_free (WeirSegmenter *self);

/**
 * weir_segmenter_add_track:
 *
 * Announces a track. Before the first segment the start waits (bounded) until every announced
 * track has its configuration. Its track_ID in the files is the returned index + 1.
 *
 * Returns: the track's index, from 0
 */
guint weir_segmenter_add_track (WeirSegmenter *self, WeirMediaKind kind);
/* the track has no more samples: nothing waits for it any longer, unless one comes all the same */
void weir_segmenter_end_track (WeirSegmenter *self, guint track);
/* an identical configuration is ignored; another one begins a new run (see above) */
void weir_segmenter_set_config (WeirSegmenter *self, guint track, WeirCodecConfig *config);
/* what the track is called and which language it has, as of weir_track_label_new(), from the next
 * INIT on: that is no reason for one */
void weir_segmenter_set_label (
    WeirSegmenter *self, guint track, const gchar *label, const gchar *language);
/* @sample: its owner is (transfer full), released by the segmenter when dropped */
void weir_segmenter_push (
    WeirSegmenter *self, guint track, const WeirSample *sample, gint64 now_us);
/* does what is due by @now_us (bounded waits) */
void weir_segmenter_advance (WeirSegmenter *self, gint64 now_us);
/* Returns: when weir_segmenter_advance() has something to do, G_MAXINT64 for never */
gint64 weir_segmenter_get_deadline (WeirSegmenter *self);
/* closes everything that is open; a later sample begins a new run, which waits (bounded) until each
 * track of the last one that has not ended has come again, so that what they bring is one change */
void weir_segmenter_drain (WeirSegmenter *self, gint64 now_us);
/* Returns: (transfer full) (nullable): the next event, NULL when there is none */
WeirSegmenterEvent *weir_segmenter_pull (WeirSegmenter *self);
void weir_segmenter_get_statistics (WeirSegmenter *self, WeirSegmenterStatistics *statistics);
/**
 * weir_segmenter_get_held:
 *
 * Returns: how many bytes are in memory: samples that wait for their place, at most
 *   `hold_bytes_max` and the one that has come, and of each track an open chunk, at most
 *   `part_bytes_max`, and its newest sample. Whatever is pushed, it is never more.
 */
gsize weir_segmenter_get_held (WeirSegmenter *self);
/* the last complete GOP's duration on the reference track, ns; 0 when none */
gint64 weir_segmenter_get_gop (WeirSegmenter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSegmenter, weir_segmenter_free)

G_END_DECLS
