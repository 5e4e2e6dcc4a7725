/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "https.h"

#include <string.h>

/* a pair is two files: whoever is asked this often seldom sees one without the other */
#define CHECK_INTERVAL_S 2

struct _WeirHttps {
  WeirCertificates *certificates;
  WeirHttpServer *server;
  guint timer;
  gchar *complaint; /* what was said last, so that it is said once */
};

static void
say_loaded (WeirHttps *self, GStrv warnings)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (weir_certificates_get_expiry (self->certificates));
  g_autofree gchar *date = time != NULL ? g_date_time_format (time, "%F %T") : g_strdup ("?");
  guint count = weir_certificates_get_count (self->certificates);

  g_message ("https: %u certificate%s from %s, valid until %s UTC", count, count == 1 ? "" : "s",
      weir_certificates_get_folder (self->certificates), date);
  for (; warnings != NULL && *warnings != NULL; warnings++)
    g_warning ("https: %s", *warnings);
}

void
weir_https_reload (WeirHttps *self)
{
  g_auto (GStrv) warnings = NULL;
  g_autoptr (GError) error = NULL;

  if (weir_certificates_reload (self->certificates, &warnings, &error)) {
    g_clear_pointer (&self->complaint, g_free);
    say_loaded (self, warnings);
  } else if (g_strcmp0 (self->complaint, error->message) != 0) {
    g_free (self->complaint);
    self->complaint = g_strdup (error->message);
    g_warning ("https: %s; the certificates of before stay in use", error->message);
  }
}

static gboolean
check (gpointer data)
{
  WeirHttps *self = data;

  if (weir_certificates_has_changed (self->certificates))
    weir_https_reload (self);
  return G_SOURCE_CONTINUE;
}

WeirHttps *
weir_https_new (const WeirConfig *config, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error)
{
  WeirHttpServerSettings with_certificates = *settings;
  g_autoptr (WeirHttps) self = g_new0 (WeirHttps, 1);
  g_auto (GStrv) warnings = NULL;

  self->certificates = weir_certificates_new (config->https.certificates, &warnings, error);
  if (self->certificates == NULL) {
    g_prefix_error (error, "https.listen is set, but ");
    return NULL;
  }
  with_certificates.certificates = self->certificates;
  self->server =
      weir_http_server_new (config->https.listen, &with_certificates, handler, user_data, error);
  if (self->server == NULL) {
    g_prefix_error (error, "https.listen: ");
    return NULL;
  }
  self->timer = g_timeout_add_seconds (CHECK_INTERVAL_S, check, self);
  say_loaded (self, warnings);
  return g_steal_pointer (&self);
}

void
weir_https_free (WeirHttps *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  g_clear_pointer (&self->server, weir_http_server_free);
  g_clear_pointer (&self->certificates, weir_certificates_unref);
  g_free (self->complaint);
  g_free (self);
}

WeirHttpServer *
weir_https_get_server (WeirHttps *self)
{
  return self->server;
}
