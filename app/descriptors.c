/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptors.h"

#include <sys/resource.h>

/* for what is open anyway, and for a hundred broadcasts: each has a socket and its open segments */
#define RESERVE (64 + 100 * 4)

guint
weir_descriptors_get_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return 1024;
  return (guint) MIN (limit.rlim_cur, G_MAXINT);
}

guint
weir_descriptors_raise_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
  return weir_descriptors_get_limit ();
}

guint
weir_descriptors_count_open (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    count++;
  /* the folder's own */
  return count > 0 ? count - 1 : 0;
}

gchar *
weir_descriptors_explain_shortage (guint limit, guint pending, guint viewers)
{
  guint64 wanted = (guint64) pending + viewers + RESERVE;

  if (wanted <= limit)
    return NULL;
  return g_strdup_printf (
      "The process may open %u files; %u connections of encoders that are not "
      "let in yet, %u HTTP connections and 100 broadcasts need %" G_GUINT64_FORMAT
      ". Raise LimitNOFILE= of the service (ulimit -n), or lower "
      "limits.http-connections.",
      limit, pending, viewers, wanted);
}
