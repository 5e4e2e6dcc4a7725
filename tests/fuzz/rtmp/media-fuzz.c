/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/reader.h"
#include "codec/codec.h"
#include "rtmp/flvtag.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
take_config (WeirCodecConfig **config, const WeirFlvTag *tag, const guint8 *body)
{
  g_autoptr (GBytes) record = g_bytes_new (body + tag->offset, tag->size);
  g_autoptr (GError) error = NULL;
  WeirCodecConfig *parsed = weir_codec_config_parse (tag->codec, record, &error);
  g_autofree gchar *caps = NULL;

  g_assert ((parsed == NULL) == (error != NULL));
  if (parsed == NULL)
    return;
  g_assert (parsed->kind == tag->kind);
  caps = weir_codec_config_get_caps_string (parsed);
  g_clear_pointer (config, weir_codec_config_unref);
  *config = parsed;
}

/* what becomes of a publisher's messages: bodies of tags, configurations, access units.
 * Each message: 0 for video or 1 for audio, two bytes of length, the body */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WeirCodecConfig *configs[2] = {NULL, NULL};
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  while (weir_reader_remaining (&reader) > 0) {
    guint8 kind = weir_reader_u8 (&reader) & 1;
    gsize announced = weir_reader_u16 (&reader);
    gsize length = MIN (announced, weir_reader_remaining (&reader));
    g_autofree guint8 *body = NULL;
    WeirFlvReader tags;
    WeirFlvTag tag;

    if (reader.failed)
      break;
    /* of exactly this size, so that a byte read beyond it is seen */
    body = g_memdup2 (weir_reader_bytes (&reader, length), length);

    weir_flv_reader_init (&tags, kind == 0 ? WEIR_MEDIA_VIDEO : WEIR_MEDIA_AUDIO, body, length);
    while (weir_flv_reader_next (&tags, &tag)) {
      if (tag.packet == WEIR_FLV_CONFIG)
        take_config (&configs[kind], &tag, body);
      if (tag.packet == WEIR_FLV_FRAME && configs[kind] != NULL &&
          configs[kind]->codec == tag.codec)
        weir_codec_config_inspect_sample (configs[kind], body + tag.offset, tag.size);
    }
  }
  g_clear_pointer (&configs[0], weir_codec_config_unref);
  g_clear_pointer (&configs[1], weir_codec_config_unref);
  return 0;
}
