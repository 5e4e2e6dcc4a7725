/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/init.h"

#include "segment/box.h"

#include <string.h>

#define MOVIE_TIMESCALE 1000

/* sample flags (ISO/IEC 14496-12, 8.8.3.1): what most samples of a track are */
#define FLAGS_DEPENDS_NOT_SYNC 0x01010000
#define FLAGS_INDEPENDENT 0x02000000

static void
write_matrix (WeirWriter *writer)
{
  static const guint32 unity[9] = {0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000};

  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    weir_writer_u32 (writer, unity[i]);
}

static void
write_ftyp (WeirWriter *writer)
{
  gsize box = weir_box_begin (writer, "ftyp");

  weir_writer_fourcc (writer, "iso6");
  weir_writer_u32 (writer, 0);
  weir_writer_fourcc (writer, "iso6");
  weir_writer_fourcc (writer, "cmfc");
  weir_writer_fourcc (writer, "cmf2");
  weir_box_end (writer, box);
}

static void
write_mvhd (WeirWriter *writer, guint32 next_track_id)
{
  gsize box = weir_full_box_begin (writer, "mvhd", 0, 0);

  weir_writer_zeros (writer, 8); /* creation and modification time: unknown */
  weir_writer_u32 (writer, MOVIE_TIMESCALE);
  weir_writer_u32 (writer, 0); /* duration: in the fragments */
  weir_writer_u32 (writer, 0x00010000);
  weir_writer_u16 (writer, 0x0100);
  weir_writer_zeros (writer, 10);
  write_matrix (writer);
  weir_writer_zeros (writer, 24);
  weir_writer_u32 (writer, next_track_id);
  weir_box_end (writer, box);
}

static void
write_tkhd (WeirWriter *writer, const WeirCodecConfig *config, guint32 track_id)
{
  gsize box = weir_full_box_begin (writer, "tkhd", 0, 3); /* enabled, in movie */
  guint64 width = ((guint64) config->width << 16) * config->par_n / config->par_d;

  weir_writer_zeros (writer, 8);
  weir_writer_u32 (writer, track_id);
  weir_writer_zeros (writer, 4 + 4 + 8 + 2 + 2); /* duration, layer, alternate group */
  weir_writer_u16 (writer, config->kind == WEIR_MEDIA_AUDIO ? 0x0100 : 0);
  weir_writer_zeros (writer, 2);
  write_matrix (writer);
  /* as shown: with square pixels */
  weir_writer_u32 (writer, (guint32) MIN (width, G_MAXUINT32));
  weir_writer_u32 (writer, config->height << 16);
  weir_box_end (writer, box);
}

static void
write_mdhd (WeirWriter *writer, const WeirCodecConfig *config, const WeirTrackLabel *label)
{
  gsize box = weir_full_box_begin (writer, "mdhd", 0, 0);

  weir_writer_zeros (writer, 8);
  weir_writer_u32 (writer, config->timescale);
  weir_writer_u32 (writer, 0);
  weir_writer_u16 (writer, weir_track_label_pack_language (label));
  weir_writer_u16 (writer, 0);
  weir_box_end (writer, box);
}

/* the language as it is: mdhd knows no regions, and not every language */
static void
write_elng (WeirWriter *writer, const WeirTrackLabel *label)
{
  gsize box;

  if (label == NULL || label->language == NULL)
    return;
  box = weir_full_box_begin (writer, "elng", 0, 0);
  weir_writer_bytes (writer, label->language, strlen (label->language) + 1);
  weir_box_end (writer, box);
}

static void
write_hdlr (WeirWriter *writer, const WeirCodecConfig *config)
{
  gboolean video = config->kind == WEIR_MEDIA_VIDEO;
  gsize box = weir_full_box_begin (writer, "hdlr", 0, 0);

  weir_writer_u32 (writer, 0);
  weir_writer_fourcc (writer, video ? "vide" : "soun");
  weir_writer_zeros (writer, 12);
  weir_writer_bytes (writer, video ? "video" : "audio", 6);
  weir_box_end (writer, box);
}

static void
write_media_header (WeirWriter *writer, const WeirCodecConfig *config)
{
  gsize box;

  if (config->kind == WEIR_MEDIA_VIDEO) {
    box = weir_full_box_begin (writer, "vmhd", 0, 1);
    weir_writer_zeros (writer, 8);
  } else {
    box = weir_full_box_begin (writer, "smhd", 0, 0);
    weir_writer_zeros (writer, 4);
  }
  weir_box_end (writer, box);
}

static void
write_dinf (WeirWriter *writer)
{
  gsize dinf = weir_box_begin (writer, "dinf");
  gsize dref = weir_full_box_begin (writer, "dref", 0, 0);
  gsize url;

  weir_writer_u32 (writer, 1);
  url = weir_full_box_begin (writer, "url ", 0, 1); /* in this file */
  weir_box_end (writer, url);
  weir_box_end (writer, dref);
  weir_box_end (writer, dinf);
}

static void
write_stbl (WeirWriter *writer, const WeirCodecConfig *config)
{
  static const struct {
    const gchar *type;
    gsize size;
  } empty[] = {{"stts", 4}, {"stsc", 4}, {"stsz", 8}, {"stco", 4}};
  gsize stbl = weir_box_begin (writer, "stbl");
  gsize box = weir_full_box_begin (writer, "stsd", 0, 0);

  weir_writer_u32 (writer, 1);
  weir_codec_config_write_sample_entry (config, writer);
  weir_box_end (writer, box);
  for (guint i = 0; i < G_N_ELEMENTS (empty); i++) {
    box = weir_full_box_begin (writer, empty[i].type, 0, 0);
    weir_writer_zeros (writer, empty[i].size);
    weir_box_end (writer, box);
  }
  weir_box_end (writer, stbl);
}

static void
write_trak (WeirWriter *writer, const WeirCodecConfig *config, const WeirTrackLabel *label,
    guint32 track_id)
{
  gsize trak = weir_box_begin (writer, "trak");
  gsize mdia, minf;

  write_tkhd (writer, config, track_id);
  mdia = weir_box_begin (writer, "mdia");
  write_mdhd (writer, config, label);
  write_elng (writer, label);
  write_hdlr (writer, config);
  minf = weir_box_begin (writer, "minf");
  write_media_header (writer, config);
  write_dinf (writer);
  write_stbl (writer, config);
  weir_box_end (writer, minf);
  weir_box_end (writer, mdia);
  weir_box_end (writer, trak);
}

static void
write_trex (WeirWriter *writer, const WeirCodecConfig *config, guint32 track_id)
{
  gsize box = weir_full_box_begin (writer, "trex", 0, 0);

  weir_writer_u32 (writer, track_id);
  weir_writer_u32 (writer, 1); /* sample description */
  weir_writer_u32 (writer, 0); /* duration and size: in the fragments */
  weir_writer_u32 (writer, 0);
  weir_writer_u32 (
      writer, config->kind == WEIR_MEDIA_VIDEO ? FLAGS_DEPENDS_NOT_SYNC : FLAGS_INDEPENDENT);
  weir_box_end (writer, box);
}

static gboolean
is_described (WeirCodecConfig *const *configs, guint track, gint only_track)
{
  return configs[track] != NULL && (only_track < 0 || (guint) only_track == track);
}

GBytes *
weir_init_segment_write_labelled (WeirCodecConfig *const *configs, WeirTrackLabel *const *labels,
    guint n_configs, gint only_track)
{
  g_auto (WeirWriter) writer = {0};
  gsize moov, mvex;

  weir_writer_init (&writer, 2048);
  write_ftyp (&writer);
  moov = weir_box_begin (&writer, "moov");
  write_mvhd (&writer, n_configs + 1);
  for (guint track = 0; track < n_configs; track++) {
    if (is_described (configs, track, only_track))
      write_trak (&writer, configs[track], labels != NULL ? labels[track] : NULL, track + 1);
  }
  mvex = weir_box_begin (&writer, "mvex");
  for (guint track = 0; track < n_configs; track++) {
    if (is_described (configs, track, only_track))
      write_trex (&writer, configs[track], track + 1);
  }
  weir_box_end (&writer, mvex);
  weir_box_end (&writer, moov);
  return weir_writer_steal (&writer);
}

GBytes *
weir_init_segment_write (WeirCodecConfig *const *configs, guint n_configs, gint only_track)
{
  return weir_init_segment_write_labelled (configs, NULL, n_configs, only_track);
}
