/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/flac.h"

#include "base/bitreader.h"
#include "codec/audioentry.h"
#include "codec/entry.h"
#include "codec/error.h"

#include <string.h>

#define NAME "FLAC" /* in messages */
#define MARKER_SIZE 4
#define BLOCK_HEADER_SIZE 4
#define LAST_BLOCK 0x80 /* and of type 0 */
#define BLOCK_MIN 16    /* samples */
#define SAMPLE_SIZE_MIN 4
#define FRAME_SYNC 0x7ffc /* 15 bits, with the reserved one behind them */

typedef struct {
  const guint8 *block; /* STREAMINFO without its header */
  guint block_min, block_max;
  guint rate, channels, sample_size;
} Info;

static gboolean
read_info (GBytes *record, Info *info, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  WeirBitReader bits;
  guint type, length;

  if (size < MARKER_SIZE || memcmp (data, "fLaC", MARKER_SIZE) != 0)
    return weir_codec_malformed (error, NAME, "no marker");
  weir_bit_reader_init (&bits, data, size);
  weir_bit_reader_skip (&bits, 8 * MARKER_SIZE + 1); /* and whether it is the last block */
  type = weir_bit_reader_bits (&bits, 7);
  length = weir_bit_reader_bits (&bits, 24);
  if (bits.failed || size < MARKER_SIZE + BLOCK_HEADER_SIZE + WEIR_FLAC_STREAMINFO_SIZE)
    return weir_codec_malformed (error, NAME, "STREAMINFO too short");
  if (type != 0 || length != WEIR_FLAC_STREAMINFO_SIZE)
    return weir_codec_malformed (error, NAME, "the first block is not STREAMINFO");
  info->block = data + MARKER_SIZE + BLOCK_HEADER_SIZE;
  info->block_min = weir_bit_reader_bits (&bits, 16);
  info->block_max = weir_bit_reader_bits (&bits, 16);
  weir_bit_reader_skip (&bits, 24 + 24); /* frame sizes */
  info->rate = weir_bit_reader_bits (&bits, 20);
  info->channels = 1 + weir_bit_reader_bits (&bits, 3);
  info->sample_size = 1 + weir_bit_reader_bits (&bits, 5);
  if (info->rate == 0)
    return weir_codec_malformed (error, NAME, "sample rate 0");
  if (info->block_min < BLOCK_MIN || info->block_max < info->block_min)
    return weir_codec_malformed (error, NAME, "block size");
  if (info->sample_size < SAMPLE_SIZE_MIN)
    return weir_codec_malformed (error, NAME, "sample size");
  return TRUE;
}

GBytes *
weir_flac_make_record (const guint8 *block)
{
  WeirWriter writer;

  weir_writer_init (&writer, MARKER_SIZE + BLOCK_HEADER_SIZE + WEIR_FLAC_STREAMINFO_SIZE);
  weir_writer_fourcc (&writer, "fLaC");
  weir_writer_u8 (&writer, LAST_BLOCK);
  weir_writer_u24 (&writer, WEIR_FLAC_STREAMINFO_SIZE);
  weir_writer_bytes (&writer, block, WEIR_FLAC_STREAMINFO_SIZE);
  return weir_writer_steal (&writer);
}

gboolean
weir_flac_config_parse (WeirCodecConfig *config, GError **error)
{
  Info info = {0};

  if (!read_info (config->record, &info, error))
    return FALSE;
  config->codecs = g_strdup ("fLaC");
  config->rate = config->timescale = info.rate;
  config->channels = info.channels;
  config->samples_per_frame = info.block_min == info.block_max ? info.block_max : 0;
  return TRUE;
}

/* "the greatest expressible regular division" of a rate that does not fit; 0 when there is none */
static guint
entry_rate (guint rate)
{
  for (guint divisor = 1; divisor <= 16; divisor++) {
    if (rate / divisor <= G_MAXUINT16 && rate % divisor == 0)
      return rate / divisor;
  }
  return 0;
}

void
weir_flac_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  Info info = {0};
  gsize entry, box;

  if (!read_info (config->record, &info, NULL))
    return;
  entry = weir_audio_entry_begin (config, "fLaC", info.sample_size, entry_rate (info.rate), writer);
  box = weir_entry_begin (writer, "dfLa");
  weir_writer_u32 (writer, 0); /* version, flags */
  weir_writer_u8 (writer, LAST_BLOCK);
  weir_writer_u24 (writer, WEIR_FLAC_STREAMINFO_SIZE);
  weir_writer_bytes (writer, info.block, WEIR_FLAC_STREAMINFO_SIZE);
  weir_entry_end (writer, box);
  weir_entry_end (writer, entry);
}

/* RFC 9639, 9.1 */
WeirSampleInfo
weir_flac_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};
  WeirBitReader bits;
  guint block_size, rate, channels, sample_size, reserved;

  (void) config;
  if (size == 0)
    return info;
  weir_bit_reader_init (&bits, data, size);
  info.valid = weir_bit_reader_bits (&bits, 15) == FRAME_SYNC;
  weir_bit_reader_skip (&bits, 1); /* whether block sizes vary */
  block_size = weir_bit_reader_bits (&bits, 4);
  rate = weir_bit_reader_bits (&bits, 4);
  channels = weir_bit_reader_bits (&bits, 4);
  sample_size = weir_bit_reader_bits (&bits, 3);
  reserved = weir_bit_reader_bits (&bits, 1);
  if (bits.failed || block_size == 0 || rate == 15 || channels > 10 || sample_size == 3 ||
      reserved != 0)
    info.valid = FALSE;
  return info;
}
