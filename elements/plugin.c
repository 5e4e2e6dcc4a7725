/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/weirrtmpsrc.h"
#include "segment/weirsegmentmux.h"
#include "segment/weirsegmentsink.h"
#include "timeline/weirsanitizer.h"

#include <gst/gst.h>

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean registered = FALSE;

  registered |= GST_ELEMENT_REGISTER (weirrtmpsrc, plugin);
  registered |= GST_ELEMENT_REGISTER (weirsanitizer, plugin);
  registered |= GST_ELEMENT_REGISTER (weirsegmentmux, plugin);
  registered |= GST_ELEMENT_REGISTER (weirsegmentsink, plugin);
  return registered;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, weir,
    "Live streaming: publishers, one timeline per broadcast, fragmented MP4 segments", plugin_init,
    PACKAGE_VERSION, "LGPL", "Weir", "Weir, self-hosted live streaming")
