/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/certificates.h"

#include <openssl/ssl.h>

G_BEGIN_DECLS

/* What only TLS needs of the certificates: the set that is in place, which stays as it is. */
typedef struct _WeirCertificateSet WeirCertificateSet;

/* Returns: (transfer full) */
WeirCertificateSet *weir_certificates_get_set (WeirCertificates *self);
void weir_certificate_set_unref (WeirCertificateSet *self);
/* Returns: (nullable) (transfer full): a connection's TLS state, which chooses its certificate by
 * the name that the client asks for; needs the set for as long as it lives. NULL without memory. */
SSL *weir_certificate_set_new_ssl (WeirCertificateSet *self);

/* Returns: whether @name is a host name, as SNI carries it */
gboolean weir_certificates_is_host_name (const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCertificateSet, weir_certificate_set_unref)

G_END_DECLS
