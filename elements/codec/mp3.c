/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/mp3.h"

#include "base/bitreader.h"
#include "base/reader.h"
#include "codec/audioentry.h"
#include "codec/entry.h"
#include "codec/error.h"

#define NAME "MP3" /* in messages */

enum {
  LAYER_3 = 1,
  MODE_MONO = 3,
  OBJECT_TYPE_MPEG1 = 0x6b, /* ISO/IEC 11172-3 */
  OBJECT_TYPE_MPEG2 = 0x69, /* ISO/IEC 13818-3 */
};

#define NO_CRC 0x00010000u
/* sync word, version, layer, sample rate */
#define CONSTANT_BITS 0xfffe0c00u

gboolean
weir_mp3_parse_header (const guint8 *data, gsize size, WeirMp3Header *header, GError **error)
{
  static const guint versions[4] = {3, 0, 2, 1};
  static const guint rates[3] = {44100, 48000, 32000};
  /* kbit/s */
  static const guint bit_rates[2][15] = {
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
  };
  WeirMp3Header parsed = {0};
  WeirBitReader bits;
  guint sync, layer, bit_rate, rate, padding;

  weir_bit_reader_init (&bits, data, size);
  sync = weir_bit_reader_bits (&bits, 11);
  parsed.version = versions[weir_bit_reader_bits (&bits, 2)];
  layer = weir_bit_reader_bits (&bits, 2);
  weir_bit_reader_skip (&bits, 1); /* protection_bit */
  bit_rate = weir_bit_reader_bits (&bits, 4);
  rate = weir_bit_reader_bits (&bits, 2);
  padding = weir_bit_reader_bits (&bits, 1);
  weir_bit_reader_skip (&bits, 1); /* private_bit */
  parsed.channels = weir_bit_reader_bits (&bits, 2) == MODE_MONO ? 1 : 2;
  weir_bit_reader_skip (&bits, 6); /* mode_extension, copyright, original, emphasis */
  if (bits.failed)
    return weir_codec_malformed (error, NAME, "header too short");
  if (sync != 0x7ff)
    return weir_codec_malformed (error, NAME, "no sync word");
  if (parsed.version == 0 || bit_rate == 15 || rate == 3)
    return weir_codec_malformed (error, NAME, "reserved value in a header");
  if (layer != LAYER_3) {
    g_set_error (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "MPEG audio layer %u", 4 - layer);
    return FALSE;
  }
  parsed.rate = rates[rate] >> (parsed.version - 1);
  parsed.bit_rate = 1000 * bit_rates[parsed.version > 1][bit_rate];
  parsed.samples = parsed.version == 1 ? 1152 : 576;
  if (parsed.bit_rate > 0)
    parsed.size = parsed.samples / 8 * parsed.bit_rate / parsed.rate + padding;
  *header = parsed;
  return TRUE;
}

static guint32
read_word (const guint8 *data, gsize size)
{
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  return weir_reader_u32 (&reader);
}

/* what the record says of frames like the one at @data; 0, which is no header, when it is none */
static guint32
make_word (const guint8 *data, gsize size, GError **error)
{
  WeirMp3Header header;

  if (!weir_mp3_parse_header (data, size, &header, error))
    return 0;
  return (read_word (data, size) & CONSTANT_BITS) | NO_CRC |
         (header.channels == 1 ? MODE_MONO << 6 : 0);
}

GBytes *
weir_mp3_make_record (const guint8 *data, gsize size, GError **error)
{
  guint32 word = make_word (data, size, error);
  WeirWriter writer;

  if (word == 0)
    return NULL;
  weir_writer_init (&writer, WEIR_MP3_HEADER_SIZE);
  weir_writer_u32 (&writer, word);
  return weir_writer_steal (&writer);
}

gboolean
weir_mp3_continues (GBytes *record, const guint8 *data, gsize size)
{
  guint32 word = make_word (data, size, NULL);
  gsize record_size;
  const guint8 *record_data = g_bytes_get_data (record, &record_size);

  return word != 0 && word == make_word (record_data, record_size, NULL);
}

gboolean
weir_mp3_config_parse (WeirCodecConfig *config, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  WeirMp3Header header;

  if (size > WEIR_MP3_HEADER_SIZE)
    return weir_codec_unsupported (error, NAME, "record of %" G_GSIZE_FORMAT " bytes", size);
  if (!weir_mp3_parse_header (data, size, &header, error))
    return FALSE;
  /* MP3 has several names. This one is Apple's in playlists and the only one that hls.js
   * translates for the browser at hand ("mp3"); Chromium takes MP3 in MP4 from files
   * (mp4a.6B, mp4a.69, mp3) but by no name in Media Source Extensions. */
  config->codecs = g_strdup ("mp4a.40.34");
  config->rate = config->timescale = header.rate;
  config->channels = header.channels;
  config->samples_per_frame = header.samples;
  return TRUE;
}

void
weir_mp3_append_caps (const WeirCodecConfig *config, GString *caps)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  WeirMp3Header header;

  if (weir_mp3_parse_header (data, size, &header, NULL))
    g_string_append_printf (caps, ", mpegaudioversion=(int)%u", header.version);
}

void
weir_mp3_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  gsize entry = weir_audio_entry_begin (config, "mp4a", 16, config->rate, writer);

  /* MPEG-1 alone has 1152 samples */
  weir_audio_entry_write_esds (
      config->samples_per_frame == 1152 ? OBJECT_TYPE_MPEG1 : OBJECT_TYPE_MPEG2, NULL, 0, writer);
  weir_entry_end (writer, entry);
}

WeirSampleInfo
weir_mp3_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};
  WeirMp3Header header;

  (void) config;
  if (size > 0)
    info.valid = weir_mp3_parse_header (data, size, &header, NULL) && header.size <= size;
  return info;
}
