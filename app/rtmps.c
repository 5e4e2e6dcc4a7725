/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmps.h"

#include "renewal.h"

#include <string.h>

struct _WeirRtmps {
  const WeirConfig *config;
  WeirRtmpListenerSettings settings;
  gchar *app;
  WeirWorker *worker;
  gboolean (*authorise) (WeirRtmpListener *listener, WeirConnection *connection, gpointer data);
  void (*changed) (gpointer data);
  gpointer data;
  WeirRenewal *renewal; /* NULL when it is off on purpose, within its making, and once stopped */

  GMutex lock; /* for who reads from other threads */
  WeirCertificates *certificates;
  WeirRtmpListener *listener;
  gchar *hint;
};

/* ── what it says ── */

static gchar *
quote (const gchar *path)
{
  return strpbrk (path, " \t'\"\\$*?!&;()<>|`#~") != NULL ? g_shell_quote (path) : g_strdup (path);
}

/* the name that a certificate would be for */
static const gchar *
get_host (const WeirConfig *config)
{
  return config->server.public_host[0] != '\0' ? config->server.public_host
                                               : config->server.node_name;
}

static gchar *
make_hint (WeirRtmps *self, const GError *error)
{
  g_autofree gchar *folder = quote (self->config->rtmps.certificates);
  const gchar *host = get_host (self->config);
  const gchar *kind = g_hostname_is_ip_address (host) ? "IP" : "DNS";

  if (!g_error_matches (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE))
    return g_strdup_printf ("RTMPS is off: %s", error->message);
  return g_strdup_printf (
      "RTMPS is off: %s. It goes on by itself then. For a try: mkdir -p %s && openssl req -x509 "
      "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=%s -addext "
      "subjectAltName=%s:%s -keyout %s/default.key -out %s/default.crt. For encoders that check "
      "it: certbot certonly --standalone -d %s, then copy fullchain.pem to default.crt and "
      "privkey.pem to default.key",
      error->message, folder, host, kind, host, folder, folder, host);
}

static gchar *
explain (const GError *error, gpointer data)
{
  WeirRtmps *self = data;
  gchar *hint = make_hint (self, error);

  g_mutex_lock (&self->lock);
  g_free (self->hint);
  self->hint = g_strdup (hint);
  g_mutex_unlock (&self->lock);
  return hint;
}

/* ── on and off ── */

static gboolean
switch_on (WeirCertificates *certificates, gpointer data, GError **error)
{
  WeirRtmps *self = data;
  WeirRtmpListener *listener;

  self->settings.certificates = certificates;
  listener =
      weir_rtmp_listener_new (self->config->rtmps.listen, &self->settings, self->worker, error);
  self->settings.certificates = NULL;
  if (listener == NULL) {
    g_prefix_error (error, "rtmps.listen: ");
    return FALSE;
  }
  g_signal_connect (listener, "authorise", G_CALLBACK (self->authorise), self->data);
  g_mutex_lock (&self->lock);
  self->certificates = weir_certificates_ref (certificates);
  self->listener = listener;
  g_clear_pointer (&self->hint, g_free);
  g_mutex_unlock (&self->lock);
  /* not from within weir_rtmps_new() */
  if (self->renewal != NULL && self->changed != NULL)
    self->changed (self->data);
  return TRUE;
}

void
weir_rtmps_reload (WeirRtmps *self)
{
  if (self->renewal != NULL)
    weir_renewal_reload (self->renewal);
}

WeirRtmps *
weir_rtmps_new (const WeirConfig *config, const WeirRtmpListenerSettings *settings,
    WeirWorker *worker,
    gboolean (*authorise) (WeirRtmpListener *listener, WeirConnection *connection, gpointer data),
    void (*changed) (gpointer data), gpointer data, GError **error)
{
  g_autoptr (WeirRtmps) self = g_new0 (WeirRtmps, 1);

  g_mutex_init (&self->lock);
  self->config = config;
  self->settings = *settings;
  self->app = g_strdup (settings->session.app);
  self->settings.session.app = self->app;
  self->worker = weir_worker_ref (worker);
  self->authorise = authorise;
  self->changed = changed;
  self->data = data;
  if (config->rtmps.listen[0] == '\0')
    return g_steal_pointer (&self);
  self->renewal =
      weir_renewal_new ("rtmps", config->rtmps.certificates, switch_on, explain, self, error);
  if (self->renewal == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

void
weir_rtmps_stop (WeirRtmps *self)
{
  g_clear_pointer (&self->renewal, weir_renewal_free);
  if (self->listener != NULL)
    weir_rtmp_listener_stop (self->listener);
}

void
weir_rtmps_free (WeirRtmps *self)
{
  if (self == NULL)
    return;
  weir_rtmps_stop (self);
  g_clear_object (&self->listener);
  weir_certificates_unref (self->certificates);
  weir_worker_unref (self->worker);
  g_mutex_clear (&self->lock);
  g_free (self->app);
  g_free (self->hint);
  g_free (self);
}

/* ── what it tells ── */

gchar *
weir_rtmps_get_addresses (WeirRtmps *self)
{
  gchar *addresses = NULL;

  g_mutex_lock (&self->lock);
  if (self->listener != NULL)
    addresses = g_strdup (weir_rtmp_listener_get_addresses (self->listener));
  g_mutex_unlock (&self->lock);
  return addresses;
}

gchar *
weir_rtmps_get_hint (WeirRtmps *self)
{
  gchar *hint;

  g_mutex_lock (&self->lock);
  hint = g_strdup (self->hint);
  g_mutex_unlock (&self->lock);
  return hint;
}

void
weir_rtmps_get_statistics (WeirRtmps *self, WeirRtmpsStatistics *statistics)
{
  *statistics = (WeirRtmpsStatistics){0};
  g_mutex_lock (&self->lock);
  if (self->listener != NULL) {
    statistics->expiry = weir_certificates_get_expiry (self->certificates);
    weir_rtmp_listener_get_handshakes (self->listener, &statistics->handshakes);
  }
  g_mutex_unlock (&self->lock);
}
