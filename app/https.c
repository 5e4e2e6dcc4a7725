/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "https.h"

#include "renewal.h"

struct _WeirHttps {
  WeirRenewal *renewal;
  WeirHttpServer *server;
};

WeirHttps *
weir_https_new (const WeirConfig *config, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error)
{
  WeirHttpServerSettings with_certificates = *settings;
  g_autoptr (WeirHttps) self = g_new0 (WeirHttps, 1);

  self->renewal = weir_renewal_new ("https", config->https.certificates, NULL, NULL, NULL, error);
  if (self->renewal == NULL) {
    g_prefix_error (error, "https.listen is set, but ");
    return NULL;
  }
  with_certificates.certificates = weir_renewal_get_certificates (self->renewal);
  self->server =
      weir_http_server_new (config->https.listen, &with_certificates, handler, user_data, error);
  if (self->server == NULL) {
    g_prefix_error (error, "https.listen: ");
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
weir_https_free (WeirHttps *self)
{
  g_clear_pointer (&self->server, weir_http_server_free);
  g_clear_pointer (&self->renewal, weir_renewal_free);
  g_free (self);
}

void
weir_https_reload (WeirHttps *self)
{
  weir_renewal_reload (self->renewal);
}

WeirHttpServer *
weir_https_get_server (WeirHttps *self)
{
  return self->server;
}
