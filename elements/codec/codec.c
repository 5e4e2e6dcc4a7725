/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

#include "codec/aac.h"
#include "codec/avc.h"

G_DEFINE_QUARK (weir - codec - error - quark, weir_codec_error)

WeirCodecConfig *
weir_codec_config_parse (WeirCodec codec, GBytes *record, GError **error)
{
  g_autoptr (WeirCodecConfig) self = NULL;

  if (g_bytes_get_size (record) > WEIR_CODEC_RECORD_SIZE_MAX) {
    g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED,
        "configuration record of %" G_GSIZE_FORMAT " bytes", g_bytes_get_size (record));
    return NULL;
  }

  self = g_new0 (WeirCodecConfig, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->codec = codec;
  self->record = g_bytes_ref (record);
  self->par_n = self->par_d = 1;
  self->frame_rate_d = 1;

  switch (codec) {
  case WEIR_CODEC_AVC:
    self->kind = WEIR_MEDIA_VIDEO;
    if (!weir_avc_config_parse (self, error))
      return NULL;
    break;
  case WEIR_CODEC_AAC:
    self->kind = WEIR_MEDIA_AUDIO;
    if (!weir_aac_config_parse (self, error))
      return NULL;
    break;
  default:
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "codec not supported");
    return NULL;
  }
  return g_steal_pointer (&self);
}

WeirCodecConfig *
weir_codec_config_ref (WeirCodecConfig *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_codec_config_unref (WeirCodecConfig *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_bytes_unref (self->record);
  g_free (self->codecs);
  g_free (self);
}

gboolean
weir_codec_config_equal (const WeirCodecConfig *a, const WeirCodecConfig *b)
{
  return a == b || (a->codec == b->codec && g_bytes_equal (a->record, b->record));
}

const gchar *
weir_codec_get_name (WeirCodec codec)
{
  switch (codec) {
  case WEIR_CODEC_AVC:
    return "H.264";
  case WEIR_CODEC_AAC:
    return "AAC";
  }
  return "unknown";
}

gchar *
weir_codec_config_get_caps_string (const WeirCodecConfig *self)
{
  GString *caps = g_string_new (NULL);

  switch (self->codec) {
  case WEIR_CODEC_AVC:
    g_string_append (caps, "video/x-h264, stream-format=(string)avc, alignment=(string)au");
    weir_avc_append_caps (self, caps);
    g_string_append_printf (caps, ", width=(int)%u, height=(int)%u", self->width, self->height);
    if (self->frame_rate_n > 0)
      g_string_append_printf (
          caps, ", framerate=(fraction)%u/%u", self->frame_rate_n, self->frame_rate_d);
    g_string_append_printf (caps, ", pixel-aspect-ratio=(fraction)%u/%u", self->par_n, self->par_d);
    break;
  case WEIR_CODEC_AAC:
    g_string_append_printf (caps,
        "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, framed=(boolean)true, "
        "rate=(int)%u, channels=(int)%u",
        self->rate, self->channels);
    break;
  }
  return g_string_free (caps, FALSE);
}

void
weir_codec_config_write_sample_entry (const WeirCodecConfig *self, WeirWriter *writer)
{
  switch (self->codec) {
  case WEIR_CODEC_AVC:
    weir_avc_write_sample_entry (self, writer);
    break;
  case WEIR_CODEC_AAC:
    weir_aac_write_sample_entry (self, writer);
    break;
  }
}

WeirSampleInfo
weir_codec_config_inspect_sample (const WeirCodecConfig *self, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};

  if (self->codec == WEIR_CODEC_AVC)
    return weir_avc_inspect_sample (self, data, size);
  return info;
}
