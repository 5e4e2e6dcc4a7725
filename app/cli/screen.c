/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

struct _WeirScreen {
  struct termios before;
  gboolean has_before;
  struct sigaction stop_before;
};

static void
put (const gchar *text)
{
  fputs (text, stdout);
  fflush (stdout);
}

/* keys that are pressed do not appear in the page */
static void
silence_keys (WeirScreen *self)
{
  struct termios silent;

  self->has_before = tcgetattr (STDIN_FILENO, &self->before) == 0;
  if (!self->has_before)
    return;
  silent = self->before;
  silent.c_lflag &= ~(tcflag_t) (ECHO | ICANON);
  tcsetattr (STDIN_FILENO, TCSADRAIN, &silent);
}

WeirScreen *
weir_screen_enter (void)
{
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  WeirScreen *self;

  if (!isatty (STDOUT_FILENO))
    return NULL;
  self = g_new0 (WeirScreen, 1);
  silence_keys (self);
  /* the shell would go on with this page */
  sigaction (SIGTSTP, &ignore, &self->stop_before);
  /* the other page of the terminal, without cursor, lines that are not wrapped */
  put ("\033[?1049h\033[?25l\033[?7l\033[H\033[2J");
  return self;
}

void
weir_screen_leave (WeirScreen *self)
{
  put ("\033[?7h\033[?25h\033[?1049l");
  sigaction (SIGTSTP, &self->stop_before, NULL);
  if (self->has_before)
    tcsetattr (STDIN_FILENO, TCSAFLUSH, &self->before);
  g_free (self);
}

void
weir_screen_get_size (G_GNUC_UNUSED WeirScreen *self, guint *columns, guint *rows)
{
  struct winsize size;
  gboolean known = ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

  *columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
  *rows = known && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
}

void
weir_screen_draw (WeirScreen *self, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) page = g_string_new ("\033[H");
  guint columns, rows;

  weir_screen_get_size (self, &columns, &rows);
  for (guint i = 0; lines[i] != NULL && i < rows; i++)
    g_string_append_printf (page, "%s%s\033[K", i > 0 ? "\r\n" : "", lines[i]);
  g_string_append (page, "\033[J");
  put (page->str);
}
