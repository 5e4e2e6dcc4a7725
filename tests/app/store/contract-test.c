/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include "folder.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* what every backend keeps to; each test runs once per backend */
typedef struct {
  const gchar *name;
  WeirStore *(*open) (const gchar *folder, GError **error);
} Backend;

typedef struct {
  const Backend *backend;
  gchar *folder;
  WeirStore *store;
} Fixture;

static WeirStore *
open_sqlite (const gchar *folder, GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, "weir.db", NULL);

  return weir_store_sqlite_new (path, error);
}

static const Backend backends[] = {{"sqlite", open_sqlite}};

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->backend = data;
  fixture->folder = g_dir_make_tmp ("weir-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->store = fixture->backend->open (fixture->folder, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  g_clear_object (&fixture->store);
  remove_folder (fixture->folder);
  g_free (fixture->folder);
}

static void
restart (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->store);
  fixture->store = fixture->backend->open (fixture->folder, &error);
  g_assert_no_error (error);
}

/* keeps the answer; for calls that are waited for one by one */
static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* CALL (store, error, get_input, uid): the finished call's answer */
#define CALL(store, error, name, ...)                                   \
  ({                                                                    \
    g_autoptr (GAsyncResult) result_ = NULL;                            \
    weir_store_##name ((store), ##__VA_ARGS__, keep_result, &result_);  \
    weir_store_##name##_finish ((store), wait_for (&result_), (error)); \
  })

/* arguments, of the block that they are in */
#define SEGMENT(the_number, the_entry, the_committed) \
  (&(WeirSegmentCommit){.number = (the_number), .entry = (the_entry), .committed = (the_committed)})
#define FILTER(...) (&(WeirBroadcastFilter){__VA_ARGS__})

static WeirLiveInput *
make_input (const gchar *uid, gint64 created_us)
{
  WeirLiveInput *input = weir_live_input_new ();

  input->uid = g_strdup (uid);
  input->account = g_strdup ("account");
  input->created_us = created_us;
  input->modified_us = created_us;
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    input->secrets[i] = g_strdup_printf ("secret-%s-%u", uid, i);
  return input;
}

static WeirBroadcastRecord *
make_record (const gchar *uid, const gchar *input, gint64 created_us)
{
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);

  record->uid = g_strdup (uid);
  record->input = g_strdup (input);
  record->account = g_strdup ("account");
  record->recorded = TRUE;
  record->created_us = created_us;
  record->committed = g_strdup ("{\"next\":0}");
  record->inits = g_strdup ("[]");
  return record;
}

static void
create_input (WeirStore *store, const gchar *uid, gint64 created_us)
{
  g_autoptr (WeirLiveInput) input = make_input (uid, created_us);
  g_autoptr (GError) error = NULL;

  g_assert_true (CALL (store, &error, create_input, input));
  g_assert_no_error (error);
}

static guint64
begin (WeirStore *store, const gchar *uid, const gchar *input, gint64 created_us)
{
  g_autoptr (WeirBroadcastRecord) record = make_record (uid, input, created_us);
  g_autoptr (WeirBroadcastRecord) begun = NULL;
  g_autoptr (GError) error = NULL;

  begun = CALL (store, &error, begin_broadcast, record);
  g_assert_no_error (error);
  g_assert_nonnull (begun);
  g_assert_cmpstr (begun->uid, ==, uid);
  g_assert_cmpint (begun->state, ==, WEIR_BROADCAST_LIVE);
  return begun->epoch;
}

static void
commit (WeirStore *store, const gchar *uid, guint64 epoch, guint64 number, const gchar *entry)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
      CALL (store, &error, commit_segment, uid, epoch, SEGMENT (number, entry, "{\"next\":1}")));
  g_assert_no_error (error);
}

static void
an_input_comes_back_as_it_was_created (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = make_input ("one", 1700000000000001);
  g_autoptr (WeirLiveInput) read = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  input->modified_us = 3;
  input->keys_rotated_us = 4;
  input->enabled = FALSE;
  g_free (input->meta);
  input->meta = g_strdup ("{\"name\":\"a ' \\\" ü\"}");
  input->default_creator = g_strdup ("creator");
  input->prefer_low_latency = 1;
  input->delete_recording_after_days = 30;
  input->recording_mode = WEIR_RECORDING_AUTOMATIC;
  input->recording_timeout_s = 90;
  input->require_signed_urls = TRUE;
  input->hide_live_viewer_count = TRUE;
  input->allowed_origins = g_strdup ("[\"example.com\"]");
  g_assert_true (CALL (fixture->store, &error, create_input, input));
  g_assert_no_error (error);

  read = CALL (fixture->store, &error, get_input, "one");
  g_assert_no_error (error);
  g_assert_cmpstr (read->uid, ==, "one");
  g_assert_cmpstr (read->account, ==, "account");
  g_assert_cmpint (read->created_us, ==, 1700000000000001);
  g_assert_cmpint (read->modified_us, ==, 3);
  g_assert_cmpint (read->keys_rotated_us, ==, 4);
  g_assert_false (read->enabled);
  g_assert_cmpstr (read->meta, ==, input->meta);
  g_assert_cmpstr (read->default_creator, ==, "creator");
  g_assert_cmpint (read->prefer_low_latency, ==, 1);
  g_assert_cmpint (read->delete_recording_after_days, ==, 30);
  g_assert_cmpint (read->recording_mode, ==, WEIR_RECORDING_AUTOMATIC);
  g_assert_cmpint (read->recording_timeout_s, ==, 90);
  g_assert_true (read->require_signed_urls);
  g_assert_true (read->hide_live_viewer_count);
  g_assert_cmpstr (read->allowed_origins, ==, "[\"example.com\"]");
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    g_assert_cmpstr (read->secrets[i], ==, input->secrets[i]);
}

static void
absent_settings_stay_absent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = weir_live_input_new ();
  g_autoptr (WeirLiveInput) read = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  input->uid = g_strdup ("bare");
  input->account = g_strdup ("account");
  g_assert_true (CALL (fixture->store, &error, create_input, input));
  read = CALL (fixture->store, &error, get_input, "bare");
  g_assert_no_error (error);
  g_assert_cmpint (read->prefer_low_latency, ==, -1);
  g_assert_null (read->default_creator);
  g_assert_null (read->allowed_origins);
  g_assert_cmpint (read->recording_mode, ==, WEIR_RECORDING_DEFAULT);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    g_assert_null (read->secrets[i]);
}

static void
an_input_is_found_by_each_secret_of_the_right_kind (Fixture *fixture, gconstpointer data)
{
  (void) data;
  create_input (fixture->store, "one", 1);
  create_input (fixture->store, "two", 2);
  for (guint kind = 0; kind < WEIR_SECRET_LAST; kind++) {
    g_autofree gchar *secret = g_strdup_printf ("secret-two-%u", kind);
    g_autoptr (WeirLiveInput) found = NULL;
    g_autoptr (WeirLiveInput) other = NULL;
    g_autoptr (GError) error = NULL;

    found = CALL (fixture->store, &error, find_input, kind, secret);
    g_assert_no_error (error);
    g_assert_cmpstr (found->uid, ==, "two");
    other = CALL (fixture->store, &error, find_input, (kind + 1) % WEIR_SECRET_LAST, secret);
    g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
    g_assert_null (other);
  }
}

static void
a_uid_or_a_secret_that_is_taken_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) same_uid = make_input ("one", 2);
  g_autoptr (WeirLiveInput) same_secret = make_input ("two", 2);
  g_autoptr (WeirLiveInput) read = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  create_input (fixture->store, "one", 1);
  for (guint i = 0; i < WEIR_SECRET_LAST; i++) {
    g_free (same_uid->secrets[i]);
    same_uid->secrets[i] = g_strdup_printf ("other-%u", i);
  }
  g_assert_false (CALL (fixture->store, &error, create_input, same_uid));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS);
  g_clear_error (&error);

  g_free (same_secret->secrets[WEIR_SECRET_WEBRTC]);
  same_secret->secrets[WEIR_SECRET_WEBRTC] = g_strdup ("secret-one-4");
  g_assert_false (CALL (fixture->store, &error, create_input, same_secret));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS);
  g_assert_null (strstr (error->message, "secret-one-4"));
  g_clear_error (&error);
  /* and nothing of it is left */
  read = CALL (fixture->store, &error, get_input, "two");
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
}

static void
inputs_are_listed_newest_first_by_account (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) stranger = make_input ("stranger", 9);
  g_autoptr (GPtrArray) inputs = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  create_input (fixture->store, "middle", 20);
  create_input (fixture->store, "old", 10);
  create_input (fixture->store, "new", 30);
  create_input (fixture->store, "newer", 30);
  g_free (stranger->account);
  stranger->account = g_strdup ("another");
  g_assert_true (CALL (fixture->store, &error, create_input, stranger));

  inputs = CALL (fixture->store, &error, list_inputs, "account");
  g_assert_no_error (error);
  g_assert_cmpuint (inputs->len, ==, 4);
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[0])->uid, ==, "newer");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[1])->uid, ==, "new");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[2])->uid, ==, "middle");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[3])->uid, ==, "old");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[3])->secrets[0], ==, "secret-old-0");
}

static void
a_deleted_input_is_gone_with_its_secrets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) found = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  create_input (fixture->store, "one", 1);
  g_assert_false (CALL (fixture->store, &error, delete_input, "another", "one"));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (CALL (fixture->store, &error, delete_input, "account", "one"));
  g_assert_no_error (error);
  found = CALL (fixture->store, &error, find_input, WEIR_SECRET_RTMP, "secret-one-0");
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (CALL (fixture->store, &error, delete_input, "account", "one"));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
  /* the secrets are free again */
  create_input (fixture->store, "one", 1);
}

static void
what_does_not_exist_is_not_found (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  (void) data;
#define NOT_FOUND(name, ...)                                            \
  g_assert_false (CALL (fixture->store, &error, name, ##__VA_ARGS__));  \
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND); \
  g_clear_error (&error)
  NOT_FOUND (get_input, "none");
  NOT_FOUND (find_input, WEIR_SECRET_SRT, "none");
  NOT_FOUND (get_broadcast, "none");
  NOT_FOUND (claim_broadcast, "none", 1);
  NOT_FOUND (list_segments, "none");
#undef NOT_FOUND
}

static void
a_broadcast_goes_from_begin_to_ready (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) live = NULL;
  g_autoptr (WeirBroadcastRecord) ended = NULL;
  g_autoptr (WeirBroadcastRecord) ready = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 5);

  (void) data;
  commit (fixture->store, "b", epoch, 0, "{\"n\":0}");
  g_assert_true (CALL (fixture->store, &error, commit_inits, "b", epoch, "[1]"));
  live = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_no_error (error);
  g_assert_cmpstr (live->input, ==, "one");
  g_assert_cmpstr (live->account, ==, "account");
  g_assert_cmpuint (live->epoch, ==, epoch);
  g_assert_true (live->recorded);
  g_assert_cmpint (live->created_us, ==, 5);
  g_assert_cmpint (live->ended_us, ==, 0);
  g_assert_cmpstr (live->committed, ==, "{\"next\":1}");
  g_assert_cmpstr (live->inits, ==, "[1]");

  g_assert_true (
      CALL (fixture->store, &error, end_broadcast, "b", epoch, WEIR_BROADCAST_ENDED, NULL));
  ended = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_cmpint (ended->state, ==, WEIR_BROADCAST_ENDED);
  g_assert_cmpint (ended->ended_us, >, 0);
  g_assert_true (
      CALL (fixture->store, &error, end_broadcast, "b", epoch, WEIR_BROADCAST_READY, NULL));
  ready = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_cmpint (ready->state, ==, WEIR_BROADCAST_READY);
  g_assert_cmpint (ready->ended_us, ==, ended->ended_us);
}

static void
a_broadcast_begins_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) record = make_record ("b", "one", 1);
  g_autoptr (WeirBroadcastRecord) again = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  begin (fixture->store, "b", "one", 1);
  again = CALL (fixture->store, &error, begin_broadcast, record);
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS);
}

static void
an_old_epoch_is_fenced_off (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) claimed = NULL;
  g_autoptr (WeirBroadcastRecord) after = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);

  (void) data;
  commit (fixture->store, "b", epoch, 0, "first");
  claimed = CALL (fixture->store, &error, claim_broadcast, "b", epoch);
  g_assert_no_error (error);
  g_assert_cmpuint (claimed->epoch, >, epoch);
  g_assert_cmpstr (claimed->committed, ==, "{\"next\":1}");

#define FENCED(name, ...)                                              \
  g_assert_false (CALL (fixture->store, &error, name, ##__VA_ARGS__)); \
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED);   \
  g_clear_error (&error)
  FENCED (commit_segment, "b", epoch, SEGMENT (1, "stale", "stale"));
  FENCED (commit_state, "b", epoch, "stale");
  FENCED (commit_inits, "b", epoch, "stale");
  FENCED (forget_segments, "b", epoch, 100);
  FENCED (end_broadcast, "b", epoch, WEIR_BROADCAST_ENDED, NULL);
  FENCED (claim_broadcast, "b", epoch);
  FENCED (commit_segment, "b", claimed->epoch + 1, SEGMENT (1, "from the future", "{}"));
#undef FENCED
  after = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_cmpstr (after->committed, ==, "{\"next\":1}");
  g_assert_cmpstr (after->inits, ==, "[]");
  g_assert_cmpint (after->state, ==, WEIR_BROADCAST_LIVE);
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 1);
  commit (fixture->store, "b", claimed->epoch, 1, "second");
}

static void
of_two_claims_one_wins (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (WeirBroadcastRecord) a = NULL;
  g_autoptr (WeirBroadcastRecord) b = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);

  (void) data;
  weir_store_claim_broadcast (fixture->store, "b", epoch, keep_result, &first);
  weir_store_claim_broadcast (fixture->store, "b", epoch, keep_result, &second);
  a = weir_store_claim_broadcast_finish (fixture->store, wait_for (&first), &error);
  g_assert_no_error (error);
  b = weir_store_claim_broadcast_finish (fixture->store, wait_for (&second), &error);
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED);
  g_assert_null (b);
  commit (fixture->store, "b", a->epoch, 0, "winner");
}

static void
epochs_grow_over_the_whole_store (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) claimed = NULL;
  g_autoptr (GError) error = NULL;
  guint64 first = begin (fixture->store, "a", "one", 1);
  guint64 second = begin (fixture->store, "b", "one", 2);

  (void) data;
  g_assert_cmpuint (first, >, 0);
  g_assert_cmpuint (second, >, first);
  claimed = CALL (fixture->store, &error, claim_broadcast, "a", first);
  g_assert_cmpuint (claimed->epoch, >, second);
}

static void
broadcasts_are_listed_newest_first_by_input_and_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) of_input = NULL;
  g_autoptr (GPtrArray) live = NULL;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch;

  (void) data;
  epoch = begin (fixture->store, "b2", "one", 20);
  begin (fixture->store, "b1", "one", 10);
  begin (fixture->store, "b3", "two", 30);
  g_assert_true (
      CALL (fixture->store, &error, end_broadcast, "b2", epoch, WEIR_BROADCAST_ENDED, NULL));

  all = CALL (fixture->store, &error, list_broadcasts, NULL);
  g_assert_cmpuint (all->len, ==, 3);
  g_assert_cmpstr (((WeirBroadcastRecord *) all->pdata[0])->uid, ==, "b3");
  g_assert_cmpstr (((WeirBroadcastRecord *) all->pdata[1])->uid, ==, "b2");
  g_assert_cmpstr (((WeirBroadcastRecord *) all->pdata[2])->uid, ==, "b1");
  of_input = CALL (fixture->store, &error, list_broadcasts, FILTER (.input = "one"));
  g_assert_cmpuint (of_input->len, ==, 2);
  g_assert_cmpstr (((WeirBroadcastRecord *) of_input->pdata[0])->uid, ==, "b2");
  live = CALL (fixture->store, &error, list_broadcasts,
      FILTER (.input = "one", .states = 1 << WEIR_BROADCAST_LIVE));
  g_assert_cmpuint (live->len, ==, 1);
  g_assert_cmpstr (((WeirBroadcastRecord *) live->pdata[0])->uid, ==, "b1");
  none = CALL (fixture->store, &error, list_broadcasts, FILTER (.input = "three"));
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
entries_come_in_the_order_of_their_numbers (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);
  guint64 other = begin (fixture->store, "c", "one", 1);

  (void) data;
  commit (fixture->store, "b", epoch, 10, "ten");
  commit (fixture->store, "b", epoch, 9, "nine");
  commit (fixture->store, "c", other, 1, "another's");
  commit (fixture->store, "b", epoch, 100, "hundred");
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 3);
  g_assert_cmpstr (entries->pdata[0], ==, "nine");
  g_assert_cmpstr (entries->pdata[1], ==, "ten");
  g_assert_cmpstr (entries->pdata[2], ==, "hundred");

  g_assert_true (CALL (fixture->store, &error, forget_segments, "b", epoch, 10));
  left = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (left->len, ==, 2);
  g_assert_cmpstr (left->pdata[0], ==, "ten");
}

static void
a_number_committed_again_is_replaced (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);

  (void) data;
  commit (fixture->store, "b", epoch, 7, "torn");
  commit (fixture->store, "b", epoch, 7, "whole");
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_cmpstr (entries->pdata[0], ==, "whole");
}

static void
count_success (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_store_commit_segment_finish (WEIR_STORE (source), result, &error));
  g_assert_no_error (error);
  (*(guint *) data)++;
}

static void
count_fenced (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_store_commit_segment_finish (WEIR_STORE (source), result, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED);
  (*(guint *) data)++;
}

static void
a_thousand_commits_at_once_with_refused_ones_among_them (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (WeirBroadcastRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);
  guint committed = 0, fenced = 0;

  (void) data;
  for (guint i = 0; i < 1000; i++) {
    g_autofree gchar *entry = g_strdup_printf ("%u", i);

    weir_store_commit_segment (
        fixture->store, "b", epoch, SEGMENT (i, entry, entry), count_success, &committed);
    if (i % 10 == 0)
      weir_store_commit_segment (
          fixture->store, "b", epoch + 1, SEGMENT (i, "stale", "stale"), count_fenced, &fenced);
  }
  while (committed < 1000 || fenced < 100)
    g_main_context_iteration (NULL, TRUE);
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 1000);
  for (guint i = 0; i < entries->len; i++)
    g_assert_cmpint (g_ascii_strtoll (entries->pdata[i], NULL, 10), ==, i);
  record = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_cmpstr (record->committed, ==, "999");
}

static void
a_restart_keeps_everything_and_raises_the_epoch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = NULL;
  g_autoptr (WeirBroadcastRecord) record = NULL;
  g_autoptr (WeirBroadcastRecord) claimed = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  guint64 epoch, next;

  (void) data;
  create_input (fixture->store, "one", 1);
  epoch = begin (fixture->store, "b", "one", 1);
  commit (fixture->store, "b", epoch, 0, "entry");
  restart (fixture);
  input = CALL (fixture->store, &error, find_input, WEIR_SECRET_SRT, "secret-one-2");
  g_assert_no_error (error);
  g_assert_cmpstr (input->uid, ==, "one");
  record = CALL (fixture->store, &error, get_broadcast, "b");
  g_assert_cmpuint (record->epoch, ==, epoch);
  g_assert_cmpstr (record->committed, ==, "{\"next\":1}");
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 1);
  claimed = CALL (fixture->store, &error, claim_broadcast, "b", epoch);
  /* one for the start, one for the claim */
  g_assert_cmpuint (claimed->epoch, >, epoch + 1);
  next = claimed->epoch;
  restart (fixture);
  g_assert_cmpuint (begin (fixture->store, "c", "one", 2), >, next + 1);
}

static void
drop_store (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (weir_store_commit_inits_finish (WEIR_STORE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
the_last_reference_may_go_while_a_call_waits (Fixture *fixture, gconstpointer data)
{
  (void) data;
  for (guint i = 0; i < 50; i++) {
    g_autofree gchar *uid = g_strdup_printf ("b%u", i);
    guint64 epoch = begin (fixture->store, uid, "one", 1);
    gboolean done = FALSE;

    weir_store_commit_inits (fixture->store, uid, epoch, "[]", drop_store, &done);
    g_clear_object (&fixture->store);
    while (!done)
      g_main_context_iteration (NULL, TRUE);
    restart (fixture);
  }
}

/* what only this backend has */

static gchar *
database_path (Fixture *fixture)
{
  return g_build_filename (fixture->folder, "weir.db", NULL);
}

static void
sqlite_a_newer_schema_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);
  g_autoptr (GError) error = NULL;
  sqlite3 *database = NULL;

  (void) data;
  g_clear_object (&fixture->store);
  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_exec (database, "UPDATE schema_version SET version = 1000", NULL, NULL, NULL), ==,
      SQLITE_OK);
  sqlite3_close (database);
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "newer version of Weir"));
  g_assert_nonnull (strstr (error->message, path));
}

static void
sqlite_a_database_of_another_program_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "other.db", NULL);
  g_autoptr (GError) error = NULL;
  sqlite3 *database = NULL;

  (void) data;
  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_exec (database, "CREATE TABLE bookmarks (url)", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (database);
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
}

static void
sqlite_a_damaged_file_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);
  g_autofree gchar *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  (void) data;
  g_clear_object (&fixture->store);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_assert_true (g_file_set_contents (path, "these bytes are not SQLite's, not at all", -1, NULL));
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);

  memset (content + 100, 0xee, MIN (size - 100, 4000)); /* the schema's page */
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
}

static void
sqlite_no_file_is_readable_by_others (Fixture *fixture, gconstpointer data)
{
  const gchar *const suffixes[] = {"", "-wal", "-shm"};
  g_autofree gchar *path = database_path (fixture);
  mode_t old = umask (0);

  (void) data;
  g_clear_object (&fixture->store);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  restart (fixture);
  create_input (fixture->store, "one", 1);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree gchar *file = g_strconcat (path, suffixes[i], NULL);
    GStatBuf status;

    g_assert_cmpint (g_stat (file, &status), ==, 0);
    g_assert_cmphex (status.st_mode & 0777, ==, 0600);
  }
  umask (old);
}

static void
sqlite_a_folder_that_is_missing_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "missing", "weir.db", NULL);
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
}

static void
sqlite_a_full_disk_is_unavailable_and_passes (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *big = g_strnfill (1 << 20, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);
  sighandler_t handler;
  struct rlimit old, small;

  (void) data;
  commit (fixture->store, "b", epoch, 0, "before");
  /* no file may grow beyond 256 KiB: SQLite sees a write that fails, as on a full disk */
  handler = signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  small = old;
  small.rlim_cur = 256 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  g_assert_false (
      CALL (fixture->store, &error, commit_segment, "b", epoch, SEGMENT (1, big, "{}")));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  signal (SIGXFSZ, handler);
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
  g_clear_error (&error);
  commit (fixture->store, "b", epoch, 2, "after");
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 2);
  g_assert_cmpstr (entries->pdata[1], ==, "after");
}

/* the child's half: answered commits, then an end without any warning */
static void
die_after_commits (const gchar *folder)
{
  g_autoptr (GError) error = NULL;
  WeirStore *store = open_sqlite (folder, &error);
  guint64 epoch;

  g_assert_no_error (error);
  create_input (store, "one", 1);
  epoch = begin (store, "b", "one", 1);
  commit (store, "b", epoch, 0, "entry");
  raise (SIGKILL);
}

static void
copy_file (const gchar *folder, const gchar *from, const gchar *to)
{
  g_autofree gchar *source = g_build_filename (folder, from, NULL);
  g_autofree gchar *target = g_build_filename (folder, to, NULL);
  g_autofree gchar *content = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (source, &content, &size, NULL));
  g_assert_true (g_file_set_contents_full (
      target, content, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* what was left behind in order, and by a daemon that died: with a log */
static void
sqlite_a_full_disk_at_the_start_is_read (Fixture *fixture, gconstpointer data)
{
  const struct rlimit none = {0, RLIM_INFINITY};
  struct rlimit before;

  (void) data;
  create_input (fixture->store, "aa", 1);
  copy_file (fixture->folder, "weir.db", "died.db");
  copy_file (fixture->folder, "weir.db-wal", "died.db-wal");
  g_clear_object (&fixture->store);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);

  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *path =
        g_build_filename (fixture->folder, i == 0 ? "weir.db" : "died.db", NULL);
    g_autoptr (WeirBroadcastRecord) record = make_record ("b1", "aa", 5);
    g_autoptr (WeirBroadcastRecord) begun = NULL;
    g_autoptr (WeirLiveInput) found = NULL;
    g_autoptr (WeirStore) store = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
    store = weir_store_sqlite_new (path, &error);
    g_assert_no_error (error);
    found = CALL (store, &error, find_input, WEIR_SECRET_RTMP, "secret-aa-0");
    g_assert_no_error (error);
    g_assert_cmpstr (found->uid, ==, "aa");
    g_assert_null (CALL (store, &error, begin_broadcast, record));
    g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
    g_clear_error (&error);
    /* that reading goes on afterwards */
    g_assert_null (CALL (store, &error, find_input, WEIR_SECRET_RTMP, "secret-bb-0"));
    g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND);
    g_clear_error (&error);

    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
    begun = CALL (store, &error, begin_broadcast, record);
    g_assert_no_error (error);
    g_assert_cmpuint (begun->epoch, >, 0);
    /* the thread lets go of what it has answered: then the file is closed in here */
    while (g_atomic_int_get (&G_OBJECT (store)->ref_count) > 1)
      g_thread_yield ();
  }
}

/* those that only ask are not refused for the sake of those that write at the same time */
static void
sqlite_on_a_full_disk_reading_goes_on (Fixture *fixture, gconstpointer data)
{
  const struct rlimit none = {0, RLIM_INFINITY};
  GAsyncResult *results[6] = {NULL};
  g_autoptr (WeirBroadcastRecord) record = make_record ("b1", "aa", 5);
  struct rlimit before;

  (void) data;
  create_input (fixture->store, "aa", 1);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (results); i += 2) {
    weir_store_begin_broadcast (fixture->store, record, keep_result, &results[i]);
    weir_store_get_input (fixture->store, "aa", keep_result, &results[i + 1]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (results); i += 2) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirLiveInput) input = NULL;

    g_assert_null (
        weir_store_begin_broadcast_finish (fixture->store, wait_for (&results[i]), &error));
    g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
    g_clear_error (&error);
    input = weir_store_get_input_finish (fixture->store, wait_for (&results[i + 1]), &error);
    g_assert_no_error (error);
    g_assert_cmpstr (input->uid, ==, "aa");
    g_object_unref (results[i]);
    g_object_unref (results[i + 1]);
  }
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
}

static void
sqlite_what_was_answered_survives_a_kill (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;

  (void) data;
  if (g_test_subprocess ()) {
    g_clear_object (&fixture->store);
    remove_folder (fixture->folder);
    die_after_commits (g_getenv ("WEIR_TEST_FOLDER"));
    return;
  }
  g_clear_object (&fixture->store);
  g_setenv ("WEIR_TEST_FOLDER", fixture->folder, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_assert_false (g_test_trap_has_passed ());
  restart (fixture);
  entries = CALL (fixture->store, &error, list_segments, "b");
  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_cmpstr (entries->pdata[0], ==, "entry");
}

static void
add (const Backend *backend, const gchar *name, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_autofree gchar *path = g_strdup_printf ("/store/%s/%s", backend->name, name);

  g_test_add (path, Fixture, backend, set_up, test, tear_down);
}

#define ADD(backend, test) add (backend, #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (backends); i++) {
    ADD (&backends[i], an_input_comes_back_as_it_was_created);
    ADD (&backends[i], absent_settings_stay_absent);
    ADD (&backends[i], an_input_is_found_by_each_secret_of_the_right_kind);
    ADD (&backends[i], a_uid_or_a_secret_that_is_taken_is_refused);
    ADD (&backends[i], inputs_are_listed_newest_first_by_account);
    ADD (&backends[i], a_deleted_input_is_gone_with_its_secrets);
    ADD (&backends[i], what_does_not_exist_is_not_found);
    ADD (&backends[i], a_broadcast_goes_from_begin_to_ready);
    ADD (&backends[i], a_broadcast_begins_once);
    ADD (&backends[i], an_old_epoch_is_fenced_off);
    ADD (&backends[i], of_two_claims_one_wins);
    ADD (&backends[i], epochs_grow_over_the_whole_store);
    ADD (&backends[i], broadcasts_are_listed_newest_first_by_input_and_state);
    ADD (&backends[i], entries_come_in_the_order_of_their_numbers);
    ADD (&backends[i], a_number_committed_again_is_replaced);
    ADD (&backends[i], a_thousand_commits_at_once_with_refused_ones_among_them);
    ADD (&backends[i], a_restart_keeps_everything_and_raises_the_epoch);
    ADD (&backends[i], the_last_reference_may_go_while_a_call_waits);
  }
  ADD (&backends[0], sqlite_a_newer_schema_is_refused);
  ADD (&backends[0], sqlite_a_database_of_another_program_is_refused);
  ADD (&backends[0], sqlite_a_damaged_file_is_refused);
  ADD (&backends[0], sqlite_no_file_is_readable_by_others);
  ADD (&backends[0], sqlite_a_folder_that_is_missing_is_an_error);
  ADD (&backends[0], sqlite_a_full_disk_is_unavailable_and_passes);
  ADD (&backends[0], sqlite_a_full_disk_at_the_start_is_read);
  ADD (&backends[0], sqlite_on_a_full_disk_reading_goes_on);
  ADD (&backends[0], sqlite_what_was_answered_survives_a_kill);
  return g_test_run ();
}
