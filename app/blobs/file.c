/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blobs/blobs.h"

#include "fileerror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 2
#define JOBS_MAX 4096
#define SPOOL "spool"

#define WEIR_TYPE_BLOBS_FILE (weir_blobs_file_get_type ())
G_DECLARE_FINAL_TYPE (WeirBlobsFile, weir_blobs_file, WEIR, BLOBS_FILE, GObject)

struct _WeirBlobsFile {
  GObject parent_instance;
  gint folder; /* of all objects */
  gchar *spool;
  GThreadPool *threads;
};

static void weir_blobs_file_blobs_init (WeirBlobsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WeirBlobsFile, weir_blobs_file, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (WEIR_TYPE_BLOBS, weir_blobs_file_blobs_init))

typedef struct _Job Job;
struct _Job {
  /* answers the task */
  void (*run) (WeirBlobsFile *self, const Job *job, GTask *task);
  gchar *name;
  gchar *path;
  gboolean durable;
  GPtrArray *names; /* remove */
  gchar *folder;    /* list, measure; (nullable): list_folders: the last one before */
  guint limit;      /* list, list_folders */
};

static Job *
job_new (void (*run) (WeirBlobsFile *self, const Job *job, GTask *task))
{
  Job *job = g_new0 (Job, 1);

  job->run = run;
  return job;
}

static void
job_free (Job *job)
{
  g_free (job->name);
  g_free (job->path);
  g_clear_pointer (&job->names, g_ptr_array_unref);
  g_free (job->folder);
  g_free (job);
}

/* a descriptor that closes itself; -1 is none */
typedef gint Descriptor;

static void
descriptor_close (Descriptor *fd)
{
  if (*fd >= 0)
    close (*fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Descriptor, descriptor_close)

/*
 * Splits a name that has been checked. The spool lies beside the objects' folders and is none of
 * them.
 *
 * Returns: (transfer full) (nullable): the folder
 */
static gchar *
split_name (const gchar *name, const gchar **file, GError **error)
{
  const gchar *slash = strchr (name, '/');
  g_autofree gchar *folder = g_strndup (name, (gsize) (slash - name));

  if (strcmp (folder, SPOOL) == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME, "This is no name of an object");
    return NULL;
  }
  *file = slash + 1;
  return g_steal_pointer (&folder);
}

static gint
open_folder (WeirBlobsFile *self, const gchar *folder)
{
  return openat (self->folder, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static gboolean
read_whole (gint fd, guint8 *data, gsize size, gsize *got)
{
  *got = 0;
  while (*got < size) {
    gssize count = read (fd, data + *got, size - *got);

    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return FALSE;
    if (count == 0)
      return TRUE;
    *got += (gsize) count;
  }
  return TRUE;
}

static gboolean
have_same_content (gint a, gint b)
{
  g_autofree guint8 *data_a = g_malloc (64 * 1024);
  g_autofree guint8 *data_b = g_malloc (64 * 1024);
  gsize size_a, size_b;

  do {
    if (!read_whole (a, data_a, 64 * 1024, &size_a) ||
        !read_whole (b, data_b, 64 * 1024, &size_b) || size_a != size_b ||
        memcmp (data_a, data_b, size_a) != 0)
      return FALSE;
  } while (size_a > 0);
  return TRUE;
}

/* the object is there already: the same content is a repeated put, other content an error */
static gboolean
settle_existing (gint source, const gchar *path, gint folder, const gchar *file, const gchar *name,
    GError **error)
{
  g_auto (Descriptor) existing = openat (folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

  if (existing < 0)
    return weir_set_file_error (error, errno, "Cannot compare the object", name);
  if (!have_same_content (source, existing)) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_EXISTS, "The object %s exists with other content", name);
    return FALSE;
  }
  if (unlink (path) != 0)
    return weir_set_file_error (error, errno, "Cannot remove the spool file of", name);
  return TRUE;
}

static gint
rename_new (const gchar *path, gint folder, const gchar *file)
{
  if (renameat2 (AT_FDCWD, path, folder, file, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  /* the file system cannot do it in one; names carry the epoch, so that nobody else writes this */
  if (faccessat (folder, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  return renameat (AT_FDCWD, path, folder, file) == 0 ? 0 : errno;
}

static gboolean
put_object (WeirBlobsFile *self, const Job *job, GError **error)
{
  g_auto (Descriptor) source = open (job->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  g_autofree gchar *folder = NULL;
  const gchar *file;

  if (source < 0)
    return weir_set_file_error (error, errno, "Cannot open the spool file of", job->name);
  folder = split_name (job->name, &file, error);
  if (folder == NULL)
    return FALSE;
  if (job->durable && fsync (source) != 0)
    return weir_set_file_error (error, errno, "Cannot sync", job->name);

  /* again when the empty folder was removed right after it was made */
  for (guint attempt = 0;; attempt++) {
    g_auto (Descriptor) target = -1;
    gint failure;

    if (mkdirat (self->folder, folder, 0700) != 0 && errno != EEXIST)
      return weir_set_file_error (error, errno, "Cannot make the folder of", job->name);
    target = open_folder (self, folder);
    failure = target < 0 ? errno : rename_new (job->path, target, file);
    if (failure == ENOENT && attempt < 5)
      continue;
    if (failure != 0 && (failure != EEXIST || target < 0))
      return weir_set_file_error (error, failure, "Cannot store", job->name);
    if (failure == EEXIST && !settle_existing (source, job->path, target, file, job->name, error))
      return FALSE;
    if (job->durable && (fsync (target) != 0 || fsync (self->folder) != 0))
      return weir_set_file_error (error, errno, "Cannot sync the folder of", job->name);
    return TRUE;
  }
}

static gboolean
remove_object (WeirBlobsFile *self, const gchar *name, GError **error)
{
  g_auto (Descriptor) target = -1;
  g_autofree gchar *folder = NULL;
  const gchar *file;

  folder = split_name (name, &file, error);
  if (folder == NULL)
    return FALSE;
  target = open_folder (self, folder);
  if (target < 0)
    return errno == ENOENT || weir_set_file_error (error, errno, "Cannot remove", name);
  if (unlinkat (target, file, 0) != 0 && errno != ENOENT)
    return weir_set_file_error (error, errno, "Cannot remove", name);
  /* only succeeds when it was the last one */
  unlinkat (self->folder, folder, AT_REMOVEDIR);
  return TRUE;
}

static gboolean
remove_objects (WeirBlobsFile *self, const Job *job, GError **error)
{
  GError *first = NULL;

  /* one that cannot be removed keeps none of the others */
  for (guint i = 0; i < job->names->len; i++)
    remove_object (self, job->names->pdata[i], first == NULL ? &first : NULL);
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, first);
  return FALSE;
}

/* @good: whether it was done, else with @error: (transfer full) */
static void
answer (GTask *task, gboolean good, GError *error)
{
  if (good)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
run_put (WeirBlobsFile *self, const Job *job, GTask *task)
{
  GError *error = NULL;
  gboolean good = put_object (self, job, &error);

  answer (task, good, error);
}

static void
run_remove (WeirBlobsFile *self, const Job *job, GTask *task)
{
  GError *error = NULL;
  gboolean good = remove_objects (self, job, &error);

  answer (task, good, error);
}

/* ---- what there is ---- */

typedef struct {
  DIR *stream;
  gint fd; /* the stream's */
} Reader;

static void
reader_close (Reader *self)
{
  if (self->stream != NULL)
    closedir (self->stream);
  self->stream = NULL;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_close)

/* @folder: "." for all of them. Returns: FALSE: not there, with @error unset, or an error */
static gboolean
reader_open (Reader *self, WeirBlobsFile *blobs, const gchar *folder, GError **error)
{
  gint fd = open_folder (blobs, folder);

  self->stream = fd >= 0 ? fdopendir (fd) : NULL;
  self->fd = fd;
  if (self->stream != NULL)
    return TRUE;
  if (fd >= 0 || errno != ENOENT)
    weir_set_file_error (error, errno, "Cannot list", folder);
  if (fd >= 0)
    close (fd);
  return FALSE;
}

/* Returns: (transfer none) (nullable): the next that has a name of ours; NULL: there is none, or
 * @error is set */
static const gchar *
reader_next (Reader *self, const gchar *folder, GError **error)
{
  const struct dirent *entry;

  do {
    errno = 0;
    entry = readdir (self->stream);
  } while (entry != NULL && entry->d_name[0] == '.');
  if (entry != NULL)
    return entry->d_name;
  if (errno != 0)
    weir_set_file_error (error, errno, "Cannot list", folder);
  return NULL;
}

static void
answer_names (GTask *task, GPtrArray *names, GError *error)
{
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_ptr_array_ref (names), (GDestroyNotify) g_ptr_array_unref);
}

static void
run_list (WeirBlobsFile *self, const Job *job, GTask *task)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_auto (Reader) reader = {0};
  GError *error = NULL;
  const gchar *name;

  if (reader_open (&reader, self, job->folder, &error)) {
    while ((job->limit == 0 || names->len < job->limit) &&
           (name = reader_next (&reader, job->folder, &error)) != NULL)
      g_ptr_array_add (names, g_strconcat (job->folder, "/", name, NULL));
  }
  answer_names (task, names, error);
}

/* @names: sorted, of @limit at most: keeps the first ones */
static void
keep_first (GPtrArray *names, const gchar *name, guint limit)
{
  guint from = 0, to = names->len;

  while (from < to) {
    guint middle = from + (to - from) / 2;

    if (strcmp (names->pdata[middle], name) < 0)
      from = middle + 1;
    else
      to = middle;
  }
  if (from >= limit)
    return;
  g_ptr_array_insert (names, (gint) from, g_strdup (name));
  if (names->len > limit)
    g_ptr_array_set_size (names, (gint) limit);
}

static gboolean
is_folder (const Reader *reader, const gchar *name)
{
  struct stat status;

  return strcmp (name, SPOOL) != 0 &&
         fstatat (reader->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR (status.st_mode);
}

/* reads all of them for each page: there are as many as recordings, and a page is seldom asked for
 */
static void
run_list_folders (WeirBlobsFile *self, const Job *job, GTask *task)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_auto (Reader) reader = {0};
  GError *error = NULL;
  const gchar *name;

  if (reader_open (&reader, self, ".", &error)) {
    while ((name = reader_next (&reader, "the folders of objects", &error)) != NULL) {
      if ((job->folder == NULL || strcmp (name, job->folder) > 0) && is_folder (&reader, name))
        keep_first (names, name, job->limit);
    }
  }
  answer_names (task, names, error);
}

static gint64
get_written (const struct stat *status)
{
  return (gint64) status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
}

static void
run_measure (WeirBlobsFile *self, const Job *job, GTask *task)
{
  g_auto (Reader) reader = {0};
  WeirBlobsUsage usage = {0};
  GError *error = NULL;
  struct stat status;
  const gchar *name;

  if (reader_open (&reader, self, job->folder, &error)) {
    while ((name = reader_next (&reader, job->folder, &error)) != NULL) {
      if (fstatat (reader.fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      usage.objects++;
      usage.size += (guint64) status.st_size;
      usage.newest_us = MAX (usage.newest_us, get_written (&status));
    }
    if (usage.objects == 0 && fstat (reader.fd, &status) == 0)
      usage.newest_us = get_written (&status);
  }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_memdup2 (&usage, sizeof usage), g_free);
}

static void
run_job (gpointer data, G_GNUC_UNUSED gpointer user_data)
{
  g_autoptr (GTask) task = data;
  const Job *job = g_task_get_task_data (task);

  job->run (g_task_get_source_object (task), job, task);
}

/* @job, @task: (transfer full) */
static void
push_job (WeirBlobsFile *self, Job *job, GTask *task)
{
  g_task_set_task_data (task, job, (GDestroyNotify) job_free);
  if (g_thread_pool_unprocessed (self->threads) >= JOBS_MAX) {
    g_task_return_new_error (
        task, G_IO_ERROR, G_IO_ERROR_BUSY, "Too many objects wait for the disk");
    g_object_unref (task);
    return;
  }
  g_thread_pool_push (self->threads, task, NULL);
}

static const gchar *
get_spool (WeirBlobs *blobs)
{
  return WEIR_BLOBS_FILE (blobs)->spool;
}

static void
put (WeirBlobs *blobs, const gchar *name, const gchar *path, gboolean durable, GTask *task)
{
  Job *job = job_new (run_put);

  job->name = g_strdup (name);
  job->path = g_strdup (path);
  job->durable = durable;
  push_job (WEIR_BLOBS_FILE (blobs), job, task);
}

static gint
open_object (WeirBlobs *blobs, const gchar *name, GError **error)
{
  WeirBlobsFile *self = WEIR_BLOBS_FILE (blobs);
  g_auto (Descriptor) target = -1;
  g_autofree gchar *folder = NULL;
  const gchar *file;
  struct stat status;
  gint fd;

  folder = split_name (name, &file, error);
  if (folder == NULL)
    return -1;
  target = open_folder (self, folder);
  /* not waiting, should somebody have put a FIFO there */
  fd = target < 0 ? -1 : openat (target, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    weir_set_file_error (error, errno, "Cannot open", name);
    return -1;
  }
  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "%s is no regular file", name);
    close (fd);
    return -1;
  }
  return fd;
}

static void
remove_names (WeirBlobs *blobs, GPtrArray *names, GTask *task)
{
  Job *job = job_new (run_remove);

  job->names = names;
  push_job (WEIR_BLOBS_FILE (blobs), job, task);
}

static void
list_names (WeirBlobs *blobs, const gchar *folder, guint limit, GTask *task)
{
  Job *job = job_new (run_list);

  job->folder = g_strdup (folder);
  job->limit = limit;
  push_job (WEIR_BLOBS_FILE (blobs), job, task);
}

static void
list_folders (WeirBlobs *blobs, const gchar *after, guint limit, GTask *task)
{
  Job *job = job_new (run_list_folders);

  job->folder = g_strdup (after);
  job->limit = limit;
  push_job (WEIR_BLOBS_FILE (blobs), job, task);
}

static void
measure (WeirBlobs *blobs, const gchar *folder, GTask *task)
{
  Job *job = job_new (run_measure);

  job->folder = g_strdup (folder);
  push_job (WEIR_BLOBS_FILE (blobs), job, task);
}

static void
weir_blobs_file_blobs_init (WeirBlobsInterface *iface)
{
  iface->get_spool = get_spool;
  iface->put = put;
  iface->open = open_object;
  iface->remove = remove_names;
  iface->list = list_names;
  iface->list_folders = list_folders;
  iface->measure = measure;
}

static void
weir_blobs_file_finalize (GObject *object)
{
  WeirBlobsFile *self = WEIR_BLOBS_FILE (object);

  /* nothing waits any more, since what waits holds a reference; this may be one of the threads */
  if (self->threads != NULL)
    g_thread_pool_free (self->threads, FALSE, FALSE);
  if (self->folder >= 0)
    close (self->folder);
  g_free (self->spool);
  G_OBJECT_CLASS (weir_blobs_file_parent_class)->finalize (object);
}

static void
weir_blobs_file_class_init (WeirBlobsFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = weir_blobs_file_finalize;
}

static void
weir_blobs_file_init (WeirBlobsFile *self)
{
  self->folder = -1;
}

WeirBlobs *
weir_blobs_file_new (const gchar *path, GError **error)
{
  g_autoptr (WeirBlobsFile) self = g_object_new (WEIR_TYPE_BLOBS_FILE, NULL);

  self->spool = g_build_filename (path, SPOOL, NULL);
  if (g_mkdir_with_parents (self->spool, 0700) != 0) {
    weir_set_file_error (error, errno, "Cannot make", self->spool);
    return NULL;
  }
  self->folder = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->folder < 0) {
    weir_set_file_error (error, errno, "Cannot open", path);
    return NULL;
  }
  self->threads = g_thread_pool_new (run_job, NULL, THREADS, FALSE, error);
  return self->threads != NULL ? WEIR_BLOBS (g_steal_pointer (&self)) : NULL;
}
