/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "segment/label.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirIndex:
 *
 * What a broadcast's viewers can be given: inits, segments, the chunks of each track inside the
 * segment objects. Filled in order by the broadcast (live) or from the store (recordings), read by
 * any number of HTTP threads; locked inside. Nothing in it is published before its bytes have been
 * written.
 */
typedef struct _WeirIndex WeirIndex;

/**
 * WeirBlob: an object of the segment store, open for reading; reference counted
 */
typedef struct {
  gatomicrefcount ref_count;
  gint fd;
} WeirBlob;

/* @fd: (transfer full) */
WeirBlob *weir_blob_new (gint fd);
WeirBlob *weir_blob_ref (WeirBlob *self);
void weir_blob_unref (WeirBlob *self);

typedef struct {
  guint64 offset; /* in the object */
  guint64 size;
  guint64 decode_time; /* ticks */
  guint64 duration;    /* ticks */
  gboolean independent;
  guint sample_count;
} WeirIndexPart;

/**
 * WeirIndexTrack: one track of one segment
 */
typedef struct {
  GArray *parts; /* of WeirIndexPart */
} WeirIndexTrack;

/**
 * WeirIndexSegment: reference counted; immutable once closed, but for @name and @blob
 *
 * While it is open its parts grow: readers use weir_index_get_track_parts(), and
 * weir_index_open_blob() for its bytes at any time.
 */
typedef struct {
  gatomicrefcount ref_count;
  guint64 number;
  guint64 epoch; /* of the owner that wrote it */
  guint init_generation;
  gboolean discontinuity;
  gboolean independent;
  gboolean closed;
  gboolean salvaged;
  gboolean in_memory;             /* @blob is all there is of it: it is never stored */
  gboolean missing;               /* a gap: see weir_index_add_gap() */
  guint64 media_sequence;         /* in the window; given by the index, kept in the entry */
  guint64 whole_sequence;         /* in the whole; likewise */
  guint64 discontinuity_sequence; /* in the window: up to this one, its own included; likewise */
  guint target_duration;          /* seconds: the playlists' when it closed; 0 when not known */
  gint64 start_ns;                /* T on the broadcast's timeline */
  gint64 duration_ns;             /* of the reference track; 0 while open */
  gint64 program_date_us;         /* wall time of T */
  guint64 styp_size;
  guint64 size;      /* bytes of the object so far */
  GPtrArray *tracks; /* of WeirIndexTrack, index = track */
  gint64 listed_us;  /* on the index's own clock, see index-views.c; 0: not while it was live */
  WeirBlob *blob;    /* (nullable) open object */
  gchar *name;       /* (nullable) its name in the segment store */
} WeirIndexSegment;

WeirIndexSegment *weir_index_segment_new (guint64 number, guint64 epoch);
WeirIndexSegment *weir_index_segment_ref (WeirIndexSegment *self);
void weir_index_segment_unref (WeirIndexSegment *self);
/* appends to a segment that nobody else sees yet (salvage); counts @part in its size */
void weir_index_segment_add_part (WeirIndexSegment *self, guint track, const WeirIndexPart *part);
/* as stored in the store's index entry (a compact text: JSON), and back */
gchar *weir_index_segment_to_json (const WeirIndexSegment *self);
WeirIndexSegment *weir_index_segment_from_json (const gchar *json, GError **error);

/**
 * WeirIndexInit: the inits of one generation
 */
typedef struct {
  guint64 epoch;
  guint generation;
  GPtrArray *configs;  /* of WeirCodecConfig or NULL, index = track */
  GPtrArray *labels;   /* of WeirTrackLabel or NULL, likewise */
  GPtrArray *segments; /* of GBytes: the init of each track, NULL without configuration */
  GBytes *muxed;       /* init of all */
} WeirIndexInit;

/* what a window lists at least, everywhere: an index that is loaded goes on as it was */
#define WEIR_INDEX_WINDOW_SEGMENTS 6

/* @window_segments: how many closed segments, gaps included, the window lists at least; 0: all */
WeirIndex *weir_index_new (const gchar *broadcast_uid, guint window_segments);
WeirIndex *weir_index_ref (WeirIndex *self);
void weir_index_unref (WeirIndex *self);

/* Returns: (transfer none): its uid */
const gchar *weir_index_get_broadcast (WeirIndex *self);
/* nothing will be trimmed: there is a whole. Before the first segment */
void weir_index_set_recorded (WeirIndex *self);

/* the writing side: one thread at a time, in the segmenter's order */
/* @labels: (nullable) (element-type WeirTrackLabel): index = track, NULL for a track without one */
void weir_index_add_init (
    WeirIndex *self, guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels);
/* @segment: (transfer full) */
void weir_index_open_segment (WeirIndex *self, WeirIndexSegment *segment);
/* the part's bytes are in the object now */
void weir_index_add_part (WeirIndex *self, guint64 number, guint track, const WeirIndexPart *part);
/* @target_duration: seconds; fixed by the first call. @now_us: monotonic: playlists go on listing
 * what closed within three target durations before the newest, so that nobody misses any of many
 * that close at once */
void weir_index_close_segment (
    WeirIndex *self, guint64 number, gint64 duration_ns, guint target_duration, gint64 now_us);
/* the object has its final place */
void weir_index_set_name (WeirIndex *self, guint64 number, const gchar *name);
/* an open segment's bytes are in @blob from now on, which is memory. @blob: (transfer full) */
void weir_index_move_to_memory (WeirIndex *self, guint64 number, WeirBlob *blob);
/**
 * weir_index_forget_memory:
 * @keep: how many of the newest closed segments keep their bytes, beside those that a playlist
 *   lists; those in memory beyond them are let go of
 * @excess: how many bytes are to be let go of at least, whatever a playlist lists, oldest first
 *
 * Segments in memory that are let go of are gaps from then on.
 *
 * Returns: how many bytes that are
 */
gsize weir_index_forget_memory (WeirIndex *self, guint keep, gsize excess);
/* Returns: how many bytes of closed segments are in memory */
gsize weir_index_get_memory (WeirIndex *self);
/**
 * weir_index_add_gap:
 * @start_ns: T on the broadcast's timeline
 * @duration_ns: at most the target duration
 * @date_us: wall time of T
 *
 * Nobody has sent for as long as a segment lasts, and the broadcast goes on: a segment that there
 * is not (EXT-X-GAP, RFC 8216bis 4.4.4.7). It takes a media sequence number of the window, has none
 * in the whole, and is not in the store: how many there were follows from the time that has passed.
 * Gaps begin where the segment before them ended, and follow each other without a hole, each as
 * long as the target duration: so they are the same ones after weir_index_restore_gaps() and
 * where a later segment's number tells of them. Without any segment before it is none.
 */
void weir_index_add_gap (WeirIndex *self, gint64 start_ns, gint64 duration_ns, gint64 date_us);
/* no more segments: playlists get EXT-X-ENDLIST */
void weir_index_end (WeirIndex *self);
/* @count gaps that there were behind the last segment: of an index that is loaded, after all its
 * segments have been added, before weir_index_end() */
void weir_index_restore_gaps (WeirIndex *self, guint count);
/**
 * weir_index_trim:
 * @keep: how many closed segments stay
 *
 * Forgets older segments than the window (for inputs that do not record).
 *
 * Returns: (transfer full) (element-type WeirIndexSegment): what was forgotten
 */
GPtrArray *weir_index_trim (WeirIndex *self, guint keep);

/* A segment of a recording, closed already, as it was read from the store; in any order of numbers
 * that grows. Where one is missing, something was not recorded: in the whole the next one begins
 * after a discontinuity, in the window there is a gap, as there was. What follows may be open: the
 * numbers go on, whatever epoch it has. @segment: (transfer full) */
void weir_index_add_closed_segment (WeirIndex *self, WeirIndexSegment *segment);
/* lets go of the open objects of all but the newest @keep closed segments that have a name: they
 * are opened by name again when they are asked for */
void weir_index_release_blobs (WeirIndex *self, guint keep);
/* all inits as a JSON array, configurations as codec name and base64 record, with colour, label and
 * language where there are any, by epoch and generation; and back (what is known already is kept)
 */
gchar *weir_index_inits_to_json (WeirIndex *self);
gboolean weir_index_add_inits_from_json (WeirIndex *self, const gchar *json, GError **error);

/* the reading side: any thread */
/* Returns: (transfer full) (nullable) (element-type WeirCodecConfig): configurations of a
 * generation, index = track, NULL for a track without one */
GPtrArray *weir_index_get_configs (WeirIndex *self, guint64 epoch, guint generation);
/**
 * weir_index_get_track_parts:
 *
 * What is published of one track of one segment, also while the segment is still open.
 *
 * Returns: (transfer full) (nullable) (element-type WeirIndexPart): a copy; NULL: no such segment
 *   or track
 */
GArray *weir_index_get_track_parts (WeirIndex *self, guint64 epoch, guint64 number, guint track);
/* Returns: TRUE once the first segment has closed, so that playlists exist */
gboolean weir_index_is_playable (WeirIndex *self);
gboolean weir_index_has_ended (WeirIndex *self);
/* Returns: (transfer full) (nullable) */
WeirIndexSegment *weir_index_find (WeirIndex *self, guint64 epoch, guint64 number);
/* Returns: (transfer full) (nullable): the object while it is open; else its name is in @name,
 * (out) (transfer full) (nullable) */
WeirBlob *weir_index_open_blob (WeirIndex *self, guint64 epoch, guint64 number, gchar **name);
/* Returns: (transfer full) (nullable): the init of one track, or the muxed one for @track -1 */
GBytes *weir_index_get_init (WeirIndex *self, guint64 epoch, guint generation, gint track);

/**
 * WeirIndexView: which segments a media playlist lists; each view has URLs of its own, so that the
 * media sequence of a URL never goes back
 * @WEIR_INDEX_WINDOW: the newest, and gaps (weir_index_add_gap()) in their place. After the end it
 *   stays as it was, with EXT-X-ENDLIST, but for gaps behind the last media of a track: hls.js
 * never ends behind a gap. That takes segments out of a playlist (which RFC 8216bis 6.2.1 forbids),
 * but none that can be had. Of a broadcast that is not recorded it is all there is.
 * @WEIR_INDEX_WHOLE: all there are from the beginning, without the gaps: the recording while it is
 *   made, and after its end. There is none of what is not recorded (weir_index_set_recorded())
 */
typedef enum {
  WEIR_INDEX_WINDOW,
  WEIR_INDEX_WHOLE,
} WeirIndexView;

/**
 * weir_index_get_multivariant, weir_index_get_media, weir_index_get_muxed:
 *
 * The playlists, made once per change and then shared (RFC 8216bis). A multivariant playlist names
 * the media playlists of its view; the muxed one lists whole objects with all tracks, for tools and
 * static servers.
 *
 * The whole's media playlists become long. What has been written of a segment is kept and shared,
 * so that asking costs what has closed since somebody asked before; it is let go of when nobody has
 * asked while some thirty segments closed. The first to ask has all of it written, on its own
 * thread: the writing side waits for none of that.
 *
 * Returns: (transfer full) (nullable): NULL while there is nothing to list, or no such track; media
 *   playlists (element-type GBytes): the text in pieces, one for the window; the head is in the
 *   first one
 */
GBytes *weir_index_get_multivariant (WeirIndex *self, WeirIndexView view);
GPtrArray *weir_index_get_media (WeirIndex *self, WeirIndexView view, guint track);
GPtrArray *weir_index_get_muxed (WeirIndex *self, WeirIndexView view);

/* called after every change on the thread that made it; must not call the index's writing side */
void weir_index_set_changed (
    WeirIndex *self, void (*changed) (WeirIndex *self, gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBlob, weir_blob_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirIndexSegment, weir_index_segment_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirIndex, weir_index_unref)

G_END_DECLS
