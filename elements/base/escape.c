/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"

#include <string.h>

static const gchar ellipsis[] = "...";

gchar *
weir_escape_for_log (const gchar *bytes, gssize size)
{
  GString *escaped = g_string_sized_new (64);
  gsize count = bytes == NULL ? 0 : size < 0 ? strlen (bytes) : (gsize) size;
  /* where the result is cut when it turns out too long: always between two escapes */
  gsize cut = 0;

  for (gsize i = 0; i < count; i++) {
    guint8 byte = (guint8) bytes[i];

    if (byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\')
      g_string_append_c (escaped, (gchar) byte);
    else
      g_string_append_printf (escaped, "\\x%02x", byte);
    if (escaped->len > WEIR_ESCAPE_MAX) {
      g_string_truncate (escaped, cut);
      g_string_append (escaped, ellipsis);
      break;
    }
    if (escaped->len + strlen (ellipsis) <= WEIR_ESCAPE_MAX)
      cut = escaped->len;
  }
  return g_string_free (escaped, FALSE);
}
