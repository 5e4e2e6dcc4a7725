/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/clock.h"
#include "timeline/timeline.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define WEIR_TYPE_SANITIZER (weir_sanitizer_get_type ())
G_DECLARE_FINAL_TYPE (WeirSanitizer, weir_sanitizer, WEIR, SANITIZER, GstElement)

/* @clock: (transfer none): what arrival is read from; for tests, before READY → PAUSED */
void weir_sanitizer_set_clock (WeirSanitizer *self, const WeirClock *clock);

GST_ELEMENT_REGISTER_DECLARE (weirsanitizer)

G_END_DECLS
