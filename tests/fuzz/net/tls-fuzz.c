/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/tls.h"

#include "folder.h"
#include "testcertificate.h"
#include "tlsclient.h"

#define CLEAR_SIZE (64 * 1024)
#define FLIGHTS_MAX 8

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static WeirCertificates *certificates;

int
LLVMFuzzerInitialize (G_GNUC_UNUSED int *argc, G_GNUC_UNUSED char ***argv)
{
  g_autofree gchar *folder = g_dir_make_tmp ("weir-fuzz-XXXXXX", NULL);

  test_pair_write (folder, "default", &(TestCertificateSettings){0});
  test_pair_write (folder, "other", &(TestCertificateSettings){.names = "DNS:other.example"});
  certificates = weir_certificates_new (folder, NULL, NULL);
  g_assert_nonnull (certificates);
  remove_folder (folder);
  return 0;
}

/* reads what there is; FALSE when it is over */
static gboolean
read_all (WeirTls *tls)
{
  static guint8 clear[CLEAR_SIZE];
  WeirTlsResult result;

  do {
    g_autoptr (GError) error = NULL;
    gsize size = 0;

    result = weir_tls_read (tls, clear, sizeof clear, &size, &error);
    g_assert ((result == WEIR_TLS_FAILED) == (error != NULL));
    g_assert (result != WEIR_TLS_CLEAR || (size > 0 && size <= sizeof clear));
    g_assert (result != WEIR_TLS_CLEAR || weir_tls_is_established (tls));
  } while (result == WEIR_TLS_CLEAR);
  g_assert (weir_tls_get_output (tls)->size < 128 * 1024);
  return result == WEIR_TLS_MORE;
}

/* in pieces, each in memory of its own; now and then kept instead of read */
static gboolean
feed (WeirTls *tls, const guint8 *data, gsize size, gsize piece)
{
  for (gsize position = 0; position < size; position += piece) {
    gsize count = MIN (piece, size - position);
    g_autofree guint8 *copy = g_memdup2 (data + position, count);

    weir_tls_input (tls, copy, count);
    if (position / piece % 5 == 4 && position + count < size)
      weir_tls_keep_input (tls);
    else if (!read_all (tls))
      return FALSE;
  }
  return TRUE;
}

static void
change (GByteArray *bytes, const guint8 **data, gsize *size)
{
  guint count = *size > 0 ? (*data)[0] % 4 : 0;

  for (; count > 0 && *size >= 4; count--) {
    guint position = (guint) ((*data)[1] | (*data)[2] << 8);

    if (bytes->len > 0)
      bytes->data[position % bytes->len] ^= (*data)[3];
    *data += 3;
    *size -= 3;
  }
  if (*size > 0) {
    (*data)++;
    (*size)--;
  }
}

/* a real client whose flights are changed on the way, then goes on with what is left of the data */
static void
talk (WeirTls *tls, gint version, const guint8 *data, gsize size, gsize piece)
{
  TlsClient client;

  tls_client_init (&client, version);
  SSL_set_tlsext_host_name (client.ssl, "other.example");
  for (guint flight = 0; flight < FLIGHTS_MAX; flight++) {
    g_autoptr (GByteArray) bytes = NULL;
    WeirWriter *output = weir_tls_get_output (tls);

    tls_client_input (&client, output->data, output->size);
    weir_writer_reset (output);
    tls_client_advance (&client);
    if (SSL_is_init_finished (client.ssl))
      SSL_write (client.ssl, "some clear bytes", 16);
    if (SSL_is_init_finished (client.ssl) && version == TLS1_3_VERSION && flight % 2 == 1)
      SSL_key_update (client.ssl, SSL_KEY_UPDATE_REQUESTED);
    bytes = tls_client_take_output (&client);
    change (bytes, &data, &size);
    if (!feed (tls, bytes->data, bytes->len, piece))
      break;
    weir_tls_write (tls, (const guint8 *) "answer", 6);
  }
  feed (tls, data, size, piece);
  tls_client_clear (&client);
}

/* The first byte: records as they are, or a client of which version; the second: the size of the
 * pieces. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WeirTls) tls = NULL;
  gsize piece;

  if (size < 2)
    return 0;
  piece = data[1] > 0 ? (gsize) data[1] * 64 : 1;
  tls = weir_tls_new (certificates);
  switch (data[0] % 4) {
  case 0:
    talk (tls, TLS1_3_VERSION, data + 2, size - 2, piece);
    break;
  case 1:
    talk (tls, TLS1_2_VERSION, data + 2, size - 2, piece);
    break;
  default:
    feed (tls, data + 2, size - 2, piece);
    break;
  }
  weir_tls_close (tls);
  return 0;
}
