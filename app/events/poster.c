/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/poster.h"

#include <libsoup/soup.h>
#include <string.h>

#define IDLE_S 30
#define READ_SIZE 8192
/* for the rest of an answer whose status is known */
#define BODY_TIME_MS 2000

typedef struct _Exchange Exchange;

struct _WeirPoster {
  SoupSession *session;
  GUri *uri;
  gint64 timeout_us;
  Exchange *exchange; /* (nullable): under way */
};

/* one request, until its connection is let go; may outlive the poster */
struct _Exchange {
  WeirPoster *poster; /* NULL: it has gone, and nobody is to be called */
  GCancellable *cancellable;
  SoupMessage *message;
  GInputStream *body;
  gsize read;
  guint timer;
  gint64 timeout_us;
  gboolean late;
  GTlsCertificateFlags refused; /* what is the matter with the receiver's certificate */
  GError *error;
  WeirPosterDone done;
  gpointer data;
};

static void
exchange_free (Exchange *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_object_unref (self->cancellable);
  g_signal_handlers_disconnect_by_data (self->message, self);
  g_object_unref (self->message);
  g_clear_object (&self->body);
  g_clear_error (&self->error);
  g_free (self);
}

/* @self: (transfer full) */
static void
finish (Exchange *self)
{
  if (self->poster != NULL) {
    self->poster->exchange = NULL;
    self->done (self->error, self->data);
  }
  exchange_free (self);
}

static gboolean
too_late (gpointer data)
{
  Exchange *self = data;

  self->timer = 0;
  self->late = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static void
closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* whether the connection can be used again is no matter */
  g_input_stream_close_finish (G_INPUT_STREAM (source), result, NULL);
  finish (user_data);
}

/* never lets the stream be closed by its last reference, which would read the rest of it, blocking
 */
static void
close_body (Exchange *self)
{
  g_input_stream_close_async (self->body, G_PRIORITY_DEFAULT, self->cancellable, closed, self);
}

static void
skipped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *self = user_data;
  gssize got = g_input_stream_skip_finish (G_INPUT_STREAM (source), result, NULL);

  self->read += (gsize) MAX (got, 0);
  if (got > 0 && self->read < WEIR_POSTER_BODY_MAX) {
    g_input_stream_skip_async (
        self->body, READ_SIZE, G_PRIORITY_DEFAULT, self->cancellable, skipped, self);
    return;
  }
  /* a body that is too long is not read to its end either */
  if (got > 0) {
    g_clear_handle_id (&self->timer, g_source_remove);
    too_late (self);
  }
  close_body (self);
}

static void
set_status_error (Exchange *self)
{
  guint status = soup_message_get_status (self->message);

  if (SOUP_STATUS_IS_SUCCESSFUL (status))
    return;
  g_set_error (&self->error, G_IO_ERROR, G_IO_ERROR_FAILED, "answered %u%s", status,
      SOUP_STATUS_IS_REDIRECTION (status) ? ", and redirects are not followed" : "");
}

static gboolean
refuse_certificate (G_GNUC_UNUSED SoupMessage *message, G_GNUC_UNUSED GTlsCertificate *certificate,
    GTlsCertificateFlags errors, gpointer data)
{
  ((Exchange *) data)->refused = errors;
  return FALSE;
}

/* instead of "Unacceptable TLS certificate" */
static void
set_certificate_error (Exchange *self)
{
  static const struct {
    GTlsCertificateFlags flag;
    const gchar *text;
  } reasons[] = {
      {G_TLS_CERTIFICATE_BAD_IDENTITY, "is not for this name"},
      {G_TLS_CERTIFICATE_EXPIRED, "has expired"},
      {G_TLS_CERTIFICATE_NOT_ACTIVATED, "is not valid yet"},
      {G_TLS_CERTIFICATE_REVOKED, "was revoked"},
      {G_TLS_CERTIFICATE_INSECURE, "is signed in a way that is not safe"},
      {G_TLS_CERTIFICATE_UNKNOWN_CA, "is not signed by an authority that is trusted"},
      {G_TLS_CERTIFICATE_GENERIC_ERROR, "cannot be verified"},
  };
  g_autoptr (GString) text = g_string_new ("the certificate of the receiver");
  const gchar *separator = " ";

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    if ((self->refused & reasons[i].flag) == 0)
      continue;
    g_string_append_printf (text, "%s%s", separator, reasons[i].text);
    separator = ", ";
  }
  g_clear_error (&self->error);
  g_set_error_literal (&self->error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, text->str);
}

static void
sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Exchange *self = user_data;

  self->body = soup_session_send_finish (SOUP_SESSION (source), result, &self->error);
  if (self->body == NULL) {
    if (self->late) {
      g_clear_error (&self->error);
      g_set_error (&self->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
          "no answer within %" G_GINT64_FORMAT " s", self->timeout_us / G_USEC_PER_SEC);
    } else if (self->refused != 0) {
      set_certificate_error (self);
    }
    finish (self);
    return;
  }
  set_status_error (self);
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add (BODY_TIME_MS, too_late, self);
  g_input_stream_skip_async (
      self->body, READ_SIZE, G_PRIORITY_DEFAULT, self->cancellable, skipped, self);
}

WeirPoster *
weir_poster_new (const gchar *url, WeirEgress *egress, gint64 timeout_us, GTlsDatabase *trust)
{
  WeirPoster *self = g_new0 (WeirPoster, 1);
  g_autoptr (GSocketConnectable) target = NULL;
  gint port;

  self->uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  port = g_uri_get_port (self->uri);
  target = weir_egress_connectable_new (egress, g_uri_get_host (self->uri), (guint16) port);
  self->timeout_us = timeout_us;
  self->session = soup_session_new_with_options ("remote-connectable", target, "max-conns", 1,
      "max-conns-per-host", 1, "idle-timeout", IDLE_S, "timeout",
      (guint) (timeout_us / G_USEC_PER_SEC) + 1, "user-agent", "Weir/" WEIR_VERSION, NULL);
  soup_session_set_proxy_resolver (self->session, NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_AUTH_MANAGER);
  if (trust != NULL)
    soup_session_set_tls_database (self->session, trust);
  return self;
}

void
weir_poster_free (WeirPoster *self)
{
  if (self == NULL)
    return;
  if (self->exchange != NULL) {
    self->exchange->poster = NULL;
    g_cancellable_cancel (self->exchange->cancellable);
  }
  g_object_unref (self->session);
  g_uri_unref (self->uri);
  g_free (self);
}

void
weir_poster_send (WeirPoster *self, const gchar *const *headers, const gchar *body,
    WeirPosterDone done, gpointer data)
{
  Exchange *exchange = g_new0 (Exchange, 1);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  SoupMessageHeaders *fields;

  self->exchange = exchange;
  exchange->poster = self;
  exchange->done = done;
  exchange->data = data;
  exchange->timeout_us = self->timeout_us;
  exchange->cancellable = g_cancellable_new ();
  exchange->message = soup_message_new_from_uri ("POST", self->uri);
  soup_message_set_flags (exchange->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_message_set_request_body_from_bytes (exchange->message, "application/json", bytes);
  fields = soup_message_get_request_headers (exchange->message);
  for (; *headers != NULL; headers += 2)
    soup_message_headers_replace (fields, headers[0], headers[1]);
  g_signal_connect (
      exchange->message, "accept-certificate", G_CALLBACK (refuse_certificate), exchange);
  exchange->timer = g_timeout_add ((guint) (self->timeout_us / 1000), too_late, exchange);
  soup_session_send_async (
      self->session, exchange->message, G_PRIORITY_DEFAULT, exchange->cancellable, sent, exchange);
}
