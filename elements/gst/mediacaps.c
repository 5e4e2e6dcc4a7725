/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/mediacaps.h"

GstCaps *
weir_codec_config_to_caps (const WeirCodecConfig *config)
{
  g_autofree gchar *text = weir_codec_config_get_caps_string (config);
  g_autoptr (GstBuffer) record = gst_buffer_new_wrapped_bytes (config->record);
  GstCaps *caps = gst_caps_from_string (text);

  gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, record, NULL);
  return caps;
}

static gboolean
find_codec (const GstStructure *structure, WeirCodec *codec)
{
  gint version;

  if (gst_structure_has_name (structure, "video/x-h264")) {
    *codec = WEIR_CODEC_AVC;
    return TRUE;
  }
  if (gst_structure_has_name (structure, "audio/mpeg") &&
      gst_structure_get_int (structure, "mpegversion", &version) &&
      (version == 4 || version == 2)) {
    *codec = WEIR_CODEC_AAC;
    return TRUE;
  }
  return FALSE;
}

WeirCodecConfig *
weir_codec_config_from_caps (const GstCaps *caps, GError **error)
{
  const GstStructure *structure;
  g_autoptr (GBytes) record = NULL;
  const GValue *value;
  GstBuffer *buffer;
  gpointer data;
  gsize size;
  WeirCodec codec;

  if (caps == NULL || gst_caps_is_any (caps) || gst_caps_get_size (caps) != 1 ||
      !find_codec (gst_caps_get_structure (caps, 0), &codec)) {
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_UNSUPPORTED, "caps of a codec not supported");
    return NULL;
  }
  structure = gst_caps_get_structure (caps, 0);
  value = gst_structure_get_value (structure, "codec_data");
  if (value == NULL || !GST_VALUE_HOLDS_BUFFER (value) || gst_value_get_buffer (value) == NULL) {
    g_set_error_literal (
        error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MALFORMED, "caps without codec_data");
    return NULL;
  }
  buffer = gst_value_get_buffer (value);
  gst_buffer_extract_dup (buffer, 0, gst_buffer_get_size (buffer), &data, &size);
  record = g_bytes_new_take (data, size);
  return weir_codec_config_parse (codec, record, error);
}
