/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/reader.h"
#include "codec/elementary.h"

/* what fuzz targets of audio codecs do alike: two bytes of length, a configuration record, access
 * units. Returns: (transfer full) (nullable): the configuration, whose caps and sample entry were
 * written; @rest: what is behind the record */
static inline WeirCodecConfig *
fuzz_record (WeirCodec codec, const guint8 *data, gsize size, WeirReader *rest)
{
  g_autofree gchar *caps = NULL;
  g_autoptr (GBytes) record = NULL;
  g_auto (WeirWriter) writer = {0};
  WeirCodecConfig *config;
  WeirReader reader;
  gsize length;

  weir_reader_init (&reader, data, size);
  length = weir_reader_u16 (&reader);
  length = MIN (length, weir_reader_remaining (&reader));
  record = g_bytes_new (weir_reader_bytes (&reader, length), reader.failed ? 0 : length);
  weir_reader_init (rest, data + reader.position, size - reader.position);
  config = weir_codec_config_parse (codec, record, NULL);
  if (config == NULL)
    return NULL;
  g_assert (config->rate > 0 && config->channels > 0 && config->timescale == config->rate);
  caps = weir_codec_config_get_caps_string (config);
  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  g_assert (writer.size > 36);
  return config;
}

/* two bytes of length and an access unit, over and over, through an elementary stream; an access
 * unit that is passed on is one that the configuration takes */
static inline void
fuzz_stream (WeirCodec codec, WeirReader *reader)
{
  g_autoptr (WeirElementaryStream) stream = weir_elementary_stream_new (codec);

  while (weir_reader_remaining (reader) > 2) {
    gsize length = weir_reader_u16 (reader);
    WeirAccessUnit unit;
    g_autofree guint8 *copy = NULL;

    length = MIN (length, weir_reader_remaining (reader));
    copy = g_memdup2 (weir_reader_bytes (reader, length), length);
    weir_elementary_stream_take (stream, copy, length, &unit);
    if (unit.status == WEIR_UNIT_OK) {
      WeirSampleInfo info;

      g_assert (unit.size > 0 && unit.size <= length && unit.offset <= length - unit.size);
      info = weir_codec_config_inspect_sample (
          weir_elementary_stream_get_config (stream), copy + unit.offset, unit.size);
      g_assert (info.valid && !info.empty);
    }
    g_free (unit.converted);
  }
}
