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
 * with %G_IO_ERROR_INVALID_FILENAME. put, remove, list and measure run on the backend's own
 * threads and answer as a #GTask does; they may overtake each other. A bounded number of them
 * waits, the rest is answered %G_IO_ERROR_BUSY.
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
  void (*list) (WeirBlobs *self, const gchar *folder, guint limit, GTask *task);
  void (*list_folders) (WeirBlobs *self, const gchar *after, guint limit, GTask *task);
  void (*measure) (WeirBlobs *self, const gchar *folder, GTask *task);
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
/* @names: (transfer full) (element-type utf8); names that do not exist are no error. A folder goes
 * with the last of its objects, one that is empty with any name in it */
void weir_blobs_remove (
    WeirBlobs *self, GPtrArray *names, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_blobs_remove_finish (WeirBlobs *self, GAsyncResult *result, GError **error);

/**
 * weir_blobs_list:
 * @folder: the part of names before the slash
 * @limit: how many of them at most; 0: all
 *
 * Returns (finish): (transfer full) (element-type utf8): the whole names of objects in it, in any
 *   order; none where there is no such folder
 */
void weir_blobs_list (WeirBlobs *self, const gchar *folder, guint limit,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_blobs_list_finish (WeirBlobs *self, GAsyncResult *result, GError **error);

/**
 * weir_blobs_list_folders:
 * @after: (nullable): the last one of the page before; NULL: from the beginning
 * @limit: how many at most, from 1 on
 *
 * Returns (finish): (transfer full) (element-type utf8): the folders of objects, in the order of
 *   strcmp(); less than @limit: these are the last
 */
void weir_blobs_list_folders (WeirBlobs *self, const gchar *after, guint limit,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_blobs_list_folders_finish (WeirBlobs *self, GAsyncResult *result, GError **error);

typedef struct {
  guint64 objects;
  guint64 size;     /* bytes of them */
  gint64 newest_us; /* wall: when the newest of them, or the empty folder, was written to; 0: there
                       is no such folder */
} WeirBlobsUsage;

void weir_blobs_measure (
    WeirBlobs *self, const gchar *folder, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_blobs_measure_finish (
    WeirBlobs *self, GAsyncResult *result, WeirBlobsUsage *usage, GError **error);

/* @path: the folder of the objects, made when missing; its spool is `path/spool` */
WeirBlobs *weir_blobs_file_new (const gchar *path, GError **error);

G_END_DECLS
