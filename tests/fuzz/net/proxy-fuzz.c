/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/proxy.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* what a beginning is said to be stays true for all that it can become */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WeirProxyResult last = WEIR_PROXY_MORE;
  gsize first_size = 0;

  for (gsize part = 0; part <= size; part += part < 256 || size - part < 8 ? 1 : 8) {
    g_autofree guint8 *exact = g_memdup2 (data, part);
    g_autoptr (GInetSocketAddress) client = NULL;
    gsize header_size = 0;
    WeirProxyResult result = weir_proxy_parse (exact, part, &header_size, &client);

    g_assert (last == WEIR_PROXY_MORE || result == last);
    g_assert (result == WEIR_PROXY_DONE || client == NULL);
    if (result == WEIR_PROXY_DONE) {
      g_assert (header_size > 0 && header_size <= part && header_size <= WEIR_PROXY_HEADER_MAX);
      g_assert (first_size == 0 || first_size == header_size);
      first_size = header_size;
    }
    /* it does not wait for ever */
    g_assert (result != WEIR_PROXY_MORE || part < WEIR_PROXY_HEADER_MAX);
    last = result;
    if (part > 2 * WEIR_PROXY_HEADER_MAX)
      break;
  }
  return 0;
}
