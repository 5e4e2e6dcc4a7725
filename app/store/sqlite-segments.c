/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

gboolean
weir_sqlite_next_epoch (WeirSqlite *self, guint64 *epoch, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "UPDATE epoch SET value = value + 1 RETURNING value", error);

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) != SQLITE_ROW)
    return weir_sqlite_fail (self->database, "Cannot raise the epoch", error);
  *epoch = weir_sqlite_column_number (statement, 0);
  return TRUE;
}

gboolean
weir_sqlite_find_broadcast (
    WeirSqlite *self, const gchar *uid, gint64 *number, guint64 *epoch, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "SELECT number, epoch FROM broadcasts WHERE uid = ?", error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, uid);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    *number = sqlite3_column_int64 (statement, 0);
    *epoch = weir_sqlite_column_number (statement, 1);
    return TRUE;
  case SQLITE_DONE:
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, "No such broadcast", error);
  default:
    return weir_sqlite_fail (self->database, "Cannot read the broadcast", error);
  }
}

gboolean
weir_sqlite_check_owner (
    WeirSqlite *self, const gchar *uid, guint64 epoch, gint64 *number, GError **error)
{
  g_autoptr (GError) problem = NULL;
  guint64 owner = 0;

  if (!weir_sqlite_find_broadcast (self, uid, number, &owner, &problem)) {
    if (problem->code == WEIR_STORE_ERROR_NOT_FOUND)
      return weir_sqlite_fail_as (WEIR_STORE_ERROR_FENCED, "The broadcast has been deleted", error);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (owner == epoch)
    return TRUE;
  g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED,
      "The broadcast has another owner: its epoch is %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT,
      owner, epoch);
  return FALSE;
}

/* what an entry adds to its broadcast */
typedef struct {
  guint64 segments;
  guint64 size;
  gint64 duration_us;
} Share;

/* @share: (out): of the entries that @text finds */
static gboolean
read_share (WeirSqlite *self, const gchar *text, gint64 broadcast, guint64 number, Share *share,
    GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self, text, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, broadcast);
  weir_sqlite_bind_number (statement, 2, number);
  if (sqlite3_step (statement) != SQLITE_ROW)
    return weir_sqlite_fail (self->database, "Cannot read the segments", error);
  share->segments = weir_sqlite_column_number (statement, 0);
  share->size = weir_sqlite_column_number (statement, 1);
  share->duration_us = sqlite3_column_int64 (statement, 2);
  return TRUE;
}

/* @committed: (nullable): stays as it was */
static gboolean
change_sums (WeirSqlite *self, gint64 broadcast, const Share *added, const Share *taken,
    const gchar *committed, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      "UPDATE broadcasts SET segments = segments + ?, size = size + ?, "
      "duration_us = duration_us + ?, committed = coalesce (?, committed) WHERE number = ?",
      error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_number (statement, 1, added->segments - taken->segments);
  weir_sqlite_bind_number (statement, 2, added->size - taken->size);
  sqlite3_bind_int64 (statement, 3, added->duration_us - taken->duration_us);
  weir_sqlite_bind_text (statement, 4, committed);
  sqlite3_bind_int64 (statement, 5, broadcast);
  return weir_sqlite_finish (self, statement, "Cannot commit to the broadcast", error);
}

static gboolean
put_entry (WeirSqlite *self, const WeirSqliteJob *job, gint64 broadcast, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      "INSERT INTO segments (broadcast, number, entry, size, duration_us) "
      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (broadcast, number) "
      "DO UPDATE SET entry = ?3, size = ?4, duration_us = ?5",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, broadcast);
  weir_sqlite_bind_number (statement, 2, job->number);
  weir_sqlite_bind_text (statement, 3, job->text);
  weir_sqlite_bind_number (statement, 4, job->size);
  sqlite3_bind_int64 (statement, 5, job->time_us);
  return weir_sqlite_finish (self, statement, "Cannot commit the segment", error);
}

#define SELECT_SHARE                                                             \
  "SELECT count (*), coalesce (sum (size), 0), coalesce (sum (duration_us), 0) " \
  "FROM segments WHERE broadcast = ? AND number "

static gboolean
run_commit_segment (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const Share added = {1, job->size, job->time_us};
  Share replaced = {0};
  gint64 number = 0;

  if (!weir_sqlite_check_owner (self, job->uid, job->epoch, &number, error) ||
      !read_share (self, SELECT_SHARE "= ?", number, job->number, &replaced, error) ||
      !put_entry (self, job, number, error) ||
      !change_sums (self, number, &added, &replaced, job->committed, error))
    return FALSE;
  return job->event == NULL || replaced.segments > 0 ||
         weir_sqlite_add_event (self, job->event, NULL, error);
}

static gboolean
update_text (WeirSqlite *self, WeirSqliteJob *job, const gchar *text, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;

  if (!weir_sqlite_check_owner (self, job->uid, job->epoch, &number, error))
    return FALSE;
  statement = weir_sqlite_prepare (self, text, error);
  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, job->text);
  sqlite3_bind_int64 (statement, 2, number);
  return weir_sqlite_finish (self, statement, "Cannot commit to the broadcast", error);
}

static gboolean
run_commit_state (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  return update_text (self, job, "UPDATE broadcasts SET committed = ? WHERE number = ?", error);
}

static gboolean
run_commit_inits (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  return update_text (self, job, "UPDATE broadcasts SET inits = ? WHERE number = ?", error);
}

static gboolean
run_forget_segments (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const Share none = {0};
  Share taken = {0};
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;

  if (!weir_sqlite_check_owner (self, job->uid, job->epoch, &number, error) ||
      !read_share (self, SELECT_SHARE "< ?", number, job->number, &taken, error))
    return FALSE;
  statement =
      weir_sqlite_prepare (self, "DELETE FROM segments WHERE broadcast = ? AND number < ?", error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  weir_sqlite_bind_number (statement, 2, job->number);
  return weir_sqlite_finish (self, statement, "Cannot forget the segments", error) &&
         change_sums (self, number, &none, &taken, NULL, error);
}

static gpointer
read_entry (WeirSqliteStatement *statement)
{
  return weir_sqlite_column_text (statement, 0);
}

static gboolean
run_list_segments (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;
  guint64 epoch;

  if (!weir_sqlite_find_broadcast (self, job->uid, &number, &epoch, error))
    return FALSE;
  statement = weir_sqlite_prepare (
      self, "SELECT entry FROM segments WHERE broadcast = ? ORDER BY number", error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  return weir_sqlite_answer_rows (self, job, statement, read_entry, g_free, error);
}

static gboolean
run_get_newest_segment (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;
  gint64 number = 0;
  guint64 epoch;

  if (!weir_sqlite_find_broadcast (self, job->uid, &number, &epoch, error))
    return FALSE;
  statement = weir_sqlite_prepare (
      self, "SELECT entry FROM segments WHERE broadcast = ? ORDER BY number DESC LIMIT 1", error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, number);
  return weir_sqlite_answer_row (
      self, job, statement, read_entry, g_free, "The broadcast has no segments", error);
}

static void
commit_segment (
    WeirStore *store, const gchar *uid, guint64 epoch, const WeirSegmentCommit *commit, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_commit_segment, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->number = commit->number;
  job->text = g_strdup (commit->entry);
  job->committed = g_strdup (commit->committed);
  job->size = commit->size;
  job->time_us = commit->duration_us;
  job->event = commit->event != NULL ? weir_event_copy (commit->event) : NULL;
  weir_sqlite_push (store, job, task);
}

static void
commit_state (
    WeirStore *store, const gchar *uid, guint64 epoch, const gchar *committed, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_commit_state, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->text = g_strdup (committed);
  weir_sqlite_push (store, job, task);
}

static void
commit_inits (WeirStore *store, const gchar *uid, guint64 epoch, const gchar *inits, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_commit_inits, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->text = g_strdup (inits);
  weir_sqlite_push (store, job, task);
}

static void
forget_segments (WeirStore *store, const gchar *uid, guint64 epoch, guint64 before, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_forget_segments, TRUE);

  job->uid = g_strdup (uid);
  job->epoch = epoch;
  job->number = before;
  weir_sqlite_push (store, job, task);
}

static void
list_segments (WeirStore *store, const gchar *uid, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_list_segments, FALSE);

  job->uid = g_strdup (uid);
  weir_sqlite_push (store, job, task);
}

static void
get_newest_segment (WeirStore *store, const gchar *uid, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_get_newest_segment, FALSE);

  job->uid = g_strdup (uid);
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_segments (WeirStoreInterface *iface)
{
  iface->commit_segment = commit_segment;
  iface->commit_state = commit_state;
  iface->commit_inits = commit_inits;
  iface->forget_segments = forget_segments;
  iface->list_segments = list_segments;
  iface->get_newest_segment = get_newest_segment;
}
