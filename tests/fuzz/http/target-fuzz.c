/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/private.h"
#include "http/router.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_path (const gchar *path)
{
  g_auto (GStrv) segments = g_strsplit (path, "/", -1);

  g_assert (path[0] == '/');
  g_assert (g_utf8_validate (path, -1, NULL));
  for (guint i = 0; segments[i] != NULL; i++)
    g_assert (strcmp (segments[i], ".") != 0 && strcmp (segments[i], "..") != 0);
  for (; *path != '\0'; path++)
    g_assert ((guchar) *path >= 0x20 && *path != 0x7f);
}

static void
answered (G_GNUC_UNUSED WeirHttpRequest *request, WeirHttpResponse *response, gpointer transport)
{
  gboolean *seen = transport;

  g_assert (!*seen);
  *seen = TRUE;
  weir_http_response_free (response);
}

static void
answer (WeirHttpRequest *request, const WeirRouteParameters *parameters,
    G_GNUC_UNUSED gpointer user_data)
{
  guint64 number;

  g_assert (parameters->count <= WEIR_ROUTE_PARAMETERS_MAX);
  weir_route_parameters_get_number (parameters, "number", &number);
  weir_http_request_respond_text (request, 200, "");
}

/* a request target, and what a router makes of its path */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree gchar *target = g_strndup ((const gchar *) data, size);
  g_autoptr (WeirHttpRouter) router = weir_http_router_new ();
  WeirHttpRequest *request = weir_http_request_new ("GET");
  gboolean seen = FALSE;

  request->answered = answered;
  request->transport = &seen;
  weir_http_router_add (router, "GET", "/{id}/watch", answer, NULL, NULL);
  weir_http_router_add (
      router, "GET", "/{id}/segments/{epoch}-{number}/track{track}.{part}.m4s", answer, NULL, NULL);
  if (weir_http_request_set_target (request, target)) {
    check_path (request->path);
    g_assert (request->query->len <= WEIR_HTTP_QUERY_MAX);
    weir_http_router_handle (request, router);
    g_assert (seen);
  } else {
    g_assert (request->path == NULL);
  }
  if (request->host != NULL)
    weir_http_host_is_valid (request->host);
  weir_http_request_free (request);
  return 0;
}
