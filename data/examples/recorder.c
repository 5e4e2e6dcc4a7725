/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records RTMP publishers, any number at a time, each into fragmented MP4 files of its own:
 *
 *   cc -o recorder recorder.c $(pkg-config --cflags --libs weir-1.0)
 *   ./recorder '[::]:1935' FOLDER anna=KEY1 bert=KEY2
 *
 * The program has a listener of Weir, decides by a table who may publish, and gives each connection
 * to a pipeline of its own. All of them work on one thread, the worker; only what waits for the
 * disk has threads of its own. Ctrl-C ends the publishers, closes the files, then the program.
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib-unix.h>
#include <weir/weir.h>

/* What the disk cannot take waits in the queue, since nothing on the worker may wait for it. Beyond
 * 64 MiB whole fragments are left out. */
#define PIPELINE                                                                              \
  "weirrtmpsrc name=source weirsanitizer name=timeline weirsegmentmux name=mux"               \
  " ! queue leaky=upstream max-size-bytes=67108864 max-size-buffers=0 max-size-time=0"        \
  " ! filesink name=file source.video_0 ! timeline.video_0 source.audio_0 ! timeline.audio_0" \
  " timeline.video_src_0 ! mux.video_0 timeline.audio_src_0 ! mux.audio_0"

typedef struct {
  GMainLoop *loop;
  const gchar *folder;
  GHashTable *publishers; /* key → Publisher */
  WeirWorker *worker;     /* of all connections that were accepted */
  guint running;
  gboolean ending;
} Recorder;

typedef struct {
  Recorder *recorder;
  gchar *name;
  guint number; /* of the next file */

  /* while it publishes, else NULL */
  WeirConnection *connection;
  GstElement *pipeline;
  gchar *path;
} Publisher;

static void
publisher_free (Publisher *self)
{
  g_free (self->name);
  g_free (self);
}

static void
end_publisher (Publisher *self)
{
  Recorder *recorder = self->recorder;
  GstElement *source = gst_bin_get_by_name (GST_BIN (self->pipeline), "source");
  GstBus *bus = gst_element_get_bus (self->pipeline);
  GstStructure *stats = NULL;
  guint64 frames = 0;

  g_object_get (source, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "frames", &frames);
  printf ("%s: recorded %s, %" G_GUINT64_FORMAT " frames\n", self->name, self->path, frames);
  fflush (stdout);
  gst_structure_free (stats);
  gst_object_unref (source);

  weir_connection_close (self->connection, "The recording has ended.");
  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_clear_object (&self->pipeline);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->path, g_free);
  if (--recorder->running == 0 && recorder->ending)
    g_main_loop_quit (recorder->loop);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Publisher *self = data;
  GError *error = NULL;

  (void) bus;
  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_EOS:
    /* the publisher has left and the file is complete */
    end_publisher (self);
    return G_SOURCE_REMOVE;
  case GST_MESSAGE_ERROR:
    gst_message_parse_error (message, &error, NULL);
    fprintf (stderr, "%s: %s\n", self->name, error->message);
    g_error_free (error);
    end_publisher (self);
    return G_SOURCE_REMOVE;
  default:
    return G_SOURCE_CONTINUE;
  }
}

/* a file that is not there yet. Returns: (transfer full) */
static gchar *
make_path (Publisher *self)
{
  for (;;) {
    gchar *name = g_strdup_printf ("%s-%u.mp4", self->name, self->number++);
    gchar *path = g_build_filename (self->recorder->folder, name, NULL);

    g_free (name);
    if (!g_file_test (path, G_FILE_TEST_EXISTS))
      return path;
    g_free (path);
  }
}

typedef struct {
  Publisher *publisher;
  WeirConnection *connection;
} Leaving;

static gboolean
take_leave (gpointer data)
{
  Leaving *leaving = data;
  Publisher *self = leaving->publisher;
  WeirConnectionSummary summary = {0};

  weir_connection_get_summary (leaving->connection, &summary);
  printf ("%s: has left after %.1f s: %s\n", self->name, (double) summary.media_us / 1e6,
      summary.reason);
  fflush (stdout);
  weir_connection_summary_clear (&summary);
  /* without a track there is nothing that could bring the end of the stream */
  if (self->connection == leaving->connection) {
    GstElement *source = gst_bin_get_by_name (GST_BIN (self->pipeline), "source");
    gboolean any = source->numsrcpads > 0;

    gst_object_unref (source);
    if (!any)
      end_publisher (self);
  }
  g_object_unref (leaving->connection);
  g_free (leaving);
  return G_SOURCE_REMOVE;
}

/* the worker */
static void
on_ended (WeirConnection *connection, gpointer data)
{
  Leaving *leaving = g_new (Leaving, 1);

  leaving->publisher = data;
  leaving->connection = g_object_ref (connection);
  g_idle_add (take_leave, leaving);
}

static void
begin_publisher (Publisher *self, WeirConnection *connection)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (PIPELINE, &error), *source, *file;
  GstBus *bus;

  if (pipeline == NULL || error != NULL) {
    fprintf (stderr, "%s (GST_PLUGIN_PATH: `pkg-config --variable=pluginsdir weir-1.0`)\n",
        error->message);
    g_clear_error (&error);
    g_clear_pointer (&pipeline, gst_object_unref);
    weir_connection_refuse (connection, WEIR_REFUSAL_UNAVAILABLE, "Recording is not possible.");
    return;
  }
  gst_object_ref_sink (pipeline);
  g_signal_connect (connection, "ended", G_CALLBACK (on_ended), self);
  /* from here on it is the worker's; nothing is read from it before the source has it */
  if (!weir_connection_accept (connection, self->recorder->worker)) {
    gst_object_unref (pipeline); /* it has left in the meantime */
    return;
  }
  self->connection = g_object_ref (connection);
  self->pipeline = pipeline;
  self->path = make_path (self);
  self->recorder->running++;

  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (source, "connection", connection, NULL);
  g_object_set (file, "location", self->path, NULL);
  gst_object_unref (source);
  gst_object_unref (file);

  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, self);
  gst_object_unref (bus);
  printf ("%s: begins, from %s\n", self->name, weir_connection_get_peer (connection));
  fflush (stdout);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
}

typedef struct {
  Recorder *recorder;
  WeirConnection *connection;
} Request;

/* the main thread */
static gboolean
decide (gpointer data)
{
  Request *request = data;
  Recorder *self = request->recorder;
  WeirConnection *connection = request->connection;
  Publisher *publisher =
      g_hash_table_lookup (self->publishers, weir_connection_get_secret (connection));

  if (self->ending)
    weir_connection_refuse (connection, WEIR_REFUSAL_OVERLOAD, "The recorder ends.");
  else if (publisher == NULL)
    weir_connection_refuse (connection, WEIR_REFUSAL_NOT_ALLOWED, "This key is not known.");
  else if (publisher->connection != NULL)
    weir_connection_refuse (connection, WEIR_REFUSAL_IN_USE, "Somebody publishes with this key.");
  else
    begin_publisher (publisher, connection);
  g_object_unref (connection);
  g_free (request);
  return G_SOURCE_REMOVE;
}

/* The accept thread, which must not wait: TRUE says that we decide, now or within five seconds. */
static gboolean
on_authorise (WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  Request *request = g_new (Request, 1);

  (void) listener;
  request->recorder = data;
  request->connection = g_object_ref (connection);
  g_idle_add (decide, request);
  return TRUE;
}

static gboolean
on_interrupt (gpointer data)
{
  Recorder *self = data;
  GHashTableIter iter;
  gpointer value;

  self->ending = TRUE;
  if (self->running == 0)
    g_main_loop_quit (self->loop);
  /* their pipelines come to their end, and the files with them */
  g_hash_table_iter_init (&iter, self->publishers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Publisher *publisher = value;

    if (publisher->connection != NULL)
      weir_connection_close (publisher->connection, "The recorder ends.");
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
read_table (Recorder *self, gchar **arguments)
{
  for (; *arguments != NULL; arguments++) {
    gchar **parts = g_strsplit (*arguments, "=", 2);
    Publisher *publisher;

    if (g_strv_length (parts) != 2 || *parts[0] == '\0' || *parts[1] == '\0') {
      g_strfreev (parts);
      return FALSE;
    }
    publisher = g_new0 (Publisher, 1);
    publisher->recorder = self;
    publisher->name = g_strdup (parts[0]);
    publisher->number = 1;
    g_hash_table_replace (self->publishers, g_strdup (parts[1]), publisher);
    g_strfreev (parts);
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  Recorder self = {0};
  WeirRtmpListenerSettings settings;
  WeirRtmpListener *listener;
  WeirWorker *accept_thread;
  GError *error = NULL;

  gst_init (&argc, &argv);
  self.publishers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) publisher_free);
  if (argc < 4 || !read_table (&self, argv + 3)) {
    fprintf (stderr, "usage: %s ADDRESS:PORT FOLDER NAME=KEY…\n", argv[0]);
    return 2;
  }
  self.folder = argv[2];
  self.loop = g_main_loop_new (NULL, FALSE);
  self.worker = weir_worker_new ("media");
  accept_thread = weir_worker_new ("accept");

  weir_rtmp_listener_settings_init (&settings);
  settings.session.app = NULL; /* any: rtmp://HOST/ANYTHING/KEY */
  listener = weir_rtmp_listener_new (argv[1], &settings, accept_thread, &error);
  if (listener == NULL) {
    fprintf (stderr, "%s\n", error->message);
    return EXIT_FAILURE;
  }
  g_signal_connect (listener, "authorise", G_CALLBACK (on_authorise), &self);
  printf ("listening on %s\n", weir_rtmp_listener_get_addresses (listener));
  fflush (stdout);

  g_unix_signal_add (SIGINT, on_interrupt, &self);
  g_unix_signal_add (SIGTERM, on_interrupt, &self);
  g_main_loop_run (self.loop);

  weir_rtmp_listener_stop (listener);
  weir_worker_stop (accept_thread);
  weir_worker_stop (self.worker);
  g_object_unref (listener);
  weir_worker_unref (accept_thread);
  weir_worker_unref (self.worker);
  /* what was asked for too late */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_hash_table_unref (self.publishers);
  g_main_loop_unref (self.loop);
  return EXIT_SUCCESS;
}
