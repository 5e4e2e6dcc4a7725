/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/links.h"

#include <string.h>

static gboolean
is_set (const gchar *text)
{
  return text != NULL && *text != '\0';
}

guint16
weir_listeners_get_port (const gchar *addresses)
{
  g_autofree gchar *first = NULL;
  const gchar *colon;

  if (!is_set (addresses))
    return 0;
  first = g_strndup (addresses, strcspn (addresses, ";"));
  colon = strrchr (first, ':');
  return colon ? g_ascii_strtoull (colon + 1, NULL, 10) : 0;
}

/* "host:port" → "host", "[::1]:port" → "[::1]" */
static gchar *
strip_port (const gchar *host)
{
  const gchar *bracket = strchr (host, ']');
  const gchar *colon = strchr (bracket ? bracket : host, ':');

  return colon ? g_strndup (host, colon - host) : g_strdup (host);
}

/* Returns: (nullable): "host" of `http.public-url` */
static gchar *
get_public_url_host (const WeirConfig *config)
{
  const gchar *authority;
  g_autofree gchar *host = NULL;

  if (!is_set (config->http.public_url))
    return NULL;
  authority = strstr (config->http.public_url, "://");
  authority = authority ? authority + 3 : config->http.public_url;
  host = g_strndup (authority, strcspn (authority, "/?#"));
  return strip_port (host);
}

gchar *
weir_links_get_base (const WeirConfig *config, WeirHttpRequest *request)
{
  if (is_set (config->http.public_url)) {
    gchar *base = g_strdup (config->http.public_url);
    gsize size = strlen (base);

    while (size > 0 && base[size - 1] == '/')
      base[--size] = '\0';
    return base;
  }
  if (request == NULL)
    return g_strdup_printf ("http://%s:%u",
        is_set (config->server.public_host) ? config->server.public_host : config->server.node_name,
        weir_listeners_get_port (config->http.listen));
  return g_strdup_printf ("%s://%s", weir_http_request_is_secure (request) ? "https" : "http",
      weir_http_request_get_host (request));
}

gchar *
weir_links_get_ingest (
    const WeirConfig *config, WeirHttpRequest *request, const gchar *scheme, const gchar *addresses)
{
  guint16 port = weir_listeners_get_port (addresses);
  g_autofree gchar *host = NULL;

  if (port == 0)
    return NULL;
  if (is_set (config->server.public_host))
    host = g_strdup (config->server.public_host);
  if (host == NULL)
    host = get_public_url_host (config);
  if (host == NULL)
    host = strip_port (weir_http_request_get_host (request));
  return g_strdup_printf ("%s://%s:%u/%s/", scheme, host, port, config->rtmp.app);
}

static gboolean
is_same (const gchar *name, const gchar *other)
{
  return is_set (other) && g_ascii_strcasecmp (name, other) == 0;
}

gboolean
weir_links_is_host_allowed (const WeirConfig *config, const gchar *host)
{
  g_autofree gchar *name = strip_port (host);
  g_autofree gchar *public_name = get_public_url_host (config);
  gsize size = strlen (name);

  if (is_same (name, "localhost") || is_same (name, public_name) ||
      is_same (name, config->server.public_host) || is_same (name, config->server.node_name))
    return TRUE;
  if (name[0] == '[' && name[size - 1] == ']') {
    g_autofree gchar *inner = g_strndup (name + 1, size - 2);

    return g_hostname_is_ip_address (inner);
  }
  return g_hostname_is_ip_address (name);
}
