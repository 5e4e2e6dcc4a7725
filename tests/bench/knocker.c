/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-knocker HOST PORT SECONDS RATE fin|reset|byte
 *
 * Connects RATE times a second, each time from the next of 4,000 loopback addresses, and leaves at
 * once: in order, with a reset, or with one byte that is of no protocol. Prints one line of JSON:
 * how many connections there were, and how many the kernel did not complete at once. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES 4000
#define HOSTS_PER_NETWORK 250

/* Returns: whether the connection was there at once */
static gboolean
knock (const struct sockaddr_in *address, guint index, const gchar *how)
{
  struct sockaddr_in own = {.sin_family = AF_INET};
  struct linger linger = {.l_onoff = 1};
  gint one = 1;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  gboolean connected;

  if (fd < 0)
    return FALSE;
  index %= ADDRESSES;
  own.sin_addr.s_addr =
      htonl (0x7f020001 + (index / HOSTS_PER_NETWORK << 8) + index % HOSTS_PER_NETWORK);
  setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  connected = bind (fd, (struct sockaddr *) &own, sizeof own) == 0 &&
              (connect (fd, (const struct sockaddr *) address, sizeof *address) == 0 ||
                  errno == EINPROGRESS);
  if (connected && g_str_equal (how, "byte"))
    connected = send (fd, "G", 1, MSG_NOSIGNAL) == 1;
  if (g_str_equal (how, "reset"))
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (fd);
  return connected;
}

int
main (int argc, char **argv)
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  gint64 begin_us = g_get_monotonic_time ();
  gint64 end_us;
  guint64 rate;
  guint count = 0, failed = 0;

  if (argc != 6 || inet_pton (AF_INET, argv[1], &address.sin_addr) != 1) {
    g_printerr ("usage: bench-knocker HOST PORT SECONDS RATE fin|reset|byte\n");
    return 2;
  }
  address.sin_port = htons ((guint16) g_ascii_strtoull (argv[2], NULL, 10));
  end_us = begin_us + (gint64) g_ascii_strtoull (argv[3], NULL, 10) * G_USEC_PER_SEC;
  rate = g_ascii_strtoull (argv[4], NULL, 10);
  for (;;) {
    gint64 now_us = g_get_monotonic_time ();
    guint64 due = (guint64) (MIN (now_us, end_us) - begin_us) * rate / G_USEC_PER_SEC;

    /* what could not be done in time is left out */
    for (guint i = 0; i < 100 && count < due; i++)
      failed += !knock (&address, count++, argv[5]);
    if (now_us >= end_us)
      break;
    if (count >= due)
      g_usleep (1000);
  }
  g_print ("{\"connections\":%u,\"failed\":%u}\n", count, failed);
  return 0;
}
