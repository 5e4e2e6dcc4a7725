/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/clock.h"
#include "timeline/health.h"
#include "timeline/timeline.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define WEIR_TYPE_SANITIZER (weir_sanitizer_get_type ())
G_DECLARE_FINAL_TYPE (WeirSanitizer, weir_sanitizer, WEIR, SANITIZER, GstElement)

/* @clock: (transfer none): what arrival is read from; for tests, before READY → PAUSED */
void weir_sanitizer_set_clock (WeirSanitizer *self, const WeirClock *clock);
/* other limits than the default ones; before READY → PAUSED */
void weir_sanitizer_set_health_settings (WeirSanitizer *self, const WeirHealthSettings *settings);
/**
 * weir_sanitizer_resume:
 * @end_ns: end of what was put out so far, above 0
 * @lost_us: how long ago that was
 *
 * Goes on with the timeline of another sanitizer, which may have been another process's: the first
 * connection is a reconnect. Before READY → PAUSED.
 */
void weir_sanitizer_resume (WeirSanitizer *self, gint64 end_ns, gint64 lost_us);
/**
 * weir_sanitizer_get_end:
 * @end_ns: (out): end of what was put out so far, on the broadcast's timeline; 0: nothing
 * @lost_us: (out): how long ago that came: by so much the timeline jumps with a connection that
 *   begins now
 *
 * Any thread; while the element is PAUSED or PLAYING, else FALSE.
 */
gboolean weir_sanitizer_get_end (WeirSanitizer *self, gint64 *end_ns, gint64 *lost_us);
/* notices what time alone brings about, such as that nothing comes; once a second is enough. Posts
 * messages. Any thread that holds no lock which a bus' handlers take. */
void weir_sanitizer_check_health (WeirSanitizer *self);

/**
 * WeirSanitizerHealth: the indices of tracks are the timeline's
 * @configs: (nullable): of tracks that are or were configured
 * @texts: (nullable): a sentence for each issue that is raised
 * @decisions: how often each was taken, since READY → PAUSED
 */
typedef struct {
  WeirHealthReport report;
  WeirCodecConfig *configs[WEIR_TIMELINE_TRACKS_MAX];
  gchar *texts[WEIR_HEALTH_MEASURED_LAST];
  guint64 decisions[WEIR_REASON_LAST];
} WeirSanitizerHealth;

/* any thread; @health: all of it is set, to be cleared */
void weir_sanitizer_get_health (WeirSanitizer *self, WeirSanitizerHealth *health);
void weir_sanitizer_health_clear (WeirSanitizerHealth *self);
/* any thread; @decisions: (out caller-allocates) (array fixed-size=WEIR_REASON_LAST): as above */
void weir_sanitizer_get_decisions (WeirSanitizer *self, guint64 *decisions);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirSanitizerHealth, weir_sanitizer_health_clear)

GST_ELEMENT_REGISTER_DECLARE (weirsanitizer)

G_END_DECLS
