/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "net/connection.h"

enum {
  UNDECIDED,
  ACCEPTED,
  REFUSED, /* or gone */
};

typedef struct {
  gchar *protocol;
  gchar *peer;
  gchar *secret;
  guint64 id;
  gint decided; /* atomic */
} WeirConnectionPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (WeirConnection, weir_connection, G_TYPE_OBJECT)

enum {
  PROP_PROTOCOL = 1,
  PROP_PEER,
  PROP_SECRET,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint ended_signal;

static guint64
next_id (void)
{
  static guint64 last;

  return __atomic_add_fetch (&last, 1, __ATOMIC_RELAXED);
}

static void
weir_connection_init (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  private->id = next_id ();
}

static void
weir_connection_finalize (GObject *object)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (WEIR_CONNECTION (object));

  g_free (private->protocol);
  g_free (private->peer);
  g_free (private->secret);
  G_OBJECT_CLASS (weir_connection_parent_class)->finalize (object);
}

static void
weir_connection_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (WEIR_CONNECTION (object));

  switch (id) {
  case PROP_PROTOCOL:
    g_value_set_string (value, private->protocol);
    break;
  case PROP_PEER:
    g_value_set_string (value, private->peer);
    break;
  case PROP_SECRET:
    g_value_set_string (value, private->secret);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
weir_connection_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (WEIR_CONNECTION (object));

  switch (id) {
  case PROP_PROTOCOL:
    private
    ->protocol = g_value_dup_string (value);
    break;
  case PROP_PEER:
    private
    ->peer = g_value_dup_string (value);
    break;
  case PROP_SECRET:
    private
    ->secret = g_value_dup_string (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
weir_connection_class_init (WeirConnectionClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = weir_connection_finalize;
  object_class->get_property = weir_connection_get_property;
  object_class->set_property = weir_connection_set_property;
  properties[PROP_PROTOCOL] =
      g_param_spec_string ("protocol", "Protocol", "How it came: rtmp, srt, webrtc", NULL, flags);
  properties[PROP_PEER] =
      g_param_spec_string ("peer", "Peer", "Address and port of the encoder", NULL, flags);
  properties[PROP_SECRET] =
      g_param_spec_string ("secret", "Secret", "What the encoder showed", NULL, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  ended_signal = g_signal_new (
      "ended", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/* Returns: TRUE for the first decision only */
static gboolean
decide (WeirConnection *self, gint decision)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return g_atomic_int_compare_and_exchange (&private->decided, UNDECIDED, decision);
}

gboolean
weir_connection_accept (WeirConnection *self, WeirWorker *worker)
{
  if (!decide (self, ACCEPTED))
    return FALSE;
  WEIR_CONNECTION_GET_CLASS (self)->accept (self, worker);
  return TRUE;
}

gboolean
weir_connection_is_undecided (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return g_atomic_int_get (&private->decided) == UNDECIDED;
}

void
weir_connection_refuse (WeirConnection *self, WeirRefusal refusal, const gchar *description)
{
  if (decide (self, REFUSED))
    WEIR_CONNECTION_GET_CLASS (self)->refuse (self, refusal, description);
}

void
weir_connection_end (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  if (!decide (self, REFUSED) && g_atomic_int_get (&private->decided) == ACCEPTED)
    g_signal_emit (self, ended_signal, 0);
}

void
weir_connection_close (WeirConnection *self, const gchar *description)
{
  WEIR_CONNECTION_GET_CLASS (self)->close (self, description);
}

gboolean
weir_connection_request_reconnect (
    WeirConnection *self, const gchar *address, const gchar *description)
{
  WeirConnectionClass *class = WEIR_CONNECTION_GET_CLASS (self);

  return class->request_reconnect != NULL && class->request_reconnect (self, address, description);
}

void
weir_connection_reject (WeirConnection *self, const gchar *description)
{
  WeirConnectionClass *class = WEIR_CONNECTION_GET_CLASS (self);

  if (class->reject != NULL)
    class->reject (self, description);
  else
    weir_connection_close (self, description);
}

void
weir_connection_tell (
    WeirConnection *self, WeirNotice notice, const gchar *code, const gchar *description)
{
  WeirConnectionClass *class = WEIR_CONNECTION_GET_CLASS (self);

  if (class->tell != NULL)
    class->tell (self, notice, code, description);
}

void
weir_connection_get_summary (WeirConnection *self, WeirConnectionSummary *summary)
{
  WEIR_CONNECTION_GET_CLASS (self)->get_summary (self, summary);
}

gint64
weir_connection_get_last_media_us (WeirConnection *self)
{
  return WEIR_CONNECTION_GET_CLASS (self)->get_last_media_us (self);
}

guint64
weir_connection_get_bytes_received (WeirConnection *self)
{
  return WEIR_CONNECTION_GET_CLASS (self)->get_bytes_received (self);
}

void
weir_connection_set_secret (WeirConnection *self, const gchar *secret)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  g_free (private->secret);
  private->secret = g_strdup (secret);
}

const gchar *
weir_connection_get_protocol (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return private->protocol;
}

const gchar *
weir_connection_get_peer (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return private->peer;
}

const gchar *
weir_connection_get_secret (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return private->secret;
}

guint64
weir_connection_get_id (WeirConnection *self)
{
  WeirConnectionPrivate *private = weir_connection_get_instance_private (self);

  return private->id;
}

void
weir_connection_summary_clear (WeirConnectionSummary *self)
{
  g_clear_pointer (&self->reason, g_free);
  g_clear_pointer (&self->last_message, g_free);
  g_clear_pointer (&self->codecs, g_free);
}
