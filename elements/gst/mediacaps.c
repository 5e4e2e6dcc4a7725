/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/mediacaps.h"

#include "base/reader.h"

#include <string.h>

#define FLAC_MARKER_SIZE 4
#define FLAC_STREAMINFO_SIZE (4 + 34) /* with its header */

static void
append_buffer (GValue *array, gconstpointer data, gsize size)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_BUFFER);
  gst_value_take_buffer (&value, gst_buffer_new_memdup (data, size));
  gst_value_array_append_and_take_value (array, &value);
}

/* what the elements of GStreamer look for instead of codec_data: Opus: the ID header and a comment
 * header (opusdec, mp4mux take pre-skip and gain from them); FLAC: the marker and STREAMINFO
 * (flacdec decodes nothing without them) */
static void
add_stream_header (GstCaps *caps, const WeirCodecConfig *config)
{
  static const guint8 comments[16] = "OpusTags"; /* neither vendor nor comments */
  GValue headers = G_VALUE_INIT;
  WeirReader reader;
  gsize size;
  const guint8 *record = g_bytes_get_data (config->record, &size);

  if (config->codec != WEIR_CODEC_OPUS && config->codec != WEIR_CODEC_FLAC)
    return;
  g_value_init (&headers, GST_TYPE_ARRAY);
  weir_reader_init (&reader, record, size);
  if (config->codec == WEIR_CODEC_OPUS) {
    append_buffer (&headers, record, size);
    append_buffer (&headers, comments, sizeof comments);
  } else {
    const guint8 *marker = weir_reader_bytes (&reader, FLAC_MARKER_SIZE);
    const guint8 *block = weir_reader_bytes (&reader, FLAC_STREAMINFO_SIZE);
    guint8 last[FLAC_STREAMINFO_SIZE];

    if (block == NULL) {
      g_value_unset (&headers);
      return;
    }
    memcpy (last, block, sizeof last);
    last[0] = 0x80; /* no block follows */
    append_buffer (&headers, marker, FLAC_MARKER_SIZE);
    append_buffer (&headers, last, sizeof last);
  }
  gst_caps_set_value (caps, "streamheader", &headers);
  g_value_unset (&headers);
}

GstCaps *
weir_codec_config_to_caps (const WeirCodecConfig *config)
{
  g_autofree gchar *text = weir_codec_config_get_caps_string (config);
  g_autoptr (GstBuffer) record = gst_buffer_new_wrapped_bytes (config->record);
  GstCaps *caps = gst_caps_from_string (text);

  gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, record, NULL);
  add_stream_header (caps, config);
  return caps;
}

static gboolean
find_codec (const GstStructure *structure, WeirCodec *codec)
{
  static const struct {
    const gchar *name;
    WeirCodec codec;
  } names[] = {
      {"video/x-h264", WEIR_CODEC_AVC},
      {"video/x-h265", WEIR_CODEC_HEVC},
      {"video/x-av1", WEIR_CODEC_AV1},
      {"video/x-vp8", WEIR_CODEC_VP8},
      {"video/x-vp9", WEIR_CODEC_VP9},
      {"audio/x-opus", WEIR_CODEC_OPUS},
      {"audio/x-flac", WEIR_CODEC_FLAC},
      {"audio/x-ac3", WEIR_CODEC_AC3},
      {"audio/x-eac3", WEIR_CODEC_EAC3},
  };
  gint version, layer;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (gst_structure_has_name (structure, names[i].name)) {
      *codec = names[i].codec;
      return TRUE;
    }
  }
  if (!gst_structure_has_name (structure, "audio/mpeg") ||
      !gst_structure_get_int (structure, "mpegversion", &version))
    return FALSE;
  if (version == 4 || version == 2) {
    *codec = WEIR_CODEC_AAC;
    return TRUE;
  }
  if (version != 1 || !gst_structure_get_int (structure, "layer", &layer) || layer != 3)
    return FALSE;
  *codec = WEIR_CODEC_MP3;
  return TRUE;
}

/* what the caps say beside the record. Returns: (transfer full) */
static WeirCodecConfig *
complete (WeirCodecConfig *config, const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string (structure, "colour");
  WeirCodecConfig *other;
  WeirColour colour;
  gint width, height;

  if (config->kind != WEIR_MEDIA_VIDEO)
    return config;
  if (config->width == 0 && gst_structure_get_int (structure, "width", &width) &&
      gst_structure_get_int (structure, "height", &height) && width > 0 && width <= G_MAXUINT16 &&
      height > 0 && height <= G_MAXUINT16) {
    other = weir_codec_config_with_size (config, (guint) width, (guint) height);
    weir_codec_config_unref (config);
    config = other;
  }
  if (text != NULL && weir_colour_from_text (text, &colour)) {
    other = weir_codec_config_with_colour (config, &colour);
    weir_codec_config_unref (config);
    config = other;
  }
  return config;
}

static GBytes *
copy_buffer (const GValue *value)
{
  GstBuffer *buffer;
  gpointer data;
  gsize size;

  if (value == NULL || !GST_VALUE_HOLDS_BUFFER (value))
    return NULL;
  buffer = gst_value_get_buffer (value);
  if (buffer == NULL)
    return NULL;
  gst_buffer_extract_dup (buffer, 0, gst_buffer_get_size (buffer), &data, &size);
  return g_bytes_new_take (data, size);
}

/* Returns: (transfer full) (nullable): the record of @codec, wherever the caps have it */
static GBytes *
find_record (const GstStructure *structure, WeirCodec codec)
{
  GBytes *record = copy_buffer (gst_structure_get_value (structure, "codec_data"));
  const GValue *headers = gst_structure_get_value (structure, "streamheader");

  /* other elements have the ID header of Opus here */
  if (record == NULL && codec == WEIR_CODEC_OPUS && headers != NULL &&
      GST_VALUE_HOLDS_ARRAY (headers) && gst_value_array_get_size (headers) > 0)
    record = copy_buffer (gst_value_array_get_value (headers, 0));
  return record;
}

WeirCodecConfig *
weir_codec_config_from_caps (const GstCaps *caps, GError **error)
{
  const GstStructure *structure;
  g_autoptr (GBytes) record = NULL;
  WeirCodecConfig *config;
  WeirCodec codec;

  if (caps == NULL || gst_caps_is_any (caps) || gst_caps_get_size (caps) != 1 ||
      !find_codec (gst_caps_get_structure (caps, 0), &codec)) {
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "caps of a codec not supported");
    return NULL;
  }
  structure = gst_caps_get_structure (caps, 0);
  record = find_record (structure, codec);
  if (record == NULL) {
    /* these have none beside the stream; what other elements say is not enough */
    gboolean in_frames =
        codec == WEIR_CODEC_AC3 || codec == WEIR_CODEC_EAC3 || codec == WEIR_CODEC_MP3;

    g_set_error (error, WEIR_CODEC_ERROR,
        in_frames ? WEIR_CODEC_ERROR_UNSUPPORTED : WEIR_CODEC_ERROR_MALFORMED,
        "caps of %s without codec_data", weir_codec_get_name (codec));
    return NULL;
  }
  config = weir_codec_config_parse (codec, record, error);
  if (config == NULL)
    return NULL;
  config = complete (config, structure);
  if (config->kind == WEIR_MEDIA_VIDEO && config->width == 0) {
    weir_codec_config_unref (config);
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED, "caps of video without a size");
    return NULL;
  }
  return config;
}
