/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
#define APPLICATION_ID 0x57656972 /* "Weir" */
/* files up to this size are looked through at the start: it takes less than a second */
#define CHECK_ALL_SIZE ((goffset) 256 << 20)

/*
 * The schema's versions, one string each; never edited once released, only appended to.
 * 1: inputs, their secrets, broadcasts, segments; the store's epoch
 * 2: sums and descriptions of broadcasts, documents, events
 */
static const gchar *const migrations[] = {
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
    ") STRICT, WITHOUT ROWID;",

    "ALTER TABLE broadcasts ADD COLUMN modified_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE broadcasts ADD COLUMN name TEXT;"
    "ALTER TABLE broadcasts ADD COLUMN creator TEXT;"
    "ALTER TABLE broadcasts ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';"
    "ALTER TABLE broadcasts ADD COLUMN delete_at_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE broadcasts ADD COLUMN segments INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE broadcasts ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE broadcasts ADD COLUMN duration_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE segments ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE segments ADD COLUMN duration_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE segments SET size = CAST (coalesce (entry ->> '$.size', 0) AS INTEGER),"
    "  duration_us = CAST (coalesce (entry ->> '$.duration', 0) AS INTEGER) / 1000"
    "  WHERE json_valid (entry);"
    "UPDATE broadcasts SET modified_us = max (created_us, ended_us), segments = sums.segments,"
    "  size = sums.size, duration_us = sums.duration_us"
    "  FROM (SELECT broadcasts.number AS number, count (segments.number) AS segments,"
    "      coalesce (sum (segments.size), 0) AS size,"
    "      coalesce (sum (segments.duration_us), 0) AS duration_us"
    "    FROM broadcasts LEFT JOIN segments ON segments.broadcast = broadcasts.number"
    "    GROUP BY broadcasts.number) AS sums"
    "  WHERE broadcasts.number = sums.number;"
    "CREATE INDEX broadcasts_by_account ON broadcasts (account, created_us);"
    "CREATE INDEX broadcasts_by_time ON broadcasts (created_us);"
    "CREATE INDEX broadcasts_by_creator ON broadcasts (creator, created_us)"
    "  WHERE creator IS NOT NULL;"
    "CREATE INDEX broadcasts_by_name ON broadcasts (name, created_us) WHERE name IS NOT NULL;"
    "CREATE INDEX broadcasts_by_deletion ON broadcasts (delete_at_us) WHERE delete_at_us > 0;"
    "CREATE TABLE documents ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL,"
    "  id TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  parent TEXT,"
    "  digest TEXT,"
    "  created_us INTEGER NOT NULL,"
    "  modified_us INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  json TEXT NOT NULL,"
    "  UNIQUE (kind, id)"
    ") STRICT;"
    "CREATE UNIQUE INDEX documents_by_digest ON documents (kind, digest) WHERE digest IS NOT NULL;"
    "CREATE INDEX documents_by_account ON documents (kind, account, created_us);"
    "CREATE INDEX documents_by_parent ON documents (kind, parent, created_us)"
    "  WHERE parent IS NOT NULL;"
    "CREATE TABLE events ("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  time_us INTEGER NOT NULL,"
    "  type TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  input TEXT,"
    "  broadcast TEXT,"
    "  data TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX events_by_account ON events (account);"
    "CREATE INDEX events_by_time ON events (time_us);",
};

#define VERSION G_N_ELEMENTS (migrations)

/*
 * Makes the file with its mode before SQLite sees it: SQLite gives the files that it makes beside
 * it the same mode, so that the secrets in them are never readable by others.
 */
static gboolean
secure_file (const gchar *path, gint flags, GError **error)
{
  gint fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  gboolean good;

  if (fd < 0) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "Cannot open %s: %s", path,
        g_strerror (errno));
    return FALSE;
  }
  good = fchmod (fd, 0600) == 0;
  if (!good)
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE,
        "Cannot set the mode of %s: %s", path, g_strerror (errno));
  close (fd);
  return good;
}

gboolean
weir_sqlite_sync (const gchar *path)
{
  gint fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean good = fd >= 0 && fsync (fd) == 0;
  gint saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
  return good;
}

static gboolean
execute_text (sqlite3 *database, const gchar *text, GError **error)
{
  if (sqlite3_exec (database, text, NULL, NULL, NULL) != SQLITE_OK)
    return weir_sqlite_fail (database, "Cannot open the database", error);
  return TRUE;
}

/* for a query whose answer is one number; @missing: the answer when there is no row */
static gboolean
query_number (sqlite3 *database, const gchar *text, gint64 missing, gint64 *number, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gint status;

  if (sqlite3_prepare_v2 (database, text, -1, &statement, NULL) != SQLITE_OK)
    return weir_sqlite_fail (database, "Cannot read the database", error);
  status = sqlite3_step (statement);
  if (status == SQLITE_ROW)
    *number = sqlite3_column_int64 (statement, 0);
  else if (status == SQLITE_DONE)
    *number = missing;
  else
    weir_sqlite_fail (database, "Cannot read the database", error);
  sqlite3_finalize (statement);
  return status == SQLITE_ROW || status == SQLITE_DONE;
}

/* what was found is said with what to do */
static gboolean
refuse (const gchar *path, const gchar *what, const gchar *advice, GError **error)
{
  g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE,
      "%s %s. It was left as it is: %s", path, what, advice);
  return FALSE;
}

#define ADVICE_DAMAGED "move it and its log (-wal) away, and put a backup in its place"
#define ADVICE_FOREIGN "choose another server.state-dir, or move it away"
#define ADVICE_NEWER "start the newer version, or put a backup of this version in its place"

/* Returns: FALSE unless the database is one of ours, of a version that is known; 0: empty */
static gboolean
read_version (sqlite3 *database, const gchar *path, gint64 *version, GError **error)
{
  g_autofree gchar *newer = NULL;
  gint64 tables, schema, application, found = 0;

  if (!query_number (database, "SELECT count(*) FROM sqlite_schema", 0, &tables, error) ||
      !query_number (database, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'",
          0, &schema, error) ||
      !query_number (database, "PRAGMA application_id", 0, &application, error))
    return FALSE;
  if (application != APPLICATION_ID && (tables > 0 || application != 0))
    return refuse (path, "is a database of another program", ADVICE_FOREIGN, error);
  if (schema == 0 && tables > 0)
    return refuse (path, "is damaged: it does not say its version", ADVICE_DAMAGED, error);
  if (schema > 0 &&
      !query_number (database, "SELECT version FROM schema_version", -1, &found, error))
    return FALSE;
  if (found < 0)
    return refuse (path, "is damaged: it does not say its version", ADVICE_DAMAGED, error);
  if (found > (gint64) VERSION) {
    newer = g_strdup_printf ("was made by a newer version of Weir: its schema is %" G_GINT64_FORMAT
                             ", this version knows up to %u",
        found, (guint) VERSION);
    return refuse (path, newer, ADVICE_NEWER, error);
  }
  *version = found;
  return TRUE;
}

/*
 * Opens it so that nothing is written, not even beside it: without a log, as something that does
 * not change; with one, alone, so that the index of the log is in memory, and stays there.
 */
static gboolean
open_unchanged (const gchar *path, sqlite3 **database, GError **error)
{
  g_autofree gchar *log = g_strconcat (path, "-wal", NULL);
  g_autofree gchar *absolute = g_canonicalize_filename (path, NULL);
  g_autofree gchar *uri = g_filename_to_uri (absolute, NULL, NULL);
  g_autofree gchar *unchanging = g_strconcat (uri, "?immutable=1", NULL);
  struct stat status;
  gboolean logged = stat (log, &status) == 0 && status.st_size > 0;
  gint flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI |
               (logged ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);

  if (sqlite3_open_v2 (logged ? uri : unchanging, database, flags, NULL) != SQLITE_OK)
    return weir_sqlite_fail (*database, "Cannot open the database", error);
  sqlite3_db_config (*database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  return !logged || execute_text (*database, "PRAGMA locking_mode = EXCLUSIVE;", error);
}

/* @table: (nullable): of all. What it finds is @error */
static gboolean
check_table (sqlite3 *database, const gchar *path, const gchar *table, GError **error)
{
  g_autofree gchar *text = table != NULL ? g_strdup_printf ("PRAGMA quick_check('%s')", table)
                                         : g_strdup ("PRAGMA quick_check(1)");
  g_autofree gchar *found = NULL;
  sqlite3_stmt *statement = NULL;
  gboolean good;

  good = sqlite3_prepare_v2 (database, text, -1, &statement, NULL) == SQLITE_OK &&
         sqlite3_step (statement) == SQLITE_ROW;
  if (!good) {
    weir_sqlite_fail (database, "Cannot check the database", error);
  } else if (g_strcmp0 ((const gchar *) sqlite3_column_text (statement, 0), "ok") != 0) {
    found = g_strdup_printf ("is damaged: %s", (const gchar *) sqlite3_column_text (statement, 0));
    g_strdelimit (found, "\n", ' ');
    good = refuse (path, found, ADVICE_DAMAGED, error);
  }
  sqlite3_finalize (statement);
  return good;
}

/*
 * Segments and events grow without end: of a big file only the rest is looked through. What is
 * damaged there is found when it is read, and refused then.
 */
static gboolean
check_tables (sqlite3 *database, const gchar *path, goffset size, GError **error)
{
  static const gchar *const tables[] = {
      "epoch", "schema_version", "inputs", "secrets", "broadcasts", "documents"};

  if (size <= CHECK_ALL_SIZE)
    return check_table (database, path, NULL, error);
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree gchar *exists =
        g_strdup_printf ("SELECT count(*) FROM sqlite_schema WHERE name = '%s'", tables[i]);
    gint64 count;

    if (!query_number (database, exists, 0, &count, error) ||
        (count > 0 && !check_table (database, path, tables[i], error)))
      return FALSE;
  }
  return TRUE;
}

/* a backup has none, and that of the one whose place it takes would be played into it */
static gboolean
says_it_has_log (const gchar *path)
{
  guint8 header[20] = {0};
  gint fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean rollback = fd >= 0 && pread (fd, header, sizeof header, 0) == sizeof header &&
                      memcmp (header, "SQLite format 3", 16) == 0 && header[18] == 1;

  if (fd >= 0)
    close (fd);
  return !rollback;
}

/* a file that is missing is made: see weir_sqlite_open() */
gboolean
weir_sqlite_inspect (const gchar *path, GError **error)
{
  g_autofree gchar *log = g_strconcat (path, "-wal", NULL);
  g_autoptr (GError) problem = NULL;
  sqlite3 *database = NULL;
  struct stat status, log_status;
  gint64 version;

  if (stat (path, &status) != 0) {
    if (errno == ENOENT && stat (log, &log_status) == 0 && log_status.st_size > 0)
      return refuse (path, "is missing, but its log is there",
          "put it back, or move the log (-wal) away and put a backup in its place", error);
    return TRUE;
  }
  if (status.st_size == 0)
    return refuse (path, "is empty, and no database", ADVICE_DAMAGED, error);
  if (stat (log, &log_status) == 0 && log_status.st_size > 0 && !says_it_has_log (path))
    return refuse (
        path, "has the log of another database beside it", "move the log (-wal) away", error);
  if (open_unchanged (path, &database, &problem) &&
      read_version (database, path, &version, &problem))
    check_tables (database, path, status.st_size, &problem);
  sqlite3_close_v2 (database);
  /* one that cannot be read now, as while another has it open, is left to the opening */
  if (problem == NULL || problem->code != WEIR_STORE_ERROR_INCOMPATIBLE)
    return TRUE;
  if (strstr (problem->message, path) == NULL)
    return refuse (path, "is damaged or no database", ADVICE_DAMAGED, error);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
migrate (sqlite3 *database, const gchar *path, GError **error)
{
  gint64 version;

  if (!read_version (database, path, &version, error))
    return FALSE;
  for (guint i = (guint) version; i < VERSION; i++) {
    g_autofree gchar *text = g_strdup_printf (
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS schema_history (version INTEGER PRIMARY KEY,"
        "  applied_us INTEGER NOT NULL, weir TEXT NOT NULL) STRICT;"
        "%s"
        "DELETE FROM schema_version; INSERT INTO schema_version VALUES (%u);"
        "INSERT INTO schema_history VALUES (%u, %" G_GINT64_FORMAT ", '" WEIR_VERSION "');",
        migrations[i], i + 1, i + 1, g_get_real_time ());

    if (!execute_text (database, text, error))
      return FALSE;
  }
  if (version > 0 && version < (gint64) VERSION)
    g_message (
        "%s was brought from schema %" G_GINT64_FORMAT " to %u", path, version, (guint) VERSION);
  return TRUE;
}

static gboolean
open_writable (const gchar *path, sqlite3 **database, GError **error)
{
  if (sqlite3_open_v2 (path, database,
          SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "Cannot open %s: %s", path,
        *database != NULL ? sqlite3_errmsg (*database) : "out of memory");
    return FALSE;
  }
  sqlite3_busy_timeout (*database, BUSY_TIMEOUT_MS);
  return execute_text (*database,
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;", error);
}

/* one transaction: two daemons that start at once do not both migrate */
static gboolean
bring_up_to_date (sqlite3 *database, const gchar *path, GError **error)
{
  g_autofree gchar *identify = g_strdup_printf ("PRAGMA application_id = %d;", APPLICATION_ID);

  return execute_text (database, "BEGIN IMMEDIATE;", error) && migrate (database, path, error) &&
         execute_text (database, identify, error) && execute_text (database, "COMMIT;", error);
}

/*
 * A new database gets its name when it is one: a file that is there and is none has lost what it
 * held, and is refused. Who makes one at the same time may be first.
 */
static gboolean
make_database (const gchar *path, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *random = g_uuid_string_random ();
  g_autofree gchar *made = g_strdup_printf ("%s.%s.new", path, random);
  g_autofree gchar *journal = g_strconcat (made, "-journal", NULL);
  sqlite3 *database = NULL;
  gboolean good = secure_file (made, O_CREAT | O_EXCL, error) &&
                  open_writable (made, &database, error) &&
                  bring_up_to_date (database, made, error);

  sqlite3_close (database);
  if (good && link (made, path) != 0 && errno != EEXIST && rename (made, path) != 0) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "Cannot make %s: %s", path,
        g_strerror (errno));
    good = FALSE;
  }
  unlink (made);
  unlink (journal);
  if (good)
    weir_sqlite_sync (folder);
  return good;
}

static gboolean
open_for_writing (WeirSqlite *self, GError **error)
{
  struct stat status;
  guint64 epoch;

  if (stat (self->path, &status) != 0 && errno == ENOENT && !make_database (self->path, error))
    return FALSE;
  return secure_file (self->path, 0, error) && open_writable (self->path, &self->database, error) &&
         execute_text (self->database,
             "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;", error) &&
         bring_up_to_date (self->database, self->path, error) &&
         weir_sqlite_next_epoch (self, &epoch, error);
}

static gboolean
open_for_reading (WeirSqlite *self)
{
  gint64 version;

  /* one of an older version cannot be brought up to date */
  return open_unchanged (self->path, &self->database, NULL) &&
         read_version (self->database, self->path, &version, NULL) && version == (gint64) VERSION;
}

gboolean
weir_sqlite_open (WeirSqlite *self, GError **error)
{
  g_autoptr (GError) problem = NULL;

  self->only_reads = FALSE;
  /* what an earlier one has begun to delete */
  self->doomed = open_for_writing (self, &problem);
  if (self->doomed)
    return TRUE;
  weir_sqlite_close (self);
  self->only_reads = problem->code == WEIR_STORE_ERROR_UNAVAILABLE && open_for_reading (self);
  if (!self->only_reads)
    weir_sqlite_close (self);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
