/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/backup.h"

#include "api/envelope.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "backup-"

typedef struct {
  WeirApi *api;
  WeirHttpRequest *request;
  gchar *path;
} Call;

static void
call_free (Call *self)
{
  g_free (self->path);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

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
backed_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  struct stat status;
  gint fd;

  if (!weir_store_backup_finish (WEIR_STORE (source), result, &error)) {
    weir_api_fail_for_store (self->request, error);
    return;
  }
  fd = g_open (self->path, O_RDONLY | O_CLOEXEC, 0);
  /* the open file is all that is needed of it, however the sending ends */
  g_unlink (self->path);
  if (fd >= 0 && fstat (fd, &status) == 0) {
    weir_http_request_respond (self->request, make_answer (fd, (guint64) status.st_size));
    return;
  }
  if (fd >= 0)
    close (fd);
  weir_api_fail (self->request, 500, WEIR_API_INTERNAL, "The copy cannot be read", NULL);
}

/* all secrets of all accounts are in it */
static void
get_backup (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  WeirApi *api = user_data;
  g_autofree gchar *random = NULL, *name = NULL;
  Call *self;

  if (!weir_api_accept (api, request, parameters, WEIR_ACCESS_ADMINISTRATOR))
    return;
  random = weir_random_hex (8);
  name = g_strconcat (PREFIX, random, NULL);
  self = g_new0 (Call, 1);
  self->api = api;
  self->request = request;
  self->path = g_build_filename (api->config->server.state_dir, name, NULL);
  weir_store_backup (api->store, self->path, backed_up, self);
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
  remove_leftovers (self->config->server.state_dir);
  weir_http_router_add (router, "GET", WEIR_API_STREAM "/backup", get_backup, self, NULL);
}
