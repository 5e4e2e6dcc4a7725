/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/nal.h"

#include "hex.h"

#include <string.h>

/* the units as hexadecimal digits, with blanks between */
static gchar *
walk (const gchar *hex, guint length_size, gboolean *failed)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  GString *text = g_string_new (NULL);
  WeirReader reader;
  WeirNal nal;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  weir_reader_init (&reader, data, size);
  while (length_size == 0 ? weir_nal_next_annex_b (&reader, &nal)
                          : weir_nal_next (&reader, length_size, &nal)) {
    if (text->len > 0)
      g_string_append_c (text, ' ');
    if (nal.size == 0)
      g_string_append_c (text, '-');
    for (gsize i = 0; i < nal.size; i++)
      g_string_append_printf (text, "%02x", nal.data[i]);
  }
  *failed = reader.failed;
  return g_string_free (text, FALSE);
}

static void
units_of_both_framings_are_found (void)
{
  static const struct {
    const gchar *what;
    guint length_size; /* 0: Annex B */
    const gchar *data, *units;
    gboolean failed;
  } cases[] = {
      {"nothing", 0, "", "", FALSE},
      {"one", 0, "000001 6588", "6588", FALSE},
      {"four bytes of start code", 0, "00000001 6588", "6588", FALSE},
      {"zeros before and behind", 0, "0000000001 6588 0000000000", "6588", FALSE},
      {"two", 0, "000001 09f0 00000001 6588", "09f0 6588", FALSE},
      {"zeros within", 0, "000001 6500008000 000001 09f0", "65000080 09f0", FALSE},
      {"emulation prevention", 0, "000001 6500000301 000001 09f0", "6500000301 09f0", FALSE},
      {"empty ones", 0, "000001 000001 000001 6588 000001", "- - 6588 -", FALSE},
      {"zeros only", 0, "00000000", "", FALSE},
      {"no start code", 0, "6588", "", TRUE},
      {"one zero only", 0, "0001 6588", "", TRUE},
      {"a one in the unit", 0, "000001 01 0101 000101", "010101000101", FALSE},
      {"4 bytes", 4, "00000002 09f0 00000001 65", "09f0 65", FALSE},
      {"2 bytes", 2, "0002 09f0 0001 65", "09f0 65", FALSE},
      {"1 byte", 1, "02 09f0 01 65", "09f0 65", FALSE},
      {"empty ones with lengths", 4, "00000000 00000001 65 00000000", "- 65 -", FALSE},
      {"beyond the end", 4, "00000001 65 00000003 6588", "65", TRUE},
      {"half a length", 4, "00000001 65 0000", "65", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean failed;
    g_autofree gchar *units = walk (cases[i].data, cases[i].length_size, &failed);

    g_test_message ("%s", cases[i].what);
    g_assert_cmpstr (units, ==, cases[i].units);
    g_assert_cmpint (failed, ==, cases[i].failed);
  }
}

static void
annex_b_begins_with_a_start_code (void)
{
  static const struct {
    const gchar *data;
    gboolean annex_b;
  } cases[] = {
      {"", FALSE},
      {"0000", FALSE},
      {"000001", TRUE},
      {"00000001", TRUE},
      {"0000000000016588", TRUE},
      {"00000000", FALSE},
      {"0000000265880000", FALSE},
      {"000100000001", FALSE},
      {"01000001", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = test_hex (cases[i].data);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    g_test_message ("%s", cases[i].data);
    g_assert_cmpint (weir_nal_is_annex_b (data, size), ==, cases[i].annex_b);
  }
}

static void
messages_of_any_size_are_walked (void)
{
  g_autoptr (GBytes) bytes = test_hex ("0601c4 ff0502abcd 0502 ff");
  WeirReader reader, payload;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint type;

  weir_reader_init (&reader, data, size);
  g_assert_true (weir_sei_next (&reader, &type, &payload));
  g_assert_cmpuint (type, ==, 6);
  g_assert_cmpuint (payload.size, ==, 1);
  g_assert_true (weir_sei_next (&reader, &type, &payload));
  g_assert_cmpuint (type, ==, 260);
  g_assert_cmpuint (weir_reader_u16 (&payload), ==, 0xabcd);
  g_assert_false (weir_sei_next (&reader, &type, &payload)); /* beyond the end */
  g_assert_false (weir_sei_next (&reader, &type, &payload));
}

static void
a_message_of_endless_size_ends (void)
{
  gsize size = 20 * 1000 * 1000;
  g_autofree guint8 *data = g_malloc (size);
  WeirReader reader, payload;
  guint type;

  memset (data, 0xff, size);
  weir_reader_init (&reader, data, size);
  g_assert_false (weir_sei_next (&reader, &type, &payload));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/nal/" #name, name)
  ADD (units_of_both_framings_are_found);
  ADD (annex_b_begins_with_a_start_code);
  ADD (messages_of_any_size_are_walked);
  ADD (a_message_of_endless_size_ends);
  return g_test_run ();
}
