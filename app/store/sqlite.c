/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* calls that may wait for the thread; a recording commits one segment in two seconds */
#define JOBS_MAX 16384
#define BUSY_TIMEOUT_MS 5000
#define APPLICATION_ID 0x57656972 /* "Weir" */

/*
 * The schema's versions, one string each; never edited once released, only appended to.
 * 1: inputs, their secrets, broadcasts, segments; the store's epoch
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
};

enum {
  SQL_BEGIN,
  SQL_BEGIN_IMMEDIATE,
  SQL_COMMIT,
  SQL_ROLLBACK,
  SQL_SAVEPOINT,
  SQL_RELEASE,
  SQL_ROLLBACK_TO,
  SQL_NEXT_EPOCH,
  SQL_INSERT_INPUT,
  SQL_INSERT_SECRET,
  SQL_GET_INPUT,
  SQL_FIND_INPUT,
  SQL_LIST_INPUTS,
  SQL_GET_SECRETS,
  SQL_DELETE_INPUT,
  SQL_INSERT_BROADCAST,
  SQL_CLAIM_BROADCAST,
  SQL_GET_BROADCAST,
  SQL_LIST_BROADCASTS,
  SQL_GET_OWNER,
  SQL_COMMIT_STATE,
  SQL_COMMIT_INITS,
  SQL_COMMIT_SEGMENT,
  SQL_FORGET_SEGMENTS,
  SQL_END_BROADCAST,
  SQL_LIST_SEGMENTS,
  SQL_LAST
};

#define INPUT_COLUMNS                                                                        \
  "uid, account, created_us, modified_us, keys_rotated_us, enabled, meta, default_creator, " \
  "prefer_low_latency, delete_recording_after_days, recording_mode, recording_timeout_s, "   \
  "require_signed_urls, hide_live_viewer_count, allowed_origins"
#define BROADCAST_COLUMNS \
  "uid, input, account, epoch, state, recorded, created_us, ended_us, committed, inits"

static const gchar *const statement_texts[SQL_LAST] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT job",
    [SQL_RELEASE] = "RELEASE job",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO job",
    [SQL_NEXT_EPOCH] = "UPDATE epoch SET value = value + 1 RETURNING value",
    [SQL_INSERT_INPUT] = "INSERT INTO inputs (" INPUT_COLUMNS
                         ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_INSERT_SECRET] = "INSERT INTO secrets (input, kind, digest, secret) VALUES (?, ?, ?, ?)",
    [SQL_GET_INPUT] = "SELECT " INPUT_COLUMNS " FROM inputs WHERE uid = ?",
    [SQL_FIND_INPUT] = "SELECT " INPUT_COLUMNS " FROM inputs WHERE uid = "
                       "(SELECT input FROM secrets WHERE kind = ? AND digest = ?)",
    [SQL_LIST_INPUTS] = "SELECT " INPUT_COLUMNS
                        " FROM inputs WHERE account = ? ORDER BY created_us DESC, number DESC",
    [SQL_GET_SECRETS] = "SELECT kind, secret FROM secrets WHERE input = ?",
    [SQL_DELETE_INPUT] = "DELETE FROM inputs WHERE account = ? AND uid = ?",
    [SQL_INSERT_BROADCAST] =
        "INSERT INTO broadcasts (" BROADCAST_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_CLAIM_BROADCAST] = "UPDATE broadcasts SET epoch = ? WHERE uid = ?",
    [SQL_GET_BROADCAST] = "SELECT " BROADCAST_COLUMNS " FROM broadcasts WHERE uid = ?",
    [SQL_LIST_BROADCASTS] =
        "SELECT " BROADCAST_COLUMNS " FROM broadcasts WHERE (?1 IS NULL OR input = ?1)"
        " AND (?2 = 0 OR (?2 & (1 << state))) ORDER BY created_us DESC, number DESC",
    [SQL_GET_OWNER] = "SELECT number, epoch FROM broadcasts WHERE uid = ?",
    [SQL_COMMIT_STATE] = "UPDATE broadcasts SET committed = ? WHERE number = ?",
    [SQL_COMMIT_INITS] = "UPDATE broadcasts SET inits = ? WHERE number = ?",
    [SQL_COMMIT_SEGMENT] = "INSERT INTO segments (broadcast, number, entry) VALUES (?1, ?2, ?3) "
                           "ON CONFLICT (broadcast, number) DO UPDATE SET entry = ?3",
    [SQL_FORGET_SEGMENTS] = "DELETE FROM segments WHERE broadcast = ? AND number < ?",
    [SQL_END_BROADCAST] = "UPDATE broadcasts SET state = ?, "
                          "ended_us = CASE ended_us WHEN 0 THEN ? ELSE ended_us END "
                          "WHERE number = ?",
    [SQL_LIST_SEGMENTS] = "SELECT entry FROM segments WHERE broadcast = ? ORDER BY number",
};

typedef sqlite3_stmt Statement;

static void
statement_done (Statement *statement)
{
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Statement, statement_done)

/*
 * What the thread works on. It outlives the object when the object's last reference goes on the
 * thread itself, which happens when an answered task is released there.
 */
typedef struct {
  gatomicrefcount ref_count;
  gchar *path;
  sqlite3 *database;   /* NULL: could not be opened again */
  gboolean only_reads; /* the disk takes nothing, as at the start: what writes opens it anew */
  Statement *statements[SQL_LAST];

  GMutex lock;
  GCond changed;
  GQueue jobs; /* of Job; under the lock, like what follows */
  gboolean stopping;
} Core;

typedef struct _Job Job;
struct _Job {
  GTask *task;
  gboolean (*run) (Core *core, Job *job, GError **error);
  gboolean writes;

  /* arguments, as far as the call has them */
  WeirLiveInput *input;
  WeirBroadcastRecord *record;
  gchar *account;
  gchar *uid;
  gchar *text;
  gchar *committed;
  gint kind; /* or state */
  guint64 epoch;
  guint64 number;

  /* the answer */
  gpointer result; /* NULL: TRUE */
  GDestroyNotify result_free;
  GError *error;
};

#define WEIR_TYPE_STORE_SQLITE (weir_store_sqlite_get_type ())
G_DECLARE_FINAL_TYPE (WeirStoreSqlite, weir_store_sqlite, WEIR, STORE_SQLITE, GObject)

struct _WeirStoreSqlite {
  GObject parent_instance;
  Core *core;
  GThread *thread;
};

static void weir_store_sqlite_store_init (WeirStoreInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WeirStoreSqlite, weir_store_sqlite, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (WEIR_TYPE_STORE, weir_store_sqlite_store_init))

/* @what: for people; never holds a secret. Returns: FALSE */
static gboolean
set_error (sqlite3 *database, const gchar *what, GError **error)
{
  gint extended = sqlite3_extended_errcode (database);
  WeirStoreError code = WEIR_STORE_ERROR_UNAVAILABLE;

  switch (extended) {
  case SQLITE_CONSTRAINT_UNIQUE:
  case SQLITE_CONSTRAINT_PRIMARYKEY:
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_EXISTS, "%s: exists already", what);
    return FALSE;
  default:
    break;
  }
  switch (extended & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    code = WEIR_STORE_ERROR_INCOMPATIBLE;
    break;
  default:
    break;
  }
  g_set_error (error, WEIR_STORE_ERROR, code, "%s: %s", what, sqlite3_errmsg (database));
  return FALSE;
}

static void
close_database (Core *core)
{
  for (guint i = 0; i < SQL_LAST; i++)
    g_clear_pointer (&core->statements[i], sqlite3_finalize);
  g_clear_pointer (&core->database, sqlite3_close_v2);
}

static void
core_unref (Core *core)
{
  if (!g_atomic_ref_count_dec (&core->ref_count))
    return;
  close_database (core);
  g_free (core->path);
  g_mutex_clear (&core->lock);
  g_cond_clear (&core->changed);
  g_free (core);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Core, core_unref)

/* Returns: (transfer none) (nullable): ready to be bound; to be given to statement_done() */
static Statement *
prepare (Core *core, guint index, GError **error)
{
  if (core->statements[index] == NULL &&
      sqlite3_prepare_v3 (core->database, statement_texts[index], -1, SQLITE_PREPARE_PERSISTENT,
          &core->statements[index], NULL) != SQLITE_OK) {
    set_error (core->database, "Cannot prepare a statement", error);
    return NULL;
  }
  return core->statements[index];
}

/* for statements without arguments and answer */
static gboolean
execute (Core *core, guint index, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, index, error);

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) != SQLITE_DONE)
    return set_error (core->database, statement_texts[index], error);
  return TRUE;
}

static gboolean
finish_step (Core *core, Statement *statement, const gchar *what, GError **error)
{
  if (sqlite3_step (statement) != SQLITE_DONE)
    return set_error (core->database, what, error);
  return TRUE;
}

/* @text: (nullable): stays valid until the statement is done */
static void
bind_text (Statement *statement, gint index, const gchar *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, index, text, -1, SQLITE_STATIC);
  else
    sqlite3_bind_null (statement, index);
}

static void
bind_number (Statement *statement, gint index, guint64 number)
{
  sqlite3_bind_int64 (statement, index, (sqlite3_int64) number);
}

static gchar *
column_text (Statement *statement, gint index)
{
  return g_strdup ((const gchar *) sqlite3_column_text (statement, index));
}

static gboolean
next_epoch (Core *core, guint64 *epoch, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_NEXT_EPOCH, error);

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) != SQLITE_ROW)
    return set_error (core->database, "Cannot raise the epoch", error);
  *epoch = (guint64) sqlite3_column_int64 (statement, 0);
  return TRUE;
}

static gboolean
read_secrets (Core *core, WeirLiveInput *input, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_GET_SECRETS, error);
  gint status;

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, input->uid);
  while ((status = sqlite3_step (statement)) == SQLITE_ROW) {
    gint kind = sqlite3_column_int (statement, 0);

    if (kind < 0 || kind >= WEIR_SECRET_LAST)
      continue;
    g_free (input->secrets[kind]);
    input->secrets[kind] = column_text (statement, 1);
  }
  return status == SQLITE_DONE || set_error (core->database, "Cannot read the secrets", error);
}

static WeirLiveInput *
read_input (Core *core, Statement *statement, GError **error)
{
  g_autoptr (WeirLiveInput) input = g_new0 (WeirLiveInput, 1);
  gint column = 0;

  input->uid = column_text (statement, column++);
  input->account = column_text (statement, column++);
  input->created_us = sqlite3_column_int64 (statement, column++);
  input->modified_us = sqlite3_column_int64 (statement, column++);
  input->keys_rotated_us = sqlite3_column_int64 (statement, column++);
  input->enabled = sqlite3_column_int (statement, column++) != 0;
  input->meta = column_text (statement, column++);
  input->default_creator = column_text (statement, column++);
  input->prefer_low_latency = sqlite3_column_int (statement, column++);
  input->delete_recording_after_days = sqlite3_column_int (statement, column++);
  input->recording_mode = (WeirRecordingMode) sqlite3_column_int (statement, column++);
  input->recording_timeout_s = sqlite3_column_int (statement, column++);
  input->require_signed_urls = sqlite3_column_int (statement, column++) != 0;
  input->hide_live_viewer_count = sqlite3_column_int (statement, column++) != 0;
  input->allowed_origins = column_text (statement, column++);
  return read_secrets (core, input, error) ? g_steal_pointer (&input) : NULL;
}

static gboolean
run_create_input (Core *core, Job *job, GError **error)
{
  const WeirLiveInput *input = job->input;
  g_autoptr (Statement) statement = prepare (core, SQL_INSERT_INPUT, error);
  gint column = 1;

  if (statement == NULL)
    return FALSE;
  bind_text (statement, column++, input->uid);
  bind_text (statement, column++, input->account);
  sqlite3_bind_int64 (statement, column++, input->created_us);
  sqlite3_bind_int64 (statement, column++, input->modified_us);
  sqlite3_bind_int64 (statement, column++, input->keys_rotated_us);
  sqlite3_bind_int (statement, column++, input->enabled ? 1 : 0);
  bind_text (statement, column++, input->meta != NULL ? input->meta : "{}");
  bind_text (statement, column++, input->default_creator);
  sqlite3_bind_int (statement, column++, input->prefer_low_latency);
  sqlite3_bind_int (statement, column++, input->delete_recording_after_days);
  sqlite3_bind_int (statement, column++, input->recording_mode);
  sqlite3_bind_int (statement, column++, input->recording_timeout_s);
  sqlite3_bind_int (statement, column++, input->require_signed_urls ? 1 : 0);
  sqlite3_bind_int (statement, column++, input->hide_live_viewer_count ? 1 : 0);
  bind_text (statement, column++, input->allowed_origins);
  if (!finish_step (core, statement, "Cannot create the live input", error))
    return FALSE;

  for (guint kind = 0; kind < WEIR_SECRET_LAST; kind++) {
    g_autofree gchar *digest = NULL;
    g_autoptr (Statement) insert = NULL;

    if (input->secrets[kind] == NULL)
      continue;
    insert = prepare (core, SQL_INSERT_SECRET, error);
    if (insert == NULL)
      return FALSE;
    digest = weir_store_digest_secret (input->secrets[kind]);
    bind_text (insert, 1, input->uid);
    sqlite3_bind_int (insert, 2, (gint) kind);
    bind_text (insert, 3, digest);
    bind_text (insert, 4, input->secrets[kind]);
    if (!finish_step (core, insert, "Cannot keep a secret", error))
      return FALSE;
  }
  return TRUE;
}

/* the answer is the one row of @statement as a live input */
static gboolean
answer_input (Core *core, Job *job, Statement *statement, GError **error)
{
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    job->result = read_input (core, statement, error);
    job->result_free = (GDestroyNotify) weir_live_input_free;
    return job->result != NULL;
  case SQLITE_DONE:
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "No such live input");
    return FALSE;
  default:
    return set_error (core->database, "Cannot read the live input", error);
  }
}

static gboolean
run_get_input (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_GET_INPUT, error);

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, job->uid);
  return answer_input (core, job, statement, error);
}

static gboolean
run_find_input (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_FIND_INPUT, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  bind_text (statement, 2, job->text);
  return answer_input (core, job, statement, error);
}

static gboolean
run_list_inputs (Core *core, Job *job, GError **error)
{
  g_autoptr (GPtrArray) inputs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_live_input_free);
  g_autoptr (Statement) statement = prepare (core, SQL_LIST_INPUTS, error);
  gint status;

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, job->account);
  while ((status = sqlite3_step (statement)) == SQLITE_ROW) {
    WeirLiveInput *input = read_input (core, statement, error);

    if (input == NULL)
      return FALSE;
    g_ptr_array_add (inputs, input);
  }
  if (status != SQLITE_DONE)
    return set_error (core->database, "Cannot list the live inputs", error);
  job->result = g_steal_pointer (&inputs);
  job->result_free = (GDestroyNotify) g_ptr_array_unref;
  return TRUE;
}

static gboolean
run_delete_input (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_DELETE_INPUT, error);

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, job->account);
  bind_text (statement, 2, job->uid);
  if (!finish_step (core, statement, "Cannot delete the live input", error))
    return FALSE;
  if (sqlite3_changes (core->database) == 0) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "No such live input");
    return FALSE;
  }
  return TRUE;
}

static WeirBroadcastRecord *
read_broadcast (Statement *statement)
{
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);
  gint column = 0;

  record->uid = column_text (statement, column++);
  record->input = column_text (statement, column++);
  record->account = column_text (statement, column++);
  record->epoch = (guint64) sqlite3_column_int64 (statement, column++);
  record->state = (WeirBroadcastState) sqlite3_column_int (statement, column++);
  record->recorded = sqlite3_column_int (statement, column++) != 0;
  record->created_us = sqlite3_column_int64 (statement, column++);
  record->ended_us = sqlite3_column_int64 (statement, column++);
  record->committed = column_text (statement, column++);
  record->inits = column_text (statement, column++);
  return record;
}

static gboolean
answer_broadcast (Core *core, Job *job, const gchar *uid, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_GET_BROADCAST, error);

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, uid);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    job->result = read_broadcast (statement);
    job->result_free = (GDestroyNotify) weir_broadcast_record_free;
    return TRUE;
  case SQLITE_DONE:
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "No such broadcast");
    return FALSE;
  default:
    return set_error (core->database, "Cannot read the broadcast", error);
  }
}

static gboolean
run_begin_broadcast (Core *core, Job *job, GError **error)
{
  WeirBroadcastRecord *record = job->record;
  g_autoptr (Statement) statement = NULL;
  gint column = 1;

  if (!next_epoch (core, &record->epoch, error))
    return FALSE;
  record->state = WEIR_BROADCAST_LIVE;
  record->ended_us = 0;
  statement = prepare (core, SQL_INSERT_BROADCAST, error);
  if (statement == NULL)
    return FALSE;
  bind_text (statement, column++, record->uid);
  bind_text (statement, column++, record->input);
  bind_text (statement, column++, record->account);
  bind_number (statement, column++, record->epoch);
  sqlite3_bind_int (statement, column++, record->state);
  sqlite3_bind_int (statement, column++, record->recorded ? 1 : 0);
  sqlite3_bind_int64 (statement, column++, record->created_us);
  sqlite3_bind_int64 (statement, column++, record->ended_us);
  bind_text (statement, column++, record->committed);
  bind_text (statement, column++, record->inits);
  if (!finish_step (core, statement, "Cannot begin the broadcast", error))
    return FALSE;
  job->result = g_steal_pointer (&job->record);
  job->result_free = (GDestroyNotify) weir_broadcast_record_free;
  return TRUE;
}

/* @number: (out): its row; @epoch: (out): its owner's */
static gboolean
find_broadcast (Core *core, const gchar *uid, sqlite3_int64 *number, guint64 *epoch, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, SQL_GET_OWNER, error);
  gint status;

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, uid);
  status = sqlite3_step (statement);
  if (status == SQLITE_DONE) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND, "No such broadcast");
    return FALSE;
  }
  if (status != SQLITE_ROW)
    return set_error (core->database, "Cannot read the broadcast", error);
  *number = sqlite3_column_int64 (statement, 0);
  *epoch = (guint64) sqlite3_column_int64 (statement, 1);
  return TRUE;
}

/* the fence; @number: (out): the broadcast's row */
static gboolean
check_owner (Core *core, const gchar *uid, guint64 epoch, sqlite3_int64 *number, GError **error)
{
  guint64 owner = 0;

  if (!find_broadcast (core, uid, number, &owner, error))
    return FALSE;
  if (owner != epoch) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED,
        "The broadcast has another owner: its epoch is %" G_GUINT64_FORMAT
        ", not %" G_GUINT64_FORMAT,
        owner, epoch);
    return FALSE;
  }
  return TRUE;
}

static gboolean
run_claim_broadcast (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = NULL;
  sqlite3_int64 number = 0;
  guint64 epoch = 0;

  if (!check_owner (core, job->uid, job->epoch, &number, error) ||
      !next_epoch (core, &epoch, error))
    return FALSE;
  statement = prepare (core, SQL_CLAIM_BROADCAST, error);
  if (statement == NULL)
    return FALSE;
  bind_number (statement, 1, epoch);
  bind_text (statement, 2, job->uid);
  return finish_step (core, statement, "Cannot claim the broadcast", error) &&
         answer_broadcast (core, job, job->uid, error);
}

static gboolean
run_get_broadcast (Core *core, Job *job, GError **error)
{
  return answer_broadcast (core, job, job->uid, error);
}

static gboolean
run_list_broadcasts (Core *core, Job *job, GError **error)
{
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_broadcast_record_free);
  g_autoptr (Statement) statement = prepare (core, SQL_LIST_BROADCASTS, error);
  gint status;

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, job->uid);
  sqlite3_bind_int (statement, 2, job->kind);
  while ((status = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (records, read_broadcast (statement));
  if (status != SQLITE_DONE)
    return set_error (core->database, "Cannot list the broadcasts", error);
  job->result = g_steal_pointer (&records);
  job->result_free = (GDestroyNotify) g_ptr_array_unref;
  return TRUE;
}

static gboolean
update_broadcast (Core *core, guint index, const gchar *text, sqlite3_int64 number, GError **error)
{
  g_autoptr (Statement) statement = prepare (core, index, error);

  if (statement == NULL)
    return FALSE;
  bind_text (statement, 1, text);
  sqlite3_bind_int64 (statement, 2, number);
  return finish_step (core, statement, "Cannot commit to the broadcast", error);
}

static gboolean
run_commit_segment (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = NULL;
  sqlite3_int64 number = 0;

  if (!check_owner (core, job->uid, job->epoch, &number, error) ||
      (job->committed != NULL &&
          !update_broadcast (core, SQL_COMMIT_STATE, job->committed, number, error)))
    return FALSE;
  statement = prepare (core, SQL_COMMIT_SEGMENT, error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  bind_number (statement, 2, job->number);
  bind_text (statement, 3, job->text);
  return finish_step (core, statement, "Cannot commit the segment", error);
}

static gboolean
run_commit_state (Core *core, Job *job, GError **error)
{
  sqlite3_int64 number = 0;

  return check_owner (core, job->uid, job->epoch, &number, error) &&
         update_broadcast (core, SQL_COMMIT_STATE, job->text, number, error);
}

static gboolean
run_commit_inits (Core *core, Job *job, GError **error)
{
  sqlite3_int64 number = 0;

  return check_owner (core, job->uid, job->epoch, &number, error) &&
         update_broadcast (core, SQL_COMMIT_INITS, job->text, number, error);
}

static gboolean
run_forget_segments (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = NULL;
  sqlite3_int64 number = 0;

  if (!check_owner (core, job->uid, job->epoch, &number, error))
    return FALSE;
  statement = prepare (core, SQL_FORGET_SEGMENTS, error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  bind_number (statement, 2, job->number);
  return finish_step (core, statement, "Cannot forget the segments", error);
}

static gboolean
run_end_broadcast (Core *core, Job *job, GError **error)
{
  g_autoptr (Statement) statement = NULL;
  sqlite3_int64 number = 0;

  if (!check_owner (core, job->uid, job->epoch, &number, error))
    return FALSE;
  statement = prepare (core, SQL_END_BROADCAST, error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  sqlite3_bind_int64 (statement, 2, g_get_real_time ());
  sqlite3_bind_int64 (statement, 3, number);
  return finish_step (core, statement, "Cannot end the broadcast", error);
}

static gboolean
run_list_segments (Core *core, Job *job, GError **error)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Statement) statement = NULL;
  sqlite3_int64 number = 0;
  guint64 epoch;
  gint status;

  if (!find_broadcast (core, job->uid, &number, &epoch, error))
    return FALSE;
  statement = prepare (core, SQL_LIST_SEGMENTS, error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  while ((status = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (entries, column_text (statement, 0));
  if (status != SQLITE_DONE)
    return set_error (core->database, "Cannot list the segments", error);
  job->result = g_steal_pointer (&entries);
  job->result_free = (GDestroyNotify) g_ptr_array_unref;
  return TRUE;
}

static void
job_free (Job *job)
{
  g_clear_object (&job->task);
  g_clear_pointer (&job->input, weir_live_input_free);
  g_clear_pointer (&job->record, weir_broadcast_record_free);
  g_free (job->account);
  g_free (job->uid);
  g_free (job->text);
  g_free (job->committed);
  if (job->result != NULL)
    job->result_free (job->result);
  g_clear_error (&job->error);
  g_free (job);
}

/* answers the caller; its context gets the result */
static void
job_answer (Job *job)
{
  if (job->error != NULL)
    g_task_return_error (job->task, g_steal_pointer (&job->error));
  else if (job->result != NULL)
    g_task_return_pointer (job->task, g_steal_pointer (&job->result), job->result_free);
  else
    g_task_return_boolean (job->task, TRUE);
}

/*
 * Runs one job of a transaction. A job that fails leaves no trace, the others stay.
 *
 * Returns: FALSE with @error when the whole transaction is lost
 */
static gboolean
run_job (Core *core, Job *job, GError **error)
{
  if (!job->writes) {
    job->run (core, job, &job->error);
    return TRUE;
  }
  if (!execute (core, SQL_SAVEPOINT, error))
    return FALSE;
  if (job->run (core, job, &job->error))
    return execute (core, SQL_RELEASE, error);
  /* a full disk or an I/O error makes SQLite roll everything back by itself */
  if (sqlite3_get_autocommit (core->database)) {
    g_propagate_error (error, g_error_copy (job->error));
    return FALSE;
  }
  return execute (core, SQL_ROLLBACK_TO, error) && execute (core, SQL_RELEASE, error);
}

static gboolean
has_writes (GQueue *jobs)
{
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    if (((Job *) item->data)->writes)
      return TRUE;
  }
  return FALSE;
}

static gboolean
run_transaction (Core *core, GQueue *jobs, GError **error)
{
  if (!execute (core, has_writes (jobs) ? SQL_BEGIN_IMMEDIATE : SQL_BEGIN, error))
    return FALSE;
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    if (!run_job (core, item->data, error))
      return FALSE;
  }
  return execute (core, SQL_COMMIT, error);
}

/*
 * Makes the file with its mode before SQLite sees it: SQLite gives the files that it makes beside
 * it the same mode, so that the secrets in them are never readable by others.
 */
static gboolean
make_file (const gchar *path, GError **error)
{
  gint fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
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

static gboolean
execute_text (Core *core, const gchar *text, GError **error)
{
  if (sqlite3_exec (core->database, text, NULL, NULL, NULL) != SQLITE_OK)
    return set_error (core->database, "Cannot open the database", error);
  return TRUE;
}

/* for a query whose answer is one number; @missing: the answer when there is no row */
static gboolean
query_number (Core *core, const gchar *text, gint64 missing, gint64 *number, GError **error)
{
  Statement *statement = NULL;
  gint status;

  if (sqlite3_prepare_v2 (core->database, text, -1, &statement, NULL) != SQLITE_OK)
    return set_error (core->database, "Cannot read the database", error);
  status = sqlite3_step (statement);
  if (status == SQLITE_ROW)
    *number = sqlite3_column_int64 (statement, 0);
  else if (status == SQLITE_DONE)
    *number = missing;
  else
    set_error (core->database, "Cannot read the database", error);
  sqlite3_finalize (statement);
  return status == SQLITE_ROW || status == SQLITE_DONE;
}

/* Returns: FALSE unless the database is empty or one of ours */
static gboolean
read_version (Core *core, const gchar *path, gint64 *version, GError **error)
{
  gint64 tables, schema;

  if (!query_number (core, "SELECT count(*) FROM sqlite_schema", 0, &tables, error) ||
      !query_number (core, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'", 0,
          &schema, error))
    return FALSE;
  if (tables == 0) {
    *version = 0;
    return TRUE;
  }
  if (schema == 0) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE,
        "%s is a database of another program", path);
    return FALSE;
  }
  return query_number (core, "SELECT version FROM schema_version", 0, version, error);
}

static gboolean
migrate (Core *core, const gchar *path, GError **error)
{
  gint64 version;

  if (!read_version (core, path, &version, error))
    return FALSE;
  if (version < 0 || version > (gint64) G_N_ELEMENTS (migrations)) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_INCOMPATIBLE,
        "%s was made by a newer version of Weir: its schema is %" G_GINT64_FORMAT
        ", this version knows up to %u",
        path, version, (guint) G_N_ELEMENTS (migrations));
    return FALSE;
  }
  for (guint i = (guint) version; i < G_N_ELEMENTS (migrations); i++) {
    g_autofree gchar *text =
        g_strdup_printf ("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);"
                         "%s"
                         "DELETE FROM schema_version; INSERT INTO schema_version VALUES (%u);",
            migrations[i], i + 1);

    if (!execute_text (core, text, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
open_for_writing (Core *core, GError **error)
{
  const gchar *path = core->path;
  g_autofree gchar *identify = g_strdup_printf ("PRAGMA application_id = %d;", APPLICATION_ID);
  guint64 epoch;

  if (!make_file (path, error))
    return FALSE;
  if (sqlite3_open_v2 (path, &core->database,
          SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK) {
    g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE, "Cannot open %s: %s", path,
        core->database != NULL ? sqlite3_errmsg (core->database) : "out of memory");
    return FALSE;
  }
  sqlite3_busy_timeout (core->database, BUSY_TIMEOUT_MS);
  if (!execute_text (core,
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
          "PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;"
          "BEGIN IMMEDIATE;",
          error))
    return FALSE;
  /* one transaction: two daemons that start at once do not both migrate */
  return migrate (core, path, error) && execute_text (core, identify, error) &&
         next_epoch (core, &epoch, error) && execute_text (core, "COMMIT;", error);
}

/*
 * Opens it so that nothing is written, not even beside it: without a log, as something that does
 * not change; with one, alone, so that the index of the log is in memory.
 *
 * Returns: FALSE when there is nothing of this version to be read
 */
static gboolean
open_for_reading (Core *core, GError **error)
{
  g_autofree gchar *log = g_strconcat (core->path, "-wal", NULL);
  g_autofree gchar *uri = g_filename_to_uri (core->path, NULL, NULL);
  g_autofree gchar *unchanging = g_strconcat (uri, "?immutable=1", NULL);
  struct stat status;
  gboolean logged = stat (log, &status) == 0 && status.st_size > 0;
  gint flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI |
               (logged ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  gint64 version;

  if (sqlite3_open_v2 (logged ? uri : unchanging, &core->database, flags, NULL) != SQLITE_OK)
    return set_error (core->database, "Cannot open the database", error);
  if (logged && !execute_text (core, "PRAGMA locking_mode = EXCLUSIVE;", error))
    return FALSE;
  if (!read_version (core, core->path, &version, error))
    return FALSE;
  if (version == (gint64) G_N_ELEMENTS (migrations))
    return TRUE;
  g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE,
      "%s needs to be brought up to date", core->path);
  return FALSE;
}

/* Opens it for writing, else for reading only; @error says why not for writing.
 *
 * Returns: FALSE when it is not open for writing */
static gboolean
open_database (Core *core, GError **error)
{
  g_autoptr (GError) problem = NULL;

  core->only_reads = FALSE;
  if (open_for_writing (core, &problem))
    return TRUE;
  close_database (core);
  core->only_reads = problem->code == WEIR_STORE_ERROR_UNAVAILABLE && open_for_reading (core, NULL);
  if (!core->only_reads)
    close_database (core);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
reopen_database (Core *core, GError **error)
{
  close_database (core);
  if (!open_database (core, error))
    return FALSE;
  g_message ("%s can be written again", core->path);
  return TRUE;
}

/* the transaction is lost: what writes gets @error, what reads is done by itself */
static void
answer_reads_only (Core *core, GQueue *jobs, const GError *error)
{
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    Job *job = item->data;

    g_clear_error (&job->error);
    if (job->result != NULL)
      g_clear_pointer (&job->result, job->result_free);
    if (job->writes || core->database == NULL)
      job->error = g_error_copy (error);
    else
      job->run (core, job, &job->error);
  }
}

/* group commit: everything that waits goes into one transaction, the answers come after COMMIT */
static void
run_jobs (Core *core, GQueue *jobs)
{
  g_autoptr (GError) error = NULL;
  Job *job;

  if ((core->only_reads && has_writes (jobs) && !reopen_database (core, &error)) ||
      (core->database == NULL && !reopen_database (core, &error))) {
    answer_reads_only (core, jobs, error);
  } else if (!run_transaction (core, jobs, &error)) {
    if (!sqlite3_get_autocommit (core->database))
      execute (core, SQL_ROLLBACK, NULL);
    answer_reads_only (core, jobs, error);
  }
  while ((job = g_queue_pop_head (jobs)) != NULL) {
    job_answer (job);
    job_free (job);
  }
}

static gpointer
run_thread (gpointer data)
{
  g_autoptr (Core) core = data;

  for (;;) {
    GQueue jobs;

    g_mutex_lock (&core->lock);
    while (g_queue_is_empty (&core->jobs) && !core->stopping)
      g_cond_wait (&core->changed, &core->lock);
    jobs = core->jobs;
    g_queue_init (&core->jobs);
    g_mutex_unlock (&core->lock);
    if (g_queue_is_empty (&jobs))
      return NULL;
    run_jobs (core, &jobs);
  }
}

static Job *
job_new (gboolean (*run) (Core *core, Job *job, GError **error), gboolean writes)
{
  Job *job = g_new0 (Job, 1);

  job->run = run;
  job->writes = writes;
  return job;
}

/* @job, @task: (transfer full) */
static void
push_job (WeirStore *store, Job *job, GTask *task)
{
  Core *core = WEIR_STORE_SQLITE (store)->core;
  gboolean taken;

  job->task = task;
  g_mutex_lock (&core->lock);
  taken = g_queue_get_length (&core->jobs) < JOBS_MAX;
  if (taken) {
    g_queue_push_tail (&core->jobs, job);
    g_cond_signal (&core->changed);
  }
  g_mutex_unlock (&core->lock);
  if (taken)
    return;
  g_set_error (&job->error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE,
      "Too many calls wait for the database");
  job_answer (job);
  job_free (job);
}

static void
create_input (WeirStore *store, const WeirLiveInput *input, GTask *task)
{
  Job *job = job_new (run_create_input, TRUE);

  job->input = weir_live_input_copy (input);
  push_job (store, job, task);
}

static void
get_input (WeirStore *store, const gchar *uid, GTask *task)
{
  Job *job = job_new (run_get_input, FALSE);

  job->uid = g_strdup (uid);
  push_job (store, job, task);
}

static void
find_input (WeirStore *store, WeirSecret secret, const gchar *digest, GTask *task)
{
  Job *job = job_new (run_find_input, FALSE);

  job->kind = (gint) secret;
  job->text = g_strdup (digest);
  push_job (store, job, task);
}

static void
list_inputs (WeirStore *store, const gchar *account, GTask *task)
{
  Job *job = job_new (run_list_inputs, FALSE);

  job->account = g_strdup (account);
  push_job (store, job, task);
}

static void
delete_input (WeirStore *store, const gchar *account, const gchar *uid, GTask *task)
{
  Job *job = job_new (run_delete_input, TRUE);

  job->account = g_strdup (account);
  job->uid = g_strdup (uid);
  push_job (store, job, task);
}

static void
begin_broadcast (WeirStore *store, const WeirBroadcastRecord *record, GTask *task)
{
  Job *job = job_new (run_begin_broadcast, TRUE);

  job->record = weir_broadcast_record_copy (record);
  push_job (store, job, task);
}

static void
claim_broadcast (WeirStore *store, const gchar *uid, guint64 expected_epoch, GTask *task)
{
  Job *job = job_new (run_claim_broadcast, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = expected_epoch;
  push_job (store, job, task);
}

static void
get_broadcast (WeirStore *store, const gchar *uid, GTask *task)
{
  Job *job = job_new (run_get_broadcast, FALSE);

  job->uid = g_strdup (uid);
  push_job (store, job, task);
}

static void
list_broadcasts (WeirStore *store, const WeirBroadcastFilter *filter, GTask *task)
{
  Job *job = job_new (run_list_broadcasts, FALSE);

  job->uid = g_strdup (filter->input);
  job->kind = (gint) filter->states;
  push_job (store, job, task);
}

static void
commit_segment (
    WeirStore *store, const gchar *uid, guint64 epoch, const WeirSegmentCommit *commit, GTask *task)
{
  Job *job = job_new (run_commit_segment, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->number = commit->number;
  job->text = g_strdup (commit->entry);
  job->committed = g_strdup (commit->committed);
  push_job (store, job, task);
}

static void
commit_state (
    WeirStore *store, const gchar *uid, guint64 epoch, const gchar *committed, GTask *task)
{
  Job *job = job_new (run_commit_state, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->text = g_strdup (committed);
  push_job (store, job, task);
}

static void
commit_inits (WeirStore *store, const gchar *uid, guint64 epoch, const gchar *inits, GTask *task)
{
  Job *job = job_new (run_commit_inits, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->text = g_strdup (inits);
  push_job (store, job, task);
}

static void
forget_segments (WeirStore *store, const gchar *uid, guint64 epoch, guint64 before, GTask *task)
{
  Job *job = job_new (run_forget_segments, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->number = before;
  push_job (store, job, task);
}

static void
end_broadcast (WeirStore *store, const gchar *uid, guint64 epoch, WeirBroadcastState state,
    G_GNUC_UNUSED const WeirEvent *event, GTask *task)
{
  Job *job = job_new (run_end_broadcast, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->kind = (gint) state;
  push_job (store, job, task);
}

static void
list_segments (WeirStore *store, const gchar *uid, GTask *task)
{
  Job *job = job_new (run_list_segments, FALSE);

  job->uid = g_strdup (uid);
  push_job (store, job, task);
}

static void
weir_store_sqlite_store_init (WeirStoreInterface *iface)
{
  iface->create_input = create_input;
  iface->get_input = get_input;
  iface->find_input = find_input;
  iface->list_inputs = list_inputs;
  iface->delete_input = delete_input;
  iface->begin_broadcast = begin_broadcast;
  iface->claim_broadcast = claim_broadcast;
  iface->get_broadcast = get_broadcast;
  iface->list_broadcasts = list_broadcasts;
  iface->commit_segment = commit_segment;
  iface->commit_state = commit_state;
  iface->commit_inits = commit_inits;
  iface->forget_segments = forget_segments;
  iface->end_broadcast = end_broadcast;
  iface->list_segments = list_segments;
}

static void
weir_store_sqlite_finalize (GObject *object)
{
  WeirStoreSqlite *self = WEIR_STORE_SQLITE (object);

  if (self->thread != NULL) {
    g_mutex_lock (&self->core->lock);
    self->core->stopping = TRUE;
    g_cond_signal (&self->core->changed);
    g_mutex_unlock (&self->core->lock);
    if (self->thread == g_thread_self ())
      g_thread_unref (self->thread);
    else
      g_thread_join (self->thread);
  }
  g_clear_pointer (&self->core, core_unref);
  G_OBJECT_CLASS (weir_store_sqlite_parent_class)->finalize (object);
}

static void
weir_store_sqlite_class_init (WeirStoreSqliteClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = weir_store_sqlite_finalize;
}

static void
weir_store_sqlite_init (WeirStoreSqlite *self)
{
  (void) self;
}

WeirStore *
weir_store_sqlite_new (const gchar *path, GError **error)
{
  g_autoptr (WeirStoreSqlite) self = g_object_new (WEIR_TYPE_STORE_SQLITE, NULL);
  g_autoptr (GError) problem = NULL;

  self->core = g_new0 (Core, 1);
  g_atomic_ref_count_init (&self->core->ref_count);
  g_mutex_init (&self->core->lock);
  g_cond_init (&self->core->changed);
  g_queue_init (&self->core->jobs);
  self->core->path = g_strdup (path);
  if (!open_database (self->core, &problem) && self->core->only_reads) {
    g_message ("%s cannot be written: %s; recordings are served, no broadcast can begin", path,
        problem->message);
  } else if (problem != NULL) {
    if (problem->code == WEIR_STORE_ERROR_INCOMPATIBLE && strstr (problem->message, path) == NULL)
      g_prefix_error (&problem, "%s is damaged or no database: ", path);
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  g_atomic_ref_count_inc (&self->core->ref_count);
  self->thread = g_thread_new ("store", run_thread, self->core);
  return WEIR_STORE (g_steal_pointer (&self));
}
