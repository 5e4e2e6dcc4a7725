/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* raises the number of files that the process may open to what it is allowed to.
 * Returns: that number */
guint weir_descriptors_raise_limit (void);
guint weir_descriptors_get_limit (void);
/* Returns: how many are open; for seldom questions */
guint weir_descriptors_count_open (void);
/* Returns: (transfer full) (nullable): a sentence when @limit is too low for @pending connections
 * of encoders and @viewers of HTTP at the same time; NULL when it will do */
gchar *weir_descriptors_explain_shortage (guint limit, guint pending, guint viewers);

G_END_DECLS
