/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/label.h"

#include <string.h>

static void
languages_become_bcp_47_and_pack_as_iso_639_2 (void)
{
  static const struct {
    const gchar *given, *language, *packed;
  } rows[] = {
      {"de", "de", "deu"},
      {"ger", "de", "deu"}, /* 639-2/B */
      {"deu", "de", "deu"},
      {"FRA", "fr", "fra"},
      {"pt-br", "pt-BR", "por"},
      {"pt_BR", "pt-BR", "por"},
      {"zh-hant-tw", "zh-Hant-TW", "zho"},
      {"sr-latn", "sr-Latn", "srp"},
      {"gsw", "gsw", "gsw"}, /* no two letters */
      {"es-419", "es-419", "spa"},
      {"xx", "xx", "und"}, /* well formed, nobody's */
      {"qaa-x-own", "qaa-x-own", "qaa"},
      {"und", NULL, "und"},
      {"", NULL, "und"},
      {"-", NULL, "und"},
      {"e", NULL, "und"},
      {"en-", NULL, "und"},
      {"e1", NULL, "und"},
      {"en\"x", NULL, "und"},
      {"english language", NULL, "und"},
      {"abcdefghi", NULL, "und"},
      {"en-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd", NULL, "und"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (WeirTrackLabel) label = weir_track_label_new (NULL, rows[i].given);
    guint16 packed = weir_track_label_pack_language (label);
    const gchar letters[] = {(gchar) (packed >> 10 & 31) + 0x60, (gchar) (packed >> 5 & 31) + 0x60,
        (gchar) (packed & 31) + 0x60, '\0'};

    if (rows[i].language == NULL)
      g_assert_null (label);
    else
      g_assert_cmpstr (label->language, ==, rows[i].language);
    g_assert_cmpstr (letters, ==, rows[i].packed);
  }
}

static void
labels_lose_what_no_list_can_show (void)
{
  g_autofree gchar *lengthy = g_strnfill (1000, 'x');
  g_autoptr (WeirTrackLabel) plain = weir_track_label_new (" Director\n\tcut ", NULL);
  g_autoptr (WeirTrackLabel) cut = weir_track_label_new (lengthy, NULL);
  g_autoptr (WeirTrackLabel) broken = weir_track_label_new ("a\xff\xfe"
                                                            "b",
      NULL);
  g_autoptr (WeirTrackLabel) characters = NULL;
  g_autoptr (GString) text = g_string_new ("x");

  g_assert_cmpstr (plain->label, ==, "Director  cut");
  g_assert_cmpuint (strlen (cut->label), ==, WEIR_TRACK_LABEL_SIZE_MAX);
  g_assert_true (g_utf8_validate (broken->label, -1, NULL));
  for (guint i = 0; i < 200; i++)
    g_string_append (text, "語");
  characters = weir_track_label_new (text->str, NULL);
  g_assert_true (g_utf8_validate (characters->label, -1, NULL));
  g_assert_cmpuint (strlen (characters->label), ==, 1 + 42 * 3);
  g_assert_null (weir_track_label_new (" \n", NULL));
  g_assert_null (weir_track_label_new (NULL, NULL));
}

static void
a_copy_is_equal_and_anything_else_is_not (void)
{
  g_autoptr (WeirTrackLabel) a = weir_track_label_new ("Main", "en");
  g_autoptr (WeirTrackLabel) b = weir_track_label_copy (a);
  g_autoptr (WeirTrackLabel) c = weir_track_label_new ("Main", "fr");
  g_autoptr (WeirTrackLabel) d = weir_track_label_new (NULL, "en");

  g_assert_true (weir_track_label_equal (a, b));
  g_assert_false (weir_track_label_equal (a, c));
  g_assert_false (weir_track_label_equal (a, d));
  g_assert_false (weir_track_label_equal (a, NULL));
  g_assert_true (weir_track_label_equal (NULL, NULL));
  g_assert_null (weir_track_label_copy (NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/segment/label/" #name, name)
  ADD (languages_become_bcp_47_and_pack_as_iso_639_2);
  ADD (labels_lose_what_no_list_can_show);
  ADD (a_copy_is_equal_and_anything_else_is_not);
  return g_test_run ();
}
