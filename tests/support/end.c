/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Linked into every element test: GStreamer's leaks tracer reports at gst_deinit(), which programs
 * seldom call. With WEIR_TEST_LEAK set one object is leaked on purpose, to show that it is found.
 */

#include <gst/gst.h>

static void
end_gstreamer (void)
{
  if (!gst_is_initialized ())
    return;
  if (g_getenv ("WEIR_TEST_LEAK") != NULL)
    gst_object_ref_sink (gst_bin_new ("leaked"));
  gst_deinit ();
}

__attribute__ ((constructor)) static void
register_end (void)
{
  atexit (end_gstreamer);
}
