/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Worker: which track of the broadcast goes on with which pad of the source. */
#include "broadcast/private.h"

#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* of a pad of the sanitizer: the name of the source's pad that was linked last */
#define SOURCE_NAME "weir-source-name"

static const gchar *
pad_kind (GstPad *pad)
{
  return g_str_has_prefix (GST_PAD_NAME (pad), "video") ? "video" : "audio";
}

static void
live_on_main (WeirBroadcast *self, G_GNUC_UNUSED gpointer data)
{
  if (weir_broadcast_get_state (self) == WEIR_LIFECYCLE_CONNECTING) {
    weir_broadcast_set_state (self, WEIR_LIFECYCLE_LIVE, 0);
    weir_broadcast_tell (self, WEIR_EVENT_BROADCAST_LIVE, NULL);
  }
  weir_broadcast_pending_done (self);
}

/* Worker: until the first segment closes each sample is observed, as it comes: what was held back
 * at the start is written all at once, and of its chunks only the last tells the wall time. */
static GstPadProbeReturn
first_media_probe (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  WeirBroadcast *self = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  gboolean fixed;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&self->lock);
  fixed = self->date_fixed;
  if (!fixed)
    weir_wall_date_observe (&self->wall_date, (gint64) time, g_get_real_time ());
  g_mutex_unlock (&self->lock);
  return fixed ? GST_PAD_PROBE_REMOVE : GST_PAD_PROBE_OK;
}

/* Worker, once per connection: media has passed the sanitizer's start condition. */
static GstPadProbeReturn
live_probe (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, gpointer data)
{
  weir_broadcast_post (data, live_on_main, NULL);
  return GST_PAD_PROBE_REMOVE;
}

/* Worker: the sanitizer brought the source pad of a track: a tee, and the segments behind it. */
void
weir_broadcast_on_sanitizer_pad_added (
    G_GNUC_UNUSED GstElement *sanitizer, GstPad *pad, WeirBroadcast *self)
{
  GstElement *tee;
  g_autoptr (GstPad) tee_sink = NULL;
  g_autoptr (GstPad) tee_branch = NULL;
  g_autoptr (GstPad) segments = NULL;
  const gchar *template = NULL;

  if (!GST_PAD_IS_SRC (pad))
    return;
  template = g_str_equal (pad_kind (pad), "video") ? "video_%u" : "audio_%u";
  tee = gst_element_factory_make ("tee", NULL);
  segments = gst_element_request_pad_simple (self->sink, template);
  if (tee == NULL || segments == NULL) {
    g_message ("broadcast %s: a track of the encoder could not be added", self->record->uid);
    if (tee != NULL)
      gst_object_unref (gst_object_ref_sink (tee));
    return;
  }
  g_object_set (tee, "allow-not-linked", TRUE, NULL);
  gst_bin_add (GST_BIN (self->pipeline), tee);
  tee_sink = gst_element_get_static_pad (tee, "sink");
  tee_branch = gst_element_request_pad_simple (tee, "src_%u");
  gst_pad_link_full (tee_branch, segments, GST_PAD_LINK_CHECK_NOTHING);
  gst_element_sync_state_with_parent (tee);
  gst_pad_link_full (pad, tee_sink, GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, first_media_probe, self, NULL);
}

/* whether the caps of both are of one codec: MP3 and AAC have their number in a field */
static gboolean
is_same_codec (GstPad *a, GstPad *b)
{
  g_autoptr (GstCaps) caps_a = gst_pad_get_current_caps (a);
  g_autoptr (GstCaps) caps_b = gst_pad_get_current_caps (b);
  const GstStructure *structure_a, *structure_b;
  gint version_a = 0, version_b = 0;

  if (caps_a == NULL || caps_b == NULL)
    return FALSE;
  structure_a = gst_caps_get_structure (caps_a, 0);
  structure_b = gst_caps_get_structure (caps_b, 0);
  gst_structure_get_int (structure_a, "mpegversion", &version_a);
  gst_structure_get_int (structure_b, "mpegversion", &version_b);
  return gst_structure_has_name (structure_a, gst_structure_get_name (structure_b)) &&
         version_a == version_b;
}

/* Worker: which free track of the broadcast goes on with the source's @pad. It is of the same kind;
 * among those the same codec counts most, then the name that the source had for it, then the order.
 * @any: another codec under another name will do. Returns: (transfer full) (nullable) */
static GstPad *
find_free_track (WeirBroadcast *self, GstPad *pad, gboolean any)
{
  const gchar *kind = pad_kind (pad);
  GstPad *best = NULL;
  gint best_score = any ? -1 : 0;

  GST_OBJECT_LOCK (self->sanitizer);
  for (GList *l = self->sanitizer->sinkpads; l != NULL; l = l->next) {
    const gchar *name = g_object_get_data (l->data, SOURCE_NAME);
    gint score = 0;

    if (gst_pad_is_linked (l->data) || !g_str_equal (pad_kind (l->data), kind))
      continue;
    if (is_same_codec (l->data, pad))
      score += 2;
    if (g_strcmp0 (name, GST_PAD_NAME (pad)) == 0)
      score += 1;
    if (score <= best_score)
      continue;
    best = l->data;
    best_score = score;
  }
  if (best != NULL)
    gst_object_ref (best);
  GST_OBJECT_UNLOCK (self->sanitizer);
  return best;
}

/* Returns: (transfer full) (nullable): the sanitizer's pad that the source's @pad goes on with */
static GstPad *
broadcast_find_sink (WeirBroadcast *self, GstPad *pad)
{
  GstPad *sink = find_free_track (self, pad, FALSE);
  g_autoptr (GstPad) taken = gst_element_get_static_pad (self->sanitizer, GST_PAD_NAME (pad));
  const gchar *template = g_str_equal (pad_kind (pad), "video") ? "video_%u" : "audio_%u";

  /* its number is the track's with sources of several tracks, whatever came first */
  if (sink == NULL)
    sink = gst_element_request_pad_simple (
        self->sanitizer, taken == NULL ? GST_PAD_NAME (pad) : template);
  if (sink == NULL)
    sink = find_free_track (self, pad, TRUE);
  return sink;
}

/* Worker: tracks are matched by kind and codec, never by order. */
void
weir_broadcast_link_pad (WeirBroadcast *self, GstPad *pad)
{
  g_autoptr (GstPad) sink = broadcast_find_sink (self, pad);
  g_autoptr (GstPad) output = NULL;
  g_autofree gchar *output_name = NULL;

  if (sink == NULL || gst_pad_link_full (pad, sink, GST_PAD_LINK_CHECK_CAPS) != GST_PAD_LINK_OK) {
    g_message ("broadcast %s: a track of the encoder could not be linked", self->record->uid);
    return;
  }
  g_object_set_data_full (G_OBJECT (sink), SOURCE_NAME, gst_pad_get_name (pad), g_free);
  output_name =
      g_strdup_printf ("%s_src_%s", pad_kind (pad), strrchr (GST_PAD_NAME (sink), '_') + 1);
  output = gst_element_get_static_pad (self->sanitizer, output_name);
  if (output != NULL)
    gst_pad_add_probe (output, GST_PAD_PROBE_TYPE_BUFFER, live_probe, self, NULL);
}

void
weir_broadcast_on_source_pad_added (GstElement *source, GstPad *pad, WeirBroadcast *self)
{
  if (g_atomic_pointer_get (&self->linked) == source)
    weir_broadcast_link_pad (self, pad);
  else
    weir_broadcast_on_foreign_pad (self, pad);
}
