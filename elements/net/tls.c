/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/tls.h"

#include "net/certificatesinternal.h"

#include <openssl/err.h>
#include <string.h>

#define RECORD_HANDSHAKE 0x16
#define RECORD_ALERT 0x15
#define ALERT_FATAL 2

struct _WeirTls {
  WeirCertificateSet *set;
  SSL *ssl;
  WeirWriter output;
  WeirWriter waiting; /* clear bytes to be sent when the handshake is complete */

  const guint8 *input; /* not read by OpenSSL yet; in the caller's memory or in @kept */
  gsize input_size;
  GByteArray *kept;
  guint8 first_bytes[8];
  gsize first_bytes_count;
  gsize received;   /* since there were clear bytes */
  gboolean drained; /* OpenSSL has asked for more than there was */

  gboolean hello_complete;
  gboolean established;
  gboolean closed;
  gboolean ended;
  GError *error; /* once it has failed */
  gchar *server_name;
  gchar *description;
};

G_DEFINE_QUARK (weir_tls_error, weir_tls_error)

/* ── OpenSSL's side of the bytes ── */

static int
bio_read (BIO *bio, char *data, int size)
{
  WeirTls *self = BIO_get_data (bio);
  gsize count = MIN ((gsize) MAX (size, 0), self->input_size);

  BIO_clear_retry_flags (bio);
  if (count == 0) {
    BIO_set_retry_read (bio);
    return -1;
  }
  memcpy (data, self->input, count);
  self->input += count;
  self->input_size -= count;
  return (int) count;
}

static int
bio_write (BIO *bio, const char *data, int size)
{
  WeirTls *self = BIO_get_data (bio);

  BIO_clear_retry_flags (bio);
  if (size <= 0)
    return 0;
  weir_writer_bytes (&self->output, data, (gsize) size);
  return size;
}

static long
bio_control (
    G_GNUC_UNUSED BIO *bio, int command, G_GNUC_UNUSED long number, G_GNUC_UNUSED void *pointer)
{
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Made once, never changed. */
static const BIO_METHOD *
get_bio_method (void)
{
  static gsize made;

  if (g_once_init_enter (&made)) {
    BIO_METHOD *method = BIO_meth_new (BIO_TYPE_SOURCE_SINK | BIO_get_new_index (), "weir-tls");

    if (method == NULL)
      g_error ("no memory for TLS");
    BIO_meth_set_read (method, bio_read);
    BIO_meth_set_write (method, bio_write);
    BIO_meth_set_ctrl (method, bio_control);
    g_once_init_leave (&made, (gsize) method);
  }
  return (const BIO_METHOD *) made;
}

WeirTls *
weir_tls_new (WeirCertificates *certificates)
{
  WeirTls *self = g_new0 (WeirTls, 1);
  BIO *bio = BIO_new (get_bio_method ());

  self->set = weir_certificates_get_set (certificates);
  self->ssl = weir_certificate_set_new_ssl (self->set);
  if (bio == NULL || self->ssl == NULL)
    g_error ("no memory for TLS");
  BIO_set_data (bio, self);
  BIO_set_init (bio, 1);
  SSL_set_bio (self->ssl, bio, bio);
  weir_writer_init (&self->output, 0);
  weir_writer_init (&self->waiting, 0);
  return self;
}

void
weir_tls_free (WeirTls *self)
{
  if (self == NULL)
    return;
  SSL_free (self->ssl);
  weir_certificate_set_unref (self->set);
  weir_writer_clear (&self->output);
  weir_writer_clear (&self->waiting);
  g_clear_pointer (&self->kept, g_byte_array_unref);
  g_clear_error (&self->error);
  g_free (self->server_name);
  g_free (self->description);
  g_free (self);
}

/* ── errors ── */

static WeirTlsResult
fail (WeirTls *self, WeirTlsError code, const gchar *message)
{
  self->error = g_error_new_literal (WEIR_TLS_ERROR, (gint) code, message);
  return WEIR_TLS_FAILED;
}

/* RFC 8446 6.2; what clients mean by them */
static const gchar *
certificate_alert (gint alert)
{
  switch (alert) {
  case SSL_AD_BAD_CERTIFICATE:
    return "bad certificate; it may be for another name";
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
    return "unsupported certificate";
  case SSL_AD_CERTIFICATE_REVOKED:
    return "certificate revoked";
  case SSL_AD_CERTIFICATE_EXPIRED:
    return "certificate expired";
  case SSL_AD_CERTIFICATE_UNKNOWN:
    return "certificate unknown; it may be for another name, or not trusted";
  case SSL_AD_UNKNOWN_CA:
    return "unknown authority; the certificate is self-signed, or its chain is missing";
  default:
    return NULL;
  }
}

static const gchar *
protocol_reason (gint reason)
{
  switch (reason) {
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_VERSION_TOO_LOW:
    return "TLS 1.2 or later is wanted, and the peer offers older versions only";
  case SSL_R_NO_SHARED_CIPHER:
    return "there is no cipher suite that both sides know";
  default:
    return NULL;
  }
}

static WeirTlsResult
fail_by_openssl (WeirTls *self)
{
  gulong error = ERR_peek_error ();
  gint reason = ERR_GET_REASON (error);
  gint alert = reason - SSL_AD_REASON_OFFSET;
  const gchar *words = alert >= 0 ? certificate_alert (alert) : protocol_reason (reason);

  ERR_clear_error ();
  if (alert >= 0 && words != NULL)
    return fail (self, WEIR_TLS_ERROR_CERTIFICATE, words);
  if (alert >= 0)
    return fail (self, WEIR_TLS_ERROR_ALERT, SSL_alert_desc_string_long (alert));
  if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE && !self->established)
    return fail (self, WEIR_TLS_ERROR_LIMIT, "too long a message in the handshake");
  if (words == NULL)
    words = ERR_reason_error_string (error);
  return fail (self, WEIR_TLS_ERROR_PROTOCOL, words != NULL ? words : "unknown error");
}

/* a fatal alert in the clear (RFC 8446 6) */
static void
write_alert (WeirWriter *writer, guint8 description)
{
  weir_writer_u8 (writer, RECORD_ALERT);
  weir_writer_u16 (writer, TLS1_2_VERSION);
  weir_writer_u16 (writer, 2);
  weir_writer_u8 (writer, ALERT_FATAL);
  weir_writer_u8 (writer, description);
}

/* ── input ── */

void
weir_tls_input (WeirTls *self, const guint8 *data, gsize size)
{
  gsize wanted = MIN (sizeof self->first_bytes - self->first_bytes_count, size);

  if (wanted > 0) {
    memcpy (self->first_bytes + self->first_bytes_count, data, wanted);
    self->first_bytes_count += wanted;
  }
  self->received += size;
  self->drained = FALSE;
  if (self->input_size == 0) {
    self->input = data;
    self->input_size = size;
    return;
  }
  weir_tls_keep_input (self);
  g_byte_array_append (self->kept, data, (guint) size);
  self->input = self->kept->data;
  self->input_size = self->kept->len;
}

void
weir_tls_keep_input (WeirTls *self)
{
  GByteArray *kept;

  if (self->input_size == 0)
    return;
  kept = g_byte_array_sized_new ((guint) self->input_size);
  g_byte_array_append (kept, self->input, (guint) self->input_size);
  g_clear_pointer (&self->kept, g_byte_array_unref);
  self->kept = kept;
  self->input = kept->data;
}

static void
forget_input (WeirTls *self)
{
  self->input = NULL;
  self->input_size = 0;
  g_clear_pointer (&self->kept, g_byte_array_unref);
}

static void
note_hello (WeirTls *self)
{
  switch (SSL_get_state (self->ssl)) {
  case TLS_ST_BEFORE:
  case TLS_ST_SR_CLNT_HELLO:
    break;
  default:
    self->hello_complete = TRUE;
    break;
  }
}

static WeirTlsResult
exceed (WeirTls *self, const gchar *message)
{
  if (!self->established)
    write_alert (&self->output, SSL_AD_DECODE_ERROR);
  return fail (self, WEIR_TLS_ERROR_LIMIT, message);
}

/* Everything that came has been read. */
static WeirTlsResult
want_more (WeirTls *self)
{
  self->drained = TRUE;
  note_hello (self);
  if (!self->hello_complete && self->received > WEIR_TLS_HELLO_MAX)
    return exceed (self, "the client's hello has more than 16 KiB");
  /* the longest record is shorter: these bring nothing but work */
  if (self->received > WEIR_TLS_SILENCE_MAX)
    return exceed (self, "64 KiB came without content");
  return WEIR_TLS_MORE;
}

static WeirTlsResult
handle_result (WeirTls *self, gint result)
{
  switch (SSL_get_error (self->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return want_more (self);
  case SSL_ERROR_ZERO_RETURN:
    self->ended = TRUE;
    return WEIR_TLS_END;
  default:
    return fail_by_openssl (self);
  }
}

/* ── output ── */

static void
write_clear (WeirTls *self, const guint8 *data, gsize size)
{
  while (size > 0) {
    gsize written = 0;

    ERR_clear_error ();
    /* the output takes everything, so what fails here fails for good, as reading will find */
    if (SSL_write_ex (self->ssl, data, size, &written) != 1)
      break;
    data += written;
    size -= written;
  }
}

void
weir_tls_write (WeirTls *self, const guint8 *data, gsize size)
{
  if (self->error != NULL || self->closed)
    return;
  if (self->established)
    write_clear (self, data, size);
  else
    weir_writer_bytes (&self->waiting, data, size);
}

void
weir_tls_close (WeirTls *self)
{
  if (self->closed || self->error != NULL)
    return;
  self->closed = TRUE;
  if (!self->established)
    return;
  ERR_clear_error ();
  SSL_shutdown (self->ssl);
}

/* ── both ── */

static void
become_established (WeirTls *self)
{
  const gchar *name = SSL_get_servername (self->ssl, TLSEXT_NAMETYPE_host_name);

  self->established = TRUE;
  if (name != NULL && weir_certificates_is_host_name (name))
    self->server_name = g_ascii_strdown (name, -1);
  self->description =
      g_strdup_printf ("%s %s", SSL_get_version (self->ssl), SSL_get_cipher_name (self->ssl));
  write_clear (self, self->waiting.data, self->waiting.size);
  weir_writer_clear (&self->waiting);
  if (self->closed)
    SSL_shutdown (self->ssl);
}

static WeirTlsResult
shake_hands (WeirTls *self)
{
  gint result;

  /* what else OpenSSL takes (SSL 2 hellos) no encoder sends */
  if (self->first_bytes_count > 0 && self->first_bytes[0] != RECORD_HANDSHAKE)
    return fail (self, WEIR_TLS_ERROR_NOT_TLS, "that is no TLS");
  ERR_clear_error ();
  result = SSL_do_handshake (self->ssl);
  if (result != 1)
    return handle_result (self, result);
  become_established (self);
  return WEIR_TLS_CLEAR;
}

/* Returns: CLEAR when @clear is full, else what comes behind what it holds */
static WeirTlsResult
read_records (WeirTls *self, guint8 *clear, gsize clear_max, gsize *clear_size)
{
  while (*clear_size < clear_max) {
    gsize count = 0;
    gint result;

    ERR_clear_error ();
    result = SSL_read_ex (self->ssl, clear + *clear_size, clear_max - *clear_size, &count);
    if (result != 1)
      return handle_result (self, result);
    *clear_size += count;
    self->received = 0;
  }
  return WEIR_TLS_CLEAR;
}

WeirTlsResult
weir_tls_read (WeirTls *self, guint8 *clear, gsize clear_max, gsize *clear_size, GError **error)
{
  WeirTlsResult result = self->error != NULL ? WEIR_TLS_FAILED
                         : self->ended       ? WEIR_TLS_END
                                             : WEIR_TLS_CLEAR;
  gsize size = 0;

  if (result == WEIR_TLS_CLEAR && self->drained)
    result = WEIR_TLS_MORE;
  if (result == WEIR_TLS_CLEAR && !self->established)
    result = shake_hands (self);
  if (result == WEIR_TLS_CLEAR)
    result = read_records (self, clear, clear_max, &size);
  /* the next call tells what comes behind */
  if (size > 0) {
    *clear_size = size;
    return WEIR_TLS_CLEAR;
  }
  if (result == WEIR_TLS_FAILED && error != NULL)
    *error = g_error_copy (self->error);
  forget_input (self);
  return result;
}

/* ── what it tells ── */

WeirWriter *
weir_tls_get_output (WeirTls *self)
{
  return &self->output;
}

gsize
weir_tls_get_waiting (WeirTls *self)
{
  return self->waiting.size;
}

gboolean
weir_tls_is_established (WeirTls *self)
{
  return self->established;
}

const gchar *
weir_tls_get_server_name (WeirTls *self)
{
  return self->server_name;
}

const gchar *
weir_tls_get_description (WeirTls *self)
{
  return self->description != NULL ? self->description : "";
}

const guint8 *
weir_tls_get_first_bytes (WeirTls *self, gsize *size)
{
  *size = self->first_bytes_count;
  return self->first_bytes;
}
