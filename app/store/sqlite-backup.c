/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* what the original gave out after the copy was made is never given again: epochs fence, also off
 * those who have seen the original, and names of objects hold them */
#define HEAD_START "1000000000"

typedef struct {
  WeirSqlite *core;
  gchar *path;
} Backup;

static void
backup_free (gpointer data)
{
  Backup *self = data;

  weir_sqlite_unref (self->core);
  g_free (self->path);
  g_free (self);
}

/* Returns: FALSE with @error, said of @path */
static gboolean
fail_with_errno (const gchar *path, GError **error)
{
  WeirStoreError code = errno == EEXIST ? WEIR_STORE_ERROR_EXISTS : WEIR_STORE_ERROR_UNAVAILABLE;

  g_set_error (error, WEIR_STORE_ERROR, code, "Cannot make %s: %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
make_empty (const gchar *path, GError **error)
{
  gint fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    return fail_with_errno (path, error);
  close (fd);
  return TRUE;
}

/* @path: empty. One transaction of a reader: others go on writing */
static gboolean
copy_into (const gchar *source, const gchar *path, GError **error)
{
  sqlite3 *database = NULL;
  gchar *text = sqlite3_mprintf ("VACUUM INTO %Q", path);
  gboolean good =
      sqlite3_open_v2 (source, &database,
          SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) == SQLITE_OK &&
      sqlite3_exec (database, text, NULL, NULL, NULL) == SQLITE_OK;

  if (!good)
    weir_sqlite_fail (database, "Cannot copy the database", error);
  sqlite3_free (text);
  sqlite3_close (database);
  return good;
}

static gboolean
give_head_start (const gchar *path, GError **error)
{
  sqlite3 *database = NULL;
  gboolean good =
      sqlite3_open_v2 (path, &database,
          SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) == SQLITE_OK &&
      sqlite3_exec (database,
          "PRAGMA journal_mode = MEMORY; BEGIN;"
          "UPDATE epoch SET value = value + " HEAD_START ";"
          "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0"
          "  WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events');"
          "UPDATE sqlite_sequence SET seq = seq + " HEAD_START "  WHERE name = 'events';"
          "COMMIT;",
          NULL, NULL, NULL) == SQLITE_OK;

  if (!good)
    weir_sqlite_fail (database, "Cannot finish the copy", error);
  sqlite3_close (database);
  return good;
}

/* the name is taken first, so that nothing is ever written over, and given to the copy when it is
 * complete and on the disk: what has been left of one that was not is an empty file */
static gboolean
make_backup (WeirSqlite *core, const gchar *path, GError **error)
{
  g_autofree gchar *partial = g_strconcat (path, ".partial", NULL);
  g_autofree gchar *folder = g_path_get_dirname (path);

  if (!make_empty (path, error))
    return FALSE;
  if (!make_empty (partial, error)) {
    unlink (path);
    return FALSE;
  }
  if (copy_into (core->path, partial, error) && give_head_start (partial, error)) {
    if (weir_sqlite_sync (partial) && rename (partial, path) == 0 && weir_sqlite_sync (folder))
      return TRUE;
    fail_with_errno (path, error);
  }
  unlink (partial);
  unlink (path);
  return FALSE;
}

static void
backup_in_thread (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data,
    G_GNUC_UNUSED GCancellable *cancellable)
{
  Backup *self = data;
  GError *error = NULL;
  gboolean good = make_backup (self->core, self->path, &error);

  g_atomic_int_set (&self->core->backing_up, 0);
  if (good)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* waits in the queue for what was called before it, then leaves the thread to the others */
static gboolean
run_backup (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  Backup *backup;

  if (!g_atomic_int_compare_and_exchange (&self->backing_up, 0, 1))
    return weir_sqlite_fail_as (
        WEIR_STORE_ERROR_UNAVAILABLE, "Another backup is being made", error);
  backup = g_new (Backup, 1);
  backup->core = weir_sqlite_ref (self);
  backup->path = g_strdup (job->text);
  g_task_set_task_data (job->task, backup, backup_free);
  job->goes_on = backup_in_thread;
  return TRUE;
}

static void
backup (WeirStore *store, const gchar *path, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_backup, FALSE);

  job->text = g_strdup (path);
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_backup (WeirStoreInterface *iface)
{
  iface->backup = backup;
}
