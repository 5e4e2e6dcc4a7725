/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every element of the plugin through every change of state, in every order. */

#include "elements.h"

#define ROUNDS 3

static void
set_state (GstElement *element, GstState state, gboolean wait)
{
  GstStateChangeReturn result = gst_element_set_state (element, state);

  g_assert_cmpint (result, !=, GST_STATE_CHANGE_FAILURE);
  if (wait) {
    GstState current, pending;

    result = gst_element_get_state (element, &current, &pending, 20 * GST_SECOND);
    g_assert_true (result == GST_STATE_CHANGE_SUCCESS || result == GST_STATE_CHANGE_NO_PREROLL);
    g_assert_cmpint (current, ==, state);
    g_assert_cmpint (pending, ==, GST_STATE_VOID_PENDING);
  }
}

/* from every state to every state, itself too, again and again */
static void
walk (GstElement *element, gboolean wait)
{
  for (guint round = 0; round < ROUNDS; round++)
    for (GstState from = GST_STATE_NULL; from <= GST_STATE_PLAYING; from++)
      for (GstState to = GST_STATE_NULL; to <= GST_STATE_PLAYING; to++) {
        set_state (element, from, wait);
        set_state (element, to, wait);
      }
  set_state (element, GST_STATE_NULL, wait);
}

/* @element: (transfer full): nobody else has it */
static void
dispose (GstElement *element)
{
  gpointer alive = element;

  g_object_add_weak_pointer (G_OBJECT (element), &alive);
  gst_object_unref (element);
  g_assert_null (alive);
}

static void
from_every_state_to_every_state_waiting_for_each (GstElementFactory *factory)
{
  GstElement *element = test_make_element (factory);

  walk (element, TRUE);
  dispose (element);
}

static void
from_every_state_to_every_state_without_waiting (GstElementFactory *factory)
{
  GstElement *element = test_make_element (factory);

  walk (element, FALSE);
  dispose (element);
}

static void
from_every_state_to_every_state_with_pads (GstElementFactory *factory)
{
  GstElement *element = test_make_element (factory);
  GPtrArray *pads = test_request_pads (element);

  walk (element, TRUE);
  test_release_pads (element, pads);
  walk (element, FALSE);
  dispose (element);
}

static void
from_every_state_to_every_state_in_a_pipeline (GstElementFactory *factory)
{
  GstElement *pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  GstElement *element = test_make_element (factory);
  GPtrArray *pads = test_request_pads (element);

  gst_bin_add (GST_BIN (pipeline), element);
  walk (pipeline, TRUE);
  walk (pipeline, FALSE);
  test_release_pads (element, pads);
  gst_object_unref (element);
  dispose (pipeline);
}

static void
disposed_after_each_state (GstElementFactory *factory)
{
  for (GstState state = GST_STATE_NULL; state <= GST_STATE_PLAYING; state++)
    for (guint pads = 0; pads < 2; pads++) {
      GstElement *element = test_make_element (factory);

      if (pads > 0)
        g_ptr_array_unref (test_request_pads (element)); /* never released */
      set_state (element, state, FALSE);
      set_state (element, GST_STATE_NULL, FALSE);
      dispose (element);
    }
}

/* what a pipeline that runs does to an element that it is rid of */
static void
taken_out_of_a_pipeline_that_plays (GstElementFactory *factory)
{
  GstElement *pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (pipeline));

  set_state (pipeline, GST_STATE_PLAYING, FALSE);
  for (guint round = 0; round < ROUNDS; round++) {
    GstElement *element = test_make_element (factory);
    GPtrArray *pads = test_request_pads (element);

    gst_bin_add (GST_BIN (pipeline), element);
    g_assert_true (gst_element_sync_state_with_parent (element));
    gst_element_set_locked_state (element, TRUE);
    set_state (element, GST_STATE_NULL, TRUE);
    gst_bin_remove (GST_BIN (pipeline), element);
    test_release_pads (element, pads);
    /* messages keep who posted them */
    gst_bus_set_flushing (bus, TRUE);
    gst_bus_set_flushing (bus, FALSE);
    dispose (element);
  }
  set_state (pipeline, GST_STATE_NULL, TRUE);
  dispose (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) test_add_for_each_element ("states", #name, name)
  ADD (from_every_state_to_every_state_waiting_for_each);
  ADD (from_every_state_to_every_state_without_waiting);
  ADD (from_every_state_to_every_state_with_pads);
  ADD (from_every_state_to_every_state_in_a_pipeline);
  ADD (disposed_after_each_state);
  ADD (taken_out_of_a_pipeline_that_plays);
  return g_test_run ();
}
