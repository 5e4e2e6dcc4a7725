/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>

static gboolean
plugin_init (G_GNUC_UNUSED GstPlugin *plugin)
{
  return TRUE;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, weir,
    "Live streaming: ingest, timeline, segments", plugin_init, PACKAGE_VERSION, "LGPL", "weir",
    "Weir")
