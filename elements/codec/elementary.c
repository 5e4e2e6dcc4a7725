/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementary.h"

#include "codec/elementaryaudio.h"
#include "codec/elementaryvideo.h"

struct _WeirElementaryStream {
  /* one of them */
  WeirElementaryVideo *video;
  WeirElementaryAudio *audio;
};

WeirElementaryStream *
weir_elementary_stream_new (WeirCodec codec)
{
  WeirElementaryStream *self = g_new0 (WeirElementaryStream, 1);

  if (weir_codec_get_kind (codec) == WEIR_MEDIA_VIDEO)
    self->video = weir_elementary_video_new (codec);
  else
    self->audio = weir_elementary_audio_new (codec);
  return self;
}

void
weir_elementary_stream_free (WeirElementaryStream *self)
{
  g_clear_pointer (&self->video, weir_elementary_video_free);
  g_clear_pointer (&self->audio, weir_elementary_audio_free);
  g_free (self);
}

gboolean
weir_elementary_stream_set_record (
    WeirElementaryStream *self, const guint8 *data, gsize size, gboolean *changed, GError **error)
{
  if (self->video != NULL)
    return weir_elementary_video_set_record (self->video, data, size, changed, error);
  return weir_elementary_audio_set_record (self->audio, data, size, changed, error);
}

void
weir_elementary_stream_assume_channels (WeirElementaryStream *self, guint channels)
{
  if (self->audio != NULL)
    weir_elementary_audio_assume_channels (self->audio, channels);
}

void
weir_elementary_stream_set_colour (WeirElementaryStream *self, const WeirColour *colour)
{
  if (self->video != NULL)
    weir_elementary_video_set_colour (self->video, colour);
}

WeirCodecConfig *
weir_elementary_stream_get_config (WeirElementaryStream *self)
{
  return self->video != NULL ? weir_elementary_video_get_config (self->video)
                             : weir_elementary_audio_get_config (self->audio);
}

void
weir_elementary_stream_take (
    WeirElementaryStream *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  *unit = (WeirAccessUnit){.status = WEIR_UNIT_INVALID};
  if (self->video != NULL)
    weir_elementary_video_take (self->video, data, size, unit);
  else
    weir_elementary_audio_take (self->audio, data, size, unit);
}
