/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/aac.h"

#include "base/bitreader.h"
#include "codec/audioentry.h"
#include "codec/entry.h"
#include "codec/error.h"

#define NAME "AAC" /* in messages */

enum {
  OBJECT_MAIN = 1,
  OBJECT_LC = 2,
  OBJECT_LTP = 4,
  OBJECT_SBR = 5,
  OBJECT_ESCAPE = 31,
  OBJECT_PS = 29,
  SYNC_SBR = 0x2b7,
  SYNC_PS = 0x548,
  OBJECT_TYPE_MPEG4 = 0x40, /* ISO/IEC 14496-1, table 5 */
};

#define RATE_MIN 4000
#define RATE_MAX 192000
#define CHANNELS_MAX 16
#define RECORD_SIZE_MAX 1024

typedef struct {
  guint object_type; /* as signalled first: 2, 5, 29, … */
  guint core_type;
  guint rate, output_rate;
  guint layout; /* channelConfiguration */
  guint channels;
  gboolean parametric_stereo;
  guint frame_length;
} Config;

static guint
read_object_type (WeirBitReader *bits)
{
  guint type = weir_bit_reader_bits (bits, 5);

  return type == OBJECT_ESCAPE ? 32 + weir_bit_reader_bits (bits, 6) : type;
}

/* Returns: 0 for a reserved index */
static guint
read_rate (WeirBitReader *bits)
{
  static const guint rates[] = {
      96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350};
  guint index = weir_bit_reader_bits (bits, 4);

  if (index == 15)
    return weir_bit_reader_bits (bits, 24);
  return index < G_N_ELEMENTS (rates) ? rates[index] : 0;
}

/* Returns: channels of a program_config_element (ISO/IEC 14496-3, 4.4.1.1) */
static guint
read_program_config (WeirBitReader *bits)
{
  guint front, side, back, lfe, data, coupling, channels = 0;

  weir_bit_reader_skip (bits, 4 + 2 + 4); /* instance tag, object type, rate index */
  front = weir_bit_reader_bits (bits, 4);
  side = weir_bit_reader_bits (bits, 4);
  back = weir_bit_reader_bits (bits, 4);
  lfe = weir_bit_reader_bits (bits, 2);
  data = weir_bit_reader_bits (bits, 3);
  coupling = weir_bit_reader_bits (bits, 4);
  if (weir_bit_reader_bit (bits)) /* mono_mixdown_present */
    weir_bit_reader_skip (bits, 4);
  if (weir_bit_reader_bit (bits)) /* stereo_mixdown_present */
    weir_bit_reader_skip (bits, 4);
  if (weir_bit_reader_bit (bits)) /* matrix_mixdown_idx_present */
    weir_bit_reader_skip (bits, 3);
  for (guint i = 0; i < front + side + back; i++) {
    channels += weir_bit_reader_bit (bits) ? 2 : 1;
    weir_bit_reader_skip (bits, 4);
  }
  channels += lfe;
  weir_bit_reader_skip (bits, 4 * (lfe + data) + 5 * coupling);
  weir_bit_reader_skip (bits, (8 - bits->position % 8) % 8);
  weir_bit_reader_skip (bits, 8 * weir_bit_reader_bits (bits, 8)); /* comment */
  return channels;
}

/* GASpecificConfig (4.4.1) for the object types 1 to 4 */
static gboolean
parse_general (WeirBitReader *bits, Config *config, GError **error)
{
  /* output channels of each channelConfiguration (1.6.3.4); 0 where it is not handled */
  static const guint channels[16] = {0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0};

  config->frame_length = weir_bit_reader_bit (bits) ? 960 : 1024;
  if (weir_bit_reader_bit (bits)) /* dependsOnCoreCoder */
    weir_bit_reader_skip (bits, 14);
  weir_bit_reader_skip (bits, 1); /* extensionFlag: 0 for these types */
  if (config->layout == 0) {
    config->channels = read_program_config (bits);
    if (!bits->failed && config->channels == 0)
      return weir_codec_malformed (error, NAME, "program configuration without channels");
    if (!bits->failed && config->channels > CHANNELS_MAX)
      return weir_codec_unsupported (error, NAME, "channels: %u", config->channels);
    return TRUE;
  }
  config->channels = channels[config->layout];
  if (config->channels == 0)
    return weir_codec_unsupported (error, NAME, "channel configuration %u", config->layout);
  return TRUE;
}

/* the extension that older decoders do not see (1.6.6.1); absent or cut short, it says nothing */
static void
parse_sync_extension (WeirBitReader *bits, Config *config)
{
  guint rate;

  if (weir_bit_reader_remaining (bits) < 16 || weir_bit_reader_bits (bits, 11) != SYNC_SBR ||
      read_object_type (bits) != OBJECT_SBR || !weir_bit_reader_bit (bits))
    return;
  rate = read_rate (bits);
  if (bits->failed)
    return;
  config->output_rate = rate;
  if (weir_bit_reader_remaining (bits) >= 12 && weir_bit_reader_bits (bits, 11) == SYNC_PS)
    config->parametric_stereo = weir_bit_reader_bit (bits);
}

/* AudioSpecificConfig (1.6.2.1) */
static gboolean
parse (WeirBitReader *bits, Config *config, GError **error)
{
  gboolean hierarchical;

  config->object_type = config->core_type = read_object_type (bits);
  config->rate = config->output_rate = read_rate (bits);
  config->layout = weir_bit_reader_bits (bits, 4);
  hierarchical = config->object_type == OBJECT_SBR || config->object_type == OBJECT_PS;
  if (hierarchical) {
    config->parametric_stereo = config->object_type == OBJECT_PS;
    config->output_rate = read_rate (bits);
    config->core_type = read_object_type (bits);
  }
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "configuration too short");
  if (config->rate == 0 || config->output_rate == 0)
    return weir_codec_malformed (error, NAME, "sample rate 0");
  if (config->core_type < OBJECT_MAIN || config->core_type > OBJECT_LTP)
    return weir_codec_unsupported (error, NAME, "audio object type %u", config->core_type);

  if (!parse_general (bits, config, error))
    return FALSE;
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "configuration too short");
  if (!hierarchical)
    parse_sync_extension (bits, config);

  if (config->output_rate != config->rate && config->output_rate != 2 * config->rate)
    return weir_codec_malformed (error, NAME, "SBR rate is neither the core's nor twice that");
  if (config->rate < RATE_MIN || config->output_rate > RATE_MAX)
    return weir_codec_unsupported (error, NAME, "sample rate %u", config->output_rate);
  return TRUE;
}

gboolean
weir_aac_config_parse (WeirCodecConfig *config, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  Config parsed = {0};
  WeirBitReader bits;

  if (size > RECORD_SIZE_MAX)
    return weir_codec_unsupported (error, NAME, "configuration size %u", (guint) size);
  weir_bit_reader_init (&bits, data, size);
  if (!parse (&bits, &parsed, error))
    return FALSE;
  config->codecs = g_strdup_printf ("mp4a.40.%u", parsed.object_type);
  config->rate = parsed.output_rate;
  config->timescale = parsed.output_rate;
  config->channels = parsed.parametric_stereo && parsed.channels == 1 ? 2 : parsed.channels;
  config->samples_per_frame = parsed.frame_length * (parsed.output_rate / parsed.rate);
  return TRUE;
}

void
weir_aac_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  gsize size;
  const guint8 *record = g_bytes_get_data (config->record, &size);
  gsize entry = weir_audio_entry_begin (config, "mp4a", 16, config->rate, writer);

  weir_audio_entry_write_esds (OBJECT_TYPE_MPEG4, record, size, writer);
  weir_entry_end (writer, entry);
}

/* ------------------------------------------------------------------------------------ silence */

/* id_syn_ele (4.5.2.1, table 4.85) */
enum {
  ELEMENT_SINGLE = 0,
  ELEMENT_PAIR = 1,
  ELEMENT_LFE = 3,
  ELEMENT_END = 7,
};

typedef struct {
  guint8 bytes[32];
  guint position; /* bits */
} BitWriter;

/* the most significant of @count bits first; what a frame of silence has fits */
static void
put (BitWriter *bits, guint value, guint count)
{
  for (; count-- > 0; bits->position++) {
    if (value >> count & 1)
      bits->bytes[bits->position / 8] |= (guint8) (0x80 >> bits->position % 8);
  }
}

/* ics_info (4.4.2.1, table 4.6): a long window without a single band */
static void
put_ics_info (BitWriter *bits)
{
  put (bits, 0, 1 + 2 + 1 + 6 + 1);
}

/* individual_channel_stream (table 4.50) of a channel without bands */
static void
put_channel (BitWriter *bits, gboolean has_info)
{
  put (bits, 0, 8); /* global_gain */
  if (has_info)
    put_ics_info (bits);
  put (bits, 0, 3); /* no pulses, temporal noise shaping, gain control */
}

GBytes *
weir_aac_make_silence (const WeirCodecConfig *config)
{
  /* the elements of each channelConfiguration (1.6.3.4, table 1.19) */
  static const guint8 elements[8][6] = {
      {ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_END},
      {ELEMENT_PAIR, ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_PAIR, ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_PAIR, ELEMENT_SINGLE, ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_PAIR, ELEMENT_PAIR, ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_PAIR, ELEMENT_PAIR, ELEMENT_LFE, ELEMENT_END},
      {ELEMENT_SINGLE, ELEMENT_PAIR, ELEMENT_PAIR, ELEMENT_PAIR, ELEMENT_LFE, ELEMENT_END},
  };
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  guint tags[ELEMENT_END] = {0};
  Config parsed = {0};
  WeirBitReader reader;
  BitWriter bits = {0};

  weir_bit_reader_init (&reader, data, size);
  if (!parse (&reader, &parsed, NULL) || parsed.object_type != OBJECT_LC ||
      parsed.output_rate != parsed.rate || parsed.parametric_stereo || parsed.layout == 0 ||
      parsed.layout >= G_N_ELEMENTS (elements))
    return NULL;
  for (const guint8 *element = elements[parsed.layout]; *element != ELEMENT_END; element++) {
    put (&bits, *element, 3);
    put (&bits, tags[*element]++, 4);
    if (*element == ELEMENT_PAIR) {
      put (&bits, 1, 1); /* common_window */
      put_ics_info (&bits);
      put (&bits, 0, 2); /* ms_mask_present */
      put_channel (&bits, FALSE);
    }
    put_channel (&bits, *element != ELEMENT_PAIR);
  }
  put (&bits, ELEMENT_END, 3);
  return g_bytes_new (bits.bytes, (bits.position + 7) / 8);
}
