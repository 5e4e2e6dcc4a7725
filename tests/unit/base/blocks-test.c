/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/blocks.h"

static guint8
byte_at (gsize offset)
{
  return (guint8) (offset * 31 + (offset >> 10));
}

static WeirBlocks *
make (gsize size, gsize piece)
{
  WeirBlocks *blocks = weir_blocks_new ();
  g_autofree guint8 *data = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    data[i] = byte_at (i);
  for (gsize i = 0; i < size; i += piece)
    weir_blocks_append (blocks, data + i, MIN (piece, size - i));
  return blocks;
}

static void
assert_content (const WeirBlocks *blocks, gsize first, gsize size)
{
  g_autofree guint8 *data = g_malloc (size + 1);
  gsize together = 0;

  g_assert_cmpuint (blocks->size, ==, size);
  weir_blocks_copy (blocks, 0, size, data);
  for (gsize i = 0; i < size; i++)
    g_assert_cmphex (data[i], ==, byte_at (first + i));
  while (together < size) {
    gsize available;
    const guint8 *bytes = weir_blocks_get (blocks, together, &available);

    g_assert_cmpuint (available, >, 0);
    g_assert_cmphex (bytes[available - 1], ==, byte_at (first + together + available - 1));
    together += available;
  }
  g_assert_cmpuint (together, ==, size);
  g_assert_cmpuint (blocks->blocks->len, ==, (size + WEIR_BLOCK_SIZE - 1) / WEIR_BLOCK_SIZE);
}

static void
pieces_of_any_size_come_out_as_they_went_in (void)
{
  static const gsize sizes[] = {
      0, 1, WEIR_BLOCK_SIZE - 1, WEIR_BLOCK_SIZE, WEIR_BLOCK_SIZE + 1, 3 * WEIR_BLOCK_SIZE, 100000};
  static const gsize pieces[] = {1, 170, WEIR_BLOCK_SIZE, 50000};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint n = 0; n < G_N_ELEMENTS (pieces); n++) {
      g_autoptr (WeirBlocks) blocks = make (sizes[i], pieces[n]);

      assert_content (blocks, 0, sizes[i]);
    }
}

static void
a_split_leaves_both_ends_whole (void)
{
  static const gsize offsets[] = {
      0, 1, WEIR_BLOCK_SIZE - 1, WEIR_BLOCK_SIZE, WEIR_BLOCK_SIZE + 1, 70000, 100000};

  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++) {
    g_autoptr (WeirBlocks) blocks = make (100000, 1234);
    g_autoptr (WeirBlocks) rest = weir_blocks_split (blocks, offsets[i]);
    const guint8 next = byte_at (offsets[i]);

    assert_content (rest, offsets[i], 100000 - offsets[i]);
    assert_content (blocks, 0, offsets[i]);
    /* both go on */
    weir_blocks_append (blocks, &next, 1);
    assert_content (blocks, 0, offsets[i] + 1);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/blocks/pieces_of_any_size_come_out_as_they_went_in",
      pieces_of_any_size_come_out_as_they_went_in);
  g_test_add_func ("/blocks/a_split_leaves_both_ends_whole", a_split_leaves_both_ends_whole);
  return g_test_run ();
}
