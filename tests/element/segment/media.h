/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gst/mediacaps.h"
#include "records.h"

#include <gst/check/gstharness.h>

/* Coded media made by hand for the segment elements: framing is right, content means nothing. */

static inline void
media_set_caps (GstHarness *harness, WeirCodec codec, const gchar *record)
{
  g_autoptr (WeirCodecConfig) config = test_config (codec, record);

  gst_harness_set_src_caps (harness, weir_codec_config_to_caps (config));
}

static inline GstBuffer *
media_make (gboolean video, guint64 time, gboolean keyframe)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 60, NULL);
  const guint8 head[5] = {0, 0, 0, 56, keyframe ? 0x65 : 0x41};

  gst_buffer_memset (buffer, 0, 0x42, 60);
  gst_buffer_fill (buffer, 0, head, video ? sizeof head : 0);
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DTS (buffer) = video ? time : GST_CLOCK_TIME_NONE;
  if (!keyframe)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

/* 25 frames a second with a keyframe each second; @audio may be NULL */
static inline void
media_push (GstHarness *video, GstHarness *audio, GstClockTime from, GstClockTime to)
{
  for (GstClockTime time = from; time < to; time += 40 * GST_MSECOND) {
    g_assert_cmpint (
        gst_harness_push (video, media_make (TRUE, time, time % GST_SECOND == 0)), ==, GST_FLOW_OK);
    for (guint i = 0; audio != NULL && i < 2; i++)
      g_assert_cmpint (
          gst_harness_push (audio, media_make (FALSE, time + i * 20 * GST_MSECOND, TRUE)), ==,
          GST_FLOW_OK);
  }
}
