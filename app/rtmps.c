/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "rtmps.h"

#include <string.h>

/* a pair is two files: whoever is asked this often seldom sees one without the other */
#define CHECK_INTERVAL_S 2
#define DAY_S (24 * 3600)
/* Let's Encrypt renews 30 days before: something is broken when so few are left */
#define EXPIRY_WARNING_S (14 * DAY_S)

struct _WeirRtmps {
  const WeirConfig *config;
  WeirRtmpListenerSettings settings;
  gchar *app;
  WeirWorker *worker;
  gboolean (*authorise) (WeirRtmpListener *listener, WeirConnection *connection, gpointer data);
  void (*changed) (gpointer data);
  gpointer data;
  guint timer;
  gchar *complaint; /* what was said last, so that it is said once */

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

static void
say_warnings (GStrv warnings)
{
  for (; warnings != NULL && *warnings != NULL; warnings++)
    g_warning ("rtmps: %s", *warnings);
}

static void
say_loaded (WeirRtmps *self)
{
  gint64 expiry = weir_certificates_get_expiry (self->certificates);
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (expiry);
  g_autofree gchar *date = time != NULL ? g_date_time_format (time, "%F %T") : g_strdup ("?");
  guint count = weir_certificates_get_count (self->certificates);
  gint64 left_s = expiry - g_get_real_time () / G_USEC_PER_SEC;

  g_message ("rtmps: %u certificate%s from %s, valid until %s UTC", count, count == 1 ? "" : "s",
      weir_certificates_get_folder (self->certificates), date);
  if (left_s > 0 && left_s < EXPIRY_WARNING_S)
    g_warning ("rtmps: a certificate expires soon, at %s UTC", date);
}

static gboolean
is_new_complaint (WeirRtmps *self, const gchar *text)
{
  if (g_strcmp0 (self->complaint, text) == 0)
    return FALSE;
  g_free (self->complaint);
  self->complaint = g_strdup (text);
  return TRUE;
}

/* what is missing before anyone asked for RTMPS is no cause for a warning */
static void
set_off (WeirRtmps *self, const GError *error)
{
  gchar *hint = make_hint (self, error);
  gboolean asked =
      !g_error_matches (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE);

  if (is_new_complaint (self, hint))
    g_log (G_LOG_DOMAIN, asked ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE, "%s", hint);
  g_mutex_lock (&self->lock);
  g_free (self->hint);
  self->hint = hint;
  g_mutex_unlock (&self->lock);
}

/* ── on and off ── */

static gboolean
listen_now (WeirRtmps *self, WeirCertificates *certificates, GError **error)
{
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
  g_clear_pointer (&self->complaint, g_free);
  return TRUE;
}

/* Returns: FALSE when there are certificates, but listening is not possible */
static gboolean
switch_on (WeirRtmps *self, gboolean tell, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (GStrv) warnings = NULL;
  g_autoptr (WeirCertificates) certificates =
      weir_certificates_new (self->config->rtmps.certificates, &warnings, &local_error);

  if (certificates == NULL) {
    set_off (self, local_error);
    return TRUE;
  }
  if (!listen_now (self, certificates, error))
    return FALSE;
  if (tell && self->changed != NULL)
    self->changed (self->data);
  say_warnings (warnings);
  say_loaded (self);
  return TRUE;
}

static void
switch_on_later (WeirRtmps *self)
{
  g_autoptr (GError) error = NULL;

  if (!switch_on (self, TRUE, &error))
    set_off (self, error);
}

static void
read_again (WeirRtmps *self)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;

  if (weir_certificates_reload (self->certificates, &warnings, &error)) {
    g_clear_pointer (&self->complaint, g_free);
    say_warnings (warnings);
    say_loaded (self);
  } else if (is_new_complaint (self, error->message)) {
    g_warning ("rtmps: %s; the certificates of before stay in use", error->message);
  }
}

static gboolean
on_timer (gpointer data)
{
  WeirRtmps *self = data;

  if (self->listener == NULL)
    switch_on_later (self);
  else if (weir_certificates_has_changed (self->certificates))
    read_again (self);
  return G_SOURCE_CONTINUE;
}

void
weir_rtmps_reload (WeirRtmps *self)
{
  if (self->timer == 0)
    return;
  /* who asks wants to hear it again */
  g_clear_pointer (&self->complaint, g_free);
  if (self->listener == NULL)
    switch_on_later (self);
  else
    read_again (self);
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
  if (!switch_on (self, FALSE, error))
    return NULL;
  self->timer = g_timeout_add_seconds (CHECK_INTERVAL_S, on_timer, self);
  return g_steal_pointer (&self);
}

void
weir_rtmps_stop (WeirRtmps *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->timer = 0;
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
  g_free (self->complaint);
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
