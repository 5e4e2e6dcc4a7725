/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/certificates.h"

G_BEGIN_DECLS

/**
 * WeirRenewal:
 *
 * The certificates of one listener, and what becomes of them while it runs: they are loaded, read
 * again every 2 s when a file has changed, and whenever someone asks. What cannot be used leaves in
 * place what there is, without touching connections.
 *
 * On the log it says what is in use and until when, what is wrong with a pair, and once that the
 * first of the certificates expires within 14 days. What is wrong with the whole is said once, not
 * every 2 s.
 *
 * Main thread; the timer is one of its context.
 */
typedef struct _WeirRenewal WeirRenewal;

/**
 * WeirRenewalBegin:
 *
 * There are certificates: listen with them. Called until it has succeeded once; later certificates
 * take the place of these in the same @certificates.
 *
 * Returns: FALSE with an error, none of WEIR_CERTIFICATES_ERROR, when that is not possible
 */
typedef gboolean (*WeirRenewalBegin) (
    WeirCertificates *certificates, gpointer data, GError **error);

/**
 * WeirRenewalExplain:
 * @error: why it has not begun: WEIR_CERTIFICATES_ERROR, or what WeirRenewalBegin said
 *
 * Returns: (transfer full): a sentence for the log
 */
typedef gchar *(*WeirRenewalExplain) (const GError *error, gpointer data);

/**
 * weir_renewal_new:
 * @name: of the listener, as the log calls it: `https`
 * @folder: of the certificates
 * @begin: (nullable) (scope notified): called from within this when there are certificates
 * @explain: (nullable) (scope notified): what may begin later explains itself; called from within
 *   this when there are no certificates that can be used
 *
 * Returns: NULL with an error: what @begin said, or, without @explain, that there are no
 *   certificates that can be used (WEIR_CERTIFICATES_ERROR)
 */
WeirRenewal *weir_renewal_new (const gchar *name, const gchar *folder, WeirRenewalBegin begin,
    WeirRenewalExplain explain, gpointer data, GError **error);
void weir_renewal_free (WeirRenewal *self);

/* reads the certificates again, whether they have changed or not, and says so on the log, even what
 * it has said before */
void weir_renewal_reload (WeirRenewal *self);
/* What it does every 2 s by itself. @now: Unix time */
void weir_renewal_check (WeirRenewal *self, gint64 now);

/* Returns: (transfer none) (nullable): the same ones for good, NULL while it has not begun */
WeirCertificates *weir_renewal_get_certificates (WeirRenewal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRenewal, weir_renewal_free)

G_END_DECLS
