/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sqlite-private.h"

#define COLUMNS "kind, id, account, parent, digest, created_us, modified_us, revision, json"
#define NO_SUCH "No such document"

static gpointer
read_document (WeirSqliteStatement *statement)
{
  WeirDocument *document = g_new0 (WeirDocument, 1);
  gint column = 0;

  document->kind = (WeirDocumentKind) sqlite3_column_int (statement, column++);
  document->id = weir_sqlite_column_text (statement, column++);
  document->account = weir_sqlite_column_text (statement, column++);
  document->parent = weir_sqlite_column_text (statement, column++);
  document->digest = weir_sqlite_column_text (statement, column++);
  document->created_us = sqlite3_column_int64 (statement, column++);
  document->modified_us = sqlite3_column_int64 (statement, column++);
  document->revision = weir_sqlite_column_number (statement, column++);
  document->json = weir_sqlite_column_text (statement, column++);
  return document;
}

static void
tell_document (WeirSqliteJob *job, WeirDocumentKind kind, const gchar *document)
{
  g_autofree gchar *id = g_strdup_printf ("%d/%s", (gint) kind, document);

  weir_sqlite_job_add_change (job, WEIR_STORE_CHANGE_DOCUMENT, id);
}

/* is it there, and still as the caller has read it? */
static gboolean
check_revision (
    WeirSqlite *self, const WeirDocument *document, guint64 expected_revision, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "SELECT revision FROM documents WHERE kind = ? AND id = ?", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, (gint) document->kind);
  weir_sqlite_bind_text (statement, 2, document->id);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    if (weir_sqlite_column_number (statement, 0) == expected_revision)
      return TRUE;
    return weir_sqlite_fail_as (
        WEIR_STORE_ERROR_FENCED, "The document has been changed meanwhile", error);
  case SQLITE_DONE:
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, NO_SUCH, error);
  default:
    return weir_sqlite_fail (self->database, "Cannot read the document", error);
  }
}

static gboolean
write_document (
    WeirSqlite *self, const WeirDocument *document, guint64 expected_revision, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      expected_revision == 0
          ? "INSERT INTO documents (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
          : "UPDATE documents SET (" COLUMNS ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
            "WHERE kind = ?1 AND id = ?2",
      error);
  gint column = 1;

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, column++, (gint) document->kind);
  weir_sqlite_bind_text (statement, column++, document->id);
  weir_sqlite_bind_text (statement, column++, document->account);
  weir_sqlite_bind_text (statement, column++, document->parent);
  weir_sqlite_bind_text (statement, column++, document->digest);
  sqlite3_bind_int64 (statement, column++, document->created_us);
  sqlite3_bind_int64 (statement, column++, document->modified_us);
  weir_sqlite_bind_number (statement, column++, expected_revision + 1);
  weir_sqlite_bind_text (statement, column++, document->json);
  return weir_sqlite_finish (self, statement, "Cannot put the document", error);
}

/* @missing: what NOT_FOUND says */
static gboolean
check_there (
    WeirSqlite *self, WeirDocumentKind kind, const gchar *id, const gchar *missing, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "SELECT 1 FROM documents WHERE kind = ? AND id = ?", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, (gint) kind);
  weir_sqlite_bind_text (statement, 2, id);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    return TRUE;
  case SQLITE_DONE:
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, missing, error);
  default:
    return weir_sqlite_fail (self->database, "Cannot read the document", error);
  }
}

static gboolean
run_put_document (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const WeirDocument *document = job->document;

  if (job->epoch > 0 && !check_revision (self, document, job->epoch, error))
    return FALSE;
  /* whoever delivers may not know yet that the webhook has gone */
  if (job->epoch == 0 && document->kind == WEIR_DOCUMENT_DELIVERY &&
      !check_there (self, WEIR_DOCUMENT_WEBHOOK, document->parent, "No such webhook", error))
    return FALSE;
  if (!write_document (self, document, job->epoch, error))
    return FALSE;
  weir_sqlite_job_set_number (job, job->epoch + 1);
  tell_document (job, document->kind, document->id);
  return TRUE;
}

/* of the same kind, account and parent */
static gboolean
check_count (WeirSqlite *self, const WeirDocument *document, guint64 limit, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self,
      document->parent != NULL ? "SELECT count (*) FROM documents "
                                 "WHERE kind = ?1 AND +account = ?2 AND parent = ?3"
                               : "SELECT count (*) FROM documents "
                                 "WHERE kind = ?1 AND account = ?2 AND parent IS NULL",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, (gint) document->kind);
  weir_sqlite_bind_text (statement, 2, document->account);
  if (document->parent != NULL)
    weir_sqlite_bind_text (statement, 3, document->parent);
  if (sqlite3_step (statement) != SQLITE_ROW)
    return weir_sqlite_fail (self->database, "Cannot count the documents", error);
  if (weir_sqlite_column_number (statement, 0) < limit)
    return TRUE;
  g_set_error (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FULL,
      "There are %" G_GUINT64_FORMAT " already", limit);
  return FALSE;
}

static gboolean
run_add_document (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  const WeirDocument *document = job->document;
  const gboolean of_account = job->kind != 0;

  if ((of_account && !check_there (self, WEIR_DOCUMENT_ACCOUNT, document->account,
                         "The account has been deleted", error)) ||
      (job->number > 0 && !check_count (self, document, job->number, error)) ||
      !write_document (self, document, 0, error))
    return FALSE;
  tell_document (job, document->kind, document->id);
  return TRUE;
}

static gboolean
run_get_document (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "SELECT " COLUMNS " FROM documents WHERE kind = ? AND id = ?", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  weir_sqlite_bind_text (statement, 2, job->uid);
  return weir_sqlite_answer_row (
      self, job, statement, read_document, (GDestroyNotify) weir_document_free, NO_SUCH, error);
}

static gboolean
run_find_document (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "SELECT " COLUMNS " FROM documents WHERE kind = ? AND digest = ?", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  weir_sqlite_bind_text (statement, 2, job->text);
  return weir_sqlite_answer_row (
      self, job, statement, read_document, (GDestroyNotify) weir_document_free, NO_SUCH, error);
}

static gboolean
run_list_documents (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  /* four texts, so that each can be answered by an index */
  static const gchar *const texts[2][2] = {
      {"SELECT " COLUMNS " FROM documents WHERE kind = ?1 ORDER BY created_us, number",
          "SELECT " COLUMNS " FROM documents WHERE kind = ?1 AND parent = ?3 "
          "ORDER BY created_us, number"},
      {"SELECT " COLUMNS " FROM documents WHERE kind = ?1 AND account = ?2 "
       "ORDER BY created_us, number",
          "SELECT " COLUMNS " FROM documents WHERE kind = ?1 AND +account = ?2 AND parent = ?3 "
          "ORDER BY created_us, number"},
  };
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, texts[job->account != NULL][job->text != NULL], error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  if (job->account != NULL)
    weir_sqlite_bind_text (statement, 2, job->account);
  if (job->text != NULL)
    weir_sqlite_bind_text (statement, 3, job->text);
  return weir_sqlite_answer_rows (
      self, job, statement, read_document, (GDestroyNotify) weir_document_free, error);
}

/* tells of each. @statement: DELETE … RETURNING kind, id */
static gboolean
delete_documents (
    WeirSqlite *self, WeirSqliteJob *job, WeirSqliteStatement *statement, GError **error)
{
  gint status;

  while ((status = sqlite3_step (statement)) == SQLITE_ROW)
    tell_document (job, (WeirDocumentKind) sqlite3_column_int (statement, 0),
        (const gchar *) sqlite3_column_text (statement, 1));
  return status == SQLITE_DONE ||
         weir_sqlite_fail (self->database, "Cannot delete the documents", error);
}

static gboolean
delete_children (WeirSqlite *self, WeirSqliteJob *job, WeirDocumentKind kind, const gchar *parent,
    GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (
      self, "DELETE FROM documents WHERE kind = ? AND parent = ? RETURNING kind, id", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, (gint) kind);
  weir_sqlite_bind_text (statement, 2, parent);
  return delete_documents (self, job, statement, error);
}

static gboolean
run_delete_document (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement =
      weir_sqlite_prepare (self, "DELETE FROM documents WHERE kind = ? AND id = ?", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int (statement, 1, job->kind);
  weir_sqlite_bind_text (statement, 2, job->uid);
  if (!weir_sqlite_finish (self, statement, "Cannot delete the document", error))
    return FALSE;
  if (sqlite3_changes (self->database) == 0)
    return weir_sqlite_fail_as (WEIR_STORE_ERROR_NOT_FOUND, NO_SUCH, error);
  tell_document (job, (WeirDocumentKind) job->kind, job->uid);
  return job->kind != WEIR_DOCUMENT_WEBHOOK ||
         delete_children (self, job, WEIR_DOCUMENT_DELIVERY, job->uid, error);
}

gboolean
weir_sqlite_delete_outputs (
    WeirSqlite *self, WeirSqliteJob *job, const gchar *input, GError **error)
{
  return delete_children (self, job, WEIR_DOCUMENT_OUTPUT, input, error);
}

/* ---- an account ---- */

/* @text: finds something of the account @id, which is said to be @what */
static gboolean
check_unused (
    WeirSqlite *self, const gchar *text, const gchar *id, const gchar *what, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = weir_sqlite_prepare (self, text, error);

  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, id);
  switch (sqlite3_step (statement)) {
  case SQLITE_ROW:
    g_set_error (
        error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_IN_USE, "The account still has %s", what);
    return FALSE;
  case SQLITE_DONE:
    return TRUE;
  default:
    return weir_sqlite_fail (self->database, "Cannot look into the account", error);
  }
}

static gboolean
run_delete_account (WeirSqlite *self, WeirSqliteJob *job, GError **error)
{
  g_autoptr (WeirSqliteStatement) statement = NULL;

  if (!check_there (self, WEIR_DOCUMENT_ACCOUNT, job->uid, "No such account", error) ||
      !check_unused (
          self, "SELECT 1 FROM inputs WHERE account = ? LIMIT 1", job->uid, "live inputs", error) ||
      !check_unused (self, "SELECT 1 FROM broadcasts WHERE account = ? AND recorded = 1 LIMIT 1",
          job->uid, "recordings", error))
    return FALSE;
  statement = weir_sqlite_prepare (self,
      "DELETE FROM documents WHERE account = ?1 OR (kind = ?2 AND id = ?1) RETURNING kind, id",
      error);
  if (statement == NULL)
    return FALSE;
  weir_sqlite_bind_text (statement, 1, job->uid);
  sqlite3_bind_int (statement, 2, WEIR_DOCUMENT_ACCOUNT);
  return delete_documents (self, job, statement, error);
}

static void
put_document (
    WeirStore *store, const WeirDocument *document, guint64 expected_revision, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_put_document, TRUE);

  job->document = weir_document_copy (document);
  job->epoch = expected_revision;
  weir_sqlite_push (store, job, task);
}

static void
add_document (
    WeirStore *store, const WeirDocument *document, guint limit, gboolean of_account, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_add_document, TRUE);

  job->document = weir_document_copy (document);
  job->number = limit;
  job->kind = of_account;
  weir_sqlite_push (store, job, task);
}

static void
get_document (WeirStore *store, WeirDocumentKind kind, const gchar *id, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_get_document, FALSE);

  job->kind = (gint) kind;
  job->uid = g_strdup (id);
  weir_sqlite_push (store, job, task);
}

static void
find_document (WeirStore *store, WeirDocumentKind kind, const gchar *digest, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_find_document, FALSE);

  job->kind = (gint) kind;
  job->text = g_strdup (digest);
  weir_sqlite_push (store, job, task);
}

static void
list_documents (
    WeirStore *store, WeirDocumentKind kind, const gchar *account, const gchar *parent, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_list_documents, FALSE);

  job->kind = (gint) kind;
  job->account = g_strdup (account);
  job->text = g_strdup (parent);
  weir_sqlite_push (store, job, task);
}

static void
delete_document (WeirStore *store, WeirDocumentKind kind, const gchar *id, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_delete_document, TRUE);

  job->kind = (gint) kind;
  job->uid = g_strdup (id);
  weir_sqlite_push (store, job, task);
}

static void
delete_account (WeirStore *store, const gchar *id, GTask *task)
{
  WeirSqliteJob *job = weir_sqlite_job_new (run_delete_account, TRUE);

  job->uid = g_strdup (id);
  weir_sqlite_push (store, job, task);
}

void
weir_sqlite_init_documents (WeirStoreInterface *iface)
{
  iface->put_document = put_document;
  iface->add_document = add_document;
  iface->get_document = get_document;
  iface->find_document = find_document;
  iface->list_documents = list_documents;
  iface->delete_document = delete_document;
  iface->delete_account = delete_account;
}
