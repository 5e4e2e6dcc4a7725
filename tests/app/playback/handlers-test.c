/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../support/app-fixture.h"

#include <fcntl.h>
#include <unistd.h>

#define BROADCAST "0123456789abcdef0123456789abcdef"
#define INPUT "ffffffffffffffffffffffffffffffff"
#define OBJECT_SIZE 1000

/* an AudioSpecificConfig (AAC LC, 48 kHz, stereo), so that track 0 is audio */
static const guint8 audio_config[] = {0x11, 0x90};

/* object: styp of 24 bytes, then chunks a 24–123, b 124–323, a 324–423, a 424–623, b 624–999 */
static WeirIndex *
make_index (AppFixture *fixture, gboolean closed)
{
  static const struct {
    guint track;
    guint64 offset, size;
  } chunks[] = {{0, 24, 100}, {1, 124, 200}, {0, 324, 100}, {0, 424, 200}, {1, 624, 376}};
  WeirIndex *index = weir_index_new (BROADCAST, 0);
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
  g_autoptr (GBytes) record = g_bytes_new (audio_config, sizeof audio_config);
  g_autoptr (GError) error = NULL;
  WeirIndexSegment *segment = weir_index_segment_new (7, 3);
  guint8 bytes[OBJECT_SIZE];
  g_autofree gchar *path = g_build_filename (fixture->folder, "object", NULL);
  gint fd;

  for (guint i = 0; i < OBJECT_SIZE; i++)
    bytes[i] = i;
  g_assert_true (g_file_set_contents (path, (gchar *) bytes, OBJECT_SIZE, NULL));
  for (guint i = 0; i < 2; i++) {
    g_ptr_array_add (configs, weir_codec_config_parse (WEIR_CODEC_AAC, record, &error));
    g_assert_no_error (error);
  }
  weir_index_add_init (index, 3, 1, configs, NULL);

  fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  segment->init_generation = 1;
  segment->independent = TRUE;
  segment->styp_size = 24;
  segment->blob = weir_blob_new (fd);
  segment->program_date_us = 1;
  weir_index_open_segment (index, segment);
  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++) {
    WeirIndexPart part = {.offset = chunks[i].offset,
        .size = chunks[i].size,
        .decode_time = i * 48000,
        .duration = 48000,
        .independent = TRUE};

    weir_index_add_part (index, 7, chunks[i].track, &part);
  }
  if (closed)
    weir_index_close_segment (index, 7, 2 * G_GINT64_CONSTANT (1000000000), 2, 0);
  return index;
}

static void
run_broadcast (AppFixture *fixture, gboolean closed)
{
  WeirIndex *index = make_index (fixture, closed);

  g_hash_table_insert (fixture->manager->indexes, g_strdup (INPUT), weir_index_ref (index));
  g_hash_table_insert (fixture->manager->indexes, g_strdup (BROADCAST), index);
}

static void
check_bytes (const AppAnswer *answer, const guint (*ranges)[2])
{
  gsize size, at = 0;
  const guint8 *bytes = g_bytes_get_data (answer->body, &size);

  for (; (*ranges)[1] > 0; ranges++)
    for (guint i = 0; i < (*ranges)[1]; i++) {
      g_assert_cmpuint (at, <, size);
      g_assert_cmpuint (bytes[at++], ==, ((*ranges)[0] + i) & 0xff);
    }
  g_assert_cmpuint (at, ==, size);
}

static void
segments_and_parts_are_ranges_of_the_object (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *path;
    const gchar *type;
    guint ranges[4][2]; /* offset, size */
  } cases[] = {
      {"/" BROADCAST "/segments/3-7.m4s", "video/mp4", {{0, 1000}}},
      {"/" BROADCAST "/segments/3-7/track0.m4s", "audio/mp4", {{0, 124}, {324, 300}}},
      {"/" BROADCAST "/segments/3-7/track1.m4s", "audio/mp4", {{0, 24}, {124, 200}, {624, 376}}},
      {"/" BROADCAST "/segments/3-7/track0.1.m4s", "audio/mp4", {{324, 100}}},
      {"/" INPUT "/segments/3-7/track1.0.m4s", "audio/mp4", {{124, 200}}},
  };

  run_broadcast (fixture, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (AppAnswer) answer = app_fixture_get (fixture, cases[i].path);

    g_test_message ("%s", cases[i].path);
    g_assert_cmpuint (soup_message_get_status (answer.message), ==, 200);
    g_assert_cmpstr (app_answer_header (&answer, "Content-Type"), ==, cases[i].type);
    g_assert_cmpstr (
        app_answer_header (&answer, "Cache-Control"), ==, "public, max-age=31536000, immutable");
    g_assert_cmpstr (app_answer_header (&answer, "Access-Control-Allow-Origin"), ==, "*");
    g_assert_nonnull (app_answer_header (&answer, "ETag"));
    check_bytes (&answer, cases[i].ranges);
  }
}

static void
what_is_not_there_is_404_for_a_second (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const paths[] = {
      "/" BROADCAST "/segments/3-8.m4s",
      "/" BROADCAST "/segments/2-7.m4s",
      "/" BROADCAST "/segments/3-07.m4s",
      "/" BROADCAST "/segments/3-7/track2.m4s",
      "/" BROADCAST "/segments/3-7/track0.3.m4s",
      "/" BROADCAST "/segments/3-7/track4294967296.m4s",
      "/" BROADCAST "/inits/3-2/track0.mp4",
      "/" BROADCAST "/inits/3-4294967297.mp4",
      "/" BROADCAST "/manifest/track9.m3u8",
      "/00000000000000000000000000000000/manifest/video.m3u8",
      "/short/manifest/video.m3u8",
      "/00000000000000000000000000000000/lifecycle",
      "/web/nothing.js",
  };

  run_broadcast (fixture, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_auto (AppAnswer) answer = app_fixture_get (fixture, paths[i]);

    g_test_message ("%s", paths[i]);
    g_assert_cmpuint (soup_message_get_status (answer.message), ==, 404);
    g_assert_cmpstr (app_answer_header (&answer, "Cache-Control"), ==, "max-age=1");
  }
}

static void
an_open_segment_has_parts_but_no_whole (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_auto (AppAnswer) part = {0}, whole = {0}, playlist = {0};

  run_broadcast (fixture, FALSE);
  part = app_fixture_get (fixture, "/" BROADCAST "/segments/3-7/track0.0.m4s");
  whole = app_fixture_get (fixture, "/" BROADCAST "/segments/3-7/track0.m4s");
  playlist = app_fixture_get (fixture, "/" INPUT "/manifest/video.m3u8");
  g_assert_cmpuint (soup_message_get_status (part.message), ==, 200);
  g_assert_cmpuint (soup_message_get_status (whole.message), ==, 404);
  g_assert_cmpuint (soup_message_get_status (playlist.message), ==, 204);
}

static void
playlists_and_inits_are_served (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar *const playlists[] = {"/" INPUT "/manifest/video.m3u8",
      "/" BROADCAST "/manifest/track0.m3u8", "/" BROADCAST "/manifest/muxed.m3u8"};
  g_auto (AppAnswer) init = {0}, preflight = {0};

  run_broadcast (fixture, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (playlists); i++) {
    g_auto (AppAnswer) answer = app_fixture_get (fixture, playlists[i]);

    g_assert_cmpuint (soup_message_get_status (answer.message), ==, 200);
    g_assert_cmpstr (
        app_answer_header (&answer, "Content-Type"), ==, "application/vnd.apple.mpegurl");
    g_assert_cmpstr (app_answer_header (&answer, "Cache-Control"), ==, "max-age=1");
    g_assert_cmpint (strncmp (g_bytes_get_data (answer.body, NULL), "#EXTM3U", 7), ==, 0);
  }
  init = app_fixture_get (fixture, "/" BROADCAST "/inits/3-1/track0.mp4");
  g_assert_cmpuint (soup_message_get_status (init.message), ==, 200);
  g_assert_cmpstr (app_answer_header (&init, "Content-Type"), ==, "audio/mp4");
  preflight = app_fixture_call (fixture, "OPTIONS", playlists[0], NULL, NULL, NULL);
  g_assert_cmpuint (soup_message_get_status (preflight.message), ==, 204);
  g_assert_cmpstr (app_answer_header (&preflight, "Access-Control-Allow-Origin"), ==, "*");
}

static void
input_created (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (weir_store_create_input_finish (WEIR_STORE (source), result, NULL));
  *(gboolean *) user_data = TRUE;
}

static void
an_input_that_is_known_has_not_started (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  g_auto (AppAnswer) playlist = {0}, lifecycle = {0}, segment = {0};
  gboolean created = FALSE;

  input->uid = g_strdup (INPUT);
  input->account = g_strdup ("acc");
  g_free (input->meta);
  input->meta = g_strdup ("{}");
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    input->secrets[i] = g_strdup_printf ("secret%u", i);
  weir_store_create_input (fixture->store, input, input_created, &created);
  while (!created)
    g_main_context_iteration (NULL, TRUE);

  playlist = app_fixture_get (fixture, "/" INPUT "/manifest/video.m3u8");
  g_assert_cmpuint (soup_message_get_status (playlist.message), ==, 204);
  g_assert_nonnull (app_answer_header (&playlist, "Retry-After"));
  segment = app_fixture_get (fixture, "/" INPUT "/segments/3-7.m4s");
  g_assert_cmpuint (soup_message_get_status (segment.message), ==, 404);
  lifecycle = app_fixture_get (fixture, "/" INPUT "/lifecycle");
  g_assert_cmpmem (g_bytes_get_data (lifecycle.body, NULL), g_bytes_get_size (lifecycle.body),
      "{\"isInput\":true,\"videoUID\":null,\"live\":false,\"state\":\"idle\"}", 60);
}

static void
a_reconnecting_broadcast_tells_its_deadline (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const gchar expected[] = "{\"isInput\":true,\"videoUID\":\"" BROADCAST
                                  "\",\"live\":true,\"state\":\"reconnecting\",\"deadline\":"
                                  "\"1970-01-01T00:00:01.000000Z\"}";
  WeirBroadcastStatus *status = g_new0 (WeirBroadcastStatus, 1);
  g_auto (AppAnswer) answer = {0};

  status->uid = g_strdup (BROADCAST);
  status->input = g_strdup (INPUT);
  status->state = WEIR_LIFECYCLE_RECONNECTING;
  status->deadline_us = G_USEC_PER_SEC;
  g_hash_table_insert (fixture->manager->statuses, g_strdup (INPUT), status);
  answer = app_fixture_get (fixture, "/" INPUT "/lifecycle");
  g_assert_cmpmem (g_bytes_get_data (answer.body, NULL), g_bytes_get_size (answer.body), expected,
      sizeof expected - 1);
}

static void
pages_health_and_metrics_answer (AppFixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *path;
    guint status;
    const gchar *type, *text;
  } cases[] = {
      {"/" INPUT "/watch", 200, "text/html; charset=utf-8", "<html"},
      {"/web/watch.js", 200, "text/javascript; charset=utf-8", "lifecycle"},
      {"/", 200, "text/html; charset=utf-8", "openapi.json"},
      {"/healthz", 200, "text/plain; charset=utf-8", "alive"},
      {"/readyz", 503, "text/plain; charset=utf-8", "not ready"},
      {"/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "\nweir_live_broadcasts 7\n"},
      {"/" INPUT "/manifest/video.mpd", 501, "text/plain; charset=utf-8", "DASH"},
      {"/" INPUT "/views", 501, "text/plain; charset=utf-8", "yet"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (AppAnswer) answer = app_fixture_get (fixture, cases[i].path);

    g_test_message ("%s", cases[i].path);
    g_assert_cmpuint (soup_message_get_status (answer.message), ==, cases[i].status);
    g_assert_cmpstr (app_answer_header (&answer, "Content-Type"), ==, cases[i].type);
    g_assert_nonnull (g_strstr_len (
        g_bytes_get_data (answer.body, NULL), g_bytes_get_size (answer.body), cases[i].text));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function)                                                                         \
  g_test_add ("/playback/handlers/" #function, AppFixture, NULL, app_fixture_set_up, function, \
      app_fixture_tear_down)
  TEST (segments_and_parts_are_ranges_of_the_object);
  TEST (what_is_not_there_is_404_for_a_second);
  TEST (an_open_segment_has_parts_but_no_whole);
  TEST (playlists_and_inits_are_served);
  TEST (an_input_that_is_known_has_not_started);
  TEST (a_reconnecting_broadcast_tells_its_deadline);
  TEST (pages_health_and_metrics_answer);
  return g_test_run ();
}
