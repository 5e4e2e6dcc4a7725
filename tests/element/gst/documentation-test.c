/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What gst-inspect-1.0 shows of the plugin and of each of its elements, and that it is so. */

#include "elements.h"

#include <string.h>

#define MUTABLE (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED | GST_PARAM_MUTABLE_PLAYING)

/* the element's own properties, without GstObject's. Returns: (transfer container) */
static GPtrArray *
list_properties (GstElement *element)
{
  GPtrArray *own = g_ptr_array_new ();
  guint count;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &count);

  for (guint i = 0; i < count; i++)
    if (specs[i]->owner_type != GST_TYPE_OBJECT)
      g_ptr_array_add (own, specs[i]);
  g_assert_cmpuint (own->len, >, 0);
  return own;
}

static void
the_plugin_says_whose_it_is (void)
{
  g_autoptr (GstPlugin) plugin = gst_registry_find_plugin (gst_registry_get (), "weir");

  g_assert_nonnull (plugin);
  g_assert_cmpstr (gst_plugin_get_license (plugin), ==, "LGPL");
  g_assert_cmpstr (gst_plugin_get_source (plugin), ==, "weir");
  g_assert_cmpstr (gst_plugin_get_package (plugin), ==, "Weir");
  g_assert_cmpstr (gst_plugin_get_version (plugin), ==, WEIR_VERSION);
  g_assert_cmpuint (strlen (gst_plugin_get_origin (plugin)), >, 0);
  g_assert_cmpuint (strlen (gst_plugin_get_description (plugin)), >, 20);
}

static void
an_element_says_what_it_is (GstElementFactory *factory)
{
  static const gchar *const keys[] = {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
      GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR};
  const gchar *description =
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_DESCRIPTION);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_assert_cmpuint (strlen (gst_element_factory_get_metadata (factory, keys[i])), >, 5);
  g_assert_cmpuint (strlen (description), >, 40);
  g_assert_true (g_str_has_prefix (GST_OBJECT_NAME (factory), "weir"));
}

static void
every_property_says_what_it_is_and_when_it_may_change (GstElementFactory *factory)
{
  g_autoptr (GstElement) element = test_make_element (factory);
  g_autoptr (GPtrArray) specs = list_properties (element);

  for (guint i = 0; i < specs->len; i++) {
    GParamSpec *spec = specs->pdata[i];

    g_test_message ("%s", spec->name);
    g_assert_cmpuint (strlen (g_param_spec_get_nick (spec)), >, 2);
    g_assert_cmpstr (g_param_spec_get_nick (spec), !=, spec->name);
    g_assert_cmpuint (strlen (g_param_spec_get_blurb (spec)), >, 15);
    g_assert_true (g_ascii_isupper (*g_param_spec_get_blurb (spec)));
    g_assert_true (spec->flags & G_PARAM_READABLE);
    /* a sensible one says when it may be written; what cannot be written never may */
    g_assert_cmpint (
        (spec->flags & G_PARAM_WRITABLE) != 0, ==, (spec->flags & (GParamFlags) MUTABLE) != 0);
    /* times are nanoseconds, and say so */
    if (spec->value_type == G_TYPE_UINT64)
      g_assert_nonnull (strstr (g_param_spec_get_blurb (spec), "nanoseconds"));
  }
}

static void
every_property_has_its_default (GstElementFactory *factory)
{
  g_autoptr (GstElement) element = gst_object_ref_sink (gst_element_factory_create (factory, NULL));
  g_autoptr (GPtrArray) specs = list_properties (element);

  for (guint i = 0; i < specs->len; i++) {
    GParamSpec *spec = specs->pdata[i];
    g_auto (GValue) value = G_VALUE_INIT;

    g_value_init (&value, spec->value_type);
    g_object_get_property (G_OBJECT (element), spec->name, &value);
    g_test_message ("%s", spec->name);
    if (!(spec->flags & G_PARAM_WRITABLE)) {
      /* counters */
      g_assert_cmpstr (spec->name, ==, "stats");
      g_assert_cmpint (gst_structure_n_fields (g_value_get_boxed (&value)), >, 0);
      continue;
    }
    g_assert_true (g_param_value_defaults (spec, &value));
  }
}

/* Returns: how many values were tried */
static guint
make_values (GParamSpec *spec, GValue *values)
{
  for (guint i = 0; i < 2; i++)
    g_value_init (&values[i], spec->value_type);
  if (G_IS_PARAM_SPEC_UINT (spec)) {
    g_value_set_uint (&values[0], G_PARAM_SPEC_UINT (spec)->minimum);
    g_value_set_uint (&values[1], G_PARAM_SPEC_UINT (spec)->maximum);
  } else if (G_IS_PARAM_SPEC_UINT64 (spec)) {
    g_value_set_uint64 (&values[0], G_PARAM_SPEC_UINT64 (spec)->minimum);
    g_value_set_uint64 (&values[1], G_PARAM_SPEC_UINT64 (spec)->maximum);
  } else if (G_IS_PARAM_SPEC_INT (spec)) {
    g_value_set_int (&values[0], G_PARAM_SPEC_INT (spec)->minimum);
    g_value_set_int (&values[1], G_PARAM_SPEC_INT (spec)->maximum);
  } else if (G_IS_PARAM_SPEC_BOOLEAN (spec)) {
    g_value_set_boolean (&values[0], !G_PARAM_SPEC_BOOLEAN (spec)->default_value);
    g_value_set_boolean (&values[1], G_PARAM_SPEC_BOOLEAN (spec)->default_value);
  } else if (G_IS_PARAM_SPEC_ENUM (spec)) {
    const GEnumClass *klass = G_PARAM_SPEC_ENUM (spec)->enum_class;

    g_value_set_enum (&values[0], klass->values[0].value);
    g_value_set_enum (&values[1], klass->values[klass->n_values - 1].value);
  } else if (G_IS_PARAM_SPEC_STRING (spec)) {
    g_value_set_static_string (&values[0], "one");
    g_value_set_static_string (&values[1], "two");
  } else {
    /* objects: there is nothing but NULL that fits all */
    g_assert_true (G_IS_PARAM_SPEC_OBJECT (spec));
    return 1;
  }
  return 2;
}

static void
every_property_keeps_what_it_is_given (GstElementFactory *factory)
{
  g_autoptr (GstElement) element = test_make_element (factory);
  g_autoptr (GPtrArray) specs = list_properties (element);

  for (guint i = 0; i < specs->len; i++) {
    GParamSpec *spec = specs->pdata[i];
    GValue values[2] = {G_VALUE_INIT, G_VALUE_INIT};
    guint count;

    if (!(spec->flags & G_PARAM_WRITABLE))
      continue;
    count = make_values (spec, values);
    g_test_message ("%s", spec->name);
    for (guint j = 0; j < count; j++) {
      g_auto (GValue) got = G_VALUE_INIT;

      g_object_set_property (G_OBJECT (element), spec->name, &values[j]);
      g_value_init (&got, spec->value_type);
      g_object_get_property (G_OBJECT (element), spec->name, &got);
      g_assert_cmpint (g_param_values_cmp (spec, &values[j], &got), ==, 0);
    }
    g_value_unset (&values[0]);
    g_value_unset (&values[1]);
  }
}

/* NULL is what a string property that was never set has; set, it is the default again */
static void
a_string_set_to_nothing_is_the_default (GstElementFactory *factory)
{
  g_autoptr (GstElement) element = test_make_element (factory);
  g_autoptr (GPtrArray) specs = list_properties (element);

  for (guint i = 0; i < specs->len; i++) {
    GParamSpec *spec = specs->pdata[i];
    g_autofree gchar *got = NULL;

    if (!G_IS_PARAM_SPEC_STRING (spec) || !(spec->flags & G_PARAM_WRITABLE))
      continue;
    g_object_set (element, spec->name, "one", NULL);
    g_object_set (element, spec->name, NULL, NULL);
    g_object_get (element, spec->name, &got, NULL);
    g_assert_cmpstr (got, ==, G_PARAM_SPEC_STRING (spec)->default_value);
  }
}

static void
every_template_says_what_it_takes (GstElementFactory *factory)
{
  const GList *item = gst_element_factory_get_static_pad_templates (factory);

  g_assert_nonnull (item);
  for (; item != NULL; item = item->next) {
    g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (item->data);

    g_assert_false (gst_caps_is_any (caps));
    g_assert_cmpuint (gst_caps_get_size (caps), >, 0);
    /* no media type that comes in several forms without saying which */
    for (guint i = 0; i < gst_caps_get_size (caps); i++)
      g_assert_cmpint (gst_structure_n_fields (gst_caps_get_structure (caps, i)), >, 0);
  }
}

static void
request_in (GstElementFactory *factory, GstState state)
{
  g_autoptr (GstElement) element = test_make_element (factory);
  GList *item = gst_element_get_pad_template_list (element);

  gst_element_set_state (element, state);
  for (; item != NULL; item = item->next) {
    GstPadTemplate *template = item->data;
    guint before = element->numpads;

    if (GST_PAD_TEMPLATE_PRESENCE (template) != GST_PAD_REQUEST)
      continue;
    for (guint round = 0; round < 3; round++) {
      g_autofree gchar *name =
          g_strdup_printf (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), 10 * round + 7);
      g_autoptr (GstPad) named = gst_element_request_pad_simple (element, name);
      g_autoptr (GstPad) any = gst_element_request_pad (element, template, NULL, NULL);
      g_autoptr (GstPad) other = gst_element_request_pad (element, template, NULL, NULL);

      g_assert_nonnull (any);
      g_assert_nonnull (other);
      g_assert_nonnull (named);
      g_assert_cmpstr (GST_OBJECT_NAME (any), !=, GST_OBJECT_NAME (other));
      g_assert_cmpstr (GST_OBJECT_NAME (named), ==, name);
      g_assert_true (gst_pad_get_direction (any) == GST_PAD_TEMPLATE_DIRECTION (template));
      g_assert_cmpint (gst_pad_is_active (any), ==, state > GST_STATE_READY);
      gst_element_release_request_pad (element, other);
      gst_element_release_request_pad (element, any);
      gst_element_release_request_pad (element, named);
      g_assert_cmpuint (element->numpads, ==, before);
    }
  }
  gst_element_set_state (element, GST_STATE_NULL);
}

static void
every_request_template_gives_pads_and_takes_them_back (GstElementFactory *factory)
{
  for (GstState state = GST_STATE_NULL; state <= GST_STATE_PLAYING; state++)
    request_in (factory, state);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gst/documentation/the_plugin_says_whose_it_is", the_plugin_says_whose_it_is);
#define ADD(name) test_add_for_each_element ("documentation", #name, name)
  ADD (an_element_says_what_it_is);
  ADD (every_property_says_what_it_is_and_when_it_may_change);
  ADD (every_property_has_its_default);
  ADD (every_property_keeps_what_it_is_given);
  ADD (a_string_set_to_nothing_is_the_default);
  ADD (every_template_says_what_it_takes);
  ADD (every_request_template_gives_pads_and_takes_them_back);
  return g_test_run ();
}
