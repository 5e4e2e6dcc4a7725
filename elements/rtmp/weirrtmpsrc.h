/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "rtmp/connection.h"

#include <gst/gst.h>

G_BEGIN_DECLS

#define WEIR_TYPE_RTMP_SRC (weir_rtmp_src_get_type ())
G_DECLARE_FINAL_TYPE (WeirRtmpSrc, weir_rtmp_src, WEIR, RTMP_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (weirrtmpsrc)

G_END_DECLS
