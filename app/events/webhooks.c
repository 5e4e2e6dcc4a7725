/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/webhooks.h"

#include "events/poster.h"

#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

#define FETCH_STEP 100
#define IN_FLIGHT_MAX 32
#define TIMEOUT_US (10 * (gint64) G_USEC_PER_SEC)
#define STORE_RETRY_MS 1000
/* events that were not for a webhook, after which its cursor is written nevertheless */
#define SKIPPED_MAX 1000

struct _WeirWebhooks {
  WeirWebhooksSettings settings;
  GHashTable *endpoints; /* id → Endpoint */
  GQueue waiting;        /* of Endpoint: for a request of their own */
  guint in_flight;
  gulong changed_handler;
  guint list_source; /* the store did not say which there are */
  gboolean freed;
};

/* what a webhook is at; the references are the table's and those of calls under way */
typedef struct {
  WeirWebhooks *owner; /* NULL: removed */
  WeirWebhook *webhook;
  WeirPoster *poster;
  WeirDelivery delivery;
  guint64 revision; /* of the delivery's document, 0: there is none */
  gboolean loading;
  gboolean ready; /* the document has been looked for */
  GQueue events;  /* of WeirEvent: read, not done with */
  guint64 read_to;
  guint skipped;
  gboolean more; /* there may be more in the store */
  gboolean fetching;
  gboolean sending;
  gboolean stale; /* what is being sent was begun for what the webhook was before */
  gboolean saving;
  gboolean changed; /* since it was saved */
  GList link;       /* in waiting */
  gboolean waits;
  guint timer;
} Endpoint;

static void endpoint_go_on (Endpoint *self);
static void endpoint_load (Endpoint *self);
static void look_up (WeirWebhooks *self, const gchar *id);

static void
endpoint_clear (gpointer data)
{
  Endpoint *self = data;

  g_clear_pointer (&self->webhook, weir_webhook_free);
  g_clear_pointer (&self->poster, weir_poster_free);
  weir_delivery_clear (&self->delivery);
  g_queue_clear_full (&self->events, (GDestroyNotify) weir_event_free);
}

static void
endpoint_unref (Endpoint *self)
{
  g_rc_box_release_full (self, endpoint_clear);
}

static Endpoint *
endpoint_ref (Endpoint *self)
{
  return g_rc_box_acquire (self);
}

static WeirStore *
get_store (Endpoint *self)
{
  return self->owner->settings.store;
}

static void
forget_events (Endpoint *self)
{
  g_queue_clear_full (&self->events, (GDestroyNotify) weir_event_free);
  self->read_to = MAX (self->delivery.cursor, self->webhook->since);
  self->more = TRUE;
}

static gboolean
timer_due (gpointer data)
{
  Endpoint *self = data;

  self->timer = 0;
  endpoint_go_on (self);
  return G_SOURCE_REMOVE;
}

static void
wait_us (Endpoint *self, gint64 time_us)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add ((guint) CLAMP (time_us / 1000 + 1, 1, G_MAXINT), timer_due, self);
}

/* cursors */

static void endpoint_save (Endpoint *self);

static void
looked_for_revision (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Endpoint *self = user_data;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, NULL);

  self->saving = FALSE;
  self->revision = document != NULL ? document->revision : 0;
  if (self->owner != NULL)
    endpoint_save (self);
  endpoint_unref (self);
}

static void
saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Endpoint *self = user_data;
  g_autoptr (GError) error = NULL;
  guint64 revision = weir_store_put_document_finish (WEIR_STORE (source), result, &error);

  if (revision == 0)
    self->changed = TRUE;
  else
    self->revision = revision;
  if (self->owner != NULL && self->revision == 0 &&
      g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    /* the webhook has gone */
    look_up (self->owner, self->webhook->id);
  } else if (self->owner != NULL && revision == 0 &&
             !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE)) {
    weir_store_get_document (
        get_store (self), WEIR_DOCUMENT_DELIVERY, self->webhook->id, looked_for_revision, self);
    return;
  }
  self->saving = FALSE;
  /* while the store is away, the next change is soon enough: what is sent twice does no harm */
  if (self->owner != NULL && revision != 0)
    endpoint_save (self);
  endpoint_unref (self);
}

/* one write at a time; what changes meanwhile is written by the next */
static void
endpoint_save (Endpoint *self)
{
  g_autoptr (WeirDocument) document = NULL;

  if (self->saving || !self->changed)
    return;
  self->saving = TRUE;
  self->changed = FALSE;
  self->skipped = 0;
  document = weir_document_new (WEIR_DOCUMENT_DELIVERY, self->webhook->account, self->webhook->id);
  document->parent = g_strdup (self->webhook->id);
  document->created_us = document->modified_us = g_get_real_time ();
  g_free (document->json);
  document->json = weir_delivery_to_json (&self->delivery);
  weir_store_put_document (get_store (self), document, self->revision, saved, endpoint_ref (self));
}

/* events */

static void
fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Endpoint *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events =
      weir_store_list_events_finish (WEIR_STORE (source), result, &error);

  self->fetching = FALSE;
  if (self->owner == NULL) {
    endpoint_unref (self);
    return;
  }
  if (events == NULL) {
    self->more = TRUE;
    wait_us (self, STORE_RETRY_MS * 1000);
  } else {
    for (guint i = 0; i < events->len; i++) {
      const WeirEvent *event = events->pdata[i];

      if (event->sequence <= self->read_to)
        continue;
      self->read_to = event->sequence;
      g_queue_push_tail (&self->events, weir_event_copy (event));
    }
    self->more = self->more || events->len == FETCH_STEP;
    endpoint_go_on (self);
  }
  endpoint_unref (self);
}

static void
endpoint_fetch (Endpoint *self)
{
  if (!self->more)
    return;
  self->more = FALSE;
  self->fetching = TRUE;
  weir_store_list_events (get_store (self), self->webhook->account, self->read_to, FETCH_STEP,
      fetched, endpoint_ref (self));
}

/* what is not for it is done with */
static void
endpoint_skip (Endpoint *self)
{
  WeirEvent *event;

  while ((event = g_queue_peek_head (&self->events)) != NULL &&
         !weir_webhook_wants (self->webhook, event->type)) {
    self->delivery.cursor = event->sequence;
    self->changed = TRUE;
    self->skipped++;
    weir_event_free (g_queue_pop_head (&self->events));
  }
  if (self->skipped >= SKIPPED_MAX)
    endpoint_save (self);
}

/* requests */

static void
let_next_go (WeirWebhooks *self)
{
  GList *link = g_queue_pop_head_link (&self->waiting);

  if (link == NULL)
    return;
  ((Endpoint *) link->data)->waits = FALSE;
  endpoint_go_on (link->data);
}

static void
end_sending (Endpoint *self)
{
  WeirWebhooks *owner = self->owner;

  self->sending = FALSE;
  owner->in_flight--;
  let_next_go (owner);
}

static void
report_failure (Endpoint *self, const WeirEvent *event, const GError *error)
{
  g_autofree gchar *url = weir_webhook_mask_url (self->webhook->url);
  WeirCounters *counters = self->owner->settings.counters;

  weir_counters_add (counters, WEIR_REASON_WEBHOOK_FAILED);
  if (weir_delivery_fail (&self->delivery, event->sequence, error->message, g_get_real_time (),
          g_random_double ())) {
    weir_counters_add (counters, WEIR_REASON_WEBHOOK_GIVEN_UP);
    g_message ("webhook %s (%s): event %" G_GUINT64_FORMAT " is given up: %s", self->webhook->id,
        url, event->sequence, error->message);
    weir_event_free (g_queue_pop_head (&self->events));
  } else if (self->delivery.attempts == 1) {
    g_message ("webhook %s (%s): %s", self->webhook->id, url, error->message);
  }
}

static void
posted (const GError *error, gpointer data)
{
  Endpoint *self = data;
  WeirEvent *event = g_queue_peek_head (&self->events);

  if (self->stale) {
    self->stale = FALSE;
    g_clear_pointer (&self->poster, weir_poster_free);
    forget_events (self);
  } else {
    if (error != NULL) {
      report_failure (self, event, error);
    } else {
      weir_delivery_succeed (&self->delivery, event->sequence, g_get_real_time ());
      weir_event_free (g_queue_pop_head (&self->events));
    }
    self->changed = TRUE;
    endpoint_save (self);
  }
  end_sending (self);
  endpoint_go_on (self);
}

/* @recording: (nullable) */
static void
endpoint_post (Endpoint *self, const gchar *recording)
{
  WeirEvent *event = g_queue_peek_head (&self->events);
  gint64 seconds = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree gchar *body = weir_webhook_make_body (self->webhook, event, recording);
  g_auto (GStrv) headers = NULL;

  /* of a recording that is gone already there is nothing to be said */
  if (body == NULL) {
    posted (NULL, self);
    return;
  }
  headers = weir_webhook_make_headers (self->webhook, event->type, event->sequence, seconds, body);
  if (self->poster == NULL)
    self->poster = weir_poster_new (self->webhook->url, self->owner->settings.egress,
        self->owner->settings.timeout_us, self->owner->settings.trust);
  weir_poster_send (self->poster, (const gchar *const *) headers, body, posted, self);
}

static void
got_recording (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Endpoint *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);
  g_autofree gchar *recording = NULL;

  if (self->owner != NULL) {
    const WeirWebhooksSettings *settings = &self->owner->settings;

    if (record != NULL && settings->describe != NULL)
      recording = settings->describe (record, settings->describe_data);
    if (record == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
      posted (error, self);
    else
      endpoint_post (self, recording);
  }
  endpoint_unref (self);
}

static void
endpoint_send (Endpoint *self)
{
  const WeirEvent *event = g_queue_peek_head (&self->events);

  self->sending = TRUE;
  self->owner->in_flight++;
  if (self->webhook->format == WEIR_WEBHOOK_HOSTED && event->broadcast != NULL &&
      strcmp (event->type, WEIR_EVENT_RECORDING_READY) == 0)
    weir_store_get_broadcast (
        get_store (self), event->broadcast, got_recording, endpoint_ref (self));
  else
    endpoint_post (self, NULL);
}

static void
endpoint_go_on (Endpoint *self)
{
  WeirWebhooks *owner = self->owner;
  gint64 delay_us;

  if (owner == NULL || !self->webhook->enabled || self->loading || self->fetching ||
      self->sending || self->waits || self->timer != 0)
    return;
  if (!self->ready) {
    endpoint_load (self);
    return;
  }
  endpoint_skip (self);
  if (g_queue_is_empty (&self->events)) {
    endpoint_fetch (self);
    return;
  }
  delay_us = self->delivery.next_attempt_us - g_get_real_time ();
  /* a longer one is of a clock that was set back since */
  if (delay_us > 0 && delay_us <= weir_webhook_get_delay (G_MAXUINT, 0)) {
    wait_us (self, delay_us);
    return;
  }
  if (owner->in_flight >= owner->settings.in_flight_max) {
    self->waits = TRUE;
    g_queue_push_tail_link (&owner->waiting, &self->link);
    return;
  }
  endpoint_send (self);
}

/* which there are */

static void
endpoint_remove (gpointer data)
{
  Endpoint *self = data;

  if (self->waits)
    g_queue_unlink (&self->owner->waiting, &self->link);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->sending)
    self->owner->in_flight--;
  g_clear_pointer (&self->poster, weir_poster_free);
  self->owner = NULL;
  endpoint_unref (self);
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Endpoint *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  self->loading = FALSE;
  if (self->owner == NULL) {
    endpoint_unref (self);
    return;
  }
  if (document == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    wait_us (self, STORE_RETRY_MS * 1000);
  } else {
    if (document != NULL) {
      weir_delivery_from_json (&self->delivery, document->json);
      self->revision = document->revision;
    }
    self->ready = TRUE;
    forget_events (self);
    endpoint_go_on (self);
  }
  endpoint_unref (self);
}

/* how far it was before this start */
static void
endpoint_load (Endpoint *self)
{
  self->loading = TRUE;
  weir_store_get_document (
      get_store (self), WEIR_DOCUMENT_DELIVERY, self->webhook->id, loaded, endpoint_ref (self));
}

/* @webhook: (transfer full) */
static void
endpoint_update (Endpoint *self, WeirWebhook *webhook)
{
  gboolean elsewhere = strcmp (self->webhook->url, webhook->url) != 0;

  weir_webhook_free (self->webhook);
  self->webhook = webhook;
  /* whoever has changed something wants to see it work */
  g_clear_handle_id (&self->timer, g_source_remove);
  self->delivery.next_attempt_us = 0;
  if (self->sending) {
    self->stale = TRUE;
    return;
  }
  if (elsewhere)
    g_clear_pointer (&self->poster, weir_poster_free);
  if (self->ready)
    forget_events (self);
  endpoint_go_on (self);
}

static void
take_document (WeirWebhooks *self, const WeirDocument *document)
{
  WeirWebhook *webhook = weir_webhook_from_document (document);
  Endpoint *endpoint = g_hash_table_lookup (self->endpoints, document->id);

  if (webhook == NULL) {
    g_message ("webhook %s cannot be read", document->id);
    return;
  }
  if (endpoint != NULL) {
    endpoint_update (endpoint, webhook);
    return;
  }
  endpoint = g_rc_box_new0 (Endpoint);
  endpoint->owner = self;
  endpoint->webhook = webhook;
  endpoint->link.data = endpoint;
  g_queue_init (&endpoint->events);
  g_hash_table_insert (self->endpoints, g_strdup (webhook->id), endpoint);
  endpoint_go_on (endpoint);
}

static void
webhooks_release (WeirWebhooks *self)
{
  g_rc_box_release (self);
}

static void
remove_endpoint (WeirWebhooks *self, const gchar *id)
{
  if (g_hash_table_remove (self->endpoints, id))
    let_next_go (self);
}

typedef struct {
  WeirWebhooks *webhooks;
  gchar *id;
} Lookup;

static void looked_up (GObject *source, GAsyncResult *result, gpointer user_data);

static void
lookup_free (Lookup *lookup)
{
  webhooks_release (lookup->webhooks);
  g_free (lookup->id);
  g_free (lookup);
}

/* @lookup: (transfer full) */
static void
lookup_ask (Lookup *lookup)
{
  weir_store_get_document (
      lookup->webhooks->settings.store, WEIR_DOCUMENT_WEBHOOK, lookup->id, looked_up, lookup);
}

static gboolean
look_up_again (gpointer data)
{
  Lookup *lookup = data;

  if (lookup->webhooks->freed)
    lookup_free (lookup);
  else
    lookup_ask (lookup);
  return G_SOURCE_REMOVE;
}

static void
looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirDocument) document =
      weir_store_get_document_finish (WEIR_STORE (source), result, &error);

  if (!lookup->webhooks->freed && document == NULL &&
      !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    /* one that has been deleted must not go on */
    g_info ("webhook %s is as it was before for now: %s", lookup->id, error->message);
    g_timeout_add (STORE_RETRY_MS, look_up_again, lookup);
    return;
  }
  if (!lookup->webhooks->freed && document != NULL)
    take_document (lookup->webhooks, document);
  else if (!lookup->webhooks->freed)
    remove_endpoint (lookup->webhooks, lookup->id);
  lookup_free (lookup);
}

static void
look_up (WeirWebhooks *self, const gchar *id)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  lookup->webhooks = g_rc_box_acquire (self);
  lookup->id = g_strdup (id);
  lookup_ask (lookup);
}

static gboolean list_again (gpointer data);

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirWebhooks *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) documents =
      weir_store_list_documents_finish (WEIR_STORE (source), result, &error);

  if (!self->freed && documents == NULL) {
    g_info ("the webhooks cannot be read for now: %s", error->message);
    self->list_source = g_timeout_add (STORE_RETRY_MS, list_again, self);
  } else if (!self->freed) {
    for (guint i = 0; i < documents->len; i++)
      take_document (self, documents->pdata[i]);
  }
  webhooks_release (self);
}

static void
list_all (WeirWebhooks *self)
{
  weir_store_list_documents (
      self->settings.store, WEIR_DOCUMENT_WEBHOOK, NULL, NULL, listed, g_rc_box_acquire (self));
}

static gboolean
list_again (gpointer data)
{
  WeirWebhooks *self = data;

  self->list_source = 0;
  list_all (self);
  return G_SOURCE_REMOVE;
}

static void
on_changed (G_GNUC_UNUSED WeirStore *store, guint change, const gchar *id, gpointer user_data)
{
  WeirWebhooks *self = user_data;
  g_autofree gchar *prefix = g_strdup_printf ("%d/", WEIR_DOCUMENT_WEBHOOK);
  GHashTableIter iter;
  gpointer value;

  if (change == WEIR_STORE_CHANGE_DOCUMENT && g_str_has_prefix (id, prefix))
    look_up (self, id + strlen (prefix));
  if (change != WEIR_STORE_CHANGE_EVENT)
    return;
  g_hash_table_iter_init (&iter, self->endpoints);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    ((Endpoint *) value)->more = TRUE;
    endpoint_go_on (value);
  }
}

void
weir_webhooks_settings_init (WeirWebhooksSettings *settings)
{
  *settings = (WeirWebhooksSettings){.in_flight_max = IN_FLIGHT_MAX, .timeout_us = TIMEOUT_US};
}

WeirWebhooks *
weir_webhooks_new (const WeirWebhooksSettings *settings)
{
  WeirWebhooks *self = g_rc_box_new0 (WeirWebhooks);

  self->settings = *settings;
  g_object_ref (self->settings.store);
  weir_egress_ref (self->settings.egress);
  if (settings->counters != NULL) {
    weir_counters_ref (settings->counters);
    weir_counters_declare (settings->counters, WEIR_REASON_WEBHOOK_FAILED);
    weir_counters_declare (settings->counters, WEIR_REASON_WEBHOOK_GIVEN_UP);
  }
  self->endpoints = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, endpoint_remove);
  g_queue_init (&self->waiting);
  self->changed_handler =
      g_signal_connect (self->settings.store, "changed", G_CALLBACK (on_changed), self);
  list_all (self);
  return self;
}

void
weir_webhooks_free (WeirWebhooks *self)
{
  if (self == NULL)
    return;
  self->freed = TRUE;
  g_clear_signal_handler (&self->changed_handler, self->settings.store);
  g_clear_handle_id (&self->list_source, g_source_remove);
  g_clear_pointer (&self->endpoints, g_hash_table_unref);
  g_clear_pointer (&self->settings.egress, weir_egress_unref);
  g_clear_pointer (&self->settings.counters, weir_counters_unref);
  g_clear_object (&self->settings.store);
  webhooks_release (self);
}
