/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* `backup`: complete under its name, or not there */

static gboolean
fail (const gchar *path, const gchar *what)
{
  g_printerr ("weir: %s: %s\n", path, what);
  return FALSE;
}

/* a rename is durable when its folder is. Some file systems cannot sync folders: no failure */
static void
sync_folder (const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  gint fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

/* @size: what is to come. Returns: FALSE with what went wrong said */
static gboolean
write_all (gint fd, GInputStream *stream, guint64 size, const gchar *path)
{
  g_autoptr (GOutputStream) output = g_unix_output_stream_new (fd, FALSE);
  g_autoptr (GError) error = NULL;
  gssize written =
      g_output_stream_splice (output, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, &error);

  if (written < 0)
    return fail (path, error->message);
  if ((guint64) written != size)
    return fail (path, "the server has sent less than it has announced");
  if (fsync (fd) != 0)
    return fail (path, g_strerror (errno));
  return TRUE;
}

/* link() takes a name only when it is free, rename() in any case */
static gboolean
give_name (const gchar *partial, const gchar *path, gboolean force)
{
  if (force ? g_rename (partial, path) != 0 : link (partial, path) != 0)
    return fail (
        path, errno == EEXIST ? "is there already; --force writes over it" : g_strerror (errno));
  sync_folder (path);
  return TRUE;
}

static gboolean
keep (GInputStream *stream, guint64 size, const gchar *path, gboolean force)
{
  g_autofree gchar *partial = g_strconcat (path, ".XXXXXX", NULL);
  gint fd = g_mkstemp_full (partial, O_WRONLY | O_CLOEXEC, 0600);
  gboolean done;

  if (fd < 0)
    return fail (path, g_strerror (errno));
  done = write_all (fd, stream, size, path);
  close (fd);
  done = done && give_name (partial, path, force);
  g_unlink (partial);
  return done;
}

WeirExit
weir_backup_fetch (WeirInvocation *self)
{
  const gchar *path = self->operands[0];
  gboolean force = weir_invocation_has (self, WEIR_OPTION_FORCE);
  g_autofree gchar *resource = weir_invocation_make_path (self, "/stream/backup");
  g_autofree gchar *problem = NULL;
  g_autoptr (GInputStream) stream = NULL;
  guint64 size = 0;
  WeirExit status;

  /* before a copy is made in vain */
  if (!force && g_file_test (path, G_FILE_TEST_EXISTS)) {
    fail (path, "is there already; --force writes over it");
    return WEIR_EXIT_FAILED;
  }
  /* the first byte comes when the server has made the copy */
  weir_client_take_time (self->client);
  stream = weir_client_open (self->client, resource, NULL, NULL, &size, &status, &problem);
  if (stream == NULL) {
    weir_complain (problem);
    return status;
  }
  return keep (stream, size, path, force) ? WEIR_EXIT_DONE : WEIR_EXIT_FAILED;
}
