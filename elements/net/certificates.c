/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/certificates.h"

#include "net/certificatesinternal.h"
#include "net/ticketkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "default"
/* a certificate with its chain has a few KiB */
#define FILE_SIZE_MAX (1024 * 1024)
#define CHAIN_MAX 20
#define HOST_NAME_MAX_LENGTH 253
#define TICKET_LIFETIME_S (12 * 3600)
/* 112 bits: RSA of 2048 bits, ECDSA of 224; whatever the system's openssl.cnf says */
#define SECURITY_LEVEL 2

/* AES-128 before AES-256: nothing breaks it, and every broadcaster's bytes go through it */
#define TLS12_CIPHERS                                          \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS13_SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

typedef struct _WeirCertificatePair {
  gint references;
  gchar *name; /* of the file, without its ending */
  SSL_CTX *context;
  GPtrArray *host_names; /* lower case; `*.example.org` too */
  gint64 not_before;     /* Unix time */
  gint64 not_after;
  GMutex data_lock;
  gboolean data_made;
  gpointer data;
  GDestroyNotify destroy_data;
} Pair;

struct _WeirCertificateSet {
  gint references;
  WeirTicketKeys *ticket_keys; /* that the pairs' contexts point to */
  GPtrArray *pairs;            /* Pair, by name */
  Pair *default_pair;
  GHashTable *by_host_name; /* host name → Pair */
  gint64 expiry;
};

struct _WeirCertificates {
  gint references;
  gchar *folder;
  WeirTicketKeys *ticket_keys;
  GMutex reload_lock; /* one reads the folder at a time */
  GMutex lock;
  WeirCertificateSet *set; /* under @lock */
  gchar *fingerprint;      /* under @lock: of the folder when it was last read */
};

G_DEFINE_QUARK (weir_certificates_error, weir_certificates_error)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GENERAL_NAMES, GENERAL_NAMES_free)

static void
pair_unref (Pair *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->references))
    return;
  if (self->data != NULL)
    self->destroy_data (self->data);
  g_mutex_clear (&self->data_lock);
  SSL_CTX_free (self->context);
  g_ptr_array_unref (self->host_names);
  g_free (self->name);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_unref)

static Pair *
pair_ref (Pair *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

/* ── what clients ask for ── */

gboolean
weir_certificates_is_host_name (const gchar *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > HOST_NAME_MAX_LENGTH || name[0] == '.')
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (name[i]) && name[i] != '-' && name[i] != '_' && name[i] != '.')
      return FALSE;
  }
  return TRUE;
}

static Pair *
set_find (WeirCertificateSet *self, const gchar *asked)
{
  g_autofree gchar *name = NULL, *wildcard = NULL;
  const gchar *dot;
  Pair *pair;

  if (!weir_certificates_is_host_name (asked))
    return NULL;
  name = g_ascii_strdown (asked, -1);
  pair = g_hash_table_lookup (self->by_host_name, name);
  dot = strchr (name, '.');
  if (pair == NULL && dot != NULL) {
    wildcard = g_strconcat ("*", dot, NULL);
    pair = g_hash_table_lookup (self->by_host_name, wildcard);
  }
  for (guint i = 0; i < self->pairs->len && pair == NULL; i++) {
    Pair *candidate = self->pairs->pdata[i];

    if (g_ascii_strcasecmp (candidate->name, name) == 0)
      pair = candidate;
  }
  return pair;
}

static int
on_server_name (SSL *ssl, G_GNUC_UNUSED int *alert, G_GNUC_UNUSED void *data)
{
  WeirCertificateSet *set = SSL_get_app_data (ssl);
  const gchar *name = SSL_get_servername (ssl, TLSEXT_NAMETYPE_host_name);
  Pair *pair = name != NULL ? set_find (set, name) : NULL;

  /* the default's context is there from the start; many encoders ask for any name */
  if (pair == NULL)
    return SSL_TLSEXT_ERR_NOACK;
  if (pair != set->default_pair)
    SSL_set_SSL_CTX (ssl, pair->context);
  return SSL_TLSEXT_ERR_OK;
}

static gboolean
start_ticket (const WeirTicketKey *key, const guint8 *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    gboolean seal)
{
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string ("key", (gpointer) key->mac, sizeof key->mac),
      OSSL_PARAM_construct_utf8_string ("digest", (gchar *) "SHA256", 0),
      OSSL_PARAM_construct_end (),
  };

  return EVP_CipherInit_ex (cipher, EVP_aes_256_cbc (), NULL, key->cipher, iv, seal) == 1 &&
         EVP_MAC_CTX_set_params (mac, parameters) == 1;
}

/* OpenSSL's answers: -1 failed, 0 no such key (a full handshake follows), 1 done, 2 done and the
 * ticket is to be replaced */
static int
on_ticket (SSL *ssl, guint8 *name, guint8 *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
  WeirTicketKeys *keys = SSL_CTX_get_app_data (SSL_get_SSL_CTX (ssl));
  gint64 now_us = g_get_monotonic_time ();
  gboolean renew = FALSE;
  WeirTicketKey key;
  gboolean started;

  if (seal) {
    if (!weir_ticket_keys_get (keys, now_us, &key) ||
        RAND_bytes (iv, EVP_CIPHER_get_iv_length (EVP_aes_256_cbc ())) != 1)
      return -1;
    memcpy (name, key.name, sizeof key.name);
  } else if (!weir_ticket_keys_find (keys, now_us, name, &key, &renew)) {
    return 0;
  }
  started = start_ticket (&key, iv, cipher, mac, seal);
  OPENSSL_cleanse (&key, sizeof key);
  if (!started)
    return -1;
  /* clients use a ticket of TLS 1.3 once */
  return renew || (!seal && SSL_version (ssl) == TLS1_3_VERSION) ? 2 : 1;
}

static SSL_CTX *
make_context (WeirTicketKeys *ticket_keys)
{
  SSL_CTX *context = SSL_CTX_new (TLS_server_method ());

  if (context == NULL)
    return NULL;
  SSL_CTX_set_app_data (context, ticket_keys);
  SSL_CTX_set_min_proto_version (context, TLS1_2_VERSION);
  SSL_CTX_set_security_level (context, SECURITY_LEVEL);
  SSL_CTX_set_options (context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode (context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead (context, 1);
  /* tickets are all there is: they outlive a reload, and cost no memory */
  SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context (context, (const guint8 *) "weir", 4);
  SSL_CTX_set_timeout (context, TICKET_LIFETIME_S);
  SSL_CTX_set_num_tickets (context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb (context, on_ticket);
  SSL_CTX_set_tlsext_servername_callback (context, on_server_name);
  if (SSL_CTX_set_cipher_list (context, TLS12_CIPHERS) == 1 &&
      SSL_CTX_set_ciphersuites (context, TLS13_SUITES) == 1 &&
      SSL_CTX_set1_groups_list (context, GROUPS) == 1)
    return context;
  SSL_CTX_free (context);
  return NULL;
}

/* ── reading a pair ── */

/* the reason of the error that OpenSSL met first */
static const gchar *
openssl_reason (void)
{
  const gchar *reason = ERR_reason_error_string (ERR_peek_error ());

  return reason != NULL ? reason : "no reason given";
}

static gboolean
set_unreadable (GError **error, const gchar *path, gint error_number)
{
  if (error_number == EACCES)
    g_set_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_UNUSABLE,
        "%s cannot be read by the user that runs Weir (uid %u): %s", path, (guint) geteuid (),
        g_strerror (error_number));
  else
    g_set_error (error, WEIR_CERTIFICATES_ERROR,
        error_number == ENOENT ? WEIR_CERTIFICATES_ERROR_NONE_THERE
                               : WEIR_CERTIFICATES_ERROR_UNUSABLE,
        "%s cannot be read: %s", path, g_strerror (error_number));
  return FALSE;
}

static gboolean
set_unusable (GError **error, const gchar *path, const gchar *what)
{
  g_set_error (
      error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_UNUSABLE, "%s %s", path, what);
  return FALSE;
}

/* Returns: (transfer full): NULL with an error. A pipe or a device of that name does not block. */
static BIO *
open_file (const gchar *path, GError **error)
{
  gint fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  BIO *bio;

  if (fd < 0) {
    set_unreadable (error, path, errno);
    return NULL;
  }
  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size > FILE_SIZE_MAX) {
    close (fd);
    set_unusable (error, path, "is no file of PEM text");
    return NULL;
  }
  bio = BIO_new_fd (fd, BIO_CLOSE);
  if (bio != NULL) {
    BIO *buffered = BIO_new (BIO_f_buffer ());

    if (buffered != NULL)
      return BIO_push (buffered, bio);
    BIO_free (bio);
  } else {
    close (fd);
  }
  set_unusable (error, path, "cannot be read: no memory");
  return NULL;
}

static void
free_file (BIO *bio)
{
  BIO_free_all (bio);
}

/* There is nobody to ask for a passphrase. */
static int
no_passphrase (
    G_GNUC_UNUSED char *buffer, G_GNUC_UNUSED int size, G_GNUC_UNUSED int writing, void *data)
{
  *(gboolean *) data = TRUE;
  return -1;
}

static EVP_PKEY *
read_key (const gchar *path, GError **error)
{
  BIO *file = open_file (path, error);
  gboolean asked = FALSE;
  EVP_PKEY *key;

  if (file == NULL)
    return NULL;
  ERR_clear_error ();
  key = PEM_read_bio_PrivateKey (file, NULL, no_passphrase, &asked);
  free_file (file);
  if (key != NULL)
    return key;
  if (asked) {
    set_unusable (error, path,
        "has a passphrase, which nobody is there to type: write it without one "
        "(openssl pkey -in OLD -out NEW)");
  } else {
    g_autofree gchar *what = g_strdup_printf ("holds no private key in PEM: %s", openssl_reason ());

    set_unusable (error, path, what);
  }
  ERR_clear_error ();
  return NULL;
}

/* Returns: (transfer full) (element-type X509): the certificate, then its chain; NULL with an
 * error */
static GPtrArray *
read_certificates (const gchar *path, GError **error)
{
  g_autoptr (GPtrArray) certificates = g_ptr_array_new_with_free_func ((GDestroyNotify) X509_free);
  BIO *file = open_file (path, error);
  gulong failure;

  if (file == NULL)
    return NULL;
  ERR_clear_error ();
  while (certificates->len <= CHAIN_MAX) {
    X509 *certificate = PEM_read_bio_X509 (file, NULL, NULL, NULL);

    if (certificate == NULL)
      break;
    g_ptr_array_add (certificates, certificate);
  }
  free_file (file);
  failure = ERR_peek_last_error ();
  if (certificates->len > CHAIN_MAX) {
    set_unusable (error, path, "holds more certificates than any chain has");
    return NULL;
  }
  /* that there is no further one is how the loop ends; a torn one is an error */
  if (certificates->len > 0 && ERR_GET_LIB (failure) == ERR_LIB_PEM &&
      ERR_GET_REASON (failure) == PEM_R_NO_START_LINE) {
    ERR_clear_error ();
    return g_steal_pointer (&certificates);
  }
  {
    g_autofree gchar *what =
        g_strdup_printf (certificates->len == 0 ? "holds no certificate in PEM: %s"
                                                : "holds a broken certificate in its chain: %s",
            openssl_reason ());

    set_unusable (error, path, what);
  }
  ERR_clear_error ();
  return NULL;
}

static gint64
unix_time (const ASN1_TIME *time)
{
  struct tm broken = {0};

  return ASN1_TIME_to_tm (time, &broken) == 1 ? (gint64) timegm (&broken) : 0;
}

static void
read_host_names (Pair *self, X509 *certificate)
{
  g_autoptr (GENERAL_NAMES) names =
      X509_get_ext_d2i (certificate, NID_subject_alt_name, NULL, NULL);

  for (gint i = 0; names != NULL && i < sk_GENERAL_NAME_num (names); i++) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value (names, i);
    g_autofree gchar *text = NULL;
    const gchar *checked;

    if (name->type != GEN_DNS)
      continue;
    text = g_strndup ((const gchar *) ASN1_STRING_get0_data (name->d.dNSName),
        (gsize) ASN1_STRING_length (name->d.dNSName));
    checked = g_str_has_prefix (text, "*.") ? text + 2 : text;
    if (weir_certificates_is_host_name (checked))
      g_ptr_array_add (self->host_names, g_ascii_strdown (text, -1));
  }
}

static gboolean
use_pair (Pair *self, GPtrArray *certificates, EVP_PKEY *key)
{
  if (SSL_CTX_use_certificate (self->context, certificates->pdata[0]) != 1)
    return FALSE;
  for (guint i = 1; i < certificates->len; i++) {
    if (SSL_CTX_add1_chain_cert (self->context, certificates->pdata[i]) != 1)
      return FALSE;
  }
  return SSL_CTX_use_PrivateKey (self->context, key) == 1;
}

static gboolean
is_known_kind_of_key (const EVP_PKEY *key)
{
  switch (EVP_PKEY_get_base_id (key)) {
  case EVP_PKEY_RSA:
  case EVP_PKEY_RSA_PSS:
  case EVP_PKEY_EC:
  case EVP_PKEY_ED25519:
    return TRUE;
  default:
    return FALSE;
  }
}

static Pair *
read_pair (WeirCertificates *certificates, const gchar *name, GError **error)
{
  g_autofree gchar *certificate_file = g_strconcat (name, ".crt", NULL);
  g_autofree gchar *key_file = g_strconcat (name, ".key", NULL);
  g_autofree gchar *certificate_path =
      g_build_filename (certificates->folder, certificate_file, NULL);
  g_autofree gchar *key_path = g_build_filename (certificates->folder, key_file, NULL);
  g_autoptr (GPtrArray) chain = read_certificates (certificate_path, error);
  g_autoptr (EVP_PKEY) key = NULL;
  g_autoptr (Pair) self = NULL;

  if (chain == NULL)
    return NULL;
  key = read_key (key_path, error);
  if (key == NULL)
    return NULL;
  if (X509_check_private_key (chain->pdata[0], key) != 1) {
    g_autofree gchar *what =
        g_strdup_printf ("is not the key of the first certificate in %s", certificate_file);

    ERR_clear_error ();
    set_unusable (error, key_path, what);
    return NULL;
  }
  if (!is_known_kind_of_key (key)) {
    set_unusable (error, key_path, "is no RSA, ECDSA or Ed25519 key");
    return NULL;
  }
  self = g_new0 (Pair, 1);
  self->references = 1;
  g_mutex_init (&self->data_lock);
  self->name = g_strdup (name);
  self->host_names = g_ptr_array_new_with_free_func (g_free);
  self->context = make_context (certificates->ticket_keys);
  if (self->context == NULL || !use_pair (self, chain, key)) {
    g_autofree gchar *what = g_strdup_printf ("cannot be used: %s", openssl_reason ());

    ERR_clear_error ();
    set_unusable (error, certificate_path, what);
    return NULL;
  }
  self->not_before = unix_time (X509_get0_notBefore (chain->pdata[0]));
  self->not_after = unix_time (X509_get0_notAfter (chain->pdata[0]));
  read_host_names (self, chain->pdata[0]);
  return g_steal_pointer (&self);
}

/* ── a set ── */

void
weir_certificate_set_unref (WeirCertificateSet *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->references))
    return;
  g_hash_table_unref (self->by_host_name);
  g_ptr_array_unref (self->pairs);
  weir_ticket_keys_unref (self->ticket_keys);
  g_free (self);
}

static WeirCertificateSet *
set_new (WeirTicketKeys *ticket_keys)
{
  WeirCertificateSet *self = g_new0 (WeirCertificateSet, 1);

  self->references = 1;
  self->ticket_keys = weir_ticket_keys_ref (ticket_keys);
  self->pairs = g_ptr_array_new_with_free_func ((GDestroyNotify) pair_unref);
  self->by_host_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->expiry = G_MAXINT64;
  return self;
}

/* @pair: (transfer full) */
static void
set_add (WeirCertificateSet *self, Pair *pair)
{
  g_ptr_array_add (self->pairs, pair);
  if (strcmp (pair->name, DEFAULT_NAME) == 0)
    self->default_pair = pair;
  self->expiry = MIN (self->expiry, pair->not_after);
  for (guint i = 0; i < pair->host_names->len; i++) {
    gchar *name = pair->host_names->pdata[i];
    Pair *other = g_hash_table_lookup (self->by_host_name, name);

    /* of two for the same name the one that lasts longer */
    if (other == NULL || other->not_after < pair->not_after)
      g_hash_table_replace (self->by_host_name, name, pair);
  }
}

static Pair *
set_get_by_file (WeirCertificateSet *self, const gchar *name)
{
  for (guint i = 0; i < self->pairs->len; i++) {
    Pair *pair = self->pairs->pdata[i];

    if (strcmp (pair->name, name) == 0)
      return pair;
  }
  return NULL;
}

SSL *
weir_certificate_set_new_ssl (WeirCertificateSet *self)
{
  SSL *ssl = SSL_new (self->default_pair->context);

  if (ssl == NULL)
    return NULL;
  SSL_set_app_data (ssl, self);
  SSL_set_accept_state (ssl);
  return ssl;
}

/* ── the folder ── */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Returns: (transfer full): the names of all files with one of the @endings, sorted */
static GPtrArray *
list_folder (const gchar *folder, const gchar *const *endings, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) directory = g_dir_open (folder, 0, error);
  const gchar *name;

  if (directory == NULL)
    return NULL;
  while ((name = g_dir_read_name (directory)) != NULL) {
    for (guint i = 0; endings[i] != NULL; i++) {
      if (name[0] != '.' && g_str_has_suffix (name, endings[i]))
        g_ptr_array_add (names, g_strdup (name));
    }
  }
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static gchar *
take_fingerprint (const gchar *folder)
{
  const gchar *const endings[] = {".crt", ".key", NULL};
  g_autoptr (GPtrArray) names = list_folder (folder, endings, NULL);
  g_autoptr (GString) fingerprint = g_string_new (NULL);

  for (guint i = 0; names != NULL && i < names->len; i++) {
    g_autofree gchar *path = g_build_filename (folder, names->pdata[i], NULL);
    struct stat status = {0};

    if (stat (path, &status) != 0)
      status = (struct stat){0};
    g_string_append_printf (fingerprint, "%s %ju %jd %jd.%09ld %o\n", (gchar *) names->pdata[i],
        (uintmax_t) status.st_ino, (intmax_t) status.st_size, (intmax_t) status.st_mtim.tv_sec,
        status.st_mtim.tv_nsec, (guint) status.st_mode);
  }
  return g_string_free (g_steal_pointer (&fingerprint), FALSE);
}

static gboolean
set_none_there (WeirCertificates *self, GError **error)
{
  g_set_error (error, WEIR_CERTIFICATES_ERROR, WEIR_CERTIFICATES_ERROR_NONE_THERE,
      "there is no certificate: put " DEFAULT_NAME ".crt (PEM, with its chain) and " DEFAULT_NAME
      ".key into %s",
      self->folder);
  return FALSE;
}

static void warn (GStrvBuilder *warnings, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static void
warn (GStrvBuilder *warnings, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_strv_builder_add (warnings, text);
}

static void
warn_of_time (const Pair *pair, gint64 now, GStrvBuilder *warnings)
{
  gboolean expired = pair->not_after < now;
  g_autoptr (GDateTime) time =
      g_date_time_new_from_unix_utc (expired ? pair->not_after : pair->not_before);
  g_autofree gchar *text = time != NULL ? g_date_time_format (time, "%F %T") : g_strdup ("?");

  if (expired)
    warn (
        warnings, "certificate %s.crt expired at %s UTC: clients will refuse it", pair->name, text);
  else if (pair->not_before > now)
    warn (warnings, "certificate %s.crt is not valid before %s UTC: clients will refuse it",
        pair->name, text);
}

/* Reads `NAME.crt`; NULL when neither it nor what was there before can be used. */
static Pair *
read_pair_or_keep (WeirCertificates *self, WeirCertificateSet *old, const gchar *name,
    GStrvBuilder *warnings, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  Pair *pair = read_pair (self, name, &local_error);
  Pair *kept;

  if (pair != NULL)
    return pair;
  if (strcmp (name, DEFAULT_NAME) == 0) {
    /* its certificate is there, so there is something to mend */
    local_error->code = WEIR_CERTIFICATES_ERROR_UNUSABLE;
    g_propagate_error (error, g_steal_pointer (&local_error));
    return NULL;
  }
  /* A pair is two files: between the two writes of a renewal it is none. */
  kept = old != NULL ? set_get_by_file (old, name) : NULL;
  warn (warnings, "%s: %s", local_error->message,
      kept != NULL ? "the certificate of before stays in use" : "it is left out");
  return kept != NULL ? pair_ref (kept) : NULL;
}

static WeirCertificateSet *
read_set (WeirCertificates *self, WeirCertificateSet *old, GStrvBuilder *warnings, GError **error)
{
  const gchar *const endings[] = {".crt", NULL};
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GPtrArray) files = list_folder (self->folder, endings, &local_error);
  g_autoptr (WeirCertificateSet) set = set_new (self->ticket_keys);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (files == NULL && g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    set_none_there (self, error);
    return NULL;
  }
  if (files == NULL) {
    set_unreadable (error, self->folder,
        g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EACCES : ENOTDIR);
    return NULL;
  }
  for (guint i = 0; i < files->len; i++) {
    const gchar *file = files->pdata[i];
    g_autofree gchar *name = g_strndup (file, strlen (file) - strlen (".crt"));
    g_autoptr (GError) pair_error = NULL;
    Pair *pair = read_pair_or_keep (self, old, name, warnings, &pair_error);

    if (pair_error != NULL) {
      g_propagate_error (error, g_steal_pointer (&pair_error));
      return NULL;
    }
    if (pair == NULL)
      continue;
    warn_of_time (pair, now, warnings);
    set_add (set, pair);
  }
  if (set->default_pair == NULL) {
    set_none_there (self, error);
    return NULL;
  }
  return g_steal_pointer (&set);
}

/* ── public ── */

WeirCertificates *
weir_certificates_ref (WeirCertificates *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

void
weir_certificates_unref (WeirCertificates *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->references))
    return;
  weir_certificate_set_unref (self->set);
  weir_ticket_keys_unref (self->ticket_keys);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->reload_lock);
  g_free (self->fingerprint);
  g_free (self->folder);
  g_free (self);
}

gboolean
weir_certificates_reload (WeirCertificates *self, GStrv *warnings, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  WeirCertificateSet *set;
  gchar *fingerprint;

  g_mutex_lock (&self->reload_lock);
  /* before the files are read: what is written meanwhile is a change */
  fingerprint = take_fingerprint (self->folder);
  set = read_set (self, self->set, builder, error);
  g_mutex_lock (&self->lock);
  g_free (self->fingerprint);
  self->fingerprint = fingerprint;
  if (set != NULL) {
    WeirCertificateSet *old = self->set;

    self->set = set;
    g_mutex_unlock (&self->lock);
    weir_certificate_set_unref (old);
  } else {
    g_mutex_unlock (&self->lock);
  }
  g_mutex_unlock (&self->reload_lock);
  if (set != NULL && warnings != NULL)
    *warnings = g_strv_builder_end (builder);
  return set != NULL;
}

WeirCertificates *
weir_certificates_new (const gchar *folder, GStrv *warnings, GError **error)
{
  g_autoptr (WeirCertificates) self = g_new0 (WeirCertificates, 1);

  self->references = 1;
  self->folder = g_strdup (folder);
  self->ticket_keys = weir_ticket_keys_new ();
  g_mutex_init (&self->lock);
  g_mutex_init (&self->reload_lock);
  if (!weir_certificates_reload (self, warnings, error))
    return NULL;
  return g_steal_pointer (&self);
}

gboolean
weir_certificates_has_changed (WeirCertificates *self)
{
  g_autofree gchar *fingerprint = take_fingerprint (self->folder);
  gboolean changed;

  /* who asks this now and then keeps old keys from staying in an idle process */
  weir_ticket_keys_expire (self->ticket_keys, g_get_monotonic_time ());
  g_mutex_lock (&self->lock);
  changed = strcmp (fingerprint, self->fingerprint) != 0;
  g_mutex_unlock (&self->lock);
  return changed;
}

WeirCertificateSet *
weir_certificates_get_set (WeirCertificates *self)
{
  WeirCertificateSet *set;

  g_mutex_lock (&self->lock);
  set = self->set;
  g_atomic_int_inc (&set->references);
  g_mutex_unlock (&self->lock);
  return set;
}

guint
weir_certificates_get_count (WeirCertificates *self)
{
  g_autoptr (WeirCertificateSet) set = weir_certificates_get_set (self);

  return set->pairs->len;
}

gint64
weir_certificates_get_expiry (WeirCertificates *self)
{
  g_autoptr (WeirCertificateSet) set = weir_certificates_get_set (self);

  return set->expiry;
}

const gchar *
weir_certificates_get_folder (WeirCertificates *self)
{
  return self->folder;
}

WeirCertificatePair *
weir_certificates_find (WeirCertificates *self, const gchar *host_name)
{
  g_autoptr (WeirCertificateSet) set = weir_certificates_get_set (self);
  Pair *pair = host_name != NULL ? set_find (set, host_name) : NULL;

  return pair_ref (pair != NULL ? pair : set->default_pair);
}

void
weir_certificate_pair_unref (WeirCertificatePair *self)
{
  pair_unref (self);
}

static void
add_der (GPtrArray *chain, X509 *certificate)
{
  guint8 *der = NULL;
  gint size = i2d_X509 (certificate, &der);

  if (size > 0)
    g_ptr_array_add (chain, g_bytes_new (der, (gsize) size));
  OPENSSL_free (der);
}

GPtrArray *
weir_certificate_pair_get_chain (WeirCertificatePair *self)
{
  GPtrArray *chain = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  STACK_OF (X509) *rest = NULL;

  add_der (chain, SSL_CTX_get0_certificate (self->context));
  SSL_CTX_get0_chain_certs (self->context, &rest);
  for (gint i = 0; rest != NULL && i < sk_X509_num (rest); i++)
    add_der (chain, sk_X509_value (rest, i));
  return chain;
}

GBytes *
weir_certificate_pair_get_key (WeirCertificatePair *self)
{
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8 (SSL_CTX_get0_privatekey (self->context));
  guint8 *der = NULL;
  gint size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO (info, &der) : 0;
  GBytes *key = g_bytes_new (der, (gsize) MAX (size, 0));

  OPENSSL_clear_free (der, (gsize) MAX (size, 0));
  PKCS8_PRIV_KEY_INFO_free (info);
  return key;
}

gpointer
weir_certificate_pair_get_data (
    WeirCertificatePair *self, gpointer (*make) (WeirCertificatePair *pair), GDestroyNotify destroy)
{
  gpointer data;

  g_mutex_lock (&self->data_lock);
  if (!self->data_made) {
    self->data_made = TRUE;
    self->data = make (self);
    self->destroy_data = destroy;
  }
  data = self->data;
  g_mutex_unlock (&self->data_lock);
  return data;
}
