/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/opus.h"

#include "base/reader.h"
#include "codec/audioentry.h"
#include "codec/entry.h"
#include "codec/error.h"

#include <string.h>

#define NAME "Opus" /* in messages */
#define RATE 48000
#define DURATION_MAX 5760 /* 120 ms */
#define FRAME_SIZE_MAX 1275
#define FRAMES_MAX 48
#define CHANNELS_MAX 8 /* of family 1 */
#define RECORD_SIZE_MAX 1024
#define CHANNEL_SILENT 255

typedef struct {
  guint8 channels;
  guint16 pre_skip;
  guint32 input_rate;
  guint16 gain;
  guint8 family;
  guint8 streams, coupled;
  guint8 mapping[CHANNELS_MAX];
} Header;

/* the table of channel mappings (RFC 7845, 5.1.1) */
static gboolean
read_mapping (WeirReader *reader, Header *header, GError **error)
{
  header->streams = weir_reader_u8 (reader);
  header->coupled = weir_reader_u8 (reader);
  for (guint i = 0; i < header->channels; i++)
    header->mapping[i] = weir_reader_u8 (reader);
  if (reader->failed)
    return weir_codec_malformed (error, NAME, "ID header too short");
  if (header->streams == 0 || header->coupled > header->streams)
    return weir_codec_malformed (error, NAME, "number of streams");
  if (header->streams > header->channels)
    return weir_codec_unsupported (error, NAME, "streams: %u", header->streams);
  for (guint i = 0; i < header->channels; i++) {
    if (header->mapping[i] >= header->streams + header->coupled &&
        header->mapping[i] != CHANNEL_SILENT)
      return weir_codec_malformed (error, NAME, "channel of no stream");
  }
  return TRUE;
}

/* RFC 7845, 5.1 */
static gboolean
read_header (GBytes *record, Header *header, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  const guint8 *magic;
  WeirReader reader;
  guint8 version;

  if (size > RECORD_SIZE_MAX)
    return weir_codec_unsupported (error, NAME, "ID header size %u", (guint) size);
  weir_reader_init (&reader, data, size);
  magic = weir_reader_bytes (&reader, 8);
  if (magic == NULL || memcmp (magic, "OpusHead", 8) != 0)
    return weir_codec_malformed (error, NAME, "no ID header");
  version = weir_reader_u8 (&reader);
  header->channels = weir_reader_u8 (&reader);
  header->pre_skip = weir_reader_u16_le (&reader);
  header->input_rate = weir_reader_u32_le (&reader);
  header->gain = weir_reader_u16_le (&reader);
  header->family = weir_reader_u8 (&reader);
  if (reader.failed)
    return weir_codec_malformed (error, NAME, "ID header too short");
  if (version >> 4 != 0)
    return weir_codec_unsupported (error, NAME, "version %u", version);
  if (header->channels == 0)
    return weir_codec_malformed (error, NAME, "no channels");
  if (header->family > 1)
    return weir_codec_unsupported (error, NAME, "channel mapping family %u", header->family);
  if (header->channels > (header->family == 0 ? 2 : CHANNELS_MAX))
    return weir_codec_malformed (error, NAME, "more channels than the mapping family has");
  if (header->family == 1)
    return read_mapping (&reader, header, error);
  header->streams = 1;
  header->coupled = header->channels - 1;
  header->mapping[1] = 1;
  return TRUE;
}

gboolean
weir_opus_config_parse (WeirCodecConfig *config, GError **error)
{
  Header header = {0};

  if (!read_header (config->record, &header, error))
    return FALSE;
  config->codecs = g_strdup ("opus");
  config->rate = config->timescale = RATE;
  config->channels = header.channels;
  return TRUE;
}

GBytes *
weir_opus_make_record (guint channels)
{
  WeirWriter writer;

  weir_writer_init (&writer, 19);
  weir_writer_bytes (&writer, "OpusHead", 8);
  weir_writer_u8 (&writer, 1);
  weir_writer_u8 (&writer, (guint8) channels);
  weir_writer_u16 (&writer, 0);
  weir_writer_u32_le (&writer, RATE);
  weir_writer_u16 (&writer, 0);
  weir_writer_u8 (&writer, 0);
  return weir_writer_steal (&writer);
}

void
weir_opus_append_caps (const WeirCodecConfig *config, GString *caps)
{
  Header header = {0};

  if (!read_header (config->record, &header, NULL))
    return;
  g_string_append_printf (caps,
      ", channel-mapping-family=(int)%u, stream-count=(int)%u, coupled-count=(int)%u",
      header.family, header.streams, header.coupled);
  if (header.family == 0)
    return;
  g_string_append (caps, ", channel-mapping=(int)<");
  for (guint i = 0; i < header.channels; i++)
    g_string_append_printf (caps, "%s%u", i > 0 ? ", " : " ", header.mapping[i]);
  g_string_append (caps, " >");
}

void
weir_opus_write_sample_entry (const WeirCodecConfig *config, WeirWriter *writer)
{
  Header header = {0};
  gsize entry, box;

  if (!read_header (config->record, &header, NULL))
    return;
  entry = weir_audio_entry_begin (config, "Opus", 16, RATE, writer);
  box = weir_entry_begin (writer, "dOps");
  weir_writer_u8 (writer, 0); /* version */
  weir_writer_u8 (writer, header.channels);
  weir_writer_u16 (writer, header.pre_skip);
  weir_writer_u32 (writer, header.input_rate);
  weir_writer_u16 (writer, header.gain);
  weir_writer_u8 (writer, header.family);
  if (header.family != 0) {
    weir_writer_u8 (writer, header.streams);
    weir_writer_u8 (writer, header.coupled);
    weir_writer_bytes (writer, header.mapping, header.channels);
  }
  weir_entry_end (writer, box);
  weir_entry_end (writer, entry);
}

/* samples of one frame (RFC 6716, 3.1, table 2) */
static guint
frame_samples (guint8 toc)
{
  static const guint silk[4] = {480, 960, 1920, 2880};
  guint configuration = toc >> 3;

  if (configuration < 12)
    return silk[configuration & 3];
  if (configuration < 16)
    return silk[configuration & 1];
  return 120u << (configuration & 3);
}

/* RFC 6716, 3.2.1 */
static guint
read_length (WeirReader *reader)
{
  guint length = weir_reader_u8 (reader);

  return length < 252 ? length : length + 4u * weir_reader_u8 (reader);
}

/* RFC 6716, 3.2.5. Returns: FALSE when it is malformed */
static gboolean
skip_many_frames (WeirReader *reader, gboolean delimited, guint *count)
{
  guint8 byte = weir_reader_u8 (reader);
  gboolean varies = (byte & 0x80) != 0;
  gsize padding = 0, used = 0, left;
  guint piece = (byte & 0x40) != 0 ? 255 : 0;

  *count = byte & 0x3f;
  if (*count == 0 || *count > FRAMES_MAX)
    return FALSE;
  while (piece == 255) {
    piece = weir_reader_u8 (reader);
    padding += piece == 255 ? 254 : piece;
  }
  for (guint i = 0; varies && i < *count - 1; i++)
    used += read_length (reader);
  if (delimited)
    used += varies ? read_length (reader) : (gsize) *count * read_length (reader);
  if (delimited)
    return weir_reader_skip (reader, used) && weir_reader_skip (reader, padding);

  if (reader->failed || used + padding > weir_reader_remaining (reader))
    return FALSE;
  left = weir_reader_remaining (reader) - used - padding;
  if (varies ? left > FRAME_SIZE_MAX : left % *count != 0 || left / *count > FRAME_SIZE_MAX)
    return FALSE;
  return weir_reader_skip (reader, weir_reader_remaining (reader));
}

/* one packet with the rules of RFC 6716, 3.4; @delimited: with the framing of appendix B, else it
 * reaches to the end. Returns: its samples, 0 when it is malformed */
static guint
read_packet (WeirReader *reader, gboolean delimited)
{
  guint8 toc = weir_reader_u8 (reader);
  guint count = (toc & 3) == 0 ? 1 : 2;
  gsize first = 0, left;

  if (reader->failed)
    return 0;
  if ((toc & 3) == 3) {
    if (!skip_many_frames (reader, delimited, &count) || count * frame_samples (toc) > DURATION_MAX)
      return 0;
    return count * frame_samples (toc);
  }
  if ((toc & 3) == 2)
    first = read_length (reader);
  if (delimited) {
    left = read_length (reader);
    left += (toc & 3) == 1 ? left : first;
    return weir_reader_skip (reader, left) ? count * frame_samples (toc) : 0;
  }
  if (!weir_reader_skip (reader, first))
    return 0;
  left = weir_reader_remaining (reader);
  if ((toc & 3) == 1 && left % 2 != 0)
    return 0;
  if (((toc & 3) == 1 ? left / 2 : left) > FRAME_SIZE_MAX)
    return 0;
  weir_reader_skip (reader, left);
  return count * frame_samples (toc);
}

WeirSampleInfo
weir_opus_inspect_sample (const WeirCodecConfig *config, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};
  Header header = {0};
  WeirReader reader;
  guint samples = 0;

  if (size == 0 || !read_header (config->record, &header, NULL))
    return info;
  weir_reader_init (&reader, data, size);
  for (guint i = 0; i < header.streams; i++) {
    guint these = read_packet (&reader, i + 1 < header.streams);

    /* all streams of a packet last equally long (RFC 7845, 3) */
    if (these == 0 || (i > 0 && these != samples)) {
      info.valid = FALSE;
      return info;
    }
    samples = these;
  }
  return info;
}

GBytes *
weir_opus_make_silence (const WeirCodecConfig *config)
{
  /* CELT, 20 ms, mono; the range coder reads its silence flag as set (RFC 6716, 4.3) */
  static const guint8 toc = 0xf8, silent[] = {0xff, 0xfe};
  Header header = {0};
  WeirWriter writer;

  if (!read_header (config->record, &header, NULL))
    return NULL;
  weir_writer_init (&writer, 4 * header.streams);
  for (guint i = 0; i < header.streams; i++) {
    weir_writer_u8 (&writer, toc);
    if (i + 1 < header.streams)
      weir_writer_u8 (&writer, sizeof silent);
    weir_writer_bytes (&writer, silent, sizeof silent);
  }
  return weir_writer_steal (&writer);
}
