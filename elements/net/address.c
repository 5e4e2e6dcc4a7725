/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/address.h"

#include "base/reader.h"

#include <string.h>

gchar *
weir_address_to_string (GInetSocketAddress *address)
{
  GInetAddress *inet = g_inet_socket_address_get_address (address);
  g_autofree gchar *host = g_inet_address_to_string (inet);
  guint16 port = g_inet_socket_address_get_port (address);

  if (g_inet_address_get_family (inet) == G_SOCKET_FAMILY_IPV6)
    return g_strdup_printf ("[%s]:%u", host, port);
  return g_strdup_printf ("%s:%u", host, port);
}

GInetAddress *
weir_address_unmap (GInetAddress *address)
{
  const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 &&
      memcmp (bytes, mapped, sizeof mapped) == 0)
    return g_inet_address_new_from_bytes (bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);
  return g_object_ref (address);
}

guint64
weir_address_get_network_key (GInetAddress *address)
{
  g_autoptr (GInetAddress) unmapped = weir_address_unmap (address);
  WeirReader reader;

  weir_reader_init (
      &reader, g_inet_address_to_bytes (unmapped), g_inet_address_get_native_size (unmapped));
  if (g_inet_address_get_family (unmapped) == G_SOCKET_FAMILY_IPV6)
    return weir_reader_u64 (&reader);
  /* where no unicast prefix is */
  return G_GUINT64_CONSTANT (0xffffffff00000000) | weir_reader_u32 (&reader);
}
