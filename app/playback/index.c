/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/index.h"

#include <unistd.h>

WeirBlob *
weir_blob_new (gint fd)
{
  WeirBlob *self = g_new0 (WeirBlob, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = fd;
  return self;
}

WeirBlob *
weir_blob_ref (WeirBlob *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_blob_unref (WeirBlob *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}
