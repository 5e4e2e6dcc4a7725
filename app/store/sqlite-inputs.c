/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#define COLUMNS                                                                              \
  "uid, account, created_us, modified_us, keys_rotated_us, enabled, meta, default_creator, " \
  "prefer_low_latency, delete_recording_after_days, recording_mode, recording_timeout_s, "   \
  "require_signed_urls, hide_live_viewer_count, allowed_origins"
/* a row for each secret, one if there is none */
#define SELECT_INPUTS                                 \
  "SELECT " COLUMNS ", secrets.kind, secrets.secret " \
  "FROM inputs LEFT JOIN secrets ON secrets.input = inputs.uid "
/* all of it is answered by the index of accounts and times */
#define LISTED "WHERE account = ? AND created_us >= ? AND created_us < ? "
#define SELECT_LIST(order)                                                                         \
  "SELECT " COLUMNS " FROM inputs " LISTED "ORDER BY created_us " order ", number " order " LIMIT" \
  " ?"
#define NO_SUCH "No such live input"

static gpointer
read_input (WeirSqliteStatement *statement)
{
  WeirLiveInput *input = g_new0 (WeirLiveInput, 1);
  gint column = 0;

  input->uid = weir_sqlite_column_text (statement, column++);
  input->account = weir_sqlite_column_text (statement, column++);
  input->created_us = sqlite3_column_int64 (statement, column++);
  input->modified_us = sqlite3_column_int64 (statement, column++);
  input->keys_rotated_us = sqlite3_column_int64 (statement, column++);
  input->enabled = sqlite3_column_int (statement, column++) != 0;
  input->meta = weir_sqlite_column_text (statement, column++);
  input->default_creator = weir_sqlite_column_text (statement, column++);
  input->prefer_low_latency = sqlite3_column_int (statement, column++);
  input->delete_recording_after_days = sqlite3_column_int (statement, column++);
  input->recording_mode = (WeirRecordingMode) sqlite3_column_int (statement, column++);
  input->recording_timeout_s = sqlite3_column_int (statement, column++);
  input->require_signed_urls = sqlite3_column_int (statement, column++) != 0;
  input->hide_live_viewer_count = sqlite3_column_int (statement, column++) != 0;
  input->allowed_origins = weir_sqlite_column_text (statement, column++);
  return input;
}

static void
read_secret (WeirSqliteStatement *statement, WeirLiveInput *input)
{
  const gint column = sqlite3_column_count (statement) - 2;
  gint kind = sqlite3_column_int (statement, column);

  if (sqlite3_column_type (statement, column) == SQLITE_NULL || kind < 0 ||
      kind >= WEIR_SECRET_LAST)
    return;
  g_free (input->secrets[kind]);
  input->secrets[kind] = weir_sqlite_column_text (statement, column + 1);
}

static gboolean
answer_input (WeirSqlite *self, WeirSqliteJob *job, WeirSqliteStatement *statement, GError **error)
{
  g_autoptr (WeirLiveInput) input = NULL;
  gint status;

  while ((status = sqlite3_step (statement)) == SQLITE_ROW) {
    if (input == NULL)
      input = read_input (statement);
    read_secret (statement, input);
  }
  if (status != SQLITE_DONE)
    return weir_sqlite_fail (self->database, "Cannot read the live input", error);
  if (input == NULL)
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, NO_SUCH, error);
  weir_sqlite_job_set_result (job, g_steal_pointer (&input), (GDestroyNotify) weir_live_input_free);
  return TRUE;
}

/* Returns: the index of the next parameter */
static gint
bind_input (WeirSqliteStatement *statement, const WeirLiveInput *input)
{
  gint column = 1;

  weir_sqlite_bind_text (statement, column++, input->uid);
  weir_sqlite_bind_text (statement, column++, input->account);
  sqlite3_bind_int64 (statement, column++, input->created_us);
  sqlite3_bind_int64 (statement, column++, input->modified_us);
  sqlite3_bind_int64 (statement, column++, input->keys_rotated_us);
  sqlite3_bind_int (statement, column++, input->enabled ? 1 : 0);
  weir_sqlite_bind_text (statement, column++, input->meta != NULL ? input->meta : "{}");
  weir_sqlite_bind_text (statement, column++, input->default_creator);
  sqlite3_bind_int (statement, column++, input->prefer_low_latency);
  sqlite3_bind_int (statement, column++, input->delete_recording_after_days);
  sqlite3_bind_int (statement, column++, input->recording_mode);
  sqlite3_bind_int (statement, column++, input->recording_timeout_s);
  sqlite3_bind_int (statement, column++, input->require_signed_urls ? 1 : 0);
  sqlite3_bind_int (statement, column++, input->hide_live_viewer_count ? 1 : 0);
  weir_sqlite_bind_text (statement, column++, input->allowed_origins);
  return column;
}

static gboolean
insert_secrets (WeirSqlite *self, const WeirLiveInput *input, GError **error)
{
  for (guint kind = 0; kind < WEIR_SECRET_LAST; kind++) {
    g_autofree gchar *digest = NULL;
    g_autoptr (WeirSqliteStatement) insert = NULL;

    if (input->secrets[kind] == NULL)
      continue;
    insert = weir_sqlite_prepare (
        self, "INSERT INTO secrets (input, kind, digest, secret) VALUES (?, ?, ?, ?)", error);
    if (insert == NULL)
      return FALSE;
    digest = weir_store_digest_secret (input->secrets[kind]);
    weir_sqlite_bind_text (insert, 1, input->uid);
    sqlite3_bind_int (insert, 2, (gint) kind);
    weir_sqlite_bind_text (insert, 3, digest);
    weir_sqlite_bind_text (insert, 4, input->secrets[kind]);
    if (!weir_sqlite_finish (self, insert, "Cannot keep a secret", error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_create_input (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      "INSERT INTO inputs (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      error);

  if (statement == NULL)
    return FALSE;
  bind_input (statement, job->input);
  if (!weir_sqlite_finish (self, statement, "Cannot create the live input", error) ||
      !insert_secrets (self, job->input, error))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_INPUT, job->input->uid);
  return TRUE;
}

static gboolean
run_get_input (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, SELECT_INPUTS "WHERE uid = ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, job->uid);
  return answer_input (self, job, statement, error);
}

static gboolean
run_find_input (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      SELECT_INPUTS "WHERE uid = (SELECT input FROM secrets WHERE kind = ? AND digest = ?)", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  weir_sqlite_bind_text (statement, 2, job->text);
  return answer_input (self, job, statement, error);
}

/* Returns: the index of the next parameter */
static gint
bind_filter (WeirSqliteStatement *statement, const WeirLiveInputFilter *filter)
{
  weir_sqlite_bind_text (statement, 1, filter->account);
  sqlite3_bind_int64 (
      statement, 2, filter->created_from_us != 0 ? filter->created_from_us : G_MININT64);
  sqlite3_bind_int64 (
      statement, 3, filter->created_before_us != 0 ? filter->created_before_us : G_MAXINT64);
  return 4;
}

/* how many there would be without the limit. @listed: how many there are with it */
static gboolean
count_inputs (WeirSqlite *self, const WeirLiveInputFilter *filter, guint listed, guint64 *total,
    GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;

  if (filter->limit == 0 || listed < filter->limit) {
    *total = listed;
    return TRUE;
  }
  statement = weir_sqlite_prepare (self, "SELECT count (*) FROM inputs " LISTED, error);
  if (statement == NULL)
    return FALSE;
  bind_filter (statement, filter);
  if (sqlite3_step (statement) != SQLITE_ROW)
    return weir_sqlite_fail (self->database, "Cannot count the live inputs", error);
  *total = weir_sqlite_column_number (statement, 0);
  return TRUE;
}

static gboolean
run_list_inputs (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const WeirLiveInputFilter *filter = job->filter;
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, filter->ascending ? SELECT_LIST ("ASC") : SELECT_LIST ("DESC"), error);
  g_autoptr (GPtrArray) inputs = NULL;
  guint64 total = 0;
  gint next;

  if (statement == NULL)
    return FALSE;
  next = bind_filter (statement, filter);
  sqlite3_bind_int64 (statement, next, filter->limit > 0 ? (gint64) filter->limit : -1);
  inputs = weir_sqlite_read_rows (
      self, statement, read_input, (GDestroyNotify) weir_live_input_free, error);
  if (inputs == NULL || !count_inputs (self, filter, inputs->len, &total, error))
    return FALSE;
  weir_sqlite_job_set_result (job, weir_live_input_list_new (g_steal_pointer (&inputs), total),
      (GDestroyNotify) weir_live_input_list_free);
  return TRUE;
}

/* is it there, and still as the caller has read it? */
static gboolean
check_modified (
    WeirSqlite *self, const WeirLiveInput *input, gint64 expected_modified_us, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "SELECT modified_us FROM inputs WHERE account = ? AND uid = ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, input->account);
  weir_sqlite_bind_text (statement, 2, input->uid);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    if (sqlite3_column_int64 (statement, 0) == expected_modified_us)
      return TRUE;
    return weir_sqlite_fail_as (
        WEIR_STORE_ERROR_FENCED, "The live input has been changed meanwhile", error);
  case SQLITE_DONE:
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, NO_SUCH, error);
  default:
    return weir_sqlite_fail (self->database, "Cannot read the live input", error);
  }
}

static gboolean
run_update_input (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  g_autoptr (WeirSqliteStatement) forget = NULL;
  gint next;

  if (!check_modified (self, job->input, job->time_us, error))
    return FALSE;
  statement = weir_sqlite_prepare (self,
      "UPDATE inputs SET (" COLUMNS ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "WHERE uid = ?",
      error);
  forget = weir_sqlite_prepare (self, "DELETE FROM secrets WHERE input = ?", error);
  if (statement == NULL || forget == NULL)
    return FALSE;
  next = bind_input (statement, job->input);
  weir_sqlite_bind_text (statement, next, job->input->uid);
  weir_sqlite_bind_text (forget, 1, job->input->uid);
  if (!weir_sqlite_finish (self, statement, "Cannot update the live input", error) ||
      !weir_sqlite_finish (self, forget, "Cannot replace the secrets", error) ||
      !insert_secrets (self, job->input, error))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_INPUT, job->input->uid);
  return TRUE;
}

static gboolean
run_delete_input (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "DELETE FROM inputs WHERE account = ? AND uid = ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, job->account);
  weir_sqlite_bind_text (statement, 2, job->uid);
  if (!weir_sqlite_finish (self, statement, "Cannot delete the live input", error))
    return FALSE;
  if (sqlite3_changes (self->database) == 0)
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, NO_SUCH, error);
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_INPUT, job->uid);
  return weir_sqlite_delete_outputs (self, job, job->uid, error);
}

static void
create_input (WeirStore *store, const WeirLiveInput *input, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_create_input, TRUE);

  job->input = weir_live_input_copy (input);
  weir_sqlite_push (store, job, task);
}

static void
get_input (WeirStore *store, const gchar *uid, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_get_input, FALSE);

  job->uid = g_strdup (uid);
  weir_sqlite_push (store, job, task);
}

static void
find_input (WeirStore *store, WeirSecret secret, const gchar *digest, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_find_input, FALSE);

  job->kind = (gint) secret;
  job->text = g_strdup (digest);
  weir_sqlite_push (store, job, task);
}

static void
list_inputs (WeirStore *store, const WeirLiveInputFilter *filter, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_list_inputs, FALSE);
  WeirLiveInputFilter *copy = g_memdup2 (filter, sizeof *filter);

  copy->account = job->account = g_strdup (filter->account);
  job->filter = copy;
  job->filter_free = g_free;
  weir_sqlite_push (store, job, task);
}

static void
update_input (
    WeirStore *store, const WeirLiveInput *input, gint64 expected_modified_us, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_update_input, TRUE);

  job->input = weir_live_input_copy (input);
  job->time_us = expected_modified_us;
  weir_sqlite_push (store, job, task);
}

static void
delete_input (WeirStore *store, const gchar *account, const gchar *uid, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_delete_input, TRUE);

  job->account = g_strdup (account);
  job->uid = g_strdup (uid);
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_inputs (WeirStoreInterface *iface)
{
  iface->create_input = create_input;
  iface->get_input = get_input;
  iface->find_input = find_input;
  iface->list_inputs = list_inputs;
  iface->update_input = update_input;
  iface->delete_input = delete_input;
}
