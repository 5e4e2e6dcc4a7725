/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What the C library's allocator does with memory that is free. Elsewhere than with glibc both
 * functions do nothing.
 */

/**
 * weir_memory_init:
 *
 * The payload of a chunk is some hundred kilobytes. By default the allocator maps the first ones
 * anew and gives their pages back each time, and clearing pages costs more than writing them: those
 * are kept from now on. Before there are other threads.
 */
void weir_memory_init (void);
/**
 * weir_memory_give_back:
 *
 * Gives free memory back to the system. Each thread's part of the heap is locked on the way: only
 * while nobody publishes.
 */
void weir_memory_give_back (void);

G_END_DECLS
