/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementaryvideo.h"

#include <string.h>

struct _WeirElementaryVideo {
  WeirCodec codec;
  WeirCodecConfig *config; /* (nullable) */
};

WeirElementaryVideo *
weir_elementary_video_new (WeirCodec codec)
{
  WeirElementaryVideo *self = g_new0 (WeirElementaryVideo, 1);

  self->codec = codec;
  return self;
}

void
weir_elementary_video_free (WeirElementaryVideo *self)
{
  g_clear_pointer (&self->config, weir_codec_config_unref);
  g_free (self);
}

gboolean
weir_elementary_video_set_record (
    WeirElementaryVideo *self, const guint8 *data, gsize size, gboolean *changed, GError **error)
{
  g_autoptr (GBytes) record = NULL;
  WeirCodecConfig *config;
  guint8 *copy;

  if (size > WEIR_CODEC_RECORD_SIZE_MAX) {
    g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED,
        "configuration record of %" G_GSIZE_FORMAT " bytes", size);
    return FALSE;
  }
  copy = g_try_malloc (size);
  if (copy == NULL && size > 0) {
    g_set_error_literal (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY, "out of memory");
    return FALSE;
  }
  if (size > 0)
    memcpy (copy, data, size);
  record = g_bytes_new_take (copy, size);
  config = weir_codec_config_parse (self->codec, record, error);
  if (config == NULL)
    return FALSE;
  if (self->config != NULL && weir_codec_config_equal (self->config, config)) {
    weir_codec_config_unref (config);
    *changed = FALSE;
    return TRUE;
  }
  g_clear_pointer (&self->config, weir_codec_config_unref);
  self->config = config;
  *changed = TRUE;
  return TRUE;
}

void
weir_elementary_video_set_colour (WeirElementaryVideo *self, const WeirColour *colour)
{
  (void) self;
  (void) colour;
}

WeirCodecConfig *
weir_elementary_video_get_config (WeirElementaryVideo *self)
{
  return self->config;
}

void
weir_elementary_video_take (
    WeirElementaryVideo *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  WeirSampleInfo info;

  if (self->config == NULL) {
    unit->status = WEIR_UNIT_NO_CONFIG;
    return;
  }
  info = weir_codec_config_inspect_sample (self->config, data, size);
  unit->status = !info.valid ? WEIR_UNIT_INVALID : info.empty ? WEIR_UNIT_EMPTY : WEIR_UNIT_OK;
  unit->keyframe = info.keyframe;
  unit->leading = info.leading;
  unit->size = size;
}
