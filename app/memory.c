/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

void
weir_memory_give_back (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}
