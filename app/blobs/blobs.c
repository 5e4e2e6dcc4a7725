/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blobs/blobs.h"

#include <string.h>

G_DEFINE_INTERFACE (WeirBlobs, weir_blobs, G_TYPE_OBJECT)

static void
weir_blobs_default_init (WeirBlobsInterface *iface)
{
  (void) iface;
}

/* a component that is no way out of its folder and no hidden file */
static gboolean
is_component (const gchar *text, gsize length)
{
  if (length == 0 || length > 200 || text[0] == '.')
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (text[i]) && strchr ("._-", text[i]) == NULL)
      return FALSE;
  }
  return TRUE;
}

gboolean
weir_blobs_check_name (const gchar *name, GError **error)
{
  const gchar *slash = name != NULL ? strchr (name, '/') : NULL;

  if (slash != NULL && is_component (name, (gsize) (slash - name)) &&
      is_component (slash + 1, strlen (slash + 1)))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME, "This is no name of an object");
  return FALSE;
}

const gchar *
weir_blobs_get_spool (WeirBlobs *self)
{
  return WEIR_BLOBS_GET_IFACE (self)->get_spool (self);
}

void
weir_blobs_put (WeirBlobs *self, const gchar *name, const gchar *path, gboolean durable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, weir_blobs_put);
  if (!weir_blobs_check_name (name, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  WEIR_BLOBS_GET_IFACE (self)->put (self, name, path, durable, task);
}

gboolean
weir_blobs_put_finish (WeirBlobs *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gint
weir_blobs_open (WeirBlobs *self, const gchar *name, GError **error)
{
  if (!weir_blobs_check_name (name, error))
    return -1;
  return WEIR_BLOBS_GET_IFACE (self)->open (self, name, error);
}

void
weir_blobs_remove (
    WeirBlobs *self, GPtrArray *names, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, weir_blobs_remove);
  for (guint i = 0; i < names->len; i++) {
    GError *error = NULL;

    if (weir_blobs_check_name (names->pdata[i], &error))
      continue;
    g_task_return_error (task, error);
    g_object_unref (task);
    g_ptr_array_unref (names);
    return;
  }
  WEIR_BLOBS_GET_IFACE (self)->remove (self, names, task);
}

gboolean
weir_blobs_remove_finish (WeirBlobs *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Returns: (transfer full) (nullable): NULL when @folder is none, which is answered */
static GTask *
begin_folder_task (WeirBlobs *self, const gchar *folder, gpointer tag, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autofree gchar *any = g_strconcat (folder, "/any", NULL);
  GError *error = NULL;

  g_task_set_source_tag (task, tag);
  if (weir_blobs_check_name (any, &error))
    return g_steal_pointer (&task);
  g_task_return_error (task, error);
  return NULL;
}

void
weir_blobs_list (WeirBlobs *self, const gchar *folder, guint limit, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = begin_folder_task (self, folder, weir_blobs_list, callback, user_data);

  if (task != NULL)
    WEIR_BLOBS_GET_IFACE (self)->list (self, folder, limit, task);
}

GPtrArray *
weir_blobs_list_finish (WeirBlobs *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
weir_blobs_list_folders (WeirBlobs *self, const gchar *after, guint limit,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, weir_blobs_list_folders);
  WEIR_BLOBS_GET_IFACE (self)->list_folders (self, after, limit, task);
}

GPtrArray *
weir_blobs_list_folders_finish (WeirBlobs *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
weir_blobs_measure (
    WeirBlobs *self, const gchar *folder, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = begin_folder_task (self, folder, weir_blobs_measure, callback, user_data);

  if (task != NULL)
    WEIR_BLOBS_GET_IFACE (self)->measure (self, folder, task);
}

gboolean
weir_blobs_measure_finish (
    WeirBlobs *self, GAsyncResult *result, WeirBlobsUsage *usage, GError **error)
{
  g_autofree WeirBlobsUsage *measured = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  measured = g_task_propagate_pointer (G_TASK (result), error);
  if (measured == NULL)
    return FALSE;
  *usage = *measured;
  return TRUE;
}
