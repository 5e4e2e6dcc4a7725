/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/ac3.h"

#include "base/bitreader.h"
#include "codec/audioentry.h"
#include "codec/entry.h"
#include "codec/error.h"

#define NAME "AC-3" /* in messages */
#define SYNC 0x0b77
#define FSCOD_REDUCED 3
#define BSID_AC3 8 /* more, up to 10: the rate is halved as often */
#define BSID_AC3_MAX 10
#define BSID_EAC3_MAX 16
#define BLOCK_SAMPLES 256
#define FRAME_BLOCKS 6
#define DAC3_SIZE 3
#define DATA_RATE_MAX 0x1fff /* kbit/s, in 13 bits */
#define PROGRAMMES_MAX 8
#define DEPENDENTS_MAX 15
#define RECORD_SIZE_MAX 64

static const guint rates[] = {48000, 44100, 32000};
static const guint mode_channels[] = {2, 1, 2, 3, 3, 4, 4, 5};

/* one independent substream, as in dec3 */
typedef struct {
  guint fscod, bsid, bsmod, acmod, lfe;
  guint dependents, locations;
} Programme;

/* ---------------------------------------------------------------------------------------- frames
 */

/* syncinfo and bsi of AC-3 behind the sync word (4.3.1, 4.3.2) */
static gboolean
parse_ac3 (WeirBitReader *bits, WeirAc3Frame *frame, GError **error)
{
  static const guint bit_rates[] = {
      32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640};
  guint size_code, words;

  weir_bit_reader_skip (bits, 16); /* crc1 */
  frame->fscod = weir_bit_reader_bits (bits, 2);
  size_code = weir_bit_reader_bits (bits, 6);
  frame->bsid = weir_bit_reader_bits (bits, 5);
  frame->bsmod = weir_bit_reader_bits (bits, 3);
  frame->acmod = weir_bit_reader_bits (bits, 3);
  if ((frame->acmod & 1) != 0 && frame->acmod != 1)
    weir_bit_reader_skip (bits, 2); /* cmixlev */
  if ((frame->acmod & 4) != 0)
    weir_bit_reader_skip (bits, 2); /* surmixlev */
  if (frame->acmod == 2)
    weir_bit_reader_skip (bits, 2); /* dsurmod */
  frame->lfe = weir_bit_reader_bit (bits);
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "header too short");
  if (frame->fscod >= G_N_ELEMENTS (rates) || size_code / 2 >= G_N_ELEMENTS (bit_rates))
    return weir_codec_malformed (error, NAME, "reserved sample or bit rate");

  frame->codec = WEIR_CODEC_AC3;
  frame->bit_rate_code = size_code / 2;
  /* table 4.13: of 16 bits, 1536 samples of the full rate */
  words = bit_rates[frame->bit_rate_code] * 1000 / 16 * 1536 / rates[frame->fscod];
  if (rates[frame->fscod] == 44100)
    words += size_code & 1;
  frame->size = 2 * (gsize) words;
  frame->rate = rates[frame->fscod] >> (MAX (frame->bsid, BSID_AC3) - BSID_AC3);
  frame->samples = FRAME_BLOCKS * BLOCK_SAMPLES;
  return TRUE;
}

/* a flag, and as many bits if it is set */
static void
skip_optional (WeirBitReader *bits, guint count)
{
  if (weir_bit_reader_bit (bits))
    weir_bit_reader_skip (bits, count);
}

/* the mixing metadata (E.1.2.2), only to get behind it */
static void
skip_mixing (WeirBitReader *bits, const WeirAc3Frame *frame, guint blocks)
{
  gboolean centre = (frame->acmod & 1) != 0 && frame->acmod > 2;
  gboolean surround = (frame->acmod & 4) != 0;

  weir_bit_reader_skip (bits, frame->acmod > 2 ? 2 : 0);
  weir_bit_reader_skip (bits, (centre ? 6 : 0) + (surround ? 6 : 0));
  if (frame->lfe)
    skip_optional (bits, 5);
  if (frame->type != WEIR_AC3_INDEPENDENT)
    return;
  skip_optional (bits, 6); /* pgmscl */
  if (frame->acmod == 0)
    skip_optional (bits, 6);
  skip_optional (bits, 6); /* extpgmscl */
  switch (weir_bit_reader_bits (bits, 2)) {
  case 1:
    weir_bit_reader_skip (bits, 5);
    break;
  case 2:
    weir_bit_reader_skip (bits, 12);
    break;
  case 3:
    weir_bit_reader_skip (bits, 8 * (2 + weir_bit_reader_bits (bits, 5)));
    break;
  default:
    break;
  }
  if (frame->acmod < 2)
    skip_optional (bits, 14); /* panmean, paninfo */
  if (frame->acmod == 0)
    skip_optional (bits, 14);
  if (!weir_bit_reader_bit (bits)) /* frmmixcfginfoe */
    return;
  if (blocks == 1)
    weir_bit_reader_skip (bits, 5);
  for (guint i = 0; blocks > 1 && i < blocks; i++)
    skip_optional (bits, 5);
}

/* chanmap of table E.1.4 to chan_loc of table F.6.1, whose first bit is the last */
static guint
find_locations (guint map)
{
  guint locations = 0;

  for (guint i = 0; i < 8; i++) /* Lc/Rc to Cvh */
    locations |= (map >> (10 - i) & 1) << i;
  return locations | (map >> 1 & 1) << 8; /* LFE2 */
}

/* bsi of E-AC-3 behind the sync word (E.1.2.2), as far as it is needed */
static gboolean
parse_eac3 (WeirBitReader *bits, WeirAc3Frame *frame, GError **error)
{
  static const guint block_counts[] = {1, 2, 3, FRAME_BLOCKS};
  guint type = weir_bit_reader_bits (bits, 2), blocks;

  frame->substream = weir_bit_reader_bits (bits, 3);
  frame->size = 2 * (1 + (gsize) weir_bit_reader_bits (bits, 11));
  frame->fscod = weir_bit_reader_bits (bits, 2);
  blocks = block_counts[weir_bit_reader_bits (bits, 2)];
  frame->acmod = weir_bit_reader_bits (bits, 3);
  frame->lfe = weir_bit_reader_bit (bits);
  frame->bsid = weir_bit_reader_bits (bits, 5);
  if (!bits->failed && type > WEIR_AC3_CONVERTED)
    return weir_codec_malformed (error, NAME, "reserved type of substream");
  frame->type = (WeirAc3Type) type;
  if (!bits->failed && frame->fscod == FSCOD_REDUCED)
    return weir_codec_unsupported (error, NAME, "reduced sample rate");

  for (guint i = 0; i < (frame->acmod == 0 ? 2 : 1); i++) {
    weir_bit_reader_skip (bits, 5); /* dialnorm */
    skip_optional (bits, 8);        /* compr */
  }
  if (frame->type == WEIR_AC3_DEPENDENT && weir_bit_reader_bit (bits)) /* chanmape */
    frame->locations = find_locations (weir_bit_reader_bits (bits, 16));
  if (weir_bit_reader_bit (bits)) /* mixmdate */
    skip_mixing (bits, frame, blocks);
  if (weir_bit_reader_bit (bits)) /* infomdate */
    frame->bsmod = weir_bit_reader_bits (bits, 3);
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "header too short");
  if (frame->size * 8 < bits->position)
    return weir_codec_malformed (error, NAME, "syncframe shorter than its header");
  frame->codec = WEIR_CODEC_EAC3;
  frame->rate = rates[frame->fscod];
  frame->samples = blocks * BLOCK_SAMPLES;
  return TRUE;
}

gboolean
weir_ac3_parse_frame (const guint8 *data, gsize size, WeirAc3Frame *frame, GError **error)
{
  WeirAc3Frame parsed = {0};
  WeirBitReader bits, ahead;
  guint bsid;

  weir_bit_reader_init (&bits, data, size);
  if (weir_bit_reader_bits (&bits, 16) != SYNC)
    return weir_codec_malformed (error, NAME, "no sync word");
  /* at the same place in both */
  ahead = bits;
  weir_bit_reader_skip (&ahead, 24);
  bsid = weir_bit_reader_bits (&ahead, 5);
  if (ahead.failed)
    return weir_codec_malformed (error, NAME, "header too short");
  if (bsid > BSID_EAC3_MAX)
    return weir_codec_unsupported (error, NAME, "version of the bit stream");
  if (bsid <= BSID_AC3_MAX ? !parse_ac3 (&bits, &parsed, error)
                           : !parse_eac3 (&bits, &parsed, error))
    return FALSE;
  parsed.channels = mode_channels[parsed.acmod] + (parsed.lfe ? 1 : 0);
  *frame = parsed;
  return TRUE;
}

/* --------------------------------------------------------------------------------------- records
 */

typedef struct {
  Programme programmes[PROGRAMMES_MAX];
  guint count;
  gsize bytes;     /* of all substreams */
  guint64 samples; /* of the first */
  guint rate;
} Unit;

static gboolean
add_frame (Unit *unit, const WeirAc3Frame *frame, GError **error)
{
  Programme *current = unit->count > 0 ? &unit->programmes[unit->count - 1] : NULL;

  if (frame->codec != WEIR_CODEC_EAC3)
    return weir_codec_unsupported (error, NAME, "AC-3 in an access unit of E-AC-3");
  unit->bytes += frame->size;
  if (frame->type == WEIR_AC3_DEPENDENT) {
    if (current == NULL)
      return weir_codec_malformed (error, NAME, "dependent substream in front");
    current->dependents = MAX (current->dependents, frame->substream + 1);
    current->locations |= frame->locations;
    return TRUE;
  }
  if (frame->substream == 0) {
    unit->samples += frame->samples;
    unit->rate = frame->rate;
  }
  if (frame->substream < unit->count)
    return TRUE; /* its next blocks */
  if (frame->substream > unit->count)
    return weir_codec_malformed (error, NAME, "independent substreams do not follow each other");
  unit->programmes[unit->count++] = (Programme){.fscod = frame->fscod,
      .bsid = frame->bsid,
      .bsmod = frame->bsmod,
      .acmod = frame->acmod,
      .lfe = frame->lfe ? 1 : 0};
  return TRUE;
}

static gboolean
read_unit (const guint8 *data, gsize size, Unit *unit, GError **error)
{
  for (gsize offset = 0; offset < size;) {
    WeirAc3Frame frame;

    if (!weir_ac3_parse_frame (data + offset, size - offset, &frame, error) ||
        !add_frame (unit, &frame, error))
      return FALSE;
    if (frame.size > size - offset)
      return weir_codec_malformed (error, NAME, "syncframe cut short");
    offset += frame.size;
  }
  return unit->count > 0 || weir_codec_malformed (error, NAME, "no syncframe");
}

/* fscod to lfeon of an independent substream in dec3; neither asvc nor what is reserved */
static guint
programme_mode (const Programme *programme)
{
  return programme->fscod << 14 | programme->bsid << 9 | programme->bsmod << 4 |
         programme->acmod << 1 | programme->lfe;
}

/* EC3SpecificBox (F.6.1) */
static GBytes *
make_dec3 (const Unit *unit)
{
  /* sizes alternate at 44100: to the nearest */
  guint64 data_rate =
      ((guint64) unit->bytes * 8 * unit->rate + 500 * unit->samples) / (1000 * unit->samples);
  WeirWriter writer;

  weir_writer_init (&writer, 2 + 4 * unit->count);
  weir_writer_u16 (&writer, (guint16) (MIN (data_rate, DATA_RATE_MAX) << 3 | (unit->count - 1)));
  for (guint i = 0; i < unit->count; i++) {
    const Programme *programme = &unit->programmes[i];

    weir_writer_u16 (&writer, (guint16) programme_mode (programme));
    weir_writer_u8 (&writer, (guint8) (programme->dependents << 1 | programme->locations >> 8));
    if (programme->dependents > 0)
      weir_writer_u8 (&writer, (guint8) programme->locations);
  }
  return weir_writer_steal (&writer);
}

/* AC3SpecificBox (F.4.1) */
static GBytes *
make_dac3 (const WeirAc3Frame *frame)
{
  WeirWriter writer;

  weir_writer_init (&writer, DAC3_SIZE);
  weir_writer_u24 (&writer, frame->fscod << 22 | frame->bsid << 17 | frame->bsmod << 14 |
                                frame->acmod << 11 | (frame->lfe ? 1u : 0u) << 10 |
                                frame->bit_rate_code << 5);
  return weir_writer_steal (&writer);
}

GBytes *
weir_ac3_make_record (WeirCodec codec, const guint8 *data, gsize size, GError **error)
{
  WeirAc3Frame frame;
  Unit unit = {0};

  if (codec == WEIR_CODEC_EAC3)
    return read_unit (data, size, &unit, error) ? make_dec3 (&unit) : NULL;
  if (!weir_ac3_parse_frame (data, size, &frame, error))
    return NULL;
  if (frame.codec != WEIR_CODEC_AC3) {
    weir_codec_unsupported (error, NAME, "E-AC-3 in a stream of AC-3");
    return NULL;
  }
  return make_dac3 (&frame);
}

/* the first 14 bits of dac3: fscod to lfeon */
static gboolean
dac3_continues (WeirBitReader *record, const WeirAc3Frame *frame)
{
  guint layout = frame->fscod << 12 | frame->bsid << 7 | frame->bsmod << 4 | frame->acmod << 1 |
                 (frame->lfe ? 1 : 0);

  return weir_bit_reader_bits (record, 14) == layout && !record->failed;
}

static gboolean
dec3_continues (WeirBitReader *record, const Unit *unit)
{
  weir_bit_reader_skip (record, 13); /* data_rate */
  if (weir_bit_reader_bits (record, 3) + 1 != unit->count)
    return FALSE;
  for (guint i = 0; i < unit->count; i++) {
    const Programme *programme = &unit->programmes[i];

    if (weir_bit_reader_bits (record, 16) != programme_mode (programme) ||
        weir_bit_reader_bits (record, 7) != programme->dependents ||
        weir_bit_reader_bits (record, programme->dependents > 0 ? 9 : 1) != programme->locations)
      return FALSE;
  }
  return !record->failed;
}

gboolean
weir_ac3_continues (WeirCodec codec, GBytes *record, const guint8 *data, gsize size)
{
  WeirBitReader bits;
  WeirAc3Frame frame;
  Unit unit = {0};
  gsize record_size;
  const guint8 *record_data = g_bytes_get_data (record, &record_size);

  weir_bit_reader_init (&bits, record_data, record_size);
  if (codec == WEIR_CODEC_EAC3)
    return read_unit (data, size, &unit, NULL) && dec3_continues (&bits, &unit);
  return weir_ac3_parse_frame (data, size, &frame, NULL) && frame.codec == WEIR_CODEC_AC3 &&
         dac3_continues (&bits, &frame);
}

static guint
count_locations (guint locations)
{
  static const guint8 counts[] = {2, 2, 1, 1, 2, 2, 2, 1, 1};
  guint channels = 0;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    channels += (locations >> i & 1) * counts[i];
  return channels;
}

static gboolean
parse_dac3 (WeirBitReader *bits, WeirCodecConfig *config, GError **error)
{
  guint fscod = weir_bit_reader_bits (bits, 2);
  guint bsid = weir_bit_reader_bits (bits, 5);
  guint acmod, lfe;

  weir_bit_reader_skip (bits, 3); /* bsmod */
  acmod = weir_bit_reader_bits (bits, 3);
  lfe = weir_bit_reader_bits (bits, 1);
  weir_bit_reader_skip (bits, 5 + 5); /* bit_rate_code, reserved */
  if (bits->failed)
    return weir_codec_malformed (error, NAME, "dac3 too short");
  if (fscod >= G_N_ELEMENTS (rates))
    return weir_codec_malformed (error, NAME, "reserved sample rate");
  if (bsid > BSID_AC3_MAX)
    return weir_codec_unsupported (error, NAME, "version of the bit stream");
  config->codecs = g_strdup ("ac-3");
  config->rate = rates[fscod] >> (MAX (bsid, BSID_AC3) - BSID_AC3);
  config->channels = mode_channels[acmod] + lfe;
  return TRUE;
}

static gboolean
parse_dec3 (WeirBitReader *bits, WeirCodecConfig *config, GError **error)
{
  guint programmes;

  weir_bit_reader_skip (bits, 13); /* data_rate */
  programmes = 1 + weir_bit_reader_bits (bits, 3);
  for (guint i = 0; i < programmes; i++) {
    guint fscod = weir_bit_reader_bits (bits, 2);
    guint bsid = weir_bit_reader_bits (bits, 5);
    guint acmod, lfe, locations = 0;

    weir_bit_reader_skip (bits, 1 + 1 + 3); /* reserved, asvc, bsmod */
    acmod = weir_bit_reader_bits (bits, 3);
    lfe = weir_bit_reader_bits (bits, 1);
    weir_bit_reader_skip (bits, 3);
    if (weir_bit_reader_bits (bits, 4) > 0) /* num_dep_sub */
      locations = weir_bit_reader_bits (bits, 9);
    else
      weir_bit_reader_skip (bits, 1);
    if (bits->failed)
      return weir_codec_malformed (error, NAME, "dec3 too short");
    if (fscod >= G_N_ELEMENTS (rates))
      return weir_codec_unsupported (error, NAME, "reduced sample rate");
    if (bsid <= BSID_AC3_MAX || bsid > BSID_EAC3_MAX)
      return weir_codec_unsupported (error, NAME, "version of the bit stream");
    if (i > 0)
      continue; /* another programme */
    config->rate = rates[fscod];
    config->channels = mode_channels[acmod] + lfe + count_locations (locations);
  }
  config->codecs = g_strdup ("ec-3");
  return TRUE;
}

gboolean
weir_ac3_config_parse (WeirCodecConfig *config, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (config->record, &size);
  WeirBitReader bits;

  if (size > RECORD_SIZE_MAX)
    return weir_codec_unsupported (error, NAME, "record beyond its size");
  weir_bit_reader_init (&bits, data, size);
  if (config->codec == WEIR_CODEC_AC3 ? !parse_dac3 (&bits, config, error)
                                      : !parse_dec3 (&bits, config, error))
    return FALSE;
  config->timescale = config->rate;
  config->samples_per_frame = FRAME_BLOCKS * BLOCK_SAMPLES;
  return TRUE;
}

void
weir_ac3_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  gboolean enhanced = config->codec == WEIR_CODEC_EAC3;
  gsize size;
  const guint8 *record = g_bytes_get_data (config->record, &size);
  gsize entry =
      weir_audio_entry_begin (config, enhanced ? "ec-3" : "ac-3", 16, config->rate, writer);
  gsize box = weir_entry_begin (writer, enhanced ? "dec3" : "dac3");

  weir_writer_bytes (writer, record, size);
  weir_entry_end (writer, box);
  weir_entry_end (writer, entry);
}

WeirSampleInfo
weir_ac3_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};
  WeirAc3Frame frame;
  Unit unit = {0};

  if (size == 0)
    return info;
  if (config->codec == WEIR_CODEC_EAC3)
    info.valid = read_unit (data, size, &unit, NULL);
  else
    info.valid = weir_ac3_parse_frame (data, size, &frame, NULL) && frame.codec == WEIR_CODEC_AC3 &&
                 frame.size <= size;
  return info;
}
