/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bitreader.h"
#include "base/reader.h"
#include "base/writer.h"

static void
numbers_written_are_read_back (void)
{
  g_auto (WeirWriter) writer = {0};
  WeirReader reader, ahead;

  weir_writer_init (&writer, 0);
  weir_writer_u8 (&writer, 0xfe);
  weir_writer_u16 (&writer, 0x1234);
  weir_writer_u24 (&writer, 0xabcdef);
  weir_writer_u32 (&writer, 0xdeadbeef);
  weir_writer_u32_le (&writer, 0x01020304);
  weir_writer_u64 (&writer, G_GUINT64_CONSTANT (0x0102030405060708));
  weir_writer_double (&writer, -1.5);
  weir_writer_fourcc (&writer, "moof");

  weir_reader_init (&reader, writer.data, writer.size);
  g_assert_cmphex (weir_reader_u8 (&reader), ==, 0xfe);
  g_assert_cmphex (weir_reader_u16 (&reader), ==, 0x1234);
  g_assert_cmphex (weir_reader_u24 (&reader), ==, 0xabcdef);
  g_assert_cmphex (weir_reader_u32 (&reader), ==, 0xdeadbeef);
  ahead = reader;
  g_assert_cmphex (weir_reader_u32_le (&reader), ==, 0x01020304);
  g_assert_cmphex (weir_reader_u16_le (&ahead), ==, 0x0304);
  g_assert_cmphex (weir_reader_u64 (&reader), ==, G_GUINT64_CONSTANT (0x0102030405060708));
  g_assert_cmpfloat (weir_reader_double (&reader), ==, -1.5);
  g_assert_cmpmem (weir_reader_bytes (&reader, 4), 4, "moof", 4);
  g_assert_cmpuint (weir_reader_remaining (&reader), ==, 0);
  g_assert_false (reader.failed);
}

static void
a_read_beyond_the_end_fails_for_good (void)
{
  const guint8 data[3] = {1, 2, 3};
  WeirReader reader, part;

  weir_reader_init (&reader, data, sizeof data);
  g_assert_cmpuint (weir_reader_u32 (&reader), ==, 0);
  g_assert_true (reader.failed);
  g_assert_cmpuint (weir_reader_u8 (&reader), ==, 0);
  g_assert_null (weir_reader_bytes (&reader, 0));

  weir_reader_init (&reader, data, sizeof data);
  g_assert_false (weir_reader_sub (&reader, 4, &part));
  g_assert_true (part.failed);
}

static void
a_part_cannot_be_read_beyond_its_own_end (void)
{
  const guint8 data[4] = {1, 2, 3, 4};
  WeirReader reader, part;

  weir_reader_init (&reader, data, sizeof data);
  g_assert_true (weir_reader_sub (&reader, 2, &part));
  g_assert_cmpuint (weir_reader_u16 (&part), ==, 0x0102);
  g_assert_cmpuint (weir_reader_u8 (&part), ==, 0);
  g_assert_true (part.failed);
  g_assert_false (reader.failed);
  g_assert_cmpuint (weir_reader_u16 (&reader), ==, 0x0304);
}

static void
composition_times_are_sign_extended (void)
{
  const guint8 data[6] = {0xff, 0xff, 0xb0, 0x00, 0x00, 0x50};
  WeirReader reader;

  weir_reader_init (&reader, data, sizeof data);
  g_assert_cmpint (weir_reader_s24 (&reader), ==, -80);
  g_assert_cmpint (weir_reader_s24 (&reader), ==, 80);
}

static void
exponential_golomb_codes (void)
{
  /* 1 | 010 | 011 | 00100 | 00101 | then too many zeros */
  const guint8 data[] = {0xa6, 0x42, 0x80, 0, 0, 0, 0, 0};
  WeirBitReader reader;

  weir_bit_reader_init (&reader, data, sizeof data);
  g_assert_cmpuint (weir_bit_reader_ue (&reader), ==, 0);
  g_assert_cmpuint (weir_bit_reader_ue (&reader), ==, 1);
  g_assert_cmpuint (weir_bit_reader_ue (&reader), ==, 2);
  g_assert_cmpuint (weir_bit_reader_ue (&reader), ==, 3);
  g_assert_cmpint (weir_bit_reader_se (&reader), ==, -2);
  g_assert_false (reader.failed);
  weir_bit_reader_ue (&reader);
  g_assert_true (reader.failed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/reader/numbers_written_are_read_back", numbers_written_are_read_back);
  g_test_add_func (
      "/base/reader/a_read_beyond_the_end_fails_for_good", a_read_beyond_the_end_fails_for_good);
  g_test_add_func ("/base/reader/a_part_cannot_be_read_beyond_its_own_end",
      a_part_cannot_be_read_beyond_its_own_end);
  g_test_add_func (
      "/base/reader/composition_times_are_sign_extended", composition_times_are_sign_extended);
  g_test_add_func ("/base/reader/exponential_golomb_codes", exponential_golomb_codes);
  return g_test_run ();
}
