/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/codec.h"

#include "codec/aac.h"
#include "codec/ac3.h"
#include "codec/av1.h"
#include "codec/avc.h"
#include "codec/flac.h"
#include "codec/hevc.h"
#include "codec/mp3.h"
#include "codec/opus.h"
#include "codec/vpx.h"

#include <string.h>

G_DEFINE_QUARK (weir_codec_error, weir_codec_error)

/* what differs between codecs; a codec without @parse is not handled */
static const struct {
  WeirMediaKind kind;
  const gchar *name;
  const gchar *caps;
  /* fills @config, whose record is set */
  gboolean (*parse) (WeirCodecConfig *config, GError **error);
  /* (nullable): appends what only this codec's caps have */
  void (*append_caps) (const WeirCodecConfig *config, GString *caps);
  void (*write_sample_entry) (const WeirCodecConfig *config, WeirWriter *writer);
  /* (nullable): NULL: any bytes are one independent sample */
  WeirSampleInfo (*inspect_sample) (const WeirCodecConfig *config, const guint8 *data, gsize size);
  /* (nullable) */
  GBytes *(*make_silence) (const WeirCodecConfig *config);
} codecs[WEIR_CODEC_LAST] = {
    [WEIR_CODEC_AVC] = {WEIR_MEDIA_VIDEO, "H.264",
        "video/x-h264, stream-format=(string)avc, alignment=(string)au", weir_avc_config_parse,
        weir_avc_append_caps, weir_avc_write_sample_entry, weir_avc_inspect_sample, NULL},
    [WEIR_CODEC_HEVC] = {WEIR_MEDIA_VIDEO, "HEVC",
        "video/x-h265, stream-format=(string)hvc1, alignment=(string)au", weir_hevc_config_parse,
        weir_hevc_append_caps, weir_hevc_write_sample_entry, weir_hevc_inspect_sample, NULL},
    [WEIR_CODEC_AV1] = {WEIR_MEDIA_VIDEO, "AV1",
        "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu",
        weir_av1_config_parse, weir_av1_append_caps, weir_av1_write_sample_entry,
        weir_av1_inspect_sample, NULL},
    [WEIR_CODEC_VP8] = {WEIR_MEDIA_VIDEO, "VP8", "video/x-vp8", weir_vpx_config_parse,
        weir_vpx_append_caps, weir_vpx_write_sample_entry, weir_vpx_inspect_sample, NULL},
    [WEIR_CODEC_VP9] = {WEIR_MEDIA_VIDEO, "VP9", "video/x-vp9, alignment=(string)super-frame",
        weir_vpx_config_parse, weir_vpx_append_caps, weir_vpx_write_sample_entry,
        weir_vpx_inspect_sample, NULL},
    [WEIR_CODEC_AAC] = {WEIR_MEDIA_AUDIO, "AAC",
        "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, framed=(boolean)true",
        weir_aac_config_parse, NULL, weir_aac_write_sample_entry, NULL, weir_aac_make_silence},
    [WEIR_CODEC_OPUS] = {WEIR_MEDIA_AUDIO, "Opus", "audio/x-opus", weir_opus_config_parse,
        weir_opus_append_caps, weir_opus_write_sample_entry, weir_opus_inspect_sample,
        weir_opus_make_silence},
    [WEIR_CODEC_FLAC] = {WEIR_MEDIA_AUDIO, "FLAC", "audio/x-flac, framed=(boolean)true",
        weir_flac_config_parse, NULL, weir_flac_write_sample_entry, weir_flac_inspect_sample, NULL},
    [WEIR_CODEC_AC3] = {WEIR_MEDIA_AUDIO, "AC-3",
        "audio/x-ac3, framed=(boolean)true, alignment=(string)frame", weir_ac3_config_parse, NULL,
        weir_ac3_write_sample_entry, weir_ac3_inspect_sample, NULL},
    [WEIR_CODEC_EAC3] = {WEIR_MEDIA_AUDIO, "E-AC-3",
        "audio/x-eac3, framed=(boolean)true, alignment=(string)frame", weir_ac3_config_parse, NULL,
        weir_ac3_write_sample_entry, weir_ac3_inspect_sample, NULL},
    [WEIR_CODEC_MP3] = {WEIR_MEDIA_AUDIO, "MP3",
        "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true", weir_mp3_config_parse,
        weir_mp3_append_caps, weir_mp3_write_sample_entry, weir_mp3_inspect_sample, NULL},
};

WeirCodecConfig *
weir_codec_config_parse (WeirCodec codec, GBytes *record, GError **error)
{
  g_autoptr (WeirCodecConfig) self = NULL;

  if (g_bytes_get_size (record) > WEIR_CODEC_RECORD_SIZE_MAX) {
    g_set_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED,
        "configuration record of %" G_GSIZE_FORMAT " bytes", g_bytes_get_size (record));
    return NULL;
  }
  if ((guint) codec >= WEIR_CODEC_LAST || codecs[codec].parse == NULL) {
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "codec not supported");
    return NULL;
  }

  self = g_new0 (WeirCodecConfig, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->kind = codecs[codec].kind;
  self->codec = codec;
  self->record = g_bytes_ref (record);
  self->par_n = self->par_d = 1;
  self->frame_rate_d = 1;
  self->reorder = -1;
  if (!codecs[codec].parse (self, error))
    return NULL;
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
  g_free (self->colour);
  g_free (self);
}

static WeirCodecConfig *
copy_config (const WeirCodecConfig *self)
{
  WeirCodecConfig *other = g_memdup2 (self, sizeof *self);

  g_atomic_ref_count_init (&other->ref_count);
  g_bytes_ref (other->record);
  other->codecs = g_strdup (self->codecs);
  other->colour = g_memdup2 (self->colour, sizeof *self->colour);
  return other;
}

WeirCodecConfig *
weir_codec_config_with_colour (const WeirCodecConfig *self, const WeirColour *colour)
{
  WeirCodecConfig *other = copy_config (self);
  g_autoptr (WeirCodecConfig) parsed = NULL;

  /* what was parsed once is parsed again, unless memory is short */
  if (colour == NULL) {
    parsed = weir_codec_config_parse (self->codec, self->record, NULL);
    colour = parsed != NULL ? parsed->colour : NULL;
  }
  g_free (other->colour);
  other->colour = g_memdup2 (colour, sizeof *colour);
  return other;
}

WeirCodecConfig *
weir_codec_config_with_size (const WeirCodecConfig *self, guint width, guint height)
{
  WeirCodecConfig *other = copy_config (self);

  other->width = width;
  other->height = height;
  return other;
}

static gboolean
is_same_mastering (const WeirColour *a, const WeirColour *b)
{
  if (!a->has_mastering || !b->has_mastering)
    return a->has_mastering == b->has_mastering;
  return memcmp (a->display_primaries, b->display_primaries, sizeof a->display_primaries) == 0 &&
         memcmp (a->white_point, b->white_point, sizeof a->white_point) == 0 &&
         a->luminance_max == b->luminance_max && a->luminance_min == b->luminance_min;
}

static gboolean
is_same_colour (const WeirColour *a, const WeirColour *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (a->has_light_level != b->has_light_level ||
      (a->has_light_level && (a->content_light_max != b->content_light_max ||
                                 a->picture_average_light_max != b->picture_average_light_max)))
    return FALSE;
  return a->primaries == b->primaries && a->transfer == b->transfer && a->matrix == b->matrix &&
         !a->full_range == !b->full_range && is_same_mastering (a, b);
}

gboolean
weir_codec_config_equal (const WeirCodecConfig *a, const WeirCodecConfig *b)
{
  return a == b ||
         (a->codec == b->codec && g_bytes_equal (a->record, b->record) && a->width == b->width &&
             a->height == b->height && is_same_colour (a->colour, b->colour));
}

const gchar *
weir_codec_get_name (WeirCodec codec)
{
  return (guint) codec < WEIR_CODEC_LAST ? codecs[codec].name : "unknown";
}

gboolean
weir_codec_from_name (const gchar *name, WeirCodec *codec)
{
  for (guint i = 0; i < WEIR_CODEC_LAST; i++) {
    if (g_strcmp0 (codecs[i].name, name) == 0) {
      *codec = (WeirCodec) i;
      return TRUE;
    }
  }
  return FALSE;
}

WeirMediaKind
weir_codec_get_kind (WeirCodec codec)
{
  return codecs[codec].kind;
}

static void
append_colour (const WeirColour *colour, GString *caps)
{
  g_autofree gchar *text = weir_colour_to_text (colour);

  /* what elements in between do not know they leave as it is; colorimetry has not all code points
   */
  g_string_append_printf (caps, ", colour=(string)\"%s\"", text);
  if (colour->has_mastering)
    g_string_append_printf (caps,
        ", mastering-display-info=(string)\"%u:%u:%u:%u:%u:%u:%u:%u:%u:%u\"",
        colour->display_primaries[0][0], colour->display_primaries[0][1],
        colour->display_primaries[1][0], colour->display_primaries[1][1],
        colour->display_primaries[2][0], colour->display_primaries[2][1], colour->white_point[0],
        colour->white_point[1], colour->luminance_max, colour->luminance_min);
  if (colour->has_light_level)
    g_string_append_printf (caps, ", content-light-level=(string)\"%u:%u\"",
        colour->content_light_max, colour->picture_average_light_max);
}

gchar *
weir_codec_config_get_caps_string (const WeirCodecConfig *self)
{
  GString *caps = g_string_new (codecs[self->codec].caps);

  if (codecs[self->codec].append_caps != NULL)
    codecs[self->codec].append_caps (self, caps);
  if (self->kind == WEIR_MEDIA_AUDIO) {
    g_string_append_printf (caps, ", rate=(int)%u, channels=(int)%u", self->rate, self->channels);
    return g_string_free (caps, FALSE);
  }
  if (self->width > 0)
    g_string_append_printf (caps, ", width=(int)%u, height=(int)%u", self->width, self->height);
  if (self->frame_rate_n > 0)
    g_string_append_printf (
        caps, ", framerate=(fraction)%u/%u", self->frame_rate_n, self->frame_rate_d);
  g_string_append_printf (caps, ", pixel-aspect-ratio=(fraction)%u/%u", self->par_n, self->par_d);
  if (self->colour != NULL)
    append_colour (self->colour, caps);
  return g_string_free (caps, FALSE);
}

void
weir_codec_config_write_sample_entry (const WeirCodecConfig *self, WeirWriter *writer)
{
  codecs[self->codec].write_sample_entry (self, writer);
}

WeirSampleInfo
weir_codec_config_inspect_sample (const WeirCodecConfig *self, const guint8 *data, gsize size)
{
  WeirSampleInfo info = {.valid = TRUE, .empty = size == 0, .keyframe = size > 0};

  if (codecs[self->codec].inspect_sample != NULL)
    return codecs[self->codec].inspect_sample (self, data, size);
  return info;
}

GBytes *
weir_codec_config_make_silence (const WeirCodecConfig *self)
{
  return codecs[self->codec].make_silence != NULL ? codecs[self->codec].make_silence (self) : NULL;
}
