/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/writer.h"
#include "net/certificates.h"

G_BEGIN_DECLS

/**
 * WeirTls:
 *
 * Server side of one TLS connection, pure: records in and out as bytes, clear bytes out and in. TLS
 * 1.2 (RFC 5246, ECDHE and AEAD suites only) and 1.3 (RFC 8446); session tickets, no renegotiation,
 * no compression, no early data, no client certificates. Reads ahead: OpenSSL takes its input from
 * the caller's buffer in pieces of 16 KiB, however small the records are, and all records of one
 * input are decrypted in one go.
 *
 * Not locked: one thread at a time.
 */
typedef struct _WeirTls WeirTls;

#define WEIR_TLS_ERROR (weir_tls_error_quark ())
GQuark weir_tls_error_quark (void);
typedef enum {
  WEIR_TLS_ERROR_NOT_TLS,     /* the first byte begins no TLS handshake: see its first bytes */
  WEIR_TLS_ERROR_CERTIFICATE, /* the peer's alert: it does not accept our certificate */
  WEIR_TLS_ERROR_ALERT,       /* another alert of the peer */
  WEIR_TLS_ERROR_PROTOCOL,    /* everything else that OpenSSL says */
  WEIR_TLS_ERROR_LIMIT,       /* more bytes without content than any client needs */
} WeirTlsError;

/* what may come before the client's hello is complete, and without a clear byte between */
#define WEIR_TLS_HELLO_MAX (16 * 1024)
#define WEIR_TLS_SILENCE_MAX (64 * 1024)

WeirTls *weir_tls_new (WeirCertificates *certificates);
void weir_tls_free (WeirTls *self);

typedef enum {
  WEIR_TLS_CLEAR,  /* @clear has bytes; call again */
  WEIR_TLS_MORE,   /* wants more input */
  WEIR_TLS_END,    /* the peer said close_notify */
  WEIR_TLS_FAILED, /* @error is set; nothing more will come */
} WeirTlsResult;

/* records from the peer; borrowed until weir_tls_read() answers other than CLEAR, or
 * weir_tls_keep_input() */
void weir_tls_input (WeirTls *self, const guint8 *data, gsize size);
/* copies what has not been read yet of the input; for who stops in between */
void weir_tls_keep_input (WeirTls *self);
/**
 * weir_tls_read:
 * @clear: where clear bytes go, @clear_max bytes at most, 16 KiB or more
 * @clear_size: (out): set with WEIR_TLS_CLEAR
 *
 * Makes progress with what weir_tls_input() brought, the handshake included. The output may have
 * grown, whatever the answer: an error's alert too.
 */
WeirTlsResult weir_tls_read (
    WeirTls *self, guint8 *clear, gsize clear_max, gsize *clear_size, GError **error);
/* clear bytes for the peer; before the handshake is complete they wait */
void weir_tls_write (WeirTls *self, const guint8 *data, gsize size);
/* says close_notify */
void weir_tls_close (WeirTls *self);
/* Returns: (transfer none): records to send; the caller sends them and resets the writer */
WeirWriter *weir_tls_get_output (WeirTls *self);

/* Returns: bytes that wait for the end of the handshake */
gsize weir_tls_get_waiting (WeirTls *self);

gboolean weir_tls_is_established (WeirTls *self);
/* Returns: (nullable) (transfer none): the name that the client asked for, checked to be a host
 * name; NULL when none or before the handshake is complete */
const gchar *weir_tls_get_server_name (WeirTls *self);
/* Returns: (transfer none): "TLSv1.3 TLS_AES_128_GCM_SHA256", for the log; "" before */
const gchar *weir_tls_get_description (WeirTls *self);

/* Returns: (transfer none) (array length=size): what came first, up to 8 bytes: tells which
 * protocol was spoken instead */
const guint8 *weir_tls_get_first_bytes (WeirTls *self, gsize *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTls, weir_tls_free)

G_END_DECLS
