/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/metadata.h"

#include "hex.h"
#include "rtmp/amf.h"

#include <string.h>

/* an AMF value in the making */
typedef struct {
  WeirWriter writer;
} Builder;

static void
text (Builder *self, const gchar *name, const gchar *value)
{
  weir_amf_write_name (&self->writer, name);
  weir_amf_write_string (&self->writer, value);
}

static void
number (Builder *self, const gchar *name, gdouble value)
{
  weir_amf_write_name (&self->writer, name);
  weir_amf_write_number (&self->writer, value);
}

static void
begin (Builder *self, const gchar *name)
{
  if (name != NULL)
    weir_amf_write_name (&self->writer, name);
  weir_amf_write_object_begin (&self->writer);
}

static void
end (Builder *self)
{
  weir_amf_write_object_end (&self->writer);
}

/* the beginning of a message */
static void
begin_message (Builder *self)
{
  weir_writer_init (&self->writer, 0);
  weir_amf_write_string (&self->writer, "@setDataFrame");
  weir_amf_write_string (&self->writer, "onMetaData");
  begin (self, NULL);
}

/* from memory of exactly its size, so that a read beyond it is seen by the sanitizer */
static WeirRtmpMetadata *
parse_bytes (const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  return weir_rtmp_metadata_parse (copy, size, &weir_amf_limits_default);
}

static WeirRtmpMetadata *
parse (Builder *self)
{
  WeirRtmpMetadata *metadata;

  end (self);
  metadata = parse_bytes (self->writer.data, self->writer.size);
  weir_writer_clear (&self->writer);
  g_assert_nonnull (metadata);
  return metadata;
}

static WeirRtmpMetadata *
parse_hex (const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return parse_bytes (data, size);
}

static void
what_ffmpeg_says (void)
{
  /* width 160, height 90, videodatarate 75.3…, videocodecid "hvc1", audiodatarate, audiosamplerate
   * 48000, stereo FALSE, audiocodecid "Opus", encoder */
  g_autoptr (WeirRtmpMetadata) metadata = parse_hex (
      "02000d40736574446174614672616d65 02000a6f6e4d65746144617461 08 0000000c"
      "0008 6475726174696f6e 00 0000000000000000 0005 7769647468 00 4064000000000000"
      "0006 686569676874 00 4056800000000000 000d 766964656f6461746172617465 00 404e310000000000"
      "000c 766964656f636f6465636964 00 41da1d98cc400000"
      "000d 617564696f6461746172617465 00 40528ca000000000"
      "000f 617564696f73616d706c6572617465 00 40e7700000000000"
      "000f 617564696f73616d706c6573697a65 00 4030000000000000 0006 73746572656f 01 00"
      "000c 617564696f636f6465636964 00 41d3dc1d5cc00000"
      "0007 656e636f646572 02000d 4c61766636322e31332e313032"
      "0008 66696c6573697a65 00 0000000000000000 000009");
  const WeirRtmpTrackInfo *video, *audio;

  g_assert_nonnull (metadata);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_VIDEO], ==, 1);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 1);
  video = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_VIDEO, 0);
  g_assert_true (video->promised);
  g_assert_null (video->language);
  audio = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 0);
  g_assert_true (audio->promised);
  g_assert_null (weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 1));
}

static void
a_codec_by_any_name_promises_its_track (void)
{
  static const struct {
    const gchar *name;
    const gchar *string; /* else @number */
    gdouble number;
    gboolean promised;
  } rows[] = {
      {"videocodecid", NULL, 7, TRUE},
      {"videocodecid", NULL, 12, TRUE},
      {"videocodecid", NULL, 13, TRUE},
      {"videocodecid", NULL, 2, TRUE},
      {"videocodecid", NULL, 0x61763031, TRUE},
      {"videocodecid", NULL, 0x76766331, TRUE},
      {"videocodecid", NULL, 1e300, TRUE},
      {"videocodecid", NULL, -7, TRUE},
      {"videocodecid", NULL, 0, FALSE},
      {"videocodecid", "avc1", 0, TRUE},
      {"videocodecid", "hvc1", 0, TRUE},
      {"videocodecid", "mp4a", 0, TRUE},
      {"videocodecid", "H.264", 0, TRUE},
      {"videocodecid", "", 0, FALSE},
      {"audiocodecid", NULL, 10, TRUE},
      {"audiocodecid", NULL, 2, TRUE},
      {"audiocodecid", NULL, 14, TRUE},
      {"audiocodecid", NULL, 7, TRUE},
      {"audiocodecid", NULL, 0x664c6143, TRUE},
      {"audiocodecid", ".mp3", 0, TRUE},
      {"audiocodecid", "ac-3", 0, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    WeirMediaKind kind = rows[i].name[0] == 'v' ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO;
    g_autoptr (WeirRtmpMetadata) metadata = NULL;
    const WeirRtmpTrackInfo *track;
    Builder builder;

    begin_message (&builder);
    if (rows[i].string != NULL)
      text (&builder, rows[i].name, rows[i].string);
    else
      number (&builder, rows[i].name, rows[i].number);
    metadata = parse (&builder);
    g_test_message ("%s %s %g", rows[i].name, rows[i].string, rows[i].number);
    track = weir_rtmp_metadata_get_track (metadata, kind, 0);
    g_assert_cmpint (track->promised, ==, rows[i].promised);
    track = weir_rtmp_metadata_get_track (
        metadata, kind == WEIR_MEDIA_VIDEO ? WEIR_MEDIA_AUDIO : WEIR_MEDIA_VIDEO, 0);
    g_assert_false (track->promised);
  }
}

static void
every_track_has_its_own_names (void)
{
  g_autoptr (WeirRtmpMetadata) metadata = NULL;
  const WeirRtmpTrackInfo *track;
  Builder builder;

  begin_message (&builder);
  number (&builder, "videocodecid", 7);
  number (&builder, "audiocodecid", 10);
  text (&builder, "language", "en");
  begin (&builder, "videoTrackIdInfoMap");
  begin (&builder, "1");
  number (&builder, "width", 1280);
  end (&builder);
  end (&builder);
  begin (&builder, "audioTrackIdInfoMap");
  begin (&builder, "7");
  text (&builder, "language", "pt-BR");
  text (&builder, "trackName", " Comentário ");
  text (&builder, "audiocodecid", "Opus");
  end (&builder);
  begin (&builder, "1");
  end (&builder);
  end (&builder);
  metadata = parse (&builder);

  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_VIDEO], ==, 2);
  track = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_VIDEO, 1);
  g_assert_cmpuint (track->track_id, ==, 1);
  g_assert_true (track->promised);

  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 3);
  track = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 7);
  g_assert_cmpstr (track->language, ==, "pt-BR");
  g_assert_cmpstr (track->label, ==, "Comentário");
  track = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 1);
  g_assert_true (track->promised);
  g_assert_null (track->language);
  g_assert_null (track->label);
  track = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 0);
  g_assert_cmpstr (track->language, ==, "en");
}

/* no entry is a promise but those of other tracks */
static void
an_entry_for_track_0_promises_it_when_it_names_a_codec (void)
{
  for (guint named = 0; named < 2; named++) {
    g_autoptr (WeirRtmpMetadata) metadata = NULL;
    Builder builder;

    begin_message (&builder);
    begin (&builder, "audioTrackIdInfoMap");
    begin (&builder, "0");
    number (&builder, named ? "audiocodecid" : "channels", 10);
    end (&builder);
    end (&builder);
    metadata = parse (&builder);
    g_assert_cmpint (
        weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 0)->promised, ==, named);
  }
}

static void
an_entry_for_track_0_adds_to_what_is_said_above (void)
{
  g_autoptr (WeirRtmpMetadata) metadata = NULL;
  const WeirRtmpTrackInfo *track;
  Builder builder;

  begin_message (&builder);
  number (&builder, "audiocodecid", 10);
  text (&builder, "language", "en");
  begin (&builder, "audioTrackIdInfoMap");
  begin (&builder, "0");
  text (&builder, "label", "Programme");
  end (&builder);
  end (&builder);
  metadata = parse (&builder);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 1);
  track = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 0);
  g_assert_true (track->promised);
  g_assert_cmpstr (track->language, ==, "en");
  g_assert_cmpstr (track->label, ==, "Programme");
}

static void
entries_that_have_no_number_of_a_track_are_left_out (void)
{
  static const gchar *const names[] = {"256", "-1", "+1", "a", "1.5", " 1", "99999999999999999999"};
  g_autoptr (WeirRtmpMetadata) metadata = NULL;
  Builder builder;

  begin_message (&builder);
  begin (&builder, "audioTrackIdInfoMap");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    begin (&builder, names[i]);
    end (&builder);
  }
  number (&builder, "3", 3);
  begin (&builder, "2");
  text (&builder, "label", "first");
  end (&builder);
  begin (&builder, "2");
  text (&builder, "label", "second");
  end (&builder);
  end (&builder);
  number (&builder, "videoTrackIdInfoMap", 5);
  metadata = parse (&builder);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_VIDEO], ==, 1);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 2);
  g_assert_cmpstr (metadata->tracks[WEIR_MEDIA_AUDIO][1].label, ==, "first");
}

static void
every_number_of_a_track_may_have_an_entry (void)
{
  g_autoptr (WeirRtmpMetadata) metadata = NULL;
  Builder builder;

  begin_message (&builder);
  begin (&builder, "audioTrackIdInfoMap");
  for (guint i = 0; i < 600; i++) {
    g_autofree gchar *name = g_strdup_printf ("%u", i);

    begin (&builder, name);
    text (&builder, "label", name);
    end (&builder);
  }
  end (&builder);
  metadata = parse (&builder);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 256);
  g_assert_cmpstr (
      weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 255)->label, ==, "255");
}

static void
labels_are_text_of_64_characters_at_most (void)
{
  g_autofree gchar *long_text = g_strnfill (300, 'x');
  static const struct {
    const gchar *text;
    const gchar *label;
  } rows[] = {
      {"Commentary", "Commentary"},
      {"日本語", "日本語"},
      {"", NULL},
      {"   ", NULL},
      {"two\nlines", NULL},
      {"bell\a", NULL},
      {"\x7f", NULL},
      {"\xc2\x85", NULL},
      {"\xff\xfe", NULL},
      {"\xc3", NULL},
      {"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
          "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"},
  };

  for (guint i = 0; i <= G_N_ELEMENTS (rows); i++) {
    gboolean last = i == G_N_ELEMENTS (rows);
    g_autoptr (WeirRtmpMetadata) metadata = NULL;
    const gchar *label;
    Builder builder;

    begin_message (&builder);
    begin (&builder, "videoTrackIdInfoMap");
    begin (&builder, "1");
    text (&builder, "name", last ? long_text : rows[i].text);
    end (&builder);
    end (&builder);
    metadata = parse (&builder);
    label = weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_VIDEO, 1)->label;
    if (last) {
      g_assert_cmpuint (strlen (label), ==, WEIR_RTMP_LABEL_MAX);
    } else {
      g_assert_cmpstr (label, ==, rows[i].label);
    }
  }
}

static void
a_label_with_a_nul_is_left_out (void)
{
  g_autoptr (WeirRtmpMetadata) metadata =
      /* audioTrackIdInfoMap, 1, name */
      parse_hex ("02000a6f6e4d65746144617461 03 0013 617564696f547261636b4964496e666f4d6170"
                 "03 0001 31 03 0004 6e616d65 02 0003 610062 000009 000009 000009");

  g_assert_nonnull (metadata);
  g_assert_cmpuint (metadata->counts[WEIR_MEDIA_AUDIO], ==, 2);
  g_assert_null (metadata->tracks[WEIR_MEDIA_AUDIO][1].label);
}

static void
languages_have_the_shape_of_bcp_47 (void)
{
  static const struct {
    const gchar *text;
    gboolean taken;
  } rows[] = {
      {"en", TRUE},
      {"deu", TRUE},
      {"pt-BR", TRUE},
      {"zh-Hant-TW", TRUE},
      {"de-CH-1996", TRUE},
      {"es-419", TRUE},
      {"x-klingon", TRUE},
      {"i-enochian", TRUE},
      {"qaa-Qaaa-QM-x-southern", TRUE},
      {"", FALSE},
      {"e", FALSE},
      {"x", FALSE},
      {"a-b", FALSE},
      {"e1", FALSE},
      {"12", FALSE},
      {"en_US", FALSE},
      {"en-", FALSE},
      {"-en", FALSE},
      {"en--US", FALSE},
      {"English", TRUE},
      {"Englishes", FALSE},
      {"en US", FALSE},
      {"en\"", FALSE},
      {"français", FALSE},
      {"en-aaaaaaaa-bbbbbbbb-cccccccc-dddddd", FALSE},
      {"en-aaaaaaaa-bbbbbbbb-cccccccc-ddddd", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (WeirRtmpMetadata) metadata = NULL;
    Builder builder;

    g_test_message ("%s", rows[i].text);
    begin_message (&builder);
    begin (&builder, "audioTrackIdInfoMap");
    begin (&builder, "1");
    text (&builder, "language", rows[i].text);
    end (&builder);
    end (&builder);
    metadata = parse (&builder);
    g_assert_cmpstr (weir_rtmp_metadata_get_track (metadata, WEIR_MEDIA_AUDIO, 1)->language, ==,
        rows[i].taken ? rows[i].text : NULL);
  }
}

static void
other_messages_are_none (void)
{
  static const gchar *const rows[] = {
      "",
      "02000a6f6e4d65746144617461",
      "02000a6f6e4d65746144617461 05",
      "02000a6f6e5465787444617461 03 000009",
      "02000f40636c656172446174614672616d65 02000a6f6e4d65746144617461",
      "02000d40736574446174614672616d65 02000a6f6e4d65746144617461 02 0000",
      "02000d40736574446174614672616d65 03 000009",
      "03 000009",
      /* cut off, AMF 3 */
      "02000a6f6e4d65746144617461 03 0005 7769647468 00 40",
      "02000a6f6e4d65746144617461 11 0a0b01",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_null (parse_hex (rows[i]));
}

static void
a_bare_message_and_an_ecma_array_are_seen (void)
{
  g_autoptr (WeirRtmpMetadata) metadata =
      parse_hex ("02000a6f6e4d65746144617461 08 00000014 000c 766964656f636f6465636964 00 "
                 "401c000000000000 000009");

  g_assert_nonnull (metadata);
  g_assert_true (metadata->tracks[WEIR_MEDIA_VIDEO][0].promised);
}

/* ---- colours ---- */

static WeirRtmpColourChange
parse_colour (const guint8 *data, gsize size, WeirColour *colour)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  memset (colour, 0xaa, sizeof *colour);
  return weir_rtmp_colour_parse (copy, size, &weir_amf_limits_default, colour);
}

static WeirRtmpColourChange
parse_colour_hex (const gchar *hex, WeirColour *colour)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return parse_colour (data, size, colour);
}

static void
the_colours_that_ffmpeg_sends (void)
{
  WeirColour colour;

  g_assert_cmpint (
      parse_colour_hex ("020009636f6c6f72496e666f 03 000b636f6c6f72436f6e666967 03"
                        "00177472616e7366657243686172616374657269737469637300 4030000000000000"
                        "00126d6174726978436f656666696369656e747300 4022000000000000"
                        "000e636f6c6f725072696d617269657300 4022000000000000 000009 000009",
          &colour),
      ==, WEIR_RTMP_COLOUR_SET);
  g_assert_cmpuint (colour.primaries, ==, 9);
  g_assert_cmpuint (colour.transfer, ==, 16);
  g_assert_cmpuint (colour.matrix, ==, 9);
  g_assert_false (colour.full_range);
  g_assert_false (colour.has_mastering);
  g_assert_false (colour.has_light_level);
}

static void
colours_are_reset (void)
{
  static const gchar *const rows[] = {
      "020009636f6c6f72496e666f 06",
      "020009636f6c6f72496e666f 05",
      "020009636f6c6f72496e666f 03 000009",
      "020009636f6c6f72496e666f 08 00000000 000009",
      /* as FFmpeg does when nothing is known */
      "020009636f6c6f72496e666f 03 000b636f6c6f72436f6e666967 03 000009 000009",
  };
  WeirColour colour;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (parse_colour_hex (rows[i], &colour), ==, WEIR_RTMP_COLOUR_RESET);
}

static void
other_metadata_changes_no_colour (void)
{
  static const gchar *const rows[] = {
      "",
      "020009636f6c6f72496e666f",
      "020009636f6c6f72496e666f 00 4030000000000000",
      "020009636f6c6f72496e666f 03 00",
      "020009636f6c6f72496e6600 03 000009",
      "05 06",
      "ff",
  };
  WeirColour colour;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (parse_colour_hex (rows[i], &colour), ==, WEIR_RTMP_COLOUR_NOTHING);
}

static void
begin_colour (Builder *self)
{
  weir_writer_init (&self->writer, 0);
  weir_amf_write_string (&self->writer, "colorInfo");
  begin (self, NULL);
}

static WeirRtmpColourChange
finish_colour (Builder *self, WeirColour *colour)
{
  WeirRtmpColourChange change;

  end (self);
  change = parse_colour (self->writer.data, self->writer.size, colour);
  weir_writer_clear (&self->writer);
  return change;
}

static const struct {
  const gchar *name;
  gdouble value;
} mastering[] = {
    {"redX", 0.708},
    {"redY", 0.292},
    {"greenX", 0.17},
    {"greenY", 0.797},
    {"blueX", 0.131},
    {"blueY", 0.046},
    {"whitePointX", 0.3127},
    {"whitePointY", 0.329},
    {"maxLuminance", 1000},
    {"minLuminance", 0.005},
};

/* all of it but that @without, or with another @value for that */
static WeirRtmpColourChange
parse_mastering (guint without, gdouble value, WeirColour *colour)
{
  Builder builder;

  begin_colour (&builder);
  begin (&builder, "hdrMdcv");
  for (guint i = 0; i < G_N_ELEMENTS (mastering); i++) {
    if (i != without)
      number (&builder, mastering[i].name, mastering[i].value);
    else if (value != 0)
      number (&builder, mastering[i].name, value);
  }
  end (&builder);
  return finish_colour (&builder, colour);
}

static void
a_mastering_display_is_brought_into_the_units_of_its_box (void)
{
  WeirColour colour;

  g_assert_cmpint (parse_mastering (G_MAXUINT, 0, &colour), ==, WEIR_RTMP_COLOUR_SET);
  g_assert_true (colour.has_mastering);
  g_assert_cmpuint (colour.primaries, ==, 2);
  g_assert_cmpuint (colour.transfer, ==, 2);
  g_assert_cmpuint (colour.matrix, ==, 2);
  g_assert_cmpuint (colour.display_primaries[0][0], ==, 35400);
  g_assert_cmpuint (colour.display_primaries[0][1], ==, 14600);
  g_assert_cmpuint (colour.display_primaries[1][0], ==, 8500);
  g_assert_cmpuint (colour.display_primaries[1][1], ==, 39850);
  g_assert_cmpuint (colour.display_primaries[2][0], ==, 6550);
  g_assert_cmpuint (colour.display_primaries[2][1], ==, 2300);
  g_assert_cmpuint (colour.white_point[0], ==, 15635);
  g_assert_cmpuint (colour.white_point[1], ==, 16450);
  g_assert_cmpuint (colour.luminance_max, ==, 10000000);
  g_assert_cmpuint (colour.luminance_min, ==, 50);
  g_assert_false (colour.has_light_level);
}

static void
a_mastering_display_that_is_not_all_there_is_none (void)
{
  WeirColour colour;

  /* the smallest luminance may be none */
  for (guint i = 0; i + 1 < G_N_ELEMENTS (mastering); i++) {
    g_assert_cmpint (parse_mastering (i, 0, &colour), ==, WEIR_RTMP_COLOUR_RESET);
    g_assert_cmpint (parse_mastering (i, -0.1, &colour), ==, WEIR_RTMP_COLOUR_RESET);
    g_assert_cmpint (parse_mastering (i, 10001, &colour), ==, WEIR_RTMP_COLOUR_RESET);
  }
  g_assert_cmpint (parse_mastering (9, 0, &colour), ==, WEIR_RTMP_COLOUR_SET);
  g_assert_cmpint (parse_mastering (9, 1000, &colour), ==, WEIR_RTMP_COLOUR_RESET);
}

static void
light_levels_and_code_points_have_their_ranges (void)
{
  WeirColour colour;
  Builder builder;

  begin_colour (&builder);
  begin (&builder, "colorConfig");
  number (&builder, "bitDepth", 10);
  number (&builder, "colorPrimaries", 0);
  number (&builder, "transferCharacteristics", 256);
  number (&builder, "matrixCoefficients", 0);
  end (&builder);
  begin (&builder, "hdrCll");
  number (&builder, "maxFall", 399.6);
  number (&builder, "maxCLL", 0.0001);
  end (&builder);
  g_assert_cmpint (finish_colour (&builder, &colour), ==, WEIR_RTMP_COLOUR_SET);
  g_assert_cmpuint (colour.primaries, ==, 2);
  g_assert_cmpuint (colour.transfer, ==, 2);
  g_assert_cmpuint (colour.matrix, ==, 0);
  g_assert_true (colour.has_light_level);
  g_assert_cmpuint (colour.picture_average_light_max, ==, 400);
  g_assert_cmpuint (colour.content_light_max, ==, 1);

  begin_colour (&builder);
  begin (&builder, "hdrCll");
  number (&builder, "maxFall", 0);
  number (&builder, "maxCLL", 10001);
  end (&builder);
  g_assert_cmpint (finish_colour (&builder, &colour), ==, WEIR_RTMP_COLOUR_RESET);
}

static void
the_last_of_several_colours_counts (void)
{
  WeirColour colour;
  Builder builder;

  begin_colour (&builder);
  begin (&builder, "colorConfig");
  number (&builder, "colorPrimaries", 9);
  end (&builder);
  end (&builder);
  weir_amf_write_string (&builder.writer, "other");
  weir_amf_write_null (&builder.writer);
  weir_amf_write_string (&builder.writer, "colorInfo");
  begin (&builder, NULL);
  g_assert_cmpint (finish_colour (&builder, &colour), ==, WEIR_RTMP_COLOUR_RESET);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/metadata/" #name, name)
  TEST (what_ffmpeg_says);
  TEST (a_codec_by_any_name_promises_its_track);
  TEST (every_track_has_its_own_names);
  TEST (an_entry_for_track_0_promises_it_when_it_names_a_codec);
  TEST (an_entry_for_track_0_adds_to_what_is_said_above);
  TEST (entries_that_have_no_number_of_a_track_are_left_out);
  TEST (every_number_of_a_track_may_have_an_entry);
  TEST (labels_are_text_of_64_characters_at_most);
  TEST (a_label_with_a_nul_is_left_out);
  TEST (languages_have_the_shape_of_bcp_47);
  TEST (other_messages_are_none);
  TEST (a_bare_message_and_an_ecma_array_are_seen);
  TEST (the_colours_that_ffmpeg_sends);
  TEST (colours_are_reset);
  TEST (other_metadata_changes_no_colour);
  TEST (a_mastering_display_is_brought_into_the_units_of_its_box);
  TEST (a_mastering_display_that_is_not_all_there_is_none);
  TEST (light_levels_and_code_points_have_their_ranges);
  TEST (the_last_of_several_colours_counts);
  return g_test_run ();
}
