/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"
#include "timeline/health.h"

G_BEGIN_DECLS

/**
 * WeirBroadcastHealth:
 *
 * What is known of how well a broadcast's encoder does: the issues that are raised, and what was
 * measured. Pure; the caller serialises.
 */

/* issues of names that are not known beside those that are */
#define WEIR_BROADCAST_ISSUES_MAX 32

typedef struct {
  gchar *name; /* as weir_health_code_get_name(), or a source's own word */
  WeirHealthCode code;
  WeirHealthSeverity severity;
  gint64 since_us; /* wall */
  gboolean measured;
  gdouble value, limit; /* of a measured one */
  gchar *text;
} WeirBroadcastIssue;

/* 0 and NULL are what is not known */
typedef struct {
  WeirMediaKind kind;
  gchar *codec;
  guint width, height;
  guint sample_rate, channels;
  WeirHealthTrack measured;
} WeirBroadcastTrack;

typedef struct {
  GPtrArray *issues; /* of WeirBroadcastIssue, oldest first */
  GPtrArray *tracks; /* of WeirBroadcastTrack */
  gdouble ratio;     /* seconds of media in a second; 0: not known yet */
  guint64 decisions[WEIR_REASON_LAST];
} WeirBroadcastHealth;

WeirBroadcastHealth *weir_broadcast_health_new (void);
WeirBroadcastHealth *weir_broadcast_health_copy (const WeirBroadcastHealth *self);
void weir_broadcast_health_free (WeirBroadcastHealth *self);

/**
 * weir_broadcast_health_raise:
 * @issue: (transfer none): copied; `since_us` is now
 *
 * Returns: TRUE when it is a new one; FALSE when it was there (and says this from now on), or there
 *   are too many
 */
gboolean weir_broadcast_health_raise (WeirBroadcastHealth *self, const WeirBroadcastIssue *issue);
/* Returns: FALSE when there is none of that name */
gboolean weir_broadcast_health_clear (WeirBroadcastHealth *self, const gchar *name);
/* another connection comes: what sources have said is not about it */
void weir_broadcast_health_forget_sources (WeirBroadcastHealth *self);
/* Returns: (transfer none) (nullable) */
const WeirBroadcastIssue *weir_broadcast_health_find (
    const WeirBroadcastHealth *self, WeirHealthCode code);
/* what is measured now, of an issue that is there */
void weir_broadcast_health_refresh (
    WeirBroadcastHealth *self, WeirHealthCode code, gdouble value, const gchar *text);
/* @track: (transfer none): copied */
void weir_broadcast_health_add_track (WeirBroadcastHealth *self, const WeirBroadcastTrack *track);
/* Returns: (transfer none): "ok", "warning" or "error", the worst of the issues */
const gchar *weir_broadcast_health_get_state (const WeirBroadcastHealth *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBroadcastHealth, weir_broadcast_health_free)

G_END_DECLS
