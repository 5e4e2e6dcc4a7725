/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/missing.h"

#include "api/envelope.h"

static const WeirMissing missing[] = {
    {"POST", "", "There are no uploads: Weir is for live streams"},
    {"POST", "/copy", "There are no uploads: Weir is for live streams"},
    {"POST", "/direct_upload", "There are no uploads: Weir is for live streams"},
    {"POST", "/clip", "There are no clips yet"},
    {"GET", "/watermarks", "Streams are kept as they come: nothing is drawn into them"},
    {"POST", "/watermarks", "Streams are kept as they come: nothing is drawn into them"},
    {"GET", "/watermarks/{watermark}", "Streams are kept as they come: nothing is drawn into them"},
    {"DELETE", "/watermarks/{watermark}",
        "Streams are kept as they come: nothing is drawn into them"},
    {"GET", "/{video}/downloads", "There are no downloads yet"},
    {"POST", "/{video}/downloads", "There are no downloads yet"},
    {"DELETE", "/{video}/downloads", "There are no downloads yet"},
    {"POST", "/{video}/downloads/{type}", "There are no downloads yet"},
    {"DELETE", "/{video}/downloads/{type}", "There are no downloads yet"},
    {"GET", "/{video}/audio", "Tracks are not added to recordings"},
    {"POST", "/{video}/audio/copy", "Tracks are not added to recordings"},
    {"PATCH", "/{video}/audio/{audio}", "Tracks are not added to recordings"},
    {"DELETE", "/{video}/audio/{audio}", "Tracks are not added to recordings"},
    {"GET", "/{video}/captions", "There are no captions"},
    {"GET", "/{video}/captions/{language}", "There are no captions"},
    {"PUT", "/{video}/captions/{language}", "There are no captions"},
    {"DELETE", "/{video}/captions/{language}", "There are no captions"},
    {"POST", "/{video}/captions/{language}/generate", "There are no captions"},
    {"GET", "/{video}/captions/{language}/vtt", "There are no captions"},
    {"GET", "/{video}/embed", "There is no embed code yet"},
};

const WeirMissing *
weir_missing_get (guint *count)
{
  *count = G_N_ELEMENTS (missing);
  return missing;
}

typedef struct {
  WeirApi *api;
  const WeirMissing *entry;
  gchar *pattern;
} Route;

static void
route_free (gpointer data)
{
  Route *route = data;

  g_free (route->pattern);
  g_free (route);
}

static void
say_missing (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  const Route *route = user_data;

  if (weir_api_accept (route->api, request, parameters, WEIR_ACCESS_READ))
    weir_api_fail (request, 501, WEIR_API_NOT_IMPLEMENTED, route->entry->reason, NULL);
}

void
weir_missing_add_routes (WeirApi *self, WeirHttpRouter *router)
{
  for (guint i = 0; i < G_N_ELEMENTS (missing); i++) {
    Route *route = g_new0 (Route, 1);

    route->api = self;
    route->entry = &missing[i];
    route->pattern = g_strconcat (WEIR_API_STREAM, missing[i].pattern, NULL);
    weir_http_router_add (
        router, missing[i].method, route->pattern, say_missing, route, route_free);
  }
}
