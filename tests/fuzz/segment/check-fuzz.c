/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/check.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* a file: an init, segments, or both */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WeirCheck) check = weir_check_new ();

  weir_check_any (check, "input", data, size);
  return 0;
}
