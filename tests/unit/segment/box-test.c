/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/box.h"

#include "hex.h"

static void
boxes_nest_and_know_their_sizes (void)
{
  g_auto (WeirWriter) writer = {0};
  gsize outer, inner;
  g_autoptr (GBytes) expected =
      test_hex ("0000001b 6d6f6f66 00000010 6d666864 01abcdef 00000007 010203");

  weir_writer_init (&writer, 0);
  outer = weir_box_begin (&writer, "moof");
  inner = weir_full_box_begin (&writer, "mfhd", 1, 0xabcdef);
  weir_writer_u32 (&writer, 7);
  weir_box_end (&writer, inner);
  weir_writer_u24 (&writer, 0x010203);
  weir_box_end (&writer, outer);
  g_assert_cmpmem (
      writer.data, writer.size, g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
sizes_of_all_forms_are_read (void)
{
  g_autoptr (GBytes) bytes = test_hex ("0000000a 66726565 aabb"
                                       "00000001 6d646174 0000000000000013 010203"
                                       "0000001c 75756964 000102030405060708090a0b0c0d0e0f ffffffff"
                                       "00000000 6d646174 0102030405");
  WeirReader reader;
  WeirBox box;

  weir_reader_init (&reader, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_assert_true (weir_box_read (&reader, &box));
  g_assert_cmphex (box.type, ==, WEIR_BOX_TYPE ('f', 'r', 'e', 'e'));
  g_assert_cmpuint (box.size, ==, 10);
  g_assert_cmphex (weir_reader_u16 (&box.payload), ==, 0xaabb);
  g_assert_cmpuint (weir_reader_remaining (&box.payload), ==, 0);

  g_assert_true (weir_box_read (&reader, &box));
  g_assert_cmpuint (box.offset, ==, 10);
  g_assert_cmpuint (box.header_size, ==, 16);
  g_assert_cmpuint (weir_reader_remaining (&box.payload), ==, 3);

  g_assert_true (weir_box_read (&reader, &box));
  g_assert_cmpuint (box.header_size, ==, 24);
  g_assert_cmpuint (weir_reader_remaining (&box.payload), ==, 4);

  g_assert_true (weir_box_read (&reader, &box));
  g_assert_cmpuint (box.size, ==, 13);
  g_assert_cmpuint (weir_reader_remaining (&box.payload), ==, 5);

  g_assert_false (weir_box_read (&reader, &box));
  g_assert_false (reader.failed);
}

static void
a_box_that_is_not_whole_is_refused (void)
{
  static const gchar *const broken[] = {
      "000000",                                        /* not even a size */
      "00000008 667265",                               /* not a whole type */
      "00000007 66726565",                             /* smaller than its own header */
      "00000009 66726565",                             /* larger than what there is */
      "00000001 6d646174 000000000000",                /* half a large size */
      "00000001 6d646174 000000000000000f",            /* a large size below its header */
      "00000001 6d646174 ffffffffffffffff 0000000000", /* an absurd one */
      "00000010 75756964 0001020304050607",            /* uuid without its type */
  };

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++) {
    g_autoptr (GBytes) bytes = test_hex (broken[i]);
    WeirReader reader;
    WeirBox box = {.type = 1};

    weir_reader_init (&reader, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_assert_false (weir_box_read (&reader, &box));
    g_assert_true (reader.failed);
    g_assert_cmpuint (reader.position, ==, 0);
    g_assert_cmpuint (box.type, ==, 1);
  }
}

static void
a_box_is_found_behind_others (void)
{
  g_autoptr (GBytes) bytes = test_hex ("00000008 66726565 0000000c 74666474 01020304");
  WeirReader reader;
  WeirBox box;

  weir_reader_init (&reader, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_assert_true (weir_box_find (&reader, WEIR_BOX_TYPE ('t', 'f', 'd', 't'), &box));
  g_assert_cmphex (weir_reader_u32 (&box.payload), ==, 0x01020304);
  g_assert_cmpuint (reader.position, ==, 0);
  g_assert_false (weir_box_find (&reader, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'), &box));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/segment/box/boxes_nest_and_know_their_sizes", boxes_nest_and_know_their_sizes);
  g_test_add_func ("/segment/box/sizes_of_all_forms_are_read", sizes_of_all_forms_are_read);
  g_test_add_func (
      "/segment/box/a_box_that_is_not_whole_is_refused", a_box_that_is_not_whole_is_refused);
  g_test_add_func ("/segment/box/a_box_is_found_behind_others", a_box_is_found_behind_others);
  return g_test_run ();
}
