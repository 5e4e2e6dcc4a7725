/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtmp/amf.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
visit (const WeirAmfValue *value)
{
  gsize size = 0;
  const gchar *string = weir_amf_value_get_string (value, &size);

  /* what is said to be there is there */
  g_assert (string == NULL || string[size] == '\0');
  weir_amf_value_get_number (value);
  for (guint i = 0; i < weir_amf_value_get_size (value); i++)
    visit (weir_amf_value_get_nth (value, i, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint values_left = weir_amf_limits_default.values_max;
  WeirReader reader;

  weir_reader_init (&reader, data, size);
  while (weir_reader_remaining (&reader) > 0) {
    g_autoptr (WeirAmfValue) value =
        weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);

    if (value == NULL)
      return 0;
    visit (value);
  }
  return 0;
}
