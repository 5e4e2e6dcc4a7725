/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elementaryaudio.h"

#include "codec/ac3.h"
#include "codec/adts.h"
#include "codec/flac.h"
#include "codec/mp3.h"
#include "codec/opus.h"

struct _WeirElementaryAudio {
  WeirCodec codec;
  WeirCodecConfig *config; /* (nullable) */
  /* one came beside the stream, which may say more than the stream (AAC) or have been overtaken by
   * it (AC-3) */
  gboolean has_record;
  guint assumed_channels; /* (Opus) 0: none */
};

WeirElementaryAudio *
weir_elementary_audio_new (WeirCodec codec)
{
  WeirElementaryAudio *self = g_new0 (WeirElementaryAudio, 1);

  self->codec = codec;
  return self;
}

void
weir_elementary_audio_free (WeirElementaryAudio *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->config, weir_codec_config_unref);
  g_free (self);
}

static void
use_config (WeirElementaryAudio *self, WeirCodecConfig *config)
{
  if (self->config != NULL && weir_codec_config_equal (self->config, config))
    return;
  g_clear_pointer (&self->config, weir_codec_config_unref);
  self->config = weir_codec_config_ref (config);
}

gboolean
weir_elementary_audio_set_record (WeirElementaryAudio *self, GBytes *record, GError **error)
{
  g_autoptr (GBytes) made = NULL;
  g_autoptr (WeirCodecConfig) config = NULL;

  if (self->codec == WEIR_CODEC_FLAC && g_bytes_get_size (record) == WEIR_FLAC_STREAMINFO_SIZE)
    made = weir_flac_make_record (g_bytes_get_data (record, NULL));
  config = weir_codec_config_parse (self->codec, made != NULL ? made : record, error);
  if (config == NULL)
    return FALSE;
  use_config (self, config);
  self->has_record = TRUE;
  return TRUE;
}

void
weir_elementary_audio_assume_channels (WeirElementaryAudio *self, guint channels)
{
  self->assumed_channels = channels;
}

WeirCodecConfig *
weir_elementary_audio_get_config (WeirElementaryAudio *self)
{
  return self->config;
}

/* takes off the header. Returns: (transfer full) (nullable): the record that it makes; NULL: there
 * is none, the configuration stays, or the unit's status says why it is not taken */
static GBytes *
take_adts (const WeirElementaryAudio *self, const guint8 *data, WeirAccessUnit *unit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) record = NULL;
  WeirAdtsHeader header;

  if (!weir_adts_is_header (data, unit->size))
    return NULL;
  unit->quirks |= WEIR_QUIRK_ADTS;
  if (!weir_adts_parse (data, unit->size, &header, &error) || header.frame_size != unit->size) {
    unit->status = g_error_matches (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED)
                       ? WEIR_UNIT_UNSUPPORTED
                       : WEIR_UNIT_INVALID;
    return NULL;
  }
  unit->offset = header.header_size;
  unit->size -= header.header_size;
  /* the record beside the stream tells of SBR; the header does not */
  if (self->has_record ||
      (self->config != NULL && weir_adts_continues (self->config->record, &header)))
    return NULL;
  record = weir_adts_make_record (&header);
  if (record == NULL)
    unit->status = WEIR_UNIT_UNSUPPORTED;
  return g_steal_pointer (&record);
}

/* Returns: whether the frame goes on with the configuration that is there, of a codec whose frames
 * say it each */
static gboolean
continues (const WeirElementaryAudio *self, const guint8 *data, gsize size)
{
  if (self->config == NULL)
    return FALSE;
  return self->codec == WEIR_CODEC_MP3
             ? weir_mp3_continues (self->config->record, data, size)
             : weir_ac3_continues (self->codec, self->config->record, data, size);
}

/* Returns: (transfer full) (nullable): the configuration with which the unit begins, if it is
 * another one; the unit's status says when it is broken */
static WeirCodecConfig *
find_config (WeirElementaryAudio *self, const guint8 *data, WeirAccessUnit *unit)
{
  g_autoptr (GBytes) record = NULL;
  WeirCodecConfig *config;

  switch (self->codec) {
  case WEIR_CODEC_AAC:
    record = take_adts (self, data, unit);
    if (record == NULL)
      return NULL;
    if (self->config == NULL)
      unit->quirks |= WEIR_QUIRK_NO_RECORD;
    break;
  case WEIR_CODEC_OPUS:
    if (self->config != NULL || self->assumed_channels == 0)
      return NULL;
    record = weir_opus_make_record (self->assumed_channels);
    unit->quirks |= WEIR_QUIRK_NO_RECORD;
    break;
  case WEIR_CODEC_AC3:
  case WEIR_CODEC_EAC3:
  case WEIR_CODEC_MP3:
    if (continues (self, data, unit->size))
      return NULL;
    record = self->codec == WEIR_CODEC_MP3
                 ? weir_mp3_make_record (data, unit->size, NULL)
                 : weir_ac3_make_record (self->codec, data, unit->size, NULL);
    break;
  default:
    return NULL;
  }
  config = record != NULL ? weir_codec_config_parse (self->codec, record, NULL) : NULL;
  if (config == NULL)
    unit->status = WEIR_UNIT_INVALID;
  else if (self->has_record)
    unit->quirks |= WEIR_QUIRK_IN_BAND_CONFIG;
  return config;
}

void
weir_elementary_audio_take (
    WeirElementaryAudio *self, const guint8 *data, gsize size, WeirAccessUnit *unit)
{
  g_autoptr (WeirCodecConfig) found = NULL;
  const WeirCodecConfig *config;
  WeirSampleInfo info;

  if (size == 0) {
    unit->status = WEIR_UNIT_EMPTY;
    return;
  }
  unit->size = size;
  unit->status = WEIR_UNIT_OK;
  found = find_config (self, data, unit);
  config = found != NULL ? found : self->config;
  if (unit->status != WEIR_UNIT_OK)
    return;
  if (config == NULL) {
    unit->status = WEIR_UNIT_NO_CONFIG;
    return;
  }
  info = weir_codec_config_inspect_sample (config, data + unit->offset, unit->size);
  if (!info.valid || info.empty) {
    unit->status = !info.valid ? WEIR_UNIT_INVALID : WEIR_UNIT_EMPTY;
    return;
  }
  if (found != NULL)
    use_config (self, found);
  unit->status = WEIR_UNIT_OK;
  unit->keyframe = info.keyframe;
}
