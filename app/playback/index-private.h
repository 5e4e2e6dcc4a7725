/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files index*.c share, and nobody else sees. All functions on an index: under its lock.
 *
 *   index.c          the index: what is written to it, and what is read besides playlists
 *   index-segment.c  objects and segments
 *   index-inits.c    inits of generations
 *   index-entries.c  segments and inits as the store keeps them: JSON
 *   index-views.c    which segments a view lists, gaps, which bytes have to stay
 *   index-media.c    media playlists
 *   index-offer.c    multivariant playlists, and what is measured for them
 */
#include "playback/hls.h"
#include "playback/index.h"

G_BEGIN_DECLS

#define WEIR_INDEX_N_VIEWS (WEIR_INDEX_WHOLE + 1)

/* no broadcast has more; keeps numbers from a damaged entry from growing arrays */
#define WEIR_INDEX_TRACKS_MAX 64

struct _WeirIndex {
  gatomicrefcount ref_count;
  gchar *broadcast;
  guint window_segments;
  gint64 listing_us; /* the clock of `listed_us`: see index-views.c */
  gint64 now_us;     /* monotonic, when that was set */
  GMutex lock;

  /* below: under the lock */
  GPtrArray *inits;    /* of WeirIndexInit */
  GPtrArray *segments; /* of WeirIndexSegment, numbers grow; closed ones first */
  guint closed;        /* how many of them are closed */
  guint memory_start;  /* none before this one has its bytes in memory */
  guint blob_start;    /* none before this one has an open object */
  /* of WeirIndexSegment, from the first that the window lists: gaps included, media sequence
   * numbers without a hole. What stands behind an open one is not listed yet. */
  GPtrArray *window;
  guint target_duration;
  gboolean ended, recorded;
  gboolean dependent; /* a segment has closed in which a track does not start with a keyframe */
  gint64 longest_ns;  /* that a closed one lasted */
  GArray *totals;     /* index-offer.c: index = track */
  const WeirIndexSegment *whole_first; /* (nullable): the first that the whole lists */

  /* as made since the last change */
  GBytes *multivariant[WEIR_INDEX_N_VIEWS]; /* (nullable) */
  GPtrArray *window_media;                  /* of GBytes or NULL, index = track + 1 */
  /* those of the whole only grow: index-media.c */
  GPtrArray *whole_media; /* likewise */
  GPtrArray *stale;       /* (nullable): what was among them: goes when the lock is released */
  guint64 whole_version;  /* grows when what is in the whole is not what it was */
  gboolean unmapped;      /* something that has closed has no inits */
  guint64 closings;       /* of segments and gaps, so far */

  void (*changed) (WeirIndex *self, gpointer data);
  gpointer changed_data;
};

/* index.c */
/* releases the lock, and tells of a change */
void weir_index_unlock_changed (WeirIndex *self);
/* Returns: the place of the first segment of @number or a larger one, which may be their end */
guint weir_index_find_first (WeirIndex *self, guint64 number);

/* index-segment.c */
/* Returns: (nullable) (element-type WeirIndexPart) */
GArray *weir_index_segment_get_parts (const WeirIndexSegment *self, guint track);
/* it has @n_tracks tracks at least from now on */
void weir_index_segment_extend (WeirIndexSegment *self, guint n_tracks);

/* index-inits.c */
/* @configs: (element-type WeirCodecConfig) @labels: (nullable) (element-type WeirTrackLabel) */
WeirIndexInit *weir_index_init_new (
    guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels);
void weir_index_init_free (gpointer init);
/* @init: (transfer full): unless what it is of is known already */
void weir_index_take_init (WeirIndex *self, WeirIndexInit *init);
/* whose elements may be NULL */
GPtrArray *weir_index_configs_new (void);
GPtrArray *weir_index_labels_new (void);
GPtrArray *weir_index_bytes_new (void);
/* Returns: (nullable) */
WeirIndexInit *weir_index_find_init (WeirIndex *self, guint64 epoch, guint generation);
/* Returns: (nullable): what @segment has for @track */
WeirCodecConfig *weir_index_find_config (
    WeirIndex *self, const WeirIndexSegment *segment, guint track);

/* index-views.c */
/* Returns: (nullable) */
WeirIndexSegment *weir_index_last_of (const GPtrArray *segments);
/* something closes. @now_us: monotonic. Returns: the time by the clock that listed_us is on */
gint64 weir_index_tick (WeirIndex *self, gint64 now_us);
/* lets go of what is not in the window any more */
void weir_index_advance_window (WeirIndex *self);
/* Returns: how many of the oldest closed segments the window does not list, nor are among the
 * newest @keep: see the rule in index-views.c */
guint weir_index_count_unlisted (WeirIndex *self, guint keep);
/* Returns: (transfer container) (element-type WeirIndexSegment): what a playlist of the window
 * lists */
GPtrArray *weir_index_list_window (WeirIndex *self);
/* Returns: TRUE for what the whole lists, if there is one */
gboolean weir_index_is_in_whole (const WeirIndexSegment *segment);
/* @segment becomes the next one of the window, after the one before. Numbers of segments may leave
 * some out (one that a crash swallowed); media sequence numbers may not. */
void weir_index_append_to_window (WeirIndex *self, WeirIndexSegment *segment);
void weir_index_append_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us);
/* Gaps are not stored: media sequence numbers of segments tell of them. @next: of what follows */
void weir_index_append_missing (WeirIndex *self, guint64 next);

/* index-media.c */
/* Returns: seconds; a recording of segments that do not know it gets what fits them */
guint weir_index_get_target_duration (WeirIndex *self);
/* Returns: @ticks of @from a second as those of @to, rounded */
guint64 weir_index_scale (guint64 ticks, guint64 to, guint64 from);
/* Returns: FALSE when the track's media there needs what came before */
gboolean weir_index_is_independent (WeirIndex *self, const WeirIndexSegment *segment, guint track);
/* Returns: (transfer full): for WeirIndex.whole_media */
GPtrArray *weir_index_wholes_new (void);
/* those that were made are not true any more; but of those of the whole, what they list */
void weir_index_forget_playlists (WeirIndex *self);
/* lets go of texts of the whole that nobody has asked for lately */
void weir_index_count_closing (WeirIndex *self);

/* index-offer.c */
/* Returns: (transfer full): for WeirIndex.totals */
GArray *weir_index_totals_new (void);
/* a segment that has closed counts from now on */
void weir_index_measure (WeirIndex *self, const WeirIndexSegment *segment);
/* what is in the whole is not what it was: nothing that was made of it holds any more */
void weir_index_restart_whole (WeirIndex *self);

G_END_DECLS
