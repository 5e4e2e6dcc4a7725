/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * WeirScreen: the terminal on stdout, a page that is drawn again and again; what was on it comes
 * back at the end
 */
typedef struct _WeirScreen WeirScreen;

/* Returns: (nullable): NULL when stdout is no terminal */
WeirScreen *weir_screen_enter (void);
void weir_screen_leave (WeirScreen *self);
/* in characters */
void weir_screen_get_size (WeirScreen *self, guint *columns, guint *rows);
/* @text: lines no longer than the screen is wide; those that do not fit are left out */
void weir_screen_draw (WeirScreen *self, const gchar *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirScreen, weir_screen_leave)

G_END_DECLS
