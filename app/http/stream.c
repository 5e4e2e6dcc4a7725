/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/private.h"

#include <string.h>

struct _WeirHttpStream {
  gatomicrefcount ref_count;
  const WeirHttpStreamCallbacks *callbacks;
  gpointer data;

  GMutex lock;
  GByteArray *waiting;
  gboolean ended;
  gboolean closed;
  const WeirHttpStreamTransport *functions;
  gpointer transport; /* NULL: not attached yet, or gone */
};

WeirHttpStream *
weir_http_stream_new (const WeirHttpStreamCallbacks *callbacks, gpointer data)
{
  WeirHttpStream *self = g_new0 (WeirHttpStream, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->callbacks = callbacks;
  self->data = data;
  self->waiting = g_byte_array_new ();
  return self;
}

WeirHttpStream *
weir_http_stream_ref (WeirHttpStream *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_http_stream_unref (WeirHttpStream *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_byte_array_unref (self->waiting);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
weir_http_stream_attach (
    WeirHttpStream *self, const WeirHttpStreamTransport *functions, gpointer transport)
{
  g_mutex_lock (&self->lock);
  self->functions = functions;
  self->transport = functions->reference (transport);
  g_mutex_unlock (&self->lock);
}

/* Returns: (transfer full) (nullable): to be woken; with the lock held */
static gpointer
get_transport (WeirHttpStream *self)
{
  return self->transport != NULL ? self->functions->reference (self->transport) : NULL;
}

static void
wake (WeirHttpStream *self, gpointer transport)
{
  if (transport == NULL)
    return;
  self->functions->wake (transport);
  self->functions->release (transport);
}

gboolean
weir_http_stream_write (WeirHttpStream *self, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gpointer transport = NULL;
  gboolean written;

  g_mutex_lock (&self->lock);
  written = !self->closed && !self->ended && size <= WEIR_HTTP_STREAM_MAX - self->waiting->len;
  if (written) {
    g_byte_array_append (self->waiting, data, (guint) size);
    transport = get_transport (self);
  }
  g_mutex_unlock (&self->lock);
  wake (self, transport);
  return written;
}

void
weir_http_stream_end (WeirHttpStream *self)
{
  gpointer transport;

  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  transport = get_transport (self);
  g_mutex_unlock (&self->lock);
  wake (self, transport);
}

gssize
weir_http_stream_read (WeirHttpStream *self, guint8 *data, gsize size)
{
  gboolean drained = FALSE;
  gssize got;

  g_mutex_lock (&self->lock);
  size = MIN (size, self->waiting->len);
  got = size == 0 && (self->ended || self->closed) ? -1 : (gssize) size;
  if (size > 0) {
    memcpy (data, self->waiting->data, size);
    g_byte_array_remove_range (self->waiting, 0, (guint) size);
    drained = self->waiting->len == 0 && !self->ended;
  }
  g_mutex_unlock (&self->lock);
  if (drained)
    self->callbacks->drained (self, self->data);
  return got;
}

gboolean
weir_http_stream_is_idle (WeirHttpStream *self)
{
  gboolean idle;

  g_mutex_lock (&self->lock);
  idle = self->waiting->len == 0 && !self->ended && !self->closed;
  g_mutex_unlock (&self->lock);
  return idle;
}

void
weir_http_stream_close (WeirHttpStream *self)
{
  gpointer transport;
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  self->closed = TRUE;
  transport = g_steal_pointer (&self->transport);
  g_mutex_unlock (&self->lock);
  if (transport != NULL)
    self->functions->release (transport);
  if (!closed)
    self->callbacks->closed (self, self->data);
}
