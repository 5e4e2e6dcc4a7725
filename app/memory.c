/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* larger pieces of memory go back to the system at once */
#define KEPT_ALLOCATION (4 * 1024 * 1024)

void
weir_memory_init (void)
{
#ifdef __GLIBC__
  mallopt (M_MMAP_THRESHOLD, KEPT_ALLOCATION);
  mallopt (M_TRIM_THRESHOLD, 2 * KEPT_ALLOCATION);
#endif
}

void
weir_memory_give_back (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}
