/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirCertificates:
 *
 * A folder of certificates: `NAME.crt` (PEM: the certificate, then its chain) with `NAME.key` (PEM,
 * without passphrase), one of them `default`. Which one a client gets is chosen by the name that it
 * asks for (SNI, RFC 6066 3): the one whose subject alternative names match it, exactly before by
 * wildcard (RFC 6125 6.4.3), whatever the file is called; else the one whose file has that name;
 * else `default`. A client without SNI, or with an unknown name, gets `default` and no alert.
 *
 * Reloading makes a whole new set and takes its place at once; connections go on with what they
 * have. A folder that cannot be read, or whose `default` cannot be used, keeps the old set in
 * place; any other pair that cannot be used is left out and named. All functions from any thread;
 * the folder is read on the caller's.
 */
typedef struct _WeirCertificates WeirCertificates;

#define WEIR_CERTIFICATES_ERROR (weir_certificates_error_quark ())
GQuark weir_certificates_error_quark (void);
typedef enum {
  WEIR_CERTIFICATES_ERROR_NONE_THERE, /* no folder, or no `default.crt` in it */
  WEIR_CERTIFICATES_ERROR_UNUSABLE,   /* unreadable, no PEM, key of another certificate, too weak */
} WeirCertificatesError;

/**
 * weir_certificates_new:
 * @folder: path
 * @warnings: (out) (optional) (transfer full): sentences about pairs that were left out, or that
 *   have expired or are not valid yet (they are used: the client is to see why)
 *
 * Returns: NULL with an error whose message says, in one sentence, what is missing and how to mend
 *   it
 */
WeirCertificates *weir_certificates_new (const gchar *folder, GStrv *warnings, GError **error);
WeirCertificates *weir_certificates_ref (WeirCertificates *self);
void weir_certificates_unref (WeirCertificates *self);

/* Returns: FALSE with an error, as above: the old set stays in place */
gboolean weir_certificates_reload (WeirCertificates *self, GStrv *warnings, GError **error);
/* Returns: whether a file in the folder was added, removed or changed since it was last read (by
 * name, size, time and inode; symbolic links are followed, as certbot replaces those) */
gboolean weir_certificates_has_changed (WeirCertificates *self);

/* Returns: how many pairs are in use */
guint weir_certificates_get_count (WeirCertificates *self);
/* Returns: Unix time of the earliest end of validity in use */
gint64 weir_certificates_get_expiry (WeirCertificates *self);
/* Returns: (transfer none): the folder */
const gchar *weir_certificates_get_folder (WeirCertificates *self);

/**
 * WeirCertificatePair: a certificate with its chain and key, for those who do TLS by themselves
 */
typedef struct _WeirCertificatePair WeirCertificatePair;

/**
 * weir_certificates_find:
 * @host_name: (nullable): the name that a client asks for, anything from outside
 *
 * Returns: (transfer full): what such a client gets, by the rules above
 */
WeirCertificatePair *weir_certificates_find (WeirCertificates *self, const gchar *host_name);
void weir_certificate_pair_unref (WeirCertificatePair *self);
/* Returns: (transfer full) (element-type GBytes): DER, the certificate first, then its chain */
GPtrArray *weir_certificate_pair_get_chain (WeirCertificatePair *self);
/* Returns: (transfer full): DER, PKCS #8 */
GBytes *weir_certificate_pair_get_key (WeirCertificatePair *self);
/**
 * weir_certificate_pair_get_data:
 * @make: called once at most, by the first who asks; may return NULL
 * @destroy: of what @make made, when the pair goes
 *
 * Returns: (transfer none): the form in which the user of the pair needs it
 */
gpointer weir_certificate_pair_get_data (WeirCertificatePair *self,
    gpointer (*make) (WeirCertificatePair *pair), GDestroyNotify destroy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCertificatePair, weir_certificate_pair_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirCertificates, weir_certificates_unref)

G_END_DECLS
