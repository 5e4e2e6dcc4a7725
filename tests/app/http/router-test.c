/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/router.h"

#include "http/private.h"

typedef struct {
  gchar *seen; /* route and parameters */
  guint status;
  gchar *allow;
} Outcome;

static void
take (WeirHttpRequest *request, const WeirRouteParameters *parameters, gpointer user_data)
{
  GString *seen = g_string_new (user_data);

  for (guint i = 0; i < parameters->count; i++)
    g_string_append_printf (seen, " %s=%s", parameters->names[i], parameters->values[i]);
  ((Outcome *) request->transport)->seen = g_string_free (seen, FALSE);
}

static void
fall_back (
    WeirHttpRequest *request, guint status, const gchar *allow, G_GNUC_UNUSED gpointer user_data)
{
  Outcome *outcome = request->transport;

  outcome->status = status;
  outcome->allow = g_strdup (allow);
}

static void
paths_find_their_routes (void)
{
  static const struct {
    const gchar *method, *path, *seen;
    guint status;
    const gchar *allow;
  } cases[] = {
      {"GET", "/", "root", 0, NULL},
      {"HEAD", "/", "root", 0, NULL},
      {"GET", "/a/inputs", "list account=a", 0, NULL},
      {"POST", "/a/inputs", "create account=a", 0, NULL},
      {"PUT", "/a/inputs", NULL, 405, "GET, HEAD, POST"},
      {"GET", "/a/inputs/", NULL, 404, ""},
      {"GET", "/a/inputs/x.y", "get account=a id=x.y", 0, NULL},
      {"GET", "//inputs", NULL, 404, ""},
      {"GET", "/b/segments/1-2/track0.m4s", "segment id=b epoch=1 number=2 track=0", 0, NULL},
      {"GET", "/b/segments/1-2/track0.3.m4s", "part id=b epoch=1 number=2 track=0 part=3", 0, NULL},
      {"GET", "/b/segments/1-2.m4s", "muxed id=b epoch=1 number=2", 0, NULL},
      {"GET", "/b/segments/1-2-3.m4s", NULL, 404, ""},
      {"GET", "/b/segments/1-2/track.m4s", NULL, 404, ""},
      {"GET", "/b/segments/1-2/track0.m4sx", NULL, 404, ""},
      {"GET", "/nothing/at/all", NULL, 404, ""},
  };
  g_autoptr (WeirHttpRouter) router = weir_http_router_new ();

  weir_http_router_set_fallback (router, fall_back, NULL);
  weir_http_router_add (router, "GET", "/", take, "root", NULL);
  weir_http_router_add (router, "GET", "/{account}/inputs", take, "list", NULL);
  weir_http_router_add (router, "POST", "/{account}/inputs", take, "create", NULL);
  weir_http_router_add (router, "GET", "/{account}/inputs/{id}", take, "get", NULL);
  weir_http_router_add (
      router, "GET", "/{id}/segments/{epoch}-{number}/track{track}.m4s", take, "segment", NULL);
  weir_http_router_add (
      router, "GET", "/{id}/segments/{epoch}-{number}/track{track}.{part}.m4s", take, "part", NULL);
  weir_http_router_add (router, "GET", "/{id}/segments/{epoch}-{number}.m4s", take, "muxed", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Outcome outcome = {0};
    WeirHttpRequest *request = weir_http_request_new (cases[i].method);

    request->transport = &outcome;
    g_assert_true (weir_http_request_set_target (request, cases[i].path));
    weir_http_router_handle (request, router);
    g_test_message ("%s %s", cases[i].method, cases[i].path);
    g_assert_cmpstr (outcome.seen, ==, cases[i].seen);
    g_assert_cmpuint (outcome.status, ==, cases[i].status);
    g_assert_cmpstr (outcome.allow, ==, cases[i].allow);
    g_free (outcome.seen);
    g_free (outcome.allow);
    weir_http_request_free (request);
  }
}

static void
numbers_have_one_spelling (void)
{
  static const struct {
    const gchar *text;
    gboolean valid;
  } cases[] = {{"0", TRUE}, {"7", TRUE}, {"123456789012345678", TRUE}, {"01", FALSE}, {"", FALSE},
      {"-1", FALSE}, {"1234567890123456789", FALSE}, {"1x", FALSE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirRouteParameters parameters = {{"n"}, {(gchar *) cases[i].text}, 1};
    guint64 value = 42;

    g_assert_cmpint (
        weir_route_parameters_get_number (&parameters, "n", &value), ==, cases[i].valid);
    if (!cases[i].valid)
      g_assert_cmpuint (value, ==, 42);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/router/paths_find_their_routes", paths_find_their_routes);
  g_test_add_func ("/http/router/numbers_have_one_spelling", numbers_have_one_spelling);
  return g_test_run ();
}
