/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/http.h"

G_BEGIN_DECLS

/**
 * WeirHttpRouter: method and path → handler
 *
 * A pattern is a path with `{name}` in it. A segment that is one `{name}` takes any segment that
 * is not empty; a name among other text (`track{track}.{part}.m4s`) takes letters, digits and "_".
 * Routes are tried in the order in which they were added. Filled before the first request, then
 * used from any thread.
 */
typedef struct _WeirHttpRouter WeirHttpRouter;

#define WEIR_ROUTE_PARAMETERS_MAX 6

typedef struct {
  const gchar *names[WEIR_ROUTE_PARAMETERS_MAX];
  gchar *values[WEIR_ROUTE_PARAMETERS_MAX];
  guint count;
} WeirRouteParameters;

/* @parameters: valid during the call. @request: (transfer full) */
typedef void (*WeirRouteHandler) (
    WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data);

/* Returns: (transfer none) (nullable) */
const gchar *weir_route_parameters_get (const WeirRouteParameters *self, const gchar *name);
/* Returns: FALSE unless the parameter is a decimal number of at most 18 digits */
gboolean weir_route_parameters_get_number (
    const WeirRouteParameters *self, const gchar *name, guint64 *value);

WeirHttpRouter *weir_http_router_new (void);
void weir_http_router_free (WeirHttpRouter *self);
/* @method: "GET" serves HEAD too. @method, @pattern: static. @destroy: (nullable): of @user_data */
void weir_http_router_add (WeirHttpRouter *self, const gchar *method, const gchar *pattern,
    WeirRouteHandler handler, gpointer user_data, GDestroyNotify destroy);

/**
 * weir_http_router_set_fallback:
 * @fallback: answers what has no route: @status is 404, or 405 with @allow, the methods there are
 *
 * Without one such requests are answered in plain text.
 */
typedef void (*WeirRouteFallback) (
    WeirHttpRequest *request, guint status, const gchar *allow, gpointer user_data);
void weir_http_router_set_fallback (
    WeirHttpRouter *self, WeirRouteFallback fallback, gpointer user_data);

/* a #WeirHttpHandler; @router: WeirHttpRouter */
void weir_http_router_handle (WeirHttpRequest *request, gpointer router);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttpRouter, weir_http_router_free)

G_END_DECLS
