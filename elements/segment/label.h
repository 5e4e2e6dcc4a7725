/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirTrackLabel: what people call a track (pure)
 * @label: (nullable): UTF-8 without control characters, up to %WEIR_TRACK_LABEL_SIZE_MAX bytes
 * @language: (nullable): BCP 47, such as `de` or `pt-BR`; never `und`
 */
typedef struct {
  gchar *label;
  gchar *language;
} WeirTrackLabel;

#define WEIR_TRACK_LABEL_SIZE_MAX 128

/**
 * weir_track_label_new:
 * @label: (nullable): text from outside
 * @language: (nullable): BCP 47, or a code of ISO 639-1 or 639-2 (/T or /B); text from outside
 *
 * What is too long is shortened, control characters and broken UTF-8 are replaced, what is no
 * language is left out. A primary language that has a code of two letters gets that (RFC 5646,
 * 2.2.1).
 *
 * Returns: (transfer full) (nullable): NULL when nothing is left of both
 */
WeirTrackLabel *weir_track_label_new (const gchar *label, const gchar *language);
/* Returns: (transfer full) (nullable): NULL of NULL */
WeirTrackLabel *weir_track_label_copy (const WeirTrackLabel *self);
void weir_track_label_free (WeirTrackLabel *self);
/* NULL is equal to NULL only */
gboolean weir_track_label_equal (const WeirTrackLabel *a, const WeirTrackLabel *b);

/* Returns: the language's ISO 639-2/T code as the `mdhd` box packs it (ISO/IEC 14496-12, 8.4.2.3),
 * `und` when it has none, or @self is NULL */
guint16 weir_track_label_pack_language (const WeirTrackLabel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTrackLabel, weir_track_label_free)

G_END_DECLS
