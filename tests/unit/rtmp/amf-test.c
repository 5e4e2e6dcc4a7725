/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/amf.h"

#include "hex.h"

#include <math.h>
#include <string.h>

/* parsed from memory of exactly its size, so that a read beyond it is seen by the sanitizer */
static WeirAmfValue *
parse_bytes (const guint8 *data, gsize size, const WeirAmfLimits *limits)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  guint values_left = limits->values_max;
  WeirReader reader;

  weir_reader_init (&reader, copy, size);
  return weir_amf_parse (&reader, limits, &values_left);
}

static WeirAmfValue *
parse (const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return parse_bytes (data, size, &weir_amf_limits_default);
}

/* {"a": 1, "b": {"c": "xy", "d": [null, true]}} in every form that holds members */
#define NESTED                     \
  "03 0001 61 00 3ff0000000000000" \
  " 0001 62 08 00000014 0001 63 02 0002 7879 0001 64 0a 00000002 05 0101 000009 000009"

static void
values_of_each_marker (void)
{
  static const struct {
    const gchar *hex;
    WeirAmfType type;
    gdouble number;
    const gchar *string;
    guint size;
  } table[] = {
      {"00 4045000000000000", WEIR_AMF_NUMBER, 42, NULL, 0},
      {"01 00", WEIR_AMF_BOOLEAN, 0, NULL, 0},
      {"01 02", WEIR_AMF_BOOLEAN, 1, NULL, 0},
      {"02 0003 616263", WEIR_AMF_STRING, 0, "abc", 0},
      {"02 0000", WEIR_AMF_STRING, 0, "", 0},
      {"0c 00000002 6869", WEIR_AMF_STRING, 0, "hi", 0},
      {"0f 00000004 3c612f3e", WEIR_AMF_STRING, 0, "<a/>", 0},
      {"03 000009", WEIR_AMF_OBJECT, 0, NULL, 0},
      {"10 0003 466f6f 0001 61 05 000009", WEIR_AMF_OBJECT, 0, NULL, 1},
      {"08 00000000 0001 61 05 000009", WEIR_AMF_ECMA_ARRAY, 0, NULL, 1},
      {"0a 00000002 05 06", WEIR_AMF_STRICT_ARRAY, 0, NULL, 2},
      {"05", WEIR_AMF_NULL, 0, NULL, 0},
      {"06", WEIR_AMF_UNDEFINED, 0, NULL, 0},
      {"0d", WEIR_AMF_UNDEFINED, 0, NULL, 0},
      {"07 0000", WEIR_AMF_UNDEFINED, 0, NULL, 0},
      {"0b 4059000000000000 0000", WEIR_AMF_DATE, 100, NULL, 0},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (WeirAmfValue) value = parse (table[i].hex);

    g_test_message ("%s", table[i].hex);
    g_assert_nonnull (value);
    g_assert_cmpint (weir_amf_value_get_type (value), ==, table[i].type);
    g_assert_cmpfloat (weir_amf_value_get_number (value), ==, table[i].number);
    g_assert_cmpstr (weir_amf_value_get_string (value, NULL), ==, table[i].string);
    g_assert_cmpuint (weir_amf_value_get_size (value), ==, table[i].size);
  }
}

static void
members_are_found_by_name_and_by_place (void)
{
  g_autoptr (WeirAmfValue) value = parse (NESTED);
  const WeirAmfValue *inner, *array;
  const gchar *name = NULL;

  g_assert_nonnull (value);
  g_assert_cmpfloat (weir_amf_value_get_number (weir_amf_value_get_member (value, "a")), ==, 1);
  inner = weir_amf_value_get_nth (value, 1, &name);
  g_assert_cmpstr (name, ==, "b");
  g_assert_cmpstr (
      weir_amf_value_get_string (weir_amf_value_get_member (inner, "c"), NULL), ==, "xy");
  array = weir_amf_value_get_member (inner, "d");
  g_assert_cmpuint (weir_amf_value_get_size (array), ==, 2);
  g_assert_cmpint (
      weir_amf_value_get_type (weir_amf_value_get_nth (array, 0, NULL)), ==, WEIR_AMF_NULL);
  g_assert_null (weir_amf_value_get_member (value, "A"));
  g_assert_null (weir_amf_value_get_nth (value, 2, NULL));
}

static void
the_first_of_two_members_of_one_name_counts (void)
{
  g_autoptr (WeirAmfValue) value = parse ("03 0001 61 0101 0001 61 0100 000009");

  g_assert_cmpfloat (weir_amf_value_get_number (weir_amf_value_get_member (value, "a")), ==, 1);
}

static void
a_member_without_a_name_is_not_the_end (void)
{
  g_autoptr (WeirAmfValue) value = parse ("03 0000 05 0001 61 0101 000009");

  g_assert_cmpuint (weir_amf_value_get_size (value), ==, 2);
}

static void
the_count_of_an_ecma_array_is_not_believed (void)
{
  static const gchar *const counts[] = {"00000000", "00000001", "00000014", "ffffffff"};

  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree gchar *hex = g_strdup_printf ("08 %s 0001 61 0101 0001 62 05 000009", counts[i]);
    g_autoptr (WeirAmfValue) value = parse (hex);

    g_assert_cmpuint (weir_amf_value_get_size (value), ==, 2);
  }
}

static void
numbers_that_are_not_finite_are_zero (void)
{
  static const gchar *const table[] = {"00 7ff8000000000000", "00 7ff0000000000000",
      "00 fff0000000000000", "0b 7ff8000000000000 0000"};

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (WeirAmfValue) value = parse (table[i]);

    g_assert_nonnull (value);
    g_assert_cmpfloat (weir_amf_value_get_number (value), ==, 0.0);
  }
}

static void
a_string_may_hold_any_byte (void)
{
  g_autoptr (WeirAmfValue) value = parse ("02 0004 61 00 ff 62");
  gsize size = 0;
  const gchar *string = weir_amf_value_get_string (value, &size);

  g_assert_cmpmem (string, size, "a\0\377b", 4);
  g_assert_cmpint (string[4], ==, '\0');
}

static void
what_is_not_amf_0_fails (void)
{
  static const gchar *const table[] = {
      "", "04",                      /* movie clip: reserved */
      "0e",                          /* record set: reserved */
      "09",                          /* an end without a beginning */
      "11 04 ff ff ff ff",           /* AMF 3 */
      "12", "ff", "0a ffffffff 05",  /* more elements than there are */
      "0c ffffffff 61",              /* longer than there is */
      "02 ffff 61", "03 0001 61 05", /* no end marker */
      "03 0001 61 05 0000", "10 0005 61", "03 0001 61 11 01 000009", /* AMF 3 within */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (WeirAmfValue) value = parse (table[i]);

    g_test_message ("%s", table[i]);
    g_assert_null (value);
  }
}

static void
cut_off_anywhere_it_fails (void)
{
  g_autoptr (GBytes) bytes = test_hex (NESTED);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i < size; i++) {
    g_autoptr (WeirAmfValue) value = parse_bytes (data, i, &weir_amf_limits_default);

    g_assert_null (value);
  }
}

static void
nesting_is_bounded (void)
{
  static const guint8 openings[][8] = {
      {0x03, 0, 1, 'a'}, {0x08, 0, 0, 0, 0, 0, 1, 'a'}, {0x0a, 0, 0, 0, 1}};
  static const gsize sizes[] = {4, 8, 5};

  for (guint kind = 0; kind < 3; kind++) {
    for (guint depth = 15; depth <= 10000; depth = depth < 17 ? depth + 1 : depth * 24) {
      g_auto (WeirWriter) writer = {0};
      g_autoptr (WeirAmfValue) value = NULL;

      for (guint i = 0; i < depth; i++)
        weir_writer_bytes (&writer, openings[kind], sizes[kind]);
      weir_amf_write_null (&writer);
      if (kind < 2) {
        for (guint i = 0; i < depth; i++)
          weir_amf_write_object_end (&writer);
      }
      value = parse_bytes (writer.data, writer.size, &weir_amf_limits_default);
      g_assert_cmpint (value != NULL, ==, depth <= 16);
    }
  }
}

static void
values_are_counted_over_a_message (void)
{
  const WeirAmfLimits limits = {.depth_max = 2, .values_max = 5};
  g_autoptr (GBytes) bytes = test_hex ("0a 00000002 05 05 0a 00000001 05 05");
  guint values_left = limits.values_max;
  WeirReader reader;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (WeirAmfValue) first = NULL, second = NULL, third = NULL;

  weir_reader_init (&reader, data, size);
  first = weir_amf_parse (&reader, &limits, &values_left);
  g_assert_nonnull (first);
  g_assert_cmpuint (values_left, ==, 2);
  second = weir_amf_parse (&reader, &limits, &values_left);
  g_assert_nonnull (second);
  third = weir_amf_parse (&reader, &limits, &values_left);
  g_assert_null (third);
}

static void
what_is_written_is_read_back (void)
{
  g_auto (WeirWriter) writer = {0};
  g_autofree gchar *text = g_strnfill (70000, 'x');
  g_autoptr (WeirAmfValue) value = NULL;
  gsize size = 0;

  weir_amf_write_object_begin (&writer);
  weir_amf_write_name (&writer, "number");
  weir_amf_write_number (&writer, -0.5);
  weir_amf_write_name (&writer, "yes");
  weir_amf_write_boolean (&writer, TRUE);
  weir_amf_write_name (&writer, "short");
  weir_amf_write_string (&writer, "text");
  weir_amf_write_name (&writer, "long");
  weir_amf_write_string (&writer, text);
  weir_amf_write_name (&writer, "null");
  weir_amf_write_null (&writer);
  weir_amf_write_name (&writer, "undefined");
  weir_amf_write_undefined (&writer);
  weir_amf_write_object_end (&writer);

  value = parse_bytes (writer.data, writer.size, &weir_amf_limits_default);
  g_assert_cmpuint (weir_amf_value_get_size (value), ==, 6);
  g_assert_cmpfloat (
      weir_amf_value_get_number (weir_amf_value_get_member (value, "number")), ==, -0.5);
  g_assert_cmpfloat (weir_amf_value_get_number (weir_amf_value_get_member (value, "yes")), ==, 1);
  g_assert_cmpstr (
      weir_amf_value_get_string (weir_amf_value_get_member (value, "short"), NULL), ==, "text");
  g_assert_cmpstr (
      weir_amf_value_get_string (weir_amf_value_get_member (value, "long"), &size), ==, text);
  g_assert_cmpuint (size, ==, 70000);
  g_assert_cmpint (
      weir_amf_value_get_type (weir_amf_value_get_member (value, "null")), ==, WEIR_AMF_NULL);
  g_assert_cmpint (weir_amf_value_get_type (weir_amf_value_get_member (value, "undefined")), ==,
      WEIR_AMF_UNDEFINED);
}

static void
no_value_is_asked_without_harm (void)
{
  g_assert_cmpfloat (weir_amf_value_get_number (NULL), ==, 0.0);
  g_assert_null (weir_amf_value_get_string (NULL, NULL));
  g_assert_cmpuint (weir_amf_value_get_size (NULL), ==, 0);
  g_assert_null (weir_amf_value_get_nth (NULL, 0, NULL));
  g_assert_null (weir_amf_value_get_member (NULL, "a"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/amf/" #name, name)
  TEST (values_of_each_marker);
  TEST (members_are_found_by_name_and_by_place);
  TEST (the_first_of_two_members_of_one_name_counts);
  TEST (a_member_without_a_name_is_not_the_end);
  TEST (the_count_of_an_ecma_array_is_not_believed);
  TEST (numbers_that_are_not_finite_are_zero);
  TEST (a_string_may_hold_any_byte);
  TEST (what_is_not_amf_0_fails);
  TEST (cut_off_anywhere_it_fails);
  TEST (nesting_is_bounded);
  TEST (values_are_counted_over_a_message);
  TEST (what_is_written_is_read_back);
  TEST (no_value_is_asked_without_harm);
  return g_test_run ();
}
