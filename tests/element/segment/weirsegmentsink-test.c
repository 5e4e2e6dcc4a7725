/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"
#include "media.h"
#include "segment/check.h"
#include "segment/init.h"
#include "segment/weirsegmentsink.h"

#include <glib/gstdio.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct {
  gchar *folder;
  GstElement *sink;
  GstBus *bus;
  GstHarness *video, *audio;
} Fixture;

static gchar *
path_of (Fixture *f, const gchar *name)
{
  return g_build_filename (f->folder, name, NULL);
}

static void
set_up (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *location = NULL;
  g_autofree gchar *playlist = NULL;

  f->folder = g_dir_make_tmp ("weirsegmentsink-XXXXXX", NULL);
  f->sink = gst_element_factory_make ("weirsegmentsink", NULL);
  g_assert_nonnull (f->sink);
  gst_object_ref_sink (f->sink);
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->sink, f->bus);
  location = path_of (f, "s%03d.m4s");
  playlist = path_of (f, "live.m3u8");
  g_object_set (f->sink, "location", location, "playlist-location", playlist, NULL);
}

static void
play (Fixture *f)
{
  f->video = gst_harness_new_with_element (f->sink, "video_0", NULL);
  f->audio = gst_harness_new_with_element (f->sink, "audio_0", NULL);
  media_set_caps (f->video, WEIR_CODEC_AVC, RECORD_BASELINE_720P30);
  media_set_caps (f->audio, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
}

static void
tear_down (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_clear_pointer (&f->audio, gst_harness_teardown);
  g_clear_pointer (&f->video, gst_harness_teardown);
  gst_element_set_bus (f->sink, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->sink);
  remove_folder (f->folder);
  g_free (f->folder);
}

static void
end (Fixture *f)
{
  g_autoptr (GstMessage) message = NULL;

  gst_harness_push_event (f->video, gst_event_new_eos ());
  gst_harness_push_event (f->audio, gst_event_new_eos ());
  message = gst_bus_timed_pop_filtered (f->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (message);
}

static gchar *
read_file (Fixture *f, const gchar *name, gsize *size)
{
  g_autofree gchar *path = path_of (f, name);
  gchar *content = NULL;

  if (!g_file_get_contents (path, &content, size, NULL))
    g_error ("there is no %s", path);
  return content;
}

static gboolean
exists (Fixture *f, const gchar *name)
{
  g_autofree gchar *path = path_of (f, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* what the playlist names is checked, in its order; returns how many segments that is */
static guint
check_playlist (Fixture *f, gchar **text)
{
  g_autoptr (WeirCheck) check = weir_check_new ();
  g_auto (GStrv) lines = NULL;
  gboolean discontinuity = FALSE;
  GPtrArray *faults;
  guint n = 0;

  *text = read_file (f, "live.m3u8", NULL);
  lines = g_strsplit (*text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree gchar *content = NULL;
    gsize size = 0;

    if (g_str_has_prefix (lines[i], "#EXT-X-MAP:URI=\"")) {
      lines[i][strlen (lines[i]) - 1] = '\0';
      content = read_file (f, lines[i] + strlen ("#EXT-X-MAP:URI=\""), &size);
      weir_check_init_segment (check, "init", (guint8 *) content, size);
    } else if (g_str_equal (lines[i], "#EXT-X-DISCONTINUITY")) {
      discontinuity = TRUE;
    } else if (lines[i][0] != '#' && lines[i][0] != '\0') {
      content = read_file (f, lines[i], &size);
      weir_check_segment (check, lines[i], (guint8 *) content, size, discontinuity);
      discontinuity = FALSE;
      n++;
    }
  }
  faults = weir_check_get_faults (check);
  if (faults->len > 0)
    g_error ("%s", (const gchar *) g_ptr_array_index (faults, 0));
  return n;
}

static void
segments_and_a_playlist_are_written (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *text = NULL;

  play (f);
  media_push (f->video, f->audio, 0, 7 * GST_SECOND);
  end (f);
  g_assert_cmpuint (check_playlist (f, &text), ==, 4);
  g_assert_true (g_str_has_prefix (text,
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP:URI=\"init00000.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:"));
  g_assert_nonnull (strstr (text, "\n#EXTINF:2.000000,\ns000.m4s\n"));
  g_assert_nonnull (strstr (text, "\n#EXTINF:1.000000,\ns003.m4s\n#EXT-X-ENDLIST\n"));
  g_assert_null (strstr (text, "#EXT-X-DISCONTINUITY\n"));
  g_assert_false (exists (f, "s003.m4s.open"));
}

static void
the_playlist_slides_and_old_files_go (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *text = NULL;

  g_object_set (f->sink, "playlist-length", 3, "max-files", 4, "target-duration", 1,
      "playlist-root", NULL, NULL);
  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  /* one discontinuity, which leaves the window, too */
  gst_harness_push (f->audio, media_make (FALSE, 3 * GST_SECOND, TRUE));
  {
    GstBuffer *buffer = media_make (TRUE, 3 * GST_SECOND, TRUE);

    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    gst_harness_push (f->video, buffer);
  }
  media_push (f->video, f->audio, 3 * GST_SECOND + 40 * GST_MSECOND, 10 * GST_SECOND);
  end (f);
  g_assert_cmpuint (check_playlist (f, &text), ==, 3);
  g_assert_nonnull (strstr (text, "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
  g_assert_false (exists (f, "s005.m4s"));
  g_assert_true (exists (f, "s006.m4s"));
  g_assert_true (exists (f, "s009.m4s"));
}

static void
an_interrupted_run_is_complete (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *text = NULL;

  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_assert_cmpuint (check_playlist (f, &text), ==, 2);
  g_assert_nonnull (strstr (text, "#EXTINF:1.000000,\ns001.m4s\n#EXT-X-ENDLIST\n"));
  g_assert_false (exists (f, "s001.m4s.open"));
}

static void
a_disk_that_fails_is_told_once_and_nothing_else (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstMessage *message;
  guint warnings = 0;

  g_object_set (f->sink, "location", "/nowhere/at/all/%d.m4s", NULL);
  play (f);
  media_push (f->video, f->audio, 0, 5 * GST_SECOND);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  while ((message = gst_bus_pop (f->bus)) != NULL) {
    g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
    warnings += GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
    gst_message_unref (message);
  }
  g_assert_cmpuint (warnings, ==, 1);
}

static void
a_location_without_a_number_is_refused (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const locations[] = {"a.m4s", "%s.m4s", "%d%d.m4s", "%n", "100%", "%05x"};

  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    g_autoptr (GstMessage) message = NULL;
    const GstStructure *details;

    g_object_set (f->sink, "location", locations[i], NULL);
    g_assert_cmpint (
        gst_element_set_state (f->sink, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error_details (message, &details);
    g_assert_cmpstr (gst_structure_get_string (details, "reason"), ==, "invalid-location");
  }
  g_object_set (f->sink, "location", "50%%-%3d", NULL);
  g_assert_cmpint (gst_element_set_state (f->sink, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  g_object_set (f->sink, "location", "a.m4s", NULL);
  g_assert_cmpint (gst_element_set_state (f->sink, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
}

typedef struct {
  GString *order;
  gint fd;
  guint chunks;
  GThread *thread;
  WeirCheck *check;
} Seen;

static void
see (G_GNUC_UNUSED WeirSegmentSink *sink, gpointer data, gpointer user_data)
{
  const WeirSegmentWritten *written = data;
  Seen *seen = user_data;
  g_autoptr (GBytes) init = NULL;
  guint8 type[4];

  g_assert_true (seen->thread != g_thread_self ());
  switch (written->event->type) {
  case WEIR_SEGMENTER_INIT:
    g_string_append_c (seen->order, 'i');
    init = weir_init_segment_write (
        (WeirCodecConfig *const *) written->event->tracks->pdata, written->event->tracks->len, -1);
    weir_check_init_segment (
        seen->check, "init", g_bytes_get_data (init, NULL), g_bytes_get_size (init));
    break;
  case WEIR_SEGMENTER_OPEN:
    g_string_append_printf (seen->order, "(%d", (int) written->event->segment);
    g_assert_cmpint (written->fd, >=, 0);
    g_assert_true (g_file_test (written->path, G_FILE_TEST_EXISTS));
    break;
  case WEIR_SEGMENTER_CHUNK:
    seen->chunks++;
    /* it can be read where it is said to be, at once */
    seen->fd = g_open (written->path, O_RDONLY | O_CLOEXEC, 0);
    g_assert_cmpint (pread (seen->fd, type, 4, (off_t) written->offset + 4), ==, 4);
    g_assert_cmpmem (type, 4, "moof", 4);
    close (seen->fd);
    break;
  case WEIR_SEGMENTER_CLOSE:
    g_string_append_printf (seen->order, "%d)", (int) written->event->segment);
    break;
  default:
    g_assert_not_reached ();
  }
}

static void
a_program_that_embeds_it_learns_what_is_written (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autofree gchar *content = NULL;
  WeirSegmenterSettings settings;
  WeirSegmentSpool spool;
  g_autoptr (WeirCheck) check = weir_check_new ();
  Seen seen = {.order = g_string_new (NULL), .thread = g_thread_self (), .check = check};
  gsize size;

  weir_segmenter_settings_init (&settings);
  settings.first_number = 5;
  spool = (WeirSegmentSpool){
      .writer = writer, .folder = f->folder, .prefix = "x-", .bytes_max = 64 * 1024 * 1024};
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (f->sink), &settings, &spool);
  g_signal_connect (f->sink, "written", G_CALLBACK (see), &seen);
  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  /* no EOS: everything is there when the state change returns */
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_assert_cmpstr (seen.order->str, ==, "i(5(65)6)");
  g_assert_cmpuint (seen.chunks, >=, 12);
  content = read_file (f, "x-5.open", &size);
  weir_check_segment (check, "x-5.open", (guint8 *) content, size, FALSE);
  g_assert_cmpuint (weir_check_get_faults (check)->len, ==, 0);
  g_assert_false (exists (f, "live.m3u8"));
  g_assert_false (exists (f, "init00000.mp4"));
  g_string_free (seen.order, TRUE);
}

static void
a_file_that_is_left_over_stays_with_who_reads_it (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autofree gchar *path = weir_segment_spool_make_path (f->folder, "x-", 0);
  g_autofree gchar *content = NULL;
  const WeirSegmentSpool spool = {
      .writer = writer, .folder = f->folder, .prefix = "x-", .bytes_max = 64 * 1024 * 1024};
  WeirSegmenterSettings settings;
  gchar left[16] = "";
  gsize size;
  gint fd;

  g_assert_true (g_file_set_contents (path, "left over", -1, NULL));
  fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  weir_segmenter_settings_init (&settings);
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (f->sink), &settings, &spool);
  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  content = read_file (f, "x-0.open", &size);
  g_assert_cmpuint (size, >, 16);
  g_assert_cmpmem (content + 4, 4, "styp", 4);
  g_assert_cmpint (read (fd, left, sizeof left), ==, 9);
  g_assert_cmpstr (left, ==, "left over");
  close (fd);
}

/* what a disk that is stuck, or refuses, makes of the segments */
typedef struct {
  GMutex lock;
  GCond changed;
  gboolean stuck, at_gate;
  guint opened, closed;     /* segments */
  guint on_disk, in_memory; /* closed ones */
  guint64 discontinuity;    /* the last segment that began after one; 0: none */
  guint64 decode_time;      /* of the first video chunk behind it */
} Disk;

static void
hold_up (gpointer data)
{
  Disk *disk = data;

  g_mutex_lock (&disk->lock);
  disk->at_gate = TRUE;
  g_cond_broadcast (&disk->changed);
  while (disk->stuck)
    g_cond_wait (&disk->changed, &disk->lock);
  g_mutex_unlock (&disk->lock);
}

static void
follow (G_GNUC_UNUSED WeirSegmentSink *sink, gpointer data, gpointer user_data)
{
  const WeirSegmentWritten *written = data;
  const WeirSegmenterEvent *event = written->event;
  Disk *disk = user_data;
  guint8 type[4];

  if (event->type == WEIR_SEGMENTER_INIT)
    return;
  g_assert_true ((written->path == NULL) == (written->refusal != NULL));
  g_mutex_lock (&disk->lock);
  if (event->type == WEIR_SEGMENTER_OPEN) {
    disk->opened++;
    if (event->discontinuity)
      disk->discontinuity = event->segment;
  } else if (event->type == WEIR_SEGMENTER_CHUNK) {
    /* in memory as on the disk */
    g_assert_cmpint (pread (written->fd, type, 4, (off_t) written->offset + 4), ==, 4);
    g_assert_cmpmem (type, 4, "moof", 4);
    if (event->segment == disk->discontinuity && event->chunk->track == 0 &&
        event->chunk->part == 0)
      disk->decode_time = event->chunk->decode_time;
  } else if (event->type == WEIR_SEGMENTER_CLOSE) {
    disk->closed++;
    disk->on_disk += written->path != NULL;
    disk->in_memory += written->path == NULL;
  }
  g_cond_broadcast (&disk->changed);
  g_mutex_unlock (&disk->lock);
}

static void
embed (Fixture *f, Disk *disk, WeirSpoolWriter *writer, const gchar *folder, gsize bytes_max)
{
  WeirSegmenterSettings settings;
  const WeirSegmentSpool spool = {
      .writer = writer, .folder = folder, .prefix = "x-", .bytes_max = bytes_max};

  weir_segmenter_settings_init (&settings);
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (f->sink), &settings, &spool);
  g_signal_connect (f->sink, "written", G_CALLBACK (follow), disk);
  play (f);
}

static guint64
count_lost (Fixture *f)
{
  g_autoptr (GstStructure) statistics = NULL;
  guint64 lost;

  g_object_get (f->sink, "stats", &statistics, NULL);
  g_assert_true (gst_structure_get_uint64 (statistics, "lost-buffers", &lost));
  return lost;
}

static void
a_disk_that_is_stuck_costs_media_only_beyond_the_bound (
    Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autoptr (WeirSpoolClient) gate = weir_spool_client_new (writer, 1, NULL, NULL);
  Disk disk = {.stuck = TRUE};
  guint64 lost;

  weir_spool_client_push (gate, hold_up, &disk, 0);
  g_mutex_lock (&disk.lock);
  while (!disk.at_gate)
    g_cond_wait (&disk.changed, &disk.lock);
  g_mutex_unlock (&disk.lock);
  embed (f, &disk, writer, f->folder, 96 * 1024);
  media_push (f->video, f->audio, 0, 4 * GST_SECOND);
  g_assert_cmpuint (count_lost (f), ==, 0);
  media_push (f->video, f->audio, 4 * GST_SECOND, 60 * GST_SECOND);
  lost = count_lost (f);
  /* 75 buffers a second, in 4 chunks, all counted with their overhead: about 6 s were taken */
  g_assert_cmpuint (lost, >, 52 * 75);
  g_assert_cmpuint (lost, <, 56 * 75);

  g_mutex_lock (&disk.lock);
  g_assert_cmpuint (disk.opened, ==, 0);
  disk.stuck = FALSE;
  g_cond_broadcast (&disk.changed);
  /* what was taken is whole: nothing is open after it */
  while (disk.opened == 0 || disk.closed < disk.opened)
    g_cond_wait (&disk.changed, &disk.lock);
  g_assert_cmpuint (disk.discontinuity, ==, 0);
  g_mutex_unlock (&disk.lock);

  /* it goes on at a keyframe */
  media_push (f->video, f->audio, 60 * GST_SECOND + 40 * GST_MSECOND, 64 * GST_SECOND);
  g_assert_cmpuint (count_lost (f), ==, lost + 24 * 3);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  /* what was counted is still there afterwards */
  g_assert_cmpuint (count_lost (f), ==, lost + 24 * 3);
  g_assert_cmpuint (disk.discontinuity, >, 0);
  g_assert_cmpuint (disk.decode_time, ==, 61 * 90000);
  g_assert_cmpuint (disk.on_disk, ==, disk.closed);
}

static void
what_the_disk_refuses_goes_into_memory (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  g_autofree gchar *folder = path_of (f, "away");
  Disk disk = {0};

  embed (f, &disk, writer, folder, 64 * 1024 * 1024);
  media_push (f->video, f->audio, 0, 5 * GST_SECOND);
  g_mutex_lock (&disk.lock);
  while (disk.opened < 3)
    g_cond_wait (&disk.changed, &disk.lock);
  g_mutex_unlock (&disk.lock);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  media_push (f->video, f->audio, 5 * GST_SECOND, 9 * GST_SECOND);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  /* those of 0, 2 and 4 s; 6 and 8 s */
  g_assert_cmpuint (disk.in_memory, ==, 3);
  g_assert_cmpuint (disk.on_disk, ==, 2);
  g_assert_cmpuint (disk.discontinuity, ==, 0);
}

static void
nothing_is_begun_on_a_disk_with_too_little_free (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirSpoolWriter) writer = weir_spool_writer_new (G_MAXSIZE);
  const WeirSegmentSpool spool = {.writer = writer,
      .folder = f->folder,
      .prefix = "x-",
      .bytes_max = 64 * 1024 * 1024,
      .free_min = 100};
  WeirSegmenterSettings settings;
  Disk disk = {0};

  /* more than any disk has */
  weir_segmenter_settings_init (&settings);
  weir_segment_sink_set_embedded (WEIR_SEGMENT_SINK (f->sink), &settings, &spool);
  g_signal_connect (f->sink, "written", G_CALLBACK (follow), &disk);
  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  gst_element_set_state (f->sink, GST_STATE_NULL);
  g_assert_cmpuint (disk.in_memory, ==, 2);
  g_assert_cmpuint (disk.on_disk, ==, 0);
  g_assert_false (exists (f, "x-0.open"));
}

static void
buffers_without_a_configuration_do_not_fail_the_branch (
    Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  f->video = gst_harness_new_with_element (f->sink, "video_0", NULL);
  gst_harness_set_src_caps_str (
      f->video, "video/x-h264, stream-format=(string)avc, alignment=(string)au");
  g_assert_cmpint (gst_harness_push (f->video, media_make (TRUE, 0, TRUE)), ==, GST_FLOW_OK);
}

static void
properties_keep_what_they_are_given (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *location = NULL;
  g_autofree gchar *playlist = NULL;
  g_autofree gchar *root = NULL;
  guint target, length, files;
  guint64 part;

  g_object_set (f->sink, "location", "a%d", "playlist-location", "b", "playlist-root", "c",
      "target-duration", 7, "playlist-length", 8, "max-files", 9, "part-duration",
      (guint64) 300 * GST_MSECOND, NULL);
  g_object_get (f->sink, "location", &location, "playlist-location", &playlist, "playlist-root",
      &root, "target-duration", &target, "playlist-length", &length, "max-files", &files,
      "part-duration", &part, NULL);
  g_assert_cmpstr (location, ==, "a%d");
  g_assert_cmpstr (playlist, ==, "b");
  g_assert_cmpstr (root, ==, "c");
  g_assert_cmpuint (target, ==, 7);
  g_assert_cmpuint (length, ==, 8);
  g_assert_cmpuint (files, ==, 9);
  g_assert_cmpuint (part, ==, 300 * GST_MSECOND);
}

static void
it_goes_up_and_down_through_all_states_twice (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  static const GstState states[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (states); i++)
    g_assert_cmpint (gst_element_set_state (f->sink, states[i % G_N_ELEMENTS (states)]), ==,
        GST_STATE_CHANGE_SUCCESS);
}

/* Returns: how often the bytes of @what stand in the file */
static guint
count_in_file (Fixture *f, const gchar *name, gconstpointer what, gsize length)
{
  gsize size = 0;
  g_autofree gchar *content = read_file (f, name, &size);
  guint found = 0;

  for (gsize i = 0; i + length <= size; i++)
    found += memcmp (content + i, what, length) == 0;
  return found;
}

static void
gap (GstHarness *harness, GstClockTime time, GstClockTime duration)
{
  gst_harness_push_event (harness, gst_event_new_gap (time, duration));
}

static void
a_track_behind_a_gap_is_not_waited_for_until_it_is_back (
    Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 bounded;

  play (f);
  media_push (f->video, f->audio, 0, 3200 * GST_MSECOND);
  gap (f->audio, 3200 * GST_MSECOND, GST_CLOCK_TIME_NONE);
  media_push (f->video, NULL, 3200 * GST_MSECOND, 5200 * GST_MSECOND);
  media_push (f->video, f->audio, 5200 * GST_MSECOND, 9 * GST_SECOND);
  end (f);
  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "bounded-closes", &bounded));
  g_assert_cmpuint (bounded, ==, 0);
  g_assert_cmpuint (check_playlist (f, &text), ==, 5);
  g_assert_null (strstr (text, "DISCONTINUITY\n"));
}

static void
a_gap_whose_end_is_known_ends_nothing (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 bounded;

  play (f);
  media_push (f->video, f->audio, 0, 3 * GST_SECOND);
  gap (f->audio, 3 * GST_SECOND, 2 * GST_SECOND);
  media_push (f->video, NULL, 3 * GST_SECOND, 7 * GST_SECOND);
  end (f);
  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "bounded-closes", &bounded));
  g_assert_cmpuint (bounded, >, 0);
}

static void
all_tracks_are_in_the_objects_of_one_playlist (Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
  GstHarness *angle = gst_harness_new_with_element (f->sink, "video_1", NULL);
  GstHarness *other = gst_harness_new_with_element (f->sink, "audio_1", NULL);
  g_autofree gchar *text = NULL;

  media_set_caps (angle, WEIR_CODEC_AVC, RECORD_MAIN_480P25);
  media_set_caps (other, WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO);
  play (f);
  gst_harness_push_event (
      other, gst_event_new_tag (gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "en", NULL)));
  for (GstClockTime time = 0; time < 6 * GST_SECOND; time += GST_SECOND) {
    media_push (f->video, f->audio, time, time + GST_SECOND);
    media_push (angle, other, time, time + GST_SECOND);
  }
  gst_harness_push_event (angle, gst_event_new_eos ());
  gst_harness_push_event (other, gst_event_new_eos ());
  end (f);
  g_assert_cmpuint (check_playlist (f, &text), ==, 3);
  g_assert_null (strstr (text, "DISCONTINUITY\n"));
  g_assert_cmpuint (count_in_file (f, "init00000.mp4", "tkhd", 4), ==, 4);
  g_assert_cmpuint (count_in_file (f, "init00000.mp4", "elng\0\0\0\0en", 11), ==, 1);
  gst_harness_teardown (angle);
  gst_harness_teardown (other);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/weirsegmentsink/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (segments_and_a_playlist_are_written);
  ADD (a_track_behind_a_gap_is_not_waited_for_until_it_is_back);
  ADD (a_gap_whose_end_is_known_ends_nothing);
  ADD (all_tracks_are_in_the_objects_of_one_playlist);
  ADD (the_playlist_slides_and_old_files_go);
  ADD (an_interrupted_run_is_complete);
  ADD (a_disk_that_fails_is_told_once_and_nothing_else);
  ADD (a_location_without_a_number_is_refused);
  ADD (a_program_that_embeds_it_learns_what_is_written);
  ADD (a_file_that_is_left_over_stays_with_who_reads_it);
  ADD (a_disk_that_is_stuck_costs_media_only_beyond_the_bound);
  ADD (what_the_disk_refuses_goes_into_memory);
  ADD (nothing_is_begun_on_a_disk_with_too_little_free);
  ADD (buffers_without_a_configuration_do_not_fail_the_branch);
  ADD (properties_keep_what_they_are_given);
  ADD (it_goes_up_and_down_through_all_states_twice);
  return g_test_run ();
}
