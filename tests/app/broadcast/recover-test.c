/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/recover.h"

#include "broadcast/resume.h"
#include "folder.h"
#include "records.h"

#include <string.h>

#define INPUT "0123456789abcdef0123456789abcdef"
#define BROADCAST "b0000000000000000000000000000001"
#define LATER "b0000000000000000000000000000002"
#define SECOND_US ((gint64) G_USEC_PER_SEC)

/* a daemon that has just started, with what another one has left in the store */
typedef struct {
  gchar *folder;
  WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirWorkerPool *workers;
  WeirBroadcastManager *manager;
  WeirRecovery *recovery;
  guint64 epoch; /* of what was begun last */
  gint64 created_us;
  guint answers;
} Fixture;

static void
await (Fixture *self)
{
  while (self->answers == 0)
    g_main_context_iteration (NULL, TRUE);
  self->answers--;
}

static void
input_created (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_store_create_input_finish (WEIR_STORE (source), result, &error);
  g_assert_no_error (error);
  ((Fixture *) data)->answers++;
}

static void
create_input (Fixture *self, gboolean enabled, gint timeout_s)
{
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();

  input->uid = g_strdup (INPUT);
  input->account = g_strdup ("acc");
  input->enabled = enabled;
  input->recording_timeout_s = timeout_s;
  input->created_us = input->modified_us = 1;
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    input->secrets[i] = g_strdup_printf ("secret%u", i);
  weir_store_create_input (self->store, input, input_created, self);
  await (self);
}

static void
begun (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_begin_broadcast_finish (WEIR_STORE (source), result, &error);

  g_assert_no_error (error);
  self->epoch = record->epoch;
  self->answers++;
}

static void
state_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_store_commit_state_finish (WEIR_STORE (source), result, &error);
  g_assert_no_error (error);
  ((Fixture *) data)->answers++;
}

/* @state: (nullable) */
static void
leave_open (Fixture *self, const gchar *uid, const gchar *state)
{
  WeirBroadcastRecord record = {
      .uid = (gchar *) uid, .input = (gchar *) INPUT, .account = (gchar *) "acc", .recorded = TRUE};

  record.created_us = self->created_us != 0 ? self->created_us : g_get_real_time ();
  weir_store_begin_broadcast (self->store, &record, begun, self);
  await (self);
  if (state == NULL)
    return;
  weir_store_commit_state (self->store, uid, self->epoch, state, state_committed, self);
  await (self);
}

static void
leave_open_since (Fixture *self, const gchar *uid, gint64 ago_us, gboolean stopped)
{
  const WeirResume resume = {
      .next_segment = 3,
      .next_sequence = 12,
      .next_generation = 1,
      .target_duration = 2,
      .end_ns = 6 * G_GINT64_CONSTANT (1000000000),
      .end_us = g_get_real_time () - ago_us,
      .media_us = g_get_real_time () - ago_us,
      .stopped = stopped,
  };
  g_autofree gchar *state = weir_resume_to_json (&resume);

  leave_open (self, uid, state);
}

static void
recovered (gpointer data)
{
  ((Fixture *) data)->answers++;
}

static void
drained (gpointer data)
{
  ((Fixture *) data)->answers++;
}

static void
recover (Fixture *self)
{
  self->recovery =
      weir_recovery_new (self->config, self->store, self->blobs, self->manager, recovered, self);
  await (self);
}

static void
found (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirBroadcastRecord **record = data;
  g_autoptr (GError) error = NULL;

  *record = weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);
  g_assert_no_error (error);
}

static WeirBroadcastRecord *
get_record (Fixture *self, const gchar *uid)
{
  WeirBroadcastRecord *record = NULL;

  weir_store_get_broadcast (self->store, uid, found, &record);
  while (record == NULL)
    g_main_context_iteration (NULL, TRUE);
  return record;
}

static void
listed (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GPtrArray **) data = weir_store_list_events_finish (WEIR_STORE (source), result, NULL);
}

/* Returns: (transfer full): the types of all events, one behind the other */
static gchar *
list_events (Fixture *self)
{
  g_autoptr (GString) types = g_string_new (NULL);
  GPtrArray *events = NULL;

  weir_store_list_events (self->store, NULL, 0, 100, listed, &events);
  while (events == NULL)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < events->len; i++)
    g_string_append_printf (types, "%s ", ((const WeirEvent *) events->pdata[i])->type);
  g_ptr_array_unref (events);
  return g_string_free (g_steal_pointer (&types), FALSE);
}

static void
assert_state (Fixture *self, const gchar *uid, WeirBroadcastState state)
{
  g_autoptr (WeirBroadcastRecord) record = get_record (self, uid);

  g_assert_cmpint (record->state, ==, state);
}

/* Returns: how long it is waited for, µs; 0: it does not run */
static gint64
get_wait (Fixture *self, const gchar *uid)
{
  WeirBroadcastStatus *status = weir_broadcast_manager_get_status (self->manager, uid);
  gint64 wait;

  if (status == NULL)
    return 0;
  g_assert_cmpint (status->state, ==, WEIR_LIFECYCLE_RECONNECTING);
  wait = status->deadline_us - g_get_real_time ();
  weir_broadcast_status_free (status);
  return wait;
}

static void
set_up (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *state_dir = NULL, *database = NULL, *segments = NULL;
  const gchar *overrides[] = {NULL, "recording.timeout=60s", NULL};

  self->folder = g_dir_make_tmp ("weir-recover-XXXXXX", NULL);
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
  self->manager =
      weir_broadcast_manager_new (self->config, self->store, self->blobs, self->workers);
}

static void
tear_down (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  weir_broadcast_manager_drain (self->manager, drained, self);
  await (self);
  g_clear_pointer (&self->recovery, weir_recovery_free);
  weir_worker_pool_free (self->workers);
  weir_broadcast_manager_free (self->manager);
  g_object_unref (self->blobs);
  g_object_unref (self->store);
  weir_config_free (self->config);
  remove_folder (self->folder);
  g_free (self->folder);
}

static void
one_whose_window_is_not_over_goes_on_waiting (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) record = NULL;
  g_auto (WeirResume) resume = {0};
  guint64 epoch;

  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, 9 * SECOND_US, FALSE);
  epoch = self->epoch;
  recover (self);
  g_assert_cmpint (get_wait (self, BROADCAST), >, 45 * SECOND_US);
  g_assert_cmpint (get_wait (self, BROADCAST), <=, 51 * SECOND_US);
  /* by its input, too */
  g_assert_cmpint (get_wait (self, INPUT), >, 0);
  record = get_record (self, BROADCAST);
  g_assert_cmpint (record->state, ==, WEIR_BROADCAST_LIVE);
  g_assert_cmpuint (record->epoch, >, epoch);
  /* the gaps that are listed are known before anyone sees them */
  g_assert_true (weir_resume_from_json (&resume, record->committed, NULL));
  g_assert_cmpuint (resume.gaps, >=, 4);
  g_assert_cmpuint (resume.next_segment, ==, 3);
}

static void
one_whose_window_is_over_ends (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *events = NULL;

  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, 61 * SECOND_US, FALSE);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
  g_assert_cmpint (get_wait (self, BROADCAST), ==, 0);
  events = list_events (self);
  g_assert_cmpstr (events, ==, "broadcast.ended recording.ready ");
}

static void
inits_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_store_commit_inits_finish (WEIR_STORE (source), result, &error);
  g_assert_no_error (error);
  ((Fixture *) data)->answers++;
}

/* Returns: those of a broadcast with a picture */
static gchar *
make_inits (void)
{
  g_autoptr (WeirIndex) index = weir_index_new (BROADCAST, WEIR_INDEX_WINDOW_SEGMENTS);
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);

  g_ptr_array_add (configs, test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30));
  weir_index_add_init (index, 1, 0, configs, NULL);
  return weir_index_inits_to_json (index);
}

static guint
count (const gchar *text, const gchar *what)
{
  guint found = 0;

  for (const gchar *p = text; (p = strstr (p, what)) != NULL; p++)
    found++;
  return found;
}

/* the bytes of what was in memory are gone, but not its place in playlists */
static void
numbers_go_on_behind_what_was_never_stored (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirIndexSegment) last = weir_index_segment_new (6, 1);
  g_autoptr (WeirIndexSegment) open = weir_index_segment_new (7, 1);
  const WeirIndexPart part = {.size = 10, .decode_time = 1080000, .duration = 180000};
  g_auto (WeirResume) resume = {0};
  g_autoptr (WeirIndex) index = NULL;
  g_autoptr (GPtrArray) playlist = NULL;
  g_autofree gchar *state = NULL, *inits = make_inits (), *text = NULL;

  weir_index_segment_add_part (last, 0, &part);
  last->media_sequence = 11;
  last->target_duration = 2;
  last->start_ns = 12 * G_GINT64_CONSTANT (1000000000);
  last->duration_ns = 2 * G_GINT64_CONSTANT (1000000000);
  weir_resume_init (&resume, g_get_real_time () - 5 * SECOND_US);
  resume.next_segment = 7;
  resume.target_duration = 2;
  resume.end_ns = 14 * G_GINT64_CONSTANT (1000000000);
  weir_resume_add_tail (&resume, weir_index_segment_ref (last), TRUE);
  /* and the next one, of which nothing is known but that it is there */
  open->media_sequence = 12;
  open->start_ns = resume.end_ns;
  weir_resume_add_tail (&resume, weir_index_segment_ref (open), FALSE);
  state = weir_resume_to_json (&resume);
  create_input (self, TRUE, 0);
  leave_open (self, BROADCAST, state);
  weir_store_commit_inits (self->store, BROADCAST, self->epoch, inits, inits_committed, self);
  await (self);
  recover (self);
  index = weir_broadcast_manager_find_index (self->manager, BROADCAST);
  g_assert_nonnull (index);
  playlist = weir_index_get_media (index, WEIR_INDEX_WINDOW, 0);
  g_assert_nonnull (playlist);
  text = g_strndup (
      g_bytes_get_data (playlist->pdata[0], NULL), g_bytes_get_size (playlist->pdata[0]));
  g_assert_nonnull (strstr (text, "#EXT-X-MEDIA-SEQUENCE:11\n"));
  /* they themselves, and a target duration since then */
  g_assert_cmpuint (count (text, "#EXT-X-GAP\n"), ==, 3);
  g_assert_cmpuint (count (text, "#EXTINF:"), ==, 3);
}

static void
the_window_is_the_inputs_own_when_it_has_one (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 300);
  leave_open_since (self, BROADCAST, 61 * SECOND_US, FALSE);
  recover (self);
  g_assert_cmpint (get_wait (self, BROADCAST), >, 200 * SECOND_US);
}

static void
an_encoder_that_said_that_it_stops_is_waited_for_less (
    Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, 6 * SECOND_US, TRUE);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
}

static void
a_clock_that_was_set_back_makes_the_window_no_longer (
    Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, -3600 * SECOND_US, FALSE);
  recover (self);
  g_assert_cmpint (get_wait (self, BROADCAST), >, 50 * SECOND_US);
  g_assert_cmpint (get_wait (self, BROADCAST), <=, 60 * SECOND_US);
}

static void
one_that_has_brought_nothing_yet_goes_on_waiting (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  leave_open (self, BROADCAST, NULL);
  recover (self);
  g_assert_cmpint (get_wait (self, BROADCAST), >, 50 * SECOND_US);
}

static void
one_whose_state_cannot_be_read_ends (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  leave_open (self, BROADCAST, "{\"nextSegment\":3,\"endNs\":6000000000}");
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
}

static void
one_whose_input_is_gone_ends (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  leave_open_since (self, BROADCAST, SECOND_US, FALSE);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
}

static void
one_whose_input_is_disabled_ends (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, FALSE, 0);
  leave_open_since (self, BROADCAST, SECOND_US, FALSE);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
}

static void
of_two_of_one_input_the_newer_goes_on (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  self->created_us = g_get_real_time () - 10 * SECOND_US;
  leave_open_since (self, BROADCAST, SECOND_US, FALSE);
  self->created_us += SECOND_US;
  leave_open_since (self, LATER, SECOND_US, FALSE);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_READY);
  assert_state (self, LATER, WEIR_BROADCAST_LIVE);
  g_assert_cmpint (get_wait (self, INPUT), >, 0);
  g_assert_cmpint (get_wait (self, LATER), >, 0);
}

static void
a_daemon_that_stops_leaves_it_to_the_next (Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, SECOND_US, FALSE);
  weir_broadcast_manager_drain (self->manager, drained, self);
  await (self);
  recover (self);
  assert_state (self, BROADCAST, WEIR_BROADCAST_LIVE);
  g_assert_cmpint (get_wait (self, BROADCAST), ==, 0);
}

static void
what_goes_on_is_suspended_again_when_the_daemon_stops (
    Fixture *self, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) record = NULL;
  g_auto (WeirResume) resume = {0};

  create_input (self, TRUE, 0);
  leave_open_since (self, BROADCAST, 9 * SECOND_US, FALSE);
  recover (self);
  weir_broadcast_manager_drain (self->manager, drained, self);
  await (self);
  record = get_record (self, BROADCAST);
  g_assert_cmpint (record->state, ==, WEIR_BROADCAST_LIVE);
  g_assert_true (weir_resume_from_json (&resume, record->committed, NULL));
  g_assert_cmpint (resume.end_ns, ==, 6 * G_GINT64_CONSTANT (1000000000));
  /* since when nothing has come is no other time for that */
  g_assert_cmpint (g_get_real_time () - resume.end_us, >=, 9 * SECOND_US);
  g_assert_cmpint (g_get_real_time () - resume.media_us, >=, 9 * SECOND_US - 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/broadcast/recover/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (one_whose_window_is_not_over_goes_on_waiting);
  ADD (one_whose_window_is_over_ends);
  ADD (numbers_go_on_behind_what_was_never_stored);
  ADD (the_window_is_the_inputs_own_when_it_has_one);
  ADD (an_encoder_that_said_that_it_stops_is_waited_for_less);
  ADD (a_clock_that_was_set_back_makes_the_window_no_longer);
  ADD (one_that_has_brought_nothing_yet_goes_on_waiting);
  ADD (one_whose_state_cannot_be_read_ends);
  ADD (one_whose_input_is_gone_ends);
  ADD (one_whose_input_is_disabled_ends);
  ADD (of_two_of_one_input_the_newer_goes_on);
  ADD (a_daemon_that_stops_leaves_it_to_the_next);
  ADD (what_goes_on_is_suspended_again_when_the_daemon_stops);
  return g_test_run ();
}
