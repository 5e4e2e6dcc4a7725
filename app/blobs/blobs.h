/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirBlobs:
 *
 * The segment store: named, immutable objects. Names are `<folder>/<file>` (segments' folder is
 * their broadcast's uid, `deleted` has the marks of what is being deleted), of
 * `[A-Za-z0-9._-]` and one slash, no part of it beginning with a point; anything else is refused
 * with %G_IO_ERROR_INVALID_FILENAME. put, remove and list run on the backend's own threads and
 * answer as a #GTask does; they may overtake each other. A bounded number of them waits, the rest
 * is answered %G_IO_ERROR_BUSY.
 */
#define WEIR_TYPE_BLOBS (weir_blobs_get_type ())
G_DECLARE_INTERFACE (WeirBlobs, weir_blobs, WEIR, BLOBS, GObject)

struct _WeirBlobsInterface {
  GTypeInterface parent_iface;

  const gchar *(*get_spool) (WeirBlobs *self);
  void (*put) (
      WeirBlobs *self, const gchar *name, const gchar *path, gboolean durable, GTask *task);
  gint (*open) (WeirBlobs *self, const gchar *name, GError **error);
  void (*remove) (WeirBlobs *self, GPtrArray *names, GTask *task);
  void (*list) (WeirBlobs *self, const gchar *folder, GTask *task);
};

/* what every name is checked with */
gboolean weir_blobs_check_name (const gchar *name, GError **error);
/* Returns: (transfer none): folder for spool files, on the same file system as a file backend */
const gchar *weir_blobs_get_spool (WeirBlobs *self);

/**
 * weir_blobs_put:
 * @path: a complete spool file, which is consumed on success
 * @durable: whether the answer must wait until it survives a power cut (fsync of file and folder,
 *   or PUT answered 200)
 *
 * Putting the same name again with the same content succeeds; with other content it is
 * %G_IO_ERROR_EXISTS: objects are immutable. A full disk is %G_IO_ERROR_NO_SPACE.
 */
void weir_blobs_put (WeirBlobs *self, const gchar *name, const gchar *path, gboolean durable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_blobs_put_finish (WeirBlobs *self, GAsyncResult *result, GError **error);
/* Returns: a descriptor open for reading, -1 with a #GIOError; blocks as a local open does */
gint weir_blobs_open (WeirBlobs *self, const gchar *name, GError **error);
/* @names: (transfer full) (element-type utf8); names that do not exist are no error */
void weir_blobs_remove (
    WeirBlobs *self, GPtrArray *names, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_blobs_remove_finish (WeirBlobs *self, GAsyncResult *result, GError **error);

/**
 * weir_blobs_list:
 * @folder: the part of names before the slash
 *
 * Returns (finish): (transfer full) (element-type utf8): the whole names of all objects in it, in
 *   any order; none where there is no such folder
 */
void weir_blobs_list (
    WeirBlobs *self, const gchar *folder, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_blobs_list_finish (WeirBlobs *self, GAsyncResult *result, GError **error);

/* @path: the folder of the objects, made when missing; its spool is `path/spool` */
WeirBlobs *weir_blobs_file_new (const gchar *path, GError **error);

G_END_DECLS
