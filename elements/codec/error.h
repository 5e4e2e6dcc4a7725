/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * How the parsers of codec/ refuse (internal to codec/). Each returns FALSE, to be returned.
 */

/* %WEIR_CODEC_ERROR_MALFORMED, "@name: @what". @name: what was to be read, such as "AAC" */
gboolean weir_codec_malformed (GError **error, const gchar *name, const gchar *what);
/* %WEIR_CODEC_ERROR_UNSUPPORTED, with @name likewise in front */
gboolean weir_codec_unsupported (GError **error, const gchar *name, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);
/* %WEIR_CODEC_ERROR_MEMORY */
gboolean weir_codec_out_of_memory (GError **error);

G_END_DECLS
