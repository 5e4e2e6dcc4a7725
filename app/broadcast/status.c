/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/manager.h"

const gchar *
weir_lifecycle_get_name (WeirLifecycle state)
{
  static const gchar *const names[] = {
      "idle", "connecting", "live", "reconnecting", "ended", "ready"};

  return (guint) state < G_N_ELEMENTS (names) ? names[state] : "idle";
}

void
weir_broadcast_status_free (WeirBroadcastStatus *self)
{
  if (self == NULL)
    return;
  g_free (self->uid);
  g_free (self->input);
  g_free (self->protocol);
  g_free (self->peer);
  g_free (self->codecs);
  weir_broadcast_health_free (self->health);
  g_free (self);
}
