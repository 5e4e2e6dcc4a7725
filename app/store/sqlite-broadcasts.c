/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#define COLUMNS                                                                           \
  "uid, input, account, epoch, state, recorded, created_us, ended_us, committed, inits, " \
  "modified_us, name, creator, settings, delete_at_us"
#define ALL_COLUMNS COLUMNS ", segments, size, duration_us"
#define NO_SUCH "No such broadcast"
/* segments that are deleted in one transaction: commits wait no longer than for these */
#define DELETE_STEP 1000
/* state of a row that is no broadcast any more, but still has segments to be deleted */
#define DOOMED "3"

G_STATIC_ASSERT (WEIR_BROADCAST_READY + 1 == 3);

static gpointer
read_broadcast (WeirSqliteStatement *statement)
{
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);
  gint column = 0;

  record->uid = weir_sqlite_column_text (statement, column++);
  record->input = weir_sqlite_column_text (statement, column++);
  record->account = weir_sqlite_column_text (statement, column++);
  record->epoch = weir_sqlite_column_number (statement, column++);
  record->state = (WeirBroadcastState) sqlite3_column_int (statement, column++);
  record->recorded = sqlite3_column_int (statement, column++) != 0;
  record->created_us = sqlite3_column_int64 (statement, column++);
  record->ended_us = sqlite3_column_int64 (statement, column++);
  record->committed = weir_sqlite_column_text (statement, column++);
  record->inits = weir_sqlite_column_text (statement, column++);
  record->modified_us = sqlite3_column_int64 (statement, column++);
  record->name = weir_sqlite_column_text (statement, column++);
  record->creator = weir_sqlite_column_text (statement, column++);
  record->settings = weir_sqlite_column_text (statement, column++);
  record->delete_at_us = sqlite3_column_int64 (statement, column++);
  record->segments = weir_sqlite_column_number (statement, column++);
  record->size = weir_sqlite_column_number (statement, column++);
  record->duration_us = sqlite3_column_int64 (statement, column++);
  return record;
}

static gboolean
answer_broadcast (WeirSqlite *self, WeirSqliteJob *job, const gchar *uid, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "SELECT " ALL_COLUMNS " FROM broadcasts WHERE uid = ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, uid);
  return weir_sqlite_answer_row (self, job, statement, read_broadcast,
      (GDestroyNotify) weir_broadcast_record_free, NO_SUCH, error);
}

/* what nobody but the store says */
static void
begin_record (WeirBroadcastRecord *record)
{
  record->state = WEIR_BROADCAST_LIVE;
  record->ended_us = 0;
  record->segments = 0;
  record->size = 0;
  record->duration_us = 0;
  if (record->modified_us == 0)
    record->modified_us = record->created_us;
  if (record->settings == NULL)
    record->settings = g_strdup ("{}");
}

static gboolean
run_begin_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  WeirBroadcastRecord *record = job->record;
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint column = 1;

  if (!weir_sqlite_next_epoch (self, &record->epoch, error))
    return FALSE;
  begin_record (record);
  statement = weir_sqlite_prepare (self,
      "INSERT INTO broadcasts (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      error);
  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, column++, record->uid);
  weir_sqlite_bind_text (statement, column++, record->input);
  weir_sqlite_bind_text (statement, column++, record->account);
  weir_sqlite_bind_number (statement, column++, record->epoch);
  sqlite3_bind_int (statement, column++, record->state);
  sqlite3_bind_int (statement, column++, record->recorded ? 1 : 0);
  sqlite3_bind_int64 (statement, column++, record->created_us);
  sqlite3_bind_int64 (statement, column++, record->ended_us);
  weir_sqlite_bind_text (statement, column++, record->committed);
  weir_sqlite_bind_text (statement, column++, record->inits);
  sqlite3_bind_int64 (statement, column++, record->modified_us);
  weir_sqlite_bind_text (statement, column++, record->name);
  weir_sqlite_bind_text (statement, column++, record->creator);
  weir_sqlite_bind_text (statement, column++, record->settings);
  sqlite3_bind_int64 (statement, column++, record->delete_at_us);
  if (!weir_sqlite_finish (self, statement, "Cannot begin the broadcast", error))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_BROADCAST, record->uid);
  weir_sqlite_job_set_result (
      job, g_steal_pointer (&job->record), (GDestroyNotify) weir_broadcast_record_free);
  return TRUE;
}

static gboolean
run_claim_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;
  guint64 epoch = 0;

  if (!weir_sqlite_find_broadcast (self, job->uid, &number, &epoch, error) ||
      !weir_sqlite_check_owner (self, job->uid, job->epoch, &number, error) ||
      !weir_sqlite_next_epoch (self, &epoch, error))
    return FALSE;
  statement = weir_sqlite_prepare (self, "UPDATE broadcasts SET epoch = ? WHERE number = ?", error);
  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_number (statement, 1, epoch);
  sqlite3_bind_int64 (statement, 2, number);
  if (!weir_sqlite_finish (self, statement, "Cannot claim the broadcast", error) ||
      !answer_broadcast (self, job, job->uid, error))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_BROADCAST, job->uid);
  return TRUE;
}

static gboolean
run_get_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  return answer_broadcast (self, job, job->uid, error);
}

static gboolean
run_edit_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const WeirBroadcastRecord *record = job->record;
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;
  guint64 epoch;

  if (!weir_sqlite_find_broadcast (self, record->uid, &number, &epoch, error))
    return FALSE;
  statement = weir_sqlite_prepare (self,
      "UPDATE broadcasts SET name = ?, creator = ?, settings = ?, delete_at_us = ?, "
      "modified_us = ? WHERE number = ? AND modified_us = ?",
      error);
  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, record->name);
  weir_sqlite_bind_text (statement, 2, record->creator);
  weir_sqlite_bind_text (statement, 3, record->settings != NULL ? record->settings : "{}");
  sqlite3_bind_int64 (statement, 4, record->delete_at_us);
  sqlite3_bind_int64 (statement, 5, record->modified_us);
  sqlite3_bind_int64 (statement, 6, number);
  sqlite3_bind_int64 (statement, 7, job->time_us);
  if (!weir_sqlite_finish (self, statement, "Cannot edit the broadcast", error))
    return FALSE;
  if (sqlite3_changes (self->database) == 0)
    return weir_sqlite_fail_as (
        WEIR_STORE_ERROR_FENCED, "The broadcast has been edited meanwhile", error);
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_BROADCAST, record->uid);
  return TRUE;
}

/* @complete: (out): whether there were no more segments, and the row has gone with the last */
static gboolean
delete_step (WeirSqlite *self, gint64 number, gboolean *complete, GError **error)
{
  g_autoptr (WeirSqliteStatement) segments = weir_sqlite_prepare (self,
      "DELETE FROM segments WHERE broadcast = ?1 AND number IN "
      "(SELECT number FROM segments WHERE broadcast = ?1 ORDER BY number LIMIT ?2)",
      error);
  g_autoptr (WeirSqliteStatement) row = NULL;

  if (segments == NULL)
    return FALSE;
  sqlite3_bind_int64 (segments, 1, number);
  sqlite3_bind_int (segments, 2, DELETE_STEP);
  if (!weir_sqlite_finish (self, segments, "Cannot delete the segments", error))
    return FALSE;
  *complete = sqlite3_changes (self->database) < DELETE_STEP;
  if (!*complete)
    return TRUE;
  row = weir_sqlite_prepare (self, "DELETE FROM broadcasts WHERE number = ?", error);
  if (row == NULL)
    return FALSE;
  sqlite3_bind_int64 (row, 1, number);
  return weir_sqlite_finish (self, row, "Cannot delete the broadcast", error);
}

/* nobody finds it from now on, by whatever is asked for; its name is free */
static gboolean
doom_broadcast (WeirSqlite *self, gint64 number, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      "UPDATE broadcasts SET uid = 'deleted/' || number, input = '', account = '', "
      "state = " DOOMED ", recorded = 0, committed = NULL, inits = NULL, name = NULL, "
      "creator = NULL, settings = '{}', delete_at_us = 0 WHERE number = ?",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  self->doomed = TRUE;
  return weir_sqlite_finish (self, statement, "Cannot delete the broadcast", error);
}

static gboolean
run_delete_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  gint64 number = 0;
  guint64 epoch;
  gboolean complete;

  if (!weir_sqlite_find_broadcast (self, job->uid, &number, &epoch, error) ||
      !delete_step (self, number, &complete, error) ||
      (!complete && !doom_broadcast (self, number, error)) ||
      (job->event != NULL && !weir_sqlite_add_event (self, job->event, NULL, error)))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_BROADCAST, job->uid);
  return TRUE;
}

/* @number: (out): 0: there is none */
static gboolean
find_doomed (WeirSqlite *self, gint64 *number, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "SELECT number FROM broadcasts WHERE state = " DOOMED " LIMIT 1", error);
  gint status;

  if (statement == NULL)
    return FALSE;
  status = sqlite3_step (statement);
  *number = status == SQLITE_ROW ? sqlite3_column_int64 (statement, 0) : 0;
  return status == SQLITE_ROW || status == SQLITE_DONE ||
         weir_sqlite_fail (self->database, "Cannot read the database", error);
}

void
weir_sqlite_delete_some (WeirSqlite *self)
{
  g_autoptr (GError) error = NULL;
  gint64 number = 0;
  gboolean complete;

  self->doomed = self->database != NULL && find_doomed (self, &number, &error) && number != 0;
  if (self->doomed && weir_sqlite_execute (self, "BEGIN IMMEDIATE", &error)) {
    if (delete_step (self, number, &complete, &error))
      weir_sqlite_execute (self, "COMMIT", &error);
    if (!sqlite3_get_autocommit (self->database))
      weir_sqlite_execute (self, "ROLLBACK", NULL);
  }
  if (error == NULL)
    return;
  /* the next deletion, or the next start, goes on with it */
  g_message ("%s: what was deleted still takes room: %s", self->path, error->message);
  self->doomed = FALSE;
}

static gboolean
run_end_broadcast (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;

  if (!weir_sqlite_check_owner (self, job->uid, job->epoch, &number, error))
    return FALSE;
  statement = weir_sqlite_prepare (self,
      "UPDATE broadcasts SET state = ?, "
      "ended_us = CASE ended_us WHEN 0 THEN ? ELSE ended_us END WHERE number = ?",
      error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  sqlite3_bind_int64 (statement, 2, g_get_real_time ());
  sqlite3_bind_int64 (statement, 3, number);
  if (!weir_sqlite_finish (self, statement, "Cannot end the broadcast", error) ||
      (job->event != NULL && !weir_sqlite_add_event (self, job->event, NULL, error)))
    return FALSE;
  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_BROADCAST, job->uid);
  return TRUE;
}

/* ---- lists ---- */

static WeirBroadcastFilter *
filter_copy (const WeirBroadcastFilter *self)
{
  WeirBroadcastFilter *copy = g_memdup2 (self, sizeof *self);

  copy->account = g_strdup (self->account);
  copy->input = g_strdup (self->input);
  copy->uid = g_strdup (self->uid);
  copy->creator = g_strdup (self->creator);
  copy->name = g_strdup (self->name);
  copy->search = g_strdup (self->search);
  return copy;
}

static void
filter_free (gpointer data)
{
  WeirBroadcastFilter *self = data;

  g_free ((gchar *) self->account);
  g_free ((gchar *) self->input);
  g_free ((gchar *) self->uid);
  g_free ((gchar *) self->creator);
  g_free ((gchar *) self->name);
  g_free ((gchar *) self->search);
  g_free (self);
}

/* a place for each field of the filter, in this order */
enum {
  PLACE_ACCOUNT = 1,
  PLACE_INPUT,
  PLACE_UID,
  PLACE_CREATOR,
  PLACE_NAME,
  PLACE_SEARCH,
  PLACE_FROM,
  PLACE_BEFORE,
  PLACE_DELETE,
  PLACE_LIMIT,
};

static void
add_states (GString *text, guint states)
{
  const gchar *separator = " AND state IN (";

  for (guint state = 0; state <= WEIR_BROADCAST_READY; state++) {
    if ((states & (1u << state)) == 0)
      continue;
    g_string_append_printf (text, "%s%u", separator, state);
    separator = ", ";
  }
  g_string_append (text, separator[0] == ',' ? ")" : " AND 0");
}

/* only what is asked for is in the text, so that an index can answer it. One that names an input,
 * a creator or a name has few rows: other indexes are kept from being taken by a plus sign */
static gchar *
make_query (const WeirBroadcastFilter *filter)
{
  g_autoptr (GString) text =
      g_string_new ("SELECT " ALL_COLUMNS " FROM broadcasts WHERE +state < " DOOMED);
  gboolean narrow = filter->uid != NULL || filter->input != NULL || filter->creator != NULL ||
                    filter->name != NULL || filter->delete_before_us != 0;
  const gchar *order = filter->ascending ? "ASC" : "DESC";

  if (filter->account != NULL)
    g_string_append_printf (text, " AND %saccount = ?1", narrow ? "+" : "");
  if (filter->input != NULL)
    g_string_append (text, " AND input = ?2");
  if (filter->uid != NULL)
    g_string_append (text, " AND uid = ?3");
  if (filter->creator != NULL)
    g_string_append (text, " AND creator = ?4");
  if (filter->name != NULL)
    g_string_append (text, " AND name = ?5");
  if (filter->search != NULL)
    g_string_append (text, " AND instr (lower (name), lower (?6)) > 0");
  if (filter->created_from_us != 0)
    g_string_append (text, " AND created_us >= ?7");
  if (filter->created_before_us != 0)
    g_string_append (text, " AND created_us < ?8");
  if (filter->delete_before_us != 0)
    g_string_append (text, " AND delete_at_us > 0 AND delete_at_us <= ?9");
  if (filter->recorded)
    g_string_append (text, " AND recorded = 1");
  if (filter->states != 0)
    add_states (text, filter->states);
  g_string_append_printf (text, " ORDER BY created_us %s, number %s LIMIT ?10", order, order);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
bind_filter_text (WeirSqliteStatement *statement, gint place, const gchar *text)
{
  if (text != NULL)
    weir_sqlite_bind_text (statement, place, text);
}

/* of the many filters that there could be, few are used */
static gboolean
run_list_broadcasts (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const WeirBroadcastFilter *filter = job->filter;
  g_autofree gchar *text = make_query (filter);
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self, text, error);

  if (statement == NULL)
    return FALSE;
  bind_filter_text (statement, PLACE_ACCOUNT, filter->account);
  bind_filter_text (statement, PLACE_INPUT, filter->input);
  bind_filter_text (statement, PLACE_UID, filter->uid);
  bind_filter_text (statement, PLACE_CREATOR, filter->creator);
  bind_filter_text (statement, PLACE_NAME, filter->name);
  bind_filter_text (statement, PLACE_SEARCH, filter->search);
  sqlite3_bind_int64 (statement, PLACE_FROM, filter->created_from_us);
  sqlite3_bind_int64 (statement, PLACE_BEFORE, filter->created_before_us);
  sqlite3_bind_int64 (statement, PLACE_DELETE, filter->delete_before_us);
  sqlite3_bind_int64 (statement, PLACE_LIMIT, filter->limit > 0 ? (gint64) filter->limit : -1);
  return weir_sqlite_answer_rows (
      self, job, statement, read_broadcast, (GDestroyNotify) weir_broadcast_record_free, error);
}

static gpointer
read_usage (WeirSqliteStatement *statement)
{
  WeirStoreUsage *usage = g_new0 (WeirStoreUsage, 1);

  usage->broadcasts = weir_sqlite_column_number (statement, 0);
  usage->segments = weir_sqlite_column_number (statement, 1);
  usage->size = weir_sqlite_column_number (statement, 2);
  usage->duration_us = sqlite3_column_int64 (statement, 3);
  return usage;
}

#define SELECT_USAGE                                                 \
  "SELECT count (*), sum (segments), sum (size), sum (duration_us) " \
  "FROM broadcasts WHERE recorded = 1"

static gboolean
run_get_usage (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  static const gchar *const texts[2][2] = {
      {SELECT_USAGE, SELECT_USAGE " AND creator = ?2"},
      {SELECT_USAGE " AND account = ?1", SELECT_USAGE " AND +account = ?1 AND creator = ?2"},
  };
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, texts[job->account != NULL][job->text != NULL], error);

  if (statement == NULL)
    return FALSE;
  bind_filter_text (statement, 1, job->account);
  bind_filter_text (statement, 2, job->text);
  return weir_sqlite_answer_row (self, job, statement, read_usage, g_free, NO_SUCH, error);
}

/* ---- the calls ---- */

static void
begin_broadcast (WeirStore *store, const WeirBroadcastRecord *record, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_begin_broadcast, TRUE);

  job->record = weir_broadcast_record_copy (record);
  weir_sqlite_push (store, job, task);
}

static void
claim_broadcast (WeirStore *store, const gchar *uid, guint64 expected_epoch, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_claim_broadcast, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = expected_epoch;
  weir_sqlite_push (store, job, task);
}

static void
get_broadcast (WeirStore *store, const gchar *uid, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_get_broadcast, FALSE);

  job->uid = g_strdup (uid);
  weir_sqlite_push (store, job, task);
}

static void
list_broadcasts (WeirStore *store, const WeirBroadcastFilter *filter, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_list_broadcasts, FALSE);

  job->filter = filter_copy (filter);
  job->filter_free = filter_free;
  weir_sqlite_push (store, job, task);
}

static void
edit_broadcast (
    WeirStore *store, const WeirBroadcastRecord *record, gint64 expected_modified_us, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_edit_broadcast, TRUE);

  job->record = weir_broadcast_record_copy (record);
  job->time_us = expected_modified_us;
  weir_sqlite_push (store, job, task);
}

static void
delete_broadcast (WeirStore *store, const gchar *uid, const WeirEvent *event, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_delete_broadcast, TRUE);

  job->uid = g_strdup (uid);
  job->event = event != NULL ? weir_event_copy (event) : NULL;
  weir_sqlite_push (store, job, task);
}

static void
end_broadcast (WeirStore *store, const gchar *uid, guint64 epoch, WeirBroadcastState state,
    const WeirEvent *event, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_end_broadcast, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->kind = (gint) state;
  job->event = event != NULL ? weir_event_copy (event) : NULL;
  weir_sqlite_push (store, job, task);
}

static void
get_usage (WeirStore *store, const gchar *account, const gchar *creator, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_get_usage, FALSE);

  job->account = g_strdup (account);
  job->text = g_strdup (creator);
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_broadcasts (WeirStoreInterface *iface)
{
  iface->begin_broadcast = begin_broadcast;
  iface->claim_broadcast = claim_broadcast;
  iface->get_broadcast = get_broadcast;
  iface->list_broadcasts = list_broadcasts;
  iface->edit_broadcast = edit_broadcast;
  iface->delete_broadcast = delete_broadcast;
  iface->end_broadcast = end_broadcast;
  iface->get_usage = get_usage;
}
