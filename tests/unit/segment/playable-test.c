/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an encoder sends goes through the segmenter; what comes out must be without fault and decode
 * to the same pictures. */

#include "segment/box.h"
#include "segment/check.h"
#include "segment/init.h"
#include "segment/segmenter.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define T(name) WEIR_BOX_TYPE ((name)[0], (name)[1], (name)[2], (name)[3])
#define SECOND G_GINT64_CONSTANT (1000000000)

/* one track of the encoder's file */
typedef struct {
  guint32 id;
  guint32 timescale;
  WeirCodecConfig *config;
  guint index; /* in the segmenter */
  guint64 pushed;
} Source;

typedef struct {
  guint track;
  WeirSample sample;
} Access;

static GBytes *
run (const gchar *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_autoptr (GBytes) complaints = NULL;
  GBytes *output = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate (process, NULL, NULL, &output, &complaints, &error);
  g_assert_no_error (error);
  if (g_bytes_get_size (complaints) > 0)
    g_error ("%.*s", (gint) g_bytes_get_size (complaints),
        (const gchar *) g_bytes_get_data (complaints, NULL));
  g_assert_true (g_subprocess_get_successful (process));
  return output;
}

static GBytes *
rest_of (const WeirReader *reader)
{
  return g_bytes_new (reader->data + reader->position, weir_reader_remaining (reader));
}

/* the AudioSpecificConfig out of esds, whose descriptors have sizes of four bytes here */
static GBytes *
read_audio_config (const WeirBox *esds)
{
  WeirReader reader = esds->payload;

  while (weir_reader_remaining (&reader) > 5) {
    if (memcmp (reader.data + reader.position, "\x05\x80\x80\x80", 4) == 0) {
      WeirReader part;

      weir_reader_skip (&reader, 4);
      g_assert_true (weir_reader_sub (&reader, weir_reader_u8 (&reader), &part));
      return rest_of (&part);
    }
    weir_reader_skip (&reader, 1);
  }
  g_assert_not_reached ();
}

static WeirBox
find (const WeirReader *container, const gchar *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  WeirReader reader = *container;
  WeirBox box = {0};

  for (guint i = 0; names[i] != NULL; i++) {
    g_assert_true (weir_box_find (&reader, T (names[i]), &box));
    reader = box.payload;
  }
  return box;
}

static void
read_source (const WeirBox *trak, WeirSegmenter *segmenter, GArray *sources)
{
  WeirBox tkhd = find (&trak->payload, "tkhd"), mdhd = find (&trak->payload, "mdia/mdhd");
  WeirBox stsd = find (&trak->payload, "mdia/minf/stbl/stsd"), entry, box;
  g_autoptr (GBytes) record = NULL;
  g_autoptr (GError) error = NULL;
  gboolean video;
  Source source = {0};

  weir_reader_skip (&tkhd.payload, 12);
  source.id = weir_reader_u32 (&tkhd.payload);
  weir_reader_skip (&mdhd.payload, 12);
  source.timescale = weir_reader_u32 (&mdhd.payload);
  weir_reader_skip (&stsd.payload, 8);
  g_assert_true (weir_box_read (&stsd.payload, &entry));
  video = entry.type == T ("avc1");
  weir_reader_skip (&entry.payload, video ? 78 : 28);
  box = find (&entry.payload, video ? "avcC" : "esds");
  record = video ? rest_of (&box.payload) : read_audio_config (&box);
  source.config = weir_codec_config_parse (video ? WEIR_CODEC_AVC : WEIR_CODEC_AAC, record, &error);
  g_assert_no_error (error);
  source.index = weir_segmenter_add_track (segmenter, video ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO);
  weir_segmenter_set_config (segmenter, source.index, source.config);
  g_array_append_val (sources, source);
}

static Source *
source_by_id (GArray *sources, guint32 id)
{
  for (guint i = 0; i < sources->len; i++) {
    if (g_array_index (sources, Source, i).id == id)
      return &g_array_index (sources, Source, i);
  }
  g_assert_not_reached ();
}

static gint64
to_ns (gint64 ticks, guint32 timescale)
{
  return ticks * SECOND / timescale;
}

/* the encoder writes one traf of few samples for each track in a moof */
static void
read_accesses (const guint8 *data, const WeirBox *moof, GArray *sources, GArray *accesses)
{
  WeirReader trafs = moof->payload;
  WeirBox traf;

  while (weir_box_read (&trafs, &traf)) {
    WeirBox tfhd, tfdt, trun;
    guint32 flags, run_flags, count, first_flags = 0, duration = 0, size = 0, sample_flags = 0;
    const guint8 *media;
    gint64 time;
    Source *source;

    if (traf.type != T ("traf"))
      continue;
    tfhd = find (&traf.payload, "tfhd");
    tfdt = find (&traf.payload, "tfdt");
    trun = find (&traf.payload, "trun");
    flags = weir_reader_u32 (&tfhd.payload) & 0xffffff;
    source = source_by_id (sources, weir_reader_u32 (&tfhd.payload));
    g_assert_cmphex (flags & 3, ==, 0);
    if (flags & 0x08)
      duration = weir_reader_u32 (&tfhd.payload);
    if (flags & 0x10)
      size = weir_reader_u32 (&tfhd.payload);
    if (flags & 0x20)
      sample_flags = weir_reader_u32 (&tfhd.payload);
    weir_reader_skip (&tfdt.payload, 4);
    time = (gint64) weir_reader_u64 (&tfdt.payload);
    run_flags = weir_reader_u32 (&trun.payload) & 0xffffff;
    count = weir_reader_u32 (&trun.payload);
    media = data + moof->offset + weir_reader_u32 (&trun.payload);
    if (run_flags & 0x04)
      first_flags = weir_reader_u32 (&trun.payload);
    for (guint i = 0; i < count; i++) {
      guint32 sample_duration = run_flags & 0x100 ? weir_reader_u32 (&trun.payload) : duration;
      guint32 sample_size = run_flags & 0x200 ? weir_reader_u32 (&trun.payload) : size;
      guint32 these = run_flags & 0x400              ? weir_reader_u32 (&trun.payload)
                      : i == 0 && (run_flags & 0x04) ? first_flags
                                                     : sample_flags;
      gint32 offset = run_flags & 0x800 ? (gint32) weir_reader_u32 (&trun.payload) : 0;
      Access access = {.track = source->index};

      access.sample.dts = to_ns (time, source->timescale);
      access.sample.pts = to_ns (time + offset, source->timescale);
      access.sample.keyframe = (these & 0x10000) == 0;
      access.sample.data = media;
      access.sample.size = sample_size;
      g_array_append_val (accesses, access);
      source->pushed++;
      media += sample_size;
      time += sample_duration;
    }
    g_assert_false (trun.payload.failed);
  }
}

static gint
compare_accesses (gconstpointer a, gconstpointer b)
{
  const Access *first = a, *second = b;

  return first->sample.dts < second->sample.dts   ? -1
         : first->sample.dts > second->sample.dts ? 1
                                                  : (gint) first->track - (gint) second->track;
}

/* what the segmenter made: whole objects, and the view of each track */
typedef struct {
  GPtrArray *configs;
  GPtrArray *segments; /* of GByteArray */
  GPtrArray *views[2];
  GArray *discontinuities; /* of gboolean */
} Made;

static void
append_chunk (Made *made, const WeirChunk *chunk)
{
  GByteArray *whole = g_ptr_array_index (made->segments, chunk->segment);
  GByteArray *view = g_ptr_array_index (made->views[chunk->track], chunk->segment);
  gsize size;
  const guint8 *header = g_bytes_get_data (chunk->header, &size);
  g_autofree guint8 *data = NULL;

  g_byte_array_append (whole, header, (guint) size);
  if (view->len == 0) {
    /* each view begins with the object's styp */
    WeirReader styp;

    weir_reader_init (&styp, whole->data, whole->len);
    g_byte_array_append (view, whole->data, weir_reader_u32 (&styp));
  }
  g_byte_array_append (view, header + chunk->styp_size, (guint) (size - chunk->styp_size));
  size = chunk->payload->size;
  data = g_malloc (size);
  weir_blocks_copy (chunk->payload, 0, size, data);
  g_byte_array_append (whole, data, (guint) size);
  g_byte_array_append (view, data, (guint) size);
}

static void
take_events (WeirSegmenter *segmenter, Made *made)
{
  WeirSegmenterEvent *event;

  while ((event = weir_segmenter_pull (segmenter)) != NULL) {
    if (event->type == WEIR_SEGMENTER_INIT) {
      g_assert_null (made->configs);
      made->configs = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
      for (guint i = 0; i < event->tracks->len; i++)
        g_ptr_array_add (
            made->configs, weir_codec_config_ref (g_ptr_array_index (event->tracks, i)));
    } else if (event->type == WEIR_SEGMENTER_OPEN) {
      g_assert_cmpuint (event->segment, ==, made->segments->len);
      g_ptr_array_add (made->segments, g_byte_array_new ());
      g_ptr_array_add (made->views[0], g_byte_array_new ());
      g_ptr_array_add (made->views[1], g_byte_array_new ());
      g_array_append_val (made->discontinuities, event->discontinuity);
    } else if (event->type == WEIR_SEGMENTER_CHUNK) {
      append_chunk (made, event->chunk);
    }
    weir_segmenter_event_free (event);
  }
}

static WeirCheck *
check_all (Made *made, gint track, GPtrArray *segments, GByteArray *file)
{
  g_autoptr (GBytes) init = weir_init_segment_write (
      (WeirCodecConfig *const *) made->configs->pdata, made->configs->len, track);
  WeirCheck *check = weir_check_new ();
  GPtrArray *faults;

  weir_check_init_segment (check, "init", g_bytes_get_data (init, NULL), g_bytes_get_size (init));
  g_byte_array_append (file, g_bytes_get_data (init, NULL), (guint) g_bytes_get_size (init));
  for (guint i = 0; i < segments->len; i++) {
    GByteArray *segment = g_ptr_array_index (segments, i);
    g_autofree gchar *name = g_strdup_printf ("segment %u", i);

    if (segment->len == 0)
      continue;
    weir_check_segment (check, name, segment->data, segment->len,
        g_array_index (made->discontinuities, gboolean, i));
    g_byte_array_append (file, segment->data, segment->len);
  }
  faults = weir_check_get_faults (check);
  if (faults->len > 0)
    g_error ("%s", (const gchar *) g_ptr_array_index (faults, 0));
  return check;
}

/* decodes all of @bytes without a complaint. Returns: the digest of the pictures, or NULL */
static gchar *
decode (const gchar *folder, const guint8 *bytes, gsize size, gboolean video)
{
  g_autofree gchar *path = g_build_filename (folder, "decode.mp4", NULL);
  const gchar *everything[] = {
      "ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0", "-f", "null", "-", NULL};
  const gchar *pictures[] = {"ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:v",
      "-vsync", "passthrough", "-f", "md5", "-", NULL};
  g_autoptr (GBytes) nothing = NULL;
  g_autoptr (GBytes) digest = NULL;

  g_assert_true (g_file_set_contents (path, (const gchar *) bytes, (gssize) size, NULL));
  nothing = run (everything);
  if (video)
    digest = run (pictures);
  g_unlink (path);
  return digest != NULL ? g_strndup (g_bytes_get_data (digest, NULL), g_bytes_get_size (digest))
                        : NULL;
}

typedef struct {
  const gchar *name;
  const gchar *inputs; /* of ffmpeg, with the encoders */
  gboolean video;
} Case;

static const Case cases[] = {
    {"pictures_in_another_order_and_sound",
        "-f lavfi -i testsrc=s=320x180:r=30000/1001 -f lavfi -i sine=r=44100 -t 9 -c:v libx264 "
        "-pix_fmt yuv420p -g "
        "60 "
        "-bf 2 -preset ultrafast -c:a aac -b:a 64k",
        TRUE},
    {"pictures_alone",
        "-f lavfi -i testsrc=s=320x180:r=25 -t 9 -c:v libx264 -pix_fmt yuv420p -g 25 -profile:v "
        "baseline",
        TRUE},
    {"keyframes_that_are_far_apart",
        "-f lavfi -i testsrc=s=160x90:r=25 -f lavfi -i sine=r=48000 -t 15 -c:v libx264 -pix_fmt "
        "yuv420p -g 1000 "
        "-c:a aac",
        TRUE},
    {"sound_alone", "-f lavfi -i sine=r=48000 -t 9 -c:a aac", FALSE},
};

static void
what_is_cut_plays_as_it_was_sent (gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *command = g_strdup_printf (
      "ffmpeg -v error %s -movflags frag_every_frame+empty_moov+default_base_moof -f mp4 pipe:1",
      test->inputs);
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GBytes) encoded = NULL;
  g_autofree gchar *folder = g_dir_make_tmp ("weir-playable-XXXXXX", NULL);
  g_autofree gchar *sent = NULL;
  g_autoptr (GArray) sources = g_array_new (FALSE, TRUE, sizeof (Source));
  g_autoptr (GArray) accesses = g_array_new (FALSE, TRUE, sizeof (Access));
  g_autoptr (WeirSegmenter) segmenter = NULL;
  WeirSegmenterSettings settings;
  Made made = {0};
  WeirReader reader, traks;
  WeirBox box;
  gsize size;
  const guint8 *bytes;

  g_assert_true (g_shell_parse_argv (command, NULL, &arguments, NULL));
  encoded = run ((const gchar *const *) arguments);
  bytes = g_bytes_get_data (encoded, &size);
  sent = decode (folder, bytes, size, test->video);

  weir_segmenter_settings_init (&settings);
  settings.first_number = 0;
  segmenter = weir_segmenter_new (&settings);
  weir_reader_init (&reader, bytes, size);
  while (weir_box_read (&reader, &box)) {
    if (box.type == T ("moof"))
      read_accesses (bytes, &box, sources, accesses);
    traks = box.payload;
    while (box.type == T ("moov") && weir_box_read (&traks, &box)) {
      if (box.type == T ("trak"))
        read_source (&box, segmenter, sources);
      box.type = T ("moov");
    }
  }
  g_array_sort (accesses, compare_accesses);

  made.segments = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  made.views[0] = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  made.views[1] = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  made.discontinuities = g_array_new (FALSE, FALSE, sizeof (gboolean));
  for (guint i = 0; i < accesses->len; i++) {
    const Access *access = &g_array_index (accesses, Access, i);

    weir_segmenter_push (segmenter, access->track, &access->sample, access->sample.dts / 1000);
    take_events (segmenter, &made);
  }
  weir_segmenter_drain (segmenter, 1000 * G_USEC_PER_SEC);
  take_events (segmenter, &made);
  g_assert_cmpuint (made.segments->len, >=, 3);

  for (gint track = -1; track < (gint) sources->len; track++) {
    g_autoptr (GByteArray) file = g_byte_array_new ();
    g_autoptr (WeirCheck) check =
        check_all (&made, track, track < 0 ? made.segments : made.views[track], file);
    GArray *seen = weir_check_get_tracks (check);
    gboolean video = test->video && track <= 0;
    g_autofree gchar *played = NULL;

    for (guint i = 0; i < seen->len; i++) {
      const WeirCheckTrack *counted = &g_array_index (seen, WeirCheckTrack, i);

      g_assert_cmpuint (
          counted->samples, ==, g_array_index (sources, Source, counted->track_id - 1).pushed);
      g_assert_cmpuint (counted->gaps, ==, 0);
    }
    played = decode (folder, file->data, file->len, video);
    if (video)
      g_assert_cmpstr (played, ==, sent);
  }

  g_rmdir (folder);
  for (guint i = 0; i < sources->len; i++)
    weir_codec_config_unref (g_array_index (sources, Source, i).config);
  g_ptr_array_unref (made.configs);
  g_ptr_array_unref (made.segments);
  g_ptr_array_unref (made.views[0]);
  g_ptr_array_unref (made.views[1]);
  g_array_unref (made.discontinuities);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path =
        g_strdup_printf ("/segment/playable/what_is_cut_plays_as_it_was_sent/%s", cases[i].name);

    g_test_add_data_func (path, &cases[i], what_is_cut_plays_as_it_was_sent);
  }
  return g_test_run ();
}
