/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/adts.h"

#include "base/bitreader.h"
#include "base/reader.h"
#include "codec/error.h"

#define NAME "ADTS" /* in messages */
#define SYNC 0xfff
#define CRC_SIZE 2
#define RECORD_SIZE 2

gboolean
weir_adts_is_header (const guint8 *data, gsize size)
{
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  return (weir_reader_u16 (&reader) & 0xfff6) == SYNC << 4;
}

gboolean
weir_adts_parse (const guint8 *data, gsize size, WeirAdtsHeader *header, GError **error)
{
  static const guint rates[] = {
      96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350};
  WeirAdtsHeader parsed = {0};
  WeirBitReader bits;
  gboolean sync, has_crc;
  guint blocks;

  weir_bit_reader_init (&bits, data, size);
  sync = weir_bit_reader_bits (&bits, 12) == SYNC;
  weir_bit_reader_skip (&bits, 1); /* ID: MPEG-4 or MPEG-2, the same for what follows */
  sync = weir_bit_reader_bits (&bits, 2) == 0 && sync; /* layer */
  has_crc = !weir_bit_reader_bit (&bits);              /* protection_absent */
  parsed.object_type = 1 + weir_bit_reader_bits (&bits, 2);
  parsed.rate_index = weir_bit_reader_bits (&bits, 4);
  weir_bit_reader_skip (&bits, 1); /* private_bit */
  parsed.layout = weir_bit_reader_bits (&bits, 3);
  weir_bit_reader_skip (&bits, 4); /* original_copy, home, copyright bits */
  parsed.frame_size = weir_bit_reader_bits (&bits, 13);
  weir_bit_reader_skip (&bits, 11); /* adts_buffer_fullness */
  blocks = 1 + weir_bit_reader_bits (&bits, 2);
  if (bits.failed)
    return weir_codec_malformed (error, NAME, "header too short");
  if (!sync)
    return weir_codec_malformed (error, NAME, "no sync word");
  if (parsed.rate_index >= G_N_ELEMENTS (rates))
    return weir_codec_malformed (error, NAME, "reserved sample rate");
  parsed.rate = rates[parsed.rate_index];
  parsed.header_size = WEIR_ADTS_HEADER_SIZE + (has_crc ? CRC_SIZE : 0);
  if (parsed.frame_size <= parsed.header_size)
    return weir_codec_malformed (error, NAME, "frame without content");
  if (blocks > 1)
    return weir_codec_unsupported (error, NAME, "several raw data blocks in a frame");
  *header = parsed;
  return TRUE;
}

/* audioObjectType, samplingFrequencyIndex, channelConfiguration; GASpecificConfig: frames of 1024,
 * no core coder, no extension */
static guint16
make_word (const WeirAdtsHeader *header)
{
  return (guint16) (header->object_type << 11 | header->rate_index << 7 | header->layout << 3);
}

GBytes *
weir_adts_make_record (const WeirAdtsHeader *header)
{
  WeirWriter writer;

  if (header->layout == 0)
    return NULL;
  weir_writer_init (&writer, RECORD_SIZE);
  weir_writer_u16 (&writer, make_word (header));
  return weir_writer_steal (&writer);
}

gboolean
weir_adts_continues (GBytes *record, const WeirAdtsHeader *header)
{
  WeirReader reader;
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);

  weir_reader_init (&reader, data, size);
  return size == RECORD_SIZE && weir_reader_u16 (&reader) == make_word (header);
}
