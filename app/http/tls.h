/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/certificates.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

G_BEGIN_DECLS

/**
 * WeirHttpTls: certificates and session tickets for libmicrohttpd's HTTPS, which is GnuTLS's
 */
typedef struct _WeirHttpTls WeirHttpTls;

/* TLS 1.2 and 1.3, forward secrecy and authenticated encryption only */
#define WEIR_HTTP_TLS_PRIORITIES                                       \
  "NORMAL:%SERVER_PRECEDENCE:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA" \
  ":-AES-128-CBC:-AES-256-CBC:-AES-128-CCM:-AES-256-CCM"

WeirHttpTls *weir_http_tls_new (WeirCertificates *certificates);
void weir_http_tls_free (WeirHttpTls *self);

/* a connection's part in it; what it is given stays there until the connection ends */
typedef struct _WeirHttpTlsSession WeirHttpTlsSession;

/* before the handshake */
WeirHttpTlsSession *weir_http_tls_begin (WeirHttpTls *self, gnutls_session_t session);
void weir_http_tls_end (WeirHttpTlsSession *self);

/* a gnutls_certificate_retrieve_function2, for sessions that were begun here: the certificate is
 * chosen by the name that the client asks for (certificates.h) */
int weir_http_tls_choose (gnutls_session_t session, const gnutls_datum_t *authorities,
    int n_authorities, const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
    gnutls_pcert_st **certificates, unsigned int *n_certificates, gnutls_privkey_t *key);

G_END_DECLS
