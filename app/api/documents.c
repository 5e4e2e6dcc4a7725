/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/documents.h"

#include <string.h>

typedef struct {
  WeirDocument *document;
  guint limit;
} Addition;

static void
addition_free (Addition *self)
{
  weir_document_free (self->document);
  g_free (self);
}

static void
refuse (GTask *task)
{
  const Addition *self = g_task_get_task_data (task);

  g_task_return_new_error (
      task, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "There are %u already", self->limit);
}

/* @task: (transfer full) */
static void
list (WeirStore *store, GTask *task, GAsyncReadyCallback callback)
{
  const Addition *self = g_task_get_task_data (task);

  weir_store_list_documents (
      store, self->document->kind, self->document->account, self->document->parent, callback, task);
}

static void
taken_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  /* one that is gone already was taken back by whoever deletes all of them */
  weir_store_delete_document_finish (WEIR_STORE (source), result, NULL);
  refuse (task);
}

static void
counted_after (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Addition *self = g_task_get_task_data (task);
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, NULL);

  /* oldest first: those that came before have the better right */
  for (guint i = self->limit; documents != NULL && i < documents->len; i++) {
    if (strcmp (((const WeirDocument *) documents->pdata[i])->id, self->document->id) != 0)
      continue;
    weir_store_delete_document (
        WEIR_STORE (source), self->document->kind, self->document->id, taken_back, task);
    g_steal_pointer (&task);
    return;
  }
  g_task_return_boolean (task, TRUE);
}

static void
stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (weir_store_put_document_finish (WEIR_STORE (source), result, &error) == 0)
    g_task_return_error (task, error);
  else
    list (WEIR_STORE (source), g_steal_pointer (&task), counted_after);
}

static void
counted_before (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Addition *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);

  if (documents == NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (documents->len >= self->limit) {
    refuse (task);
    return;
  }
  weir_store_put_document (WEIR_STORE (source), self->document, 0, stored, task);
  g_steal_pointer (&task);
}

void
weir_api_add_document (WeirStore *store, const WeirDocument *document, guint limit,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);
  Addition *self = g_new0 (Addition, 1);

  self->document = weir_document_copy (document);
  self->limit = limit;
  g_task_set_source_tag (task, weir_api_add_document);
  g_task_set_task_data (task, self, (GDestroyNotify) addition_free);
  list (store, task, counted_before);
}

gboolean
weir_api_add_document_finish (G_GNUC_UNUSED WeirStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
