/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Blocking loopback clients. */

/* @address: as a listener shows it, "127.0.0.1:1935" or "[::1]:1935"; any-addresses are reached by
 * loopback */
static inline gint
tcp_try_connect (gint fd, const gchar *address)
{
  const gchar *colon = strrchr (address, ':');
  guint16 port = (guint16) g_ascii_strtoull (colon + 1, NULL, 10);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons (port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons (port)};

  if (address[0] == '[') {
    six.sin6_addr = in6addr_loopback;
    return connect (fd, (struct sockaddr *) &six, sizeof six);
  }
  four.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return connect (fd, (struct sockaddr *) &four, sizeof four);
}

static inline gint
tcp_connect (const gchar *address)
{
  gint fd = socket (address[0] == '[' ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  if (tcp_try_connect (fd, address) != 0)
    g_error ("connect to %s: %s", address, g_strerror (errno));
  return fd;
}

/* @fds: two connected ends; the first is to be given to a WeirSocket */
static inline void
tcp_pair (gint fds[2])
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  gint listening = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (listening, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (listening, 1), ==, 0);
  g_assert_cmpint (getsockname (listening, (struct sockaddr *) &address, &size), ==, 0);
  fds[1] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fds[1], (struct sockaddr *) &address, sizeof address), ==, 0);
  fds[0] = accept4 (listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  g_assert_cmpint (fds[0], >=, 0);
  close (listening);
}

static inline void
tcp_write (gint fd, gconstpointer data, gsize size)
{
  const guint8 *bytes = data;

  while (size > 0) {
    gssize sent = send (fd, bytes, size, MSG_NOSIGNAL);

    if (sent < 0)
      g_error ("send: %s", g_strerror (errno));
    bytes += sent;
    size -= (gsize) sent;
  }
}

/* closes with a reset */
static inline void
tcp_reset (gint fd)
{
  struct linger linger = {1, 0};

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (fd);
}
