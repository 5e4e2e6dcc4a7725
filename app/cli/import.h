/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* of a file: thousands of live inputs */
#define WEIR_IMPORT_SIZE_MAX (16 * 1024 * 1024)

/**
 * weir_import_split:
 * @text: a live input as the API tells one, by itself or in its envelope, or a list of those
 *
 * Takes apart what weir(1) `input import` reads; what a live input may have is the API's to say.
 * A list that the API tells of inputs has no credentials, and is refused.
 *
 * Returns: (transfer full) (element-type utf8): JSON of one live input each; NULL with
 *   G_IO_ERROR_INVALID_DATA
 */
GPtrArray *weir_import_split (const gchar *text, gsize size, GError **error);

G_END_DECLS
