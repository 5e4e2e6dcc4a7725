/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "api/api.h"

#include "api/envelope.h"

#include <string.h>

gboolean
weir_api_has_token (WeirApi *self, WeirHttpRequest *request)
{
  return weir_auth_get_access (self->auth, weir_http_request_get_header (request, "Authorization"),
             weir_auth_get_account (self->auth)) != WEIR_ACCESS_NONE;
}

static void
refuse_token (WeirHttpRequest *request)
{
  WeirHttpResponse *response =
      weir_api_failure (401, WEIR_API_UNAUTHORISED, "Authentication error", NULL);

  weir_http_response_set_header (response, "WWW-Authenticate", "Bearer");
  weir_http_request_respond (request, response);
}

gboolean
weir_api_accept (WeirApi *self, WeirHttpRequest *request, const WeirRouteParameters *parameters,
    WeirAccess needed)
{
  const gchar *account = weir_route_parameters_get (parameters, "account");
  const gchar *authorization = weir_http_request_get_header (request, "Authorization");
  WeirAccess access;

  if (!weir_links_is_host_allowed (self->config, weir_http_request_get_host (request))) {
    weir_api_fail (request, 403, WEIR_API_HOST_REFUSED,
        "API calls need a Host that is http.public-url's, server.public-host, a numeric address or "
        "localhost",
        NULL);
    return FALSE;
  }
  access = weir_auth_get_access (self->auth, authorization, account);
  if (access == WEIR_ACCESS_NONE &&
      weir_auth_get_access (self->auth, authorization, NULL) == WEIR_ACCESS_NONE) {
    refuse_token (request);
    return FALSE;
  }
  if (access == WEIR_ACCESS_NONE) {
    weir_api_fail (
        request, 403, WEIR_API_UNAUTHORISED, "The token does not belong to this account", NULL);
    return FALSE;
  }
  if (access < needed) {
    weir_api_fail (request, 403, WEIR_API_UNAUTHORISED,
        needed == WEIR_ACCESS_ADMINISTRATOR ? "This needs the administrator's token"
                                            : "The token may read only",
        NULL);
    return FALSE;
  }
  return TRUE;
}

void
weir_api_fail_as_missing (WeirHttpRequest *request)
{
  weir_api_fail (request, 404, WEIR_API_NOT_FOUND,
      "Not Found: The requested resource or operation was not found.", NULL);
}

void
weir_api_fail_for_store (WeirHttpRequest *request, const GError *error)
{
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    weir_api_fail_as_missing (request);
    return;
  }
  g_info ("The store refused an API call: %s", error->message);
  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE))
    weir_api_fail (request, 503, WEIR_API_UNAVAILABLE, "The store is unavailable", NULL);
  else
    weir_api_fail (request, 500, WEIR_API_INTERNAL, "Internal error", NULL);
}

void
weir_api_add_document (WeirApi *self, const WeirDocument *document, guint limit,
    GAsyncReadyCallback callback, gpointer user_data)
{
  /* the home account is no document */
  gboolean home = strcmp (document->account, weir_auth_get_account (self->auth)) == 0;

  weir_store_add_document (self->store, document, limit, !home, callback, user_data);
}

void
weir_api_emit (WeirApi *self, const gchar *type, const gchar *account, const gchar *input,
    const gchar *broadcast, const gchar *data)
{
  if (self->events != NULL)
    weir_events_emit (self->events, weir_event_new (type, account, input, broadcast, data));
}
