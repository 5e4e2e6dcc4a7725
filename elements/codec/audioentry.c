/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audioentry.h"

#include "codec/entry.h"

gsize
weir_audio_entry_begin (const WeirCodecConfig *config, const gchar *type, guint sample_size,
    guint rate, WeirWriter *writer)
{
  gsize entry = weir_entry_begin (writer, type);

  weir_writer_zeros (writer, 6);
  weir_writer_u16 (writer, 1); /* data_reference_index */
  weir_writer_zeros (writer, 8);
  weir_writer_u16 (writer, (guint16) config->channels);
  weir_writer_u16 (writer, (guint16) sample_size);
  weir_writer_zeros (writer, 4);
  weir_writer_u32 (writer, rate <= G_MAXUINT16 ? rate << 16 : 0); /* 16.16 */
  return entry;
}

/* sizeOfInstance (ISO/IEC 14496-1, 8.3.3): seven bits a byte, most significant first */
static guint
size_of_size (gsize size)
{
  guint bytes = 1;

  while (size >>= 7)
    bytes++;
  return bytes;
}

static void
write_descriptor (WeirWriter *writer, guint8 tag, gsize size)
{
  weir_writer_u8 (writer, tag);
  for (guint bytes = size_of_size (size); bytes-- > 0;)
    weir_writer_u8 (writer, (guint8) ((size >> (7 * bytes) & 0x7f) | (bytes > 0 ? 0x80 : 0)));
}

static gsize
descriptor_size (gsize size)
{
  return 1 + size_of_size (size) + size;
}

void
weir_audio_entry_write_esds (
    guint8 object_type, const guint8 *record, gsize record_size, WeirWriter *writer)
{
  gsize decoder_size = 13 + (record != NULL ? descriptor_size (record_size) : 0);
  gsize stream_size = 3 + descriptor_size (decoder_size) + descriptor_size (1);
  gsize box = weir_entry_begin (writer, "esds");

  weir_writer_u32 (writer, 0);               /* version, flags */
  write_descriptor (writer, 3, stream_size); /* ES_Descriptor */
  weir_writer_u16 (writer, 0);               /* ES_ID: 0 in files (ISO/IEC 14496-14, 3.1.2) */
  weir_writer_u8 (writer, 0);
  write_descriptor (writer, 4, decoder_size); /* DecoderConfigDescriptor */
  weir_writer_u8 (writer, object_type);
  weir_writer_u8 (writer, 0x15); /* AudioStream, not upstream */
  weir_writer_u24 (writer, 0);
  weir_writer_u32 (writer, 0); /* bit rates unknown */
  weir_writer_u32 (writer, 0);
  if (record != NULL) {
    write_descriptor (writer, 5, record_size); /* DecoderSpecificInfo */
    weir_writer_bytes (writer, record, record_size);
  }
  write_descriptor (writer, 6, 1); /* SLConfigDescriptor */
  weir_writer_u8 (writer, 2);      /* as in MP4 files */
  weir_entry_end (writer, box);
}
