/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/router.h"

#include <string.h>

typedef struct {
  const gchar *method;
  const gchar *pattern;
  WeirRouteHandler handler;
  gpointer user_data;
  GDestroyNotify destroy;
} Route;

struct _WeirHttpRouter {
  GArray *routes;
  WeirRouteFallback fallback;
  gpointer fallback_data;
};

static void
route_clear (gpointer data)
{
  Route *route = data;

  if (route->destroy != NULL)
    route->destroy (route->user_data);
}

static void
parameters_clear (WeirRouteParameters *self)
{
  for (guint i = 0; i < self->count; i++) {
    g_free ((gpointer) self->names[i]);
    g_free (self->values[i]);
  }
  self->count = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirRouteParameters, parameters_clear)

const gchar *
weir_route_parameters_get (const WeirRouteParameters *self, const gchar *name)
{
  for (guint i = 0; i < self->count; i++)
    if (strcmp (self->names[i], name) == 0)
      return self->values[i];
  return NULL;
}

gboolean
weir_route_parameters_get_number (
    const WeirRouteParameters *self, const gchar *name, guint64 *value)
{
  const gchar *text = weir_route_parameters_get (self, name);

  if (text == NULL || *text == '\0' || strlen (text) > 18 ||
      strspn (text, "0123456789") != strlen (text))
    return FALSE;
  /* one number, one URL */
  if (text[0] == '0' && text[1] != '\0')
    return FALSE;
  *value = g_ascii_strtoull (text, NULL, 10);
  return TRUE;
}

static gsize
name_length (const gchar *text)
{
  gsize size = 0;

  while (g_ascii_isalnum (text[size]) || text[size] == '_')
    size++;
  return size;
}

/* where in pattern and path a parameter is */
typedef struct {
  const gchar *name, *value;
  gsize name_size, value_size;
} Match;

/* @count: (out): how many of @matches there are. Returns: whether the path is of the pattern */
static gboolean
match (
    const gchar *pattern, const gchar *path, Match matches[WEIR_ROUTE_PARAMETERS_MAX], guint *count)
{
  const gchar *start = pattern;

  *count = 0;
  while (*pattern != '\0') {
    gsize size;

    if (*pattern != '{') {
      if (*pattern++ != *path++)
        return FALSE;
      continue;
    }

    gsize name_size = strcspn (pattern, "}") - 1;
    const gchar *after = pattern + name_size + 2;
    gboolean whole = (pattern == start || pattern[-1] == '/') && (*after == '\0' || *after == '/');

    size = whole ? strcspn (path, "/") : name_length (path);
    if (size == 0 || *count == WEIR_ROUTE_PARAMETERS_MAX)
      return FALSE;
    matches[(*count)++] = (Match){pattern + 1, path, name_size, size};
    pattern = after;
    path += size;
  }
  return *path == '\0';
}

static void
parameters_take (WeirRouteParameters *self, const Match *matches, guint count)
{
  for (guint i = 0; i < count; i++) {
    self->names[i] = g_strndup (matches[i].name, matches[i].name_size);
    self->values[i] = g_strndup (matches[i].value, matches[i].value_size);
  }
  self->count = count;
}

WeirHttpRouter *
weir_http_router_new (void)
{
  WeirHttpRouter *self = g_new0 (WeirHttpRouter, 1);

  self->routes = g_array_new (FALSE, FALSE, sizeof (Route));
  g_array_set_clear_func (self->routes, route_clear);
  return self;
}

void
weir_http_router_free (WeirHttpRouter *self)
{
  g_array_unref (self->routes);
  g_free (self);
}

void
weir_http_router_add (WeirHttpRouter *self, const gchar *method, const gchar *pattern,
    WeirRouteHandler handler, gpointer user_data, GDestroyNotify destroy)
{
  Route route = {method, pattern, handler, user_data, destroy};

  g_array_append_val (self->routes, route);
}

void
weir_http_router_set_fallback (WeirHttpRouter *self, WeirRouteFallback fallback, gpointer user_data)
{
  self->fallback = fallback;
  self->fallback_data = user_data;
}

static void
add_method (GString *allow, const gchar *method)
{
  if (strstr (allow->str, method) != NULL)
    return;
  g_string_append_printf (allow, "%s%s", allow->len > 0 ? ", " : "", method);
  if (strcmp (method, "GET") == 0)
    g_string_append (allow, ", HEAD");
}

static void
answer_without_route (WeirHttpRouter *self, WeirHttpRequest *request, const gchar *allow)
{
  guint status = *allow != '\0' ? 405 : 404;
  WeirHttpResponse *response;

  if (self->fallback != NULL) {
    self->fallback (request, status, allow, self->fallback_data);
    return;
  }
  response = weir_http_response_new (status);
  weir_http_response_set_text (response, "text/plain; charset=utf-8",
      status == 405 ? "Method not allowed\n" : "Not found\n");
  if (status == 405)
    weir_http_response_set_header (response, "Allow", allow);
  weir_http_request_respond (request, response);
}

void
weir_http_router_handle (WeirHttpRequest *request, gpointer router)
{
  WeirHttpRouter *self = router;
  const gchar *method = weir_http_request_get_method (request);
  g_autoptr (GString) allow = g_string_new (NULL);

  if (strcmp (method, "HEAD") == 0)
    method = "GET";
  for (guint i = 0; i < self->routes->len; i++) {
    const Route *route = &g_array_index (self->routes, Route, i);
    Match matches[WEIR_ROUTE_PARAMETERS_MAX];
    guint count;

    if (!match (route->pattern, weir_http_request_get_path (request), matches, &count))
      continue;
    if (strcmp (route->method, method) == 0) {
      g_auto (WeirRouteParameters) parameters = {0};

      parameters_take (&parameters, matches, count);
      route->handler (request, &parameters, route->user_data);
      return;
    }
    add_method (allow, route->method);
  }
  answer_without_route (self, request, allow->str);
}
