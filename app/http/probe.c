/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/probe.h"

/* the C library's struct tcp_info ends before the fields that matter here, and its header cannot
 * be included beside this one */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

gboolean
weir_http_probe_socket (gint fd, guint64 *acknowledged, gboolean *waiting)
{
  struct tcp_info info;
  socklen_t size = sizeof info;

  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
      size < offsetof (struct tcp_info, tcpi_notsent_bytes) + sizeof info.tcpi_notsent_bytes)
    return FALSE;
  *acknowledged = info.tcpi_bytes_acked;
  *waiting = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
  return TRUE;
}
