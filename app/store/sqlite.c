/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#include <string.h>

/* calls that may wait for the thread; a recording commits one segment in two seconds */
#define JOBS_MAX 16384
/* that stay prepared; lists have one for each kind of filter */
#define STATEMENTS_MAX 256

#define WEIR_TYPE_STORE_SQLITE (weir_store_sqlite_get_type ())
G_DECLARE_FINAL_TYPE (WeirStoreSqlite, weir_store_sqlite, WEIR, STORE_SQLITE, GObject)

struct _WeirStoreSqlite {
  GObject parent_instance;
  WeirSqlite *core;
  GThread *thread;
};

static void weir_store_sqlite_store_init (WeirStoreInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WeirStoreSqlite, weir_store_sqlite, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (WEIR_TYPE_STORE, weir_store_sqlite_store_init))

/* ---- statements ---- */

void
weir_sqlite_statement_done (WeirSqliteStatement *self)
{
  sqlite3_reset (self);
  sqlite3_clear_bindings (self);
}

static void
statement_finalize (gpointer data)
{
  sqlite3_finalize (data);
}

gboolean
weir_sqlite_fail_as (WeirStoreError code, const gchar *what, GError **error)
{
  g_set_error_literal (error, WEIR_STORE_ERROR, code, what);
  return FALSE;
}

gboolean
weir_sqlite_fail (sqlite3 *database, const gchar *what, GError **error)
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

WeirSqliteStatement *
weir_sqlite_prepare (WeirSqlite *self, const gchar *text, GError **error)
{
  WeirSqliteStatement *statement = g_hash_table_lookup (self->statements, text);

  if (statement != NULL)
    return statement;
  if (sqlite3_prepare_v3 (self->database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
      SQLITE_OK) {
    weir_sqlite_fail (self->database, "Cannot prepare a statement", error);
    return NULL;
  }
  g_hash_table_insert (self->statements, g_strdup (text), statement);
  return statement;
}

gboolean
weir_sqlite_finish (
    WeirSqlite *self, WeirSqliteStatement *statement, const gchar *what, GError **error)
{
  if (sqlite3_step (statement) != SQLITE_DONE)
    return weir_sqlite_fail (self->database, what, error);
  return TRUE;
}

gboolean
weir_sqlite_execute (WeirSqlite *self, const gchar *text, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self, text, error);

  return statement != NULL && weir_sqlite_finish (self, statement, text, error);
}

void
weir_sqlite_bind_text (WeirSqliteStatement *statement, gint index, const gchar *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, index, text, -1, SQLITE_STATIC);
  else
    sqlite3_bind_null (statement, index);
}

void
weir_sqlite_bind_number (WeirSqliteStatement *statement, gint index, guint64 number)
{
  sqlite3_bind_int64 (statement, index, (sqlite3_int64) number);
}

gchar *
weir_sqlite_column_text (WeirSqliteStatement *statement, gint index)
{
  return g_strdup ((const gchar *) sqlite3_column_text (statement, index));
}

guint64
weir_sqlite_column_number (WeirSqliteStatement *statement, gint index)
{
  return (guint64) sqlite3_column_int64 (statement, index);
}

gboolean
weir_sqlite_answer_row (WeirSqlite *self, WeirSqliteJob *job, WeirSqliteStatement *statement,
    WeirSqliteRead read, GDestroyNotify row_free, const gchar *missing, GError **error)
{
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    weir_sqlite_job_set_result (job, read (statement), row_free);
    return TRUE;
  case SQLITE_DONE:
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, missing, error);
  default:
    return weir_sqlite_fail (self->database, "Cannot read the database", error);
  }
}

GPtrArray *
weir_sqlite_read_rows (WeirSqlite *self, WeirSqliteStatement *statement, WeirSqliteRead read,
    GDestroyNotify row_free, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);
  gint status;

  while ((status = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (rows, read (statement));
  if (status == SQLITE_DONE)
    return g_steal_pointer (&rows);
  weir_sqlite_fail (self->database, "Cannot read the database", error);
  return NULL;
}

gboolean
weir_sqlite_answer_rows (WeirSqlite *self, WeirSqliteJob *job, WeirSqliteStatement *statement,
    WeirSqliteRead read, GDestroyNotify row_free, GError **error)
{
  GPtrArray *rows = weir_sqlite_read_rows (self, statement, read, row_free, error);

  weir_sqlite_job_set_result (job, rows, (GDestroyNotify) g_ptr_array_unref);
  return rows != NULL;
}

/* ---- what the thread works on ---- */

WeirSqlite *
weir_sqlite_new (const gchar *path)
{
  WeirSqlite *self = g_new0 (WeirSqlite, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->jobs);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, statement_finalize);
  self->path = g_strdup (path);
  return self;
}

WeirSqlite *
weir_sqlite_ref (WeirSqlite *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_sqlite_close (WeirSqlite *self)
{
  g_hash_table_remove_all (self->statements);
  g_clear_pointer (&self->database, sqlite3_close_v2);
}

void
weir_sqlite_unref (WeirSqlite *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  weir_sqlite_close (self);
  g_hash_table_unref (self->statements);
  g_free (self->path);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* ---- jobs ---- */

typedef struct {
  WeirStoreChange change;
  gchar *id;
} Change;

static void
change_free (gpointer data)
{
  Change *self = data;

  g_free (self->id);
  g_free (self);
}

void
weir_sqlite_job_add_change (WeirSqliteJob *self, WeirStoreChange change, const gchar *id)
{
  Change *added = g_new (Change, 1);

  added->change = change;
  added->id = g_strdup (id);
  self->changes = g_slist_append (self->changes, added);
}

void
weir_sqlite_job_set_result (WeirSqliteJob *self, gpointer result, GDestroyNotify result_free)
{
  self->result = result;
  self->result_free = result_free;
}

void
weir_sqlite_job_set_number (WeirSqliteJob *self, guint64 number)
{
  weir_sqlite_job_set_result (self, g_memdup2 (&number, sizeof number), g_free);
}

WeirSqliteJob *
weir_sqlite_job_new (
    gboolean (*run) (WeirSqlite *self, WeirSqliteJob *job, GError **error), gboolean writes)
{
  WeirSqliteJob *job = g_new0 (WeirSqliteJob, 1);

  job->run = run;
  job->writes = writes;
  return job;
}

/* as if it had not been run */
static void
job_reset (WeirSqliteJob *self)
{
  g_clear_error (&self->error);
  if (self->result != NULL)
    g_clear_pointer (&self->result, self->result_free);
  g_clear_slist (&self->changes, change_free);
  self->again = FALSE;
}

static void
job_free (WeirSqliteJob *self)
{
  job_reset (self);
  g_clear_object (&self->task);
  g_clear_pointer (&self->input, weir_live_input_free);
  g_clear_pointer (&self->record, weir_broadcast_record_free);
  g_clear_pointer (&self->document, weir_document_free);
  g_clear_pointer (&self->event, weir_event_free);
  if (self->filter != NULL)
    self->filter_free (self->filter);
  g_free (self->account);
  g_free (self->uid);
  g_free (self->text);
  g_free (self->committed);
  g_free (self);
}

/* answers the caller; its context gets the result */
static void
job_answer (WeirSqliteJob *self)
{
  if (self->error != NULL)
    g_task_return_error (self->task, g_steal_pointer (&self->error));
  else if (self->goes_on != NULL)
    g_task_run_in_thread (self->task, self->goes_on);
  else if (self->result != NULL)
    g_task_return_pointer (self->task, g_steal_pointer (&self->result), self->result_free);
  else
    g_task_return_boolean (self->task, TRUE);
}

static void
job_tell (WeirSqliteJob *self)
{
  WeirStore *store = g_task_get_source_object (self->task);

  for (GSList *item = self->changes; item != NULL; item = item->next) {
    const Change *change = item->data;

    weir_store_emit_changed (store, change->change, change->id);
  }
}

void
weir_sqlite_push (WeirStore *store, WeirSqliteJob *job, GTask *task)
{
  WeirSqlite *core = WEIR_STORE_SQLITE (store)->core;
  gboolean taken;

  job->task = task;
  g_mutex_lock (&core->lock);
  taken = core->waiting < JOBS_MAX;
  if (taken) {
    core->waiting++;
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

/* ---- the thread ---- */

/*
 * Runs one job of a transaction. A job that fails leaves no trace, the others stay.
 *
 * Returns: FALSE with @error when the whole transaction is lost
 */
static gboolean
run_job (WeirSqlite *core, WeirSqliteJob *job, GError **error)
{
  guint64 newest = core->newest_event;

  if (!job->writes) {
    job->run (core, job, &job->error);
    return TRUE;
  }
  if (!weir_sqlite_execute (core, "SAVEPOINT job", error))
    return FALSE;
  if (job->run (core, job, &job->error))
    return weir_sqlite_execute (core, "RELEASE job", error);
  core->newest_event = newest;
  g_clear_slist (&job->changes, change_free);
  /* a full disk or an I/O error makes SQLite roll everything back by itself */
  if (sqlite3_get_autocommit (core->database)) {
    g_propagate_error (error, g_error_copy (job->error));
    return FALSE;
  }
  return weir_sqlite_execute (core, "ROLLBACK TO job", error) &&
         weir_sqlite_execute (core, "RELEASE job", error);
}

static gboolean
has_writes (GQueue *jobs)
{
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    if (((WeirSqliteJob *) item->data)->writes)
      return TRUE;
  }
  return FALSE;
}

static gboolean
run_transaction (WeirSqlite *core, GQueue *jobs, GError **error)
{
  /* a statement that reads is a transaction by itself */
  if (!has_writes (jobs)) {
    for (GList *item = jobs->head; item != NULL; item = item->next)
      run_job (core, item->data, NULL);
    return TRUE;
  }
  if (!weir_sqlite_execute (core, "BEGIN IMMEDIATE", error))
    return FALSE;
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    if (!run_job (core, item->data, error))
      return FALSE;
  }
  return weir_sqlite_execute (core, "COMMIT", error);
}

static gboolean
reopen_database (WeirSqlite *core, GError **error)
{
  weir_sqlite_close (core);
  if (!weir_sqlite_open (core, error))
    return FALSE;
  g_message ("%s can be written again", core->path);
  return TRUE;
}

/* the transaction is lost: what writes gets @error, what reads is done by itself */
static void
answer_reads_only (WeirSqlite *core, GQueue *jobs, const GError *error)
{
  core->newest_event = 0;
  for (GList *item = jobs->head; item != NULL; item = item->next) {
    WeirSqliteJob *job = item->data;

    job_reset (job);
    if (job->writes || core->database == NULL)
      job->error = g_error_copy (error);
    else
      job->run (core, job, &job->error);
  }
}

/* what is committed is answered, then told; what has more to do waits again */
static void
finish_jobs (WeirSqlite *core, GQueue *jobs)
{
  GQueue again = G_QUEUE_INIT;
  WeirSqliteJob *job;
  guint answered = 0;

  if (core->newest_event > 0) {
    g_autofree gchar *id = g_strdup_printf ("%" G_GUINT64_FORMAT, core->newest_event);

    weir_sqlite_job_add_change (g_queue_peek_tail (jobs), WEIR_STORE_CHANGE_EVENT, id);
    core->newest_event = 0;
  }
  while ((job = g_queue_pop_head (jobs)) != NULL) {
    if (job->error == NULL && job->again) {
      job_tell (job);
      job_reset (job);
      g_queue_push_tail (&again, job);
      continue;
    }
    job_answer (job);
    job_tell (job);
    job_free (job);
    answered++;
  }
  g_mutex_lock (&core->lock);
  core->waiting -= answered;
  while ((job = g_queue_pop_head (&again)) != NULL)
    g_queue_push_tail (&core->jobs, job);
  g_mutex_unlock (&core->lock);
}

/* group commit: everything that waits goes into one transaction, the answers come after COMMIT */
static void
run_jobs (WeirSqlite *core, GQueue *jobs)
{
  g_autoptr (GError) error = NULL;

  /* no job is in the middle of one */
  if (g_hash_table_size (core->statements) > STATEMENTS_MAX)
    g_hash_table_remove_all (core->statements);
  if ((core->only_reads && has_writes (jobs) && !reopen_database (core, &error)) ||
      (core->database == NULL && !reopen_database (core, &error))) {
    answer_reads_only (core, jobs, error);
  } else if (!run_transaction (core, jobs, &error)) {
    if (!sqlite3_get_autocommit (core->database))
      weir_sqlite_execute (core, "ROLLBACK", NULL);
    answer_reads_only (core, jobs, error);
  }
  finish_jobs (core, jobs);
}

static gpointer
run_thread (gpointer data)
{
  g_autoptr (WeirSqlite) core = data;

  for (;;) {
    GQueue jobs;
    gboolean stopping;

    g_mutex_lock (&core->lock);
    while (g_queue_is_empty (&core->jobs) && !core->stopping && !core->doomed)
      g_cond_wait (&core->changed, &core->lock);
    jobs = core->jobs;
    stopping = core->stopping;
    g_queue_init (&core->jobs);
    g_mutex_unlock (&core->lock);
    if (!g_queue_is_empty (&jobs))
      run_jobs (core, &jobs);
    else if (stopping)
      return NULL;
    else
      weir_sqlite_delete_some (core);
  }
}

/* ---- the object ---- */

static void
weir_store_sqlite_store_init (WeirStoreInterface *iface)
{
  weir_sqlite_init_inputs (iface);
  weir_sqlite_init_broadcasts (iface);
  weir_sqlite_init_segments (iface);
  weir_sqlite_init_documents (iface);
  weir_sqlite_init_events (iface);
  weir_sqlite_init_backup (iface);
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
  g_clear_pointer (&self->core, weir_sqlite_unref);
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
  g_autoptr (WeirStoreSqlite) self = NULL;
  g_autoptr (GError) problem = NULL;

  if (!weir_sqlite_inspect (path, error))
    return NULL;
  self = g_object_new (WEIR_TYPE_STORE_SQLITE, NULL);
  self->core = weir_sqlite_new (path);
  if (!weir_sqlite_open (self->core, &problem) && self->core->only_reads) {
    g_message ("%s cannot be written: %s; recordings are served, no broadcast can begin", path,
        problem->message);
  } else if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  self->thread = g_thread_new ("store", run_thread, weir_sqlite_ref (self->core));
  return WEIR_STORE (g_steal_pointer (&self));
}
