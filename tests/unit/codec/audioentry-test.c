/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audioentry.h"

#include "codec/entry.h"
#include "hex.h"

#include <string.h>

static void
an_audio_entry_has_room_for_16_bits_of_rate (void)
{
  static const struct {
    guint channels, sample_size, rate;
    const gchar *hex;
  } cases[] = {
      {2, 16, 48000, "0002 0010 00000000 bb800000"},
      {6, 24, 44100, "0006 0018 00000000 ac440000"},
      {1, 16, 65535, "0001 0010 00000000 ffff0000"},
      {1, 16, 65536, "0001 0010 00000000 00000000"},
      {1, 16, 192000, "0001 0010 00000000 00000000"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirCodecConfig config = {.channels = cases[i].channels, .rate = 11025};
    g_autofree gchar *hex = g_strconcat (
        "00000025 74657374 000000000000 0001 0000000000000000", cases[i].hex, "77", NULL);
    g_autoptr (GBytes) expected = test_hex (hex);
    g_auto (WeirWriter) writer = {0};
    gsize entry;

    g_test_message ("%u", cases[i].rate);
    weir_writer_init (&writer, 0);
    entry = weir_audio_entry_begin (&config, "test", cases[i].sample_size, cases[i].rate, &writer);
    weir_writer_u8 (&writer, 0x77);
    weir_entry_end (&writer, entry);
    g_assert_cmpmem (
        writer.data, writer.size, g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
  }
}

static void
descriptors_say_their_sizes_in_as_few_bytes_as_they_need (void)
{
  static const struct {
    guint8 object_type;
    gsize record_size; /* 0: no record */
    const gchar *head; /* up to the record */
  } cases[] = {
      {0x6b, 0, "00000023 65736473 00000000 03 15 0000 00 04 0d 6b 15 000000 00000000 00000000"},
      {0x40, 2,
          "00000027 65736473 00000000 03 19 0000 00 04 11 40 15 000000 00000000 00000000 05 02"},
      /* the innermost fits in 7 bits, the outermost does not */
      {0x40, 110,
          "00000094 65736473 00000000 03 8105 0000 00 04 7d 40 15 000000 00000000 00000000 05 6e"},
      {0x40, 128,
          "000000a8 65736473 00000000 03 8119 0000 00 04 8110 40 15 000000 00000000 00000000"
          "05 8100"},
      {0x40, 16384,
          "0000402b 65736473 00000000 03 81801b 0000 00 04 818011 40 15 000000 00000000 00000000"
          "05 818000"},
  };
  g_autofree guint8 *record = g_malloc (16384);

  memset (record, 0xa5, 16384);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize size = cases[i].record_size;
    g_autoptr (GBytes) head = test_hex (cases[i].head);
    g_autoptr (GBytes) tail = test_hex ("06 01 02");
    g_auto (WeirWriter) expected = {0};
    g_auto (WeirWriter) writer = {0};

    g_test_message ("%" G_GSIZE_FORMAT, size);
    weir_writer_init (&expected, 0);
    weir_writer_bytes (&expected, g_bytes_get_data (head, NULL), g_bytes_get_size (head));
    weir_writer_bytes (&expected, record, size);
    weir_writer_bytes (&expected, g_bytes_get_data (tail, NULL), g_bytes_get_size (tail));
    weir_writer_init (&writer, 0);
    weir_audio_entry_write_esds (cases[i].object_type, size > 0 ? record : NULL, size, &writer);
    g_assert_cmpmem (writer.data, writer.size, expected.data, expected.size);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/audioentry/" #name, name)
  ADD (an_audio_entry_has_room_for_16_bits_of_rate);
  ADD (descriptors_say_their_sizes_in_as_few_bytes_as_they_need);
  return g_test_run ();
}
