/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/*
 * What the files of the SQLite backend share: `sqlite.c` has the thread and its jobs,
 * `sqlite-schema.c` opens the file, the others each do one matter of the contract.
 */

typedef sqlite3_stmt WeirSqliteStatement;

/* resets it; it stays prepared */
void weir_sqlite_statement_done (WeirSqliteStatement *self);

/*
 * What the thread works on. It outlives the object when the object's last reference goes on the
 * thread itself, which happens when an answered task is released there.
 */
typedef struct {
  gatomicrefcount ref_count;
  gchar *path;
  sqlite3 *database;      /* NULL: could not be opened again */
  gboolean only_reads;    /* the disk takes nothing, as at the start: what writes opens it anew */
  GHashTable *statements; /* text → WeirSqliteStatement */
  guint64 newest_event;   /* sequence of the newest that the transaction has; 0: none */

  gboolean doomed; /* there may be broadcasts whose deletion has only begun */

  gint backing_up; /* atomic: a backup is being made */

  GMutex lock;
  GCond changed;
  GQueue jobs;   /* of WeirSqliteJob; under the lock, like what follows */
  guint waiting; /* that are not answered */
  gboolean stopping;
} WeirSqlite;

typedef struct _WeirSqliteJob WeirSqliteJob;
struct _WeirSqliteJob {
  GTask *task;
  gboolean (*run) (WeirSqlite *self, WeirSqliteJob *job, GError **error);
  /* (nullable): goes on in a thread of the task's once @run is committed; answers the task itself
   */
  GTaskThreadFunc goes_on;
  gboolean writes;
  gboolean again; /* set by @run: one step is done, run it again after those that wait */

  /* arguments, as far as the call has them */
  WeirLiveInput *input;
  WeirBroadcastRecord *record;
  WeirDocument *document;
  WeirEvent *event;
  gpointer filter; /* of a list: the file's that makes the job */
  GDestroyNotify filter_free;
  gchar *account;
  gchar *uid;
  gchar *text;
  gchar *committed;
  gint kind;      /* or state */
  guint64 epoch;  /* or revision */
  guint64 number; /* or limit */
  guint64 size;
  gint64 time_us; /* or duration */

  /* the answer */
  gpointer result; /* NULL: TRUE */
  GDestroyNotify result_free;
  GError *error;
  GSList *changes; /* to be told once it is committed */
};

WeirSqlite *weir_sqlite_new (const gchar *path);
WeirSqlite *weir_sqlite_ref (WeirSqlite *self);
void weir_sqlite_unref (WeirSqlite *self);

WeirSqliteJob *weir_sqlite_job_new (
    gboolean (*run) (WeirSqlite *self, WeirSqliteJob *job, GError **error), gboolean writes);
/* @job, @task: (transfer full) */
void weir_sqlite_push (WeirStore *store, WeirSqliteJob *job, GTask *task);
/* on the thread, by what a job runs: told when it is committed */
void weir_sqlite_job_add_change (WeirSqliteJob *self, WeirStoreChange change, const gchar *id);
void weir_sqlite_job_set_result (WeirSqliteJob *self, gpointer result, GDestroyNotify result_free);
void weir_sqlite_job_set_number (WeirSqliteJob *self, guint64 number);

/* the vtable, matter by matter */
void weir_sqlite_init_inputs (WeirStoreInterface *iface);
void weir_sqlite_init_broadcasts (WeirStoreInterface *iface);
void weir_sqlite_init_segments (WeirStoreInterface *iface);
void weir_sqlite_init_documents (WeirStoreInterface *iface);
void weir_sqlite_init_events (WeirStoreInterface *iface);
void weir_sqlite_init_backup (WeirStoreInterface *iface);

/* @what: for people; never holds a secret. Returns: FALSE */
gboolean weir_sqlite_fail (sqlite3 *database, const gchar *what, GError **error);
/* Returns: FALSE */
gboolean weir_sqlite_fail_as (WeirStoreError code, const gchar *what, GError **error);

/* Returns: (transfer none) (nullable): ready to be bound; to be given to
 * weir_sqlite_statement_done(). @text: one of few: they stay prepared */
WeirSqliteStatement *weir_sqlite_prepare (WeirSqlite *self, const gchar *text, GError **error);
/* for statements without arguments and answer */
gboolean weir_sqlite_execute (WeirSqlite *self, const gchar *text, GError **error);
/* for statements without answer */
gboolean weir_sqlite_finish (
    WeirSqlite *self, WeirSqliteStatement *statement, const gchar *what, GError **error);
/* @text: (nullable): stays valid until the statement is done */
void weir_sqlite_bind_text (WeirSqliteStatement *statement, gint index, const gchar *text);
void weir_sqlite_bind_number (WeirSqliteStatement *statement, gint index, guint64 number);
gchar *weir_sqlite_column_text (WeirSqliteStatement *statement, gint index);
guint64 weir_sqlite_column_number (WeirSqliteStatement *statement, gint index);

/* one row, or all of them, as what @read makes of it: the job's answer. @what: of no row;
 * NOT_FOUND */
typedef gpointer (*WeirSqliteRead) (WeirSqliteStatement *statement);
gboolean weir_sqlite_answer_row (WeirSqlite *self, WeirSqliteJob *job,
    WeirSqliteStatement *statement, WeirSqliteRead read, GDestroyNotify row_free,
    const gchar *missing, GError **error);
/* Returns: (transfer full) (nullable) */
GPtrArray *weir_sqlite_read_rows (WeirSqlite *self, WeirSqliteStatement *statement,
    WeirSqliteRead read, GDestroyNotify row_free, GError **error);
gboolean weir_sqlite_answer_rows (WeirSqlite *self, WeirSqliteJob *job,
    WeirSqliteStatement *statement, WeirSqliteRead read, GDestroyNotify row_free, GError **error);

/* @sequence: (out) (optional) */
gboolean weir_sqlite_add_event (
    WeirSqlite *self, const WeirEvent *event, guint64 *sequence, GError **error);
/* with the outputs of a live input; each is told of */
gboolean weir_sqlite_delete_outputs (
    WeirSqlite *self, WeirSqliteJob *job, const gchar *input, GError **error);
/* with nothing else to do: goes on with a deletion that has begun, by one bounded step; clears
 * `doomed` when there is none, or it cannot be done now */
void weir_sqlite_delete_some (WeirSqlite *self);
/* @number: (out): the broadcast's row, @epoch: (out): its owner's; NOT_FOUND */
gboolean weir_sqlite_find_broadcast (
    WeirSqlite *self, const gchar *uid, gint64 *number, guint64 *epoch, GError **error);
/* the fence: FENCED, also of a broadcast that has been deleted */
gboolean weir_sqlite_check_owner (
    WeirSqlite *self, const gchar *uid, guint64 epoch, gint64 *number, GError **error);
gboolean weir_sqlite_next_epoch (WeirSqlite *self, guint64 *epoch, GError **error);

/* refuses what is not to be touched: a database of another program or of a newer version, a
 * damaged one. Reads only. INCOMPATIBLE; all else is left to weir_sqlite_open() */
gboolean weir_sqlite_inspect (const gchar *path, GError **error);
/* Opens it for writing, else for reading only; @error says why not for writing.
 *
 * Returns: FALSE when it is not open for writing */
gboolean weir_sqlite_open (WeirSqlite *self, GError **error);
void weir_sqlite_close (WeirSqlite *self);
/* a folder's entries, made or renamed, survive a power cut. Returns: FALSE with errno */
gboolean weir_sqlite_sync (const gchar *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSqlite, weir_sqlite_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirSqliteStatement, weir_sqlite_statement_done)

G_END_DECLS
