/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/init.h"

#include "records.h"
#include "segment/box.h"

#define T(a, b, c, d) WEIR_BOX_TYPE (a, b, c, d)

typedef struct {
  WeirCodecConfig *configs[3];
} Fixture;

static void
set_up (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  fixture->configs[0] = test_config (WEIR_CODEC_AVC, RECORD_HIGH_576P25_SAR_64_45);
  fixture->configs[1] = NULL;
  fixture->configs[2] = test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_44100_MONO_NO_SBR);
}

static void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  weir_codec_config_unref (fixture->configs[0]);
  weir_codec_config_unref (fixture->configs[2]);
}

/* every box down to the leaves, as text: "ftyp moov(mvhd trak(tkhd …" */
static void
describe (const WeirReader *container, GString *text)
{
  static const gchar containers[] = "moov trak mdia minf dinf stbl mvex";
  WeirReader reader = *container;
  WeirBox box;

  while (weir_box_read (&reader, &box)) {
    gchar name[5] = {(gchar) (box.type >> 24), (gchar) (box.type >> 16), (gchar) (box.type >> 8),
        (gchar) box.type, 0};

    if (text->len > 0 && text->str[text->len - 1] != '(')
      g_string_append_c (text, ' ');
    g_string_append (text, name);
    if (strstr (containers, name) != NULL) {
      g_string_append_c (text, '(');
      describe (&box.payload, text);
      g_string_append_c (text, ')');
    }
  }
  g_assert_false (reader.failed);
  g_assert_cmpuint (weir_reader_remaining (&reader), ==, 0);
}

static void
check_shape (GBytes *init, const gchar *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  WeirReader reader;

  weir_reader_init (&reader, g_bytes_get_data (init, NULL), g_bytes_get_size (init));
  describe (&reader, text);
  g_assert_cmpstr (text->str, ==, expected);
}

#define TRAK(header) \
  "trak(tkhd mdia(mdhd hdlr minf(" header " dinf(dref) stbl(stsd stts stsc stsz stco))))"

static void
one_trak_and_trex_for_each_configured_track (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GBytes) all = weir_init_segment_write (fixture->configs, 3, -1);
  g_autoptr (GBytes) video = weir_init_segment_write (fixture->configs, 3, 0);
  g_autoptr (GBytes) audio = weir_init_segment_write (fixture->configs, 3, 2);

  check_shape (all, "ftyp moov(mvhd " TRAK ("vmhd") " " TRAK ("smhd") " mvex(trex trex))");
  check_shape (video, "ftyp moov(mvhd " TRAK ("vmhd") " mvex(trex))");
  check_shape (audio, "ftyp moov(mvhd " TRAK ("smhd") " mvex(trex))");
}

static void
the_track_keeps_its_number_and_timescale_in_every_init (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  const gint only[] = {-1, 2};

  for (guint i = 0; i < G_N_ELEMENTS (only); i++) {
    g_autoptr (GBytes) init = weir_init_segment_write (fixture->configs, 3, only[i]);
    WeirReader reader;
    WeirBox moov, box, inner;
    guint seen = 0;

    weir_reader_init (&reader, g_bytes_get_data (init, NULL), g_bytes_get_size (init));
    g_assert_true (weir_box_find (&reader, T ('m', 'o', 'o', 'v'), &moov));
    while (weir_box_read (&moov.payload, &box)) {
      guint32 id;

      if (box.type == T ('m', 'v', 'e', 'x')) {
        while (weir_box_read (&box.payload, &inner)) {
          weir_reader_skip (&inner.payload, 4);
          id = weir_reader_u32 (&inner.payload);
          g_assert_cmpuint (weir_reader_u32 (&inner.payload), ==, 1);
          weir_reader_skip (&inner.payload, 8);
          g_assert_cmphex (weir_reader_u32 (&inner.payload), ==, id == 1 ? 0x01010000 : 0x02000000);
        }
      }
      if (box.type != T ('t', 'r', 'a', 'k'))
        continue;
      g_assert_true (weir_box_find (&box.payload, T ('t', 'k', 'h', 'd'), &inner));
      weir_reader_skip (&inner.payload, 12);
      id = weir_reader_u32 (&inner.payload);
      g_assert_true (id == 3 || (id == 1 && only[i] < 0));
      if (id == 1) {
        weir_reader_skip (&inner.payload, 60);
        g_assert_cmpuint (weir_reader_u32 (&inner.payload), ==, 1024 << 16);
        g_assert_cmpuint (weir_reader_u32 (&inner.payload), ==, 576 << 16);
      }
      g_assert_true (weir_box_find (&box.payload, T ('m', 'd', 'i', 'a'), &inner));
      g_assert_true (weir_box_find (&inner.payload, T ('m', 'd', 'h', 'd'), &box));
      weir_reader_skip (&box.payload, 12);
      g_assert_cmpuint (weir_reader_u32 (&box.payload), ==, id == 1 ? 90000 : 44100);
      seen++;
    }
    g_assert_cmpuint (seen, ==, only[i] < 0 ? 2 : 1);
  }
}

static void
a_language_stands_in_mdhd_and_as_it_is_in_elng (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirTrackLabel) label = weir_track_label_new ("Main", "pt-BR");
  WeirTrackLabel *const labels[] = {NULL, NULL, label};
  g_autoptr (GBytes) init = weir_init_segment_write_labelled (fixture->configs, labels, 3, 2);
  g_autoptr (GBytes) other = weir_init_segment_write_labelled (fixture->configs, labels, 3, 0);
  g_autoptr (GBytes) plain = weir_init_segment_write (fixture->configs, 3, 0);
  WeirReader reader;
  WeirBox moov, trak, mdia, box;

  check_shape (init, "ftyp moov(mvhd trak(tkhd mdia(mdhd elng hdlr minf(smhd dinf(dref) "
                     "stbl(stsd stts stsc stsz stco)))) mvex(trex))");
  weir_reader_init (&reader, g_bytes_get_data (init, NULL), g_bytes_get_size (init));
  g_assert_true (weir_box_find (&reader, T ('m', 'o', 'o', 'v'), &moov));
  g_assert_true (weir_box_find (&moov.payload, T ('t', 'r', 'a', 'k'), &trak));
  g_assert_true (weir_box_find (&trak.payload, T ('m', 'd', 'i', 'a'), &mdia));
  g_assert_true (weir_box_find (&mdia.payload, T ('m', 'd', 'h', 'd'), &box));
  weir_reader_skip (&box.payload, 20);
  g_assert_cmphex (
      weir_reader_u16 (&box.payload), ==, ('p' - 0x60) << 10 | ('o' - 0x60) << 5 | ('r' - 0x60));
  g_assert_true (weir_box_find (&mdia.payload, T ('e', 'l', 'n', 'g'), &box));
  weir_reader_skip (&box.payload, 4);
  g_assert_cmpmem (weir_reader_bytes (&box.payload, 6), 6, "pt-BR", 6);
  g_assert_cmpuint (weir_reader_remaining (&box.payload), ==, 0);
  g_assert_true (g_bytes_equal (other, plain));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/segment/init/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (one_trak_and_trex_for_each_configured_track);
  ADD (the_track_keeps_its_number_and_timescale_in_every_init);
  ADD (a_language_stands_in_mdhd_and_as_it_is_in_elng);
  return g_test_run ();
}
