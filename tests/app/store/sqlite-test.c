/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* what only the SQLite backend has: its file, and what becomes of it */

static gchar *
database_path (Fixture *fixture)
{
  return g_build_filename (fixture->folder, "weir.db", NULL);
}

static void
run_sql (sqlite3 *database, const gchar *text)
{
  gint status = sqlite3_exec (database, text, NULL, NULL, NULL);

  if (status != SQLITE_OK)
    g_error ("%s", sqlite3_errmsg (database));
}

/* @logged: what it changes stays in the log, as after a crash */
static void
run_on_file (const gchar *path, const gchar *text, gboolean logged)
{
  sqlite3 *database = NULL;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  if (logged)
    sqlite3_db_config (database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  run_sql (database, text);
  g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
}

static gint64
ask_number (const gchar *path, const gchar *text)
{
  sqlite3 *database = NULL;
  sqlite3_stmt *statement = NULL;
  gint64 number;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, text, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (database);
  return number;
}

/* ---- a database of version 1 ---- */

/* as the first version made it */
static const gchar version_1[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE schema_version (version INTEGER NOT NULL);"
    "CREATE TABLE epoch (value INTEGER NOT NULL) STRICT;"
    "INSERT INTO epoch VALUES (0);"
    "CREATE TABLE inputs ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uid TEXT NOT NULL UNIQUE,"
    "  account TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  modified_us INTEGER NOT NULL,"
    "  keys_rotated_us INTEGER NOT NULL,"
    "  enabled INTEGER NOT NULL,"
    "  meta TEXT NOT NULL,"
    "  default_creator TEXT,"
    "  prefer_low_latency INTEGER NOT NULL,"
    "  delete_recording_after_days INTEGER NOT NULL,"
    "  recording_mode INTEGER NOT NULL,"
    "  recording_timeout_s INTEGER NOT NULL,"
    "  require_signed_urls INTEGER NOT NULL,"
    "  hide_live_viewer_count INTEGER NOT NULL,"
    "  allowed_origins TEXT"
    ") STRICT;"
    "CREATE INDEX inputs_by_account ON inputs (account, created_us);"
    "CREATE TABLE secrets ("
    "  input TEXT NOT NULL REFERENCES inputs (uid) ON DELETE CASCADE,"
    "  kind INTEGER NOT NULL,"
    "  digest TEXT NOT NULL,"
    "  secret TEXT NOT NULL,"
    "  PRIMARY KEY (input, kind)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX secrets_by_digest ON secrets (kind, digest);"
    "CREATE TABLE broadcasts ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uid TEXT NOT NULL UNIQUE,"
    "  input TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  epoch INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  recorded INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  ended_us INTEGER NOT NULL,"
    "  committed TEXT,"
    "  inits TEXT"
    ") STRICT;"
    "CREATE INDEX broadcasts_by_input ON broadcasts (input, created_us);"
    "CREATE INDEX broadcasts_by_state ON broadcasts (state, created_us);"
    "CREATE TABLE segments ("
    "  broadcast INTEGER NOT NULL REFERENCES broadcasts (number) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  entry TEXT NOT NULL,"
    "  PRIMARY KEY (broadcast, number)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO schema_version VALUES (1);"
    "PRAGMA application_id = 1466263922;"
    "UPDATE epoch SET value = 41;"
    "INSERT INTO inputs VALUES (1, 'one', 'account', 10, 11, 0, 1, '{\"name\":\"n\"}', NULL, -1, "
    "30,"
    "  2, 90, 0, 1, NULL);"
    /* SHA-256 of "secret" */
    "INSERT INTO secrets VALUES ('one', 0,"
    "  '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b', 'secret');"
    "INSERT INTO broadcasts VALUES (1, 'b', 'one', 'account', 40, 2, 1, 20, 25, '{\"next\":3}',"
    "  '[1]');"
    "INSERT INTO broadcasts VALUES (2, 'empty', 'one', 'account', 41, 0, 1, 30, 0, NULL, NULL);"
    "INSERT INTO segments VALUES (1, 0, '{\"number\":0,\"size\":1000,\"duration\":2000000000}');"
    "INSERT INTO segments VALUES (1, 1, '{\"number\":1,\"size\":500,\"duration\":1500000999}');"
    "INSERT INTO segments VALUES (1, 2, '{\"number\":2}');"
    "INSERT INTO segments VALUES (1, 3, 'no JSON');";

static gchar *
make_version_1 (Fixture *fixture, gboolean logged)
{
  gchar *path = database_path (fixture);

  close_store (fixture);
  g_assert_cmpint (g_unlink (path), ==, 0);
  run_on_file (path, version_1, logged);
  return path;
}

static void
assert_rows_of_version_1 (WeirStore *store)
{
  g_autoptr (WeirLiveInput) input = DO (store, find_input, WEIR_SECRET_RTMP, "secret");
  g_autoptr (WeirBroadcastRecord) record = DO (store, get_broadcast, "b");
  g_autoptr (WeirBroadcastRecord) empty = DO (store, get_broadcast, "empty");
  g_autoptr (GPtrArray) entries = DO (store, list_segments, "b");

  g_assert_cmpstr (input->uid, ==, "one");
  g_assert_cmpint (input->delete_recording_after_days, ==, 30);
  g_assert_cmpint (input->recording_mode, ==, WEIR_RECORDING_AUTOMATIC);
  g_assert_cmpstr (input->meta, ==, "{\"name\":\"n\"}");
  g_assert_cmpuint (record->epoch, ==, 40);
  g_assert_cmpint (record->state, ==, WEIR_BROADCAST_READY);
  g_assert_cmpstr (record->committed, ==, "{\"next\":3}");
  g_assert_cmpstr (record->inits, ==, "[1]");
  g_assert_cmpint (record->modified_us, ==, 25);
  g_assert_cmpstr (record->settings, ==, "{}");
  g_assert_cmpuint (record->segments, ==, 4);
  g_assert_cmpuint (record->size, ==, 1500);
  g_assert_cmpint (record->duration_us, ==, 3500000);
  g_assert_cmpint (empty->modified_us, ==, 30);
  g_assert_cmpuint (empty->segments, ==, 0);
  g_assert_cmpuint (empty->size, ==, 0);
  g_assert_cmpuint (entries->len, ==, 4);
  g_assert_cmpstr (entries->pdata[3], ==, "no JSON");
}

static void
a_database_of_version_1_is_brought_up_to_date (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  for (guint logged = 0; logged < 2; logged++) {
    g_autofree gchar *path = make_version_1 (fixture, logged == 1);
    g_autoptr (WeirBroadcastRecord) claimed = NULL;

    fixture_open (fixture);
    assert_rows_of_version_1 (fixture->store);
    claimed = DO (fixture->store, claim_broadcast, "empty", 41);
    g_assert_cmpuint (claimed->epoch, >, 42);
    restart (fixture);
    assert_rows_of_version_1 (fixture->store);
    close_store (fixture);
    g_assert_cmpint (ask_number (path, "SELECT version FROM schema_version"), ==, 2);
    g_assert_cmpint (ask_number (path, "SELECT count(*) FROM schema_history"), ==, 1);
    g_assert_cmpint (
        ask_number (path, "SELECT count(*) FROM schema_history WHERE version = 2 AND "
                          "applied_us > 1000000000000000 AND weir GLOB '[0-9]*.[0-9]*'"),
        ==, 1);
    fixture_open (fixture);
  }
}

static void
an_update_of_the_schema_that_fails_leaves_the_old_one (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = make_version_1 (fixture, FALSE);
  g_autoptr (GError) error = NULL;

  /* the last table that the update makes is there already */
  run_on_file (path, "CREATE TABLE events (mine)", FALSE);
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
  g_assert_cmpint (ask_number (path, "SELECT version FROM schema_version"), ==, 1);
  g_assert_cmpint (
      ask_number (path, "SELECT count(*) FROM pragma_table_info ('broadcasts')"), ==, 11);
  g_assert_cmpint (
      ask_number (path, "SELECT count(*) FROM sqlite_schema WHERE name = 'documents'"), ==, 0);
  g_assert_cmpint (ask_number (path, "SELECT value FROM epoch"), ==, 41);
  run_on_file (path, "DROP TABLE events", FALSE);
  fixture_open (fixture);
  assert_rows_of_version_1 (fixture->store);
}

static void
a_new_database_says_how_it_became_what_it_is (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);
  g_autoptr (GDir) folder = g_dir_open (fixture->folder, 0, NULL);
  const gchar *name;

  /* nothing is left of its making */
  while ((name = g_dir_read_name (folder)) != NULL)
    g_assert_true (g_str_equal (name, "weir.db") || g_str_equal (name, "weir.db-wal") ||
                   g_str_equal (name, "weir.db-shm"));
  close_store (fixture);
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM schema_history"), ==, 2);
  g_assert_cmpint (ask_number (path, "PRAGMA application_id"), ==, 0x57656972);
}

/* ---- what is refused is left as it is ---- */

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Returns: names, modes and contents of all files */
static gchar *
describe_folder (const gchar *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    g_autofree gchar *content = NULL;
    g_autofree gchar *digest = NULL;
    GStatBuf status;
    gsize size;

    g_assert_true (g_file_get_contents (file, &content, &size, NULL));
    g_assert_cmpint (g_stat (file, &status), ==, 0);
    digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) content, size);
    g_ptr_array_add (lines, g_strdup_printf ("%s %o %s", name, status.st_mode, digest));
  }
  g_ptr_array_sort (lines, compare_lines);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (gchar **) lines->pdata);
}

/* makes the file that is to be refused, of one that is in order */
typedef void (*Spoil) (const gchar *path);

static void
spoil_newer (const gchar *path)
{
  run_on_file (path, "UPDATE schema_version SET version = 1000", FALSE);
}

static void
spoil_newer_in_log (const gchar *path)
{
  g_autofree gchar *index = g_strconcat (path, "-shm", NULL);

  run_on_file (path, "UPDATE schema_version SET version = 1000", TRUE);
  g_assert_cmpint (g_unlink (index), ==, 0);
}

static void
spoil_version (const gchar *path)
{
  run_on_file (path, "DELETE FROM schema_version", FALSE);
}

static void
spoil_identity (const gchar *path)
{
  run_on_file (path, "PRAGMA application_id = 77", FALSE);
}

static void
spoil_foreign (const gchar *path)
{
  g_assert_cmpint (g_unlink (path), ==, 0);
  run_on_file (path, "CREATE TABLE bookmarks (url)", FALSE);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
}

static void
spoil_empty (const gchar *path)
{
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static void
spoil_text (const gchar *path)
{
  g_assert_true (g_file_set_contents (path, "these bytes are not SQLite's, not at all", -1, NULL));
}

static void
flip (const gchar *path, gsize from, gsize size)
{
  g_autofree gchar *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  g_assert_cmpuint (from + size, <=, length);
  for (gsize i = 0; i < size; i++)
    content[from + i] ^= 0x55;
  g_assert_true (g_file_set_contents (path, content, (gssize) length, NULL));
}

static void
spoil_schema_page (const gchar *path)
{
  flip (path, 100, 3996);
}

static void
spoil_input_page (const gchar *path)
{
  gint64 page = ask_number (path, "SELECT rootpage FROM sqlite_schema WHERE name = 'inputs'");

  flip (path, (gsize) (page - 1) * 4096, 64);
}

static void
spoil_segment_page (const gchar *path)
{
  gint64 page = ask_number (path, "SELECT rootpage FROM sqlite_schema WHERE name = 'segments'");

  flip (path, (gsize) (page - 1) * 4096, 64);
}

static void
spoil_half (const gchar *path)
{
  GStatBuf status;

  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (truncate (path, status.st_size / 2), ==, 0);
}

static void
spoil_torn (const gchar *path)
{
  GStatBuf status;

  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (truncate (path, status.st_size - 4096), ==, 0);
}

/* as when a backup was put in its place, but the log of what was there has stayed */
static void
spoil_restored (const gchar *path)
{
  g_autofree gchar *log = g_strconcat (path, "-wal", NULL);
  g_autofree gchar *index = g_strconcat (path, "-shm", NULL);
  g_autofree gchar *kept = g_strconcat (path, ".kept", NULL);

  run_on_file (path, "UPDATE epoch SET value = value + 1", TRUE);
  g_assert_cmpint (g_rename (log, kept), ==, 0);
  g_assert_cmpint (g_unlink (index), ==, 0);
  run_on_file (path, "PRAGMA journal_mode = DELETE", FALSE);
  g_assert_cmpint (g_rename (kept, log), ==, 0);
}

static void
spoil_missing (const gchar *path)
{
  g_autofree gchar *index = g_strconcat (path, "-shm", NULL);

  run_on_file (path, "UPDATE epoch SET value = value + 1", TRUE);
  g_assert_cmpint (g_unlink (index), ==, 0);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
what_is_refused_is_left_byte_for_byte (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    Spoil spoil;
    const gchar *said;
  } cases[] = {
      {spoil_newer, "newer version of Weir: its schema is 1000"},
      {spoil_newer_in_log, "newer version of Weir: its schema is 1000"},
      {spoil_version, "is damaged"},
      {spoil_identity, "another program"},
      {spoil_foreign, "another program"},
      {spoil_empty, "is empty"},
      {spoil_text, "is damaged or no database"},
      {spoil_schema_page, "is damaged"},
      {spoil_input_page, "is damaged"},
      {spoil_segment_page, "is damaged"},
      {spoil_half, "is damaged"},
      {spoil_torn, "is damaged"},
      {spoil_restored, "log of another database"},
      {spoil_missing, "is missing, but its log is there"},
  };
  g_autofree gchar *path = database_path (fixture);
  g_autofree gchar *sound = NULL;
  gsize size;
  guint64 epoch;

  create_input (fixture->store, "one", 1);
  epoch = begin (fixture->store, "b", "one", 1);
  for (guint i = 0; i < 300; i++)
    commit (fixture->store, "b", epoch, i, "an entry of about forty bytes, or a bit more");
  close_store (fixture);
  g_assert_true (g_file_get_contents (path, &sound, &size, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *log = g_strconcat (path, "-wal", NULL);
    g_autofree gchar *before = NULL;
    g_autofree gchar *after = NULL;
    g_autoptr (GError) error = NULL;

    g_test_message ("case %u", i);
    g_assert_true (g_file_set_contents_full (
        path, sound, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0640, NULL));
    g_unlink (log);
    cases[i].spoil (path);
    before = describe_folder (fixture->folder);
    g_assert_null (weir_store_sqlite_new (path, &error));
    g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, path));
    g_assert_nonnull (strstr (error->message, cases[i].said));
    /* and what to do */
    g_assert_nonnull (strstr (error->message, "left as it is: "));
    after = describe_folder (fixture->folder);
    g_assert_cmpstr (after, ==, before);
  }
  g_assert_true (g_file_set_contents (path, sound, (gssize) size, NULL));
}

/* ---- while it is open ---- */

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

static void
hear_in_file (G_GNUC_UNUSED WeirStore *store, guint change, const gchar *id, gpointer data)
{
  g_autofree gchar *text = g_strdup_printf ("SELECT count(*) FROM inputs WHERE uid = '%s'", id);

  g_assert_cmpuint (change, ==, WEIR_STORE_CHANGE_INPUT);
  g_assert_cmpint (ask_number (data, text), ==, 1);
}

/* others that open the file see it, too */
static void
a_change_is_told_when_it_is_committed (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);

  g_signal_connect (fixture->store, "changed", G_CALLBACK (hear_in_file), path);
  for (guint i = 0; i < 10; i++) {
    g_autofree gchar *uid = g_strdup_printf ("input-%u", i);

    create_input (fixture->store, uid, i);
  }
  while (!g_str_has_suffix (fixture->told->str, "input-9;"))
    g_main_context_iteration (NULL, TRUE);
}

static void
count_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  guint *counts = data;
  g_autoptr (GError) error = NULL;

  if (weir_store_commit_state_finish (WEIR_STORE (source), result, &error)) {
    counts[0]++;
    return;
  }
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
  counts[1]++;
}

static void
calls_that_wait_are_bounded (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  enum { CALLS = 20000, BOUND = 16384 };
  g_autofree gchar *path = database_path (fixture);
  guint64 epoch = begin (fixture->store, "b", "one", 1);
  sqlite3 *other = NULL;
  guint counts[2] = {0};

  /* whoever writes keeps the store waiting */
  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  sqlite3_busy_timeout (other, 5000);
  run_sql (other, "BEGIN IMMEDIATE");
  for (guint i = 0; i < CALLS; i++)
    weir_store_commit_state (fixture->store, "b", epoch, "{}", count_answer, counts);
  /* those that are refused are answered at once */
  while (counts[1] < CALLS - BOUND)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (counts[0], ==, 0);
  run_sql (other, "ROLLBACK");
  sqlite3_close (other);
  while (counts[0] + counts[1] < CALLS)
    g_main_context_iteration (NULL, TRUE);
  /* the answer of @begin may have been counted as waiting still */
  g_assert_cmpuint (counts[0], >=, BOUND - 1);
  g_assert_cmpuint (counts[0], <=, BOUND);
  DO (fixture->store, commit_state, "b", epoch, "{}");
}

static void
what_is_committed_while_a_trim_goes_on_is_not_kept_waiting (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);
  g_autoptr (GAsyncResult) trimmed = NULL;
  g_autoptr (GAsyncResult) committed = NULL;
  guint64 epoch = begin (fixture->store, "b", "one", 1);
  sqlite3 *other = NULL;

  run_on_file (path,
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "INSERT INTO events (time_us, type, account, data) SELECT i, 'e', 'account', '{}' FROM n",
      FALSE);
  /* both wait when the thread can go on */
  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  sqlite3_busy_timeout (other, 5000);
  run_sql (other, "BEGIN IMMEDIATE");
  weir_store_trim_events (fixture->store, 0, 0, keep_result, &trimmed);
  weir_store_commit_state (fixture->store, "b", epoch, "{}", keep_result, &committed);
  run_sql (other, "ROLLBACK");
  sqlite3_close (other);
  wait_for (&committed);
  g_assert_null (trimmed);
  g_assert_true (weir_store_commit_state_finish (fixture->store, committed, NULL));
  wait_for (&trimmed);
  g_assert_true (weir_store_trim_events_finish (fixture->store, trimmed, NULL));
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM events"), ==, 0);
}

/* a broadcast "b" with that many segments */
static void
make_long (Fixture *fixture, const gchar *path, guint segments)
{
  g_autofree gchar *text = g_strdup_printf (
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
      "INSERT INTO segments (broadcast, number, entry) "
      "SELECT (SELECT number FROM broadcasts WHERE uid = 'b'), i, hex (randomblob (300)) FROM n",
      segments);

  begin (fixture->store, "b", "one", 1);
  run_on_file (path, text, FALSE);
}

static void
a_long_recording_is_deleted_between_commits (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);
  guint64 epoch = begin (fixture->store, "live", "two", 1);
  gint64 longest_us = 0;
  guint commits = 0;

  make_long (fixture, path, 43200);
  DO (fixture->store, delete_broadcast, "b", NULL);
  /* a commit waits for one step at most, of dozens */
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM segments"), >, 20000);
  while (ask_number (path, "SELECT count(*) FROM segments") > 0) {
    gint64 begun_us = g_get_monotonic_time ();

    DO (fixture->store, commit_state, "live", epoch, "{}");
    longest_us = MAX (longest_us, g_get_monotonic_time () - begun_us);
    commits++;
  }
  g_test_message ("%u commits, %" G_GINT64_FORMAT " us at most", commits, longest_us);
  g_assert_cmpuint (commits, >, 5);
  DO (fixture->store, commit_state, "live", epoch, "{}");
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM broadcasts"), ==, 1);
}

static void
a_deletion_that_was_broken_off_is_finished_by_the_next_start (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = database_path (fixture);

  make_long (fixture, path, 43200);
  DO (fixture->store, delete_broadcast, "b", NULL);
  close_store (fixture);
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM segments"), >, 0);
  fixture_open (fixture);
  REFUSED (fixture->store, NOT_FOUND, get_broadcast, "b");
  while (ask_number (path, "SELECT count(*) FROM broadcasts") > 0)
    REFUSED (fixture->store, NOT_FOUND, get_broadcast, "b");
  g_assert_cmpint (ask_number (path, "SELECT count(*) FROM segments"), ==, 0);
}

static void
a_backup_that_cannot_be_finished_leaves_nothing (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "backup", NULL);
  g_autofree gchar *partial = g_strconcat (path, ".partial", NULL);
  struct rlimit old, small;
  sighandler_t handler;

  create_input (fixture->store, "one", 1);
  handler = signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  small = old;
  small.rlim_cur = 16 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  REFUSED (fixture->store, UNAVAILABLE, backup, path);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  signal (SIGXFSZ, handler);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
  DO (fixture->store, backup, path);
  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
}

static void
a_backup_beside_the_log_of_what_was_lost_is_refused (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "backup", NULL);
  g_autoptr (GError) error = NULL;

  create_input (fixture->store, "one", 1);
  DO (fixture->store, backup, path);
  create_input (fixture->store, "two", 1);
  copy_file (fixture->folder, "weir.db-wal", "backup-wal");
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "log of another database"));
}

static void
no_file_is_readable_by_others (Fixture *fixture, gconstpointer data)
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
a_folder_that_is_missing_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "missing", "weir.db", NULL);
  g_autoptr (GError) error = NULL;

  (void) data;
  g_assert_null (weir_store_sqlite_new (path, &error));
  g_assert_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE);
}

static void
a_full_disk_is_unavailable_and_passes (Fixture *fixture, gconstpointer data)
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

/* the store's thread lets go of what it has answered: then the file is closed in here */
static void
await_last_reference (WeirStore *store)
{
  while (g_atomic_int_get (&G_OBJECT (store)->ref_count) > 1)
    if (!g_main_context_iteration (NULL, FALSE))
      g_thread_yield ();
}

/* what was left behind in order, and by a daemon that died: with a log */
static void
a_full_disk_at_the_start_is_read (Fixture *fixture, gconstpointer data)
{
  const struct rlimit none = {0, RLIM_INFINITY};
  struct rlimit before;

  (void) data;
  create_input (fixture->store, "aa", 1);
  copy_file (fixture->folder, "weir.db", "died.db");
  copy_file (fixture->folder, "weir.db-wal", "died.db-wal");
  await_last_reference (fixture->store);
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
    await_last_reference (store);
  }
}

/* those that only ask are not refused for the sake of those that write at the same time */
static void
on_a_full_disk_reading_goes_on (Fixture *fixture, gconstpointer data)
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
what_was_answered_survives_a_kill (Fixture *fixture, gconstpointer data)
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (&backends[0], a_database_of_version_1_is_brought_up_to_date);
  ADD (&backends[0], an_update_of_the_schema_that_fails_leaves_the_old_one);
  ADD (&backends[0], a_new_database_says_how_it_became_what_it_is);
  ADD (&backends[0], what_is_refused_is_left_byte_for_byte);
  ADD (&backends[0], a_change_is_told_when_it_is_committed);
  ADD (&backends[0], calls_that_wait_are_bounded);
  ADD (&backends[0], what_is_committed_while_a_trim_goes_on_is_not_kept_waiting);
  ADD (&backends[0], a_long_recording_is_deleted_between_commits);
  ADD (&backends[0], a_deletion_that_was_broken_off_is_finished_by_the_next_start);
  ADD (&backends[0], a_backup_that_cannot_be_finished_leaves_nothing);
  ADD (&backends[0], a_backup_beside_the_log_of_what_was_lost_is_refused);
  ADD (&backends[0], no_file_is_readable_by_others);
  ADD (&backends[0], a_folder_that_is_missing_is_an_error);
  ADD (&backends[0], a_full_disk_is_unavailable_and_passes);
  ADD (&backends[0], a_full_disk_at_the_start_is_read);
  ADD (&backends[0], on_a_full_disk_reading_goes_on);
  ADD (&backends[0], what_was_answered_survives_a_kill);
  return g_test_run ();
}
