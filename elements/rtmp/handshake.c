/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/handshake.h"

#include "base/reader.h"

#include <string.h>

#define VERSION 3
#define PACKET_SIZE 1536
#define RANDOM_SIZE 1528
#define DIGEST_SIZE 32
/* a key is a text, then these bytes; a packet's digest is made with the text alone */
#define PLAYER_TEXT_SIZE 30
#define SERVER_TEXT_SIZE 36

#define KEY_TAIL                                                     \
  "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57" \
  "\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae"

static const gchar player_key[] = "Genuine Adobe Flash Player 001";
static const gchar server_key[] = "Genuine Adobe Flash Media Server 001" KEY_TAIL;

struct _WeirRtmpHandshake {
  guint8 random[RANDOM_SIZE];
  guint32 time_ms;
  guint8 c1[PACKET_SIZE];
  gboolean has_version;
  gsize c1_size;
  gsize c2_size;
  gchar *hint;
};

WeirRtmpHandshake *
weir_rtmp_handshake_new (const guint8 *random, guint32 time_ms)
{
  WeirRtmpHandshake *self = g_new0 (WeirRtmpHandshake, 1);

  memcpy (self->random, random, RANDOM_SIZE);
  self->time_ms = time_ms;
  return self;
}

void
weir_rtmp_handshake_free (WeirRtmpHandshake *self)
{
  if (self == NULL)
    return;
  g_free (self->hint);
  g_free (self);
}

const gchar *
weir_rtmp_handshake_get_hint (WeirRtmpHandshake *self)
{
  return self->hint;
}

/* where the digest lies in a packet: the four bytes at 8 (first schema) or 772 (second) say */
static gsize
digest_offset (const guint8 *packet, guint schema)
{
  const guint8 *place = packet + (schema == 0 ? 8 : 772);
  guint sum = place[0] + place[1] + place[2] + place[3];

  /* at most 727 + 776 + 32 = 1535: within the packet */
  return sum % 728 + (schema == 0 ? 12 : 776);
}

static void
hmac_sha256 (const gchar *key, gsize key_size, const guint8 *data, gsize size, const guint8 *data_2,
    gsize size_2, guint8 *digest)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) key, key_size);
  gsize digest_size = DIGEST_SIZE;

  g_hmac_update (hmac, data, (gssize) size);
  if (size_2 > 0)
    g_hmac_update (hmac, data_2, (gssize) size_2);
  g_hmac_get_digest (hmac, digest, &digest_size);
}

/* digest of all of a packet but the place of the digest itself */
static void
packet_digest (const guint8 *packet, gsize offset, const gchar *key, gsize key_size, guint8 *digest)
{
  hmac_sha256 (key, key_size, packet, offset, packet + offset + DIGEST_SIZE,
      PACKET_SIZE - DIGEST_SIZE - offset, digest);
}

/* Returns: TRUE with the offset of a digest that validates in either schema */
static gboolean
find_digest (const guint8 *packet, guint *schema, gsize *offset)
{
  /* a zero version word: a client that knows the simple form only */
  if (packet[4] == 0 && packet[5] == 0 && packet[6] == 0 && packet[7] == 0)
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    gsize candidate = digest_offset (packet, i);
    guint8 digest[DIGEST_SIZE];

    packet_digest (packet, candidate, player_key, PLAYER_TEXT_SIZE, digest);
    if (memcmp (packet + candidate, digest, DIGEST_SIZE) == 0) {
      *schema = i;
      *offset = candidate;
      return TRUE;
    }
  }
  return FALSE;
}

static void
write_digest_answer (WeirRtmpHandshake *self, guint schema, gsize offset, WeirWriter *output)
{
  guint8 packet[PACKET_SIZE];
  guint8 key[DIGEST_SIZE];
  gsize place;

  packet[0] = (guint8) (self->time_ms >> 24);
  packet[1] = (guint8) (self->time_ms >> 16);
  packet[2] = (guint8) (self->time_ms >> 8);
  packet[3] = (guint8) self->time_ms;
  /* any version from 3.0.1 on says that the digest form is known */
  memcpy (packet + 4, "\x04\x05\x00\x01", 4);
  memcpy (packet + 8, self->random, RANDOM_SIZE);
  place = digest_offset (packet, schema);
  packet_digest (packet, place, server_key, SERVER_TEXT_SIZE, packet + place);
  weir_writer_bytes (output, packet, PACKET_SIZE);

  /* S2: any bytes, signed with a key made of the client's digest. C1 serves, so that a client
   * which compares S2 with C1 finds as much of it as can be */
  memcpy (packet, self->c1, PACKET_SIZE);
  hmac_sha256 (server_key, sizeof server_key - 1, self->c1 + offset, DIGEST_SIZE, NULL, 0, key);
  hmac_sha256 ((const gchar *) key, DIGEST_SIZE, packet, PACKET_SIZE - DIGEST_SIZE, NULL, 0,
      packet + PACKET_SIZE - DIGEST_SIZE);
  weir_writer_bytes (output, packet, PACKET_SIZE);
}

static void
write_answer (WeirRtmpHandshake *self, WeirWriter *output)
{
  guint schema;
  gsize offset;

  weir_writer_u8 (output, VERSION);
  if (find_digest (self->c1, &schema, &offset)) {
    write_digest_answer (self, schema, offset, output);
    return;
  }
  weir_writer_u32 (output, self->time_ms);
  weir_writer_u32 (output, 0);
  weir_writer_bytes (output, self->random, RANDOM_SIZE);
  /* 5.2.4 has the second four bytes as the time C1 was read; clients compare all of S2 with C1 */
  weir_writer_bytes (output, self->c1, PACKET_SIZE);
}

static gboolean
is_proxy_header (const guint8 *data, gsize size)
{
  return (size >= 6 && memcmp (data, "PROXY ", 6) == 0) || data[0] == '\r';
}

/* The least that makes a client of another protocol fail at once: a fatal handshake_failure (RFC
 * 8446 6), a response (RFC 9112 4). */
static void
answer_stranger (const guint8 *data, gsize size, WeirWriter *output)
{
  static const guint8 alert[] = {0x15, 3, 3, 0, 2, 2, 40};
  static const gchar response[] = "HTTP/1.1 400 Bad Request\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Content-Length: 43\r\n"
                                  "Connection: close\r\n\r\n"
                                  "This port is for RTMP encoders, not HTTP.\r\n";

  if (data[0] == 0x16)
    weir_writer_bytes (output, alert, sizeof alert);
  else if (g_ascii_isalpha ((gchar) data[0]) && !is_proxy_header (data, size))
    weir_writer_bytes (output, response, sizeof response - 1);
}

/* FALSE with the hint set when the first byte cannot begin RTMP (5.2.2) */
static gboolean
check_version (WeirRtmpHandshake *self, const guint8 *data, gsize size)
{
  guint8 version = data[0];

  if (version == 6 || version == 8)
    self->hint = g_strdup ("RTMPE");
  else if (version == 0x16)
    self->hint = g_strdup ("TLS on the plain port (use rtmps://)");
  else if (is_proxy_header (data, size))
    self->hint = g_strdup ("PROXY header on the RTMP port");
  else if (g_ascii_isalpha (version))
    self->hint = g_strdup ("HTTP on the RTMP port");
  else if (version >= 32)
    /* not allowed by 5.2.2; what is below may fall back to the 3 that we answer */
    self->hint = g_strdup_printf ("version %u", version);
  return self->hint == NULL;
}

WeirRtmpHandshakeResult
weir_rtmp_handshake_input (
    WeirRtmpHandshake *self, const guint8 *data, gsize size, gsize *consumed, WeirWriter *output)
{
  gsize position = 0;
  gsize count;

  if (self->hint != NULL) {
    *consumed = size;
    return WEIR_RTMP_HANDSHAKE_FAILED;
  }
  if (!self->has_version && size > 0) {
    if (!check_version (self, data, size)) {
      answer_stranger (data, size, output);
      *consumed = size;
      return WEIR_RTMP_HANDSHAKE_FAILED;
    }
    self->has_version = TRUE;
    position = 1;
  }

  if (self->c1_size < PACKET_SIZE && position < size) {
    count = MIN (size - position, PACKET_SIZE - self->c1_size);
    memcpy (self->c1 + self->c1_size, data + position, count);
    self->c1_size += count;
    position += count;
    if (self->c1_size == PACKET_SIZE)
      write_answer (self, output);
  }

  count = self->c1_size == PACKET_SIZE ? MIN (size - position, PACKET_SIZE - self->c2_size) : 0;
  self->c2_size += count;
  *consumed = position + count;
  return self->c2_size == PACKET_SIZE ? WEIR_RTMP_HANDSHAKE_DONE : WEIR_RTMP_HANDSHAKE_MORE;
}
