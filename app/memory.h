/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * weir_memory_give_back:
 *
 * Gives free memory back to the system, with the C library's allocator; elsewhere than with glibc
 * it does nothing. Each thread's part of the heap is locked on the way: only while nobody
 * publishes.
 */
void weir_memory_give_back (void);

G_END_DECLS
