/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementary.h"

#include "base/reader.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
take (WeirElementaryStream *stream, const guint8 *data, gsize size)
{
  g_autofree guint8 *converted = NULL;
  const WeirCodecConfig *config;
  WeirAccessUnit unit;
  WeirSampleInfo info;

  weir_elementary_stream_take (stream, data, size, &unit);
  converted = unit.converted;
  config = weir_elementary_stream_get_config (stream);
  if (unit.status != WEIR_UNIT_OK)
    return;
  g_assert (config != NULL);
  g_assert (config->kind == WEIR_MEDIA_AUDIO || (config->width > 0 && config->height > 0));
  g_assert (unit.converted != NULL || (unit.offset <= size && unit.size <= size - unit.offset));
  /* what is stored is what was said */
  info = weir_codec_config_inspect_sample (
      config, (converted != NULL ? converted : data) + unit.offset, unit.size);
  g_assert (info.valid && !info.empty);
  g_assert (!info.keyframe == !unit.keyframe);
}

/* a byte for the codec; then again and again a byte for what comes and two of its length: a
 * record, colour, or an access unit */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WeirElementaryStream) stream = NULL;
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  stream = weir_elementary_stream_new ((WeirCodec) (weir_reader_u8 (&reader) % WEIR_CODEC_LAST));
  while (weir_reader_remaining (&reader) > 0) {
    guint8 what = weir_reader_u8 (&reader);
    gsize length = weir_reader_u16 (&reader);
    WeirColour colour = {.primaries = what, .transfer = 2, .matrix = 2};
    g_autofree guint8 *copy = NULL;

    length = MIN (length, weir_reader_remaining (&reader));
    if (reader.failed)
      break;
    /* copied, so that reading beyond the end shows */
    copy = g_memdup2 (weir_reader_bytes (&reader, length), length);
    if (what % 4 == 0)
      weir_elementary_stream_set_record (stream, copy, length, NULL);
    else if (what == 1)
      weir_elementary_stream_assume_channels (stream, 2);
    else if (what == 5)
      weir_elementary_stream_set_colour (stream, length > 0 ? &colour : NULL);
    else
      take (stream, copy, length);
  }
  return 0;
}
