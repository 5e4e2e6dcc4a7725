/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include <string.h>

/* What is said of the commands elsewhere is what they are. */

static gchar *
read_source (const gchar *name)
{
  g_autofree gchar *path = g_test_build_filename (G_TEST_DIST, "..", "data", name, NULL);
  g_autoptr (GError) error = NULL;
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* roff as it is read: no fonts, plain hyphens */
static gchar *
read_man_page (void)
{
  g_autofree gchar *source = read_source ("man/weir.1");
  GString *text = g_string_new (NULL);

  for (const gchar *c = source; *c != '\0'; c++) {
    if (c[0] != '\\')
      g_string_append_c (text, *c);
    else if (c[1] == 'f')
      c += 2;
    else if (c[1] == '-')
      g_string_append_c (text, *++c);
  }
  return g_string_free (text, FALSE);
}

static void
the_man_page_names_each_command_and_option (void)
{
  g_autofree gchar *page = read_man_page ();
  guint count;
  const WeirCommand *commands = weir_commands_get (&count);

  for (guint i = 0; i < count; i++) {
    g_autofree gchar *name = g_strdup_printf ("\n.B weir %s%s%s", commands[i].noun,
        commands[i].verb != NULL ? " " : "", commands[i].verb != NULL ? commands[i].verb : "");

    if (strstr (page, name) == NULL)
      g_error ("weir(1) does not describe%s", name + 3);
  }
  for (guint i = 0; i < WEIR_OPTION_LAST; i++) {
    g_autofree gchar *name = weir_options[i].letter != 0
                                 ? g_strdup_printf ("-%c", weir_options[i].letter)
                                 : g_strconcat ("--", weir_options[i].name, NULL);

    if (strstr (page, name) == NULL)
      g_error ("weir(1) does not describe %s", name);
  }
}

static void
completion_is_made_of_the_table (void)
{
  g_autofree gchar *made = weir_commands_make_completion ();
  g_autofree gchar *path =
      g_test_build_filename (G_TEST_DIST, "..", "data", "weir.bash-completion", NULL);
  g_autofree gchar *there = NULL;

  if (g_getenv ("WEIR_UPDATE_EXPECTED") != NULL)
    g_assert_true (g_file_set_contents (path, made, -1, NULL));
  there = read_source ("weir.bash-completion");
  if (strcmp (made, there) != 0)
    g_error ("data/weir.bash-completion is out of date: run this with WEIR_UPDATE_EXPECTED=1");
}

static void
help_names_each_command_and_its_options (void)
{
  guint count;
  const WeirCommand *commands = weir_commands_get (&count);

  for (guint i = 0; i < count; i++) {
    g_autofree gchar *help = weir_commands_make_help (commands[i].noun);

    g_assert_nonnull (strstr (help, commands[i].help));
    for (guint k = 0; k < WEIR_OPTION_LAST; k++) {
      if ((commands[i].options & (1u << k)) != 0)
        g_assert_nonnull (strstr (help, weir_options[k].help));
    }
  }
}

static void
a_command_line_is_understood (void)
{
  gchar *argv[] = {(gchar *) "weir", (gchar *) "config", (gchar *) "check", (gchar *) "-c",
      (gchar *) "a", (gchar *) "-o", (gchar *) "b.c=d", (gchar *) "-o", (gchar *) "e.f=g", NULL};
  g_auto (WeirInvocation) invocation = {0};
  WeirExit status;

  g_assert_true (weir_invocation_parse (&invocation, 9, argv, &status));
  g_assert_cmpstr (invocation.command->verb, ==, "check");
  g_assert_cmpstr (invocation.values[WEIR_OPTION_CONFIG], ==, "a");
  g_assert_cmpstr (invocation.overrides[1], ==, "e.f=g");
  g_assert_cmpuint (invocation.n_operands, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(function) g_test_add_func ("/command/" #function, function)
  TEST (the_man_page_names_each_command_and_option);
  TEST (completion_is_made_of_the_table);
  TEST (help_names_each_command_and_its_options);
  TEST (a_command_line_is_understood);
  return g_test_run ();
}
