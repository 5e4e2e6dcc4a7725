/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

/* events that one step of a trim forgets: others' calls come between */
#define TRIM_STEP 1000

#define COLUMNS "sequence, time_us, type, account, input, broadcast, data"

static gpointer
read_event (WeirSqliteStatement *statement)
{
  WeirEvent *event = g_new0 (WeirEvent, 1);
  gint column = 0;

  event->sequence = weir_sqlite_column_number (statement, column++);
  event->time_us = sqlite3_column_int64 (statement, column++);
  event->type = weir_sqlite_column_text (statement, column++);
  event->account = weir_sqlite_column_text (statement, column++);
  event->input = weir_sqlite_column_text (statement, column++);
  event->broadcast = weir_sqlite_column_text (statement, column++);
  event->data = weir_sqlite_column_text (statement, column++);
  return event;
}

gboolean
weir_sqlite_add_event (WeirSqlite *self, const WeirEvent *event, guint64 *sequence, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      "INSERT INTO events (time_us, type, account, input, broadcast, data) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      error);
  gint column = 1;

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, column++, event->time_us);
  weir_sqlite_bind_text (statement, column++, event->type);
  weir_sqlite_bind_text (statement, column++, event->account);
  weir_sqlite_bind_text (statement, column++, event->input);
  weir_sqlite_bind_text (statement, column++, event->broadcast);
  weir_sqlite_bind_text (statement, column++, event->data);
  if (!weir_sqlite_finish (self, statement, "Cannot keep the event", error))
    return FALSE;
  self->newest_event = (guint64) sqlite3_last_insert_rowid (self->database);
  if (sequence != NULL)
    *sequence = self->newest_event;
  return TRUE;
}

static gboolean
run_append_event (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  guint64 sequence = 0;

  if (!weir_sqlite_add_event (self, job->event, &sequence, error))
    return FALSE;
  weir_sqlite_job_set_number (job, sequence);
  return TRUE;
}

static gboolean
run_list_events (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  static const gchar *const texts[2][2] = {
      {"SELECT " COLUMNS " FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
          "SELECT " COLUMNS " FROM events WHERE account = ?3 AND sequence > ?1 "
          "ORDER BY sequence LIMIT ?2"},
      {"SELECT " COLUMNS " FROM events WHERE sequence > ?1 ORDER BY sequence DESC LIMIT ?2",
          "SELECT " COLUMNS " FROM events WHERE account = ?3 AND sequence > ?1 "
          "ORDER BY sequence DESC LIMIT ?2"},
  };
  gboolean newest = job->epoch == WEIR_STORE_NEWEST;
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, texts[newest][job->account != NULL], error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_number (statement, 1, newest ? 0 : MIN (job->epoch, (guint64) G_MAXINT64));
  weir_sqlite_bind_number (statement, 2, newest ? 1 : job->number);
  if (job->account != NULL)
    weir_sqlite_bind_text (statement, 3, job->account);
  return weir_sqlite_answer_rows (
      self, job, statement, read_event, (GDestroyNotify) weir_event_free, error);
}

/* @last: (out): the newest that is not among the newest @keep; 0: there are no more than those */
static gboolean
find_surplus (WeirSqlite *self, guint64 keep, guint64 *last, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "SELECT sequence FROM events ORDER BY sequence DESC LIMIT 1 OFFSET ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_number (statement, 1, MIN (keep, (guint64) G_MAXINT64));
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    *last = weir_sqlite_column_number (statement, 0);
    return TRUE;
  case SQLITE_DONE:
    *last = 0;
    return TRUE;
  default:
    return weir_sqlite_fail (self->database, "Cannot count the events", error);
  }
}

/* Returns: FALSE with @error; *@deleted: how many */
static gboolean
trim_by (
    WeirSqlite *self, const gchar *text, gint64 bound, guint limit, guint *deleted, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self, text, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, bound);
  sqlite3_bind_int64 (statement, 2, limit);
  if (!weir_sqlite_finish (self, statement, "Cannot forget events", error))
    return FALSE;
  *deleted += (guint) sqlite3_changes (self->database);
  return TRUE;
}

static gboolean
run_trim_events (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  guint deleted = 0;

  /* found once: events that come meanwhile must not make it grow for ever */
  if (job->kind == 0 && !find_surplus (self, job->number, &job->epoch, error))
    return FALSE;
  job->kind = 1;
  if (!trim_by (self,
          "DELETE FROM events WHERE sequence IN "
          "(SELECT sequence FROM events WHERE sequence <= ? ORDER BY sequence LIMIT ?)",
          (gint64) job->epoch, TRIM_STEP, &deleted, error) ||
      !trim_by (self,
          "DELETE FROM events WHERE sequence IN "
          "(SELECT sequence FROM events WHERE time_us < ? ORDER BY time_us LIMIT ?)",
          job->time_us, TRIM_STEP - deleted, &deleted, error))
    return FALSE;
  job->again = deleted >= TRIM_STEP;
  return TRUE;
}

static void
append_event (WeirStore *store, const WeirEvent *event, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_append_event, TRUE);

  job->event = weir_event_copy (event);
  weir_sqlite_push (store, job, task);
}

static void
list_events (WeirStore *store, const gchar *account, guint64 after, guint limit, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_list_events, FALSE);

  job->account = g_strdup (account);
  job->epoch = after;
  job->number = limit;
  weir_sqlite_push (store, job, task);
}

static void
trim_events (WeirStore *store, gint64 before_us, guint64 keep, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_trim_events, TRUE);

  job->time_us = before_us;
  job->number = keep;
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_events (WeirStoreInterface *iface)
{
  iface->append_event = append_event;
  iface->list_events = list_events;
  iface->trim_events = trim_events;
}
