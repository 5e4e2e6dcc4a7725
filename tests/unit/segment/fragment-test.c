/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/box.h"
#include "segment/fragment.h"

static GBytes *
write_header (WeirFragmentStart start, const WeirFragmentSample *samples, guint n, gsize *styp)
{
  return weir_fragment_write_header (
      start, 7, 2, G_GUINT64_CONSTANT (0x100000002), samples, n, styp);
}

/* hops to a box by path of types below the top level; asserts that it exists */
static WeirReader
find (GBytes *bytes, const guint32 *path, guint n)
{
  WeirReader reader;
  WeirBox box;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  weir_reader_init (&reader, data, size);
  for (guint i = 0; i < n; i++) {
    g_assert_true (weir_box_find (&reader, path[i], &box));
    reader = box.payload;
  }
  return reader;
}

#define MOOF WEIR_BOX_TYPE ('m', 'o', 'o', 'f')
#define TRAF WEIR_BOX_TYPE ('t', 'r', 'a', 'f')
#define FIND(bytes, ...) \
  find (bytes, (const guint32[]){__VA_ARGS__}, G_N_ELEMENTS (((const guint32[]){__VA_ARGS__})))

static void
the_styp_says_whether_a_segment_starts_with_a_keyframe (void)
{
  const WeirFragmentSample sample = {100, 3000, 0, TRUE};
  g_autoptr (GBytes) independent = NULL;
  g_autoptr (GBytes) dependent = NULL;
  g_autoptr (GBytes) later = NULL;
  gsize styp;

  independent = write_header (WEIR_FRAGMENT_SEGMENT, &sample, 1, &styp);
  g_assert_cmpuint (styp, ==, 28);
  g_assert_cmpmem (
      g_bytes_get_data (independent, NULL), 28, "\0\0\0\x1cstypcmfs\0\0\0\0cmfscmffcmfl", 28);
  dependent = write_header (WEIR_FRAGMENT_SEGMENT_NOT_INDEPENDENT, &sample, 1, &styp);
  g_assert_cmpuint (styp, ==, 20);
  g_assert_cmpmem (g_bytes_get_data (dependent, NULL), 20, "\0\0\0\x14stypcmfl\0\0\0\0cmfl", 20);
  later = write_header (WEIR_FRAGMENT_CHUNK, &sample, 1, &styp);
  g_assert_cmpuint (styp, ==, 0);
}

static void
the_data_offset_points_behind_the_header_counted_from_the_moof (void)
{
  const WeirFragmentSample samples[] = {{10, 1, 0, TRUE}, {20, 2, -1, FALSE}, {30, 3, 4, TRUE}};
  g_autoptr (GBytes) bytes = NULL;
  WeirReader trun;
  gsize styp;

  bytes = write_header (WEIR_FRAGMENT_SEGMENT, samples, 3, &styp);
  trun = FIND (bytes, MOOF, TRAF, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'));
  g_assert_cmphex (weir_reader_u32 (&trun), ==, 0x01000f01);
  g_assert_cmpuint (weir_reader_u32 (&trun), ==, 3);
  g_assert_cmpuint (weir_reader_u32 (&trun), ==, g_bytes_get_size (bytes) - styp);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpuint (weir_reader_u32 (&trun), ==, samples[i].duration);
    g_assert_cmpuint (weir_reader_u32 (&trun), ==, samples[i].size);
    g_assert_cmphex (weir_reader_u32 (&trun), ==, samples[i].keyframe ? 0x02000000 : 0x01010000);
    g_assert_cmpint ((gint32) weir_reader_u32 (&trun), ==, samples[i].composition_offset);
  }
  g_assert_cmpuint (weir_reader_remaining (&trun), ==, 0);
  g_assert_false (trun.failed);
}

static void
the_mdat_header_covers_the_samples (void)
{
  const WeirFragmentSample samples[] = {{10, 1, 0, TRUE}, {20, 1, 0, TRUE}};
  g_autoptr (GBytes) bytes = NULL;
  WeirReader reader;
  gsize styp, size;
  const guint8 *data;

  bytes = write_header (WEIR_FRAGMENT_CHUNK, samples, 2, &styp);
  data = g_bytes_get_data (bytes, &size);
  weir_reader_init (&reader, data + size - 8, 8);
  g_assert_cmpuint (weir_reader_u32 (&reader), ==, 38);
  g_assert_cmpmem (weir_reader_bytes (&reader, 4), 4, "mdat", 4);
}

static void
what_all_samples_share_stands_once (void)
{
  const WeirFragmentSample video[] = {{10, 9, 0, TRUE}, {20, 9, 0, FALSE}, {30, 9, 0, FALSE}};
  const WeirFragmentSample audio[] = {{10, 9, 0, TRUE}, {10, 9, 0, TRUE}};
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) small = NULL;
  WeirReader tfhd, trun, tfdt, mfhd;
  gsize styp;

  bytes = write_header (WEIR_FRAGMENT_CHUNK, video, 3, &styp);
  mfhd = FIND (bytes, MOOF, WEIR_BOX_TYPE ('m', 'f', 'h', 'd'));
  weir_reader_skip (&mfhd, 4);
  g_assert_cmpuint (weir_reader_u32 (&mfhd), ==, 7);
  tfdt = FIND (bytes, MOOF, TRAF, WEIR_BOX_TYPE ('t', 'f', 'd', 't'));
  g_assert_cmphex (weir_reader_u32 (&tfdt), ==, 0x01000000);
  g_assert_cmphex (weir_reader_u64 (&tfdt), ==, G_GUINT64_CONSTANT (0x100000002));
  tfhd = FIND (bytes, MOOF, TRAF, WEIR_BOX_TYPE ('t', 'f', 'h', 'd'));
  g_assert_cmphex (weir_reader_u32 (&tfhd), ==, 0x020028);
  g_assert_cmpuint (weir_reader_u32 (&tfhd), ==, 2);
  g_assert_cmpuint (weir_reader_u32 (&tfhd), ==, 9);
  g_assert_cmphex (weir_reader_u32 (&tfhd), ==, 0x01010000);
  trun = FIND (bytes, MOOF, TRAF, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'));
  g_assert_cmphex (weir_reader_u32 (&trun), ==, 0x01000205);
  weir_reader_skip (&trun, 8);
  g_assert_cmphex (weir_reader_u32 (&trun), ==, 0x02000000);

  small = write_header (WEIR_FRAGMENT_CHUNK, audio, 2, &styp);
  trun = FIND (small, MOOF, TRAF, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'));
  g_assert_cmphex (weir_reader_u32 (&trun), ==, 0x01000001);
  g_assert_cmpuint (weir_reader_remaining (&trun), ==, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/fragment/" #name, name)
  ADD (the_styp_says_whether_a_segment_starts_with_a_keyframe);
  ADD (the_data_offset_points_behind_the_header_counted_from_the_moof);
  ADD (the_mdat_header_covers_the_samples);
  ADD (what_all_samples_share_stands_once);
  return g_test_run ();
}
