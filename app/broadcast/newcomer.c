/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second encoder comes while the first one is connected. WeirTakeover decides; here its verdicts
 * are carried out. An accepted newcomer has a source element of its own beside the incumbent's, on
 * the same worker. Its pads lead nowhere, what they bring is dropped. Its first keyframe makes the
 * exchange, on the worker and within that push: no pad of the incumbent leads on any more, the
 * newcomer's do, and for all that comes behind it is a reconnect.
 */
#include "broadcast/private.h"

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* how soon a newcomer's first keyframe has to come */
#define TRIAL_US (5 * G_USEC_PER_SEC)
#define TRIAL_CHECK_MS 100
/* of a pad: its probe; what was said and nobody heard */
#define PROBE "weir-probe"
#define PROMISE "weir-promise"

#define TAKEN_OVER "Taken over by another encoder."

void
weir_broadcast_init_newcomer (WeirBroadcast *self)
{
  const WeirConfig *config = self->context.config;
  const WeirTakeoverPolicy policy = {
      .always = g_strcmp0 (config->recording.takeover, "always") == 0,
      .silence_us = config->recording.takeover_silence,
      .hold_us = MIN (config->recording.takeover_silence, config->limits.authorise / 5 * 4),
      .trial_us = TRIAL_US,
  };

  weir_takeover_init (&self->takeover, &policy);
}

static WeirTakeoverVerdict
judge (WeirBroadcast *self)
{
  const WeirTakeoverIncumbent incumbent = {
      .present = self->source != NULL,
      .connected_us = self->seat_us,
      .last_media_us =
          self->connection != NULL ? weir_connection_get_last_media_us (self->connection) : 0,
  };
  gint64 next_us;

  return weir_takeover_judge (&self->takeover, &incumbent, g_get_monotonic_time (), &next_us);
}

/* the place in the line is free */
static void
forget_newcomer (WeirBroadcast *self)
{
  weir_takeover_leave (&self->takeover);
  g_clear_object (&self->newcomer);
}

WeirBroadcastAnswer
weir_broadcast_judge_newcomer (WeirBroadcast *self, WeirConnection *connection)
{
  WeirTakeoverVerdict verdict;

  /* it has left meanwhile, or was refused by someone else */
  if (self->takeover.newcomer == WEIR_TAKEOVER_HELD &&
      !weir_connection_is_undecided (self->newcomer))
    forget_newcomer (self);
  if (!weir_connection_is_undecided (connection))
    return WEIR_BROADCAST_GONE;
  if (self->source == NULL) {
    forget_newcomer (self);
    return WEIR_BROADCAST_CONNECTED;
  }
  if (weir_takeover_arrive (&self->takeover, g_get_monotonic_time ()))
    g_set_object (&self->newcomer, connection);
  else if (self->newcomer != connection)
    return WEIR_BROADCAST_BUSY;
  verdict = judge (self);
  if (verdict == WEIR_TAKEOVER_ACCEPT)
    return WEIR_BROADCAST_CONNECTED;
  if (verdict == WEIR_TAKEOVER_WAIT)
    return WEIR_BROADCAST_HELD;
  g_clear_object (&self->newcomer);
  return verdict == WEIR_TAKEOVER_DAMPED ? WEIR_BROADCAST_DAMPED : WEIR_BROADCAST_BUSY;
}

/* ---- the trial ---- */

static void
stop_trial_timer (WeirBroadcast *self)
{
  if (self->trial_timer != NULL)
    g_source_destroy (self->trial_timer);
  g_clear_pointer (&self->trial_timer, g_source_unref);
}

/* it is not on trial any more; its source goes, too. What it has sent counts as received. */
static void
drop_newcomer (WeirBroadcast *self)
{
  GstElement *source = g_steal_pointer (&self->trial);
  g_autoptr (WeirConnection) connection = g_steal_pointer (&self->trial_connection);

  stop_trial_timer (self);
  forget_newcomer (self);
  g_atomic_pointer_set (&self->candidate, NULL);
  weir_broadcast_remove_element (self, source);
  g_mutex_lock (&self->lock);
  self->bytes_received += weir_connection_get_bytes_received (connection);
  g_mutex_unlock (&self->lock);
}

void
weir_broadcast_dismiss_newcomer (WeirBroadcast *self, const gchar *description)
{
  if (self->trial == NULL)
    return;
  weir_connection_close (self->trial_connection, description);
  drop_newcomer (self);
}

gboolean
weir_broadcast_forget_newcomer (WeirBroadcast *self, WeirConnection *connection)
{
  if (self->newcomer != connection)
    return FALSE;
  if (self->trial != NULL)
    drop_newcomer (self);
  forget_newcomer (self);
  return TRUE;
}

static gboolean
check_trial (gpointer data)
{
  WeirBroadcast *self = data;

  if (judge (self) != WEIR_TAKEOVER_GIVE_UP)
    return G_SOURCE_CONTINUE;
  /* or the exchange is on its way */
  if (g_atomic_pointer_compare_and_exchange (&self->candidate, self->trial, NULL)) {
    weir_counters_add (self->context.counters, WEIR_REASON_NO_KEYFRAME);
    weir_broadcast_dismiss_newcomer (
        self, "No keyframe came in time, and another encoder publishes.");
  }
  return G_SOURCE_REMOVE;
}

static void
on_no_more_pads (G_GNUC_UNUSED GstElement *source, WeirBroadcast *self)
{
  g_atomic_int_set (&self->complete, TRUE);
}

void
weir_broadcast_begin_trial (WeirBroadcast *self, GstElement *source, WeirConnection *connection)
{
  self->trial = source;
  self->trial_connection = g_object_ref (connection);
  g_atomic_int_set (&self->promoted, FALSE);
  g_atomic_int_set (&self->complete, FALSE);
  g_atomic_pointer_set (&self->candidate, source);
  g_signal_connect (source, "no-more-pads", G_CALLBACK (on_no_more_pads), self);
  self->trial_timer = g_timeout_source_new (TRIAL_CHECK_MS);
  g_source_set_callback (self->trial_timer, check_trial, self, NULL);
  g_source_attach (self->trial_timer, NULL);
}

static void
seat_newcomer (WeirBroadcast *self, WeirLifecycle state)
{
  GstElement *source = g_steal_pointer (&self->trial);
  g_autoptr (WeirConnection) connection = g_steal_pointer (&self->trial_connection);

  stop_trial_timer (self);
  g_clear_object (&self->newcomer);
  weir_broadcast_begin_health (self, FALSE);
  weir_broadcast_take_seat (self, source, connection, state);
}

gboolean
weir_broadcast_promote_newcomer (WeirBroadcast *self)
{
  if (self->trial == NULL)
    return FALSE;
  g_atomic_int_set (&self->promoted, TRUE);
  weir_takeover_complete (&self->takeover, FALSE, g_get_monotonic_time ());
  seat_newcomer (self, WEIR_LIFECYCLE_CONNECTING);
  return TRUE;
}

static void
tell_takeover (WeirBroadcast *self)
{
  g_message ("broadcast %s: connection %" G_GUINT64_FORMAT " %s %s is taken over by connection "
             "%" G_GUINT64_FORMAT " %s %s",
      self->record->uid, weir_connection_get_id (self->connection),
      weir_connection_get_protocol (self->connection), weir_connection_get_peer (self->connection),
      weir_connection_get_id (self->trial_connection),
      weir_connection_get_protocol (self->trial_connection),
      weir_connection_get_peer (self->trial_connection));
  weir_broadcast_tell_connection (self, WEIR_EVENT_BROADCAST_TAKEN_OVER, self->trial_connection,
      "another encoder with the same key");
}

static void
exchanged_on_main (WeirBroadcast *self, gpointer source)
{
  /* otherwise it has got the seat before, or all is over */
  if (self->trial != NULL && self->trial == source) {
    WeirLifecycle state = weir_broadcast_get_state (self);

    tell_takeover (self);
    self->last_media_us =
        MAX (self->last_media_us, weir_connection_get_last_media_us (self->connection));
    weir_connection_close (self->connection, TAKEN_OVER);
    weir_broadcast_clear_seat (self, TAKEN_OVER);
    weir_takeover_complete (&self->takeover, TRUE, g_get_monotonic_time ());
    g_mutex_lock (&self->lock);
    self->takeovers++;
    g_mutex_unlock (&self->lock);
    seat_newcomer (self, state);
  }
  weir_broadcast_pending_done (self);
}

/* ---- worker ---- */

static GstPadProbeReturn on_foreign_data (GstPad *pad, GstPadProbeInfo *info, gpointer data);

static void
add_probe (WeirBroadcast *self, GstPad *pad)
{
  gulong id = gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_foreign_data, self, NULL);

  g_object_set_data (G_OBJECT (pad), PROBE, GSIZE_TO_POINTER (id));
}

void
weir_broadcast_on_foreign_pad (WeirBroadcast *self, GstPad *pad)
{
  add_probe (self, pad);
}

/* Returns: (transfer full): of @element */
static GPtrArray *
get_pads (GstElement *element, gboolean sinks)
{
  GPtrArray *pads = g_ptr_array_new_with_free_func (gst_object_unref);

  GST_OBJECT_LOCK (element);
  for (GList *l = sinks ? element->sinkpads : element->srcpads; l != NULL; l = l->next)
    g_ptr_array_add (pads, gst_object_ref (l->data));
  GST_OBJECT_UNLOCK (element);
  return pads;
}

/* what the incumbent still sends is dropped: nothing is wrong with it */
static void
unlink_incumbent (WeirBroadcast *self)
{
  g_autoptr (GPtrArray) sinks = get_pads (self->sanitizer, TRUE);

  for (guint i = 0; i < sinks->len; i++) {
    g_autoptr (GstPad) peer = gst_pad_get_peer (sinks->pdata[i]);

    if (peer == NULL)
      continue;
    add_probe (self, peer);
    gst_pad_unlink (peer, sinks->pdata[i]);
  }
}

static void
link_newcomer (WeirBroadcast *self, GstElement *source)
{
  g_autoptr (GPtrArray) pads = get_pads (source, FALSE);

  for (guint i = 0; i < pads->len; i++) {
    GstPad *pad = pads->pdata[i];
    gulong id = GPOINTER_TO_SIZE (g_object_steal_data (G_OBJECT (pad), PROBE));
    g_autoptr (GstEvent) promise = g_object_steal_data (G_OBJECT (pad), PROMISE);

    gst_pad_remove_probe (pad, id);
    weir_broadcast_link_pad (self, pad);
    if (promise != NULL)
      gst_pad_push_event (pad, g_steal_pointer (&promise));
  }
}

static gboolean
has_video (GstElement *source)
{
  g_autoptr (GPtrArray) pads = get_pads (source, FALSE);

  for (guint i = 0; i < pads->len; i++)
    if (g_str_has_prefix (GST_PAD_NAME (pads->pdata[i]), "video"))
      return TRUE;
  return FALSE;
}

/* the first keyframe; of one that sends no video, any sound */
static gboolean
is_decisive (WeirBroadcast *self, GstElement *source, GstPad *pad, GstBuffer *buffer)
{
  if (g_atomic_int_get (&self->promoted))
    return TRUE;
  if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
    return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return g_atomic_int_get (&self->complete) && !has_video (source);
}

static void
keep_promise (GstPad *pad, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM &&
      gst_event_has_name (event, "weir-track-promised"))
    g_object_set_data_full (
        G_OBJECT (pad), PROMISE, gst_event_ref (event), (GDestroyNotify) gst_mini_object_unref);
}

/* of a pad that leads nowhere: a newcomer's, or one of those whose time is over */
static GstPadProbeReturn
on_foreign_data (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  WeirBroadcast *self = data;
  g_autoptr (GstElement) source = gst_pad_get_parent_element (pad);

  if (GST_IS_EVENT (info->data)) {
    keep_promise (pad, GST_PAD_PROBE_INFO_EVENT (info));
    return GST_PAD_PROBE_OK;
  }
  if (source == NULL || g_atomic_pointer_get (&self->candidate) != source ||
      !is_decisive (self, source, pad, GST_PAD_PROBE_INFO_BUFFER (info)) ||
      !g_atomic_pointer_compare_and_exchange (&self->candidate, source, NULL))
    return GST_PAD_PROBE_DROP;
  unlink_incumbent (self);
  g_atomic_pointer_set (&self->linked, source);
  weir_broadcast_post (self, exchanged_on_main, source);
  link_newcomer (self, source);
  return GST_PAD_PROBE_OK;
}
