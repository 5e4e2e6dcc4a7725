/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/manager.h"

#include "folder.h"
#include "hex.h"
#include "records.h"
#include "rtmp/listener.h"
#include "rtmppublisher.h"
#include "segment/spool.h"

#include <gst/gst.h>

#define INPUT "0123456789abcdef0123456789abcdef"
#define KEY "fedcba9876543210fedcba9876543210k" INPUT

/*
 * The branch that fails: stands in for GStreamer's tee, which the tests' registry does not have.
 * From the third buffer on it fails as any element does: a message, then the flow.
 */
typedef struct {
  GstElement parent;
  guint count;
} FailingTee;

typedef struct {
  GstElementClass parent_class;
} FailingTeeClass;

static GType failing_tee_get_type (void);
G_DEFINE_TYPE (FailingTee, failing_tee, GST_TYPE_ELEMENT)

static GstStaticPadTemplate tee_sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate tee_src_template =
    GST_STATIC_PAD_TEMPLATE ("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

static GstFlowReturn
failing_tee_chain (G_GNUC_UNUSED GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  FailingTee *self = (FailingTee *) parent;

  gst_buffer_unref (buffer);
  if (++self->count < 3)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, ("The branch is broken."), (NULL));
  return GST_FLOW_ERROR;
}

static GstPad *
failing_tee_request (GstElement *element, GstPadTemplate *template, G_GNUC_UNUSED const gchar *name,
    G_GNUC_UNUSED const GstCaps *caps)
{
  GstPad *pad = gst_pad_new_from_template (template, "src_0");

  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
ignore_property (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED guint id,
    G_GNUC_UNUSED const GValue *value, G_GNUC_UNUSED GParamSpec *spec)
{
}

static void
failing_tee_class_init (FailingTeeClass *class)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);

  G_OBJECT_CLASS (class)->set_property = ignore_property;
  g_object_class_install_property (G_OBJECT_CLASS (class), 1,
      g_param_spec_boolean (
          "allow-not-linked", NULL, NULL, FALSE, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  element_class->request_new_pad = failing_tee_request;
  gst_element_class_add_static_pad_template (element_class, &tee_sink_template);
  gst_element_class_add_static_pad_template (element_class, &tee_src_template);
  gst_element_class_set_static_metadata (element_class, "Failing tee", "Generic", "Fails", "Test");
}

static void
failing_tee_init (FailingTee *self)
{
  GstPad *pad = gst_pad_new_from_static_template (&tee_sink_template, "sink");

  gst_pad_set_chain_function (pad, failing_tee_chain);
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

/* ---- a daemon without HTTP ---- */

typedef struct {
  gchar *folder;
  gchar *dumps;
  WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirWorkerPool *workers;
  WeirWorker *accept;
  WeirBroadcastManager *manager;
  WeirRtmpListener *listener;
  gboolean created, drained;
} Fixture;

static GMutex log_lock;
static GString *log_text;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
  for (gsize i = 0; i < count; i++)
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      g_mutex_lock (&log_lock);
      g_string_append_printf (log_text, "%s\n", (const gchar *) fields[i].value);
      g_mutex_unlock (&log_lock);
      g_main_context_wakeup (NULL);
    }
  return g_log_writer_standard_streams (level, fields, count, data);
}

static guint
count_in_log (const gchar *text)
{
  guint count = 0;

  g_mutex_lock (&log_lock);
  for (const gchar *p = log_text->str; (p = strstr (p, text)) != NULL; p++)
    count++;
  g_mutex_unlock (&log_lock);
  return count;
}

static gboolean
authorise (G_GNUC_UNUSED WeirRtmpListener *listener, WeirConnection *connection, gpointer data)
{
  return weir_broadcast_manager_authorise (((Fixture *) data)->manager, connection);
}

static void
input_created (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_store_create_input_finish (WEIR_STORE (source), result, &error);
  g_assert_no_error (error);
  ((Fixture *) data)->created = TRUE;
}

static void
set_up (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const secrets[] = {KEY, "p1", "s1", "s2", "w1"};
  g_autoptr (GError) error = NULL;
  g_autofree gchar *state_dir = NULL, *database = NULL, *segments = NULL;
  const gchar *overrides[] = {NULL, "recording.timeout=60s", NULL};
  WeirLiveInput *input = weir_live_input_new ();
  WeirRtmpListenerSettings settings;

  G_STATIC_ASSERT (G_N_ELEMENTS (secrets) == WEIR_SECRET_LAST);
  self->folder = g_dir_make_tmp ("weir-broadcast-XXXXXX", NULL);
  self->dumps = g_build_filename (self->folder, "dumps", NULL);
  state_dir = g_strdup_printf ("server.state-dir=%s", self->folder);
  database = g_build_filename (self->folder, "weir.db", NULL);
  segments = g_build_filename (self->folder, "segments", NULL);
  overrides[0] = state_dir;
  self->config = weir_config_load ("/dev/null", overrides, &error);
  g_assert_no_error (error);
  self->store = weir_store_sqlite_new (database, &error);
  g_assert_no_error (error);
  self->blobs = weir_blobs_file_new (segments, &error);
  g_assert_no_error (error);
  self->workers = weir_worker_pool_new (1);
  self->accept = weir_worker_new ("accept");
  self->manager =
      weir_broadcast_manager_new (self->config, self->store, self->blobs, self->workers);
  g_assert_true (gst_element_register (NULL, "tee", GST_RANK_NONE, failing_tee_get_type ()));
  weir_rtmp_listener_settings_init (&settings);
  self->listener = weir_rtmp_listener_new ("127.0.0.1:0", &settings, self->accept, &error);
  g_assert_no_error (error);
  g_signal_connect (self->listener, "authorise", G_CALLBACK (authorise), self);

  input->uid = g_strdup (INPUT);
  input->account = g_strdup ("acc");
  input->enabled = TRUE;
  input->created_us = input->modified_us = 1;
  g_free (input->meta);
  input->meta = g_strdup ("{}");
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    input->secrets[i] = g_strdup (secrets[i]);
  weir_store_create_input (self->store, input, input_created, self);
  weir_live_input_free (input);
  while (!self->created)
    g_main_context_iteration (NULL, TRUE);
  g_mutex_lock (&log_lock);
  g_string_truncate (log_text, 0);
  g_mutex_unlock (&log_lock);
}

static void
drained (gpointer data)
{
  ((Fixture *) data)->drained = TRUE;
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  weir_rtmp_listener_stop (self->listener);
  weir_broadcast_manager_drain (self->manager, drained, self);
  while (!self->drained)
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (self->listener);
  weir_worker_stop (self->accept);
  weir_worker_unref (self->accept);
  weir_worker_pool_free (self->workers);
  weir_broadcast_manager_free (self->manager);
  g_object_unref (self->blobs);
  g_object_unref (self->store);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->dumps);
  g_free (self->folder);
}

static gboolean
is_in_state (Fixture *self, WeirLifecycle state)
{
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (self->manager, INPUT);
  gboolean reached = status != NULL && status->state == state;

  if (status != NULL)
    weir_broadcast_status_free (status);
  return reached;
}

/* states change on the main thread */
static void
await_state (Fixture *self, WeirLifecycle state)
{
  while (!is_in_state (self, state))
    g_main_context_iteration (NULL, TRUE);
}

static void
await_in_log (const gchar *text, guint count)
{
  while (count_in_log (text) < count)
    g_main_context_iteration (NULL, TRUE);
}

static void
write_media (Publisher *self, guint8 type, guint32 timestamp, const gchar *head, const gchar *body)
{
  g_autofree gchar *text = g_strconcat (head, body, NULL);
  g_autoptr (GBytes) bytes = test_hex (text);

  weir_rtmp_chunk_writer_message (&self->chunks, &self->output, 6, type, PUBLISHER_STREAM,
      timestamp, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* both tracks, so that the timeline need not wait for one */
static void
publish (Fixture *self, Publisher *publisher)
{
  publisher_connect (publisher, weir_rtmp_listener_get_addresses (self->listener));
  publisher_write_publish (publisher, KEY);
  write_media (publisher, WEIR_RTMP_VIDEO, 0, "17 00 000000", RECORD_BASELINE_720P30);
  write_media (publisher, WEIR_RTMP_AUDIO, 0, "af 00", RECORD_AAC_LC_48000_STEREO);
  for (guint32 i = 0; i < 25; i++) {
    write_media (publisher, WEIR_RTMP_VIDEO, i * 40, "17 01 000000", "00000005 6588840000");
    write_media (publisher, WEIR_RTMP_AUDIO, i * 40, "af 01", "2110045680");
  }
  publisher_flush (publisher);
}

static gchar *
read_newest (const gchar *folder, guint *count)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  g_autofree gchar *newest = NULL;
  gchar *content = NULL;
  const gchar *name;

  *count = 0;
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_assert_true (g_str_has_suffix (name, ".dot"));
    (*count)++;
    if (newest == NULL || g_strcmp0 (name, newest) > 0) {
      g_free (newest);
      newest = g_strdup (name);
    }
  }
  if (newest != NULL) {
    g_autofree gchar *path = g_build_filename (folder, newest, NULL);

    g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  }
  return content;
}

/* of Graphviz's language what can go wrong when it is written: quotes and braces */
static void
assert_dot (const gchar *dot)
{
  gint depth = 0;
  gboolean quoted = FALSE;

  g_assert_true (g_str_has_prefix (dot, "digraph pipeline {"));
  for (const gchar *p = dot; *p != '\0'; p++) {
    if (quoted && *p == '\\' && p[1] != '\0')
      p++;
    else if (*p == '"')
      quoted = !quoted;
    else if (!quoted && (*p == '{' || *p == '}')) {
      depth += *p == '{' ? 1 : -1;
      g_assert_cmpint (depth, >=, 0);
    }
  }
  g_assert_false (quoted);
  g_assert_cmpint (depth, ==, 0);
}

static void
a_pipeline_that_fails_is_dumped_once_a_connection (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  Publisher first = {0}, second = {0};
  g_autofree gchar *dot = NULL, *again = NULL;
  guint count;

  publish (self, &first);
  await_in_log ("how its pipeline was: ", 1);
  dot = read_newest (self->dumps, &count);
  g_assert_cmpuint (count, ==, 1);
  assert_dot (dot);
  g_assert_nonnull (strstr (dot, "WeirRtmpSrc"));
  g_assert_nonnull (strstr (dot, "WeirSanitizer"));
  g_assert_nonnull (strstr (dot, "FailingTee"));
  g_assert_nonnull (strstr (dot, "WeirSegmentSink"));
  /* whoever is sent the file learns no key by it */
  g_assert_null (strstr (dot, KEY));
  g_assert_null (strstr (dot, "fedcba9876543210"));
  publisher_clear (&first);
  await_state (self, WEIR_LIFECYCLE_RECONNECTING);
  /* it failed at each buffer; that was told each time, but dumped once */
  g_assert_cmpuint (count_in_log ("The branch is broken."), >, 1);
  g_assert_cmpuint (count_in_log ("how its pipeline was: "), ==, 1);

  publish (self, &second);
  await_in_log ("how its pipeline was: ", 2);
  again = read_newest (self->dumps, &count);
  g_assert_cmpuint (count, ==, 2);
  assert_dot (again);
  publisher_clear (&second);
  await_state (self, WEIR_LIFECYCLE_RECONNECTING);
}

static void
a_dump_that_cannot_be_written_is_told_and_nothing_else (
    Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  Publisher publisher = {0};

  g_assert_true (g_file_set_contents (self->dumps, "a file", -1, NULL));
  publish (self, &publisher);
  await_in_log ("how its pipeline was cannot be written: ", 1);
  publisher_clear (&publisher);
  await_state (self, WEIR_LIFECYCLE_RECONNECTING);
  unlink (self->dumps);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  log_text = g_string_new (NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
#define ADD(name) g_test_add ("/broadcast/broadcast/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (a_pipeline_that_fails_is_dumped_once_a_connection);
  ADD (a_dump_that_cannot_be_written_is_told_and_nothing_else);
  return g_test_run ();
}
