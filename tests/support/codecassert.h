/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "records.h"

/* what is asserted of any codec's records and samples */

static inline void
assert_refused (WeirCodec codec, const gchar *what, const gchar *hex, gint code)
{
  g_autoptr (GBytes) record = test_hex (hex);
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", what);
  g_assert_null (weir_codec_config_parse (codec, record, &error));
  g_assert_error (error, WEIR_CODEC_ERROR, code);
}

typedef struct {
  const gchar *what, *data;
  gboolean valid, empty, keyframe; /* nothing is said of what is not valid */
} SampleRow;

static inline void
assert_sample (const WeirCodecConfig *config, const SampleRow *row)
{
  g_autoptr (GBytes) bytes = test_hex (row->data);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  WeirSampleInfo info = weir_codec_config_inspect_sample (config, data, size);

  g_test_message ("%s", row->what);
  g_assert_cmpint (info.valid, ==, row->valid);
  if (!info.valid)
    return;
  g_assert_cmpint (info.empty, ==, row->empty);
  g_assert_cmpint (info.keyframe, ==, row->keyframe);
}

static inline void
assert_sample_entry (const WeirCodecConfig *config, const gchar *hex)
{
  g_autoptr (GBytes) expected = test_hex (hex);
  g_auto (WeirWriter) writer = {0};

  weir_writer_init (&writer, 0);
  weir_codec_config_write_sample_entry (config, &writer);
  g_assert_cmpmem (
      writer.data, writer.size, g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

/* @text: as weir_colour_to_text() has it; NULL: none */
static inline void
assert_colour (const WeirCodecConfig *config, const gchar *text)
{
  g_autofree gchar *colour = NULL;

  g_assert_cmpint (config->colour != NULL, ==, text != NULL);
  if (config->colour != NULL)
    colour = weir_colour_to_text (config->colour);
  g_assert_cmpstr (colour, ==, text);
}
