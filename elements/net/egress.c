/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/egress.h"

#include "net/address.h"
#include "net/proxy.h"

#include <string.h>

#define LOW_PORTS_END 1024

/* IANA's special-purpose registries (RFC 6890), without what is for everyone */
static const gchar not_public[] =
    "0.0.0.0/8;10.0.0.0/8;100.64.0.0/10;127.0.0.0/8;169.254.0.0/16;172.16.0.0/12;192.0.0.0/24;"
    "192.0.2.0/24;192.88.99.0/24;192.168.0.0/16;198.18.0.0/15;198.51.100.0/24;203.0.113.0/24;"
    "224.0.0.0/4;240.0.0.0/4;2001::/23;2001:db8::/32;3fff::/20";
/* whatever in IPv6 is elsewhere is not for the Internet */
static const gchar global_unicast[] = "2000::/3";
/* with an IPv4 address in it: RFC 6052 2.1, RFC 3056 2 */
static const gchar nat64[] = "64:ff9b::/96";
static const gchar six_to_four[] = "2002::/16";

struct _WeirEgress {
  gatomicrefcount ref_count;
  WeirNetworks *allowed;
  WeirNetworks *not_public;
  WeirNetworks *global_unicast;
  WeirNetworks *nat64;
  WeirNetworks *six_to_four;
};

G_DEFINE_QUARK (weir_egress_error, weir_egress_error)

WeirEgress *
weir_egress_new (const gchar *allow, GError **error)
{
  WeirNetworks *allowed = weir_networks_parse (allow, error);
  WeirEgress *self;

  if (allowed == NULL)
    return NULL;
  self = g_new0 (WeirEgress, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->allowed = allowed;
  self->not_public = weir_networks_parse (not_public, NULL);
  self->global_unicast = weir_networks_parse (global_unicast, NULL);
  self->nat64 = weir_networks_parse (nat64, NULL);
  self->six_to_four = weir_networks_parse (six_to_four, NULL);
  return self;
}

WeirEgress *
weir_egress_ref (WeirEgress *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
weir_egress_unref (WeirEgress *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  weir_networks_free (self->allowed);
  weir_networks_free (self->not_public);
  weir_networks_free (self->global_unicast);
  weir_networks_free (self->nat64);
  weir_networks_free (self->six_to_four);
  g_free (self);
}

/* Returns: (transfer full): the IPv4 address that packets to @address end at, if there is one */
static GInetAddress *
get_real_address (const WeirEgress *self, GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6) {
    if (weir_networks_contain (self->nat64, address))
      return g_inet_address_new_from_bytes (bytes + 12, G_SOCKET_FAMILY_IPV4);
    if (weir_networks_contain (self->six_to_four, address))
      return g_inet_address_new_from_bytes (bytes + 2, G_SOCKET_FAMILY_IPV4);
  }
  return weir_address_unmap (address);
}

static gboolean
is_public (const WeirEgress *self, GInetAddress *address)
{
  if (weir_networks_contain (self->not_public, address))
    return FALSE;
  return g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4 ||
         weir_networks_contain (self->global_unicast, address);
}

gboolean
weir_egress_check (const WeirEgress *self, GInetAddress *address, guint16 port, GError **error)
{
  g_autoptr (GInetAddress) real = get_real_address (self, address);
  g_autofree gchar *text = NULL;

  if (weir_networks_contain (self->allowed, address) || weir_networks_contain (self->allowed, real))
    return TRUE;
  text = g_inet_address_to_string (address);
  if (!is_public (self, real)) {
    g_set_error (error, WEIR_EGRESS_ERROR, WEIR_EGRESS_ERROR_REFUSED,
        "%s is no public address, and not in egress.allow", text);
    return FALSE;
  }
  if (port < LOW_PORTS_END && port != 80 && port != 443) {
    g_set_error (error, WEIR_EGRESS_ERROR, WEIR_EGRESS_ERROR_REFUSED,
        "port %u of %s is refused: below 1024 only 80 and 443 may be reached outside of "
        "egress.allow",
        port, text);
    return FALSE;
  }
  return TRUE;
}

/* what is connected to */

#define TYPE_CHECKED_ADDRESS (checked_address_get_type ())
G_DECLARE_FINAL_TYPE (CheckedAddress, checked_address, WEIR, CHECKED_ADDRESS, GNetworkAddress)

struct _CheckedAddress {
  GNetworkAddress parent;
  WeirEgress *egress;
};

#define TYPE_CHECKED_ENUMERATOR (checked_enumerator_get_type ())
G_DECLARE_FINAL_TYPE (
    CheckedEnumerator, checked_enumerator, WEIR, CHECKED_ENUMERATOR, GSocketAddressEnumerator)

struct _CheckedEnumerator {
  GSocketAddressEnumerator parent;
  CheckedAddress *target;
  GList *addresses; /* of GInetAddress: all have passed */
  GList *next;
  gboolean resolved;
};

G_DEFINE_TYPE (CheckedEnumerator, checked_enumerator, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static void
checked_enumerator_finalize (GObject *object)
{
  CheckedEnumerator *self = WEIR_CHECKED_ENUMERATOR (object);

  g_object_unref (self->target);
  g_resolver_free_addresses (self->addresses);
  G_OBJECT_CLASS (checked_enumerator_parent_class)->finalize (object);
}

/* @addresses: (transfer full) */
static gboolean
take_addresses (CheckedEnumerator *self, GList *addresses, GError **error)
{
  guint16 port = g_network_address_get_port (G_NETWORK_ADDRESS (self->target));

  for (GList *link = addresses; link != NULL; link = link->next) {
    if (!weir_egress_check (self->target->egress, link->data, port, error)) {
      g_resolver_free_addresses (addresses);
      return FALSE;
    }
  }
  self->addresses = self->next = addresses;
  self->resolved = TRUE;
  return TRUE;
}

/* Returns: (transfer full) (nullable) */
static GSocketAddress *
take_next (CheckedEnumerator *self)
{
  GSocketAddress *address = NULL;

  if (self->next != NULL) {
    address = g_inet_socket_address_new (
        self->next->data, g_network_address_get_port (G_NETWORK_ADDRESS (self->target)));
    self->next = self->next->next;
  }
  return address;
}

static GSocketAddress *
checked_enumerator_next (
    GSocketAddressEnumerator *enumerator, GCancellable *cancellable, GError **error)
{
  CheckedEnumerator *self = WEIR_CHECKED_ENUMERATOR (enumerator);

  if (!self->resolved) {
    g_autoptr (GResolver) resolver = g_resolver_get_default ();
    GList *addresses = g_resolver_lookup_by_name (resolver,
        g_network_address_get_hostname (G_NETWORK_ADDRESS (self->target)), cancellable, error);

    if (addresses == NULL || !take_addresses (self, addresses, error))
      return NULL;
  }
  return take_next (self);
}

static void
looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  CheckedEnumerator *self = g_task_get_source_object (task);
  GError *error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  if (addresses == NULL || !take_addresses (self, addresses, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, take_next (self), g_object_unref);
}

static void
checked_enumerator_next_async (GSocketAddressEnumerator *enumerator, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  CheckedEnumerator *self = WEIR_CHECKED_ENUMERATOR (enumerator);
  g_autoptr (GTask) task = g_task_new (enumerator, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = NULL;

  if (self->resolved) {
    g_task_return_pointer (task, take_next (self), g_object_unref);
    return;
  }
  resolver = g_resolver_get_default ();
  g_resolver_lookup_by_name_async (resolver,
      g_network_address_get_hostname (G_NETWORK_ADDRESS (self->target)), cancellable, looked_up,
      g_steal_pointer (&task));
}

static GSocketAddress *
checked_enumerator_next_finish (
    G_GNUC_UNUSED GSocketAddressEnumerator *enumerator, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
checked_enumerator_class_init (CheckedEnumeratorClass *klass)
{
  GSocketAddressEnumeratorClass *enumerator_class = G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = checked_enumerator_finalize;
  enumerator_class->next = checked_enumerator_next;
  enumerator_class->next_async = checked_enumerator_next_async;
  enumerator_class->next_finish = checked_enumerator_next_finish;
}

static void
checked_enumerator_init (G_GNUC_UNUSED CheckedEnumerator *self)
{
}

static GSocketAddressEnumerator *
checked_address_enumerate (GSocketConnectable *connectable)
{
  CheckedEnumerator *enumerator = g_object_new (TYPE_CHECKED_ENUMERATOR, NULL);

  enumerator->target = g_object_ref (WEIR_CHECKED_ADDRESS (connectable));
  return G_SOCKET_ADDRESS_ENUMERATOR (enumerator);
}

static void
checked_address_connectable_init (GSocketConnectableIface *iface)
{
  /* no proxy stands between what was checked and what is connected to */
  iface->enumerate = checked_address_enumerate;
  iface->proxy_enumerate = checked_address_enumerate;
}

G_DEFINE_TYPE_WITH_CODE (CheckedAddress, checked_address, G_TYPE_NETWORK_ADDRESS,
    G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, checked_address_connectable_init))

static void
checked_address_finalize (GObject *object)
{
  g_clear_pointer (&WEIR_CHECKED_ADDRESS (object)->egress, weir_egress_unref);
  G_OBJECT_CLASS (checked_address_parent_class)->finalize (object);
}

static void
checked_address_class_init (CheckedAddressClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = checked_address_finalize;
}

static void
checked_address_init (G_GNUC_UNUSED CheckedAddress *self)
{
}

GSocketConnectable *
weir_egress_connectable_new (WeirEgress *self, const gchar *host, guint16 port)
{
  CheckedAddress *address =
      g_object_new (TYPE_CHECKED_ADDRESS, "hostname", host, "port", (guint) port, NULL);

  address->egress = weir_egress_ref (self);
  return G_SOCKET_CONNECTABLE (address);
}
