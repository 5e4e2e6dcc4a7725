/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"
#include "http/server.h"

G_BEGIN_DECLS

/**
 * WeirHttps:
 *
 * HTTPS as the configuration wants it: certificates and server. Changed files are read again
 * without touching connections; what cannot be used leaves in place what there is. Main thread.
 */
typedef struct _WeirHttps WeirHttps;

/**
 * weir_https_new:
 * @config: with `https.listen`, which is not empty, and `https.certificates`; outlives it
 * @settings: of the server; its certificates are set here
 *
 * Returns: NULL with an error that says what is missing and how to mend it: whoever asks for HTTPS
 *   is not to get a server without it
 */
WeirHttps *weir_https_new (const WeirConfig *config, const WeirHttpServerSettings *settings,
    WeirHttpHandler handler, gpointer user_data, GError **error);
void weir_https_free (WeirHttps *self);
/* reads the certificates again, whether they have changed or not, and says so on the log */
void weir_https_reload (WeirHttps *self);
/* Returns: (transfer none) */
WeirHttpServer *weir_https_get_server (WeirHttps *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHttps, weir_https_free)

G_END_DECLS
