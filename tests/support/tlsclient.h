/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* The client's side of TLS over memory, for whoever carries the bytes. */
typedef struct {
  SSL_CTX *context;
  SSL *ssl;
  BIO *input; /* to be read by the client */
  BIO *output;
  SSL_SESSION *session; /* the last ticket that came */
  GByteArray *clear;
} TlsClient;

static inline int
tls_client_keep_session (SSL *ssl, SSL_SESSION *session)
{
  TlsClient *self = SSL_get_app_data (ssl);

  SSL_SESSION_free (self->session);
  self->session = session;
  return 1;
}

/* @version: TLS1_3_VERSION; 0 for any */
static inline void
tls_client_init (TlsClient *self, gint version)
{
  *self = (TlsClient){.context = SSL_CTX_new (TLS_client_method ())};
  SSL_CTX_set_min_proto_version (self->context, version);
  SSL_CTX_set_max_proto_version (self->context, version);
  SSL_CTX_set_session_cache_mode (
      self->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb (self->context, tls_client_keep_session);
  self->ssl = SSL_new (self->context);
  self->input = BIO_new (BIO_s_mem ());
  self->output = BIO_new (BIO_s_mem ());
  self->clear = g_byte_array_new ();
  SSL_set_app_data (self->ssl, self);
  SSL_set_bio (self->ssl, self->input, self->output);
  SSL_set_connect_state (self->ssl);
}

static inline void
tls_client_clear (TlsClient *self)
{
  SSL_SESSION_free (self->session);
  /* OpenSSL forgets a session whose connection was not shut down */
  SSL_set_shutdown (self->ssl, SSL_SENT_SHUTDOWN);
  SSL_free (self->ssl);
  SSL_CTX_free (self->context);
  g_byte_array_unref (self->clear);
}

/* Returns: OpenSSL's reason (SSL_R_…) when a call failed, else 0 */
static inline gint
tls_client_reason (TlsClient *self, gint result)
{
  gint reason = 0;

  if (result <= 0 && SSL_get_error (self->ssl, result) == SSL_ERROR_SSL)
    reason = ERR_GET_REASON (ERR_peek_error ());
  ERR_clear_error ();
  return reason;
}

/* goes on with what has come; clear bytes are added to @clear
 * Returns: as tls_client_reason() */
static inline gint
tls_client_advance (TlsClient *self)
{
  guint8 buffer[4096];
  gint result, reason;

  ERR_clear_error ();
  /* reading alone does not end early data */
  reason = tls_client_reason (self, SSL_do_handshake (self->ssl));
  if (reason != 0)
    return reason;
  while ((result = SSL_read (self->ssl, buffer, sizeof buffer)) > 0)
    g_byte_array_append (self->clear, buffer, (guint) result);
  return tls_client_reason (self, result);
}

static inline void
tls_client_input (TlsClient *self, gconstpointer data, gsize size)
{
  if (size > 0)
    g_assert_cmpint (BIO_write (self->input, data, (gint) size), ==, (gint) size);
}

static inline void
tls_client_write (TlsClient *self, gconstpointer data, gsize size)
{
  g_assert_cmpint (SSL_write (self->ssl, data, (gint) size), ==, (gint) size);
}

/* Returns: (transfer full): what is to be sent */
static inline GByteArray *
tls_client_take_output (TlsClient *self)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gint count;

  while ((count = BIO_read (self->output, buffer, sizeof buffer)) > 0)
    g_byte_array_append (bytes, buffer, (guint) count);
  return bytes;
}
