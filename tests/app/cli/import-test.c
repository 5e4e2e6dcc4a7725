/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/import.h"

#include <string.h>

static const struct {
  const gchar *name, *text;
  guint count; /* 0: refused */
} cases[] = {
    {"an_input", "{\"uid\":\"a\"}", 1},
    {"an_envelope", "{\"success\":true,\"result\":{\"uid\":\"a\"}}", 1},
    {"a_list_of_both", "[{\"uid\":\"a\"},{\"result\":{\"uid\":\"b\"}}]", 2},
    {"what_the_api_refuses_by_itself", "{}", 1},
    {"a_list_without_credentials", "{\"result\":{\"liveInputs\":[{\"uid\":\"a\"}],\"total\":1}}",
        0},
    {"a_failure", "{\"result\":null,\"success\":false}", 0},
    {"a_list_in_a_list", "[[{\"uid\":\"a\"}]]", 0},
    {"a_number", "5", 0},
    {"nothing", "", 0},
    {"cut_off", "[{\"uid\":", 0},
    {"a_key_twice", "{\"uid\":\"a\",\"uid\":\"b\"}", 0},
};

static void
one_case (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) inputs =
      weir_import_split (cases[index].text, strlen (cases[index].text), &error);

  if (cases[index].count == 0) {
    g_assert_null (inputs);
    g_assert_nonnull (error);
    return;
  }
  g_assert_no_error (error);
  g_assert_cmpuint (inputs->len, ==, cases[index].count);
}

static void
what_is_in_an_envelope_is_taken_out_of_it (void)
{
  static const gchar text[] = "[{\"result\":{\"uid\":\"a\",\"enabled\":true}}]";
  g_autoptr (GPtrArray) inputs = weir_import_split (text, strlen (text), NULL);

  g_assert_cmpstr (inputs->pdata[0], ==, "{\"uid\":\"a\",\"enabled\":true}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = g_strdup_printf ("/cli/import/%s", cases[i].name);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), one_case);
  }
  g_test_add_func ("/cli/import/what_is_in_an_envelope_is_taken_out_of_it",
      what_is_in_an_envelope_is_taken_out_of_it);
  return g_test_run ();
}
