/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fileerror.h"

gboolean
weir_set_file_error (GError **error, gint error_number, const gchar *what, const gchar *name)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (error_number), "%s %s: %s", what, name,
      g_strerror (error_number));
  return FALSE;
}
