/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "playback/index.h"

G_BEGIN_DECLS

/**
 * weir_salvage_segment:
 * @path: a spool file that its writer left behind, whole or torn
 * @configs: (element-type WeirCodecConfig): its tracks' configurations, index = track, NULL for a
 *   track without one; track_ID in the file is index + 1
 * @segment: what was known when it opened (number, epoch, generation, start, date); gets its
 *   parts, `styp_size`, `size`, `independent`, `duration_ns` (of the first video track that has
 *   samples, else the first track), `salvaged` and `closed`. Untouched on failure.
 * @salvaged_path: (out) (transfer full): the new file that holds the whole chunks of @path and
 *   nothing else, made beside it, synced; @path itself is not touched
 *
 * Blocks on the disk: for start-up, or a thread of its own.
 *
 * Returns: FALSE with a #GIOError; %G_IO_ERROR_INVALID_DATA when there is not one whole chunk
 */
gboolean weir_salvage_segment (const gchar *path, GPtrArray *configs, WeirIndexSegment *segment,
    gchar **salvaged_path, GError **error);

/**
 * weir_salvage_object:
 * @fd: (transfer full): an object of the segment store, whose index entry is missing
 * @name: what messages call it
 *
 * Fills in @segment as weir_salvage_segment() does. An object was whole when it was stored; one
 * that is not is %G_IO_ERROR_INVALID_DATA. Blocks on the disk.
 */
gboolean weir_salvage_object (
    gint fd, const gchar *name, GPtrArray *configs, WeirIndexSegment *segment, GError **error);

/**
 * weir_salvage_scan:
 *
 * What weir_salvage_segment() makes of a file's bytes (pure).
 *
 * Returns: how many of them are whole, from the beginning; 0, and @segment is untouched, when there
 *   is not one whole chunk
 */
gsize weir_salvage_scan (
    const guint8 *data, gsize size, GPtrArray *configs, WeirIndexSegment *segment);

/**
 * WeirJournal: what the lines beside the spool files say (pure)
 * @segments: (element-type WeirIndexSegment): as they opened, in the order of the lines
 * @inits: (nullable): the last word on the inits, JSON as of weir_index_inits_to_json()
 */
typedef struct {
  GPtrArray *segments;
  gchar *inits;
} WeirJournal;

/* @text: (nullable); lines that are torn or damaged are left out */
WeirJournal *weir_journal_parse (const gchar *text, gsize size);
void weir_journal_free (WeirJournal *self);

/**
 * WeirSpoolName: `UID-EPOCH-NUMBER.open`, `UID-EPOCH-NUMBER.salvaged` or `UID.journal`
 */
typedef struct {
  enum { WEIR_SPOOL_OPEN, WEIR_SPOOL_SALVAGED, WEIR_SPOOL_JOURNAL } kind;
  gchar uid[33];
  guint64 epoch; /* 0 for the journal; so is the number */
  guint64 number;
} WeirSpoolName;

/* Returns: FALSE when it is none of them: not ours */
gboolean weir_spool_name_parse (const gchar *name, WeirSpoolName *parts);
/* removes all spool files of a broadcast */
void weir_spool_remove (const gchar *folder, const gchar *uid);
/* the same of all broadcasts that are not keys of @known. Returns: how many files */
guint weir_spool_remove_others (const gchar *folder, GHashTable *known);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirJournal, weir_journal_free)

G_END_DECLS
