/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/error.h"

gboolean
weir_codec_malformed (GError **error, const gchar *name, const gchar *what)
{
  g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED, "%s: %s", name, what);
  return FALSE;
}

gboolean
weir_codec_unsupported (GError **error, const gchar *name, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list arguments;

  if (error == NULL)
    return FALSE;
  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "%s: %s", name, what);
  return FALSE;
}

gboolean
weir_codec_out_of_memory (GError **error)
{
  g_set_error_literal (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY, "out of memory");
  return FALSE;
}
