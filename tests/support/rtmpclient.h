/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/writer.h"

#include <string.h>

#define TEST_PLAYER_KEY "Genuine Adobe Flash Player 001"
#define TEST_SERVER_KEY "Genuine Adobe Flash Media Server 001"

/* where the digest of a handshake packet lies, by its schema (0 or 1) */
static inline gsize
test_digest_offset (const guint8 *packet, guint schema)
{
  const guint8 *place = packet + (schema == 0 ? 8 : 772);

  return (gsize) ((place[0] + place[1] + place[2] + place[3]) % 728 + (schema == 0 ? 12 : 776));
}

/* HMAC-SHA256 of a packet of 1536 bytes but the 32 bytes at @offset */
static inline void
test_packet_digest (const guint8 *packet, gsize offset, const gchar *key, guint8 *digest)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) key, strlen (key));
  gsize size = 32;

  g_hmac_update (hmac, packet, (gssize) offset);
  g_hmac_update (hmac, packet + offset + 32, (gssize) (1536 - 32 - offset));
  g_hmac_get_digest (hmac, digest, &size);
}

/* C0 and C1; @schema: -1 for the simple form; @fill: what the packet is made of */
static inline void
test_write_c0_c1 (WeirWriter *writer, gint schema, guint8 fill)
{
  guint8 packet[1536];

  for (guint i = 0; i < sizeof packet; i++)
    packet[i] = (guint8) (fill + i * 7);
  memset (packet, 0, 8);
  if (schema >= 0) {
    gsize offset;

    memcpy (packet + 4, "\x0a\x00\x2d\x02", 4);
    offset = test_digest_offset (packet, (guint) schema);
    test_packet_digest (packet, offset, TEST_PLAYER_KEY, packet + offset);
  }
  weir_writer_u8 (writer, 3);
  weir_writer_bytes (writer, packet, sizeof packet);
}
