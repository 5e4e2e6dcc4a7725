/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "renewal.h"

/* a pair is two files: whoever is asked this often seldom sees one without the other */
#define CHECK_INTERVAL_S 2
#define DAY_S (24 * 3600)
/* Let's Encrypt renews 30 days before: something is broken when so few are left */
#define EXPIRY_WARNING_S (14 * DAY_S)

struct _WeirRenewal {
  gchar *name;
  gchar *folder;
  WeirRenewalBegin begin;
  WeirRenewalExplain explain;
  gpointer data;
  WeirCertificates *certificates; /* NULL until it has begun */
  guint timer;
  gchar *complaint;        /* what was said last, so that it is said once */
  gboolean expiry_is_said; /* of those in use */
};

static gint64
get_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* ── what it says ── */

/* @text: (transfer full) */
static void
complain (WeirRenewal *self, GLogLevelFlags level, gchar *text)
{
  gboolean is_said = g_strcmp0 (self->complaint, text) == 0;

  g_free (self->complaint);
  self->complaint = text;
  if (!is_said)
    g_log (G_LOG_DOMAIN, level, "%s", text);
}

static gchar *
format_expiry (WeirRenewal *self)
{
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (weir_certificates_get_expiry (self->certificates));

  return time != NULL ? g_date_time_format (time, "%F %T") : g_strdup ("?");
}

/* what has expired is among the warnings of those who read it */
static void
say_expiry (WeirRenewal *self, gint64 now)
{
  gint64 left_s = weir_certificates_get_expiry (self->certificates) - now;
  g_autofree gchar *date = NULL;

  if (self->expiry_is_said || left_s <= 0 || left_s >= EXPIRY_WARNING_S)
    return;
  self->expiry_is_said = TRUE;
  date = format_expiry (self);
  g_warning ("%s: a certificate expires soon, at %s UTC", self->name, date);
}

static void
say_loaded (WeirRenewal *self, GStrv warnings, gint64 now)
{
  g_autofree gchar *date = format_expiry (self);
  guint count = weir_certificates_get_count (self->certificates);

  g_message ("%s: %u certificate%s from %s, valid until %s UTC", self->name, count,
      count == 1 ? "" : "s", self->folder, date);
  for (; warnings != NULL && *warnings != NULL; warnings++)
    g_warning ("%s: %s", self->name, *warnings);
  self->expiry_is_said = FALSE;
  say_expiry (self, now);
}

/* ── reading ── */

static gboolean
try_to_begin (WeirRenewal *self, gint64 now, GError **error)
{
  g_auto (GStrv) warnings = NULL;
  g_autoptr (WeirCertificates) certificates =
      weir_certificates_new (self->folder, &warnings, error);

  if (certificates == NULL ||
      (self->begin != NULL && !self->begin (certificates, self->data, error)))
    return FALSE;
  self->certificates = g_steal_pointer (&certificates);
  say_loaded (self, warnings, now);
  return TRUE;
}

/* what is missing before anyone asked for it is no cause for a warning */
static void
wait_for_it (WeirRenewal *self, const GError *error)
{
  gboolean asked =
      !g_error_matches (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE);

  complain (
      self, asked ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE, self->explain (error, self->data));
}

static void
read_again (WeirRenewal *self, gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) warnings = NULL;

  if (weir_certificates_reload (self->certificates, &warnings, &error)) {
    g_clear_pointer (&self->complaint, g_free);
    say_loaded (self, warnings, now);
  } else {
    complain (self, G_LOG_LEVEL_WARNING,
        g_strdup_printf (
            "%s: %s; the certificates of before stay in use", self->name, error->message));
  }
}

static void
begin_or_read_again (WeirRenewal *self, gint64 now)
{
  g_autoptr (GError) error = NULL;

  if (self->certificates != NULL)
    read_again (self, now);
  else if (!try_to_begin (self, now, &error))
    wait_for_it (self, error);
}

void
weir_renewal_check (WeirRenewal *self, gint64 now)
{
  if (self->certificates == NULL || weir_certificates_has_changed (self->certificates))
    begin_or_read_again (self, now);
  else
    say_expiry (self, now);
}

void
weir_renewal_reload (WeirRenewal *self)
{
  /* who asks wants to hear it again */
  g_clear_pointer (&self->complaint, g_free);
  begin_or_read_again (self, get_now ());
}

static gboolean
on_timer (gpointer data)
{
  weir_renewal_check (data, get_now ());
  return G_SOURCE_CONTINUE;
}

/* ── its life ── */

WeirRenewal *
weir_renewal_new (const gchar *name, const gchar *folder, WeirRenewalBegin begin,
    WeirRenewalExplain explain, gpointer data, GError **error)
{
  g_autoptr (WeirRenewal) self = g_new0 (WeirRenewal, 1);
  g_autoptr (GError) local_error = NULL;

  self->name = g_strdup (name);
  self->folder = g_strdup (folder);
  self->begin = begin;
  self->explain = explain;
  self->data = data;
  if (!try_to_begin (self, get_now (), &local_error)) {
    if (explain == NULL || local_error->domain != WEIR_CERTIFICATES_ERROR) {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
    wait_for_it (self, local_error);
  }
  self->timer = g_timeout_add_seconds (CHECK_INTERVAL_S, on_timer, self);
  return g_steal_pointer (&self);
}

void
weir_renewal_free (WeirRenewal *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  weir_certificates_unref (self->certificates);
  g_free (self->complaint);
  g_free (self->folder);
  g_free (self->name);
  g_free (self);
}

WeirCertificates *
weir_renewal_get_certificates (WeirRenewal *self)
{
  return self->certificates;
}
