/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define WEIR_TYPE_SEGMENT_MUX (weir_segment_mux_get_type ())
G_DECLARE_FINAL_TYPE (WeirSegmentMux, weir_segment_mux, WEIR, SEGMENT_MUX, GstElement)

GST_ELEMENT_REGISTER_DECLARE (weirsegmentmux);

G_END_DECLS
