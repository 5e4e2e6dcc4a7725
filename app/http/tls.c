/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "http/tls.h"

#include <string.h>

#define NAME_SIZE_MAX 256

struct _WeirHttpTls {
  WeirCertificates *certificates;
  gnutls_datum_t ticket_key; /* GnuTLS derives from it those of the hour */
};

struct _WeirHttpTlsSession {
  WeirHttpTls *tls;
  WeirCertificatePair *pair; /* NULL until one is chosen */
};

/* a pair as GnuTLS wants it */
typedef struct {
  gnutls_pcert_st *certificates;
  guint count;
  gnutls_privkey_t key;
} Imported;

static void
imported_free (gpointer data)
{
  Imported *self = data;

  for (guint i = 0; i < self->count; i++)
    gnutls_pcert_deinit (&self->certificates[i]);
  g_free (self->certificates);
  if (self->key != NULL)
    gnutls_privkey_deinit (self->key);
  g_free (self);
}

static gboolean
import_key (Imported *self, WeirCertificatePair *pair)
{
  g_autoptr (GBytes) der = weir_certificate_pair_get_key (pair);
  gnutls_datum_t datum = {
      (guint8 *) g_bytes_get_data (der, NULL), (unsigned int) g_bytes_get_size (der)};

  return gnutls_privkey_init (&self->key) == GNUTLS_E_SUCCESS &&
         gnutls_privkey_import_x509_raw (self->key, &datum, GNUTLS_X509_FMT_DER, NULL, 0) ==
             GNUTLS_E_SUCCESS;
}

static gboolean
import_chain (Imported *self, WeirCertificatePair *pair)
{
  g_autoptr (GPtrArray) chain = weir_certificate_pair_get_chain (pair);

  self->certificates = g_new0 (gnutls_pcert_st, chain->len);
  for (guint i = 0; i < chain->len; i++) {
    GBytes *der = chain->pdata[i];
    gnutls_datum_t datum = {
        (guint8 *) g_bytes_get_data (der, NULL), (unsigned int) g_bytes_get_size (der)};

    if (gnutls_pcert_import_x509_raw (&self->certificates[i], &datum, GNUTLS_X509_FMT_DER, 0) !=
        GNUTLS_E_SUCCESS)
      return FALSE;
    self->count++;
  }
  return self->count > 0;
}

static gpointer
import (WeirCertificatePair *pair)
{
  Imported *self = g_new0 (Imported, 1);

  if (import_chain (self, pair) && import_key (self, pair))
    return self;
  g_warning ("GnuTLS cannot use a certificate or its key: HTTPS clients that ask for it fail");
  imported_free (self);
  return NULL;
}

WeirHttpTls *
weir_http_tls_new (WeirCertificates *certificates)
{
  WeirHttpTls *self = g_new0 (WeirHttpTls, 1);

  self->certificates = weir_certificates_ref (certificates);
  if (gnutls_session_ticket_key_generate (&self->ticket_key) != GNUTLS_E_SUCCESS)
    self->ticket_key.data = NULL;
  return self;
}

void
weir_http_tls_free (WeirHttpTls *self)
{
  if (self->ticket_key.data != NULL) {
    gnutls_memset (self->ticket_key.data, 0, self->ticket_key.size);
    gnutls_free (self->ticket_key.data);
  }
  weir_certificates_unref (self->certificates);
  g_free (self);
}

WeirHttpTlsSession *
weir_http_tls_begin (WeirHttpTls *tls, gnutls_session_t session)
{
  WeirHttpTlsSession *self = g_new0 (WeirHttpTlsSession, 1);

  self->tls = tls;
  if (tls->ticket_key.data != NULL)
    gnutls_session_ticket_enable_server (session, &tls->ticket_key);
  /* the session's own pointer is MHD's; nobody here keeps sessions in a data base */
  gnutls_db_set_ptr (session, self);
  return self;
}

void
weir_http_tls_end (WeirHttpTlsSession *self)
{
  g_clear_pointer (&self->pair, weir_certificate_pair_unref);
  g_free (self);
}

int
weir_http_tls_choose (gnutls_session_t session, G_GNUC_UNUSED const gnutls_datum_t *authorities,
    G_GNUC_UNUSED int n_authorities, G_GNUC_UNUSED const gnutls_pk_algorithm_t *algorithms,
    G_GNUC_UNUSED int n_algorithms, gnutls_pcert_st **certificates, unsigned int *n_certificates,
    gnutls_privkey_t *key)
{
  WeirHttpTlsSession *self = gnutls_db_get_ptr (session);
  gchar name[NAME_SIZE_MAX + 1] = "";
  size_t size = NAME_SIZE_MAX;
  unsigned int type = 0;
  gboolean named;
  Imported *imported;

  if (self == NULL)
    return -1;
  named = gnutls_server_name_get (session, name, &size, &type, 0) == GNUTLS_E_SUCCESS &&
          type == GNUTLS_NAME_DNS;
  /* it may be asked for once more, with the name of another server */
  g_clear_pointer (&self->pair, weir_certificate_pair_unref);
  self->pair = weir_certificates_find (self->tls->certificates, named ? name : NULL);
  imported = weir_certificate_pair_get_data (self->pair, import, imported_free);
  if (imported == NULL)
    return -1;
  *certificates = imported->certificates;
  *n_certificates = imported->count;
  *key = imported->key;
  return 0;
}
