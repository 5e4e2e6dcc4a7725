/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/entry.h"

#include "hex.h"

#define COLR "00000013636f6c726e636c78"

static void
assert_written (const WeirWriter *writer, const gchar *hex)
{
  g_autoptr (GBytes) expected = test_hex (hex);

  g_assert_cmpmem (
      writer->data, writer->size, g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
boxes_within_boxes_have_their_sizes (void)
{
  g_auto (WeirWriter) writer = {0};
  gsize outer, inner;

  weir_writer_init (&writer, 0);
  weir_writer_u8 (&writer, 0xee);
  outer = weir_entry_begin (&writer, "abcd");
  weir_writer_u16 (&writer, 0x1234);
  inner = weir_entry_begin (&writer, "efgh");
  weir_entry_end (&writer, inner);
  weir_writer_u8 (&writer, 0x56);
  weir_entry_end (&writer, outer);
  assert_written (&writer, "ee 00000013 61626364 1234 00000008 65666768 56");
}

static void
a_video_entry_says_what_is_known (void)
{
  static const WeirColour unspecified = {.primaries = 2, .transfer = 2, .matrix = 2};
  static const WeirColour full = {.primaries = 2, .transfer = 2, .matrix = 2, .full_range = TRUE};
  static const WeirColour primaries = {.primaries = 1, .transfer = 2, .matrix = 2};
  static const WeirColour transfer = {.primaries = 2, .transfer = 16, .matrix = 2};
  static const WeirColour matrix = {.primaries = 2, .transfer = 2, .matrix = 0};
  static const WeirColour mastering = {.primaries = 2,
      .transfer = 2,
      .matrix = 2,
      .has_mastering = TRUE,
      .display_primaries = {{0x1111, 0x1222}, {0x2111, 0x2222}, {0x3111, 0x3222}},
      .white_point = {0x4111, 0x4222},
      .luminance_max = 0x989680,
      .luminance_min = 50};
  static const WeirColour all = {.primaries = 9,
      .transfer = 16,
      .matrix = 9,
      .has_light_level = TRUE,
      .content_light_max = 1000,
      .picture_average_light_max = 400};
  static const struct {
    const gchar *what;
    const WeirColour *colour; /* (nullable) */
    guint par_n, par_d;
    const gchar *size, *boxes; /* the entry's, and what stands behind the record */
  } cases[] = {
      {"nothing", NULL, 1, 1, "00000061", ""},
      {"nothing of colour", &unspecified, 1, 1, "00000061", ""},
      {"square in other words", NULL, 4, 4, "00000061", ""},
      {"wide", NULL, 64, 45, "00000071", "00000010 70617370 00000040 0000002d"},
      {"full range", &full, 1, 1, "00000074", COLR "0002 0002 0002 80"},
      {"primaries", &primaries, 1, 1, "00000074", COLR "0001 0002 0002 00"},
      {"transfer", &transfer, 1, 1, "00000074", COLR "0002 0010 0002 00"},
      {"matrix", &matrix, 1, 1, "00000074", COLR "0002 0002 0000 00"},
      /* green, blue, red */
      {"mastering", &mastering, 1, 1, "00000081",
          "00000020 6d646376 2111 2222 3111 3222 1111 1222 4111 4222 00989680 00000032"},
      {"several", &all, 4, 3, "00000090",
          COLR "0009 0010 0009 00 0000000c 636c6c69 03e8 0190"
               "00000010 70617370 00000004 00000003"},
  };
  g_autoptr (GBytes) record = test_hex ("abcdef");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree WeirColour *colour =
        cases[i].colour != NULL ? g_memdup2 (cases[i].colour, sizeof (WeirColour)) : NULL;
    WeirCodecConfig config = {.record = record,
        .width = 1280,
        .height = 720,
        .par_n = cases[i].par_n,
        .par_d = cases[i].par_d,
        .colour = colour};
    g_autofree gchar *expected = g_strconcat (cases[i].size,
        "74657374 000000000000 0001 00000000000000000000000000000000 0500 02d0 00480000 00480000"
        "00000000 0001 00000000000000000000000000000000 00000000000000000000000000000000 0018 ffff"
        "0000000b 7265636f abcdef",
        cases[i].boxes, NULL);
    g_auto (WeirWriter) writer = {0};

    g_test_message ("%s", cases[i].what);
    weir_writer_init (&writer, 0);
    weir_entry_write_video (&config, "test", "reco", &writer);
    assert_written (&writer, expected);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/codec/entry/" #name, name)
  ADD (boxes_within_boxes_have_their_sizes);
  ADD (a_video_entry_says_what_is_known);
  return g_test_run ();
}
