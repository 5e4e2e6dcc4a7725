/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/backup.h"

#include "api/call.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "backup-"

static void
close_file (gpointer owner)
{
  close (GPOINTER_TO_INT (owner));
}

/* @fd: taken */
static WeirHttpResponse *
make_answer (gint fd, guint64 size)
{
  WeirHttpResponse *response = weir_http_response_new (200);

  weir_http_response_set_header (response, "Content-Type", "application/vnd.sqlite3");
  weir_http_response_set_header (
      response, "Content-Disposition", "attachment; filename=\"weir.db\"");
  weir_http_response_set_header (response, "Cache-Control", "no-store");
  weir_http_response_set_header (response, "X-Content-Type-Options", "nosniff");
  weir_http_response_add_file (response, fd, 0, size, GINT_TO_POINTER (fd), close_file);
  return response;
}

static void
backed_up (WeirCall *call)
{
  const gchar *path = call->own;
  struct stat status;
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);

  /* the open file is all that is needed of it, however the sending ends */
  g_unlink (path);
  if (fd >= 0 && fstat (fd, &status) == 0) {
    weir_call_respond (call, make_answer (fd, (guint64) status.st_size));
    return;
  }
  if (fd >= 0)
    close (fd);
  weir_call_fail (call, 500, WEIR_API_INTERNAL, "The copy cannot be read", NULL);
}

static void
get_backup (WeirCall *call)
{
  g_autofree gchar *random = weir_random_hex (8);
  g_autofree gchar *name = g_strconcat (PREFIX, random, NULL);
  gchar *path = g_build_filename (call->api->config->server.state_dir, name, NULL);

  weir_call_set_own (call, path, g_free);
  /* of a large database it takes minutes; there is one at a time */
  weir_http_request_take_time (call->request);
  weir_store_backup (
      call->api->store, path, weir_call_done, weir_call_then (call, NULL, backed_up));
}

static void
remove_leftovers (const gchar *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = NULL;

    if (!g_str_has_prefix (name, PREFIX))
      continue;
    path = g_build_filename (folder, name, NULL);
    if (g_unlink (path) == 0)
      g_info ("removed %s, which an earlier backup has left", path);
  }
}

void
weir_backup_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  /* all secrets of all accounts are in it */
  static const WeirCallRoute routes[] = {
      {"GET", WEIR_API_STREAM "/backup", WEIR_ACCESS_ADMINISTRATOR, get_backup},
  };

  remove_leftovers (self->config->server.state_dir);
  weir_call_add_routes (self, router, routes, G_N_ELEMENTS (routes));
}
