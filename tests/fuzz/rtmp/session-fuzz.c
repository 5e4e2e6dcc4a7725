/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/session.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* C0 as in the handshake, then zeros: what is fuzzed comes after it */
static void
shake_hands (WeirRtmpSession *session)
{
  guint8 hello[3073] = {3};
  const guint8 *input = hello;
  gsize size = sizeof hello;
  WeirRtmpEvent event;

  g_assert (!weir_rtmp_session_input (session, &input, &size, 0, &event));
  weir_writer_reset (weir_rtmp_session_get_output (session));
}

/* TRUE when it is over */
static gboolean
handle (WeirRtmpSession *session, WeirRtmpEvent *event, gint64 now_us)
{
  gboolean over = event->type == WEIR_RTMP_EVENT_CLOSE;

  if (event->type == WEIR_RTMP_EVENT_PUBLISH) {
    g_assert (event->key != NULL && event->app != NULL);
    if (event->key[0] == 'x')
      weir_rtmp_session_refuse (session, "NetStream.Publish.Denied", "no", now_us);
    else
      weir_rtmp_session_accept (session, now_us);
  }
  if (over)
    g_assert (event->reason != NULL &&
              (event->limit == NULL || g_strv_contains (weir_rtmp_get_limits (), event->limit)));
  if (event->type == WEIR_RTMP_EVENT_MESSAGE)
    g_assert (event->message.size == 0 || event->message.payload != NULL);
  weir_rtmp_event_clear (event);
  return over;
}

/* the first byte: in pieces of which size; the second: how much time passes from piece to piece */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint8 random_bytes[1528];
  WeirRtmpSessionSettings settings;
  g_autoptr (WeirRtmpSession) session = NULL;
  gint64 now_us = 0, step_us;
  gsize piece;
  guint64 dropped = 0;
  WeirRtmpEvent event;

  if (size < 2)
    return 0;
  piece = data[0] > 0 ? (gsize) data[0] * 64 : 1;
  step_us = (gint64) data[1] * 10000;
  data += 2;
  size -= 2;
  weir_rtmp_session_settings_init (&settings);
  settings.chunk.video_max = 256 * 1024;
  session = weir_rtmp_session_new (&settings, random_bytes, now_us);
  shake_hands (session);
  while (size > 0) {
    gsize count = MIN (piece, size);
    const guint8 *input = data;

    data += count;
    size -= count;
    while (weir_rtmp_session_input (session, &input, &count, now_us, &event)) {
      if (handle (session, &event, now_us))
        return 0;
    }
    g_assert (count == 0);
    /* what others want of it, whatever state it is in */
    if (weir_rtmp_session_request_reconnect (session, "/live", NULL))
      g_assert (
          (weir_rtmp_session_get_capabilities (session) & WEIR_RTMP_CAPABILITY_RECONNECT) != 0);
    if (weir_rtmp_session_tell (session, WEIR_RTMP_LEVEL_WARNING, "NetStream.Publish.Warning",
            "Keyframes are missing.", now_us))
      g_assert (weir_rtmp_session_is_publishing (session));
    now_us += step_us;
    while (weir_rtmp_session_advance (session, now_us, &event)) {
      if (handle (session, &event, now_us))
        return 0;
    }
    /* what one piece of input is answered with is bounded */
    g_assert (weir_rtmp_session_get_output (session)->size < 128 * 1024);
    weir_writer_reset (weir_rtmp_session_get_output (session));
    while (weir_rtmp_session_take_drops (session, &dropped) != NULL)
      g_assert (dropped > 0);
  }
  return 0;
}
