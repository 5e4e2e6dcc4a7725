/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* the bytes that @text spells in hexadecimal digits; blanks between them are ignored */
static inline GBytes *
test_hex (const gchar *text)
{
  GByteArray *bytes = g_byte_array_new ();
  gint high = -1;

  for (; *text != '\0'; text++) {
    gint digit = g_ascii_xdigit_value (*text);

    if (g_ascii_isspace (*text))
      continue;
    g_assert_cmpint (digit, >=, 0);
    if (high < 0) {
      high = digit;
    } else {
      guint8 byte = (guint8) (high << 4 | digit);
      g_byte_array_append (bytes, &byte, 1);
      high = -1;
    }
  }
  g_assert_cmpint (high, ==, -1);
  return g_byte_array_free_to_bytes (bytes);
}
