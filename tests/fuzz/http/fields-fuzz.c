/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"
#include "http/private.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_range (const gchar *text)
{
  static const guint64 sizes[] = {0, 1, 1000, G_MAXUINT64};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint64 offset = 0, length = 0;

    if (weir_http_parse_range (text, sizes[i], &offset, &length) != WEIR_HTTP_RANGE_PARTIAL)
      continue;
    g_assert (length > 0);
    g_assert (offset < sizes[i] && length <= sizes[i] - offset);
  }
}

static void
check_forwarded_for (const gchar *text)
{
  g_autoptr (WeirNetworks) trusted = weir_networks_parse ("10.0.0.0/8;2001:db8::/32", NULL);
  g_autoptr (GInetAddress) peer = g_inet_address_new_from_string ("10.0.0.1");
  g_autoptr (GInetAddress) stranger = g_inet_address_new_from_string ("192.0.2.1");
  g_autoptr (GInetAddress) client = weir_http_find_client (trusted, peer, text);
  g_autoptr (GInetAddress) same = weir_http_find_client (trusted, stranger, text);

  g_assert (G_IS_INET_ADDRESS (client));
  g_assert (same == stranger);
}

/* values of header fields: Range, If-None-Match, X-Forwarded-For, Host; and what a log shows */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree gchar *text = g_strndup ((const gchar *) data, size);
  g_autofree gchar *escaped = weir_http_escape_for_log (text);

  g_assert (strlen (escaped) <= WEIR_ESCAPE_MAX);
  for (const gchar *c = escaped; *c != '\0'; c++)
    g_assert (*c >= 0x20 && *c < 0x7f);
  check_range (text);
  check_forwarded_for (text);
  weir_http_etag_matches (text, "\"a\"");
  weir_http_host_is_valid (text);
  weir_http_is_token (text);
  return 0;
}
