/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* The elements as others get them: from the registry, all that the plugin has. */

/* registers @test under /gst/PROGRAM/ELEMENT/CASE for each element of the plugin */
static inline void
test_add_for_each_element (
    const gchar *program, const gchar *name, void (*test) (GstElementFactory *factory))
{
  GList *features =
      gst_registry_get_feature_list_by_plugin (gst_registry_get (), "weir"); /* owned */
  guint count = 0;

  for (GList *item = features; item != NULL; item = item->next) {
    g_autofree gchar *path = NULL;

    if (!GST_IS_ELEMENT_FACTORY (item->data))
      continue;
    path = g_strdup_printf ("/gst/%s/%s/%s", program, GST_OBJECT_NAME (item->data), name);
    g_test_add_data_func_full (path, gst_object_ref (item->data),
        (GTestDataFunc) (void (*) (void)) test, gst_object_unref);
    count++;
  }
  g_assert_cmpuint (count, >=, 4);
  gst_plugin_feature_list_free (features);
}

/* an element that binds no port that somebody else may have */
static inline GstElement *
test_make_element (GstElementFactory *factory)
{
  GstElement *element = gst_element_factory_create (factory, NULL);

  g_assert_nonnull (element);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "port") != NULL)
    g_object_set (element, "address", "127.0.0.1", "port", 0, NULL);
  return gst_object_ref_sink (element);
}

/* one pad of each request template. Returns: (transfer full) (element-type GstPad) */
static inline GPtrArray *
test_request_pads (GstElement *element)
{
  GPtrArray *pads = g_ptr_array_new_with_free_func (gst_object_unref);
  GList *item = gst_element_get_pad_template_list (element);

  for (; item != NULL; item = item->next) {
    GstPad *pad;

    if (GST_PAD_TEMPLATE_PRESENCE (item->data) != GST_PAD_REQUEST)
      continue;
    pad = gst_element_request_pad (element, item->data, NULL, NULL);
    g_assert_nonnull (pad);
    g_ptr_array_add (pads, pad);
  }
  return pads;
}

static inline void
test_release_pads (GstElement *element, GPtrArray *pads)
{
  for (guint i = 0; i < pads->len; i++)
    gst_element_release_request_pad (element, pads->pdata[i]);
  g_ptr_array_unref (pads);
}
