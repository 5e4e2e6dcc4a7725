/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify.h"

#include <glib/gstdio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

/* a service manager's socket at @path */
static GSocket *
listen_at (const gchar *path, GUnixSocketAddressType type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address =
      g_unix_socket_address_new_with_type (path, (gint) strlen (path), type);
  GSocket *socket = g_socket_new (
      G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, address, FALSE, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (socket, 10);
  return socket;
}

static gchar *
receive (GSocket *socket)
{
  gchar data[512];
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_receive (socket, data, sizeof data, NULL, &error);

  g_assert_no_error (error);
  return g_strndup (data, (gsize) size);
}

static void
a_datagram_goes_to_the_path (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("weir-notify-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "socket", NULL);
  g_autoptr (GSocket) socket = listen_at (path, G_UNIX_SOCKET_ADDRESS_PATH);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *ready = NULL;
  g_autofree gchar *reloading = NULL;

  g_setenv ("NOTIFY_SOCKET", path, TRUE);
  g_assert_true (weir_notify ("READY=1\nSTATUS=well", &error));
  g_assert_no_error (error);
  ready = receive (socket);
  g_assert_cmpstr (ready, ==, "READY=1\nSTATUS=well");
  g_assert_true (weir_notify_reloading (&error));
  reloading = receive (socket);
  g_assert_true (g_str_has_prefix (reloading, "RELOADING=1\nMONOTONIC_USEC="));
  g_unlink (path);
  g_rmdir (folder);
}

static void
a_datagram_goes_to_the_abstract_name (void)
{
  g_autofree gchar *name = g_strdup_printf ("weir-notify-%u", g_random_int ());
  g_autofree gchar *value = g_strconcat ("@", name, NULL);
  g_autoptr (GSocket) socket = listen_at (name, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *stopping = NULL;

  g_setenv ("NOTIFY_SOCKET", value, TRUE);
  g_assert_true (weir_notify ("STOPPING=1", &error));
  g_assert_no_error (error);
  stopping = receive (socket);
  g_assert_cmpstr (stopping, ==, "STOPPING=1");
}

static void
without_a_service_manager_nothing_happens (void)
{
  g_autoptr (GError) error = NULL;

  g_unsetenv ("NOTIFY_SOCKET");
  g_assert_true (weir_notify ("READY=1", &error));
  g_setenv ("NOTIFY_SOCKET", "", TRUE);
  g_assert_true (weir_notify ("READY=1", &error));
  g_assert_no_error (error);
}

static void
an_address_that_does_not_work_is_an_error (void)
{
  g_autofree gchar *filler = g_strnfill (200, 'x');
  g_autofree gchar *longer = g_strconcat ("/", filler, NULL);
  g_autoptr (GError) error = NULL;

  g_setenv ("NOTIFY_SOCKET", "/nonexistent/socket", TRUE);
  g_assert_false (weir_notify ("READY=1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_setenv ("NOTIFY_SOCKET", "relative", TRUE);
  g_assert_false (weir_notify ("READY=1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_setenv ("NOTIFY_SOCKET", longer, TRUE);
  g_assert_false (weir_notify ("READY=1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/notify/a_datagram_goes_to_the_path", a_datagram_goes_to_the_path);
  g_test_add_func (
      "/notify/a_datagram_goes_to_the_abstract_name", a_datagram_goes_to_the_abstract_name);
  g_test_add_func ("/notify/without_a_service_manager_nothing_happens",
      without_a_service_manager_nothing_happens);
  g_test_add_func ("/notify/an_address_that_does_not_work_is_an_error",
      an_address_that_does_not_work_is_an_error);
  return g_test_run ();
}
