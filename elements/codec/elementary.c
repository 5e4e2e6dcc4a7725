/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementary.h"

#include "codec/elementaryaudio.h"
#include "codec/elementaryvideo.h"
#include "codec/error.h"

#include <string.h>

struct _WeirElementaryStream {
  /* one of them */
  WeirElementaryVideo *video;
  WeirElementaryAudio *audio;
  GBytes *given; /* (nullable): the last record, as it came, to know it again */
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
  if (self == NULL)
    return;
  g_clear_pointer (&self->video, weir_elementary_video_free);
  g_clear_pointer (&self->audio, weir_elementary_audio_free);
  g_clear_pointer (&self->given, g_bytes_unref);
  g_free (self);
}

static gboolean
is_given (const WeirElementaryStream *self, const guint8 *data, gsize size)
{
  gsize given_size;
  const guint8 *given;

  if (self->given == NULL)
    return FALSE;
  given = g_bytes_get_data (self->given, &given_size);
  return given_size == size && (size == 0 || memcmp (given, data, size) == 0);
}

static GBytes *
copy_record (const guint8 *data, gsize size, GError **error)
{
  guint8 *copy;

  if (size > WEIR_CODEC_RECORD_SIZE_MAX) {
    g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED,
        "configuration record of %" G_GSIZE_FORMAT " bytes", size);
    return NULL;
  }
  copy = g_try_malloc (MAX (size, 1));
  if (copy == NULL) {
    weir_codec_out_of_memory (error);
    return NULL;
  }
  if (size > 0)
    memcpy (copy, data, size);
  return g_bytes_new_take (copy, size);
}

gboolean
weir_elementary_stream_set_record (
    WeirElementaryStream *self, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GBytes) record = NULL;
  gboolean taken;

  if (is_given (self, data, size))
    return TRUE;
  record = copy_record (data, size, error);
  if (record == NULL)
    return FALSE;
  taken = self->video != NULL ? weir_elementary_video_set_record (self->video, record, error)
                              : weir_elementary_audio_set_record (self->audio, record, error);
  if (!taken)
    return FALSE;
  g_clear_pointer (&self->given, g_bytes_unref);
  self->given = g_steal_pointer (&record);
  return TRUE;
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
