/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/proxy.h"

#include "base/reader.h"
#include "net/address.h"

#include <string.h>

/* ── header ── */

#define VERSION_1_MAX 107
#define PREFIX_1 "PROXY "
#define PREFIX_2 "\r\n\r\n\0\r\nQUIT\n"
#define PREFIX_2_SIZE 12
#define FIXED_2_SIZE 16

/* the lower half of version 2's 13th byte */
enum {
  COMMAND_LOCAL = 0,
  COMMAND_PROXY = 1,
};

/* the upper half of version 2's 14th byte; the lower one is the transport */
enum {
  FAMILY_UNSPECIFIED = 0,
  FAMILY_IPV4 = 1,
  FAMILY_IPV6 = 2,
  FAMILY_UNIX = 3,
};

/* Returns: (transfer full) (nullable) */
static GInetAddress *
parse_raw_address (const gchar *text, GSocketFamily family)
{
  g_autoptr (GInetAddress) address = NULL;

  /* no scopes, no names: only what can stand in the address itself */
  if (strspn (text, family == G_SOCKET_FAMILY_IPV4 ? "0123456789." : "0123456789abcdefABCDEF:.") !=
      strlen (text))
    return NULL;
  address = g_inet_address_new_from_string (text);
  if (address == NULL || g_inet_address_get_family (address) != family)
    return NULL;
  return g_steal_pointer (&address);
}

/* Returns: (transfer full) (nullable) */
static GInetAddress *
parse_text_address (const gchar *text, GSocketFamily family)
{
  g_autoptr (GInetAddress) address = parse_raw_address (text, family);

  return address != NULL ? weir_address_unmap (address) : NULL;
}

static gboolean
parse_text_port (const gchar *text, guint16 *port)
{
  guint64 number;

  if ((text[0] == '0' && text[1] != '\0') ||
      !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, &number, NULL))
    return FALSE;
  *port = (guint16) number;
  return TRUE;
}

/* @line: without its end. Returns: FALSE when it is no header */
static gboolean
parse_line (const gchar *line, GInetSocketAddress **client)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autoptr (GInetAddress) source = NULL, destination = NULL;
  GSocketFamily family;
  guint16 source_port, destination_port;

  /* what follows is not for us to read */
  if (g_strcmp0 (words[1], "UNKNOWN") == 0) {
    *client = NULL;
    return TRUE;
  }
  if (g_strv_length (words) != 6)
    return FALSE;
  if (g_str_equal (words[1], "TCP4"))
    family = G_SOCKET_FAMILY_IPV4;
  else if (g_str_equal (words[1], "TCP6"))
    family = G_SOCKET_FAMILY_IPV6;
  else
    return FALSE;
  source = parse_text_address (words[2], family);
  destination = parse_text_address (words[3], family);
  if (source == NULL || destination == NULL || !parse_text_port (words[4], &source_port) ||
      !parse_text_port (words[5], &destination_port))
    return FALSE;
  *client = G_INET_SOCKET_ADDRESS (g_inet_socket_address_new (source, source_port));
  return TRUE;
}

static WeirProxyResult
parse_version_1 (const guint8 *data, gsize size, gsize *header_size, GInetSocketAddress **client)
{
  g_autofree gchar *line = NULL;
  gsize length = 0;

  size = MIN (size, VERSION_1_MAX);
  while (length < size && data[length] >= 0x20 && data[length] < 0x7f)
    length++;
  if (length == size || (length + 1 == size && data[length] == '\r'))
    return size < VERSION_1_MAX ? WEIR_PROXY_MORE : WEIR_PROXY_INVALID;
  if (data[length] != '\r' || data[length + 1] != '\n')
    return WEIR_PROXY_INVALID;
  line = g_strndup ((const gchar *) data, length);
  if (!parse_line (line, client))
    return WEIR_PROXY_INVALID;
  *header_size = length + 2;
  return WEIR_PROXY_DONE;
}

/* Returns: FALSE when they do not end where the header ends */
static gboolean
skip_type_length_values (WeirReader *reader)
{
  while (weir_reader_remaining (reader) > 0) {
    weir_reader_skip (reader, 1);
    weir_reader_skip (reader, weir_reader_u16 (reader));
    if (reader->failed)
      return FALSE;
  }
  return TRUE;
}

/* @reader: what follows the fixed part. Returns: FALSE when it is no header */
static gboolean
parse_addresses (WeirReader *reader, guint8 family, GInetSocketAddress **client)
{
  gsize address_size = family == FAMILY_IPV4 ? 4 : 16;
  const guint8 *source;
  g_autoptr (GInetAddress) raw = NULL, address = NULL;
  guint16 port;

  if (family == FAMILY_UNIX) {
    *client = NULL;
    return weir_reader_skip (reader, 2 * 108) && skip_type_length_values (reader);
  }
  source = weir_reader_bytes (reader, address_size);
  weir_reader_skip (reader, address_size);
  port = weir_reader_u16 (reader);
  weir_reader_u16 (reader);
  if (reader->failed || !skip_type_length_values (reader))
    return FALSE;
  raw = g_inet_address_new_from_bytes (
      source, family == FAMILY_IPV4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  address = weir_address_unmap (raw);
  *client = G_INET_SOCKET_ADDRESS (g_inet_socket_address_new (address, port));
  return TRUE;
}

static WeirProxyResult
parse_version_2 (const guint8 *data, gsize size, gsize *header_size, GInetSocketAddress **client)
{
  WeirReader reader, rest;
  guint8 version_command, family_transport, family;
  guint16 length;

  weir_reader_init (&reader, data, size);
  weir_reader_skip (&reader, PREFIX_2_SIZE);
  if (weir_reader_remaining (&reader) < FIXED_2_SIZE - PREFIX_2_SIZE)
    return WEIR_PROXY_MORE;
  version_command = weir_reader_u8 (&reader);
  family_transport = weir_reader_u8 (&reader);
  family = family_transport >> 4;
  length = weir_reader_u16 (&reader);
  if (version_command >> 4 != 2 || (version_command & 15) > COMMAND_PROXY || family > FAMILY_UNIX ||
      (family_transport & 15) > 2 || FIXED_2_SIZE + length > WEIR_PROXY_HEADER_MAX)
    return WEIR_PROXY_INVALID;
  if (!weir_reader_sub (&reader, length, &rest))
    return WEIR_PROXY_MORE;
  if ((version_command & 15) == COMMAND_LOCAL || family == FAMILY_UNSPECIFIED)
    *client = NULL;
  else if (!parse_addresses (&rest, family, client))
    return WEIR_PROXY_INVALID;
  *header_size = FIXED_2_SIZE + (gsize) length;
  return WEIR_PROXY_DONE;
}

WeirProxyResult
weir_proxy_parse (const guint8 *data, gsize size, gsize *header_size, GInetSocketAddress **client)
{
  const gsize prefix_1_size = strlen (PREFIX_1);

  if (size == 0)
    return WEIR_PROXY_MORE;
  if (memcmp (data, PREFIX_1, MIN (size, prefix_1_size)) == 0)
    return size < prefix_1_size ? WEIR_PROXY_MORE
                                : parse_version_1 (data, size, header_size, client);
  if (memcmp (data, PREFIX_2, MIN (size, PREFIX_2_SIZE)) == 0)
    return size < PREFIX_2_SIZE ? WEIR_PROXY_MORE
                                : parse_version_2 (data, size, header_size, client);
  return WEIR_PROXY_INVALID;
}

/* ── networks ── */

struct _WeirNetworks {
  GPtrArray *masks; /* GInetAddressMask */
};

/* Returns: (transfer full) (nullable): an IPv4-mapped network as the IPv4 network that it is */
static GInetAddressMask *
parse_network (const gchar *text)
{
  const gchar *slash = strchr (text, '/');
  g_autofree gchar *host =
      slash != NULL ? g_strndup (text, (gsize) (slash - text)) : g_strdup (text);
  GSocketFamily family = strchr (host, ':') != NULL ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4;
  guint64 bits_max = family == G_SOCKET_FAMILY_IPV6 ? 128 : 32;
  guint64 bits = bits_max;
  g_autoptr (GInetAddress) raw = parse_raw_address (host, family);
  g_autoptr (GInetAddress) address = raw != NULL ? weir_address_unmap (raw) : NULL;

  if (address == NULL ||
      (slash != NULL && !g_ascii_string_to_unsigned (slash + 1, 10, 0, bits_max, &bits, NULL)))
    return NULL;
  /* ::/0 and the like hold more than IPv4 */
  if (g_inet_address_get_family (address) == family || bits < 96)
    return g_inet_address_mask_new (raw, (guint) bits, NULL);
  return g_inet_address_mask_new (address, (guint) bits - 96, NULL);
}

WeirNetworks *
weir_networks_parse (const gchar *text, GError **error)
{
  g_autoptr (WeirNetworks) self = g_new0 (WeirNetworks, 1);
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  self->masks = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; parts[i] != NULL; i++) {
    const gchar *part = g_strstrip (parts[i]);
    GInetAddressMask *mask;

    /* one `;` too many does no harm */
    if (*part == '\0')
      continue;
    mask = parse_network (part);
    if (mask == NULL) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "\"%s\" is no network; ADDRESS or ADDRESS/BITS is wanted, without bits beyond BITS",
          part);
      return NULL;
    }
    g_ptr_array_add (self->masks, mask);
  }
  return g_steal_pointer (&self);
}

void
weir_networks_free (WeirNetworks *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->masks);
  g_free (self);
}

gboolean
weir_networks_contain (const WeirNetworks *self, GInetAddress *address)
{
  g_autoptr (GInetAddress) unmapped = weir_address_unmap (address);

  for (guint i = 0; i < self->masks->len; i++) {
    if (g_inet_address_mask_matches (self->masks->pdata[i], unmapped))
      return TRUE;
  }
  return FALSE;
}
