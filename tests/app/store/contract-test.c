/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

/* what every backend keeps to: live inputs, broadcasts and their segments */

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

/* @total: (out) (optional) */
static GPtrArray *
list_inputs (WeirStore *store, const WeirLiveInputFilter *filter, guint64 *total)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *inputs;

  weir_store_list_inputs (store, filter, keep_result, &result);
  inputs = weir_store_list_inputs_finish (store, wait_for (&result), total, &error);
  g_assert_no_error (error);
  return inputs;
}

/* those that are asked for, without their secrets, and how many there would be without the limit */
static void
lists_of_inputs_have_what_is_asked_for (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    WeirLiveInputFilter filter;
    const gchar *expected;
    guint64 total;
  } lists[] = {
      {{.account = "account"}, "4320", 4},
      {{.account = "account", .ascending = TRUE}, "0234", 4},
      {{.account = "another"}, "1", 1},
      {{.account = "none"}, "", 0},
      {{.account = "none", .limit = 1}, "", 0},
      {{.account = "account", .limit = 1}, "4", 4},
      {{.account = "account", .limit = 4}, "4320", 4},
      {{.account = "account", .limit = 5}, "4320", 4},
      {{.account = "account", .limit = 2, .ascending = TRUE}, "02", 4},
      {{.account = "account", .created_from_us = 20}, "432", 3},
      {{.account = "account", .created_from_us = 21}, "43", 2},
      {{.account = "account", .created_before_us = 30}, "20", 2},
      {{.account = "account", .created_before_us = 10}, "", 0},
      {{.account = "account", .created_from_us = 20, .created_before_us = 30}, "2", 1},
      {{.account = "account", .created_before_us = 30, .limit = 1}, "2", 2},
      {{.account = "account", .created_from_us = 20, .limit = 1, .ascending = TRUE}, "2", 3},
  };
  static const gint64 times[] = {10, 15, 20, 30, 30};

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    g_autofree gchar *uid = g_strdup_printf ("%u", i);
    g_autoptr (WeirLiveInput) input = make_input (uid, times[i]);

    if (i == 1) {
      g_free (input->account);
      input->account = g_strdup ("another");
    }
    DO (fixture->store, create_input, input);
  }
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    guint64 total = 99;
    g_autoptr (GPtrArray) inputs = list_inputs (fixture->store, &lists[i].filter, &total);
    g_autoptr (GString) uids = g_string_new (NULL);

    for (guint k = 0; k < inputs->len; k++) {
      const WeirLiveInput *input = inputs->pdata[k];

      g_string_append (uids, input->uid);
      for (guint kind = 0; kind < WEIR_SECRET_LAST; kind++)
        g_assert_null (input->secrets[kind]);
    }
    g_test_message ("list %u", i);
    g_assert_cmpstr (uids->str, ==, lists[i].expected);
    g_assert_cmpuint (total, ==, lists[i].total);
  }
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

  inputs = list_inputs (fixture->store, &(WeirLiveInputFilter){.account = "account"}, NULL);
  g_assert_cmpuint (inputs->len, ==, 4);
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[0])->uid, ==, "newer");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[1])->uid, ==, "new");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[2])->uid, ==, "middle");
  g_assert_cmpstr (((WeirLiveInput *) inputs->pdata[3])->uid, ==, "old");
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

/* ---- live inputs that change ---- */

static void
an_update_replaces_all_of_an_input (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = make_input ("one", 10);
  g_autoptr (WeirLiveInput) read = NULL;
  g_autoptr (WeirLiveInput) found = NULL;
  g_autoptr (GPtrArray) listed = NULL;

  DO (fixture->store, create_input, input);
  create_input (fixture->store, "two", 20);
  input->modified_us = 11;
  input->keys_rotated_us = 11;
  input->enabled = FALSE;
  g_free (input->meta);
  input->meta = g_strdup ("{\"name\":\"changed\"}");
  input->default_creator = g_strdup ("creator");
  input->prefer_low_latency = 0;
  input->recording_mode = WEIR_RECORDING_OFF;
  /* one secret is another, one is gone, the others stay */
  g_free (input->secrets[WEIR_SECRET_RTMP]);
  input->secrets[WEIR_SECRET_RTMP] = g_strdup ("rotated");
  g_clear_pointer (&input->secrets[WEIR_SECRET_WEBRTC], g_free);
  DO (fixture->store, update_input, input, 10);

  read = DO (fixture->store, get_input, "one");
  g_assert_cmpint (read->created_us, ==, 10);
  g_assert_cmpint (read->modified_us, ==, 11);
  g_assert_cmpint (read->keys_rotated_us, ==, 11);
  g_assert_false (read->enabled);
  g_assert_cmpstr (read->meta, ==, "{\"name\":\"changed\"}");
  g_assert_cmpstr (read->default_creator, ==, "creator");
  g_assert_cmpint (read->prefer_low_latency, ==, 0);
  g_assert_cmpint (read->recording_mode, ==, WEIR_RECORDING_OFF);
  g_assert_cmpstr (read->secrets[WEIR_SECRET_SRT], ==, "secret-one-2");
  g_assert_null (read->secrets[WEIR_SECRET_WEBRTC]);
  found = DO (fixture->store, find_input, WEIR_SECRET_RTMP, "rotated");
  g_assert_cmpstr (found->uid, ==, "one");
  REFUSED (fixture->store, NOT_FOUND, find_input, WEIR_SECRET_RTMP, "secret-one-0");
  REFUSED (fixture->store, NOT_FOUND, find_input, WEIR_SECRET_WEBRTC, "secret-one-4");
  listed = list_inputs (fixture->store, &(WeirLiveInputFilter){.account = "account"}, NULL);
  g_assert_cmpuint (listed->len, ==, 2);
}

static void
an_update_of_what_was_read_before_another_is_fenced (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) first = make_input ("one", 10);
  g_autoptr (WeirLiveInput) second = make_input ("one", 10);
  g_autoptr (WeirLiveInput) read = NULL;

  DO (fixture->store, create_input, first);
  first->modified_us = 11;
  second->modified_us = 12;
  g_free (second->secrets[WEIR_SECRET_RTMP]);
  second->secrets[WEIR_SECRET_RTMP] = g_strdup ("late");
  DO (fixture->store, update_input, first, 10);
  REFUSED (fixture->store, FENCED, update_input, second, 10);
  REFUSED (fixture->store, FENCED, update_input, second, 12);
  REFUSED (fixture->store, NOT_FOUND, find_input, WEIR_SECRET_RTMP, "late");
  read = DO (fixture->store, get_input, "one");
  g_assert_cmpint (read->modified_us, ==, 11);
  DO (fixture->store, update_input, second, 11);
}

static void
an_update_that_cannot_be_leaves_all_as_it_was (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) taken = make_input ("one", 10);
  g_autoptr (WeirLiveInput) none = make_input ("none", 10);
  g_autoptr (WeirLiveInput) foreign = make_input ("one", 10);
  g_autoptr (WeirLiveInput) found = NULL;

  create_input (fixture->store, "one", 10);
  create_input (fixture->store, "two", 20);
  REFUSED (fixture->store, NOT_FOUND, update_input, none, 10);
  g_free (foreign->account);
  foreign->account = g_strdup ("another");
  REFUSED (fixture->store, NOT_FOUND, update_input, foreign, 10);
  taken->modified_us = 11;
  g_free (taken->secrets[WEIR_SECRET_WEBRTC]);
  taken->secrets[WEIR_SECRET_WEBRTC] = g_strdup ("secret-two-4");
  REFUSED (fixture->store, EXISTS, update_input, taken, 10);
  found = DO (fixture->store, find_input, WEIR_SECRET_WEBRTC, "secret-one-4");
  g_assert_cmpstr (found->uid, ==, "one");
  g_assert_cmpint (found->modified_us, ==, 10);
}

/* ---- what recordings are called, and their sums ---- */

static void
a_broadcast_keeps_what_its_recording_is_called (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) record = make_record ("b", "one", 5);
  g_autoptr (WeirBroadcastRecord) plain = NULL;
  g_autoptr (WeirBroadcastRecord) begun = NULL;
  g_autoptr (WeirBroadcastRecord) read = NULL;

  record->modified_us = 6;
  record->name = g_strdup ("a name");
  record->creator = g_strdup ("someone");
  record->settings = g_strdup ("{\"a\":1}");
  record->delete_at_us = 77;
  record->segments = 9;
  record->size = 9;
  record->duration_us = 9;
  begun = DO (fixture->store, begin_broadcast, record);
  g_assert_cmpuint (begun->segments, ==, 0);
  read = DO (fixture->store, get_broadcast, "b");
  g_assert_cmpint (read->modified_us, ==, 6);
  g_assert_cmpstr (read->name, ==, "a name");
  g_assert_cmpstr (read->creator, ==, "someone");
  g_assert_cmpstr (read->settings, ==, "{\"a\":1}");
  g_assert_cmpint (read->delete_at_us, ==, 77);
  /* sums are the store's */
  g_assert_cmpuint (read->segments, ==, 0);
  g_assert_cmpuint (read->size, ==, 0);
  g_assert_cmpint (read->duration_us, ==, 0);

  begin (fixture->store, "plain", "one", 8);
  plain = DO (fixture->store, get_broadcast, "plain");
  g_assert_cmpint (plain->modified_us, ==, 8);
  g_assert_null (plain->name);
  g_assert_null (plain->creator);
  g_assert_cmpstr (plain->settings, ==, "{}");
  g_assert_cmpint (plain->delete_at_us, ==, 0);
}

static void
an_edit_leaves_what_the_owner_writes (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) edited = make_record ("b", "another", 99);
  g_autoptr (WeirBroadcastRecord) none = make_record ("none", "one", 99);
  g_autoptr (WeirBroadcastRecord) read = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 5);

  commit (fixture->store, "b", epoch, 0, "entry");
  edited->epoch = epoch + 100;
  edited->modified_us = 6;
  edited->name = g_strdup ("called so");
  edited->creator = g_strdup ("someone");
  edited->settings = g_strdup ("{\"b\":2}");
  edited->delete_at_us = 88;
  DO (fixture->store, edit_broadcast, edited, 5);
  read = DO (fixture->store, get_broadcast, "b");
  g_assert_cmpstr (read->name, ==, "called so");
  g_assert_cmpstr (read->creator, ==, "someone");
  g_assert_cmpstr (read->settings, ==, "{\"b\":2}");
  g_assert_cmpint (read->delete_at_us, ==, 88);
  g_assert_cmpint (read->modified_us, ==, 6);
  g_assert_cmpuint (read->epoch, ==, epoch);
  g_assert_cmpstr (read->input, ==, "one");
  g_assert_cmpint (read->created_us, ==, 5);
  g_assert_cmpstr (read->committed, ==, "{\"next\":1}");
  /* the owner goes on */
  commit (fixture->store, "b", epoch, 1, "entry");

  edited->modified_us = 7;
  REFUSED (fixture->store, FENCED, edit_broadcast, edited, 5);
  g_clear_pointer (&edited->name, g_free);
  DO (fixture->store, edit_broadcast, edited, 6);
  g_clear_pointer (&read, weir_broadcast_record_free);
  read = DO (fixture->store, get_broadcast, "b");
  g_assert_null (read->name);
  REFUSED (fixture->store, NOT_FOUND, edit_broadcast, none, 99);
}

static void
assert_fenced (WeirStore *store, const gchar *uid, guint64 epoch)
{
  REFUSED (store, FENCED, commit_segment, uid, epoch, SEGMENT (1, "stale", "stale"));
  REFUSED (store, FENCED, commit_state, uid, epoch, "stale");
  REFUSED (store, FENCED, commit_inits, uid, epoch, "stale");
  REFUSED (store, FENCED, forget_segments, uid, epoch, 100);
  REFUSED (store, FENCED, end_broadcast, uid, epoch, WEIR_BROADCAST_ENDED, NULL);
}

static void
a_deleted_broadcast_is_gone_and_its_owner_fenced (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GPtrArray) kept = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 5), other;

  other = begin (fixture->store, "other", "one", 6);
  commit (fixture->store, "b", epoch, 0, "entry");
  commit (fixture->store, "other", other, 0, "kept");
  DO (fixture->store, delete_broadcast, "b", NULL);
  assert_fenced (fixture->store, "b", epoch);
  REFUSED (fixture->store, NOT_FOUND, get_broadcast, "b");
  REFUSED (fixture->store, NOT_FOUND, list_segments, "b");
  REFUSED (fixture->store, NOT_FOUND, claim_broadcast, "b", epoch);
  REFUSED (fixture->store, NOT_FOUND, delete_broadcast, "b", NULL);
  kept = DO (fixture->store, list_segments, "other");
  g_assert_cmpuint (kept->len, ==, 1);
  /* one of the same name has nothing of it */
  g_assert_cmpuint (begin (fixture->store, "b", "one", 5), >, epoch);
  entries = DO (fixture->store, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 0);
  assert_fenced (fixture->store, "b", epoch);
}

static void
assert_usage (
    WeirStore *store, const gchar *account, const gchar *creator, const WeirStoreUsage *expected)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  WeirStoreUsage usage = {77, 77, 77, 77};

  weir_store_get_usage (store, account, creator, keep_result, &result);
  g_assert_true (weir_store_get_usage_finish (store, wait_for (&result), &usage, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (usage.broadcasts, ==, expected->broadcasts);
  g_assert_cmpuint (usage.segments, ==, expected->segments);
  g_assert_cmpuint (usage.size, ==, expected->size);
  g_assert_cmpint (usage.duration_us, ==, expected->duration_us);
}

static void
a_long_one_is_gone_at_once_too (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  enum { SEGMENTS = 3500 };
  guint64 epoch = begin (fixture->store, "b", "one", 5);
  g_autoptr (GPtrArray) all = NULL, of_input = NULL, of_account = NULL, entries = NULL;
  const WeirStoreUsage none = {0};

  /* answered in the order of the calls */
  for (guint64 i = 0; i < SEGMENTS; i++)
    weir_store_commit_segment (fixture->store, "b", epoch, SEGMENT (i, "entry", NULL), NULL, NULL);
  DO (fixture->store, end_broadcast, "b", epoch, WEIR_BROADCAST_READY, NULL);
  DO (fixture->store, delete_broadcast, "b", NULL);
  assert_fenced (fixture->store, "b", epoch);
  REFUSED (fixture->store, NOT_FOUND, get_broadcast, "b");
  REFUSED (fixture->store, NOT_FOUND, list_segments, "b");
  REFUSED (fixture->store, NOT_FOUND, get_newest_segment, "b");
  REFUSED (fixture->store, NOT_FOUND, delete_broadcast, "b", NULL);
  all = DO (fixture->store, list_broadcasts, NULL);
  of_input = DO (fixture->store, list_broadcasts, FILTER (.input = "one"));
  of_account = DO (fixture->store, list_broadcasts, FILTER (.account = "account"));
  g_assert_cmpuint (all->len + of_input->len + of_account->len, ==, 0);
  assert_usage (fixture->store, NULL, NULL, &none);
  /* one of the same name has nothing of it */
  epoch = begin (fixture->store, "b", "one", 5);
  commit (fixture->store, "b", epoch, 3499, "mine");
  entries = DO (fixture->store, list_segments, "b");
  g_assert_cmpuint (entries->len, ==, 1);
}

static void
the_newest_segment_is_that_of_the_highest_number (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint64 epoch = begin (fixture->store, "b", "one", 5);
  g_autofree gchar *entry = NULL;

  REFUSED (fixture->store, NOT_FOUND, get_newest_segment, "b");
  commit (fixture->store, "b", epoch, 7, "seven");
  commit (fixture->store, "b", epoch, 3, "three");
  entry = DO (fixture->store, get_newest_segment, "b");
  g_assert_cmpstr (entry, ==, "seven");
}

static void
after_another_owner_has_ended_it_the_first_is_fenced (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) claimed = NULL;
  g_autoptr (WeirBroadcastRecord) read = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 5);

  claimed = DO (fixture->store, claim_broadcast, "b", epoch);
  assert_fenced (fixture->store, "b", epoch);
  DO (fixture->store, end_broadcast, "b", claimed->epoch, WEIR_BROADCAST_READY, NULL);
  assert_fenced (fixture->store, "b", epoch);
  REFUSED (fixture->store, FENCED, claim_broadcast, "b", epoch);
  read = DO (fixture->store, get_broadcast, "b");
  g_assert_cmpint (read->state, ==, WEIR_BROADCAST_READY);
  g_assert_cmpstr (read->committed, ==, "{\"next\":0}");
}

static void
assert_sums (WeirStore *store, const gchar *uid, guint64 segments, guint64 size, gint64 duration_us)
{
  g_autoptr (WeirBroadcastRecord) record = DO (store, get_broadcast, uid);

  g_assert_cmpuint (record->segments, ==, segments);
  g_assert_cmpuint (record->size, ==, size);
  g_assert_cmpint (record->duration_us, ==, duration_us);
}

static void
sums_follow_commits_and_what_is_forgotten (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint64 epoch = begin (fixture->store, "b", "one", 5);
  const WeirSegmentCommit stale = {.number = 9, .entry = "stale", .size = 1, .duration_us = 1};

  commit_sized (fixture->store, "b", epoch, 0, 1000, 2000000);
  commit_sized (fixture->store, "b", epoch, 1, 5000000000, 2000001);
  commit_sized (fixture->store, "b", epoch, 5, 300, 1900000);
  assert_sums (fixture->store, "b", 3, 5000001300, 5900001);
  /* again, with less */
  commit_sized (fixture->store, "b", epoch, 1, 200, 1000000);
  assert_sums (fixture->store, "b", 3, 1500, 4900000);
  REFUSED (fixture->store, FENCED, commit_segment, "b", epoch + 1, &stale);
  DO (fixture->store, forget_segments, "b", epoch, 0);
  assert_sums (fixture->store, "b", 3, 1500, 4900000);
  DO (fixture->store, forget_segments, "b", epoch, 2);
  assert_sums (fixture->store, "b", 1, 300, 1900000);
  restart (fixture);
  assert_sums (fixture->store, "b", 1, 300, 1900000);
  DO (fixture->store, forget_segments, "b", epoch, 100);
  assert_sums (fixture->store, "b", 0, 0, 0);
}

static void
the_committed_state_changes_alone_or_stays (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirBroadcastRecord) first = NULL;
  g_autoptr (WeirBroadcastRecord) second = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 5);

  DO (fixture->store, commit_state, "b", epoch, "state");
  first = DO (fixture->store, get_broadcast, "b");
  g_assert_cmpstr (first->committed, ==, "state");
  g_assert_cmpuint (first->segments, ==, 0);
  DO (fixture->store, commit_segment, "b", epoch, SEGMENT (0, "entry", NULL));
  second = DO (fixture->store, get_broadcast, "b");
  g_assert_cmpstr (second->committed, ==, "state");
  g_assert_cmpuint (second->segments, ==, 1);
}

static void
usage_is_of_an_account_and_a_creator (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *uid, *account, *creator;
    gboolean recorded;
  } broadcasts[] = {
      {"a", "account", "x", TRUE},
      {"b", "account", NULL, TRUE},
      {"c", "account", "x", FALSE},
      {"d", "another", "x", TRUE},
  };

  assert_usage (fixture->store, NULL, NULL, &(WeirStoreUsage){0, 0, 0, 0});
  for (guint i = 0; i < G_N_ELEMENTS (broadcasts); i++) {
    g_autoptr (WeirBroadcastRecord) record = make_record (broadcasts[i].uid, "one", i + 1);
    g_autoptr (WeirBroadcastRecord) begun = NULL;

    g_free (record->account);
    record->account = g_strdup (broadcasts[i].account);
    record->creator = g_strdup (broadcasts[i].creator);
    record->recorded = broadcasts[i].recorded;
    begun = DO (fixture->store, begin_broadcast, record);
    commit_sized (fixture->store, begun->uid, begun->epoch, 0, 10 << i, 1);
    commit_sized (fixture->store, begun->uid, begun->epoch, 1, 0, 1 << i);
  }
  /* what is not recorded does not count */
  assert_usage (fixture->store, NULL, NULL, &(WeirStoreUsage){3, 6, 10 + 20 + 80, 3 + 1 + 2 + 8});
  assert_usage (fixture->store, "account", NULL, &(WeirStoreUsage){2, 4, 10 + 20, 2 + 1 + 2});
  assert_usage (fixture->store, "account", "x", &(WeirStoreUsage){1, 2, 10, 1 + 1});
  assert_usage (fixture->store, NULL, "x", &(WeirStoreUsage){2, 4, 10 + 80, 2 + 1 + 8});
  assert_usage (fixture->store, "none", NULL, &(WeirStoreUsage){0, 0, 0, 0});
  DO (fixture->store, delete_broadcast, "a", NULL);
  assert_usage (fixture->store, "account", NULL, &(WeirStoreUsage){1, 2, 20, 1 + 2});
}

/* ---- lists of broadcasts ---- */

/* 0: live, not recorded; 1: ended; 2: ready; 3: ready, of another account; 4: live */
static void
begin_listed (WeirStore *store)
{
  static const struct {
    const gchar *input, *account, *creator, *name;
    WeirBroadcastState state;
    gboolean recorded;
    gint64 delete_at_us;
  } listed[] = {
      {"one", "account", NULL, NULL, WEIR_BROADCAST_LIVE, FALSE, 0},
      {"one", "account", "x", "Evening 100%", WEIR_BROADCAST_ENDED, TRUE, 0},
      {"two", "account", "x", "evening news", WEIR_BROADCAST_READY, TRUE, 500},
      {"one", "another", "x", "evening news", WEIR_BROADCAST_READY, TRUE, 400},
      {"two", "account", "y", "Ärger am Morgen", WEIR_BROADCAST_LIVE, TRUE, 600},
  };

  for (guint i = 0; i < G_N_ELEMENTS (listed); i++) {
    g_autofree gchar *uid = g_strdup_printf ("%u", i);
    g_autoptr (WeirBroadcastRecord) record = make_record (uid, listed[i].input, 10 * (i + 1));
    g_autoptr (WeirBroadcastRecord) begun = NULL;

    g_free (record->account);
    record->account = g_strdup (listed[i].account);
    record->creator = g_strdup (listed[i].creator);
    record->name = g_strdup (listed[i].name);
    record->recorded = listed[i].recorded;
    record->delete_at_us = listed[i].delete_at_us;
    begun = DO (store, begin_broadcast, record);
    if (listed[i].state != WEIR_BROADCAST_LIVE)
      DO (store, end_broadcast, uid, begun->epoch, listed[i].state, NULL);
  }
}

static void
a_list_has_what_its_filter_says (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    WeirBroadcastFilter filter;
    const gchar *expected;
  } lists[] = {
      {{0}, "43210"},
      {{.ascending = TRUE}, "01234"},
      {{.limit = 2}, "43"},
      {{.limit = 2, .ascending = TRUE}, "01"},
      {{.limit = 9}, "43210"},
      {{.account = "account"}, "4210"},
      {{.account = "none"}, ""},
      {{.input = "one"}, "310"},
      {{.uid = "2"}, "2"},
      {{.uid = "2", .account = "another"}, ""},
      {{.creator = "x"}, "321"},
      {{.name = "evening news"}, "32"},
      {{.name = "evening"}, ""},
      {{.search = "EVENING"}, "321"},
      {{.search = "100%"}, "1"},
      {{.search = "%"}, "1"},
      {{.search = "_"}, ""},
      {{.search = "Ärger AM"}, "4"},
      {{.states = 1 << WEIR_BROADCAST_LIVE}, "40"},
      {{.states = 1 << WEIR_BROADCAST_ENDED}, "1"},
      {{.states = 1 << WEIR_BROADCAST_LIVE | 1 << WEIR_BROADCAST_READY}, "4320"},
      {{.states = 1 << 7}, ""},
      {{.recorded = TRUE}, "4321"},
      {{.created_from_us = 20}, "4321"},
      {{.created_before_us = 20}, "0"},
      {{.created_from_us = 20, .created_before_us = 40}, "21"},
      {{.delete_before_us = 500}, "32"},
      {{.delete_before_us = 499}, "3"},
      {{.delete_before_us = 1}, ""},
      {{.delete_before_us = G_MAXINT64}, "432"},
      {{.account = "account", .creator = "x", .states = 1 << WEIR_BROADCAST_READY}, "2"},
      {{.input = "one", .recorded = TRUE, .ascending = TRUE, .limit = 1}, "1"},
      {{.account = "account", .search = "evening", .created_from_us = 21}, "2"},
      {{.account = "account", .delete_before_us = 1000, .ascending = TRUE}, "24"},
      {{.account = "account",
           .input = "two",
           .uid = "2",
           .creator = "x",
           .name = "evening news",
           .search = "News",
           .states = 1 << WEIR_BROADCAST_READY,
           .recorded = TRUE,
           .created_from_us = 30,
           .created_before_us = 31,
           .delete_before_us = 500,
           .limit = 5},
          "2"},
  };
  g_autoptr (GPtrArray) all = NULL;

  begin_listed (fixture->store);
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autoptr (GPtrArray) records = DO (fixture->store, list_broadcasts, &lists[i].filter);
    g_autoptr (GString) uids = g_string_new (NULL);

    for (guint k = 0; k < records->len; k++)
      g_string_append (uids, ((WeirBroadcastRecord *) records->pdata[k])->uid);
    g_test_message ("list %u", i);
    g_assert_cmpstr (uids->str, ==, lists[i].expected);
  }
  all = DO (fixture->store, list_broadcasts, NULL);
  g_assert_cmpuint (all->len, ==, 5);
  g_assert_cmpstr (((WeirBroadcastRecord *) all->pdata[2])->name, ==, "evening news");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_TO_ALL (an_input_comes_back_as_it_was_created);
  ADD_TO_ALL (absent_settings_stay_absent);
  ADD_TO_ALL (lists_of_inputs_have_what_is_asked_for);
  ADD_TO_ALL (an_input_is_found_by_each_secret_of_the_right_kind);
  ADD_TO_ALL (a_uid_or_a_secret_that_is_taken_is_refused);
  ADD_TO_ALL (inputs_are_listed_newest_first_by_account);
  ADD_TO_ALL (a_deleted_input_is_gone_with_its_secrets);
  ADD_TO_ALL (what_does_not_exist_is_not_found);
  ADD_TO_ALL (a_broadcast_goes_from_begin_to_ready);
  ADD_TO_ALL (a_broadcast_begins_once);
  ADD_TO_ALL (an_old_epoch_is_fenced_off);
  ADD_TO_ALL (of_two_claims_one_wins);
  ADD_TO_ALL (epochs_grow_over_the_whole_store);
  ADD_TO_ALL (broadcasts_are_listed_newest_first_by_input_and_state);
  ADD_TO_ALL (entries_come_in_the_order_of_their_numbers);
  ADD_TO_ALL (a_number_committed_again_is_replaced);
  ADD_TO_ALL (a_thousand_commits_at_once_with_refused_ones_among_them);
  ADD_TO_ALL (a_restart_keeps_everything_and_raises_the_epoch);
  ADD_TO_ALL (the_last_reference_may_go_while_a_call_waits);
  ADD_TO_ALL (an_update_replaces_all_of_an_input);
  ADD_TO_ALL (an_update_of_what_was_read_before_another_is_fenced);
  ADD_TO_ALL (an_update_that_cannot_be_leaves_all_as_it_was);
  ADD_TO_ALL (a_broadcast_keeps_what_its_recording_is_called);
  ADD_TO_ALL (an_edit_leaves_what_the_owner_writes);
  ADD_TO_ALL (a_deleted_broadcast_is_gone_and_its_owner_fenced);
  ADD_TO_ALL (a_long_one_is_gone_at_once_too);
  ADD_TO_ALL (the_newest_segment_is_that_of_the_highest_number);
  ADD_TO_ALL (after_another_owner_has_ended_it_the_first_is_fenced);
  ADD_TO_ALL (sums_follow_commits_and_what_is_forgotten);
  ADD_TO_ALL (the_committed_state_changes_alone_or_stays);
  ADD_TO_ALL (usage_is_of_an_account_and_a_creator);
  ADD_TO_ALL (a_list_has_what_its_filter_says);
  return g_test_run ();
}
