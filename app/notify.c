/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

gboolean
weir_notify (const gchar *state, GError **error)
{
  const gchar *name = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t size;
  gssize sent;
  gint fd, failure;

  if (name == NULL || name[0] == '\0')
    return TRUE;
  if ((name[0] != '/' && name[0] != '@') || strlen (name) >= sizeof address.sun_path) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "NOTIFY_SOCKET is no address");
    return FALSE;
  }
  g_strlcpy (address.sun_path, name, sizeof address.sun_path);
  size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + strlen (name));
  if (name[0] == '@')
    address.sun_path[0] = '\0';
  else
    size++;

  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sent = fd < 0 ? -1
                : sendto (fd, state, strlen (state), MSG_NOSIGNAL | MSG_DONTWAIT,
                      (struct sockaddr *) &address, size);
  failure = errno;
  if (fd >= 0)
    close (fd);
  if (sent >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure),
      "Cannot tell the service manager: %s", g_strerror (failure));
  return FALSE;
}

gboolean
weir_notify_reloading (GError **error)
{
  g_autofree gchar *state =
      g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());

  return weir_notify (state, error);
}
